//! Colours and glyphs. Every state has a glyph and a word beside its colour, so that nothing is lost without colours.
//!
//! The default palette is that of Okabe and Ito (2008), which people with any common colour blindness tell apart. Knows nothing of
//! what is drawn.

use std::fmt;
use std::str::FromStr;

use ratatui::style::{Color, Modifier, Style};

/// A palette's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ThemeName {
    /// For dark terminals.
    #[default]
    Dark,
    /// For light terminals.
    Light,
    /// Pure colours on black.
    HighContrast,
    /// No colours.
    Mono,
}

impl ThemeName {
    /// Every theme.
    pub const ALL: [ThemeName; 4] = [ThemeName::Dark, ThemeName::Light, ThemeName::HighContrast, ThemeName::Mono];
}

impl fmt::Display for ThemeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            ThemeName::Dark => "dark",
            ThemeName::Light => "light",
            ThemeName::HighContrast => "high-contrast",
            ThemeName::Mono => "mono",
        })
    }
}

impl FromStr for ThemeName {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = ThemeName::ALL.into_iter().find(|theme| theme.to_string() == text.trim());
        found.ok_or_else(|| format!("`{text}` is no theme (known: dark, light, high-contrast, mono)"))
    }
}

/// What a style is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Ordinary text.
    Text,
    /// What matters less.
    Dim,
    /// Headings and the program's name.
    Accent,
    /// All is well.
    Good,
    /// Something wants attention.
    Warning,
    /// Something is broken.
    Bad,
    /// Bytes on their way.
    Flow,
    /// The row or word that is chosen.
    Selected,
    /// A pane's frame.
    Border,
    /// The frame of the pane that has the keys.
    Focus,
}

/// A palette with its glyphs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    name: ThemeName,
    /// The glyphs.
    pub glyphs: Glyphs,
}

impl Theme {
    /// A theme, with glyphs beyond ASCII or without.
    pub fn new(name: ThemeName, ascii: bool) -> Theme {
        Theme { name, glyphs: if ascii { ASCII } else { UNICODE } }
    }

    /// The style of a role.
    pub fn style(&self, role: Role) -> Style {
        let plain = Style::new();
        let [text, dim, accent, good, warning, bad, flow] = match self.name {
            ThemeName::Mono => return mono(role),
            ThemeName::Dark => [0xd8d8d8, 0x8a8a8a, 0x56b4e9, 0x2fc49b, 0xe69f00, 0xff7f50, 0x56b4e9],
            ThemeName::Light => [0x202020, 0x6a6a6a, 0x005a9c, 0x00704f, 0x9a5b00, 0xb03a00, 0x0072b2],
            ThemeName::HighContrast => [0xffffff, 0xd0d0d0, 0x00ffff, 0x00ff00, 0xffff00, 0xff6060, 0x00ffff],
        }
        .map(Color::from_u32);
        match role {
            Role::Text => plain.fg(text),
            Role::Dim => plain.fg(dim),
            Role::Accent => plain.fg(accent).add_modifier(Modifier::BOLD),
            Role::Good => plain.fg(good),
            Role::Warning => plain.fg(warning),
            Role::Bad => plain.fg(bad).add_modifier(Modifier::BOLD),
            Role::Flow => plain.fg(flow),
            Role::Selected => plain.fg(text).add_modifier(Modifier::REVERSED),
            Role::Border => plain.fg(dim),
            Role::Focus => plain.fg(accent).add_modifier(Modifier::BOLD),
        }
    }
}

fn mono(role: Role) -> Style {
    let plain = Style::new();
    match role {
        Role::Accent | Role::Bad | Role::Focus => plain.add_modifier(Modifier::BOLD),
        Role::Warning => plain.add_modifier(Modifier::UNDERLINED),
        Role::Dim => plain.add_modifier(Modifier::DIM),
        Role::Selected => plain.add_modifier(Modifier::REVERSED),
        Role::Text | Role::Good | Role::Flow | Role::Border => plain,
    }
}

/// What is drawn for a state or a part of a bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glyphs {
    /// Whether they are beyond ASCII.
    pub is_unicode: bool,
    /// A node that answers.
    pub alive: &'static str,
    /// A node that has missed probes.
    pub suspect: &'static str,
    /// A node that does not answer.
    pub dead: &'static str,
    /// From the client.
    pub up: &'static str,
    /// To the client.
    pub down: &'static str,
    /// A part of a bar that is done.
    pub full: &'static str,
    /// A part that is not.
    pub empty: &'static str,
    /// A segment that waits for its connection.
    pub connecting: &'static str,
    /// A segment that waits.
    pub queued: &'static str,
    /// A segment on its way.
    pub sending: &'static str,
    /// A segment that has arrived and is not acknowledged.
    pub arrived: &'static str,
    /// Done.
    pub done: &'static str,
    /// Lost.
    pub lost: &'static str,
    /// Time passes.
    pub play: &'static str,
    /// Time stands still.
    pub pause: &'static str,
    /// Before the prompt.
    pub prompt: &'static str,
    /// Between parts of a line.
    pub dot: &'static str,
    /// After what is cut.
    pub ellipsis: &'static str,
    /// From low to high.
    pub levels: [&'static str; 8],
}

const UNICODE: Glyphs = Glyphs {
    is_unicode: true,
    alive: "●",
    suspect: "◐",
    dead: "✕",
    up: "↑",
    down: "↓",
    full: "█",
    empty: "·",
    connecting: "╌",
    queued: "░",
    sending: "▓",
    arrived: "▒",
    done: "✓",
    lost: "╳",
    play: "▶",
    pause: "‖",
    prompt: "›",
    dot: "·",
    ellipsis: "…",
    levels: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
};

const ASCII: Glyphs = Glyphs {
    is_unicode: false,
    alive: "o",
    suspect: "?",
    dead: "x",
    up: "^",
    down: "v",
    full: "#",
    empty: ".",
    connecting: "~",
    queued: ".",
    sending: "#",
    arrived: "=",
    done: "+",
    lost: "x",
    play: ">",
    pause: "=",
    prompt: ">",
    dot: "-",
    ellipsis: "~",
    levels: ["_", "_", "-", "-", "=", "=", "#", "#"],
};
