//! Where a caller comes from: the address of the connection, or what a trusted proxy says.

use std::net::{IpAddr, Ipv6Addr};

use axum::http::HeaderMap;
use ipnet::IpNet;

/// The other side of a connection, as an extension of each request that comes over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PeerAddress(pub(crate) IpAddr);

/// What proxies add the address to from which a request came to them.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The address that something counts for. One who has an IPv6 address has 2^64 of them.
pub(crate) fn counted(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => match six.to_ipv4_mapped() {
            Some(four) => four.into(),
            None if six.is_loopback() => address,
            None => Ipv6Addr::from_bits(six.to_bits() & !u128::from(u64::MAX)).into(),
        },
    }
}

/// The address that a request counts for. Of what proxies say only the part is believed that trusted ones wrote: the last
/// address that is not one of theirs.
pub(crate) fn of_caller(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut last = counted(peer);
    let texts = headers.get_all(FORWARDED_FOR).iter().rev();
    let told = texts.filter_map(|value| value.to_str().ok());
    for text in told.flat_map(|list| list.rsplit(',')) {
        if !is_trusted(&last) {
            break;
        }
        let Ok(address) = text.trim().trim_matches(['[', ']']).parse() else {
            break;
        };
        last = counted(address);
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(peer: &str, forwarded: &[&'static str]) -> String {
        let trusted: Vec<IpNet> = ["127.0.0.0/8", "10.0.0.0/8"]
            .iter()
            .map(|text| text.parse().expect("a network"))
            .collect();
        let mut headers = HeaderMap::new();
        for text in forwarded {
            headers.append(FORWARDED_FOR, text.parse().expect("a header"));
        }
        of_caller(peer.parse().expect("an address"), &headers, &trusted).to_string()
    }

    #[test]
    fn a_proxy_is_believed_as_far_as_it_is_trusted() {
        assert_eq!(of("192.0.2.1", &["198.51.100.7"]), "192.0.2.1", "no proxy of ours");
        assert_eq!(of("127.0.0.1", &[]), "127.0.0.1");
        assert_eq!(of("127.0.0.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(
            of("127.0.0.1", &["203.0.113.9, 198.51.100.7, 10.1.1.1"]),
            "198.51.100.7",
            "the first is the caller's own words"
        );
        assert_eq!(of("127.0.0.1", &["203.0.113.9", "198.51.100.7"]), "198.51.100.7");
        assert_eq!(of("127.0.0.1", &["unknown"]), "127.0.0.1");
        assert_eq!(of("127.0.0.1", &["2001:db8::4:5"]), "2001:db8::");
    }
}
