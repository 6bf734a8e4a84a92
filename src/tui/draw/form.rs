//! The drawing of forms: fields with their errors, codes in boxes, and contents that are shown once: a QR code, backup codes.
//!
//! ```text
//! ┌ Log in ──────────────────┐   ┌ Second factor ───────────┐
//! │ User name                │   │ Code                     │
//! │ › alice                  │   │ ┌─┐┌─┐┌─┐┌─┐┌─┐┌─┐       │
//! │ Password                 │   │ │1││2││3││ ││ ││ │       │
//! │ › ******                 │   │ └─┘└─┘└─┘└─┘└─┘└─┘       │
//! │ ✕ wrong name or password │   │ changes in 17 s ████···  │
//! └ Tab next  Enter go on ───┘   └ Esc leave  Ctrl-B backup ─┘
//! ```

use p2p_auth::otp::{Enrolment, STEP};
use p2p_auth::password::strength;
use p2p_base::message::legible;
use p2p_shell::question::{FieldKind, Shown};
use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};
use secrecy::ExposeSecret;
use unicode_width::UnicodeWidthStr;

use super::frame::{framed, middle};
use crate::tui::action::KeyHint;
use crate::tui::app::App;
use crate::tui::form::{DIGITS, FormDialog, Input};
use crate::tui::theme::Role;
use crate::tui::wrap::wrapped;

/// Width of a form in cells, without its frame.
const WIDTH: u16 = 58;
/// Minimum width in cells of the column beside a QR code.
const COLUMN: u16 = 30;
/// Width in cells of the bar that shows how long a code stays valid.
const BAR: usize = 10;

/// Draws a form, and places the cursor in the field that is being filled in.
pub(super) fn draw(app: &App, form: &FormDialog, frame: &mut Frame<'_>, area: Rect) {
    match qr_code(app, form).filter(|lines| fits_beside(lines, area)) {
        Some(lines) => draw_beside(app, form, lines, frame, area),
        None => {
            let width = WIDTH.min(area.width.saturating_sub(4));
            let mut content = Content::of(app, form, width);
            if form.qr.is_some() {
                let lacks = if app.theme().glyphs.is_unicode { "A larger terminal" } else { "A terminal with more than ASCII" };
                content.text(&format!("{lacks} shows a QR code here."), Role::Dim);
            }
            let place = middle(area, width + 4, content.lines.len() as u16 + 2);
            let block = framed(app, form.form.title, place.width).title_bottom(Line::from(hints(app, form)));
            frame.render_widget(Clear, place);
            let inner = block.inner(place);
            frame.render_widget(block, place);
            content.draw(Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner }, frame);
        }
    }
}

/// Returns the QR code of a form; `None` if there is none, or if the theme is limited to ASCII and cannot draw half blocks.
fn qr_code<'a>(app: &App, form: &'a FormDialog) -> Option<&'a [String]> {
    form.qr.as_deref().filter(|_| app.theme().glyphs.is_unicode)
}

fn size_of(lines: &[String]) -> (u16, u16) {
    (lines.first().map_or(0, |line| line.chars().count()) as u16, lines.len() as u16)
}

/// Returns true if an area has room for a QR code and the column beside it.
fn fits_beside(lines: &[String], area: Rect) -> bool {
    let (width, height) = size_of(lines);
    width + 1 + COLUMN <= area.width && height <= area.height
}

/// Draws the QR code on the left and the form on the right: in a frame if the screen has room for one; otherwise on the whole screen,
/// where the first line of the form is its title and the last one its keys.
fn draw_beside(app: &App, form: &FormDialog, lines: &[String], frame: &mut Frame<'_>, area: Rect) {
    let (width, height) = size_of(lines);
    let beside_in = |room: u16| Content::of(app, form, room.saturating_sub(width + 1).min(WIDTH));
    // The frame takes two columns and two rows, and a column is free on each side of what stands in it.
    let content = beside_in(area.width.saturating_sub(4));
    let rows = height.max(content.rows());
    let has_frame = content.columns() >= COLUMN && rows + 2 <= area.height;
    let place = if has_frame { middle(area, width + content.columns() + 5, rows + 2) } else { area };
    frame.render_widget(Clear, place);
    let (content, inner) = if has_frame {
        let block = framed(app, form.form.title, place.width).title_bottom(Line::from(hints(app, form)));
        let inner = block.inner(place);
        frame.render_widget(block, place);
        (content, Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner })
    } else {
        (beside_in(area.width).below_title(form.form.title), area)
    };
    // Black on white, independent of the theme, so that cameras can read the code.
    let paper = Style::new().fg(Color::Rgb(0, 0, 0)).bg(Color::Rgb(255, 255, 255));
    let code: Vec<Line<'_>> = lines.iter().map(|line| Line::styled(line.as_str(), paper)).collect();
    frame.render_widget(Paragraph::new(code), Rect { width, height, ..inner });
    let beside = Rect { x: inner.x + width + 1, width: content.columns(), ..inner };
    let rows = content.rows();
    content.draw(beside, frame);
    if !has_frame && rows < area.height {
        let last = Rect { y: area.bottom() - 1, height: 1, ..beside };
        frame.render_widget(Paragraph::new(Line::from(hints(app, form))), last);
    }
}

/// The contents of a form, line by line.
struct Content<'a> {
    app: &'a App,
    width: usize,
    lines: Vec<Line<'a>>,
    cursor: Option<(u16, u16)>,
    /// Number of lines down to the end of the focused field.
    needed: u16,
}

impl<'a> Content<'a> {
    fn of(app: &'a App, form: &'a FormDialog, width: u16) -> Content<'a> {
        let mut content = Content { app, width: usize::from(width), lines: Vec::new(), cursor: None, needed: 0 };
        let text = if form.is_backup() { "One of your backup codes: each is good once." } else { &form.form.text };
        content.text(text, Role::Text);
        match &form.form.shown {
            Shown::Nothing => {}
            Shown::App(enrolment) => content.enrolment(enrolment),
            Shown::Codes(codes) => {
                content.lines.push(Line::default());
                for pair in codes.chunks(2) {
                    let pair: Vec<&str> = pair.iter().map(|code| code.expose_secret()).collect();
                    content.push(&pair.join("    "), Role::Accent);
                }
                content.lines.push(Line::default());
            }
        }
        for place in 0..form.form.fields.len() {
            content.field(form, place);
        }
        if form.is_waiting() {
            content.push("checking ...", Role::Dim);
        }
        content
    }

    /// Returns the height in rows.
    fn rows(&self) -> u16 {
        self.lines.len() as u16
    }

    /// Returns the width in cells.
    fn columns(&self) -> u16 {
        self.width as u16
    }

    /// Returns the contents below a line with the title, for where no frame bears it.
    fn below_title(mut self, title: &'a str) -> Content<'a> {
        self.lines.insert(0, Line::styled(title, self.app.theme().style(Role::Focus)));
        self.cursor = self.cursor.map(|(column, row)| (column, row + 1));
        self.needed += u16::from(self.needed > 0);
        self
    }

    fn push(&mut self, text: &str, role: Role) {
        self.lines.push(Line::styled(text.to_owned(), self.app.theme().style(role)));
    }

    /// Appends a text, wrapped to the width of the form.
    fn text(&mut self, text: &str, role: Role) {
        if !text.is_empty() {
            wrapped(text, self.width).iter().for_each(|line| self.push(line, role));
        }
    }

    fn enrolment(&mut self, enrolment: &Enrolment) {
        self.push("Secret", Role::Dim);
        let letters: Vec<char> = enrolment.secret.expose_secret().chars().collect();
        let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
        self.text(&groups.join(" "), Role::Accent);
        self.push("URI", Role::Dim);
        self.text(enrolment.uri.expose_secret(), Role::Text);
    }

    fn field(&mut self, form: &FormDialog, place: usize) {
        let (field, has_keys) = (&form.form.fields[place], form.focus == place && !form.is_waiting());
        let role = if has_keys { Role::Accent } else { Role::Dim };
        let (input, glyphs) = (&form.inputs[place], &self.app.theme().glyphs);
        if let Input::Code { typed, is_backup: false } = input {
            self.push(field.name, role);
            self.boxes(typed.text(), has_keys);
            if let FieldKind::Code(code) = field.kind
                && code.changes
            {
                self.countdown();
            }
        } else {
            let is_backup = matches!(input, Input::Code { .. });
            let strength = match input {
                Input::Hidden(typed) if field.kind == FieldKind::NewPassword => strength(typed.text()),
                _ => "",
            };
            self.lines.push(Line::from(vec![
                Span::styled(if is_backup { "Backup code" } else { field.name }, self.app.theme().style(role)),
                Span::styled(format!("   {strength}"), self.app.theme().style(Role::Dim)),
            ]));
            let (text, column) = shown(input, form.is_revealed);
            let mark = format!("{} ", glyphs.prompt);
            let room = self.width.saturating_sub(mark.width() + 1);
            let skip = column.saturating_sub(room);
            if has_keys {
                self.cursor = Some(((mark.width() + column - skip) as u16, self.lines.len() as u16));
            }
            let text: String = text.chars().skip(skip).take(room + 1).collect();
            self.lines.push(Line::from(vec![
                Span::styled(mark, self.app.theme().style(Role::Accent)),
                Span::styled(text, self.app.theme().style(Role::Text)),
            ]));
        }
        if let Some(error) = form.form.error.as_ref().filter(|error| error.field == place && !form.is_waiting()) {
            self.text(&format!("{} {}", glyphs.dead, legible(&error.message)), Role::Bad);
        }
        if has_keys {
            self.needed = self.lines.len() as u16;
        }
    }

    /// Appends six boxes with a digit each.
    fn boxes(&mut self, typed: &str, has_keys: bool) {
        let (top, side, bottom) =
            if self.app.theme().glyphs.is_unicode { ("┌─┐", "│", "└─┘") } else { ("+-+", "|", "+-+") };
        let digits: Vec<char> = typed.chars().collect();
        if has_keys {
            self.cursor = Some((3 * digits.len().min(DIGITS - 1) as u16 + 1, self.lines.len() as u16 + 1));
        }
        let cells: String = (0..DIGITS).map(|place| format!("{side}{}{side}", digits.get(place).unwrap_or(&' '))).collect();
        for line in [top.repeat(DIGITS), cells, bottom.repeat(DIGITS)] {
            self.push(&line, Role::Text);
        }
    }

    /// Appends the time for which the app shows the current code (RFC 6238, section 4).
    fn countdown(&mut self) {
        let left = STEP - self.app.now() % STEP;
        let full = (left as usize * BAR).div_ceil(STEP as usize);
        let glyphs = &self.app.theme().glyphs;
        let bar = glyphs.full.repeat(full) + &glyphs.empty.repeat(BAR - full);
        self.push(&format!("changes in {left:2} s {bar}"), Role::Dim);
    }

    fn draw(self, area: Rect, frame: &mut Frame<'_>) {
        // The focused field stays visible, however small the screen is.
        let skipped = self.needed.saturating_sub(area.height);
        let lines: Vec<Line<'_>> = self.lines.into_iter().skip(usize::from(skipped)).collect();
        frame.render_widget(Paragraph::new(lines), area);
        if let Some((column, row)) = self.cursor {
            let position = Position::new(area.x + column, area.y + row.saturating_sub(skipped));
            if area.contains(position) {
                frame.set_cursor_position(position);
            }
        }
    }
}

/// Returns the visible text of an input, and the column of the cursor in it.
fn shown(input: &Input, is_revealed: bool) -> (String, usize) {
    match input {
        Input::Text(editor) => {
            let before = editor.text().get(..editor.cursor()).unwrap_or(editor.text());
            (editor.text().to_owned(), before.width())
        }
        Input::Hidden(typed) if !is_revealed => ("*".repeat(typed.text().chars().count()), typed.column()),
        Input::Hidden(typed) | Input::Code { typed, .. } => (typed.text().to_owned(), typed.column()),
    }
}

/// Returns the keys that have an effect in the form, for its lower border.
fn hints(app: &App, form: &FormDialog) -> Vec<Span<'static>> {
    let next: &[KeyHint] = if form.form.fields.len() > 1 { &[("Tab", "next")] } else { &[] };
    let mut keys = [next, form.endings()].concat();
    if form.has_secrets() {
        keys.push(("Ctrl-T", if form.is_revealed { "hide" } else { "show" }));
    }
    if let Some(code) = form.code() {
        if code.can_be_sent_again {
            keys.push(("Ctrl-N", "new code"));
        }
        if code.or_backup_code {
            keys.push(("Ctrl-B", if form.is_backup() { "digits" } else { "backup" }));
        }
    }
    let span = |(key, name): KeyHint| {
        [
            Span::styled(format!(" {key}"), app.theme().style(Role::Accent)),
            Span::styled(format!(" {name} "), app.theme().style(Role::Dim)),
        ]
    };
    keys.into_iter().flat_map(span).collect()
}
