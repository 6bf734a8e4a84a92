//! Uploads that are kept although their source has gone: killed and interrupted ones are continued, and nothing but the same content
//! continues them. Ranges of what is stored.

use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use p2p_base::units::{ByteSize, SimDuration};
use p2p_engine::operation::{Await, Keep, ListTransfers, OnShutdown, Park, Shutdown, Sleep};
use p2p_engine::transfer::TransferState;
use p2p_engine::{BegunUpload, Engine, StreamUpload};
use p2p_store::uploads::UploadId;
use portable_pty::CommandBuilder;
use serde_json::Value;

use crate::cli::documented;
use crate::harness::{OPERATOR, config, quick_link, segments_below, slow_link};
use crate::program::{Home, QUICK, Said, end_of, ended_in_part, read, wait_until};
use crate::pty::{Pty, program};

/// Size of a file that is in flight only in part.
const LARGE: usize = 72 << 20;

/// Begins to store a file of so many bytes, and ends the program once so many segments are stored.
fn stored_in_part(home: &Home, bytes: usize, segments: usize, pace: (u32, &str)) -> Said {
    home.file("a.bin", bytes);
    let is_there = || segments_below(&home.data()).len() > segments;
    ended_in_part(home, &["put", "a.bin", "--keep"], pace, is_there, || drop(home.ok(&["rm", "a.bin"])))
}

/// Keeps what is stored of a file of 3 MiB, and returns the name of the upload.
fn interrupted(home: &Home) -> String {
    let said = stored_in_part(home, 3 << 20, 4, (4, "INT"));
    assert_eq!(said.code, Some(130), "{said:?}");
    only(home)["id"].as_str().unwrap().to_owned()
}

/// The kept uploads.
fn uploads(home: &Home) -> Vec<Value> {
    home.json(&["uploads"]).as_array().unwrap().clone()
}

/// The only kept upload.
fn only(home: &Home) -> Value {
    let mut all = uploads(home);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// Checks that a file is stored as it is here.
fn is_stored(home: &Home, name: &str, local: &str) {
    home.ok(&["get", name, "-o", "copy", "--force"]);
    assert!(read(home.path("copy")) == read(home.path(local)), "{name}");
    assert!(uploads(home).is_empty());
}

/// A file that changes while it is read is no file, and nothing of it is kept.
#[test]
fn a_file_that_changes_while_it_is_read_is_not_kept() {
    let home = Home::new(QUICK);
    home.file("a.bin", LARGE);
    let child = home.spawn(&["put", "a.bin", "--keep"]);
    // More than is read ahead is left when the first segments are there.
    wait_until("the first segments", || segments_below(&home.data()).len() > 4);
    std::fs::File::options().append(true).open(home.path("a.bin")).unwrap().write_all(b"more").unwrap();
    let said = end_of(child);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stderr.contains("a.bin changed while it was read; nothing of it is stored"), "{said:?}");
    assert!(said.stderr.contains("nothing of the upload is kept"), "{said:?}");
    assert!(uploads(&home).is_empty() && home.stored().is_empty());
}

#[test]
fn an_upload_is_continued_after_a_kill() {
    let home = Home::new(QUICK);
    // What is to be made durable is asked for behind the 32 MiB that may be in flight.
    let said = stored_in_part(&home, LARGE, 56 * 16, (100, "KILL"));
    let kept = only(&home);
    let (id, offset) = (kept["id"].as_str().unwrap(), kept["offset"].as_u64().unwrap());
    assert_eq!(
        said.stderr.lines().next(),
        Some(&*format!(
            "p2p: upload {id}; if it is interrupted, `p2p put a.bin --resume {id}` continues it, and after a kill from what `p2p uploads` \
             lists, if that is anything"
        ))
    );
    assert!((8 << 20..LARGE as u64).contains(&offset), "{offset}");
    assert_eq!((kept["name"].as_str(), kept["state"].as_str()), (Some("a.bin"), Some("parked")));
    assert!(home.stored().is_empty());
    // Its name is taken.
    let reserved = home.refused(&["put", "a.bin"]);
    assert!(reserved.contains("a.bin"), "{reserved}");
    let done = home.json(&["put", "a.bin", "--resume", id]);
    assert_eq!((done["files"][0]["upload"].as_str(), done["files"][0]["bytes"].as_u64()), (Some(id), Some(LARGE as u64)));
    assert_eq!(done["files"][0]["kept_bytes"].as_u64(), Some(offset));
    is_stored(&home, "a.bin", "a.bin");
}

#[test]
fn an_interruption_keeps_what_is_stored() {
    let home = Home::new(QUICK);
    let said = stored_in_part(&home, LARGE, 24 * 16, (100, "INT"));
    let kept = only(&home);
    let (id, offset) = (kept["id"].as_str().unwrap(), kept["offset"].as_u64().unwrap());
    assert_eq!((said.code, said.stdout.as_str()), (Some(130), ""));
    let told = format!("interrupted; {offset} bytes are kept: `p2p put a.bin --resume {id}` continues it");
    assert!(said.stderr.contains(&told), "{told}\n{}", said.stderr);
    assert!(home.stored().is_empty() && (24 << 20..LARGE as u64).contains(&offset), "{offset}");
    // By standard input as well as by the file.
    let mut command = home.command(&["put", "-", "--resume", id]);
    let said = end_of(command.stdin(std::fs::File::open(home.path("a.bin")).unwrap()).spawn().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stderr.contains(&format!("continuing a.bin after {offset} bytes")), "{}", said.stderr);
    is_stored(&home, "a.bin", "a.bin");
}

/// A stream whose owner's quota is used up ends at once, whatever else it would give.
#[test]
fn a_stream_beyond_the_quota_ends() {
    let home = Home::new(&format!("{QUICK}[accounts]\nquota = '1MiB'\n"));
    home.register("alice");
    home.login("alice");
    home.file("a.bin", 3 << 20);
    for keep in [&[][..], &["--keep"]] {
        let mut command = home.command(&[&["put", "-", "--as", "x"], keep].concat());
        let said = end_of(command.stdin(std::fs::File::open(home.path("a.bin")).unwrap()).spawn().unwrap());
        assert!(said.code == Some(1) && said.stderr.contains("the quota of"), "{said:?}");
        assert!(home.stored().is_empty() && uploads(&home).is_empty() && segments_below(&home.data()).is_empty());
    }
}

#[test]
fn other_content_continues_nothing_and_loses_nothing() {
    let home = Home::new(QUICK);
    let id = interrupted(&home);
    let before = only(&home);
    let mut other = read(home.path("a.bin"));
    other[1000] ^= 1;
    std::fs::write(home.path("other.bin"), &other).unwrap();
    let modified = std::fs::metadata(home.path("a.bin")).unwrap().modified().unwrap();
    let other_file = || std::fs::File::options().append(true).open(home.path("other.bin")).unwrap();
    other_file().set_modified(modified + Duration::from_millis(1_500)).unwrap();
    let later = home.refused(&["put", "other.bin", "--resume", &id]);
    assert!(later.contains("this file was modified 1.500 s later than the one with which the upload was begun"), "{later}");
    assert!(later.contains("`p2p put --resume ID - < FILE` continues"), "{later}");
    other_file().set_modified(modified).unwrap();
    std::fs::write(home.path("short.bin"), &read(home.path("a.bin"))[..70_000]).unwrap();
    let differs = home.refused(&["put", "other.bin", "--resume", &id]);
    let first = format!("its first {} bytes are not those that are kept of the upload", before["offset"]);
    assert!(differs.contains("other.bin is not what was interrupted") && differs.contains(&first), "{differs}");
    let mut longer = read(home.path("a.bin"));
    longer.push(0);
    std::fs::write(home.path("long.bin"), longer).unwrap();
    for (name, size) in [("short.bin", 70_000), ("long.bin", (3 << 20) + 1)] {
        let said = home.refused(&["put", name, "--resume", &id]);
        let words = format!(
            "it is not what was interrupted of `a.bin`: the upload was begun with 3145728 bytes, and this content has {size}"
        );
        assert!(said.contains(&words) && said.contains("`p2p uploads --forget ID`"), "{said}");
    }
    assert!(!differs.contains("continuing"), "{differs}");
    // What comes by a pipe has no size and no time, and is compared as far as it is kept.
    let mut command = home.command(&["put", "-", "--resume", &id]);
    let piped = end_of(command.stdin(std::fs::File::open(home.path("other.bin")).unwrap()).spawn().unwrap());
    assert!(piped.code == Some(1) && piped.stderr.contains(&first) && !piped.stderr.contains("continuing"), "{piped:?}");
    let after = only(&home);
    assert_eq!((&after["offset"], &after["id"]), (&before["offset"], &before["id"]));
    let renamed = home.wrong_usage(&["put", "a.bin", "--as", "b.bin", "--resume", &id]);
    assert!(renamed.contains("is of `a.bin`, and not of `b.bin`"), "{renamed}");
    home.ok(&["put", "a.bin", "--as", "a.bin", "--resume", &id]);
    is_stored(&home, "a.bin", "a.bin");
}

#[test]
fn what_is_kept_can_be_undone() {
    let home = Home::new(QUICK);
    let id = interrupted(&home);
    let documented: Vec<String> = documented("uploads").into_keys().map(|field| field.replace("[].", "")).collect();
    let mut fields: Vec<String> = only(&home).as_object().unwrap().keys().cloned().collect();
    fields.sort_unstable();
    assert_eq!(fields, documented);
    let table = home.ok(&["uploads"]);
    assert!(table.contains(&id) && table.contains("parked") && table.contains("24 h"), "{table}");
    home.ok(&["uploads", "--forget", &id]);
    assert!(uploads(&home).is_empty() && segments_below(&home.data()).is_empty());
    assert!(home.ok(&["uploads"]).contains("no uploads are kept"));
    for arguments in [&["uploads", "--forget", &id][..], &["put", "a.bin", "--resume", &id]] {
        let unknown = home.refused(arguments);
        assert!(unknown.contains(&format!("no upload `{id}` is kept")) && unknown.contains("uploads` lists"), "{unknown}");
    }
    home.ok(&["put", "a.bin"]);
}

#[test]
fn contradictory_options_are_refused() {
    let home = Home::new(QUICK);
    home.file("a.bin", 1000);
    let id = "0".repeat(32);
    for arguments in [
        &["put", "a.bin", "a.bin", "--keep"][..],
        &["put", "a.bin", "a.bin", "--resume", &id],
        &["put", "a.bin", "-r", "--keep"],
        &["put", "a.bin", "--keep", "--resume", &id],
        &["put", "a.bin", "--resume", "1234"],
        &["put", "-", "--keep"],
        &["get", "a.bin", "--range", "5-1"],
        &["get", "a.bin", "b.bin", "--range", "1-5"],
        &["get", "a.bin", "-r", "--range", "1-5"],
    ] {
        home.wrong_usage(arguments);
    }
    home.ok(&["put", "a.bin", "--keep"]);
    is_stored(&home, "a.bin", "a.bin");
}

#[test]
fn an_upload_is_unknown_to_other_users() {
    let home = Home::new(QUICK);
    for name in ["admin", "alice", "bob"] {
        home.register(name);
    }
    home.login("alice");
    let id = interrupted(&home);
    home.login("bob");
    assert!(uploads(&home).is_empty());
    for arguments in [&["put", "a.bin", "--resume", &id][..], &["uploads", "--forget", &id]] {
        assert!(home.refused(arguments).contains(&format!("no upload `{id}` is kept")));
    }
    home.login("alice");
    home.ok(&["put", "a.bin", "--resume", &id]);
    is_stored(&home, "a.bin", "a.bin");
}

/// Keeps an upload that expired in 1970.
#[tokio::main(flavor = "current_thread")]
async fn keep_an_old_one(home: &Home) {
    let (engine, handle) = Engine::start(config(&home.data(), 5, quick_link()), None).unwrap();
    let keep = Some(Keep { id: UploadId::new([7; 16]), expires_at: 1, modified: None });
    let upload = StreamUpload {
        name: "old.bin".into(),
        owner: None,
        size: None,
        keep,
        stored_at: 0,
        stored_as: Default::default(),
        preferred: None,
    };
    let BegunUpload { transfer, mut writer, .. } = handle.upload_stream(&OPERATOR, upload).await.unwrap();
    writer.write(Bytes::from_static(&[7; 200_000])).await.unwrap();
    drop(writer);
    let report = handle.call(&OPERATOR, Await { transfer }).await.unwrap();
    assert_eq!(report.status.state, TransferState::Parked);
    handle.call(&OPERATOR, Shutdown { running: OnShutdown::Cancel }).await.unwrap();
    drop(handle);
    tokio::task::spawn_blocking(move || engine.join()).await.unwrap().unwrap();
}

/// Stops an upload of three whole segments and a bit once all is sent, and returns what was told of it from then on, to its end.
#[tokio::main(flavor = "current_thread")]
async fn told_of_a_stop(home: &Home) -> Vec<(TransferState, u64)> {
    let (engine, handle) = Engine::start(config(&home.data(), 5, slow_link()), None).unwrap();
    let keep = Some(Keep { id: UploadId::new([7; 16]), expires_at: u64::MAX, modified: None });
    let size = Some(ByteSize::from_bytes(200_000));
    let upload = StreamUpload {
        name: "a.bin".into(),
        owner: None,
        size,
        keep,
        stored_at: 0,
        stored_as: Default::default(),
        preferred: None,
    };
    let BegunUpload { transfer, mut writer, .. } = handle.upload_stream(&OPERATOR, upload).await.unwrap();
    writer.write(Bytes::from_static(&[7; 200_000])).await.unwrap();
    writer.finish().await.unwrap();
    let wait = |millis| handle.call(&OPERATOR, Sleep { span: SimDuration::from_millis(millis) });
    wait(500).await.unwrap();
    let look = async {
        let mut told = Vec::new();
        loop {
            wait(100).await.unwrap();
            let status = handle.call(&OPERATOR, ListTransfers).await.unwrap().remove(0);
            told.push((status.state, status.bytes_done.max(status.bytes_arrived)));
            if status.state.is_over() {
                return told;
            }
        }
    };
    let (parked, told) = tokio::join!(handle.call(&OPERATOR, Park { transfer }), look);
    assert_eq!(parked.unwrap().status.state, TransferState::Parked);
    handle.call(&OPERATOR, Shutdown { running: OnShutdown::Cancel }).await.unwrap();
    drop(handle);
    tokio::task::spawn_blocking(move || engine.join()).await.unwrap().unwrap();
    told
}

/// An upload that ends early says so, and its bar never passes what is kept: the last segment is not full and is not.
#[test]
fn the_bar_of_an_upload_that_is_stopped_never_passes_what_is_kept() {
    let told = told_of_a_stop(&Home::new(""));
    let &(last, kept) = told.last().unwrap();
    assert_eq!((last, kept), (TransferState::Parked, 3 << 16));
    assert!(told.is_sorted_by_key(|&(_, bytes)| bytes), "{told:?}");
    let states: Vec<TransferState> = told.iter().map(|&(state, _)| state).collect();
    assert!(states.contains(&TransferState::Parking) && !states.contains(&TransferState::Committing), "{told:?}");
}

#[test]
fn a_start_undoes_what_has_expired() {
    let home = Home::new(QUICK);
    keep_an_old_one(&home);
    // Whoever only reads undoes nothing.
    assert_eq!(only(&home)["name"], "old.bin");
    home.file("a.bin", 1000);
    home.ok(&["put", "a.bin"]);
    assert!(uploads(&home).is_empty());
    assert_eq!(home.stored(), ["a.bin"]);
    home.ok(&["mkdir", "docs"]);
    assert_eq!(segments_below(&home.data()).len(), 1);
}

#[test]
fn a_range_is_the_bytes_that_are_meant() {
    let home = Home::new(QUICK);
    let content = home.file("a.bin", 300_000);
    home.ok(&["put", "a.bin"]);
    let ranges: [(&str, &[u8]); 6] = [
        ("0-0", &content[..1]),
        ("65530-65541", &content[65_530..65_542]),
        ("299999-", &content[299_999..]),
        ("100000-999999", &content[100_000..]),
        ("-5", &content[299_995..]),
        ("-400000", &content),
    ];
    for (range, expected) in ranges {
        home.ok(&["get", "a.bin", "--range", range, "-o", "part", "--force"]);
        assert!(read(home.path("part")) == expected, "{range}");
        let shown = home.command(&["get", "a.bin", "--range", range, "-o", "-"]).output().unwrap();
        assert!(shown.stdout == expected, "{range}");
        home.ok(&["run", "-c", &format!("download a.bin part --force --range {range}")]);
        assert!(read(home.path("part")) == expected, "{range}");
    }
    let part = home.json(&["get", "a.bin", "--range", "1-9", "-o", "part", "--force"]);
    // What is fetched is whole segments.
    assert_eq!((&part["files"][0]["bytes"], &part["files"][0]["sha256"]), (&Value::from(65_536), &Value::Null));
    for out in ["none", "-"] {
        let beyond = home.refused(&["get", "a.bin", "--range", "300000-", "-o", out]);
        assert!(beyond.contains("`a.bin` has 300000 bytes, and the range begins at byte 300000"), "{beyond}");
    }
    assert!(!home.path("none").exists());
    let beyond = home.refused_script("download a.bin --range 300000-");
    assert!(beyond.contains("bytes are counted from 0"), "{beyond}");
    assert!(home.refused_script("download a.bin --range 1").contains("is no range of bytes"));
}

/// The line that is said to continue an upload does so as it is pasted into a shell: with the options that were given, whatever the file is
/// called.
#[test]
fn the_line_that_continues_can_be_pasted() {
    let home = Home::new("");
    std::fs::write(home.path("it's.toml"), QUICK).unwrap();
    for (name, data_dir) in [("-x", "d 1"), ("--keep", "-d"), ("it's", "d\n"), ("plain", "e")] {
        home.file(name, 3 << 20);
        let data = format!("--data-dir={data_dir}");
        let arguments = ["put", "--keep", &data, "--config", "it's.toml", "--seed", "7", "--json", "--", name];
        let stored = || segments_below(&home.path(data_dir)).len() > 4;
        let undo = || drop(home.ok(&["rm", &data, "--", name]));
        let said = ended_in_part(&home, &arguments, (4, "INT"), stored, undo);
        assert_eq!(said.code, Some(130), "{said:?}");
        for line in said.stderr.lines().filter(|line| line.contains("--resume")) {
            assert!(line.contains(" --config 'it'\\''s.toml' --seed 7 --json"), "{line}");
        }
        let (_, last) = said.stderr.rsplit_once("are kept: `").unwrap_or_else(|| panic!("{said:?}"));
        let (line, _) = last.split_once("` continues it").unwrap();
        let shell = "p2p() { \"$BINARY\" \"$@\"; }; eval \"$LINE\"";
        let mut command = std::process::Command::new("bash");
        command.args(["-c", shell]).current_dir(home.path("")).env_clear().env("HOME", home.path(""));
        command.env("BINARY", env!("CARGO_BIN_EXE_p2p")).env("LINE", line);
        let done = command.output().unwrap();
        assert!(done.status.success(), "{line}: {done:?}");
        let listed = home.ok(&["ls", &data]);
        assert!(listed.contains(name) && home.ok(&["uploads", &data]).contains("no uploads"), "{line}: {listed}");
    }
}

/// An interruption ends an upload of which all has been asked for already as it ends a larger one: what is stored is kept. What is continued
/// says how fast it was sent, and not what was there before.
#[test]
fn an_interruption_of_what_is_all_asked_for_keeps_it() {
    for bytes in [1 << 20, 3 << 20] {
        let home = Home::new("");
        home.file("a.bin", bytes);
        let stored = || segments_below(&home.data()).len() > 4;
        let undo = || drop(home.ok(&["rm", "a.bin"]));
        let said = ended_in_part(&home, &["put", "a.bin", "--keep"], (2_000, "INT"), stored, undo);
        assert_eq!((said.code, said.stdout.as_str()), (Some(130), ""), "{said:?}");
        let kept = only(&home);
        let (id, offset) = (kept["id"].as_str().unwrap().to_owned(), kept["offset"].as_u64().unwrap());
        let told = format!("interrupted; {offset} bytes are kept: `p2p put a.bin --resume {id}` continues it");
        assert!(said.stderr.contains(&told) && !said.stderr.contains("undone"), "{told}\n{}", said.stderr);
        assert!(home.stored().is_empty() && offset > 4 << 16, "{offset}");
        let done = home.json(&["put", "a.bin", "--resume", &id]);
        let number = |field: &str| done["files"][0][field].as_f64().unwrap();
        let (rate, seconds) = (number("goodput_bytes_per_second"), number("virtual_seconds"));
        assert!((rate * seconds - (bytes as u64 - offset) as f64).abs() < 1.0, "{rate} B/s for {seconds} s after {offset}");
        is_stored(&home, "a.bin", "a.bin");
    }
}

/// The row of a stream that is kept tells how much is there, and no share of a size that nobody knows.
#[test]
fn the_row_of_a_kept_stream_tells_how_much_is_kept() {
    let home = Home::new("");
    home.file("a.bin", 2 << 20);
    let mut command = CommandBuilder::new("bash");
    // The other end of the pipe stays open whatever Ctrl-C ends.
    command.args([
        "-c",
        "\"$0\" put - --as a.bin --keep --speed 1x < <(trap '' INT; cat a.bin; sleep 60)",
        env!("CARGO_BIN_EXE_p2p"),
    ]);
    command.cwd(home.path(""));
    command.env_clear();
    command.env("HOME", home.path(""));
    command.env("PATH", std::env::var_os("PATH").unwrap());
    command.env("TERM", "xterm-256color");
    let mut pty = Pty::start(command);
    wait_until("stored segments", || segments_below(&home.data()).len() > 6);
    pty.send("\x03");
    pty.shows("bytes are kept");
    let shown = pty.text();
    let from = shown.rfind("upload of a.bin ").unwrap_or_else(|| panic!("{shown}"));
    let row = shown[from..].split_once(" parked").unwrap_or_else(|| panic!("{shown}")).0;
    let offset = only(&home)["offset"].as_u64().unwrap();
    let kept = if offset < 1 << 20 {
        format!(" {:.2} KiB", offset as f64 / 1024.0)
    } else {
        format!(" {:.2} MiB", offset as f64 / 1048576.0)
    };
    assert!(row.contains(&kept) && !shown.contains('%'), "{kept}: {shown}");
    assert_eq!(pty.end().0, 130);
}

/// The bar of an upload that is kept says so when it is interrupted.
#[test]
fn a_terminal_is_told_that_an_upload_is_kept() {
    let home = Home::new("");
    home.file("a.bin", 1 << 20);
    let mut pty =
        Pty::start(program(&home.path(""), &["put", &home.path("a.bin").display().to_string(), "--keep", "--speed", "1x"]));
    wait_until("a stored segment", || segments_below(&home.data()).len() > 1);
    pty.send("\x03");
    pty.shows("bytes are kept");
    let shown = pty.text();
    assert!(shown.contains("interrupted: what is stored is being kept") && !shown.contains("undone"), "{shown}");
    assert_eq!(pty.end().0, 130);
}
