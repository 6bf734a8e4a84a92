//! Requests about open files: OPEN, READ, WRITE, FSTAT, FSETSTAT and CLOSE.

use std::sync::Arc;

use bytes::Bytes;
use p2p_service::access::Identity;
use p2p_service::access::uploads::StoreAs;
use p2p_service::files::{Attributes, Await, BegunUpload, Entry, ForgetUpload, KeptUpload, Park, TransferId, UploadId};
use russh_sftp::protocol::{FileAttributes, OpenFlags};

use super::attributes::given;
use super::extensions::READ_MAX;
use super::failure::{Done, Failure};
use super::handles::{Growing, Open, Shared};
use super::paths::{Place, absolute, place};
use super::reader::Reader;
use super::session::Session;
use super::writer::Writer;

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
        let file = self.access.readable(user, text).await?;
        Ok(Reader::of(&self.access, user, text, file))
    }

    /// Begins to write a file, or continues an upload that is kept: without TRUNC it goes on where it was.
    async fn writer(&self, user: &Identity, path: &str, text: &str, flags: OpenFlags, attrs: &FileAttributes) -> Done<Open> {
        if self.handles.growing(path).is_some() {
            return Err(Failure::because(format!("`{path}` is being written already; close it first")));
        }
        let attributes = given(attrs);
        let begun =
            self.begun(user, (path, text), flags, StoreAs { attributes, replace: flags.contains(OpenFlags::TRUNCATE) }).await?;
        let writer = Writer::of(begun, flags.contains(OpenFlags::APPEND));
        let growing = Growing::of(&writer, attributes);
        Ok(Open::Writer(Shared::new(Some(writer).into()), growing))
    }

    async fn begun(
        &self,
        user: &Identity,
        (path, text): (&str, &str),
        flags: OpenFlags,
        stored_as: StoreAs,
    ) -> Done<BegunUpload> {
        let is_there = match self.access.known_entry(user, text).await.map_err(Failure::from) {
            Ok(Entry::Directory(_)) => return Err(Failure::because(format!("`{path}` is a directory"))),
            Ok(Entry::File(_)) => true,
            Err(failure) if failure.is_nothing() => false,
            Err(failure) => return Err(failure),
        };
        let (truncates, creates) = (flags.contains(OpenFlags::TRUNCATE), flags.contains(OpenFlags::CREATE));
        match (is_there, truncates) {
            (true, _) if creates && flags.contains(OpenFlags::EXCLUDE) => {
                return Err(Failure::because(format!("`{path}` is there already")));
            }
            (true, false) => {
                return Err(Failure::unsupported(&format!(
                    "`{path}` is stored and cannot be written in part; upload it anew with TRUNC"
                )));
            }
            _ => {}
        }
        let kept = self.kept(user, text).await?;
        let begins_anew = truncates || flags.contains(OpenFlags::EXCLUDE);
        match kept {
            Some(kept) if !begins_anew => return self.continued(kept, stored_as).await,
            None if !is_there && !creates => return Err(Failure::nothing(path)),
            // What is being stored by another session is refused by the engine.
            Some(KeptUpload { id, transfer: None, .. }) => self.forget(id).await?,
            _ => {}
        }
        self.begin_upload(text, stored_as).await
    }

    /// Continues an upload. One that is under way has lost its client, or the client has given the connection up: it is ended first.
    async fn continued(&self, kept: KeptUpload, stored_as: StoreAs) -> Done<BegunUpload> {
        if let Some(transfer) = kept.transfer {
            // It may have ended in the meantime.
            let _ = self.access.call(Park { transfer }).await;
        }
        Ok(self.access.resume_stream(&kept, None, stored_as).await?)
    }

    /// Undoes an upload that is kept.
    pub(super) async fn forget(&self, upload: UploadId) -> Done<()> {
        let transfer = self.access.call(ForgetUpload { upload }).await?;
        self.access.call(Await { transfer }).await?.into_result()?;
        Ok(())
    }

    /// Reads of an open file: as many bytes as are asked for, unless it ends before or a packet would be too long.
    pub(super) async fn read(&self, handle: &str, offset: u64, len: u32) -> Done<Bytes> {
        let (_, Open::Reader(reader)) = self.handles.get(handle)? else { return Err(Failure::handle()) };
        let mut reader = reader.lock().await;
        reader.read(offset, len.min(READ_MAX) as usize).await
    }

    /// Writes to an open file.
    pub(super) async fn write(&self, handle: &str, offset: u64, data: Bytes) -> Done<()> {
        let (path, Open::Writer(writer, growing)) = self.handles.get(handle)? else { return Err(Failure::handle()) };
        let mut open = writer.lock().await;
        let writer = open.as_mut().ok_or_else(Failure::handle)?;
        if writer.begins_anew(offset) {
            let transfer = writer.transfer();
            let old = open.take().ok_or_else(Failure::handle)?;
            *open = Some(self.anew(&path, transfer, growing.attributes).await?.instead_of(old));
        }
        open.as_mut().ok_or_else(Failure::handle)?.write(&self.access, offset, data).await
    }

    /// Begins an upload anew in place of one that is kept and was to be continued.
    async fn anew(&self, path: &str, transfer: TransferId, attributes: Attributes) -> Done<Writer> {
        let Place::Stored(text) = place(path) else { return Err(Failure::read_only(path)) };
        let user = self.user().await?;
        // It may have ended in the meantime.
        let _ = self.access.call(Park { transfer }).await;
        if let Some(kept) = self.kept(&user, &text).await? {
            self.forget(kept.id).await?;
        }
        let begun = self.begin_upload(&text, StoreAs { attributes, replace: false }).await?;
        Ok(Writer::of(begun, false))
    }

    async fn begin_upload(&self, text: &str, stored_as: StoreAs) -> Done<BegunUpload> {
        let id = UploadId::random().map_err(|error| Failure::because(format!("there is no random number: {error}")))?;
        Ok(self.access.store_stream(text, None, Some(id), stored_as).await?)
    }

    /// Returns the attributes of what is open.
    pub(super) async fn fstat(&self, handle: &str) -> Done<FileAttributes> {
        match self.handles.get(handle)? {
            (_, Open::Reader(reader)) => {
                let reader = reader.lock().await;
                let attrs = self.owners.of_entry(&Entry::File(reader.file().clone()));
                Ok(FileAttributes { size: Some(reader.len()), ..attrs })
            }
            (_, Open::Writer(_, growing)) => Ok(self.owners.of_file(growing.size(), growing.attributes, self.access.now())),
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
            writer.resize(&self.access, size).await?;
        }
        writer.set(given(attrs));
        Ok(())
    }

    /// Closes a handle. A file that was written is stored then, or the answer says why not.
    pub(super) async fn close(&self, handle: &str) -> Done<()> {
        let (path, Open::Writer(writer, _)) = self.handles.get(handle)? else {
            self.handles.close(handle)?;
            return Ok(());
        };
        // The session sees the file by its path until it is stored.
        let taken = writer.lock().await.take();
        let stored = match taken {
            Some(writer) => writer.close(&self.access).await,
            None => Err(Failure::handle()),
        };
        self.handles.close(handle)?;
        let attributes = stored?;
        if !attributes.is_empty() {
            self.set_stored(&path, attributes).await?;
        }
        Ok(())
    }
}
