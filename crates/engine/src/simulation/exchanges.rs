//! Exchanges in the simulation, all of them of the client's host: what is asked of the state before one begins, and the carrying out of its outputs.

use p2p_base::database::Purpose;
use p2p_base::units::ByteSize;
use p2p_net::MeterId;
use p2p_store::manifest::NodeNumber;
use p2p_store::names::FileKey;
use p2p_store::pins::Pin;
use p2p_store::segment::SegmentId;

use super::answers::Answer;
use super::{CommandId, Simulation};
use crate::error::EngineError;
use crate::operation::Reply;
use crate::operation::{RetrieveSegment, StoreSegment};
use crate::peer::Peer;
use crate::policy;
use crate::principal::Principal;
use crate::transfer::exchange::{Asking, Exchange, Fetching, Releasing, Storing};
use crate::transfer::{Input, Output, TransferId};
use crate::world::{Carried, World};

/// Number of exchanges of one user that are under way at once, at the most.
const OF_ONE_USER_MAX: usize = 64;

/// Exchange in progress.
#[derive(Debug)]
pub(super) struct Exchanging {
    machine: Exchange,
    by: Principal,
    /// Command that is not answered yet.
    command: Option<CommandId>,
    /// Meter of the bytes of the segment.
    meter: MeterId,
}

impl Simulation {
    /// Begins to store a segment on a node.
    pub(super) fn store_segment(&mut self, command: CommandId, by: &Principal, store: StoreSegment) -> Option<Answer> {
        let StoreSegment { node, content } = store;
        let pin = Pin { user: by.name().map(str::to_owned), node, id: content.id() };
        let begun = self.admit_exchange(by, node).and_then(|()| self.admit_segment(&pin, content.len()));
        self.begin_exchange(command, by, begun.map(|()| Exchange::Storing(Storing::new(self.now(), pin, content))))
    }

    /// Begins to fetch a segment from a node.
    pub(super) fn retrieve_segment(&mut self, command: CommandId, by: &Principal, fetch: RetrieveSegment) -> Option<Answer> {
        let RetrieveSegment { node, id, file } = fetch;
        let admitted = self.admit_exchange(by, node).and_then(|()| match &file {
            Some(key) => self.known_file(key).map(|_| false),
            None => Ok(self.is_pinned_for(by, node, id)),
        });
        let now = self.now();
        let begun = admitted.map(|is_kept| Exchange::Fetching(Fetching::new(now, (node, id), file, is_kept)));
        self.begin_exchange(command, by, begun)
    }

    /// Begins to release a segment on a node.
    pub(super) fn delete_segment(
        &mut self,
        command: CommandId,
        by: &Principal,
        (node, id): (NodeNumber, SegmentId),
    ) -> Option<Answer> {
        let begun = self.admit_exchange(by, node).and_then(|()| self.releasing(by, node, id));
        self.begin_exchange(command, by, begun.map(Exchange::Releasing))
    }

    /// Begins to ask a node for a sign of life.
    pub(super) fn ask_node(&mut self, command: CommandId, by: &Principal, node: NodeNumber) -> Option<Answer> {
        let begun = self.admit_exchange(by, node);
        self.begin_exchange(command, by, begun.map(|()| Exchange::Asking(Asking::new(self.now(), node))))
    }

    /// Refuses an exchange with a node that there is not, or one too many of a user.
    fn admit_exchange(&self, by: &Principal, node: NodeNumber) -> Result<(), EngineError> {
        self.refuse_when_closing()?;
        if node.index() >= self.world.nodes.len() {
            return Err(EngineError::UnknownHost(Peer::Node(node)));
        }
        match self.exchanges.values().filter(|exchange| exchange.by.name() == by.name()).count() {
            OF_ONE_USER_MAX.. => Err(EngineError::TooManyExchanges { max: OF_ONE_USER_MAX }),
            _ => Ok(()),
        }
    }

    /// Refuses a segment for which there is no room on its node or in the user's quota.
    fn admit_segment(&mut self, pin: &Pin, len: u32) -> Result<(), EngineError> {
        let len = u64::from(len);
        let is_kept = self.note_pin(pin).is_some();
        if !is_kept {
            let key = FileKey::new(pin.user.as_deref(), &format!("segment {}", pin.id));
            self.refuse_over_quota(&key, ByteSize::from_bytes(len), 0)?;
        }
        self.world.claim_full_volumes()?;
        self.world.claim_volumes(Purpose::Keep)?;
        if self.world.has_room_on(pin.node, pin.id, len) { Ok(()) } else { Err(EngineError::NodeFull { node: pin.node }) }
    }

    fn releasing(&mut self, by: &Principal, node: NodeNumber, id: SegmentId) -> Result<Releasing, EngineError> {
        let pin = Pin { user: by.name().map(str::to_owned), node, id };
        if self.note_pin(&pin).is_none() {
            // Only an admin comes this far.
            let is_there = self.world.nodes[node.index()].node.holds(id);
            return Err(if is_there {
                EngineError::SegmentNeeded { node, id }
            } else {
                EngineError::UnknownSegment { node, id }
            });
        }
        self.world.claim_volumes(Purpose::Free)?;
        Ok(Releasing::new(pin))
    }

    /// Returns true if a segment is kept on a node for the caller, and notes that this is used.
    fn is_pinned_for(&mut self, by: &Principal, node: NodeNumber, id: SegmentId) -> bool {
        let pin = Pin { user: by.name().map(str::to_owned), node, id };
        self.note_use_of(&[id]);
        self.note_pin(&pin).is_some()
    }

    fn begin_exchange(&mut self, command: CommandId, by: &Principal, begun: Result<Exchange, EngineError>) -> Option<Answer> {
        let machine = match begun {
            Ok(machine) => machine,
            Err(error) => return Some(Err(error)),
        };
        let (up, down) = self.world.payload_of(Peer::Client);
        let whole = if matches!(machine, Exchange::Fetching(_)) { down } else { up };
        let meter = self.world.net.add_part_of_meter(whole);
        let id = self.next_id();
        self.exchanges.insert(id, Exchanging { machine, by: by.clone(), command: Some(command), meter });
        self.exchange(id, None);
        None
    }

    /// Passes an input to an exchange, and carries out what comes of it.
    pub(super) fn exchange(&mut self, id: TransferId, input: Option<Input>) {
        let Some(exchanging) = self.exchanges.get_mut(&id) else { return };
        let (now, mut is_over) = (self.world.now(), false);
        input.into_iter().for_each(|input| exchanging.machine.handle(now, input));
        while let Some(output) = exchanging.machine.poll_output() {
            match output {
                Output::Answer(answer) => {
                    let known = answer.map(|reply| known_of(&exchanging.by, reply)).map_err(|error| told(&exchanging.by, error));
                    self.replies.extend(exchanging.command.take().map(|command| (command, known)));
                }
                Output::Done => is_over = true,
                output => exchanging.carry_out(&mut self.world, id, output),
            }
        }
        if is_over && let Some(ended) = self.exchanges.remove(&id) {
            self.world.net.remove_meter(ended.meter);
        }
        self.note_use_of_segments();
    }

    /// Returns true if an exchange is not answered yet.
    pub(super) fn is_exchange_awaited(&self) -> bool {
        self.exchanges.values().any(|exchange| exchange.command.is_some())
    }

    /// Takes the commands whose exchanges are not answered.
    pub(super) fn take_exchanging(&mut self) -> Vec<CommandId> {
        self.exchanges.values_mut().filter_map(|exchange| exchange.command.take()).collect()
    }

    /// Returns true if a user without a name has an exchange under way.
    pub(super) fn is_nobody_exchanging(&self) -> bool {
        self.exchanges.values().any(|exchange| exchange.by.name().is_none())
    }

    /// Returns the bytes of segments that are being stored for a user.
    pub(super) fn exchanging_bytes(&self, user: Option<&str>) -> u64 {
        let own = self.exchanges.values().filter(|exchange| exchange.by.name() == user);
        own.map(|exchange| exchange.machine.arriving()).sum()
    }
}

impl Exchanging {
    /// Carries out an output that concerns the world.
    fn carry_out(&mut self, world: &mut World, id: TransferId, output: Output) {
        match output {
            Output::AskSegment { index, node, request, payload, .. } => {
                world.ask_segment((id, index), (Peer::Client, node), self.meter, &request, payload);
            }
            output => match world.carry_out((id, Peer::Client), output) {
                Carried::Done => {}
                Carried::Answered(input) => self.machine.handle(world.now(), input),
                Carried::Not(other) => debug_assert!(false, "{other:?} concerns no exchange"),
            },
        }
    }
}

/// Returns a reply as the principal may see it.
fn known_of(by: &Principal, reply: Reply) -> Reply {
    match reply {
        Reply::NodeAnswer(answer) => Reply::NodeAnswer(policy::known_of_answer(by, answer)),
        reply => reply,
    }
}

/// Returns an error as the principal may see it.
fn told(by: &Principal, error: EngineError) -> EngineError {
    error.with_usage_if(policy::may_see_usage(by))
}
