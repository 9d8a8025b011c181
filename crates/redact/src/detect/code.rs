//! Source code and sentences after a sensitive key: names of variables, members, fields, messages.
//!
//! Reads each byte a few times, and allocates nothing.

use super::words::{FIELDS, MESSAGE_WORDS, OBJECTS};
use crate::bytes::{at, is_word};
use crate::key::LastWord;

/// Whether `text` names a variable, a member or a parameter: `args.password`, `password`, `:password`.
pub(super) fn is_reference(key: &[u8], text: &[u8], apart: bool) -> bool {
    let text = text.strip_suffix(b";").unwrap_or(text);
    let text = text.strip_suffix(b",").unwrap_or(text);
    let bound = matches!(at(text, 0), b':' | b'@' | b'&' | b'*' | b'$');
    // `:pw`: a bound value of SQL.
    if text.len() > 2
        && text[0] == b':'
        && text[1..].iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'_')
    {
        return true;
    }
    let text = if bound { &text[1..] } else { text };
    let plain = |byte: &u8| is_word(*byte) || *byte == b'.';
    if text.is_empty() || !text.iter().all(plain) || text[0].is_ascii_digit() {
        return false;
    }
    if text.contains(&b'.') {
        return is_member(text);
    }
    // `--password=PASSWORD`
    if text.iter().all(u8::is_ascii_uppercase) && !key.iter().any(u8::is_ascii_uppercase) {
        return same_name(key, text);
    }
    // `password = password`, `password: pwd`; but `password=password` is a weak password.
    (apart || bound) && same_name(key, text)
}

/// `req.body.password`, `self.token`: words with dots between, below a known object or with a telling end.
fn is_member(text: &[u8]) -> bool {
    let mut parts = text.split(|&byte| byte == b'.');
    let first = parts.clone().next().unwrap_or_default();
    let word = |part: &[u8]| {
        !part.is_empty()
            && part.len() <= 32
            && !part[0].is_ascii_digit()
            && part.iter().filter(|byte| byte.is_ascii_digit()).count() <= 2
    };
    let known = OBJECTS.iter().any(|object| first.eq_ignore_ascii_case(object));
    let last = text.rsplit(|&byte| byte == b'.').next().unwrap_or_default();
    parts.all(word) && (known || names_secret(last) || names_secret(first))
}

/// `Enter password: `, `Password is required`: a sentence with the word of its key.
pub(super) fn is_about(key: &[u8], text: &[u8]) -> bool {
    let last = LastWord::before_number(key);
    let word = last.get();
    let starts_word = |at: usize| at == 0 || !text[at - 1].is_ascii_alphanumeric();
    let mut parts = text.windows(word.len().max(1)).enumerate();
    text.contains(&b' ')
        && parts.any(|(at, part)| starts_word(at) && part.eq_ignore_ascii_case(word))
}

/// Whether the last word of `name` is one for secrets.
pub(super) fn names_secret(name: &[u8]) -> bool {
    let last = LastWord::of(name);
    let last = last.get();
    // `SECRETTOKEN`
    let together = [&b"password"[..], b"secret", b"token", b"apikey"];
    if together.iter().any(|word| last.len() > word.len() + 2 && last.ends_with(word)) {
        return true;
    }
    matches!(
        last,
        b"password"
            | b"passwd"
            | b"pwd"
            | b"pass"
            | b"secret"
            | b"token"
            | b"key"
            | b"passphrase"
            | b"passcode"
            | b"requirepass"
            | b"masterauth"
            | b"passwords"
            | b"tokens"
            | b"keys"
            | b"apikey"
            | b"secrets"
    )
}

/// Whether `text` is the key again, or another name of a secret without digits.
fn same_name(key: &[u8], text: &[u8]) -> bool {
    let last = key.rsplit(|&byte| byte == b'.').next().unwrap_or_default();
    text.eq_ignore_ascii_case(last) || names_secret(text) && !text.iter().any(u8::is_ascii_digit)
}

/// `SecretString`, `PasswordEncoder`: a type's name of several words.
pub(super) fn is_camel_case(text: &[u8]) -> bool {
    let humps =
        text.windows(2).filter(|two| two[0].is_ascii_lowercase() && two[1].is_ascii_uppercase());
    let humps = humps.count();
    at(text, 0).is_ascii_uppercase() && (1..=4).contains(&humps) && text.len() / (humps + 1) >= 4
}

/// Whether `text` is the name of a field or a type.
pub(super) fn is_field_name(text: &[u8]) -> bool {
    FIELDS.iter().any(|field| text.eq_ignore_ascii_case(field))
}

/// Whether `text` has words with spaces between, and one of them is a word of messages.
pub(super) fn is_sentence(text: &[u8]) -> bool {
    let mut count = 0;
    let mut found = false;
    for word in text.split(|&byte| byte == b' ').take(24) {
        count += usize::from(!word.is_empty());
        found |= MESSAGE_WORDS.iter().any(|known| word.eq_ignore_ascii_case(known));
    }
    count > 1 && found
}
