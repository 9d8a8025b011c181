//! Passwords in SQL: `IDENTIFIED BY '…'`, `SET PASSWORD FOR u = '…'`, and the values of telling columns in `INSERT`.
//!
//! Reads at most [`STATEMENT_BYTES_MAX`] of a statement for each telling column.

use super::key_text::{self, Key};
use super::kv_value::{self, Found, Value};
use super::literal::{self, Literal};
use crate::bytes::{ByteSet, SPACE, WORD, at, before, mixed, starts_nocase};
use crate::hits::Finder;
use crate::kind::KeyClass;

const STATEMENT_BYTES_MAX: usize = 16 * 1024;
const COLUMNS_BYTES_MAX: usize = 1024;
const ROWS_MAX: usize = 64;
/// How far before `IDENTIFIED` its statement starts.
const LOOK_BACK: usize = 256;
const COLUMN: ByteSet = ByteSet::of(b"A-Za-z0-9_.\"`[]$# \t\r\n,");

/// `pos` is the start of `identified`, in any case.
pub(super) fn identified(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    if !starts_nocase(input, pos, b"identified ") || !is_statement(input, pos) {
        return;
    }
    finder.spend(LOOK_BACK);
    let mut i = word_end(input, pos, b"identified").unwrap_or(pos);
    if let Some(plugin) = word_end(input, i, b"with") {
        let quoted = literal::at_quote(input, plugin);
        let end = quoted.map_or(plugin + WORD.run(input, plugin, 64), |text| text.next);
        i = end + SPACE.run(input, end, 8);
    }
    let Some(mut i) = word_end(input, i, b"by").or(word_end(input, i, b"as")) else { return };
    for word in [&b"password"[..], b"values"] {
        i = word_end(input, i, word).unwrap_or(i);
    }
    let found = Found::by_sign(KeyClass::Password, b"identified");
    let end = value(finder, &found, i);
    let next = end + SPACE.run(input, end, 8);
    if let Some(old) = word_end(input, next, b"replace") {
        value(finder, &found, old);
    }
}

/// Masks the text at `pos`, in quotes or not, and returns where it ends.
fn value(finder: &mut Finder<'_>, found: &Found<'_>, pos: usize) -> usize {
    let input = finder.input;
    if let Some(text) = literal::sql(input, pos) {
        kv_value::decide(
            finder,
            found,
            Value { start: text.start, end: text.end, quoted: true },
            false,
        );
        return text.next;
    }
    let len = ByteSet::of(b"A-Za-z0-9_#").run(input, pos, 128);
    let text = &input[pos..pos + len];
    if mixed(text) {
        kv_value::decide(finder, found, Value { start: pos, end: pos + len, quoted: true }, false);
    }
    pos + len
}

/// The position after `word` at `pos` and the spaces that follow it.
fn word_end(input: &[u8], pos: usize, word: &[u8]) -> Option<usize> {
    let end = pos + word.len();
    let gap = SPACE.run(input, end, 32);
    (starts_nocase(input, pos, word) && gap > 0).then_some(end + gap)
}

/// Whether `IDENTIFIED` at `pos` belongs to a statement: in capitals, or after a verb.
fn is_statement(input: &[u8], pos: usize) -> bool {
    if input[pos].is_ascii_uppercase() && at(input, pos + 1).is_ascii_uppercase() {
        return true;
    }
    let before = &input[pos.saturating_sub(LOOK_BACK)..pos];
    [&b"create user"[..], b"alter user", b"grant ", b"create role", b"alter role", b"set role"]
        .iter()
        .any(|verb| before.windows(verb.len()).any(|part| part.eq_ignore_ascii_case(verb)))
}

/// The quoted text in `password 'hunter2'` and `SET PASSWORD FOR 'bob'@'%' = '…'`, after the spaces at `pos`.
pub(super) fn quoted(finder: &mut Finder<'_>, key: Key, pos: usize) -> Option<Literal> {
    let input = finder.input;
    let first = pos + SPACE.run(input, pos, 32);
    if let Some(text) = literal::sql(input, first) {
        return Some(text);
    }
    let sets = key.start.checked_sub(4).is_some_and(|start| starts_nocase(input, start, b"set "));
    let user = word_end(input, first, b"for").filter(|_| sets)?;
    let len = input[user..].iter().take(128).position(|&byte| matches!(byte, b'=' | b'\n'));
    let sign = len.map(|len| user + len).filter(|&sign| at(input, sign) == b'=')?;
    finder.spend(sign - user);
    if input[user..sign].trim_ascii().contains(&b' ') {
        return None;
    }
    literal::sql(input, sign + 1 + SPACE.run(input, sign + 1, 8))
}

/// A telling column of an `INSERT`: the values at its place in each row. `pos` is the position after the column and its
/// quote. Returns whether the key is a column before `VALUES`.
pub(super) fn column(finder: &mut Finder<'_>, key: Key, pos: usize) -> bool {
    let input = finder.input;
    let pos = pos + usize::from(at(input, pos) == b']');
    let rest = COLUMN.run(input, pos, COLUMNS_BYTES_MAX);
    let back = COLUMN.run_back(input, key.start, COLUMNS_BYTES_MAX);
    finder.spend(rest / 4);
    let (close, open) = (pos + rest, key.start - back);
    if at(input, close) != b')' || before(input, open) != b'(' {
        return false;
    }
    let mut i = close + 1 + SPACE.run(input, close + 1, 32);
    let Some(values) = word_end(input, i, b"values")
        .or_else(|| starts_nocase(input, i, b"values(").then_some(i + 6))
    else {
        return false;
    };
    finder.spend(rest + back);
    let class = key_text::class(finder, key);
    if class == KeyClass::Plain {
        return true;
    }
    let found = Found::by_position(class, &input[key.start..key.end]);
    let place = input[open..key.start].iter().filter(|&&byte| byte == b',').count();
    i = values;
    let limit = input.len().min(values + STATEMENT_BYTES_MAX);
    for _ in 0..ROWS_MAX {
        let Some(end) = row(finder, &found, i, place, limit) else { break };
        let comma = end + SPACE.run(input, end, 32);
        if at(input, comma) != b',' {
            break;
        }
        i = comma + 1 + SPACE.run(input, comma + 1, 32);
    }
    true
}

/// Masks the text at `place` of the row whose bracket is at `pos`, and returns where the row ends.
fn row(
    finder: &mut Finder<'_>,
    found: &Found<'_>,
    pos: usize,
    place: usize,
    limit: usize,
) -> Option<usize> {
    let input = &finder.input[..limit];
    if at(input, pos) != b'(' {
        return None;
    }
    let (mut i, mut depth, mut index) = (pos + 1, 1usize, 0usize);
    while i < input.len() {
        let prefix = usize::from(matches!(input[i], b'N' | b'E' | b'b' | b'B'));
        if matches!(at(input, i + prefix), b'\'' | b'"') && !WORD.has(before(input, i)) {
            let text = literal::sql(input, i)?;
            if index == place && depth == 1 {
                let value = Value { start: text.start, end: text.end, quoted: true };
                kv_value::decide(finder, found, value, false);
            }
            i = text.next;
            continue;
        }
        match input[i] {
            b'(' => depth += 1,
            b')' => depth -= 1,
            b',' if depth == 1 => index += 1,
            _ => {}
        }
        i += 1;
        if depth == 0 {
            finder.spend(i - pos);
            return Some(i);
        }
    }
    finder.spend(input.len() - pos);
    None
}
