//! Changes by the forms of the pages, without JavaScript: directories, names, places, removal, sharing and links.

use super::pages::{Browser, form};
use super::*;

/// Each change is asked for by a page and made by its form; what cannot be done is told on that page.
#[test]
fn items_are_made_renamed_moved_copied_and_deleted() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let browser = Browser::of_user(&site, "alice").await;
        let change = |fields: &'static [(&'static str, &'static str)]| browser.send("/files/", "/files/", fields);
        let asked = change(&[("do", "new-directory")]).await;
        assert!(asked.status == 200 && asked.has("data-dialog") && asked.has("name=\"sure\""), "{}", asked.text);
        let made = change(&[("do", "new-directory"), ("sure", "yes"), ("name", "docs")]).await;
        assert_eq!(made.path, "/files/?done=made&count=1");
        let again = change(&[("do", "new-directory"), ("sure", "yes"), ("name", "docs")]).await;
        assert!(again.status == 409 && again.has("role=\"alert\"") && again.has("value=\"docs\""), "{}", again.text);
        browser.upload("/files/", &[("a.txt", b"content")]).await;
        let renamed = change(&[("do", "rename"), ("sure", "yes"), ("path", "a.txt"), ("name", "b.txt")]).await;
        assert_eq!(renamed.path, "/files/?done=renamed&count=1");
        let onto = change(&[("do", "rename"), ("sure", "yes"), ("path", "b.txt"), ("name", "docs")]).await;
        assert_eq!(onto.status, 400, "a new name is none of a directory to move into: {}", onto.text);
        let places = change(&[("do", "move"), ("path", "b.txt")]).await;
        assert!(places.has("type=\"radio\" name=\"to\" value=\"docs\""), "{}", places.text);
        let copied = change(&[("do", "copy"), ("sure", "yes"), ("path", "b.txt"), ("to", "docs")]).await;
        assert_eq!(copied.path, "/files/?done=copied&count=1");
        let taken = change(&[("do", "move"), ("sure", "yes"), ("path", "b.txt"), ("to", "docs")]).await;
        assert!(taken.status == 409 && taken.has("b.txt: "), "{}", taken.text);
        let moved = change(&[("do", "move"), ("sure", "yes"), ("path", "b.txt"), ("to", "docs"), ("replace", "1")]).await;
        assert_eq!(moved.path, "/files/?done=moved&count=1");
        let tree = change(&[("do", "copy"), ("sure", "yes"), ("path", "docs"), ("typed", "docs2"), ("to", "")]).await;
        assert_eq!(tree.path, "/files/?done=copied&count=1", "{}", tree.text);
        assert!(browser.get("/files/docs2/docs").await.has("docs2/docs/b.txt"));
        let nothing = change(&[("do", "delete")]).await;
        assert!(nothing.status == 400 && nothing.has("tick"), "{}", nothing.text);
        let sure = change(&[("do", "delete"), ("path", "docs"), ("path", "docs2")]).await;
        assert!(sure.has("these 2 items") && sure.has("directory with 1 file"), "{}", sure.text);
        assert_eq!(browser.get("/files/docs").await.status, 200, "nothing goes before it is sure");
        let gone = change(&[("do", "delete"), ("sure", "yes"), ("path", "docs"), ("path", "docs2")]).await;
        assert_eq!(gone.path, "/files/?done=deleted&count=2");
        assert!(gone.has("This directory is empty"), "{}", gone.text);
        site.served.stop();
    });
}

/// A form that no page of this server has given out changes nothing.
#[test]
fn a_form_needs_the_token_of_its_page() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let browser = Browser::of_user(&site, "alice").await;
        for token in [None, Some("x")] {
            let fields = [("do", "new-directory"), ("sure", "yes"), ("name", "docs"), ("csrf_token", token.unwrap_or_default())];
            let answer = form(browser.client.post(site.url("/files/")), &fields).send().await.unwrap();
            assert_eq!(answer.status(), 403);
        }
        assert_eq!(browser.get("/files/docs").await.status, 404);
        site.served.stop();
    });
}

/// What is shared with a user is found by them, and what is not is not there for them; who may read is changed by the owner alone.
#[test]
fn a_directory_is_shared_and_taken_back() {
    on_a_runtime(async {
        let site = Site::start(&format!("{QUICK}[accounts]\nremote_registration = 'open'\n")).await;
        site.registered("bob", None).await;
        let (alice, bob) = (Browser::of_user(&site, "alice").await, Browser::of_user(&site, "bob").await);
        let fields = [("do", "new-directory"), ("sure", "yes"), ("name", "docs")];
        alice.send("/files/", "/files/", &fields).await;
        alice.upload("/files/docs", &[("a.txt", b"content")]).await;
        assert_eq!(bob.get("/files/~alice/docs").await.status, 404);
        let share = |what: &'static str, user: &'static str| {
            let fields = [("do", "share"), ("sure", "yes"), ("path", "docs"), ("what", what), ("user", user)];
            let alice = &alice;
            async move { alice.send("/files/", "/files/", &fields).await }
        };
        let nobody = share("grant", "carol").await;
        assert!(nobody.status >= 400 && nobody.has("role=\"alert\""), "{}", nobody.text);
        let granted = share("grant", "bob").await;
        assert!(granted.status == 200 && granted.has("<span class=\"name\">bob</span>"), "{}", granted.text);
        assert!(alice.get("/files/").await.has("Shared with bob"));
        let found = bob.get("/files/?shared=1").await;
        assert!(found.has("~alice/docs") && found.has("of alice"), "{}", found.text);
        let page = bob.get("/files/~alice/docs/a.txt").await;
        assert!(page.status == 200 && !page.has("?do=delete"), "{}", page.text);
        let refused = bob.send("/files/", "/files/~alice/docs/a.txt", &[("do", "delete"), ("sure", "yes")]).await;
        assert!(refused.status == 403, "{}: {}", refused.status, refused.text);
        share("revoke", "bob").await;
        assert_eq!(bob.get("/files/~alice/docs/a.txt").await.status, 404);
        assert!(share("grant-upload", "bob").await.has("storing from bob"));
        let stored = bob.upload("/files/~alice/docs", &[("b.txt", b"of bob")]).await;
        assert_eq!((stored.status, stored.path.as_str()), (200, "/files/~alice/docs?done=stored&count=1"), "{}", stored.text);
        assert!(alice.get("/files/docs").await.has("b.txt"));
        share("revoke-upload", "bob").await;
        assert!(!alice.get("/files/?do=share&path=docs").await.has("storing from bob"));
        site.served.stop();
    });
}

/// A link shows what it is to and nothing beside it, to whoever has it, until it is taken back.
#[test]
fn a_link_is_to_one_directory_alone() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let alice = Browser::of_user(&site, "alice").await;
        alice.send("/files/", "/files/", &[("do", "new-directory"), ("sure", "yes"), ("name", "docs")]).await;
        alice.upload("/files/docs", &[("a b.txt", b"content")]).await;
        alice.upload("/files/", &[("secret.txt", b"secret")]).await;
        let fields = [("do", "share"), ("sure", "yes"), ("path", "docs"), ("what", "link"), ("days", "7")];
        let made = alice.send("/files/", "/files/", &fields).await;
        // The address is whole, since whoever runs no scripts copies what is there.
        let (_, rest) = made.text.split_once(&format!("value=\"{}/s/", site.base)).unwrap_or_else(|| panic!("{}", made.text));
        let link = format!("/s/{}", rest.split('"').next().unwrap());
        let stranger = Browser::of(&site);
        let answer = stranger.client.get(site.url(&link)).send().await.unwrap();
        assert_eq!(answer.headers()["referrer-policy"], "no-referrer");
        assert_eq!(answer.headers()["x-robots-tag"], "noindex, nofollow");
        let page = stranger.get(&link).await;
        assert!(
            page.has("a b.txt") && page.has("shared by alice") && page.has("The link ends") && !page.has("secret"),
            "{}",
            page.text
        );
        assert!(!page.has("/files/"), "no link leads to pages that need a sign-in: {}", page.text);
        let file = stranger.get(&format!("{link}?path=a%20b.txt")).await;
        let content = format!("{link}/content/a%20b.txt?download");
        assert!(file.has("SHA-256") && file.has(&format!("href=\"{content}\"")), "{}", file.text);
        assert_eq!(stranger.client.get(site.url(&content)).send().await.unwrap().text().await.unwrap(), "content");
        for beyond in ["..%2Fsecret.txt", "../secret.txt", "nothing"] {
            assert_eq!(stranger.get(&format!("{link}?path={beyond}")).await.status, 404, "{beyond}");
        }
        let name = made.text.split("name=\"name\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let fields = [("do", "share"), ("sure", "yes"), ("path", "docs"), ("what", "revoke-link"), ("name", name.as_str())];
        assert_eq!(alice.send("/files/", "/files/", &fields).await.status, 200);
        assert_eq!(stranger.get(&link).await.status, 404);
        // A token of another use is revoked as such, and not here.
        let expires_at = 3_600 + u64::try_from(time::OffsetDateTime::now_utc().unix_timestamp()).unwrap();
        let wanted = json!({ "name": "ci", "scope": "read", "path": "docs", "expires_at": expires_at });
        assert_eq!(site.send(Method::POST, "/tokens", wanted).await.0, 201);
        let fields = [("do", "share"), ("sure", "yes"), ("path", "docs"), ("what", "revoke-link"), ("name", "ci")];
        assert_eq!(alice.send("/files/", "/files/", &fields).await.status, 404);
        assert_eq!(site.get("/tokens").await.1["tokens"][0]["name"], "ci");
        site.served.stop();
    });
}
