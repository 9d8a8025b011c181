//! Whether the text after a sensitive key is a value of the key's class, and not a word, a placeholder or code.
//!
//! Reads each byte of the text a few times, and allocates nothing.

use super::code;
use super::kv_value::{Found, Link};
use super::letters::are_drawn;
use super::papers;
use crate::bytes::{ByteSet, HEX, WORD, at, mixed};
use crate::hits::Finder;
use crate::key::{self, LastWord, Tokens};
use crate::kind::KeyClass;

/// Words for a missing or invalid value.
#[rustfmt::skip]
pub(super) fn is_no_value(text: &[u8]) -> bool {
    let text = text.strip_suffix(b";").unwrap_or(text);
    let mut low = [0u8; 16];
    let Some(low) = low.get_mut(..text.len()) else { return false };
    low.copy_from_slice(text);
    low.make_ascii_lowercase();
    matches!(
        &*low,
        b"null" | b"none" | b"true" | b"false" | b"undefined" | b"nil" | b"n/a" | b"-" | b"ok"
            | b"missing" | b"invalid" | b"expired" | b"required" | b"string" | b"str" | b"empty"
            | b"(null)" | b"yes" | b"no" | b"&str" | b"bytes" | b"text" | b"char" | b"disabled"
            | b"enabled" | b"accepted" | b"rejected" | b"optional" | b"unset" | b"not_set"
            | b"unknown" | b"denied" | b"failed" | b"wrong" | b"incorrect" | b"changed"
            | b"absent" | b"present" | b"revoked" | b"locked" | b"any" | b"object" | b"null,"
            | b"md5" | b"bcrypt" | b"scrypt" | b"argon2"
            | b"argon2i" | b"argon2id" | b"pbkdf2" | b"sha256" | b"sha512" | b"sha-256" | b"sha-512"
            | b"scram-sha-256" | b"hs256" | b"rs256" | b"es256" | b"array" | b"await" | b"new" | b"async" | b"yield" | b"hashed" | b"encrypted"
            | b"plaintext" | b"nullable" | b"sometimes" | b"varchar" | b"nan" | b"<nil>" | b"<none>" | b"valid" | b"?" | b"*" | b"prompt"
    )
}

/// Placeholders: variables, templates, memory addresses, rules of validation.
pub(super) fn is_placeholder(text: &[u8], quoted: bool) -> bool {
    const STARTS: [&[u8]; 16] = [
        b"vault:",
        b"vault://",
        b"op://",
        b"ref+",
        b"secret://",
        b"arn:aws:secretsmanager:",
        b"arn:aws:ssm:",
        b"valueFrom:",
        b"required|",
        b"nullable|",
        b"[object",
        b"[Function",
        b"Symbol(",
        b"Promise",
        b"%!",
        b"(string)",
    ];
    // Most values begin with none of these bytes.
    let may_start = matches!(
        text.first(),
        Some(b'v' | b'o' | b'r' | b's' | b'a' | b'n' | b'[' | b'S' | b'P' | b'%' | b'(')
    );
    if may_start && STARTS.iter().any(|start| text.starts_with(start)) {
        return true;
    }
    if let [first, _, _, ..] = text
        && (is_mark(*first) || text.len() <= DRAFT_BYTES_MAX)
        && text.iter().all(|byte| byte == first)
    {
        return true;
    }
    let whole = |open: &[u8], close: u8| text.starts_with(open) && text.ends_with(&[close]);
    match text {
        [b'$', b'{' | b'(', ..] | [b'{', b'{', ..] | [b'#', b'{', ..] | [b'.', b'.', b'.', ..] => {
            true
        }
        [b'$', name @ ..] if is_variable(name) || name.starts_with(b"env:") => true,
        [b'%', name @ .., b'%'] if name.len() > 2 && is_variable(name) => true,
        [b'$' | b':', digits @ ..] if digits.iter().all(u8::is_ascii_digit) => true,
        [b'%', b's' | b'd' | b'v' | b'@'] => true,
        [b'%', b'(' | b'{', ..] => true,
        [b'!', tag @ ..] if !quoted => is_tag(tag),
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

/// One letter or digit, repeated up to this length, is a draft: `aaa`, `yyy`.
const DRAFT_BYTES_MAX: usize = 3;

/// A character that masks and drafts repeat: `xxxxxxxx`, `......`; `aaaaaa` and `111111` are passwords.
fn is_mark(byte: u8) -> bool {
    !byte.is_ascii_alphanumeric() || byte | 0x20 == b'x'
}

/// A tag of YAML, which says where the value is: `!vault |`, `!Ref Password`.
fn is_tag(name: &[u8]) -> bool {
    const TAGS: [&[u8]; 16] = [
        b"vault",
        b"vault-encrypted",
        b"ref",
        b"sub",
        b"getatt",
        b"join",
        b"select",
        b"importvalue",
        b"env",
        b"env_var",
        b"secret",
        b"include",
        b"unsafe",
        b"encrypted",
        b"!str",
        b"!binary",
    ];
    TAGS.iter().any(|tag| name.eq_ignore_ascii_case(tag))
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
    let Some(sign) = memchr::memchr(b'@', text) else { return false };
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
    let Some(name) = memchr::memchr(b'{', text) else { return false };
    text[0].is_ascii_alphabetic() && WORD.run(text, 0, name) == name
}

/// Whether the text fits the class well enough.
pub(super) fn fits_class(found: &Found<'_>, text: &[u8], quoted: bool, spaced: bool) -> bool {
    match found.class {
        KeyClass::Ssn if papers::is_number(text) => true,
        KeyClass::Phone | KeyClass::Card | KeyClass::Ssn | KeyClass::Bank => {
            text.iter().filter(|byte| byte.is_ascii_digit()).count() >= 6
        }
        KeyClass::Email => text.contains(&b'@') || text.windows(3).any(|w| w == b"%40"),
        KeyClass::Name if found.needs_quotes() => is_full_name(text),
        KeyClass::Name => text.len() >= 2 && !matches!(text[0], b'{' | b'[' | b'('),
        KeyClass::Address => is_postal(text),
        KeyClass::Dob => text.iter().filter(|byte| byte.is_ascii_digit()).count() >= 4,
        KeyClass::Password => fits_password(found, text, quoted, spaced),
        KeyClass::Cookie => fits_cookie(text),
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

/// `sid=38afes7a8; theme=dark`, but not `accepted`.
fn fits_cookie(text: &[u8]) -> bool {
    let first = text.iter().take_while(|byte| !matches!(byte, b' ' | b';' | b',')).count();
    let first = &text[..first];
    let sign = first.iter().position(|&byte| byte == b'=');
    sign.is_some_and(|sign| sign > 0 && sign + 1 < first.len())
        || first.len() >= PLAIN_BYTES_MIN && mixed(first)
}

/// `password: incorrect` and the package `libpam-pwd:amd64` are not passwords.
fn fits_password(found: &Found<'_>, text: &[u8], quoted: bool, spaced: bool) -> bool {
    // The start of a list or a map, whose strings are checked by their own keys.
    if !quoted && matches!(text[0], b'{' | b'[') && text.len() <= 2 {
        return false;
    }
    let last = LastWord::of(found.key);
    let (word, alone) = (last.get(), last.is_only);
    if matches!(word, b"pwd" | b"oldpwd") && is_directory(text) {
        return false;
    }
    if alone && matches!(word, b"pass" | b"pin") && !found.option && !found.quoted_key {
        return is_pass(text, quoted || word == b"pin");
    }
    if word.ends_with(b"s") && !quoted && text.len() < 4 && text.iter().all(u8::is_ascii_digit) {
        return false;
    }
    // `full_hash_pass: 2128` counts; `DB_PASS=2128` is weak.
    let is_pass_of_account = || key::is_pass_of_account(&Tokens::split(found.key));
    if word == b"pass" && is_count(text) && !is_pass_of_account() {
        return false;
    }
    // A pulse's width, the power of something.
    if word == b"pw" && !quoted && (is_measure(text) || text.iter().all(u8::is_ascii_digit)) {
        return false;
    }
    if quoted {
        return true;
    }
    if code::is_reference(found.key, text, found.colon || spaced)
        || found.colon && spaced && is_field(text)
    {
        return false;
    }
    if !found.colon || found.quoted_key {
        return true;
    }
    // Letters of other scripts are words, too.
    let plain = text.iter().all(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii());
    let short = text.len() < 6
        && text.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
    let word = plain && !are_drawn(text) && (text.len() < 12 || code::is_camel_case(text));
    !(word && spaced || short && !spaced)
}

/// `Port:5432`, `Database:app`: the next field of a structure that Go has written, after an empty value.
fn is_field(text: &[u8]) -> bool {
    let name = ByteSet::of(b"A-Za-z").run(text, 0, text.len());
    name > 1
        && at(text, name) == b':'
        && text[0].is_ascii_uppercase()
        && text[1..name].iter().any(u8::is_ascii_lowercase)
        && code::is_field_name(&text[..name])
}

/// A value of a bare `pass` or `pin`, which also count tests, name stages and number wires.
fn is_pass(text: &[u8], quoted: bool) -> bool {
    let special =
        text.iter().any(|byte| matches!(byte, b'!' | b'@' | b'#' | b'$' | b'%' | b'^' | b'*'));
    let letters = text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let numbered = text[letters..].iter().all(u8::is_ascii_digit) && text.len() - letters <= 2;
    let path = text.iter().any(|byte| matches!(byte, b'/' | b'(' | b':'));
    special && !path
        || mixed(text) && !numbered && !path && !is_measure(text)
        || quoted && text.iter().all(u8::is_ascii_digit) && text.len() >= 4
}

/// `/home/bob`, `~/src`, `C:\Users`: the value of a working directory.
fn is_directory(text: &[u8]) -> bool {
    matches!(text, [b'/' | b'~' | b'.', ..] | [_, b':', b'\\' | b'/', ..])
}

/// The bytes of tokens, signatures and codes.
const CREDENTIAL: ByteSet = ByteSet::of(b"A-Za-z0-9+/=_.:~%,\\-");

/// Keys and tokens are long and random; in sentences, other text follows the same words.
fn fits_secret(found: &Found<'_>, text: &[u8], quoted: bool, spaced: bool) -> bool {
    let is_drawn = mixed(text)
        && text.len() >= PLAIN_BYTES_MIN
        && !is_number(text)
        && CREDENTIAL.run(text, 0, text.len()) == text.len();
    if key::is_common_word(found.key) && (!is_drawn || is_numbered_pair(text)) {
        return false;
    }
    if found.link == Link::Position && may_be_count(found.class) && !looks_chosen(text) {
        return false;
    }
    if quoted {
        return text.len() >= PLAIN_BYTES_MIN
            || !may_be_count(found.class)
            || is_short_secret(found, text);
    }
    if code::is_reference(found.key, text, found.colon || spaced) || is_numbered_name(text) {
        return false;
    }
    // `auth=password`, `csrf_param=authenticity_token`: a method, the name of a field.
    let name = |byte: &u8| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'-');
    if text.iter().all(name) && code::names_secret(text) {
        return false;
    }
    let colon = found.colon && !found.quoted_key;
    let digits = text.iter().any(u8::is_ascii_digit);
    if matches!(text[0], b'{' | b'[') || is_code(text) || spaced && is_call(text) {
        return false;
    }
    let len_min = if looks_random(found, text, colon) { 0 } else { PLAIN_BYTES_MIN };
    if colon && (text.len() < len_min || is_path(text) || !(mixed(text) || is_long_number(text))) {
        return false;
    }
    if may_be_count(found.class) && (text.len() < len_min || is_count(text)) {
        return false;
    }
    digits || !(colon && spaced)
}

/// `file_line_number`: a name in code.
pub(super) fn is_identifier(text: &[u8]) -> bool {
    text.contains(&b'_') && text.iter().all(|&byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// A value has at least this many bytes to be a secret by its length.
const PLAIN_BYTES_MIN: usize = 8;
/// A shorter one has at least this many, letters and digits.
const DRAWN_BYTES_MIN: usize = 5;

/// `as_11Qm`, `Wind!9` in quotes: letters and digits, and no measure, version, path or numbered word.
fn is_short_secret(found: &Found<'_>, text: &[u8]) -> bool {
    text.len() >= DRAWN_BYTES_MIN
        && mixed(text)
        && !text
            .iter()
            .any(|byte| matches!(byte, b' ' | b'/' | b'.' | b':' | b'(' | b'<' | b'{' | b'['))
        && !(is_number(text) || is_measure(text) || is_version(text) || is_numbered(found, text))
}

/// Whether a short value looks random, as `abc123` does, and not like other mixes of letters and digits.
fn looks_random(found: &Found<'_>, text: &[u8], colon: bool) -> bool {
    if text.len() < DRAWN_BYTES_MIN || !text.iter().all(u8::is_ascii_alphanumeric) || !mixed(text) {
        return false;
    }
    if found.query() {
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
 LastWord::before_number(found.key).get(),
        b"secret" | b"secrets" | b"credential" | b"credentials" | b"creds"
    );
    let is_algorithm = [
        &b"rsa"[..], b"aes", b"sha", b"ed", b"hs", b"rs", b"es", b"ps", b"ec", b"dh", b"cp", b"crc",
    ];
    let is_algorithm = is_algorithm.iter().any(|known| word.eq_ignore_ascii_case(known));
    is_algorithm || number.len() <= 2 && !says_secret
}

/// `7_301_u64`, `0.5f32`.
fn is_number(text: &[u8]) -> bool {
    let digits = ByteSet::of(b"0-9_.").run(text, 0, text.len());
    let rest = &text[digits..];
    text[0].is_ascii_digit()
        && rest.len() <= 4
        && matches!(rest, [] | [b'u' | b'i' | b'f' | b'n', ..])
}

/// `1523`, `+15`, `-3`.
fn is_count(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"+").or(text.strip_prefix(b"-")).unwrap_or(text);
    digits.iter().all(u8::is_ascii_digit) && !is_long_number(text)
}

/// More digits than a number of 64 bits has.
const NUMBER_DIGITS_MIN: usize = 24;

/// Whether a text of digits is too long for a count.
pub(super) fn is_long_number(text: &[u8]) -> bool {
    text.len() >= NUMBER_DIGITS_MIN && text.iter().all(u8::is_ascii_digit)
}

/// `Sig:3051`: a word and its number.
fn is_numbered_pair(text: &[u8]) -> bool {
    let word = text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    at(text, word) == b':' && text[word + 1..].iter().all(u8::is_ascii_digit)
}

/// `worker-3`, `web-server-12`: words and a short number, with dashes between.
fn is_numbered_name(text: &[u8]) -> bool {
    let mut parts = text.rsplit(|&byte| byte == b'-' || byte == b'_');
    let Some(number) = parts.next() else { return false };
    let mut words = 0;
    let all = parts.all(|word| {
        words += 1;
        !word.is_empty() && word.iter().all(u8::is_ascii_lowercase) && !are_drawn(word)
    });
    all && words > 0 && (1..=3).contains(&number.len()) && number.iter().all(u8::is_ascii_digit)
}

/// Whether a text looks chosen or drawn, and not like a word: letters and digits, special characters, odd pairs of
/// letters.
pub(super) fn looks_chosen(text: &[u8]) -> bool {
    let special = |byte: &u8| matches!(byte, b'!' | b'@' | b'#' | b'$' | b'%' | b'^' | b'&' | b'*');
    mixed(text) || text.iter().any(special) || are_drawn(text)
}

/// Whether a text beside a key is a label, the name of a field or a sentence, and not a value.
pub(super) fn is_label(finder: &Finder<'_>, found: &Found<'_>, text: &[u8]) -> bool {
    let letter =
        |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-' | b' ' | b'.');
    // An option beside the name of a program: `["sshpass", "-p"`.
    if code::is_sentence(text) || text[0] == b'-' && text.len() <= 3 {
        return true;
    }
    let text = text.strip_suffix(b":").unwrap_or(text);
    if !text.iter().all(letter) {
        // The name of an option, of a variable, of a column.
        return matches!(text, [b'-', ..] | [b'<', .., b'>']);
    }
    if found.class != KeyClass::Password && !looks_chosen(text) && text.len() < 4 {
        return true;
    }
    code::is_field_name(text) || is_name_of_secret(finder, text)
}

/// `token`, `api_key`, `Password`: itself a sensitive key.
fn is_name_of_secret(finder: &Finder<'_>, text: &[u8]) -> bool {
    text.len() <= 32 && !text.contains(&b' ') && finder.rules.key(text, None) != KeyClass::Plain
}

/// Classes whose values are sometimes not secrets but a count, a name or a state.
pub(super) fn may_be_count(class: KeyClass) -> bool {
    matches!(class, KeyClass::Secret | KeyClass::Token | KeyClass::Cookie | KeyClass::Auth)
}

/// `foo(bar)`, `std::string`: code.
fn is_code(text: &[u8]) -> bool {
    text.windows(2).any(|w| w == b"::")
        || text.iter().any(|byte| matches!(byte, b'(' | b'!'))
            && text.iter().all(|byte| !byte.is_ascii_digit())
}

/// `ldap(ann,192.0.2.1)`, `passwd-file(ann)`: the driver that a message is about.
fn is_call(text: &[u8]) -> bool {
    let name = ByteSet::of(b"a-z_\\-").run(text, 0, text.len());
    name > 1 && at(text, name) == b'('
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
