//! The layout: which panes are shown on a screen of some size, and where. Arrangements are data; of those the one is taken that
//! shows the most important panes, and among equals the one in which they have most of what they wish.
//!
//! Every pane that is shown has at least its minimum, or all that it has rows for; no two overlap, and together they fill the area. No list is
//! cut while another pane of its column has rows to spare, nor, if that can be helped, while another column has.

mod share;

use ratatui::layout::{Rect, Size};

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

/// Orders in which panes fill columns at first, with the prompt below those of the first one.
const ORDERS: [[Pane; 7]; 2] = [
    [Pane::Nodes, Pane::Health, Pane::Transfers, Pane::Files, Pane::Segments, Pane::Wire, Pane::Log],
    [Pane::Nodes, Pane::Transfers, Pane::Health, Pane::Segments, Pane::Files, Pane::Wire, Pane::Log],
];
/// Most columns that panes fill so.
const COLUMNS_MAX: usize = 4;
/// Most panes that are moved to other columns after that.
const MOVES_MAX: usize = 6;

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
    worth: Worth,
    places: Places<'a>,
}

impl<'a> Arranged<'a> {
    /// Creates places of which the content counts by a factor.
    fn new(places: Places<'a>, is_wasteful: bool, factor: f64) -> Arranged<'a> {
        let importance = places.iter().map(|(candidate, _)| u32::from(candidate.priority)).sum();
        let worth = Worth { importance, wastes_nothing: !is_wasteful, content: content(&places) * factor };
        Arranged { worth, places }
    }

    /// Returns true if the places are worth more than others, or there are no others.
    fn is_better(&self, than: Option<&Arranged<'_>>) -> bool {
        than.is_none_or(|than| self.worth > than.worth)
    }
}

/// An arrangement of the panes that are shown.
enum Placed<'a> {
    One(&'a Candidate),
    Rows(Vec<Placed<'a>>),
    Columns(Vec<Placed<'a>>),
}

/// Returns the places of the panes that are shown in an area. Those that are kept are shown wherever their minimums fit one below
/// the other; where they do not, they share what there is.
pub fn arrange(candidates: &[Candidate], area: Rect) -> Vec<(Pane, Rect)> {
    let mut by_priority: Vec<&Candidate> =
        candidates.iter().filter(|candidate| candidate.is_kept || candidate.priority > 0).collect();
    by_priority.sort_by_key(|candidate| std::cmp::Reverse((candidate.is_kept, candidate.priority)));
    let usual = ARRANGEMENTS.iter().enumerate().filter_map(|(place, arrangement)| {
        let (places, is_wasteful) = places_in(|shown| placed(arrangement, shown, arrangement), &by_priority, area)?;
        Some(Arranged::new(places, is_wasteful, if place == 0 { CLEARLY } else { 1.0 }))
    });
    let mut best = usual.fold(None, better);
    if best.as_ref().is_some_and(|best| !best.worth.wastes_nothing) {
        best = fill_columns(&by_priority, area).into_iter().fold(best, better);
    }
    let places = best.map_or_else(|| below_each_other(&by_priority, area), |best| best.places);
    places.into_iter().map(|(candidate, area)| (candidate.pane, area)).collect()
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

/// Returns the best places in columns: the panes fill columns in their order, and then each one is moved to another column as long as that
/// is worth it.
fn fill_columns<'a>(by_priority: &[&'a Candidate], area: Rect) -> Option<Arranged<'a>> {
    let arranged = |columns: &[Vec<Pane>]| {
        let (places, is_wasteful) = places_in(|shown| in_columns(shown, columns), by_priority, area)?;
        Some(Arranged::new(places, is_wasteful, 1.0))
    };
    // The best of some columns, if they are better than those so far.
    let best_of = |all: &mut dyn Iterator<Item = Vec<Vec<Pane>>>, so_far: Option<&Arranged<'a>>| {
        all.fold(None, |best: Option<(Vec<Vec<Pane>>, Arranged<'a>)>, columns| match arranged(&columns) {
            Some(other) if other.is_better(best.as_ref().map(|(_, best)| best).or(so_far)) => Some((columns, other)),
            _ => best,
        })
    };
    let mut best = best_of(&mut ORDERS.iter().flat_map(all_cuts), None)?;
    for _ in 0..MOVES_MAX {
        let Some(moved) = best_of(&mut all_moves(&best.0), Some(&best.1)) else { break };
        best = moved;
    }
    Some(best.1)
}

/// Returns all columns that differ by one pane, which stands below those of another column.
fn all_moves(columns: &[Vec<Pane>]) -> impl Iterator<Item = Vec<Vec<Pane>>> {
    let moves = ORDERS[0].iter().flat_map(|&pane| (0..columns.len()).map(move |to| (pane, to)));
    moves.map(|(pane, to)| {
        let mut moved: Vec<Vec<Pane>> = columns.to_vec();
        moved.iter_mut().for_each(|column| column.retain(|other| *other != pane));
        moved.get_mut(to).into_iter().for_each(|column| column.push(pane));
        moved
    })
}

/// Returns all ways to cut an order of the panes into several columns.
fn all_cuts(order: &[Pane; 7]) -> impl Iterator<Item = Vec<Vec<Pane>>> + use<'_> {
    // Each bit stands for a cut behind the pane of this place.
    let cuts = (1u8..1 << (order.len() - 1)).filter(|cuts| (cuts.count_ones() as usize) < COLUMNS_MAX);
    cuts.map(move |cuts| {
        let mut columns = vec![Vec::new()];
        for (place, &pane) in order.iter().enumerate() {
            columns.last_mut().into_iter().for_each(|column: &mut Vec<Pane>| column.push(pane));
            if cuts >> place & 1 == 1 {
                columns.push(Vec::new());
            }
        }
        columns
    })
}

/// Returns the panes that are shown in columns, with the prompt below the first of them.
fn in_columns<'a>(shown: &[&'a Candidate], columns: &[Vec<Pane>]) -> Option<Placed<'a>> {
    let find = |pane: Pane| shown.iter().find(|candidate| candidate.pane == pane).map(|&candidate| Placed::One(candidate));
    let column = |panes: &Vec<Pane>| panes.iter().filter_map(|&pane| find(pane)).collect::<Vec<_>>();
    let mut columns: Vec<Vec<Placed<'a>>> = columns.iter().map(column).filter(|column| !column.is_empty()).collect();
    match columns.first_mut() {
        Some(first) => first.extend(find(Pane::Prompt)),
        None => columns.push(find(Pane::Prompt).into_iter().collect()),
    }
    several(columns.into_iter().filter_map(|column| several(column, Placed::Rows)).collect(), Placed::Columns)
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
        let Shape { least, wish, most, is_eager, gives_way, grows, .. } = self.shape;
        let [least, wish, most, grows] = [least, wish, most, grows].map(along);
        Need { least, wish, most, is_eager, gives_way, grows, priority: self.priority }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Minimum, what is wished beyond it, eagerness, shares and importance.
    type Sizes = ((u16, u16), (u16, u16), bool, (u16, u16), u16);

    fn any_candidates() -> impl Strategy<Value = Vec<Candidate>> {
        let one = ((10u16..60, 3u16..8), (0u16..200, 0u16..60), any::<bool>(), (0u16..2, 0u16..4), 0u16..60);
        proptest::collection::vec(one, Pane::ALL.len()).prop_map(|shapes| {
            let candidate = |(pane, ((width, height), more, is_eager, grows, priority)): (Pane, Sizes)| {
                let wish = Size::new(width + more.0, height + more.1);
                let shape = Shape {
                    least: Size::new(width, height),
                    wish,
                    most: wish,
                    is_endless: false,
                    is_eager,
                    gives_way: false,
                    grows: grows.into(),
                };
                Candidate { pane, shape, priority, is_kept: pane == Pane::Prompt }
            };
            Pane::ALL.into_iter().zip(shapes).map(candidate).collect()
        })
    }

    proptest! {
        /// Whatever panes want: those that are shown have their minimum, they do not overlap, and they fill the area.
        #[test]
        fn places_keep_what_they_promise(candidates in any_candidates(), width in 60u16..300, height in 13u16..100) {
            let area = Rect::new(3, 1, width, height);
            let places = arrange(&candidates, area);
            prop_assert!(places.iter().any(|(pane, _)| *pane == Pane::Prompt));
            let cells: u32 = places.iter().map(|(_, area)| area.area()).sum();
            prop_assert_eq!(cells, area.area());
            for (number, (pane, place)) in places.iter().enumerate() {
                let Shape { least, most, .. } = candidates.iter().find(|candidate| candidate.pane == *pane).unwrap().shape;
                prop_assert!(place.width >= least.width.min(most.width) && place.height >= least.height.min(most.height), "{pane:?} {place}");
                prop_assert!(places[..number].iter().all(|(_, other)| !other.intersects(*place)) && area.union(*place) == area);
            }
            // What is not shown would not have fitted, or is less important than all that is.
            let height: u16 = candidates.iter().map(|candidate| candidate.shape.least.height).sum();
            let wanted = candidates.iter().filter(|candidate| candidate.is_kept || candidate.priority > 0).count();
            prop_assert!(height > area.height || places.len() == wanted);
        }
    }
}
