//! The short way of an event into its record: how long its entries are, to the byte, and then those bytes.
//!
//! Promises: what is written here is what [`write_entries`](super::AuditEvent::write_entries) writes. An event with a
//! value that is nested, formatted or over a limit does not go this way; nearly all do. Nothing is allocated, and both
//! walks are flat: the compiler sees every field's type.
use super::Filled;
use super::bound::OwnSource;
use super::parts::{Parts, See, Source};
use crate::core::limits::Limits;
use crate::core::value::put::{put_bytes, put_container, put_key};
use crate::core::value::{Map, NOT_PLAIN, Value, tag};

/// A container's tag and length.
const FRAME_BYTES: usize = 5;
/// A key's length.
const KEY_BYTES: usize = 2;
const KEY_BYTES_MAX: usize = u16::MAX as usize;

impl Filled<'_> {
    /// The exact bytes of its entries; [`NOT_PLAIN`] or more if [`Filled::write_entries`] has to write them.
    #[inline]
    pub(crate) fn plain_bytes(&self, limits: &Limits) -> usize {
        let sum = if limits.depth_max == 0 { NOT_PLAIN } else { 0 };
        let mut all = Sum { sum, limits };
        self.each(&mut all);
        all.sum
    }

    /// Writes its entries to the front of `out`, which has room for them, and says how many bytes that were.
    #[inline]
    pub(crate) fn put(&self, out: &mut [u8]) -> usize {
        let room = out.len();
        let mut put = Put { out };
        self.each(&mut put);
        room - put.out.len()
    }
}

/// Adds up.
struct Sum<'l> {
    sum: usize,
    limits: &'l Limits,
}

impl See for Sum<'_> {
    #[inline(always)]
    fn field<V: Value + ?Sized>(&mut self, key: &'static str, value: &V) {
        self.sum += KEY_BYTES + key.len() + value.plain_bytes(self.limits);
    }

    #[inline(always)]
    fn part<P: Parts + Value>(&mut self, key: &'static str, part: &P) {
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
            self.sum += KEY_BYTES + key_len + value.plain_bytes(self.limits);
        }
    }

    #[inline(always)]
    fn source(&mut self, source: &Source<'_>, own: Option<&OwnSource>) {
        match entries_of(source, own) {
            Some(entries) => self.sum += entries.len(),
            None => source.filled(own).each(self),
        }
    }
}

/// Writes.
struct Put<'b> {
    out: &'b mut [u8],
}

impl Put<'_> {
    /// Lets `put` write to the front of what is left.
    #[inline(always)]
    fn with(&mut self, put: impl for<'o> FnOnce(&'o mut [u8]) -> &'o mut [u8]) {
        self.out = put(std::mem::take(&mut self.out));
    }
}

impl See for Put<'_> {
    #[inline(always)]
    fn field<V: Value + ?Sized>(&mut self, key: &'static str, value: &V) {
        self.with(|out| value.put(put_key(out, key)));
    }

    #[inline(always)]
    fn part<P: Parts + Value>(&mut self, key: &'static str, part: &P) {
        self.with(|out| {
            put_container(put_key(out, key), tag::MAP, |out| {
                let mut put = Put { out };
                part.each(&mut put);
                put.out
            })
        });
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
        self.with(|out| {
            let put_entry = |out, (key, value): &(&str, &dyn Value)| value.put(put_key(out, key));
            put_container(put_key(out, key), tag::MAP, |out| map.0.iter().fold(out, put_entry))
        });
    }

    #[inline(always)]
    fn source(&mut self, source: &Source<'_>, own: Option<&OwnSource>) {
        match entries_of(source, own) {
            Some(entries) => self.with(|out| put_bytes(out, entries)),
            None => source.filled(own).each(self),
        }
    }
}

/// What the engine says of itself in all events, where the event says nothing and it stands ready.
#[inline(always)]
fn entries_of<'o>(source: &Source<'_>, own: Option<&'o OwnSource>) -> Option<&'o [u8]> {
    if source.is_empty() { own?.entries() } else { None }
}
