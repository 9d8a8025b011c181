//! International bank account numbers (ISO 13616): country, length, remainder of 97.

use crate::bytes::at;
use crate::hits::{Finder, rule};
use crate::kind::HitKind;

/// A filter applied before [`find`].
#[inline(always)]
pub(crate) fn may_be(input: &[u8], pos: usize) -> bool {
    at(input, pos).is_ascii_uppercase() && at(input, pos + 1).is_ascii_uppercase()
}

/// `pos` is where a word starts.
pub(super) fn find(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    let head = [at(input, pos), at(input, pos + 1), at(input, pos + 2), at(input, pos + 3)];
    if !(head[..2].iter().all(u8::is_ascii_uppercase) && head[2..].iter().all(u8::is_ascii_digit)) {
        return;
    }
    let Some(len) = length(head[0], head[1]) else { return };
    let mut text = [0u8; 34];
    let mut used = 0;
    let mut i = pos;
    while used < len {
        let mut byte = at(input, i);
        if byte == b' ' && used > 0 {
            i += 1;
            byte = at(input, i);
        }
        if !(byte.is_ascii_uppercase() || byte.is_ascii_digit()) {
            break;
        }
        text[used] = byte;
        used += 1;
        i += 1;
    }
    finder.spend(i - pos);
    if finder.cut
        && used >= 4
        && input[i..].iter().all(|&byte| byte == b' ')
        && input.len() - i <= 1
    {
        return finder.hit(pos, i, rule::IBAN, HitKind::Iban);
    }
    if used == len && !at(input, i).is_ascii_alphanumeric() && remainder(&text[..len]) == 1 {
        finder.hit(pos, i, rule::IBAN, HitKind::Iban);
    }
}

/// The number modulo 97, its first four characters moved to the end.
fn remainder(text: &[u8]) -> u32 {
    let (head, rest) = text.split_at(4);
    rest.iter().chain(head).fold(0, |n, &byte| match byte {
        b'0'..=b'9' => (n * 10 + u32::from(byte - b'0')) % 97,
        _ => (n * 100 + u32::from(byte - b'A') + 10) % 97,
    })
}

/// The length of the country's numbers (SWIFT's IBAN registry).
fn length(first: u8, second: u8) -> Option<usize> {
    let i = LENGTHS.binary_search_by(|&(code, _)| code.cmp(&[first, second])).ok()?;
    Some(usize::from(LENGTHS[i].1))
}

#[rustfmt::skip]
const LENGTHS: [([u8; 2], u8); 89] = [
    (*b"AD", 24), (*b"AE", 23), (*b"AL", 28), (*b"AT", 20), (*b"AZ", 28), (*b"BA", 20),
    (*b"BE", 16), (*b"BG", 22), (*b"BH", 22), (*b"BI", 27), (*b"BR", 29), (*b"BY", 28),
    (*b"CH", 21), (*b"CR", 22), (*b"CY", 28), (*b"CZ", 24), (*b"DE", 22), (*b"DJ", 27),
    (*b"DK", 18), (*b"DO", 28), (*b"EE", 20), (*b"EG", 29), (*b"ES", 24), (*b"FI", 18),
    (*b"FK", 18), (*b"FO", 18), (*b"FR", 27), (*b"GB", 22), (*b"GE", 22), (*b"GI", 23),
    (*b"GL", 18), (*b"GR", 27), (*b"GT", 28), (*b"HN", 28), (*b"HR", 21), (*b"HU", 28),
    (*b"IE", 22), (*b"IL", 23), (*b"IQ", 23), (*b"IS", 26), (*b"IT", 27), (*b"JO", 30),
    (*b"KW", 30), (*b"KZ", 20), (*b"LB", 28), (*b"LC", 32), (*b"LI", 21), (*b"LT", 20),
    (*b"LU", 20), (*b"LV", 21), (*b"LY", 25), (*b"MC", 27), (*b"MD", 24), (*b"ME", 22),
    (*b"MK", 19), (*b"MN", 20), (*b"MR", 27), (*b"MT", 31), (*b"MU", 30), (*b"NI", 28),
    (*b"NL", 18), (*b"NO", 15), (*b"OM", 23), (*b"PK", 24), (*b"PL", 28), (*b"PS", 29),
    (*b"PT", 25), (*b"QA", 29), (*b"RO", 24), (*b"RS", 22), (*b"RU", 33), (*b"SA", 24),
    (*b"SC", 31), (*b"SD", 18), (*b"SE", 24), (*b"SI", 19), (*b"SK", 24), (*b"SM", 27),
    (*b"SO", 23), (*b"ST", 25), (*b"SV", 28), (*b"TL", 23), (*b"TN", 24), (*b"TR", 26),
    (*b"UA", 29), (*b"VA", 22), (*b"VG", 24), (*b"XK", 20), (*b"YE", 30),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_are_in_order_for_the_search() {
        assert!(LENGTHS.is_sorted_by_key(|l| l.0));
        assert_eq!(length(b'G', b'B'), Some(22));
        assert_eq!(length(b'U', b'S'), None);
    }

    #[test]
    fn the_registrys_examples_have_remainder_one() {
        for iban in ["GB29NWBK60161331926819", "DE89370400440532013000", "NO9386011117947"] {
            assert_eq!(remainder(iban.as_bytes()), 1, "{iban}");
        }
        assert_ne!(remainder(b"GB29NWBK60161331926818"), 1);
    }
}
