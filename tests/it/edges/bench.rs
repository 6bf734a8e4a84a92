//! An engine with a thread of its own whose virtual time passes only while somebody waits for it, and streams of it.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use p2p_base::random::RandomStream;
use p2p_base::units::SimDuration;
use p2p_engine::operation::{Await, ByteRange, Keep, KeptUpload, ListFiles, ListTransfers, ListUploads, Sleep};
use p2p_engine::stream::{StreamBroken, StreamReader, StreamWriter};
use p2p_engine::transfer::{TransferId, TransferReport, TransferStatus};
use p2p_engine::{
    BegunUpload, Caller, Engine, EngineConfig, EngineError, EngineHandle, Operation, Origin, StreamUpload, operation,
};
use p2p_store::names::FileKey;
use p2p_store::uploads::UploadId;
use tokio::runtime::Builder;
use tokio::time::timeout;

use crate::harness::{OPERATOR, config, quick_link, segments_below, user};
use crate::program::{DEADLINE, comes_true};

/// A client of a service, who is logged in.
pub(super) fn remote(name: &str) -> Caller {
    Caller { origin: Origin::Remote(IpAddr::V4(Ipv4Addr::LOCALHOST)), ..user(name) }
}

pub(super) fn content(bytes: usize, salt: u64) -> Bytes {
    let mut content = vec![0; bytes];
    RandomStream::new(salt, "content").fill(&mut content);
    content.into()
}

pub(super) fn key(owner: &str, name: &str) -> FileKey {
    FileKey::new(Some(owner), name)
}

/// What is stored under this name, of unknown size, and is not kept.
pub(super) fn named(name: &str) -> StreamUpload {
    StreamUpload {
        name: name.into(),
        owner: None,
        size: None,
        keep: None,
        stored_at: 1,
        stored_as: Default::default(),
        preferred: None,
    }
}

/// What is stored under this name and kept until the instant 1000.
pub(super) fn kept(name: &str, id: UploadId) -> StreamUpload {
    StreamUpload { keep: Some(Keep { id, expires_at: 1_000, modified: None }), ..named(name) }
}

pub(super) fn upload_id(n: u8) -> UploadId {
    UploadId::new([n; 16])
}

/// Runs a test, which has to be over in time.
pub(super) fn on_a_runtime<T>(test: impl Future<Output = T>) -> T {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { timeout(DEADLINE, test).await.expect("it takes too long") })
}

pub(super) struct Bench {
    pub(super) handle: EngineHandle,
    engine: Engine,
    config: EngineConfig,
    home: tempfile::TempDir,
}

impl Bench {
    /// On quick links, with three nodes.
    pub(super) fn new() -> Bench {
        Bench::with(|_| {})
    }

    pub(super) fn with(change: impl FnOnce(&mut EngineConfig)) -> Bench {
        let home = tempfile::tempdir().unwrap();
        let mut config = config(&home.path().join("data"), 3, quick_link());
        change(&mut config);
        let (engine, handle) = Engine::start(config.clone(), None).unwrap();
        Bench { handle, engine, config, home }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Ends the engine as a kill would, without any leave, and starts it again on what it has left.
    pub(super) fn restart(self, recording: Option<&Path>) -> Bench {
        let Bench { handle, engine, config, home } = self;
        drop(handle);
        engine.join().unwrap();
        let mut started = None;
        // A program that another test starts at this instant shares the locks of this process until it is executed.
        comes_true(|| {
            let begun = Engine::start(config.clone(), recording);
            started = Some(begun).filter(|begun| !begun.as_ref().is_err_and(EngineError::is_in_use));
            started.is_some()
        });
        let (engine, handle) = started.expect("the directory is free within the deadline").unwrap();
        Bench { handle, engine, config, home }
    }

    pub(super) async fn ask<O: Operation>(&self, operation: O) -> O::Reply {
        self.handle.call(&OPERATOR, operation).await.unwrap()
    }

    /// Lets virtual time pass.
    pub(super) async fn pass(&self, span: SimDuration) {
        self.ask(Sleep { span }).await;
    }

    /// Lets virtual time pass until a transfer is as it is said.
    pub(super) async fn until(&self, transfer: TransferId, is_so: impl Fn(&TransferStatus) -> bool) -> TransferStatus {
        loop {
            self.pass(SimDuration::from_millis(10)).await;
            let status = self.status(transfer).await;
            if is_so(&status) {
                return status;
            }
        }
    }

    pub(super) async fn status(&self, transfer: TransferId) -> TransferStatus {
        self.ask(ListTransfers).await.into_iter().find(|status| status.id == transfer).unwrap()
    }

    pub(super) async fn finished(&self, transfer: TransferId) -> Box<TransferReport> {
        self.ask(Await { transfer }).await
    }

    pub(super) async fn begin(&self, caller: &Caller, upload: StreamUpload) -> Result<BegunUpload, EngineError> {
        self.handle.upload_stream(caller, upload).await
    }

    /// Begins an upload and gives it content without an end, all of which the engine takes off the stream.
    pub(super) async fn begin_with(&self, caller: &Caller, upload: StreamUpload, bytes: &Bytes) -> BegunUpload {
        let mut begun = self.begin(caller, upload).await.unwrap();
        let (offset, len) = (begun.offset as usize, bytes.len() as u64);
        let segment = self.config.segment_size.as_usize() as u64;
        let taken = |status: &TransferStatus| status.bytes_arrived >= len - len % segment;
        let (written, _) = tokio::join!(begun.writer.write(bytes.slice(offset..)), self.until(begun.transfer, taken));
        written.unwrap();
        begun
    }

    /// Stores content, or the rest of it, and returns the report.
    pub(super) async fn store(&self, caller: &Caller, upload: StreamUpload, bytes: &Bytes) -> Box<TransferReport> {
        let begun = self.begin(caller, upload).await.unwrap();
        let rest = bytes.slice(begun.offset as usize..);
        let ((), report) = tokio::join!(feed(begun.writer, rest, 0), self.finished(begun.transfer));
        report
    }

    /// Fetches a file or a range of it.
    pub(super) async fn fetch(
        &self,
        caller: &Caller,
        file: FileKey,
        range: Option<ByteRange>,
    ) -> Result<(Box<TransferReport>, Vec<u8>), EngineError> {
        let (transfer, mut reader) = self.handle.download_stream(caller, file, range).await?;
        let (report, read) = tokio::join!(self.finished(transfer), drain(&mut reader));
        Ok((report, read.unwrap()))
    }

    /// All of a file.
    pub(super) async fn all_of(&self, caller: &Caller, file: FileKey) -> Vec<u8> {
        self.fetch(caller, file, None).await.unwrap().1
    }

    pub(super) async fn files(&self) -> Vec<String> {
        self.ask(ListFiles).await.into_iter().map(|file| file.key.to_string()).collect()
    }

    pub(super) async fn uploads(&self, caller: &Caller) -> Vec<KeptUpload> {
        self.handle.call(caller, ListUploads).await.unwrap()
    }

    pub(super) async fn remove(&self, file: FileKey) {
        let transfer = self.ask(operation::Remove { file, recursive: false, expected: None }).await;
        self.finished(transfer).await;
    }

    pub(super) fn segments(&self) -> Vec<PathBuf> {
        segments_below(&self.config.data_dir)
    }
}

/// Gives content to its end, piece by piece of up to `most` bytes with pauses in between, or all at once. Whether the upload goes
/// well, its report says.
pub(super) async fn feed(mut writer: StreamWriter, bytes: Bytes, most: u64) {
    let (mut rest, mut random) = (bytes, RandomStream::new(most, "pieces"));
    while !rest.is_empty() {
        let piece = if most == 0 { rest.len() } else { random.below(most) as usize + 1 };
        if writer.write(rest.split_to(piece.min(rest.len()))).await.is_err() {
            return;
        }
        for _ in 0..random.below(1 + most / 1_000) {
            tokio::task::yield_now().await;
        }
    }
    let _ = writer.finish().await;
}

/// Everything that is still to come.
pub(super) async fn drain(reader: &mut StreamReader) -> Result<Vec<u8>, StreamBroken> {
    let mut all = Vec::new();
    while let Some(bytes) = reader.read().await? {
        all.extend_from_slice(&bytes);
    }
    Ok(all)
}
