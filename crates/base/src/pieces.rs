//! A file that grows by whole pieces, each the data of one call of `write`. However the writing ends, by a full disk or
//! the end of the process, the file ends with a whole piece.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

/// Number of buffered bytes from which on they are written to the file.
const GATHERED_MAX: usize = 64 << 10;

/// Output that pieces are appended to, which can be truncated.
pub trait Shorten: Write {
    /// Truncates the output to `length` bytes; the next write follows there.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    fn shorten(&mut self, length: u64) -> io::Result<()>;
}

impl Shorten for File {
    fn shorten(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)?;
        self.seek(SeekFrom::Start(length)).map(drop)
    }
}

/// File that whole pieces are appended to. When it is dropped, the buffered pieces are written as far as the disk takes them.
#[derive(Debug)]
pub struct PieceFile<F: Shorten = File> {
    file: F,
    /// Length of the file in bytes, at the end of a whole piece.
    length: u64,
    gathered: Vec<u8>,
    /// Positions in the buffer at which pieces end.
    ends: Vec<usize>,
}

impl PieceFile {
    /// Appends to the end of a file. A pipe has no end position, and bytes that a reader has received cannot be withdrawn.
    ///
    /// # Errors
    /// Fails if the end of the file cannot be found.
    pub fn new(mut file: File) -> io::Result<PieceFile> {
        let length = match file.seek(SeekFrom::End(0)) {
            Err(error) if error.kind() == io::ErrorKind::NotSeekable => 0,
            length => length?,
        };
        Ok(PieceFile { file, length, gathered: Vec::with_capacity(GATHERED_MAX), ends: Vec::new() })
    }
}

impl<F: Shorten> PieceFile<F> {
    /// Removes the part of a piece that was written before an error.
    fn cut_back(&mut self, written: usize) {
        let whole = self.ends.iter().rev().find(|&&end| end <= written).copied().unwrap_or_default();
        self.length += whole as u64;
        // If truncating fails too, the file cannot be repaired here.
        let _ = self.file.shorten(self.length);
    }
}

impl<F: Shorten> Write for PieceFile<F> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.gathered.extend_from_slice(piece);
        self.ends.push(self.gathered.len());
        if self.gathered.len() >= GATHERED_MAX {
            self.flush()?;
        }
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut written = 0;
        while written < self.gathered.len() {
            let failed = match self.file.write(&self.gathered[written..]) {
                Ok(0) => io::ErrorKind::WriteZero.into(),
                Ok(count) => {
                    written += count;
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => error,
            };
            self.cut_back(written);
            self.gathered.clear();
            self.ends.clear();
            return Err(failed);
        }
        self.length += written as u64;
        self.gathered.clear();
        self.ends.clear();
        Ok(())
    }
}

impl<F: Shorten> Drop for PieceFile<F> {
    fn drop(&mut self) {
        // Callers that need the error flush before.
        let _ = self.flush();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A disk with so much room, which takes what fits of what it is given.
    struct SmallDisk {
        bytes: Vec<u8>,
        room: usize,
    }

    impl Write for &mut SmallDisk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.room - self.bytes.len());
            self.bytes.extend_from_slice(&bytes[..taken]);
            if taken == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(taken) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Shorten for &mut SmallDisk {
        fn shorten(&mut self, length: u64) -> io::Result<()> {
            self.bytes.truncate(length as usize);
            Ok(())
        }
    }

    #[test]
    fn pieces_come_whole_and_in_order() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut pieces = PieceFile::new(file.reopen().unwrap()).unwrap();
        let expected: Vec<u8> = (0..50_000u32).flat_map(u32::to_le_bytes).collect();
        expected.chunks(4).for_each(|piece| pieces.write_all(piece).unwrap());
        drop(pieces);
        assert!(std::fs::read(file.path()).unwrap() == expected);
        let mut more = PieceFile::new(file.reopen().unwrap()).unwrap();
        more.write_all(b"more").and_then(|()| more.flush()).unwrap();
        assert!(std::fs::read(file.path()).unwrap().ends_with(b"more"));
        file.reopen().unwrap().shorten(8).unwrap();
        assert_eq!(std::fs::read(file.path()).unwrap(), expected[..8]);
    }

    #[test]
    fn a_pipe_takes_pieces_too() {
        let (mut reader, writer) = io::pipe().unwrap();
        let mut pieces = PieceFile::new(File::from(std::os::fd::OwnedFd::from(writer))).unwrap();
        pieces.write_all(b"one").and_then(|()| pieces.flush()).unwrap();
        drop(pieces);
        let mut read = Vec::new();
        io::Read::read_to_end(&mut reader, &mut read).unwrap();
        assert_eq!(read, b"one");
    }

    proptest! {
        /// What is in the file is the beginning of what was given, up to a piece's end: as many pieces as find room.
        #[test]
        fn a_full_disk_cuts_no_piece(lengths in proptest::collection::vec(1usize..9_000, 1..40), room in 0usize..200_000) {
            let mut disk = SmallDisk { bytes: Vec::new(), room };
            let mut pieces = PieceFile { file: &mut disk, length: 0, gathered: Vec::new(), ends: Vec::new() };
            let mut given = Vec::new();
            let failed = lengths.iter().enumerate().any(|(number, &length)| {
                given.push(vec![number as u8; length]);
                pieces.write_all(&given[number]).is_err()
            }) || pieces.flush().is_err();
            drop(pieces);
            let mut expected = Vec::new();
            for piece in given.iter().take_while({ let mut sum = 0; move |piece| { sum += piece.len(); sum <= room } }) {
                expected.extend_from_slice(piece);
            }
            prop_assert_eq!(failed, lengths.iter().sum::<usize>() > room);
            prop_assert!(disk.bytes == expected);
        }
    }
}
