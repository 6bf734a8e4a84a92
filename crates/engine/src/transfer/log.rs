//! Log of a transfer: its status, and the history of each segment.

use std::collections::{BTreeMap, VecDeque};

use p2p_base::units::{SimDuration, SimTime};
use p2p_store::manifest::NodeNumber;
use p2p_store::names::FileKey;
use p2p_store::segment::Sha256Digest;

use super::{
    CancelRequest, Direction, Remaining, SegmentTimeline, Stage, TransferError, TransferId, TransferState, TransferStatus,
};
use crate::event::Event;
use crate::peer::Peer;

/// Maximum number of segment histories that a transfer keeps; the oldest finished ones are dropped first.
const TIMELINES_MAX: usize = 4096;

/// Record of a transfer's progress.
#[derive(Debug)]
pub(crate) struct TransferLog {
    pub(crate) status: TransferStatus,
    pub(crate) sha256: Option<Sha256Digest>,
    timelines: VecDeque<SegmentTimeline>,
    /// Retransmissions by the node that the segment was sent to or fetched from then: together those of the status.
    resent: BTreeMap<NodeNumber, u64>,
}

impl TransferLog {
    pub(crate) fn new(
        id: TransferId,
        direction: Direction,
        (user, host): (Option<String>, Peer),
        file: &FileKey,
        (bytes, segments): (Option<u64>, Option<u32>),
        now: SimTime,
    ) -> Self {
        let status = TransferStatus {
            id,
            direction,
            user,
            host,
            file: file.clone(),
            upload: None,
            state: TransferState::Running,
            bytes: bytes.unwrap_or_default(),
            size_known: bytes.is_some(),
            bytes_done: 0,
            bytes_before: 0,
            bytes_arrived: 0,
            segments: segments.unwrap_or_default(),
            segments_done: 0,
            segments_before: 0,
            retransmits: 0,
            rate_bytes_per_second: None,
            rate_span: SimDuration::ZERO,
            eta: Remaining::TooEarly,
            owing_nodes: 0,
            awaited: Vec::new(),
            replaced: Vec::new(),
            started: now,
            finished: None,
            error: None,
            cancel: None,
            given_up_from: None,
            given_up_at: None,
        };
        TransferLog { status, sha256: None, timelines: VecDeque::new(), resent: BTreeMap::new() }
    }

    /// Returns true if what the node holds of the transfer crosses a link: the transfer is not carried by the node's own host.
    pub(crate) fn crosses_link(&self, node: NodeNumber) -> bool {
        self.status.host != Peer::Node(node)
    }

    /// Returns the event for the begin of the transfer.
    pub(crate) fn started(&self) -> Event {
        let TransferStatus { id, direction, user, file, size_known, .. } = self.status.clone();
        let bytes = size_known.then_some(self.status.bytes);
        let segments = size_known.then_some(self.status.segments);
        Event::TransferStarted { transfer: id, direction, user, file, bytes, segments }
    }

    /// Returns the event for the successful end of the transfer.
    pub(crate) fn finished(&self) -> Event {
        let TransferStatus { id, direction, user, file, bytes, .. } = self.status.clone();
        Event::TransferFinished { transfer: id, direction, user, file, bytes, sha256: self.sha256 }
    }

    /// Returns the event for an upload that is kept, of which `bytes` are durable.
    pub(crate) fn parked(&self, bytes: u64) -> Event {
        let TransferStatus { id, user, file, .. } = self.status.clone();
        Event::UploadParked { transfer: id, user, file, bytes }
    }

    /// Returns the event for a failed transfer. The event carries no local paths; those go to the log and into the report.
    pub(crate) fn failed(&self, error: TransferError) -> Event {
        let TransferStatus { id, direction, user, file, .. } = self.status.clone();
        let told = error.clone().without_details();
        if told != error {
            tracing::warn!(transfer = %id, %error, "a transfer has failed");
        }
        let error = told;
        Event::TransferFailed { transfer: id, direction, user, file, error }
    }

    /// Notes that so many bytes and segments were stored before the transfer began.
    pub(super) fn begin_at(&mut self, bytes: u64, segments: u32) {
        (self.status.bytes_done, self.status.bytes_before) = (bytes, bytes);
        (self.status.segments_done, self.status.segments_before) = (segments, segments);
        self.know((bytes, segments), false);
    }

    /// Notes what is known of content whose size was not known at the begin: bytes and segments so far, and if they are all.
    pub(super) fn know(&mut self, (bytes, segments): (u64, u32), is_all: bool) {
        if !self.status.size_known {
            (self.status.bytes, self.status.segments, self.status.size_known) = (bytes, segments, is_all);
        }
    }

    /// Starts the history of a segment, or of another attempt at it. Returns the node of the attempt that this one replaces, and
    /// the event.
    pub(super) fn begin(
        &mut self,
        index: u32,
        len: u32,
        holder: NodeNumber,
        attempt: u32,
        now: SimTime,
    ) -> (Option<NodeNumber>, Event) {
        let mut instead_of = None;
        if attempt > 0 {
            instead_of = self.timelines.iter().find(|timeline| timeline.index == index).map(|timeline| timeline.holder);
            self.timelines.retain(|timeline| timeline.index != index);
        }
        if self.timelines.len() >= TIMELINES_MAX {
            // Histories of segments in flight are kept, however many there are.
            let told = self.timelines.iter().position(|timeline| timeline.acknowledged.is_some());
            told.map(|place| self.timelines.remove(place));
        }
        let timeline = SegmentTimeline { attempt, ..SegmentTimeline::queued(index, len, holder, now) };
        self.timelines.push_back(timeline.clone());
        (instead_of, Event::Segment { transfer: self.status.id, stage: Stage::Queued, timeline })
    }

    /// Records that a segment has reached a stage, and returns the event; `None` if the history of the segment is not kept.
    pub(super) fn reach(&mut self, index: u32, stage: Stage, now: SimTime) -> Option<Event> {
        let timeline = self.timelines.iter_mut().rev().find(|timeline| timeline.index == index)?;
        match stage {
            // Nothing of the segment was sent over the connection for which it waited before.
            Stage::Queued => {
                (timeline.queued, timeline.connected, timeline.first_byte, timeline.last_byte) = (now, None, None, None);
            }
            Stage::Connected => timeline.connected = Some(now),
            Stage::FirstByte => timeline.first_byte = Some(now),
            Stage::LastByte => timeline.last_byte = Some(now),
            Stage::Retransmitted => {
                timeline.retransmits += 1;
                self.status.retransmits += 1;
                *self.resent.entry(timeline.holder).or_default() += 1;
            }
            Stage::Acknowledged => {
                timeline.acknowledged = Some(now);
                self.status.bytes_done += u64::from(timeline.len);
                self.status.segments_done += 1;
            }
        }
        Some(Event::Segment { transfer: self.status.id, stage, timeline: timeline.clone() })
    }

    /// Returns the number of retransmissions by the node that the segment was sent to or fetched from then.
    pub(crate) const fn resent(&self) -> &BTreeMap<NodeNumber, u64> {
        &self.resent
    }

    /// Notes that the transfer is asked to end, whether it can or not.
    pub(super) fn note_cancel(&mut self, now: SimTime) {
        self.status.cancel.get_or_insert(CancelRequest { at: now, during: self.status.state });
    }

    /// Notes that the segments from an index on are given up.
    pub(super) fn give_up(&mut self, from: u32) {
        self.status.given_up_from = Some(from);
    }

    /// Returns true if segments were given up and it was not noted when.
    pub(crate) fn has_just_given_up(&self) -> bool {
        self.status.given_up_from.is_some() && self.status.given_up_at.is_none()
    }

    /// Notes when segments were given up, and how many bytes of segments that were not done had arrived by then.
    pub(crate) fn note_given_up(&mut self, now: SimTime, under_way: u64) {
        self.status.given_up_at = Some(now);
        self.status.bytes_arrived = (self.status.bytes_done + under_way).min(self.status.bytes);
    }

    /// Notes that the upload is kept with so many bytes and segments, and that nothing else of it is stored.
    pub(super) fn keep(&mut self, bytes: u64, segments: u32) {
        (self.status.bytes_done, self.status.bytes_arrived, self.status.segments_done) = (bytes, bytes, segments);
    }

    /// Takes back that a segment has arrived, because it will be asked for again.
    pub(super) fn forget(&mut self, index: u32) {
        if let Some(len) = self.latest(index).map(|timeline| timeline.len) {
            self.take_back(&BTreeMap::from([(index, len)]));
        }
    }

    /// Takes back that segments, each of so many bytes, are stored, because they will be sent again.
    pub(super) fn take_back(&mut self, segments: &BTreeMap<u32, u32>) {
        self.timelines.retain(|timeline| !segments.contains_key(&timeline.index));
        let bytes = segments.values().map(|&len| u64::from(len)).sum();
        self.status.bytes_done = self.status.bytes_done.saturating_sub(bytes);
        self.status.segments_done = self.status.segments_done.saturating_sub(segments.len() as u32);
    }

    pub(crate) fn finish(&mut self, state: TransferState, error: Option<TransferError>, now: SimTime) {
        self.status.state = state;
        self.status.error = error;
        self.status.finished = Some(now);
        self.status.rate_span = now - self.status.started;
        self.status.eta = Remaining::NotRunning;
        // Nothing has come of what is neither done nor kept, and a removal transfers no bytes.
        let has_rate =
            matches!(state, TransferState::Done | TransferState::Parked) && self.status.direction != Direction::Removal;
        let goodput = Some(self.status.goodput(now)).filter(|&rate| has_rate && rate > 0.0);
        if self.status.given_up_from.is_none() {
            self.status.bytes_arrived = self.status.bytes_done;
        }
        self.status.rate_bytes_per_second = goodput;
    }

    /// Returns the node of which a segment was last requested; `None` if its history is not kept.
    pub(crate) fn holder_of(&self, index: u32) -> Option<NodeNumber> {
        self.latest(index).map(|timeline| timeline.holder)
    }

    fn latest(&self, index: u32) -> Option<&SegmentTimeline> {
        self.timelines.iter().rev().find(|timeline| timeline.index == index)
    }

    /// Returns the kept histories in file order.
    pub(crate) fn timelines(&self) -> Vec<SegmentTimeline> {
        let mut timelines: Vec<SegmentTimeline> = self.timelines.iter().cloned().collect();
        timelines.sort_by_key(|timeline| timeline.index);
        timelines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_attempt_replaces_the_first_and_a_story_adds_up() {
        let at = |ms| SimTime::ZERO + SimDuration::from_millis(ms);
        let mut log = TransferLog::new(
            TransferId(1),
            Direction::Upload,
            (None, Peer::Client),
            &FileKey::unowned("a"),
            (Some(65_536), Some(1)),
            at(0),
        );
        log.begin(0, 65_536, NodeNumber::from_index(0), 0, at(0));
        log.begin(0, 65_536, NodeNumber::from_index(1), 1, at(100));
        log.reach(0, Stage::FirstByte, at(200));
        log.reach(0, Stage::Retransmitted, at(300));
        log.reach(0, Stage::LastByte, at(1200));
        let Some(Event::Segment { timeline, .. }) = log.reach(0, Stage::Acknowledged, at(1300)) else { panic!("no event") };
        assert_eq!((timeline.holder.index(), timeline.attempt, timeline.goodput()), (1, 1, Some(65_536.0)));
        assert_eq!((log.timelines.len(), log.status.bytes_done, log.status.retransmits), (1, 65_536, 1));
    }
}
