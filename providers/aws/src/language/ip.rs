//! `IpAddress` and `NotIpAddress` (*Condition operators: IP address*).

use crate::language::open::Flag;
use crate::language::view::View;
use iam_why_contract::Truth;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::IpAddr;

/// Reads a range (`203.0.113.0/24`, bits behind the prefix do not count) or a bare address (O-6).
#[must_use]
pub fn network(text: &str) -> Option<IpNet> {
    let text = text.trim();
    match text.split_once('/') {
        None => text.parse::<IpAddr>().ok().map(IpNet::from),
        // The address is parsed by the standard library first: it is the stricter reader.
        Some((address, prefix)) => {
            let prefix: u8 = prefix.parse().ok()?;
            match address.parse::<IpAddr>().ok()? {
                IpAddr::V4(address) => Ipv4Net::new(address, prefix).ok().map(IpNet::V4),
                IpAddr::V6(address) => Ipv6Net::new(address, prefix).ok().map(IpNet::V6),
            }
        }
    }
}

/// Is `value` an address in `network`? An address of the other family is not.
#[must_use]
pub fn within(network: &IpNet, value: &str, view: &View<'_>) -> Truth {
    // A value may be a range itself: it is inside where all of it is.
    let Some(value) = self::network(value) else { return Truth::No };
    if network.contains(&value) {
        return Truth::Yes;
    }
    let mapped = match (network, value) {
        (IpNet::V4(network), IpNet::V6(value)) => value.addr().to_ipv4_mapped().is_some_and(|address| network.contains(&address)),
        (IpNet::V6(network), IpNet::V4(value)) => network.contains(&value.addr().to_ipv6_mapped()) && network.prefix_len() >= 96,
        _ => false,
    };
    if mapped { view.flag(Flag::MappedAddress) } else { Truth::No }
}
