//! The client's side of the conversation with the nodes: one connection to each, kept open, on which requests follow each
//! other without waiting for answers.
//!
//! A request belongs to a part of a transfer, which is told when its bytes go, come, are sent again or are answered. Knows
//! nothing of what transfers make of it.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use super::transfer::{Input, Part, TransferId};
use crate::net::{ConnectionId, HostId, Network, TcpConfig, WriteError};
use crate::node::NODE_PORT;
use crate::node::protocol::{self, Frame, FrameReader, ReadStep, Request, RequestTag};
use crate::storage::manifest::NodeNumber;
use crate::units::{SimDuration, SimTime};

/// Whom a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) transfer: TransferId,
    pub(super) part: Part,
}

/// What the client has to tell.
#[derive(Debug)]
pub(super) enum ClientOutput {
    /// Something happened to a part of a transfer.
    Transfer(TransferId, Input),
    /// A connection is open.
    Connected(NodeNumber),
    /// A connection is lost, or was not to be had.
    Disconnected(NodeNumber, String),
}

/// A request that is written, or will be.
#[derive(Debug)]
struct Asked {
    tag: RequestTag,
    owner: Owner,
    /// What to write; `None` once it is written.
    frame: Option<(Bytes, Bytes)>,
    /// Where in the stream it lies, once it is written.
    range: (u64, u64),
    /// Whether its payload, or that of its answer, is what it is about.
    uploads: bool,
    downloads: bool,
}

/// The connection to one node.
#[derive(Debug, Default)]
struct Link {
    connection: Option<ConnectionId>,
    open: bool,
    reader: FrameReader,
    /// Requests that are not answered, in the order in which they were made.
    asked: VecDeque<Asked>,
    /// When the last request was made or answered.
    used_at: SimTime,
}

/// The client's connections.
#[derive(Debug)]
pub(super) struct Client {
    host: HostId,
    tcp: TcpConfig,
    idle_timeout: SimDuration,
    links: Vec<Link>,
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
            links: (0..nodes).map(|_| Link::default()).collect(),
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

    /// Asks a node for something. The answer, or the lack of one, comes as an input of the owner's.
    pub(super) fn ask(
        &mut self,
        net: &mut Network,
        node: NodeNumber,
        to: HostId,
        owner: Owner,
        request: &Request,
        payload: Bytes,
    ) {
        self.next_tag += 1;
        let tag = self.next_tag;
        let Ok(header) = protocol::frame(tag, request, &payload) else {
            self.tell(owner.transfer, Input::Unreachable { part: owner.part, node, reason: "the request is too long".into() });
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

    /// Whether a connection is one of the client's.
    pub(super) fn owns(&self, connection: ConnectionId) -> bool {
        self.by_connection.contains_key(&connection)
    }

    /// The connections, by node.
    pub(super) fn connections(&self) -> impl Iterator<Item = (NodeNumber, ConnectionId)> {
        let numbered = self.links.iter().enumerate();
        numbered.filter_map(|(index, link)| link.connection.map(|connection| (NodeNumber::from_index(index), connection)))
    }

    /// The node at the other end of one of the client's connections.
    pub(super) fn node_of(&self, connection: ConnectionId) -> Option<NodeNumber> {
        self.by_connection.get(&connection).copied()
    }

    /// No more is wanted of a transfer's requests: those not written are dropped, the answers to the others are ignored.
    pub(super) fn forget(&mut self, transfer: TransferId) {
        for link in &mut self.links {
            link.asked.retain(|asked| asked.owner.transfer != transfer || asked.frame.is_none());
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

    /// There is room to write again.
    pub(super) fn on_writable(&mut self, net: &mut Network, connection: ConnectionId) {
        if let Some(&node) = self.by_connection.get(&connection) {
            self.write(net, node);
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
        self.want_frame(net, node);
    }

    /// A connection is over.
    pub(super) fn on_ended(&mut self, net: &mut Network, connection: ConnectionId, reason: &str) {
        if let Some(&node) = self.by_connection.get(&connection) {
            self.drop_link(net, node, reason);
        }
    }

    /// A request has arrived at its node.
    pub(super) fn on_request_received(&mut self, connection: ConnectionId, tag: RequestTag) {
        self.tell_segment(connection, |asked| asked.uploads && asked.tag == tag, |index| Input::LastByte { index });
    }

    /// The byte at `offset` of what the client sends has left, and with it perhaps the first of a segment.
    pub(super) fn on_sent(&mut self, connection: ConnectionId, offset: u64) {
        self.tell_segment(connection, |asked| asked.uploads && asked.range.0 == offset, |index| Input::FirstByte { index });
    }

    /// The first byte of an answer has left its node.
    pub(super) fn on_answer_sent(&mut self, connection: ConnectionId, tag: RequestTag) {
        self.tell_segment(connection, |asked| asked.downloads && asked.tag == tag, |index| Input::FirstByte { index });
    }

    /// Some of what the client sent was sent again.
    pub(super) fn on_retransmitted(&mut self, connection: ConnectionId, offset: u64) {
        let holds = |asked: &Asked| asked.uploads && (asked.range.0..asked.range.1).contains(&offset);
        self.tell_segment(connection, holds, |index| Input::Retransmitted { index });
    }

    /// Some of an answer was sent again.
    pub(super) fn on_answer_retransmitted(&mut self, connection: ConnectionId, tag: RequestTag) {
        self.tell_segment(connection, |asked| asked.downloads && asked.tag == tag, |index| Input::Retransmitted { index });
    }

    /// Tells the transfer whose segment the request is about.
    fn tell_segment(&mut self, connection: ConnectionId, which: impl Fn(&Asked) -> bool, what: impl FnOnce(u32) -> Input) {
        let Some(&node) = self.by_connection.get(&connection) else { return };
        let found = self.links[node.index()].asked.iter().find(|asked| which(asked));
        if let Some((owner, Part::Segment(index))) = found.map(|asked| (asked.owner, asked.owner.part)) {
            self.tell(owner.transfer, what(index));
        }
    }

    /// When to look for connections that nobody needs.
    pub(super) fn next_timeout(&self) -> Option<SimTime> {
        if self.idle_timeout == SimDuration::ZERO {
            return None;
        }
        let idle = self.links.iter().filter(|link| link.open && link.asked.is_empty());
        idle.map(|link| link.used_at + self.idle_timeout).min()
    }

    /// Closes connections that nobody has needed for a while.
    pub(super) fn handle_timeout(&mut self, net: &mut Network) {
        let now = net.now();
        for index in 0..self.links.len() {
            let link = &self.links[index];
            if link.open && link.asked.is_empty() && now >= link.used_at + self.idle_timeout {
                self.close(net, index);
            }
        }
    }

    /// Closes every connection.
    pub(super) fn close_all(&mut self, net: &mut Network) {
        (0..self.links.len()).for_each(|index| self.close(net, index));
    }

    fn close(&mut self, net: &mut Network, index: usize) {
        let link = &mut self.links[index];
        if let Some(connection) = link.connection.take() {
            self.by_connection.remove(&connection);
            net.close(connection);
        }
        *link = Link::default();
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
                Ok(()) => asked.range = (start, net.written(connection)),
                Err(WriteError::Full | WriteError::Closed) => {
                    // It is written when there is room, or fails when the connection's end is told.
                    asked.frame = Some((header, payload));
                    break;
                }
            }
        }
    }

    fn want_frame(&mut self, net: &mut Network, node: NodeNumber) {
        let link = &self.links[node.index()];
        if let Some(connection) = link.connection {
            net.set_read_mark(connection, link.reader.frame_rest());
        }
    }

    fn tell_connected(&mut self, owner: Owner) {
        if let Part::Segment(index) = owner.part {
            self.tell(owner.transfer, Input::Connected { index });
        }
    }

    fn on_frame(&mut self, net: &mut Network, node: NodeNumber, frame: Frame) {
        let link = &mut self.links[node.index()];
        let answered = frame.response().map(|(tag, response)| (link.asked.iter().position(|asked| asked.tag == tag), response));
        match answered {
            Ok((Some(place), response)) => {
                let Some(asked) = link.asked.remove(place) else { return };
                link.used_at = net.now();
                if let (Part::Segment(index), true) = (asked.owner.part, asked.downloads) {
                    self.tell(asked.owner.transfer, Input::LastByte { index });
                }
                self.tell(
                    asked.owner.transfer,
                    Input::Answered { part: asked.owner.part, node, response, payload: frame.payload },
                );
            }
            Ok((None, _)) => self.drop_link(net, node, "it answered what was not asked"),
            Err(error) => self.drop_link(net, node, &error.to_string()),
        }
    }

    fn drop_link(&mut self, net: &mut Network, node: NodeNumber, reason: &str) {
        let link = std::mem::take(&mut self.links[node.index()]);
        if let Some(connection) = link.connection {
            self.by_connection.remove(&connection);
            net.abort(connection);
        }
        self.outputs.push_back(ClientOutput::Disconnected(node, reason.to_owned()));
        for asked in link.asked {
            self.tell(asked.owner.transfer, Input::Unreachable { part: asked.owner.part, node, reason: reason.to_owned() });
        }
    }

    fn tell(&mut self, transfer: TransferId, input: Input) {
        self.outputs.push_back(ClientOutput::Transfer(transfer, input));
    }
}
