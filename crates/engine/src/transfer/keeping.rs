//! Keeping of an upload whose source may go: what is stored of it is made durable from time to time and noted in the catalog, so
//! that the upload can be continued, even by another process.
//!
//! Only a run of full segments from the begin is kept, since a stream is continued after a segment.

use std::collections::{BTreeMap, VecDeque};

use p2p_store::manifest::{NodeNumber, SegmentRecord, by_holder};
use p2p_store::segment::{Cut, HashState};
use p2p_store::uploads::UploadRecord;

use super::commitment::{Commitment, Loss, Progress};
use super::{CatalogWork, Output, Part};

/// Number of bytes that are stored before they are made durable together: at the least, and at the most in a long upload. Each time waits for
/// the disk of every holder and for that of the catalog, so that a fast upload of every 8 MiB would wait for them twenty times a second.
const EVERY: u64 = if cfg!(test) { 8 << 10 } else { 8 << 20 };
const EVERY_AT_MOST: u64 = if cfg!(test) { EVERY } else { 64 << 20 };

/// Work on the next segments that are to be kept.
#[derive(Debug)]
enum UnderWay {
    /// The holders make the segments durable.
    Committing(Commitment),
    /// The catalog notes them.
    Noting,
}

/// State of the keeping of an upload: what is kept, and the work on what is to be kept next.
#[derive(Debug)]
pub(super) struct Keeping {
    /// Record of what is kept; as the catalog has it, if [`is_noted`](Self::is_noted).
    record: UploadRecord,
    is_noted: bool,
    /// True if the catalog has the record as it is, with its expiry.
    is_current: bool,
    /// Segments that follow those that are kept, in order, as far as they are stored: with the state of the digest after each.
    stored: VecDeque<(SegmentRecord, HashState)>,
    /// States of the digest after segments that are not stored yet, by index.
    hashes: BTreeMap<u32, HashState>,
    /// The first of the stored segments, which are being kept, and how many of them.
    under_way: Option<(UnderWay, usize)>,
    /// Number of bytes that are stored before the next of them are made durable: more where a holder has not done so.
    due: u64,
    /// True if the source has gone and the upload ends once everything is kept.
    pub(super) is_parking: bool,
    /// True if the upload was told to stop: what fails then is not asked for again.
    pub(super) is_stopped: bool,
}

impl Keeping {
    /// Starts to keep an upload, or continues after what `record` says is kept.
    pub(super) fn new(record: UploadRecord, is_noted: bool) -> Keeping {
        Keeping {
            due: due_after(record.offset, EVERY_AT_MOST),
            record,
            is_noted,
            stored: VecDeque::new(),
            hashes: BTreeMap::new(),
            under_way: None,
            is_parking: false,
            is_stopped: false,
            is_current: false,
        }
    }

    pub(super) const fn record(&self) -> &UploadRecord {
        &self.record
    }

    /// Returns true if the catalog knows the upload.
    pub(super) const fn is_noted(&self) -> bool {
        self.is_noted
    }

    /// Returns true if the catalog knows the upload or is about to.
    pub(super) const fn may_be_noted(&self) -> bool {
        self.is_noted || matches!(self.under_way, Some((UnderWay::Noting, _)))
    }

    /// Returns true if nothing of the upload is kept, and nothing can be.
    pub(super) fn has_nothing(&self) -> bool {
        self.record.offset == 0 && self.stored.is_empty()
    }

    /// Returns true if work on what is to be kept next is under way.
    pub(super) const fn is_busy(&self) -> bool {
        self.under_way.is_some()
    }

    /// Notes the states of the digest after segments that have arrived.
    pub(super) fn expect(&mut self, cuts: &[Cut]) {
        let full = |cut: &&Cut| cut.segment.bytes.len() == self.record.segment_size as usize;
        self.hashes.extend(cuts.iter().filter(full).map(|cut| (cut.segment.index, cut.hash.clone())));
    }

    /// Takes up the segments that follow in order and are stored, as `placed` tells by index.
    pub(super) fn follow(&mut self, placed: impl Fn(u32) -> Option<SegmentRecord>) {
        loop {
            let next = self.record.segments + self.stored.len() as u32;
            let Some(segment) = placed(next) else { return };
            let Some(hash) = self.hashes.remove(&next) else { return };
            self.stored.push_back((segment, hash));
        }
    }

    /// Begins to keep what is stored, if it is enough or the upload is to end. Returns false if there is nothing to do.
    pub(super) fn begin(&mut self, outputs: &mut VecDeque<Output>) -> bool {
        let bytes = self.stored_bytes();
        let is_due = bytes >= self.due || (self.is_parking && (bytes > 0 || !self.is_current));
        if self.is_busy() || !is_due {
            return false;
        }
        let shares = by_holder(self.stored.iter().map(|(segment, _)| segment));
        let mut commitment = Commitment::begin(outputs, Part::Keep, shares);
        let is_durable = commitment.progress() == Progress::Complete;
        self.under_way = Some((UnderWay::Committing(commitment), self.stored.len()));
        if is_durable {
            self.note(outputs);
        }
        true
    }

    fn stored_bytes(&self) -> u64 {
        self.stored.iter().map(|(segment, _)| u64::from(segment.len)).sum()
    }

    /// Lets the commitment handle what has become of a request. Once all holders have answered, the segments are noted, unless one did
    /// not confirm: an upload that ends is then to be kept up to what that one has lost. Returns false if it is over without a note.
    pub(super) fn follow_commitment(
        &mut self,
        outputs: &mut VecDeque<Output>,
        step: impl FnOnce(&mut Commitment, &mut VecDeque<Output>) -> Progress,
    ) -> bool {
        let Some((UnderWay::Committing(commitment), _)) = &mut self.under_way else { return true };
        match step(commitment, outputs) {
            Progress::Waiting => {}
            Progress::Complete => self.note(outputs),
            Progress::Lost(losses) => {
                self.under_way = None;
                // All holders are asked once more, so that it is not tried again with every segment.
                self.due = self.stored_bytes() + due_after(self.record.offset, EVERY_AT_MOST);
                if self.is_parking {
                    self.end_before(&losses);
                }
            }
        }
        self.under_way.is_some()
    }

    /// Gives up the segments from the first one on that its holder has lost.
    fn end_before(&mut self, losses: &BTreeMap<NodeNumber, Loss>) {
        let is_lost = |(segment, _): &(SegmentRecord, HashState)| {
            segment.holders.iter().any(|node| losses.get(node).is_some_and(|loss| loss.contains(segment.id)))
        };
        let left = self.stored.iter().position(is_lost).unwrap_or(0);
        self.stored.truncate(left);
    }

    fn note(&mut self, outputs: &mut VecDeque<Output>) {
        let Some((under_way, count)) = &mut self.under_way else { return };
        *under_way = UnderWay::Noting;
        let segments: Vec<SegmentRecord> = self.stored.iter().take(*count).map(|(segment, _)| segment.clone()).collect();
        let record = self.record_after(segments.len());
        outputs.push_back(Output::Catalog(CatalogWork::Keep(Box::new(record), segments)));
    }

    /// Returns the record once the first `count` of the stored segments are kept.
    fn record_after(&self, count: usize) -> UploadRecord {
        let mut record = self.record.clone();
        for (segment, hash) in self.stored.iter().take(count) {
            record.offset += u64::from(segment.len);
            record.segments += 1;
            record.hash = hash.clone();
        }
        record
    }

    /// Handles the end of the catalog's work. What could not be kept is tried again with what follows.
    pub(super) fn on_noted(&mut self, is_done: bool) {
        let Some((UnderWay::Noting, count)) = self.under_way else { return };
        self.under_way = None;
        if is_done {
            self.record = self.record_after(count);
            self.stored.drain(..count);
            self.due = due_after(self.record.offset, EVERY_AT_MOST);
            (self.is_noted, self.is_current) = (true, true);
        }
    }
}

/// Returns how many bytes follow those that are kept before they are made durable: half as many, so that a crash loses no more than a third of
/// what is stored, but at least [`EVERY`] and at most `most`.
fn due_after(kept: u64, most: u64) -> u64 {
    (kept / 2).clamp(EVERY, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_upload_is_made_durable_less_often() {
        let most = 8 * EVERY;
        assert_eq!([0, 1, 2 * EVERY].map(|kept| due_after(kept, most)), [EVERY; 3]);
        assert_eq!(due_after(6 * EVERY, most), 3 * EVERY);
        assert_eq!([16 * EVERY, u64::MAX].map(|kept| due_after(kept, most)), [most; 2]);
        assert_eq!(due_after(u64::MAX, EVERY), EVERY);
    }
}
