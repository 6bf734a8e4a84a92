//! Fields of forms and queries by name. A name may have several values, as that of a list of boxes that are ticked.

use serde::Deserialize;

use crate::problem::Problem;

/// Fields in the order in which they came.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Returns the first value of a field; an empty text if there is none.
    pub(super) fn get<'a>(&'a self, name: &'a str) -> &'a str {
        self.all(name).next().unwrap_or_default()
    }

    /// Returns all values of a field.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Returns the days in the field of that name, which are some of those that the form offers.
    ///
    /// # Errors
    /// Fails if they are not.
    pub(super) fn days(&self, offered: &[u64]) -> Result<u64, Problem> {
        let days = self.get("days").parse().ok().filter(|days| offered.contains(days));
        days.ok_or_else(|| Problem::invalid("days", "choose one of those offered"))
    }

    /// Returns true if the field is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }
}

impl FromIterator<(String, String)> for Fields {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(fields: I) -> Fields {
        Fields(fields.into_iter().collect())
    }
}
