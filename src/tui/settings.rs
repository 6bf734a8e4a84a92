//! The settings of the screen that are remembered from run to run: the preset of the layout, the theme, and the filters, orders and hidden
//! columns of the panes. Each user has a file in the data directory, beside the history of the typed lines.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;

use p2p_base::private_file;
use p2p_base::spelling::visible_path;
use p2p_service::access::Identity;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// Maximum number of bytes that are read of a file.
const BYTES_MAX: u64 = 64 << 10;

/// The remembered settings of one user.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Name of the preset of the layout.
    #[serde(deserialize_with = "if_known")]
    pub preset: String,
    /// Name of the theme that was chosen on the screen; empty if none was.
    #[serde(deserialize_with = "if_known")]
    pub theme: String,
    /// Filters that are not empty, by the names of their panes.
    #[serde(deserialize_with = "if_known")]
    pub filters: BTreeMap<String, String>,
    /// Columns by which rows are sorted, by the names of the panes; a minus sign stands before one whose greatest value comes first.
    #[serde(deserialize_with = "if_known")]
    pub orders: BTreeMap<String, String>,
    /// Names of the columns that are hidden, by the names of the panes.
    #[serde(deserialize_with = "if_known")]
    pub hidden_columns: BTreeMap<String, BTreeSet<String>>,
    /// Settings that only a later version of the program knows, which are kept for it.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// Reads a setting; one that a later version has given another form is none here.
fn if_known<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).unwrap_or_default())
}

/// The files of the settings of all users of a data directory.
#[derive(Debug, Clone, Default)]
pub struct SettingsFiles {
    /// Directory of the files; `None` if settings are not remembered.
    directory: Option<PathBuf>,
}

impl SettingsFiles {
    /// Returns the settings that are stored in a data directory.
    pub fn new(data_dir: PathBuf) -> SettingsFiles {
        SettingsFiles { directory: Some(data_dir) }
    }

    /// Returns the settings of a user; those of the program if none are stored, or if the file cannot be read, which is logged.
    pub fn load(&self, identity: &Identity) -> Settings {
        let Some(path) = self.path_of(identity) else { return Settings::default() };
        let read = private_file::read(&path, BYTES_MAX);
        let settings = read.and_then(|bytes| serde_json::from_slice(&bytes).map_err(io::Error::other));
        settings.unwrap_or_else(|error| {
            // The file is missing before the first setting is stored.
            if error.kind() != io::ErrorKind::NotFound {
                tracing::warn!(%error, file = %visible_path(&path), "the settings of the screen cannot be read");
            }
            Settings::default()
        })
    }

    /// Returns true if the settings of a user are stored.
    pub fn keeps(&self, identity: &Identity) -> bool {
        self.path_of(identity).is_some()
    }

    /// Stores the settings of a user. A failure is logged; the screen goes on without it.
    pub fn store(&self, identity: &Identity, settings: &Settings) {
        let Some(path) = self.path_of(identity) else { return };
        let settings = Settings { other: self.load(identity).other, ..settings.clone() };
        let written = serde_json::to_vec(&settings).map_err(io::Error::other);
        if let Err(error) = written.and_then(|bytes| private_file::write(&path, &bytes)) {
            tracing::warn!(%error, "the settings of the screen are not kept");
        }
    }

    fn path_of(&self, identity: &Identity) -> Option<PathBuf> {
        let name = match identity {
            Identity::Nobody => return None,
            Identity::Operator => "screen.json".to_owned(),
            Identity::User { account, .. } => format!("screen-{}.json", account.name),
        };
        self.directory.as_ref().map(|directory| directory.join(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_kept_and_a_broken_file_is_none() {
        let home = tempfile::tempdir().unwrap();
        let files = SettingsFiles::new(home.path().to_owned());
        assert_eq!(files.load(&Identity::Operator), Settings::default());
        let filters = BTreeMap::from([("Nodes".to_owned(), "_04".to_owned())]);
        let orders = BTreeMap::from([("Nodes".to_owned(), "-stored".to_owned())]);
        let hidden_columns = BTreeMap::from([("Wire".to_owned(), BTreeSet::from(["seq".to_owned()]))]);
        let settings =
            Settings { preset: "network".into(), theme: "light".into(), filters, orders, hidden_columns, ..Settings::default() };
        files.store(&Identity::Operator, &settings);
        files.store(&Identity::Nobody, &Settings::default());
        assert_eq!(files.load(&Identity::Operator), settings);
        assert_eq!(files.load(&Identity::Nobody), Settings::default());
        for broken in ["", "{", "[]", "{\"preset\":7}"] {
            std::fs::write(home.path().join("screen.json"), broken).unwrap();
            assert_eq!(files.load(&Identity::Operator), Settings::default(), "{broken}");
        }
    }

    /// Of the file of a later version the settings that are known here count, and the others stay in it.
    #[test]
    fn what_a_later_version_remembers_is_kept() {
        let home = tempfile::tempdir().unwrap();
        let (files, path) = (SettingsFiles::new(home.path().to_owned()), home.path().join("screen.json"));
        std::fs::write(&path, r#"{"preset":{"new":1},"theme":"light","panes":{"Galaxy":[1]}}"#).unwrap();
        let settings = files.load(&Identity::Operator);
        assert_eq!((settings.preset.as_str(), settings.theme.as_str()), ("", "light"));
        files.store(&Identity::Operator, &Settings { theme: "dark".into(), ..Settings::default() });
        let stored: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!((&stored["panes"]["Galaxy"][0], &stored["theme"]), (&1.into(), &"dark".into()));
        assert!(home.path().join("screen.json").is_file());
        // What is no file is left alone, and is no settings.
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert_eq!(files.load(&Identity::Operator), Settings::default());
        files.store(&Identity::Operator, &settings);
        assert!(path.is_dir());
    }
}
