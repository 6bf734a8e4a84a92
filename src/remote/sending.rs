//! Content that is sent to a server: `put`, which keeps an upload, continues it, and releases what is of no use.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use eyre::{Report, Result};
use p2p_base::source_file::{self, Changed, Unchanging, Watched};
use p2p_base::spelling::{visible, visible_path};
use p2p_base::units::count_of;
use p2p_engine::cause::LocalFailure;
use p2p_engine::transfer::{Direction, TransferError};
use p2p_engine::{EngineError, ErrorKind};
use p2p_grpc::client::ClientError;
use p2p_grpc::proto::{KeptUpload, Timestamp, UploadDone, UploadHeader};
use p2p_service::failure::{Advise, wrong_usage};
use p2p_service::interrupt::{self, interrupted};
use p2p_service::output;
use p2p_service::reasons::name;
use p2p_shell::asking::CommonArgs;
use p2p_shell::bar::FileBar;
use p2p_shell::manner::Manner;
use p2p_shell::report::{FileRef, TransferLine};
use p2p_shell::tally::tell_left;
use p2p_store::attributes::Attributes;
use p2p_store::uploads::{Declared, UploadId};

use super::advice::advised;
use super::following::Followed;
use super::names::{digest, file_ref};
use super::server::Server;
use super::transfers::{finished, naming_unless_stopped, way_of};
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
    /// Manner of storing the files: what may be replaced, and what is kept.
    pub manner: Manner,
    /// Options that say for whom and how, as they were given.
    pub options: Vec<String>,
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

/// Source of an upload, with its own name and what is known of it before it is read.
struct Opened {
    source: Box<dyn Read + Send>,
    /// The file, to look at once more when it is stored; none of standard input.
    watched: Option<Watched>,
    own: Option<String>,
    declared: Declared,
    attributes: Attributes,
}

fn opened(path: &Path) -> Result<Opened> {
    if is_dash(path) {
        let (declared, attributes) = (Declared::default(), Attributes::default());
        return Ok(Opened { source: Box::new(io::stdin()), watched: None, own: None, declared, attributes });
    }
    let unreadable = |error: io::Error| advised(EngineError::Source { path: path.to_owned(), reason: error.to_string() });
    let (file, metadata) = source_file::open(path).map_err(|error| unreadable(io::Error::other(error.to_string())))?;
    let own = path.file_name().and_then(|name| name.to_str()).map(own_path);
    let source = Unchanging::new(file, &metadata);
    let watched = Some(source.watched().map_err(unreadable)?);
    let (declared, attributes) = (declared(&metadata), Attributes::from(&metadata));
    Ok(Opened { source: Box::new(source), watched, own, declared, attributes })
}

/// Returns the path among one's own files of a name that may begin like that of another's.
fn own_path(name: &str) -> String {
    if name.starts_with('~') { format!("./{name}") } else { name.to_owned() }
}

impl Visit {
    /// Stores one file.
    async fn stored(&self, path: &Path, storing: &Storing<'_>) -> Result<TransferLine> {
        let Opened { source, watched, own, declared, attributes } = opened(path)?;
        let sending = self.sending(path, storing, own.as_deref()).await?;
        sending.announce();
        let bar = FileBar::new(&visible(sending.label()), declared.size);
        let followed = Followed::default();
        let mut continued = sending.kept.as_ref();
        let told = |at| {
            // What follows is acknowledged only once what is kept was found to be the same.
            if let Some(kept) = continued.take_if(|kept| at > kept.offset) {
                output::tell(format_args!("p2p: continuing {} after {}", visible(&kept.path), count_of(kept.offset, "byte")));
            }
            self.patience.note();
            bar.set(at);
        };
        let done = tokio::select! {
            biased;
            done = self.client.upload(sending.header(declared, attributes), source, |transfer| followed.is(transfer), told) => done,
            stop = interrupted() => {
                drop(bar);
                let after = sending.again().unwrap_or_else(|| "the server undoes what was under way".into());
                return Err(stop?.after(&after).into());
            }
            never = self.patience.watch(&self.client, &self.server) => match never {},
            never = self.follow(&followed, &bar) => match never {},
        };
        drop(bar);
        // All was sent long before the server has stored it.
        if done.is_ok() && watched.is_some_and(|watched| watched.has_changed()) {
            let path = visible_path(path);
            output::tell(format_args!("p2p: {path} has changed since it was read; what is stored is what it was before"));
        }
        match done {
            Ok(done) => line_of(done, storing.upload).ok_or_else(|| self.failed(ClientError::Unexpected("no file"))),
            Err(error) => Err(sending.failed(error).await),
        }
    }

    /// Returns the upload of a file, whose own name is `own`.
    async fn sending<'a>(&'a self, path: &'a Path, storing: &'a Storing<'a>, own: Option<&str>) -> Result<Sending<'a>> {
        let kept = match storing.upload.filter(|_| storing.is_resumed) {
            Some(id) => Some(self.kept(id).await?),
            None => None,
        };
        let name = match (&kept, storing.name) {
            // A name that is given has to be that of the upload, which the server compares.
            (Some(kept), name) => name.unwrap_or(&kept.path).to_owned(),
            (None, name) => self.place(name, own).await?,
        };
        Ok(Sending { visit: self, path, storing, name, kept })
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
}

/// Upload of a file of this machine.
struct Sending<'a> {
    visit: &'a Visit,
    path: &'a Path,
    storing: &'a Storing<'a>,
    /// Path to store it under.
    name: String,
    /// Part of it that is kept.
    kept: Option<KeptUpload>,
}

impl Sending<'_> {
    /// Returns the path under which messages name the file.
    fn label(&self) -> &str {
        self.kept.as_ref().map_or(&self.name, |kept| &kept.path)
    }

    /// Returns the first message of the upload of a file with these attributes, which are sent if they are to be kept.
    fn header(&self, declared: Declared, attributes: Attributes) -> UploadHeader {
        let Manner { replace, preserve, .. } = self.storing.manner;
        let Attributes { modified, mode } = if preserve { attributes } else { Attributes::default() };
        UploadHeader {
            path: self.name.clone(),
            size: declared.size,
            sha256: None,
            upload_id: self.storing.upload.map(|id| id.to_string()),
            // What is kept is compared by the server with what is sent.
            offset: self.kept.is_some().then_some(0),
            modified: declared.modified.map(|nanos| Timestamp::from(UNIX_EPOCH + Duration::from_nanos(nanos))),
            replace,
            modified_at: modified.map(|seconds| Timestamp::from(UNIX_EPOCH + Duration::from_secs(seconds))),
            mode,
        }
    }

    /// Says by which ID a new upload is kept.
    fn announce(&self) {
        if let (Some(again), Some(id), None) = (self.again(), self.storing.upload, &self.kept) {
            output::tell(format_args!("p2p: upload {id}; if it is interrupted, {again}"));
        }
    }

    /// Returns what continues the upload, as a sentence; none if it is not kept.
    fn again(&self) -> Option<String> {
        let (id, server) = (self.storing.upload?, &self.visit.server);
        let mut options = vec![format!("--resume {id} --connect {server}")];
        options.extend(self.storing.options.iter().cloned());
        let command = put_again(self.path, &options.join(" "));
        Some(format!("`{command}` continues it, if `p2p --connect {server} uploads` lists it"))
    }

    /// Returns the error of the upload with its next step. Where the file could not be read as it was when it was opened, nothing of it is
    /// kept, as without a server.
    async fn failed(&self, error: ClientError) -> Report {
        let visit = self.visit;
        let error = match error {
            ClientError::Local(error) => return self.unread(&error).await,
            error => error,
        };
        match (error.reason(), error.resource()) {
            (name::UPLOAD_DIFFERS, "upload") if self.storing.name.is_some() => wrong_usage(
                format_args!("{error}, and not of `{}`", visible(&self.name)),
                "leave --as out; `p2p mv` gives the file another name once it is stored",
            ),
            (name::UPLOAD_DIFFERS, _) => visit.failed(error).suggestion(format!(
                "give the same content again; what is kept stays, and `p2p --connect {} uploads --forget ID` undoes it",
                visit.server
            )),
            _ => match self.again().filter(|_| goes_on(&error)) {
                Some(again) => visit.failed(error).suggestion(again),
                None => visit.failed(error),
            },
        }
    }

    /// Returns the error of a file that could not be read to its end, after what is kept of the upload has been undone.
    async fn unread(&self, error: &io::Error) -> Report {
        let report = match Changed::is_cause_of(error) {
            true => {
                let error = TransferError::File(LocalFailure::changed(&visible_path(self.path)));
                advised(EngineError::TransferFailed { direction: Direction::Upload, name: self.label().to_owned(), error })
            }
            false => {
                let reason = format!("{error}; nothing of it is stored");
                advised(EngineError::Source { path: self.path.to_owned(), reason })
            }
        };
        let Some(id) = self.storing.upload else { return report };
        let forgotten = self.visit.ask(async {
            match self.visit.client.forget(&id.to_string()).await {
                // Nothing of it was kept yet.
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                forgotten => forgotten.map(drop),
            }
        });
        match forgotten.await {
            Ok(()) => {
                output::tell(format_args!("p2p: nothing of the upload is kept"));
                report
            }
            Err(error) => report.suggestion(format!(
                "what the server has kept of it is of no use ({error}); `p2p --connect {} uploads --forget {id}` undoes it",
                self.visit.server
            )),
        }
    }
}

/// Returns true if a kept upload that has failed so can be continued.
fn goes_on(error: &ClientError) -> bool {
    match error.kind() {
        ErrorKind::Unavailable
        | ErrorKind::DeadlineExceeded
        | ErrorKind::Exhausted
        | ErrorKind::Unauthenticated
        | ErrorKind::Internal => true,
        ErrorKind::Invalid
        | ErrorKind::OutOfRange
        | ErrorKind::NotFound
        | ErrorKind::AlreadyExists
        | ErrorKind::Precondition
        | ErrorKind::Denied
        | ErrorKind::Cancelled
        | ErrorKind::DataLoss => false,
    }
}

/// Returns the line of a file that is stored; none if the answer has none.
fn line_of(done: UploadDone, upload: Option<UploadId>) -> Option<TransferLine> {
    let (info, figures) = (done.file?, done.figures?);
    let file = FileRef { bytes: info.size, segments: info.segments, ..file_ref(&info, &figures) };
    let kept_bytes = Some(figures.kept_bytes).filter(|&bytes| bytes > 0);
    Some(TransferLine { file, sha256: digest(&info.sha256), upload, kept_bytes, way: way_of(&figures) })
}
