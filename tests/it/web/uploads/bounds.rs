//! Bounds of uploads: how many a user has, how long they are kept, how long content may take, and how much room there is.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use p2p_service::doors::Doors;
use p2p_service::doors::guest::Limits;
use p2p_service::files::{KEPT_FOR, NOTES_MAX};
use p2p_service::instance::{EngineArgs, Instance};
use p2p_service::output::now_unix;
use p2p_web::{Bounds, Server};
use secrecy::ExposeSecret;
use tokio::io::AsyncReadExt;
use tokio::task::JoinSet;

use super::*;

/// Seconds by which the clock of [`late`] is ahead of the system's. Tests run beside each other in one process, so it is one test's.
static AHEAD: AtomicU64 = AtomicU64::new(0);

/// The wall clock of the server of the test that lets time pass.
fn late() -> u64 {
    now_unix() + AHEAD.load(Ordering::SeqCst)
}

/// A server in this process, with bounds of its own, and a client with an account, the admin's.
struct Inside {
    home: Home,
    instance: Instance,
    doors: Doors,
    attending: JoinSet<()>,
    address: SocketAddr,
    client: Client,
    token: String,
}

impl Inside {
    async fn start(config: &str, bounds: Bounds) -> Inside {
        Inside::with_clock(now_unix, config, bounds).await
    }

    async fn with_clock(clock: fn() -> u64, config: &str, bounds: Bounds) -> Inside {
        let home = Home::new(&format!("{QUICK}{config}"));
        let mut args = EngineArgs { data_dir: Some(home.path("data")), ..EngineArgs::default() };
        args.simulation.config = Some(home.path("p2p.toml"));
        let instance = Instance::start_interactive(&args).unwrap();
        let (rules, rate) = (instance.remote_rules().unwrap(), NonZeroU32::new(1_000_000).unwrap());
        let setup = rules.setup_token().expose_secret().to_owned();
        let access = instance.access("serve").unwrap().with_clock(clock);
        let doors = Doors::default();
        let server = Server::bounded(access, rules, &home.path("data"), rate, None, doors.clone(), bounds).unwrap();
        let here = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        let door = doors.open("web", here, Limits::default()).await.unwrap();
        let address = door.address();
        let mut attending = JoinSet::new();
        attending.spawn(server.attend(door, Duration::from_secs(1)));
        let client = Client::builder().no_proxy().build().unwrap();
        let mut inside = Inside { home, instance, doors, attending, address, client, token: String::new() };
        let wanted = json!({ "username": "alice", "email": "a@b.org", "password": PASSWORD, "admission": setup });
        let (status, _, body) = whole(inside.request(Method::POST, "/auth/register").json(&wanted)).await;
        assert_eq!(status, 201, "{body}");
        inside.token = body["token"].as_str().unwrap().to_owned();
        inside
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("http://{}/api/v1{path}", self.address));
        if self.token.is_empty() { request } else { request.bearer_auth(&self.token) }
    }

    /// A request to begin an upload by tus whose size is told later unless it is given.
    fn beginning(&self, path: &str, size: Option<usize>) -> RequestBuilder {
        let request = self.request(Method::POST, "/uploads").header("tus-resumable", "1.0.0");
        let request = request.header("upload-metadata", metadata(&[("path", path)]));
        match size {
            Some(size) => request.header("upload-length", size),
            None => request.header("upload-defer-length", 1),
        }
    }

    async fn begun(&self, path: &str, size: Option<usize>) -> String {
        let (status, headers, body) = whole(self.beginning(path, size)).await;
        assert_eq!(status, 201, "{body}");
        target(&headers)
    }

    fn part(&self, upload: &str, offset: usize, content: &[u8]) -> RequestBuilder {
        let request = self.request(Method::PATCH, upload).header("tus-resumable", "1.0.0").header("content-type", TUS);
        request.header("upload-offset", offset).body(content.to_vec())
    }

    async fn head(&self, upload: &str) -> Answer {
        whole(self.request(Method::HEAD, upload).header("tus-resumable", "1.0.0")).await
    }

    /// What is answered to the header of a request, in its lines, and a part of its content, of 1000 bytes, after which nothing comes.
    async fn answer_to_half(&self, lines: &str, part: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let token = &self.token;
        let head = format!("{lines}\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Length: 1000\r\n\r\n{part}");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = vec![0; 4096];
        let len = stream.read(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer[..len]).into_owned()
    }

    async fn end(mut self) {
        drop(self.client);
        self.doors.close();
        self.attending.join_next().await.unwrap().unwrap();
        drop(self.instance.end().await.unwrap());
        drop(self.home);
    }
}

/// When its time has come, nothing is left of an upload: not what nodes hold, not its name, and no word of it.
#[test]
fn an_upload_that_has_expired_is_gone() {
    on_a_runtime(async {
        let mut inside = Inside::with_clock(late, "", Bounds::default()).await;
        let content = random_bytes(3 * SEGMENT + 9, 1);
        let upload = inside.begun("a.bin", Some(2 * content.len())).await;
        assert_eq!(whole(inside.part(&upload, 0, &content)).await.0, 204);
        let small = inside.begun("b.bin", Some(100)).await;
        assert_eq!(whole(inside.part(&small, 0, b"tail")).await.0, 204);
        let stored = inside.begun("c.bin", Some(3)).await;
        assert_eq!(whole(inside.part(&stored, 0, b"all")).await.0, 204);
        let (status, headers, _) = inside.head(&upload).await;
        assert_eq!((status, field(&headers, "upload-offset")), (200, content.len().to_string().as_str()));
        assert!(field(&headers, "upload-expires").ends_with(" GMT"));
        let held = whole(inside.request(Method::GET, "/storage/status")).await.2;
        assert!(held["used_bytes"].as_u64() >= Some(3 * SEGMENT as u64), "{held}");
        AHEAD.store(KEPT_FOR.as_secs() + 60, Ordering::SeqCst);
        // A session without use for that long may be over.
        let login = json!({ "username": "alice", "password": PASSWORD });
        inside.token = String::new();
        inside.token =
            whole(inside.request(Method::POST, "/auth/login").json(&login)).await.2["token"].as_str().unwrap().to_owned();
        for (path, upload) in [("a.bin", &upload), ("b.bin", &small)] {
            let (status, _, body) = whole(inside.part(upload, 4, b"more")).await;
            assert_eq!((status, body["reason"].as_str()), (410, Some("NOT_FOUND")), "{body}");
            assert_eq!((inside.head(upload).await.0, whole(inside.part(upload, 4, b"x")).await.0), (404, 404));
            inside.begun(path, Some(5)).await;
        }
        assert_eq!((inside.head(&stored).await.0, inside.head(&stored).await.0), (410, 404));
        let free = whole(inside.request(Method::GET, "/storage/status")).await.2;
        assert_eq!((&free["used_bytes"], &free["segments"]), (&json!(3), &json!(1)), "the file that is stored is left: {free}");
        assert_eq!(whole(inside.request(Method::GET, "/uploads")).await.2["uploads"].as_array().unwrap().len(), 2);
        inside.end().await;
    });
}

/// A user has so many open uploads and no more, also where several are begun at once; one that ends leaves its place.
#[test]
fn the_open_uploads_of_a_user_are_counted() {
    on_a_runtime(async {
        let inside = Inside::start("", Bounds::default()).await;
        let mut uploads = Vec::new();
        for count in 0..NOTES_MAX.open - 1 {
            uploads.push(inside.begun(&format!("{count}"), Some(5)).await);
        }
        let several: Vec<RequestBuilder> = (0..4).map(|n| inside.beginning(&format!("x{n}"), Some(5))).collect();
        let mut answers = JoinSet::new();
        several.into_iter().for_each(|request| drop(answers.spawn(whole(request))));
        let mut statuses: Vec<u16> = answers.join_all().await.into_iter().map(|(status, ..)| status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 429, 429, 429]);
        let (_, list) = read(inside.request(Method::GET, "/uploads").send().await.unwrap()).await;
        assert_eq!(list["uploads"].as_array().unwrap().len(), NOTES_MAX.open, "nothing is kept of those that are refused");
        let refused = whole(inside.beginning("late", Some(5)).header("content-type", TUS).body("hello")).await;
        assert_eq!((refused.0, refused.2["reason"].as_str()), (429, Some("TOO_MANY_REQUESTS")));
        // What is stored counts no longer, and neither does what is undone, or could not begin.
        assert_eq!(whole(inside.part(&uploads[0], 0, b"hello")).await.0, 204);
        let taken = inside.beginning("0", Some(5)).header("content-type", TUS).body("hello");
        assert_eq!(whole(taken).await.0, 409);
        inside.begun("late", Some(5)).await;
        assert_eq!(whole(inside.beginning("later", Some(5))).await.0, 429);
        assert_eq!(whole(inside.request(Method::DELETE, &uploads[1])).await.0, 204);
        inside.begun("later", Some(5)).await;
        inside.end().await;
    });
}

/// An upload that finds no room in the middle keeps what it has, and goes on once there is room.
#[test]
fn an_upload_without_room_goes_on_once_there_is_some() {
    on_a_runtime(async {
        for (config, reason) in
            [("[nodes]\ncount = 1\ncapacity = '1MiB'\n", "NO_ROOM"), ("[accounts]\nquota = '1MiB'\n", "OVER_QUOTA")]
        {
            let inside = Inside::start(config, Bounds::default()).await;
            let file = inside.request(Method::PUT, "/files/content/large.bin").body(random_bytes(8 * SEGMENT, 1));
            assert_eq!(whole(file).await.0, 201);
            let content = random_bytes(12 * SEGMENT, 2);
            let upload = inside.begun("a.bin", None).await;
            let (status, headers, body) = whole(inside.part(&upload, 0, &content)).await;
            assert_eq!((status, body["reason"].as_str()), (507, Some(reason)), "{body}");
            let kept: usize = field(&headers, "upload-offset").parse().unwrap();
            assert!(kept <= 8 * SEGMENT, "{kept}");
            assert_eq!(field(&inside.head(&upload).await.1, "upload-offset"), kept.to_string());
            assert_eq!(whole(inside.request(Method::DELETE, "/files/content/large.bin")).await.0, 204);
            let rest = inside.part(&upload, kept, &content[kept..]).header("upload-length", content.len());
            let (status, _, body) = whole(rest).await;
            assert_eq!(status, 204, "{body}");
            let file = whole(inside.request(Method::GET, "/files/info/a.bin")).await.2;
            assert_eq!(file["sha256"], json!(Sha256Digest::of(&content).to_string()), "{file}");
            inside.end().await;
        }
    });
}

/// A client of whose content nothing comes any more is told so: what it has sent by tus is kept, and nothing of a PUT or a form.
#[test]
fn a_client_that_stalls_is_told_so() {
    on_a_runtime(async {
        let bounds = Bounds { stalled_after: Duration::from_millis(50), ..Bounds::default() };
        let inside = Inside::start("", bounds).await;
        let upload = inside.begun("a.bin", Some(1000)).await;
        let part = format!("PATCH /api/v1{upload} HTTP/1.1\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Type: {TUS}");
        let answer = inside.answer_to_half(&part, "hello").await;
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("upload-offset: 5\r\n"), "{answer}");
        assert_eq!(field(&inside.head(&upload).await.1, "upload-offset"), "5");
        let form = "POST /api/v1/files/upload HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=hello";
        let field = |disposition: &str| format!("--hello\r\nContent-Disposition: form-data; {disposition}\r\n\r\nhel");
        let (file, setting, other) = (field("name=\"file\"; filename=\"b.bin\""), field("name=\"path\""), field("name=\"x\""));
        let put = "PUT /api/v1/files/content/b.bin HTTP/1.1";
        for (request, part) in
            [(put, "hello"), (form, "--hel"), (form, "--hello\r\nContent-"), (form, &file), (form, &setting), (form, &other)]
        {
            let answer = inside.answer_to_half(request, part).await;
            assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("REQUEST_LIMIT"), "{answer}");
        }
        assert_eq!(whole(inside.request(Method::GET, "/files/info/b.bin")).await.0, 404);
        let file = inside.request(Method::PUT, "/files/content/b.bin").body("whole");
        assert_eq!(whole(file).await.0, 201, "its name is free at once");
        inside.end().await;
    });
}
