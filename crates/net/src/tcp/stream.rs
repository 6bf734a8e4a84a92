//! The bytes of one direction of a connection, from the sender's write to the receiver's read.
//!
//! Both ends use one stream: the sender appends, packets name ranges, the receiver takes the bytes that have arrived in
//! order. A byte is kept until it is both acknowledged and read, and it is never copied.

use std::collections::VecDeque;

use bytes::Bytes;

/// Byte stream that one end writes and the other reads. Offset 1 is the first byte; 0 is the SYN.
#[derive(Debug)]
pub(crate) struct ByteStream {
    chunks: VecDeque<Bytes>,
    /// Offset of the first byte that is kept.
    start: u64,
    /// Offset after the last byte written.
    end: u64,
    acked: u64,
    read: u64,
}

impl ByteStream {
    pub(crate) fn new() -> ByteStream {
        ByteStream { chunks: VecDeque::new(), start: 1, end: 1, acked: 1, read: 1 }
    }

    /// Returns the offset after the last byte written.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// Returns the offset of the next byte to read.
    pub(crate) fn read_offset(&self) -> u64 {
        self.read
    }

    pub(crate) fn write(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.end += bytes.len() as u64;
            if self.chunks.capacity() == 0 {
                // Most streams are written in one piece.
                self.chunks.reserve_exact(1);
            }
            self.chunks.push_back(bytes);
        }
    }

    /// Records the acknowledgement of everything below `offset`, which the sender does not need any more.
    pub(crate) fn acknowledge(&mut self, offset: u64) {
        let acked = offset.min(self.end);
        if acked > self.acked {
            self.acked = acked;
            self.drop_done();
        }
    }

    /// Returns the next bytes below `limit`, at most `max` and at most one written piece; `None` if there are none.
    pub(crate) fn read(&mut self, limit: u64, max: usize) -> Option<Bytes> {
        let wanted = (limit.min(self.end).saturating_sub(self.read) as usize).min(max);
        if wanted == 0 {
            return None;
        }
        let (index, within) = self.locate(self.read)?;
        let chunk = self.chunks.get(index)?;
        let bytes = chunk.slice(within..within + wanted.min(chunk.len() - within));
        self.read += bytes.len() as u64;
        self.drop_done();
        Some(bytes)
    }

    /// Returns a copy of the `len` bytes from `offset` on, for a capture. Bytes that are no longer kept are left out.
    #[cfg_attr(not(feature = "pcap"), allow(dead_code, reason = "captures alone need the bytes"))]
    pub(crate) fn copy_range(&self, offset: u64, len: usize) -> Vec<u8> {
        let mut copy = Vec::with_capacity(len);
        let Some((first, mut within)) = self.locate(offset) else { return copy };
        for chunk in self.chunks.range(first..) {
            let end = chunk.len().min(within + len - copy.len());
            copy.extend_from_slice(&chunk[within..end]);
            within = 0;
            if copy.len() == len {
                break;
            }
        }
        copy
    }

    /// Returns the index of the chunk that holds `offset`, and the position within it.
    fn locate(&self, offset: u64) -> Option<(usize, usize)> {
        let mut at = self.start;
        for (index, chunk) in self.chunks.iter().enumerate() {
            let end = at + chunk.len() as u64;
            if (at..end).contains(&offset) {
                return Some((index, (offset - at) as usize));
            }
            at = end;
        }
        None
    }

    fn drop_done(&mut self) {
        let done = self.acked.min(self.read);
        while let Some(chunk) = self.chunks.front() {
            let end = self.start + chunk.len() as u64;
            if end > done {
                break;
            }
            self.start = end;
            self.chunks.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_byte_is_kept_until_it_is_acknowledged_and_read() {
        let mut stream = ByteStream::new();
        stream.write(Bytes::from_static(b"hello "));
        stream.write(Bytes::from_static(b"world"));
        assert_eq!(stream.read(4, 100).unwrap(), "hel");
        stream.acknowledge(12);
        assert_eq!(stream.chunks.len(), 2);
        assert_eq!(stream.read(12, 100).unwrap(), "lo ");
        assert_eq!(stream.chunks.len(), 1);
        assert_eq!(stream.read(12, 2).unwrap(), "wo");
        assert_eq!(stream.copy_range(8, 3), b"orl");
        assert_eq!(stream.read(12, 100).unwrap(), "rld");
        assert_eq!(stream.read(12, 100), None);
        assert!(stream.chunks.is_empty());
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_was_written(
            writes in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..20), 0..20),
            reads in proptest::collection::vec((0usize..15, any::<bool>()), 0..80),
        ) {
            let mut stream = ByteStream::new();
            let mut model = Vec::new();
            for write in writes {
                model.extend_from_slice(&write);
                stream.write(Bytes::from(write));
            }
            let mut got = Vec::new();
            for (max, acknowledge) in reads {
                if acknowledge { stream.acknowledge(stream.read_offset()); }
                prop_assert_eq!(stream.copy_range(stream.read, 7), &model[got.len()..model.len().min(got.len() + 7)]);
                if let Some(bytes) = stream.read(stream.end(), max) { got.extend_from_slice(&bytes); }
            }
            prop_assert_eq!(&got[..], &model[..got.len()]);
        }
    }
}
