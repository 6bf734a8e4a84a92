//! Profiles of faults by name, as the configuration defines them and users apply them.

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
    /// Faults of the profile.
    pub profile: Profile,
}

/// Profiles by name.
pub type Profiles = Arc<BTreeMap<String, NamedProfile>>;
