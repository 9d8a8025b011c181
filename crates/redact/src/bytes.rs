//! Byte predicates and small decoders shared by all detectors.

/// A set of byte values, as four words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByteSet([u64; 4]);

impl ByteSet {
    /// The set that `spec` describes, in the notation of a regular expression's class: `a-f0-9`,
    /// `A-Za-z0-9_\-`. A backslash takes the next byte literally.
    pub(crate) const fn of(spec: &[u8]) -> ByteSet {
        let mut bits = [0u64; 4];
        let mut i = 0;
        while i < spec.len() {
            if spec[i] == b'\\' && i + 1 < spec.len() {
                i += 1;
            }
            let from = spec[i];
            let range = i + 2 < spec.len() && spec[i + 1] == b'-';
            let to = if range { spec[i + 2] } else { from };
            let mut byte = from as usize;
            while byte <= to as usize {
                bits[byte >> 6] |= 1 << (byte & 63);
                byte += 1;
            }
            i += if range { 3 } else { 1 };
        }
        ByteSet(bits)
    }

    /// Whether `byte` is in the set.
    #[inline]
    pub(crate) const fn has(self, byte: u8) -> bool {
        self.0[(byte >> 6) as usize] >> (byte & 63) & 1 != 0
    }

    /// One bit per byte value, the lowest first.
    pub(crate) fn to_le_bytes(self) -> [u8; 32] {
        ::core::array::from_fn(|i| self.0[i / 8].to_le_bytes()[i % 8])
    }

    /// How many bytes of `input` from `at` on are in the set, at most `max`.
    #[inline]
    pub(crate) fn run(self, input: &[u8], at: usize, max: usize) -> usize {
        let rest = input.get(at..).unwrap_or_default();
        let rest = &rest[..rest.len().min(max)];
        // A loop over a slice of known length: this is called for each key and each value.
        rest.iter().position(|&byte| !self.has(byte)).unwrap_or(rest.len())
    }

    /// How many bytes of `input` directly before `at` are in the set, at most `max`.
    #[inline]
    pub(crate) fn run_back(self, input: &[u8], at: usize, max: usize) -> usize {
        let rest = input.get(..at).unwrap_or_default();
        let rest = &rest[rest.len() - rest.len().min(max)..];
        rest.iter().rev().position(|&byte| !self.has(byte)).unwrap_or(rest.len())
    }
}

pub(crate) const ALNUM: ByteSet = ByteSet::of(b"A-Za-z0-9");
pub(crate) const WORD: ByteSet = ByteSet::of(b"A-Za-z0-9_");
pub(crate) const HEX: ByteSet = ByteSet::of(b"a-fA-F0-9");
pub(crate) const BASE64URL: ByteSet = ByteSet::of(b"A-Za-z0-9_\\-");
pub(crate) const BASE64: ByteSet = ByteSet::of(b"A-Za-z0-9+/_\\-");
pub(crate) const SPACE: ByteSet = ByteSet::of(b" \t\r\n");

/// The byte at `pos`, or 0 outside.
#[inline]
pub(crate) fn at(input: &[u8], pos: usize) -> u8 {
    input.get(pos).copied().unwrap_or(0)
}

/// The byte before `pos`, or 0 at the start.
#[inline]
pub(crate) fn before(input: &[u8], pos: usize) -> u8 {
    if pos == 0 { 0 } else { at(input, pos - 1) }
}

#[inline]
pub(crate) const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether `input[i..]` begins with `word`, which is in lower case, in any ASCII case.
#[inline]
pub(crate) fn starts_nocase(input: &[u8], pos: usize, word: &[u8]) -> bool {
    input.get(pos..pos + word.len()).is_some_and(|part| part.eq_ignore_ascii_case(word))
}

/// Whether both a letter and a digit occur.
pub(crate) fn mixed(input: &[u8]) -> bool {
    input.iter().any(u8::is_ascii_digit) && input.iter().any(u8::is_ascii_alphabetic)
}

/// How many different bytes occur.
pub(crate) fn distinct(input: &[u8]) -> u32 {
    let mut bits = [0u64; 4];
    for &byte in input {
        bits[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }
    bits.iter().map(|w| w.count_ones()).sum()
}

/// Decodes base64 (either alphabet, padding optional) into `out`; bytes that do not fit are dropped.
///
/// Returns the decoded part, or `None` at a byte of neither alphabet or an impossible length.
pub(crate) fn base64_decode<'a>(input: &[u8], out: &'a mut [u8]) -> Option<&'a [u8]> {
    let pads = input.iter().rev().take(2).take_while(|&&byte| byte == b'=').count();
    let input = &input[..input.len() - pads];
    if input.len() % 4 == 1 {
        return None;
    }
    let (mut acc, mut bits, mut len) = (0u32, 0u32, 0usize);
    for &byte in input {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        acc = acc << 6 | u32::from(six);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            let Some(slot) = out.get_mut(len) else { break };
            // The top eight of the collected bits; the cast drops the bits already used.
            *slot = (acc >> bits) as u8;
            len += 1;
        }
    }
    Some(&out[..len])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_sets_read_like_regex_classes() {
        let set = ByteSet::of(b"a-f0-9_\\-");
        for byte in 0..=255u8 {
            let want = matches!(byte, b'a'..=b'f' | b'0'..=b'9' | b'_' | b'-');
            assert_eq!(set.has(byte), want, "{byte:#x}");
        }
        assert!(ByteSet::of(b"+/=").has(b'=') && !ByteSet::of(b"+/=").has(b'-'));
        assert!(ByteSet::of(b"a-z-").has(b'-'), "a dash at the end is itself");
    }

    #[test]
    fn only_valid_base64_of_either_alphabet_decodes() {
        let mut out = [0; 16];
        assert_eq!(base64_decode(b"dXNlcjpwYXNz", &mut out), Some(&b"user:pass"[..]));
        assert_eq!(base64_decode(b"YTpi", &mut out), Some(&b"a:b"[..]));
        assert_eq!(base64_decode(b"YQ==", &mut out), Some(&b"a"[..]));
        assert_eq!(base64_decode(b"-_-_", &mut out), Some(&[0xfb, 0xff, 0xbf][..]));
        assert_eq!(base64_decode(b"A", &mut out), None);
        assert_eq!(base64_decode(b"a b=", &mut out), None);
    }
}
