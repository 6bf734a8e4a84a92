//! Files by REST as the programs of others use it, and what lists of many files cost.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use p2p_store::catalog::{Catalog, Commit};
use p2p_store::manifest::{FileRecord, Manifest};
use p2p_store::names::FileKey;
use p2p_store::segment::Sha256Digest;

use super::files::{bytes, content_path};
use super::*;

/// A directory in which a program of another works against the site.
struct Foreign {
    site: Site,
    directory: tempfile::TempDir,
}

impl Foreign {
    async fn new() -> Foreign {
        Foreign { site: Site::start(QUICK).await, directory: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Runs a program to its end: its code, and what it says.
    async fn run(&self, program: &str, arguments: &[&str]) -> (Option<i32>, String) {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.directory.path()).env_clear().env("HOME", self.directory.path());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).stdin(Stdio::null());
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&said).into_owned())
    }

    /// Runs curl with the bearer of the admin; a status of 400 or more fails.
    async fn curl(&self, arguments: &[&str], path: &str) -> (Option<i32>, String) {
        let (bearer, url) = (format!("Authorization: Bearer {}", self.site.token), self.site.url(&format!("/api/v1{path}")));
        self.run("curl", &[&["-sS", "-f", "-H", &bearer], arguments, &[url.as_str()]].concat()).await
    }
}

/// `curl -T` stores a file and a stream without any header of its own, and `curl -C -` goes on with a download where it was cut.
#[test]
#[ignore = "needs curl"]
fn curl_stores_and_resumes() {
    on_a_runtime(async {
        let foreign = Foreign::new().await;
        let content = bytes(1 << 20);
        fs::write(foreign.path("a.bin"), &content).unwrap();
        let (code, said) = foreign.curl(&["-T", "a.bin"], &content_path("a.bin")).await;
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(foreign.site.content("a.bin", &[]).await.2, content);
        let stream = format!(
            "cat a.bin | curl -sS -f -H 'Authorization: Bearer {}' -T - {}",
            foreign.site.token,
            foreign.site.url("/api/v1/files/content/stream.bin")
        );
        let (code, said) = foreign.run("sh", &["-c", &stream]).await;
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(foreign.site.content("stream.bin", &[]).await.2, content);
        fs::write(foreign.path("empty"), "").unwrap();
        assert_eq!(foreign.curl(&["-T", "empty"], &content_path("empty")).await.0, Some(0));
        fs::write(foreign.path("back.bin"), &content[..300_001]).unwrap();
        let (code, said) = foreign.curl(&["-C", "-", "-o", "back.bin"], &content_path("a.bin")).await;
        assert_eq!((code, fs::read(foreign.path("back.bin")).unwrap() == content), (Some(0), true), "{said}");
        // All of it is there already.
        let (_, said) = foreign.curl(&["-C", "-", "-o", "back.bin"], &content_path("a.bin")).await;
        assert!(fs::read(foreign.path("back.bin")).unwrap() == content, "{said}");
        let form = foreign.curl(&["-F", "path=.", "-F", "replace=true", "-F", "file=@a.bin"], "/files/upload").await;
        assert_eq!(form.0, Some(0), "{}", form.1);
    });
}

/// rclone copies a tree by its remote `http`, and finds no difference.
#[test]
#[ignore = "needs rclone"]
fn rclone_copies_a_tree() {
    on_a_runtime(async {
        let foreign = Foreign::new().await;
        let site = &foreign.site;
        site.send(Method::POST, "/files/directories", json!({ "path": "tree/deep er", "parents": true })).await;
        fs::create_dir_all(foreign.path("same/deep er")).unwrap();
        for (name, len) in [("a b&c.txt", 10), ("deep er/b%25.bin", 200_000), ("deep er/<x>.html", 1), ("é.txt", 3), ("none", 0)]
        {
            let content = bytes(len);
            let encoded: String =
                name.bytes().map(|byte| if byte == b'/' { "/".into() } else { format!("%{byte:02x}") }).collect();
            site.put(&format!("tree/{encoded}"), content.clone()).await;
            fs::write(foreign.path(&format!("same/{name}")), content).unwrap();
        }
        let (bearer, url) = (format!("Authorization,Bearer {}", site.token), site.url("/api/v1/files/index/tree/"));
        let remote = ["--http-url", url.as_str(), "--http-headers", &bearer, "--retries=1", "--low-level-retries=1"];
        for arguments in
            [&["copy", ":http:", "copied"][..], &["check", ":http:", "copied"], &["check", "--download", ":http:", "same"]]
        {
            let (code, said) = foreign.run("rclone", &[arguments, &remote].concat()).await;
            assert_eq!(code, Some(0), "{arguments:?}: {said}");
        }
        let (code, said) = foreign.run("diff", &["-r", "same", "copied"]).await;
        assert_eq!(code, Some(0), "{said}");
    });
}

/// Prints what pages of a list of 100,000 files cost, and checks that they are right.
#[test]
#[ignore = "needs P2P_LONG=1: 100,000 files"]
#[expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
fn pages_of_a_hundred_thousand_files() {
    if std::env::var_os("P2P_LONG").is_none() {
        return;
    }
    let home = Home::new(QUICK);
    fs::create_dir_all(home.data()).unwrap();
    let catalog = Catalog::open(&home.data().join("catalog.redb")).unwrap();
    let all: Vec<Commit> = (0..100_000).map(|n| Commit { manifest: empty_file(n), replace: false, expected: None }).collect();
    all.chunks(10_000).flat_map(|some| catalog.commit_files(some)).for_each(|stored| drop(stored.unwrap()));
    drop(catalog);
    // It may take longer than any other test.
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let site = Site::start_in(home).await;
        for query in [
            "?path=.",
            "",
            "?path=.&limit=100",
            "?path=.&after=0/alice/f00099000",
            "?path=.&order=desc",
            "?path=.&sort=modified&limit=100",
            "?path=.&search=99&limit=100",
            "?path=.&search=nothing",
            "?path=.&recursive=true",
        ] {
            let mut times: Vec<f64> = Vec::new();
            for _ in 0..11 {
                let started = std::time::Instant::now();
                let (status, list) = site.get(&format!("/files{query}")).await;
                times.push(started.elapsed().as_secs_f64() * 1e3);
                assert_eq!((status, list["entries"].as_array().unwrap().is_empty()), (200, query.contains("nothing")), "{query}");
            }
            times.sort_by(f64::total_cmp);
            println!("GET /files{query}: {:.1} ms in the median of 11", times[5]);
        }
    });
}

fn empty_file(n: u64) -> Manifest {
    let (key, sha256) = (FileKey::new(Some("alice"), &format!("f{n:08}")), Sha256Digest::of(b""));
    let (size, segments, segment_size, stored_at, modified, mode) = (0, 0, 65_536, 0, n * 7_919 % 100_003, 0o644);
    let readers = Default::default();
    Manifest {
        file: FileRecord { key, readers, size, sha256, segments, segment_size, stored_at, modified, mode },
        segments: Vec::new(),
    }
}
