//! A line as words: quotes, escapes, comments and variables, each word with its place in the line.
//!
//! The rules are those of POSIX shells, as far as they go: `'…'` is taken as it is, `"…"` knows `\"`, `\\` and `$name`, a
//! backslash takes the next character as it is, `#` at the start of a word begins a comment. Knows no command.

use std::collections::BTreeMap;
use std::ops::Range;

use thiserror::Error;

/// A word of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// What it says, without quotes and escapes.
    pub text: String,
    /// Where it stands in the line, in bytes, quotes included.
    pub span: Range<usize>,
    /// It has a quote or an escape, so that it is no flag and no command separator.
    pub quoted: bool,
}

/// A line that cannot be taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WordsError {
    /// A quote is opened and not closed: more may follow on the next line.
    #[error("the quote {quote} at column {column} is not closed")]
    Unclosed {
        /// Which.
        quote: char,
        /// Where, from 1.
        column: usize,
    },
    /// The line ends after a backslash.
    #[error("the line ends in a backslash")]
    Dangling,
    /// There is no such variable.
    #[error("there is no variable ${name}; `set {name} VALUE` makes one")]
    UnknownVariable {
        /// Its name.
        name: String,
    },
}

impl WordsError {
    /// Whether the line might go on below.
    pub fn wants_more(&self) -> bool {
        matches!(self, WordsError::Unclosed { .. } | WordsError::Dangling)
    }
}

/// Values by name.
pub type Variables = BTreeMap<String, String>;

/// The words of a line.
///
/// # Errors
/// Where a quote stays open, the line ends in a backslash, or a variable has no value.
pub fn split(line: &str, variables: &Variables) -> Result<Vec<Word>, WordsError> {
    let mut reader = Reader { line, variables: Some(variables), at: 0 };
    let mut words = Vec::new();
    while let Some(word) = reader.word()? {
        words.push(word);
    }
    Ok(words)
}

/// The words of a line that is still being typed: an open quote ends with the line, variables stay as they are.
pub fn split_unfinished(line: &str) -> Vec<Word> {
    let mut reader = Reader { line, variables: None, at: 0 };
    let mut words = Vec::new();
    while let Ok(Some(word)) = reader.word() {
        words.push(word);
    }
    words
}

/// The commands of a text, which ends of lines and `;` separate where they are not quoted; each with the line on which it
/// begins, from 1.
pub fn commands_of(text: &str) -> Vec<(usize, String)> {
    let mut commands = Vec::new();
    let (mut start, mut line, mut begun) = (0, 1, 1);
    for (at, c) in separators(text).into_iter().chain([(text.len(), ' ')]) {
        let command = text[start..at].trim();
        if !command.is_empty() && !command.starts_with('#') {
            let blank = text[start..at].len() - text[start..at].trim_start().len();
            commands.push((begun + text[start..start + blank].matches('\n').count(), command.to_owned()));
        }
        line += text[start..at].matches('\n').count() + usize::from(c == '\n');
        (start, begun) = ((at + c.len_utf8()).min(text.len()), line);
    }
    commands
}

/// Where a line ends or `;` stands, outside of quotes and comments.
fn separators(text: &str) -> Vec<(usize, char)> {
    let (mut found, mut quote, mut escaped, mut word_begins, mut comment) = (Vec::new(), None, false, true, false);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '\n') => {
                found.push((at, c));
                (comment, escaped) = (false, false);
            }
            _ if comment => {}
            _ if escaped => escaped = false,
            (None | Some('"'), '\\') => escaped = true,
            (Some(open), c) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '#') if word_begins => comment = true,
            (None, ';') => found.push((at, c)),
            _ => {}
        }
        word_begins = c.is_whitespace() || c == ';';
    }
    found
}

/// A text as one word that [`split`] reads back.
pub fn quote(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:=,+@%~".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

struct Reader<'a> {
    line: &'a str,
    /// `None` where variables are left alone and open quotes end with the line.
    variables: Option<&'a Variables>,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.line[self.at..]
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest().chars().next()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn word(&mut self) -> Result<Option<Word>, WordsError> {
        self.at += self.rest().len() - self.rest().trim_start().len();
        if self.rest().is_empty() || self.rest().starts_with('#') {
            return Ok(None);
        }
        let start = self.at;
        let (mut text, mut quoted) = (String::new(), false);
        while let Some(c) = self.rest().chars().next().filter(|c| !c.is_whitespace()) {
            self.at += c.len_utf8();
            match c {
                '\'' | '"' => {
                    quoted = true;
                    self.quoted(c, &mut text)?;
                }
                '\\' => {
                    quoted = true;
                    match self.next() {
                        Some(c) => text.push(c),
                        None if self.variables.is_none() => {}
                        None => return Err(WordsError::Dangling),
                    }
                }
                '$' => self.variable(&mut text)?,
                c => text.push(c),
            }
        }
        Ok(Some(Word { text, span: start..self.at, quoted }))
    }

    fn quoted(&mut self, quote: char, text: &mut String) -> Result<(), WordsError> {
        let column = self.line[..self.at].chars().count();
        loop {
            match self.next() {
                None if self.variables.is_none() => return Ok(()),
                None => return Err(WordsError::Unclosed { quote, column }),
                Some(c) if c == quote => return Ok(()),
                Some('\\') if quote == '"' => match self.next() {
                    Some(c @ ('"' | '\\' | '$')) => text.push(c),
                    Some(c) => text.extend(['\\', c]),
                    None => text.push('\\'),
                },
                Some('$') if quote == '"' => self.variable(text)?,
                Some(c) => text.push(c),
            }
        }
    }

    /// What follows a `$`.
    fn variable(&mut self, text: &mut String) -> Result<(), WordsError> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let len = self.rest().find(|c| !is_name(c)).unwrap_or(self.rest().len());
        let name = self.rest()[..len].to_owned();
        self.at += len;
        match self.variables {
            Some(variables) if !name.is_empty() => match variables.get(&name) {
                Some(value) => text.push_str(value),
                None => return Err(WordsError::UnknownVariable { name }),
            },
            _ => {
                text.push('$');
                text.push_str(&name);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(line: &str) -> Vec<String> {
        let variables = Variables::from([("file".to_owned(), "a b".to_owned())]);
        split(line, &variables).unwrap().into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn words_are_taken_apart_as_a_shell_does() {
        assert_eq!(texts(r#"upload 'my file.bin' --as "x \"y\"" # and so on"#), ["upload", "my file.bin", "--as", "x \"y\""]);
        assert_eq!(texts(r"a\ b c\#d e#f"), ["a b", "c#d", "e#f"]);
        assert_eq!(texts(r#"$file "$file" '$file' \$file $"#), ["a b", "a b", "$file", "$file", "$"]);
        assert_eq!(texts(""), Vec::<String>::new());
        assert_eq!(texts("''"), [""]);
    }

    #[test]
    fn what_is_open_is_told() {
        let none = Variables::new();
        assert_eq!(split("a 'b", &none), Err(WordsError::Unclosed { quote: '\'', column: 3 }));
        assert_eq!(split("a \\", &none), Err(WordsError::Dangling));
        assert_eq!(split("$x", &none), Err(WordsError::UnknownVariable { name: "x".into() }));
        let words = split_unfinished("upload \"my fi");
        assert_eq!((words[1].text.as_str(), words[1].span.clone()), ("my fi", 7..13));
    }

    #[test]
    fn a_script_is_lines_and_semicolons() {
        let text = "a; b 'c;d'\n\n# no; thing\ne \\; f # g; h\n";
        let expected = [(1, "a"), (1, "b 'c;d'"), (4, "e \\; f # g; h")];
        assert_eq!(commands_of(text), expected.map(|(line, text)| (line, text.to_owned())));
        let text = "echo 'a\nb; c'\nls # it's; all\nnodes";
        let expected = [(1, "echo 'a\nb; c'"), (3, "ls # it's; all"), (4, "nodes")];
        assert_eq!(commands_of(text), expected.map(|(line, text)| (line, text.to_owned())));
    }

    proptest! {
        #[test]
        fn a_quoted_text_is_one_word(text in "\\PC{0,20}") {
            let words = split(&quote(&text), &Variables::new()).unwrap();
            prop_assert_eq!(words.len(), 1);
            prop_assert_eq!(&words[0].text, &text);
        }

        #[test]
        fn no_line_makes_it_panic(line in "\\PC{0,40}") {
            let _ = split(&line, &Variables::new());
            for word in split_unfinished(&line) {
                prop_assert!(line.is_char_boundary(word.span.start) && line.is_char_boundary(word.span.end));
            }
            commands_of(&line);
        }
    }
}
