//! Single segments on a node, without a file: who may store, fetch and delete which, what is left of failures, and what links cost.

use bytes::Bytes;
use p2p_base::random::RandomStream;
use p2p_base::units::{ByteSize, SimDuration};
use p2p_engine::operation::{
    AskNode, Break, DeleteSegment, Mend, NodeAnswer, RetrieveSegment, SegmentContent, SegmentStored, StatFile, StatUser,
    StoreSegment,
};
use p2p_engine::{Caller, Command, CommandId, EngineError, ErrorKind, Principal, Reply, Scope, operation};
use p2p_net::HostConfig;
use p2p_store::manifest::{Manifest, NodeNumber};
use p2p_store::names::FileKey;
use p2p_store::segment::SegmentId;

use crate::harness::{Harness, OPERATOR, config, quick_link, random_file, slow_link, user};

fn node(index: usize) -> NodeNumber {
    NodeNumber::from_index(index)
}

/// Content of this length, the same for the same salt.
fn content(bytes: usize, salt: u64) -> SegmentContent {
    let mut content = vec![0; bytes];
    RandomStream::new(salt, "segment").fill(&mut content);
    SegmentContent::new(content.into()).unwrap()
}

fn admin() -> Caller {
    let principal = Principal::User { name: "root".parse().unwrap(), is_admin: true, scope: Scope::Admin, path: None };
    Caller { principal, ..OPERATOR.clone() }
}

impl Harness {
    fn store(&mut self, caller: &Caller, index: usize, content: &SegmentContent) -> Result<SegmentStored, EngineError> {
        match self.ask_as(caller, StoreSegment { node: node(index), content: content.clone() })? {
            Reply::SegmentStored(stored) => Ok(stored),
            other => panic!("{other:?}"),
        }
    }

    fn fetch(&mut self, caller: &Caller, index: usize, id: SegmentId, file: Option<FileKey>) -> Result<Bytes, EngineError> {
        match self.ask_as(caller, RetrieveSegment { node: node(index), id, file })? {
            Reply::Segment(fetched) => Ok(fetched.bytes),
            other => panic!("{other:?}"),
        }
    }

    fn release(&mut self, caller: &Caller, index: usize, id: SegmentId) -> Result<(), EngineError> {
        self.ask_as(caller, DeleteSegment { node: node(index), id }).map(drop)
    }

    fn asked(&mut self, caller: &Caller, index: usize) -> Result<NodeAnswer, EngineError> {
        match self.ask_as(caller, AskNode { node: node(index) })? {
            Reply::NodeAnswer(answer) => Ok(answer),
            other => panic!("{other:?}"),
        }
    }

    fn bytes_of(&mut self, caller: &Caller) -> u64 {
        match self.ask_as(caller, StatUser).unwrap() {
            Reply::Usage(usage) => usage.file_bytes + usage.arriving_bytes,
            other => panic!("{other:?}"),
        }
    }

    fn manifest(&mut self, key: &FileKey) -> Manifest {
        match self.ask(StatFile { file: key.clone() }).unwrap() {
            Reply::Manifest(manifest) => *manifest,
            other => panic!("{other:?}"),
        }
    }

    /// Asks something else while a command waits, and gives the answer to that command if it comes meanwhile.
    fn ask_beside(&mut self, waiting: CommandId, command: impl Into<Command>) -> Option<Result<Reply, EngineError>> {
        let (asked, mut found) = (self.tell(command), None);
        loop {
            while let Some((answered, reply)) = self.simulation.poll_reply() {
                if answered == asked {
                    reply.unwrap();
                    return found;
                }
                if answered == waiting {
                    found = Some(reply);
                }
            }
            self.simulation.run();
        }
    }

    /// Lets what goes on in the background come to its end.
    fn settle(&mut self) {
        self.ask(operation::Sleep { span: SimDuration::from_secs(5) }).unwrap();
    }
}

fn kind<T: std::fmt::Debug>(result: Result<T, EngineError>) -> ErrorKind {
    result.unwrap_err().kind()
}

#[test]
fn a_segment_is_stored_fetched_and_deleted_by_its_user() {
    let mut bench = Harness::new(3, quick_link());
    let (alice, content) = (user("alice"), content(65_536, 1));
    for _ in 0..2 {
        let stored = bench.store(&alice, 1, &content).unwrap();
        assert_eq!((stored.id, stored.len), (content.id(), 65_536), "storing it again changes nothing");
    }
    assert_eq!((bench.bytes_of(&alice), bench.segment_files().len()), (65_536, 1));
    assert_eq!(bench.fetch(&alice, 1, content.id(), None).unwrap(), content.bytes());
    assert_eq!(kind(bench.fetch(&alice, 0, content.id(), None)), ErrorKind::NotFound, "another node does not have it");
    let mut bench = bench.restart(|directory| config(directory, 3, quick_link())).unwrap();
    assert_eq!(bench.fetch(&alice, 1, content.id(), None).unwrap(), content.bytes());
    bench.release(&alice, 1, content.id()).unwrap();
    bench.settle();
    assert_eq!((bench.bytes_of(&alice), bench.segment_files().len()), (0, 0));
    assert_eq!(kind(bench.release(&alice, 1, content.id())), ErrorKind::NotFound);
    assert_eq!(kind(bench.fetch(&alice, 1, content.id(), None)), ErrorKind::NotFound);
}

/// What is stored on several nodes is kept on each by itself, and others keep what they have stored.
#[test]
fn a_segment_goes_with_the_last_need_of_it() {
    let mut bench = Harness::new(3, quick_link());
    let (alice, bob, content) = (user("alice"), user("bob"), content(1_000, 1));
    for (caller, index) in [(&alice, 0), (&alice, 1), (&bob, 0)] {
        bench.store(caller, index, &content).unwrap();
    }
    assert_eq!((bench.bytes_of(&alice), bench.bytes_of(&bob)), (2_000, 1_000));
    bench.release(&alice, 0, content.id()).unwrap();
    assert_eq!(kind(bench.fetch(&alice, 0, content.id(), None)), ErrorKind::NotFound);
    assert_eq!(bench.fetch(&alice, 1, content.id(), None).unwrap(), content.bytes());
    assert_eq!(bench.fetch(&bob, 0, content.id(), None).unwrap(), content.bytes());
    bench.release(&alice, 1, content.id()).unwrap();
    assert_eq!(bench.fetch(&bob, 0, content.id(), None).unwrap(), content.bytes());
    bench.release(&bob, 0, content.id()).unwrap();
    bench.settle();
    assert_eq!(bench.segment_files(), Vec::<std::path::PathBuf>::new());
}

/// What others have stored is unknown to a user; an admin sees it, and deletes nothing that is needed.
#[test]
fn segments_of_others_are_unknown() {
    let mut bench = Harness::new(3, quick_link());
    let (alice, bob, root, content) = (user("alice"), user("bob"), admin(), content(1_000, 1));
    bench.store(&alice, 0, &content).unwrap();
    let told = bench.fetch(&bob, 0, content.id(), None).unwrap_err();
    assert_eq!(told, bench.fetch(&bob, 0, content.id(), None).unwrap_err());
    let never = SegmentId::of(b"never");
    let of_nothing = bench.fetch(&bob, 0, never, None).unwrap_err().to_string();
    assert_eq!(told.to_string(), of_nothing.replace(&never.to_string(), &content.id().to_string()));
    assert_eq!(kind(bench.release(&bob, 0, content.id())), ErrorKind::NotFound);
    assert_eq!(bench.fetch(&root, 0, content.id(), None).unwrap(), content.bytes());
    assert_eq!(kind(bench.fetch(&root, 0, never, None)), ErrorKind::NotFound);
    assert_eq!(kind(bench.release(&root, 0, content.id())), ErrorKind::Precondition);
    assert_eq!(kind(bench.release(&root, 0, never)), ErrorKind::NotFound);
    assert_eq!(bench.fetch(&alice, 0, content.id(), None).unwrap(), content.bytes());
}

/// A file that one may read has segments that one may fetch from their holders.
#[test]
fn segments_of_a_readable_file_are_fetched_with_its_name() {
    let mut bench = Harness::new(3, quick_link());
    let (alice, bob, carol) = (user("alice"), user("bob"), user("carol"));
    let bytes = random_file(&bench.path("a.bin"), 100_000, 1);
    let transfer = bench.start_as(&alice, bench.upload_of("a.bin")).unwrap();
    bench.finish(transfer).unwrap();
    let key = FileKey::new(Some("alice"), "a.bin");
    let segment = bench.manifest(&key).segments[0].clone();
    let holder = segment.holders[0].index();
    bench.ask_as(&alice, operation::Share { file: key.clone(), user: "bob".into(), may_read: true }).unwrap();
    for caller in [&alice, &bob] {
        assert_eq!(bench.fetch(caller, holder, segment.id, Some(key.clone())).unwrap(), &bytes[..65_536]);
        assert_eq!(kind(bench.fetch(caller, holder, segment.id, None)), ErrorKind::NotFound, "it is no pin");
        assert_eq!(kind(bench.fetch(caller, (holder + 1) % 3, segment.id, Some(key.clone()))), ErrorKind::NotFound);
        assert_eq!(kind(bench.fetch(caller, holder, SegmentId::of(b"other"), Some(key.clone()))), ErrorKind::NotFound);
    }
    assert_eq!(kind(bench.fetch(&carol, holder, segment.id, Some(key.clone()))), ErrorKind::NotFound);
    // A pin outlives the file, and the file the pin.
    bench.store(&bob, holder, &SegmentContent::new(Bytes::copy_from_slice(&bytes[..65_536])).unwrap()).unwrap();
    let transfer = bench.start_as(&alice, operation::Remove { file: key.clone(), recursive: false, expected: None }).unwrap();
    bench.finish(transfer).unwrap();
    assert_eq!(bench.fetch(&bob, holder, segment.id, None).unwrap(), &bytes[..65_536]);
    assert_eq!(bench.segment_files().len(), 1);
}

#[test]
fn quota_and_room_bound_what_is_stored() {
    let mut bench = Harness::with(|directory| {
        let mut config = config(directory, 2, quick_link());
        config.quota = Some(ByteSize::from_bytes(2_500));
        config.nodes[1].capacity = ByteSize::from_bytes(500);
        config
    });
    let alice = user("alice");
    for salt in [1, 2, 2] {
        bench.store(&alice, 0, &content(1_000, salt)).unwrap();
    }
    let over = bench.store(&alice, 0, &content(1_000, 3)).unwrap_err();
    assert!(matches!(over, EngineError::OverQuota { needed: 1_000, left: 500, .. }), "{over:?}");
    let full = bench.store(&user("bob"), 1, &content(501, 4)).unwrap_err();
    assert_eq!((&full, full.kind()), (&EngineError::NodeFull { node: node(1) }, ErrorKind::Exhausted));
    bench.store(&user("bob"), 1, &content(500, 5)).unwrap();
    bench.release(&alice, 0, content(1_000, 1).id()).unwrap();
    bench.store(&alice, 0, &content(1_000, 3)).unwrap();
    assert_eq!(kind(bench.store(&alice, 2, &content(1, 6))), ErrorKind::NotFound, "there is no such node");
}

/// One user's requests leave room for those of others.
#[test]
fn requests_of_a_user_at_once_are_bounded() {
    let mut bench = Harness::new(2, slow_link());
    let (alice, bob) = (user("alice"), user("bob"));
    let told: Vec<_> = (0..64).map(|_| bench.tell_as(&alice, AskNode { node: node(0) })).collect();
    let over = bench.ask_as(&alice, AskNode { node: node(1) }).unwrap_err();
    assert_eq!((&over, over.kind()), (&EngineError::TooManyExchanges { max: 64 }, ErrorKind::Exhausted));
    bench.asked(&bob, 0).unwrap();
    drop(told);
    bench.settle();
    bench.asked(&alice, 0).unwrap();
}

/// The bytes cross the link of the node: ten times the bandwidth is about a tenth of the time.
#[test]
fn a_slow_node_is_slow() {
    let link = |rate: &str| HostConfig {
        loss: quick_link().loss,
        ..HostConfig::symmetric(rate.parse().unwrap(), "5ms".parse().unwrap(), quick_link().loss)
    };
    let mut bench = Harness::with(|directory| {
        let mut config = config(directory, 2, link("10Mbit/s"));
        config.client.link = link("1Gbit/s");
        config.nodes[1].host.link = link("100kbit/s");
        config
    });
    let alice = user("alice");
    let [quick, slow] = [0, 1].map(|index| bench.store(&alice, index, &content(65_536, 1)).unwrap().took);
    // 64 KiB take 52 ms at 10 Mbit/s and 5.2 s at 100 kbit/s, by their bits alone.
    assert!(quick > SimDuration::from_millis(52) && quick < SimDuration::from_millis(300), "{quick}");
    assert!(slow > SimDuration::from_millis(5_200) && slow < SimDuration::from_secs(10), "{slow}");
    let [quick, slow] = [0, 1].map(|index| bench.asked(&alice, index).unwrap());
    assert!(quick.took >= SimDuration::from_millis(10) && slow.took > quick.took, "{quick:?} {slow:?}");
    assert_eq!((quick.volume, slow.volume), (None, None), "how full it is only admins learn");
    assert_eq!(bench.asked(&admin(), 0).unwrap().volume.map(|volume| volume.segments), Some(1));
}

/// A node that is killed while a segment is on its way to it, at any stage: a clear error, no pin, and nothing that is never swept.
#[test]
fn a_node_that_is_killed_in_the_middle_keeps_nothing() {
    let (alice, content) = (user("alice"), content(65_536, 1));
    let mut failures = 0;
    for ms in (0..1_300).step_by(100) {
        let mut bench = Harness::new(2, slow_link());
        let command = bench.tell_as(&alice, StoreSegment { node: node(0), content: content.clone() });
        let before = bench.ask_beside(command, operation::Sleep { span: SimDuration::from_millis(ms) });
        let meanwhile = bench.ask_beside(command, Break::Kill { node: node(0) });
        let told = before.or(meanwhile).unwrap_or_else(|| bench.answer(command));
        let is_stored = told.is_ok();
        if let Err(error) = told {
            failures += 1;
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
            assert!(error.to_string().starts_with("Node_01: ") && error.to_string().contains("kill"), "{error}");
        }
        let kept = if is_stored { 65_536 } else { 0 };
        assert_eq!(bench.bytes_of(&alice), kept, "{ms} ms");
        bench.ask(Mend::Process { node: node(0) }).unwrap();
        bench.settle();
        assert_eq!(bench.segment_files().len(), usize::from(is_stored), "{ms} ms");
        let mut bench = bench.restart(|directory| config(directory, 2, slow_link())).unwrap();
        assert_eq!((bench.bytes_of(&alice), bench.segment_files().len()), (kept, usize::from(is_stored)), "{ms} ms");
    }
    assert!(failures >= 5, "{failures}");
}

/// A process that ends before the segment is kept leaves what the next start sweeps.
#[test]
fn a_crash_before_a_segment_is_kept_leaves_nothing() {
    let (alice, content) = (user("alice"), content(65_536, 1));
    for ms in (0..1_300).step_by(100) {
        let mut bench = Harness::new(2, slow_link());
        bench.tell_as(&alice, StoreSegment { node: node(0), content: content.clone() });
        bench.ask(operation::Sleep { span: SimDuration::from_millis(ms) }).unwrap();
        let mut bench = bench.restart(|directory| config(directory, 2, slow_link())).unwrap();
        let is_kept = bench.bytes_of(&alice) > 0;
        assert_eq!(bench.segment_files().len(), usize::from(is_kept), "{ms} ms");
    }
}

/// What the user of a directory without accounts has stored is the first account's.
#[test]
fn segments_of_nobody_are_adopted() {
    let mut bench = Harness::new(2, quick_link());
    let content = content(1_000, 1);
    bench.store(&OPERATOR, 0, &content).unwrap();
    bench.ask(operation::Adopt { owner: "alice".into() }).unwrap();
    for _ in 0..2 {
        assert_eq!(bench.bytes_of(&user("alice")), 1_000);
        assert_eq!(bench.fetch(&user("alice"), 0, content.id(), None).unwrap(), content.bytes());
        bench = bench.restart(|directory| config(directory, 2, quick_link())).unwrap();
    }
    bench.release(&user("alice"), 0, content.id()).unwrap();
    bench.settle();
    assert_eq!(bench.segment_files().len(), 0);
}
