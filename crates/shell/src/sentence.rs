//! Sentences of messages that consist of several, each of which may have an end of its own, such as a question.

use std::fmt::Display;

/// Returns true if a text ends as a sentence does.
fn is_ended(text: &str) -> bool {
    text.ends_with(['.', '?', '!'])
}

/// Returns a text as a whole sentence, with the period that it may lack.
pub(crate) fn ended(text: impl Display) -> String {
    let text = text.to_string();
    if is_ended(&text) { text } else { text + "." }
}

/// Returns a text with a capital letter at its begin.
pub fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// Joins parts to one text: with semicolons, but for what follows the end of a sentence.
pub(crate) fn joined(parts: &[String]) -> String {
    parts.iter().fold(String::new(), |text, part| match text.as_str() {
        "" => part.clone(),
        before if is_ended(before) => format!("{text} {part}"),
        _ => format!("{text}; {part}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_ends_once() {
        assert_eq!(["no such file", "did you mean `a`?", "Done."].map(ended), ["no such file.", "did you mean `a`?", "Done."]);
        let parts = ["no `b`; did you mean `a`?", "no `c`", "1 of 3 files"].map(str::to_owned);
        assert_eq!(joined(&parts), "no `b`; did you mean `a`? no `c`; 1 of 3 files");
    }
}
