//! Persistent session of `p2p login`: its token, and on a line of its own the name of its user, in a file of the data directory that only its owner
//! may read and write.

use std::io;
use std::path::{Path, PathBuf};

use p2p_auth::Token;
use p2p_base::private_file;
use p2p_base::spelling::visible_path;
use p2p_base::user_name::UserName;
use secrecy::{ExposeSecret, SecretString};

fn path_in(data_dir: &Path) -> PathBuf {
    data_dir.join("session")
}

/// Bytes of the file at the most.
const LENGTH_MAX: u64 = 4096;

/// Saves the token of a session of a user.
///
/// # Errors
/// Fails if the file cannot be written.
pub fn save(data_dir: &Path, token: &Token, user: &str) -> io::Result<()> {
    let text = SecretString::from(format!("{}\n{user}\n", token.expose()));
    private_file::write(&path_in(data_dir), text.expose_secret().as_bytes())
}

/// Returns the user whose session is saved, if there is one and it is known whose. The session may have ended.
pub fn user(data_dir: &Path) -> Option<String> {
    let bytes = private_file::read(&path_in(data_dir), LENGTH_MAX).ok()?;
    let text = SecretString::from(String::from_utf8(bytes).ok()?);
    text.expose_secret().lines().nth(1)?.parse::<UserName>().ok().map(|name| name.to_string())
}

/// Returns the saved token, if there is one.
///
/// # Errors
/// Fails if the file cannot be read, or if other users may read or write it.
pub fn load(data_dir: &Path) -> io::Result<Option<Token>> {
    let path = path_in(data_dir);
    match private_file::read_own_secret(&path) {
        Ok(text) => Ok(Some(Token::presented(text.expose_secret()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let advice = "or `p2p logout` forgets it, and `p2p login` begins another";
            Err(io::Error::new(error.kind(), format!("{}: {error}; {advice}", visible_path(path))))
        }
    }
}

/// Removes the saved token, if there is one.
///
/// # Errors
/// Fails if the file cannot be removed.
pub fn forget(data_dir: &Path) -> io::Result<()> {
    let path = path_in(data_dir);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            let what = if path.is_dir() { "it is a directory, which p2p has not made" } else { &error.to_string() };
            Err(io::Error::new(error.kind(), format!("cannot remove {}: {what}; remove it yourself", visible_path(path))))
        }
        _ => Ok(()),
    }
}
