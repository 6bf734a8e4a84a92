//! Colours and glyphs. Every state has a glyph and a word beside its colour, so that no information is lost without colours.
//!
//! The default palette is that of Okabe and Ito (2008), which people with any common colour blindness tell apart. A terminal with fewer
//! colours gets the nearest ones, and one with sixteen those of its own that mean the same.

use std::fmt;
use std::str::FromStr;

use p2p_service::abilities::Colors;
use ratatui::style::{Color, Modifier, Style};

/// The name of a palette.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ThemeName {
    /// Palette for terminals with a dark background.
    #[default]
    Dark,
    /// Palette for terminals with a light background.
    Light,
    /// Pure colours on a black background.
    HighContrast,
    /// Text attributes instead of colours.
    Mono,
}

impl ThemeName {
    /// All themes, in the order of their documentation.
    pub const ALL: [ThemeName; 4] = [ThemeName::Dark, ThemeName::Light, ThemeName::HighContrast, ThemeName::Mono];

    /// Returns what the theme is for.
    pub const fn summary(self) -> &'static str {
        match self {
            ThemeName::Dark => "for a dark background",
            ThemeName::Light => "for a light background",
            ThemeName::HighContrast => "pure colours, for a black background",
            ThemeName::Mono => "bold, dim and underlined text in place of colours",
        }
    }
}

impl fmt::Display for ThemeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            ThemeName::Dark => "dark",
            ThemeName::Light => "light",
            ThemeName::HighContrast => "high-contrast",
            ThemeName::Mono => "mono",
        })
    }
}

impl FromStr for ThemeName {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = ThemeName::ALL.into_iter().find(|theme| theme.to_string() == text.trim());
        found.ok_or_else(|| format!("`{text}` is no theme (known: dark, light, high-contrast, mono)"))
    }
}

/// The purpose of a style.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Ordinary text of the screen.
    Text,
    /// Text of less importance.
    Dim,
    /// Headings and the name of the program.
    Accent,
    /// States and results that are in order.
    Good,
    /// States that require attention.
    Warning,
    /// Errors and failed states.
    Bad,
    /// Bytes in transit and their rates.
    Flow,
    /// Selected row or word.
    Selected,
    /// Frame of a pane without the focus.
    Border,
    /// Frame of the focused pane.
    Focus,
}

/// A palette with its glyphs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    name: ThemeName,
    colors: Colors,
    /// Glyphs of the theme.
    pub glyphs: Glyphs,
}

impl Theme {
    /// Creates a theme for a terminal with all colours, with ASCII glyphs if `ascii` is true.
    pub fn new(name: ThemeName, ascii: bool) -> Theme {
        Theme { name, colors: Colors::All, glyphs: if ascii { ASCII } else { UNICODE } }
    }

    /// Returns the theme in the colours that the terminal has.
    #[must_use]
    pub const fn in_colors(self, colors: Colors) -> Theme {
        Theme { colors, ..self }
    }

    /// Returns the theme of this name in the same colours of the terminal, with the same glyphs.
    #[must_use]
    pub const fn named(self, name: ThemeName) -> Theme {
        Theme { name, ..self }
    }

    /// Returns true if roles differ by their colours.
    pub fn has_colors(&self) -> bool {
        self.name != ThemeName::Mono && self.colors != Colors::None
    }

    /// Returns the theme for a light or a dark background.
    #[must_use]
    pub const fn on_background(self, is_light: bool) -> Theme {
        self.named(if is_light { ThemeName::Light } else { ThemeName::Dark })
    }

    /// Returns the style of a role.
    pub fn style(&self, role: Role) -> Style {
        let Some(shade) = self.shade(role) else {
            return if self.has_colors() { self.of_sixteen(role) } else { mono(role) };
        };
        let style = self.of_shade(shade);
        match role {
            Role::Accent | Role::Bad | Role::Focus => style.add_modifier(Modifier::BOLD),
            Role::Selected => style.add_modifier(Modifier::REVERSED),
            Role::Text | Role::Dim | Role::Good | Role::Warning | Role::Flow | Role::Border => style,
        }
    }

    /// Returns the style of a part of a gradient between two roles: `part` of the way from the one to the other. A terminal with fewer colours
    /// than a gradient takes has the style of the role `otherwise`.
    pub fn between(&self, [from, to]: [Role; 2], part: f64, otherwise: Role) -> Style {
        let (Some(one), Some(other)) = (self.shade(from), self.shade(to)) else { return self.style(otherwise) };
        let part = part.clamp(0.0, 1.0);
        let mixed = |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * part).round() as u8;
        let ([_, r, g, b], [_, s, h, c]) = (one.to_be_bytes(), other.to_be_bytes());
        self.of_shade(u32::from_be_bytes([0, mixed(r, s), mixed(g, h), mixed(b, c)]))
    }

    /// Returns the shade of a role; `None` if the terminal or the theme has no shades to choose from.
    fn shade(&self, role: Role) -> Option<u32> {
        let [text, dim, accent, good, warning, bad, flow] = match self.name {
            _ if matches!(self.colors, Colors::None | Colors::Sixteen) => return None,
            ThemeName::Mono => return None,
            ThemeName::Dark => [0xd8d8d8, 0x8a8a8a, 0x56b4e9, 0x2fc49b, 0xe69f00, 0xff7f50, 0x56b4e9],
            ThemeName::Light => [0x202020, 0x6a6a6a, 0x005a9c, 0x00704f, 0x9a5b00, 0xaf2e00, 0x0072b2],
            ThemeName::HighContrast => [0xffffff, 0xd0d0d0, 0x00ffff, 0x00ff00, 0xffff00, 0xff6060, 0x00ffff],
        };
        Some(match role {
            Role::Text | Role::Selected => text,
            Role::Dim | Role::Border => dim,
            Role::Accent | Role::Focus => accent,
            Role::Good => good,
            Role::Warning => warning,
            Role::Bad => bad,
            Role::Flow => flow,
        })
    }

    /// Returns the style of a shade in the colours that the terminal has.
    fn of_shade(&self, shade: u32) -> Style {
        Style::new().fg(if self.colors == Colors::Indexed { indexed(shade) } else { Color::from_u32(shade) })
    }
}

impl Theme {
    /// Returns the style of a role in the sixteen colours whose shades are the user's own: text is in the terminal's own colour, which
    /// differs from its background whatever that is, and the brightest colours are avoided on a light one.
    fn of_sixteen(&self, role: Role) -> Style {
        let plain = Style::new();
        let is_light = self.name == ThemeName::Light;
        match role {
            _ if self.name == ThemeName::Mono => mono(role),
            Role::Text => plain,
            Role::Dim | Role::Border if self.name == ThemeName::HighContrast => plain,
            Role::Dim | Role::Border => plain.add_modifier(Modifier::DIM),
            Role::Accent | Role::Focus => plain.fg(if is_light { Color::Blue } else { Color::Cyan }).add_modifier(Modifier::BOLD),
            // The green of most terminals cannot be read on white; the glyph and the word say it.
            Role::Good => {
                if is_light {
                    plain
                } else {
                    plain.fg(Color::Green)
                }
            }
            Role::Warning => plain.fg(if is_light { Color::Magenta } else { Color::Yellow }),
            Role::Bad => plain.fg(if is_light { Color::Red } else { Color::LightRed }).add_modifier(Modifier::BOLD),
            Role::Flow => plain.fg(if is_light { Color::Blue } else { Color::Cyan }),
            Role::Selected => plain.add_modifier(Modifier::REVERSED),
        }
    }
}

/// Levels of each primary colour in the cube of xterm's palette, whose first colour is number 16.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// Returns the nearest colour of xterm's palette: one of its cube, or one of its greys, which are numbers 232 to 255.
pub(super) fn indexed(shade: u32) -> Color {
    let [_, red, green, blue] = shade.to_be_bytes();
    let distance = |[r, g, b]: [u8; 3]| {
        let square = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
        square(r, red) + square(g, green) + square(b, blue)
    };
    let level = |part: u8| (0..6_u8).min_by_key(|&at| CUBE[usize::from(at)].abs_diff(part)).unwrap_or(0);
    let [r, g, b] = [red, green, blue].map(level);
    let in_cube = (distance([r, g, b].map(|at| CUBE[usize::from(at)])), 16 + 36 * r + 6 * g + b);
    let greys = (0..24_u8).map(|at| (distance([8 + 10 * at; 3]), 232 + at));
    let (_, number) = greys.chain([in_cube]).min().unwrap_or(in_cube);
    Color::Indexed(number)
}

fn mono(role: Role) -> Style {
    let plain = Style::new();
    match role {
        Role::Accent | Role::Bad | Role::Focus => plain.add_modifier(Modifier::BOLD),
        Role::Warning => plain.add_modifier(Modifier::UNDERLINED),
        Role::Dim => plain.add_modifier(Modifier::DIM),
        Role::Selected => plain.add_modifier(Modifier::REVERSED),
        Role::Text | Role::Good | Role::Flow | Role::Border => plain,
    }
}

/// The glyphs for states and for parts of bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glyphs {
    /// True if the glyphs are beyond ASCII.
    pub is_unicode: bool,
    /// Node that answers probes.
    pub alive: &'static str,
    /// Node that has missed probes.
    pub suspect: &'static str,
    /// Node that does not answer probes.
    pub dead: &'static str,
    /// Removal of a file.
    pub removal: &'static str,
    /// Direction from the client to the nodes.
    pub up: &'static str,
    /// Direction from the nodes to the client.
    pub down: &'static str,
    /// Completed part of a bar.
    pub full: &'static str,
    /// Remaining part of a bar.
    pub empty: &'static str,
    /// Segment that waits for its connection.
    pub connecting: &'static str,
    /// Segment that waits to be sent.
    pub queued: &'static str,
    /// Segment that is being sent.
    pub sending: &'static str,
    /// Segment that has arrived but is not yet acknowledged.
    pub arrived: &'static str,
    /// Segment that is being deleted, since its upload has failed or was cancelled.
    pub undoing: &'static str,
    /// Segment or transfer that is done.
    pub done: &'static str,
    /// Path that is cut.
    pub cut: &'static str,
    /// Way from one host to another, between their names.
    pub to: &'static str,
    /// Packet or segment that was sent again.
    pub again: &'static str,
    /// Packet that the path has made as a copy of another.
    pub copy: &'static str,
    /// Mark of the segment for which a transfer has waited longest, and of what waits.
    pub oldest: &'static str,
    /// Mark of a column by which rows are sorted, the least value first.
    pub ascending: &'static str,
    /// The same, the greatest value first.
    pub descending: &'static str,
    /// Line of a named level in a chart.
    pub level: &'static str,
    /// Virtual time that passes.
    pub play: &'static str,
    /// Virtual time that is paused.
    pub pause: &'static str,
    /// Mark before the line of the prompt.
    pub prompt: &'static str,
    /// Mark of a line of the log that tells of nothing in particular.
    pub dot: &'static str,
    /// Mark of the diagonal of the health matrix.
    pub diagonal: &'static str,
    /// Mark of a line of the log that tells of a failure.
    pub failure: &'static str,
    /// Mark of a line of the log that tells of what needs attention.
    pub warning: &'static str,
    /// Mark at the end of a text that was cut.
    pub ellipsis: &'static str,
    /// Mark on the frame of a pane of which not all rows are shown.
    pub scroll: &'static str,
    /// Share of probes that were lost: up to a fifth, up to a half, and more.
    pub losses: [&'static str; 3],
    /// Levels of a sparkline, from low to high.
    pub levels: [&'static str; 8],
}

const UNICODE: Glyphs = Glyphs {
    is_unicode: true,
    alive: "●",
    suspect: "◐",
    dead: "✕",
    removal: "−",
    up: "↑",
    down: "↓",
    full: "█",
    empty: "·",
    connecting: "╌",
    queued: "░",
    sending: "▓",
    arrived: "▒",
    undoing: "‹",
    done: "✓",
    cut: "╳",
    to: "→",
    again: "↻",
    copy: "⧉",
    oldest: "◂",
    ascending: "▲",
    descending: "▼",
    level: "╌",
    play: "▶",
    pause: "‖",
    prompt: "›",
    dot: "·",
    diagonal: "·",
    failure: "✗",
    warning: "!",
    ellipsis: "…",
    scroll: "┃",
    losses: ["░", "▒", "▓"],
    levels: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
};

const ASCII: Glyphs = Glyphs {
    is_unicode: false,
    alive: "o",
    suspect: "?",
    dead: "x",
    removal: "x",
    up: "^",
    down: "v",
    full: "#",
    empty: ".",
    connecting: ":",
    queued: ".",
    sending: ">",
    arrived: "=",
    undoing: "u",
    done: "*",
    cut: "x",
    to: ">",
    again: "r",
    copy: "c",
    oldest: "<",
    ascending: "^",
    descending: "v",
    level: "_",
    play: ">",
    pause: "=",
    prompt: ">",
    dot: ".",
    diagonal: "\\",
    failure: "X",
    warning: "!",
    ellipsis: "~",
    scroll: "@",
    losses: [".", ":", "!"],
    levels: ["_", "_", "-", "-", "=", "=", "#", "#"],
};

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands in one pane, beside its frame, is told apart in ASCII too.
    #[test]
    fn glyphs_of_one_pane_differ() {
        let Glyphs { up, down, full, empty, arrived, done, scroll, ellipsis, again, .. } = ASCII;
        let Glyphs { connecting, queued, sending, undoing, oldest, level, removal, dead, alive, suspect, .. } = ASCII;
        let Glyphs { failure, warning, dot, copy, to, ascending, descending, diagonal, losses: [few, half, more], .. } = ASCII;
        // The corners and the sides of the frame, and what stands for no figure.
        let around = ["+", "|", "-", scroll, ellipsis];
        for (pane, own) in [
            ("Segments", &[connecting, queued, sending, arrived, done, undoing, again, oldest, level][..]),
            ("Transfers", &[up, down, removal, full, arrived, empty, done]),
            ("Files", &[done, dead, empty, ascending, descending]),
            ("Nodes", &[alive, suspect, dead, ascending, descending]),
            ("Health", &[diagonal, few, half, more, dead]),
            ("Wire", &[dead, again, copy, to]),
            ("Log", &[failure, warning, done, dot]),
        ] {
            let all: std::collections::BTreeSet<&str> = own.iter().chain(&around).copied().collect();
            assert_eq!(all.len(), own.len() + around.len(), "{pane}: {own:?} beside {around:?}");
        }
    }

    const ROLES: [Role; 7] = [Role::Text, Role::Dim, Role::Accent, Role::Good, Role::Warning, Role::Bad, Role::Flow];

    fn luminance(parts: [u8; 3]) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        let [red, green, blue] = parts.map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    fn parts_of(color: Color) -> [u8; 3] {
        match color {
            Color::Rgb(red, green, blue) => [red, green, blue],
            Color::Indexed(number @ 232..) => [8 + 10 * (number - 232); 3],
            Color::Indexed(number) => {
                [(number - 16) / 36, (number - 16) / 6 % 6, (number - 16) % 6].map(|at| CUBE[usize::from(at)])
            }
            other => panic!("{other:?}"),
        }
    }

    /// WCAG 2.2, success criterion 1.4.3: at least 4.5, on usual backgrounds, with all colours and with 256.
    #[test]
    fn what_is_written_can_be_read() {
        let contrast = |a: f64, b: f64| (a.max(b) + 0.05) / (a.min(b) + 0.05);
        for (name, background) in [
            (ThemeName::Light, [0xff; 3]),
            (ThemeName::Light, [0xfd, 0xf6, 0xe3]),
            (ThemeName::Dark, [0; 3]),
            (ThemeName::Dark, [0x1e; 3]),
            (ThemeName::HighContrast, [0; 3]),
        ] {
            for colors in [Colors::All, Colors::Indexed] {
                let theme = Theme::new(name, false).in_colors(colors);
                for role in ROLES {
                    let shown = parts_of(theme.style(role).fg.unwrap());
                    let contrast = contrast(luminance(shown), luminance(background));
                    assert!(contrast >= 4.5, "{name} {colors:?} {role:?} {shown:?} on {background:?}: {contrast:.2}");
                }
            }
        }
    }

    /// The colours of a gradient can be read as its ends can, and go from the one to the other; where there are few colours, there is one.
    #[test]
    fn a_gradient_goes_from_one_role_to_another() {
        let ends = [Role::Flow, Role::Warning];
        for name in [ThemeName::Dark, ThemeName::Light, ThemeName::HighContrast] {
            let theme = Theme::new(name, false);
            let at = |part: f64| parts_of(theme.between(ends, part, Role::Dim).fg.unwrap());
            let of = |role| parts_of(theme.style(role).fg.unwrap());
            assert_eq!([at(-1.0), at(0.0), at(1.0), at(7.0)], [ends[0], ends[0], ends[1], ends[1]].map(of));
            let half: [u8; 3] = std::array::from_fn(|place| of(ends[0])[place].midpoint(of(ends[1])[place]));
            assert!(at(0.5).iter().zip(half).all(|(&shown, half)| shown.abs_diff(half) <= 1), "{name}: {:?}", at(0.5));
            for colors in [Colors::Sixteen, Colors::None] {
                let few = theme.in_colors(colors);
                assert_eq!(few.between(ends, 0.5, Role::Dim), few.style(Role::Dim));
            }
        }
        let mono = Theme::new(ThemeName::Mono, false);
        assert_eq!(mono.between(ends, 0.5, Role::Warning), mono.style(Role::Warning));
    }

    #[test]
    fn fewer_colours_are_those_of_the_terminal() {
        for name in ThemeName::ALL {
            for role in ROLES {
                let few = Theme::new(name, false).in_colors(Colors::Sixteen).style(role).fg;
                assert!(!matches!(few, Some(Color::Rgb(..) | Color::Indexed(_))), "{name} {role:?}: {few:?}");
                let is_pale = matches!(few, Some(Color::Green | Color::Yellow | Color::Cyan | Color::White | Color::Gray));
                assert!(name != ThemeName::Light || !is_pale, "{role:?}: {few:?} on white");
                assert_eq!(Theme::new(name, false).in_colors(Colors::None).style(role).fg, None);
            }
        }
        assert_eq!(
            (indexed(0xff_ffff), indexed(0x8a_8a8a), indexed(0)),
            (Color::Indexed(231), Color::Indexed(245), Color::Indexed(16))
        );
    }
}
