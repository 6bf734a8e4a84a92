//! Sources and destinations whose bytes are passed on as they come, without a copy on a disk: standard input and output, and files of
//! which an upload is continued.
//!
//! A read or a write may last without end. Each is done by a thread of its own, which nobody waits for if the program ends.

use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::PathBuf;
use std::thread::Builder;

use bytes::Bytes;
use eyre::{Result, WrapErr, eyre};
use p2p_base::source_file::Unchanging;
use p2p_base::spelling::visible_path;
use p2p_engine::stream::prefix::{OtherContent, Prefix};
use p2p_engine::stream::{StreamReader, StreamWriter};
use p2p_service::failure::Advise;
use p2p_service::instance::Poured;
use p2p_service::output;
use rustix::fs::{OFlags, fcntl_getfl, fstat};
use tokio::sync::{mpsc, oneshot};

/// Size of the buffer for reading standard input, in bytes.
const CHUNK: usize = 64 << 10;

/// Next step if an upload cannot be continued with what is given.
const OTHER_CONTENT: &str = "give the same content again; what is kept stays, and `p2p uploads --forget ID` undoes it";

/// Refuses to read a standard input that this process was started without.
pub(super) fn require_stdin() -> Result<()> {
    if is_stdin_closed() {
        return Err(eyre!("standard input is closed"))
            .suggestion("`p2p put - --as NAME < FILE` stores FILE; < /dev/null is empty");
    }
    Ok(())
}

/// Place from which an upload is read.
#[derive(Debug)]
pub(super) enum Origin {
    Stdin,
    File(Unchanging, PathBuf),
}

impl Origin {
    /// Returns the name for messages.
    fn name(&self) -> String {
        match self {
            Origin::Stdin => "standard input".to_owned(),
            Origin::File(_, path) => visible_path(path),
        }
    }

    /// Reads the next bytes; none at the end.
    fn next_chunk(&mut self) -> io::Result<Bytes> {
        let mut bytes = vec![0; CHUNK];
        loop {
            let read = match self {
                Origin::Stdin => io::stdin().lock().read(&mut bytes),
                Origin::File(file, _) => file.read(&mut bytes),
            };
            match read {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => {
                    bytes.truncate(read?);
                    return Ok(bytes.into());
                }
            }
        }
    }
}

/// Bytes that an upload which is continued has already: they are compared with what the origin gives, and then told.
#[derive(Debug)]
pub(super) struct Kept {
    prefix: Prefix,
    /// Line that says what is continued, until it is known that it is.
    told: Option<String>,
}

impl Kept {
    /// Creates the comparison; `told` says what is continued once it has come out.
    pub(super) const fn new(prefix: Prefix, told: String) -> Kept {
        Kept { prefix, told: Some(told) }
    }

    /// Takes the next bytes of the origin, and returns those that follow what the upload has.
    fn check(&mut self, bytes: Bytes) -> Result<Bytes, OtherContent> {
        let rest = self.prefix.check(bytes)?;
        if self.prefix.missing() == 0 {
            self.told.take().into_iter().for_each(output::tell);
        }
        Ok(rest)
    }
}

/// Gives all that an origin has to an upload. What the upload has already is compared with it and not given again.
///
/// # Errors
/// Fails if the origin does not begin with what the upload has, before anything is given.
pub(super) async fn pour_in(mut writer: StreamWriter, mut kept: Option<Kept>, mut origin: Origin) -> Result<Poured> {
    let (sender, mut chunks) = mpsc::channel(1);
    let name = origin.name();
    let read = move || while sender.blocking_send(origin.next_chunk()).is_ok() {};
    Builder::new().name("p2p-source".into()).spawn(read).wrap_err("cannot start a thread")?;
    loop {
        let chunk = tokio::select! {
            biased;
            () = writer.closed() => return Ok(Poured::All),
            chunk = chunks.recv() => chunk,
        };
        let poured = match chunk {
            Some(Ok(bytes)) if bytes.is_empty() => break,
            Some(Ok(bytes)) => match kept.as_mut().map_or(Ok(bytes.clone()), |kept| kept.check(bytes)) {
                Ok(rest) => writer.write(rest).await,
                Err(other) => return Err(eyre!("{name} is not what was interrupted: {other}")).suggestion(OTHER_CONTENT),
            },
            Some(Err(error)) => {
                writer.fail(&name, &error).await;
                return Ok(Poured::All);
            }
            None => return Err(eyre!("the thread that reads {name} has ended")),
        };
        // The report of the upload says why it is over.
        if poured.is_err() {
            return Ok(Poured::All);
        }
    }
    if let Some(missing) = kept.map(|kept| kept.prefix.missing()).filter(|&missing| missing > 0) {
        let problem = format!("{name} is not what was interrupted: it ends {missing} bytes before the end of what is kept");
        return Err(eyre!(problem)).suggestion(OTHER_CONTENT);
    }
    let _ = writer.finish().await;
    Ok(Poured::All)
}

/// Writes all that a download delivers to standard output.
pub(super) async fn pour_out(mut reader: StreamReader) -> Result<Poured> {
    let (sender, pieces) = mpsc::channel(1);
    let (told, written) = oneshot::channel();
    let write = move || drop(told.send(write_all(pieces)));
    Builder::new().name("p2p-stdout".into()).spawn(write).wrap_err("cannot start a thread")?;
    // The report of a download that is not complete says why.
    while let Ok(Some(bytes)) = reader.read().await {
        if sender.send(bytes).await.is_err() {
            break;
        }
    }
    drop(sender);
    let written = written.await.unwrap_or_else(|_| Err(io::Error::other("the thread that writes it has ended")));
    let is_closed = written.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
    output::written(written)?;
    Ok(if is_closed { Poured::Enough } else { Poured::All })
}

fn write_all(mut pieces: mpsc::Receiver<Bytes>) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    while let Some(bytes) = pieces.blocking_recv() {
        stdout.write_all(&bytes)?;
    }
    stdout.flush()
}

/// Returns true if this process was started without a standard input. The runtime then opens /dev/null for reading and writing in
/// its place, whereas a shell's `< /dev/null` opens it for reading only.
fn is_stdin_closed() -> bool {
    let Ok(null) = std::fs::metadata("/dev/null") else { return false };
    let is_null = fstat(io::stdin()).is_ok_and(|found| null.file_type().is_char_device() && found.st_rdev == null.rdev());
    is_null && fcntl_getfl(io::stdin()).is_ok_and(|flags| flags.contains(OFlags::RDWR))
}
