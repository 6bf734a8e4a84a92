//! What accounts promise, step by step, with a clock that is given and real transactions.

use secrecy::ExposeSecret;
use totp_rs::{Builder, Secret as AppSecretText};

use super::invites::Admission;
use super::*;

mod factors;
mod invitations;
mod keys;
mod programs;

const NOW: u64 = 1_795_000_000;
const PASSWORD: &str = "correct horse battery";

struct House {
    auth: Auth,
    directory: tempfile::TempDir,
}

impl House {
    fn new() -> House {
        let directory = tempfile::tempdir().unwrap();
        let house = House { auth: open(directory.path(), 1000), directory };
        house.register("alice", "alice@example.org").unwrap();
        house
    }

    fn register(&self, name: &str, email: &str) -> Result<Granted, AuthError> {
        let wanted = Registration { name: name.parse().unwrap(), email: email.parse().unwrap(), password: PASSWORD.into() };
        self.auth.register(&wanted, &Admission::Local, "here", NOW)
    }

    fn login(&self, name: &str, password: &str, now: u64) -> Result<LoginStep, AuthError> {
        self.auth.login(name, &password.into(), "here", now)
    }

    /// A login that waits for its code.
    fn challenge(&self, now: u64) -> Challenge {
        match self.login("alice", PASSWORD, now).unwrap() {
            LoginStep::Code(challenge) => challenge,
            LoginStep::Granted(_) => panic!("no code was asked for"),
        }
    }

    /// Enables an app, and gives what its codes are made of and the backup codes.
    fn with_app(&self) -> (String, Vec<Secret>) {
        let Begun::App(enrolment) = self.auth.otp_enable(&alice(), CodeKind::App, NOW).unwrap() else { panic!() };
        let secret = enrolment.secret.expose_secret().to_owned();
        let codes = self.auth.otp_confirm(&alice(), &code(&secret, NOW), "here", NOW).unwrap();
        (secret, codes)
    }

    /// The codes that were mailed, latest last.
    fn mailed_codes(&self) -> Vec<Secret> {
        let mails = self.auth.mails().unwrap();
        let code = |mail: &Mail| mail.text.strip_prefix("Your code is ").map(|rest| Secret::from(&rest[..6]));
        mails.iter().filter_map(|(_, mail)| code(mail)).collect()
    }

    fn refusals(&self) -> Vec<(Action, String)> {
        let log = self.auth.audit(100, None).unwrap();
        log.into_iter().filter(|(_, entry)| !entry.done).map(|(_, entry)| (entry.action, entry.note)).collect()
    }
}

fn open(directory: &std::path::Path, iterations: u32) -> Auth {
    let database = Database::open(&directory.join("catalog.redb")).unwrap();
    Auth::open(database, Policy { iterations, ..Policy::default() }).unwrap()
}

fn alice() -> UserName {
    "alice".parse().unwrap()
}

/// The code that an app shows.
fn code(secret: &str, now: u64) -> Secret {
    let secret = AppSecretText::try_from_base32(secret).unwrap();
    let totp = Builder::new().with_secret(secret).with_account_name("alice").with_issuer(Some("p2p")).build().unwrap();
    totp.generate(now).to_string().into()
}

#[test]
fn the_first_account_is_the_admins_and_names_are_unique() {
    let house = House::new();
    let wanted = Registration { name: "dora".parse().unwrap(), email: "d@e.f".parse().unwrap(), password: PASSWORD.into() };
    house.auth.register_other(&wanted, "alice", "here", NOW).unwrap();
    let (_, made) = house.auth.audit(1, None).unwrap().remove(0);
    assert_eq!((made.user.as_str(), made.action, made.note.as_str()), ("dora", Action::Register, "by alice"));
    let bob = house.register("bob", "bob@example.org").unwrap();
    assert_eq!((house.auth.account("alice").unwrap().role, bob.account.role), (Role::Admin, Role::User));
    assert!(matches!(house.register("bob", "other@example.org"), Err(AuthError::NameTaken { .. })));
    assert!(matches!(house.register("carol", "BOB@example.org"), Err(AuthError::EmailTaken { .. })));
    let names: Vec<String> = house.auth.accounts().unwrap().iter().map(|account| account.name.to_string()).collect();
    assert_eq!(names, ["alice", "bob", "dora"]);
    let weak = Registration { name: alice(), email: "x@y.z".parse().unwrap(), password: "short".into() };
    assert!(matches!(
        house.auth.register(&weak, &Admission::Local, "here", NOW),
        Err(AuthError::Password(PasswordError::Short(5)))
    ));
}

/// Whoever goes through names to learn which there are has to wait, and locks nobody out.
#[test]
fn names_are_not_gone_through_at_will() {
    let house = House::new();
    for n in 0..limits::ORIGIN_FREE {
        let email = format!("x{n}@example.org");
        assert!(matches!(house.register("alice", &email), Err(AuthError::NameTaken { .. })), "{n}");
    }
    assert_eq!(house.register("bob", "bob@example.org").unwrap_err(), AuthError::Wait { seconds: 30 });
    assert_eq!(house.refusals()[1], (Action::Register, "the name or the address is taken".into()));
    // Nor does it cost those who come from there and have an account.
    assert!(house.login("alice", PASSWORD, NOW).is_ok());
}

/// What somebody has typed in the place of a name, which may be a password, is kept nowhere, whether or not it could be a name.
#[test]
fn what_is_nobodys_name_is_not_kept() {
    let house = House::new();
    for typed in ["Correct Horse", "hunter2-and-more"] {
        for _ in 0..=limits::USER_FREE {
            assert!(house.login(typed, "x", NOW).is_err());
        }
        let (_, entry) = house.auth.audit(1, None).unwrap().remove(0);
        assert_eq!((entry.user.as_str(), entry.note.as_str()), ("(unknown user)", "too many failures"));
        let bytes = std::fs::read(house.directory.path().join("catalog.redb")).unwrap();
        assert!(!bytes.windows(typed.len()).any(|window| window.eq_ignore_ascii_case(typed.as_bytes())), "{typed}");
    }
}

/// Nobody learns whether a user exists, and failures cost time: also after a restart, and for names that nobody has.
#[test]
fn failures_are_all_alike_and_cost_time() {
    let House { mut auth, directory } = House::new();
    for name in ["alice", "nobody", "Not A Name"] {
        let try_at = |auth: &Auth, now| auth.login(name, &"wrong password".into(), name, now).unwrap_err();
        for _ in 0..limits::USER_FREE {
            assert_eq!(try_at(&auth, NOW), AuthError::WrongLogin, "{name}");
        }
        assert_eq!(try_at(&auth, NOW), AuthError::Wait { seconds: 30 }, "{name}");
        drop(auth);
        auth = open(directory.path(), 1000);
        assert_eq!(try_at(&auth, NOW + 29), AuthError::Wait { seconds: 1 }, "{name}");
        assert_eq!(try_at(&auth, NOW + 30), AuthError::WrongLogin, "{name}");
        assert_eq!(try_at(&auth, NOW + 30), AuthError::Wait { seconds: 60 }, "{name}");
    }
    // Even the right password has to wait; then it clears the slate.
    assert_eq!(auth.login("alice", &PASSWORD.into(), "x", NOW + 30).unwrap_err(), AuthError::Wait { seconds: 60 });
    assert!(auth.login("alice", &PASSWORD.into(), "x", NOW + 90).is_ok());
    assert_eq!(auth.login("alice", &"wrong password".into(), "x", NOW + 90).unwrap_err(), AuthError::WrongLogin);
}

#[test]
fn an_origin_that_tries_many_names_has_to_wait() {
    let house = House::new();
    for n in 0..limits::ORIGIN_FREE {
        assert_eq!(house.login(&format!("user{n}"), "wrong password", NOW).unwrap_err(), AuthError::WrongLogin);
    }
    assert!(matches!(house.login("alice", PASSWORD, NOW), Err(AuthError::Wait { .. })));
    assert!(house.auth.login("alice", &PASSWORD.into(), "elsewhere", NOW).is_ok());
}

#[test]
fn old_hashes_are_raised_at_login() {
    let House { auth, directory } = House::new();
    drop(auth);
    let auth = open(directory.path(), 2000);
    assert!(auth.record("alice").unwrap().password.contains("i=1000,"));
    // Several at once raise it several times, and all are let in: the password is the same.
    std::thread::scope(|scope| {
        let threads = [0, 1, 2].map(|_| {
            let login = || auth.login("alice", &PASSWORD.into(), "here", NOW).is_ok();
            std::thread::Builder::new().spawn_scoped(scope, login).unwrap()
        });
        assert!(threads.into_iter().all(|thread| thread.join().unwrap()));
    });
    assert!(auth.login("alice", &PASSWORD.into(), "here", NOW).is_ok());
    assert!(auth.record("alice").unwrap().password.contains("i=2000,"));
    assert!(auth.login("alice", &PASSWORD.into(), "here", NOW).is_ok());
}

#[test]
fn the_use_of_a_session_is_noted_however_soon_sessions_end() {
    let directory = tempfile::tempdir().unwrap();
    let database = Database::open(&directory.path().join("catalog.redb")).unwrap();
    let policy = Policy { iterations: 1000, session_lifetime: 3600, session_idle: 20, ..Policy::default() };
    let house = House { auth: Auth::open(database, policy).unwrap(), directory };
    let token = house.register("alice", "alice@example.org").unwrap().token;
    for now in (NOW..NOW + 200).step_by(15) {
        assert!(house.auth.check(&token, "there", now).is_ok(), "{now}");
    }
    assert_eq!(house.auth.check(&token, "there", NOW + 195 + 20).unwrap_err(), AuthError::SessionOver);
}

#[test]
fn sessions_end_by_age_idleness_logout_and_revocation() {
    let house = House::new();
    let session = |now| match house.login("alice", PASSWORD, now).unwrap() {
        LoginStep::Granted(granted) => granted.token,
        LoginStep::Code(_) => panic!("a code was asked for"),
    };
    let over = |token: &Token, now| house.auth.check(token, "there", now).unwrap_err() == AuthError::SessionOver;
    let (idle, used) = (session(NOW), session(NOW));
    for hour in 1..24 {
        assert!(house.auth.check(&used, "there", NOW + hour * 3600).is_ok(), "{hour}");
    }
    assert!(over(&idle, NOW + 2 * 3600) && over(&used, NOW + 24 * 3600));
    let notes: Vec<String> = house.refusals().into_iter().map(|(_, note)| note).collect();
    assert_eq!(notes, ["expired", "idle for too long"]);

    let now = NOW + 30 * 3600;
    let (own, other, third) = (session(now), session(now), session(now));
    let listed = house.auth.sessions(&alice(), Some(&own), now).unwrap();
    assert_eq!((listed.len(), listed.iter().filter(|info| info.is_own).count()), (3, 1));
    house.auth.logout(&third, false, "there", now).unwrap();
    assert!(over(&third, now));
    let id = &house.auth.sessions(&alice(), Some(&own), now).unwrap().into_iter().find(|info| !info.is_own).unwrap().id;
    house.auth.revoke(&alice(), id, "here", now).unwrap();
    assert!(over(&other, now) && house.auth.check(&own, "there", now).is_ok());
    assert_eq!(house.refusals()[0], (Action::Session, "revoked".into()));
    let refused = house.auth.revoke(&"bob".parse().unwrap(), id, "here", now);
    assert_eq!(refused.unwrap_err(), AuthError::UnknownSession { id: id.clone() });
    assert_eq!(house.refusals()[0], (Action::Revoke, "no session of theirs".into()));
    let last = session(now);
    house.auth.logout(&own, true, "there", now).unwrap();
    assert!(over(&last, now) && over(&own, now) && over(&Token::presented("made up"), now));
}

#[test]
fn a_new_password_ends_the_other_sessions() {
    let house = House::new();
    let (own, other) = (house.login("alice", PASSWORD, NOW).unwrap(), house.login("alice", PASSWORD, NOW).unwrap());
    let (LoginStep::Granted(own), LoginStep::Granted(other)) = (own, other) else { panic!() };
    let new = Secret::from("another horse battery");
    let change = |old: &str| house.auth.change_password(&alice(), (&old.into(), &new), Some(&own.token), "here", NOW);
    assert_eq!(change("wrong password").unwrap_err(), AuthError::WrongPassword);
    let same = house.auth.change_password(&alice(), (&PASSWORD.into(), &PASSWORD.into()), None, "here", NOW);
    assert_eq!(same.unwrap_err(), AuthError::Password(PasswordError::Unchanged));
    change(PASSWORD).unwrap();
    assert!(house.auth.check(&own.token, "there", NOW).is_ok() && house.auth.check(&other.token, "there", NOW).is_err());
    assert!(house.login("alice", PASSWORD, NOW).is_err() && house.login("alice", "another horse battery", NOW).is_ok());
}

/// Of two changes at once from one password, one is made: the other's holder is told.
#[test]
fn one_change_is_made_of_a_password() {
    let house = House::new();
    let changed = std::thread::scope(|scope| {
        let threads = ["another horse battery", "a third horse battery"].map(|new| {
            let change = move |auth: &Auth| auth.change_password(&alice(), (&PASSWORD.into(), &new.into()), None, "here", NOW);
            let auth = house.auth.clone();
            std::thread::Builder::new().spawn_scoped(scope, move || change(&auth).map(|()| new)).unwrap()
        });
        threads.map(|thread| thread.join().unwrap())
    });
    let new = changed.iter().flatten().copied().collect::<Vec<_>>();
    assert_eq!(new.len(), 1, "{changed:?}");
    assert!(house.login("alice", new[0], NOW).is_ok());
}

/// A login that was begun with the old password is not ended with it.
#[test]
fn a_new_password_ends_logins_that_wait_for_a_code() {
    let house = House::new();
    let (_, codes) = house.with_app();
    let challenge = house.challenge(NOW);
    house.auth.change_password(&alice(), (&PASSWORD.into(), &"another horse battery".into()), None, "here", NOW).unwrap();
    assert_eq!(house.auth.login_with_code(&challenge, &codes[0], NOW).unwrap_err(), AuthError::Lapsed);
    assert_eq!(house.auth.sessions(&alice(), None, NOW).unwrap(), []);
    // Nothing came of it, so the code is good yet; that it was tried is known.
    assert_eq!(house.auth.account("alice").unwrap().backup_codes, 10);
    assert_eq!(house.refusals().last().unwrap(), &(Action::SecondFactor, "lapsed".to_owned()));
}

/// Whoever has lost the password or the phone is helped by an admin, and nothing that was begun before goes on.
#[test]
fn an_account_is_reset() {
    let house = House::new();
    let (secret, _) = house.with_app();
    let challenge = house.challenge(NOW + 60);
    let own = house.auth.login_with_code(&challenge, &code(&secret, NOW + 60), NOW + 60).unwrap().token;
    let waiting = house.challenge(NOW + 120);
    for _ in 0..limits::USER_FREE {
        assert!(house.login("alice", "wrong password", NOW + 120).is_err());
    }
    let reset = |password: &str| house.auth.reset(&alice(), &password.into(), "root", "here", NOW + 120);
    assert_eq!(reset("short").unwrap_err(), AuthError::Password(PasswordError::Short(5)));
    reset("another horse battery").unwrap();
    assert!(house.auth.check(&own, "there", NOW + 120).is_err());
    let (_, entry) = house.auth.audit(9, None).unwrap().into_iter().find(|(_, entry)| entry.action == Action::Reset).unwrap();
    assert_eq!((entry.user.as_str(), entry.note.as_str()), ("alice", "by root"));
    assert_eq!(house.auth.login_with_code(&waiting, &code(&secret, NOW + 150), NOW + 150).unwrap_err(), AuthError::Lapsed);
    assert!(matches!(house.login("alice", "another horse battery", NOW + 150), Ok(LoginStep::Granted(_))));
    let unknown = house.auth.reset(&"bob".parse().unwrap(), &PASSWORD.into(), "root", "here", NOW);
    assert_eq!(unknown.unwrap_err(), AuthError::UnknownUser { name: "bob".into() });
    let own = house.auth.reset(&alice(), &PASSWORD.into(), "alice", "here", NOW);
    assert_eq!(own.unwrap_err(), AuthError::OwnReset);
}

/// Mail waits longer after each failure, and is given up in the end.
#[test]
fn mail_is_tried_again_later_and_later() {
    let house = House::new();
    house.auth.test_mail(&alice(), NOW).unwrap();
    let (number, mut mail) = house.auth.mails().unwrap().pop().unwrap();
    let mut pauses = Vec::new();
    let busy = || Err(Unsent { reason: "busy".into(), is_final: false });
    while let Fate::Waits(next) = house.auth.record_mail(number, busy(), mail.next).unwrap() {
        let later = house.auth.mails().unwrap().pop().unwrap().1;
        assert_eq!(later.next, next);
        pauses.push(later.next - mail.next);
        mail = later;
    }
    assert_eq!(pauses[..4], [30, 60, 120, 240]);
    assert_eq!((mail.error.as_deref(), house.auth.mails().unwrap().len()), (Some("busy"), 0));
    assert!(mail.next - NOW < 2 * 24 * 3600);
    // That it was is known, but not what it said.
    let (_, given_up) = house.auth.mails_given_up().unwrap().remove(0);
    assert_eq!((given_up.error.as_deref(), given_up.text.as_str(), given_up.attempts), (Some("busy"), "", mail.attempts + 1));
}

/// What a server refuses for good is not tried again, and no more is remembered of it than is good.
#[test]
fn a_refusal_for_good_is_final() {
    let house = House::new();
    for asked in 0..120 {
        house.auth.test_mail(&alice(), NOW + asked * limits::WINDOW).unwrap();
        let (number, _) = house.auth.mails().unwrap().pop().unwrap();
        let refused = Unsent { reason: format!("550 \u{1b}[2J no such user {}", "x".repeat(2000)), is_final: true };
        assert_eq!(house.auth.record_mail(number, Err(refused), NOW).unwrap(), Fate::GivenUp);
        assert!(house.auth.mails().unwrap().is_empty());
    }
    let remembered = house.auth.mails_given_up().unwrap();
    let reason = remembered[99].1.error.clone().unwrap();
    assert_eq!((remembered.len(), remembered[99].0), (100, 120));
    assert!(reason.starts_with("550 [2J no such user x") && reason.len() <= 500, "{reason}");
}

/// A clock that was a year ahead, and is put right, keeps nothing waiting and nobody out; nor does a session outlast its time by that.
#[test]
fn a_clock_that_is_put_back_delays_nothing() {
    const YEAR: u64 = 365 * 24 * 3600;
    let house = House::new();
    let (secret, _) = house.with_app();
    let ahead = NOW + YEAR;
    let challenge = house.challenge(ahead);
    let then = house.auth.login_with_code(&challenge, &code(&secret, ahead), ahead).unwrap();
    house.auth.test_mail(&alice(), ahead).unwrap();
    let (number, _) = house.auth.mails().unwrap().pop().unwrap();
    let mail = || house.auth.mails().unwrap().into_iter().find(|(known, _)| *known == number).unwrap().1;
    let busy = || Err(Unsent { reason: "busy".into(), is_final: false });
    assert_eq!(house.auth.record_mail(number, busy(), ahead).unwrap(), Fate::Waits(ahead + 30));
    let waiting = house.challenge(ahead);
    house.auth.otp_disable(&alice(), &PASSWORD.into(), "here", ahead).unwrap();
    house.auth.otp_enable(&alice(), CodeKind::App, ahead).unwrap();
    // The clock is right again.
    assert!(house.auth.otp_begun(&alice(), NOW).is_err());
    assert_eq!(house.auth.login_with_code(&waiting, &code(&secret, NOW), NOW).unwrap_err(), AuthError::Lapsed);
    let waits = mail();
    assert_eq!((waits.is_due(NOW), waits.next_try(NOW), waits.is_too_old(NOW)), (true, NOW, false));
    assert!(!waits.is_due(ahead) && waits.is_due(ahead + 30));
    assert_eq!(house.auth.record_mail(number, busy(), NOW).unwrap(), Fate::Waits(NOW + 60));
    let mail = mail();
    assert!(mail.at <= NOW && mail.is_too_old(NOW + 2 * 24 * 3600 + 1));
    assert_eq!(house.auth.check(&then.token, "there", NOW).unwrap_err(), AuthError::SessionOver);
    assert!(house.refusals().iter().any(|(action, note)| *action == Action::Session && note.contains("clock was put back")));
}

/// The codes of an app are good again at once; a code is good once all the same.
#[test]
fn a_clock_that_is_put_back_locks_no_app_out() {
    let house = House::new();
    let (secret, _) = house.with_app();
    let ahead = NOW + 365 * 24 * 3600;
    let challenge = house.challenge(ahead);
    house.auth.login_with_code(&challenge, &code(&secret, ahead), ahead).unwrap();
    let now = NOW + 600;
    let (first, second) = (house.challenge(now), house.challenge(now));
    house.auth.login_with_code(&first, &code(&secret, now), now).unwrap();
    assert_eq!(house.auth.login_with_code(&second, &code(&secret, now), now).unwrap_err(), AuthError::WrongCode);
}

/// One account, however its holder writes the name, the address and the password.
#[test]
fn spellings_make_no_difference() {
    let house = House::new();
    assert!(matches!(house.login("Alice", PASSWORD, NOW), Ok(LoginStep::Granted(_))));
    assert!(matches!(house.login(" ＡＬＩＣＥ", PASSWORD, NOW), Ok(LoginStep::Granted(_))));
    assert_eq!(house.register("ALICE", "other@example.org").unwrap_err(), AuthError::NameTaken { name: alice() });
    house.register("bob", "bob@bücher.example").unwrap();
    let taken = house.register("carol", "Bob@xn--bcher-kva.example").unwrap_err();
    assert!(matches!(taken, AuthError::EmailTaken { .. }), "{taken:?}");
    // Failures under any spelling are one user's.
    for name in ["alice", "Alice", "ALICE", "aLICE", "ａlice"] {
        assert_eq!(house.login(name, "wrong password", NOW).unwrap_err(), AuthError::WrongLogin);
    }
    assert_eq!(house.login("alice", PASSWORD, NOW).unwrap_err(), AuthError::Wait { seconds: 30 });
}

/// An account of an earlier version: its password is hashed anew, its address compared anew.
#[test]
fn what_an_earlier_version_kept_is_brought_up_to_date() {
    let house = House::new();
    let typed = "cafe\u{301} correct horse";
    house
        .auth
        .write(|transaction| -> Result<(), AuthError> {
            let hash = password::hash_as_typed(typed, 1000).unwrap();
            update(transaction, &alice(), |record| {
                record.password = hash;
                record.email = serde_json::from_str("\"alice@BÜCHER.example\"").unwrap();
                Ok(())
            })?;
            let table: redb::TableDefinition<'_, &str, &[u8]> = redb::TableDefinition::new("emails");
            transaction.open_table(table).map_err(DatabaseError::from)?;
            transaction.delete_table(store::ADDRESSES).map_err(DatabaseError::from)?;
            Ok(())
        })
        .unwrap();
    let Inner { database, policy, .. } = &*house.auth.0;
    let auth = Auth::open(database.clone(), *policy).unwrap();
    let login = |typed: &str| auth.login("alice", &typed.into(), "here", NOW);
    assert_eq!(login("caf\u{e9} correct horse").unwrap_err(), AuthError::WrongLogin);
    assert!(matches!(login(typed), Ok(LoginStep::Granted(_))));
    assert!(matches!(login("caf\u{e9} correct horse"), Ok(LoginStep::Granted(_))));
    let wanted = Registration {
        name: "bob".parse().unwrap(),
        email: "alice@xn--bcher-kva.example".parse().unwrap(),
        password: PASSWORD.into(),
    };
    assert!(matches!(auth.register(&wanted, &Admission::Local, "here", NOW), Err(AuthError::EmailTaken { .. })));
}

/// The audit log keeps so many entries as are wanted.
#[test]
fn the_audit_log_has_an_end() {
    let house = House::new();
    let Inner { database, policy, .. } = &*house.auth.0;
    let auth = Auth::open(database.clone(), Policy { audit_entries: 10, ..*policy }).unwrap();
    let note = |from: u32| (from..from + 15).for_each(|n| auth.record_share(&alice(), "here", &n.to_string(), NOW).unwrap());
    note(0);
    assert!(matches!(auth.verify_audit().unwrap(), Finding::Whole { entries: 16, first: 1, .. }), "nothing is lost");
    let archive = house.directory.path().join("audit");
    auth.archive_audit_in(archive.clone());
    note(15);
    assert!(matches!(auth.verify_audit().unwrap(), Finding::Whole { entries: 10, first: 22, .. }));
    let mut files: Vec<_> = std::fs::read_dir(archive).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let text: String = files.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    assert_eq!(lines.map(|line| line["number"].as_u64().unwrap()).collect::<Vec<_>>(), (1..22).collect::<Vec<_>>());
}

/// Nothing that is a secret is in the audit log or in what `Debug` shows, and the log is whole.
#[test]
fn secrets_stay_secret() {
    let house = House::new();
    let (secret, codes) = house.with_app();
    let challenge = house.challenge(NOW + 300);
    let granted = house.auth.login_with_code(&challenge, &code(&secret, NOW + 300), NOW + 300).unwrap();
    let shown = format!("{:?} {granted:?} {codes:?} {challenge:?}", house.auth.audit(100, None).unwrap());
    for hidden in [PASSWORD, &secret, codes[0].expose_secret(), granted.token.expose()] {
        assert!(!shown.contains(hidden), "{hidden}");
    }
    assert!(matches!(house.auth.verify_audit().unwrap(), Finding::Whole { entries: 4, .. }));
    let bytes = std::fs::read(house.directory.path().join("catalog.redb")).unwrap();
    let kept = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(!kept(PASSWORD) && !kept(codes[0].expose_secret()) && !kept(granted.token.expose()));
}
