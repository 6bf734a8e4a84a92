//! The calls: each asks the gate for the operation that the command of its name asks for.

use p2p_service::access::Access;
use p2p_service::files::{EngineError, NodeNumber};
use p2p_service::network::{
    ActiveFault, Break, ClearFaults, ClearedFaults, ListFaults, ListHosts, ListNodes, ListTransfers, Mend, NamedProfile,
    Operation, Peer,
};
use prost::Message;
use tonic::Status;

use super::changes::profile;
use super::faults::{bare, fault, place, place_of, token};
use super::nodes::{links, node};
use super::requests::Healing;
use crate::proto::profile::Content;
use crate::proto::{
    ApplyProfileRequest, Fault, GetNodeRequest, GetNodeResponse, HealResponse, HostLinks, ListFaultsRequest, ListFaultsResponse,
    Node, NotRunning, Profile, Status as Told,
};
use crate::quantities::{instant, node_of, number, speed};
use crate::status::{self, told};

/// Faults of a page at the most. The contract says so too.
const PAGE_MAX: usize = 1000;
/// Bytes of the faults of an answer at the most, so that it fits into a message.
const BYTES_MAX: usize = 1 << 20;

/// Access of the caller of a request, who is logged in.
#[derive(Debug)]
pub(super) struct Caller(pub(super) Access);

impl Caller {
    async fn ask<O: Operation>(&self, operation: O) -> Result<O::Reply, Status> {
        self.0.call(operation).await.map_err(told)
    }

    /// Refuses a call that is for admins to others, by its name, and records that. The operation is checked once more where it takes effect.
    pub(super) async fn require_admin(&self, call: &str) -> Result<(), Status> {
        self.0.require_admin(&self.0.identity(), call).await.map_err(told)
    }

    pub(super) async fn nodes(&self) -> Result<Vec<Node>, Status> {
        Ok(self.ask(ListNodes).await?.iter().map(node).collect())
    }

    pub(super) async fn hosts(&self) -> Result<Vec<HostLinks>, Status> {
        Ok(self.ask(ListHosts).await?.hosts.iter().map(links).collect())
    }

    pub(super) async fn node(&self, request: GetNodeRequest) -> Result<GetNodeResponse, Status> {
        let (wanted, nodes) = (node_of("node", request.node)?, self.ask(ListNodes).await?);
        let peer = Peer::Node(wanted);
        let found = nodes.iter().find(|node| node.node == wanted);
        let found = found.ok_or_else(|| told(EngineError::UnknownHost(peer)))?;
        let hosts = self.ask(ListHosts).await?.hosts;
        let mut faults = self.ask(ListFaults).await?;
        faults.retain(|active| active.fault.target().is_of(wanted));
        Ok(GetNodeResponse {
            node: Some(node(found)),
            links: hosts.iter().find(|host| host.peer == peer).map(links),
            faults: fitting(&faults, fault),
        })
    }

    pub(super) async fn break_something(&self, what: Break) -> Result<(), Status> {
        // What is never possible comes into no audit log.
        what.check().map_err(|error| told(EngineError::from(error)))?;
        self.ask(what).await
    }

    pub(super) async fn start(&self, node: NodeNumber) -> Result<(), Status> {
        self.ask(Mend::Process { node }).await.map(drop)
    }

    pub(super) async fn heal(&self, what: Healing) -> Result<HealResponse, Status> {
        let ClearedFaults { mut taken_back, not_running } = match what {
            Healing::One(mend) => {
                mend.check().map_err(|error| told(EngineError::from(error)))?;
                self.ask(mend).await?
            }
            Healing::Several(which) => self.ask(ClearFaults { which }).await?,
        };
        taken_back.sort_by_key(|active| active.fault.target());
        let left = not_running
            .into_iter()
            .map(|(node, trouble)| NotRunning { node: number(node), reason: trouble.map(|trouble| trouble.to_string()) });
        Ok(HealResponse {
            taken_back: fitting(&taken_back, if taken_back.len() > PAGE_MAX { bare } else { fault }),
            taken_back_count: taken_back.len() as u64,
            not_running: left.collect(),
        })
    }

    pub(super) async fn faults(&self, request: ListFaultsRequest) -> Result<ListFaultsResponse, Status> {
        let ListFaultsRequest { page_size, page_token } = request;
        let max = match page_size as usize {
            0 => PAGE_MAX,
            wanted if wanted > PAGE_MAX => {
                return Err(status::invalid("page_size", format_args!("a page has at most {PAGE_MAX} faults")));
            }
            wanted => wanted,
        };
        let after = place_of(&page_token)?;
        let on = self.ask(ListFaults).await?;
        let begin = on.partition_point(|active| after.is_some_and(|after| place(active.fault.target()) <= after));
        let (rest, end) = (&on[begin..], on.len().min(begin.saturating_add(max)));
        let faults = fitting(&on[begin..end], fault);
        let last = rest.get(faults.len().wrapping_sub(1)).filter(|_| faults.len() < rest.len());
        let next_page_token = last.map(|last| token(place(last.fault.target()))).unwrap_or_default();
        Ok(ListFaultsResponse { faults, next_page_token })
    }

    pub(super) fn profiles(&self) -> Vec<Profile> {
        let shown = |(name, found): (&String, &NamedProfile)| Profile {
            name: name.clone(),
            summary: found.described().into_owned(),
            origin: found.origin.clone(),
            content: Some(match &found.profile {
                Ok(faults) => Content::Faults(profile(faults)),
                Err(problem) => Content::Error(problem.clone()),
            }),
        };
        self.0.profiles().iter().map(shown).collect()
    }

    pub(super) async fn apply(&self, request: ApplyProfileRequest) -> Result<(), Status> {
        let ApplyProfileRequest { profile, node } = request;
        let node = node.map(|number| node_of("node", number)).transpose()?;
        let found = self.0.profiles().get(&profile);
        let found = found.ok_or_else(|| status::invalid("profile", "there is none of this name; `ListProfiles` lists them"))?;
        let faults = found.profile.clone().map_err(|problem| status::invalid("profile", problem))?;
        self.ask(Break::Profile { name: profile, node, profile: Box::new(faults) }).await
    }

    /// Returns the state of the network as a whole, after an operation on its time if there is one.
    pub(super) async fn status(&self) -> Result<Told, Status> {
        let transfers = self.ask(ListTransfers).await?;
        let snapshot = self.0.present_snapshot().await.map_err(told)?;
        let pace = snapshot.pace;
        Ok(Told {
            virtual_time: Some(instant(snapshot.at)),
            speed: Some(speed(pace.speed)),
            is_paused: pace.is_paused,
            actual_speed: pace.actual.map(speed),
            seed: self.0.seed(),
            run: self.0.run(),
            nodes: u32::try_from(snapshot.figures.nodes.len()).unwrap_or(u32::MAX),
            transfers_under_way: transfers.iter().filter(|transfer| !transfer.state.is_over()).count() as u64,
        })
    }

    pub(super) async fn change_time(&self, operation: impl Operation<Reply = ()>) -> Result<Option<Told>, Status> {
        self.ask(operation).await?;
        self.status().await.map(Some)
    }
}

/// Returns the first of some faults as messages, as many as fit into an answer.
fn fitting(faults: &[ActiveFault], shown: fn(&ActiveFault) -> Fault) -> Vec<Fault> {
    let mut bytes = 0;
    let fits = |fault: &Fault| {
        // What precedes a field has ten bytes at the most.
        bytes += fault.encoded_len() + 10;
        bytes <= BYTES_MAX
    };
    faults.iter().map(shown).take_while(fits).collect()
}

#[cfg(test)]
mod tests {
    use p2p_service::files::SimTime;
    use p2p_service::network::{Fault as OfEngine, FaultCause};

    use super::*;

    #[test]
    fn an_answer_has_as_many_faults_as_fit() {
        let of = |index| {
            let (fault, cause) =
                (OfEngine::Killed { node: NodeNumber::from_index(index) }, FaultCause::Command { by: Some("x".repeat(200)) });
            ActiveFault { fault, since: SimTime::ZERO, cause, added: Vec::new(), rules: Vec::new() }
        };
        let all: Vec<ActiveFault> = (0..10_000).map(of).collect();
        let answer = ListFaultsResponse { faults: fitting(&all, fault), next_page_token: String::new() };
        assert!((1_000..10_000).contains(&answer.faults.len()), "{}", answer.faults.len());
        assert!(answer.encoded_len() <= BYTES_MAX && answer.encoded_len() > BYTES_MAX / 2);
        assert_eq!(fitting(&all[..3], fault).len(), 3);
    }
}
