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

/// Effect of a key in the dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Offer that the key takes.
    Offer(Offer),
    /// Beginning of a command, which goes to the prompt.
    Command,
    /// Selection of another offer, or nothing.
    Key,
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

    /// Handles a key. A digit takes an offer; any other character begins a command, whatever it is, so that no part of a typed line is taken
    /// for a choice.
    pub fn handle(&mut self, key: &KeyEvent) -> Taken {
        let count = Offer::ALL.len();
        let of = |place: usize| Offer::ALL.get(place).map_or(Taken::Key, |&offer| Taken::Offer(offer));
        match key.code {
            KeyCode::Up | KeyCode::BackTab => self.selected = (self.selected + count - 1) % count,
            KeyCode::Down | KeyCode::Tab => self.selected = (self.selected + 1) % count,
            KeyCode::Home => self.selected = 0,
            KeyCode::End => self.selected = count - 1,
            KeyCode::Enter | KeyCode::Char(' ') => return of(self.selected),
            KeyCode::Esc => return of(count - 1),
            KeyCode::Char(c) => return c.to_digit(10).map_or(Taken::Command, |digit| of((digit as usize).wrapping_sub(1))),
            _ => {}
        }
        Taken::Key
    }

    /// Returns the offer that a click takes.
    pub fn click(&self, at: Position) -> Option<Offer> {
        let place = self.areas.iter().position(|area| area.contains(at))?;
        Offer::ALL.get(place).copied()
    }
}
