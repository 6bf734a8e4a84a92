//! One transfer of a megabyte over a link of 10 Mbit/s that loses one packet in a hundred.

#![allow(clippy::print_stdout, reason = "an example shows what it has measured")]

use std::net::Ipv4Addr;

use bytes::Bytes;
use p2p_base::units::{Bandwidth, DelayRange, Probability, SimDuration, SimTime};
use p2p_net::{HostConfig, NetEvent, Network, Read, TcpConfig};

const PORT: u16 = 80;
const BYTES: usize = 1_000_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let delay = DelayRange::fixed(SimDuration::from_millis(10));
    let link = HostConfig::symmetric(Bandwidth::from_bits_per_second(10_000_000), delay, Probability::from_percent(1));
    let mut net = Network::new(42);
    let [sender, receiver] = [1, 2].map(|last| net.add_host(Ipv4Addr::new(10, 0, 0, last), &link));
    net.listen(receiver, PORT, TcpConfig::default())?;
    let connection = net.connect(sender, receiver, PORT, TcpConfig::default())?;

    let mut received = 0;
    while received < BYTES && net.handle_timeout(SimTime::MAX) {
        while let Some(event) = net.poll_event() {
            match event {
                NetEvent::Connected { .. } => net.write(connection, Bytes::from(vec![0; BYTES]))?,
                NetEvent::Readable { connection } => {
                    while let Read::Bytes(bytes) = net.read(connection, usize::MAX) {
                        received += bytes.len();
                    }
                }
                _ => {}
            }
        }
    }
    let stats = net.total_stats();
    println!("{received} bytes in {} s of virtual time, {} packets sent", net.now().as_secs_f64(), stats.sent.total());
    Ok(())
}
