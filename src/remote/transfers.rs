//! Content that is sent to a server and fetched from it: `put` and `get`.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use eyre::{Report, Result, WrapErr, eyre};
use p2p_base::source_file::{self, Changed, Unchanging};
use p2p_base::spelling::{visible, visible_path};
use p2p_base::units::count_of;
use p2p_engine::cause::LocalFailure;
use p2p_engine::transfer::{Direction, TransferError};
use p2p_engine::{EngineError, create_destination};
use p2p_grpc::client::ClientError;
use p2p_grpc::proto::{ByteRange, DownloadFileRequest, FileInfo, KeptUpload, Timestamp, UploadDone, UploadHeader};
use p2p_service::access::range::WantedRange;
use p2p_service::failure::{Advise, all_told, wrong_usage};
use p2p_service::instance::advised;
use p2p_service::interrupt::{self, Interrupted, interrupted};
use p2p_service::output;
use p2p_shell::asking::CommonArgs;
use p2p_shell::bar::FileBar;
use p2p_shell::place_of;
use p2p_shell::report::{FileRef, TransferLine, WayReport, transfers_table};
use p2p_shell::tally::tell_left;
use p2p_store::names::FileKey;
use p2p_store::uploads::{Declared, UploadId};
use serde::Serialize;

use super::names::{digest, file_ref, naming, seconds};
use super::server::Server;
use super::visits::Visit;
use crate::operand::{declared, is_dash, put_again};

/// Content that `put` is to store.
#[derive(Debug)]
pub struct Storing<'a> {
    /// Files of this machine; `-` for standard input.
    pub files: &'a [PathBuf],
    /// Name to store one under.
    pub name: Option<&'a str>,
    /// Name by which the upload is kept if it is interrupted.
    pub upload: Option<UploadId>,
    /// True if it is kept already.
    pub is_resumed: bool,
}

/// Content that `get` is to fetch.
#[derive(Debug)]
pub struct Fetching<'a> {
    /// Paths at the server.
    pub names: &'a [String],
    /// Place for the content.
    pub out: Option<&'a Path>,
    /// Bytes that are meant.
    pub range: Option<WantedRange>,
    /// True if a file of this machine may be replaced.
    pub overwrite: bool,
}

/// The JSON output of `put` and `get`.
#[derive(Debug, Serialize)]
struct Done {
    files: Vec<TransferLine>,
}

/// Stores files, one after the other. One that fails does not prevent the others.
///
/// # Errors
/// Fails if the server cannot be asked, or if a file cannot be stored.
pub async fn put(server: Server, common: &CommonArgs, storing: &Storing<'_>) -> Result<()> {
    let visit = Visit::begin(server, &common.engine, &common.login).await?;
    let _attention = interrupt::attend()?;
    let (mut files, mut failed) = (Vec::new(), Vec::new());
    let mut left = storing.files.iter();
    while let Some(path) = left.next() {
        match visit.stored(path, storing).await {
            Ok(line) => files.push(line),
            Err(error) => failed.push(naming_unless_stopped(error, &visible_path(path), storing.files.len())),
        }
        if let Some(stop) = interrupt::pending() {
            tell_left(&mut failed, stop, left.len());
            break;
        }
    }
    finished(visit, common, files, failed).await
}

/// Fetches files, one after the other. One that fails does not prevent the others.
///
/// # Errors
/// Fails if the server cannot be asked, or if a file cannot be fetched: then no file of that name appears.
pub async fn get(server: Server, common: &CommonArgs, fetching: &Fetching<'_>) -> Result<()> {
    let to_stdout = fetching.out.is_some_and(is_dash);
    if to_stdout && common.output.json {
        return Err(wrong_usage("-o - and --json both want standard output", "leave one of them out"));
    }
    let visit = Visit::begin(server, &common.engine, &common.login).await?;
    let _attention = interrupt::attend()?;
    let (mut files, mut failed) = (Vec::new(), Vec::new());
    let mut left = fetching.names.iter();
    while let Some(name) = left.next() {
        match visit.fetched(name, fetching).await {
            Ok(Some(line)) => files.push(line),
            // Nobody reads what would come of the others.
            Ok(None) => break,
            Err(error) => failed.push(naming_unless_stopped(error, name, fetching.names.len())),
        }
        if let Some(stop) = interrupt::pending() {
            tell_left(&mut failed, stop, left.len());
            break;
        }
    }
    if to_stdout {
        return all_told(failed).and(visit.end().await);
    }
    finished(visit, common, files, failed).await
}

/// Returns the error of one of several files with the name of the file, but for an interruption, which is of all of them.
fn naming_unless_stopped(error: Report, name: &str, of: usize) -> Report {
    if error.is::<Interrupted>() { error } else { naming(error, name, of) }
}

/// Ends a visit, and prints the files that are done.
async fn finished(visit: Visit, common: &CommonArgs, files: Vec<TransferLine>, failed: Vec<Report>) -> Result<()> {
    let ended = visit.end().await;
    if !files.is_empty() || failed.is_empty() {
        output::print(&common.output, &Done { files }, |done| transfers_table(&done.files).text(output::terminal_width()))?;
    }
    all_told(failed).and(ended)
}

/// Source of an upload, with its own name and what is known of it before it is read.
struct Opened {
    source: Box<dyn Read + Send>,
    own: Option<String>,
    declared: Declared,
}

fn opened(path: &Path) -> Result<Opened> {
    if is_dash(path) {
        return Ok(Opened { source: Box::new(io::stdin()), own: None, declared: Declared::default() });
    }
    let unreadable = |error: io::Error| advised(EngineError::Source { path: path.to_owned(), reason: error.to_string() });
    let (file, metadata) = source_file::open(path).map_err(|error| unreadable(io::Error::other(error.to_string())))?;
    let own = path.file_name().and_then(|name| name.to_str()).map(own_path);
    let source = Box::new(Unchanging::new(file, &metadata));
    Ok(Opened { source, own, declared: declared(&metadata) })
}

/// Returns the path among one's own files of a name that may begin like that of another's.
fn own_path(name: &str) -> String {
    if name.starts_with('~') { format!("./{name}") } else { name.to_owned() }
}

impl Visit {
    /// Stores one file.
    async fn stored(&self, path: &Path, storing: &Storing<'_>) -> Result<TransferLine> {
        let Opened { source, own, declared } = opened(path)?;
        let kept = match storing.upload.filter(|_| storing.is_resumed) {
            Some(id) => Some(self.kept(id).await?),
            None => None,
        };
        let name = match &kept {
            Some(kept) => kept.path.clone(),
            None => self.place(storing.name, own.as_deref()).await?,
        };
        let command = |id| put_again(path, &format!("--resume {id} --connect {}", self.server));
        let again = storing.upload.map(|id| format!("`{}` continues it, if `p2p uploads` there lists it", command(id)));
        if let (Some(again), Some(id), false) = (&again, storing.upload, storing.is_resumed) {
            output::tell(format_args!("p2p: upload {id}; if it is interrupted, {again}"));
        }
        let upload_id = storing.upload.map(|id| id.to_string());
        // What is kept is compared by the server with what is sent.
        let offset = storing.is_resumed.then_some(0);
        let modified = declared.modified.map(|nanos| Timestamp::from(UNIX_EPOCH + Duration::from_nanos(nanos)));
        let header = UploadHeader {
            path: name.clone(),
            size: declared.size,
            sha256: None,
            upload_id,
            offset,
            modified,
            ..UploadHeader::default()
        };
        let bar = FileBar::new(&visible(&name), declared.size);
        let mut continued = kept;
        let told = |at| {
            // What follows is acknowledged only once what is kept was found to be the same.
            if let Some(kept) = continued.take_if(|kept| at > kept.offset) {
                output::tell(format_args!("p2p: continuing {} after {}", visible(&kept.path), count_of(kept.offset, "byte")));
            }
            bar.set(at);
        };
        let done = tokio::select! {
            biased;
            done = self.client.upload(header, source, told) => done,
            stop = interrupted() => {
                drop(bar);
                return Err(stop?.after(&again.unwrap_or_else(|| "the server undoes what was under way".into())).into());
            }
        };
        drop(bar);
        let done = done.map_err(|error| match again.filter(|_| !is_of_change(&error)) {
            Some(again) => self.failed_to_read(&name, path, error).suggestion(again),
            None => self.failed_to_read(&name, path, error),
        })?;
        line_of(done, storing.upload).ok_or_else(|| self.failed(ClientError::Unexpected("no file")))
    }

    /// Returns the error of an upload of the file at `path`, which is stored as `name`.
    fn failed_to_read(&self, name: &str, path: &Path, error: ClientError) -> Report {
        match error {
            error if is_of_change(&error) => {
                let error = TransferError::File(LocalFailure::changed(&visible_path(path)));
                advised(EngineError::TransferFailed { direction: Direction::Upload, name: name.to_owned(), error })
            }
            ClientError::Local(error) => {
                advised(EngineError::Source { path: path.to_owned(), reason: format!("{error}; nothing of it is stored") })
            }
            error => self.failed(error),
        }
    }

    /// Returns the path under which a file is stored: as the options name it, in the directory that they name, or under its own name.
    async fn place(&self, name: Option<&str>, own: Option<&str>) -> Result<String> {
        let Some(name) = name else {
            return own
                .map(str::to_owned)
                .ok_or_else(|| wrong_usage("the file has no name of its own", "give it one with --as NAME"));
        };
        let is_directory = name.ends_with('/') || self.is_directory(name).await?;
        Ok(match own.filter(|_| is_directory) {
            Some(own) => format!("{}/{}", name.trim_end_matches('/'), own.trim_start_matches("./")),
            None => name.to_owned(),
        })
    }

    /// Returns an upload that is kept.
    async fn kept(&self, id: UploadId) -> Result<KeptUpload> {
        let uploads = self.ask(self.client.uploads()).await?;
        let kept = uploads.into_iter().find(|upload| upload.upload_id == id.to_string());
        kept.ok_or_else(|| advised(EngineError::UnknownUpload(id)))
    }

    /// Fetches one file; none if it goes to standard output and nobody reads that any more.
    async fn fetched(&self, name: &str, fetching: &Fetching<'_>) -> Result<Option<TransferLine>> {
        let info = self.ask(self.client.stat(name)).await?;
        if info.is_directory {
            return Err(advised(EngineError::IsDirectory { name: name.to_owned() }));
        }
        let range = fetching.range.map(|range| range_of(range, &info));
        let wanted = DownloadFileRequest { path: name.to_owned(), range, expected_sha256: Some(info.sha256.clone()) };
        if fetching.out.is_some_and(is_dash) {
            return self.downloaded(wanted, &info, io::stdout()).await;
        }
        let key = FileKey { owner: info.owner.clone(), name: info.name.clone() };
        let path = place_of(&key, fetching.out.map(Path::to_owned));
        let destination = create_destination(&path, fetching.overwrite).map_err(advised)?;
        let unwritable = |error: io::Error| advised(EngineError::Destination { path: path.clone(), reason: error.to_string() });
        let file: File = destination.writer().map_err(unwritable)?;
        let line = self.downloaded(wanted, &info, file).await?;
        destination.finish().map_err(unwritable)?;
        Ok(line)
    }

    async fn downloaded(
        &self,
        wanted: DownloadFileRequest,
        info: &FileInfo,
        sink: impl io::Write + Send + 'static,
    ) -> Result<Option<TransferLine>> {
        let bar = FileBar::new(&visible(&info.path), Some(info.size));
        let begun = |begun: &p2p_grpc::proto::DownloadBegun| bar.set_size(begun.length);
        let done = tokio::select! {
            biased;
            done = self.client.download(wanted, sink, begun, |come| bar.set(come)) => done,
            stop = interrupted() => {
                drop(bar);
                return Err(stop?.after("nothing is kept of what was fetched").into());
            }
        };
        drop(bar);
        let figures = match done {
            // A reader that needs no more, as in `p2p get -o - NAME | head`, is no failure; neither is it a file.
            Err(ClientError::Local(error)) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(None),
            Err(ClientError::Local(error)) => return Err(eyre!(error)).wrap_err("what was fetched cannot be written"),
            done => done.map_err(|error| self.failed(error))?,
        };
        let way = way_of(&figures);
        Ok(Some(TransferLine { file: file_ref(info, &figures), sha256: digest(&info.sha256), upload: None, way }))
    }
}

/// Returns true if an upload failed because its file is not as it was when it was opened.
fn is_of_change(error: &ClientError) -> bool {
    matches!(error, ClientError::Local(error) if error.get_ref().is_some_and(|inner| inner.is::<Changed>()))
}

fn way_of(figures: &p2p_grpc::proto::TransferFigures) -> WayReport {
    WayReport {
        virtual_seconds: seconds(figures.virtual_time),
        goodput_bytes_per_second: figures.goodput_bytes_per_second,
        retransmits: figures.retransmits,
    }
}

/// Returns the line of a file that is stored; none if the answer has none.
fn line_of(done: UploadDone, upload: Option<UploadId>) -> Option<TransferLine> {
    let (info, figures) = (done.file?, done.figures?);
    let file = FileRef { bytes: info.size, segments: info.segments, ..file_ref(&info, &figures) };
    Some(TransferLine { file, sha256: digest(&info.sha256), upload, way: way_of(&figures) })
}

/// Returns the bytes of a file that are meant, as the contract has them.
fn range_of(range: WantedRange, info: &FileInfo) -> ByteRange {
    match range {
        WantedRange::From { first, last } => ByteRange { first, length: last.map(|last| (last - first).saturating_add(1)) },
        WantedRange::Last(count) => ByteRange { first: info.size.saturating_sub(count), length: None },
    }
}
