//! The pages as people see them, in a real browser: they look well at each width and in both themes, and do what they say.

use std::path::Path;

use super::browser::{Tab, in_a_browser};
use super::*;
use crate::harness::random_bytes;

/// A network on which an upload of 2 MiB takes half a minute of virtual time.
const SLOW: &str = "[network]\nbandwidth = '512kbit/s'\ndelay = '5ms'\nloss = '0%'\n";

/// Signs in with a password.
async fn sign_in(tab: &Tab, site: &Site, name: &str) {
    tab.go(&site.url("/sign-in")).await;
    tab.fill("#username", name).await;
    tab.fill("#password", PASSWORD).await;
    tab.press("#password", "Enter").await;
    tab.is_at("/files/").await;
}

/// Writes a file, in directories that are made for it.
fn write(site: &Site, path: &str, content: &[u8]) {
    let path = site.home.path(path);
    std::fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).unwrap();
    std::fs::write(path, content).unwrap();
}

/// Names of what a directory of the admin has.
async fn names_in(site: &Site, path: &str) -> Vec<String> {
    let (_, listed) = site.get(&format!("/files?path={path}")).await;
    listed["entries"].as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap().to_owned()).collect()
}

/// A wrong password is told on the page, and the right one leads on.
#[test]
#[ignore = "needs chromium"]
fn a_person_signs_in_in_a_browser() {
    in_a_browser(async |browser| {
        let site = Site::start(QUICK).await;
        let tab = browser.open(&site.url("/sign-in")).await;
        tab.looks("sign-in").await;
        tab.fill("#username", "alice").await;
        tab.fill("#password", "wrong").await;
        tab.click("main button").await;
        tab.has("[role=alert]").await;
        tab.looks("sign-in-refused").await;
        assert_eq!(
            tab.value::<String>("document.querySelector('#username').value").await,
            "alice",
            "the name is not typed twice"
        );
        tab.fill("#password", PASSWORD).await;
        tab.press("#password", "Enter").await;
        tab.until("!location.pathname.startsWith('/sign-in')").await;
        tab.is_quiet();
        assert_eq!(site.served.stop().code, Some(0));
    });
}

/// What is dropped on a directory of another user that is shared for storing comes into it: files, and those of a directory of which the like is
/// there. Of one that is not there, it is said who can make it; nothing there is replaced.
#[test]
#[ignore = "needs chromium"]
fn files_are_dropped_on_a_shared_directory_in_a_browser() {
    in_a_browser(async |browser| {
        let site = Site::start(&format!("{QUICK}[accounts]\nremote_registration = 'open'\n")).await;
        site.registered("bob", None).await;
        assert_eq!(site.send(Method::POST, "/files/directories", json!({ "path": "team/photos", "parents": true })).await.0, 201);
        assert_eq!(
            site.send(Method::POST, "/files/share", json!({ "path": "team", "user": "bob", "read": true, "upload": true }))
                .await
                .0,
            200
        );
        write(&site, "notes.txt", b"Of bob\n");
        write(&site, "photos/a.txt", b"A picture\n");
        write(&site, "films/b.txt", b"A film\n");
        let tab = browser.open("about:blank").await;
        sign_in(&tab, &site, "bob").await;
        tab.go(&site.url("/files/~alice/team")).await;
        tab.drop_on_it(&site.home.path("notes.txt")).await;
        tab.reads("1 uploaded and compared").await;
        // The list has it without being loaded anew.
        tab.has("[data-item='~alice/team/notes.txt']").await;
        tab.drop_on_it(&site.home.path("photos")).await;
        tab.reads("2 uploaded and compared").await;
        assert_eq!(names_in(&site, "team/photos").await, ["a.txt"]);
        tab.drop_on_it(&site.home.path("films")).await;
        tab.reads("~alice/team/films is not there, and who may store in ~alice/team stores files and makes no directories.")
            .await;
        tab.looks("files-guest").await;
        // The owner makes it, and the next try stores the file.
        assert_eq!(site.send(Method::POST, "/files/directories", json!({ "path": "team/films" })).await.0, 201);
        tab.click("button[aria-label='Try again ~alice/team/films/b.txt']").await;
        tab.reads("3 uploaded and compared").await;
        tab.drop_on_it(&site.home.path("notes.txt")).await;
        tab.has("dialog[open] table").await;
        let choices: String = tab.value("document.querySelector('dialog .row.end').textContent").await;
        assert_eq!(choices, "SkipKeep both", "nothing of another user is replaced");
        tab.is_quiet();
        assert_eq!(site.served.stop().code, Some(0));
    });
}

/// Holds what tabs share as a page does that a browser has frozen in the middle: the locks, and the storage while it is made.
const FROZEN: &str = "for (const name of ['p2p-uploads alice', 'p2p-live']) navigator.locks.request(name, () => new Promise(() => {})); \
                      new Promise(made => { indexedDB.open('p2p-uploads', 1).onupgradeneeded = event => { \
                      const kept = event.target.result.createObjectStore('items', { keyPath: 'id' }); event.target.result.createObjectStore('files'); \
                      const hold = () => { kept.count().onsuccess = hold; made(true); }; hold(); }; })";

/// Beside a page that is frozen with what tabs share, files of all tabs are uploaded by one of them, and events come. A page with nothing to keep
/// makes no storage, in the middle of which it could be frozen.
#[test]
#[ignore = "needs chromium"]
fn uploads_go_on_beside_a_frozen_page_in_a_browser() {
    in_a_browser(async |browser| {
        let site = Site::start(QUICK).await;
        write(&site, "a.txt", b"One\n");
        write(&site, "b.txt", b"Two\n");
        let first = browser.open("about:blank").await;
        sign_in(&first, &site, "alice").await;
        first.go(&site.url("/room")).await;
        first.go(&site.url("/files/")).await;
        // The scripts of the queue have run.
        first.has("[data-upload][role=button]").await;
        let made: Vec<Value> = first.value("indexedDB.databases()").await;
        assert_eq!(made, [] as [Value; 0]);
        first.go(&site.url("/static/icon.svg")).await;
        assert!(first.value::<bool>(FROZEN).await);
        let second = browser.open(&site.url("/files/")).await;
        second.drop_on_it(&site.home.path("a.txt")).await;
        second.reads("1 uploaded and compared").await;
        let third = browser.open(&site.url("/files/")).await;
        third.drop_on_it(&site.home.path("b.txt")).await;
        third.reads("b.txt").await;
        third.reads("2 uploaded and compared").await;
        assert!(second.text().await.contains("b.txt"), "one tab sends, and the others show it");
        third.click("section.queue header button:nth-of-type(2)").await;
        second.until("document.querySelector('.queue').hidden").await;
        assert_eq!(names_in(&site, "").await, ["a.txt", "b.txt"]);
        third.go(&site.url("/room")).await;
        assert_eq!(site.send(Method::PUT, "/files/content/c.txt", json!({})).await.0, 201);
        third.until("document.querySelector('.log').textContent.includes('c.txt')").await;
        third.is_quiet();
        assert_eq!(site.served.stop().code, Some(0));
    });
}

/// Counts the files that the browser keeps, once what is being kept of them is so.
const KEPT: &str = "new Promise(counted => { indexedDB.open('p2p-uploads', 1).onsuccess = event => { const database = event.target.result; \
                    const count = database.transaction('files', 'readwrite').objectStore('files').count(); \
                    count.onsuccess = () => { database.close(); counted(count.result); }; }; })";

/// A tab that sends and is frozen is replaced by another one, which goes on with its upload; once it is awake it shows what has become of that.
#[test]
#[ignore = "needs chromium"]
fn a_tab_that_sends_is_replaced_in_a_browser() {
    in_a_browser(async |browser| {
        let site = Site::start(QUICK).await;
        write(&site, "big.bin", &random_bytes(2 << 20, 1));
        let first = browser.open("about:blank").await;
        sign_in(&first, &site, "alice").await;
        assert_eq!(site.send(Method::POST, "/time", json!({ "paused": true })).await.0, 200);
        first.drop_on_it(&site.home.path("big.bin")).await;
        first.reads("big.bin").await;
        let second = browser.open(&site.url("/files/")).await;
        second.reads("big.bin").await;
        let kept: u32 = second.value(KEPT).await;
        assert_eq!(kept, 1);
        first.freeze(true).await;
        assert_eq!(site.send(Method::POST, "/time", json!({ "paused": false })).await.0, 200);
        second.reads("1 uploaded and compared").await;
        first.freeze(false).await;
        first.reads("1 uploaded and compared").await;
        assert_eq!(names_in(&site, "").await, ["big.bin"]);
        second.go(&site.url("/files/")).await;
        second.has("[data-item='big.bin']").await;
        second.reads("1 uploaded and compared").await;
        first.is_quiet();
        second.is_quiet();
        assert_eq!(site.served.stop().code, Some(0));
    });
}

/// An upload goes on while other pages are looked at, which say how far it is, and only for its user.
#[test]
#[ignore = "needs chromium"]
fn an_upload_goes_on_on_other_pages_in_a_browser() {
    in_a_browser(async |browser| {
        let mut site = Site::at_speed(Home::new(&format!("{SLOW}[accounts]\nremote_registration = 'open'\n")), "1x");
        let setup = site.served.ready["setup_token"].as_str().unwrap().to_owned();
        site.token = site.registered("alice", Some(&setup)).await;
        site.registered("bob", None).await;
        write(&site, "big.bin", &random_bytes(2 << 20, 1));
        let tab = browser.open("about:blank").await;
        sign_in(&tab, &site, "alice").await;
        tab.drop_on_it(&site.home.path("big.bin")).await;
        tab.until("/^(256|512|768)\\.0 KiB/.test(document.querySelector('.queue .said').textContent)").await;
        // The table of what the server does leaves out what the queue tells of.
        tab.go(&site.url("/uploads")).await;
        tab.has("progress[aria-label='Progress of big.bin']").await;
        tab.until("document.querySelector('[data-kept]').textContent === 'None is kept.'").await;
        tab.until("document.querySelector('[data-transfers]').textContent === 'Nothing runs.'").await;
        tab.go(&site.url("/room")).await;
        tab.has(".queue.folded:not([hidden])").await;
        // It takes longer to look on a slow machine than the upload does.
        assert_eq!(site.send(Method::POST, "/time", json!({ "paused": true })).await.0, 200);
        tab.looks("room-uploading").await;
        assert_eq!(site.send(Method::POST, "/time", json!({ "paused": false })).await.0, 200);
        let told = "Number(/, (\\d+) % of 2.0 MiB/.exec(document.querySelector('.queue h2').textContent)[1])";
        tab.until(&format!("{told} > 0")).await;
        let before: u32 = tab.value(told).await;
        tab.until(&format!("{told} > {before}")).await;
        // Virtual time that stands still is the reason why nothing goes on.
        site.send(Method::POST, "/time", json!({ "paused": true })).await;
        tab.click(".queue > header button:last-child").await;
        tab.reads("virtual time is paused, so that nothing goes on").await;
        site.send(Method::POST, "/time", json!({ "paused": false, "speed": "max" })).await;
        // Another user of the same browser neither sees nor sends it.
        let () = tab.value("document.querySelector('.top form button').click()").await;
        tab.has("#username").await;
        sign_in(&tab, &site, "bob").await;
        tab.has("[data-upload][role=button]").await;
        assert!(tab.value::<bool>("document.querySelector('.queue').hidden").await);
        let () = tab.value("document.querySelector('.top form button').click()").await;
        tab.has("#username").await;
        sign_in(&tab, &site, "alice").await;
        tab.reads("1 uploaded and compared").await;
        tab.has("[data-item='big.bin']").await;
        tab.is_quiet();
        assert_eq!(site.served.stop().code, Some(0));
    });
}
