//! The pages of the drive as a browser without JavaScript has them: sign in, list, upload, look at, download.

use reqwest::multipart::{Form, Part};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};

use super::*;

/// Browser that runs no scripts: it keeps cookies and follows redirections.
pub(super) struct Browser {
    pub(super) client: Client,
    base: String,
}

/// Page that a browser is at.
pub(super) struct Page {
    pub(super) status: u16,
    /// Path of its address, after redirections.
    pub(super) path: String,
    pub(super) text: String,
}

impl Page {
    async fn of(response: Response) -> Page {
        let url = response.url();
        let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        Page { status: response.status().as_u16(), path, text: response.text().await.unwrap() }
    }

    /// The token of its forms.
    pub(super) fn token(&self) -> String {
        let (_, rest) = self.text.split_once("name=\"csrf_token\" value=\"").expect("a form with a token");
        rest.split('"').next().unwrap().to_owned()
    }

    pub(super) fn has(&self, text: &str) -> bool {
        self.text.contains(text)
    }
}

impl Browser {
    /// A browser at a site, with an empty jar of cookies.
    pub(super) fn of(site: &Site) -> Browser {
        let client = Client::builder().no_proxy().cookie_store(true).redirect(Policy::limited(5)).build().unwrap();
        Browser { client, base: site.base.clone() }
    }

    /// A browser in which a user has signed in.
    pub(super) async fn of_user(site: &Site, name: &str) -> Browser {
        let browser = Browser::of(site);
        let page = browser.sign_in("/", name, PASSWORD).await;
        assert_eq!((page.status, page.path.as_str()), (200, "/files/"), "{}", page.text);
        browser
    }

    pub(super) async fn get(&self, path: &str) -> Page {
        let request = self.client.get(format!("{}{path}", self.base)).header("accept", "text/html");
        Page::of(request.send().await.unwrap()).await
    }

    /// Sends a form of the page `at` to `path`, with the token of that page.
    pub(super) async fn send(&self, at: &str, path: &str, fields: &[(&str, &str)]) -> Page {
        let token = self.get(at).await.token();
        let fields: Vec<_> = fields.iter().copied().chain([("csrf_token", token.as_str())]).collect();
        let request = self.client.post(format!("{}{path}", self.base)).header("accept", "text/html");
        Page::of(form(request, &fields).send().await.unwrap()).await
    }

    async fn sign_in(&self, next: &str, name: &str, password: &str) -> Page {
        self.send("/sign-in", "/sign-in", &[("username", name), ("password", password), ("next", next)]).await
    }

    /// Stores files by the form of a directory.
    pub(super) async fn upload(&self, directory: &str, files: &[(&str, &[u8])]) -> Page {
        let token = self.get(directory).await.token();
        let form = files.iter().fold(Form::new(), |form, (name, content)| {
            form.part("file", Part::bytes(content.to_vec()).file_name((*name).to_owned()))
        });
        let target = format!("{}{directory}?csrf_token={token}", self.base);
        let request = self.client.post(target).header("accept", "text/html").multipart(form);
        Page::of(request.send().await.unwrap()).await
    }
}

/// Who is not signed in is sent to sign in, and from there back; a wrong password is told on the form, and no other site is led to.
#[test]
fn a_sign_in_by_a_form_leads_back() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let browser = Browser::of(&site);
        let asked = browser.get("/files/?sort=size").await;
        assert_eq!((asked.status, asked.path.as_str()), (200, "/sign-in?next=%2Ffiles%2F%3Fsort%3Dsize"));
        assert!(asked.has("name=\"next\" value=\"/files/?sort=size\""), "{}", asked.text);
        let refused = browser.sign_in("/account", "alice", "wrong").await;
        assert_eq!(refused.status, 401);
        assert!(refused.has("role=\"alert\"") && refused.has("value=\"alice\""), "{}", refused.text);
        let back = browser.sign_in("/account", "alice", PASSWORD).await;
        assert_eq!((back.status, back.path.as_str()), (200, "/account"));
        for elsewhere in ["//example.org/", "https://example.org/", "/\\example.org"] {
            let page = Browser::of(&site).sign_in(elsewhere, "alice", PASSWORD).await;
            assert_eq!(page.path, "/files/", "{elsewhere}");
        }
        let out = browser.send("/files/", "/sign-out", &[]).await;
        assert_eq!(out.path, "/sign-in");
        assert!(browser.get("/files/").await.path.starts_with("/sign-in"));
        site.served.stop();
    });
}

/// A file that a form has stored is listed, has a page with its segments and the waterfall of its upload, and is downloaded by its link.
#[test]
fn a_file_is_stored_shown_and_downloaded_without_scripts() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let browser = Browser::of_user(&site, "alice").await;
        let content = crate::harness::random_bytes(200_000, 1);
        let listed = browser.upload("/files/", &[("a report.bin", &content), ("b.txt", b"text")]).await;
        assert_eq!((listed.status, listed.path.as_str()), (200, "/files/?done=stored&count=2"), "{}", listed.text);
        for part in ["href=\"/files/a%20report.bin\"", "195.3 KiB", "2 items were stored", ">b.txt</a>"] {
            assert!(listed.has(part), "{part}: {}", listed.text);
        }
        let page = browser.get("/files/a%20report.bin").await;
        for part in [
            "SHA-256",
            "200000 bytes",
            "Where its segments are",
            "How it was stored",
            "<svg class=\"chart\"",
            "<svg class=\"waterfall\"",
            "probes answered",
        ] {
            assert!(page.has(part), "{part}: {}", page.text);
        }
        let link = "/api/v1/files/content/a%20report.bin?download";
        assert!(page.has(&format!("href=\"{link}\"")), "{}", page.text);
        let answer = browser.client.get(site.url(link)).send().await.unwrap();
        assert!(answer.headers()["content-disposition"].to_str().unwrap().starts_with("attachment"));
        assert!(answer.bytes().await.unwrap() == content, "the content is another");
        let taken = browser.upload("/files/", &[("b.txt", b"other")]).await;
        assert_eq!(taken.status, 409, "nothing is replaced that nobody has asked to: {}", taken.text);
        let unknown = browser.get("/files/nothing").await;
        assert_eq!(unknown.status, 404);
        assert!(unknown.has("role=\"alert\"") && unknown.has("nothing"), "{}", unknown.text);
        site.served.stop();
    });
}

/// Names are text wherever they stand, whatever they say.
#[test]
fn hostile_names_are_text() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let browser = Browser::of_user(&site, "alice").await;
        let names = ["<img src=x onerror=alert(1)>", "\"><script>alert(1)<", "a&amp;b'c", "{{ 7*7 }}", "~bob"];
        for name in names {
            let made = site.request(Method::POST, "/files/directories").json(&json!({ "path": format!("./{name}") }));
            let (status, body) = read(made.send().await.unwrap()).await;
            assert_eq!(status, 201, "{name}: {body}");
        }
        let mut pages =
            vec![browser.get("/files/").await, browser.get("/files/?view=grid").await, browser.get("/files/?search=a").await];
        for name in names {
            let path = format!("/files/~alice/{}", percent(name));
            pages.push(browser.get(&path).await);
            for asked in ["delete", "rename", "move", "share"] {
                let fields = [("do", asked), ("path", &*format!("~alice/{name}"))];
                pages.push(browser.send("/files/", "/files/", &fields).await);
            }
        }
        for page in pages {
            assert_eq!(page.status, 200, "{}: {}", page.path, page.text);
            for raw in ["<img src=x", "<script>alert", "b'c"] {
                assert!(!page.has(raw), "{raw} in {}: {}", page.path, page.text);
            }
            assert!(!page.has(" style=") && !page.has(" onclick") && !page.has("<style"), "{}", page.path);
        }
        site.served.stop();
    });
}

/// Adds the fields of a form to a request.
pub(super) fn form(request: RequestBuilder, fields: &[(&str, &str)]) -> RequestBuilder {
    let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{}={}", percent(name), percent(value))).collect();
    request.header("content-type", "application/x-www-form-urlencoded").body(pairs.join("&"))
}

/// Encodes a name as a segment of a path.
fn percent(name: &str) -> String {
    name.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// A long directory comes by pages; the order is that of the heading, directories before files, and a search looks below too.
#[test]
fn a_directory_is_sorted_searched_and_paged() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let browser = Browser::of_user(&site, "alice").await;
        for number in 0..205 {
            let made = site.request(Method::POST, "/files/directories").json(&json!({ "path": format!("d{number:03}") }));
            assert_eq!(made.send().await.unwrap().status(), 201);
        }
        browser.upload("/files/d001/", &[("Needle.txt", b"here")]).await;
        browser.upload("/files/", &[("big", &[7; 2000]), ("small", b"s")]).await;
        let names = |page: &Page| {
            let names = page.text.split("data-item=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
            names.collect::<Vec<_>>()
        };
        let first = browser.get("/files/").await;
        assert_eq!((names(&first).len(), names(&first)[0].as_str()), (200, "d000"));
        assert!(first.has("Page 1 of 2") && first.has("207 items") && first.has("rel=\"next\""), "{}", first.text);
        assert_eq!(names(&browser.get("/files/?page=2").await), ["d200", "d201", "d202", "d203", "d204", "big", "small"]);
        let by_size = browser.get("/files/?sort=size&order=desc&page=2").await;
        assert_eq!(names(&by_size)[5..], ["big", "small"]);
        assert!(by_size.has("aria-sort=\"descending\""));
        assert_eq!(
            names(&browser.get("/files/?sort=size&page=99").await)[5..],
            ["small", "big"],
            "the last page stands for those behind it"
        );
        assert_eq!(names(&browser.get("/files/?search=needle").await), ["d001/Needle.txt"]);
        // What was looked at before is told anew.
        browser.upload("/files/", &[("Bigger", b"new")]).await;
        browser.upload("/files/d001/", &[("needles", b"there")]).await;
        let last = browser.get("/files/?page=2").await;
        assert_eq!(names(&last)[5..], ["big", "Bigger", "small"], "letters have no case");
        assert!(last.has("208 items"), "{}", last.text);
        assert_eq!(names(&browser.get("/files/?search=NEEDLE").await), ["d001/Needle.txt", "d001/needles"]);
        assert_eq!(site.request(Method::DELETE, "/files/content/big").send().await.unwrap().status(), 204);
        assert_eq!(names(&browser.get("/files/?page=2").await)[5..], ["Bigger", "small"]);
        assert!(browser.get("/files/?view=grid").await.has("class=\"tiles\""));
        assert!(browser.get("/files/").await.has("class=\"tiles\""), "the view is remembered");
        site.served.stop();
    });
}

/// The scripts' parts that know neither the DOM nor requests do what they say.
#[test]
#[ignore = "needs node"]
fn the_scripts_hold() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let tried = std::process::Command::new("node").arg("--test").arg(root.join("tests/web/queue.mjs")).output().unwrap();
    assert!(tried.status.success(), "{}", String::from_utf8_lossy(&tried.stdout));
}
