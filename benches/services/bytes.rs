//! Content through the services, and the same content through the gate directly.

use std::fs;
use std::io::{self, Cursor};
use std::path::Path;
use std::time::Instant;

use bytes::Bytes;
use p2p_base::random::RandomStream;
use p2p_grpc::client::Client;
use p2p_grpc::proto::{DownloadFileRequest, UploadHeader};
use p2p_service::access::Access;
use p2p_service::access::watching::Happening;
use p2p_service::files::Declared;
use p2p_service::instance::{EngineArgs, Instance};
use p2p_service::{ClockMode, Event};

use super::server::{FAST, Server, cpu_seconds};

/// Length of the content, in bytes.
const LENGTH: usize = 256 << 20;
/// Length of the pieces in which it is handed over, as the client of gRPC sends it.
const PIECE: usize = 256 << 10;
/// Rounds, of which the median counts. They are interleaved, so that what the machine does beside meets all alike.
const ROUNDS: usize = 5;

/// Seconds that one round took: on the clock, and of processor time in this process and the server.
struct Took {
    wall: f64,
    cpu: f64,
}

/// Stores and fetches the content directly, by gRPC, and by gRPC with TLS.
pub(crate) async fn compare(home: &Path) {
    let content = content();
    let instance = instance(&home.join("direct"));
    let access = instance.access("a benchmark").unwrap();
    let servers = [false, true].map(|with_tls| Server::start(home.join(if with_tls { "tls" } else { "plain" }), with_tls));
    let clients = [servers[0].client().await, servers[1].client().await];
    let mut puts: [Vec<Took>; 3] = Default::default();
    let mut gets: [Vec<Took>; 3] = Default::default();
    for round in 0..ROUNDS {
        let name = format!("{round}.bin");
        puts[0].push(timed(None, store_directly(&access, &name, &content)).await);
        gets[0].push(timed(None, fetch_directly(&access, &name)).await);
        for (index, (server, client)) in servers.iter().zip(&clients).enumerate() {
            puts[index + 1].push(timed(Some(server), store(client, &name, &content)).await);
            gets[index + 1].push(timed(Some(server), fetch(client, &name)).await);
        }
    }
    for (what, all) in [("stored", &puts), ("fetched", &gets)] {
        for (how, took) in ["through the gate directly", "by gRPC", "by gRPC with TLS"].iter().zip(all) {
            report(what, how, took, &all[0]);
        }
    }
    drop((access, clients, servers));
    drop(instance.end().await.unwrap());
}

fn report(what: &str, how: &str, took: &[Took], direct: &[Took]) {
    let (wall, cpu) = (median(took, |took| took.wall), median(took, |took| took.cpu));
    let rate = LENGTH as f64 / wall / f64::from(1 << 20);
    let share = 100.0 * median(direct, |took| took.wall) / wall;
    let spread = took.iter().map(|took| format!("{:.2}", took.wall)).collect::<Vec<_>>().join(" ");
    println!("{what} {how}: {rate:.0} MiB/s, {share:.0} % of directly; {cpu:.2} s of processor time; rounds {spread} s");
}

fn median(took: &[Took], figure: impl Fn(&Took) -> f64) -> f64 {
    let mut figures: Vec<f64> = took.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

async fn timed(server: Option<&Server>, work: impl Future<Output = ()>) -> Took {
    let cpu = || cpu_seconds("self") + server.map_or(0.0, Server::cpu_seconds);
    let (before, started) = (cpu(), Instant::now());
    work.await;
    Took { wall: started.elapsed().as_secs_f64(), cpu: cpu() - before }
}

fn content() -> Bytes {
    let (mut content, mut random) = (vec![0; LENGTH], RandomStream::new(1, "benchmark"));
    random.fill(&mut content);
    content.into()
}

fn instance(home: &Path) -> Instance {
    fs::create_dir(home).unwrap();
    let config = home.join("p2p.toml");
    fs::write(&config, FAST).unwrap();
    let mut args = EngineArgs { data_dir: Some(home.join("data")), ..EngineArgs::default() };
    args.simulation.config = Some(config);
    args.simulation.speed = Some("max".parse().unwrap());
    Instance::start(&args, ClockMode::Running).unwrap()
}

async fn store_directly(access: &Access, name: &str, content: &Bytes) {
    let mut events = access.events(None);
    let mut upload = access.upload_stream(name, Declared::default(), None).await.unwrap();
    for begin in (0..LENGTH).step_by(PIECE) {
        upload.writer.write(content.slice(begin..begin + PIECE)).await.unwrap();
    }
    upload.writer.finish().await.unwrap();
    loop {
        match events.next().await {
            Happening::Event(happened) => match &happened.event {
                Event::FileStored { file, .. } if file.name == name => return,
                Event::TransferFailed { error, .. } => panic!("{error}"),
                _ => {}
            },
            // The end of the file is among the latest.
            Happening::Lost(_) => {}
            Happening::End => panic!("the engine has stopped"),
        }
    }
}

async fn fetch_directly(access: &Access, name: &str) {
    let (_, mut reader) = access.download_stream(&access.identity(), name, None, None).await.unwrap();
    let mut length = 0;
    while let Some(bytes) = reader.read().await.unwrap() {
        length += bytes.len();
    }
    assert_eq!(length, LENGTH);
}

async fn store(client: &Client, name: &str, content: &Bytes) {
    let header = UploadHeader { path: name.to_owned(), ..UploadHeader::default() };
    let done = client.upload(header, Cursor::new(content.clone()), |_| {}, |_| {}).await.unwrap();
    assert_eq!(done.file.unwrap().size, LENGTH as u64);
}

async fn fetch(client: &Client, name: &str) {
    let wanted = DownloadFileRequest { path: name.to_owned(), ..DownloadFileRequest::default() };
    let mut length = 0;
    client.download(wanted, io::sink(), |_| {}, |come| length = come).await.unwrap();
    assert_eq!(length, LENGTH as u64);
}
