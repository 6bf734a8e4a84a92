//! Attributes of what is at a host, as far as it tells them, and lists of its directories, which end somewhere.

use russh_sftp::client::error::Error;
use russh_sftp::protocol::{FileAttributes, StatusCode};

use super::{Sftp, SftpError};

/// Entries of a directory at the most, so that a host cannot fill the memory.
const ENTRIES_MAX: usize = 1 << 20;
/// Bits of a mode that say of what kind it is, and those of a directory, a file and a symbolic link (inode(7)).
const KIND: u32 = 0o170_000;
const DIRECTORY: u32 = 0o040_000;
const FILE: u32 = 0o100_000;
const LINK: u32 = 0o120_000;

/// Kind of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Regular file, or what the host says nothing of.
    File,
    /// Directory.
    Directory,
    /// Symbolic link.
    Link,
    /// Socket, device or the like.
    Other,
}

impl Kind {
    /// Returns the name of the kind.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::File => "file",
            Kind::Directory => "directory",
            Kind::Link => "link",
            Kind::Other => "other",
        }
    }
}

/// Attributes of an entry, as far as the host tells them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attributes {
    /// Kind of it.
    pub kind: Kind,
    /// Size in bytes.
    pub bytes: Option<u64>,
    /// Time of the last modification, in seconds since 1970.
    pub modified: Option<u64>,
    /// Permission bits (0o777).
    pub mode: Option<u32>,
}

impl From<&FileAttributes> for Attributes {
    fn from(told: &FileAttributes) -> Attributes {
        let kind = match told.permissions.map(|mode| mode & KIND) {
            None | Some(0 | FILE) => Kind::File,
            Some(DIRECTORY) => Kind::Directory,
            Some(LINK) => Kind::Link,
            Some(_) => Kind::Other,
        };
        Attributes {
            kind,
            bytes: told.size,
            modified: told.mtime.map(u64::from),
            mode: told.permissions.map(|mode| mode & 0o777),
        }
    }
}

/// Entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Name, as the host tells it: any text.
    pub name: String,
    /// Attributes.
    pub attributes: Attributes,
}

impl Sftp {
    /// Returns the attributes of what is at a path, or at the end of the symbolic link there.
    ///
    /// # Errors
    /// Fails if there is nothing, or if the host refuses.
    pub async fn stat(&self, path: &str) -> Result<Attributes, SftpError> {
        let told = self.raw.stat(path).await.map_err(|error| self.failed(error, path))?;
        Ok(Attributes::from(&told.attrs))
    }

    /// Returns the attributes of what is at a path; none if there is nothing.
    ///
    /// # Errors
    /// Fails if the host refuses.
    pub async fn find(&self, path: &str) -> Result<Option<Attributes>, SftpError> {
        match self.stat(path).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_nothing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Lists a directory by the names of its entries, or a file as the only entry.
    ///
    /// # Errors
    /// Fails if there is nothing, or if the host refuses.
    pub async fn list(&self, path: &str) -> Result<Vec<Entry>, SftpError> {
        let attributes = self.stat(path).await?;
        if attributes.kind != Kind::Directory {
            return Ok(vec![Entry { name: path.to_owned(), attributes }]);
        }
        let handle = self.raw.opendir(path).await.map_err(|error| self.failed(error, path))?.handle;
        let listed = self.listed(&handle, path).await;
        let closed = self.raw.close(handle).await.map_err(|error| self.failed(error, path));
        let mut entries = listed?;
        closed?;
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(entries)
    }

    pub(super) async fn listed(&self, handle: &str, path: &str) -> Result<Vec<Entry>, SftpError> {
        let mut entries = Vec::new();
        loop {
            match self.raw.readdir(handle).await {
                // The end is told by a status: without anything in it, a page would be asked for again and again.
                Ok(page) if page.files.is_empty() => {
                    let what = "a page of a directory with nothing in it".into();
                    return Err(SftpError::Unsound { host: self.host.clone(), what });
                }
                Ok(page) => {
                    let named = page.files.into_iter().filter(|file| !matches!(file.filename.as_str(), "." | ".."));
                    entries.extend(named.map(|file| Entry { attributes: Attributes::from(&file.attrs), name: file.filename }));
                }
                Err(Error::Status(status)) if status.status_code == StatusCode::Eof => return Ok(entries),
                Err(error) => return Err(self.failed(error, path)),
            }
            if entries.len() > ENTRIES_MAX {
                let what = format!("a directory of more than {ENTRIES_MAX} entries");
                return Err(SftpError::Unsound { host: self.host.clone(), what });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_says_of_what_kind_it_is() {
        let of = |permissions| Attributes::from(&FileAttributes { permissions, ..FileAttributes::empty() });
        for (permissions, kind) in [
            (None, Kind::File),
            (Some(0o644), Kind::File),
            (Some(0o100_644), Kind::File),
            (Some(0o040_755), Kind::Directory),
            (Some(0o120_777), Kind::Link),
            (Some(0o140_600), Kind::Other),
            (Some(0o060_600), Kind::Other),
        ] {
            assert_eq!(of(permissions).kind, kind, "{permissions:?}");
        }
        assert_eq!(of(Some(0o100_644)).mode, Some(0o644));
    }
}
