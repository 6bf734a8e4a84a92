//! The connections that hosts have opened, under observation: while somebody watches the wire, the recent history of both ends of each.

use std::collections::BTreeMap;

use p2p_net::{ConnectionId, Network};

use super::{Host, World};
use crate::connection_history::ConnectionHistory;

/// Histories of the ends that are observed.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    is_on: bool,
    histories: BTreeMap<ConnectionId, ConnectionHistory>,
}

impl Watched {
    /// Returns the history of a connection's end; empty if it is not observed.
    pub(crate) fn history(&self, end: ConnectionId) -> ConnectionHistory {
        self.histories.get(&end).cloned().unwrap_or_default()
    }

    /// Observes both ends of a connection from now on, if anything is observed, and forgets the ends that are over.
    pub(super) fn begin(&mut self, net: &mut Network, connection: ConnectionId) {
        if !self.is_on {
            return;
        }
        // The other end of a connection that has just begun has no state before the SYN arrives.
        self.histories.retain(|&end, _| net.state(end).is_some() || net.state(end.peer()).is_some());
        for end in [connection, connection.peer()] {
            net.watch(end, true);
            self.histories.entry(end).or_default();
        }
    }

    /// Takes in the changes of the ends.
    fn note(&mut self, net: &mut Network) {
        while let Some(change) = net.poll_change() {
            if let Some(history) = self.histories.get_mut(&change.connection) {
                history.note(&change.sample, &change.stats);
            }
        }
    }

    fn end(&mut self, net: &mut Network) {
        std::mem::take(self).histories.into_keys().for_each(|end| net.watch(end, false));
    }
}

impl World {
    /// Keeps the latest `packets` packets on the wire, and the histories of the connections that hosts have opened; neither if it is `None`.
    pub(crate) fn watch(&mut self, packets: Option<usize>) {
        self.net.watch_wire(packets);
        if packets.is_none() {
            return self.watched.end(&mut self.net);
        }
        if !std::mem::replace(&mut self.watched.is_on, true) {
            for (_, connection) in self.hosts.all().iter().flat_map(Host::connections) {
                self.watched.begin(&mut self.net, connection);
            }
        }
    }

    /// Takes what the network tells of the observed connections into their histories. Nothing else happens by it: who watches is not
    /// recorded.
    pub(crate) fn note_changes(&mut self) {
        self.watched.note(&mut self.net);
    }
}
