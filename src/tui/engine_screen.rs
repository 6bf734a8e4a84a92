//! An engine with its screen, which takes the terminal while it is shown. It can be left for a tour and be shown again; the
//! engine goes on meanwhile.

use eyre::{Result, WrapErr, eyre};
use p2p_base::spelling::{shell_operand, visible_path};
use p2p_service::instance::{Instance, Leaving};
use p2p_service::interrupt::{hung_up, interrupted};
use p2p_service::output;
use p2p_shell::history::Histories;
use p2p_shell::lists::listed;
use p2p_shell::{Questions, Shell};
use ratatui::backend::{Backend, ClearType};
use tokio::sync::mpsc;

use super::app::{App, ExitRequest, Message, NetworkKind, TerminalRequest};
use super::console::Console;
use super::drive::{Sources, drive};
use super::input::Heard;
use super::lines::WAITING_SHOWN;
use super::settings::SettingsFiles;
use super::terminal;
use super::theme::{Theme, ThemeName};
use crate::prompts;
use crate::serve::services::Services;

/// An engine with its screen.
#[derive(Debug)]
pub(super) struct EngineScreen {
    instance: Instance,
    shell: Shell,
    /// The screen.
    pub(super) app: App,
    messages: mpsc::UnboundedReceiver<Message>,
    sources: Sources,
    network_kind: NetworkKind,
    /// The services that the prompt can start; a tour has none.
    services: Option<Services>,
}

impl EngineScreen {
    /// Creates the screen of an engine. The user is that of the shell.
    ///
    /// # Errors
    /// Fails if the configuration is invalid or the engine has stopped.
    pub(super) async fn begin(
        instance: Instance,
        shell: Shell,
        questions: Questions,
        network_kind: NetworkKind,
    ) -> Result<EngineScreen> {
        instance.watch_wire().await?;
        let own = (network_kind == NetworkKind::Own).then(|| prompts::at_prompt(&instance)).transpose()?;
        let (shell, services) = match own {
            Some((table, services)) => (shell.knowing(table), Some(services)),
            None => (shell, None),
        };
        let theme = Theme::new(ThemeName::Dark, true);
        let (mut app, messages) =
            App::new(shell.clone(), theme, Histories::new(instance.data_dir.clone()).knowing(shell.table().clone()));
        app.set_keymap(instance.config.keymap()?);
        app.set_network_kind(network_kind);
        if network_kind == NetworkKind::Own {
            app.remember_settings(SettingsFiles::new(instance.data_dir.clone()));
        }
        let sources = Sources {
            events: shell.access().events(None),
            snapshots: shell.access().snapshots(),
            questions,
            mail: instance.mailer.notices(),
        };
        Ok(EngineScreen { instance, shell, app, messages, sources, network_kind, services })
    }

    /// Shows the screen on the console until it is left; the first screen takes the console, in a theme or in that which the background of
    /// the terminal asks for. Returns where it is left for.
    ///
    /// # Errors
    /// Fails if the terminal cannot be used, and returns the signal that ends the program.
    pub(super) async fn show(&mut self, console: &mut Option<Console>, named: Option<ThemeName>) -> Result<ExitRequest> {
        let console = match console {
            Some(console) => {
                self.app.take_chosen_theme(console.chosen);
                console
            }
            None => console.insert(Console::take(self.instance.config.takes_mouse(), named)?),
        };
        self.app.set_theme(console.theme);
        let result = tokio::select! {
            result = self.drive(&mut console.input) => result,
            stop = interrupted() => stop.and_then(|stop| Err(stop.into())),
        };
        (console.theme, console.chosen) = (self.app.usual_theme(), self.app.chosen_theme());
        result?;
        match (self.app.take_exit(), hung_up()) {
            (Some(request), _) => Ok(request),
            (None, Some(hung_up)) => Err(hung_up.into()),
            // Where the input has come to its end, the user is gone.
            (None, None) => Ok(ExitRequest::Quit),
        }
    }

    async fn drive(&mut self, input: &mut mpsc::Receiver<Heard>) -> Result<()> {
        let mut screen = terminal::screen().wrap_err("cannot use the terminal")?;
        // The screen before this one may still be there.
        screen.backend_mut().clear_region(ClearType::All).wrap_err("cannot draw")?;
        drive(&mut self.app, &mut screen, &mut self.messages, &mut self.sources, input, grant_request).await
    }

    /// Ends the screen and the engine, and passes on the result of what was shown last.
    ///
    /// # Errors
    /// Fails if that has failed, or if the engine cannot be ended.
    pub(super) async fn end(self, result: Result<()>) -> Result<()> {
        let EngineScreen { instance, shell, app, network_kind, services, .. } = self;
        let recording = instance.recording().filter(|_| network_kind == NetworkKind::Own);
        let unbegun = if network_kind == NetworkKind::Own { app.left_beside_answered() } else { Vec::new() };
        drop(app);
        // Clients end what they do before the transfers are cancelled.
        let announcement = match services {
            Some(services) => services.end().await,
            None => None,
        };
        let result = match network_kind {
            // The user has confirmed the cancelling of transfers before leaving.
            NetworkKind::Own => shell.leave(&instance, result.map(|()| Leaving::Cancelling)).await,
            // Nothing of a tour is kept, so that nothing is left undone.
            NetworkKind::TourBesideOwn | NetworkKind::TourAlone => result,
        };
        let result = if unbegun.is_empty() {
            result
        } else {
            output::tell(format_args!("not begun: {}", listed(&unbegun, WAITING_SHOWN)));
            result.and_then(|()| Err(eyre!("left before everything was done: {} not begun", unbegun.len())))
        };
        shell.access().end().await;
        drop((shell, announcement));
        let ended = instance.end().await.map(drop);
        if let Some(path) = recording.filter(|path| path.exists()) {
            let word = shell_operand(&path);
            output::tell(format_args!("recorded in {}; it runs again with: p2p replay {word}", visible_path(&path)));
        }
        result.and(ended)
    }
}

fn grant_request(request: TerminalRequest) -> std::io::Result<()> {
    match request {
        TerminalRequest::Copy(text) => terminal::copy(&text),
        TerminalRequest::Suspend => terminal::suspend(),
        TerminalRequest::Retake => terminal::retake(),
        TerminalRequest::Redraw => Ok(()),
        TerminalRequest::ToggleMouse => terminal::toggle_mouse(),
    }
}
