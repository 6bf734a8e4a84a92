//! What second factors promise: codes of an app, mailed codes, backup codes. Knows nothing of how they are shown.

use super::*;

/// A code that is mailed waits in memory: it is in no file, and gone with the login that it is for.
#[test]
fn a_mailed_code_is_gone_with_its_login() {
    let house = House::new();
    house.auth.otp_enable(&alice(), CodeKind::Mail, NOW).unwrap();
    let code = house.mailed_codes().pop().unwrap();
    let bytes = std::fs::read(house.directory.path().join("catalog.redb")).unwrap();
    let text = format!("Your code is {}", code.expose_secret());
    assert!(!bytes.windows(text.len()).any(|window| window == text.as_bytes()));
    // One that could not be sent is tried again, as any mail is.
    let (number, mail) = house.auth.mails().unwrap().pop().unwrap();
    let busy = Unsent { reason: "busy".into(), is_final: false };
    assert_eq!(house.auth.record_mail(number, Err(busy), NOW).unwrap(), Fate::Waits(NOW + 30));
    let (_, later) = house.auth.mails().unwrap().pop().unwrap();
    assert_eq!((later.attempts, later.text == mail.text), (1, true));
    house.auth.forget_pending();
    assert_eq!((house.auth.mails().unwrap(), house.mailed_codes().len()), (Vec::new(), 0));
    assert_eq!(house.auth.otp_confirm(&alice(), &code, "here", NOW).unwrap_err(), AuthError::Lapsed);
}

/// Being made to wait is no try of the code.
#[test]
fn waiting_uses_no_try_up() {
    let house = House::new();
    let (secret, _) = house.with_app();
    let challenge = house.challenge(NOW + 60);
    for _ in 0..limits::USER_FREE {
        assert!(house.login("alice", "wrong password", NOW + 60).is_err());
    }
    for _ in 0..2 * limits::USER_FREE {
        let waits = house.auth.login_with_code(&challenge, &"000000".into(), NOW + 60);
        assert_eq!(waits.unwrap_err(), AuthError::Wait { seconds: 30 });
    }
    assert!(house.auth.login_with_code(&challenge, &code(&secret, NOW + 90), NOW + 90).is_ok());
}

#[test]
fn a_code_of_the_app_is_good_once_and_for_its_time() {
    let house = House::new();
    let (secret, _) = house.with_app();
    let later = NOW + 300;
    // The code that confirmed the enrolment is used up.
    let challenge = house.challenge(NOW);
    assert_eq!(house.auth.login_with_code(&challenge, &code(&secret, NOW), NOW).unwrap_err(), AuthError::WrongCode);
    let challenge = house.challenge(later);
    // That somebody knows the password is known before a code comes.
    let (_, latest) = house.auth.audit(1, None).unwrap().remove(0);
    assert_eq!((latest.action, latest.done, latest.note.as_str()), (Action::Login, true, "a code is awaited"));
    for wrong in [code(&secret, later - 60), code(&secret, later + 60), "000000".into()] {
        assert_eq!(house.auth.login_with_code(&challenge, &wrong, later).unwrap_err(), AuthError::WrongCode);
    }
    let granted = house.auth.login_with_code(&challenge, &code(&secret, later), later).unwrap();
    assert_eq!(house.auth.check(&granted.token, "there", later).unwrap().name, alice());
    // Nor is an older one good after a newer, and the login is finished.
    let again = house.challenge(later);
    for used in [code(&secret, later), code(&secret, later - 30)] {
        assert_eq!(house.auth.login_with_code(&again, &used, later).unwrap_err(), AuthError::WrongCode);
    }
    assert_eq!(house.auth.login_with_code(&challenge, &code(&secret, later + 30), later).unwrap_err(), AuthError::Lapsed);
    assert!(house.refusals().iter().all(|(action, _)| *action == Action::SecondFactor));
    assert_eq!(house.refusals().len(), 6);
}

#[test]
fn a_login_lapses_with_time_and_with_tries() {
    let house = House::new();
    let (secret, _) = house.with_app();
    let challenge = house.challenge(NOW + 60);
    let late = NOW + 60 + 600;
    assert_eq!(house.auth.login_with_code(&challenge, &code(&secret, late), late).unwrap_err(), AuthError::Lapsed);
    let challenge = house.challenge(late);
    for _ in 0..5 {
        assert_eq!(house.auth.login_with_code(&challenge, &"000000".into(), late).unwrap_err(), AuthError::WrongCode);
    }
    assert_eq!(house.auth.login_with_code(&challenge, &code(&secret, late), late).unwrap_err(), AuthError::Lapsed);
}

/// Of two logins at once with one code, one succeeds.
#[test]
fn one_code_lets_one_in() {
    let house = House::new();
    let (secret, codes) = house.with_app();
    for (code, now) in [(code(&secret, NOW + 300), NOW + 300), (codes[0].clone(), NOW + 600)] {
        let challenges = [house.challenge(now), house.challenge(now)];
        let granted = std::thread::scope(|scope| {
            let tries = challenges.each_ref().map(|challenge| {
                let (auth, code) = (&house.auth, &code);
                std::thread::Builder::new()
                    .spawn_scoped(scope, move || auth.login_with_code(challenge, code, now).is_ok())
                    .unwrap()
            });
            tries.map(|thread| thread.join().unwrap())
        });
        assert_eq!(granted.iter().filter(|&&granted| granted).count(), 1);
    }
}

/// Of two who confirm at once, one is given backup codes: those of the other would be worth nothing.
#[test]
fn one_confirmation_gives_backup_codes() {
    let house = House::new();
    house.auth.otp_enable(&alice(), CodeKind::Mail, NOW).unwrap();
    let code = house.mailed_codes().pop().unwrap();
    let given = std::thread::scope(|scope| {
        let confirm = || house.auth.otp_confirm(&alice(), &code, "here", NOW).ok();
        let threads = [0, 1].map(|_| std::thread::Builder::new().spawn_scoped(scope, confirm).unwrap());
        threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(given.len(), 1);
    assert!(house.auth.login_with_code(&house.challenge(NOW), &given[0][0], NOW).is_ok());
}

#[test]
fn a_backup_code_is_good_once() {
    let house = House::new();
    let (_, codes) = house.with_app();
    assert!(house.auth.login_with_code(&house.challenge(NOW), &codes[3], NOW).is_ok());
    assert_eq!(house.auth.audit(1, None).unwrap()[0].1.note, "backup code");
    assert_eq!(house.auth.account("alice").unwrap().backup_codes, 9);
    assert_eq!(house.auth.login_with_code(&house.challenge(NOW), &codes[3], NOW).unwrap_err(), AuthError::WrongCode);
    let wrong = house.auth.new_backup_codes(&alice(), &"wrong password".into(), "here", NOW);
    assert_eq!(wrong.unwrap_err(), AuthError::WrongPassword);
    let fresh = house.auth.new_backup_codes(&alice(), &PASSWORD.into(), "here", NOW).unwrap();
    assert_eq!(house.auth.login_with_code(&house.challenge(NOW), &codes[4], NOW).unwrap_err(), AuthError::WrongCode);
    assert!(house.auth.login_with_code(&house.challenge(NOW), &fresh[0], NOW).is_ok());
}

#[test]
fn enrolment_takes_effect_with_a_correct_code() {
    let house = House::new();
    assert_eq!(house.auth.otp_confirm(&alice(), &"000000".into(), "here", NOW).unwrap_err(), AuthError::Lapsed);
    assert_eq!(house.auth.otp_begun(&alice(), NOW).unwrap_err(), AuthError::NothingBegun);
    let Begun::App(enrolment) = house.auth.otp_enable(&alice(), CodeKind::App, NOW).unwrap() else { panic!() };
    assert_eq!(house.auth.otp_confirm(&alice(), &"000000".into(), "here", NOW).unwrap_err(), AuthError::WrongCode);
    assert!(matches!(house.login("alice", PASSWORD, NOW), Ok(LoginStep::Granted(_))));
    let right = code(enrolment.secret.expose_secret(), NOW + 1000);
    assert_eq!(house.auth.otp_confirm(&alice(), &right, "here", NOW + 1000).unwrap_err(), AuthError::Lapsed);
    house.with_app();
    assert_eq!(house.auth.otp_begun(&alice(), NOW).unwrap_err(), AuthError::OtpEnabled);
    assert_eq!(house.auth.otp_enable(&alice(), CodeKind::Mail, NOW).unwrap_err(), AuthError::OtpEnabled);
    house.auth.otp_disable(&alice(), &PASSWORD.into(), "here", NOW).unwrap();
    assert!(matches!(house.login("alice", PASSWORD, NOW), Ok(LoginStep::Granted(_))));
    assert_eq!(house.auth.otp_disable(&alice(), &PASSWORD.into(), "here", NOW).unwrap_err(), AuthError::OtpDisabled);
}

#[test]
fn a_mailed_code_is_the_latest_one_and_good_for_ten_minutes() {
    let house = House::new();
    assert!(matches!(house.auth.otp_enable(&alice(), CodeKind::Mail, NOW).unwrap(), Begun::Mail));
    house.auth.otp_confirm(&alice(), house.mailed_codes().last().unwrap(), "here", NOW).unwrap();
    let challenge = house.challenge(NOW);
    let first = house.mailed_codes().pop().unwrap();
    house.auth.send_code(&challenge, NOW + 30).unwrap();
    let second = house.mailed_codes().pop().unwrap();
    assert_eq!(house.auth.login_with_code(&challenge, &first, NOW + 40).unwrap_err(), AuthError::WrongCode);
    assert!(house.auth.login_with_code(&challenge, &second, NOW + 50).is_ok());
    assert_eq!(house.auth.login_with_code(&challenge, &second, NOW + 50).unwrap_err(), AuthError::Lapsed);
    let other = house.challenge(NOW + 60);
    assert_eq!(house.auth.login_with_code(&other, &second, NOW + 60).unwrap_err(), AuthError::WrongCode);
}

#[test]
fn not_more_codes_are_mailed_than_are_good() {
    let house = House::new();
    let enable = |now| house.auth.otp_enable(&alice(), CodeKind::Mail, now).map(drop);
    for n in 0..limits::MAILS_MAX as u64 {
        enable(NOW + n).unwrap();
    }
    // Whatever they are for, and also after a restart.
    assert_eq!(enable(NOW + 100), Err(AuthError::Wait { seconds: 800 }));
    assert_eq!(house.auth.test_mail(&alice(), NOW + 100).unwrap_err(), AuthError::Wait { seconds: 800 });
    let House { auth, directory } = house;
    drop(auth);
    let auth = open(directory.path(), 1000);
    let enable = |now| auth.otp_enable(&alice(), CodeKind::Mail, now).map(drop);
    assert_eq!((enable(NOW + 900), enable(NOW + 900)), (Ok(()), Err(AuthError::Wait { seconds: 1 })));
}

/// Somebody who can be sent no code may have a backup code yet.
#[test]
fn a_backup_code_does_where_no_more_codes_are_mailed() {
    let house = House::new();
    house.auth.otp_enable(&alice(), CodeKind::Mail, NOW).unwrap();
    let codes = house.auth.otp_confirm(&alice(), house.mailed_codes().last().unwrap(), "here", NOW).unwrap();
    assert_eq!(house.challenge(NOW).mail_wait, None);
    while house.auth.test_mail(&alice(), NOW).is_ok() {}
    let challenge = house.challenge(NOW + 100);
    assert_eq!(challenge.mail_wait, Some(800));
    assert_eq!(house.auth.send_code(&challenge, NOW + 100).unwrap_err(), AuthError::Wait { seconds: 800 });
    assert!(house.auth.login_with_code(&challenge, &codes[0], NOW + 100).is_ok());
}

/// An enrolment that was begun before the account was reset, or had a new password, gives it no second factor.
#[test]
fn an_enrolment_lapses_with_what_it_was_begun_for() {
    let house = House::new();
    let begin = || {
        house.auth.otp_enable(&alice(), CodeKind::Mail, NOW).unwrap();
        house.mailed_codes().pop().unwrap()
    };
    let (code, new) = (begin(), Secret::from("another horse battery"));
    house.auth.change_password(&alice(), (&PASSWORD.into(), &new), None, "here", NOW).unwrap();
    assert_eq!(house.auth.otp_begun(&alice(), NOW).unwrap_err(), AuthError::NothingBegun);
    assert_eq!(house.auth.otp_confirm(&alice(), &code, "here", NOW).unwrap_err(), AuthError::Lapsed);
    let code = begin();
    let begun = house.auth.pending().enrolments[&alice()].clone();
    house.auth.reset(&alice(), &PASSWORD.into(), "root", "here", NOW).unwrap();
    // As where somebody is about to confirm it just then.
    house.auth.pending().enrolments.insert(alice(), begun);
    assert_eq!(house.auth.otp_confirm(&alice(), &code, "here", NOW).unwrap_err(), AuthError::Lapsed);
    assert_eq!(house.auth.account("alice").unwrap().second_factor, None);
}

/// A login that waits for the code of a factor is not ended once that factor is another.
#[test]
fn a_login_lapses_with_its_second_factor() {
    let house = House::new();
    let (_, codes) = house.with_app();
    let challenge = house.challenge(NOW);
    house.auth.otp_disable(&alice(), &PASSWORD.into(), "here", NOW).unwrap();
    let (secret, _) = house.with_app();
    for tried in [codes[0].clone(), code(&secret, NOW + 60)] {
        assert_eq!(house.auth.login_with_code(&challenge, &tried, NOW + 60).unwrap_err(), AuthError::Lapsed);
    }
}
