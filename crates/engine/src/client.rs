//! Client side of the protocol between client and nodes: one persistent connection to each node, on which requests are
//! pipelined.
//!
//! A request belongs to a part of a transfer. The transfer is told when the first and the last byte of a request or answer are
//! transferred, when bytes are retransmitted and when the request is answered.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use p2p_base::units::{SimDuration, SimTime};
use p2p_net::{ConnectionId, HostId, MeterId, Network, TcpConfig, WriteError};
use p2p_store::manifest::NodeNumber;

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
    Disconnected(NodeNumber, String),
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
    connection: Option<ConnectionId>,
    open: bool,
    reader: FrameReader,
    /// Requests without an answer, in the order in which they were made.
    asked: VecDeque<Asked>,
    /// Instant at which the last request was made or answered.
    used_at: SimTime,
    progress: Progress,
}

/// Watchdog of a link's oldest request. TCP's user timeout covers unacknowledged data only, so a peer that has acknowledged
/// everything and still owes the answer would otherwise be waited for without end.
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
        let activity = self.connection.and_then(|connection| Some((connection, net.activity(connection)?)));
        let (Some((connection, activity)), Some(oldest)) = (activity, self.asked.front()) else { return self.progress.since };
        let is_acknowledged = oldest.frame.is_none() && net.acknowledged(connection) >= oldest.range.1;
        self.progress.since.max(if is_acknowledged { activity.received_at } else { activity.acked_at })
    }
}

/// The client's connections to all nodes.
#[derive(Debug)]
pub(super) struct Client {
    host: HostId,
    tcp: TcpConfig,
    idle_timeout: SimDuration,
    links: Vec<NodeConnection>,
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
            links: (0..nodes).map(|_| NodeConnection::default()).collect(),
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
            self.tell(owner, Input::Unreachable { part: owner.part(), node, reason: "the request is too long".into() });
            return;
        };
        let link = &mut self.links[node.index()];
        link.used_at = net.now();
        link.asked.push_back(Asked {
            tag,
            owner,
            frame: Some((header, payload)),
            range: (0, 0),
            uploads: matches!(request, Request::Put { .. }),
            downloads: matches!(request, Request::Get { .. }),
            meter,
        });
        if link.open {
            self.tell_connected(owner);
            self.write(net, node);
        } else if link.connection.is_none() {
            let connection = net.connect(self.host, to, NODE_PORT, self.tcp);
            link.connection = Some(connection);
            self.by_connection.insert(connection, node);
        }
    }

    /// Returns true if there is an open connection to a node.
    pub(super) fn is_connected(&self, node: NodeNumber) -> bool {
        self.links.get(node.index()).is_some_and(|link| link.open)
    }

    /// Returns true if a connection belongs to the client.
    pub(super) fn owns(&self, connection: ConnectionId) -> bool {
        self.by_connection.contains_key(&connection)
    }

    /// Returns the connections, by node.
    pub(super) fn connections(&self) -> impl Iterator<Item = (NodeNumber, ConnectionId)> {
        let numbered = self.links.iter().enumerate();
        numbered.filter_map(|(index, link)| link.connection.map(|connection| (NodeNumber::from_index(index), connection)))
    }

    /// Returns the node at the other end of one of the client's connections.
    pub(super) fn node_of(&self, connection: ConnectionId) -> Option<NodeNumber> {
        self.by_connection.get(&connection).copied()
    }

    /// Returns the instant at which the latest packet of any kind arrived on a connection to a node.
    pub(super) fn heard(&self, net: &Network, node: NodeNumber) -> Option<SimTime> {
        let connection = self.links.get(node.index())?.connection;
        let now = connection.and_then(|connection| net.activity(connection)).map(|activity| activity.heard_at);
        now.max(self.heard[node.index()])
    }

    /// Drops a transfer's requests that are not yet written. Answers to the others are ignored by the transfer.
    pub(super) fn forget(&mut self, net: &mut Network, transfer: TransferId) {
        for index in 0..self.links.len() {
            self.links[index].asked.retain(|asked| !asked.owner.is_transfer(transfer) || asked.frame.is_none());
            self.watch_oldest(net, NodeNumber::from_index(index));
        }
    }

    pub(super) fn on_connected(&mut self, net: &mut Network, connection: ConnectionId) {
        let Some(&node) = self.by_connection.get(&connection) else { return };
        self.links[node.index()].open = true;
        self.outputs.push_back(ClientOutput::Connected(node));
        let owners: Vec<Owner> = self.links[node.index()].asked.iter().map(|asked| asked.owner).collect();
        owners.into_iter().for_each(|owner| self.tell_connected(owner));
        self.want_frame(net, node);
        self.write(net, node);
    }

    /// Continues writing after the send buffer has room again.
    pub(super) fn on_writable(&mut self, net: &mut Network, connection: ConnectionId) {
        if let Some(&node) = self.by_connection.get(&connection) {
            self.write(net, node);
        }
    }

    /// Notes that the oldest request of a connection has been fully acknowledged.
    pub(super) fn on_acknowledged(&mut self, net: &Network, connection: ConnectionId) {
        if let Some(&node) = self.by_connection.get(&connection) {
            self.links[node.index()].progress.since = net.now();
        }
    }

    pub(super) fn on_readable(&mut self, net: &mut Network, connection: ConnectionId) {
        let Some(&node) = self.by_connection.get(&connection) else { return };
        loop {
            let Some(link) = self.links.get_mut(node.index()) else { return };
            let Some(bytes) = net.read(connection, link.reader.piece_max()) else { break };
            match link.reader.push(bytes) {
                Ok(ReadStep::More) => {}
                Ok(ReadStep::Frame(frame)) => self.on_frame(net, node, frame),
                Err(error) => return self.drop_link(net, node, &error.to_string()),
            }
        }
        if net.at_end(connection) {
            return self.drop_link(net, node, "it closed the connection");
        }
        self.want_frame(net, node);
    }

    /// Handles the end of a connection.
    pub(super) fn on_ended(&mut self, net: &mut Network, connection: ConnectionId, reason: &str) {
        if let Some(&node) = self.by_connection.get(&connection) {
            self.drop_link(net, node, reason);
        }
    }

    /// Handles the complete arrival of a request at its node.
    pub(super) fn on_request_received(&mut self, connection: ConnectionId, tag: RequestTag) {
        self.tell_segment(connection, |asked| asked.uploads && asked.tag == tag, Stage::LastByte);
    }

    /// Handles the first transmission of the byte at stream offset `offset`, which may be the first byte of a segment.
    pub(super) fn on_sent(&mut self, connection: ConnectionId, offset: u64) {
        self.tell_segment(connection, |asked| asked.uploads && asked.range.0 == offset, Stage::FirstByte);
    }

    /// Handles a stage that a segment in an answer has reached.
    pub(super) fn on_answer_reached(&mut self, connection: ConnectionId, tag: RequestTag, stage: Stage) {
        self.tell_segment(connection, |asked| asked.downloads && asked.tag == tag, stage);
    }

    /// Returns the meter that counts the payload of an answer that a node is about to send.
    pub(super) fn meter_of_answer(&self, connection: ConnectionId, tag: RequestTag) -> Option<MeterId> {
        let link = self.links.get(self.by_connection.get(&connection)?.index())?;
        link.asked.iter().find(|asked| asked.tag == tag && asked.downloads)?.meter
    }

    /// Handles a retransmission of bytes that the client sent.
    pub(super) fn on_retransmitted(&mut self, connection: ConnectionId, offset: u64) {
        let holds = |asked: &Asked| asked.uploads && (asked.range.0..asked.range.1).contains(&offset);
        self.tell_segment(connection, holds, Stage::Retransmitted);
    }

    /// Tells the transfer whose segment the matching request carries that the segment has reached a stage.
    fn tell_segment(&mut self, connection: ConnectionId, which: impl Fn(&Asked) -> bool, stage: Stage) {
        let Some(&node) = self.by_connection.get(&connection) else { return };
        let found = self.links[node.index()].asked.iter().find(|asked| which(asked));
        if let Some((owner, Part::Segment(index))) = found.map(|asked| (asked.owner, asked.owner.part())) {
            self.tell(owner, Input::Reached { index, stage });
        }
    }

    /// Returns the next instant at which a connection must be checked for idleness or missing progress.
    pub(super) fn next_timeout(&self) -> Option<SimTime> {
        self.links.iter().filter_map(|link| self.timeout_of(link)).min()
    }

    fn timeout_of(&self, link: &NodeConnection) -> Option<SimTime> {
        match (link.open, link.asked.is_empty()) {
            (false, _) => None,
            (true, false) => Some(link.progress.look_at),
            (true, true) => (self.idle_timeout > SimDuration::ZERO).then(|| link.used_at + self.idle_timeout),
        }
    }

    /// Closes connections that have been idle for the idle timeout, and aborts those whose oldest request has made no progress
    /// for the TCP user timeout.
    pub(super) fn handle_timeout(&mut self, net: &mut Network) {
        let now = net.now();
        for index in 0..self.links.len() {
            let link = &self.links[index];
            if self.timeout_of(link).is_none_or(|at| at > now) {
                continue;
            }
            if link.asked.is_empty() {
                self.close(net, index);
                continue;
            }
            let until = link.progressed_at(net) + self.tcp.user_timeout;
            if until > now {
                self.links[index].progress.look_at = until;
            } else {
                let reason = format!("it neither took nor answered a request for {}", self.tcp.user_timeout);
                self.drop_link(net, NodeNumber::from_index(index), &reason);
            }
        }
    }

    /// Makes the oldest request the watched one.
    fn watch_oldest(&mut self, net: &mut Network, node: NodeNumber) {
        let link = &mut self.links[node.index()];
        let (Some(connection), true) = (link.connection, link.open) else { return };
        let oldest = link.asked.front().map(|asked| (asked.tag, asked.frame.is_none()));
        let progress = &mut link.progress;
        if oldest.map(|(tag, _)| tag) != progress.watched.map(|(tag, _)| tag) {
            progress.since = net.now();
            progress.look_at = progress.since + self.tcp.user_timeout;
        }
        if oldest != std::mem::replace(&mut progress.watched, oldest)
            && let Some(asked) = link.asked.front().filter(|asked| asked.frame.is_none())
        {
            net.tell_when_acknowledged(connection, asked.range.1);
        }
    }

    /// Closes all connections to nodes.
    pub(super) fn close_all(&mut self, net: &mut Network) {
        (0..self.links.len()).for_each(|index| self.close(net, index));
    }

    fn close(&mut self, net: &mut Network, index: usize) {
        let link = std::mem::take(&mut self.links[index]);
        if let Some(connection) = link.connection {
            self.let_go(net, index, connection);
            net.close(connection);
        }
    }

    /// Detaches a connection from the client and keeps the instant of the last packet received on it.
    fn let_go(&mut self, net: &Network, index: usize, connection: ConnectionId) {
        self.by_connection.remove(&connection);
        let heard = net.activity(connection).map(|activity| activity.heard_at);
        self.heard[index] = self.heard[index].max(heard);
    }

    fn write(&mut self, net: &mut Network, node: NodeNumber) {
        let link = &mut self.links[node.index()];
        let Some(connection) = link.connection else { return };
        for asked in link.asked.iter_mut().filter(|asked| asked.frame.is_some()) {
            let Some((header, payload)) = asked.frame.take() else { continue };
            let start = net.written(connection);
            if asked.uploads {
                net.tell_when_sent(connection, start);
            }
            match net.write_pieces(connection, [header.clone(), payload.clone()]) {
                Ok(()) => {
                    asked.range = (start, net.written(connection));
                    if let Some(meter) = asked.meter.filter(|_| asked.uploads) {
                        net.mark_written(connection, start + header.len() as u64, meter);
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
        let link = &self.links[node.index()];
        if let Some(connection) = link.connection {
            net.set_read_mark(connection, link.reader.frame_rest());
        }
    }

    fn tell_connected(&mut self, owner: Owner) {
        if let Part::Segment(index) = owner.part() {
            self.tell(owner, Input::Reached { index, stage: Stage::Connected });
        }
    }

    fn on_frame(&mut self, net: &mut Network, node: NodeNumber, frame: Frame) {
        let link = &mut self.links[node.index()];
        let answered = frame.response().map(|(tag, response)| (link.asked.iter().position(|asked| asked.tag == tag), response));
        match answered {
            Ok((Some(place), response)) => {
                let Some(asked) = link.asked.remove(place) else { return };
                link.used_at = net.now();
                let (owner, part) = (asked.owner, asked.owner.part());
                if let (Part::Segment(index), true) = (part, asked.downloads) {
                    self.tell(owner, Input::Reached { index, stage: Stage::LastByte });
                }
                self.tell(owner, Input::Answered { part, node, response, payload: frame.payload });
                self.watch_oldest(net, node);
            }
            Ok((None, _)) => self.drop_link(net, node, "it answered what was not asked"),
            Err(error) => self.drop_link(net, node, &error.to_string()),
        }
    }

    fn drop_link(&mut self, net: &mut Network, node: NodeNumber, reason: &str) {
        let link = std::mem::take(&mut self.links[node.index()]);
        if let Some(connection) = link.connection {
            self.let_go(net, node.index(), connection);
            net.abort(connection);
        }
        self.outputs.push_back(ClientOutput::Disconnected(node, reason.to_owned()));
        for asked in link.asked {
            let part = asked.owner.part();
            self.tell(asked.owner, Input::Unreachable { part, node, reason: reason.to_owned() });
        }
    }

    fn tell(&mut self, owner: Owner, input: Input) {
        self.outputs.push_back(ClientOutput::Input(owner, input));
    }
}
