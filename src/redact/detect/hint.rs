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

fn lower(word: &[u8], into: &mut [u8; 12]) -> usize {
    let len = word.len().min(into.len());
    into[..len].copy_from_slice(&word[..len]);
    into.make_ascii_lowercase();
    len
}

#[rustfmt::skip]
fn is_phone_word(word: &[u8]) -> bool {
    let mut low = [0; 12];
    let len = lower(word, &mut low);
    let one = match &low[..len] {
        [one @ .., b's'] => one,
        word => word,
    };
    matches!(
        one,
        b"phone" | b"tel" | b"telephone" | b"mobile" | b"cell" | b"call" | b"caller" | b"calling"
            | b"dial" | b"dialling" | b"dialing" | b"sm" | b"otp" | b"fax" | b"whatsapp"
            | b"msisdn" | b"contact" | b"sim" | b"ring"
    )
}

#[rustfmt::skip]
fn is_small_word(word: &[u8]) -> bool {
    let mut low = [0; 12];
    let len = lower(word, &mut low);
    matches!(
        &low[..len],
        b"number" | b"numbers" | b"no" | b"num" | b"me" | b"us" | b"at" | b"on" | b"to" | b"is"
            | b"was" | b"sent" | b"from" | b"failed" | b"delivery"
    )
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
