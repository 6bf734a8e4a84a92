//! Replay of a recording: the state of the start is restored in a directory of its own, and the same commands and inputs of streams
//! are given to a new engine at the same instants.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use p2p_base::private_file::{create_directory, directory_of};
use p2p_base::units::{SimDuration, SimTime};
use p2p_store::attributes::{Attributes, DIRECTORY_MODE};
use p2p_store::catalog::{Catalog, CatalogError};
use p2p_store::local_disk::segment_path;
use p2p_store::manifest::{NodeNumber, SegmentRecord};
use p2p_store::namespace::DirectoryRecord;
use p2p_store::segment::{SegmentId, SegmentSize};

use super::{Entry, RECORDING_MAX, RecordingError, entries_of};
use crate::config::EngineConfig;
use crate::error::EngineError;
use crate::first_use::{Fact, Restored};
use crate::io::InlineIo;
use crate::operation::{Command, Download, SEGMENT_BYTES_MAX, SegmentContent, Sink};
use crate::principal::{Caller, Origin};
use crate::simulation::{CommandId, Progress, Simulation};
use crate::stream::StreamInput;

/// Principal for whom a replay keeps the segments that files outside the recording need.
const OTHERS: &str = "files that the run has not used";
/// Maximum virtual time between two entries.
const GAP_MAX: SimDuration = SimDuration::from_secs(30 * 86_400);
/// Number of simulation steps of a replay between two checks for cancellation.
const BUDGET: u32 = 10_000;

/// Result of a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// Number of commands executed.
    pub commands: u64,
    /// Virtual instant of the recording's end, or of its last command if the end is missing.
    pub at: SimTime,
    /// Trace hash of the replayed run.
    pub trace_hash: String,
    /// Trace hash of the recorded run; `None` if the end is missing.
    pub recorded_hash: Option<String>,
}

/// Recording that was read and checked, up to its last complete entry.
#[derive(Debug)]
pub struct Recording {
    path: PathBuf,
    config: EngineConfig,
    /// Used bytes of each node at the start.
    used: Vec<u64>,
    /// State of the start, as far as the run has used it.
    restored: Restored,
    entries: Vec<Entry>,
}

impl Recording {
    /// Reads a recording that messages call `path`.
    ///
    /// # Errors
    /// Fails if the input cannot be read or is damaged.
    pub fn read(input: impl Read, path: &Path) -> Result<Recording, RecordingError> {
        let malformed = |reason: String| RecordingError::Malformed { path: path.to_owned(), reason };
        let mut bytes = Vec::new();
        let read = input.take(RECORDING_MAX + 1).read_to_end(&mut bytes);
        read.map_err(|error| RecordingError::Io { path: path.to_owned(), error })?;
        if bytes.len() as u64 > RECORDING_MAX {
            return Err(malformed(format!("it has more than {RECORDING_MAX} bytes")));
        }
        let mut entries = entries_of(&bytes).map_err(malformed)?.into_iter();
        let Some(Entry::Start { config, used }) = entries.next() else { return Err(malformed("it has no beginning".into())) };
        let mut restored = Restored::default();
        let rest = |entry| match entry {
            // Restored in its turn: it is that of an instant.
            Entry::Fact(fact) => restored.add(fact).map(|(owner, bytes)| Entry::Fact(Fact::Usage { owner, bytes })),
            entry => Some(entry),
        };
        let entries: Vec<Entry> = entries.filter_map(rest).collect();
        check_instants(&entries).and_then(|()| check_lengths(&entries)).map_err(|reason| malformed(reason.into()))?;
        Ok(Recording { path: path.to_owned(), config: *config, used, restored, entries })
    }

    /// Returns the data directory of the recorded run.
    pub fn data_dir(&self) -> &Path {
        &self.config.data_dir
    }

    /// Replays the run in `scratch` as fast as the machine can, until its end or until `is_over` returns true.
    ///
    /// # Errors
    /// Fails if a file that was stored at the start is gone, or if the engine cannot be set up again.
    pub fn replay(self, scratch: &Path, is_over: &dyn Fn() -> bool) -> Result<Replayed, RecordingError> {
        let config = EngineConfig { data_dir: scratch.join("data"), ..restore(self.config, &self.restored, scratch)? };
        let mut simulation = Simulation::open_without(unknown_of(&self.entries), config, Box::new(InlineIo::default()))?;
        simulation.assume_used(&self.used);
        let mut replayed = Replayed { commands: 0, at: SimTime::ZERO, trace_hash: String::new(), recorded_hash: None };
        for entry in self.entries {
            match entry {
                Entry::Command { at, caller, command }
                | Entry::CommandOf { at, caller, command, .. }
                | Entry::CommandWith { at, caller, command, .. }
                | Entry::CommandExpecting { at, caller, command, .. } => {
                    advance(&mut simulation, at, is_over)?;
                    replayed.commands += 1;
                    replayed.at = at;
                    let command = nowhere(&caller, command);
                    simulation.apply(CommandId(replayed.commands), &caller, command);
                }
                Entry::Streams { at, inputs } => {
                    advance(&mut simulation, at, is_over)?;
                    replayed.at = at;
                    simulation.repeat_stream_inputs(inputs);
                }
                Entry::End { at, trace_hash } => {
                    advance(&mut simulation, at, is_over)?;
                    (replayed.at, replayed.recorded_hash) = (at, Some(trace_hash));
                }
                Entry::Mark { at } => advance(&mut simulation, at, is_over)?,
                Entry::Fact(Fact::Usage { owner, bytes }) => simulation.assume_usage(owner, bytes),
                Entry::Start { .. } | Entry::Fact(_) => {
                    return Err(RecordingError::Malformed { path: self.path, reason: "it begins a second time".into() });
                }
            }
        }
        advance(&mut simulation, replayed.at, is_over)?;
        replayed.trace_hash = simulation.trace_hash().to_string();
        Ok(replayed)
    }
}

/// Checks that time never decreases from entry to entry and never advances by more than [`GAP_MAX`].
fn check_instants(entries: &[Entry]) -> Result<(), &'static str> {
    let mut latest = SimTime::ZERO;
    for entry in entries {
        let at = match entry {
            Entry::Command { at, .. } | Entry::CommandOf { at, .. } | Entry::CommandWith { at, .. } => at,
            Entry::CommandExpecting { at, .. } => at,
            Entry::Streams { at, .. } | Entry::Mark { at } | Entry::End { at, .. } => at,
            Entry::Start { .. } | Entry::Fact(_) => continue,
        };
        if *at < latest {
            return Err("time goes backwards in it");
        }
        if *at - latest > GAP_MAX {
            return Err("more than 30 days of virtual time lie between two of its entries");
        }
        latest = *at;
    }
    Ok(())
}

fn advance(simulation: &mut Simulation, until: SimTime, is_over: &dyn Fn() -> bool) -> Result<(), RecordingError> {
    loop {
        if is_over() {
            return Err(RecordingError::GivenUp);
        }
        match simulation.advance(until, BUDGET) {
            Progress::Reached | Progress::Still => return Ok(()),
            Progress::Blocked => drop(simulation.wait()),
            Progress::Working => while simulation.poll_reply().is_some() {},
        }
        while simulation.poll_event().is_some() {}
    }
}

/// Replaces the destination of a download that the replay does not have by none: the content is verified and discarded.
fn nowhere(caller: &Caller, command: Command) -> Command {
    match command {
        Command::Download(download) if caller.origin == Origin::Local => Download { sink: Sink::Discard, ..download }.into(),
        other => other,
    }
}

/// Returns the segments that arrived by streams or by themselves, whose content is not recorded.
fn unknown_of(entries: &[Entry]) -> Arc<BTreeSet<SegmentId>> {
    let ids = cuts_of(entries).map(|&(_, _, id)| id);
    Arc::new(ids.chain(stored_by(entries).map(SegmentContent::id)).collect())
}

/// Returns the segments that were stored without a file.
fn stored_by(entries: &[Entry]) -> impl Iterator<Item = &SegmentContent> {
    entries.iter().filter_map(|entry| match entry {
        Entry::Command { command: Command::StoreSegment(store), .. } => Some(&store.content),
        _ => None,
    })
}

fn cuts_of(entries: &[Entry]) -> impl Iterator<Item = &(u32, u32, SegmentId)> {
    let inputs = entries.iter().flat_map(|entry| if let Entry::Streams { inputs, .. } = entry { inputs.as_slice() } else { &[] });
    inputs.flat_map(|(_, input)| if let StreamInput::Cut(segments) = input { segments.as_slice() } else { &[] })
}

/// Checks that each segment whose content is not recorded has a length that segments have.
fn check_lengths(entries: &[Entry]) -> Result<(), &'static str> {
    let is_possible = |&(_, len, _): &(u32, u32, SegmentId)| (1..=SegmentSize::MAX.as_u64()).contains(&u64::from(len));
    let is_stored = |content: &SegmentContent| !content.is_empty() && content.bytes().len() <= SEGMENT_BYTES_MAX;
    if cuts_of(entries).all(is_possible) && stored_by(entries).all(is_stored) {
        Ok(())
    } else {
        Err("a segment in it has an impossible length")
    }
}

/// Restores a directory. Each change is a durable transaction, so that nothing is set that is as the directory is made.
fn restore_directory(catalog: &Catalog, directory: &DirectoryRecord) -> Result<(), CatalogError> {
    let DirectoryRecord { key, made_at, modified, mode, readers, uploaders } = directory;
    catalog.make_directories(std::slice::from_ref(key), *made_at)?;
    if (*modified, *mode) != (*made_at, DIRECTORY_MODE) {
        catalog.set_attributes(key, Attributes { modified: Some(*modified), mode: Some(*mode) })?;
    }
    uploaders.iter().try_for_each(|uploader| catalog.set_uploader(key, uploader, true))?;
    readers.iter().try_for_each(|reader| catalog.set_reader(key, reader, true))
}

/// Restores the state of the start in the scratch directory, as far as the run has used it, with the segments from the recorded
/// data directory.
fn restore(config: EngineConfig, restored: &Restored, scratch: &Path) -> Result<EngineConfig, RecordingError> {
    let (from, to) = (config.data_dir.clone(), scratch.join("data"));
    let failed = |error| RecordingError::Io { path: to.clone(), error };
    create_directory(&to).map_err(failed)?;
    let catalog = Catalog::open(&to.join("catalog.redb")).map_err(EngineError::from)?;
    for fact in restored.entries.values() {
        match fact {
            Fact::Directory(directory) => restore_directory(&catalog, directory).map_err(EngineError::from)?,
            Fact::File(manifest) => {
                let gone = || RecordingError::FileGone { file: manifest.file.key.clone(), path: from.clone() };
                restore_segments(&manifest.segments, &from, &to, &gone)?;
                catalog.commit_file(manifest).map_err(EngineError::from)?;
            }
            Fact::Upload(..) | Fact::Segment { .. } | Fact::Usage { .. } | Fact::Pin(_) => {}
            Fact::Uploaders(..) | Fact::BegunBy(..) | Fact::Expects(..) => {}
        }
    }
    for (upload, segments) in &restored.uploads {
        let gone = || RecordingError::FileGone { file: upload.key.clone(), path: from.clone() };
        restore_segments(segments, &from, &to, &gone)?;
        catalog.keep_upload(upload, segments).map_err(EngineError::from)?;
    }
    let gone = || RecordingError::SegmentGone { path: from.clone() };
    for (pin, segment) in restored.pinned() {
        restore_segments(std::slice::from_ref(segment), &from, &to, &gone)?;
        catalog.keep_segment(pin, segment).map_err(EngineError::from)?;
    }
    let otherwise = restored.needed_otherwise();
    restore_segments(&otherwise, &from, &to, &gone)?;
    catalog.pin(OTHERS, &otherwise).map_err(EngineError::from)?;
    Ok(config)
}

/// Restores segments below `to` from the data directory `from`. A segment that its node holds no longer may have come to another
/// one since. `gone` is the error for one that no node holds.
fn restore_segments(
    segments: &[SegmentRecord],
    from: &Path,
    to: &Path,
    gone: &dyn Fn() -> RecordingError,
) -> Result<(), RecordingError> {
    let failed = |error| RecordingError::Io { path: to.to_owned(), error };
    let nodes: Vec<PathBuf> = fs::read_dir(from.join("nodes")).into_iter().flatten().flatten().map(|node| node.path()).collect();
    for SegmentRecord { id, holders, .. } in segments {
        for node in holders.iter().map(NodeNumber::to_string) {
            let (own, target) = (from.join("nodes").join(&node), segment_path(&to.join("nodes").join(&node), *id));
            create_directory(directory_of(&target)).map_err(failed)?;
            let mut sources = std::iter::once(&own).chain(&nodes).map(|node| segment_path(node, *id));
            let is_there = target.exists() || sources.any(|source| link_or_copy(&source, &target).is_ok());
            if !is_there {
                return Err(gone());
            }
        }
    }
    Ok(())
}

fn link_or_copy(source: &Path, target: &Path) -> io::Result<()> {
    fs::hard_link(source, target).or_else(|_| fs::copy(source, target).map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::tests::{at, command};

    #[test]
    fn time_that_a_replay_may_take_has_a_bound() {
        let end = |days| Entry::End { at: at(days), trace_hash: String::new() };
        assert!(check_instants(&[command(1), command(31), Entry::Mark { at: at(61) }, end(91)]).is_ok());
        assert!(check_instants(&[command(1), command(32)]).unwrap_err().contains("30 days"));
        assert!(check_instants(&[end(u64::MAX / 86_400 / 1_000_000_000)]).unwrap_err().contains("30 days"));
        assert!(check_instants(&[command(2), command(1)]).unwrap_err().contains("backwards"));
    }

    #[test]
    fn lengths_of_segments_have_bounds() {
        let entry = |len| Entry::Streams {
            at: at(1),
            inputs: vec![(crate::transfer::TransferId(1), StreamInput::Cut(vec![(0, len, SegmentId::of(b"a"))]))],
        };
        assert!(check_lengths(&[entry(1), entry(4 << 20)]).is_ok());
        assert!(check_lengths(&[entry(0)]).is_err() && check_lengths(&[entry((4 << 20) + 1)]).is_err());
    }
}
