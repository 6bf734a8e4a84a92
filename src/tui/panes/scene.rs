//! The scene: what the panes and the header may read of the screen. It is made anew from the parts of the application whenever
//! something is drawn or a pane is asked about its rows.

use std::cell::OnceCell;
use std::sync::Arc;

use p2p_base::units::{SimDuration, SimTime};
use p2p_engine::Snapshot;
use p2p_engine::snapshot::Peer;
use p2p_engine::transfer::{TransferId, TransferReport, TransferStatus};
use p2p_service::access::Identity;
use p2p_shell::report::Standings;
use p2p_shell::table::Table;
use p2p_store::names::FileKey;

use super::Pane;
use super::ends::Ends;
use crate::serve::services::OwnDoor;
use crate::tui::journal::Journal;
use crate::tui::lines::{PendingSteps, StepId};
use crate::tui::theme::{Role, Theme};

/// Span of virtual time after the end of a transfer in which others must begin for the room of its segments to be kept.
const KEPT: SimDuration = SimDuration::from_secs(30);

/// Things that were selected in one pane and concern others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Chosen {
    /// Transfer whose segments are shown; the first one of the list if it is `None`.
    pub transfer: Option<TransferId>,
    /// Step of a typed line that is selected in its place.
    pub step: Option<StepId>,
    /// True if nothing is to be selected any more.
    pub forgets: bool,
}

impl Chosen {
    /// Takes over what another selection names, and keeps the rest.
    pub fn take_over(&mut self, other: Chosen) {
        if other.forgets || other.transfer.is_some() || other.step.is_some() {
            self.step = other.step;
            self.transfer = if other.forgets { None } else { other.transfer.or(self.transfer) };
        }
    }
}

/// The number of files that a user may read, and their size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FileCount {
    /// Number of files that the user may read.
    pub files: u64,
    /// Total size of the files in bytes.
    pub bytes: u64,
    /// Bytes that the nodes store, where they are fewer, since equal segments are stored once; `None` for users who may not see them.
    pub deduplicated: Option<u64>,
}

/// The data that panes may read. All of it that comes from the engine belongs to one instant, also while the view is frozen.
#[derive(Debug)]
pub struct Scene<'a> {
    /// Snapshot of the engine, as the user may see it.
    pub snapshot: &'a Snapshot,
    /// Lines of the log.
    pub journal: &'a Journal,
    /// Number of events that were lost because the screen lagged behind.
    pub events_lost: u64,
    /// Seed of the run.
    pub seed: u64,
    /// True while the view is frozen.
    pub is_frozen: bool,
    /// Files that the user may read.
    pub file_count: FileCount,
    /// Number of faults that are on, as they are listed.
    pub fault_count: usize,
    /// Selection that panes share.
    pub chosen: Chosen,
    /// Colours and glyphs.
    pub theme: &'a Theme,
    /// Current user.
    pub identity: &'a Identity,
    /// Commands that the prompt knows.
    pub table: &'a Table,
    /// Doors at which this program serves others, those alone that are not closed; `None` if it cannot serve any.
    pub doors: Option<&'a [OwnDoor]>,
    /// Pane that has the keyboard focus.
    pub focus: Pane,
    /// Steps of typed lines that take long and those that wait, if there are any.
    pub under_way: Option<String>,
    /// Steps of typed lines that wait, such as the rest of a batch, and those that take long and are no transfers.
    pub pending: PendingSteps<'a>,
    /// Results that several panes ask for.
    pub computed: Computed,
}

/// Results that are worked out of a scene the first time that they are asked for.
#[derive(Debug, Default)]
pub struct Computed {
    /// Places of the transfers in the snapshot, in the order in which they are shown.
    order: OnceCell<Vec<usize>>,
    ends: OnceCell<Ends>,
    standings: OnceCell<Standings>,
}

impl<'a> Scene<'a> {
    /// Returns true if virtual time is paused, so that the rates that are shown are those of the last seconds that have passed.
    pub fn stands_still(&self) -> bool {
        self.snapshot.pace.is_paused
    }

    /// Returns the role of rates: they stand back while time stands still.
    pub fn rate_role(&self) -> Role {
        if self.stands_still() { Role::Dim } else { Role::Flow }
    }

    /// Returns the name of a file as the user sees it.
    pub fn label(&self, file: &FileKey) -> String {
        self.identity.shown(file)
    }

    /// Returns the label of a transfer's file, and the node whose host carries the transfer, if it is not the client, as in
    /// `a.bin via Node_02`.
    pub fn label_of(&self, status: &TransferStatus) -> String {
        let label = self.label(&status.file);
        if status.host == Peer::Client { label } else { format!("{label} via {}", status.host) }
    }

    /// Returns the transfers that the user may see, latest first.
    pub fn transfers(&self) -> impl Iterator<Item = &'a Arc<TransferReport>> + use<'a> {
        self.snapshot.transfers.iter().rev()
    }

    /// Returns the transfers that the user may see: those under way in the order in which they began, and those among them last
    /// that wait; then those that are over, the latest first.
    pub fn in_order(&self) -> impl ExactSizeIterator<Item = &'a Arc<TransferReport>> {
        let all = &self.snapshot.transfers;
        let order = self.computed.order.get_or_init(|| {
            let mut order: Vec<usize> = (0..all.len()).rev().collect();
            order.sort_by_key(|&place| match (all[place].status.state, all[place].status.id.0) {
                (state, id) if state.is_over() => (2, u64::MAX - id),
                (state, id) if state.is_waiting() => (1, id),
                (_, id) => (0, id),
            });
            order
        });
        order.iter().map(|&place| &all[place])
    }

    /// Returns the hosts by their addresses.
    pub(super) fn ends(&self) -> &Ends {
        self.computed.ends.get_or_init(|| Ends::of(&self.snapshot.figures.topology))
    }

    /// Returns how the nodes stand, on which the files are.
    pub fn standings(&self) -> &Standings {
        self.computed.standings.get_or_init(|| Standings::of(self.snapshot))
    }

    /// Returns the transfer whose segments are shown: the selected one, or the first in order.
    pub fn shown_transfer(&self) -> Option<&'a Arc<TransferReport>> {
        let of = |id: TransferId| self.transfers().find(|report| report.status.id == id);
        self.chosen.transfer.and_then(of).or_else(|| self.in_order().next())
    }

    /// Returns true if the transfer whose segments are shown is selected, and another one would be shown if none were.
    pub fn is_pinned(&self) -> bool {
        let id = |report: &Arc<TransferReport>| report.status.id;
        self.chosen.transfer.is_some() && self.shown_transfer().map(id) != self.in_order().next().map(id)
    }

    /// Returns the number of segments for which room is kept besides those that are shown: the most of a transfer that had ended a moment
    /// before the latest one began, or later, so that the frames do not move to and fro while large and small files follow one another. It
    /// changes with a transfer that begins or ends, and never by the passage of time.
    pub fn segments_kept(&self) -> usize {
        self.recent().map(|report| report.timelines.len()).max().unwrap_or(0)
    }

    /// Returns the number of transfers for which room is kept besides those that are under way: the most of those that had ended a moment before
    /// the latest one began, or later, that were under way at once. It changes as [`segments_kept`](Self::segments_kept) does.
    pub fn transfers_kept(&self) -> usize {
        let turns =
            self.recent().flat_map(|report| [(report.status.started, 1), (report.status.finished.unwrap_or_default(), -1)]);
        let mut turns: Vec<(SimTime, isize)> = turns.collect();
        // An end comes before a beginning of the same instant.
        turns.sort_unstable();
        let at_once = turns.iter().scan(0, |count, (_, turn)| {
            *count += turn;
            Some(*count)
        });
        at_once.max().unwrap_or(0).unsigned_abs()
    }

    /// Returns the transfers that had ended a moment before the latest one began, or later.
    fn recent(&self) -> impl Iterator<Item = &'a Arc<TransferReport>> {
        let latest = self.transfers().map(|report| report.status.started).max();
        let is_recent = move |end| latest.is_some_and(|latest| latest < end + KEPT);
        self.transfers().filter(move |report| report.status.finished.is_some_and(is_recent))
    }
}
