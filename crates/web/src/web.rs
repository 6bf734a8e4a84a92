//! What all requests share: the gate, its rules, and whether clients come by TLS.

use std::sync::Arc;

use axum::extract::FromRef;
use axum_extra::extract::cookie::Key;
use p2p_service::access::Access;
use p2p_service::access::remote::RemoteRules;
use p2p_service::doors::guest::Guest;
use tokio::sync::watch;

use crate::SERVICE;

/// What all requests share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Web(Arc<Inner>);

struct Inner {
    local: Access,
    rules: Arc<RemoteRules>,
    /// True if the web speaks TLS, so that cookies are kept from what does not (RFC 6265, section 5.2.5).
    is_secure: bool,
    /// Key by which cookies are signed.
    key: Key,
    /// True once the server ends.
    ends: watch::Receiver<bool>,
}

impl Web {
    /// Makes what the requests to the gate of `local` share.
    pub(crate) fn new(local: Access, rules: Arc<RemoteRules>, is_secure: bool, ends: watch::Receiver<bool>) -> Web {
        Web(Arc::new(Inner { local, rules, is_secure, key: Key::generate(), ends }))
    }

    /// Returns the access of a client whom nobody is asked about yet: nobody's.
    pub(crate) fn stranger(&self, guest: &Guest) -> Access {
        self.0.local.of_client(SERVICE, guest.address(), &self.0.rules)
    }

    /// Returns true if the web speaks TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.0.is_secure
    }

    /// Waits until the server ends, for answers that have no end of their own.
    pub(crate) async fn ending(&self) {
        // Without the server there is nothing to wait for either.
        let _ = self.0.ends.clone().wait_for(|&ends| ends).await;
    }
}

impl FromRef<Web> for Key {
    fn from_ref(web: &Web) -> Key {
        web.0.key.clone()
    }
}
