//! Options of command lines with a telling name: `--password x`, `-password x`, `["--password", "x"]`.
//!
//! Options without a telling name, as in `mysql -pX`, are in [`super::programs`]. Reads the option and its value.

use super::key_text::{self, Key};
use super::kv_value::{self, Found, Value};
use super::{fits, gap, literal};
use crate::bytes::{ByteSet, SPACE, at, before};
use crate::hits::Finder;
use crate::key::LastWord;
use crate::kind::KeyClass;

const ARGUMENT_END: ByteSet = ByteSet::of(b" \t\r\n\"'`|;<>\x1b");
/// Words after an option that talk about it.
#[rustfmt::skip]
const SENTENCE: [&[u8]; 36] = [
    b"is", b"or", b"and", b"to", b"for", b"string", b"option", b"flag", b"must", b"cannot",
    b"not", b"if", b"was", b"with", b"the", b"a", b"an", b"on", b"in", b"from", b"argument",
    b"requires", b"value", b"can", b"should", b"has", b"will", b"password", b"parameter",
    b"instead", b"are", b"via", b"when", b"as", b"specifies", b"options",
];

const SOURCES: [&[u8]; 3] = [b"env:", b"file:", b"fd:"];

/// Whether dashes before `start` make the key an option.
pub(super) fn is_option(input: &[u8], start: usize) -> bool {
    let dashes = ByteSet::of(b"\\-").run_back(input, start, 3);
    (1..=2).contains(&dashes) && opens(before(input, start - dashes))
}

/// Whether an option can start after `byte`.
fn opens(byte: u8) -> bool {
    matches!(byte, 0 | b' ' | b'\t' | b'\n' | b'"' | b'\'' | b'`' | b'(' | b'[' | b'\\')
}

/// `--password x`, where `pos` is the position of the space. Returns whether the key is an option.
pub(super) fn telling(finder: &mut Finder<'_>, key: Key, pos: usize) -> bool {
    let input = finder.input;
    if !is_option(input, key.start) {
        return false;
    }
    let first = pos + gap::spaces(input, pos);
    let Some(value) = argument(input, first) else { return true };
    decide(finder, key, value);
    true
}

/// `"--password", "x"`, where `pos` is the position of the value's quote.
pub(super) fn listed(finder: &mut Finder<'_>, key: Key, pos: usize) {
    let Some(text) = literal::prefixed(finder.input, pos) else { return };
    decide(finder, key, Value { start: text.start, end: text.end, quoted: true });
}

fn decide(finder: &mut Finder<'_>, key: Key, value: Value) {
    let input = finder.input;
    let text = &input[value.start..value.end];
    finder.spend(text.len());
    if !is_argument(text, value.quoted) {
        return;
    }
    // `-pass env:NAME`: where openssl reads it from.
    let is_source = |prefix: &&[u8]| text.starts_with(prefix);
    if input[key.start..key.end].starts_with(b"pass") && SOURCES.iter().any(is_source) {
        return;
    }
    let class = key_text::class(finder, key);
    if class == KeyClass::Plain || names_source(&input[key.start..key.end]) {
        return;
    }
    let found = Found::by_position(class, &input[key.start..key.end]);
    kv_value::decide(finder, &found, value, false);
}

/// `--password-file`, `--passphrase-fd`: where the secret is read from.
fn names_source(name: &[u8]) -> bool {
    matches!(
        LastWord::of(name).get(),
        b"fd"
            | b"file"
            | b"stdin"
            | b"command"
            | b"cmd"
            | b"env"
            | b"path"
            | b"prompt"
            | b"script"
            | b"helper"
            | b"from"
            | b"var"
            | b"name"
            | b"policy"
            | b"id"
    )
}

/// Whether `text` is the value of an option, and not the next option, a placeholder or a word about the option.
pub(super) fn is_argument(text: &[u8], quoted: bool) -> bool {
    let word = || SENTENCE.iter().any(|word| text.eq_ignore_ascii_case(word));
    let name = || text.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_');
    !text.is_empty()
        && !is_marked(text, quoted)
        && !fits::is_placeholder(text, quoted)
        && (quoted || !word() && !name())
}

/// `-x`, `<password>`, `[password]`, `$PASSWORD`, `%PASSWORD%`.
fn is_marked(text: &[u8], quoted: bool) -> bool {
    match text {
        [] | [_] => false,
        [b'$', name @ ..] => {
            !quoted && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        }
        [b'%', rest @ ..] => rest.ends_with(b"%") || rest.len() == 1,
        [first, ..] => matches!(first, b'-' | b'<' | b'[' | b'{' | b'=' | b'|'),
    }
}

/// The argument at `pos`, in quotes or not.
pub(super) fn argument(input: &[u8], pos: usize) -> Option<Value> {
    if let Some(text) = literal::at_quote(input, pos) {
        return Some(Value { start: text.start, end: text.end, quoted: true });
    }
    let rest = input.get(pos..)?;
    let len = rest.iter().take_while(|&&byte| !ARGUMENT_END.has(byte)).count();
    let len = len - usize::from(len > 1 && matches!(rest[len - 1], b',' | b')' | b']'));
    (len > 0).then_some(Value { start: pos, end: pos + len, quoted: false })
}

/// The argument after the option that ends at `pos`: after spaces, or in the next text of a list.
pub(super) fn next_argument(input: &[u8], pos: usize) -> Option<Value> {
    let quote = at(input, pos);
    if matches!(quote, b'"' | b'\'') {
        let comma = pos + 1 + SPACE.run(input, pos + 1, 16);
        let comma = comma + usize::from(at(input, comma) == b',');
        let first = comma + SPACE.run(input, comma, 64);
        let text = literal::at_quote(input, first).filter(|_| first > pos + 1)?;
        return Some(Value { start: text.start, end: text.end, quoted: true });
    }
    let first = pos + gap::spaces(input, pos);
    if first == pos { None } else { argument(input, first) }
}
