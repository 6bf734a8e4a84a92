//! The report of a run as a page: well formed, with the figures of the JSON, whatever the files are called, and written whole or not at all.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use p2p_shell::report::bytes_of;
use serde_json::Value;

use crate::markup::{Element, checked};
use crate::program::{Home, QUICK};
use crate::web::browser::in_a_browser;

/// Names that would be more than names on a page that took them as they are.
const HOSTILE: [&str; 3] = ["<img src=x onerror=alert(1)>", "\"quoted\" & 'x' --><b>", "<td><table>.bin"];

fn page_at(home: &Home, name: &str) -> Element {
    checked(&fs::read_to_string(home.path(name)).unwrap())
}

/// Runs a script that ends with `report --html page.html`, and returns the answers of its lines.
fn answers(home: &Home, script: &str) -> Vec<Value> {
    let said = home.ok(&["run", "--json", "-c", &format!("{script}; report --html page.html")]);
    said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["answer"].clone()).collect()
}

fn texts(values: &Value, field: impl Fn(&Value) -> String) -> Vec<String> {
    values.as_array().unwrap().iter().map(field).collect()
}

/// Every figure of the page is one of the JSON of the same report.
#[test]
fn a_page_has_the_figures_of_the_report() {
    let home = Home::new("");
    home.file("a.bin", 500_000);
    home.file("b.bin", 200_000);
    let answers = answers(&home, "upload a.bin; upload b.bin; download a.bin c.bin; health; kill 3; segments 1");
    let [.., segments, report] = answers.as_slice() else { panic!("{answers:?}") };
    let page = page_at(&home, "page.html");

    let nodes = page.table("Nodes");
    assert_eq!(nodes.column("node"), texts(&report["nodes"], |node| node["name"].as_str().unwrap().into()));
    assert_eq!(nodes.column("used"), texts(&report["nodes"], |node| bytes_of(node["used_bytes"].as_u64().unwrap())));
    let stored = page.table("What each node stores");
    assert_eq!(stored.column("used, in bytes"), texts(&report["nodes"], |node| node["used_bytes"].to_string()));
    assert_eq!(stored.column("segments"), texts(&report["nodes"], |node| node["segments"].to_string()));
    let probes = page.table("The client’s last ten probes of each node");
    let mean = |node: &Value| format!("{:.1} ms", 1_000.0 * node["round_trip_seconds"].as_f64().unwrap());
    assert_eq!(probes.column("mean RTT"), texts(&report["nodes"], mean));

    let transfers = page.table("Transfers");
    assert_eq!(transfers.column("retransmits"), texts(&report["transfers"], |transfer| transfer["retransmits"].to_string()));
    assert_eq!(transfers.column("what"), texts(&report["transfers"], |transfer| transfer["direction"].as_str().unwrap().into()));
    let files = page.table("Files");
    assert_eq!(files.column("size"), texts(&report["files"], |file| bytes_of(file["bytes"].as_u64().unwrap())));

    let counters = page.table("Counters of the network");
    let network = &report["network"];
    for (name, value) in [
        ("packets sent", &network["packets_sent"]),
        ("packets delivered", &network["packets_delivered"]),
        ("dropped: lost on their path", &network["drops"]["loss"]),
        ("bytes sent", &network["bytes_sent"]),
        ("retransmits", &network["retransmits"]),
    ] {
        assert_eq!(counters.value(name), value.to_string(), "{name}");
    }
    assert_eq!(page.table("Network: packets sent").column("DATA"), [network["packets"]["data"].to_string()]);

    let course = page.table("Times of the segments of #1 upload of a.bin");
    assert_eq!(course.column("holder"), texts(segments, |segment| segment["holder"].as_str().unwrap().into()));
    assert_eq!(course.column("retransmits"), texts(segments, |segment| segment["retransmits"].to_string()));
    // What the client has sent in whole seconds is no more than what all hosts have.
    let seconds = page.table("Bytes on the client’s link, second by second");
    let sent: u64 = seconds.column("bytes sent").iter().map(|bytes| bytes.parse::<u64>().unwrap()).sum();
    assert!(sent > 500_000 && sent <= network["bytes_sent"].as_u64().unwrap(), "{sent}");
    assert!(page.table("Faults that are on").rows[1][0].contains("Node_03 is killed"));
}

/// A chart draws each figure of its table, and says in words what it draws.
#[test]
fn charts_have_a_mark_for_each_figure() {
    let home = Home::new("");
    home.file("a.bin", 300_000);
    answers(&home, "upload a.bin; health");
    let page = page_at(&home, "page.html");
    let charts: Vec<&Element> = page.all("figure");
    let titles: Vec<String> = charts.iter().map(|chart| chart.all("figcaption")[0].text()).collect();
    let expected =
        ["Throughput of the client’s link", "Segments of #1 upload of a.bin", "Storage of the nodes", "Round trips to the nodes"];
    assert_eq!(titles, expected);
    let marks = |chart: &Element, name: &str, class: &str| {
        chart
            .all("svg")
            .iter()
            .filter(|drawing| drawing.attribute("class") == Some("plot"))
            .flat_map(|plot| plot.all(name))
            .filter(|mark| mark.attribute("class") == Some(class))
            .count()
    };
    let rows = |chart: &Element| chart.tables()[0].rows.len() - 1;
    let steps = charts[0]
        .all("path")
        .iter()
        .find(|path| path.attribute("class") == Some("sent"))
        .unwrap()
        .attribute("d")
        .unwrap()
        .matches('H')
        .count();
    assert_eq!(steps, rows(charts[0]));
    assert_eq!((marks(charts[1], "rect", "moves"), rows(charts[1])), (5, 5));
    assert_eq!((marks(charts[2], "rect", "used"), rows(charts[2])), (5, 5));
    assert_eq!((marks(charts[3], "line", "mean"), rows(charts[3])), (5, 5));
    // The most that a node stores is the whole width. The first of these bars is the key of the legend.
    let bars = charts[2].all("rect").into_iter().filter(|bar| bar.attribute("class") == Some("used"));
    let widths: Vec<&str> = bars.filter_map(|bar| bar.attribute("width")).collect();
    let stored = page.table("What each node stores");
    let used: Vec<f64> = stored.column("used, in bytes").iter().map(|bytes| bytes.parse().unwrap()).collect();
    let most = used.iter().copied().fold(0.0, f64::max);
    let expected: Vec<String> = used.iter().map(|used| format!("{:.3}%", 100.0 * used / most)).collect();
    assert_eq!(widths[1..], expected);
}

#[test]
fn hostile_names_stay_names() {
    let home = Home::new(QUICK);
    home.file("a.bin", 1_000);
    for name in HOSTILE {
        home.ok(&["put", "a.bin", "--as", name]);
    }
    home.ok(&["report", "--html", "page.html"]);
    let files = page_at(&home, "page.html").table("Files");
    for name in HOSTILE {
        assert!(files.column("name").contains(&name), "{name}: {files:?}");
    }
    let html = fs::read_to_string(home.path("page.html")).unwrap();
    assert!(!html.contains("http://") && !html.contains("https://") && !html.contains("<img"), "{html}");
}

#[test]
fn a_page_is_whole_or_not_there() {
    let home = Home::new(QUICK);
    home.file("a.bin", 1_000);
    fs::write(home.path("kept"), "precious").unwrap();
    // Before anything of the run begins.
    let refused = home.refused(&["run", "-c", "upload a.bin", "--html", "kept"]);
    assert!(refused.contains("kept already exists") && refused.contains("--html FILE"), "{refused}");
    assert!(home.refused(&["demo", "--html", "kept"]).contains("kept already exists"));
    assert!(home.refused(&["report", "--html", "kept"]).contains("kept already exists"));
    assert!(home.refused_script("report --html kept").contains("kept already exists"));
    assert!(home.refused_script("report --html new; report --html new").contains("new already exists"));
    assert!(home.refused(&["report", "--html", "no/such/place"]).contains("cannot write no/such/place"));
    assert!(home.wrong_usage(&["report", "--html", "-"]).contains("./-"));
    assert!(home.refused_script("report --force").contains("--force is for --html"));
    assert!(!home.path("new").exists() && home.ok(&["ls"]).contains("no files"));
    assert_eq!(fs::read(home.path("kept")).unwrap(), b"precious");
    home.ok(&["report", "--html", "kept", "--force"]);
    page_at(&home, "kept");
    home.ok(&["report", "--html", "new"]);
    assert_eq!(fs::metadata(home.path("new")).unwrap().permissions().mode() & 0o777, 0o600);
}

/// The page of a script tells what has come of it, also where a line of it fails.
#[test]
fn the_page_of_a_script_is_written_when_it_is_over() {
    let home = Home::new(QUICK);
    home.file("a.bin", 100_000);
    home.ok(&["run", "-c", "upload a.bin --background", "--html", "done.html"]);
    assert_eq!(
        page_at(&home, "done.html").table("Transfers").column("state"),
        ["done"],
        "what was left in the background is over"
    );
    let said = home.run(&["run", "-c", "verify a.bin; expect echo a = b", "--html", "failed.html"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(page_at(&home, "failed.html").table("Transfers").column("what"), ["download"]);
}

/// Whom the usage of the nodes does not concern has a page without it.
#[test]
fn a_page_shows_what_its_reader_may_see() {
    let home = Home::new(QUICK);
    home.file("a.bin", 100_000);
    for name in ["alice", "bob"] {
        home.register(name);
    }
    home.login("alice");
    home.ok(&["put", "a.bin", "--as", "secret.bin"]);
    home.ok(&["report", "--html", "alice.html"]);
    home.login("bob");
    home.ok(&["report", "--html", "bob.html"]);
    let [alice, bob] = ["alice.html", "bob.html"].map(|name| page_at(&home, name));
    let captions = |page: &Element| page.tables().into_iter().map(|table| table.caption).collect::<Vec<_>>();
    assert!(captions(&alice).contains(&"What each node stores".to_owned()) && alice.text().contains("secret.bin"));
    assert!(!captions(&bob).contains(&"What each node stores".to_owned()) && !bob.text().contains("secret.bin"));
}

#[test]
fn the_demonstration_has_a_page() {
    let home = Home::new(QUICK);
    let report = home.json(&["demo", "--seed", "7", "--html", "demo.html"]);
    let page = page_at(&home, "demo.html");
    let text = page.text();
    assert!(text.contains("every byte came back") && text.contains(report["trace_hash"].as_str().unwrap()));
    assert_eq!(page.table("Files").column("bytes"), ["verified"; 3]);
    assert_eq!(page.table("Users").column("user"), texts(&report["users"], |user| user["user"].as_str().unwrap().into()));
    // Three uploads and three downloads, each with its segments.
    assert_eq!(page.tables().iter().filter(|table| table.caption.starts_with("Times of the segments of #")).count(), 6);
    assert_eq!(page.table("Counters of the network").value("packets sent"), report["network"]["packets_sent"].to_string());
}

/// The page in a browser: no rule of WCAG 2.2 AA is broken at any width, in either theme, and its policy lets its own styles through.
#[test]
#[ignore = "needs chromium"]
fn a_page_looks_well_in_a_browser() {
    let home = Home::new("");
    home.file("a.bin", 500_000);
    home.ok(&["run", "-c", "upload a.bin; health; kill 3; upload a.bin --as b.bin --background; sleep 2s", "--html", "run.html"]);
    home.ok(&["demo", "--html", "demo.html"]);
    in_a_browser(async |browser| {
        for name in ["run", "demo"] {
            let page = home.path(&format!("{name}.html"));
            let tab = browser.open(&format!("file://{}", page.to_str().unwrap())).await;
            tab.looks(&format!("report-{name}")).await;
            // What is closed at first keeps the rules as well.
            let () = tab.value("document.querySelectorAll('details').forEach(details => { details.open = true; })").await;
            tab.looks(&format!("report-{name}-open")).await;
            let grounds = "getComputedStyle(document.body).backgroundColor";
            assert_eq!(tab.value::<String>(grounds).await, "rgb(20, 23, 27)", "the styles are there");
        }
    });
}
