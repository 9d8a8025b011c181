//! The extent of a value in brackets or quotes: up to the end that balances its start.
//!
//! A scan reads each byte once and at most [`EXTENT_BYTES_MAX`]. What does not balance ends at the end of
//! its line, or of the string that contains it.

use crate::bytes::{ByteSet, WORD, at, before, is_word};

/// The most bytes that are read in search of a balancing bracket.
const EXTENT_BYTES_MAX: usize = 16 * 1024;
/// The most open brackets; deeper values count as unbalanced.
const DEPTH_MAX: usize = 32;
const LIFETIME_BYTES_MAX: usize = 24;
const BLANK: ByteSet = ByteSet::of(b" \t\r\n");
const STRING_PREFIX: ByteSet = ByteSet::of(b"bBuUrRfFLN");

/// A quoted string inside a value, without its quotes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leaf {
    pub(super) start: usize,
    pub(super) end: usize,
    /// A sign follows: it is the key of a map.
    pub(super) key: bool,
    /// Its closing quote is missing.
    pub(super) open: bool,
}

/// Where a value ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    pub(super) end: usize,
    /// The closing bracket or quote was found; it is the last byte of the value.
    pub(super) balanced: bool,
    /// The value ends with its line; `end` is only how far it was read.
    line: bool,
    /// Its quotes have backslashes before them: a string contains it.
    escaped: bool,
    /// The number of bytes read.
    pub(super) read: usize,
}

impl Extent {
    /// The end of what is masked. It may be far away: only called for a value that is masked.
    pub(super) fn masked_end(&self, input: &[u8]) -> usize {
        if self.line { line_end(input, self.end, self.escaped) } else { self.end }
    }
}

/// The opening quote at `pos`, with the backslashes before it: their number and the quote.
pub(super) fn quote_at(input: &[u8], pos: usize) -> Option<(usize, u8)> {
    let slashes = backslashes(input, pos);
    let quote = at(input, pos + slashes);
    matches!(quote, b'"' | b'\'').then_some((slashes, quote))
}

fn backslashes(input: &[u8], pos: usize) -> usize {
    input.get(pos..).unwrap_or_default().iter().take_while(|&&byte| byte == b'\\').count()
}

/// The extent of the string whose opening quote is at `pos`, and its content. `hashes` are those of `r#"…"#`;
/// `raw` strings have no escapes.
pub(super) fn string(input: &[u8], pos: usize, raw: bool, hashes: usize) -> Option<(Extent, Leaf)> {
    let (slashes, quote) = quote_at(input, pos)?;
    let start = pos + slashes + 1;
    let limit = input.len().min(start.saturating_add(EXTENT_BYTES_MAX));
    let close = if raw && slashes == 0 {
        raw_end(&input[..limit], start, quote, hashes)
    } else {
        string_end(&input[..limit], start, quote, slashes)
    };
    let (end, balanced, line) = match close {
        Close::At(end) => (end, true, false),
        Close::Outer(end) => (end, false, false),
        Close::Missing => (line_end(&input[..limit], pos, slashes > 0), false, true),
    };
    let leaf = Leaf { start: start.min(end), end, key: false, open: !balanced };
    Some((Extent { end, balanced, line, escaped: slashes > 0, read: limit.min(end) - pos }, leaf))
}

/// The extent of the value whose opening bracket is at `pos`; `found` is called with each quoted string.
pub(super) fn brackets(input: &[u8], pos: usize, mut found: impl FnMut(Leaf)) -> Extent {
    let limit = input.len().min(pos.saturating_add(EXTENT_BYTES_MAX));
    let text = &input[..limit];
    let (mut stack, mut depth) = ([0u8; DEPTH_MAX], 0);
    let (mut i, mut escaped) = (pos, false);
    while i < limit {
        match text[i] {
            open @ (b'(' | b'[' | b'{') if depth < DEPTH_MAX => {
                stack[depth] = closing(open);
                depth += 1;
                i += 1;
            }
            b'(' | b'[' | b'{' => break,
            close @ (b')' | b']' | b'}') => {
                if stack[depth - 1] != close {
                    break;
                }
                depth -= 1;
                i += 1;
                if depth == 0 {
                    return Extent { end: i, balanced: true, line: false, escaped, read: i - pos };
                }
            }
            b'"' | b'\'' | b'\\' => match quoted(text, i, escaped) {
                Quoted::No(next) => i = next,
                Quoted::Leaf(leaf, next, slashes) => {
                    found(leaf);
                    escaped |= slashes > 0;
                    i = next;
                }
                Quoted::Missing(start, slashes) => {
                    escaped |= slashes > 0;
                    let end = line_end(text, start, escaped);
                    found(Leaf { start, end, key: false, open: true });
                    let read = limit - pos;
                    return Extent { end, balanced: false, line: true, escaped, read };
                }
                Quoted::Outer(leaf, end) => {
                    leaf.into_iter().for_each(&mut found);
                    return Extent { end, balanced: false, line: false, escaped, read: end - pos };
                }
            },
            _ => i += 1,
        }
    }
    Extent { end: i, balanced: false, line: true, escaped, read: i - pos }
}

const fn closing(open: u8) -> u8 {
    match open {
        b'(' => b')',
        b'[' => b']',
        _ => b'}',
    }
}

/// The end of the line that `pos` is in; in an escaped text also the quote that ends it.
fn line_end(input: &[u8], pos: usize, escaped: bool) -> usize {
    let ends =
        |i: usize| input[i] == b'\n' || escaped && input[i] == b'"' && before(input, i) != b'\\';
    let end = (pos..input.len()).find(|&i| ends(i)).unwrap_or(input.len());
    end - usize::from(before(input, end) == b'\r' && at(input, end) == b'\n')
}

enum Quoted {
    /// Not a string: the scan continues there.
    No(usize),
    /// A string, where the scan continues, and the backslashes before its quotes.
    Leaf(Leaf, usize, usize),
    /// The string that starts there has no end within the bound.
    Missing(usize, usize),
    /// The string that contains the value ends there.
    Outer(Option<Leaf>, usize),
}

/// What the quote or the backslash at `pos`, outside of strings, begins.
fn quoted(text: &[u8], pos: usize, escaped: bool) -> Quoted {
    let Some((slashes, quote)) = quote_at(text, pos) else {
        return Quoted::No(pos + backslashes(text, pos).max(1));
    };
    if quote == b'\'' && !is_opening(text, pos, slashes) {
        return Quoted::No(pos + slashes + 1);
    }
    if quote == b'"' && slashes == 0 && escaped {
        return Quoted::Outer(None, pos);
    }
    let start = pos + slashes + 1;
    match string_end(text, start, quote, slashes) {
        Close::At(end) => {
            let next = end + slashes + 1;
            let leaf = Leaf { start, end, key: sign_follows(text, next), open: false };
            Quoted::Leaf(leaf, next, slashes)
        }
        Close::Outer(end) => Quoted::Outer(Some(Leaf { start, end, key: false, open: true }), end),
        Close::Missing => Quoted::Missing(start.min(text.len()), slashes),
    }
}

/// Whether the `'` at `pos` begins a string: not an apostrophe, nor a lifetime as in `&'a str`.
pub(super) fn is_opening(text: &[u8], pos: usize, slashes: usize) -> bool {
    let prefix = STRING_PREFIX.run_back(text, pos, 2);
    if is_word(before(text, pos - prefix)) {
        return false;
    }
    let name = pos + slashes + 1;
    let len = WORD.run(text, name, LIFETIME_BYTES_MAX);
    let lifetime = matches!(before(text, pos), b'&' | b'<') && at(text, name + len) != b'\'';
    !lifetime || len == 0
}

/// Whether a sign makes the string before `pos` a key: `:`, `=>`, `=`.
fn sign_follows(text: &[u8], pos: usize) -> bool {
    let sign = pos + BLANK.run(text, pos, 4);
    matches!(at(text, sign), b':' | b'=')
}

enum Close {
    /// The end of the content.
    At(usize),
    /// The end of the string that contains this one.
    Outer(usize),
    Missing,
}

/// The end of a string whose quotes have `slashes` backslashes before them.
fn string_end(text: &[u8], start: usize, quote: u8, slashes: usize) -> Close {
    let mut i = start;
    while i < text.len() {
        if text[i] != b'\\' && text[i] != quote {
            i += 1;
            continue;
        }
        let run = backslashes(text, i);
        if at(text, i + run) != quote {
            i += run;
        } else if run < slashes {
            return Close::Outer(i);
        } else if (run - slashes).is_multiple_of(2 * (slashes + 1)) {
            return Close::At(i + run - slashes);
        } else {
            i += run + 1;
        }
    }
    Close::Missing
}

fn raw_end(text: &[u8], start: usize, quote: u8, hashes: usize) -> Close {
    let ends = |&i: &usize| {
        text[i] == quote
            && text[i + 1..].iter().take(hashes).filter(|&&b| b == b'#').count() == hashes
    };
    (start..text.len()).find(ends).map_or(Close::Missing, Close::At)
}
