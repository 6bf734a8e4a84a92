//! What a pane needs of the screen: how large it has to be, and how large it would like to be.

use ratatui::layout::Size;

/// Height of a pane with one row and its frame, such as a prompt with room for the typed line alone.
pub const FRAMED_ROW: u16 = 3;

/// The sizes of a pane in cells, with its frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Size for which there must be room if the pane is shown.
    pub least: Size,
    /// Size that the pane asks for beside others.
    pub wish: Size,
    /// Size at which the pane shows all that it has: it gets so much of what the wishes of all leave.
    pub most: Size,
    /// True if there are ever more rows, of which the latest are shown: that some are missing is no loss.
    pub is_endless: bool,
    /// True if the pane gets its wish before those that are not eager get more than their minimum.
    pub is_eager: bool,
    /// True if other eager panes have their wishes before this one, whatever they lack.
    pub gives_way: bool,
    /// True if the pane keeps the height that it wishes for whatever others lack or leave, as long as their minimums fit.
    pub is_pinned: bool,
    /// Shares of the room that is left once wishes are met, by width and by height.
    pub grows: Size,
}

impl Shape {
    /// Creates the shape of a pane that takes what room there is.
    pub fn growing(least: (u16, u16), wish: (u16, u16), share: u16) -> Shape {
        Shape::new(least, wish, false, Size::new(1, share))
    }

    /// Creates the shape of a pane that takes what width there is, but no more height than it wishes.
    pub fn of_height(least: (u16, u16), wish: (u16, u16)) -> Shape {
        Shape::new(least, wish, true, Size::new(1, 0))
    }

    /// Creates the shape of a pane that takes no more room than it wishes.
    pub fn bounded(least: (u16, u16), wish: (u16, u16)) -> Shape {
        Shape::new(least, wish, true, Size::new(0, 0))
    }

    fn new(least: (u16, u16), wish: (u16, u16), is_eager: bool, grows: Size) -> Shape {
        let wish = at_least(wish, least);
        Shape { least: least.into(), wish, most: wish, is_endless: false, is_eager, gives_way: false, is_pinned: false, grows }
    }

    /// Returns the shape of a pane that has so many rows, with its frame and its headings. One that has few gives the rest of its minimum
    /// away.
    #[must_use]
    pub fn of_rows(self, rows: usize) -> Shape {
        let rows = rows_up_to(rows, u16::MAX).max(FRAMED_ROW);
        let wish = Size::new(self.wish.width, self.wish.height.min(rows));
        Shape { wish, most: Size::new(self.most.width, rows), ..self }
    }

    /// Returns the shape of a pane that has more than its minimum only of what other panes of a height leave.
    #[must_use]
    pub fn giving_way(self) -> Shape {
        Shape { gives_way: true, ..self }
    }

    /// Returns the shape of a pane that shows something in more rows than it wishes, which it has of what all others leave.
    #[must_use]
    pub fn up_to(self, height: u16) -> Shape {
        Shape { most: Size::new(self.most.width, self.most.height.max(height)), ..self }
    }

    /// Returns the shape of a pane that keeps a height.
    #[must_use]
    pub fn pinned(self, height: u16) -> Shape {
        let at = |size: Size| Size::new(size.width, height);
        Shape { wish: at(self.wish), most: at(self.most), is_pinned: true, ..self }
    }

    /// Returns the shape of a pane of the latest of ever more rows.
    #[must_use]
    pub fn endless(self) -> Shape {
        Shape { is_endless: true, ..self }
    }

    /// Returns the shape of a pane that has so many columns of cells, with its frame.
    #[must_use]
    pub fn of_columns(self, columns: u16) -> Shape {
        Shape { most: Size::new(self.most.width.max(columns), self.most.height), ..self }
    }
}

fn at_least(wish: (u16, u16), least: (u16, u16)) -> Size {
    Size::new(wish.0.max(least.0), wish.1.max(least.1))
}

/// Returns a number of rows as a height in cells, at most `most`.
pub fn rows_up_to(rows: usize, most: u16) -> u16 {
    u16::try_from(rows).unwrap_or(u16::MAX).min(most)
}
