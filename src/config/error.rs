//! What can be wrong with a configuration, told with file, line, key and what would be right. Knows nothing of TOML.

use std::path::PathBuf;

use thiserror::Error;

use super::Origin;
use crate::likeness;

/// Why a configuration is not accepted. Nothing of it is in effect then.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}: {reason}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The text is no TOML.
    #[error("{origin}: this is not valid TOML: {message}")]
    Syntax {
        /// Where.
        origin: Origin,
        /// What the parser says.
        message: String,
    },
    /// A key or a section that does not exist.
    #[error("{origin}: unknown key `{name}`{}", suggestion(name, known))]
    UnknownKey {
        /// Where.
        origin: Origin,
        /// What was written.
        name: String,
        /// What there is.
        known: Vec<&'static str>,
    },
    /// A value that the key does not take.
    #[error("{origin}: {key}: {message}")]
    Value {
        /// Where.
        origin: Origin,
        /// Section and key.
        key: String,
        /// What is wrong, and what would be right.
        message: String,
    },
    /// Values that do not go together.
    #[error("{0}")]
    Conflict(String),
}

fn suggestion(name: &str, known: &[&'static str]) -> String {
    match likeness::nearest(name, known.iter().copied()).first() {
        Some(nearest) => format!(" (did you mean `{nearest}`?)"),
        None => format!(" (known here: {})", known.join(", ")),
    }
}
