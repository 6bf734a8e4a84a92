//! A storage backend that holds back changes of the database file, in memory, until the content has been verified: a file that is
//! refused stays unchanged, byte for byte. The changes of a read-only file are held back for good; a file that a killed process
//! has left open is then repaired in memory, each time that it is opened.

use std::collections::BTreeMap;
use std::io;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};

/// Size of the unit in which changed bytes are kept in memory, in bytes.
const PAGE: u64 = 4096;

/// Database file, shared by the database and the code that writes the held changes through.
#[derive(Debug, Clone)]
pub(super) struct HeldBack(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: FileBackend,
    /// True if the file is read-only.
    read_only: bool,
    /// True if changes are written to the file directly.
    is_through: AtomicBool,
    held: Mutex<Held>,
}

/// Differences between the database's view and the file.
#[derive(Debug)]
struct Held {
    len: u64,
    /// Length of the part of the file that is valid; bytes behind it count as zeros.
    valid: u64,
    pages: BTreeMap<u64, Vec<u8>>,
    /// Requested changes in order: a crash while they are written to the file has the same effect as a crash at the time of the
    /// requests.
    asked: Vec<Asked>,
}

#[derive(Debug)]
enum Asked {
    Write(u64, Vec<u8>),
    SetLen(u64),
    Sync,
}

impl HeldBack {
    /// Makes a backend that holds back the changes of a file.
    pub(super) fn new(file: FileBackend, read_only: bool) -> io::Result<HeldBack> {
        let len = file.len()?;
        let held = Held { len, valid: len, pages: BTreeMap::new(), asked: Vec::new() };
        Ok(HeldBack(Arc::new(Inner { file, read_only, is_through: AtomicBool::new(false), held: Mutex::new(held) })))
    }

    /// Writes the held changes to the file, and later changes directly. A read-only file stays unchanged.
    ///
    /// # Errors
    /// Returns the error of the operating system.
    pub(super) fn let_through(&self) -> io::Result<()> {
        if self.0.read_only {
            return Ok(());
        }
        let mut held = self.held();
        for asked in std::mem::take(&mut held.asked) {
            match asked {
                Asked::Write(offset, bytes) => self.0.file.write(offset, &bytes)?,
                Asked::SetLen(len) => self.0.file.set_len(len)?,
                Asked::Sync => self.0.file.sync_data()?,
            }
        }
        held.pages.clear();
        self.0.is_through.store(true, Ordering::SeqCst);
        Ok(())
    }

    fn is_through(&self) -> bool {
        self.0.is_through.load(Ordering::SeqCst)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the result of locking the file. A lock that cannot be taken on a read-only file is not needed.
    fn lock(&self, lock: Result<bool, BackendError>) -> Result<bool, BackendError> {
        match lock {
            Err(error) if !self.0.read_only || matches!(error, BackendError::Unsupported) => Err(error),
            Err(_) => Ok(true),
            taken => taken,
        }
    }
}

impl Held {
    /// Reads bytes of the file from `offset` on, with zeros beyond its valid part.
    fn read_file(&self, file: &FileBackend, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let there = self.valid.saturating_sub(offset).min(out.len() as u64) as usize;
        out[there..].fill(0);
        if there > 0 { file.read(offset, &mut out[..there]) } else { Ok(()) }
    }

    fn read(&self, file: &FileBackend, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let end = offset.saturating_add(out.len() as u64);
        if end > self.len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.read_file(file, offset, out)?;
        for (&page, bytes) in self.pages.range(offset / PAGE..end.div_ceil(PAGE)) {
            let (from, to) = ((page * PAGE).max(offset), ((page + 1) * PAGE).min(end));
            out[(from - offset) as usize..(to - offset) as usize]
                .copy_from_slice(&bytes[(from - page * PAGE) as usize..(to - page * PAGE) as usize]);
        }
        Ok(())
    }

    fn write(&mut self, file: &FileBackend, offset: u64, data: &[u8]) -> io::Result<()> {
        let end = offset.saturating_add(data.len() as u64);
        for page in offset / PAGE..end.div_ceil(PAGE) {
            if !self.pages.contains_key(&page) {
                let mut bytes = vec![0; PAGE as usize];
                self.read_file(file, page * PAGE, &mut bytes)?;
                self.pages.insert(page, bytes);
            }
            let (from, to) = ((page * PAGE).max(offset), ((page + 1) * PAGE).min(end));
            if let Some(bytes) = self.pages.get_mut(&page) {
                bytes[(from - page * PAGE) as usize..(to - page * PAGE) as usize]
                    .copy_from_slice(&data[(from - offset) as usize..(to - offset) as usize]);
            }
        }
        Ok(())
    }

    fn set_len(&mut self, len: u64) {
        (self.len, self.valid) = (len, self.valid.min(len));
        self.pages.split_off(&len.div_ceil(PAGE));
        if let Some(bytes) = self.pages.get_mut(&(len / PAGE)) {
            bytes[(len % PAGE) as usize..].fill(0);
        }
    }
}

impl StorageBackend for HeldBack {
    fn len(&self) -> io::Result<u64> {
        if self.is_through() { self.0.file.len() } else { Ok(self.held().len) }
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if self.is_through() { self.0.file.read(offset, out) } else { self.held().read(&self.0.file, offset, out) }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        if self.is_through() {
            return self.0.file.set_len(len);
        }
        self.held().set_len(len);
        self.ask(|| Asked::SetLen(len));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.is_through() {
            return self.0.file.sync_data();
        }
        self.ask(|| Asked::Sync);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if self.is_through() {
            return self.0.file.write(offset, data);
        }
        self.held().write(&self.0.file, offset, data)?;
        self.ask(|| Asked::Write(offset, data.to_vec()));
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.0.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        // A read-only file is shared with other processes that only read.
        self.lock(match self.0.read_only {
            true => self.0.file.try_lock_shared_range(start, end),
            false => self.0.file.try_lock_range(start, end),
        })
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.lock(self.0.file.try_lock_shared_range(start, end))
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        let unlocked = self.0.file.unlock_range(start, end);
        self.lock(unlocked.map(|()| true)).map(drop)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.file.query_lock_range(start, end)
    }
}

impl HeldBack {
    /// Records a change to be written to the file later, unless the file is read-only.
    fn ask(&self, asked: impl FnOnce() -> Asked) {
        if !self.0.read_only {
            self.held().asked.push(asked());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use proptest::prelude::*;

    use super::*;

    fn file(path: &std::path::Path) -> FileBackend {
        FileBackend::new(File::options().read(true).write(true).open(path).unwrap()).unwrap()
    }

    proptest! {
        /// Whatever is asked for: it reads as if it had been done at once, the file is as it was until it is let through, and
        /// then as if it had been done at once.
        #[test]
        fn what_is_held_back_reads_as_if_it_were_done(
            size in 0u64..30_000,
            steps in proptest::collection::vec((0u8..4, 0u64..40_000, 1usize..9_000, any::<u8>()), 1..20),
        ) {
            let directory = tempfile::tempdir().unwrap();
            let (real, model) = (directory.path().join("real"), directory.path().join("model"));
            let content: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
            std::fs::write(&real, &content).unwrap();
            std::fs::write(&model, &content).unwrap();
            let (held, model_file) = (HeldBack::new(file(&real), false).unwrap(), file(&model));
            for (kind, at, len, byte) in steps {
                match kind {
                    0 => for file in [&held as &dyn StorageBackend, &model_file] { file.set_len(at).unwrap(); },
                    1 => held.sync_data().unwrap(),
                    _ => {
                        let end = held.len().unwrap().max(at + len as u64);
                        for file in [&held as &dyn StorageBackend, &model_file] {
                            file.set_len(end).unwrap();
                            file.write(at, &vec![byte; len]).unwrap();
                        }
                    }
                }
                let len = held.len().unwrap();
                prop_assert_eq!(len, model_file.len().unwrap());
                let (mut one, mut other) = (vec![0; len as usize], vec![0; len as usize]);
                held.read(0, &mut one).unwrap();
                model_file.read(0, &mut other).unwrap();
                prop_assert!(one == other);
                let from = at.min(len / 2);
                held.read(from, &mut one[..(len - from) as usize]).unwrap();
                prop_assert!(one[..(len - from) as usize] == other[from as usize..]);
                prop_assert!(std::fs::read(&real).unwrap() == content);
            }
            prop_assert!(held.read(held.len().unwrap(), &mut [0]).is_err());
            held.let_through().unwrap();
            prop_assert!(std::fs::read(&real).unwrap() == std::fs::read(&model).unwrap());
        }
    }

    #[test]
    fn what_can_only_be_read_stays_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, "content").unwrap();
        let held = HeldBack::new(FileBackend::new(File::open(&path).unwrap()).unwrap(), true).unwrap();
        held.write(0, b"X").unwrap();
        held.let_through().unwrap();
        held.write(1, b"Y").unwrap();
        let mut bytes = [0; 3];
        held.read(0, &mut bytes).unwrap();
        assert_eq!((&bytes, std::fs::read(&path).unwrap().as_slice()), (b"XYn", b"content".as_slice()));
    }
}
