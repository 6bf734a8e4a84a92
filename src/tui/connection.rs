//! The dialog of a connection: which one it is, and which of its ends is shown. What it shows comes from the scene, so that it is live,
//! and stands still where the view is frozen.

use crossterm::event::{KeyCode, KeyEvent};
use p2p_store::manifest::NodeNumber;

/// End of a connection whose windows are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// End of the client, which sends uploads.
    Client,
    /// End of the node, which sends downloads.
    Node,
}

/// The dialog of the client's connection to a node.
#[derive(Debug)]
pub struct ConnectionDialog {
    node: NodeNumber,
    /// End that was asked for; the one that has sent more lately if it is `None`.
    end: Option<End>,
}

impl ConnectionDialog {
    /// Creates the dialog of the connection to a node, with the end that sends more.
    pub fn new(node: NodeNumber) -> ConnectionDialog {
        ConnectionDialog { node, end: None }
    }

    /// Returns the node at the other end.
    pub fn node(&self) -> NodeNumber {
        self.node
    }

    /// Returns the end that was asked for, if one was.
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// Handles a key: Left shows the client's end, Right the node's. Returns true if the dialog is to be closed, which Enter and `q`
    /// ask for.
    pub fn handle(&mut self, key: &KeyEvent) -> bool {
        match key.code {
            KeyCode::Left => self.end = Some(End::Client),
            KeyCode::Right => self.end = Some(End::Node),
            _ => return matches!(key.code, KeyCode::Enter | KeyCode::Char('q')),
        }
        false
    }
}
