//! Profiles of faults by name, as the configuration defines them and users apply them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use p2p_engine::faults::Profile;

/// Profile with its description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedProfile {
    /// Description in one line; may be empty.
    pub summary: String,
    /// Place of the definition: `built in`, or file and line.
    pub origin: String,
    /// Faults of the profile, or the sentence that says why they cannot be used, with file and line and the name of the profile.
    pub profile: Result<Profile, String>,
}

impl NamedProfile {
    /// Returns the description, or else the faults in words, or what is wrong with them.
    pub fn described(&self) -> Cow<'_, str> {
        match &self.profile {
            Err(problem) => Cow::Owned(format!("not usable: {problem}")),
            Ok(profile) if self.summary.trim().is_empty() => Cow::Owned(profile.to_string()),
            Ok(_) => Cow::Borrowed(&self.summary),
        }
    }
}

/// Profiles by name.
pub type Profiles = Arc<BTreeMap<String, NamedProfile>>;
