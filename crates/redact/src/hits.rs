//! Hits, and the finder that collects them.
//!
//! A detector is a pure function of a text and an anchor position. It is called at every candidate position, checks its
//! anchor, and reads a bounded distance around it. Work is counted in bytes read; a text that costs more than
//! [`Finder::budget`] is masked whole.

use super::bytes::{ByteSet, at};
use super::key_memo::KnownKeys;
use super::kind::{HitKind, KeyClass};
use super::rules::Rules;

/// A part of a text that is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hit {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// The number of the rule that found it; see [`Rules::rule_name`].
    pub(crate) rule: u16,
    pub(crate) kind: HitKind,
    /// The number of bytes at its end that are kept.
    pub(crate) keep: u8,
}

/// The built-in rules' numbers; providers and the user's rules follow.
pub(crate) mod rule {
    macro_rules! rules {
        ($($konst:ident $name:literal,)*) => {
            /// The names, in order of the rule numbers.
            pub(crate) const NAMES: &[&str] = &[$($name),*];
            rules!(@number 0u16; $($konst)*);
        };
        (@number $n:expr; $konst:ident $($rest:ident)*) => {
            pub(crate) const $konst: u16 = $n;
            rules!(@number $n + 1; $($rest)*);
        };
        (@number $n:expr;) => {};
    }
    rules! {
        OVERRUN "overrun",
        DEPTH "depth",
        KEY "key",
        KEY_AUTH "key_auth",
        KEY_NUMBER "key_number",
        KV "kv",
        KV_AUTH "kv_auth",
        EMAIL "email",
        PHONE_INTL "phone_intl",
        PHONE_NANP "phone_nanp",
        PHONE_HINT "phone_hint",
        PHONE_NATIONAL "phone_national",
        CARD "card",
        SSN "ssn",
        DOB "dob",
        IBAN "iban",
        JWT "jwt",
        BEARER "bearer",
        BASIC "basic",
        URL_PASSWORD "url_password",
        PRIVATE_KEY "private_key",
        PWHASH "pwhash",
        HEX "hex",
        PROSE "prose",
        TELEGRAM "telegram",
        DISCORD "discord",
        DISCORD_WEBHOOK "discord_webhook",
        MAILCHIMP "mailchimp",
        TERRAFORM "terraform",
        AZURE_AD "azure_ad",
        AZURE_KEY "azure_key",
        AZURE_SAS "azure_sas",
        AZURE_DEVOPS "azure_devops",
        BRAINTREE "braintree",
        NUMBER_CUT "number_cut",
        LITERAL_CUT "literal_cut",
        IP "ip",
        MAC "mac",
        WORD_CUT "word_cut",
        BARE_KEY "bare_key",
        SALESFORCE "salesforce",
        TRUENAS "truenas",
        NEW_RELIC "new_relic",
        MAXMIND "maxmind",
        WALLET_KEY "wallet_key",
        BASE64_JSON "base64_json",
        COPY "copy",
        NATIONAL_ID "national_id",
        WALLET "wallet",
        COMPAT "compat",
    }
}

/// A text under examination.
pub(crate) struct Finder<'a> {
    /// The compiled rules.
    pub(crate) rules: &'a Rules,
    /// The text.
    pub(crate) input: &'a [u8],
    /// Whether a length limit cut the text at its end.
    pub(crate) cut: bool,
    /// `key=value` is not searched before this position: inside a value that is replaced anyway.
    pub(crate) kv_from: usize,
    /// Telling words are not read again before this position: within a key that was decided.
    pub(crate) stem_from: usize,
    /// The key that a plain sign connects with its value and that was decided last.
    pub(crate) signed_key: (usize, usize),
    /// Private keys, whose length is not bounded, are not searched before this position.
    pub(crate) key_block_from: usize,
    /// The same for private keys without their BEGIN line.
    pub(crate) key_body_from: usize,
    /// The `@` that ends the user information of a URL: no e-mail address has it.
    pub(crate) user_sign: usize,
    keys: KnownKeys<'a>,
    hits: &'a mut Vec<Hit>,
    work: u64,
    budget: u64,
}

/// Bytes of work per byte of text before the whole text is masked.
pub(crate) const WORK_PER_BYTE: u64 = 16;
/// The work that even the shortest text may cost.
pub(crate) const WORK_MIN: u64 = 64 * 1024;

impl<'a> Finder<'a> {
    /// Starts to examine a text; `hits` is cleared.
    pub(crate) fn new(
        rules: &'a Rules,
        input: &'a [u8],
        cut: bool,
        hits: &'a mut Vec<Hit>,
    ) -> Self {
        hits.clear();
        let budget = Finder::budget(input.len());
        Finder {
            rules,
            input,
            cut,
            kv_from: 0,
            stem_from: 0,
            signed_key: (0, 0),
            key_block_from: 0,
            key_body_from: 0,
            user_sign: usize::MAX,
            keys: KnownKeys::default(),
            hits,
            work: 0,
            budget,
        }
    }

    /// Remembers key decisions in `keys`, which was filled under the same rules.
    #[inline]
    pub(crate) fn with_keys(self, keys: KnownKeys<'a>) -> Self {
        Finder { keys, ..self }
    }

    /// The class of values of `key`, a key in the text.
    pub(crate) fn key_class(&self, key: &[u8]) -> KeyClass {
        self.keys.get(key, || self.rules.key(key, None))
    }

    /// Adds the hit `start..end`.
    pub(crate) fn hit(&mut self, start: usize, end: usize, rule: u16, kind: HitKind) {
        self.hit_keeping(start, end, rule, kind, 0);
    }

    /// Adds the hit `start..end` and keeps its last `keep` bytes.
    ///
    /// Limits count bytes: a character that an end would split is replaced as a whole, so that valid UTF-8
    /// stays valid.
    pub(crate) fn hit_keeping(
        &mut self,
        start: usize,
        end: usize,
        rule: u16,
        kind: HitKind,
        keep: u8,
    ) {
        if start < end && end <= self.input.len() && self.rules.finds(kind) {
            let (from, to) = (
                start - char_bytes_before(self.input, start),
                end + char_bytes_after(self.input, end),
            );
            let kept_from = to - usize::from(keep).min(to);
            let whole = to == end && char_bytes_after(self.input, kept_from) == 0;
            let keep = if whole { keep } else { 0 };
            self.hits.push(Hit { start: from, end: to, rule, kind, keep });
        }
    }

    /// Whether anything was found.
    pub(crate) fn has_hits(&self) -> bool {
        !self.hits.is_empty()
    }

    /// The hits so far.
    pub(crate) fn hits(&self) -> &[Hit] {
        self.hits
    }

    /// Whether a hit of `rule` would change nothing that starts at `start` and goes on from `pos` up to a space or a
    /// quote, because another hit covers it.
    pub(crate) fn covers(&self, start: usize, pos: usize, rule: u16) -> bool {
        let is_end = |end: usize| matches!(at(self.input, end), 0 | b' ' | b'"' | b'\'');
        let is_first = |hit: &Hit| hit.start < start || hit.start == start && hit.rule < rule;
        self.hits.iter().any(|hit| is_first(hit) && pos < hit.end && is_end(hit.end))
    }

    /// Sorts and joins the hits so far.
    pub(crate) fn merge(&mut self) {
        merge(self.hits);
    }

    /// The most work that a text of `len` bytes may cost.
    pub(crate) fn budget(len: usize) -> u64 {
        // A usize fits in a u64 on every platform this builds for.
        WORK_MIN + WORK_PER_BYTE * len as u64
    }

    /// Work so far.
    pub(crate) fn work(&self) -> u64 {
        self.work
    }

    /// Counts `bytes` read.
    #[inline]
    pub(crate) fn spend(&mut self, bytes: usize) {
        self.work += bytes as u64;
    }

    /// Whether the text has cost more than it may.
    #[inline]
    pub(crate) fn over_budget(&self) -> bool {
        self.work > self.budget
    }

    /// Whether `end` is where a length limit cut the text.
    #[inline]
    pub(crate) fn is_cut(&self, end: usize) -> bool {
        self.cut && end == self.input.len()
    }
}

/// Continuation bytes of UTF-8: 0x80 to 0xBF.
const CONTINUATION: ByteSet = ByteSet::of(&[0x80, b'-', 0xBF]);
/// The most continuation bytes of a character.
const CONTINUATION_MAX: usize = 3;

/// The number of bytes from `pos` on that belong to a character starting before `pos`.
#[inline]
fn char_bytes_after(input: &[u8], pos: usize) -> usize {
    if at(input, pos).is_ascii() { 0 } else { CONTINUATION.run(input, pos, CONTINUATION_MAX) }
}

/// The number of bytes before `pos` that belong to a character continuing at `pos`.
#[inline]
fn char_bytes_before(input: &[u8], pos: usize) -> usize {
    if char_bytes_after(input, pos) == 0 {
        return 0;
    }
    // The first byte of the character precedes its continuation bytes.
    (CONTINUATION.run_back(input, pos, CONTINUATION_MAX - 1) + 1).min(pos)
}

/// Sorts hits and joins those that overlap, in place.
///
/// The replacement is that of the hit that starts first, then the longest, then the one with the lowest
/// rule.
pub(crate) fn merge(hits: &mut Vec<Hit>) {
    if hits.len() < 2 {
        return;
    }
    hits.sort_unstable_by(|a, byte| {
        (a.start, byte.end, a.rule).cmp(&(byte.start, a.end, byte.rule))
    });
    let mut kept = 0;
    for i in 1..hits.len() {
        let (last, hit) = (hits[kept], hits[i]);
        if hit.start < last.end {
            if hit.end > last.end {
                // The bytes kept at the end of the first hit lie inside the second.
                hits[kept] = Hit { end: hit.end, keep: hit.keep, ..last };
            }
        } else {
            kept += 1;
            hits[kept] = hit;
        }
    }
    hits.truncate(kept + 1);
}
