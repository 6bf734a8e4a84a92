//! Preferred nodes: where the segments of uploads go, who chooses the node, and that no upload fails because of it.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use p2p_auth::tokens::{NewToken, Reach};
use p2p_base::units::ByteSize;
use p2p_engine::operation::{self, Break, Upload};
use p2p_engine::pace::Speed;
use p2p_engine::snapshot::Peer;
use p2p_engine::{EngineError, ErrorKind, Reply, Scope};
use p2p_service::access::Access;
use p2p_service::instance::{EngineArgs, Instance};
use p2p_store::manifest::NodeNumber;
use p2p_store::names::FileKey;
use p2p_store::uploads::Declared;

use crate::harness::{Harness, config, quick_link, random_bytes, random_file};
use crate::program::{Home, PASSWORD, QUICK};
use crate::recordings::{recorded, replays};
use crate::services::account_of;

const SEGMENT: usize = 64 << 10;

fn node(number: usize) -> NodeNumber {
    NodeNumber::from_index(number - 1)
}

impl Harness {
    /// Stores a file of this machine under another name, on a node first, and gives the holder of each segment.
    fn put_on(&mut self, path: &str, name: &str, preferred: Option<NodeNumber>) -> Vec<NodeNumber> {
        let upload = Upload { preferred, ..Upload::of_file(self.path(path), Some(name.into()), 0) };
        let transfer = self.start(upload).unwrap();
        self.finish(transfer).unwrap();
        self.holders(name)
    }

    fn holders(&mut self, name: &str) -> Vec<NodeNumber> {
        match self.ask(operation::StatFile { file: FileKey::unowned(name) }).unwrap() {
            Reply::Manifest(manifest) => manifest.segments.iter().flat_map(|segment| segment.holders.clone()).collect(),
            other => panic!("{other:?}"),
        }
    }
}

/// All goes to the preferred node; what is stored already stays where it is; without a preference the turn goes on.
#[test]
fn segments_go_to_the_preferred_node() {
    let mut harness = Harness::new(3, quick_link());
    random_file(&harness.path("a"), 6 * SEGMENT, 1);
    random_file(&harness.path("b"), 6 * SEGMENT + 1, 2);
    assert_eq!(harness.put_on("a", "a", Some(node(2))), vec![node(2); 6]);
    assert_eq!(harness.put_on("b", "b", None), [1, 2, 3, 1, 2, 3, 1].map(node));
    let again = harness.put_on("b", "again", Some(node(3)));
    assert_eq!(again, harness.holders("b"), "nothing is stored a second time");
    assert_eq!(harness.get("a").unwrap().1, std::fs::read(harness.path("a")).unwrap());
}

/// A node that is killed, or that has no room for more, or that is not there at all, is as if it was not preferred.
#[test]
fn an_upload_goes_on_without_the_preferred_node() {
    let mut harness = Harness::with(|directory| {
        let mut config = config(directory, 3, quick_link());
        config.nodes[1].capacity = ByteSize::from_bytes(2 * SEGMENT as u64);
        config
    });
    for (salt, name) in (1..).zip(["a", "b", "c", "d"]) {
        random_file(&harness.path(name), 6 * SEGMENT, salt);
    }
    let mut holders = harness.put_on("a", "a", Some(node(2)));
    holders.sort();
    assert_eq!(holders, [1, 1, 2, 2, 3, 3].map(node), "two fit there");
    let holders: BTreeSet<NodeNumber> = harness.put_on("b", "b", Some(node(2))).into_iter().collect();
    assert_eq!(holders, [1, 3].map(node).into());
    assert_eq!(harness.put_on("c", "c", Some(node(9))).len(), 6);
    harness.ask(Break::Kill { node: node(3) }).unwrap();
    let holders = harness.put_on("d", "d", Some(node(3)));
    assert_eq!(holders, vec![node(1); 6]);
}

/// A recorded run with a preferred node is replayed, and its option is refused for a node that is not there.
#[test]
fn a_preferred_node_is_replayed() {
    let home = Home::new(&format!("{QUICK}[nodes]\ncount = 3\n"));
    home.file("a.bin", 400_000);
    home.file("b.bin", 300_000);
    let recording = recorded(&home, "upload a.bin --node 3\nupload b.bin\nexpect segments --node 2 contains b.bin\nquit\n");
    replays(&home, &recording);
    let there = home.ok(&["run", "-c", "segments --node 3"]);
    assert_eq!(there.matches("a.bin").count(), 7, "{there}");
    assert!(!home.ok(&["run", "-c", "segments --node 1"]).contains("a.bin"));
    let told = home.refused(&["run", "-c", "upload b.bin --as c.bin --node 9"]);
    assert!(told.contains("there is no Node_09"), "{told}");
}

/// Stores a stream of so many segments, and gives the nodes that hold them.
async fn stored(access: &Access, name: &str, salt: u64) -> BTreeSet<NodeNumber> {
    let mut begun = access.upload_stream(name, Declared::default(), None).await.unwrap();
    begun.writer.write(random_bytes(6 * SEGMENT, salt).into()).await.unwrap();
    begun.writer.finish().await.unwrap();
    access.call(operation::Await { transfer: begun.transfer }).await.unwrap().into_result().unwrap();
    let identity = access.identity();
    let key = access.entry(&identity, name).await.unwrap().key().clone();
    let manifest = access.call(operation::StatFile { file: key }).await.unwrap();
    manifest.segments.iter().flat_map(|segment| segment.holders.clone()).collect()
}

/// A user's choice holds at every door of the process and for no other user; who may not store may not choose.
#[test]
fn a_users_choice_holds_at_every_door() {
    let home = Home::new(&format!("{QUICK}[nodes]\ncount = 3\n"));
    let mut args = EngineArgs { data_dir: Some(home.path("data")), ..EngineArgs::default() };
    args.simulation.config = Some(home.path("p2p.toml"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let instance = Instance::start_interactive(&args).unwrap();
        let alice = account_of(&instance, "alice").await;
        alice.call(operation::SetSpeed { speed: Speed::Max }).await.unwrap();
        let bob = account_of(&instance, "bob").await;
        alice.prefer_node(Some(node(3))).await.unwrap();
        let client = alice.of_client("web", IpAddr::V4(Ipv4Addr::LOCALHOST), &instance.remote_rules().unwrap());
        assert_eq!(client.preferred_node(), None);
        let refused = client.prefer_node(Some(node(1))).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unauthenticated, "{refused}");
        assert!(client.login("alice".into(), PASSWORD.into()).await.unwrap().is_none());
        assert_eq!((client.preferred_node(), bob.preferred_node()), (Some(node(3)), None));
        assert_eq!(stored(&client, "a", 1).await, [node(3)].into());
        assert_eq!(stored(&bob, "b", 2).await, [1, 2, 3].map(node).into());
        home.file("c", 3 * SEGMENT);
        let file = alice.upload(home.path("c"), None).unwrap();
        let transfer = alice.begin(file.into()).await.unwrap();
        let report = alice.call(operation::Await { transfer }).await.unwrap().into_result().unwrap();
        assert!(report.timelines.iter().all(|segment| segment.holder == node(3)), "{report:?}");
        let unknown = client.prefer_node(Some(node(4))).await.unwrap_err();
        assert_eq!(unknown, EngineError::UnknownHost(Peer::Node(node(4))).into());
        assert_eq!(unknown.kind(), ErrorKind::NotFound);
        let reach = Reach { scope: Scope::Read, path: None };
        let token =
            alice.new_token(NewToken { name: "reader".parse().unwrap(), reach, expires_at: alice.now() + 3600 }).await.unwrap();
        let reader = client.clone();
        reader.log_in_with_token(token).await.unwrap();
        assert_eq!(reader.prefer_node(None).await.unwrap_err().kind(), ErrorKind::Denied);
        assert_eq!(alice.preferred_node(), Some(node(3)), "what is refused changes nothing");
        alice.prefer_node(None).await.unwrap();
        assert_eq!(stored(&alice, "d", 3).await, [1, 2, 3].map(node).into());
        drop((alice, bob, client, reader));
        drop(instance.end().await.unwrap());
    });
}
