//! Floor 4: progress bars of transfers on standard error, where that is a terminal. Knows nothing of commands.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::engine::transfer::{TransferId, TransferState, TransferStatus};
use crate::engine::{EngineHandle, Snapshot};
use crate::units::SimTime;

/// Bars that follow the engine's transfers until they are finished.
#[derive(Debug)]
pub struct Progress {
    end: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Progress {
    /// Begins to follow the transfers that somebody may see, and as they describe them. On anything but a terminal nothing is drawn.
    pub fn start(engine: &EngineHandle, seen: impl Fn(&TransferStatus) -> Option<String> + Send + 'static) -> Progress {
        let (end, ended) = oneshot::channel();
        let snapshots = engine.snapshots();
        // What is over already is old news.
        let is_over = |status: &&TransferStatus| status.state.is_over();
        let old: BTreeSet<TransferId> =
            snapshots.borrow().transfers.iter().map(|report| &report.status).filter(is_over).map(|status| status.id).collect();
        let is_new = move |status: &TransferStatus| if old.contains(&status.id) { None } else { seen(status) };
        let task = spawn(follow(snapshots, ended, is_new));
        Progress { end, task }
    }

    /// Draws how things stand at the end, and ends.
    pub async fn finish(self) {
        // The task may have ended with the engine.
        let _ = self.end.send(());
        let _ = self.task.await;
    }
}

#[expect(clippy::disallowed_methods, reason = "a front end's task, whose handle is kept")]
fn spawn(task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(task)
}

async fn follow(
    mut snapshots: watch::Receiver<Arc<Snapshot>>,
    mut ended: oneshot::Receiver<()>,
    shown: impl Fn(&TransferStatus) -> Option<String>,
) {
    let (all, mut bars) = (MultiProgress::new(), HashMap::<TransferId, ProgressBar>::new());
    loop {
        let over = tokio::select! {
            changed = snapshots.changed() => changed.is_err(),
            _ = &mut ended => true,
        };
        let snapshot = Arc::clone(&snapshots.borrow_and_update());
        for status in snapshot.transfers.iter().map(|report| &report.status) {
            if let Entry::Vacant(place) = bars.entry(status.id)
                && let Some(name) = shown(status)
            {
                place.insert(all.add(new_bar(status, name)));
            }
            if let Some(bar) = bars.get(&status.id) {
                draw(bar, status, snapshot.at);
            }
        }
        if over {
            break;
        }
    }
}

fn draw(bar: &ProgressBar, status: &TransferStatus, now: SimTime) {
    if bar.is_finished() {
        return;
    }
    bar.set_position(status.bytes_done);
    let rate = crate::units::ByteSize::from_bytes(status.goodput(now) as u64).human();
    bar.set_message(format!("{rate}/s, {:.1} virtual s, {}", status.elapsed(now).as_secs_f64(), status.state.name()));
    match status.state {
        TransferState::Done => bar.finish(),
        state if state.is_over() => bar.abandon(),
        _ => {}
    }
}

fn new_bar(status: &TransferStatus, name: String) -> ProgressBar {
    let bar = ProgressBar::new(status.bytes);
    if let Ok(style) = ProgressStyle::with_template("{prefix:30!} {bar:30} {percent:>3} % {msg}") {
        bar.set_style(style);
    }
    bar.set_prefix(name);
    bar
}
