//! The event loop of the full-screen interface: waits for the next event of any source, passes it to the application, and draws.

use std::sync::Arc;
use std::time::Duration;

use eyre::{Result, WrapErr};
use p2p_engine::Numbered;
use p2p_service::access::watching::{Events, Happening, Snapshots};
use p2p_service::mailer::Notice;
use p2p_shell::Questions;
use p2p_shell::question::Question;
use ratatui::Terminal;
use ratatui::backend::{Backend, ClearType};
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinError;
use tokio::time::{Instant, sleep_until};

use super::app::{App, Message, TerminalRequest};
use super::draw;
use super::input::Heard;

/// Minimum time between two frames of which the second shows what the user has done or has asked for.
const FRAME: Duration = Duration::from_millis(33);
/// Interval at which a visible clock is drawn.
const SECOND: Duration = Duration::from_secs(1);
/// Interval at which the validity of the login session is checked, and whether the latest answer is still looked at.
const SESSION_LOOK: Duration = Duration::from_secs(10);

/// Maximum time for which input is held back: for the next screen while the command that leaves this one is carried out, and until one of as
/// many lines as are taken has been answered.
const HOLD_MAX: Duration = Duration::from_secs(1);

/// The sources of events for the screen.
#[derive(Debug)]
pub(super) struct Sources {
    /// Events of the engine.
    pub(super) events: Events,
    /// Snapshots of the engine.
    pub(super) snapshots: Snapshots,
    /// Questions that commands ask.
    pub(super) questions: Questions,
    /// Results of sending mails.
    pub(super) mail: broadcast::Receiver<Notice>,
}

/// Deadlines of what happens by the clock.
struct Deadlines {
    /// Instant of the next frame; `None` while nothing has changed.
    frame: Option<Instant>,
    tour_step: Instant,
    second: Instant,
    session_look: Instant,
    /// Instant from which on input is taken although it is held back; `None` if it is not.
    input: Option<Instant>,
}

/// The next event of any source.
enum Wake {
    Frame,
    TourStep,
    Second,
    SessionLook,
    Question(Question),
    Mail(Notice),
    Input(Heard),
    Message(Message),
    Event(Arc<Numbered>),
    EventsLost(u64),
    Snapshot,
    TaskEnded(Result<(), JoinError>),
    /// The input or the engine has come to its end.
    End,
}

/// Runs the screen until the user leaves or there is no more input from the terminal or the test. Requests to the terminal beyond
/// drawing are passed to `grant`.
///
/// # Errors
/// Fails if drawing fails, if a request to the terminal fails, or if a task has panicked.
pub(super) async fn drive<B: Backend>(
    app: &mut App,
    screen: &mut Terminal<B>,
    messages: &mut mpsc::UnboundedReceiver<Message>,
    sources: &mut Sources,
    input: &mut mpsc::Receiver<Heard>,
    mut grant: impl FnMut(TerminalRequest) -> std::io::Result<()>,
) -> Result<()>
where
    B::Error: Send + Sync + 'static,
{
    let start = now();
    let mut due =
        Deadlines { frame: Some(start), tour_step: start, second: start, session_look: start + SESSION_LOOK, input: None };
    let mut drawn = start;
    while !app.is_over() {
        due.input = app.holds_input().then(|| due.input.unwrap_or_else(|| now() + HOLD_MAX));
        match next(app, messages, sources, input, &due).await {
            Wake::End => break,
            Wake::Frame => {
                screen.draw(|frame| draw::draw(app, frame)).wrap_err("cannot draw")?;
                app.inquire();
                (drawn, due.frame) = (now(), None);
            }
            wake => {
                let frame = pass_on(app, wake, sources, &mut due)?.map(|gap| drawn + gap);
                due.frame = due.frame.into_iter().chain(frame).min();
            }
        }
        for request in app.take_terminal_requests() {
            let redraw = matches!(request, TerminalRequest::Redraw | TerminalRequest::Retake);
            grant(request).wrap_err("cannot use the terminal")?;
            if redraw {
                // A terminal that shows the alternate screen already does not clear it. `Terminal::clear` would ask the terminal for the
                // position of the cursor, and the thread that reads the input would take the answer.
                screen.backend_mut().clear_region(ClearType::All).wrap_err("cannot draw")?;
                screen.swap_buffers();
                due.frame = Some(drawn + FRAME);
            }
        }
    }
    Ok(())
}

/// Waits for the next event of any source; a frame that is due goes first.
async fn next(
    app: &mut App,
    messages: &mut mpsc::UnboundedReceiver<Message>,
    sources: &mut Sources,
    input: &mut mpsc::Receiver<Heard>,
    due: &Deadlines,
) -> Wake {
    tokio::select! {
        biased;
        () = sleep_until(due.frame.unwrap_or_else(now)), if due.frame.is_some() => Wake::Frame,
        () = sleep_until(due.tour_step), if app.is_touring() => Wake::TourStep,
        () = sleep_until(due.second), if app.shows_a_clock() => Wake::Second,
        () = sleep_until(due.session_look) => Wake::SessionLook,
        Some(question) = sources.questions.recv() => Wake::Question(question),
        Ok(notice) = sources.mail.recv() => Wake::Mail(notice),
        input = typed(input, due.input) => input.map_or(Wake::End, Wake::Input),
        Some(message) = messages.recv() => Wake::Message(message),
        happening = sources.events.next() => match happening {
            Happening::Event(event) => Wake::Event(event),
            Happening::Lost(count) => Wake::EventsLost(count),
            Happening::End => Wake::End,
        },
        // An engine that has stopped is reported when it is joined.
        changed = sources.snapshots.changed() => if changed { Wake::Snapshot } else { Wake::End },
        Some(task) = app.task_ended() => Wake::TaskEnded(task),
    }
}

/// Waits for the next input, which is left where it is until an instant, if one is given.
async fn typed(input: &mut mpsc::Receiver<Heard>, from: Option<Instant>) -> Option<Heard> {
    if let Some(from) = from {
        sleep_until(from).await;
    }
    input.recv().await
}

/// Passes an event to the application. Returns the minimum time from the last frame to the one that shows it; `None` if it changes
/// nothing on the screen.
///
/// # Errors
/// Fails if a task has panicked.
fn pass_on(app: &mut App, wake: Wake, sources: &mut Sources, due: &mut Deadlines) -> Result<Option<Duration>> {
    match wake {
        Wake::TourStep => due.tour_step = now() + app.on_tour(),
        Wake::Second => due.second = now() + SECOND,
        Wake::SessionLook => {
            due.session_look = now() + SESSION_LOOK;
            app.look_after_session();
            return Ok(app.look_after_answer().then_some(FRAME));
        }
        Wake::Question(question) => app.on_question(question),
        Wake::Mail(notice) => app.on_mail(&notice),
        Wake::Input(Heard::Typed(input)) => app.on_input(input),
        Wake::Input(Heard::Background(is_light)) => app.on_background(is_light),
        Wake::Input(Heard::Continued) => app.on_continued(),
        Wake::Message(message) => app.on_message(message),
        Wake::Event(event) => {
            app.on_event(event.at, &event.event);
            return Ok(app.view().frame_interval());
        }
        Wake::EventsLost(count) => app.on_events_lost(count),
        Wake::Snapshot => {
            app.on_snapshot(sources.snapshots.take_latest());
            return Ok(app.view().frame_interval());
        }
        Wake::TaskEnded(task) => {
            task.wrap_err("a command has failed in a way that it should not")?;
            return Ok(None);
        }
        Wake::Frame | Wake::End => {}
    }
    Ok(Some(FRAME))
}

fn now() -> Instant {
    Instant::now()
}
