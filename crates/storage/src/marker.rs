//! The marker of a volume: a file on its disk that names the catalog that wrote there last, and the epoch of that write.
//!
//! ```text
//! nodes/Node_01/volume:   p2p volume 1
//!                         catalog 9f86d081884c7d659a2feaa0c55ad015
//!                         volume  4355a46b19d348dc2f57c046f8ef63d4
//!                         epoch   53c234e5e8472b6ac51c1ae1cab3fe06
//! ```
//!
//! All three names are random, and none enters a trace. A new epoch begins with the first write after a start: see
//! [`epochs`](super::epochs).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// First line of the marker: the kind of the file and the version of its format.
const TITLE: &str = "p2p volume 1";
/// Upper bound on the length of a marker in bytes.
pub(super) const MARKER_MAX: u64 = 256;

/// Unique name made of 128 random bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RandomId([u8; 16]);

impl RandomId {
    /// Generates a new random name.
    ///
    /// # Errors
    /// Fails if the system provides no random bytes.
    pub fn new() -> Result<RandomId, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(RandomId(bytes))
    }

    /// Makes a name of its 16 bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> RandomId {
        RandomId(bytes)
    }

    /// Returns the 16 bytes of the name.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }
}

/// Writes the name as 32 hexadecimal digits.
impl fmt::Display for RandomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for RandomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for RandomId {
    type Err = ();

    fn from_str(text: &str) -> Result<RandomId, ()> {
        let is_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let value = is_hex.then(|| u128::from_str_radix(text, 16).ok()).flatten().ok_or(())?;
        Ok(RandomId(value.to_be_bytes()))
    }
}

/// Name of a catalog, given once when the catalog is created.
pub type CatalogId = RandomId;
/// Name of the volume of a node on one disk: another disk in its place is another volume.
pub type VolumeId = RandomId;
/// Name of a period in which one process wrote to a volume.
pub type Epoch = RandomId;

/// Content of a marker: the last writer of a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marker {
    /// Name of the catalog that the writer used.
    pub catalog: CatalogId,
    /// Name of the volume.
    pub volume: VolumeId,
    /// Epoch of the write.
    pub epoch: Epoch,
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Marker { catalog, volume, epoch } = self;
        write!(f, "{TITLE}\ncatalog {catalog}\nvolume  {volume}\nepoch   {epoch}\n")
    }
}

/// State of the marker file of a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marking {
    /// The marker file is missing.
    Absent,
    /// The marker file holds this marker.
    Marked(Marker),
    /// The marker file cannot be parsed.
    Damaged,
}

/// Parses the text that `Display` of [`Marker`] writes.
impl From<&[u8]> for Marking {
    fn from(bytes: &[u8]) -> Marking {
        let text = str::from_utf8(bytes).unwrap_or_default();
        let mut lines = text.lines();
        let id = |name: &str, lines: &mut std::str::Lines<'_>| {
            lines.next()?.strip_prefix(name)?.strip_prefix(' ')?.trim_start().parse().ok()
        };
        let marker = (lines.next() == Some(TITLE)).then(|| {
            let (catalog, volume) = (id("catalog", &mut lines)?, id("volume", &mut lines)?);
            Some(Marker { catalog, volume, epoch: id("epoch", &mut lines)? })
        });
        marker.flatten().filter(|_| lines.next().is_none()).map_or(Marking::Damaged, Marking::Marked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_read_what_they_write() {
        let id = |n| RandomId::from_bytes([n; 16]);
        let marker = Marker { catalog: id(1), volume: id(0xa2), epoch: id(255) };
        let text = marker.to_string();
        assert_eq!(Marking::from(text.as_bytes()), Marking::Marked(marker));
        assert!((text.len() as u64) < MARKER_MAX);
        for damaged in ["", "p2p volume 2\n", &text[..text.len() - 2], &format!("{text}more\n"), &text.replace("0101", "01+1")] {
            assert_eq!(Marking::from(damaged.as_bytes()), Marking::Damaged, "{damaged:?}");
        }
        assert_eq!(Marking::from(&[0xff, 0xfe][..]), Marking::Damaged);
    }

    #[test]
    fn no_two_are_alike() {
        let ids: std::collections::BTreeSet<RandomId> = (0..1000).map(|_| RandomId::new().unwrap()).collect();
        assert_eq!(ids.len(), 1000);
    }
}
