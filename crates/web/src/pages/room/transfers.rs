//! The transfers: what runs, how far it is and what it waits for, and what is over. The transfers of one upload are one row.

use p2p_service::access::Identity;
use p2p_service::files::{SimDuration, TransferReport, TransferState, TransferStatus};
use p2p_service::network::Snapshot;
use p2p_shell::report::{bytes_of, bytes_shown, clock_of, count_of, rate_of, time_of_transfer, transfer_rate_of};

use super::super::pieces::{Pieces, moved};

/// Rows that are listed at the most.
const LISTED_MAX: usize = 25;

/// Transfers of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Transfers {
    pub(super) rows: Vec<Row>,
    /// How many run, for how many the rows stand, and how many there were in all.
    pub(super) running: usize,
    pub(super) listed: u64,
    pub(super) all: u64,
}

/// Transfer of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// Number of the transfer, and of the first one that the row stands for, by which the page knows the row again.
    pub(super) id: u64,
    pub(super) key: u64,
    pub(super) glyph: &'static str,
    pub(super) direction: &'static str,
    pub(super) name: String,
    /// Number of the transfers that the row stands for, as in `in 15 pieces`; empty if it is one.
    pub(super) pieces: String,
    pub(super) user: String,
    pub(super) state: &'static str,
    /// Class by which the state is coloured.
    pub(super) look: &'static str,
    /// Bytes that have arrived, and of how many.
    pub(super) done: u64,
    pub(super) bytes: u64,
    pub(super) share: String,
    pub(super) size: String,
    /// Rate, with the span over which it is.
    pub(super) rate: String,
    pub(super) span: String,
    /// Time that it still takes, or for whom it waits and why.
    pub(super) time: String,
    pub(super) is_over: bool,
    pub(super) error: String,
}

impl Transfers {
    pub(super) fn of(snapshot: &Snapshot, identity: &Identity) -> Transfers {
        let wholes = Pieces::all(&snapshot.transfers);
        let (over, running): (Vec<_>, Vec<_>) = wholes.iter().partition(|whole| whole.newest().status.state.is_over());
        // What runs in the order in which it began, and behind it what is over, the latest first.
        let listed = running.iter().chain(over.iter().rev()).take(LISTED_MAX);
        Transfers {
            rows: listed.clone().map(|whole| Row::of_whole(snapshot, whole, identity)).collect(),
            running: running.len(),
            listed: listed.map(|whole| whole.len() as u64).sum(),
            all: snapshot.transfers.len() as u64 + snapshot.earlier().all(),
        }
    }
}

impl Row {
    /// Makes the row of all transfers of an upload: that of the latest, but once it is over with the time and the rate of all of them.
    fn of_whole(snapshot: &Snapshot, whole: &Pieces<'_>, identity: &Identity) -> Row {
        let row = Row { key: whole.first(), ..Row::of(snapshot, whole.newest(), identity) };
        if whole.len() == 1 {
            return row;
        }
        let pieces = count_of(whole.len() as u64, "piece");
        let pieces = if whole.is_cut() { format!("in at least {pieces}") } else { format!("in {pieces}") };
        let is_kept = matches!(whole.newest().status.state, TransferState::Done | TransferState::Parked);
        let seconds = whole.took(snapshot.at).as_secs_f64();
        if !is_kept || seconds <= 0.0 {
            return Row { pieces, ..row };
        }
        let rate = whole.moved() as f64 / seconds;
        let rate = if rate > 0.0 { format!("avg {}", rate_of(rate)) } else { "-".to_owned() };
        let (span, time) = (format!("over {} together", clock_of(seconds)), format!("took {}", clock_of(seconds)));
        Row { pieces, rate, span, time, ..row }
    }

    pub(super) fn of(snapshot: &Snapshot, report: &TransferReport, identity: &Identity) -> Row {
        let status = &report.status;
        let (glyph, look) = looks_of(status);
        let done = bytes_shown(status);
        let via = status.host.node().map(|node| format!(" via {node}")).unwrap_or_default();
        let size = if status.size_known { bytes_of(status.bytes) } else { "size unknown".to_owned() };
        Row {
            id: status.id.0,
            key: status.id.0,
            glyph,
            direction: status.direction.name(),
            name: format!("{}{via}", identity.name_of(status)),
            pieces: String::new(),
            user: status.user.clone().unwrap_or_default(),
            state: status.state.name(),
            look,
            done,
            bytes: status.bytes.max(1),
            share: share_of(done, status),
            size,
            rate: transfer_rate_of(status),
            span: span_of(status),
            time: time_of_transfer(snapshot, report, usize::MAX),
            is_over: status.state.is_over(),
            error: status.error.clone().map(|error| error.without_details().to_string()).unwrap_or_default(),
        }
    }
}

/// Returns the glyph of a transfer, and the class of its state.
fn looks_of(status: &TransferStatus) -> (&'static str, &'static str) {
    let glyph = match status.direction.name() {
        "upload" => "↑",
        "download" => "↓",
        _ => "−",
    };
    let look = match status.state {
        TransferState::Done => "ok",
        TransferState::Failed => "bad",
        TransferState::Cancelled | TransferState::Undoing => "warn",
        TransferState::Running | TransferState::Committing | TransferState::Parking => "info",
        // What is parked is kept, and its client goes on with it.
        TransferState::Waiting | TransferState::Idle | TransferState::Parked => "idle",
    };
    (glyph, look)
}

/// Returns the share that has arrived, in whole percent cut off, so that nothing reads 100 % that is not done.
fn share_of(done: u64, status: &TransferStatus) -> String {
    match (status.state, status.bytes) {
        (TransferState::Done, _) => "100 %".to_owned(),
        (_, 0) => "-".to_owned(),
        _ if !status.size_known => "-".to_owned(),
        (_, bytes) => format!("{} %", u128::from(done) * 100 / u128::from(bytes)),
    }
}

/// Returns the span over which the rate of a transfer is measured, in words.
fn span_of(status: &TransferStatus) -> String {
    let seconds = status.rate_span.as_nanos() / 1_000_000_000;
    match status.state {
        _ if status.rate_bytes_per_second.is_none() => String::new(),
        TransferState::Parked => format!("over its {}", bytes_of(moved(status))),
        TransferState::Done if status.bytes_before > 0 => format!("over its {}", bytes_of(moved(status))),
        TransferState::Done => "over all of it".to_owned(),
        _ if status.rate_span == SimDuration::ZERO => String::new(),
        _ if seconds == 0 => format!("over {}", clock_of(status.rate_span.as_secs_f64())),
        _ => format!("over the last {}", count_of(seconds, "second")),
    }
}
