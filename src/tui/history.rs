//! The lines that were typed, kept from session to session: a file a user, so that nobody reads another's. Knows nothing of what
//! they say.

use std::fs;
use std::path::PathBuf;

use crate::private_file;

/// Where histories are kept.
#[derive(Debug, Clone, Default)]
pub struct Histories {
    /// None for a screen that forgets.
    directory: Option<PathBuf>,
}

impl Histories {
    /// Histories in a data directory.
    pub fn new(data_dir: PathBuf) -> Histories {
        Histories { directory: Some(data_dir) }
    }

    fn path(&self, user: Option<&str>) -> Option<PathBuf> {
        let name = user.map_or_else(|| "tui-history.txt".to_owned(), |user| format!("tui-history-{user}.txt"));
        Some(self.directory.as_ref()?.join(name))
    }

    /// The lines of a user, oldest first.
    pub fn load(&self, user: Option<&str>) -> Vec<String> {
        // The first time there is none.
        let text = self.path(user).and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Keeps the lines of a user.
    pub fn save(&self, user: Option<&str>, lines: &[String]) {
        let Some(path) = self.path(user).filter(|_| !lines.is_empty()) else { return };
        if let Err(error) = private_file::write(&path, (lines.join("\n") + "\n").as_bytes()) {
            tracing::warn!(%error, "the history is not kept");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_their_own() {
        let directory = tempfile::tempdir().unwrap();
        let histories = Histories::new(directory.path().to_owned());
        histories.save(Some("alice"), &["ls".into(), "nodes".into()]);
        histories.save(None, &["register".into()]);
        assert_eq!(histories.load(Some("alice")), ["ls", "nodes"]);
        assert_eq!(histories.load(None), ["register"]);
        assert!(histories.load(Some("bob")).is_empty() && Histories::default().load(None).is_empty());
    }
}
