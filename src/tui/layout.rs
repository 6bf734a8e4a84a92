//! The layout: which panes are shown on a screen of some size, and where. Arrangements are data; of those the one is taken that
//! shows the most important panes, and among equals the one in which they have most of what they wish. It stays while the content changes by
//! little: see [`arrange`].
//!
//! Every pane that is shown has at least its minimum, or all that it has rows for; no two overlap, and together they fill the area. No list is
//! cut while another pane of its column has rows to spare, nor, if that can be helped, while another column has.

mod columns;
mod share;

use ratatui::layout::{Rect, Size};

use self::columns::{Filled, PromptPlace, fill_columns};
use self::share::{Need, along, beside, share};
use super::panes::Pane;
use super::panes::shape::{FRAMED_ROW, Shape};

/// A pane that asks for a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// The pane.
    pub pane: Pane,
    /// Sizes that it needs and wishes.
    pub shape: Shape,
    /// Importance; panes of importance 0 are not shown.
    pub priority: u16,
    /// True if the pane is shown whatever its importance.
    pub is_kept: bool,
}

/// An arrangement of panes. Panes that are not shown leave their place to the others.
enum Arrangement {
    /// One pane.
    One(Pane),
    /// Arrangements one below the other.
    Rows(&'static [Arrangement]),
    /// Arrangements side by side.
    Columns(&'static [Arrangement]),
    /// All panes that the arrangement does not name, one below the other.
    Others,
}

use Arrangement::{Columns, One, Others, Rows};

/// All arrangements; the first one is taken unless another is clearly better.
static ARRANGEMENTS: [Arrangement; 4] = [
    Rows(&[
        Columns(&[One(Pane::Nodes), One(Pane::Health)]),
        One(Pane::Transfers),
        Others,
        One(Pane::Segments),
        Columns(&[One(Pane::Wire), One(Pane::Log)]),
        One(Pane::Prompt),
    ]),
    // High and narrow.
    Rows(&[
        One(Pane::Nodes),
        One(Pane::Health),
        One(Pane::Transfers),
        Others,
        One(Pane::Segments),
        One(Pane::Wire),
        One(Pane::Log),
        One(Pane::Prompt),
    ]),
    // Wide and flat.
    Columns(&[
        Rows(&[One(Pane::Nodes), One(Pane::Transfers), One(Pane::Prompt)]),
        Rows(&[One(Pane::Health), Others, One(Pane::Segments)]),
        Rows(&[One(Pane::Wire), One(Pane::Log)]),
    ]),
    Columns(&[
        Rows(&[One(Pane::Nodes), One(Pane::Transfers), Others, One(Pane::Segments), One(Pane::Prompt)]),
        Rows(&[One(Pane::Health), One(Pane::Wire), One(Pane::Log)]),
    ]),
];

/// Factor by which another arrangement than the first must be better.
const CLEARLY: f64 = 1.25;

/// Panes with their places.
type Places<'a> = Vec<(&'a Candidate, Rect)>;

/// The worth of places: what counts first stands first.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
struct Worth {
    /// Importance of the panes that are shown.
    importance: u32,
    /// True if none of their rows is missing beside room that another one has no use for.
    wastes_nothing: bool,
    /// Share of their wishes that they have.
    content: f64,
}

/// Places in an arrangement, with what they are worth.
struct Arranged<'a> {
    manner: Manner,
    worth: Worth,
    places: Places<'a>,
}

impl<'a> Arranged<'a> {
    /// Creates places of which the content counts by a factor.
    fn new(manner: Manner, places: Places<'a>, is_wasteful: bool, factor: f64) -> Arranged<'a> {
        let importance = places.iter().map(|(candidate, _)| u32::from(candidate.priority)).sum();
        let worth = Worth { importance, wastes_nothing: !is_wasteful, content: content(&places) * factor };
        Arranged { manner, worth, places }
    }

    /// Returns true if the places are worth more than others, or there are no others.
    fn is_better(&self, than: Option<&Arranged<'_>>) -> bool {
        than.is_none_or(|than| self.worth > than.worth)
    }

    /// Returns true if the places are worth a change: nothing is missing beside room where it was, or there is clearly more to be seen.
    fn is_clearly_better(&self, than: &Arranged<'_>) -> bool {
        let (Worth { importance, wastes_nothing, content }, than) = (self.worth, than.worth);
        let is_fuller = wastes_nothing == than.wastes_nothing && content > than.content * CLEARLY;
        importance >= than.importance && (wastes_nothing && !than.wastes_nothing || is_fuller)
    }

    /// Returns the columns of cells that a pane has, as the first one and their number.
    fn columns_of(&self, pane: Pane) -> Option<(u16, u16)> {
        self.places.iter().find(|(candidate, _)| candidate.pane == pane).map(|(_, area)| (area.x, area.width))
    }
}

/// An arrangement of the panes that are shown.
enum Placed<'a> {
    One(&'a Candidate),
    Rows(Vec<Placed<'a>>),
    Columns(Vec<Placed<'a>>),
}

/// Memory of a layout, so that it does not change with each row that its content gains or loses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    memory: Memory,
    /// Panes that asked in the latest frame and where they are, if that frame has left the memory as it was: the same panes are there again.
    calm: Option<Calm>,
}

/// What a layout goes by beside the panes that ask.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Memory {
    /// Area of all panes.
    area: Rect,
    /// Shape that the prompt asked for, and the height that it has since.
    prompt: Option<(Shape, u16)>,
    /// Arrangement that was taken; `None` if no one fitted.
    manner: Option<Manner>,
    /// Arrangements that another one was better than since the area is what it is: none of them is taken again for what the lists hold.
    left: Vec<Manner>,
}

/// Panes that ask, and where they are.
type Calm = (Vec<Candidate>, Vec<(Pane, Rect)>);

impl Kept {
    /// Returns the places of the latest frame if they are those of these panes, which is so of most frames and costs no layout.
    fn repeated(&self, candidates: &[Candidate]) -> Option<&[(Pane, Rect)]> {
        let (asked, places) = self.calm.as_ref()?;
        (asked == candidates).then_some(places)
    }
}

impl Memory {
    /// Returns panes of which the prompt keeps its height if it asks for what it asked for before.
    fn pinned(&self, candidates: &[Candidate]) -> Vec<Candidate> {
        let pinned = |candidate: &Candidate| match self.prompt {
            Some((asked, height)) if candidate.pane == Pane::Prompt && candidate.shape == asked => {
                Candidate { shape: asked.pinned(height), ..*candidate }
            }
            Some(_) | None => *candidate,
        };
        candidates.iter().map(pinned).collect()
    }
}

/// An arrangement that can be taken again.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Manner {
    /// The arrangement of this place among all.
    Usual(usize),
    /// Panes in columns.
    Filled(Filled),
}

impl Manner {
    /// Returns the parts that are shown; `None` if none is.
    fn placed<'a>(&self, shown: &[&'a Candidate]) -> Option<Placed<'a>> {
        match self {
            Manner::Usual(place) => ARRANGEMENTS.get(*place).and_then(|usual| placed(usual, shown, usual)),
            Manner::Filled(filled) => filled.placed(shown),
        }
    }

    /// Returns the places of as many panes as fit; `None` if those that are kept do not.
    fn arranged<'a>(self, by_priority: &[&'a Candidate], area: Rect) -> Option<Arranged<'a>> {
        let (places, is_wasteful) = places_in(|shown| self.placed(shown), by_priority, area)?;
        let factor = if self == Manner::Usual(0) { CLEARLY } else { 1.0 };
        Some(Arranged::new(self, places, is_wasteful, factor))
    }
}

/// Returns the places of the panes that are shown in an area, and what is to be given back for the next frame. Those that are kept are shown
/// wherever their minimums fit one below the other; where they do not, they share what there is.
///
/// The arrangement of the frame before stays as long as it shows all that can be shown, and no row is missing beside room. Another one takes its
/// place where it is clearly better and leaves the columns of the prompt as they are; what was given up so is not taken again while the area is
/// the same. The prompt keeps its height as long as it asks for the same, such as room for one answer.
pub fn arrange(candidates: &[Candidate], area: Rect, before: Option<&Kept>) -> (Vec<(Pane, Rect)>, Kept) {
    let before = before.filter(|before| before.memory.area == area);
    if let Some((kept, places)) = before.and_then(|before| Some((before, before.repeated(candidates)?))) {
        return (places.to_vec(), kept.clone());
    }
    let before = before.map(|before| &before.memory);
    let (places, memory) = laid_out(candidates, area, before);
    let calm = (before == Some(&memory)).then(|| (candidates.to_vec(), places.clone()));
    (places, Kept { memory, calm })
}

/// Returns the places of panes after a frame of the same area, and the memory of them.
fn laid_out(candidates: &[Candidate], area: Rect, before: Option<&Memory>) -> (Vec<(Pane, Rect)>, Memory) {
    let asked = candidates.iter().find(|candidate| candidate.pane == Pane::Prompt).map(|prompt| prompt.shape);
    let candidates = &before.map_or_else(|| candidates.to_vec(), |before| before.pinned(candidates));
    let mut by_priority: Vec<&Candidate> =
        candidates.iter().filter(|candidate| candidate.is_kept || candidate.priority > 0).collect();
    by_priority.sort_by_key(|candidate| std::cmp::Reverse((candidate.is_kept, candidate.priority)));
    let left: Vec<Manner> = before.map_or_else(Vec::new, |before| before.left.clone());
    let present = before.and_then(|before| before.manner.clone()).and_then(|manner| manner.arranged(&by_priority, area));
    let usual: Vec<Arranged<'_>> =
        (0..ARRANGEMENTS.len()).filter_map(|place| Manner::Usual(place).arranged(&by_priority, area)).collect();
    let importance = usual.iter().map(|usual| usual.worth.importance).max().unwrap_or(0);
    let (best, left) = match present.filter(|present| present.worth.importance >= importance) {
        Some(present) => stay_or_leave(present, usual, left, &by_priority, area),
        None => {
            let best = usual.into_iter().fold(None, better);
            let is_wasteful = best.as_ref().is_some_and(|best| !best.worth.wastes_nothing);
            let all = columns::PROMPTS.iter().filter(|_| is_wasteful);
            (all.filter_map(|&prompt| fill_columns(&by_priority, area, prompt)).fold(best, better), left)
        }
    };
    let (manner, places) = match best {
        Some(Arranged { manner, places, .. }) => (Some(manner), places),
        None => (None, below_each_other(&by_priority, area)),
    };
    let places: Vec<(Pane, Rect)> = places.into_iter().map(|(candidate, area)| (candidate.pane, area)).collect();
    let height = places.iter().find(|(pane, _)| *pane == Pane::Prompt).map(|(_, area)| area.height);
    (places, Memory { area, prompt: asked.zip(height), manner, left })
}

/// Returns the present arrangement, or one that is clearly better, and what has been left by then.
fn stay_or_leave<'a>(
    present: Arranged<'a>,
    usual: Vec<Arranged<'a>>,
    mut left: Vec<Manner>,
    by_priority: &[&'a Candidate],
    area: Rect,
) -> (Option<Arranged<'a>>, Vec<Manner>) {
    if present.worth.wastes_nothing {
        return (Some(present), left);
    }
    let columns_of_prompt = present.columns_of(Pane::Prompt);
    let prompt = if columns_of_prompt == Some((area.x, area.width)) { PromptPlace::Whole } else { PromptPlace::First };
    let others = usual.into_iter().chain(fill_columns(by_priority, area, prompt));
    let is_choice = |other: &Arranged<'_>| {
        !left.contains(&other.manner)
            && other.manner != present.manner
            && other.columns_of(Pane::Prompt) == columns_of_prompt
            && other.is_clearly_better(&present)
    };
    match others.filter(is_choice).fold(None, better) {
        Some(other) => {
            left.push(present.manner);
            (Some(other), left)
        }
        None => (Some(present), left),
    }
}

/// Returns the places in one arrangement: of the panes that are kept, and of as many others as fit, the most important
/// first; and whether a list is cut beside rows that are not used. Returns `None` if the former do not fit.
fn places_in<'a>(
    placed: impl Fn(&[&'a Candidate]) -> Option<Placed<'a>>,
    by_priority: &[&'a Candidate],
    area: Rect,
) -> Option<(Places<'a>, bool)> {
    let mut shown: Vec<&Candidate> = Vec::new();
    for candidate in by_priority {
        shown.push(candidate);
        if !placed(&shown).is_some_and(|placed| placed.fits(area)) {
            if candidate.is_kept {
                return None;
            }
            shown.pop();
        }
    }
    let mut places = Vec::new();
    let placed = placed(&shown)?;
    placed.place(area, &mut places);
    let height_of = |pane: Pane| places.iter().find(|(other, _)| other.pane == pane).map_or(0, |(_, area)| area.height);
    let is_wasteful = placed.is_wasteful(&height_of);
    Some((places, is_wasteful))
}

/// Returns those of two places that are worth more, the former if they are worth the same.
fn better<'a>(best: Option<Arranged<'a>>, other: Arranged<'a>) -> Option<Arranged<'a>> {
    if other.is_better(best.as_ref()) { Some(other) } else { best }
}

/// Returns parts that are joined, or the only one; `None` if there is none.
fn several<'a>(mut parts: Vec<Placed<'a>>, join: fn(Vec<Placed<'a>>) -> Placed<'a>) -> Option<Placed<'a>> {
    if parts.len() > 1 { Some(join(parts)) } else { parts.pop() }
}

/// Returns the share of their wishes that panes have, weighted by their importance. Rows that are missing count more than columns.
fn content(places: &[(&Candidate, Rect)]) -> f64 {
    let part = |has: u16, wishes: u16| (f64::from(has) / f64::from(wishes.max(1))).min(1.0);
    let content = |(candidate, area): &(&Candidate, Rect)| {
        let Candidate { shape: Shape { wish, most, is_endless, .. }, priority, .. } = candidate;
        // A list is to be whole; of what has no end, as the packets, there is no whole.
        let rows = part(area.height, if *is_endless { wish.height } else { most.height });
        f64::from(*priority) * rows * (1.0 + part(area.width, wish.width))
    };
    places.iter().map(content).sum()
}

/// Returns the most important panes one below the other, at most as many as there are rows.
fn below_each_other<'a>(by_priority: &[&'a Candidate], area: Rect) -> Places<'a> {
    let shown: Vec<&Candidate> = by_priority.iter().copied().filter(|candidate| candidate.is_kept).collect();
    let shown = &shown[..shown.len().min(usize::from(area.height))];
    let mut places = Vec::new();
    Placed::Rows(shown.iter().map(|&candidate| Placed::One(candidate)).collect()).place(area, &mut places);
    places
}

/// Returns an arrangement without the panes that are not shown; `None` if none is left.
fn placed<'a>(arrangement: &Arrangement, shown: &[&'a Candidate], whole: &Arrangement) -> Option<Placed<'a>> {
    let all = |parts: &[Arrangement]| parts.iter().filter_map(|part| placed(part, shown, whole)).collect::<Vec<_>>();
    match arrangement {
        One(pane) => shown.iter().find(|candidate| candidate.pane == *pane).map(|&candidate| Placed::One(candidate)),
        Rows(parts) => several(all(parts), Placed::Rows),
        Columns(parts) => several(all(parts), Placed::Columns),
        Others => {
            let others = shown.iter().filter(|candidate| !names(whole, candidate.pane));
            several(others.map(|&candidate| Placed::One(candidate)).collect(), Placed::Rows)
        }
    }
}

fn names(arrangement: &Arrangement, pane: Pane) -> bool {
    match arrangement {
        One(other) => *other == pane,
        Rows(parts) | Columns(parts) => parts.iter().any(|part| names(part, pane)),
        Others => false,
    }
}

impl<'a> Placed<'a> {
    /// Returns true if a list of a column is cut while panes of another column have rows that they do not use; `height_of` is the height that a
    /// pane has.
    fn is_wasteful(&self, height_of: &dyn Fn(Pane) -> u16) -> bool {
        match self {
            Placed::One(_) => false,
            Placed::Rows(parts) => parts.iter().any(|part| part.is_wasteful(height_of)),
            Placed::Columns(parts) => {
                // What stands alone in its column cannot be moved to another one for the benefit of others.
                let is_cut = |part: &Placed<'_>| matches!(part, Placed::Rows(_)) && part.is_cut(height_of);
                // Fewer rows are of no use to another pane.
                let is_uneven = parts.iter().any(is_cut) && parts.iter().any(|part| part.spare(height_of) >= FRAMED_ROW);
                is_uneven || parts.iter().any(|part| part.is_wasteful(height_of))
            }
        }
    }

    /// Returns true if rows of a list are missing.
    fn is_cut(&self, height_of: &dyn Fn(Pane) -> u16) -> bool {
        match self {
            Placed::One(Candidate { pane, shape, .. }) => !shape.is_endless && height_of(*pane) < shape.most.height,
            Placed::Rows(parts) | Placed::Columns(parts) => parts.iter().any(|part| part.is_cut(height_of)),
        }
    }

    /// Returns the number of rows that all of it could give away.
    fn spare(&self, height_of: &dyn Fn(Pane) -> u16) -> u16 {
        match self {
            // Answers have a use for any room.
            Placed::One(Candidate { pane: Pane::Prompt, .. }) => 0,
            Placed::One(Candidate { pane, shape, .. }) => height_of(*pane).saturating_sub(shape.most.height),
            Placed::Rows(parts) => parts.iter().map(|part| part.spare(height_of)).sum(),
            Placed::Columns(parts) => parts.iter().map(|part| part.spare(height_of)).min().unwrap_or(0),
        }
    }

    fn fits(&self, area: Rect) -> bool {
        self.width().least <= area.width && self.height().least <= area.height
    }

    fn width(&self) -> Need {
        match self {
            Placed::One(candidate) => candidate.need(|size| size.width),
            Placed::Rows(parts) => beside(parts.iter().map(Placed::width)),
            Placed::Columns(parts) => along(parts.iter().map(Placed::width)),
        }
    }

    fn height(&self) -> Need {
        match self {
            Placed::One(candidate) => candidate.need(|size| size.height),
            Placed::Rows(parts) => along(parts.iter().map(Placed::height)),
            Placed::Columns(parts) => beside(parts.iter().map(Placed::height)),
        }
    }

    /// Distributes an area among the panes.
    fn place(&self, area: Rect, places: &mut Places<'a>) {
        match self {
            Placed::One(candidate) => places.push((candidate, area)),
            Placed::Rows(parts) => {
                let mut y = area.y;
                let needs: Vec<Need> = parts.iter().map(Placed::height).collect();
                for (part, height) in parts.iter().zip(share(area.height, &needs)) {
                    part.place(Rect { y, height, ..area }, places);
                    y += height;
                }
            }
            Placed::Columns(parts) => {
                let mut x = area.x;
                let needs: Vec<Need> = parts.iter().map(Placed::width).collect();
                for (part, width) in parts.iter().zip(share(area.width, &needs)) {
                    part.place(Rect { x, width, ..area }, places);
                    x += width;
                }
            }
        }
    }
}

impl Candidate {
    fn need(&self, along: impl Fn(Size) -> u16) -> Need {
        let Shape { least, wish, most, is_eager, gives_way, is_pinned, grows, .. } = self.shape;
        let [least, wish, most, grows] = [least, wish, most, grows].map(along);
        Need { least, wish, most, is_eager, gives_way, is_pinned, grows, priority: self.priority }
    }
}

#[cfg(test)]
mod tests;
