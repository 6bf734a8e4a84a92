//! What all requests share: the gate, its rules, the cookies, the challenges of logins and the rates.

use std::sync::Arc;

use axum::extract::FromRef;
use p2p_service::access::challenges::Challenges;
use p2p_service::access::remote::{RemoteRegistration, RemoteRules};
use p2p_service::access::{Access, Identity};
use p2p_service::doors::Doors;
use p2p_service::doors::guest::Guest;
use p2p_service::doors::seats::Seats;
use tokio::sync::watch;

use crate::SERVICE;
use crate::cookies::Cookies;
use crate::dashboards::Dashboards;
use crate::rates::Rates;

/// Streams of events that a user may have open at once.
pub(crate) const STREAMS_MAX: usize = 32;

/// What all requests share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Web(Arc<Inner>);

struct Inner {
    local: Access,
    rules: Arc<RemoteRules>,
    cookies: Cookies,
    challenges: Challenges,
    rates: Rates,
    /// True once the server ends.
    ends: watch::Receiver<bool>,
    /// Doors of the process, for their figures.
    doors: Doors,
    /// Latest dashboards.
    dashboards: Dashboards,
    /// Open streams of events.
    seats: Seats,
}

impl Web {
    /// Makes what the requests to the gate of `local` share.
    pub(crate) fn new(
        local: Access,
        rules: Arc<RemoteRules>,
        cookies: Cookies,
        rates: Rates,
        ends: watch::Receiver<bool>,
        doors: Doors,
    ) -> Web {
        let (challenges, dashboards, seats) = (Challenges::default(), Dashboards::default(), Seats::new(STREAMS_MAX));
        Web(Arc::new(Inner { local, rules, cookies, challenges, rates, ends, doors, dashboards, seats }))
    }

    /// Returns the access of the program itself, for what names no user.
    pub(crate) fn program(&self) -> &Access {
        &self.0.local
    }

    /// Returns whether there are accounts; where that cannot be said, those who come are taken for users who have one.
    pub(crate) async fn has_accounts(&self) -> bool {
        // Without accounts, and only then, the program itself may do everything.
        !matches!(self.0.local.peek().await.as_deref(), Ok(Identity::Operator))
    }

    /// Returns which users may register an account once there is one.
    pub(crate) fn registration(&self) -> RemoteRegistration {
        self.0.rules.registration()
    }

    /// Returns the doors of the process.
    pub(crate) fn doors(&self) -> &Doors {
        &self.0.doors
    }

    /// Returns the latest dashboards.
    pub(crate) fn dashboards(&self) -> &Dashboards {
        &self.0.dashboards
    }

    /// Returns true once the server ends.
    pub(crate) fn is_ending(&self) -> bool {
        *self.0.ends.borrow()
    }

    /// Returns the access of a client whom nobody is asked about yet: nobody's.
    pub(crate) fn stranger(&self, guest: &Guest) -> Access {
        self.0.local.of_client(SERVICE, guest.address(), &self.0.rules)
    }

    /// Returns the cookies.
    pub(crate) fn cookies(&self) -> &Cookies {
        &self.0.cookies
    }

    /// Returns the challenges to those who log in.
    pub(crate) fn challenges(&self) -> &Challenges {
        &self.0.challenges
    }

    /// Returns the rates of requests.
    pub(crate) fn rates(&self) -> &Rates {
        &self.0.rates
    }

    /// Returns the open streams of events.
    pub(crate) fn seats(&self) -> &Seats {
        &self.0.seats
    }

    /// Waits until the server ends, for answers that have no end of their own.
    pub(crate) async fn ending(&self) {
        // Without the server there is nothing to wait for either.
        let _ = self.0.ends.clone().wait_for(|&ends| ends).await;
    }
}

impl FromRef<Web> for Cookies {
    fn from_ref(web: &Web) -> Cookies {
        web.0.cookies.clone()
    }
}
