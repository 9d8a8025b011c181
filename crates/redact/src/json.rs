//! JSON inside texts: walks an object or array without building anything.
//!
//! One pass checks that the whole text is JSON and lists its keys and scalar values, each value with the class of its
//! key. Depth is bounded; the caller masks deeper texts.

use super::key_cache::KeyCache;
use super::kind::KeyClass;
use super::rules::Rules;
use super::scope::{KeyFacts, Ruling, Scope};
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

/// A scalar value: its position (without quotes) and its class. Or a key, whose class is plain.
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
        let is_text = matches!(
            self.kind,
            LeafKind::Text { escaped: false } | LeafKind::Key { escaped: false }
        );
        self.class == KeyClass::Plain && is_text
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeafKind {
    /// A string; whether a backslash occurs in it.
    Text {
        escaped: bool,
    },
    /// A key, which is text.
    Key {
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
    scope: Scope,
    /// The first of its leaves.
    leaves: usize,
    /// The first of its entries whose class the whole map decides.
    open: usize,
}

/// An entry whose class the whole map decides: what its key says, and where its leaves begin and end.
#[derive(Debug, Clone, Copy)]
struct Open {
    facts: KeyFacts,
    start: usize,
    end: Option<usize>,
}

/// The open containers and entries; kept by the caller so that walking allocates once.
#[derive(Debug, Default)]
pub(crate) struct Stack {
    frames: Vec<Frame>,
    open: Vec<Open>,
}

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
    keys: &mut KeyCache<KeyFacts>,
    stack: &mut Stack,
    leaves: &mut Vec<Leaf>,
) -> Shape {
    leaves.clear();
    let first = input.iter().find(|byte| !byte.is_ascii_whitespace());
    let last = input.iter().rev().find(|byte| !byte.is_ascii_whitespace());
    if !matches!((first, last), (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']'))) {
        return Shape::Text;
    }
    stack.frames.clear();
    stack.open.clear();
    let mut reader =
        Reader { walk: Walk { input, pos: 0 }, decide: Decide { rules, keys }, stack, leaves };
    match reader.run() {
        Ok(()) => Shape::Json,
        Err(Stop::Bad) => Shape::Text,
        Err(Stop::Deep) => Shape::Deep,
    }
}

/// Makes key decisions about raw texts.
struct Decide<'a> {
    rules: &'a Rules,
    keys: &'a mut KeyCache<KeyFacts>,
}

impl Decide<'_> {
    fn facts(&mut self, key: &[u8], parent: &[u8]) -> KeyFacts {
        let (mut own, mut around) = ([0; 96], [0; 96]);
        let key = unescape_key(key, &mut own);
        let parent = unescape_key(parent, &mut around);
        let rules = self.rules;
        self.keys.get(key, parent, || rules.key_facts(key, (!parent.is_empty()).then_some(parent)))
    }

    /// The class that a text gives to another one beside it.
    fn class(&mut self, text: &[u8]) -> KeyClass {
        self.facts(text, &[]).class
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

/// Reads a text with its keys and leaves.
struct Reader<'a> {
    walk: Walk<'a>,
    decide: Decide<'a>,
    stack: &'a mut Stack,
    leaves: &'a mut Vec<Leaf>,
}

/// What is known about the next value: its key, what that says, and the ruling.
#[derive(Debug, Clone, Copy, Default)]
struct Next {
    key: (usize, usize),
    facts: KeyFacts,
    ruling: Ruling,
}

impl Reader<'_> {
    fn run(&mut self) -> Result<(), Stop> {
        let mut next = Next::default();
        loop {
            let opened = self.value(&next)?;
            if !self.close(opened)? {
                return Ok(());
            }
            next = self.next()?;
        }
    }

    /// Reads a value; returns whether it was the start of a container.
    fn value(&mut self, next: &Next) -> Result<bool, Stop> {
        self.walk.space();
        let (start, end, kind) = match self.walk.peek() {
            byte @ (b'{' | b'[') => {
                self.open(byte == b'[', next)?;
                return Ok(true);
            }
            b'"' => {
                let (start, end, escaped) = self.walk.string()?;
                (start, end, LeafKind::Text { escaped })
            }
            _ => self.walk.bare()?,
        };
        let class = self.scalar(next, &self.walk.input[start..end], kind);
        self.leaves.push(Leaf { start, end, kind, class });
        Ok(false)
    }

    /// Notes a scalar in its container, and returns its class.
    fn scalar(&mut self, next: &Next, raw: &[u8], kind: LeafKind) -> KeyClass {
        let Some(frame) = self.stack.frames.last_mut() else { return next.ruling.class };
        let mut own = [0; 96];
        let is_text = matches!(kind, LeafKind::Text { .. });
        let decide = &mut self.decide;
        if frame.array {
            let text = is_text.then(|| unescape_key(raw, &mut own));
            return frame.scope.item(text, |text| decide.class(text));
        }
        if is_text && Scope::wants_text(&next.facts) {
            let text = unescape_key(raw, &mut own);
            frame.scope.label(&next.facts, text, |text| decide.class(text));
        }
        if kind == LeafKind::Number { next.ruling.number_class() } else { next.ruling.class }
    }

    fn open(&mut self, array: bool, next: &Next) -> Result<(), Stop> {
        if self.stack.frames.len() == DEPTH_MAX {
            return Err(Stop::Deep);
        }
        self.walk.pos += 1;
        let mut is_inner = false;
        if let Some(outer) = self.stack.frames.last_mut()
            && outer.array
        {
            is_inner = true;
            outer.scope.item(None, |_| KeyClass::Plain);
        }
        let key = &self.walk.input[next.key.0..next.key.1];
        let scope = match array {
            true => Scope::list(next.ruling, key, is_inner),
            false => Scope::map(next.ruling),
        };
        let (leaves, open) = (self.leaves.len(), self.stack.open.len());
        self.stack.frames.push(Frame { array, key: next.key, scope, leaves, open });
        Ok(())
    }

    /// Reads closing brackets and the comma. Returns false at the end of the text.
    fn close(&mut self, mut opened: bool) -> Result<bool, Stop> {
        loop {
            self.walk.space();
            let Some(&frame) = self.stack.frames.last() else {
                let is_end = self.walk.pos == self.walk.input.len();
                return if is_end { Ok(false) } else { Err(Stop::Bad) };
            };
            if self.walk.peek() == if frame.array { b']' } else { b'}' } {
                self.walk.pos += 1;
                self.stack.frames.pop();
                self.resolve(&frame);
                opened = false;
                continue;
            }
            if !opened {
                self.walk.expect(b',')?;
            }
            return Ok(true);
        }
    }

    /// Reads the next key of a map; in an array, the key around it applies.
    fn next(&mut self) -> Result<Next, Stop> {
        let Some(frame) = self.stack.frames.last_mut() else { return Err(Stop::Bad) };
        if frame.array {
            let (key, ruling) = (frame.key, frame.scope.above());
            return Ok(Next { key, facts: KeyFacts::PLAIN, ruling });
        }
        end_open(&mut self.stack.open[frame.open..], self.leaves.len());
        self.walk.space();
        let (start, end, escaped) = self.walk.string()?;
        // Maps can be keyed by addresses.
        let kind = LeafKind::Key { escaped };
        self.leaves.push(Leaf { start, end, kind, class: KeyClass::Plain });
        let input = self.walk.input;
        let facts = self.decide.facts(&input[start..end], &input[frame.key.0..frame.key.1]);
        let ruling = frame.scope.entry(&facts);
        if Scope::is_open(&facts) {
            self.stack.open.push(Open { facts, start: self.leaves.len(), end: None });
        }
        self.walk.space();
        self.walk.expect(b':')?;
        Ok(Next { key: (start, end), facts, ruling })
    }

    /// Gives the leaves of a container that has ended the classes that the whole container decides.
    fn resolve(&mut self, frame: &Frame) {
        if frame.array {
            return self.resolve_pair(frame);
        }
        end_open(&mut self.stack.open[frame.open..], self.leaves.len());
        for open in self.stack.open.drain(frame.open..) {
            let class = frame.scope.resolved(&open.facts);
            if class == KeyClass::Plain {
                continue;
            }
            for leaf in &mut self.leaves[open.start..open.end.unwrap_or(open.start)] {
                let is_key = matches!(leaf.kind, LeafKind::Key { .. });
                if !is_key && leaf.class == KeyClass::Plain {
                    leaf.class = class;
                }
            }
        }
    }

    /// `["X-Api-Key","…"]`.
    fn resolve_pair(&mut self, frame: &Frame) {
        if !frame.scope.may_be_pair() {
            return;
        }
        let Some([first, second]) = self.leaves.get_mut(frame.leaves..) else { return };
        let (mut own, mut value) = ([0; 96], [0; 96]);
        let input = self.walk.input;
        let first = unescape_key(&input[first.start..first.end], &mut own);
        let text = unescape_key(&input[second.start..second.end], &mut value);
        let decide = &mut self.decide;
        let class = frame.scope.pair(first, text, |text| decide.class(text));
        if second.class == KeyClass::Plain {
            second.class = class;
        }
    }
}

/// The leaves of the last open entry end here.
fn end_open(open: &mut [Open], leaves: usize) {
    if let Some(last) = open.last_mut()
        && last.end.is_none()
    {
        last.end = Some(leaves);
    }
}
