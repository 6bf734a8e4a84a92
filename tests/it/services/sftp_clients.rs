//! SFTP as the clients of others use it. `docs/services.md` has a table of what each of them does here; a cell of it is an operation that
//! the test of that row has carried out and checked.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use super::files::registered;
use super::ssh::served;
use super::*;
use crate::program::python;

/// Operations, as the columns of the table name them.
const OPERATIONS: [&str; 14] = [
    "put",
    "get",
    "resume",
    "list",
    "rename",
    "directories",
    "remove",
    "attributes",
    "random reads",
    "random writes",
    "truncate",
    "copy",
    "df",
    "hash",
];

/// What each client does here, behind the name of the test that shows it. What is left out of the first eight is nothing that the client has;
/// the others send a file and fetch it.
const CLIENTS: [(&str, &str, &[&str]); 11] = [
    (
        "OpenSSH sftp",
        "openssh_sftp",
        &["put", "get", "resume", "list", "rename", "directories", "remove", "attributes", "copy", "df"],
    ),
    ("OpenSSH scp", "openssh_scp", &["put", "get", "directories", "attributes"]),
    (
        "sshfs",
        "sshfs",
        &[
            "put",
            "get",
            "list",
            "rename",
            "directories",
            "remove",
            "attributes",
            "random reads",
            "random writes",
            "truncate",
            "df",
        ],
    ),
    ("rclone", "rclone", &["put", "get", "list", "rename", "directories", "remove", "attributes", "df", "hash"]),
    ("lftp", "lftp", &["put", "get", "resume", "list", "rename", "directories", "remove", "attributes"]),
    ("psftp", "psftp", &["put", "get", "resume", "list", "rename", "directories", "remove", "attributes"]),
    (
        "paramiko",
        "paramiko",
        &["put", "get", "list", "rename", "directories", "remove", "attributes", "random reads", "random writes", "truncate"],
    ),
    ("restic", "restic", &["put", "get", "list", "rename", "directories", "remove", "random reads"]),
    ("asyncssh", "asyncssh", &["put", "get"]),
    ("curl with libssh2", "curl", &["put", "get"]),
    ("ssh2-sftp-client", "ssh2_sftp_client", &["put", "get"]),
];

/// Size of the files that are sent and fetched, in bytes.
const BIG: usize = 20 << 20;

#[test]
fn the_table_of_clients_is_that_of_the_tests() {
    let line = |cells: &[&str]| format!("| {} |\n", cells.join(" | "));
    let mut table = line(&[&["client", "test"], &OPERATIONS[..]].concat());
    table += &format!("|{}\n", "---|".repeat(2 + OPERATIONS.len()));
    for (client, test, can) in CLIENTS {
        assert!(has_test(include_str!("sftp_clients.rs"), test), "{test}");
        let cells = OPERATIONS.map(|operation| if can.contains(&operation) { "yes" } else { "" });
        table += &line(&[&[client, &format!("`{test}`")], &cells[..]].concat()).replace("|  |", "| |").replace("|  |", "| |");
    }
    assert!(include_str!("../../../docs/services.md").contains(&table), "docs/services.md lacks this table:\n{table}");
}

/// Makes a key in `id` of a home, by which the user who is logged in there logs in.
pub(super) fn add_key(home: &Home) {
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(home.path("id")).status().unwrap();
    assert!(made.success());
    home.ok(&["run", "-c", "key add laptop id.pub"]);
}

/// Tells programs of OpenSSH of a server, by `-F config` and under the name `p2p`.
pub(super) fn configure_openssh(home: &Home, port: &str) {
    let config = format!(
        "Host p2p\n HostName 127.0.0.1\n Port {port}\n User alice\n IdentityFile {}\n IdentitiesOnly yes\n BatchMode yes\n \
         StrictHostKeyChecking no\n UserKnownHostsFile /dev/null\n RekeyLimit 1M\n LogLevel ERROR\n",
        home.path("id").to_str().unwrap()
    );
    std::fs::write(home.path("config"), config).unwrap();
}

/// A client of others, with a server of its own.
struct Client {
    name: &'static str,
    home: Home,
    served: Served,
    port: String,
    done: RefCell<Vec<String>>,
}

impl Client {
    /// Starts a server whose user has a key in `id`. Programs of OpenSSH find it by `-F config` under the name `p2p`.
    fn new(name: &'static str) -> Client {
        let home = registered(QUICK, &["alice"]);
        home.login("alice");
        add_key(&home);
        let served = served(&home);
        let port = served.ssh("Node_02").port().to_string();
        configure_openssh(&home, &port);
        std::fs::create_dir(home.path("many")).unwrap();
        for number in 0..2_000 {
            std::fs::write(home.path("many").join(format!("{number:04}")), b"x").unwrap();
        }
        Client { name, home, served, port, done: RefCell::default() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path(name)
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.path("."))
            .env("HOME", self.path("."))
            .env("RESTIC_PASSWORD", PASSWORD)
            .env("TZ", "UTC");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a program, which has to succeed, and gives what it says.
    fn ok(&self, program: &str, arguments: &[&str]) -> String {
        let said = end_of(self.command(program, arguments).spawn().unwrap());
        assert_eq!(said.code, Some(0), "{program} {arguments:?}: {said:#?}");
        said.stdout
    }

    /// Runs a program that asks for what is refused: it fails, and says so.
    fn refused(&self, program: &str, arguments: &[&str]) {
        let said = end_of(self.command(program, arguments).spawn().unwrap());
        assert!(said.code.is_some_and(|code| code > 0) && said.stdout.len() + said.stderr.len() > 0, "{arguments:?}: {said:?}");
    }

    /// Notes operations that have been carried out and checked.
    fn done(&self, operations: &[&str]) {
        self.done.borrow_mut().extend(operations.iter().map(|&operation| operation.to_owned()));
    }

    /// Compares a file with what it is to be.
    fn is(&self, name: &str, content: &[u8]) {
        assert!(std::fs::read(self.path(name)).unwrap() == content, "{name}");
    }

    /// Runs a command at the server.
    fn at_server(&self, command: &str) -> String {
        self.ok("ssh", &["-F", "config", "p2p", command])
    }

    /// Kills a client that uploads `lost`, once a part of that has arrived, and waits until this part is kept. There is no file.
    fn kill(&self, mut uploading: Child) {
        let line = |command: &str| self.at_server(command).lines().find(|line| line.contains("lost")).map(str::to_owned);
        wait_until("a part of an upload", || line("transfers").is_some_and(|line| line.contains("MiB")));
        uploading.kill().unwrap();
        uploading.wait().unwrap();
        wait_until("an upload that is kept", || line("uploads").is_some_and(|line| line.contains("parked")));
        assert!(!self.at_server("ls").contains("lost"));
    }

    /// Lets programs that look into `.ssh/known_hosts` know the server.
    fn knows_the_server(&self) {
        let keys = self.ok("ssh-keyscan", &["-t", "ed25519", "-p", &self.port, "127.0.0.1"]);
        std::fs::create_dir(self.path(".ssh")).unwrap();
        std::fs::write(self.path(".ssh/known_hosts"), keys).unwrap();
    }

    /// Sends a file and fetches it, each by a program with these words.
    fn there_and_back(self, program: &str, put: &[&str], get: &[&str]) {
        let big = self.home.file("big", BIG);
        self.ok(program, put);
        self.ok(program, get);
        self.is("back", &big);
        self.done(&["put", "get"]);
        self.end();
    }

    /// Does so by a script of `tests/data`.
    fn there_and_back_by(self, program: &str, script: &str) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(script);
        let port = self.port.clone();
        let words = [script.to_str().unwrap(), &port, "id"];
        let to = |way: [&'static str; 3]| [&words[..], &way].concat();
        self.there_and_back(program, &to(["put", "big", "big"]), &to(["get", "big", "back"]));
    }

    /// Compares what was done with the row of the table, and ends the server.
    fn end(self) {
        let (_, _, can) = CLIENTS.iter().find(|(client, ..)| *client == self.name).unwrap();
        let mut can: Vec<&str> = can.to_vec();
        can.sort_unstable();
        let mut done = self.done.take();
        done.sort_unstable();
        assert_eq!(done, can);
        assert_eq!(self.served.stop().code, Some(0));
    }
}

#[test]
#[ignore = "needs OpenSSH"]
fn openssh_sftp() {
    let client = Client::new("OpenSSH sftp");
    let big = client.home.file("big", BIG);
    std::fs::write(client.path("part"), &big[..5 << 20]).unwrap();
    let batch = |client: &Client, commands: &str| {
        std::fs::write(client.path("batch"), commands).unwrap();
        client.ok("sftp", &["-F", "config", "-b", "batch", "p2p"])
    };
    batch(&client, "put -fp big\nget big back\n");
    client.is("back", &big);
    let said = batch(
        &client,
        "mkdir d\nrename big d/x\nls -l d\nchmod 640 d/x\nls -ln d/x\ndf\nreget d/x part\ncp d/x d/y\nget d/y copied\nrm d/y\n",
    );
    assert!(said.contains("-rw-") && said.contains(&BIG.to_string()) && said.contains("-rw-r-----"), "{said}");
    assert!(said.contains("%Capacity"), "{said}");
    client.is("part", &big);
    client.is("copied", &big);
    let said = batch(&client, "rm d/x\nrmdir d\nls -1\nput -R many\nls -1 many\n");
    assert_eq!(said.lines().filter(|line| line.starts_with("many/")).count(), 2_000);
    // What is refused is told, ends the batch with 1, and changes nothing.
    for refused in ["get none", "ln many/0000 linked", "symlink many/0000 linked", "rmdir many", "put big ~bob/big", "mkdir many"]
    {
        std::fs::write(client.path("batch"), format!("{refused}\n")).unwrap();
        client.refused("sftp", &["-F", "config", "-b", "batch", "p2p"]);
    }
    assert_eq!(client.at_server("ls").lines().filter(|line| line.contains("linked") || line.contains("none")).count(), 0);
    client.done(&["put", "get", "list", "rename", "directories", "remove", "attributes", "copy", "df"]);
    // A client that is killed in the middle leaves no file, and the next one sends what is missing.
    std::fs::write(client.path("batch"), "put big lost\n").unwrap();
    client.kill(client.command("sftp", &["-F", "config", "-l", "40000", "-b", "batch", "p2p"]).spawn().unwrap());
    batch(&client, "reput big lost\nget lost again\n");
    client.is("again", &big);
    client.done(&["resume"]);
    client.end();
}

#[test]
#[ignore = "needs OpenSSH"]
fn openssh_scp() {
    let client = Client::new("OpenSSH scp");
    let big = client.home.file("big", BIG);
    client.ok("scp", &["-F", "config", "-p", "big", "p2p:copied"]);
    client.ok("scp", &["-F", "config", "-p", "p2p:copied", "again"]);
    client.is("again", &big);
    let modified = |name: &str| std::fs::metadata(client.path(name)).unwrap().modified().unwrap();
    let seconds = |at: std::time::SystemTime| at.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert_eq!(seconds(modified("again")), seconds(modified("big")));
    client.ok("scp", &["-F", "config", "-r", "many", "p2p:"]);
    client.ok("scp", &["-F", "config", "-r", "p2p:many", "fetched"]);
    assert_eq!(std::fs::read_dir(client.path("fetched")).unwrap().count(), 2_000);
    client.done(&["put", "get", "directories", "attributes"]);
    client.end();
}

#[test]
#[ignore = "needs rclone"]
fn rclone() {
    let client = Client::new("rclone");
    let big = client.home.file("big", BIG);
    let remote =
        format!(":sftp,host=127.0.0.1,port={},user=alice,key_file={}:", client.port, client.path("id").to_str().unwrap());
    let at = |path: &str| format!("{remote}{path}");
    let rclone = |arguments: &[&str]| client.ok("rclone", &[&["--retries=1", "--low-level-retries=1"], arguments].concat());
    rclone(&["copy", "big", &at("d")]);
    rclone(&["copyto", &at("d/big"), "back"]);
    client.is("back", &big);
    rclone(&["check", ".", &at("d"), "--include=/big", "--one-way"]);
    for (kind, program) in [("md5", "md5sum"), ("sha1", "sha1sum")] {
        let sums = [rclone(&["hashsum", kind, &at("d")]), client.ok(program, &["big"])];
        assert_eq!(sums[0], sums[1]);
    }
    rclone(&["moveto", &at("d/big"), &at("e/moved")]);
    assert_eq!(rclone(&["lsf", "-R", &at("")]), "d/\ne/\ne/moved\n");
    rclone(&["sync", "many", &at("many")]);
    assert_eq!(rclone(&["lsf", &at("many")]).lines().count(), 2_000);
    std::fs::remove_file(client.path("many/0007")).unwrap();
    std::fs::write(client.path("many/0008"), b"longer").unwrap();
    rclone(&["sync", "many", &at("many")]);
    rclone(&["check", "many", &at("many")]);
    assert_eq!(rclone(&["sync", "many", &at("many"), "--dry-run", "-v"]), "");
    assert_eq!(rclone(&["cat", &at("many/0008")]), "longer");
    assert!(rclone(&["lsl", &at("e")]).starts_with(&format!(" {BIG} ")));
    rclone(&["touch", "-t", "2020-01-02T03:04:05", &at("e/moved")]);
    assert!(rclone(&["lsl", &at("e")]).contains("2020-01-02 03:04:05"));
    assert!(rclone(&["about", &at("")]).contains("Total:"));
    for [what, from, to] in [["cat", &at("none"), ""], ["moveto", &at("none"), &at("x")], ["copyto", "big", &at("~bob/big")]] {
        let words = ["--retries=1", "--low-level-retries=1", what, from, to];
        client.refused("rclone", &words[..5 - usize::from(to.is_empty())]);
    }
    client.refused("rclone", &["rmdir", &at("many")]);
    rclone(&["delete", &at("e")]);
    rclone(&["purge", &at("many")]);
    assert_eq!(rclone(&["lsf", "-R", &at("")]), "d/\ne/\n");
    client.done(&["put", "get", "list", "rename", "directories", "remove", "attributes", "df", "hash"]);
    client.end();
}

#[test]
#[ignore = "needs lftp"]
fn lftp() {
    let client = Client::new("lftp");
    let big = client.home.file("big", BIG);
    std::fs::write(client.path("part"), &big[..5 << 20]).unwrap();
    let lftp = |commands: &str| {
        let setup = "set cmd:fail-exit yes; set net:max-retries 1; set sftp:connect-program 'ssh -a -x -F config'; open sftp://alice:@p2p; ";
        client.ok("lftp", &["-c", &format!("{setup}{commands}")])
    };
    lftp("put big; get big -o back; get -c big -o part");
    client.is("back", &big);
    client.is("part", &big);
    let said = lftp("mkdir d; mv big d/x; chmod 600 d/x; cls -l d; rm d/x; rmdir d; mirror -R many; cls -1 many; ls");
    assert!(said.contains("-rw-------") && said.contains(&BIG.to_string()) && said.contains("many/1999"), "{said}");
    assert_eq!(said.lines().filter(|line| line.starts_with("many/")).count(), 2_000);
    for refused in ["get none", "rmdir many", "mv none x", "put big -o ~bob/big"] {
        let setup = "set cmd:fail-exit yes; set net:max-retries 1; set sftp:connect-program 'ssh -a -x -F config'";
        client.refused("lftp", &["-c", &format!("{setup}; open sftp://alice:@p2p; {refused}")]);
    }
    // What an upload has left is continued.
    let slow =
        "set net:limit-rate 0:4000000; set sftp:connect-program 'ssh -a -x -F config'; open sftp://alice:@p2p; put big -o lost";
    client.kill(client.command("lftp", &["-c", slow]).spawn().unwrap());
    lftp("put -c big -o lost; get lost -o again");
    client.is("again", &big);
    client.done(&["put", "get", "resume", "list", "rename", "directories", "remove", "attributes"]);
    client.end();
}

#[test]
#[ignore = "needs psftp"]
fn psftp() {
    let client = Client::new("psftp");
    let big = client.home.file("big", BIG);
    std::fs::write(client.path("part"), &big[..5 << 20]).unwrap();
    let prints = client.served.ready["host_keys"].as_array().unwrap();
    let mut arguments = vec!["-batch", "-P", &client.port, "-l", "alice", "-pw", PASSWORD, "-b", "batch"];
    prints.iter().for_each(|print| arguments.extend(["-hostkey", print.as_str().unwrap()]));
    arguments.push("127.0.0.1");
    let psftp = |commands: &str| {
        std::fs::write(client.path("batch"), commands).unwrap();
        client.ok("psftp", &arguments)
    };
    psftp("put big\nget big back\nreget big part\n");
    client.is("back", &big);
    client.is("part", &big);
    let said = psftp("mkdir d\nmv big d/x\nchmod 600 d/x\nls d\ndel d/x\nrmdir d\nput -r many\nls many\n");
    assert!(said.contains("-rw-------") && said.contains(&BIG.to_string()), "{said}");
    assert_eq!(said.lines().filter(|line| line.starts_with("-rw-")).count(), 2_001);
    client.done(&["put", "get", "list", "rename", "directories", "remove", "attributes"]);
    for refused in ["get none", "rmdir many", "mv none x", "put big ~bob/big"] {
        std::fs::write(client.path("batch"), format!("{refused}\n")).unwrap();
        client.refused("psftp", &arguments);
    }
    std::fs::write(client.path("batch"), "put big lost\n").unwrap();
    client.kill(client.command("psftp", &arguments).spawn().unwrap());
    psftp("reput big lost\nget lost again\n");
    client.is("again", &big);
    client.done(&["resume"]);
    client.end();
}

#[test]
#[ignore = "needs paramiko"]
fn paramiko() {
    let client = Client::new("paramiko");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/sftp_paramiko.py");
    let said = client.ok(&python(), &[script, &client.port, client.path("id").to_str().unwrap(), &BIG.to_string()]);
    client.done(&said.lines().collect::<Vec<_>>());
    client.end();
}

#[test]
#[ignore = "needs asyncssh"]
fn asyncssh() {
    let client = Client::new("asyncssh");
    client.knows_the_server();
    client.there_and_back_by(&python(), "sftp_asyncssh.py");
}

#[test]
#[ignore = "needs curl with libssh2"]
fn curl() {
    let client = Client::new("curl with libssh2");
    assert!(client.ok("curl", &["-V"]).contains(" libssh2/"), "it speaks SFTP by another library");
    client.knows_the_server();
    let url = format!("sftp://127.0.0.1:{}/files/big", client.port);
    let words = ["-sS", "--key", "id", "--pubkey", "id.pub", "-u", "alice:", &url];
    client.there_and_back("curl", &[&words[..], &["-T", "big"]].concat(), &[&words[..], &["-o", "back"]].concat());
}

#[test]
#[ignore = "needs ssh2-sftp-client"]
fn ssh2_sftp_client() {
    Client::new("ssh2-sftp-client").there_and_back_by("node", "sftp_ssh2.cjs");
}

#[test]
#[ignore = "needs restic"]
fn restic() {
    let client = Client::new("restic");
    let big = client.home.file("many/big", BIG);
    let restic = |arguments: &[&str]| {
        let ssh = "sftp.command=ssh -F config p2p -s sftp";
        client.ok("restic", &[&["-o", ssh, "-r", "sftp:p2p:/files/repository"], arguments].concat())
    };
    restic(&["init"]);
    restic(&["backup", "many"]);
    std::fs::write(client.path("many/more"), b"more").unwrap();
    restic(&["backup", "many"]);
    assert!(restic(&["check", "--read-data"]).contains("no errors were found"));
    restic(&["restore", "latest", "--target", "restored"]);
    client.is("restored/many/big", &big);
    client.is("restored/many/more", b"more");
    restic(&["forget", "--keep-last", "1", "--prune"]);
    assert!(restic(&["check"]).contains("no errors were found"));
    client.done(&["put", "get", "list", "rename", "directories", "remove", "random reads"]);
    client.end();
}

/// Mount of sshfs, which is taken away when this is dropped.
struct Mount(PathBuf);

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("fusermount3").args(["-u", "-z"]).arg(&self.0).status();
    }
}

#[test]
#[ignore = "needs sshfs and FUSE"]
fn sshfs() {
    use std::io::{Seek, SeekFrom, Write};
    use std::os::unix::fs::{FileExt, PermissionsExt};
    let client = Client::new("sshfs");
    let mut big = client.home.file("big", BIG);
    std::fs::create_dir(client.path("mnt")).unwrap();
    client.ok("sshfs", &["-F", client.path("config").to_str().unwrap(), "p2p:/files", "mnt"]);
    let mount = Mount(client.path("mnt"));
    let at = |name: &str| client.path("mnt").join(name);
    std::fs::copy(client.path("big"), at("big")).unwrap();
    assert!(std::fs::read(at("big")).unwrap() == big);
    let file = std::fs::File::open(at("big")).unwrap();
    for place in [BIG - 100, 7, BIG / 2, 131_072] {
        let mut found = [0; 100];
        file.read_exact_at(&mut found, place as u64).unwrap();
        assert_eq!(found[..], big[place..place + 100], "{place}");
    }
    // What is removed while it is open stays under a hidden name.
    drop(file);
    let mut file = std::fs::OpenOptions::new().read(true).write(true).open(at("big")).unwrap();
    for place in [BIG / 2, 5] {
        file.seek(SeekFrom::Start(place as u64)).unwrap();
        file.write_all(b"changed").unwrap();
        big[place..place + 7].copy_from_slice(b"changed");
    }
    drop(file);
    assert!(std::fs::read(at("big")).unwrap() == big);
    std::fs::OpenOptions::new().write(true).open(at("big")).unwrap().set_len(1_000).unwrap();
    assert!(std::fs::read(at("big")).unwrap() == big[..1_000]);
    client.ok("cp", &["-r", "many", "mnt/many"]);
    assert_eq!(std::fs::read_dir(at("many")).unwrap().count(), 2_000);
    std::fs::rename(at("big"), at("many/0000")).unwrap();
    std::fs::set_permissions(at("many/0000"), std::fs::Permissions::from_mode(0o600)).unwrap();
    client.ok("touch", &["-d", "2020-01-02 03:04:05 UTC", "mnt/many/0000"]);
    let found = std::fs::metadata(at("many/0000")).unwrap();
    assert_eq!((found.len(), found.permissions().mode() & 0o777), (1_000, 0o600));
    assert_eq!(found.modified().unwrap(), std::time::UNIX_EPOCH + Duration::from_secs(1_577_934_245));
    assert!(client.ok("df", &["mnt"]).contains("mnt"));
    assert!(std::fs::read(at("none")).is_err() && std::fs::remove_dir(at("many")).is_err());
    assert!(std::fs::hard_link(at("many/0001"), at("linked")).is_err() && std::fs::write(at("~bob"), b"x").is_err());
    std::fs::remove_dir_all(at("many")).unwrap();
    assert_eq!(std::fs::read_dir(client.path("mnt")).unwrap().count(), 0);
    drop(mount);
    let done = "put get list rename directories remove attributes truncate df";
    client.done(&done.split(' ').chain(["random reads", "random writes"]).collect::<Vec<_>>());
    client.end();
}
