//! Pages that have much to say, in a real browser: nothing is cut off at any width, whatever is broken.

use super::browser::{Browser, Tab, in_a_browser};
use super::*;
use crate::harness::random_bytes;

/// The tables of a page that are wider than their place at a width.
const WIDE: &str = "[...document.querySelectorAll('.scroll:has(> .stacks)')].filter(one => one.scrollWidth > one.clientWidth + 1)\
                    .map(one => one.getAttribute('aria-label'))";
/// The most that a node takes of the height of the list, in pixels, with what is broken of it.
const TALLEST: &str =
    "Math.max(...[...document.querySelectorAll('#nodes tbody tr')].map(row => row.getBoundingClientRect().height))";
/// Whether the digest of the first file is seen, and within the window.
const SEEN: &str = "(() => { const at = document.querySelector('.list td.digest code')?.getBoundingClientRect(); \
                    return !!at && at.width > 40 && at.right <= innerWidth; })()";

async fn of_admin(browser: &Browser, site: &Site) -> Tab {
    let tab = browser.open("about:blank").await;
    super::journey::sign_in(&tab, site).await;
    tab
}

/// With many faults on, each node is told whole: as a card on a telephone, and in a low row where there is room.
#[test]
#[ignore = "needs chromium"]
fn a_room_with_many_faults_is_told_whole_in_a_browser() {
    in_a_browser(async |browser| {
        let site = Site::start(QUICK).await;
        let put = site.request(Method::PUT, "/files/content/notes.txt").body(random_bytes(300_000, 3)).send().await.unwrap();
        assert_eq!(put.status(), 201);
        let tab = of_admin(browser, &site).await;
        for fault in [
            json!({ "kind": "path", "from": "client", "to": "Node_01", "loss": "5%" }),
            json!({ "kind": "disk", "node": "Node_05", "slow": 10 }),
            json!({ "kind": "path", "from": "client", "to": "Node_02", "cut": true, "one_way": false }),
        ] {
            let (status, told) = site.send(Method::POST, "/faults", fault).await;
            assert_eq!(status, 201, "{told}");
        }
        assert_eq!(site.send(Method::POST, "/faults/profiles/lossy-wifi", json!({})).await.0 / 100, 2);
        tab.go(&site.url("/room")).await;
        tab.until("document.querySelectorAll('#nodes tr.more').length === 5").await;
        tab.looks("room-faults").await;
        for (width, most) in [(360, 400.0), (1024, 90.0), (1920, 90.0)] {
            tab.show(width, "light").await;
            let wide: Vec<String> = tab.value(WIDE).await;
            assert_eq!(wide, [""; 0], "at {width} pixels");
            let tallest: f64 = tab.value(TALLEST).await;
            assert!(tallest < most, "{tallest} of {most} pixels at {width}");
        }
        // What the dialog says is whole, and what was asked is not done before it is answered.
        tab.show(1024, "light").await;
        tab.click("#node-Node_03 button").await;
        tab.until("document.querySelector('dialog#asked[open] h2').textContent === 'Kill Node_03?'").await;
        tab.until("(at => at.left >= 0 && at.right <= innerWidth && at.bottom <= innerHeight)(document.querySelector('#asked').getBoundingClientRect())").await;
        tab.click("#asked [data-leave]").await;
        tab.until("!document.querySelector('#asked')").await;
        let killed: bool = tab.value("document.querySelector('#faults').textContent.includes('start Node_03')").await;
        assert!(!killed);
        tab.go(&site.url("/files/")).await;
        tab.looks("files-digests").await;
        for width in [360, 700, 1024, 1920] {
            tab.show(width, "light").await;
            assert!(tab.value::<bool>(SEEN).await, "the SHA-256 at {width} pixels");
        }
        tab.go(&site.url("/files/notes.txt")).await;
        tab.looks("file-map").await;
        tab.show(360, "light").await;
        let wide: Vec<String> = tab.value(WIDE).await;
        assert_eq!(wide, [""; 0], "the map of a file");
        assert_eq!(site.served.stop().code, Some(0));
    });
}
