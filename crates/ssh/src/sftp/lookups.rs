//! Requests that look: attributes by path, and lists of directories.

use std::collections::BTreeMap;

use p2p_service::ErrorKind;
use p2p_service::access::Identity;
use p2p_service::files::{Attributes, DIRECTORY_MODE, Entry, FileKey, KeptUpload, StatFile};
use russh_sftp::protocol::{File, FileAttributes};

use super::attributes::{of_file, of_root};
use super::failure::{Done, Failure};
use super::growing::Growing;
use super::handles::{Directory, HeldSegment, Open, Shared};
use super::session::Session;
use crate::paths::{Place, SEGMENTS, absolute, last_name, place};

/// Entries of one answer to READDIR at the most: with names of the longest kind they are less than a packet.
const PAGE: usize = 128;
/// Mode of a directory that nobody can change.
const READ_ONLY: u32 = 0o555;

impl Session {
    /// Returns the attributes of what is at a path. A file that the session is writing is there with its size so far, and so is an upload of
    /// the user's that is kept, where there is no file: a client asks for its size to continue it.
    pub(super) async fn stat(&self, path: &str) -> Done<FileAttributes> {
        let path = absolute(path);
        let user = self.user().await?;
        if let Some((_, growing)) = self.handles.growing(&path) {
            return Ok(self.of_growing(&growing));
        }
        match place(&path) {
            Place::Root | Place::Node | Place::Segments => Ok(of_root(READ_ONLY)),
            Place::Stored(text) => match self.stored(&user, &text).await {
                Err(failure) if failure.is_nothing() => {
                    let kept = self.parked(&user, &text).await?.ok_or(failure)?;
                    Ok(of_file(kept.offset, Default::default(), kept.began_at))
                }
                found => found,
            },
            Place::Segment(name) => {
                let segment = self.segment(&name).await?;
                Ok(of_segment(&segment))
            }
            Place::Nowhere => Err(Failure::nothing(&path)),
        }
    }

    pub(super) fn of_growing(&self, growing: &Growing) -> FileAttributes {
        let (size, attributes) = growing.now();
        of_file(size, attributes, self.access.now())
    }

    /// Returns the attributes of a stored file or directory, or of the root of a user's tree, which has no entry.
    async fn stored(&self, user: &Identity, text: &str) -> Done<FileAttributes> {
        let key = user.key_of(text);
        if !key.is_root() {
            return Ok(self.owners.of_entry(&self.access.known_entry(user, text).await?));
        }
        if key.owner.as_deref() == user.name() {
            return Ok(of_root(DIRECTORY_MODE));
        }
        self.access.list_page(user, Some(text), false, None, 1).await?;
        Ok(of_root(READ_ONLY))
    }

    /// Returns the upload that is kept of a file of the user's.
    pub(super) async fn kept(&self, user: &Identity, text: &str) -> Done<Option<KeptUpload>> {
        let keys = user.keys_of(text);
        let kept = self.access.kept_uploads().await?;
        Ok(kept.into_iter().find(|kept| keys.contains(&kept.file)))
    }

    /// Returns the upload that is kept of a file of the user's and is not under way.
    pub(super) async fn parked(&self, user: &Identity, text: &str) -> Done<Option<KeptUpload>> {
        Ok(self.kept(user, text).await?.filter(|kept| kept.transfer.is_none()))
    }

    /// Says of a path at which no file was found if an upload of one is kept, which STAT alone gives the size of.
    pub(super) async fn explained<T>(&self, user: &Identity, text: &str, found: Result<T, impl Into<Failure>>) -> Done<T> {
        let failure = match found.map_err(Into::into) {
            Err(failure) if failure.is_nothing() => failure,
            other => return other,
        };
        let kept = self.parked(user, text).await?.ok_or(failure)?;
        Err(Failure::of(
            ErrorKind::NotFound,
            &format!(
                "`{text}` is no file yet: its upload was interrupted after {} bytes; continue it, or remove it",
                kept.offset
            ),
        ))
    }

    /// Opens a directory for its list.
    pub(super) async fn open_directory(&self, path: &str) -> Done<String> {
        let path = absolute(path);
        self.handles.check_room()?;
        let user = self.user().await?;
        let directory = match place(&path) {
            Place::Root => Directory::Fixed(vec![self.fixed("files", DIRECTORY_MODE), self.fixed("node", READ_ONLY)]),
            Place::Node => Directory::Fixed(vec![self.fixed("segments", READ_ONLY)]),
            Place::Segments => {
                Directory::Fixed(self.segments().await?.iter().map(|segment| self.listed_segment(segment)).collect())
            }
            Place::Stored(text) => {
                if !self.stored(&user, &text).await?.is_dir() {
                    return Err(Failure::because(format!("`{path}` is a file, and no directory")));
                }
                Directory::Stored { text, after: None, is_over: false }
            }
            Place::Segment(_) | Place::Nowhere => return Err(Failure::nothing(&path)),
        };
        self.handles.open(&path, Open::Directory(Shared::new(directory.into())))
    }

    /// Returns the next entries of a directory.
    pub(super) async fn read_directory(&self, handle: &str) -> Done<Vec<File>> {
        let (_, Open::Directory(directory)) = self.handles.get(handle)? else { return Err(Failure::handle()) };
        let mut directory = directory.lock().await;
        let files = match &mut *directory {
            Directory::Fixed(files) => files.drain(..files.len().min(PAGE)).collect(),
            Directory::Stored { is_over: true, .. } => Vec::new(),
            Directory::Stored { text, after, is_over } => {
                let user = self.user().await?;
                let page = self.access.list_page(&user, Some(text.as_str()), false, after.as_ref(), PAGE).await?;
                *is_over = page.next.is_none();
                *after = page.next;
                page.entries.iter().map(|entry| self.listed(entry)).collect()
            }
        };
        if files.is_empty() { Err(Failure::end()) } else { Ok(files) }
    }

    fn listed(&self, entry: &Entry) -> File {
        self.owners.listed(entry.key().last_name().to_owned(), self.owners.of_entry(entry), self.access.now())
    }

    fn fixed(&self, name: &str, mode: u32) -> File {
        self.owners.listed(name.to_owned(), of_root(mode), self.access.now())
    }

    /// Returns the entry of a path that is only named: the draft wants no attributes there (section 6.11).
    pub(super) fn named(&self, path: String) -> File {
        let attrs = FileAttributes::empty();
        File { longname: last_name(&path).to_owned(), filename: path, attrs }
    }

    /// Returns the segments of files that the user may read and that the node holds, by name.
    async fn segments(&self) -> Done<Vec<HeldSegment>> {
        let mut found = BTreeMap::new();
        for file in self.access.files().await? {
            // A file may have been removed since the list was made.
            let Ok(segments) = self.segments_of(file.key).await else { continue };
            found.extend(segments.into_iter().map(|segment| (segment.name.clone(), segment)));
        }
        self.handles.know(found.clone());
        Ok(found.into_values().collect())
    }

    /// Returns the segments of a file that the node holds.
    async fn segments_of(&self, file: FileKey) -> Done<Vec<HeldSegment>> {
        let manifest = self.access.call(StatFile { file }).await?;
        let (mut first, mut found) = (0, Vec::new());
        for segment in &manifest.segments {
            if segment.holders.contains(&self.node) {
                let (name, file) = (segment.id.to_string(), manifest.file.key.clone());
                found.push(HeldSegment { name, file, first, len: segment.len, modified: manifest.file.stored_at });
            }
            first += u64::from(segment.len);
        }
        Ok(found)
    }

    /// Returns a segment of the node by its name. One that was found before is looked for in its file first.
    pub(super) async fn segment(&self, name: &str) -> Done<HeldSegment> {
        if let Some(known) = self.handles.known(name)
            && let Ok(segments) = self.segments_of(known.file).await
            && let Some(found) = segments.into_iter().find(|segment| segment.name == name)
        {
            return Ok(found);
        }
        let found = self.segments().await?.into_iter().find(|segment| segment.name == name);
        found.ok_or_else(|| Failure::nothing(&format!("{SEGMENTS}/{name}")))
    }

    fn listed_segment(&self, segment: &HeldSegment) -> File {
        self.owners.listed(segment.name.clone(), of_segment(segment), self.access.now())
    }
}

fn of_segment(segment: &HeldSegment) -> FileAttributes {
    let attributes = Attributes { modified: Some(segment.modified), mode: Some(0o444) };
    of_file(u64::from(segment.len), attributes, segment.modified)
}
