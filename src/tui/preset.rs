//! The presets of the layout: purposes for which some panes matter more than others. Each pane says how important it is in each.

/// A preset of the layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Preset {
    /// All panes.
    #[default]
    Overview,
    /// Transfers and their segments.
    Transfer,
    /// Nodes, round trips and packets.
    Network,
    /// Stored files.
    Files,
}

impl Preset {
    /// All presets, in the order of their keys.
    pub const ALL: [Preset; 4] = [Preset::Overview, Preset::Transfer, Preset::Network, Preset::Files];

    /// Returns the name of the preset.
    pub const fn name(self) -> &'static str {
        match self {
            Preset::Overview => "overview",
            Preset::Transfer => "transfer",
            Preset::Network => "network",
            Preset::Files => "files",
        }
    }
}
