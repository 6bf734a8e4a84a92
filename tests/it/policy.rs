//! The policy as one table: every operation, whoever asks, from wherever, with whatever scope. The table of docs/security.md is
//! made from it. Below it, what the engine makes of the policy at the instant of the act.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use p2p_base::units::{ByteSize, DelayRange, Probability, SimDuration};
use p2p_engine::operation::{self, OnShutdown};
use p2p_engine::pace::Speed;
use p2p_engine::policy::{self, Facts};
use p2p_engine::snapshot::Peer;
use p2p_engine::transfer::{Direction, TransferId};
use p2p_engine::{
    Caller, Command, Denial, EngineConfig, EngineError, ErrorKind, Event, Origin, OrphansAction, Principal, Reply, Scope,
};
use p2p_net::HostConfig;
use p2p_store::manifest::FileRecord;
use p2p_store::names::FileKey;
use p2p_store::namespace::{DirectoryRecord, Entry, Namespace};
use p2p_store::segment::Sha256Digest;

use crate::generated;
use crate::harness::{Harness, config, quick_link, random_file, user};

/// A file of alice's, which bob may read, one in a directory that she shares with him, and a transfer that alice has begun.
struct House {
    names: Namespace,
}

const TRANSFER: TransferId = TransferId(7);

impl Facts for House {
    fn names(&self) -> &Namespace {
        &self.names
    }

    fn starter(&self, transfer: TransferId) -> Option<Option<&str>> {
        (transfer == TRANSFER).then_some(Some("alice"))
    }
}

fn key() -> FileKey {
    FileKey::new(Some("alice"), "a.bin")
}

/// A file in a directory that alice shares with bob; the file itself is shared with nobody.
fn inner() -> FileKey {
    FileKey::new(Some("alice"), "docs/a.bin")
}

fn house() -> House {
    let bob = BTreeSet::from(["bob".to_owned()]);
    let file = |key: FileKey, readers: BTreeSet<String>| {
        let (sha256, segment_size) = (Sha256Digest::of(b"x"), 4096);
        Entry::File(FileRecord { key, size: 1, sha256, segments: 1, segment_size, stored_at: 0, readers })
    };
    let docs = DirectoryRecord { key: FileKey::new(Some("alice"), "docs"), made_at: 0, readers: bob.clone() };
    let entries = [Entry::Directory(docs), file(key(), bob), file(inner(), BTreeSet::new())];
    House { names: entries.into_iter().collect() }
}

/// One call of each operation, and of those whose need depends on what they are asked, one of each kind.
fn calls() -> Vec<(&'static str, Command)> {
    let stream = || operation::Source::Stream { stream: Default::default(), size: None };
    let to_stream = || operation::Sink::Stream(Default::default());
    let link = HostConfig::symmetric("64KiB/s".parse().unwrap(), DelayRange::fixed(SimDuration::ZERO), Probability::NEVER);
    let path = || "a.bin".into();
    vec![
        ("store a file of this machine", operation::Upload::of_file(path(), None, 0).into()),
        ("fetch alice's file to this machine", operation::Download::to_file(key(), path(), false).into()),
        ("store a stream", operation::Upload { source: stream(), name: Some("a".into()), stored_at: 0 }.into()),
        ("fetch alice's file to a stream", operation::Download { file: key(), range: None, sink: to_stream() }.into()),
        ("verify alice's file", operation::Download::to_nowhere(key()).into()),
        ("remove alice's file", operation::Remove { file: key(), recursive: false }.into()),
        ("remove a file in a directory that alice shares", operation::Remove { file: inner(), recursive: true }.into()),
        ("make a directory", operation::MakeDirectory { path: "d".into(), parents: false, made_at: 0 }.into()),
        ("move alice's file", operation::Move { from: key(), to: "b.bin".into() }.into()),
        ("share alice's file", operation::Share { file: key(), user: "carol".into(), may_read: true }.into()),
        ("give files without an owner away", operation::Adopt { owner: "alice".into() }.into()),
        ("wait for alice's transfer", operation::Await { transfer: TRANSFER }.into()),
        ("cancel alice's transfer", operation::Cancel { transfer: TRANSFER }.into()),
        ("list the files that one may read", operation::ListFiles.into()),
        ("list a directory, as far as one may read it", operation::ListDirectory { directory: key() }.into()),
        ("describe alice's file", operation::StatFile { file: key() }.into()),
        ("describe a file in a directory that alice shares", operation::StatFile { file: inner() }.into()),
        ("list the nodes", operation::ListNodes.into()),
        ("sum the usage of the nodes", operation::StatStorage.into()),
        ("sum one's files, and the quota", operation::StatUser.into()),
        ("list hosts and links", operation::ListHosts.into()),
        ("count packets", operation::CountPackets.into()),
        ("list one's transfers", operation::ListTransfers.into()),
        ("take one's failed transfers", operation::TakeFailures.into()),
        ("probe all hosts", operation::CheckHealth.into()),
        ("wait in virtual time", operation::Sleep { span: SimDuration::ZERO }.into()),
        ("change a link", operation::SetLink { peer: Peer::Client, link }.into()),
        ("keep the packets of the wire", operation::WatchWire { packets: None }.into()),
        ("list packets", operation::ListPackets.into()),
        ("list connections", operation::ListConnections.into()),
        ("capture packets into a file", operation::StartCapture { path: path() }.into()),
        ("end a capture", operation::StopCapture.into()),
        ("change the speed", operation::SetSpeed { speed: Speed::Max }.into()),
        ("pause time", operation::Pause.into()),
        ("resume time", operation::Resume.into()),
        ("step through time", operation::Step { span: None }.into()),
        ("treat unreferenced segments", operation::TreatOrphans { action: OrphansAction::List, node: None }.into()),
        ("shut down", operation::Shutdown { running: OnShutdown::Refuse }.into()),
    ]
}

fn remote() -> Origin {
    Origin::Remote(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

fn account(name: &str, is_admin: bool, scope: Scope) -> Principal {
    Principal::User { name: name.parse().unwrap(), is_admin, scope }
}

fn outcome(principal: Principal, origin: Origin, command: &Command) -> Result<(), Denial> {
    policy::check(&Caller { principal, origin }, command, &house())
}

/// The users of the table. Each comes with every scope.
const USERS: [(&str, &str, bool); 4] =
    [("alice", "owner", false), ("bob", "reader", false), ("carol", "other user", false), ("root", "admin", true)];

/// The narrowest scope with which a user may call an operation, or how it is refused to the widest one.
fn cell(name: &str, is_admin: bool, command: &Command) -> &'static str {
    let of_scope = |scope: &&Scope| outcome(account(name, is_admin, **scope), Origin::Local, command).is_ok();
    if let Some(scope) = Scope::ALL.iter().find(of_scope) {
        return scope.name();
    }
    match outcome(account(name, is_admin, Scope::Admin), Origin::Local, command) {
        Err(Denial::UnknownFile(_) | Denial::UnknownTransfer(_)) => "not found",
        _ => "denied",
    }
}

fn table() -> String {
    let mut text = String::from("| operation | to | from remote |");
    USERS.iter().for_each(|(_, heading, _)| write!(text, " {heading} |").unwrap());
    text.push_str("\n|---|---|---|---|---|---|---|\n");
    for (what, command) in calls() {
        let is_remote_too = outcome(account("root", true, Scope::Admin), remote(), &command).is_ok();
        write!(text, "| `{}` | {what} | {} |", command.name(), if is_remote_too { "yes" } else { "no" }).unwrap();
        USERS.iter().for_each(|(name, _, is_admin)| write!(text, " {} |", cell(name, *is_admin, &command)).unwrap());
        text.push('\n');
    }
    text
}

#[test]
fn the_table_of_the_documentation_is_that_of_the_policy() {
    generated::check("docs/security.md", "policy", &table());
}

#[test]
fn no_operation_is_left_out() {
    let mut listed: Vec<&str> = calls().iter().map(|(_, command)| command.name()).collect();
    listed.dedup();
    assert_eq!(listed, Command::NAMES);
}

/// What holds of every row, whatever the table says.
#[test]
fn what_every_row_has_in_common() {
    for (what, command) in calls() {
        let is_allowed = |principal: &Principal, origin| outcome(principal.clone(), origin, &command).is_ok();
        assert!(is_allowed(&Principal::Operator, Origin::Local), "{what}: the operator may do everything");
        assert!(!is_allowed(&Principal::Operator, remote()), "{what}: nobody is the operator from remote");
        for origin in [Origin::Local, remote()] {
            assert_eq!(outcome(Principal::Nobody, origin, &command), Err(Denial::LoginNeeded), "{what}");
        }
        for (name, _, is_admin) in USERS {
            for pair in Scope::ALL.windows(2) {
                let (narrow, wide) = (account(name, is_admin, pair[0]), account(name, is_admin, pair[1]));
                assert!(
                    !is_allowed(&narrow, Origin::Local) || is_allowed(&wide, Origin::Local),
                    "{what}: a wider scope may less"
                );
            }
            for scope in Scope::ALL {
                let principal = account(name, is_admin, scope);
                assert!(!is_allowed(&principal, remote()) || is_allowed(&principal, Origin::Local), "{what}: remote may more");
                // A token of a narrower scope has nothing of an admin's rights.
                let as_user = account(name, false, scope);
                assert!(
                    scope == Scope::Admin || is_allowed(&principal, Origin::Local) == is_allowed(&as_user, Origin::Local),
                    "{what}"
                );
            }
        }
        assert!(is_allowed(&account("root", true, Scope::Admin), Origin::Local), "{what}: an admin may do everything here");
    }
}

/// Events that tell of a file or a transfer are seen by whom they concern alone.
#[test]
fn events_are_seen_by_whom_they_concern() {
    let user = Some("alice".to_owned());
    let file = key();
    let direction = Direction::Upload;
    let events = [
        Event::TransferStarted {
            transfer: TRANSFER,
            direction,
            user: user.clone(),
            file: file.clone(),
            bytes: Some(1),
            segments: Some(1),
        },
        Event::TransferFinished { transfer: TRANSFER, direction, user, file: file.clone(), bytes: 1, sha256: None },
        Event::FileStored { file: file.clone(), bytes: 1, sha256: Sha256Digest::of(b"x") },
        Event::FileRemoved { file: file.clone() },
        Event::FileShared { file: file.clone(), user: "bob".into(), may_read: true },
        Event::DirectoryMade { directory: file.clone() },
        Event::DirectoryRemoved { directory: file.clone() },
        Event::Moved { from: file.clone(), to: file },
    ];
    for (name, is_admin, seen) in [
        ("alice", false, [true; 8]),
        ("bob", false, [false, false, false, false, true, false, false, false]),
        ("carol", false, [false; 8]),
        ("root", true, [true; 8]),
    ] {
        let principal = account(name, is_admin, Scope::Admin);
        assert_eq!(events.each_ref().map(|event| policy::may_see(&principal, event, |_| false)), seen, "{name}");
    }
    assert!(events.iter().all(|event| !policy::may_see(&Principal::Nobody, event, |_| true)));
}

/// A quota counts the sizes of a user's own files and of those being stored, whatever others have stored of the same content; it
/// concerns nobody else, and removing gives it back.
#[test]
fn a_quota_counts_what_is_stored_and_what_is_on_its_way() {
    let quota = ByteSize::from_bytes(250_000);
    let mut harness = Harness::with(|directory| EngineConfig { quota: Some(quota), ..config(directory, 3, quick_link()) });
    for name in ["a", "b", "c"] {
        random_file(&harness.path(name), 100_000, 1);
    }
    let upload = |harness: &Harness, name: &str| operation::Upload::of_file(harness.path(name), None, 0);
    let (alice, bob) = (user("alice"), user("bob"));
    let usage = |harness: &mut Harness, of: &Caller| match harness.ask_as(of, operation::StatUser) {
        Ok(Reply::Usage(usage)) => (usage.files, usage.file_bytes, usage.arriving_bytes, usage.left()),
        other => panic!("{other:?}"),
    };
    let a = harness.start_as(&alice, upload(&harness, "a")).unwrap();
    let b = harness.start_as(&alice, upload(&harness, "b")).unwrap();
    // The answer to a question comes at this instant: both are on their way.
    assert_eq!(usage(&mut harness, &alice), (0, 0, 200_000, Some(50_000)));
    let refused = harness.start_as(&alice, upload(&harness, "c")).unwrap_err();
    assert_eq!(refused, EngineError::OverQuota { name: "c".into(), needed: 100_000, left: 50_000, quota });
    assert_eq!(refused.kind(), ErrorKind::Exhausted);
    let of_bob = harness.start_as(&bob, upload(&harness, "c")).unwrap();
    for transfer in [a, b, of_bob] {
        harness.finish(transfer).unwrap();
    }
    assert_eq!(usage(&mut harness, &alice), (2, 200_000, 0, Some(50_000)));
    assert_eq!(usage(&mut harness, &bob), (1, 100_000, 0, Some(150_000)));
    let removal =
        harness.start_as(&alice, operation::Remove { file: FileKey::new(Some("alice"), "a"), recursive: false }).unwrap();
    harness.finish(removal).unwrap();
    assert_eq!(usage(&mut harness, &alice), (1, 100_000, 0, Some(150_000)));
    let again = harness.start_as(&alice, upload(&harness, "c")).unwrap();
    harness.finish(again).unwrap();
    // While there are no accounts, nobody has a quota.
    for name in ["a", "b", "c"] {
        harness.put(name).unwrap();
    }
    assert_eq!(usage(&mut harness, &Caller::operator()), (3, 300_000, 0, None));
}

/// Nothing comes between the check and the act: what was shared when it was asked for, and is not any more, is not read.
#[test]
fn a_share_that_has_ended_ends_what_was_asked_for_after_it() {
    let mut harness = Harness::new(3, quick_link());
    random_file(&harness.path("a.bin"), 100_000, 1);
    let (alice, bob) = (user("alice"), user("bob"));
    let path = harness.path("a.bin");
    let transfer = harness.start_as(&alice, operation::Upload::of_file(path, None, 0)).unwrap();
    harness.finish(transfer).unwrap();
    let share = |may_read| operation::Share { file: key(), user: "bob".into(), may_read };
    assert_eq!(harness.ask_as(&bob, operation::StatFile { file: key() }).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(harness.ask_as(&alice, share(true)), Ok(Reply::Done(())));
    let Ok(Reply::Manifest(manifest)) = harness.ask_as(&bob, operation::StatFile { file: key() }) else { panic!("no manifest") };
    assert_eq!(manifest.file.readers.len(), 1);
    // Both are under way at one instant; the second is decided when the first has had its effect.
    assert_eq!(harness.ask_as(&alice, share(false)), Ok(Reply::Done(())));
    let fetched = harness.ask_as(&bob, operation::Download::to_nowhere(key()));
    assert!(matches!(fetched, Err(EngineError::UnknownFile { .. })), "{fetched:?}");
    assert!(matches!(harness.ask_as(&bob, share(true)), Err(EngineError::UnknownFile { .. })));
    assert_eq!(harness.ask_as(&bob, operation::ListFiles), Ok(Reply::Files(Vec::new())));
    assert_eq!(harness.ask_as(&bob, operation::ListTransfers), Ok(Reply::Transfers(Vec::new())));
    assert_eq!(harness.ask_as(&bob, operation::Await { transfer }), Err(EngineError::UnknownTransfer(transfer)));
    let Ok(Reply::Nodes(nodes)) = harness.ask_as(&bob, operation::ListNodes) else { panic!("no nodes") };
    assert!(nodes.iter().all(|node| node.used_bytes.is_none() && node.segments.is_none()), "{nodes:?}");
}
