//! Recordings: what was asked of an engine and at which virtual instant, so that the same run can be had again.
//!
//! ```text
//! magic and version (8 bytes), then frames: length (u32, little-endian), bincode
//! frames: the configuration, a frame for each file that was there, one for each command, an end with the trace hash
//! ```
//!
//! Only commands that change the run are kept, and of those only what was not refused; names and paths are in them. What an
//! upload read is not kept: a replay reads the same files again. Knows nothing of who asked.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::command::{Command, EngineError};
use super::config::EngineConfig;
use super::io::InlineIo;
use super::simulation::{Progress, Simulation, Token};
use crate::codec;
use crate::private_file::{create_directory, directory_of};
use crate::replacement::{Existing, Replacement};
use crate::storage::catalog::Catalog;
use crate::storage::local_disk::segment_path;
use crate::storage::manifest::{FileKey, Manifest};
use crate::units::SimTime;

const MAGIC: &[u8; 8] = b"p2prec\0\x01";
/// The version of frames.
const VERSION: u8 = 4;
/// No frame has more bytes.
const FRAME_MAX: u32 = 64 << 20;

/// What a recording consists of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Frame {
    /// The engine as it was started.
    Start { config: Box<EngineConfig> },
    /// A file that it found.
    File(Box<Manifest>),
    /// A command and the instant at which it was taken in.
    Command { at: SimTime, command: Command },
    /// The end: when, and the hash of all that had happened.
    End { at: SimTime, trace_hash: String },
}

/// Why a recording cannot be made or replayed.
#[derive(Debug, Error)]
pub enum RecordingError {
    /// The file cannot be used.
    #[error("cannot use the recording {path}: {error}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The file is no recording, or is cut off in its middle.
    #[error("{path} is no recording that can be replayed: {reason}", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// A file that was stored when the recording began is stored no longer.
    #[error("the session began with the file `{file}`, of which segments are no longer in {path}", path = path.display())]
    FileGone {
        /// The file.
        file: FileKey,
        /// The data directory.
        path: PathBuf,
    },
    /// The engine cannot be set up again.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Writes a recording. Every command is in the file when it takes effect.
#[derive(Debug)]
pub(super) struct Recorder {
    file: File,
}

impl Recorder {
    /// Begins a recording at `path`, which must not exist.
    pub(super) fn begin(path: &Path, config: &EngineConfig, catalog: &Catalog) -> Result<Recorder, RecordingError> {
        let failed = |error| RecordingError::Io { path: path.to_owned(), error };
        create_directory(directory_of(path)).map_err(failed)?;
        // For the owner's eyes: it says what was stored and where from.
        let mut begun = Replacement::create_private(path, Existing::Refused).map_err(failed)?;
        begun.write_all(MAGIC).map_err(failed)?;
        write_frame(&mut begun, &Frame::Start { config: Box::new(config.clone()) }).map_err(failed)?;
        for file in catalog.files().map_err(EngineError::from)? {
            let manifest = catalog.manifest(&file.key).map_err(EngineError::from)?;
            write_frame(&mut begun, &Frame::File(Box::new(manifest))).map_err(failed)?;
        }
        Ok(Recorder { file: begun.finish().map_err(failed)? })
    }

    /// Keeps a command, if it changes the run.
    pub(super) fn note(&mut self, at: SimTime, command: &Command) -> io::Result<()> {
        if !changes_the_run(command) {
            return Ok(());
        }
        write_frame(&mut self.file, &Frame::Command { at, command: command.clone() })
    }

    pub(super) fn end(mut self, at: SimTime, trace_hash: String) -> io::Result<()> {
        write_frame(&mut self.file, &Frame::End { at, trace_hash })
    }
}

fn write_frame(file: &mut impl Write, frame: &Frame) -> io::Result<()> {
    let bytes = codec::encode(VERSION, frame).map_err(io::Error::other)?;
    let mut framed = (bytes.len() as u32).to_le_bytes().to_vec();
    framed.extend(bytes);
    file.write_all(&framed)
}

fn changes_the_run(command: &Command) -> bool {
    use Command::{Adopt, Cancel, CheckHealth, Download, Remove, SetLink, Share, Shutdown, Upload};
    let changes_files = matches!(command, Upload { .. } | Download { .. } | Remove { .. } | Share { .. } | Adopt { .. });
    changes_files || matches!(command, Cancel { .. } | CheckHealth | SetLink { .. } | Shutdown { .. })
}

/// What a replay came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// How many commands there were.
    pub commands: u64,
    /// The instant of the recording's end, or of its last command where it was cut off.
    pub at: SimTime,
    /// The trace hash of this run.
    pub trace_hash: String,
    /// The one that was recorded; `None` where the recording was cut off.
    pub recorded_hash: Option<String>,
}

/// Runs a recording again, in `scratch`, as fast as the machine can.
///
/// # Errors
/// Where the recording is damaged, or what it began with is no longer there.
pub fn replay(path: &Path, scratch: &Path) -> Result<Replayed, RecordingError> {
    let mut frames = read(path)?.into_iter().peekable();
    let malformed = |reason: &str| RecordingError::Malformed { path: path.to_owned(), reason: reason.into() };
    let Some(Frame::Start { config }) = frames.next() else { return Err(malformed("it has no beginning")) };
    let mut files = Vec::new();
    while let Some(Frame::File(_)) = frames.peek() {
        if let Some(Frame::File(file)) = frames.next() {
            files.push(*file);
        }
    }
    let config = EngineConfig { data_dir: scratch.join("data"), ..restore(*config, &files, scratch)? };
    let mut simulation = Simulation::open(config, Box::new(InlineIo::default()))?;
    let mut replayed = Replayed { commands: 0, at: SimTime::ZERO, trace_hash: String::new(), recorded_hash: None };
    for frame in frames {
        match frame {
            Frame::Start { .. } | Frame::File(_) => return Err(malformed("it begins a second time")),
            Frame::Command { at, command } => {
                advance(&mut simulation, at);
                replayed.commands += 1;
                replayed.at = at;
                simulation.apply(Token(replayed.commands), elsewhere(command, scratch, replayed.commands));
            }
            Frame::End { at, trace_hash } => {
                advance(&mut simulation, at);
                (replayed.at, replayed.recorded_hash) = (at, Some(trace_hash));
            }
        }
    }
    advance(&mut simulation, replayed.at);
    replayed.trace_hash = simulation.trace_hash().to_string();
    Ok(replayed)
}

fn advance(simulation: &mut Simulation, until: SimTime) {
    loop {
        match simulation.advance(until, u32::MAX) {
            Progress::Reached | Progress::Still => return,
            Progress::Blocked => drop(simulation.wait()),
            Progress::Working => while simulation.poll_reply().is_some() {},
        }
        while simulation.poll_event().is_some() {}
    }
}

/// What a replay fetches does not go where it went.
fn elsewhere(command: Command, scratch: &Path, number: u64) -> Command {
    match command {
        Command::Download { user, file, .. } => {
            Command::Download { user, file, path: scratch.join(format!("fetched-{number}")), overwrite: true }
        }
        other => other,
    }
}

/// Puts the files that were there at the start into the scratch directory: their segments from the data directory of the
/// recording.
fn restore(config: EngineConfig, files: &[Manifest], scratch: &Path) -> Result<EngineConfig, RecordingError> {
    let (from, to) = (config.data_dir.clone(), scratch.join("data"));
    let failed = |error| RecordingError::Io { path: to.clone(), error };
    create_directory(&to).map_err(failed)?;
    let catalog = Catalog::open(&to.join("catalog.redb")).map_err(EngineError::from)?;
    for manifest in files {
        for (node, ids) in manifest.by_holder() {
            let place = |base: &Path, id| segment_path(&base.join("nodes").join(node.to_string()), id);
            for id in ids {
                let (source, target) = (place(&from, id), place(&to, id));
                create_directory(directory_of(&target)).map_err(failed)?;
                if !target.exists() {
                    let gone = |_| RecordingError::FileGone { file: manifest.file.key.clone(), path: from.clone() };
                    fs::hard_link(&source, &target).or_else(|_| fs::copy(&source, &target).map(drop)).map_err(gone)?;
                }
            }
        }
        catalog.commit_file(manifest).map_err(EngineError::from)?;
    }
    Ok(config)
}

/// The frames of a recording; one that is cut off ends it.
fn read(path: &Path) -> Result<Vec<Frame>, RecordingError> {
    let malformed = |reason: String| RecordingError::Malformed { path: path.to_owned(), reason };
    let mut bytes = Vec::new();
    let opened = File::open(path).and_then(|mut file| file.read_to_end(&mut bytes));
    opened.map_err(|error| RecordingError::Io { path: path.to_owned(), error })?;
    let mut rest = bytes.strip_prefix(MAGIC).ok_or_else(|| malformed("it does not begin as one".into()))?;
    let mut frames = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length);
        if length > FRAME_MAX {
            return Err(malformed(format!("a frame of {length} bytes")));
        }
        let Some((frame, after)) = after.split_at_checked(length as usize) else { break };
        frames.push(codec::decode(VERSION, frame).map_err(|error| malformed(error.to_string()))?);
        rest = after;
    }
    Ok(frames)
}
