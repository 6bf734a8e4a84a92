//! Where files are fetched to: what a file that is replaced stays, and what is left where the program is killed.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use crate::program::{Home, QUICK, signal, wait_until};

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// A file that is replaced has the mode, the other names and the links that it had.
#[test]
fn a_replaced_file_stays_what_it_was() {
    let home = Home::new(QUICK);
    let content = home.file("a.bin", 70_000);
    home.ok(&["put", "a.bin"]);
    for (name, bits) in [("private", 0o600), ("script", 0o755), ("sealed", 0o400)] {
        fs::write(home.path(name), "old").unwrap();
        fs::set_permissions(home.path(name), fs::Permissions::from_mode(bits)).unwrap();
        home.ok(&["get", "a.bin", "-o", name, "--force"]);
        assert_eq!((mode(&home.path(name)), fs::read(home.path(name)).unwrap() == content), (bits, true), "{name}");
    }
    fs::hard_link(home.path("private"), home.path("twin")).unwrap();
    symlink("private", home.path("link")).unwrap();
    home.file("b.bin", 1_000);
    home.ok(&["put", "b.bin"]);
    home.ok(&["run", "-c", "download b.bin link --force"]);
    let (link, twin) = (fs::symlink_metadata(home.path("link")).unwrap(), fs::metadata(home.path("twin")).unwrap());
    assert!(link.is_symlink() && twin.nlink() == 2 && twin.len() == 1_000 && mode(&home.path("twin")) == 0o600);
}

/// Whatever may be stored may be fetched under its own name.
#[test]
fn the_longest_name_comes_back() {
    let home = Home::new(QUICK);
    let content = home.file("a.bin", 10_000);
    for length in [238, 239, 255] {
        let name = "x".repeat(length);
        home.ok(&["put", "a.bin", "--as", &name]);
        home.ok(&["get", &name]);
        home.ok(&["run", "-c", &format!("download {name} --force")]);
        assert!(fs::read(home.path(&name)).unwrap() == content, "{length}");
    }
    let error = home.refused(&["put", "a.bin", "--as", &"x".repeat(256)]);
    assert!(error.contains("256 bytes"), "{error}");
}

/// A download that is killed leaves nothing beside its place, and one that was there is there yet.
#[test]
fn a_killed_download_leaves_nothing() {
    let home = Home::new("[network]\nbandwidth = '64KiB/s'\nloss = '0%'\n");
    // More than the network carries within the deadline of a test.
    home.file("a.bin", 4_500_000);
    home.ok(&["put", "a.bin"]);
    fs::create_dir(home.path("there")).unwrap();
    fs::write(home.path("there/old.bin"), "old").unwrap();
    for arguments in [&["there/a.bin"][..], &["there/old.bin", "--force"]] {
        let child = home.spawn(&[&["get", "a.bin", "--speed", "1x", "-o"], arguments].concat());
        let writes = || {
            let open = fs::read_dir(format!("/proc/{}/fd", child.id())).into_iter().flatten().flatten();
            open.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|path| path.starts_with(home.path("there")))
        };
        wait_until("the file is begun", writes);
        signal(&child, "KILL");
        child.wait_with_output().unwrap();
        home.ok(&["ls"]);
        let left: Vec<_> = fs::read_dir(home.path("there")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["old.bin"]);
    }
    assert_eq!(fs::read(home.path("there/old.bin")).unwrap(), b"old");
}

/// Files that would be stored or written as one are refused together, before the first byte of any, and both are named.
#[test]
fn one_destination_is_for_one_file() {
    let home = Home::new(QUICK);
    for directory in ["one", "two"] {
        fs::create_dir(home.path(directory)).unwrap();
        home.file(&format!("{directory}/a.bin"), 1_000);
    }
    home.file("caf\u{e9}.bin", 1_000);
    home.file("cafe\u{301}.bin", 2_000);
    for (files, named) in [
        (["one/a.bin", "two/a.bin"], ["one/a.bin", "two/a.bin"]),
        (["caf\u{e9}.bin", "cafe\u{301}.bin"], ["caf\u{e9}.bin", "cafe\\u{301}.bin"]),
        (["one/a.bin", "one/../one/a.bin"], ["one/a.bin", "one/../one/a.bin"]),
    ] {
        let of_command = home.refused(&["put", files[0], files[1]]);
        let of_script = home.refused_script(&format!("upload {} {}", files[0], files[1]));
        for error in [of_command, of_script] {
            assert!(
                error.contains("two of the files would be stored as") && named.iter().all(|name| error.contains(name)),
                "{error}"
            );
        }
    }
    assert_eq!(home.stored(), [""; 0]);
    home.ok(&["put", "one/a.bin"]);
    fs::create_dir(home.path("out")).unwrap();
    let error = home.refused(&["get", "a.bin", "./a.bin", "-o", "out"]);
    assert!(error.contains("two of the files would be written to out/a.bin"), "{error}");
    assert_eq!(fs::read_dir(home.path("out")).unwrap().count(), 0);
}
