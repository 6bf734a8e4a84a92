//! The welcome of the first start: what is offered to somebody who opens the screen where there is no account yet.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::{Position, Rect};

/// Way to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// The tour of the screen.
    Tour,
    /// The registration of the first account.
    Account,
    /// The screen without an account.
    LookAround,
}

impl Offer {
    /// All offers, in their order; the last one is that of Esc.
    pub const ALL: [Offer; 3] = [Offer::Tour, Offer::Account, Offer::LookAround];

    /// Returns the name of the offer.
    pub const fn name(self) -> &'static str {
        match self {
            Offer::Tour => "Take the tour",
            Offer::Account => "Create an account",
            Offer::LookAround => "Look around",
        }
    }

    /// Returns what comes of it, in a line.
    pub const fn summary(self) -> &'static str {
        match self {
            Offer::Tour => "eight steps on a network of its own, for practice",
            Offer::Account => "the first one is the admin's; then everybody logs in",
            Offer::LookAround => "you may do everything without an account; Esc, too",
        }
    }
}

/// The dialog of the first start.
#[derive(Debug, Default)]
pub struct Welcome {
    /// Index of the selected offer.
    selected: usize,
    /// Areas in which the offers were drawn last.
    areas: Vec<Rect>,
}

impl Welcome {
    /// Heading of the dialog.
    pub const TITLE: &str = "Welcome to p2p";
    /// Lines above the offers.
    pub const TEXT: [&str; 2] =
        ["A storage network: files are cut up and kept by nodes.", "Bytes and disks are real, the wires are simulated."];

    /// Returns the index of the selected offer.
    pub fn selected(&self) -> usize {
        self.selected
    }

    /// Takes in where the offers are drawn.
    pub fn set_areas(&mut self, areas: Vec<Rect>) {
        self.areas = areas;
    }

    /// Handles a key; returns the offer that it takes.
    pub fn handle(&mut self, key: &KeyEvent) -> Option<Offer> {
        let count = Offer::ALL.len();
        match key.code {
            KeyCode::Up | KeyCode::BackTab | KeyCode::Char('k') => self.selected = (self.selected + count - 1) % count,
            KeyCode::Down | KeyCode::Tab | KeyCode::Char('j') => self.selected = (self.selected + 1) % count,
            KeyCode::Home => self.selected = 0,
            KeyCode::End => self.selected = count - 1,
            KeyCode::Enter | KeyCode::Char(' ') => return Offer::ALL.get(self.selected).copied(),
            KeyCode::Esc => return Offer::ALL.last().copied(),
            KeyCode::Char(c) => {
                // A digit or the first letter of an offer takes it.
                let is_meant = |(place, offer): &(usize, Offer)| {
                    c.to_digit(10) == Some(*place as u32 + 1) || offer.name().to_lowercase().starts_with(c.to_ascii_lowercase())
                };
                return Offer::ALL.into_iter().enumerate().find(is_meant).map(|(_, offer)| offer);
            }
            _ => {}
        }
        None
    }

    /// Returns the offer that a click takes.
    pub fn click(&self, at: Position) -> Option<Offer> {
        let place = self.areas.iter().position(|area| area.contains(at))?;
        Offer::ALL.get(place).copied()
    }
}
