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

/// Many short uploads at full speed, one behind the other, while the prompt has the keys and shows an answer: the lists above it grow and shrink
/// with each of them, and the prompt does not.
#[test]
fn the_prompt_stays_where_it_is_beside_short_uploads() {
    // On the small screen the log comes into sight and goes once.
    for (size, returns_max) in [((80, 24), 1), ((120, 40), 0)] {
        for answer in ["ls", "nodes", "stats"] {
            let mut watched = Watched::new(size, "F2");
            (0..3).for_each(|number| watched.tui_harness.begin_upload(&format!("first{number}.bin"), 50_000));
            watched.tui_harness.settle();
            watched.ask(answer);
            assert_eq!(watched.tui_harness.app.workspace().focus(), Pane::Prompt);
            for number in 0..16 {
                (0..=number % 8).for_each(|part| watched.tui_harness.begin_upload(&format!("{number}-{part}.bin"), 1_000));
                watched.watch(10);
            }
            let places = watched.places_of(Pane::Prompt);
            let returns = (1..places.len()).filter(|&place| places[..place].contains(&places[place])).count();
            assert!(returns <= returns_max, "{size:?} {answer}: {places:?}");
        }
    }
}
