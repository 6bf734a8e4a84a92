//! Refusals of the policy: why a caller may not do, or may not know of, what was asked for.

use p2p_base::spelling::visible;
use p2p_store::manifest::NodeNumber;
use p2p_store::names::FileKey;
use p2p_store::segment::SegmentId;
use p2p_store::uploads::UploadId;
use thiserror::Error;

use crate::principal::Scope;
use crate::status::TransferId;

/// Reason why the policy refuses an operation.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Denial {
    /// No user is logged in.
    #[error("no user is logged in")]
    LoginNeeded,
    /// While there are no accounts, only front ends of this process may do anything.
    #[error("there are no accounts yet, and without one only the terminal of this program may do that")]
    OperatorIsLocal,
    /// The operation names a file of this machine or concerns the process.
    #[error("only the terminal of this program may do that")]
    LocalOnly,
    /// The operation is reserved for admins.
    #[error("`{what}` is for admins")]
    AdminOnly {
        /// Name of the operation, as the caller knows it.
        what: String,
    },
    /// The API token does not cover the operation.
    #[error("the token has the scope `{}`, and the scope `{}` is needed", had.name(), needed.name())]
    Scope {
        /// Scope of the token.
        had: Scope,
        /// Narrowest scope that covers the operation.
        needed: Scope,
    },
    /// The API token is limited to a path, and the operation concerns more than that.
    #[error("the token is limited to `{}` and what is in it", visible(path))]
    Limited {
        /// Path to which the token is limited.
        path: String,
    },
    /// The file belongs to another user, who has shared it for reading.
    #[error("`{}` belongs to another user: you may only read it", visible(&.0.to_string()))]
    ReadOnly(FileKey),
    /// The directory, or the one that the file is in, belongs to another user, who has shared it for storing new files.
    #[error("`{}` belongs to another user: you may store new files there, and change nothing", visible(&.0.to_string()))]
    StoreOnly(FileKey),
    /// No file of this name is stored, or the caller may not see it.
    #[error("no file named `{0}` is stored")]
    UnknownFile(FileKey),
    /// There is no such transfer, or the caller may not see it.
    #[error("there is no transfer {0}")]
    UnknownTransfer(TransferId),
    /// There is no such kept upload, or the caller may not see it.
    #[error("no upload `{0}` is kept")]
    UnknownUpload(UploadId),
    /// The caller keeps no such segment on the node, and is no admin.
    #[error("no segment {id} of yours is on {node}")]
    UnknownSegment {
        /// Node that was asked for it.
        node: NodeNumber,
        /// Name of the segment.
        id: SegmentId,
    },
}
