//! The dialog of a connection: which one it is, and which of its ends is shown. What it shows comes from the scene, so that it is live,
//! and stands still where the view is frozen.

use crossterm::event::{KeyCode, KeyEvent};
use p2p_engine::snapshot::Peer;
use p2p_store::manifest::NodeNumber;

/// End of a connection whose windows are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// End of the host that has opened the connection, which sends uploads: the client, or a node that carries a transfer.
    Asking,
    /// End of the node that is asked, which sends downloads.
    Node,
}

/// The dialog of a host's connection to a node.
#[derive(Debug)]
pub struct ConnectionDialog {
    host: Peer,
    node: NodeNumber,
    /// End that was asked for; the one that has sent more lately if it is `None`.
    end: Option<End>,
}

impl ConnectionDialog {
    /// Creates the dialog of the connection of a host to a node, with the end that sends more.
    pub fn new(host: Peer, node: NodeNumber) -> ConnectionDialog {
        ConnectionDialog { host, node, end: None }
    }

    /// Returns the host that has opened the connection.
    pub fn host(&self) -> Peer {
        self.host
    }

    /// Returns the node at the other end.
    pub fn node(&self) -> NodeNumber {
        self.node
    }

    /// Returns the end that was asked for, if one was.
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// Handles a key: Left shows the asking host's end, Right the node's. Returns true if the dialog is to be closed, which Enter and `q`
    /// ask for.
    pub fn handle(&mut self, key: &KeyEvent) -> bool {
        match key.code {
            KeyCode::Left => self.end = Some(End::Asking),
            KeyCode::Right => self.end = Some(End::Node),
            _ => return matches!(key.code, KeyCode::Enter | KeyCode::Char('q')),
        }
        false
    }
}
