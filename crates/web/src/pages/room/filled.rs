//! The fields of the forms of the room, and the command that they make up.

use p2p_shell::ShellError;
use p2p_shell::words::{Variables, split};
use serde::Deserialize;

/// Fields of the forms: a command, and what is filled in for it.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Filled {
    /// Command, or the part of it that is not filled in.
    pub(super) command: String,
    /// First and second host.
    #[serde(default)]
    pub(super) host: String,
    #[serde(default)]
    pub(super) other: String,
    /// Value of the flag that the command ends with.
    #[serde(default)]
    pub(super) value: String,
    /// Filled in by the form that asks whether a command is meant that takes something away.
    #[serde(default)]
    pub(super) sure: String,
}

impl Filled {
    /// Returns the words of the command. `{host}`, `{other}` and `{value}` in it stand for what is filled in.
    pub(super) fn words(&self) -> Result<Vec<String>, ShellError> {
        let words = split(&self.command, &Variables::default()).map_err(|error| ShellError::Bad(error.to_string()))?;
        let filled = |text: &str| {
            let text = text.replace("{host}", self.host.trim());
            text.replace("{other}", self.other.trim()).replace("{value}", self.value.trim())
        };
        // A field that is left empty leaves its word out, as that of the node of a profile.
        Ok(words.into_iter().map(|word| filled(&word.text)).filter(|word| !word.is_empty()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(command: &str, host: &str, other: &str, value: &str) -> Vec<String> {
        let [command, host, other, value] = [command, host, other, value].map(str::to_owned);
        Filled { command, host, other, value, sure: String::new() }.words().unwrap()
    }

    #[test]
    fn what_is_filled_in_is_one_word_whatever_it_is() {
        assert_eq!(words("kill Node_03", "", "", ""), ["kill", "Node_03"]);
        let slow = words("path {host},{other} --delay {value}", "client", " Node_01 ", "200ms");
        assert_eq!(slow, ["path", "client,Node_01", "--delay", "200ms"]);
        assert_eq!(words("kill {host}", "a; quit --now", "", ""), ["kill", "a; quit --now"]);
        assert_eq!(words("faults apply {value} {host}", "", "", "slow-wan"), ["faults", "apply", "slow-wan"]);
    }
}
