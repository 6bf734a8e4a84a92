//! Lists of names and lines that may be very long: cut, with the rest counted.

/// Number of names or lines that a list shows at most, if there may be very many.
pub const LISTED_MAX: usize = 20;

/// Joins texts with commas, of which no more than `most` are shown and the others counted.
pub fn listed(texts: &[String], most: usize) -> String {
    listed_of(texts.iter().map(String::as_str), texts.len(), most)
}

/// Joins `count` texts as [`listed`] does, and asks for no more of them than are shown.
pub fn listed_of<'a>(texts: impl Iterator<Item = &'a str>, count: usize, most: usize) -> String {
    match count.checked_sub(most).filter(|&more| more > 1) {
        Some(more) => format!("{} and {more} more", texts.take(most).collect::<Vec<_>>().join(", ")),
        None => texts.collect::<Vec<_>>().join(", "),
    }
}

/// Returns the lines of an answer as one, without the rules of a table.
pub(crate) fn lines_in_one(answer: &str) -> String {
    let is_rule = |line: &str| !line.contains(char::is_alphanumeric);
    let has_rules = answer.lines().any(|line| !is_rule(line));
    let lines: Vec<&str> = answer.lines().filter(|line| !(has_rules && is_rule(line))).map(str::trim_end).collect();
    lines.join(" / ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_cut_and_counted() {
        let texts: Vec<String> = (0..5).map(|n| n.to_string()).collect();
        assert_eq!(listed(&texts, 5), "0, 1, 2, 3, 4");
        assert_eq!(listed(&texts, 4), "0, 1, 2, 3, 4");
        assert_eq!(listed(&texts, 2), "0, 1 and 3 more");
    }
}
