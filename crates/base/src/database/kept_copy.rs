//! The copy of a database of an older format that is kept before its tables are brought up to date.
//!
//! The copy is written under a temporary name and gets its own once it is complete and durable, so that a process that is killed
//! leaves either no copy or a whole one. It is a database as a backup would be: whoever puts it back in its place opens it with
//! the program of its time.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::UNFINISHED;
use super::error::DatabaseError;
use super::reserve::free_bytes;
use crate::private_file;
use crate::spelling::visible_path;

/// Factor of the room that is needed beside the file: the copy, and as much again for the new tables, which are written before
/// the old ones are freed.
const ROOM: u64 = 2;
/// Number of copies that are kept at the most, each of another content.
const COPIES_MAX: u32 = 100;

/// Keeps a copy of the database at `path`, whose format has the version `format`, and returns its path. A copy of the same
/// content, which an interrupted start has left, is used again.
///
/// # Errors
/// Returns [`DatabaseError::NoRoomToMigrate`] if there is no room, or fails if the disk refuses; there is no new copy then.
pub(super) fn keep(path: &Path, format: u8) -> Result<PathBuf, DatabaseError> {
    let failed =
        |error: io::Error| DatabaseError::Io { reason: format!("a copy of {} cannot be kept: {error}", visible_path(path)) };
    let directory = private_file::directory_of(path);
    let needed = path.metadata().map_err(failed)?.len().saturating_mul(ROOM);
    let no_room = |free| DatabaseError::NoRoomToMigrate { path: path.to_owned(), needed, free };
    for number in 1..=COPIES_MAX {
        let copy = directory.join(name(path, format, number));
        match File::open(&copy) {
            Ok(kept) => match File::open(path).and_then(|file| have_same_content(kept, file)).map_err(failed)? {
                true => return Ok(copy),
                false => continue,
            },
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            Err(_) => {}
        }
        if let Some(free) = free_bytes(directory).filter(|&free| free < needed) {
            return Err(no_room(free));
        }
        return match write(path, directory, &copy) {
            Ok(()) => Ok(copy),
            Err(error) if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
                Err(no_room(free_bytes(directory).unwrap_or_default()))
            }
            Err(error) => Err(failed(error)),
        };
    }
    Err(failed(io::Error::other(format!("{COPIES_MAX} copies are kept already; remove some"))))
}

/// Returns the name of a copy: `catalog.format-1.redb`, and `catalog.format-1.2.redb` for a second one of another content.
fn name(path: &Path, format: u8, number: u32) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    match number {
        1 => format!("{stem}.format-{format}.redb"),
        number => format!("{stem}.format-{format}.{number}.redb"),
    }
}

fn write(path: &Path, directory: &Path, copy: &Path) -> io::Result<()> {
    let mut unfinished = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(directory)?;
    io::copy(&mut File::open(path)?, unfinished.as_file_mut())?;
    unfinished.as_file().sync_all()?;
    unfinished.persist_noclobber(copy).map_err(|error| error.error)?;
    private_file::sync_directory(directory)
}

fn have_same_content(one: File, other: File) -> io::Result<bool> {
    let (mut one, mut other) = (BufReader::new(one), BufReader::new(other));
    loop {
        let (left, right) = (one.fill_buf()?, other.fill_buf()?);
        let len = left.len().min(right.len());
        if len == 0 || left[..len] != right[..len] {
            return Ok(left.is_empty() && right.is_empty());
        }
        one.consume(len);
        other.consume(len);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn an_interrupted_start_keeps_one_copy_and_another_content_another() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("catalog.redb");
        fs::write(&path, vec![7; 100_000]).unwrap();
        let first = keep(&path, 1).unwrap();
        assert_eq!(first.file_name().unwrap(), "catalog.format-1.redb");
        assert_eq!(keep(&path, 1).unwrap(), first);
        for changed in [vec![8; 100_000], vec![7; 100_001], Vec::new()] {
            fs::write(&path, &changed).unwrap();
            let copy = keep(&path, 1).unwrap();
            assert!(copy != first && fs::read(&copy).unwrap() == changed, "{}", copy.display());
        }
        assert_eq!(fs::read(&first).unwrap(), vec![7; 100_000]);
        let unfinished = fs::read_dir(&directory).unwrap().flatten();
        assert_eq!(unfinished.filter(|entry| entry.file_name().to_string_lossy().starts_with(UNFINISHED)).count(), 0);
    }
}
