//! Single segments on a node, for a user: fetched and verified.

use p2p_engine::EngineError;
use p2p_engine::cause::Cause;
use p2p_engine::node::protocol::Refusal;
use p2p_engine::operation::{RetrieveSegment, SegmentFetched};
use p2p_store::manifest::NodeNumber;
use p2p_store::segment::SegmentId;

use super::{Access, AccessError, Identity};

impl Access {
    /// Fetches a segment from a node: one that the user keeps there, or one of the file that the user calls `path`. Content that is not
    /// what the name says is never returned. What an admin fetches of others is recorded in the audit log.
    ///
    /// # Errors
    /// Fails if the user may not fetch it, if the node cannot be reached or lacks the segment, or if what comes is damaged.
    pub async fn retrieve_segment(
        &self,
        identity: &Identity,
        (node, id): (NodeNumber, SegmentId),
        path: Option<&str>,
    ) -> Result<SegmentFetched, AccessError> {
        let file = match path {
            Some(path) => {
                let key = self.readable(identity, path).await?.key;
                self.record_foreign(identity, &format!("read segment {id} of"), &key).await?;
                Some(key)
            }
            None => None,
        };
        let fetched = self.call(RetrieveSegment { node, id, file }).await?;
        if SegmentId::of(&fetched.bytes) != id {
            return Err(EngineError::NodeFailed { node, cause: Cause::Refused(Refusal::Corrupt { id }) }.into());
        }
        if !fetched.is_own {
            self.record_access(identity, format!("read segment {id} of others on {node}"), true).await?;
        }
        Ok(fetched)
    }
}
