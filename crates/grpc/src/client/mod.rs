//! Client of the services, for commands that ask a running `p2p serve`.
//!
//! | file | contents |
//! |---|---|
//! | `admin` | the network of a server, and its time |
//! | `content` | uploads and downloads, whose bytes threads of their own read and write |
//! | `failure` | why something was not done |
//! | `tls` | which servers are trusted, where TLS is spoken |
//!
//! A call with one answer is waited for as [`Limits`] say, so that a server that takes requests and answers none holds nobody up. The
//! connection is watched by pings, which bounds the waiting for content and events.

mod admin;
mod content;
mod failure;
mod tls;

use std::net::SocketAddr;
use std::time::Duration;

use p2p_service::accounts::Secret;
use secrecy::ExposeSecret;
use tokio::time::timeout;
use tonic::metadata::AsciiMetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status, Streaming};

pub use self::admin::{Healed, NetworkStatus};
pub use self::failure::ClientError;
pub use self::tls::Tls;

use self::tls::Connector;
use crate::proto::admin_service_client::AdminServiceClient;
use crate::proto::auth_service_client::AuthServiceClient;
use crate::proto::file_transfer_service_client::FileTransferServiceClient;
use crate::proto::{
    CopyFileRequest, DeleteFileRequest, FileInfo, ForgetUploadRequest, GetTransferRequest, GetTransferResponse, KeptUpload,
    ListFilesRequest, ListUploadsRequest, LoginRequest, LoginResponse, LogoutRequest, MakeDirectoryRequest, MoveFileRequest,
    RegisterRequest, SegmentPlace, SetAttributesRequest, ShareFileRequest, StatFileRequest, StatFileResponse, TransferFigures,
    VerifyOtpRequest, WatchEventsRequest, WatchEventsResponse, WhoAmIRequest, WhoAmIResponse,
};

/// Time for a connection to the server.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Time between two pings to the server, and time for the answer to one: a server that is gone is noticed although nothing is sent.
const PING: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(30));

/// Length of a frame from the server at the most, in bytes (`SETTINGS_MAX_FRAME_SIZE`; RFC 9113, section 6.5.2): a message with a segment of
/// 64 KiB comes in one, and so in one write and one or two reads, where the 16 KiB that hold otherwise would take eight.
const FRAME_MAX: u32 = 256 << 10;

/// Pages of a list at the most: ten million entries.
const PAGES_MAX: usize = 10_000;

/// Time for the answer of a call that has one, in wall time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of a call that is answered at once.
    pub at_once: Duration,
    /// Of a call whose effect takes virtual time, such as a removal or the end of a process.
    pub in_time: Duration,
}

impl Default for Limits {
    /// Returns a minute for what is answered at once, and an hour for what takes virtual time.
    fn default() -> Limits {
        Limits { at_once: Duration::from_secs(60), in_time: Duration::from_secs(60 * 60) }
    }
}

type Outcome<T> = Result<T, ClientError>;

/// Client of one server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    files: FileTransferServiceClient<Channel>,
    accounts: AuthServiceClient<Channel>,
    admin: AdminServiceClient<Channel>,
    limits: Limits,
    bearer: Option<AsciiMetadataValue>,
}

impl Client {
    /// Connects to the server at an address, by TLS if whom to trust is said, for whom a token says.
    ///
    /// # Errors
    /// Fails if no server answers there in time, if its certificate is not trusted, or if the token cannot be one.
    pub async fn connect(address: SocketAddr, tls: Option<&Tls>, bearer: Option<&Secret>) -> Outcome<Client> {
        let unreachable = |error: tonic::transport::Error| ClientError::unreachable(address, &error);
        let scheme = if tls.is_some() { "https" } else { "http" };
        let endpoint = Endpoint::from_shared(format!("{scheme}://{address}")).map_err(unreachable)?;
        let endpoint = endpoint
            .connect_timeout(CONNECT_WITHIN)
            .http2_keep_alive_interval(PING.0)
            .keep_alive_timeout(PING.1)
            .keep_alive_while_idle(true)
            .max_frame_size(FRAME_MAX)
            .tcp_nodelay(true);
        let channel = match tls {
            Some(tls) => endpoint.connect_with_connector(Connector { address, tls: tls.clone() }).await,
            None => endpoint.connect().await,
        };
        let channel = channel.map_err(unreachable)?;
        let (files, accounts) = (FileTransferServiceClient::new(channel.clone()), AuthServiceClient::new(channel.clone()));
        let (admin, limits) = (AdminServiceClient::new(channel), Limits::default());
        Client { files, accounts, admin, limits, bearer: None }.presenting(bearer)
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

    /// Returns the client that waits for answers for other times.
    #[must_use]
    pub fn waiting(self, limits: Limits) -> Client {
        Client { limits, ..self }
    }

    /// Waits for the answer of a call that is answered at once.
    async fn at_once<T>(&self, call: impl Future<Output = Result<Response<T>, Status>>) -> Outcome<T> {
        answered(self.limits.at_once, call).await
    }

    /// Waits for the answer of a call whose effect takes virtual time.
    async fn in_time<T>(&self, call: impl Future<Output = Result<Response<T>, Status>>) -> Outcome<T> {
        answered(self.limits.in_time, call).await
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(bearer) = &self.bearer {
            request.metadata_mut().insert("authorization", bearer.clone());
        }
        request
    }

    /// Makes an account. The answer has the token of its session, unless an admin who is logged in makes it for somebody else. `admission` is
    /// the setup token of the server or an invite.
    ///
    /// # Errors
    /// Fails if the server refuses.
    pub async fn register(
        &self,
        name: &str,
        email: &str,
        password: &Secret,
        admission: Option<&Secret>,
    ) -> Outcome<LoginResponse> {
        let wanted = RegisterRequest {
            name: name.to_owned(),
            email: email.to_owned(),
            password: password.expose_secret().to_owned(),
            admission: admission.map(|admission| admission.expose_secret().to_owned()),
        };
        self.at_once(self.accounts.clone().register(self.request(wanted))).await
    }

    /// Begins a session by name and password.
    ///
    /// # Errors
    /// Fails if the server refuses.
    pub async fn login(&self, name: &str, password: &Secret) -> Outcome<LoginResponse> {
        let wanted = LoginRequest { name: name.to_owned(), password: password.expose_secret().to_owned() };
        self.at_once(self.accounts.clone().login(self.request(wanted))).await
    }

    /// Answers the challenge of a login by a code.
    ///
    /// # Errors
    /// Fails if the server refuses.
    pub async fn answer(&self, challenge_id: &str, code: &Secret) -> Outcome<LoginResponse> {
        let answer = VerifyOtpRequest { challenge_id: challenge_id.to_owned(), code: code.expose_secret().to_owned() };
        self.at_once(self.accounts.clone().verify_otp(self.request(answer))).await
    }

    /// Ends the session whose token is presented.
    ///
    /// # Errors
    /// Fails if the server refuses.
    pub async fn logout(&self) -> Outcome<()> {
        self.at_once(self.accounts.clone().logout(self.request(LogoutRequest { all: false }))).await.map(drop)
    }

    /// Returns who the caller is.
    ///
    /// # Errors
    /// Fails if nobody is logged in.
    pub async fn who_am_i(&self) -> Outcome<WhoAmIResponse> {
        self.at_once(self.accounts.clone().who_am_i(self.request(WhoAmIRequest {}))).await
    }

    /// Returns all entries of a directory, the file itself, or the caller's root and what others share for an empty path.
    ///
    /// # Errors
    /// Fails if the server refuses.
    pub async fn list(&self, path: &str, recursive: bool) -> Outcome<Vec<FileInfo>> {
        let (mut all, mut page_token) = (Vec::new(), String::new());
        for _ in 0..PAGES_MAX {
            let wanted = ListFilesRequest { path: path.to_owned(), recursive, page_size: 0, page_token: page_token.clone() };
            let page = self.at_once(self.files.clone().list_files(self.request(wanted))).await?;
            let (len, next) = (page.files.len(), page.next_page_token);
            all.extend(page.files);
            if next.is_empty() {
                return Ok(all);
            }
            if !goes_on(len, &page_token, &next) {
                return Err(ClientError::Unexpected("the pages of its list do not go on"));
            }
            page_token = next;
        }
        Err(ClientError::Unexpected("its list has no end"))
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
        let mut expected = 0;
        let mut part = std::mem::take(&mut all.segments);
        while !part.is_empty() {
            expected =
                follows(&part, expected).ok_or(ClientError::Unexpected("the segments of a file are not in their order"))?;
            all.segments.append(&mut part);
            part = self.part(path, true, expected).await?.segments;
        }
        Ok(all)
    }

    async fn part(&self, path: &str, segments: bool, first_segment: u32) -> Outcome<StatFileResponse> {
        let wanted = StatFileRequest { path: path.to_owned(), segments, first_segment };
        self.at_once(self.files.clone().stat_file(self.request(wanted))).await
    }

    /// Removes a file or a directory.
    ///
    /// # Errors
    /// Fails if the server refuses, or if the removal fails.
    pub async fn delete(&self, path: &str, recursive: bool) -> Outcome<TransferFigures> {
        let wanted = DeleteFileRequest { path: path.to_owned(), recursive };
        let answer = self.in_time(self.files.clone().delete_file(self.request(wanted))).await?;
        answer.figures.ok_or(ClientError::Unexpected("no figures"))
    }

    /// Gives a file or a directory another name, with `replace` also one that its like has, and returns it under that.
    ///
    /// # Errors
    /// Fails if the server refuses.
    pub async fn rename(&self, from: &str, to: &str, replace: bool) -> Outcome<FileInfo> {
        let wanted = MoveFileRequest { from: from.to_owned(), to: to.to_owned(), replace };
        let answer = self.at_once(self.files.clone().move_file(self.request(wanted))).await?;
        answer.file.ok_or(ClientError::Unexpected("no file"))
    }

    /// Copies a file, and returns the copy.
    ///
    /// # Errors
    /// Fails if the server refuses.
    pub async fn copy(&self, from: &str, to: &str, replace: bool, preserve: bool) -> Outcome<FileInfo> {
        let wanted = CopyFileRequest { from: from.to_owned(), to: to.to_owned(), replace, preserve };
        let answer = self.at_once(self.files.clone().copy_file(self.request(wanted))).await?;
        answer.file.ok_or(ClientError::Unexpected("no file"))
    }

    /// Sets the time of the last modification, in seconds since 1970, and the permission bits of a file or a directory, each if it is
    /// given, and returns it.
    ///
    /// # Errors
    /// Fails if the server refuses.
    pub async fn set_attributes(&self, path: &str, modified: Option<u64>, mode: Option<u32>) -> Outcome<FileInfo> {
        let at = |seconds: u64| prost_types::Timestamp { seconds: i64::try_from(seconds).unwrap_or(i64::MAX), nanos: 0 };
        let wanted = SetAttributesRequest { path: path.to_owned(), modified_at: modified.map(at), mode };
        let answer = self.at_once(self.files.clone().set_attributes(self.request(wanted))).await?;
        answer.file.ok_or(ClientError::Unexpected("no file"))
    }

    /// Makes a directory.
    ///
    /// # Errors
    /// Fails if the server refuses.
    pub async fn make_directory(&self, path: &str, parents: bool) -> Outcome<FileInfo> {
        let wanted = MakeDirectoryRequest { path: path.to_owned(), parents };
        let answer = self.at_once(self.files.clone().make_directory(self.request(wanted))).await?;
        answer.directory.ok_or(ClientError::Unexpected("no directory"))
    }

    /// Lets a user read a file or what is in a directory, or no longer. Returns true if something has changed.
    ///
    /// # Errors
    /// Fails if the server refuses.
    pub async fn share(&self, path: &str, user: &str, may_read: bool) -> Outcome<bool> {
        self.shared(ShareFileRequest { path: path.to_owned(), user: user.to_owned(), may_read, may_upload: None }).await
    }

    /// Lets a user store new files in a directory, or no longer. Returns true if something has changed.
    ///
    /// # Errors
    /// Fails if the server refuses.
    pub async fn share_uploads(&self, path: &str, user: &str, may_upload: bool) -> Outcome<bool> {
        let may_upload = Some(may_upload);
        self.shared(ShareFileRequest { path: path.to_owned(), user: user.to_owned(), may_read: false, may_upload }).await
    }

    async fn shared(&self, wanted: ShareFileRequest) -> Outcome<bool> {
        Ok(self.at_once(self.files.clone().share_file(self.request(wanted))).await?.changed)
    }

    /// Returns the uploads that are kept.
    ///
    /// # Errors
    /// Fails if the server refuses.
    pub async fn uploads(&self) -> Outcome<Vec<KeptUpload>> {
        Ok(self.at_once(self.files.clone().list_uploads(self.request(ListUploadsRequest {}))).await?.uploads)
    }

    /// Returns how far a transfer is.
    ///
    /// # Errors
    /// Fails if the server refuses, or remembers no such transfer.
    pub async fn transfer(&self, transfer: u64) -> Outcome<GetTransferResponse> {
        self.at_once(self.files.clone().get_transfer(self.request(GetTransferRequest { transfer }))).await
    }

    /// Undoes an upload that is kept. One that is under way is cancelled.
    ///
    /// # Errors
    /// Fails if the server refuses, as one does that keeps no such upload.
    pub async fn forget(&self, upload_id: &str) -> Outcome<TransferFigures> {
        let wanted = ForgetUploadRequest { upload_id: upload_id.to_owned() };
        let answer = self.in_time(self.files.clone().forget_upload(self.request(wanted))).await?;
        answer.figures.ok_or(ClientError::Unexpected("no figures"))
    }

    /// Begins to watch what happens.
    ///
    /// # Errors
    /// Fails if the server refuses.
    pub async fn watch(&self, wanted: WatchEventsRequest) -> Outcome<Streaming<WatchEventsResponse>> {
        self.at_once(self.files.clone().watch_events(self.request(wanted))).await
    }
}

/// Waits for an answer for so long.
async fn answered<T>(within: Duration, call: impl Future<Output = Result<Response<T>, Status>>) -> Outcome<T> {
    match timeout(within, call).await {
        Ok(answer) => Ok(answer?.into_inner()),
        Err(_) => Err(ClientError::Late { within }),
    }
}

/// Returns true if a list goes on after a page of so many entries, whose token was `token` and whose successor has the token `next`. One that
/// does not would have no end.
fn goes_on(len: usize, token: &str, next: &str) -> bool {
    len > 0 && token != next
}

/// Returns the index that follows those of some segments, of which the first is to have the index `expected`; none if they are not in their
/// order, in which each comes once.
fn follows(segments: &[SegmentPlace], mut expected: u32) -> Option<u32> {
    for segment in segments {
        expected = (segment.index == expected).then(|| expected.checked_add(1))??;
    }
    Some(expected)
}

#[cfg(test)]
mod tests {
    use p2p_service::ErrorKind;
    use tokio::net::TcpListener;

    use super::*;

    /// A server that takes connections and requests, and answers none.
    #[tokio::test]
    async fn a_server_that_does_not_answer_holds_nobody_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let silent = async {
            let mut taken = Vec::new();
            loop {
                taken.push(listener.accept().await.unwrap());
            }
        };
        let asking = async {
            let limits = Limits { at_once: Duration::from_millis(20), in_time: Duration::from_millis(30) };
            let client = Client::connect(address, None, None).await.unwrap().waiting(limits);
            for (error, within) in [
                (client.who_am_i().await.unwrap_err(), limits.at_once),
                (client.list("", true).await.unwrap_err(), limits.at_once),
                (client.watch(WatchEventsRequest::default()).await.unwrap_err(), limits.at_once),
                (client.status().await.unwrap_err(), limits.at_once),
                (client.delete("a", false).await.unwrap_err(), limits.in_time),
                (client.step(None).await.unwrap_err(), limits.in_time),
            ] {
                assert_eq!(error.kind(), ErrorKind::DeadlineExceeded, "{error}");
                assert_eq!(error.to_string(), format!("the server has not answered within {} s", within.as_secs_f64()));
            }
        };
        tokio::select! {
            () = silent => {}
            () = asking => {}
        }
    }

    #[test]
    fn lists_have_an_end() {
        assert!(goes_on(1, "", "a") && goes_on(1, "a", "b"));
        assert!(!goes_on(0, "a", "b") && !goes_on(1, "a", "a"));
        let segments = |indices: &[u32]| -> Vec<SegmentPlace> {
            indices.iter().map(|&index| SegmentPlace { index, ..SegmentPlace::default() }).collect()
        };
        assert_eq!(follows(&segments(&[0, 1, 2]), 0), Some(3));
        assert_eq!(follows(&segments(&[3]), 3), Some(4));
        for (wrong, expected) in [(&[0, 0][..], 0), (&[1], 0), (&[4, 6], 4), (&[u32::MAX], u32::MAX)] {
            assert_eq!(follows(&segments(wrong), expected), None, "{wrong:?}");
        }
    }
}
