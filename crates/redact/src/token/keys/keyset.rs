//! Keysets: keys of one kind, one of which is the primary key.
//!
//! ```json
//! {"schema_version":1,"primary_kid":"tk1","keys":{
//!   "tk1":{"alg":"HMAC-SHA-256","created_at":"2026-01-31T00:00:00Z","key_b64":"…"}}}
//! ```
//!
//! Keys are overwritten in memory when the keyset is dropped. Reading and making keysets allocates; no file
//! is read or written here.

use std::fmt;

use zeroize::Zeroizing;

use super::base64url;
use super::error::KeysetError;
use super::keyset_json::{Problem, Reader};
use super::random::Randomness;

/// Most keys of one keyset.
pub const KEYS_MAX: usize = 1024;

/// Bytes of a generated key.
const KEY_BYTES: usize = 32;
/// Most bytes of a key id, which is part of each encrypted value.
const KID_BYTES_MAX: usize = 32;

/// The purpose of a keyset's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeysetKind {
    /// Tokens: `HMAC-SHA-256`.
    Token,
    /// Encryption: `AES-256-GCM`.
    Reveal,
}

impl KeysetKind {
    /// The algorithm's name in keysets.
    pub const fn alg(self) -> &'static str {
        match self {
            KeysetKind::Token => "HMAC-SHA-256",
            KeysetKind::Reveal => "AES-256-GCM",
        }
    }

    fn from_alg(alg: &str) -> Option<KeysetKind> {
        [KeysetKind::Token, KeysetKind::Reveal].into_iter().find(|kind| kind.alg() == alg)
    }

    /// Whether a key may have this many bytes. HMAC keys longer than a block are hashed and gain nothing.
    fn takes(self, bytes: usize) -> bool {
        match self {
            KeysetKind::Token => (KEY_BYTES..=2 * KEY_BYTES).contains(&bytes),
            KeysetKind::Reveal => bytes == KEY_BYTES,
        }
    }
}

/// One key.
pub(super) struct Key {
    pub(super) kid: String,
    created_at: String,
    pub(super) secret: Zeroizing<Vec<u8>>,
}

/// Keys of one kind. The primary key makes new tokens.
pub struct Keyset {
    kind: KeysetKind,
    primary: usize,
    keys: Vec<Key>,
    /// An unknown field: rewriting the file would lose it.
    unknown: Option<String>,
}

impl fmt::Debug for Keyset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never shows keys.
        f.debug_struct("Keyset")
            .field("kind", &self.kind)
            .field("primary_kid", &self.primary_kid())
            .field("keys", &self.keys.len())
            .finish_non_exhaustive()
    }
}

impl Keyset {
    /// Reads a keyset. Errors name its `origin`, such as a file.
    ///
    /// ```
    /// use ringseal_redact::token::Keyset;
    /// let text = br#"{"schema_version":1,"primary_kid":"tk1","keys":{}}"#;
    /// let error = Keyset::parse(text, "token-keyset.json").unwrap_err().to_string();
    /// assert_eq!(error, "keyset token-keyset.json: keys: expected a key at least, found none");
    /// ```
    pub fn parse(text: &[u8], origin: &str) -> Result<Keyset, KeysetError> {
        read(text).map_err(|problem| match problem {
            Problem::Syntax { at, expected, found } => {
                let before = text.get(..at).unwrap_or(text);
                let line = before.iter().filter(|&&b| b == b'\n').count() + 1;
                KeysetError::Syntax { file: origin.to_owned(), line, expected, found }
            }
            Problem::Field { field, expected, found } => {
                KeysetError::Field { file: origin.to_owned(), field, expected, found }
            }
        })
    }

    /// A keyset with one new key. `created_at` is a date and time as in RFC 3339, for information only.
    pub fn generate(
        kind: KeysetKind,
        kid: &str,
        created_at: &str,
        random: &dyn Randomness,
    ) -> Result<Keyset, KeysetError> {
        let mut keyset = Keyset { kind, primary: 0, keys: Vec::new(), unknown: None };
        keyset.add(kid, created_at, random)?;
        Ok(keyset)
    }

    /// Adds a new key, which is used for new tokens only when it is made primary.
    pub fn add(
        &mut self,
        kid: &str,
        created_at: &str,
        random: &dyn Randomness,
    ) -> Result<(), KeysetError> {
        if !is_kid(kid) {
            return Err(refused("kid", KID_EXPECTED, describe(kid)));
        }
        if self.position(kid).is_some() {
            return Err(refused("kid", "a key id that is not in the keyset", shown(kid)));
        }
        if self.keys.len() >= KEYS_MAX {
            return Err(refused("keys", &format!("{KEYS_MAX} keys at most"), "more".to_owned()));
        }
        if created_at.len() > 64 || created_at.bytes().any(|b| b < 0x20 || b"\"\\".contains(&b)) {
            return Err(refused("created_at", "a date and time", "something else".to_owned()));
        }
        let mut secret = Zeroizing::new(vec![0; KEY_BYTES]);
        random.fill(&mut secret).map_err(KeysetError::Random)?;
        self.keys.push(Key { kid: kid.to_owned(), created_at: created_at.to_owned(), secret });
        Ok(())
    }

    /// Makes the key with this id primary; the other keys still reveal.
    pub fn make_primary(&mut self, kid: &str) -> Result<(), KeysetError> {
        let Some(primary) = self.position(kid) else {
            let kids: Vec<_> = self.kids().collect();
            return Err(refused("primary_kid", &one_of(&kids), shown(kid)));
        };
        self.primary = primary;
        Ok(())
    }

    /// The purpose of the keys.
    pub fn kind(&self) -> KeysetKind {
        self.kind
    }

    /// The id of the primary key.
    pub fn primary_kid(&self) -> &str {
        self.keys.get(self.primary).map_or("", |key| &key.kid)
    }

    /// The ids of all keys, in the file's order.
    pub fn kids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| &*key.kid)
    }

    /// An unknown field of the file, which rewriting would lose; a long name is described by its length, because it may
    /// be a key in a wrong place.
    pub fn unknown_field(&self) -> Option<&str> {
        self.unknown.as_deref()
    }

    /// An id for the next key: the primary's with its number incremented, `tk2` after `tk1`.
    pub fn next_kid(&self) -> String {
        let last = self.primary_kid();
        let stem = last.trim_end_matches(|c: char| c.is_ascii_digit());
        let first = last[stem.len()..].parse::<u64>().unwrap_or(1);
        // One more candidate than keys: one of them is free. The stem is short enough for any number.
        let stem = &stem[..stem.len().min(KID_BYTES_MAX - 20)];
        (1..=KEYS_MAX as u64 + 1)
            .map(|step| format!("{stem}{}", first.saturating_add(step)))
            .find(|kid| self.position(kid).is_none())
            .unwrap_or_default()
    }

    /// Returns an error if the keyset is of another kind.
    pub fn expect(self, kind: KeysetKind, origin: &str) -> Result<Keyset, KeysetError> {
        if self.kind == kind {
            return Ok(self);
        }
        Err(KeysetError::Field {
            file: origin.to_owned(),
            field: format!("keys.{}.alg", shown(self.primary_kid())),
            expected: kind.alg().to_owned(),
            found: self.kind.alg().to_owned(),
        })
    }

    pub(super) fn keys(&self) -> &[Key] {
        &self.keys
    }

    pub(super) fn primary(&self) -> usize {
        self.primary
    }

    fn position(&self, kid: &str) -> Option<usize> {
        self.keys.iter().position(|key| key.kid == kid)
    }

    /// The text of the file. Names and dates need no escapes: [`Keyset::parse`] refuses others.
    pub(super) fn to_json(&self) -> Zeroizing<Vec<u8>> {
        // The capacity is enough for all of it: a buffer that grows leaves copies of keys in memory.
        let each = |key: &Key| 128 + key.kid.len() + key.created_at.len() + 2 * key.secret.len();
        let len = 128 + self.keys.iter().map(each).sum::<usize>();
        let mut out = Zeroizing::new(Vec::with_capacity(len));
        let mut put =
            |parts: &[&str]| parts.iter().for_each(|p| out.extend_from_slice(p.as_bytes()));
        put(&["{\"schema_version\":1,\"primary_kid\":\"", self.primary_kid(), "\",\"keys\":{"]);
        for (i, key) in self.keys.iter().enumerate() {
            let mut text = Zeroizing::new(Vec::with_capacity(2 * key.secret.len()));
            base64url::encode(&key.secret, &mut text);
            let text = std::str::from_utf8(&text).unwrap_or_default();
            put(&[if i == 0 { "\n" } else { ",\n" }, "  \"", &key.kid, "\":{\"alg\":\""]);
            put(&[self.kind.alg(), "\",\"created_at\":\"", &key.created_at]);
            put(&["\",\"key_b64\":\"", text, "\"}"]);
        }
        put(&["\n}}\n"]);
        out
    }
}

fn refused(field: &str, expected: &str, found: String) -> KeysetError {
    KeysetError::Field {
        file: "to be written".to_owned(),
        field: field.to_owned(),
        expected: expected.to_owned(),
        found,
    }
}

const KID_EXPECTED: &str = "a key id of 1 to 32 letters, digits, - or _";

/// Whether tokens can carry this key id.
fn is_kid(kid: &str) -> bool {
    (1..=KID_BYTES_MAX).contains(&kid.len())
        && kid.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// The most bytes of a key id or field name that an error repeats. A key has at least 32 bytes, 43 in base64url, so
/// that a key or a half of one, pasted where a name belongs, is never repeated.
const NAME_BYTES_MAX: usize = 15;

/// A text from a file, described for an error by its length alone: it may be a key in a wrong field.
fn describe(text: &str) -> String {
    format!("a text of {} bytes", text.len())
}

/// A key id or field name as it is written in an error; a long one may be a key in a wrong place.
fn shown(name: &str) -> String {
    let is_plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    match name.len() {
        0..=NAME_BYTES_MAX if is_plain => name.to_owned(),
        bytes => format!("(a name of {bytes} bytes)"),
    }
}

fn one_of(kids: &[&str]) -> String {
    match kids {
        [] => "a key of the keyset".to_owned(),
        kids => {
            let names: Vec<_> = kids.iter().take(8).map(|kid| shown(kid)).collect();
            let rest = if kids.len() > 8 { " …" } else { "" };
            format!("one of {}{rest}", names.join(", "))
        }
    }
}

fn bad(field: impl Into<String>, expected: impl Into<String>, found: impl Into<String>) -> Problem {
    Problem::Field { field: field.into(), expected: expected.into(), found: found.into() }
}

/// Reads a text field once.
fn text_of<'a>(
    reader: &mut Reader<'a>,
    field: &str,
    slot: &mut Option<&'a str>,
) -> Result<(), Problem> {
    let text = reader.plain_text()?.ok_or_else(|| bad(field, "a text", reader.found()))?;
    match slot.replace(text) {
        Some(_) => Err(bad(field, "one such field", "two")),
        None => Ok(()),
    }
}

fn read(text: &[u8]) -> Result<Keyset, Problem> {
    let text = std::str::from_utf8(text).map_err(|error| Problem::Syntax {
        at: error.valid_up_to(),
        expected: "UTF-8",
        found: "another byte".to_owned(),
    })?;
    let mut reader = Reader::new(text);
    let (mut version, mut primary, mut keys, mut unknown) = (None, None, None, None);
    reader.object(|reader, name| match name {
        "schema_version" if version.is_none() => {
            let found = reader.found();
            match reader.digits()? {
                Some("1") => version = Some(()),
                Some(_) => return Err(bad(name, "1", "another number")),
                None => return Err(bad(name, "1", found)),
            }
            Ok(())
        }
        "primary_kid" => text_of(reader, name, &mut primary),
        "keys" if keys.is_none() => {
            keys = Some(read_keys(reader, &mut unknown)?);
            Ok(())
        }
        "schema_version" | "keys" => Err(bad(name, "one such field", "two")),
        other => {
            unknown.get_or_insert_with(|| shown(other));
            reader.skip()
        }
    })?;
    reader.end()?;
    version.ok_or_else(|| bad("schema_version", "1", "no such field"))?;
    let primary = primary.ok_or_else(|| bad("primary_kid", "a key id", "no such field"))?;
    let keys = keys.ok_or_else(|| bad("keys", "an object of keys", "no such field"))?;
    finish(primary, keys, unknown)
}

fn finish(
    primary: &str,
    keys: Vec<(KeysetKind, Key)>,
    unknown: Option<String>,
) -> Result<Keyset, Problem> {
    let Some(kind) = keys.first().map(|(kind, _)| *kind) else {
        return Err(bad("keys", "a key at least", "none"));
    };
    if let Some((other, key)) = keys.iter().find(|(other, _)| *other != kind) {
        let expected = format!("{} as in the other keys", kind.alg());
        return Err(bad(format!("keys.{}.alg", shown(&key.kid)), expected, other.alg()));
    }
    let keys: Vec<Key> = keys.into_iter().map(|(_, key)| key).collect();
    match keys.iter().position(|key| key.kid == primary) {
        Some(primary) => Ok(Keyset { kind, primary, keys, unknown }),
        None => {
            let kids: Vec<_> = keys.iter().map(|key| &*key.kid).collect();
            Err(bad("primary_kid", one_of(&kids), describe(primary)))
        }
    }
}

fn read_keys(
    reader: &mut Reader<'_>,
    unknown: &mut Option<String>,
) -> Result<Vec<(KeysetKind, Key)>, Problem> {
    let mut keys: Vec<(KeysetKind, Key)> = Vec::new();
    let found = reader.found();
    if found != "an object" {
        return Err(bad("keys", "an object of keys", found));
    }
    reader.object(|reader, kid| {
        if !is_kid(kid) {
            return Err(bad("keys", KID_EXPECTED, describe(kid)));
        }
        if keys.iter().any(|(_, key)| key.kid == kid) {
            return Err(bad(format!("keys.{}", shown(kid)), "one key of this id", "two"));
        }
        if keys.len() >= KEYS_MAX {
            return Err(bad("keys", format!("{KEYS_MAX} keys at most"), "more"));
        }
        keys.push(read_key(reader, kid, unknown)?);
        Ok(())
    })?;
    Ok(keys)
}

fn read_key(
    reader: &mut Reader<'_>,
    kid: &str,
    unknown: &mut Option<String>,
) -> Result<(KeysetKind, Key), Problem> {
    let field = |name: &str| format!("keys.{}.{name}", shown(kid));
    let found = reader.found();
    if found != "an object" {
        return Err(bad(format!("keys.{}", shown(kid)), "an object", found));
    }
    let (mut alg, mut created_at, mut secret) = (None, None, None);
    reader.object(|reader, name| match name {
        "alg" => text_of(reader, &field(name), &mut alg),
        "created_at" => text_of(reader, &field(name), &mut created_at),
        "key_b64" => text_of(reader, &field(name), &mut secret),
        other => {
            unknown.get_or_insert_with(|| field(&shown(other)));
            reader.skip()
        }
    })?;
    let algs = format!("{} or {}", KeysetKind::Token.alg(), KeysetKind::Reveal.alg());
    let alg = alg.ok_or_else(|| bad(field("alg"), &*algs, "no such field"))?;
    let kind = KeysetKind::from_alg(alg).ok_or_else(|| bad(field("alg"), algs, describe(alg)))?;
    let text = secret.ok_or_else(|| bad(field("key_b64"), "a key", "no such field"))?;
    let secret = read_secret(kind, text).map_err(|found| {
        let lengths = if kind == KeysetKind::Token { "32 to 64" } else { "32" };
        bad(field("key_b64"), format!("{lengths} random bytes in base64url"), found)
    })?;
    let created_at = created_at.unwrap_or_default().to_owned();
    Ok((kind, Key { kid: kid.to_owned(), created_at, secret }))
}

/// The key's bytes, or a description of the error that does not repeat any byte.
fn read_secret(kind: KeysetKind, text: &str) -> Result<Zeroizing<Vec<u8>>, String> {
    let text = text.trim_end_matches('=');
    let mut secret = Zeroizing::new(Vec::with_capacity(text.len()));
    if let Err(at) = base64url::decode(text.as_bytes(), &mut secret) {
        return Err(format!("something else at character {}", at + 1));
    }
    if !kind.takes(secret.len()) {
        return Err(format!("{} bytes", secret.len()));
    }
    // A template's placeholder must not be accepted as a key.
    if secret.iter().all(|b| Some(b) == secret.first()) {
        return Err("one byte over and over".to_owned());
    }
    Ok(secret)
}
