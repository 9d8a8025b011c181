//! The constant start of a line, with the time in it, copied in whole blocks.
//!
//! Promises: making a template allocates; writing one allocates nothing unless the vector has to grow. A template
//! contains the second of the last line, so that only the digits after it are computed for each line.
use super::number::{ZEROS, digits6, digits8};
use super::out::Out;
use super::time::{PREFIX_LEN, Subsecond, TimeCache};

/// Bytes before the time.
pub(super) const LEAD: usize = 14;
/// The place of the digits after the second.
const FRACTION: usize = LEAD + PREFIX_LEN;
/// Bytes of the first block, which contains the time, and about as many as a line usually has before its fields.
const HEAD: usize = 192;
/// Bytes of the blocks after it.
const BLOCK: usize = 64;

/// The start of the lines of a call site: fourteen bytes, the time, and the constant members after it.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
pub(super) struct Template {
    head: [u8; HEAD],
    /// The bytes after the head, padded with zeros.
    rest: Box<[[u8; BLOCK]]>,
    len: usize,
    /// The first nanosecond of the second in `head`.
    from: i64,
    /// For how many nanoseconds it holds; zero before the first line.
    nanos: u64,
    digits: Subsecond,
}

impl Template {
    /// A template that consists of `before`, the time and `after`; `digits` are those after the second.
    ///
    /// `after` starts with the quote that ends the time.
    pub(super) fn new(before: &[u8; LEAD], after: &[u8], digits: Subsecond) -> Self {
        let fraction: &[u8] = match digits {
            Subsecond::Millis => b"000Z",
            Subsecond::Micros => b"000000Z",
            Subsecond::Nanos => b"000000000Z",
        };
        let mut bytes = [before.as_slice(), &[b'0'; PREFIX_LEN], fraction, after].concat();
        let len = bytes.len();
        bytes.resize(HEAD + len.saturating_sub(HEAD).next_multiple_of(BLOCK), 0);
        let (head, rest) = bytes.split_at(HEAD);
        let mut template = Self {
            head: [0; HEAD],
            rest: rest.as_chunks().0.into(),
            len,
            from: 0,
            nanos: 0,
            digits,
        };
        template.head.copy_from_slice(head);
        template
    }

    /// Puts the second of a time into the template; returns the nanoseconds since its start.
    #[cold]
    #[inline(never)]
    fn set_second(&mut self, cache: &mut TimeCache, unix_nanos: i64) -> u64 {
        let (second, fraction) = cache.second(unix_nanos);
        self.head[LEAD..FRACTION].copy_from_slice(second);
        (self.from, self.nanos) = cache.range();
        fraction
    }

    /// The digits after the second and what follows them, eight bytes. Those of a nanosecond that do not fit are put
    /// into the template.
    #[inline(always)]
    fn fraction(&mut self, nanos: u64) -> u64 {
        const fn tail(bytes: &[u8; 8]) -> u64 {
            u64::from_le_bytes(*bytes)
        }
        match self.digits {
            Subsecond::Micros => digits6(nanos / 1_000) | ZEROS >> 16 | tail(b"\0\0\0\0\0\0Z\""),
            Subsecond::Millis => {
                let after =
                    u64::from_le_bytes(*self.head[FRACTION..].first_chunk().unwrap_or(&[0; 8]));
                (digits8(nanos / 1_000_000) | ZEROS) >> 40 | after >> 24 << 24
            }
            Subsecond::Nanos => {
                self.head[FRACTION + 8] = b'0' + (nanos % 10) as u8;
                digits8(nanos / 10) | ZEROS
            }
        }
    }
}

impl Out<'_> {
    /// The template with this time, and space for `extra` bytes after it.
    #[inline(always)]
    pub(super) fn template(
        &mut self,
        template: &mut Template,
        cache: &mut TimeCache,
        unix_nanos: i64,
        extra: usize,
    ) {
        let mut nanos = unix_nanos.wrapping_sub(template.from) as u64;
        if nanos >= template.nanos {
            nanos = template.set_second(cache, unix_nanos);
        }
        // Below 10⁹.
        let fraction = template.fraction(u64::from(nanos as u32)).to_le_bytes();
        let Template { head, rest, len, .. } = template;
        self.cursor.patched::<FRACTION, HEAD, 8, BLOCK>(head, &fraction, rest, *len, extra);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &[u8; LEAD] = br#"{"timestamp":""#;
    const SECOND: i64 = 1_000_000_000;

    /// The line that a template starts, and the one of its parts.
    fn lines(digits: Subsecond, after: &[u8], times: &[i64]) -> [Vec<u8>; 2] {
        let mut template = Template::new(BEFORE, after, digits);
        let (mut cache, mut other) = (TimeCache::new(), TimeCache::new());
        let (mut found, mut expected) = (Vec::new(), Vec::new());
        for &time in times {
            let mut out = Out::new(&mut found);
            out.template(&mut template, &mut cache, time, 1);
            out.byte(b'\n');
            drop(out);
            let mut out = Out::new(&mut expected);
            out.raw(BEFORE);
            out.timestamp(&mut other, time, digits);
            out.raw(after);
            out.byte(b'\n');
        }
        [found, expected]
    }

    #[test]
    fn a_template_equals_its_parts_at_any_time() {
        let now = 1_796_054_400 * SECOND;
        let times = [
            now,
            now + 1,
            now + 999_999_999,
            now + SECOND,
            now + SECOND / 2,
            now,
            now - 1,
            0,
            -1,
            i64::MIN,
            i64::MIN + 1,
            i64::MAX,
            now + 123_456_789,
            i64::MAX,
            now,
        ];
        for digits in [Subsecond::Millis, Subsecond::Micros, Subsecond::Nanos] {
            for len in 1..300 {
                let after: Vec<u8> =
                    (0..len).map(|i| if i == 0 { b'"' } else { b'a' + (i % 26) as u8 }).collect();
                let [found, expected] = lines(digits, &after, &times);
                assert_eq!(String::from_utf8_lossy(&found), String::from_utf8_lossy(&expected));
            }
        }
    }

    #[test]
    fn templates_that_share_a_cache_keep_their_seconds() {
        let mut cache = TimeCache::new();
        let mut templates =
            [b"\"a", b"\"b"].map(|after| Template::new(BEFORE, after, Subsecond::Micros));
        for time in [5, SECOND + 5, 7, 2 * SECOND, SECOND + 9] {
            for template in &mut templates {
                let (mut found, mut expected) = (Vec::new(), Vec::new());
                Out::new(&mut found).template(template, &mut cache, time, 0);
                Out::new(&mut expected).timestamp(&mut TimeCache::new(), time, Subsecond::Micros);
                assert_eq!(found[LEAD..LEAD + expected.len()], expected);
            }
        }
    }
}
