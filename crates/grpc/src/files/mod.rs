//! `FileTransferService`: files stored, fetched, listed and shared by other programs, through the gate.
//!
//! | file | contents |
//! |---|---|
//! | `calls` | the calls of one request and one answer |
//! | `upload` | `UploadFile`: content that a client sends, and what is told of it meanwhile |
//! | `acknowledged` | how far the segments of an upload are acknowledged |
//! | `download` | `DownloadFile`: content that a client takes |
//! | `events` | `WatchEvents` |
//! | `produced` | answers that a task of their own produces |
//! | `messages` | what the gate knows, as messages |
//!
//! Memory of a request is bounded whatever its client does: an upload has the window of HTTP/2 (1 MiB), one chunk (1 MiB), and what the
//! engine takes ahead (seven segments); a download one chunk, what the engine fetches ahead, and 256 KiB that wait to be sent.

mod acknowledged;
mod calls;
mod download;
mod events;
pub(crate) mod messages;
mod produced;
mod upload;

use std::sync::Arc;

use p2p_service::access::{Access, Identity};
use p2p_service::files::PATH_BYTES_MAX;
use tonic::{Request, Response, Status, Streaming};

use self::produced::Produced;
use crate::callers::Callers;
use crate::proto::file_transfer_service_server::FileTransferService;
use crate::proto::{
    CopyFileRequest, CopyFileResponse, DeleteFileRequest, DeleteFileResponse, DownloadFileRequest, DownloadFileResponse,
    ForgetUploadRequest, ForgetUploadResponse, GetTransferRequest, GetTransferResponse, ListFilesRequest, ListFilesResponse,
    ListUploadsRequest, ListUploadsResponse, MakeDirectoryRequest, MakeDirectoryResponse, MoveFileRequest, MoveFileResponse,
    SetAttributesRequest, SetAttributesResponse, ShareFileRequest, ShareFileResponse, StatFileRequest, StatFileResponse,
    UploadFileRequest, UploadFileResponse, WatchEventsRequest, WatchEventsResponse,
};
use crate::status::{self, told};

/// Length of a chunk at the most, in bytes. The contract says so too.
const CHUNK_MAX: usize = 1 << 20;
/// Length of a path at the most, in bytes: the longest one that can be stored, and the name of its owner before it.
const PATH_MAX: usize = PATH_BYTES_MAX + 256;

type Answer<T> = Result<Response<T>, Status>;

/// Files, as a service.
#[derive(Debug)]
pub(crate) struct Files(Callers);

/// Caller of a request, who is logged in.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) access: Access,
    pub(crate) identity: Arc<Identity>,
}

impl Caller {
    /// Returns the caller of a request.
    pub(crate) async fn of<T>(callers: &Callers, request: &Request<T>) -> Result<Caller, Status> {
        let access = callers.caller(request).await?;
        let identity = access.identity();
        access.require_login(&identity).map_err(told)?;
        Ok(Caller { access, identity })
    }
}

impl Files {
    pub(crate) fn new(callers: Callers) -> Files {
        Files(callers)
    }

    /// Returns the caller of a request.
    async fn caller<T>(&self, request: &Request<T>) -> Result<Caller, Status> {
        Caller::of(&self.0, request).await
    }
}

impl Caller {
    /// Fails if what the caller has presented is no longer valid.
    async fn check(&self) -> Result<(), Status> {
        let identity = self.access.check().await.map_err(told)?;
        self.access.require_login(&identity).map_err(told)
    }

    /// Waits until what the caller has presented is no longer valid, and returns the status of that.
    async fn lapsed(&self) -> Status {
        told(self.access.lapsed().await)
    }
}

/// Refuses a path that nothing can have, before it is looked for and named in an error.
pub(crate) fn checked<'p>(field: &str, path: &'p str) -> Result<&'p str, Status> {
    match path.len() {
        0 => Err(status::invalid(field, "it is empty; `.` is your root")),
        len if len > PATH_MAX => {
            Err(status::invalid(field, format_args!("it has {len} bytes; at most {PATH_BYTES_MAX} are allowed")))
        }
        _ => Ok(path),
    }
}

#[tonic::async_trait]
impl FileTransferService for Files {
    type UploadFileStream = Produced<UploadFileResponse>;
    type DownloadFileStream = Produced<DownloadFileResponse>;
    type WatchEventsStream = Produced<WatchEventsResponse>;

    async fn upload_file(&self, request: Request<Streaming<UploadFileRequest>>) -> Answer<Self::UploadFileStream> {
        let caller = self.caller(&request).await?;
        let messages = request.into_inner();
        Ok(Response::new(Produced::outlived_by(upload::WAITING_MAX, |answers| upload::run(caller, messages, answers))))
    }

    async fn download_file(&self, request: Request<DownloadFileRequest>) -> Answer<Self::DownloadFileStream> {
        let caller = self.caller(&request).await?;
        let begun = download::begin(&caller, request.into_inner()).await?;
        Ok(Response::new(Produced::new(1, |answers| download::run(caller, begun, answers))))
    }

    async fn list_files(&self, request: Request<ListFilesRequest>) -> Answer<ListFilesResponse> {
        self.caller(&request).await?.list(request.into_inner()).await.map(Response::new)
    }

    async fn stat_file(&self, request: Request<StatFileRequest>) -> Answer<StatFileResponse> {
        self.caller(&request).await?.stat(request.into_inner()).await.map(Response::new)
    }

    async fn delete_file(&self, request: Request<DeleteFileRequest>) -> Answer<DeleteFileResponse> {
        self.caller(&request).await?.delete(request.into_inner()).await.map(Response::new)
    }

    async fn move_file(&self, request: Request<MoveFileRequest>) -> Answer<MoveFileResponse> {
        self.caller(&request).await?.rename(request.into_inner()).await.map(Response::new)
    }

    async fn copy_file(&self, request: Request<CopyFileRequest>) -> Answer<CopyFileResponse> {
        self.caller(&request).await?.copy(request.into_inner()).await.map(Response::new)
    }

    async fn set_attributes(&self, request: Request<SetAttributesRequest>) -> Answer<SetAttributesResponse> {
        self.caller(&request).await?.set_attributes(request.into_inner()).await.map(Response::new)
    }

    async fn make_directory(&self, request: Request<MakeDirectoryRequest>) -> Answer<MakeDirectoryResponse> {
        self.caller(&request).await?.make_directory(request.into_inner()).await.map(Response::new)
    }

    async fn share_file(&self, request: Request<ShareFileRequest>) -> Answer<ShareFileResponse> {
        self.caller(&request).await?.share(request.into_inner()).await.map(Response::new)
    }

    async fn get_transfer(&self, request: Request<GetTransferRequest>) -> Answer<GetTransferResponse> {
        self.caller(&request).await?.transfer(request.into_inner()).await.map(Response::new)
    }

    async fn list_uploads(&self, request: Request<ListUploadsRequest>) -> Answer<ListUploadsResponse> {
        self.caller(&request).await?.uploads().await.map(Response::new)
    }

    async fn forget_upload(&self, request: Request<ForgetUploadRequest>) -> Answer<ForgetUploadResponse> {
        self.caller(&request).await?.forget(request.into_inner()).await.map(Response::new)
    }

    async fn watch_events(&self, request: Request<WatchEventsRequest>) -> Answer<Self::WatchEventsStream> {
        let caller = self.caller(&request).await?;
        let wanted = events::Wanted::of(request.into_inner())?;
        Ok(Response::new(Produced::new(1, |answers| events::run(caller, wanted, answers))))
    }
}
