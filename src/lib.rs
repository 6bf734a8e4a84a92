//! `p2p`: a peer-to-peer storage network in one terminal. The bytes, the disks and the services are real; only the wires
//! between the nodes are simulated, and they keep the time that real Linux TCP would keep.
//!
//! This crate holds the front ends of the terminal. Each knows the crates below it, and none knows another:
//!
//! | module | contents |
//! |---|---|
//! | [`tui`] | the full-screen program |
//! | [`repl`], [`scripts`], [`language`], [`accounts`] | the command language line by line, from a file, and as one-shot commands |
//! | [`page`] | the option `--html` of commands that write the report of their run |
//! | [`oneshot`], [`flow`], [`replay`] | commands of their own: transfers, one experiment on the virtual wire, recorded runs |
//! | [`serve`], [`cert`] | the services for other programs, and their certificates |
//! | [`prompts`] | the command groups of the prompts of this machine |
//! | [`remote`] | commands that ask a running `serve` |
//! | [`keygen`], [`ssh`] | SSH keys, and commands at nodes and at hosts elsewhere |
//! | [`demo`], [`demo_users`], `demo_services` | the demonstration, its users, and what it shows of the services |
//! | [`cli`] | the command line, which composes them |
//!
//! The gRPC and SSH services are crates beside it, `p2p-grpc` and `p2p-ssh`. The floors below are crates: `p2p-base`, `p2p-net`, `p2p-store`, `p2p-auth`, `p2p-engine`, `p2p-service`, `p2p-shell`
//! (docs/architecture.md).

// `output` writes to both streams, and does not panic where they cannot be written.
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod accounts;
pub mod cert;
pub mod cli;
pub mod demo;
mod demo_services;
pub mod demo_users;
pub mod flow;
pub mod keygen;
pub mod language;
pub mod oneshot;
mod operand;
pub mod page;
pub mod prompts;
pub mod remote;
pub mod repl;
pub mod replay;
pub mod scripts;
pub mod serve;
pub mod ssh;
pub mod tui;
