//! Beginning of uploads and downloads: what is asked of the local machine and of the state before one begins, and the inputs of
//! streams of remote origin.

use std::path::PathBuf;
use std::sync::Arc;

use p2p_base::database::Purpose;
use p2p_base::replacement::FileAttributes;
use p2p_base::units::{ByteSize, SimTime};
use p2p_store::manifest::FileRecord;
use p2p_store::names::{FileKey, stored_path};
use p2p_store::segment::Sha256Digest;

use super::answers::Answer;
use super::running::Running;
use super::uploads::Resuming;
use super::{CommandId, Simulation, Waiting};
use crate::edge::{DownloadSink, Edge, FileSource, Happened, UploadSource, opening};
use crate::error::{EngineError, NAMELESS};
use crate::io::crashed;
use crate::io::{Blocked, JobId, Lane, Outcome};
use crate::operation::{self, ByteRange, Keep, Sink, Source};
use crate::peer::Peer;
use crate::policy;
use crate::principal::{Caller, Origin};
use crate::stream::{StreamInput, stand_in};
use crate::transfer::{
    Download, DownloadPlan, Input, SEGMENTS_MAX, Transfer, TransferError, TransferId, TransferState, Upload, UploadPlan,
};

/// Transfer that begins once its local file is open.
#[derive(Debug, Clone)]
pub(super) enum Opening {
    Upload {
        by: Option<String>,
        upload: operation::Upload,
        path: PathBuf,
        host: Peer,
        may_see_usage: bool,
    },
    Download {
        by: (Option<String>, Peer),
        file: FileKey,
        range: Option<ByteRange>,
        expected: Option<Sha256Digest>,
        path: PathBuf,
    },
}

impl Simulation {
    /// Begins an upload by the host of a caller, or continues a kept one. The stream of a caller from remote does not hold virtual time.
    pub(super) fn upload(
        &mut self,
        id: CommandId,
        Caller { principal, origin, host }: &Caller,
        upload: operation::Upload,
    ) -> Option<Answer> {
        let (upload, may_see_usage) = (policy::as_may_be_stored(principal, upload), policy::may_see_usage(principal));
        let (by, host, is_remote) = (principal.name().map(str::to_owned), *host, matches!(origin, Origin::Remote(_)));
        if let Err(error) = self.refuse_without_host(host) {
            return Some(Err(error));
        }
        match &upload.source {
            Source::Stream { stream, size, keep: Some(keep) } if self.knows_upload(keep.id) => {
                let (stream, size, keep, preferred) = (stream.clone(), *size, *keep, upload.preferred);
                self.resume(id, Resuming { stream, size, keep, preferred, by, host, is_remote })
            }
            Source::File(path) => {
                let path = path.clone();
                let opening = Opening::Upload { by, upload, path: path.clone(), host, may_see_usage };
                self.begin_opening(id, opening, Lane::Source, move || opening::open(&path))
            }
            Source::Stream { stream, size, keep } => {
                let (edge, size, keep) = (Edge::of_stream(stream.clone(), is_remote), *size, *keep);
                Some(self.upload_from(edge, size, (by, host, &upload), keep))
            }
        }
    }

    /// Lets a thread open or create a local file. The answer to the command comes at this virtual instant, however long that takes.
    fn begin_opening(
        &mut self,
        id: CommandId,
        opening: Opening,
        lane: Lane,
        work: impl FnOnce() -> Outcome + Send + 'static,
    ) -> Option<Answer> {
        if let Err(error) = self.refuse_when_closing() {
            return Some(Err(error));
        }
        let job = self.world.work.jobs.submit(lane, Box::new(work));
        self.wait_for(id, Waiting::Opening(job, Box::new(opening)))
    }

    /// Begins a transfer, once its local file is open.
    pub(super) fn answer_to_opening(&mut self, job: JobId, opening: Opening) -> Result<Answer, Blocked> {
        let outcome = self.world.work.jobs.take(job).ok_or(Blocked(job))?;
        Ok(match (opening, outcome) {
            (Opening::Upload { by, upload, path, host, may_see_usage }, Outcome::Opened(opened)) => {
                let begun = opened.and_then(|opened| {
                    let (file, found) = *opened;
                    let source = FileSource::new(file, &found, &path, self.world.config.segment_size);
                    let (edge, size) = (Edge::of_source(UploadSource::File(source)), ByteSize::from_bytes(found.len()));
                    self.upload_from(edge, Some(size), (by, host, &upload), None)
                });
                begun.map_err(|error| error.with_usage_if(may_see_usage))
            }
            (Opening::Download { by, file, range, expected, path }, Outcome::Created(created)) => created.and_then(|created| {
                let sink = DownloadSink::file(*created, &path).with_unknown(Arc::clone(&self.unknown));
                self.download_to(Edge::of_sink(sink), by, (&file, range, expected))
            }),
            (_, other) => Err(crashed(other)),
        })
    }

    /// Begins an upload from its edge.
    fn upload_from(
        &mut self,
        edge: Edge,
        size: Option<ByteSize>,
        (by, host, upload): (Option<String>, Peer, &operation::Upload),
        keep: Option<Keep>,
    ) -> Answer {
        self.refuse_without_host(host)?;
        let name = match (upload.stored_name(), &upload.source) {
            (None, Source::File(path)) => return Err(opening::cannot_read(path, NAMELESS.into())),
            (name, _) => stored_path(name.unwrap_or_default())?,
        };
        let operation::Upload { stored_at, stored_as, preferred, .. } = *upload;
        let key = FileKey { owner: upload.owner.clone().or_else(|| by.clone()), name };
        let (segment_size, is_remote) = (self.world.config.segment_size, edge.is_remote());
        let is_readable_again = edge.is_readable_again();
        self.begin_upload(
            UploadPlan { key, by, host, size, segment_size, stored_at, stored_as, preferred, is_remote, is_readable_again, keep },
            edge,
        )
    }

    /// Begins to store what a plan says, unless it has to be refused.
    fn begin_upload(&mut self, mut plan: UploadPlan, edge: Edge) -> Answer {
        let key = plan.key.clone();
        self.note_use(&key);
        self.refuse_for_upload(&key, plan.stored_as)?;
        self.keep_mode(&mut plan);
        let size = plan.size.unwrap_or(ByteSize::from_bytes(0));
        self.refuse_unfit((&key, plan.host), size, size).map_err(|error| error.without_quota_if(plan.is_of_guest()))?;
        self.world.claim_volumes(Purpose::Keep)?;
        let (id, by) = (self.next_id(), plan.by.clone());
        let upload = Upload::new(self.now(), id, plan);
        self.world.names.reserve(key);
        self.note_kept(upload.kept().map(|(record, _)| record.id));
        self.begin_with_memory(id, by, Transfer::Upload(Box::new(upload)), edge)
    }

    /// Lets a file that replaces another one have its mode, unless another mode is given.
    fn keep_mode(&self, plan: &mut UploadPlan) {
        let replaced = self.world.names.files().file(&plan.key);
        let mode = &mut plan.stored_as.attributes.mode;
        *mode = mode.or(replaced.map(|file| file.mode));
    }

    /// Refuses content of `size` that a host is to store, of which `left` is to be stored, unless there are room and quota for it.
    pub(super) fn refuse_unfit(
        &mut self,
        (key, host): (&FileKey, Peer),
        size: ByteSize,
        left: ByteSize,
    ) -> Result<(), EngineError> {
        self.refuse_over_quota(key, left, self.size_at(key))?;
        let (segments, name) = (self.world.config.segment_size.count_for(size), key.name.clone());
        if segments > SEGMENTS_MAX {
            return Err(EngineError::TooManySegments { name, segments, max: SEGMENTS_MAX });
        }
        self.world.claim_full_volumes()?;
        if !self.world.has_room_for(host, left) {
            let (free, closed) = self.world.free_and_closed(host);
            if let Some(causes) = self.world.why_none_takes(host, &closed) {
                return Err(EngineError::NoTaker { name, causes });
            }
            return Err(EngineError::NoRoom { name, needed: left.as_u64(), free, closed: closed.len() });
        }
        Ok(())
    }

    /// Begins a transfer that takes memory for a user.
    pub(super) fn begin_with_memory(&mut self, id: TransferId, user: Option<String>, transfer: Transfer, edge: Edge) -> Answer {
        self.world.memory.join(id, user, edge.is_remote());
        let payload = self.world.payload_of(transfer.log().status.host);
        self.begin(id, Running::new(transfer, Some(edge), payload))
    }

    /// Refuses what does not fit into its owner's quota, in which the bytes that it replaces make room. What has no owner has no quota.
    pub(super) fn refuse_over_quota(&mut self, key: &FileKey, size: ByteSize, replaced: u64) -> Result<(), EngineError> {
        let Some((owner, quota)) = key.owner.as_deref().zip(self.world.config.quota) else { return Ok(()) };
        self.note_usage(Some(owner));
        let (needed, left) = (size.as_u64(), self.usage_of(Some(owner)).left().unwrap_or(u64::MAX));
        let left = left.saturating_add(replaced);
        if needed <= left { Ok(()) } else { Err(EngineError::OverQuota { name: key.name.clone(), needed, left, quota }) }
    }

    /// Returns the size in bytes of the file of a key, which is 0 if there is none.
    pub(super) fn size_at(&self, key: &FileKey) -> u64 {
        self.world.names.files().file(key).map_or(0, |file| file.size)
    }

    /// Fails an upload of unknown size by which its owner's quota is exceeded.
    pub(super) fn keep_to_quota(&mut self, id: TransferId) {
        let Some(quota) = self.world.config.quota else { return };
        let Some(status) = self.transfers.get(&id).map(Running::bare_status) else { return };
        // What is undone or parked already grows no more.
        let grows = matches!(status.state, TransferState::Running | TransferState::Waiting | TransferState::Idle);
        let Some(owner) = status.file.owner.clone().filter(|_| grows && !status.size_known) else { return };
        let (usage, replaced) = (self.usage_of(Some(&owner)), self.size_at(&status.file));
        if usage.file_bytes.saturating_add(usage.arriving_bytes) > quota.as_u64().saturating_add(replaced) {
            let error = TransferError::OverQuota { quota };
            self.world.inbox.push_back((id, Input::GivenUp(error)));
        }
    }

    /// Begins a download for a user and by a host. The stream of a caller from remote does not hold virtual time.
    pub(super) fn download(
        &mut self,
        id: CommandId,
        by: (Option<String>, Peer),
        download: operation::Download,
        is_remote: bool,
    ) -> Option<Answer> {
        let operation::Download { file, range, expected, sink } = download;
        let found = match self.refuse_without_host(by.1).and_then(|()| self.file_to_download(&file, range, expected)) {
            Ok(found) => found,
            Err(error) => return Some(Err(error)),
        };
        let unknown = Arc::clone(&self.unknown);
        let edge = match sink {
            Sink::File { path, overwrite, preserve } => {
                let attributes = preserve.then_some(FileAttributes { modified: found.modified, mode: found.mode });
                let opening = Opening::Download { by, file, range, expected, path: path.clone() };
                return self.begin_opening(id, opening, Lane::Sink, move || opening::create(&path, overwrite, attributes));
            }
            Sink::Stream(stream) if is_remote => {
                Edge::of_remote_sink(DownloadSink::stream(stream.clone(), false).with_unknown(unknown), stream)
            }
            Sink::Stream(stream) => Edge::of_sink(DownloadSink::stream(stream, true).with_unknown(unknown)),
            Sink::Discard => Edge::of_sink(DownloadSink::nowhere().with_unknown(unknown)),
        };
        Some(self.download_to(edge, by, (&file, range, expected)))
    }

    /// Returns the file of which a range is to be downloaded, if it is the one that is expected.
    fn file_to_download(
        &mut self,
        key: &FileKey,
        range: Option<ByteRange>,
        expected: Option<Sha256Digest>,
    ) -> Result<FileRecord, EngineError> {
        let file = self.known_file(key)?;
        if let Some(expected) = expected.filter(|expected| *expected != file.sha256) {
            return Err(EngineError::ContentDiffers { name: file.key.name, expected, found: file.sha256 });
        }
        match range.filter(|range| range.first > file.size) {
            Some(ByteRange { first, .. }) => Err(EngineError::BeyondEnd { name: file.key.name, size: file.size, first }),
            None => Ok(file),
        }
    }

    /// Begins a download to its edge.
    fn download_to(
        &mut self,
        edge: Edge,
        (user, host): (Option<String>, Peer),
        (key, range, expected): (&FileKey, Option<ByteRange>, Option<Sha256Digest>),
    ) -> Answer {
        self.refuse_without_host(host)?;
        let file = self.file_to_download(key, range, expected)?;
        let (id, is_remote) = (self.next_id(), edge.is_remote());
        let plan = DownloadPlan { user: user.clone(), host, file, range, nodes: self.world.nodes.len(), is_remote };
        let download = Download::new(self.now(), id, plan);
        self.begin_with_memory(id, user, Transfer::Download(Box::new(download)), edge)
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

    /// Returns true if inputs of streams have been found that are to be recorded.
    pub(crate) const fn has_stream_inputs(&self) -> bool {
        self.inputs.is_some()
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
            if let (Happened::End(..) | Happened::Gone, Some(running)) = (&happened, self.transfers.get_mut(&transfer)) {
                running.end_remote();
            }
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
