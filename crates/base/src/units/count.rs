//! Numbers of things in words, for messages and tables: the word is in the singular only if there is one of them.

/// Formats a number of things with the word for one of them, as in `1 file` and `2 files`.
pub fn count_of(count: u64, one: &str) -> String {
    let plural = match one.strip_suffix('y') {
        _ if count == 1 => one.to_owned(),
        Some(stem) => format!("{stem}ies"),
        None => format!("{one}s"),
    };
    format!("{count} {plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_one_and_others_are_several() {
        let counts = [count_of(0, "file"), count_of(1, "file"), count_of(2, "directory"), count_of(1, "directory")];
        assert_eq!(counts, ["0 files", "1 file", "2 directories", "1 directory"]);
    }
}
