//! Keys that contain a telling word, anchored at that word: whatever connects them with their values.
//!
//! The sign of most keys is found by [`super::kv`]. Here is the rest: signs in colours and encodings, arguments, pairs,
//! elements, columns, options, sentences. Each key is read once; what follows it selects the grammar.

use super::key_text::{self, Key};
use super::kv_value::{Ends, Found, Link};
use super::sign::{self, Sign};
use super::{arguments, calls, flags, gap, kv, kv_value, pairs, papers, prose, sql, stores, xml};
use crate::bytes::{ByteSet, at, before, starts_nocase};
use crate::hits::Finder;
use crate::key_tails;
use crate::kind::KeyClass;

/// What may follow the first four letters of a telling word; another letter makes it another word. `None` if anything
/// may.
#[rustfmt::skip]
fn endings(four: &[u8; 4]) -> Option<&'static [&'static [u8]]> {
    Some(match four {
        b"pass" => &[
            b"word", b"wd", b"phrase", b"code", b"wort", b"es", b"ord", b"woord", b"e ", b"e:", b"port", b"eport",
            b"aporto", b"aporte",
        ],
        b"secr" => &[b"et"],
        b"toke" => &[b"n"],
        b"auth" => &[b"orization", b"token", b"key", b"enticate "],
        b"cred" => &[b"ential", b"s"],
        b"cook" => &[b"ie"],
        _ => return None,
    })
}

/// Whether the word whose telling letters start at `pos` can be telling: `password`, but not `passed`; `auth`, but not
/// `author`.
#[inline(never)]
pub(super) fn may_be(input: &[u8], pos: usize) -> bool {
    let Some(Some(four)) = input.get(pos..).map(<[u8]>::first_chunk::<4>) else { return false };
    let four = four.map(|byte| byte.to_ascii_lowercase());
    let Some(endings) = endings(&four) else { return true };
    let next = at(input, pos + 4);
    let hump = next.is_ascii_uppercase() && at(input, pos + 3).is_ascii_lowercase();
    if !next.is_ascii_alphabetic() || hump {
        return matches!(&four, b"pass" | b"auth" | b"cred") || !next.is_ascii();
    }
    endings.iter().any(|ending| starts_nocase(input, pos + 4, ending))
}

/// `pos` is the start of a telling word.
pub(super) fn find(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    if pos < finder.stem_from {
        return;
    }
    finder.spend(16);
    let (start, end) = finder.signed_key;
    if start <= pos && pos < end {
        finder.stem_from = end;
        return;
    }
    let Some(key) = key_text::around(input, pos) else { return };
    let key = with_words_before(input, key);
    finder.stem_from = key.end;
    if before(input, key.start) == b'*' {
        return;
    }
    connected(finder, key);
}

/// `mot de passe`: three words for one key.
fn with_words_before(input: &[u8], key: Key) -> Key {
    const WORDS: &[u8] = b"mot de ";
    let start = key.start.checked_sub(WORDS.len());
    let start = start.filter(|&start| {
        starts_nocase(input, start, WORDS) && starts_nocase(input, key.start, b"passe")
    });
    Key { start: start.unwrap_or(key.start), ..key }
}

/// Whether the key is the name of a program whose arguments are passwords.
pub(super) fn is_program(key: &[u8]) -> bool {
    key.eq_ignore_ascii_case(b"htpasswd")
}

/// Tries the grammars that what follows the key allows.
fn connected(finder: &mut Finder<'_>, key: Key) {
    let input = finder.input;
    if is_program(&input[key.start..key.end]) {
        return arguments::htpasswd(finder, key.end);
    }
    stores::find(finder, key);
    if papers::is_passport(&input[key.start..key.end]) {
        return papers::find(finder, key.end);
    }
    let next = key.end + gap::decoration(input, key.end);
    let quote = sign::quote_len(input, next);
    if let Some(sign) = sign::after(input, key.end) {
        return by_sign(finder, key, sign);
    }
    let after = next + quote + gap::decoration(input, next + quote);
    match at(input, after) {
        b'(' | b':' if quote == 0 => calls::find(finder, key, after),
        b'{' | b' ' if quote == 0 && calls::is_struct(input, key, after) => {
            calls::structure(finder, key, after);
        }
        b',' | b')' | b']' if sql::column(finder, key, after) => {}
        b',' | b'\r' | b'\n' if pairs::named(finder, key, after) => {}
        b'\r' if quote > 0 && pairs::form(finder, key, after) => {}
        b',' | b')' | b'\r' | b'\n' if quote > 0 => pairs::find(finder, key, after),
        b'>' | b'/' if quote > 0 => xml::named(finder, key, after),
        b'>' | b'&' | b'\\' => {
            xml::around(finder, key);
        }
        b',' if quote == 0 => pairs::atom(finder, key, after),
        b' ' | b'\t' | 0xC2 if quote > 0 => {
            xml::named(finder, key, after);
            pairs::find(finder, key, after);
            pairs::variable(finder, key, after);
            cell(finder, key, after);
        }
        b' ' | b'\t' | 0xC2 if xml::around(finder, key) || flags::telling(finder, key, after) => {}
        b'<' if quote == 0 => xml::label(finder, key, after),
        b' ' if matches!(&input[key.start..key.end], b"AUTH" | b"AUTHENTICATE") => {
            arguments::auth_command(finder, after)
        }
        b' ' | b'\t' | 0xC2 => {
            cell(finder, key, after);
            prose::find(finder, key, after);
        }
        _ => {}
    }
}

/// A sign that [`kv`] does not find.
fn by_sign(finder: &mut Finder<'_>, key: Key, sign: Sign) {
    let input = finder.input;
    let text = &input[key.start..key.end];
    let is_found_by_sign = |pos| {
        kv::key_before(input, pos)
            .is_some_and(|found| (found.start, found.end) == (key.start, key.end))
            && key_tails::may_be(finder.rules, input, pos)
    };
    if sign.plain.is_some_and(is_found_by_sign) && text.is_ascii() {
        return;
    }
    if before(input, key.start) == b'/' && !sign.encoded && !sign.colon {
        return;
    }
    if sign.colon && kv::is_user_of_url(input, key.start, sign.end) {
        return;
    }
    let class = key_text::class(finder, key);
    if class == KeyClass::Plain || kv::is_file(text) {
        return;
    }
    let words = sign.arrow || sign.compares && !kv::is_compared(class, text);
    let link = if words { Link::Words } else { Link::Sign };
    let ends = if sign.encoded { Ends::Encoded } else { kv::ends(input, key.start) };
    let found = Found {
        colon: sign.colon,
        quoted_key: sign.quoted,
        literal: sign.compares,
        link,
        ends,
        ..Found::by_sign(class, text)
    };
    kv_value::find(finder, &found, sign.end);
}

/// Whether a cell of a table, or its line, starts at `pos`: `cat password | base64` is a command.
fn starts_cell(input: &[u8], pos: usize) -> bool {
    let start = pos - ByteSet::of(b" \t").run_back(input, pos, CELL_BLANKS_MAX);
    matches!(before(input, start), 0 | b'\n' | b'|' | 0x82 | 0x83 | 0x91)
}

/// `varchar(255)`: the type of a column; `pos` is the position after the bar.
fn is_type(input: &[u8], pos: usize) -> bool {
    let start = pos + gap::spaces(input, pos);
    let name = start + ByteSet::of(b"A-Za-z ").run(input, start, CELL_BLANKS_MAX);
    let digits = ByteSet::of(b"0-9,").run(input, name + 1, 8);
    name > start && at(input, name) == b'(' && digits > 0 && at(input, name + 1 + digits) == b')'
}

/// Spaces before the text of a cell, and letters of a type.
const CELL_BLANKS_MAX: usize = 64;

/// The cell of a table after that of the key: `| password | hunter2 |`.
fn cell(finder: &mut Finder<'_>, key: Key, pos: usize) {
    let input = finder.input;
    let bar = pos + gap::spaces(input, pos);
    let len = match &input[bar..] {
        [b'|', b' ', ..] => 1,
        [0xE2, 0x94, 0x82 | 0x83, ..] | [0xE2, 0x95, 0x91, ..] => 3,
        _ => return,
    };
    let class = key_text::class(finder, key);
    if class == KeyClass::Plain || !starts_cell(input, key.start) || is_type(input, bar + len) {
        return;
    }
    let text = &input[key.start..key.end];
    let found = Found { link: Link::Words, ends: Ends::Cell, ..Found::by_sign(class, text) };
    kv_value::find(finder, &found, bar + len);
}
