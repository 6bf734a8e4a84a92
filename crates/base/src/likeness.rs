//! Suggestions of known names for a mistyped one, by edit distance and common beginnings.

/// Number of characters from which on the beginning of a name counts as similar to it.
const BEGINNING_MIN: usize = 3;

/// Returns the known names that are similar to the typed one, the most similar first: those within an edit distance of three and
/// of a third of the typed characters, and those that begin with the typed name.
pub fn nearest<S: AsRef<str>>(typed: &str, known: impl IntoIterator<Item = S>) -> Vec<S> {
    let typed = typed.to_lowercase();
    let slips_max = (typed.chars().count() / 3).min(3);
    let is_beginning = |name: &str| typed.chars().count() >= BEGINNING_MIN && name.starts_with(&typed);
    let slips = |name: &str| match name.to_lowercase() {
        name if is_beginning(&name) => 1.min(slips_max),
        name => strsim::damerau_levenshtein(&typed, &name),
    };
    let mut near: Vec<(usize, S)> = known.into_iter().map(|name| (slips(name.as_ref()), name)).collect();
    near.retain(|&(slips, _)| slips <= slips_max);
    near.sort_by_key(|&(slips, _)| slips);
    near.into_iter().map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_is_near() {
        let known = ["upload", "loss", "tui", "passwd", "ls", "storage"];
        assert_eq!(nearest("uplaod", known), ["upload"]);
        assert_eq!(nearest("Storgae", known), ["storage"]);
        assert_eq!(nearest("los", known), ["loss", "ls"]);
        assert_eq!(nearest("pass", known), ["passwd"]);
        for typed in ["foo", "x", "", "zz", "download"] {
            assert!(nearest(typed, known).is_empty(), "{typed}: {:?}", nearest(typed, known));
        }
    }
}
