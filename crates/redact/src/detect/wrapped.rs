//! Values in wrappers after a sensitive key: `Some("…")`, `Secret { value: "…" }`, `b'…'`, `["…", "…"]`.
//!
//! Of a secret, everything up to the balanced end is masked: a mask beside the rest of a secret would only
//! look safe. Of personal data, each quoted text is decided for itself.

use super::extent::{self, Leaf};
use super::key_forms::are_bytes;
use super::kv_value::{self, Found, Value};
use super::words::{ENVIRONMENT, ERRORS, LEXICAL};
use super::{code, fits, foreign};
use crate::bytes::{ByteSet, WORD, at, is_word, mixed, starts_nocase};
use crate::hits::{Finder, rule};
use crate::key::LastWord;
use crate::kind::{KeyClass, mask_len};

const NAME_BYTES_MAX: usize = 96;
const GENERICS_BYTES_MAX: usize = 128;
/// Wrappers within wrappers whose text has no quotes.
const PEEL_MAX: usize = 8;
/// The quoted texts of personal data that are decided one by one; a longer list is masked whole.
const LEAVES_MAX: usize = 16;
/// A list of at least this many numbers is the bytes of a secret.
const BYTES_MIN: usize = 2;
/// A placeholder such as `<token>` is a word; from this length on, a mixed text is a value.
const ANGLED_BYTES_MIN: usize = 8;
/// An argument without quotes has at least this many bytes to be a value.
const BARE_BYTES_MIN: usize = 5;
const BLANK: ByteSet = ByteSet::of(b" \t\r\n");
const NUMBERS: ByteSet = ByteSet::of(b"0-9, \t\r\n");
const STRING_PREFIX: ByteSet = ByteSet::of(b"bBuUrRfFLN");
const GENERICS: ByteSet = ByteSet::of(b"A-Za-z0-9_:<>,&' ()[];\\-");

/// The start of a wrapped value.
#[derive(Debug, Clone, Copy)]
struct Head {
    start: usize,
    /// The position of the bracket or the quote.
    open: usize,
    /// The last part of the name before the bracket; empty without a name.
    name: (usize, usize),
    /// The hashes of `r#"`, for a string.
    hashes: usize,
    raw: bool,
}

/// Decides the value at `pos` if it is wrapped. Returns whether it was: then nothing is left to decide.
pub(super) fn find(finder: &mut Finder<'_>, found: &Found<'_>, pos: usize) -> bool {
    let input = finder.input;
    if found.query() || mask_len(input.get(pos..).unwrap_or_default()) != 0 {
        return false;
    }
    if at(input, pos) == b'<' {
        return angled(finder, found, pos);
    }
    let Some(head) = head(input, pos) else { return false };
    if at(input, pos) == b'{' && is_error_about(input, found, pos) {
        return true;
    }
    match at(input, head.open) {
        b'(' | b'[' | b'{' => in_brackets(finder, found, head),
        _ => string(finder, found, head),
    }
}

/// Bytes of a sentence before its key that are read.
const SENTENCE_BYTES_MAX: usize = 48;

/// `Invalid username or password: {"email":…}`: the sentence is about the key, and the map, which starts at `pos`, is
/// decided by its own keys.
fn is_error_about(input: &[u8], found: &Found<'_>, pos: usize) -> bool {
    let first = pos + 1 + BLANK.run(input, pos + 1, 64);
    let is_map = matches!(at(input, first), b'"' | b'\'' | b'\\' | b'}');
    let head = input[..pos].trim_ascii_end().strip_suffix(b":");
    let head = head.and_then(|head| head.strip_suffix(found.key));
    let Some(head) = head.filter(|head| is_map && found.colon && head.ends_with(b" ")) else {
        return false;
    };
    let head = &head[head.len().saturating_sub(SENTENCE_BYTES_MAX)..];
    head.split(|byte| !byte.is_ascii_alphabetic())
        .any(|word| ERRORS.iter().any(|known| word.eq_ignore_ascii_case(known)))
}

/// The start of a wrapped value at `pos`; `None` for plain values.
fn head(input: &[u8], pos: usize) -> Option<Head> {
    let mut i = pos;
    while matches!(at(input, i), b'&' | b'@') && i < pos + 3 {
        i += 1;
    }
    for word in [&b"mut "[..], b"new ", b"new-object "] {
        i += if starts_nocase(input, i, word) { word.len() } else { 0 };
    }
    let mut head = Head { start: pos, open: i, name: (i, i), hashes: 0, raw: false };
    if matches!(at(input, i), b'(' | b'[' | b'{') {
        return Some(head);
    }
    let prefix = STRING_PREFIX.run(input, i, 2);
    head.raw = input[i..i + prefix].iter().any(|byte| byte | 0x20 == b'r');
    head.hashes = if head.raw { ByteSet::of(b"#").run(input, i + prefix, 8) } else { 0 };
    head.open = i + prefix + head.hashes;
    let quote = extent::quote_at(input, head.open);
    let opens = |(slashes, quote)| quote != b'\'' || extent::is_opening(input, head.open, slashes);
    if (i > pos || prefix > 0) && quote.is_some_and(opens) {
        return Some(head);
    }
    named(input, pos, i)
}

/// `Name(`, `path::Name<T> {`, `vec![` at `i`.
fn named(input: &[u8], pos: usize, i: usize) -> Option<Head> {
    if !(at(input, i).is_ascii_alphabetic() || at(input, i) == b'_') {
        return None;
    }
    let (mut last, mut end) = (i, i + WORD.run(input, i, NAME_BYTES_MAX));
    loop {
        let sign = if at(input, end) == b'.' {
            1
        } else {
            2 * usize::from(input[end..].starts_with(b"::"))
        };
        if sign == 0 || !is_word(at(input, end + sign)) || end - i > NAME_BYTES_MAX {
            break;
        }
        last = end + sign;
        end = last + WORD.run(input, last, NAME_BYTES_MAX);
    }
    let mut open = end + usize::from(at(input, end) == b'!');
    if at(input, open) == b'<' {
        open += generics(input, open)?;
    }
    let type_like = input[last].is_ascii_uppercase();
    let list = &input[last..end] == b"Array" && input[open..].starts_with(b" [");
    open += usize::from(type_like && input[open..].starts_with(b" {") || list);
    let is_open = matches!(at(input, open), b'(' | b'[' | b'{');
    is_open.then_some(Head { start: pos, open, name: (last, end), hashes: 0, raw: false })
}

/// The length of `<…>`.
fn generics(input: &[u8], pos: usize) -> Option<usize> {
    let len = GENERICS.run(input, pos, GENERICS_BYTES_MAX);
    let mut depth = 0usize;
    for (i, byte) in input[pos..pos + len].iter().enumerate() {
        match byte {
            b'<' => depth += 1,
            b'>' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(i + 1);
        }
    }
    None
}

/// `b"…"`, `u'…'`, `@"…"`, `&"…"`, `r#"…"#`: only the text is masked.
fn string(finder: &mut Finder<'_>, found: &Found<'_>, head: Head) -> bool {
    let Some((extent, leaf)) = extent::string(finder.input, head.open, head.raw, head.hashes)
    else {
        return false;
    };
    finder.spend(extent.read);
    if is_value(finder, found, leaf, false) {
        if found.class == KeyClass::Auth && !leaf.open {
            let value = Value { start: leaf.start, end: leaf.end, quoted: true };
            kv_value::auth(finder, &value);
            return true;
        }
        mask(finder, found, leaf.start, extent.masked_end(finder.input));
    }
    true
}

/// `Name("…")`, `Name { a: "…" }`, `("…", …)`, `["…"]`, `{"a": "…"}`.
fn in_brackets(finder: &mut Finder<'_>, found: &Found<'_>, head: Head) -> bool {
    let input = finder.input;
    let bare = head.name.0 == head.name.1;
    if bare && is_template(input, head.open) {
        return false;
    }
    // `Err(NotFound)`: why there is no value.
    let word = WORD.run(input, head.open + 1, NAME_BYTES_MAX);
    let is_closed = word > 0 && at(input, head.open + 1 + word) == b')';
    if is_closed && &input[head.name.0..head.name.1] == b"Err" {
        return true;
    }
    // A list that starts with a string was always a list of values.
    let first = head.open + 1 + BLANK.run(input, head.open + 1, 64);
    let list = bare && at(input, head.open) == b'[' && extent::quote_at(input, first).is_some();
    let lexed = !bare && is_lexical(&input[head.name.0..head.name.1]);
    let (mut leaves, mut len) = ([None; LEAVES_MAX], 0usize);
    let (mut any, mut worth, mut call, mut prompt) = (false, false, false, false);
    if !bare {
        call = !input[head.name.0].is_ascii_uppercase() && at(input, head.open) == b'(';
        let reads =
            at(input, head.open) == b'(' && reads_environment(&input[head.name.0..head.name.1]);
        if reads || is_index(input, head) {
            return true;
        }
    }
    let mut spent = 0;
    let extent = extent::brackets(input, head.open, |leaf| {
        any = true;
        spent += leaf.end - leaf.start;
        if leaf.key {
            return;
        }
        if let Some(slot) = leaves.get_mut(len) {
            *slot = Some(leaf);
        }
        len += 1;
        let text = &input[leaf.start..leaf.end];
        let drawn = !(lexed || call) || !fits::may_be_count(found.class) || mixed(text);
        let sentence = (call || bare && !list) && code::is_about(found.key, text)
            || list && code::is_sentence(text)
            || call && is_environment(text);
        prompt = sentence && is_prompt(text);
        worth |= drawn && !sentence && is_value(finder, found, leaf, list);
    });
    finder.spend(extent.read + spent);
    if !any {
        return without_quotes(finder, found, head, extent);
    }
    let bare_word =
        found.class == KeyClass::Password && begins_with_value(&input[first..extent.end]);
    if !worth && !bare_word {
        if prompt && call && len == 1 && extent.balanced {
            // The word at its end is not the key of anything.
            finder.kv_from = finder.kv_from.max(extent.end);
        }
        return true;
    }
    if !is_secret(found.class) && !list {
        if !bare || len == 1 {
            personal(finder, found, &leaves[..len.min(LEAVES_MAX)]);
        }
        return true;
    }
    if let (KeyClass::Auth, 1, Some(leaf)) = (found.class, len, leaves[0])
        && !leaf.open
    {
        let value = Value { start: leaf.start, end: leaf.end, quoted: true };
        kv_value::auth(finder, &value);
        return true;
    }
    mask_value(finder, found, head, extent);
    true
}

/// Masks a whole value, and the name of its wrapper; bare brackets are kept.
fn mask_value(finder: &mut Finder<'_>, found: &Found<'_>, head: Head, extent: extent::Extent) {
    let end = extent.masked_end(finder.input);
    if head.name.0 == head.name.1 {
        mask(finder, found, head.open + 1, end - usize::from(extent.balanced));
    } else {
        mask(finder, found, head.start, end);
    }
}

/// Masks each text of personal data.
fn personal(finder: &mut Finder<'_>, found: &Found<'_>, leaves: &[Option<Leaf>]) {
    for leaf in leaves.iter().flatten() {
        if is_value(finder, found, *leaf, false) {
            mask(finder, found, leaf.start, leaf.end);
        }
    }
}

/// A wrapper without any quoted text: `Some(hunter2)`, `[104, 117, …]`, `Secret([REDACTED])`, `f(x)`.
fn without_quotes(
    finder: &mut Finder<'_>,
    found: &Found<'_>,
    head: Head,
    extent: extent::Extent,
) -> bool {
    let input = finder.input;
    let whole = &input[head.start..extent.end];
    let text = peel(&input[head.open..extent.end]);
    let bare = head.name.0 == head.name.1;
    if mask_len(text) != 0 && extent.balanced || foreign::is_mask(text) {
        return true;
    }
    let opened = at(input, head.open);
    if !bare && fits::is_placeholder(whole, false) {
        return true;
    }
    if text.is_empty() || fits::is_no_value(text) || text == b".." {
        return !bare || extent.balanced;
    }
    let number = text.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'_'));
    if number && !bare && found.class != KeyClass::Password && fits::may_be_count(found.class) {
        return true;
    }
    if !bare && opened == b'(' && input[head.name.0].is_ascii_lowercase() && is_variable_list(text)
    {
        return true;
    }
    if bare && opened == b'{' && extent.balanced && found.class.is_secret() {
        return in_braces(finder, found, head, extent, text);
    }
    if !is_secret(found.class) || found.class == KeyClass::Auth || bare && opened != b'[' {
        return false;
    }
    let type_like = input[head.name.0].is_ascii_uppercase();
    let bytes = (bare || type_like || whole.starts_with(b"vec!")) && is_bytes(found, text);
    let value = type_like
        && found.class == KeyClass::Password
        && match opened {
            b'(' => true,
            b'{' => has_field(text),
            _ => false,
        };
    let token = type_like && opened == b'(' && mixed(text) && !text.contains(&b' ');
    let token = token && fits::fits_class(found, text, false, false);
    if !(bytes || value || token) || fits::is_placeholder(text, false) {
        return false;
    }
    mask_value(finder, found, head, extent);
    true
}

/// `{password}` is a placeholder, `{Pass;word12!}` is a value of ODBC, and anything else is decided by its own keys.
/// Returns whether nothing is left to decide.
fn in_braces(
    finder: &mut Finder<'_>,
    found: &Found<'_>,
    head: Head,
    extent: extent::Extent,
    text: &[u8],
) -> bool {
    if text.iter().all(|&byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'.' | b'-')) {
        return true;
    }
    if found.colon && is_entry(text) {
        // A schema: `{type: string, minLength: 8}`.
        if found.class == KeyClass::Password && text.split(|&byte| byte == b',').any(has_chosen) {
            mask_value(finder, found, head, extent);
        }
        return true;
    }
    if found.colon || text.iter().any(|byte| matches!(byte, b' ' | b'=' | b':' | b',' | b'\n')) {
        return false;
    }
    mask_value(finder, found, head, extent);
    true
}

/// `type: string`: a map whose keys and values have no quotes.
fn is_entry(text: &[u8]) -> bool {
    let name = WORD.run(text, 0, NAME_BYTES_MAX);
    name > 1 && at(text, name) == b':' && at(text, name + 1) == b' '
}

/// `current: hunter2x`: an entry whose value is not a number and not a word.
fn has_chosen(entry: &[u8]) -> bool {
    let value =
        entry.iter().position(|&byte| byte == b':').map(|sign| entry[sign + 1..].trim_ascii());
    value.is_some_and(|value| !fits::is_placeholder(value, false) && fits::looks_chosen(value))
}

/// `password`, `self.user, name`: arguments that are variables.
fn is_variable_list(text: &[u8]) -> bool {
    text.iter().all(|&byte| byte.is_ascii_alphabetic() || b"_., ()&$->*[]:".contains(&byte))
}

/// What the brackets at both ends of `text`, and the names before them, contain.
fn peel(mut text: &[u8]) -> &[u8] {
    for _ in 0..PEEL_MAX {
        let name = text.iter().take_while(|&&byte| WORD.has(byte) || byte == b':').count();
        let Some(b'(' | b'[' | b'{') = text.get(name) else { break };
        text = &text[name + 1..];
        if let [rest @ .., b')' | b']' | b'}'] = text {
            text = rest;
        }
        text = text.trim_ascii();
        if mask_len(text) != 0 {
            break;
        }
    }
    text
}

/// `value: hunter2`: a field that has a value.
fn has_field(text: &[u8]) -> bool {
    text.split(|&byte| byte == b',').any(|field| {
        let Some(sign) = field.iter().position(|&byte| byte == b':') else { return false };
        let value = peel(field[sign + 1..].trim_ascii());
        !(value.is_empty()
            || mask_len(value) != 0
            || fits::is_no_value(value)
            || foreign::is_mask(value))
    })
}

/// The bytes of a secret; `tokens: [15, 3, 7, 9]` are counts or numbers of words.
fn is_bytes(found: &Found<'_>, text: &[u8]) -> bool {
    let word = LastWord::before_number(found.key);
    let names_secret = matches!(word.get(), b"secret" | b"secrets");
    let names_key = found.class == KeyClass::Secret && word.get() == b"key" && are_bytes(text);
    (found.class == KeyClass::Password || names_secret || names_key)
        && text.iter().all(|&byte| NUMBERS.has(byte))
        && text.split(|&byte| byte == b',').filter(|n| !n.trim_ascii().is_empty()).count()
            >= BYTES_MIN
}

/// `<Hx92kd81LmN4>`, but not `<password>`, `<sha256>` or `<object at 0x7f3c>`.
fn angled(finder: &mut Finder<'_>, found: &Found<'_>, pos: usize) -> bool {
    let input = finder.input;
    let len = ByteSet::of(b"!-;=?-~").run(input, pos + 1, NAME_BYTES_MAX);
    let text = &input[pos + 1..pos + 1 + len];
    let has = |is: fn(&u8) -> bool| text.iter().any(is);
    let value = at(input, pos + 1 + len) == b'>'
        && len >= ANGLED_BYTES_MIN
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && !text.iter().any(|byte| matches!(byte, b'(' | b'[' | b'{' | b':' | b'\\' | b'/' | b'='));
    if !value || !is_secret(found.class) || found.class == KeyClass::Auth {
        return false;
    }
    mask(finder, found, pos, pos + len + 2);
    true
}

/// Whether a quoted text is a value that has to go.
fn is_value(finder: &Finder<'_>, found: &Found<'_>, leaf: Leaf, list: bool) -> bool {
    let text = &finder.input[leaf.start..leaf.end];
    if text.is_empty() || mask_len(text) != 0 || foreign::is_mask(text) {
        return false;
    }
    finder.is_cut(leaf.end)
        || !fits::is_no_value(text)
            && !fits::is_placeholder(text, true)
            && (list || fits::fits_class(found, text, true, false))
}

fn is_secret(class: KeyClass) -> bool {
    class.is_secret() || matches!(class, KeyClass::Auth | KeyClass::Udf | KeyClass::Custom)
}

/// `hunter2x, "utf-8")`: a first argument without quotes that has letters and digits.
fn begins_with_value(text: &[u8]) -> bool {
    let word = text.iter().take_while(|&&byte| WORD.has(byte)).count();
    word >= BARE_BYTES_MIN
        && matches!(text.get(word), Some(b',' | b')' | b' '))
        && mixed(&text[..word])
}

/// A text whose only sign is a colon at its end.
fn is_prompt(text: &[u8]) -> bool {
    let text = text.trim_ascii_end();
    text.strip_suffix(b":").is_some_and(|rest| !rest.iter().any(|byte| matches!(byte, b':' | b'=')))
}

/// `{{ vault }}`, `{% if %}`.
fn is_template(input: &[u8], pos: usize) -> bool {
    at(input, pos) == b'{' && matches!(at(input, pos + 1), b'{' | b'%' | b'#')
}

/// Names that lexers give to the words of a program: `unexpected token: Ident("foo")`.
fn is_lexical(name: &[u8]) -> bool {
    LEXICAL.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// `os.environ["DB_PASSWORD"]`, `config['password']`: a variable's member, by its name.
fn is_index(input: &[u8], head: Head) -> bool {
    at(input, head.open) == b'['
        && (input[head.name.0].is_ascii_lowercase() || &input[head.name.0..head.name.1] == b"ENV")
        && input[head.name.1] != b'!'
        && extent::quote_at(input, head.open + 1).is_some()
}

/// `DB_PASSWORD`: the name of a variable of the environment.
fn is_environment(text: &[u8]) -> bool {
    text.contains(&b'_')
        && text
            .iter()
            .all(|&byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Calls whose argument is the name of a variable.
fn reads_environment(name: &[u8]) -> bool {
    ENVIRONMENT.iter().any(|known| name.eq_ignore_ascii_case(known))
}

fn mask(finder: &mut Finder<'_>, found: &Found<'_>, start: usize, end: usize) {
    let Some(kind) = found.class.kind() else { return };
    let (rule, kind) = match found.class {
        KeyClass::Auth => (rule::KV_AUTH, crate::kind::HitKind::Secret),
        _ => (rule::KV, kind),
    };
    finder.kv_from = finder.kv_from.max(end);
    finder.hit(start, end, rule, kind);
}
