//! The services pane: doors of this program on the real screen, with real clients at their sockets.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
use p2p_auth::Registration;
use p2p_service::instance::{EngineArgs, Instance};
use p2p_shell::history::Histories;
use p2p_shell::report::bytes_of;
use p2p_shell::table::Table;
use p2p_shell::{Questions, Shell};
use p2p_storage::prompts;
use p2p_storage::serve::services::Services;
use p2p_storage::tui::app::{App, Message, Pane, TerminalRequest};
use p2p_storage::tui::dialog::Dialog;
use p2p_storage::tui::draw;
use p2p_storage::tui::theme::{Theme, ThemeName};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::program::{Deadline, Home, PASSWORD, QUICK};
use crate::tui_harness::{lines, lines_of, take_answer};

/// Time for which something is waited for before it is looked again.
const MOMENT: Duration = Duration::from_millis(10);

/// A program with its screen, whose prompt starts services.
struct Program {
    app: App,
    messages: UnboundedReceiver<Message>,
    questions: Questions,
    screen: Terminal<TestBackend>,
    services: Services,
    table: Table,
    instance: Instance,
    runtime: Runtime,
    _home: Home,
}

impl Program {
    fn new((width, height): (u16, u16)) -> Program {
        let home = Home::new(QUICK);
        let mut args = EngineArgs { data_dir: Some(home.path("data")), ..EngineArgs::default() };
        args.simulation.config = Some(home.path("p2p.toml"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (instance, table, services, shell, questions) = runtime.block_on(async {
            let instance = Instance::start_interactive(&args).unwrap();
            let (table, services) = prompts::at_prompt(&instance).unwrap();
            let (shell, questions) = Shell::new(instance.access("a test").unwrap());
            (instance, table, services, shell, questions)
        });
        let (app, messages) = App::new(shell.knowing(table.clone()), Theme::new(ThemeName::Dark, false), Histories::default());
        let screen = Terminal::new(TestBackend::new(width, height)).unwrap();
        Program { app, messages, questions, screen, services, table, instance, runtime, _home: home }
    }

    /// Presses keys, and takes what comes of them, as long as nothing else has to be waited for.
    fn press(&mut self, keys: &[&str]) {
        for key in keys {
            let codes: Vec<KeyCode> = match *key {
                "Enter" => vec![KeyCode::Enter],
                "Esc" => vec![KeyCode::Esc],
                "Tab" => vec![KeyCode::Tab],
                "Down" => vec![KeyCode::Down],
                text => text.chars().map(KeyCode::Char).collect(),
            };
            let _runtime = self.runtime.enter();
            codes.into_iter().for_each(|code| self.app.on_input(Input::Key(KeyEvent::new(code, KeyModifiers::NONE))));
        }
    }

    /// Draws, and returns the screen as text.
    fn text(&mut self) -> String {
        lines(self.screen.draw(|frame| draw::draw(&mut self.app, frame)).unwrap().buffer).join("\n")
    }

    /// Draws, and returns the rows of the pane below its headings.
    fn rows(&mut self) -> Vec<String> {
        let buffer = self.screen.draw(|frame| draw::draw(&mut self.app, frame)).unwrap().buffer.clone();
        let rows = lines_of(&buffer, self.app.workspace().area_of(Pane::Services).unwrap());
        rows[2..rows.len() - 1]
            .iter()
            .map(|row| row.trim_matches(['│', ' ', '┃']).to_owned())
            .filter(|row| !row.is_empty())
            .collect()
    }

    /// Lets things happen until it is so.
    fn until(&mut self, what: &str, mut is_so: impl FnMut(&mut Program) -> bool) {
        let deadline = Deadline::new();
        while !is_so(self) {
            assert!(!deadline.is_over(), "{what}: {}\n{}", self.said(), self.text());
            let Program { runtime, app, messages, questions, .. } = self;
            let _ = runtime.block_on(async { timeout(MOMENT, take_answer(app, messages, questions)).await });
        }
    }

    fn said(&self) -> String {
        self.app.prompt().output.iter().map(|(_, text)| format!("{text}\n")).collect()
    }

    /// Waits for a text in the output of the prompt, and returns the first word behind it.
    fn says(&mut self, text: &str) -> String {
        self.until(text, |program| program.said().contains(text));
        let said = self.said();
        said.split(text).nth(1).unwrap().split_whitespace().next().unwrap_or_default().to_owned()
    }

    /// The entries of the open menu with their commands.
    fn menu(&self) -> Vec<(String, String)> {
        let Some(Dialog::List(list)) = self.app.dialogs().last() else { panic!("no menu is open") };
        list.items.iter().map(|item| (item.name.clone(), item.summary.clone())).collect()
    }

    /// Starts gRPC at a free port by a typed line, with the keys in the pane afterwards.
    fn serve_grpc(&mut self) -> SocketAddr {
        self.app.focus_on(Pane::Prompt);
        self.press(&["serve start grpc :0", "Enter"]);
        let address = self.says("grpc listens at ").parse().unwrap();
        self.app.focus_on(Pane::Services);
        address
    }

    /// Asks the gRPC services how they are, by a connection that stays.
    fn ask(&mut self, address: SocketAddr) -> HealthClient<Channel> {
        self.runtime.block_on(async {
            let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
            let mut client = HealthClient::new(channel);
            client.check(HealthCheckRequest { service: String::new() }).await.unwrap();
            client
        })
    }

    /// Ends the services and the engine.
    fn end(self) {
        let Program { app, services, instance, runtime, .. } = self;
        drop(app);
        runtime.block_on(async {
            drop(services.end().await);
            drop(instance.end().await.unwrap());
        });
    }
}

/// Nothing of the pane is seen before a service is started, which its menu does; then there is a row, until it is stopped, after a question
/// for the sake of its client.
#[test]
fn doors_are_shown_while_there_are_any() {
    for size in [(80, 24), (120, 40)] {
        let mut program = Program::new(size);
        program.app.focus_on(Pane::Log);
        program.press(&["Tab"]);
        assert_eq!(program.app.workspace().focus(), Pane::Prompt, "there is nothing to see");
        assert!(!program.text().contains("Services"), "{}", program.text());
        program.app.focus_on(Pane::Log);
        program.press(&["8"]);
        let text = program.text();
        assert!(text.contains("No other program is served.") && text.contains("`serve start grpc`"), "{text}");
        program.press(&["x"]);
        let expected =
            [("start grpc ...", "serve start grpc"), ("start ssh ...", "serve start ssh"), ("start web ...", "serve start web")];
        assert_eq!(program.menu(), expected.map(|(name, line)| (name.to_owned(), line.to_owned())));
        program.press(&["Enter", "free", "Enter"]);
        let address: SocketAddr = program.says("grpc listens at ").parse().unwrap();
        assert!(program.rows()[0].starts_with(&format!("grpc    {address} open")), "{:?}", program.rows());
        program.app.focus_on(Pane::Wire);
        assert_eq!(size.0 == 80, program.text().contains(" Log   Services"), "{}", program.text());
        assert_eq!(program.app.workspace().area_of(Pane::Services).is_some(), size.0 > 80);
        program.app.focus_on(Pane::Log);
        program.press(&["Tab"]);
        assert_eq!(program.app.workspace().focus(), Pane::Services);
        let client = program.ask(address);
        let (row, figures) = (program.rows().remove(0), program.services.doors().remove(0).figures);
        let told = format!(" 1        1 {} {} ", bytes_of(figures.bytes_in), bytes_of(figures.bytes_out));
        let words: Vec<&str> = row.split_whitespace().collect();
        assert!(
            figures.bytes_in > 0 && words.join(" ").contains(&told.split_whitespace().collect::<Vec<_>>().join(" ")),
            "{row}"
        );
        program.press(&["C", "refused", "Enter", "Esc"]);
        assert!(row.contains(" none") && !program.rows()[0].contains(" none"), "{row}");
        program.press(&["y"]);
        let copied = TerminalRequest::Copy(address.to_string());
        assert!(program.app.take_terminal_requests().contains(&copied));
        program.press(&["Enter"]);
        program.until("all figures", |program| program.text().contains("grpc since 20"));
        assert!(program.text().contains("services grpc"), "{}", program.text());
        program.press(&["Esc", "x"]);
        let names: Vec<String> = program.menu().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["show all figures, refusals and keys", "stop grpc", "start ssh ...", "start web ..."]);
        program.press(&["stop", "Enter"]);
        assert!(program.text().contains("grpc has 1 client"), "{}", program.text());
        program.press(&["y"]);
        program.says(&format!("grpc at {address} is closed after 1 connection and 1 request"));
        assert!(program.text().contains("No other program is served."), "{}", program.text());
        drop(client);
        program.end();
    }
}

/// Of SSH each node has a row with counts of its own, and the node that is killed is told as stopped.
#[test]
fn each_node_has_its_door() {
    let mut program = Program::new((120, 40));
    program.press(&["serve start ssh :0", "Enter"]);
    program.says("known by the host key ");
    program.app.focus_on(Pane::Services);
    let doors = program.services.doors();
    let nodes: Vec<&str> = doors.iter().map(|door| door.node.as_deref().unwrap()).collect();
    assert_eq!(nodes, ["Node_01", "Node_02", "Node_03", "Node_04", "Node_05"]);
    let _client = TcpStream::connect(doors[1].figures.address).unwrap();
    program.until("the client", |program| program.services.doors()[1].figures.bytes_out > 0);
    program.press(&["z"]);
    let rows = program.rows();
    let starts = |(row, door): (&String, &p2p_storage::serve::services::OwnDoor)| {
        row.starts_with(&format!("ssh     {}   {} open", door.node.as_ref().unwrap(), door.figures.address))
    };
    assert!(rows.len() == 5 && rows.iter().zip(&doors).all(starts), "{rows:#?}");
    let sent = rows.iter().map(|row| row.split_whitespace().nth(8) != Some("0")).collect::<Vec<_>>();
    assert_eq!(sent, [false, true, false, false, false], "{rows:#?}");
    program.press(&["C"]);
    let names: Vec<String> = program.menu().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["node", "address", "state", "clients", "requests", "in", "out", "refused"]);
    for (place, door) in doors.iter().enumerate() {
        assert!(program.rows()[place].contains(&door.figures.address.to_string()));
    }
    program.press(&["Down", "Enter", "Esc"]);
    assert!(program.rows()[0].starts_with("ssh     Node_01   open "), "{:?}", program.rows());
    program.press(&["C", "address", "Enter", "Esc", "Down", "Enter"]);
    program.until("the keys", |program| program.text().contains("SHA256:"));
    program.press(&["Esc", ":", "kill Node_02", "Enter"]);
    program.app.focus_on(Pane::Services);
    program.until("the end of its node", |program| program.rows()[1].contains(" stopped "));
    assert!(program.rows().iter().enumerate().all(|(place, row)| place == 1 || row.contains(" open ")), "{}", program.text());
    program.end();
}

/// What is refused is told with its reason, and a frozen view shows the figures of its instant.
#[test]
fn refusals_are_told_and_a_frozen_view_stands_still() {
    let mut program = Program::new((160, 40));
    let address = program.serve_grpc();
    let before = program.rows();
    assert!(before[0].ends_with(" none"), "{before:?}");
    program.press(&["f"]);
    // One more than may be from one address.
    let clients: Vec<TcpStream> = (0..65).map(|_| TcpStream::connect(address).unwrap()).collect();
    program.until("the refusal", |program| !program.services.doors()[0].figures.refusals.is_empty());
    assert_eq!(program.rows(), before);
    program.press(&["f"]);
    let row = program.rows().remove(0);
    assert!(row.contains("1 too many connections of one address"), "{row}");
    drop(clients);
    program.end();
}

/// Who is no admin sees nothing of the services, as the command tells them nothing.
#[test]
fn only_admins_see_services() {
    let mut program = Program::new((120, 40));
    let address = program.serve_grpc();
    assert!(program.text().contains(&address.to_string()));
    let shell = program.runtime.block_on(async {
        let access = program.instance.access("a test").unwrap();
        for name in ["alice", "bob"] {
            let (name, email) = (name.parse().unwrap(), format!("{name}@example.org").parse().unwrap());
            access.register(Registration { name, email, password: PASSWORD.into() }).await.unwrap();
        }
        assert!(access.login("bob".into(), PASSWORD.into()).await.unwrap().is_none());
        let (shell, questions) = Shell::new(access);
        program.questions = questions;
        shell
    });
    let theme = Theme::new(ThemeName::Dark, false);
    (program.app, program.messages) = App::new(shell.knowing(program.table.clone()), theme, Histories::default());
    assert!(!program.text().contains("Services"));
    program.app.focus_on(Pane::Services);
    let text = program.text();
    assert!(text.contains("Only admins see what is served") && !text.contains(&address.to_string()), "{text}");
    program.press(&["x", "Enter"]);
    assert!(program.app.dialogs().is_empty());
    program.end();
}
