//! The choice between a few doors: what somebody meets who opens the screen for the first time.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::{Position, Rect};

use super::dialog::{Choice, DialogEffect, Item};

/// A short text, and a few things to choose from, each with what it does.
#[derive(Debug)]
pub struct Doors {
    /// Heading of the dialog.
    pub title: &'static str,
    /// Lines above the doors.
    pub text: &'static [&'static str],
    /// The doors; the last one is that of Esc.
    pub doors: Vec<Item>,
    /// Index of the selected door.
    pub selected: usize,
    /// Areas in which the doors were drawn last.
    areas: Vec<Rect>,
}

impl Doors {
    /// Returns what somebody meets who opens the screen where there is no account yet.
    pub fn first_start() -> Doors {
        let door = |name: &str, summary: &str, choice| Item { name: name.into(), summary: summary.into(), choice };
        Doors {
            title: "Welcome to p2p",
            text: &[
                "A storage network: files are cut up and kept by nodes.",
                "Bytes and disks are real, the wires are simulated.",
            ],
            doors: vec![
                door("Take the tour", "eight steps on a network of its own, for practice", Choice::Begin("tour")),
                door("Create an account", "the first one is the admin's; then everybody logs in", Choice::Begin("register")),
                door("Look around", "you may do everything without an account; Esc, too", Choice::LookAround),
            ],
            selected: 0,
            areas: Vec::new(),
        }
    }

    /// Takes in where the doors are drawn.
    pub fn set_areas(&mut self, areas: Vec<Rect>) {
        self.areas = areas;
    }

    /// Handles a key.
    pub(super) fn handle(&mut self, key: &KeyEvent) -> DialogEffect {
        let count = self.doors.len();
        match key.code {
            KeyCode::Up | KeyCode::BackTab | KeyCode::Char('k') => self.selected = (self.selected + count - 1) % count,
            KeyCode::Down | KeyCode::Tab | KeyCode::Char('j') => self.selected = (self.selected + 1) % count,
            KeyCode::Home => self.selected = 0,
            KeyCode::End => self.selected = count - 1,
            KeyCode::Enter | KeyCode::Char(' ') => return self.open(self.selected),
            KeyCode::Esc => return self.open(count - 1),
            KeyCode::Char(c) => {
                // A digit or the first letter of a door opens it.
                let is_meant = |(place, door): (usize, &Item)| {
                    c.to_digit(10) == Some(place as u32 + 1) || door.name.to_lowercase().starts_with(c.to_ascii_lowercase())
                };
                return self.doors.iter().enumerate().position(is_meant).map_or(DialogEffect::Stay, |place| self.open(place));
            }
            _ => {}
        }
        DialogEffect::Stay
    }

    /// Handles a click.
    pub(super) fn click(&mut self, at: Position) -> DialogEffect {
        let place = self.areas.iter().position(|area| area.contains(at));
        place.map_or(DialogEffect::Stay, |place| self.open(place))
    }

    fn open(&mut self, place: usize) -> DialogEffect {
        self.selected = place;
        self.doors.get(place).map_or(DialogEffect::Stay, |door| DialogEffect::Chosen(door.choice.clone()))
    }
}
