//! Facts of the state at the start on which a recorded run depends: each is noted when the run uses it for the first time, as it
//! was before the run changed it. A replay restores these facts and nothing else, however much was stored.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use p2p_store::catalog::{Catalog, CatalogError};
use p2p_store::manifest::{Manifest, SegmentRecord};
use p2p_store::names::FileKey;
use p2p_store::namespace::{DirectoryRecord, Entry, Namespace};
use p2p_store::pins::Pin;
use p2p_store::segment::{SegmentId, Sha256Digest};
use p2p_store::uploads::{UploadId, UploadRecord};
use serde::{Deserialize, Serialize};

/// Fact of the state at the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Fact {
    /// A directory existed.
    Directory(DirectoryRecord),
    /// A file was stored.
    File(Box<Manifest>),
    /// An upload was kept, of which these segments were stored.
    Upload(Box<UploadRecord>, Vec<SegmentRecord>),
    /// A segment was stored, with the number of files and pins that needed it.
    Segment {
        /// The segment with its holders.
        segment: SegmentRecord,
        /// Number of files and pins that needed the segment.
        references: u32,
    },
    /// Size in bytes of the files that an owner had at the instant of the first use, including those of the run.
    Usage {
        /// Owner of the files.
        owner: Option<String>,
        /// Total size in bytes.
        bytes: u64,
    },
    /// A segment was kept for a user without a file. Where it was is a fact of the segment.
    Pin(Pin),
    /// A directory, whose fact precedes this one, was shared with these users for storing files in it.
    Uploaders(FileKey, BTreeSet<String>),
    /// A kept upload, whose fact precedes this one, was begun by this user in a directory of another one.
    BegunBy(UploadId, String),
    /// A kept upload, whose fact precedes this one, may take the place of a file of this digest alone.
    Expects(UploadId, Sha256Digest),
}

/// Collection of the facts that a run has used.
#[derive(Debug, Default)]
pub(super) struct FirstUses {
    /// Files and directories that were looked up, whether they existed or not.
    seen: HashSet<FileKey>,
    /// Files and directories that the run has moved to their names; what is within them was not there at the start either.
    moved: HashSet<FileKey>,
    segments: HashSet<SegmentId>,
    owners: HashSet<Option<String>>,
    uploads: HashSet<UploadId>,
    pins: HashSet<Pin>,
    facts: Vec<Fact>,
}

impl FirstUses {
    /// Takes the facts that were noted since the last call.
    pub(super) fn take(&mut self) -> Vec<Fact> {
        std::mem::take(&mut self.facts)
    }

    /// Notes the use of a file or directory and of the directories that it is in.
    pub(super) fn note_key(&mut self, names: &Namespace, catalog: &Catalog, key: &FileKey) -> Result<(), CatalogError> {
        let mut path: Vec<FileKey> = key.ancestors().filter(|key| !key.is_root()).collect();
        path.reverse();
        path.push(key.clone());
        if path.iter().any(|key| self.moved.contains(key)) {
            return Ok(());
        }
        path.into_iter().try_for_each(|key| self.note_entry(names, catalog, key))
    }

    /// Notes the use of a file or directory and of all that is within it.
    pub(super) fn note_tree(&mut self, names: &Namespace, catalog: &Catalog, key: &FileKey) -> Result<(), CatalogError> {
        self.note_key(names, catalog, key)?;
        names.tree(key).try_for_each(|entry| self.note_key(names, catalog, entry.key()))
    }

    /// Notes the use of a kept upload and of the directories that its file will be in. One that the run itself has kept is no fact of
    /// the start, but then its segments are none either.
    pub(super) fn note_upload(&mut self, names: &Namespace, catalog: &Catalog, id: UploadId) -> Result<(), CatalogError> {
        if !self.uploads.insert(id) {
            return Ok(());
        }
        let (record, segments) = catalog.upload(id)?;
        self.note_key(names, catalog, &record.key)?;
        self.note_segments(catalog, distinct(&segments), true)?;
        let (begun_by, expected) = (record.begun_by.clone(), record.stored_as.expected);
        self.facts.push(Fact::Upload(Box::new(record), segments));
        self.facts.extend(begun_by.map(|user| Fact::BegunBy(id, user)));
        self.facts.extend(expected.map(|expected| Fact::Expects(id, expected)));
        Ok(())
    }

    /// Notes that the run has begun to keep an upload, which was not kept at the start.
    pub(super) fn note_kept(&mut self, id: UploadId) {
        self.uploads.insert(id);
    }

    /// Notes that the run has moved a file or directory to this name.
    pub(super) fn note_moved(&mut self, to: FileKey) {
        self.moved.insert(to);
    }

    fn note_entry(&mut self, names: &Namespace, catalog: &Catalog, key: FileKey) -> Result<(), CatalogError> {
        if !self.seen.insert(key.clone()) {
            return Ok(());
        }
        match names.get(&key) {
            None => {}
            Some(Entry::Directory(directory)) => {
                self.facts.push(Fact::Directory(directory.clone()));
                let uploaders = Some(&directory.uploaders).filter(|uploaders| !uploaders.is_empty());
                self.facts.extend(uploaders.map(|uploaders| Fact::Uploaders(key, uploaders.clone())));
            }
            Some(Entry::File(_)) => {
                let manifest = catalog.manifest(&key)?;
                self.note_segments(catalog, distinct(&manifest.segments), true)?;
                self.facts.push(Fact::File(Box::new(manifest)));
            }
        }
        Ok(())
    }

    /// Notes the use of segments, of which some may be stored: by an upload or a fault, or of a file that `is_of_fact` itself.
    pub(super) fn note_segments(
        &mut self,
        catalog: &Catalog,
        segments: impl IntoIterator<Item = SegmentId>,
        is_of_fact: bool,
    ) -> Result<(), CatalogError> {
        let new: Vec<SegmentId> = segments.into_iter().filter(|&segment| self.segments.insert(segment)).collect();
        if new.is_empty() {
            return Ok(());
        }
        // A segment that the file alone needs is known by the manifest.
        let is_known = |references: u32| is_of_fact && references <= 1;
        let stored = catalog.places(&new)?.into_iter().flatten();
        let facts = stored.filter(|(segment, references)| !segment.holders.is_empty() && !is_known(*references));
        self.facts.extend(facts.map(|(segment, references)| Fact::Segment { segment, references }));
        Ok(())
    }

    /// Notes the use of a pin, which may be `kept` or not.
    pub(super) fn note_pin(&mut self, catalog: &Catalog, pin: &Pin, kept: Option<u32>) -> Result<(), CatalogError> {
        if !self.pins.insert(pin.clone()) || kept.is_none() {
            return Ok(());
        }
        self.note_segments(catalog, [pin.id], false)?;
        self.facts.push(Fact::Pin(pin.clone()));
        Ok(())
    }

    /// Notes the use of the total size of an owner's files.
    pub(super) fn note_usage(&mut self, owner: Option<&str>, bytes: impl FnOnce() -> u64) {
        let owner = owner.map(str::to_owned);
        if self.owners.insert(owner.clone()) {
            self.facts.push(Fact::Usage { owner, bytes: bytes() });
        }
    }
}

/// Returns each of the segments once.
fn distinct(segments: &[SegmentRecord]) -> BTreeSet<SegmentId> {
    segments.iter().map(|segment| segment.id).collect()
}

/// State of the start that a replay restores, made of the facts of a recording.
#[derive(Debug, Default)]
pub(super) struct Restored {
    /// Directories and files by key, so that each directory precedes what is in it.
    pub(super) entries: BTreeMap<FileKey, Fact>,
    /// Segments with the number of files and pins that needed them.
    pub(super) segments: BTreeMap<SegmentId, (SegmentRecord, u32)>,
    /// Uploads that were kept, with their segments.
    pub(super) uploads: Vec<(UploadRecord, Vec<SegmentRecord>)>,
    /// Segments that were kept for users without a file.
    pub(super) pins: Vec<Pin>,
}

impl Restored {
    /// Adds a fact. The total size of an owner's files is none that can be restored, and is given back.
    pub(super) fn add(&mut self, fact: Fact) -> Option<(Option<String>, u64)> {
        match fact {
            Fact::Usage { owner, bytes } => return Some((owner, bytes)),
            Fact::Segment { segment, references } => drop(self.segments.insert(segment.id, (segment, references))),
            Fact::Pin(pin) => self.pins.push(pin),
            Fact::Upload(record, segments) => self.uploads.push((*record, self.as_at_start(segments))),
            Fact::Uploaders(key, uploaders) => {
                if let Some(Fact::Directory(directory)) = self.entries.get_mut(&key) {
                    directory.uploaders = uploaders;
                }
            }
            Fact::BegunBy(id, user) => {
                let begun = self.uploads.iter_mut().find(|(record, _)| record.id == id);
                begun.into_iter().for_each(|(record, _)| record.begun_by = Some(user.clone()));
            }
            Fact::Expects(id, expected) => {
                let begun = self.uploads.iter_mut().find(|(record, _)| record.id == id);
                begun.into_iter().for_each(|(record, _)| record.stored_as.expected = Some(expected));
            }
            Fact::Directory(ref directory) => drop(self.entries.insert(directory.key.clone(), fact)),
            Fact::File(manifest) => {
                let Manifest { file, segments } = *manifest;
                let key = file.key.clone();
                let manifest = Manifest { file, segments: self.as_at_start(segments) };
                self.entries.insert(key, Fact::File(Box::new(manifest)));
            }
        }
        None
    }

    /// Returns segments of a file or an upload with those who held them at the start: since their own first use the run may have brought
    /// them to further nodes, before that of the file.
    fn as_at_start(&self, mut segments: Vec<SegmentRecord>) -> Vec<SegmentRecord> {
        for segment in &mut segments {
            if let Some((at_start, _)) = self.segments.get(&segment.id) {
                segment.holders.clone_from(&at_start.holders);
            }
        }
        segments
    }

    /// Returns the pins with their segments.
    pub(super) fn pinned(&self) -> impl Iterator<Item = (&Pin, &SegmentRecord)> {
        self.pins.iter().filter_map(|pin| self.segments.get(&pin.id).map(|(segment, _)| (pin, segment)))
    }

    /// Returns the segments that are needed by more files than those that are restored, or by none although they were stored.
    pub(super) fn needed_otherwise(&self) -> Vec<SegmentRecord> {
        let mut restored = BTreeMap::<SegmentId, u32>::new();
        let files = self.entries.values().filter_map(|fact| match fact {
            Fact::File(manifest) => Some(&manifest.segments),
            _ => None,
        });
        for segments in files.chain(self.uploads.iter().map(|(_, segments)| segments)) {
            let distinct: HashSet<SegmentId> = segments.iter().map(|segment| segment.id).collect();
            distinct.into_iter().for_each(|id| *restored.entry(id).or_default() += 1);
        }
        self.pins.iter().for_each(|pin| *restored.entry(pin.id).or_default() += 1);
        let is_needed = |(segment, references): &&(SegmentRecord, u32)| {
            let of_files = restored.get(&segment.id).copied().unwrap_or_default();
            of_files < *references || of_files == 0
        };
        self.segments.values().filter(is_needed).map(|(segment, _)| segment.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use p2p_store::manifest::{FileRecord, NodeNumber};
    use p2p_store::segment::Sha256Digest;

    use super::*;

    fn key(path: &str) -> FileKey {
        FileKey::unowned(path)
    }

    fn manifest(path: &str, segments: &[u8]) -> Manifest {
        let holders = vec![NodeNumber::from_index(0)];
        let record = |&n: &u8| SegmentRecord { id: SegmentId::of(&[n]), len: 1, holders: holders.clone() };
        let file = FileRecord {
            key: key(path),
            size: segments.len() as u64,
            sha256: Sha256Digest::of(path.as_bytes()),
            segments: segments.len() as u32,
            segment_size: 65_536,
            stored_at: 0,
            modified: 0,
            mode: 0o644,
            readers: BTreeSet::new(),
        };
        Manifest { file, segments: segments.iter().map(record).collect() }
    }

    fn catalog() -> (tempfile::TempDir, Catalog) {
        let directory = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&directory.path().join("catalog.redb")).unwrap();
        catalog.make_directories(&[key("docs"), key("docs/old")], 0).unwrap();
        for (path, segments) in [("docs/a", &[1, 1, 2][..]), ("docs/old/b", &[3]), ("c", &[2])] {
            catalog.commit_file(&manifest(path, segments)).unwrap();
        }
        (directory, catalog)
    }

    /// What is restored of the facts, and what is needed otherwise.
    fn restored(facts: Vec<Fact>) -> (Vec<String>, Vec<SegmentId>) {
        let mut restored = Restored::default();
        facts.into_iter().for_each(|fact| drop(restored.add(fact)));
        let otherwise = restored.needed_otherwise().iter().map(|segment| segment.id).collect();
        (restored.entries.keys().map(ToString::to_string).collect(), otherwise)
    }

    #[test]
    fn what_is_used_is_noted_once_with_the_directories_that_it_is_in() {
        let (_directory, catalog) = catalog();
        let (names, mut uses) = (catalog.namespace().unwrap(), FirstUses::default());
        uses.note_key(&names, &catalog, &key("docs/a")).unwrap();
        let facts = uses.take();
        // The segment 2 is needed by the file c too, which the run has not used.
        assert_eq!(restored(facts), (vec!["docs".to_owned(), "docs/a".to_owned()], vec![SegmentId::of(&[2])]));
        for path in ["docs/a", "docs", "docs/none", "none"] {
            uses.note_key(&names, &catalog, &key(path)).unwrap();
        }
        assert_eq!(uses.take(), []);
        uses.note_tree(&names, &catalog, &key("docs")).unwrap();
        assert_eq!(restored(uses.take()).0, ["docs/old", "docs/old/b"]);
        uses.note_usage(Some("alice"), || 7);
        uses.note_usage(Some("alice"), || unreachable!());
        assert_eq!(uses.take(), [Fact::Usage { owner: Some("alice".into()), bytes: 7 }]);
    }

    /// Where a segment has been brought since its first use, it was not at the start.
    #[test]
    fn a_file_is_restored_with_the_holders_of_the_start() {
        let (_directory, catalog) = catalog();
        let mut uses = FirstUses::default();
        uses.note_segments(&catalog, [1, 3, 9].map(|n| SegmentId::of(&[n])), false).unwrap();
        let moved = SegmentRecord { id: SegmentId::of(&[3]), len: 1, holders: vec![NodeNumber::from_index(2)] };
        catalog.commit_file(&Manifest { file: manifest("again", &[3]).file, segments: vec![moved] }).unwrap();
        let names = catalog.namespace().unwrap();
        uses.note_key(&names, &catalog, &key("docs/old/b")).unwrap();
        let mut restored = Restored::default();
        uses.take().into_iter().for_each(|fact| drop(restored.add(fact)));
        let Some(Fact::File(restored)) = restored.entries.get(&key("docs/old/b")) else { panic!("{restored:?}") };
        assert_eq!(**restored, manifest("docs/old/b", &[3]));
        let known = catalog.manifest(&key("docs/old/b")).unwrap();
        assert_eq!(known.segments[0].holders.len(), 2, "the catalog knows both");
    }

    /// What the run itself has made or moved was not there at the start.
    #[test]
    fn what_the_run_has_made_or_moved_is_no_fact_of_the_start() {
        let (_directory, catalog) = catalog();
        let (mut names, mut uses) = (catalog.namespace().unwrap(), FirstUses::default());
        uses.note_tree(&names, &catalog, &key("docs")).unwrap();
        uses.note_key(&names, &catalog, &key("new")).unwrap();
        assert_eq!(restored(uses.take()).0.len(), 4);
        catalog.rename(&key("docs"), &key("new"), false).unwrap();
        names.rename(&key("docs"), &key("new"));
        uses.note_moved(key("new"));
        uses.note_tree(&names, &catalog, &key("new")).unwrap();
        uses.note_key(&names, &catalog, &key("new/old/b")).unwrap();
        assert_eq!(uses.take(), []);
    }
}
