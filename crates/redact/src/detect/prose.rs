//! Secrets after a word for them, without any sign: `password hunter2!`, `the password is …`, `using api key …`.
//!
//! Reads a few dozen bytes and the value.

use super::key_text::{self, Key};
use super::kv_value::{self, Found, Link, Value};
use super::{code, fits, gap, letters, literal, sql};
use crate::bytes::{ByteSet, at, before, is_word, mixed, starts_nocase};
use crate::hits::{Finder, rule};
use crate::key::LastWord;
use crate::kind::{HitKind, KeyClass, mask_len};

const VALUE_END: ByteSet = ByteSet::of(b" \t\r\n,;\"'\x1b");
const SPECIAL: ByteSet = ByteSet::of(b"!@#$%^&*");
const SPACES: ByteSet = ByteSet::of(b" \t\r\n");
/// Spaces and line breaks before a value that is alone on its line.
const SPACES_MAX: usize = 32;
/// The bytes of a value that is alone on its line.
const VALUE: ByteSet = ByteSet::of(b"A-Za-z0-9+/=_~!@#$%^&*\\-");
const VALUE_BYTES_MIN: usize = 6;
/// Words between a key and its value, each with how sure it makes the value.
#[rustfmt::skip]
const BETWEEN: [(&[u8], Between); 40] = [
    (b" is:", Between::Says),
    (b" is now", Between::Says),
    (b" is set to", Between::Says),
    (b" is", Between::Says),
    (b" was set to", Between::Says),
    (b" was reset to", Between::Says),
    (b" was updated to", Between::Says),
    (b" was rotated to", Between::Says),
    (b" was changed from", Between::Says),
    (b" was changed to", Between::Says),
    (b" was", Between::Says),
    (b" of", Between::Near),
    (b" set to", Between::Says),
    (b" changed to", Between::Says),
    (b" reset to", Between::Says),
    (b" changed from", Between::Says),
    (b" updated from", Between::Says),
    (b" updated to", Between::Says),
    (b" rotated to", Between::Says),
    (b" has been changed to", Between::Says),
    (b" has been updated to", Between::Says),
    (b" has been set to", Between::Says),
    (b" has been reset to", Between::Says),
    (b" in use:", Between::Near),
    (b" to", Between::Near),
    (b" lautet:", Between::Says), (b" lautet", Between::Says), (b" ist:", Between::Says), (b" ist", Between::Says),
    (b" est:", Between::Says), (b" est", Between::Says), (b" es:", Between::Says), (b" es", Between::Says),
    (" è:".as_bytes(), Between::Says), (" è".as_bytes(), Between::Says), (" é:".as_bytes(), Between::Says),
    (" é".as_bytes(), Between::Says), (" är".as_bytes(), Between::Says), (b" er", Between::Says), (b" era", Between::Says),
];
/// ` for bob`: whose secret it is.
#[rustfmt::skip]
const FOR: [&[u8]; 13] = [
    b" for the user ", b" for user ", b" for ", " für ".as_bytes(), b" von ", b" pour ", b" de l'utilisateur ",
    b" para ", b" per ", b" voor ", " för ".as_bytes(), b" dla ", b" do usuario ",
];
/// Words between a key and its sign that say for how long it is valid.
#[rustfmt::skip]
const FOR_NOW: [&[u8]; 9] = [
    b" temporaire", b" provisoire", b" initial", b" temporal", b" provisional", b" temporanea", b" provvisoria",
    " temporária".as_bytes(), b" inicial",
];
/// A code is at most this long.
const CODE_DIGITS_MAX: usize = 12;
const NAME: ByteSet = ByteSet::of(b"A-Za-z0-9_.@\\\\\\-'");
const NAME_BYTES_MAX: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Between {
    Near,
    Says,
}

/// `key` is followed by the spaces at `pos`.
pub(super) fn find(finder: &mut Finder<'_>, key: Key, pos: usize) {
    let input = finder.input;
    let key = with_second_word(input, key);
    let mut end = key.end.max(pos);
    let mut says = Between::Near;
    let mut i = end;
    if let Some(now) = FOR_NOW.iter().find(|now| input[i..].starts_with(now)) {
        let after = i + now.len() + usize::from(at(input, i + now.len()) == b' ');
        let colon = at(input, after) == b':' && at(input, after + 1) == b' ';
        i = if colon { after + 1 } else { i + now.len() };
        (says, end) = if colon { (Between::Says, i) } else { (says, i) };
    }
    if let Some(words) = FOR.iter().find(|words| input[i..].starts_with(words)) {
        let user = i + words.len();
        let quoted =
            literal::at_quote(input, user).filter(|text| text.next - user <= NAME_BYTES_MAX);
        let after =
            quoted.map_or_else(|| user + NAME.run(input, user, NAME_BYTES_MAX), |text| text.next);
        // French puts a space before a colon.
        let after = after + usize::from(input[after..].starts_with(b" : "));
        let colon = at(input, after) == b':' && at(input, after + 1) == b' ';
        i = if colon { after + 1 } else { after };
        says = if colon { Between::Says } else { says };
        end = if colon { i } else { end };
    }
    if matches!(
        at(input, i + 1) | 0x20,
        b'i' | b'w' | b'o' | b's' | b'c' | b'r' | b'h' | b't' | b'u' | b'l' | b'e' | 0xE3
    ) {
        for (words, link) in BETWEEN {
            if starts_nocase(input, i, words) && at(input, i + words.len()) == b' ' {
                (end, says) = (i + words.len(), link);
                break;
            }
        }
    }
    if line_below(finder, key) {
        return;
    }
    let first = end + gap::spaces(input, end);
    if first == end || mask_len(&input[first..]) != 0 {
        return;
    }
    let rest = &input[first..];
    if matches!(rest.first(), Some(b'"' | b'\'' | b'N' | b'f' | b'F' | b'`' | b'\\'))
        && let Some(text) = sql::quoted(finder, key, end)
    {
        return quoted(finder, key, Value { start: text.start, end: text.end, quoted: true });
    }
    let len = rest.iter().take_while(|&&byte| !VALUE_END.has(byte)).count();
    let len = trimmed(&rest[..len]);
    finder.spend(len);
    let text = &rest[..len];
    // `password strength=3`: another pair.
    let word = NAME.run(text, 0, len);
    if word + 1 < len && matches!(at(text, word), b'=' | b':') && word > 0 && !mixed(&text[..word])
    {
        return;
    }
    let cut = finder.is_cut(first + len) && len > 0;
    // `PASS TestLogin2`: the result of a test.
    if text.starts_with(b"Test") && &input[key.start..key.end] == b"PASS" {
        return;
    }
    if !cut && (len < VALUE_BYTES_MIN || !(letters::are_drawn(text) || text.iter().any(is_special)))
    {
        return;
    }
    if !names_secret(&input[key.start..key.end]) || input[key.start..key.end].contains(&b'.') {
        return;
    }
    let password = match key_text::class(finder, key) {
        KeyClass::Password => true,
        KeyClass::Secret | KeyClass::Token => false,
        _ => return,
    };
    if !cut && !is_secret(text, password, says) {
        return;
    }
    finder.hit(first, first + len, rule::PROSE, HitKind::Secret);
}

/// Whether the last word of `name` is one for secrets, also in languages that write it with `pass`.
fn names_secret(name: &[u8]) -> bool {
    const WORDS: [&[u8]; 4] = [b"passwort", b"passe", b"passord", b"passwoord"];
    code::names_secret(name) || WORDS.contains(&LastWord::of(name).get())
}

/// Bytes of a sentence between a key and a value that is alone on its line.
const SENTENCE_BYTES_MAX: usize = 96;
const BELOW_BYTES_MIN: usize = 12;
const BELOW_DIGITS_MIN: usize = 3;

/// `Please use the following password to proceed:`, an empty line, and the value alone on its line. Returns whether a
/// value is there.
fn line_below(finder: &mut Finder<'_>, key: Key) -> bool {
    let input = finder.input;
    let rest = &input[key.end..input.len().min(key.end + SENTENCE_BYTES_MAX)];
    let Some(end) = memchr::memchr(b'\n', rest) else { return false };
    finder.spend(end);
    if !rest[..end].trim_ascii_end().ends_with(b":")
        || key_text::class(finder, key) != KeyClass::Password
    {
        return false;
    }
    let line = key.end + end;
    let start = line + SPACES.run(input, line, SPACES_MAX);
    let len = VALUE.run(input, start, input.len());
    let next = start + len;
    let is_alone = matches!(at(input, next), 0 | b'\r' | b'\n');
    let text = &input[start..next];
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    if !is_alone || len < BELOW_BYTES_MIN || !mixed(text) || digits < BELOW_DIGITS_MIN {
        return false;
    }
    finder.spend(len);
    finder.hit(start, next, rule::PROSE, HitKind::Secret);
    true
}

/// `password 'hunter2'`.
fn quoted(finder: &mut Finder<'_>, key: Key, value: Value) {
    let class = key_text::class(finder, key);
    if class == KeyClass::Plain {
        return;
    }
    let link = match class {
        KeyClass::Password if follows_user(finder.input, key.start) => Link::Sign,
        KeyClass::Password => Link::Position,
        _ => Link::Words,
    };
    let found = Found { link, ..Found::by_sign(class, &finder.input[key.start..key.end]) };
    kv_value::decide(finder, &found, value, false);
    // `password changed from "a" to "b"`
    let next = value.end + 1;
    if finder.input.get(next..).is_some_and(|rest| rest.starts_with(b" to "))
        && let Some(text) = literal::at_quote(finder.input, next + 4)
    {
        let value = Value { start: text.start, end: text.end, quoted: true };
        kv_value::decide(finder, &found, value, false);
    }
}

/// Whether a user's name in quotes is before `pos`, as in the settings of build tools: `username 'ci'`,
/// `password 'ci'`.
fn follows_user(input: &[u8], pos: usize) -> bool {
    const USERS: [&[u8]; 4] = [b"username", b"user", b"login", b"user_name"];
    let end = pos - SPACES.run_back(input, pos, SPACES_MAX);
    let quote = before(input, end);
    if end == pos || !matches!(quote, b'"' | b'\'') {
        return false;
    }
    let text = input[..end - 1].iter().rev().take(NAME_BYTES_MAX);
    let Some(len) = text.clone().position(|&byte| byte == quote) else { return false };
    let open = end - 2 - len;
    let name = open - SPACES.run_back(input, open, 4);
    let is_user = |user: &&[u8]| {
        let start = name.checked_sub(user.len());
        start.is_some_and(|start| {
            input[start..name].eq_ignore_ascii_case(user) && !is_word(before(input, start))
        })
    };
    name < open && USERS.iter().any(is_user)
}

/// `api key`, `secret key`: two words for one key.
fn with_second_word(input: &[u8], key: Key) -> Key {
    let end = key.end;
    if !matches!(at(input, end + 1) | 0x20, b'k' | b't' | b's' | b'p') {
        return key;
    }
    for word in [&b" key"[..], b" token", b" secret", b" password"] {
        if starts_nocase(input, end, word)
            && matches!(at(input, end + word.len()), b' ' | b':' | b's')
        {
            return Key { end: end + word.len(), ..key };
        }
    }
    key
}

/// The length of a word without the brackets and marks after it.
fn trimmed(text: &[u8]) -> usize {
    let close =
        text.iter().rev().take_while(|byte| matches!(byte, b')' | b']' | b'.' | b':')).count();
    let end = text.len() - close;
    if text[..end].iter().any(|byte| matches!(byte, b'(' | b'[')) { text.len() } else { end }
}

fn is_special(byte: &u8) -> bool {
    byte.is_ascii_digit() || SPECIAL.has(*byte)
}

/// Whether a text looks chosen or random rather than written.
fn is_secret(text: &[u8], password: bool, says: Between) -> bool {
    let special = text.iter().any(|&byte| SPECIAL.has(byte));
    if letters::are_drawn(text) || fits::is_long_number(text) {
        return true;
    }
    if password {
        let call = text.contains(&b'(') && text.contains(&b')');
        // Paths and versions are neither.
        let path = text.iter().any(|byte| matches!(byte, b'/' | b'.' | b':' | b'<' | b'['));
        let code = says == Between::Says
            && text.len() <= CODE_DIGITS_MAX
            && text.iter().all(u8::is_ascii_digit);
        return special || code || mixed(text) && !call && !path;
    }
    let plain = !text
        .iter()
        .any(|byte| matches!(byte, b'.' | b':' | b'(' | b'<' | b'[' | b'{' | b'\\' | b'`'));
    let cases = text.iter().any(u8::is_ascii_lowercase) && text.iter().any(u8::is_ascii_uppercase);
    let path = text.contains(&b'/');
    let long = if says == Between::Says { 8 } else { 12 };
    plain && mixed(text) && (special || text.len() >= long && (!path || cases && text.len() >= 20))
}
