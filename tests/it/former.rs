//! Data directories of the former format of the catalog, which a program of before directories has left: they are brought up to
//! date once, wholly or not at all, and what was there before is kept.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use p2p_base::codec;
use p2p_store::catalog::Catalog;
use p2p_store::manifest::{FileRecord, SegmentRecord};
use p2p_store::segment::Sha256Digest;
use redb::{MultimapTableDefinition, TableDefinition, TableHandle};
use serde::Serialize;

use crate::data_dir::Mounted;
use crate::kill::{kill_after, time_of};
use crate::program::{Home, QUICK, read};

/// Record of a file in the former format.
#[derive(Serialize)]
struct File {
    name: String,
    size: u64,
    sha256: Sha256Digest,
    segments: u32,
    segment_size: u32,
    stored_at: u64,
}

type Values = TableDefinition<'static, &'static str, &'static [u8]>;

const FILES: Values = TableDefinition::new("files");
const MANIFESTS: Values = TableDefinition::new("manifests");
const READERS: MultimapTableDefinition<'_, &str, &str> = MultimapTableDefinition::new("readers");
const REFERENCES: TableDefinition<'_, (u16, [u8; 32]), u32> = TableDefinition::new("references");

/// Gives the catalog of a data directory the former format. `is_marked` tells if that of a program that marked its volumes.
pub(crate) fn make_former(data: &Path, is_marked: bool) {
    let path = data.join("catalog.redb");
    let catalog = Catalog::open(&path).unwrap();
    let names = catalog.namespace().unwrap();
    let manifests: Vec<(FileRecord, Vec<SegmentRecord>)> =
        names.files().map(|file| (file.clone(), catalog.manifest(&file.key).unwrap().segments)).collect();
    drop(catalog);
    let database = redb::Database::open(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    let of_markers = ["identity", "volumes", "kept"];
    let of_now = ["names", "directories", "files-by-id", "manifest-pages", "places", "held", "counters"];
    for table in transaction.list_tables().unwrap().collect::<Vec<_>>() {
        if of_now.contains(&table.name()) || (!is_marked && of_markers.contains(&table.name())) {
            transaction.delete_table(table).unwrap();
        }
    }
    {
        let mut meta = transaction.open_table(TableDefinition::<&str, &[u8]>::new("meta")).unwrap();
        meta.insert("format", codec::encode(1, &()).unwrap().as_slice()).unwrap();
        let (mut files, mut all) = (transaction.open_table(FILES).unwrap(), transaction.open_table(MANIFESTS).unwrap());
        let mut readers = transaction.open_multimap_table(READERS).unwrap();
        let mut references = transaction.open_table(REFERENCES).unwrap();
        for (FileRecord { key, size, sha256, segments: count, segment_size, stored_at, readers: of, .. }, segments) in manifests {
            let text = key.owner.as_ref().map_or_else(|| key.name.clone(), |owner| format!("{owner}/{}", key.name));
            let file = File { name: key.name, size, sha256, segments: count, segment_size, stored_at };
            files.insert(text.as_str(), codec::encode(1, &file).unwrap().as_slice()).unwrap();
            all.insert(text.as_str(), codec::encode(1, &segments).unwrap().as_slice()).unwrap();
            for reader in of {
                readers.insert(text.as_str(), reader.as_str()).unwrap();
            }
            for segment in segments {
                for holder in segment.holders {
                    references.insert((holder.index() as u16, *segment.id.as_bytes()), 1).unwrap();
                }
            }
        }
    }
    transaction.commit().unwrap();
}

fn kept(home: &Home) -> PathBuf {
    home.data().join("catalog.format-1.redb")
}

/// Every copy that was kept: a catalog of other bytes is kept beside the first.
fn copies(home: &Home) -> Vec<PathBuf> {
    let entries = fs::read_dir(home.data()).unwrap().flatten().map(|entry| entry.path());
    entries.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("catalog.format-1")).collect()
}

/// A home of the former format with files of two users and of nobody, one of them shared.
fn former(is_marked: bool) -> Home {
    let home = Home::new(&format!("{QUICK}[nodes]\ncount = 3\n"));
    home.file("a.bin", 300_000);
    home.ok(&["put", "a.bin"]);
    home.register("alice");
    home.register("bob");
    home.login("alice");
    home.file("b.bin", 200_000);
    home.ok(&["put", "b.bin"]);
    home.ok(&["run", "-c", "share b.bin bob"]);
    make_former(&home.data(), is_marked);
    home
}

/// Whoever was logged in still is, and finds what was stored and shared.
fn assert_all_there(home: &Home) {
    let stored = home.stored();
    assert!(stored.starts_with(&["a.bin".to_owned(), "b.bin".to_owned()]), "{stored:?}");
    for name in ["a.bin", "b.bin"] {
        home.ok(&["get", name, "-o", "copy", "--force"]);
        assert!(read(home.path("copy")) == read(home.path(name)), "{name}");
    }
    assert!(home.ok(&["run", "-c", "info b.bin"]).contains("bob"));
}

#[test]
fn a_directory_of_the_former_format_is_brought_up_to_date_once() {
    for is_marked in [true, false] {
        let home = former(is_marked);
        if !is_marked {
            (1..=3).for_each(|node| fs::remove_file(home.data().join(format!("nodes/Node_0{node}/volume"))).unwrap());
        }
        let before = read(home.data().join("catalog.redb"));
        let said = home.run(&["put", "a.bin", "--as", "c.bin"]);
        assert!(said.code == Some(0) && said.stderr.contains("kept in the data directory as catalog.format-1.redb"), "{said:?}");
        assert!(!said.stderr.contains("Warning"), "{said:?}");
        assert!(read(kept(&home)) == before);
        let again = home.run(&["rm", "c.bin"]);
        assert_eq!((again.code, again.stderr.as_str()), (Some(0), ""), "said once");
        assert_all_there(&home);
        // What was kept is a copy of before: put back, it changes nothing on volumes that were written since.
        fs::copy(kept(&home), home.data().join("catalog.redb")).unwrap();
        let stale = home.run(&["ls"]);
        assert!(stale.stderr.contains("3 nodes cannot use their disks as they should"), "{stale:?}");
        assert_eq!(read(kept(&home)), before);
    }
}

/// A start that only reads brings the catalog up to date in memory, each time, and changes no byte of the directory.
#[test]
fn a_start_that_only_reads_leaves_the_former_format() {
    let home = Home::new(QUICK);
    home.file("a.bin", 300_000);
    home.ok(&["put", "a.bin"]);
    make_former(&home.data(), true);
    let before = read(home.data().join("catalog.redb"));
    for _ in 0..2 {
        assert_eq!((home.stored(), home.run(&["ls"]).stderr.as_str()), (vec!["a.bin".to_owned()], ""));
        assert!(read(home.data().join("catalog.redb")) == before && !kept(&home).exists());
    }
    home.ok(&["put", "a.bin", "--as", "b.bin"]);
    assert!(kept(&home).exists());
}

/// Whenever the process is killed, the next start finds the catalog of before or that of after, and one whole copy.
#[test]
fn a_kill_leaves_the_former_catalog_or_the_new_one() {
    const KILLS: u32 = 16;
    let home = former(true);
    let state = ["catalog.redb", "nodes/Node_01/volume", "nodes/Node_02/volume", "nodes/Node_03/volume"];
    let state = state.map(|name| (home.data().join(name), read(home.data().join(name))));
    let before = &state[0].1;
    let whole = time_of(|| drop(home.ok(&["put", "a.bin", "--as", "c.bin"])));
    for round in 0..KILLS {
        state.iter().for_each(|(path, content)| fs::write(path, content).unwrap());
        copies(&home).iter().for_each(|copy| fs::remove_file(copy).unwrap());
        let wait = whole.mul_f64(f64::from(round) / f64::from(KILLS));
        let _ = kill_after(home.spawn(&["put", "a.bin", "--as", "c.bin"]), wait);
        if kept(&home).exists() {
            assert!(read(kept(&home)) == *before, "round {round}: a copy is whole");
        }
        assert_all_there(&home);
        // One killed while it wrote the new tables has left other bytes of the same content: these are kept beside the first.
        let copies = copies(&home);
        assert!(copies.len() <= 2, "round {round}: {copies:?}");
    }
}

#[test]
#[ignore = "needs root, to mount a small file system"]
fn without_room_for_the_copy_nothing_is_changed_and_both_sizes_are_said() {
    let home = Home::new(QUICK);
    home.file("a.bin", 100_000);
    home.ok(&["put", "a.bin"]);
    make_former(&home.data(), true);
    let len = fs::metadata(home.data().join("catalog.redb")).unwrap().len();
    let disk = home.path("disk");
    fs::create_dir(&disk).unwrap();
    let size = format!("size={}", len + (3 << 20));
    assert!(Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&disk).status().unwrap().success());
    let _mounted = Mounted(disk.clone());
    assert!(Command::new("cp").arg("-r").arg(home.data()).arg(disk.join("data")).status().unwrap().success());
    fs::write(disk.join("filler"), vec![0; 2 << 20]).unwrap();
    let before = read(disk.join("data/catalog.redb"));
    let message = home.refused(&["put", "a.bin", "--as", "b.bin", "--data-dir", "disk/data"]);
    assert!(message.contains(&format!("{} bytes are needed", 2 * len)) && message.contains("are free"), "{message}");
    assert!(read(disk.join("data/catalog.redb")) == before && !disk.join("data/catalog.format-1.redb").exists());
    // What only reads needs no room.
    assert!(home.run(&["ls", "--data-dir", "disk/data"]).stdout.contains("a.bin"));
    fs::remove_file(disk.join("filler")).unwrap();
    home.ok(&["put", "a.bin", "--as", "b.bin", "--data-dir", "disk/data"]);
}
