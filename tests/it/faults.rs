//! Faults as commands: what each does to transfers that are under way, that each is listed, told of and taken back, and that a node
//! comes back with what its disk has.

mod audited;
mod causes;
mod disks;
mod lost;
mod processes;
mod profiles;
mod random;
mod shown;
mod slow;
mod wires;

use p2p_base::units::SimDuration;
use p2p_engine::faults::{ActiveFault, Fault};
use p2p_engine::node::health::Health;
use p2p_engine::{Event, Reply, operation};
use p2p_store::manifest::NodeNumber;

use crate::harness::Harness;

pub(crate) fn node(number: usize) -> NodeNumber {
    NodeNumber::from_index(number - 1)
}

impl Harness {
    pub(crate) fn sleep(&mut self, span: SimDuration) {
        self.ask(operation::Sleep { span }).unwrap();
    }

    /// The faults that are on.
    pub(crate) fn faults(&mut self) -> Vec<ActiveFault> {
        match self.ask(operation::ListFaults).unwrap() {
            Reply::Faults(faults) => faults,
            other => panic!("{other:?}"),
        }
    }

    /// The kinds of the faults that are on.
    pub(crate) fn kinds(&mut self) -> Vec<&'static str> {
        self.faults().iter().map(|active| active.fault.name()).collect()
    }

    /// Takes all events that have happened.
    pub(crate) fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.simulation.poll_event()).map(|(_, event)| event).collect()
    }

    /// Health of a node as the client sees it.
    pub(crate) fn health_of(&mut self, number: usize) -> Health {
        match self.ask(operation::ListNodes).unwrap() {
            Reply::Nodes(nodes) => nodes[number - 1].seen.health,
            other => panic!("{other:?}"),
        }
    }
}

/// The faults that began and ended, in their order.
pub(crate) fn told(events: &[Event]) -> Vec<(bool, &Fault)> {
    let mut told = Vec::new();
    for event in events {
        match event {
            Event::FaultBegan { fault, .. } => told.push((true, fault)),
            Event::FaultEnded { fault, .. } => told.push((false, fault)),
            _ => {}
        }
    }
    told
}
