//! The pairs of a record and of its loggers as fields.
use std::fmt;

use ringseal::bridge::SiteWriter;
use ringseal::value::{DisplayValue, Value, ValueWriter};
use slog::{KV, Key, OwnedKVList, Record, Serializer};

/// The key of a report that a pair could not be serialized; the pairs after it are missing.
const ERROR_KEY: &str = "slog.error";

/// How many keys are compared without an allocation.
const KEYS_INLINE: usize = 32;

/// A value for either kind of writer.
pub(super) trait Pair {
    fn field(&self, key: &str, out: &mut SiteWriter<'_, '_>);
    fn entry(&self, key: &str, out: &mut ValueWriter<'_>);
}

impl<V: Value> Pair for V {
    fn field(&self, key: &str, out: &mut SiteWriter<'_, '_>) {
        out.field(key, self);
    }

    fn entry(&self, key: &str, out: &mut ValueWriter<'_>) {
        out.entry(key, self);
    }
}

type Write<'w> = &'w mut dyn FnMut(&str, &dyn Pair);

/// Passes each pair to `write`, the nearest first: those of the record, of its logger, of the loggers above it. Pairs
/// whose key has been passed are left out.
pub(super) fn write_pairs(record: &Record<'_>, values: &OwnedKVList, write: Write<'_>) {
    let mut pairs = Pairs { write, seen: Seen::new() };
    let result = record.kv().serialize(record, &mut pairs);
    let result = result.and_then(|()| values.serialize(record, &mut pairs));
    if let Err(error) = result {
        (pairs.write)(ERROR_KEY, &DisplayValue(error));
    }
}

/// The hashes of the keys that were passed.
struct Seen {
    inline: [u64; KEYS_INLINE],
    len: usize,
    further: Vec<u64>,
}

impl Seen {
    fn new() -> Self {
        Seen { inline: [0; KEYS_INLINE], len: 0, further: Vec::new() }
    }

    /// Adds a key; returns whether it is new.
    fn add(&mut self, key: &str) -> bool {
        let hash = hash(key);
        if self.inline[..self.len].contains(&hash) || self.further.contains(&hash) {
            return false;
        }
        match self.inline.get_mut(self.len) {
            Some(place) => (*place, self.len) = (hash, self.len + 1),
            None => self.further.push(hash),
        }
        true
    }
}

/// FNV-1a. Keys are texts of the program, so equal hashes of two keys need not be expected.
fn hash(key: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    key.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

/// Passes each new pair on.
struct Pairs<'w> {
    write: Write<'w>,
    seen: Seen,
}

impl Pairs<'_> {
    #[allow(clippy::useless_asref, reason = "with a feature of slog, keys are not `&'static str`")]
    fn pair(&mut self, key: Key, value: &dyn Pair) -> slog::Result {
        let key: &str = key.as_ref();
        if self.seen.add(key) {
            (self.write)(key, value);
        }
        Ok(())
    }
}

macro_rules! typed {
    ($($name:ident: $type:ty;)+) => {$(
        fn $name(&mut self, key: Key, value: $type) -> slog::Result {
            self.pair(key, &value)
        }
    )+};
}

impl Serializer for Pairs<'_> {
    typed! {
        emit_usize: usize;
        emit_isize: isize;
        emit_bool: bool;
        emit_char: char;
        emit_u8: u8;
        emit_i8: i8;
        emit_u16: u16;
        emit_i16: i16;
        emit_u32: u32;
        emit_i32: i32;
        emit_f32: f32;
        emit_u64: u64;
        emit_i64: i64;
        emit_f64: f64;
        emit_u128: u128;
        emit_i128: i128;
        emit_str: &str;
    }

    fn emit_unit(&mut self, key: Key) -> slog::Result {
        self.emit_none(key)
    }

    fn emit_none(&mut self, key: Key) -> slog::Result {
        self.pair(key, &None::<u64>)
    }

    fn emit_arguments(&mut self, key: Key, value: &fmt::Arguments<'_>) -> slog::Result {
        match value.as_str() {
            Some(text) => self.pair(key, &text),
            None => self.pair(key, &DisplayValue(value)),
        }
    }

    #[cfg(feature = "nested-values")]
    fn emit_serde(&mut self, key: Key, value: &dyn slog::SerdeValue) -> slog::Result {
        self.pair(key, &ringseal::serialize(value.as_serde()))
    }

    fn emit_error(&mut self, key: Key, error: &(dyn std::error::Error + 'static)) -> slog::Result {
        self.pair(key, &error)
    }
}

/// The keys of the pairs, each once, in the order in which they are passed.
pub(super) fn keys_of(record: &Record<'_>, values: &OwnedKVList) -> Vec<String> {
    let mut keys = Vec::new();
    write_pairs(record, values, &mut |key, _| keys.push(key.to_owned()));
    keys
}
