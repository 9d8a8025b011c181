//! Internet addresses, as `std` displays them, without going through its formatter.
//!
//! Promises: only the cursor allocates. IPv6 addresses have the form of RFC 5952, IPv4-mapped ones `::ffff:192.0.2.1`;
//! scope ids are written as `%3`. No character needs an escape in JSON.
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::hex::hex16;
use super::out::Out;

/// The decimal digits of every byte, followed by a point.
static OCTETS: [[u8; 4]; 256] = octets();

const fn octets() -> [[u8; 4]; 256] {
    let mut table = [[b'.'; 4]; 256];
    let mut value = 0;
    while value < 256 {
        let (hundreds, tens, ones) =
            (b'0' + (value / 100) as u8, b'0' + (value / 10 % 10) as u8, b'0' + (value % 10) as u8);
        table[value] = match value {
            0..=9 => [ones, b'.', b'.', b'.'],
            10..=99 => [tens, ones, b'.', b'.'],
            _ => [hundreds, tens, ones, b'.'],
        };
        value += 1;
    }
    table
}

impl Out<'_> {
    /// `192.0.2.1`, without quotes.
    #[inline(always)]
    pub fn ipv4(&mut self, address: Ipv4Addr) {
        let [a, b, c, d] = address.octets();
        for octet in [a, b, c] {
            self.octet(octet, 1);
        }
        self.octet(d, 0);
    }

    #[inline(always)]
    fn octet(&mut self, octet: u8, points: usize) {
        let digits = 1 + usize::from(octet >= 10) + usize::from(octet >= 100);
        self.cursor.put(&OCTETS[usize::from(octet)], digits + points);
    }

    /// `2001:db8::1`, without quotes.
    #[inline(always)]
    pub fn ipv6(&mut self, address: Ipv6Addr) {
        self.cursor.with_vec(|line| ipv6(line, address));
    }

    /// An address of either kind, without quotes.
    #[inline(always)]
    pub fn ip(&mut self, address: IpAddr) {
        match address {
            IpAddr::V4(address) => self.ipv4(address),
            IpAddr::V6(address) => self.ipv6(address),
        }
    }

    /// `192.0.2.1:443` or `[2001:db8::1%3]:443`, without quotes.
    #[inline(always)]
    pub fn socket_addr(&mut self, address: &SocketAddr) {
        self.cursor.with_vec(|line| socket_addr(line, address));
    }
}

#[inline(never)]
fn ipv6(line: &mut Vec<u8>, address: Ipv6Addr) {
    let mut out = Out::new(line);
    if let Some(mapped) = address.to_ipv4_mapped() {
        out.literal(b"::ffff:");
        return out.ipv4(mapped);
    }
    let digits = hex16(&address.octets());
    let (from, to) = longest_zeros(&address.segments());
    for (index, digits) in digits.as_flattened().as_chunks::<4>().0.iter().enumerate() {
        if (from..to).contains(&index) {
            if index == from {
                out.literal(b"::");
            }
            continue;
        }
        if index != 0 && index != to {
            out.byte(b':');
        }
        // Without leading zeros; one digit stays.
        let word = u32::from_le_bytes(*digits);
        let skip = ((word ^ 0x3030_3030) | 1 << 24).trailing_zeros() & !7;
        out.cursor.put(&(word >> skip).to_le_bytes(), 4 - (skip / 8) as usize);
    }
}

#[inline(never)]
fn socket_addr(line: &mut Vec<u8>, address: &SocketAddr) {
    let mut out = Out::new(line);
    match address {
        SocketAddr::V4(address) => out.ipv4(*address.ip()),
        SocketAddr::V6(address) => {
            out.byte(b'[');
            out.ipv6(*address.ip());
            if address.scope_id() != 0 {
                out.byte(b'%');
                out.u64(u64::from(address.scope_id()));
            }
            out.byte(b']');
        }
    }
    out.byte(b':');
    out.u64(u64::from(address.port()));
}

/// The first longest run of two or more zeros, or (8, 8).
fn longest_zeros(segments: &[u16; 8]) -> (usize, usize) {
    let (mut best, mut start) = ((8, 8), 0);
    for (index, &segment) in segments.iter().enumerate() {
        if segment != 0 {
            start = index + 1;
        } else if index + 1 - start > (best.1 - best.0).max(1) {
            best = (start, index + 1);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(address: IpAddr, port: u16, scope_id: u32) {
        let mut line = Vec::new();
        Out::new(&mut line).ip(address);
        assert_eq!(String::from_utf8(line).unwrap(), address.to_string());
        let mut socket = SocketAddr::new(address, port);
        if let SocketAddr::V6(address) = &mut socket {
            address.set_scope_id(scope_id);
        }
        let mut line = Vec::new();
        Out::new(&mut line).socket_addr(&socket);
        assert_eq!(String::from_utf8(line).unwrap(), socket.to_string());
    }

    #[test]
    fn every_octet_in_every_place() {
        for octet in 0..=255u8 {
            for place in 0..4 {
                let mut octets = [10, 0, 200, 7];
                octets[place] = octet;
                check(IpAddr::from(octets), u16::from(octet) * 257, 0);
            }
        }
    }

    #[test]
    fn every_pattern_of_zero_segments() {
        for pattern in 0..=255u32 {
            for value in [1u16, 0x10, 0xABC, 0xFFFF] {
                let segments =
                    std::array::from_fn(|place| if pattern >> place & 1 == 1 { value } else { 0 });
                check(IpAddr::V6(Ipv6Addr::from_segments(segments)), 443, pattern);
            }
        }
    }

    proptest! {
        #[test]
        fn any_address(number: u128, v4: u32, port: u16, scope_id: u32) {
            check(IpAddr::from(Ipv6Addr::from(number)), port, scope_id);
            check(IpAddr::from(Ipv4Addr::from(v4)), port, 0);
            check(IpAddr::from(Ipv4Addr::from(v4).to_ipv6_mapped()), port, 0);
            check(IpAddr::from(Ipv4Addr::from(v4).to_ipv6_compatible()), port, 0);
        }
    }
}
