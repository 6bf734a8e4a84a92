//! What API tokens promise to programs and to those who make them. Knows nothing of how they are shown.

use p2p_base::scope::Scope;

use super::*;
use crate::tokens::{self, LIFETIME, LIFETIME_MAX, NewLink, NewToken, PREFIX, Reach, TOKENS_MAX, TokenError};

const REFUSED: AuthError = AuthError::Token(TokenError::Refused);

fn wanted(name: &str, scope: Scope) -> NewToken {
    NewToken { name: name.parse().unwrap(), reach: Reach { scope, path: None }, expires_at: NOW + LIFETIME }
}

impl House {
    fn token(&self, name: &str, scope: Scope) -> Result<Secret, AuthError> {
        self.auth.new_token(&alice(), &wanted(name, scope), "here", NOW)
    }

    /// The scope that a token has for its bearer.
    fn scope_of(&self, token: &Secret, now: u64) -> Result<Scope, AuthError> {
        self.auth.by_token(token, "there", now).map(|(_, reach)| reach.scope)
    }

    /// The names of the tokens that a user is shown.
    fn names(&self, now: u64) -> Vec<String> {
        self.auth.api_tokens(&alice(), now).unwrap().iter().map(|token| token.name.to_string()).collect()
    }
}

/// A scanner finds a token by its beginning and its length.
#[test]
fn a_token_is_known_by_its_form() {
    let house = House::new();
    let token = house.token("ci", Scope::Read).unwrap();
    let text = token.expose_secret();
    assert!(text.starts_with(PREFIX) && text.len() == 47, "{text}");
    assert!(tokens::is_in(text) && tokens::is_in(&format!("curl -H {text}\n")) && !format!("{token:?}").contains(text));
    assert!(!tokens::is_in(&text[..46]) && !tokens::is_in("p2p_é p2p_storage p2p_p2p_"));
    assert_ne!(house.token("cd", Scope::Read).unwrap().expose_secret(), text);
}

#[test]
fn a_token_has_the_account_and_the_scope_that_it_was_made_with() {
    let house = House::new();
    for scope in Scope::ALL {
        let token = house.token(scope.name(), scope).unwrap();
        let (account, had) = house.auth.by_token(&token, "there", NOW).unwrap();
        assert_eq!((account.name, had), (alice(), Reach { scope, path: None }));
    }
    assert_eq!(house.names(NOW), ["admin", "read", "write"]);
    let (_, made) = house.auth.audit(1, Some(&alice())).unwrap().remove(0);
    assert_eq!((made.action, made.note.as_str(), made.done), (Action::NewToken, "admin, scope admin", true));
    let (_, mail) = house.auth.mails().unwrap().pop().unwrap();
    assert!(mail.text.contains("API token made"), "{mail:?}");
    // An admin's scope is for admins.
    let bob = house.register("bob", "bob@example.org").unwrap().account.name;
    let refused = house.auth.new_token(&bob, &wanted("x", Scope::Admin), "here", NOW);
    assert_eq!(refused.unwrap_err(), TokenError::AdminScope.into());
    assert_eq!(house.refusals()[0], (Action::NewToken, "x, scope admin".into()));
    assert!(house.auth.new_token(&bob, &wanted("read", Scope::Read), "here", NOW).is_ok());
}

#[test]
fn a_token_ends_when_it_expires() {
    let house = House::new();
    let token = house.token("ci", Scope::Read).unwrap();
    assert!(house.scope_of(&token, NOW + LIFETIME - 1).is_ok() && house.names(NOW + LIFETIME - 1) == ["ci"]);
    assert_eq!(house.scope_of(&token, NOW + LIFETIME).unwrap_err(), REFUSED);
    assert_eq!(house.names(NOW + LIFETIME), [""; 0]);
    assert_eq!(house.refusals(), [(Action::Token, "expired".into())]);
    let lasting = |expires_at| {
        let wanted = NewToken { expires_at, ..wanted("x", Scope::Read) };
        house.auth.new_token(&alice(), &wanted, "here", NOW).map(drop)
    };
    for wrong in [0, NOW, NOW + LIFETIME_MAX + 1, u64::MAX] {
        assert_eq!(lasting(wrong), Err(TokenError::Lifetime.into()), "{wrong}");
    }
    assert_eq!(lasting(NOW + LIFETIME_MAX), Ok(()));
    // The name of one that has ended is free.
    let again = NewToken { expires_at: NOW + 2 * LIFETIME, ..wanted("ci", Scope::Read) };
    assert!(house.auth.new_token(&alice(), &again, "here", NOW + LIFETIME).is_ok());
}

/// Expired, revoked, unknown, another kind: whoever presents it learns nothing of it, and waits after many failures.
#[test]
fn what_is_refused_is_refused_alike() {
    let house = House::new();
    let (revoked, kept) = (house.token("a", Scope::Read).unwrap(), house.token("b", Scope::Read).unwrap());
    house.auth.revoke_token(&alice(), "A", "here", NOW).unwrap();
    let (_, entry) = house.auth.audit(1, None).unwrap().remove(0);
    assert_eq!((entry.action, entry.note.as_str()), (Action::RevokeToken, "a"));
    let unknown = house.auth.revoke_token(&alice(), "a", "here", NOW).unwrap_err();
    assert_eq!(unknown, TokenError::Unknown { name: "a".parse().unwrap() }.into());
    assert!(matches!(house.auth.revoke_token(&alice(), revoked.expose_secret(), "here", NOW), Err(AuthError::Name(_))));
    let session = house.register("bob", "bob@example.org").unwrap().token;
    let others = ["", "p2p_", session.expose(), &format!("{} ", kept.expose_secret())].map(Secret::from);
    for token in std::iter::once(&revoked).chain(&others) {
        assert_eq!(house.scope_of(token, NOW).unwrap_err(), REFUSED);
    }
    assert_eq!(house.auth.check(&Token::presented(kept.clone()), "there", NOW).unwrap_err(), AuthError::SessionOver);
    for _ in others.len() + 1..limits::ORIGIN_FREE {
        assert_eq!(house.scope_of(&revoked, NOW).unwrap_err(), REFUSED);
    }
    assert_eq!(house.scope_of(&revoked, NOW).unwrap_err(), AuthError::Wait { seconds: 30 });
    // The bearers of others do not wait, nor do users elsewhere.
    assert_eq!(house.scope_of(&kept, NOW), Ok(Scope::Read));
    assert!(house.login("alice", PASSWORD, NOW).is_ok());
}

#[test]
fn a_user_has_so_many_tokens_and_each_has_its_name() {
    let house = House::new();
    for n in 0..TOKENS_MAX {
        house.token(&n.to_string(), Scope::Read).unwrap();
    }
    assert_eq!(house.token("33", Scope::Read).unwrap_err(), TokenError::TooMany.into());
    house.auth.revoke_token(&alice(), "7", "here", NOW).unwrap();
    assert_eq!(house.token("8", Scope::Read).unwrap_err(), TokenError::NameTaken { name: "8".parse().unwrap() }.into());
    assert!(house.token("7", Scope::Read).is_ok());
    // Another user has as many.
    let bob = house.register("bob", "bob@example.org").unwrap().account.name;
    assert!(house.auth.new_token(&bob, &wanted("7", Scope::Write), "here", NOW).is_ok());
    assert_eq!(house.auth.api_tokens(&bob, NOW).unwrap().len(), 1);
}

#[test]
fn a_changed_password_and_a_reset_end_the_tokens() {
    let house = House::new();
    let bob = house.register("bob", "bob@example.org").unwrap().account.name;
    let of_bob = || house.auth.new_token(&bob, &wanted("ci", Scope::Read), "here", NOW).unwrap();
    let (first, of_alice) = (of_bob(), house.token("ci", Scope::Read).unwrap());
    let new = "another horse battery".into();
    house.auth.change_password(&bob, (&PASSWORD.into(), &new), None, "here", NOW).unwrap();
    assert_eq!(house.scope_of(&first, NOW).unwrap_err(), REFUSED);
    let second = of_bob();
    house.auth.reset(&bob, &"a third horse battery".into(), "alice", "here", NOW).unwrap();
    assert_eq!(house.scope_of(&second, NOW).unwrap_err(), REFUSED);
    assert!(house.auth.api_tokens(&bob, NOW).unwrap().is_empty());
    assert_eq!(house.scope_of(&of_alice, NOW), Ok(Scope::Read));
}

/// A clock that is put back does not lengthen the life of a token; once it is right again, the token is good as before.
#[test]
fn a_clock_that_is_put_back_lengthens_no_life() {
    let house = House::new();
    let token = house.token("ci", Scope::Read).unwrap();
    assert_eq!(house.scope_of(&token, NOW - 3600), Ok(Scope::Read));
    assert_eq!(house.scope_of(&token, NOW - 3601).unwrap_err(), REFUSED);
    assert_eq!(house.names(NOW - 3601), [""; 0]);
    assert_eq!(house.scope_of(&token, NOW), Ok(Scope::Read));
    let later = NOW + 24 * 3600;
    house.scope_of(&token, later).unwrap();
    assert_eq!(house.scope_of(&token, NOW).unwrap_err(), REFUSED);
    assert!(house.refusals().iter().any(|(_, note)| note.contains("the clock was put back")));
}

/// The last use is exact to the minute, and looking is no use.
#[test]
fn the_last_use_of_a_token_is_noted() {
    let house = House::new();
    let token = house.token("ci", Scope::Read).unwrap();
    let last_used = || house.auth.api_tokens(&alice(), NOW).unwrap()[0].last_used;
    house.auth.peek_token(&token, "there", NOW).unwrap();
    assert_eq!(last_used(), None);
    for (now, noted) in [(NOW, NOW), (NOW + 59, NOW), (NOW + 60, NOW + 60), (NOW + 61, NOW + 60)] {
        house.scope_of(&token, now).unwrap();
        assert_eq!(last_used(), Some(noted));
    }
}

/// The text of a token is in no file, and the digest of one kind of secret is that of no other.
#[test]
fn the_text_of_a_token_is_stored_nowhere() {
    let House { auth, directory } = House::new();
    let token = auth.new_token(&alice(), &wanted("ci", Scope::Admin), "here", NOW).unwrap();
    let shown = format!("{:?} {:?} {:?}", auth.audit(100, None).unwrap(), auth.api_tokens(&alice(), NOW).unwrap(), auth.mails());
    assert!(!shown.contains(&token.expose_secret()[4..]));
    drop(auth);
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(43).any(|window| window == &token.expose_secret().as_bytes()[4..]));
    }
    // The token is good after a restart.
    assert!(open(directory.path(), 1000).by_token(&token, "there", NOW).is_ok());
}

/// A data directory of an earlier version has no table of tokens; it is made, also where nothing can be written.
#[test]
fn an_earlier_version_had_no_tokens() {
    let House { auth, directory } = House::new();
    let forget = |auth: &Auth| {
        let forgotten = auth.write(|transaction| transaction.delete_table(store::TOKENS).map_err(DatabaseError::from));
        assert!(forgotten.unwrap());
    };
    forget(&auth);
    drop(auth);
    let path = directory.path().join("catalog.redb");
    {
        let database = Database::open_read_only::<DatabaseError>(&path, |_| Ok(())).unwrap();
        let auth = Auth::open(database, Policy::default()).unwrap();
        assert!(auth.has_accounts().unwrap() && auth.api_tokens(&alice(), NOW).unwrap().is_empty());
        assert_eq!(auth.by_token(&"p2p_x".into(), "there", NOW).unwrap_err(), REFUSED);
        assert!(matches!(auth.new_token(&alice(), &wanted("ci", Scope::Read), "here", NOW), Err(AuthError::Database(_))));
    }
    let auth = open(directory.path(), 1000);
    assert!(auth.new_token(&alice(), &wanted("ci", Scope::Read), "here", NOW).is_ok());
}

/// A token of an earlier version, whose record knew of no path, is valid as before and reaches all.
#[test]
fn a_token_of_an_earlier_version_stays_valid() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("catalog.redb");
    let database = Database::open(&path).unwrap();
    let auth = Auth::open(database.clone(), Policy { iterations: 1000, ..Policy::default() }).unwrap();
    let wanted_account = Registration { name: alice(), email: "a@example.org".parse().unwrap(), password: PASSWORD.into() };
    auth.register(&wanted_account, &Admission::Local, "here", NOW).unwrap();
    let token = auth.new_token(&alice(), &wanted("ci", Scope::Write), "here", NOW).unwrap();
    let digest = crate::secret::fingerprint("API token", token.expose_secret());
    let before = store::UnlimitedTokenRecord {
        user: alice(),
        name: "ci".parse().unwrap(),
        scope: Scope::Write,
        created_at: NOW,
        used_at: None,
        expires_at: NOW + LIFETIME,
    };
    database.write(|transaction| store::put(transaction, store::TOKENS, digest, &before)).unwrap();
    assert!(auth.by_token(&token, "there", NOW).is_err(), "it is not guessed at");
    let auth = Auth::open(database, Policy::default()).unwrap();
    assert_eq!(auth.by_token(&token, "there", NOW).unwrap().1, Reach { scope: Scope::Write, path: None });
    assert_eq!(auth.api_tokens(&alice(), NOW).unwrap().len(), 1);
}

/// What an earlier version has stored as a token that is called like a link, is limited to a path and reads only, is a link; any other is none.
#[test]
fn a_link_of_an_earlier_version_stays_one() {
    let directory = tempfile::tempdir().unwrap();
    let database = Database::open(&directory.path().join("catalog.redb")).unwrap();
    let auth = Auth::open(database.clone(), Policy { iterations: 1000, ..Policy::default() }).unwrap();
    let wanted_account = Registration { name: alice(), email: "a@example.org".parse().unwrap(), password: PASSWORD.into() };
    auth.register(&wanted_account, &Admission::Local, "here", NOW).unwrap();
    let path = Some("docs".to_owned());
    let of_before = [
        ("link-1", Scope::Read, path.clone(), true),
        ("link-2", Scope::Write, path.clone(), false),
        ("link-3", Scope::Read, None, false),
        ("reader", Scope::Read, path, false),
    ];
    for (name, scope, path, _) in of_before.clone() {
        let token: Secret = format!("p2p_{name}").into();
        let (name, expires_at) = (name.parse().unwrap(), NOW + LIFETIME);
        let before = store::NamedTokenRecord { user: alice(), name, scope, path, created_at: NOW, used_at: None, expires_at };
        let digest = crate::secret::fingerprint("API token", token.expose_secret());
        database.write(|transaction| store::put(transaction, store::TOKENS, digest, &before)).unwrap();
    }
    let auth = Auth::open(database, Policy::default()).unwrap();
    for (name, scope, path, is_link) in of_before {
        let token = format!("p2p_{name}").into();
        let (login, link) = (auth.by_token(&token, "there", NOW), auth.by_link(&token, "there", NOW));
        let (has, has_not) = if is_link { (link, login) } else { (login, link) };
        assert_eq!((has.unwrap().1, has_not.unwrap_err()), (Reach { scope, path }, REFUSED), "{name}");
    }
}

/// A link opens what it is to, for a time, and is no login; its use is noted as that of a token is.
#[test]
fn a_link_opens_and_logs_nobody_in() {
    let house = House::new();
    let wanted = NewLink { path: "docs".into(), expires_at: NOW + LIFETIME };
    let (name, link) = house.auth.new_link(&alice(), &wanted, "here", NOW).unwrap();
    assert!(name.as_str().starts_with("link-") && tokens::is_in(link.expose_secret()), "{name}");
    assert_ne!(house.auth.new_link(&alice(), &wanted, "here", NOW).unwrap().0, name);
    assert_eq!(house.auth.by_token(&link, "there", NOW).unwrap_err(), REFUSED);
    assert_eq!(house.auth.peek_token(&link, "there", NOW).unwrap_err(), REFUSED);
    assert_eq!(house.refusals()[0].1, "of a link, which logs nobody in");
    let reach = Reach { scope: Scope::Read, path: Some("docs".into()) };
    assert_eq!(house.auth.by_link(&link, "there", NOW).unwrap().1, reach);
    assert_eq!(house.auth.link_end(&link, "there", NOW), Ok(NOW + LIFETIME));
    let info = house.auth.api_tokens(&alice(), NOW).unwrap().into_iter().find(|token| token.name == name).unwrap();
    assert!(info.is_link && info.last_used == Some(NOW));
    let (_, mail) = house.auth.mails().unwrap().pop().unwrap();
    assert!(mail.text.contains("link made"), "{mail:?}");
    let token = house.token("ci", Scope::Read).unwrap();
    assert_eq!(house.auth.by_link(&token, "there", NOW).unwrap_err(), REFUSED);
    let unknown = house.auth.revoke_link(&alice(), "ci", "here", NOW).unwrap_err();
    assert_eq!(unknown, TokenError::Unknown { name: "ci".parse().unwrap() }.into());
    house.auth.revoke_link(&alice(), name.as_str(), "here", NOW).unwrap();
    assert_eq!(house.auth.by_link(&link, "there", NOW).unwrap_err(), REFUSED);
}

#[test]
fn a_token_may_be_limited_to_a_path_unless_it_is_for_admins() {
    let house = House::new();
    let reach = |scope| Reach { scope, path: Some("photos".into()) };
    let make = |name: &str, scope| {
        let wanted = NewToken { reach: reach(scope), ..wanted(name, scope) };
        house.auth.new_token(&alice(), &wanted, "here", NOW)
    };
    let token = make("cam", Scope::Write).unwrap();
    assert_eq!(house.auth.by_token(&token, "there", NOW).unwrap().1, reach(Scope::Write));
    assert_eq!(house.auth.api_tokens(&alice(), NOW).unwrap()[0].reach, reach(Scope::Write));
    let (_, made) = house.auth.audit(1, Some(&alice())).unwrap().remove(0);
    assert_eq!(made.note, "cam, scope write, path photos");
    assert_eq!(make("root", Scope::Admin).unwrap_err(), TokenError::AdminPath.into());
}
