//! Part of a file that a download fetches: bytes, and the segments that have them.

use std::ops::Range;

use p2p_store::manifest::FileRecord;

use crate::operation::ByteRange;

/// Part of a file that is fetched.
#[derive(Debug)]
pub(super) struct Extent {
    /// Positions of its bytes in the file.
    pub(super) bytes: Range<u64>,
    /// Indices of the segments with these bytes.
    pub(super) segments: Range<u32>,
    segment_size: u64,
    pub(super) is_whole: bool,
}

impl Extent {
    pub(super) fn new(file: &FileRecord, range: Option<ByteRange>) -> Extent {
        let segment_size = u64::from(file.segment_size.max(1));
        let first = range.map_or(0, |range| range.first.min(file.size));
        let len = range.and_then(|range| range.len).unwrap_or(u64::MAX);
        let bytes = first..first.saturating_add(len).min(file.size);
        let segments = match bytes.is_empty() {
            true => 0..0,
            false => (bytes.start / segment_size) as u32..bytes.end.div_ceil(segment_size) as u32,
        };
        let is_whole = bytes == (0..file.size);
        Extent { bytes, segments, segment_size, is_whole }
    }

    /// Returns the bytes of the segments and their number.
    pub(super) fn size(&self, file: &FileRecord) -> (u64, u32) {
        let end = (u64::from(self.segments.end) * self.segment_size).min(file.size);
        (end.saturating_sub(u64::from(self.segments.start) * self.segment_size), self.segments.len() as u32)
    }

    /// Returns the positions of the bytes within a segment.
    pub(super) fn within(&self, index: u32) -> Range<usize> {
        let begin = u64::from(index) * self.segment_size;
        let place = |position: u64| position.saturating_sub(begin).min(self.segment_size) as usize;
        place(self.bytes.start)..place(self.bytes.end)
    }
}
