//! The integration tests: one binary, a module a subject. They use the library as a front end would.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic: that is how it fails")]

mod accounts;
mod architecture;
mod asking;
mod bad_input;
mod bounds;
mod capture;
mod cli;
mod command_line;
mod data_dir;
mod destinations;
mod dialogs;
mod endings;
mod engine;
mod fidelity;
mod figures;
mod foreign;
mod generated;
mod harness;
mod json;
mod kill;
mod policy;
mod program;
mod prompt;
mod pty;
mod readme;
mod screen;
mod seeds;
mod shell;
mod spellings;
mod strangers;
mod streams;
mod tui;
mod tui_harness;
mod undoing;
mod volumes;
