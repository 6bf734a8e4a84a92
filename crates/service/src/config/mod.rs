//! `p2p.toml`, from text to an engine's configuration.
//!
//! A configuration has three layers, each of which overrides the one before: the compiled-in file, which contains every key, a
//! file of the user, and flags. Every value remembers its origin, and every error names file, line and key; paths are relative
//! to the directory of the file that contains them. The list of keys and their kinds is in [`keys`].

pub mod endpoint;
mod error;
pub mod keys;
mod profiles;
mod remotes;
mod resolve;
mod shown;
mod source;
mod trust;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use p2p_base::spelling::{visible, visible_path};
use p2p_base::text;
use p2p_engine::faults::Profile;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub use self::error::ConfigError;
pub use self::remotes::Remote;
pub use self::resolve::MailServer;
pub use self::shown::toml_string;

use self::keys::{Key, Kind, Section};
use self::source::ConfigText;
use self::trust::Found;
use crate::abilities::Glyphs;
use crate::profiles::{NamedProfile, Profiles};

/// Annotated default configuration, compiled in.
pub const DEFAULT_TOML: &str = include_str!("../../../../p2p.toml");

/// Name of the file that is used if it exists and no other is named.
pub const DEFAULT_FILE: &str = "p2p.toml";

/// Origin of a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The configuration that is compiled in.
    BuiltIn,
    /// A line of a configuration file.
    File {
        /// Path of the file.
        path: PathBuf,
        /// Line number, counted from 1.
        line: usize,
    },
    /// A flag on the command line.
    Flag(&'static str),
}

/// Formats the origin as `built in`, `p2p.toml:12` or `--seed`.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::BuiltIn => f.pad("built in"),
            Origin::File { path, line } => f.pad(&format!("{}:{line}", visible_path(path))),
            Origin::Flag(flag) => f.pad(flag),
        }
    }
}

/// Value with its origin. The text is the content of the TOML string or the digits of the number.
#[derive(Clone, PartialEq, Eq)]
pub struct Setting {
    /// Value as a text.
    pub text: String,
    /// Origin of the value.
    pub origin: Origin,
    kind: Kind,
}

impl Setting {
    /// Returns the value for display: a path in absolute form, a secret masked.
    pub fn shown(&self) -> Cow<'_, str> {
        match self.kind {
            Kind::Secret => Cow::Borrowed("********"),
            Kind::Path => Cow::Owned(self.path().to_string_lossy().into_owned()),
            _ => Cow::Borrowed(&self.text),
        }
    }

    /// Returns the value as a path, relative to the directory of the file that contains it, or else to the working directory. A
    /// leading `~/` stands for the home directory.
    fn path(&self) -> PathBuf {
        let below_home = self.text.strip_prefix("~/").and_then(|rest| std::env::home_dir().map(|home| home.join(rest)));
        let base = match &self.origin {
            Origin::File { path, .. } => path.parent().unwrap_or(Path::new("")),
            Origin::BuiltIn | Origin::Flag(_) => Path::new(""),
        };
        let meant = below_home.unwrap_or_else(|| base.join(&self.text));
        std::path::absolute(&meant).unwrap_or(meant)
    }
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setting").field("text", &self.shown()).field("origin", &self.origin).finish()
    }
}

/// Values of one section, by key.
pub type Settings = BTreeMap<&'static str, Setting>;

/// Configuration in effect, with all its layers.
///
/// ```
/// use p2p_service::config::Config;
///
/// let mut config = Config::built_in()?;
/// config.overlay("[network]\nseed = 7\n", None)?;
/// assert_eq!(config.seed()?, 7);
/// # Ok::<(), p2p_service::config::ConfigError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Config {
    sections: BTreeMap<Section, Settings>,
    /// Values of the `[[node]]` tables, by node number.
    nodes: BTreeMap<u16, Settings>,
    /// Values of the `[[ssh.remote]]` tables, by name.
    remotes: BTreeMap<String, Settings>,
    /// Profiles of faults.
    profiles: Profiles,
    /// Message about a file that was found and not used.
    left_out: Option<String>,
}

impl Config {
    /// Returns the compiled-in configuration.
    ///
    /// # Errors
    /// None, unless the compiled-in file is invalid, which a test excludes.
    pub fn built_in() -> Result<Config, ConfigError> {
        let mut config = Config::default();
        config.overlay(DEFAULT_TOML, None)?;
        profiles::BUILT_IN.into_iter().try_for_each(|text| config.overlay(text, None))?;
        Ok(config)
    }

    /// Returns the compiled-in configuration, overridden by the file `named`, or else by `./p2p.toml` if it exists and can be
    /// trusted.
    ///
    /// # Errors
    /// Fails if a file cannot be read or is invalid, or if its keys clash.
    pub fn load(named: Option<&Path>) -> Result<Config, ConfigError> {
        let mut config = Config::built_in()?;
        config.overlay_found(named)?;
        // Whoever starts whatever part of the program learns of keys that clash, and not the first to open the screen.
        config.keymap()?;
        Ok(config)
    }

    /// Returns the characters that the file in effect chooses; `None` if it leaves them open, as the compiled-in configuration does,
    /// or is not valid.
    pub fn glyphs_of_file(named: Option<&Path>) -> Option<Glyphs> {
        let mut file = Config::default();
        file.overlay_found(named).ok()?;
        file.glyphs()
    }

    /// Overrides values with those of the file `named`, or else of `./p2p.toml`.
    fn overlay_found(&mut self, named: Option<&Path>) -> Result<(), ConfigError> {
        let path = named.unwrap_or(Path::new(DEFAULT_FILE));
        let unreadable = |error: std::io::Error| ConfigError::Unreadable { path: path.to_owned(), reason: error.to_string() };
        let found = if named.is_some() { std::fs::File::open(path).map(Found::Own) } else { trust::open(path) };
        match found.map_err(unreadable)? {
            Found::Own(file) => self.overlay_file(file, path, unreadable)?,
            Found::Foreign(why) => {
                self.left_out = Some(format!("./{DEFAULT_FILE} is ignored: {why}; `--config ./{DEFAULT_FILE}` uses it anyway"));
            }
            Found::Nothing => {}
        }
        Ok(())
    }

    fn overlay_file(
        &mut self,
        file: impl Read,
        path: &Path,
        unreadable: impl Fn(std::io::Error) -> ConfigError,
    ) -> Result<(), ConfigError> {
        let text = text::read_from(file).map_err(unreadable)?;
        self.overlay(&text, Some(path))
    }

    /// Overrides values with those of a TOML text. Nothing is changed if one of them is invalid.
    ///
    /// # Errors
    /// Fails if the text is not valid TOML, or contains an unknown key or an invalid value.
    pub fn overlay(&mut self, text: &str, path: Option<&Path>) -> Result<(), ConfigError> {
        let source = ConfigText { text, path };
        let table = DeTable::parse(text).map_err(|error| source.syntax_error(&error))?;
        let mut config = self.clone();
        for (name, value) in table.get_ref() {
            config.overlay_section(&source, name, value)?;
        }
        *self = config;
        Ok(())
    }

    /// Sets a value from the command line.
    ///
    /// # Errors
    /// Fails if the value is not valid for the key.
    pub fn set(&mut self, section: Section, key: &'static str, text: &str, flag: &'static str) -> Result<(), ConfigError> {
        let origin = Origin::Flag(flag);
        let wrong = |message: String| ConfigError::Value { origin: origin.clone(), key: format!("[{section}] {key}"), message };
        let kind = keys::find(section, key).ok_or_else(|| wrong("there is no such key".into()))?.kind;
        kind.check(text).map_err(wrong)?;
        let setting = Setting { text: text.to_owned(), origin, kind };
        self.sections.entry(section).or_default().insert(key, setting);
        Ok(())
    }

    /// Removes the value of a key.
    pub fn unset(&mut self, section: Section, key: &str) {
        if let Some(settings) = self.sections.get_mut(&section) {
            settings.remove(key);
        }
    }

    /// Returns every key that has a value, in the order of [`keys::KEYS`]: section, key, setting.
    pub fn settings(&self) -> impl Iterator<Item = (Section, &'static str, &Setting)> {
        let of_key = |key: &'static Key| Some((key.section, key.name, self.setting(key.section, key.name)?));
        keys::KEYS.iter().filter_map(of_key)
    }

    /// Returns the keys of a section that have a value, with their settings, in the order of [`keys::KEYS`].
    fn settings_of(&self, section: Section) -> impl Iterator<Item = (&'static str, &Setting)> {
        self.settings().filter(move |(of, ..)| *of == section).map(|(_, key, setting)| (key, setting))
    }

    /// Returns the values of the `[[node]]` tables: node number, key, setting.
    pub fn node_settings(&self) -> impl Iterator<Item = (u16, &'static str, &Setting)> {
        self.nodes.iter().flat_map(|(&number, settings)| {
            keys::of(Section::Node).filter_map(move |key| Some((number, key.name, settings.get(key.name)?)))
        })
    }

    fn overlay_section(
        &mut self,
        source: &ConfigText,
        name: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<(), ConfigError> {
        // What is within a section is no section by itself.
        let Some(section) = Section::from_name(name.get_ref()).filter(|&section| section != Section::Remote) else {
            return Err(source.unknown(name.span().start, name.get_ref(), Section::NAMES.map(|(_, name)| name).to_vec()));
        };
        if section == Section::Node {
            let wrong = || {
                source.value_error(
                    value.span().start,
                    "[[node]]".into(),
                    "write each node as a table of its own: [[node]]".into(),
                )
            };
            let tables = value.get_ref().as_array().ok_or_else(wrong)?;
            let mut seen = BTreeSet::new();
            return tables.iter().try_for_each(|table| self.overlay_node(source, table, &mut seen));
        }
        let wrong = || source.value_error(value.span().start, format!("[{section}]"), "it is a section with keys".into());
        let table = value.get_ref().as_table().ok_or_else(wrong)?;
        if section == Section::Profiles {
            table.iter().for_each(|(name, value)| self.overlay_profile(source, name, value));
            return Ok(());
        }
        let hosts = table.iter().find(|(name, _)| remotes::are_in(section, name.get_ref()));
        if let Some((_, value)) = hosts {
            self.overlay_remotes(source, value)?;
        }
        let settings = read_settings(source, section, table)?;
        check_directions(&settings).map_err(|message| source.value_error(name.span().start, format!("[{section}]"), message))?;
        self.sections.entry(section).or_default().extend(settings);
        Ok(())
    }

    fn overlay_node(
        &mut self,
        source: &ConfigText,
        value: &Spanned<DeValue<'_>>,
        seen: &mut BTreeSet<u16>,
    ) -> Result<(), ConfigError> {
        let wrong = |message: &str| source.value_error(value.span().start, "[[node]]".into(), message.into());
        let table = value.get_ref().as_table().ok_or_else(|| wrong("it is a table with keys"))?;
        let mut settings = read_settings(source, Section::Node, table)?;
        check_directions(&settings).map_err(|message| wrong(&message))?;
        let number = settings.remove("number").ok_or_else(|| wrong("say which node it is, as in: number = 4"))?;
        let number = number.text.parse().map_err(|_| wrong("`number` is the number of a node"))?;
        if !seen.insert(number) {
            return Err(wrong(&format!("node {number} has a table already; put its values together")));
        }
        self.nodes.entry(number).or_default().extend(settings);
        Ok(())
    }

    /// Adds a profile, in the place of an earlier one of its name. One that is wrong is added as well, so that all others can be used
    /// and the use of this one says what is wrong.
    fn overlay_profile(&mut self, source: &ConfigText, name: &Spanned<Cow<'_, str>>, value: &Spanned<DeValue<'_>>) {
        let mut summary = String::new();
        let profile = read_profile(source, name, value, &mut summary).map_err(|error| error.to_string());
        let origin = source.origin(name.span().start).to_string();
        let profile = NamedProfile { summary, origin, profile };
        Arc::make_mut(&mut self.profiles).insert(name.get_ref().to_string(), profile);
    }

    /// Returns what is not used of the configuration: a file that was found and cannot be trusted, and profiles that are wrong.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        let wrong =
            |found: &NamedProfile| found.profile.as_ref().err().map(|problem| format!("a profile is not usable: {problem}"));
        self.left_out.iter().cloned().chain(self.profiles.values().filter_map(wrong))
    }

    /// Returns the profiles of faults.
    pub fn profiles(&self) -> Profiles {
        Arc::clone(&self.profiles)
    }

    /// Returns the setting of a key, if it has a value.
    fn setting(&self, section: Section, key: &str) -> Option<&Setting> {
        self.sections.get(&section)?.get(key)
    }

    /// Returns true if neither a file nor a flag sets the key.
    pub fn is_default(&self, section: Section, key: &'static str) -> bool {
        self.setting(section, key).is_none_or(|setting| setting.origin == Origin::BuiltIn)
    }

    /// Returns the value of a key as an absolute path.
    fn path(&self, section: Section, key: &'static str) -> Option<PathBuf> {
        self.setting(section, key).map(Setting::path)
    }

    fn get<T: FromStr>(&self, section: Section, key: &'static str) -> Option<T> {
        self.sections.get(&section).and_then(|settings| value_of(settings, key))
    }
}

/// Returns a profile, and sets its summary as far as it can be read.
fn read_profile(
    source: &ConfigText,
    name: &Spanned<Cow<'_, str>>,
    value: &Spanned<DeValue<'_>>,
    summary: &mut String,
) -> Result<Profile, ConfigError> {
    let full_name = format!("[profiles.{}]", visible(name.get_ref()));
    let wrong = |message: String| source.value_error(name.span().start, full_name.clone(), message);
    profiles::check_name(name.get_ref()).map_err(wrong)?;
    let table = value.get_ref().as_table().ok_or_else(|| wrong("it is a table with keys".into()))?;
    let settings = read_settings(source, Section::Profiles, table).map_err(|error| error.within(&full_name))?;
    *summary = value_of(&settings, "summary").unwrap_or_default();
    check_directions(&settings).map_err(wrong)?;
    profiles::profile_of(&settings).map_err(wrong)
}

/// Checks that a table does not set the same bandwidth twice.
fn check_directions(settings: &Settings) -> Result<(), String> {
    let direction = ["bandwidth_up", "bandwidth_down"].into_iter().find(|key| settings.contains_key(key));
    match direction.filter(|_| settings.contains_key("bandwidth")) {
        Some(key) => Err(format!(
            "`bandwidth` says both directions, and `{key}` one of them again; give `bandwidth_up` and `bandwidth_down`"
        )),
        None => Ok(()),
    }
}

/// Returns a value in parsed form. It was checked when it was read, so it can be parsed.
fn value_of<T: FromStr>(settings: &Settings, key: &str) -> Option<T> {
    settings.get(key).and_then(|setting| setting.text.parse().ok())
}

fn read_settings(source: &ConfigText, section: Section, table: &DeTable<'_>) -> Result<Settings, ConfigError> {
    let mut settings = Settings::new();
    read_table(source, section, "", table, &mut settings)?;
    Ok(settings)
}

/// Reads a table, whose keys have these words in front: `tls = { key = "…" }` in a section is its key `tls.key`.
fn read_table(
    source: &ConfigText,
    section: Section,
    front: &str,
    table: &DeTable<'_>,
    settings: &mut Settings,
) -> Result<(), ConfigError> {
    for (name, value) in table {
        let full_name = format!("{front}{}", name.get_ref());
        if remotes::are_in(section, &full_name) {
            continue;
        }
        if let Some(inner) = value.get_ref().as_table().filter(|_| keys::has_table(section, &full_name)) {
            read_table(source, section, &format!("{full_name}."), inner, settings)?;
            continue;
        }
        let Some(key) = keys::find(section, &full_name) else {
            let known = keys::of(section).map(|key| key.name).collect();
            return Err(source.unknown(name.span().start, &full_name, known));
        };
        let text = read_value(key, value.get_ref());
        let checked = text.and_then(|text| key.kind.check(&text).and_then(|()| source.check_secrecy(key.kind)).map(|()| text));
        let wrong = |message| source.value_error(name.span().start, key.full_name(), message);
        let setting = Setting { text: checked.map_err(wrong)?, origin: source.origin(name.span().start), kind: key.kind };
        settings.insert(key.name, setting);
    }
    Ok(())
}

/// Returns the text of a TOML value if its type fits the key.
fn read_value(key: &Key, value: &DeValue<'_>) -> Result<String, String> {
    if key.kind == Kind::Switch {
        return match value {
            DeValue::Boolean(is_on) => Ok(is_on.to_string()),
            _ => Err("expected true or false, without quotes".into()),
        };
    }
    match (value, key.kind.is_number()) {
        (DeValue::String(text), false) => Ok(text.to_string()),
        // TOML integers have four bases.
        (DeValue::Integer(number), true) => match u64::from_str_radix(&number.as_str().replace('_', ""), number.radix()) {
            Ok(number) => Ok(number.to_string()),
            Err(_) => Ok(number.as_str().to_owned()),
        },
        (_, false) => Err(format!("expected a quoted string, as in \"{}\"", key.kind.example())),
        (_, true) => Err(format!("expected a whole number, as in {}", key.kind.example())),
    }
}

#[cfg(test)]
mod tests;
