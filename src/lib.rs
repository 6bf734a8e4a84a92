//! `p2p`: a peer-to-peer storage network in one terminal. The bytes, the disks and the services are real; only the wires
//! between the nodes are simulated, and they keep the time that real Linux TCP would keep.
//!
//! The house has floors, and a floor imports only from those below it (`tests/it/architecture.rs` holds it to that):
//!
//! | floor | module | what it is |
//! |---|---|---|
//! | 0 | [`units`], [`random`], [`codec`], [`panics`], [`likeness`] | virtual time, sizes, rates, chances; seeded chance; values as bytes; panics as values; names that are meant |
//! | 0 | [`text`], [`spelling`], [`stored_time`] | text from outside, read in one way; one text in several spellings; instants of a clock that may be put back |
//! | 0 | [`pieces`], [`file_identity`], [`replacement`], [`private_file`] | files that grow by whole pieces, or appear whole, and what they replace; files that are their owner's alone |
//! | 0 | [`data_dir`], [`database`] | the lock of a data directory; the embedded database in it |
//! | 1 | [`net`] | the virtual TCP/IP network |
//! | 1 | [`storage`] | what a node keeps, and what a file becomes |
//! | 1 | [`auth`] | accounts, passwords, one-time passwords, sessions, the audit log and the mails |
//! | 2 | [`node`] | one peer: protocol, health, requests and answers |
//! | 3 | [`engine`] | the simulation: nodes on the network, transfers, time |
//! | 4 | [`config`] | `p2p.toml` |
//! | 4 | [`failure`] | an error as it is told, its next step and its exit code |
//! | 4 | [`session`], [`logging`], [`interrupt`], [`recordings`], [`scratch`] | what every front end begins with, and what ends it |
//! | 4 | [`access`], [`mailer`] | who uses a front end and what they may do; what sends the mails of accounts |
//! | 4 | [`report`], [`output`], [`progress`], [`qr`] | what front ends print; QR codes |
//! | 4 | [`offered`] | values of options that completions offer |
//! | 4 | [`experiment`] | one experiment on the virtual wire |
//! | 4 | [`shell`], [`asking`] | the one command language; who answers its questions where there is no screen |
//! | 4 | [`history`] | the lines that were typed |
//! | 4 | [`demo_users`] | the users of the demonstration |
//! | 5 | [`oneshot`], [`accounts`], [`language`], [`demo`], [`flow`], [`repl`], [`scripts`], [`replay`], [`tui`] | front ends: each knows what is below, none knows another |
//! | 6 | [`cli`] | the command line |

// `output` writes to both streams, and does not panic where they cannot be written.
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod access;
pub mod accounts;
pub mod asking;
pub mod auth;
pub mod cli;
pub mod codec;
pub mod config;
pub mod data_dir;
pub mod database;
pub mod demo;
pub mod demo_users;
pub mod engine;
pub mod experiment;
pub mod failure;
pub mod file_identity;
pub mod flow;
pub mod history;
pub mod interrupt;
pub mod language;
pub mod likeness;
pub mod logging;
pub mod mailer;
pub mod net;
pub mod node;
pub mod offered;
pub mod oneshot;
pub mod output;
pub mod panics;
pub mod pieces;
pub mod private_file;
pub mod progress;
pub mod qr;
pub mod random;
pub mod recordings;
pub mod repl;
pub mod replacement;
pub mod replay;
pub mod report;
pub mod scratch;
pub mod scripts;
pub mod session;
pub mod shell;
pub mod spelling;
pub mod storage;
pub mod stored_time;
pub mod text;
pub mod tui;
pub mod units;
