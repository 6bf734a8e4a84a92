//! Accounts and sessions by REST.

use serde_json::json;

use super::*;
use crate::accounts::{app_code, enable_app, mailed_codes, now};
use crate::program::wait_until;

/// The first account needs the setup token; a session says whose it is, and what is wrong is a problem document.
#[test]
fn an_account_is_made_and_logged_in_to() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let (status, who) = site.get("/auth/whoami").await;
        let expected = json!({
            "name": "alice", "is_admin": true, "scope": "admin", "path": null, "by_token": false, "second_factor": null,
            "backup_codes": 0, "csrf_token": null,
        });
        assert_eq!((status, who), (200, expected));
        let wrong = json!({ "username": "alice", "password": "wrong" });
        let answer = site.client.post(site.url("/api/v1/auth/login")).json(&wrong).send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        assert_eq!(because(read(answer).await), (401, "LOGIN_REFUSED".into()));
        let right = json!({ "username": "alice", "password": PASSWORD });
        let (status, session) = read(site.client.post(site.url("/api/auth/login")).json(&right).send().await.unwrap()).await;
        assert_eq!((status, &session["user"]), (200, &json!({ "name": "alice", "is_admin": true })), "the older path");
        let (begin, end) = (now(), session["expires_at"].as_u64().unwrap());
        assert!(end > begin && end <= begin + 24 * 3600, "{session}");
        // Who is there already makes accounts for others, and stays who they are.
        let bob = json!({ "username": "bob", "email": "bob@example.org", "password": PASSWORD });
        let made = json!({ "user": { "name": "bob", "is_admin": false } });
        assert_eq!(site.send(Method::POST, "/auth/register", bob.clone()).await, (201, made));
        assert_eq!(because(site.send(Method::POST, "/auth/register", bob.clone()).await), (409, "NAME_TAKEN".into()));
        let stranger = site.client.post(site.url("/api/auth/register")).json(&bob).send().await.unwrap();
        assert_eq!(because(read(stranger).await), (403, "REGISTRATION_REFUSED".into()));
        let nameless = json!({ "username": "a b", "email": "x@example.org", "password": PASSWORD });
        let (status, body) = site.send(Method::POST, "/auth/register", nameless).await;
        assert_eq!((status, body["field"].as_str()), (400, Some("username")), "{body}");
        assert!(site.served.stop().code == Some(0));
    });
}

/// A code counts once, for the login that asked for it; one that comes with the password needs no second request.
#[test]
fn a_login_with_a_code() {
    let home = Home::new(QUICK);
    home.register("alice");
    let (_, backup) = enable_app(&home, "alice");
    on_a_runtime(async {
        let site = Site::of(home);
        let login = |code: Option<&str>| {
            let body = json!({ "username": "alice", "password": PASSWORD, "otp_code": code });
            let request = site.client.post(site.url("/api/v1/auth/login")).json(&body);
            async { read(request.send().await.unwrap()).await }
        };
        let verify = |challenge: &Value, code: &str| {
            let body = json!({ "challenge": challenge, "code": code });
            let request = site.client.post(site.url("/api/v1/auth/otp")).json(&body);
            async { read(request.send().await.unwrap()).await }
        };
        let (status, body) = login(None).await;
        assert_eq!((status, body["reason"].as_str(), body["kind"].as_str()), (401, Some("CODE_NEEDED"), Some("app")), "{body}");
        let challenge = &body["challenge"];
        assert_eq!(because(verify(challenge, "000000").await), (401, "CODE_REFUSED".into()));
        let (status, session) = verify(challenge, &backup[0]).await;
        assert_eq!((status, session["user"]["name"].as_str()), (200, Some("alice")), "{session}");
        assert_eq!(because(verify(challenge, &backup[1]).await).1, "LAPSED", "it is answered");
        assert_eq!(because(login(Some(&backup[0])).await).1, "CODE_REFUSED", "it is used");
        assert_eq!(login(Some(&backup[1])).await.0, 200, "at once");
        let unknown = json!({ "challenge": "p2p_otp_none" });
        let resent = site.client.post(site.url("/api/v1/auth/otp/send")).json(&unknown).send().await.unwrap();
        assert_eq!(because(read(resent).await).1, "LAPSED");
        assert!(site.served.stop().code == Some(0));
    });
}

/// One-time passwords are set up by what an app scans or by mails, confirmed, and taken back; the backup codes are told once.
#[test]
fn one_time_passwords_are_set_up() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let post = |path: &'static str, body: Value| site.send(Method::POST, path, body);
        let (status, set_up) = read(site.request(Method::POST, "/auth/enable-otp").send().await.unwrap()).await;
        let (secret, uri) = (set_up["secret"].as_str().unwrap(), set_up["uri"].as_str().unwrap());
        assert_eq!((status, set_up["kind"].as_str()), (200, Some("app")));
        assert!(uri.starts_with(&format!("otpauth://totp/p2p:alice?secret={secret}")), "{uri}");
        let picture = set_up["qr_svg"].as_str().unwrap();
        assert!(picture.starts_with("<svg xmlns=") && picture.ends_with("</svg>") && !picture.contains("style"), "{picture}");
        let alias = site.client.post(site.url("/api/auth/enable-otp")).bearer_auth(&site.token).send().await.unwrap();
        let (status, set_up) = read(alias).await;
        assert_eq!(status, 200, "begun anew by the older path: {set_up}");
        assert_eq!(because(post("/auth/confirm-otp", json!({ "code": "000000" })).await), (401, "CODE_REFUSED".into()));
        let code = app_code(set_up["secret"].as_str().unwrap(), now());
        let (status, codes) = post("/auth/confirm-otp", json!({ "code": code })).await;
        assert_eq!((status, codes["backup_codes"].as_array().unwrap().len()), (200, 10), "{codes}");
        assert_eq!(site.get("/auth/whoami").await.1["second_factor"], "app");
        let (status, again) = post("/auth/backup-codes", json!({ "password": PASSWORD })).await;
        assert!(status == 200 && again != codes, "{again}");
        assert_eq!(because(post("/auth/disable-otp", json!({ "password": "wrong" })).await), (401, "LOGIN_REFUSED".into()));
        assert_eq!(post("/auth/disable-otp", json!({ "password": PASSWORD })).await.0, 204);
        let mailed = json!({ "kind": "mail", "secret": null, "uri": null, "qr_svg": null });
        assert_eq!(post("/auth/enable-otp", json!({ "kind": "mail" })).await, (200, mailed));
        wait_until("the code is mailed", || !mailed_codes(&site.home).is_empty());
        assert_eq!(post("/auth/confirm-otp", json!({ "code": mailed_codes(&site.home)[0] })).await.0, 200);
        assert_eq!(because(post("/auth/enable-otp", json!({ "kind": "pigeon" })).await), (422, "INVALID_FIELD".into()));
        assert!(site.served.stop().code == Some(0));
    });
}

/// Sessions are listed and ended; a new password ends the others.
#[test]
fn an_account_is_looked_after() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let login = async || {
            let body = json!({ "username": "alice", "password": PASSWORD });
            read(site.client.post(site.url("/api/v1/auth/login")).json(&body).send().await.unwrap()).await.1["token"].clone()
        };
        let (one, other) = (login().await, login().await);
        let who = async |token: &Value| {
            let request = site.client.get(site.url("/api/v1/auth/whoami")).bearer_auth(token.as_str().unwrap());
            because(read(request.send().await.unwrap()).await)
        };
        let (_, listed) = site.get("/auth/sessions").await;
        let sessions = listed["sessions"].as_array().unwrap();
        assert!(sessions.len() == 3 && sessions.iter().all(|session| session["origin"] == "web 127.0.0.1"), "{listed}");
        let foreign = sessions.iter().find(|session| session["is_own"] == false).unwrap()["id"].as_str().unwrap();
        assert_eq!(site.send(Method::DELETE, &format!("/auth/sessions/{foreign}"), json!({})).await.0, 204);
        assert_eq!(because(site.send(Method::DELETE, "/auth/sessions/none", json!({})).await), (404, "NOT_FOUND".into()));
        let left = [who(&one).await, who(&other).await];
        assert_eq!(left.iter().filter(|left| left.0 == 200).count(), 1, "{left:?}");
        let change = json!({ "old": PASSWORD, "new": "another horse battery" });
        assert_eq!(site.send(Method::POST, "/auth/password", change.clone()).await.0, 204);
        assert_eq!(because(site.send(Method::POST, "/auth/password", change).await), (401, "LOGIN_REFUSED".into()));
        assert_eq!([who(&one).await.0, who(&other).await.0], [401, 401], "the others are over");
        assert_eq!(read(site.request(Method::POST, "/auth/logout").send().await.unwrap()).await.0, 204);
        assert_eq!(because(site.get("/auth/whoami").await), (401, "SESSION_OVER".into()));
        assert!(site.served.stop().code == Some(0));
    });
}

/// Programs log in by tokens, which cover no account; an invite admits one registration.
#[test]
fn tokens_and_invites_are_made_and_revoked() {
    on_a_runtime(async {
        let site = Site::start(&format!("{QUICK}[accounts]\nremote_registration = 'invite'\n")).await;
        let wanted = json!({ "name": "ci", "scope": "write", "path": "photos/" });
        let (status, made) = site.send(Method::POST, "/tokens", wanted.clone()).await;
        assert_eq!((status, made["name"].as_str()), (201, Some("ci")), "{made}");
        assert_eq!(because(site.send(Method::POST, "/tokens", wanted).await), (409, "NAME_TAKEN".into()));
        for (wrong, field) in [
            (json!({ "name": "a b" }), "name"),
            (json!({ "name": "x", "scope": "all" }), "scope"),
            (json!({ "name": "x", "expires_at": 1 }), "expires_at"),
        ] {
            let (status, body) = site.send(Method::POST, "/tokens", wrong).await;
            assert_eq!((status, body["field"].as_str()), (400, Some(field)), "{body}");
        }
        let program =
            |path: &str| site.client.get(site.url(&format!("/api/v1{path}"))).bearer_auth(made["token"].as_str().unwrap());
        let (_, who) = read(program("/auth/whoami").send().await.unwrap()).await;
        assert_eq!((&who["scope"], &who["path"], &who["by_token"]), (&json!("write"), &json!("photos"), &json!(true)));
        assert_eq!(because(read(program("/auth/sessions").send().await.unwrap()).await), (403, "SESSION_ONLY".into()));
        let (_, listed) = site.get("/tokens").await;
        assert!(listed["tokens"][0]["name"] == "ci" && listed["tokens"][0].get("token").is_none(), "{listed}");
        assert_eq!(site.send(Method::DELETE, "/tokens/ci", json!({})).await.0, 204);
        assert_eq!(because(read(program("/auth/whoami").send().await.unwrap()).await), (401, "TOKEN_REFUSED".into()));
        let (_, invite) = read(site.request(Method::POST, "/invites").send().await.unwrap()).await;
        site.registered("bob", invite["invite"].as_str()).await;
        let (status, invite) = site.send(Method::POST, "/invites", json!({ "expires_at": now() + 60 })).await;
        assert_eq!(status, 201, "{invite}");
        let (_, listed) = site.get("/invites").await;
        assert!(listed["invites"].as_array().unwrap().len() == 1 && listed["invites"][0]["by"] == "alice", "{listed}");
        let id = listed["invites"][0]["id"].as_str().unwrap();
        assert_eq!(site.send(Method::DELETE, &format!("/invites/{id}"), json!({})).await.0, 204);
        assert!(site.served.stop().code == Some(0));
    });
}
