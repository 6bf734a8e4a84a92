//! The binary of the program: it carries out the command line and returns the exit code. All logic is in the library.
#![deny(clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;

fn main() -> ExitCode {
    p2p_storage::cli::main()
}
