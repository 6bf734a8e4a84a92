//! A person's way through the pages in a real browser, from the setup token to a download; and seven tabs of the control room.

use p2p_store::segment::Sha256Digest;

use super::browser::{Browser, Tab, in_a_browser};
use super::*;
use crate::harness::random_bytes;

/// A network on which the upload takes half a minute of virtual time.
const SLOW: &str = "[network]\nbandwidth = '512kbit/s'\ndelay = '5ms'\nloss = '0%'\n";
/// Length of the larger file, in bytes.
const LARGE: usize = 2 << 20;
/// Counts the streams that a page opens.
const COUNTED: &str = "globalThis.streams = 0; globalThis.EventSource = class extends EventSource { \
                       constructor(...all) { super(...all); globalThis.streams += 1; } };";

/// Signs in with a password; the page after it asks for a code, or is that of the files.
pub(super) async fn sign_in(tab: &Tab, site: &Site) {
    tab.go(&site.url("/sign-in")).await;
    tab.fill("#username", "alice").await;
    tab.fill("#password", PASSWORD).await;
    tab.press("#password", "Enter").await;
    tab.until("!document.querySelector('#password')").await;
}

/// Registers by the form, with the token that the program has printed.
async fn register(tab: &Tab, site: &Site) {
    tab.looks("register").await;
    tab.fill("#username", "alice").await;
    tab.fill("#email", "alice@example.org").await;
    tab.fill("#password", PASSWORD).await;
    tab.fill("#again", PASSWORD).await;
    tab.fill("#admission", site.served.ready["setup_token"].as_str().unwrap()).await;
    tab.click("main button").await;
    tab.is_at("/files/").await;
}

/// Enables one-time passwords of an app, signs out, and in again by a code.
async fn enrol(tab: &Tab, site: &Site) {
    tab.go(&site.url("/account")).await;
    tab.looks("account").await;
    tab.click("button[value=enable-app]").await;
    tab.has("svg.qr").await;
    tab.looks("account-enrolling").await;
    let secret: String = tab.value("document.querySelector('#otp ~ p code').textContent").await;
    let at = crate::accounts::now();
    tab.fill("#code", &crate::accounts::app_code(&secret, at)).await;
    tab.press("#code", "Enter").await;
    tab.reads("Backup codes").await;
    tab.looks("account-enrolled").await;
    tab.click(".top form button").await;
    tab.has("#username").await;
    sign_in(tab, site).await;
    tab.has("#code").await;
    tab.looks("sign-in-code").await;
    // A code is taken once; the one of the next half minute is within what is allowed.
    tab.fill("#code", &crate::accounts::app_code(&secret, at + 30)).await;
    tab.press("#code", "Enter").await;
    tab.is_at("/files/").await;
}

/// Says something of the queue and, without one, of the page, and finds what can be clicked under that.
const COVERED: &str = "(async () => { const { say } = await import('/static/drive.js'); const found = []; \
    for (const hidden of [false, true]) { const queue = document.querySelector('.queue'); queue.hidden = hidden; say('Something is said of it.'); \
    const { left, right, top, bottom } = document.querySelector('.toast').getBoundingClientRect(); queue.hidden = false; \
    for (const one of document.querySelectorAll('a, button, input, [data-item]')) { const at = one.getBoundingClientRect(); \
    if (at.width > 0 && !(hidden && queue.contains(one)) && at.left < right && at.right > left && at.top < bottom && at.bottom > top) \
    found.push(one.textContent || one.outerHTML); } } return found; })()";

/// Drops the directory `letters` on the list, pauses its larger file, reloads the page, and goes on.
async fn upload(tab: &Tab, site: &Site) {
    tab.drop_on_it(&site.home.path("letters")).await;
    tab.reads("letters/deep/large.bin").await;
    // A piece of it is with the nodes, and the rest is not.
    tab.until("[...document.querySelectorAll('.queue .said')].some(said => /^(256|512|768)\\.0 KiB of 2\\.0 MiB/.test(said.textContent))")
        .await;
    tab.click("button[aria-label='Pause letters/deep/large.bin']").await;
    tab.reads("Paused; ").await;
    let covered: Vec<String> = tab.value(COVERED).await;
    assert_eq!(covered, [""; 0], "what is said for a while covers nothing that can be clicked");
    tab.looks("files-uploading").await;
    tab.go(&site.url("/uploads")).await;
    tab.reads("Paused; ").await;
    tab.looks("uploads-paused").await;
    let paused: String = tab.value("document.querySelector('.queue').textContent.match(/Paused; (.*?) of/)[1]").await;
    assert_ne!(paused, "0 B", "what was acknowledged is kept over a reload");
    tab.click("button[aria-label='Go on letters/deep/large.bin']").await;
    tab.until("!document.body.innerText.includes('Paused; ')").await;
}

/// Watches the upload in the control room, kills a node there, sees what has become of it and why, and starts it again.
async fn break_a_node(room: &Tab) {
    room.reads("large.bin").await;
    room.until("document.querySelector('#connection [data-age]').textContent === 'live'").await;
    room.click("#node-Node_03 button").await;
    room.until("document.querySelector('dialog#asked[open] h2').textContent === 'Kill Node_03?'").await;
    room.looks("room-asking").await;
    room.click("#asked button.danger").await;
    room.until("document.querySelector('#told').textContent.includes('Node_03 is killed')").await;
    room.until("document.querySelector('#node-Node_03 .badge').textContent.includes('✕ killed')").await;
    room.until("document.querySelector('#faults').textContent.includes('start Node_03')").await;
    // Time goes on faster, until the client has found it out by its own probes: the state has a word, and what went wrong its cause beside it.
    let () = room.value("void (document.querySelector('#speed').value = '10x')").await;
    room.click(".speed button").await;
    room.until("/SUSPECT|DEAD/.test(document.querySelector('#nodes .counts').textContent)").await;
    room.until("[...document.querySelectorAll('.log td:nth-child(3)')].some(cause => /Node_03 is killed, by alice/.test(cause.textContent))").await;
    room.looks("room-killed").await;
    room.click("#faults button[value='start Node_03']").await;
    room.until("document.querySelector('#node-Node_03 .badge').textContent.includes('ALIVE')").await;
    room.is_quiet();
}

/// A person registers, enrols, uploads with a pause and a reload, breaks a node and mends it, and has back what was uploaded.
#[test]
#[ignore = "needs chromium"]
fn a_person_goes_through_all_of_it_in_a_browser() {
    in_a_browser(async |browser| {
        let site = Site::at_speed(Home::new(SLOW), "1x");
        let content = random_bytes(LARGE, 1);
        std::fs::create_dir_all(site.home.path("letters/deep")).unwrap();
        std::fs::write(site.home.path("letters/small.txt"), "Dear all,\n").unwrap();
        std::fs::write(site.home.path("letters/deep/large.bin"), &content).unwrap();
        let tab = browser.open(&site.url("/register")).await;
        register(&tab, &site).await;
        enrol(&tab, &site).await;
        upload(&tab, &site).await;
        let room = browser.open(&site.url("/room")).await;
        break_a_node(&room).await;
        room.close().await;
        // What was done before the reload is not listed after it.
        tab.reads("uploaded and compared").await;
        tab.go(&site.url("/files/letters")).await;
        tab.reads("small.txt").await;
        tab.go(&site.url("/files/letters/deep/large.bin")).await;
        tab.reads(&Sha256Digest::of(&content).to_string()).await;
        tab.looks("file-uploaded").await;
        let downloads = site.home.path("downloads");
        browser.download_to(&downloads).await;
        tab.click("a.primary").await;
        let downloaded = tab.downloaded(&downloads.join("large.bin")).await;
        assert_eq!(Sha256Digest::of(&downloaded), Sha256Digest::of(&content));
        tab.is_quiet();
        assert_eq!(site.served.stop().code, Some(0));
    });
}

/// A file whose name is taken is asked about, with size and time of both, and both are kept.
#[test]
#[ignore = "needs chromium"]
fn a_name_that_is_taken_is_asked_about_in_a_browser() {
    in_a_browser(async |browser| {
        let site = Site::start(QUICK).await;
        let stored = site.request(Method::PUT, "/files/content/notes.txt").body("What is there\n").send().await.unwrap();
        assert_eq!(stored.status(), 201);
        std::fs::write(site.home.path("notes.txt"), "What comes in its place\n").unwrap();
        let tab = browser.open("about:blank").await;
        sign_in(&tab, &site).await;
        tab.is_at("/files/").await;
        tab.drop_on_it(&site.home.path("notes.txt")).await;
        tab.until("/14 B[^]*24 B/.test(document.querySelector('dialog[open] table').textContent)").await;
        tab.looks("files-conflict").await;
        let () =
            tab.value("[...document.querySelectorAll('dialog button')].find(it => it.textContent === 'Keep both').focus()").await;
        tab.press(":focus", "Enter").await;
        tab.reads("1 uploaded and compared").await;
        let kept = site.get("/files").await.1;
        let sizes: Vec<&Value> = kept["entries"].as_array().unwrap().iter().map(|entry| &entry["size_bytes"]).collect();
        assert!(sizes.contains(&&json!(14)) && sizes.contains(&&json!(24)), "{kept}");
        tab.is_quiet();
        assert_eq!(site.served.stop().code, Some(0));
    });
}

/// Opens the control room in a tab that counts its streams.
async fn room_of(browser: &Browser, site: &Site) -> Tab {
    let tab = browser.open("about:blank").await;
    tab.before(COUNTED).await;
    tab.go(&site.url("/room")).await;
    tab
}

/// Seven tabs live by one stream over HTTP/1.1, which has six connections; when the tab that holds it is closed, another takes over.
#[test]
#[ignore = "needs chromium"]
fn the_seventh_tab_is_live_in_a_browser() {
    in_a_browser(async |browser| {
        let site = Site::start(QUICK).await;
        sign_in(&browser.open("about:blank").await, &site).await;
        let mut tabs = Vec::new();
        for _ in 0..7 {
            tabs.push(room_of(browser, &site).await);
        }
        tabs[0].until("streams === 1").await;
        let seventh = tabs.pop().unwrap();
        seventh.until("navigator.locks && document.querySelector('#connection [data-age]').textContent === 'live'").await;
        site.send(Method::POST, "/time", json!({ "paused": true })).await;
        seventh.reads("PAUSED").await;
        for tab in tabs.iter().skip(1).chain([&seventh]) {
            assert_eq!(tab.value::<u32>("streams").await, 0, "one stream a browser");
        }
        tabs.remove(0).close().await;
        tabs[0].until("streams === 1").await;
        site.send(Method::POST, "/time", json!({ "paused": false })).await;
        seventh.until("!document.body.innerText.includes('PAUSED')").await;
        seventh.until("document.querySelector('#connection [data-age]').textContent === 'live'").await;
        for tab in tabs.iter().skip(1).chain([&seventh]) {
            assert_eq!(tab.value::<u32>("streams").await, 0, "one stream a browser, of the tab that has taken over");
        }
        seventh.is_quiet();
        assert_eq!(site.served.stop().code, Some(0));
    });
}
