//! Keyed tokens: the same value gives the same token, and nobody without the key can tell which value.
//!
//! `ptok:v1:` and base64url of HMAC-SHA-256 (RFC 2104) over the normalised value, under a key that is
//! itself HMAC-SHA-256 of `env|type` under the token key. So environments and types cannot be joined.
//! Types are `email`, `phone` and `generic`. E-mail addresses are trimmed and lower-cased, telephone
//! numbers written as in E.164.
//!
//! Making a token allocates nothing beyond what the output needs.

use sha2::{Digest, Sha256};

use super::kind::Kind;
use super::redactor::Tokenize;

const BLOCK: usize = 64;
const PREFIX: &[u8] = b"ptok:v1:";

/// HMAC-SHA-256 with its key worked in.
#[derive(Clone)]
struct Hmac {
    inner: Sha256,
    outer: Sha256,
}

impl Hmac {
    fn new(key: &[u8]) -> Hmac {
        let mut block = [0u8; BLOCK];
        if key.len() > BLOCK {
            block[..32].copy_from_slice(&Sha256::digest(key));
        } else {
            block[..key.len()].copy_from_slice(key);
        }
        let padded = |pad: u8| Sha256::new_with_prefix(block.map(|b| b ^ pad));
        Hmac { inner: padded(0x36), outer: padded(0x5C) }
    }

    fn of(&self, text: &[u8]) -> [u8; 32] {
        let inner = self.inner.clone().chain_update(text).finalize();
        self.outer.clone().chain_update(inner).finalize().into()
    }
}

/// Makes `ptok:v1:` tokens.
///
/// ```
/// use ringseal::redact::HmacTokenizer;
/// let tokenizer = HmacTokenizer::new(&[7; 32], "prod");
/// assert_eq!(tokenizer.email(" Ann@Example.com "), tokenizer.email("ann@example.com"));
/// assert_ne!(tokenizer.email("ann@example.com"), tokenizer.generic("ann@example.com"));
/// ```
pub struct HmacTokenizer {
    email: Hmac,
    phone: Hmac,
    generic: Hmac,
}

impl ::core::fmt::Debug for HmacTokenizer {
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        // Keys are nobody's business.
        f.debug_struct("HmacTokenizer").finish_non_exhaustive()
    }
}

impl HmacTokenizer {
    /// A tokenizer with the token key `key` (32 bytes are right) for the environment `env`.
    pub fn new(key: &[u8], env: &str) -> HmacTokenizer {
        let root = Hmac::new(key);
        let derived = |kind: &str| Hmac::new(&root.of(format!("{env}|{kind}").as_bytes()));
        HmacTokenizer {
            email: derived("email"),
            phone: derived("phone"),
            generic: derived("generic"),
        }
    }

    /// The token of an e-mail address.
    pub fn email(&self, value: &str) -> String {
        text(|out| self.put_email(value.as_bytes(), out))
    }

    /// The token of a telephone number.
    pub fn phone(&self, value: &str) -> String {
        text(|out| self.put_phone(value.as_bytes(), out))
    }

    /// The token of anything else.
    pub fn generic(&self, value: &str) -> String {
        text(|out| put(&self.generic, value.as_bytes(), out))
    }

    fn put_email(&self, value: &[u8], out: &mut Vec<u8>) {
        // The output's own room is the scratch: the address is made there and taken back.
        let start = out.len();
        let value = value.trim_ascii();
        match value.windows(3).position(|w| w == b"%40") {
            Some(at) => {
                out.extend_from_slice(&value[..at]);
                out.push(b'@');
                out.extend_from_slice(&value[at + 3..]);
            }
            None => out.extend_from_slice(value),
        }
        out[start..].make_ascii_lowercase();
        put_over(&self.email, start, out);
    }

    fn put_phone(&self, value: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        e164(value, out);
        put_over(&self.phone, start, out);
    }
}

impl Tokenize for HmacTokenizer {
    /// By what the value is, not by who found it: one value has one token.
    fn token(&self, kind: Kind, value: &[u8], out: &mut Vec<u8>) -> bool {
        if kind == Kind::Email || is_email(value) {
            self.put_email(value, out);
        } else if kind == Kind::Phone {
            self.put_phone(value, out);
        } else {
            put(&self.generic, value, out);
        }
        true
    }
}

fn text(put: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::with_capacity(PREFIX.len() + 43);
    put(&mut out);
    // A token is ASCII.
    String::from_utf8(out).unwrap_or_default()
}

/// Appends the token of `value`.
fn put(hmac: &Hmac, value: &[u8], out: &mut Vec<u8>) {
    put_mac(hmac.of(value), out);
}

/// Replaces what `out` holds behind `start` by its token.
fn put_over(hmac: &Hmac, start: usize, out: &mut Vec<u8>) {
    let mac = hmac.of(&out[start..]);
    out.truncate(start);
    put_mac(mac, out);
}

fn put_mac(mac: [u8; 32], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    out.extend_from_slice(PREFIX);
    for three in mac.chunks(3) {
        let bits = three.iter().fold(0u32, |bits, &b| bits << 8 | u32::from(b));
        let bits = bits << (8 * (3 - three.len()));
        for i in 0..=three.len() {
            out.push(DIGITS[(bits >> (18 - 6 * i) & 63) as usize]);
        }
    }
}

/// Whether the whole value is one e-mail address, roughly: one at sign, no space.
fn is_email(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    value.iter().filter(|&&b| b == b'@').count() == 1 && !value.contains(&b' ')
}

/// Appends the digits of a telephone number, behind a `+` if it has one.
///
/// That is E.164 for international numbers. National ones are not given a country: nothing says which.
fn e164(value: &[u8], out: &mut Vec<u8>) {
    let value = value.trim_ascii_start();
    let rest = value.strip_prefix(b"+").or_else(|| value.strip_prefix(b"%2B"));
    if rest.is_some() {
        out.push(b'+');
    }
    // The digits of `%20` are a space's.
    let mut skip = 0;
    for &b in rest.unwrap_or(value) {
        match b {
            b'%' => skip = 2,
            _ if skip > 0 => skip -= 1,
            b'0'..=b'9' => out.push(b),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokenizer(env: &str) -> HmacTokenizer {
        let key: Vec<u8> = (0..32).collect();
        HmacTokenizer::new(&key, env)
    }

    #[test]
    fn tokens_are_those_of_the_other_implementations() {
        let email = "ptok:v1:PzPQvZpJgsOFSU0Lstv4fx40dX7bFHfmYdh-fMNsTSY";
        let prod = tokenizer("prod");
        assert_eq!(prod.email("user@example.com"), email);
        assert_eq!(prod.email("  USER@Example.com "), email);
        assert_eq!(
            tokenizer("dev").email("user@example.com"),
            "ptok:v1:7G7OldSFY_37pUNt1TaMxih9MMTPQbMKj5807_3Szso"
        );
        assert_eq!(
            prod.phone("+965 1234-5678"),
            "ptok:v1:YQtisrP5-xlsESZM2S9XsZ32A2BUXa4hr1TY3HipwvA"
        );
        assert_eq!(
            prod.phone("(402) 555-1212"),
            "ptok:v1:WNKCj0BZh1IEGmcxEw1H_lgkWysrgknB7yHxHAdCB0E"
        );
        assert_eq!(prod.generic("John Doe"), "ptok:v1:BGV24rJRL0fhbAIg6PY5loOej0L4ifYZDA2TzVO9kDI");
    }

    #[test]
    fn one_number_has_one_token_however_it_is_written() {
        let t = tokenizer("prod");
        for written in ["+1 402 555 1212", "+1-402-555-1212", "%2B1%20402%205551212"] {
            assert_eq!(t.phone(written), t.phone("+14025551212"), "{written}");
        }
    }

    #[test]
    fn one_address_has_one_token_whoever_found_it() {
        let t = tokenizer("prod");
        let token = |kind, value: &[u8]| {
            let mut out = b"x".to_vec();
            assert!(t.token(kind, value, &mut out));
            String::from_utf8(out).unwrap()
        };
        let want = token(Kind::Email, b"ann@example.com");
        assert_eq!(token(Kind::Name, b"Ann@example.com"), want);
        assert_eq!(token(Kind::Email, b"ann%40example.com"), want);
        assert!(want.starts_with("xptok:v1:"));
    }
}
