//! One file after the other: from its source to its place, with its bar and its line.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use p2p_base::replacement::FileAttributes;
use p2p_base::spelling::visible_path;
use p2p_engine::EngineError;
use p2p_shell::bar::FileBar;
use p2p_ssh::client::sftp::{
    Attributes, Fetched, Kind, Progress, Sending, Sent, Sftp, SftpError, Step, Wanted, joined, last_name, own_name, shown,
};
use p2p_store::segment::Sha256Digest;
use tokio::time::Instant;

use super::local::{Place, Source};
use super::report::{FileLine, text_of};
use super::{Asked, Failure};
use crate::operand::is_dash;

/// Files that are transferred in a session.
pub(super) struct Transfers<'a> {
    pub(super) sftp: &'a Sftp,
    pub(super) asked: &'a Asked,
    /// True if progress is drawn.
    pub(super) is_drawn: bool,
}

/// Time after which it is said that the host has not opened a file yet.
const SAID_AFTER: Duration = Duration::from_secs(1);

/// Bar of a file, with the figures behind it.
struct Drawn {
    bar: FileBar,
    begun: Instant,
    size: Option<u64>,
    /// Bytes that were there at the begin; `None` before it.
    before: Option<u64>,
}

impl Drawn {
    /// Draws so many bytes as done, and measures them from the first time on.
    fn set(&mut self, done: u64) {
        self.bar.set(done);
        let before = *self.before.get_or_insert_with(|| {
            self.begun = Instant::now();
            done
        });
        let seconds = self.begun.elapsed().as_secs_f64();
        let rate = Some(done.saturating_sub(before) as f64 / seconds).filter(|rate| rate.is_finite() && *rate > 0.0);
        let left = rate.zip(self.size).map(|(rate, size)| size.saturating_sub(done) as f64 / rate);
        self.bar.measure_here(rate, left);
    }

    /// Draws what the host has stored of a file that is sent.
    fn follow(&mut self, now: Progress) {
        match now.step {
            Step::Opening if self.begun.elapsed() < SAID_AFTER => {}
            Step::Opening => self.bar.say("the host still opens it"),
            Step::Storing if self.size.is_none_or(|size| now.stored >= size) => {
                self.set(now.stored);
                self.bar.say("storing");
            }
            Step::Sending | Step::Storing => self.set(now.stored),
        }
    }
}

impl Transfers<'_> {
    fn drawn(&self, name: &str, size: Option<u64>) -> Drawn {
        let bar = if self.is_drawn { FileBar::new(&shown(name), size) } else { FileBar::hidden() };
        Drawn { bar, begun: Instant::now(), size, before: None }
    }

    /// Sends a file of this machine. When `stop` is over, it is given up.
    ///
    /// # Errors
    /// Fails as [`Sftp::send`] does, and if the file cannot be read.
    pub(super) async fn put(&self, path: &Path, stop: impl Future<Output = ()> + Send) -> Result<FileLine, Failure> {
        tokio::pin!(stop);
        let source = Source::open(path)?;
        let target = tokio::select! {
            biased;
            target = self.target(source.name.as_deref()) => target?,
            () = &mut stop => return Err(SftpError::Stopped.into()),
        };
        let sending = Sending {
            target: &target,
            size: source.size,
            replaces: self.asked.force,
            keeps: self.asked.resume,
            attributes: source.attributes.filter(|_| self.asked.preserve),
        };
        let mut drawn = self.drawn(&target, source.size);
        let sent = self.sftp.send(sending, source.content, |now| drawn.follow(now), stop).await;
        let seconds = drawn.begun.elapsed().as_secs_f64();
        drop(drawn);
        let Sent { bytes, kept, sha256, is_compared } = sent.map_err(|error| of_source(error, path))?;
        Ok(self.line(target, path, (bytes, kept), (sha256, is_compared), seconds))
    }

    /// Returns the path at the host for a file with this name of its own.
    async fn target(&self, own: Option<&str>) -> Result<String, Failure> {
        let Some(name) = self.asked.name.as_deref() else {
            return own
                .map(str::to_owned)
                .ok_or_else(|| Failure::operand("the file has no name of its own; give it one with --as NAME"));
        };
        let is_several = self.asked.paths.len() > 1;
        let is_directory = name.ends_with('/') || self.sftp.find(name).await?.is_some_and(|found| found.kind == Kind::Directory);
        match own.filter(|_| is_directory) {
            Some(own) => Ok(joined(name, own)),
            None if is_several => Err(Failure::operand(format!(
                "several files cannot all be `{}`; with a / at its end it is a directory",
                shown(name)
            ))),
            None => Ok(name.to_owned()),
        }
    }

    /// Fetches a file of the host; none if it goes to standard output and nobody reads that any more. When `stop` is over, it is given up.
    ///
    /// # Errors
    /// Fails as [`Sftp::fetch`] does, and if the file cannot be written.
    pub(super) async fn get(&self, path: &str, stop: impl Future<Output = ()> + Send) -> Result<Option<FileLine>, Failure> {
        tokio::pin!(stop);
        let there = tokio::select! {
            biased;
            there = self.sftp.stat(path) => there?,
            () = &mut stop => return Err(SftpError::Stopped.into()),
        };
        if there.kind != Kind::File {
            return Err(SftpError::NoFile { host: self.sftp.host().to_owned(), path: path.to_owned() }.into());
        }
        let local = self.place(path)?;
        let place = Place::begin(&local, self.asked.force, self.asked.resume, &there)?;
        let unwritable = |error: io::Error| EngineError::Destination { path: local.clone(), reason: error.to_string() };
        let (from, kept) = place.kept().map_err(unwritable)?;
        let sink = place.sink().map_err(unwritable)?;
        let mut drawn = self.drawn(path, there.bytes);
        let fetched = self.sftp.fetch(Wanted { path, from, kept }, sink, |at| drawn.set(at), stop).await;
        let seconds = drawn.begun.elapsed().as_secs_f64();
        drop(drawn);
        let Fetched { bytes, sha256, is_compared } = match fetched {
            Ok(fetched) => fetched,
            // A reader that needs no more, as `head`, is no failure; neither is it a file.
            Err(SftpError::Local(error)) if error.kind() == io::ErrorKind::BrokenPipe && is_dash(&local) => return Ok(None),
            Err(error) => {
                place.give_up(&there, goes_on(&error));
                return Err(match error {
                    SftpError::Local(error) if is_dash(&local) => Failure::Output(error),
                    SftpError::Local(error) => unwritable(error).into(),
                    error => error.into(),
                });
            }
        };
        let attributes = self.asked.preserve.then(|| attributes_of(&there)).flatten();
        place.finish(attributes).map_err(unwritable)?;
        Ok(Some(self.line(path.to_owned(), &local, (bytes, from), (sha256, is_compared), seconds)))
    }

    /// Returns the path here for a file of the host.
    fn place(&self, path: &str) -> Result<PathBuf, Failure> {
        let own = last_name(path);
        match &self.asked.out {
            Some(out) if is_dash(out) => Ok(out.clone()),
            Some(out) if !out.is_dir() && self.asked.paths.len() > 1 => {
                Err(Failure::operand(format!("several files cannot all be {}, which is no directory", visible_path(out))))
            }
            Some(out) if !out.is_dir() => Ok(out.clone()),
            out => {
                let name = own.ok_or_else(|| Failure::operand(format!("`{}` is the name of no file", shown(path))))?;
                Ok(out.as_deref().map_or_else(|| PathBuf::from(own_name(name)), |directory| directory.join(own_name(name))))
            }
        }
    }

    fn line(
        &self,
        path: String,
        local: &Path,
        (bytes, kept_bytes): (u64, u64),
        (sha256, compared): ([u8; 32], bool),
        seconds: f64,
    ) -> FileLine {
        let moved = bytes.saturating_sub(kept_bytes) as f64;
        FileLine {
            host: self.sftp.host().to_owned(),
            path: text_of(&path),
            local: visible_path(local),
            bytes,
            kept_bytes,
            sha256: Sha256Digest::from_bytes(sha256),
            compared,
            seconds,
            bytes_per_second: if seconds > 0.0 { moved / seconds } else { 0.0 },
        }
    }
}

/// Returns the error of a transfer, whose own failure is that of reading its source.
fn of_source(error: SftpError, path: &Path) -> Failure {
    match error {
        SftpError::Local(error) => EngineError::Source { path: path.to_owned(), reason: error.to_string() }.into(),
        error => error.into(),
    }
}

/// Returns true if what was fetched before such an error is of use for the next attempt.
fn goes_on(error: &SftpError) -> bool {
    !matches!(error, SftpError::Changed { .. } | SftpError::Differs { .. } | SftpError::Unsound { .. })
}

/// Returns the attributes that a file gets here, if the host tells them.
fn attributes_of(there: &Attributes) -> Option<FileAttributes> {
    Some(FileAttributes { modified: there.modified?, mode: there.mode? })
}
