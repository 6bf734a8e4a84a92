//! Tests of changes of files that exist: replacing, copying, moving onto another one, setting attributes, and rows of before they had any.

use proptest::prelude::*;

use super::*;
use crate::attributes::{Attributes, DIRECTORY_MODE};
use crate::catalog::rows::{FormerDirectoryRow, ReadDirectoryRow};

fn key(path: &str) -> FileKey {
    FileKey::unowned(path)
}

fn commit(name: &str, segments: &[(u8, usize)], replace: bool) -> Commit {
    Commit { manifest: manifest(name, segments), replace, expected: None }
}

fn copy(from: &str, to: &str, replace: bool) -> Copy {
    Copy { from: key(from), to: key(to), copied_at: 9, preserve: false, replace }
}

fn garbage(node: usize, ids: &[u8]) -> Garbage {
    let mut ids: Vec<SegmentId> = ids.iter().map(|&n| id(n)).collect();
    ids.sort_unstable();
    Garbage::from([(NodeNumber::from_index(node), ids)])
}

/// A file is replaced and removed by who expects its content alone, and what is not as expected is as it was.
#[test]
fn what_is_replaced_or_removed_is_what_is_expected() {
    let (_directory, catalog) = open();
    let as_expected = |name: &str, n: u8, expected: &[u8]| {
        let mut commit = commit(name, &[(n, 0)], true);
        commit.manifest.file.sha256 = Sha256Digest::of(&[n]);
        Commit { expected: Some(Sha256Digest::of(expected)), ..commit }
    };
    let absent = Err(CatalogError::NotFound(key("a")));
    assert_eq!(catalog.commit(&as_expected("a", 1, &[1])).map(drop), absent);
    catalog.commit(&Commit { expected: None, ..as_expected("a", 1, &[]) }).unwrap();
    // Two that expect the same are one too many, also in one transaction.
    let both = [as_expected("a", 2, &[1]), as_expected("a", 3, &[1])];
    let stored: Vec<_> = catalog.commit_files(&both).into_iter().map(|stored| stored.map(|stored| stored.file.sha256)).collect();
    let (expected, found) = (Sha256Digest::of(&[1]), Sha256Digest::of(&[2]));
    let differs = CatalogError::ContentDiffers { key: key("a"), expected, found };
    assert_eq!(stored, [Ok(found), Err(differs.clone())]);
    assert_eq!(catalog.references(&[1, 2, 3].map(id)), Ok(vec![0, 1, 0]));
    assert_eq!(catalog.remove_all(&[(key("a"), Some(expected))]), [Err(differs)]);
    catalog.make_directories(&[key("d")], 1).unwrap();
    assert_eq!(catalog.remove_if(&key("d"), Some(expected)), Err(CatalogError::NotFound(key("d"))));
    assert!(catalog.remove_if(&key("a"), Some(found)).is_ok());
    assert_eq!(catalog.remove_if(&key("a"), Some(found)), absent.map(|()| Garbage::new()));
}

/// What both files need stays, the readers stay, and only what the former file alone needed is garbage.
#[test]
fn a_file_takes_the_place_of_another_one() {
    let (_directory, catalog) = open();
    catalog.commit_file(&manifest("a", &[(1, 0), (2, 0), (3, 0)])).unwrap();
    catalog.set_reader(&key("a"), "bob", true).unwrap();
    let new = commit("a", &[(2, 0), (4, 1)], true);
    let stored = catalog.commit_files(std::slice::from_ref(&new)).remove(0).unwrap();
    assert_eq!(stored.garbage, garbage(0, &[1, 3]));
    assert_eq!(stored.file.readers, BTreeSet::from(["bob".to_owned()]));
    let found = catalog.manifest(&key("a")).unwrap();
    assert_eq!((found.segments, &found.file), (new.manifest.segments, &stored.file));
    assert_eq!(catalog.references(&[1, 2, 3, 4].map(id)), Ok(vec![0, 1, 0, 1]));
    // Where there is none, it is stored like any other; a directory is not replaced.
    let first = catalog.commit_files(&[commit("b", &[(1, 0)], true)]).remove(0).unwrap();
    assert_eq!(first.garbage, Garbage::new());
    catalog.make_directories(&[key("d")], 7).unwrap();
    let refused = catalog.commit_files(&[commit("d", &[(1, 0)], true)]).remove(0);
    assert_eq!(refused, Err(CatalogError::NameTaken(key("d"))));
}

#[test]
fn a_copy_needs_the_segments_of_its_source_once_more() {
    let (_directory, catalog) = open();
    let segments: Vec<(u8, usize)> = (0..2_500_u32).map(|n| ((n % 251) as u8, 0)).collect();
    catalog.commit_file(&manifest("a", &segments)).unwrap();
    catalog.set_reader(&key("a"), "bob", true).unwrap();
    let alices = Copy { to: FileKey::new(Some("alice"), "b"), ..copy("a", "", false) };
    let stored = catalog.copy(&alices).unwrap();
    let of_source = catalog.manifest(&key("a")).unwrap();
    let found = catalog.manifest(&alices.to).unwrap();
    assert_eq!((&found.segments, &found.file), (&of_source.segments, &stored.file));
    assert_eq!((found.file.stored_at, found.file.modified, found.file.mode), (9, 9, 0o600));
    assert_eq!((found.file.sha256, found.file.readers), (of_source.file.sha256, BTreeSet::new()));
    assert_eq!(catalog.references(&[id(7)]), Ok(vec![2]));
    assert_eq!(catalog.remove(&key("a")), Ok(Garbage::new()), "the copy needs all of it");
    assert_eq!(catalog.manifest(&alices.to).unwrap().segments, of_source.segments);
    assert_eq!(catalog.copy(&copy("a", "c", false)), Err(CatalogError::NotFound(key("a"))));
}

#[test]
fn a_copy_takes_the_place_of_another_file_and_never_of_its_source() {
    let (_directory, catalog) = open();
    catalog.commit_file(&manifest("a", &[(1, 0)])).unwrap();
    catalog.commit_file(&manifest("b", &[(2, 0)])).unwrap();
    catalog.make_directories(&[key("d")], 7).unwrap();
    catalog.set_attributes(&key("b"), Attributes { modified: None, mode: Some(0o640) }).unwrap();
    let taken = |name: &str| Err(CatalogError::NameTaken(key(name)));
    assert_eq!(catalog.copy(&copy("a", "b", false)), taken("b"));
    assert_eq!(catalog.copy(&copy("a", "a", true)), taken("a"));
    assert_eq!(catalog.copy(&copy("a", "d", true)), taken("d"));
    assert_eq!(catalog.copy(&copy("d", "e", true)), Err(CatalogError::NotFound(key("d"))));
    let stored = catalog.copy(&copy("a", "b", true)).unwrap();
    assert_eq!((stored.garbage, stored.file.mode, stored.file.modified), (garbage(0, &[2]), 0o640, 9));
    let preserved = catalog.copy(&Copy { preserve: true, ..copy("a", "b", true) }).unwrap();
    assert_eq!((preserved.garbage, preserved.file.mode, preserved.file.modified), (Garbage::new(), 0o600, 1_600_000_000));
}

/// Moves follow rename(2): a file onto a file, a directory onto an empty one, and nothing else onto anything.
#[test]
fn what_is_moved_takes_the_place_of_its_like() {
    let (_directory, catalog) = open();
    catalog.make_directories(&["d", "d/in", "empty"].map(key), 7).unwrap();
    catalog.commit_file(&manifest("a", &[(1, 0)])).unwrap();
    catalog.commit_file(&manifest("b", &[(2, 0), (1, 0)])).unwrap();
    for (from, to, error) in [
        ("a", "d", CatalogError::NameTaken(key("d"))),
        ("d", "a", CatalogError::NameTaken(key("a"))),
        ("empty", "d", CatalogError::NameTaken(key("d"))),
        ("d/in", "d", CatalogError::NameTaken(key("d"))),
        ("d", "d/in", CatalogError::IntoItself(key("d"))),
        ("none", "a", CatalogError::NotFound(key("none"))),
    ] {
        assert_eq!(catalog.rename(&key(from), &key(to), true), Err(error), "{from} to {to}");
    }
    assert_eq!(catalog.rename(&key("a"), &key("a"), true), Ok(Garbage::new()), "it is there already");
    assert_eq!(catalog.rename(&key("a"), &key("b"), true), Ok(garbage(0, &[2])));
    assert_eq!(catalog.rename(&key("d"), &key("empty"), true), Ok(Garbage::new()));
    let paths: Vec<String> = catalog.namespace().unwrap().entries().map(|entry| entry.key().to_string()).collect();
    assert_eq!(paths, ["b", "empty", "empty/in"]);
}

#[test]
fn attributes_are_kept_with_the_permission_bits_alone() {
    let (directory, catalog) = open();
    catalog.make_directories(&[key("d")], 7).unwrap();
    catalog.commit_file(&manifest("a", &[(1, 0)])).unwrap();
    for path in ["a", "d"] {
        catalog.set_attributes(&key(path), Attributes { modified: Some(5), mode: None }).unwrap();
        catalog.set_attributes(&key(path), Attributes { modified: None, mode: Some(0o4_751) }).unwrap();
    }
    let missing = catalog.set_attributes(&key("x"), Attributes::default());
    assert_eq!(missing, Err(CatalogError::NotFound(key("x"))));
    drop(catalog);
    let names = Catalog::open(&directory.path().join("catalog.redb")).unwrap().namespace().unwrap();
    let file = names.file(&key("a")).unwrap();
    assert_eq!((file.stored_at, file.modified, file.mode), (1_700_000_000, 5, 0o751));
    let Some(Entry::Directory(made)) = names.get(&key("d")) else { panic!("no directory") };
    assert_eq!((made.made_at, made.modified, made.mode), (7, 5, 0o751));
}

/// A directory of before it had a mode is read, and changed like any other.
#[test]
fn directories_of_the_former_version_are_read() {
    let (_directory, catalog) = open();
    catalog.make_directories(&[key("d")], 7).unwrap();
    let former = |transaction: &WriteTransaction| {
        let mut directories = transaction.open_table(DIRECTORIES)?;
        let row = FormerDirectoryRow { owner: None, parent: DirectoryId(1), readers: BTreeSet::new(), made_at: 3 };
        directories.insert(2, database::encode(&row)?.as_slice())?;
        Ok::<_, DatabaseError>(())
    };
    catalog.database().write(former).unwrap();
    let made = |catalog: &Catalog| match catalog.namespace().unwrap().get(&key("d")) {
        Some(Entry::Directory(made)) => (made.made_at, made.modified, made.mode),
        other => panic!("{other:?}"),
    };
    assert_eq!(made(&catalog), (3, 3, DIRECTORY_MODE));
    catalog.set_attributes(&key("d"), Attributes { modified: Some(5), mode: None }).unwrap();
    assert_eq!(made(&catalog), (3, 5, DIRECTORY_MODE));
}

/// A directory of before others could store in it is read, and shared for that like any other.
#[test]
fn directories_without_uploaders_are_read() {
    let (_directory, catalog) = open();
    catalog.make_directories(&[key("d")], 7).unwrap();
    let former = |transaction: &WriteTransaction| {
        let mut directories = transaction.open_table(DIRECTORIES)?;
        let (readers, parent) = (BTreeSet::from(["bob".to_owned()]), DirectoryId(1));
        let row = ReadDirectoryRow { owner: None, parent, readers, created: 3, modified: 4, mode: 0o700 };
        directories.insert(2, database::encode(&row)?.as_slice())?;
        Ok::<_, DatabaseError>(())
    };
    catalog.database().write(former).unwrap();
    let found = |catalog: &Catalog| match catalog.namespace().unwrap().get(&key("d")) {
        Some(Entry::Directory(made)) => made.clone(),
        other => panic!("{other:?}"),
    };
    let read = found(&catalog);
    assert_eq!((read.made_at, read.modified, read.mode, read.uploaders.len()), (3, 4, 0o700, 0));
    catalog.set_uploader(&key("d"), "carol", true).unwrap();
    assert_eq!(found(&catalog), DirectoryRecord { uploaders: BTreeSet::from(["carol".to_owned()]), ..read.clone() });
    catalog.set_uploader(&key("d"), "carol", false).unwrap();
    assert_eq!(found(&catalog), read);
    catalog.commit_file(&manifest("d/a", &[])).unwrap();
    let of_file = catalog.set_uploader(&key("d/a"), "carol", true);
    assert_eq!(of_file, Err(CatalogError::NoDirectory(key("d/a"))));
    assert_eq!(catalog.set_uploader(&key("none"), "carol", true), Err(CatalogError::NotFound(key("none"))));
}

/// Changes of a small tree.
#[derive(Debug, Clone)]
enum Change {
    Make(String),
    Store(String, Vec<u8>, bool),
    Copy(String, String, bool),
    Move(String, String, bool),
    Set(String, u64, u32),
    Remove(String),
}

fn change() -> impl Strategy<Value = Change> {
    let path = || prop::sample::select(vec!["a", "b", "d", "d/a", "d/e", "d/e/a"]).prop_map(str::to_owned);
    prop_oneof![
        path().prop_map(Change::Make),
        (path(), prop::collection::vec(0..6_u8, 0..4), any::<bool>()).prop_map(|(path, ids, r)| Change::Store(path, ids, r)),
        (path(), path(), any::<bool>()).prop_map(|(from, to, replace)| Change::Copy(from, to, replace)),
        (path(), path(), any::<bool>()).prop_map(|(from, to, replace)| Change::Move(from, to, replace)),
        (path(), any::<u64>(), any::<u32>()).prop_map(|(path, at, mode)| Change::Set(path, at, mode)),
        path().prop_map(Change::Remove),
    ]
}

/// Makes a change in the catalog and, if it was made there, in the tree of names. Returns what became garbage.
fn make(catalog: &Catalog, names: &mut Namespace, change: Change) -> Result<Garbage, CatalogError> {
    match change {
        Change::Make(path) => {
            catalog.make_directories(&[key(&path)], 7)?;
            names.insert(Entry::Directory(DirectoryRecord::made(key(&path), 7)));
            Ok(Garbage::new())
        }
        Change::Store(path, ids, replace) => {
            let segments: Vec<(u8, usize)> = ids.iter().map(|&n| (n, usize::from(n % 2))).collect();
            let stored = catalog.commit_files(&[commit(&path, &segments, replace)]).remove(0)?;
            names.insert(Entry::File(stored.file));
            Ok(stored.garbage)
        }
        Change::Copy(from, to, replace) => {
            let stored = catalog.copy(&copy(&from, &to, replace))?;
            names.insert(Entry::File(stored.file));
            Ok(stored.garbage)
        }
        Change::Move(from, to, replace) => {
            let garbage = catalog.rename(&key(&from), &key(&to), replace)?;
            names.rename(&key(&from), &key(&to));
            Ok(garbage)
        }
        Change::Set(path, at, mode) => {
            let attributes = Attributes { modified: Some(at), mode: Some(mode) };
            catalog.set_attributes(&key(&path), attributes)?;
            names.set_attributes(&key(&path), attributes);
            Ok(Garbage::new())
        }
        Change::Remove(path) => {
            let garbage = catalog.remove(&key(&path))?;
            names.remove_tree(&key(&path));
            Ok(garbage)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The tables and the tree in memory agree after every change, each volume is to hold what the files need and nothing else, and what
    /// is garbage was needed before and is not any more.
    #[test]
    fn the_tables_are_what_the_tree_in_memory_is(changes in prop::collection::vec(change(), 1..30)) {
        let (_directory, catalog) = open();
        let mut names = Namespace::default();
        for change in changes {
            let before = catalog.held().unwrap();
            let garbage = make(&catalog, &mut names, change).unwrap_or_default();
            prop_assert_eq!(&catalog.namespace().unwrap(), &names);
            let mut needed = BTreeMap::<NodeNumber, BTreeSet<SegmentId>>::new();
            for file in names.files() {
                for (node, ids) in catalog.manifest(&file.key).unwrap().by_holder() {
                    needed.entry(node).or_default().extend(ids);
                }
            }
            let held = catalog.held().unwrap();
            prop_assert_eq!(&held, &needed);
            for (node, ids) in before {
                let gone: Vec<SegmentId> = ids.into_iter().filter(|id| !held.get(&node).is_some_and(|ids| ids.contains(id))).collect();
                prop_assert_eq!(garbage.get(&node).cloned().unwrap_or_default(), gone);
            }
        }
    }
}

/// A file keeps its number under every name, and a copy has one of its own.
#[test]
fn a_number_stays_with_its_file() {
    let (_directory, catalog) = open();
    catalog.make_directories(&[key("docs")], 7).unwrap();
    catalog.commit_file(&manifest("a", &[(1, 0)])).unwrap();
    let of = |path: &str| numbers::of_keys(catalog.database(), [&key(path)]).unwrap()[0];
    let number = of("a").unwrap();
    catalog.copy(&copy("a", "b", false)).unwrap();
    catalog.rename(&key("a"), &key("docs/c"), false).unwrap();
    assert_eq!((of("a"), of("docs/c"), of("")), (None, Some(number), None));
    assert!(of("b").is_some() && of("b") != Some(number) && of("docs") != Some(number));
    let known = numbers::file(catalog.database(), number).unwrap().unwrap();
    assert_eq!((known.owner, known.sha256), (None, manifest("a", &[(1, 0)]).file.sha256));
    catalog.remove(&key("docs/c")).unwrap();
    assert_eq!(numbers::file(catalog.database(), number), Ok(None));
    assert_eq!(numbers::file(catalog.database(), of("docs").unwrap()), Ok(None), "a directory is no file");
}
