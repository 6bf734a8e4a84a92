//! Persistent session of `p2p login`: its token, in a file of the data directory that only its owner may read and write.

use std::io;
use std::path::{Path, PathBuf};

use p2p_auth::Token;
use p2p_base::private_file;
use p2p_base::spelling::visible_path;
use secrecy::ExposeSecret;

fn path_in(data_dir: &Path) -> PathBuf {
    data_dir.join("session")
}

/// Saves the token of a session.
///
/// # Errors
/// Fails if the file cannot be written.
pub fn save(data_dir: &Path, token: &Token) -> io::Result<()> {
    private_file::write(&path_in(data_dir), token.expose().as_bytes())
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
