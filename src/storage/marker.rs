//! The marker of a volume: a file on its disk that says which catalog wrote there last, and since when.
//!
//! ```text
//! nodes/Node_01/volume:   p2p volume 1
//!                         catalog 9f86d081884c7d659a2feaa0c55ad015
//!                         volume  4355a46b19d348dc2f57c046f8ef63d4
//!                         epoch   53c234e5e8472b6ac51c1ae1cab3fe06
//! ```
//!
//! All three are random, none enters a trace. A new epoch begins with the first write of a start: see
//! [`epochs`](super::epochs). Knows nothing of where it is kept.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The first line: what the file is, and the version of its format.
const TITLE: &str = "p2p volume 1";
/// No marker has more bytes.
pub(super) const MARKER_MAX: u64 = 256;

/// 128 random bits, which name something for good.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RandomId([u8; 16]);

impl RandomId {
    /// A name that nothing else has.
    ///
    /// # Errors
    /// Where the system gives no random bytes.
    pub fn new() -> Result<RandomId, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(RandomId(bytes))
    }

    /// A name from its 16 bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> RandomId {
        RandomId(bytes)
    }
}

/// 32 hexadecimal digits.
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

/// Names a catalog, from its first day on.
pub type CatalogId = RandomId;
/// Names the volume of a node on one disk: another disk in its place is another volume.
pub type VolumeId = RandomId;
/// Names a span in which one process wrote to a volume.
pub type Epoch = RandomId;

/// Who wrote to a volume last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marker {
    /// The catalog that the writer went by.
    pub catalog: CatalogId,
    /// The volume.
    pub volume: VolumeId,
    /// Since when.
    pub epoch: Epoch,
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Marker { catalog, volume, epoch } = self;
        write!(f, "{TITLE}\ncatalog {catalog}\nvolume  {volume}\nepoch   {epoch}\n")
    }
}

/// What is found where a marker should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marking {
    /// Nothing.
    Absent,
    /// A marker.
    Marked(Marker),
    /// Something else.
    Damaged,
}

/// Reads what `Display` writes.
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
