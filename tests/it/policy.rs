//! The policy as one table: every operation, whoever asks, from wherever, with whatever scope. The table of docs/security.md is
//! made from it. Below it, what the engine makes of the policy at the instant of the act.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use p2p_base::units::{ByteSize, DelayRange, Probability, SimDuration};
use p2p_engine::operation::{self, OnShutdown};
use p2p_engine::pace::{PaceStatus, Speed};
use p2p_engine::policy::{self, Facts, Starter};
use p2p_engine::snapshot::{Ended, Peer};
use p2p_engine::transfer::{Direction, TransferId};
use p2p_engine::{
    Caller, Command, Denial, EngineConfig, EngineError, ErrorKind, Event, Origin, OrphansAction, Principal, Reply, Scope,
};
use p2p_net::HostConfig;
use p2p_store::attributes::{Attributes, StoreAs};
use p2p_store::manifest::{FileRecord, NodeNumber};
use p2p_store::names::FileKey;
use p2p_store::namespace::{DirectoryRecord, Entry, Namespace};
use p2p_store::segment::{SegmentId, Sha256Digest};
use p2p_store::uploads::UploadId;

use crate::generated;
use crate::harness::{Harness, config, quick_link, random_file, user};

/// A file of alice's, which bob may read, one in a directory that she shares with him, one in a directory in which dave may store files, and a
/// transfer that alice has begun.
struct House {
    names: Namespace,
    /// File of the transfer.
    file: FileKey,
    /// File of the upload that dave has begun.
    arriving: FileKey,
}

const TRANSFER: TransferId = TransferId(7);
const UPLOAD: UploadId = UploadId::new([7; 16]);
/// Upload that dave has begun in alice's directory for uploads.
const UPLOAD_OF_GUEST: UploadId = UploadId::new([9; 16]);

impl Facts for House {
    fn names(&self) -> &Namespace {
        &self.names
    }

    fn starter(&self, transfer: TransferId) -> Option<Starter<'_>> {
        (transfer == TRANSFER).then_some((Some("alice"), Direction::Download, &self.file))
    }

    fn upload(&self, id: UploadId) -> Option<(Option<&str>, &FileKey)> {
        match id {
            UPLOAD => Some((None, &self.file)),
            UPLOAD_OF_GUEST => Some((Some("dave"), &self.arriving)),
            _ => None,
        }
    }

    fn is_kept(&self, user: Option<&str>, _: NodeNumber, _: SegmentId) -> bool {
        user == Some("alice")
    }
}

fn key() -> FileKey {
    FileKey::new(Some("alice"), "a.bin")
}

/// A file in a directory that alice shares with bob; the file itself is shared with nobody.
fn inner() -> FileKey {
    FileKey::new(Some("alice"), "docs/a.bin")
}

/// A file that its owner shares with these readers.
fn file(key: FileKey, readers: BTreeSet<String>) -> Entry {
    let (sha256, segment_size) = (Sha256Digest::of(b"x"), 4096);
    Entry::File(FileRecord { key, size: 1, sha256, segments: 1, segment_size, stored_at: 0, modified: 0, mode: 0o644, readers })
}

fn house() -> House {
    let bob = BTreeSet::from(["bob".to_owned()]);
    let docs = DirectoryRecord { readers: bob.clone(), ..DirectoryRecord::made(FileKey::new(Some("alice"), "docs"), 0) };
    let inbox = DirectoryRecord { uploaders: BTreeSet::from(["dave".to_owned()]), ..DirectoryRecord::made(named("inbox"), 0) };
    let files = [file(key(), bob), file(inner(), BTreeSet::new()), file(named("inbox/there"), BTreeSet::new())];
    let names = [Entry::Directory(docs), Entry::Directory(inbox)].into_iter().chain(files).collect();
    House { names, file: key(), arriving: named("inbox/arriving") }
}

/// Copy of a file among one's own.
fn copy(from: FileKey) -> operation::CopyFile {
    operation::CopyFile { from, to: "c.bin".into(), copied_at: 0, preserve: false, replace: false }
}

/// One call of each operation, and of those whose need depends on what they are asked, one of each kind.
fn calls() -> Vec<(&'static str, Command)> {
    let upload = |id: Option<UploadId>| {
        let keep = id.map(|id| operation::Keep { id, expires_at: 0, modified: None });
        let source = operation::Source::Stream { stream: Default::default(), size: None, keep };
        operation::Upload {
            source,
            name: Some("a".into()),
            stored_at: 0,
            stored_as: Default::default(),
            owner: None,
            preferred: None,
        }
    };
    let into = |name: &str, replace, id| {
        let stored_as = StoreAs { replace, ..StoreAs::default() };
        operation::Upload { name: Some(format!("inbox/{name}")), owner: Some("alice".into()), stored_as, ..upload(id) }
    };
    let to_stream = || operation::Sink::Stream(Default::default());
    let link = HostConfig::symmetric("64KiB/s".parse().unwrap(), DelayRange::fixed(SimDuration::ZERO), Probability::NEVER);
    let path = || "a.bin".into();
    let node = NodeNumber::from_index(0);
    let content = || operation::SegmentContent::new(vec![7].into()).unwrap();
    let fetch = |file| operation::RetrieveSegment { node, id: content().id(), file }.into();
    vec![
        ("store a file of this machine", operation::Upload::of_file(path(), None, 0).into()),
        ("store a stream", upload(None).into()),
        ("store a stream that is kept", upload(Some(UploadId::new([8; 16]))).into()),
        ("continue alice's kept upload", upload(Some(UPLOAD)).into()),
        ("store a stream in alice's directory for uploads", into("new", true, None).into()),
        ("replace a file there", into("there", true, None).into()),
        ("continue an upload that was begun there", into("arriving", false, Some(UPLOAD_OF_GUEST)).into()),
        ("fetch alice's file to this machine", operation::Download::to_file(key(), path(), false).into()),
        (
            "fetch alice's file to a stream",
            operation::Download { file: key(), range: None, expected: None, sink: to_stream() }.into(),
        ),
        ("verify alice's file", operation::Download::to_nowhere(key()).into()),
        ("remove alice's file", operation::Remove { file: key(), recursive: false, expected: None }.into()),
        (
            "remove a file in a directory that alice shares",
            operation::Remove { file: inner(), recursive: true, expected: None }.into(),
        ),
        (
            "remove alice's directory for uploads",
            operation::Remove { file: named("inbox"), recursive: true, expected: None }.into(),
        ),
        ("undo alice's kept upload", operation::ForgetUpload { upload: UPLOAD }.into()),
        (
            "undo an upload that was begun in the directory for uploads",
            operation::ForgetUpload { upload: UPLOAD_OF_GUEST }.into(),
        ),
        ("undo the kept uploads that have expired", operation::ExpireUploads { now: 0 }.into()),
        ("list one's kept uploads", operation::ListUploads.into()),
        ("make a directory", operation::MakeDirectory { path: "d".into(), parents: false, made_at: 0 }.into()),
        ("move alice's file", operation::Move { from: key(), to: "b.bin".into(), replace: false }.into()),
        ("replace by alice's file", operation::Move { from: key(), to: "b.bin".into(), replace: true }.into()),
        ("copy alice's file", copy(key()).into()),
        ("set attributes of alice's file", operation::SetAttributes { file: key(), attributes: Attributes::default() }.into()),
        ("share alice's file", operation::Share { file: key(), user: "carol".into(), may_read: true }.into()),
        ("give files without an owner away", operation::Adopt { owner: "alice".into() }.into()),
        ("wait for alice's transfer", operation::Await { transfer: TRANSFER }.into()),
        ("cancel alice's transfer", operation::Cancel { transfer: TRANSFER }.into()),
        ("park alice's transfer", operation::Park { transfer: TRANSFER }.into()),
        ("list the files that one may read", operation::ListFiles.into()),
        ("list a directory, as far as one may read it", operation::ListDirectory { directory: key(), page: None }.into()),
        ("describe alice's file", operation::StatFile { file: key() }.into()),
        ("describe a file in a directory that alice shares", operation::StatFile { file: inner() }.into()),
        ("describe a file in the directory for uploads", operation::StatFile { file: named("inbox/there") }.into()),
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
        ("break something on purpose", operation::Break::Kill { node }.into()),
        ("take a fault back", operation::Mend::Process { node }.into()),
        ("list the faults that are on", operation::ListFaults.into()),
        ("take all faults back", operation::ClearFaults::ALL.into()),
        ("store a segment on a node", operation::StoreSegment { node, content: content() }.into()),
        ("fetch a segment that alice keeps", fetch(None)),
        ("fetch a segment of alice's file", fetch(Some(key()))),
        ("delete a segment that alice keeps", operation::DeleteSegment { node, id: content().id() }.into()),
        ("ask a node for a sign of life", operation::AskNode { node }.into()),
        (
            "share alice's directory for uploads",
            operation::ShareUploads { directory: named("inbox"), user: "carol".into(), may_upload: true }.into(),
        ),
    ]
}

fn remote() -> Origin {
    Origin::Remote(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

fn account(name: &str, is_admin: bool, scope: Scope) -> Principal {
    Principal::User { name: name.parse().unwrap(), is_admin, scope, path: None }
}

/// A token of alice's that is limited to a path.
fn limited(scope: Scope, path: &str) -> Principal {
    Principal::User { name: "alice".parse().unwrap(), is_admin: false, scope, path: Some(path.into()) }
}

fn outcome(principal: Principal, origin: Origin, command: &Command) -> Result<(), Denial> {
    policy::check(&Caller { principal, origin, host: Peer::Client }, command, &house())
}

/// The users of the table. Each comes with every scope.
const USERS: [(&str, &str, bool); 5] = [
    ("alice", "owner", false),
    ("bob", "reader", false),
    ("dave", "uploader", false),
    ("carol", "other user", false),
    ("root", "admin", true),
];

/// The narrowest scope with which a user may call an operation, or how it is refused to the widest one.
fn cell(user: impl Fn(Scope) -> Principal, command: &Command) -> &'static str {
    let of_scope = |scope: &&Scope| outcome(user(**scope), Origin::Local, command).is_ok();
    if let Some(scope) = Scope::ALL.iter().find(of_scope) {
        return scope.name();
    }
    match outcome(user(Scope::Admin), Origin::Local, command) {
        Err(Denial::UnknownFile(_) | Denial::UnknownTransfer(_) | Denial::UnknownUpload(_) | Denial::UnknownSegment { .. }) => {
            "not found"
        }
        _ => "denied",
    }
}

fn table() -> String {
    let mut text = String::from("| operation | to | from remote |");
    USERS.iter().for_each(|(_, heading, _)| write!(text, " {heading} |").unwrap());
    text.push_str(" token for `docs` |\n|---|---|---|---|---|---|---|---|---|\n");
    for (what, command) in calls() {
        let is_remote_too = outcome(account("root", true, Scope::Admin), remote(), &command).is_ok();
        write!(text, "| `{}` | {what} | {} |", command.name(), if is_remote_too { "yes" } else { "no" }).unwrap();
        for (name, _, is_admin) in USERS {
            write!(text, " {} |", cell(|scope| account(name, is_admin, scope), &command)).unwrap();
        }
        writeln!(text, " {} |", cell(|scope| limited(scope, "docs"), &command)).unwrap();
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
        for scope in Scope::ALL {
            let (whole, limited) = (account("alice", false, scope), limited(scope, "docs"));
            assert!(!is_allowed(&limited, Origin::Local) || is_allowed(&whole, Origin::Local), "{what}: a limit gives more");
        }
        // A path leaves nothing of an admin's rights, even if a token of that scope were limited.
        let admin =
            Principal::User { name: "alice".parse().unwrap(), is_admin: true, scope: Scope::Admin, path: Some("docs".into()) };
        let outcomes = [admin, limited(Scope::Admin, "docs")].map(|principal| is_allowed(&principal, Origin::Local));
        assert_eq!(outcomes[0], outcomes[1], "{what}");
    }
}

/// Where something is stored and where it is moved to is at or below the path of the token, in whatever spelling.
#[test]
fn a_token_for_a_path_stores_nothing_elsewhere() {
    let may = |path: &str, command: Command| outcome(limited(Scope::Write, path), Origin::Local, &command).is_ok();
    let store = |name: &str| operation::Upload::of_file("x.bin".into(), Some(name.into()), 0).into();
    let make = |path: &str| operation::MakeDirectory { path: path.into(), parents: true, made_at: 0 }.into();
    let to = |path: &str| operation::Move { from: inner(), to: path.into(), replace: false }.into();
    for (name, is_in_reach) in [
        ("docs", true),
        ("docs/b.bin", true),
        ("docs/new/b.bin", true),
        ("docs2", false),
        ("docs.bin", false),
        ("doc", false),
        ("b.bin", false),
        ("docs/../b.bin", false),
        ("docs//b.bin", false),
        ("", false),
    ] {
        let outcomes = [store(name), make(name), to(name)].map(|command| may("docs", command));
        assert_eq!(outcomes, [is_in_reach; 3], "{name}");
    }
    // Names are compared in the spelling in which they are stored; what does not exist yet can be stored.
    assert!(may("caf\u{e9}", store("cafe\u{301}/b.bin")));
    let own_name = |path: &str| operation::Upload::of_file(path.into(), None, 0).into();
    assert!(may("x.bin", own_name("docs/x.bin")) && !may("docs", own_name("docs/x.bin")));
    // The directories above the path are made by whoever may reach them.
    assert!(may("docs/new", make("docs/new/below")) && !may("other/new", make("other/new/below")));
}

/// What a token for a path is shown: what is at or below it, and of the directories above it the way down alone.
#[test]
fn a_token_for_a_path_sees_nothing_else() {
    let file = |name: &str| file(named(name), BTreeSet::new());
    let directory = |name: &str| Entry::Directory(DirectoryRecord::made(named(name), 7));
    let mut names: Namespace =
        [directory("a"), file("a/x"), directory("a/b"), file("a/b/y"), file("a/bc"), file("z")].into_iter().collect();
    let of_bob = FileKey::new(Some("bob"), "a/b");
    let shared = FileRecord { key: of_bob.clone(), ..house().names.file(&key()).unwrap().clone() };
    names.insert(Entry::File(FileRecord { readers: BTreeSet::from(["alice".to_owned()]), ..shared }));
    let token = limited(Scope::Read, "a/b");
    let seen: Vec<FileKey> = policy::known_names(&token, &names).entries().map(|entry| entry.key().clone()).collect();
    assert_eq!(seen, [named("a/b"), named("a/b/y")]);
    let listed = |token: &Principal, directory: &FileKey| {
        let list = operation::ListDirectory { directory: directory.clone(), page: None };
        policy::known_entries(token, &names, &list)
            .map(|entries| entries.iter().map(|entry| entry.key().name.clone()).collect::<Vec<_>>())
    };
    let shown = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    assert_eq!(listed(&token, &named("a/b")), shown(&["a/b/y"]));
    assert_eq!(listed(&token, &named("a")), shown(&["a/b"]));
    assert_eq!(listed(&token, &named("")), shown(&["a"]));
    assert_eq!(listed(&token, &FileKey::new(Some("bob"), "")), None);
    assert_eq!(listed(&token, &named("b")), None);
    // A path at which there is nothing gives nothing away.
    let nothing = limited(Scope::Read, "a/none");
    assert_eq!((listed(&nothing, &named("a")), listed(&nothing, &named(""))), (None, shown(&[])));
    assert!(!policy::may_read(&token, &names, &of_bob) && !policy::may_see_usage(&token));
    let seen = |event: Event| policy::may_see(&token, &event, |_| false);
    for (name, is_seen) in [("a/b/y", true), ("a/b", true), ("a/bc", false), ("a", false), ("z", false)] {
        let (file, user) = (named(name), Some("alice".to_owned()));
        assert_eq!(seen(Event::FileRemoved { file: file.clone() }), is_seen, "{name}");
        assert_eq!(seen(Event::Moved { from: file.clone(), to: named("a/b/n") }), is_seen, "{name}");
        assert_eq!(seen(Event::Moved { from: named("a/b/n"), to: file.clone() }), is_seen, "{name}");
        let direction = Direction::Upload;
        let started = Event::TransferStarted { transfer: TRANSFER, direction, user, file, bytes: Some(1), segments: Some(1) };
        assert_eq!(seen(started), is_seen, "{name}");
    }
    assert!(!seen(Event::FileShared { file: of_bob, user: "alice".into(), may_read: true }));
    assert!(!seen(Event::FilesAdopted { owner: "alice".into(), count: 1 }));
}

fn named(path: &str) -> FileKey {
    FileKey::new(Some("alice"), path)
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
        Event::Moved { from: file.clone(), to: file.clone() },
        Event::FileCopied { from: file.clone(), to: file.clone(), bytes: 1, sha256: Sha256Digest::of(b"") },
        Event::AttributesSet { file: file.clone(), attributes: Attributes::default() },
        Event::UploadsShared { directory: file, user: "bob".into(), may_upload: true },
    ];
    for (name, is_admin, seen) in [
        ("alice", false, [true; 11]),
        ("bob", false, [false, false, false, false, true, false, false, false, false, false, true]),
        ("carol", false, [false; 11]),
        ("root", true, [true; 11]),
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
    let removal = harness
        .start_as(&alice, operation::Remove { file: FileKey::new(Some("alice"), "a"), recursive: false, expected: None })
        .unwrap();
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

/// Of transfers that are no longer listed each user counts their own, and whoever sees no more than a path none.
#[test]
fn earlier_transfers_are_counted_by_those_who_began_them() {
    let harness = Harness::new(1, quick_link());
    let mut snapshot = harness.simulation.snapshot(PaceStatus::running(Speed::Max));
    let of = |done| Ended { done, ..Ended::default() };
    snapshot.ended = Arc::new([(Some("alice".to_owned()), of(3)), (Some("bob".to_owned()), of(4))].into());
    let snapshot = Arc::new(snapshot);
    let count =
        |principal: &Principal| policy::known_of_snapshot(principal, Arc::clone(&snapshot), Namespace::default).earlier().all();
    let alice = user("alice").principal;
    let Principal::User { name, is_admin, scope, .. } = alice.clone() else { panic!() };
    let limited = Principal::User { name, is_admin, scope, path: Some("docs".into()) };
    assert_eq!([count(&Principal::Operator), count(&alice), count(&limited)], [7, 3, 0]);
}
