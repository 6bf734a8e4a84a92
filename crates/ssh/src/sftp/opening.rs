//! Requests about open files: OPEN, READ, WRITE, FSTAT, FSETSTAT and CLOSE.

use std::sync::Arc;

use bytes::Bytes;
use p2p_service::access::Identity;
use p2p_service::access::uploads::StoreAs;
use p2p_service::files::{Attributes, Await, BegunUpload, Declared, Entry, ForgetUpload, KeptUpload, UploadId};
use russh_sftp::protocol::{FileAttributes, OpenFlags};
use tokio::time::timeout;

use super::attributes::{given, of_new};
use super::changes::stored;
use super::content::Content;
use super::failure::{Done, Failure};
use super::frames::READ_MAX;
use super::handles::{Open, Shared};
use super::reader::Reader;
use super::session::Session;
use super::uploads::REST_MAX;
use super::writer::Writer;
use crate::paths::{Place, absolute, place};

impl Session {
    /// Opens a file.
    pub(super) async fn open(&self, path: &str, flags: OpenFlags, attrs: &FileAttributes) -> Done<String> {
        let path = absolute(path);
        self.handles.check_room()?;
        let user = self.user().await?;
        let writes = flags.intersects(OpenFlags::WRITE | OpenFlags::APPEND);
        let open = match (place(&path), writes) {
            (Place::Stored(text), false) => Open::Reader(Shared::new(self.reader(&user, &text).await?.into())),
            (Place::Stored(text), true) => self.writer(&user, &path, &text, flags, attrs).await?,
            (Place::Segment(name), false) => {
                let segment = self.segment(&name).await?;
                let reader = self.reader(&user, &user.label(&segment.file)).await?;
                Open::Reader(Shared::new(reader.part(segment.first, u64::from(segment.len)).into()))
            }
            (Place::Nowhere, false) => return Err(Failure::nothing(&path)),
            (Place::Root | Place::Node | Place::Segments, false) => {
                return Err(Failure::because(format!("`{path}` is a directory")));
            }
            (_, true) => return Err(Failure::read_only(&path)),
        };
        self.handles.open(&path, open)
    }

    pub(super) async fn reader(&self, user: &Arc<Identity>, text: &str) -> Done<Reader> {
        let file = self.explained(user, text, self.access.readable(user, text).await).await?;
        Ok(Reader::of(&self.access, user, text, file))
    }

    /// Begins to write a file, or continues an upload that is kept: without TRUNC it goes on where it was. Of a stored file a part may be
    /// written without TRUNC.
    async fn writer(&self, user: &Arc<Identity>, path: &str, text: &str, flags: OpenFlags, attrs: &FileAttributes) -> Done<Open> {
        if self.handles.growing(path).is_some() {
            return Err(Failure::because(format!("`{path}` is being written already; close it first")));
        }
        let is_there = self.is_file(user, path, text).await?;
        let attributes = if is_there { Attributes { mode: None, ..given(attrs) } } else { of_new(attrs) };
        let kept = self.kept(user, text).await?;
        // A client that has asked for the upload knows what is kept of it.
        let goes_on = kept.is_some() && continues(flags) && self.handles.has_asked(path);
        if !goes_on {
            self.require_writable(path, flags, is_there, kept.as_ref())?;
        }
        let writer = if is_there && !flags.contains(OpenFlags::TRUNCATE) && !goes_on {
            Writer::stored(&self.access, text, attributes, self.reader(user, text).await?)
        } else {
            let replace =
                flags.contains(OpenFlags::TRUNCATE) || kept.as_ref().is_some_and(|kept| goes_on && kept.stored_as.replace);
            let stored_as = StoreAs { attributes, replace, expected: None };
            let (stored_as, begun) = self.begun(user, text, flags, stored_as, kept).await?;
            Writer::new(&self.access, text, stored_as, begun).await
        };
        let writer = writer.appending(flags.contains(OpenFlags::APPEND));
        let growing = writer.growing();
        Ok(Open::Writer(Shared::new(Some(writer).into()), growing))
    }

    /// Returns true if a file is stored at a path, and false if nothing is.
    pub(super) async fn is_file(&self, user: &Identity, path: &str, text: &str) -> Done<bool> {
        match self.access.known_entry(user, text).await.map_err(Failure::from) {
            Ok(Entry::Directory(_)) => Err(Failure::because(format!("`{path}` is a directory"))),
            Ok(Entry::File(_)) => Ok(true),
            Err(failure) if failure.is_nothing() => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// Fails if a path cannot be opened for writing in this way.
    fn require_writable(&self, path: &str, flags: OpenFlags, is_there: bool, kept: Option<&KeptUpload>) -> Done<()> {
        let (truncates, creates) = (flags.contains(OpenFlags::TRUNCATE), flags.contains(OpenFlags::CREATE));
        match kept {
            _ if is_there && creates && flags.contains(OpenFlags::EXCLUDE) => {
                Err(Failure::because(format!("`{path}` is there already")))
            }
            None if !is_there && !creates => Err(Failure::nothing(path)),
            // Its client would take the size of the stored file for that of what it has sent.
            Some(kept) if is_there && !truncates => Err(Failure::because(format!(
                "an upload that is to replace `{path}` was interrupted after {} bytes; upload it anew, from its begin, or remove it",
                kept.offset
            ))),
            _ => Ok(()),
        }
    }

    /// Continues an upload that is kept, or begins one, and returns it with the attributes and the place that its file gets: those with
    /// which it was begun.
    async fn begun(
        &self,
        user: &Identity,
        text: &str,
        flags: OpenFlags,
        stored_as: StoreAs,
        kept: Option<KeptUpload>,
    ) -> Done<(StoreAs, BegunUpload)> {
        let kept = match kept {
            Some(kept) if continues(flags) => self.ended(user, text, kept).await?,
            Some(kept) => self.rested(user, text, kept).await?,
            None => None,
        };
        match kept {
            Some(kept) if continues(flags) => {
                return Ok((kept.stored_as, self.access.resume_stream(&kept, Declared::default()).await?));
            }
            // What is being stored by another session is refused by the engine.
            Some(KeptUpload { id, transfer: None, .. }) => self.forget(id).await?,
            _ => {}
        }
        Ok((stored_as, self.begin_upload(text, stored_as).await?))
    }

    /// Undoes an upload that is kept.
    pub(super) async fn forget(&self, upload: UploadId) -> Done<()> {
        let transfer = self.access.call(ForgetUpload { upload }).await?;
        let ended = timeout(REST_MAX, self.access.call(Await { transfer })).await;
        ended
            .map_err(|_| Failure::because("what is kept of an upload of this name is not removed yet; try again in a minute"))??
            .into_result()?;
        Ok(())
    }

    /// Reads of an open file: as many bytes as are asked for, unless it ends before or a packet would be too long.
    pub(super) async fn read(&self, handle: &str, offset: u64, len: u32) -> Done<Content> {
        let max = len.min(READ_MAX) as usize;
        match self.handles.get(handle)?.1 {
            Open::Reader(reader) => reader.lock().await.read(offset, max).await,
            Open::Writer(writer, _) => writer.lock().await.as_mut().ok_or_else(Failure::handle)?.read(offset, max).await,
            Open::Directory(_) => Err(Failure::handle()),
        }
    }

    /// Writes to an open file.
    pub(super) async fn write(&self, handle: &str, offset: u64, data: Bytes) -> Done<()> {
        let (path, Open::Writer(writer, growing)) = self.handles.get(handle)? else { return Err(Failure::handle()) };
        let mut open = writer.lock().await;
        let writer = open.as_mut().ok_or_else(Failure::handle)?;
        if writer.begins_anew(offset) {
            let text = stored(&path)?;
            let stored_as = StoreAs { attributes: growing.now().1, ..StoreAs::default() };
            writer.begin_anew(self.begin_upload(&text, stored_as)).await?;
        }
        writer.write(offset, data).await
    }

    async fn begin_upload(&self, text: &str, stored_as: StoreAs) -> Done<BegunUpload> {
        let id = UploadId::random().map_err(|error| Failure::because(format!("there is no random number: {error}")))?;
        Ok(self.access.store_stream(text, Declared::default(), Some(id), stored_as).await?)
    }

    /// Returns the attributes of what is open.
    pub(super) async fn fstat(&self, handle: &str) -> Done<FileAttributes> {
        match self.handles.get(handle)? {
            (_, Open::Reader(reader)) => {
                let reader = reader.lock().await;
                let attrs = self.owners.of_entry(&Entry::File(reader.file().clone()));
                Ok(FileAttributes { size: Some(reader.len()), ..attrs })
            }
            (_, Open::Writer(_, growing)) => Ok(self.of_growing(&growing)),
            (path, Open::Directory(_)) => self.stat(&path).await,
        }
    }

    /// Sets attributes of what is open. Those of a file that is being written are its own once it is closed.
    pub(super) async fn set_open(&self, handle: &str, attrs: &FileAttributes) -> Done<()> {
        match self.handles.get(handle)? {
            (_, Open::Writer(writer, _)) => self.set_growing(&writer, attrs).await,
            (path, _) => self.set(&path, attrs).await,
        }
    }

    pub(super) async fn set_growing(&self, writer: &Shared<Option<Writer>>, attrs: &FileAttributes) -> Done<()> {
        let mut writer = writer.lock().await;
        let writer = writer.as_mut().ok_or_else(Failure::handle)?;
        if let Some(size) = attrs.size {
            writer.resize(size).await?;
        }
        writer.set(given(attrs));
        Ok(())
    }

    /// Gives an empty file the content of a stored one. Returns false if it is not empty.
    pub(super) async fn take_copy(&self, handle: &str, of: &Reader) -> Done<bool> {
        let (_, Open::Writer(writer, _)) = self.handles.get(handle)? else { return Err(Failure::handle()) };
        writer.lock().await.as_mut().ok_or_else(Failure::handle)?.take_copy(of).await
    }

    /// Makes what is open durable. What is stored is so already.
    pub(super) async fn sync(&self, handle: &str) -> Done<()> {
        match self.handles.get(handle)?.1 {
            Open::Writer(writer, _) => writer.lock().await.as_mut().ok_or_else(Failure::handle)?.sync().await,
            Open::Reader(_) | Open::Directory(_) => Ok(()),
        }
    }

    /// Closes a handle. A file that was written is stored then, or the answer says why not.
    pub(super) async fn close(&self, handle: &str) -> Done<()> {
        let (path, Open::Writer(writer, _)) = self.handles.get(handle)? else {
            self.handles.close(handle)?;
            return Ok(());
        };
        // The session sees the file by its path until it is stored.
        let taken = writer.lock().await.take();
        let stored = match (taken, self.user().await) {
            (Some(writer), Ok(_)) => writer.close().await,
            // Whose session has ended stores nothing; what has arrived is kept as that of a client that is lost.
            (Some(_), Err(over)) => Err(over),
            (None, _) => Err(Failure::handle()),
        };
        self.handles.close(handle)?;
        let attributes = stored?;
        if !attributes.is_empty() {
            self.set_stored(&path, attributes).await?;
        }
        Ok(())
    }
}

/// Returns true if a file that is opened so is written on from where an upload was interrupted.
fn continues(flags: OpenFlags) -> bool {
    !flags.intersects(OpenFlags::TRUNCATE | OpenFlags::EXCLUDE)
}
