//! The redactor: takes a value and writes its replacement.

use std::ops::Range;
use std::sync::Arc;

use super::compat;
use super::detect::{self, AuthValue};
use super::found_values::FoundValues;
use super::hits::{Finder, Hit, merge, rule};
use super::json::{self, Leaf, LeafKind};
use super::key_cache::KeyCache;
use super::key_memo::Memos;
use super::kind::{HitKind, KeyClass, Profile, is_mask};
use super::rules::Rules;
use super::scan_batch::{BatchScan, is_container};
use super::scan_value;
use super::scope::KeyFacts;
use super::value_forms::{class_of_text, is_absent_value, is_coordinate, is_no_secret};

/// The result of redacting a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a replaced value must be written instead of the original"]
pub enum RedactOutcome {
    /// Nothing was found; the original may be written.
    Clean,
    /// The output holds the text to write instead.
    Replaced,
}

/// Makes replacements that are equal for equal values, so that lines can be joined on them.
pub trait Tokenize: Send + Sync {
    /// Appends the token of `value` to `out`; false leaves `out` unchanged, and the mask is written.
    fn token(&self, kind: HitKind, value: &[u8], out: &mut Vec<u8>) -> bool;
}

/// How many levels of JSON inside JSON strings are followed; deeper ones are read as plain text.
const LEVELS: usize = 4;

/// Slots of the cache for keys in JSON.
const KEYS: usize = 256;

/// The number of times that a redacted value is scanned again before it is masked whole.
const PASSES_MAX: usize = 4;

/// Buffers of one level of JSON inside strings.
#[derive(Debug, Default)]
struct Level {
    stack: json::Stack,
    leaves: Vec<Leaf>,
    /// The positions of the texts that one scan covers, and a mark for each.
    texts: Vec<Range<u32>>,
    marks: Vec<bool>,
    decoded: Vec<u8>,
    piece: Vec<u8>,
}

/// Applies [`Rules`] to values. One per thread; the rules are shared.
///
/// Buffers grow to the needs of the largest value and are kept: in steady state nothing is allocated. Nothing blocks. A
/// value that costs more than its budget is masked whole and counted as `overrun`.
pub struct Redactor {
    rules: Arc<Rules>,
    hits: Vec<Hit>,
    levels: [Level; LEVELS],
    /// Classes of keys in JSON.
    keys: KeyCache<KeyFacts>,
    /// Keys in texts.
    memos: Memos,
    /// The output of a repeated scan of a redacted value.
    again: Vec<u8>,
    /// The values of the current event that were found by their keys.
    found: FoundValues,
    /// An event is open: values stay in `found` from one to the next.
    in_event: bool,
    /// The value is one of several: its values are noted.
    notes: bool,
    counts: Vec<u64>,
    tokenizer: Option<Arc<dyn Tokenize>>,
}

impl ::core::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        f.debug_struct("Redactor").field("rules", &self.rules.rule_count()).finish_non_exhaustive()
    }
}

impl Redactor {
    /// A redactor for `rules`.
    pub fn new(rules: Arc<Rules>) -> Redactor {
        let counts = vec![0; rules.rule_count()];
        Redactor {
            rules,
            hits: Vec::with_capacity(64),
            levels: Default::default(),
            keys: KeyCache::new(KEYS),
            memos: Memos::new(),
            again: Vec::new(),
            found: FoundValues::new(),
            in_event: false,
            notes: false,
            counts,
            tokenizer: None,
        }
    }

    /// Uses `tokenizer` for personal data where the profile asks for tokens.
    #[must_use]
    pub fn with_tokenizer(mut self, tokenizer: Arc<dyn Tokenize>) -> Redactor {
        self.tokenizer = Some(tokenizer);
        self
    }

    /// The current rules.
    pub fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// Uses these rules from now on. Counters restart; read them first.
    pub fn set_rules(&mut self, rules: Arc<Rules>) {
        self.counts.clear();
        self.counts.resize(rules.rule_count(), 0);
        self.keys.clear();
        self.memos.clear();
        self.rules = rules;
    }

    /// Hits so far, by rule number; see [`Rules::rule_name`].
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Redacts a string value below a key of `class`.
    ///
    /// With [`RedactOutcome::Replaced`], the new value was appended to `out`; with
    /// [`RedactOutcome::Clean`], `out` is unchanged. `cut` means that a length limit removed the end of the
    /// value: a candidate that touches that end and can no longer be identified is masked.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// use ringseal_redact::{KeyClass, RedactOutcome, Redactor, Rules};
    /// let mut redactor = Redactor::new(Arc::new(Rules::standard()));
    /// let mut out = Vec::new();
    /// let outcome = redactor.value(KeyClass::Plain, b"sent to ann@example.com", false, &mut out);
    /// assert_eq!((outcome, &out[..]), (RedactOutcome::Replaced, &b"sent to <email>"[..]));
    /// ```
    pub fn value(
        &mut self,
        class: KeyClass,
        input: &[u8],
        cut: bool,
        out: &mut Vec<u8>,
    ) -> RedactOutcome {
        if !self.in_event {
            self.found.clear();
            self.notes = false;
        }
        let class = class_of_text(class, input);
        if class != KeyClass::Plain {
            return self.keyed(class, input, out);
        }
        let base = out.len();
        let outcome = self.text(input, cut, 0, out);
        if outcome == RedactOutcome::Replaced {
            self.redact_until_stable(base, out);
        }
        if !self.rules.is_compat {
            return outcome;
        }
        let count = &mut self.counts[usize::from(rule::COMPAT)];
        compat::apply(&self.rules, (outcome, input), (base, out), &mut self.again, count)
    }

    /// Starts an event: until [`Redactor::end_event`], values that are masked under their keys are noted, and masked
    /// wherever else they occur in later values of the event. [`Redactor::copies`] masks them in earlier ones.
    #[doc(hidden)]
    pub fn start_event(&mut self) {
        self.found.clear();
        self.in_event = true;
        self.notes = true;
    }

    /// Ends the event; the values found in it are forgotten.
    #[doc(hidden)]
    pub fn end_event(&mut self) {
        self.found.clear();
        self.in_event = false;
        self.notes = false;
    }

    /// Whether `bytes`, any part of the event in any encoding, may contain a copy of a value that was found in it.
    #[doc(hidden)]
    pub fn may_have_copies(&self, bytes: &[u8]) -> bool {
        self.found.may_occur_in(bytes)
    }

    /// Masks copies of the values that were found in the event, and nothing else.
    #[doc(hidden)]
    pub fn copies(&mut self, input: &[u8], out: &mut Vec<u8>) -> RedactOutcome {
        if is_mask(input) || !self.found.occur_in(input) {
            return RedactOutcome::Clean;
        }
        let mut hits = ::core::mem::take(&mut self.hits);
        let mut finder = Finder::new(&self.rules, input, false, &mut hits);
        detect::find_copies_of(&mut finder, &self.found);
        merge(&mut hits);
        self.render(input, &hits, out);
        self.hits = hits;
        RedactOutcome::Replaced
    }

    /// Redacts the text in `out` after `base` until nothing more is found.
    ///
    /// A replacement can end a word that had prevented a match (`a@b.com-----BEGIN…`). Only values with a
    /// hit pay for this. A value that does not become stable is masked whole.
    fn redact_until_stable(&mut self, base: usize, out: &mut Vec<u8>) {
        let mut again = ::core::mem::take(&mut self.again);
        let mut rest = false;
        for _ in 0..PASSES_MAX {
            again.clear();
            if self.text(&out[base..], false, 0, &mut again) == RedactOutcome::Clean {
                rest = true;
                break;
            }
            out.truncate(base);
            out.extend_from_slice(&again);
        }
        self.again = again;
        if !rest {
            out.truncate(base);
            let _ = self.whole(HitKind::Overrun, rule::OVERRUN, out);
        }
    }

    /// Redacts a number written as `text` (digits, sign, point, exponent) below a key of `class`.
    ///
    /// The replacement is text: a JSON number becomes a JSON string.
    pub fn number(&mut self, class: KeyClass, text: &[u8], out: &mut Vec<u8>) -> RedactOutcome {
        let whole = text.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-');
        let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
        let is_replaced = match class {
            KeyClass::Custom => digits > 0,
            _ if self.rules.is_compat => class != KeyClass::Plain,
            KeyClass::Address => is_coordinate(text),
            _ => class.number_digits_min().is_some_and(|min| whole && digits >= min),
        };
        if !is_replaced {
            return RedactOutcome::Clean;
        }
        self.counts[usize::from(rule::KEY_NUMBER)] += 1;
        self.note(class, text);
        self.push_replacement(class, text, out);
        RedactOutcome::Replaced
    }

    /// Marks the values of a buffer that [`Redactor::value`] would replace.
    ///
    /// `values` are the positions of plain string values in `stretch`, ascending and without overlap; the bytes between
    /// them are ignored. Afterwards `dirty` holds one mark per value: false means that [`Redactor::value`] would find
    /// it clean. Clean text costs one pass over the buffer, however short the values are. Values that were cut or have
    /// a sensitive key must be passed to [`Redactor::value`] in any case.
    pub fn mark_dirty(&mut self, stretch: &[u8], values: &[Range<u32>], dirty: &mut Vec<bool>) {
        dirty.clear();
        dirty.resize(values.len(), false);
        let mut search = BatchScan::new(
            &self.rules,
            &mut self.hits,
            &mut self.memos,
            stretch,
            values,
            Some(dirty),
        );
        search.run();
    }

    /// Whether [`Redactor::value`] would find all of `values` clean; the arguments are those of
    /// [`Redactor::mark_dirty`]. Used for each record. Stops at the first value that is not clean.
    /// Allocates nothing.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// use ringseal_redact::{Redactor, Rules};
    /// let mut redactor = Redactor::new(Arc::new(Rules::standard()));
    /// assert!(redactor.is_clean(b"\x05order\x06filled", &[1..6, 7..13]));
    /// assert!(!redactor.is_clean(b"\x05order\x0fann@example.com", &[1..6, 7..22]));
    /// ```
    pub fn is_clean(&mut self, stretch: &[u8], values: &[Range<u32>]) -> bool {
        let mut search =
            BatchScan::new(&self.rules, &mut self.hits, &mut self.memos, stretch, values, None);
        search.run();
        !search.found
    }

    /// Redacts a value under a sensitive key.
    fn keyed(&mut self, class: KeyClass, input: &[u8], out: &mut Vec<u8>) -> RedactOutcome {
        if input.is_empty() || is_mask(input) || detect::is_foreign_mask(input) {
            return RedactOutcome::Clean;
        }
        if !self.rules.is_compat && is_no_secret(class, input) {
            return RedactOutcome::Clean;
        }
        if matches!(class, KeyClass::Auth | KeyClass::Token) {
            let shows_end = class == KeyClass::Auth && self.rules.profile() == Profile::Ecs;
            match detect::auth_value(input, shows_end) {
                AuthValue::Scheme { start, end, keep } => {
                    self.counts[usize::from(rule::KEY_AUTH)] += 1;
                    self.note(class, &input[start..end]);
                    out.extend_from_slice(&input[..start]);
                    out.extend_from_slice(b"****");
                    out.extend_from_slice(&input[end - usize::from(keep)..]);
                    return RedactOutcome::Replaced;
                }
                AuthValue::Masked => return RedactOutcome::Clean,
                AuthValue::Other if class == KeyClass::Auth && is_absent_value(input) => {
                    return RedactOutcome::Clean;
                }
                AuthValue::Other => {}
            }
        }
        self.counts[usize::from(rule::KEY)] += 1;
        self.note(class, input);
        self.push_replacement(class, input, out);
        RedactOutcome::Replaced
    }

    /// Notes a value that was masked under its key, if the text is one of several and a copy of it would be no chance.
    fn note(&mut self, class: KeyClass, value: &[u8]) {
        if self.notes
            && let Some(kind) = class.kind()
            && detect::is_distinct(value, kind)
        {
            self.found.add(value, if kind.is_personal() { kind } else { HitKind::Secret });
        }
    }

    /// Appends the replacement of a whole value under a key.
    fn push_replacement(&mut self, class: KeyClass, input: &[u8], out: &mut Vec<u8>) {
        if let Some(kind) = class.kind()
            && kind.is_personal()
            && self.token(kind, input, out)
        {
            return;
        }
        out.extend_from_slice(self.rules.profile().key_mask(class).as_bytes());
    }

    fn token(&self, kind: HitKind, input: &[u8], out: &mut Vec<u8>) -> bool {
        let tokenizer = self.tokenizer.as_ref().filter(|_| self.rules.tokenizes(kind));
        tokenizer.is_some_and(|t| t.token(kind, input, out))
    }

    /// Redacts a value under a plain key: JSON by its leaves, everything else as prose.
    fn text(&mut self, input: &[u8], cut: bool, depth: usize, out: &mut Vec<u8>) -> RedactOutcome {
        if input.len() < 4 || is_mask(input) {
            return RedactOutcome::Clean;
        }
        if is_container(input) && depth < LEVELS {
            let mut level = ::core::mem::take(&mut self.levels[depth]);
            let rules = Arc::clone(&self.rules);
            let outcome = match json::read(
                input,
                &rules,
                &mut self.keys,
                &mut level.stack,
                &mut level.leaves,
            ) {
                json::Shape::Json => Some(self.json(input, depth, &mut level, out)),
                json::Shape::Deep => Some(self.whole(HitKind::Overrun, rule::DEPTH, out)),
                json::Shape::Text => None,
            };
            self.levels[depth] = level;
            if let Some(outcome) = outcome {
                return outcome;
            }
        }
        self.prose(input, cut, out)
    }

    /// Masks a whole value that could not be examined.
    fn whole(&mut self, kind: HitKind, rule: u16, out: &mut Vec<u8>) -> RedactOutcome {
        self.counts[usize::from(rule)] += 1;
        out.extend_from_slice(self.rules.profile().mask(kind).as_bytes());
        RedactOutcome::Replaced
    }

    /// Redacts JSON whose leaves were listed: one scan covers all plain texts.
    fn json(
        &mut self,
        input: &[u8],
        depth: usize,
        level: &mut Level,
        out: &mut Vec<u8>,
    ) -> RedactOutcome {
        let Level { leaves, texts, marks, decoded, piece, .. } = level;
        self.notes = true;
        texts.clear();
        // A value is part of a record: far below 4 GiB.
        let plain = leaves.iter().filter(|leaf| leaf.is_plain_text());
        texts.extend(plain.map(|leaf| leaf.start as u32..leaf.end as u32));
        self.mark_dirty(input, texts, marks);
        let mut marks = marks.iter();
        let mut written = 0;
        for leaf in leaves.iter() {
            if leaf.is_plain_text()
                && marks.next() == Some(&false)
                && !self.found.occur_in(&input[leaf.start..leaf.end])
            {
                continue;
            }
            piece.clear();
            if self.leaf(input, *leaf, depth, decoded, piece) == RedactOutcome::Clean {
                continue;
            }
            out.extend_from_slice(&input[written..leaf.start]);
            let number = leaf.kind == LeafKind::Number;
            out.extend_from_slice(if number { b"\"" } else { b"" });
            json::escape(piece, out);
            out.extend_from_slice(if number { b"\"" } else { b"" });
            written = leaf.end;
        }
        if written == 0 {
            return RedactOutcome::Clean;
        }
        out.extend_from_slice(&input[written..]);
        RedactOutcome::Replaced
    }

    fn leaf(
        &mut self,
        input: &[u8],
        leaf: Leaf,
        depth: usize,
        decoded: &mut Vec<u8>,
        piece: &mut Vec<u8>,
    ) -> RedactOutcome {
        let raw = &input[leaf.start..leaf.end];
        let text = match leaf.kind {
            LeafKind::Word => return RedactOutcome::Clean,
            LeafKind::Number => return self.number(leaf.class, raw, piece),
            LeafKind::Text { escaped: false } | LeafKind::Key { escaped: false } => raw,
            LeafKind::Text { escaped: true } | LeafKind::Key { escaped: true } => {
                decoded.clear();
                json::unescape(raw, |byte| decoded.push(byte));
                decoded
            }
        };
        let class = class_of_text(leaf.class, text);
        if class == KeyClass::Plain {
            self.text(text, false, depth + 1, piece)
        } else {
            self.keyed(class, text, piece)
        }
    }

    fn prose(&mut self, input: &[u8], cut: bool, out: &mut Vec<u8>) -> RedactOutcome {
        let mut hits = ::core::mem::take(&mut self.hits);
        let Memos { signs, keys } = &mut self.memos;
        let mut finder = Finder::new(&self.rules, input, cut, &mut hits).with_keys(keys.lend());
        scan_value::scan_value(&mut finder, signs);
        detect::find_copies_of(&mut finder, &self.found);
        self.rules.find_user_literals(&mut finder);
        let outcome = if finder.over_budget() {
            self.whole(HitKind::Overrun, rule::OVERRUN, out)
        } else if hits.is_empty() {
            RedactOutcome::Clean
        } else {
            merge(&mut hits);
            if self.notes {
                detect::note_values(input, &hits, &mut self.found);
            }
            self.render(input, &hits, out);
            RedactOutcome::Replaced
        };
        self.hits = hits;
        outcome
    }

    fn render(&mut self, input: &[u8], hits: &[Hit], out: &mut Vec<u8>) {
        let mut written = 0;
        for hit in hits {
            if let Some(count) = self.counts.get_mut(usize::from(hit.rule)) {
                *count += 1;
            }
            out.extend_from_slice(&input[written..hit.start]);
            written = hit.end;
            let kept = &input[hit.end - usize::from(hit.keep)..hit.end];
            if hit.keep > 0 {
                out.extend_from_slice(b"****");
                out.extend_from_slice(kept);
            } else if !(hit.kind.is_personal()
                && self.token(hit.kind, &input[hit.start..hit.end], out))
            {
                out.extend_from_slice(self.rules.profile().mask(hit.kind).as_bytes());
            }
        }
        out.extend_from_slice(&input[written..]);
    }
}
