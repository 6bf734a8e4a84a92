//! The page of the account and the form of a new one, without JavaScript.

use super::pages::Browser;
use super::*;

/// A new account by the form needs the setup token, and begins a session.
#[test]
fn an_account_is_made_by_a_form() {
    on_a_runtime(async {
        let home = Home::new(QUICK);
        let served = Served::of(home.spawn(&["serve", "--web=:0", "--speed", "max"]));
        let address: SocketAddr = served.ready["services"][0]["address"].as_str().unwrap().parse().unwrap();
        let setup = served.ready["setup_token"].as_str().unwrap().to_owned();
        let client = Client::builder().no_proxy().build().unwrap();
        let site = Site { home, served, client, base: format!("http://{address}"), token: String::new() };
        let browser = Browser::of(&site);
        let form = async |admission: &str, again: &str| {
            let fields = [
                ("username", "alice"),
                ("email", "alice@example.org"),
                ("password", PASSWORD),
                ("again", again),
                ("admission", admission),
            ];
            browser.send("/register", "/register", &fields).await
        };
        // Nobody can sign in yet, so that whoever comes is led to the form, and told where the token stands.
        let first = browser.get("/").await;
        assert_eq!(first.path, "/register", "{}", first.text);
        assert!(first.has("Register the admin") && first.has("<code>setup_token</code>"), "{}", first.text);
        let refused = form("wrong", PASSWORD).await;
        assert!(refused.status >= 400 && refused.has("role=\"alert\"") && refused.has("value=\"alice\""), "{}", refused.text);
        assert!(!refused.has(PASSWORD), "the password is not sent back");
        let differing = form(&setup, "another").await;
        assert_eq!(differing.status, 400);
        assert!(differing.has("Password again: it is another one"), "{}", differing.text);
        assert!(differing.has(&format!("value=\"{setup}\"")), "what else was typed stays");
        let made = form(&setup, PASSWORD).await;
        assert_eq!((made.status, made.path.as_str()), (200, "/files/"), "{}", made.text);
        let later = Browser::of(&site);
        assert_eq!(later.get("/").await.path, "/sign-in?next=%2Ffiles%2F");
        assert!(!later.get("/register").await.has("setup_token"), "the next account needs no setup token");
        site.served.stop();
    });
}

/// One-time passwords are enabled with a QR code and a code, and a sign-in needs one then.
#[test]
fn one_time_passwords_are_enabled_by_forms() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let browser = Browser::of_user(&site, "alice").await;
        let form = async |fields: &[(&str, &str)]| browser.send("/account", "/account", fields).await;
        let begun = form(&[("do", "enable-app")]).await;
        assert!(begun.has("<svg class=\"qr\"") && begun.has("autocomplete=\"one-time-code\""), "{}", begun.text);
        let wrong = form(&[("do", "confirm"), ("code", "000000x")]).await;
        assert!(wrong.status >= 400 && wrong.has("role=\"alert\""), "{}", wrong.text);
        let secret = begun.text.split("Secret: <code>").nth(1).unwrap().split('<').next().unwrap().to_owned();
        let enabled = form(&[("do", "confirm"), ("code", &crate::accounts::app_code(&secret, crate::accounts::now()))]).await;
        assert!(enabled.has("Backup codes") && enabled.has("class=\"codes mono\""), "{}", enabled.text);
        let backup = enabled.text.split("class=\"codes mono\"><li>").nth(1).unwrap().split('<').next().unwrap().to_owned();
        let second = Browser::of(&site);
        let fields = [("username", "alice"), ("password", PASSWORD), ("next", "/account")];
        let asked = second.send("/sign-in", "/sign-in", &fields).await;
        assert!(asked.has("action=\"/sign-in/code\"") && asked.has("name=\"next\" value=\"/account\""), "{}", asked.text);
        let hidden = |name: &str| {
            asked.text.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap().split('"').next().unwrap().to_owned()
        };
        let (challenge, kind) = (hidden("challenge"), hidden("kind"));
        let code = |code: &str| {
            let fields = [
                ("challenge", challenge.clone()),
                ("kind", kind.clone()),
                ("next", "/account".to_owned()),
                ("code", code.to_owned()),
            ];
            let second = &second;
            async move {
                let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
                second.send("/sign-in", "/sign-in/code", &fields).await
            }
        };
        let refused = code("wrong").await;
        assert!(refused.status >= 400 && refused.has("action=\"/sign-in/code\""), "{}", refused.text);
        let signed_in = code(&backup).await;
        assert_eq!((signed_in.status, signed_in.path.as_str()), (200, "/account"), "{}", signed_in.text);
        assert!(signed_in.has("this one"), "the sessions are listed");
        site.served.stop();
    });
}

/// An API token is shown once, and is gone once it is revoked.
#[test]
fn tokens_are_made_and_revoked() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let browser = Browser::of_user(&site, "alice").await;
        let form = async |fields: &[(&str, &str)]| browser.send("/account", "/account", fields).await;
        let made = form(&[("do", "new-token"), ("name", "backup"), ("scope", "read"), ("path", ""), ("days", "30")]).await;
        let token =
            made.text.split("id=\"new-token\"").nth(1).unwrap().split("value=\"").nth(1).unwrap().split('"').next().unwrap();
        let who = site.client.get(site.url("/api/v1/auth/whoami")).bearer_auth(token);
        assert_eq!(who.send().await.unwrap().status(), 200);
        assert!(!browser.get("/account").await.has(token), "it is shown once");
        let refused = form(&[("do", "new-token"), ("name", "other"), ("scope", "read"), ("path", ""), ("days", "400")]).await;
        assert_eq!(refused.status, 400);
        let revoked = form(&[("do", "revoke-token"), ("name", "backup")]).await;
        assert!(revoked.has("The token is revoked"), "{}", revoked.text);
        assert_eq!(site.client.get(site.url("/api/v1/auth/whoami")).bearer_auth(token).send().await.unwrap().status(), 401);
        site.served.stop();
    });
}

/// The `type` of each problem leads to a page that says what its reason means, for those too who have not signed in.
#[test]
fn the_type_of_a_problem_has_a_page() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let (status, problem) = read(site.client.get(site.url("/api/v1/files")).send().await.unwrap()).await;
        assert_eq!((status, problem["type"].as_str()), (401, Some("/problems/LOGIN_NEEDED")));
        let browser = Browser::of(&site);
        let page = browser.get("/problems/LOGIN_NEEDED").await;
        assert!(page.status == 200 && page.has("Nobody is logged in."), "{}", page.text);
        for (name, _) in p2p_service::reasons::NAMES {
            assert!(page.has(&format!("href=\"/problems/{name}\"")), "{name}");
        }
        assert_eq!(browser.get("/problems/NO_SUCH_REASON").await.status, 404);
        // What the library rejects is told in words of the one who asks.
        let asked = site.client.post(site.url("/api/v1/auth/login")).json(&json!({ "username": "alice" }));
        let (_, problem) = read(asked.send().await.unwrap()).await;
        assert!(problem["detail"].as_str().unwrap().starts_with("the body: the field `password` is missing"), "{problem}");
        site.served.stop();
    });
}

/// An admin makes accounts on the page of the users. Where registration is closed, as by itself, no invite is made, and who has no account is
/// told who makes it.
#[test]
fn an_admin_makes_accounts_on_a_page() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let admin = Browser::of_user(&site, "alice").await;
        let account = async |again: &str| {
            let fields =
                [("do", "account"), ("username", "bob"), ("email", "bob@example.org"), ("password", PASSWORD), ("again", again)];
            admin.send("/users", "/users", &fields).await
        };
        assert!(admin.get("/account").await.has("href=\"/users\""));
        let refused = account("another").await;
        assert!(refused.status == 400 && refused.has("Password again: ") && refused.has("value=\"bob\""), "{}", refused.text);
        let made = account(PASSWORD).await;
        assert!(made.status == 200 && made.has("bob has an account") && made.has("bob@example.org"), "{}", made.text);
        assert_eq!(account(PASSWORD).await.status, 409, "the name is taken");
        let invite = admin.send("/users", "/users", &[("do", "invite"), ("days", "7")]).await;
        assert!(invite.status == 409 && invite.has("would admit nobody"), "{}", invite.text);
        assert_eq!(because(site.send(Method::POST, "/invites", json!({})).await), (409, "REGISTRATION_REFUSED".into()));
        let user = Browser::of_user(&site, "bob").await;
        let denied = user.get("/users").await;
        assert!(denied.status == 403 && denied.has("href=\"/files/?shared=1\""), "{}", denied.text);
        assert!(!user.get("/account").await.has("href=\"/users\""));
        assert_eq!(user.send("/account", "/users", &[("do", "account"), ("username", "x")]).await.status, 403);
        let stranger = Browser::of(&site);
        assert!(stranger.get("/sign-in").await.has("An admin of this server makes it"));
        assert!(!stranger.get("/register").await.has("name=\"username\""), "nobody fills in what is refused");
        site.served.stop();
    });
}

/// An invite that an admin has made on the page is shown once, and whoever has it registers by the form.
#[test]
fn an_admin_makes_invites_on_a_page() {
    on_a_runtime(async {
        let site = Site::start(&format!("{QUICK}[accounts]\nremote_registration = 'invite'\n")).await;
        let admin = Browser::of_user(&site, "alice").await;
        let made = admin.send("/users", "/users", &[("do", "invite"), ("days", "7")]).await;
        let invite = made.text.split("value=\"p2p_invite_").nth(1).unwrap_or_else(|| panic!("{}", made.text));
        let invite = format!("p2p_invite_{}", invite.split('"').next().unwrap());
        assert!(!admin.get("/users").await.has(&invite), "it is shown once");
        let guest = Browser::of(&site);
        assert!(guest.get("/sign-in").await.has("with an invite of an admin"));
        let fields = [
            ("username", "bob"),
            ("email", "bob@example.org"),
            ("password", PASSWORD),
            ("again", PASSWORD),
            ("admission", invite.as_str()),
        ];
        let registered = guest.send("/register", "/register", &fields).await;
        assert_eq!((registered.status, registered.path.as_str()), (200, "/files/"), "{}", registered.text);
        let other = admin.send("/users", "/users", &[("do", "invite"), ("days", "1")]).await;
        let id = other.text.split("name=\"id\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let revoked = admin.send("/users", "/users", &[("do", "revoke-invite"), ("id", &id)]).await;
        assert!(revoked.has("The invite is revoked") && !revoked.has("Open invites"), "{}", revoked.text);
        site.served.stop();
    });
}
