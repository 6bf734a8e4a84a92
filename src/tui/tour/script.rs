//! The steps of the tour, as data: what each says, which panes it shows, what it types, and what must be seen before it is complete.
//!
//! In texts and lines `$file1`, `$name1`, `$file2` and `$name2` stand for the files of the tour, `$nodes` for the number of nodes,
//! `$node` for a node that holds a part of the first file, and `$speed` for the speed at which the tour was begun.

use crate::tui::panes::Pane;

/// A step of the tour.
#[derive(Debug)]
pub struct Step {
    /// Heading.
    pub title: &'static str,
    /// A few sentences about what the first pane shows; at most four rows of the smallest screen.
    pub text: &'static str,
    /// Acts of the step, in their order.
    pub acts: &'static [Act],
}

/// Event that happens in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Brings a pane to the front and marks it.
    Show(Pane),
    /// Says other sentences, of the same length at most, about the pane that was shown last.
    Tell(&'static str),
    /// Shows only the rows of the pane that contain a text, until the tour shows another pane.
    Filter(&'static str),
    /// Types a line and enters it, without waiting for its answer.
    Begin(&'static str),
    /// Types a line, enters it, and waits for its answer.
    Run(&'static str),
    /// Waits for the answer of the line that was begun last, and runs it anew if what is to be seen is not there then.
    Settle {
        /// The line, as it was begun.
        line: &'static str,
        /// Part of the screen that shows its answer.
        sight: Sight,
    },
    /// Waits until something is to be seen.
    See(Sight),
}

/// Something that a step speaks of and that must be there to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// Bytes of the latest transfer have arrived.
    Progress,
    /// The upload of the file of this name is done.
    Stored(&'static str),
    /// A packet that its path has lost.
    Loss,
    /// The node has missed probes.
    Suspect,
    /// A transfer waits for the node, which was killed.
    Waiting,
    /// Virtual time is paused.
    Paused,
    /// The latest answer contains this text.
    Said(&'static str),
}

impl Sight {
    /// Returns what is waited for, to be read after "waits for".
    pub const fn name(self) -> &'static str {
        match self {
            Sight::Progress => "the first bytes",
            Sight::Stored(_) => "the end of the upload",
            Sight::Loss => "a lost packet",
            Sight::Suspect => "missed probes",
            Sight::Waiting => "a transfer that waits",
            Sight::Paused => "the pause",
            Sight::Said(_) => "the answer",
        }
    }
}

/// The tour of the screen.
pub const STEPS: [Step; 8] = [
    Step {
        title: "Nodes and links",
        text: "$nodes nodes, each with a disk and a link of its own, and this screen, their client. Bytes and disks are real; the \
               wires are simulated, packet by packet, in virtual time. Look around with Tab; F1 explains every word.",
        acts: &[Act::Show(Pane::Nodes)],
    },
    Step {
        title: "An upload",
        text: "The typed line stores a file. Its row says what part has arrived and how long the rest will take, as measured over \
               ten seconds. In the bar, if it fits, light is on its way to a disk, and full is stored.",
        acts: &[Act::Show(Pane::Transfers), Act::Begin("upload $file1"), Act::See(Sight::Progress)],
    },
    Step {
        title: "The waterfall",
        text: "The file was cut into segments, a row each, and each goes to a node. From left to right a segment waits for its \
               connection and its turn, is sent, arrives and is acknowledged; several are under way at once.",
        acts: &[Act::Show(Pane::Segments), Act::See(Sight::Progress)],
    },
    Step {
        title: "A lost packet",
        text: "All paths of the client lose one packet in ten now, and another file is sent. The filter shows the packets that \
               were lost. TCP notices each, sends it again, and slows down; `path client --clear` mends the paths.",
        acts: &[
            Act::Show(Pane::Wire),
            Act::Filter("loss"),
            Act::Run("path client --loss 10%"),
            Act::Begin("upload $file2"),
            Act::See(Sight::Loss),
        ],
    },
    Step {
        title: "A killed node",
        text: "The paths are mended, and time runs ten times as fast until both uploads have ended: their rows say how long that \
               takes. Then a node is killed that stores a part of the first file.",
        acts: &[
            Act::Show(Pane::Transfers),
            Act::Run("path client --clear; speed 10x"),
            Act::See(Sight::Stored("$name1")),
            Act::See(Sight::Stored("$name2")),
            Act::Run("kill $node"),
            Act::Show(Pane::Health),
            Act::Tell(
                "$node is killed: its process is gone, and its probes get no answer. The matrix marks it, at first because \
                 probes are missed, and as dead when none is answered any more. Time still runs ten times as fast.",
            ),
            Act::See(Sight::Suspect),
            Act::Run("speed 1x"),
            Act::Show(Pane::Segments),
            Act::Tell(
                "`verify` reads the file from the nodes that hold it. What lies on $node, which was killed, is waited for: the \
                 frame of the segments says so, and since when. Time is paused then, so that you can look.",
            ),
            Act::Begin("verify $name1"),
            Act::See(Sight::Waiting),
            Act::Run("pause"),
            Act::See(Sight::Paused),
        ],
    },
    Step {
        title: "Mended",
        text: "$node starts again, with all that was on its disk, and time goes on, so that `verify` gets what it has waited for: \
               it compares every segment with its SHA-256. It answers that the file is whole.",
        acts: &[
            Act::Show(Pane::Prompt),
            Act::Run("resume; start $node; speed $speed"),
            Act::Settle { line: "verify $name1", sight: Sight::Said("is whole") },
            Act::See(Sight::Said("is whole")),
            Act::Show(Pane::Files),
            Act::Tell(
                "The file was found whole, and it is readable: each of its segments lies on a node that answers. Where there \
                 is room, a column shows on which nodes how much lies, and the lower frame what its marks mean.",
            ),
        ],
    },
    Step {
        title: "Time",
        text: "`speed 10x`, + and - let time pass faster or slower, `pause` stops it, `step` or . goes on by one event; f freezes \
               only the picture. The tour lets time pass faster first, and pauses it then.",
        acts: &[
            Act::Show(Pane::Wire),
            Act::Run("speed 10x"),
            Act::Run("pause"),
            Act::See(Sight::Paused),
            Act::Tell(
                "Time is paused now, as the header says, and `step` has gone on by one event. Now nodes and client only probe \
                 each other, and the wire hides probes until p shows them: so an event may change the clock alone.",
            ),
            Act::Run("step"),
            Act::See(Sight::Paused),
        ],
    },
    Step {
        title: "Accounts",
        text: "Everybody has an account: what is yours, only you and admins see, until you share it. You were alice, the admin; \
               bob logs in with a code that was mailed to him, and `ls` shows him the file that alice shares.",
        acts: &[
            Act::Show(Pane::Prompt),
            Act::Run("resume; speed $speed"),
            Act::Run("share $name1 bob"),
            Act::Run("login bob"),
            Act::Run("ls"),
            Act::See(Sight::Said("alice/$name1")),
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::wrap::wrapped;

    /// Rows and width of a text on the smallest screen.
    const ROOM: (usize, usize) = (4, 58);

    /// A text is to be read while the acts behind it are carried out, which may wait for the user: none says that time is paused before it is.
    #[test]
    fn a_pause_is_told_once_it_is_there() {
        for step in &STEPS {
            let (mut text, mut is_paused) = (step.text, false);
            let acts = step.acts.iter().map(Some).chain([None]);
            for act in acts {
                let says_so = text.contains("is paused now") || text.contains("is paused,");
                assert!(!says_so || is_paused, "{}: {text}", step.title);
                match act {
                    Some(Act::Tell(other)) => text = other,
                    Some(Act::See(Sight::Paused)) => is_paused = true,
                    _ => {}
                }
            }
        }
    }

    /// Nor does any say that a node is killed, or how fast time runs, while the uploads before are still under way as they were.
    #[test]
    fn a_kill_is_told_once_it_is_there() {
        for step in &STEPS {
            let (mut text, mut has_killed) = (step.text, step.title != "A killed node");
            for act in step.acts {
                assert!(has_killed || !text.contains("$node is killed"), "{}: {text}", step.title);
                match act {
                    Act::Tell(other) => text = other,
                    Act::Run(line) => has_killed |= line.contains("kill $node"),
                    Act::See(Sight::Stored(_)) => assert!(text.contains("until both uploads have ended"), "{text}"),
                    _ => {}
                }
            }
            assert!(has_killed, "{}", step.title);
        }
    }

    #[test]
    fn every_step_shows_a_pane_first_and_fits_the_smallest_screen() {
        for step in &STEPS {
            assert!(matches!(step.acts.first(), Some(Act::Show(_))), "{}", step.title);
            let told = step.acts.iter().filter_map(|act| if let Act::Tell(text) = act { Some(*text) } else { None });
            for text in told.chain([step.text]) {
                // Variables are about as long as what stands for them.
                let rows = wrapped(text, ROOM.1).len();
                assert!(rows <= ROOM.0 && text.matches('.').count() > 1, "{}: {rows} rows", step.title);
            }
        }
    }
}
