//! Content that is fetched from a server: `get`, and what it has in common with `put`.

use std::fs::File;
use std::io;
use std::path::Path;

use eyre::{Report, Result};
use p2p_base::replacement::FileAttributes;
use p2p_base::spelling::visible;
use p2p_engine::{EngineError, create_destination};
use p2p_grpc::client::ClientError;
use p2p_grpc::proto::{ByteRange, DownloadFileRequest, FileInfo};
use p2p_service::access::range::WantedRange;
use p2p_service::failure::{all_told, wrong_usage};
use p2p_service::interrupt::{self, Interrupted, interrupted};
use p2p_service::output;
use p2p_shell::asking::CommonArgs;
use p2p_shell::bar::FileBar;
use p2p_shell::manner::Manner;
use p2p_shell::place_of;
use p2p_shell::report::{TransferLine, WayReport, transfers_table};
use p2p_shell::tally::tell_left;
use p2p_store::names::FileKey;
use serde::Serialize;

use super::advice::advised;
use super::following::Followed;
use super::names::{digest, file_ref, modified_at, naming, seconds};
use super::server::Server;
use super::visits::Visit;
use crate::operand::is_dash;

/// Content that `get` is to fetch.
#[derive(Debug)]
pub struct Fetching<'a> {
    /// Paths at the server.
    pub names: &'a [String],
    /// Place for the content.
    pub out: Option<&'a Path>,
    /// Bytes that are meant.
    pub range: Option<WantedRange>,
    /// Manner of writing the files: what may be replaced, and what is kept.
    pub manner: Manner,
}

/// The JSON output of `put` and `get`.
#[derive(Debug, Serialize)]
struct Done {
    files: Vec<TransferLine>,
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
pub(super) fn naming_unless_stopped(error: Report, name: &str, of: usize) -> Report {
    if error.is::<Interrupted>() { error } else { naming(error, name, of) }
}

/// Ends a visit, and prints the files that are done.
pub(super) async fn finished(visit: Visit, common: &CommonArgs, files: Vec<TransferLine>, failed: Vec<Report>) -> Result<()> {
    let ended = visit.end().await;
    if !files.is_empty() || failed.is_empty() {
        output::print(&common.output, &Done { files }, |done| transfers_table(&done.files).text(output::terminal_width()))?;
    }
    all_told(failed).and(ended)
}

impl Visit {
    /// Fetches one file; none if it goes to standard output and nobody reads that any more.
    async fn fetched(&self, name: &str, fetching: &Fetching<'_>) -> Result<Option<TransferLine>> {
        let info = self.ask(self.client.stat(name)).await?;
        if info.is_directory {
            return Err(advised(EngineError::IsDirectory { name: name.to_owned() }));
        }
        let range = fetching.range.map(|range| range_of(range, &info));
        let wanted = DownloadFileRequest { path: name.to_owned(), range, expected_sha256: Some(info.sha256.clone()) };
        if fetching.out.is_some_and(is_dash) {
            return self.downloaded(wanted, &info, io::stdout(), |error| output::written(Err(error))).await;
        }
        let key = FileKey { owner: info.owner.clone(), name: info.name.clone() };
        let path = place_of(&key, fetching.out.map(Path::to_owned));
        let Manner { replace, preserve, .. } = fetching.manner;
        let mut destination = create_destination(&path, replace).map_err(advised)?;
        if preserve {
            destination = destination.with_attributes(attributes_of(&info));
        }
        let unwritable = |error: io::Error| advised(EngineError::Destination { path: path.clone(), reason: error.to_string() });
        let file: File = destination.writer().map_err(unwritable)?;
        let line = self.downloaded(wanted, &info, file, |error| Err(unwritable(error))).await?;
        destination.finish().map_err(unwritable)?;
        Ok(line)
    }

    /// Fetches content to a sink. Returns none where `unwritten` says that an error of the sink is no failure.
    async fn downloaded(
        &self,
        wanted: DownloadFileRequest,
        info: &FileInfo,
        sink: impl io::Write + Send + 'static,
        unwritten: impl FnOnce(io::Error) -> Result<()>,
    ) -> Result<Option<TransferLine>> {
        let bar = FileBar::new(&visible(&info.path), Some(info.size));
        let followed = Followed::default();
        let begun = |begun: &p2p_grpc::proto::DownloadBegun| {
            followed.is(begun.transfer);
            bar.set_size(begun.length);
        };
        let told = |come| {
            self.patience.note();
            bar.set(come);
        };
        let done = tokio::select! {
            biased;
            done = self.client.download(wanted, sink, begun, told) => done,
            stop = interrupted() => {
                drop(bar);
                return Err(stop?.after("nothing is kept of what was fetched").into());
            }
            never = self.patience.watch(&self.client, &self.server) => match never {},
            never = self.follow(&followed, &bar) => match never {},
        };
        drop(bar);
        let figures = match done {
            // A reader that needs no more, as in `p2p get -o - NAME | head`, is no failure; neither is it a file.
            Err(ClientError::Local(error)) => return unwritten(error).map(|()| None),
            done => done.map_err(|error| self.failed(error))?,
        };
        let way = way_of(&figures);
        Ok(Some(TransferLine {
            file: file_ref(info, &figures),
            sha256: digest(&info.sha256),
            upload: None,
            kept_bytes: None,
            way,
        }))
    }
}

fn attributes_of(info: &FileInfo) -> FileAttributes {
    FileAttributes { modified: modified_at(info).unwrap_or_default(), mode: info.mode }
}

pub(super) fn way_of(figures: &p2p_grpc::proto::TransferFigures) -> WayReport {
    WayReport {
        virtual_seconds: seconds(figures.virtual_time),
        goodput_bytes_per_second: figures.goodput_bytes_per_second,
        retransmits: figures.retransmits,
    }
}

/// Returns the bytes of a file that are meant, as the contract has them.
fn range_of(range: WantedRange, info: &FileInfo) -> ByteRange {
    match range {
        WantedRange::From { first, last } => ByteRange { first, length: last.map(|last| (last - first).saturating_add(1)) },
        WantedRange::Last(count) => ByteRange { first: info.size.saturating_sub(count), length: None },
    }
}
