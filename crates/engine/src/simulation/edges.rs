//! Beginning of uploads and downloads: what is asked of the local machine and of the state before one begins, and the inputs of
//! streams of remote origin.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use p2p_base::database::Purpose;
use p2p_base::units::{ByteSize, SimTime};
use p2p_store::names::{FileKey, stored_path};

use super::answers::Answer;
use super::running::Running;
use super::uploads::Resuming;
use super::{CommandId, Simulation};
use crate::edge::{DownloadSink, Edge, FileSource, Happened, UploadSource};
use crate::error::EngineError;
use crate::operation::{self, Sink, Source};
use crate::stream::{StreamInput, stand_in};
use crate::transfer::{Download, DownloadPlan, Input, SEGMENTS_MAX, Transfer, TransferError, TransferId, Upload, UploadPlan};

impl Simulation {
    /// Begins an upload, or continues a kept one. The stream of a caller from remote does not hold virtual time.
    pub(super) fn upload(
        &mut self,
        id: CommandId,
        owner: Option<String>,
        upload: operation::Upload,
        is_remote: bool,
    ) -> Option<Answer> {
        match &upload.source {
            Source::Stream { stream, size, keep: Some(keep) } if self.knows_upload(keep.id) => {
                self.resume(id, Resuming { stream: stream.clone(), size: *size, keep: *keep, is_remote })
            }
            _ => Some(self.upload_anew(owner, upload, is_remote)),
        }
    }

    fn upload_anew(&mut self, owner: Option<String>, upload: operation::Upload, is_remote: bool) -> Answer {
        self.refuse_when_closing()?;
        let stored_name = upload.stored_name().map(str::to_owned);
        let operation::Upload { source, stored_at, .. } = upload;
        let (edge, size, keep) = match source {
            Source::File(path) => {
                let (file, size) = open_source(&path).map_err(|reason| cannot_read(&path, reason))?;
                if stored_name.is_none() {
                    return Err(cannot_read(&path, "its name is not valid UTF-8".into()));
                }
                let source = FileSource::new(file, &path, self.world.config.segment_size);
                (Edge::of_source(UploadSource::File(source)), Some(size), None)
            }
            Source::Stream { stream, size, keep } => (Edge::of_stream(stream, is_remote), size, keep),
        };
        let key = FileKey { owner, name: stored_path(&stored_name.unwrap_or_default())? };
        let segment_size = self.world.config.segment_size;
        self.begin_upload(UploadPlan { key, size, segment_size, stored_at, is_remote, keep }, edge)
    }

    /// Begins to store what a plan says, unless it has to be refused.
    fn begin_upload(&mut self, plan: UploadPlan, edge: Edge) -> Answer {
        let key = plan.key.clone();
        self.note_use(&key);
        self.refuse_taken(&key)?;
        self.refuse_without_directory(&key)?;
        let size = plan.size.unwrap_or(ByteSize::from_bytes(0));
        self.refuse_over_quota(&key, size)?;
        let segments = plan.segment_size.count_for(size);
        if segments > SEGMENTS_MAX {
            return Err(EngineError::TooManySegments { name: key.name, segments, max: SEGMENTS_MAX });
        }
        self.world.claim_full_volumes()?;
        if !self.world.has_room_for(size) {
            let closed = self.world.nodes.iter().filter(|node| node.node.trouble().is_some()).count();
            let (needed, free) = (size.as_u64(), self.world.free_bytes());
            return Err(EngineError::NoRoom { name: key.name, needed, free, closed });
        }
        self.world.claim_volumes(Purpose::Keep)?;
        let id = self.next_id();
        let is_remote = plan.is_remote;
        let upload = Upload::new(self.now(), id, plan);
        self.world.names.reserve(key.clone());
        self.note_kept(upload.kept().map(|(record, _)| record.id));
        self.begin_with_memory(id, (key.owner, is_remote), Transfer::Upload(Box::new(upload)), edge)
    }

    /// Begins a transfer that takes memory for a user.
    pub(super) fn begin_with_memory(
        &mut self,
        id: TransferId,
        (user, is_remote): (Option<String>, bool),
        transfer: Transfer,
        edge: Edge,
    ) -> Answer {
        self.world.memory.join(id, user, is_remote);
        self.begin(id, Running::new(transfer, Some(edge)))
    }

    /// Refuses a file that does not fit into its owner's quota. Files without an owner have none.
    fn refuse_over_quota(&mut self, key: &FileKey, size: ByteSize) -> Result<(), EngineError> {
        let Some((owner, quota)) = key.owner.as_deref().zip(self.world.config.quota) else { return Ok(()) };
        self.note_usage(Some(owner));
        let (needed, left) = (size.as_u64(), self.usage_of(Some(owner)).left().unwrap_or(u64::MAX));
        if needed <= left { Ok(()) } else { Err(EngineError::OverQuota { name: key.name.clone(), needed, left, quota }) }
    }

    /// Fails an upload of unknown size by which its owner's quota is exceeded.
    pub(super) fn keep_to_quota(&mut self, id: TransferId) {
        let Some(quota) = self.world.config.quota else { return };
        let Some(status) = self.transfers.get(&id).map(Running::bare_status) else { return };
        let Some(owner) = status.file.owner.clone().filter(|_| !status.size_known) else { return };
        let usage = self.usage_of(Some(&owner));
        if usage.file_bytes.saturating_add(usage.arriving_bytes) > quota.as_u64() {
            let error = TransferError::OverQuota { quota };
            self.world.inbox.push_back((id, Input::Exceeded(error)));
        }
    }

    /// Begins a download. The stream of a caller from remote does not hold virtual time.
    pub(super) fn download(&mut self, user: Option<String>, download: operation::Download, is_remote: bool) -> Answer {
        self.refuse_when_closing()?;
        let operation::Download { file, range, sink } = download;
        let file = self.known_file(&file)?;
        if let Some(range) = range.filter(|range| range.first > file.size) {
            let name = file.key.name;
            return Err(EngineError::BeyondEnd { name, size: file.size, first: range.first });
        }
        let is_remote = is_remote && matches!(sink, Sink::Stream(_));
        let edge = self.edge_of(sink, is_remote)?;
        let id = self.next_id();
        let plan = DownloadPlan { user: user.clone(), file, range, nodes: self.world.nodes.len(), is_remote };
        let download = Download::new(self.now(), id, plan);
        self.begin_with_memory(id, (user, is_remote), Transfer::Download(Box::new(download)), edge)
    }

    fn edge_of(&self, sink: Sink, is_remote: bool) -> Result<Edge, EngineError> {
        let unknown = |sink: DownloadSink| sink.with_unknown(Arc::clone(&self.unknown));
        Ok(match sink {
            Sink::File { path, overwrite } => {
                let target = destination(&path).map_err(|reason| cannot_write(&path, reason))?;
                if target.exists() && !overwrite {
                    return Err(EngineError::DestinationTaken { path });
                }
                let sink = DownloadSink::create(&target, overwrite);
                Edge::of_sink(unknown(sink.map_err(|error| cannot_write(&path, error.to_string()))?))
            }
            Sink::Stream(stream) if is_remote => {
                Edge::of_remote_sink(unknown(DownloadSink::stream(stream.clone(), false)), stream)
            }
            Sink::Stream(stream) => Edge::of_sink(unknown(DownloadSink::stream(stream, true))),
            Sink::Discard => Edge::of_sink(unknown(DownloadSink::nowhere())),
        })
    }

    /// Takes what has happened at the other ends of streams of remote origin, at this instant. Returns false if nothing has.
    pub(super) fn poll_streams(&mut self) -> bool {
        let mut happened = Vec::new();
        for (&id, transfer) in &mut self.transfers {
            while let Some(event) = transfer.poll_edge() {
                let is_last = !matches!(event, Happened::Taken(_));
                happened.push((id, event));
                if is_last {
                    break;
                }
            }
        }
        let any = !happened.is_empty();
        if self.uses.is_some() && any {
            let inputs = happened.iter().map(|(id, event)| (*id, recorded(event))).collect();
            self.inputs = Some((self.now(), inputs));
        }
        self.world.inbox.extend(happened.into_iter().map(|(id, event)| (id, Input::Happened(event))));
        any
    }

    /// Takes the inputs of streams of remote origin that the latest advance has found, with their instant, for a recording.
    pub(crate) fn take_stream_inputs(&mut self) -> Option<(SimTime, Vec<(TransferId, StreamInput)>)> {
        self.inputs.take()
    }

    /// Repeats inputs of streams out of a recording. Zeros stand for the content.
    pub(crate) fn repeat_stream_inputs(&mut self, inputs: Vec<(TransferId, StreamInput)>) {
        for (transfer, input) in inputs {
            let happened = match input {
                StreamInput::Cut(segments) => {
                    Happened::Cut(segments.into_iter().map(|(index, len, id)| stand_in(index, len, id)).collect())
                }
                StreamInput::End(size, digest) => Happened::End(size, digest),
                StreamInput::Taken(total) => Happened::Taken(total),
                StreamInput::Gone => Happened::Gone,
            };
            self.world.inbox.push_back((transfer, Input::Happened(happened)));
        }
    }
}

fn recorded(happened: &Happened) -> StreamInput {
    match happened {
        Happened::Cut(cuts) => {
            let segments = cuts.iter().map(|cut| &cut.segment);
            StreamInput::Cut(segments.map(|segment| (segment.index, segment.bytes.len() as u32, segment.id)).collect())
        }
        Happened::End(size, digest) => StreamInput::End(*size, *digest),
        Happened::Taken(total) => StreamInput::Taken(*total),
        Happened::Gone => StreamInput::Gone,
    }
}

fn cannot_read(path: &Path, reason: String) -> EngineError {
    EngineError::Source { path: path.to_owned(), reason }
}

fn cannot_write(path: &Path, reason: String) -> EngineError {
    EngineError::Destination { path: path.to_owned(), reason }
}

/// Resolves the path of a file to be written: a symbolic link is followed, and only a regular file may be replaced.
fn destination(path: &Path) -> Result<PathBuf, String> {
    let Ok(link) = std::fs::symlink_metadata(path) else { return Ok(path.to_owned()) };
    let target = if link.is_symlink() { std::fs::canonicalize(path) } else { Ok(path.to_owned()) };
    let target = target.map_err(|error| format!("it is a symbolic link that leads nowhere: {error}"))?;
    match std::fs::metadata(&target) {
        Ok(found) if found.is_dir() => Err("it is a directory".into()),
        Ok(found) if !found.is_file() => Err("it is not a regular file".into()),
        Ok(_) => Ok(target),
        Err(error) => Err(error.to_string()),
    }
}

/// Opens a local file for reading and returns it with its size.
fn open_source(path: &Path) -> Result<(File, ByteSize), String> {
    let metadata = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if metadata.is_dir() {
        return Err("it is a directory; only files can be stored".into());
    }
    if !metadata.is_file() {
        return Err("it is not a regular file".into());
    }
    let file = File::open(path).map_err(|error| error.to_string())?;
    Ok((file, ByteSize::from_bytes(metadata.len())))
}
