//! Transfers that the host of a node carries: by its own requester, over its own link, and no longer than its process runs.

use std::path::PathBuf;

use p2p_base::units::SimDuration;
use p2p_net::HostId;

use super::*;
use crate::cause::{Cause, ConnectionLoss};
use crate::operation::{Download, Remove};
use crate::transfer::{Direction, TransferError, TransferReport, TransferState};

/// Time after which every transfer here is over, and everything that it owes is deleted.
const LONG: SimDuration = SimDuration::from_secs(600);
const MIB: u64 = 1 << 20;

/// Node whose host carries the transfers.
const CARRIER: NodeNumber = NodeNumber::from_index(1);

/// Network of three nodes at 64 KiB/s, and what is asked of it.
struct Bench {
    directory: tempfile::TempDir,
    simulation: Simulation,
    next_command: u64,
}

impl Bench {
    fn new() -> Bench {
        let directory = tempfile::tempdir().unwrap();
        let simulation = simulation(directory.path());
        Bench { directory, simulation, next_command: 0 }
    }

    fn by(host: Peer) -> Caller {
        Caller { host, ..Caller::operator() }
    }

    /// Gives a command, and lets time pass until it is answered.
    fn ask(&mut self, host: Peer, command: impl Into<Command>) -> Result<Reply, EngineError> {
        self.next_command += 1;
        let id = CommandId(self.next_command);
        self.simulation.apply(id, &Bench::by(host), command);
        loop {
            let progress = self.simulation.advance(SimTime::ZERO + LONG * 40, u32::MAX);
            if let Some((of, answer)) = self.simulation.poll_reply() {
                assert_eq!(of, id);
                return answer;
            }
            assert_eq!(progress, Progress::Working, "no answer comes");
        }
    }

    fn pass(&mut self, span: SimDuration) {
        self.ask(Peer::Client, Sleep { span }).unwrap();
    }

    fn file(&self, name: &str, bytes: u64) -> PathBuf {
        let mut content = vec![0; bytes as usize];
        p2p_base::random::RandomStream::new(bytes, name).fill(&mut content);
        let path = self.directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    fn begin(&mut self, host: Peer, command: impl Into<Command>) -> TransferId {
        let Reply::Started(transfer) = self.ask(host, command).unwrap() else { panic!("no transfer") };
        transfer
    }

    fn upload(&mut self, host: Peer, name: &str, bytes: u64) -> TransferId {
        let path = self.file(name, bytes);
        self.begin(host, Upload::of_file(path, None, 0))
    }

    fn finish(&mut self, transfer: TransferId) -> TransferReport {
        match self.ask(Peer::Client, Await { transfer }) {
            Ok(Reply::Finished(report)) => *report,
            other => panic!("{other:?}"),
        }
    }

    fn stored(&mut self, name: &str) -> bool {
        self.ask(Peer::Client, StatFile { file: FileKey::unowned(name) }).is_ok()
    }

    fn host(&self, peer: Peer) -> HostId {
        self.simulation.world.hosts.of_peer(peer).id
    }

    /// Returns the bytes that have passed the link of a host, up and down, to the nearest KiB.
    fn passed(&self, peer: Peer) -> (u64, u64) {
        let (up, down) = self.simulation.world.net.link_bytes(self.host(peer)).unwrap();
        (up >> 10, down >> 10)
    }

    fn segments_on(&self, node: usize) -> u64 {
        self.simulation.world.nodes[node].node.volume_stats().segments
    }
}

fn nodes() -> [Peer; 3] {
    [0, 1, 2].map(|index| Peer::Node(NodeNumber::from_index(index)))
}

fn command() -> FaultCause {
    FaultCause::Command { by: None }
}

/// Milliseconds that the upload and the download of 1 MiB below take.
const UPLOAD_MS: u64 = 11_529;
const DOWNLOAD_MS: u64 = 11_444;

/// Probes and their answers are all that passes a link which carries no transfer: less than this many KiB here.
const PROBES: u64 = 16;

/// Eleven of the sixteen segments leave by the uplink of the host that carries the upload, five stay on it and cross no link, and nothing
/// passes that of the client; a download by the same host is the same way back.
#[test]
fn what_a_node_carries_crosses_its_own_link() {
    let mut bench = Bench::new();
    let upload = bench.upload(Peer::Node(CARRIER), "a.bin", MIB);
    bench.pass(SimDuration::from_secs(5));
    let connected: Vec<(Peer, usize)> =
        bench.simulation.connections().iter().map(|open| (open.host, open.node.index())).collect();
    assert_eq!(connected, [0, 1, 2].map(|node| (Peer::Node(CARRIER), node)));
    let report = bench.finish(upload);
    assert_eq!((report.status.state, report.status.host), (TransferState::Done, Peer::Node(CARRIER)));
    assert_eq!([0, 1, 2].map(|node| bench.segments_on(node)), [6, 5, 5]);
    let own = report.timelines.iter().filter(|timeline| timeline.holder == CARRIER);
    let slowest = own.map(|timeline| timeline.last_byte.unwrap() - timeline.first_byte.unwrap()).max().unwrap();
    assert!(slowest < SimDuration::from_millis(10), "{slowest}");
    let (up, down) = bench.passed(Peer::Node(CARRIER));
    let [first, client, third] = [nodes()[0], Peer::Client, nodes()[2]].map(|peer| bench.passed(peer));
    // 704 KiB of segments, and a header of 52 bytes for each 1448.
    assert!((729..760).contains(&up) && down < 60, "{up} {down}");
    assert!((397..420).contains(&first.1) && (331..360).contains(&third.1), "{first:?} {third:?}");
    assert!(client.0 < PROBES && client.1 < PROBES, "{client:?}");
    let took = report.status.elapsed(SimTime::ZERO);
    assert_eq!(took.as_nanos() / 1_000_000, UPLOAD_MS, "{took}");

    let fetched = bench.directory.path().join("b.bin");
    let download = bench.begin(Peer::Node(CARRIER), Download::to_file(FileKey::unowned("a.bin"), fetched.clone(), false));
    let report = bench.finish(download);
    assert_eq!(std::fs::read(fetched).unwrap(), std::fs::read(bench.directory.path().join("a.bin")).unwrap());
    let (_, down_after) = bench.passed(Peer::Node(CARRIER));
    assert!((729..770).contains(&(down_after - down)), "{down_after} {down}");
    assert!(bench.passed(Peer::Client).1 < 2 * PROBES);
    let took = report.status.elapsed(SimTime::ZERO);
    assert_eq!(took.as_nanos() / 1_000_000, DOWNLOAD_MS, "{took}");
}

/// Two hosts that carry a transfer each take nothing from each other, but at the nodes that both ask.
#[test]
fn hosts_have_links_of_their_own() {
    let together = {
        let mut bench = Bench::new();
        let by_node = bench.upload(Peer::Node(CARRIER), "a.bin", MIB);
        let by_client = bench.upload(Peer::Client, "b.bin", MIB / 4);
        let statuses = bench.simulation.transfer_statuses();
        assert_eq!(statuses.iter().map(|status| status.host).collect::<Vec<_>>(), [Peer::Node(CARRIER), Peer::Client]);
        [by_node, by_client].map(|transfer| bench.finish(transfer).status.elapsed(SimTime::ZERO))
    };
    let alone = {
        let mut bench = Bench::new();
        let by_client = [bench.upload(Peer::Client, "a.bin", MIB), bench.upload(Peer::Client, "b.bin", MIB / 4)];
        by_client.map(|transfer| bench.finish(transfer).status.elapsed(SimTime::ZERO))
    };
    assert!(together[0] < alone[0] && together[1] < alone[1], "{together:?} {alone:?}");
}

/// What is cut between the client and a node is no matter of a transfer that another node carries; what is cut between that one and the
/// node is: others get its part. The client's view of who is dead is no matter of it either.
#[test]
fn the_paths_of_the_carrying_host_count() {
    let [_, carrier, third] = nodes();
    let upload_with = |cut: Option<(Peer, Peer)>| {
        let mut bench = Bench::new();
        if let Some((from, to)) = cut {
            bench.simulation.world.cut_path((from, to), command());
            bench.simulation.world.cut_path((to, from), command());
            // Long enough for every host that probes the other one to find it dead.
            bench.pass(SimDuration::from_secs(200));
        }
        let upload = bench.upload(carrier, "a.bin", MIB);
        let report = bench.finish(upload);
        assert_eq!(report.status.state, TransferState::Done, "{:?}", report.status.error);
        (bench.segments_on(2), report.status.elapsed(SimTime::ZERO))
    };
    let (of_all, as_long) = upload_with(None);
    assert_eq!((upload_with(Some((Peer::Client, third))).0, of_all), (5, 5));
    let (of_none, longer) = upload_with(Some((carrier, third)));
    assert_eq!(of_none, 0);
    // Half of it stays on the host then.
    assert!(longer < as_long, "{longer} {as_long}");
}

/// A path that is cut in the middle of an upload which another host carries changes nothing of it, to the nanosecond.
#[test]
fn a_cut_elsewhere_changes_nothing() {
    let [_, carrier, third] = nodes();
    let ended_at = |cut: Option<[Peer; 2]>| {
        let mut bench = Bench::new();
        let upload = bench.upload(carrier, "a.bin", MIB);
        bench.pass(SimDuration::from_secs(4));
        if let Some([one, other]) = cut {
            bench.simulation.world.cut_path((one, other), command());
        }
        bench.finish(upload).status.finished.unwrap()
    };
    let undisturbed = ended_at(None);
    assert!(ended_at(Some([third, carrier])) > undisturbed);
    let beside = ended_at(Some([Peer::Client, third])).as_secs_f64();
    assert!((beside - undisturbed.as_secs_f64()).abs() < 0.05, "{beside} {undisturbed:?}");
}

/// Whenever the process of the node ends whose host carries an upload: the upload is stored, or it fails at once and for that reason, no
/// node keeps anything of it, and all that it had is free.
#[test]
fn an_upload_ends_with_the_process_of_its_host() {
    let mut ends = BTreeSet::new();
    for tenths in (0..130).step_by(9).chain([113, 114, 115, 116, 118]) {
        let mut bench = Bench::new();
        let upload = bench.upload(Peer::Node(CARRIER), "a.bin", MIB);
        bench.pass(SimDuration::from_millis(100 * tenths + 1));
        bench.ask(Peer::Client, Break::Kill { node: CARRIER }).unwrap();
        let killed_at = bench.simulation.now();
        let report = bench.finish(upload);
        let is_done = report.status.state == TransferState::Done;
        assert_eq!(bench.stored("a.bin"), is_done);
        ends.insert(is_done);
        if !is_done {
            assert_eq!(report.status.error, Some(TransferError::HostEnded { node: CARRIER }));
            assert!(report.status.finished.unwrap() - killed_at < SimDuration::from_secs(1), "{:?}", report.status.finished);
            // The nodes give up the connections of the host first, and what is owed is deleted then.
            bench.pass(SimDuration::from_secs(5_000));
            assert_eq!([0, 2].map(|node| bench.segments_on(node)), [0, 0], "{tenths}");
        }
        assert_eq!((bench.simulation.memory_in_use(), bench.simulation.transfers.len()), (0, 0));
        assert_eq!(bench.simulation.world.hosts.of_peer(Peer::Node(CARRIER)).connections().count(), 0);
        // The host carries again once its process runs.
        bench.ask(Peer::Client, crate::operation::Mend::Process { node: CARRIER }).unwrap();
        let again = bench.upload(Peer::Node(CARRIER), "b.bin", MIB / 8);
        assert_eq!(bench.finish(again).status.state, TransferState::Done);
    }
    assert_eq!(ends, [false, true].into());
}

/// A download ends with the process of its host and leaves no file; a removal has removed, and the client has the rest deleted.
#[test]
fn a_download_and_a_removal_end_with_the_process_of_their_host() {
    let mut bench = Bench::new();
    let upload = bench.upload(Peer::Client, "a.bin", MIB);
    bench.finish(upload);
    let fetched = bench.directory.path().join("b.bin");
    let file = FileKey::unowned("a.bin");
    let download = bench.begin(Peer::Node(CARRIER), Download::to_file(file.clone(), fetched.clone(), false));
    bench.pass(SimDuration::from_secs(3));
    let removal = bench.begin(Peer::Node(CARRIER), Remove { file, recursive: false, expected: None });
    bench.ask(Peer::Client, Break::Kill { node: CARRIER }).unwrap();
    let reports = [download, removal].map(|transfer| bench.finish(transfer).status);
    assert_eq!(reports[0].error, Some(TransferError::HostEnded { node: CARRIER }));
    assert_eq!((reports[1].state, reports[1].direction), (TransferState::Done, Direction::Removal));
    assert!(!fetched.exists() && !bench.stored("a.bin"));
    bench.pass(SimDuration::from_secs(5_000));
    assert_eq!([0, 2].map(|node| bench.segments_on(node)), [0, 0]);
    let refused = bench.ask(Peer::Node(CARRIER), Upload::of_file(bench.file("c.bin", 9), None, 0));
    assert_eq!(refused, Err(EngineError::NotRunning(CARRIER)));
}

/// The request of a process that has ended fails for that reason, and the fault that has ended it is told with it.
#[test]
fn what_an_ended_process_asks_fails_at_once() {
    let mut bench = Bench::new();
    bench.ask(Peer::Client, Break::Kill { node: CARRIER }).unwrap();
    let (world, transfer) = (&mut bench.simulation.world, TransferId(7));
    let owner = Owner::Transfer(transfer, Part::Commit);
    world.ask((Peer::Node(CARRIER), NodeNumber::from_index(0)), owner, &Request::Commit, Bytes::new());
    let (TransferId(7), Input::Failed { cause, .. }) = next_input(&mut bench.simulation) else { panic!("no failure") };
    assert_eq!(*cause.bare(), Cause::Unreachable(ConnectionLoss::AskerEnded));
    assert!(cause.to_string().contains("killed"), "{cause}");
}

/// A planned stop of a node waits for the transfers that its host carries, as long as it may.
#[test]
fn a_planned_stop_waits_for_what_the_host_carries() {
    for (within, state) in [(60, TransferState::Done), (3, TransferState::Failed)] {
        let mut bench = Bench::new();
        let upload = bench.upload(Peer::Node(CARRIER), "a.bin", MIB / 2);
        bench.pass(SimDuration::from_secs(1));
        let stop = Break::Stop { node: CARRIER, within: SimDuration::from_secs(within) };
        bench.ask(Peer::Client, stop).unwrap();
        let report = bench.finish(upload);
        assert_eq!(report.status.state, state, "{within} s");
        assert!(!bench.simulation.world.runs(Peer::Node(CARRIER).index()));
    }
}

/// A node that refuses connections, also from itself, carries on: its host may open connections to others, and they get its part.
#[test]
fn a_host_that_refuses_connections_carries_on() {
    let mut bench = Bench::new();
    let upload = bench.upload(Peer::Node(CARRIER), "a.bin", MIB / 2);
    bench.pass(SimDuration::from_secs(2));
    bench.ask(Peer::Client, Break::Refuse { node: CARRIER }).unwrap();
    let report = bench.finish(upload);
    assert_eq!(report.status.state, TransferState::Done, "{:?}", report.status.error);
    assert_eq!(bench.segments_on(0) + bench.segments_on(2), 8);
}

/// An estimate of the end is made from the links of the host that carries the transfer, and what is its own takes no time.
#[test]
fn an_estimate_follows_the_link_of_the_host() {
    let mut bench = Bench::new();
    let slow: p2p_net::LinkConfig =
        p2p_net::LinkConfig { bandwidth: "8KiB/s".parse().unwrap(), ..bench.simulation.world.config.client.link.up };
    let link = HostConfig { up: slow, down: slow, ..bench.simulation.world.config.client.link };
    bench.simulation.world.set_wires(Peer::Client, &link);
    let upload = bench.upload(Peer::Node(CARRIER), "a.bin", 4 * MIB);
    bench.pass(SimDuration::from_secs(20));
    let status = bench.simulation.transfer_statuses().pop().unwrap();
    let (at, told) = (bench.simulation.now(), status.eta.seconds().expect("an estimate"));
    let took = (bench.finish(upload).status.finished.unwrap() - at).as_secs_f64();
    assert!((told - took).abs() < 0.2 * took, "{told} {took}");
}

/// A segment that one host has a node delete is not stored there by another one while the deletion may still arrive, which could then come
/// behind it: it goes elsewhere, and is there in the end.
#[test]
fn a_deletion_of_one_host_takes_nothing_that_another_one_stores() {
    let mut bench = Bench::new();
    let first = bench.upload(Peer::Client, "a.bin", MIB / 16);
    bench.finish(first);
    let late = PathChange { delay: Some("9s".parse().unwrap()), ..PathChange::default() };
    let holder = (0..3).find(|&node| bench.segments_on(node) > 0).unwrap();
    let (carrier, holder_peer) = (NodeNumber::from_index((holder + 1) % 3), Peer::Node(NodeNumber::from_index(holder)));
    bench.simulation.world.change_path((Peer::Node(carrier), holder_peer), late, command());
    let removal = bench.begin(Peer::Node(carrier), Remove { file: FileKey::unowned("a.bin"), recursive: false, expected: None });
    // The file is gone from the catalog, and the deletion is on its way.
    bench.pass(SimDuration::from_secs(1));
    let path = bench.directory.path().join("a.bin");
    let again = bench.begin(Peer::Client, Upload::of_file(path, Some("again".into()), 0));
    assert_eq!(bench.finish(again).status.state, TransferState::Done);
    assert_eq!(bench.finish(removal).status.state, TransferState::Done);
    bench.pass(SimDuration::from_secs(60));
    let fetched = bench.directory.path().join("fetched");
    let download = bench.begin(Peer::Client, Download::to_file(FileKey::unowned("again"), fetched, false));
    assert_eq!(bench.finish(download).status.state, TransferState::Done);
    assert_eq!([0, 1, 2].map(|node| bench.segments_on(node)).iter().sum::<u64>(), 1);
}
