//! Operations on streams in random order, checked against a model of what is stored and what is kept.

use std::collections::BTreeMap;

use bytes::Bytes;
use p2p_base::random::RandomStream;
use p2p_base::units::{ByteSize, SimDuration};
use p2p_engine::operation::{ByteRange, Cancel, ForgetUpload, ListTransfers};
use p2p_engine::stream::StreamReader;
use p2p_engine::transfer::{TransferId, TransferState};
use p2p_engine::{BegunUpload, Caller};
use p2p_store::segment::SegmentSize;

use super::bench::{Bench, content, drain, feed, kept, key, named, on_a_runtime, remote, upload_id};
use crate::harness::user;

const SEGMENT: usize = 4 << 10;
const OPERATIONS: u64 = 60;

/// An upload whose writer is there.
struct Writing {
    name: String,
    /// Name by which it is kept, if it is.
    kept: Option<u8>,
    begun: BegunUpload,
    bytes: Bytes,
    given: usize,
}

/// What is expected: all that was stored, and what is parked of what content.
struct Model {
    random: RandomStream,
    stored: BTreeMap<String, Bytes>,
    parked: BTreeMap<u8, (String, Bytes)>,
    writing: Vec<Writing>,
    reading: Vec<(TransferId, String, StreamReader)>,
    next: u8,
}

impl Model {
    fn new(seed: u64) -> Model {
        let random = RandomStream::new(seed, "operations");
        Model { random, stored: BTreeMap::new(), parked: BTreeMap::new(), writing: vec![], reading: vec![], next: 0 }
    }

    /// One of so many.
    fn one_of(&mut self, count: usize) -> usize {
        self.random.below(count as u64) as usize
    }

    /// A caller of any door for whose stream virtual time does not wait, or at whom a whole stream is given at once.
    fn door(&mut self) -> Caller {
        if self.random.below(2) == 0 { remote("alice") } else { user("alice") }
    }

    async fn open(&mut self, bench: &Bench) {
        self.next += 1;
        let (name, size) = (format!("f{}", self.next), self.random.below(12 * SEGMENT as u64) as usize);
        // Some have the content of others.
        let bytes = content(size, self.random.below(4));
        let is_kept = self.random.below(2) == 0;
        let upload = if is_kept { kept(&name, upload_id(self.next)) } else { named(&name) };
        let begun = bench.begin(&remote("alice"), upload).await.unwrap();
        let kept = is_kept.then_some(self.next);
        self.writing.push(Writing { name, kept, begun, bytes, given: 0 });
    }

    async fn write(&mut self, bench: &Bench) {
        let (place, part) = (self.one_of(self.writing.len()), self.random.below(4));
        let writing = &mut self.writing[place];
        let end = (writing.given + SEGMENT * part as usize / 2 + 100).min(writing.bytes.len());
        let piece = writing.bytes.slice(writing.given..end);
        // Time has to pass for more than lies between the ends.
        let (written, ()) = tokio::join!(writing.begun.writer.write(piece), bench.pass(SimDuration::from_secs(2)));
        written.unwrap();
        writing.given = end;
    }

    /// Ends an upload: it is finished, cancelled, or its writer goes.
    async fn end(&mut self, bench: &Bench) {
        let place = self.one_of(self.writing.len());
        let Writing { name, kept, begun, bytes, given } = self.writing.swap_remove(place);
        let transfer = begun.transfer;
        match self.random.below(4) {
            0 | 1 => {
                let ((), report) = tokio::join!(feed(begun.writer, bytes.slice(given..), 0), bench.finished(transfer));
                assert_eq!(report.status.state, TransferState::Done, "{report:?}");
                self.stored.insert(name, bytes);
            }
            2 => {
                let report = bench.ask(Cancel { transfer }).await;
                assert_eq!(report.status.state, TransferState::Cancelled, "{report:?}");
            }
            _ => {
                drop(begun.writer);
                let state = bench.finished(transfer).await.status.state;
                assert_eq!(state, if kept.is_some() { TransferState::Parked } else { TransferState::Cancelled });
                self.parked.extend(kept.map(|id| (id, (name, bytes))));
            }
        }
    }

    /// Continues a parked upload to its end, by any door, or for a while, or forgets it.
    async fn resume(&mut self, bench: &Bench) {
        let place = self.one_of(self.parked.len());
        let id = *self.parked.keys().nth(place).unwrap();
        let (name, bytes) = self.parked.remove(&id).unwrap();
        let upload = kept(&name, upload_id(id));
        match self.random.below(3) {
            0 => {
                let caller = self.door();
                let report = bench.store(&caller, upload, &bytes).await;
                assert_eq!(report.status.state, TransferState::Done, "{report:?}");
                self.stored.insert(name, bytes);
            }
            1 => {
                let begun = bench.begin(&remote("alice"), upload).await.unwrap();
                let given = begun.offset as usize;
                self.writing.push(Writing { name, kept: Some(id), begun, bytes, given });
            }
            _ => {
                let transfer = bench.handle.call(&user("alice"), ForgetUpload { upload: upload_id(id) }).await.unwrap();
                bench.finished(transfer).await;
            }
        }
    }

    async fn read(&mut self, bench: &Bench) {
        let place = self.one_of(self.stored.len());
        let name = self.stored.keys().nth(place).unwrap().clone();
        let (bytes, caller) = (self.stored[&name].clone(), self.door());
        let (first, len) = (self.random.below(bytes.len() as u64 + 1), self.random.below(bytes.len() as u64 + 1));
        let range = ByteRange { first, len: Some(len) };
        let (_, read) = bench.fetch(&caller, key("alice", &name), Some(range)).await.unwrap();
        assert!(read == bytes[first as usize..(first + len).min(bytes.len() as u64) as usize], "{name}, {range:?}");
        let (transfer, reader) = bench.handle.download_stream(&remote("alice"), key("alice", &name), None).await.unwrap();
        self.reading.push((transfer, name, reader));
    }

    /// Reads a stalled download to its end, or drops its reader.
    async fn serve(&mut self, bench: &Bench) {
        let place = self.one_of(self.reading.len());
        let (transfer, name, mut reader) = self.reading.swap_remove(place);
        if self.random.below(3) == 0 {
            drop(reader);
            bench.finished(transfer).await;
        } else {
            let (read, _) = tokio::join!(drain(&mut reader), bench.finished(transfer));
            assert!(read.unwrap() == self.stored[&name], "{name}");
        }
    }

    async fn step(&mut self, bench: &Bench) {
        match self.random.below(12) {
            0..2 => self.open(bench).await,
            2..6 if !self.writing.is_empty() => self.write(bench).await,
            6..8 if !self.writing.is_empty() => self.end(bench).await,
            8 if !self.parked.is_empty() => self.resume(bench).await,
            9 if !self.stored.is_empty() => self.read(bench).await,
            10 if !self.reading.is_empty() => self.serve(bench).await,
            _ => bench.pass(SimDuration::from_secs(120)).await,
        }
        self.is_so(bench).await;
    }

    /// What is listed is what is expected.
    async fn is_so(&self, bench: &Bench) {
        let stored: Vec<String> = self.stored.keys().map(|name| key("alice", name).to_string()).collect();
        let mut files = bench.files().await;
        files.sort();
        assert_eq!(files, stored);
        let running = self.writing.iter().filter_map(|writing| writing.kept);
        let mut expected: Vec<_> = self.parked.keys().copied().chain(running).map(upload_id).collect();
        expected.sort();
        let uploads: Vec<_> = bench.uploads(&user("alice")).await.into_iter().map(|upload| upload.id).collect();
        assert_eq!(uploads, expected);
    }

    /// Ends all that runs, compares every file, and leaves nothing.
    async fn finish(mut self, bench: &Bench) {
        while !self.writing.is_empty() {
            self.end(bench).await;
        }
        while !self.reading.is_empty() {
            self.serve(bench).await;
        }
        for (name, bytes) in &self.stored {
            assert!(bench.all_of(&remote("alice"), key("alice", name)).await == *bytes, "{name}");
        }
        for id in self.parked.keys() {
            let transfer = bench.handle.call(&remote("alice"), ForgetUpload { upload: upload_id(*id) }).await.unwrap();
            bench.finished(transfer).await;
        }
        for name in self.stored.keys() {
            bench.remove(key("alice", name)).await;
        }
        assert!(bench.ask(ListTransfers).await.iter().all(|status| status.state.is_over()));
        assert_eq!(bench.segments(), Vec::<std::path::PathBuf>::new());
    }
}

#[test]
fn whatever_streams_do_what_is_stored_is_what_was_given() {
    for seed in 0..8 {
        on_a_runtime(async {
            let bench = Bench::with(|config| {
                config.segment_size = SegmentSize::new(ByteSize::from_bytes(SEGMENT as u64)).unwrap();
                config.memory = ByteSize::from_kib(512);
            });
            let mut model = Model::new(seed);
            for _ in 0..OPERATIONS {
                model.step(&bench).await;
            }
            model.finish(&bench).await;
        });
    }
}
