//! The journal of a run: the events that nobody has taken yet, their number, and the hash over them.

use std::collections::VecDeque;

use p2p_base::codec;
use p2p_base::trace::TraceHash;
use p2p_base::units::SimTime;

use crate::event::Event;

/// Version of the event encoding that goes into the trace hash.
const EVENT_VERSION: u8 = 2;

/// Events of a run and their hash.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    events: VecDeque<(SimTime, Event)>,
    /// Number of events that are part of the trace.
    emitted: u64,
    trace: TraceHash,
}

impl Journal {
    /// Publishes an event and adds it to the trace.
    pub(crate) fn emit(&mut self, now: SimTime, event: Event) {
        self.trace.add(now.as_nanos());
        if let Ok(bytes) = codec::encode(EVENT_VERSION, &event) {
            self.trace.add_bytes(&bytes);
        }
        self.emitted += 1;
        self.events.push_back((now, event));
    }

    /// Publishes an event that stems from this machine and not from the simulation, such as leftovers of a crash or a failing
    /// disk. It is not part of the trace and does not end a step.
    pub(crate) fn tell(&mut self, now: SimTime, event: Event) {
        self.events.push_back((now, event));
    }

    /// Takes the next event with its instant.
    pub(crate) fn poll(&mut self) -> Option<(SimTime, Event)> {
        self.events.pop_front()
    }

    /// Returns the number of events that are part of the trace so far.
    pub(crate) const fn emitted(&self) -> u64 {
        self.emitted
    }

    /// Returns the hash of the events and of what `packets` is the hash of.
    pub(crate) fn hash_with(&self, packets: TraceHash) -> TraceHash {
        let mut hash = self.trace;
        hash.add(packets.value());
        hash
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use p2p_store::names::FileKey;

    use super::*;
    use crate::cause::{FileAction, LocalFailure};
    use crate::transfer::{Direction, TransferError, TransferId};

    fn failed(failure: LocalFailure) -> Event {
        let (file, error) = (FileKey::unowned("a"), TransferError::File(failure));
        Event::TransferFailed { transfer: TransferId(1), direction: Direction::Download, user: None, file, error }
    }

    fn hash_of(event: Event) -> TraceHash {
        let mut journal = Journal::default();
        journal.emit(SimTime::ZERO, event);
        journal.hash_with(TraceHash::new())
    }

    /// Whatever a message says and whatever the path is, the hash is that of the kind.
    #[test]
    fn the_hash_covers_kinds_and_no_messages() {
        let denied = || io::Error::new(io::ErrorKind::PermissionDenied, "somewhere on this machine");
        let failure = |name: &str| LocalFailure::of_file(FileAction::Write, name, &denied());
        assert_eq!(hash_of(failed(failure("/home/alice/a"))), hash_of(failed(failure("/tmp/b"))));
        assert_eq!(hash_of(failed(failure("/tmp/b"))), hash_of(failed(failure("/tmp/b").without_details())));
        let other = LocalFailure::of_file(FileAction::Write, "/tmp/b", &io::Error::from_raw_os_error(28));
        assert_ne!(hash_of(failed(failure("/tmp/b"))), hash_of(failed(other)));
        assert_ne!(hash_of(failed(failure("/tmp/b"))), hash_of(failed(LocalFailure::of_panic("a bug".into()))));
    }
}
