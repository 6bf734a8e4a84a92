//! Tests of the catalog: files, directories, readers, places and damage.

mod copies;
mod uploads;

use super::*;
use crate::pins::Pin;
use crate::segment::Sha256Digest;

fn id(n: u8) -> SegmentId {
    SegmentId::of(&[n])
}

fn manifest(name: &str, segments: &[(u8, usize)]) -> Manifest {
    let record = |&(n, node): &(u8, usize)| SegmentRecord { id: id(n), len: 1, holders: vec![NodeNumber::from_index(node)] };
    let file = FileRecord {
        key: FileKey::unowned(name),
        readers: BTreeSet::new(),
        size: segments.len() as u64,
        sha256: Sha256Digest::of(name.as_bytes()),
        segments: segments.len() as u32,
        segment_size: 65_536,
        stored_at: 1_700_000_000,
        modified: 1_600_000_000,
        mode: 0o600,
    };
    Manifest { file, segments: segments.iter().map(record).collect() }
}

fn files(catalog: &Catalog) -> Vec<FileRecord> {
    catalog.namespace().unwrap().files().cloned().collect()
}

fn open() -> (tempfile::TempDir, Catalog) {
    let directory = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(&directory.path().join("catalog.redb")).unwrap();
    (directory, catalog)
}

#[test]
fn a_file_is_there_after_its_transaction_and_after_reopening() {
    let (directory, catalog) = open();
    let file = manifest("a.bin", &[(1, 0), (2, 1)]);
    catalog.commit_file(&file).unwrap();
    drop(catalog);
    let catalog = Catalog::open(&directory.path().join("catalog.redb")).unwrap();
    assert_eq!(catalog.manifest(&file.file.key), Ok(file.clone()));
    assert_eq!(files(&catalog), [file.file]);
    let missing = FileKey::unowned("b.bin");
    assert_eq!(catalog.manifest(&missing), Err(CatalogError::NotFound(missing)));
}

/// Of changes that are made together, one that is refused prevents no other and changes nothing.
#[test]
fn changes_that_are_made_together_have_a_result_each() {
    let (_directory, catalog) = open();
    let all = ["a.bin", "b.bin", "a.bin", "c.bin"].map(|name| manifest(name, &[(name.as_bytes()[0], 0)]));
    let taken = Err(CatalogError::NameTaken(FileKey::unowned("a.bin")));
    let commits = all.clone().map(|manifest| Commit { manifest, replace: false, expected: None });
    let stored: Vec<_> = catalog.commit_files(&commits).into_iter().map(|stored| stored.map(drop)).collect();
    assert_eq!(stored, [Ok(()), Ok(()), taken, Ok(())]);
    assert_eq!(catalog.references(&[b'a', b'b', b'c'].map(id)), Ok(vec![1, 1, 1]));
    let keys = ["b.bin", "x.bin", "c.bin"].map(|name| (FileKey::unowned(name), None));
    let garbage = |n| Ok(Garbage::from([(NodeNumber::from_index(0), vec![id(n)])]));
    let missing = Err(CatalogError::NotFound(FileKey::unowned("x.bin")));
    assert_eq!(catalog.remove_all(&keys), [garbage(b'b'), missing, garbage(b'c')]);
    assert_eq!(files(&catalog), [all[0].file.clone()]);
}

#[test]
fn a_name_is_taken_once_and_a_refused_file_changes_nothing() {
    let (_directory, catalog) = open();
    catalog.commit_file(&manifest("a.bin", &[(1, 0)])).unwrap();
    let second = manifest("a.bin", &[(9, 3)]);
    assert_eq!(catalog.commit_file(&second), Err(CatalogError::NameTaken(FileKey::unowned("a.bin"))));
    assert_eq!(catalog.held().unwrap().len(), 1);
}

/// A segment is garbage on all its holders when the last file that needs it is gone, and on none before.
#[test]
fn shared_segments_outlive_one_of_their_files() {
    let (_directory, catalog) = open();
    let node = NodeNumber::from_index;
    catalog.commit_file(&manifest("a.bin", &[(1, 0), (1, 0), (2, 1), (3, 1)])).unwrap();
    catalog.commit_file(&manifest("b.bin", &[(1, 0), (2, 0)])).unwrap();
    let needed = catalog.needed().unwrap().into_iter();
    let held =
        catalog.held().unwrap().into_iter().map(|(node, ids)| (node, ids.into_iter().map(|id| (id, 1)).collect::<Vec<_>>()));
    assert!(needed.eq(held), "what each node is to hold, in order and with its length");
    let holders = |name: &str| catalog.manifest(&FileKey::unowned(name)).unwrap().segments[1].holders.clone();
    assert_eq!(holders("b.bin"), [node(1), node(0)], "both places of the segment are known for either file");
    let garbage = catalog.remove(&FileKey::unowned("a.bin")).unwrap();
    assert_eq!(garbage, Garbage::from([(node(1), vec![id(3)])]));
    let asked = Garbage::from([(node(0), vec![id(1), id(9)]), (node(3), vec![id(1)])]);
    let free = Garbage::from([(node(0), vec![id(9)]), (node(3), vec![id(1)])]);
    assert_eq!(catalog.unreferenced(asked), Ok(free));
    let garbage = catalog.remove(&FileKey::unowned("b.bin")).unwrap();
    let mut both = vec![id(1), id(2)];
    both.sort_unstable();
    assert_eq!(garbage, Garbage::from([(node(0), both), (node(1), vec![id(2)])]));
    assert_eq!((files(&catalog), catalog.held().unwrap().len()), (vec![], 0));
    assert!(matches!(catalog.remove(&FileKey::unowned("b.bin")), Err(CatalogError::NotFound(_))));
}

#[test]
fn directories_are_made_renamed_and_removed_with_what_is_in_them() {
    let (directory, catalog) = open();
    let key = |path: &str| FileKey::new(Some("alice"), path);
    let file = |path: &str, segment| {
        let mut manifest = manifest("x", &[(segment, 0)]);
        manifest.file.key = key(path);
        manifest
    };
    let lost = catalog.commit_file(&file("docs/a", 1));
    assert_eq!(lost, Err(CatalogError::NoDirectory(key("docs"))));
    catalog.make_directories(&[key("docs"), key("docs/old"), key("tmp")], 7).unwrap();
    assert_eq!(catalog.make_directories(&[key("new"), key("docs")], 7), Err(CatalogError::NameTaken(key("docs"))));
    for (path, segment) in [("docs/a", 1), ("docs/old/b", 2), ("docs/old/c", 1), ("d", 3)] {
        catalog.commit_file(&file(path, segment)).unwrap();
    }
    assert_eq!(catalog.commit_file(&file("docs/old", 4)), Err(CatalogError::NameTaken(key("docs/old"))));
    for (from, to, error) in [
        ("docs", "docs/old/docs", CatalogError::IntoItself(key("docs"))),
        ("docs", "docs", CatalogError::NameTaken(key("docs"))),
        ("d", "tmp", CatalogError::NameTaken(key("tmp"))),
        ("d", "none/d", CatalogError::NoDirectory(key("none"))),
        ("d", "docs/a/d", CatalogError::NoDirectory(key("docs/a"))),
        ("none", "e", CatalogError::NotFound(key("none"))),
    ] {
        assert_eq!(catalog.rename(&key(from), &key(to), false), Err(error), "{from} to {to}");
    }
    catalog.set_reader(&key("docs/old"), "bob", true).unwrap();
    catalog.rename(&key("docs/old"), &key("tmp/older"), false).unwrap();
    drop(catalog);
    let catalog = Catalog::open(&directory.path().join("catalog.redb")).unwrap();
    let names = catalog.namespace().unwrap();
    let paths: Vec<&str> = names.entries().map(|entry| entry.key().name.as_str()).collect();
    assert_eq!(paths, ["d", "docs", "docs/a", "tmp", "tmp/older", "tmp/older/b", "tmp/older/c"]);
    assert!(names.is_reader(&key("tmp/older/b"), "bob"));
    assert_eq!(catalog.manifest(&key("tmp/older/b")).unwrap().segments[0].id, id(2));
    assert_eq!(catalog.manifest(&key("tmp")), Err(CatalogError::NotFound(key("tmp"))));
    let garbage = catalog.remove(&key("tmp")).unwrap();
    assert_eq!(garbage, Garbage::from([(NodeNumber::from_index(0), vec![id(2)])]), "docs/a needs the other segment");
    assert_eq!(catalog.namespace().unwrap().entries().count(), 3);
    assert_eq!(catalog.remove(&key("")), Err(CatalogError::NotFound(key(""))));
}

/// A manifest of several pages comes back as it was, and one that was altered is refused.
#[test]
fn a_long_manifest_is_kept_in_pages_and_bound_by_its_digest() {
    let (_directory, catalog) = open();
    let segments: Vec<(u8, usize)> = (0..2_500_u32).map(|n| ((n % 251) as u8, 0)).collect();
    let file = manifest("long", &segments);
    catalog.commit_file(&file).unwrap();
    assert_eq!(catalog.manifest(&file.file.key), Ok(file.clone()));
    let alter = |transaction: &WriteTransaction| {
        // The first number is that of the tree.
        let page = transaction.open_table(MANIFESTS)?.remove((2, 1))?.map(drop);
        assert!(page.is_some());
        Ok::<_, DatabaseError>(())
    };
    catalog.database().write(alter).unwrap();
    let error = catalog.manifest(&file.file.key).unwrap_err().to_string();
    assert!(error.contains("not those that were stored"), "{error}");
}

#[test]
fn a_directory_without_an_owner_is_adopted_with_all_that_is_in_it() {
    let (_directory, catalog) = open();
    catalog
        .make_directories(&[FileKey::unowned("docs"), FileKey::unowned("tmp"), FileKey::new(Some("alice"), "tmp")], 7)
        .unwrap();
    for path in ["docs/a", "tmp/b"] {
        catalog.commit_file(&manifest(path, &[(1, 0)])).unwrap();
    }
    let promised = BTreeSet::from([FileKey::new(Some("alice"), "docs/new")]);
    assert_eq!(catalog.adopt("alice", &promised), Ok(vec![]), "a file on its way into docs keeps the place");
    assert_eq!(catalog.adopt("alice", &BTreeSet::new()), Ok(vec![FileKey::unowned("docs")]));
    let keys: Vec<String> = catalog.namespace().unwrap().entries().map(|entry| entry.key().to_string()).collect();
    assert_eq!(keys, ["tmp", "tmp/b", "~alice/docs", "~alice/docs/a", "~alice/tmp"]);
    catalog.rename(&FileKey::new(Some("alice"), "docs/a"), &FileKey::new(Some("alice"), "tmp/a"), false).unwrap();
}

/// What a volume held is expected of the one that takes its place.
#[test]
fn a_volume_that_is_taken_over_holds_what_the_former_one_held() {
    let (_directory, catalog) = open();
    let node = NodeNumber::from_index(0);
    catalog.commit_file(&manifest("a.bin", &[(1, 0), (2, 0), (3, 1)])).unwrap();
    let volume = |catalog: &Catalog| catalog.volumes().unwrap().of[&node].volume;
    let first = volume(&catalog);
    let marked = catalog.begin_epoch(Purpose::Keep, &[epochs::Claim { node, marked: None }]).unwrap();
    catalog.finish_epoch(Purpose::Keep, &marked).unwrap();
    assert_eq!(volume(&catalog), first, "a volume that was never marked keeps its name");
    let before = (catalog.held(), catalog.manifest(&FileKey::unowned("a.bin")));
    catalog.begin_epoch(Purpose::Free, &[epochs::Claim { node, marked: None }]).unwrap();
    assert_ne!(volume(&catalog), first);
    assert_eq!((catalog.held(), catalog.manifest(&FileKey::unowned("a.bin"))), before);
}

/// A pin needs a segment as a file does, and counts once.
#[test]
fn a_pinned_segment_outlives_the_files_that_need_it() {
    let (_directory, catalog) = open();
    let file = manifest("a.bin", &[(1, 0), (2, 0)]);
    catalog.commit_file(&file).unwrap();
    for _ in 0..2 {
        catalog.pin("alice", &file.segments[..1]).unwrap();
    }
    assert_eq!(catalog.references(&[id(1), id(2), id(3)]), Ok(vec![2, 1, 0]));
    let garbage = catalog.remove(&FileKey::unowned("a.bin")).unwrap();
    assert_eq!(garbage, Garbage::from([(NodeNumber::from_index(0), vec![id(2)])]));
    assert_eq!(catalog.references(&[id(1), id(2)]), Ok(vec![1, 0]));
}

/// Users keep a segment each for themselves, on each node by itself, and it goes with the last of them.
#[test]
fn a_segment_is_kept_for_each_user_on_each_node() {
    let (_directory, catalog) = open();
    let pin = |user: Option<&str>, node| Pin { user: user.map(str::to_owned), node: NodeNumber::from_index(node), id: id(1) };
    assert_eq!(catalog.pins(), Ok(vec![]));
    let [first, second, of_nobody] = [pin(Some("alice"), 0), pin(Some("alice"), 2), pin(None, 0)];
    for kept in [&first, &second, &of_nobody, &first] {
        catalog.keep_segment(kept, &SegmentRecord { id: id(1), len: 7, holders: vec![kept.node] }).unwrap();
    }
    assert_eq!(catalog.references(&[id(1)]), Ok(vec![3]));
    assert_eq!(catalog.pins().unwrap().len(), 3);
    catalog.adopt("bob", &BTreeSet::new()).unwrap();
    let of_bob = pin(Some("bob"), 0);
    let pins: BTreeSet<(Pin, u32)> = catalog.pins().unwrap().into_iter().collect();
    assert_eq!(pins, [&first, &second, &of_bob].map(|pin| (pin.clone(), 7)).into());
    assert_eq!(catalog.release_segment(&of_nobody), Ok(None));
    for kept in [&first, &of_bob] {
        assert_eq!(catalog.release_segment(kept), Ok(Some(Garbage::new())));
    }
    let garbage = Garbage::from([0, 2].map(|node| (NodeNumber::from_index(node), vec![id(1)])));
    assert_eq!(catalog.release_segment(&second), Ok(Some(garbage)));
    assert_eq!(catalog.release_segment(&second), Ok(None));
    assert_eq!((catalog.pins(), catalog.references(&[id(1)])), (Ok(vec![]), Ok(vec![0])));
}

#[test]
fn a_file_is_asked_for_a_segment() {
    let (_directory, catalog) = open();
    catalog.commit_file(&manifest("a.bin", &[(1, 0), (2, 0)])).unwrap();
    let key = FileKey::unowned("a.bin");
    let has = |key: &FileKey, n, node| catalog.has_segment(key, id(n), NodeNumber::from_index(node));
    assert_eq!([has(&key, 1, 0), has(&key, 2, 0), has(&key, 3, 0), has(&key, 2, 1)], [Ok(true), Ok(true), Ok(false), Ok(false)]);
    let none = FileKey::unowned("none");
    assert_eq!(has(&none, 1, 0), Err(CatalogError::NotFound(none)));
}

/// Two users may have files of one name, and neither is in the other's way.
#[test]
fn files_have_owners_and_readers() {
    let (_directory, catalog) = open();
    let of = |owner: &str| {
        let mut manifest = manifest("a.bin", &[(1, 0)]);
        manifest.file.key.owner = Some(owner.into());
        manifest
    };
    let (alice, bob) = (of("alice"), of("bob"));
    catalog.commit_file(&bob).unwrap();
    catalog.commit_file(&alice).unwrap();
    assert_eq!(catalog.commit_file(&bob), Err(CatalogError::NameTaken(bob.file.key.clone())));
    for (user, may_read, expected) in [("bob", true, 1), ("carol", true, 2), ("carol", true, 2), ("bob", false, 1)] {
        catalog.set_reader(&alice.file.key, user, may_read).unwrap();
        assert_eq!(catalog.manifest(&alice.file.key).unwrap().file.readers.len(), expected);
    }
    let readers = files(&catalog).into_iter().map(|file| file.readers.into_iter().collect::<Vec<_>>());
    assert_eq!(readers.collect::<Vec<_>>(), [vec!["carol".to_owned()], vec![]]);
    catalog.remove(&alice.file.key).unwrap();
    // A new file of that name is not shared with whom the old one was.
    catalog.commit_file(&alice).unwrap();
    assert_eq!(catalog.manifest(&alice.file.key), Ok(alice));
    let missing = FileKey::new(Some("carol"), "a.bin");
    assert_eq!(catalog.set_reader(&missing, "bob", true), Err(CatalogError::NotFound(missing)));
}

#[test]
fn what_is_nobodys_is_adopted_but_for_namesakes() {
    let (_directory, catalog) = open();
    let mut own = manifest("b.bin", &[(2, 0)]);
    own.file.key.owner = Some("alice".into());
    catalog.commit_file(&own).unwrap();
    for name in ["a.bin", "b.bin", "c.bin"] {
        catalog.commit_file(&manifest(name, &[(1, 0)])).unwrap();
    }
    catalog.set_reader(&FileKey::unowned("a.bin"), "bob", true).unwrap();
    let promised = BTreeSet::from([FileKey::new(Some("alice"), "c.bin")]);
    assert_eq!(catalog.adopt("alice", &promised), Ok(vec![FileKey::unowned("a.bin")]));
    let keys: Vec<String> = files(&catalog).iter().map(|file| file.key.to_string()).collect();
    assert_eq!(keys, ["b.bin", "c.bin", "~alice/a.bin", "~alice/b.bin"]);
    let given = catalog.manifest(&FileKey::new(Some("alice"), "a.bin")).unwrap();
    assert_eq!((given.segments[0].id, given.file.readers), (id(1), BTreeSet::from(["bob".to_owned()])));
    assert_eq!(catalog.manifest(&own.file.key).unwrap().segments[0].id, id(2));
    assert_eq!(catalog.adopt("alice", &promised), Ok(vec![]));
}

#[test]
fn a_second_opener_is_refused() {
    let (directory, _catalog) = open();
    let path = directory.path().join("catalog.redb");
    assert_eq!(Catalog::open(&path).unwrap_err(), DatabaseError::InUse { path }.into());
}

#[test]
fn a_damaged_or_foreign_file_is_refused_and_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("catalog.redb");
    {
        let catalog = Catalog::open(&path).unwrap();
        (0..200).for_each(|n| catalog.commit_file(&manifest(&format!("{n}"), &[(n, 0)])).unwrap());
    }
    let whole = std::fs::read(&path).unwrap();
    let mut scribbled = whole.clone();
    scribbled[..64].fill(0x55);
    for bytes in [whole[..whole.len() / 2].to_vec(), whole[..100].to_vec(), b"not a database".to_vec(), scribbled] {
        std::fs::write(&path, &bytes).unwrap();
        let error = Catalog::open(&path).unwrap_err();
        assert!(matches!(error, CatalogError::Database(DatabaseError::Damaged { .. })), "{} bytes: {error}", bytes.len());
        assert!(std::fs::read(&path).unwrap() == bytes, "{} bytes", bytes.len());
    }
}
