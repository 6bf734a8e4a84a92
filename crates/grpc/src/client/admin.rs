//! The network of a server and its time: each function asks `AdminService` for what the operation of its name is.

use std::collections::BTreeMap;
use std::sync::Arc;

use p2p_service::files::{NodeNumber, SimDuration, SimTime};
use p2p_service::network::{ActiveFault, Break, HostStatus, Mend, NamedProfile, NodeStatus, PaceStatus, Profiles, Speed, Which};

use super::{Client, ClientError, Outcome};
use crate::admin::requests::{Breaking, breaking, clearing, healing};
use crate::admin::{changes, faults, nodes};
use crate::proto::profile::Content;
use crate::proto::{
    GetStatusRequest, HealRequest, ListFaultsRequest, ListHostsRequest, ListNodesRequest, ListProfilesRequest, PauseRequest,
    ResumeRequest, SetSpeedRequest, StartNodeRequest, Status, StepRequest, heal_request,
};
use crate::quantities::{Read, Wrong, instant_of, node_of, number, span, speed, speed_of};

/// Faults that were taken back together.
#[derive(Debug, Clone, PartialEq)]
pub struct Healed {
    /// Faults that are on no more, as far as the server tells of them.
    pub taken_back: Vec<ActiveFault>,
    /// Nodes whose processes could not be started, each with the reason if it is known.
    pub not_running: Vec<(NodeNumber, Option<String>)>,
}

/// State of a network as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkStatus {
    /// Virtual instant.
    pub at: SimTime,
    /// Speed of virtual time.
    pub pace: PaceStatus,
    /// Number of transfers under way, as far as the caller may see them.
    pub under_way: u64,
}

impl NetworkStatus {
    /// Returns the status that an answer has.
    fn told(status: Option<Status>) -> Outcome<NetworkStatus> {
        Ok(NetworkStatus::of(status.ok_or(ClientError::Unexpected("no status"))?)?)
    }

    fn of(told: Status) -> Read<NetworkStatus> {
        let at = instant_of("virtual_time", told.virtual_time.ok_or_else(|| Wrong::missing("virtual_time"))?)?;
        let actual = told.actual_speed.map(|actual| speed_of("actual_speed", Some(actual))).transpose()?;
        let pace = PaceStatus { speed: speed_of("speed", told.speed)?, is_paused: told.is_paused, actual };
        Ok(NetworkStatus { at, pace, under_way: told.transfers_under_way })
    }
}

impl Client {
    /// Returns the nodes, each with the trouble with its disk in words, if there is any.
    ///
    /// # Errors
    /// Fails if the server refuses.
    pub async fn nodes(&self) -> Outcome<Vec<(NodeStatus, Option<String>)>> {
        let mut admin = self.admin.clone();
        let told = self.at_once(admin.list_nodes(self.request(ListNodesRequest {}))).await?;
        Ok(told.nodes.into_iter().map(nodes::status_of).collect::<Read<_>>()?)
    }

    /// Returns the hosts with their links, the client first.
    ///
    /// # Errors
    /// Fails if the server refuses.
    pub async fn hosts(&self) -> Outcome<Vec<HostStatus>> {
        let mut admin = self.admin.clone();
        let told = self.at_once(admin.list_hosts(self.request(ListHostsRequest {}))).await?;
        Ok(told.hosts.into_iter().map(nodes::host_of).collect::<Read<_>>()?)
    }

    /// Returns all faults that are on, by target.
    ///
    /// # Errors
    /// Fails if the server refuses.
    pub async fn faults(&self) -> Outcome<Vec<ActiveFault>> {
        let (mut all, mut page_token): (Vec<ActiveFault>, _) = (Vec::new(), String::new());
        loop {
            let mut admin = self.admin.clone();
            let page = self.at_once(admin.list_faults(self.request(ListFaultsRequest { page_size: 0, page_token }))).await?;
            let last = all.last().map(|active| active.fault.target());
            let next = page.faults.into_iter().map(faults::active_of).collect::<Read<Vec<_>>>()?;
            let first = next.first().map(|active| active.fault.target());
            // Each page goes on behind the one before, so that the list has an end.
            if first.is_some() && first <= last || first.is_none() && !page.next_page_token.is_empty() {
                return Err(ClientError::Unexpected("the pages of its faults do not go on"));
            }
            all.extend(next);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(all);
            }
        }
    }

    /// Returns the profiles of faults, by name.
    ///
    /// # Errors
    /// Fails if the server refuses.
    pub async fn profiles(&self) -> Outcome<Profiles> {
        let mut admin = self.admin.clone();
        let told = self.at_once(admin.list_profiles(self.request(ListProfilesRequest {}))).await?;
        let mut profiles = BTreeMap::new();
        for told in told.profiles {
            let profile = match told.content {
                Some(Content::Faults(faults)) => Ok(changes::profile_of(faults)?),
                Some(Content::Error(problem)) => Err(problem),
                None => return Err(ClientError::Unexpected("a profile without content")),
            };
            // What is told of one that cannot be used has the problem in it.
            let summary = if profile.is_ok() { told.summary } else { String::new() };
            profiles.insert(told.name, NamedProfile { summary, origin: told.origin, profile });
        }
        Ok(Arc::new(profiles))
    }

    /// Puts faults on. Those of a profile are the server's of this name.
    ///
    /// # Errors
    /// Fails if the server refuses.
    pub async fn put_on(&self, what: Break) -> Outcome<()> {
        let mut admin = self.admin.clone();
        match breaking(what) {
            Breaking::Kill(wanted) => self.at_once(admin.kill_node(self.request(wanted))).await.map(drop),
            Breaking::Stop(wanted) => self.in_time(admin.stop_node(self.request(wanted))).await.map(drop),
            Breaking::Restart(wanted) => self.in_time(admin.restart_node(self.request(wanted))).await.map(drop),
            Breaking::Refuse(wanted) => self.at_once(admin.refuse_connections(self.request(wanted))).await.map(drop),
            Breaking::Flap(wanted) => self.at_once(admin.flap_node(self.request(wanted))).await.map(drop),
            Breaking::Disk(wanted) => self.at_once(admin.set_disk(self.request(wanted))).await.map(drop),
            Breaking::Link(wanted) => self.at_once(admin.set_link(self.request(wanted))).await.map(drop),
            Breaking::Path(wanted) => self.at_once(admin.set_path(self.request(wanted))).await.map(drop),
            Breaking::Partition(wanted) => self.at_once(admin.partition(self.request(wanted))).await.map(drop),
            Breaking::Profile(wanted) => self.at_once(admin.apply_profile(self.request(wanted))).await.map(drop),
        }
    }

    /// Takes back one fault, or all of one kind, and returns what was taken back; of a process that is nothing.
    ///
    /// # Errors
    /// Fails if the server refuses.
    pub async fn take_back(&self, mend: &Mend) -> Outcome<Vec<ActiveFault>> {
        if let Mend::Process { node } = mend {
            let mut admin = self.admin.clone();
            self.in_time(admin.start_node(self.request(StartNodeRequest { node: number(*node) }))).await?;
            return Ok(Vec::new());
        }
        Ok(self.heal(healing(mend)).await?.taken_back)
    }

    /// Takes several faults back, and waits until every process of them runs.
    ///
    /// # Errors
    /// Fails if the server refuses.
    pub async fn clear(&self, which: Which) -> Outcome<Healed> {
        self.heal(Some(clearing(which))).await
    }

    async fn heal(&self, what: Option<heal_request::What>) -> Outcome<Healed> {
        let mut admin = self.admin.clone();
        let told = self.in_time(admin.heal(self.request(HealRequest { what }))).await?;
        let left = told.not_running.into_iter().map(|left| Ok((node_of("node", left.node)?, left.reason)));
        Ok(Healed {
            taken_back: told.taken_back.into_iter().map(faults::active_of).collect::<Read<_>>()?,
            not_running: left.collect::<Read<_>>()?,
        })
    }

    /// Returns the state of the network as a whole.
    ///
    /// # Errors
    /// Fails if the server refuses.
    pub async fn status(&self) -> Outcome<NetworkStatus> {
        let mut admin = self.admin.clone();
        let told = self.at_once(admin.get_status(self.request(GetStatusRequest {}))).await?;
        NetworkStatus::told(told.status)
    }

    /// Lets virtual time stand still, and returns the state then.
    ///
    /// # Errors
    /// Fails if the server refuses.
    pub async fn pause(&self) -> Outcome<NetworkStatus> {
        NetworkStatus::told(self.at_once(self.admin.clone().pause(self.request(PauseRequest {}))).await?.status)
    }

    /// Lets virtual time pass again, and returns the state then.
    ///
    /// # Errors
    /// Fails if the server refuses.
    pub async fn resume(&self) -> Outcome<NetworkStatus> {
        NetworkStatus::told(self.at_once(self.admin.clone().resume(self.request(ResumeRequest {}))).await?.status)
    }

    /// Changes how fast virtual time passes, and returns the state then.
    ///
    /// # Errors
    /// Fails if the server refuses.
    pub async fn set_speed(&self, wanted: Speed) -> Outcome<NetworkStatus> {
        let wanted = SetSpeedRequest { speed: Some(speed(wanted)) };
        NetworkStatus::told(self.at_once(self.admin.clone().set_speed(self.request(wanted))).await?.status)
    }

    /// Goes on to the next event, or for a span of virtual time, while time is paused, and returns the state then.
    ///
    /// # Errors
    /// Fails if the server refuses.
    pub async fn step(&self, wanted: Option<SimDuration>) -> Outcome<NetworkStatus> {
        let wanted = StepRequest { span: wanted.map(span) };
        NetworkStatus::told(self.in_time(self.admin.clone().step(self.request(wanted))).await?.status)
    }
}
