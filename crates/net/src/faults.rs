//! Faults: changes of paths, links and hosts while packets are in flight.
//!
//! A change applies to packets that enter the path or the link from now on; those in flight keep the instants that they were given.
//! A host that goes down is the exception: what it has not finished sending is lost with it.

use super::event::UnknownHost;
use super::flow::ConnectionId;
use super::host::{Condition, Host, HostId};
use super::link::{Direction, LinkConfig};
use super::path::PathConfig;
use super::{Network, between};

impl Network {
    /// Configures the path of the packets that `from` sends to `to`, whatever the delays and losses of the two hosts are. The
    /// other direction is a path of its own.
    ///
    /// ```
    /// use p2p_base::units::Probability;
    /// use p2p_net::{GilbertElliott, HostConfig, Loss, Network, PathConfig};
    ///
    /// let mut net = Network::new(1);
    /// let host = HostConfig::symmetric("10Mbit/s".parse()?, "5ms".parse()?, Probability::NEVER);
    /// let (a, b) = (net.add_host([10, 0, 0, 1].into(), &host), net.add_host([10, 0, 0, 2].into(), &host));
    /// let bursts = GilbertElliott::simple("0.5%".parse()?, "20%".parse()?);
    /// let wireless = PathConfig { loss: Loss::Bursts(bursts), duplicate: "1%".parse()?, ..net.path_config(a, b)? };
    /// net.set_path(a, b, wireless)?;
    /// assert_eq!(net.path_config(a, b)?.loss.mean().to_string(), "2.4390244%");
    /// assert_eq!(net.path_config(b, a)?.loss, Loss::NONE);
    /// net.reset_path(a, b)?;
    /// assert_eq!(net.path_config(a, b)?, PathConfig::new("5ms".parse()?, Probability::NEVER));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if the network does not have both hosts.
    pub fn set_path(&mut self, from: HostId, to: HostId, config: PathConfig) -> Result<(), UnknownHost> {
        self.known(from)?;
        self.known(to)?;
        let path = self.path(from, to);
        self.paths[path as usize].set(self.seed, config);
        Ok(())
    }

    /// Returns the path from `from` to `to` to what the delays and losses of the two hosts imply: the longer delay and the higher
    /// loss.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if the network does not have both hosts.
    pub fn reset_path(&mut self, from: HostId, to: HostId) -> Result<(), UnknownHost> {
        let implied = between(self.known(from)?, self.known(to)?);
        if let Some(&path) = self.path_index.get(&(from.0, to.0)) {
            self.paths[path as usize].reset(implied);
        }
        Ok(())
    }

    /// Returns the configuration of the path from `from` to `to`.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if the network does not have both hosts.
    pub fn path_config(&self, from: HostId, to: HostId) -> Result<PathConfig, UnknownHost> {
        let implied = between(self.known(from)?, self.known(to)?);
        let path = self.path_index.get(&(from.0, to.0));
        Ok(path.map_or(implied, |&path| self.paths[path as usize].config()))
    }

    /// Configures one direction of a host's access link. Packets that the link has accepted are sent at its earlier rate, even if
    /// the new queue is shorter.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if the network does not have the host.
    pub fn set_link(&mut self, host: HostId, direction: Direction, config: LinkConfig) -> Result<(), UnknownHost> {
        self.known(host)?;
        let host = &mut self.hosts[host.index()];
        let link = match direction {
            Direction::Up => &mut host.up,
            Direction::Down => &mut host.down,
        };
        link.reconfigure(self.now, config);
        Ok(())
    }

    /// Returns the configuration of one direction of a host's access link.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if the network does not have the host.
    pub fn link_config(&self, host: HostId, direction: Direction) -> Result<LinkConfig, UnknownHost> {
        let host = self.known(host)?;
        Ok(match direction {
            Direction::Up => host.up.config(),
            Direction::Down => host.down.config(),
        })
    }

    /// Sets the condition of a host. One that goes down discards its connections silently, and with them the packets that it has
    /// not finished sending; those that have left it arrive. One that refuses connections resets those that it has. A host that
    /// comes back listens on the same ports, has no connections, and answers packets of earlier ones with a reset (RFC 9293
    /// §3.10.7.1).
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if the network does not have the host.
    pub fn set_condition(&mut self, host: HostId, condition: Condition) -> Result<(), UnknownHost> {
        self.known(host)?;
        self.hosts[host.index()].condition = condition;
        let ends: Vec<ConnectionId> = match condition {
            Condition::Up => Vec::new(),
            Condition::Refusing | Condition::Down => self.connections_of(host).collect(),
        };
        for id in ends {
            match condition {
                Condition::Refusing => self.abort(id),
                _ => self.forget(id),
            }
        }
        if condition == Condition::Down {
            self.drop_unsent(host);
        }
        Ok(())
    }

    /// Returns a host, or an error if the network does not have it.
    pub(super) fn known(&self, host: HostId) -> Result<&Host, UnknownHost> {
        self.hosts.get(host.index()).ok_or(UnknownHost { host, hosts: self.hosts.len() })
    }
}
