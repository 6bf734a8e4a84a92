//! SFTP, version 3 (draft-ietf-secsh-filexfer-02), with the extensions of OpenSSH (its file `PROTOCOL`, section 4).
//!
//! | file | contents |
//! |---|---|
//! | `frames` | packets in what a client sends |
//! | `schedule` | the order in which requests take effect |
//! | `replies`, `content` | answers on their way to the client |
//! | `session`, `requests` | what the requests of a session have in common, and which of them does what |
//! | `lookups`, `opening`, `changes`, `uploads`, `extensions` | the requests |
//! | `handles`, `growing`, `reader`, `writer`, `sequence`, `ahead`, `staging` | what is open |
//! | `attributes`, `failure` | attributes and statuses |
//!
//! What a client sends is read whatever it takes of the answers, up to a bound, and answers are sent whatever it sends: neither side waits
//! for the other. The library gives the types of packets alone.

mod ahead;
mod attributes;
mod changes;
mod content;
mod extensions;
mod failure;
mod frames;
mod growing;
mod handles;
mod lookups;
mod opening;
mod reader;
mod replies;
mod requests;
mod schedule;
mod sequence;
mod session;
mod staging;
mod uploads;
mod writer;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use p2p_service::doors::Closing;
use russh::server::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf};
use russh_sftp::protocol::{Packet, VERSION, Version};
use tokio::task::JoinSet;
use tokio::time::timeout;

use self::frames::{Asked, FrameError, Frames};
use self::replies::Replies;
use self::schedule::{Schedule, Ticket};
use self::session::Session;
use crate::session::Asker;

/// Name of the subsystem (RFC 4254, section 6.5).
pub(crate) const SUBSYSTEM: &str = "sftp";
/// Bytes of requests in hand beyond which no further one is taken in hand, and of those that wait before that, beyond which a client is not read
/// until some of them are served.
const BACKLOG: usize = 512 * 1024;
/// Bytes of requests that wait at the most while a client does not take the answers, which its requests must not hold up. A client that asks
/// for all of a file at once comes to about 30 bytes for each 32 KiB of it.
const BACKLOG_MAX: usize = 8 * 1024 * 1024;
/// Bytes that an answer has at the most beside those of a file.
const ANSWER: usize = 64;

/// Time in which a client has to take the last answers.
const LAST_ANSWERS: Duration = Duration::from_secs(60);
/// Exit status where a client could not be understood.
const MISUNDERSTOOD: u32 = 1;

/// Serves a channel to its end, and closes it.
pub(crate) async fn serve(channel: Channel<Msg>, asker: Asker) {
    let (read, write) = channel.split();
    let (replies, outbox) = Replies::new();
    let requests = async {
        let closing = asker.closing.clone();
        let mut serving = Serving::new(read, replies, Session::of(asker), closing);
        let ended = serving.run().await;
        if let Err(error) = &ended {
            tracing::debug!(%error, "a client of SFTP is disconnected");
        }
        ended
    };
    let mut sending = std::pin::pin!(outbox.send(&write));
    let ended = tokio::select! {
        ended = requests => ended,
        // The client is gone.
        () = &mut sending => Ok(true),
    };
    if !matches!(ended, Ok(true)) {
        // The queue ends with its last answer.
        let _ = timeout(LAST_ANSWERS, sending).await;
        let status = if ended.is_ok() { crate::session::SUCCESS } else { MISUNDERSTOOD };
        let _ = write.exit_status(status).await;
    }
    let _ = write.eof().await;
    let _ = write.close().await;
}

/// Requests of one channel.
struct Serving {
    read: ChannelReadHalf,
    replies: Replies,
    session: Arc<Session>,
    frames: Frames,
    schedule: Schedule,
    /// Requests that wait for others.
    waiting: HashMap<Ticket, Asked>,
    /// Lengths of the requests in hand, in bytes.
    lengths: HashMap<Ticket, usize>,
    running: JoinSet<Ticket>,
    has_begun: bool,
    /// True once the client sends no more.
    is_ended: bool,
    closing: Closing,
}

impl Serving {
    fn new(read: ChannelReadHalf, replies: Replies, session: Session, closing: Closing) -> Serving {
        Serving {
            read,
            replies,
            session: Arc::new(session),
            frames: Frames::default(),
            schedule: Schedule::default(),
            waiting: HashMap::new(),
            lengths: HashMap::new(),
            running: JoinSet::new(),
            has_begun: false,
            is_ended: false,
            closing,
        }
    }

    /// Serves requests until the client has no more, or until the server ends and the client has nothing under way. Returns true if the
    /// client is gone before it has all answers.
    ///
    /// # Errors
    /// Fails where the client can no longer be understood.
    async fn run(&mut self) -> Result<bool, FrameError> {
        loop {
            while self.has_room()
                && let Some(raw) = self.frames.next()?
            {
                self.admit(frames::read(&raw)?, raw.len())?;
            }
            while self.replies.has_room()
                && let Some(ticket) = self.schedule.begin()
            {
                self.begin(ticket);
            }
            if self.schedule.is_empty() && (self.is_ended || self.ends_idle()) {
                return Ok(false);
            }
            if self.frames.len() > BACKLOG_MAX {
                return Err(FrameError::Unheeded);
            }
            if self.wait().await {
                return Ok(true);
            }
        }
    }

    /// Returns true if the server ends, and the client has no file open of which more may come.
    fn ends_idle(&self) -> bool {
        self.closing.has_begun() && !self.session.handles.has_files()
    }

    /// Returns true if one more request may be taken in hand.
    fn has_room(&self) -> bool {
        self.schedule.has_room() && self.lengths.values().sum::<usize>() < BACKLOG
    }

    /// Returns true if the client is read. What is not read holds up the connection as a whole, and so the answers: a client is left unread
    /// only while it has taken what it was answered.
    fn may_read(&self) -> bool {
        self.frames.len() < BACKLOG || !self.replies.has_room()
    }

    /// Waits until something has changed. Returns true if the client is gone.
    async fn wait(&mut self) -> bool {
        tokio::select! {
            Some(ended) = self.running.join_next() => match ended {
                Ok(ticket) => {
                    self.schedule.end(ticket);
                    self.lengths.remove(&ticket);
                }
                Err(error) => {
                    tracing::error!(%error, "a request of SFTP has not been answered");
                    return true;
                }
            },
            () = self.replies.taken(), if !self.replies.has_room() => {}
            () = self.closing.begun(), if !self.closing.has_begun() => {}
            message = self.read.wait(), if !self.is_ended && self.may_read() => match message {
                Some(ChannelMsg::Data { data }) => self.frames.push(&data),
                Some(ChannelMsg::Eof) => self.is_ended = true,
                Some(ChannelMsg::Close) | None => return true,
                Some(_) => {}
            },
            // Answers have been sent since the last look.
            else => {}
        }
        false
    }

    /// Takes a request in. The first packet settles the version and names the extensions.
    fn admit(&mut self, asked: Asked, len: usize) -> Result<(), FrameError> {
        let claim = match &asked {
            Asked::Packet(Packet::Init(_)) if !self.has_begun => {
                self.has_begun = true;
                self.replies.give(Packet::Version(Version { version: VERSION, extensions: extensions::offered() }));
                return Ok(());
            }
            _ if !self.has_begun => return Err(FrameError::Order),
            Asked::Packet(Packet::Init(_)) => return Err(FrameError::Order),
            asked => self.session.claim(asked).ok_or(FrameError::Direction)?,
        };
        let ticket = self.schedule.admit(claim);
        self.waiting.insert(ticket, asked);
        self.lengths.insert(ticket, len);
        Ok(())
    }

    /// Begins a request.
    fn begin(&mut self, ticket: Ticket) {
        let Some(asked) = self.waiting.remove(&ticket) else { return };
        let (session, replies) = (Arc::clone(&self.session), self.replies.clone());
        let room = replies.keep(match &asked {
            Asked::Packet(Packet::Read(read)) => ANSWER + read.len.min(frames::READ_MAX) as usize,
            _ => ANSWER,
        });
        self.running.spawn(async move {
            replies.give(session.answer(asked).await);
            drop(room);
            ticket
        });
    }
}
