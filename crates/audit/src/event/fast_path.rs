//! The fast path of an event into its record: computes the exact length of its entries, then writes them.
//!
//! Promises: writes exactly the bytes that [`write_entries`](super::AuditEvent::write_entries) writes. An event with a
//! value that is nested, formatted or over a limit does not take this path; nearly all events do. A value of the
//! caller's own type is read back before it counts, so that evidence does not depend on the type being right about its
//! own size. Nothing is allocated. All other fields have types known at compile time, so both walks are inlined.
use super::EventWithContext;
use super::bound_ids::EngineSource;
use super::fields::{Fields, Source, Visitor};
use super::fixed::Fixed;
use ringseal_base::limits::Limits;
use ringseal_base::value::put::{put_bytes, put_container, put_key};
use ringseal_base::value::{Map, NOT_PLAIN, Value, ValueRef, plain_bytes_within, tag};

/// Tag and length of a container.
const FRAME_BYTES: usize = 5;
/// Length of a key.
const KEY_BYTES: usize = 2;
const KEY_BYTES_MAX: usize = u16::MAX as usize;
/// Depth of the deepest list in an event: an actor's roles.
const DEPTH_MAX: u8 = 2;
/// A tag that no value has.
const NO_TAG: u8 = u8::MAX;

impl EventWithContext<'_> {
    /// The exact length of its entries; [`NOT_PLAIN`] or more if [`EventWithContext::write_entries`] must write them.
    #[inline]
    pub fn plain_bytes(&self, limits: &Limits) -> usize {
        let sum = if limits.depth_max < DEPTH_MAX { NOT_PLAIN } else { 0 };
        let mut all = SizeVisitor { sum, limits };
        self.each(&mut all);
        all.sum
    }

    /// Writes its entries to the front of `out`, which must be long enough, and returns their length; `None` if a value
    /// of the caller's own type wrote something that cannot be read.
    #[inline]
    pub fn put(&self, out: &mut [u8]) -> Option<usize> {
        let room = out.len();
        let mut put = WriteVisitor { out, is_wrong: false };
        self.each(&mut put);
        if put.is_wrong { None } else { room.checked_sub(put.out.len()) }
    }
}

/// Adds up lengths.
struct SizeVisitor<'l> {
    sum: usize,
    limits: &'l Limits,
}

impl Visitor for SizeVisitor<'_> {
    #[inline(always)]
    fn field<V: Value + ?Sized>(&mut self, key: &'static str, value: &V) {
        self.sum += KEY_BYTES + key.len() + plain_bytes_within(value, self.limits);
    }

    #[inline(always)]
    fn fixed(&mut self, fixed: &'static Fixed) {
        let is_long = fixed.text_bytes_max > self.limits.value_bytes_max as usize;
        self.sum += if is_long { NOT_PLAIN } else { fixed.entries.len() };
    }

    #[inline]
    fn any(&mut self, key: &'static str, value: &dyn Value) {
        if !value.is_absent() {
            self.sum += KEY_BYTES + key.len() + plain_bytes_within(value, self.limits);
        }
    }

    #[inline(always)]
    fn part<P: Fields + Value>(&mut self, key: &'static str, part: &P) {
        self.sum += KEY_BYTES + key.len() + FRAME_BYTES;
        part.each(self);
    }

    #[inline]
    fn texts(&mut self, key: &'static str, texts: &[&str]) {
        self.sum += KEY_BYTES + key.len() + FRAME_BYTES;
        self.sum += texts.iter().map(|text| plain_bytes_within(*text, self.limits)).sum::<usize>();
    }

    #[inline]
    fn map(&mut self, key: &'static str, map: &Map<'_>) {
        self.sum += KEY_BYTES + key.len() + FRAME_BYTES;
        for (key, value) in map.0.iter().filter(|(_, value)| !value.is_absent()) {
            let key_len = if key.len() <= KEY_BYTES_MAX { key.len() } else { NOT_PLAIN };
            self.sum += KEY_BYTES + key_len + plain_bytes_within(*value, self.limits);
        }
    }

    #[inline(always)]
    fn source(&mut self, source: &Source<'_>, own: Option<&EngineSource>) {
        match entries_of(source, own) {
            Some(entries) => self.sum += entries.len(),
            None => source.or_engine(own).each(self),
        }
    }
}

/// Writes values.
struct WriteVisitor<'b> {
    out: &'b mut [u8],
    /// Something was written that cannot be read.
    is_wrong: bool,
}

impl WriteVisitor<'_> {
    /// Calls `put` with the rest of the buffer.
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

    #[inline(always)]
    fn fixed(&mut self, fixed: &'static Fixed) {
        self.with(|out| put_bytes(out, fixed.entries));
    }

    #[inline]
    fn any(&mut self, key: &'static str, value: &dyn Value) {
        if !value.is_absent() {
            let is_wrong = &mut self.is_wrong;
            self.out = put_any(put_key(std::mem::take(&mut self.out), key), value, is_wrong);
        }
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
            for (key, value) in map.0.iter().filter(|(_, value)| !value.is_absent()) {
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
            None => source.or_engine(own).each(self),
        }
    }
}

/// The engine's encoded source, if the event sets no source and the encoding exists.
#[inline(always)]
fn entries_of<'o>(source: &Source<'_>, own: Option<&'o EngineSource>) -> Option<&'o [u8]> {
    if source.is_empty() { own?.entries() } else { None }
}

/// Writes a value of any type and reads it back: it must be exactly one flat value. One that is absent but does
/// not say so is wrong here, because its key is already written; the long way leaves both out.
#[inline]
fn put_any<'b>(out: &'b mut [u8], value: &dyn Value, is_wrong: &mut bool) -> &'b mut [u8] {
    if let Some(first) = out.first_mut() {
        // Old bytes of the ring must not be mistaken for a written value.
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
    let is_other = match read {
        Ok(value) => matches!(
            value,
            ValueRef::Array(_)
                | ValueRef::Map(_)
                | ValueRef::Error(_)
                | ValueRef::Pii(..)
                | ValueRef::Absent
        ),
        Err(_) => true,
    };
    *is_wrong |= is_other || !unread.is_empty();
    rest
}
