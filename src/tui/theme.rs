//! Colours and glyphs. Every state has a glyph and a word beside its colour, so that no information is lost without colours.
//!
//! The default palette is that of Okabe and Ito (2008), which people with any common colour blindness tell apart.

use std::fmt;
use std::str::FromStr;

use ratatui::style::{Color, Modifier, Style};

/// The name of a palette.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ThemeName {
    /// Palette for terminals with a dark background.
    #[default]
    Dark,
    /// Palette for terminals with a light background.
    Light,
    /// Pure colours on a black background.
    HighContrast,
    /// Text attributes instead of colours.
    Mono,
}

impl ThemeName {
    /// All themes, in the order of their documentation.
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

/// The purpose of a style.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Ordinary text of the screen.
    Text,
    /// Text of less importance.
    Dim,
    /// Headings and the name of the program.
    Accent,
    /// States and results that are in order.
    Good,
    /// States that require attention.
    Warning,
    /// Errors and failed states.
    Bad,
    /// Bytes in transit and their rates.
    Flow,
    /// Selected row or word.
    Selected,
    /// Frame of a pane without the focus.
    Border,
    /// Frame of the focused pane.
    Focus,
}

/// A palette with its glyphs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    name: ThemeName,
    /// Glyphs of the theme.
    pub glyphs: Glyphs,
}

impl Theme {
    /// Creates a theme, with ASCII glyphs if `ascii` is true.
    pub fn new(name: ThemeName, ascii: bool) -> Theme {
        Theme { name, glyphs: if ascii { ASCII } else { UNICODE } }
    }

    /// Returns the style of a role.
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

/// The glyphs for states and for parts of bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glyphs {
    /// True if the glyphs are beyond ASCII.
    pub is_unicode: bool,
    /// Node that answers probes.
    pub alive: &'static str,
    /// Node that has missed probes.
    pub suspect: &'static str,
    /// Node that does not answer probes.
    pub dead: &'static str,
    /// Direction from the client to the nodes.
    pub up: &'static str,
    /// Direction from the nodes to the client.
    pub down: &'static str,
    /// Completed part of a bar.
    pub full: &'static str,
    /// Remaining part of a bar.
    pub empty: &'static str,
    /// Segment that waits for its connection.
    pub connecting: &'static str,
    /// Segment that waits to be sent.
    pub queued: &'static str,
    /// Segment that is being sent.
    pub sending: &'static str,
    /// Segment that has arrived but is not yet acknowledged.
    pub arrived: &'static str,
    /// Segment or transfer that is done.
    pub done: &'static str,
    /// Packet that was lost, or segment with retransmissions.
    pub lost: &'static str,
    /// Virtual time that passes.
    pub play: &'static str,
    /// Virtual time that is paused.
    pub pause: &'static str,
    /// Mark before the line of the prompt.
    pub prompt: &'static str,
    /// Mark of the diagonal of the health matrix.
    pub dot: &'static str,
    /// Mark at the end of a text that was cut.
    pub ellipsis: &'static str,
    /// Mark on the frame of a pane of which not all rows are shown.
    pub scroll: &'static str,
    /// Levels of a sparkline, from low to high.
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
    scroll: "┃",
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
    scroll: "#",
    levels: ["_", "_", "-", "-", "=", "=", "#", "#"],
};
