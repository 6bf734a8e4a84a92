//! Files that a front end has open. The engine reads or writes them without knowing a path.

use std::fs::File;
use std::io;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Open file of a front end, known to messages by a display name instead of a path.
#[derive(Debug, Clone)]
pub struct OpenFile {
    file: Arc<File>,
    name: Arc<str>,
}

impl OpenFile {
    /// Creates an open file that messages call `name`.
    pub fn new(file: File, name: &str) -> OpenFile {
        OpenFile { file: Arc::new(file), name: name.into() }
    }

    /// Returns the name that messages use for the file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the underlying file handle.
    pub fn file(&self) -> &File {
        &self.file
    }
}

impl PartialEq for OpenFile {
    fn eq(&self, other: &OpenFile) -> bool {
        Arc::ptr_eq(&self.file, &other.file)
    }
}

impl io::Write for OpenFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file().flush()
    }
}

impl Serialize for OpenFile {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("what is open in one process cannot be kept for another"))
    }
}

impl<'de> Deserialize<'de> for OpenFile {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<OpenFile, D::Error> {
        Err(serde::de::Error::custom("what was open in another process cannot be had again"))
    }
}
