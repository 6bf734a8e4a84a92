//! Files that are open for reading. Reads that follow each other ride one download; one elsewhere begins another, of the range from there on.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use p2p_service::access::range::WantedRange;
use p2p_service::access::{Access, Identity};
use p2p_service::files::{FileRecord, StreamReader, TransferId};

use super::content::Content;
use super::failure::{Done, Failure};

/// Pieces that are kept behind the position of a download, for reads that come in another order. A piece is a segment at the most.
const KEPT: usize = 4;
/// Bytes that a read may lie ahead of the download without another one being begun.
const SKIP_MAX: u64 = 256 * 1024;
/// Bytes of a download that begins elsewhere than at the begin or at the end of the last one: a client that reads here and there wants few.
const ELSEWHERE: u64 = 256 * 1024;

/// Download that a reader rides.
#[derive(Debug)]
struct Ride {
    transfer: TransferId,
    stream: StreamReader,
    /// Position of the byte that it gives next.
    at: u64,
    /// Position of its end.
    end: u64,
}

/// Part of a stored file that is open for reading.
#[derive(Debug)]
pub(super) struct Reader {
    access: Access,
    identity: Arc<Identity>,
    /// File as the gate calls it.
    text: String,
    file: FileRecord,
    /// Position in the file of the first byte of the part: 0, unless it is a segment.
    first: u64,
    /// Length of the part.
    len: u64,
    ride: Option<Ride>,
    /// Position at which a client that reads on begins the next download, and the length of the last one.
    expected: (u64, u64),
    /// Last pieces of the download, with their positions.
    recent: VecDeque<(u64, Bytes)>,
}

impl Reader {
    /// Opens a file.
    pub(super) fn of(access: &Access, identity: &Arc<Identity>, text: &str, file: FileRecord) -> Reader {
        let (access, identity, len) = (access.clone(), Arc::clone(identity), file.size);
        let (text, recent) = (text.to_owned(), VecDeque::new());
        Reader { access, identity, text, file, first: 0, len, ride: None, expected: (0, len), recent }
    }

    /// Opens the same file once more.
    pub(super) fn again(&self) -> Reader {
        Reader::of(&self.access, &self.identity, &self.text, self.file.clone())
    }

    /// Returns the file as the gate calls it.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Limits what is read to a part of the file.
    pub(super) fn part(self, first: u64, len: u64) -> Reader {
        Reader { first, len, expected: (first, len), ..self }
    }

    /// Returns the file.
    pub(super) fn file(&self) -> &FileRecord {
        &self.file
    }

    /// Returns the length of what is open, in bytes.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Reads bytes: as many as there are from `offset` on, and `max` at the most.
    ///
    /// # Errors
    /// Fails at the end of the file, or if it cannot be fetched or is another one by now.
    pub(super) async fn read(&mut self, offset: u64, max: usize) -> Done<Content> {
        let left = self.len.checked_sub(offset).filter(|&left| left > 0).ok_or_else(Failure::end)?;
        let wanted = usize::try_from(left).map_or(max, |left| left.min(max));
        let mut found = Content::with_capacity(wanted);
        while found.len() < wanted {
            let at = self.first + offset + found.len() as u64;
            match self.kept(at) {
                Some(bytes) => found.extend(&bytes[..bytes.len().min(wanted - found.len())]),
                None => self.fetch(at).await?,
            }
        }
        Ok(found)
    }

    /// Returns what is kept from a position on.
    fn kept(&self, at: u64) -> Option<Bytes> {
        let within = |(from, bytes): &(u64, Bytes)| {
            let skipped = usize::try_from(at.checked_sub(*from)?).ok()?;
            (skipped < bytes.len()).then(|| bytes.slice(skipped..))
        };
        self.recent.iter().find_map(within)
    }

    /// Takes the next piece of the download, which is begun anew if it is not about to come to this position.
    async fn fetch(&mut self, at: u64) -> Done<()> {
        let is_near = |ride: &Ride| ride.at <= at && at - ride.at <= SKIP_MAX;
        let mut ride = match self.ride.take().filter(is_near) {
            Some(ride) => ride,
            None => self.begin(at).await?,
        };
        let Ok(Some(bytes)) = ride.stream.read().await else { return Err(self.broken(ride.transfer).await) };
        if self.recent.len() == KEPT {
            self.recent.pop_front();
        }
        let from = ride.at;
        ride.at += bytes.len() as u64;
        self.recent.push_back((from, bytes));
        if ride.at < ride.end {
            self.ride = Some(ride);
        } else {
            // The download is complete, and not given up, once its end is taken.
            let _ = ride.stream.read().await;
        }
        Ok(())
    }

    /// Begins a download from a position on. One that goes on where the last one has ended has twice its length.
    async fn begin(&mut self, at: u64) -> Done<Ride> {
        let all = self.first + self.len;
        let wanted = if at == self.expected.0 { self.expected.1.saturating_mul(2) } else { ELSEWHERE };
        let end = all.min(at.saturating_add(wanted));
        self.expected = (end, end - at);
        let last = end.checked_sub(1).filter(|_| end < self.file.size);
        let range = (at > 0 || last.is_some()).then_some(WantedRange::From { first: at, last });
        self.check().await?;
        let expected = Some(self.file.sha256);
        let (transfer, stream) = self.access.download_stream(&self.identity, &self.text, range, expected).await?;
        Ok(Ride { transfer, stream, at, end })
    }

    /// Fails if the name is that of another file by now: its bytes are not those of the file that was opened.
    pub(super) async fn check(&self) -> Done<()> {
        let now = self.access.readable(&self.identity, &self.text).await?;
        if (now.sha256, now.size) == (self.file.sha256, self.file.size) {
            Ok(())
        } else {
            Err(Failure::because("the file has been replaced since it was opened; open it again"))
        }
    }

    /// Returns why a download is not complete.
    async fn broken(&self, transfer: TransferId) -> Failure {
        Failure::of_transfer(&self.access, transfer, "the download has ended before the end of the file").await
    }
}
