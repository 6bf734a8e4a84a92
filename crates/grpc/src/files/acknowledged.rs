//! How far the segments of an upload are acknowledged, by the events of its transfer.

use std::collections::BTreeMap;
use std::convert::Infallible;

use p2p_service::Event;
use p2p_service::access::Access;
use p2p_service::access::watching::{Events, Happening};
use p2p_service::files::{SegmentTimeline, Stage, TransferId};
use tokio::sync::mpsc::Sender;

use super::messages::timing;
use crate::proto::upload_file_response::Message;
use crate::proto::{Acknowledged, UploadFileResponse};

/// Segments from the begin of the content on that are acknowledged, and those behind a gap.
#[derive(Debug)]
pub(super) struct Progress {
    offset: u64,
    next: u32,
    /// Lengths of acknowledged segments behind the first that is not, by index.
    behind: BTreeMap<u32, u32>,
}

impl Progress {
    /// Makes the progress of an upload of which so many bytes, in so many segments, are stored.
    pub(super) fn after(offset: u64, segments: u32) -> Progress {
        Progress { offset, next: segments, behind: BTreeMap::new() }
    }

    /// Notes a segment, and returns the position before which all is acknowledged.
    fn note(&mut self, segment: &SegmentTimeline) -> u64 {
        if segment.index >= self.next {
            self.behind.insert(segment.index, segment.len);
        }
        while let Some(len) = self.behind.remove(&self.next) {
            self.next += 1;
            self.offset += u64::from(len);
        }
        self.offset
    }

    /// Notes all segments of a transfer whose events were lost, as far as they are remembered, and returns the position before which all is
    /// acknowledged. An older snapshot would not have what was lost last.
    async fn catch_up(&mut self, access: &Access, transfer: TransferId) -> u64 {
        // An engine that has stopped acknowledges nothing more.
        let Ok(snapshot) = access.present_snapshot().await else { return self.offset };
        let report = snapshot.transfers.iter().find(|report| report.status.id == transfer);
        let timelines = report.iter().flat_map(|report| &report.timelines);
        timelines.filter(|segment| segment.acknowledged.is_some()).for_each(|segment| {
            self.note(segment);
        });
        self.offset
    }
}

/// Tells of the segments of a transfer as they are acknowledged, without an end. What the client does not take in time is left out.
pub(super) async fn tell(
    (access, mut events): (&Access, Events),
    transfer: TransferId,
    mut progress: Progress,
    answers: &Sender<UploadFileResponse>,
) -> Infallible {
    loop {
        let (offset, segment) = match events.next().await {
            Happening::Event(numbered) => match &numbered.event {
                Event::Segment { transfer: of, stage: Stage::Acknowledged, timeline } if *of == transfer => {
                    (progress.note(timeline), Some(timing(timeline)))
                }
                _ => continue,
            },
            // The last of those that are lost may be the last of all, so that no later one would tell how far they go.
            Happening::Lost(_) => (progress.catch_up(access, transfer).await, None),
            Happening::End => std::future::pending().await,
        };
        let message = Some(Message::Acknowledged(Acknowledged { offset, segment }));
        let _ = answers.try_send(UploadFileResponse { message });
    }
}

#[cfg(test)]
mod tests {
    use p2p_service::files::{NodeNumber, SimTime};

    use super::*;

    fn segment(index: u32, len: u32) -> SegmentTimeline {
        let (queued, holder) = (SimTime::ZERO, NodeNumber::from_index(0));
        let (connected, first_byte, last_byte, acknowledged) = (None, None, None, None);
        SegmentTimeline { index, len, holder, attempt: 0, queued, connected, first_byte, last_byte, acknowledged, retransmits: 0 }
    }

    #[test]
    fn the_offset_stops_at_the_first_gap() {
        let mut progress = Progress::after(20, 2);
        let noted: Vec<u64> = [3, 4, 2, 2, 6, 0].map(|index| progress.note(&segment(index, 10))).to_vec();
        assert_eq!(noted, [20, 20, 50, 50, 50, 50]);
        assert_eq!(progress.note(&segment(5, 10)), 70);
    }
}
