//! The least that the machine must do to store a gibibyte as one file a segment, whole or not at all, and to put it together again:
//! without hashes, network, catalog or threads. What `put` and `get` cost beyond this is their own.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Length of a segment in bytes.
const SEGMENT: usize = 64 << 10;
/// Number of disks that the segments are spread over.
const DISKS: u64 = 5;
/// Name of the part that a run of this benchmark as a process of its own is told by.
pub(crate) const PART: &str = "least";

/// Returns the command that stores the file `source` in a new directory.
pub(crate) fn storing(source: &Path, directory: &Path) -> Command {
    command("put", source, directory)
}

/// Returns the command that puts together in `target` what was stored in `directory`.
pub(crate) fn fetching(directory: &Path, target: &Path) -> Command {
    command("get", directory, target)
}

fn command(what: &str, from: &Path, to: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([PART, what]).arg(from).arg(to);
    command
}

/// Does what the arguments of such a command say.
pub(crate) fn run(mut arguments: impl Iterator<Item = String>) {
    let what = arguments.next();
    let (from, to) = (PathBuf::from(arguments.next().unwrap()), PathBuf::from(arguments.next().unwrap()));
    if what.as_deref() == Some("put") { store(&from, &to) } else { fetch(&from, &to) }
}

/// Reads segment after segment; writes each under a temporary name and renames it, as far as a power loss allows whole or not at all;
/// and makes all of them durable at once.
fn store(source: &Path, directory: &Path) {
    for disk in 0..DISKS {
        fs::create_dir_all(directory.join(format!("{disk}/incoming"))).unwrap();
        (0..256).for_each(|prefix| fs::create_dir(directory.join(format!("{disk}/{prefix:02x}"))).unwrap());
    }
    let (mut source, mut buffer) = (File::open(source).unwrap(), vec![0; SEGMENT]);
    for number in 0.. {
        match source.read_exact(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => break,
            read => read.unwrap(),
        }
        let unfinished = directory.join(format!("{}/incoming/{number}", number % DISKS));
        let mut file = OpenOptions::new().write(true).create_new(true).open(&unfinished).unwrap();
        file.write_all(&buffer).unwrap();
        fs::rename(&unfinished, place_of(directory, number)).unwrap();
    }
    rustix::fs::syncfs(File::open(directory).unwrap()).unwrap();
}

/// Reads segment after segment and writes each to one file, which is made durable.
fn fetch(directory: &Path, target: &Path) {
    let (mut target, mut buffer) = (File::create_new(target).unwrap(), vec![0; SEGMENT]);
    for number in 0.. {
        let mut file = match File::open(place_of(directory, number)) {
            Err(error) if error.kind() == ErrorKind::NotFound => break,
            file => file.unwrap(),
        };
        file.read_exact(&mut buffer).unwrap();
        target.write_all(&buffer).unwrap();
    }
    target.sync_all().unwrap();
}

/// Returns the place of a segment: like digests, the names are spread evenly over the directories.
fn place_of(directory: &Path, number: u64) -> PathBuf {
    let name = format!("{:016x}{number:048x}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    directory.join(format!("{}/{}/{name}", number % DISKS, &name[..2]))
}
