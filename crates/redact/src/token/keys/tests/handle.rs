//! Tokens, ciphertexts, access and configuration.

use proptest::prelude::*;

use super::*;
use crate::{KeyClass, Profile, RedactOutcome, Redactor, RuleSet, Rules};

const PENC: &str = "penc:v1:rk1:i5N75JqS-jwKDi8K4QpW5W08KCpJd57p_fpS_V9Y71L1ZFWwM3M10j6z4PY";

#[test]
fn the_vectors_of_the_other_implementations_hold() {
    let (prod, dev) = (full("prod"), full("dev"));
    let email = "ptok:v1:PzPQvZpJgsOFSU0Lstv4fx40dX7bFHfmYdh-fMNsTSY";
    let vectors = [
        (&prod, "user@example.com", "email", email),
        (&prod, "  USER@Example.com ", "email", email),
        (&dev, "user@example.com", "email", "ptok:v1:7G7OldSFY_37pUNt1TaMxih9MMTPQbMKj5807_3Szso"),
        (&prod, "+965 1234-5678", "phone", "ptok:v1:YQtisrP5-xlsESZM2S9XsZ32A2BUXa4hr1TY3HipwvA"),
        (&prod, "(402) 555-1212", "phone", "ptok:v1:WNKCj0BZh1IEGmcxEw1H_lgkWysrgknB7yHxHAdCB0E"),
        (&prod, "John Doe", "generic", "ptok:v1:BGV24rJRL0fhbAIg6PY5loOej0L4ifYZDA2TzVO9kDI"),
    ];
    for (pii, value, field, want) in vectors {
        assert_eq!(pii.tokenize(value, FieldType::new(field)), want, "{value}");
    }
    assert_eq!(&*prod.reveal(PENC, FieldType::Email).expect("a vector"), b"user@example.com");
}

#[test]
fn foreign_and_changed_ciphertexts_are_refused() {
    let prod = full("prod");
    let other_type = prod.reveal(PENC, FieldType::Phone).expect_err("another type");
    assert!(
        matches!(&other_type, TokenKeysError::NotAuthentic { kid, env, field }
            if (&**kid, &**env, &**field) == ("rk1", "prod", "phone")),
        "{other_type}"
    );
    let other_env = full("dev").reveal(PENC, FieldType::Email).expect_err("another environment");
    assert!(matches!(other_env, TokenKeysError::NotAuthentic { .. }), "{other_env}");
    // Each character of nonce, ciphertext and tag.
    let start = "penc:v1:rk1:".len();
    for at in start..PENC.len() {
        let other = if &PENC[at..=at] == "A" { "B" } else { "A" };
        let changed = format!("{}{other}{}", &PENC[..at], &PENC[at + 1..]);
        let error = prod.reveal(&changed, FieldType::Email).expect_err("changed");
        let last = at + 1 == PENC.len();
        let right = match error {
            TokenKeysError::NotAuthentic { .. } => true,
            // The last character has bits that must be zero.
            TokenKeysError::NoToken { .. } => last,
            _ => false,
        };
        assert!(right, "{at}: {error}");
    }
    for len in start + 38..PENC.len() {
        assert!(prod.reveal(&PENC[..len], FieldType::Email).is_err(), "cut to {len}");
    }
}

#[test]
fn malformed_tokens_are_refused_with_a_reason() {
    let pii = full("prod");
    for (token, want) in [
        ("user@example.com", "expected penc:v1: at its start"),
        ("ptok:v1:PzPQvZpJgsOFSU0Lstv4fx40dX7bFHfmYdh-fMNsTSY", "penc:v1: at its start"),
        ("penc:v2:rk1:AAAA", "expected penc:v1: at its start"),
        ("penc:v1:rk1", "expected a key id and `:`"),
        ("penc:v1::AAAA", "expected a key id of 1 to 32"),
        ("penc:v1:r k:AAAA", "expected a key id of 1 to 32"),
        ("penc:v1:rk9:AAAA", "the token's key rk9 is not in the reveal keyset, which has rk1"),
        ("penc:v1:rk1:", "expected at least 28 bytes"),
        ("penc:v1:rk1:AAAA", "expected at least 28 bytes"),
        ("penc:v1:rk1:+/+/", "expected base64url"),
    ] {
        let error = pii.reveal(token, FieldType::Email).expect_err(token).to_string();
        assert!(error.contains(want), "{token}: {error}");
    }
}

#[test]
fn tokenize_access_never_opens_the_reveal_keyset() {
    let disk = disk();
    disk.put(Path::new(REVEAL), b"not even JSON");
    let variables = |name: &str| {
        let value = match name {
            "PII_PROVIDER" => "file",
            "PII_TOKEN_KEYSET_PATH" => TOKENS,
            "PII_REVEAL_KEYSET_PATH" => REVEAL,
            _ => return None,
        };
        Some(value.to_owned())
    };
    let config = TokenKeysConfig::from_variables(variables).expect("good").expect("configured");
    let pii = open(&disk, &config).expect("the reveal keyset is not read");
    assert_eq!((pii.access(), pii.env()), (Access::Tokenize, "unknown"));
    assert!(pii.tokenize("x", FieldType::Generic).starts_with("ptok:v1:"));
    let denied = pii.protect(b"x", FieldType::Generic).expect_err("no access");
    assert!(matches!(denied, TokenKeysError::AccessDenied { operation: "protect" }));
    assert!(denied.to_string().contains("PII_ACCESS=full"));
    let denied = pii.reveal(PENC, FieldType::Email).expect_err("no access");
    assert!(matches!(denied, TokenKeysError::AccessDenied { operation: "reveal" }));
    assert_eq!(pii.status().reveal_kid, None);
}

#[test]
fn tokens_are_returned_unchanged_by_both() {
    let pii = full("prod");
    let token = pii.tokenize("John Doe", FieldType::Generic);
    assert_eq!(pii.tokenize(&token, FieldType::Email), token);
    assert_eq!(pii.tokenize(PENC, FieldType::Email), PENC);
    assert_eq!(pii.protect(PENC.as_bytes(), FieldType::Phone).expect("left alone"), PENC);
    assert_eq!(pii.protect(token.as_bytes(), FieldType::Phone).expect("left alone"), token);
}

#[test]
fn equal_values_are_encrypted_differently_each_time() {
    let pii = full("prod");
    let protect = || pii.protect(b"user@example.com", FieldType::Email).expect("full access");
    let (one, two) = (protect(), protect());
    assert_ne!(one, two);
    for token in [one, two] {
        assert!(token.starts_with("penc:v1:rk1:"), "{token}");
        assert!(crate::is_mask(token.as_bytes()), "the redactor recognises it as a token");
        assert_eq!(&*pii.reveal(&token, FieldType::Email).expect("ours"), b"user@example.com");
    }
}

#[test]
fn without_a_nonce_nothing_is_encrypted() {
    struct NoRandomness;
    impl Randomness for NoRandomness {
        fn fill(&self, _bytes: &mut [u8]) -> io::Result<()> {
            Err(io::Error::other("dry"))
        }
    }
    let storage: Arc<dyn Storage> = Arc::new(disk());
    let config = TokenKeysConfig::new(TOKENS).reveal_keyset(REVEAL);
    let pii = TokenKeys::open_on(&config, &storage, Box::new(NoRandomness)).expect("good keysets");
    let error = pii.protect(b"x", FieldType::Generic).expect_err("no nonce");
    assert_eq!(error.to_string(), "no random bytes for a nonce: dry");
}

#[test]
fn invalid_settings_are_named() {
    let config = |pairs: &[(&str, &str)]| {
        TokenKeysConfig::from_variables(|name| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    };
    assert_eq!(config(&[]).expect("nothing asked for"), None);
    assert_eq!(config(&[("PII_ENV", "prod"), ("PII_PROVIDER", " ")]).expect("as above"), None);
    let file = ("PII_PROVIDER", "file");
    let tokens = ("PII_TOKEN_KEYSET_PATH", TOKENS);
    for (pairs, want) in [
        (&[("PII_PROVIDER", "vault")][..], "PII_PROVIDER=vault is not supported here"),
        (&[("PII_PROVIDER", "hsm")], "PII_PROVIDER: expected file, found \"hsm\""),
        (&[tokens], "PII_PROVIDER: expected file, as PII_TOKEN_KEYSET_PATH is set, found nothing"),
        (&[file], "PII_TOKEN_KEYSET_PATH: expected a file, as PII_PROVIDER=file, found nothing"),
        (
            &[file, tokens, ("PII_ACCESS", "full")],
            "PII_REVEAL_KEYSET_PATH: expected a file, as PII_ACCESS=full, found nothing",
        ),
        (&[file, tokens, ("PII_ACCESS", "root")], "PII_ACCESS: expected tokenize or full"),
        (&[file, tokens, ("PII_ENV", "a|b")], "PII_ENV: expected 1 to 64 bytes without `|`"),
        (&[file, tokens, ("PII_REFRESH_SECONDS", "0")], "PII_REFRESH_SECONDS: expected 1 to 86400"),
        (&[file, tokens, ("PII_KEYSET_GROUP_READABLE", "2")], "expected 1 or 0, found \"2\""),
    ] {
        let error = config(pairs).expect_err("a mistake").to_string();
        assert!(error.contains(want), "{error}");
    }
    let reveal = ("PII_REVEAL_KEYSET_PATH", REVEAL);
    let env = ("PII_ENV", "prod");
    let all = [file, tokens, reveal, env, ("PII_ACCESS", "full"), ("PII_REFRESH_SECONDS", "60")];
    let want = TokenKeysConfig::new(TOKENS).env("prod").reveal_keyset(REVEAL);
    let want = want.reread_every(std::time::Duration::from_secs(60));
    assert_eq!(config(&all).expect("good"), Some(want));
}

/// `test_pii customer_name email amount`, as the ecs profile writes it with and without keys.
#[test]
fn key_hits_become_tokens_only_with_keys() {
    let set = RuleSet { profile: Profile::Ecs, ..RuleSet::default() };
    let rules = Arc::new(Rules::compile(&set).expect("good rules"));
    let fields = [("customer_name", "John Doe"), ("email", "user@example.com"), ("note", "paid")];
    let line = |redactor: &mut Redactor| {
        let mut line = String::new();
        for (key, value) in fields {
            let mut out = Vec::new();
            let class = redactor.rules().key(key.as_bytes(), None);
            let outcome = redactor.value(class, value.as_bytes(), false, &mut out);
            let out = String::from_utf8(out).expect("UTF-8");
            line +=
                &format!("{key}={} ", if outcome == RedactOutcome::Clean { value } else { &out });
        }
        let mut out = Vec::new();
        let amount = redactor.rules().key(b"amount", None);
        assert_eq!(redactor.number(amount, b"100", &mut out), RedactOutcome::Clean);
        line
    };
    let pii: Arc<dyn crate::Tokenize> = Arc::new(full("prod"));
    assert_eq!(
        line(&mut Redactor::new(Arc::clone(&rules)).with_tokenizer(pii)),
        "customer_name=ptok:v1:BGV24rJRL0fhbAIg6PY5loOej0L4ifYZDA2TzVO9kDI \
         email=ptok:v1:PzPQvZpJgsOFSU0Lstv4fx40dX7bFHfmYdh-fMNsTSY note=paid "
    );
    assert_eq!(
        line(&mut Redactor::new(rules)),
        "customer_name=[PII_REDACTED] email=[PII_REDACTED] note=paid "
    );
}

#[test]
fn equal_values_have_equal_tokens() {
    let set = RuleSet { profile: Profile::Ecs, ..RuleSet::default() };
    let pii = Arc::new(full("prod"));
    let token = pii.tokenize("user@example.com", FieldType::Email);
    let rules = Arc::new(Rules::compile(&set).expect("good rules"));
    let mut redactor = Redactor::new(rules).with_tokenizer(pii);
    for class in [KeyClass::Email, KeyClass::Name, KeyClass::Plain] {
        let mut out = Vec::new();
        assert_eq!(
            redactor.value(class, b"user@example.com", false, &mut out),
            RedactOutcome::Replaced
        );
        assert_eq!(String::from_utf8_lossy(&out), token, "{class:?}");
    }
}

#[test]
fn nothing_shows_a_key_or_a_revealed_value() {
    let pii = full("prod");
    let revealed = pii.reveal(PENC, FieldType::Email).expect("a vector");
    let text = keyset_text(KeysetKind::Token, &[("tk1", 0)]);
    let keyset = Keyset::parse(text.as_bytes(), "x").expect("good");
    let shown = format!("{pii:?} {revealed:?} {keyset:?} {:?}", HmacTokenizer::new(&[7; 32], "e"));
    assert!(!shown.contains("user") && !shown.contains("AAEC") && !shown.contains("[0"), "{shown}");
    assert!(shown.contains("16 bytes") && shown.contains("tk1"), "{shown}");
}

proptest! {
    #[test]
    fn protected_values_can_be_revealed(
        value in prop::collection::vec(any::<u8>(), 0..200),
        field in "[a-z_|]{0,12}",
    ) {
        let pii = full("prod");
        let field = FieldType::new(&field);
        let token = pii.protect(&value, field).expect("full access");
        prop_assert_eq!(&*pii.reveal(&token, field).expect("ours"), &*value);
        prop_assert!(crate::is_mask(token.as_bytes()));
        prop_assert_eq!(pii.protect(token.as_bytes(), field).expect("left alone"), token);
    }

    #[test]
    fn reveal_takes_any_text(token in any::<String>(), tail in "[A-Za-z0-9_-]{0,80}") {
        let pii = full("prod");
        for token in [format!("penc:v1:{token}"), format!("penc:v1:rk1:{tail}"), token] {
            prop_assert!(pii.reveal(&token, FieldType::Email).is_err());
        }
    }
}
