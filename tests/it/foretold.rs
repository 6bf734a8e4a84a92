//! Commands that are not possible as things are by then: a line that has one begins nothing, as far as it is known ahead.

use std::fs;

use crate::accounts::script;
use crate::program::{Home, QUICK, Said, end_of};

/// Commands that are refused for what is so when the line begins, or for what the commands before them make of it, each with the reason.
const UNTIMELY: [(&str, &str); 37] = [
    ("start 3", "start 3: Node_03 runs already. Nothing"),
    ("start 3; start 3", "start 3: Node_03 runs already. Nothing"),
    ("kill 3; kill 3", "kill 3: after `kill 3`, command 2 of the line, it would be refused: by then, Node_03 does not run."),
    ("kill 3; stop 3", "after `kill 3`, command 2 of the line, it would be refused: by then, Node_03 does not run. Nothing"),
    ("kill 3; start 3; start 3", "after `start 3`, command 3 of the line, it would be refused: by then, Node_03 runs already."),
    ("stop 3; flap 3 --every 1s", "after `stop 3`, command 2 of the line"),
    ("refuse 3; refuse 3", "after `refuse 3`, command 2 of the line, it would be refused: by then, Node_03 is refusing already."),
    ("restart 3; start 3", "Node_03 runs already"),
    ("disk 2 --clear", "nothing is wrong with the disk of Node_02"),
    ("link 1 --clear", "nothing is wrong with the uplink of Node_01"),
    (
        "link 1 --queue 5; link 1 --clear; link 1 --clear",
        "link 1 --clear: after `link 1 --clear`, command 3 of the line, it would be refused: by then, nothing",
    ),
    ("path 1,2 --clear", "nothing is wrong with the path Node_01->Node_02"),
    ("heal 1,2", "is not cut"),
    ("partition 1|2; heal; heal 1,2", "is not cut"),
    ("flap 1 --clear", "Node_01 is not flapping"),
    ("faults clear 2", "nothing is wrong with Node_02"),
    (
        "faults apply slow-wan; faults clear slow-wan; faults clear slow-wan",
        "after `faults clear slow-wan`, command 3 of the line, it would be refused: by then, no fault of the profile `slow-wan` is on.",
    ),
    ("faults apply slow-wan 1; faults clear slow-wan 2", "no fault of the profile `slow-wan` is on for Node_02"),
    ("capture stop", "no capture is running"),
    ("capture start c1; capture start c2", "by then, a capture is running already."),
    ("capture start a.bin", "a.bin already exists"),
    (
        "capture start c1; capture stop; capture start c1",
        "after `capture start c1`, command 2 of the line, it would be refused: by then, /",
    ),
    (
        "upload b.bin --as c.bin --background; cancel 1; cancel 1",
        "command 3 of the line, it would be refused: by then, transfer #1 is over.",
    ),
    ("segments --node 9", "there is no Node_09"),
    ("expect kill 9 contains killed", "expected contains killed"),
    ("expect start 3 = x", "Node_03 runs already"),
    ("kill 3; expect kill 3 contains killed", "Node_03 does not run"),
    ("expect capture stop contains captured", "no capture is running"),
    ("download b.bin z1 --range 2000-", "the range begins at byte 2000"),
    (
        "cp b.bin c; cp b.bin c",
        "after `cp b.bin c`, command 2 of the line, it would be refused: by then, a file or directory named `c` is stored already",
    ),
    (
        "cp b.bin c; mv b.bin c",
        "after `cp b.bin c`, command 2 of the line, it would be refused: by then, a file or directory named `c` is stored already",
    ),
    ("mkdir d; cp -f b.bin c; mv -f c d/; mv -f d b.bin", "after `mkdir d`, command 2 of the line, it would be refused"),
    ("cp b.bin c; mv -f c b.bin; rm c", "after `mv -f c b.bin`, command 3 of the line, it would be refused"),
    ("rm b.bin; chmod 600 b.bin", "after `rm b.bin`, command 2 of the line, it would be refused"),
    ("rm b.bin; touch b.bin", "after `rm b.bin`, command 2 of the line, it would be refused"),
    ("chmod 888 b.bin", "`888` is no mode"),
    ("touch --date noon b.bin", "`noon` is no time"),
];

/// Commands of bob, who is no admin, about accounts and the files of others, each with the reason. He has a token `ci`, no key and no invite.
const NOT_HIS: [(&str, &str); 13] = [
    ("key remove none", "you have no key `none`"),
    ("key add k one.pub; key add k two.pub", "by then, there is a key `k` already."),
    ("key add k one.pub; key add l one.pub", "the key is yours already, under the name `k`"),
    (
        "key add k one.pub; key remove K; key remove k",
        "after `key remove K`, command 3 of the line, it would be refused: by then, you have no key",
    ),
    ("key add k none.pub", "cannot read the key in"),
    ("token new ci", "token new ci: there is a token `ci` already; `token revoke ci` removes it."),
    ("token new x; token new x", "by then, there is a token `x` already."),
    ("token revoke ci; token revoke ci", "you have no token `ci`"),
    ("uploads forget 0123456789abcdef0123456789abcdef", "no upload `0123456789abcdef0123456789abcdef` is kept"),
    ("share ~alice/a.bin bob", "you may only read it"),
    ("unshare ~alice/a.bin bob", "you may only read it"),
    ("faults apply slow-wan", "`faults apply` is for admins"),
    ("faults clear", "`faults clear` is for admins"),
];

/// Commands about the account, which are for sessions, as a program with the API token of an admin gives them.
const FOR_SESSIONS: [&str; 6] =
    ["key list", "token list", "invite list", "sessions", "users reset bob", "register carol carol@example.org"];

/// Public keys that `ssh-keygen` has made.
const KEYS: [(&str, &str); 2] = [
    ("one.pub", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHC7qH7pCU9fvWCJDK5A9yDaJLxdAELchLh8ALDdqXu3"),
    ("two.pub", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJ0bMvoAbMHbP4jXBSMvEWxw4m3sfG87Ddn+v4gif6N"),
];

/// Returns the lines that were not refused before they began, where each should be for its reason.
fn not_refused_ahead<'a>(lines: impl Iterator<Item = (&'a str, &'a str)>, run: impl Fn(&str) -> Said) -> Vec<(&'a str, Said)> {
    let line = |number, commands| format!("upload a.bin --as new-{number}.bin; {commands}");
    let said = lines.enumerate().map(|(number, (commands, reason))| (commands, reason, run(&line(number, commands))));
    let is_told =
        |said: &Said, reason: &str| said.stderr.contains(reason) && said.stderr.contains(" Nothing of the line was begun.");
    let others = said.filter(|(_, reason, said)| said.code == Some(0) || !said.stdout.is_empty() || !is_told(said, reason));
    others.map(|(commands, _, said)| (commands, said)).collect()
}

#[test]
fn a_line_of_which_a_command_would_come_at_the_wrong_time_begins_nothing() {
    let home = Home::new(QUICK);
    home.file("a.bin", 1_000);
    home.file("b.bin", 1_000);
    home.ok(&["put", "b.bin"]);
    let others = not_refused_ahead(UNTIMELY.into_iter(), |line| home.run(&["run", "-c", line]));
    assert!(others.is_empty(), "{others:#?}");
    assert_eq!(home.stored(), ["b.bin"]);
}

/// What its earlier commands make of it counts, and what changes by itself is left to the command.
#[test]
fn a_line_whose_commands_come_at_the_right_time_is_carried_out() {
    let home = Home::new(QUICK);
    home.file("a.bin", 1_000);
    for line in [
        "kill 3; start 3; refuse 3; start 3; stop 3; restart 3; kill 3; restart 3",
        "flap 3 --every 1s --times 1; sleep 3s; kill 3; faults clear; kill 3",
        "path 1,2 --cut --delay 5ms; heal 1,2; path 1,2 --clear; partition 1|2; heal",
        "disk 2 --full; disk 2 --clear; link 1 --queue 5; link 1 --clear; faults apply slow-wan 1; faults clear 1",
        "capture start c1; capture stop; capture start c2; sleep 1s; capture stop",
        "expect start 3 contains 'runs already'; expect kill 9 contains 'no Node_09'; expect kill 3 contains killed; start 3",
        "upload a.bin; faults apply dying-disk; faults clear",
        "mkdir d; cp a.bin b; chmod 600 b; touch --date @7 b d; mv -f b a.bin; cp -p a.bin d; cp -f a.bin d/; rm -r d; mkdir d",
    ] {
        home.ok(&["run", "-c", line]);
    }
}

/// A transfer that was over before the line cannot be cancelled, while one that the line begins may be under way.
#[test]
fn a_transfer_that_is_over_is_not_cancelled() {
    let home = Home::new(QUICK);
    home.file("a.bin", 1_000);
    let said = home.refused_script("upload a.bin\nupload a.bin --as b.bin; cancel 1");
    assert!(said.contains("cancel 1: transfer #1 is over. Nothing of the line was begun."), "{said}");
    assert_eq!(home.stored(), ["a.bin"]);
    home.ok(&["run", "-c", "download a.bin b.bin --background; cancel 1"]);
}

#[test]
fn what_an_account_has_and_may_do_is_known_ahead() {
    let home = Home::new(QUICK);
    home.file("a.bin", 1_000);
    KEYS.iter().for_each(|(name, line)| fs::write(home.path(name), line).unwrap());
    home.register("alice");
    home.register("bob");
    script(&home, "alice", "upload a.bin; share a.bin bob");
    home.login("alice");
    let token = home.ok(&["token", "new", "admin", "--scope", "admin"]).trim().to_owned();
    let by_token = |line: &str| end_of(home.command(&["run", "-c", line]).env("P2P_TOKEN", &token).spawn().unwrap());
    let of_token = FOR_SESSIONS.into_iter().map(|line| (line, "needs a session, and an API token is none"));
    let mut others = not_refused_ahead(of_token, by_token);
    let invites = [("invite revoke 01234567", "there is no open invite `01234567`")];
    others.extend(not_refused_ahead(invites.into_iter(), |line| home.run(&["run", "-c", line])));
    home.login("bob");
    home.ok(&["token", "new", "ci"]);
    others.extend(not_refused_ahead(NOT_HIS.into_iter(), |line| home.run(&["run", "-c", line])));
    assert!(others.is_empty(), "{others:#?}");
    assert_eq!(home.stored(), ["a.bin"]);
    home.ok(&["run", "-c", "key add k one.pub; key remove k; key add k two.pub; token revoke ci; token new ci"]);
}
