//! Floor 0: the quantities that everything else is measured in.
//!
//! Virtual time ([`SimTime`], [`SimDuration`]), sizes ([`ByteSize`]), rates ([`Bandwidth`]), chances ([`Probability`]) and
//! delays that vary ([`DelayRange`]), each of which parses and prints the way a person writes it: `5ms`, `10GiB`, `64KiB/s`,
//! `1%`, `1ms..10ms`. All of them are integers inside, so that a run is the same on every machine.
//!
//! Knows nothing of networks, disks or wall clocks.

mod bandwidth;
mod delay;
mod number;
mod probability;
mod size;
mod time;

pub use bandwidth::Bandwidth;
pub use delay::DelayRange;
pub use number::ParseUnitError;
pub use probability::Probability;
pub use size::ByteSize;
pub use time::{SimDuration, SimTime};

/// Serialises a unit as the text that it prints and reads it back by parsing, so that a configuration and a JSON file show
/// `"64KiB/s"` and never a bare number of unknown meaning.
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
use serde_as_text;

#[cfg(test)]
mod tests;
