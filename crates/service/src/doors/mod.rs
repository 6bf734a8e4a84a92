//! Doors: the sockets at which this program listens for clients, what each of them has seen, and how it is closed.
//!
//! | file | contents |
//! |---|---|
//! | `mod` | the doors of a process, the loop that takes connections in, and the figures of each door |
//! | [`guest`] | the place that a client's connection takes, and the limits of places |
//! | [`guarded`] | the stream of such a connection, which counts its bytes and ends when its client falls silent |
//! | [`announced`] | the file by which other processes learn which doors are open |
//!
//! Every connection has an end: one that makes no request in time is closed, one of which nothing arrives any more as well, and all
//! of them when the door is closed, at the latest when the time is over that they have for it.

pub mod announced;
pub mod guarded;
pub mod guest;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde::Serialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use self::guarded::Guarded;
use self::guest::{Book, Guest, Limits, Refusals, locked};

/// Time for which no connection is taken in after the system could not give one: it has no file descriptors left, most often.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// Doors of a process. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Doors(Arc<Registry>);

#[derive(Debug, Default)]
struct Registry {
    books: Mutex<Vec<Arc<Book>>>,
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
        let book = Arc::new(Book::new(service, listener.local_addr()?, limits));
        self.books().push(Arc::clone(&book));
        Ok(Door { listener, book, closing: Closing(self.0.is_closing.subscribe()) })
    }

    /// Asks every door to close: it takes no more connections in, and those that it has may end what they do.
    pub fn close(&self) {
        self.0.is_closing.send_replace(true);
    }

    /// Returns the figures of each door, in the order in which the doors were opened.
    pub fn figures(&self) -> Vec<Figures> {
        self.books().iter().map(|book| book.figures()).collect()
    }

    fn books(&self) -> MutexGuard<'_, Vec<Arc<Book>>> {
        locked(&self.0.books)
    }
}

/// Counts of a door so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Name of the service.
    pub service: &'static str,
    /// Address at which it listens.
    pub address: SocketAddr,
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
    pub refusals: Refusals,
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
    listener: TcpListener,
    book: Arc<Book>,
    closing: Closing,
}

impl Door {
    /// Returns the address at which the door listens, with the port that the system has given.
    pub fn address(&self) -> SocketAddr {
        self.book.address
    }

    /// Returns the notice of this door's closing.
    pub fn closing(&self) -> Closing {
        self.closing.clone()
    }

    /// Takes connections in until the doors are closed, and gives each to a task that `serve` makes. Then waits for the tasks, for
    /// `drain` at the most, and ends those that are left.
    pub async fn attend<Serving>(self, drain: Duration, serve: impl Fn(Guarded<TcpStream>, Guest) -> Serving)
    where
        Serving: Future<Output = ()> + Send + 'static,
    {
        let Door { listener, book, mut closing } = self;
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = closing.begun() => break,
                Some(ended) = connections.join_next() => told(&book, ended),
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        let Ok(guest) = Guest::admit(&book, peer.ip()) else { continue };
                        // Small answers are not held back for larger ones; a system that refuses delays them.
                        let _ = stream.set_nodelay(true);
                        connections.spawn(serve(Guarded::new(stream, guest.clone()), guest));
                    }
                    Err(error) => {
                        tracing::warn!(service = book.service, %error, "no connection is taken in");
                        pause(AFTER_FAILURE).await;
                    }
                },
            }
        }
        // From here on the system refuses those who come.
        drop(listener);
        let all = async {
            while let Some(ended) = connections.join_next().await {
                told(&book, ended);
            }
        };
        if timeout(drain, all).await.is_err() {
            tracing::info!(service = book.service, left = connections.len(), "connections are cut");
            connections.shutdown().await;
        }
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
