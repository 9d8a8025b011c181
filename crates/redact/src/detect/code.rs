//! Source code and sentences after a sensitive key: names of variables, members, fields, messages.
//!
//! Reads each byte a few times, and allocates nothing.

use crate::bytes::{at, is_word};
use crate::key::LastWord;

/// Objects whose members hold what a program was given.
#[rustfmt::skip]
const OBJECTS: [&[u8]; 54] = [
    b"self", b"this", b"args", b"argv", b"config", b"cfg", b"conf", b"settings", b"req",
    b"request", b"opts", b"options", b"params", b"env", b"process", b"ctx", b"context", b"data",
    b"body", b"user", b"props", b"secrets", b"credentials", b"creds", b"app", b"os", b"sys",
    b"input", b"form", b"event", b"var", b"local", b"module", b"state", b"session", b"kwargs",
    b"values", b"vars", b"resource", b"aws_secretsmanager_secret_version", b"account", b"auth", b"client", b"db",
    b"document", b"window", b"element", b"target", b"res", b"response", b"result", b"json", b"string", b"crypto",
];

/// Names of fields and words for their types, as they occur beside the names of secrets.
#[rustfmt::skip]
const FIELDS: [&[u8]; 48] = [
    b"user", b"username", b"login", b"name", b"id", b"host", b"hostname", b"url", b"type",
    b"text", b"string", b"required", b"optional", b"value", b"key", b"varchar", b"char", b"int",
    b"number", b"boolean", b"object", b"array", b"database", b"port", b"email", b"mail", b"phone",
    b"hidden", b"input", b"field", b"label", b"placeholder", b"min", b"max", b"confirm",
    b"confirmation", b"repeat", b"sensitive", b"file", b"path", b"default", b"submit", b"comma",
    b"identifier", b"keyword", b"punctuation", b"nonce", b"scope",
];

/// Words that sentences have and passphrases hardly.
#[rustfmt::skip]
const WORDS: [&[u8]; 44] = [
    b"must", b"is", b"are", b"be", b"cannot", b"can't", b"not", b"required", b"should", b"invalid",
    b"your", b"the", b"enter", b"please", b"contain", b"contains", b"least", b"too", b"has",
    b"been", b"expired", b"incorrect", b"wrong", b"failed", b"missing", b"does", b"doesn't",
    b"don't", b"match", b"characters", b"length", b"of", b"for", b"with", b"was", b"reset",
    b"change", b"changed", b"forgot", b"new", b"confirm", b"found", b"field", b"this",
];

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
        found |= WORDS.iter().any(|known| word.eq_ignore_ascii_case(known));
    }
    count > 1 && found
}
