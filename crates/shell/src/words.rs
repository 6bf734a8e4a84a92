//! The splitting of lines into words: quotes, escapes, comments and variables. Each word knows its position in the line.
//!
//! The rules are a subset of those of POSIX shells: `'…'` is literal, `"…"` recognizes `\"`, `\\`, `\$` and `$name`, a backslash
//! makes the next character literal and joins a line with the next one, `#` at the start of a word begins a comment, `;` and the
//! end of a line end a command.

use std::collections::BTreeMap;
use std::ops::Range;

use p2p_base::spelling::in_quotes;
use thiserror::Error;

/// A word of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Text of the word without quotes and escapes.
    pub text: String,
    /// Position of the word in the line, in bytes, including quotes.
    pub span: Range<usize>,
    /// True if the word contains a quote or an escape, so that it is neither a flag nor a command separator.
    pub quoted: bool,
}

/// An error in splitting a line.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WordsError {
    /// A quote is opened and not closed; the next line may close it.
    #[error("the quote {quote} at column {column} is not closed")]
    Unclosed {
        /// Quote character: `'` or `"`.
        quote: char,
        /// Column of the opening quote, from 1.
        column: usize,
    },
    /// The line ends after a backslash.
    #[error("the line ends in a backslash")]
    Dangling,
    /// The command line of the script has too few arguments.
    #[error("${place} is missing: the script wants at least {place} arguments; `p2p run FILE ARGUMENT…` gives them")]
    MissingArgument {
        /// Number of the argument, from 1.
        place: String,
    },
    /// The variable is not set.
    #[error("there is no variable ${name}; `set {name} VALUE` makes one, and so does `p2p run --set {name}=VALUE`")]
    UnknownVariable {
        /// Name of the variable.
        name: String,
    },
    /// The values of variables make a word too long.
    #[error("a word of it would have more than {TEXT_MAX} bytes")]
    TooLong,
    /// Several commands are given where one is expected.
    #[error("there are several commands, where one is expected; quote `;` where it is meant")]
    Several,
}

/// Maximum length in bytes of a word that contains the values of variables.
const TEXT_MAX: usize = 1 << 20;
/// Sequence that joins a line with the next one.
const JOINED: &str = "\\\n";

/// Values of variables by name.
pub type Variables = BTreeMap<String, String>;

/// Splits a command into its words.
///
/// # Errors
/// Fails if a quote stays open, the line ends in a backslash, a variable has no value, or there are several commands.
pub fn split(line: &str, variables: &Variables) -> Result<Vec<Word>, WordsError> {
    let mut reader = Reader { text: line, variables: Some(variables), strict: true, at: 0 };
    let mut words = Vec::new();
    loop {
        match reader.piece()? {
            Some(Piece::Word(word)) => words.push(word),
            Some(Piece::Separator) => return Err(WordsError::Several),
            None => return Ok(words),
        }
    }
}

/// Returns true if a text is incomplete and may continue on the next line: a quote is open, or it ends in a backslash.
pub fn wants_more(text: &str) -> bool {
    unfinished(text).is_some()
}

/// Returns the quote that is open at the end of a text, with the number of line ends before it; none if none is.
pub fn open_quote(text: &str) -> Option<(char, usize)> {
    match unfinished(text)? {
        WordsError::Unclosed { quote, column } => Some((quote, text.chars().take(column).filter(|&c| c == '\n').count())),
        _ => None,
    }
}

/// Returns what keeps a text from being complete; none if nothing does. Variables are not replaced.
fn unfinished(text: &str) -> Option<WordsError> {
    let mut reader = Reader { text, variables: None, strict: true, at: 0 };
    loop {
        match reader.piece() {
            Ok(Some(_)) => {}
            Ok(None) => return None,
            Err(error) => return Some(error),
        }
    }
}

/// Returns the commands of a text that is still being typed, each as its words, which may be none. An open quote ends with the
/// text, and variables are not replaced.
pub fn commands_unfinished(text: &str) -> Vec<Vec<Word>> {
    let mut reader = Reader { text, variables: None, strict: false, at: 0 };
    let mut commands = vec![Vec::new()];
    while let Ok(Some(piece)) = reader.piece() {
        match (piece, commands.last_mut()) {
            (Piece::Word(word), Some(words)) => words.push(word),
            _ => commands.push(Vec::new()),
        }
    }
    commands
}

/// Returns the words of the command that is being typed, which is the last of a text.
pub fn split_unfinished(text: &str) -> Vec<Word> {
    commands_unfinished(text).pop().unwrap_or_default()
}

/// Returns the commands of a text, which ends of lines and `;` separate unless they are quoted; each with the number of the line
/// on which it begins, from 1.
pub fn commands_of(text: &str) -> Vec<(usize, String)> {
    // Lines are counted from one command to the next: counting them from the beginning each time would take quadratic time.
    let (mut line, mut counted) = (1, 0);
    let command = |words: Vec<Word>| {
        let (start, end) = (words.first()?.span.start, words.last()?.span.end);
        line += text[counted..start].matches('\n').count();
        counted = start;
        Some((line, text[start..end].to_owned()))
    };
    commands_unfinished(text).into_iter().filter_map(command).collect()
}

/// Returns true if a user may set a variable of this name. The variables of the command line have numbers and `#` as names.
pub fn is_variable_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(is_name_character)
}

fn is_name_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Quotes a text if necessary, so that [`split`] reads it back as one word.
pub fn quote(text: &str) -> String {
    if !text.is_empty() && text.chars().all(is_plain) { text.to_owned() } else { in_quotes(text) }
}

fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || "-_./:=,+@%~".contains(c)
}

/// Returns true if a text consists of characters that need no quotes, but for those of patterns for names of stored files.
pub fn is_plain_pattern(text: &str) -> bool {
    text.chars().all(|c| is_plain(c) || "*?[]!^".contains(c)) && !text.is_empty()
}

/// A syntactic element of a text.
enum Piece {
    Word(Word),
    /// End of a command: the end of a line, or `;`.
    Separator,
}

struct Reader<'a> {
    text: &'a str,
    /// Values of variables; `None` if variables are not replaced.
    variables: Option<&'a Variables>,
    /// True if an open quote or a final backslash is an error; otherwise the end of the text ends it.
    strict: bool,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest().chars().next()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn piece(&mut self) -> Result<Option<Piece>, WordsError> {
        self.skip_blanks();
        match self.rest().chars().next() {
            None => Ok(None),
            Some('\n' | ';') => {
                self.at += 1;
                Ok(Some(Piece::Separator))
            }
            Some(_) => self.word().map(|word| Some(Piece::Word(word))),
        }
    }

    /// Skips white space, joined line ends, and a comment.
    fn skip_blanks(&mut self) {
        loop {
            let rest = self.rest();
            // Pasted text may begin with a byte order mark.
            let is_blank = |c: char| (c.is_whitespace() && c != '\n') || c == '\u{feff}';
            let blank = rest.len() - rest.trim_start_matches(is_blank).len();
            self.at += match blank {
                0 if rest.starts_with(JOINED) => JOINED.len(),
                0 if rest.starts_with('#') => rest.find('\n').unwrap_or(rest.len()),
                0 => return,
                blank => blank,
            };
        }
    }

    fn word(&mut self) -> Result<Word, WordsError> {
        let start = self.at;
        let (mut text, mut quoted) = (String::new(), false);
        while let Some(c) = self.rest().chars().next().filter(|&c| !c.is_whitespace() && c != ';') {
            if self.rest().starts_with(JOINED) {
                self.at += JOINED.len();
                continue;
            }
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
                        None if !self.strict => {}
                        None => return Err(WordsError::Dangling),
                    }
                }
                '$' => self.variable(&mut text)?,
                c => text.push(c),
            }
        }
        Ok(Word { text, span: start..self.at, quoted })
    }

    fn quoted(&mut self, quote: char, text: &mut String) -> Result<(), WordsError> {
        let opened = self.at;
        loop {
            match self.next() {
                None if !self.strict => return Ok(()),
                None => return Err(WordsError::Unclosed { quote, column: self.text[..opened].chars().count() }),
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

    /// Reads the name after a `$`, and appends the value of the variable.
    fn variable(&mut self, text: &mut String) -> Result<(), WordsError> {
        let len = match self.rest().chars().next() {
            Some('#') => 1,
            // `$1x` is `$1` followed by an x.
            Some(c) if c.is_ascii_digit() => self.rest().find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest().len()),
            _ => self.rest().find(|c| !is_name_character(c)).unwrap_or(self.rest().len()),
        };
        let name = self.rest()[..len].to_owned();
        self.at += len;
        match self.variables {
            Some(variables) if !name.is_empty() => match variables.get(&name) {
                Some(value) if text.len() + value.len() > TEXT_MAX => return Err(WordsError::TooLong),
                Some(value) => text.push_str(value),
                None if name.starts_with(|c: char| c.is_ascii_digit()) => {
                    return Err(WordsError::MissingArgument { place: name });
                }
                // Front ends without script arguments do not set `$#`, which is then 0.
                None if name == "#" => text.push('0'),
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
        assert_eq!(texts("\u{feff}ls a\r"), ["ls", "a"]);
    }

    #[test]
    fn what_variables_make_too_long_is_refused() {
        let variables = Variables::from([("x".to_owned(), "x".repeat(TEXT_MAX / 2))]);
        assert_eq!(split("echo $x$x", &variables).map(|words| words[1].text.len()), Ok(TEXT_MAX));
        assert_eq!(split("echo \"$x$x $x\"", &variables), Err(WordsError::TooLong));
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
        let expected = [(1, "a"), (1, "b 'c;d'"), (4, "e \\; f")];
        assert_eq!(commands_of(text), expected.map(|(line, text)| (line, text.to_owned())));
        let text = "echo 'a\nb; c'\nls # it's; all\nnodes";
        let expected = [(1, "echo 'a\nb; c'"), (3, "ls"), (4, "nodes")];
        assert_eq!(commands_of(text), expected.map(|(line, text)| (line, text.to_owned())));
    }

    #[test]
    fn lines_go_on_where_something_is_open() {
        for (text, more) in [
            ("echo 'a", true),
            ("echo a \\", true),
            ("echo a \\\nb", false),
            ("$x 'open", true),
            ("echo a;# don't", false),
            ("echo don't # '", false),
            ("ls # it's", false),
        ] {
            assert_eq!(wants_more(text), more, "{text}");
        }
        for (text, open) in [
            ("echo a", None),
            ("echo a \\", None),
            ("echo 'a", Some(('\'', 0))),
            ("echo 'é\nb' \"c\n", Some(('"', 1))),
            ("# it's\necho don't", Some(('\'', 1))),
        ] {
            assert_eq!(open_quote(text), open, "{text}");
        }
        assert_eq!(commands_of("echo a \\\nb\nls"), [(1, "echo a \\\nb".to_owned()), (3, "ls".to_owned())]);
        assert_eq!(texts("echo a\\\nb \\\n c"), ["echo", "ab", "c"]);
        assert_eq!(split("a; b", &Variables::new()), Err(WordsError::Several));
        assert_eq!(split_unfinished("upload a ; rm b")[0].text, "rm");
        assert!(split_unfinished("upload a ;").is_empty());
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
            // What a text is taken apart into is one command each, whatever is open in the last.
            for (_, command) in commands_of(&line) {
                prop_assert_ne!(split(&command, &Variables::new()), Err(WordsError::Several));
            }
        }
    }
}
