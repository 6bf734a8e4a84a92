//! Client of the services, for commands that ask a running `p2p serve`.
//!
//! | file | contents |
//! |---|---|
//! | `content` | uploads and downloads, whose bytes threads of their own read and write |
//! | `failure` | why something was not done |

mod content;
mod failure;

use std::net::SocketAddr;
use std::time::Duration;

use p2p_service::accounts::Secret;
use secrecy::ExposeSecret;
use tonic::metadata::AsciiMetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Streaming};

pub use self::failure::ClientError;

use crate::proto::auth_service_client::AuthServiceClient;
use crate::proto::file_transfer_service_client::FileTransferServiceClient;
use crate::proto::{
    DeleteFileRequest, FileInfo, KeptUpload, ListFilesRequest, ListUploadsRequest, LoginRequest, LoginResponse, LogoutRequest,
    MakeDirectoryRequest, MoveFileRequest, ShareFileRequest, StatFileRequest, StatFileResponse, TransferFigures,
    VerifyOtpRequest, WatchEventsRequest, WatchEventsResponse, WhoAmIRequest, WhoAmIResponse,
};

/// Time for a connection to the server.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Time between two pings to the server, and time for the answer to one: a server that is gone is noticed although nothing is sent.
const PING: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(30));

type Outcome<T> = Result<T, ClientError>;

/// Client of one server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    files: FileTransferServiceClient<Channel>,
    accounts: AuthServiceClient<Channel>,
    bearer: Option<AsciiMetadataValue>,
}

impl Client {
    /// Connects to the server at an address, for whom a token says.
    ///
    /// # Errors
    /// Fails if no server answers there in time, or if the token cannot be one.
    pub async fn connect(address: SocketAddr, bearer: Option<&Secret>) -> Outcome<Client> {
        let unreachable = |error: tonic::transport::Error| ClientError::unreachable(address, &error);
        let endpoint = Endpoint::from_shared(format!("http://{address}")).map_err(unreachable)?;
        let endpoint = endpoint
            .connect_timeout(CONNECT_WITHIN)
            .http2_keep_alive_interval(PING.0)
            .keep_alive_timeout(PING.1)
            .keep_alive_while_idle(true)
            .tcp_nodelay(true);
        let channel = endpoint.connect().await.map_err(unreachable)?;
        let (files, accounts) = (FileTransferServiceClient::new(channel.clone()), AuthServiceClient::new(channel));
        Client { files, accounts, bearer: None }.presenting(bearer)
    }

    /// Returns the client with another token to present.
    ///
    /// # Errors
    /// Fails if the token cannot be one.
    pub fn presenting(self, bearer: Option<&Secret>) -> Outcome<Client> {
        let value = |token: &Secret| format!("Bearer {}", token.expose_secret()).parse::<AsciiMetadataValue>();
        let mut bearer = bearer.map(value).transpose().map_err(|_| ClientError::NoToken)?;
        bearer.iter_mut().for_each(|bearer| bearer.set_sensitive(true));
        Ok(Client { bearer, ..self })
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(bearer) = &self.bearer {
            request.metadata_mut().insert("authorization", bearer.clone());
        }
        request
    }

    /// Begins a session by name and password.
    ///
    /// # Errors
    /// Fails if the server refuses.
    pub async fn login(&self, name: &str, password: &Secret) -> Outcome<LoginResponse> {
        let wanted = LoginRequest { name: name.to_owned(), password: password.expose_secret().to_owned() };
        Ok(self.accounts.clone().login(self.request(wanted)).await?.into_inner())
    }

    /// Answers the challenge of a login by a code.
    ///
    /// # Errors
    /// Fails if the server refuses.
    pub async fn answer(&self, challenge_id: &str, code: &Secret) -> Outcome<LoginResponse> {
        let answer = VerifyOtpRequest { challenge_id: challenge_id.to_owned(), code: code.expose_secret().to_owned() };
        Ok(self.accounts.clone().verify_otp(self.request(answer)).await?.into_inner())
    }

    /// Ends the session whose token is presented.
    ///
    /// # Errors
    /// Fails if the server refuses.
    pub async fn logout(&self) -> Outcome<()> {
        self.accounts.clone().logout(self.request(LogoutRequest { all: false })).await?;
        Ok(())
    }

    /// Returns who the caller is.
    ///
    /// # Errors
    /// Fails if nobody is logged in.
    pub async fn who_am_i(&self) -> Outcome<WhoAmIResponse> {
        Ok(self.accounts.clone().who_am_i(self.request(WhoAmIRequest {})).await?.into_inner())
    }

    /// Returns all entries of a directory, the file itself, or the caller's root and what others share for an empty path.
    ///
    /// # Errors
    /// Fails if the server refuses.
    pub async fn list(&self, path: &str, recursive: bool) -> Outcome<Vec<FileInfo>> {
        let (mut all, mut page_token) = (Vec::new(), String::new());
        loop {
            let wanted = ListFilesRequest { path: path.to_owned(), recursive, page_size: 0, page_token };
            let page = self.files.clone().list_files(self.request(wanted)).await?.into_inner();
            all.extend(page.files);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(all);
            }
        }
    }

    /// Returns what a file or a directory is, without segments.
    ///
    /// # Errors
    /// Fails if the server refuses.
    pub async fn stat(&self, path: &str) -> Outcome<FileInfo> {
        self.part(path, false, 0).await?.file.ok_or(ClientError::Unexpected("no file"))
    }

    /// Returns what a file or a directory is, with all segments of a file.
    ///
    /// # Errors
    /// Fails if the server refuses.
    pub async fn stat_segments(&self, path: &str) -> Outcome<StatFileResponse> {
        let mut all = self.part(path, true, 0).await?;
        while let Some(last) = all.segments.last() {
            let next = self.part(path, true, last.index + 1).await?.segments;
            if next.is_empty() {
                break;
            }
            all.segments.extend(next);
        }
        Ok(all)
    }

    async fn part(&self, path: &str, segments: bool, first_segment: u32) -> Outcome<StatFileResponse> {
        let wanted = StatFileRequest { path: path.to_owned(), segments, first_segment };
        Ok(self.files.clone().stat_file(self.request(wanted)).await?.into_inner())
    }

    /// Removes a file or a directory.
    ///
    /// # Errors
    /// Fails if the server refuses, or if the removal fails.
    pub async fn delete(&self, path: &str, recursive: bool) -> Outcome<TransferFigures> {
        let wanted = DeleteFileRequest { path: path.to_owned(), recursive };
        let answer = self.files.clone().delete_file(self.request(wanted)).await?.into_inner();
        answer.figures.ok_or(ClientError::Unexpected("no figures"))
    }

    /// Gives a file or a directory another name, and returns it under that.
    ///
    /// # Errors
    /// Fails if the server refuses.
    pub async fn rename(&self, from: &str, to: &str) -> Outcome<FileInfo> {
        let wanted = MoveFileRequest { from: from.to_owned(), to: to.to_owned() };
        let answer = self.files.clone().move_file(self.request(wanted)).await?.into_inner();
        answer.file.ok_or(ClientError::Unexpected("no file"))
    }

    /// Makes a directory.
    ///
    /// # Errors
    /// Fails if the server refuses.
    pub async fn make_directory(&self, path: &str, parents: bool) -> Outcome<FileInfo> {
        let wanted = MakeDirectoryRequest { path: path.to_owned(), parents };
        let answer = self.files.clone().make_directory(self.request(wanted)).await?.into_inner();
        answer.directory.ok_or(ClientError::Unexpected("no directory"))
    }

    /// Lets a user read a file or what is in a directory, or no longer. Returns true if something has changed.
    ///
    /// # Errors
    /// Fails if the server refuses.
    pub async fn share(&self, path: &str, user: &str, may_read: bool) -> Outcome<bool> {
        let wanted = ShareFileRequest { path: path.to_owned(), user: user.to_owned(), may_read };
        Ok(self.files.clone().share_file(self.request(wanted)).await?.into_inner().changed)
    }

    /// Returns the uploads that are kept.
    ///
    /// # Errors
    /// Fails if the server refuses.
    pub async fn uploads(&self) -> Outcome<Vec<KeptUpload>> {
        Ok(self.files.clone().list_uploads(self.request(ListUploadsRequest {})).await?.into_inner().uploads)
    }

    /// Begins to watch what happens.
    ///
    /// # Errors
    /// Fails if the server refuses.
    pub async fn watch(&self, wanted: WatchEventsRequest) -> Outcome<Streaming<WatchEventsResponse>> {
        Ok(self.files.clone().watch_events(self.request(wanted)).await?.into_inner())
    }
}
