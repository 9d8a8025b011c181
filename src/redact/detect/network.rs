//! Addresses of machines: opt-in.

use crate::redact::bytes::{HEX, at, before, is_word};
use crate::redact::find::{Finder, rule};
use crate::redact::kind::Kind;

/// The last part of an IPv4 address (the /24 stays); `p` is a digit that starts a number.
pub(super) fn ipv4(f: &mut Finder<'_>, p: usize) {
    let v = f.v;
    let mut i = p;
    for part in 0..4 {
        let run = v[i.min(v.len())..].iter().take(4).take_while(|b| b.is_ascii_digit()).count();
        let n = v.get(i..i + run).unwrap_or_default();
        let value = n.iter().fold(0u16, |n, b| n * 10 + u16::from(b - b'0'));
        if !(1..=3).contains(&run) || value > 255 {
            return;
        }
        if part == 3 {
            let next = at(v, i + run);
            let more = next == b'.' && at(v, i + run + 1).is_ascii_digit();
            if !is_word(next) && !more {
                f.hit(i, i + run, rule::IP, Kind::Ip);
            }
            return;
        }
        i += run;
        if at(v, i) != b'.' {
            return;
        }
        i += 1;
    }
}

/// Six pairs of hexadecimal digits; `p` is the first colon.
pub(super) fn mac(f: &mut Finder<'_>, p: usize) {
    let v = f.v;
    let Some(start) = p.checked_sub(2) else { return };
    let edge = before(v, start);
    let Some(text) = v.get(start..start + 17) else { return };
    let shape = |(i, &b): (usize, &u8)| if i % 3 == 2 { b == b':' } else { HEX.has(b) };
    let end = start + 17;
    if edge != b':'
        && !is_word(edge)
        && text.iter().enumerate().all(shape)
        && !is_word(at(v, end))
        && at(v, end) != b':'
    {
        f.hit(start, end, rule::MAC, Kind::Mac);
    }
}
