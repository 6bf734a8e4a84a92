//! The theme of the screen: chosen there, remembered with the layout, and which of several wishes goes first.

use p2p_storage::tui::app::Pane;
use p2p_storage::tui::settings::SettingsFiles;
use p2p_storage::tui::theme::{Theme, ThemeName};
use ratatui::style::Color;

use crate::tui_harness::TuiHarness;

/// A screen on a dark background that remembers its settings in this directory.
fn remembering(data: &std::path::Path) -> TuiHarness {
    let mut tui_harness = TuiHarness::dark(120, 40);
    tui_harness.app.remember_settings(SettingsFiles::new(data.to_owned()));
    tui_harness
}

fn shown(tui_harness: &TuiHarness) -> Theme {
    *tui_harness.app.theme()
}

fn theme(name: ThemeName) -> Theme {
    Theme::new(name, false)
}

/// The name in the list that is marked as in use.
fn in_use(tui_harness: &TuiHarness) -> Vec<String> {
    tui_harness.menu().into_iter().filter(|(_, summary)| summary.ends_with("; in use")).map(|(name, _)| name).collect()
}

/// Each theme is taken in the list, which stays open, and is on the screen with the next frame; the next start has the last one.
#[test]
fn a_theme_is_chosen_and_remembered() {
    let data = tempfile::tempdir().unwrap();
    let mut tui_harness = remembering(data.path());
    tui_harness.press_in_pane(Pane::Nodes, &["T"]);
    let names: Vec<String> = tui_harness.menu().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["usual", "dark", "light", "high-contrast", "mono"]);
    assert_eq!(in_use(&tui_harness), ["usual"]);
    for name in ThemeName::ALL {
        tui_harness.keys(&["Down", "Enter"]);
        assert_eq!((shown(&tui_harness), in_use(&tui_harness)), (theme(name), vec![name.to_string()]));
        let has_colours = tui_harness.draw().content.iter().any(|cell| cell.fg != Color::Reset);
        assert_eq!(has_colours, name != ThemeName::Mono);
        assert_eq!(shown(&remembering(data.path())), theme(name));
    }
    tui_harness.keys(&["Up", "Enter", "Esc"]);
    assert!(tui_harness.app.dialogs().is_empty() && shown(&tui_harness) == theme(ThemeName::HighContrast));
    let kept = std::fs::read_to_string(data.path().join("screen.json")).unwrap();
    assert!(kept.contains(r#""theme":"high-contrast""#), "{kept}");
    // The palette finds it from the prompt as well.
    tui_harness.app.focus_on(Pane::Prompt);
    tui_harness.keys(&["Ctrl-P", "colours of the screen", "Enter"]);
    assert_eq!(in_use(&tui_harness), ["high-contrast"]);
}

/// What the terminal tells of its background changes no theme that was chosen, and counts again once none is.
#[test]
fn the_background_counts_unless_a_theme_is_chosen() {
    let data = tempfile::tempdir().unwrap();
    let mut tui_harness = remembering(data.path());
    tui_harness.press_in_pane(Pane::Nodes, &["T", "mono", "Enter"]);
    tui_harness.app.on_background(true);
    assert_eq!(shown(&tui_harness), theme(ThemeName::Mono));
    let mut next = remembering(data.path());
    next.app.on_background(true);
    assert_eq!(shown(&next), theme(ThemeName::Mono));
    next.press_in_pane(Pane::Nodes, &["T", "usual", "Enter"]);
    assert_eq!(shown(&next), theme(ThemeName::Light));
    assert_eq!(shown(&remembering(data.path())), theme(ThemeName::Dark));
    // Where nothing is kept of a user, as before a login and in a tour, the present one stays.
    next.keys(&["mono", "Enter"]);
    next.app.remember_settings(SettingsFiles::default());
    assert_eq!(shown(&next), theme(ThemeName::Mono));
}

/// The theme of the command line goes before what is remembered, which is not forgotten for that; a choice on the screen goes before both.
#[test]
fn the_command_line_goes_before_what_is_remembered() {
    let data = tempfile::tempdir().unwrap();
    remembering(data.path()).press_in_pane(Pane::Nodes, &["T", "light", "Enter"]);
    let mut named = remembering(data.path());
    named.app.prefer_usual_theme();
    assert_eq!(shown(&named), theme(ThemeName::Dark));
    // Something else is remembered meanwhile.
    named.press_in_pane(Pane::Nodes, &["S"]);
    assert_eq!(shown(&remembering(data.path())), theme(ThemeName::Light));
    // What was chosen on another screen, as in a tour, is taken over; nothing was.
    named.app.take_chosen_theme(None);
    assert_eq!(shown(&remembering(data.path())), theme(ThemeName::Light));
    named.app.take_chosen_theme(Some(ThemeName::Mono));
    assert_eq!((shown(&named), shown(&remembering(data.path()))), (theme(ThemeName::Mono), theme(ThemeName::Mono)));
}
