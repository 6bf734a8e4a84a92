//! Which nodes hold the files that are shown: looked up once for each, and drawn with the state of the nodes at the moment.

use std::collections::HashMap;
use std::sync::Arc;

use p2p_engine::operation::StatFile;
use p2p_service::access::Access;
use p2p_shell::report::{Holdings, OutOfReach, Reach, Standings};
use p2p_store::manifest::FileRecord;
use p2p_store::names::FileKey;
use ratatui::text::Span;

use crate::tui::panes::inquiry::Found;
use crate::tui::panes::level;
use crate::tui::theme::{Role, Theme};

/// Number of files that are looked up at once.
const AT_ONCE: usize = 32;
/// Number of files that are remembered beside those that are shown.
const REMEMBERED: usize = 1_024;
/// Number of nodes up to which each has its number on the map of a file's holders.
const NUMBERED: usize = 9;
/// Width below which the map of many nodes is not shown, in cells.
const MAP_LEAST: u16 = 10;
/// Width up to which the map of many nodes grows, in cells.
const MAP_MAX: u16 = 40;

/// Record of a file when it was looked up, and its holders; `None` if that failed.
type Known = (FileRecord, Option<Arc<Holdings>>);

/// The holders of the files that are shown.
#[derive(Debug, Default)]
pub(super) struct Holders {
    known: HashMap<FileKey, Known>,
    is_asking: bool,
}

impl Holders {
    /// Returns the holders of a file, if they were looked up.
    pub(super) fn of(&self, file: &FileRecord) -> Option<&Arc<Holdings>> {
        self.known.get(&file.key).filter(|(record, _)| is_same_content(record, file))?.1.as_ref()
    }

    /// Returns the look-up of the holders that are still missing of the files that are shown.
    pub(super) fn inquire<'a>(&mut self, shown: impl Iterator<Item = &'a FileRecord>) -> Option<HoldersQuery> {
        if self.is_asking {
            return None;
        }
        let is_known = |file: &FileRecord| self.known.get(&file.key).is_some_and(|(record, _)| is_same_content(record, file));
        let files: Vec<FileRecord> = shown.filter(|file| !is_known(file)).take(AT_ONCE).cloned().collect();
        if files.is_empty() {
            return None;
        }
        if self.known.len() > REMEMBERED {
            self.known.clear();
        }
        self.is_asking = true;
        Some(HoldersQuery { files })
    }

    /// Takes in what was looked up; nothing of it if the view is frozen, which shows what it did.
    pub(super) fn found(&mut self, found: Found, is_frozen: bool) {
        self.is_asking = false;
        if let (Ok(found), false) = (found.take::<Vec<Known>>(), is_frozen) {
            self.known.extend(found.into_iter().map(|(file, holdings)| (file.key.clone(), (file, holdings))));
        }
    }
}

/// Returns true if two records of the same name are those of the same content.
fn is_same_content(a: &FileRecord, b: &FileRecord) -> bool {
    (a.sha256, a.size, a.stored_at) == (b.sha256, b.size, b.stored_at)
}

/// A look-up of the holders of files.
#[derive(Debug)]
pub(super) struct HoldersQuery {
    files: Vec<FileRecord>,
}

impl HoldersQuery {
    /// Asks for the holders. A file that has been removed in the meantime has none.
    pub(super) async fn answer(self, access: Access) -> Vec<Known> {
        let mut found = Vec::with_capacity(self.files.len());
        for file in self.files {
            let manifest = access.call(StatFile { file: file.key.clone() }).await;
            found.push((file, manifest.ok().map(|manifest| Arc::new(Holdings::of(&manifest)))));
        }
        found
    }
}

/// Returns the health of a file in words: if it can be read at the moment, and if not, which nodes are missing.
pub(super) fn health(theme: &Theme, holdings: &Holdings, standings: &Standings) -> (String, Role) {
    if let Some(missing) = holdings.out_of_reach(standings) {
        return (format!("{} {}", theme.glyphs.dead, in_short(&missing)), Role::Bad);
    }
    match holdings.in_doubt(standings) {
        Some(missing) => (format!("{} {}", theme.glyphs.suspect, in_short(&missing)), Role::Warning),
        None => (format!("{} readable", theme.glyphs.done), Role::Good),
    }
}

/// Returns what stands below the list: which segments of the selected file cannot be had at the moment, or the marks of the map.
pub(super) fn foot(theme: &Theme, holdings: &Holdings, standings: &Standings) -> Vec<Span<'static>> {
    let glyphs = &theme.glyphs;
    let missing = |glyph, missing: OutOfReach, role| Span::styled(format!(" {glyph} {missing} "), theme.style(role));
    if let Some(lost) = holdings.out_of_reach(standings) {
        return vec![missing(glyphs.dead, lost, Role::Bad)];
    }
    if let Some(doubted) = holdings.in_doubt(standings) {
        return vec![missing(glyphs.suspect, doubted, Role::Warning)];
    }
    let levels = format!(" {}-{}", glyphs.levels[0], glyphs.levels[7]);
    [(levels, Role::Good, " segments of it there "), (glyphs.dead.to_owned(), Role::Bad, " out of reach ")]
        .into_iter()
        .flat_map(|(mark, role, meaning)| [(mark, role), (meaning.to_owned(), Role::Dim)])
        .map(|(text, role)| Span::styled(text, theme.style(role)))
        .collect()
}

/// Says what is missing in a row, a node first, since there may be no room for more.
fn in_short(OutOfReach { segments, of, nodes }: &OutOfReach) -> String {
    let first = nodes.first_key_value().map_or_else(|| "no node".to_owned(), |(node, why)| format!("{node} {why}"));
    match nodes.len() {
        0 | 1 => format!("{first}: {segments} of {of} segments"),
        several => format!("{first}, {} more: {segments} of {of}", several - 1),
    }
}

/// Returns the widths of the map of so many nodes, the minimum and the one at which it shows all.
pub(super) fn map_width(nodes: usize) -> (u16, u16) {
    match nodes {
        0..=NUMBERED => (numbered_width(nodes) as u16, numbered_width(nodes) as u16),
        _ => (MAP_LEAST, nodes.min(MAP_MAX.into()) as u16),
    }
}

const fn numbered_width(nodes: usize) -> usize {
    (3 * nodes).saturating_sub(1)
}

/// Returns the map of a file's holders: a cell for each node, or for several in turn if there are many. The level is the share of
/// the node that has most, and the colour tells if the node can be reached.
pub(super) fn map(theme: &Theme, holdings: &Holdings, standings: &Standings, width: u16) -> Vec<Span<'static>> {
    let (held, width, all) = (holdings.by_node(), usize::from(width.max(1)), standings.iter().len());
    let most = held.values().copied().max().unwrap_or(0).max(1);
    let is_numbered = all <= NUMBERED && width >= numbered_width(all);
    let group = all.div_ceil(width).max(1);
    let mut places: Vec<(u32, Option<Reach>)> = vec![(0, None); all.div_ceil(group)];
    for (&node, &count) in held {
        if let Some((largest, worst)) = places.get_mut(node.index() / group) {
            let reach = standings.node(node).reach;
            (*largest, *worst) = (count.max(*largest), Some(worst.map_or(reach, |worst| worst.min(reach))));
        }
    }
    let mut spans = Vec::with_capacity(2 * places.len());
    for (place, (largest, worst)) in places.into_iter().enumerate() {
        if is_numbered {
            let gap = if place == 0 { "" } else { " " };
            spans.push(Span::styled(format!("{gap}{}", place + 1), theme.style(Role::Dim)));
        }
        spans.push(place_of(theme, worst, f64::from(largest) / f64::from(most)));
    }
    spans
}

/// Returns the mark of a node that holds this share of the largest one, or of several nodes of which the worst stands so.
fn place_of(theme: &Theme, worst: Option<Reach>, share: f64) -> Span<'static> {
    let level = level(&theme.glyphs, share);
    let (glyph, role) = match worst {
        None => (theme.glyphs.empty, Role::Dim),
        Some(Reach::None) => (theme.glyphs.dead, Role::Bad),
        Some(Reach::Doubtful) => (level, Role::Warning),
        Some(Reach::Good) => (level, Role::Good),
    };
    Span::styled(glyph, theme.style(role))
}
