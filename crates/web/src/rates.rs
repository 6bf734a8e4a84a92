//! Rates of requests: how many a user and an address may make, so that one client slows nobody else. Attempts to log in have the limits of
//! the accounts, which outlive a restart; these here are about work, and are kept in memory of a bounded size.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use http::{HeaderName, HeaderValue};
use p2p_service::doors::guest::Guest;

use crate::problem::Problem;

/// Time whose worth of requests may come at once after a rest, in seconds.
const REST_SECONDS: NonZeroU32 = NonZeroU32::new(10).unwrap();
/// Addresses whose requests are counted by themselves, at the most; those beyond are counted together.
const KEYS_MAX: usize = 4_096;
/// Path whose requests are not counted, since those who watch over the server ask it.
const HEALTH: &str = "/healthz";
/// Header that tells of a limit.
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// Reason of the refusal, in the figures of the door.
const REFUSED: &str = "too many requests";

/// One whose requests are counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    /// Address, or the network of an address of IPv6: a client has all of it (RFC 6177).
    Address(IpAddr),
    /// User, by name.
    User(String),
    /// All for whom there is no place.
    Others,
}

/// Rates of all clients. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Rates(Arc<Limiter>, Quota);

type Limiter = RateLimiter<Key, HashMapStateStore<Key>, DefaultClock>;

impl Rates {
    /// Makes the rates of clients that may make so many requests in a second for long.
    pub(crate) fn of(per_second: NonZeroU32) -> Rates {
        Rates::new(Quota::per_second(per_second).allow_burst(per_second.saturating_mul(REST_SECONDS)))
    }

    fn new(quota: Quota) -> Rates {
        Rates(Arc::new(RateLimiter::hashmap(quota)), quota)
    }

    /// Counts a request of a user.
    pub(crate) fn check_user(&self, name: &str) -> Result<(), Problem> {
        self.check(Key::User(name.to_owned())).map_err(|wait| Problem::too_many("the user makes too many requests", wait))
    }

    fn check_address(&self, address: IpAddr) -> Result<(), Problem> {
        let checked = self.check(Key::Address(network(address)));
        checked.map_err(|wait| Problem::too_many("this address makes too many requests", wait))
    }

    /// Counts a request, or returns the time after which there may be one.
    fn check(&self, key: Key) -> Result<(), Duration> {
        // Users are as many as there are accounts; addresses are as many as a stranger likes.
        let is_counted_apart = matches!(key, Key::User(_)) || self.0.len() < KEYS_MAX;
        let key = if is_counted_apart { key } else { self.with_room(key) };
        self.0.check_key(&key).map_err(|not_until| not_until.wait_time_from(DefaultClock::default().now()))
    }

    /// Forgets those who have rested long enough to be as new, and gives a place to a key if there is one.
    fn with_room(&self, key: Key) -> Key {
        self.0.retain_recent();
        if self.0.len() < KEYS_MAX { key } else { Key::Others }
    }

    /// Adds what the limit is to a refusal (draft-ietf-httpapi-ratelimit-headers-10, section 3).
    fn told(&self, mut response: Response) -> Response {
        let (count, span) = (self.1.burst_size(), self.1.burst_size_replenished_in().as_secs());
        if let Ok(value) = HeaderValue::from_str(&format!("\"requests\";q={count};w={span}")) {
            response.headers_mut().insert(POLICY, value);
        }
        response
    }
}

/// Returns an address, or the network of 64 bits that one of IPv6 is in.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        address => address,
    }
}

/// Counts the requests of an address, and refuses those that are too many with 429 (RFC 6585, section 4).
pub(crate) async fn layer(State(rates): State<Rates>, request: Request, next: Next) -> Response {
    let guest = request.extensions().get::<Guest>().filter(|_| request.uri().path() != HEALTH);
    match guest.map(|guest| (guest, rates.check_address(guest.address()))) {
        Some((guest, Err(problem))) => {
            guest.note_refusal(REFUSED);
            rates.told(problem.into_response())
        }
        _ => {
            let response = next.run(request).await;
            let is_of_user = response.extensions().get().is_some_and(Problem::is_of_rate);
            if is_of_user { rates.told(response) } else { response }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn few() -> Rates {
        // One an hour, so that no test is too slow for it.
        Rates::new(Quota::with_period(Duration::from_secs(3_600)).unwrap().allow_burst(NonZeroU32::new(3).unwrap()))
    }

    #[test]
    fn too_many_requests_are_refused_with_the_time_to_wait() {
        let (rates, address) = (few(), "192.0.2.1".parse().unwrap());
        for _ in 0..3 {
            rates.check_address(address).unwrap();
        }
        let response = rates.check_address(address).unwrap_err().into_response();
        let response = rates.told(response);
        assert_eq!(response.headers()["ratelimit-policy"], "\"requests\";q=3;w=10800");
        let wait: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!(response.status() == 429 && (3_000..=3_600).contains(&wait), "{wait}");
        rates.check_address("192.0.2.2".parse().unwrap()).unwrap();
        rates.check_user("alice").unwrap();
    }

    /// A client has a whole network of IPv6, and changes its address as it likes.
    #[test]
    fn addresses_of_one_network_are_one() {
        let rates = few();
        for last in 0..3 {
            rates.check_address(format!("2001:db8::{last}").parse().unwrap()).unwrap();
        }
        assert!(rates.check_address("2001:db8::ffff".parse().unwrap()).is_err());
        rates.check_address("2001:db8:0:1::1".parse().unwrap()).unwrap();
        assert_eq!(network("::ffff:192.0.2.1".parse().unwrap()), "192.0.2.1".parse::<IpAddr>().unwrap());
    }

    /// The table has a bounded size, and those for whom there is no place share one.
    #[test]
    fn the_table_is_bounded() {
        let rates = few();
        for number in 0..2 * KEYS_MAX as u32 {
            let _ = rates.check_address(IpAddr::from(number.to_be_bytes()));
        }
        assert!(rates.0.len() <= KEYS_MAX + 1, "{}", rates.0.len());
        assert!(rates.check_address("203.0.113.1".parse().unwrap()).is_err(), "the others have made too many");
        rates.check_user("alice").unwrap();
    }
}
