//! JSON inside texts: walks an object or array without building anything.
//!
//! One pass checks that the whole text is JSON and lists its keys and scalar values, each value with the class of its
//! key. Depth is bounded; the caller masks deeper texts.

use super::key_cache::KeyCache;
use super::kind::KeyClass;
use super::rules::Rules;
use ringseal_base::digest::text::hex_byte;

/// Deepest nesting that is walked.
pub(crate) const DEPTH_MAX: usize = 64;

/// The result of reading a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A whole JSON object or array.
    Json,
    /// Something else.
    Text,
    /// JSON so far, and nested deeper than [`DEPTH_MAX`].
    Deep,
}

/// A scalar value: its position (without quotes) and the class of its key. Or a key, whose class is plain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Leaf {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) kind: LeafKind,
    pub(crate) class: KeyClass,
}

impl Leaf {
    /// Whether this is an unescaped text under a plain key.
    pub(crate) fn is_plain_text(&self) -> bool {
        self.class == KeyClass::Plain && self.kind == LeafKind::Text { escaped: false }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeafKind {
    /// A string; whether a backslash occurs in it.
    Text {
        escaped: bool,
    },
    Number,
    /// `true`, `false`, `null`.
    Word,
}

/// A container that is open.
#[derive(Debug, Clone, Copy)]
struct Frame {
    array: bool,
    /// The nearest key around it: start and end in the text.
    key: (usize, usize),
    /// For an array, the class that this key gives its values.
    class: KeyClass,
}

/// The open containers; kept by the caller so that walking allocates once.
#[derive(Debug, Default)]
pub(crate) struct Stack(Vec<Frame>);

struct Walk<'a> {
    input: &'a [u8],
    pos: usize,
}

enum Stop {
    Bad,
    Deep,
}

impl Walk<'_> {
    fn peek(&self) -> u8 {
        self.input.get(self.pos).copied().unwrap_or(0)
    }

    fn space(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\r' | b'\n') {
            self.pos += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), Stop> {
        if self.peek() != byte {
            return Err(Stop::Bad);
        }
        self.pos += 1;
        Ok(())
    }

    /// Reads a string whose quote is next: the position of its content, and whether it holds a backslash.
    fn string(&mut self) -> Result<(usize, usize, bool), Stop> {
        self.expect(b'"')?;
        let start = self.pos;
        let mut escaped = false;
        loop {
            let rest = self.input.get(self.pos..).ok_or(Stop::Bad)?;
            let len = memchr::memchr2(b'"', b'\\', rest).ok_or(Stop::Bad)?;
            if rest[..len].contains(&b'\n') {
                return Err(Stop::Bad);
            }
            self.pos += len;
            if self.peek() == b'"' {
                self.pos += 1;
                return Ok((start, self.pos - 1, escaped));
            }
            escaped = true;
            self.escape()?;
        }
    }

    /// Reads an escape whose backslash is next.
    fn escape(&mut self) -> Result<(), Stop> {
        let len = match self.input.get(self.pos + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
            Some(b'u') => {
                let hex = self.input.get(self.pos + 2..self.pos + 6).ok_or(Stop::Bad)?;
                if !hex.iter().all(u8::is_ascii_hexdigit) {
                    return Err(Stop::Bad);
                }
                6
            }
            _ => return Err(Stop::Bad),
        };
        self.pos += len;
        Ok(())
    }

    /// A number, or one of the three words.
    fn bare(&mut self) -> Result<(usize, usize, LeafKind), Stop> {
        let start = self.pos;
        let is = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
        while is(self.peek()) {
            self.pos += 1;
        }
        let text = &self.input[start..self.pos];
        let kind = match text {
            b"true" | b"false" | b"null" => LeafKind::Word,
            // A number is recognised by its characters; the walk does not need it to be well formed.
            [b'-' | b'0'..=b'9', rest @ ..]
                if rest.iter().all(|&byte| {
                    byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E')
                }) =>
            {
                LeafKind::Number
            }
            _ => return Err(Stop::Bad),
        };
        Ok((start, self.pos, kind))
    }
}

/// Reads `input`, and lists its keys and scalar values in `leaves` if it is JSON.
pub(crate) fn read(
    input: &[u8],
    rules: &Rules,
    keys: &mut KeyCache<KeyClass>,
    stack: &mut Stack,
    leaves: &mut Vec<Leaf>,
) -> Shape {
    leaves.clear();
    let first = input.iter().find(|byte| !byte.is_ascii_whitespace());
    let last = input.iter().rev().find(|byte| !byte.is_ascii_whitespace());
    if !matches!((first, last), (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']'))) {
        return Shape::Text;
    }
    let (mut own, mut around) = ([0; 96], [0; 96]);
    let decide = |input: &[u8], key: (usize, usize), parent: (usize, usize)| {
        let key = unescape_key(&input[key.0..key.1], &mut own);
        let parent = unescape_key(&input[parent.0..parent.1], &mut around);
        keys.get(key, parent, || rules.key(key, (!parent.is_empty()).then_some(parent)))
    };
    match walk(input, stack, decide, |leaf| leaves.push(leaf)) {
        Ok(()) => Shape::Json,
        Err(Stop::Bad) => Shape::Text,
        Err(Stop::Deep) => Shape::Deep,
    }
}

/// A key without its escapes; long ones are cut at the front, as key decisions do.
fn unescape_key<'a>(raw: &'a [u8], out: &'a mut [u8; 96]) -> &'a [u8] {
    if !raw.contains(&b'\\') {
        return raw;
    }
    let mut len = 0;
    unescape(raw, |byte| {
        if len == out.len() {
            out.copy_within(1.., 0);
            len -= 1;
        }
        out[len] = byte;
        len += 1;
    });
    &out[..len]
}

/// Calls `push` with each byte of the text that the JSON string content `raw` encodes.
///
/// A lone surrogate becomes U+FFFD.
pub(crate) fn unescape(raw: &[u8], mut push: impl FnMut(u8)) {
    let mut i = 0;
    while i < raw.len() {
        if raw[i] != b'\\' {
            push(raw[i]);
            i += 1;
            continue;
        }
        match raw.get(i + 1) {
            Some(b'u') => {
                let (c, len) = unicode(raw, i);
                i += len;
                let mut utf8 = [0; 4];
                c.encode_utf8(&mut utf8).bytes().for_each(&mut push);
                continue;
            }
            Some(b'b') => push(8),
            Some(b'f') => push(12),
            Some(b'n') => push(b'\n'),
            Some(b'r') => push(b'\r'),
            Some(b't') => push(b'\t'),
            Some(&other) => push(other),
            None => {}
        }
        i += 2;
    }
}

/// Appends `text` as JSON string content: quotes, backslashes and control characters escaped.
pub(crate) fn escape(text: &[u8], out: &mut Vec<u8>) {
    for &byte in text {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..=0x1F => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&hex_byte(byte));
            }
            _ => out.push(byte),
        }
    }
}

/// The character of the `\u` escape at `pos`, or of two that are a surrogate pair; and their length.
fn unicode(raw: &[u8], pos: usize) -> (char, usize) {
    let unit = |pos: usize| -> Option<u32> {
        if raw.get(pos..pos + 2)? != b"\\u" {
            return None;
        }
        let hex = ::core::str::from_utf8(raw.get(pos + 2..pos + 6)?).ok()?;
        u32::from_str_radix(hex, 16).ok()
    };
    let Some(first) = unit(pos) else { return (char::REPLACEMENT_CHARACTER, 2) };
    if let (0xD800..=0xDBFF, Some(second @ 0xDC00..=0xDFFF)) = (first, unit(pos + 6)) {
        let c = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        return (char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER), 12);
    }
    (char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 6)
}

fn walk(
    input: &[u8],
    stack: &mut Stack,
    mut decide: impl FnMut(&[u8], (usize, usize), (usize, usize)) -> KeyClass,
    mut leaf: impl FnMut(Leaf),
) -> Result<(), Stop> {
    let stack = &mut stack.0;
    stack.clear();
    let mut cursor = Walk { input, pos: 0 };
    // The key of the next value, and its class.
    let mut key = (0, 0);
    let mut class = KeyClass::Plain;
    loop {
        // A value.
        cursor.space();
        let mut opened = false;
        match cursor.peek() {
            byte @ (b'{' | b'[') => {
                if stack.len() == DEPTH_MAX {
                    return Err(Stop::Deep);
                }
                cursor.pos += 1;
                stack.push(Frame { array: byte == b'[', key, class });
                opened = true;
            }
            b'"' => {
                let (start, end, escaped) = cursor.string()?;
                leaf(Leaf { start, end, kind: LeafKind::Text { escaped }, class });
            }
            _ => {
                let (start, end, kind) = cursor.bare()?;
                leaf(Leaf { start, end, kind, class });
            }
        }
        // Closing brackets, and the comma.
        loop {
            cursor.space();
            let Some(frame) = stack.last() else {
                return if cursor.pos == input.len() { Ok(()) } else { Err(Stop::Bad) };
            };
            if cursor.peek() == if frame.array { b']' } else { b'}' } {
                cursor.pos += 1;
                stack.pop();
                opened = false;
                continue;
            }
            if !opened {
                cursor.expect(b',')?;
            }
            break;
        }
        // The next key.
        let Some(&frame) = stack.last() else { return Err(Stop::Bad) };
        if frame.array {
            (key, class) = (frame.key, frame.class);
        } else {
            cursor.space();
            let (start, end, escaped) = cursor.string()?;
            // Maps can be keyed by addresses.
            let kind = LeafKind::Text { escaped };
            leaf(Leaf { start, end, kind, class: KeyClass::Plain });
            key = (start, end);
            class = decide(input, key, frame.key);
            cursor.space();
            cursor.expect(b':')?;
        }
    }
}
