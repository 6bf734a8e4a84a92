//! What a pane needs of the screen: how large it has to be, and how large it would like to be.

use ratatui::layout::Size;

/// The sizes of a pane in cells, with its frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Size below which the pane is not shown.
    pub least: Size,
    /// Size at which the pane shows all that it has.
    pub wish: Size,
    /// True if the pane gets its wish before those that are not eager get more than their minimum.
    pub is_eager: bool,
    /// Shares of the room that is left once wishes are met, by width and by height.
    pub grows: Size,
}

impl Shape {
    /// Creates the shape of a pane that takes what room there is.
    pub fn growing(least: (u16, u16), wish: (u16, u16), share: u16) -> Shape {
        Shape { least: least.into(), wish: at_least(wish, least), is_eager: false, grows: Size::new(1, share) }
    }

    /// Creates the shape of a pane that takes what width there is, but no more height than it wishes.
    pub fn of_height(least: (u16, u16), wish: (u16, u16)) -> Shape {
        Shape { least: least.into(), wish: at_least(wish, least), is_eager: true, grows: Size::new(1, 0) }
    }

    /// Creates the shape of a pane that takes no more room than it wishes.
    pub fn bounded(least: (u16, u16), wish: (u16, u16)) -> Shape {
        Shape { least: least.into(), wish: at_least(wish, least), is_eager: true, grows: Size::new(0, 0) }
    }
}

fn at_least(wish: (u16, u16), least: (u16, u16)) -> Size {
    Size::new(wish.0.max(least.0), wish.1.max(least.1))
}

/// Returns a number of rows as a height in cells, at most `most`.
pub fn rows_up_to(rows: usize, most: u16) -> u16 {
    u16::try_from(rows).unwrap_or(u16::MAX).min(most)
}
