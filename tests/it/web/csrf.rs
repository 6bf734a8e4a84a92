//! Sign-ins of browsers: the cookie that holds the session, and what a page of another site cannot make a browser do.

use serde_json::json;

use super::*;

/// Name of the cookie that holds the session.
const SESSION: &str = "p2p_session";

/// A browser that is signed in: its cookie, and the token of its pages.
struct Browser {
    cookie: String,
    token: String,
}

impl Browser {
    /// Signs in as the script of a page does.
    async fn signed_in(site: &Site, name: &str) -> Browser {
        let body = json!({ "username": name, "password": PASSWORD });
        let answer = site.client.post(site.url("/api/v1/auth/login?cookie=true")).json(&body).send().await.unwrap();
        let (cookie, attributes) = cookie_of(&answer, SESSION).unwrap();
        assert_eq!(attributes, "HttpOnly; SameSite=Strict; Path=/; Max-Age=86400");
        let (status, session) = read(answer).await;
        assert!(status == 200 && session.get("token").is_none(), "what is in the cookie is not in the answer: {session}");
        Browser { cookie, token: session["csrf_token"].as_str().unwrap().to_owned() }
    }

    fn request(&self, site: &Site, method: Method, path: &str) -> RequestBuilder {
        site.client.request(method, site.url(path)).header("cookie", &self.cookie)
    }

    /// A request that changes something.
    fn change(&self, site: &Site) -> RequestBuilder {
        self.request(site, Method::POST, "/api/v1/auth/logout")
    }
}

async fn sent(request: RequestBuilder) -> (u16, String) {
    because(read(request.send().await.unwrap()).await)
}

/// What reads needs the cookie alone; what changes something needs the token of this session too, and comes from a page of this server.
#[test]
fn nothing_is_changed_by_another_site() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let (browser, other) = (Browser::signed_in(&site, "alice").await, Browser::signed_in(&site, "alice").await);
        let who = read(browser.request(&site, Method::GET, "/api/v1/auth/whoami").send().await.unwrap()).await;
        assert_eq!((who.0, who.1["csrf_token"].as_str()), (200, Some(browser.token.as_str())), "{who:?}");
        let refused = (403, "CROSS_SITE".to_owned());
        let with = |token: &str| browser.change(&site).header("x-csrf-token", token.to_owned());
        assert_eq!(sent(browser.change(&site)).await, refused);
        assert_eq!(sent(with(&other.token)).await, refused, "the token is of one session");
        assert_eq!(sent(with("")).await, refused);
        for site_of in ["cross-site", "same-site"] {
            assert_eq!(sent(with(&browser.token).header("sec-fetch-site", site_of)).await, refused, "{site_of}");
        }
        for origin in ["null", "http://127.0.0.1:1", "https://evil.example"] {
            assert_eq!(sent(with(&browser.token).header("origin", origin)).await, refused, "{origin}");
        }
        // A form cannot have a header: REST takes none without.
        let form = [("csrf_token", browser.token.as_str())];
        assert_eq!(sent(browser.change(&site).form(&form)).await, refused);
        // Who presents a bearer needs no token, and a browser adds none by itself.
        let bearer = site.request(Method::POST, "/auth/logout").header("cookie", &browser.cookie);
        assert_eq!(sent(bearer.header("sec-fetch-site", "cross-site")).await, (204, String::new()));
        let own = with(&browser.token).header("origin", &site.base).header("sec-fetch-site", "same-origin");
        let answer = own.send().await.unwrap();
        assert_eq!(answer.status(), 204);
        let (pair, attributes) = cookie_of(&answer, SESSION).unwrap();
        assert!(pair == "p2p_session=" && attributes.contains("Max-Age=0"), "{pair} {attributes}");
        assert!(site.served.stop().code == Some(0));
    });
}

/// A cookie whose session is over, and one that this server has not signed, are cleared, and their browsers are nobody.
#[test]
fn a_cookie_without_a_session_is_cleared() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let browser = Browser::signed_in(&site, "alice").await;
        let logout = browser.change(&site).header("x-csrf-token", &browser.token).json(&json!({ "all": true }));
        assert_eq!(sent(logout).await.0, 204);
        let forged = Browser { cookie: format!("p2p_session={}", site.token), token: String::new() };
        let damaged = Browser { cookie: format!("{}x", browser.cookie), token: String::new() };
        for (browser, reason) in [(browser, "SESSION_OVER"), (forged, "LOGIN_NEEDED"), (damaged, "LOGIN_NEEDED")] {
            let answer = browser.request(&site, Method::GET, "/api/v1/auth/whoami").send().await.unwrap();
            assert_eq!(cookie_of(&answer, SESSION).unwrap().0, "p2p_session=");
            assert_eq!(because(read(answer).await), (401, reason.into()));
            let page = browser.request(&site, Method::GET, "/sign-in").send().await.unwrap();
            assert_eq!((page.status().as_u16(), cookie_of(&page, SESSION).unwrap().0.as_str()), (200, "p2p_session="));
        }
        assert!(site.served.stop().code == Some(0));
    });
}

/// Sign-ins outlive a restart; without the key that signs they are over, and another one is made.
#[test]
fn a_sign_in_outlives_a_restart() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let browser = Browser::signed_in(&site, "alice").await;
        let site = site.restarted();
        assert_eq!(sent(browser.request(&site, Method::GET, "/api/v1/auth/whoami")).await.0, 200);
        std::fs::remove_file(site.home.data().join("keys/web-cookies")).unwrap();
        let site = site.restarted();
        assert_eq!(sent(browser.request(&site, Method::GET, "/api/v1/auth/whoami")).await, (401, "LOGIN_NEEDED".into()));
        assert_eq!(sent(site.request(Method::GET, "/auth/whoami")).await.0, 200, "the session of a program is another matter");
        let browser = Browser::signed_in(&site, "alice").await;
        assert_eq!(sent(browser.request(&site, Method::GET, "/api/v1/auth/whoami")).await.0, 200);
        assert!(site.served.stop().code == Some(0));
    });
}

/// The value of the hidden field of a page's form.
fn hidden(page: &str) -> &str {
    page.split("name=\"csrf_token\" value=\"").nth(1).unwrap().split('"').next().unwrap()
}

/// The form of the sign-in has a token of its own, so that no site signs anybody in as somebody else; without JavaScript one signs in and out.
#[test]
fn the_form_signs_in_from_its_own_page_alone() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let shown = site.client.get(site.url("/sign-in")).send().await.unwrap();
        let (forms, attributes) = cookie_of(&shown, "p2p_forms").unwrap();
        assert_eq!(attributes, "HttpOnly; SameSite=Strict; Path=/");
        let page = shown.text().await.unwrap();
        let token = hidden(&page).to_owned();
        let filled = |token: &str, cookie: &str| {
            let fields = [("username", "alice"), ("password", PASSWORD), ("csrf_token", token)];
            site.client.post(site.url("/sign-in")).header("cookie", cookie.to_owned()).form(&fields)
        };
        let refused = (403, "CROSS_SITE".to_owned());
        assert_eq!(sent(filled(&token, "")).await, refused, "another browser");
        assert_eq!(sent(filled("", &forms)).await, refused);
        assert_eq!(sent(filled(&token, &forms).header("sec-fetch-site", "cross-site")).await, refused);
        let told = filled("", &forms).header("accept", "text/html").send().await.unwrap();
        let told = (told.status().as_u16(), told.text().await.unwrap());
        assert!(told.0 == 403 && told.1.contains("load it again"), "a person reads a page: {}", told.1);
        let answer = filled(&token, &forms).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.headers()["location"].to_str().unwrap()), (303, "/"));
        let (session, _) = cookie_of(&answer, SESSION).unwrap();
        let browser = Browser { cookie: session, token: String::new() };
        let who = read(browser.request(&site, Method::GET, "/api/v1/auth/whoami").send().await.unwrap()).await.1;
        assert_eq!(who["name"], "alice");
        let out = |token: String| browser.request(&site, Method::POST, "/sign-out").form(&[("csrf_token", token)]);
        assert_eq!(sent(out(token)).await, refused, "the token was that of a stranger");
        let answer = out(who["csrf_token"].as_str().unwrap().to_owned()).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), cookie_of(&answer, SESSION).unwrap().0.as_str()), (303, "p2p_session="));
        assert_eq!(sent(browser.request(&site, Method::GET, "/api/v1/auth/whoami")).await, (401, "SESSION_OVER".into()));
        assert!(site.served.stop().code == Some(0));
    });
}
