//! Node in its environment: on a host of the network and with a disk.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use p2p_net::{ConnectionId, HostId, MeterId, Network};
use p2p_store::disk::Disk;

use crate::disk_model::DiskModel;
use crate::node::Node;
use crate::node::protocol::RequestTag;

/// Number of answers of a connection that are remembered, to identify which of them is retransmitted.
const ANSWERS_REMEMBERED: usize = 128;

/// Node with its host and its disk.
#[derive(Debug)]
pub(crate) struct NodeHost {
    pub(crate) node: Node,
    pub(crate) host: HostId,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) model: DiskModel,
    /// Answers on each connection.
    answers: BTreeMap<ConnectionId, Answers>,
}

/// Answers on one connection: the stream ranges of those sent, and those that wait for room in the send buffer.
#[derive(Debug, Default)]
struct Answers {
    sent: VecDeque<(u64, u64, RequestTag)>,
    waiting: VecDeque<Answer>,
}

/// Answer to be sent on a connection.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) tag: RequestTag,
    pub(super) header: Bytes,
    pub(super) payload: Bytes,
    /// Meter that counts the bytes of the payload.
    pub(super) meter: Option<MeterId>,
}

impl NodeHost {
    pub(crate) fn new(node: Node, host: HostId, disk: Arc<dyn Disk>, model: DiskModel) -> NodeHost {
        NodeHost { node, host, disk, model, answers: BTreeMap::new() }
    }

    /// Returns the disk; its operations block.
    pub(crate) fn disk(&self) -> &dyn Disk {
        self.disk.as_ref()
    }

    pub(super) fn on_accepted(&mut self, connection: ConnectionId) {
        self.answers.insert(connection, Answers::default());
        self.node.handle_connected(connection);
    }

    pub(super) fn on_ended(&mut self, connection: ConnectionId) {
        self.answers.remove(&connection);
        self.node.handle_ended(connection);
    }

    /// Returns the tag of the answer that contains the stream offset `offset`.
    pub(super) fn answer_at(&self, connection: ConnectionId, offset: u64) -> Option<RequestTag> {
        let sent = &self.answers.get(&connection)?.sent;
        sent.iter().rev().find(|(start, end, _)| (*start..*end).contains(&offset)).map(|&(_, _, tag)| tag)
    }

    /// Handles the timeouts of the node that are due.
    pub(super) fn handle_timeout(&mut self, net: &Network) {
        let NodeHost { node, answers, .. } = self;
        let heard_from = |host| {
            let connections = answers.keys().filter(|&&connection| net.host_of(connection.peer()) == Some(host));
            connections.filter_map(|&connection| net.activity(connection)).map(|activity| activity.heard_at).max()
        };
        node.handle_timeout(net.now(), heard_from);
    }

    pub(super) fn send(&mut self, net: &mut Network, connection: ConnectionId, answer: Answer) {
        if let Some(answers) = self.answers.get_mut(&connection) {
            answers.waiting.push_back(answer);
            answers.write(net, connection);
        }
    }

    pub(super) fn on_writable(&mut self, net: &mut Network, connection: ConnectionId) {
        if let Some(answers) = self.answers.get_mut(&connection) {
            answers.write(net, connection);
        }
    }
}

impl Answers {
    fn write(&mut self, net: &mut Network, connection: ConnectionId) {
        while let Some(answer) = self.waiting.pop_front() {
            let Answer { tag, header, payload, meter } = &answer;
            let (start, tag) = (net.written(connection), *tag);
            if !payload.is_empty() {
                net.tell_when_sent(connection, start);
            }
            if net.write_pieces(connection, [header.clone(), payload.clone()]).is_err() {
                self.waiting.push_front(answer);
                return;
            }
            if let Some(meter) = meter {
                net.mark_written(connection, start + header.len() as u64, *meter);
            }
            if self.sent.len() == ANSWERS_REMEMBERED {
                self.sent.pop_front();
            }
            self.sent.push_back((start, net.written(connection), tag));
        }
        net.tell_when_drained(connection);
    }
}
