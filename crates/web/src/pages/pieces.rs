//! Transfers of one upload as one thing. An upload that comes in pieces, or that was interrupted and continued, is a transfer for each of them;
//! the pages tell of it as of one that was not.

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::sync::Arc;

use p2p_service::files::{SegmentTimeline, SimDuration, SimTime, TransferReport, TransferStatus, UploadId};

/// Ranges of segments that are named; more are counted.
const RANGES_MAX: usize = 3;

/// Transfers of one upload that are remembered, in the order in which they ran: at least one. What is no upload, or cannot be continued, is one
/// by itself.
#[derive(Debug, Clone)]
pub(super) struct Pieces<'s> {
    reports: Vec<&'s TransferReport>,
}

impl<'s> Pieces<'s> {
    /// Returns the transfers as wholes, in the order of the latest transfer of each.
    pub(super) fn all(transfers: &'s [Arc<TransferReport>]) -> Vec<Pieces<'s>> {
        let mut wholes: Vec<Pieces<'s>> = Vec::new();
        let mut places: HashMap<UploadId, usize> = HashMap::new();
        let mut ordered: Vec<&TransferReport> = transfers.iter().map(|report| &**report).collect();
        ordered.sort_by_key(|report| report.status.id);
        for report in ordered {
            match report.status.upload.and_then(|id| places.get(&id).copied()) {
                Some(place) => wholes[place].reports.push(report),
                None => {
                    report.status.upload.into_iter().for_each(|id| _ = places.insert(id, wholes.len()));
                    wholes.push(Pieces { reports: vec![report] });
                }
            }
        }
        wholes.sort_by_key(|whole| whole.newest().status.id);
        wholes
    }

    /// Returns the whole that a transfer is a piece of.
    pub(super) fn of(transfers: &'s [Arc<TransferReport>], report: &'s TransferReport) -> Pieces<'s> {
        let is_piece = |other: &&TransferReport| match report.status.upload {
            Some(id) => other.status.upload == Some(id),
            None => other.status.id == report.status.id,
        };
        let mut reports: Vec<&TransferReport> = transfers.iter().map(|report| &**report).filter(is_piece).collect();
        reports.sort_by_key(|report| report.status.id);
        if reports.is_empty() {
            reports.push(report);
        }
        Pieces { reports }
    }

    /// Returns the latest transfer, whose state is that of the whole.
    pub(super) fn newest(&self) -> &'s TransferReport {
        self.reports[self.reports.len() - 1]
    }

    /// Returns the number of the first transfer that is remembered.
    pub(super) fn first(&self) -> u64 {
        self.reports[0].status.id.0
    }

    pub(super) fn len(&self) -> usize {
        self.reports.len()
    }

    /// Returns true if something was kept of the upload before the first transfer that is remembered.
    pub(super) fn is_cut(&self) -> bool {
        self.reports[0].status.bytes_before > 0
    }

    /// Returns the transfers before and after one of them.
    pub(super) fn beside(&self, report: &TransferReport) -> (Option<u64>, Option<u64>) {
        let number = |report: Option<&&TransferReport>| report.map(|report| report.status.id.0);
        let earlier = self.reports.iter().rev().find(|other| other.status.id < report.status.id);
        let later = self.reports.iter().find(|other| other.status.id > report.status.id);
        (number(earlier), number(later))
    }

    /// Returns the bytes that these transfers have moved, without what was kept before them.
    pub(super) fn moved(&self) -> u64 {
        self.reports.iter().map(|report| moved(&report.status)).sum()
    }

    /// Returns the time that they took together, without the pauses between them.
    pub(super) fn took(&self, now: SimTime) -> SimDuration {
        self.ran_until(now, now)
    }

    /// Returns the histories of the [`timelines`](Self::timelines) with the times for which these transfers had run as instants.
    pub(super) fn without_pauses(&self, now: SimTime) -> Vec<SegmentTimeline> {
        let ran = |at: SimTime| SimTime::ZERO + self.ran_until(at, now);
        let moved = |line: &SegmentTimeline| SegmentTimeline {
            queued: ran(line.queued),
            connected: line.connected.map(ran),
            first_byte: line.first_byte.map(ran),
            last_byte: line.last_byte.map(ran),
            acknowledged: line.acknowledged.map(ran),
            ..line.clone()
        };
        self.timelines().into_values().map(moved).collect()
    }

    /// Returns the time for which they had run at an instant.
    fn ran_until(&self, at: SimTime, now: SimTime) -> SimDuration {
        let ran = self.reports.iter().map(|report| report.status.finished.unwrap_or(now).min(at).since(report.status.started));
        ran.fold(SimDuration::ZERO, |all, one| all + one)
    }

    /// Returns the histories of the segments that are there because of these transfers, by index: of several of one segment the latest.
    pub(super) fn timelines(&self) -> BTreeMap<u32, &'s SegmentTimeline> {
        let kept = self.reports.iter().flat_map(|report| {
            let end = report.status.given_up_from.unwrap_or(u32::MAX);
            report.timelines.iter().filter(move |line| line.index < end)
        });
        kept.map(|line| (line.index, line)).collect()
    }
}

/// Returns the bytes that a transfer has moved, without what was kept before it.
pub(super) fn moved(status: &TransferStatus) -> u64 {
    status.bytes_arrived.max(status.bytes_done).saturating_sub(status.bytes_before)
}

/// Names those of so many segments that are not among the known ones, as in `0 to 35, 40`; `None` if there are none.
pub(super) fn unknown_of(segments: u32, known: &BTreeMap<u32, &SegmentTimeline>) -> Option<String> {
    let mut ranges: Vec<RangeInclusive<u32>> = Vec::new();
    let mut next = 0;
    for index in known.keys().copied().filter(|index| *index < segments).chain([segments]) {
        if index > next {
            ranges.push(next..=index - 1);
        }
        next = index + 1;
    }
    let more: u32 = ranges.iter().skip(RANGES_MAX).map(|range| range.end() - range.start() + 1).sum();
    let name = |range: &RangeInclusive<u32>| match (range.start(), range.end()) {
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first} to {last}"),
    };
    let mut names: Vec<String> = ranges.iter().take(RANGES_MAX).map(name).collect();
    names.extend((more > 0).then(|| format!("and {more} more")));
    (!names.is_empty()).then(|| names.join(", "))
}

#[cfg(test)]
mod tests {
    use p2p_service::files::NodeNumber;

    use super::*;

    #[test]
    fn what_is_unknown_is_named() {
        let line = SegmentTimeline::queued(0, 1, NodeNumber::from_index(0), SimTime::ZERO);
        let unknown = |known: &[u32]| unknown_of(10, &known.iter().map(|index| (*index, &line)).collect());
        assert_eq!(unknown(&[8, 9]).as_deref(), Some("0 to 7"));
        assert_eq!(unknown(&[0, 1, 3, 4, 5, 6, 9]).as_deref(), Some("2, 7 to 8"));
        assert_eq!(unknown(&[1, 3, 5]).as_deref(), Some("0, 2, 4, and 4 more"));
        assert_eq!((unknown(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]), unknown_of(0, &BTreeMap::new())), (None, None));
    }
}
