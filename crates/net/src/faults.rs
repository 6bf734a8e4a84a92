//! Faults: changes of paths, links and hosts while packets are in flight.
//!
//! A change of a path applies to packets that enter it from now on; those in flight keep the instants that they were given. A change of
//! a link's rate applies to all that it has not sent yet.
//! After a shorter delay is set, later packets may overtake them, as when a route changes.
//! A host that goes down is the exception: what it has not finished sending is lost with it.

use super::Network;
use super::change::PathRule;
use super::event::UnknownHost;
use super::flow::ConnectionId;
use super::host::{Condition, HostConfig, HostId};
use super::link::{Direction, LinkConfig};
use super::packet::Side;
use super::path::PathConfig;

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
        self.wires.set_path(self.now, from, to, Some(config))
    }

    /// Returns the path from `from` to `to` to what the delays and losses of the two hosts imply: the longer delay and the higher
    /// loss.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if the network does not have both hosts.
    pub fn reset_path(&mut self, from: HostId, to: HostId) -> Result<(), UnknownHost> {
        self.wires.set_path(self.now, from, to, None)
    }

    /// Sets the rules that change all paths from and to each of these hosts, whatever their delays and losses are; without rules the paths
    /// return to what they were. Of what the rules of both hosts of a path say of the same thing, that of the [later](PathRule::order)
    /// rule holds, and what [`set_path`](Self::set_path) has configured holds over them.
    ///
    /// ```
    /// use p2p_base::units::Probability;
    /// use p2p_net::{HostConfig, Network, PathChange, PathRule};
    ///
    /// let mut net = Network::new(1);
    /// let host = HostConfig::symmetric("10Mbit/s".parse()?, "5ms".parse()?, Probability::NEVER);
    /// let (a, b) = (net.add_host([10, 0, 0, 1].into(), &host), net.add_host([10, 0, 0, 2].into(), &host));
    /// let late = |order, delay| PathRule { order, change: PathChange { delay: Some(delay), ..PathChange::default() } };
    /// net.set_path_rules(&[(a, vec![late(2, "80ms".parse()?)]), (b, vec![late(1, "20ms".parse()?)])])?;
    /// assert_eq!(net.path_config(a, b)?.delay, "80ms".parse()?);
    /// net.set_path_rules(&[(a, vec![]), (b, vec![])])?;
    /// assert_eq!(net.path_config(a, b)?.delay, "5ms".parse()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if the network does not have one of the hosts; nothing is changed then.
    pub fn set_path_rules(&mut self, rules: &[(HostId, Vec<PathRule>)]) -> Result<(), UnknownHost> {
        self.wires.set_path_rules(self.now, rules)
    }

    /// Returns the configuration of the path from `from` to `to`.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if the network does not have both hosts.
    pub fn path_config(&self, from: HostId, to: HostId) -> Result<PathConfig, UnknownHost> {
        self.wires.path_config(from, to)
    }

    /// Returns the configuration that the two hosts imply for the path from `from` to `to`, with what is changed of all
    /// paths of either, whatever was set for it.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if the network does not have both hosts.
    pub fn implied_path(&self, from: HostId, to: HostId) -> Result<PathConfig, UnknownHost> {
        self.wires.implied_path(from, to)
    }

    /// Returns the configuration that the delays and losses of the two hosts imply for the path from `from` to `to`: the longer delay
    /// and the higher loss, whatever was changed of the path or of all paths of a host.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if the network does not have both hosts.
    pub fn plain_path(&self, from: HostId, to: HostId) -> Result<PathConfig, UnknownHost> {
        self.wires.plain_path(from, to)
    }

    /// Configures one direction of a host's access link. What the link has not sent yet leaves at the new rate, the rest of the packet
    /// that is being sent included; no packet is dropped that waits already, even if the new queue is shorter.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if the network does not have the host.
    pub fn set_link(&mut self, host: HostId, direction: Direction, config: LinkConfig) -> Result<(), UnknownHost> {
        self.wires.set_link(self.now, host, direction, config)
    }

    /// Returns the configuration of one direction of a host's access link.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if the network does not have the host.
    pub fn link_config(&self, host: HostId, direction: Direction) -> Result<LinkConfig, UnknownHost> {
        Ok(self.wires.host(host)?.link(direction).config())
    }

    /// Sets the condition of a host. One that goes down discards its connections silently, and with them the packets that it has
    /// not finished sending; those that have left it arrive. One that refuses connections resets those that it has accepted,
    /// and may open connections itself. A host that comes back listens on the same ports, has no connections, and answers packets of earlier
    /// ones with a reset (RFC 9293 §3.10.7.1).
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if the network does not have the host.
    pub fn set_condition(&mut self, host: HostId, condition: Condition) -> Result<(), UnknownHost> {
        self.wires.host_mut(host)?.condition = condition;
        let ends: Vec<ConnectionId> = match condition {
            Condition::Up => Vec::new(),
            Condition::Refusing => self.connections_of(host).filter(|id| id.side == Side::Acceptor).collect(),
            Condition::Down => self.connections_of(host).collect(),
        };
        for id in ends {
            match condition {
                Condition::Refusing => self.abort(id),
                _ => self.sockets.forget(id),
            }
        }
        if condition == Condition::Down {
            let unsent = self.wires.drop_unsent(self.now, host);
            unsent.iter().for_each(|packet| self.sockets.handle_dropped(packet));
        }
        Ok(())
    }

    /// Returns the condition of a host: up, refusing connections, or down.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if the network does not have the host.
    pub fn condition(&self, host: HostId) -> Result<Condition, UnknownHost> {
        self.wires.host(host).map(|host| host.condition)
    }

    /// Changes the configuration of a host. Packets that have left its links keep the arrival time that they were given; a path that
    /// [`set_path`](Self::set_path) has configured keeps its configuration.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if the network does not have the host.
    pub fn reconfigure(&mut self, host: HostId, config: &HostConfig) -> Result<(), UnknownHost> {
        self.wires.reconfigure(self.now, host, config)
    }
}
