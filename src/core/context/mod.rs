//! Contexts: fields of many events, written into a ring once and referred to by number from then on. They are bound to
//! a logger, or are those of a thread's ambient context.
//!
//! Promises: `bind` makes a context and allocates once; the context is immutable afterwards. Each lane and the writer
//! keep the same table of the contexts last used there, by [`Context::number`], so a definition is written only when
//! the table does not hold it, and the writer's memory does not grow with the number of contexts.
mod merge;
#[cfg(test)]
mod merge_tests;

use std::sync::atomic::{AtomicU64, Ordering};

use super::field::Fields;
use super::record::Slots;
use super::sampling::trace;
use ringseal_base::limits::Limits;
use ringseal_base::value::{Entries, ValueWriter};

/// Numbers of contexts in a lane, and 0 for none: a power of two, so that the compiler sees that each is in a table.
pub const NUMBERS: usize = 1024;

/// The fields of a context, encoded as the entries of a map.
#[derive(Debug, Clone)]
pub struct Context {
    id: u64,
    /// As in a record's header, so that an event copies it.
    slots: Slots,
    entries: Box<[u8]>,
    /// The randomness of the trace id among the fields.
    randomness: Option<u64>,
}

impl Context {
    /// A context of `parent`'s fields and these, which override those of `parent` with the same path.
    pub fn new(parent: Option<&Context>, own: &[u8]) -> Context {
        let Some(parent) = parent else { return Self::of(own.into()) };
        let mut entries = Vec::new();
        merge::merge(&parent.entries, own, &mut entries);
        Self::of(entries.into())
    }

    /// These fields, and those of `parent` that they do not replace.
    pub fn over(&self, parent: Option<&Context>) -> Context {
        Context::new(parent, &self.entries)
    }

    /// Whether there is a field of this key.
    pub fn has(&self, key: &[u8]) -> bool {
        self.values().any(|entry| entry.is_ok_and(|(own, _)| own == key))
    }

    /// This context without the field of this path, and without those inside of it.
    pub fn without(&self, path: &str) -> Context {
        let mut entries = Vec::new();
        merge::remove(&self.entries, path, &mut entries);
        Self::of(entries.into())
    }

    /// A context of these entries alone.
    pub fn of(entries: Box<[u8]>) -> Context {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let randomness = trace::in_entries(Entries(&entries));
        // ORDER: relaxed; only uniqueness matters.
        Self::with_id(NEXT.fetch_add(1, Ordering::Relaxed), entries, randomness)
    }

    /// A context of these entries.
    pub(super) fn with_id(id: u64, entries: Box<[u8]>, randomness: Option<u64>) -> Context {
        let slots = Slots::new(1 + (id % (NUMBERS as u64 - 1)) as u16, 0);
        Context { id, slots, entries, randomness }
    }

    /// Unique in the process.
    #[inline(always)]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The randomness of the trace id among its fields; see [`trace::randomness`].
    #[inline]
    pub fn randomness(&self) -> Option<u64> {
        self.randomness
    }

    /// Its slot in every lane's tables, by which records refer to it: 1 and above.
    #[inline(always)]
    pub fn number(&self) -> u16 {
        self.slots.bound()
    }

    /// The slots of a record of an event with this bound context alone.
    #[inline(always)]
    pub fn as_bound(&self) -> Slots {
        self.slots
    }

    /// The entries of a map.
    pub fn entries(&self) -> &[u8] {
        &self.entries
    }

    /// Bytes of all entries.
    pub fn entries_bytes(&self) -> usize {
        self.entries.len()
    }

    /// The first entries that fit into `bytes_max`, and whether any are missing.
    pub fn entries_within(&self, bytes_max: usize) -> (&[u8], bool) {
        if self.entries.len() <= bytes_max {
            return (&self.entries, false);
        }
        let mut rest = Entries(&self.entries);
        let mut len = 0;
        while let Some(Ok(_)) = rest.next() {
            let end = self.entries.len() - rest.0.len();
            if end > bytes_max {
                break;
            }
            len = end;
        }
        (&self.entries[..len], true)
    }

    /// The value of a field that is a text, or a number or truth value as text.
    pub fn text(&self, key: &str) -> Option<String> {
        let mut values = self.values().filter_map(Result::ok);
        values.find(|(own, _)| *own == key.as_bytes())?.1.plain_text()
    }

    /// All entries, for reading.
    pub fn values(&self) -> Entries<'_> {
        Entries(&self.entries)
    }
}

/// Fields with keys that are passed at run time; implemented for every list of [`Fields`].
pub trait KeyedFields {
    /// An upper bound of the bytes of all values.
    fn size_bytes_max(&self, limits: &Limits) -> usize;

    /// Writes key and value alternately. An entry that does not fit whole is left out.
    fn write_keyed(&self, keys: &[&str], out: &mut ValueWriter<'_>);
}

impl KeyedFields for () {
    fn size_bytes_max(&self, _limits: &Limits) -> usize {
        0
    }

    fn write_keyed(&self, _keys: &[&str], _out: &mut ValueWriter<'_>) {}
}

impl<V: ringseal_base::value::Value, R: KeyedFields + Fields> KeyedFields for (V, R) {
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        self.0.size_bytes_max(limits) + KeyedFields::size_bytes_max(&self.1, limits)
    }

    fn write_keyed(&self, keys: &[&str], out: &mut ValueWriter<'_>) {
        if let Some((key, rest)) = keys.split_first() {
            out.entry(key, &self.0);
            self.1.write_keyed(rest, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringseal_base::value::ValueRef;

    fn context(parent: Option<&Context>, entries: &[(&str, u64)]) -> Context {
        let mut bytes = [0; 256];
        let mut out = ValueWriter::new(&mut bytes, Limits::default());
        entries.iter().for_each(|(key, value)| out.entry(key, value));
        let len = out.len_bytes();
        Context::new(parent, &bytes[..len])
    }

    fn read(context: &Context) -> Vec<(&[u8], ValueRef<'_>)> {
        context.values().map(Result::unwrap).collect()
    }

    #[test]
    fn a_later_binding_overrides_without_changing_the_original() {
        let parent = context(None, &[("a", 1), ("b", 2)]);
        let child = context(Some(&parent), &[("b", 3), ("c", 4)]);
        let entry = |key: &'static str, value| (key.as_bytes(), ValueRef::U64(value));
        assert_eq!(read(&child), [entry("a", 1), entry("b", 3), entry("c", 4)]);
        assert_eq!(read(&parent), [entry("a", 1), entry("b", 2)]);
        assert_ne!(child.id(), parent.id());
        assert!(
            [child, parent].iter().all(|context| (1..NUMBERS as u16).contains(&context.number()))
        );
    }

    #[test]
    fn values_that_do_not_fit_are_whole_entries() {
        let fields = (1u64, ("a text", (true, ())));
        for room in 0..64 {
            let mut bytes = vec![0; room];
            let mut out = ValueWriter::new(&mut bytes, Limits::default());
            fields.write_keyed(&["a", "b", "c"], &mut out);
            let (len, is_cut) = (out.len_bytes(), out.is_cut());
            let count = Entries(&bytes[..len]).map(Result::unwrap).count();
            assert_eq!(is_cut, count < 3, "{room} bytes");
        }
    }
}
