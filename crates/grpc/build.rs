//! Compiles the contract of the services, `assets/proto`, without a `protoc` to install.

use std::error::Error;
use std::path::{Path, PathBuf};

use prost::Message;

/// Files of the contract, below the directory of all of them.
const FILES: [&str; 4] = ["p2p/v1/accounts.proto", "p2p/v1/admin.proto", "p2p/v1/files.proto", "p2p/v1/storage.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    let contract = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/proto");
    println!("cargo:rerun-if-changed={}", contract.display());
    let descriptors = protox::compile(FILES, [&contract])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("p2p_v1.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().bytes(".").build_transport(false).compile_fds(descriptors)?;
    Ok(())
}
