//! Keyed tokens: equal values give equal tokens, and without the key a token does not reveal its value.
//!
//! A token is `ptok:v1:` and base64url of HMAC-SHA-256 (RFC 2104) over the normalised value, under a key that is itself
//! HMAC-SHA-256 of `env|type` under the token key. Tokens of different environments or types therefore cannot be
//! joined. E-mail addresses are trimmed and lower-cased, telephone numbers are written as in E.164, and all other
//! values are trimmed. Making a token allocates nothing beyond what the output needs, and never blocks.
//!
//! [`HmacTokenizer`] makes tokens with a key in memory. With the feature `tokens`, `TokenKeys` is a handle
//! to the keys of keyset files: it makes tokens, encrypts values so that they can be revealed
//! (`penc:v1:<kid>:…`, AES-256-GCM), has two access modes, and reloads keysets while it is in use. Keys are
//! overwritten in memory when they are dropped. Files are read by `TokenKeys::open` and
//! `TokenKeys::refresh` only, never while a token is made.

mod base64url;
mod normalize;

#[cfg(feature = "tokens")]
mod keys;

#[cfg(feature = "tokens")]
pub use keys::{
    Access, CHECK_EVERY, FileSource, KEYS_MAX, KEYSET_BYTES_MAX, KEYSET_MODE, KeySource, Keyset,
    KeysetError, KeysetKind, Randomness, Refresh, Revealed, SystemRandomness, TokenKeys,
    TokenKeysConfig, TokenKeysError, TokenKeysStatus,
};

use super::kind::{HitKind, token_len};
use super::redactor::Tokenize;
use ringseal_base::digest::{HmacSha256, wipe};

const PREFIX: &[u8] = b"ptok:v1:";
/// Bytes of a token.
const TOKEN_BYTES: usize = PREFIX.len() + 43;

/// The type of a value. Values of different types never have the same token, and a value encrypted as one
/// type is not revealed as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FieldType<'a> {
    /// `email`: trimmed and lower-cased.
    Email,
    /// `phone`: digits and plus signs.
    Phone,
    /// `generic`: trimmed.
    Generic,
    /// A type defined by the user; trimmed.
    Named(&'a str),
}

impl<'a> FieldType<'a> {
    /// The type with this name.
    ///
    /// ```
    /// use ringseal_redact::token::FieldType;
    /// assert_eq!(FieldType::new("email"), FieldType::Email);
    /// assert_eq!(FieldType::new("badge").name(), "badge");
    /// ```
    pub fn new(name: &'a str) -> FieldType<'a> {
        match name {
            "email" => FieldType::Email,
            "phone" => FieldType::Phone,
            "generic" => FieldType::Generic,
            name => FieldType::Named(name),
        }
    }

    /// The name, which enters the key of its tokens.
    pub fn name(self) -> &'a str {
        match self {
            FieldType::Email => "email",
            FieldType::Phone => "phone",
            FieldType::Generic => "generic",
            FieldType::Named(name) => name,
        }
    }
}

/// Makes `ptok:v1:` tokens.
///
/// With the feature `tokens`, the parts of the key that it holds are overwritten when it is dropped.
///
/// ```
/// use ringseal_redact::HmacTokenizer;
/// let tokenizer = HmacTokenizer::new(&[7; 32], "prod");
/// assert_eq!(tokenizer.email(" Ann@Example.com "), tokenizer.email("ann@example.com"));
/// assert_ne!(tokenizer.email("ann@example.com"), tokenizer.generic("ann@example.com"));
/// ```
pub struct HmacTokenizer {
    env: Box<str>,
    root: HmacSha256,
    email: HmacSha256,
    phone: HmacSha256,
    generic: HmacSha256,
}

impl ::core::fmt::Debug for HmacTokenizer {
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        // Never shows keys.
        f.debug_struct("HmacTokenizer").finish_non_exhaustive()
    }
}

impl HmacTokenizer {
    /// A tokenizer with the token key `key` (32 bytes recommended) for the environment `env`.
    pub fn new(key: &[u8], env: &str) -> HmacTokenizer {
        let root = HmacSha256::new(key);
        HmacTokenizer {
            email: derived(&root, env, "email"),
            phone: derived(&root, env, "phone"),
            generic: derived(&root, env, "generic"),
            root,
            env: env.into(),
        }
    }

    /// The token of a value of this type. A value that already is a token is returned unchanged.
    pub fn tokenize(&self, value: &str, field: FieldType<'_>) -> String {
        let mut out = Vec::with_capacity(TOKEN_BYTES.max(value.len()));
        self.put(value.as_bytes(), field, &mut out);
        // A token is ASCII, and a returned value is text.
        String::from_utf8(out).unwrap_or_default()
    }

    /// The token of an e-mail address.
    pub fn email(&self, value: &str) -> String {
        self.tokenize(value, FieldType::Email)
    }

    /// The token of a telephone number.
    pub fn phone(&self, value: &str) -> String {
        self.tokenize(value, FieldType::Phone)
    }

    /// The token of any other value.
    pub fn generic(&self, value: &str) -> String {
        self.tokenize(value, FieldType::Generic)
    }

    /// Appends the token of `value`.
    fn put(&self, value: &[u8], field: FieldType<'_>, out: &mut Vec<u8>) {
        let trimmed = normalize::trim(value);
        if is_token(trimmed) {
            out.extend_from_slice(trimmed);
            return;
        }
        let mac = match field {
            FieldType::Email => over(&self.email, normalize::email, value, out),
            FieldType::Phone => over(&self.phone, normalize::phone, value, out),
            FieldType::Generic => self.generic.of(trimmed),
            FieldType::Named(name) => derived(&self.root, &self.env, name).of(trimmed),
        };
        out.extend_from_slice(PREFIX);
        base64url::encode(&mac, out);
    }
}

impl Tokenize for HmacTokenizer {
    /// The type follows from the value, not from the detector or key: one value has one token.
    fn token(&self, kind: HitKind, value: &[u8], out: &mut Vec<u8>) -> bool {
        let field = match kind {
            HitKind::Email => FieldType::Email,
            _ if is_email(value) => FieldType::Email,
            HitKind::Phone => FieldType::Phone,
            _ => FieldType::Generic,
        };
        self.put(value, field, out);
        true
    }
}

fn derived(root: &HmacSha256, env: &str, field: &str) -> HmacSha256 {
    let mut key = root.of(format!("{env}|{field}").as_bytes());
    let hmac = HmacSha256::new(&key);
    wipe(&mut key);
    hmac
}

/// The HMAC of the normalised value. The spare capacity of `out` is the scratch buffer.
fn over(
    hmac: &HmacSha256,
    normal: fn(&[u8], &mut Vec<u8>),
    value: &[u8],
    out: &mut Vec<u8>,
) -> [u8; 32] {
    let start = out.len();
    normal(value, out);
    let mac = hmac.of(&out[start..]);
    out.truncate(start);
    mac
}

/// Whether the whole value is a token of either kind.
fn is_token(value: &[u8]) -> bool {
    let len = token_len(value);
    len != 0 && len == value.len()
}

/// Whether the whole value is one e-mail address, roughly: one at sign, no space.
fn is_email(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    value.iter().filter(|&&b| b == b'@').count() == 1 && !value.contains(&b' ')
}

#[cfg(test)]
mod vectors {
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
    fn spellings_of_a_number_have_equal_tokens() {
        let t = tokenizer("prod");
        for written in ["+1 402 555 1212", "+1-402-555-1212", "%2B1%20402%205551212"] {
            assert_eq!(t.phone(written), t.phone("+14025551212"), "{written}");
        }
    }

    #[test]
    fn an_address_has_one_token_under_any_kind() {
        let t = tokenizer("prod");
        let token = |kind, value: &[u8]| {
            let mut out = b"x".to_vec();
            assert!(t.token(kind, value, &mut out));
            String::from_utf8(out).unwrap()
        };
        let want = token(HitKind::Email, b"ann@example.com");
        assert_eq!(token(HitKind::Name, b"Ann@example.com"), want);
        assert_eq!(token(HitKind::Email, b"ann%40example.com"), want);
        assert!(want.starts_with("xptok:v1:"));
    }

    #[test]
    fn a_token_is_returned_unchanged() {
        let t = tokenizer("prod");
        let penc = "penc:v1:rk1:i5N75JqS-jwKDi8K4QpW5W08KCpJd57p_fpS_V9Y71L1ZFWwM3M10j6z4PY";
        for token in [&t.email("ann@example.com"), penc] {
            for name in ["email", "phone", "generic", "badge"] {
                assert_eq!(&t.tokenize(token, FieldType::new(name)), token, "{name}");
            }
        }
        let near = "ptok:v1:short";
        assert_ne!(t.generic(near), near);
    }

    #[test]
    fn user_defined_types_have_separate_tokens() {
        let t = tokenizer("prod");
        let badge = t.tokenize(" 4711 ", FieldType::Named("badge"));
        assert_eq!(badge, t.tokenize("4711", FieldType::new("badge")));
        assert_ne!(badge, t.generic("4711"));
        assert_ne!(badge, tokenizer("dev").tokenize("4711", FieldType::Named("badge")));
        assert_eq!(t.tokenize("4711", FieldType::Named("generic")), t.generic("4711"));
    }
}
