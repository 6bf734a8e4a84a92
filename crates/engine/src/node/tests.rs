//! A node driven by hand: bytes in, outputs out, a disk in memory.

use p2p_base::random::RandomStream;
use p2p_net::{HostConfig, Network, TcpConfig};
use p2p_store::crash_disk::CrashDisk;
use p2p_store::disk::Disk;

use super::protocol::{frame, ids_payload};
use super::*;

/// A connection's name; the network behind it plays no part here.
fn connection() -> ConnectionId {
    let mut net = Network::new(1);
    let link = HostConfig::symmetric(
        p2p_base::units::Bandwidth::UNLIMITED,
        p2p_base::units::DelayRange::default(),
        p2p_base::units::Probability::NEVER,
    );
    let host = net.add_host(std::net::Ipv4Addr::new(10, 0, 0, 1), &link);
    net.connect(host, host, NODE_PORT, TcpConfig::default()).unwrap().peer()
}

struct Bench {
    node: Node,
    disk: CrashDisk,
    connection: ConnectionId,
    /// Outcomes are held back.
    slow_disk: bool,
    delayed: Vec<(DiskJob, DiskOp)>,
    responses: Vec<(RequestTag, Response, Bytes)>,
    aborted: Option<ProtocolError>,
}

impl Bench {
    fn new(capacity: u64) -> Bench {
        let mut node = Node::new(NodeNumber::from_index(0), Volume::new(capacity, &[]));
        let connection = connection();
        node.handle_connected(connection);
        let disk = CrashDisk::new();
        Bench { node, disk, connection, slow_disk: false, delayed: Vec::new(), responses: Vec::new(), aborted: None }
    }

    fn bytes(&mut self, mut bytes: Bytes) {
        while !bytes.is_empty() {
            let Some((piece_max, _)) = self.node.wants(self.connection) else { return };
            let piece = bytes.split_to(bytes.len().min(piece_max));
            self.node.handle_bytes(self.connection, piece);
            self.dispatch();
        }
    }

    fn ask(&mut self, tag: RequestTag, request: &Request, payload: Bytes) {
        self.bytes(frame(tag, request, &payload).unwrap());
        self.bytes(payload);
    }

    fn dispatch(&mut self) {
        while let Some(output) = self.node.poll_output() {
            match output {
                NodeOutput::Disk { job, op } if self.slow_disk => self.delayed.push((job, op)),
                NodeOutput::Disk { job, op } => self.node.handle_disk(job, op.run(&self.disk)),
                NodeOutput::Send { tag, header, payload, .. } => {
                    let mut reader = FrameReader::default();
                    let mut bytes = Bytes::from([&header[..], &payload].concat());
                    let frame = loop {
                        let piece = bytes.split_to(reader.piece_max());
                        if let ReadStep::Frame(frame) = reader.push(piece).unwrap() {
                            break frame;
                        }
                    };
                    let (answered, response) = frame.response().unwrap();
                    assert_eq!(answered, tag);
                    self.responses.push((tag, response, frame.payload));
                }
                NodeOutput::Abort { violation, .. } => self.aborted = Some(violation),
                NodeOutput::Received { .. } | NodeOutput::Started | NodeOutput::NotStarted { .. } => {}
            }
        }
    }

    /// Carries out the reading of the disk by a process that is starting, and returns what comes of it.
    fn start(&mut self) -> Option<NodeOutput> {
        let Some(NodeOutput::Disk { job, op }) = self.node.poll_output() else { panic!("it reads its disk") };
        self.node.handle_disk(job, op.run(&self.disk));
        self.node.poll_output()
    }

    fn last(&self) -> &Response {
        &self.responses.last().expect("a response").1
    }
}

fn segment(n: u8) -> (SegmentId, Bytes) {
    let bytes = Bytes::from(vec![n; 1000]);
    (SegmentId::of(&bytes), bytes)
}

/// A disk that has lost segments under a running process is found out by the sync: the node names all of them and no others.
#[test]
fn what_the_disk_has_lost_is_named_and_stored_again() {
    let mut bench = Bench::new(10_000);
    let segments = [1, 2, 3, 4].map(segment);
    let ids = segments.clone().map(|(id, _)| id);
    for (tag, (id, bytes)) in (1..).zip(segments.clone()) {
        bench.ask(tag, &Request::Put { id }, bytes);
    }
    [1, 3].into_iter().for_each(|lost| bench.disk.delete(ids[lost]).unwrap());
    for tag in [5, 6] {
        bench.ask(tag, &Request::Commit, ids_payload(&ids));
        let Some((_, Response::Refused(Refusal::NotStored { .. } | Refusal::Doubtful { .. }), lacking)) = bench.responses.last()
        else {
            panic!("{:?}", bench.last());
        };
        assert_eq!(*lacking, ids_payload(&[ids[1], ids[3]]));
    }
    for lost in [1, 3] {
        bench.ask(7 + lost as u64, &Request::Put { id: ids[lost] }, segments[lost].1.clone());
    }
    bench.ask(11, &Request::Commit, ids_payload(&ids));
    assert_eq!(bench.last(), &Response::Committed);
}

#[test]
fn a_segment_comes_back_as_it_was_put() {
    let mut bench = Bench::new(10_000);
    let (id, bytes) = segment(1);
    bench.ask(1, &Request::Put { id }, bytes.clone());
    assert_eq!(bench.last(), &Response::Stored { id });
    bench.ask(2, &Request::Commit, ids_payload(&[id]));
    assert_eq!(bench.last(), &Response::Committed);
    bench.ask(3, &Request::Get { id }, Bytes::new());
    assert_eq!(bench.responses.last(), Some(&(3, Response::Segment { id }, bytes)));
    bench.ask(4, &Request::Stat, Bytes::new());
    assert_eq!(bench.last(), &Response::Stat(VolumeStats { capacity: 10_000, used: 1000, segments: 1 }));
    bench.ask(5, &Request::Delete, ids_payload(&[id]));
    bench.ask(6, &Request::Get { id }, Bytes::new());
    assert_eq!(bench.last(), &Response::Refused(Refusal::NotStored { id }));
    bench.ask(7, &Request::Ping, Bytes::new());
    assert_eq!(bench.last(), &Response::Pong);
}

#[test]
fn what_cannot_be_done_is_refused_with_the_reason() {
    let mut bench = Bench::new(1500);
    let ((first, bytes), (second, more)) = (segment(1), segment(2));
    bench.ask(1, &Request::Put { id: first }, bytes.clone());
    bench.ask(2, &Request::Put { id: second }, more);
    assert_eq!(bench.last(), &Response::Refused(Refusal::Full { needed: 1000, free: 500 }));
    bench.ask(3, &Request::Commit, ids_payload(&[second]));
    assert_eq!(bench.last(), &Response::Refused(Refusal::NotStored { id: second }));
    bench.disk.flip_bit(first, 9);
    bench.ask(4, &Request::Get { id: first }, Bytes::new());
    assert_eq!(bench.last(), &Response::Refused(Refusal::Corrupt { id: first }));
    bench.disk.fail_reads(true);
    bench.ask(5, &Request::Get { id: first }, Bytes::new());
    assert!(matches!(bench.last(), Response::Refused(Refusal::Disk(error)) if error.to_string().contains("Input/output error")));
    bench.ask(6, &Request::Delete, ids_payload(&[first]));
    bench.disk.limit(10);
    bench.ask(7, &Request::Put { id: first }, bytes);
    assert_eq!(bench.last(), &Response::Refused(Refusal::DiskFull));
    assert_eq!(bench.node.volume_stats().used, 0, "what failed takes no room");
}

#[test]
fn a_bad_frame_ends_that_connection_and_nothing_else() {
    let mut bench = Bench::new(10_000);
    let good = connection();
    bench.node.handle_connected(good.peer());
    bench.bytes(Bytes::from_static(b"GET / HTTP/1.1\r\n\r\n"));
    assert_eq!(bench.aborted, Some(ProtocolError::Version { found: b'G' }));
    assert_eq!(bench.node.connection_count(), 1);
    bench.connection = good.peer();
    bench.ask(1, &Request::Ping, Bytes::new());
    assert_eq!(bench.last(), &Response::Pong);
}

/// READY, RUNNING, WAITING and STOPPED follow from what the node has in hand.
#[test]
fn the_state_says_what_the_node_really_does() {
    let mut bench = Bench::new(10_000);
    let (id, bytes) = segment(1);
    assert_eq!(bench.node.state(), ProcessState::Ready);
    bench.slow_disk = true;
    bench.bytes(frame(1, &Request::Put { id }, &bytes).unwrap());
    bench.bytes(bytes.slice(..10));
    assert_eq!(bench.node.state(), ProcessState::Running);
    bench.bytes(bytes.slice(10..));
    assert_eq!(bench.node.state(), ProcessState::Waiting(WaitingFor::Disk));
    assert_eq!(bench.node.open_requests(), 1);
    for (job, op) in std::mem::take(&mut bench.delayed) {
        let outcome = op.run(&bench.disk);
        bench.node.handle_disk(job, outcome);
    }
    assert_eq!((bench.node.state(), bench.node.open_requests()), (ProcessState::Waiting(WaitingFor::Network), 0));
    bench.node.handle_drained(bench.connection);
    assert_eq!(bench.node.state(), ProcessState::Ready);
    bench.node.stop();
    assert_eq!(bench.node.state(), ProcessState::Stopped);
    bench.node.start();
    assert_eq!(bench.node.state(), ProcessState::Waiting(WaitingFor::Disk));
    assert_eq!(bench.start(), Some(NodeOutput::Started));
    assert_eq!((bench.node.state(), bench.node.connection_count()), (ProcessState::Ready, 0));
}

/// What has gone from the disk meanwhile is gone, and a process that is killed while it starts does not run.
#[test]
fn a_process_reads_its_disk_before_it_runs() {
    let mut bench = Bench::new(10_000);
    let (stays, goes) = (segment(1), segment(2));
    for (id, bytes) in [stays.clone(), goes.clone()] {
        bench.ask(1, &Request::Put { id }, bytes);
    }
    bench.node.stop();
    bench.disk.delete(goes.0).unwrap();
    bench.node.start();
    let Some(NodeOutput::Disk { job, op }) = bench.node.poll_output() else { panic!("it reads its disk") };
    bench.node.stop();
    bench.node.handle_disk(job, op.run(&bench.disk));
    assert_eq!((bench.node.poll_output(), bench.node.state()), (None, ProcessState::Stopped));
    bench.node.start();
    assert_eq!(bench.start(), Some(NodeOutput::Started));
    assert_eq!((bench.node.holds(stays.0), bench.node.holds(goes.0)), (true, false));
    assert_eq!(bench.node.volume_stats(), VolumeStats { capacity: 10_000, used: 1000, segments: 1 });
}

#[test]
fn a_process_does_not_run_without_its_disk() {
    let mut bench = Bench::new(10_000);
    bench.node.stop();
    bench.node.start();
    let Some(NodeOutput::Disk { job, .. }) = bench.node.poll_output() else { panic!("it reads its disk") };
    bench.node.handle_disk(job, Err(DiskError::Full));
    assert_eq!(bench.node.poll_output(), Some(NodeOutput::NotStarted { error: DiskError::Full }));
    assert!(!bench.node.is_running() && !bench.node.is_starting());
}

#[test]
fn work_of_a_connection_that_is_gone_is_finished_in_silence() {
    let mut bench = Bench::new(10_000);
    let (id, bytes) = segment(1);
    bench.slow_disk = true;
    bench.ask(1, &Request::Put { id }, bytes);
    bench.node.handle_ended(bench.connection);
    let (job, op) = bench.delayed.remove(0);
    bench.node.handle_disk(job, op.run(&bench.disk));
    assert_eq!((bench.node.poll_output(), bench.node.state()), (None, ProcessState::Ready));
    assert_eq!(bench.node.volume_stats().used, 1000);
}

/// The answer is what keeps the deletion owed. The segment comes again before the disk has refused, and is stored all the same.
#[test]
fn a_deletion_that_the_disk_refuses_is_answered_with_the_reason() {
    let mut bench = Bench::new(10_000);
    let (id, bytes) = segment(1);
    bench.ask(1, &Request::Put { id }, bytes.clone());
    bench.disk.fail_deletes(1);
    bench.ask(2, &Request::Delete, ids_payload(&[id]));
    assert!(matches!(bench.last(), Response::Refused(Refusal::Disk(_))), "{:?}", bench.last());
    assert_eq!(bench.node.volume_stats(), VolumeStats { capacity: 10_000, used: 1000, segments: 1 });
    bench.ask(3, &Request::Delete, ids_payload(&[id]));
    assert_eq!((bench.last(), bench.node.volume_stats().used), (&Response::Deleted, 0));
    for failing in [0, 1] {
        bench.ask(4, &Request::Put { id }, bytes.clone());
        bench.disk.fail_deletes(failing);
        bench.slow_disk = true;
        bench.ask(5, &Request::Delete, ids_payload(&[id]));
        bench.ask(6, &Request::Put { id }, bytes.clone());
        bench.slow_disk = false;
        for (job, op) in std::mem::take(&mut bench.delayed) {
            bench.node.handle_disk(job, op.run(&bench.disk));
            bench.dispatch();
        }
        assert_eq!(bench.last(), &Response::Stored { id });
        bench.ask(7, &Request::Commit, ids_payload(&[id]));
        bench.disk.crash(&mut RandomStream::new(failing, "power"));
        bench.ask(8, &Request::Get { id }, Bytes::new());
        assert_eq!(bench.last(), &Response::Segment { id });
        assert_eq!(bench.node.volume_stats().used, 1000);
        bench.ask(9, &Request::Delete, ids_payload(&[id]));
    }
}
