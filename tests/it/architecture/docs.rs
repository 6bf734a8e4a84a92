//! How doc comments begin. The field's documentation begins with the noun or the verb of what it documents; a pronoun or a question
//! word at that place mostly hides both.

use super::sources::Source;

/// Words with which no doc comment begins.
const PRONOUNS_AND_QUESTION_WORDS: &str = "it its itself he she they them their theirs this that these those i we you our your \
    what how where whether when why which who whom whose whoever whatever wherever whenever somebody someone something somewhere \
    nobody nothing anybody anyone anything everybody everyone everything there so here";

/// What was found in all sources.
#[derive(Default)]
pub(super) struct Openings {
    pub(super) all: usize,
    /// Places of those that begin with a pronoun or a question word.
    pub(super) wrong: Vec<String>,
    /// Number of those of at most three words.
    pub(super) short: usize,
}

/// Looks at the first word of each block of `///` lines.
pub(super) fn openings(sources: &[Source]) -> Openings {
    let mut found = Openings::default();
    for source in sources {
        for (line, text) in blocks(source.code()) {
            found.all += 1;
            if is_wrong(&text) {
                found.wrong.push(format!("{}:{line}: {text}", source.path.display()));
            }
            found.short += usize::from(text.split_whitespace().count() <= 3);
        }
    }
    found
}

fn is_wrong(text: &str) -> bool {
    let first = text.split(|c: char| !c.is_alphabetic()).find(|word| !word.is_empty()).unwrap_or_default().to_lowercase();
    PRONOUNS_AND_QUESTION_WORDS.split_whitespace().any(|word| word == first)
}

/// Blocks of doc comments with the line, from 1, at which each begins.
fn blocks(code: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut is_inside = false;
    for (number, line) in code.lines().enumerate() {
        let doc = line.trim_start().strip_prefix("///").map(str::trim);
        match (doc, found.last_mut()) {
            (Some(text), Some((_, block))) if is_inside => {
                block.push(' ');
                block.push_str(text);
            }
            (Some(text), _) => found.push((number + 1, text.to_owned())),
            (None, _) => {}
        }
        is_inside = doc.is_some();
    }
    found
}

#[test]
fn openings_are_told_apart() {
    let code = "/// What it holds.\nx\n    /// Bytes in flight,\n    /// which it counts.\n/// `It`\n";
    let found: Vec<(usize, bool)> = blocks(code).iter().map(|(line, text)| (*line, is_wrong(text))).collect();
    assert_eq!(found, [(1, true), (3, false)]);
}
