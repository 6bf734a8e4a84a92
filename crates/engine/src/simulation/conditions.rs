//! What lies outside a transfer and decides how it goes on. It is the same for all transfers of an instant, and is found out once for
//! all of them.

use std::collections::BTreeMap;

use p2p_store::manifest::NodeNumber;

use super::Simulation;
use crate::gauge::Traffic;
use crate::transfer::Awaited;

/// Conditions of all transfers at one instant.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    /// Nodes that are out of the client's reach.
    pub(super) out_of_reach: BTreeMap<NodeNumber, Awaited>,
    /// Bytes of all transfers that have not arrived.
    pub(super) traffic: Traffic,
}

impl Conditions {
    /// Finds out the conditions of this instant. Without transfers there is nothing to find out.
    pub(super) fn of(simulation: &Simulation) -> Conditions {
        if simulation.transfers.is_empty() {
            return Conditions::default();
        }
        let mut traffic = Traffic::default();
        if simulation.transfers.len() > 1 {
            simulation.world.add_held(&mut traffic);
        }
        simulation.transfers.values().for_each(|transfer| transfer.add_to(&mut traffic, &simulation.world));
        traffic.settle();
        Conditions { out_of_reach: simulation.world.out_of_reach(), traffic }
    }
}
