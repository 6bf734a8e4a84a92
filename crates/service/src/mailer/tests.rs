//! What a server says, and what becomes of the mail then. Knows nothing of encryption: these servers have none.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, Tokio1Executor};
use p2p_auth::{Auth, Policy, Registration, Secret};

use super::*;

const NOW: u64 = 1_795_000_000;

/// Accounts with one mail to send.
fn queue() -> (tempfile::TempDir, Auth, (u64, Mail)) {
    let directory = tempfile::tempdir().unwrap();
    let database = p2p_base::database::Database::open(&directory.path().join("catalog.redb")).unwrap();
    let auth = Auth::open(database, Policy::default()).unwrap();
    let (name, email) = ("alice".parse().unwrap(), "alice@bücher.example".parse().unwrap());
    let alice = Registration { name, email, password: Secret::from("correct horse battery") };
    auth.register_other(&alice, "a test", "a test", NOW).unwrap();
    auth.test_mail(&alice.name, NOW).unwrap();
    let queued = auth.mails().unwrap().pop().unwrap();
    (directory, auth, queued)
}

/// Answers each command of one connection as `answer` says; gives what was said.
fn serve(listener: &TcpListener, answer: fn(&str) -> &'static str) -> std::io::Result<Vec<String>> {
    let (stream, _) = listener.accept()?;
    let mut say = |line: &str| write!(&stream, "{line}\r\n");
    say("220 test")?;
    let (mut said, mut in_data) = (Vec::new(), false);
    for line in BufReader::new(&stream).lines() {
        let line = line?;
        if !in_data || line == "." {
            in_data = line == "DATA";
            let reply = if in_data { "354 go on" } else { answer(&line) };
            reply.split('\n').try_for_each(&mut say)?;
        }
        let is_last = line == "QUIT";
        said.push(line);
        if is_last {
            break;
        }
    }
    Ok(said)
}

/// Sends the mail to a server that answers so.
fn outcome(answer: fn(&str) -> &'static str, login: bool) -> (Result<String, Unsent>, Vec<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::Builder::new().spawn(move || serve(&listener, answer)).unwrap();
    let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1").port(port);
    if login {
        transport = transport.credentials(Credentials::new("p2p".into(), "hunter2".into()));
    }
    let from = "p2p@example.org".parse().unwrap();
    let delivery = Delivery::Server { transport: transport.build(), name: "mail.example.org:25".into(), from };
    let (_directory, _, (number, mail)) = queue();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let outcome = runtime.block_on(delivery.deliver(number, &mail));
    drop(delivery);
    drop(runtime);
    (outcome, server.join().unwrap().unwrap_or_default())
}

fn takes_all(line: &str) -> &'static str {
    match line {
        line if line.starts_with("EHLO") => "250-test\n250 AUTH PLAIN",
        line if line.starts_with("AUTH") => "235 welcome",
        "QUIT" => "221 bye",
        _ => "250 test",
    }
}

#[test]
fn a_mail_goes_to_the_address_in_its_wire_form() {
    let (sent, said) = outcome(takes_all, true);
    assert_eq!(sent.as_deref(), Ok("taken by mail.example.org:25"));
    assert!(said.iter().any(|line| line.starts_with("RCPT TO:<alice@xn--bcher-kva.example>")), "{said:?}");
    assert!(said.contains(&"To: alice@xn--bcher-kva.example".to_owned()), "{said:?}");
}

#[test]
fn what_is_refused_for_good_is_told_from_what_may_pass() {
    fn rcpt(line: &str, reply: &'static str) -> &'static str {
        if line.starts_with("RCPT") { reply } else { takes_all(line) }
    }
    let refused = |answer, login| outcome(answer, login).0.unwrap_err();
    let unknown = refused(|line| rcpt(line, "550 5.1.1 no such user"), false);
    assert_eq!(unknown.reason, "mail.example.org:25: it is refused for good, 550 5.1.1 no such user");
    // The words of a server are on the line that quotes them, and have no effect.
    let forging = refused(|line| rcpt(line, "550-no \u{1b}[31m\u{202e}user\n550 p2p: taken"), false);
    assert!(
        !forging.reason.contains(['\n', '\u{1b}', '\u{202e}']) && forging.reason.contains("p2p: taken"),
        "{}",
        forging.reason
    );
    assert!(unknown.is_final);
    let full = refused(|line| rcpt(line, "450 4.2.2 mailbox full"), false);
    assert!(!full.is_final && full.reason.contains("mailbox full"), "{full:?}");
    let password = refused(|line| if line.starts_with("AUTH") { "535 5.7.8 wrong password" } else { takes_all(line) }, true);
    assert!(password.is_final && password.reason.contains("535 5.7.8 wrong password"), "{password:?}");
    let busy = refused(|line| if line.starts_with("AUTH") { "454 4.7.0 later" } else { takes_all(line) }, true);
    assert!(!busy.is_final, "{busy:?}");
    // No way to log in that both know.
    let none = refused(|line| if line.starts_with("EHLO") { "250 test" } else { takes_all(line) }, true);
    assert!(none.is_final && none.reason.contains("authentication"), "{none:?}");
    let content = refused(|line| if line == "." { "554 5.7.1 spam" } else { takes_all(line) }, false);
    assert!(content.is_final, "{content:?}");
}

/// A server that cannot be reached, or goes away, may be there later.
#[test]
fn silence_is_not_final() {
    let gone = outcome(|line| if line.starts_with("MAIL") { "421 closing" } else { takes_all(line) }, false).0.unwrap_err();
    assert!(!gone.is_final, "{gone:?}");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1").port(port).build();
    let delivery = Delivery::Server { transport, name: "nobody".into(), from: "p2p@example.org".parse().unwrap() };
    let (_directory, _, (number, mail)) = queue();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert!(!runtime.block_on(delivery.deliver(number, &mail)).unwrap_err().is_final);
}
