//! Arguments of calls and newtypes: `setPassword("…")`, `Password("…")`, `PASSWORD('…')`, `Password::new("…")`.
//!
//! Only a quoted argument is a value; the name and the brackets are kept.

use super::key_text::{self, Key};
use super::kv_value::{self, Found, Value};
use super::words::QUESTIONS;
use super::{extent, gap, literal};
use crate::bytes::{ByteSet, SPACE, at, before, is_word};
use crate::hits::Finder;
use crate::key::Tokens;
use crate::kind::KeyClass;

/// Constructors after the name of a type.
const CONSTRUCTORS: [&[u8]; 6] = [b"new", b"from", b"from_str", b"try_from", b"of", b"create"];
const NAME: ByteSet = ByteSet::of(b"a-z_");
/// The most texts of a structure that are masked one by one.
const LEAVES_MAX: usize = 16;

/// `key` is followed by the bracket or the colons at `pos`.
pub(super) fn find(finder: &mut Finder<'_>, key: Key, pos: usize) {
    let input = finder.input;
    let Some(open) = bracket(input, pos) else { return };
    let key = without_comparison(input, key);
    let mut first = open + 1 + SPACE.run(input, open + 1, 64);
    first += gap::decoration(input, first);
    let Some(text) = literal::prefixed(input, first) else { return raw(finder, key, first) };
    if is_question(&input[key.start..key.end]) {
        return;
    }
    let Some(found) = found(finder, key) else { return };
    finder.spend(text.next - first);
    let value = Value { start: text.start, end: text.end, quoted: true };
    kv_value::decide(finder, &found, value, false);
}

/// `Password(r#"…"#)`.
fn raw(finder: &mut Finder<'_>, key: Key, pos: usize) {
    let input = finder.input;
    let hashes = ByteSet::of(b"#").run(input, pos + 1, 8);
    if at(input, pos) != b'r' || hashes == 0 || is_question(&input[key.start..key.end]) {
        return;
    }
    let Some((extent, leaf)) = extent::string(input, pos + 1 + hashes, true, hashes) else {
        return;
    };
    let Some(found) = found(finder, key) else { return };
    finder.spend(extent.read);
    let value = Value { start: leaf.start, end: leaf.end, quoted: true };
    kv_value::decide(finder, &found, value, false);
}

/// `password.equals("…")`: the key is what is compared.
fn without_comparison(input: &[u8], key: Key) -> Key {
    let text = &input[key.start..key.end];
    let method = [&b".equals"[..], b".eq", b".equalsIgnoreCase", b".compareTo", b".isEqual"];
    let found = method.iter().find(|method| text.ends_with(method));
    Key { end: key.end - found.map_or(0, |method| method.len()), ..key }
}

fn found<'a>(finder: &Finder<'a>, key: Key) -> Option<Found<'a>> {
    let class = key_text::class(finder, key);
    let text = &finder.input[key.start..key.end];
    (class.is_secret() || class == KeyClass::Auth).then(|| Found::by_position(class, text))
}

/// The opening bracket of the call whose name ends at `pos`.
fn bracket(input: &[u8], pos: usize) -> Option<usize> {
    if at(input, pos) == b'(' {
        return Some(pos);
    }
    let name = input[pos..].strip_prefix(b"::")?;
    let len = NAME.run(name, 0, 16);
    let open = pos + 2 + len;
    (CONSTRUCTORS.contains(&&name[..len]) && at(input, open) == b'(').then_some(open)
}

/// Names that ask for something, or report it: their arguments are names and messages.
fn is_question(name: &[u8]) -> bool {
    let tokens = Tokens::split(name);
    (0..tokens.len()).any(|back| QUESTIONS.contains(&tokens.last(back)))
}

/// Whether the key is a type whose fields are in braces: `Password { value: "…" }`.
pub(super) fn is_struct(input: &[u8], key: Key, pos: usize) -> bool {
    let open = pos + usize::from(at(input, pos) == b' ');
    at(input, open) == b'{'
        && input[key.start].is_ascii_uppercase()
        && input[key.start..key.end].iter().any(u8::is_ascii_lowercase)
        && !is_word(before(input, key.start))
}

/// Masks the texts of a structure.
pub(super) fn structure(finder: &mut Finder<'_>, key: Key, pos: usize) {
    let input = finder.input;
    let open = pos + usize::from(at(input, pos) == b' ');
    let class = key_text::class(finder, key);
    // `Token { kind: Ident }` is a word of a program.
    if !matches!(class, KeyClass::Password | KeyClass::Secret) {
        return;
    }
    let found = Found::by_position(class, &input[key.start..key.end]);
    let (mut leaves, mut len) = ([None; LEAVES_MAX], 0);
    let extent = extent::brackets(input, open, |leaf| {
        if let (false, Some(slot)) = (leaf.key, leaves.get_mut(len)) {
            *slot = Some(leaf);
            len += 1;
        }
    });
    finder.spend(extent.read);
    for leaf in leaves.iter().flatten() {
        let value = Value { start: leaf.start, end: leaf.end, quoted: true };
        kv_value::decide(finder, &found, value, false);
    }
}
