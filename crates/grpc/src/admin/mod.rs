//! `AdminService`: the nodes, links and paths of the network, what is broken of them on purpose, and virtual time, through the gate.
//!
//! | file | contents |
//! |---|---|
//! | `calls` | the calls: each asks for the operation of its command |
//! | `requests` | requests that put faults on and take them back, as these operations |
//! | `changes` | what a fault makes different of a link, a path, a disk or a process |
//! | `faults` | faults that are on, and the pages of their list |
//! | `nodes` | nodes with their figures, and hosts with their links |
//! | `hosts` | hosts, directions of links, and paths between hosts |
//!
//! Each message is written and read here, for the server and for the client: what one of them writes the other reads as the same.

mod calls;
pub(crate) mod changes;
pub(crate) mod faults;
pub(crate) mod hosts;
pub(crate) mod nodes;
pub(crate) mod requests;

use p2p_service::network::{Break, Pause, Resume, SetSpeed, Step};
use tonic::{Request, Response, Status};

use self::calls::Caller;
use crate::callers::Callers;
use crate::files;
use crate::proto;
use crate::proto::admin_service_server::AdminService;
use crate::quantities::{Read, node_of, span_of, speed_of};

type Answer<T> = Result<Response<T>, Status>;

/// The network and its time, as a service.
#[derive(Debug)]
pub(crate) struct Admin(Callers);

impl Admin {
    pub(crate) fn new(callers: Callers) -> Admin {
        Admin(callers)
    }

    /// Returns the caller of a request, who is logged in.
    async fn caller<T>(&self, request: &Request<T>) -> Result<Caller, Status> {
        Ok(Caller(files::Caller::of(&self.0, request).await?.access))
    }

    /// Returns the caller of a request that is for admins, called `call`, and what is asked for.
    async fn admin<T>(&self, request: Request<T>, call: &str) -> Result<(Caller, T), Status> {
        let caller = self.caller(&request).await?;
        caller.require_admin(call).await?;
        Ok((caller, request.into_inner()))
    }

    /// Puts on what a request asks for.
    async fn broken<T>(&self, request: Request<T>, call: &str, what: impl FnOnce(T) -> Read<Break>) -> Result<(), Status> {
        let (caller, wanted) = self.admin(request, call).await?;
        caller.break_something(what(wanted)?).await
    }
}

#[tonic::async_trait]
impl AdminService for Admin {
    async fn list_nodes(&self, request: Request<proto::ListNodesRequest>) -> Answer<proto::ListNodesResponse> {
        let nodes = self.caller(&request).await?.nodes().await?;
        Ok(Response::new(proto::ListNodesResponse { nodes }))
    }

    async fn get_node(&self, request: Request<proto::GetNodeRequest>) -> Answer<proto::GetNodeResponse> {
        self.caller(&request).await?.node(request.into_inner()).await.map(Response::new)
    }

    async fn list_hosts(&self, request: Request<proto::ListHostsRequest>) -> Answer<proto::ListHostsResponse> {
        let hosts = self.caller(&request).await?.hosts().await?;
        Ok(Response::new(proto::ListHostsResponse { hosts }))
    }

    async fn kill_node(&self, request: Request<proto::KillNodeRequest>) -> Answer<proto::KillNodeResponse> {
        self.broken(request, "KillNode", requests::kill_of).await?;
        Ok(Response::new(proto::KillNodeResponse {}))
    }

    async fn stop_node(&self, request: Request<proto::StopNodeRequest>) -> Answer<proto::StopNodeResponse> {
        self.broken(request, "StopNode", requests::stop_of).await?;
        Ok(Response::new(proto::StopNodeResponse {}))
    }

    async fn start_node(&self, request: Request<proto::StartNodeRequest>) -> Answer<proto::StartNodeResponse> {
        let (caller, wanted) = self.admin(request, "StartNode").await?;
        caller.start(node_of("node", wanted.node)?).await?;
        Ok(Response::new(proto::StartNodeResponse {}))
    }

    async fn restart_node(&self, request: Request<proto::RestartNodeRequest>) -> Answer<proto::RestartNodeResponse> {
        self.broken(request, "RestartNode", requests::restart_of).await?;
        Ok(Response::new(proto::RestartNodeResponse {}))
    }

    async fn refuse_connections(
        &self,
        request: Request<proto::RefuseConnectionsRequest>,
    ) -> Answer<proto::RefuseConnectionsResponse> {
        self.broken(request, "RefuseConnections", requests::refuse_of).await?;
        Ok(Response::new(proto::RefuseConnectionsResponse {}))
    }

    async fn flap_node(&self, request: Request<proto::FlapNodeRequest>) -> Answer<proto::FlapNodeResponse> {
        self.broken(request, "FlapNode", requests::flap_of).await?;
        Ok(Response::new(proto::FlapNodeResponse {}))
    }

    async fn set_disk(&self, request: Request<proto::SetDiskRequest>) -> Answer<proto::SetDiskResponse> {
        self.broken(request, "SetDisk", requests::set_disk_of).await?;
        Ok(Response::new(proto::SetDiskResponse {}))
    }

    async fn set_link(&self, request: Request<proto::SetLinkRequest>) -> Answer<proto::SetLinkResponse> {
        self.broken(request, "SetLink", requests::set_link_of).await?;
        Ok(Response::new(proto::SetLinkResponse {}))
    }

    async fn set_path(&self, request: Request<proto::SetPathRequest>) -> Answer<proto::SetPathResponse> {
        self.broken(request, "SetPath", requests::set_path_of).await?;
        Ok(Response::new(proto::SetPathResponse {}))
    }

    async fn partition(&self, request: Request<proto::PartitionRequest>) -> Answer<proto::PartitionResponse> {
        self.broken(request, "Partition", requests::partition_of).await?;
        Ok(Response::new(proto::PartitionResponse {}))
    }

    async fn list_faults(&self, request: Request<proto::ListFaultsRequest>) -> Answer<proto::ListFaultsResponse> {
        self.caller(&request).await?.faults(request.into_inner()).await.map(Response::new)
    }

    async fn heal(&self, request: Request<proto::HealRequest>) -> Answer<proto::HealResponse> {
        let (caller, wanted) = self.admin(request, "Heal").await?;
        caller.heal(requests::healing_of(wanted)?).await.map(Response::new)
    }

    async fn list_profiles(&self, request: Request<proto::ListProfilesRequest>) -> Answer<proto::ListProfilesResponse> {
        let profiles = self.caller(&request).await?.profiles();
        Ok(Response::new(proto::ListProfilesResponse { profiles }))
    }

    async fn apply_profile(&self, request: Request<proto::ApplyProfileRequest>) -> Answer<proto::ApplyProfileResponse> {
        let (caller, wanted) = self.admin(request, "ApplyProfile").await?;
        caller.apply(wanted).await?;
        Ok(Response::new(proto::ApplyProfileResponse {}))
    }

    async fn get_status(&self, request: Request<proto::GetStatusRequest>) -> Answer<proto::GetStatusResponse> {
        let status = self.caller(&request).await?.status().await?;
        Ok(Response::new(proto::GetStatusResponse { status: Some(status) }))
    }

    async fn pause(&self, request: Request<proto::PauseRequest>) -> Answer<proto::PauseResponse> {
        let (caller, _) = self.admin(request, "Pause").await?;
        Ok(Response::new(proto::PauseResponse { status: caller.change_time(Pause).await? }))
    }

    async fn resume(&self, request: Request<proto::ResumeRequest>) -> Answer<proto::ResumeResponse> {
        let (caller, _) = self.admin(request, "Resume").await?;
        Ok(Response::new(proto::ResumeResponse { status: caller.change_time(Resume).await? }))
    }

    async fn set_speed(&self, request: Request<proto::SetSpeedRequest>) -> Answer<proto::SetSpeedResponse> {
        let (caller, wanted) = self.admin(request, "SetSpeed").await?;
        let speed = speed_of("speed", wanted.speed)?;
        Ok(Response::new(proto::SetSpeedResponse { status: caller.change_time(SetSpeed { speed }).await? }))
    }

    async fn step(&self, request: Request<proto::StepRequest>) -> Answer<proto::StepResponse> {
        let (caller, wanted) = self.admin(request, "Step").await?;
        let span = wanted.span.map(|span| span_of("span", span)).transpose()?;
        Ok(Response::new(proto::StepResponse { status: caller.change_time(Step { span }).await? }))
    }
}
