//! Registries that may be asked, and the addresses at which this is permitted.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use tagwatch_core::reference::Reference;
use tagwatch_core::text::UntrustedText;
use thiserror::Error;

/// A registry that may be asked, as image references name it: `registry.example.com:5000`, `docker.io`. A leading
/// `http://` means without TLS.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RegistryHost {
    pub(super) host: String,
    pub(super) is_plain: bool,
}

/// The text is not the host of a registry.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("\"{0}\" is no registry; expected its host as images name it, such as registry.example.com:5000")]
pub struct InvalidRegistry(String);

impl FromStr for RegistryHost {
    type Err = InvalidRegistry;

    fn from_str(text: &str) -> Result<Self, InvalidRegistry> {
        let (host, is_plain) = text.strip_prefix("http://").map_or((text, false), |host| (host, true));
        let invalid = || InvalidRegistry(UntrustedText::from(text).terminal());
        let parsed = Reference::parse(&format!("{host}/a")).map_err(|_| invalid())?;
        if parsed.registry() != host || parsed.looks_like_placeholder_host() {
            return Err(invalid());
        }
        Ok(Self { host: host.to_owned(), is_plain })
    }
}

impl RegistryHost {
    /// `scheme://host` of the API. Images of Docker Hub name another host than its API has.
    pub(super) fn base(&self) -> String {
        let host = if self.host == "docker.io" { "registry-1.docker.io" } else { &self.host };
        format!("{}://{host}", if self.is_plain { "http" } else { "https" })
    }
}

/// Private addresses at which registries may be asked: `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// The text is not a network.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("\"{0}\" is no network; expected an address and the length of its prefix, such as 10.0.0.0/8")]
pub struct InvalidNetwork(String);

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let invalid = || InvalidNetwork(UntrustedText::from(text).terminal());
        let (address, bits) = text.split_once('/').ok_or_else(invalid)?;
        let address: IpAddr = address.parse().map_err(|_| invalid())?;
        let bits: u8 = bits.parse().map_err(|_| invalid())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        if bits > most { Err(invalid()) } else { Ok(Self { address, bits }) }
    }
}

impl Network {
    fn contains(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                shifted(own.to_bits().into(), 32, self.bits) == shifted(other.to_bits().into(), 32, self.bits)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                shifted(own.to_bits(), 128, self.bits) == shifted(other.to_bits(), 128, self.bits)
            }
            _ => false,
        }
    }
}

fn shifted(bits: u128, width: u8, prefix: u8) -> u128 {
    bits.checked_shr((width - prefix).into()).unwrap_or(0)
}

/// Whether connections to an address are permitted: public addresses and those of listed networks are. Services inside a
/// cluster trust its pods, and a link-local address may be the metadata service of a cloud.
pub(super) fn may_connect(address: IpAddr, networks: &[Network]) -> bool {
    let address = match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().or_else(|| behind_nat64(v6)).map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    };
    is_public(address) || networks.iter().any(|network| network.contains(address))
}

/// The IPv4 address behind an IPv6 address with the well-known prefix of NAT64 (RFC 6052).
fn behind_nat64(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let bits = address.to_bits();
    let low = u32::try_from(bits & u128::from(u32::MAX)).ok()?;
    (bits >> 32 == 0x0064_ff9b << 64).then(|| Ipv4Addr::from_bits(low))
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [first, second, third, _] = v4.octets();
            let is_shared = first == 100 && (64..128).contains(&second);
            let is_special = first == 0 || first >= 240 || (first == 192 && second == 0 && third == 0);
            let is_benchmark = first == 198 && (18..20).contains(&second);
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_documentation()
                || is_shared
                || is_special
                || is_benchmark)
        }
        // Global unicast, except tunnels to IPv4 (RFC 3056, RFC 4380) and addresses for documentation.
        IpAddr::V6(v6) => {
            let [first, second, ..] = v6.segments();
            let is_tunnel = first == 0x2002 || (first == 0x2001 && second == 0);
            (first & 0xe000) == 0x2000 && !is_tunnel && !is_documentation(v6)
        }
    }
}

fn is_documentation(v6: Ipv6Addr) -> bool {
    let [first, second, ..] = v6.segments();
    first == 0x2001 && second == 0xdb8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_is_named_as_in_images() {
        for host in ["registry.example.com", "registry.example.com:5000", "docker.io", "[2001:db8::1]:5000"] {
            assert!(host.parse::<RegistryHost>().unwrap().base().starts_with("https://"), "{host}");
        }
        assert_eq!("http://127.0.0.1:5000".parse::<RegistryHost>().unwrap().base(), "http://127.0.0.1:5000");
        assert_eq!("docker.io".parse::<RegistryHost>().unwrap().base(), "https://registry-1.docker.io");
        for text in
            ["", "registry", "https://registry.example.com", "registry.example.com/shop", "REGISTRY", "a b.c"]
        {
            assert!(text.parse::<RegistryHost>().is_err(), "{text}");
        }
    }

    #[test]
    fn private_addresses_are_refused_unless_listed() {
        let may = |address: &str, networks: &[&str]| {
            let networks: Vec<Network> = networks.iter().map(|text| text.parse().unwrap()).collect();
            may_connect(address.parse().unwrap(), &networks)
        };
        for address in ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "64:ff9b::101:101"] {
            assert!(may(address, &[]), "{address}");
        }
        for address in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "fd00:ec2::254",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::101:101",
            "::1.1.1.1",
            "2002:a00:1::",
            "2001:db8::1",
            "ff02::1",
            "198.18.0.1",
        ] {
            assert!(!may(address, &[]), "{address}");
        }
        assert!(may("127.0.0.1", &["127.0.0.0/8"]) && may("10.1.2.3", &["0.0.0.0/0"]));
        assert!(may("::ffff:10.0.0.1", &["10.0.0.0/8"]) && may("fd00::1", &["fd00::/8"]));
        assert!(may("64:ff9b::a00:1", &["10.0.0.0/8"]));
        assert!(!may("10.1.2.3", &["10.2.0.0/16", "fd00::/8"]));
    }

    #[test]
    fn a_network_has_a_prefix() {
        for text in ["", "10.0.0.0", "10.0.0.0/33", "fd00::/129", "a/8", "10.0.0.0/-1"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
