//! Links to read one file, or what is in one directory, until they expire or are revoked. What whoever has one reaches by each call that a
//! front end makes for them, and that it is nothing else.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use p2p_auth::AuthError;
use p2p_auth::tokens::{NewLink, NewToken, Reach, TokenError};
use p2p_engine::operation::{self, StatFile, StatUser};
use p2p_engine::pace::Speed;
use p2p_engine::{ErrorKind, Scope};
use p2p_service::access::links::MadeLink;
use p2p_service::access::pages::ListPage;
use p2p_service::access::remote::RemoteRules;
use p2p_service::access::{Access, AccessError};
use p2p_service::instance::{EngineArgs, Instance};
use p2p_store::names::FileKey;
use p2p_store::uploads::Declared;

use crate::harness::random_bytes;
use crate::program::{Home, QUICK};
use crate::services::account_of;

/// The services of a process, with alice, who has files, and bob, who shares one with her.
struct House {
    instance: Instance,
    rules: Arc<RemoteRules>,
    alice: Access,
    _home: Home,
}

impl House {
    async fn new() -> House {
        let home = Home::new(QUICK);
        let mut args = EngineArgs { data_dir: Some(home.path("data")), ..EngineArgs::default() };
        args.simulation.config = Some(home.path("p2p.toml"));
        let instance = Instance::start_interactive(&args).unwrap();
        let rules = instance.remote_rules().unwrap();
        let alice = account_of(&instance, "alice").await;
        alice.call(operation::SetSpeed { speed: Speed::Max }).await.unwrap();
        let bob = account_of(&instance, "bob").await;
        for path in ["docs", "docs/sub", "docs2"] {
            alice.call(alice.directory(path, false).unwrap()).await.unwrap();
        }
        for name in ["docs/a.bin", "docs/b.bin", "docs/sub/c.bin", "docs2/d.bin", "e.bin"] {
            store(&alice, name).await;
        }
        store(&bob, "f.bin").await;
        bob.share(&bob.identity(), "f.bin", "alice", true).await.unwrap();
        House { instance, rules, alice, _home: home }
    }

    /// Makes a link, and returns who has it.
    async fn link(&self, path: &str) -> Access {
        let (made, visitor) = (self.made(path).await, self.visitor());
        visitor.open_link(made.token).await.unwrap();
        visitor
    }

    async fn made(&self, path: &str) -> MadeLink {
        let expires_at = self.alice.now() + 3_600;
        self.alice.new_link(&self.alice.identity(), path, expires_at).await.unwrap()
    }

    /// A client of a service, who is nobody yet.
    fn visitor(&self) -> Access {
        self.alice.of_client("web", IpAddr::V4(Ipv4Addr::LOCALHOST), &self.rules)
    }

    async fn end(self) {
        let House { instance, alice, .. } = self;
        drop(alice);
        drop(instance.end().await.unwrap());
    }
}

fn content(name: &str) -> Vec<u8> {
    random_bytes(70_000, name.len() as u64)
}

async fn store(access: &Access, name: &str) {
    let mut begun = access.upload_stream(name, Declared::default(), None).await.unwrap();
    begun.writer.write(content(name).into()).await.unwrap();
    begun.writer.finish().await.unwrap();
    access.call(operation::Await { transfer: begun.transfer }).await.unwrap().into_result().unwrap();
}

/// Describes a file, fetches it, and a part of it.
async fn read(access: &Access, name: &str) -> Result<Vec<u8>, AccessError> {
    let identity = access.check().await?;
    let entry = access.known_entry(&identity, name).await?;
    access.call(StatFile { file: entry.key().clone() }).await?;
    let (_, mut part) = access.download_stream(&identity, name, Some("0-99".parse().unwrap()), None).await?;
    assert_eq!(part.read().await.unwrap().unwrap().len(), 100);
    let (_, mut reader) = access.download_stream(&identity, name, None, None).await?;
    let mut found = Vec::new();
    while let Some(bytes) = reader.read().await.unwrap() {
        found.extend(bytes);
    }
    Ok(found)
}

/// Lists a directory page by page, of one entry each, and by each other call.
async fn listed(access: &Access, path: Option<&str>, recursive: bool) -> Result<Vec<String>, ErrorKind> {
    let identity = access.check().await.map_err(|error| error.kind())?;
    let (mut names, mut after) = (Vec::new(), None);
    loop {
        let page = access.list_page(&identity, path, recursive, after.as_ref(), 1).await.map_err(|error| error.kind())?;
        let ListPage { entries, next } = page;
        names.extend(entries.iter().map(|entry| entry.key().name.clone()));
        after = next;
        if after.is_none() {
            break;
        }
    }
    if let Some(path) = path.filter(|_| !recursive) {
        let whole = access.list(&identity, path).await.unwrap();
        assert_eq!(whole.iter().map(|entry| entry.key().name.clone()).collect::<Vec<_>>(), names);
    }
    Ok(names)
}

/// Checks that whoever has a link changes nothing and learns nothing of the account.
async fn changes_nothing(visitor: &Access) {
    let identity = visitor.check().await.unwrap();
    let refused = |error: AccessError| assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    refused(visitor.upload_stream("docs/new", Declared::default(), None).await.map(drop).unwrap_err());
    refused(visitor.removal(&identity, "docs/a.bin", false).await.map(drop).unwrap_err());
    refused(visitor.renaming(&identity, "docs/a.bin", "docs/x", false).await.map(drop).unwrap_err());
    refused(visitor.share(&identity, "docs/a.bin", "bob", true).await.map(drop).unwrap_err());
    refused(visitor.prefer_node(None).await.unwrap_err());
    refused(visitor.call(StatUser).await.map(drop).unwrap_err().into());
    refused(visitor.api_tokens().await.map(drop).unwrap_err());
    refused(visitor.sessions().await.map(drop).unwrap_err());
    assert_eq!(visitor.kept_uploads().await.unwrap(), []);
}

fn names(of: &[&str]) -> Result<Vec<String>, ErrorKind> {
    Ok(of.iter().map(|&name| name.to_owned()).collect())
}

fn runs(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

#[test]
fn a_link_to_a_file_reads_that_file_and_nothing_else() {
    runs(async {
        let house = House::new().await;
        let visitor = house.link("docs/a.bin").await;
        assert!(read(&visitor, "docs/a.bin").await.unwrap() == content("docs/a.bin"));
        for name in ["docs/b.bin", "docs/sub/c.bin", "docs/a.bin/x", "docs", "e.bin", "~bob/f.bin", "~alice/e.bin", "none", ""] {
            let refused = read(&visitor, name).await.unwrap_err();
            assert!(matches!(refused.kind(), ErrorKind::NotFound | ErrorKind::Invalid), "{name}: {refused}");
        }
        let missing = Err(ErrorKind::NotFound);
        for (path, found) in [
            (Some("docs/a.bin"), names(&["docs/a.bin"])),
            (Some("docs"), names(&["docs/a.bin"])),
            (Some("."), names(&["docs"])),
            (None, names(&["docs"])),
            (Some("docs/sub"), missing.clone()),
            (Some("docs2"), missing.clone()),
            (Some("e.bin"), missing.clone()),
            (Some("~bob"), missing),
        ] {
            assert_eq!(listed(&visitor, path, false).await, found, "{path:?}");
        }
        assert_eq!(listed(&visitor, None, true).await, names(&["docs/a.bin"]));
        let seen: Vec<FileKey> = visitor.names().entries().map(|entry| entry.key().clone()).collect();
        assert_eq!(seen, [FileKey::new(Some("alice"), "docs/a.bin")]);
        changes_nothing(&visitor).await;
        drop(visitor);
        house.end().await;
    });
}

#[test]
fn a_link_to_a_directory_reads_what_is_in_it_and_nothing_else() {
    runs(async {
        let house = House::new().await;
        let visitor = house.link("docs").await;
        for name in ["docs/a.bin", "docs/b.bin", "docs/sub/c.bin", "./docs/a.bin", "~alice/docs/a.bin"] {
            assert!(read(&visitor, name).await.unwrap().len() == 70_000, "{name}");
        }
        for name in ["docs2/d.bin", "e.bin", "~bob/f.bin", "docs/../e.bin", "docs/none"] {
            let refused = read(&visitor, name).await.unwrap_err();
            assert!(matches!(refused.kind(), ErrorKind::NotFound | ErrorKind::Invalid), "{name}: {refused}");
        }
        let missing = Err(ErrorKind::NotFound);
        for (path, recursive, found) in [
            (Some("docs"), false, names(&["docs/a.bin", "docs/b.bin", "docs/sub"])),
            (Some("docs/"), true, names(&["docs/a.bin", "docs/b.bin", "docs/sub", "docs/sub/c.bin"])),
            (Some("docs/sub"), false, names(&["docs/sub/c.bin"])),
            (None, false, names(&["docs"])),
            (None, true, names(&["docs", "docs/a.bin", "docs/b.bin", "docs/sub", "docs/sub/c.bin"])),
            (Some("docs2"), false, missing.clone()),
            (Some("docs2"), true, missing.clone()),
            (Some("~bob"), false, missing),
        ] {
            assert_eq!(listed(&visitor, path, recursive).await, found, "{path:?}");
        }
        // What comes into the directory is there for the link too, and what goes out of it is not.
        store(&house.alice, "docs/new").await;
        assert!(read(&visitor, "docs/new").await.unwrap() == content("docs/new"));
        let moved = house.alice.renaming(&house.alice.identity(), "docs/new", "new", false).await.unwrap();
        house.alice.call(moved).await.unwrap();
        assert_eq!(read(&visitor, "docs/new").await.unwrap_err().kind(), ErrorKind::NotFound);
        changes_nothing(&visitor).await;
        drop(visitor);
        house.end().await;
    });
}

/// A link that is revoked or has expired opens nothing, whatever it has opened before.
#[test]
fn a_link_that_has_ended_opens_nothing() {
    runs(async {
        let house = House::new().await;
        let (made, visitor) = (house.made("docs/a.bin").await, house.visitor());
        visitor.open_link(made.token).await.unwrap();
        assert!(read(&visitor, "docs/a.bin").await.is_ok());
        house.alice.revoke_link(made.name.to_string()).await.unwrap();
        let over = AccessError::Auth(AuthError::Token(TokenError::Refused));
        assert_eq!(read(&visitor, "docs/a.bin").await.unwrap_err(), over);
        let now = house.alice.now();
        let wanted = NewLink { path: "docs/a.bin".into(), expires_at: now - 60 };
        let (_, expired) = house.instance.auth.new_link(&"alice".parse().unwrap(), &wanted, "here", now - 3_600).unwrap();
        let late = house.visitor();
        assert_eq!(late.open_link(expired).await.unwrap_err(), over);
        assert_eq!(read(&late, "docs/a.bin").await.unwrap_err().kind(), ErrorKind::NotFound);
        drop((visitor, late));
        house.end().await;
    });
}

/// The token of a link lets nobody in otherwise, and an API token opens no link, whatever it is called; each is revoked as what it is.
#[test]
fn a_link_is_no_login_and_a_token_no_link() {
    runs(async {
        let house = House::new().await;
        let (alice, made) = (&house.alice, house.made("docs").await);
        let refused = AccessError::Auth(AuthError::Token(TokenError::Refused));
        for visitor in [house.visitor(), house.visitor()] {
            assert_eq!(visitor.log_in_with_token(made.token.clone()).await.unwrap_err(), refused);
            assert_eq!(visitor.let_in_by(made.token.clone()).await.unwrap_err(), refused);
            assert_eq!(read(&visitor, "docs/a.bin").await.unwrap_err().kind(), ErrorKind::NotFound);
        }
        let reach = Reach { scope: Scope::Read, path: Some("docs".into()) };
        let wanted = NewToken { name: "link-1".parse().unwrap(), reach, expires_at: alice.now() + 3_600 };
        let token = alice.new_token(wanted).await.unwrap();
        assert_eq!(house.visitor().open_link(token.clone()).await.unwrap_err(), refused);
        assert!(house.visitor().let_in_by(token).await.is_ok());
        let names = alice.links().await.unwrap().into_iter().map(|link| (link.name, link.path));
        assert_eq!(names.collect::<Vec<_>>(), [(made.name.clone(), "docs".to_owned())]);
        let unknown = |name: &str| AccessError::Auth(TokenError::Unknown { name: name.parse().unwrap() }.into());
        assert_eq!(alice.revoke_link("link-1".into()).await.unwrap_err(), unknown("link-1"));
        assert_eq!(alice.api_tokens().await.unwrap().len(), 2, "a link counts as one");
        alice.revoke_link(made.name.to_string()).await.unwrap();
        assert_eq!(alice.revoke_link(made.name.to_string()).await.unwrap_err(), unknown(made.name.as_str()));
        house.end().await;
    });
}
