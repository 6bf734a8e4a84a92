//! Help in dialogs: F1 opens the legend at the mode of the open dialog and returns to it, whatever it is, and the hint line names the
//! keys that go on with the dialog or end it.

use p2p_shell::question::{FieldKind, Form, Question};
use p2p_storage::tui::app::Pane;
use p2p_storage::tui::dialog::Dialog;
use ratatui::style::Modifier;
use tokio::sync::oneshot;

use crate::dialogs::greeted;
use crate::tui_harness::{TuiHarness, lines};

/// Sizes of the screen at which all of it must be so.
const SIZES: [(u16, u16); 4] = [(120, 40), (80, 24), (60, 16), (200, 60)];

fn footer(tui: &mut TuiHarness) -> String {
    tui.text().lines().last().unwrap().trim_end().to_owned()
}

/// The line of the legend that is marked as found.
fn found(tui: &mut TuiHarness) -> String {
    let buffer = tui.draw();
    let row = (0..buffer.area.height).find(|&y| buffer[(buffer.area.width / 2, y)].modifier.contains(Modifier::REVERSED));
    row.map_or_else(String::new, |row| lines(&buffer)[usize::from(row)].trim_matches(['│', ' ']).to_owned())
}

/// F1 opens the legend at the mode, Esc returns to the dialog as it was, and the hint line names the keys of both.
fn explains(tui: &mut TuiHarness, mode: &str, ends: &str) {
    let (before, count) = (tui.text(), tui.app.dialogs().len());
    let line = footer(tui);
    assert!(line.starts_with(&format!(" {mode}  {ends}  F1 help")), "{line}\n{before}");
    assert_eq!(line.contains("Ctrl-Q quit"), mode != "QUESTION", "{line}");
    tui.press(&["F1"]);
    assert!(found(tui).starts_with(&format!("{mode} ")), "{mode}: {:?}\n{}", found(tui), tui.text());
    assert_eq!(footer(tui), " VIEWER  Enter close  Esc close  F1 help  Ctrl-Q quit", "{mode}");
    // The legend is a dialog, too, which explains itself in its place.
    tui.press(&["F1"]);
    assert!(found(tui).starts_with("VIEWER "), "{}", tui.text());
    tui.press(&["Esc"]);
    assert_eq!(tui.app.dialogs().len(), count, "{mode}");
    let after = tui.text();
    assert_eq!(after, before, "{mode}: all is as it was");
}

fn ask(tui: &mut TuiHarness, form: Form) -> oneshot::Receiver<p2p_shell::question::Reply> {
    let (reply, answer) = oneshot::channel();
    tui.app.on_question(Question { form, reply });
    answer
}

#[test]
fn every_dialog_has_help_and_names_its_ends() {
    for (width, height) in SIZES {
        let mut tui = greeted(width, height);
        explains(&mut tui, "CHOICE", "Enter take  Esc look around");
        tui.keys(&["Esc", "pause", "Enter", "Ctrl-P"]);
        explains(&mut tui, "LIST", "Enter choose  Esc close");
        tui.press(&["nothing is so called"]);
        explains(&mut tui, "LIST", "Esc close");
        tui.press(&["Esc", "F9"]);
        tui.press(&["/", "TCP"]);
        assert!(footer(&mut tui).starts_with(" VIEWER  Enter keep  Esc clear  F1 help"), "{}", footer(&mut tui));
        tui.press(&["Enter", "Esc"]);
        tui.press_in_pane(Pane::Nodes, &["x"]);
        explains(&mut tui, "LIST", "Enter choose  Esc close");
        tui.keys(&["Esc", "Enter"]);
        explains(&mut tui, "VIEWER", "Enter close  Esc close");
        tui.press(&["Esc", ":", "sleep 1h; ls", "Enter"]);
        tui.until(|app| app.under_way().is_some());
        tui.press(&["F7"]);
        explains(&mut tui, "LIST", "Enter drop  Esc close");
        tui.press(&["Esc", "Ctrl-Q"]);
        explains(&mut tui, "QUESTION", "y yes  Enter no  Esc no");
    }
}

#[test]
fn the_dialog_of_a_connection_has_help() {
    for (width, height) in SIZES {
        let mut tui = TuiHarness::slow(width, height);
        tui.begin_upload("a.bin", 300_000);
        tui.keys(&["pause", "Enter"]);
        tui.press_in_pane(Pane::Segments, &["x", "watch", "Enter"]);
        assert!(matches!(tui.app.dialogs(), [Dialog::Connection(_)]), "{}", tui.text());
        explains(&mut tui, "CONNECTION", "Enter close  Esc close");
        // Only there do the keys of time what they do in panes.
        tui.keys(&["F1", "Esc", "+"]);
        assert!(matches!(tui.app.dialogs(), [Dialog::Connection(_)]), "{}", tui.text());
    }
}

/// A form keeps what is typed while its help is read, and what is asked next takes its place below.
#[test]
fn a_form_waits_below_its_help() {
    for (width, height) in SIZES {
        let mut tui = TuiHarness::dark(width, height);
        tui.text();
        let form = || Form::new("Log in").with("User name", FieldKind::Text).with("Password", FieldKind::Password);
        let mut answer = ask(&mut tui, form());
        tui.press(&["alice", "Tab", "secret"]);
        explains(&mut tui, "FORM", "Enter go on  Esc leave");
        tui.press(&["Enter", "F1"]);
        assert!(matches!(answer.try_recv(), Ok(p2p_shell::question::Reply::Given(given)) if given.len() == 2));
        // What is asked next while the answer is checked stands where the form stood, be it the same one or another.
        let mut again = ask(&mut tui, form());
        assert!(matches!(tui.app.dialogs(), [Dialog::Form(_), Dialog::Viewer(_)]), "{}", tui.text());
        tui.press(&["Esc", "secret", "Enter", "F1"]);
        assert!(matches!(again.try_recv(), Ok(p2p_shell::question::Reply::Given(_))), "{}", tui.text());
        let _next = ask(&mut tui, Form::new("Second factor").with("Code", FieldKind::Text));
        assert!(matches!(tui.app.dialogs(), [Dialog::Form(_), Dialog::Viewer(_)]), "{}", tui.text());
        tui.press(&["Esc"]);
        assert_eq!(tui.app.dialogs().last().and_then(Dialog::form).unwrap().form.title, "Second factor");
    }
}
