//! What a replaced file keeps, and what is left of one that was never finished. Knows nothing of who writes files.

use std::os::unix::fs::{PermissionsExt, symlink};

use proptest::prelude::*;

use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn entries(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A file that is begun under a name of its own, as on file systems that have no others.
fn begin_named(path: &Path, existing: Existing) -> Replacement {
    let place = resolved(path, existing).unwrap();
    let (file, temporary) = named(&place, Access::Usual.mode()).unwrap();
    Replacement { file, temporary, place, existing, access: Access::Usual, attributes: None }
}

/// A directory, and whoever writes to it: once without a name, once with one.
fn both_ways(check: impl Fn(&Path, &dyn Fn(&Path, Existing) -> io::Result<Replacement>)) {
    for begin in [&Replacement::create as &dyn Fn(&Path, Existing) -> io::Result<Replacement>, &|path, existing| {
        Ok(begin_named(path, existing))
    }] {
        let directory = tempfile::tempdir().unwrap();
        check(directory.path(), begin);
    }
}

#[test]
fn a_file_appears_whole_or_not_at_all() {
    both_ways(|directory, begin| {
        let path = directory.join("new");
        let mut file = begin(&path, Existing::Refused).unwrap();
        file.write_all(b"content").unwrap();
        assert!(!path.exists());
        let mut file = file.finish().unwrap();
        assert_eq!((fs::read(&path).unwrap(), entries(directory)), (b"content".to_vec(), vec!["new".to_owned()]));
        file.write_all(b" and more").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"content and more");
        drop(begin(&directory.join("given up"), Existing::Refused).unwrap());
        assert_eq!(entries(directory), ["new"]);
    });
}

/// A file has the attributes that it is given, whether it is new, replaces another one, or is written over since that has two names.
#[test]
fn a_file_appears_with_the_attributes_that_it_is_given() {
    both_ways(|directory, begin| {
        for (name, links) in [("new", 0), ("replaced", 1), ("linked", 2)] {
            let path = directory.join(name);
            if links > 0 {
                fs::write(&path, b"before").unwrap();
                set_mode(&path, 0o666);
            }
            if links > 1 {
                fs::hard_link(&path, directory.join("other")).unwrap();
            }
            let given = FileAttributes { modified: 1_000_000_007, mode: 0o4640 };
            let mut file = begin(&path, Existing::Replaced).unwrap().with_attributes(given);
            file.write_all(b"content").unwrap();
            file.finish().unwrap();
            let found = fs::metadata(&path).unwrap();
            assert_eq!((found.mtime(), mode(&path), found.nlink().max(1)), (1_000_000_007, 0o640, links.max(1)), "{name}");
            assert_eq!(fs::read(&path).unwrap(), b"content");
        }
        let wrong = FileAttributes { modified: u64::MAX, mode: 0o640 };
        let path = directory.join("none");
        let error = begin(&path, Existing::Refused).unwrap().with_attributes(wrong).finish().unwrap_err();
        assert!(error.kind() == ErrorKind::InvalidInput && !path.exists(), "{error}");
    });
}

#[test]
fn what_is_not_to_be_replaced_is_not() {
    both_ways(|directory, begin| {
        let path = directory.join("there");
        let file = begin(&path, Existing::Refused).unwrap();
        // Somebody makes one meanwhile.
        fs::write(&path, "theirs").unwrap();
        assert_eq!(file.finish().unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
        assert_eq!(Replacement::create(&path, Existing::Refused).unwrap_err().kind(), ErrorKind::AlreadyExists);
        symlink(directory.join("nowhere"), directory.join("dangling")).unwrap();
        assert!(write(&directory.join("dangling"), Existing::Refused, b"x").is_err());
        let error = write(&directory.join("dangling"), Existing::Replaced, b"x").unwrap_err().to_string();
        assert!(error.contains("leads nowhere"), "{error}");
        assert!(write(directory, Existing::Replaced, b"x").unwrap_err().to_string().contains("a directory"));
        assert_eq!(entries(directory), ["dangling", "there"]);
    });
}

/// The mode of what is replaced is kept, whatever the umask is; set-user-ID is not.
#[test]
fn modes_are_kept() {
    both_ways(|directory, begin| {
        for (before, after) in [(0o600, 0o600), (0o755, 0o755), (0o400, 0o400), (0o666, 0o666), (0o4711, 0o711)] {
            let path = directory.join(format!("{before:o}"));
            fs::write(&path, "old").unwrap();
            set_mode(&path, before);
            let mut file = begin(&path, Existing::Replaced).unwrap();
            file.write_all(b"new").unwrap();
            file.finish().unwrap();
            assert_eq!(mode(&path), after, "{before:o}");
            set_mode(&path, 0o600);
            assert_eq!(fs::read(&path).unwrap(), b"new");
        }
    });
}

#[test]
fn links_of_both_kinds_are_kept() {
    both_ways(|directory, begin| {
        let (path, twin, link) = (directory.join("a"), directory.join("b"), directory.join("link"));
        fs::write(&path, "something that is longer").unwrap();
        fs::hard_link(&path, &twin).unwrap();
        symlink("a", &link).unwrap();
        let mut file = begin(&link, Existing::Replaced).unwrap();
        file.write_all(b"short").unwrap();
        file.finish().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!((fs::read(&path).unwrap(), fs::read(&twin).unwrap()), (b"short".to_vec(), b"short".to_vec()));
        assert_eq!(fs::metadata(&path).unwrap().nlink(), 2);
        assert_eq!(entries(directory), ["a", "b", "link"]);
    });
}

/// Where this process may give a file to somebody else, it stays theirs; and attributes stay where the file system has them.
#[test]
fn owners_and_attributes_are_kept() {
    both_ways(|directory, begin| {
        let path = directory.join("theirs");
        fs::write(&path, "old").unwrap();
        let is_root = rustix::process::geteuid().is_root();
        if is_root {
            std::os::unix::fs::chown(&path, Some(65_534), Some(65_533)).unwrap();
        }
        set_mode(&path, 0o640);
        // The group of its own, with read access for one more user: acl(5), as the kernel keeps it.
        let list: Vec<u8> = [(1u16, 6u16, u32::MAX), (2, 4, 4_242), (4, 4, u32::MAX), (16, 4, u32::MAX), (32, 0, u32::MAX)]
            .iter()
            .fold(2u32.to_le_bytes().to_vec(), |mut bytes, (tag, permissions, id)| {
                bytes.extend([tag.to_le_bytes(), permissions.to_le_bytes()].concat());
                bytes.extend(id.to_le_bytes());
                bytes
            });
        let set = |name: &str, value: &[u8]| rustix::fs::setxattr(&path, name, value, XattrFlags::empty()).is_ok();
        let given = [("user.note", b"mine".to_vec()), ("system.posix_acl_access", list)];
        let given: Vec<_> = given.into_iter().filter(|(name, value)| set(name, value)).collect();
        let mut file = begin(&path, Existing::Replaced).unwrap();
        file.write_all(b"new").unwrap();
        file.finish().unwrap();
        let found = fs::metadata(&path).unwrap();
        assert_eq!((fs::read(&path).unwrap(), found.mode() & 0o777), (b"new".to_vec(), 0o640));
        assert!(!is_root || (found.uid(), found.gid()) == (65_534, 65_533));
        let kept = attributes_of(&path);
        assert!(given.iter().all(|(name, value)| kept.iter().any(|(known, found)| known == name && found == value)), "{kept:?}");
    });
}

/// A directory may give its new files an access control list that the replaced one does not have.
#[test]
fn no_access_is_added() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("private");
    fs::write(&path, "old").unwrap();
    set_mode(&path, 0o600);
    let list: Vec<u8> = [(1u16, 7u16, u32::MAX), (2, 7, 4_242), (4, 7, u32::MAX), (16, 7, u32::MAX), (32, 5, u32::MAX)]
        .iter()
        .flat_map(|(tag, permissions, id)| [&tag.to_le_bytes()[..], &permissions.to_le_bytes(), &id.to_le_bytes()].concat())
        .collect();
    let list = [&2u32.to_le_bytes()[..], &list].concat();
    let has_lists = rustix::fs::setxattr(directory.path(), "system.posix_acl_default", &list, XattrFlags::empty()).is_ok();
    write(&path, Existing::Replaced, b"new").unwrap();
    assert_eq!(mode(&path), 0o600);
    assert!(attributes_of(&path).iter().all(|(name, _)| !is_access_list(name)), "{has_lists}");
}

#[test]
fn what_is_private_is_so_afterwards() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("session");
    for before in [None, Some(0o644), Some(0o400)] {
        if let Some(before) = before {
            set_mode(&path, before);
        }
        let mut file = Replacement::create_private(&path, Existing::Replaced).unwrap();
        file.write_all(b"token").unwrap();
        file.finish().unwrap();
        assert_eq!((mode(&path), entries(directory.path())), (0o600, vec!["session".to_owned()]));
    }
}

/// What a killed process has left is gone when the same is written next; what somebody writes is not touched.
#[test]
fn leftovers_are_swept_and_no_others() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a");
    fs::write(temporary_name(&path, 0), "of a process that was killed").unwrap();
    let first = begin_named(&path, Existing::Replaced);
    let second = begin_named(&path, Existing::Replaced);
    assert_eq!(entries(directory.path()).len(), 2);
    assert_eq!(fs::metadata(temporary_name(&path, 0)).unwrap().len(), 0);
    second.finish().unwrap();
    first.finish().unwrap();
    assert_eq!(entries(directory.path()), ["a"]);
    // Something that is no file of ours stays.
    fs::create_dir(temporary_name(&path, 0)).unwrap();
    begin_named(&path, Existing::Replaced).finish().unwrap();
    assert!(temporary_name(&path, 0).is_dir());
}

#[test]
fn a_name_may_be_as_long_as_names_can_be() {
    both_ways(|directory, begin| {
        let path = directory.join("x".repeat(255));
        for existing in [Existing::Refused, Existing::Replaced] {
            begin(&path, existing).unwrap().finish().unwrap();
        }
        assert_eq!(entries(directory).len(), 1);
    });
}

proptest! {
    #[test]
    fn any_content_over_any_other_comes_whole(old in proptest::collection::vec(any::<u8>(), 0..5_000), new in proptest::collection::vec(any::<u8>(), 0..5_000), names in 1u32..3) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        fs::write(&path, &old).unwrap();
        if names > 1 {
            fs::hard_link(&path, directory.path().join("b")).unwrap();
        }
        write(&path, Existing::Replaced, &new).unwrap();
        prop_assert_eq!(fs::read(&path).unwrap(), new);
    }
}
