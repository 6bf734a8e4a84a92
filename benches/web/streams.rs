//! Event streams that are open while nothing happens.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::Client;
use tokio::task::JoinSet;

use super::cores::Cores;
use super::server::{FAST, Server};

/// Event streams that are open, and how many a user has of them, of 32 that are permitted.
const STREAMS: usize = 200;
const OF_USER: usize = 25;
/// How many connections come from one address, of 64 that are permitted.
const OF_ADDRESS: usize = 50;
/// Time for which they are looked at; each gets a comment within it at least.
const SPAN: Duration = Duration::from_secs(30);

/// Opens event streams, and looks at what the server takes without and with them while nothing happens but probes.
pub(crate) async fn idle(home: PathBuf) {
    let server = Server::start(&home, Cores::Shared, FAST, "1x", STREAMS / OF_USER);
    let alone = share(&server).await;
    let (mut reading, read, ended) = (JoinSet::new(), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    for number in 0..STREAMS {
        let from = IpAddr::from(Ipv4Addr::new(127, 0, 0, 2 + (number / OF_ADDRESS) as u8));
        let client = Client::builder().no_proxy().local_address(from).build().unwrap();
        let request = client.get(format!("http://{}/api/v1/events", server.address));
        let mut answer = request.bearer_auth(&server.tokens[number / OF_USER]).send().await.unwrap();
        assert_eq!(answer.status(), 200, "stream {number}");
        let (read, ended) = (Arc::clone(&read), Arc::clone(&ended));
        reading.spawn(async move {
            let mut is_first = true;
            while let Ok(Some(_)) = answer.chunk().await {
                if std::mem::take(&mut is_first) {
                    read.fetch_add(1, Ordering::SeqCst);
                }
            }
            ended.fetch_add(1, Ordering::SeqCst);
        });
    }
    let with = share(&server).await;
    let (read, ended) = (read.load(Ordering::SeqCst), ended.load(Ordering::SeqCst));
    println!(
        "streams: {} open, of which {read} have told something and {ended} have ended; the server takes {with:.1} % of a processor, \
         {alone:.1} % without them; {} MiB resident",
        reading.len(),
        server.memory("VmRSS")
    );
}

async fn share(server: &Server) -> f64 {
    let before = server.cpu_seconds();
    tokio::time::sleep(SPAN).await;
    100.0 * (server.cpu_seconds() - before) / SPAN.as_secs_f64()
}
