//! The integration tests: one binary, a module a subject. They use the library as a front end would.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic: that is how it fails")]

mod architecture;
mod bench;
mod capture;
mod engine;
mod fidelity;
