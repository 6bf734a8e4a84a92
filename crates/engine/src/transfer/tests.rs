//! Transfers driven by random inputs, without a simulation: whatever nodes, disks and the catalog do, and in whatever order, a
//! transfer keeps its books and comes to its end.

mod attempts;
mod delivered;

use std::collections::BTreeSet;

use p2p_base::database::DatabaseError;
use p2p_base::units::{ByteSize, SimDuration};
use p2p_net::CloseReason;
use p2p_store::attributes::StoreAs;
use p2p_store::catalog::{CatalogError, Stored};
use p2p_store::manifest::{Manifest, SegmentRecord};
use p2p_store::segment::{Cut, Segment, SegmentSize};
use p2p_store::uploads::{UploadId, UploadRecord};
use proptest::prelude::*;

use super::*;
use crate::cause::{ConnectionLoss, FailureKind, LocalFailure, PassedOver};
use crate::io::FileOutcome;
use crate::node::protocol::Refusal;
use crate::operation::{ByteRange, Keep};
use crate::peer::Peer;

const NODES: usize = 4;
/// Steps after which a transfer has to be over: far more than its segments, attempts and nodes need.
const STEPS_MAX: usize = 20_000;

/// Random decisions; once they are used up everything goes well, so that a transfer that is not over then never will be.
struct Chance {
    bytes: Vec<u8>,
    next: usize,
}

impl Chance {
    fn below(&mut self, count: usize) -> usize {
        let byte = self.bytes.get(self.next).copied().unwrap_or(0);
        self.next += 1;
        usize::from(byte) % count.max(1)
    }

    /// True about once in `many` times.
    fn strikes(&mut self, many: usize) -> bool {
        self.below(many) == many - 1
    }
}

/// Request that is not answered yet.
#[derive(Debug)]
struct Asked {
    part: Part,
    node: NodeNumber,
    request: Request,
    payload: Bytes,
}

/// Work on the local file that is not taken yet.
#[derive(Debug, PartialEq)]
enum Local {
    Cut,
    ReadAgain(u32, SegmentId),
    Write(SegmentId, Bytes),
    Complete,
}

/// Surroundings of a transfer: what it has asked for, and books of what it holds.
struct Surroundings {
    now: SimTime,
    machine: Transfer,
    chance: Chance,
    /// Segments of the source that are not cut yet, and the number of all of them.
    source: VecDeque<Segment>,
    segments: u32,
    /// Length of each segment in bytes.
    segment_len: u32,
    /// Number of looks at the source after which it is gone.
    gone_after: Option<usize>,
    /// True if the edge is a stream of remote origin: its end is told when the source is used up.
    is_remote: bool,
    is_ended: bool,
    /// Number of segments that were given to be written, and of those that the reader of the stream has taken.
    given: u64,
    taken: u64,
    asked: VecDeque<Asked>,
    /// Number of requests to each node that carry no segment.
    asks: BTreeMap<(NodeNumber, Part), usize>,
    local: VecDeque<Local>,
    awaits_local: bool,
    catalog: VecDeque<CatalogWork>,
    memory: u64,
    has_left: bool,
    rooms: BTreeSet<u32>,
    pins: BTreeMap<(NodeNumber, SegmentId), u32>,
    stored: BTreeSet<(NodeNumber, SegmentId)>,
    confirmed: BTreeSet<(NodeNumber, SegmentId)>,
    /// Nodes that must not be asked for this segment, or for any if it is `None`.
    failed: BTreeSet<(Option<u32>, NodeNumber)>,
    /// Nodes that have not confirmed what they were to commit, or had lost some of it.
    refused: BTreeSet<NodeNumber>,
    /// Number of failed attempts to store each segment.
    failures: BTreeMap<u32, u32>,
    written: Vec<SegmentId>,
    committed: bool,
    dropped: bool,
    /// Segments that the catalog keeps for the upload, and its record once it is parked.
    kept: Vec<SegmentRecord>,
    parked: Option<Box<UploadRecord>>,
    owed: u64,
    events: Vec<Event>,
    /// True if the upload was told to stop and does so.
    is_stopped: bool,
    /// True if the process has ended whose host carries the transfer: nothing that it asks for is answered.
    has_no_host: bool,
    is_done: bool,
}

fn id_of(n: u64) -> SegmentId {
    SegmentId::of(&n.to_le_bytes())
}

fn digest() -> Sha256Digest {
    Sha256Digest::from_bytes([7; 32])
}

fn node(index: usize) -> NodeNumber {
    NodeNumber::from_index(index)
}

fn record(segments: u32) -> FileRecord {
    FileRecord {
        key: FileKey::unowned("a.bin"),
        size: u64::from(segments) * 8,
        sha256: digest(),
        segments,
        segment_size: 8,
        stored_at: 0,
        modified: 0,
        mode: 0o644,
        readers: BTreeSet::new(),
    }
}

impl Surroundings {
    fn new(machine: Transfer, segments: u32, bytes: Vec<u8>) -> Surroundings {
        Surroundings::at_edge(machine, segments, false, bytes)
    }

    fn at_edge(machine: Transfer, segments: u32, is_remote: bool, bytes: Vec<u8>) -> Surroundings {
        let source = (0..segments).map(|index| {
            let bytes = Bytes::copy_from_slice(&u64::from(index).to_le_bytes());
            Segment { index, id: SegmentId::of(&bytes), bytes }
        });
        Surroundings {
            now: SimTime::ZERO,
            machine,
            chance: Chance { bytes, next: 0 },
            source: source.collect(),
            segments,
            segment_len: 8,
            gone_after: None,
            is_remote,
            is_ended: false,
            given: 0,
            taken: 0,
            asked: VecDeque::new(),
            asks: BTreeMap::new(),
            local: VecDeque::new(),
            awaits_local: false,
            catalog: VecDeque::new(),
            memory: 0,
            has_left: false,
            rooms: BTreeSet::new(),
            pins: BTreeMap::new(),
            stored: BTreeSet::new(),
            confirmed: BTreeSet::new(),
            failed: BTreeSet::new(),
            refused: BTreeSet::new(),
            failures: BTreeMap::new(),
            written: Vec::new(),
            committed: false,
            dropped: false,
            kept: Vec::new(),
            parked: None,
            owed: 0,
            events: Vec::new(),
            is_stopped: false,
            has_no_host: false,
            is_done: false,
        }
    }

    /// Makes all segments of the source as long as full ones.
    fn use_full_segments(&mut self) {
        self.segment_len = SegmentSize::MIN.as_u64() as u32;
        for segment in &mut self.source {
            let mut bytes = segment.bytes.to_vec();
            bytes.resize(self.segment_len as usize, 0);
            *segment = Segment { index: segment.index, id: SegmentId::of(&bytes), bytes: bytes.into() };
        }
    }

    /// Looks at the source; true if it is gone.
    fn is_gone(&mut self) -> bool {
        match &mut self.gone_after {
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        }
    }

    /// Drives the transfer to its end.
    fn run(mut self) -> Surroundings {
        self.carry_out_all();
        for _ in 0..STEPS_MAX {
            if self.is_done {
                break;
            }
            self.now += SimDuration::from_millis(10);
            self.step();
        }
        assert!(self.is_done, "the transfer waits without end: {:?}", self.machine);
        // Nothing that comes too late does anything.
        for _ in 0..10 {
            self.spurious();
            self.handle(Input::Cancelled);
        }
        self.check_end();
        self
    }

    fn step(&mut self) {
        match self.chance.below(8) {
            7 | 2 if self.is_remote => self.happen(),
            6 if self.chance.below(3) == 2 => self.spurious(),
            5 if self.chance.strikes(40) => self.handle(Input::Cancelled),
            5 if self.chance.strikes(40) => self.stop(),
            5 if self.chance.strikes(40) => self.end_host(),
            4 | 3 if !self.asked.is_empty() => self.reach(),
            _ if !self.asked.is_empty() && self.chance.below(3) > 0 => self.answer(),
            _ if !self.catalog.is_empty() => self.use_catalog(),
            2 if !self.asked.is_empty() => self.answer(),
            _ => {
                self.handle(Input::Resumed);
                if !self.is_done && !self.awaits_local && !self.asked.is_empty() {
                    self.answer();
                } else if self.is_remote && !self.is_done {
                    self.happen();
                }
            }
        }
    }

    /// Lets an upload that is kept be told to stop.
    fn stop(&mut self) {
        self.handle(Input::Parked);
        self.is_stopped = matches!(&self.machine, Transfer::Upload(upload) if upload.is_stopped());
    }

    /// Lets the process end whose host carries the transfer.
    fn end_host(&mut self) {
        self.has_no_host = true;
        self.handle(Input::GivenUp(TransferError::HostEnded { node: node(NODES) }));
    }

    /// Lets something happen at the other end of the stream.
    fn happen(&mut self) {
        if self.is_gone() || self.chance.strikes(200) {
            return self.handle(Input::Happened(Happened::Gone));
        }
        let wanted = self.machine.wanted();
        if matches!(self.machine, Transfer::Download(_)) {
            let unread = self.given - self.taken;
            self.taken += unread - self.chance.below(unread as usize + 1) as u64;
            self.handle(Input::Happened(Happened::Taken(self.taken)));
        } else if wanted > 0 && self.source.is_empty() && !std::mem::replace(&mut self.is_ended, true) {
            self.handle(Input::Happened(Happened::End(self.whole_size(), digest())));
        } else if wanted > 0 {
            let count = (1 + self.chance.below(wanted)).min(self.source.len());
            let cut = |segment| Cut { segment, hash: Default::default() };
            let cuts = self.source.drain(..count).map(cut).collect();
            self.handle(Input::Happened(Happened::Cut(cuts)));
        }
        self.check_idle();
    }

    fn whole_size(&self) -> ByteSize {
        ByteSize::from_bytes(u64::from(self.segment_len) * u64::from(self.segments))
    }

    /// A transfer whose stream stands still holds no more than four segments.
    fn check_idle(&self) {
        if self.machine.is_idle() {
            assert_eq!(self.machine.log().status.state, TransferState::Idle);
            let segment = if matches!(self.machine, Transfer::Upload(_)) { SegmentSize::MIN.as_u64() } else { 8 };
            assert!(self.memory <= 4 * segment, "{} bytes", self.memory);
        }
    }

    fn handle(&mut self, input: Input) {
        self.machine.handle(self.now, input);
        self.carry_out_all();
    }

    fn carry_out_all(&mut self) {
        self.awaits_local = false;
        while let Some(output) = self.machine.poll_output() {
            assert!(!self.is_done, "{output:?} after the end");
            assert!(!self.awaits_local, "{output:?} after waiting");
            self.carry_out(output);
        }
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::AskSegment { index, len, node, request, payload, .. } => {
                assert!(node.index() < NODES && len == self.segment_len && !self.is_stopped);
                // What lay too far ahead of a reader is asked for again as if for the first time.
                let failed_here = !self.is_remote && self.failed.contains(&(Some(index), node));
                let is_given_up = self.failed.contains(&(None, node)) || failed_here;
                assert!(!is_given_up, "{node} is asked again for segment {index}");
                if let Request::Put { id } = request {
                    assert!(self.pins.contains_key(&(node, id)), "a segment is sent without protection");
                }
                self.asked.push_back(Asked { part: Part::Segment(index), node, request, payload });
            }
            Output::Ask { node, part, request, payload } => {
                let asks = self.asks.entry((node, part)).or_default();
                *asks += 1;
                let max = if part == Part::Commit { attempts::COMMITS_MAX } else { 1 };
                assert!(*asks <= max || part == Part::Keep, "{node} is asked {asks} times: {part:?}");
                self.asked.push_back(Asked { part, node, request, payload });
            }
            Output::Lose { node, bytes } => {
                assert!(node.index() < NODES && bytes % u64::from(self.segment_len) == 0, "{bytes} bytes on {node}");
            }
            Output::Forget => self.asked.retain(|_| self.chance.strikes(2)),
            Output::Place { len, except, .. } => self.place(len, &except),
            Output::Pin { index, node, id, len } => {
                assert!(
                    len == u64::from(self.segment_len) && self.rooms.insert(index),
                    "the room of segment {index} is still reserved"
                );
                *self.pins.entry((node, id)).or_default() += 1;
            }
            Output::FreeRoom { index } => drop(self.rooms.remove(&index)),
            Output::Unpin { node, id } => self.unpin(node, id),
            Output::TakeMemory { bytes } => {
                assert!(!self.has_left && bytes > 0);
                let is_granted = !self.chance.strikes(4);
                self.memory += if is_granted { bytes } else { 0 };
                self.machine.handle(self.now, Input::Memory { is_granted });
            }
            Output::GiveMemory { bytes } => {
                assert!(!self.has_left && bytes <= self.memory, "{bytes} of {}", self.memory);
                self.memory -= bytes;
            }
            Output::LeaveMemory => (self.has_left, self.memory) = (true, 0),
            Output::JoinMemory => assert!(std::mem::take(&mut self.has_left), "memory is left before it is taken again"),
            Output::Catalog(work) => self.catalog.push_back(work),
            Output::AddFile(_) => assert!(self.committed, "a file that the catalog has not stored"),
            Output::DropTree(_) => assert!(std::mem::take(&mut self.dropped), "a file that the catalog has not removed"),
            Output::ReleaseName => {}
            Output::Park(record) => self.parked = Some(record),
            Output::Delete(garbage) => self.sort_out(garbage),
            Output::Owe { ids, .. } => self.owed += ids.len() as u64,
            Output::Emit(event) => self.events.push(event),
            Output::Done => self.is_done = true,
            local => self.use_file(local),
        }
    }

    fn use_file(&mut self, output: Output) {
        match output {
            Output::Cut => self.local.push_back(Local::Cut),
            Output::ReadAgain { index, id, len } => {
                assert_eq!(len, self.segment_len);
                self.local.push_back(Local::ReadAgain(index, id));
            }
            Output::Write { id, bytes, within } => {
                assert_eq!(within, 0..8);
                self.given += 1;
                self.local.push_back(Local::Write(id, bytes));
            }
            Output::Complete { .. } => self.local.push_back(Local::Complete),
            Output::CloseLocal => self.local.clear(),
            Output::AwaitLocal => {
                assert!(!self.local.is_empty(), "nothing is under way that could be waited for");
                self.awaits_local = true;
                // Otherwise the work takes longer, and the transfer is resumed.
                if !self.chance.strikes(5) {
                    self.awaits_local = false;
                    let outcome = self.local_outcome();
                    self.machine.handle(self.now, Input::Local(outcome));
                }
            }
            other => panic!("{other:?}"),
        }
    }

    fn local_outcome(&mut self) -> Outcome {
        let work = self.local.pop_front().unwrap();
        if work == Local::Cut && self.is_gone() {
            return Outcome::File(FileOutcome::Gone);
        }
        match self.chance.below(120) {
            118 => return Outcome::File(FileOutcome::Failed(LocalFailure::new(FailureKind::Changed))),
            119 => return Outcome::Crashed("a bug".into()),
            _ => {}
        }
        Outcome::File(match work {
            Local::Cut if self.source.is_empty() => FileOutcome::End(self.whole_size(), digest()),
            Local::Cut => {
                let count = (1 + self.chance.below(4)).min(self.source.len());
                let segments = self.source.drain(..count);
                match self.gone_after {
                    Some(_) => FileOutcome::Cuts(segments.map(|segment| Cut { segment, hash: Default::default() }).collect()),
                    None => FileOutcome::Segments(segments.collect()),
                }
            }
            Local::ReadAgain(index, id) => {
                let bytes = Bytes::copy_from_slice(&u64::from(index).to_le_bytes());
                assert_eq!(SegmentId::of(&bytes), id);
                FileOutcome::Segments(vec![Segment { index, id, bytes }])
            }
            Local::Write(id, bytes) => {
                assert_eq!(SegmentId::of(&bytes), id);
                self.written.push(id);
                FileOutcome::Written
            }
            Local::Complete => FileOutcome::Written,
        })
    }

    fn place(&mut self, len: u64, except: &BTreeSet<NodeNumber>) {
        assert_eq!(len, u64::from(self.segment_len));
        let failed = self.failed.iter().filter(|(segment, _)| segment.is_none()).map(|&(_, node)| node).collect();
        assert!(except.is_superset(&failed), "the nodes that have failed are given up");
        assert!(except.iter().all(|node| failed.contains(node) || self.refused.contains(node)), "and no others");
        let usable: Vec<NodeNumber> = (0..NODES).map(node).filter(|node| !except.contains(node)).collect();
        let answer = match usable.get(self.chance.below(usable.len())).filter(|_| !self.chance.strikes(60)) {
            Some(&node) => Input::Placed { node },
            None => {
                Input::NotPlaced { nodes: (0..NODES).map(|index| (node(index), Cause::PassedOver(PassedOver::Full))).collect() }
            }
        };
        self.machine.handle(self.now, answer);
    }

    fn unpin(&mut self, node: NodeNumber, id: SegmentId) {
        let count = self.pins.get_mut(&(node, id)).expect("every protection ends once");
        *count -= 1;
        if *count == 0 {
            self.pins.remove(&(node, id));
        }
    }

    /// Lets a few of the nodes be such that owe their share.
    fn sort_out(&mut self, garbage: Garbage) {
        let (away, shares): (Garbage, Garbage) = garbage.into_iter().partition(|_| self.chance.strikes(4));
        self.owed += away.values().map(|ids| ids.len() as u64).sum::<u64>();
        self.machine.handle(self.now, Input::Deletable(shares, 0));
    }

    /// Reports a stage of a segment, of one in flight or of any.
    fn reach(&mut self) {
        let stage = [Stage::Connected, Stage::FirstByte, Stage::LastByte, Stage::Retransmitted][self.chance.below(4)];
        let index = match self.asked[self.chance.below(self.asked.len())].part {
            Part::Segment(index) => index,
            _ => self.chance.below(20) as u32,
        };
        self.handle(Input::Reached { index, stage });
    }

    fn answer(&mut self) {
        let place = self.chance.below(self.asked.len());
        let Asked { part, node, request, payload } = self.asked.remove(place).unwrap();
        if self.has_no_host {
            return self.handle(Input::Failed { part, node, cause: Cause::Unreachable(ConnectionLoss::AskerEnded) });
        }
        let fails = self.chance.below(30);
        let segment = if let Part::Segment(index) = part { Some(index) } else { None };
        if request == Request::Commit && self.lose(part, node, &payload, fails) {
            return;
        }
        if fails == 29 || fails == 28 {
            self.refused.extend((request == Request::Commit).then_some(node));
            self.note_failure(segment, node, &request, true);
            let cause = Cause::Unreachable(ConnectionLoss::Ended(CloseReason::TimedOut));
            return self.handle(Input::Failed { part, node, cause });
        }
        let response = match (fails, &request) {
            (27, _) => Response::Refused(Refusal::ReadOnly),
            (26, _) => Response::Pong,
            (25 | 24, Request::Put { id } | Request::Get { id }) => Response::Refused(Refusal::Corrupt { id: *id }),
            (_, Request::Put { id }) => Response::Stored { id: *id },
            (_, Request::Get { id }) => Response::Segment { id: *id },
            (_, Request::Commit) => Response::Committed,
            (_, _) => Response::Deleted,
        };
        if request == Request::Commit && response != Response::Committed {
            self.refused.insert(node);
        }
        let mut bytes = Bytes::new();
        match &response {
            Response::Stored { id } => {
                self.stored.insert((node, *id));
                segment.iter().for_each(|index| _ = self.failures.remove(index));
            }
            Response::Segment { .. } => {
                bytes = Bytes::copy_from_slice(&u64::from(segment.unwrap()).to_le_bytes());
            }
            Response::Committed => self.confirmed.extend(ids_in(&payload).into_iter().map(|id| (node, id))),
            Response::Deleted => {}
            refusal => {
                let is_corrupt = matches!(refusal, Response::Refused(Refusal::Corrupt { .. }));
                self.note_failure(segment, node, &request, !is_corrupt);
            }
        }
        match response {
            Response::Refused(refusal) => self.handle(Input::Failed { part, node, cause: Cause::Refused(refusal) }),
            response => self.handle(Input::Answered { part, node, response, payload: bytes }),
        }
    }

    /// Lets a node be found to have lost some of what it is to commit, which it names. Returns false if it answers.
    fn lose(&mut self, part: Part, node: NodeNumber, payload: &Bytes, fails: usize) -> bool {
        let ids = ids_in(payload);
        if fails == 22 || fails == 23 {
            let lost = (node, ids[self.chance.below(ids.len())]);
            self.stored.remove(&lost);
            self.confirmed.remove(&lost);
        }
        let lacking: Vec<SegmentId> = ids.into_iter().filter(|&id| !self.stored.contains(&(node, id))).collect();
        let Some(&id) = lacking.first() else { return false };
        self.refused.insert(node);
        let cause = Cause::Refused(Refusal::NotStored { id });
        self.handle(Input::Lacking { part, node, cause, ids: lacking });
        // What cannot be read again is not waited for.
        let state = self.machine.log().status.state;
        assert!(!(self.is_remote && part == Part::Commit && state == TransferState::Committing), "{state:?} without a segment");
        true
    }

    /// Notes which node must not be asked again: for an upload not at all, unless the segment was only damaged on its way and not
    /// too often; for a download not for this segment.
    fn note_failure(&mut self, segment: Option<u32>, node: NodeNumber, request: &Request, node_is_to_blame: bool) {
        let Some(index) = segment else { return };
        if matches!(request, Request::Get { .. }) {
            self.failed.insert((Some(index), node));
            return;
        }
        let failures = self.failures.entry(index).or_default();
        *failures += 1;
        if node_is_to_blame || *failures >= 3 {
            self.failed.insert((None, node));
        }
    }

    fn use_catalog(&mut self) {
        let work = self.catalog.pop_front().unwrap();
        let trouble = self.chance.below(24);
        if trouble == 23 {
            return self.handle(Input::Catalog(Outcome::Crashed("a bug".into())));
        }
        let refusal = || match trouble {
            21 => DatabaseError::OutcomeUnknown { reason: "power".into() }.into(),
            _ => CatalogError::from(DatabaseError::Full),
        };
        let fails = trouble == 21 || trouble == 22;
        let outcome = match work {
            CatalogWork::Commit(commit, _) => {
                self.check_durable(&commit.manifest);
                self.committed = !fails;
                let shares = |index: usize| (node(index), vec![id_of(index as u64), id_of(9)]);
                let garbage = (0..NODES).filter(|_| commit.replace).map(shares).collect();
                let stored = || Box::new(Stored { file: commit.manifest.file, garbage });
                Outcome::FileCommitted(if fails { Err(refusal()) } else { Ok(stored()) })
            }
            CatalogWork::Remove(..) => {
                self.dropped = !fails;
                let garbage = (0..NODES).map(|index| (node(index), vec![id_of(index as u64), id_of(9)])).collect();
                Outcome::FileRemoved(if fails { Err(refusal()) } else { Ok(garbage) })
            }
            CatalogWork::Keep(record, segments) => {
                self.check_confirmed(&segments);
                assert_eq!(record.segments as usize, self.kept.len() + segments.len(), "nothing is kept twice");
                if !fails {
                    self.kept.extend(segments);
                }
                Outcome::UploadKept(if fails { Err(refusal()) } else { Ok(()) })
            }
            CatalogWork::Forget(_) if fails || self.chance.strikes(2) => Outcome::FileRemoved(Err(refusal())),
            CatalogWork::Forget(_) => {
                self.kept.clear();
                Outcome::FileRemoved(Ok(Garbage::new()))
            }
            CatalogWork::Manifest(_) => Outcome::Manifest(if fails { Err(refusal()) } else { Ok(self.manifest()) }),
            CatalogWork::Unreferenced(candidates) => Outcome::Unreferenced(if fails { Err(refusal()) } else { Ok(candidates) }),
            work @ (CatalogWork::Pin(..) | CatalogWork::Release(_) | CatalogWork::Find { .. }) => {
                panic!("{work:?} is no transfer's")
            }
        };
        self.handle(Input::Catalog(outcome));
    }

    /// Every segment of a file that is committed has been confirmed by its holders.
    fn check_durable(&self, manifest: &Manifest) {
        self.check_confirmed(&manifest.segments);
    }

    fn check_confirmed(&self, segments: &[SegmentRecord]) {
        for SegmentRecord { id, holders, .. } in segments {
            let is_durable = |&node: &NodeNumber| self.stored.contains(&(node, *id)) && self.confirmed.contains(&(node, *id));
            assert!(!holders.is_empty() && holders.iter().all(is_durable), "segment {id:?} is not confirmed");
        }
    }

    fn manifest(&mut self) -> Box<Manifest> {
        let mut segments = Vec::new();
        for index in 0..self.source.len() as u64 {
            let first = self.chance.below(NODES + 1);
            let holders = (0..=self.chance.below(3)).map(|step| node((first + step) % (NODES + 1))).collect();
            segments.push(SegmentRecord { id: id_of(index), len: 8, holders });
        }
        Box::new(Manifest { file: record(segments.len() as u32), segments })
    }

    /// Passes an input that nothing was asked for.
    fn spurious(&mut self) {
        let (node, cause) = (node(self.chance.below(NODES)), Cause::TooLong);
        let part = [Part::Segment(99), Part::Segment(100), Part::Segment(101)][self.chance.below(3)];
        let input = match self.chance.below(9) {
            0 => Input::Placed { node },
            1 => Input::NotPlaced { nodes: Vec::new() },
            2 => Input::Deletable(Garbage::new(), 0),
            3 => Input::Answered { part, node, response: Response::Stored { id: id_of(1) }, payload: Bytes::new() },
            4 => Input::Failed { part, node, cause },
            5 => Input::Reached { index: 77, stage: Stage::LastByte },
            6 => Input::Answered { part, node, response: Response::Pong, payload: Bytes::new() },
            7 => Input::Catalog(Outcome::FilesAdopted(Ok(Vec::new()))),
            _ => Input::Resumed,
        };
        self.handle(input);
    }

    fn error(&self) -> Option<&TransferError> {
        self.machine.log().status.error.as_ref()
    }

    /// Checks the books at the end.
    fn check_end(&self) {
        let status = &self.machine.log().status;
        assert!(status.state.is_over() && status.finished.is_some());
        assert!(self.memory == 0, "{} bytes are not given back", self.memory);
        let is_unknown = matches!(self.error(), Some(TransferError::OutcomeUnknown(_)));
        assert!(self.rooms.is_empty(), "room is still reserved for {:?}", self.rooms);
        assert!(self.pins.is_empty() || is_unknown, "{:?} are still protected", self.pins);
        let ends = self.events.iter().filter(|event| {
            matches!(event, Event::TransferFinished { .. } | Event::TransferFailed { .. } | Event::UploadParked { .. })
        });
        assert_eq!(ends.count(), 1, "the end is told once");
        let is_stored = self.events.iter().any(|event| matches!(event, Event::FileStored { .. }));
        let kept = self.parked.as_ref().map_or(0, |record| record.segments as usize);
        assert!(kept == self.kept.len() || self.committed || is_unknown, "what is kept is what is told");
        assert!(status.state != TransferState::Parked || self.parked.is_some());
        let is_upload = status.direction == Direction::Upload;
        assert_eq!(is_stored, is_upload && status.state == TransferState::Done);
        if is_upload && !is_unknown {
            assert_eq!(self.committed, status.state == TransferState::Done, "a failed upload is not in the catalog");
        }
        if status.direction == Direction::Download && status.state == TransferState::Done {
            let all: Vec<SegmentId> = (0..u64::from(status.segments)).map(id_of).collect();
            assert_eq!(self.written, all, "all segments are written, in order");
        }
    }
}

fn ids_in(payload: &Bytes) -> Vec<SegmentId> {
    let (names, _) = payload.as_chunks::<32>();
    names.iter().map(|&name| SegmentId::from_bytes(name)).collect()
}

fn upload(size: Option<u32>, is_remote: bool) -> Transfer {
    upload_from(size, is_remote, !is_remote)
}

/// An upload from a stream, which is read once.
fn stream_upload(is_remote: bool) -> Transfer {
    upload_from(None, is_remote, false)
}

fn upload_from(size: Option<u32>, is_remote: bool, is_readable_again: bool) -> Transfer {
    planned(UploadPlan { size: size.map(size_of), is_remote, is_readable_again, ..plan() })
}

/// An upload that takes the place of a file of which each node has two segments.
fn replacing_upload(size: u32) -> Transfer {
    let stored_as = StoreAs { replace: true, ..StoreAs::default() };
    planned(UploadPlan { size: Some(size_of(size)), stored_as, is_readable_again: true, ..plan() })
}

/// An upload of unknown size that is kept if its source goes.
fn kept_upload(is_remote: bool) -> Transfer {
    planned(UploadPlan { keep: Some(Keep { id: UploadId::new([1; 16]), expires_at: 99, modified: None }), is_remote, ..plan() })
}

/// The size of so many segments.
fn size_of(segments: u32) -> ByteSize {
    ByteSize::from_bytes(8 * u64::from(segments))
}

/// An upload of unknown size, of a source of this machine that is read once.
fn plan() -> UploadPlan {
    UploadPlan {
        key: FileKey::unowned("a.bin"),
        by: None,
        host: Peer::Client,
        size: None,
        segment_size: SegmentSize::new(SegmentSize::MIN).unwrap(),
        stored_at: 0,
        stored_as: StoreAs::default(),
        preferred: None,
        is_remote: false,
        is_readable_again: false,
        keep: None,
    }
}

fn planned(plan: UploadPlan) -> Transfer {
    Transfer::Upload(Box::new(Upload::new(SimTime::ZERO, TransferId(1), plan)))
}

fn download(segments: u32, is_remote: bool) -> Transfer {
    let plan = DownloadPlan { user: None, host: Peer::Client, file: record(segments), range: None, nodes: NODES, is_remote };
    Transfer::Download(Box::new(Download::new(SimTime::ZERO, TransferId(1), plan)))
}

fn removal() -> Transfer {
    Transfer::Removal(Box::new(Removal::new(
        SimTime::ZERO,
        TransferId(1),
        (None, Peer::Client),
        (FileKey::unowned("a.bin"), None),
        (24, 3),
    )))
}

/// When everything goes well, a transfer does what it is for.
#[test]
fn a_transfer_that_meets_no_trouble_is_done() {
    for is_remote in [false, true] {
        let uploads = [0, 1, 9].map(|segments| (upload(Some(segments).filter(|_| !is_remote), is_remote), segments));
        let downloads = [0, 1, 90].map(|segments| (download(segments, is_remote), segments));
        let replacing = (!is_remote).then(|| (replacing_upload(5), 5));
        for (machine, segments) in uploads.into_iter().chain(downloads).chain([(removal(), 3)]).chain(replacing) {
            let surroundings = Surroundings::at_edge(machine, segments, is_remote, Vec::new()).run();
            let status = &surroundings.machine.log().status;
            assert_eq!((status.state, status.segments_done), (TransferState::Done, segments), "{:?}", status.direction);
            assert!(surroundings.owed == 0 && status.size_known);
        }
    }
}

/// A transfer whose host is gone fails for that reason, whatever it was at, and keeps its books; what is past its point of no return is done,
/// and the deletions that it would have asked for are owed.
#[test]
fn a_transfer_without_its_host_fails_for_that_reason() {
    let machines: [fn() -> Transfer; 4] =
        [|| upload(Some(9), false), || kept_upload(true), || download(9, false), || download(9, true)];
    for (case, machine) in machines.into_iter().enumerate() {
        let mut ends = BTreeSet::new();
        for steps in 0..60 {
            let mut surroundings = Surroundings::at_edge(machine(), 9, [false, true, false, true][case], Vec::new());
            surroundings.carry_out_all();
            for _ in 0..steps {
                if !surroundings.is_done {
                    surroundings.step();
                }
            }
            surroundings.end_host();
            let surroundings = surroundings.run();
            let gone = TransferError::HostEnded { node: node(NODES) };
            assert!(surroundings.error().is_none_or(|error| *error == gone), "{:?}", surroundings.error());
            ends.insert(surroundings.error().is_some());
        }
        assert_eq!(ends, [false, true].into(), "case {case}");
    }
    let mut removing = Surroundings::new(removal(), 3, Vec::new());
    removing.has_no_host = true;
    let removed = removing.run();
    assert_eq!((removed.machine.log().status.state, removed.owed), (TransferState::Done, 2 * NODES as u64));
}

/// Content of another size than was declared is not stored.
#[test]
fn content_of_another_size_is_not_stored() {
    for is_remote in [false, true] {
        for declared in [8, 10] {
            let surroundings = Surroundings::at_edge(upload(Some(declared), is_remote), 9, is_remote, Vec::new()).run();
            assert!(matches!(surroundings.error(), Some(TransferError::File(_))), "{:?}", surroundings.error());
        }
    }
}

/// A part of a file is made of the segments with its bytes.
#[test]
fn a_range_is_cut_out_of_its_segments() {
    let part = |first, len| {
        let range = Some(ByteRange { first, len });
        let plan = DownloadPlan { user: None, host: Peer::Client, file: record(5), range, nodes: NODES, is_remote: false };
        let mut machine = Download::new(SimTime::ZERO, TransferId(1), plan);
        let (mut written, status) = (Vec::new(), machine.log().status.clone());
        while machine.poll_output().is_some() {}
        let holders = vec![node(0)];
        let segments = (0..5).map(|index| SegmentRecord { id: id_of(index), len: 8, holders: holders.clone() }).collect();
        machine.handle(SimTime::ZERO, Input::Catalog(Outcome::Manifest(Ok(Box::new(Manifest { file: record(5), segments })))));
        machine.handle(SimTime::ZERO, Input::Resumed);
        while let Some(output) = machine.poll_output() {
            match output {
                Output::TakeMemory { .. } => machine.handle(SimTime::ZERO, Input::Memory { is_granted: true }),
                Output::AskSegment { index, node, request: Request::Get { id }, .. } => {
                    let (part, response) = (Part::Segment(index), Response::Segment { id });
                    let payload = Bytes::copy_from_slice(&u64::from(index).to_le_bytes());
                    machine.handle(SimTime::ZERO, Input::Answered { part, node, response, payload });
                    machine.handle(SimTime::ZERO, Input::Resumed);
                }
                Output::Write { id, within, .. } => written.push(((0..5).position(|index| id_of(index) == id).unwrap(), within)),
                Output::Complete { sha256 } => assert_eq!(sha256.is_some(), status.bytes == 40 && written[0].1 == (0..8)),
                _ => {}
            }
        }
        (written, status.bytes)
    };
    assert_eq!(part(0, None).0.len(), 5);
    assert_eq!(part(9, Some(3)), (vec![(1, 1..4)], 8));
    assert_eq!(part(7, Some(10)), (vec![(0, 7..8), (1, 0..8), (2, 0..1)], 24));
    assert_eq!(part(39, Some(100)), (vec![(4, 7..8)], 8));
    assert_eq!([part(40, None), part(8, Some(0))], [(vec![], 0), (vec![], 0)]);
}

/// The counts of failures in the tests below are not zero.
#[test]
fn chance_reaches_every_kind_of_end() {
    let mut ends = BTreeSet::new();
    let mut random = p2p_base::random::RandomStream::new(1, "ends");
    for _ in 0..600 {
        let bytes: Vec<u8> = (0..300).map(|_| random.below(256) as u8).collect();
        for machine in [upload(Some(6), false), download(6, false), removal()] {
            let surroundings = Surroundings::new(machine, 6, bytes.clone()).run();
            let status = &surroundings.machine.log().status;
            let error = status.error.as_ref().map(|error| format!("{error:?}"));
            let kind = error.map(|error| error.split(['(', ' ']).next().unwrap_or_default().to_owned());
            ends.insert(format!("{} {}", status.direction.name(), kind.unwrap_or("done".into())));
        }
    }
    let kinds = |direction: &str, kinds: &[&str]| kinds.iter().map(|kind| format!("{direction} {kind}")).collect::<Vec<_>>();
    let uploads = ["done", "File", "Internal", "NoHolder", "NotConfirmed", "Catalog", "OutcomeUnknown", "Cancelled"];
    let downloads = ["done", "File", "Internal", "Unreadable", "Catalog", "Cancelled"];
    let expected = [kinds("upload", &uploads), kinds("download", &downloads)].concat();
    let missing: Vec<_> = expected.iter().filter(|end| !ends.contains(*end)).collect();
    assert!(
        missing.is_empty() && ends.contains("removal done") && ends.contains("removal OutcomeUnknown"),
        "{missing:?} {ends:?}"
    );
}

proptest! {
    #[test]
    fn an_upload_keeps_its_books_and_ends(
        (segments, is_known, is_remote) in (0u32..12, any::<bool>(), any::<bool>()),
        chance in proptest::collection::vec(any::<u8>(), 0..700),
    ) {
        Surroundings::at_edge(upload(Some(segments).filter(|_| is_known), is_remote), segments, is_remote, chance).run();
    }

    #[test]
    fn a_kept_upload_keeps_its_books_and_ends(
        (segments, is_remote, gone) in (0u32..12, any::<bool>(), 0usize..40),
        chance in proptest::collection::vec(any::<u8>(), 0..700),
    ) {
        let mut surroundings = Surroundings::at_edge(kept_upload(is_remote), segments, is_remote, chance);
        surroundings.use_full_segments();
        surroundings.gone_after = Some(gone);
        surroundings.run();
    }

    #[test]
    fn a_download_keeps_its_books_and_ends(
        (segments, is_remote) in (0u32..60, any::<bool>()),
        chance in proptest::collection::vec(any::<u8>(), 0..700),
    ) {
        Surroundings::at_edge(download(segments, is_remote), segments, is_remote, chance).run();
    }

    /// Whatever becomes of the deletions of what is replaced, the file is stored.
    #[test]
    fn a_replacing_upload_keeps_its_books_and_ends(
        segments in 0u32..12,
        chance in proptest::collection::vec(any::<u8>(), 0..700),
    ) {
        let surroundings = Surroundings::new(replacing_upload(segments), segments, chance).run();
        let asked = surroundings.asks.keys().filter(|(_, part)| *part == Part::Delete).count() as u64;
        let all = NODES as u64 * 2;
        prop_assert!(!surroundings.committed || surroundings.owed + asked * 2 >= all, "somebody deletes all of it");
    }

    #[test]
    fn a_removal_ends(chance in proptest::collection::vec(any::<u8>(), 0..200)) {
        Surroundings::new(removal(), 3, chance).run();
    }
}
