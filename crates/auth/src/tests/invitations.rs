//! Which registrations from remote are admitted, and what becomes of the invites.

use super::*;
use crate::invites::{InviteError, InviteInfo, LIFETIME, LIFETIME_MAX};

impl House {
    fn invite(&self, now: u64) -> Secret {
        self.auth.new_invite(&alice(), now + LIFETIME, "here", now).unwrap()
    }

    fn come(&self, name: &str, admission: &Admission, now: u64) -> Result<Account, AuthError> {
        let email = format!("{name}@example.org").parse().unwrap();
        let wanted = Registration { name: name.parse().unwrap(), email, password: PASSWORD.into() };
        self.auth.register(&wanted, admission, "192.0.2.1", now).map(|granted| granted.account)
    }

    fn open_invites(&self, now: u64) -> Vec<InviteInfo> {
        self.auth.invites(now).unwrap()
    }
}

#[test]
fn an_invite_admits_one_account_and_ends() {
    let house = House::new();
    let invite = house.invite(NOW);
    let text = invite.expose_secret();
    assert!(text.starts_with("p2p_invite_") && crate::tokens::is_in(text), "{text}: no file keeps it");
    let (_, made) = house.auth.audit(1, Some(&alice())).unwrap().remove(0);
    assert_eq!((made.action, &made.note), (Action::NewInvite, &house.open_invites(NOW)[0].id));
    let admission = Admission::Invite(invite);
    // A taken name is told to who is admitted, and costs the invite nothing.
    assert!(matches!(house.come("alice", &admission, NOW), Err(AuthError::NameTaken { .. })));
    assert_eq!(house.open_invites(NOW).len(), 1);
    let bob = house.come("bob", &admission, NOW).unwrap();
    assert_eq!((bob.role, house.open_invites(NOW)), (Role::User, vec![]));
    let refused = AuthError::Invite(InviteError::Refused);
    assert_eq!(house.come("carol", &admission, NOW), Err(refused.clone()));
    let (_, registered) = house.auth.audit(10, None).unwrap().into_iter().find(|(_, entry)| entry.user == "bob").unwrap();
    assert!(registered.note.starts_with("by the invite ") && registered.note.ends_with(" of alice"), "{registered:?}");
    // One that has expired, and one that was revoked.
    let late = Admission::Invite(house.invite(NOW));
    assert_eq!(house.come("carol", &late, NOW + LIFETIME), Err(refused.clone()));
    let revoked = Admission::Invite(house.invite(NOW));
    let id = house.open_invites(NOW).pop().unwrap().id;
    for invite in house.open_invites(NOW) {
        house.auth.revoke_invite(&alice(), &invite.id, "here", NOW).unwrap();
    }
    let error = house.auth.revoke_invite(&alice(), &id, "here", NOW).unwrap_err();
    assert_eq!(error, InviteError::Unknown { id }.into());
    assert_eq!(house.come("carol", &revoked, NOW), Err(refused));
}

/// Who is not admitted learns nothing of the names that are taken, and is slowed down.
#[test]
fn who_guesses_invites_waits_and_learns_nothing() {
    let house = House::new();
    let guess = |n: u32| Admission::Invite(format!("p2p_invite_{n}").as_str().into());
    let answers: Vec<AuthError> = (0..12).map(|n| house.come("alice", &guess(n), NOW).unwrap_err()).collect();
    let refused = answers.iter().take_while(|answer| **answer == AuthError::Invite(InviteError::Refused)).count();
    assert!(refused >= 3 && answers[refused..].iter().all(|answer| matches!(answer, AuthError::Wait { .. })), "{answers:?}");
}

#[test]
fn the_first_account_from_remote_is_that_of_the_setup_token() {
    let directory = tempfile::tempdir().unwrap();
    let house = House { auth: open(directory.path(), 1000), directory };
    for admission in [Admission::Open, Admission::Invite("p2p_invite_x".into())] {
        assert_eq!(house.come("mallory", &admission, NOW), Err(InviteError::SetupNeeded.into()));
    }
    let admin = house.come("alice", &Admission::Setup, NOW).unwrap();
    assert_eq!(admin.role, Role::Admin);
    assert_eq!(house.come("bob", &Admission::Setup, NOW), Err(InviteError::SetupRefused.into()));
    assert_eq!(house.come("bob", &Admission::Open, NOW).unwrap().role, Role::User);
}

#[test]
fn an_invite_has_a_bound_and_so_has_their_number() {
    let house = House::new();
    for expires_at in [NOW, NOW - 1, NOW + LIFETIME_MAX + 1, u64::MAX] {
        let refused = house.auth.new_invite(&alice(), expires_at, "here", NOW).unwrap_err();
        assert_eq!(refused, InviteError::Lifetime.into(), "{expires_at}");
    }
    // A clock that was put back does not lengthen the life of one.
    let invite = Admission::Invite(house.invite(NOW));
    assert_eq!(house.come("bob", &invite, NOW - 86_400 * 2), Err(InviteError::Refused.into()));
}
