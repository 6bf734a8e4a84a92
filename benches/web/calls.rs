//! Dashboards that are answered in a second.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::cores::Cores;
use super::server::{FAST, Server, cpu_seconds};

/// Time for which dashboards are asked for.
const SPAN: Duration = Duration::from_secs(10);
/// Connections, each of which asks for one dashboard after the other.
const CLIENTS: usize = 16;

/// Asks for one dashboard after the other, on several connections at once. The clients do as little as clients can, because they share the
/// machine with the server.
pub(crate) async fn count(home: PathBuf) {
    let server = Server::start(&home, Cores::Shared, FAST, "1x", 1);
    let request = format!(
        "GET /api/v1/dashboard HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\r\n",
        server.address, server.tokens[0]
    );
    let (mut asking, started) = (JoinSet::new(), Instant::now());
    let before = [server.cpu_seconds(), cpu_seconds("self")];
    for _ in 0..CLIENTS {
        let (request, stream) = (request.clone(), TcpStream::connect(&server.address).await.unwrap());
        asking.spawn(asked(BufReader::new(stream), request, started));
    }
    let (mut all, mut bytes) = (0, 0);
    for (count, length) in asking.join_all().await {
        all += count;
        bytes = length;
    }
    let wall = started.elapsed().as_secs_f64();
    let [server, client] = [server.cpu_seconds() - before[0], cpu_seconds("self") - before[1]].map(|cpu| cpu / wall);
    let rate = f64::from(all) / wall;
    println!(
        "dashboards of {bytes} bytes on {CLIENTS} connections: {rate:.0} a second; the server takes {server:.2} and the clients {client:.2} \
         processors, which are {:.0} for a second of a processor of the server",
        rate / server
    );
}

/// Asks until the time is over, and returns how often, and the length of the last answer.
async fn asked(mut stream: BufReader<TcpStream>, request: String, started: Instant) -> (u32, usize) {
    let (mut count, mut line, mut body) = (0, String::new(), Vec::new());
    while started.elapsed() < SPAN {
        stream.get_mut().write_all(request.as_bytes()).await.unwrap();
        let (mut length, mut is_first) = (0, true);
        loop {
            line.clear();
            stream.read_line(&mut line).await.unwrap();
            assert!(!is_first || line.starts_with("HTTP/1.1 200"), "{line}");
            is_first = false;
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        assert!(length > 0, "an answer without a length");
        body.resize(length, 0);
        stream.read_exact(&mut body).await.unwrap();
        count += 1;
    }
    (count, body.len())
}
