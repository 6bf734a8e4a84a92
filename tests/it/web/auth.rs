//! Accounts and sessions by REST.

use serde_json::json;

use super::*;

/// The first account needs the setup token; a session says whose it is, and what is wrong is a problem document.
#[test]
fn an_account_is_made_and_logged_in_to() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        assert_eq!(site.get("/auth/whoami").await, (200, json!({ "name": "alice", "is_admin": true })));
        let wrong = json!({ "username": "alice", "password": "wrong" });
        let answer = site.client.post(site.url("/api/v1/auth/login")).json(&wrong).send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        let (status, body) = read(answer).await;
        assert_eq!((status, body["reason"].as_str()), (401, Some("LOGIN_REFUSED")), "{body}");
        assert!(site.served.stop().code == Some(0));
    });
}
