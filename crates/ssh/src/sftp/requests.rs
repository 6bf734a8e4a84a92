//! Requests by their types: what each names, and which of them does what.

use russh_sftp::protocol::{Attrs, Handle, Name, Packet};

use super::extensions;
use super::failure::{Done, Failure, done};
use super::frames::Asked;
use super::replies::Answer;
use super::schedule::Claim;
use super::session::Session;
use crate::paths::absolute;

impl Session {
    /// Returns what a request names; `None` if clients send no such packet.
    pub(super) fn claim(&self, asked: &Asked) -> Option<Claim> {
        match asked {
            Asked::Packet(packet) => self.claim_of(packet),
            Asked::Write(write) => Some(Claim::of_handle(&write.handle)),
            Asked::NoText(_) | Asked::Unknown(_) => Some(Claim::default()),
        }
    }

    fn claim_of(&self, packet: &Packet) -> Option<Claim> {
        let (look, change) = (|path: &str| Claim::look(absolute(path)), |path: &str| Claim::change([absolute(path)]));
        Some(match packet {
            Packet::Open(open) => change(&open.filename),
            // What a file is by its path changes when it is closed.
            Packet::Close(close) => self.of_closing(&close.handle),
            Packet::Read(read) => Claim::of_handle(&read.handle),
            Packet::Fstat(fstat) => Claim::of_handle(&fstat.handle),
            Packet::FSetStat(fsetstat) => self.of_closing(&fsetstat.handle),
            Packet::ReadDir(readdir) => Claim::of_handle(&readdir.handle),
            Packet::Lstat(lstat) => look(&lstat.path),
            Packet::Stat(stat) => look(&stat.path),
            Packet::SetStat(setstat) => look(&setstat.path),
            Packet::OpenDir(opendir) => look(&opendir.path),
            Packet::RealPath(_) => Claim::default(),
            Packet::ReadLink(readlink) => look(&readlink.path),
            Packet::Remove(remove) => change(&remove.filename),
            Packet::MkDir(mkdir) => change(&mkdir.path),
            Packet::RmDir(rmdir) => change(&rmdir.path),
            Packet::Rename(rename) => Claim::change([absolute(&rename.oldpath), absolute(&rename.newpath)]),
            Packet::Symlink(_) => Claim::default(),
            Packet::Extended(extended) if extended.request == extensions::FSYNC => {
                extensions::handle(&extended.data).map(|handle| self.of_closing(handle)).unwrap_or_default()
            }
            Packet::Extended(extended) => extensions::claim(&extended.request, &extended.data),
            _ => return None,
        })
    }

    fn of_closing(&self, handle: &str) -> Claim {
        Claim { paths: self.handles.path(handle).into_iter().collect(), changes: true, ..Claim::of_handle(handle) }
    }

    /// Does what a request asks for, and returns the answer.
    pub(super) async fn answer(&self, asked: Asked) -> Answer {
        let id = asked.id();
        let answered = match asked {
            Asked::Packet(Packet::Read(read)) => {
                self.read(&read.handle, read.offset, read.len).await.map(|content| Answer::Encoded(content.into_packet(id)))
            }
            Asked::Write(write) => self.write(&write.handle, write.offset, write.data).await.map(|()| done(id).into()),
            Asked::Packet(packet) => self.answered(packet, id).await.map(Answer::from),
            Asked::NoText(_) => Err(Failure::no_text()),
            Asked::Unknown(_) => Err(Failure::unsupported("version 3 of SFTP has no such request")),
        };
        answered.unwrap_or_else(|failure| failure.answer(id).into())
    }

    async fn answered(&self, packet: Packet, id: u32) -> Done<Packet> {
        let attrs = |attrs| Packet::Attrs(Attrs { id, attrs });
        let handle = |handle| Packet::Handle(Handle { id, handle });
        let plain = |()| done(id);
        match packet {
            Packet::Open(asked) => self.open(&asked.filename, asked.pflags, &asked.attrs).await.map(handle),
            Packet::Close(asked) => self.close(&asked.handle).await.map(plain),
            // There are no links, so that LSTAT is STAT.
            Packet::Stat(asked) => self.stat(&asked.path).await.map(attrs),
            Packet::Lstat(asked) => self.stat(&asked.path).await.map(attrs),
            Packet::Fstat(asked) => self.fstat(&asked.handle).await.map(attrs),
            Packet::SetStat(asked) => self.set(&asked.path, &asked.attrs).await.map(plain),
            Packet::FSetStat(asked) => self.set_open(&asked.handle, &asked.attrs).await.map(plain),
            Packet::OpenDir(asked) => self.open_directory(&asked.path).await.map(handle),
            Packet::ReadDir(asked) => self.read_directory(&asked.handle).await.map(|files| Packet::Name(Name { id, files })),
            Packet::Remove(asked) => self.remove(&asked.filename).await.map(plain),
            Packet::MkDir(asked) => self.make_directory(&asked.path, &asked.attrs).await.map(plain),
            Packet::RmDir(asked) => self.remove_directory(&asked.path).await.map(plain),
            Packet::Rename(asked) => self.rename(&asked.oldpath, &asked.newpath, false).await.map(plain),
            Packet::RealPath(asked) => Ok(Packet::Name(Name { id, files: vec![self.named(absolute(&asked.path))] })),
            Packet::ReadLink(_) => Err(Failure::because("there are no symbolic links here")),
            Packet::Symlink(_) => Err(Failure::unsupported("there are no symbolic links here")),
            Packet::Extended(asked) => self.extended(id, &asked.request, &asked.data).await,
            _ => Err(Failure::unsupported("clients ask for no such thing")),
        }
    }
}
