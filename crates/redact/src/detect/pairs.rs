//! A quoted key and its value with a comma between: tuples, lists of two, arguments, lists of headers.
//!
//! Reads a few dozen bytes, and the value.

use super::key_text::Key;
use super::kv_value::{Found, Link, Value};
use super::{flags, gap, key_text, kv_value, literal, sign};
use crate::bytes::{ByteSet, at, before, is_word};
use crate::hits::Finder;
use crate::kind::KeyClass;

const SPACES: ByteSet = ByteSet::of(b" \t\r\n");
/// Spaces between the parts of a pair that is written over several lines.
const SPACES_MAX: usize = 64;
const PREFIX: ByteSet = ByteSet::of(b"bBuUrR");

/// `key` is followed by a quote that ends before `pos`.
pub(super) fn find(finder: &mut Finder<'_>, key: Key, pos: usize) {
    let input = finder.input;
    let Some(quote) = opening_quote(input, key) else { return };
    // `String("key"), String("value")`
    let wrapped = at(input, pos) == b')' && before(input, quote) == b'(';
    let comma = pos + usize::from(wrapped);
    let comma = comma + SPACES.run(input, comma, SPACES_MAX);
    if at(input, comma) != b',' {
        return;
    }
    let first = comma + 1 + SPACES.run(input, comma + 1, SPACES_MAX);
    let first = first + gap::decoration(input, first);
    if flags::is_option(input, key.start) {
        return flags::listed(finder, key, first);
    }
    let opening = if wrapped { before_wrapper(input, quote) } else { quote };
    let opening = opening - SPACES.run_back(input, opening, SPACES_MAX);
    let leads = matches!(before(input, opening), b'(' | b'[' | b'{');
    if !leads && before(input, opening) != b',' || is_row(input, opening) || !is_value(input, first)
    {
        return;
    }
    let class = key_text::class(finder, key);
    if class == KeyClass::Plain {
        return;
    }
    let found = Found::by_position(class, &input[key.start..key.end]);
    if leads {
        return kv_value::find(finder, &found, first);
    }
    // In a longer list the key need not be one: its value has to be one word, and to look chosen.
    let words = literal::prefixed(input, first)
        .is_some_and(|text| input[text.start..text.end].contains(&b' '));
    if class == KeyClass::Auth || !words {
        kv_value::find(finder, &Found { link: Link::Words, ..found }, first);
    }
}

/// `{:password, "hunter2"}`, `{password,<<"hunter2">>}`: a tuple of Elixir or Erlang; `pos` is the comma.
pub(super) fn atom(finder: &mut Finder<'_>, key: Key, pos: usize) {
    let input = finder.input;
    let open = key.start - usize::from(before(input, key.start) == b':');
    let first = pos + 1 + SPACES.run(input, pos + 1, 8);
    let first = first + 2 * usize::from(input[first..].starts_with(b"<<"));
    if before(input, open) != b'{' || !literal::opens(input, first) {
        return;
    }
    let class = key_text::class(finder, key);
    if class != KeyClass::Plain {
        kv_value::find(finder, &Found::by_position(class, &input[key.start..key.end]), first);
    }
}

/// Bytes of a variable's block that are read.
const BLOCK_BYTES_MAX: usize = 256;

/// `variable "db_password" { default = "hunter2" }` of Terraform; `pos` is the position after the quote.
pub(super) fn variable(finder: &mut Finder<'_>, key: Key, pos: usize) {
    let input = finder.input;
    let open = pos + SPACES.run(input, pos, 4);
    if at(input, open) != b'{' || !input[..key.start].ends_with(b"variable \"") {
        return;
    }
    let block = &input[open..input.len().min(open + BLOCK_BYTES_MAX)];
    finder.spend(block.len());
    let Some(name) = memchr::memmem::find(block, b"default") else { return };
    let sign = name + 7 + SPACES.run(block, name + 7, SPACES_MAX);
    let class = key_text::class(finder, key);
    let is_before = memchr::memchr(b'}', block).is_none_or(|close| name < close);
    if at(block, sign) == b'=' && is_before && class != KeyClass::Plain {
        let found = Found::by_sign(class, &input[key.start..key.end]);
        kv_value::find(finder, &found, open + sign + 1);
    }
}

/// `- name: DB_PASSWORD` and `value: hunter2` on the next line, or `{"name":"DB_PASSWORD","value":"hunter2"}`; `pos` is
/// the position after the name. Returns whether the key is a name with a value.
pub(super) fn named(finder: &mut Finder<'_>, key: Key, pos: usize) -> bool {
    let input = finder.input;
    let start = key.start - usize::from(matches!(before(input, key.start), b'"' | b'\''));
    let colon = start - SPACES.run_back(input, start, 4);
    let head = &input[..colon];
    let comma = pos + usize::from(at(input, pos) == b',');
    let next = comma + SPACES.run(input, comma, SPACES_MAX);
    const NAMES: [&[u8]; 6] = [b"name:", b"key:", b"name\":", b"key\":", b"name':", b"key':"];
    const VALUES: [&[u8]; 3] = [b"value:", b"\"value\":", b"'value':"];
    let value = VALUES.iter().find(|value| input[next..].starts_with(value));
    let Some(value) = value.filter(|_| NAMES.iter().any(|name| head.ends_with(name))) else {
        return false;
    };
    let class = key_text::class(finder, key);
    if class != KeyClass::Plain {
        let found = Found::by_sign(class, &input[key.start..key.end]);
        kv_value::find(finder, &found, next + value.len());
    }
    true
}

/// `form-data; name="password"`, an empty line, and the value: a part of a form. `pos` is the end of the line. Returns
/// whether the key is the name of a part.
pub(super) fn form(finder: &mut Finder<'_>, key: Key, pos: usize) -> bool {
    const BREAK: &[u8] = b"\r\n\r\n";
    let input = finder.input;
    let head = &input[..key.start.saturating_sub(1)];
    if !head.ends_with(b"form-data; name=") || !input[pos..].starts_with(BREAK) {
        return false;
    }
    let class = key_text::class(finder, key);
    let start = pos + BREAK.len();
    let len = input[start..].iter().take_while(|&&byte| !matches!(byte, b'\r' | b'\n')).count();
    if class.is_secret() && len > 0 {
        finder.spend(len);
        let found = Found::by_sign(class, &input[key.start..key.end]);
        kv_value::decide(finder, &found, Value { start, end: start + len, quoted: true }, false);
    }
    true
}

/// The position of the quote before the key, or of its prefix.
fn opening_quote(input: &[u8], key: Key) -> Option<usize> {
    // Dashes and dots before the key belong to it.
    let start = key.start - ByteSet::of(b"\\-./:").run_back(input, key.start, 4);
    let byte = before(input, start);
    if !matches!(byte, b'"' | b'\'' | b'`') {
        return None;
    }
    let quote = start - 1;
    let slashes = ByteSet::of(b"\\\\").run_back(input, quote, 15);
    let at = quote - slashes;
    let prefix = PREFIX.run_back(input, at, 2);
    let prefix = if is_word(before(input, at - prefix)) { 0 } else { prefix };
    (sign::quote_len(input, at) == slashes + 1).then_some(at - prefix)
}

/// Whether the bracket before `pos` opens a row or a set of SQL: `VALUES (`, `IN (`.
fn is_row(input: &[u8], pos: usize) -> bool {
    let end = pos.saturating_sub(1);
    let end = end - SPACES.run_back(input, end, 4);
    [&b"values"[..], b" in", b"value"].iter().any(|word| {
        end.checked_sub(word.len())
            .is_some_and(|start| input[start..end].eq_ignore_ascii_case(word))
    })
}

/// The start of the name whose bracket is before `quote`.
fn before_wrapper(input: &[u8], quote: usize) -> usize {
    let end = quote - 1;
    end - ByteSet::of(b"A-Za-z0-9_:").run_back(input, end, 32)
}

/// Whether a value starts at `pos`, and not the name of another field.
fn is_value(input: &[u8], pos: usize) -> bool {
    literal::opens(input, pos)
        || PREFIX.has(at(input, pos)) && literal::prefixed(input, pos).is_some()
        || at(input, pos).is_ascii_uppercase()
}
