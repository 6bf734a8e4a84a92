//! The commands of the real binary, as a user types them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::harness::{files_below, segments_below};
use crate::kill::time_of;
use crate::program::{Home, QUICK, end_of, read, signal, wait_until};

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn numbers<'a>(list: &'a Value, key: &'a str) -> impl Iterator<Item = f64> + 'a {
    list.as_array().unwrap().iter().map(move |item| number(&item[key]))
}

#[test]
fn the_demonstration_brings_every_byte_back_in_the_time_that_linux_takes() {
    let home = Home::new("");
    let said = home.run(&["demo", "--json"]);
    assert_eq!(said.stderr, "");
    let report = said.json();
    assert_eq!(report["verified"], true);
    assert_eq!(numbers(&report["files"], "bytes").collect::<Vec<_>>(), [2_097_152.0, 3_145_728.0, 5_242_880.0]);
    for way in ["upload", "download"] {
        let five = &report["files"][2][way];
        let seconds = number(&five["virtual_seconds"]);
        assert!((82.0..88.0).contains(&seconds), "{way} took {seconds} s; Linux takes 83.8 s");
        assert!((number(&five["goodput_bytes_per_second"]) - 5_242_880.0 / seconds).abs() < 1e-6);
        assert!(number(&five["retransmits"]) > 0.0, "one in a hundred packets is lost");
    }
    let packets = &report["network"]["packets"];
    for kind in ["syn", "syn_ack", "ack", "data", "fin", "health_check"] {
        assert!(number(&packets[kind]) > 0.0, "{kind}: {packets}");
    }
    let by_kind: f64 = packets.as_object().unwrap().values().map(number).sum();
    let of = |key: &str| number(&report["network"][key]);
    assert_eq!(of("packets_sent"), by_kind);
    assert_eq!(of("packets_sent"), of("packets_delivered") + of("packets_dropped") + of("packets_in_transit"));
    assert!(of("bytes_sent") > 2.0 * 10_485_760.0);
    assert_eq!(numbers(&report["nodes"], "segments").collect::<Vec<_>>(), [32.0; 5]);
    assert_eq!(numbers(&report["nodes"], "used_bytes").sum::<f64>(), 10_485_760.0);
    assert_eq!(report["segments"].as_array().unwrap().len(), 160);
    for segment in report["segments"].as_array().unwrap() {
        let at = |key: &str| number(&segment[key]);
        assert!(at("queued_s").max(at("connected_s")) <= at("first_byte_s"), "{segment}");
        assert!(at("first_byte_s") < at("last_byte_s") && at("last_byte_s") < at("acknowledged_s"), "{segment}");
    }
    assert!(!home.data().exists(), "it keeps nothing");
}

#[test]
fn the_same_seed_gives_the_same_demonstration_at_every_speed() {
    let home = Home::new("");
    // All that it says, but for the wall clock.
    let report = |arguments: &[&str]| {
        let mut report = home.json(&[&["demo"], arguments].concat());
        assert!(report["wall_seconds"].take().is_f64());
        report
    };
    let first = report(&["--seed", "7"]);
    assert_eq!(report(&["--seed", "7"]), first);
    assert_eq!(report(&["--seed", "7", "--speed", "4000x"]), first);
    assert_ne!(report(&["--seed", "8"])["trace_hash"], first["trace_hash"]);
}

/// A file goes in through one door and out through another, and all that is measured before is as without.
#[test]
fn the_services_are_demonstrated_beside_an_unchanged_run() {
    let home = Home::new("");
    let mut plain = home.json(&["demo", "--seed", "42"]);
    assert!(plain.get("services").is_none());
    let mut report = home.json(&["demo", "--services", "--seed", "42"]);
    let services = report.as_object_mut().unwrap().remove("services").unwrap();
    let times = [plain["wall_seconds"].take(), report["wall_seconds"].take()];
    assert!(times.iter().all(Value::is_f64));
    assert_eq!(report, plain);
    let mut found = BTreeMap::new();
    fields(&json!({ "services": services }), "", &mut found);
    assert_eq!(found.into_keys().collect::<Vec<_>>(), documented("demo --services").into_keys().collect::<Vec<_>>());
    assert!(services["verified"] == true && services["bytes"] == 1 << 20, "{services}");
    for (way, door, node) in [("stored", "grpc", Value::Null), ("fetched", "sftp", json!("Node_01"))] {
        let way = &services[way];
        assert_eq!((&way["door"], &way["node"]), (&json!(door), &node));
        assert_eq!((&way["bytes"], &way["sha256"]), (&services["bytes"], &services["sha256"]));
        let address: std::net::SocketAddr = way["address"].as_str().unwrap().parse().unwrap();
        assert!(address.ip().is_loopback() && std::net::TcpStream::connect(address).is_err(), "{address} is closed");
    }
    let text = home.ok(&["demo", "--services"]);
    for words in ["services (demo-services.bin of alice)", "grpc client of p2p", "sftp client of p2p", "every byte came back"] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

/// Where too few files may be open, sockets would take nobody in: that is told before anything is begun.
#[test]
fn a_demonstration_of_services_needs_open_files() {
    let home = Home::new(QUICK);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "ulimit -n 16; exec \"$0\" demo --services", env!("CARGO_BIN_EXE_p2p")]);
    let said = shell.current_dir(home.path(".")).env_clear().env("HOME", home.path(".")).output().unwrap();
    let told = String::from_utf8(said.stderr).unwrap();
    assert!(said.status.code() == Some(75) && told.contains("too few open files") && told.contains("16 may be open"), "{told}");
    assert!(told.contains("`ulimit -n 1024`") && said.stdout.is_empty(), "{told}");
}

/// Its users' mails go to nobody, whatever server is configured for others.
#[test]
fn a_demonstration_sends_no_mail() {
    let home = Home::new("[mail]\nhost = 'mail.example.org'\nuser = 'p2p'\n");
    assert!(home.refused(&["ls"]).contains("P2P_SMTP_PASSWORD"));
    assert_eq!(home.json(&["demo"])["users"][1]["second_factor"], "mail");
}

/// What a directory has seen before changes nothing in a run.
#[test]
fn the_same_seed_gives_the_same_run_in_a_used_directory() {
    let home = Home::new("");
    home.file("a.bin", 700_000);
    let run = |directory: &str| {
        let script = "upload a.bin; health; verify a.bin; segments; rm a.bin; stats";
        home.ok(&["run", "--json", "--seed", "7", "--data-dir", directory, "-c", script])
    };
    let first = run("one");
    assert_eq!(run("one"), first);
    assert_eq!(run("two"), first);
    home.file("b.bin", 300_000);
    home.ok(&["put", "b.bin", "--data-dir", "two"]);
    assert_eq!(run("two"), first);
}

#[test]
fn the_report_as_text_says_what_was_measured() {
    let home = Home::new(QUICK);
    let text = home.ok(&["demo"]);
    for word in ["demo-5MiB.bin", "Node_05", "HEALTH_CHECK", "ALIVE", "verified", "every byte came back", "trace "] {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn files_go_and_come_back() {
    let home = Home::new(QUICK);
    let (large, small) = (home.file("large.bin", 3_000_000), home.file("small.bin", 10));
    home.file("empty", 0);
    assert_eq!(home.ok(&["ls"]), "no files are stored\n");
    let put = home.json(&["put", "large.bin", "small.bin", "empty"]);
    assert_eq!(numbers(&put["files"], "segments").collect::<Vec<_>>(), [46.0, 1.0, 0.0]);
    home.ok(&["put", "small.bin", "--as", "other name.bin"]);
    assert_eq!(home.stored(), ["empty", "large.bin", "other name.bin", "small.bin"]);
    fs::create_dir(home.path("there")).unwrap();
    for (name, bytes) in [("large.bin", &large), ("small.bin", &small), ("empty", &vec![])] {
        home.ok(&["get", name, "-o", "copy", "--force"]);
        home.ok(&["get", name, "-o", "there"]);
        assert!(read(home.path("copy")) == *bytes && read(home.path("there").join(name)) == *bytes, "{name}");
    }
    let removed = home.json(&["rm", "large.bin", "empty"]);
    assert_eq!(removed["files"][0]["bytes"], 3_000_000);
    assert_eq!(home.stored(), ["other name.bin", "small.bin"]);
    // What the removed files had is gone from the disks.
    assert_eq!(segments_below(&home.data()).len(), 1, "both files have the same content");
    let nodes = home.json(&["nodes"]);
    assert_eq!(numbers(&nodes, "used_bytes").sum::<f64>(), 10.0);
    assert!(
        nodes.as_array().unwrap().iter().all(|node| node["health"] == "ALIVE" && number(&node["round_trip_seconds"]) > 0.002)
    );
    let export = home.json(&["export"]);
    assert_eq!(export["files"][1]["segments"][0]["holders"].as_array().unwrap().len(), 1);
    home.ok(&["export", "-o", "metadata.json"]);
    assert_eq!(serde_json::from_slice::<Value>(&read(home.path("metadata.json"))).unwrap(), export);
    assert_eq!(serde_json::from_str::<Value>(&home.ok(&["export", "-o", "-"])).unwrap(), export);
}

#[test]
fn the_configuration_says_where_each_value_came_from() {
    let home = Home::new("[network]\n\nloss = '2%'\n[[node]]\nnumber = 3\nbandwidth = '1MiB/s'\n");
    let text = home.ok(&["config", "--seed", "9"]);
    let line = |key: &str| text.lines().find(|line| line.starts_with(key)).unwrap_or_else(|| panic!("{key}: {text}")).to_owned();
    assert!(line("loss").ends_with("# p2p.toml:3") && line("loss").starts_with("loss = \"2%\""));
    assert!(line("seed").ends_with("# --seed") && line("queue").ends_with("# built in"));
    fs::write(home.path("printed.toml"), &text).unwrap();
    let again = home.ok(&["config", "--config", "printed.toml"]);
    let values = |text: &str| text.lines().map(|line| line.split('#').next().unwrap().trim().to_owned()).collect::<Vec<_>>();
    assert_eq!(values(&again), values(&text));
    let json = home.json(&["config"]);
    let own = json.as_array().unwrap().iter().find(|line| line["node"] == 3).unwrap();
    assert_eq!((own["key"].as_str(), own["value"].as_str()), (Some("bandwidth"), Some("1MiB/s")));
    assert!(!home.data().exists(), "to look at the configuration changes nothing");
}

#[test]
fn a_flow_can_be_measured_watched_and_captured() {
    let home = Home::new("");
    let quick = ["flow", "--bandwidth", "10Mbit/s", "--bytes", "1MiB", "--runs", "4"];
    let plain = home.json(&quick);
    let watched = home.json(&[&quick[..], &["--pcap", "a.pcapng", "--cwnd", "a.csv"]].concat());
    assert_eq!(plain["trace_hash"], watched["trace_hash"], "to watch changes nothing");
    assert_eq!(plain["runs"].as_array().unwrap().len(), 4);
    let seconds: Vec<f64> = numbers(&plain["runs"], "seconds").collect();
    let figures = ["p10_seconds", "median_seconds", "p90_seconds"].map(|key| number(&plain[key]));
    let longest = seconds.iter().copied().fold(0.0, f64::max);
    assert!(figures.is_sorted() && figures[2] <= longest, "{figures:?} {seconds:?}");
    assert_eq!(&read(home.path("a.pcapng"))[..4], [0x0a, 0x0d, 0x0d, 0x0a], "a section header block");
    let windows = String::from_utf8(read(home.path("a.csv"))).unwrap();
    let mut lines = windows.lines();
    assert_eq!(lines.next(), Some("seconds,flow,cwnd_packets,ssthresh_packets,in_flight_packets,srtt_seconds,state"));
    let times: Vec<f64> = lines.map(|line| line.split(',').next().unwrap().parse().unwrap()).collect();
    assert!(times.len() > 50 && times.is_sorted() && *times.last().unwrap() <= seconds[0]);
    let text = home.ok(&quick);
    assert!(text.contains("median ") && text.contains("trace "), "{text}");
}

#[test]
fn flows_have_shapes_and_controls() {
    let home = Home::new("");
    let seconds = |arguments: &[&str]| {
        let all = [&["flow", "--bandwidth", "10Mbit/s", "--bytes", "256KiB", "--runs", "5", "--flows", "4"], arguments].concat();
        let report = home.json(&all);
        assert_eq!(report["runs"][0]["flows"].as_array().unwrap().len(), 4);
        number(&report["median_seconds"])
    };
    // Four times 256 KiB over a link of 10 Mbit/s take 0.84 s, wherever that link lies.
    for shape in ["single", "fanout", "incast"] {
        let time = seconds(&["--shape", shape, "--loss", "0%"]);
        assert!((0.84..1.3).contains(&time), "{shape}: {time}");
    }
    let (small, large) = (seconds(&["--loss", "0%", "--queue", "3"]), seconds(&["--loss", "0%", "--queue", "1000"]));
    assert!(small > large, "a short queue drops packets: {small} {large}");
    let traces =
        ["cubic", "newreno"].map(|control| home.json(&["flow", "--runs", "1", "--congestion", control])["trace_hash"].clone());
    assert_ne!(traces[0], traces[1]);
}

/// Ctrl-C ends a transfer, says so, and leaves nothing of it.
#[test]
fn an_interrupted_put_leaves_nothing() {
    let home = Home::new("");
    // More than the network carries within the deadline of a test.
    home.file("a.bin", 8_000_000);
    let put = home.spawn(&["put", "a.bin", "--speed", "1x"]);
    let stored = || segments_below(&home.data()).len();
    wait_until("the first segment", || stored() > 0);
    signal(&put, "INT");
    let said = end_of(put);
    assert_eq!((said.code, said.stdout.as_str()), (Some(130), ""));
    assert!(said.stderr.contains("interrupted; what was under way has been undone"), "{}", said.stderr);
    assert_eq!(stored(), 0);
    assert!(home.stored().is_empty());
}

/// What was asked in the middle of a file is undone as fast as the machine can, whatever the speed, and nothing more is begun.
#[test]
fn an_interrupt_does_not_wait_for_a_slow_clock() {
    let home = Home::new("");
    // More than the network carries within the deadline of a test.
    home.file("a.bin", 8_000_000);
    home.file("b.bin", 1_000);
    // At this speed the answers to what is undone would come after days.
    let script = "speed max; upload a.bin --background; sleep 5s; speed 0.001x; wait";
    let commands: [(&[&str], &str); 2] = [
        (&["run", "-c", script], "cancelled and undone: #1, upload of a.bin"),
        (&["put", "a.bin", "b.bin", "--speed", "1x"], ""),
    ];
    for (arguments, words) in commands {
        let child = home.spawn(arguments);
        wait_until("the first segment", || !segments_below(&home.data()).is_empty());
        if arguments[0] == "run" {
            let mut seen = String::new();
            let mut child = child;
            let stdout = child.stdout.as_mut().unwrap();
            while !seen.contains("speed 0.001x") {
                let mut bytes = [0; 4096];
                let count = std::io::Read::read(stdout, &mut bytes).unwrap();
                seen.push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
            signal(&child, "TERM");
            let said = end_of(child);
            assert_eq!(said.code, Some(143), "{said:?}");
            assert!(said.stderr.contains(words) && said.stderr.contains("has been undone"), "{said:?}");
        } else {
            signal(&child, "HUP");
            assert_eq!(end_of(child).code, Some(129));
        }
        assert!(home.stored().is_empty());
        assert!(segments_below(&home.data()).is_empty());
    }
}

#[expect(clippy::disallowed_methods, reason = "the instant of a signal is one of the wall clock")]
fn wait(span: std::time::Duration) {
    std::thread::sleep(span);
}

/// Nothing is called undone that is stored. The instants lie around the end of the upload, where it is past being cancelled.
#[test]
fn an_interrupted_put_tells_the_truth() {
    let home = Home::new(QUICK);
    home.file("a.bin", 300_000);
    let (mut undone, mut stored) = (0, 0);
    let whole = time_of(|| drop(home.ok(&["put", "a.bin"])));
    for round in 0..60 {
        let name = format!("{round}");
        let put = home.spawn(&["put", "a.bin", "--as", &name]);
        // The last one is left alone, so that something is stored however slow the machine has become.
        if round < 59 {
            wait(whole.mul_f64(f64::from(round) / 50.0));
            signal(&put, ["INT", "TERM", "HUP"][round as usize % 3]);
        }
        let said = end_of(put);
        let is_stored = home.stored().contains(&name);
        match said.code {
            Some(0) => assert!(is_stored && said.stdout.contains(&name), "{said:?}"),
            _ if said.stderr.contains("undone") => assert!(!is_stored, "{said:?}"),
            // The signal came after it had told the end.
            _ if said.stdout.contains(&name) => assert!(is_stored && said.stderr.is_empty(), "{said:?}"),
            // It ended at once, before anything was under way.
            _ => assert!(!is_stored && said.stderr.is_empty(), "{said:?}"),
        }
        if is_stored { stored += 1 } else { undone += 1 }
    }
    assert!(undone > 0 && stored > 0, "{undone} {stored}");
}

#[test]
fn the_log_is_a_daily_file_and_says_as_much_as_it_is_told_to() {
    let home = Home::new(QUICK);
    home.file("a.bin", 100_000);
    home.ok(&["put", "a.bin"]);
    let log = || files_below(&home.data().join("logs"));
    assert_eq!(log().len(), 1);
    let text = String::from_utf8(read(&log()[0])).unwrap();
    assert!(log()[0].file_name().unwrap().to_str().unwrap().starts_with("p2p.log.20"));
    assert!(text.contains("FileStored") && !text.contains("DEBUG"), "{text}");
    let output = home.command(&["ls"]).env("P2P_LOG", "debug").output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty());
    assert!(String::from_utf8(read(&log()[0])).unwrap().contains("DEBUG"));
    let output = home.command(&["ls"]).env("P2P_LOG", "p2p_storage=loud").output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8(output.stderr).unwrap().contains("P2P_LOG=p2p_storage=loud is no filter for the log"));
}

/// The paths of all fields and the kinds of their values.
pub(crate) fn fields(value: &Value, path: &str, found: &mut BTreeMap<String, &'static str>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                fields(value, &if path.is_empty() { key.clone() } else { format!("{path}.{key}") }, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| fields(item, &format!("{path}[]"), found)),
        Value::Bool(_) => drop(found.insert(path.to_owned(), "boolean")),
        Value::Number(_) => drop(found.insert(path.to_owned(), "number")),
        Value::String(_) => drop(found.insert(path.to_owned(), "text")),
        Value::Null => {}
    }
}

/// The rows `| path | kind | … |` below the heading of a command in docs/json.md.
pub(crate) fn documented(command: &str) -> BTreeMap<String, &'static str> {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/json.md")).unwrap();
    let section = text.split("\n## ").find(|section| section.lines().next().unwrap().split(", ").any(|name| name == command));
    let rows = section.unwrap_or_else(|| panic!("{command} has no section")).lines().filter(|line| line.starts_with("| `"));
    let kind = |text: &str| *["boolean", "number", "text"].iter().find(|kind| **kind == text.trim()).expect(text);
    rows.map(|row| row.split('|').collect::<Vec<_>>())
        // What an upload that was continued has besides is tested where one is.
        .filter(|row| !row[3].trim().starts_with("only with `--resume`"))
        .map(|row| (row[1].trim().trim_matches('`').to_owned(), kind(row[2])))
        .collect()
}

#[test]
fn json_has_the_documented_fields_and_no_others() {
    let home = Home::new(&format!(
        "{QUICK}[[node]]\nnumber = 1\nloss = '0%'\n[[ssh.remote]]\nname = 'store'\naddress = 'store.example.org'\n"
    ));
    home.file("a.bin", 100_000);
    for name in ["alice", "bob"] {
        home.register(name);
    }
    home.login("alice");
    let commands: [&[&str]; 9] = [
        &["put", "a.bin", "--keep"],
        &["ls"],
        &["nodes"],
        &["get", "a.bin", "-o", "b.bin"],
        &["export"],
        &["rm", "a.bin"],
        &["demo"],
        &["flow", "--runs", "1", "--bytes", "64KiB"],
        &["config"],
    ];
    for command in commands {
        if command[0] == "nodes" {
            fs::create_dir_all(home.data().join("nodes/Node_05/incoming/stray")).unwrap();
        }
        let mut found = BTreeMap::new();
        fields(&home.json(command), "", &mut found);
        assert_eq!(found, documented(command[0]), "{command:?}");
        if command[0] == "put" {
            home.ok(&["run", "-c", "share a.bin bob; mkdir d; share d bob --upload"]);
        }
    }
}

#[test]
fn help_says_what_each_command_and_option_is_for() {
    let home = Home::new("");
    let help = home.ok(&["--help"]);
    let commands = ["demo", "put", "get", "ls", "rm", "nodes", "register", "login", "logout", "flow", "config", "export"];
    let of_the_language = ["uploads", "info", "verify", "mkdir", "mv", "share", "unshare", "whoami", "sessions", "passwd", "otp"];
    for command in commands.into_iter().chain(of_the_language) {
        assert!(help.contains(&format!("  {command} ")), "{command}");
        let own = home.ok(&[command, "--help"]);
        for option in ["--json", "--help"] {
            assert!(own.contains(option), "{command} {option}");
        }
        if command != "flow" {
            assert!(["--config", "--seed"].iter().all(|option| own.contains(option)), "{command}");
            assert_eq!(own.contains("--data-dir"), command != "demo", "{command}");
        }
    }
}

#[test]
fn standard_input_and_output_are_files_too() {
    let home = Home::new(QUICK);
    let content = home.file("a.bin", 300_000);
    let mut put = home.command(&["put", "-", "--as", "piped"]).stdin(Stdio::piped()).spawn().unwrap();
    put.stdin.take().unwrap().write_all(&content).unwrap();
    assert_eq!(end_of(put).code, Some(0));
    let got = home.command(&["get", "piped", "-o", "-"]).output().unwrap();
    assert!(got.status.success() && got.stdout == content);
    assert!(home.wrong_usage(&["put", "-"]).contains("--as NAME"));
    let nameless = home.refused(&["put", "-", "--as", "directory/"]);
    assert!(nameless.contains("as in `directory/NAME`"), "{nameless}");
}

/// An export replaces nothing that nobody wants replaced, and nothing but whole files.
#[test]
fn an_export_is_whole_or_not_there() {
    let home = Home::new(QUICK);
    std::fs::write(home.path("kept"), "precious").unwrap();
    assert!(home.refused(&["export", "-o", "kept"]).contains("kept already exists"));
    assert!(home.refused_script("export kept").contains("kept already exists"));
    assert_eq!(read(home.path("kept")), b"precious");
    std::os::unix::fs::symlink(home.path("kept"), home.path("link")).unwrap();
    home.ok(&["export", "-o", "link", "--force"]);
    assert!(home.path("link").is_symlink() && read(home.path("kept")).starts_with(b"{"));
    assert!(home.refused(&["export", "-o", "/dev/null", "--force"]).contains("not a regular file"));
    assert!(home.refused(&["export", "-o", "no/such/place"]).contains("cannot write no/such/place"));
}

#[test]
fn several_files_are_fetched_at_once() {
    let home = Home::new(QUICK);
    let (a, b) = (home.file("a.bin", 100_000), home.file("b.bin", 200_001));
    home.ok(&["put", "a.bin", "b.bin"]);
    std::fs::create_dir(home.path("there")).unwrap();
    assert_eq!(home.json(&["get", "a.bin", "b.bin", "-o", "there"])["files"].as_array().unwrap().len(), 2);
    assert!(read(home.path("there/a.bin")) == a && read(home.path("there/b.bin")) == b);
    let both = home.command(&["get", "a.bin", "b.bin", "-o", "-"]).output().unwrap();
    assert!(both.status.success() && both.stdout == [a, b].concat());
    assert!(home.wrong_usage(&["get", "a.bin", "b.bin", "-o", "one"]).contains("one is no directory"));
    assert!(home.wrong_usage(&["get", "a.bin", "-o", "-", "--json"]).contains("both want standard output"));
}

/// A flow that never ends is told, is in no figure, and is no success.
#[test]
fn a_flow_that_does_not_finish_says_so() {
    let home = Home::new("");
    let run = |runs: &str, more: &[&str]| {
        let said = home.run(&[&["flow", "--loss", "100%", "--bytes", "10KiB", "--runs", runs], more].concat());
        assert_eq!(said.code, Some(1), "{said:?}");
        said
    };
    let said = run("2", &["--json"]);
    let report: Value = serde_json::from_str(&said.stdout).unwrap();
    assert!(report["median_seconds"].is_null() && report["runs"][0]["seconds"].is_null());
    assert!(report["runs"][0]["rtos"].as_u64().unwrap() > 0);
    assert!(said.stderr.starts_with("p2p: 2 of 2 runs did not finish: seeds 1, 2\n  "), "{}", said.stderr);
    let said = run("1", &["--seed", "7"]);
    assert!(said.stdout.contains("not finished") && !said.stdout.contains("NaN"), "{}", said.stdout);
    assert!(said.stderr.starts_with("p2p: 1 of 1 runs did not finish: seed 7\n"), "{}", said.stderr);
    assert!(run("12", &[]).stderr.contains("seeds 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 2 more\n"));
    // Of two flows one may be done: the run is not.
    let some = home.run(&["flow", "--loss", "55%", "--bytes", "64KiB", "--runs", "8", "--flows", "2"]);
    let unfinished = some.stdout.matches("not finished").count();
    assert_eq!(some.code, Some(i32::from(unfinished > 0)), "{some:?}");
    assert!(unfinished > 0 && some.stderr.contains(&format!("{unfinished} of 8 runs did not finish")), "{some:?}");
}

/// What a flow is written to replaces nothing that nobody wants replaced, is whole or not there, and is its owner's alone. What is no
/// regular file is written to as it is.
#[test]
fn what_a_flow_is_written_to_replaces_nothing() {
    let home = Home::new("");
    let flow =
        |more: &[&str]| home.run(&[&["flow", "--bandwidth", "10Mbit/s", "--bytes", "64KiB", "--runs", "1"], more].concat());
    for option in ["--pcap", "--cwnd"] {
        let mode = || std::os::unix::fs::PermissionsExt::mode(&fs::metadata(home.path("kept")).unwrap().permissions()) & 0o777;
        fs::write(home.path("kept"), "precious").unwrap();
        fs::set_permissions(home.path("kept"), std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
        let said = flow(&[option, "kept"]);
        assert_eq!((said.code, said.stdout.as_str()), (Some(1), ""));
        assert!(said.stderr.contains("kept already exists") && said.stderr.contains("--force"), "{}", said.stderr);
        assert_eq!(read(home.path("kept")), b"precious");
        std::os::unix::fs::symlink("kept", home.path("link")).unwrap();
        assert_eq!(flow(&[option, "link", "--force"]).code, Some(0));
        assert!(home.path("link").is_symlink() && read(home.path("kept")) != b"precious");
        assert_eq!(mode(), 0o640, "it stays what it was");
        fs::remove_file(home.path("kept")).unwrap();
        fs::remove_file(home.path("link")).unwrap();
        assert_eq!(flow(&[option, "kept"]).code, Some(0));
        assert_eq!(mode(), 0o600);
        let full = flow(&[option, "/dev/full"]);
        assert!(full.code == Some(1) && full.stderr.contains("No space left"), "{full:?}");
        assert_eq!(flow(&[option, "/dev/null"]).code, Some(0));
        fs::remove_file(home.path("kept")).unwrap();
    }
    fs::create_dir(home.path("d")).unwrap();
    let said = flow(&["--pcap", "x", "--cwnd", "d/../x"]);
    assert!(said.code == Some(2) && said.stderr.contains("the same file"), "{said:?}");
    assert!(!home.path("x").exists());
    // One that cannot be written leaves nothing of the other.
    assert_eq!(flow(&["--pcap", "x", "--cwnd", "d"]).code, Some(1));
    assert!(!home.path("x").exists());
}

/// What a symbolic link leads to is replaced, not the link; a device is left alone.
#[test]
fn only_regular_files_are_replaced() {
    let home = Home::new(QUICK);
    let content = home.file("a.bin", 100_000);
    home.ok(&["put", "a.bin"]);
    std::fs::write(home.path("old"), "old").unwrap();
    std::os::unix::fs::symlink(home.path("old"), home.path("link")).unwrap();
    home.ok(&["get", "a.bin", "-o", "link", "--force"]);
    assert!(home.path("link").is_symlink() && read(home.path("old")) == content);
    std::os::unix::fs::symlink(home.path("nowhere"), home.path("dangling")).unwrap();
    assert!(home.refused(&["get", "a.bin", "-o", "dangling", "--force"]).contains("leads nowhere"));
    let mkfifo = std::process::Command::new("mkfifo").arg(home.path("pipe")).status().unwrap();
    assert!(mkfifo.success() && home.refused(&["get", "a.bin", "-o", "pipe", "--force"]).contains("not a regular file"));
}
