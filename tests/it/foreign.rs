//! Programs of others see what this one means: authenticator apps, cameras, mail servers.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use p2p_auth::Secret;
use p2p_auth::otp::code_at;
use p2p_shell::qr;
use secrecy::ExposeSecret;

use crate::accounts::Lines;
use crate::harness::files_below;
use crate::program::{Home, PASSWORD, QUICK, end_of, python, wait_until};
use crate::pty::{Pty, program};

#[test]
#[ignore = "needs oathtool"]
fn codes_are_those_of_oathtool() {
    for secret in ["GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "N4U3JPECTFJJB6BVFI4G75B5LSBL6OM5"] {
        for at in [59_u64, 1_111_111_109, 1_795_504_900, 20_000_000_000] {
            let now = format!("@{at}");
            let output = Command::new("oathtool").args(["--totp", "--base32", "--now", &now, secret]).output().unwrap();
            assert!(output.status.success(), "{output:?}");
            let code = code_at(&Secret::from(secret), at).unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), code.expose_secret(), "{secret} {at}");
        }
    }
}

/// What the screen draws, seen by a program that reads QR codes from pictures.
#[test]
#[ignore = "needs zbarimg"]
fn a_camera_reads_the_qr_code() {
    const MODULE: usize = 8;
    let uri = "otpauth://totp/p2p:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=p2p";
    let lines = qr::lines(uri).unwrap();
    let mut rows: Vec<Vec<bool>> = Vec::new();
    for line in &lines {
        rows.push(line.chars().map(|c| matches!(c, '▀' | '█')).collect());
        rows.push(line.chars().map(|c| matches!(c, '▄' | '█')).collect());
    }
    let (width, height) = (rows[0].len() * MODULE, rows.len() * MODULE);
    let mut picture = format!("P1\n{width} {height}\n");
    for row in rows {
        let line: String = row.iter().map(|&dark| if dark { "1 " } else { "0 " }.repeat(MODULE)).collect();
        picture.push_str(&format!("{line}\n").repeat(MODULE));
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("code.pbm");
    fs::write(&path, picture).unwrap();
    let output = Command::new("zbarimg").args(["--quiet", "--raw"]).arg(&path).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), uri);
}

/// A real mail server with STARTTLS and AUTH, and its certificate.
struct MailServer {
    child: Child,
    port: u16,
    directory: tempfile::TempDir,
}

impl MailServer {
    /// With a certificate for this name.
    fn start(name: &str) -> MailServer {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name).display().to_string();
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
            .args(["-subj", &format!("/CN={name}"), "-addext", &format!("subjectAltName=DNS:{name}")])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .args(["-keyout", &path("key.pem"), "-out", &path("cert.pem")])
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        fs::create_dir(directory.path().join("mails")).unwrap();
        let mut child = Command::new(python())
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/smtp_server.py"))
            .args([path("mails"), path("cert.pem"), path("key.pem"), "p2p".into(), "smtp password".into()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        MailServer { port: line.trim().parse().unwrap(), child, directory }
    }

    /// It ends with its standard input.
    fn stop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }

    /// A configuration of p2p for this server.
    fn config(&self, password: &str) -> String {
        let ca = self.directory.path().join("cert.pem");
        let secret = self.directory.path().join("password");
        p2p_base::private_file::write(&secret, password.as_bytes()).unwrap();
        format!(
            "{QUICK}[mail]\nhost = 'localhost'\nport = {}\nuser = 'p2p'\npassword_file = '{}'\nca_file = '{}'\n",
            self.port,
            secret.display(),
            ca.display()
        )
    }

    /// The mails that were taken, oldest first.
    fn mails(&self) -> Vec<String> {
        let paths = files_below(&self.directory.path().join("mails")).into_iter();
        let whole = paths.filter(|path| path.extension().is_some_and(|kind| kind == "eml"));
        whole.map(|path| fs::read_to_string(path).unwrap()).collect()
    }

    /// Waits for so many mails of this subject, and gives the latest.
    fn receives(&self, count: usize, subject: &str) -> String {
        let of_subject =
            || self.mails().into_iter().filter(|mail| mail.contains(&format!("Subject: p2p: {subject}"))).collect::<Vec<_>>();
        wait_until(&format!("{count} mails about {subject}"), || of_subject().len() >= count);
        of_subject().pop().unwrap()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn code_in(mail: &str) -> String {
    mail.split_once("Your code is ").unwrap().1[..6].to_owned()
}

/// The code of a login comes by real mail and is typed into the real screen; the alert comes after it.
#[test]
#[ignore = "needs aiosmtpd"]
fn a_code_comes_by_real_mail_into_the_real_screen() {
    let server = MailServer::start("localhost");
    let home = Home::new(&server.config("smtp password"));
    home.register("alice");
    let mut lines = Lines::start(&home, &[]);
    lines.log_in("alice");
    lines.send("otp enable mail");
    lines.asks("nothing for another one");
    lines.send(&code_in(&server.receives(1, "your code")));
    lines.says("one-time passwords are enabled");
    lines.send("mail test");
    lines.says("mails go to localhost");
    server.receives(1, "test");
    lines.quit();
    assert!(server.receives(1, "one-time passwords enabled").contains("To: alice@example.org"));

    let alerts = server.mails().iter().filter(|mail| mail.contains("Subject: p2p: login")).count();
    let mut command = program(&home.path("."), &[]);
    command.cwd(home.path("."));
    let mut pty = Pty::start(command);
    pty.shows("Log in");
    pty.send(&format!("alice\t{PASSWORD}\r"));
    pty.shows("that were mailed to you");
    let code = code_in(&server.receives(2, "your code"));
    pty.send(&code);
    pty.shows("alice is logged in");
    assert!(!pty.text().contains(PASSWORD) && pty.text().contains("alice@p2p"), "{}", pty.text());
    let alert = server.receives(alerts + 1, "login");
    assert!(alert.contains("alice has logged in.") && alert.contains("Origin: local screen"), "{alert}");
    // The screen tells of it too.
    pty.shows("taken by localhost");
    pty.send("\x11");
    assert!(pty.ends().success());
    assert!(!home.data().join("outbox").exists());
}

/// Logs bob in for one command, and gives what the queue of mails says afterwards, and the log.
fn login_with_trouble(home: &Home) -> (String, String) {
    let run = |line: &str| {
        let mut command = home.command(&["run", "--user", "bob", "-c", line]);
        let said = end_of(command.env("P2P_PASSWORD", PASSWORD).spawn().unwrap());
        assert_eq!(said.code, Some(0), "{said:#?}");
        said.stdout
    };
    run("whoami");
    let queue = run("mail");
    let logs: Vec<PathBuf> = files_below(&home.data().join("logs"));
    (queue, logs.iter().map(|path| fs::read_to_string(path).unwrap()).collect())
}

/// Whatever is wrong with the mail server: the login goes on, the mail waits, or is given up where waiting does not help; the log says why.
#[test]
#[ignore = "needs aiosmtpd"]
fn a_login_goes_on_whatever_becomes_of_its_mail() {
    // The certificate is for another name.
    let server = MailServer::start("elsewhere.example");
    let home = Home::new(&server.config("smtp password"));
    home.register("bob");
    let (queue, log) = login_with_trouble(&home);
    // Looking has taken a login as well, and what that mails may still wait.
    let (waiting, given_up) = queue.split_once("given up").unwrap_or((&queue, ""));
    assert!(!waiting.contains("│    1 ┆") && given_up.contains("│    1 ┆ bob@example.org"), "{queue}");
    assert!(log.contains("a mail is given up") && log.contains("not valid for name"), "{log}");
    // The server does not accept the password.
    let server = MailServer::start("localhost");
    let home = Home::new(&server.config("another password"));
    home.register("bob");
    let (queue, log) = login_with_trouble(&home);
    assert!(queue.contains("given up") && log.contains("a mail is given up") && log.contains("535"), "{log}");
    assert!(!log.contains("another password"));
    // There is none any more.
    let mut server = MailServer::start("localhost");
    let home = Home::new(&server.config("smtp password"));
    server.stop();
    home.register("bob");
    let (queue, log) = login_with_trouble(&home);
    assert!(queue.contains("p2p: login") && !queue.contains("given up"), "{queue}");
    assert!(log.contains(&format!("localhost:{}", server.port)) && log.contains("refused"), "{log}");
}
