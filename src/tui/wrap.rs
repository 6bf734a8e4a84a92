//! The breaking and cutting of texts, so that they fit into panes and dialogs.

pub use p2p_shell::report::fitted;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Wraps a text into lines of at most `width` cells, between words if possible. Spaces within a line are kept.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let (mut lines, mut rest) = (Vec::new(), text);
    while rest.width() > width.max(1) {
        let fits = fitting(rest, width.max(1));
        let break_at = match rest[..fits].rfind(' ') {
            _ if rest[fits..].starts_with(' ') => fits,
            Some(space) if !rest[..space].trim().is_empty() => space,
            _ => fits,
        };
        lines.push(rest[..break_at].to_owned());
        rest = rest[break_at..].trim_start();
    }
    if !rest.is_empty() || lines.is_empty() {
        lines.push(rest.to_owned());
    }
    lines
}

/// Wraps a line as [`wrapped`] does, unless it belongs to a drawn table, which wrapping would destroy.
pub fn wrapped_text(line: &str, width: usize) -> Vec<String> {
    if is_drawn(line) { vec![line.to_owned()] } else { wrapped(line, width) }
}

/// Returns the number of rows that [`wrapped_text`] makes of a line.
pub fn rows_of(line: &str, width: usize) -> usize {
    // No character has more cells than bytes, and nearly all lines are short.
    if line.len() <= width { 1 } else { wrapped_text(line, width).len() }
}

/// Returns true if a line belongs to a drawn table, in either set of characters.
fn is_drawn(text: &str) -> bool {
    let is_ruled =
        |corner: char, line: [char; 2]| text.starts_with(corner) && text.get(1..).is_some_and(|rest| rest.starts_with(line));
    text.starts_with(['┌', '│', '╞', '├', '└']) || is_ruled('+', ['-', '=']) || (text.starts_with("| ") && text.ends_with(" |"))
}

/// Returns the number of bytes of a text that fit into `width` cells, at least one character.
fn fitting(text: &str, width: usize) -> usize {
    let mut used = 0;
    let end = text.char_indices().find(|(place, c)| {
        used += c.width().unwrap_or(0);
        used > width && *place > 0
    });
    end.map_or(text.len(), |(place, _)| place)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("one two three", 6), ["one", "two", "three"]);
        assert_eq!(wrapped("name   value", 20), ["name   value"]);
        assert_eq!(wrapped("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrapped("", 3), [""]);
        assert_eq!(wrapped("日本語", 2), ["日", "本", "語"]);
    }

    /// The lines of a table are kept whole in both sets of characters, and what only begins like one is wrapped.
    #[test]
    fn lines_of_tables_are_known() {
        for line in ["┌──┐", "│ a │", "╞══╡", "└──┘", "+----+", "+====+", "| a  |"] {
            assert!(is_drawn(line), "{line}");
        }
        for line in ["+ more", "| a pipe", "", "+", "-----", "a | b |"] {
            assert!(!is_drawn(line), "{line}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_all_fits(text in "[a-zäß日 ]{0,60}", width in 2usize..20) {
            let lines = wrapped(&text, width);
            prop_assert!(lines.iter().all(|line| line.width() <= width), "{lines:?}");
            let bare = |text: &str| text.split_whitespace().collect::<String>();
            prop_assert_eq!(lines.iter().map(|line| bare(line)).collect::<String>(), bare(&text));
        }
    }
}
