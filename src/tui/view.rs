//! The view: what the screen shows of the engine. All of it belongs to one instant; while the view is frozen, what comes meanwhile
//! is kept for later.

use std::sync::Arc;
use std::time::Duration;

use p2p_base::units::SimTime;
use p2p_engine::{Event, Snapshot};
use p2p_service::access::Identity;
use p2p_shell::report::ToldFault;

use super::journal::Journal;
use super::lines::Lines;
use super::panes::scene::{Chosen, FileCount};
use super::theme::Role;
use crate::serve::services::OwnDoor;

/// Minimum time between two frames of which the second shows nothing but what the engine has done: the clock of the header shows
/// tenths of a second.
const ENGINE_FRAME: Duration = Duration::from_millis(100);
/// The same while no transfer is under way, so that a screen that nobody uses costs little.
const REST_FRAME: Duration = Duration::from_millis(200);

/// The part of a view that is there while it is frozen: the steps that it shows, and the data that has accumulated.
#[derive(Debug)]
struct Frozen {
    /// Steps of typed lines as they were when the view was frozen.
    steps: Lines,
    /// The log as it goes on.
    journal: Journal,
    events_lost: u64,
}

/// The part of the engine that is shown.
#[derive(Debug)]
pub struct View {
    snapshot: Arc<Snapshot>,
    journal: Journal,
    events_lost: u64,
    chosen: Chosen,
    /// Files that the user may read; for admins the engine's own count applies, which costs nothing.
    readable: FileCount,
    /// Number of faults that are on, as they are listed.
    faults: usize,
    is_admin: bool,
    /// Doors at which this program serves others; `None` if it cannot serve any.
    doors: Option<Vec<OwnDoor>>,
    /// Steps that are shown and data that has come since the view was frozen; `None` while it is not.
    frozen: Option<Frozen>,
}

impl View {
    /// Creates the view of a snapshot for a user.
    pub fn new(snapshot: Arc<Snapshot>, identity: &Identity) -> View {
        let mut view = View {
            snapshot,
            journal: Journal::default(),
            events_lost: 0,
            chosen: Chosen::default(),
            readable: FileCount::default(),
            faults: 0,
            is_admin: identity.is_admin(),
            doors: None,
            frozen: None,
        };
        view.count_files();
        view.count_faults();
        view
    }

    /// Returns the snapshot that is shown.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Returns the log.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Returns the number of events that were lost because the screen lagged behind.
    pub fn events_lost(&self) -> u64 {
        self.events_lost
    }

    /// Returns the selection that panes share.
    pub fn chosen(&self) -> Chosen {
        self.chosen
    }

    /// Returns true while the view is frozen.
    pub fn is_frozen(&self) -> bool {
        self.frozen.is_some()
    }

    /// Returns the minimum time from the last frame to one that shows what the engine has done by itself; `None` while the view is frozen,
    /// so that nothing of it is to be seen.
    pub fn frame_interval(&self) -> Option<Duration> {
        let is_at_rest = self.snapshot.transfers.iter().all(|report| report.status.state.is_over());
        (!self.is_frozen()).then_some(if is_at_rest { REST_FRAME } else { ENGINE_FRAME })
    }

    /// Returns the number and size of the files that the user may read.
    pub fn file_count(&self) -> FileCount {
        let storage = &self.snapshot.figures.storage;
        if !self.is_admin {
            return self.readable;
        }
        let deduplicated = Some(storage.used_bytes).filter(|used| *used < storage.file_bytes);
        FileCount { files: storage.files, bytes: storage.file_bytes, deduplicated }
    }

    /// Returns the number of faults that are on, as `faults` lists them.
    pub fn fault_count(&self) -> usize {
        self.faults
    }

    /// Returns the doors at which this program serves others; `None` if it cannot serve any.
    pub fn doors(&self) -> Option<&[OwnDoor]> {
        self.doors.as_deref()
    }

    /// Takes in the doors at which this program serves others, unless the view is frozen.
    pub fn take_doors(&mut self, doors: Option<Vec<OwnDoor>>) {
        if !self.is_frozen() {
            self.doors = doors;
        }
    }

    /// Returns the lines whose steps are shown as pending: of those that are carried out now, unless the view is frozen.
    pub fn steps<'a>(&'a self, now: &'a Lines) -> &'a Lines {
        self.frozen.as_ref().map_or(now, |frozen| &frozen.steps)
    }

    /// Freezes the view, with the steps of the lines that are carried out.
    pub fn freeze(&mut self, lines: &Lines) {
        let journal = &self.journal;
        self.frozen.get_or_insert_with(|| Frozen { steps: lines.still(), journal: journal.clone(), events_lost: 0 });
    }

    /// Thaws the view, and takes in what has accumulated and the latest snapshot.
    pub fn thaw(&mut self, latest: Arc<Snapshot>) {
        if let Some(Frozen { journal, events_lost, .. }) = self.frozen.take() {
            self.events_lost += events_lost;
            self.journal = journal;
        }
        self.replace(latest);
    }

    /// Takes a snapshot of the engine in, unless the view is frozen.
    pub fn take(&mut self, snapshot: Arc<Snapshot>) {
        if !self.is_frozen() {
            self.replace(snapshot);
        }
    }

    /// Shows what a user may see, although the view may be frozen: what it shows may be what only the user before may see.
    pub fn show_to(&mut self, identity: &Identity, snapshot: Arc<Snapshot>) {
        self.is_admin = identity.is_admin();
        self.snapshot = snapshot;
        self.doors.iter_mut().for_each(Vec::clear);
        self.count_files();
        self.count_faults();
    }

    fn replace(&mut self, snapshot: Arc<Snapshot>) {
        let earlier = std::mem::replace(&mut self.snapshot, snapshot);
        if !self.snapshot.files.is_same(&earlier.files) {
            self.count_files();
        }
        if !Arc::ptr_eq(&self.snapshot.faults, &earlier.faults) {
            self.count_faults();
        }
    }

    /// Notes what is no event of the engine in the log.
    pub fn note(&mut self, at: SimTime, role: Role, text: String) {
        self.journal_of_now().note(at, role, text);
    }

    /// Notes an event as a user sees it in the log.
    pub fn note_event(&mut self, at: SimTime, event: &Event, identity: &Identity) {
        self.journal_of_now().note_event(at, event, identity);
    }

    /// Returns the journal of what happens now, which is not shown yet while the view is frozen.
    fn journal_of_now(&mut self) -> &mut Journal {
        self.frozen.as_mut().map_or(&mut self.journal, |frozen| &mut frozen.journal)
    }

    /// Counts events that were lost because the screen lagged behind.
    pub fn lose(&mut self, count: u64) {
        *self.frozen.as_mut().map_or(&mut self.events_lost, |frozen| &mut frozen.events_lost) += count;
    }

    /// Takes over what was selected in a pane or named by an answer.
    pub fn choose(&mut self, chosen: Chosen) {
        self.chosen.take_over(chosen);
    }

    /// Removes what the user before has seen.
    pub fn forget(&mut self) {
        self.journal = Journal::default();
        if let Some(frozen) = &mut self.frozen {
            (frozen.steps, frozen.journal) = (Lines::default(), Journal::default());
        }
        self.chosen = Chosen::default();
    }

    /// Counts faults once for each change of them: a partition of a large network is many.
    fn count_faults(&mut self) {
        self.faults = ToldFault::all(&self.snapshot.faults).len();
    }

    fn count_files(&mut self) {
        if self.is_admin {
            return;
        }
        let count = |count: FileCount, file: &p2p_store::manifest::FileRecord| FileCount {
            files: count.files + 1,
            bytes: count.bytes + file.size,
            deduplicated: None,
        };
        self.readable = self.snapshot.files.files().fold(FileCount::default(), count);
    }
}
