//! Text of the configuration in effect, which reads back as the same configuration.

use std::fmt;

use p2p_base::spelling::{hidden_character, is_blank, visible_line};

use super::Config;
use super::keys::{self, Kind, Section};

/// Formats the configuration as TOML, with the origin of each value as a comment.
impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = None;
        let sections = self.settings().map(|(section, key, setting)| (format!("[{section}]"), section, key, setting));
        let nodes = self
            .node_settings()
            .map(|(number, key, setting)| (format!("[[node]]\nnumber = {number}"), Section::Node, key, setting));
        let remotes = self
            .remote_settings()
            .map(|(name, key, setting)| (format!("[[ssh.remote]]\nname = \"{name}\""), Section::Remote, key, setting));
        for (heading, section, key, setting) in sections.chain(nodes).chain(remotes) {
            if last.as_ref() != Some(&heading) {
                writeln!(f, "{}{heading}", if last.is_some() { "\n" } else { "" })?;
                last = Some(heading);
            }
            let kind = keys::find(section, key).map_or(Kind::Text, |key| key.kind);
            let value = match kind.is_string() {
                true => toml_string(&setting.shown()),
                false => setting.text.clone(),
            };
            writeln!(f, "{:<40} # {}", format!("{key} = {value}"), setting.origin)?;
        }
        Ok(())
    }
}

/// Returns a text as a TOML string on one line, in which everything that cannot be seen is escaped (TOML 1.0, basic strings).
pub fn toml_string(text: &str) -> String {
    let is_unseen = |c: char| c != ' ' && is_blank(c);
    if visible_line(text) == text && !text.contains(is_unseen) {
        return toml::Value::String(text.to_owned()).to_string();
    }
    let escaped = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        c if is_unseen(c) || hidden_character(c.encode_utf8(&mut [0; 4])).is_some() => format!("\\U{:08x}", u32::from(c)),
        c => c.to_string(),
    };
    format!("\"{}\"", text.chars().map(escaped).collect::<String>())
}
