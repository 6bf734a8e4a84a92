//! The services pane: the doors at which this program serves others, one row each, while there are any. Nothing of it comes from the engine:
//! these are sockets of this machine, and their figures are those of the command `services`.
//!
//! ```text
//! service node    address         state   clients requests       in     out refused
//! grpc    -       127.0.0.1:50050 open          2      117 20.1 MiB 1.2 KiB none
//! ssh     Node_01 127.0.0.1:2201  stopped       0        0  0.0 KiB 0.0 KiB 3 silent
//! ```

use p2p_base::units::count_of;
use p2p_service::doors::{Stage, told_refusals};
use p2p_shell::report::bytes_of;
use ratatui::layout::{Rect, Size};
use ratatui::text::Span;

use super::columns::{Align, BYTES, Cell, Column, Columns, chosen, longest, wished};
use super::pane_view::Menu;
use super::rows::Rows;
use super::scene::Scene;
use super::scroll::Part;
use super::shape::{Shape, rows_up_to};
use super::{Canvas, Deed, NOTHING_PASSES, Pane, PaneView, Verb, below_heading};
use crate::serve::kinds::Kind;
use crate::serve::services::OwnDoor;
use crate::tui::action::Action;
use crate::tui::preset::Preset;
use crate::tui::theme::Role;

/// Maximum width of an address in cells, which every one of IPv6 with its port has.
const ADDRESS_MAX: u16 = 47;
/// Maximum width of the refusals in cells.
const REFUSED_MAX: u16 = 60;

/// Names of the columns that may be hidden.
const HIDEABLE: &[&str] = &["node", "address", "state", "clients", "requests", "in", "out", "refused"];

/// A quantity that a column shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quantity {
    Service,
    Node,
    Address,
    State,
    Clients,
    Requests,
    Arrived,
    Sent,
    Refused,
}

/// The list of the doors at which other programs are served.
#[derive(Debug, Default)]
pub(super) struct ServicesPane {
    list: Rows,
}

impl PaneView for ServicesPane {
    fn shape(&self, scene: &Scene<'_>, room: Size) -> Shape {
        let all: Vec<&OwnDoor> = self.doors(scene).collect();
        // The frame has two columns.
        let width = 2 + match all.as_slice() {
            [] => longest(nothing(scene).iter().copied(), u16::MAX),
            all => wished(&chosen(columns(all), self.list.hidden())),
        };
        let rows = all.len() + 3;
        Shape::of_height((40, 4), (width, rows_up_to(rows, (room.height / 6).max(5)))).of_rows(rows.max(4))
    }

    fn priority(&self, preset: Preset) -> u16 {
        match preset {
            Preset::Overview | Preset::Network => 10,
            Preset::Transfer | Preset::Files => 0,
        }
    }

    fn is_wanted(&self, scene: &Scene<'_>) -> bool {
        doors(scene).next().is_some()
    }

    fn title(&self, _scene: &Scene<'_>, _inner: Rect) -> String {
        "Services".into()
    }

    fn row_noun(&self, _scene: &Scene<'_>) -> Option<&'static str> {
        Some("doors")
    }

    fn row_area(&self, _scene: &Scene<'_>, inner: Rect) -> Rect {
        below_heading(inner)
    }

    fn draw(&self, scene: &Scene<'_>, canvas: &mut Canvas<'_>) {
        let all: Vec<&OwnDoor> = self.doors(scene).collect();
        if all.is_empty() {
            let style = scene.theme.style(Role::Dim);
            let lines = nothing(scene).iter().enumerate();
            return lines.for_each(|(place, line)| canvas.row(place, vec![Span::styled(*line, style)]));
        }
        let Part { shown, .. } = self.part(scene, canvas.area);
        let (first, rows) = (shown.start, &all[shown]);
        let columns = Columns::fit(chosen(columns(rows), self.list.hidden()), canvas.area.width);
        let rows = rows.iter().enumerate().map(|(place, door)| (place, (first + place, *door)));
        columns.draw(scene.theme, canvas, self.row_area(scene, canvas.area), rows, |(index, door), quantity, _| {
            cell(scene, door, quantity, scene.focus == Pane::Services && self.list.selected() == *index)
        });
    }

    fn list(&self) -> &Rows {
        &self.list
    }

    fn list_mut(&mut self) -> &mut Rows {
        &mut self.list
    }

    fn rows(&self, scene: &Scene<'_>) -> usize {
        self.doors(scene).count()
    }

    fn is_filterable(&self) -> bool {
        true
    }

    fn columns(&self, _scene: &Scene<'_>) -> &'static [&'static str] {
        HIDEABLE
    }

    fn keep_place(&mut self, scene: &Scene<'_>) {
        // Of one service no two doors have the same port.
        let key = |door: &OwnDoor| (door.kind as u64) << 32 | u64::from(door.figures.address.port());
        let keys: Vec<u64> = self.doors(scene).map(key).collect();
        self.list.hold(&keys);
    }

    fn open(&self, scene: &Scene<'_>) -> Option<Deed> {
        match self.selected(scene) {
            Some(door) => Some(Deed::Open(format!("services {}", door.kind.name()))),
            None => may_serve(scene).then_some(Deed::Act(Action::Verbs)),
        }
    }

    fn copy(&self, scene: &Scene<'_>) -> Option<String> {
        self.selected(scene).map(|door| door.figures.address.to_string())
    }

    fn verbs(&self, scene: &Scene<'_>) -> Vec<Verb> {
        if !may_serve(scene) {
            return Vec::new();
        }
        let is_there = |kind: Kind| doors(scene).any(|door| door.kind == kind);
        let of_row = self.selected(scene).into_iter().flat_map(|door| verbs(scene, door.kind));
        let others = Kind::ALL.into_iter().filter(|&kind| !is_there(kind)).map(start);
        let all = Verb::new("", "stop all services", Deed::Run("serve stop".into()));
        let all = Kind::ALL.into_iter().all(is_there).then_some(all);
        of_row.chain(others).chain(all).collect()
    }
}

impl ServicesPane {
    /// Returns the doors that pass the filter.
    fn doors<'a>(&self, scene: &Scene<'a>) -> impl Iterator<Item = &'a OwnDoor> {
        let text = |door: &OwnDoor| {
            let node = door.node.as_deref().unwrap_or_default();
            format!("{} {node} {} {}", door.kind.name(), door.figures.address, door.state())
        };
        doors(scene).filter(move |door| self.list.passes(|| text(door)))
    }

    fn selected<'a>(&self, scene: &Scene<'a>) -> Option<&'a OwnDoor> {
        self.doors(scene).nth(self.list.selected())
    }
}

/// Returns the doors that the user may see.
fn doors<'a>(scene: &Scene<'a>) -> impl Iterator<Item = &'a OwnDoor> + use<'a> {
    scene.doors.filter(|_| scene.identity.is_admin()).into_iter().flatten()
}

/// Returns true if the user may start services of this program.
fn may_serve(scene: &Scene<'_>) -> bool {
    scene.doors.is_some() && scene.identity.is_admin()
}

/// Returns the sentences that stand in the place of rows.
fn nothing(scene: &Scene<'_>) -> &'static [&'static str] {
    match scene.doors {
        _ if !scene.identity.is_admin() => &["Only admins see what is served to other programs."],
        None => &["From here no other programs are served."],
        Some([]) => &["No other program is served.", "`serve start grpc`, or ssh or web, starts one; x too."],
        Some(_) => &[NOTHING_PASSES],
    }
}

/// Returns what can be done with a service that listens. Clients are not sent away without a question.
fn verbs(scene: &Scene<'_>, kind: Kind) -> [Verb; 2] {
    let (name, line) = (kind.name(), format!("serve stop {}", kind.name()));
    let clients: usize = doors(scene).filter(|door| door.kind == kind).map(|door| door.figures.clients).sum();
    let stop = match clients {
        0 => Deed::Run(line),
        clients => {
            let clients = count_of(clients as u64, "client");
            Deed::Confirm { question: format!("{name} has {clients}; what they do is let end, for a while at most."), line }
        }
    };
    [
        Verb::new("", "show all figures, refusals and keys", Deed::Open(format!("services {name}"))),
        Verb::new("", format!("stop {name}"), stop),
    ]
}

/// Returns the entry that starts a service.
fn start(kind: Kind) -> Verb {
    let line = format!("serve start {}", kind.name());
    let entries = vec![
        ("at the addresses of p2p.toml".to_owned(), Deed::Run(line.clone())),
        ("at free ports of 127.0.0.1".to_owned(), Deed::Run(format!("{line} :0"))),
        ("at another address".to_owned(), Deed::Type(line.clone())),
    ];
    Verb::new("", format!("start {} ...", kind.name()), Deed::Choose(Menu { title: line, entries }))
}

/// Returns the columns for the doors that are shown.
fn columns(doors: &[&OwnDoor]) -> Vec<Column<Quantity>> {
    let texts = |text: fn(&OwnDoor) -> String| doors.iter().map(|door| text(door)).collect::<Vec<_>>();
    let widest = |texts: Vec<String>, most| longest(texts.iter().map(String::as_str), most);
    let address = widest(texts(|door| door.figures.address.to_string()), ADDRESS_MAX);
    let refused = widest(texts(refused), REFUSED_MAX);
    let state = widest(texts(|door| door.state().into()), 7);
    let came = widest(texts(|door| bytes_of(door.figures.bytes_in)), BYTES);
    let sent = widest(texts(|door| bytes_of(door.figures.bytes_out)), BYTES);
    let mut columns = vec![
        Column::new(Quantity::Service, "service", 4, 4, 9, Align::Left),
        Column::new(Quantity::Node, "node", 7, 9, 6, Align::Left),
        Column::new(Quantity::Address, "address", address, address, 8, Align::Left),
        Column::new(Quantity::State, "state", state, 7, 5, Align::Left),
        Column::new(Quantity::Clients, "clients", 7, 7, 7, Align::Right),
        Column::new(Quantity::Requests, "requests", 8, 8, 4, Align::Right),
        Column::new(Quantity::Arrived, "in", came, BYTES, 2, Align::Right),
        Column::new(Quantity::Sent, "out", sent, BYTES, 1, Align::Right),
        Column::new(Quantity::Refused, "refused", 7, refused, 3, Align::Left),
    ];
    // Where all doors are of the whole network, its cells would be blank.
    columns.retain(|column| column.id != Quantity::Node || doors.iter().any(|door| door.node.is_some()));
    columns
}

/// Returns what was refused at a door, by reason.
fn refused(door: &OwnDoor) -> String {
    match told_refusals(&door.figures.refusals) {
        none if none.is_empty() => "none".into(),
        told => told,
    }
}

fn cell(scene: &Scene<'_>, door: &OwnDoor, quantity: Quantity, is_selected: bool) -> Cell {
    let text = |text: String, role| Cell::Text(text, scene.theme.style(role));
    let figures = &door.figures;
    let busy = if figures.clients > 0 { Role::Flow } else { Role::Dim };
    match quantity {
        Quantity::Service => text(door.kind.name().into(), if is_selected { Role::Selected } else { Role::Text }),
        Quantity::Node => text(door.node.clone().unwrap_or_else(|| "-".into()), Role::Text),
        Quantity::Address => text(figures.address.to_string(), Role::Text),
        Quantity::State => {
            let is_open = figures.stopped == 0 && figures.stage == Stage::Open;
            text(door.state().into(), if is_open { Role::Good } else { Role::Warning })
        }
        Quantity::Clients => text(figures.clients.to_string(), busy),
        Quantity::Requests => text(figures.requests.to_string(), Role::Text),
        Quantity::Arrived => text(bytes_of(figures.bytes_in), Role::Text),
        Quantity::Sent => text(bytes_of(figures.bytes_out), Role::Text),
        Quantity::Refused => text(refused(door), if figures.refusals.is_empty() { Role::Dim } else { Role::Warning }),
    }
}
