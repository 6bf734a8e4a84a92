//! Directories as users meet them: through the language and through the commands of the program, alone and shared, with whole trees
//! of files that are stored and fetched, and with patterns for names.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::Value;

use crate::accounts::{as_user, script};
use crate::harness::{files_below, segments_below};
use crate::program::{Home, QUICK, read, signal, wait_until};

/// The labels that `ls` prints, in their order.
fn listed(home: &Home, arguments: &[&str]) -> Vec<String> {
    let lines = home.json(&[&["ls"], arguments].concat());
    let label = |line: &Value| {
        let end = if line["kind"] == "directory" { "/" } else { "" };
        format!("{}{end}", line["name"].as_str().unwrap())
    };
    lines.as_array().unwrap().iter().map(label).collect()
}

/// The content of every file below a directory, by its path.
fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let below = |path: &Path| path.strip_prefix(directory).unwrap().to_str().unwrap().to_owned();
    files_below(directory).iter().map(|path| (below(path), read(path))).collect()
}

fn write(home: &Home, path: &str, content: impl AsRef<[u8]>) {
    let path = home.path(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

#[test]
fn directories_are_made_moved_listed_and_removed_in_the_language() {
    let home = Home::new(QUICK);
    home.file("a.bin", 100_000);
    let said = home.ok(&[
        "run",
        "-c",
        "mkdir -p docs/2024/may music; mkdir -p docs; upload a.bin --as docs/2024/; upload a.bin; ls; \
         expect ls docs contains docs/2024/; expect ls docs/2024 contains docs/2024/a.bin; \
         mv docs/2024/a.bin music; expect info music contains '100000 bytes'; mv music docs/old; \
         verify docs/old/a.bin; mv a.bin docs/old/b.bin; ls -R",
    ]);
    assert!(said.contains("made docs/2024/may/\n") && said.contains("moved music to docs/old"), "{said}");
    let first = said.split("› ls\n").nth(1).unwrap().split("› ").next().unwrap();
    assert!(first.find("docs/").unwrap() < first.find("music/").unwrap() && first.contains("a.bin"), "{first}");
    let all = ["docs/", "docs/2024/", "docs/2024/may/", "docs/old/", "docs/old/a.bin", "docs/old/b.bin"];
    assert_eq!(listed(&home, &["-R"]), all);
    for (line, words) in [
        ("rm docs", "is not empty; `rm --recursive` removes it"),
        ("rm docs/none", "no file named `docs/none`"),
        ("mkdir docs/old", "is stored already; choose another name (upload has --as NAME for it)"),
        ("mkdir docs/old/b.bin/x", "`docs/old/b.bin` is a file, not a directory"),
        ("upload a.bin --as docs/old/b.bin/x/y", "`docs/old/b.bin` is a file, not a directory"),
        ("mv docs/old/b.bin ''", "a file name cannot be empty"),
        ("mkdir x/y", "there is no directory `x`; `mkdir --parents PATH` makes it"),
        ("mkdir docs/../x", "names a directory, not a file"),
        ("mv docs docs/old/docs", "cannot be moved into itself"),
        ("mv docs/old/a.bin docs/old/b.bin", "is stored already"),
        ("mv docs/old/a.bin docs/2024 a.bin", "no directory for them"),
        ("download docs", "`docs` is a directory; --recursive takes all that is in it"),
        ("upload .", "is a directory; --recursive stores all that is in it"),
        ("upload *.none", "nothing on this machine matches `*.none`"),
        ("ls none", "no file named `none`"),
    ] {
        let said = home.refused_script(line);
        assert!(said.contains(words), "{line}: {said}");
    }
    let said = home.ok(&["run", "-c", "rm docs/2024/may; rm -r docs; expect ls = 'no files are stored'"]);
    assert!(said.contains("removed docs: 195.3 KiB in 4 segments"), "{said}");
    assert!(segments_below(&home.data()).is_empty());
}

/// A pattern for paths of this machine stands for the files that match; what is wrong with one of them begins none.
#[test]
fn uploads_take_patterns() {
    let home = Home::new(QUICK);
    for name in ["photos/a.jpg", "photos/b.jpg", "photos/notes.txt", "photos/trip/c.jpg", "photos/.hidden"] {
        write(&home, name, name);
    }
    let said = home.ok(&["run", "-c", "upload photos/*.jpg; upload -r photos/t*"]);
    assert!(said.contains("stored a.jpg") && said.contains("stored b.jpg"), "{said}");
    assert_eq!(listed(&home, &["-R"]), ["a.jpg", "b.jpg", "trip/", "trip/c.jpg"]);
    let refused = home.refused_script("upload photos/*.jpg --as one.jpg");
    assert!(refused.contains("--as names one file, but several are given"), "{refused}");
    let refused = home.refused_script("upload photos/*");
    assert!(refused.contains("is stored already") && !refused.contains("notes.txt"), "{refused}");
    assert_eq!(listed(&home, &["-R"]).len(), 4);
}

#[test]
fn directories_are_made_moved_listed_and_removed_by_commands_of_the_program() {
    let home = Home::new(QUICK);
    home.file("a.bin", 1000);
    assert_eq!(home.json(&["mkdir", "-p", "docs/old", "x"])[0]["directory"], "docs/old");
    home.ok(&["put", "a.bin", "--as", "docs"]);
    home.ok(&["put", "a.bin"]);
    assert_eq!(listed(&home, &[]), ["docs/", "x/", "a.bin"]);
    assert_eq!(home.json(&["mv", "docs/a.bin", "x/"])[0]["to"], "x/a.bin");
    home.ok(&["mv", "a.bin", "x", "docs"]);
    assert_eq!(listed(&home, &["-R", "docs"]), ["docs/a.bin", "docs/old/", "docs/x/", "docs/x/a.bin"]);
    assert_eq!(listed(&home, &["docs"]), ["docs/old/", "docs/x/", "docs/a.bin"]);
    assert_eq!(home.json(&["info", "docs"])["files"], 2);
    assert_eq!(home.json(&["verify", "docs"]).as_array().unwrap().len(), 2);
    for (arguments, words) in [
        (&["rm", "docs"][..], "`p2p rm --recursive` removes it"),
        (&["get", "docs"], "--recursive takes all"),
        (&["put", "."], "a directory is stored with --recursive"),
        (&["mkdir", "a/b"], "`p2p mkdir --parents PATH` makes it"),
        (&["put", "a.bin", "--as", "a/b"], "`p2p mkdir --parents PATH` makes it"),
        (&["mkdir", "docs/a.bin/x"], "`docs/a.bin` is a file, not a directory"),
        (&["mv", "docs/a.bin", ""], "a file name cannot be empty"),
        (&["mv", "none", "x"], "no file named `none`"),
        (&["ls", "none"], "no file named `none`"),
    ] {
        assert!(home.refused(arguments).contains(words), "{arguments:?}: {}", home.refused(arguments));
    }
    home.wrong_usage(&["mkdir"]);
    home.wrong_usage(&["mv", "a"]);
    home.wrong_usage(&["get", "-r", "docs", "-o", "-"]);
    // What looks like a pattern is a name here, and what looks like a flag may be one as well.
    home.ok(&["mkdir", "--", "-r", "[x]"]);
    assert!(home.refused(&["rm", "-r", "d*"]).contains("no file named `d*`"));
    home.ok(&["rm", "-r", "docs", "[x]", "--", "-r"]);
    // With a / at its end, a name is that of a directory.
    home.ok(&["run", "-c", "upload a.bin; mkdir d; upload a.bin --as d/b; expect mkdir -p d = 'd/ is there already'"]);
    for arguments in
        [&["rm", "-r", "a.bin/"][..], &["get", "a.bin/"], &["info", "a.bin/"], &["mv", "a.bin/", "b"], &["ls", "a.bin/"]]
    {
        let said = home.refused(arguments);
        assert!(said.contains("`a.bin/`"), "{arguments:?}: {said}");
    }
    home.ok(&["run", "-c", "rm -r */; expect ls contains a.bin"]);
    // What is in a directory that moves keeps to the limits of a path.
    let deep = vec!["d"; 63].join("/");
    home.ok(&["mkdir", "-p", &deep, "w/x/y"]);
    assert!(home.refused(&["mv", "w", &format!("{deep}/")]).contains("65 names"));
    home.ok(&["rm", "-r", "d", "w"]);
    // A directory of this machine that is named with a / at its end is made.
    home.ok(&["mkdir", "d"]);
    home.ok(&["get", "-r", "d", "-o", "copies/"]);
    assert!(home.path("copies/d").is_dir());
    home.ok(&["rm", "-r", "d", "a.bin"]);
    assert_eq!(listed(&home, &["-R"]), Vec::<String>::new());
}

#[test]
fn a_tree_is_stored_and_fetched_whole() {
    let home = Home::new(QUICK);
    for n in 0..300 {
        write(&home, &format!("tree/{}/{}/file {n}.txt", n % 5, n % 7), format!("{n}").repeat(n));
    }
    fs::create_dir_all(home.path("tree/empty/too")).unwrap();
    let stored = home.json(&["put", "-r", "tree"]);
    assert_eq!(stored["files"].as_array().unwrap().len(), 300);
    // Thirty-five directories of files, the five above them, two empty ones, and the tree itself.
    let all = listed(&home, &["-R"]);
    assert_eq!((all.len(), all.iter().filter(|name| name.ends_with('/')).count()), (343, 43));
    assert_eq!(home.json(&["info", "tree"])["directories"], 42);
    // What is stored is not stored again, and what is new or other is told apart.
    write(&home, "tree/new", "new");
    write(&home, "tree/0/0/file 0.txt", "other");
    let said = home.run(&["put", "--recursive", "tree", "--json"]);
    assert_eq!(said.code, Some(1));
    assert_eq!(serde_json::from_str::<Value>(&said.stdout).unwrap()["files"].as_array().unwrap().len(), 1);
    assert!(said.stderr.contains("299 files are there already, with the same content"), "{}", said.stderr);
    assert!(said.stderr.contains("a file or directory named `tree/0/0/file 0.txt` is stored already"), "{}", said.stderr);
    write(&home, "tree/0/0/file 0.txt", "");
    // It comes back; repeated, only what is missing is fetched, and what is other is refused.
    home.ok(&["get", "-r", "tree", "-o", "back"]);
    assert_eq!(contents(&home.path("back")), contents(&home.path("tree")));
    assert!(home.path("back/empty/too").is_dir());
    fs::remove_file(home.path("back/new")).unwrap();
    write(&home, "back/1/1/file 1.txt", "mine");
    let said = home.run(&["get", "-r", "tree", "-o", "back"]);
    assert!(said.code == Some(1) && said.stderr.contains("file 1.txt already exists"), "{said:?}");
    assert!(said.stderr.contains("299 files are there already"), "{said:?}");
    assert_eq!((read(home.path("back/new")), read(home.path("back/1/1/file 1.txt"))), (b"new".to_vec(), b"mine".to_vec()));
    home.ok(&["get", "-rf", "tree", "-o", "back"]);
    assert_eq!(contents(&home.path("back")), contents(&home.path("tree")));
}

#[test]
fn the_language_stores_and_fetches_trees_and_says_what_it_left_out() {
    let home = Home::new(QUICK);
    for name in ["tree/a", "tree/b/c", "tree/b/d"] {
        write(&home, name, name);
    }
    fs::create_dir(home.path("more")).unwrap();
    let said = home.ok(&[
        "run",
        "-c",
        "upload -r tree; upload -r tree --as docs/; upload -r tree tree/a --as x/ --background; wait; download -r x/tree out; \
         download -r [dt]* more; verify tree; expect upload -r tree contains '3 files are there already'",
    ]);
    assert!(
        said.contains("\n3 files stored (")
            && said.contains("3 files fetched (")
            && said.contains("6 files fetched (")
            && said.contains("3 files checked ("),
        "{said}"
    );
    assert_eq!(contents(&home.path("out")), contents(&home.path("tree")));
    assert_eq!(contents(&home.path("more/docs/tree")), contents(&home.path("tree")));
    // One file that cannot be stored keeps no other from being stored.
    write(&home, "tree/b/c", "other");
    write(&home, "tree/e", "e");
    let said = home.refused_script("upload -r tree");
    assert!(said.contains("1 file stored (1 B), 1 not: a file or directory named `tree/b/c` is stored already"), "{said}");
}

/// A local tree may hold anything: nothing of it leads out of it, and nothing of it disturbs a terminal.
#[test]
fn hostile_names_and_files_are_left_out_and_said() {
    let home = Home::new(QUICK);
    for name in ["tree/good", "tree/new\nline", "tree/\u{1b}]0;x\u{7}", "tree/bad\u{202e}dir/inner", "tree/d/\\"] {
        write(&home, name, "x");
    }
    fs::write(home.path("tree").join(std::ffi::OsStr::from_bytes(b"\xff")), "x").unwrap();
    symlink("..", home.path("tree/up")).unwrap();
    symlink(".", home.path("tree/d/loop")).unwrap();
    symlink("/etc/passwd", home.path("tree/passwd")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(home.path("tree/fifo")).status().unwrap().success());
    let said = home.run(&["put", "-r", "tree"]);
    assert_eq!(said.code, Some(1));
    for words in [
        "up: a symbolic link",
        "loop: a symbolic link",
        "passwd: a symbolic link",
        "fifo: neither a file",
        "valid UTF-8",
        "'\\u{a}'",
    ] {
        assert!(said.stderr.contains(words), "{words}: {}", said.stderr);
    }
    assert!(said.stderr.chars().all(|c| c == '\n' || !c.is_control()) && !said.stderr.contains('\u{202e}'), "{:?}", said.stderr);
    assert_eq!(listed(&home, &["-R"]), ["tree/", "tree/d/", "tree/good"]);
    // Without them there is nothing to complain of.
    let said = home.run(&["put", "-r", "tree/d", "--as", "d"]);
    assert_eq!((said.code, listed(&home, &["d"]).len()), (Some(1), 0));
    fs::remove_file(home.path("tree/d/\\")).unwrap();
    let said = home.run(&["put", "-r", "tree/d", "--as", "d"]);
    assert!(said.code == Some(0) && said.stderr.contains("loop: a symbolic link"), "{said:?}");
    // What is named itself is followed, and a directory that cannot be listed is said.
    symlink("tree/d", home.path("link")).unwrap();
    home.ok(&["put", "-r", "link/"]);
    assert!(listed(&home, &[]).contains(&"link/".to_owned()));
    assert!(home.refused(&["put", "-r", "none"]).contains("No such file"));
}

/// What is fetched goes below the directory that was named, whatever stands there before.
#[test]
fn nothing_is_written_outside_of_the_destination() {
    let home = Home::new(QUICK);
    for name in ["tree/a", "tree/sub/b", "tree/file/c"] {
        write(&home, name, name);
    }
    home.ok(&["put", "-r", "tree"]);
    fs::create_dir_all(home.path("outside")).unwrap();
    write(&home, "precious", "precious");
    fs::create_dir_all(home.path("out")).unwrap();
    symlink(home.path("outside"), home.path("out/sub")).unwrap();
    symlink(home.path("precious"), home.path("out/a")).unwrap();
    write(&home, "out/file", "not a directory");
    let said = home.run(&["get", "-rf", "tree", "-o", "out"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    for words in ["out/sub: nothing is written through", "out/a: nothing is written through", "out/file: it is no directory"] {
        assert!(said.stderr.contains(words), "{words}: {}", said.stderr);
    }
    assert!(files_below(&home.path("outside")).is_empty());
    assert_eq!(read(home.path("precious")), b"precious");
    assert!(home.refused(&["get", "-r", "tree", "-o", "precious"]).contains("precious"));
    assert!(home.refused(&["get", "-r", "tree", "-o", "no/such/place"]).contains("no/such/place"));
    fs::create_dir(home.path("fresh")).unwrap();
    home.ok(&["get", "-r", "tree", "-o", "fresh/"]);
    assert_eq!(contents(&home.path("fresh/tree")), contents(&home.path("tree")));
}

#[test]
fn a_directory_is_shared_with_all_that_is_in_it() {
    let home = Home::new(QUICK);
    for name in ["alice", "bob", "carol"] {
        home.register(name);
    }
    for name in ["plans/a", "plans/old/b", "secret/c"] {
        write(&home, name, name);
    }
    assert_eq!(as_user(&home, "bob", &["put", "-r", "plans"]).code, Some(0));
    assert_eq!(as_user(&home, "bob", &["put", "-r", "secret"]).code, Some(0));
    script(&home, "bob", "share plans carol; share secret/c carol; expect info plans contains carol");
    // What is shared is found at its outermost.
    script(&home, "carol", "mkdir own; expect ls contains '~bob/plans/'; expect ls contains '~bob/secret/c'");
    let said = script(&home, "carol", "ls; ls ~bob; ls ~bob/secret; ls -R ~bob/plans; info ~bob/plans; verify ~bob/plans");
    assert!(said.contains("~bob/plans/old/b") && said.contains("2 files checked"), "{said}");
    let first = said.split("› ").nth(1).unwrap();
    assert!(first.find("own/").unwrap() < first.find("~bob/plans/").unwrap() && !first.contains("old"), "{first}");
    script(&home, "carol", "download -r ~bob/plans got; download -r ~bob all");
    assert_eq!(contents(&home.path("got")), contents(&home.path("plans")));
    assert_eq!(contents(&home.path("all")).len(), 3);
    // Reading is all that she may, and what is not shared is not there.
    let refused = |name: &str, text: &str| as_user(&home, name, &["run", "-c", text]).stderr;
    for text in ["rm -r ~bob/plans", "mv ~bob/plans/a ~bob/x", "share ~bob/plans alice", "rm ~bob/plans/old/b"] {
        assert!(refused("carol", text).contains("you may only read it"), "{text}: {}", refused("carol", text));
    }
    for text in ["mkdir ~bob/x", "upload plans/a --as ~bob/plans/x", "upload -r plans --as ~bob/plans", "mv own ~bob/plans"] {
        assert!(refused("carol", text).contains("not among your own files"), "{text}: {}", refused("carol", text));
    }
    // What is moved out of it is shared no longer, and what is moved into it is.
    script(&home, "bob", "mv plans/a a; mv secret plans");
    script(&home, "carol", "expect info ~bob/a contains 'no file named'; expect info ~bob/plans/secret/c contains bob");
    script(&home, "bob", "unshare plans carol");
    script(&home, "carol", "expect ls ~bob/plans/old contains 'no file named'; expect ls contains '~bob/plans/secret/c'");
    // The admin sees it all, and that she read it is known.
    script(
        &home,
        "alice",
        "expect ls contains '~bob/plans/'; verify ~bob/plans; expect audit contains 'read file ~bob/plans/old/b'",
    );
    let said = script(&home, "alice", "rm -r '~bob/plans'; expect ls ~bob contains '~bob/a'");
    assert!(said.contains("removed ~bob/plans"), "{said}");
}

#[test]
fn patterns_stand_for_names_in_the_language() {
    let home = Home::new(QUICK);
    for name in ["docs/a.txt", "docs/b.txt", "docs/sub/c.txt", "docs/d.bin", "docs/[x]"] {
        write(&home, name, name);
    }
    home.ok(&["put", "-r", "docs"]);
    let said = home.ok(&[
        "run",
        "-c",
        "mkdir texts out; expect ls docs/*.txt contains docs/b.txt; verify docs/**/*.txt; info docs/?.bin; \
         mv docs/[ab].txt texts; expect ls texts contains texts/a.txt; rm docs/[x]; expect ls docs/*.txt contains 'nothing that is stored matches `docs/*.txt`'; \
         expect rm '*' contains 'no file named `*`'; expect mv docs/* nowhere contains 'no directory for them'",
    ]);
    assert!(said.contains("3 files checked"), "{said}");
    fs::create_dir(home.path("here")).unwrap();
    home.ok(&["run", "-c", "download texts/* here; download -r d* tree; rm -r d* t*; expect ls contains out/"]);
    assert_eq!(contents(&home.path("here")).keys().map(String::as_str).collect::<Vec<_>>(), ["a.txt", "b.txt"]);
    assert_eq!(contents(&home.path("tree")).keys().map(String::as_str).collect::<Vec<_>>(), ["d.bin", "sub/c.txt"]);
    assert_eq!(listed(&home, &["-R"]), ["out/"]);
    home.ok(&["run", "-c", "set p o*; rm $p"]);
    assert!(home.refused_script("ls o*").contains("`o*`"));
    let long = "*".repeat(5000);
    assert!(home.refused_script(&format!("rm {long}")).contains("the pattern has 5000 bytes"));
}

#[test]
fn what_is_under_way_holds_its_directory_and_survives_a_rename() {
    let home = Home::new("");
    let content = home.file("a.bin", 300_000);
    home.ok(&["put", "a.bin"]);
    let said = home.ok(&[
        "run",
        "-c",
        "mkdir d; upload a.bin --as d/x --background; expect rm -r d contains 'under way'; expect mv d e contains 'under way'; \
         download a.bin back.bin --background; mv a.bin d/b.bin; wait; verify d; rm -r d; expect ls = 'no files are stored'",
    ]);
    assert!(said.contains("moved a.bin to d/b.bin"), "{said}");
    assert!(read(home.path("back.bin")) == content);
    assert!(segments_below(&home.data()).is_empty());
}

/// A process that is killed while it stores a tree leaves whole files, and the same command completes the tree.
#[test]
fn a_killed_put_of_a_tree_is_completed_by_the_next() {
    let home = Home::new(QUICK);
    for n in 0..60 {
        write(&home, &format!("tree/{}/{n}", n % 3), vec![n as u8; 70_000 + n]);
    }
    let mut put = home.spawn(&["put", "-r", "tree"]);
    wait_until("some segments", || segments_below(&home.data()).len() > 20);
    signal(&put, "KILL");
    put.wait().unwrap();
    let before = listed(&home, &["-R"]).iter().filter(|name| !name.ends_with('/')).count();
    let said = home.run(&["put", "-r", "tree"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let same = said.stderr.lines().find_map(|line| line.strip_prefix("p2p: ")?.split(' ').next()?.parse::<usize>().ok());
    assert!((1..60).contains(&before) && same == Some(before), "{before} {said:?}");
    home.ok(&["get", "-r", "tree", "-o", "back"]);
    assert_eq!(contents(&home.path("back")), contents(&home.path("tree")));
    let segments = contents(&home.path("tree")).values().map(|file| file.len().div_ceil(65_536)).sum::<usize>();
    assert_eq!(segments_below(&home.data()).len(), segments, "every segment file belongs to a stored file");
}
