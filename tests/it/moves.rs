//! The frames of the panes over a run of typical work: files that follow one another, answers, faults, and the calm after them. Frames move
//! where there is more to show, and not to and fro.

use p2p_base::units::SimDuration;
use p2p_storage::tui::app::Pane;
use ratatui::layout::Rect;

use crate::tui_harness::TuiHarness;

/// Virtual time between two frames.
const FRAME: SimDuration = SimDuration::from_millis(200);
/// Number of frames within which no arrangement comes back by itself.
const TO_AND_FRO: usize = 100;
/// Maximum number of arrangements of a run that come back all the same: the border between two lists that grow in turns may.
const RETURNS_MAX: usize = 1;
/// Maximum number of arrangements of a run, of which those for answers are the user's doing.
const MOVES_MAX: usize = 36;

/// An arrangement of the panes.
#[derive(Debug)]
struct Arrangement {
    areas: Vec<(Pane, Rect)>,
    /// Number of the frame after the last one in which it was drawn.
    end: usize,
    /// Number of commands that the user had given by then, and of transfers begun beside others.
    asked: usize,
}

/// A screen, and the arrangements of its panes so far.
struct Watched {
    tui_harness: TuiHarness,
    frames: usize,
    asked: usize,
    arrangements: Vec<Arrangement>,
    /// Arrangements that came back by themselves.
    returned: Vec<String>,
}

impl Watched {
    fn new((width, height): (u16, u16), preset: &str) -> Watched {
        let mut tui_harness = TuiHarness::slow(width, height);
        tui_harness.press(&[preset]);
        Watched { tui_harness, frames: 0, asked: 0, arrangements: Vec::new(), returned: Vec::new() }
    }

    fn watch(&mut self, frames: usize) {
        for _ in 0..frames {
            self.tui_harness.watch(FRAME);
            self.look();
        }
    }

    fn look(&mut self) {
        self.tui_harness.draw_all();
        self.frames += 1;
        let areas = self.tui_harness.app.workspace().areas().to_vec();
        if let Some(last) = self.arrangements.last_mut().filter(|last| last.areas == areas) {
            (last.end, last.asked) = (self.frames, self.asked);
            return;
        }
        let is_recent = |earlier: &&Arrangement| self.frames - earlier.end < TO_AND_FRO && earlier.asked == self.asked;
        if self.arrangements.iter().filter(is_recent).any(|earlier| earlier.areas == areas) {
            self.returned.push(format!("frame {}: {areas:?}", self.frames));
        }
        self.arrangements.push(Arrangement { areas, end: self.frames, asked: self.asked });
    }

    /// Returns where a pane was, one place after the other.
    fn places_of(&self, pane: Pane) -> Vec<Rect> {
        let all = self.arrangements.iter().flat_map(|arrangement| &arrangement.areas);
        let mut places: Vec<Rect> = all.filter(|(other, _)| *other == pane).map(|(_, area)| *area).collect();
        places.dedup();
        places
    }

    fn ask(&mut self, command: &str) {
        self.tui_harness.ask_aside(command);
        self.asked += 1;
        self.look();
    }
}

/// Small and large files one after the other, several at once, answers of few and of many lines, and faults: the frames move a stated number of
/// times, and not to and fro. In the calm after that nothing moves, however much time passes.
fn stays_calm(size: (u16, u16)) {
    for preset in ["F2", "F5"] {
        let mut watched = Watched::new(size, preset);
        watched.watch(5);
        for number in 0..8 {
            let bytes = if number % 2 == 0 { 3_000 } else { 400_000 };
            watched.tui_harness.begin_upload(&format!("{number}.bin"), bytes);
            watched.watch(40);
        }
        for command in ["ls", "echo short", "kill Node_03", "path client --loss 20%"] {
            watched.ask(command);
            (20..24).for_each(|number| watched.tui_harness.begin_upload(&format!("{command}{number}.bin"), 30_000));
            watched.asked += 1;
            watched.watch(20);
        }
        watched.ask("heal all; start Node_03");
        watched.watch(40);
        let before = watched.arrangements.len();
        watched.watch(200);
        assert_eq!(watched.arrangements.len(), before, "{size:?} {preset}");
        assert!(watched.returned.len() <= RETURNS_MAX, "{size:?} {preset}: {:#?}", watched.returned);
        assert!(before <= MOVES_MAX, "{size:?} {preset}: {before} of {}", watched.frames);
    }
}

#[test]
fn frames_stay_where_they_are_on_a_small_screen() {
    stays_calm((80, 24));
}

#[test]
fn frames_stay_where_they_are_on_a_usual_screen() {
    stays_calm((120, 40));
}

#[test]
fn frames_stay_where_they_are_on_a_large_screen() {
    stays_calm((200, 60));
}

/// Sizes of the screens on which the prompt is watched.
const SIZES: [(u16, u16); 5] = [(80, 24), (100, 30), (120, 40), (200, 60), (250, 20)];

impl Watched {
    /// Begins bursts of one to eight short uploads, and asks a command before each of them if one is given.
    fn burst(&mut self, bursts: usize, command: Option<&str>) {
        for number in 0..bursts {
            command.into_iter().for_each(|command| self.ask(command));
            (0..=number % 8).for_each(|part| self.tui_harness.begin_upload(&format!("{number}-{part}.bin"), 1_000));
            self.watch(10);
        }
    }

    /// Forgets the arrangements so far but the present one.
    fn start_anew(&mut self) {
        self.arrangements.drain(..self.arrangements.len().saturating_sub(1));
    }
}

/// Bursts of short uploads at full speed, one behind the other, while the prompt has the keys and shows an answer: the lists beside it grow and
/// shrink with each of them, and the prompt stays where it is.
#[test]
fn the_prompt_stays_where_it_is_beside_short_uploads() {
    for size in SIZES {
        for answer in ["ls", "nodes", "stats"] {
            let mut watched = Watched::new(size, "F2");
            (0..3).for_each(|number| watched.tui_harness.begin_upload(&format!("first{number}.bin"), 50_000));
            watched.tui_harness.settle();
            watched.ask(answer);
            assert_eq!(watched.tui_harness.app.workspace().focus(), Pane::Prompt);
            watched.start_anew();
            watched.burst(16, None);
            let places = watched.places_of(Pane::Prompt);
            assert_eq!(places.len(), 1, "{size:?} {answer}: {places:?}");
        }
    }
}

/// The same with a command before each burst, whose answer is one line: neither the lists nor the commands move the prompt.
#[test]
fn the_prompt_stays_where_it_is_beside_uploads_by_commands() {
    for size in SIZES {
        let mut watched = Watched::new(size, "F2");
        watched.ask("echo first");
        watched.watch(5);
        watched.start_anew();
        watched.burst(24, Some("echo burst"));
        let places = watched.places_of(Pane::Prompt);
        assert_eq!(places.len(), 1, "{size:?}: {places:?}");
        assert!(watched.arrangements.len() <= MOVES_MAX, "{size:?}: {} arrangements", watched.arrangements.len());
    }
}
