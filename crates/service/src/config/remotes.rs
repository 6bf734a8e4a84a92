//! Hosts elsewhere with an SSH server: the tables `[[ssh.remote]]` of `p2p.toml`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use p2p_base::spelling::visible;
use toml::Spanned;
use toml::de::DeValue;

use super::keys::{self, Section};
use super::{Config, ConfigError, ConfigText, Setting, read_settings, value_of};

/// Port of SSH where a table has none (RFC 4253, section 4).
const PORT: u16 = 22;
/// Longest name of a host.
const NAME_MAX: usize = 64;
/// Begin of the name of a node.
const NODE: &str = "Node_";

/// Host elsewhere with an SSH server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// Name, as commands have it.
    pub name: String,
    /// Name or address of the machine.
    pub address: String,
    /// Port of the server.
    pub port: u16,
    /// User there, if the table has one.
    pub user: Option<String>,
    /// File of a private key, if the table has one.
    pub key: Option<PathBuf>,
    /// Fingerprint of the host key, as `SHA256:…`, if the table has one.
    pub host_key: Option<String>,
}

impl Config {
    /// Returns the hosts of the `[[ssh.remote]]` tables, by name.
    pub fn remotes(&self) -> Vec<Remote> {
        let remote = |(name, settings): (&String, &super::Settings)| Remote {
            name: name.clone(),
            address: value_of(settings, "address").unwrap_or_default(),
            port: value_of(settings, "port").unwrap_or(PORT),
            user: value_of(settings, "user"),
            key: settings.get("key").map(Setting::path),
            host_key: value_of(settings, "host_key"),
        };
        self.remotes.iter().map(remote).collect()
    }

    /// Returns the values of the `[[ssh.remote]]` tables: name of the host, key, setting.
    pub fn remote_settings(&self) -> impl Iterator<Item = (&str, &'static str, &Setting)> {
        self.remotes.iter().flat_map(|(name, settings)| {
            keys::of(Section::Remote).filter_map(move |key| Some((name.as_str(), key.name, settings.get(key.name)?)))
        })
    }

    /// Overrides the hosts of these names with those of the tables of a file.
    pub(super) fn overlay_remotes(&mut self, source: &ConfigText, value: &Spanned<DeValue<'_>>) -> Result<(), ConfigError> {
        let wrong = |at: &Spanned<DeValue<'_>>, message: &str| {
            source.value_error(at.span().start, "[[ssh.remote]]".into(), message.to_owned())
        };
        let tables = value.get_ref().as_array();
        let tables = tables.ok_or_else(|| wrong(value, "write each host as a table of its own: [[ssh.remote]]"))?;
        let mut seen = BTreeSet::new();
        for value in tables {
            let table = value.get_ref().as_table().ok_or_else(|| wrong(value, "it is a table with keys"))?;
            let mut settings = read_settings(source, Section::Remote, table)?;
            let name =
                settings.remove("name").ok_or_else(|| wrong(value, "say what the host is called, as in: name = \"store\""))?;
            check_name(&name.text).map_err(|message| wrong(value, &message))?;
            if !settings.contains_key("address") {
                return Err(wrong(value, "say where the host is, as in: address = \"store.example.org\""));
            }
            if let Some(key) = settings.get("host_key") {
                check_fingerprint(&key.text).map_err(|message| wrong(value, &message))?;
            }
            if !seen.insert(name.text.clone()) {
                return Err(wrong(value, &format!("{} has a table already", name.text)));
            }
            self.remotes.insert(name.text, settings);
        }
        Ok(())
    }
}

/// Returns true if the key of a section has the tables of hosts in the place of a value.
pub(super) fn are_in(section: Section, key: &str) -> bool {
    section == Section::Ssh && key == "remote"
}

/// Checks the name of a host, which is none of a node's.
fn check_name(name: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let is_name = name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.len() <= NAME_MAX && name.chars().all(fits);
    // The letter case of a node's name does not matter where one is named.
    let digits =
        name.split_at_checked(NODE.len()).filter(|(before, _)| before.eq_ignore_ascii_case(NODE)).map(|(_, digits)| digits);
    let is_node = digits.unwrap_or(name).chars().all(|c| c.is_ascii_digit());
    match (is_name, is_node) {
        (false, _) => Err(format!(
            "`{}` is no name of a host: letters, digits, `-`, `.` and `_`, at most {NAME_MAX} of them",
            visible(name)
        )),
        (_, true) => Err(format!("`{name}` is the name of a node; take another one")),
        (true, false) => Ok(()),
    }
}

/// Checks a fingerprint of a key: SHA-256 in Base64 without padding, as OpenSSH writes it.
fn check_fingerprint(text: &str) -> Result<(), String> {
    let digits = text.strip_prefix("SHA256:").unwrap_or_default();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/');
    match digits.len() == 43 && digits.chars().all(fits) {
        true => Ok(()),
        false => Err(format!("`{}` is no fingerprint of a host key; `ssh-keygen -l -f FILE` prints SHA256:…", visible(text))),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn overlaid(text: &str) -> Result<Config, ConfigError> {
        let mut config = Config::built_in()?;
        config.overlay(text, Some(Path::new("/etc/p2p.toml"))).map(|()| config)
    }

    #[test]
    fn hosts_are_read_with_what_they_leave_out() {
        let fingerprint = format!("SHA256:{}", "a".repeat(43));
        let text = format!(
            "[ssh]\nnodes_max = 3\n[[ssh.remote]]\nname = 'store'\naddress = 'store.example.org'\nport = 2201\nuser = 'bob'\n\
             key = 'id'\nhost_key = '{fingerprint}'\n[[ssh.remote]]\nname = 'a'\naddress = '192.0.2.1'\n"
        );
        let config = overlaid(&text).unwrap();
        let plain = Remote { name: "a".into(), address: "192.0.2.1".into(), port: 22, user: None, key: None, host_key: None };
        let full = Remote {
            name: "store".into(),
            address: "store.example.org".into(),
            port: 2201,
            user: Some("bob".into()),
            key: Some("/etc/id".into()),
            host_key: Some(fingerprint),
        };
        assert_eq!(config.remotes(), [plain, full]);
        assert_eq!(overlaid(&config.to_string()).unwrap().remotes(), config.remotes());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (table, words) in [
            ("address = 'a'", "say what the host is called"),
            ("name = 'a'", "say where the host is"),
            ("name = 'Node_03'\naddress = 'a'", "`Node_03` is the name of a node"),
            ("name = 'node_03'\naddress = 'a'", "`node_03` is the name of a node"),
            ("name = '3'\naddress = 'a'", "`3` is the name of a node"),
            ("name = 'a b'\naddress = 'a'", "`a b` is no name of a host"),
            ("name = 'a'\naddress = 'a'\nhost_key = 'MD5:0'", "no fingerprint of a host key"),
            ("name = 'a'\naddress = 'a'\n[[ssh.remote]]\nname = 'a'\naddress = 'b'", "a has a table already"),
            ("name = 'a'\naddress = 'a'\nkeys = 'b'", "unknown key `keys`"),
        ] {
            let error = overlaid(&format!("[[ssh.remote]]\n{table}\n")).unwrap_err().to_string();
            assert!(error.starts_with("/etc/p2p.toml:") && error.contains(words), "{error}");
        }
        let error = overlaid("[ssh]\nremote = 'a'\n").unwrap_err().to_string();
        assert!(error.contains("write each host as a table of its own"), "{error}");
        let error = overlaid("['ssh.remote']\nname = 'a'\n").unwrap_err().to_string();
        assert!(error.contains("unknown key"), "{error}");
    }
}
