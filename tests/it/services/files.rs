//! `FileTransferService` as its clients see it: files stored, fetched, listed, moved and shared, and what is refused to whom.

use p2p_grpc::proto::file_transfer_service_client::FileTransferServiceClient;
use p2p_grpc::proto::{
    ByteRange, Chunk, DeleteFileRequest, DownloadFileRequest, FileInfo, ListFilesRequest, MakeDirectoryRequest, MoveFileRequest,
    ShareFileRequest, StatFileRequest, StatFileResponse, UploadDone, UploadFileRequest, UploadFileResponse, UploadHeader,
    download_file_response, upload_file_request, upload_file_response,
};
use p2p_store::segment::Sha256Digest;
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tonic::codegen::tokio_stream;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_types::StatusExt;

use super::auth::{because, refused, token_of};
use super::grpc::connected;
use super::{Served, on_a_runtime};
use crate::harness::random_bytes;
use crate::program::{Home, QUICK};

/// A client of the files, and what it presents.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) service: FileTransferServiceClient<Channel>,
    bearer: Option<String>,
}

/// What a download has brought.
#[derive(Debug, PartialEq)]
pub(super) struct Fetched {
    pub(super) file: FileInfo,
    pub(super) first: u64,
    pub(super) length: u64,
    pub(super) bytes: Vec<u8>,
}

/// Messages of an upload that its client sends one by one.
pub(super) struct Sending {
    pub(super) sender: mpsc::Sender<UploadFileRequest>,
    pub(super) answers: Streaming<UploadFileResponse>,
}

impl Sending {
    pub(super) async fn send(&self, message: upload_file_request::Message) {
        self.sender.send(UploadFileRequest { message: Some(message) }).await.unwrap();
    }

    pub(super) async fn chunk(&self, data: &[u8]) {
        self.send(chunk(data)).await;
    }

    /// The next message that is no acknowledgement.
    pub(super) async fn next(&mut self) -> Result<Option<upload_file_response::Message>, Status> {
        loop {
            match self.answers.message().await?.map(|message| message.message.unwrap()) {
                Some(upload_file_response::Message::Acknowledged(_)) => {}
                other => return Ok(other),
            }
        }
    }

    /// The offset that the first message tells.
    pub(super) async fn offset(&mut self) -> Result<u64, Status> {
        match self.next().await?.unwrap() {
            upload_file_response::Message::Begun(begun) => Ok(begun.offset),
            other => panic!("{other:?}"),
        }
    }

    /// Ends the content, and waits for the file.
    pub(super) async fn done(mut self) -> Result<UploadDone, Status> {
        let (nobody, _) = mpsc::channel(1);
        drop(std::mem::replace(&mut self.sender, nobody));
        match self.next().await?.unwrap() {
            upload_file_response::Message::Done(done) => Ok(done),
            other => panic!("{other:?}"),
        }
    }
}

pub(super) fn chunk(data: &[u8]) -> upload_file_request::Message {
    upload_file_request::Message::Chunk(Chunk { data: data.to_vec().into(), offset: None })
}

pub(super) fn header(path: &str) -> UploadHeader {
    UploadHeader { path: path.into(), ..UploadHeader::default() }
}

/// The messages of a channel as a stream.
struct Messages(mpsc::Receiver<UploadFileRequest>);

impl Stream for Messages {
    type Item = UploadFileRequest;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<UploadFileRequest>> {
        self.0.poll_recv(cx)
    }
}

impl Client {
    pub(super) async fn new(served: &Served, bearer: Option<&str>) -> Client {
        let service = FileTransferServiceClient::new(connected(served.grpc()).await);
        Client { service, bearer: bearer.map(str::to_owned) }
    }

    pub(super) fn with(&self, bearer: &str) -> Client {
        Client { bearer: Some(bearer.to_owned()), ..self.clone() }
    }

    pub(super) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(bearer) = &self.bearer {
            request.metadata_mut().insert("authorization", format!("Bearer {bearer}").parse().unwrap());
        }
        request
    }

    /// Begins an upload whose messages are sent one by one.
    pub(super) async fn sending(&self) -> Result<Sending, Status> {
        let (sender, messages) = mpsc::channel(1);
        let answers = self.service.clone().upload_file(self.request(Messages(messages))).await?.into_inner();
        Ok(Sending { sender, answers })
    }

    pub(super) async fn begin(&self, header: UploadHeader) -> Result<Sending, Status> {
        let sending = self.sending().await?;
        sending.send(upload_file_request::Message::Header(header)).await;
        Ok(sending)
    }

    /// Sends a file in chunks of this length, and gives what was acknowledged and what is stored.
    pub(super) async fn put_in(&self, header: UploadHeader, bytes: &[u8], len: usize) -> Result<(Vec<u64>, UploadDone), Status> {
        let mut messages = vec![UploadFileRequest { message: Some(upload_file_request::Message::Header(header)) }];
        messages.extend(bytes.chunks(len).map(|data| UploadFileRequest { message: Some(chunk(data)) }));
        let stream = tokio_stream::iter(messages);
        let mut answers = self.service.clone().upload_file(self.request(stream)).await?.into_inner();
        let mut acknowledged = Vec::new();
        while let Some(answer) = answers.message().await? {
            match answer.message.unwrap() {
                upload_file_response::Message::Begun(_) => {}
                upload_file_response::Message::Acknowledged(told) => {
                    let segment = told.segment.unwrap();
                    assert!(segment.node > 0 && segment.length > 0 && segment.acknowledged.is_some(), "{segment:?}");
                    acknowledged.push(told.offset);
                }
                upload_file_response::Message::Done(done) => {
                    assert_eq!(answers.message().await?, None, "it is the last");
                    return Ok((acknowledged, done));
                }
            }
        }
        panic!("no file came");
    }

    pub(super) async fn put(&self, path: &str, bytes: &[u8]) -> Result<FileInfo, Status> {
        self.put_in(header(path), bytes, 1 << 20).await.map(|(_, done)| done.file.unwrap())
    }

    pub(super) async fn get_with(&self, wanted: DownloadFileRequest) -> Result<Fetched, Status> {
        let mut answers = self.service.clone().download_file(self.request(wanted)).await?.into_inner();
        let first = answers.message().await?.unwrap().message.unwrap();
        let download_file_response::Message::Begun(begun) = first else { panic!("{first:?}") };
        let (mut bytes, mut is_done) = (Vec::new(), false);
        while let Some(answer) = answers.message().await? {
            match answer.message.unwrap() {
                download_file_response::Message::Chunk(chunk) => {
                    assert_eq!(chunk.offset, Some(begun.first + bytes.len() as u64));
                    bytes.extend_from_slice(&chunk.data);
                }
                download_file_response::Message::Done(figures) => is_done = figures.transfer == begun.transfer,
                other => panic!("{other:?}"),
            }
        }
        assert!(is_done, "the last message is the figures");
        Ok(Fetched { file: begun.file.unwrap(), first: begun.first, length: begun.length, bytes })
    }

    pub(super) async fn get(&self, path: &str) -> Result<Vec<u8>, Status> {
        self.get_with(wanted(path, None)).await.map(|fetched| fetched.bytes)
    }

    pub(super) async fn stat(&self, path: &str, segments: bool) -> Result<StatFileResponse, Status> {
        let wanted = StatFileRequest { path: path.into(), segments, first_segment: 0 };
        self.service.clone().stat_file(self.request(wanted)).await.map(Response::into_inner)
    }

    async fn page(&self, wanted: ListFilesRequest) -> Result<(Vec<String>, String), Status> {
        let page = self.service.clone().list_files(self.request(wanted)).await?.into_inner();
        Ok((page.files.into_iter().map(|file| file.path).collect(), page.next_page_token))
    }

    /// All pages of a list, of so many entries each.
    pub(super) async fn list(&self, path: &str, recursive: bool, page_size: u32) -> Result<Vec<String>, Status> {
        let (mut all, mut token) = (Vec::new(), String::new());
        loop {
            let wanted = ListFilesRequest { path: path.into(), recursive, page_size, page_token: token };
            let (files, next) = self.page(wanted).await?;
            assert!(page_size == 0 || files.len() <= page_size as usize);
            all.extend(files);
            if next.is_empty() {
                return Ok(all);
            }
            token = next;
        }
    }

    pub(super) async fn remove(&self, path: &str, recursive: bool) -> Result<(), Status> {
        let wanted = DeleteFileRequest { path: path.into(), recursive };
        self.service.clone().delete_file(self.request(wanted)).await.map(drop)
    }

    async fn rename(&self, from: &str, to: &str) -> Result<FileInfo, Status> {
        let wanted = MoveFileRequest { from: from.into(), to: to.into(), ..MoveFileRequest::default() };
        self.service.clone().move_file(self.request(wanted)).await.map(|moved| moved.into_inner().file.unwrap())
    }

    async fn make(&self, path: &str, parents: bool) -> Result<FileInfo, Status> {
        let wanted = MakeDirectoryRequest { path: path.into(), parents };
        self.service.clone().make_directory(self.request(wanted)).await.map(|made| made.into_inner().directory.unwrap())
    }

    async fn share(&self, path: &str, user: &str, may_read: bool) -> Result<bool, Status> {
        let wanted = ShareFileRequest { path: path.into(), user: user.into(), may_read, may_upload: None };
        self.service.clone().share_file(self.request(wanted)).await.map(|shared| shared.into_inner().changed)
    }
}

pub(super) fn wanted(path: &str, range: Option<ByteRange>) -> DownloadFileRequest {
    DownloadFileRequest { path: path.into(), range, expected_sha256: None }
}

fn range(first: u64, length: Option<u64>) -> Option<ByteRange> {
    Some(ByteRange { first, length })
}

/// A server at which these users are registered, and a client of each.
pub(super) async fn clients<const N: usize>(served: &Served, names: [&str; N]) -> [Client; N] {
    let stranger = Client::new(served, None).await;
    let mut clients = Vec::new();
    for name in names {
        clients.push(stranger.with(&token_of(served, name).await));
    }
    clients.try_into().unwrap_or_else(|_| panic!("as many clients as names"))
}

pub(super) fn registered(config: &str, names: &[&str]) -> Home {
    let home = Home::new(config);
    names.iter().for_each(|name| home.register(name));
    home
}

/// Odd sizes and none, the parts of a file, and what is told of it.
#[test]
fn what_is_uploaded_is_downloaded() {
    let home = registered(QUICK, &["alice"]);
    let served = Served::start(&home, &[]);
    on_a_runtime(async {
        let [alice] = clients(&served, ["alice"]).await;
        let content = random_bytes((3 << 20) + 12_345, 7);
        let sha256 = Sha256Digest::of(&content).as_bytes().to_vec();
        let declared =
            UploadHeader { size: Some(content.len() as u64), sha256: Some(sha256.clone().into()), ..header("docs.bin") };
        let (acknowledged, done) = alice.put_in(declared, &content, 100_003).await.unwrap();
        let (file, figures) = (done.file.unwrap(), done.figures.unwrap());
        assert!(acknowledged.is_sorted() && acknowledged.len() > 1, "{acknowledged:?}");
        assert_eq!((file.path.as_str(), file.size, file.segments), ("docs.bin", content.len() as u64, 49));
        assert_eq!((file.owner.as_deref(), file.sha256.as_ref()), (Some("alice"), sha256.as_slice()));
        assert!(figures.virtual_time.is_some() && figures.goodput_bytes_per_second > 0.0, "{figures:?}");
        let fetched = alice.get_with(wanted("docs.bin", None)).await.unwrap();
        assert!(fetched.bytes == content);
        assert_eq!((fetched.file, fetched.first, fetched.length), (file, 0, content.len() as u64));
        let size = content.len() as u64;
        for (first, length) in
            [(0, Some(1)), (65_535, Some(2)), (1, None), (size - 1, None), (size - 5, Some(500)), (7, Some(u64::MAX))]
        {
            let part = alice.get_with(wanted("docs.bin", range(first, length))).await.unwrap();
            let end = length.map_or(size, |length| first.saturating_add(length).min(size));
            assert!(part.bytes == content[first as usize..end as usize], "{first} {length:?}");
            assert_eq!((part.first, part.length), (first, end - first));
        }
        assert_eq!(
            refused(alice.get_with(wanted("docs.bin", range(size, None))).await),
            because(Code::OutOfRange, "OUT_OF_RANGE")
        );
        let none = alice.get_with(wanted("docs.bin", range(1, Some(0)))).await.unwrap_err();
        assert_eq!(none.code(), Code::InvalidArgument);
        let stat = alice.stat("docs.bin", true).await.unwrap();
        let lengths: u64 = stat.segments.iter().map(|segment| u64::from(segment.length)).sum();
        assert!(lengths == size && stat.segments.iter().all(|segment| !segment.nodes.is_empty() && segment.sha256.len() == 32));
        let empty = alice.put("empty", b"").await.unwrap();
        assert_eq!((empty.size, alice.get("empty").await.unwrap()), (0, Vec::new()));
        let expected =
            |sha256: &[u8]| DownloadFileRequest { expected_sha256: Some(sha256.to_vec().into()), ..wanted("empty", None) };
        assert_eq!(refused(alice.get_with(expected(&sha256)).await), because(Code::FailedPrecondition, "CONTENT_DIFFERS"));
        assert!(alice.get_with(expected(&empty.sha256)).await.unwrap().bytes.is_empty());
        assert_eq!(alice.get_with(expected(b"short")).await.unwrap_err().code(), Code::InvalidArgument);
        assert_eq!(refused(alice.put("docs.bin", b"again").await), because(Code::AlreadyExists, "NAME_TAKEN"));
    });
    assert_eq!(served.stop().code, Some(0));
}

/// Directories, moves, removals, and lists page by page.
#[test]
fn names_are_those_of_every_door() {
    let home = registered(QUICK, &["root", "alice", "bob"]);
    let served = Served::start(&home, &[]);
    on_a_runtime(async {
        let [alice, bob] = clients(&served, ["alice", "bob"]).await;
        assert_eq!(refused(alice.make("a/b", false).await).0, Code::NotFound);
        let made = alice.make("a/b", true).await.unwrap();
        assert!(made.is_directory && made.path == "a/b" && made.stored_at.is_some());
        alice.make("a/b", true).await.unwrap();
        assert_eq!(refused(alice.make("a/b", false).await), because(Code::AlreadyExists, "NAME_TAKEN"));
        for name in ["a/1", "a/2", "a/b/3", "z"] {
            alice.put(name, name.as_bytes()).await.unwrap();
        }
        bob.put("theirs", b"of bob").await.unwrap();
        assert!(bob.share("theirs", "alice", true).await.unwrap());
        assert!(!bob.share("theirs", "alice", true).await.unwrap());
        for size in [0, 1, 2, 3, 1000] {
            assert_eq!(alice.list("", false, size).await.unwrap(), ["a", "z", "~bob/theirs"], "{size}");
            assert_eq!(alice.list("a", false, size).await.unwrap(), ["a/1", "a/2", "a/b"], "{size}");
            assert_eq!(alice.list("a", true, size).await.unwrap(), ["a/1", "a/2", "a/b", "a/b/3"], "{size}");
            let all = ["a", "a/1", "a/2", "a/b", "a/b/3", "z", "~bob/theirs"];
            assert_eq!(alice.list("", true, size).await.unwrap(), all, "{size}");
            assert_eq!(alice.list("a/1", false, size).await.unwrap(), ["a/1"], "{size}");
            assert_eq!(alice.list("~bob/theirs", true, size).await.unwrap(), ["~bob/theirs"], "{size}");
        }
        assert_eq!(alice.list("", false, 1001).await.unwrap_err().code(), Code::InvalidArgument);
        let forged = ListFilesRequest { page_token: "forged".into(), ..ListFilesRequest::default() };
        assert_eq!(alice.page(forged).await.unwrap_err().code(), Code::InvalidArgument);
        assert_eq!(alice.get("~bob/theirs").await.unwrap(), b"of bob");
        assert_eq!(alice.rename("z", "a").await.unwrap().path, "a/z");
        assert_eq!(alice.rename("a/z", "y").await.unwrap().path, "y");
        assert_eq!(refused(alice.rename("y", "~bob/y").await), because(Code::PermissionDenied, "ANOTHER_TREE"));
        assert_eq!(refused(alice.rename("a", "a/b/c").await).1, "INTO_ITSELF");
        assert_eq!(refused(alice.remove("a", false).await), because(Code::FailedPrecondition, "DIRECTORY_NOT_EMPTY"));
        alice.remove("a", true).await.unwrap();
        assert_eq!(alice.list("", true, 0).await.unwrap(), ["y", "~bob/theirs"]);
        assert!(bob.share("theirs", "alice", false).await.unwrap());
        assert_eq!(refused(alice.get("~bob/theirs").await), because(Code::NotFound, "NOT_FOUND"));
    });
    assert_eq!(served.stop().code, Some(0));
}

/// Nobody, another user, a token for reading, and names that lead elsewhere.
#[test]
fn who_may_not_is_refused() {
    let home = registered(QUICK, &["root", "alice", "bob"]);
    home.login("alice");
    let reads = home.ok(&["token", "new", "reads", "--scope", "read"]).trim().to_owned();
    let served = Served::start(&home, &[]);
    on_a_runtime(async {
        let [alice, bob] = clients(&served, ["alice", "bob"]).await;
        alice.put("secret", b"of alice").await.unwrap();
        let stranger = Client::new(&served, None).await;
        let nobody = because(Code::Unauthenticated, "LOGIN_NEEDED");
        assert_eq!(refused(stranger.put("x", b"x").await), nobody);
        assert_eq!(refused(stranger.get("secret").await), nobody);
        assert_eq!(refused(stranger.list("", false, 0).await), nobody);
        assert_eq!(refused(stranger.with("p2p_none").get("secret").await).0, Code::Unauthenticated);
        // What is there and what is not are refused alike.
        let unknown = because(Code::NotFound, "NOT_FOUND");
        for path in ["~alice/secret", "~alice/none"] {
            assert_eq!(refused(bob.get(path).await), unknown, "{path}");
            assert_eq!(refused(bob.stat(path, true).await), unknown, "{path}");
            assert_eq!(refused(bob.remove(path, true).await), unknown, "{path}");
            assert_eq!(refused(bob.rename(path, "mine").await), unknown, "{path}");
            assert_eq!(refused(bob.share(path, "bob", true).await), unknown, "{path}");
        }
        assert_eq!(refused(bob.put("~alice/x", b"x").await), because(Code::PermissionDenied, "ANOTHER_TREE"));
        alice.share("secret", "bob", true).await.unwrap();
        assert_eq!(bob.get("~alice/secret").await.unwrap(), b"of alice");
        assert_eq!(refused(bob.remove("~alice/secret", false).await), because(Code::PermissionDenied, "READ_ONLY"));
        let stat = bob.stat("~alice/secret", false).await.unwrap().file.unwrap();
        assert_eq!(stat.readers, ["bob"], "the other readers are the owner's to know");
        let own = alice.share("secret", "alice", true).await.unwrap_err();
        assert_eq!(own.code(), Code::InvalidArgument);
        assert_eq!(refused(alice.share("secret", "nobody_there", true).await), unknown);
        let program = alice.with(&reads);
        assert_eq!(program.get("secret").await.unwrap(), b"of alice");
        let scope = because(Code::PermissionDenied, "SCOPE");
        assert_eq!(refused(program.put("x", b"x").await), scope);
        assert_eq!(refused(program.remove("secret", false).await), scope);
        assert_eq!(refused(program.rename("secret", "x").await), scope);
        assert_eq!(refused(program.make("x", false).await), scope);
        let (long, deep) = ("x".repeat(5000), vec!["x"; 65].join("/"));
        for name in ["../x", "a/../../x", "..", "a//b", "/etc/passwd", "", "a\0b", "a\nb", "x\u{202e}y", &long, &deep] {
            let (code, _) = refused(alice.put(name, b"x").await);
            assert!([Code::InvalidArgument, Code::PermissionDenied].contains(&code), "{name:?}: {code:?}");
            let (code, _) = refused(alice.get(name).await);
            assert!([Code::InvalidArgument, Code::NotFound].contains(&code), "{name:?}: {code:?}");
        }
        assert_eq!(alice.list("", true, 0).await.unwrap(), ["secret"]);
    });
    assert_eq!(served.stop().code, Some(0));
}

/// What the detail of a status says of this kind.
pub(super) fn detail(status: &Status, key: &str) -> Option<String> {
    status.get_error_details().error_info()?.metadata.get(key).cloned()
}
