//! Files that are open for writing. Each is a file at CLOSE and not before, unless it is written out of order and is to be durable earlier.
//!
//! What is written from the begin to the end goes to an upload at once, and beside it into a [staging](super::staging) file while there is
//! room. Once the client writes elsewhere the upload is undone, and the staged content is uploaded at CLOSE, as that of a stored file is of
//! which a part is written.

use bytes::Bytes;
use p2p_service::ErrorKind;
use p2p_service::access::Access;
use p2p_service::access::copies::Copying;
use p2p_service::access::uploads::StoreAs;
use p2p_service::files::{Attributes, BegunUpload, ByteSize, Declared, FileRecord, Sha256Digest};

use super::content::Content;
use super::failure::{Done, Failure};
use super::frames::READ_MAX;
use super::growing::Growing;
use super::reader::Reader;
use super::sequence::Sequence;
use super::staging::{FILE_MAX, Staging};

/// Destination of what is written.
#[derive(Debug)]
enum Way {
    /// To an upload, and into the staging file as long as there is one, which has all of the content then.
    Sequence(Box<Sequence>, Option<Staging>),
    /// Into the staging file, which is stored at CLOSE unless it is stored as it is.
    Staged { content: Staging, is_stored: bool },
    /// Nowhere yet: a stored file is open, and comes into a staging file before it is changed.
    Stored(Box<Reader>),
    /// Nowhere: the file is to have the content of a stored one, which moves no byte.
    Copy(Box<Reader>),
}

/// File that is open for writing.
#[derive(Debug)]
pub(super) struct Writer {
    access: Access,
    /// File as the gate calls it.
    text: String,
    /// Attributes with which the file is stored, and whether it may take the place of another one.
    stored_as: StoreAs,
    /// Destination of what is written, or the reason for which a part of it is not there: such a file is not stored.
    way: Result<Way, Failure>,
    /// Stored file of which this is a change, or that has come of it; `None` as long as what is written is a file of its own.
    former: Option<FileRecord>,
    /// True if the client appends, whatever positions it names.
    appends: bool,
    /// Attributes that were set since the file was opened.
    set: Attributes,
    /// SHA-256 without which nothing is stored, if the client has named one.
    expected: Option<Sha256Digest>,
    growing: Growing,
}

impl Writer {
    /// Opens the file of an upload that has begun.
    pub(super) async fn new(access: &Access, text: &str, stored_as: StoreAs, begun: BegunUpload) -> Writer {
        let (size, sequence) = (begun.offset, Sequence::of(begun));
        // What was kept of an upload is not here; without room, a file is written from its begin to its end.
        let content = if size == 0 { Staging::new().await.ok() } else { None };
        Writer::of(access, text, stored_as, Way::Sequence(sequence.into(), content), Growing::new(size, stored_as.attributes))
    }

    /// Opens a stored file, to write parts of it.
    pub(super) fn stored(access: &Access, text: &str, given: Attributes, file: Reader) -> Writer {
        let mode = Some(given.mode.unwrap_or(file.file().mode));
        let stored_as = StoreAs { attributes: Attributes { mode, ..given }, replace: true, expected: None };
        let growing = Growing::new(file.len(), Attributes { modified: Some(file.file().modified), mode });
        let former = Some(file.file().clone());
        Writer { former, ..Writer::of(access, text, stored_as, Way::Stored(file.into()), growing) }
    }

    fn of(access: &Access, text: &str, stored_as: StoreAs, way: Way, growing: Growing) -> Writer {
        let (access, text, set) = (access.clone(), text.to_owned(), Attributes::default());
        Writer { access, text, stored_as, way: Ok(way), former: None, appends: false, set, expected: None, growing }
    }

    /// Lets all that is written go to the end.
    pub(super) fn appending(self, appends: bool) -> Writer {
        Writer { appends, ..self }
    }

    /// Returns what the session sees of the file, which changes as it is written.
    pub(super) fn growing(&self) -> Growing {
        self.growing.clone()
    }

    /// Returns true if CLOSE would store something.
    pub(super) fn has_changes(&self) -> bool {
        !matches!(self.way, Ok(Way::Stored(_)) | Err(_))
    }

    fn len(&self) -> u64 {
        self.growing.now().0
    }

    /// Takes the way, which is put back if the work on it is done.
    fn take_way(&mut self) -> Done<Way> {
        std::mem::replace(&mut self.way, Err(Failure::because("the file was not written as a whole; upload it anew")))
    }

    /// Notes where the work on the content has come to.
    fn note(&mut self, worked: Done<(Way, u64)>) -> Done<()> {
        let done = match worked {
            Ok((way, size)) => {
                self.growing.show_content(size, self.set.modified.or(self.stored_as.attributes.modified));
                Ok(way)
            }
            Err(failure) => Err(failure),
        };
        self.way = done;
        self.way.as_ref().map(|_| ()).map_err(Clone::clone)
    }

    /// Returns true if a write at this position begins the file anew, where a kept upload was to be continued.
    pub(super) fn begins_anew(&self, offset: u64) -> bool {
        !self.appends && matches!(&self.way, Ok(Way::Sequence(sequence, _)) if sequence.begins_anew(offset))
    }

    /// Undoes the upload that was to be continued, and goes on with the one that `begin` begins.
    ///
    /// # Errors
    /// Fails if one of them fails.
    pub(super) async fn begin_anew(&mut self, begin: impl Future<Output = Done<BegunUpload>>) -> Done<()> {
        if let Way::Sequence(sequence, _) = self.take_way()? {
            sequence.undo(&self.access).await?;
        }
        let sequence = Sequence::of(begin.await?);
        self.note(Ok((Way::Sequence(sequence.into(), Staging::new().await.ok()), 0)))
    }

    /// Writes bytes at a position.
    ///
    /// # Errors
    /// Fails if the position is not where the content can be written any more, or if the upload is over. The file is not stored then.
    pub(super) async fn write(&mut self, offset: u64, data: Bytes) -> Done<()> {
        let offset = if self.appends { self.len() } else { offset };
        let worked = self.written(offset, data).await;
        self.note(worked)
    }

    async fn written(&mut self, offset: u64, data: Bytes) -> Done<(Way, u64)> {
        let end = offset.saturating_add(data.len() as u64);
        let way = match self.take_way()? {
            Way::Sequence(mut sequence, content) if sequence.takes(offset, end) => {
                // Both at once: the disk is not waited for before the bytes are on their way.
                let staged = staged_too(content, offset, data.clone());
                let (content, given) = tokio::join!(staged, sequence.write(&self.access, offset, data));
                given?;
                Way::Sequence(sequence, content)
            }
            way => {
                let mut content = self.staged(way).await?;
                content.write(offset, data).await?;
                Way::Staged { content, is_stored: false }
            }
        };
        Ok((way, self.len().max(end)))
    }

    /// Returns the content in a staging file.
    async fn staged(&mut self, way: Way) -> Done<Staging> {
        match way {
            Way::Staged { content, .. } => Ok(content),
            Way::Stored(mut file) | Way::Copy(mut file) => copied(&mut file).await,
            Way::Sequence(sequence, Some(content)) => {
                sequence.undo(&self.access).await?;
                Ok(content)
            }
            Way::Sequence(sequence, None) => Err(Failure::because(format!(
                "{} bytes were written, and another place is written now; a file of more than {}, or one that is continued, is written from its \
                 begin to its end",
                sequence.at(),
                ByteSize::from_bytes(FILE_MAX)
            ))),
        }
    }

    /// Reads bytes that were written, or are stored already.
    ///
    /// # Errors
    /// Fails at the end, or if what was written is not here any more.
    pub(super) async fn read(&mut self, offset: u64, max: usize) -> Done<Content> {
        if offset >= self.len() {
            return Err(Failure::end());
        }
        match &mut self.way {
            Ok(Way::Stored(file) | Way::Copy(file)) => file.read(offset, max).await,
            Ok(Way::Sequence(_, Some(content)) | Way::Staged { content, .. }) => content.read(offset, max).await,
            Ok(Way::Sequence(_, None)) => Err(Failure::because("what is written of this file can be read once it is closed")),
            Err(failure) => Err(failure.clone()),
        }
    }

    /// Sets attributes that the file gets when it is closed.
    pub(super) fn set(&mut self, given: Attributes) {
        self.set = given.or(self.set);
        self.growing.show(given);
    }

    /// Lets nothing be stored but content with this SHA-256.
    pub(super) fn expect(&mut self, sha256: Sha256Digest) {
        self.expected = Some(sha256);
    }

    /// Sets the size.
    ///
    /// # Errors
    /// Fails as [`write`](Self::write) does.
    pub(super) async fn resize(&mut self, size: u64) -> Done<()> {
        if size == self.len() {
            return Ok(());
        }
        let worked = self.resized(size).await;
        self.note(worked)
    }

    async fn resized(&mut self, size: u64) -> Done<(Way, u64)> {
        let way = match self.take_way()? {
            // Zeros that no client has sent are given to the upload up to the length of a staging file.
            Way::Sequence(mut sequence, content) if size >= self.len() && size - sequence.at() <= FILE_MAX => {
                sequence.fill(&self.access, size).await?;
                let content = match content {
                    Some(mut content) => content.resize(size).await.ok().map(|()| content),
                    None => None,
                };
                Way::Sequence(sequence, content)
            }
            way => {
                let mut content = self.staged(way).await?;
                content.resize(size).await?;
                Way::Staged { content, is_stored: false }
            }
        };
        Ok((way, size))
    }

    /// Waits until what was written so far is durable: of what is written in order the whole segments, in the upload; otherwise the
    /// content, which is stored as the file as it is now.
    ///
    /// # Errors
    /// Fails if that is not possible. The file is not stored then.
    pub(super) async fn sync(&mut self) -> Done<()> {
        self.way = match self.take_way()? {
            Way::Sequence(sequence, content) => {
                sequence.sync(&self.access).await.map(|sequence| Way::Sequence(sequence.into(), content))
            }
            Way::Staged { content, .. } => {
                self.store(&content).await?;
                self.note_stored().await.map(|()| Way::Staged { content, is_stored: true })
            }
            Way::Copy(file) => {
                self.copy(&file).await?;
                self.note_stored().await.map(|()| Way::Stored(file))
            }
            way @ Way::Stored(_) => Ok(way),
        };
        self.way.as_ref().map(|_| ()).map_err(Clone::clone)
    }

    /// Ends the content and waits until the file is stored. Returns the attributes that are to be set of it.
    ///
    /// # Errors
    /// Fails if the file is not stored; it is there in no part then, or as it was before.
    pub(super) async fn close(mut self) -> Done<Attributes> {
        match self.take_way()? {
            Way::Sequence(mut sequence, _) => {
                // What was never written between two writes is zeros (POSIX.1-2024, `lseek`).
                sequence.fill(&self.access, self.len()).await?;
                sequence.finish(&self.access, self.expected).await?;
            }
            Way::Staged { content, is_stored: false } => self.store(&content).await?,
            Way::Copy(file) => self.copy(&file).await?,
            Way::Staged { .. } | Way::Stored(_) => {}
        }
        Ok(self.set)
    }

    /// Gives a new file the content of a stored one. Returns false if something was written already.
    ///
    /// # Errors
    /// Fails if the upload cannot be undone that had begun.
    pub(super) async fn take_copy(&mut self, of: &Reader) -> Done<bool> {
        if self.len() > 0 || !matches!(self.way, Ok(Way::Sequence(..))) {
            return Ok(false);
        }
        let worked = match self.take_way()? {
            Way::Sequence(sequence, _) => sequence.undo(&self.access).await.map(|()| (Way::Copy(of.again().into()), of.len())),
            way => Ok((way, 0)),
        };
        self.note(worked).map(|()| true)
    }

    /// Stores the file as a copy, which gets its attributes at the end.
    async fn copy(&mut self, file: &Reader) -> Done<()> {
        file.check().await?;
        if let Some(expected) = self.expected.filter(|expected| *expected != file.file().sha256) {
            return Err(Failure::of_other_content(&file.file().sha256, &expected));
        }
        let (identity, how) = (self.access.check().await?, Copying { replace: self.stored_as.replace, preserve: false });
        let copy = self.access.copying(&identity, file.text(), &self.text, how).await?;
        self.access.record_copy(&identity, &copy.from).await?;
        self.access.call(copy).await?;
        self.set = self.set.or(self.stored_as.attributes);
        self.stored_as.replace = true;
        Ok(())
    }

    /// Notes the file that was stored: what is stored of it later is a change of that one.
    async fn note_stored(&mut self) -> Done<()> {
        let identity = self.access.check().await?;
        self.former = Some(self.access.readable(&identity, &self.text).await?);
        Ok(())
    }

    /// Fails if the file of which this is a change is not there as it was: another session has removed or replaced it.
    async fn check_former(&self) -> Done<()> {
        let Some(former) = &self.former else { return Ok(()) };
        let identity = self.access.check().await?;
        let gone = |how| format!("`{}` has been {how} since it was opened; what was written is not stored", self.text);
        match self.access.readable(&identity, &self.text).await.map_err(Failure::from) {
            Ok(now) if (now.sha256, now.size) == (former.sha256, former.size) => Ok(()),
            Ok(_) => Err(Failure::because(gone("replaced"))),
            Err(failure) if failure.is_nothing() => Err(Failure::of(ErrorKind::NotFound, &gone("removed"))),
            Err(failure) => Err(failure),
        }
    }

    /// Stores the content, in place of what was stored of it before.
    async fn store(&mut self, content: &Staging) -> Done<()> {
        let mut sequence = Sequence::of(self.access.store_stream(&self.text, Declared::default(), None, self.stored_as).await?);
        // The name is that of the upload from here on, so that nobody removes the file after this look at it.
        if let Err(failure) = self.check_former().await {
            sequence.undo(&self.access).await?;
            return Err(failure);
        }
        loop {
            let bytes = content.read(sequence.at(), READ_MAX as usize).await?.into_bytes();
            if bytes.is_empty() {
                sequence.finish(&self.access, self.expected).await?;
                self.stored_as.replace = true;
                return Ok(());
            }
            let at = sequence.at();
            sequence.write(&self.access, at, bytes).await?;
        }
    }
}

/// Writes to a staging file beside the upload. One that cannot take all is given up.
async fn staged_too(content: Option<Staging>, offset: u64, data: Bytes) -> Option<Staging> {
    let mut content = content?;
    content.write(offset, data).await.ok().map(|()| content)
}

/// Copies a stored file into a staging file.
async fn copied(file: &mut Reader) -> Done<Staging> {
    let mut content = Staging::new().await?;
    // A file that is too long is refused before it is fetched.
    content.resize(file.len()).await?;
    let mut at = 0;
    while at < file.len() {
        let bytes = file.read(at, READ_MAX as usize).await?.into_bytes();
        let len = bytes.len() as u64;
        content.write(at, bytes).await?;
        at += len;
    }
    Ok(content)
}
