//! Clients that are slower than the machine at the fastest speed: what their transfers take is virtual time, and not how often the machine
//! has looked for them.

use std::time::{Duration, Instant};

use bytes::Bytes;
use p2p_base::units::SimDuration;
use p2p_engine::stream::{StreamReader, StreamWriter};
use p2p_engine::transfer::{TransferReport, TransferState};
use p2p_engine::{ClockMode, EngineConfig, Patience};

use super::bench::{Bench, content, drain, key, named, on_a_runtime, remote};
use super::idle::steady;
use crate::harness::user;
use crate::program::DEADLINE;

const SEGMENT: usize = 64 << 10;
/// Content of forty segments.
const SIZE: usize = 40 * SEGMENT;
/// Virtual time for which a slow client waits before each segment. At the fastest speed that is none, unless time waits for the client.
const PAUSE: SimDuration = SimDuration::from_millis(5);

/// A server whose time passes as fast as the machine can. A client of this process gives or takes something within a second, also on a
/// machine that is busy with other tests.
fn fast(config: &mut EngineConfig) {
    steady(config);
    config.clock = ClockMode::Running;
    config.patience = Patience { client: Duration::from_secs(1), others: DEADLINE };
}

async fn pause(bench: &Bench) {
    let until = bench.handle.snapshot().await.unwrap().at + PAUSE;
    bench.handle.snapshots().wait_for(|snapshot| snapshot.at >= until).await.unwrap();
}

async fn feed_slowly(bench: &Bench, mut writer: StreamWriter, mut rest: Bytes) {
    while !rest.is_empty() {
        writer.write(rest.split_to(SEGMENT.min(rest.len()))).await.unwrap();
        pause(bench).await;
    }
    writer.finish().await.unwrap();
}

async fn drain_slowly(bench: &Bench, mut reader: StreamReader) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(bytes) = reader.read().await.unwrap() {
        all.extend_from_slice(&bytes);
        pause(bench).await;
    }
    all
}

fn seconds(report: &TransferReport) -> f64 {
    assert_eq!(report.status.state, TransferState::Done);
    (report.status.finished.unwrap() - report.status.started).as_secs_f64()
}

/// The virtual seconds of an upload and a download of a caller of this process, whom time waits for.
async fn local_seconds() -> [f64; 2] {
    let bench = Bench::with(fast);
    let stored = bench.store(&user("alice"), named("a"), &content(SIZE, 1)).await;
    let (fetched, _) = bench.fetch(&user("alice"), key("alice", "a"), None).await.unwrap();
    [&stored, &*fetched].map(seconds)
}

/// Returns what a future brings and the seconds that it takes here: as many virtual seconds may pass while time waits for clients.
#[expect(clippy::disallowed_methods, reason = "time that waits for a client passes by the wall clock")]
async fn timed<T>(work: impl Future<Output = T>) -> (T, f64) {
    let begun = Instant::now();
    (work.await, begun.elapsed().as_secs_f64())
}

fn assert_close(taken: f64, (local, waited): (f64, f64)) {
    assert!(taken >= local * 0.95 && taken <= local * 1.1 + waited, "{taken} s instead of {local} s, with {waited} s here");
}

#[test]
fn a_slow_writer_costs_its_upload_no_more_than_its_own_time() {
    on_a_runtime(async {
        let ([local, _], bench, bytes) = (local_seconds().await, Bench::with(fast), content(SIZE, 1));
        for name in ["a", "b"] {
            let begun = bench.begin(&remote("alice"), named(name)).await.unwrap();
            let both = async { tokio::join!(feed_slowly(&bench, begun.writer, bytes.clone()), bench.finished(begun.transfer)) };
            let (((), report), waited) = timed(both).await;
            assert_close(seconds(&report), (local, waited));
        }
    });
}

#[test]
fn a_slow_reader_costs_its_download_no_more_than_its_own_time() {
    on_a_runtime(async {
        let ([_, local], bench, bytes) = (local_seconds().await, Bench::with(fast), content(SIZE, 1));
        bench.store(&remote("alice"), named("a"), &bytes).await;
        for _ in 0..2 {
            let (transfer, reader) = bench.handle.download_stream(&remote("alice"), key("alice", "a"), None).await.unwrap();
            let both = async { tokio::join!(drain_slowly(&bench, reader), bench.finished(transfer)) };
            let ((read, report), waited) = timed(both).await;
            assert_eq!(read, bytes);
            assert_close(seconds(&report), (local, waited));
        }
    });
}

/// Beside readers that never read and a writer that gives a segment now and then, a client that keeps up is done as soon as without them,
/// but for the time in which the segments of that writer pass.
#[test]
fn a_quick_client_beside_slow_ones_takes_its_own_time() {
    on_a_runtime(async {
        let ([store, fetch], bench, bytes) = (local_seconds().await, Bench::with(fast), content(SIZE, 1));
        bench.store(&remote("alice"), named("a"), &bytes).await;
        let mut unread = Vec::new();
        for _ in 0..20 {
            unread.push(bench.handle.download_stream(&remote("alice"), key("alice", "a"), None).await.unwrap());
        }
        // What they have asked for shares the links until it is there.
        for (transfer, _) in &unread {
            bench.until(*transfer, |status| status.state == TransferState::Idle).await;
        }
        let mut writer = bench.begin(&remote("carol"), named("c")).await.unwrap().writer;
        let slow = async {
            for n in 0..8 {
                writer.write(content(SEGMENT, n)).await.unwrap();
                pause(&bench).await;
            }
            std::future::pending::<()>().await;
        };
        let quick = async {
            let stored = bench.store(&remote("alice"), named("b"), &bytes).await;
            let (transfer, mut reader) = bench.handle.download_stream(&remote("alice"), key("alice", "b"), None).await.unwrap();
            let (read, fetched) = tokio::join!(drain(&mut reader), bench.finished(transfer));
            assert_eq!(read.unwrap(), bytes);
            seconds(&stored) + seconds(&fetched)
        };
        let (taken, waited) = timed(async {
            tokio::select! { taken = quick => taken, () = slow => 0.0 }
        })
        .await;
        let share = 1.0 + 8.0 / 80.0;
        assert_close(taken, ((store + fetch) * share, waited + 0.2 * store));
    });
}
