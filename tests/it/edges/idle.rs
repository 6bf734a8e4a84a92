//! Streams of remote origin that stall: nobody waits for them, they hold little, and they continue when they can.

use bytes::Bytes;
use p2p_base::units::{ByteSize, DelayRange, Probability, SimDuration, SimTime};
use p2p_engine::operation::{Cancel, Download, ListConnections, Sink, Sleep, Source, Upload};
use p2p_engine::pace::{Activity, Pace, Speed};
use p2p_engine::stream::{SinkStream, SourceStream};
use p2p_engine::transfer::{TransferId, TransferState};
use p2p_engine::{Command, EngineConfig, Event, operation};
use p2p_net::HostConfig;
use p2p_store::segment::SegmentSize;
use tokio::task::JoinSet;

use super::bench::{Bench, content, drain, feed, key, named, on_a_runtime, remote};
use crate::harness::{Harness, config, quick_link, random_file, user};

const HOUR: SimDuration = SimDuration::from_secs(3_600);
const SEGMENT: usize = 64 << 10;

/// Links on which the same transfer takes the same time.
pub(super) fn steady(config: &mut EngineConfig) {
    let delay = DelayRange::fixed(SimDuration::from_millis(5));
    let link = HostConfig::symmetric("1MiB/s".parse().unwrap(), delay, Probability::NEVER);
    config.client.link = link;
    config.nodes.iter_mut().for_each(|node| node.host.link = link);
}

/// The virtual time that an upload of somebody else takes meanwhile.
async fn others_take(bench: &Bench) -> SimDuration {
    let report = bench.store(&user("bob"), named("b"), &content(4_000_000, 2)).await;
    assert_eq!(report.status.state, TransferState::Done);
    report.status.finished.unwrap() - report.status.started
}

#[test]
fn a_source_that_stalls_for_an_hour_holds_nobody() {
    on_a_runtime(async {
        let alone = others_take(&Bench::with(steady)).await;
        let (bench, bytes) = (Bench::with(steady), content(1_000_001, 1));
        let mut events = bench.handle.events(None).live;
        let begun = bench.begin_with(&remote("alice"), named("a"), &bytes.slice(..500_000)).await;
        bench.until(begun.transfer, |status| status.state == TransferState::Idle).await;
        bench.pass(HOUR).await;
        let beside = others_take(&bench).await;
        let ratio = beside.as_secs_f64() / alone.as_secs_f64();
        assert!((0.95..=1.05).contains(&ratio), "{beside} instead of {alone}");
        bench.pass(HOUR).await;
        assert_eq!(bench.status(begun.transfer).await.state, TransferState::Idle);
        assert!(bench.handle.snapshots().borrow().at > SimTime::ZERO + HOUR + HOUR);
        let ((), report) = tokio::join!(feed(begun.writer, bytes.slice(500_000..), 0), bench.finished(begun.transfer));
        assert_eq!((report.status.state, report.status.bytes, report.status.retransmits), (TransferState::Done, 1_000_001, 0));
        assert_eq!(bench.all_of(&user("alice"), key("alice", "a")).await, bytes);
        while let Ok(numbered) = events.try_recv() {
            let is_late = matches!(numbered.event, Event::SegmentRetried { .. } | Event::TransferFailed { .. });
            assert!(!is_late, "{numbered:?}");
        }
    });
}

#[test]
fn a_sink_that_never_reads_holds_nobody() {
    on_a_runtime(async {
        let alone = others_take(&Bench::with(steady)).await;
        let (bench, bytes) = (Bench::with(steady), content(2_000_001, 1));
        bench.store(&remote("alice"), named("a"), &bytes).await;
        let (transfer, mut reader) = bench.handle.download_stream(&remote("alice"), key("alice", "a"), None).await.unwrap();
        let idle = bench.until(transfer, |status| status.state == TransferState::Idle).await;
        assert!(idle.bytes_done <= 4 * SEGMENT as u64, "{idle:?}");
        bench.pass(HOUR).await;
        let connected = bench.ask(ListConnections).await;
        assert!(connected.is_empty(), "who asks for nothing keeps no connection: {connected:?}");
        let beside = others_take(&bench).await;
        let ratio = beside.as_secs_f64() / alone.as_secs_f64();
        assert!((0.95..=1.05).contains(&ratio), "{beside} instead of {alone}");
        assert_eq!(bench.status(transfer).await.state, TransferState::Idle);
        let (read, report) = tokio::join!(drain(&mut reader), bench.finished(transfer));
        assert_eq!((read.unwrap(), report.status.state), (bytes.to_vec(), TransferState::Done));
        // Reading again after the end gives the end again.
        assert_eq!(reader.read().await, Ok(None));
    });
}

const MEMORY: ByteSize = ByteSize::from_mib(16);
const SMALL: usize = 32 << 10;

/// Little memory: fifty of both with four segments each would need most of it, and streams may have half.
fn tight(config: &mut EngineConfig) {
    config.memory = MEMORY;
    config.segment_size = SegmentSize::new(ByteSize::from_bytes(SMALL as u64)).unwrap();
}

#[test]
fn fifty_stalled_streams_of_both_kinds_end_once_they_are_served() {
    on_a_runtime(async {
        let bench = Bench::with(tight);
        let common = content(6 * SMALL + 1, 0);
        bench.store(&remote("alice"), named("common"), &common).await;
        let mut work = JoinSet::new();
        let (mut writers, mut readers) = (Vec::new(), Vec::new());
        for n in 0..50 {
            let mut begun = bench.begin(&remote("alice"), named(&format!("up{n}"))).await.unwrap();
            begun.writer.write(content(6 * SMALL + 7, n).slice(..2 * SMALL)).await.unwrap();
            writers.push(begun);
            readers.push(bench.handle.download_stream(&remote("alice"), key("alice", "common"), None).await.unwrap());
        }
        bench.pass(HOUR).await;
        // Others go on, of the same user too. Streams of remote origin have half of the memory, and may have to wait for each other.
        for (name, salt) in [("bob", 1_000), ("alice", 1_001)] {
            let bytes = content(1_000_000, salt);
            let report = bench.store(&user(name), named("other"), &bytes).await;
            let took = report.status.finished.unwrap() - report.status.started;
            assert!(report.status.state == TransferState::Done && took < SimDuration::from_secs(5), "{took}: {report:?}");
            assert_eq!(bench.all_of(&user(name), key(name, "other")).await, bytes);
        }
        let transfers: Vec<TransferId> =
            writers.iter().map(|begun| begun.transfer).chain(readers.iter().map(|(transfer, _)| *transfer)).collect();
        for (n, begun) in (0..).zip(writers) {
            work.spawn(async move {
                feed(begun.writer, content(6 * SMALL + 7, n).slice(2 * SMALL..), 0).await;
                None
            });
        }
        for (_, mut reader) in readers {
            work.spawn(async move { Some(drain(&mut reader).await.unwrap()) });
        }
        for transfer in transfers {
            assert_eq!(bench.finished(transfer).await.status.state, TransferState::Done);
        }
        while let Some(read) = work.join_next().await {
            assert!(read.unwrap().is_none_or(|read| read == common));
        }
        for n in 0..50 {
            let stored = bench.all_of(&user("alice"), key("alice", &format!("up{n}"))).await;
            assert!(stored == content(6 * SMALL + 7, n), "up{n}");
        }
    });
}

fn stalled_upload(name: &str) -> Command {
    let source = Source::Stream { stream: SourceStream::default(), size: None, keep: None };
    Command::Upload(Upload {
        source,
        name: Some(name.into()),
        stored_at: 1,
        stored_as: Default::default(),
        owner: None,
        preferred: None,
    })
}

fn unread(name: &str) -> Command {
    Command::Download(Download {
        file: key("alice", name),
        range: None,
        expected: None,
        sink: Sink::Stream(SinkStream::default()),
    })
}

/// What no stream gives or takes, on a bench: how much memory it holds.
#[test]
fn stalled_streams_hold_little_and_all_of_them_no_more_than_there_is() {
    let mut bench = Harness::with(|directory| {
        let mut config = config(directory, 3, quick_link());
        tight(&mut config);
        config
    });
    random_file(&bench.path("a"), 20 * SMALL, 1);
    let upload = bench.upload_of("a");
    let transfer = bench.start_as(&user("alice"), upload).unwrap();
    bench.finish(transfer).unwrap();
    assert_eq!((bench.simulation.memory_in_use(), bench.simulation.activity()), (0, Activity::Nothing));
    let first = bench.start_as(&remote("alice"), unread("a")).unwrap();
    bench.ask(Sleep { span: HOUR }).unwrap();
    let held = bench.simulation.memory_in_use();
    assert!(held > 0 && held <= 4 * SMALL as u64, "{held}");
    assert_eq!(bench.simulation.activity(), Activity::Idle);
    let mut all = vec![first];
    for n in 0..50 {
        all.push(bench.start_as(&remote("alice"), unread("a")).unwrap());
        all.push(bench.start_as(&remote("bob"), stalled_upload(&format!("up{n}"))).unwrap());
        assert!(bench.simulation.memory_in_use() <= MEMORY.as_u64());
    }
    bench.ask(Sleep { span: HOUR }).unwrap();
    let held = bench.simulation.memory_in_use();
    assert!(held <= MEMORY.as_u64() / 2 + 8 * SMALL as u64, "{held}: streams leave others half of the memory");
    let other = bench.start_as(&user("alice"), operation::Download::to_nowhere(key("alice", "a"))).unwrap();
    bench.finish(other).unwrap();
    for transfer in all {
        bench.ask(Cancel { transfer }).unwrap();
    }
    assert_eq!((bench.simulation.memory_in_use(), bench.simulation.activity()), (0, Activity::Nothing));
}

/// At the highest speed, time that only idle streams are there for passes as that of their other ends does.
#[test]
fn time_is_real_where_only_idle_streams_are_there() {
    let mut bench = Harness::new(3, quick_link());
    let transfer = bench.start_as(&remote("alice"), stalled_upload("a")).unwrap();
    bench.ask(Sleep { span: HOUR }).unwrap();
    assert_eq!(bench.simulation.activity(), Activity::Idle);
    // Neither does who waits for such a transfer make time pass faster, but who waits for anything else does.
    bench.tell_as(&remote("alice"), operation::Await { transfer });
    assert_eq!(bench.simulation.activity(), Activity::Idle);
    bench.tell(Sleep { span: HOUR });
    assert_eq!(bench.simulation.activity(), Activity::Busy);
    let now = SimTime::ZERO + HOUR;
    for speed in [Speed::Max, Speed::Thousandths(1_000_000), Speed::Thousandths(1)] {
        let pace = Pace::new(speed, now);
        let wait = pace.wait_until(now + HOUR, Activity::Idle).unwrap().as_secs();
        assert!((3_000..=3_600).contains(&wait), "{speed}: {wait}");
        assert!(pace.allowed(Activity::Idle) < now + HOUR);
    }
}

/// Bytes of a piece that is no segment yet are not lost between two stalls.
#[test]
fn a_stream_that_stalls_within_segments_loses_no_byte() {
    on_a_runtime(async {
        let (bench, bytes) = (Bench::new(), content(3 * SEGMENT + 5, 1));
        let mut begun = bench.begin(&remote("alice"), named("a")).await.unwrap();
        let mut rest: Bytes = bytes.clone();
        for piece in [1, SEGMENT - 2, 1, 1, SEGMENT, 3] {
            begun.writer.write(rest.split_to(piece)).await.unwrap();
            bench.pass(HOUR).await;
        }
        let ((), report) = tokio::join!(feed(begun.writer, rest, 0), bench.finished(begun.transfer));
        assert_eq!(report.status.segments, 4);
        assert_eq!(bench.all_of(&user("alice"), key("alice", "a")).await, bytes);
    });
}
