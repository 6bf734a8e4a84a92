//! The binding of a line to a command of the table, with its arguments and flags.

use std::collections::BTreeMap;

use p2p_auth::tokens;
use p2p_base::likeness;
use p2p_base::spelling::in_quotes;
use p2p_engine::transfer::TransferId;
use p2p_store::manifest::NodeNumber;

use super::ShellError;
use super::commands::check_values;
use super::hosts::node_of;
use super::spec::{Flag, Group, Kind, Place, Spec, Times};
use super::table::{self, Table};
use super::words::{self, Variables, Word};

/// A command with its arguments and flags.
///
/// ```
/// use p2p_shell::call::Call;
/// use p2p_shell::words::Variables;
///
/// let call = Call::parse("upload 'my file.bin' --background", &Variables::new())?.expect("it has words");
/// assert_eq!((call.spec.name, call.arguments[0].as_str()), ("upload", "my file.bin"));
/// assert!(call.flags.contains_key("background"));
/// # Ok::<(), p2p_shell::ShellError>(())
/// ```
#[derive(Debug)]
pub struct Call {
    /// Entry of the command in the table.
    pub spec: &'static Spec,
    /// Arguments of the command, in order.
    pub arguments: Vec<String>,
    /// For each argument, true if it was quoted: a quoted argument is neither a flag nor another word of the language.
    quoted: Vec<bool>,
    /// Flags that were given, with their values; empty for flags without a value.
    pub flags: BTreeMap<&'static str, String>,
}

impl Call {
    /// Parses a line with a command of this crate; returns `None` if it has no words.
    ///
    /// # Errors
    /// Fails as [`parse_in`](Self::parse_in) does.
    pub fn parse(line: &str, variables: &Variables) -> Result<Option<Call>, ShellError> {
        Call::parse_in(&Table::default(), line, variables)
    }

    /// Parses a line with a command of a table; returns `None` if it has no words.
    ///
    /// # Errors
    /// Fails if the line cannot be split into words, if there is no such command, or if the command does not take these arguments,
    /// flags or values.
    pub fn parse_in(table: &Table, line: &str, variables: &Variables) -> Result<Option<Call>, ShellError> {
        let words = words::split(line, variables)?;
        let Some((first, words)) = words.split_first() else { return Ok(None) };
        let spec = table.find(&first.text).ok_or_else(|| unknown(table, &first.text))?;
        let arguments: Vec<String> = table::first_words(&first.text).iter().map(|&word| word.to_owned()).collect();
        let quoted = vec![false; arguments.len()];
        let mut call = Call { spec, arguments, quoted, flags: BTreeMap::new() };
        call.take(words)?;
        call.check()?;
        check_values(table, &call)?;
        Ok(Some(call))
    }

    fn take(&mut self, words: &[Word]) -> Result<(), ShellError> {
        let mut words = words.iter();
        let (mut only_arguments, is_rest) = (false, self.spec.arguments.iter().any(|argument| argument.times == Times::Rest));
        while let Some(word) = words.next() {
            let may_be_flag = !word.quoted && !only_arguments && !is_rest;
            match word.text.strip_prefix("--").filter(|_| may_be_flag) {
                Some("") => only_arguments = true,
                Some(flag) => self.take_flag(flag, &mut words)?,
                None if may_be_flag && self.has_letters(&word.text) => self.take_letters(&word.text[1..])?,
                None => {
                    self.arguments.push(word.text.clone());
                    self.quoted.push(word.quoted);
                }
            }
        }
        Ok(())
    }

    /// Returns the first `count` arguments as a line that parses to the same words.
    pub fn line_of(&self, count: usize) -> String {
        let words = self.arguments.iter().zip(&self.quoted).take(count);
        let line = |(word, &quoted): (&String, &bool)| match quoted {
            true => in_quotes(word),
            // A pattern stays one.
            false if words::is_plain_pattern(word) => word.clone(),
            false => words::quote(word),
        };
        words.map(line).collect::<Vec<_>>().join(" ")
    }

    /// Returns true if a word consists of letters that stand for flags, for a command that has such letters.
    fn has_letters(&self, word: &str) -> bool {
        word.len() > 1 && word.starts_with('-') && self.spec.flags.iter().any(|flag| flag.short.is_some())
    }

    fn take_letters(&mut self, letters: &str) -> Result<(), ShellError> {
        for letter in letters.chars() {
            let flag = self.spec.flags.iter().find(|flag| flag.short == Some(letter));
            let unknown = || match self.place_of_output(letter.encode_utf8(&mut [0; 4])) {
                Some(place) => self.wrong(format!("there is no flag -{letter}; {place}")),
                None => self.wrong(format!("there is no flag -{letter}; a name that begins with `-` stands after `--`")),
            };
            self.flags.insert(flag.ok_or_else(unknown)?.name, String::new());
        }
        Ok(())
    }

    /// Returns true if the call is for this machine alone: as its command always is, or because a path of this machine is given.
    pub fn is_for_this_machine(&self) -> bool {
        match self.spec.place {
            Place::Anywhere => false,
            Place::AnywhereWithoutPath => self.names_local_path(),
            Place::ThisMachine => true,
        }
    }

    /// Returns true if an argument or the value of a flag is a path of this machine.
    fn names_local_path(&self) -> bool {
        let mut arguments = (0..self.arguments.len()).filter_map(|place| self.spec.argument_at(place));
        let is_given = |flag: &&Flag| self.flags.contains_key(flag.name);
        let mut flags = self.spec.flags.iter().filter(is_given).filter_map(|flag| flag.value);
        arguments.any(|argument| argument.kind == Kind::LocalPath) || flags.any(|(_, kind)| kind == Kind::LocalPath)
    }

    /// Returns true if the argument at an index was quoted, so that it is no pattern.
    pub fn is_quoted(&self, place: usize) -> bool {
        self.quoted.get(place).copied().unwrap_or_default()
    }

    /// Says where a command is told what it writes, to a user who tries the flag that other programs have for it, and `p2p get` outside of a
    /// prompt; `None` for other flags, and commands that write nothing.
    fn place_of_output(&self, flag: &str) -> Option<String> {
        let is_output = matches!(flag, "o" | "output");
        let path = self.spec.arguments.iter().skip(1).find(|argument| argument.kind == Kind::LocalPath)?;
        let before = self.spec.arguments.first()?.name;
        is_output.then(|| format!("here {} stands behind {before}", path.name))
    }

    fn take_flag<'a>(&mut self, text: &str, words: &mut impl Iterator<Item = &'a Word>) -> Result<(), ShellError> {
        let (name, inline) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value.to_owned())));
        let flag = self.spec.flags.iter().find(|flag| flag.name == name);
        let flag = flag.ok_or_else(|| match self.place_of_output(name) {
            Some(place) => self.wrong(format!("there is no flag --{name}; {place}")),
            None => self.wrong(format!("there is no flag --{name}")),
        })?;
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
            if self.arguments.len() <= place && !matches!(argument.times, Times::Optional | Times::UnlessOnNode) {
                return Err(self.wrong(format!("{} is missing", argument.name)));
            }
        }
        for (place, given) in self.arguments.iter().enumerate() {
            match self.spec.argument_at(place).map(|argument| argument.kind) {
                None => return Err(self.wrong(format!("unexpected argument `{given}`"))),
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

    /// Returns a usage error with the problem and the usage of the command.
    pub fn wrong(&self, problem: String) -> ShellError {
        ShellError::Usage { problem, usage: self.spec.usage() }
    }

    /// Returns the argument at an index.
    pub fn argument(&self, place: usize) -> Option<&str> {
        self.arguments.get(place).map(String::as_str)
    }

    /// Returns the argument at an index, which an action of the command requires, and which is called `name` in the help.
    ///
    /// # Errors
    /// Fails if it is not given.
    pub(crate) fn required(&self, place: usize, name: &str) -> Result<&str, ShellError> {
        self.argument(place).ok_or_else(|| self.wrong(format!("{name} is missing")))
    }

    /// Returns true if a flag is given.
    pub fn has(&self, flag: &str) -> bool {
        self.flags.contains_key(flag)
    }

    /// Returns the node that the argument at an index names.
    ///
    /// # Errors
    /// Fails if it names no node.
    pub fn node(&self, place: usize) -> Result<NodeNumber, ShellError> {
        self.node_named(self.argument(place).unwrap_or_default())
    }

    /// Returns the node that a word of the command names.
    ///
    /// # Errors
    /// Fails if it is no node.
    pub(crate) fn node_named(&self, text: &str) -> Result<NodeNumber, ShellError> {
        let problem = |text: &str| match text.eq_ignore_ascii_case("client") {
            true => "the client is no node; what is its own is changed by `link client` and `path client`".to_owned(),
            false => format!("`{text}` is no node; write Node_03 or 3"),
        };
        node_of(text).ok_or_else(|| self.wrong(problem(text)))
    }

    /// Returns the transfer that the argument at an index names; `None` if there is no such argument.
    ///
    /// # Errors
    /// Fails if it is no number of a transfer.
    pub fn transfer(&self, place: usize) -> Result<Option<TransferId>, ShellError> {
        let Some(text) = self.argument(place) else { return Ok(None) };
        let number = text.strip_prefix('#').unwrap_or(text).parse();
        number
            .map(|number| Some(TransferId(number)))
            .map_err(|_| self.wrong(format!("`{text}` is not the number of a transfer; `transfers` lists them")))
    }
}

/// Returns true if a line may contain a secret, typed by mistake: an API token, or a command about accounts with arguments that it
/// does not take. Secrets are asked for separately, and histories must not store them.
pub fn may_hold_a_secret(line: &str) -> bool {
    let is_suspect = |command: &str| {
        let spec = spec_of(command);
        spec.is_some_and(|spec| spec.group == Group::Accounts) && Call::parse(command, &Variables::new()).is_err()
    };
    tokens::is_in(line) || words::commands_of(line).iter().any(|(_, command)| is_suspect(without_expect(command)))
}

/// Returns true if a line may be stored in the history file: the table has each of its commands, and none gives `login` or `register`
/// an argument, since a password may have been typed in the place of the name.
pub fn is_fit_to_be_kept(table: &Table, line: &str) -> bool {
    let is_fit = |command: &str| {
        let words = words::split_unfinished(command);
        let names_somebody = |spec: &Spec| matches!(spec.name, "login" | "register") && words.len() > 1;
        words.first().and_then(|first| table.find(&first.text)).is_some_and(|spec| !names_somebody(spec))
    };
    words::commands_of(line).iter().all(|(_, command)| is_fit(without_expect(command)))
}

/// Returns true if a command is about accounts. Only such commands ask questions and change the current user.
pub fn is_about_accounts(command: &str) -> bool {
    spec_of(without_expect(command)).is_some_and(|spec| spec.group == Group::Accounts)
}

/// Returns true if a command begins transfers, as far as its first word says so.
pub fn begins_transfers(command: &str) -> bool {
    spec_of(without_expect(command)).is_some_and(Spec::begins_transfers)
}

/// Returns true if a line is the command of this name, however its first word is spelled: in quotes, or as the value of a variable.
pub fn is_command(line: &str, variables: &Variables, name: &str) -> bool {
    let words = words::split(line, variables);
    words.is_ok_and(|words| words.first().and_then(|first| table::find(&first.text)).is_some_and(|spec| spec.name == name))
}

/// Returns the table entry of a command, even if the command is unfinished.
fn spec_of(command: &str) -> Option<&'static Spec> {
    words::split_unfinished(command).first().and_then(|first| table::find(&first.text))
}

/// Returns a command without the `expect` in front of it.
fn without_expect(command: &str) -> &str {
    match words::split_unfinished(command).as_slice() {
        [first, second, ..] if spec_of(&first.text).is_some_and(|spec| spec.name == "expect") => &command[second.span.start..],
        _ => command,
    }
}

/// Returns the error for an unknown command, with up to three similar names.
fn unknown(table: &Table, name: &str) -> ShellError {
    let names = table.commands().flat_map(|command| std::iter::once(&command.name).chain(command.aliases));
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

    /// The flag for what is written is that of other programs: where it is none, its place is told.
    #[test]
    fn the_place_of_what_is_written_is_told() {
        for line in ["download a.bin -o b.bin", "get a.bin --output b.bin", "get a.bin --output=b.bin"] {
            assert!(parse(line).unwrap_err().contains("; here PATH stands behind NAME"), "{line}");
        }
        assert!(parse("rm -o a.bin").unwrap_err().contains("a name that begins with `-` stands after `--`"));
    }

    #[test]
    fn a_line_that_may_hold_a_secret_is_known() {
        for line in ["login alice hunter2", "ls; passwd old new", "otp confirm 123456", "register a a@b.c pass"] {
            assert!(may_hold_a_secret(line), "{line}");
            assert!(may_hold_a_secret(&format!("expect {line} contains x")), "{line}");
        }
        let token = format!("p2p_{}", "aB3-_".repeat(9));
        for line in [format!("set token {token}"), format!("echo x{token}"), token] {
            assert!(may_hold_a_secret(&line[..line.len() - 2]) && !may_hold_a_secret(&line[..line.len() - 3]), "{line}");
        }
        for line in ["login alice", "ls too", "otp enable app", "share a.bin bob", ""] {
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
        let call = parse("rm -r a -- -r '-f'").unwrap();
        assert!(call.has("recursive") && call.arguments == ["a", "-r", "-f"] && call.is_quoted(2) && !call.is_quoted(1));
        let call = parse("download -rf a '-f'").unwrap();
        assert!(call.has("recursive") && call.has("force") && call.arguments == ["a", "-f"]);
        assert_eq!(parse("echo -r").unwrap().arguments, ["-r"]);
        assert_eq!(parse("mv a b c").unwrap().arguments, ["a", "b", "c"]);
        assert_eq!(parse("expect ls -R contains x").unwrap().arguments.len(), 4);
        assert!(Call::parse("  # nothing", &Variables::new()).unwrap().is_none());
    }

    #[test]
    fn what_is_wrong_is_told_with_the_usage() {
        for (line, words) in [
            ("uplaod a", "did you mean `upload`"),
            ("upload", "PATH is missing; usage: upload PATH…"),
            ("ls x y", "unexpected argument `y`"),
            ("rm -rx a", "there is no flag -x; a name that begins with `-` stands after `--`"),
            ("mv a", "TO is missing; usage: mv FROM… TO"),
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
            assert!(parse(&format!("node {name}")).is_err(), "{name}");
        }
        assert_eq!(parse("wait '#7'").unwrap().transfer(0).unwrap(), Some(TransferId(7)));
        assert!(parse("wait x").is_err());
    }
}
