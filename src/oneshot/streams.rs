//! Standard input and output in the place of a file: their bytes are passed on as they come, without a copy on a disk.
//!
//! A read or a write may last without end. Each is done by a thread of its own, which nobody waits for if the program ends.

use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::thread::Builder;

use bytes::Bytes;
use eyre::{Result, WrapErr, eyre};
use p2p_engine::stream::{StreamReader, StreamWriter};
use p2p_service::failure::Advise;
use p2p_service::instance::Poured;
use p2p_service::output;
use rustix::fs::{OFlags, fcntl_getfl, fstat};
use tokio::sync::{mpsc, oneshot};

/// Size of the buffer for reading standard input, in bytes.
const CHUNK: usize = 64 << 10;

/// Returns true if a path stands for standard input or output.
pub(super) fn is_dash(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Refuses to read a standard input that this process was started without.
pub(super) fn require_stdin() -> Result<()> {
    if is_stdin_closed() {
        return Err(eyre!("standard input is closed"))
            .suggestion("`p2p put - --as NAME < FILE` stores FILE; < /dev/null is empty");
    }
    Ok(())
}

/// Gives all of standard input to an upload.
pub(super) async fn pour_in(mut writer: StreamWriter) -> Result<Poured> {
    let (sender, mut chunks) = mpsc::channel(1);
    let read = move || while sender.blocking_send(next_chunk()).is_ok() {};
    Builder::new().name("p2p-stdin".into()).spawn(read).wrap_err("cannot start a thread")?;
    loop {
        let chunk = tokio::select! {
            biased;
            () = writer.closed() => return Ok(Poured::All),
            chunk = chunks.recv() => chunk,
        };
        let poured = match chunk {
            Some(Ok(bytes)) if bytes.is_empty() => break,
            Some(Ok(bytes)) => writer.write(bytes).await,
            Some(Err(error)) => {
                writer.fail("standard input", &error).await;
                return Ok(Poured::All);
            }
            None => return Err(eyre!("the thread that reads standard input has ended")),
        };
        // The report of the upload says why it is over.
        if poured.is_err() {
            return Ok(Poured::All);
        }
    }
    let _ = writer.finish().await;
    Ok(Poured::All)
}

/// Reads the next bytes of standard input; none at its end.
fn next_chunk() -> io::Result<Bytes> {
    let mut bytes = vec![0; CHUNK];
    loop {
        match io::stdin().lock().read(&mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => {
                bytes.truncate(read?);
                return Ok(bytes.into());
            }
        }
    }
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
