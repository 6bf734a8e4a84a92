//! Progress bars of transfers on standard error, drawn if it is a terminal.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use p2p_base::units::SimTime;
use p2p_engine::transfer::{TransferId, TransferState, TransferStatus};
use p2p_service::abilities::{self, Abilities, Glyphs};
use p2p_service::access::watching::Snapshots;
use p2p_service::output;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::report::{fitted, transfer_rate_of, transfer_time_of};

/// Minimum width of a terminal, in columns, at which the bar is shown beside the figures.
const ROOM_FOR_A_BAR: u16 = 80;

/// Progress bars that follow the engine's transfers until they are finished.
#[derive(Debug)]
pub struct Progress {
    end: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Progress {
    /// Starts to follow the transfers that are in the snapshots, under their names. Draws only on a terminal.
    pub fn start(snapshots: Snapshots, name: impl Fn(&TransferStatus) -> String + Send + 'static) -> Progress {
        let (end, ended) = oneshot::channel();
        // Transfers that are over before the start get no bar.
        let is_over = |status: &&TransferStatus| status.state.is_over();
        let old: BTreeSet<TransferId> =
            snapshots.latest().transfers.iter().map(|report| &report.status).filter(is_over).map(|status| status.id).collect();
        let is_new = move |status: &TransferStatus| if old.contains(&status.id) { None } else { Some(name(status)) };
        let task = spawn(follow(snapshots, ended, is_new));
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

async fn follow(mut snapshots: Snapshots, mut ended: oneshot::Receiver<()>, shown: impl Fn(&TransferStatus) -> Option<String>) {
    let (all, mut bars) = (MultiProgress::new(), HashMap::<TransferId, ProgressBar>::new());
    if all.is_hidden() || !Abilities::of_environment().moves_cursor {
        // The sender may have been dropped together with the front end.
        let _ = ended.await;
        return;
    }
    loop {
        let over = tokio::select! {
            changed = snapshots.changed() => !changed,
            _ = &mut ended => true,
        };
        let snapshot = snapshots.take_latest();
        for status in snapshot.transfers.iter().map(|report| &report.status) {
            if let Entry::Vacant(place) = bars.entry(status.id)
                && let Some(name) = shown(status)
            {
                place.insert(new_bar(&all, status, &name));
            }
            if let Some(bar) = bars.get(&status.id) {
                draw(bar, status, snapshot.at);
            }
        }
        // A bar of a transfer that the engine has forgotten stays on the screen, and needs no place here.
        let known: BTreeSet<TransferId> = snapshot.transfers.iter().map(|report| report.status.id).collect();
        bars.retain(|id, _| known.contains(id));
        if over {
            break;
        }
    }
}

fn draw(bar: &ProgressBar, status: &TransferStatus, now: SimTime) {
    if bar.is_finished() {
        return;
    }
    // The size of a stream may be known at its end only.
    bar.set_length(status.bytes);
    bar.set_position(status.bytes_arrived);
    let (rate, time, state) = (transfer_rate_of(status), transfer_time_of(status, now), status.state.name());
    bar.set_message(format!("{rate:>12} {time:<13} {state}"));
    match status.state {
        TransferState::Done => bar.finish(),
        state if state.is_over() => bar.abandon(),
        _ => {}
    }
}

/// Adds a bar that is no wider than the terminal. It joins the others before it is first drawn.
fn new_bar(all: &MultiProgress, status: &TransferStatus, name: &str) -> ProgressBar {
    let bar = all.add(ProgressBar::new(status.bytes));
    let columns = output::message_width().unwrap_or_default();
    let glyphs = abilities::glyphs();
    let (template, room) = if !status.size_known {
        ("{prefix} {bytes:>10} {wide_msg}", 28)
    } else if columns < ROOM_FOR_A_BAR {
        ("{prefix} {percent:>3} % {wide_msg}", 20)
    } else {
        ("{prefix} {wide_bar} {percent:>3} % {msg:37!}", 28)
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(if glyphs == Glyphs::Ascii { style.progress_chars("#>-") } else { style });
    }
    bar.set_prefix(fitted(&glyphs.plain(name), room, glyphs.ellipsis()));
    bar
}
