//! `p2p cert`: makes a self-signed certificate for the services (X.509, RFC 5280), with its key.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use eyre::{Report, Result, WrapErr, eyre};
use p2p_base::private_file;
use p2p_base::replacement::{self, Existing};
use p2p_base::spelling::{shell_operand, visible, visible_path};
use p2p_service::config::{Config, toml_string};
use p2p_service::doors::certificate::Fingerprint;
use p2p_service::failure::{Advise, wrong_usage};
use p2p_service::instance::data_dir_of;
use p2p_service::output::{self, OutputArgs};
use p2p_shell::report::date_of;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use rustls::pki_types::ServerName;
use serde::Serialize;
use time::{Duration, OffsetDateTime};

/// Names that every certificate has, with which clients of this machine reach its services.
const OWN_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
/// Names of the files.
const FILES: [&str; 2] = ["tls-certificate.pem", "tls-key.pem"];
/// Days for which a certificate is valid at the most: ten years.
const DAYS_MAX: i64 = 3650;
/// Time before now from which on it is valid, for clients whose clocks are late.
const MARGIN: Duration = Duration::hours(1);

/// `p2p cert`
#[derive(Debug, Args)]
pub struct CertArgs {
    /// Further names and addresses with which clients reach the services: nas.example.org, *.example.org, 192.168.1.7
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// How many days the certificate is valid
    #[arg(long, value_name = "N", default_value_t = 365, value_parser = clap::value_parser!(i64).range(1..=DAYS_MAX))]
    days: i64,
    /// Write the files into DIR instead of `keys` in the data directory
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    output_directory: Option<PathBuf>,
    /// Replace a certificate and a key that are there
    #[arg(long)]
    force: bool,
    /// Keep files, catalog and logs in DIR instead of ~/.local/share/p2p
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    data_dir: Option<PathBuf>,
    /// Read FILE instead of ./p2p.toml
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

/// Certificate that was made, as it is printed.
#[derive(Debug, Serialize)]
struct Made {
    certificate: PathBuf,
    key: PathBuf,
    names: Vec<String>,
    /// First and last instant, in seconds since 1970-01-01 00:00 UTC.
    not_before: u64,
    not_after: u64,
    sha256: String,
}

impl CertArgs {
    /// Returns the directory in which the files are to be.
    fn directory(&self) -> Result<PathBuf> {
        let directory = match (&self.output_directory, &self.data_dir) {
            (Some(directory), _) => directory.clone(),
            (None, Some(data_dir)) => data_dir.join("keys"),
            (None, None) => data_dir_of(&Config::load(self.config.as_deref())?)?.join("keys"),
        };
        std::path::absolute(&directory).wrap_err_with(|| visible_path(&directory))
    }

    /// Returns all names, each once.
    fn all_names(&self) -> Result<Vec<String>> {
        let mut all = OWN_NAMES.map(str::to_owned).to_vec();
        for name in &self.names {
            // A wildcard stands for one label, the first (RFC 6125, section 6.4.3).
            let host = name.strip_prefix("*.").unwrap_or(name);
            let is_address = matches!(ServerName::try_from(name.as_str()), Ok(ServerName::IpAddress(_)));
            if ServerName::try_from(host).is_err() || (host != name && !host.contains('.')) {
                return Err(wrong_usage(
                    format_args!("`{}` is neither a name of a machine nor an address", visible(name)),
                    "write it as nas.example.org, *.example.org, 192.168.1.7 or fd00::7, without a port",
                ));
            }
            let name = if is_address { name.clone() } else { name.to_ascii_lowercase() };
            if !all.contains(&name) {
                all.push(name);
            }
        }
        Ok(all)
    }
}

/// Makes a certificate and its key, and prints where they are.
///
/// # Errors
/// Fails if a name is none, if there are files already that may not be replaced, or if they cannot be written.
pub fn run(args: &CertArgs) -> Result<()> {
    let (directory, names) = (args.directory()?, args.all_names()?);
    let [certificate, key] = FILES.map(|name| directory.join(name));
    if !args.force
        && let Some(there) = [&certificate, &key].into_iter().find(|path| path.symlink_metadata().is_ok())
    {
        return Err(is_there(there));
    }
    let key_pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).wrap_err("no key can be made")?;
    let wanted = wanted(&names, args.days)?;
    let signed = wanted.self_signed(&key_pair).wrap_err("no certificate can be made")?;
    let existing = if args.force { Existing::Replaced } else { Existing::Refused };
    private_file::create_directory(&directory).wrap_err_with(|| visible_path(&directory))?;
    // The key first: a certificate without its own would be handed to clients.
    let private = key_pair.serialize_pem();
    private_file::put(&key, existing, private.as_bytes()).map_err(|error| failed(&key, &error))?;
    replacement::write(&certificate, existing, signed.pem().as_bytes()).map_err(|error| failed(&certificate, &error))?;
    let seconds = |time: OffsetDateTime| u64::try_from(time.unix_timestamp()).wrap_err("the clock is before 1970");
    let made = Made {
        certificate,
        key,
        names,
        not_before: seconds(wanted.not_before)?,
        not_after: seconds(wanted.not_after)?,
        sha256: Fingerprint::of(signed.der()).to_string(),
    };
    output::print(&args.output, &made, text_of)
}

/// Returns what is to be in the certificate: a server's, and no authority's (RFC 5280, section 4.2.1).
fn wanted(names: &[String], days: i64) -> Result<CertificateParams> {
    let mut wanted = CertificateParams::new(names).wrap_err("a name cannot be in a certificate")?;
    wanted.distinguished_name = DistinguishedName::new();
    wanted.distinguished_name.push(DnType::CommonName, "p2p");
    wanted.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    wanted.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let now = OffsetDateTime::now_utc().replace_nanosecond(0).wrap_err("the time has no second")?;
    wanted.not_before = now - MARGIN;
    wanted.not_after = now + Duration::days(days);
    Ok(wanted)
}

fn is_there(path: &Path) -> Report {
    eyre!("{} is there already", visible_path(path)).suggestion(
        "--force replaces the certificate and its key, which clients then have to be told of; -o DIR writes elsewhere",
    )
}

fn failed(path: &Path, error: &std::io::Error) -> Report {
    match error.kind() {
        ErrorKind::AlreadyExists => is_there(path),
        _ => eyre!("{}: {error}", visible_path(path)),
    }
}

/// Returns what a user reads: the facts, and the next steps at both ends.
fn text_of(made: &Made) -> String {
    let Made { certificate, key, names, not_before, not_after, sha256 } = made;
    let (from, to) = (date_of(*not_before), date_of(*not_after));
    format!(
        "certificate  {}\nkey          {}\nnames        {}\nvalid        {from} to {to}\nSHA-256      {sha256}\n\n\
         {}\n\n\
         Its clients:\np2p --connect grpcs://127.0.0.1:50050 --tls-ca {} ls\nhttps://127.0.0.1:5000 in a browser, which asks whether to trust it",
        visible_path(certificate),
        visible_path(key),
        names.join(", "),
        config_of(certificate, key),
        shell_operand(certificate),
    )
}

/// Returns the tables of p2p.toml that name the files.
fn config_of(certificate: &Path, key: &Path) -> String {
    match (certificate.to_str(), key.to_str()) {
        (Some(certificate), Some(key)) => {
            let (certificate, key) = (toml_string(certificate), toml_string(key));
            let tls = format!("tls = {{ certificate = {certificate}, key = {key} }}");
            format!("In p2p.toml:\n[grpc]\n{tls}\n[web]\n{tls}")
        }
        _ => "p2p.toml is in UTF-8, as the path of these files is not, and cannot name them: -o DIR writes others elsewhere."
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    fn args(names: &[&str]) -> CertArgs {
        CertArgs {
            names: names.iter().map(|&name| name.to_owned()).collect(),
            days: 1,
            output_directory: None,
            force: false,
            data_dir: None,
            config: None,
            output: OutputArgs { json: false },
        }
    }

    #[test]
    fn names_are_of_machines() {
        let names = args(&["NAS.example.org", "*.example.org", "192.168.1.7", "fd00::7", "localhost"]).all_names().unwrap();
        assert_eq!(names, ["localhost", "127.0.0.1", "::1", "nas.example.org", "*.example.org", "192.168.1.7", "fd00::7"]);
        for wrong in ["", "a b", "*", "*.org", "a.*.org", "http://nas", "nas:50050", "naïve.example", "\u{1b}[31m"] {
            let error = args(&[wrong]).all_names().unwrap_err().to_string();
            assert!(error.ends_with("is neither a name of a machine nor an address"), "{wrong}: {error}");
        }
    }

    #[test]
    fn the_files_are_named_as_they_are() {
        for directory in ["/plain", "/a'b", "/a\"b\\c", "/two\nlines", "/\u{202e}evil\u{a0}", "/\u{1b}[31m"] {
            let [certificate, key] = FILES.map(|name| Path::new(directory).join(name));
            let text = config_of(&certificate, &key);
            let table: toml::Table = text.strip_prefix("In p2p.toml:\n").unwrap().parse().unwrap();
            for service in ["grpc", "web"] {
                let named = |what: &str| table[service]["tls"][what].as_str().map(PathBuf::from).unwrap();
                assert_eq!((&named("certificate"), &named("key")), (&certificate, &key), "{text}");
            }
            assert!(text.lines().count() == 5 && !text.contains(['\u{202e}', '\u{1b}']), "{text}");
        }
        let bytes = Path::new(std::ffi::OsStr::from_bytes(b"/\xff"));
        assert!(config_of(bytes, bytes).contains("-o DIR"));
    }
}
