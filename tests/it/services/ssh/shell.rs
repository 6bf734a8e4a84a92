//! The interactive shell at a terminal.

use russh::Sig;

use super::*;
use crate::accounts::mailed_codes;

/// A shell at a terminal of this width, with all that it has said.
struct AtTerminal {
    channel: Channel<Msg>,
    said: String,
    status: Option<u32>,
}

impl AtTerminal {
    async fn open(session: &Handle<Anyone>, columns: u32) -> AtTerminal {
        let channel = session.channel_open_session().await.unwrap();
        channel.request_pty(true, "xterm", columns, 24, 0, 0, &[]).await.unwrap();
        channel.request_shell(true).await.unwrap();
        AtTerminal { channel, said: String::new(), status: None }
    }

    async fn type_(&self, keys: &str) {
        self.channel.data_bytes(keys.as_bytes().to_vec()).await.unwrap();
    }

    /// Waits for a text, and takes what was said up to its end.
    async fn says(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.said.find(text) {
                return self.said.drain(..at + text.len()).collect();
            }
            assert!(self.next().await, "{text}: {:?}", self.said);
        }
    }

    async fn next(&mut self) -> bool {
        match self.channel.wait().await {
            Some(ChannelMsg::Data { data } | ChannelMsg::ExtendedData { data, .. }) => {
                self.said.push_str(std::str::from_utf8(&data).unwrap());
            }
            Some(ChannelMsg::ExitStatus { exit_status }) => self.status = Some(exit_status),
            Some(_) => {}
            None => return false,
        }
        true
    }
}

/// Keys of readline edit the line, which is carried out; Ctrl-C gives it up, and Ctrl-D ends the shell.
#[test]
fn lines_are_edited_at_a_terminal() {
    const PROMPT: &str = "alice@Node_02> ";
    let (_home, served) = of_alice();
    let address = served.ssh("Node_02");
    on_a_runtime(async {
        let session = logged_in(address).await;
        let mut shell = AtTerminal::open(&session, 80).await;
        shell.says(PROMPT).await;
        // Left, left, an insertion, the end, a word that is rubbed out, and the beginning.
        shell.type_("cho helo\x1b[D\x1b[Dl\x05 gone\x17there\x01e\r").await;
        shell.says("\r\nhello there\r\n").await;
        // The history, and what stands to the right of the cursor.
        shell.type_("\x1b[A\x0b\x15echo again\r").await;
        shell.says("\r\nagain\r\n").await;
        shell.type_("\x1b[A\x1b[A\r").await;
        shell.says("\r\nhello there\r\n").await;
        shell.type_("never begun\x03").await;
        shell.says("^C").await;
        shell.type_("who\t\r").await;
        shell.says("alice").await;
        shell.says(PROMPT).await;
        // The signal gives a line up as well, and a window of another width is only drawn.
        shell.channel.window_change(40, 10, 0, 0).await.unwrap();
        shell.type_("not this").await;
        shell.says("not this").await;
        shell.channel.signal(Sig::INT).await.unwrap();
        shell.says("^C").await;
        shell.type_("echo last\r").await;
        shell.says("\r\nlast\r\n").await;
        shell.type_("\x04").await;
        while shell.next().await {}
        assert_eq!(shell.status, Some(0));
    });
    assert_eq!(served.stop().code, Some(0));
}

/// Ctrl-C ends what runs, and the shell goes on.
#[test]
fn a_running_command_is_interrupted() {
    let home = Home::new(QUICK);
    home.register("alice");
    let served = Served::of(home.spawn(&["serve", "--ssh=:0", "--speed=1x"]));
    let address = served.ssh("Node_01");
    on_a_runtime(async {
        let session = logged_in(address).await;
        let mut shell = AtTerminal::open(&session, 80).await;
        shell.says("> ").await;
        shell.type_("sleep 1h\r").await;
        shell.says("sleep 1h").await;
        shell.type_("\x03").await;
        shell.says("alice@Node_01> ").await;
        shell.type_("echo on\r").await;
        shell.says("\r\non\r\n").await;
        shell.type_("exit\r").await;
        while shell.next().await {}
        assert!(shell.status.is_some());
    });
    assert_eq!(served.stop().code, Some(0));
}

/// The code for an app is drawn where the terminal has room for it, and an empty answer mails another code, at a prompt and at the login.
#[test]
fn questions_are_answered_at_a_terminal() {
    const INK: &str = "\x1b[30;107m";
    let (home, served) = of_alice();
    let address = served.ssh("Node_01");
    on_a_runtime(async {
        let session = logged_in(address).await;
        for (columns, is_drawn) in [(80, true), (30, false)] {
            let mut shell = AtTerminal::open(&session, columns).await;
            shell.says("> ").await;
            shell.type_("otp enable app\r").await;
            assert_eq!(shell.says("otpauth://").await.contains(INK), is_drawn, "{columns}");
            shell.says("Code: ").await;
            shell.type_("\r").await;
            shell.says("given up").await;
        }
        let mut shell = AtTerminal::open(&session, 80).await;
        shell.says("> ").await;
        // The line feed behind a carriage return is no answer, whether it comes with it or later.
        shell.type_("otp enable app\r\n").await;
        shell.says("Code: ").await;
        shell.type_("000000\r").await;
        shell.says("wrong").await;
        shell.says("Code: ").await;
        shell.type_("\n\r").await;
        shell.says("given up").await;
        shell.type_("otp enable mail\r").await;
        shell.says("(nothing for another one): ").await;
        wait_until("a code", || mailed_codes(&home).len() == 1);
        shell.type_("\r").await;
        shell.says("A code was mailed to you").await;
        wait_until("another code", || mailed_codes(&home).len() == 2);
        shell.type_(&format!("{}\r", mailed_codes(&home)[1])).await;
        shell.says("one-time passwords are enabled").await;
    });
    on_a_runtime(async {
        let mut login = session(address).await;
        login.authenticate_password("alice", PASSWORD).await.unwrap();
        let (words, prompt) = logins::prompt(&mut login).await;
        assert!(words.contains("mailed to you") && prompt.contains("nothing for another one"), "{words} {prompt}");
        wait_until("a third code", || mailed_codes(&home).len() == 3);
        let KeyboardInteractiveAuthResponse::InfoRequest { instructions, .. } = logins::respond(&mut login, "").await else {
            panic!("an empty answer is no attempt")
        };
        assert!(instructions.contains("Another code was mailed"), "{instructions}");
        wait_until("a fourth code", || mailed_codes(&home).len() == 4);
        let newest = mailed_codes(&home).pop().unwrap();
        assert!(matches!(logins::respond(&mut login, &newest).await, KeyboardInteractiveAuthResponse::Success));
    });
    assert_eq!(served.stop().code, Some(0));
}
