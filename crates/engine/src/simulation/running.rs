//! A transfer in progress in the simulation: its machine, its measurement and its edge. What the machine puts out is carried
//! out here, in its order and at once.

use std::sync::Arc;

use bytes::Bytes;
use p2p_net::MeterId;
use p2p_store::manifest::NodeNumber;
use p2p_store::names::FileKey;
use p2p_store::namespace::Entry;
use p2p_store::uploads::UploadRecord;

use crate::edge::{Edge, Happened};
use crate::event::Event;
use crate::gauge::{Gauge, Traffic};
use crate::io::{Blocked, Outcome};
use crate::node::protocol::Request;
use crate::peer::Peer;
use crate::status::{Absence, Awaited, Remaining, Replacement};
use crate::transfer::{Direction, Input, Output, Stage, Transfer, TransferId, TransferReport, TransferState, TransferStatus};
use crate::world::{Carried, World};

/// Transfer in progress.
#[derive(Debug)]
pub(super) struct Running {
    machine: Transfer,
    gauge: Gauge,
    /// File or stream that is read or written; `None` for a removal.
    edge: Option<Edge>,
    /// True if [`Output::AwaitLocal`] is not carried out yet, because work on this machine is not finished.
    awaits_local: bool,
    /// Number of times that something has happened at the other end of a stream of remote origin.
    heard: u64,
    is_over: bool,
}

impl Running {
    /// Returns a transfer that is measured as a part of what all transfers of its direction bring: `up` counts that of uploads and
    /// removals, `down` that of downloads.
    pub(super) fn new(machine: Transfer, edge: Option<Edge>, (up, down): (MeterId, MeterId)) -> Running {
        let payload = if machine.log().status.direction == Direction::Download { down } else { up };
        Running { machine, gauge: Gauge::part_of(payload), edge, awaits_local: false, heard: 0, is_over: false }
    }

    /// Returns the status without the rates, which are measured when they are asked for.
    pub(super) fn bare_status(&self) -> &TransferStatus {
        &self.machine.log().status
    }

    /// Returns the status with the rates measured at this instant, while all transfers have this to do.
    pub(super) fn status(&self, world: &World, traffic: &Traffic) -> TransferStatus {
        let mut status = self.bare_status().clone();
        if !status.state.is_over() {
            status.awaited = world.out_of_reach(self.host(), || self.machine.indispensable());
            status.replaced = self.replaced(world);
        }
        let mut status = self.gauge.measure(world.links(self.host()), traffic, status);
        if let Some((bytes, segments)) = self.machine.keepable() {
            for arrived in [&mut status.bytes_done, &mut status.bytes_arrived] {
                *arrived = bytes.min(*arrived);
            }
            status.segments_done = status.segments_done.min(segments);
        }
        // What others replace is in the estimate.
        if status.replaced.is_empty()
            && let Remaining::Estimated { seconds } = &mut status.eta
        {
            *seconds = seconds.max(self.until_replaced(world, status.rate_bytes_per_second));
        }
        if let Some(deleting) = world.deleting(self.host(), self.id(), &self.machine.deleting()) {
            status.eta = deleting;
        }
        status
    }

    /// Returns the seconds until nodes that are out of reach are replaced, at this rate: what was requested of them is requested of others
    /// once their connections are given up.
    fn until_replaced(&self, world: &World, rate: Option<f64>) -> f64 {
        let patience = world.hosts.of_peer(self.host()).tcp().user_timeout;
        let seconds = |away: Awaited| {
            let bytes: u64 = self.gauge.open().filter(|(node, _)| *node == away.node).map(|(_, bytes)| bytes).sum();
            let again = rate.filter(|rate| *rate > 0.0).map_or(0.0, |rate| bytes as f64 / rate);
            patience.saturating_sub(world.now() - away.since).as_secs_f64() + again
        };
        let away = world.out_of_reach(self.host(), || self.gauge.open().map(|(node, _)| node).collect());
        // A node that refuses, or whose process has ended, resets its connections, so that it is replaced at once.
        let is_quiet = |away: &Awaited| !matches!(away.why, Absence::Refusing | Absence::Stopped);
        away.into_iter().filter(is_quiet).map(seconds).fold(0.0, f64::max)
    }

    /// Returns the nodes out of reach that others replace.
    fn replaced(&self, world: &World) -> Vec<Replacement> {
        self.machine.storing().map_or_else(Vec::new, |upload| world.replaced(self.host(), upload))
    }

    /// Adds what has not arrived of the transfer to the traffic of its host.
    pub(super) fn add_to(&self, traffic: &mut Traffic, world: &World) {
        if !self.bare_status().state.is_over() {
            self.gauge.add_to(traffic, &world.net, self.bare_status(), &self.replaced(world));
        }
    }

    pub(super) fn report(&self, world: &World, traffic: &Traffic) -> TransferReport {
        let log = self.machine.log();
        let (status, rates) = (self.status(world, traffic), self.gauge.series(&world.net));
        TransferReport { status, sha256: log.sha256, timelines: log.timelines(), resent: log.resent().clone(), rates }
    }

    /// Returns true if the transfer is over.
    pub(super) const fn is_over(&self) -> bool {
        self.is_over
    }

    /// Passes an input to the transfer and carries out what it asks for.
    pub(super) fn handle(&mut self, world: &mut World, input: Input) -> Result<(), Blocked> {
        if let Input::Catalog(Outcome::Manifest(Ok(manifest))) = &input {
            for segment in manifest.segments.get(self.machine.selected()).unwrap_or_default() {
                let first = segment.holders.iter().find(|node| node.index() < world.nodes.len());
                first.inspect(|&&node| self.gauge.expect(&mut world.net, node, segment.len));
            }
        }
        if let Input::Reached { index, stage: Stage::Queued } = input {
            self.machine.log().holder_of(index).inspect(|&node| self.gauge.ask_anew(&world.net, node));
        }
        self.pass(world, input);
        self.carry_out_all(world)
    }

    /// Passes an input to the machine. Once that gives segments up, notes what has arrived of them, before the requests are forgotten.
    fn pass(&mut self, world: &World, input: Input) {
        self.machine.handle(world.now(), input);
        if self.machine.log().has_just_given_up() {
            let under_way = self.gauge.arrived(&world.net);
            self.machine.log_mut().note_given_up(world.now(), under_way);
        }
    }

    /// Carries out all outputs of the machine, first the one that was waited for. The machine learns nothing of a wait.
    pub(super) fn carry_out_all(&mut self, world: &mut World) -> Result<(), Blocked> {
        let is_left = std::mem::take(&mut self.awaits_local);
        let mut next = is_left.then_some(Output::AwaitLocal);
        while let Some(output) = next.take().or_else(|| self.machine.poll_output()) {
            self.carry_out(world, output)?;
        }
        Ok(())
    }

    /// Returns true if the transfer waits for a stream of remote origin and for nothing else.
    pub(super) fn is_idle(&self) -> bool {
        self.machine.is_idle()
    }

    /// Returns true if the transfer would ask for more, but for a stream of remote origin.
    pub(super) fn is_held_up(&self) -> bool {
        self.machine.is_held_up()
    }

    /// Returns the number of times that something has happened at the other end of a stream of remote origin.
    pub(super) const fn heard(&self) -> u64 {
        self.heard
    }

    /// Returns true if the transfer goes on: it waits neither for memory nor for a stream of remote origin.
    pub(super) fn goes_on(&self) -> bool {
        !self.is_idle() && self.bare_status().state != TransferState::Waiting
    }

    /// Returns true if the transfer is the removal of the file or directory of this key, and that is known still.
    pub(super) fn is_removing(&self, key: &FileKey) -> bool {
        self.machine.is_removing() && self.bare_status().file == *key
    }

    /// Returns true if the transfer is being undone.
    pub(super) fn is_undoing(&self) -> bool {
        self.bare_status().state == TransferState::Undoing
    }

    /// Returns true if the transfer is going to ask a node for segments.
    pub(super) fn needs(&self, node: NodeNumber) -> bool {
        self.machine.needs(node)
    }

    /// Returns the upload that is kept if its source goes, and true if the catalog knows it.
    pub(super) fn kept(&self) -> Option<(&UploadRecord, bool)> {
        self.machine.kept()
    }

    /// Returns true if the transfer has a stream of remote origin that has not ended.
    pub(super) fn is_remote(&self) -> bool {
        self.edge.as_ref().is_some_and(Edge::is_remote)
    }

    /// Notes that the stream of remote origin has ended.
    pub(super) fn end_remote(&mut self) {
        self.edge.iter_mut().for_each(Edge::end_remote);
    }

    /// Takes what has happened at the other end of a stream of remote origin.
    pub(super) fn poll_edge(&mut self) -> Option<Happened> {
        let wanted = self.machine.wanted();
        let happened = self.edge.as_mut()?.poll(wanted)?;
        self.heard += 1;
        Some(happened)
    }

    fn id(&self) -> TransferId {
        self.bare_status().id
    }

    /// Returns the host that carries the transfer.
    pub(super) fn host(&self) -> Peer {
        self.bare_status().host
    }

    fn carry_out(&mut self, world: &mut World, output: Output) -> Result<(), Blocked> {
        let id = self.id();
        match output {
            Output::AskSegment { index, len, node, instead_of, request, payload } => {
                self.ask_segment(world, (index, len), (node, instead_of), &request, payload);
            }
            Output::Lose { node, bytes } => self.gauge.lose(node, bytes),
            Output::TakeMemory { bytes } => {
                let is_granted = world.memory.take(id, bytes);
                self.pass(world, Input::Memory { is_granted });
            }
            Output::GiveMemory { bytes } => world.memory.give_back(id, bytes),
            Output::LeaveMemory => world.memory.leave(id),
            Output::JoinMemory => {
                world.memory.join(id, self.bare_status().user.clone(), self.is_remote());
            }
            Output::AddFile(record) => world.names.files_mut().insert(Entry::File(*record)),
            Output::DropTree(key) => world.drop_tree(&key),
            Output::Park(record) => world.names.park(*record),
            Output::ReleaseName => world.names.release(&self.bare_status().file),
            Output::Emit(event) => self.emit(world, event),
            Output::Done => self.is_over = true,
            other => match world.carry_out((id, self.host()), other) {
                Carried::Done => {}
                Carried::Answered(input) => self.pass(world, input),
                Carried::Not(at_edge) => return self.use_edge(world, at_edge),
            },
        }
        Ok(())
    }

    /// Carries out an output that concerns the edge.
    fn use_edge(&mut self, world: &mut World, output: Output) -> Result<(), Blocked> {
        let (Some(edge), jobs) = (&mut self.edge, &mut world.work.jobs) else { return Ok(()) };
        match output {
            Output::Cut => edge.cut(jobs),
            Output::ReadAgain { index, id, len } => edge.read_again(jobs, index, id, len),
            Output::Write { id, bytes, within } => edge.write(jobs, id, bytes, within),
            Output::Complete { sha256 } => edge.complete(jobs, sha256),
            Output::CloseLocal => edge.close(jobs),
            Output::AwaitLocal => {
                let taken = edge.take(jobs);
                self.awaits_local = taken.is_err();
                if let Some(outcome) = taken? {
                    self.pass(world, Input::Local(outcome));
                }
            }
            other => debug_assert!(false, "{other:?} concerns no edge"),
        }
        Ok(())
    }

    /// Asks a node to store or to send a segment, and measures the bytes.
    fn ask_segment(
        &mut self,
        world: &mut World,
        (index, len): (u32, u32),
        (node, instead_of): (NodeNumber, Option<NodeNumber>),
        request: &Request,
        payload: Bytes,
    ) {
        let meter = self.gauge.ask(&mut world.net, node, len);
        instead_of.inspect(|&failed| self.gauge.fail(failed, len));
        world.ask_segment((self.id(), index), (self.host(), node), meter, request, payload);
    }

    fn emit(&mut self, world: &mut World, event: Event) {
        if let Event::Segment { stage: Stage::Acknowledged, timeline, .. } = &event {
            self.gauge.finish(timeline.holder, timeline.len);
        }
        world.emit(event);
    }

    /// Ends the measurement and returns the final report.
    pub(super) fn end(self, world: &mut World) -> Arc<TransferReport> {
        let report = Arc::new(self.report(world, &Traffic::default()));
        self.gauge.meters().for_each(|meter| world.net.remove_meter(meter));
        report
    }
}
