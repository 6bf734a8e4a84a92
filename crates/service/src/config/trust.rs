//! Trust in a configuration file that was found and not named: one in the working directory may belong to another user, who
//! could have files stored, passwords read and mails sent with it. The decision does not depend on the content of the file.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use p2p_base::private_file::directory_of;
use rustix::fs::OFlags;

/// Sticky bit of a directory: only the owner of a file may remove or rename it there (inode(7)).
const STICKY: u32 = 0o1000;
/// Write permissions of the group, and of all users.
const GROUP_WRITES: u32 = 0o020;
const ALL_WRITE: u32 = 0o002;

/// Result of the search for a configuration file.
#[derive(Debug)]
pub(super) enum Found {
    /// No file was found.
    Nothing,
    /// File that may be used.
    Own(File),
    /// File that must not be used, and the reason.
    Foreign(String),
}

/// Opens the file at `path` if it may be used.
///
/// # Errors
/// Fails if the file may be used but cannot be read.
pub(super) fn open(path: &Path) -> io::Result<Found> {
    // Without O_NONBLOCK, opening a pipe of another user would block.
    let opened = OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits() as i32).open(path);
    let judged = match &opened {
        Ok(file) => file.metadata(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(_) => fs::metadata(path),
    };
    match objection(&judged?, path)? {
        Some(why) => Ok(Found::Foreign(why)),
        None => opened.map(Found::Own),
    }
}

/// Returns the reason why the file at `path` with these metadata must not be used, if there is one.
fn objection(file: &Metadata, path: &Path) -> io::Result<Option<String>> {
    if !file.is_file() {
        return Ok(Some("it is not a regular file".into()));
    }
    let user = rustix::process::geteuid().as_raw();
    let link = fs::symlink_metadata(path)?;
    let target = fs::canonicalize(path)?;
    let mut directories = vec![directory_of(path), directory_of(&target)];
    directories.dedup();
    let owners = [file, &link].map(MetadataExt::uid);
    if let Some(stranger) = owners.into_iter().find(|&owner| !is_trusted(owner, user)) {
        return Ok(Some(format!("it belongs to another user (uid {stranger})")));
    }
    if is_writable_by_others(file, &target, user) {
        return Ok(Some("others may write to it".into()));
    }
    for directory in directories {
        let found = fs::metadata(directory)?;
        // With the sticky bit, a file in the directory was put there by its owner.
        let is_kept = found.mode() & STICKY != 0 && owners.iter().all(|&owner| owner == user);
        if !is_trusted(found.uid(), user) || (is_writable_by_others(&found, directory, user) && !is_kept) {
            return Ok(Some("others may write to its directory".into()));
        }
    }
    Ok(None)
}

/// Returns true if an owner is the user or root.
fn is_trusted(owner: u32, user: u32) -> bool {
    owner == user || owner == 0
}

fn is_writable_by_others(found: &Metadata, path: &Path, user: u32) -> bool {
    let mode = found.mode();
    // With an access control list, the group bits are those of the mask, which apply to users named in the list (acl(5)).
    let has_list = || rustix::fs::getxattr_query(path, "system.posix_acl_access").is_ok();
    mode & ALL_WRITE != 0 || (mode & GROUP_WRITES != 0 && (has_list() || !is_private_group(found.gid(), user)))
}

/// Returns true if the user is the only member of a group, as many systems create one for each user. If this cannot be
/// determined, other members are assumed.
fn is_private_group(group: u32, user: u32) -> bool {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    is_private_group_in(&read("/etc/passwd"), &read("/etc/group"), group, user)
}

/// Returns true if passwd(5) and group(5) with these contents show no other member of the group.
fn is_private_group_in(passwd: &str, groups: &str, group: u32, user: u32) -> bool {
    let fields = |line: &str| line.split(':').map(str::to_owned).collect::<Vec<_>>();
    let number = |fields: &[String], place: usize| fields.get(place).and_then(|text| text.parse::<u32>().ok());
    let users: Vec<Vec<String>> = passwd.lines().map(fields).collect();
    let is_own = |fields: &Vec<String>| number(fields, 2) == Some(user);
    let own_names: Vec<&str> = users.iter().filter(|fields| is_own(fields)).map(|fields| fields[0].as_str()).collect();
    let nobody_else = users.iter().filter(|fields| !is_own(fields)).all(|fields| number(fields, 3) != Some(group));
    let mut known = groups.lines().map(fields).filter(|fields| number(fields, 2) == Some(group)).peekable();
    let is_member = |name: &str| name.is_empty() || own_names.contains(&name);
    let members_are_own =
        |fields: Vec<String>| fields.get(3).is_none_or(|members| members.split(',').all(|name| is_member(name.trim())));
    nobody_else && !own_names.is_empty() && known.peek().is_some() && known.all(members_are_own)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// What is said of `p2p.toml` in a directory with these modes.
    fn verdict(directory: u32, file: u32) -> Option<String> {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("p2p.toml");
        fs::write(&path, "").unwrap();
        set_mode(&path, file);
        set_mode(place.path(), directory);
        match open(&path).unwrap() {
            Found::Own(_) => None,
            Found::Foreign(why) => Some(why),
            Found::Nothing => panic!("it is there"),
        }
    }

    #[test]
    fn what_others_may_write_is_not_obeyed() {
        for (directory, file) in [(0o755, 0o644), (0o700, 0o600), (0o1777, 0o644)] {
            assert_eq!(verdict(directory, file), None, "{directory:o} {file:o}");
        }
        for (directory, file) in [(0o755, 0o646), (0o755, 0o666), (0o777, 0o644), (0o757, 0o600), (0o1777, 0o666)] {
            assert!(verdict(directory, file).unwrap().contains("others may write"), "{directory:o} {file:o}");
        }
        assert!(matches!(open(Path::new("/nonexistent/p2p.toml")).unwrap(), Found::Nothing));
    }

    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("p2p.toml");
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
        assert!(matches!(open(&path).unwrap(), Found::Foreign(why) if why.contains("regular")));
    }

    /// Only root can make something that is somebody else's.
    #[test]
    fn what_is_somebody_elses_is_not_obeyed() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let place = tempfile::tempdir().unwrap();
        let (path, link) = (place.path().join("theirs.toml"), place.path().join("link.toml"));
        fs::write(&path, "").unwrap();
        chown(&path, Some(65_534), None).unwrap();
        symlink(&path, &link).unwrap();
        for path in [&path, &link] {
            assert!(matches!(open(path).unwrap(), Found::Foreign(why) if why.contains("uid 65534")));
        }
        chown(&path, Some(0), None).unwrap();
        assert!(matches!(open(&link).unwrap(), Found::Own(_)));
        chown(place.path(), Some(65_534), None).unwrap();
        assert!(matches!(open(&path).unwrap(), Found::Foreign(why) if why.contains("directory")));
    }

    #[test]
    fn a_group_of_ones_own_is_nobody_else() {
        let passwd = "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\nben:x:1001:1001::/:/bin/sh\nstaff:x:1002:50::/:/bin/sh\n";
        let groups = "root:x:0:\nann:x:1000:\nben:x:1001:ann\nstaff:x:50:\nown:x:60:ann\nold:x:70\n";
        for (group, user, is_private) in [
            (1000, 1000, true),
            (1001, 1001, false),
            (50, 1000, false),
            (60, 1000, true),
            (60, 1001, false),
            (99, 1000, false),
            (70, 1000, true),
            (1000, 4242, false),
        ] {
            assert_eq!(is_private_group_in(passwd, groups, group, user), is_private, "{group} {user}");
        }
        assert!(!is_private_group_in("", "", 0, 0));
    }
}
