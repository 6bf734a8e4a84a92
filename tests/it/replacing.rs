//! Replacements of a file by an upload, a copy or a move, cut off at every step: at any instant there is one file of that name, which is the
//! former one or the new one as a whole, and nothing else is left on the nodes.

use std::collections::BTreeSet;

use p2p_base::units::{SimDuration, SimTime};
use p2p_engine::io::InlineIo;
use p2p_engine::operation::{Break, CopyFile, Mend, Move, Sleep, Source, Upload};
use p2p_engine::{Command, Progress, Reply, operation};
use p2p_store::attributes::StoreAs;
use p2p_store::manifest::NodeNumber;
use p2p_store::names::FileKey;

use crate::harness::{Harness, config, home_in_memory, quick_link, random_file};

/// Ways in which `a.bin` is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Upload,
    Copy,
    Move,
}

const WAYS: [Way; 3] = [Way::Upload, Way::Copy, Way::Move];
/// Steps of a run at which it is cut off, at the most.
const CUTS: usize = 40;
const NODES: u8 = 3;
/// Virtual time within which a replacement is over if nothing breaks.
const WITHIN: SimDuration = SimDuration::from_secs(1);

/// A replacement that has been asked for, and the content of before and after it.
struct Replacing {
    harness: Harness,
    way: Way,
    old: Vec<u8>,
    new: Vec<u8>,
    /// Instant at which a run ends.
    end: SimTime,
}

/// The number of segments of different content in files.
fn segments_of(contents: &[&[u8]]) -> usize {
    contents.iter().flat_map(|content| content.chunks(65_536)).collect::<BTreeSet<_>>().len()
}

impl Replacing {
    fn begun(way: Way) -> Replacing {
        let home = home_in_memory();
        let settings = config(&home.path().join("data"), NODES, quick_link());
        let mut harness = Harness::open(home, settings, Box::new(InlineIo::default())).unwrap();
        let old = random_file(&harness.path("a.bin"), 200_000, 1);
        // Some of the segments are those of both.
        let new = [&old[..131_072], &random_file(&harness.path("b.bin"), 200_000, 2)].concat();
        std::fs::write(harness.path("b.bin"), &new).unwrap();
        harness.put("a.bin").unwrap();
        if way != Way::Upload {
            harness.put("b.bin").unwrap();
        }
        let (from, to) = (FileKey::unowned("b.bin"), "a.bin".to_owned());
        let command: Command = match way {
            Way::Upload => {
                let (source, stored_as) = (Source::File(harness.path("b.bin")), StoreAs { replace: true, ..StoreAs::default() });
                Upload { source, name: Some(to), stored_at: 7, stored_as, owner: None, preferred: None }.into()
            }
            Way::Copy => CopyFile { from, to, copied_at: 7, preserve: false, replace: true }.into(),
            Way::Move => Move { from, to, replace: true }.into(),
        };
        harness.tell(command);
        let end = harness.simulation.now() + WITHIN;
        Replacing { harness, way, old, new, end }
    }

    /// Lets so many steps pass, at each of which there is one file of the name, and returns the number of those that there were.
    fn advance(&mut self, steps: usize) -> usize {
        for step in 0..steps {
            self.check_names();
            if !self.step() {
                return step;
            }
        }
        steps
    }

    /// Lets the next instant pass; false at the end of the run.
    fn step(&mut self) -> bool {
        loop {
            match self.harness.simulation.advance(self.end, 1) {
                Progress::Working => return true,
                Progress::Blocked => assert!(self.harness.simulation.wait(), "work that is awaited is under way"),
                Progress::Reached | Progress::Still => return false,
            }
        }
    }

    fn check_names(&mut self) {
        let Ok(Reply::Files(files)) = self.harness.ask(operation::ListFiles) else { panic!("no files") };
        let sizes: Vec<(&str, u64)> = files.iter().map(|file| (file.key.name.as_str(), file.size)).collect();
        let (old, new) = (("a.bin", self.old.len() as u64), ("a.bin", self.new.len() as u64));
        let other = ("b.bin", new.1);
        let expected: [&[(&str, u64)]; 2] = match self.way {
            Way::Upload => [&[old], &[new]],
            Way::Copy => [&[old, other], &[new, other]],
            Way::Move => [&[old, other], &[new]],
        };
        assert!(expected.contains(&&*sizes), "{:?}: {sizes:?}", self.way);
    }

    /// Checks that what is there is whole, and that the nodes hold nothing else, and nothing at all once it is removed. True if it is the new
    /// file.
    fn check_whole(&mut self) -> bool {
        self.check_names();
        let (_, content) = self.harness.get("a.bin").unwrap();
        let is_new = content == self.new;
        assert!(is_new || content == self.old, "{:?}: neither the one nor the other", self.way);
        let mut contents = vec![content.as_slice()];
        if self.harness.names().len() > 1 {
            assert!(self.harness.get("b.bin").unwrap().1 == self.new, "{:?}", self.way);
            contents.push(&self.new);
        }
        // A segment of both files may be at two nodes, if the place for the second time was another one than for the first.
        let held: BTreeSet<_> =
            self.harness.segment_files().iter().filter_map(|path| path.file_name().map(ToOwned::to_owned)).collect();
        assert_eq!(held.len(), segments_of(&contents), "{:?}, {is_new}: {held:?}", self.way);
        for name in self.harness.names() {
            self.harness.remove(&name).unwrap();
        }
        assert!(self.harness.segment_files().is_empty(), "{:?}, {is_new}", self.way);
        is_new
    }
}

/// Steps at which a run is cut off: at its begin, at its end, and evenly between.
fn cuts(way: Way) -> impl Iterator<Item = usize> {
    let all = Replacing::begun(way).advance(usize::MAX);
    (0..=all).step_by(all / CUTS + 1).chain([all])
}

/// Whenever the process is killed, the next start finds one of both files.
#[test]
fn a_replacement_is_one_step_whenever_the_process_is_killed() {
    for way in WAYS {
        let mut found = BTreeSet::new();
        for cut in cuts(way) {
            let mut replacing = Replacing::begun(way);
            replacing.advance(cut);
            let harness = replacing.harness.restart(|directory| config(directory, NODES, quick_link())).unwrap();
            found.insert(Replacing { harness, ..replacing }.check_whole());
        }
        assert!(found.contains(&true), "{way:?}: kills after the step");
        // A copy and a move are done at the instant at which they are taken in.
        assert!(way != Way::Upload || found.contains(&false), "{way:?}: kills before the step");
    }
}

/// Whenever the process of a node is killed, the file is the former one or the new one, and is whole once the node is back. What a node that
/// was away owes, it deletes then.
#[test]
fn a_replacement_is_one_step_whenever_a_node_is_killed() {
    for way in WAYS {
        for (turn, cut) in cuts(way).enumerate() {
            let node = NodeNumber::from_index(turn % usize::from(NODES));
            let mut replacing = Replacing::begun(way);
            replacing.advance(cut);
            replacing.harness.ask(Break::Kill { node }).unwrap();
            replacing.advance(usize::MAX);
            replacing.harness.ask(Mend::Process { node }).unwrap();
            replacing.harness.ask(Sleep { span: SimDuration::from_secs(120) }).unwrap();
            replacing.check_whole();
        }
    }
}
