//! Payment card numbers: the issuer's range (ISO/IEC 7812), the check digit (Luhn), the grouping.

use super::hint;
use super::number::{Groups, Hint, Number, Walk, barred, before_number, ends_at};
use crate::byte_masks::Shape;
use crate::bytes::{ByteSet, at, before, distinct};
use crate::hits::{Finder, rule};
use crate::kind::HitKind;

/// The letters and the sign of words that are written together with a number.
const PREFIX: ByteSet = ByteSet::of(b"A-Za-z_");
/// Fewest and most digits.
const DIGITS_MIN: usize = 12;
const DIGITS_MAX: usize = 19;

/// A number that is not after a plus sign.
pub(super) fn find(finder: &mut Finder<'_>, number: &Number, walk: &Walk) {
    if barred(number.prev) {
        return;
    }
    if walk.count >= DIGITS_MIN {
        from_walk(finder, &walk.within(b" -\t./"), number.hint);
    }
}

/// Most letters of a word for cards that is written together with the number.
const PREFIX_CHARS_MAX: usize = 8;

/// A filter applied before [`after_letters`], for words of 16 bytes or more.
#[inline(always)]
pub(super) fn may_follow_letters(input: &[u8], pos: usize, shape: Shape) -> bool {
    may_have_shape(shape) && starts_with_letters(input, pos)
}

/// Whether digits follow where such a word has them whatever the number of its letters.
#[inline(always)]
pub(super) fn may_have_shape(shape: Shape) -> bool {
    const EIGHT: u32 = 0xFF << PREFIX_CHARS_MAX;
    (shape.digit & (EIGHT | 1) == EIGHT) & (shape.word & 0xFF == 0xFF)
}

/// Whether a few letters and then a digit are at `pos`.
#[inline(never)]
fn starts_with_letters(input: &[u8], pos: usize) -> bool {
    let letters = PREFIX.run(input, pos, PREFIX_CHARS_MAX);
    letters > 0 && at(input, pos + letters).is_ascii_digit()
}

/// `CC4111111111111111`, and the number on the first track of a card's magnetic stripe; `pos` is where a word starts.
pub(super) fn after_letters(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    let eight = input.get(pos + PREFIX_CHARS_MAX..).and_then(<[u8]>::first_chunk::<8>);
    if !eight.is_some_and(|bytes| bytes.iter().all(u8::is_ascii_digit)) {
        return;
    }
    let letters = PREFIX.run(input, pos, PREFIX_CHARS_MAX);
    let word = &input[pos..pos + letters];
    let track = word == b"B" && (before(input, pos) == b'%' || at(input, pos + 17) == b'^');
    // The words before are read last: most words are not a few letters and a number.
    let named =
        || before_number(input, pos + letters).has(Hint::CARD) && before(input, pos) != b'*';
    if letters > 0 && at(input, pos + letters).is_ascii_digit() && (track || named()) {
        finder.spend(DIGITS_MAX);
        let walk = Walk::from(input, pos + letters).within(b"");
        from_walk(finder, &walk, Hint::CARD);
    }
}

/// Adds a hit if the first digits of `walk` are a card number.
pub(super) fn from_walk(finder: &mut Finder<'_>, walk: &Walk, hint: Hint) {
    let input = finder.input;
    for n in (DIGITS_MIN..=walk.count.min(DIGITS_MAX)).rev() {
        let digits = walk.digits(n);
        let Some(network) = network(digits) else { continue };
        if !ends_at(input, walk.end(n)) || !luhn(digits) || distinct(digits) < 2 {
            continue;
        }
        // Digits in small groups are a card only right after such a word: any row of numbers may contain one.
        let hinted = finder.rules.loose_numbers
            || hint.has(Hint::CARD)
            || matches!(walk.groups(8).lens(), [8] | [4, 4]) && hint::card(input, walk.start());
        if hinted || is_sure(walk, n, network, hint) {
            let keep = if finder.rules.card_last4 { 4 } else { 0 };
            return finder.hit_keeping(walk.start(), walk.end(n), rule::CARD, HitKind::Card, keep);
        }
    }
}

/// Whether a number without a hint is a card number: it has the groups in which cards are printed, or 14 to 16 digits
/// of a large network and no word that says that it is something else.
fn is_sure(walk: &Walk, count: usize, network: Network, hint: Hint) -> bool {
    if walk.is_bare(count) {
        let other = Hint::AMOUNT.with(Hint::THING).with(Hint::ID);
        return (14..=16).contains(&count) && network.is_large && !hint.has(other);
    }
    is_printed(walk.groups(count))
}

/// Whether cards are printed in these groups.
fn is_printed(groups: Groups) -> bool {
    match (groups.lens(), groups.sign()) {
        (_, 0) => false,
        ([4, 4, 4, 4], _) => true,
        (_, b'.' | b'/') => false,
        ([4, 4, 4, last], _) => (2..=3).contains(last),
        ([4, 4, 4, 4, last], _) => (1..=3).contains(last),
        ([4, 6, last], _) => (4..=5).contains(last),
        ([6, 13], _) => true,
        _ => false,
    }
}

/// The check digit of ISO/IEC 7812-1, annex B.
pub(super) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, &d)| {
            let d = u32::from(d - b'0');
            match (i & 1, d) {
                (0, d) => d,
                (_, d @ 0..=4) => 2 * d,
                (_, d) => 2 * d - 9,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// The numbers of one range.
#[derive(Debug, Clone, Copy)]
struct Network {
    /// The first six digits of the first and the last number.
    from: u32,
    to: u32,
    /// A bit for each number of digits.
    lens: u32,
    /// Whether so large a share of all cards begins like this that no other sign of a card is needed.
    is_large: bool,
}

const fn range(from: u32, to: u32, lens: std::ops::RangeInclusive<u32>, is_large: bool) -> Network {
    Network { from, to, lens: (1 << (*lens.end() + 1)) - (1 << *lens.start()), is_large }
}

/// Ranges of issuers' identification numbers; the first that contains a number counts. From the networks' own
/// publications; ranges without any are assigned to national networks or to Maestro.
#[rustfmt::skip]
static NETWORKS: [Network; 44] = [
    range(180_000, 180_099, 15..=15, false), // JCB
    range(213_100, 213_199, 15..=15, false), // JCB
    range(220_000, 220_499, 16..=19, true), // Mir
    range(220_500, 220_599, 16..=16, false), // Borica
    range(222_100, 272_099, 16..=16, true), // Mastercard
    range(300_000, 305_999, 14..=14, true), // Diners Club
    range(309_500, 309_599, 14..=14, true), // Diners Club
    range(300_000, 305_999, 15..=19, false), // Diners Club
    range(340_000, 349_999, 15..=15, true), // American Express
    range(352_800, 358_999, 16..=19, true), // JCB
    range(350_000, 359_999, 16..=16, false), // JCB, not in use
    range(360_000, 369_999, 14..=14, true), // Diners Club
    range(360_000, 369_999, 15..=19, false), // Diners Club
    range(370_000, 379_999, 15..=15, true), // American Express
    range(380_000, 399_999, 14..=14, true), // Diners Club, Hipercard
    range(380_000, 399_999, 15..=19, false), // Diners Club, Hipercard
    Network { from: 400_000, to: 499_999, lens: 1 << 13 | 1 << 16 | 1 << 19, is_large: true }, // Visa
    range(501_800, 502_099, 12..=19, false), // Maestro, Dankort
    range(503_800, 503_899, 12..=19, false), // Maestro
    range(506_099, 506_198, 16..=19, true), // Verve
    range(506_699, 506_778, 16..=16, true), // Elo
    range(507_865, 507_964, 16..=19, true), // Verve
    range(508_500, 508_999, 16..=16, true), // RuPay
    range(509_000, 509_999, 16..=16, true), // Elo
    range(500_000, 509_999, 12..=19, false), // Maestro and national networks
    range(510_000, 559_999, 16..=16, true), // Mastercard
    range(560_000, 589_999, 12..=19, false), // Maestro
    range(601_100, 601_199, 16..=19, true), // Discover
    range(603_700, 603_799, 16..=16, false), // Shetab
    range(604_200, 604_299, 18..=19, false), // UkrCard
    range(606_282, 606_282, 13..=19, false), // Hipercard
    range(607_000, 608_499, 16..=16, false), // RuPay
    range(600_000, 619_999, 16..=19, false), // national networks
    range(620_000, 629_999, 16..=19, true), // UnionPay
    range(630_400, 630_499, 12..=19, false), // Maestro
    range(630_000, 643_999, 12..=19, false), // Maestro and national networks
    range(644_000, 659_999, 16..=19, true), // Discover, RuPay, Elo, Troy
    range(670_000, 679_999, 12..=19, false), // Maestro
    range(810_000, 829_999, 16..=19, false), // UnionPay, RuPay
    range(860_000, 860_099, 16..=16, false), // Uzcard
    range(911_200, 911_299, 16..=16, false), // Belkart
    range(970_400, 970_499, 16..=19, false), // Napas
    range(979_200, 979_299, 16..=16, false), // Troy
    range(986_000, 986_099, 16..=16, false), // Humo
];

/// For each two first digits, the fewest digits of a card number that starts with them; 255 if there is none.
static DIGITS_MIN_OF: [u8; 100] = {
    let mut table = [u8::MAX; 100];
    let mut i = 0;
    while i < NETWORKS.len() {
        let Network { from, to, lens, .. } = NETWORKS[i];
        let mut two = from / 10_000;
        while two <= to / 10_000 {
            // At most 19.
            let min = lens.trailing_zeros() as u8;
            if min < table[two as usize] {
                table[two as usize] = min;
            }
            two += 1;
        }
        i += 1;
    }
    table
};

/// The fewest digits of a card number that starts with these two digits, if any does.
#[inline(always)]
pub(crate) fn digits_min(first: [u8; 2]) -> Option<u32> {
    let [tens, ones] = first.map(|digit| usize::from(digit.wrapping_sub(b'0')));
    match DIGITS_MIN_OF.get(tens * 10 + ones) {
        None | Some(&u8::MAX) => None,
        Some(min) => Some(u32::from(*min)),
    }
}

/// The network that issues numbers of this length that start with these digits.
fn network(digits: &[u8]) -> Option<Network> {
    let six = digits.iter().take(6).fold(0, |n, &d| n * 10 + u32::from(d - b'0'));
    let issues = |network: &&Network| {
        (network.from..=network.to).contains(&six) && network.lens >> digits.len() & 1 != 0
    };
    NETWORKS.iter().find(issues).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_digit_finds_every_single_wrong_digit() {
        let good = *b"4111111111111111";
        assert!(luhn(&good));
        for i in 0..good.len() {
            for d in b'0'..=b'9' {
                let mut bad = good;
                bad[i] = d;
                assert_eq!(luhn(&bad), bad == good);
            }
        }
    }

    #[test]
    fn the_first_two_digits_bound_the_length() {
        for six in (0..1_000_000u32).step_by(37).chain(NETWORKS.iter().flat_map(|n| [n.from, n.to]))
        {
            let digits = format!("{six:06}0000000000000").into_bytes();
            let min = digits_min([digits[0], digits[1]]);
            for n in DIGITS_MIN..=DIGITS_MAX {
                assert!(
                    network(&digits[..n]).is_none() || min.is_some_and(|min| min as usize <= n)
                );
            }
        }
        assert_eq!(digits_min(*b"41"), Some(13));
        assert_eq!(digits_min(*b"18"), Some(15));
        assert_eq!(digits_min(*b"10"), None);
    }

    #[test]
    fn networks_test_numbers_are_issued() {
        for number in [
            &b"378282246310005"[..],
            b"371449635398431",
            b"5555555555554444",
            b"2223003122003222",
            b"2200000000000053",
            b"4012888888881881",
            b"6011111111111117",
            b"3530111333300000",
            b"30569309025904",
            b"36227206271667",
            b"6304000000000000",
            b"6759649826438453",
            b"180016070420458",
            b"213176828496175",
            b"9792030000000000",
            b"6062820524845321",
        ] {
            assert!(network(number).is_some(), "{}", String::from_utf8_lossy(number));
        }
        for number in
            [&b"1718857800123456"[..], b"9999999999999995", b"0000000000000000", b"411111111111111"]
        {
            assert!(network(number).is_none());
        }
    }
}
