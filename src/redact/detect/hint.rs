//! Words before a value that say what it is.
//!
//! A hint never reaches across a stand-in: otherwise a text could become shorter by redaction, and a
//! word that was too far away come near enough to change the result of a second pass.

use crate::redact::bytes::ByteSet;

const BETWEEN: ByteSet = ByteSet::of(b" \t:=#\"'(._\\-");
const LETTERS: ByteSet = ByteSet::of(b"A-Za-z");

/// The part of the last `max` bytes before `start` in which a hint may stand.
fn window(v: &[u8], start: usize, max: usize) -> &[u8] {
    let before = &v[start.saturating_sub(max)..start];
    let stop = before.iter().rposition(|&b| matches!(b, b'\n' | b'*' | b'>' | b']'));
    &before[stop.map_or(0, |i| i + 1)..]
}

/// Whether a word for telephones stands before `start`, with nothing but small words between.
pub(super) fn phone(v: &[u8], start: usize) -> bool {
    let gap = BETWEEN.run_back(v, start, 4);
    if !ends_like_hint(&v[..start - gap]) {
        return false;
    }
    let window = window(v, start, 40);
    let mut end = window.len();
    for _ in 0..6 {
        end -= BETWEEN.run_back(window, end, 4);
        let len = LETTERS.run_back(window, end, 12);
        let word = &window[end - len..end];
        if is_phone_word(word) {
            return true;
        }
        if !is_small_word(word) {
            return false;
        }
        end -= len;
    }
    false
}

/// Whether the last two letters are those of a word for telephones or of a small word.
fn ends_like_hint(v: &[u8]) -> bool {
    let &[.., a, b] = v else { return false };
    let (a, b) = (a | 0x20, b | 0x20);
    a.is_ascii_lowercase()
        && b.is_ascii_lowercase()
        && HINT_ENDINGS[usize::from(a - b'a')] >> (b - b'a') & 1 != 0
}

/// For each last letter but one, the last letters.
const HINT_ENDINGS: [u32; 26] = {
    let mut table = [0; 26];
    let mut i = 0;
    while i < PHONE_WORDS.len() {
        let [.., a, b] = *PHONE_WORDS[i] else { panic!() };
        table[(a - b'a') as usize] |= 1 << (b - b'a');
        table[(b - b'a') as usize] |= 1 << (b's' - b'a');
        i += 1;
    }
    i = 0;
    while i < SMALL_WORDS.len() {
        let [.., a, b] = *SMALL_WORDS[i] else { panic!() };
        table[(a - b'a') as usize] |= 1 << (b - b'a');
        i += 1;
    }
    table
};

/// Words for telephones; each may end in an s.
const PHONE_WORDS: [&[u8]; 19] = [
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
];

/// What may stand between such a word and the number.
const SMALL_WORDS: [&[u8]; 15] = [
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
];

fn lower(word: &[u8], into: &mut [u8; 12]) -> usize {
    let len = word.len().min(into.len());
    into[..len].copy_from_slice(&word[..len]);
    into.make_ascii_lowercase();
    len
}

fn is_phone_word(word: &[u8]) -> bool {
    let mut low = [0; 12];
    let len = lower(word, &mut low);
    let word = &low[..len];
    PHONE_WORDS.iter().any(|w| *w == word || word.split_last() == Some((&b's', *w)))
}

fn is_small_word(word: &[u8]) -> bool {
    let mut low = [0; 12];
    let len = lower(word, &mut low);
    SMALL_WORDS.contains(&&low[..len])
}

/// Whether a word for cards stands within the 20 bytes before `start`.
pub(super) fn card(v: &[u8], start: usize) -> bool {
    let window = window(v, start, 30);
    [&b"card"[..], b"visa", b"mastercard", b"amex", b"pan", b"cc"]
        .iter()
        .any(|word| near(window, word, 20, true))
}

/// Whether a word for social security numbers stands within the 16 bytes before `start`.
pub(super) fn ssn(v: &[u8], start: usize) -> bool {
    let window = window(v, start, 30);
    [&b"ssn"[..], b"social", b"social security", b"social-security", b"social_security"]
        .iter()
        .chain(&[&b"tax id"[..], b"tax_id", b"tax-id", b"taxid", b"itin"])
        .any(|word| near(window, word, 16, true))
}

/// Whether a word for secrets stands within the 16 bytes before `start`.
pub(super) fn token(v: &[u8], start: usize) -> bool {
    let window = window(v, start, 30);
    [&b"token"[..], b"secret", b"apikey", b"api key", b"api_key", b"api-key", b"auth"]
        .iter()
        .chain(&[&b"authorization"[..], b"session", b"signature", b"hmac", b"password"])
        .chain(&[&b"credential"[..], b"sig", b"key"])
        .any(|word| near(window, word, 16, true))
}

/// Whether `word` ends at most `gap` bytes before the end of `window`, in any case.
///
/// `whole`: no letter may follow it, but for a plural s. What precedes it does not matter, so that
/// `accessToken` counts.
fn near(window: &[u8], word: &[u8], gap: usize, whole: bool) -> bool {
    let from = window.len().saturating_sub(gap + word.len());
    let part = &window[from..];
    part.windows(word.len()).enumerate().any(|(i, w)| {
        if !w.eq_ignore_ascii_case(word) {
            return false;
        }
        let after = &part[i + word.len()..];
        let after = match after {
            [b's' | b'S', rest @ ..] => rest,
            rest => rest,
        };
        !whole || !after.first().is_some_and(u8::is_ascii_alphabetic)
    })
}
