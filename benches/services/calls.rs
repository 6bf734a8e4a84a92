//! Small calls: how many a second, and how many for a second of a core of the server.

use std::path::Path;
use std::pin::Pin;
use std::time::Instant;

use p2p_grpc::client::{Client, ClientError};
use p2p_grpc::proto::UploadHeader;
use tokio::task::JoinSet;

use super::cores::Cores;
use super::server::Server;

/// Calls of each kind in all.
const CALLS: usize = 64_000;
/// Connections, and calls that each has under way at once.
const CONNECTIONS: usize = 4;
const AT_ONCE: usize = 16;

/// One call of a client.
type Call = fn(Client) -> Pin<Box<dyn Future<Output = Result<(), ClientError>> + Send>>;

/// Asks who one is, and what a file is, without TLS and with it.
pub(crate) async fn count(home: &Path) {
    let kinds: [(&str, Call); 2] = [
        ("WhoAmI", |client| Box::pin(async move { client.who_am_i().await.map(drop) })),
        ("StatFile", |client| Box::pin(async move { client.stat("a").await.map(drop) })),
    ];
    for (with_tls, how) in [(false, ""), (true, " with TLS")] {
        let server = Server::start(home.join(format!("calls{}", usize::from(with_tls))), Cores::Shared, with_tls);
        let header = UploadHeader { path: "a".into(), ..UploadHeader::default() };
        server.client().await.upload(header, &b"a file"[..], |_| {}, |_| {}).await.unwrap();
        for (what, call) in kinds {
            measure(&server, &format!("{what}{how}"), call).await;
        }
    }
}

async fn measure(server: &Server, what: &str, call: Call) {
    let mut lanes = JoinSet::new();
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        clients.push(server.client().await);
    }
    let (before, started) = (server.cpu_seconds(), Instant::now());
    for lane in 0..CONNECTIONS * AT_ONCE {
        let client = clients[lane % CONNECTIONS].clone();
        lanes.spawn(async move {
            for _ in 0..CALLS / (CONNECTIONS * AT_ONCE) {
                call(client.clone()).await.unwrap();
            }
        });
    }
    while let Some(ended) = lanes.join_next().await {
        ended.unwrap();
    }
    let (wall, cpu) = (started.elapsed().as_secs_f64(), server.cpu_seconds() - before);
    let (a_second, a_core) = (CALLS as f64 / wall, CALLS as f64 / cpu);
    println!(
        "{what}: {a_second:.0} calls a second, with the clients on the same machine; {a_core:.0} for a second of a core of the server"
    );
}
