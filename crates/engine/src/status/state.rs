//! State of a transfer: what it does at the moment, or how it has ended, and the word for it in reports and on screens.

use serde::{Deserialize, Serialize};

/// State of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TransferState {
    /// Segments are being transferred.
    Running,
    /// No segment is in flight because other transfers use the shared memory; the transfer continues when it gets memory.
    Waiting,
    /// No segment is in flight because the stream at the edge gives none, or takes none; the transfer continues when it does.
    Idle,
    /// All segments have arrived; they are made durable and the file visible.
    Committing,
    /// The upload ends before all of it is stored: what was sent is let end, made durable and kept.
    Parking,
    /// The transfer failed or was cancelled, and its segments are being removed.
    Undoing,
    /// The transfer has finished successfully.
    Done,
    /// The source of the upload has gone, and what is stored is kept, so that the upload can be continued.
    Parked,
    /// The transfer failed; its segments are deleted, or nodes that are unreachable owe the deletion.
    Failed,
    /// The transfer was cancelled; its segments are deleted, or nodes that are unreachable owe the deletion.
    Cancelled,
}

impl TransferState {
    /// Returns true if the transfer is over: finished, parked, failed or cancelled.
    pub const fn is_over(self) -> bool {
        matches!(self, TransferState::Done | TransferState::Parked | TransferState::Failed | TransferState::Cancelled)
    }

    /// Returns true while no segment is in flight, because others use the memory or the stream at the edge rests.
    pub const fn is_waiting(self) -> bool {
        matches!(self, TransferState::Waiting | TransferState::Idle)
    }

    /// Returns the word for reports and screens.
    pub const fn name(self) -> &'static str {
        match self {
            TransferState::Running => "running",
            TransferState::Waiting => "waiting",
            TransferState::Idle => "idle",
            TransferState::Committing => "committing",
            TransferState::Parking => "parking",
            TransferState::Undoing => "undoing",
            TransferState::Done => "done",
            TransferState::Parked => "parked",
            TransferState::Failed => "failed",
            TransferState::Cancelled => "cancelled",
        }
    }
}
