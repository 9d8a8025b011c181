//! Words before a value that say what it is.
//!
//! A hint never reaches across a stand-in: otherwise a text could become shorter by redaction, and a
//! word that was too far away come near enough to change the result of a second pass.

use crate::redact::bytes::{ByteSet, at, before};
use crate::redact::classes::HINT_GAP_MAX;

const BETWEEN: ByteSet = ByteSet::of(b" \t:=#\"'(._\\-");
const LETTERS: ByteSet = ByteSet::of(b"A-Za-z");

/// The part of the last `max` bytes before `start` in which a hint may stand.
fn window(v: &[u8], start: usize, max: usize) -> &[u8] {
    let before = &v[start.saturating_sub(max)..start];
    let stop = before.iter().rposition(|&b| matches!(b, b'\n' | b'*' | b'>' | b']'));
    &before[stop.map_or(0, |i| i + 1)..]
}

/// Words that say what follows, and how near they must be.
struct Hints {
    words: &'static [&'static [u8]],
    /// For each last letter but one of a word, the last letters.
    endings: [u32; 26],
    /// Most bytes between word and value.
    gap: usize,
}

impl Hints {
    const fn new(words: &'static [&'static [u8]], gap: usize) -> Hints {
        let mut endings = [0; 26];
        let mut i = 0;
        while i < words.len() {
            let [.., a, b] = *words[i] else { panic!() };
            endings[(a - b'a') as usize] |= 1 << (b - b'a');
            i += 1;
        }
        Hints { words, endings, gap }
    }

    /// Whether the last two letters of `v` are those of a word.
    #[inline]
    fn may_end(&self, v: &[u8]) -> bool {
        let &[.., a, b] = v else { return false };
        let (a, b) = ((a | 0x20).wrapping_sub(b'a'), (b | 0x20).wrapping_sub(b'a'));
        a < 26 && b < 26 && self.endings[usize::from(a)] >> b & 1 != 0
    }

    /// Whether `v` ends with a word, in any ASCII case.
    fn ends(&self, v: &[u8]) -> bool {
        let same = |word: &&[u8]| v[v.len() - word.len()..].eq_ignore_ascii_case(word);
        self.may_end(v) && self.words.iter().filter(|word| word.len() <= v.len()).any(same)
    }

    /// Whether a word stands close enough before `start`.
    ///
    /// No letter may follow it, but for a plural s, so that `author` is no `auth`. What precedes it
    /// does not matter, so that `accessToken` counts.
    fn near(&self, v: &[u8], start: usize) -> bool {
        let text = window(v, start, WINDOW_BYTES);
        let least = text.len().saturating_sub(self.gap + 1).max(1);
        (least..=text.len()).rev().any(|end| {
            if text.get(end).is_some_and(u8::is_ascii_alphabetic) {
                return false;
            }
            let within = |end: usize| text.len() - end <= self.gap;
            within(end) && self.ends(&text[..end])
                || text[end - 1] | 0x20 == b's' && within(end - 1) && self.ends(&text[..end - 1])
        })
    }
}

/// Most bytes between a word and a number; the pass knows it too.
const GAP: usize = HINT_GAP_MAX as usize;

/// Longest word and longest gap together.
const WINDOW_BYTES: usize = 36;

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
        if !(PHONE.may_end(&v[..end]) || SMALL.may_end(&v[..end]) || PHONE.may_end(&v[..singular]))
        {
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
pub(super) fn ssn(v: &[u8], start: usize) -> bool {
    SSN.near(v, start)
}

/// Whether a word for secrets stands within the 16 bytes before `start`.
pub(super) fn token(v: &[u8], start: usize) -> bool {
    TOKEN.near(v, start)
}
