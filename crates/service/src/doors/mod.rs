//! Doors: the sockets at which this program listens for clients, what each of them has seen, and how it is closed.
//!
//! | file | contents |
//! |---|---|
//! | `mod` | the doors of a process, the loop that takes connections in, and the figures of each door |
//! | [`guest`] | the place that a client's connection takes, and the limits of places |
//! | [`guarded`] | the stream of such a connection, which counts its bytes and ends when its client falls silent |
//! | [`certificate`] | the certificates that services present where they speak TLS |
//! | [`handshake`] | the handshake of TLS, where a service speaks it |
//! | [`requests`] | the tasks of the requests of one connection of HTTP/2 |
//! | [`seats`] | how many connections or streams one user has |
//! | [`announced`] | the file by which other processes learn which doors are open |
//!
//! Every connection has an end: one that makes no request in time is closed, one of which nothing arrives any more as well, and all
//! of them when the door is closed, at the latest when the time is over that they have for it.

pub mod announced;
pub mod certificate;
pub mod guarded;
pub mod guest;
pub mod handshake;
pub mod requests;
pub mod seats;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use rustix::io::Errno;
use serde::{Serialize, Serializer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use self::guarded::Guarded;
use self::guest::{Book, Guest, Limits, Refusals, Tally, locked, reason};
use crate::output;

/// Time for which no connection is taken in after the system could not give one: it has no file descriptors left, most often.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// Time for which the connections of what is served may go on when that stops by itself: what is under way is answered.
pub const GRACE: Duration = Duration::from_secs(2);

/// Doors of a process. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Doors(Arc<Registry>);

#[derive(Debug, Default)]
struct Registry {
    entries: Mutex<Vec<Entry>>,
}

/// A door that is or was open.
#[derive(Debug)]
struct Entry {
    book: Arc<Book>,
    is_closing: watch::Sender<bool>,
}

impl Doors {
    /// Opens a door for the service of this name: connections to `address` are queued by the system from now on. Port 0 takes a free
    /// one.
    ///
    /// # Errors
    /// Fails if the address cannot be listened at, as if another process does.
    pub async fn open(&self, service: &'static str, address: SocketAddr, limits: Limits) -> io::Result<Door> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (open, closing) = self.register(service, address, limits);
        Ok(Door::new(listener, address, open, closing))
    }

    /// Opens a door at each of the addresses for one service. The doors share the limits and the figures, which have the first address that
    /// is listened at. A door whose address cannot be listened at is an error by itself.
    pub async fn open_each(
        &self,
        service: &'static str,
        addresses: &[SocketAddr],
        limits: Limits,
    ) -> Vec<(SocketAddr, io::Result<Door>)> {
        let mut listening = Vec::with_capacity(addresses.len());
        for &address in addresses {
            let bound = TcpListener::bind(address).await;
            listening.push((address, bound.and_then(|listener| Ok((listener.local_addr()?, listener)))));
        }
        let bound = listening.iter().find_map(|(_, bound)| bound.as_ref().ok()).map(|(address, _)| *address);
        let Some(first) = bound.or(addresses.first().copied()) else { return Vec::new() };
        // What is registered is closed if no door is opened.
        let (open, closing) = self.register(service, first, limits);
        let door = |(address, listener)| Door::new(listener, address, Arc::clone(&open), closing.clone());
        listening.into_iter().map(|(address, bound)| (address, bound.map(door))).collect()
    }

    fn register(&self, service: &'static str, address: SocketAddr, limits: Limits) -> (Arc<Open>, Closing) {
        let book = Arc::new(Book::new(service, address, limits, output::now_unix()));
        let is_closing = watch::Sender::new(false);
        let closing = Closing(is_closing.subscribe());
        let mut entries = self.entries();
        // What the service has done before is no longer of interest.
        entries.retain(|entry| entry.book.service != service || entry.book.stage() != Stage::Closed);
        entries.push(Entry { book: Arc::clone(&book), is_closing });
        (Arc::new(Open(book)), closing)
    }

    /// Asks every door to close: it takes no more connections in, and those that it has may end what they do.
    pub fn close(&self) {
        self.entries().iter().for_each(Entry::close);
    }

    /// Asks the doors of the service of this name to close.
    pub fn close_service(&self, service: &str) {
        self.entries().iter().filter(|entry| entry.book.service == service).for_each(Entry::close);
    }

    /// Waits until all doors are closed, or those of the service of this name, and nobody is at them any more: as long as they have been
    /// given time for that, once they are asked to close.
    pub async fn closed(&self, service: Option<&str>) {
        let is_meant = |book: &Arc<Book>| service.is_none_or(|service| book.service == service);
        let books: Vec<Arc<Book>> = self.entries().iter().map(|entry| Arc::clone(&entry.book)).filter(is_meant).collect();
        for book in books {
            book.closed().await;
        }
    }

    /// Returns the figures of each door, in the order in which the doors were opened. Those of a closed one stay until its service opens
    /// another.
    pub fn figures(&self) -> Vec<Figures> {
        self.entries().iter().map(|entry| entry.book.figures()).collect()
    }

    /// Returns the figures of each socket by itself, where a service has several of them: those of a service stand together, in the order
    /// of [`figures`](Self::figures), and of one that is closed they stay as long.
    pub fn each(&self) -> Vec<Figures> {
        self.entries().iter().flat_map(|entry| entry.book.each()).collect()
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        locked(&self.0.entries)
    }
}

impl Entry {
    fn close(&self) {
        self.book.set_stage(Stage::Closing);
        self.is_closing.send_replace(true);
    }
}

/// What a door does with those who come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Takes them in.
    Open,
    /// Takes nobody in, and those who were there end what they do.
    Closing,
    /// Takes nobody in, and nobody is there.
    Closed,
}

impl Stage {
    /// Returns the name of the stage, as in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Stage::Open => "open",
            Stage::Closing => "closing",
            Stage::Closed => "closed",
        }
    }
}

/// Counts of a door so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Name of the service.
    pub service: &'static str,
    /// Address at which it listens.
    pub address: SocketAddr,
    /// Stage: open, closing or closed.
    pub stage: Stage,
    /// Sockets at which clients are waited for: one, or one a node.
    pub doors: usize,
    /// Number of them that refuse those who come, since the process of their node does not run.
    pub stopped: usize,
    /// Instant of its opening, in seconds since 1970-01-01 00:00 UTC; `None` if it was never open.
    pub since: Option<u64>,
    /// Connections that are open now.
    pub clients: usize,
    /// Connections that were taken in.
    pub connections: u64,
    /// Requests that have begun.
    pub requests: u64,
    /// Bytes that have arrived, as on the socket.
    pub bytes_in: u64,
    /// Bytes that were sent, as on the socket.
    pub bytes_out: u64,
    /// Connections and requests that were refused, by reason.
    #[serde(serialize_with = "as_list")]
    pub refusals: Refusals,
}

impl Figures {
    /// Creates the figures of a door that was never open.
    pub fn never_open(service: &'static str, address: SocketAddr) -> Figures {
        Figures {
            service,
            address,
            stage: Stage::Closed,
            doors: 0,
            stopped: 0,
            since: None,
            clients: 0,
            connections: 0,
            requests: 0,
            bytes_in: 0,
            bytes_out: 0,
            refusals: Refusals::new(),
        }
    }
}

/// Writes the refusals as a list, so that no field has the name of a reason.
fn as_list<S: Serializer>(refusals: &Refusals, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Refused<'a> {
        reason: &'a str,
        count: u64,
    }
    serializer.collect_seq(refusals.iter().map(|(reason, &count)| Refused { reason, count }))
}

/// Formats the refusals as `3 silent, 1 too many connections`; empty if there are none.
pub fn told_refusals(refusals: &Refusals) -> String {
    refusals.iter().map(|(reason, count)| format!("{count} {reason}")).collect::<Vec<_>>().join(", ")
}

/// Notice that the doors close.
#[derive(Debug, Clone)]
pub struct Closing(watch::Receiver<bool>);

impl Closing {
    /// Returns true if the doors have been asked to close.
    pub fn has_begun(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the doors are asked to close, for as long as they are open.
    pub async fn begun(&mut self) {
        // Without doors nobody asks, and there is nothing left to be served either.
        let _ = self.0.wait_for(|&is_closing| is_closing).await;
    }
}

/// Socket at which clients are waited for.
#[derive(Debug)]
pub struct Door {
    /// Socket; `None` while what is served does not run.
    listener: Option<TcpListener>,
    /// True as long as the system has given no connection when it was asked last.
    is_failing: bool,
    tally: Arc<Tally>,
    open: Arc<Open>,
    closing: Closing,
}

impl Drop for Door {
    fn drop(&mut self) {
        self.tally.note_closed();
    }
}

/// Book of doors that are not closed, until the last of them is dropped.
#[derive(Debug)]
struct Open(Arc<Book>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.set_stage(Stage::Closed);
    }
}

impl Door {
    fn new(listener: TcpListener, address: SocketAddr, open: Arc<Open>, closing: Closing) -> Door {
        let tally = open.0.add_door(address);
        Door { listener: Some(listener), is_failing: false, tally, open, closing }
    }

    /// Returns the address at which the door listens, with the port that the system has given.
    pub fn address(&self) -> SocketAddr {
        self.tally.address
    }

    fn book(&self) -> &Arc<Book> {
        &self.open.0
    }

    /// Returns the notice of this door's closing.
    pub fn closing(&self) -> Closing {
        self.closing.clone()
    }

    /// Takes connections in until the doors are closed, and gives each to a task that `serve` makes. Then ends those of connections that
    /// have made no request, waits for the other ones, for `drain` at the most, and ends those that are left.
    pub async fn attend<Serving>(self, drain: Duration, serve: impl Fn(Guarded<TcpStream>, Guest) -> Serving)
    where
        Serving: Future<Output = ()> + Send + 'static,
    {
        let always = watch::Sender::new(false);
        self.attend_unless(always.subscribe(), drain, serve).await;
    }

    /// Takes connections in as [`attend`](Self::attend) does, but none while what is served `is_stopped`: the system refuses those who come
    /// then, and the tasks of connections that were taken in before are ended after [`GRACE`].
    pub async fn attend_unless<Serving>(
        mut self,
        mut is_stopped: watch::Receiver<bool>,
        drain: Duration,
        serve: impl Fn(Guarded<TcpStream>, Guest) -> Serving,
    ) where
        Serving: Future<Output = ()> + Send + 'static,
    {
        let (mut closing, mut connections) = (self.closing(), JoinSet::new());
        loop {
            let stopped = *is_stopped.borrow_and_update();
            self.tally.note_stopped(stopped);
            if stopped && self.listener.take().is_some() {
                self.end(&mut connections, GRACE).await;
            }
            tokio::select! {
                biased;
                () = closing.begun() => break,
                Ok(()) = is_stopped.changed() => {}
                Some(ended) = connections.join_next() => told(self.book(), ended),
                next = self.next(), if !stopped => {
                    if let Some((stream, guest)) = next {
                        let serving = serve(stream, guest.clone());
                        connections.spawn(unless_unasked(serving, guest, self.closing()));
                    }
                }
            }
        }
        // From here on the system refuses those who come.
        self.listener = None;
        self.end(&mut connections, drain).await;
    }

    /// Waits for the next connection for which there is a place; `None` if there was none this time.
    async fn next(&mut self) -> Option<(Guarded<TcpStream>, Guest)> {
        let listening = match self.listener.take() {
            Some(listener) => Ok(listener),
            None => TcpListener::bind(self.address()).await,
        };
        let accepted = match listening {
            Ok(listener) => self.listener.insert(listener).accept().await,
            Err(error) => Err(error),
        };
        match accepted {
            Ok((stream, peer)) => {
                self.is_failing = false;
                let guest = Guest::admit(self.book(), &self.tally, peer.ip()).ok()?;
                // Small answers are not held back for larger ones; a system that refuses delays them.
                let _ = stream.set_nodelay(true);
                Some((Guarded::new(stream, guest.clone()), guest))
            }
            Err(error) => {
                self.note_failure(&error);
                pause(AFTER_FAILURE).await;
                None
            }
        }
    }

    /// Notes that the system gives no connection, once until it does again: it is asked ten times a second.
    fn note_failure(&mut self, error: &io::Error) {
        if std::mem::replace(&mut self.is_failing, true) {
            return;
        }
        let is_out_of_files = matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE));
        self.tally.note_refusal(if is_out_of_files { reason::NO_FILES } else { reason::NO_CONNECTION });
        tracing::warn!(service = self.book().service, address = %self.address(), %error, "no connection is taken in");
    }

    /// Waits for the tasks of connections, for `span` at the most, and ends those that are left.
    async fn end(&self, connections: &mut JoinSet<()>, span: Duration) {
        let all = async {
            while let Some(ended) = connections.join_next().await {
                told(self.book(), ended);
            }
        };
        if timeout(span, all).await.is_err() {
            tracing::info!(service = self.book().service, address = %self.address(), left = connections.len(), "connections are cut");
            connections.shutdown().await;
        }
    }
}

/// Serves a connection to its end. One of which nothing was asked when the doors close runs nothing, and ends at once.
async fn unless_unasked(serving: impl Future<Output = ()>, guest: Guest, mut closing: Closing) {
    let unasked = async {
        closing.begun().await;
        if guest.is_known() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        biased;
        () = serving => {}
        () = unasked => {}
    }
}

/// Notes the end of a connection's task in the log, if it is not as it should be.
fn told(book: &Book, ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(service = book.service, %error, "a connection has ended by a bug of this program");
    }
}

#[expect(clippy::disallowed_methods, reason = "a socket of the system, which lives by the wall clock")]
async fn pause(span: Duration) {
    tokio::time::sleep(span).await;
}

#[cfg(test)]
mod tests;
