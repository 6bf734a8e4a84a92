//! Guests: the connections of clients that a door has taken in, how many there may be, and what they have done.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::{Figures, Stage};
use crate::config::keys::Section;
use crate::config::{Config, ConfigError};

/// Number of refusals, by reason.
pub type Refusals = BTreeMap<&'static str, u64>;

/// Limits of a door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest number of connections that are open at once.
    pub connections: usize,
    /// Largest number of them from one address.
    pub of_one_address: usize,
    /// Time from the first byte of a connection to its first request, at the most.
    pub until_request: Duration,
    /// Time without any byte from a client after which its connection is cut: its machine may be gone without a word.
    pub silence: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { connections: 256, of_one_address: 64, until_request: Duration::from_secs(30), silence: Duration::from_secs(45) }
    }
}

/// Connections of the web from one address at the loopback, unless the configuration says otherwise: all clients on this machine have one.
const LOOPBACK_CONNECTIONS: usize = 512;

impl Config {
    /// Returns the limits of the door of REST and of the pages at an address. Where nothing says how many connections one address may have, that
    /// is as many as at every door; at the loopback, where all clients of this machine have one address, more.
    ///
    /// # Errors
    /// Fails if there is no number of connections.
    pub fn web_limits(&self, address: SocketAddr) -> Result<Limits, ConfigError> {
        let (limits, count) = (Limits::default(), |key: &'static str| self.text(Section::Web, key).parse().ok());
        let connections =
            count("connections").ok_or_else(|| ConfigError::Conflict("[web] connections has no value".to_owned()))?;
        let own = if address.ip().to_canonical().is_loopback() { LOOPBACK_CONNECTIONS } else { limits.of_one_address };
        Ok(Limits { connections, of_one_address: count("connections_per_address").unwrap_or(own), ..limits })
    }
}

/// Reasons for which a door refuses a connection, or cuts it.
pub mod reason {
    /// Connections are as many as there may be.
    pub const FULL: &str = "too many connections";
    /// Connections of this address are as many as there may be.
    pub const FULL_FOR_ADDRESS: &str = "too many connections of one address";
    /// The client made no request in time.
    pub const NO_REQUEST: &str = "no request in time";
    /// Silence of the client.
    pub const SILENT: &str = "silent";
    /// Files that this process may have open are all in use: those who come wait meanwhile. Counted once until one is taken in again.
    pub const NO_FILES: &str = "too many open files";
    /// The system gives no connection for another reason, counted in the same way.
    pub const NO_CONNECTION: &str = "no connection from the system";
}

/// Knowledge of the doors of a service about their guests, present and past.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) service: &'static str,
    pub(super) address: SocketAddr,
    pub(super) limits: Limits,
    /// Instant of the opening, in seconds since 1970-01-01 00:00 UTC.
    since: u64,
    stage: watch::Sender<Stage>,
    /// Counts of each door that was opened, in the order of their opening.
    doors: Mutex<Vec<Arc<Tally>>>,
    /// Number of open connections, by the address of the client.
    present: Mutex<HashMap<IpAddr, usize>>,
}

/// Counts of one door.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) address: SocketAddr,
    is_open: AtomicBool,
    /// True while the door refuses those who come, since what it serves is stopped.
    is_stopped: AtomicBool,
    clients: AtomicUsize,
    connections: AtomicU64,
    requests: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    refusals: Mutex<Refusals>,
}

impl Tally {
    fn new(address: SocketAddr) -> Tally {
        Tally {
            address,
            is_open: AtomicBool::new(true),
            is_stopped: AtomicBool::new(false),
            clients: AtomicUsize::new(0),
            connections: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            refusals: Mutex::default(),
        }
    }

    /// Notes that the door is closed.
    pub(super) fn note_closed(&self) {
        self.is_open.store(false, Ordering::Relaxed);
    }

    /// Notes whether what the door serves is stopped.
    pub(super) fn note_stopped(&self, is_stopped: bool) {
        self.is_stopped.store(is_stopped, Ordering::Relaxed);
    }

    pub(super) fn note_refusal(&self, reason: &'static str) {
        *locked(&self.refusals).entry(reason).or_default() += 1;
    }
}

impl Book {
    pub(super) fn new(service: &'static str, address: SocketAddr, limits: Limits, since: u64) -> Book {
        Book {
            service,
            address,
            limits,
            since,
            stage: watch::Sender::new(Stage::Open),
            doors: Mutex::default(),
            present: Mutex::default(),
        }
    }

    /// Returns the figures of all doors together, with the address of the first one that was to be opened.
    pub(super) fn figures(&self) -> Figures {
        let none = Figures { stage: self.stage(), since: Some(self.since), ..Figures::never_open(self.service, self.address) };
        self.each().into_iter().fold(none, |all, door| Figures {
            doors: all.doors + door.doors,
            stopped: all.stopped + door.stopped,
            clients: all.clients + door.clients,
            connections: all.connections + door.connections,
            requests: all.requests + door.requests,
            bytes_in: all.bytes_in + door.bytes_in,
            bytes_out: all.bytes_out + door.bytes_out,
            refusals: with_refusals(all.refusals, door.refusals),
            ..all
        })
    }

    /// Returns the figures of each door that was opened.
    pub(super) fn each(&self) -> Vec<Figures> {
        let stage = self.stage();
        let figures = |door: &Arc<Tally>| {
            let total = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
            let is_open = door.is_open.load(Ordering::Relaxed);
            Figures {
                service: self.service,
                address: door.address,
                stage: if is_open { stage } else { Stage::Closed },
                doors: usize::from(is_open),
                stopped: usize::from(is_open && door.is_stopped.load(Ordering::Relaxed)),
                since: Some(self.since),
                clients: door.clients.load(Ordering::Relaxed),
                connections: total(&door.connections),
                requests: total(&door.requests),
                bytes_in: total(&door.bytes_in),
                bytes_out: total(&door.bytes_out),
                refusals: locked(&door.refusals).clone(),
            }
        };
        locked(&self.doors).iter().map(figures).collect()
    }

    pub(super) fn stage(&self) -> Stage {
        *self.stage.borrow()
    }

    /// Notes one door more, and returns its counts.
    pub(super) fn add_door(&self, address: SocketAddr) -> Arc<Tally> {
        let tally = Arc::new(Tally::new(address));
        locked(&self.doors).push(Arc::clone(&tally));
        tally
    }

    /// Passes to a later stage; a door that is closed stays so.
    pub(super) fn set_stage(&self, stage: Stage) {
        self.stage.send_if_modified(|now| {
            let is_later = *now != Stage::Closed && *now != stage;
            if is_later {
                *now = stage;
            }
            is_later
        });
    }

    /// Waits until the door is closed and nobody is there.
    pub(super) async fn closed(&self) {
        // The book is here, and with it the sender.
        let _ = self.stage.subscribe().wait_for(|&stage| stage == Stage::Closed).await;
    }

    /// Gives a place to a client at this address, or returns the reason why there is none.
    fn take_place(&self, address: IpAddr) -> Result<(), &'static str> {
        let mut present = locked(&self.present);
        if present.values().sum::<usize>() >= self.limits.connections {
            return Err(reason::FULL);
        }
        match present.get(&address) {
            Some(&count) if count >= self.limits.of_one_address => return Err(reason::FULL_FOR_ADDRESS),
            _ => *present.entry(address).or_default() += 1,
        }
        Ok(())
    }

    fn leave_place(&self, address: IpAddr) {
        let mut present = locked(&self.present);
        if let Some(count) = present.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                present.remove(&address);
            }
        }
    }
}

/// Returns the sum of refusals by their reasons.
fn with_refusals(mut all: Refusals, more: Refusals) -> Refusals {
    more.into_iter().for_each(|(reason, count)| *all.entry(reason).or_default() += count);
    all
}

/// Locks what a door knows.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic while the lock was held leaves complete lists and numbers.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Connection that a door has taken in. Its place is free again when the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Guest(Arc<Place>);

#[derive(Debug)]
struct Place {
    book: Arc<Book>,
    /// Counts of the door by which the client has come.
    door: Arc<Tally>,
    address: IpAddr,
    /// True once the client has made a request.
    is_known: AtomicBool,
    /// Number of answers that go on without a word of the client.
    listening: AtomicUsize,
}

/// Answer of a connection that goes on without a word of its client, as one of events does. While there is one, the client's silence ends
/// nothing as long as the socket takes what is sent; what the system cannot deliver, it gives up by itself.
#[derive(Debug)]
pub struct Listening(Guest);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.0.listening.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.door.clients.fetch_sub(1, Ordering::Relaxed);
        self.book.leave_place(self.address);
    }
}

impl Guest {
    /// Takes a connection in that has come by a door, if there is a place for it among those of all doors.
    pub(super) fn admit(book: &Arc<Book>, door: &Arc<Tally>, address: IpAddr) -> Result<Guest, &'static str> {
        book.take_place(address).inspect_err(|reason| door.note_refusal(reason))?;
        door.connections.fetch_add(1, Ordering::Relaxed);
        door.clients.fetch_add(1, Ordering::Relaxed);
        let (book, door) = (Arc::clone(book), Arc::clone(door));
        Ok(Guest(Arc::new(Place { book, door, address, is_known: AtomicBool::new(false), listening: AtomicUsize::new(0) })))
    }

    /// Returns the address of the client.
    pub fn address(&self) -> IpAddr {
        self.0.address
    }

    /// Notes that the client makes a request. From its first one on it has no time limit for it any more.
    pub fn note_request(&self) {
        self.0.is_known.store(true, Ordering::Relaxed);
        self.0.door.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that something is refused to the client, for this reason.
    pub fn note_refusal(&self, reason: &'static str) {
        self.0.door.note_refusal(reason);
    }

    /// Returns true if the client has made a request.
    pub fn is_known(&self) -> bool {
        self.0.is_known.load(Ordering::Relaxed)
    }

    /// Notes that an answer begins that goes on without a word of the client, until what is returned is dropped.
    pub fn listen(&self) -> Listening {
        self.0.listening.fetch_add(1, Ordering::Relaxed);
        Listening(self.clone())
    }

    /// Returns the time without a sign of the client after which it is given up, which holds for a single answer too that it does not take.
    pub fn silence(&self) -> Duration {
        self.limits().silence
    }

    pub(super) fn is_listening(&self) -> bool {
        self.0.listening.load(Ordering::Relaxed) > 0
    }

    pub(super) fn limits(&self) -> Limits {
        self.0.book.limits
    }

    pub(super) fn note_bytes(&self, arrived: usize, sent: usize) {
        self.0.door.bytes_in.fetch_add(arrived as u64, Ordering::Relaxed);
        self.0.door.bytes_out.fetch_add(sent as u64, Ordering::Relaxed);
    }
}
