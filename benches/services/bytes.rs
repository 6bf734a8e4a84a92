//! Content through the services, and the same content through the gate directly.

use std::fs;
use std::io::{self, Cursor};
use std::path::Path;
use std::time::Instant;

use bytes::Bytes;
use p2p_base::random::RandomStream;
use p2p_grpc::client::Client;
use p2p_grpc::proto::{DownloadFileRequest, UploadHeader};
use p2p_service::Event;
use p2p_service::access::Access;
use p2p_service::access::watching::Happening;
use p2p_service::files::Declared;

use super::cores::Cores;
use super::gate;
use super::server::{FAST, Server, cpu_seconds};
use super::sftp::{Login, OpenSsh};

/// Length of the content, in bytes.
const LENGTH: usize = 256 << 20;
/// Length of the pieces in which it is handed over, as the client of gRPC sends it.
const PIECE: usize = 256 << 10;
/// Rounds, of which the median counts. They are interleaved, so that what the machine does beside meets all alike.
const ROUNDS: usize = 5;

/// Seconds that one round took: on the clock, and of processor time of the client and the server.
struct Took {
    wall: f64,
    cpu: f64,
}

/// One way by which the content comes and goes.
enum Way {
    Gate(Access),
    Grpc(Server, Box<Client>),
    Sftp(Server, Login),
    OpenSsh(OpenSsh),
}

impl Way {
    /// Returns the processor time of the server, and of this process with the programs that it has run.
    fn cpu_seconds(&self) -> f64 {
        let here = cpu_seconds("self");
        match self {
            Way::Gate(_) => here,
            Way::Grpc(server, _) | Way::Sftp(server, _) => here + server.cpu_seconds(),
            Way::OpenSsh(server) => here + server.cpu_seconds(),
        }
    }

    async fn store(&self, name: &str, content: &Bytes) {
        match self {
            Way::Gate(access) => store_directly(access, name, content).await,
            Way::Grpc(_, client) => store(client, name, content).await,
            Way::Sftp(_, login) | Way::OpenSsh(OpenSsh { login, .. }) => login.store(name),
        }
    }

    async fn fetch(&self, name: &str) {
        match self {
            Way::Gate(access) => gate::fetch_directly(access, name, LENGTH).await,
            Way::Grpc(_, client) => fetch(client, name).await,
            Way::Sftp(_, login) | Way::OpenSsh(OpenSsh { login, .. }) => login.fetch(name, LENGTH as u64),
        }
    }
}

/// Stores and fetches the content directly, by gRPC without and with TLS, by SFTP, and by SFTP at OpenSSH's server.
pub(crate) async fn compare(home: &Path, cores: Cores) {
    println!("cores: {cores:?}");
    let content = content();
    fs::write(home.join("content.bin"), &content).unwrap();
    let instance = cores.serving(|| gate::instance(&home.join("direct"), FAST));
    let ways = ways(home, cores, instance.access("a benchmark").unwrap()).await;
    let mut took: Vec<[Vec<Took>; 2]> = ways.iter().map(|_| Default::default()).collect();
    for round in 0..ROUNDS {
        let name = format!("{round}.bin");
        for ((_, way), [puts, gets]) in ways.iter().zip(&mut took) {
            puts.push(timed(way, way.store(&name, &content)).await);
            gets.push(timed(way, way.fetch(&name)).await);
        }
    }
    for (which, what) in ["stored", "fetched"].into_iter().enumerate() {
        for ((how, _), took_it) in ways.iter().zip(&took) {
            report(what, how, &took_it[which], &took[0][which]);
        }
    }
    drop(ways);
    drop(instance.end().await.unwrap());
}

async fn ways(home: &Path, cores: Cores, access: Access) -> Vec<(&'static str, Way)> {
    let start = |name: &str, with_tls| Server::start(home.join(name), cores, with_tls);
    let mut ways = vec![("through the gate directly", Way::Gate(access))];
    for (how, name, with_tls) in [("by gRPC", "plain", false), ("by gRPC with TLS", "tls", true)] {
        let server = start(name, with_tls);
        let client = Box::new(server.client().await);
        ways.push((how, Way::Grpc(server, client)));
    }
    let server = start("ssh", false);
    let login = server.login(home);
    ways.push(("by SFTP", Way::Sftp(server, login)));
    match OpenSsh::start(&home.join("openssh"), cores, home) {
        Some(server) => ways.push(("by SFTP at OpenSSH's sftp-server, on this disk", Way::OpenSsh(server))),
        None => println!("OpenSSH's server is not installed, so nothing is beside ours"),
    }
    ways
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

async fn timed(way: &Way, work: impl Future<Output = ()>) -> Took {
    let (before, started) = (way.cpu_seconds(), Instant::now());
    work.await;
    Took { wall: started.elapsed().as_secs_f64(), cpu: way.cpu_seconds() - before }
}

fn content() -> Bytes {
    let (mut content, mut random) = (vec![0; LENGTH], RandomStream::new(1, "benchmark"));
    random.fill(&mut content);
    content.into()
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
