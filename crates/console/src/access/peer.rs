//! The network address that a request comes from.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::Extensions;

/// A client by its network address, as far as clients can be told apart by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Peer(Option<IpAddr>);

impl Peer {
    /// Every client whose address is unknown.
    pub const UNKNOWN: Self = Self(None);

    /// One host can use any address of an IPv6 /64 (RFC 4291, section 2.5.1), so the whole network is one peer.
    pub fn of(address: IpAddr) -> Self {
        let mask = |address: Ipv6Addr| Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64));
        Self(Some(match address {
            IpAddr::V6(address) => address.to_ipv4_mapped().map_or_else(|| mask(address).into(), IpAddr::V4),
            IpAddr::V4(_) => address,
        }))
    }

    /// The peer of a request whose connection is known as `ConnectInfo<SocketAddr>`.
    pub fn of_request(extensions: &Extensions) -> Self {
        let info = extensions.get::<ConnectInfo<SocketAddr>>();
        info.map_or(Self::UNKNOWN, |ConnectInfo(address)| Self::of(address.ip()))
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(address) => address.fmt(f),
            None => f.write_str("unknown"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_host_are_one_peer() {
        let peer = |address: &str| Peer::of(address.parse().unwrap());
        assert_eq!(peer("::ffff:10.0.0.1"), peer("10.0.0.1"));
        assert_eq!(peer("2001:db8::1"), peer("2001:db8::ffff:1"));
        assert_ne!(peer("2001:db8::1"), peer("2001:db8:0:1::1"));
        assert_ne!(peer("10.0.0.1"), peer("10.0.0.2"));
    }
}
