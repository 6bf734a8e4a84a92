//! The abilities of the terminal, which are asked for and not assumed: whether its cursor can be moved, how many colours it has, and
//! which characters it draws.
//!
//! | question | answered by |
//! |---|---|
//! | can the cursor be moved | `TERM`: if it is of a family of terminals with the control sequences of ECMA-48; not if it is unset, `dumb` or any other name |
//! | how many colours | `NO_COLOR` (no-color.org), then `COLORTERM`, then `TERM` |
//! | which characters | `--ascii`, then `[tui] glyphs`, then the locale: `LC_ALL`, `LC_CTYPE`, `LANG` (POSIX.1-2024, section 8.2) |
//! | a dark or a light background | the terminal itself (OSC 11), then `COLORFGBG` |
//!
//! A locale that nobody has set says nothing about the terminal; almost all of them draw UTF-8, and so it is taken for one that does.

use std::borrow::Cow;
use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, Ordering};

use p2p_base::spelling::{json_escape, visible_json};

/// Families of terminals with the control sequences of ECMA-48 for the cursor, by the first part of their names or a later one, without
/// the number of a model: `xterm-256color`, `vt220`, `screen.linux`, `ms-vt100`.
const MOVING_CURSORS: [&str; 40] = [
    "aixterm",
    "alacritty",
    "ansi",
    "beterm",
    "bvterm",
    "contour",
    "cygwin",
    "dtterm",
    "eterm",
    "fbterm",
    "foot",
    "ghostty",
    "gnome",
    "iterm",
    "jfbterm",
    "kitty",
    "konsole",
    "kterm",
    "linux",
    "mintty",
    "mlterm",
    "msys",
    "nsterm",
    "pcansi",
    "putty",
    "rio",
    "rxvt",
    "screen",
    "st",
    "stterm",
    "terminator",
    "terminology",
    "teraterm",
    "tmux",
    "vt",
    "vte",
    "wezterm",
    "wsvt",
    "xterm",
    "zellij",
];
/// Names of terminals that have all colours, for connections over which `COLORTERM` is not passed on.
const WITH_ALL_COLORS: [&str; 6] = ["alacritty", "foot", "ghostty", "kitty", "wezterm", "direct"];

/// The control character that JSON permits unescaped.
const DELETE: char = '\u{7f}';

/// Number of colours that a terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Colors {
    /// No colours at all; text attributes remain.
    None,
    /// The sixteen colours whose shades the user has chosen (ECMA-48, SGR 30-37 and 90-97).
    Sixteen,
    /// The 256 colours of xterm's palette.
    Indexed,
    /// Colours of 24 bits.
    All,
}

/// Characters from which tables, bars and marks are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Glyphs {
    /// Lines, blocks and arrows of Unicode.
    #[default]
    Unicode,
    /// Characters of ASCII alone.
    Ascii,
}

/// Characters beyond ASCII that this program draws with, each with what takes its place.
const IN_ASCII: [(char, &str); 20] = [
    ('…', "..."),
    ('›', ">"),
    ('→', "->"),
    ('·', "-"),
    ('✕', "x"),
    ('✓', "+"),
    ('×', "x"),
    ('²', "^2"),
    ('─', "-"),
    ('═', "="),
    ('│', "|"),
    ('┆', "|"),
    ('•', "*"),
    ('↑', "^"),
    ('↓', "v"),
    ('█', "#"),
    ('░', "."),
    ('▓', "#"),
    ('▒', "="),
    ('–', "-"),
];

impl Glyphs {
    /// Returns the mark of something that is cut off or may be repeated.
    pub const fn ellipsis(self) -> &'static str {
        match self {
            Glyphs::Unicode => "…",
            Glyphs::Ascii => "...",
        }
    }

    /// Returns the mark of the place at which a line is typed.
    pub const fn prompt(self) -> &'static str {
        match self {
            Glyphs::Unicode => "›",
            Glyphs::Ascii => ">",
        }
    }

    /// Returns a text in these characters. In ASCII, what this program draws with has a likeness, and every other character is
    /// escaped, as in `caf\u{e9}`.
    pub fn plain(self, text: &str) -> Cow<'_, str> {
        if self == Glyphs::Unicode || text.is_ascii() {
            return Cow::Borrowed(text);
        }
        let mut plain = String::with_capacity(text.len());
        for c in text.chars() {
            match IN_ASCII.iter().find(|(glyph, _)| *glyph == c) {
                _ if c.is_ascii() => plain.push(c),
                Some((_, likeness)) => plain.push_str(likeness),
                None => plain.extend(c.escape_unicode()),
            }
        }
        Cow::Owned(plain)
    }

    /// Returns a JSON text in these characters, without those that are invisible or have an effect on a terminal or on what stands beside them.
    /// In ASCII, every other character is escaped as in RFC 8259, section 7, too.
    pub fn plain_json(self, json: &str) -> Cow<'_, str> {
        if self == Glyphs::Unicode {
            return visible_json(json);
        }
        let mut plain = String::with_capacity(json.len());
        for c in json.chars() {
            match c.is_ascii() && c != DELETE {
                true => plain.push(c),
                false => plain.push_str(&json_escape(c)),
            }
        }
        Cow::Owned(plain)
    }
}

/// Words of the environment on the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// True if the cursor can be moved and text can be styled; otherwise the terminal only prints lines.
    pub moves_cursor: bool,
    /// Number of its colours; none if its user wants none.
    pub colors: Colors,
    /// Characters that the locale has.
    pub glyphs: Glyphs,
    /// True for a light background and false for a dark one, if the environment says so.
    pub is_light: Option<bool>,
}

impl Abilities {
    /// Returns the abilities that the environment of this process describes.
    pub fn of_environment() -> Abilities {
        Abilities::of(|name| std::env::var_os(name))
    }

    /// Returns the abilities that the variables describe.
    fn of(variable: impl Fn(&str) -> Option<OsString>) -> Abilities {
        let text = |name: &str| variable(name).map(|value| value.to_string_lossy().into_owned()).filter(|text| !text.is_empty());
        let term = text("TERM").unwrap_or_default().to_ascii_lowercase();
        let moves_cursor = is_of_family(&term);
        let colors = match text("COLORTERM").map(|name| name.to_ascii_lowercase()).as_deref() {
            _ if !moves_cursor || text("NO_COLOR").is_some() || term.starts_with("vt") => Colors::None,
            Some("truecolor" | "24bit") => Colors::All,
            _ if WITH_ALL_COLORS.iter().any(|name| term.contains(name)) => Colors::All,
            _ if term.contains("256color") => Colors::Indexed,
            _ => Colors::Sixteen,
        };
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(text);
        let glyphs = match locale {
            Some(locale) if !is_utf8(&locale) => Glyphs::Ascii,
            _ => Glyphs::Unicode,
        };
        Abilities { moves_cursor, colors, glyphs, is_light: text("COLORFGBG").and_then(|value| is_light(&value)) }
    }
}

/// Returns true if a name of a terminal, in small letters, is of a family with the control sequences of ECMA-48. Those of a terminal within
/// screen or tmux are theirs, whatever terminal they are in.
fn is_of_family(term: &str) -> bool {
    let parts = || term.split(['-', '.', '+', '_']);
    let is_within = ["screen", "tmux"].iter().any(|name| term.starts_with(name));
    if !is_within && parts().any(is_before_standard) {
        return false;
    }
    let mut families = parts().map(|part| part.trim_end_matches(|c: char| c.is_ascii_digit()));
    families.any(|family| MOVING_CURSORS.contains(&family))
}

/// Returns true if a part of a name is a model whose sequences are older than the standard, or an emulator of one: VT05, VT50, VT52 (the
/// Atari's is `st52`) and VT61, before the VT100.
fn is_before_standard(part: &str) -> bool {
    let digits = ["vt", "st"].iter().find_map(|maker| part.strip_prefix(maker)).unwrap_or_default();
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().is_ok_and(|model: u32| model < 100)
}

/// Returns true if the character encoding of a locale is UTF-8, as in `de_DE.UTF-8@euro`.
fn is_utf8(locale: &str) -> bool {
    let encoding = locale.split_once('.').map_or("", |(_, rest)| rest.split('@').next().unwrap_or(""));
    matches!(encoding.to_ascii_lowercase().as_str(), "utf-8" | "utf8")
}

/// Returns true if the last number of `COLORFGBG`, the colour of the background, is a light one; `None` for any other text. Of the
/// sixteen colours 7 and 9 to 15 are light, as rxvt, which introduced the variable, numbers them.
fn is_light(value: &str) -> Option<bool> {
    let background: u8 = value.rsplit(';').next()?.trim().parse().ok()?;
    (background < 16).then_some(background == 7 || background > 8)
}

static IS_ASCII: AtomicBool = AtomicBool::new(false);

/// Chooses the characters in which this process prints, once its command line and its configuration are known.
pub fn print_in(glyphs: Glyphs) {
    IS_ASCII.store(glyphs == Glyphs::Ascii, Ordering::Relaxed);
}

/// Returns the characters in which this process prints: those of Unicode until others are [chosen](print_in).
pub fn glyphs() -> Glyphs {
    if IS_ASCII.load(Ordering::Relaxed) { Glyphs::Ascii } else { Glyphs::Unicode }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Abilities {
        Abilities::of(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value)))
    }

    #[test]
    fn a_terminal_that_only_prints_is_known() {
        for term in [
            None,
            Some(""),
            Some("dumb"),
            Some("DUMB"),
            Some("unknown"),
            Some("emacs"),
            Some("none"),
            Some("lpr"),
            Some("x"),
            Some("vt52"),
            Some("VT52"),
            Some("vt05"),
            Some("vt50h"),
            Some("vt61"),
            Some("vt52-basic"),
            Some("xterm-vt52"),
            Some("st52-color"),
            Some("h19"),
            Some("wy50"),
            Some("tvi925"),
            Some("adm3a"),
            Some("hp2621"),
            Some("ibm3101"),
        ] {
            let variables: Vec<(&str, &str)> =
                term.into_iter().map(|term| ("TERM", term)).chain([("COLORTERM", "truecolor")]).collect();
            let abilities = of(&variables);
            assert!(!abilities.moves_cursor && abilities.colors == Colors::None, "{term:?}");
        }
        for term in [
            "linux",
            "ansi",
            "vt100",
            "vt220",
            "ms-vt100",
            "xterm",
            "xterm-256color",
            "XTERM-kitty",
            "xterm-ghostty",
            "screen.xterm-new",
            "screen-256color",
            "tmux-direct",
            "rxvt-unicode-256color",
            "st-256color",
            "foot-extra",
            "alacritty",
            "iterm2",
            "nsterm",
            "wsvt25",
            "konsole-256color",
            "linux-16color",
            "vt102",
            "vt525",
            "vt-utf8",
            "st",
            "screen.vt52",
            "vte-0.52",
        ] {
            assert!(of(&[("TERM", term)]).moves_cursor, "{term}");
        }
    }

    #[test]
    fn colours_are_those_that_are_said() {
        for (variables, colors) in [
            (&[("TERM", "xterm")][..], Colors::Sixteen),
            (&[("TERM", "linux")], Colors::Sixteen),
            (&[("TERM", "vt100")], Colors::None),
            (&[("TERM", "xterm-256color")], Colors::Indexed),
            (&[("TERM", "tmux-256color"), ("COLORTERM", "truecolor")], Colors::All),
            (&[("TERM", "xterm"), ("COLORTERM", "24bit")], Colors::All),
            (&[("TERM", "xterm"), ("COLORTERM", "1")], Colors::Sixteen),
            (&[("TERM", "xterm-kitty")], Colors::All),
            (&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor"), ("NO_COLOR", "1")], Colors::None),
            (&[("TERM", "xterm-256color"), ("NO_COLOR", "")], Colors::Indexed),
        ] {
            assert_eq!(of(variables).colors, colors, "{variables:?}");
        }
    }

    #[test]
    fn the_locale_says_which_characters_there_are() {
        for (variables, glyphs) in [
            (&[][..], Glyphs::Unicode),
            (&[("LANG", "C")], Glyphs::Ascii),
            (&[("LANG", "POSIX")], Glyphs::Ascii),
            (&[("LANG", "C.UTF-8")], Glyphs::Unicode),
            (&[("LANG", "de_DE.utf8@euro")], Glyphs::Unicode),
            (&[("LANG", "de_DE@euro")], Glyphs::Ascii),
            (&[("LANG", "de_DE.ISO-8859-1")], Glyphs::Ascii),
            (&[("LC_ALL", "C"), ("LANG", "C.UTF-8")], Glyphs::Ascii),
            (&[("LC_ALL", ""), ("LC_CTYPE", "en_US.UTF-8"), ("LANG", "C")], Glyphs::Unicode),
        ] {
            assert_eq!(of(variables).glyphs, glyphs, "{variables:?}");
        }
    }

    #[test]
    fn the_background_is_the_last_number() {
        for (value, light) in [
            ("0;15", Some(true)),
            ("15;0", Some(false)),
            ("0;default;7", Some(true)),
            ("7;8", Some(false)),
            ("12;default", None),
            ("", None),
            ("0;16", None),
            ("nonsense", None),
        ] {
            assert_eq!(of(&[("COLORFGBG", value)]).is_light, light, "{value}");
        }
    }

    #[test]
    fn ascii_is_ascii() {
        assert_eq!(Glyphs::Ascii.plain("upload PATH… · a → b\ncafé"), "upload PATH... - a -> b\ncaf\\u{e9}");
        assert_eq!(Glyphs::Unicode.plain("PATH… café"), "PATH… café");
        assert_eq!(Glyphs::Ascii.plain_json("{\"a\": \"é😀\"}"), "{\"a\": \"\\u00e9\\ud83d\\ude00\"}");
        let value: serde_json::Value = serde_json::from_str(&Glyphs::Ascii.plain_json("\"é😀…\"")).unwrap();
        assert_eq!(value, "é😀…");
        let text = "\u{9b}31m a\u{202e}b\u{7f} \u{200b}\u{2028}é👨\u{200d}👩\u{e0041}";
        let json = serde_json::to_string_pretty(&vec![text]).unwrap();
        let plain = Glyphs::Unicode.plain_json(&json);
        assert_eq!(plain, "[\n  \"\\u009b31m a\\u202eb\\u007f \\u200b\\u2028é👨\u{200d}👩\\udb40\\udc41\"\n]");
        assert_eq!(serde_json::from_str::<Vec<String>>(&plain).unwrap(), [text]);
    }
}
