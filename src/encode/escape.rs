//! Strings: as JSON, and as text for people.
//!
//! Promises: no memory beyond what the cursor needs (an escape takes up to six times its byte). A
//! JSON string is valid whatever bytes come in and has no raw newline in it. Text for people has no
//! byte in it that moves a cursor, colours a terminal or reverses the reading direction.
//!
//! JSON escapes what RFC 8259 asks for (`"`, `\`, controls below U+0020), and U+2028 and U+2029, at
//! which old JavaScript ends a line. Everything else is written as UTF-8.
use super::out::Out;
use super::simd::{JsonExact, JsonOrWide, TextOrWide};

/// U+FFFD in UTF-8.
const REPLACEMENT: &[u8; 3] = b"\xEF\xBF\xBD";

/// `\u00XX` or the two-character form of every byte below 0x20, then `\"` and `\\`; the length is in
/// the last byte.
static ESCAPES: [[u8; 8]; 34] = escapes();
const QUOTE: usize = 32;
const BACKSLASH: usize = 33;

const fn escapes() -> [[u8; 8]; 34] {
    let hex = b"0123456789abcdef";
    let mut table = [[0; 8]; 34];
    let mut byte = 0;
    while byte < 32 {
        table[byte] = [b'\\', b'u', b'0', b'0', hex[byte >> 4], hex[byte & 15], 0, 6];
        byte += 1;
    }
    let short = [
        (0x08, b'b'),
        (0x09, b't'),
        (0x0A, b'n'),
        (0x0C, b'f'),
        (0x0D, b'r'),
        (QUOTE, b'"'),
        (BACKSLASH, b'\\'),
    ];
    let mut index = 0;
    while index < short.len() {
        table[short[index].0] = [b'\\', short[index].1, 0, 0, 0, 0, 0, 2];
        index += 1;
    }
    table
}

impl Out<'_> {
    /// A JSON string of bytes that are UTF-8.
    ///
    /// Nothing is checked: bytes that are not UTF-8 come out as they went in. For bytes of unsure
    /// origin use [`Out::string_lossy`], which costs the same as long as they are ASCII.
    #[inline]
    pub fn string(&mut self, utf8: &[u8]) {
        if !self.cursor.quoted_clean::<JsonOrWide>(utf8) {
            self.cursor.apart(|line| escaped(line, utf8));
        }
    }

    /// A JSON string of any bytes; what is not UTF-8 becomes U+FFFD as
    /// [`String::from_utf8_lossy`] does it: one for each maximal part of a character.
    #[inline]
    pub fn string_lossy(&mut self, bytes: &[u8]) {
        if !self.cursor.quoted_clean::<JsonOrWide>(bytes) {
            self.cursor.apart(|line| escaped_lossy(line, bytes));
        }
    }

    /// The inside of a JSON string, of any bytes; the quotes are the caller's.
    pub fn string_part(&mut self, bytes: &[u8]) {
        for chunk in bytes.utf8_chunks() {
            self.inside(chunk.valid().as_bytes());
            if !chunk.invalid().is_empty() {
                self.literal(REPLACEMENT);
            }
        }
    }

    /// A JSON string of one character.
    #[inline]
    pub fn char(&mut self, value: char) {
        self.string(value.encode_utf8(&mut [0; 4]).as_bytes());
    }

    /// Text for people, without quotes: controls (C0, DEL, C1), line and paragraph separators and
    /// marks of reading direction are shown as `\n`, `\t`, `\u001b`; what is not UTF-8 becomes
    /// U+FFFD. A backslash stays as it is.
    #[inline]
    pub fn text(&mut self, bytes: &[u8]) {
        let clean = self.cursor.copy_clean::<TextOrWide>(bytes);
        if clean < bytes.len() {
            self.cursor.apart(|line| text_lossy(line, bytes.get(clean..).unwrap_or_default()));
        }
    }

    /// The inside of a JSON string, of UTF-8.
    #[inline(always)]
    fn inside(&mut self, utf8: &[u8]) {
        let mut rest = utf8;
        loop {
            let clean = self.cursor.copy_until::<JsonExact>(rest);
            rest = match rest.get(clean..).unwrap_or_default() {
                [] => return,
                [0xE2, 0x80, last @ (0xA8 | 0xA9), rest @ ..] => {
                    self.literal(if *last == 0xA8 { b"\\u2028" } else { b"\\u2029" });
                    rest
                }
                [byte, rest @ ..] => {
                    self.escape(*byte);
                    rest
                }
            };
        }
    }

    /// One byte, escaped if JSON wants that.
    #[inline(always)]
    fn escape(&mut self, byte: u8) {
        let index = match byte {
            0..0x20 => usize::from(byte),
            b'"' => QUOTE,
            b'\\' => BACKSLASH,
            _ => return self.byte(byte),
        };
        let escape = &ESCAPES[index];
        self.cursor.put(escape, usize::from(escape[7]));
    }

    fn text_char(&mut self, character: char) {
        let code = u32::from(character);
        match character {
            ' ' => self.byte(b' '),
            '\0'..' ' => self.escape(code as u8),
            '\x7F'..='\u{9F}'
            | '\u{61C}'
            | '\u{200E}'..='\u{200F}'
            | '\u{2028}'..='\u{202E}'
            | '\u{2066}'..='\u{2069}' => {
                self.literal(b"\\u");
                self.hex(&(code as u16).to_be_bytes());
            }
            _ => self.raw(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// A JSON string of UTF-8.
#[cold]
#[inline(never)]
fn escaped(line: &mut Vec<u8>, utf8: &[u8]) {
    let mut out = Out::new(line);
    out.byte(b'"');
    out.inside(utf8);
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
