//! Connections that are kept for the next command, until they have had none for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, interval};

use super::Connection;

/// Time for which a connection without a command is kept.
pub const IDLE_MAX: Duration = Duration::from_secs(5 * 60);
/// Time between two looks at what is kept.
const LOOK: Duration = Duration::from_secs(15);
/// Connections that are kept at the most; the one that has waited longest goes first.
const KEPT_MAX: usize = 128;

/// User at a host, and whose connection it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// User of this program who has logged in there; `None` if that is who operates it. Nobody else is given the connection.
    pub owner: Option<String>,
    /// Address and port of the host.
    pub address: String,
    /// Name of the user.
    pub user: String,
}

/// Connections that are logged in and carry nothing out. Cheap to clone; they end with the last clone.
#[derive(Debug, Clone, Default)]
pub struct Pool(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    kept: Mutex<HashMap<Place, Vec<Kept>>>,
    /// Task that ends what is kept for too long.
    looking: Mutex<JoinSet<()>>,
}

#[derive(Debug)]
struct Kept {
    connection: Connection,
    since: Instant,
}

impl Pool {
    /// Takes a connection that is kept; `None` if there is none. It is the caller's until it is given [back](Self::keep).
    pub fn take(&self, place: &Place) -> Option<Connection> {
        let mut kept = self.0.kept();
        let found = kept.get_mut(place)?;
        let connection = std::iter::from_fn(|| found.pop()).map(|kept| kept.connection).find(|one| !one.is_over());
        if found.is_empty() {
            kept.remove(place);
        }
        connection
    }

    /// Keeps a connection that is logged in and carries nothing out.
    pub fn keep(&self, place: Place, connection: Connection) {
        if connection.is_over() {
            return;
        }
        let since = Instant::now();
        self.0.kept().entry(place).or_default().push(Kept { connection, since });
        self.0.end_beyond(KEPT_MAX);
        let mut looking = self.0.looking.lock().unwrap_or_else(PoisonError::into_inner);
        if looking.is_empty() {
            looking.spawn(look(Arc::downgrade(&self.0)));
        }
    }

    /// Returns how many connections are kept.
    pub fn len(&self) -> usize {
        self.0.kept().values().map(Vec::len).sum()
    }

    /// Returns true if none is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Shared {
    fn kept(&self) -> MutexGuard<'_, HashMap<Place, Vec<Kept>>> {
        // A panic while the lock was held leaves complete lists.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the connections that are over or have waited for too long.
    fn end_idle(&self, now: Instant) {
        let mut kept = self.kept();
        kept.values_mut().for_each(|all| {
            all.retain(|one| !one.connection.is_over() && now.duration_since(one.since) < IDLE_MAX);
        });
        kept.retain(|_, all| !all.is_empty());
    }

    /// Ends the connections that have waited longest, until there are no more than `max`.
    fn end_beyond(&self, max: usize) {
        let mut kept = self.kept();
        while kept.values().map(Vec::len).sum::<usize>() > max {
            let oldest = kept.iter().filter_map(|(place, all)| Some((all.first()?.since, place.clone()))).min_by_key(|one| one.0);
            let Some((_, place)) = oldest else { return };
            if let Some(all) = kept.get_mut(&place) {
                all.remove(0);
            }
            kept.retain(|_, all| !all.is_empty());
        }
    }
}

/// Looks at what is kept at intervals, as long as the pool is there.
async fn look(shared: Weak<Shared>) {
    let mut looks = interval(LOOK);
    loop {
        looks.tick().await;
        let Some(shared) = shared.upgrade() else { return };
        shared.end_idle(Instant::now());
    }
}
