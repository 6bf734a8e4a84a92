//! Paths and other texts of the operating system in messages. POSIX permits every byte but NUL in them, also line ends, escape
//! sequences and bytes that are no text: a message shows them escaped, and a command that is to be pasted quotes them.

use std::ffi::OsStr;

use super::{in_quotes, is_seen, visible};

/// Beginnings of escapes. A path that has one of its own is escaped, so that it cannot be taken for another.
const ESCAPES: [&str; 2] = ["\\u{", "\\x"];

/// Returns a path as messages show it: on one line, like a [visible] text, and with bytes that are no UTF-8 as in `\xff`. Two paths that
/// differ are shown differently, unless they differ in what `visible` does not tell apart.
pub fn visible_path(path: impl AsRef<OsStr>) -> String {
    let path = path.as_ref();
    match path.to_str().filter(|text| !ESCAPES.iter().any(|escape| text.contains(escape))) {
        Some(text) if !text.contains('\\') || visible(text) == text => visible(text).into_owned(),
        _ => escaped(path.as_encoded_bytes()),
    }
}

/// Returns bytes with a backslash for each of what cannot be shown, and for each backslash.
fn escaped(bytes: &[u8]) -> String {
    let mut shown = String::new();
    for chunk in bytes.utf8_chunks() {
        let chars: Vec<(usize, char)> = chunk.valid().char_indices().collect();
        for (place, &(_, c)) in chars.iter().enumerate() {
            match c {
                '\\' => shown.push_str("\\\\"),
                c if is_seen(&chars, place) => shown.push(c),
                c => shown.extend(c.escape_unicode()),
            }
        }
        chunk.invalid().iter().for_each(|byte| shown.push_str(&format!("\\x{byte:02x}")));
    }
    shown
}

/// Returns a text as a word of a POSIX shell, which can be pasted and stands for exactly these bytes: as it is, in single quotes, or where
/// it has something that cannot be shown, in dollar-single-quotes (POSIX.1-2024, XCU 2.2.4) with octal escapes.
pub fn shell_word(text: impl AsRef<OsStr>) -> String {
    let text = text.as_ref();
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./:=,+@%".contains(byte);
    match text.to_str() {
        Some(plain) if !plain.is_empty() && plain.bytes().all(|byte| is_plain(&byte)) => plain.to_owned(),
        Some(shown) if is_shown_in_quotes(shown) => in_quotes(shown),
        _ => in_dollar_quotes(text.as_encoded_bytes()),
    }
}

/// Returns a text as an operand of a command, as [`shell_word`] does: behind `--` if it begins as an option does (POSIX.1-2024, XBD 12.2,
/// guideline 10).
pub fn shell_operand(text: impl AsRef<OsStr>) -> String {
    let text = text.as_ref();
    let is_like_option = text.as_encoded_bytes().starts_with(b"-");
    format!("{}{}", if is_like_option { "-- " } else { "" }, shell_word(text))
}

/// Returns an option with its value, as in `--data-dir D`; joined to the option if the value begins as an option does.
pub fn shell_option(option: &str, value: impl AsRef<OsStr>) -> String {
    let value = value.as_ref();
    let between = if value.as_encoded_bytes().starts_with(b"-") { '=' } else { ' ' };
    format!("{option}{between}{}", shell_word(value))
}

/// Returns true if every character of a text in quotes is seen as what it is.
fn is_shown_in_quotes(text: &str) -> bool {
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    (0..chars.len()).all(|place| is_seen(&chars, place))
}

fn in_dollar_quotes(bytes: &[u8]) -> String {
    let mut word = String::from("$'");
    for &byte in bytes {
        match byte {
            b'\'' | b'\\' => word.extend(['\\', char::from(byte)]),
            b' '..=b'~' => word.push(char::from(byte)),
            // Three digits, so that a digit behind them is no part of the escape.
            byte => word.push_str(&format!("\\{byte:03o}")),
        }
    }
    word.push('\'');
    word
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;
    use crate::spelling::hidden_character;

    fn shown(bytes: &[u8]) -> String {
        visible_path(OsStr::from_bytes(bytes))
    }

    #[test]
    fn a_path_is_one_line_whatever_its_bytes() {
        for (path, expected) in [
            (&b"/tmp/a b.bin"[..], "/tmp/a b.bin"),
            (b"", "''"),
            (b" a", "' a'"),
            (b"a\nb", "a\\u{a}b"),
            (b"\x1b[31m", "\\u{1b}[31m"),
            ("\u{202e}a".as_bytes(), "\\u{202e}a"),
            (b"bad\xff\xfe", "bad\\xff\\xfe"),
            (b"a\\b", "a\\b"),
            // These are no escapes, and are told apart from those that are.
            (b"a\\u{a}b", "a\\\\u{a}b"),
            (b"bad\\xff", "bad\\\\xff"),
            (b"a\\b\n", "a\\\\b\\u{a}"),
            // A lone surrogate is no UTF-8.
            (b"\xed\xa0\x80", "\\xed\\xa0\\x80"),
            ("\u{85}\u{2028}".as_bytes(), "\\u{85}\\u{2028}"),
        ] {
            assert_eq!(shown(path), expected, "{path:?}");
        }
    }

    #[test]
    fn a_shell_reads_a_word_back() {
        for bytes in
            [&b"a.bin"[..], b"a b", b"it's", b"", b"a\nb", b"\x1b[31m'\\0", b"\xff7", "\u{202e}é\t".as_bytes(), b"$x `y` \"z\""]
        {
            let word = shell_word(OsStr::from_bytes(bytes));
            assert_eq!(hidden_character(&word), None, "{word}");
            let said = Command::new("bash").args(["-c", &format!("printf %s {word}")]).output().unwrap();
            assert_eq!(said.stdout, bytes, "{word}");
        }
    }

    proptest! {
        #[test]
        fn no_path_has_anything_hidden(bytes in proptest::collection::vec(any::<u8>(), 0..20)) {
            prop_assert_eq!(hidden_character(&shown(&bytes)), None);
            prop_assert_eq!(hidden_character(&shell_word(OsStr::from_bytes(&bytes))), None);
        }

        #[test]
        fn no_two_paths_are_shown_alike(a in "[ab \\\\ux{}\n]{0,6}", b in "[ab \\\\ux{}\n]{0,6}") {
            // Quotes stand around what has blanks at its ends; no character of these is one.
            prop_assert_eq!(shown(a.as_bytes()) == shown(b.as_bytes()), a == b);
        }
    }
}
