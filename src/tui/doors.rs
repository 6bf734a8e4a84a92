//! The doors of the first start: the choice that somebody meets who opens the screen where there is no account yet.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::{Position, Rect};

/// A way into the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// The tour of the screen.
    Tour,
    /// The registration of the first account.
    Account,
    /// The screen without an account.
    LookAround,
}

impl Door {
    /// All doors, in their order; the last one is that of Esc.
    pub const ALL: [Door; 3] = [Door::Tour, Door::Account, Door::LookAround];

    /// Returns the name of the door.
    pub const fn name(self) -> &'static str {
        match self {
            Door::Tour => "Take the tour",
            Door::Account => "Create an account",
            Door::LookAround => "Look around",
        }
    }

    /// Returns what is behind the door.
    pub const fn summary(self) -> &'static str {
        match self {
            Door::Tour => "eight steps on a network of its own, for practice",
            Door::Account => "the first one is the admin's; then everybody logs in",
            Door::LookAround => "you may do everything without an account; Esc, too",
        }
    }
}

/// The choice between the doors.
#[derive(Debug, Default)]
pub struct Doors {
    /// Index of the selected door.
    selected: usize,
    /// Areas in which the doors were drawn last.
    areas: Vec<Rect>,
}

impl Doors {
    /// Heading of the dialog.
    pub const TITLE: &str = "Welcome to p2p";
    /// Lines above the doors.
    pub const TEXT: [&str; 2] =
        ["A storage network: files are cut up and kept by nodes.", "Bytes and disks are real, the wires are simulated."];

    /// Returns the index of the selected door.
    pub fn selected(&self) -> usize {
        self.selected
    }

    /// Takes in where the doors are drawn.
    pub fn set_areas(&mut self, areas: Vec<Rect>) {
        self.areas = areas;
    }

    /// Handles a key; returns the door that it opens.
    pub fn handle(&mut self, key: &KeyEvent) -> Option<Door> {
        let count = Door::ALL.len();
        match key.code {
            KeyCode::Up | KeyCode::BackTab | KeyCode::Char('k') => self.selected = (self.selected + count - 1) % count,
            KeyCode::Down | KeyCode::Tab | KeyCode::Char('j') => self.selected = (self.selected + 1) % count,
            KeyCode::Home => self.selected = 0,
            KeyCode::End => self.selected = count - 1,
            KeyCode::Enter | KeyCode::Char(' ') => return Door::ALL.get(self.selected).copied(),
            KeyCode::Esc => return Door::ALL.last().copied(),
            KeyCode::Char(c) => {
                // A digit or the first letter of a door opens it.
                let is_meant = |(place, door): &(usize, Door)| {
                    c.to_digit(10) == Some(*place as u32 + 1) || door.name().to_lowercase().starts_with(c.to_ascii_lowercase())
                };
                return Door::ALL.into_iter().enumerate().find(is_meant).map(|(_, door)| door);
            }
            _ => {}
        }
        None
    }

    /// Returns the door that a click opens.
    pub fn click(&self, at: Position) -> Option<Door> {
        let place = self.areas.iter().position(|area| area.contains(at))?;
        Door::ALL.get(place).copied()
    }
}
