//! International bank account numbers (ISO 13616): country, length, structure of the account number, remainder of 97.
//!
//! In capitals anywhere, in small letters after a word for bank accounts.

use super::number::{Hint, before_number, separator};
use crate::bytes::at;
use crate::hits::{Finder, rule};
use crate::kind::HitKind;

/// Most characters of a number.
const CHARS_MAX: usize = 34;

/// A filter applied before [`find`] for numbers in capitals.
#[inline(always)]
pub(super) fn may_be(input: &[u8], pos: usize) -> bool {
    at(input, pos).is_ascii_uppercase() && at(input, pos + 1).is_ascii_uppercase()
}

/// `pos` is where a word starts.
pub(super) fn find(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    let head = [at(input, pos), at(input, pos + 1), at(input, pos + 2), at(input, pos + 3)];
    if !(head[..2].iter().all(u8::is_ascii_alphabetic) && head[2..].iter().all(u8::is_ascii_digit))
    {
        return;
    }
    let country = [head[0].to_ascii_uppercase(), head[1].to_ascii_uppercase()];
    let Some(structure) = structure(country) else { return };
    let len = 4 + parts(structure).map(|(_, len)| len).sum::<usize>();
    let small = head[..2].iter().any(u8::is_ascii_lowercase);
    if small && !before_number(input, pos).has(Hint::BANK) {
        return;
    }
    let (text, used, end) = read(input, pos, len, small);
    finder.spend(end - pos);
    if finder.cut
        && used >= 4
        && input[end..].iter().all(|&byte| byte == b' ')
        && input.len() - end <= 1
    {
        return finder.hit(pos, end, rule::IBAN, HitKind::Iban);
    }
    if used == len
        && !at(input, end).is_ascii_alphanumeric()
        && fits(&text[4..len], structure)
        && remainder(&text[..len]) == 1
    {
        finder.hit(pos, end, rule::IBAN, HitKind::Iban);
    }
}

/// Up to `len` characters in capitals, without the spaces and dashes of any kind between them: how many, and where they
/// end.
fn read(input: &[u8], pos: usize, len: usize, small: bool) -> ([u8; CHARS_MAX], usize, usize) {
    let mut text = [0; CHARS_MAX];
    let mut used = 0;
    let mut i = pos;
    while used < len {
        let gap = match separator(input, i) {
            (len, b' ' | b'-') if used > 0 => len,
            _ => 0,
        };
        let byte = at(input, i + gap);
        if !(byte.is_ascii_uppercase()
            || byte.is_ascii_digit()
            || small && byte.is_ascii_lowercase())
        {
            break;
        }
        text[used] = byte.to_ascii_uppercase();
        used += 1;
        i += gap + 1;
    }
    (text, used, i)
}

/// Whether each part of an account number consists of the characters that its country uses there.
fn fits(mut account: &[u8], structure: &str) -> bool {
    parts(structure).all(|(class, len)| {
        let (part, rest) = account.split_at(len);
        account = rest;
        match class {
            b'n' => part.iter().all(u8::is_ascii_digit),
            b'a' => part.iter().all(u8::is_ascii_uppercase),
            _ => true,
        }
    })
}

/// The parts of a structure: the class of their characters and how many there are.
fn parts(structure: &str) -> impl Iterator<Item = (u8, usize)> {
    let mut rest = structure.as_bytes();
    std::iter::from_fn(move || {
        let [class, tail @ ..] = rest else { return None };
        let digits = tail.iter().take_while(|byte| byte.is_ascii_digit()).count();
        rest = &tail[digits..];
        Some((*class, tail[..digits].iter().fold(0, |n, digit| n * 10 + usize::from(digit - b'0'))))
    })
}

/// The number modulo 97, its first four characters moved to the end.
fn remainder(text: &[u8]) -> u32 {
    let (head, rest) = text.split_at(4);
    rest.iter().chain(head).fold(0, |n, &byte| match byte {
        b'0'..=b'9' => (n * 10 + u32::from(byte - b'0')) % 97,
        _ => (n * 100 + u32::from(byte - b'A') + 10) % 97,
    })
}

fn structure(country: [u8; 2]) -> Option<&'static str> {
    let i = STRUCTURES.binary_search_by_key(&country, |(code, _)| *code).ok()?;
    Some(STRUCTURES[i].1)
}

/// The structure of each country's account numbers (SWIFT's IBAN registry, release 101): `n` digits, `a` capitals, `c`
/// either.
#[rustfmt::skip]
const STRUCTURES: [([u8; 2], &str); 89] = [
    (*b"AD", "n8c12"), (*b"AE", "n19"), (*b"AL", "n8c16"), (*b"AT", "n16"), (*b"AZ", "a4c20"), (*b"BA", "n16"),
    (*b"BE", "n12"), (*b"BG", "a4n6c8"), (*b"BH", "a4c14"), (*b"BI", "n23"), (*b"BR", "n23a1c1"),
    (*b"BY", "c4n4c16"), (*b"CH", "n5c12"), (*b"CR", "n18"), (*b"CY", "n8c16"), (*b"CZ", "n20"), (*b"DE", "n18"),
    (*b"DJ", "n23"), (*b"DK", "n14"), (*b"DO", "c4n20"), (*b"EE", "n16"), (*b"EG", "n25"), (*b"ES", "n20"),
    (*b"FI", "n14"), (*b"FK", "a2n12"), (*b"FO", "n14"), (*b"FR", "n10c11n2"), (*b"GB", "a4n14"), (*b"GE", "a2n16"),
    (*b"GI", "a4c15"), (*b"GL", "n14"), (*b"GR", "n7c16"), (*b"GT", "c24"), (*b"HN", "a4n20"), (*b"HR", "n17"),
    (*b"HU", "n24"), (*b"IE", "a4n14"), (*b"IL", "n19"), (*b"IQ", "a4n15"), (*b"IS", "n22"), (*b"IT", "a1n10c12"),
    (*b"JO", "a4n4c18"), (*b"KW", "a4c22"), (*b"KZ", "n3c13"), (*b"LB", "n4c20"), (*b"LC", "a4c24"),
    (*b"LI", "n5c12"), (*b"LT", "n16"), (*b"LU", "n3c13"), (*b"LV", "a4c13"), (*b"LY", "n21"), (*b"MC", "n10c11n2"),
    (*b"MD", "c20"), (*b"ME", "n18"), (*b"MK", "n3c10n2"), (*b"MN", "n16"), (*b"MR", "n23"), (*b"MT", "a4n5c18"),
    (*b"MU", "a4n19a3"), (*b"NI", "a4n20"), (*b"NL", "a4n10"), (*b"NO", "n11"), (*b"OM", "n3c16"),
    (*b"PK", "a4c16"), (*b"PL", "n24"), (*b"PS", "a4c21"), (*b"PT", "n21"), (*b"QA", "a4c21"), (*b"RO", "a4c16"),
    (*b"RS", "n18"), (*b"RU", "n14c15"), (*b"SA", "n2c18"), (*b"SC", "a4n20a3"), (*b"SD", "n14"), (*b"SE", "n20"),
    (*b"SI", "n15"), (*b"SK", "n20"), (*b"SM", "a1n10c12"), (*b"SO", "n19"), (*b"ST", "n21"), (*b"SV", "a4n20"),
    (*b"TL", "n19"), (*b"TN", "n20"), (*b"TR", "n6c16"), (*b"UA", "n6c19"), (*b"VA", "n18"), (*b"VG", "a4n16"),
    (*b"XK", "n16"), (*b"YE", "a4n4c18"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_are_in_order_for_the_search() {
        assert!(STRUCTURES.is_sorted_by_key(|row| row.0));
        assert_eq!(structure(*b"GB"), Some("a4n14"));
        assert_eq!(structure(*b"US"), None);
        let longest =
            STRUCTURES.iter().map(|row| 4 + parts(row.1).map(|(_, len)| len).sum::<usize>()).max();
        assert!(longest <= Some(CHARS_MAX));
    }

    #[test]
    fn the_registrys_examples_have_remainder_one() {
        for iban in ["GB29NWBK60161331926819", "DE89370400440532013000", "NO9386011117947"] {
            assert_eq!(remainder(iban.as_bytes()), 1, "{iban}");
            assert!(fits(
                &iban.as_bytes()[4..],
                structure([iban.as_bytes()[0], iban.as_bytes()[1]]).unwrap()
            ));
        }
        assert_ne!(remainder(b"GB29NWBK60161331926818"), 1);
        assert!(!fits(b"890549514860633192", "a4n14"));
    }
}
