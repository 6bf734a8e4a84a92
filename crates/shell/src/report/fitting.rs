//! Texts in a given number of cells: filled with blanks, or cut with a mark.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Returns the text in exactly `width` cells of a terminal: filled with blanks, or cut with the `mark` at its end if there is room for
/// that.
pub fn fitted(text: &str, width: usize, mark: &str) -> String {
    let fill = |text: String| {
        let missing = width.saturating_sub(text.width());
        text + &" ".repeat(missing)
    };
    if text.width() <= width {
        return fill(text.to_owned());
    }
    let mark = if mark.width() <= width { mark } else { "" };
    let mut used = mark.width();
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used <= width
    };
    fill(text.chars().take_while(fits).collect::<String>() + mark)
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
