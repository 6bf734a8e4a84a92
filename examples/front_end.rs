//! A front end in thirty lines: a client of the service alone that stores a stream, follows the events until it is a file, and fetches
//! a range of it. Services are built as it is.
//!
//! `cargo run --example front_end [DIRECTORY]`

use std::path::PathBuf;

use eyre::{Result, bail};
use p2p_service::access::range::WantedRange;
use p2p_service::access::watching::Happening;
use p2p_service::files::Declared;
use p2p_service::instance::{EngineArgs, Instance};
use p2p_service::scratch::Scratch;
use p2p_service::{ClockMode, Event};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let scratch = Scratch::temporary("p2p-front-end-")?;
    let data_dir = std::env::args_os().nth(1).map_or_else(|| scratch.path().join("data"), PathBuf::from);
    println!("{}", store_and_fetch(data_dir).await?);
    Ok(())
}

/// Stores a file in a data directory, and returns a part of it.
pub(crate) async fn store_and_fetch(data_dir: PathBuf) -> Result<String> {
    let mut args = EngineArgs { data_dir: Some(data_dir), ..EngineArgs::default() };
    args.simulation.speed = Some("max".parse()?);
    let instance = Instance::start(&args, ClockMode::Running)?;
    let access = instance.access("an example")?;
    let mut events = access.events(None);
    let mut upload = access.upload_stream("greeting", Declared::default(), None).await?;
    upload.writer.write("Hello, world".into()).await?;
    upload.writer.finish().await?;
    loop {
        match events.next().await {
            Happening::Event(happened) => match &happened.event {
                Event::FileStored { file, .. } if file.name == "greeting" => break,
                Event::TransferFailed { error, .. } => bail!("it is not stored: {error}"),
                _ => {}
            },
            Happening::Lost(_) | Happening::End => bail!("nobody knows what has become of it"),
        }
    }
    // An answer of the engine says that what is shown is as new as the event.
    access.files().await?;
    let range = WantedRange::From { first: 7, last: Some(11) };
    let (_, mut reader) = access.download_stream(&access.identity(), "greeting", Some(range), None).await?;
    let mut part = Vec::new();
    while let Some(bytes) = reader.read().await? {
        part.extend_from_slice(&bytes);
    }
    drop((access, events, reader));
    drop(instance.end().await?);
    Ok(String::from_utf8(part)?)
}
