//! An upload in pieces as the pages tell of it: as one thing, of which nothing has failed.

use super::super::room::{Browser, part};
use super::*;

/// The text of the log, and the row of each upload, once a file is stored in as many pieces as it has segments.
#[test]
fn an_upload_in_pieces_is_one_row_and_no_failure() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let browser = Browser::of(&site).await;
        let first = site.request(Method::PUT, "/files/content/first.bin").body(vec![1; 1_000]).send().await.unwrap();
        assert_eq!(first.status(), 201);
        let content = random_bytes(30 * SEGMENT, 1);
        let upload = site.begun(content.len(), &[("path", "big.bin")]).await;
        for (n, piece) in content.chunks(SEGMENT).enumerate() {
            if n == 29 {
                let (_, page) = browser.page("/room").await;
                let list = part(&page, "transfers");
                assert!(list.contains("<span class=\"badge idle\">parked</span>") && list.contains("in 30 pieces"), "{list}");
                assert!(list.contains("96 % of 1.9 MiB"), "{list}");
            }
            site.send_piece(&upload, n * SEGMENT, piece).await;
        }
        site.check_stored(&upload, &content).await;
        let (_, page) = browser.page("/room").await;
        let list = part(&page, "transfers");
        assert_eq!((list.matches("<tr id=").count(), list.matches("big.bin").count()), (2, 1), "{list}");
        assert!(list.contains("in 31 pieces") && list.contains("100 % of 1.9 MiB") && list.contains("first.bin"), "{list}");
        assert!(!list.contains("badge warn") && !list.contains("badge bad") && !list.contains("parked"), "{list}");
        let log = part(&page, "events");
        assert!(log.contains("parked: 1.8 MiB of it are kept"), "{log}");
        assert!(!log.contains("tone warn") && !log.contains("tone bad") && !log.contains(" before, at "), "{log}");
        let (_, page) = browser.page("/files/big.bin").await;
        assert!(
            page.contains(
                "It came in 31 pieces, the last of them <a href=\"/room/transfers/32\">transfer #32</a>. Together they took "
            ),
            "{page}"
        );
        assert_eq!(page.matches("<rect class=\"part sending\"").count(), 1 + 30, "each segment has its bar, beside the key");
        assert!(!page.contains("not known any more"));
        assert!(site.served.stop().code == Some(0));
    });
}

/// The page of a transfer tells what this transfer has done, and where the others are.
#[test]
fn the_page_of_a_piece_tells_of_the_piece() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let browser = Browser::of(&site).await;
        let content = random_bytes(8 * SEGMENT, 2);
        let upload = site.begun(content.len(), &[("path", "big.bin")]).await;
        let half = site.send_piece(&upload, 0, &content[..6 * SEGMENT]).await;
        site.send_piece(&upload, half, &content[half..]).await;
        let (_, page) = browser.page("/room/transfers/2").await;
        let figures = part(&page, "figures");
        assert!(figures.contains("badge idle") && figures.contains("384.0 KiB by this transfer."), "{figures}");
        assert!(figures.contains("avg ") && figures.contains("over its 384.0 KiB"), "{figures}");
        assert!(figures.contains("/room/transfers/1\"") && figures.contains("/room/transfers/3\""), "{figures}");
        assert!(part(&page, "waterfall").contains("2 segments were not begun by this transfer."), "{page}");
        let (_, page) = browser.page("/room/transfers/3").await;
        let (figures, waterfall) = (part(&page, "figures"), part(&page, "waterfall"));
        assert!(figures.contains("128.0 KiB by this transfer, after 384.0 KiB that were kept before it."), "{figures}");
        assert!(figures.contains("over its 128.0 KiB") && figures.contains("8 of 8, 6 of them before this piece"), "{figures}");
        assert!(
            waterfall.contains("6 segments were stored by earlier pieces") && !waterfall.contains("not drawn"),
            "{waterfall}"
        );
        assert!(!waterfall.contains("begun"), "{waterfall}");
        assert!(site.served.stop().code == Some(0));
    });
}

/// Another process stores the end of an upload, and knows nothing of how its begin was stored.
#[test]
fn a_waterfall_names_what_it_does_not_know() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let content = random_bytes(8 * SEGMENT, 3);
        let upload = site.begun(content.len(), &[("path", "big.bin")]).await;
        let half = site.send_piece(&upload, 0, &content[..6 * SEGMENT]).await;
        let site = site.restarted();
        site.send_piece(&upload, half, &content[half..]).await;
        let browser = Browser::of(&site).await;
        let (_, page) = browser.page("/files/big.bin").await;
        assert!(page.contains("The timings of some segments are not known any more: 0 to 5."), "{page}");
        assert!(!page.contains(" took ") && page.matches("<rect class=\"part sending\"").count() == 1 + 2, "{page}");
        let (_, page) = browser.page("/room/transfers/1").await;
        assert!(part(&page, "figures").contains("The piece before is no longer remembered."), "{page}");
        assert!(site.served.stop().code == Some(0));
    });
}
