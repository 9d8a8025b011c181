//! Elements and attributes of XML and HTML: `<password>…</password>`, `<add key="Password" value="…"/>`, also escaped.
//!
//! An element is read to its closing tag, at most [`ELEMENT_BYTES_MAX`]; without one it is no element, because
//! `<password>` alone is a placeholder.

use super::bare_key::is_drawn_value;
use super::key_text::{self, KEY_BYTES_MAX, Key};
use super::kv_value::{self, Found, Link, Value};
use super::literal;
use crate::bytes::{ByteSet, HEX, SPACE, at, before, mixed, starts_nocase};
use crate::hits::Finder;
use crate::key_tails;
use crate::kind::{KeyClass, mask_len};

const ELEMENT_BYTES_MAX: usize = 4096;
const ATTRIBUTES_BYTES_MAX: usize = 512;
const NAME: ByteSet = ByteSet::of(b"A-Za-z0-9_.:\\-");
const LETTERS: ByteSet = ByteSet::of(b"A-Za-z");
/// Most tags of an element's children: more than fit in it.
const TAGS_MAX: usize = ELEMENT_BYTES_MAX / 3;

/// How angle brackets are written.
#[derive(Debug, Clone, Copy)]
struct Angles {
    open: &'static [u8],
    close: &'static [u8],
}

const ANGLES: [Angles; 4] = [
    Angles { open: b"<", close: b">" },
    Angles { open: b"&lt;", close: b"&gt;" },
    Angles { open: b"\\u003c", close: b"\\u003e" },
    Angles { open: b"%3C", close: b"%3E" },
];

/// A filter applied before [`at_angle`]: whether a name starts after the bracket.
#[inline(always)]
pub(super) fn may_be(input: &[u8], pos: usize) -> bool {
    at(input, pos + 1).is_ascii_alphabetic()
}

/// `pos` is a `<`; the names of elements without a telling word are decided here.
pub(super) fn at_angle(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    let len = NAME.run(input, pos + 1, KEY_BYTES_MAX + 1);
    let end = pos + 1 + len;
    if !may_be(input, pos) || len > KEY_BYTES_MAX || !key_tails::may_be(finder.rules, input, end) {
        return;
    }
    let prefix = input[pos + 1..end].iter().rposition(|&byte| byte == b':').map_or(0, |i| i + 1);
    let Some(key) = key_text::trimmed(input, pos + 1 + prefix, end) else { return };
    finder.spend(len);
    super::apart_from_signs(finder, |finder| element(finder, key, ANGLES[0]));
}

/// The element whose name is `key`, found by its telling word. Returns whether the key is the name of one.
pub(super) fn around(finder: &mut Finder<'_>, key: Key) -> bool {
    let input = finder.input;
    let start = match before(input, key.start) {
        b':' => key.start - 1 - NAME.run_back(input, key.start - 1, 24),
        _ => key.start,
    };
    let head = &input[..start];
    let angles = ANGLES.iter().find(|angles| head.ends_with(angles.open));
    if let Some(angles) = angles {
        element(finder, key, *angles);
    }
    angles.is_some()
}

/// `<key>APIToken</key><string>…</string>`, `<name>db.password</name><value>…</value>`: the key is the text of an
/// element, and its value that of the next; `pos` is the closing tag.
pub(super) fn label(finder: &mut Finder<'_>, key: Key, pos: usize) {
    const LABELS: [&[u8]; 2] = [b"key", b"name"];
    const VALUES: [&[u8]; 4] = [b"string", b"value", b"data", b"integer"];
    let input = finder.input;
    let starts = |pos: usize, words: &'static [&'static [u8]]| {
        let known = words.iter().find(|word| starts_nocase(input, pos, word));
        known.filter(|word| at(input, pos + word.len()) == b'>').copied()
    };
    let Some(name) = input[pos..].starts_with(b"</").then(|| starts(pos + 2, &LABELS)).flatten()
    else {
        return;
    };
    let head = input[..key.start].trim_ascii_end().strip_suffix(b">");
    let Some(head) = head.and_then(|head| head.len().checked_sub(name.len())) else { return };
    if !starts_nocase(input, head, name) || before(input, head) != b'<' {
        return;
    }
    let next = pos + name.len() + 3;
    let next = next + SPACE.run(input, next, 64);
    let Some(value) = (at(input, next) == b'<').then(|| starts(next + 1, &VALUES)).flatten() else {
        return;
    };
    let class = key_text::class(finder, key);
    if class != KeyClass::Plain {
        let found = Found::by_position(class, &input[key.start..key.end]);
        let found = Found { link: Link::Sign, ..found };
        content(finder, &found, next + value.len() + 2, ANGLES[0], Some(value));
    }
}

fn element(finder: &mut Finder<'_>, key: Key, angles: Angles) {
    let input = finder.input;
    let Some(body) = body_start(input, key.end, angles) else { return };
    let class = key_text::class(finder, key);
    if class == KeyClass::Plain {
        return;
    }
    let found = Found::by_position(class, &input[key.start..key.end]);
    content(finder, &found, body, angles, Some(found.key));
}

/// Where the content starts after the attributes at `pos`; `None` for an empty element.
fn body_start(input: &[u8], pos: usize, angles: Angles) -> Option<usize> {
    let rest = input.get(pos..)?;
    if rest.starts_with(angles.close) {
        return Some(pos + angles.close.len());
    }
    if !SPACE.has(at(rest, 0)) {
        return None;
    }
    let rest = &rest[..rest.len().min(ATTRIBUTES_BYTES_MAX)];
    let mut i = 0;
    while i < rest.len() {
        if rest[i..].starts_with(angles.close) {
            return (rest[i - 1] != b'/').then_some(pos + i + angles.close.len());
        }
        i += match rest[i] {
            quote @ (b'"' | b'\'') => 2 + rest[i + 1..].iter().position(|&byte| byte == quote)?,
            b'<' | b'\n' if angles.open != b"<" => return None,
            b'<' => return None,
            _ => 1,
        };
    }
    None
}

/// Masks the text that starts at `pos`, or the texts of the children there. `name` is the end of the element's name if
/// its closing tag has to have it.
fn content(
    finder: &mut Finder<'_>,
    found: &Found<'_>,
    pos: usize,
    angles: Angles,
    name: Option<&[u8]>,
) {
    let input = finder.input;
    let limit = input.len().min(pos + ELEMENT_BYTES_MAX);
    let (mut i, mut depth, mut harmless) = (pos, 0, false);
    for _ in 0..TAGS_MAX {
        let start = i + SPACE.run(input, i, 256);
        if let Some(inner) = input[start..].strip_prefix(b"<![CDATA[") {
            let len = inner.windows(3).take(ELEMENT_BYTES_MAX).position(|end| end == b"]]>");
            let end = start + 9 + len.unwrap_or(inner.len());
            kv_value::decide(finder, found, Value { start: start + 9, end, quoted: true }, false);
            return;
        }
        let Some(len) = text_len(&input[start..limit], angles) else {
            // A limit has cut the value, and its closing tag.
            let is_word = !input[start..].iter().any(u8::is_ascii_whitespace);
            if finder.cut && is_word && limit == input.len() {
                let value = Value { start, end: limit, quoted: true };
                kv_value::decide(finder, found, value, false);
            }
            return;
        };
        finder.spend(len);
        let end = start + len;
        let text = input[start..end].trim_ascii_end();
        let tag = end + angles.open.len();
        let closes = at(input, tag) == b'/' || input[tag..].starts_with(b"\\/");
        if closes && depth == 0 && !name.is_none_or(|name| has_name(input, tag, name)) {
            return;
        }
        let is_kept = harmless && !(found.class.is_secret() && has_drawn_word(text));
        if !text.is_empty() && (closes || depth > 0) && !is_kept {
            let end = start + text.len();
            // Every text below an element for passwords is a secret, whatever it looks like.
            let class = found.class;
            let plain = matches!(class, KeyClass::Password | KeyClass::Secret);
            let link = if plain { Link::Position } else { Link::Words };
            let below = Found { link, ..Found::by_position(KeyClass::Password, b"value") };
            let found = if depth > 0 { &below } else { found };
            kv_value::decide(finder, found, Value { start, end, quoted: true }, false);
        }
        if closes {
            if depth == 0 {
                return;
            }
            depth -= 1;
        } else if !text.is_empty() && depth == 0 || !found.class.is_secret() {
            // Text and then another element: `<token> or <key>`.
            return;
        } else {
            depth += 1;
        }
        harmless = !closes && found.class != KeyClass::Password && names_user(input, tag);
        let Some(next) = tag_end(&input[tag..limit], angles) else { return };
        if before(input, tag + next - angles.close.len()) == b'/' {
            depth -= 1;
        }
        finder.spend(next);
        i = tag + next;
    }
}

/// Whether the closing tag whose slash is at `pos`, or the backslash before it, ends in `name`.
fn has_name(input: &[u8], pos: usize, name: &[u8]) -> bool {
    let start = pos + 1 + usize::from(at(input, pos) == b'\\');
    let closing = &input[start..start + NAME.run(input, start, 2 * KEY_BYTES_MAX)];
    let tail = closing.len().checked_sub(name.len()).map(|from| &closing[from..]);
    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(name)) || start + closing.len() == input.len()
}

/// Whether the element whose name starts at `pos` says who or what a secret belongs to.
fn names_user(input: &[u8], pos: usize) -> bool {
    let name = &input[pos..pos + NAME.run(input, pos, 48)];
    let name = name.rsplit(|&byte| byte == b':').next().unwrap_or_default();
    [&b"user"[..], b"username", b"login", b"name", b"id", b"type", b"host", b"url", b"created"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

/// The shortest word of an identifier that is a secret itself.
const WORD_BYTES_MIN: usize = 24;
const HEX_BYTES_MIN: usize = 32;

/// Whether an identifier looks drawn, as those that are given out together with a secret do. UUIDs do not.
fn has_drawn_word(text: &[u8]) -> bool {
    let is_sign = |byte: &u8| matches!(byte, b' ' | b'{' | b'}' | b',');
    text.split(is_sign).any(|word| {
        let is_hex = word.len() >= HEX_BYTES_MIN && word.iter().all(|&byte| HEX.has(byte));
        word.len() >= WORD_BYTES_MIN && (is_hex && mixed(word) || is_drawn_value(word))
    })
}

/// The length of the text up to the next opening bracket.
fn text_len(text: &[u8], angles: Angles) -> Option<usize> {
    let first = angles.open[0];
    let mut from = 0;
    loop {
        let found = from + text[from..].iter().position(|&byte| byte == first)?;
        // `<token>` within an element is a mask, unless a value or an element follows it.
        let masked = match mask_len(&text[found..]) {
            len if at(text, found + len).is_ascii_alphanumeric() => 0,
            len if at(text, found + len) == b'<' && at(text, found + len + 1) != b'/' => 0,
            len => len,
        };
        if masked == 0 && text[found..].starts_with(angles.open) {
            return Some(found);
        }
        from = found + masked.max(1);
    }
}

/// The position after the tag that starts at 0.
fn tag_end(text: &[u8], angles: Angles) -> Option<usize> {
    let text = &text[..text.len().min(ATTRIBUTES_BYTES_MAX)];
    let found = text.windows(angles.close.len()).position(|part| part == angles.close)?;
    Some(found + angles.close.len())
}

/// An element whose key is the value of an attribute: `<add key="Password" value="…"/>`,
/// `<entry key="password">…</entry>`. `pos` is the position after the closing quote of the key.
pub(super) fn named(finder: &mut Finder<'_>, key: Key, pos: usize) {
    let input = finder.input;
    let quote = pos - literal_quote_len(input, pos);
    if !names_key(input, key.start, pos - quote) {
        return;
    }
    let angles = if input[quote..pos].starts_with(b"&") { ANGLES[1] } else { ANGLES[0] };
    let rest = &input[pos..input.len().min(pos + ATTRIBUTES_BYTES_MAX)];
    let len = rest.windows(angles.close.len()).position(|part| part == angles.close);
    let tag = &rest[..len.unwrap_or(rest.len())];
    finder.spend(tag.len());
    let value = value_of(input, pos, pos + tag.len());
    let body = len.filter(|_| tag.last() != Some(&b'/') && !is_page(input, key.start, angles));
    let body = body.map(|len| pos + len + angles.close.len());
    if value.is_none() && body.is_none() {
        return;
    }
    let class = key_text::class(finder, key);
    if class == KeyClass::Plain {
        return;
    }
    let found = Found::by_position(class, &input[key.start..key.end]);
    match (value, body) {
        (Some(value), _) => kv_value::decide(finder, &found, value, false),
        (None, Some(body)) => content(finder, &found, body, angles, None),
        _ => {}
    }
}

/// Whether the attribute at `pos` is in an element of a web page, whose text is a label.
fn is_page(input: &[u8], pos: usize, angles: Angles) -> bool {
    #[rustfmt::skip]
    const PAGE: [&[u8]; 22] = [
        b"button", b"label", b"a", b"option", b"span", b"div", b"p", b"h1", b"h2", b"h3", b"h4",
        b"th", b"td", b"li", b"select", b"form", b"legend", b"fieldset", b"section", b"input", b"meta", b"b",
    ];
    let head = &input[pos.saturating_sub(ATTRIBUTES_BYTES_MAX)..pos];
    let open = head.windows(angles.open.len()).rposition(|part| part == angles.open);
    let Some(open) = open.map(|open| open + angles.open.len()) else { return true };
    let name = &head[open..open + NAME.run(head, open, 24)];
    PAGE.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// The length of the quote that ends before `pos`.
fn literal_quote_len(input: &[u8], pos: usize) -> usize {
    let encoded = |len: &usize| pos >= *len && literal::encoded_len(input, pos - len) == *len;
    [6, 5].into_iter().find(encoded).unwrap_or(1)
}

/// Whether the attribute whose value starts at `start`, after a quote of `quote` bytes, contains a key.
fn names_key(input: &[u8], start: usize, quote: usize) -> bool {
    let Some(sign) = start.checked_sub(quote + 1).filter(|&sign| at(input, sign) == b'=') else {
        return false;
    };
    let name = LETTERS.run_back(input, sign, 8);
    let name = &input[sign - name..sign];
    [&b"key"[..], b"name", b"id", b"k", b"property"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

/// The value of the attribute `value` in `from..to`.
fn value_of(input: &[u8], from: usize, to: usize) -> Option<Value> {
    let mut i = from;
    while i < to {
        let name = LETTERS.run(input, i, 12);
        let known = [&b"value"[..], b"content", b"val", b"v"];
        let word = &input[i..i + name];
        if at(input, i + name) == b'=' && known.iter().any(|n| word.eq_ignore_ascii_case(n)) {
            let text = literal::at_quote(&input[..to], i + name + 1)?;
            return Some(Value { start: text.start, end: text.end, quoted: true });
        }
        i += name.max(1);
    }
    None
}
