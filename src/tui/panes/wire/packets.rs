//! A packet of the wire as a row: when, what became of it, from whom to whom, and what it is.

use p2p_base::units::SimTime;
use p2p_engine::snapshot::kind_name;
use p2p_net::{DropCause, PacketKind, PacketRecord};
use p2p_shell::report::{Resolution, instant_of};

use crate::tui::panes::columns::{Align, Cell, Column};
use crate::tui::panes::ends::Ends;
use crate::tui::theme::{Role, Theme};

/// A quantity that a column shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quantity {
    Time,
    Fate,
    Ends,
    Kind,
    Seq,
    Length,
    Window,
    Ports,
}

/// Names of the columns that may be hidden.
pub(super) const HIDEABLE: &[&str] = &["fate", "ends", "kind", "seq", "len", "cwnd", "ports"];

/// Returns all columns, for packets of no later than `now`. What became of a packet goes last, behind nothing but its time.
pub(super) fn columns(ends: &Ends, shows_probes: bool, now: SimTime) -> Vec<Column<Quantity>> {
    let (pair, kind) = (2 * ends.width() + 1, if shows_probes { 12 } else { 7 });
    // The hours have as many digits as it takes.
    let time = instant_of(now, Resolution::Micros).len() as u16;
    vec![
        Column::new(Quantity::Time, "time", time, time, 9, Align::Right),
        Column::new(Quantity::Fate, "fate", 8, 13, 8, Align::Left),
        Column::new(Quantity::Ends, "ends", pair, pair, 7, Align::Left),
        Column::new(Quantity::Kind, "kind", kind, kind, 6, Align::Left),
        Column::new(Quantity::Seq, "seq", 8, 11, 4, Align::Right),
        Column::new(Quantity::Length, "len", 4, 4, 5, Align::Right),
        Column::new(Quantity::Window, "cwnd", 4, 4, 3, Align::Right),
        Column::new(Quantity::Ports, "ports", 11, 11, 1, Align::Left),
    ]
}

/// Returns what a packet shows of a quantity.
pub(super) fn cell(theme: &Theme, ends: &Ends, packet: &PacketRecord, quantity: Quantity, is_selected: bool) -> Cell {
    let text = |text: String, role| Cell::Text(text, theme.style(role));
    let arrow = theme.glyphs.to;
    let of_tcp = |text: String| text_if(packet.connection.is_some(), text);
    match quantity {
        Quantity::Time => text(instant_of(packet.at, Resolution::Micros), if is_selected { Role::Selected } else { Role::Dim }),
        Quantity::Fate => {
            let (fate, role) = fate_of(theme, packet);
            text(fate, role)
        }
        Quantity::Ends => text(format!("{}{arrow}{}", ends.name(*packet.from.ip()), ends.name(*packet.to.ip())), Role::Text),
        Quantity::Kind => text(kind_name(packet.kind).to_owned(), kind_role(packet.kind)),
        Quantity::Seq => text(of_tcp(packet.seq.to_string()), Role::Dim),
        Quantity::Length => text(text_if(packet.len > 0, packet.len.to_string()), Role::Dim),
        Quantity::Window => text(packet.congestion_window.map(|window| window.to_string()).unwrap_or_default(), Role::Dim),
        Quantity::Ports => text(format!("{}{arrow}{}", packet.from.port(), packet.to.port()), Role::Dim),
    }
}

fn text_if(is_shown: bool, text: String) -> String {
    if is_shown { text } else { String::new() }
}

fn kind_role(kind: PacketKind) -> Role {
    match kind {
        PacketKind::Syn | PacketKind::SynAck | PacketKind::Fin => Role::Accent,
        PacketKind::Rst => Role::Bad,
        PacketKind::Data => Role::Flow,
        _ => Role::Dim,
    }
}

/// Returns what became of a packet: that it was lost and why, that it had been sent before, or that the path made it.
fn fate_of(theme: &Theme, packet: &PacketRecord) -> (String, Role) {
    let glyphs = &theme.glyphs;
    match packet.dropped {
        Some(cause) if packet.is_retransmission => (format!("{}{} {}", glyphs.dead, glyphs.again, word_of(cause)), Role::Bad),
        Some(cause) => (format!("{} {}", glyphs.dead, word_of(cause)), Role::Bad),
        None if packet.is_copy => (format!("{} copy", glyphs.copy), Role::Warning),
        None if packet.is_retransmission => (format!("{} again", glyphs.again), Role::Warning),
        None => (String::new(), Role::Dim),
    }
}

/// Returns the word for a cause of loss, which is no longer than the column permits.
const fn word_of(cause: DropCause) -> &'static str {
    match cause {
        DropCause::Loss => "loss",
        DropCause::QueueFull => "queue",
        DropCause::HostDown => "down",
        DropCause::Corrupt => "sum",
        DropCause::Cut => "cut",
        DropCause::PortClosed => "port",
    }
}

/// Returns a packet as a line of text, for the filter and the clipboard: the words that are shown, and besides them the whole
/// addresses.
pub(super) fn line(packet: &PacketRecord, ends: &Ends) -> String {
    let fate = packet.dropped.map(|cause| format!(" {}: {}", word_of(cause), cause.name()));
    let again = if packet.is_copy {
        " copy"
    } else if packet.is_retransmission {
        " again"
    } else {
        ""
    };
    let (from, to) = (ends.name(*packet.from.ip()), ends.name(*packet.to.ip()));
    let window = packet.congestion_window.map(|window| format!(" cwnd {window}"));
    format!(
        "{}{}{again} {from}→{to} {from}>{to} {} > {} {} seq {} ack {} len {}{}",
        instant_of(packet.at, Resolution::Micros),
        fate.unwrap_or_default(),
        packet.from,
        packet.to,
        kind_name(packet.kind),
        packet.seq,
        packet.ack,
        packet.len,
        window.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use p2p_engine::snapshot::Topology;

    use super::*;
    use crate::tui::panes::columns::Columns;
    use crate::tui::theme::ThemeName;

    /// The time of every packet is whole, however long the simulation has run.
    #[test]
    fn times_are_whole_after_hours_and_days() {
        let ends = Ends::of(&Topology { hosts: Vec::new() });
        for hours in [0, 1, 10, 100, 240, 10_000] {
            let now = SimTime::from_nanos(hours * 3_600_000_000_000 + 59_999_999_999);
            let columns = Columns::fit(columns(&ends, false, now), 60);
            let width = columns.width_of(Quantity::Time).map_or(0, usize::from);
            assert_eq!(width, instant_of(now, Resolution::Micros).len().max(12), "{hours} h");
        }
    }

    /// At every width a row begins with the time and what became of the packet, which no other column takes room from.
    #[test]
    fn what_became_of_a_packet_is_never_cut_off() {
        let theme = Theme::new(ThemeName::Dark, false);
        for width in 21..200 {
            let ends = Ends::of(&Topology { hosts: Vec::new() });
            let headings = Columns::fit(columns(&ends, true, SimTime::ZERO), width).headings(&theme);
            assert_eq!([headings[0].content.trim(), headings[2].content.trim()], ["time", "fate"], "{width}");
        }
        for cause in DropCause::ALL {
            assert!(word_of(cause).len() <= 5, "{}", cause.name());
        }
    }
}
