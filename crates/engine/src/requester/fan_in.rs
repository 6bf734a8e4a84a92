//! Limit of the number of nodes that send segments to one host at the same time.
//!
//! Each connection begins with as many packets as its initial window allows. From too many nodes at once they fill the queue of the
//! host's downlink, and some nodes lose all that they send until they give up: the incast problem (Phanishayee et al., "Measurement
//! and Analysis of TCP Throughput Collapse in Cluster-based Storage Systems", FAST 2008). On the other hand many slow nodes together
//! fill a fast link, so the limit grows with what arrives: where more nodes bring more segments, still more may send.

use std::collections::{BTreeMap, VecDeque};

use p2p_base::units::{SimDuration, SimTime};
use p2p_store::manifest::NodeNumber;

use crate::node::protocol::Request;

/// Number of nodes that may send at the same time to a host of any link.
const NODES_MIN: usize = 5;
/// Packets of the link's queue for each further node: a connection begins with ten (RFC 6928 §2) and doubles them in a round trip.
const PACKETS_PER_NODE: usize = 20;
/// Time in which as many segments have arrived as nodes may send. With more than one second, the limit grows while each further
/// node brings at least a segment a second; a link that is full brings no more.
const HORIZON: SimDuration = SimDuration::from_secs(2);
/// Number of arrivals that are remembered, and with it the largest limit that they give.
const ARRIVALS_MAX: usize = 1_000;

/// Request for a segment that waits until fewer nodes send.
#[derive(Debug)]
pub(super) struct Held<O> {
    pub(super) node: NodeNumber,
    pub(super) owner: O,
    pub(super) request: Request,
}

/// Nodes that owe segments, and the requests that wait, the earliest first. A node has its turn once one before it owes none any
/// more, which ends by its answers or with its connection; so every request has its turn.
#[derive(Debug)]
pub(super) struct FanIn<O> {
    /// Number of nodes that may always send.
    least: usize,
    /// Number of segments that each of the sending nodes owes, at least one.
    sending: BTreeMap<NodeNumber, usize>,
    /// Instants at which the latest segments arrived.
    arrivals: VecDeque<SimTime>,
    held: VecDeque<Held<O>>,
}

impl<O> Default for FanIn<O> {
    fn default() -> FanIn<O> {
        FanIn { least: NODES_MIN, sending: BTreeMap::new(), arrivals: VecDeque::new(), held: VecDeque::new() }
    }
}

impl<O> FanIn<O> {
    /// Adapts the limit to a downlink whose queue has room for so many packets.
    pub(super) fn keep_to_queue(&mut self, packets: u32) {
        self.least = (packets as usize / PACKETS_PER_NODE).max(NODES_MIN);
    }

    /// Adds a request for a segment behind those that wait.
    pub(super) fn hold(&mut self, held: Held<O>) {
        self.held.push_back(held);
    }

    /// Takes the request whose turn it is; its node owes one segment more from now on.
    pub(super) fn next(&mut self, now: SimTime) -> Option<Held<O>> {
        let node = self.held.front()?.node;
        if self.sending.len() >= self.max(now) && !self.sending.contains_key(&node) {
            return None;
        }
        self.owe(node);
        self.held.pop_front()
    }

    /// Records that a node owes one segment more.
    pub(super) fn owe(&mut self, node: NodeNumber) {
        *self.sending.entry(node).or_default() += 1;
    }

    /// Returns the number of nodes that may send now.
    fn max(&mut self, now: SimTime) -> usize {
        while self.arrivals.front().is_some_and(|&at| at + HORIZON < now) {
            self.arrivals.pop_front();
        }
        self.arrivals.len().max(self.least)
    }

    /// Records that a segment has arrived that was owed.
    pub(super) fn note_arrival(&mut self, now: SimTime) {
        if self.arrivals.len() == ARRIVALS_MAX {
            self.arrivals.pop_front();
        }
        self.arrivals.push_back(now);
    }

    /// Records that a node owes one segment less.
    pub(super) fn settle(&mut self, node: NodeNumber) {
        if let Some(owed) = self.sending.get_mut(&node) {
            *owed -= 1;
            if *owed == 0 {
                self.sending.remove(&node);
            }
        }
    }

    /// Returns the number of segments that each of the sending nodes owes.
    #[cfg(test)]
    pub(super) fn owed(&self) -> &BTreeMap<NodeNumber, usize> {
        &self.sending
    }

    /// Returns the requests that wait, the earliest first.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &Held<O>> {
        self.held.iter()
    }

    /// Takes the waiting requests to a node, the earliest first.
    pub(super) fn take_for(&mut self, node: NodeNumber) -> VecDeque<Held<O>> {
        let (taken, left) = std::mem::take(&mut self.held).into_iter().partition(|held| held.node == node);
        self.held = left;
        taken
    }

    /// Drops waiting requests.
    pub(super) fn forget(&mut self, is_forgotten: impl Fn(&O) -> bool) {
        self.held.retain(|held| !is_forgotten(&held.owner));
    }

    /// Forgets who sends and what waits.
    pub(super) fn clear(&mut self) {
        self.sending.clear();
        self.held.clear();
    }
}
