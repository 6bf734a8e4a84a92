//! Log of a transfer: its status with the measured rates, and the history of each segment.

use std::collections::VecDeque;

use bytes::Bytes;
use p2p_base::units::{SimDuration, SimTime};
use p2p_store::manifest::NodeNumber;
use p2p_store::names::FileKey;
use p2p_store::segment::Sha256Digest;
use serde::{Deserialize, Serialize};

use super::gauge::Gauge;
use super::{Direction, Part, TransferError, TransferId, TransferState};
use crate::error::EngineError;
use crate::event::Event;
use crate::node::protocol::Request;
use crate::world::{Owner, World};

/// Maximum number of segment histories that a transfer keeps; the oldest finished ones are dropped first.
const TIMELINES_MAX: usize = 4096;

/// Stage of a segment's transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The segment has a holder and waits for its transmission.
    Queued,
    /// The connection to the holder is open.
    Connected,
    /// The first byte has left its sender.
    FirstByte,
    /// All bytes have arrived at the receiver.
    LastByte,
    /// The segment is acknowledged by the receiver.
    Acknowledged,
    /// Bytes of the segment were retransmitted.
    Retransmitted,
}

/// History of one segment of a transfer, in virtual time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentTimeline {
    /// Index of the segment in the file, from 0.
    pub index: u32,
    /// Length of the segment in bytes.
    pub len: u32,
    /// Node that the segment is sent to or fetched from.
    pub holder: NodeNumber,
    /// Number of attempts before this one.
    pub attempt: u32,
    /// Instant at which the segment or its request was given to the connection.
    pub queued: SimTime,
    /// Instant at which the connection was open.
    pub connected: Option<SimTime>,
    /// Instant at which the first byte left its sender: the client for an upload, the node for a download.
    pub first_byte: Option<SimTime>,
    /// Instant at which all bytes had arrived at the other end.
    pub last_byte: Option<SimTime>,
    /// Instant at which the client knew that the segment was stored, or had received all of it.
    pub acknowledged: Option<SimTime>,
    /// Number of retransmissions of packets with bytes of the segment.
    pub retransmits: u32,
}

impl SegmentTimeline {
    /// Returns the goodput in bytes per second: the length over the time from the sending of the first byte to the arrival of
    /// the last. Returns `None` before that.
    pub fn goodput(&self) -> Option<f64> {
        let span = self.last_byte? - self.first_byte?;
        (span > SimDuration::ZERO).then(|| f64::from(self.len) / span.as_secs_f64())
    }
}

/// Status of a transfer, for lists and screens.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TransferStatus {
    /// Identifier of the transfer.
    pub id: TransferId,
    /// Direction of the transfer.
    pub direction: Direction,
    /// User who began it.
    pub user: Option<String>,
    /// File that is transferred.
    #[serde(flatten)]
    pub file: FileKey,
    /// State of the transfer.
    pub state: TransferState,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Bytes of the segments that are done.
    pub bytes_done: u64,
    /// Bytes that TCP has acknowledged: those of finished segments and those acknowledged of segments in flight.
    pub bytes_acknowledged: u64,
    /// Number of segments of the file.
    pub segments: u32,
    /// Number of segments that are acknowledged.
    pub segments_done: u32,
    /// Number of retransmissions of packets with bytes of the transfer.
    pub retransmits: u64,
    /// Bytes acknowledged per second in the last ten seconds; once the transfer is over, its bytes over its duration. `None`
    /// before any byte is acknowledged.
    pub rate_bytes_per_second: Option<f64>,
    /// Estimated seconds until the end at the current rates; `None` without a basis for an estimate, and once the transfer is
    /// over.
    pub eta_seconds: Option<f64>,
    /// Instant at which the transfer began.
    pub started: SimTime,
    /// Instant at which the transfer ended; `None` while it runs.
    pub finished: Option<SimTime>,
    /// Reason of the failure, if it failed.
    pub error: Option<TransferError>,
}

impl TransferStatus {
    /// Returns the time taken by `now`.
    pub fn elapsed(&self, now: SimTime) -> SimDuration {
        self.finished.unwrap_or(now) - self.started
    }

    /// Returns the bytes of finished segments over the time taken, in bytes per second.
    pub fn goodput(&self, now: SimTime) -> f64 {
        let seconds = self.elapsed(now).as_secs_f64();
        if seconds > 0.0 { self.bytes_done as f64 / seconds } else { 0.0 }
    }
}

/// Report of a transfer with the history of its segments.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TransferReport {
    /// Final status of the transfer, or the current one while it runs.
    pub status: TransferStatus,
    /// SHA-256 digest of the file.
    pub sha256: Option<Sha256Digest>,
    /// Histories of the segments in file order; only the last 4096 if there are more.
    pub timelines: Vec<SegmentTimeline>,
}

impl TransferReport {
    /// Returns the report if the transfer was successful.
    ///
    /// # Errors
    /// Returns [`EngineError::TransferFailed`] if the transfer failed.
    pub fn into_result(self) -> Result<TransferReport, EngineError> {
        let TransferStatus { state, direction, ref file, ref error, .. } = self.status;
        match error {
            Some(error) if state != TransferState::Done => {
                Err(EngineError::TransferFailed { direction, name: file.name.clone(), error: error.clone() })
            }
            _ => Ok(self),
        }
    }
}

/// Record of a transfer's progress.
#[derive(Debug)]
pub(crate) struct TransferLog {
    pub(crate) status: TransferStatus,
    pub(crate) gauge: Gauge,
    pub(crate) sha256: Option<Sha256Digest>,
    timelines: VecDeque<SegmentTimeline>,
}

impl TransferLog {
    pub(crate) fn new(
        id: TransferId,
        direction: Direction,
        user: Option<String>,
        file: &FileKey,
        (bytes, segments): (u64, u32),
        now: SimTime,
    ) -> Self {
        let status = TransferStatus {
            id,
            direction,
            user,
            file: file.clone(),
            state: TransferState::Running,
            bytes,
            bytes_done: 0,
            bytes_acknowledged: 0,
            segments,
            segments_done: 0,
            retransmits: 0,
            rate_bytes_per_second: None,
            eta_seconds: None,
            started: now,
            finished: None,
            error: None,
        };
        TransferLog { status, gauge: Gauge::default(), sha256: None, timelines: VecDeque::new() }
    }

    /// Returns the event for the begin of the transfer.
    pub(crate) fn started(&self) -> Event {
        let TransferStatus { id, direction, user, file, bytes, segments, .. } = self.status.clone();
        Event::TransferStarted { transfer: id, direction, user, file, bytes, segments }
    }

    /// Returns the event for the successful end of the transfer.
    pub(crate) fn finished(&self) -> Event {
        let TransferStatus { id, direction, user, file, bytes, .. } = self.status.clone();
        Event::TransferFinished { transfer: id, direction, user, file, bytes, sha256: self.sha256 }
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

    /// Asks a node to store or to send a segment of `len` bytes, measures the bytes and begins the history of the attempt.
    pub(crate) fn ask(
        &mut self,
        world: &mut World,
        (index, len): (u32, u32),
        (node, attempt): (NodeNumber, u32),
        request: &Request,
        payload: Bytes,
    ) {
        let meter = self.gauge.ask(&mut world.net, node, len);
        self.begin(index, len, node, attempt, world.now());
        self.report_stage(world, index, Stage::Queued);
        world.ask_metered(node, Owner::Transfer(self.status.id, Part::Segment(index)), meter, request, payload);
    }

    /// Records that a segment has reached a stage, and emits the event.
    pub(crate) fn report_stage(&mut self, world: &mut World, index: u32, stage: Stage) {
        if let Some(timeline) = self.reach(index, stage, world.now()) {
            world.emit(Event::Segment { transfer: self.status.id, stage, timeline });
        }
    }

    /// Starts the history of a segment, or of another attempt at it.
    fn begin(&mut self, index: u32, len: u32, holder: NodeNumber, attempt: u32, now: SimTime) {
        if attempt > 0 {
            let failed = self.timelines.iter().find(|timeline| timeline.index == index);
            failed.inspect(|timeline| self.gauge.fail(timeline.holder, timeline.len));
            self.timelines.retain(|timeline| timeline.index != index);
        }
        if self.timelines.len() >= TIMELINES_MAX {
            // Histories of segments in flight are kept, however many there are.
            let told = self.timelines.iter().position(|timeline| timeline.acknowledged.is_some());
            told.map(|place| self.timelines.remove(place));
        }
        self.timelines.push_back(SegmentTimeline {
            index,
            len,
            holder,
            attempt,
            queued: now,
            connected: None,
            first_byte: None,
            last_byte: None,
            acknowledged: None,
            retransmits: 0,
        });
    }

    /// Records that a segment has reached a stage, and returns its history.
    fn reach(&mut self, index: u32, stage: Stage, now: SimTime) -> Option<SegmentTimeline> {
        let timeline = self.timelines.iter_mut().rev().find(|timeline| timeline.index == index)?;
        match stage {
            Stage::Queued => {}
            Stage::Connected => timeline.connected = Some(now),
            Stage::FirstByte => timeline.first_byte = Some(now),
            Stage::LastByte => timeline.last_byte = Some(now),
            Stage::Retransmitted => {
                timeline.retransmits += 1;
                self.status.retransmits += 1;
            }
            Stage::Acknowledged => {
                timeline.acknowledged = Some(now);
                self.gauge.finish(timeline.holder, timeline.len);
                self.status.bytes_done += u64::from(timeline.len);
                self.status.segments_done += 1;
            }
        }
        Some(timeline.clone())
    }

    pub(crate) fn finish(&mut self, state: TransferState, error: Option<TransferError>, now: SimTime) {
        self.status.state = state;
        self.status.error = error;
        self.status.finished = Some(now);
        let goodput = Some(self.status.goodput(now)).filter(|&rate| rate > 0.0);
        self.status.bytes_acknowledged = self.status.bytes_done;
        // A removal transfers no bytes.
        self.status.rate_bytes_per_second = goodput.filter(|_| self.status.direction != Direction::Removal);
    }

    /// Returns the status with the rates measured at this instant.
    pub(crate) fn status(&self, world: &World) -> TransferStatus {
        let mut status = self.status.clone();
        if !status.state.is_over() {
            let reading = self.gauge.read(world, status.direction, (status.bytes, status.bytes_done), status.started);
            status.bytes_acknowledged = (status.bytes_done + reading.under_way).min(status.bytes);
            let is_moving = status.state == TransferState::Running;
            (status.rate_bytes_per_second, status.eta_seconds) = (reading.rate, reading.eta.filter(|_| is_moving));
        }
        status
    }

    pub(crate) fn report(&self, world: &World) -> TransferReport {
        let mut timelines: Vec<SegmentTimeline> = self.timelines.iter().cloned().collect();
        timelines.sort_by_key(|timeline| timeline.index);
        TransferReport { status: self.status(world), sha256: self.sha256, timelines }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_attempt_replaces_the_first_and_a_story_adds_up() {
        let at = |ms| SimTime::ZERO + SimDuration::from_millis(ms);
        let mut log = TransferLog::new(TransferId(1), Direction::Upload, None, &FileKey::unowned("a"), (65_536, 1), at(0));
        log.begin(0, 65_536, NodeNumber::from_index(0), 0, at(0));
        log.begin(0, 65_536, NodeNumber::from_index(1), 1, at(100));
        log.reach(0, Stage::FirstByte, at(200));
        log.reach(0, Stage::Retransmitted, at(300));
        log.reach(0, Stage::LastByte, at(1200));
        let timeline = log.reach(0, Stage::Acknowledged, at(1300)).unwrap();
        assert_eq!((timeline.holder.index(), timeline.attempt, timeline.goodput()), (1, 1, Some(65_536.0)));
        assert_eq!((log.timelines.len(), log.status.bytes_done, log.status.retransmits), (1, 65_536, 1));
    }
}
