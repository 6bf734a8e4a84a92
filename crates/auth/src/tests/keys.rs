//! What public keys promise to those who add them. Knows nothing of how they are shown.

use base64::Engine;
use base64::prelude::BASE64_STANDARD as STANDARD;

use super::*;
use crate::keys::{KEYS_MAX, KeyError, KeyInfo};
use crate::names::KeyName;
use crate::public_key::PublicKey;

/// Returns a key of its own for each number: an Ed25519 key is any 32 bytes.
fn key(number: u8) -> PublicKey {
    let blob = [&[0, 0, 0, 11][..], b"ssh-ed25519", &[0, 0, 0, 32], &[number; 32]].concat();
    PublicKey::parse(&format!("ssh-ed25519 {} x", STANDARD.encode(blob))).unwrap()
}

fn named(name: &str) -> KeyName {
    name.parse().unwrap()
}

impl House {
    fn add(&self, name: &str, number: u8) -> Result<KeyInfo, AuthError> {
        self.auth.add_key(&alice(), &named(name), &key(number), "here", NOW)
    }

    fn key_names(&self, user: &UserName) -> Vec<String> {
        self.auth.keys(user).unwrap().iter().map(|key| key.name.to_string()).collect()
    }
}

#[test]
fn a_key_is_listed_audited_and_mailed() {
    let house = House::new();
    let added = house.add("Laptop", 1).unwrap();
    assert_eq!(house.auth.keys(&alice()).unwrap(), std::slice::from_ref(&added));
    assert_eq!((added.name.to_string().as_str(), added.algorithm.as_str(), added.added_at), ("laptop", "ssh-ed25519", NOW));
    let (_, mail) = house.auth.mails().unwrap().pop().unwrap();
    assert!(mail.text.contains(&format!("public key added: {}", added.fingerprint)), "{mail:?}");
    assert_eq!(house.auth.remove_key(&alice(), &named("laptop"), "here", NOW).unwrap(), added);
    assert_eq!(house.key_names(&alice()), [""; 0]);
    let noted: Vec<_> = house.auth.audit(2, Some(&alice())).unwrap().into_iter().map(|(_, entry)| entry).collect();
    let note = format!("laptop, ssh-ed25519 {}", added.fingerprint);
    assert_eq!(noted.iter().map(|entry| entry.action).collect::<Vec<_>>(), [Action::RemoveKey, Action::AddKey]);
    assert!(noted.iter().all(|entry| entry.done && entry.note == note && entry.origin == "here"), "{noted:?}");
    let unknown = house.auth.remove_key(&alice(), &named("laptop"), "here", NOW).unwrap_err();
    assert_eq!(unknown, KeyError::Unknown { name: named("laptop") }.into());
}

#[test]
fn a_user_has_so_many_keys_and_each_once() {
    let house = House::new();
    for n in 0..KEYS_MAX as u8 {
        house.add(&n.to_string(), n).unwrap();
    }
    assert_eq!(house.add("more", 100).unwrap_err(), KeyError::TooMany.into());
    assert_eq!(house.add("more", 7).unwrap_err(), KeyError::Known { name: named("7") }.into());
    assert_eq!(house.add("7", 100).unwrap_err(), KeyError::NameTaken { name: named("7") }.into());
    house.auth.remove_key(&alice(), &named("7"), "here", NOW).unwrap();
    assert!(house.add("more", 7).is_ok());
    let mut names = house.key_names(&alice());
    assert_eq!((names.len(), names.is_sorted()), (KEYS_MAX, true));
    names.retain(|name| name == "7" || name == "more");
    assert_eq!(names, ["more"]);
}

/// Another user may have the same key, learns nothing of it, and has room for as many. A name of a user may begin that of another.
#[test]
fn keys_of_users_are_apart() {
    let house = House::new();
    house.add("a", 1).unwrap();
    for name in ["alic", "alice2", "bob"] {
        let other = house.register(name, &format!("{name}@example.org")).unwrap().account.name;
        assert_eq!(house.key_names(&other), [""; 0]);
        house.auth.add_key(&other, &named("a"), &key(1), "there", NOW).unwrap();
        assert_eq!((house.key_names(&other), house.key_names(&alice())), (vec!["a".to_owned()], vec!["a".to_owned()]));
        house.auth.remove_key(&other, &named("a"), "there", NOW).unwrap();
        assert_eq!(house.key_names(&alice()), ["a"]);
    }
    let nobody = "nobody".parse().unwrap();
    let refused = house.auth.add_key(&nobody, &named("a"), &key(1), "there", NOW).unwrap_err();
    assert_eq!(refused, AuthError::UnknownUser { name: "nobody".into() });
}

/// A new password keeps the keys, which are no secret that somebody else may know; a reset, after which nothing of the user's is trusted,
/// removes them.
#[test]
fn a_new_password_keeps_keys_and_a_reset_removes_them() {
    let house = House::new();
    let bob = house.register("bob", "bob@example.org").unwrap().account.name;
    house.auth.add_key(&bob, &named("a"), &key(1), "here", NOW).unwrap();
    house.add("a", 1).unwrap();
    let (old, new) = (Secret::from(PASSWORD), Secret::from("another horse battery"));
    house.auth.change_password(&bob, (&old, &new), None, "here", NOW).unwrap();
    assert_eq!(house.key_names(&bob), ["a"]);
    house.auth.reset(&bob, &"a third horse battery".into(), "alice", "here", NOW).unwrap();
    assert_eq!((house.key_names(&bob), house.key_names(&alice())), (Vec::new(), vec!["a".to_owned()]));
}

#[test]
fn a_key_is_no_name_of_one() {
    for bad in ["", "a b", ".a", "ssh-ed25519 AAAA", &"a".repeat(33)] {
        assert_eq!(bad.parse::<KeyName>(), Err(NameError::Key), "{bad:?}");
    }
}

/// A database of a version without keys gets the table.
#[test]
fn a_database_without_keys_takes_them() {
    let house = House::new();
    house
        .auth
        .0
        .database
        .write(|transaction| transaction.delete_table(store::KEYS).map(drop).map_err(DatabaseError::from))
        .unwrap();
    let auth = Auth::open(house.auth.0.database.clone(), house.auth.0.policy).unwrap();
    assert_eq!(auth.keys(&alice()).unwrap(), []);
    assert!(auth.add_key(&alice(), &named("a"), &key(1), "here", NOW).is_ok());
}

/// A key logs its user in without a code, is named in the audit log, and is nobody else's; others do not lock its holder out.
#[test]
fn a_key_logs_its_user_in_and_nobody_else() {
    let house = House::new();
    let known = house.add("laptop", 1).unwrap();
    let unknown = key(2).fingerprint();
    assert!(house.auth.has_key("Alice", known.fingerprint).unwrap());
    assert!(!house.auth.has_key("alice", unknown).unwrap() && !house.auth.has_key("nobody", known.fingerprint).unwrap());
    let granted = house.auth.login_with_key("Alice", known.fingerprint, "there", NOW).unwrap();
    assert_eq!(house.auth.check(&granted.token, "there", NOW).unwrap().name, alice());
    let (_, entry) = house.auth.audit(1, Some(&alice())).unwrap().remove(0);
    assert_eq!((entry.action, entry.done, entry.origin.as_str()), (Action::Login, true, "there"));
    assert_eq!(entry.note, format!("public key laptop, ssh-ed25519 {}", known.fingerprint));
    let refused = (0..50).map(|_| house.auth.login_with_key("alice", unknown, "there", NOW).unwrap_err());
    let refused: Vec<AuthError> = refused.collect();
    assert_eq!(refused[0], AuthError::WrongLogin);
    assert!(matches!(refused[49], AuthError::Wait { .. }), "{:?}", refused[49]);
    assert!(house.auth.login_with_key("alice", known.fingerprint, "there", NOW).is_ok());
}
