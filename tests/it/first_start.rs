//! The first start: what somebody meets who opens the screen where there is no account, with the keyboard and the mouse.

use crossterm::event::{Event as Input, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use p2p_storage::tui::app::ExitRequest;

use crate::dialogs::greeted;
use crate::tui_harness::TuiHarness;

/// The offers with what they say of themselves, which is shown whole.
const OFFERS: [(&str, &str); 3] = [
    ("1 Take the tour", " eight steps on a network of its own, for practice "),
    ("2 Create an account", " the first one is the admin's; then everybody logs in "),
    ("3 Look around", " you may do everything without an account; Esc, too "),
];

/// Where a text stands on the screen.
fn place_of(tui: &mut TuiHarness, text: &str) -> (u16, u16) {
    let screen = tui.text();
    let (row, line) =
        screen.lines().enumerate().find(|(_, line)| line.contains(text)).unwrap_or_else(|| panic!("{text}: {screen}"));
    let column = line.chars().count() - line[line.find(text).unwrap()..].chars().count();
    (column as u16, row as u16)
}

fn click(tui: &mut TuiHarness, (column, row): (u16, u16)) {
    let kind = MouseEventKind::Down(MouseButton::Left);
    let _runtime = tui.runtime.enter();
    tui.app.on_input(Input::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
}

fn is_hinted(tui: &mut TuiHarness) -> bool {
    let text = tui.text();
    ["Next: `tour` takes the tour", "`upload PATH` stores", "Tab goes to the panes; F1", "`register` creates an account"]
        .iter()
        .all(|words| text.contains(words))
}

#[test]
fn three_offers_say_what_they_do_at_every_size() {
    for (width, height) in [(60, 16), (80, 24), (90, 50), (120, 40), (250, 20)] {
        let mut tui = greeted(width, height);
        let text = tui.text();
        assert!(text.contains("Welcome to p2p") && text.contains("CHOICE"), "{text}");
        for words in
            ["A storage network: files are cut up and kept by nodes.", "Bytes and disks are real, the wires are simulated."]
        {
            assert!(text.contains(words), "{text}");
        }
        assert!(OFFERS.iter().all(|(name, what)| text.contains(name) && text.contains(what)), "{text}");
        assert!(text.contains("Esc: look around") && text.contains("Ctrl-Q quit"), "{text}");
        // Each is taken by keys and by the mouse.
        for (number, way) in [(1, Some(ExitRequest::Tour)), (2, None), (3, None)] {
            let downs = vec!["Down"; number - 1];
            let by_keys: [Vec<&str>; 3] = [
                [downs.as_slice(), &["Enter"]].concat(),
                [vec!["Tab"; number - 1].as_slice(), &[" "]].concat(),
                vec![["1", "2", "3"][number - 1]],
            ];
            for keys in by_keys {
                let mut tui = greeted(width, height);
                tui.keys(&keys);
                opens(&mut tui, number, way);
            }
            for (right, below) in [(0, 0), (20, 1)] {
                let mut tui = greeted(width, height);
                let (column, row) = place_of(&mut tui, OFFERS[number - 1].0);
                click(&mut tui, (column + right, row + below));
                tui.settle();
                opens(&mut tui, number, way);
            }
        }
        let (column, row) = place_of(&mut tui, "A storage network");
        click(&mut tui, (column, row));
        assert_eq!(tui.app.dialogs().len(), 1, "what is no offer is not taken");
    }
}

fn opens(tui: &mut TuiHarness, number: usize, way: Option<ExitRequest>) {
    assert_eq!(tui.app.take_exit(), way, "{number}");
    match number {
        2 => assert!(tui.text().contains("Create the first account"), "{}", tui.text()),
        _ => assert!(tui.app.dialogs().is_empty()),
    }
    assert_eq!(is_hinted(tui), number == 3, "{number}: {}", tui.text());
}

/// Whoever closes the choice, or gives the form up, is told what to do next; the example is a file that can be stored.
#[test]
fn the_next_step_is_named() {
    let mut tui = greeted(80, 24);
    tui.keys(&["Esc"]);
    assert!(is_hinted(&mut tui) && tui.app.dialogs().is_empty());
    let said: String = tui.app.prompt().output.iter().map(|(_, line)| line.as_str()).collect();
    let example = said.split('`').find(|part| part.starts_with("upload ") && *part != "upload PATH").unwrap().to_owned();
    tui.keys(&[&example, "Enter"]);
    assert!(tui.app.prompt().output.iter().any(|(_, line)| line.contains("stored")), "{example}: {}", tui.text());
    let mut tui = greeted(80, 24);
    tui.keys(&["2"]);
    tui.keys(&["Esc"]);
    assert!(is_hinted(&mut tui), "{}", tui.text());
    // Ctrl-Q leaves from there, and Ctrl-C only closes.
    let mut tui = greeted(80, 24);
    tui.keys(&["Ctrl-Q"]);
    assert_eq!(tui.app.take_exit(), Some(ExitRequest::Quit));
}

/// Whoever types or pastes a command instead of a choice has it at the prompt, whole, with its digits.
#[test]
fn a_command_is_not_taken_for_a_choice() {
    for line in ["upload f1.bin", "nodes", "tour", "kill 1", "jobs", ":ls"] {
        let mut tui = greeted(80, 24);
        tui.press(&[line]);
        assert_eq!(tui.app.prompt().editor.text(), line.trim_start_matches(':'));
        assert!(tui.app.dialogs().is_empty() && tui.app.take_exit().is_none());
        let mut tui = greeted(80, 24);
        {
            let _runtime = tui.runtime.enter();
            tui.app.on_input(Input::Paste(line.to_owned()));
        }
        assert!(tui.app.dialogs().is_empty() && tui.app.prompt().editor.text() == line);
    }
    // A digit that is none of the offers does nothing, and neither do keys that are not characters.
    for key in ["0", "4", "9", "Left", "Right"] {
        let mut tui = greeted(80, 24);
        tui.press(&[key]);
        assert_eq!((tui.app.dialogs().len(), tui.app.prompt().editor.text()), (1, ""), "{key}");
    }
}
