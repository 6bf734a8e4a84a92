//! The server: what it offers, and how it takes connections in and ends them.
//!
//! | file | contents |
//! |---|---|
//! | `connection` | one connection: HTTP with its limits, and the tasks of its requests |
//! | `rests` | what no handler reads of a body |
//! | `waiting` | clients that wait for an answer, who are not silent |

mod connection;
mod rests;
mod waiting;

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use p2p_service::access::Access;
use p2p_service::access::remote::RemoteRules;
use p2p_service::doors::certificate::Presented;
use p2p_service::doors::guarded::Guarded;
use p2p_service::doors::guest::Guest;
use p2p_service::doors::handshake::Handshake;
use p2p_service::doors::{Door, Doors};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::bounds::Bounds;
use crate::cookies::{CookieKeyError, Cookies};
use crate::guards::guarded;
use crate::rates::Rates;
use crate::spools::Spools;
use crate::web::Web;
use crate::{api, embedded, pages};

/// Protocols that the web speaks over TLS, the preferred one first (RFC 7301; RFC 9113, section 3.2; RFC 9112).
pub const PROTOCOLS: &[&[u8]] = &[b"h2", b"http/1.1"];

/// The web of a process.
#[derive(Debug)]
pub struct Server {
    routes: Router,
    cookies: Cookies,
    rates: Rates,
    /// Handshake of TLS, unless the web is without.
    handshake: Option<Handshake>,
    /// True once the server ends.
    ends: watch::Sender<bool>,
}

impl Server {
    /// Makes the server for clients of the gate of `access`, under these rules. With a certificate to present it speaks TLS, and nothing
    /// else. The key that signs cookies is kept in the data directory. A user and an address may make so many requests in a second for long, and ten
    /// times as many at once. The server tells of the figures of `doors`.
    ///
    /// # Errors
    /// Fails if the key of cookies cannot be read or made, or if others may read it.
    pub fn new(
        access: Access,
        rules: Arc<RemoteRules>,
        data_dir: &Path,
        requests_per_second: NonZeroU32,
        certificate: Option<&Presented>,
        doors: Doors,
    ) -> Result<Server, CookieKeyError> {
        Server::bounded(access, rules, data_dir, requests_per_second, certificate, doors, Bounds::default())
    }

    /// Makes the server as [`new`](Self::new) does, with other bounds of what the content of clients may hold up.
    ///
    /// # Errors
    /// Fails as [`new`](Self::new) does.
    pub fn bounded(
        access: Access,
        rules: Arc<RemoteRules>,
        data_dir: &Path,
        requests_per_second: NonZeroU32,
        certificate: Option<&Presented>,
        doors: Doors,
        bounds: Bounds,
    ) -> Result<Server, CookieKeyError> {
        let ends = watch::Sender::new(false);
        let (cookies, rates) = (Cookies::of(data_dir, certificate.is_some())?, Rates::of(requests_per_second));
        let web = Web::new(access, rules, cookies.clone(), rates.clone(), ends.subscribe(), doors);
        let routes = routes().with_state(web).layer(Extension(bounds)).layer(Extension(Spools::new(data_dir, bounds)));
        Ok(Server { routes, cookies, rates, handshake: certificate.map(Handshake::presenting), ends })
    }

    /// Serves the clients of a door until it is closed, and then lets them end what they do, for `drain` at the most.
    pub async fn attend(self, door: Door, drain: Duration) {
        let mut closing = door.closing();
        let routes = guarded(self.routes, door.address(), &self.cookies, &self.rates);
        let attending = door
            .attend(drain, |stream, guest| serve(self.handshake.clone(), stream, guest, routes.clone(), self.ends.subscribe()));
        let ending = async {
            closing.begun().await;
            self.ends.send_replace(true);
        };
        tokio::join!(attending, ending);
    }
}

/// Returns all routes of the web.
fn routes() -> Router<Web> {
    Router::new().merge(api::routes()).merge(pages::routes()).merge(embedded::routes())
}

/// Serves one connection to its end: behind a handshake where there is TLS.
async fn serve(
    handshake: Option<Handshake>,
    stream: Guarded<TcpStream>,
    guest: Guest,
    routes: Router,
    mut ends: watch::Receiver<bool>,
) {
    let Some(handshake) = handshake else { return connection::serve(stream, guest, routes, ends).await };
    if let Some(stream) = handshake.unless_ended(stream, &guest, &mut ends).await {
        connection::serve(stream, guest, routes, ends).await;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    /// Paths of what is for people: pages, and what these load.
    const PAGES: &[&str] = &[
        "/",
        "/account",
        "/users",
        "/api",
        "/files",
        "/files/",
        "/files/{*path}",
        "/problems/{reason}",
        "/register",
        "/room",
        "/room/transfers/{id}",
        "/s/{token}",
        "/sign-in",
        "/sign-in/code",
        "/sign-out",
        "/static/{*path}",
        "/uploads",
    ];

    /// Routes of a router: each path with its methods, as the router shows them to those who look for errors in it.
    fn shown(router: &Router<Web>) -> BTreeMap<String, BTreeSet<String>> {
        let text = format!("{router:?}");
        let (routes, rest) = text.split_once("node: Node { paths: {").unwrap();
        let (paths, _) = rest.split_once('}').map(|_| rest.split_once("} }").unwrap()).unwrap();
        let entries = |text: &str| -> BTreeMap<usize, String> {
            let entry = |entry: &str| entry.split_once("): ").map(|(id, rest)| (id.parse().unwrap(), rest.to_owned()));
            text.split("RouteId(").skip(1).filter_map(entry).collect()
        };
        let of_route = |text: &str| -> BTreeSet<String> {
            let allowed = text.split("allow_header: Bytes(b\"").nth(1).unwrap().split('"').next().unwrap();
            allowed.split(',').map(|method| method.to_lowercase()).collect()
        };
        let (methods, paths) = (entries(routes), entries(paths));
        paths.iter().map(|(id, path)| (path.split('"').nth(1).unwrap().to_owned(), of_route(&methods[id]))).collect()
    }

    /// Each route is described, with its methods, and each operation of the description is a route; what is for people is not described.
    #[test]
    fn every_route_is_described_and_the_other_way_round() {
        let served = shown(&routes());
        let description: serde_json::Value = serde_json::from_str(&api::description()).unwrap();
        let operations = description["paths"].as_object().unwrap().iter();
        let methods = |item: &serde_json::Value| item.as_object().unwrap().keys().cloned().collect();
        let mut told: BTreeMap<String, BTreeSet<String>> = operations.map(|(path, item)| (path.clone(), methods(item))).collect();
        for (path, methods) in &served {
            let described = told.remove(&path.replace("{*", "{")).unwrap_or_default();
            assert_eq!(described.is_empty(), PAGES.contains(&path.as_str()), "{path} is not described, or is a page");
            // What is answered to GET is answered to HEAD, whether or not there is more to say of it.
            let beside = if described.contains("head") { "" } else { "head" };
            let methods: BTreeSet<String> = methods.iter().filter(|method| *method != beside).cloned().collect();
            assert!(described.is_empty() || described == methods, "{path}: {described:?} are described, and {methods:?} there");
        }
        assert!(told.is_empty(), "described, and not there: {told:?}");
        assert!(served.len() > 80 && PAGES.iter().all(|page| served.contains_key(*page)), "{served:?}");
    }
}
