//! Standard input and output in the place of a file. Whatever has to lie somewhere meanwhile has no name, so that nobody else can
//! open it and nothing is left of it, whatever the end is. Knows nothing of what is stored.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use eyre::{Result, WrapErr, eyre};
use rustix::fs::{OFlags, fcntl_getfl, fstat};

use crate::engine::OpenFile;
use crate::failure::Advise;
use crate::interrupt::interrupted;
use crate::output;

/// How much is read at a time.
const CHUNK: usize = 64 << 10;

/// Whether a path stands for standard input or output.
pub(super) fn is_dash(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// A file without a name, for its owner alone.
pub(super) fn unnamed() -> Result<OpenFile> {
    let directory = std::env::temp_dir();
    let name = format!("a temporary file in {}", directory.display());
    // O_TMPFILE with mode 0600, or removed as soon as it is made (open(2)).
    let file = tempfile::tempfile_in(&directory).wrap_err_with(|| format!("cannot make {name}"));
    Ok(OpenFile::new(file.suggestion("TMPDIR names another directory")?, &name))
}

/// Standard input in a file, since a source is read from the start and its size is known before.
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

/// Whether this process was started without a standard input: the runtime puts /dev/null in its place then, for reading and writing,
/// where a shell's `< /dev/null` is for reading alone.
fn is_stdin_closed() -> bool {
    let Ok(null) = std::fs::metadata("/dev/null") else { return false };
    let is_null = fstat(io::stdin()).is_ok_and(|found| null.file_type().is_char_device() && found.st_rdev == null.rdev());
    is_null && fcntl_getfl(io::stdin()).is_ok_and(|flags| flags.contains(OFlags::RDWR))
}

/// Gives all of a file to whoever reads standard output; a thread may wait for them, so that an interruption ends it.
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
