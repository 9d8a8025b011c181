//! Values that can be revealed: `penc:v1:<kid>:` and base64url of nonce (12 bytes), ciphertext and tag (16
//! bytes), AES-256-GCM (NIST SP 800-38D) with `env|type` as associated data.
//!
//! Nonces are random, so one key should not encrypt more than 2^32 values. A plaintext is overwritten by
//! its own ciphertext; key schedules are overwritten when they are dropped.

use std::fmt;
use std::ops::Deref;

use aes_gcm::aead::{AeadInPlace, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce, Tag};
use zeroize::Zeroizing;

use super::error::TokenKeysError;
use super::keyset::Keyset;
use super::{FieldType, base64url};

const PREFIX: &str = "penc:v1:";
/// Bytes of a nonce.
pub(super) const NONCE: usize = 12;
const TAG: usize = 16;

/// A decrypted value. The bytes are overwritten when it is dropped, and never shown by `Debug`.
pub struct Revealed(Zeroizing<Vec<u8>>);

impl Deref for Revealed {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Revealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Revealed").field(&format_args!("{} bytes", self.len())).finish()
    }
}

/// The keys of a reveal keyset, ready for use.
pub(super) struct Ciphers {
    primary: usize,
    ciphers: Vec<(Box<str>, Aes256Gcm)>,
}

impl Ciphers {
    pub(super) fn new(keyset: &Keyset) -> Ciphers {
        let cipher = |secret: &[u8]| Aes256Gcm::new_from_slice(secret).ok();
        // All keys of a reveal keyset have the right length, so every key is included.
        let ciphers = keyset
            .keys()
            .iter()
            .filter_map(|key| Some((key.kid.as_str().into(), cipher(&key.secret)?)))
            .collect();
        Ciphers { primary: keyset.primary(), ciphers }
    }

    pub(super) fn primary_kid(&self) -> &str {
        self.ciphers.get(self.primary).map_or("", |(kid, _)| kid)
    }

    /// Encrypts under the primary key. The nonce must never have been used with it.
    pub(super) fn protect(
        &self,
        value: &[u8],
        nonce: [u8; NONCE],
        env: &str,
        field: FieldType<'_>,
    ) -> Result<String, TokenKeysError> {
        let too_long = || TokenKeysError::TooLong { found: value.len() };
        let (kid, cipher) = self.ciphers.get(self.primary).ok_or_else(too_long)?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(NONCE + value.len() + TAG));
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(value);
        let text = bytes.get_mut(NONCE..).unwrap_or_default();
        let tag = cipher
            .encrypt_in_place_detached(&Nonce::from(nonce), context(env, field).as_bytes(), text)
            .map_err(|_| too_long())?;
        bytes.extend_from_slice(&tag);
        let mut out = Vec::with_capacity(PREFIX.len() + kid.len() + 1 + bytes.len() * 4 / 3 + 1);
        out.extend_from_slice(PREFIX.as_bytes());
        out.extend_from_slice(kid.as_bytes());
        out.push(b':');
        base64url::encode(&bytes, &mut out);
        // Key ids and base64url are ASCII.
        Ok(String::from_utf8(out).unwrap_or_default())
    }

    /// Decrypts a value. Nothing is returned before the tag was verified.
    pub(super) fn reveal(
        &self,
        token: &str,
        env: &str,
        field: FieldType<'_>,
    ) -> Result<Revealed, TokenKeysError> {
        let no = |expected| TokenKeysError::NoToken { expected };
        let rest = token.trim().strip_prefix(PREFIX).ok_or(no("penc:v1: at its start"))?;
        let (kid, text) = rest.split_once(':').ok_or(no("a key id and `:` after penc:v1:"))?;
        if kid.is_empty() || kid.len() > 32 || !kid.bytes().all(is_kid_byte) {
            return Err(no("a key id of 1 to 32 letters, digits, - or _"));
        }
        let cipher = self.ciphers.iter().find(|(known, _)| **known == *kid);
        let (_, cipher) = cipher.ok_or_else(|| self.unknown(kid))?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
        base64url::decode(text.as_bytes(), &mut bytes).map_err(|_| no("base64url at its end"))?;
        let short = || no("at least 28 bytes after the key id");
        let end = bytes.len().checked_sub(TAG).filter(|end| *end >= NONCE).ok_or_else(short)?;
        let tag: [u8; TAG] = bytes[end..].try_into().map_err(|_| short())?;
        let nonce: [u8; NONCE] = bytes[..NONCE].try_into().map_err(|_| short())?;
        let context = context(env, field);
        let (nonce, tag) = (Nonce::from(nonce), Tag::from(tag));
        cipher
            .decrypt_in_place_detached(&nonce, context.as_bytes(), &mut bytes[NONCE..end], &tag)
            .map_err(|_| TokenKeysError::NotAuthentic {
                kid: kid.to_owned(),
                env: env.to_owned(),
                field: field.name().to_owned(),
            })?;
        bytes.copy_within(NONCE..end, 0);
        bytes.truncate(end - NONCE);
        Ok(Revealed(bytes))
    }

    fn unknown(&self, kid: &str) -> TokenKeysError {
        let known = self.ciphers.iter().map(|(kid, _)| kid.to_string()).collect();
        TokenKeysError::UnknownKey { kid: kid.to_owned(), known }
    }
}

fn is_kid_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// The associated data of a ciphertext. An environment does not contain `|`, so two pairs never collide.
fn context(env: &str, field: FieldType<'_>) -> String {
    format!("{env}|{}", field.name())
}
