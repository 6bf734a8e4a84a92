//! Pictures of the pages in the README: `P2P_REGENERATE=1` writes them anew. They are of a run in real time, so that no two are the same, and what
//! is checked without it is that they are there, and small.

use std::path::PathBuf;

use super::browser::{Tab, in_a_browser};
use super::*;
use crate::harness::random_bytes;

/// A network on which the upload in the pictures takes half a minute of virtual time.
const NETWORK: &str = "[network]\nbandwidth = '1Mbit/s'\ndelay = '10ms'\nloss = '1%'\n";
/// Names of the pictures.
const PICTURES: [&str; 3] = ["files", "room", "transfer"];
/// Length of a picture at the most, in bytes.
const PICTURE_MAX: usize = 200 << 10;
/// Directories and files that are stored before, with their lengths in bytes.
const DIRECTORIES: [&str; 3] = ["music", "papers", "photos"];
const FILES: [(&str, usize); 6] = [
    ("catalog.sqlite", 180_224),
    ("figures.zip", 401_922),
    ("interview.flac", 812_345),
    ("notes.md", 4_127),
    ("report.pdf", 238_115),
    ("sources.tar.gz", 96_801),
];

fn picture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("docs/pictures/{name}.png"))
}

/// The pictures are there, of the same size, small, and told of where they are shown.
#[test]
fn the_readme_shows_pictures_of_the_pages() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    for name in PICTURES {
        let content = std::fs::read(picture(name)).unwrap();
        assert!(content.len() < PICTURE_MAX, "{name}: {} bytes", content.len());
        // Width and height stand at the begin of the first chunk (RFC 2083, section 4.1.1).
        assert_eq!(
            (&content[..8], &content[16..24]),
            (&b"\x89PNG\r\n\x1a\n"[..], &[0, 0, 5, 0, 0, 0, 3, 32][..]),
            "{name} is 1280x800"
        );
    }
    for name in ["files", "room"] {
        assert!(readme.contains(&format!("](docs/pictures/{name}.png)")), "{name}");
    }
    assert!(readme.contains("P2P_REGENERATE=1 cargo test --test it pictures -- --ignored"));
}

/// Stores what the list shows.
async fn store(site: &Site) {
    for path in DIRECTORIES {
        assert_eq!(site.send(Method::POST, "/files/directories", json!({ "path": path })).await.0, 201);
    }
    for (salt, (name, bytes)) in (1..).zip(FILES) {
        let request = site.request(Method::PUT, &format!("/files/content/{name}")).body(random_bytes(bytes, salt));
        assert_eq!(request.send().await.unwrap().status(), 201);
    }
}

/// Looks at the room once an upload is under way and a node is found to be gone, and at the page of that upload.
#[expect(clippy::disallowed_methods, reason = "the upload goes on beside the browser")]
async fn look(tab: &Tab, site: &Site) {
    site.send(Method::POST, "/time", json!({ "speed": "1x" })).await;
    let upload = site.request(Method::PUT, "/files/content/film.mkv").body(random_bytes(4 << 20, 99)).send();
    let upload = tokio::spawn(upload);
    tab.go(&site.url("/room")).await;
    tab.until("[...document.querySelectorAll('#transfers tr')].some(row => /film.mkv/.test(row.textContent) && /[1-9] %/.test(row.textContent))")
        .await;
    for fault in [
        json!({ "kind": "kill", "node": "Node_03" }),
        json!({ "kind": "path", "from": "client", "to": "Node_05", "loss": "10%" }),
    ] {
        assert_eq!(site.send(Method::POST, "/faults", fault).await.0, 201);
    }
    tab.until("/SUSPECT|DEAD/.test(document.querySelector('#nodes .counts').textContent)").await;
    tab.pictured(&picture("room")).await;
    let page: String =
        tab.value("[...document.querySelectorAll('#transfers a')].find(link => /film.mkv/.test(link.textContent)).href").await;
    tab.go(&page).await;
    tab.has("#waterfall rect.sending").await;
    tab.pictured(&picture("transfer")).await;
    site.send(Method::DELETE, "/faults", json!({})).await;
    site.send(Method::POST, "/time", json!({ "speed": "max" })).await;
    assert_eq!(upload.await.unwrap().unwrap().status(), 201);
}

/// Takes the pictures.
#[test]
#[ignore = "needs chromium"]
fn the_pictures_are_taken_in_a_browser() {
    if std::env::var_os("P2P_REGENERATE").is_none() {
        return;
    }
    std::fs::create_dir_all(picture("").parent().unwrap()).unwrap();
    in_a_browser(async |browser| {
        let site = Site::start(NETWORK).await;
        store(&site).await;
        let tab = browser.open("about:blank").await;
        super::journey::sign_in(&tab, &site).await;
        tab.show(1024, "light").await;
        tab.go(&site.url("/files/")).await;
        tab.pictured(&picture("files")).await;
        look(&tab, &site).await;
        assert_eq!(site.served.stop().code, Some(0));
    });
}
