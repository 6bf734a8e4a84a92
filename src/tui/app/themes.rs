//! The theme of the screen: that of the program, unless the user has chosen one on the screen, which is remembered with their settings.

use super::App;
use crate::tui::dialog::{Choice, Dialog, Item, List};
use crate::tui::theme::{Theme, ThemeName};

/// What the theme of the screen is chosen from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Themes {
    /// Theme of the command line or the configuration, or the one for the background of the terminal.
    usual: Theme,
    /// True if the command line names the usual theme, which then goes before what is remembered.
    is_named: bool,
    /// Choice that is in effect; `None` for the usual theme.
    chosen: Option<ThemeName>,
    /// Choice that is remembered of the current user.
    remembered: Option<ThemeName>,
}

impl Themes {
    /// Creates the choice of a usual theme.
    pub(super) fn new(usual: Theme) -> Themes {
        Themes { usual, is_named: false, chosen: None, remembered: None }
    }

    /// Returns the theme that is shown.
    fn shown(&self) -> Theme {
        self.chosen.map_or(self.usual, |name| self.usual.named(name))
    }

    /// Returns the choice as the settings keep it: empty for none.
    pub(super) fn to_setting(self) -> String {
        self.remembered.as_ref().map(ThemeName::to_string).unwrap_or_default()
    }
}

impl App {
    /// Replaces the usual colours, and the glyphs.
    pub fn set_theme(&mut self, theme: Theme) {
        self.change_themes(|themes| themes.usual = theme);
    }

    /// Takes the usual colours for a light or a dark background, of which the terminal has told. A theme that was chosen stays.
    pub fn on_background(&mut self, is_light: bool) {
        self.change_themes(|themes| themes.usual = themes.usual.on_background(is_light));
    }

    /// Lets the usual theme, which the command line names, go before what is remembered, until another one is chosen on the screen.
    pub fn prefer_usual_theme(&mut self) {
        self.change_themes(|themes| (themes.is_named, themes.chosen) = (true, None));
    }

    /// Returns the usual theme, which is shown unless the user has chosen another one.
    pub fn usual_theme(&self) -> Theme {
        self.themes.usual
    }

    /// Returns the theme that the user has chosen; `None` for the usual one.
    pub fn chosen_theme(&self) -> Option<ThemeName> {
        self.themes.chosen
    }

    /// Takes over what the user has chosen on another screen, and remembers it.
    pub fn take_chosen_theme(&mut self, chosen: Option<ThemeName>) {
        if chosen != self.themes.chosen {
            self.choose_theme(chosen);
        }
    }

    /// Shows a theme from now on, or the usual one, and remembers that.
    pub(super) fn choose_theme(&mut self, name: Option<ThemeName>) {
        self.change_themes(|themes| (themes.chosen, themes.remembered) = (name, name));
        self.store_settings();
    }

    /// Takes over the theme that the settings of the current user name. Where none are kept, as before a login, the present one stays.
    pub(super) fn take_theme(&mut self, setting: &str) {
        if self.settings.keeps(self.visitor.identity()) {
            let remembered = setting.parse().ok();
            self.change_themes(|themes| {
                themes.remembered = remembered;
                themes.chosen = remembered.filter(|_| !themes.is_named);
            });
        }
    }

    fn change_themes(&mut self, change: impl FnOnce(&mut Themes)) {
        change(&mut self.themes);
        self.theme = self.themes.shown();
    }

    /// Opens the list of the themes.
    pub(super) fn open_themes(&mut self) {
        self.list_themes(self.themes.chosen);
    }

    /// Shows the theme that was chosen in the list, which stays open at it: the others are looked at by going on.
    pub(super) fn try_theme(&mut self, name: Option<ThemeName>) {
        self.choose_theme(name);
        self.list_themes(name);
    }

    fn list_themes(&mut self, selected: Option<ThemeName>) {
        let usual = (None, "what --theme or p2p.toml names, or what fits the background of the terminal");
        let named = ThemeName::ALL.map(|name| (Some(name), name.summary()));
        let choices: Vec<(Option<ThemeName>, &str)> = std::iter::once(usual).chain(named).collect();
        let item = |&(name, summary): &(Option<ThemeName>, &str)| Item {
            name: name.as_ref().map_or_else(|| "usual".to_owned(), ThemeName::to_string),
            summary: format!("{summary}{}", if name == self.themes.chosen { "; in use" } else { "" }),
            choice: Choice::Theme(name),
        };
        let title = match self.themes.usual.named(ThemeName::Dark).has_colors() {
            true => "Theme: Enter takes it, Esc closes",
            false => "Theme, once the terminal has colours (NO_COLOR, TERM): Enter takes it, Esc closes",
        };
        let place = choices.iter().position(|(name, _)| *name == selected).unwrap_or_default();
        let list = List { selected: place, ..List::new(title, choices.iter().map(item).collect()) };
        self.dialogs.push(Dialog::List(list));
    }
}
