//! The gate in the process of the benchmark: an engine as fast as it can be, and a file fetched from it directly.

use std::fs;
use std::path::Path;

use p2p_service::ClockMode;
use p2p_service::access::Access;
use p2p_service::instance::{EngineArgs, Instance};

/// Starts an engine with this configuration, in a directory that is made for it.
pub(crate) fn instance(home: &Path, config: &str) -> Instance {
    fs::create_dir(home).unwrap();
    let file = home.join("p2p.toml");
    fs::write(&file, config).unwrap();
    let mut args = EngineArgs { data_dir: Some(home.join("data")), ..EngineArgs::default() };
    args.simulation.config = Some(file);
    args.simulation.speed = Some("max".parse().unwrap());
    Instance::start(&args, ClockMode::Running).unwrap()
}

/// Fetches a file of this length through the gate.
pub(crate) async fn fetch_directly(access: &Access, name: &str, length_wanted: usize) {
    let (_, mut reader) = access.download_stream(&access.identity(), name, None, None).await.unwrap();
    let mut length = 0;
    while let Some(bytes) = reader.read().await.unwrap() {
        length += bytes.len();
    }
    assert_eq!(length, length_wanted);
}
