//! The leaves of one line of JSON, with the classes of their keys.
//!
//! The walk builds and writes nothing: the caller replaces leaves in a copy of the line, so its structure cannot
//! change. The grammar is that of RFC 8259, with what some writers get wrong: strings may hold any bytes but a quote
//! (control characters and bytes that are not UTF-8 are kept) and a backslash before any character, `NaN` and
//! `Infinity` are values, and a comma may precede a closing bracket.
//!
//! Memory: a frame for each level up to [`DEPTH_MAX`], one bit for each deeper level. Time is linear.
use std::ops::Range;

use ringseal_redact::{KeyClass, KeyFacts, Ruling, Scope};

use super::key_cache::KeyCache;

/// Levels in which keys are tracked. A deeper container becomes one leaf.
pub(super) const DEPTH_MAX: usize = 128;

/// A part of the input that may have to be replaced; string content without its quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leaf {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) kind: LeafKind,
    pub(super) class: KeyClass,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LeafKind {
    /// String content without escapes.
    Text,
    /// String content with escapes.
    Escaped,
    /// A key that has to be replaced, without and with escapes.
    Key,
    EscapedKey,
    Number,
    /// A line, or the start of one, that is not JSON.
    Line,
    /// A container that is nested too deep.
    Deep,
    /// A line of a private key.
    KeyBlock,
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    is_list: bool,
    /// The nearest key around it.
    key: (usize, usize),
    scope: Scope,
    /// The first of its leaves, and the first of its open entries.
    leaves: usize,
    open: usize,
}

/// An entry whose class the whole map decides: what its key says, and where its leaves begin and end.
#[derive(Debug, Clone, Copy)]
struct Open {
    facts: KeyFacts,
    start: usize,
    end: Option<usize>,
}

/// The key of the next value, what it says, and the ruling.
#[derive(Debug, Clone, Copy, Default)]
struct Next {
    key: (usize, usize),
    facts: KeyFacts,
    ruling: Ruling,
}

/// Walks lines; keeps its memory between them.
#[derive(Debug, Default)]
pub(super) struct Walker {
    frames: Vec<Frame>,
    open: Vec<Open>,
    bits: Vec<u64>,
}

/// The text is not JSON.
struct NotJson;

type Result<T> = std::result::Result<T, NotJson>;

impl Walker {
    /// Appends the leaves of the JSON text at `start..end` of `text`. Returns false and adds nothing unless the text is
    /// a map, list or string, surrounded only by white space.
    pub(super) fn line(
        &mut self,
        text: &[u8],
        start: usize,
        end: usize,
        keys: &mut KeyCache,
        leaves: &mut Vec<Leaf>,
    ) -> bool {
        let before = leaves.len();
        let mut walk = Walk { text: &text[..end], at: start };
        walk.space();
        if !matches!(walk.peek(), b'{' | b'[' | b'"') {
            return false;
        }
        let is_json = self.walk(&mut walk, keys, leaves).is_ok();
        if !is_json {
            leaves.truncate(before);
        }
        is_json
    }

    fn walk(
        &mut self,
        walk: &mut Walk<'_>,
        keys: &mut KeyCache,
        leaves: &mut Vec<Leaf>,
    ) -> Result<()> {
        self.frames.clear();
        self.open.clear();
        let mut next = Next::default();
        loop {
            let is_open = self.value(walk, &next, keys, leaves)?;
            if !self.close(walk, is_open, keys, leaves)? {
                return Ok(());
            }
            next = self.next(walk, keys, leaves)?;
        }
    }

    /// Reads the next key of a map; in a list, the key around it applies.
    #[inline]
    fn next(
        &mut self,
        walk: &mut Walk<'_>,
        keys: &mut KeyCache,
        leaves: &mut Vec<Leaf>,
    ) -> Result<Next> {
        let Some(frame) = self.frames.last_mut() else { return Err(NotJson) };
        if frame.is_list {
            let (key, ruling) = (frame.key, frame.scope.above());
            return Ok(Next { key, facts: KeyFacts::PLAIN, ruling });
        }
        end_open(&mut self.open[frame.open..], leaves.len());
        let (start, end, is_escaped) = walk.string()?;
        let known = keys.facts(&walk.text[start..end], &walk.text[frame.key.0..frame.key.1]);
        if known.is_dirty {
            let kind = if is_escaped { LeafKind::EscapedKey } else { LeafKind::Key };
            push(leaves, start..end, kind, KeyClass::Plain);
        }
        let facts = known.says;
        let ruling = frame.scope.entry(&facts);
        if Scope::is_open(&facts) {
            self.open.push(Open { facts, start: leaves.len(), end: None });
        }
        walk.space();
        walk.expect(b':')?;
        Ok(Next { key: (start, end), facts, ruling })
    }

    /// Reads a value; returns whether it was the start of a map or list.
    fn value(
        &mut self,
        walk: &mut Walk<'_>,
        next: &Next,
        keys: &mut KeyCache,
        leaves: &mut Vec<Leaf>,
    ) -> Result<bool> {
        walk.space();
        let (start, end, kind) = match walk.peek() {
            b'"' => {
                let (start, end, is_escaped) = walk.string()?;
                (start, end, if is_escaped { LeafKind::Escaped } else { LeafKind::Text })
            }
            open @ (b'{' | b'[') if self.frames.len() < DEPTH_MAX => {
                self.enter(walk, open == b'[', next, leaves.len());
                return Ok(true);
            }
            b'{' | b'[' => {
                let start = walk.at;
                walk.skip_container(&mut self.bits)?;
                (start, walk.at, LeafKind::Deep)
            }
            _ => match walk.bare()? {
                Some((start, end)) => (start, end, LeafKind::Number),
                None => {
                    self.scalar(next, None, keys);
                    return Ok(false);
                }
            },
        };
        let is_text = matches!(kind, LeafKind::Text | LeafKind::Escaped);
        let class = self.scalar(next, is_text.then(|| &walk.text[start..end]), keys);
        push(leaves, start..end, kind, class);
        Ok(false)
    }

    /// Notes a scalar in its container, and returns its class.
    #[inline]
    fn scalar(&mut self, next: &Next, text: Option<&[u8]>, keys: &mut KeyCache) -> KeyClass {
        let Some(frame) = self.frames.last_mut() else { return next.ruling.class };
        let class_of = |text: &[u8]| keys.facts(text, b"").says.class;
        if frame.is_list {
            return frame.scope.item(text, class_of);
        }
        let Some(text) = text else { return next.ruling.number_class() };
        if Scope::wants_text(&next.facts) {
            frame.scope.label(&next.facts, text, class_of);
        }
        next.ruling.class
    }

    fn enter(&mut self, walk: &mut Walk<'_>, is_list: bool, next: &Next, leaves: usize) {
        walk.at += 1;
        let outer = self.frames.last_mut().filter(|outer| outer.is_list);
        let is_inner = outer.is_some();
        if let Some(outer) = outer {
            outer.scope.item(None, |_| KeyClass::Plain);
        }
        let key = &walk.text[next.key.0..next.key.1];
        let scope = match is_list {
            true => Scope::list(next.ruling, key, is_inner),
            false => Scope::map(next.ruling),
        };
        let open = self.open.len();
        self.frames.push(Frame { is_list, key: next.key, scope, leaves, open });
    }

    /// Reads closing brackets and the comma. Returns false at the end of the text.
    fn close(
        &mut self,
        walk: &mut Walk<'_>,
        mut is_open: bool,
        keys: &mut KeyCache,
        leaves: &mut [Leaf],
    ) -> Result<bool> {
        loop {
            walk.space();
            let Some(&frame) = self.frames.last() else {
                return if walk.at == walk.text.len() { Ok(false) } else { Err(NotJson) };
            };
            if walk.peek() == if frame.is_list { b']' } else { b'}' } {
                walk.at += 1;
                self.frames.pop();
                if frame.is_list {
                    resolve_pair(walk, &frame, keys, leaves);
                } else {
                    self.resolve(&frame, leaves);
                }
                is_open = false;
                continue;
            }
            if !is_open {
                walk.expect(b',')?;
                walk.space();
                // Some writers put a comma after the last entry, too.
                if matches!(walk.peek(), b'}' | b']') {
                    is_open = true;
                    continue;
                }
            }
            return Ok(true);
        }
    }

    /// Gives the leaves of a map that has ended the classes that the whole map decides.
    #[inline]
    fn resolve(&mut self, frame: &Frame, leaves: &mut [Leaf]) {
        end_open(&mut self.open[frame.open..], leaves.len());
        for open in self.open.drain(frame.open..) {
            let class = frame.scope.resolved(&open.facts);
            if class == KeyClass::Plain {
                continue;
            }
            for leaf in &mut leaves[open.start..open.end.unwrap_or(open.start)] {
                let is_key = matches!(leaf.kind, LeafKind::Key | LeafKind::EscapedKey);
                if !is_key && leaf.class == KeyClass::Plain {
                    leaf.class = class;
                }
            }
        }
    }
}

/// `["X-Api-Key","…"]`: the first item decides about the second.
#[inline]
fn resolve_pair(walk: &Walk<'_>, frame: &Frame, keys: &mut KeyCache, leaves: &mut [Leaf]) {
    if !frame.scope.may_be_pair() {
        return;
    }
    let Some([first, second]) = leaves.get_mut(frame.leaves..) else { return };
    let text = |leaf: &Leaf| &walk.text[leaf.start as usize..leaf.end as usize];
    let class_of = |text: &[u8]| keys.facts(text, b"").says.class;
    let class = frame.scope.pair(text(first), text(second), class_of);
    if second.class == KeyClass::Plain {
        second.class = class;
    }
}

/// The leaves of the last open entry end here.
#[inline]
fn end_open(open: &mut [Open], leaves: usize) {
    if let Some(last) = open.last_mut()
        && last.end.is_none()
    {
        last.end = Some(leaves);
    }
}

fn push(leaves: &mut Vec<Leaf>, place: Range<usize>, kind: LeafKind, class: KeyClass) {
    // Buffers are shorter than 4 GiB: the maximum of `--line-bytes-max` is far smaller.
    leaves.push(Leaf { start: place.start as u32, end: place.end as u32, kind, class });
}

struct Walk<'a> {
    text: &'a [u8],
    at: usize,
}

impl Walk<'_> {
    #[inline]
    fn peek(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(0)
    }

    #[inline]
    fn space(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\r') {
            self.at += 1;
        }
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Result<()> {
        if self.peek() != byte {
            return Err(NotJson);
        }
        self.at += 1;
        Ok(())
    }

    /// Reads a string: the position of its content, and whether it holds a backslash.
    #[inline]
    fn string(&mut self) -> Result<(usize, usize, bool)> {
        self.expect(b'"')?;
        let start = self.at;
        let mut is_escaped = false;
        loop {
            let rest = self.text.get(self.at..).ok_or(NotJson)?;
            self.at += quote_or_backslash(rest).ok_or(NotJson)?;
            if self.peek() == b'"' {
                self.at += 1;
                return Ok((start, self.at - 1, is_escaped));
            }
            is_escaped = true;
            self.at += escape_len(&self.text[self.at..])?;
        }
    }

    /// Reads a number or a word: the position of a number, `None` for a word.
    fn bare(&mut self) -> Result<Option<(usize, usize)>> {
        let rest = &self.text[self.at..];
        let word: &[u8] = match self.peek() {
            b't' => b"true",
            b'f' => b"false",
            b'n' => b"null",
            // Python writes these.
            b'N' => b"NaN",
            b'I' => b"Infinity",
            b'-' if rest.get(1) == Some(&b'I') => b"-Infinity",
            _ => b"",
        };
        if !word.is_empty() {
            self.at += word.len();
            return if rest.starts_with(word) { Ok(None) } else { Err(NotJson) };
        }
        let len = number_len(rest).ok_or(NotJson)?;
        self.at += len;
        Ok(Some((self.at - len, self.at)))
    }

    /// Skips a whole map or list; checks its grammar with one bit per level.
    fn skip_container(&mut self, bits: &mut Vec<u64>) -> Result<()> {
        let mut depth = 0_usize;
        loop {
            // A value.
            self.space();
            let mut is_open = false;
            match self.peek() {
                b'"' => _ = self.string()?,
                open @ (b'{' | b'[') => {
                    self.at += 1;
                    set_bit(bits, depth, open == b'[');
                    depth += 1;
                    is_open = true;
                }
                _ => _ = self.bare()?,
            }
            // Closing brackets, and the comma.
            loop {
                let is_list = bit(bits, depth - 1);
                self.space();
                if self.peek() == if is_list { b']' } else { b'}' } {
                    self.at += 1;
                    depth -= 1;
                    is_open = false;
                    if depth == 0 {
                        return Ok(());
                    }
                    continue;
                }
                if !is_open {
                    self.expect(b',')?;
                    self.space();
                }
                if !is_list {
                    self.string()?;
                    self.space();
                    self.expect(b':')?;
                }
                break;
            }
        }
    }
}

/// Finds the next quote or backslash. Most keys and values are short, so the first 16 bytes are checked as two words.
#[inline]
fn quote_or_backslash(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    for _ in 0..2 {
        let Some(word) = text.get(at..at + 8).and_then(|part| part.try_into().ok()) else { break };
        let word = u64::from_le_bytes(word);
        let found = zero_bytes(word ^ QUOTES) | zero_bytes(word ^ BACKSLASHES);
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    memchr::memchr2(b'"', b'\\', &text[at..]).map(|more| more + at)
}

const EACH: u64 = u64::from_le_bytes([1; 8]);
const QUOTES: u64 = u64::from_le_bytes([b'"'; 8]);
const BACKSLASHES: u64 = u64::from_le_bytes([b'\\'; 8]);

/// The top bit of each zero byte; bits after the first one may be wrong (Mycroft's trick).
#[inline]
fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(EACH) & !word & EACH << 7
}

fn escape_len(text: &[u8]) -> Result<usize> {
    let is_hex = |hex: &[u8]| hex.iter().all(u8::is_ascii_hexdigit);
    match text.get(1) {
        Some(b'u') if text.get(2..6).is_some_and(is_hex) => Ok(6),
        // Also what writers get wrong: `\x22`, `C:\Users`.
        Some(_) => Ok(2),
        None => Err(NotJson),
    }
}

/// The length of the number at the front: `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`.
fn number_len(text: &[u8]) -> Option<usize> {
    let digits = |at: usize| {
        text.get(at..).unwrap_or_default().iter().take_while(|b| b.is_ascii_digit()).count()
    };
    let mut at = usize::from(text.first() == Some(&b'-'));
    let whole = digits(at);
    if whole == 0 || whole > 1 && text[at] == b'0' {
        return None;
    }
    at += whole;
    if text.get(at) == Some(&b'.') {
        let more = digits(at + 1);
        at += 1 + (more > 0).then_some(more)?;
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        at += 1 + usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
        let more = digits(at);
        at += (more > 0).then_some(more)?;
    }
    Some(at)
}

fn bit(bits: &[u64], at: usize) -> bool {
    bits.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 != 0)
}

fn set_bit(bits: &mut Vec<u64>, at: usize, to: bool) {
    if bits.len() <= at / 64 {
        bits.resize(at / 64 + 1, 0);
    }
    if let Some(word) = bits.get_mut(at / 64) {
        *word = *word & !(1 << (at % 64)) | u64::from(to) << (at % 64);
    }
}
