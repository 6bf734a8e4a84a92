//! Subnets in CIDR notation, and the pool that assigns the IPv4 addresses of a subnet to hosts and takes them back.

use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use thiserror::Error;

/// Reason for which an address cannot be assigned.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AddressError {
    /// Every host address of the subnet is taken.
    #[error("no address is left in {subnet}: all {hosts} host addresses are taken")]
    Exhausted {
        /// The subnet that is exhausted.
        subnet: Subnet,
        /// Number of host addresses in the subnet.
        hosts: u32,
    },
    /// The address is assigned already.
    #[error("the address {address} is taken")]
    Taken {
        /// The address asked for.
        address: Ipv4Addr,
    },
    /// The address lies outside the subnet.
    #[error("the address {address} is not in {subnet}")]
    OutsideSubnet {
        /// The address asked for.
        address: Ipv4Addr,
        /// The subnet of the pool.
        subnet: Subnet,
    },
    /// The address is that of the subnet itself or its broadcast address (RFC 1122 §3.2.1.3).
    #[error("the address {address} is reserved in {subnet} (the network's own or its broadcast address)")]
    Reserved {
        /// The address asked for.
        address: Ipv4Addr,
        /// The subnet of the pool.
        subnet: Subnet,
    },
}

/// Reason for which a text is not a valid subnet.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ParseSubnetError {
    /// The text is not of the form `a.b.c.d/n`.
    #[error("`{text}` is no subnet (expected something like `192.168.1.0/24`)")]
    Malformed {
        /// The text as it was given.
        text: String,
    },
    /// The prefix leaves no room for two hosts, or the subnet is larger than any private network (RFC 1918).
    #[error("`/{prefix}` is out of range: a subnet here has a prefix from /8 to /30")]
    Prefix {
        /// The prefix length, in bits.
        prefix: u8,
    },
    /// Bits of the host part are set.
    #[error("`{text}` has host bits set; the subnet is `{subnet}`")]
    HostBits {
        /// The text as it was given.
        text: String,
        /// The subnet with the host bits cleared, which was probably meant.
        subnet: Subnet,
    },
}

/// A range of IPv4 addresses in CIDR notation (RFC 4632 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subnet {
    network: u32,
    prefix: u8,
}

impl Subnet {
    /// Returns the number of host addresses: all addresses but the network's own and the broadcast address.
    pub const fn host_count(self) -> u32 {
        (1u32 << (32 - self.prefix)) - 2
    }

    /// Returns the `n`th host address, counted from 1; `None` past the last.
    pub fn host(self, n: u32) -> Option<Ipv4Addr> {
        (1..=self.host_count()).contains(&n).then(|| Ipv4Addr::from(self.network + n))
    }

    fn number_of(self, address: Ipv4Addr) -> Result<u32, AddressError> {
        let bits = u32::from(address);
        let broadcast = self.network + self.host_count() + 1;
        if bits < self.network || bits > broadcast {
            return Err(AddressError::OutsideSubnet { address, subnet: self });
        }
        if bits == self.network || bits == broadcast {
            return Err(AddressError::Reserved { address, subnet: self });
        }
        Ok(bits - self.network)
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", Ipv4Addr::from(self.network), self.prefix))
    }
}

impl FromStr for Subnet {
    type Err = ParseSubnetError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = || ParseSubnetError::Malformed { text: text.to_owned() };
        let (address, prefix) = text.trim().split_once('/').ok_or_else(malformed)?;
        let address: Ipv4Addr = address.parse().map_err(|_| malformed())?;
        let prefix: u8 = prefix.parse().map_err(|_| malformed())?;
        if !(8..=30).contains(&prefix) {
            return Err(ParseSubnetError::Prefix { prefix });
        }
        let mask = u32::MAX << (32 - prefix);
        let subnet = Subnet { network: u32::from(address) & mask, prefix };
        if subnet.network == u32::from(address) {
            Ok(subnet)
        } else {
            Err(ParseSubnetError::HostBits { text: text.to_owned(), subnet })
        }
    }
}

/// Pool of the addresses of one subnet; each is assigned to one host at a time.
#[derive(Debug, Clone)]
pub struct AddressPool {
    subnet: Subnet,
    taken: BTreeSet<u32>,
    /// Lower bound of the search for a free number: no number below it is free.
    next: u32,
}

impl AddressPool {
    /// Returns a pool from which no address is assigned yet.
    pub fn new(subnet: Subnet) -> AddressPool {
        AddressPool { subnet, taken: BTreeSet::new(), next: 1 }
    }

    /// Returns the subnet of the pool.
    pub fn subnet(&self) -> Subnet {
        self.subnet
    }

    /// Assigns the lowest free address.
    ///
    /// # Errors
    /// Returns [`AddressError::Exhausted`] if all addresses are assigned.
    pub fn assign(&mut self) -> Result<Ipv4Addr, AddressError> {
        while self.taken.contains(&self.next) {
            self.next += 1;
        }
        let exhausted = AddressError::Exhausted { subnet: self.subnet, hosts: self.subnet.host_count() };
        let address = self.subnet.host(self.next).ok_or(exhausted)?;
        self.taken.insert(self.next);
        Ok(address)
    }

    /// Assigns a particular address that the caller asks for.
    ///
    /// # Errors
    /// Fails if the address is assigned already, reserved, or outside the subnet.
    pub fn reserve(&mut self, address: Ipv4Addr) -> Result<(), AddressError> {
        let number = self.subnet.number_of(address)?;
        if self.taken.insert(number) { Ok(()) } else { Err(AddressError::Taken { address }) }
    }

    /// Returns an address to the pool. An address that was never assigned has no effect.
    pub fn release(&mut self, address: Ipv4Addr) {
        if let Ok(number) = self.subnet.number_of(address) {
            self.taken.remove(&number);
            self.next = self.next.min(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pool(subnet: &str) -> AddressPool {
        AddressPool::new(subnet.parse().unwrap())
    }

    #[test]
    fn addresses_come_in_order_around_those_asked_for_by_name() {
        let mut pool = pool("192.168.1.0/24");
        pool.reserve(Ipv4Addr::new(192, 168, 1, 2)).unwrap();
        assert_eq!(pool.assign(), Ok(Ipv4Addr::new(192, 168, 1, 1)));
        assert_eq!(pool.assign(), Ok(Ipv4Addr::new(192, 168, 1, 3)));
        pool.release(Ipv4Addr::new(192, 168, 1, 1));
        assert_eq!(pool.assign(), Ok(Ipv4Addr::new(192, 168, 1, 1)));
        assert_eq!(pool.assign(), Ok(Ipv4Addr::new(192, 168, 1, 4)));
    }

    #[test]
    fn an_exhausted_pool_says_how_many_it_had() {
        let mut pool = pool("10.0.0.0/30");
        pool.assign().unwrap();
        pool.assign().unwrap();
        let error = pool.assign().unwrap_err();
        assert_eq!(error.to_string(), "no address is left in 10.0.0.0/30: all 2 host addresses are taken");
    }

    #[test]
    fn wrong_addresses_are_told_apart() {
        let mut pool = pool("192.168.1.0/24");
        let subnet = pool.subnet();
        let address = Ipv4Addr::new(192, 168, 1, 7);
        pool.reserve(address).unwrap();
        assert_eq!(pool.reserve(address), Err(AddressError::Taken { address }));
        let address = Ipv4Addr::new(192, 168, 2, 7);
        assert_eq!(pool.reserve(address), Err(AddressError::OutsideSubnet { address, subnet }));
        let address = Ipv4Addr::new(192, 168, 1, 255);
        assert_eq!(pool.reserve(address), Err(AddressError::Reserved { address, subnet }));
    }

    #[test]
    fn a_wrong_subnet_says_what_would_be_right() {
        let message = |text: &str| text.parse::<Subnet>().unwrap_err().to_string();
        assert!(message("192.168.1.0").contains("192.168.1.0/24"));
        assert!(message("192.168.1.7/24").contains("the subnet is `192.168.1.0/24`"));
        assert!(message("192.168.1.0/31").contains("/8 to /30"));
        assert!(message("300.1.1.0/24").contains("no subnet"));
    }

    proptest! {
        #[test]
        fn no_address_is_given_twice(asks in proptest::collection::vec(proptest::option::of(1u32..40), 0..60)) {
            let mut pool = pool("10.1.0.0/27");
            let mut given = BTreeSet::new();
            for ask in asks {
                let got = match ask {
                    None => pool.assign().ok(),
                    Some(n) => { let a = Ipv4Addr::from(0x0A01_0000 + n); pool.reserve(a).ok().map(|()| a) }
                };
                if let Some(address) = got { prop_assert!(given.insert(address)); }
            }
            prop_assert!(given.len() <= 30);
        }
    }
}
