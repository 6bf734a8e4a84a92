//! Progress bars of transfers on standard error, drawn if it is a terminal.

use std::collections::{BTreeMap, BTreeSet};

use indicatif::{HumanBytes, MultiProgress, ProgressBar, ProgressStyle};
use p2p_engine::Snapshot;
use p2p_engine::transfer::{TransferId, TransferReport, TransferState, TransferStatus};
use p2p_service::abilities::{self, Abilities, Glyphs};
use p2p_service::access::watching::Snapshots;
use p2p_service::interrupt::{asked, echo_controls};
use p2p_service::output::{self, Drawing};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::report::{bytes_shown, count_of, fitted, outcome_of_cancel, time_of_transfer, transfer_rate_of};

/// Minimum width of a terminal, in columns, at which the bar is shown beside the figures.
const ROOM_FOR_A_BAR: u16 = 80;
/// Maximum number of bars at once. They are drawn again in place, which a terminal can do only with what it shows.
const LIVE_MAX: u16 = 10;

/// Words for what becomes of transfers that are interrupted.
pub const UNDOES: &str = "what is under way is being undone";
/// Words for what becomes of an upload that is kept if it is interrupted.
pub const KEEPS: &str = "what is stored is being kept, as fast as the machine can";

/// Progress bars that follow the engine's transfers until they are finished.
#[derive(Debug)]
pub struct Progress {
    end: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Progress {
    /// Starts to follow the transfers that are in the snapshots, under their names, and says what `becomes` of those under way if they are
    /// interrupted. Draws only on a terminal.
    pub fn start(
        snapshots: Snapshots,
        becomes: &'static str,
        name: impl Fn(&TransferStatus) -> String + Send + 'static,
    ) -> Progress {
        let (end, ended) = oneshot::channel();
        // Transfers that are over before the start get no bar.
        let is_over = |status: &&TransferStatus| status.state.is_over();
        let old: BTreeSet<TransferId> =
            snapshots.latest().transfers.iter().map(|report| &report.status).filter(is_over).map(|status| status.id).collect();
        let task = spawn(follow(snapshots, ended, (old, becomes), name));
        Progress { end, task }
    }

    /// Draws the final state of the transfers, and ends.
    pub async fn finish(self) {
        // The task may have ended together with the engine.
        let _ = self.end.send(());
        let _ = self.task.await;
    }
}

#[expect(clippy::disallowed_methods, reason = "a front end's task, whose handle is kept")]
fn spawn(task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(task)
}

/// Bars of the transfers that are under way, as many as there is room for, below the rows of those that are over.
struct Bars {
    all: MultiProgress,
    live: BTreeMap<TransferId, ProgressBar>,
    /// Row that counts those for which there is no room.
    more: ProgressBar,
    /// Transfers whose end is shown, or was before these bars.
    told: BTreeSet<TransferId>,
}

impl Bars {
    fn new(all: MultiProgress, told: BTreeSet<TransferId>) -> Bars {
        let more = ProgressBar::hidden();
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            more.set_style(style);
        }
        Bars { all, live: BTreeMap::new(), more, told }
    }

    /// Shows the transfers under their names as they stand.
    fn show(&mut self, snapshot: &Snapshot, name: &impl Fn(&TransferStatus) -> String) {
        let room = usize::from(output::message_height().unwrap_or(LIVE_MAX) / 2).clamp(1, usize::from(LIVE_MAX));
        let mut without_room = 0;
        let known: BTreeSet<TransferId> = snapshot.transfers.iter().map(|report| report.status.id).collect();
        self.told.retain(|transfer| known.contains(transfer));
        for report in &snapshot.transfers {
            let status = &report.status;
            if self.told.contains(&status.id) {
                continue;
            }
            if status.state.is_over() {
                self.told.insert(status.id);
                if let Some(bar) = self.live.remove(&status.id) {
                    self.all.remove(&bar);
                }
                // What a terminal refuses is not shown, and the transfer is over all the same.
                let _ = self.all.println(row(report, &name(status), snapshot));
                continue;
            }
            if !self.live.contains_key(&status.id) && self.live.len() >= room {
                without_room += 1;
                continue;
            }
            let bar = self.live.entry(status.id).or_insert_with(|| new_bar(&self.all, status, &name(status)));
            draw(bar, report, snapshot);
        }
        self.count(without_room);
    }

    /// Shows the number of transfers without a bar, below the bars.
    fn count(&self, without_room: u64) {
        self.all.remove(&self.more);
        if without_room > 0 {
            let more = self.all.add(self.more.clone());
            more.set_message(format!("{} more under way", count_of(without_room, "transfer")));
        }
    }

    /// Leaves a row of each that is still under way, and draws no more.
    fn end(&mut self, snapshot: &Snapshot, name: &impl Fn(&TransferStatus) -> String) {
        self.count(0);
        for (id, bar) in std::mem::take(&mut self.live) {
            self.all.remove(&bar);
            if let Some(report) = snapshot.transfers.iter().find(|report| report.status.id == id) {
                let _ = self.all.println(row(report, &name(&report.status), snapshot));
            }
        }
    }
}

/// Follows the transfers but those that are `told` already, until the end.
async fn follow(
    mut snapshots: Snapshots,
    mut ended: oneshot::Receiver<()>,
    (told, becomes): (BTreeSet<TransferId>, &'static str),
    name: impl Fn(&TransferStatus) -> String,
) {
    let all = MultiProgress::new();
    if all.is_hidden() || !Abilities::of_environment().moves_cursor {
        // The sender may have been dropped together with the front end.
        let _ = ended.await;
        return;
    }
    let above = all.clone();
    let drawing = Drawing::begin(move |line| drop(above.println(line)));
    echo_controls(false);
    let (mut bars, mut is_heard) = (Bars::new(all, told), false);
    loop {
        let over = tokio::select! {
            changed = snapshots.changed() => !changed,
            _ = &mut ended => true,
            Ok(()) = asked(), if !is_heard => {
                is_heard = true;
                output::tell(format_args!("interrupted: {becomes}"));
                false
            }
        };
        let snapshot = snapshots.take_latest();
        bars.show(&snapshot, &name);
        if over {
            bars.end(&snapshot, &name);
            break;
        }
    }
    drop(drawing);
    echo_controls(true);
}

/// Width in columns of the figures behind a bar.
const FIGURES: usize = 41;
/// Width in columns of the time among the figures.
const TIME: usize = 13;
/// Minimum width in columns of the bar, which a longer name or time leaves to it.
const BAR: usize = 10;

/// Width in columns of what stands between the name, the bar, the share and the figures.
const BETWEEN: usize = 9;

/// Returns the width in columns of a name on a terminal of this width: more than the least only where the bar has its own.
fn room_for_name(columns: u16) -> usize {
    usize::from(columns).saturating_sub(BAR + FIGURES + BETWEEN).clamp(20, 28)
}

/// Returns the width in columns that the time of a transfer may have on a terminal of this width. Longer words stand in the place of a part
/// of the bar.
fn room_for_time(columns: u16) -> usize {
    let bar = if columns < ROOM_FOR_A_BAR { 0 } else { BAR };
    usize::from(columns).saturating_sub(room_for_name(columns) + bar + FIGURES - TIME + BETWEEN).max(TIME)
}

/// Returns the figures of a transfer on a terminal of this width.
fn figures(report: &TransferReport, snapshot: &Snapshot, columns: u16) -> String {
    let status = &report.status;
    let rate = transfer_rate_of(status);
    let state = outcome_of_cancel(status).unwrap_or(status.state.name());
    // What a transfer was cancelled in is told as its state, and not in its time once more.
    let room = if status.state.is_over() { TIME } else { room_for_time(columns) };
    format!("{rate:>16} {:<TIME$} {state}", time_of_transfer(snapshot, report, room))
}

fn draw(bar: &ProgressBar, report: &TransferReport, snapshot: &Snapshot) {
    // The size of a stream may be known at its end only.
    bar.set_length(report.status.bytes);
    bar.set_position(bytes_shown(&report.status));
    bar.set_message(figures(report, snapshot, output::message_width().unwrap_or_default()));
}

/// Returns the last row of a transfer, no wider than the terminal.
fn row(report: &TransferReport, name: &str, snapshot: &Snapshot) -> String {
    row_within(report, name, snapshot, output::message_width().unwrap_or_default())
}

fn row_within(report: &TransferReport, name: &str, snapshot: &Snapshot, columns: u16) -> String {
    let (glyphs, figures, status) = (abilities::glyphs(), figures(report, snapshot, columns), &report.status);
    let room = room_for_name(columns);
    let name = fitted(&glyphs.plain(name), room, glyphs.ellipsis());
    if !status.size_known {
        // There is no share of an unknown size: as in the bar, the bytes tell how much is there.
        let bytes = if status.state == TransferState::Cancelled { 0 } else { status.bytes_arrived };
        return format!("{name} {:>10} {figures}", HumanBytes(bytes).to_string());
    }
    let share = match (status.state, status.bytes) {
        (TransferState::Done, _) => 100,
        (TransferState::Cancelled, _) | (_, 0) => 0,
        (_, bytes) => bytes_shown(status) * 100 / bytes,
    };
    if columns < ROOM_FOR_A_BAR {
        return format!("{name} {share:>3} % {figures}");
    }
    // Longer words stand in the place of a part of the bar.
    let cells = usize::from(columns).saturating_sub(room + figures.chars().count().max(FIGURES) + BETWEEN);
    let full = cells * usize::try_from(share).unwrap_or_default() / 100;
    let (done, missing) = if glyphs == Glyphs::Ascii { ("#", "-") } else { ("\u{2588}", "\u{2591}") };
    format!("{name} {}{} {share:>3} % {figures}", done.repeat(full), missing.repeat(cells - full))
}

/// Adds a bar that is no wider than the terminal. It joins the others before it is first drawn.
fn new_bar(all: &MultiProgress, status: &TransferStatus, name: &str) -> ProgressBar {
    let bar = all.add(ProgressBar::new(status.bytes));
    let columns = output::message_width().unwrap_or_default();
    let glyphs = abilities::glyphs();
    let template = if !status.size_known {
        "{prefix} {bytes:>10} {wide_msg}"
    } else if columns < ROOM_FOR_A_BAR {
        "{prefix} {percent:>3} % {wide_msg}"
    } else {
        "{prefix} {wide_bar} {percent:>3} % {msg:41}"
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(if glyphs == Glyphs::Ascii { style.progress_chars("#>-") } else { style });
    }
    bar.set_prefix(fitted(&glyphs.plain(name), room_for_name(columns), glyphs.ellipsis()));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where there is a bar, a long name leaves it ten columns, and has more than twenty itself only beyond that.
    #[test]
    fn a_name_leaves_room_for_the_bar() {
        for columns in ROOM_FOR_A_BAR..300 {
            let name = room_for_name(columns);
            assert!((20..=28).contains(&name) && usize::from(columns) >= name + BAR + FIGURES + BETWEEN, "{name} of {columns}");
        }
        assert_eq!([60, 80, 84, 88, 120].map(room_for_name), [20, 20, 24, 28, 28]);
    }
}
