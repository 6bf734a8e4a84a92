//! The calls of one request and one answer: lists, facts, removals, names, shares, and uploads that are kept.

use p2p_service::access::copies::Copying;
use p2p_service::access::sharing::Shared;
use p2p_service::files::{
    Await, BeginTransfer, Cancel, EngineError, Entry, FileKey, ForgetUpload, KeptUpload, ListTransfers, SegmentRecord,
    SimDuration, StatFile, TransferId, TransferReport, TransferState,
};
use tonic::Status;

use super::messages::{attributes, figures, file, kept};
use super::{Caller, checked};
use crate::proto::{
    CopyFileRequest, CopyFileResponse, DeleteFileRequest, DeleteFileResponse, FileInfo, ForgetUploadRequest,
    ForgetUploadResponse, GetTransferRequest, GetTransferResponse, ListFilesRequest, ListFilesResponse, ListUploadsResponse,
    MakeDirectoryRequest, MakeDirectoryResponse, MoveFileRequest, MoveFileResponse, SegmentPlace, SetAttributesRequest,
    SetAttributesResponse, ShareFileRequest, ShareFileResponse, StatFileRequest, StatFileResponse,
};
use crate::quantities::{number, span};
use crate::status::{self, told};

/// Entries of a page at the most.
const PAGE_MAX: usize = 1000;
/// Bytes of the paths on a page at the most, so that the page fits into a message.
const PAGE_BYTES_MAX: usize = 1 << 20;
/// Segments that are told of a file at once, at the most.
const SEGMENTS_MAX: usize = 4096;

impl Caller {
    pub(super) async fn list(&self, request: ListFilesRequest) -> Result<ListFilesResponse, Status> {
        let ListFilesRequest { path, recursive, page_size, page_token } = request;
        let max = match page_size as usize {
            0 => PAGE_MAX,
            wanted if wanted > PAGE_MAX => {
                return Err(status::invalid("page_size", format_args!("a page has at most {PAGE_MAX} entries")));
            }
            wanted => wanted,
        };
        let path = Some(path).filter(|path| !path.is_empty());
        let path = path.as_deref().map(|path| checked("path", path)).transpose()?;
        let after = key_of_token(&page_token)?;
        let page = self.access.list_page(&self.identity, path, recursive, after.as_ref(), max).await.map_err(told)?;
        let (mut files, mut bytes, mut next) = (Vec::with_capacity(page.entries.len()), 0, page.next);
        for (index, entry) in page.entries.iter().enumerate() {
            let info = file(&self.identity, entry);
            bytes += length_of(&info);
            if bytes > PAGE_BYTES_MAX && index > 0 {
                next = Some(page.entries[index - 1].key().clone());
                break;
            }
            files.push(info);
        }
        Ok(ListFilesResponse { files, next_page_token: next.map(|key| token_of(&key)).unwrap_or_default() })
    }

    pub(super) async fn stat(&self, request: StatFileRequest) -> Result<StatFileResponse, Status> {
        let path = checked("path", &request.path)?;
        let entry = self.access.known_entry(&self.identity, path).await.map_err(told)?;
        let segments = match &entry {
            Entry::File(found) if request.segments => self.segments(found.key.clone(), request.first_segment).await?,
            _ => Vec::new(),
        };
        Ok(StatFileResponse { file: Some(file(&self.identity, &entry)), segments })
    }

    async fn segments(&self, file: FileKey, first: u32) -> Result<Vec<SegmentPlace>, Status> {
        let manifest = self.access.call(StatFile { file }).await.map_err(told)?;
        let segments = (0..).zip(&manifest.segments).skip(first as usize).take(SEGMENTS_MAX);
        let place = |(index, segment): (u32, &SegmentRecord)| SegmentPlace {
            index,
            length: segment.len,
            sha256: segment.id.as_bytes().to_vec().into(),
            nodes: segment.holders.iter().map(|node| number(*node)).collect(),
        };
        Ok(segments.map(place).collect())
    }

    pub(super) async fn delete(&self, request: DeleteFileRequest) -> Result<DeleteFileResponse, Status> {
        let path = checked("path", &request.path)?;
        let removal = self.access.removal(&self.identity, path, request.recursive).await.map_err(told)?;
        let removal = BeginTransfer::from(removal);
        self.access.record_transfer(&self.identity, &removal).await.map_err(told)?;
        let transfer = self.access.begin(removal).await.map_err(told)?;
        Ok(DeleteFileResponse { figures: Some(figures(&self.report(transfer).await?)) })
    }

    pub(super) async fn rename(&self, request: MoveFileRequest) -> Result<MoveFileResponse, Status> {
        let (from, to) = (checked("from", &request.from)?, checked("to", &request.to)?);
        let change = self.access.renaming(&self.identity, from, to, request.replace).await.map_err(told)?;
        self.access.record_move(&self.identity, &change.from).await.map_err(told)?;
        let key = FileKey { owner: change.from.owner.clone(), name: change.to.clone() };
        self.access.call(change).await.map_err(told)?;
        Ok(MoveFileResponse { file: Some(self.described(&key).await?) })
    }

    pub(super) async fn copy(&self, request: CopyFileRequest) -> Result<CopyFileResponse, Status> {
        let (from, to) = (checked("from", &request.from)?, checked("to", &request.to)?);
        let how = Copying { replace: request.replace, preserve: request.preserve };
        let copy = self.access.copying(&self.identity, from, to, how).await.map_err(told)?;
        self.access.record_copy(&self.identity, &copy.from).await.map_err(told)?;
        let key = FileKey::new(self.identity.name(), &copy.to);
        self.access.call(copy).await.map_err(told)?;
        Ok(CopyFileResponse { file: Some(self.described(&key).await?) })
    }

    pub(super) async fn set_attributes(&self, request: SetAttributesRequest) -> Result<SetAttributesResponse, Status> {
        let SetAttributesRequest { path, modified_at, mode } = request;
        let (path, attributes) = (checked("path", &path)?, attributes("modified_at", modified_at, mode)?);
        let set = self.access.setting(&self.identity, path, attributes).await.map_err(told)?;
        let key = set.file.clone();
        self.access.record_setting(&self.identity, &key).await.map_err(told)?;
        self.access.call(set).await.map_err(told)?;
        Ok(SetAttributesResponse { file: Some(self.described(&key).await?) })
    }

    pub(super) async fn make_directory(&self, request: MakeDirectoryRequest) -> Result<MakeDirectoryResponse, Status> {
        let make = self.access.directory(checked("path", &request.path)?, request.parents).map_err(told)?;
        let key = self.identity.key_of(&request.path);
        self.access.call(make).await.map_err(told)?;
        // The root is there without an entry.
        let directory = match key.is_root() {
            true => FileInfo { path: ".".into(), owner: key.owner, is_directory: true, ..FileInfo::default() },
            false => self.described(&key).await?,
        };
        Ok(MakeDirectoryResponse { directory: Some(directory) })
    }

    pub(super) async fn share(&self, request: ShareFileRequest) -> Result<ShareFileResponse, Status> {
        let ShareFileRequest { path, user, may_read, may_upload } = request;
        if user.len() > super::PATH_MAX {
            return Err(status::invalid("user", "no user has such a name"));
        }
        let path = checked("path", &path)?;
        let shared = match may_upload {
            Some(may_upload) => self.access.share_uploads(&self.identity, path, &user, may_upload).await,
            None => self.access.share(&self.identity, path, &user, may_read).await,
        };
        match shared.map_err(told)? {
            Shared::Changed { .. } => Ok(ShareFileResponse { changed: true }),
            Shared::Unchanged { .. } => Ok(ShareFileResponse { changed: false }),
            Shared::Own { .. } => Err(status::invalid("user", "it is the owner, whose access cannot be changed")),
        }
    }

    pub(super) async fn transfer(&self, request: GetTransferRequest) -> Result<GetTransferResponse, Status> {
        let id = TransferId(request.transfer);
        // A snapshot would have the figures of the whole network too, for whoever asks several times a second.
        let transfers = self.access.call(ListTransfers).await.map_err(told)?;
        let status = transfers.iter().find(|status| status.id == id).ok_or_else(|| told(EngineError::UnknownTransfer(id)))?;
        Ok(GetTransferResponse {
            state: status.state.name().to_owned(),
            bytes: status.bytes,
            arrived_bytes: status.bytes_arrived.max(status.bytes_done),
            bytes_per_second: status.rate_bytes_per_second,
            elapsed: Some(span(status.elapsed(self.access.virtual_now()))),
            left: status.eta.whole_seconds().map(|seconds| span(SimDuration::from_nanos((seconds * 1e9) as u64))),
        })
    }

    pub(super) async fn uploads(&self) -> Result<ListUploadsResponse, Status> {
        let uploads = self.access.kept_uploads().await.map_err(told)?;
        Ok(ListUploadsResponse { uploads: uploads.iter().map(|upload| kept(&self.identity, upload)).collect() })
    }

    pub(super) async fn forget(&self, request: ForgetUploadRequest) -> Result<ForgetUploadResponse, Status> {
        let upload = request.upload_id.parse().map_err(|error| status::invalid("upload_id", error))?;
        let kept = self.access.kept_upload(&self.identity, upload).await.map_err(told)?;
        if let Some(report) = self.ended(&kept).await? {
            return Ok(ForgetUploadResponse { figures: Some(figures(&report)) });
        }
        let transfer = self.access.call(ForgetUpload { upload }).await.map_err(told)?;
        Ok(ForgetUploadResponse { figures: Some(figures(&self.report(transfer).await?)) })
    }

    /// Ends an upload that is under way (draft-ietf-httpbis-resumable-upload, section 4.5, "Upload Cancellation"), and returns its report
    /// if nothing is kept of it; none if it waits to be continued.
    ///
    /// # Errors
    /// Fails if it has become a file in the meantime.
    async fn ended(&self, kept: &KeptUpload) -> Result<Option<Box<TransferReport>>, Status> {
        let Some(transfer) = kept.transfer else { return Ok(None) };
        match self.access.call(Cancel { transfer }).await {
            Ok(report) => match report.status.state {
                TransferState::Parked => Ok(None),
                TransferState::Done => Err(told(EngineError::UnknownUpload(kept.id))),
                _ => Ok(Some(report)),
            },
            // What is kept now is what it has left.
            Err(EngineError::TransferOver(_) | EngineError::UnknownTransfer(_)) => Ok(None),
            Err(error) => Err(told(error)),
        }
    }

    /// Waits until a transfer is over, and returns its report.
    pub(super) async fn report(&self, transfer: TransferId) -> Result<TransferReport, Status> {
        let report = self.access.call(Await { transfer }).await.map_err(told)?;
        report.into_result().map_err(told)
    }

    /// Returns the file or the directory of this key.
    pub(super) async fn described(&self, key: &FileKey) -> Result<FileInfo, Status> {
        let entry = self.access.known_entry(&self.identity, &self.identity.label(key)).await.map_err(told)?;
        Ok(file(&self.identity, &entry))
    }
}

/// Returns the bytes that an entry takes of a page, without those of its figures.
fn length_of(info: &FileInfo) -> usize {
    info.path.len() + info.name.len() + info.readers.iter().chain(&info.uploaders).map(String::len).sum::<usize>() + 128
}

/// Returns the token of the page that begins after a key: the owner, whose name has no `/` in it, and the path.
fn token_of(key: &FileKey) -> String {
    format!("{}/{}", key.owner.as_deref().unwrap_or_default(), key.name)
}

/// Returns the key after which the page of a token begins; none for the first page.
fn key_of_token(token: &str) -> Result<Option<FileKey>, Status> {
    if token.is_empty() {
        return Ok(None);
    }
    let parts = token.split_once('/').filter(|_| token.len() <= super::PATH_MAX);
    let (owner, name) = parts.ok_or_else(|| status::invalid("page_token", "no page has given it"))?;
    Ok(Some(FileKey::new(Some(owner).filter(|owner| !owner.is_empty()), name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_a_key() {
        for key in [FileKey::unowned("a/b"), FileKey::new(Some("alice"), "a b"), FileKey::new(Some("alice"), "")] {
            assert_eq!(key_of_token(&token_of(&key)).unwrap(), Some(key));
        }
        assert_eq!(key_of_token("").unwrap(), None);
        assert!(key_of_token("x").is_err() && key_of_token(&format!("a/{}", "x".repeat(5000))).is_err());
    }
}
