//! The pages of the control room, as a browser gets them that runs no scripts.

use std::collections::BTreeSet;

use super::*;

const MANY: &str =
    "[network]\nsubnet = '10.0.0.0/16'\nbandwidth = '1Gbit/s'\ndelay = '1ms'\nloss = '0%'\n[nodes]\ncount = 1000\n";

/// A browser that is logged in and keeps its cookies.
pub(super) struct Browser {
    client: Client,
    base: String,
    token: String,
}

impl Browser {
    /// Returns the browser of the admin.
    pub(super) async fn of(site: &Site) -> Browser {
        Browser::with(site, &site.token).await
    }

    async fn with(site: &Site, token: &str) -> Browser {
        let client = Client::builder().no_proxy().cookie_store(true).build().unwrap();
        Browser { client, base: site.base.clone(), token: token.to_owned() }
    }

    pub(super) async fn page(&self, path: &str) -> (u16, String) {
        let answer = self.client.get(format!("{}{path}", self.base)).bearer_auth(&self.token).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Sends a form of the page at this path, with the token that the page has.
    pub(super) async fn act(&self, path: &str, fields: &[(String, String)]) -> (u16, String) {
        let (_, page) = self.page(path).await;
        let token = page.split("name=\"csrf_token\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let fields: Vec<(String, String)> = fields.iter().cloned().chain([("csrf_token".to_owned(), token)]).collect();
        let body: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let request = self.client.post(format!("{}{path}", self.base)).bearer_auth(&self.token);
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body.join("&"));
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Gives a command, and answers what is asked before it.
    async fn command(&self, command: &str) -> (u16, String) {
        self.fill(&[("command", command), ("sure", "1")]).await
    }

    async fn fill(&self, fields: &[(&str, &str)]) -> (u16, String) {
        let fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.act("/room", &fields).await
    }
}

/// A text with all of its bytes percent-encoded.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Text of a part of a page, from its name to that of the next part.
pub(super) fn part<'p>(page: &'p str, id: &str) -> &'p str {
    let from = page.find(&format!("id=\"{id}\"")).unwrap_or_else(|| panic!("no {id} in {page}"));
    let rest = &page[from..];
    &rest[..rest.find("</section>").unwrap_or(rest.len())]
}

/// Checks what holds of every page: its policy needs no exception, names are of one element each, and references lead somewhere.
fn assert_sound(page: &str) {
    assert!(!page.contains(" style=") && !page.contains("<style"), "styles stand in files");
    assert!(!page.contains(" onclick=") && !page.contains("<script>"), "scripts stand in files");
    let values =
        |name: &str| page.split(&format!(" {name}=\"")).skip(1).map(|rest| rest.split('"').next().unwrap()).collect::<Vec<_>>();
    let ids: Vec<&str> = values("id");
    let known: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), known.len(), "an id is of one element: {ids:?}");
    for name in ["aria-labelledby", "aria-describedby", "for", "list"] {
        for id in values(name) {
            assert!(known.contains(id), "{name}={id} leads nowhere");
        }
    }
}

#[test]
fn the_room_is_whole_without_scripts() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let browser = Browser::of(&site).await;
        // Until the client has probed all of them.
        assert_eq!((browser.command("pause").await.0, browser.command("step 20s").await.0), (200, 200));
        let (status, page) = browser.page("/room").await;
        assert_eq!(status, 200);
        assert_sound(&page);
        for id in ["bar", "nodes", "map", "topology", "throughput", "storage", "transfers", "events", "faults"] {
            assert!(page.contains(&format!("id=\"{id}\"")), "{id}");
        }
        assert!(part(&page, "nodes").contains("Node_05") && part(&page, "nodes").contains("by a probe"), "{page}");
        assert!(page.contains("as of ") && page.contains("renew"), "it says of what instant it is");
        assert!(part(&page, "topology").matches("class=\"host ").count() == 6, "five nodes and the client");
        // Who is not logged in is asked to, and comes back.
        let stranger = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let answer = stranger.get(site.url("/room")).send().await.unwrap();
        assert!(answer.status().is_redirection() && answer.headers()["location"].to_str().unwrap().starts_with("/sign-in"));
        assert!(site.served.stop().code == Some(0));
    });
}

#[test]
fn what_is_broken_by_a_click_is_shown_and_taken_back() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let browser = Browser::of(&site).await;
        let (status, page) = browser.command("kill Node_02").await;
        assert_eq!(status, 200);
        assert!(part(&page, "told").contains("Node_02 is killed"), "{}", part(&page, "told"));
        assert!(part(&page, "node-Node_02").contains("✕</span> killed"), "{}", part(&page, "nodes"));
        assert!(part(&page, "faults").contains("start Node_02") && part(&page, "faults").contains("1 fault on"));
        assert!(part(&page, "events").contains("Node_02 is killed, by alice"));
        let cut = [("command", "path {host},{other} --cut"), ("host", "client"), ("other", "Node_03"), ("sure", "1")];
        let (_, page) = browser.fill(&cut).await;
        assert!(part(&page, "topology").contains("cut both ways") && part(&page, "topology").contains("╳"));
        assert!(part(&page, "map").contains("cut by a fault"));
        assert_sound(&page);
        let (_, page) = browser.command("faults clear").await;
        assert!(part(&page, "faults").contains("no fault is on") && part(&page, "told").contains("2 faults taken back"));
        // What is no command of the room, and what the language refuses.
        for wrong in ["quit", "rm --all", "kill Node_99", "kill", "path client,Node_01"] {
            let (status, page) = browser.command(wrong).await;
            assert_eq!(status, 422, "{wrong}");
            assert!(part(&page, "told").contains("Not done"), "{wrong}");
        }
        assert!(site.served.stop().code == Some(0));
    });
}

/// Without scripts too, what takes something away asks first, by the page that it answers with; and a form tells its own fields.
#[test]
fn what_takes_something_away_asks_and_a_form_names_its_fields() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let browser = Browser::of(&site).await;
        let (_, page) = browser.page("/room").await;
        assert!(part(&page, "faults").contains("<select id=\"act-process-host\""), "a node is chosen, and not typed");
        let (status, page) = browser.fill(&[("command", "kill {host}"), ("host", "Node_03")]).await;
        assert_eq!(status, 200);
        let told = part(&page, "told");
        assert!(told.contains("Kill Node_03?") && told.contains("value=\"kill Node_03\"") && told.contains("name=\"sure\""));
        assert!(part(&page, "faults").contains("no fault is on"), "nothing is done yet");
        assert_sound(&page);
        for (command, title) in
            [("faults apply {value} {host}", "Put slow-wan on all nodes"), ("path client,{host} --cut", "Cut the path")]
        {
            let (_, page) = browser
                .fill(&[
                    ("command", command),
                    ("host", if command.contains("path") { "Node_02" } else { "" }),
                    ("value", "slow-wan"),
                ])
                .await;
            assert!(part(&page, "told").contains(title) && part(&page, "faults").contains("no fault is on"), "{command}");
        }
        let delay = [("command", "path {host},{other} --delay {value}"), ("host", "client"), ("other", "Node_03")];
        for (value, wanted) in [("", "Write a delay"), ("5%", "is not a delay: write a time such as 200ms")] {
            let (status, page) = browser.fill(&[&delay[..], &[("value", value)]].concat()).await;
            assert_eq!(status, 422);
            let told = part(&page, "told");
            assert!(told.contains(wanted) && !told.contains("usage") && !told.contains("--delay"), "{told}");
        }
        assert_eq!(browser.fill(&[("command", "kill {host}"), ("host", "")]).await.0, 422);
        assert!(site.served.stop().code == Some(0));
    });
}

#[test]
fn time_is_paused_stepped_and_sped_up() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let browser = Browser::of(&site).await;
        let (_, page) = browser.command("pause").await;
        assert!(part(&page, "bar").contains("PAUSED") && part(&page, "bar").contains("Next event"), "{}", part(&page, "bar"));
        assert_eq!(browser.command("step 10s").await.0, 200);
        let fast = [("command".to_owned(), "speed {value}".to_owned()), ("value".to_owned(), "10x".to_owned())];
        assert_eq!(browser.act("/room", &fast).await.0, 200);
        let (_, page) = browser.command("resume").await;
        assert!(!part(&page, "bar").contains("PAUSED"));
        assert!(part(&page, "bar").contains("<option value=\"10x\" selected>"), "{}", part(&page, "bar"));
        assert!(site.served.stop().code == Some(0));
    });
}

/// Another user sees what the policy lets them see, is offered nothing that is for admins, and is refused it.
#[test]
fn a_user_looks_and_breaks_nothing() {
    on_a_runtime(async {
        let site = Site::start(&format!("{QUICK}[accounts]\nremote_registration = 'open'\n")).await;
        let bob = Browser::with(&site, &site.registered("bob", None).await).await;
        assert_eq!(Browser::of(&site).await.command("kill Node_02").await.0, 200);
        let (status, page) = bob.page("/room").await;
        assert_eq!(status, 200);
        assert!(!page.contains("Break something") && !page.contains("Pause</button>"));
        assert!(!part(&page, "storage").contains("all nodes"));
        assert!(!page.contains("by alice"), "whose act it was is not for everybody");
        let (status, page) = bob.command("kill Node_01").await;
        assert_eq!(status, 403, "{}", part(&page, "told"));
        assert!(part(&page, "told").contains("you may look at it here"), "{}", part(&page, "told"));
        assert!(site.served.stop().code == Some(0));
    });
}

#[test]
fn a_transfer_has_a_page_and_a_hostile_name_is_text() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let browser = Browser::of(&site).await;
        let name = "<img src=x onerror=alert(1)>\"'&amp;.bin";
        let path = encoded(name);
        let put = site.request(Method::PUT, &format!("/files/content/{path}")).body(vec![7; 200_000]).send().await.unwrap();
        assert_eq!(put.status(), 201);
        let (_, page) = browser.page("/room").await;
        assert!(!page.contains("<img src") && !page.contains("\"'&amp;.bin"), "{}", part(&page, "transfers"));
        assert!(part(&page, "transfers").contains("&#60;img src=x") && part(&page, "transfers").contains("100 %"));
        assert_sound(&page);
        let (status, page) = browser.page("/room/transfers/1").await;
        assert_eq!(status, 200);
        assert_sound(&page);
        assert!(part(&page, "waterfall").matches("class=\"part sending\"").count() >= 4, "{}", part(&page, "waterfall"));
        assert!(!page.contains("cancel 1"), "it is over");
        assert!(!page.contains("<img src"));
        assert_eq!(browser.page("/room/transfers/999").await.0, 404);
        // What is searched for is text as well.
        let (_, page) = browser.page("/room?find=%3Cb%3E%22").await;
        assert!(part(&page, "nodes").contains("No node is found") && !page.contains("<b>\""));
        assert!(site.served.stop().code == Some(0));
    });
}

/// Of a large network a page has those first that are not well, and stays small.
#[test]
fn a_thousand_nodes_are_a_page_of_some() {
    on_a_runtime(async {
        let site = Site::start(MANY).await;
        let browser = Browser::of(&site).await;
        assert_eq!(browser.command("kill Node_777").await.0, 200);
        let (status, page) = browser.page("/room").await;
        assert_eq!(status, 200);
        assert_sound(&page);
        assert!(page.len() < 300_000, "{} bytes", page.len());
        let nodes = part(&page, "nodes");
        assert_eq!(nodes.matches("<tr id=\"node-").count(), 50);
        assert!(nodes.find("Node_777").unwrap() < nodes.find("Node_01").unwrap(), "those that are not well come first");
        assert!(part(&page, "map").matches("<path").count() < 20, "cells of one look are one path");
        assert!(part(&page, "topology").contains("Node_777") && part(&page, "topology").contains("Not drawn"));
        let (_, page) = browser.page("/room?page=20").await;
        assert!(part(&page, "nodes").contains("page 20 of 20"));
        let (_, page) = browser.page("/room?find=Node_123&page=99").await;
        assert_eq!(part(&page, "nodes").matches("<tr id=\"node-").count(), 1);
        assert!(site.served.stop().code == Some(0));
    });
}
