//! The prescan of an event's values: whether the event can be passed through unchanged.
//!
//! It collects the positions of texts for one scan, and evaluates numbers and keys itself. Events that it
//! rejects are redacted value by value afterwards, so it may reject too many events, but never too few.
use std::ops::Range;

use super::key_facts::Keys;
use ringseal_base::value::{Entries, ReadError, ValueRef, Values, tag};
use ringseal_redact::{KeyClass, Redactor, Ruling, Scope};

/// Shorter texts cannot contain a hit.
pub(super) const TEXT_BYTES_MIN: usize = 4;

/// The result of the prescan of an event.
#[derive(Debug, Default)]
pub(super) struct Prescan {
    /// Texts under plain keys.
    texts: Vec<Range<u32>>,
    /// Whether the event must be redacted value by value, even if its texts have no hits.
    needs_rewrite: bool,
}

impl Prescan {
    pub(super) fn clear(&mut self) {
        self.texts.clear();
        self.needs_rewrite = false;
    }

    /// Scans the values of a call site's fields, whose keys are `names`, and a stack after them.
    #[inline]
    pub(super) fn values(
        &mut self,
        rulings: &[Ruling],
        names: &[&str],
        payload: &[u8],
        redactor: &mut Redactor,
        keys: &mut Keys,
    ) -> Result<(), ReadError> {
        let mut rest = payload;
        let mut left = rulings.iter();
        while let Some(&ruling) = left.next() {
            if !self.plain(ruling.class, payload, &mut rest) {
                let value = ValueRef::read(&mut rest)?;
                // Only values that contain others have a use for their key.
                let index = rulings.len() - left.len() - 1;
                let name = names.get(index).map_or(&b""[..], |name| name.as_bytes());
                self.value(ruling, name, value, payload, redactor, keys)?;
            }
        }
        if !rest.is_empty() {
            let stack = ValueRef::read(&mut rest)?;
            self.value(Ruling::default(), b"", stack, payload, redactor, keys)?;
        }
        Ok(())
    }

    /// Handles a value of the most frequent types; returns whether it was one.
    #[inline(always)]
    fn plain(&mut self, class: KeyClass, payload: &[u8], rest: &mut &[u8]) -> bool {
        let Some(([tag, word @ ..], after)) = rest.split_first_chunk::<9>() else {
            return skip_absent(rest);
        };
        let word = u64::from_le_bytes(*word);
        match *tag {
            tag::U64 => {
                self.needs_rewrite |= class != KeyClass::Plain || may_be_card(word);
                *rest = after;
            }
            tag::I64 => {
                let size = (word as i64).unsigned_abs();
                self.needs_rewrite |= class != KeyClass::Plain || may_be_card(size);
                *rest = after;
            }
            tag::F64 | tag::SINCE | tag::SINCE_MICROS | tag::SPAN_ID => {
                self.needs_rewrite |= class != KeyClass::Plain;
                *rest = after;
            }
            tag::ABSENT => return skip_absent(rest),
            tag::STR => {
                let len = word as u32 as usize;
                let Some(after) = rest.get(5 + len..) else { return false };
                self.needs_rewrite |= class != KeyClass::Plain;
                self.text(payload.len() - rest.len() + 5, len);
                *rest = after;
            }
            _ => return false,
        }
        true
    }

    /// Adds a text of `len` bytes at `at`.
    #[inline(always)]
    fn text(&mut self, at: usize, len: usize) {
        // Records are far below 4 GiB.
        if len >= TEXT_BYTES_MIN {
            self.texts.push(at as u32..(at + len) as u32);
        }
    }

    /// Scans a value of any type, which lies somewhere in `payload`.
    fn value(
        &mut self,
        ruling: Ruling,
        parent: &[u8],
        value: ValueRef<'_>,
        payload: &[u8],
        redactor: &mut Redactor,
        keys: &mut Keys,
    ) -> Result<(), ReadError> {
        match value {
            ValueRef::Null | ValueRef::Absent | ValueRef::Bool(_) | ValueRef::Deep => {}
            _ if ruling.class != KeyClass::Plain => self.needs_rewrite = true,
            ValueRef::Str(text) | ValueRef::Bytes(text) => {
                self.text(offset(payload, text), text.len())
            }
            ValueRef::I64(number) => self.needs_rewrite |= may_be_card(number.unsigned_abs()),
            ValueRef::U64(number) => self.needs_rewrite |= may_be_card(number),
            ValueRef::F64(_)
            | ValueRef::F32(_)
            | ValueRef::Char(_)
            | ValueRef::Duration(..)
            | ValueRef::Since(_)
            | ValueRef::SinceMicros(_)
            | ValueRef::Time(..)
            | ValueRef::Uuid(_)
            | ValueRef::SpanId(_) => {}
            ValueRef::Ipv4(_)
            | ValueRef::Ipv6(_)
            | ValueRef::SocketV4(..)
            | ValueRef::SocketV6(..) => self.needs_rewrite |= redactor.rules().ips,
            ValueRef::Number(text) => self.needs_rewrite |= text.len() >= 14,
            // The remaining types are redacted value by value.
            ValueRef::I128(_)
            | ValueRef::U128(_)
            | ValueRef::StrCut(..)
            | ValueRef::BytesCut(..)
            | ValueRef::Secret
            | ValueRef::Pii(..) => self.needs_rewrite = true,
            ValueRef::Array(values) => self.list(parent, false, values, payload, redactor, keys)?,
            ValueRef::Error(values) => {
                for value in values {
                    self.value(ruling, parent, value?, payload, redactor, keys)?;
                }
            }
            ValueRef::Map(Entries(entries)) => {
                self.entries(entries, parent, payload, redactor, keys)?
            }
        }
        Ok(())
    }

    /// Scans the entries of a map below `parent`.
    pub(super) fn entries(
        &mut self,
        entries: &[u8],
        parent: &[u8],
        payload: &[u8],
        redactor: &mut Redactor,
        keys: &mut Keys,
    ) -> Result<(), ReadError> {
        let mut scope = Scope::default();
        for entry in Entries(entries) {
            let (key, value) = entry?;
            let known = keys.facts(redactor, key, parent);
            self.needs_rewrite |= known.is_dirty;
            let ruling = scope.entry(&known.says);
            self.value(ruling, key, value, payload, redactor, keys)?;
        }
        self.needs_rewrite |= scope.may_resolve();
        Ok(())
    }

    /// Scans the items of a list below a plain key.
    fn list(
        &mut self,
        parent: &[u8],
        is_inner: bool,
        values: Values<'_>,
        payload: &[u8],
        redactor: &mut Redactor,
        keys: &mut Keys,
    ) -> Result<(), ReadError> {
        let mut scope = Scope::list(Ruling::default(), parent, is_inner);
        let mut texts = [&b""[..]; 2];
        for (index, value) in values.enumerate() {
            let value = value?;
            let text = text_of(&value);
            if let (Some(text), Some(slot)) = (text, texts.get_mut(index)) {
                *slot = text;
            }
            let class = scope.item(text, |text| keys.facts(redactor, text, b"").says.class);
            self.needs_rewrite |= class != KeyClass::Plain;
            match value {
                ValueRef::Array(inner) => {
                    self.list(parent, true, inner, payload, redactor, keys)?
                }
                value => self.value(Ruling::default(), parent, value, payload, redactor, keys)?,
            }
        }
        if scope.may_be_pair() {
            let [first, second] = texts;
            let class =
                scope.pair(first, second, |text| keys.facts(redactor, text, b"").says.class);
            self.needs_rewrite |= class != KeyClass::Plain;
        }
        Ok(())
    }

    /// The positions of the texts that have to be scanned.
    #[inline]
    pub(super) fn texts(&self) -> &[Range<u32>] {
        &self.texts
    }

    /// Whether the event must be redacted value by value, even if its texts have no hits.
    #[inline]
    pub(super) fn needs_rewrite(&self) -> bool {
        self.needs_rewrite
    }

    /// Whether the event is clean.
    #[inline]
    pub(super) fn is_clean(&mut self, payload: &[u8], redactor: &mut Redactor) -> bool {
        if self.needs_rewrite {
            return false;
        }
        if self.texts.is_empty() {
            return true;
        }
        redactor.is_clean(payload, &self.texts)
    }
}

/// Skips an absent value; returns whether there is one.
#[inline(always)]
fn skip_absent(rest: &mut &[u8]) -> bool {
    let Some((&tag::ABSENT, after)) = rest.split_first() else { return false };
    *rest = after;
    true
}

/// The text of a string.
pub(super) fn text_of<'a>(value: &ValueRef<'a>) -> Option<&'a [u8]> {
    match *value {
        ValueRef::Str(text) | ValueRef::Bytes(text) => Some(text),
        ValueRef::StrCut(text, _) | ValueRef::BytesCut(text, _) => Some(text),
        _ => None,
    }
}

/// The offset of `part` within `whole`.
fn offset(whole: &[u8], part: &[u8]) -> usize {
    part.as_ptr().addr().wrapping_sub(whole.as_ptr().addr())
}

/// Whether a number has the 14 to 16 digits of a card and does not start with 1, as microseconds since 1970
/// do.
#[inline(always)]
pub(super) fn may_be_card(number: u64) -> bool {
    const FOURTEEN: u64 = 10_000_000_000_000;
    // Almost all numbers are shorter.
    if number < FOURTEEN {
        return false;
    }
    number < 1000 * FOURTEEN && !matches!(number / FOURTEEN, 1 | 10..=19 | 100..=199)
}
