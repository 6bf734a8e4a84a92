//! Text of a configuration while it is parsed: where in it a value or an error is.

use std::path::Path;

use p2p_base::private_file;
use p2p_base::spelling::{shell_operand, visible_path};

use super::keys::Kind;
use super::{ConfigError, Origin};

/// Text that is being parsed, and its path.
pub(super) struct ConfigText<'a> {
    pub(super) text: &'a str,
    pub(super) path: Option<&'a Path>,
}

impl ConfigText<'_> {
    pub(super) fn origin(&self, offset: usize) -> Origin {
        match self.path {
            Some(path) => Origin::File { path: path.to_owned(), line: self.line_of(offset) },
            None => Origin::BuiltIn,
        }
    }

    /// Checks that a value of this kind may be stored in this file.
    pub(super) fn check_secrecy(&self, kind: Kind) -> Result<(), String> {
        match self.path {
            Some(path) if kind == Kind::Secret && !private_file::is_fit_for_secrets(path).unwrap_or_default() => {
                let (path, word) = (visible_path(path), shell_operand(path));
                Err(format!(
                    "others on this machine may read or write {path}; `chmod 600 {word}`, or put it into a password_file"
                ))
            }
            _ => Ok(()),
        }
    }

    fn line_of(&self, offset: usize) -> usize {
        self.text.get(..offset).map_or(1, |before| before.matches('\n').count() + 1)
    }

    pub(super) fn syntax_error(&self, error: &toml::de::Error) -> ConfigError {
        let origin = self.origin(error.span().map_or(0, |span| span.start));
        ConfigError::Syntax { origin, message: error.message().to_owned() }
    }

    pub(super) fn value_error(&self, offset: usize, key: String, message: String) -> ConfigError {
        ConfigError::Value { origin: self.origin(offset), key, message }
    }

    pub(super) fn unknown(&self, offset: usize, name: &str, known: Vec<&'static str>) -> ConfigError {
        ConfigError::UnknownKey { origin: self.origin(offset), name: name.to_owned(), known }
    }
}
