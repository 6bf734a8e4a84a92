//! Floor 3: the simulation. Nodes on the network, transfers between them and a client, and the passing of time.
//!
//! ```text
//!  front end ──ask(Command)──▶ EngineHandle ──▶ actor ──apply(now, command)──▶ Simulation ──▶ net, nodes, catalog, disks
//!            ◀─────Reply────────────────────────                                  │
//!            ◀─────events(), snapshot()─────────────────────────────────────────────┘
//! ```
//!
//! [`Simulation`] is the whole of it, synchronous and without a clock: tests and checkers call it directly. [`Engine`] puts it
//! on a thread of its own, paces it against the wall clock ([`pace`]) and talks to front ends through a handle. Real disks and
//! files are worked on by threads ([`io`]), but when their results count is decided in virtual time, so that they never decide
//! the order of events.
//!
//! Knows nothing of screens or command lines.

mod actor;
pub mod cause;
mod client;
pub mod command;
pub mod config;
mod disk_model;
pub mod event;
mod health_log;
pub mod io;
mod memory;
pub mod pace;
pub mod recording;
mod simulation;
pub mod snapshot;
mod timetable;
pub mod transfer;
mod world;

pub use self::actor::{Engine, EngineHandle};
pub use self::command::{Command, EngineError, OpenFile, OrphansAction, Reply};
pub use self::config::{ClockMode, EngineConfig, HostSpec, NodeSpec};
pub use self::disk_model::DiskSpeed;
pub use self::event::Event;
pub use self::simulation::{Disks, Progress, Simulation, Token, cannot_be_changed, lock_data_dir};
pub use self::snapshot::Snapshot;
