//! Copies of a value in the other values of its event: `password="hunter2x", note="tried hunter2x"`.
//!
//! The redactor notes what it masks under keys while an event is rewritten. If a noted value occurs in the result, the
//! result is copied once more with these values masked. Only events in which a key's value was masked are searched, and
//! once for each of at most 16 values. Nothing is allocated once the buffers have grown.
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::key_facts::Keys;
use super::rewrite::{Rewriter, read_key};
use super::{Buffers, FAILED};
use ringseal_base::value::{Entries, ReadError, ValueRef, Values, tag};
use ringseal_redact::{RedactOutcome, Redactor};

/// What a payload contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Values,
    Entries,
}

/// Masks the copies in `buffers.payload`.
pub(super) fn mask(
    redactor: &mut Redactor,
    keys: &mut Keys,
    buffers: &mut Buffers,
    shape: Shape,
) -> Result<(), ReadError> {
    if !redactor.may_have_copies(&buffers.payload) {
        return Ok(());
    }
    std::mem::swap(&mut buffers.payload, &mut buffers.before_copies);
    let before = std::mem::take(&mut buffers.before_copies);
    let mut rewriter = Rewriter::new(redactor, keys, buffers, false);
    let result = match shape {
        Shape::Values => rewriter.mask_values(&before),
        Shape::Entries => rewriter.mask_entries(&before),
    };
    buffers.before_copies = before;
    result
}

/// Masks the copies in an event's text, which is `text` if it is clean, and in `buffers.name` otherwise.
/// Returns whether it is clean.
pub(super) fn mask_in_name(
    redactor: &mut Redactor,
    text: &[u8],
    is_clean: bool,
    buffers: &mut Buffers,
) -> bool {
    let Buffers { name, redacted_text, .. } = buffers;
    let shown = if is_clean { text } else { &name[..] };
    if !redactor.may_have_copies(shown) {
        return is_clean;
    }
    redacted_text.clear();
    let masked = catch_unwind(AssertUnwindSafe(|| redactor.copies(shown, redacted_text)));
    match masked {
        Ok(RedactOutcome::Clean) => return is_clean,
        Ok(RedactOutcome::Replaced) => std::mem::swap(name, redacted_text),
        Err(_) => {
            name.clear();
            name.extend_from_slice(FAILED);
        }
    }
    false
}

impl Rewriter<'_> {
    fn mask_values(&mut self, mut values: &[u8]) -> Result<(), ReadError> {
        while !values.is_empty() {
            self.mask_next(&mut values)?;
        }
        Ok(())
    }

    fn mask_entries(&mut self, mut entries: &[u8]) -> Result<(), ReadError> {
        while !entries.is_empty() {
            let key = read_key(&mut entries)?;
            match self.masked(key) {
                RedactOutcome::Clean => self.key(key),
                RedactOutcome::Replaced => {
                    let redacted_text = std::mem::take(self.redacted_text);
                    self.key(&redacted_text);
                    *self.redacted_text = redacted_text;
                }
            }
            self.mask_next(&mut entries)?;
        }
        Ok(())
    }

    /// Copies one value from the front of `payload`, with copies masked.
    fn mask_next(&mut self, payload: &mut &[u8]) -> Result<(), ReadError> {
        let before = *payload;
        match ValueRef::read(payload)? {
            ValueRef::Array(Values(values)) => self.mask_nested(tag::ARRAY, values)?,
            ValueRef::Error(Values(values)) => self.mask_nested(tag::ERROR, values)?,
            ValueRef::Map(Entries(entries)) => {
                let open = self.open(tag::MAP);
                self.mask_entries(entries)?;
                self.close(open);
            }
            leaf => {
                let (outcome, cut) = match leaf {
                    ValueRef::Str(text) | ValueRef::Bytes(text) => (self.masked(text), None),
                    ValueRef::StrCut(text, whole) | ValueRef::BytesCut(text, whole) => {
                        (self.masked(text), Some(whole))
                    }
                    _ => (RedactOutcome::Clean, None),
                };
                match (outcome, cut) {
                    (RedactOutcome::Clean, _) => {
                        self.out.extend_from_slice(&before[..before.len() - payload.len()]);
                    }
                    (RedactOutcome::Replaced, None) => self.put_answer(),
                    (RedactOutcome::Replaced, Some(whole)) => self.put_cut(whole),
                }
            }
        }
        Ok(())
    }

    fn mask_nested(&mut self, tag: u8, values: &[u8]) -> Result<(), ReadError> {
        let open = self.open(tag);
        self.mask_values(values)?;
        self.close(open);
        Ok(())
    }

    fn masked(&mut self, text: &[u8]) -> RedactOutcome {
        self.redacted_text.clear();
        self.redactor.copies(text, self.redacted_text)
    }
}
