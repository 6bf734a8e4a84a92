//! Guests: the connections of clients that a door has taken in, how many there may be, and what they have done.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::{Figures, Stage};

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
}

/// Knowledge of a door about its guests, present and past.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) service: &'static str,
    pub(super) address: SocketAddr,
    pub(super) limits: Limits,
    /// Instant of the opening, in seconds since 1970-01-01 00:00 UTC.
    since: u64,
    stage: watch::Sender<Stage>,
    /// Number of sockets at which clients are waited for, of the doors that are not closed.
    doors: AtomicUsize,
    /// Number of them that refuse those who come, since what they serve is stopped.
    stopped: AtomicUsize,
    connections: AtomicU64,
    requests: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    /// Number of open connections, by the address of the client.
    present: Mutex<HashMap<IpAddr, usize>>,
    refusals: Mutex<Refusals>,
}

impl Book {
    pub(super) fn new(service: &'static str, address: SocketAddr, limits: Limits, since: u64) -> Book {
        Book {
            service,
            address,
            limits,
            since,
            stage: watch::Sender::new(Stage::Open),
            doors: AtomicUsize::new(0),
            stopped: AtomicUsize::new(0),
            connections: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            present: Mutex::default(),
            refusals: Mutex::default(),
        }
    }

    pub(super) fn figures(&self) -> Figures {
        let total = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Figures {
            service: self.service,
            address: self.address,
            stage: self.stage(),
            doors: self.doors.load(Ordering::Relaxed),
            stopped: self.stopped.load(Ordering::Relaxed),
            since: Some(self.since),
            clients: locked(&self.present).values().sum(),
            connections: total(&self.connections),
            requests: total(&self.requests),
            bytes_in: total(&self.bytes_in),
            bytes_out: total(&self.bytes_out),
            refusals: locked(&self.refusals).clone(),
        }
    }

    pub(super) fn stage(&self) -> Stage {
        *self.stage.borrow()
    }

    /// Notes one door more, or one that is closed.
    pub(super) fn note_door(&self, is_one_more: bool) {
        count(&self.doors, is_one_more);
    }

    /// Notes that what one door serves is stopped, or runs again.
    pub(super) fn note_stopped(&self, is_stopped: bool) {
        count(&self.stopped, is_stopped);
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

    fn note_refusal(&self, reason: &'static str) {
        *locked(&self.refusals).entry(reason).or_default() += 1;
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

fn count(counter: &AtomicUsize, is_one_more: bool) {
    if is_one_more {
        counter.fetch_add(1, Ordering::Relaxed);
    } else {
        counter.fetch_sub(1, Ordering::Relaxed);
    }
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
    address: IpAddr,
    /// True once the client has made a request.
    is_known: AtomicBool,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.book.leave_place(self.address);
    }
}

impl Guest {
    /// Takes a connection in, if there is a place for it.
    pub(super) fn admit(book: &Arc<Book>, address: IpAddr) -> Result<Guest, &'static str> {
        book.take_place(address).inspect_err(|reason| book.note_refusal(reason))?;
        book.connections.fetch_add(1, Ordering::Relaxed);
        Ok(Guest(Arc::new(Place { book: Arc::clone(book), address, is_known: AtomicBool::new(false) })))
    }

    /// Returns the address of the client.
    pub fn address(&self) -> IpAddr {
        self.0.address
    }

    /// Notes that the client makes a request. From its first one on it has no time limit for it any more.
    pub fn note_request(&self) {
        self.0.is_known.store(true, Ordering::Relaxed);
        self.0.book.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that something is refused to the client, for this reason.
    pub fn note_refusal(&self, reason: &'static str) {
        self.0.book.note_refusal(reason);
    }

    /// Returns true if the client has made a request.
    pub fn is_known(&self) -> bool {
        self.0.is_known.load(Ordering::Relaxed)
    }

    pub(super) fn limits(&self) -> Limits {
        self.0.book.limits
    }

    pub(super) fn note_bytes(&self, arrived: usize, sent: usize) {
        self.0.book.bytes_in.fetch_add(arrived as u64, Ordering::Relaxed);
        self.0.book.bytes_out.fetch_add(sent as u64, Ordering::Relaxed);
    }
}
