//! A file that is sent: writes of which many are under way, and what of them is stored meanwhile.

use std::convert::Infallible;
use std::io::{self, Read};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use p2p_base::hex::hex;
use russh_sftp::client::error::Error;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use super::parts::{Part, Plan, Sending};
use super::threads::{Piece, Whole, reading};
use super::window::Window;
use super::{Sftp, SftpError};

/// Time between two looks at what is stored.
const LOOK: Duration = Duration::from_millis(200);

/// File that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Bytes of it that were kept at the host before.
    pub kept: u64,
    /// SHA-256 of it.
    pub sha256: [u8; 32],
    /// True if the host has told the same SHA-256.
    pub is_compared: bool,
}

/// Step of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Step {
    /// The host has not opened the file yet: it ends an earlier upload of it first, perhaps.
    #[default]
    Opening,
    /// The content is on its way.
    Sending,
    /// All of the content was sent, and the host makes a file of it.
    Storing,
}

/// Progress of a file that is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Step at which it is.
    pub step: Step,
    /// Bytes that are stored: those that nodes have acknowledged, where the host tells of them, and otherwise those whose writes the host has
    /// answered.
    pub stored: u64,
}

/// Progress of a transfer, which is looked at while it goes on.
#[derive(Debug, Default)]
pub(super) struct Gauge(Mutex<Progress>);

impl Gauge {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        // A panic while the lock was held leaves a complete value.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the progress.
    pub(super) fn now(&self) -> Progress {
        *self.progress()
    }

    fn enter(&self, step: Step) {
        self.progress().step = step;
    }

    /// Notes that so many bytes are stored. They become no fewer.
    fn note(&self, stored: u64) {
        let mut progress = self.progress();
        progress.stored = progress.stored.max(stored);
    }
}

impl Sftp {
    /// Sends all that a source has, and calls `told` with the progress at intervals. The file appears under its name once all of it is there, and is
    /// compared with the SHA-256 of the host, if that tells such. When `stop` is over, the transfer is given up. What a transfer that fails has
    /// begun is removed, unless it is to be kept.
    ///
    /// # Errors
    /// Fails if the host refuses or has such a file already, if the connection ends, if the source cannot be read, or if `stop` was over.
    pub async fn send(
        &self,
        sending: Sending<'_>,
        source: impl Read + Send + 'static,
        mut told: impl FnMut(Progress) + Send,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<Sent, SftpError> {
        tokio::pin!(stop);
        let plan = tokio::select! {
            biased;
            plan = self.planned(&sending) => plan?,
            () = &mut stop => return Err(SftpError::Stopped),
        };
        let gauge = Gauge::default();
        let opened = tokio::select! {
            biased;
            opened = self.opened(&plan, &sending) => opened.map_err(Some),
            never = self.watch(&plan, &gauge, &mut told) => match never {},
            () = &mut stop => Err(None),
        };
        let part = match opened {
            Ok(part) => part,
            Err(Some(error)) => return Err(error),
            Err(None) if sending.keeps => return Err(SftpError::Stopped),
            // The host may have opened it by now.
            Err(None) => return Err(self.undone(&plan, None, SftpError::Stopped).await),
        };
        gauge.enter(Step::Sending);
        gauge.note(part.kept);
        told(gauge.now());
        let work = async {
            let whole = self.write(&plan, &part, source, &gauge).await?;
            gauge.enter(Step::Storing);
            self.complete(&plan, &part, &sending, &whole).await?;
            Ok(whole)
        };
        let written = tokio::select! {
            biased;
            written = work => written,
            never = self.watch(&plan, &gauge, &mut told) => match never {},
            () = stop => Err(SftpError::Stopped),
        };
        let whole = match written {
            Ok(whole) => whole,
            // Without CLOSE a server of this program keeps what it has, and makes no file of it.
            Err(error) if sending.keeps => return Err(self.kept(error, &plan, gauge.now())),
            Err(error) => return Err(self.undone(&plan, Some(&part), error).await),
        };
        // From here on it is a matter of moments, which nothing interrupts.
        match self.placed(&plan, &sending, &whole).await {
            Ok(is_compared) => {
                gauge.note(whole.bytes);
                told(gauge.now());
                Ok(Sent { bytes: whole.bytes, kept: part.kept, sha256: whole.sha256, is_compared })
            }
            Err(error) => Err(self.undone(&plan, Some(&part), error).await),
        }
    }

    /// Looks at intervals at what is stored, and tells it.
    async fn watch(&self, plan: &Plan, gauge: &Gauge, told: &mut (impl FnMut(Progress) + Send)) -> Infallible {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            if let Some(aside) = self.aside.as_ref().filter(|_| plan.is_direct && gauge.now().step != Step::Opening)
                && let Some(stored) = aside.stored_of(&plan.path).await
            {
                gauge.note(stored);
            }
            told(gauge.now());
        }
    }

    /// Returns the error of a transfer of which something is kept: an interruption says how much.
    fn kept(&self, error: SftpError, plan: &Plan, now: Progress) -> SftpError {
        let host = self.host.clone();
        match error {
            // Nothing recalls a CLOSE.
            SftpError::Stopped if plan.is_direct && now.step == Step::Storing => {
                SftpError::Complete { host, path: plan.target.clone() }
            }
            SftpError::Stopped => SftpError::Kept { host, bytes: now.stored },
            error => error,
        }
    }

    /// Writes what is not there yet of a source, and returns what all of it is.
    async fn write(
        &self,
        plan: &Plan,
        part: &Part,
        source: impl Read + Send + 'static,
        gauge: &Gauge,
    ) -> Result<Whole, SftpError> {
        let mut pieces = reading(source, part.kept, self.lengths.1 as usize)?;
        let (mut window, mut end) = (Window::<(u64, Result<(), Error>)>::default(), None);
        let mut at = part.kept;
        // What a host that tells of uploads has taken in is not stored yet.
        let is_stored = !plan.is_direct || self.aside.is_none();
        loop {
            if window.is_empty()
                && let Some(whole) = end
            {
                return Ok(whole);
            }
            tokio::select! {
                biased;
                Some((end, answer)) = window.next() => {
                    answer.map_err(|error| self.failed(error, &plan.target))?;
                    if is_stored {
                        gauge.note(end);
                    }
                }
                piece = next_of(&mut pieces), if end.is_none() && window.has_room() => match piece {
                    Piece::Data(data) => {
                        let (raw, handle, offset) = (self.raw.clone(), part.handle.clone(), at);
                        at += data.len() as u64;
                        let done = at;
                        window.push(async move { (done, raw.write(handle, offset, data.into()).await.map(drop)) }).await;
                    }
                    Piece::End(whole) => end = Some(whole),
                    Piece::Failed(error) => return Err(error.into()),
                },
            }
        }
    }

    /// Compares a file at the host with what it is to be by its SHA-256. Returns false if the host tells none.
    ///
    /// # Errors
    /// Fails if it is another, or if the connection ends.
    pub(super) async fn compare(&self, path: &str, whole: &Whole) -> Result<bool, SftpError> {
        match self.sha256(path).await? {
            None => Ok(false),
            Some(sha256) if sha256 == whole.sha256 => Ok(true),
            Some(sha256) => {
                let told = |sha256: &[u8]| format!("the SHA-256 {}", hex(sha256));
                Err(self.differs(path, told(&sha256), hex(&whole.sha256)))
            }
        }
    }

    pub(super) fn differs(&self, path: &str, there: String, here: String) -> SftpError {
        SftpError::Differs { host: self.host.clone(), path: path.to_owned(), known: Box::new((there, here)) }
    }
}

/// Waits for the next piece of a source.
async fn next_of(pieces: &mut mpsc::Receiver<Piece>) -> Piece {
    let gone = || Piece::Failed(io::Error::other("nobody reads what is to be sent"));
    pieces.recv().await.unwrap_or_else(gone)
}
