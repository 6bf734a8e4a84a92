//! The borders between panes that stand side by side: columns of cells that one of them leaves empty go to the other one, if it fills more
//! with them, such as one more column of a matrix.

use ratatui::layout::{Margin, Rect};

use crate::tui::panes::Pane;

/// Frame of a pane.
const FRAME: Margin = Margin::new(1, 1);

/// Moves the borders between panes of one height. `filled` is how many columns of an inner area a pane fills, if it can tell.
pub(super) fn shift(areas: &mut [(Pane, Rect)], filled: impl Fn(Pane, Rect) -> Option<u16>) {
    for (left, right) in pairs(areas) {
        let of = |place: usize, more: u16| {
            let (pane, area) = areas[place];
            filled(pane, Rect { width: area.width + more, ..area }.inner(FRAME))
        };
        // Columns that one has no use for, of which the other one fills some.
        let gain = |from: usize, to: usize| {
            let (inner, other) = (areas[from].1.inner(FRAME), areas[to].1.inner(FRAME));
            let spare = inner.width.saturating_sub(of(from, 0)?);
            let more = of(to, spare)?.saturating_sub(other.width).min(spare);
            (more > 0).then_some(more)
        };
        let (more, to_right) = match (gain(left, right), gain(right, left)) {
            (Some(more), _) => (more, true),
            (None, Some(more)) => (more, false),
            (None, None) => continue,
        };
        let [one, other] = [left, right].map(|place| areas[place].1);
        let (one_width, x) = if to_right { (one.width - more, other.x - more) } else { (one.width + more, other.x + more) };
        areas[left].1.width = one_width;
        areas[right].1 = Rect { x, width: one.width + other.width - one_width, ..other };
    }
}

/// Returns the places of the panes that stand side by side and are of one height, and whose border does not go on above or below them, as that
/// of a whole column does.
fn pairs(areas: &[(Pane, Rect)]) -> Vec<(usize, usize)> {
    let is_beside = |(one, other): (Rect, Rect)| one.right() == other.x && (one.y, one.height) == (other.y, other.height);
    let all = (0..areas.len()).flat_map(|left| (0..areas.len()).map(move |right| (left, right)));
    let pairs = all.filter(|&(left, right)| is_beside((areas[left].1, areas[right].1)));
    let ends_there = |border: Rect| {
        let goes_on = |(_, area): &(Pane, Rect)| {
            [area.x, area.right()].contains(&border.x) && (area.y == border.bottom() || area.bottom() == border.y)
        };
        !areas.iter().any(goes_on)
    };
    pairs.filter(|&(_, right)| ends_there(areas[right].1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Number of columns that a pane of a width fills.
    type Fill = fn(u16) -> u16;

    /// What one pane leaves goes to the other one in steps in which that fills more, and nothing goes where nothing is left.
    #[test]
    fn what_is_left_empty_goes_to_the_other_pane() {
        let shifted = |widths: [u16; 2], filled: [Fill; 2]| {
            let mut areas = vec![
                (Pane::Nodes, Rect::new(0, 1, widths[0], 9)),
                (Pane::Health, Rect::new(widths[0], 1, widths[1], 9)),
                (Pane::Log, Rect::new(0, 10, widths[0] + widths[1], 5)),
            ];
            let mut columns = areas.clone();
            columns[2] = (Pane::Log, Rect::new(0, 10, widths[0], 5));
            let before = columns.clone();
            shift(&mut columns, |pane, inner| Some(filled[usize::from(pane != Pane::Nodes)](inner.width)));
            assert_eq!(columns, before, "the border of a column stays straight");
            shift(&mut areas, |pane, inner| Some(filled[usize::from(pane != Pane::Nodes)](inner.width)));
            let [left, right] = [areas[0].1, areas[1].1];
            assert_eq!((left.x, left.right(), right.right()), (0, right.x, widths[0] + widths[1]));
            left.width
        };
        let (all, steps, few): (Fill, Fill, Fill) = (|width| width, |width| width / 6 * 6, |width| width.min(30));
        assert_eq!(shifted([52, 40], [all, steps]), 54);
        assert_eq!(shifted([50, 40], [all, steps]), 52);
        assert_eq!(shifted([45, 42], [few, steps]), 37);
        assert_eq!(shifted([45, 42], [few, few]), 45);
        assert_eq!(shifted([20, 42], [all, all]), 20);
    }
}
