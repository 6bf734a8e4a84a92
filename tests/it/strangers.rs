//! What somebody else has put into the working directory, and paths that are meant from the file that says them.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::program::{Home, QUICK};

fn set_mode(home: &Home, name: &str, mode: u32) {
    fs::set_permissions(home.path(name), fs::Permissions::from_mode(mode)).unwrap();
}

/// A configuration that others may write to, or have put there, is ignored with a warning, unless it is named.
#[test]
fn a_configuration_of_somebody_else_is_left_out() {
    let home = Home::new(&format!("{QUICK}[storage]\ndata_dir = 'stolen'\n"));
    home.file("a.bin", 1_000);
    let is_left_out = || {
        let said = home.run(&["put", "a.bin"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        home.ok(&["rm", "a.bin"]);
        let told = said.stderr.contains("p2p.toml is ignored") && said.stderr.contains("--config ./p2p.toml");
        assert_eq!(told, !home.path("stolen").exists(), "{said:?}");
        told
    };
    assert!(!is_left_out());
    fs::remove_dir_all(home.path("stolen")).unwrap();
    set_mode(&home, "p2p.toml", 0o666);
    assert!(is_left_out());
    set_mode(&home, "p2p.toml", 0o644);
    set_mode(&home, ".", 0o777);
    assert!(is_left_out());
    // Everybody may put files there, but nobody may change this one.
    set_mode(&home, ".", 0o1777);
    assert!(!is_left_out());
    fs::remove_dir_all(home.path("stolen")).unwrap();
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(home.path("p2p.toml"), Some(65_534), None).unwrap();
        assert!(is_left_out());
        assert!(home.run(&["config"]).stderr.contains("uid 65534"));
    }
    home.ok(&["ls", "--config", "./p2p.toml"]);
    assert!(home.path("stolen").exists());
}

/// A relative directory is meant from the file that says it, and an empty one is refused before anything is made.
#[test]
fn a_relative_directory_does_not_move() {
    let home = Home::new("");
    fs::create_dir_all(home.path("conf/deep")).unwrap();
    fs::write(home.path("conf/p2p.toml"), format!("{QUICK}[storage]\ndata_dir = 'data'\n")).unwrap();
    home.ok(&["ls", "--config", "conf/p2p.toml"]);
    assert!(home.path("conf/data/catalog.redb").exists() && !home.path("data").exists());
    let config = home.path("conf/p2p.toml");
    let mut command = home.command(&["ls", "--config", config.to_str().unwrap()]);
    assert!(command.current_dir(home.path("conf/deep")).output().unwrap().status.success());
    assert!(!home.path("conf/deep/data").exists());
    home.ok(&["ls", "--config", "conf/p2p.toml", "--data-dir", "here"]);
    assert!(home.path("here/catalog.redb").exists());
    fs::write(&config, "[storage]\ndata_dir = ''\n").unwrap();
    let refused = home.refused(&["ls", "--config", "conf/p2p.toml"]);
    assert!(refused.contains("conf/p2p.toml:2: [storage] data_dir: it is empty"), "{refused}");
    assert_eq!(home.run(&["ls", "--data-dir", ""]).code, Some(2));
    assert!(!home.path("logs").exists() && !home.path(".local").exists());
    // What every other command refuses, `config` does as well.
    fs::write(&config, "[mail]\nhost = 'mail.example.org'\nuser = 'p2p'\npassword_file = 'none'\n").unwrap();
    assert!(home.refused(&["config", "--config", "conf/p2p.toml"]).contains("conf/none"));
}
