//! Addresses of crypto-currency wallets, each with its own check: Base58Check, Bech32, and forty digits after `0x`.

use super::base58;
use crate::bytes::{ALNUM, HEX, at, before, is_word};
use crate::hits::{Finder, rule};
use crate::kind::HitKind;

/// Lengths of addresses in Base58Check.
const BASE58_CHARS_MIN: usize = 26;
const BASE58_CHARS_MAX: usize = 35;
/// Length of an address of Ethereum, with its prefix.
const HEX_CHARS: usize = 42;
/// Most characters of a Bech32 address.
const BECH32_CHARS_MAX: usize = 90;

/// A filter applied before [`find`], for words of 22 bytes or more.
#[inline(always)]
pub(super) fn may_be(input: &[u8], pos: usize) -> bool {
    match at(input, pos) {
        b'1' | b'3' | b'L' | b'M' | b'D' | b'X' | b'T' => {
            let ends = |len: usize| !is_word(at(input, pos + len));
            !ends(BASE58_CHARS_MIN - 1) && (BASE58_CHARS_MIN..=BASE58_CHARS_MAX).any(ends)
        }
        b'b' | b'B' | b't' | b'l' => {
            is_bech32_prefix(input, pos) || at(input, pos) == b't' && at(input, pos + 1) == b'1'
        }
        b'0' => at(input, pos + 1) == b'x' && !is_word(at(input, pos + HEX_CHARS)),
        _ => false,
    }
}

/// The human-readable parts of Bitcoin's and Litecoin's addresses, and the separator.
fn is_bech32_prefix(input: &[u8], pos: usize) -> bool {
    let rest = input.get(pos..).unwrap_or_default();
    [&b"bc1"[..], b"BC1", b"tb1", b"ltc1"].iter().any(|prefix| rest.starts_with(prefix))
}

/// `pos` is where a word starts.
pub(super) fn find(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    if !may_be(input, pos) || matches!(before(input, pos), b'*' | b'/' | b'.') {
        return;
    }
    let run = ALNUM.run(input, pos, BECH32_CHARS_MAX + 1);
    let end = pos + run;
    if is_word(at(input, end)) || run > BECH32_CHARS_MAX {
        return;
    }
    finder.spend(8 * run);
    let word = &input[pos..end];
    let found = if is_bech32_prefix(input, pos) {
        is_bech32(word)
    } else if word.starts_with(b"0x") {
        run == HEX_CHARS && word[2..].iter().all(|byte| HEX.has(*byte)) && is_drawn(&word[2..])
    } else {
        (BASE58_CHARS_MIN..=BASE58_CHARS_MAX).contains(&run)
            && base58::checked::<25>(word).is_some()
    };
    if found {
        finder.hit(pos, end, rule::WALLET, HitKind::Iban);
    }
}

/// Whether hexadecimal digits are not mostly the same, as those of small numbers with zeros before them are.
fn is_drawn(digits: &[u8]) -> bool {
    crate::bytes::distinct(digits) >= 8
}

/// Bech32 and Bech32m (BIP 173 and 350): letters of one case, and a checksum of six characters.
fn is_bech32(word: &[u8]) -> bool {
    const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let Some(separator) = word.iter().rposition(|byte| *byte == b'1') else { return false };
    let (prefix, data) = (&word[..separator], &word[separator + 1..]);
    let mixed = word.iter().any(u8::is_ascii_uppercase) && word.iter().any(u8::is_ascii_lowercase);
    let low = |byte: &u8| byte.to_ascii_lowercase();
    let mut sum = 1;
    let high = prefix.iter().map(|byte| u32::from(low(byte) >> 5));
    let rest = prefix.iter().map(|byte| u32::from(low(byte) & 31));
    for value in high.chain([0]).chain(rest) {
        sum = next_checksum(sum, value);
    }
    for byte in data {
        let Some(value) = ALPHABET.iter().position(|other| *other == low(byte)) else {
            return false;
        };
        // Below 32.
        sum = next_checksum(sum, value as u32);
    }
    !mixed && data.len() >= 14 && matches!(sum, 1 | 0x2BC8_30A3)
}

/// One step of the BCH code.
fn next_checksum(sum: u32, value: u32) -> u32 {
    const GENERATOR: [u32; 5] = [0x3B6A_57B2, 0x2650_8E6D, 0x1EA1_19FA, 0x3D42_33DD, 0x2A14_62B3];
    let next = (sum & 0x01FF_FFFF) << 5 ^ value;
    GENERATOR
        .iter()
        .enumerate()
        .fold(next, |next, (i, bits)| if sum >> (25 + i) & 1 != 0 { next ^ bits } else { next })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_of_published_addresses_hold() {
        assert!(base58::checked::<25>(b"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa").is_some());
        assert!(base58::checked::<25>(b"3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy").is_some());
        assert!(base58::checked::<25>(b"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb").is_none());
        assert!(is_bech32(b"bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"));
        assert!(is_bech32(b"BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4"));
        assert!(is_bech32(b"bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"));
        assert!(!is_bech32(b"bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdp"));
    }
}
