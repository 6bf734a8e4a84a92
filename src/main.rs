//! The binary: it does what the command line says, and gives the exit code. No logic lives here.
#![deny(clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;

fn main() -> ExitCode {
    p2p_storage::cli::main()
}
