//! What a transfer remembers of itself: its progress, and the story of each segment. Knows nothing of how it is done.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::gauge::Gauge;
use super::{Direction, TransferError, TransferId, TransferState};
use crate::engine::command::EngineError;
use crate::engine::event::Event;
use crate::engine::world::World;
use crate::storage::manifest::{FileKey, NodeNumber};
use crate::storage::segment::Sha256Digest;
use crate::units::{SimDuration, SimTime};

/// How many stories of segments a transfer keeps: those that ended longest ago give way.
const STORIES_MAX: usize = 4096;

/// How far a segment has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// It has a holder and waits for its turn.
    Queued,
    /// The connection to the holder is open.
    Connected,
    /// Its first byte has left its sender.
    FirstByte,
    /// All of its bytes have arrived.
    LastByte,
    /// It is acknowledged.
    Acknowledged,
    /// Some of it was sent again.
    Retransmitted,
}

/// What happened to one segment of a transfer, in virtual time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentStory {
    /// Its place in the file, from 0.
    pub index: u32,
    /// Its bytes.
    pub len: u32,
    /// The node that it goes to or comes from.
    pub holder: NodeNumber,
    /// How many holders or attempts were tried before this one.
    pub attempt: u32,
    /// When it was given to the connection.
    pub queued: SimTime,
    /// When the connection was open.
    pub connected: Option<SimTime>,
    /// When its first byte left its sender: the client for an upload, the node for a download.
    pub first_byte: Option<SimTime>,
    /// When all of its bytes had arrived at the other end.
    pub last_byte: Option<SimTime>,
    /// When the client knew that it was stored, or had it whole.
    pub acknowledged: Option<SimTime>,
    /// Packets of it that were sent again.
    pub retransmits: u32,
}

impl SegmentStory {
    /// Its bytes over the time from the sending of the first to the arrival of the last, in bytes a second; `None` before
    /// that.
    pub fn goodput(&self) -> Option<f64> {
        let span = self.last_byte? - self.first_byte?;
        (span > SimDuration::ZERO).then(|| f64::from(self.len) / span.as_secs_f64())
    }
}

/// How a transfer stands, for lists and screens.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TransferStatus {
    /// Which one.
    pub id: TransferId,
    /// What it does.
    pub direction: Direction,
    /// The user who began it.
    pub user: Option<String>,
    /// With which file.
    #[serde(flatten)]
    pub file: FileKey,
    /// How far it is.
    pub state: TransferState,
    /// The file's bytes.
    pub bytes: u64,
    /// Those of segments that are done.
    pub bytes_done: u64,
    /// Those that TCP has acknowledged: the same, and what has come through of segments that are under way.
    pub bytes_acknowledged: u64,
    /// The file's segments.
    pub segments: u32,
    /// Those that are acknowledged.
    pub segments_done: u32,
    /// Packets of it that were sent again.
    pub retransmits: u64,
    /// Bytes a second that were acknowledged in its last ten seconds; once it is over, its bytes over the time that it took.
    /// `None` before there were any.
    pub rate_bytes_per_second: Option<f64>,
    /// Seconds to its end, if it goes on as in its last ten seconds; `None` where there is no ground for a guess, and once it is
    /// over.
    pub eta_seconds: Option<f64>,
    /// When it began.
    pub started: SimTime,
    /// When it ended; `None` while it runs.
    pub finished: Option<SimTime>,
    /// Why it failed.
    pub error: Option<TransferError>,
}

impl TransferStatus {
    /// How long it has taken by `now`.
    pub fn elapsed(&self, now: SimTime) -> SimDuration {
        self.finished.unwrap_or(now) - self.started
    }

    /// Acknowledged bytes over the time taken, in bytes a second.
    pub fn goodput(&self, now: SimTime) -> f64 {
        let seconds = self.elapsed(now).as_secs_f64();
        if seconds > 0.0 { self.bytes_done as f64 / seconds } else { 0.0 }
    }
}

/// What a finished transfer gave.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TransferReport {
    /// How it ended.
    pub status: TransferStatus,
    /// The digest of the file.
    pub sha256: Option<Sha256Digest>,
    /// The stories of its segments, in the order of the file: of the last 4096 where there are more.
    pub stories: Vec<SegmentStory>,
}

impl TransferReport {
    /// The report of a transfer that did what it was to do.
    ///
    /// # Errors
    /// [`EngineError::TransferFailed`] where it did not.
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

/// The memory of a transfer.
#[derive(Debug)]
pub(in crate::engine) struct TransferLog {
    pub(in crate::engine) status: TransferStatus,
    pub(in crate::engine) gauge: Gauge,
    pub(in crate::engine) sha256: Option<Sha256Digest>,
    stories: VecDeque<SegmentStory>,
}

impl TransferLog {
    pub(in crate::engine) fn new(
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
        TransferLog { status, gauge: Gauge::default(), sha256: None, stories: VecDeque::new() }
    }

    /// What is told when it begins.
    pub(in crate::engine) fn started(&self) -> Event {
        let TransferStatus { id, direction, user, file, bytes, segments, .. } = self.status.clone();
        Event::TransferStarted { transfer: id, direction, user, file, bytes, segments }
    }

    /// What is told when it is done.
    pub(in crate::engine) fn finished(&self) -> Event {
        let TransferStatus { id, direction, user, file, bytes, .. } = self.status.clone();
        Event::TransferFinished { transfer: id, direction, user, file, bytes, sha256: self.sha256 }
    }

    /// What is told when it has failed. Where on this machine that was stands in the log, and in the report.
    pub(in crate::engine) fn failed(&self, error: TransferError) -> Event {
        let TransferStatus { id, direction, user, file, .. } = self.status.clone();
        let told = error.clone().without_details();
        if told != error {
            tracing::warn!(transfer = %id, %error, "a transfer has failed");
        }
        let error = told;
        Event::TransferFailed { transfer: id, direction, user, file, error }
    }

    /// Begins the story of a segment, or of a further attempt at it.
    pub(in crate::engine) fn begin(&mut self, index: u32, len: u32, holder: NodeNumber, attempt: u32, now: SimTime) {
        if attempt > 0 {
            let failed = self.stories.iter().find(|story| story.index == index);
            failed.inspect(|story| self.gauge.fail(story.holder, story.len));
            self.stories.retain(|story| story.index != index);
        }
        if self.stories.len() >= STORIES_MAX {
            // One that is under way is needed yet, however many there are.
            let told = self.stories.iter().position(|story| story.acknowledged.is_some());
            told.map(|place| self.stories.remove(place));
        }
        self.stories.push_back(SegmentStory {
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

    /// A segment has come to a stage. Gives its story.
    pub(in crate::engine) fn reach(&mut self, index: u32, stage: Stage, now: SimTime) -> Option<SegmentStory> {
        let story = self.stories.iter_mut().rev().find(|story| story.index == index)?;
        match stage {
            Stage::Queued => {}
            Stage::Connected => story.connected = Some(now),
            Stage::FirstByte => story.first_byte = Some(now),
            Stage::LastByte => story.last_byte = Some(now),
            Stage::Retransmitted => {
                story.retransmits += 1;
                self.status.retransmits += 1;
            }
            Stage::Acknowledged => {
                story.acknowledged = Some(now);
                self.gauge.finish(story.holder, story.len);
                self.status.bytes_done += u64::from(story.len);
                self.status.segments_done += 1;
            }
        }
        Some(story.clone())
    }

    pub(in crate::engine) fn finish(&mut self, state: TransferState, error: Option<TransferError>, now: SimTime) {
        self.status.state = state;
        self.status.error = error;
        self.status.finished = Some(now);
        let goodput = Some(self.status.goodput(now)).filter(|&rate| rate > 0.0);
        self.status.bytes_acknowledged = self.status.bytes_done;
        // A removal moves no bytes.
        self.status.rate_bytes_per_second = goodput.filter(|_| self.status.direction != Direction::Removal);
    }

    /// How it stands, with what is measured at this instant.
    pub(in crate::engine) fn status(&self, world: &World) -> TransferStatus {
        let mut status = self.status.clone();
        if !status.state.is_over() {
            let reading = self.gauge.read(world, status.direction, (status.bytes, status.bytes_done), status.started);
            status.bytes_acknowledged = (status.bytes_done + reading.under_way).min(status.bytes);
            let is_moving = status.state == TransferState::Running;
            (status.rate_bytes_per_second, status.eta_seconds) = (reading.rate, reading.eta.filter(|_| is_moving));
        }
        status
    }

    pub(in crate::engine) fn report(&self, world: &World) -> TransferReport {
        let mut stories: Vec<SegmentStory> = self.stories.iter().cloned().collect();
        stories.sort_by_key(|story| story.index);
        TransferReport { status: self.status(world), sha256: self.sha256, stories }
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
        let story = log.reach(0, Stage::Acknowledged, at(1300)).unwrap();
        assert_eq!((story.holder.index(), story.attempt, story.goodput()), (1, 1, Some(65_536.0)));
        assert_eq!((log.stories.len(), log.status.bytes_done, log.status.retransmits), (1, 65_536, 1));
    }
}
