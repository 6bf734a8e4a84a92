//! The web, as its clients see it: REST by a real HTTP client against a running `p2p serve --web`, and the pages.

mod auth;
pub(crate) mod browser;
mod browsing;
mod clock;
mod csrf;
mod dashboard;
mod events;
mod examples;
mod faults;
mod files;
mod files_changed;
mod files_foreign;
mod files_stored;
mod headers;
mod hostile;
mod hostile_bodies;
mod journey;
mod large;
mod looks;
mod malformed;
mod metrics;
mod network;
mod openapi;
mod pages;
mod pages_account;
mod pages_changes;
mod pictures;
mod room;
mod room_scripts;
mod transfers;
mod uploads;

use std::net::SocketAddr;

use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::program::{Home, PASSWORD, QUICK};
use crate::services::{Served, on_a_runtime};

/// A running `p2p serve --web` with an account, the admin's, and a client of it.
pub(super) struct Site {
    pub(super) home: Home,
    pub(super) served: Served,
    pub(super) client: Client,
    pub(super) base: String,
    /// Bearer of the admin's session.
    pub(super) token: String,
}

impl Site {
    /// Starts it with this configuration at a free port, and makes the account `alice`.
    pub(super) async fn start(config: &str) -> Site {
        // Tests ask again and again without a pause; the rates have tests of their own.
        let quick = if config.contains("[web]") { "" } else { "[web]\nrequests_per_second = 100000\n" };
        Site::start_in(Home::new(&format!("{config}{quick}"))).await
    }

    /// Starts it with the configuration and the data of a directory, in which there are no accounts, and makes the account `alice`.
    pub(super) async fn start_in(home: Home) -> Site {
        let mut site = Site::of(home);
        let setup = site.served.ready["setup_token"].as_str().unwrap().to_owned();
        site.token = site.registered("alice", Some(&setup)).await;
        site
    }

    /// Starts it in a home, with the accounts that are there.
    pub(super) fn of(home: Home) -> Site {
        Site::at_speed(home, "max")
    }

    /// Starts it in a home, where virtual time passes at this speed.
    pub(super) fn at_speed(home: Home, speed: &str) -> Site {
        let served = Served::of(home.spawn(&["serve", "--web=:0", "--speed", speed]));
        let service = &served.ready["services"][0];
        assert_eq!(service["service"], "web");
        let address: SocketAddr = service["address"].as_str().unwrap().parse().unwrap();
        // Nothing of the surroundings decides where requests go, and an answer that leads on is an answer.
        let client = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Site { home, served, client, base: format!("http://{address}"), token: String::new() }
    }

    /// Ends it, and starts another in the same home.
    pub(super) fn restarted(self) -> Site {
        assert_eq!(self.served.stop().code, Some(0));
        Site { token: self.token, ..Site::of(self.home) }
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.base.strip_prefix("http://").unwrap().parse().unwrap()
    }

    /// What a request of the admin with a body reads.
    pub(super) async fn send(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        read(self.request(method, path).json(&body).send().await.unwrap()).await
    }

    /// Makes an account, and returns the bearer of its session.
    pub(super) async fn registered(&self, name: &str, admission: Option<&str>) -> String {
        let wanted = json!({
            "username": name, "email": format!("{name}@example.org"), "password": PASSWORD, "admission": admission,
        });
        let answer = self.client.post(self.url("/api/v1/auth/register")).json(&wanted).send().await.unwrap();
        let (status, body) = read(answer).await;
        assert_eq!(status, 201, "{body}");
        body["token"].as_str().unwrap().to_owned()
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// A request of the admin below `/api/v1`.
    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(&format!("/api/v1{path}"))).bearer_auth(&self.token)
    }

    /// What a request of the admin reads: the status and the JSON.
    pub(super) async fn get(&self, path: &str) -> (u16, Value) {
        read(self.request(Method::GET, path).send().await.unwrap()).await
    }
}

/// The status of an answer, and its body as JSON; null where it is none.
pub(super) async fn read(answer: Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    let bytes = answer.bytes().await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

/// The status of an answer that refuses, and the reason.
pub(super) fn because((status, body): (u16, Value)) -> (u16, String) {
    (status, body["reason"].as_str().unwrap_or_default().to_owned())
}

/// The cookie of this name that an answer sets: its pair, and its attributes.
pub(super) fn cookie_of(answer: &Response, name: &str) -> Option<(String, String)> {
    let set = answer.headers().get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    let (pair, attributes) = set.into_iter().find(|text| text.starts_with(&format!("{name}=")))?.split_once("; ")?;
    Some((pair.to_owned(), attributes.to_owned()))
}
