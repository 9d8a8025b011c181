//! Hints: words before a value that identify it.
//!
//! A hint never reaches across a replacement: otherwise redaction could shorten a text and bring a distant
//! word close enough to change the result of a second pass.

use crate::bytes::{ByteSet, at, before};

const BETWEEN: ByteSet = ByteSet::of(b" \t:=#\"'(._\\-");
const LETTERS: ByteSet = ByteSet::of(b"A-Za-z");

/// The bytes that may follow a word: no letter except a plural s.
static BEHIND: [u8; 256] = {
    let mut table = [0xFF; 256];
    let mut byte = 0;
    while byte < 256 {
        if (byte as u8).is_ascii_alphabetic() && byte as u8 | 0x20 != b's' {
            table[byte] = 0;
        }
        byte += 1;
    }
    table
};

/// A set of words that identify a following value, and how close they must be.
struct Hints {
    words: &'static [&'static [u8]],
    /// For each second-to-last letter of a word, the possible last letters.
    endings: [u32; 26],
    /// The same as two tables of bits: a word may end where the entries of both bytes share a bit.
    last_but_one: [u8; 256],
    last: [u8; 256],
    /// Most bytes between word and value.
    gap: usize,
}

impl Hints {
    const fn new(words: &'static [&'static [u8]], gap: usize) -> Hints {
        let mut endings = [0; 26];
        let (mut last_but_one, mut last) = ([0; 256], [0; 256]);
        let mut i = 0;
        while i < words.len() {
            let [.., a, byte] = *words[i] else { panic!() };
            endings[(a - b'a') as usize] |= 1 << (byte - b'a');
            let bit = 1 << (i % 8);
            last_but_one[a as usize] |= bit;
            last_but_one[a.to_ascii_uppercase() as usize] |= bit;
            last[byte as usize] |= bit;
            last[byte.to_ascii_uppercase() as usize] |= bit;
            i += 1;
        }
        Hints { words, endings, last_but_one, last, gap }
    }

    /// Whether the last two letters of `input` are those of a word.
    #[inline]
    fn may_end(&self, input: &[u8]) -> bool {
        let &[.., a, byte] = input else { return false };
        let (a, byte) = ((a | 0x20).wrapping_sub(b'a'), (byte | 0x20).wrapping_sub(b'a'));
        a < 26 && byte < 26 && self.endings[usize::from(a)] >> byte & 1 != 0
    }

    /// Whether a word occurs close enough before `start`.
    ///
    /// No letter may follow it except a plural s, so that `author` does not match `auth`. Anything may
    /// precede it, so that `accessToken` matches.
    fn near(&self, input: &[u8], start: usize) -> bool {
        let from = start.saturating_sub(self.gap + 2);
        let (mut any, mut a, mut byte) = (0, 0, 0);
        // All words are checked together first, because a hint is rare.
        for &c in input[from..start].iter().chain([&0]) {
            any |= self.last_but_one[usize::from(a)]
                & self.last[usize::from(byte)]
                & BEHIND[usize::from(c)];
            (a, byte) = (byte, c);
        }
        any != 0 && (from + 2..=start).any(|i| self.hint_ends_at(input, i, start))
    }

    /// Whether a word ends right before `end`, and the bytes from there to `start` do not change its meaning.
    fn hint_ends_at(&self, input: &[u8], end: usize, start: usize) -> bool {
        let text = &input[..end];
        if !self.may_end(text) {
            return false;
        }
        let ends = |word: &&&[u8]| {
            text.len() >= word.len() && text[end - word.len()..].eq_ignore_ascii_case(word)
        };
        let letter = |i: usize| i < start && input[i].is_ascii_alphabetic();
        let plural = end < start && input[end] | 0x20 == b's' && !letter(end + 1);
        (!letter(end) || plural)
            && self.words.iter().filter(ends).any(|word| {
                let between = &input[end - word.len()..start];
                !between.iter().any(|byte| matches!(byte, b'\n' | b'*' | b'>' | b']'))
            })
    }
}

/// Most bytes between a word and a number.
const GAP: usize = 4;

/// Words for telephones; each may end in an s.
static PHONE: Hints = Hints::new(
    &[
        b"phone",
        b"tel",
        b"telephone",
        b"mobile",
        b"cell",
        b"call",
        b"caller",
        b"calling",
        b"dial",
        b"dialling",
        b"dialing",
        b"sms",
        b"otp",
        b"fax",
        b"whatsapp",
        b"msisdn",
        b"contact",
        b"sim",
        b"ring",
    ],
    0,
);

/// Words that may occur between such a word and the number.
static SMALL: Hints = Hints::new(
    &[
        b"number",
        b"numbers",
        b"no",
        b"num",
        b"me",
        b"us",
        b"at",
        b"on",
        b"to",
        b"is",
        b"was",
        b"sent",
        b"from",
        b"failed",
        b"delivery",
    ],
    0,
);

static CARD: Hints = Hints::new(&[b"card", b"visa", b"mastercard", b"amex", b"pan", b"cc"], 20);

static SSN: Hints = Hints::new(
    &[
        b"ssn",
        b"social",
        b"social security",
        b"social-security",
        b"social_security",
        b"tax id",
        b"tax_id",
        b"tax-id",
        b"taxid",
        b"itin",
    ],
    16,
);

/// Whether the last letters before `start` are those of a word for telephones, or of a small word: a
/// filter in front of [`phone`].
#[inline]
pub(crate) fn phone_may_be(input: &[u8], start: usize) -> bool {
    let mut end = start;
    while end > 0 && start - end < GAP && BETWEEN.has(input[end - 1]) {
        end -= 1;
    }
    may_end_phone(input, end)
}

#[inline]
fn may_end_phone(input: &[u8], end: usize) -> bool {
    let singular = end - usize::from(before(input, end) | 0x20 == b's');
    PHONE.may_end(&input[..end])
        || SMALL.may_end(&input[..end])
        || PHONE.may_end(&input[..singular])
}

/// Words that name counted things in `ring=1048576` and `calls=2000000`, and are not verbs there.
fn is_thing(word: &[u8]) -> bool {
    [&b"ring"[..], b"rings", b"call", b"calls", b"cell", b"cells", b"sim", b"sims"]
        .iter()
        .any(|thing| thing.eq_ignore_ascii_case(word))
}

/// Whether a word for telephones occurs before `start`, with only small words between.
pub(super) fn phone(input: &[u8], start: usize) -> bool {
    let mut end = start - BETWEEN.run_back(input, start, GAP);
    for _ in 0..6 {
        let singular = end - usize::from(before(input, end) | 0x20 == b's');
        if !may_end_phone(input, end) {
            return false;
        }
        let len = LETTERS.run_back(input, end, 12);
        let word = &input[end - len..end];
        let is = |hints: &Hints, word: &[u8]| {
            hints.words.iter().any(|known| known.eq_ignore_ascii_case(word))
        };
        end -= len;
        if is(&PHONE, word) || is(&PHONE, &word[..singular.saturating_sub(end)]) {
            // The last four letters of a masked credential are not a word.
            return before(input, end) != b'*' && !(at(input, end + len) == b'=' && is_thing(word));
        }
        if !is(&SMALL, word) {
            return false;
        }
        end -= BETWEEN.run_back(input, end, GAP);
    }
    false
}

/// Whether a word for cards occurs within the 20 bytes before `start`.
pub(super) fn card(input: &[u8], start: usize) -> bool {
    CARD.near(input, start)
}

/// Whether a word for social security numbers occurs within the 16 bytes before `start`.
pub(crate) fn ssn(input: &[u8], start: usize) -> bool {
    SSN.near(input, start)
}
