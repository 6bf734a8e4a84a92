//! Tests of kept uploads: keeping, advancing, resuming, finishing and dropping them, and catalogs of before they existed.

use proptest::prelude::*;

use super::*;
use crate::attributes::{Attributes, StoreAs};
use crate::catalog::rows::{
    AnyPlaceUploadRow, DeclaredUploadRow, OwnUploadRow, UPLOAD_PAGES, UPLOADS, UndeclaredUploadRow, UploadRow,
};
use crate::segment::HashState;
use crate::uploads::{Declared, UploadRecord};

fn upload_id(n: u8) -> UploadId {
    UploadId::new([n; 16])
}

/// Segments of one byte, each on one of three nodes.
fn segments(numbers: impl IntoIterator<Item = u32>) -> Vec<SegmentRecord> {
    let record = |n: u32| SegmentRecord {
        id: SegmentId::of(&n.to_be_bytes()),
        len: 1,
        holders: vec![NodeNumber::from_index(n as usize % 3)],
    };
    numbers.into_iter().map(record).collect()
}

fn record(n: u8, count: usize) -> UploadRecord {
    UploadRecord {
        id: upload_id(n),
        key: FileKey::unowned(&format!("{n}.bin")),
        segment_size: 65_536,
        offset: count as u64,
        segments: count as u32,
        hash: HashState::default(),
        stored_at: 1_700_000_000,
        expires_at: 1_700_003_600 + count as u64,
        declared: Declared { size: Some(u64::from(n)), modified: None },
        stored_as: StoreAs {
            attributes: Attributes { modified: Some(u64::from(n)), mode: None },
            replace: n.is_multiple_of(2),
            expected: n.is_multiple_of(4).then(|| Sha256Digest::of(&[n])),
        },
        begun_by: n.is_multiple_of(3).then(|| "bob".to_owned()),
    }
}

fn file(name: &str, segments: &[SegmentRecord]) -> Manifest {
    let mut manifest = manifest(name, &[]);
    manifest.file.segments = segments.len() as u32;
    manifest.file.size = segments.len() as u64;
    manifest.segments = segments.to_vec();
    manifest
}

fn commit(manifest: &Manifest) -> Commit {
    Commit { manifest: manifest.clone(), replace: false, expected: None }
}

fn references(catalog: &Catalog, segments: &[SegmentRecord]) -> Vec<u32> {
    catalog.references(&segments.iter().map(|segment| segment.id).collect::<Vec<_>>()).unwrap()
}

/// The segments by their holders, each once and sorted, as garbage is.
fn garbage_of(segments: &[SegmentRecord]) -> Garbage {
    file("", segments).by_holder()
}

/// Rows of the versions before are read, of which no source and no attributes are known, and one of a version to come is refused.
#[test]
fn kept_uploads_of_the_versions_before_are_read() {
    let UploadRecord { key, segment_size, offset, segments, hash, stored_at, expires_at, .. } = record(1, 2);
    let kept = UndeclaredUploadRow { key, segment_size, offset, segments, hash, stored_at, expires_at };
    let mut bytes = database::encode(&kept).unwrap();
    let (declared, stored_as) = (Declared::default(), StoreAs::default());
    let row = UploadRow { kept: kept.clone(), declared, stored_as, begun_by: None, expected: None };
    assert_eq!(UploadRow::decode(&bytes).as_ref(), Ok(&row));
    let declared = Declared { size: Some(7), modified: Some(8) };
    let former = DeclaredUploadRow { kept: kept.clone(), declared };
    let row = UploadRow { declared, ..row };
    assert_eq!(UploadRow::decode(&database::encode(&former).unwrap()).as_ref(), Ok(&row));
    let stored_as = StoreAs { replace: true, ..stored_as };
    let former = OwnUploadRow { kept: kept.clone(), declared, stored_as };
    let row = UploadRow { stored_as, ..row };
    assert_eq!(UploadRow::decode(&database::encode(&former).unwrap()).as_ref(), Ok(&row));
    let begun_by = Some("bob".to_owned());
    let former = AnyPlaceUploadRow { kept, declared, stored_as, begun_by: begun_by.clone() };
    let row = UploadRow { begun_by, ..row };
    assert_eq!(UploadRow::decode(&database::encode(&former).unwrap()).as_ref(), Ok(&row));
    let row = UploadRow { expected: Some(Sha256Digest::of(b"a")), ..row };
    assert_eq!(UploadRow::decode(&database::encode(&row).unwrap()), Ok(row));
    bytes[0] = 6;
    assert!(UploadRow::decode(&bytes).is_err());
}

#[test]
fn an_upload_is_kept_and_advanced_over_pages_and_comes_back_as_it_was() {
    let (directory, catalog) = open();
    let all = segments(0..3_400);
    let mut kept = 0;
    for end in [0, 700, 1_400, 1_400, 2_048, 2_049, 3_400] {
        catalog.keep_upload(&record(1, end), &all[kept..end]).unwrap();
        kept = end;
        assert_eq!(catalog.upload(upload_id(1)), Ok((record(1, end), all[..end].to_vec())));
    }
    catalog.keep_upload(&record(0, 2), &all[..2]).unwrap();
    drop(catalog);
    let catalog = Catalog::open(&directory.path().join("catalog.redb")).unwrap();
    assert_eq!(catalog.uploads(), Ok(vec![record(0, 2), record(1, 3_400)]));
    assert_eq!(catalog.upload(upload_id(1)), Ok((record(1, 3_400), all.clone())));
    assert_eq!(catalog.namespace().unwrap().entries().count(), 0, "an upload is no file");
    assert_eq!(catalog.unreferenced(garbage_of(&all)), Ok(Garbage::new()));
    let held: Vec<usize> = catalog.held().unwrap().values().map(BTreeSet::len).collect();
    assert_eq!(held.iter().sum::<usize>(), all.len());
}

#[test]
fn a_finished_upload_is_a_file_and_no_upload_any_more() {
    let (_directory, catalog) = open();
    let all = segments(0..2_000);
    catalog.keep_upload(&record(1, 1_500), &all[..1_500]).unwrap();
    catalog.finish_upload(upload_id(1), &commit(&file("a", &all))).unwrap();
    assert!(references(&catalog, &all).iter().all(|&count| count == 1));
    assert_eq!(catalog.uploads(), Ok(vec![]));
    assert_eq!(catalog.upload(upload_id(1)), Err(CatalogError::UnknownUpload(upload_id(1))));
    assert_eq!(catalog.manifest(&FileKey::unowned("a")), Ok(file("a", &all)));
    assert_eq!(catalog.drop_upload(upload_id(1)), Ok(Garbage::new()));
    assert_eq!(catalog.remove(&FileKey::unowned("a")), Ok(garbage_of(&all)));
    // The name of the upload is free again, with no page of the former one.
    catalog.keep_upload(&record(1, 3), &all[..3]).unwrap();
    assert_eq!(catalog.upload(upload_id(1)).unwrap().1, all[..3]);
}

#[test]
fn an_upload_that_was_never_kept_is_committed_and_dropping_it_changes_nothing() {
    let (_directory, catalog) = open();
    let all = segments(0..3);
    assert_eq!(catalog.drop_upload(upload_id(1)), Ok(Garbage::new()));
    catalog.finish_upload(upload_id(1), &commit(&file("a", &all))).unwrap();
    assert_eq!(references(&catalog, &all), [1, 1, 1]);
    let unknown = CatalogError::UnknownUpload(upload_id(1));
    assert_eq!(catalog.upload(upload_id(1)), Err(unknown.clone()));
    assert_eq!(unknown.to_string(), format!("no upload `{}` is kept", "01".repeat(16)));
}

#[test]
fn a_dropped_upload_leaves_what_a_file_or_another_upload_needs() {
    let (_directory, catalog) = open();
    let all = segments(0..6);
    catalog.commit_file(&file("a", &all[..2])).unwrap();
    catalog.keep_upload(&record(1, 6), &all).unwrap();
    catalog.keep_upload(&record(2, 2), &all[2..4]).unwrap();
    assert_eq!(references(&catalog, &all), [2, 2, 2, 2, 1, 1]);
    assert_eq!(catalog.drop_upload(upload_id(1)), Ok(garbage_of(&all[4..])));
    assert_eq!(references(&catalog, &all), [1, 1, 1, 1, 0, 0]);
    assert_eq!(catalog.uploads(), Ok(vec![record(2, 2)]));
    assert_eq!(catalog.drop_upload(upload_id(2)), Ok(garbage_of(&all[2..4])));
}

#[test]
fn equal_segments_of_one_upload_count_once() {
    let (_directory, catalog) = open();
    let all = segments([7, 7, 8, 7]);
    catalog.keep_upload(&record(1, 2), &all[..2]).unwrap();
    catalog.keep_upload(&record(1, 4), &all[2..]).unwrap();
    assert_eq!((references(&catalog, &all), catalog.upload(upload_id(1)).unwrap().1), (vec![1; 4], all.clone()));
    catalog.finish_upload(upload_id(1), &commit(&file("a", &all))).unwrap();
    assert_eq!(references(&catalog, &all), [1; 4]);
    catalog.keep_upload(&record(2, 4), &all).unwrap();
    catalog.remove(&FileKey::unowned("a")).unwrap();
    assert_eq!(catalog.drop_upload(upload_id(2)), Ok(garbage_of(&all)));
}

#[test]
fn a_record_that_does_not_agree_with_its_segments_is_refused_and_changes_nothing() {
    let (_directory, catalog) = open();
    let all = segments(0..5);
    catalog.keep_upload(&record(1, 2), &all[..2]).unwrap();
    let before = catalog.upload(upload_id(1));
    let wrong = [
        (record(1, 3), &all[2..2]),
        (record(1, 2), &all[2..3]),
        (UploadRecord { offset: 4, ..record(1, 3) }, &all[2..3]),
        (UploadRecord { offset: u64::MAX, segments: u32::MAX, ..record(1, 0) }, &all[2..3]),
        (UploadRecord { segment_size: 4_096, ..record(1, 3) }, &all[2..3]),
        (record(1, 1), &all[..1]),
    ];
    for (wrong, new) in wrong {
        assert_eq!(catalog.keep_upload(&wrong, new), Err(CatalogError::InconsistentUpload(upload_id(1))), "{wrong:?}");
    }
    let refused = catalog.keep_upload(&record(2, 1), &[]).unwrap_err().to_string();
    assert!(refused.contains("is inconsistent"), "{refused}");
    let homeless = SegmentRecord { holders: vec![], ..all[3].clone() };
    assert!(catalog.keep_upload(&record(1, 3), &[homeless]).is_err());
    let foreign = catalog.finish_upload(upload_id(1), &commit(&file("a", &all[1..])));
    assert_eq!(foreign, Err(CatalogError::InconsistentUpload(upload_id(1))), "a kept segment would be nobody's");
    assert_eq!((catalog.upload(upload_id(1)), catalog.uploads().unwrap().len()), (before, 1));
    assert_eq!(references(&catalog, &all), [1, 1, 0, 0, 0]);
}

#[test]
fn pages_that_were_altered_are_refused() {
    let (_directory, catalog) = open();
    let all = segments(0..1_030);
    catalog.keep_upload(&record(1, 1_030), &all).unwrap();
    let alter = |transaction: &WriteTransaction| {
        let page = transaction.open_table(UPLOAD_PAGES)?.remove((*upload_id(1).as_bytes(), 1))?.map(drop);
        assert!(page.is_some());
        Ok::<_, DatabaseError>(())
    };
    catalog.database().write(alter).unwrap();
    let resumed = catalog.upload(upload_id(1)).unwrap_err().to_string();
    let advanced = catalog.keep_upload(&record(1, 1_031), &segments([9_999])).unwrap_err().to_string();
    for error in [resumed, advanced] {
        assert!(error.contains("not those that were stored"), "{error}");
    }
}

/// Makes a catalog as it was before uploads were kept, with one file.
fn write_without_tables(path: &Path) {
    let catalog = Catalog::open(path).unwrap();
    catalog.commit_file(&manifest("a.bin", &[(1, 0)])).unwrap();
    let delete = |transaction: &WriteTransaction| {
        assert!(transaction.delete_table(UPLOADS)? && transaction.delete_table(UPLOAD_PAGES)?);
        Ok::<_, DatabaseError>(())
    };
    catalog.database().write(delete).unwrap();
}

#[test]
fn a_catalog_of_before_uploads_were_kept_has_none_and_takes_them() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("catalog.redb");
    write_without_tables(&path);
    let none = |catalog: &Catalog| {
        assert_eq!(catalog.uploads(), Ok(vec![]));
        assert_eq!(catalog.upload(upload_id(1)), Err(CatalogError::UnknownUpload(upload_id(1))));
        assert_eq!(files(catalog).len(), 1);
    };
    let before = std::fs::read(&path).unwrap();
    none(&Catalog::open_read_only(&path).unwrap());
    assert!(std::fs::read(&path).unwrap() == before);
    let catalog = Catalog::open(&path).unwrap();
    none(&catalog);
    assert_eq!(catalog.drop_upload(upload_id(1)), Ok(Garbage::new()));
    catalog.keep_upload(&record(1, 2), &segments(0..2)).unwrap();
    drop(catalog);
    assert_eq!(Catalog::open_read_only(&path).unwrap().uploads(), Ok(vec![record(1, 2)]));
    assert_eq!(Catalog::open(&path).unwrap().upload(upload_id(1)).unwrap().1, segments(0..2));
}

#[test]
fn uploads_without_an_owner_are_adopted_unless_their_new_keys_are_taken() {
    let (_directory, catalog) = open();
    let alice = |path: &str| FileKey::new(Some("alice"), path);
    let keep = |n: u8, key: FileKey| {
        catalog.keep_upload(&UploadRecord { key, ..record(n, 1) }, &segments([u32::from(n)])).unwrap();
    };
    catalog.make_directories(&[FileKey::unowned("docs"), FileKey::unowned("tmp"), alice("sub")], 7).unwrap();
    catalog.commit_file(&manifest("e", &[(1, 0)])).unwrap();
    let mut own = manifest("tmp", &[(1, 0)]);
    own.file.key = alice("tmp");
    catalog.commit_file(&own).unwrap();
    for (n, path) in [(1, "a"), (2, "docs/b"), (3, "tmp/c"), (4, "d"), (5, "sub"), (6, "e")] {
        keep(n, if path == "e" { alice(path) } else { FileKey::unowned(path) });
    }
    let adopted = catalog.adopt("alice", &BTreeSet::from([alice("d")]));
    assert_eq!(adopted, Ok(vec![FileKey::unowned("docs")]), "the file `e` would have the key of an upload");
    let keys: Vec<String> = catalog.uploads().unwrap().iter().map(|upload| upload.key.to_string()).collect();
    assert_eq!(keys, ["~alice/a", "~alice/docs/b", "tmp/c", "d", "sub", "~alice/e"]);
    assert_eq!(catalog.upload(upload_id(2)).unwrap().1, segments([2]));
}

#[derive(Debug, Clone)]
enum Step {
    Keep { upload: u8, new: Vec<u32> },
    Finish { upload: u8, name: u8, more: Vec<u32> },
    Drop { upload: u8 },
    Remove { name: u8 },
}

fn step() -> impl Strategy<Value = Step> {
    let some = || proptest::collection::vec(0_u32..9, 0..4);
    prop_oneof![
        4 => (0_u8..3, some()).prop_map(|(upload, new)| Step::Keep { upload, new }),
        2 => (0_u8..3, 0_u8..3, some()).prop_map(|(upload, name, more)| Step::Finish { upload, name, more }),
        1 => (0_u8..3).prop_map(|upload| Step::Drop { upload }),
        2 => (0_u8..3).prop_map(|name| Step::Remove { name }),
    ]
}

/// Numbers of the segments that each upload and each file needs.
#[derive(Debug, Default)]
struct Model {
    uploads: BTreeMap<u8, Vec<u32>>,
    files: BTreeMap<u8, Vec<u32>>,
}

impl Model {
    fn references(&self, segment: u32) -> u32 {
        self.uploads.values().chain(self.files.values()).filter(|needed| needed.contains(&segment)).count() as u32
    }

    /// Returns those of the segments that nothing needs.
    fn garbage(&self, gone: Option<Vec<u32>>) -> Garbage {
        let free = gone.unwrap_or_default().into_iter().filter(|&segment| self.references(segment) == 0);
        garbage_of(&segments(free))
    }

    /// Takes the same step in the catalog and in the model, and compares what each step returns.
    fn step(&mut self, catalog: &Catalog, step: Step) {
        let path = |name: u8| FileKey::unowned(&format!("file {name}"));
        match step {
            Step::Keep { upload, new } => {
                let kept = self.uploads.entry(upload).or_default();
                kept.extend(&new);
                catalog.keep_upload(&record(upload, kept.len()), &segments(new)).unwrap();
            }
            Step::Finish { upload, name, more } => {
                let all: Vec<u32> = self.uploads.get(&upload).into_iter().flatten().copied().chain(more).collect();
                let file = file(&path(name).name, &segments(all.iter().copied()));
                let finished = catalog.finish_upload(upload_id(upload), &commit(&file)).map(drop);
                if self.files.contains_key(&name) {
                    return assert_eq!(finished, Err(CatalogError::NameTaken(path(name))));
                }
                assert_eq!(finished, Ok(()));
                self.uploads.remove(&upload);
                self.files.insert(name, all);
            }
            Step::Drop { upload } => {
                let gone = self.uploads.remove(&upload);
                assert_eq!(catalog.drop_upload(upload_id(upload)), Ok(self.garbage(gone)));
            }
            Step::Remove { name } => match self.files.remove(&name) {
                Some(gone) => assert_eq!(catalog.remove(&path(name)), Ok(self.garbage(Some(gone)))),
                None => assert_eq!(catalog.remove(&path(name)), Err(CatalogError::NotFound(path(name)))),
            },
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn references_are_those_of_files_and_uploads_whatever_happens(steps in proptest::collection::vec(step(), 1..24)) {
        let (_directory, catalog) = open();
        let mut model = Model::default();
        for step in steps {
            model.step(&catalog, step);
            let expected: Vec<u32> = (0..9).map(|segment| model.references(segment)).collect();
            prop_assert_eq!(references(&catalog, &segments(0..9)), expected);
            let kept: Vec<UploadRecord> = model.uploads.iter().map(|(&n, needed)| record(n, needed.len())).collect();
            prop_assert_eq!(catalog.uploads(), Ok(kept));
            for (&n, needed) in &model.uploads {
                prop_assert_eq!(catalog.upload(upload_id(n)).unwrap().1, segments(needed.iter().copied()));
            }
        }
    }
}
