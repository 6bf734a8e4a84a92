//! The onlooker of both ends of every connection: it tells transfers of the stages that their segments reach, of answers and of
//! failures, and everybody of the client's connections.
//!
//! What it notices is queued and passed on one by one, in the order in which it happened. Requesters and nodes know nothing of it,
//! so that measurement is no part of the way of the data.

use bytes::Bytes;
use p2p_net::{ConnectionId, MSS};
use p2p_store::manifest::NodeNumber;

use crate::cause::{Cause, ConnectionLoss};
use crate::event::Event;
use crate::gauge::{Stream, Traffic, lost_for};
use crate::node::protocol::{Refusal, RequestTag, Response, ids_in};
use crate::peer::Peer;
use crate::requester::RequesterOutput;
use crate::transfer::{Input, Part, Stage, TransferId};

use super::World;
use super::hosts::{End, Hosts, Owner, Role, Sender};

/// Observation that a host makes of its requests, and the client of its connections.
#[derive(Debug)]
pub(crate) enum Notice {
    /// A segment has reached a stage.
    Reached { transfer: TransferId, index: u32, stage: Stage },
    /// A node has answered a request of a host.
    Answered { host: Peer, owner: Owner, node: NodeNumber, response: Response, payload: Bytes },
    /// A request of a host will not be answered.
    Failed { host: Peer, owner: Owner, node: NodeNumber, cause: Cause },
    /// A connection of the client has opened.
    Opened(NodeNumber),
    /// A connection of the client was lost or could not be opened.
    Lost(NodeNumber, ConnectionLoss),
}

impl World {
    /// Tells the owner of a segment that bytes of it were sent by one end of a connection.
    pub(super) fn on_sent(&mut self, connection: ConnectionId, offset: u64, stage: Stage) {
        let Some(end) = self.hosts.end(connection) else { return };
        let Some(tag) = end.writer.frame_at(offset) else { return };
        match end.role {
            Role::Asks(_) => self.reach(connection, tag, Sender::Asking, stage),
            Role::Serves => self.reach(connection.peer(), tag, Sender::Serving, stage),
        }
    }

    /// Notes the stage that a segment has reached which `sender` sends, as an onlooker of both ends sees it. `asking` is the end
    /// that has asked.
    pub(super) fn reach(&mut self, asking: ConnectionId, tag: RequestTag, sender: Sender, stage: Stage) {
        let owner = self.hosts.owner(asking, tag);
        if let Some(Owner::Segment { transfer, index, sender: of, .. }) = owner
            && of == sender
        {
            self.notices.push_back(Notice::Reached { transfer, index, stage });
        }
    }

    /// Adds to the traffic of a host what TCP holds of its connections, of each transfer. Nothing of it passes to or from nodes that are out
    /// of reach.
    pub(crate) fn add_held(&self, host: Peer, traffic: &mut Traffic) {
        let connections = || self.hosts.of_peer(host).connections();
        let away = self.out_of_reach(host, || connections().map(|(node, _)| node).collect());
        for (node, asking) in connections().filter(|(node, _)| away.iter().all(|away| away.node != *node)) {
            for (connection, backlog) in [(asking, &mut traffic.up), (asking.peer(), &mut traffic.down)] {
                let Some(End { writer, .. }) = self.hosts.end(connection) else { continue };
                let transfer = |tag| self.hosts.owner(asking, tag)?.transfer().map(|(transfer, _)| transfer);
                let stream = self.stream(connection);
                let frames = writer.pending(stream.delivered).map(|(tag, range)| (transfer(tag), range));
                backlog.hold(node, stream, frames);
                backlog.take_turns(node, writer.turns().filter_map(transfer));
            }
        }
    }

    /// Returns how far the stream is that one end of a connection writes.
    fn stream(&self, connection: ConnectionId) -> Stream {
        let (net, acknowledged) = (&self.net, self.net.acknowledged(connection));
        let (arrived, delivered) = net
            .connection_stats(connection.peer())
            .map_or((acknowledged, acknowledged), |stats| (stats.bytes_arrived, stats.bytes_received));
        let sample = net.sample(connection);
        let written = net.written(connection);
        Stream {
            written,
            arrived,
            delivered,
            in_flight: sample.map_or(0, |sample| u64::from(sample.in_flight) * u64::from(MSS)),
            window: sample.map_or(0, |sample| sample.window),
            lost_for: (arrived < written).then(|| lost_for(net, connection)).flatten(),
        }
    }

    /// Passes on what a requester has noticed.
    pub(super) fn notice(&mut self, host: usize, output: RequesterOutput<Owner>) {
        let reached = |owner: Owner, stage| match owner {
            Owner::Segment { transfer, index, sender, .. }
                if sender == Sender::Serving || matches!(stage, Stage::Queued | Stage::Connected) =>
            {
                Some(Notice::Reached { transfer, index, stage })
            }
            _ => None,
        };
        let asking = Peer::at(host);
        match output {
            RequesterOutput::Requeued { owner } => self.notices.extend(reached(owner, Stage::Queued)),
            RequesterOutput::Ready { owner } => self.notices.extend(reached(owner, Stage::Connected)),
            RequesterOutput::Answered { owner, node, response, payload } => {
                self.notices.extend(reached(owner, Stage::LastByte));
                self.notices.push_back(Notice::Answered { host: asking, owner, node, response, payload });
            }
            RequesterOutput::Failed { owner, node, cause } => self.fail_request((asking, node), owner, cause),
            // Only the client's connections are told of.
            RequesterOutput::Opened { node } if host == Hosts::CLIENT => self.notices.push_back(Notice::Opened(node)),
            RequesterOutput::Lost { node, loss } if host == Hosts::CLIENT => self.notices.push_back(Notice::Lost(node, loss)),
            _ => {}
        }
    }

    /// Notes that a request of a host to a node will not be answered, or is not made at all.
    pub(super) fn fail_request(&mut self, (host, node): (Peer, NodeNumber), owner: Owner, cause: Cause) {
        self.notices.push_back(Notice::Failed { host, owner, node, cause });
    }

    /// Returns the input about a request that has failed, with the faults that explain it.
    fn failed(&self, part: Part, (host, node): (Peer, NodeNumber), cause: Cause) -> Input {
        Input::Failed { part, node, cause: self.explained((host, node), cause) }
    }

    /// Returns the input about a request that was refused, with the segments that the node lacks if the payload names them.
    fn refused(&self, part: Part, (host, node): (Peer, NodeNumber), refusal: Refusal, payload: &Bytes) -> Input {
        let (cause, ids) = (self.explained((host, node), Cause::Refused(refusal)), ids_in(payload));
        if part.is_commit() && !ids.is_empty() {
            Input::Lacking { part, node, cause, ids }
        } else {
            Input::Failed { part, node, cause }
        }
    }

    /// Passes on one notice; inputs for transfers go to the inbox. Returns false if there is none.
    pub(crate) fn handle_notice(&mut self) -> bool {
        let Some(notice) = self.notices.pop_front() else { return false };
        match notice {
            Notice::Reached { transfer, index, stage } => self.inbox.push_back((transfer, Input::Reached { index, stage })),
            Notice::Answered { host, owner, node, response, payload } => match owner.transfer() {
                Some((id, part)) => {
                    let input = match response {
                        Response::Refused(refusal) => self.refused(part, (host, node), refusal, &payload),
                        response => Input::Answered { part, node, response, payload },
                    };
                    self.inbox.push_back((id, input));
                }
                None => self.handle_owed_answer(node, matches!(response, Response::Deleted)),
            },
            Notice::Failed { host, owner, node, cause } => match owner.transfer() {
                Some((id, part)) => {
                    let input = self.failed(part, (host, node), cause);
                    self.inbox.push_back((id, input));
                }
                None => self.handle_owed_answer(node, false),
            },
            Notice::Opened(node) => {
                self.emit(Event::Connected { node });
                self.collect_from(node);
            }
            Notice::Lost(node, cause) => self.emit(Event::Disconnected { node, cause }),
        }
        true
    }
}
