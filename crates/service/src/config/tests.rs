use p2p_base::private_file;
use p2p_engine::ClockMode;
use proptest::prelude::*;

use super::*;

fn overlaid(text: &str) -> Result<Config, ConfigError> {
    let mut config = Config::built_in()?;
    config.overlay(text, Some(Path::new("p2p.toml"))).map(|()| config)
}

fn engine(text: &str) -> Result<p2p_engine::EngineConfig, ConfigError> {
    overlaid(text)?.engine(Path::new("/data"), ClockMode::OnDemand)
}

fn message(text: &str) -> String {
    engine(text).expect_err(text).to_string()
}

#[test]
fn the_file_that_is_compiled_in_has_every_key_that_needs_a_value() {
    let config = Config::built_in().unwrap();
    let set: Vec<_> = config.settings().map(|(section, key, _)| (section, key)).collect();
    for key in keys::KEYS {
        assert_eq!(set.contains(&(key.section, key.name)), key.has_default, "{}", key.full_name());
    }
}

/// The examples in the comments of the file are right too.
#[test]
fn every_commented_key_is_accepted_and_every_key_is_annotated() {
    let examples: String = DEFAULT_TOML
        .lines()
        .filter_map(|line| line.strip_prefix("# ").or(line.starts_with('[').then_some(line)))
        .filter(|line| line.starts_with('[') || line.split_once(" = ").is_some_and(|(key, _)| !key.contains(' ')))
        // A password may not stand in a file like this one.
        .filter(|line| !line.starts_with("password ="))
        .map(|line| format!("{line}\n"))
        .collect();
    let config = overlaid(&examples).unwrap();
    let in_nodes: Vec<_> = config.node_settings().map(|(_, key, _)| key).collect();
    for key in keys::KEYS {
        let begins = |line: &str| line.trim_start_matches(['#', ' ']).starts_with(&format!("{} = ", key.name));
        // One of a table on a line of its own has its example in that.
        let is_within =
            || key.name.contains('.') && config.settings().any(|(section, name, _)| (section, name) == (key.section, key.name));
        let named = DEFAULT_TOML.lines().any(begins) || key.name.starts_with("bandwidth_") || is_within();
        assert!(named, "{} is not in p2p.toml", key.full_name());
        if key.section == Section::Node && !matches!(key.name, "number" | "bandwidth") {
            assert!(in_nodes.contains(&key.name), "{}", key.full_name());
        }
    }
}

/// The password of the mail server comes from no file that others may read, and nothing shows it.
#[test]
fn a_password_stays_secret() {
    use std::os::unix::fs::PermissionsExt;

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("p2p.toml");
    let text = "[mail]\nhost = 'mail.example.org'\nuser = 'p2p'\npassword = 'hunter2'\n";
    private_file::write(&path, text.as_bytes()).unwrap();
    let config = Config::load(Some(&path)).unwrap();
    let server = config.mail().unwrap().unwrap();
    assert_eq!((server.host.as_str(), server.port, server.tls_from_the_start), ("mail.example.org", 587, false));
    assert!(!format!("{config} {config:?} {server:?}").contains("hunter2"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let error = Config::load(Some(&path)).unwrap_err().to_string();
    assert!(error.contains("p2p.toml:4: [mail] password: others on this machine") && !error.contains("hunter2"), "{error}");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(Config::load(Some(&path)).is_err());
    private_file::write(&path, format!("{text}password_file = '/etc/x'\nsecurity = 'tls'\n").as_bytes()).unwrap();
    let error = Config::load(Some(&path)).unwrap().mail().unwrap_err().to_string();
    assert!(error.contains("give one of them"), "{error}");
    assert!(message("[mail]\nfrom = 'nobody'\n").contains("`nobody` is no e-mail address"));
    for host in ["", "bad host", "a/b"] {
        let error = overlaid(&format!("[mail]\nhost = '{host}'\n")).unwrap_err().to_string();
        assert!(error.contains(&format!("p2p.toml:2: [mail] host: `{host}` is no host")), "{error}");
    }
    assert!(Config::built_in().unwrap().mail().unwrap().is_none());
}

#[test]
fn sessions_and_hashes_are_configured() {
    let policy = Config::built_in().unwrap().accounts().unwrap();
    assert_eq!(policy, p2p_auth::Policy::default());
    let policy = overlaid("[accounts]\npbkdf2_iterations = 600_000\nsession_idle = '10m'\n").unwrap().accounts().unwrap();
    assert_eq!((policy.iterations, policy.session_idle), (600_000, 600));
    assert!(message("[accounts]\npbkdf2_iterations = 1000\n").contains("from 100000 to"));
}

#[test]
fn the_defaults_are_those_of_the_issue() {
    let config = engine("").unwrap();
    assert_eq!(config.nodes.len(), 5);
    assert_eq!(config.client.address.to_string(), "192.168.1.1");
    assert_eq!(config.nodes[0].host.address.to_string(), "192.168.1.2");
    assert_eq!(config.nodes[4].host.link, config.client.link);
    assert_eq!(config.client.link.up.bandwidth.to_string(), "64KiB/s");
    assert_eq!((config.client.link.delay.to_string(), config.client.link.loss.to_string()), ("1ms..10ms".into(), "1%".into()));
    assert_eq!((config.nodes[0].capacity.to_string(), config.segment_size.as_usize()), ("10GiB".into(), 65_536));
}

#[test]
fn a_host_s_own_values_go_before_the_network_s() {
    let config = engine(
        "[network]\nbandwidth = '1MiB/s'\nloss = '0%'\n[client]\nbandwidth_up = '2MiB/s'\nbandwidth_down = '8MiB/s'\n\
         [[node]]\nnumber = 2\naddress = '192.168.1.2'\ndelay = '50ms'\ncapacity = '1GiB'\nqueue = 7\n",
    )
    .unwrap();
    let link = config.client.link;
    assert_eq!((link.up.bandwidth.to_string(), link.down.bandwidth.to_string()), ("2MiB/s".into(), "8MiB/s".into()));
    let second = config.nodes[1];
    assert_eq!((second.host.address.to_string(), second.host.link.delay.to_string()), ("192.168.1.2".into(), "50ms".into()));
    assert_eq!((second.capacity.to_string(), second.host.link.up.queue_packets), ("1GiB".into(), 7));
    // The address that the second node asks for is not given to the first.
    assert_eq!(config.nodes[0].host.address.to_string(), "192.168.1.3");
    assert_eq!(config.nodes[0].host.link.up.bandwidth.to_string(), "1MiB/s");
}

#[test]
fn errors_name_file_line_and_key() {
    assert_eq!(
        message("[network]\n\nbandwidth = 'fast'\n"),
        "p2p.toml:3: [network] bandwidth: `fast` does not start with a number (expected something like `64KiB/s`)"
    );
    assert_eq!(message("[network]\nbandwith = '1MiB/s'\n"), "p2p.toml:2: unknown key `bandwith` (did you mean `bandwidth`?)");
    assert!(message("[netwrok]\n").starts_with("p2p.toml:1: unknown key `netwrok` (did you mean `network`?)"));
    assert!(message("[engine]\nxyzzyplugh = 1\n").contains("(known here: speed, memory)"));
    assert!(message("[network]\nloss = 1\n").contains("expected a quoted string, as in \"1%\""));
    assert!(message("[nodes]\ncount = '5'\n").contains("p2p.toml:2: [nodes] count: expected a whole number"));
    assert!(message("[nodes]\ncount = 0\n").contains("from 1 to 1000"));
    assert!(message("[storage]\nsegment_size = '1KiB'\n").contains("from 4KiB to 4MiB"));
    assert!(message("[network]\nsubnet = '192.168.1.0'\n").contains("no subnet"));
    assert!(message("[network\n").starts_with("p2p.toml:1: this is not valid TOML"));
    assert!(message("network = 3\n").contains("[network]: it is a section with keys"));
    assert!(message("[node]\nnumber = 1\n").contains("[[node]]"));
    assert!(message("[[node]]\nloss = '1%'\n").contains("number = 4"));
    assert!(message("[[node]]\nnumber = 3\n[[node]]\nnumber = 3\n").contains("node 3 has a table already"));
    assert!(message("[network]\nconnect_timeout = '1ms'\n").contains("at least 1s"));
    for key in ["[network]\nbandwidth", "[client]\nbandwidth_up"] {
        assert!(message(&format!("{key} = '512B/s'\n")).contains("at least 1KiB/s, not 512B/s"), "{key}");
    }
}

/// A path is meant from where the file is that says it, whoever reads it from where.
#[test]
fn paths_are_meant_from_their_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("p2p.toml");
    let text =
        "[storage]\ndata_dir = 'data'\n[mail]\nhost = 'mail.example.org'\nca_file = '../ca.pem'\npassword_file = '/etc/x'\n";
    private_file::write(&path, text.as_bytes()).unwrap();
    let config = Config::load(Some(&path)).unwrap();
    let server = config.mail().unwrap().unwrap();
    assert_eq!(config.data_dir(), Some(directory.path().join("data")));
    assert_eq!((server.ca_file, server.password_file), (Some(directory.path().join("../ca.pem")), Some("/etc/x".into())));
    // What is printed means the same wherever it is put.
    assert!(config.to_string().contains(&format!("data_dir = \"{}\"", directory.path().join("data").display())));
    let mut config = Config::built_in().unwrap();
    config.set(Section::Storage, "data_dir", "here", "--data-dir").unwrap();
    assert_eq!(config.data_dir(), Some(std::env::current_dir().unwrap().join("here")));
    config.set(Section::Storage, "data_dir", "~/there", "--data-dir").unwrap();
    assert_eq!(config.data_dir(), std::env::home_dir().map(|home| home.join("there")));
    for text in ["[storage]\ndata_dir = ''\n", "[mail]\nca_file = \"\"\n", "[mail]\nuser = ''\n"] {
        assert!(overlaid(text).unwrap_err().to_string().starts_with("p2p.toml:2: ["), "{text}");
    }
}

/// A byte order mark and the line ends of other systems make no difference.
#[test]
fn a_file_may_come_from_another_system() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("p2p.toml");
    for bytes in [&b"\xef\xbb\xbf[network]\r\nseed = 7\r\n"[..], b"\xff\xfe[\0n\0e\0t\0w\0o\0r\0k\0]\0\n\0s\0e\0e\0d\0=\x007\0"] {
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(Config::load(Some(&path)).unwrap().seed(), Ok(7));
    }
    std::fs::write(&path, b"[network]\nseed = 7 # caf\xe9\n").unwrap();
    assert!(Config::load(Some(&path)).unwrap_err().to_string().contains("line 2"));
}

#[test]
fn values_that_do_not_go_together_are_told() {
    assert!(message("[[node]]\nnumber = 9\n").contains("[nodes] count is 5"));
    assert!(
        message("[[node]]\nnumber = 1\naddress = '192.168.1.9'\n[[node]]\nnumber = 2\naddress = '192.168.1.9'\n")
            .contains("p2p.toml:6: address: the address 192.168.1.9 is taken")
    );
    assert!(message("[client]\naddress = '10.0.0.1'\n").contains("is not in 192.168.1.0/24"));
    assert!(message("[network]\nsubnet = '10.0.0.0/29'\n[nodes]\ncount = 6\n").contains("no address is left in 10.0.0.0/29"));
    assert!(message("[health]\nsuspect_after = 5\n").contains("suspect before it is dead"));
}

#[test]
fn a_wrong_overlay_changes_nothing_and_flags_come_last() {
    let mut config = overlaid("[network]\nseed = 7\n").unwrap();
    assert!(config.overlay("[network]\nseed = 8\nloss = '200%'\n", None).is_err());
    assert_eq!(config.seed(), Ok(7));
    config.set(Section::Network, "seed", "9", "--seed").unwrap();
    assert_eq!(config.seed(), Ok(9));
    config.overlay("[network]\nseed = 0x10\n[nodes]\ncount = 0b11\n", None).unwrap();
    assert_eq!((config.seed(), config.text(Section::Nodes, "count").as_str()), (Ok(16), "3"));
    assert!(config.overlay("[network]\nseed = -1\n", None).is_err());
    let error = config.set(Section::Engine, "speed", "warp", "--speed").unwrap_err().to_string();
    assert!(error.starts_with("--speed: [engine] speed: `warp` is not a valid speed"), "{error}");
}

/// What `p2p config` prints is a configuration that says the same.
#[test]
fn what_is_printed_reads_back() {
    let config = overlaid("[client]\nloss = '0%'\n[[node]]\nnumber = 3\nloss = '9%'\n[network]\nseed = 18_000\n").unwrap();
    let printed = config.to_string();
    assert!(printed.contains("loss = \"9%\"") && printed.contains("# p2p.toml:5"), "{printed}");
    assert!(printed.contains("# built in"));
    let again = overlaid(&printed).unwrap();
    let values = |config: &Config| config.settings().map(|(s, k, setting)| (s, k, setting.text.clone())).collect::<Vec<_>>();
    assert_eq!(values(&again), values(&config));
    assert_eq!(again.node_settings().count(), 1);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,60}", section in 0usize..7, key in 0usize..38) {
        let _ = overlaid(&text);
        let (section, key) = (Section::NAMES[section].1, keys::KEYS[key].name);
        let _ = engine(&format!("[{section}]\n{key} = {text:?}\n"));
        let _ = engine(&format!("[[{section}]]\nnumber = 1\n{key} = {text}\n"));
    }
}

/// A key that nobody could see, and two actions on one key, are refused with line and key wherever a configuration is loaded.
#[test]
fn keys_are_checked_when_the_file_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.toml");
    let refusal = |text: &str| {
        std::fs::write(&path, text).unwrap();
        Config::load(Some(&path)).map(drop).unwrap_err().to_string()
    };
    for invisible in
        ["\\u0007", "\\u200b", "\\u0301", "\\u202e", "\\u00a0", "\\u2800", "\\ufeff", "\\u20dd", "\\ufe0f", "\\u00ad"]
    {
        let error = refusal(&format!("[keys]\nstep = 's'\nzoom = \"{invisible}\"\n"));
        assert!(error.contains("keys.toml:3: [keys] zoom: ") && error.contains("is no key"), "{invisible}: {error}");
        assert!(error.is_ascii(), "{error:?}");
    }
    for (text, expected) in [
        ("[keys]\nstep = 's'\nzoom = 's'\n", "keys.toml:3: [keys] zoom: s is the key of `step` too ("),
        ("[keys]\nzoom = 'f'\n", "keys.toml:2: [keys] zoom: f is the key of `freeze` too (built in)"),
        ("[keys]\nzoom = '?'\n", "keys.toml:2: [keys] zoom: ? has a fixed meaning; choose another"),
        ("[keys]\nzoom = ':'\n", "keys.toml:2: [keys] zoom: : has a fixed meaning; choose another"),
        ("[keys]\nmap = '1'\n", "keys.toml:2: [keys] map: 1 has a fixed meaning; choose another"),
        ("[keys]\ncopy = 'j'\n", "keys.toml:2: [keys] copy: j has a fixed meaning; choose another"),
        ("[keys]\nzoom = 'S'\n", "keys.toml:2: [keys] zoom: S has a fixed meaning; choose another"),
        ("[keys]\nmap = 'C'\n", "keys.toml:2: [keys] map: C has a fixed meaning; choose another"),
        ("[keys]\nquit = 'Ctrl-K'\n", "keys.toml:2: [keys] quit: Ctrl-K has a fixed meaning; choose another"),
        ("[keys]\nquit = 'q'\n", "keys.toml:2: [keys] quit: q is typed in the prompt, where this action counts too; choose"),
        ("[keys]\nhelp = '日'\n", "keys.toml:2: [keys] help: 日 is typed in the prompt, where this action counts too; choose"),
    ] {
        let error = refusal(text);
        assert!(error.contains(expected), "{error}");
    }
    std::fs::write(&path, "[keys]\nzoom = 'é'\nstep = '世'\nfreeze = 'z'\n").unwrap();
    assert_eq!(Config::load(Some(&path)).unwrap().keymap().unwrap()["freeze"], "z");
}

/// A value of characters that cannot be seen is shown escaped, where it is refused and where the configuration is printed.
#[test]
fn values_that_cannot_be_seen_are_shown_escaped() {
    let built_in = Config::built_in().unwrap();
    for (invisible, shown) in [
        ("\u{200b}", "\\u{200b}"),
        ("\u{202e}", "\\u{202e}"),
        ("\u{2800}", "\\u{2800}"),
        ("\u{3000}\u{3000}", "\\u{3000}\\u{3000}"),
        ("\u{feff}", "\\u{feff}"),
        ("   ", "'   '"),
        ("a\u{200b}b", "a\\u{200b}b"),
    ] {
        let is_checked = |key: &&keys::Key| key.kind.is_string() && !key.kind.is_free();
        for key in keys::KEYS.iter().filter(is_checked) {
            let error = built_in.clone().set(key.section, key.name, invisible, "--x").unwrap_err().to_string();
            assert!(error.contains(shown) && error.is_ascii(), "{}: {error:?}", key.name);
        }
        let mut config = built_in.clone();
        config.set(Section::Mail, "user", invisible, "--x").unwrap();
        let text = config.to_string();
        let line = text.lines().find(|line| line.starts_with("user = ")).unwrap();
        let escaped = |c: char| if c.is_ascii() { c.to_string() } else { format!("\\U{:08x}", u32::from(c)) };
        let value: String = invisible.chars().map(escaped).collect();
        assert!(line.starts_with(&format!("user = \"{value}\"")), "{line:?}");
        let value: toml::Table = line.parse().unwrap();
        assert_eq!(value["user"].as_str(), Some(invisible));
    }
}

/// What other machines reach is permitted explicitly or refused.
#[test]
fn services_listen_at_loopback_unless_the_user_permits_more() {
    let address = |text: &str| overlaid(text).unwrap().grpc_address().map(|address| address.to_string());
    assert_eq!(address("").unwrap(), "127.0.0.1:50050");
    assert_eq!(address("[grpc]\naddress = ':0'\n").unwrap(), "127.0.0.1:0");
    assert_eq!(address("[grpc]\naddress = '[::1]:7'\n").unwrap(), "[::1]:7");
    for public in ["0.0.0.0:50050", "192.168.1.7:50050", "[::]:50050"] {
        let text = format!("[grpc]\naddress = '{public}'\n");
        let error = address(&text).unwrap_err().to_string();
        assert!(error.starts_with(&format!("p2p.toml:2: [grpc] address: other machines reach {public}")), "{error}");
        assert!(error.ends_with("set tls (`p2p cert` makes a certificate), or allow_public = true"), "{error}");
        assert_eq!(address(&format!("{text}allow_public = true\n")).unwrap(), public);
        assert_eq!(address(&format!("{text}tls = {{ certificate = 'a', key = 'b' }}\n")).unwrap(), public);
        assert!(address(&format!("{text}tls.key = 'b'\n")).is_err(), "half of it is nothing");
    }
    assert_eq!(overlaid("[serve]\ndrain = '2s'\n").unwrap().drain().unwrap(), std::time::Duration::from_secs(2));
}

/// All clients on this machine have one address, so that the loopback takes more of it than other addresses do, unless the user says how many.
#[test]
fn the_web_takes_more_connections_of_this_machine_than_of_another() {
    let limits = |text: &str, address: &str| overlaid(text).unwrap().web_limits(address.parse().unwrap()).unwrap();
    let of = |text: &str, address: &str| (limits(text, address).connections, limits(text, address).of_one_address);
    for address in ["127.0.0.1:5000", "[::1]:5000", "[::ffff:127.0.0.1]:0"] {
        assert_eq!(of("", address), (640, 512), "{address}");
    }
    for address in ["0.0.0.0:5000", "192.0.2.1:5000", "[::]:5000"] {
        assert_eq!(of("", address), (640, 64), "{address}");
    }
    let own = "[web]\nconnections = 9000\nconnections_per_address = 7000\n";
    assert_eq!((of(own, "127.0.0.1:5000"), of(own, "0.0.0.0:5000")), ((9000, 7000), (9000, 7000)));
    assert!(overlaid("[web]\nconnections = 0\n").is_err());
}

/// Each node has the next port, as far as there are ports and endpoints.
#[test]
fn nodes_have_endpoints_one_after_the_other_if_the_user_wants_them() {
    let addresses = |text: &str| {
        let addresses = overlaid(text).unwrap().grpc_nodes();
        addresses.map(|addresses| addresses.iter().map(ToString::to_string).collect::<Vec<String>>())
    };
    assert_eq!(addresses("[nodes]\ncount = 3\n").unwrap(), Vec::<String>::new());
    let found = addresses("[nodes]\ncount = 3\n[grpc]\nnodes = ':50051'\n").unwrap();
    assert_eq!(found, ["127.0.0.1:50051", "127.0.0.1:50052", "127.0.0.1:50053"]);
    assert_eq!(addresses("[nodes]\ncount = 2\n[grpc]\nnodes = ':0'\n").unwrap(), ["127.0.0.1:0", "127.0.0.1:0"]);
    assert_eq!(addresses("[nodes]\ncount = 100\n[grpc]\nnodes = ':1000'\n").unwrap().len(), 64);
    assert_eq!(addresses("[nodes]\ncount = 100\n[grpc]\nnodes = ':1000'\nnodes_max = 99\n").unwrap().len(), 99);
    let error = addresses("[nodes]\ncount = 3\n[grpc]\nnodes = ':65534'\n").unwrap_err().to_string();
    let told =
        "p2p.toml:4: [grpc] nodes: 127.0.0.1:65534 leaves too few ports for 3 nodes; take port 65533 or a lower one, or :0";
    assert!(error.starts_with(told), "{error}");
    assert!(addresses("[nodes]\ncount = 3\n[grpc]\nnodes = ':65533'\n").is_ok());
    let error = addresses("[grpc]\nnodes = '0.0.0.0:0'\n").unwrap_err().to_string();
    assert!(error.starts_with("p2p.toml:2: [grpc] nodes: other machines reach 0.0.0.0:0"), "{error}");
    // TLS permits it as it does for the address of the whole network.
    assert!(addresses("[grpc]\nnodes = '0.0.0.0:0'\ntls = { certificate = 'a', key = 'b' }\n").is_ok());
    let ssh = |text: &str| overlaid(text).unwrap().ssh_nodes();
    let found = ssh("[nodes]\ncount = 2\n").unwrap();
    assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), ["127.0.0.1:2201", "127.0.0.1:2202"]);
    assert_eq!(ssh("[nodes]\ncount = 100\n").unwrap().len(), 64);
    let error = ssh("[ssh]\naddress = '0.0.0.0:0'\n").unwrap_err().to_string();
    assert!(error.contains("[ssh] address: other machines reach 0.0.0.0:0, and may try passwords there"), "{error}");
}

/// The three spellings of a table in TOML are one, and files lie where the configuration does.
#[test]
fn a_certificate_and_its_key_are_named_together() {
    for text in [
        "[grpc]\ntls = { certificate = 'a.pem', key = '/b.pem' }\n",
        "[grpc]\ntls.certificate = 'a.pem'\ntls.key = '/b.pem'\n",
        "[grpc.tls]\ncertificate = 'a.pem'\nkey = '/b.pem'\n",
    ] {
        let config = overlaid(text).unwrap();
        let files = config.grpc_tls().unwrap().unwrap();
        assert!(files.certificate.is_absolute() && files.certificate.ends_with("a.pem"), "{files:?}");
        assert_eq!(files.key, std::path::Path::new("/b.pem"));
        // What is shown of it can be read again.
        let again = overlaid(&config.to_string()).unwrap();
        assert_eq!(again.grpc_tls().unwrap().unwrap(), files);
    }
    assert_eq!(overlaid("").unwrap().grpc_tls().unwrap(), None);
    for (text, told) in [
        ("tls = { certificate = 'a' }", "p2p.toml:2: [grpc] tls.certificate: TLS needs `tls.key` too"),
        ("tls.key = 'a'", "p2p.toml:2: [grpc] tls.key: TLS needs `tls.certificate` too"),
    ] {
        let error = overlaid(&format!("[grpc]\n{text}\n")).unwrap().grpc_tls().unwrap_err().to_string();
        assert!(error.starts_with(told), "{error}");
    }
    for (text, told) in [
        ("tls = true", "unknown key `tls` without certificate and key, as in tls = { certificate = …, key = … }"),
        ("tls = { cert = 'a' }", "unknown key `tls.cert`"),
        ("tls = { key = 7 }", "[grpc] tls.key: expected a quoted string"),
        ("address = { port = 7 }", "[grpc] address: expected a quoted string"),
    ] {
        let error = overlaid(&format!("[grpc]\n{text}\n")).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
}
