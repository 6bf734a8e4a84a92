//! Errors of a configuration, which name the file, the line, the key and a valid value. Independent of the TOML parser.

use std::path::PathBuf;

use p2p_base::likeness;
use p2p_base::spelling::{visible, visible_path};
use thiserror::Error;

use super::Origin;

/// Reason why a configuration is rejected. None of it takes effect in that case.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}: {reason}", path = visible_path(path))]
    Unreadable {
        /// Path of the configuration file.
        path: PathBuf,
        /// Reason of the failure.
        reason: String,
    },
    /// The text is not valid TOML.
    #[error("{origin}: this is not valid TOML: {message}")]
    Syntax {
        /// Position of the error.
        origin: Origin,
        /// Message of the parser.
        message: String,
    },
    /// The key or section does not exist.
    #[error("{origin}: unknown key `{name}`{}", suggestion(name, known))]
    UnknownKey {
        /// Position of the name.
        origin: Origin,
        /// Unknown name in the file.
        name: String,
        /// Valid names in its place.
        known: Vec<&'static str>,
    },
    /// The value is not valid for the key.
    #[error("{origin}: {key}: {message}")]
    Value {
        /// Position of the value.
        origin: Origin,
        /// Section and key of the value.
        key: String,
        /// Description of the error and of valid values.
        message: String,
    },
    /// Values contradict each other.
    #[error("{0}")]
    Conflict(String),
}

impl ConfigError {
    /// Returns the error of a value or a key in the table of this name.
    pub(super) fn within(self, table: &str) -> ConfigError {
        match self {
            ConfigError::Value { origin, key, message } => {
                let key = key.rsplit_once(' ').map_or(key.as_str(), |(_, key)| key);
                ConfigError::Value { origin, key: format!("{table} {key}"), message }
            }
            ConfigError::UnknownKey { origin, name, known } => {
                let message = format!("unknown key `{}`{}", visible(&name), suggestion(&name, &known));
                ConfigError::Value { origin, key: table.to_owned(), message }
            }
            other => other,
        }
    }
}

fn suggestion(name: &str, known: &[&'static str]) -> String {
    let within: Vec<&str> = known.iter().filter_map(|key| key.strip_prefix(name)?.strip_prefix('.')).collect();
    if !within.is_empty() {
        return format!(" without {}, as in {name} = {{ {} = … }}", within.join(" and "), within.join(" = …, "));
    }
    match likeness::nearest(name, known.iter().copied()).first() {
        Some(nearest) => format!(" (did you mean `{nearest}`?)"),
        None => format!(" (known here: {})", known.join(", ")),
    }
}
