//! A table of key decisions, and a check that the prefilter for `key=value` has every sensitive ending.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

fn class(key: &str) -> KeyClass {
    classify_key(key.as_bytes(), None, KeyMatch::Tokens, false)
}

#[test]
fn sensitive_keys_are_recognised_in_every_spelling() {
    let table: &[(KeyClass, &[&str])] = &[
        (
            KeyClass::Password,
            &[
                "password",
                "userPassword",
                "DB_PASSWORD",
                "new.passwords",
                "pwd",
                "passwd",
                "passphrase",
                "pin",
                "pass",
                "otp",
                "cvv",
                "cvv2",
                "card-cvc",
                "pin_code",
                "securityCode",
            ],
        ),
        (
            KeyClass::Secret,
            &[
                "secret",
                "auth",
                "client_secret",
                "clientSecrets",
                "credentials",
                "private_key",
                "PrivateKey",
                "secret-keys",
                "signing_key",
                "encryptionKey",
                "connection_string",
                "password_hash",
            ],
        ),
        (
            KeyClass::Token,
            &[
                "token",
                "access_token",
                "accessToken",
                "auth.tokens",
                "api_key",
                "X_API_KEY",
                "APIKey",
                "apikey",
                "x-api-key",
                "jwt",
                "refresh-token",
                "csrf_token",
            ],
        ),
        (KeyClass::Cookie, &["cookie", "Set-Cookie", "cookies"]),
        (KeyClass::Auth, &["authorization", "Proxy-Authorization", "HTTP_AUTHORIZATION"]),
        (
            KeyClass::Name,
            &[
                "customer_name",
                "firstName",
                "LAST-NAME",
                "cardholder_names",
                "beneficiary",
                "recipient",
                "payer",
                "surname",
                "patientName",
                "contact.name",
            ],
        ),
        (
            KeyClass::Email,
            &["email", "e-mail", "userEmail", "email_address", "contact_emails", "e_mails"],
        ),
        (
            KeyClass::Phone,
            &[
                "phone",
                "HOME_PHONE",
                "phoneNumber",
                "mobile",
                "mobile_numbers",
                "tel",
                "delivery_tel",
                "fax",
                "contact_number",
                "msisdn",
                "telephones",
            ],
        ),
        (
            KeyClass::Address,
            &[
                "address",
                "billing_address",
                "shippingAddresses",
                "addr",
                "street",
                "zip_code",
                "postcode",
                "address_line_2",
                "home_address2",
            ],
        ),
        (
            KeyClass::Ssn,
            &[
                "ssn",
                "tax-ssn",
                "social_security",
                "socialSecurityNumber",
                "passport_number",
                "passport",
                "tax_id",
                "national_id",
                "national_insurance",
                "nino",
            ],
        ),
        (
            KeyClass::Card,
            &["card_number", "cardNo", "cc_number", "credit_card", "pan", "debitCards"],
        ),
        (KeyClass::Bank, &["iban", "bank_account", "account_number", "sort_code", "routingNumber"]),
        (KeyClass::Dob, &["dob", "date_of_birth", "birthDate", "birthday"]),
    ];
    for (want, keys) in table {
        for key in *keys {
            assert_eq!(class(key), *want, "{key}");
        }
    }
}

#[test]
fn keys_that_only_look_sensitive_are_plain() {
    for key in [
        "monkey",
        "author",
        "hostname",
        "max_tokens",
        "email_verified",
        "func_name",
        "tokenType",
        "password_policy",
        "secret_version",
        "prompt_tokens",
        "next_token",
        "page_token",
        "key",
        "keys",
        "has_password",
        "isSecret",
        "token_count",
        "api_key_id",
        "cache_key",
        "primary_key",
        "username",
        "service_name",
        "filename",
        "ip_address",
        "remoteAddr",
        "mac-address",
        "memory_address",
        "email_template",
        "phone_type",
        "isMobile",
        "mobileOs",
        "card_type",
        "cardBrand",
        "passenger",
        "compass",
        "passed",
        "authenticated",
        "authority",
        "tokenizer",
        "secretary",
        "telemetry",
        "addressable",
        "named",
        "rename",
        "id",
        "pk",
        "customer_id",
        "order_id",
        "account",
        "bank_name",
        "span_kind",
        "event_name",
        "thread_name",
        "cluster_name",
        "metric_name",
        "",
        "_",
        "123",
        "cookie_count",
        "password_expires_at",
        "secrets_loaded",
        "otp_length",
        "jwt_alg",
        "pin1",
        "amount",
    ] {
        assert_eq!(class(key), KeyClass::Plain, "{key}");
    }
}

#[test]
fn a_bare_name_is_personal_below_persons() {
    for (parent, want) in [
        (None, KeyClass::Plain),
        (Some("customer"), KeyClass::Name),
        (Some("user"), KeyClass::Name),
        (Some("commit.author"), KeyClass::Name),
        (Some("order"), KeyClass::Plain),
        (Some("card"), KeyClass::Name),
        (Some("service"), KeyClass::Plain),
        (Some("kubernetes.pod"), KeyClass::Plain),
        (Some("eventHost"), KeyClass::Plain),
    ] {
        let parent = parent.map(str::as_bytes);
        assert_eq!(classify_key(b"name", parent, KeyMatch::Tokens, false), want, "{parent:?}");
    }
}

#[test]
fn a_signature_below_an_alert_names_an_attack() {
    for (key, parent, want) in [
        ("signature", "alert", KeyClass::Plain),
        ("signature", "threat", KeyClass::Plain),
        ("signatures", "yara", KeyClass::Plain),
        ("signature_severity", "metadata", KeyClass::Plain),
        ("signature", "request", KeyClass::Token),
        ("signature", "webhook", KeyClass::Token),
        ("password", "alert", KeyClass::Password),
    ] {
        let found = classify_key(key.as_bytes(), Some(parent.as_bytes()), KeyMatch::Tokens, false);
        assert_eq!(found, want, "{parent}.{key}");
    }
}

#[test]
fn the_whitelist_wins_even_over_substrings() {
    assert_eq!(classify_key(b"monkey", None, KeyMatch::Substring, false), KeyClass::Secret);
    assert_eq!(classify_key(b"Func_Name", None, KeyMatch::Substring, false), KeyClass::Plain);
    assert_eq!(classify_key(b"username", None, KeyMatch::Substring, false), KeyClass::Plain);
}

#[test]
fn long_keys_are_decided_by_their_end() {
    let long = format!("{}_password", "x_".repeat(500));
    assert_eq!(class(&long), KeyClass::Password);
    assert_eq!(class(&"a".repeat(10_000)), KeyClass::Plain);
}

#[test]
fn gateway_fields_are_personal_only_for_payments() {
    let set = RuleSet { presets: vec![Preset::Payments], ..RuleSet::default() };
    let rules = Rules::compile(&set).unwrap();
    assert_eq!(rules.key(b"udf1", None), KeyClass::Udf);
    assert_eq!(rules.key(b"udf", None), KeyClass::Udf);
    assert_eq!(Rules::standard().key(b"udf1", None), KeyClass::Plain);
}

#[test]
fn user_keys_win_and_kept_kinds_are_plain() {
    let key = |key: &str, class| KeyRule { key: key.into(), class };
    let set = RuleSet {
        keep: vec![HitKind::Email],
        keys: vec![
            key("Internal.Ref", KeyClass::Custom),
            key("password_hint", KeyClass::Secret),
            key("api_key", KeyClass::Plain),
        ],
        ..RuleSet::default()
    };
    let rules = Rules::compile(&set).unwrap();
    assert_eq!(rules.key(b"internal.ref", None), KeyClass::Custom);
    assert_eq!(rules.key(b"password_hint", None), KeyClass::Secret);
    assert_eq!(rules.key(b"api_key", None), KeyClass::Plain);
    assert_eq!(rules.key(b"email", None), KeyClass::Plain);
    assert_eq!(plain(&mut with(&set), "to ann@example.com"), "to ann@example.com");
    assert_eq!(plain(&mut with(&set), "internal.ref=abc"), "internal.ref=***REDACTED***");
}

/// Words that make a sensitive pair with one of [`LAST_WORDS`].
const FIRST_WORDS: &[&str] = &[
    "api",
    "access",
    "secret",
    "private",
    "signing",
    "encryption",
    "master",
    "ssh",
    "auth",
    "account",
    "shared",
    "session",
    "connection",
    "pin",
    "security",
    "password",
    "card",
    "cc",
    "credit",
    "debit",
    "social",
    "insurance",
    "passport",
    "national",
    "tax",
    "bank",
    "routing",
    "sort",
    "birth",
    "e",
    "email",
    "mail",
    "phone",
    "telephone",
    "tel",
    "mobile",
    "msisdn",
    "cellphone",
    "whatsapp",
    "fax",
    "contact",
    "cell",
    "address",
    "zip",
    "postal",
    "street",
    "line",
    "customer",
    "first",
    "user",
    "request",
];

const LAST_WORDS: &[&str] = &[
    "key",
    "string",
    "hash",
    "digest",
    "salt",
    "code",
    "block",
    "number",
    "no",
    "num",
    "card",
    "security",
    "id",
    "insurance",
    "account",
    "date",
    "mail",
    "address",
    "line",
    "name",
    "token",
];

static STANDARD: LazyLock<Rules> = LazyLock::new(Rules::standard);

/// All words that tell.
fn last_words() -> Vec<&'static str> {
    use super::super::key_words::{GROUPS, TELLS, TELLS_LAST};
    let telling = GROUPS.iter().filter(|group| group.is & (TELLS | TELLS_LAST) != 0);
    telling.flat_map(|group| group.words).copied().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn the_key_filter_accepts_every_sensitive_key(
        before in "([a-z]{0,6}[_.-]?)?",
        last in proptest::sample::select(last_words()),
        ending in "[a-z]{0,2}[_-]?[0-9]{0,2}",
        caps in 0usize..3,
    ) {
        let mut key = format!("{before}{last}{ending}");
        match caps {
            1 => key = key.to_ascii_uppercase(),
            2 => key = key.chars().enumerate()
                .map(|(i, c)| if i == before.len() { c.to_ascii_uppercase() } else { c }).collect(),
            _ => {}
        }
        let rules = &*STANDARD;
        if rules.key(key.as_bytes(), None) != KeyClass::Plain && key.len() >= 2 {
            let text = format!("{key}=");
            prop_assert!(super::super::detect::punct_may_be(rules, text.as_bytes(), key.len()), "{}", key);
        }
    }

    #[test]
    fn the_filter_has_every_pair_of_words(
        first in proptest::sample::select(FIRST_WORDS),
        last in proptest::sample::select(LAST_WORDS),
        sign in "[_.-]?",
        plural in "s?[0-9]?",
        caps: bool,
    ) {
        let last = if caps { last.to_ascii_uppercase() } else { last.to_owned() };
        let key = format!("{first}{sign}{last}{plural}");
        let rules = &*STANDARD;
        if rules.key(key.as_bytes(), None) != KeyClass::Plain {
            let text = format!("{key}=");
            prop_assert!(super::super::detect::punct_may_be(rules, text.as_bytes(), key.len()), "{}", key);
        }
    }

    #[test]
    fn the_filter_has_the_endings_of_any_key(key in "[A-Za-z]{3,7}([_A-Z][a-z]{2,7}){0,2}") {
        let rules = &*STANDARD;
        if rules.key(key.as_bytes(), None) != KeyClass::Plain {
            let text = format!("{key}:x");
            prop_assert!(super::super::detect::punct_may_be(rules, text.as_bytes(), key.len()), "{}", key);
        }
    }
}
