//! The events of a run with their numbers: sent to all who listen, and the latest kept, so that a reader whose connection was lost
//! can resume where it stopped.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use p2p_base::units::SimTime;
use tokio::sync::broadcast;

use super::event::Event;

/// Number of events that are kept, and that a reader may lag behind before it loses the oldest ones.
const EVENTS_MAX: usize = 8192;
/// Number of events that are kept for those who look back: of each kind but [`Event::Segment`], which are so many that in a busy minute
/// nothing else would be left.
const TOLD_MAX: usize = 2048;

/// Identifier of an event: the run and the event's number in it, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventId {
    /// Identifier of the run, chosen at random when the engine starts.
    pub run: u64,
    /// Number of the event in the run.
    pub number: u64,
}

/// Event with its identifier and its virtual instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    /// Identifier of the event.
    pub id: EventId,
    /// Virtual instant of the event.
    pub at: SimTime,
    /// Event that has happened.
    pub event: Event,
}

/// Events that a reader receives: those kept that it has missed, and then the new ones.
#[derive(Debug)]
pub struct Subscription {
    /// Latest event at the instant of the subscription; of number zero if there was none yet.
    pub latest: EventId,
    /// Number of events that the reader has missed and that are no longer kept; all of the run if it asks for those of another.
    pub lost: u64,
    /// Events that the reader has missed, the earliest first.
    pub missed: VecDeque<Arc<Numbered>>,
    /// Receiver of the events that follow.
    pub live: broadcast::Receiver<Arc<Numbered>>,
}

/// Log of the events of a run; clones share it.
#[derive(Debug, Clone)]
pub(super) struct EventLog {
    run: u64,
    kept: Arc<Mutex<Kept>>,
    live: broadcast::Sender<Arc<Numbered>>,
}

/// Latest events of a run, the earliest first.
#[derive(Debug, Default)]
struct Kept {
    /// All of them.
    all: VecDeque<Arc<Numbered>>,
    /// Those of the kinds that are told of for longer.
    told: VecDeque<Arc<Numbered>>,
}

/// Adds an event to some that are kept, and forgets the earliest one if they are more than `most`.
fn keep(events: &mut VecDeque<Arc<Numbered>>, most: usize, event: &Arc<Numbered>) {
    if events.len() == most {
        events.pop_front();
    }
    events.push_back(Arc::clone(event));
}

impl EventLog {
    /// Creates the log of a run that begins.
    pub(super) fn new() -> EventLog {
        // The standard library takes the keys of its hashers from the system's randomness.
        let run = RandomState::new().hash_one("run");
        EventLog { run, kept: Arc::default(), live: broadcast::channel(EVENTS_MAX).0 }
    }

    /// Returns the number of the run.
    pub(super) const fn run(&self) -> u64 {
        self.run
    }

    /// Adds an event.
    pub(super) fn push(&self, at: SimTime, event: Event) {
        let mut kept = self.kept();
        let number = kept.all.back().map_or(0, |latest| latest.id.number) + 1;
        let numbered = Arc::new(Numbered { id: EventId { run: self.run, number }, at, event });
        keep(&mut kept.all, EVENTS_MAX, &numbered);
        if !matches!(numbered.event, Event::Segment { .. }) {
            keep(&mut kept.told, TOLD_MAX, &numbered);
        }
        // Sent under the lock, so that nobody misses an event between what is kept and what follows. There may be no receiver.
        let _ = self.live.send(numbered);
    }

    /// Subscribes to the events after `after`, or to those from now on.
    pub(super) fn subscribe(&self, after: Option<EventId>) -> Subscription {
        let kept = self.kept();
        let live = self.live.subscribe();
        let latest = EventId { run: self.run, number: kept.all.back().map_or(0, |latest| latest.id.number) };
        let Some(after) = after else { return Subscription { latest, lost: 0, missed: VecDeque::new(), live } };
        let known = if after.run == self.run { after.number } else { 0 };
        let missed: VecDeque<_> = kept.all.iter().filter(|event| event.id.number > known).cloned().collect();
        // A reader may claim any number: of one that was not given yet nothing is missed.
        let lost = missed.front().map_or(0, |first| first.id.number - known - 1);
        Subscription { latest, lost, missed, live }
    }

    /// Returns the latest events of all kinds but [`Event::Segment`], at most `count` of them, the earliest first.
    pub(super) fn recent(&self, count: usize) -> Vec<Arc<Numbered>> {
        let kept = self.kept();
        kept.told.iter().skip(kept.told.len().saturating_sub(count)).cloned().collect()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Each change of the log is complete in itself.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use p2p_store::manifest::NodeNumber;

    use super::*;
    use crate::status::{SegmentTimeline, Stage, TransferId};

    fn event(n: u64) -> Event {
        Event::FilesAdopted { owner: "alice".into(), count: n }
    }

    fn numbers(subscription: &mut Subscription) -> Vec<u64> {
        let live = std::iter::from_fn(|| subscription.live.try_recv().ok());
        let live: Vec<u64> = live.map(|event| event.id.number).collect();
        subscription.missed.drain(..).map(|event| event.id.number).chain(live).collect()
    }

    #[test]
    fn a_reader_resumes_where_it_stopped() {
        let log = EventLog::new();
        let mut from_now = log.subscribe(None);
        (1..=5).for_each(|n| log.push(SimTime::ZERO, event(n)));
        let mut resumed = log.subscribe(Some(EventId { run: log.run, number: 3 }));
        log.push(SimTime::ZERO, event(6));
        assert_eq!((resumed.lost, numbers(&mut resumed)), (0, vec![4, 5, 6]));
        assert_eq!(numbers(&mut from_now), [1, 2, 3, 4, 5, 6]);
        // The numbers of another run say nothing of this one.
        let mut of_another = log.subscribe(Some(EventId { run: !log.run, number: 3 }));
        assert_eq!((of_another.lost, numbers(&mut of_another)), (0, vec![1, 2, 3, 4, 5, 6]));
        // A number that was not given yet resumes with the next event.
        let mut ahead = log.subscribe(Some(EventId { run: log.run, number: 6 }));
        assert_eq!((ahead.lost, numbers(&mut ahead)), (0, vec![]));
        let mut last = log.subscribe(Some(EventId { run: log.run, number: u64::MAX }));
        assert_eq!((last.latest.number, last.lost, numbers(&mut last)), (6, 0, vec![]));
    }

    #[test]
    fn what_is_no_longer_kept_is_counted() {
        let log = EventLog::new();
        let all = EVENTS_MAX as u64 + 100;
        (1..=all).for_each(|n| log.push(SimTime::ZERO, event(n)));
        let mut resumed = log.subscribe(Some(EventId { run: log.run, number: 40 }));
        assert_eq!(resumed.lost, 60);
        assert_eq!(numbers(&mut resumed), (101..=all).collect::<Vec<_>>());
    }

    /// Segments are so many that they would push out what a reader looks back for.
    #[test]
    fn who_looks_back_finds_what_segments_have_not_pushed_out() {
        let log = EventLog::new();
        log.push(SimTime::ZERO, event(1));
        let timeline = SegmentTimeline::queued(0, 1, NodeNumber::from_index(0), SimTime::ZERO);
        let segment = || Event::Segment { transfer: TransferId(1), stage: Stage::Queued, timeline: timeline.clone() };
        (0..EVENTS_MAX).for_each(|_| log.push(SimTime::ZERO, segment()));
        log.push(SimTime::ZERO, event(2));
        let of = |count| log.recent(count).iter().map(|event| event.id.number).collect::<Vec<_>>();
        let last = EVENTS_MAX as u64 + 2;
        assert_eq!((of(9), of(1), of(0)), (vec![1, last], vec![last], vec![]));
        (0..TOLD_MAX as u64).for_each(|n| log.push(SimTime::ZERO, event(n)));
        assert_eq!(log.recent(usize::MAX).len(), TOLD_MAX);
    }
}
