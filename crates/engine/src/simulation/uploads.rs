//! Uploads that are kept although their source has gone: continuing, listing, undoing and expiring them.

use p2p_base::database::Purpose;
use p2p_base::units::ByteSize;
use p2p_store::catalog::CatalogError;
use p2p_store::manifest::{NodeNumber, SegmentRecord};
use p2p_store::segment::SegmentSize;
use p2p_store::uploads::{Declared, UploadId, UploadRecord};

use super::answers::{Answer, catalog_refused};
use super::running::Running;
use super::{CommandId, Simulation, Waiting};
use crate::changes;
use crate::edge::Edge;
use crate::error::EngineError;
use crate::io::crashed;
use crate::io::{Blocked, JobId, Outcome};
use crate::operation::{Keep, KeptUpload};
use crate::peer::Peer;
use crate::policy;
use crate::principal::Principal;
use crate::stream::{ResumePoint, SourceStream};
use crate::transfer::{Removal, Transfer, TransferId, TransferState, Upload, UploadPlan};

/// Continuation of a kept upload that the catalog has been asked for.
#[derive(Debug, Clone)]
pub(super) struct Resuming {
    pub(super) stream: SourceStream,
    /// Declared size of the whole content.
    pub(super) size: Option<ByteSize>,
    pub(super) keep: Keep,
    /// Node to which its segments go while it can take them.
    pub(super) preferred: Option<NodeNumber>,
    /// User who continues it.
    pub(super) by: Option<String>,
    /// Host that continues it.
    pub(super) host: Peer,
    pub(super) is_remote: bool,
}

impl Simulation {
    /// Returns true if an upload of this name is parked or running.
    pub(super) fn knows_upload(&self, id: UploadId) -> bool {
        self.world.names.parked().contains_key(&id) || self.running_upload(id)
    }

    fn running_upload(&self, id: UploadId) -> bool {
        self.transfers.values().filter_map(Running::kept).any(|(record, _)| record.id == id)
    }

    /// Asks the catalog for a kept upload that is to be continued.
    pub(super) fn resume(&mut self, command: CommandId, resuming: Resuming) -> Option<Answer> {
        let id = resuming.keep.id;
        if let Err(error) = self.refuse_when_closing() {
            return Some(Err(error));
        }
        if self.running_upload(id) {
            return Some(Err(EngineError::UploadRunning(id)));
        }
        self.note_upload(id);
        let job = self.ask_catalog(move |catalog| Outcome::KeptUpload(catalog.upload(id).map(Box::new)));
        self.wait_for(command, Waiting::Resuming(job, Box::new(resuming)))
    }

    /// Continues a kept upload, once the catalog has answered.
    pub(super) fn answer_to_resuming(&mut self, job: JobId, resuming: Resuming) -> Result<Answer, Blocked> {
        let outcome = self.world.work.jobs.take(job).ok_or(Blocked(job))?;
        Ok(match outcome {
            Outcome::KeptUpload(Ok(kept)) => self.continue_upload(kept.0, kept.1, resuming),
            Outcome::KeptUpload(Err(error)) => Err(catalog_refused(error)),
            other => Err(crashed(other)),
        })
    }

    fn continue_upload(&mut self, record: UploadRecord, segments: Vec<SegmentRecord>, resuming: Resuming) -> Answer {
        let Resuming { stream, size, keep, preferred, by, host, is_remote } = resuming;
        self.refuse_without_host(host)?;
        let inconsistent = || EngineError::from(CatalogError::InconsistentUpload(record.id));
        let segment_size = SegmentSize::try_from(record.segment_size).map_err(|_| inconsistent())?;
        let point = ResumePoint { segment_size, segments: record.segments, hash: record.hash.clone() };
        // A replay knows no content and so no state of its digest; nothing continues it there.
        if stream.has_writer() {
            point.cutter().map_err(|_| inconsistent())?;
        }
        let segments = self.held_here(segments).ok_or_else(inconsistent)?;
        let given = Declared { size: size.map(ByteSize::as_u64), modified: keep.modified };
        let differs = |other| EngineError::UploadDiffers { name: record.key.name.clone(), other };
        let declared = record.declared.with(given).map_err(differs)?;
        let is_of_guest = by != record.key.owner;
        self.refuse_larger((&record, host), size).map_err(|error| error.without_quota_if(is_of_guest))?;
        // The name is kept for the upload; but a file that it is to replace may have been changed or removed meanwhile.
        changes::require_storable(self.world.names.files(), &record.key, record.stored_as.replace)?;
        changes::require_content(self.world.names.files(), &record.key, record.stored_as.expected)?;
        self.refuse_leaving(&record.key)?;
        self.world.claim_volumes(Purpose::Keep)?;
        if self.world.names.unpark(record.id).is_none() {
            return Err(EngineError::UnknownUpload(record.id));
        }
        stream.resume_at(point);
        let (key, stored_at, stored_as) = (record.key.clone(), record.stored_at, record.stored_as);
        let (is_readable_again, kept) = (false, Some(keep));
        let plan = UploadPlan {
            key,
            by: by.clone(),
            host,
            size,
            segment_size,
            stored_at,
            stored_as,
            preferred,
            is_remote,
            is_readable_again,
            keep: kept,
        };
        let (id, record) = (self.next_id(), UploadRecord { expires_at: keep.expires_at, declared, ..record });
        let edge = Edge::of_stream(stream, is_remote);
        let upload = Upload::resume(self.now(), id, plan, record, segments);
        self.begin_with_memory(id, by, Transfer::Upload(Box::new(upload)), edge)
    }

    /// Returns the segments with those of their holders that are in this network; `None` if one has none.
    fn held_here(&self, mut segments: Vec<SegmentRecord>) -> Option<Vec<SegmentRecord>> {
        let nodes = self.world.nodes.len();
        segments.iter_mut().for_each(|segment| segment.holders.retain(|node| node.index() < nodes));
        segments.iter().all(|segment| !segment.holders.is_empty()).then_some(segments)
    }

    /// Refuses to continue an upload whose declared size is less than what is kept, or more than there is room or quota for.
    fn refuse_larger(&mut self, (record, host): (&UploadRecord, Peer), size: Option<ByteSize>) -> Result<(), EngineError> {
        let whole = size.map_or(record.offset, ByteSize::as_u64);
        let left = whole.checked_sub(record.offset).ok_or(EngineError::UploadLonger { offset: record.offset, size: whole })?;
        self.refuse_unfit((&record.key, host), ByteSize::from_bytes(whole), ByteSize::from_bytes(left))
    }

    /// Returns the kept uploads that a principal may see, by name.
    pub(super) fn kept_uploads(&self, by: &Principal) -> Vec<KeptUpload> {
        let running = self.transfers.iter().filter_map(|(&id, transfer)| {
            let (record, _) = transfer.kept()?;
            Some((record, Some((id, transfer.bare_status().state))))
        });
        let parked = self.world.names.parked().values().map(|record| (record, None));
        let seen = parked.chain(running).filter(|(record, _)| policy::may_keep(by, record.begun_by.as_deref(), &record.key));
        let status = |(record, transfer): (&UploadRecord, Option<(TransferId, TransferState)>)| KeptUpload {
            id: record.id,
            file: record.key.clone(),
            offset: record.offset,
            began_at: record.stored_at,
            expires_at: record.expires_at,
            transfer: transfer.map(|(id, _)| id),
            state: transfer.map_or(TransferState::Parked, |(_, state)| state),
            stored_as: record.stored_as,
            begun_by: record.begun_by.clone(),
        };
        let mut uploads: Vec<KeptUpload> = seen.map(status).collect();
        uploads.sort_by_key(|upload| upload.id);
        uploads
    }

    /// Begins to undo a kept upload.
    pub(super) fn forget_upload(&mut self, by: (Option<String>, Peer), id: UploadId) -> Answer {
        self.refuse_without_host(by.1)?;
        if self.running_upload(id) {
            return Err(EngineError::UploadRunning(id));
        }
        self.note_upload(id);
        self.world.claim_volumes(Purpose::Free)?;
        let record = self.world.names.unpark(id).ok_or(EngineError::UnknownUpload(id))?;
        let transfer = self.next_id();
        let payload = self.world.payload_of(by.1);
        let removal = Removal::of_upload(self.now(), transfer, by, record);
        self.begin(transfer, Running::new(Transfer::Removal(Box::new(removal)), None, payload))
    }

    /// Begins to undo the kept uploads that have expired by the wall-clock time `now`, in seconds since 1970.
    pub(super) fn expire_uploads(&mut self, now: u64) -> Result<(), EngineError> {
        let has_expired = |record: &&UploadRecord| record.expires_at <= now;
        let expired = self.world.names.parked().values().filter(has_expired);
        let expired: Vec<(UploadId, Option<String>)> = expired.map(|record| (record.id, record.key.owner.clone())).collect();
        expired.into_iter().try_for_each(|(id, owner)| self.forget_upload((owner, Peer::Client), id).map(drop))
    }

    /// Returns the bytes of the owner's uploads that are kept and not running.
    pub(super) fn parked_bytes(&self, owner: Option<&str>) -> u64 {
        let own = self.world.names.parked().values().filter(|record| record.key.owner.as_deref() == owner);
        own.map(|record| record.offset).fold(0, u64::saturating_add)
    }
}
