//! The files by which the services are run on other machines: the unit of systemd and the Containerfile.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Parser;
use p2p_storage::cli::Cli;

use super::Served;
use crate::program::{Home, QUICK};

fn asset(name: &str) -> (PathBuf, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets").join(name);
    let text = fs::read_to_string(&path).unwrap();
    (path, text)
}

/// Settings of a unit by their sections, each as often as it stands there.
fn settings(text: &str) -> BTreeMap<String, Vec<(String, String)>> {
    let (mut sections, mut section) = (BTreeMap::<String, Vec<(String, String)>>::new(), None);
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = Some(name.to_owned());
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or_else(|| panic!("no setting: {line}"));
        assert!(key.starts_with(char::is_uppercase) && key.chars().all(char::is_alphanumeric), "{line}");
        let of_section = sections.entry(section.clone().unwrap_or_else(|| panic!("in no section: {line}"))).or_default();
        assert!(of_section.iter().all(|(other, _)| other != key), "twice: {line}");
        of_section.push((key.to_owned(), value.to_owned()));
    }
    sections
}

/// Words of the command that a unit starts.
fn started(unit: &str) -> Vec<String> {
    let all = settings(unit);
    let (_, command) = all["Service"].iter().find(|(key, _)| key == "ExecStart").unwrap();
    command.split(' ').map(str::to_owned).collect()
}

#[test]
fn the_unit_starts_a_server_that_ends_as_it_is_asked_to() {
    let (_, unit) = asset("p2p.service");
    let all = settings(&unit);
    assert_eq!(all.keys().collect::<Vec<_>>(), ["Install", "Service", "Unit"]);
    let value = |key: &str| all["Service"].iter().find(|(other, _)| other == key).map(|(_, value)| value.as_str());
    // The directory that systemd makes for it is the one that it uses, and is its own.
    let words = started(&unit);
    let option = |name: &str| words[words.iter().position(|word| word == name).unwrap() + 1].as_str();
    assert_eq!(value("StateDirectory").map(|name| format!("/var/lib/{name}")).as_deref(), Some(option("--data-dir")));
    assert_eq!((value("StateDirectoryMode"), value("User")), (Some("0700"), Some("p2p")));
    // It runs as it stands there, but for the places.
    let home = Home::new(QUICK);
    let (config, data) = (home.path("p2p.toml"), home.path("data"));
    let places = [(option("--config"), &config), (option("--data-dir"), &data)];
    let mut arguments = words[1..].to_vec();
    for (place, own) in places {
        arguments.iter_mut().filter(|word| *word == place).for_each(|word| *word = own.to_str().unwrap().to_owned());
    }
    arguments.push("--grpc=:0".into());
    let served = Served::of(home.spawn(&arguments.iter().map(String::as_str).collect::<Vec<_>>()));
    assert_eq!(served.stop().code, Some(0));
}

/// By systemd itself, which knows each setting and its values.
#[test]
#[ignore = "needs systemd-analyze"]
fn the_unit_is_one_of_systemd() {
    let (_, unit) = asset("p2p.service");
    let directory = tempfile::tempdir().unwrap();
    let verified = |text: String| {
        let path = directory.path().join("p2p.service");
        fs::write(&path, text).unwrap();
        let output = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&path).output().unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    // The program is where it is built, and not where it is installed.
    let program = &started(&unit)[0];
    let here = unit.replace(program, env!("CARGO_BIN_EXE_p2p"));
    assert_eq!(verified(here.clone()), (true, String::new()));
    let (_, said) = verified(here.replace("ProtectHome=yes", "ProtectHouse=yes"));
    assert!(said.contains("ProtectHouse"), "{said}");
}

/// Instructions of a Containerfile, each with what it is given.
fn instructions(text: &str) -> Vec<(String, String)> {
    let text: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let whole = text.join("\n").replace("\\\n", " ");
    let lines = whole.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| line.split_once(' ').unwrap_or_else(|| panic!("{line}")))
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .collect()
}

/// Each instruction is one of Containerfile(5), what is copied is there, and what is started is a command of the program.
#[test]
fn the_containerfile_builds_and_starts_what_there_is() {
    const KNOWN: [&str; 12] =
        ["FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL", "ENTRYPOINT", "CMD", "LABEL"];
    let (path, text) = asset("Containerfile");
    let top = path.parent().unwrap().parent().unwrap();
    let all = instructions(&text);
    assert_eq!(all[0].0, "FROM");
    let mut stages = Vec::new();
    for (instruction, given) in &all {
        assert!(KNOWN.contains(&instruction.as_str()), "{instruction} {given}");
        match (instruction.as_str(), given.split(' ').collect::<Vec<_>>().as_slice()) {
            ("FROM", [_, "AS", name]) => stages.push((*name).to_owned()),
            ("COPY", [from, _, _]) if from.starts_with("--from=") => {
                assert!(stages.contains(&from["--from=".len()..].to_owned()), "{given}");
            }
            ("COPY", [sources @ .., _]) => sources.iter().for_each(|source| assert!(top.join(source).exists(), "{source}")),
            _ => {}
        }
    }
    let value =
        |wanted: &str| all.iter().rfind(|(instruction, _)| instruction == wanted).map(|(_, given)| given.as_str()).unwrap();
    let words = |wanted: &str| serde_json::from_str::<Vec<String>>(value(wanted)).unwrap();
    Cli::try_parse_from([words("ENTRYPOINT"), words("CMD")].concat()).unwrap();
    // Where the data are is the volume, and the ports that are told are the default ones.
    let data = value("ENV").split_once("XDG_DATA_HOME=").unwrap().1;
    assert_eq!(format!("{data}/p2p"), value("VOLUME"));
    let config = fs::read_to_string(top.join("p2p.toml")).unwrap();
    for port in value("EXPOSE").split(' ') {
        assert!(config.contains(&format!("address = \"127.0.0.1:{port}\"")), "{port}");
    }
    // The build has the version of Rust that is needed.
    let manifest = fs::read_to_string(top.join("Cargo.toml")).unwrap();
    let needed = manifest.lines().find_map(|line| line.strip_prefix("rust-version = \"")).unwrap().trim_end_matches('"');
    assert!(all[0].1.contains(&format!("/rust:{needed}-")), "{}", all[0].1);
}

/// The service config names calls of the contract, and none of which a second attempt would do something else: a call without an answer may
/// have been carried out.
#[test]
fn the_service_config_repeats_what_may_be_repeated() {
    let (path, text) = asset("grpc-service-config.json");
    let config: serde_json::Value = serde_json::from_str(&text).unwrap();
    let all = config["methodConfig"].as_array().unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0]["retryPolicy"]["retryableStatusCodes"], serde_json::json!(["UNAVAILABLE"]));
    let contract = ["accounts", "admin", "files", "storage"].map(|name| {
        let text = fs::read_to_string(path.with_file_name("proto").join(format!("p2p/v1/{name}.proto"))).unwrap();
        text.replace('\n', " ")
    });
    for name in all[0]["name"].as_array().unwrap() {
        let (package, service) = name["service"].as_str().unwrap().rsplit_once('.').unwrap();
        let of_service = contract.iter().find_map(|text| text.split_once(&format!("service {service} {{")));
        let (_, rest) = of_service.unwrap_or_else(|| panic!("{service}"));
        assert_eq!(package, "p2p.v1");
        let Some(method) = name["method"].as_str() else {
            assert_eq!(service, "FileStorageService", "all calls of it may be repeated");
            continue;
        };
        let calls = rest.split_once(" service ").map_or(rest, |(calls, _)| calls);
        assert!(calls.contains(&format!("rpc {method}(")), "{service} {method}");
        assert!(["List", "Get", "Stat", "Watch", "WhoAmI"].iter().any(|reading| method.starts_with(reading)), "{method}");
    }
}
