//! `FileStorageService`: the segments of one node, through the gate. Each node has an endpoint of its own.
//!
//! | file | contents |
//! |---|---|
//! | `mod` | the calls |
//! | `endpoint` | the endpoint of a node, which is closed while the node's process does not run |
//! | `messages` | what the gate knows, as messages |

mod endpoint;
mod messages;

use p2p_service::access::Access;
use p2p_service::files::{NodeNumber, Sha256Digest};
use p2p_service::segments::{AskNode, DeleteSegment, ListHosts, ListNodes, NodeAnswer, SegmentContent, StoreSegment};
use tonic::{Request, Response, Status};

pub use self::endpoint::{Endpoint, Reflection};

use crate::callers::Callers;
use crate::files::messages::digest;
use crate::files::{Caller, checked};
use crate::proto::file_storage_service_server::FileStorageService;
use crate::proto::{
    DeleteSegmentRequest, DeleteSegmentResponse, GetNetworkTopologyRequest, GetNetworkTopologyResponse, GetNodeInfoRequest,
    GetNodeInfoResponse, HealthCheckRequest, HealthCheckResponse, RetrieveSegmentRequest, RetrieveSegmentResponse,
    StoreSegmentRequest, StoreSegmentResponse,
};
use crate::quantities::{number, span};
use crate::status::{self, told};

type Answer<T> = Result<Response<T>, Status>;

/// Segments of one node, as a service.
#[derive(Debug)]
pub(crate) struct Storage {
    callers: Callers,
    node: NodeNumber,
}

impl Storage {
    pub(crate) fn new(callers: Callers, node: NodeNumber) -> Storage {
        Storage { callers, node }
    }

    async fn caller<T>(&self, request: &Request<T>) -> Result<Caller, Status> {
        Caller::of(&self.callers, request).await
    }

    /// Asks the node for a sign of life, for a caller.
    async fn asked(&self, access: &Access) -> Result<NodeAnswer, Status> {
        access.call(AskNode { node: self.node }).await.map_err(told)
    }
}

/// Returns the name of a segment that a client presents.
fn named(sha256: prost::bytes::Bytes) -> Result<Sha256Digest, Status> {
    digest("sha256", Some(sha256))?.ok_or_else(|| status::invalid("sha256", "it is missing"))
}

#[tonic::async_trait]
impl FileStorageService for Storage {
    async fn store_segment(&self, request: Request<StoreSegmentRequest>) -> Answer<StoreSegmentResponse> {
        let caller = self.caller(&request).await?;
        let StoreSegmentRequest { data, sha256 } = request.into_inner();
        let expected = digest("sha256", sha256)?;
        let content = SegmentContent::new(data).map_err(|error| status::invalid("data", error))?;
        if let Some(expected) = expected.filter(|expected| *expected != content.id()) {
            return Err(status::other_digest(&expected, &content.id()));
        }
        let stored = caller.access.call(StoreSegment { node: self.node, content }).await.map_err(told)?;
        let (sha256, virtual_time) = (stored.id.as_bytes().to_vec().into(), Some(span(stored.took)));
        Ok(Response::new(StoreSegmentResponse { sha256, length: stored.len, virtual_time }))
    }

    async fn retrieve_segment(&self, request: Request<RetrieveSegmentRequest>) -> Answer<RetrieveSegmentResponse> {
        let Caller { access, identity } = self.caller(&request).await?;
        let RetrieveSegmentRequest { sha256, path } = request.into_inner();
        let (id, path) = (named(sha256)?, path.as_deref().map(|path| checked("path", path)).transpose()?);
        let fetched = access.retrieve_segment(&identity, (self.node, id), path).await.map_err(told)?;
        let virtual_time = Some(span(fetched.took));
        Ok(Response::new(RetrieveSegmentResponse { data: fetched.bytes, virtual_time }))
    }

    async fn delete_segment(&self, request: Request<DeleteSegmentRequest>) -> Answer<DeleteSegmentResponse> {
        let caller = self.caller(&request).await?;
        let id = named(request.into_inner().sha256)?;
        caller.access.call(DeleteSegment { node: self.node, id }).await.map_err(told)?;
        Ok(Response::new(DeleteSegmentResponse {}))
    }

    async fn health_check(&self, request: Request<HealthCheckRequest>) -> Answer<HealthCheckResponse> {
        let caller = self.caller(&request).await?;
        let answer = self.asked(&caller.access).await?;
        let (node, round_trip) = (number(self.node), Some(span(answer.took)));
        Ok(Response::new(HealthCheckResponse { node, round_trip }))
    }

    async fn get_node_info(&self, request: Request<GetNodeInfoRequest>) -> Answer<GetNodeInfoResponse> {
        let caller = self.caller(&request).await?;
        let answer = self.asked(&caller.access).await?;
        let nodes = caller.access.call(ListNodes).await.map_err(told)?;
        let known = nodes.into_iter().find(|status| status.node == self.node).ok_or_else(status::internal)?;
        Ok(Response::new(messages::info(&known, &answer)))
    }

    async fn get_network_topology(&self, request: Request<GetNetworkTopologyRequest>) -> Answer<GetNetworkTopologyResponse> {
        let caller = self.caller(&request).await?;
        self.asked(&caller.access).await?;
        let topology = caller.access.call(ListHosts).await.map_err(told)?;
        Ok(Response::new(GetNetworkTopologyResponse { hosts: topology.hosts.iter().map(messages::host).collect() }))
    }
}
