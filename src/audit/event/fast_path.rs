//! The short way of an event into its record: how long its entries are, to the byte, and then those bytes.
//!
//! Promises: what is written here is what [`write_entries`](super::AuditEvent::write_entries) writes. An event with a
//! value that is nested, formatted or over a limit does not go this way; nearly all do. A value of the caller's own
//! type is read again before it counts: evidence does not depend on its being right about itself. Nothing is allocated,
//! and both walks are flat: the compiler sees every other field's type.
use super::EventWithContext;
use super::bound_ids::EngineSource;
use super::fields::{Fields, Source, Visitor};
use crate::core::limits::Limits;
use crate::core::value::put::{put_bytes, put_container, put_key};
use crate::core::value::{Map, NOT_PLAIN, Value, ValueRef, tag};

/// A container's tag and length.
const FRAME_BYTES: usize = 5;
/// A key's length.
const KEY_BYTES: usize = 2;
const KEY_BYTES_MAX: usize = u16::MAX as usize;
/// How deep lists stand in an event: an actor's roles.
const DEPTH_MAX: u8 = 2;
/// The tag of no value.
const NO_TAG: u8 = u8::MAX;

impl EventWithContext<'_> {
    /// The exact bytes of its entries; [`NOT_PLAIN`] or more if [`EventWithContext::write_entries`] has to write them.
    #[inline]
    pub(crate) fn plain_bytes(&self, limits: &Limits) -> usize {
        let sum = if limits.depth_max < DEPTH_MAX { NOT_PLAIN } else { 0 };
        let mut all = SizeVisitor { sum, limits };
        self.each(&mut all);
        all.sum
    }

    /// Writes its entries to the front of `out`, which has room for them, and says how many bytes that were; `None` if
    /// a value of the caller's own type put there what cannot be read.
    #[inline]
    pub(crate) fn put(&self, out: &mut [u8]) -> Option<usize> {
        let room = out.len();
        let mut put = WriteVisitor { out, is_wrong: false };
        self.each(&mut put);
        if put.is_wrong { None } else { room.checked_sub(put.out.len()) }
    }
}

/// Adds up.
struct SizeVisitor<'l> {
    sum: usize,
    limits: &'l Limits,
}

impl Visitor for SizeVisitor<'_> {
    #[inline(always)]
    fn field<V: Value + ?Sized>(&mut self, key: &'static str, value: &V) {
        self.sum += KEY_BYTES + key.len() + value.plain_bytes(self.limits);
    }

    #[inline]
    fn any(&mut self, key: &'static str, value: &dyn Value) {
        self.sum += KEY_BYTES + key.len() + plain_bytes_of(value, self.limits);
    }

    #[inline(always)]
    fn part<P: Fields + Value>(&mut self, key: &'static str, part: &P) {
        self.sum += KEY_BYTES + key.len() + FRAME_BYTES;
        part.each(self);
    }

    #[inline]
    fn texts(&mut self, key: &'static str, texts: &[&str]) {
        self.sum += KEY_BYTES + key.len() + FRAME_BYTES;
        self.sum += texts.iter().map(|text| text.plain_bytes(self.limits)).sum::<usize>();
    }

    #[inline]
    fn map(&mut self, key: &'static str, map: &Map<'_>) {
        self.sum += KEY_BYTES + key.len() + FRAME_BYTES;
        for (key, value) in map.0 {
            let key_len = if key.len() <= KEY_BYTES_MAX { key.len() } else { NOT_PLAIN };
            self.sum += KEY_BYTES + key_len + plain_bytes_of(*value, self.limits);
        }
    }

    #[inline(always)]
    fn source(&mut self, source: &Source<'_>, own: Option<&EngineSource>) {
        match entries_of(source, own) {
            Some(entries) => self.sum += entries.len(),
            None => source.or_own(own).each(self),
        }
    }
}

/// Of a value of any type; one that says nonsense is not plain.
fn plain_bytes_of(value: &dyn Value, limits: &Limits) -> usize {
    value.plain_bytes(limits).min(NOT_PLAIN)
}

/// Writes.
struct WriteVisitor<'b> {
    out: &'b mut [u8],
    /// Something stands there that cannot be read.
    is_wrong: bool,
}

impl WriteVisitor<'_> {
    /// Lets `put` write to the front of what is left.
    #[inline(always)]
    fn with(&mut self, put: impl for<'o> FnOnce(&'o mut [u8]) -> &'o mut [u8]) {
        self.out = put(std::mem::take(&mut self.out));
    }
}

impl Visitor for WriteVisitor<'_> {
    #[inline(always)]
    fn field<V: Value + ?Sized>(&mut self, key: &'static str, value: &V) {
        self.with(|out| value.put(put_key(out, key)));
    }

    #[inline]
    fn any(&mut self, key: &'static str, value: &dyn Value) {
        let is_wrong = &mut self.is_wrong;
        self.out = put_any(put_key(std::mem::take(&mut self.out), key), value, is_wrong);
    }

    #[inline(always)]
    fn part<P: Fields + Value>(&mut self, key: &'static str, part: &P) {
        let is_wrong = &mut self.is_wrong;
        let put_part = |out| {
            let mut put = WriteVisitor { out, is_wrong: false };
            part.each(&mut put);
            *is_wrong |= put.is_wrong;
            put.out
        };
        self.out = put_container(put_key(std::mem::take(&mut self.out), key), tag::MAP, put_part);
    }

    #[inline]
    fn texts(&mut self, key: &'static str, texts: &[&str]) {
        self.with(|out| {
            let put_all = |out| texts.iter().fold(out, |out, text| text.put(out));
            put_container(put_key(out, key), tag::ARRAY, put_all)
        });
    }

    #[inline]
    fn map(&mut self, key: &'static str, map: &Map<'_>) {
        let is_wrong = &mut self.is_wrong;
        let put_all = |mut out| {
            for (key, value) in map.0 {
                out = put_any(put_key(out, key), *value, is_wrong);
            }
            out
        };
        self.out = put_container(put_key(std::mem::take(&mut self.out), key), tag::MAP, put_all);
    }

    #[inline(always)]
    fn source(&mut self, source: &Source<'_>, own: Option<&EngineSource>) {
        match entries_of(source, own) {
            Some(entries) => self.with(|out| put_bytes(out, entries)),
            None => source.or_own(own).each(self),
        }
    }
}

/// What the engine says of itself in all events, where the event says nothing and it stands ready.
#[inline(always)]
fn entries_of<'o>(source: &Source<'_>, own: Option<&'o EngineSource>) -> Option<&'o [u8]> {
    if source.is_empty() { own?.entries() } else { None }
}

/// Writes a value of any type, and reads it again: one flat value has to stand there, and nothing else.
#[inline]
fn put_any<'b>(out: &'b mut [u8], value: &dyn Value, is_wrong: &mut bool) -> &'b mut [u8] {
    if let Some(first) = out.first_mut() {
        // What stood in the ring before is not taken for what was put.
        *first = NO_TAG;
    }
    let room = out.len();
    let left = value.put(&mut *out).len();
    let Some((written, rest)) = room.checked_sub(left).and_then(|at| out.split_at_mut_checked(at))
    else {
        *is_wrong = true;
        return &mut [];
    };
    let mut unread = &*written;
    let read = ValueRef::read(&mut unread);
    let is_nested = matches!(
        read,
        Ok(ValueRef::Array(_) | ValueRef::Map(_) | ValueRef::Error(_) | ValueRef::Pii(..))
    );
    *is_wrong |= read.is_err() || is_nested || !unread.is_empty();
    rest
}
