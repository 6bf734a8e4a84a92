//! Whatever is wrong with what it is given, the program says so, says what to do, and changes nothing.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use p2p_base::random::RandomStream;

use crate::harness::segments_below;
use crate::program::{Home, QUICK, end_of, read, signal, wait_until};

/// The node's disks and the catalog, to see whether anything has changed.
fn contents(home: &Home) -> Vec<(PathBuf, Vec<u8>)> {
    let files = segments_below(&home.data()).into_iter().map(|path| (path.clone(), read(path)));
    files.collect()
}

/// A home where one file is stored.
fn home_with_a_file() -> Home {
    let home = Home::new(&format!("{QUICK}[nodes]\ncapacity = '1MiB'\n"));
    home.file("a.bin", 200_000);
    home.ok(&["put", "a.bin"]);
    home
}

fn assert_says(message: &str, words: &[&str]) {
    for word in words {
        assert!(message.contains(word), "`{word}` is missing in: {message}");
    }
}

#[test]
fn files_that_cannot_be_stored() {
    let home = home_with_a_file();
    let before = contents(&home);
    fs::create_dir(home.path("directory")).unwrap();
    home.file("large.bin", 6 << 20);
    assert!(Command::new("mkfifo").arg(home.path("pipe")).status().unwrap().success());
    symlink("nowhere", home.path("dangling")).unwrap();
    assert_says(&home.refused(&["put", "missing.bin"]), &["missing.bin", "No such file"]);
    assert_says(&home.refused(&["put", "dangling"]), &["dangling", "No such file"]);
    assert_says(&home.refused(&["put", "directory"]), &["directory", "only files can be stored"]);
    assert_says(&home.refused(&["put", "pipe"]), &["pipe", "not a regular file"]);
    assert_says(&home.refused(&["put", "directory", "--keep"]), &["directory", "only files can be stored"]);
    assert_says(&home.refused(&["put", "pipe", "--keep"]), &["pipe", "not a regular file"]);
    assert_says(&home.refused(&["put", "large.bin"]), &["6291456 bytes", "only 5042880", "1248576 too few", "[nodes] capacity"]);
    assert_says(&home.refused(&["put", "a.bin"]), &["`a.bin` is stored already", "--as NAME"]);
    assert_eq!((home.stored(), contents(&home)), (vec!["a.bin".to_owned()], before));
}

/// Root may read everything; so somebody else tries.
#[test]
fn a_file_that_may_not_be_read() {
    let home = Home::new(QUICK);
    home.file("secret.bin", 1000);
    fs::set_permissions(home.path("secret.bin"), fs::Permissions::from_mode(0o000)).unwrap();
    let mut command = home.command(&["put", "secret.bin", "--data-dir", "elsewhere"]);
    if fs::File::open(home.path("secret.bin")).is_ok() {
        const NOBODY: u32 = 65_534;
        let program = home.path("p2p");
        fs::copy(env!("CARGO_BIN_EXE_p2p"), &program).unwrap();
        fs::set_permissions(home.path("."), fs::Permissions::from_mode(0o777)).unwrap();
        command = Command::new(program);
        command.args(["put", "secret.bin", "--data-dir", "elsewhere"]).current_dir(home.path(".")).uid(NOBODY).gid(NOBODY);
    }
    let output = command.output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert_says(&message, &["cannot read secret.bin", "Permission denied"]);
}

#[test]
fn names_that_no_file_may_have() {
    let home = home_with_a_file();
    let refused = |name: &str| home.refused(&["put", "a.bin", "--as", name]);
    assert_says(&refused("a/b"), &["there is no directory `a`"]);
    assert_says(&refused("a\\b"), &["contains '\\'", "--as NAME"]);
    assert_says(&refused(".."), &["`..` names a directory"]);
    assert_says(&refused("bell\u{7}.bin"), &["contains '\\u{7}'"]);
    assert_says(&refused("line\nbreak"), &["contains '\\u{a}'"]);
    assert_says(&refused(&"x".repeat(300)), &["300 bytes", "at most 255"]);
    assert_says(&refused(""), &["cannot be empty"]);
    home.ok(&["put", "a.bin", "--as", &"x".repeat(255)]);
    home.ok(&["put", "a.bin", "--as", "Grüße an alle 🎉.bin"]);
    assert_eq!(home.stored().len(), 3);
}

#[test]
fn files_that_are_not_stored() {
    let home = home_with_a_file();
    assert_says(&home.refused(&["get", "a.bni"]), &["no file named `a.bni`", "did you mean `a.bin`?", "p2p ls"]);
    assert_says(&home.refused(&["rm", "zzz"]), &["no file named `zzz`"]);
    assert_says(&home.refused(&["get", "a.bin"]), &["a.bin already exists", "--force"]);
    assert_says(&home.refused(&["get", "a.bin", "-o", "no/such/place"]), &["cannot write no/such/place"]);
    assert_eq!(home.stored(), ["a.bin"]);
    assert!(!home.path("a.bni").exists() && !home.path("no").exists());
}

/// What is refused of a batch is named, each of it, and the rest is counted where there is much of it.
#[test]
fn all_that_is_refused_of_a_batch_is_named() {
    let home = home_with_a_file();
    for name in [OsStr::from_bytes(b"b\\s"), OsStr::from_bytes(b"bad\xff"), OsStr::new("good")] {
        fs::write(home.path("").join(name), "x").unwrap();
    }
    let whole = "None was begun.";
    assert_says(&home.refused_script("upload 'b\\s' bad* good"), &["b\\s", "bad\\xff", "2 of 3 files are refused", whole]);
    assert_says(
        &home.refused_script("upload missing 'b\\s' bad* good a.bin"),
        &["missing", "b\\s", "bad\\xff", "4 of 5 files", whole],
    );
    assert_says(&home.refused_script("rm one a.bin two three four five"), &["one, two, three and 2 more", "5 of 6 files", whole]);
    assert_says(&home.refused_script("verify one a.bin two"), &["one, two", "2 of 3 files", whole]);
    // A pattern stands for as many as match it.
    home.ok(&["run", "-c", "mkdir d; upload a.bin --as d/a; upload a.bin --as d/b; upload a.bin --as d/c"]);
    assert_says(&home.refused_script("verify d/? one two"), &["one, two", "2 of 5 files", whole]);
    home.ok(&["rm", "-r", "d"]);
    assert_says(&home.refused_script("upload bad* good --as there/"), &["bad\\xff", "not valid UTF-8"]);
    let error = home.refused(&["put", "b\\s", "missing", "a.bin"]);
    assert_says(&error, &["`b\\s`", "missing", "`a.bin` is stored already"]);
    assert_eq!(home.stored(), ["a.bin"]);
}

/// A bit that flips on a disk is noticed, and the damaged file is not handed out.
#[test]
fn a_damaged_segment() {
    let home = home_with_a_file();
    let (path, mut bytes) = contents(&home).remove(0);
    bytes[100] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let message = home.refused(&["get", "a.bin", "-o", "copy.bin"]);
    assert_says(&message, &["download of `a.bin` failed", "Node_01", "damaged"]);
    assert!(!home.path("copy.bin").exists());
    let left: Vec<_> = fs::read_dir(home.path(".")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_str().unwrap().contains("copy")), "{left:?}");
}

#[test]
fn a_truncated_catalog() {
    let home = home_with_a_file();
    let before = contents(&home);
    let catalog = home.data().join("catalog.redb");
    let whole = read(&catalog);
    for length in [0, 1, 100, whole.len() / 2] {
        fs::write(&catalog, &whole[..length]).unwrap();
        let message = home.refused(&["ls"]);
        assert_says(&message, &["catalog.redb"]);
        assert_eq!((read(&catalog).len(), contents(&home).len()), (length, before.len()));
    }
    fs::write(&catalog, &whole).unwrap();
    assert_eq!(home.stored(), ["a.bin"]);
    assert_eq!(contents(&home), before);
}

#[test]
fn a_second_process_on_the_data_directory() {
    let home = Home::new("");
    // More than the network carries within the deadline of a test.
    home.file("slow.bin", 8_000_000);
    let put = home.spawn(&["put", "slow.bin", "--speed", "1x"]);
    wait_until("the first segment", || !segments_below(&home.data()).is_empty());
    assert_says(&home.unavailable(&["ls"]), &["in use by another p2p process", "--data-dir"]);
    signal(&put, "INT");
    end_of(put);
    assert!(home.stored().is_empty());
}

#[test]
fn configurations_that_say_something_wrong() {
    let home = Home::new("");
    let refused = |text: &str| {
        fs::write(home.path("p2p.toml"), text).unwrap();
        home.refused(&["ls"])
    };
    assert_says(&refused("[network]\n\nbandwidth = 'fast'\n"), &["p2p.toml:3", "[network] bandwidth", "64KiB/s"]);
    assert_says(&refused("[network]\nbandwith = '1MiB/s'\n"), &["p2p.toml:2", "did you mean `bandwidth`?"]);
    assert_says(&refused("[network\n"), &["p2p.toml:1", "not valid TOML"]);
    assert_says(&refused("[client]\naddress = '10.0.0.1'\n"), &["p2p.toml:2", "is not in 192.168.1.0/24"]);
    assert_says(&refused("[nodes]\ncount = 300\n"), &["no address is left", "[network] subnet"]);
    assert_says(&home.refused(&["config", "--config", "missing.toml"]), &["missing.toml", "No such file"]);
    fs::write(home.path("p2p.toml"), b"\xff\xfb").unwrap();
    assert_says(&home.refused(&["config"]), &["p2p.toml", "UTF-8"]);
    assert!(!home.data().exists());
}

#[test]
fn arguments_that_say_something_wrong() {
    let home = Home::new("");
    let wrong = |arguments: &[&str]| {
        let said = home.run(arguments);
        assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""), "{said:#?}");
        said.stderr
    };
    assert_says(&wrong(&["ndoes"]), &["unrecognized subcommand 'ndoes'", "'nodes'"]);
    assert_says(&wrong(&["--data-dir", "d", "ndoes"]), &["unrecognized subcommand 'ndoes'", "'nodes'"]);
    assert_says(&wrong(&["users"]), &["`users` is a command of the language", "p2p run -c 'users"]);
    assert_says(&wrong(&["kill", "1"]), &["p2p run -c 'kill …'", "faults end with the program"]);
    assert_says(&wrong(&["--data-dir", "d", "upload", "a.bin"]), &["`upload` is a command of the language"]);
    assert_says(&wrong(&["put"]), &["<FILE>"]);
    assert_says(&wrong(&["flow", "--loss", "200%"]), &["200%", "--loss"]);
    assert_says(&wrong(&["flow", "--flows", "0"]), &["--flows"]);
    assert_says(&wrong(&["demo", "--speed", "warp"]), &["`warp` is not a valid speed"]);
    assert_says(&wrong(&["demo", "--seed", "-1"]), &["-1"]);
    assert_says(&wrong(&["flow", "--bandwidth", "0bit/s"]), &["--bandwidth"]);
}

#[test]
fn data_directories_that_cannot_be_used() {
    let home = Home::new("");
    home.file("a.bin", 10);
    assert_says(&home.refused(&["ls", "--data-dir", "a.bin"]), &["a.bin"]);
    assert_says(&home.refused(&["ls", "--data-dir", "/proc/p2p"]), &["/proc/p2p"]);
}

/// A real disk that is really full: the file is refused, what is stored stays whole, and there is room again afterwards.
#[test]
#[ignore = "needs root, to mount a small file system"]
fn a_full_disk() {
    let home = Home::new(QUICK);
    home.file("small.bin", 500_000);
    home.file("large.bin", 20 << 20);
    let disk = home.path("disk");
    fs::create_dir(&disk).unwrap();
    let run = |program: &str, arguments: &[&str]| {
        assert!(Command::new(program).args(arguments).arg(&disk).status().unwrap().success(), "{program} {arguments:?}");
    };
    run("mount", &["-t", "tmpfs", "-o", "size=12m", "tmpfs"]);
    home.ok(&["put", "small.bin", "--data-dir", "disk"]);
    let said = home.run(&["put", "large.bin", "--data-dir", "disk"]);
    let after = home.json(&["ls", "--data-dir", "disk"]);
    let segments = segments_below(&disk).len();
    home.ok(&["get", "small.bin", "-o", "copy.bin", "--data-dir", "disk"]);
    run("umount", &[]);
    assert_eq!(said.code, Some(1));
    assert_says(&said.stderr, &["large.bin", "no space is left on its disk"]);
    assert_eq!((after.as_array().unwrap().len(), segments), (1, 8));
    assert!(read(home.path("copy.bin")) == read(home.path("small.bin")));
}

/// Bytes that change anywhere in the catalog are noticed or harmless: no panic, and no segment is swept.
#[test]
fn a_scribbled_catalog() {
    let home = home_with_a_file();
    let before = contents(&home);
    let catalog = home.data().join("catalog.redb");
    let whole = read(&catalog);
    let mut chance = RandomStream::new(7, "where to scribble");
    let mut refusals = 0;
    for round in 0..40 {
        let mut bytes = whole.clone();
        let (at, len) = (chance.below(whole.len() as u64) as usize, [1, 8, 512, 4000][round % 4]);
        let end = (at + len).min(bytes.len());
        chance.fill(&mut bytes[at..end]);
        fs::write(&catalog, &bytes).unwrap();
        let said = home.run(&["ls"]);
        assert!(!said.stderr.contains("panicked"), "{at} {len}: {}", said.stderr);
        assert!(said.code == Some(0) || said.stderr.contains("is damaged"), "{at} {len}: {}", said.stderr);
        refusals += usize::from(said.code != Some(0));
        assert!(contents(&home) == before, "{at} {len}");
    }
    assert!((1..40).contains(&refusals), "{refusals} of 40 were refused: some of both kinds are wanted");
}

/// A disk that is full at the end, or a limit of the size of files, leaves the file that was to be replaced as it was.
#[test]
fn a_destination_that_cannot_be_written() {
    let home = home_with_a_file();
    fs::write(home.path("old"), "old").unwrap();
    // Whether the signal of such a file is ignored from the start or not.
    for trap in ["trap '' XFSZ; ", ""] {
        let limited = format!("{trap}ulimit -f 40; exec {} get a.bin -o old --force", env!("CARGO_BIN_EXE_p2p"));
        let output = std::process::Command::new("sh")
            .args(["-c", &limited])
            .current_dir(home.path("."))
            .env_clear()
            .env("HOME", home.path("."))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{trap}");
        assert_says(&String::from_utf8(output.stderr).unwrap(), &["cannot write", "old"]);
        assert_eq!(read(home.path("old")), b"old");
    }
}

/// Whatever is quoted in an error is of a length that can be read, and stays on its line: keys and values of a configuration, command
/// words, arguments and names of files.
#[test]
fn what_an_error_quotes_is_short() {
    let long = "x".repeat(10_000);
    let home = home_with_a_file();
    let configuration = fs::read_to_string(home.path("p2p.toml")).unwrap();
    let is_short = |what: &str, said: &str| {
        assert!(said.chars().count() < 1_500, "{what}: {} characters: {said}", said.chars().count());
        assert!(said.lines().all(|line| !line.starts_with("evil")), "{what}: {said}");
    };
    for line in [
        format!("[keys]\n{long} = 'z'"),
        format!("[keys]\nzoom = '{long}'"),
        format!("[network]\n{long} = 1"),
        format!("[network]\nbandwidth = '{long}'"),
        format!("[network]\nbandwidth = '1 {}'", "x ".repeat(5_000)),
        format!("[network]\nbandwidth = \"{long}\\nevil\""),
        format!("[network]\ncongestion = '{long}'"),
        format!("[{long}]\na = 1"),
        format!("[tui]\ntheme = '{long}'"),
        format!("[client]\nname = {long}"),
    ] {
        fs::write(home.path("p2p.toml"), &line).unwrap();
        let said = home.run(&["config"]);
        assert_ne!(said.code, Some(0), "{line}");
        is_short(&line[..30], &said.stderr);
    }
    fs::write(home.path("p2p.toml"), configuration).unwrap();
    let with_a_line = format!("{long}\nevil");
    for (what, arguments) in [
        ("a subcommand", vec![long.as_str()]),
        ("a flag", vec!["ls", &format!("--{long}")]),
        ("a value", vec!["ls", "--speed", &with_a_line]),
        ("a stored name", vec!["get", &with_a_line]),
        ("a path", vec!["put", &format!("{long}/a.bin")]),
        ("a destination", vec!["get", "a.bin", "-o", &long]),
        ("a directory", vec!["ls", "--data-dir", &long]),
        ("a command", vec!["run", "-c", &long]),
        ("an argument", vec!["run", "-c", &format!("speed {long}")]),
        ("words", vec!["run", "-c", &format!("node '{}'", "x ".repeat(5_000))]),
        ("a script", vec!["run", &long]),
        ("a variable", vec!["run", "-c", &format!("echo ${long}")]),
        ("an unclosed quote", vec!["run", "-c", &format!("echo '{long}")]),
        ("a removal", vec!["rm", &long]),
        ("a user", vec!["login", &long]),
    ] {
        let said = home.run(&arguments);
        assert!(said.code != Some(0) && !said.stderr.contains("panicked"), "{what}");
        assert!(said.stderr.chars().count() < 1_500, "{what}: {}: {}", said.stderr.chars().count(), said.stderr);
        assert!(said.stderr.lines().all(|line| !line.starts_with("evil")), "{what}: {}", said.stderr);
    }
    let mut repl = home.command(&["repl"]).stdin(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut repl.stdin.take().unwrap(), format!("{long}\nrm {long}\n").as_bytes()).unwrap();
    is_short("repl", &end_of(repl).stderr);
}
