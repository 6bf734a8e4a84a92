//! Logins: keys of `keygen`, the second factor, API tokens, and attempts.

use russh::MethodKind;
use russh::keys::{Algorithm, PrivateKey, PrivateKeyWithHashAlg, load_secret_key};

use super::*;
use crate::accounts::{app_code, enable_app, now};

fn with(key: PrivateKey) -> PrivateKeyWithHashAlg {
    PrivateKeyWithHashAlg::new(Arc::new(key), Some(russh::keys::HashAlg::Sha512))
}

/// Asks for the prompts of the method, and returns what is said with the prompt.
pub(super) async fn prompt(session: &mut Handle<Anyone>) -> (String, String) {
    match session.authenticate_keyboard_interactive_start("alice", None).await.unwrap() {
        KeyboardInteractiveAuthResponse::InfoRequest { instructions, prompts, .. } => (instructions, prompts[0].prompt.clone()),
        other => panic!("{other:?}"),
    }
}

pub(super) async fn respond(session: &mut Handle<Anyone>, text: &str) -> KeyboardInteractiveAuthResponse {
    session.authenticate_keyboard_interactive_respond(vec![text.to_owned()]).await.unwrap()
}

/// Makes keys of both types for a user; one that is there is not replaced, and lists show them.
#[test]
fn keys_that_keygen_has_made_log_in() {
    let home = Home::new(QUICK);
    home.register("alice");
    home.login("alice");
    for kind in ["ed25519", "rsa"] {
        let made = home.json(&["keygen", "alice", "--type", kind]);
        let (path, line) = (made["path"].as_str().unwrap(), made["public"].as_str().unwrap());
        home.ok(&["run", "-c", &format!("key add {kind} --key '{line}'")]);
        assert!(std::path::Path::new(path).ends_with(format!("keys/users/alice_{kind}")), "{path}");
        assert!(made["fingerprint"].as_str().unwrap().starts_with("SHA256:"));
    }
    let taken = home.refused(&["keygen", "alice"]);
    assert!(taken.contains("there is a key in") && taken.contains("--force"), "{taken}");
    home.ok(&["run", "-c", "keygen Node_02; keygen Node_02 --force"]);
    assert!(home.refused_script("keygen Node_02").contains("there is a key in"));
    let listed = home.json(&["keygen"]);
    let owners: Vec<_> = listed.as_array().unwrap().iter().map(|key| (&key["owner"], &key["type"])).collect();
    assert_eq!(
        owners,
        [(&"Node_02".into(), &"ed25519".into()), (&"alice".into(), &"ed25519".into()), (&"alice".into(), &"rsa".into())]
    );
    let served = served(&home);
    let address = served.ssh("Node_02");
    on_a_runtime(async {
        for kind in ["ed25519", "rsa"] {
            let key = load_secret_key(home.data().join("keys/users").join(format!("alice_{kind}")), None).unwrap();
            let mut session = session(address).await;
            assert!(session.authenticate_publickey("alice", with(key)).await.unwrap().success(), "{kind}");
            assert!(told(&session, Some("whoami"), b"").await.out.contains("alice"));
        }
        let mut session = session(address).await;
        let unknown = PrivateKey::random(&mut russh::keys::key::safe_rng(), Algorithm::Ed25519).unwrap();
        assert!(!session.authenticate_publickey("alice", with(unknown)).await.unwrap().success());
    });
    assert_eq!(served.stop().code, Some(0));
}

/// The code follows the password, by the method for both and by the method for passwords; a wrong one may be corrected.
#[test]
fn a_second_factor_is_asked_for() {
    let home = Home::new(QUICK);
    home.register("alice");
    let (secret, backup) = enable_app(&home, "alice");
    let served = served(&home);
    let address = served.ssh("Node_01");
    on_a_runtime(async {
        let mut by_password = session(address).await;
        let half = by_password.authenticate_password("alice", PASSWORD).await.unwrap();
        let AuthResult::Failure { remaining_methods, partial_success: true } = half else { panic!("{half:?}") };
        assert_eq!(remaining_methods.iter().collect::<Vec<_>>(), [&MethodKind::KeyboardInteractive]);
        assert!(by_password.channel_open_session().await.is_err(), "half a login is none");
        let mut by_password = session(address).await;
        by_password.authenticate_password("alice", PASSWORD).await.unwrap();
        assert_eq!(prompt(&mut by_password).await, (String::new(), "One-time code: ".into()));
        assert!(matches!(respond(&mut by_password, "000000").await, KeyboardInteractiveAuthResponse::Failure { .. }));
        let (why, again) = prompt(&mut by_password).await;
        assert!(!why.is_empty() && again == "One-time code: ", "{why}");
        assert!(matches!(respond(&mut by_password, &backup[0]).await, KeyboardInteractiveAuthResponse::Success));
        assert!(told(&by_password, Some("whoami"), b"").await.out.contains("alice"));
        let mut by_both = session(address).await;
        assert_eq!(prompt(&mut by_both).await.1, "Password: ");
        let KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } = respond(&mut by_both, PASSWORD).await else {
            panic!("no code is asked for")
        };
        assert_eq!((prompts[0].prompt.as_str(), prompts[0].echo), ("One-time code: ", true));
        // The code of the present was used to enable codes.
        let next = app_code(&secret, now() + 30);
        assert!(matches!(respond(&mut by_both, &next).await, KeyboardInteractiveAuthResponse::Success));
    });
    assert_eq!(served.stop().code, Some(0));
}

/// A token stands in the place of its user's password, with its scope, and in that of no other user's.
#[test]
fn a_token_is_a_password_of_its_user() {
    let home = Home::new(QUICK);
    home.register("alice");
    home.register("bob");
    home.login("alice");
    let token = home.ok(&["token", "new", "program", "--scope", "read"]).trim().to_owned();
    let link = home.link("alice");
    let served = served(&home);
    let address = served.ssh("Node_01");
    on_a_runtime(async {
        let mut other = session(address).await;
        assert!(!other.authenticate_password("alice", &link).await.unwrap().success(), "a link is no login");
        let mut bob = session(address).await;
        assert!(!bob.authenticate_password("bob", &token).await.unwrap().success());
        let mut alice = session(address).await;
        assert!(alice.authenticate_password("alice", &token).await.unwrap().success());
        assert_eq!(told(&alice, Some("ls"), b"").await.status, Some(0));
        let written = told(&alice, Some("mkdir docs"), b"").await;
        assert!(written.status != Some(0) && !written.err.is_empty(), "{written:?}");
    });
    assert_eq!(served.stop().code, Some(0));
}

/// The connection ends with the last attempt.
#[test]
fn attempts_on_one_connection_are_counted() {
    let (_home, served) = of_alice();
    let address = served.ssh("Node_01");
    on_a_runtime(async {
        let mut session = session(address).await;
        let mut attempts = 0;
        // Nobody is locked out by attempts for a user whom there is not.
        while session.authenticate_password("nobody", "wrong").await.is_ok_and(|_| !session.is_closed()) {
            attempts += 1;
            assert!(attempts < 7);
        }
        assert!(attempts >= 5, "{attempts}");
        assert!(logged_in(address).await.channel_open_session().await.is_ok());
    });
    assert_eq!(served.stop().code, Some(0));
}
