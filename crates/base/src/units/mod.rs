//! The quantities in which the rest of the program measures.
//!
//! Virtual time ([`SimTime`], [`SimDuration`]), sizes ([`ByteSize`]), rates ([`Bandwidth`]), probabilities ([`Probability`])
//! and varying delays ([`DelayRange`]). Each parses and prints the form that people write: `5ms`, `10GiB`, `64KiB/s`, `1%`,
//! `1ms..10ms`. All of them are stored as integers, so that a run is the same on every machine.

mod bandwidth;
mod count;
mod delay;
mod number;
mod probability;
mod size;
mod time;

pub use bandwidth::Bandwidth;
pub use count::count_of;
pub use delay::DelayRange;
pub use number::ParseUnitError;
pub use probability::Probability;
pub use size::ByteSize;
pub use time::{SimDuration, SimTime};

/// Implements serialisation of a unit as the text that it prints, and deserialisation by parsing it, so that a configuration
/// or a JSON file shows `"64KiB/s"` and never a bare number without a unit.
#[cfg(feature = "serde")]
macro_rules! serde_as_text {
    ($unit:ty) => {
        impl serde::Serialize for $unit {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $unit {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
#[cfg(feature = "serde")]
use serde_as_text;

#[cfg(test)]
mod tests;
