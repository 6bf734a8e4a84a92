//! Floor 2: the simulation. Runs nodes on the simulated network, transfers between them and a client, and virtual time.

#![deny(clippy::print_stdout, clippy::print_stderr)]

mod actor;
pub mod cause;
pub mod changes;
pub mod config;
pub mod connection_history;
mod disk_model;
mod edge;
pub mod error;
pub mod event;
mod event_log;
pub mod fault_rules;
pub mod faults;
mod faulty_disk;
mod first_use;
mod gauge;
mod handle;
mod health_log;
pub mod io;
mod known_host;
mod memory;
pub mod node;
pub mod operation;
mod owed;
pub mod pace;
mod patience;
mod peer;
pub mod policy;
mod principal;
pub mod recording;
mod requester;
mod simulation;
pub mod snapshot;
mod sparse_disk;
mod status;
pub mod stream;
mod timetable;
pub mod transfer;
mod world;

pub use p2p_base::error_kind::ErrorKind;

pub use self::actor::Engine;
pub use self::config::{ClockMode, EngineConfig, HostSpec, NodeSpec, Patience};
pub use self::disk_model::DiskSpeed;
pub use self::edge::opening::create_destination;
pub use self::error::{Denial, EngineError};
pub use self::event::Event;
pub use self::event_log::{EventId, Numbered, Subscription};
pub use self::handle::{BegunUpload, EngineHandle, StreamUpload};
pub use self::operation::{Command, Operation, OrphansAction, Reply};
pub use self::principal::{Caller, Origin, Principal, Scope};
pub use self::simulation::{CommandId, Disks, FINISHED_MAX, GROUP_MAX, LockedDirectory, Progress, Simulation, cannot_be_changed};
pub use self::snapshot::Snapshot;
