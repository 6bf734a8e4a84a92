//! Recordings: the commands to an engine with their virtual instants, so that the same run can be replayed.
//!
//! ```text
//! magic and version (8 bytes), then entries: length (u32, little-endian), digest (8 bytes), bincode
//! entries: the configuration, one for each fact of the start that is used, one for each command and for each input of a stream,
//!         marks of time, the end with its trace hash
//! ```
//!
//! The digest is the first 8 bytes of the SHA-256 of the previous entry's digest and the entry, so that a damaged, missing or
//! misplaced entry is detected before anything is replayed. At most thirty days of virtual time lie between two entries, which
//! bounds the work of a replay; marks keep to that bound while there are no commands.
//!
//! Only commands that change the run are recorded, and of those only the accepted ones; they contain names and paths. No content is
//! recorded. A replay reads the same local files again; of a stream of remote origin it repeats which segments arrived and were
//! taken at which instants, and zeros stand for what they contained.

use std::fs::File;
use std::io::{self, Write};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use p2p_base::codec;
use p2p_base::private_file::{create_directory, directory_of};
use p2p_base::replacement::{Existing, Replacement};
use p2p_base::spelling::visible_path;
use p2p_base::units::{SimDuration, SimTime};
use p2p_store::manifest::NodeNumber;
use p2p_store::names::FileKey;
use p2p_store::segment::Sha256Digest;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::config::EngineConfig;
use super::error::EngineError;
use super::first_use::Fact;
use super::operation::{Command, Source, Upload};
use super::peer::Peer;
use super::principal::{Caller, Origin};
use super::status::TransferId;
use super::stream::StreamInput;

mod replay;

pub use self::replay::{Recording, Replayed};

const MAGIC: &[u8; 8] = b"p2prec\0\x02";
/// Prefix of the recordings of every version.
const ANY_MAGIC: &[u8] = b"p2prec\0";
/// Version of the entry encoding.
const VERSION: u8 = 16;
/// Versions that had only some of the entries, the first of them, and are the same otherwise: 13 had no [`Entry::CommandOf`], 14 no
/// [`Entry::CommandWith`], facts of uploads by others, and operations on these, and none [`Entry::CommandExpecting`] and facts of what kept
/// uploads expect.
const VERSIONS_BEFORE: RangeInclusive<u8> = 13..=15;
/// Maximum size of an entry in bytes.
const ENTRY_MAX: u32 = 64 << 20;
/// Maximum size of a recording in bytes; a recording is read into memory as a whole.
const RECORDING_MAX: u64 = 1 << 30;
/// Size of an entry's digest in bytes.
const DIGEST_LEN: usize = 8;
/// Virtual time after which a mark is written.
const MARK_AFTER: SimDuration = SimDuration::from_secs(10 * 86_400);

/// Entry of a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Entry {
    /// Configuration with which the engine was started, and used bytes of each node.
    Start { config: Box<EngineConfig>, used: Vec<u64> },
    /// Fact of the state at the start, which the run has used for the first time.
    Fact(Fact),
    /// Operation, who called it, and the virtual instant at which it was accepted.
    Command { at: SimTime, caller: Caller, command: Command },
    /// Inputs of the streams of transfers that were found together, and the virtual instant at which they were.
    Streams { at: SimTime, inputs: Vec<(TransferId, StreamInput)> },
    /// Mark of the passing of virtual time.
    Mark { at: SimTime },
    /// End of the run: its virtual instant and the trace hash.
    End { at: SimTime, trace_hash: String },
    /// Operation as in [`Entry::Command`], of which another host than the client carries the transfers. Read as one.
    CommandOf { host: Peer, at: SimTime, caller: Caller, command: Command },
    /// Operation as in [`Entry::CommandOf`], with what is not part of its encoding. Read as an [`Entry::Command`].
    CommandWith { host: Peer, beside: Beside, at: SimTime, caller: Caller, command: Command },
    /// Operation as in [`Entry::CommandWith`] on a file of this digest alone. Read as an [`Entry::Command`].
    CommandExpecting { host: Peer, beside: Beside, expected: Sha256Digest, at: SimTime, caller: Caller, command: Command },
}

/// Parts of operations that came after the encoding of their operations was fixed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Beside {
    /// Owner of the tree in which an upload is stored, if it is another one than the caller.
    owner: Option<String>,
    /// Node to which the segments of an upload go while it can take them.
    preferred: Option<NodeNumber>,
}

impl Beside {
    /// Returns what belongs to an operation beside its encoding.
    fn of(command: &Command) -> Beside {
        match command {
            Command::Upload(upload) => Beside { owner: upload.owner.clone(), preferred: upload.preferred },
            _ => Beside::default(),
        }
    }

    /// Returns the operation with this.
    fn with(self, command: Command) -> Command {
        match command {
            Command::Upload(upload) => Upload { owner: self.owner, preferred: self.preferred, ..upload }.into(),
            other => other,
        }
    }
}

/// Returns the digest of the file that alone an operation may replace or remove, which is no part of its encoding.
fn expected_by(command: &Command) -> Option<Sha256Digest> {
    match command {
        Command::Upload(upload) => upload.stored_as.expected,
        Command::Remove(remove) => remove.expected,
        _ => None,
    }
}

/// Returns the operation for a file of this digest alone.
fn expecting(expected: Sha256Digest, mut command: Command) -> Command {
    match &mut command {
        Command::Upload(upload) => upload.stored_as.expected = Some(expected),
        Command::Remove(remove) => remove.expected = Some(expected),
        _ => {}
    }
    command
}

/// Reason why a recording cannot be made or replayed.
#[derive(Debug, Error)]
pub enum RecordingError {
    /// The file cannot be read or written.
    #[error("cannot use the recording {path}: {error}", path = visible_path(path))]
    Io {
        /// Path of the recording.
        path: PathBuf,
        /// Error of the operating system.
        error: io::Error,
    },
    /// The file is not a recording, or is damaged.
    #[error("{path} is no recording that can be replayed: {reason}", path = visible_path(path))]
    Malformed {
        /// Path of the recording.
        path: PathBuf,
        /// Description of the defect.
        reason: String,
    },
    /// A file that was stored when the recording began is no longer stored.
    #[error("the recorded run began with the file `{file}`, of which segments are no longer in {path}", path = visible_path(path))]
    FileGone {
        /// File that is missing.
        file: FileKey,
        /// Path of the data directory.
        path: PathBuf,
    },
    /// A segment of a file that the run did not use, but that it stored too, is no longer stored.
    #[error("the recorded run has stored segments that were stored already, and some are no longer in {path}", path = visible_path(path))]
    SegmentGone {
        /// Path of the data directory.
        path: PathBuf,
    },
    /// Some disk differs from what the catalog expects, while a replay restores every disk according to the catalog.
    #[error("not every node's disk is as the catalog expects it, and a replay would begin with sound ones")]
    Unsound,
    /// The replay was cancelled by its caller.
    #[error("the replay was given up")]
    GivenUp,
    /// The engine cannot be set up for the replay.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Writer of a recording. Every command is in the file when it takes effect.
#[derive(Debug)]
pub(super) struct Recorder {
    file: File,
    digest: Chain,
    /// Virtual instant of the latest entry.
    latest: SimTime,
}

/// Digest of the latest entry.
type Chain = [u8; DIGEST_LEN];

/// Returns the digest of an entry that follows one with the digest `before`.
fn link(before: Chain, entry: &[u8]) -> Chain {
    let whole = Sha256::new().chain_update(before).chain_update(entry).finalize();
    let mut digest = Chain::default();
    digest.copy_from_slice(&whole[..DIGEST_LEN]);
    digest
}

impl Recorder {
    /// Starts a recording at `path`, which must not exist.
    pub(super) fn begin(path: &Path, config: &EngineConfig, used: Vec<u64>) -> Result<Recorder, RecordingError> {
        let failed = |error| RecordingError::Io { path: path.to_owned(), error };
        create_directory(directory_of(path)).map_err(failed)?;
        // Readable by the owner only: the recording tells which files were stored and from which paths.
        let mut begun = Replacement::create_private(path, Existing::Refused).map_err(failed)?;
        let mut digest = Chain::default();
        begun.write_all(MAGIC).map_err(failed)?;
        write_entry(&mut begun, &mut digest, &Entry::Start { config: Box::new(config.clone()), used }).map_err(failed)?;
        Ok(Recorder { file: begun.finish().map_err(failed)?, digest, latest: SimTime::ZERO })
    }

    /// Records facts of the state at the start.
    pub(super) fn facts(&mut self, facts: Vec<Fact>) -> io::Result<()> {
        facts.into_iter().try_for_each(|fact| self.write(&Entry::Fact(fact)))
    }

    /// Records a command if it changes the run.
    pub(super) fn note(&mut self, at: SimTime, caller: &Caller, command: &Command) -> io::Result<()> {
        if !changes_the_run(command) {
            return Ok(());
        }
        let is_local_stream = matches!(command, Command::Upload(Upload { source: Source::Stream { .. }, .. }));
        if is_local_stream && caller.origin == Origin::Local {
            return Err(io::Error::other("the content of a stream of this machine is not recorded"));
        }
        self.latest = at;
        let (caller, command, beside) = (caller.clone(), command.clone(), Beside::of(command));
        self.write(&match (caller.host, expected_by(&command)) {
            (host, Some(expected)) => Entry::CommandExpecting { host, beside, expected, at, caller, command },
            (host, None) if beside != Beside::default() => Entry::CommandWith { host, beside, at, caller, command },
            (Peer::Client, None) => Entry::Command { at, caller, command },
            (host, None) => Entry::CommandOf { host, at, caller, command },
        })
    }

    /// Records inputs of streams that were found together.
    pub(super) fn streams(&mut self, at: SimTime, inputs: Vec<(TransferId, StreamInput)>) -> io::Result<()> {
        self.latest = at;
        self.write(&Entry::Streams { at, inputs })
    }

    /// Records a mark of the current instant if more than [`MARK_AFTER`] has passed since the latest entry.
    pub(super) fn mark(&mut self, at: SimTime) -> io::Result<()> {
        if at - self.latest < MARK_AFTER {
            return Ok(());
        }
        self.latest = at;
        self.write(&Entry::Mark { at })
    }

    pub(super) fn end(mut self, at: SimTime, trace_hash: String) -> io::Result<()> {
        self.write(&Entry::End { at, trace_hash })
    }

    fn write(&mut self, entry: &Entry) -> io::Result<()> {
        write_entry(&mut self.file, &mut self.digest, entry)
    }
}

fn write_entry(file: &mut impl Write, digest: &mut Chain, entry: &Entry) -> io::Result<()> {
    let bytes = codec::encode(VERSION, entry).map_err(io::Error::other)?;
    *digest = link(*digest, &bytes);
    let mut whole = (bytes.len() as u32).to_le_bytes().to_vec();
    whole.extend(*digest);
    whole.extend(bytes);
    file.write_all(&whole)
}

/// Returns true if a command changes what happens in the network or the content of the catalog. The match lists every command,
/// so that a new one cannot be added without a decision.
fn changes_the_run(command: &Command) -> bool {
    match command {
        Command::Upload(_)
        | Command::Download(_)
        | Command::Remove(_)
        | Command::ForgetUpload(_)
        | Command::ExpireUploads(_)
        | Command::MakeDirectory(_)
        | Command::Move(_)
        | Command::CopyFile(_)
        | Command::SetAttributes(_)
        | Command::Share(_)
        | Command::Adopt(_)
        | Command::Cancel(_)
        | Command::Park(_)
        | Command::CheckHealth(_)
        | Command::SetLink(_)
        | Command::Break(_)
        | Command::Mend(_)
        | Command::ClearFaults(_)
        | Command::StoreSegment(_)
        | Command::RetrieveSegment(_)
        | Command::DeleteSegment(_)
        | Command::AskNode(_)
        | Command::ShareUploads(_)
        | Command::Shutdown(_) => true,
        // No recorded run has volumes that do not belong to the catalog.
        Command::TreatOrphans(_) => false,
        Command::Await(_)
        | Command::ListUploads(_)
        | Command::ListFiles(_)
        | Command::ListDirectory(_)
        | Command::StatFile(_)
        | Command::ListNodes(_)
        | Command::StatStorage(_)
        | Command::StatUser(_)
        | Command::ListHosts(_)
        | Command::CountPackets(_)
        | Command::ListTransfers(_)
        | Command::TakeFailures(_)
        | Command::ListFaults(_)
        | Command::Sleep(_)
        | Command::WatchWire(_)
        | Command::ListPackets(_)
        | Command::ListConnections(_)
        | Command::StartCapture(_)
        | Command::StopCapture(_)
        | Command::SetSpeed(_)
        | Command::Pause(_)
        | Command::Resume(_)
        | Command::Step(_) => false,
    }
}

/// Returns the entries of a recording; an incomplete last entry is ignored.
fn entries_of(bytes: &[u8]) -> Result<Vec<Entry>, String> {
    let Some(mut rest) = bytes.strip_prefix(MAGIC) else {
        let is_other = bytes.starts_with(ANY_MAGIC);
        return Err(if is_other { "it was made by another version of p2p" } else { "it does not begin as one" }.into());
    };
    let (mut entries, mut digest) = (Vec::new(), Chain::default());
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length);
        if length > ENTRY_MAX {
            return Err(format!("an entry of {length} bytes"));
        }
        let Some((noted, after)) = after.split_first_chunk::<DIGEST_LEN>() else { break };
        let Some((entry, after)) = after.split_at_checked(length as usize) else { break };
        digest = link(digest, entry);
        if digest != *noted {
            return Err(format!("entry {} is damaged", entries.len() + 1));
        }
        entries.push(read_entry(entry).map_err(|error| error.to_string())?);
        rest = after;
    }
    Ok(entries)
}

/// Reads an entry of this version or of those before it.
fn read_entry(entry: &[u8]) -> Result<Entry, codec::DecodeError> {
    let version = codec::version_of(entry).filter(|version| VERSIONS_BEFORE.contains(version)).unwrap_or(VERSION);
    Ok(match codec::decode(version, entry)? {
        Entry::CommandExpecting { host, beside, expected, at, caller, command } => {
            let command = expecting(expected, beside.with(command));
            Entry::Command { at, caller: Caller { host, ..caller }, command }
        }
        Entry::CommandWith { host, beside, at, caller, command } => {
            Entry::Command { at, caller: Caller { host, ..caller }, command: beside.with(command) }
        }
        Entry::CommandOf { host, at, caller, command } => Entry::Command { at, caller: Caller { host, ..caller }, command },
        entry => entry,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use p2p_store::attributes::StoreAs;

    use super::*;
    use crate::operation::Remove;

    fn recorded(entries: &[Entry]) -> Vec<u8> {
        let file = tempfile::tempfile().unwrap();
        let mut recorder = Recorder { file, digest: Chain::default(), latest: SimTime::ZERO };
        recorder.file.write_all(MAGIC).unwrap();
        entries.iter().for_each(|entry| recorder.write(entry).unwrap());
        let mut bytes = Vec::new();
        io::Seek::rewind(&mut recorder.file).unwrap();
        recorder.file.read_to_end(&mut bytes).unwrap();
        bytes
    }

    pub(super) fn at(days: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(days * 86_400)
    }

    pub(super) fn command(days: u64) -> Entry {
        Entry::Command { at: at(days), caller: Caller::operator(), command: crate::operation::CheckHealth.into() }
    }

    /// Whatever byte is changed, nothing is replayed but what was recorded.
    #[test]
    fn a_damaged_byte_is_found() {
        let entries = [command(1), command(2), Entry::End { at: at(3), trace_hash: "0123456789abcdef".into() }];
        let bytes = recorded(&entries);
        assert_eq!(entries_of(&bytes).unwrap(), entries);
        for place in 0..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[place] ^= 1 << bit;
                // A length that is too long for what follows looks as if the recording had been cut off there.
                let read = entries_of(&damaged);
                assert!(read.as_ref().is_err() || read.as_ref().is_ok_and(|read| entries.starts_with(read) && read.len() < 3));
            }
        }
        for length in 0..bytes.len() {
            let read = entries_of(&bytes[..length]);
            assert!(read.map_or(length < MAGIC.len(), |read| entries.starts_with(&read)), "{length}");
        }
    }

    /// Returns the entries of these operations as they are recorded and read again.
    fn noted(noted: &[(SimTime, Caller, Command)]) -> Vec<Entry> {
        let file = tempfile::tempfile().unwrap();
        let mut recorder = Recorder { file, digest: Chain::default(), latest: SimTime::ZERO };
        recorder.file.write_all(MAGIC).unwrap();
        noted.iter().for_each(|(at, caller, command)| recorder.note(*at, caller, command).unwrap());
        let mut bytes = Vec::new();
        io::Seek::rewind(&mut recorder.file).unwrap();
        recorder.file.read_to_end(&mut bytes).unwrap();
        entries_of(&bytes).unwrap()
    }

    /// The host that carries the transfers of a caller is recorded, and the entries of earlier versions are read as those of the client.
    #[test]
    fn the_host_of_a_caller_is_recorded() {
        let host = Peer::Node(NodeNumber::from_index(1));
        let of_host = Caller { host, ..Caller::operator() };
        let check = Command::from(crate::operation::CheckHealth);
        let read = noted(&[(at(1), of_host.clone(), check.clone()), (at(2), Caller::operator(), check.clone())]);
        assert_eq!(read, [Entry::Command { at: at(1), caller: of_host, command: check }, command(2)]);
        for version in VERSIONS_BEFORE {
            assert_eq!(read_entry(&codec::encode(version, &command(3)).unwrap()).unwrap(), command(3));
        }
        assert!(read_entry(&codec::encode(VERSION + 1, &command(3)).unwrap()).is_err());
    }

    /// The preferred node of an upload is recorded, and an upload without one is recorded as it always was.
    #[test]
    fn the_preferred_node_of_an_upload_is_recorded() {
        let upload = |preferred| Command::from(Upload { preferred, ..Upload::of_file("a.bin".into(), None, 7) });
        let host = Peer::Node(NodeNumber::from_index(2));
        for (preferred, host) in
            [(None, Peer::Client), (Some(NodeNumber::from_index(0)), Peer::Client), (Some(NodeNumber::from_index(1)), host)]
        {
            let (caller, command) = (Caller { host, ..Caller::operator() }, upload(preferred));
            let read = noted(&[(at(1), caller.clone(), command.clone())]);
            assert_eq!(read, [Entry::Command { at: at(1), caller, command }]);
        }
        let plain = Entry::Command { at: at(1), caller: Caller::operator(), command: upload(None) };
        let before = codec::encode(*VERSIONS_BEFORE.start(), &plain).unwrap();
        assert_eq!(read_entry(&before).unwrap(), plain);
    }

    /// The digest that an upload or a removal expects is recorded, also beside what else is no part of their encodings.
    #[test]
    fn the_expected_content_is_recorded() {
        let expected = Some(Sha256Digest::of(b"a"));
        let upload = Upload::of_file("a.bin".into(), None, 7);
        let stored_as = StoreAs { replace: true, expected, ..StoreAs::default() };
        let commands = [
            Command::from(Upload { stored_as, ..upload.clone() }),
            Upload { stored_as, preferred: Some(NodeNumber::from_index(1)), owner: Some("alice".into()), ..upload }.into(),
            Remove { file: FileKey::unowned("a"), recursive: false, expected }.into(),
        ];
        for (command, host) in commands.into_iter().zip([Peer::Client, Peer::Node(NodeNumber::from_index(2)), Peer::Client]) {
            let caller = Caller { host, ..Caller::operator() };
            let read = noted(&[(at(1), caller.clone(), command.clone())]);
            assert_eq!(read, [Entry::Command { at: at(1), caller, command }]);
        }
    }

    /// Where nobody commands anything for long, the passing of time is recorded by itself.
    #[test]
    fn long_silences_are_marked() {
        let mut recorder = Recorder { file: tempfile::tempfile().unwrap(), digest: Chain::default(), latest: SimTime::ZERO };
        (0..100).for_each(|days| recorder.mark(at(days)).unwrap());
        assert_eq!(recorder.latest, at(90));
    }
}
