//! Answers on their way to a client. They wait in a queue, so that what produces them never waits for the client.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use russh::ChannelWriteHalf;
use russh::server::Msg;
use russh_sftp::protocol::Packet;
use tokio::sync::{Notify, mpsc};

/// Bytes of answers that wait or are being produced, beyond which no further request is begun.
const WAITING_MAX: usize = 1024 * 1024;
/// Bytes of one message of the channel at the most.
const MESSAGE: usize = 32 * 1024;

/// Answer to a request.
#[derive(Debug)]
pub(super) enum Answer {
    Packet(Packet),
    /// Packet as it is sent, with its length.
    Encoded(Bytes),
}

impl From<Packet> for Answer {
    fn from(packet: Packet) -> Answer {
        Answer::Packet(packet)
    }
}

/// End of the queue at which answers are given.
#[derive(Debug, Clone)]
pub(super) struct Replies {
    queue: mpsc::UnboundedSender<Bytes>,
    waiting: Arc<AtomicUsize>,
    taken: Arc<Notify>,
}

/// Room for an answer that is being produced, which is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Room {
    bytes: usize,
    replies: Replies,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.replies.waiting.fetch_sub(self.bytes, Ordering::Relaxed);
        self.replies.taken.notify_one();
    }
}

/// End of the queue at which answers are sent.
#[derive(Debug)]
pub(super) struct Outbox {
    queue: mpsc::UnboundedReceiver<Bytes>,
    waiting: Arc<AtomicUsize>,
    taken: Arc<Notify>,
}

impl Replies {
    /// Makes a queue.
    pub(super) fn new() -> (Replies, Outbox) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let (waiting, taken) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let replies = Replies { queue: sender, waiting: Arc::clone(&waiting), taken: Arc::clone(&taken) };
        (replies, Outbox { queue: receiver, waiting, taken })
    }

    /// Gives an answer.
    pub(super) fn give(&self, answer: impl Into<Answer>) {
        let encoded = match answer.into() {
            Answer::Packet(packet) => Bytes::try_from(packet),
            Answer::Encoded(bytes) => Ok(bytes),
        };
        match encoded {
            Ok(bytes) => {
                self.waiting.fetch_add(bytes.len(), Ordering::Relaxed);
                // A client that is gone needs no answer.
                let _ = self.queue.send(bytes);
            }
            Err(error) => tracing::error!(%error, "an answer of SFTP cannot be written"),
        }
    }

    /// Keeps room for an answer of this length until it is given.
    pub(super) fn keep(&self, bytes: usize) -> Room {
        self.waiting.fetch_add(bytes, Ordering::Relaxed);
        Room { bytes, replies: self.clone() }
    }

    /// Returns true if a further request may be begun.
    pub(super) fn has_room(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) < WAITING_MAX
    }

    /// Waits until room is free again.
    pub(super) async fn taken(&self) {
        self.taken.notified().await;
    }
}

impl Outbox {
    /// Sends answers until nobody gives any more, or the client is gone.
    pub(super) async fn send(mut self, channel: &ChannelWriteHalf<Msg>) {
        while let Some(mut bytes) = self.queue.recv().await {
            let len = bytes.len();
            while !bytes.is_empty() {
                let part = bytes.split_to(bytes.len().min(MESSAGE));
                if channel.data_bytes(part).await.is_err() {
                    return;
                }
            }
            self.waiting.fetch_sub(len, Ordering::Relaxed);
            self.taken.notify_one();
        }
    }
}
