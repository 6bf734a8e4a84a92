//! Outputs of transfers and of exchanges that concern the world alone, and are carried out alike whoever has them.

use bytes::Bytes;
use p2p_net::MeterId;
use p2p_store::manifest::NodeNumber;

use crate::node::protocol::Request;
use crate::peer::Peer;
use crate::transfer::{Input, Output, TransferId};

use super::World;
use super::hosts::{Owner, Sender};

/// Result of carrying out an output.
#[derive(Debug)]
pub(crate) enum Carried {
    Done,
    /// The output is answered at once.
    Answered(Input),
    /// The output concerns more than the world, and is given back.
    Not(Output),
}

impl World {
    /// Carries out an output of a transfer or an exchange of a host.
    pub(crate) fn carry_out(&mut self, (id, host): (TransferId, Peer), output: Output) -> Carried {
        match output {
            Output::Ask { node, part, request, payload } => {
                self.ask((host, node), Owner::Transfer(id, part), &request, payload);
            }
            Output::Forget => self.forget_requests(host, id),
            Output::Place { id: segment, len, except, again, preferred } => {
                let placed = self.place(host, (segment, len), &except, (again, preferred));
                return Carried::Answered(placed.map_or_else(|nodes| Input::NotPlaced { nodes }, |node| Input::Placed { node }));
            }
            Output::Pin { index, node, id: segment, len } => self.pin((id, index), node, segment, len),
            Output::FreeRoom { index } => self.space.free_room((id, index)),
            Output::Unpin { node, id } => self.space.unpin(node, id),
            Output::Catalog(work) => self.submit_catalog(id, work),
            Output::AddPin(pin, len) => self.pins.add(pin, len),
            Output::DropPin(pin) => self.pins.remove(&pin),
            Output::Delete(garbage) => {
                let (shares, owing) = self.deletable(host, garbage);
                return Carried::Answered(Input::Deletable(shares, owing));
            }
            Output::Owe { node, ids } => self.owe(node, ids),
            other => return Carried::Not(other),
        }
        Carried::Done
    }

    /// Lets a host ask a node to store or to send a segment of a transfer or an exchange, whose bytes a meter counts.
    pub(crate) fn ask_segment(
        &mut self,
        (transfer, index): (TransferId, u32),
        (host, node): (Peer, NodeNumber),
        meter: MeterId,
        request: &Request,
        payload: Bytes,
    ) {
        let sender = match *request {
            Request::Put { id } => {
                self.space.keep_content((transfer, index), (node, id), payload.clone());
                Sender::Asking
            }
            _ => Sender::Serving,
        };
        self.ask((host, node), Owner::Segment { transfer, index, sender, meter }, request, payload);
    }
}
