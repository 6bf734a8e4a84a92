//! Texts in a given number of cells: filled with blanks, or cut with a mark.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Characters of which numbers, times and shares consist.
const OF_NUMBERS: [char; 4] = ['.', ',', ':', '/'];

/// Returns the beginning of a cut text without the number that it ends in, which might not be the whole one: `↓ 0/10` would read as
/// another share than `↓ 0/100`. Of a text that is little but a number, such as a name, the number is left.
fn without_last_number(text: &str) -> &str {
    // What joins the parts of a number may stand at its end, as in `6.` of `6.0 KiB/s`.
    if !text.trim_end_matches(OF_NUMBERS).ends_with(|c: char| c.is_ascii_digit()) {
        return text;
    }
    let rest = text.trim_end_matches(|c: char| c.is_ascii_digit() || OF_NUMBERS.contains(&c));
    if 4 * rest.trim_end().width() >= text.width() { rest } else { text }
}

/// Returns the beginning of a text of which not all fits into `room` cells of a terminal: the characters that fit, but not the first part
/// of a number.
pub fn beginning_within(chars: impl Iterator<Item = char>, room: usize) -> String {
    let mut used = 0;
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used <= room
    };
    let mut kept: String = chars.take_while(fits).collect();
    kept.truncate(without_last_number(&kept).len());
    kept
}

/// Returns the text in exactly `width` cells of a terminal: filled with blanks, or cut with the `mark` at its end if there is room for
/// that. It is not cut behind a digit.
pub fn fitted(text: &str, width: usize, mark: &str) -> String {
    let fill = |text: String| {
        let missing = width.saturating_sub(text.width());
        text + &" ".repeat(missing)
    };
    if text.width() <= width {
        return fill(text.to_owned());
    }
    let mark = if mark.width() <= width { mark } else { "" };
    fill(beginning_within(text.chars(), width - mark.width()) + mark)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_that_is_too_long_ends_in_its_mark() {
        for (text, mark, shown) in [
            ("a.bin", "…", "a.bin   "),
            ("abcdefgh", "…", "abcdefgh"),
            ("abcdefghi", "…", "abcdefg…"),
            ("ファイル", "…", "ファイル"),
            ("ファイル.dat", "…", "ファイ… "),
            ("abcdefghi", "...", "abcde..."),
            ("queue 98/100", "…", "queue … "),
            ("Node_1000", "…", "Node_…  "),
            ("link 6.0 KiB/s", "…", "link …  "),
            // Little but a number.
            ("a12345678", "…", "a123456…"),
        ] {
            assert_eq!(fitted(text, 8, mark), shown);
        }
        assert_eq!((fitted("abc", 0, "…"), fitted("abc", 2, "...")), (String::new(), "ab".to_owned()));
    }

    proptest! {
        #[test]
        fn what_is_fitted_has_its_width(text in "[a-zäß日 ]{0,20}", width in 0usize..20) {
            let fits = fitted(&text, width, "…");
            prop_assert_eq!(fits.width(), width);
            prop_assert!(fits.starts_with(&text) || width == 0 || fits.contains('…'), "{}", fits);
        }
    }
}
