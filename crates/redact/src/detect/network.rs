//! Addresses of machines: opt-in.

use crate::bytes::{HEX, at, before, is_word};
use crate::hits::{Finder, rule};
use crate::kind::HitKind;

/// The last part of an IPv4 address (the /24 is kept); `pos` is a digit that starts a number.
pub(super) fn ipv4(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    let mut i = pos;
    for part in 0..4 {
        let run = input[i.min(input.len())..]
            .iter()
            .take(4)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let n = input.get(i..i + run).unwrap_or_default();
        let value = n.iter().fold(0u16, |n, byte| n * 10 + u16::from(byte - b'0'));
        if !(1..=3).contains(&run) || value > 255 {
            return;
        }
        if part == 3 {
            let next = at(input, i + run);
            let more = next == b'.' && at(input, i + run + 1).is_ascii_digit();
            if !is_word(next) && !more {
                finder.hit(i, i + run, rule::IP, HitKind::Ip);
            }
            return;
        }
        i += run;
        if at(input, i) != b'.' {
            return;
        }
        i += 1;
    }
}

/// Six pairs of hexadecimal digits; `pos` is the first colon.
pub(super) fn mac(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    let Some(start) = pos.checked_sub(2) else { return };
    let edge = before(input, start);
    let Some(text) = input.get(start..start + 17) else { return };
    let shape = |(i, &byte): (usize, &u8)| if i % 3 == 2 { byte == b':' } else { HEX.has(byte) };
    let end = start + 17;
    if edge != b':'
        && !is_word(edge)
        && text.iter().enumerate().all(shape)
        && !is_word(at(input, end))
        && at(input, end) != b':'
    {
        finder.hit(start, end, rule::MAC, HitKind::Mac);
    }
}
