//! Hints: words before a value that identify it.
//!
//! A hint never reaches across a replacement: otherwise redaction could shorten a text and bring a distant
//! word close enough to change the result of a second pass.

/// A set of words that identify a following value, and how close they must be.
struct Hints {
    words: &'static [&'static [u8]],
    /// Two tables of bits: a word may end where the entries of its last two bytes share a bit.
    last_but_one: [u8; 256],
    last: [u8; 256],
    /// Most bytes between word and value.
    gap: usize,
}

impl Hints {
    const fn new(words: &'static [&'static [u8]], gap: usize) -> Hints {
        let (mut last_but_one, mut last) = ([0; 256], [0; 256]);
        let (mut i, mut used) = (0, 0);
        while i < words.len() {
            let [.., a, byte] = *words[i] else { panic!() };
            // A bit for each ending; there are at most eight.
            if last_but_one[a as usize] & last[byte as usize] == 0 {
                let bit = 1u8 << used;
                used += 1;
                last_but_one[a as usize] |= bit;
                last_but_one[a.to_ascii_uppercase() as usize] |= bit;
                last[byte as usize] |= bit;
                last[byte.to_ascii_uppercase() as usize] |= bit;
            }
            i += 1;
        }
        Hints { words, last_but_one, last, gap }
    }

    /// Whether the last two letters of `input` are those of a word.
    #[inline]
    fn may_end(&self, input: &[u8]) -> bool {
        let &[.., a, byte] = input else { return false };
        self.last_but_one[usize::from(a)] & self.last[usize::from(byte)] != 0
    }

    /// Whether a word occurs close enough before `start`.
    ///
    /// No letter may follow it except a plural s, so that `author` does not match `auth`. Anything may
    /// precede it, so that `accessToken` matches.
    fn near(&self, input: &[u8], start: usize) -> bool {
        let from = start.saturating_sub(self.gap + 2);
        let (mut any, mut before) = (0, 0);
        // All words are checked together first, because a hint is rare.
        for &byte in &input[from..start] {
            any |= before & self.last[usize::from(byte)];
            before = self.last_but_one[usize::from(byte)];
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

/// Whether a word for cards occurs within the 20 bytes before `start`.
pub(super) fn card(input: &[u8], start: usize) -> bool {
    CARD.near(input, start)
}

/// Whether a word for social security numbers occurs within the 16 bytes before `start`.
pub(crate) fn ssn(input: &[u8], start: usize) -> bool {
    SSN.near(input, start)
}
