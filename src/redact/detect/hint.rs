//! Words before a value that say what it is.
//!
//! A hint never reaches across a stand-in: otherwise a text could become shorter by redaction, and a
//! word that was too far away come near enough to change the result of a second pass.

use crate::redact::bytes::{ByteSet, at, before};

const BETWEEN: ByteSet = ByteSet::of(b" \t:=#\"'(._\\-");
const LETTERS: ByteSet = ByteSet::of(b"A-Za-z");

/// What may stand behind a word: no letter but a plural s.
static BEHIND: [u8; 256] = {
    let mut table = [0xFF; 256];
    let mut b = 0;
    while b < 256 {
        if (b as u8).is_ascii_alphabetic() && b as u8 | 0x20 != b's' {
            table[b] = 0;
        }
        b += 1;
    }
    table
};

/// Words that say what follows, and how near they must be.
struct Hints {
    words: &'static [&'static [u8]],
    /// For each last letter but one of a word, the last letters.
    endings: [u32; 26],
    /// The same as two tables of bits: a word may end where both bytes have one in common.
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
            let [.., a, b] = *words[i] else { panic!() };
            endings[(a - b'a') as usize] |= 1 << (b - b'a');
            let bit = 1 << (i % 8);
            last_but_one[a as usize] |= bit;
            last_but_one[a.to_ascii_uppercase() as usize] |= bit;
            last[b as usize] |= bit;
            last[b.to_ascii_uppercase() as usize] |= bit;
            i += 1;
        }
        Hints { words, endings, last_but_one, last, gap }
    }

    /// Whether the last two letters of `v` are those of a word.
    #[inline]
    fn may_end(&self, v: &[u8]) -> bool {
        let &[.., a, b] = v else { return false };
        let (a, b) = ((a | 0x20).wrapping_sub(b'a'), (b | 0x20).wrapping_sub(b'a'));
        a < 26 && b < 26 && self.endings[usize::from(a)] >> b & 1 != 0
    }

    /// Whether a word stands close enough before `start`.
    ///
    /// No letter may follow it, but for a plural s, so that `author` is no `auth`. What precedes it
    /// does not matter, so that `accessToken` counts.
    fn near(&self, v: &[u8], start: usize) -> bool {
        let from = start.saturating_sub(self.gap + 2);
        let (mut any, mut a, mut b) = (0, 0, 0);
        // First all together: nearly always there is none.
        for &c in v[from..start].iter().chain([&0]) {
            any |= self.last_but_one[usize::from(a)]
                & self.last[usize::from(b)]
                & BEHIND[usize::from(c)];
            (a, b) = (b, c);
        }
        any != 0 && (from + 2..=start).any(|i| self.stands(v, i, start))
    }

    /// Whether a word ends right before `end`, and nothing up to `start` takes its meaning away.
    fn stands(&self, v: &[u8], end: usize, start: usize) -> bool {
        let text = &v[..end];
        if !self.may_end(text) {
            return false;
        }
        let ends = |word: &&&[u8]| {
            text.len() >= word.len() && text[end - word.len()..].eq_ignore_ascii_case(word)
        };
        let letter = |i: usize| i < start && v[i].is_ascii_alphabetic();
        let plural = end < start && v[end] | 0x20 == b's' && !letter(end + 1);
        (!letter(end) || plural)
            && self.words.iter().filter(ends).any(|word| {
                let between = &v[end - word.len()..start];
                !between.iter().any(|b| matches!(b, b'\n' | b'*' | b'>' | b']'))
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

/// What may stand between such a word and the number.
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

static TOKEN: Hints = Hints::new(
    &[
        b"token",
        b"secret",
        b"apikey",
        b"api key",
        b"api_key",
        b"api-key",
        b"auth",
        b"authorization",
        b"session",
        b"signature",
        b"hmac",
        b"password",
        b"credential",
        b"sig",
    ],
    16,
);

/// Whether the last letters before `start` are those of a word for telephones, or of a small word: a
/// filter in front of [`phone`].
#[inline]
pub(crate) fn phone_may_be(v: &[u8], start: usize) -> bool {
    let mut end = start;
    while end > 0 && start - end < GAP && BETWEEN.has(v[end - 1]) {
        end -= 1;
    }
    may_end_phone(v, end)
}

#[inline]
fn may_end_phone(v: &[u8], end: usize) -> bool {
    let singular = end - usize::from(before(v, end) | 0x20 == b's');
    PHONE.may_end(&v[..end]) || SMALL.may_end(&v[..end]) || PHONE.may_end(&v[..singular])
}

/// Words that in `ring=1048576` and `calls=2000000` are no verbs, but things that are counted.
fn is_thing(word: &[u8]) -> bool {
    [&b"ring"[..], b"rings", b"call", b"calls", b"cell", b"cells", b"sim", b"sims"]
        .iter()
        .any(|thing| thing.eq_ignore_ascii_case(word))
}

/// Whether a word for telephones stands before `start`, with nothing but small words between.
pub(super) fn phone(v: &[u8], start: usize) -> bool {
    let mut end = start - BETWEEN.run_back(v, start, GAP);
    for _ in 0..6 {
        let singular = end - usize::from(before(v, end) | 0x20 == b's');
        if !may_end_phone(v, end) {
            return false;
        }
        let len = LETTERS.run_back(v, end, 12);
        let word = &v[end - len..end];
        let is = |hints: &Hints, word: &[u8]| {
            hints.words.iter().any(|known| known.eq_ignore_ascii_case(word))
        };
        end -= len;
        if is(&PHONE, word) || is(&PHONE, &word[..singular.saturating_sub(end)]) {
            // The last four letters of a masked credential are no word.
            return before(v, end) != b'*' && !(at(v, end + len) == b'=' && is_thing(word));
        }
        if !is(&SMALL, word) {
            return false;
        }
        end -= BETWEEN.run_back(v, end, GAP);
    }
    false
}

/// Whether a word for cards stands within the 20 bytes before `start`.
pub(super) fn card(v: &[u8], start: usize) -> bool {
    CARD.near(v, start)
}

/// Whether a word for social security numbers stands within the 16 bytes before `start`.
pub(crate) fn ssn(v: &[u8], start: usize) -> bool {
    SSN.near(v, start)
}

/// Whether a word for secrets stands within the 16 bytes before `start`.
pub(super) fn token(v: &[u8], start: usize) -> bool {
    TOKEN.near(v, start)
}
