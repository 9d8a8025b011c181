//! Values of sensitive keys that a program has written over several lines, as `{:#?}` of Rust and pretty JSON do.
//!
//! After a line that ends in a sensitive key, its sign and an opening bracket, the texts on the lines that are indented
//! deeper are values of that key. The block ends with the first line that is not, or after [`LINES_MAX`] lines. Other
//! lines announce one value on the next line ([`super::next_line`]). The state between lines is the key's decision and
//! two counters. Allocates nothing.
use std::ops::Range;

use ringseal_redact::{KeyClass, Rules, Ruling, Scope};

use super::next_line::{self, Announced};

/// Lines of one value, after which the block counts as ended.
pub(super) const LINES_MAX: u32 = 256;
/// Bytes of a key.
const KEY_BYTES_MAX: usize = 64;
/// Wrappers that one line opens: `Some(Secret(`.
const WRAPPERS_MAX: usize = 4;

/// Whether a value is open.
#[derive(Debug, Default)]
pub(super) struct DumpBlock {
    open: Option<Open>,
    announced: Option<Announced>,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    ruling: Ruling,
    /// Numbers are the bytes of a secret, not counts.
    masks_numbers: bool,
    indent: usize,
    lines: u32,
}

/// A part of a line that is a value of this class.
pub(super) type Part = (Range<usize>, KeyClass);

impl DumpBlock {
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some() || self.announced.is_some()
    }

    /// Ends the block: the input or one of its files has ended.
    pub(super) fn close(&mut self) {
        self.open = None;
        self.announced = None;
    }

    /// Whether this line can open a block: a filter that reads both ends of the line.
    #[inline]
    pub(super) fn may_open(line: &[u8]) -> bool {
        matches!(line.trim_ascii_end().last(), Some(b'(' | b'[' | b'{'))
            || next_line::may_announce(line)
    }

    /// The part of this line that is a value of an open key.
    pub(super) fn line(&mut self, line: &[u8], rules: &Rules) -> Option<Part> {
        let indent = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let end = line.trim_ascii_end().len();
        if let Some(open) = &mut self.open {
            open.lines += 1;
            if indent > open.indent && indent < end && open.lines <= LINES_MAX {
                return open.part(line, indent..end, rules);
            }
            self.open = None;
        }
        if let Some(announced) = self.announced.take() {
            let (part, next) = announced.line(line, indent..end);
            self.announced = next;
            if part.is_some() || next.is_some() {
                return part;
            }
        }
        if Self::may_open(line) {
            self.open = opened(&line[..end], indent, rules);
            self.announced = next_line::announced(&line[..end], indent, rules);
        }
        None
    }
}

impl Open {
    fn part(&self, line: &[u8], place: Range<usize>, rules: &Rules) -> Option<Part> {
        let comma = usize::from(line[..place.end].ends_with(b","));
        let (start, end) = (place.start, place.end - comma);
        if let Some(text) = quoted(line, start, end) {
            return Some((text, self.ruling.class));
        }
        let (key, value) = entry(line, start, end).unwrap_or((start..start, start));
        let ruling = match key.is_empty() {
            true => self.ruling,
            false => Scope::map(self.ruling).entry(&rules.key_facts(&line[key], None)),
        };
        if ruling.class == KeyClass::Plain || value >= end {
            return None;
        }
        let part = match quoted(line, value, end) {
            Some(text) => text,
            None if self.is_bare_value(&line[value..end], value == start) => value..end,
            None => return None,
        };
        Some((part, ruling.class))
    }

    /// A number of a list of bytes or under a password, or a word with digits in a wrapper of a password.
    fn is_bare_value(&self, text: &[u8], is_item: bool) -> bool {
        let is_number = text.iter().all(u8::is_ascii_digit);
        let is_word =
            text.iter().all(|byte| byte.is_ascii_graphic() && !b"()[]{}<>\"':".contains(byte));
        let is_mixed =
            text.iter().any(u8::is_ascii_digit) && text.iter().any(u8::is_ascii_alphabetic);
        let masks_numbers = is_item || self.ruling.class == KeyClass::Password;
        self.masks_numbers
            && (is_number && masks_numbers || is_word && is_mixed && !text.starts_with(b"0x"))
    }
}

/// The block that a line opens: a sensitive key, a sign, the names of wrappers, brackets.
fn opened(line: &[u8], indent: usize, rules: &Rules) -> Option<Open> {
    let is_map = line.ends_with(b"{");
    let mut head = line;
    for _ in 0..WRAPPERS_MAX {
        let [inner @ .., b'(' | b'[' | b'{'] = head.trim_ascii_end() else { break };
        head = inner.trim_ascii_end();
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_:<>!&".contains(byte);
        let name = head.iter().rev().take_while(|&byte| is_name(byte)).count();
        let rest = &head[..head.len() - name];
        // A name after a space; otherwise it ends in the key's own sign.
        if rest.ends_with(b" ") && !head.ends_with(b":") {
            head = rest.trim_ascii_end();
        }
    }
    let head = head.strip_suffix(b"=>").or(head.strip_suffix(b":")).or(head.strip_suffix(b"="))?;
    let head = head.trim_ascii_end();
    let (inner, is_quoted) = match head {
        [inner @ .., b'"' | b'\''] => (inner, true),
        _ => (head, false),
    };
    let len = inner.iter().rev().take_while(|byte| is_key(**byte)).count();
    let (before, key) = inner.split_at(inner.len() - len);
    if !(2..=KEY_BYTES_MAX).contains(&len) {
        return None;
    }
    // `failed to parse token: {`: a sentence about the map.
    if is_map && !is_quoted && before.trim_ascii_end().last().is_some_and(u8::is_ascii_alphabetic) {
        return None;
    }
    let facts = rules.key_facts(key, None);
    let ruling = match is_map {
        true => Scope::map(Ruling::of(&facts)).above(),
        false => Ruling::of(&facts),
    };
    let masks_numbers = ruling.class == KeyClass::Password
        || ruling.class == KeyClass::Secret && key.to_ascii_lowercase().ends_with(b"secret");
    let is_telling = !matches!(ruling.class, KeyClass::Plain | KeyClass::Drawn);
    is_telling.then_some(Open { ruling, masks_numbers, indent, lines: 0 })
}

pub(super) fn is_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.".contains(&byte) || !byte.is_ascii()
}

/// The content of the quoted text that all of `start..end` is, with a prefix such as `b` or `r#`.
pub(super) fn quoted(line: &[u8], start: usize, end: usize) -> Option<Range<usize>> {
    let prefix =
        line[start..end].iter().take(3).take_while(|byte| b"brRu#&".contains(byte)).count();
    let hashes = line[start..start + prefix].iter().filter(|byte| **byte == b'#').count();
    let (open, close) = (start + prefix, end.checked_sub(hashes + 1)?);
    let quote = *line.get(open)?;
    let is_text = matches!(quote, b'"' | b'\'') && close > open && line[close] == quote;
    let inner = line.get(open + 1..close)?;
    // An escaped quote does not close the text; an entry has two texts.
    let is_one = hashes > 0 || is_one_text(inner, quote);
    (is_text && is_one).then_some(open + 1..close)
}

fn is_one_text(inner: &[u8], quote: u8) -> bool {
    let mut is_escaped = false;
    for &byte in inner {
        if byte == quote && !is_escaped {
            return false;
        }
        is_escaped = byte == b'\\' && !is_escaped;
    }
    !is_escaped
}

/// The key of `key: value` in `start..end`, without quotes, and where the value starts.
fn entry(line: &[u8], start: usize, end: usize) -> Option<(Range<usize>, usize)> {
    let quote = usize::from(matches!(line[start], b'"' | b'\''));
    let first = start + quote;
    let len = line[first..end].iter().take_while(|byte| is_key(**byte)).count();
    let after = first + len + quote;
    let rest = line.get(after..end)?;
    let spaces = rest.len() - rest.trim_ascii_start().len();
    let sign = match &rest[spaces..] {
        [b'=', b'>', ..] => 2,
        [b':' | b'=', ..] => 1,
        _ => return None,
    };
    let value = after + spaces + sign;
    let gap = line[value..end].iter().take_while(|byte| **byte == b' ').count();
    (len > 0).then_some((first..first + len, value + gap))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The lines, with values replaced by `#`.
    pub(in super::super) fn masked(text: &str) -> String {
        let (mut block, rules) = (DumpBlock::default(), Rules::standard());
        let mask = |line: &str| match block.line(line.as_bytes(), &rules) {
            Some((part, _)) => format!("{}#{}", &line[..part.start], &line[part.end..]),
            None => line.to_owned(),
        };
        text.lines().map(mask).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn values_on_deeper_lines_are_found() {
        for (text, want) in [
            (
                "password: Some(\n    \"x 9\",\n),\nn: \"y\",",
                "password: Some(\n    \"#\",\n),\nn: \"y\",",
            ),
            (
                "  \"api_keys\": [\n    \"a\",\n    \"b\"\n  ],\n  \"c\"",
                "  \"api_keys\": [\n    \"#\",\n    \"#\"\n  ],\n  \"c\"",
            ),
            (
                "secret: Secret {\n  value: \"a\\\"b\",\n  n: 1,\n}",
                "secret: Secret {\n  value: \"#\",\n  n: 1,\n}",
            ),
            ("secret: [\n  104,\n  117,\n]\n  9", "secret: [\n  #,\n  #,\n]\n  9"),
            ("password: Password(\n  hunter2x,\n)", "password: Password(\n  #,\n)"),
            ("  'db_password' => [\n    'a',\n  ]", "  'db_password' => [\n    '#',\n  ]"),
            ("cfg password: Some(\n    b\"x\",\n)", "cfg password: Some(\n    b\"#\",\n)"),
            (
                "token: Some(\n  Token(\n    \"k\",\n  ),\n)\n  \"k\"",
                "token: Some(\n  Token(\n    \"#\",\n  ),\n)\n  \"k\"",
            ),
            (
                "\"credentials\": {\n  \"user\": \"a\",\n  \"on\": true\n}",
                "\"credentials\": {\n  \"user\": \"#\",\n  \"on\": true\n}",
            ),
        ] {
            assert_eq!(masked(text), want);
        }
    }

    #[test]
    fn other_blocks_stay() {
        for text in [
            "tokens: [\n  101,\n  102,\n]",
            "name: Some(\n  \"x\",\n)",
            "fn get_token() {\n  \"x\"\n}",
            "failed to parse token: {\n  \"kind\": \"x\"\n}",
            "password: Some(\n\"same indentation\",\n)",
            "secret: {\n  \"secretName\": \"my-cert\"\n}",
            "password: None,\n  \"x\",",
            "token: Some(\n\n  \"x\",\n)",
        ] {
            assert_eq!(masked(text), text);
        }
    }

    #[test]
    fn a_block_ends_after_its_line_limit() {
        let (mut block, rules) = (DumpBlock::default(), Rules::standard());
        assert_eq!(block.line(b"password: [", &rules), None);
        for _ in 0..LINES_MAX {
            assert_eq!(block.line(b"  \"x\",", &rules), Some((3..4, KeyClass::Password)));
        }
        assert_eq!(block.line(b"  \"x\",", &rules), None);
        assert!(!block.is_open());
    }
}
