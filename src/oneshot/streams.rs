//! Standard input and output in the place of a file. Intermediate files have no name, so that no other process can open them and
//! they vanish however the program ends.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use eyre::{Result, WrapErr, eyre};
use p2p_engine::OpenFile;
use p2p_service::failure::Advise;
use p2p_service::interrupt::interrupted;
use p2p_service::output;
use rustix::fs::{OFlags, fcntl_getfl, fstat};

/// Size of the buffer for reading standard input, in bytes.
const CHUNK: usize = 64 << 10;

/// Returns true if a path stands for standard input or output.
pub(super) fn is_dash(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Creates a file without a name, which is accessible to its owner alone.
pub(super) fn unnamed() -> Result<OpenFile> {
    let directory = std::env::temp_dir();
    let name = format!("a temporary file in {}", directory.display());
    // The file is made by O_TMPFILE with mode 0600, or removed as soon as it is made (open(2)).
    let file = tempfile::tempfile_in(&directory).wrap_err_with(|| format!("cannot make {name}"));
    Ok(OpenFile::new(file.suggestion("TMPDIR names another directory")?, &name))
}

/// Copies standard input into a file, since an upload reads its source from the start and must know its size beforehand.
pub(super) fn spooled_stdin() -> Result<OpenFile> {
    if is_stdin_closed() {
        return Err(eyre!("standard input is closed"))
            .suggestion("`p2p put - --as NAME < FILE` stores FILE; < /dev/null is empty");
    }
    let spool = unnamed()?;
    let (mut input, mut bytes) = (io::stdin().lock(), vec![0; CHUNK]);
    loop {
        let count = match input.read(&mut bytes) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error).wrap_err("cannot read standard input"),
        };
        let written = spool.file().write_all(&bytes[..count]);
        written.wrap_err_with(|| format!("cannot write {}", spool.name())).suggestion("TMPDIR names another directory")?;
    }
    Ok(OpenFile::new(spool.file().try_clone().wrap_err("cannot read standard input")?, "standard input"))
}

/// Returns true if this process was started without a standard input. The runtime then opens /dev/null for reading and writing in
/// its place, whereas a shell's `< /dev/null` opens it for reading only.
fn is_stdin_closed() -> bool {
    let Ok(null) = std::fs::metadata("/dev/null") else { return false };
    let is_null = fstat(io::stdin()).is_ok_and(|found| null.file_type().is_char_device() && found.st_rdev == null.rdev());
    is_null && fcntl_getfl(io::stdin()).is_ok_and(|flags| flags.contains(OFlags::RDWR))
}

/// Writes a whole file to standard output, on a thread that may block, so that an interruption can end the wait for a slow
/// reader.
pub(super) async fn pour_out(open: OpenFile) -> Result<()> {
    let pour = move || {
        let mut file: &File = open.file();
        let mut stdout = io::stdout().lock();
        file.rewind().and_then(|()| io::copy(&mut file, &mut stdout)).and_then(|_| stdout.flush())
    };
    tokio::select! {
        biased;
        poured = tokio::task::spawn_blocking(pour) => output::written(poured.wrap_err("cannot write to standard output")?),
        stop = interrupted() => Err(stop?.into()),
    }
}
