//! Floor 3: what every front end begins with and ends by: configuration, the running engine, access to it, mail delivery, logs.
//!
//! | module | contents |
//! |---|---|
//! | [`config`] | `p2p.toml` and the environment |
//! | [`instance`] | the running engine of one process, and how it is left |
//! | [`access`] | who uses a front end and what they may do |
//! | [`mailer`] | delivery of the mails of accounts |
//! | [`doors`] | the sockets of services for other programs |
//! | [`logging`], [`recordings`], [`scratch`] | logs, recorded runs and temporary directories |
//! | [`statuses`] | how front ends tell of an error, by its kind: exit codes, gRPC, HTTP, SFTP |
//! | [`reasons`] | the names by which programs tell errors of one kind apart |
//! | [`accounts`] | what front ends name of the accounts |
//! | [`output`], [`failure`], [`interrupt`] | printing, errors with their next step and exit code, signals |
//! | [`abilities`] | what the terminal can do: cursor, colours, characters |
//! | [`profiles`] | profiles of faults, by name |
//! | [`event_words`], [`told`] | events in words, and as programs are told of them |
//! | [`offered`] | values of options that completions offer |

// `output` writes to both streams, and does not panic where they cannot be written.
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod abilities;
pub mod access;
mod blocking;
pub mod config;
pub mod doors;
pub mod event_words;
pub mod failure;
pub mod hosts;
pub mod instance;
pub mod interrupt;
pub mod logging;
pub mod mailer;
pub mod offered;
pub mod output;
pub mod profiles;
pub mod reasons;
pub mod recordings;
pub mod scratch;
pub mod statuses;
pub mod told;

// What a front end names of the engine, so that it needs the service alone.
pub use p2p_engine::{ClockMode, Denial, ErrorKind, Event, Principal, Scope};

/// Types of files and transfers that front ends name, so that they need the service alone.
pub mod files {
    pub use crate::access::upload_notes::{End, NOTES_MAX, Noted, UploadNote};
    pub use crate::access::uploads::{KEPT_FOR, StoreAs};
    pub use p2p_base::units::{ByteSize, SimDuration, SimTime};
    pub use p2p_engine::operation::{
        Await, BeginTransfer, Cancel, ForgetUpload, KeptUpload, ListTransfers, Park, Remove, StatFile,
    };
    pub use p2p_engine::stream::prefix::Prefix;
    pub use p2p_engine::stream::{EndedStream, StreamReader, StreamWriter};
    pub use p2p_engine::transfer::{
        SegmentTimeline, Stage, TransferError, TransferId, TransferReport, TransferState, TransferStatus,
    };
    pub use p2p_engine::{BegunUpload, EngineError, EventId, Numbered};
    pub use p2p_store::attributes::{Attributes, DIRECTORY_MODE, FILE_MODE};
    pub use p2p_store::manifest::{FileRecord, NodeNumber, SegmentRecord};
    pub use p2p_store::names::{FileKey, PATH_BYTES_MAX};
    pub use p2p_store::namespace::Entry;
    pub use p2p_store::segment::Sha256Digest;
    pub use p2p_store::uploads::{Declared, UploadId};
}

/// Types of the network, of what is broken of it on purpose, and of its time that front ends name, so that they need the service alone.
pub mod network {
    pub use p2p_base::units::{Bandwidth, DelayRange, Probability};
    pub use p2p_engine::Snapshot;
    pub use p2p_engine::faults::parse_bursts;
    pub use p2p_engine::faults::{
        ActiveFault, ClearedFaults, DiskFaults, FLAPS, Failing, Fault, FaultCause, Flapping, LinkChange, PathChange, Profile,
        Slowdown, Target,
    };
    pub use p2p_engine::node::health::{Health, PeerHealth};
    pub use p2p_engine::node::{ProcessState, RoundTrips, WaitingFor};
    pub use p2p_engine::operation::{
        Break, CheckHealth, ClearFaults, Command, ListFaults, ListHosts, ListNodes, ListTransfers, Mend, Operation, Pause,
        Resume, STOP_WITHIN, SetSpeed, StatUser, Step, Which,
    };
    pub use p2p_engine::pace::{PaceStatus, Speed};
    pub use p2p_engine::snapshot::{
        Ended, Figures, HealthMatrix, HostStatus, LinkQueues, LinkRates, NetworkStats, NodeStatus, Peer, StorageStats, Topology,
        Usage,
    };
    pub use p2p_engine::transfer::{Absence, Direction as Way, TransferState};
    pub use p2p_net::{
        Direction, DropCause, GilbertElliott, HostConfig, HostStats, LinkConfig, LinkQueue, Loss, PacketKind, RateSeries,
    };
    pub use p2p_store::manifest::NodeNumber;

    pub use crate::profiles::{NamedProfile, Profiles};
}

/// Types of nodes and of single segments on them that front ends name, so that they need the service alone.
pub mod segments {
    pub use p2p_engine::node::ProcessState;
    pub use p2p_engine::operation::{
        AskNode, DeleteSegment, ListHosts, ListNodes, NodeAnswer, SegmentContent, SegmentFetched, SegmentStored, StoreSegment,
    };
    pub use p2p_engine::snapshot::{HostStatus, NodeStatus, Peer};
    pub use p2p_net::LinkConfig;
}

/// Types of the accounts that front ends name, so that they need the service alone.
pub mod accounts {
    pub use p2p_auth::invites::{InviteInfo, LIFETIME as INVITE_LIFETIME};
    pub use p2p_auth::names::UserName;
    pub use p2p_auth::public_key::KeyFingerprint;
    pub use p2p_auth::secret::new_bearer;
    pub use p2p_auth::tokens::{ApiTokenInfo, LIFETIME as TOKEN_LIFETIME, NewToken, Reach, TokenError, is_in as is_api_token};
    pub use p2p_auth::{Account, AuthError, Begun, Challenge, CodeKind, Registration, Secret, SessionInfo, Token};
    pub use p2p_base::user_name::UserNameError;
}
