//! Listeners: the ports on which a host accepts connections, and the settings of those connections.

use super::tcp::TcpConfig;

/// Settings of the connections that a port accepts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listener {
    pub(crate) config: TcpConfig,
    /// True if the accepting end is no less patient than the opener (RFC 5482 §3.1: `CHANGEABLE` and `ENABLED`).
    pub(crate) is_adopting: bool,
}
