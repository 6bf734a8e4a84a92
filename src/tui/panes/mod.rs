//! The panes, one file each. A pane is a type that implements [`PaneView`]; a new one is a file and a line in the list below.

pub mod awaiting;
mod broken;
pub mod columns;
mod ends;
pub mod faults_menu;
mod files;
pub mod header;
pub mod health;
pub mod inquiry;
mod log;
mod nodes;
pub mod order;
pub mod pane_view;
pub mod plot;
mod prompt;
pub mod rows;
pub mod scene;
pub mod scroll;
mod segments;
mod services;
pub mod shape;
mod transfers;
pub mod wire;

use p2p_engine::node::health::Health;
use p2p_engine::snapshot::{LinkQueues, Peer};
use p2p_net::RateSeries;
use p2p_shell::report::{beginning_within, queue_of, rate_of};
use ratatui::layout::Rect;
use ratatui::symbols::{Marker, border};
use ratatui::text::Span;
use ratatui::widgets::Block;
use unicode_width::UnicodeWidthStr;

use self::files::FilesPane;
use self::health::HealthPane;
use self::log::LogPane;
use self::nodes::NodesPane;
pub use self::pane_view::{Canvas, Change, Deed, Menu, PaneView, Verb};
use self::prompt::PromptPane;
use self::scene::Scene;
use self::segments::SegmentsPane;
use self::services::ServicesPane;
use self::transfers::TransfersPane;
use self::wire::WirePane;
use super::prompt::Prompt;
use super::theme::{Glyphs, Role, Theme};

/// Defines the panes: the names by which they are known, and the types that they are.
macro_rules! panes {
    ($($(#[$doc:meta])* $name:ident, $field:ident: $view:ident;)+) => {
        /// A pane of the screen.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Pane {
            $($(#[$doc])* $name,)+
        }

        impl Pane {
            /// All panes, in the order in which the keyboard focus moves through them.
            pub const ALL: [Pane; [$(Pane::$name),+].len()] = [$(Pane::$name),+];

            /// Returns the name of the pane.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Pane::$name => stringify!($name),)+
                }
            }
        }

        /// All panes with their states.
        #[derive(Debug, Default)]
        pub struct Panes {
            $($field: $view,)+
        }

        impl Panes {
            /// Returns a pane.
            pub fn get(&self, pane: Pane) -> &dyn PaneView {
                match pane {
                    $(Pane::$name => &self.$field,)+
                }
            }

            /// Returns a pane, to change how it shows things.
            pub fn get_mut(&mut self, pane: Pane) -> &mut dyn PaneView {
                match pane {
                    $(Pane::$name => &mut self.$field,)+
                }
            }
        }
    };
}

panes! {
    /// List of the nodes.
    Nodes, nodes: NodesPane;
    /// Matrix of round-trip times, or map of the nodes.
    Health, health: HealthPane;
    /// List of the transfers.
    Transfers, transfers: TransfersPane;
    /// List of the stored files.
    Files, files: FilesPane;
    /// Segments of the selected transfer.
    Segments, segments: SegmentsPane;
    /// List of the captured packets.
    Wire, wire: WirePane;
    /// Log of events in words.
    Log, log: LogPane;
    /// List of the doors at which other programs are served.
    Services, services: ServicesPane;
    /// Prompt and the output of its commands.
    Prompt, prompt: PromptPane;
}

impl Panes {
    /// Returns the prompt.
    pub fn prompt(&self) -> &Prompt {
        &self.prompt.prompt
    }

    /// Returns the prompt, to change it.
    pub fn prompt_mut(&mut self) -> &mut Prompt {
        &mut self.prompt.prompt
    }

    /// Removes what the user before has chosen and seen.
    pub fn forget(&mut self) {
        Pane::ALL.into_iter().for_each(|pane| self.get_mut(pane).forget());
    }
}

/// Returns spans in at most `width` cells; what does not fit is cut, with a mark at its end, and not behind a digit.
pub fn fitted_spans<'a>(mut spans: Vec<Span<'a>>, width: u16, ellipsis: &'a str) -> Vec<Span<'a>> {
    if spans.iter().map(Span::width).sum::<usize>() <= usize::from(width) {
        return spans;
    }
    let room = usize::from(width).saturating_sub(ellipsis.width());
    let mut bytes = beginning_within(spans.iter().flat_map(|span| span.content.chars()), room).len();
    let mut end = 0;
    for (place, span) in spans.iter_mut().enumerate() {
        end = place;
        if span.content.len() > bytes {
            span.content = span.content[..bytes].to_owned().into();
            break;
        }
        bytes -= span.content.len();
    }
    spans.truncate(end + 1);
    let style = spans.last().map(|span| span.style).unwrap_or_default();
    spans.extend((width > 0).then(|| Span::styled(ellipsis, style)));
    spans
}

/// Returns the spans for which there is room in `width` cells, up to the first one that does not fit.
fn whole_spans(spans: impl IntoIterator<Item = Span<'static>>, width: usize) -> Vec<Span<'static>> {
    let mut left = Some(width);
    let mut fits = |span: &Span<'_>| {
        left = left.and_then(|left| left.checked_sub(span.width()));
        left.is_some()
    };
    spans.into_iter().take_while(|span| fits(span)).collect()
}

/// Returns the bytes per second that the link of a host carries in one direction; `None` if it has no limit.
fn capacity_of(scene: &Scene<'_>, peer: Peer, is_up: bool) -> Option<f64> {
    let host = scene.snapshot.figures.topology.hosts.iter().find(|host| host.peer == peer)?;
    let direction = if is_up { host.link.up } else { host.link.down };
    direction.bandwidth.bytes_per_second().map(|bytes| bytes as f64)
}

/// Returns the queues of a host's links, as in `↑ 98/100 1.9 s ↓ 0/100`.
pub fn queues_of(scene: &Scene<'_>, queues: LinkQueues) -> String {
    let glyphs = &scene.theme.glyphs;
    format!("{} {} {} {}", glyphs.up, queue_of(queues.up), glyphs.down, queue_of(queues.down))
}

/// Text of a list that has no rows because of its filter.
const NOTHING_PASSES: &str = "Nothing passes the filter; Esc takes it away.";

/// Returns a frame in the glyphs of the theme.
pub fn framed<'a>(theme: &Theme, role: Role) -> Block<'a> {
    let block = Block::bordered().border_style(theme.style(role));
    if theme.glyphs.is_unicode { block } else { block.border_set(ASCII_BORDER) }
}

/// Returns an area without its first row, where the headings of columns stand.
fn below_heading(area: Rect) -> Rect {
    Rect { y: area.y + area.height.min(1), height: area.height.saturating_sub(1), ..area }
}

/// Returns the marker for charts and maps.
fn marker(theme: &Theme) -> Marker {
    if theme.glyphs.is_unicode { Marker::Braille } else { Marker::Dot }
}

/// Frame of ASCII characters.
const ASCII_BORDER: border::Set<'static> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

/// Formats the rate of the last whole second; `-` before one has passed.
fn rate_now(series: &RateSeries) -> String {
    series.latest().map_or_else(|| "-".into(), |bytes| rate_of(bytes as f64))
}

/// Returns the number of cells that a fraction of `width` takes.
fn cells(part: f64, width: usize) -> usize {
    ((part.clamp(0.0, 1.0) * width as f64).round() as usize).min(width)
}

/// Returns the glyph of the level of a fraction.
fn level(glyphs: &Glyphs, part: f64) -> &'static str {
    glyphs.levels[cells(part, glyphs.levels.len() - 1)]
}

fn health_style(theme: &Theme, health: Health) -> (&'static str, ratatui::style::Style) {
    match health {
        Health::Alive => (theme.glyphs.alive, theme.style(Role::Good)),
        Health::Suspect => (theme.glyphs.suspect, theme.style(Role::Warning)),
        Health::Dead => (theme.glyphs.dead, theme.style(Role::Bad)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_cut_with_a_mark_and_not_within_a_number() {
        let cut = |texts: &[&'static str], width| {
            let spans = fitted_spans(texts.iter().map(|text| Span::raw(*text)).collect(), width, "…");
            spans.iter().map(|span| span.content.as_ref()).collect::<String>()
        };
        assert_eq!(cut(&["queue ", "98", "/100 1.9 s"], 18), "queue 98/100 1.9 s");
        assert_eq!(
            [cut(&["queue ", "98", "/100 1.9 s"], 17), cut(&["queue ", "98", "/100 1.9 s"], 15)],
            ["queue 98/100 …", "queue 98/100 …"]
        );
        assert_eq!([cut(&["queue ", "98", "/100 1.9 s"], 13), cut(&["queue ", "98", "/100"], 9)], ["queue …", "queue …"]);
        assert_eq!(
            [cut(&["日本", "語"], 5), cut(&["日本", "語"], 4), cut(&["ab"], 1), cut(&["ab"], 0)],
            ["日本…", "日…", "…", ""]
        );
    }

    #[test]
    fn a_fraction_has_its_cells() {
        assert_eq!([cells(0.5, 4), cells(7.0, 2), cells(-1.0, 2), cells(f64::NAN, 2)], [2, 2, 0, 0]);
    }
}
