//! Client side of the protocol between client and nodes: one persistent connection to each node, on which requests are
//! pipelined.
//!
//! A request belongs to a part of a transfer. The transfer is told when the first and the last byte of a request or answer are
//! transferred, when bytes are retransmitted and when the request is answered.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use p2p_base::units::{SimDuration, SimTime};
use p2p_net::{CloseReason, ConnectionId, HostId, MeterId, Network, TcpConfig, WriteError};
use p2p_store::manifest::NodeNumber;

use super::cause::{Cause, ConnectionLoss};
use super::transfer::{Input, Part, Stage, TransferId};
use crate::node::NODE_PORT;
use crate::node::protocol::{self, Frame, FrameReader, ReadStep, Request, RequestTag};

/// Purpose of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// Part of a transfer.
    Transfer(TransferId, Part),
    /// Deletions that nodes still owe.
    OwedDeletions,
}

impl Owner {
    const fn part(self) -> Part {
        match self {
            Owner::Transfer(_, part) => part,
            Owner::OwedDeletions => Part::Delete,
        }
    }

    fn is_transfer(self, id: TransferId) -> bool {
        matches!(self, Owner::Transfer(transfer, _) if transfer == id)
    }
}

/// Output of the client to the engine.
#[derive(Debug)]
pub(super) enum ClientOutput {
    /// Input to the owner of a request.
    Input(Owner, Input),
    /// Connection to a node that has opened.
    Connected(NodeNumber),
    /// Connection to a node that was lost or could not be opened, and the reason.
    Disconnected(NodeNumber, ConnectionLoss),
}

/// Request that is queued or written.
#[derive(Debug)]
struct Asked {
    tag: RequestTag,
    owner: Owner,
    /// Header and payload that remain to be written; `None` once they are written.
    frame: Option<(Bytes, Bytes)>,
    /// Range of the request in the byte stream, once it is written.
    range: (u64, u64),
    /// True if the request stores a segment: its own payload is the data.
    uploads: bool,
    downloads: bool,
    /// Meter that counts the bytes of the payload.
    meter: Option<MeterId>,
}

/// Connection to one node.
#[derive(Debug, Default)]
struct NodeConnection {
    /// Identifier of the connection in the network; `None` while there is none.
    id: Option<ConnectionId>,
    open: bool,
    reader: FrameReader,
    /// Requests without an answer, in the order in which they were made.
    asked: VecDeque<Asked>,
    /// Instant at which the last request was made or answered.
    used_at: SimTime,
    progress: Progress,
}

/// Watchdog of a connection's oldest request. TCP's user timeout covers unacknowledged data only, so a peer that has
/// acknowledged everything and still owes the answer would otherwise be waited for without end.
#[derive(Debug, Default)]
struct Progress {
    /// Request that is watched, and true if it is written.
    watched: Option<(RequestTag, bool)>,
    /// Instant at which it became the oldest or was fully acknowledged, whichever is later.
    since: SimTime,
    /// Instant of the next check for progress.
    look_at: SimTime,
}

impl NodeConnection {
    /// Returns the instant at which a byte of the oldest request was last acknowledged or, once all of it is, a byte last
    /// received.
    fn progressed_at(&self, net: &Network) -> SimTime {
        let activity = self.id.and_then(|id| Some((id, net.activity(id)?)));
        let (Some((id, activity)), Some(oldest)) = (activity, self.asked.front()) else { return self.progress.since };
        let is_acknowledged = oldest.frame.is_none() && net.acknowledged(id) >= oldest.range.1;
        self.progress.since.max(if is_acknowledged { activity.received_at } else { activity.acked_at })
    }
}

/// The client's connections to all nodes.
#[derive(Debug)]
pub(super) struct Client {
    host: HostId,
    tcp: TcpConfig,
    idle_timeout: SimDuration,
    /// Connection to each node, by the node's index.
    connections: Vec<NodeConnection>,
    /// Last instant at which a packet arrived on an earlier connection to each node.
    heard: Vec<Option<SimTime>>,
    by_connection: BTreeMap<ConnectionId, NodeNumber>,
    next_tag: RequestTag,
    outputs: VecDeque<ClientOutput>,
}

impl Client {
    pub(super) fn new(host: HostId, tcp: TcpConfig, idle_timeout: SimDuration, nodes: usize) -> Client {
        Client {
            host,
            tcp,
            idle_timeout,
            connections: (0..nodes).map(|_| NodeConnection::default()).collect(),
            heard: vec![None; nodes],
            by_connection: BTreeMap::new(),
            next_tag: 0,
            outputs: VecDeque::new(),
        }
    }

    pub(super) fn poll_output(&mut self) -> Option<ClientOutput> {
        self.outputs.pop_front()
    }

    pub(super) fn has_output(&self) -> bool {
        !self.outputs.is_empty()
    }

    /// Sends a request to a node, over a new connection if there is none. The owner gets the answer, or the failure, as an
    /// input.
    pub(super) fn ask(
        &mut self,
        net: &mut Network,
        node: NodeNumber,
        to: HostId,
        (owner, meter): (Owner, Option<MeterId>),
        request: &Request,
        payload: Bytes,
    ) {
        self.next_tag += 1;
        let tag = self.next_tag;
        let Ok(header) = protocol::frame(tag, request, &payload) else {
            self.tell(owner, Input::Unreachable { part: owner.part(), node, cause: Cause::TooLong });
            return;
        };
        let connection = &mut self.connections[node.index()];
        connection.used_at = net.now();
        connection.asked.push_back(Asked {
            tag,
            owner,
            frame: Some((header, payload)),
            range: (0, 0),
            uploads: matches!(request, Request::Put { .. }),
            downloads: matches!(request, Request::Get { .. }),
            meter,
        });
        if connection.open {
            self.tell_connected(owner);
            self.write(net, node);
        } else if connection.id.is_none() {
            let id = net.connect(self.host, to, NODE_PORT, self.tcp);
            connection.id = Some(id);
            self.by_connection.insert(id, node);
        }
    }

    /// Returns true if there is an open connection to a node.
    pub(super) fn is_connected(&self, node: NodeNumber) -> bool {
        self.connections.get(node.index()).is_some_and(|connection| connection.open)
    }

    /// Returns true if a connection belongs to the client.
    pub(super) fn owns(&self, id: ConnectionId) -> bool {
        self.by_connection.contains_key(&id)
    }

    /// Returns the connections, by node.
    pub(super) fn connections(&self) -> impl Iterator<Item = (NodeNumber, ConnectionId)> {
        let numbered = self.connections.iter().enumerate();
        numbered.filter_map(|(index, connection)| connection.id.map(|id| (NodeNumber::from_index(index), id)))
    }

    /// Returns the node at the other end of one of the client's connections.
    pub(super) fn node_of(&self, id: ConnectionId) -> Option<NodeNumber> {
        self.by_connection.get(&id).copied()
    }

    /// Returns the instant at which the latest packet of any kind arrived on a connection to a node.
    pub(super) fn heard(&self, net: &Network, node: NodeNumber) -> Option<SimTime> {
        let id = self.connections.get(node.index())?.id;
        let now = id.and_then(|id| net.activity(id)).map(|activity| activity.heard_at);
        now.max(self.heard[node.index()])
    }

    /// Drops a transfer's requests that are not yet written. Answers to the others are ignored by the transfer.
    pub(super) fn forget(&mut self, net: &mut Network, transfer: TransferId) {
        for index in 0..self.connections.len() {
            self.connections[index].asked.retain(|asked| !asked.owner.is_transfer(transfer) || asked.frame.is_none());
            self.watch_oldest(net, NodeNumber::from_index(index));
        }
    }

    pub(super) fn on_connected(&mut self, net: &mut Network, id: ConnectionId) {
        let Some(&node) = self.by_connection.get(&id) else { return };
        self.connections[node.index()].open = true;
        self.outputs.push_back(ClientOutput::Connected(node));
        let owners: Vec<Owner> = self.connections[node.index()].asked.iter().map(|asked| asked.owner).collect();
        owners.into_iter().for_each(|owner| self.tell_connected(owner));
        self.want_frame(net, node);
        self.write(net, node);
    }

    /// Continues writing after the send buffer has room again.
    pub(super) fn on_writable(&mut self, net: &mut Network, id: ConnectionId) {
        if let Some(&node) = self.by_connection.get(&id) {
            self.write(net, node);
        }
    }

    /// Notes that the oldest request of a connection has been fully acknowledged.
    pub(super) fn on_acknowledged(&mut self, net: &Network, id: ConnectionId) {
        if let Some(&node) = self.by_connection.get(&id) {
            self.connections[node.index()].progress.since = net.now();
        }
    }

    pub(super) fn on_readable(&mut self, net: &mut Network, id: ConnectionId) {
        let Some(&node) = self.by_connection.get(&id) else { return };
        loop {
            let Some(connection) = self.connections.get_mut(node.index()) else { return };
            let Some(bytes) = net.read(id, connection.reader.piece_max()) else { break };
            match connection.reader.push(bytes) {
                Ok(ReadStep::More) => {}
                Ok(ReadStep::Frame(frame)) => self.on_frame(net, node, frame),
                Err(error) => return self.drop_connection(net, node, ConnectionLoss::Violation(error)),
            }
        }
        if net.at_end(id) {
            return self.drop_connection(net, node, ConnectionLoss::Ended(CloseReason::Closed));
        }
        self.want_frame(net, node);
    }

    /// Handles the end of a connection.
    pub(super) fn on_ended(&mut self, net: &mut Network, id: ConnectionId, reason: CloseReason) {
        if let Some(&node) = self.by_connection.get(&id) {
            self.drop_connection(net, node, ConnectionLoss::Ended(reason));
        }
    }

    /// Handles the complete arrival of a request at its node.
    pub(super) fn on_request_received(&mut self, id: ConnectionId, tag: RequestTag) {
        self.tell_segment(id, |asked| asked.uploads && asked.tag == tag, Stage::LastByte);
    }

    /// Handles the first transmission of the byte at stream offset `offset`, which may be the first byte of a segment.
    pub(super) fn on_sent(&mut self, id: ConnectionId, offset: u64) {
        self.tell_segment(id, |asked| asked.uploads && asked.range.0 == offset, Stage::FirstByte);
    }

    /// Handles a stage that a segment in an answer has reached.
    pub(super) fn on_answer_reached(&mut self, id: ConnectionId, tag: RequestTag, stage: Stage) {
        self.tell_segment(id, |asked| asked.downloads && asked.tag == tag, stage);
    }

    /// Returns the meter that counts the payload of an answer that a node is about to send.
    pub(super) fn meter_of_answer(&self, id: ConnectionId, tag: RequestTag) -> Option<MeterId> {
        let connection = self.connections.get(self.by_connection.get(&id)?.index())?;
        connection.asked.iter().find(|asked| asked.tag == tag && asked.downloads)?.meter
    }

    /// Handles a retransmission of bytes that the client sent.
    pub(super) fn on_retransmitted(&mut self, id: ConnectionId, offset: u64) {
        let holds = |asked: &Asked| asked.uploads && (asked.range.0..asked.range.1).contains(&offset);
        self.tell_segment(id, holds, Stage::Retransmitted);
    }

    /// Tells the transfer whose segment the matching request carries that the segment has reached a stage.
    fn tell_segment(&mut self, id: ConnectionId, which: impl Fn(&Asked) -> bool, stage: Stage) {
        let Some(&node) = self.by_connection.get(&id) else { return };
        let found = self.connections[node.index()].asked.iter().find(|asked| which(asked));
        if let Some((owner, Part::Segment(index))) = found.map(|asked| (asked.owner, asked.owner.part())) {
            self.tell(owner, Input::Reached { index, stage });
        }
    }

    /// Returns the next instant at which a connection must be checked for idleness or missing progress.
    pub(super) fn next_timeout(&self) -> Option<SimTime> {
        self.connections.iter().filter_map(|connection| self.timeout_of(connection)).min()
    }

    fn timeout_of(&self, connection: &NodeConnection) -> Option<SimTime> {
        match (connection.open, connection.asked.is_empty()) {
            (false, _) => None,
            (true, false) => Some(connection.progress.look_at),
            (true, true) => (self.idle_timeout > SimDuration::ZERO).then(|| connection.used_at + self.idle_timeout),
        }
    }

    /// Closes connections that have been idle for the idle timeout, and aborts those whose oldest request has made no progress
    /// for the TCP user timeout.
    pub(super) fn handle_timeout(&mut self, net: &mut Network) {
        let now = net.now();
        for index in 0..self.connections.len() {
            let connection = &self.connections[index];
            if self.timeout_of(connection).is_none_or(|at| at > now) {
                continue;
            }
            if connection.asked.is_empty() {
                self.close(net, index);
                continue;
            }
            let until = connection.progressed_at(net) + self.tcp.user_timeout;
            if until > now {
                self.connections[index].progress.look_at = until;
            } else {
                let stalled = ConnectionLoss::NoProgress(self.tcp.user_timeout);
                self.drop_connection(net, NodeNumber::from_index(index), stalled);
            }
        }
    }

    /// Makes the oldest request the watched one.
    fn watch_oldest(&mut self, net: &mut Network, node: NodeNumber) {
        let connection = &mut self.connections[node.index()];
        let (Some(id), true) = (connection.id, connection.open) else { return };
        let oldest = connection.asked.front().map(|asked| (asked.tag, asked.frame.is_none()));
        let progress = &mut connection.progress;
        if oldest.map(|(tag, _)| tag) != progress.watched.map(|(tag, _)| tag) {
            progress.since = net.now();
            progress.look_at = progress.since + self.tcp.user_timeout;
        }
        if oldest != std::mem::replace(&mut progress.watched, oldest)
            && let Some(asked) = connection.asked.front().filter(|asked| asked.frame.is_none())
        {
            net.tell_when_acknowledged(id, asked.range.1);
        }
    }

    /// Closes all connections to nodes.
    pub(super) fn close_all(&mut self, net: &mut Network) {
        (0..self.connections.len()).for_each(|index| self.close(net, index));
    }

    fn close(&mut self, net: &mut Network, index: usize) {
        let connection = std::mem::take(&mut self.connections[index]);
        if let Some(id) = connection.id {
            self.let_go(net, index, id);
            net.close(id);
        }
    }

    /// Detaches a connection from the client and keeps the instant of the last packet received on it.
    fn let_go(&mut self, net: &Network, index: usize, id: ConnectionId) {
        self.by_connection.remove(&id);
        let heard = net.activity(id).map(|activity| activity.heard_at);
        self.heard[index] = self.heard[index].max(heard);
    }

    fn write(&mut self, net: &mut Network, node: NodeNumber) {
        let connection = &mut self.connections[node.index()];
        let Some(id) = connection.id else { return };
        for asked in connection.asked.iter_mut().filter(|asked| asked.frame.is_some()) {
            let Some((header, payload)) = asked.frame.take() else { continue };
            let start = net.written(id);
            if asked.uploads {
                net.tell_when_sent(id, start);
            }
            match net.write_pieces(id, [header.clone(), payload.clone()]) {
                Ok(()) => {
                    asked.range = (start, net.written(id));
                    if let Some(meter) = asked.meter.filter(|_| asked.uploads) {
                        net.mark_written(id, start + header.len() as u64, meter);
                    }
                }
                Err(WriteError::Full | WriteError::Closed) => {
                    // The frame is written when there is room, or fails when the end of the connection is reported.
                    asked.frame = Some((header, payload));
                    break;
                }
            }
        }
        self.watch_oldest(net, node);
    }

    fn want_frame(&mut self, net: &mut Network, node: NodeNumber) {
        let connection = &self.connections[node.index()];
        if let Some(id) = connection.id {
            net.set_read_mark(id, connection.reader.frame_rest());
        }
    }

    fn tell_connected(&mut self, owner: Owner) {
        if let Part::Segment(index) = owner.part() {
            self.tell(owner, Input::Reached { index, stage: Stage::Connected });
        }
    }

    fn on_frame(&mut self, net: &mut Network, node: NodeNumber, frame: Frame) {
        let connection = &mut self.connections[node.index()];
        let answered =
            frame.response().map(|(tag, response)| (connection.asked.iter().position(|asked| asked.tag == tag), response));
        match answered {
            Ok((Some(place), response)) => {
                let Some(asked) = connection.asked.remove(place) else { return };
                connection.used_at = net.now();
                let (owner, part) = (asked.owner, asked.owner.part());
                if let (Part::Segment(index), true) = (part, asked.downloads) {
                    self.tell(owner, Input::Reached { index, stage: Stage::LastByte });
                }
                self.tell(owner, Input::Answered { part, node, response, payload: frame.payload });
                self.watch_oldest(net, node);
            }
            Ok((None, _)) => self.drop_connection(net, node, ConnectionLoss::NotAsked),
            Err(error) => self.drop_connection(net, node, ConnectionLoss::Violation(error)),
        }
    }

    fn drop_connection(&mut self, net: &mut Network, node: NodeNumber, loss: ConnectionLoss) {
        let connection = std::mem::take(&mut self.connections[node.index()]);
        if let Some(id) = connection.id {
            self.let_go(net, node.index(), id);
            net.abort(id);
        }
        self.outputs.push_back(ClientOutput::Disconnected(node, loss.clone()));
        for asked in connection.asked {
            let part = asked.owner.part();
            self.tell(asked.owner, Input::Unreachable { part, node, cause: Cause::Unreachable(loss.clone()) });
        }
    }

    fn tell(&mut self, owner: Owner, input: Input) {
        self.outputs.push_back(ClientOutput::Input(owner, input));
    }
}
