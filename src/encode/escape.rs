//! Strings, as JSON and as console text.
//!
//! Promises: only the cursor allocates (an escape takes up to six bytes for one). A JSON string is valid for any input
//! bytes and contains no raw newline. Console text contains no character that moves a terminal's cursor, changes its
//! colours, reverses the reading direction or is invisible.
//!
//! JSON strings escape the characters that RFC 8259 requires (`"`, `\`, controls below U+0020), and U+2028 and U+2029,
//! which old JavaScript treats as line ends. All other characters are written as UTF-8.
use super::out::{Out, Slot};
use ringseal_base::digest::text::hex_byte;
use ringseal_base::printable::is_printable;
use ringseal_base::simd::byte_class::{JsonExact, JsonOrWide, TextOrWide};
use ringseal_base::simd::mask64;

/// U+FFFD in UTF-8.
const REPLACEMENT: &[u8; 3] = b"\xEF\xBF\xBD";

/// For each byte, the bytes that represent it in a JSON string. The last element is their number.
static ESCAPES: [[u8; 8]; 256] = escapes();

const fn escapes() -> [[u8; 8]; 256] {
    let mut table = [[0; 8]; 256];
    let mut byte = 0;
    while byte < 256 {
        let [high, low] = hex_byte(byte as u8);
        table[byte] = match byte as u8 {
            b'"' | b'\\' => two(byte as u8),
            0x08 => two(b'b'),
            b'\t' => two(b't'),
            b'\n' => two(b'n'),
            0x0C => two(b'f'),
            b'\r' => two(b'r'),
            0..0x20 => [b'\\', b'u', b'0', b'0', high, low, 0, 6],
            plain => [plain, 0, 0, 0, 0, 0, 0, 1],
        };
        byte += 1;
    }
    table
}

const fn two(letter: u8) -> [u8; 8] {
    [b'\\', letter, 0, 0, 0, 0, 0, 2]
}

/// Length of the input of [`Out::window`]: 64 bytes, and the overshoot of a block.
const WINDOW: usize = 96;

impl Out<'_> {
    /// A JSON string of bytes that are UTF-8.
    ///
    /// Does not check the bytes: invalid UTF-8 is written unchanged. For bytes of unknown origin use
    /// [`Out::string_lossy`], which costs the same for ASCII.
    #[inline(always)]
    pub fn string(&mut self, utf8: &[u8]) {
        self.slot().string(utf8);
    }

    /// A JSON string of any bytes. Invalid UTF-8 becomes U+FFFD as in [`String::from_utf8_lossy`]: one for each maximal
    /// part of a character.
    #[inline(always)]
    pub fn string_lossy(&mut self, bytes: &[u8]) {
        self.slot().string_lossy(bytes);
    }

    /// The content of a JSON string, from any bytes; the caller writes the quotes.
    pub fn string_part(&mut self, bytes: &[u8]) {
        // Most have nothing to escape.
        let clean = self.cursor.copy_clean::<JsonOrWide>(bytes);
        let bytes = bytes.get(clean..).unwrap_or_default();
        for chunk in bytes.utf8_chunks() {
            self.string_content(chunk.valid().as_bytes());
            if !chunk.invalid().is_empty() {
                self.literal(REPLACEMENT);
            }
        }
    }

    /// [`Out::string_lossy`] of the first `len` bytes of `from`, which may be longer.
    ///
    /// If `from` has 32 bytes or more, a string of up to 32 bytes is copied by two moves of constant length; the bytes
    /// after the string do not matter. So pass the whole remaining record.
    #[inline(always)]
    pub fn string_of(&mut self, from: &[u8], len: usize) {
        self.slot().string_of(from, len);
    }

    /// A JSON string of one character.
    #[inline(always)]
    pub fn char(&mut self, value: char) {
        self.cursor.with_vec(|line| character(line, value));
    }

    /// Console text, without quotes: characters that are not printable ([`is_printable`]) are shown as `\n`, `\t`,
    /// `\u001b`; invalid UTF-8 becomes U+FFFD. A backslash is unchanged.
    #[inline(always)]
    pub fn text(&mut self, bytes: &[u8]) {
        let clean = self.cursor.copy_clean::<TextOrWide>(bytes);
        if clean < bytes.len() {
            self.cursor.with_vec(|line| text_lossy(line, bytes.get(clean..).unwrap_or_default()));
        }
    }

    /// The content of a JSON string, from UTF-8.
    #[inline(always)]
    fn string_content(&mut self, utf8: &[u8]) {
        let mut rest = utf8;
        while let Some(window) = rest.first_chunk::<WINDOW>() {
            let taken = self.window(window, 64);
            rest = rest.get(taken..).unwrap_or_default();
        }
        // At most two iterations: the remaining bytes fit into a window.
        while !rest.is_empty() {
            let mut window = [b' '; WINDOW];
            if let Some(start) = window.get_mut(..rest.len()) {
                start.copy_from_slice(rest);
            }
            let taken = self.window(&window, rest.len().min(64));
            rest = rest.get(taken..).unwrap_or_default();
        }
    }

    /// Escapes the first `len` ≤ 64 bytes of the window, and up to two more if a character that is
    /// escaped begins there; returns how many bytes it took.
    #[inline(always)]
    fn window(&mut self, window: &[u8; WINDOW], len: usize) -> usize {
        let flagged = window.first_chunk().map_or(0, mask64::<JsonExact>);
        let mut flagged = flagged & u64::MAX.unbounded_shr(64 - len.min(64) as u32);
        let mut done = 0;
        while flagged != 0 {
            let at = flagged.trailing_zeros() as usize % 64;
            flagged &= flagged - 1;
            let (escape, taken) = match [window[at], window[at + 1], window[at + 2]] {
                [0xE2, 0x80, 0xA8] => (b"\\u2028\0\x06", 3),
                [0xE2, 0x80, 0xA9] => (b"\\u2029\0\x06", 3),
                [0xE2, ..] => continue,
                [byte, ..] => (&ESCAPES[usize::from(byte)], 1),
            };
            self.copy_window(window, done, at);
            self.cursor.put(escape, usize::from(escape[7]));
            done = at + taken;
        }
        self.copy_window(window, done, len);
        done.max(len)
    }

    /// Copies the window's bytes from `start` to `end` ≤ 64.
    #[inline(always)]
    fn copy_window(&mut self, window: &[u8; WINDOW], start: usize, end: usize) {
        let blocks = window.get(start..).unwrap_or_default().as_chunks::<32>().0;
        let mut len = end.saturating_sub(start);
        for block in blocks {
            self.cursor.put(block, len.min(32));
            if len <= 32 {
                return;
            }
            len -= 32;
        }
    }

    fn text_char(&mut self, character: char) {
        let code = u32::from(character);
        match character {
            ' ' => self.byte(b' '),
            '\0'..' ' => {
                let escape = &ESCAPES[code as usize % 256];
                self.cursor.put(escape, usize::from(escape[7]));
            }
            shown if is_printable(shown) => self.raw(shown.encode_utf8(&mut [0; 4]).as_bytes()),
            hidden => {
                for unit in hidden.encode_utf16(&mut [0; 2]) {
                    self.literal(b"\\u");
                    self.hex(&unit.to_be_bytes());
                }
            }
        }
    }
}

impl Slot<'_, '_> {
    /// See [`Out::string`].
    #[inline(always)]
    pub fn string(self, utf8: &[u8]) {
        if let Some(cursor) = self.0.cursor().quoted_clean::<JsonOrWide>(utf8) {
            cursor.with_vec(|line| escaped(line, utf8));
        }
    }

    /// See [`Out::string_lossy`].
    #[inline(always)]
    pub fn string_lossy(self, bytes: &[u8]) {
        if let Some(cursor) = self.0.cursor().quoted_clean::<JsonOrWide>(bytes) {
            cursor.with_vec(|line| escaped_lossy(line, bytes));
        }
    }

    /// A string of the first `len` ≤ 32 bytes of `from` that needs no escape; `false` without effect for others.
    #[inline(always)]
    pub fn try_string_of(self, from: &[u8], len: usize) -> bool {
        self.0.quoted_short::<JsonOrWide>(from, len)
    }

    /// See [`Out::string_of`].
    #[inline(always)]
    pub fn string_of(self, from: &[u8], len: usize) {
        match from.first_chunk() {
            Some(block) if len <= 32 => {
                if let Some(cursor) = self.0.quoted_clean::<JsonOrWide>(block, len) {
                    cursor.with_vec(|line| escaped_lossy(line, block.get(..len).unwrap_or(block)));
                }
            }
            _ => self.string_lossy(from.get(..len).unwrap_or(from)),
        }
    }
}

/// A JSON string of UTF-8.
#[cold]
#[inline(never)]
fn escaped(line: &mut Vec<u8>, utf8: &[u8]) {
    let mut out = Out::new(line);
    out.byte(b'"');
    out.string_content(utf8);
    out.byte(b'"');
}

/// A JSON string of any bytes.
#[cold]
#[inline(never)]
fn escaped_lossy(line: &mut Vec<u8>, bytes: &[u8]) {
    if std::str::from_utf8(bytes).is_ok() {
        return escaped(line, bytes);
    }
    let mut out = Out::new(line);
    out.byte(b'"');
    out.string_part(bytes);
    out.byte(b'"');
}

#[inline(never)]
fn character(line: &mut Vec<u8>, value: char) {
    Out::new(line).string(value.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cold]
#[inline(never)]
fn text_lossy(line: &mut Vec<u8>, bytes: &[u8]) {
    let mut out = Out::new(line);
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            out.text_char(character);
        }
        if !chunk.invalid().is_empty() {
            out.literal(REPLACEMENT);
        }
    }
}

#[cfg(test)]
#[path = "escape_tests.rs"]
mod tests;
