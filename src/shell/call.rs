//! A line bound to a command: which command, with which arguments and flags. Knows nothing of what commands do.

use std::collections::BTreeMap;

use super::ShellError;
use super::spec::{Group, Kind, Spec, Times};
use super::table;
use super::words::{self, Variables, Word};
use crate::engine::transfer::TransferId;
use crate::likeness;
use crate::spelling::in_quotes;
use crate::storage::manifest::NodeNumber;

/// A command with what it was given.
#[derive(Debug)]
pub struct Call {
    /// The command.
    pub spec: &'static Spec,
    /// Its arguments, in order.
    pub arguments: Vec<String>,
    /// Which of them were quoted, so that they are no flags and no other words of the language.
    quoted: Vec<bool>,
    /// Its flags, with their values.
    pub flags: BTreeMap<&'static str, String>,
}

impl Call {
    /// Reads a line; `None` where it says nothing.
    ///
    /// # Errors
    /// Where the line cannot be taken apart, there is no such command, or it does not take what it was given.
    pub fn parse(line: &str, variables: &Variables) -> Result<Option<Call>, ShellError> {
        let words = words::split(line, variables)?;
        let Some((first, words)) = words.split_first() else { return Ok(None) };
        let spec = table::find(&first.text).ok_or_else(|| unknown(&first.text))?;
        let arguments: Vec<String> = table::first_words(&first.text).iter().map(|&word| word.to_owned()).collect();
        let quoted = vec![false; arguments.len()];
        let mut call = Call { spec, arguments, quoted, flags: BTreeMap::new() };
        call.take(words)?;
        call.check()?;
        Ok(Some(call))
    }

    fn take(&mut self, words: &[Word]) -> Result<(), ShellError> {
        let mut words = words.iter();
        let (mut only_arguments, is_rest) = (false, self.spec.arguments.iter().any(|argument| argument.times == Times::Rest));
        while let Some(word) = words.next() {
            match word.text.strip_prefix("--").filter(|_| !word.quoted && !only_arguments && !is_rest) {
                Some("") => only_arguments = true,
                Some(flag) => self.take_flag(flag, &mut words)?,
                None => {
                    self.arguments.push(word.text.clone());
                    self.quoted.push(word.quoted);
                }
            }
        }
        Ok(())
    }

    /// The first so many arguments as a line of their own, which says the same.
    pub fn line_of(&self, count: usize) -> String {
        let words = self.arguments.iter().zip(&self.quoted).take(count);
        words.map(|(word, &quoted)| if quoted { in_quotes(word) } else { words::quote(word) }).collect::<Vec<_>>().join(" ")
    }

    fn take_flag<'a>(&mut self, text: &str, words: &mut impl Iterator<Item = &'a Word>) -> Result<(), ShellError> {
        let (name, inline) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value.to_owned())));
        let flag = self.spec.flags.iter().find(|flag| flag.name == name);
        let flag = flag.ok_or_else(|| self.wrong(format!("there is no flag --{name}")))?;
        let value = match (flag.value, inline) {
            (Some((value, _)), inline) => inline
                .or_else(|| words.next().map(|word| word.text.clone()))
                .ok_or_else(|| self.wrong(format!("--{name} needs {value}")))?,
            (None, Some(_)) => return Err(self.wrong(format!("--{name} takes no value"))),
            (None, None) => String::new(),
        };
        self.flags.insert(flag.name, value);
        Ok(())
    }

    fn check(&self) -> Result<(), ShellError> {
        for (place, argument) in self.spec.arguments.iter().enumerate() {
            if self.arguments.len() <= place && argument.times != Times::Optional {
                return Err(self.wrong(format!("{} is missing", argument.name)));
            }
        }
        for (place, given) in self.arguments.iter().enumerate() {
            match self.spec.argument_at(place).map(|argument| argument.kind) {
                None => return Err(self.wrong(format!("`{given}` is too much"))),
                Some(Kind::LocalPath) if given == "-" => {
                    return Err(self.wrong("`-` is no file here: `p2p put - --as NAME` and `p2p get NAME -o -` take standard input and output, and ./- is a file of that name".into()));
                }
                Some(Kind::OneOf(known)) if !known.contains(&given.as_str()) => {
                    return Err(self.wrong(format!("`{given}` is none of: {}", known.join(", "))));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// What is wrong with the line, and how it would be right.
    pub fn wrong(&self, problem: String) -> ShellError {
        ShellError::Usage { problem, usage: self.spec.usage() }
    }

    /// An argument by its place.
    pub fn argument(&self, place: usize) -> Option<&str> {
        self.arguments.get(place).map(String::as_str)
    }

    /// Whether a flag is given.
    pub fn has(&self, flag: &str) -> bool {
        self.flags.contains_key(flag)
    }

    /// The node that the argument at this place names.
    ///
    /// # Errors
    /// Where it names none.
    pub fn node(&self, place: usize) -> Result<NodeNumber, ShellError> {
        let text = self.argument(place).unwrap_or_default();
        let digits = text.rsplit('_').next().unwrap_or(text);
        let number = digits.parse::<u16>().ok().filter(|&number| number > 0 && is_node_name(text));
        let number = number.ok_or_else(|| self.wrong(format!("`{text}` is no node; write Node_03 or 3")))?;
        Ok(NodeNumber::from_index(usize::from(number) - 1))
    }

    /// The transfer that the argument at this place names; `None` where there is no such argument.
    ///
    /// # Errors
    /// Where it names none.
    pub fn transfer(&self, place: usize) -> Result<Option<TransferId>, ShellError> {
        let Some(text) = self.argument(place) else { return Ok(None) };
        let number = text.strip_prefix('#').unwrap_or(text).parse();
        number.map(|number| Some(TransferId(number))).map_err(|_| self.wrong(format!("`{text}` is no transfer; write 7")))
    }
}

fn is_node_name(text: &str) -> bool {
    let before = text.trim_end_matches(|c: char| c.is_ascii_digit());
    before.is_empty() || before.eq_ignore_ascii_case("node_")
}

/// Whether somebody may have typed a secret into a line: one about accounts that says more than it should. Secrets are asked, and
/// histories are to keep none.
pub fn may_hold_a_secret(line: &str) -> bool {
    let is_suspect = |command: &str| {
        let spec = spec_of(command);
        spec.is_some_and(|spec| spec.group == Group::Accounts) && Call::parse(command, &Variables::new()).is_err()
    };
    words::commands_of(line).iter().any(|(_, command)| is_suspect(without_expect(command)))
}

/// Whether a line is fit to be kept for long: each of its commands is one, and none names somebody who comes, for a password may
/// stand in the place of the name.
pub fn is_fit_to_be_kept(line: &str) -> bool {
    let is_fit = |command: &str| {
        let names_somebody =
            |spec: &Spec| matches!(spec.name, "login" | "register") && words::split_unfinished(command).len() > 1;
        spec_of(command).is_some_and(|spec| !names_somebody(spec))
    };
    words::commands_of(line).iter().all(|(_, command)| is_fit(without_expect(command)))
}

/// Whether a command is about accounts: only such a one asks questions, and changes who is there.
pub fn is_about_accounts(command: &str) -> bool {
    spec_of(without_expect(command)).is_some_and(|spec| spec.group == Group::Accounts)
}

/// The command that a command is about.
fn spec_of(command: &str) -> Option<&'static Spec> {
    words::split_unfinished(command).first().and_then(|first| table::find(&first.text))
}

/// A command whose answer is expected, without that.
fn without_expect(command: &str) -> &str {
    match words::split_unfinished(command).as_slice() {
        [first, second, ..] if spec_of(&first.text).is_some_and(|spec| spec.name == "expect") => &command[second.span.start..],
        _ => command,
    }
}

/// There is no such command; some may be meant.
fn unknown(name: &str) -> ShellError {
    let names = table::commands().flat_map(|command| std::iter::once(&command.name).chain(command.aliases));
    ShellError::Unknown { name: name.to_owned(), near: likeness::nearest(name, names.copied()).into_iter().take(3).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Call, String> {
        match Call::parse(line, &Variables::new()) {
            Ok(call) => Ok(call.unwrap()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn a_phrase_is_a_command_with_its_first_words() {
        let call = parse("enable_otp mail").unwrap();
        assert_eq!((call.spec.name, call.arguments.as_slice()), ("otp", &["enable".to_owned(), "mail".to_owned()][..]));
        assert!(parse("otp").unwrap_err().contains("ACTION is missing"));
    }

    #[test]
    fn a_line_that_may_hold_a_secret_is_known() {
        for line in ["login alice hunter2", "ls; passwd old new", "otp confirm 123456", "register a a@b.c pass"] {
            assert!(may_hold_a_secret(line), "{line}");
            assert!(may_hold_a_secret(&format!("expect {line} contains x")), "{line}");
        }
        for line in ["login alice", "ls too much", "otp enable app", "share a.bin bob", ""] {
            assert!(!may_hold_a_secret(line), "{line}");
        }
    }

    #[test]
    fn arguments_and_flags_find_their_places() {
        let call = parse("put a.bin 'b c' --as x --background").unwrap();
        assert_eq!((call.spec.name, call.arguments.len(), call.flags["as"].as_str()), ("upload", 2, "x"));
        assert!(call.has("background"));
        assert_eq!(parse("upload --as=x a").unwrap().flags["as"], "x");
        assert_eq!(parse("upload -- --as").unwrap().arguments, ["--as"]);
        assert_eq!(parse("upload '--as'").unwrap().arguments, ["--as"]);
        assert_eq!(parse("expect ls --json contains x").unwrap().arguments.len(), 4);
        assert!(Call::parse("  # nothing", &Variables::new()).unwrap().is_none());
    }

    #[test]
    fn what_is_wrong_is_told_with_the_usage() {
        for (line, words) in [
            ("uplaod a", "did you mean `upload`?"),
            ("upload", "PATH is missing; usage: upload PATH…"),
            ("ls x", "`x` is too much"),
            ("upload a --fast", "there is no flag --fast"),
            ("upload a --as", "--as needs NAME"),
            ("ls --x", "there is no flag --x"),
            ("capture begin", "none of: start, stop"),
            ("rm a --background=1", "takes no value"),
        ] {
            assert!(parse(line).unwrap_err().contains(words), "{line}: {}", parse(line).unwrap_err());
        }
    }

    #[test]
    fn nodes_and_transfers_have_several_names() {
        for name in ["Node_03", "node_3", "03", "3"] {
            assert_eq!(parse(&format!("node {name}")).unwrap().node(0).unwrap(), NodeNumber::from_index(2));
        }
        for name in ["Node", "0", "x3", "-3", "Node_0"] {
            assert!(parse(&format!("node {name}")).unwrap().node(0).is_err(), "{name}");
        }
        assert_eq!(parse("wait '#7'").unwrap().transfer(0).unwrap(), Some(TransferId(7)));
        assert!(parse("wait x").unwrap().transfer(0).is_err());
    }
}
