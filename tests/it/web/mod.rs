//! The web, as its clients see it: REST by a real HTTP client against a running `p2p serve --web`, and the pages.

mod auth;
pub(crate) mod browser;
mod browsing;
mod examples;

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
        let home = Home::new(config);
        let served = Served::of(home.spawn(&["serve", "--web=:0", "--speed", "max"]));
        let service = &served.ready["services"][0];
        assert_eq!(service["service"], "web");
        let address: SocketAddr = service["address"].as_str().unwrap().parse().unwrap();
        let setup = served.ready["setup_token"].as_str().unwrap().to_owned();
        // Nothing of the surroundings decides where requests go.
        let client = Client::builder().no_proxy().build().unwrap();
        let mut site = Site { home, served, client, base: format!("http://{address}"), token: String::new() };
        site.token = site.registered("alice", Some(&setup)).await;
        site
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
