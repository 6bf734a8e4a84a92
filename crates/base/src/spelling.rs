//! Texts that can be encoded in several ways. The same letters may have several encodings (Unicode Standard Annex 15),
//! some characters are invisible, and some reverse the direction of others: names that look alike are normalised, refused, or
//! shown so that they can be told apart.

mod paths;

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::props::{
    BidiControl, CanonicalCombiningClass, DefaultIgnorableCodePoint, Emoji, EmojiModifier, ExtendedPictographic, GeneralCategory,
    GeneralCategoryGroup, JoiningType,
};
use icu_properties::{CodePointMapData, CodePointSetData};
use secrecy::zeroize::Zeroizing;

pub use self::paths::{shell_operand, shell_option, shell_word, visible_path};

/// Character that joins the emoji on both sides into one, or letters of some scripts.
const ZERO_WIDTH_JOINER: char = '\u{200d}';
/// Character that keeps letters of some scripts apart.
const ZERO_WIDTH_NON_JOINER: char = '\u{200c}';
/// Character that selects the coloured form of the character before it.
const EMOJI_STYLE: char = '\u{fe0f}';
/// Character that draws a key around the character before it.
const KEYCAP: char = '\u{20e3}';
/// Emoji that tags may follow, a black flag (Unicode Technical Standard 51, ED-14a).
const TAG_BASE: char = '\u{1f3f4}';
/// Tags that specify the emoji before them.
const TAGS: std::ops::RangeInclusive<char> = '\u{e0020}'..='\u{e007f}';
/// Largest factor by which composition can lengthen a text, in bytes of UTF-8 (Unicode Standard Annex 15, section 9).
const COMPOSED_MAX: usize = 3;
/// Character that is no space in the Unicode standard, but looks like one.
const BRAILLE_BLANK: char = '\u{2800}';

/// Converts a text to Normalization Form C: an accent and its letter become one character if there is one for both.
pub fn composed(text: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfc().normalize(text)
}

/// Converts a name to the form in which names are compared: UsernameCaseMapped (RFC 8265, section 3.3.1) without its
/// prohibitions. Wide and narrow characters become ordinary ones, capitals become small letters, and the whole is composed.
pub fn folded(text: &str) -> String {
    // Most names: nothing in them is wide or composed.
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let usual = ComposingNormalizerBorrowed::new_nfkc();
    let narrowed: String = text
        .chars()
        .map(|c| if is_of_another_width(c) { usual.normalize(c.encode_utf8(&mut [0; 4])).into_owned() } else { c.to_string() })
        .collect();
    composed(&narrowed.to_lowercase()).into_owned()
}

/// Returns true if a name has a text in it, in the form in which names are compared. The text is [`folded`] already.
pub fn has_folded(name: &str, text: &str) -> bool {
    if !name.is_ascii() {
        return folded(name).contains(text);
    }
    // Most names: nothing is copied.
    text.is_empty() || name.as_bytes().windows(text.len()).any(|part| part.eq_ignore_ascii_case(text.as_bytes()))
}

/// Converts a password to the form in which passwords are compared: OpaqueString (RFC 8265, section 4.2.2) without its
/// prohibitions. Every space becomes U+0020, and the whole is composed.
pub fn opaque(text: &str) -> Zeroizing<String> {
    // The capacities suffice from the start, so that the texts are never moved and no copy stays behind.
    let mut spaced = Zeroizing::new(String::with_capacity(text.len()));
    spaced.extend(text.chars().map(|c| if is_space(c) { ' ' } else { c }));
    let mut opaque = Zeroizing::new(String::with_capacity(text.len() * COMPOSED_MAX));
    // Writing to a string does not fail.
    let _ = ComposingNormalizerBorrowed::new_nfc().normalize_to(&spaced, &mut *opaque);
    opaque
}

/// Returns the first character that is invisible or disturbs the display of others, and its position in bytes; `None` if there is
/// none. Joiners between emoji, or between letters whose shape they change (RFC 5892, appendix A), count as visible, since their
/// effect is.
pub fn hidden_character(text: &str) -> Option<(usize, char)> {
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    (0..chars.len()).find(|&place| is_hidden(&chars, place)).map(|place| chars[place])
}

/// Returns a text as it is shown: invisible characters are escaped, as in `\u{202e}`, and so is every space but the ordinary one.
/// An empty text, and one with leading, trailing or repeated blanks or a leading quote, is put in quotes. The non-ASCII
/// characters of a text that is not composed are escaped too.
pub fn visible(text: &str) -> Cow<'_, str> {
    // Most names are of such characters alone, and a list may have tens of thousands.
    if !text.is_empty() && !text.starts_with('\'') && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Cow::Borrowed(text);
    }
    let is_composed = ComposingNormalizerBorrowed::new_nfc().is_normalized(text);
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    let is_shown = |place: usize| (is_composed || chars[place].1.is_ascii()) && is_seen(&chars, place);
    let is_plain = (0..chars.len()).all(is_shown);
    let blank_is_hidden = text.is_empty() || text.starts_with([' ', '\'']) || text.ends_with(' ') || text.contains("  ");
    if is_plain && !blank_is_hidden {
        return Cow::Borrowed(text);
    }
    let shown =
        |(place, &(_, c)): (usize, &(usize, char))| if is_shown(place) { c.to_string() } else { c.escape_unicode().to_string() };
    let shown: String = chars.iter().enumerate().map(shown).collect();
    Cow::Owned(if blank_is_hidden { in_quotes(&shown) } else { shown })
}

/// Returns lines of text as they are shown: characters that are invisible, move the cursor or change colours are escaped, except
/// line ends and tabs.
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    without_effects(text, &['\n', '\t'], |c| c.escape_default().to_string())
}

/// Returns a line of text as it is shown: like [`visible_lines`], and line ends and tabs in it are escaped too, so that it stays one.
pub fn visible_line(text: &str) -> Cow<'_, str> {
    without_effects(text, &[], |c| c.escape_default().to_string())
}

/// Returns a text of JSON in which the same characters are escaped as JSON does, so that the document stays what it is.
pub fn visible_json(json: &str) -> Cow<'_, str> {
    if json.is_ascii() && !json.contains('\u{7f}') {
        return Cow::Borrowed(json);
    }
    // A document may be long. No character has an effect beyond its line.
    json.split_inclusive('\n').map(|line| without_effects(line, &['\n', '\t'], json_escape)).collect::<String>().into()
}

/// Returns the escape of a character in a string of JSON (RFC 8259, section 7).
pub fn json_escape(c: char) -> String {
    c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
}

/// Returns a text in which all characters that are invisible or have an effect are escaped, but for some.
fn without_effects<'a>(text: &'a str, unchanged: &[char], escape: impl Fn(char) -> String) -> Cow<'a, str> {
    // Most texts are of such characters alone, and a screen shows tens of thousands of rows.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~') || unchanged.contains(&char::from(byte))) {
        return Cow::Borrowed(text);
    }
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    let is_escaped = |place: usize| !unchanged.contains(&chars[place].1) && is_hidden(&chars, place);
    if !(0..chars.len()).any(is_escaped) {
        return Cow::Borrowed(text);
    }
    let shown = |place: usize| if is_escaped(place) { escape(chars[place].1) } else { chars[place].1.to_string() };
    Cow::Owned((0..chars.len()).map(shown).collect())
}

/// Returns true if a character shows something where it stands alone: it is neither invisible nor blank, and no mark that is drawn on the
/// character before it (Unicode, General_Category M).
pub fn stands_alone(c: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    !GeneralCategoryGroup::Mark.contains(category) && !is_blank(c) && !is_hidden(&[(0, c)], 0)
}

/// Returns a text without its invisible characters.
pub fn without_hidden(text: &str) -> String {
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    (0..chars.len()).filter(|&place| !is_hidden(&chars, place)).map(|place| chars[place].1).collect()
}

/// Prepares a text that a user typed for a message or a log: at most `max` characters of it, without those that disturb a
/// terminal.
pub fn excerpt(text: &str, max: usize) -> String {
    without_hidden(text).chars().take(max).collect()
}

/// Returns a text in single quotes, as POSIX shells and the command language read it.
pub fn in_quotes(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Returns true if a character is invisible or disturbs others at its position.
fn is_hidden(chars: &[(usize, char)], place: usize) -> bool {
    let c = chars[place].1;
    let is_ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c);
    let turns_others = CodePointSetData::new::<BidiControl>().contains(c);
    match c {
        _ if c.is_control() || turns_others || matches!(c, '\u{2028}' | '\u{2029}') || is_noncharacter(c) => true,
        _ if !is_ignorable => false,
        ZERO_WIDTH_JOINER => !(joins_emoji(chars, place) || joins_letters(chars, place)),
        ZERO_WIDTH_NON_JOINER => !(joins_letters(chars, place) || parts_letters(chars, place)),
        EMOJI_STYLE => !colours_emoji(chars, place),
        _ if TAGS.contains(&c) => !tags_emoji(chars, place),
        _ => true,
    }
}

/// Returns true if a character at its position is seen as what it is: it is not hidden, and no blank but the ordinary one.
fn is_seen(chars: &[(usize, char)], place: usize) -> bool {
    let c = chars[place].1;
    !is_hidden(chars, place) && (c == ' ' || !is_blank(c))
}

/// Returns true for a noncharacter, a code point reserved for use within programs (Unicode, section 23.7).
fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe
}

fn before(chars: &[(usize, char)], place: usize) -> impl Iterator<Item = char> {
    chars[..place].iter().rev().map(|&(_, c)| c)
}

fn after(chars: &[(usize, char)], place: usize) -> impl Iterator<Item = char> {
    chars[place + 1..].iter().map(|&(_, c)| c)
}

fn is_pictographic(c: char) -> bool {
    CodePointSetData::new::<ExtendedPictographic>().contains(c)
}

/// Returns true if a joiner stands between two emoji (Unicode Technical Standard 51, ED-16), of which the first may be followed
/// by a style selector or a skin tone modifier.
fn joins_emoji(chars: &[(usize, char)], place: usize) -> bool {
    let is_modifier = |c: char| c == EMOJI_STYLE || CodePointSetData::new::<EmojiModifier>().contains(c);
    let mut first = before(chars, place);
    let base = match first.next() {
        Some(c) if is_modifier(c) => first.next(),
        base => base,
    };
    base.is_some_and(is_pictographic) && after(chars, place).next().is_some_and(is_pictographic)
}

/// Returns true if a style selector follows a character that has a coloured form: an emoji, or a digit that becomes a key.
fn colours_emoji(chars: &[(usize, char)], place: usize) -> bool {
    before(chars, place).next().is_some_and(|c| match c {
        c if c.is_ascii() => CodePointSetData::new::<Emoji>().contains(c) && after(chars, place).next() == Some(KEYCAP),
        c => CodePointSetData::new::<Emoji>().contains(c),
    })
}

/// Returns true if the tag belongs to a sequence of tags behind a black flag.
fn tags_emoji(chars: &[(usize, char)], place: usize) -> bool {
    before(chars, place).find(|c| !TAGS.contains(c)) == Some(TAG_BASE)
}

/// Returns true if a joiner of either kind follows a virama, which ties letters together (RFC 5892, appendix A.1 and A.2).
fn joins_letters(chars: &[(usize, char)], place: usize) -> bool {
    let class = |c| CodePointMapData::<CanonicalCombiningClass>::new().get(c);
    before(chars, place).next().is_some_and(|c| class(c) == CanonicalCombiningClass::Virama)
}

/// Returns true if a non-joiner separates two letters that would be joined without it (RFC 5892, appendix A.1).
fn parts_letters(chars: &[(usize, char)], place: usize) -> bool {
    let joining = |c: char| CodePointMapData::<JoiningType>::new().get(c);
    let first =
        |mut letters: Box<dyn Iterator<Item = char> + '_>| letters.find(|&c| joining(c) != JoiningType::Transparent).map(joining);
    let (left, right) = (first(Box::new(before(chars, place))), first(Box::new(after(chars, place))));
    matches!(left, Some(JoiningType::LeftJoining | JoiningType::DualJoining))
        && matches!(right, Some(JoiningType::RightJoining | JoiningType::DualJoining))
}

/// Returns true for a space (general category Zs).
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}')
}

/// Returns true if a text shows at least one character, and none of its characters is invisible or disturbs others.
pub fn is_legible(text: &str) -> bool {
    hidden_character(text).is_none() && text.chars().any(stands_alone)
}

/// Returns true if a character shows nothing but its width.
pub fn is_blank(c: char) -> bool {
    c.is_whitespace() || c == BRAILLE_BLANK
}

/// Returns true if a character is a wide or a narrow form of another (Decomposition_Type wide or narrow).
fn is_of_another_width(c: char) -> bool {
    matches!(c, '\u{3000}' | '\u{ff01}'..='\u{ffee}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn letters_are_composed_and_names_folded() {
        assert_eq!(composed("cafe\u{301}"), "caf\u{e9}");
        for (typed, name) in
            [("Alice", "alice"), ("ＡＬＩＣＥ", "alice"), ("Cafe\u{301}", "caf\u{e9}"), ("\u{212a}elvin", "kelvin"), ("ﾊﾟ", "パ")]
        {
            assert_eq!(folded(typed), name, "{typed}");
        }
        assert_eq!((opaque("e\u{301}\u{a0}\u{3000}Ａ").as_str(), opaque("A b").as_str()), ("\u{e9}  Ａ", "A b"));
    }

    #[test]
    fn a_name_is_searched_whatever_its_case_and_width() {
        for (name, text) in [("Report.PDF", "rt.pd"), ("ＲＥport", "report"), ("Cafe\u{301}", "f\u{e9}"), ("a", ""), ("", "")] {
            assert!(has_folded(name, &folded(text)), "{name} {text}");
        }
        for (name, text) in [("report", "reports"), ("re", "\u{e9}"), ("", "a"), ("\u{e9}", "e")] {
            assert!(!has_folded(name, text), "{name} {text}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_found() {
        for text in [
            "a\u{200b}b",
            "a\u{200d}b",
            "a\u{200c}b",
            "\u{feff}a",
            "a\u{ad}b",
            "a\u{202e}b",
            "a\u{2066}b",
            "a\u{61c}b",
            "\u{200e}a",
            "a\u{fe0f}",
            "1\u{fe0f}",
            "a\u{e0041}",
            "\u{3164}",
            "\u{115f}",
            "a\u{34f}",
            "a\u{180e}",
            "\u{1f600}\u{200d}",
            "\u{1f600}\u{200d}a",
            "a\u{7f}",
            "a\u{85}",
            "a\u{2028}",
            "a\u{e0100}",
            "\u{1d173}",
            "\u{ffff}",
            "a\u{2060}b",
            "a\u{fe0e}",
        ] {
            assert!(hidden_character(text).is_some(), "{text:?}");
        }
        assert_eq!(hidden_character("é\u{200b}"), Some((2, '\u{200b}')));
    }

    #[test]
    fn what_joins_emoji_and_letters_stays() {
        for text in [
            "\u{1f469}\u{200d}\u{1f4bb}",
            "\u{1f469}\u{1f3fd}\u{200d}\u{1f680}",
            "\u{2764}\u{fe0f}",
            "1\u{fe0f}\u{20e3}",
            "\u{1f3f3}\u{fe0f}\u{200d}\u{1f308}",
            "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
            "می\u{200c}خواهم",
            "क्\u{200d}ष",
            "日本語",
            "a b",
            "naïve",
            "\u{1f1e9}\u{1f1ea}",
        ] {
            assert_eq!(hidden_character(text), None, "{text:?}");
            assert!(visible(text) == text, "{text:?}");
        }
    }

    #[test]
    fn texts_that_look_alike_are_shown_apart() {
        for (text, shown) in [
            ("a b", "a b"),
            (" a", "' a'"),
            ("a ", "'a '"),
            ("a  b", "'a  b'"),
            ("a\u{a0}b", "a\\u{a0}b"),
            ("a\u{3000}", "a\\u{3000}"),
            ("", "''"),
            ("'a'", r"''\''a'\'''"),
            ("it's", "it's"),
            ("a\u{2800}", "a\\u{2800}"),
            ("cafe\u{301}", "cafe\\u{301}"),
            ("a\u{200b}", "a\\u{200b}"),
            ("a\nb", "a\\u{a}b"),
            ("\u{1b}[2J", "\\u{1b}[2J"),
        ] {
            assert_eq!(visible(text), shown, "{text:?}");
        }
    }

    proptest! {
        /// Names have no backslash; so much is enough to tell any two of them apart, once both are shown.
        #[test]
        fn no_two_texts_are_shown_alike(a in "[ 'ae\u{301}\u{e9}\u{a0}\u{200d}\u{1f469}\u{fe0f}.]{0,6}", b in "[ 'ae\u{301}\u{e9}\u{a0}\u{200d}\u{1f469}\u{fe0f}.]{0,6}") {
            prop_assert_eq!(visible(&a) == visible(&b), a == b);
        }

        #[test]
        fn what_is_shown_has_nothing_hidden_in_it(text in "\\PC{0,20}|.{0,20}") {
            prop_assert_eq!(hidden_character(&visible(&text)), None);
        }

        #[test]
        fn to_fold_twice_is_to_fold_once(text in "\\PC{0,20}") {
            let once = folded(&text);
            prop_assert_eq!(folded(&once), once.clone());
            let once = opaque(&text);
            prop_assert!(*opaque(&once) == *once && once.len() <= COMPOSED_MAX * text.len());
        }
    }
}
