//! Lists, changes, sharing and links of files by REST, and the older paths that mean the same.

use std::collections::BTreeSet;

use super::files::OPEN;
use super::*;

async fn filled() -> Site {
    let site = Site::start(OPEN).await;
    let (status, _) = site.send(Method::POST, "/files/directories", json!({ "path": "docs/2026", "parents": true })).await;
    assert_eq!(status, 201);
    for (path, size) in [("Report.pdf", 3), ("b.txt", 1), ("c.txt", 2), ("docs/report old.txt", 5), ("docs/2026/z.txt", 4)] {
        site.put(path, "x".repeat(size)).await;
    }
    site
}

/// Lists are searched, sorted and cut into pages that hold everything once.
#[test]
fn lists_are_searched_sorted_and_cut() {
    on_a_runtime(async {
        let site = filled().await;
        for (query, wanted) in [
            ("?path=.", &["Report.pdf", "b.txt", "c.txt", "docs"][..]),
            ("", &["Report.pdf", "b.txt", "c.txt", "docs"]),
            ("?path=docs/", &["2026", "report old.txt"]),
            ("?path=.&recursive=true", &["Report.pdf", "b.txt", "c.txt", "docs", "2026", "z.txt", "report old.txt"]),
            ("?path=.&recursive=true&search=REPORT", &["Report.pdf", "report old.txt"]),
            ("?path=.&search=report", &["Report.pdf"]),
            ("?search=report", &["Report.pdf"]),
            ("?search=report&recursive=true", &["Report.pdf", "report old.txt"]),
            ("?path=.&sort=size", &["docs", "b.txt", "c.txt", "Report.pdf"]),
            ("?path=.&sort=size&order=desc", &["Report.pdf", "c.txt", "b.txt", "docs"]),
            ("?path=.&sort=kind", &["docs", "Report.pdf", "b.txt", "c.txt"]),
            ("?path=.&order=desc", &["docs", "c.txt", "b.txt", "Report.pdf"]),
            ("?path=b.txt", &["b.txt"]),
            ("?path=b.txt&sort=size", &["b.txt"]),
            ("?path=.&search=nothing", &[]),
        ] {
            assert_eq!(site.names(query).await, wanted, "{query}");
            // The same in pages of one.
            let (mut paged, mut after) = (Vec::<String>::new(), None::<String>);
            while paged.len() <= wanted.len() {
                let mut url = reqwest::Url::parse(&site.url(&format!("/api/v1/files{query}"))).unwrap();
                url.query_pairs_mut().append_pair("limit", "1").extend_pairs(after.iter().map(|after| ("after", after)));
                let (status, page) = read(site.client.get(url).bearer_auth(&site.token).send().await.unwrap()).await;
                assert_eq!(status, 200, "{page}");
                paged.extend(page["entries"].as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap().to_owned()));
                after = page["next"].as_str().map(str::to_owned);
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(paged, wanted, "{query} in pages");
        }
    });
}

/// An entry has what is known of it, and wrong parameters are refused with the field.
#[test]
fn an_entry_has_what_is_known_of_it() {
    on_a_runtime(async {
        let site = filled().await;
        let (_, list) = site.get("/files?path=docs").await;
        assert_eq!((&list["path"], &list["next"]), (&json!("docs"), &Value::Null));
        let (directory, file) = (&list["entries"][0], &list["entries"][1]);
        assert_eq!(
            (&directory["kind"], &directory["path"], &directory["size_bytes"]),
            (&json!("directory"), &json!("docs/2026"), &Value::Null)
        );
        assert_eq!(
            (&file["kind"], &file["size_bytes"], &file["owner"], &file["segments"]),
            (&json!("file"), &json!(5), &json!("alice"), &json!(1))
        );
        let ids: BTreeSet<u64> = [directory, file].iter().map(|entry| entry["id"].as_u64().unwrap()).collect();
        assert_eq!(ids.len(), 2, "each has a number of its own");
        let (status, info) = site.get("/files/info/docs/report%20old.txt").await;
        assert_eq!((status, info["sha256"].as_str().unwrap().len(), info["id"].clone()), (200, 64, file["id"].clone()));
        let place = &info["places"][0];
        assert_eq!((&place["length"], place["nodes"].as_array().unwrap().is_empty()), (&json!(5), false), "{info}");
        for (query, field) in [("limit=0", "limit"), ("limit=1001", "limit"), ("after=x", "after"), ("sort=age", "sort")] {
            let (status, body) = site.get(&format!("/files?{query}")).await;
            let told = (status, body["reason"].as_str(), body["field"].as_str());
            assert_eq!(told, (400, Some("INVALID_FIELD"), Some(field)), "{body}");
        }
        for path in ["nowhere", "~bob/x", "b.txt/", "%2e%2e"] {
            assert_eq!(site.get(&format!("/files?path={path}")).await.0, 404, "{path}");
            assert_eq!(site.get(&format!("/files?path={path}&sort=size")).await.0, 404, "{path}");
        }
    });
}

/// Names, copies, attributes and removals, each with what it refuses.
#[test]
fn what_is_stored_is_changed() {
    on_a_runtime(async {
        let site = filled().await;
        for (path, body, wanted) in [
            ("/files/move", json!({ "from": "b.txt", "to": "docs" }), (200, "docs/b.txt")),
            ("/files/move", json!({ "from": "docs/b.txt", "to": "c.txt" }), (409, "NAME_TAKEN")),
            ("/files/move", json!({ "from": "docs/b.txt", "to": "c.txt", "replace": true }), (200, "c.txt")),
            ("/files/move", json!({ "from": "docs", "to": "docs/2026/x" }), (400, "INTO_ITSELF")),
            ("/files/move", json!({ "from": "b.txt", "to": "x" }), (404, "NOT_FOUND")),
            ("/files/move", json!({ "from": "c.txt", "to": "~bob/x" }), (403, "ANOTHER_TREE")),
            ("/files/copy", json!({ "from": "c.txt", "to": "d.txt" }), (200, "d.txt")),
            ("/files/copy", json!({ "from": "c.txt", "to": "d.txt" }), (409, "NAME_TAKEN")),
            ("/files/copy", json!({ "from": "Report.pdf", "to": "d.txt", "replace": true }), (200, "d.txt")),
            ("/files/copy", json!({ "from": "docs", "to": "x" }), (409, "IS_DIRECTORY")),
            ("/files/copy", json!({ "from": "", "to": "x" }), (400, "INVALID_FIELD")),
            ("/files/directories", json!({ "path": "new" }), (201, "new")),
            ("/files/directories", json!({ "path": "new" }), (409, "NAME_TAKEN")),
            ("/files/directories", json!({ "path": "new", "parents": true }), (201, "new")),
            ("/files/directories", json!({ "path": "x/y" }), (404, "NOT_FOUND")),
            ("/files/directories", json!({ "path": "../y" }), (400, "INVALID_FIELD")),
            ("/files/directories", json!({ "path": "x/y", "parents": true }), (201, "x/y")),
        ] {
            let (status, answer) = site.send(Method::POST, path, body.clone()).await;
            let said = answer["reason"].as_str().or(answer["path"].as_str()).unwrap();
            assert_eq!((status, said), wanted, "{path} {body}: {answer}");
        }
        let (status, set) = site.send(Method::PATCH, "/files/info/c.txt", json!({ "mode": "640", "modified": 5 })).await;
        assert_eq!((status, &set["mode"], &set["modified"]), (200, &json!("0640"), &json!(5)));
        let (status, body) = site.send(Method::PATCH, "/files/info/c.txt", json!({ "mode": 644 })).await;
        assert!(status == 422 && body["detail"].as_str().unwrap().contains("\"0644\""), "{status} {body}");
        let removed = async |path: &str| read(site.request(Method::DELETE, path).send().await.unwrap()).await;
        let (status, body) = removed("/files/content/docs").await;
        assert_eq!((status, body["reason"].as_str()), (409, Some("DIRECTORY_NOT_EMPTY")));
        assert_eq!(removed("/files/content/docs?recursive=true").await.0, 204);
        let other = site.request(Method::DELETE, "/files/content/c.txt").header("if-match", "\"x\"").send().await.unwrap();
        assert_eq!(other.status(), 412);
        assert_eq!(removed("/files/content/c.txt").await.0, 204);
        assert_eq!(removed("/files/content/c.txt").await.0, 404);
        assert_eq!(site.names("").await, ["Report.pdf", "d.txt", "new", "x"]);
    });
}

/// The older paths mean the same: a file by its number is that of its name, for those who may read it.
#[test]
fn the_older_paths_mean_the_same() {
    on_a_runtime(async {
        let site = filled().await;
        site.send(Method::POST, "/files/copy", json!({ "from": "b.txt", "to": "same.txt" })).await;
        let list =
            async || read(site.client.get(site.url("/api/files/list")).bearer_auth(&site.token).send().await.unwrap()).await.1;
        let files = list().await;
        assert_eq!(files, site.get("/files").await.1);
        let id = |name: &str| {
            files["entries"].as_array().unwrap().iter().find(|entry| entry["name"] == name).unwrap()["id"].as_u64().unwrap()
        };
        let (twin, copy) = (id("b.txt"), id("same.txt"));
        assert_ne!(twin, copy, "two files of the same content are two");
        let by =
            |method: Method, path: &str, bearer: &str| site.client.request(method, site.url(path)).bearer_auth(bearer).send();
        let answer = by(Method::GET, &format!("/api/files/download/{copy}"), &site.token).await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), answer.headers()["content-disposition"].to_str().unwrap()),
            (200, "inline; filename=\"same.txt\"")
        );
        site.send(Method::POST, "/files/move", json!({ "from": "same.txt", "to": "moved.txt" })).await;
        assert_eq!(by(Method::DELETE, &format!("/api/files/{copy}"), &site.token).await.unwrap().status(), 204);
        assert!(!site.names("").await.contains(&"moved.txt".to_owned()) && site.names("").await.contains(&"b.txt".to_owned()));
        let bob = site.registered("bob", None).await;
        for (path, bearer, wanted) in [
            (format!("/api/files/download/{copy}"), site.token.as_str(), 404),
            (format!("/api/files/download/{twin}"), bob.as_str(), 404),
            ("/api/files/download/x".to_owned(), site.token.as_str(), 400),
            (format!("/api/files/download/{}", id("docs")), site.token.as_str(), 404),
        ] {
            assert_eq!(by(Method::GET, &path, bearer).await.unwrap().status(), wanted, "{path}");
        }
    });
}

/// What is shared is read and not changed by others, until it is no longer shared.
#[test]
fn what_is_shared_is_read_by_others() {
    on_a_runtime(async {
        let site = filled().await;
        let bob = site.registered("bob", None).await;
        let of_bob =
            async |method: Method, path: &str| read(site.request_by(&bob, method, path).body("x").send().await.unwrap()).await;
        assert_eq!(
            of_bob(Method::GET, "/users").await,
            (200, json!({ "users": [] })),
            "nobody is named to whom nothing is shared"
        );
        assert_eq!(site.get("/users").await, (200, json!({ "users": ["bob"] })));
        let share = json!({ "path": "docs", "user": "Bob" });
        assert_eq!(site.send(Method::POST, "/files/share", share.clone()).await, (200, json!({ "changed": true })));
        assert_eq!(site.send(Method::POST, "/files/share", share.clone()).await, (200, json!({ "changed": false })));
        assert_eq!(of_bob(Method::GET, "/users").await.1, json!({ "users": ["alice"] }));
        let (_, list) = of_bob(Method::GET, "/files?recursive=true&sort=size").await;
        let paths: Vec<&str> = list["entries"].as_array().unwrap().iter().map(|entry| entry["path"].as_str().unwrap()).collect();
        assert_eq!(paths, ["~alice/docs", "~alice/docs/2026", "~alice/docs/2026/z.txt", "~alice/docs/report old.txt"]);
        assert_eq!(of_bob(Method::GET, "/files/content/~alice/docs/2026/z.txt").await.0, 200);
        for (method, path) in
            [(Method::DELETE, "/files/content/~alice/docs/2026/z.txt"), (Method::PUT, "/files/content/~alice/docs/2026/z.txt")]
        {
            assert_eq!(of_bob(method, path).await.0, 403, "{path}");
        }
        for (body, wanted) in [
            (json!({ "path": "docs", "user": "carol" }), 404),
            (json!({ "path": "docs", "user": "alice" }), 400),
            (json!({ "path": "docs", "user": "", "read": false }), 400),
            (json!({ "path": "nowhere", "user": "bob" }), 404),
        ] {
            assert_eq!(site.send(Method::POST, "/files/share", body.clone()).await.0, wanted, "{body}");
        }
        assert_eq!(site.send(Method::DELETE, "/files/share", share).await, (200, json!({ "changed": true })));
        assert_eq!(of_bob(Method::GET, "/files/content/~alice/docs/2026/z.txt").await.0, 404);
    });
}

/// A directory that is shared for uploads takes new files of others, which are the owner's, and shows nothing.
#[test]
fn others_store_where_they_may() {
    on_a_runtime(async {
        let site = filled().await;
        let bob = site.registered("bob", None).await;
        let of_bob =
            async |method: Method, path: &str| read(site.request_by(&bob, method, path).body("new").send().await.unwrap()).await;
        assert_eq!(of_bob(Method::PUT, "/files/content/~alice/docs/new.txt").await.0, 403);
        let share = json!({ "path": "docs", "user": "bob", "upload": true });
        assert_eq!(site.send(Method::POST, "/files/share", share.clone()).await, (200, json!({ "changed": true })));
        let docs = &site.get("/files?path=.&search=docs").await.1["entries"][0];
        assert_eq!((&docs["shared_with"], &docs["uploads_from"]), (&json!([]), &json!(["bob"])));
        let (status, stored) = of_bob(Method::PUT, "/files/content/~alice/docs/new.txt").await;
        assert_eq!((status, &stored["owner"], &stored["size_bytes"]), (201, &json!("alice"), &json!(3)), "{stored}");
        for (method, path) in [(Method::GET, "new.txt"), (Method::GET, "report%20old.txt"), (Method::DELETE, "new.txt")] {
            let (status, body) = of_bob(method, &format!("/files/content/~alice/docs/{path}")).await;
            assert_eq!(status, 404, "{path}: {body}");
        }
        let (status, body) = of_bob(Method::PUT, "/files/content/~alice/docs/new.txt").await;
        assert_eq!(status, 403, "nothing is replaced: {body}");
        assert_eq!(site.content("docs/new.txt", &[]).await.2, b"new");
        let (status, body) =
            site.send(Method::POST, "/files/share", json!({ "path": "b.txt", "user": "bob", "upload": true })).await;
        assert_eq!((status, body["reason"].as_str()), (409, Some("NOT_DIRECTORY")), "{body}");
        assert_eq!(
            site.send(Method::DELETE, "/files/share", json!({ "path": "docs", "user": "bob" })).await.1,
            json!({ "changed": true })
        );
        assert_eq!(of_bob(Method::PUT, "/files/content/~alice/docs/newer.txt").await.0, 403);
    });
}

/// The node that an upload names takes all of it, and one that is not there is refused.
#[test]
fn an_upload_goes_to_the_node_that_it_names() {
    on_a_runtime(async {
        let site = filled().await;
        for (node, spelled, content) in [("Node_02", "Node_02", vec![2; 200_000]), ("Node_05", "5", vec![5; 200_000])] {
            // The segments of a file are where the same ones are already.
            site.put(&format!("{node}.bin?node={spelled}"), content).await;
            let (_, info) = site.get(&format!("/files/info/{node}.bin")).await;
            let places = info["places"].as_array().unwrap();
            assert!(places.len() == 4 && places.iter().all(|place| place["nodes"] == json!([node])), "{info}");
        }
        let request = site.request(Method::PUT, "/files/content/x?node=Node_99").body("x").send().await.unwrap();
        let (status, body) = read(request).await;
        assert_eq!((status, &body["resource"]["name"]), (404, &json!("Node_99")), "{body}");
        let request = site.request(Method::PUT, "/files/content/x?node=Node-2").body("x").send().await.unwrap();
        let (status, body) = read(request).await;
        assert_eq!((status, &body["field"]), (400, &json!("node")), "{body}");
    });
}

/// A link gives what it is to and nothing else, to whoever has it, until it is revoked.
#[test]
fn links_give_what_they_are_to() {
    on_a_runtime(async {
        let site = filled().await;
        let later = 4 * 3600 + u64::try_from(time::OffsetDateTime::now_utc().unix_timestamp()).unwrap();
        let (status, link) = site.send(Method::POST, "/share-links", json!({ "path": "docs", "expires_at": later })).await;
        assert_eq!(status, 201, "{link}");
        let url = link["url"].as_str().unwrap().to_owned();
        let token = url.strip_prefix(&format!("{}/s/", site.base)).unwrap().to_owned();
        let get = async |path: &str| {
            let answer = site.client.get(format!("{url}{path}")).send().await.unwrap();
            (answer.status().as_u16(), answer.headers().clone(), answer.bytes().await.unwrap().to_vec())
        };
        let (status, headers, body) = get("/content/2026/z.txt").await;
        assert_eq!((status, body.as_slice(), headers["referrer-policy"].to_str().unwrap()), (200, &b"xxxx"[..], "no-referrer"));
        assert_eq!(get("/content").await.0, 409, "a directory has no content");
        for path in ["/content/nowhere", "/content/..%2fb.txt", "/content/%2e%2e/b.txt", "/content/2026/..%2f..%2fb.txt"] {
            assert!([400, 404].contains(&get(path).await.0), "{path}");
        }
        // The same token lets no program in.
        for (method, path) in [
            (Method::GET, "/files/content/docs/2026/z.txt"),
            (Method::PUT, "/files/content/docs/new.txt"),
            (Method::DELETE, "/files/content/docs/2026/z.txt"),
            (Method::GET, "/share-links"),
            (Method::GET, "/nodes"),
            (Method::GET, "/dashboard"),
            (Method::GET, "/events"),
        ] {
            let answer = because(read(site.request_by(&token, method, path).body("x").send().await.unwrap()).await);
            assert_eq!(answer, (401, "TOKEN_REFUSED".to_owned()), "{path}");
        }
        // Nor does an API token open a link, whatever it is called.
        let wanted = json!({ "name": "link-1", "scope": "read", "path": "docs", "expires_at": later });
        let (status, made) = site.send(Method::POST, "/tokens", wanted).await;
        let as_link = site.url(&format!("/s/{}/content/2026/z.txt", made["token"].as_str().unwrap_or_default()));
        assert_eq!((status, site.client.get(as_link).send().await.unwrap().status().as_u16()), (201, 404), "{made}");
        let (_, tokens) = site.get("/tokens").await;
        let marks: Vec<(&str, bool)> = tokens["tokens"]
            .as_array()
            .unwrap()
            .iter()
            .map(|token| (token["name"].as_str().unwrap(), token["is_link"].as_bool().unwrap()))
            .collect();
        assert!(marks.contains(&("link-1", false)) && marks.contains(&(link["name"].as_str().unwrap(), true)), "{tokens}");
        let (_, links) = site.get("/share-links").await;
        assert_eq!((&links["links"][0]["name"], &links["links"][0]["path"]), (&link["name"], &json!("docs")));
        let name = link["name"].as_str().unwrap();
        let revoke =
            async |name: &str| read(site.request(Method::DELETE, &format!("/share-links/{name}")).send().await.unwrap()).await.0;
        let revoked = [revoke("link-x").await, revoke("link-1").await, revoke(name).await, revoke(name).await];
        assert_eq!(revoked, [404, 404, 204, 404]);
        let (status, _, body) = get("/content/2026/z.txt").await;
        assert_eq!((status, serde_json::from_slice::<Value>(&body).unwrap()["reason"].as_str()), (404, Some("TOKEN_REFUSED")));
        for (path, expires, wanted) in [("nowhere", later, 404), ("docs", 7, 400), ("docs", later * 2, 400)] {
            let wanted_link = json!({ "path": path, "expires_at": expires });
            let (status, body) = site.send(Method::POST, "/share-links", wanted_link).await;
            assert_eq!(status, wanted, "{path}: {body}");
        }
        // A session in an address is no link.
        assert_eq!(site.client.get(site.url(&format!("/s/{}/content", site.token))).send().await.unwrap().status(), 404);
    });
}

/// A directory as a page has a link to all that is in it.
#[test]
fn a_directory_is_a_page_of_links() {
    on_a_runtime(async {
        let site = filled().await;
        site.put("docs/a%26b%3Cc%3E%22.txt", "x").await;
        let page = async |path: &str| {
            let answer = site.request(Method::GET, &format!("/files/index/{path}")).send().await.unwrap();
            let kind = answer.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned()).unwrap_or_default();
            (answer.status().as_u16(), kind, answer.text().await.unwrap())
        };
        let (status, kind, text) = page("").await;
        assert_eq!((status, kind.as_str()), (200, "text/html; charset=utf-8"));
        assert!(text.contains("<a href=\"b.txt\">") && text.contains("<a href=\"docs/\">"), "{text}");
        let answer = site.request(Method::GET, "/files/index/docs").send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.headers()["location"].to_str().unwrap()), (308, "./docs/"));
        let (_, _, text) = page("docs/").await;
        assert!(text.contains("href=\"report%20old.txt\"") && text.contains("href=\"a%26b%3Cc%3E%22.txt\""), "{text}");
        assert_eq!(page("docs/report%20old.txt").await.2, "xxxxx");
        assert_eq!((page("nowhere/").await.0, page("nowhere").await.0), (404, 404));
    });
}
