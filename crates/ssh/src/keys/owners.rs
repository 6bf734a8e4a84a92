//! Owners of keys: nodes and users, and the names by which keys are asked for.

use std::path::{Path, PathBuf};

use p2p_base::spelling::visible;
use p2p_service::accounts::{UserName, UserNameError};
use p2p_service::files::NodeNumber;
use thiserror::Error;

use super::{DIRECTORY, HOSTS, KeyType, USERS};

/// Begin of the names of nodes.
const NODE: &str = "Node_";
/// Names of principals that are no accounts.
const PRINCIPALS: [&str; 2] = ["nobody", "operator"];

/// Reason why a name is that of no owner of keys.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OwnerError {
    /// Users cannot have the name.
    #[error(transparent)]
    User(#[from] UserNameError),
    /// A node is meant, perhaps, and its name is written otherwise.
    #[error(
        "it looks like a node, which is written {node}: a key of a user of the name `{}` would be of no use to it",
        visible(name)
    )]
    NodeLike {
        /// Name that was given.
        name: String,
        /// Node that looks like it.
        node: String,
    },
    /// The network has no such node.
    #[error("there is no node `{}`: the nodes are Node_01 to {last}, and [nodes] count in p2p.toml makes more", visible(name))]
    NoNode {
        /// Name that was given.
        name: String,
        /// Last node.
        last: String,
    },
    /// The name stands for who has no account.
    #[error("`{0}` stands for who has no account; name a user, as `whoami` and `users` show them, or a node such as Node_01")]
    Principal(String),
}

/// Returns the number in a name that is written like that of a node, in whatever case and with whatever between the word and the number: `node3`. A
/// number alone is one too where it is short, as `ssh 3` takes it.
fn number_of_node(text: &str) -> Option<u16> {
    let before = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = &text[before.len()..];
    let word = before.trim_end_matches(['_', '-', ' ', '.']);
    let is_node = word.eq_ignore_ascii_case("node") || (before.is_empty() && digits.len() <= 2);
    // One that is too large is beyond every network.
    (is_node && !digits.is_empty()).then(|| digits.parse().unwrap_or(u16::MAX))
}

/// Owner of a key that is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// All nodes that have no keys of their own.
    Hosts,
    /// A node, by its name such as `Node_03`.
    Node(String),
    /// A user, by name.
    User(String),
}

impl Owner {
    pub(super) fn path(&self, data_dir: &Path, kind: KeyType) -> PathBuf {
        let directory = data_dir.join(DIRECTORY);
        match self {
            Owner::Hosts => directory.join(format!("{HOSTS}_{}", kind.name())),
            Owner::Node(name) => directory.join(format!("{name}_{}", kind.name())),
            Owner::User(name) => directory.join(USERS).join(format!("{name}_{}", kind.name())),
        }
    }

    /// Returns the owner of a key that is asked for, in a network of so many nodes: a node where the name is a node's, as in `Node_3`, and otherwise a
    /// user.
    ///
    /// # Errors
    /// Fails if users cannot have the name, if it is not plain that a user is meant by it, and if there is no such node.
    pub fn named(text: &str, nodes: u16) -> Result<Owner, OwnerError> {
        let node = |number: u16| NodeNumber::from_index(usize::from(number) - 1).to_string();
        let is_node = text.starts_with(NODE);
        match number_of_node(text) {
            Some(number) if is_node && (1..=nodes).contains(&number) => Ok(Owner::Node(node(number))),
            Some(number) if (1..=nodes).contains(&number) => {
                Err(OwnerError::NodeLike { name: text.to_owned(), node: node(number) })
            }
            Some(_) => Err(OwnerError::NoNode { name: text.to_owned(), last: node(nodes.max(1)) }),
            None if is_node => Err(OwnerError::NoNode { name: text.to_owned(), last: node(nodes.max(1)) }),
            None => {
                let name: UserName = text.parse()?;
                match PRINCIPALS.contains(&name.as_str()) {
                    true => Err(OwnerError::Principal(name.to_string())),
                    false => Ok(Owner::User(name.to_string())),
                }
            }
        }
    }

    /// Returns the name of the owner, as lists show it.
    pub fn name(&self) -> &str {
        match self {
            Owner::Hosts => "all nodes",
            Owner::Node(name) | Owner::User(name) => name,
        }
    }

    pub(super) fn comment(&self) -> String {
        match self {
            Owner::Hosts => "p2p nodes".into(),
            Owner::Node(name) | Owner::User(name) => format!("p2p {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name that looks like a node is one, or is refused, and so is that of nobody.
    #[test]
    fn what_is_no_user_gets_no_key_of_one() {
        let named = |text| Owner::named(text, 10);
        assert_eq!(named("Node_3"), Ok(Owner::Node("Node_03".into())));
        assert_eq!(named("alice"), Ok(Owner::User("alice".into())));
        assert_eq!(named("nodes"), Ok(Owner::User("nodes".into())));
        for (text, words) in [
            ("node_04", "is written Node_04"),
            ("NODE-4", "is written Node_04"),
            ("node4", "is written Node_04"),
            ("4", "is written Node_04"),
            ("Node_99", "the nodes are Node_01 to Node_10"),
            ("node_99999999", "the nodes are Node_01 to Node_10"),
            ("Node_0", "the nodes are"),
            ("Node_x", "the nodes are"),
            ("nobody", "who has no account"),
            ("Operator", "who has no account"),
            ("a b", "name"),
        ] {
            let told = named(text).unwrap_err().to_string();
            assert!(told.contains(words), "{text}: {told}");
        }
    }
}
