//! The address of the client, as far as trusted proxies report it.
//!
//! Promises: a client cannot choose its address. The headers are read from the right, where the nearest proxy has
//! written, and only as long as the address that has written them is a trusted one. Nothing allocates, and at most
//! [`HOPS_MAX`] addresses are read.
use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use ringseal::trace_context::Trust;

/// The most addresses that are read.
const HOPS_MAX: usize = 32;

/// Which header proxies report their client in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// None: the client is the peer of the connection.
    Peer,
    XForwardedFor,
    Forwarded,
}

/// How the address of the client is found.
///
/// Only one header is read, the one that the proxies write. A proxy that writes `X-Forwarded-For` passes on a header
/// `Forwarded` as the client has sent it, so that reading both would believe the client.
///
/// ```
/// use ringseal::trace_context::Trust;
/// use ringseal_tower::ClientAddress;
/// let address = ClientAddress::x_forwarded_for(Trust::from_networks(["10.0.0.0/8"])?);
/// let mut headers = http::HeaderMap::new();
/// headers.append("x-forwarded-for", "203.0.113.9, 198.51.100.7".parse()?); // the first one is the client's claim
/// headers.append("x-forwarded-for", "10.1.1.1".parse()?);
/// let client = address.find(&headers, Some("10.2.2.2".parse()?));
/// assert_eq!(client, Some("198.51.100.7".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ClientAddress {
    source: Source,
    proxies: Trust,
}

impl Default for ClientAddress {
    fn default() -> Self {
        ClientAddress::peer()
    }
}

impl ClientAddress {
    /// The peer of the connection, whatever the headers say. The default.
    pub const fn peer() -> ClientAddress {
        ClientAddress { source: Source::Peer, proxies: Trust::Never }
    }

    /// `X-Forwarded-For`, as far as these proxies have written it. With [`Trust::Always`], which is only right if no
    /// client can reach the service but through proxies, it is the first address of the header.
    pub const fn x_forwarded_for(proxies: Trust) -> ClientAddress {
        ClientAddress { source: Source::XForwardedFor, proxies }
    }

    /// `Forwarded` (RFC 7239), as far as these proxies have written it.
    pub const fn forwarded(proxies: Trust) -> ClientAddress {
        ClientAddress { source: Source::Forwarded, proxies }
    }

    /// The address of the client of a request with these headers from this peer: the first one from the right that is
    /// not a trusted proxy. If a proxy reports something other than an address, the client is the proxy.
    pub fn find(&self, headers: &HeaderMap, peer: Option<IpAddr>) -> Option<IpAddr> {
        match self.source {
            Source::Peer => peer,
            Source::XForwardedFor => {
                self.walk(peer, from_the_right(headers, "x-forwarded-for", b',').map(address))
            }
            Source::Forwarded => {
                self.walk(peer, from_the_right(headers, "forwarded", b',').map(forwarded_for))
            }
        }
        .map(|address| address.to_canonical())
    }

    fn walk(
        &self,
        peer: Option<IpAddr>,
        reported: impl Iterator<Item = Option<IpAddr>>,
    ) -> Option<IpAddr> {
        let mut client = peer;
        for next in reported.take(HOPS_MAX) {
            if !self.proxies.believes(client) {
                break;
            }
            match next {
                Some(next) => client = Some(next),
                None => break,
            }
        }
        client
    }
}

/// The members of a list in the headers of a name, the last first.
fn from_the_right<'h>(
    headers: &'h HeaderMap,
    name: &'static str,
    separator: u8,
) -> impl Iterator<Item = &'h [u8]> {
    let values = headers.get_all(name).iter().rev();
    values
        .flat_map(move |value| value.as_bytes().rsplit(move |byte| *byte == separator))
        .map(<[u8]>::trim_ascii)
}

/// An address, perhaps with a port, and in brackets if it is one of IPv6.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(text).ok()?;
    let in_brackets = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let with_port = || text.parse().ok().map(|address: SocketAddr| address.ip());
    in_brackets.unwrap_or(text).parse().ok().or_else(with_port)
}

/// The parameter `for` of a member of `Forwarded`.
fn forwarded_for(member: &[u8]) -> Option<IpAddr> {
    let mut pairs = member.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let value = pairs.find_map(|pair| {
        let (name, value) = pair.split_at_checked(4)?;
        name.eq_ignore_ascii_case(b"for=").then_some(value)
    })?;
    let unquoted = value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    address(unquoted.unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn clients_cannot_choose_their_address() {
        let rows: &[(&str, &[&str], Option<&str>)] = &[
            ("192.0.2.1", &["203.0.113.9"], Some("192.0.2.1")),
            ("10.0.0.1", &[], Some("10.0.0.1")),
            ("10.0.0.1", &["203.0.113.9"], Some("203.0.113.9")),
            ("10.0.0.1", &["1.1.1.1, 203.0.113.9"], Some("203.0.113.9")),
            ("10.0.0.1", &["1.1.1.1", "203.0.113.9 , 10.0.0.2"], Some("203.0.113.9")),
            ("10.0.0.1", &["10.0.0.3,10.0.0.2"], Some("10.0.0.3")),
            ("10.0.0.1", &["1.1.1.1, unknown"], Some("10.0.0.1")),
            ("10.0.0.1", &["1.1.1.1, , 10.0.0.2"], Some("10.0.0.2")),
            ("10.0.0.1", &["203.0.113.9:4711"], Some("203.0.113.9")),
            ("10.0.0.1", &["[2001:db8::1]:80"], Some("2001:db8::1")),
            ("10.0.0.1", &["2001:db8::1"], Some("2001:db8::1")),
            ("10.0.0.1", &["::ffff:203.0.113.9"], Some("203.0.113.9")),
            ("::ffff:10.0.0.1", &["203.0.113.9"], Some("203.0.113.9")),
        ];
        let trust = Trust::from_networks(["10.0.0.0/8"]).unwrap();
        let find = ClientAddress::x_forwarded_for(trust);
        for (peer, values, expected) in rows {
            let found = find.find(&headers("x-forwarded-for", values), Some(peer.parse().unwrap()));
            assert_eq!(found, expected.map(|text| text.parse().unwrap()), "{peer} {values:?}");
        }
        // Nothing is known of the peer, so that no header is believed.
        assert_eq!(find.find(&headers("x-forwarded-for", &["203.0.113.9"]), None), None);
    }

    #[test]
    fn forwarded_is_read_as_written() {
        let rows: &[(&[&str], Option<&str>)] = &[
            (&["for=203.0.113.9"], Some("203.0.113.9")),
            (&["For=\"[2001:db8::1]:4711\";proto=https"], Some("2001:db8::1")),
            (&["for=1.1.1.1, by=10.0.0.1; for=203.0.113.9:80"], Some("203.0.113.9")),
            (&["for=_hidden"], Some("10.0.0.1")),
            (&["proto=https"], Some("10.0.0.1")),
            (&["for="], Some("10.0.0.1")),
        ];
        let trust = Trust::from_networks(["10.0.0.0/8"]).unwrap();
        let find = ClientAddress::forwarded(trust);
        for (values, expected) in rows {
            let mut headers = headers("forwarded", values);
            headers.insert("x-forwarded-for", "8.8.8.8".parse().unwrap());
            let found = find.find(&headers, Some("10.0.0.1".parse().unwrap()));
            assert_eq!(found, expected.map(|text| text.parse().unwrap()), "{values:?}");
        }
    }

    #[test]
    fn endless_headers_end() {
        let long = "10.0.0.1,".repeat(20_000);
        let find = ClientAddress::x_forwarded_for(Trust::Always);
        let found =
            find.find(&headers("x-forwarded-for", &[&format!("1.1.1.1,{long}9.9.9.9")]), None);
        assert_eq!(found, Some("10.0.0.1".parse().unwrap()));
    }
}
