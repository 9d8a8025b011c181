//! The value after a sensitive key: where it ends, and whether it is masked.

use super::wrapped;
use crate::bytes::{ByteSet, HEX, WORD, at, mixed};
use crate::hits::{Finder, rule};
use crate::key::Tokens;
use crate::kind::{HitKind, KeyClass, mask_len};

/// The length of a secret is not bounded: half a key must not remain.
const NAME_BYTES_MAX: usize = 96;
const NUMBER_BYTES_MAX: usize = 48;

/// A sensitive key in a text.
pub(super) struct Found<'a> {
    pub(super) class: KeyClass,
    pub(super) key: &'a [u8],
    /// The class comes from the key and the word before it.
    pub(super) two_words: bool,
    /// The sign is a plain colon, as in sentences.
    pub(super) colon: bool,
    pub(super) quoted_key: bool,
    /// The key is in a URL's query: an ampersand ends the value.
    pub(super) query: bool,
}

impl Found<'_> {
    /// Keys that are common words in sentences: only a quoted value counts.
    fn needs_quotes(&self) -> bool {
        const WORDS: [&[u8]; 7] =
            [b"name", b"names", b"recipient", b"recipients", b"address", b"addr", b"addresses"];
        !self.two_words && WORDS.iter().any(|word| self.key.eq_ignore_ascii_case(word))
    }
}

/// A value's place.
pub(super) struct Value {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) quoted: bool,
}

/// `pos` is the position after the sign and the spaces.
pub(super) fn find(finder: &mut Finder<'_>, found: &Found<'_>, pos: usize) {
    let input = finder.input;
    if wrapped::find(finder, found, pos) {
        return;
    }
    let bare = !matches!(at(input, pos), b'"' | b'\'' | b'\\' | b'`');
    if bare && matches!(found.class, KeyClass::Name | KeyClass::Address) && found.needs_quotes() {
        return;
    }
    let Some(value) = bounds(finder, found, pos) else { return };
    let text = &input[value.start..value.end];
    finder.spend(text.len());
    let masked = |text: &[u8]| mask_len(text) != 0;
    if text.is_empty() || masked(text) || text[0] == b'[' && masked(&text[1..]) {
        return;
    }
    let cut = finder.is_cut(value.end);
    if !cut && (is_no_value(text) || is_placeholder(text, value.quoted)) {
        return;
    }
    if found.class == KeyClass::Auth {
        return auth(finder, &value);
    }
    if !cut && !fits_class(found, text, value.quoted, at(input, pos.wrapping_sub(1)) == b' ') {
        return;
    }
    let Some(kind) = found.class.kind() else { return };
    finder.kv_from = value.end;
    finder.hit(value.start, value.end, rule::KV, kind);
}

/// Where the value that starts at `pos` ends.
fn bounds(finder: &mut Finder<'_>, found: &Found<'_>, pos: usize) -> Option<Value> {
    let input = finder.input;
    let escaped = usize::from(at(input, pos) == b'\\');
    let quote = at(input, pos + escaped);
    let value = if matches!(quote, b'"' | b'\'') || quote == b'`' && escaped == 0 {
        let start = pos + escaped + 1;
        Value { start, end: quoted_end(input, start, quote, escaped == 1), quoted: true }
    } else {
        if matches!(at(input, pos), 0 | b' ' | b'\t' | b'\r' | b'\n') {
            return None;
        }
        Value { start: pos, end: bare_end(input, found, pos), quoted: false }
    };
    // Spaces before the end of an unquoted value are not part of it.
    let text = input.get(value.start..value.end)?;
    let blank = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\r' | b',');
    let trailing = text.iter().rev().take_while(blank).count();
    let end = if value.quoted { value.end } else { value.end - trailing };
    Some(Value { end, ..value })
}

/// Where a quoted value ends: at the closing quote. It is preceded by a backslash exactly if the opening quote is.
fn quoted_end(input: &[u8], start: usize, quote: u8, escaped: bool) -> usize {
    let rest = input.get(start..).unwrap_or_default();
    let mut i = 0;
    while i < rest.len() {
        match rest[i] {
            b'\\' if escaped && at(rest, i + 1) == quote => return start + i,
            b'\\' => i += 2,
            byte if byte == quote => return start + i,
            _ => i += 1,
        }
    }
    start + i.min(rest.len())
}

/// The end of an unquoted value, which depends on its class.
fn bare_end(input: &[u8], found: &Found<'_>, start: usize) -> usize {
    let max = match found.class {
        KeyClass::Name | KeyClass::Address => NAME_BYTES_MAX,
        KeyClass::Phone | KeyClass::Card | KeyClass::Ssn | KeyClass::Bank => NUMBER_BYTES_MAX,
        _ => input.len(),
    };
    let limit = input.len().min(start.saturating_add(max));
    (start..limit).find(|&i| ends_bare(input, found, i)).unwrap_or(limit)
}

fn ends_bare(input: &[u8], found: &Found<'_>, pos: usize) -> bool {
    let (byte, class) = (input[pos], found.class);
    match class {
        KeyClass::Name | KeyClass::Address => {
            matches!(byte, b';' | b'&' | b'\n' | b'"' | b'\'' | b'}' | b']' | b'|')
                || byte == b')' && class == KeyClass::Name
                || byte == b',' && (class == KeyClass::Name || pair_follows(input, pos + 1))
                || byte == b' '
                    && (pair_follows(input, pos) || small_word_follows(input, pos, class))
                || byte == b',' && input[pos..].starts_with(b", ok")
        }
        KeyClass::Phone | KeyClass::Card | KeyClass::Ssn | KeyClass::Bank => {
            !(byte.is_ascii_alphanumeric()
                || matches!(byte, b'+' | b'(' | b')' | b'.' | b'%' | b'-' | b' '))
                || byte == b' ' && (pair_follows(input, pos) || WORDS.run(input, pos + 1, 3) == 3)
        }
        KeyClass::Auth => matches!(byte, b'\n' | b'\r' | b'"' | b'\'' | b',' | b';' | b'&' | b'}'),
        KeyClass::Cookie => matches!(byte, b'\n' | b'\r' | b'"' | b'\''),
        _ => {
            ends_secret(input, pos, byte)
                || byte == b'&' && (found.query || pair_follows(input, pos + 1))
        }
    }
}

const WORDS: ByteSet = ByteSet::of(b"a-z");

fn ends_secret(input: &[u8], pos: usize, byte: u8) -> bool {
    let next = at(input, pos + 1);
    match byte {
        b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'\'' | b'<' | b'>' | b'`' => true,
        b',' | b';' => {
            matches!(next, 0 | b' ' | b'\t' | b'\r' | b'\n') || pair_follows(input, pos + 1)
        }
        b'}' | b')' | b']' => {
            matches!(next, 0 | b' ' | b'\t' | b'\r' | b'\n' | b',' | b';' | b'}' | b')' | b']')
        }
        // `\"` and `\n` of an escaped text.
        b'\\' => matches!(next, b'"' | b'\''),
        _ => false,
    }
}

/// Whether `pos` is followed by ` word=`.
fn pair_follows(input: &[u8], pos: usize) -> bool {
    let gap = ByteSet::of(b" ").run(input, pos, 4);
    let word = ByteSet::of(b"A-Za-z0-9_.\\-").run(input, pos + gap, 48);
    word > 0 && at(input, pos + gap + word) == b'='
}

/// ` to `, ` from `, ` by ` end an address.
fn small_word_follows(input: &[u8], pos: usize, class: KeyClass) -> bool {
    class == KeyClass::Address
        && [&b" to "[..], b" from ", b" by "].iter().any(|word| input[pos..].starts_with(word))
}

/// Words for a missing or invalid value.
#[rustfmt::skip]
pub(super) fn is_no_value(text: &[u8]) -> bool {
    let mut low = [0u8; 12];
    let Some(low) = low.get_mut(..text.len()) else { return false };
    low.copy_from_slice(text);
    low.make_ascii_lowercase();
    matches!(
        &*low,
        b"null" | b"none" | b"true" | b"false" | b"undefined" | b"nil" | b"n/a" | b"-" | b"ok"
            | b"missing" | b"invalid" | b"expired" | b"required" | b"string" | b"str" | b"empty"
            | b"(null)" | b"yes" | b"no" | b"&str" | b"bytes" | b"text" | b"char"
    )
}

/// Placeholders: variables, templates, memory addresses.
pub(super) fn is_placeholder(text: &[u8], quoted: bool) -> bool {
    if text.len() > 2 && text.iter().all(|&byte| byte == text[0]) {
        return true;
    }
    let whole = |open: &[u8], close: u8| text.starts_with(open) && text.ends_with(&[close]);
    match text {
        [b'$', b'{' | b'(', ..] | [b'{', b'{', ..] | [b'#', b'{', ..] | [b'.', b'.', b'.', ..] => {
            true
        }
        [b'$', name @ ..] if is_variable(name) => true,
        [b'%', b's' | b'd' | b'v' | b'@'] => true,
        [b'%', b'(' | b'{', ..] => true,
        [b'0', b'x', hex @ ..] => hex.iter().all(|&byte| HEX.has(byte)),
        _ => {
            whole(b"<", b'>')
                || whole(b"{", b'}') && !quoted
                || [&b"process.env"[..], b"os.environ", b"env."]
                    .iter()
                    .any(|prefix| text.starts_with(prefix))
                || is_object(text)
                || is_rendered(text)
        }
    }
}

/// `$DB_PASSWORD`, `$password`; but `$p0ABi4mJ` is a password.
fn is_variable(name: &[u8]) -> bool {
    let word = |is: fn(&u8) -> bool| name.iter().all(|byte| is(byte) || *byte == b'_');
    name.is_empty()
        || word(u8::is_ascii_lowercase)
        || name[0].is_ascii_uppercase()
            && word(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// `com.example.Token@1b2c3d4e`: an object's name and hash.
fn is_object(text: &[u8]) -> bool {
    let Some(sign) = text.iter().position(|&byte| byte == b'@') else { return false };
    let (name, hash) = (&text[..sign], &text[sign + 1..]);
    let class = name.contains(&b'.') || name.first().is_some_and(u8::is_ascii_uppercase);
    class
        && !name.is_empty()
        && name.iter().all(|&byte| WORD.has(byte) || matches!(byte, b'.' | b'$'))
        && (1..=8).contains(&hash.len())
        && hash.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
}

/// `Token{78af589`: the beginning of an object written out.
fn is_rendered(text: &[u8]) -> bool {
    let name = text.iter().take_while(|&&byte| WORD.has(byte)).count();
    name > 0 && at(text, name) == b'{' && text[0].is_ascii_alphabetic()
}

/// Whether the text fits the class well enough.
pub(super) fn fits_class(found: &Found<'_>, text: &[u8], quoted: bool, spaced: bool) -> bool {
    match found.class {
        KeyClass::Phone | KeyClass::Card | KeyClass::Ssn | KeyClass::Bank => {
            text.iter().filter(|byte| byte.is_ascii_digit()).count() >= 6
        }
        KeyClass::Email => text.contains(&b'@') || text.windows(3).any(|w| w == b"%40"),
        KeyClass::Name if found.needs_quotes() => is_full_name(text),
        KeyClass::Name => text.len() >= 2 && !matches!(text[0], b'{' | b'[' | b'('),
        KeyClass::Address => is_postal(text),
        KeyClass::Dob => text.iter().filter(|byte| byte.is_ascii_digit()).count() >= 4,
        KeyClass::Password => fits_password(found, text, quoted, spaced),
        _ => fits_secret(found, text, quoted, spaced),
    }
}

/// Words with a space between, or another script, unlike `name="kube-api-access"`.
fn is_full_name(text: &[u8]) -> bool {
    let letter = |byte: &u8| {
        byte.is_ascii_alphabetic()
            || !byte.is_ascii()
            || matches!(byte, b' ' | b'.' | b'-' | b'\'' | b'\\')
    };
    let foreign = text.iter().any(|byte| !byte.is_ascii()) || text.starts_with(b"\\u");
    foreign || text.iter().all(letter) && text.contains(&b' ') && text[0].is_ascii_uppercase()
}

/// Text with a space or a comma, or in another script, unlike types and machine addresses.
fn is_postal(text: &[u8]) -> bool {
    let open = matches!(text[0], b'{' | b'[' | b'(');
    let gap =
        text.iter().any(|byte| matches!(byte, b' ' | b',' | b'+' | b'\\') || !byte.is_ascii())
            || text.windows(3).any(|w| w == b"%20");
    text.len() >= 3 && !open && gap
}

/// `password: incorrect` and the package `libpam-pwd:amd64` are not passwords.
fn fits_password(found: &Found<'_>, text: &[u8], quoted: bool, spaced: bool) -> bool {
    // The start of a list or a map, whose strings are checked by their own keys.
    if !quoted && matches!(text[0], b'{' | b'[') && text.len() <= 2 {
        return false;
    }
    // A pulse's width, the power of something.
    let is_short_word = Tokens::split(found.key).last(0) == b"pw";
    if is_short_word && !quoted && (is_measure(text) || text.iter().all(u8::is_ascii_digit)) {
        return false;
    }
    if quoted || !found.colon || found.quoted_key {
        return true;
    }
    let plain = text.iter().all(u8::is_ascii_alphabetic);
    let short = text.len() < 6
        && text.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
    !(plain && spaced && text.len() < 12 || short && !spaced)
}

/// Keys and tokens are long and random; in sentences, other text follows the same words.
fn fits_secret(found: &Found<'_>, text: &[u8], quoted: bool, spaced: bool) -> bool {
    if quoted {
        return text.len() >= 8 || !may_be_count(found.key);
    }
    let colon = found.colon && !found.quoted_key;
    let digits = text.iter().any(u8::is_ascii_digit);
    if matches!(text[0], b'{' | b'[') || is_code(text) {
        return false;
    }
    let len_min = if looks_random(found, text, colon) { 0 } else { PLAIN_BYTES_MIN };
    if colon && (text.len() < len_min || is_path(text) || !mixed(text)) {
        return false;
    }
    if may_be_count(found.key) && (text.len() < len_min || text.iter().all(u8::is_ascii_digit)) {
        return false;
    }
    digits || !(colon && spaced)
}

/// A value has at least this many bytes to be a secret by its length.
const PLAIN_BYTES_MIN: usize = 8;
/// A shorter one has at least this many, letters and digits.
const DRAWN_BYTES_MIN: usize = 5;

/// Whether a short value looks random, as `abc123` does, and not like other mixes of letters and digits.
fn looks_random(found: &Found<'_>, text: &[u8], colon: bool) -> bool {
    if text.len() < DRAWN_BYTES_MIN || !text.iter().all(u8::is_ascii_alphanumeric) || !mixed(text) {
        return false;
    }
    if found.query {
        return true;
    }
    // Build and line numbers follow colons, too.
    let is_hex = colon && text.iter().all(|&byte| HEX.has(byte));
    !(is_hex || is_measure(text) || is_version(text) || is_numbered(found, text))
}

/// `250ms`, `40x20`, `12GiB`.
fn is_measure(text: &[u8]) -> bool {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let unit = text[digits..].iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let rest = &text[digits + unit..];
    digits > 0 && unit <= 3 && (rest.is_empty() || unit == 1 && rest.iter().all(u8::is_ascii_digit))
}

/// `v1beta1`, `IMDSv2`.
fn is_version(text: &[u8]) -> bool {
    let begins = matches!(text, [b'v' | b'V', digit, ..] if digit.is_ascii_digit());
    begins || matches!(text, [.., b'v' | b'V', digit] if digit.is_ascii_digit())
}

/// `page2`, `oauth2`, `int64`, `sha256`: a word and its number. After a key that names a secret, people
/// choose a word and a digit.
#[rustfmt::skip]
fn is_numbered(found: &Found<'_>, text: &[u8]) -> bool {
    let word = text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (word, number) = text.split_at(word);
    if !number.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let says_secret = matches!(
        Tokens::split(found.key).last(0),
        b"secret" | b"secrets" | b"credential" | b"credentials" | b"creds"
    );
    let is_algorithm = [
        &b"rsa"[..], b"aes", b"sha", b"ed", b"hs", b"rs", b"es", b"ps", b"ec", b"dh", b"cp", b"crc",
    ];
    let is_algorithm = is_algorithm.iter().any(|known| word.eq_ignore_ascii_case(known));
    is_algorithm || number.len() <= 2 && !says_secret
}

/// Words whose values are sometimes not secrets but a count, a name or a state.
pub(super) fn may_be_count(key: &[u8]) -> bool {
    matches!(
        Tokens::split(key).last(0),
        b"secret"
            | b"secrets"
            | b"token"
            | b"tokens"
            | b"key"
            | b"keys"
            | b"credential"
            | b"credentials"
            | b"creds"
            | b"cookie"
            | b"cookies"
            | b"auth"
    )
}

/// `foo(bar)`, `std::string`: code.
fn is_code(text: &[u8]) -> bool {
    text.windows(2).any(|w| w == b"::")
        || text.iter().any(|byte| matches!(byte, b'(' | b'!'))
            && text.iter().all(|byte| !byte.is_ascii_digit())
}

/// Dotted words, as in the names of classes and packages.
fn is_path(text: &[u8]) -> bool {
    let mut digits = 0;
    let long = text.iter().filter(|&&byte| byte != b'.').any(|byte| {
        digits = if byte.is_ascii_digit() { digits + 1 } else { 0 };
        digits == 4
    });
    text.contains(&b'.') && !long
}

/// The parts of an authorization header's value.
pub(crate) enum AuthValue {
    /// Scheme and credentials: where the credentials start and end, and how many bytes may be kept.
    Scheme { start: usize, end: usize, keep: u8 },
    /// Something else.
    Other,
    /// Already masked.
    Masked,
}

/// Splits an authorization header's value.
pub(crate) fn auth_value(text: &[u8]) -> AuthValue {
    const SCHEMES: [&[u8]; 6] = [b"bearer", b"basic", b"token", b"digest", b"apikey", b"negotiate"];
    let lead = text.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let rest = &text[lead..];
    if mask_len(rest) != 0 {
        return AuthValue::Masked;
    }
    let word = rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let gap = rest[word..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    if gap == 0 || !SCHEMES.iter().any(|s| rest[..word].eq_ignore_ascii_case(s)) {
        return AuthValue::Other;
    }
    let start = lead + word + gap;
    let len = text[start..].iter().rev().skip_while(|byte| byte.is_ascii_whitespace()).count();
    if len == 0 {
        return AuthValue::Other;
    }
    let credentials = &text[start..start + len];
    if mask_len(credentials) != 0 {
        return AuthValue::Masked;
    }
    // Only a single word may show its end: the last four characters of a Digest are not those of a key.
    let one = !credentials.iter().any(u8::is_ascii_whitespace);
    let plain = credentials[len.saturating_sub(4)..].iter().all(u8::is_ascii_alphanumeric);
    let keep = if one && plain && len >= 16 { 4 } else { 0 };
    AuthValue::Scheme { start, end: start + len, keep }
}

pub(super) fn auth(finder: &mut Finder<'_>, value: &Value) {
    let text = &finder.input[value.start..value.end];
    match auth_value(text) {
        AuthValue::Scheme { start, end, keep } => {
            finder.kv_from = value.end;
            finder.hit_keeping(
                value.start + start,
                value.start + end,
                rule::KV_AUTH,
                HitKind::Bearer,
                keep,
            );
        }
        AuthValue::Other if text.len() >= 8 || finder.is_cut(value.end) => {
            finder.kv_from = value.end;
            finder.hit(value.start, value.end, rule::KV_AUTH, HitKind::Secret);
        }
        _ => {}
    }
}
