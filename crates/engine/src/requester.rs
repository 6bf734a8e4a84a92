//! The asking end of the protocol between nodes and their clients, without I/O: one persistent connection to each node that is
//! asked, on which requests are pipelined.
//!
//! Every host has a requester, the client as well as each node. A request belongs to an owner, which is a tag of the caller: the
//! requester passes it back with the answer or the failure and knows nothing else of it. What an owner has forgotten ends without a
//! report, and the bytes of it that TCP has and has not sent go with their connection where nobody else needs that. The caller reports
//! what happens to the connections ([`handle_connected`](Requester::handle_connected) and the like), and carries out the outputs
//! ([`poll_output`](Requester::poll_output)) in their order after every call.

mod connection;
mod fan_in;

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use bytes::Bytes;
use p2p_base::units::{SimDuration, SimTime};
use p2p_net::{Activity, CloseReason};
use p2p_store::manifest::NodeNumber;

use self::connection::{Asked, Connection};
use self::fan_in::{FanIn, Held};
use super::cause::{Cause, ConnectionLoss};
use crate::node::Piece;
use crate::node::protocol::{self, Frame, ReadStep, Request, RequestTag, Response};

/// Output of a requester, which the caller carries out.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RequesterOutput<O> {
    /// Open a connection to a node.
    Connect { node: NodeNumber },
    /// Write a request to the connection, first the header, then the payload, when there is room. The end of the request in the
    /// stream is to be reported by [`handle_written`](Requester::handle_written).
    Send { node: NodeNumber, tag: RequestTag, header: Bytes, payload: Bytes },
    /// Do not write a request that is not written yet.
    Withdraw { node: NodeNumber, tag: RequestTag },
    /// Close the connection to a node.
    Close { node: NodeNumber },
    /// Abort the connection to a node.
    Abort { node: NodeNumber },
    /// A connection to a node has opened.
    Opened { node: NodeNumber },
    /// A connection to a node was lost or could not be opened. The failures of its requests follow.
    Lost { node: NodeNumber, loss: ConnectionLoss },
    /// The connection on which a request is sent is open.
    Ready { owner: O },
    /// A request of which the node has had nothing waits again, for another connection than before.
    Requeued { owner: O },
    /// A node has answered a request.
    Answered { owner: O, node: NodeNumber, response: Response, payload: Bytes },
    /// A request will not be answered.
    Failed { owner: O, node: NodeNumber, cause: Cause },
}

/// The connections of a host to the nodes that it asks.
#[derive(Debug)]
pub(super) struct Requester<O> {
    /// Time without progress after which a connection with requests is lost.
    user_timeout: SimDuration,
    /// Time after which a connection without requests is closed; zero for never.
    idle_timeout: SimDuration,
    connections: BTreeMap<NodeNumber, Connection<O>>,
    fan_in: FanIn<O>,
    next_tag: RequestTag,
    outputs: VecDeque<RequesterOutput<O>>,
}

impl<O: Clone> Requester<O> {
    pub(super) fn new(user_timeout: SimDuration, idle_timeout: SimDuration) -> Requester<O> {
        Requester {
            user_timeout,
            idle_timeout,
            connections: BTreeMap::new(),
            fan_in: FanIn::default(),
            next_tag: 0,
            outputs: VecDeque::new(),
        }
    }

    /// Sets the time without progress after which a connection with requests is lost, from the next check on, which is due within that
    /// time from now.
    pub(super) fn set_user_timeout(&mut self, now: SimTime, user_timeout: SimDuration) {
        self.user_timeout = user_timeout;
        for connection in self.connections.values_mut() {
            connection.watch.look_at = connection.watch.look_at.min(now + user_timeout);
        }
    }

    /// Adapts the number of nodes that send segments at the same time to a downlink whose queue has room for so many packets.
    pub(super) fn keep_to_queue(&mut self, packets: u32) {
        self.fan_in.keep_to_queue(packets);
    }

    /// Returns the next output.
    pub(super) fn poll_output(&mut self) -> Option<RequesterOutput<O>> {
        self.outputs.pop_front()
    }

    /// Sends a request to a node, over a new connection if there is none. The owner gets the answer or the failure. A request for a
    /// segment waits while as many nodes send as the downlink's queue takes.
    pub(super) fn request(&mut self, now: SimTime, node: NodeNumber, owner: O, request: &Request, payload: Bytes) {
        if is_fetch(request) {
            self.fan_in.hold(Held { node, owner, request: request.clone() });
            return self.send_held(now);
        }
        self.send(now, node, owner, request, payload);
    }

    /// Sends the requests for segments whose turn it is.
    fn send_held(&mut self, now: SimTime) {
        while let Some(Held { node, owner, request }) = self.fan_in.next(now) {
            self.send(now, node, owner, &request, Bytes::new());
        }
    }

    fn send(&mut self, now: SimTime, node: NodeNumber, owner: O, request: &Request, payload: Bytes) {
        self.next_tag += 1;
        let tag = self.next_tag;
        let is_fetch = is_fetch(request);
        let Ok(header) = protocol::frame(tag, request, &payload) else {
            if is_fetch {
                self.fan_in.settle(node);
            }
            return self.outputs.push_back(RequesterOutput::Failed { owner, node, cause: Cause::TooLong });
        };
        let connection = self.connections.entry(node).or_insert_with(|| {
            self.outputs.push_back(RequesterOutput::Connect { node });
            Connection::new(now, VecDeque::new())
        });
        connection.used_at = now;
        let frame = (header.clone(), payload.clone());
        if connection.is_open {
            self.outputs.push_back(RequesterOutput::Ready { owner: owner.clone() });
            self.outputs.push_back(RequesterOutput::Send { node, tag, header, payload });
        }
        let is_bulk = is_fetch || matches!(request, Request::Put { .. });
        connection.add(Asked { tag, owner, is_fetch, is_bulk, is_forgotten: false, frame, written: None });
        self.watch_oldest(now, node);
    }

    /// Returns true if there is an open connection to a node.
    pub(super) fn is_connected(&self, node: NodeNumber) -> bool {
        self.connections.get(&node).is_some_and(|connection| connection.is_open)
    }

    /// Returns the instant at which the connection to a node is given up unless something is heard of it until then, as `activity` tells
    /// of the connection, which TCP opens within `connect_timeout`; `None` without a connection on which an answer is waited for.
    pub(super) fn given_up_at(&self, node: NodeNumber, activity: Activity, connect_timeout: SimDuration) -> Option<SimTime> {
        let connection = self.connections.get(&node).filter(|to| !to.asked.is_empty())?;
        Some(if connection.is_open {
            connection.patient_until(activity, self.user_timeout)
        } else {
            connection.begun_at + connect_timeout
        })
    }

    /// Returns true if a node owes an answer.
    pub(super) fn has_requests_to(&self, node: NodeNumber) -> bool {
        self.connections.get(&node).is_some_and(|connection| !connection.asked.is_empty())
            || self.fan_in.waiting().any(|held| held.node == node)
    }

    /// Returns the owner of a request that is not answered yet.
    pub(super) fn owner(&self, node: NodeNumber, tag: RequestTag) -> Option<&O> {
        let asked = &self.connections.get(&node)?.asked;
        asked.iter().find(|asked| asked.tag == tag).map(|asked| &asked.owner)
    }

    /// Returns true if written requests for other segments, or with them, stand before the first of these requests to a node, which
    /// carries none. What is not written yet is passed by it.
    pub(super) fn is_behind_segments(&self, node: NodeNumber, is_it: impl Fn(&O) -> bool) -> bool {
        let asked = self.connections.get(&node).into_iter().flat_map(|connection| &connection.asked);
        asked.take_while(|asked| !is_it(&asked.owner)).any(|asked| asked.is_bulk && asked.end().is_some())
    }

    /// Returns the largest number of bytes to pass to [`handle_bytes`](Self::handle_bytes) at once, and the number of bytes that
    /// should have arrived before the call is worthwhile; `None` without a connection to the node.
    pub(super) fn wants(&self, node: NodeNumber) -> Option<(usize, u64)> {
        self.connections.get(&node).map(|connection| (connection.reader.piece_max(), connection.reader.frame_rest()))
    }

    /// Drops requests that nobody waits for any more; their owners are told nothing of them. Those that are not written yet are not
    /// sent. For what is written its connection is given up, unless the node has had anything of another request on it: see
    /// [`shed`](Self::shed), to which `sent` tells how much of the stream to a node has been sent.
    pub(super) fn forget(&mut self, now: SimTime, is_forgotten: impl Fn(&O) -> bool, sent: impl Fn(NodeNumber) -> u64) {
        self.fan_in.forget(&is_forgotten);
        let nodes: Vec<NodeNumber> = self.connections.keys().copied().collect();
        for node in nodes {
            self.withdraw(now, node, &is_forgotten);
            self.give_up(now, node, sent(node));
        }
        self.send_held(now);
    }

    /// Fails those requests to a node for this cause that nobody waits for any longer; an answer that comes all the same is dropped. What of
    /// them is not written yet is not sent, and their connection is given up as by [`shed`](Self::shed).
    pub(super) fn fail(&mut self, now: SimTime, node: NodeNumber, is_given_up: impl Fn(&O) -> bool, cause: &Cause, sent: u64) {
        let asked = self.connections.get(&node).into_iter().flat_map(|connection| &connection.asked);
        let failed = asked.filter(|asked| !asked.is_forgotten && is_given_up(&asked.owner)).map(|asked| asked.owner.clone());
        let failed: Vec<O> = failed.collect();
        if failed.is_empty() {
            return;
        }
        self.withdraw(now, node, is_given_up);
        self.shed(now, node, sent);
        self.outputs.extend(failed.into_iter().map(|owner| RequesterOutput::Failed { owner, node, cause: cause.clone() }));
    }

    /// Drops those of the forgotten requests to a node that are not written yet, and marks the others.
    fn withdraw(&mut self, now: SimTime, node: NodeNumber, is_forgotten: impl Fn(&O) -> bool) {
        let Some(connection) = self.connections.get_mut(&node) else { return };
        connection.asked.iter_mut().for_each(|asked| asked.is_forgotten |= is_forgotten(&asked.owner));
        let is_dropped = |asked: &Asked<O>| asked.is_forgotten && asked.end().is_none();
        let (dropped, kept): (VecDeque<_>, VecDeque<_>) = connection.asked.drain(..).partition(is_dropped);
        connection.asked = kept;
        dropped.iter().filter(|asked| asked.is_fetch).for_each(|_| self.fan_in.settle(node));
        if connection.is_open {
            self.outputs.extend(dropped.iter().map(|asked| RequesterOutput::Withdraw { node, tag: asked.tag }));
        }
        self.watch_oldest(now, node);
    }

    /// Gives up a connection on which forgotten requests are written, so that no byte more of them is sent either way. While the node
    /// has had a part of another request, the connection is kept; call again when such a request may have been answered. The other
    /// requests are made again over a new connection. `sent` bytes of the stream have been sent.
    pub(super) fn shed(&mut self, now: SimTime, node: NodeNumber, sent: u64) {
        self.give_up(now, node, sent);
        // The node owes none of the forgotten segments any more.
        self.send_held(now);
    }

    fn give_up(&mut self, now: SimTime, node: NodeNumber, sent: u64) {
        if !self.connections.get(&node).is_some_and(|connection| connection.is_to_be_shed(sent)) {
            return;
        }
        let Some(connection) = self.abort(node, ConnectionLoss::Withdrawn) else { return };
        let mut wanted: VecDeque<Asked<O>> = connection.asked.into_iter().filter(|asked| !asked.is_forgotten).collect();
        if wanted.is_empty() {
            return;
        }
        for asked in &mut wanted {
            asked.written = None;
            self.outputs.push_back(RequesterOutput::Requeued { owner: asked.owner.clone() });
            if asked.is_fetch {
                self.fan_in.owe(node);
            }
        }
        self.connections.insert(node, Connection::new(now, wanted));
        self.outputs.push_back(RequesterOutput::Connect { node });
    }

    /// Aborts a connection, and returns it with the requests that end by that.
    fn abort(&mut self, node: NodeNumber, loss: ConnectionLoss) -> Option<Connection<O>> {
        let connection = self.connections.remove(&node)?;
        self.outputs.extend([RequesterOutput::Abort { node }, RequesterOutput::Lost { node, loss }]);
        connection.asked.iter().filter(|asked| asked.is_fetch).for_each(|_| self.fan_in.settle(node));
        Some(connection)
    }

    /// Sends the waiting requests over a connection that has opened.
    pub(super) fn handle_connected(&mut self, now: SimTime, node: NodeNumber) {
        let Some(connection) = self.connections.get_mut(&node).filter(|connection| !connection.is_open) else { return };
        connection.is_open = true;
        self.outputs.push_back(RequesterOutput::Opened { node });
        let ready = connection.asked.iter().map(|asked| RequesterOutput::Ready { owner: asked.owner.clone() });
        self.outputs.extend(ready);
        for asked in &connection.asked {
            let (header, payload) = asked.frame.clone();
            self.outputs.push_back(RequesterOutput::Send { node, tag: asked.tag, header, payload });
        }
        self.watch_oldest(now, node);
    }

    /// Records that a request is written to this range of the connection's stream.
    pub(super) fn handle_written(&mut self, node: NodeNumber, tag: RequestTag, range: Range<u64>) {
        let connection = self.connections.get_mut(&node).filter(|connection| connection.is_open);
        if let Some(asked) = connection.and_then(|to| to.asked.iter_mut().find(|asked| asked.tag == tag)) {
            asked.written = Some(range);
        }
    }

    /// Processes bytes that have arrived from a node, no more than [`wants`](Self::wants) has returned.
    pub(super) fn handle_bytes(&mut self, now: SimTime, node: NodeNumber, piece: impl Into<Piece>) {
        let Some(connection) = self.connections.get_mut(&node) else { return };
        match connection.reader.push(piece) {
            Ok(ReadStep::More) => {}
            Ok(ReadStep::Frame(frame)) => self.on_frame(now, node, frame),
            Err(error) => self.lose(now, node, ConnectionLoss::Violation(error)),
        }
    }

    /// Handles the end of the connection to a node: its requests fail.
    pub(super) fn handle_ended(&mut self, now: SimTime, node: NodeNumber, reason: CloseReason) {
        self.lose(now, node, ConnectionLoss::Ended(reason));
    }

    /// Returns the instant at which to call [`handle_timeout`](Self::handle_timeout); `None` if there is no timeout.
    pub(super) fn next_timeout(&self) -> Option<SimTime> {
        self.connections.values().filter_map(|connection| self.timeout_of(connection)).min()
    }

    fn timeout_of(&self, connection: &Connection<O>) -> Option<SimTime> {
        match (connection.is_open, connection.asked.is_empty()) {
            (false, _) => None,
            (true, false) => Some(connection.watch.look_at),
            (true, true) => (self.idle_timeout > SimDuration::ZERO).then(|| connection.used_at + self.idle_timeout),
        }
    }

    /// Closes connections that have been idle for the idle timeout, and aborts those that have made no progress for the user timeout,
    /// as `activity` tells of the connection to a node, while their oldest request stayed the same. Calls before the next timeout
    /// change nothing.
    pub(super) fn handle_timeout(&mut self, now: SimTime, activity: impl Fn(NodeNumber) -> Option<Activity>) {
        let is_due = |connection: &Connection<O>| self.timeout_of(connection).is_some_and(|at| at <= now);
        let due: Vec<NodeNumber> = self.connections.iter().filter(|(_, to)| is_due(to)).map(|(&node, _)| node).collect();
        for node in due {
            let Some(connection) = self.connections.get_mut(&node) else { continue };
            if connection.asked.is_empty() {
                self.close(node);
                continue;
            }
            let activity = activity(node).unwrap_or_default();
            let until = connection.patient_until(activity, self.user_timeout);
            if until > now {
                connection.watch.look_at = until;
            } else {
                let silence = now - connection.progressed_at(activity);
                self.lose(now, node, ConnectionLoss::NoProgress(silence));
            }
        }
    }

    /// Closes all connections; requests without an answer are dropped.
    pub(super) fn close_all(&mut self) {
        self.fan_in.clear();
        let nodes: Vec<NodeNumber> = self.connections.keys().copied().collect();
        nodes.into_iter().for_each(|node| self.close(node));
    }

    /// Forgets all connections and requests, as a process does that is killed. Returns the requests that somebody waits for, with their
    /// nodes.
    pub(super) fn forget_all(&mut self) -> Vec<(NodeNumber, O)> {
        self.outputs.clear();
        let connections = std::mem::take(&mut self.connections).into_iter();
        let asked = connections.flat_map(|(node, to)| to.asked.into_iter().map(move |asked| (node, asked)));
        let asked = asked.filter(|(_, asked)| !asked.is_forgotten).map(|(node, asked)| (node, asked.owner));
        let held = self.fan_in.waiting().map(|held| (held.node, held.owner.clone()));
        let unanswered = asked.chain(held).collect();
        self.fan_in.clear();
        unanswered
    }

    fn close(&mut self, node: NodeNumber) {
        if self.connections.remove(&node).is_some() {
            self.outputs.push_back(RequesterOutput::Close { node });
        }
    }

    /// Makes the oldest request the watched one.
    fn watch_oldest(&mut self, now: SimTime, node: NodeNumber) {
        if let Some(connection) = self.connections.get_mut(&node).filter(|connection| connection.is_open) {
            connection.watch_oldest(now, self.user_timeout);
        }
    }

    fn on_frame(&mut self, now: SimTime, node: NodeNumber, frame: Frame) {
        let (tag, response) = match frame.response() {
            Ok(answer) => answer,
            Err(error) => return self.lose(now, node, ConnectionLoss::Violation(error)),
        };
        let Some(connection) = self.connections.get_mut(&node) else { return };
        let place = connection.asked.iter().position(|asked| asked.tag == tag).filter(|_| connection.is_open);
        let Some(Asked { owner, is_fetch, is_forgotten, .. }) = place.and_then(|place| connection.asked.remove(place)) else {
            return self.lose(now, node, ConnectionLoss::NotAsked);
        };
        connection.used_at = now;
        if !is_forgotten {
            self.outputs.push_back(RequesterOutput::Answered { owner, node, response, payload: frame.payload });
        }
        self.watch_oldest(now, node);
        if is_fetch {
            self.fan_in.note_arrival(now);
            self.fan_in.settle(node);
            self.send_held(now);
        }
    }

    fn lose(&mut self, now: SimTime, node: NodeNumber, loss: ConnectionLoss) {
        let Some(connection) = self.abort(node, loss.clone()) else { return };
        let held = self.fan_in.take_for(node).into_iter().map(|held| held.owner);
        let asked = connection.asked.into_iter().filter(|asked| !asked.is_forgotten).map(|asked| asked.owner);
        for owner in asked.chain(held) {
            self.outputs.push_back(RequesterOutput::Failed { owner, node, cause: Cause::Unreachable(loss.clone()) });
        }
        self.send_held(now);
    }
}

/// Returns true if the answer to a request is a segment.
const fn is_fetch(request: &Request) -> bool {
    matches!(request, Request::Get { .. })
}

#[cfg(test)]
mod tests;
