//! Directories that are shared for uploads: who may store what there, whose it is, and what of it is seen.

use std::net::{IpAddr, Ipv4Addr};

use p2p_auth::Registration;
use p2p_base::units::ByteSize;
use p2p_engine::operation::{self, Upload};
use p2p_engine::pace::Speed;
use p2p_engine::transfer::TransferState;
use p2p_engine::{Caller, Denial, EngineConfig, EngineError, ErrorKind, Event, Reply};
use p2p_service::access::sharing::Shared;
use p2p_service::access::{Access, AccessError};
use p2p_service::instance::{EngineArgs, Instance};
use p2p_store::attributes::StoreAs;
use p2p_store::names::FileKey;
use p2p_store::uploads::{Declared, UploadId};

use crate::accounts::{as_user, audit, script};
use crate::harness::{Harness, config, quick_link, random_bytes, random_file, user};
use crate::program::{Home, PASSWORD, QUICK};

const SEGMENT: usize = 64 << 10;

fn key(path: &str) -> FileKey {
    FileKey::new(Some("alice"), path)
}

/// Alice with a directory for the uploads of dave, in which there are a file and a directory, and the quota.
fn house(quota: Option<ByteSize>) -> Harness {
    let mut harness = Harness::with(|directory| EngineConfig { quota, ..config(directory, 3, quick_link()) });
    let alice = user("alice");
    random_file(&harness.path("a"), 100_000, 1);
    random_file(&harness.path("b"), 150_000, 2);
    for path in ["inbox", "inbox/sub"] {
        harness.ask_as(&alice, operation::MakeDirectory { path: path.into(), parents: false, made_at: 0 }).unwrap();
    }
    let there = Upload::of_file(harness.path("a"), Some("inbox/there".into()), 0);
    let transfer = harness.start_as(&alice, there).unwrap();
    harness.finish(transfer).unwrap();
    harness.ask_as(&alice, share("inbox", true)).unwrap();
    harness
}

fn share(path: &str, may_upload: bool) -> operation::ShareUploads {
    operation::ShareUploads { directory: key(path), user: "dave".into(), may_upload }
}

/// An upload of a file of this machine into alice's tree.
fn into(harness: &Harness, file: &str, name: &str, replace: bool) -> Upload {
    let stored_as = StoreAs { replace, ..StoreAs::default() };
    Upload { owner: Some("alice".into()), stored_as, ..Upload::of_file(harness.path(file), Some(name.into()), 7) }
}

impl Harness {
    fn store_as(&mut self, caller: &Caller, upload: Upload) -> Result<(), EngineError> {
        let transfer = self.start_as(caller, upload)?;
        self.finish(transfer).map(drop)
    }

    fn seen_by(&mut self, caller: &Caller, directory: FileKey) -> Result<Vec<String>, EngineError> {
        match self.ask_as(caller, operation::ListDirectory { directory, page: None })? {
            Reply::Entries(entries) => Ok(entries.iter().map(|entry| entry.key().name.clone()).collect()),
            other => panic!("{other:?}"),
        }
    }
}

/// What is new is stored, and is the owner's; what is there is neither replaced, removed, moved nor read.
#[test]
fn new_files_are_stored_and_nothing_else_is_touched() {
    let mut harness = house(None);
    let (alice, dave, carol) = (user("alice"), user("dave"), user("carol"));
    let upload = into(&harness, "b", "inbox/new", true);
    harness.store_as(&dave, upload).unwrap();
    let Ok(Reply::Manifest(stored)) = harness.ask_as(&alice, operation::StatFile { file: key("inbox/new") }) else { panic!() };
    assert_eq!((stored.file.key, stored.file.size), (key("inbox/new"), 150_000));
    for (name, replace) in [("inbox/there", true), ("inbox/new", true)] {
        let upload = into(&harness, "b", name, replace);
        assert_eq!(harness.store_as(&dave, upload), Err(Denial::StoreOnly(key(name)).into()), "{name}");
    }
    let upload = into(&harness, "b", "inbox/there", false);
    assert_eq!(harness.store_as(&dave, upload), Err(EngineError::NameTaken { name: "inbox/there".into() }));
    let unknown = |key: FileKey| Err(EngineError::from(Denial::UnknownFile(key)));
    for name in ["inbox/there", "inbox/new", "inbox/none"] {
        let file = key(name);
        assert_eq!(harness.ask_as(&dave, operation::StatFile { file: file.clone() }), unknown(file.clone()), "{name}");
        assert_eq!(harness.ask_as(&dave, operation::Download::to_nowhere(file.clone())), unknown(file.clone()), "{name}");
        let remove = operation::Remove { file: file.clone(), recursive: true, expected: None };
        assert_eq!(harness.ask_as(&dave, remove), unknown(file.clone()), "{name}");
        let change = operation::Move { from: file.clone(), to: "inbox/x".into(), replace: true };
        assert_eq!(harness.ask_as(&dave, change), unknown(file.clone()), "{name}");
    }
    let remove = operation::Remove { file: key("inbox"), recursive: true, expected: None };
    assert_eq!(harness.ask_as(&dave, remove), Err(Denial::StoreOnly(key("inbox")).into()));
    assert_eq!(harness.ask_as(&dave, share("inbox", true)), Err(Denial::StoreOnly(key("inbox")).into()));
    // That the directory is there is known, and of what is in it nothing, whether there is such a directory or not.
    assert_eq!(harness.seen_by(&dave, key("inbox")), Ok(Vec::new()));
    assert_eq!(harness.seen_by(&dave, key("")), Ok(vec!["inbox".to_owned()]));
    for name in ["inbox/sub", "inbox/none", "elsewhere"] {
        let upload = into(&harness, "b", &format!("{name}/x"), false);
        assert_eq!(harness.store_as(&dave, upload), Err(Denial::UnknownFile(key(name)).into()), "{name}");
        assert!(matches!(harness.seen_by(&dave, key(name)), Err(EngineError::NoDirectory { .. })), "{name}");
    }
    let upload = into(&harness, "b", "inbox/x", false);
    assert_eq!(harness.store_as(&carol, upload.clone()), Err(Denial::UnknownFile(key("inbox")).into()));
    assert!(matches!(harness.seen_by(&carol, key("inbox")), Err(EngineError::NoDirectory { .. })));
    // Who may read it too may store in the directories that are in it.
    harness.ask_as(&alice, operation::Share { file: key("inbox"), user: "dave".into(), may_read: true }).unwrap();
    let below = into(&harness, "b", "inbox/sub/x", false);
    harness.store_as(&dave, below).unwrap();
    assert_eq!(harness.seen_by(&dave, key("inbox")).unwrap().len(), 3);
    harness.ask_as(&alice, share("inbox", false)).unwrap();
    assert_eq!(harness.store_as(&dave, upload), Err(Denial::ReadOnly(key("inbox")).into()));
}

/// A file cannot be shared for uploads, and that of another user not at all.
#[test]
fn directories_of_ones_own_are_shared_for_uploads() {
    let mut harness = house(None);
    let (alice, carol) = (user("alice"), user("carol"));
    let refused = harness.ask_as(&alice, share("inbox/there", true));
    assert_eq!(refused, Err(EngineError::NotDirectory { name: "inbox/there".into() }));
    assert!(matches!(harness.ask_as(&alice, share("none", true)), Err(EngineError::UnknownFile { .. })));
    assert!(matches!(harness.ask_as(&carol, share("inbox", true)), Err(EngineError::UnknownFile { .. })));
    let mut told = 0;
    while let Some(event) = harness.simulation.poll_event() {
        told += usize::from(matches!(event.1, Event::UploadsShared { may_upload: true, .. }));
    }
    assert_eq!(told, 1);
}

/// What others store counts in the quota of the owner, of which they learn no more than that there is no room in it.
#[test]
fn what_others_store_counts_for_the_owner() {
    let quota = ByteSize::from_bytes(300_000);
    let mut harness = house(Some(quota));
    let (alice, dave) = (user("alice"), user("dave"));
    let usage = |harness: &mut Harness, of: &Caller| match harness.ask_as(of, operation::StatUser) {
        Ok(Reply::Usage(usage)) => (usage.files, usage.file_bytes, usage.arriving_bytes),
        other => panic!("{other:?}"),
    };
    let upload = into(&harness, "b", "inbox/new", false);
    let transfer = harness.start_as(&dave, upload).unwrap();
    assert_eq!(usage(&mut harness, &alice), (1, 100_000, 150_000));
    // Both see it: who has begun it, and whose it will be.
    for caller in [&alice, &dave] {
        let Ok(Reply::Transfers(seen)) = harness.ask_as(caller, operation::ListTransfers) else { panic!() };
        assert!(seen.iter().any(|status| status.id == transfer && status.user.as_deref() == Some("dave")), "{seen:?}");
    }
    harness.finish(transfer).unwrap();
    assert_eq!((usage(&mut harness, &alice), usage(&mut harness, &dave)), ((2, 250_000, 0), (0, 0, 0)));
    let more = into(&harness, "a", "inbox/more", false);
    let refused = harness.store_as(&dave, more.clone()).unwrap_err();
    assert_eq!(refused, EngineError::OwnerOverQuota { name: "inbox/more".into(), needed: 100_000 });
    assert_eq!(refused.kind(), ErrorKind::Exhausted);
    assert!(matches!(harness.store_as(&alice, Upload { owner: None, ..more }), Err(EngineError::OverQuota { left: 50_000, .. })));
}

/// By the real program: sharing, storing by a pattern of names, lists and descriptions, and the audit log.
#[test]
fn a_directory_is_shared_for_uploads_in_the_language() {
    let home = Home::new(QUICK);
    for name in ["alice", "bob", "carol"] {
        home.register(name);
    }
    home.file("report.txt", 100_000);
    home.file("more.txt", 1_000);
    script(&home, "bob", "mkdir inbox; mkdir inbox/old; upload more.txt --as inbox/mine");
    script(&home, "bob", "share inbox carol --upload; expect share inbox carol --upload contains 'already shared for uploads'");
    script(&home, "bob", "expect info inbox contains carol; expect ls contains 'carol (uploads)'; expect ls contains inbox");
    let told = script(&home, "carol", "upload report.txt more.txt --as ~bob/inbox/; ls; ls ~bob/inbox; info ~bob/inbox");
    assert!(told.contains("~bob/inbox/") && told.contains("uploads by") && !told.contains("mine"), "{told}");
    script(
        &home,
        "bob",
        "expect ls inbox contains report.txt; verify inbox/report.txt; expect info inbox/report.txt contains bob",
    );
    let refused = |name: &str, text: &str| as_user(&home, name, &["run", "-c", text]).stderr;
    for (text, words) in [
        ("upload more.txt --as ~bob/inbox/mine -f", "you may store new files there, and change nothing"),
        ("upload more.txt --as ~bob/inbox/report.txt", "stored already"),
        ("upload more.txt --as ~bob/inbox/old/x", "not among your own files"),
        ("upload more.txt --as ~bob/x", "not among your own files"),
        ("mkdir ~bob/inbox/new", "not among your own files"),
        ("rm ~bob/inbox/report.txt", "no file named"),
        ("rm -r ~bob/inbox", "you may store new files there, and change nothing"),
        ("download ~bob/inbox/report.txt x", "no file named"),
        ("cp ~bob/inbox/mine x", "no file named"),
    ] {
        let told = refused("carol", text);
        assert!(told.contains(words), "{text}: {told}");
    }
    let told = format!("{:?}", audit(&home, "alice"));
    for words in ["~bob/inbox shared for uploads with carol", "store file ~bob/inbox/report.txt"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    script(&home, "bob", "share inbox carol; expect ls contains 'carol (reads, uploads)'; unshare inbox carol --upload");
    assert!(refused("carol", "upload more.txt --as ~bob/inbox/y").contains("not among your own files"));
    script(&home, "carol", "expect ls ~bob/inbox contains report.txt");
    assert!(
        refused("bob", "share inbox/mine carol --upload").contains("is a file"),
        "{}",
        refused("bob", "share inbox/mine carol --upload")
    );
}

/// An admin may store in the tree of every user. What is to be stored for somebody who is no user is refused before the line does anything.
#[test]
fn nothing_is_begun_of_a_line_that_stores_for_a_user_who_is_not_there() {
    let home = Home::new(QUICK);
    for name in ["alice", "bob"] {
        home.register(name);
    }
    home.file("more.txt", 1_000);
    for text in ["upload more.txt --as ~ghost/x", "upload more.txt --as ~ghost/"] {
        let said = as_user(&home, "alice", &["run", "-c", &format!("mkdir before; {text}")]);
        assert!(said.stderr.contains("not among your own files"), "{text}: {}", said.stderr);
        script(&home, "alice", "expect info before contains 'no file'");
    }
    script(&home, "alice", "mkdir before; upload more.txt --as ~bob/x; upload more.txt --as ~Bob/y");
    script(&home, "bob", "expect ls contains x; expect ls contains y");
}

async fn access_of(instance: &Instance, name: &str, is_new: bool) -> Access {
    let access = instance.access("a test").unwrap();
    if is_new {
        let email = format!("{name}@example.org").parse().unwrap();
        access.register(Registration { name: name.parse().unwrap(), email, password: PASSWORD.into() }).await.unwrap();
    }
    let client = access.of_client("web", IpAddr::V4(Ipv4Addr::LOCALHOST), &instance.remote_rules().unwrap());
    assert!(client.login(name.into(), PASSWORD.into()).await.unwrap().is_none());
    client
}

/// Begins an upload, gives it some segments, and goes.
async fn parked(access: &Access, name: &str, id: UploadId, content: &[u8]) {
    let mut begun = access.upload_stream(name, Declared::default(), Some(id)).await.unwrap();
    begun.writer.write(content.to_vec().into()).await.unwrap();
    drop(begun.writer);
    let report = access.call(operation::Await { transfer: begun.transfer }).await.unwrap();
    assert_eq!(report.status.state, TransferState::Parked);
}

/// Gives a kept upload what follows, and its end.
async fn continued(access: &Access, id: UploadId, content: &[u8]) -> Result<FileKey, AccessError> {
    let kept = access.kept_upload(&access.identity(), id).await?;
    let mut begun = access.resume_stream(&kept, Declared::default()).await?;
    begun.writer.write(content[begun.offset as usize..].to_vec().into()).await.unwrap();
    begun.writer.finish().await.unwrap();
    let report = access.call(operation::Await { transfer: begun.transfer }).await?;
    Ok(report.into_result()?.status.file)
}

/// What is kept of an upload into another user's directory is the owner's to count, and is continued and undone by the owner and by who has
/// begun it, as long as they may store there, also after a new start.
#[test]
fn kept_uploads_are_of_the_owner_and_of_who_has_begun_them() {
    let home = Home::new(&format!("{QUICK}[nodes]\ncount = 3\n[accounts]\nquota = '2MiB'\n"));
    let mut args = EngineArgs { data_dir: Some(home.path("data")), ..EngineArgs::default() };
    args.simulation.config = Some(home.path("p2p.toml"));
    let content = random_bytes(8 * SEGMENT + 17, 3);
    let part = &content[..4 * SEGMENT];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let instance = Instance::start_interactive(&args).unwrap();
        let root = access_of(&instance, "root", true).await;
        root.call(operation::SetSpeed { speed: Speed::Max }).await.unwrap();
        let (alice, dave) = (access_of(&instance, "alice", true).await, access_of(&instance, "dave", true).await);
        alice.call(alice.directory("inbox", false).unwrap()).await.unwrap();
        let identity = alice.identity();
        assert!(matches!(
            dave.upload_stream("~alice/inbox/x", Declared::default(), None).await,
            Err(AccessError::AnotherTree { .. })
        ));
        let shared = alice.share_uploads(&identity, "inbox", "Dave", true).await.unwrap();
        assert_eq!(shared, Shared::Changed { reader: "dave".into(), key: key("inbox") });
        for n in 1..=4 {
            parked(&dave, &format!("~alice/inbox/{n}"), UploadId::new([n; 16]), part).await;
        }
        drop((root, alice, dave));
        drop(instance.end().await.unwrap());
        let instance = Instance::start_interactive(&args).unwrap();
        let root = access_of(&instance, "root", false).await;
        root.call(operation::SetSpeed { speed: Speed::Max }).await.unwrap();
        let (alice, dave) = (access_of(&instance, "alice", false).await, access_of(&instance, "dave", false).await);
        let carol = access_of(&instance, "carol", true).await;
        for (access, count) in [(&alice, 4), (&dave, 4), (&carol, 0), (&root, 4)] {
            assert_eq!(access.kept_uploads().await.unwrap().len(), count);
        }
        let usage = alice.call(operation::StatUser).await.unwrap();
        assert_eq!((usage.files, usage.file_bytes), (0, 16 * SEGMENT as u64));
        assert_eq!(dave.call(operation::StatUser).await.unwrap().file_bytes, 0);
        let id = |n: u8| UploadId::new([n; 16]);
        assert_eq!(continued(&dave, id(1), &content).await.unwrap(), key("inbox/1"));
        assert_eq!(continued(&alice, id(2), &content).await.unwrap(), key("inbox/2"));
        assert_eq!(continued(&carol, id(3), &content).await.unwrap_err().kind(), ErrorKind::NotFound);
        let running = dave.upload_stream("~alice/inbox/5", Declared::default(), None).await.unwrap();
        dave.check_storing(running.transfer).unwrap();
        // Who may store there no longer ends and continues nothing, and undoes it still.
        alice.share_uploads(&alice.identity(), "inbox", "dave", false).await.unwrap();
        assert_eq!(dave.check_storing(running.transfer).unwrap_err(), AccessError::AnotherTree { path: "~alice/inbox/5".into() });
        alice.check_storing(running.transfer).unwrap();
        drop(running);
        assert_eq!(
            continued(&dave, id(3), &content).await.unwrap_err(),
            EngineError::from(Denial::UnknownFile(key("inbox"))).into()
        );
        for (access, n) in [(&dave, 3), (&alice, 4)] {
            let transfer = access.call(operation::ForgetUpload { upload: id(n) }).await.unwrap();
            access.call(operation::Await { transfer }).await.unwrap().into_result().unwrap();
        }
        assert_eq!(alice.kept_uploads().await.unwrap(), []);
        let (_, mut reader) = alice.download_stream(&alice.identity(), "inbox/1", None, None).await.unwrap();
        let mut read = Vec::new();
        while let Some(bytes) = reader.read().await.unwrap() {
            read.extend(bytes);
        }
        assert!(read == content);
        drop((root, alice, dave, carol, reader));
        drop(instance.end().await.unwrap());
    });
}
