//! The cursor through which all code of this module appends.
//!
//! Promises: appending checks the free space with one compare, which a key and its value share, and allocates only
//! when the vector is full: at most once in a line if [`Out::reserve`] is called first. Nothing blocks, and nothing
//! panics except when memory runs out. The bytes are added to the vector when the cursor is dropped; if the cursor is
//! leaked, they are lost, which is the only effect.
use super::fragment::Fragment;
use ringseal_base::simd::{Cursor, Room, SLACK};

/// Space for a value that is written inline, quotes included.
pub(super) const VALUE: usize = SLACK - Fragment::SHORT_MAX;

/// Appends to a vector of bytes.
///
/// Its pointers stay in registers as long as it is a local variable of the function that reads a record. Pass
/// `&mut Out` only to functions that are inlined.
///
/// ```
/// use ringseal::internals::encode::{Fragment, Out};
/// let [price, qty] = [&b"{\"price\":"[..], b",\"qty\":"].map(Fragment::new);
/// let mut line = Vec::new();
/// let mut out = Out::new(&mut line);
/// out.reserve(200);
/// out.key(&price).f64(12.5);
/// out.key(&qty).i64(-3);
/// out.byte(b'}');
/// drop(out);
/// assert_eq!(line, br#"{"price":12.5,"qty":-3}"#);
/// ```
pub struct Out<'a> {
    pub(super) cursor: Cursor<'a>,
}

impl<'a> Out<'a> {
    /// Appends after the present bytes of `line`.
    #[inline(always)]
    pub fn new(line: &'a mut Vec<u8>) -> Self {
        Self { cursor: Cursor::new(line) }
    }

    /// Reserves space for `len_bytes` more bytes, and for the overshoot of the last copy.
    #[inline(always)]
    pub fn reserve(&mut self, len_bytes: usize) {
        self.cursor.ensure_many(len_bytes);
    }

    /// Runs `work` on the vector itself, so that code out of line needs no address of the cursor.
    #[inline(always)]
    pub(super) fn with_vec<R>(&mut self, work: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        self.cursor.with_vec(work)
    }

    /// Bytes in the vector, those before the cursor included.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.cursor.len()
    }

    /// Whether the vector is empty.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.cursor.is_empty()
    }

    /// One byte.
    #[inline(always)]
    pub fn byte(&mut self, byte: u8) {
        self.cursor.put(&[byte], 1);
    }

    /// Bytes whose number is known at compile time: written by moves, without a call.
    #[inline(always)]
    pub fn literal<const N: usize>(&mut self, bytes: &[u8; N]) {
        self.cursor.put(bytes, N);
    }

    /// Any bytes, unchanged.
    #[inline(always)]
    pub fn raw(&mut self, bytes: &[u8]) {
        self.cursor.raw(bytes);
    }

    /// A constant piece.
    #[inline(always)]
    pub fn fragment(&mut self, fragment: &Fragment) {
        self.key(fragment);
    }

    /// A constant piece and space for a value after it, with one check for both.
    #[inline(always)]
    pub fn key(&mut self, fragment: &Fragment) -> Slot<'_, 'a> {
        Slot(fragment.put(&mut self.cursor))
    }

    /// [`Out::key`] without a call: `None`, and no effect, if the key is longer than [`Fragment::SHORT_MAX`] or the
    /// vector has to grow. A loop of only such calls keeps all that it needs in registers.
    #[inline(always)]
    pub fn try_key(&mut self, fragment: &Fragment) -> Option<Slot<'_, 'a>> {
        fragment.try_put(&mut self.cursor).map(Slot)
    }

    /// Takes a key back after which no value was written.
    #[inline(always)]
    pub fn take_back(&mut self, fragment: &Fragment) {
        self.cursor.back(fragment.len());
    }

    /// A slot for a value.
    #[inline(always)]
    pub(super) fn slot(&mut self) -> Slot<'_, 'a> {
        Slot(self.cursor.room())
    }

    /// The output of `write` between quotes. It must not need escaping (addresses, times, UUIDs).
    #[inline(always)]
    pub fn quoted(&mut self, write: impl FnOnce(&mut Self)) {
        self.byte(b'"');
        write(self);
        self.byte(b'"');
    }

    /// Removes the last `len_bytes` bytes.
    #[cold]
    pub(super) fn remove(&mut self, len_bytes: usize) {
        self.cursor.with_vec(|line| line.truncate(line.len().saturating_sub(len_bytes)));
    }

    /// `true` or `false`.
    #[inline(always)]
    pub fn bool(&mut self, value: bool) {
        self.slot().bool(value);
    }

    /// `null`.
    #[inline(always)]
    pub fn null(&mut self) {
        self.literal(b"null");
    }
}

/// Space for one value that has been checked.
///
/// It has methods for common small values; for others, write the key with [`Out::fragment`].
pub struct Slot<'c, 'a>(pub(super) Room<'c, 'a, VALUE>);

impl Slot<'_, '_> {
    /// `true` or `false`.
    #[inline(always)]
    pub fn bool(self, value: bool) {
        let word = if value { b"true\0" } else { b"false" };
        self.0.put::<5, 0>(word, 5 - usize::from(value));
    }

    /// The first `len` bytes of a block, which are JSON.
    #[inline(always)]
    pub(super) fn block(self, block: &[u8; 32], len: usize) {
        self.0.put::<32, 0>(block, len);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_survive_growth_at_every_place() {
        let keys = [0, 1, 31, 32, 33, 95, 96, 97, 200].map(|len| Fragment::new(&vec![b'k'; len]));
        let write = |out: &mut Out<'_>| {
            for key in &keys {
                out.key(key).bool(true);
                out.key(key).u64(u64::MAX);
                out.key(key).i64(-123_456_789_012);
                out.key(key).f64(-1234.5678);
                out.key(key).f32(0.1);
                out.key(key).string(b"0123456789");
                out.key(key).string_lossy(b"new\nline");
                out.key(key).string_of(b"0123456789 and so on until it is long enough", 10);
            }
        };
        let values = [
            "true",
            "18446744073709551615",
            "-123456789012",
            "-1234.5678",
            "0.1",
            "\"0123456789\"",
            "\"new\\nline\"",
            "\"0123456789\"",
        ];
        let expected: String = keys
            .iter()
            .flat_map(|key| values.iter().map(|value| "k".repeat(key.len()) + value))
            .collect();
        assert_eq!(appended(write), expected.as_bytes());
    }

    /// A value, how it is written at once if it can be, and how it is written in general.
    type Case = (fn(Slot<'_, '_>) -> bool, fn(Slot<'_, '_>));

    #[test]
    fn values_written_at_once_equal_others() {
        const TEXT: &[u8; 49] = b"0123456789 and so on until it is long enough (49)";
        let cases: [Case; 17] = [
            (|slot| slot.try_u64(0), |slot| slot.u64(0)),
            (|slot| slot.try_u64(9), |slot| slot.u64(9)),
            (|slot| slot.try_u64(10), |slot| slot.u64(10)),
            (|slot| slot.try_u64(100), |slot| slot.u64(100)),
            (|slot| slot.try_u64(12_345_678), |slot| slot.u64(12_345_678)),
            (|slot| slot.try_u64(9_999_999_999_999_999), |slot| slot.u64(9_999_999_999_999_999)),
            (|slot| slot.try_u64(u64::MAX), |slot| slot.u64(u64::MAX)),
            (|slot| slot.try_i64(-7), |slot| slot.i64(-7)),
            (|slot| slot.try_i64(7), |slot| slot.i64(7)),
            (|slot| slot.try_i64(i64::MIN), |slot| slot.i64(i64::MIN)),
            (|slot| slot.try_f64(-1.25), |slot| slot.f64(-1.25)),
            (|slot| slot.try_f64(1e300), |slot| slot.f64(1e300)),
            (|slot| slot.try_string_of(b"", 0), |slot| slot.string_of(b"", 0)),
            (|slot| slot.try_string_of(TEXT, 7), |slot| slot.string_of(TEXT, 7)),
            (|slot| slot.try_string_of(TEXT, 40), |slot| slot.string_of(TEXT, 40)),
            (|slot| slot.try_string_of(b"a\"b", 3), |slot| slot.string_of(b"a\"b", 3)),
            (
                |slot| slot.try_string_of("grün".as_bytes(), 5),
                |slot| slot.string_of("grün".as_bytes(), 5),
            ),
        ];
        for key in [0, 1, 31, 32, 33, 97].map(|len| Fragment::new(&vec![b'k'; len])) {
            for (at_once, general) in cases {
                for capacity in [1, 2, 90, 96, 97, 98, 128, 129, 130, 200] {
                    let mut line = Vec::with_capacity(capacity);
                    line.push(b'#');
                    let mut out = Out::new(&mut line);
                    let is_written = out.try_key(&key).is_some_and(at_once);
                    drop(out);
                    if is_written {
                        assert_eq!(line[1..], appended(|out| general(out.key(&key))));
                        assert!(key.len() <= Fragment::SHORT_MAX);
                    } else {
                        let mut out = Out::new(&mut line);
                        if out.len() > 1 {
                            out.take_back(&key);
                        }
                        drop(out);
                        assert_eq!(line, b"#");
                    }
                }
            }
        }
    }

    #[test]
    fn no_more_is_taken_back_than_there_is() {
        let mut line = b"abc".to_vec();
        let mut out = Out::new(&mut line);
        out.take_back(&Fragment::new(&[b'k'; 20]));
        assert!(out.is_empty());
        drop(out);
        assert_eq!(line, b"");
    }

    /// The bytes that `write` appends to a line of one byte. Many capacities are tried, so that the
    /// vector grows at each position.
    fn appended(write: impl Fn(&mut Out<'_>)) -> Vec<u8> {
        let mut all: Vec<Vec<u8>> = (1..if cfg!(miri) { 12 } else { 400 })
            .map(|capacity| {
                let mut line = Vec::with_capacity(capacity);
                line.push(b'#');
                write(&mut Out::new(&mut line));
                line
            })
            .collect();
        let first = all.swap_remove(0);
        assert!(all.iter().all(|line| *line == first));
        first[1..].to_vec()
    }

    #[test]
    fn raw_bytes_of_any_length_arrive() {
        let text: Vec<u8> = (0..=255u8).collect();
        for len in 0..=text.len() {
            assert_eq!(appended(|out| out.raw(&text[..len])), &text[..len]);
        }
    }

    #[test]
    fn words_and_literals_arrive() {
        let write = |out: &mut Out<'_>| {
            out.bool(true);
            out.byte(b',');
            out.bool(false);
            out.literal(b", ");
            out.null();
            out.quoted(|out| out.hex(b"\x2A"));
        };
        assert_eq!(appended(write), b"true,false, null\"2a\"");
    }

    #[test]
    fn the_length_includes_earlier_bytes() {
        let mut line = b"abc".to_vec();
        let mut out = Out::new(&mut line);
        assert!(!out.is_empty());
        out.reserve(1000);
        out.byte(b'd');
        assert_eq!(out.len(), 4);
        drop(out);
        assert_eq!(line, b"abcd");
        assert!(line.capacity() >= 1003);
    }

    #[test]
    fn a_leaked_cursor_loses_only_its_own_bytes() {
        let mut line = b"abc".to_vec();
        let mut out = Out::new(&mut line);
        out.byte(b'd');
        std::mem::forget(out);
        assert_eq!(line, b"abc");
    }
}
