//! The preset `structlog_compat`: whatever the three patterns and the ten key hints of the source document change, it
//! changes; other presets do not.

use proptest::prelude::*;
use regex::Regex;

use super::*;

const HINTS: [&str; 10] = [
    "password", "token", "secret", "apikey", "api_key", "email", "phone", "ssn", "address", "name",
];

fn compat() -> Redactor {
    with(&RuleSet {
        presets: vec![Preset::StructlogCompat],
        profile: Profile::Structlog,
        ..RuleSet::default()
    })
}

/// Whether the document's patterns change the text. The crate has no look-around: a match then includes its neighbours,
/// which does not change whether there is one.
fn is_changed_by_patterns(text: &str) -> bool {
    use std::sync::LazyLock;
    static PATTERNS: LazyLock<[Regex; 3]> = LazyLock::new(|| {
        [
            r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}",
            r"(?:^|\D)(?:\+?1[-.\s]?)?(?:\(?\d{3}\)?[-.\s]?)\d{3}[-.\s]?\d{4}(?:\D|$)",
            r"(?i)(?:bearer\s+)?([A-F0-9]{20,})",
        ]
        .map(|pattern| Regex::new(pattern).expect("a pattern"))
    });
    PATTERNS.iter().any(|pattern| pattern.is_match(text))
}

fn changed(redactor: &mut Redactor, class: KeyClass, text: &str) -> Option<String> {
    let mut out = Vec::new();
    let outcome = redactor.value(class, text.as_bytes(), false, &mut out);
    (outcome == RedactOutcome::Replaced).then(|| String::from_utf8(out).expect("UTF-8"))
}

fn check(redactor: &mut Redactor, text: &str) {
    let after = changed(redactor, KeyClass::Plain, text);
    if is_changed_by_patterns(text) {
        let after = after.as_deref();
        assert!(after.is_some_and(|after| after != text), "{text:?} is unchanged");
    }
    let after = after.unwrap_or_else(|| text.to_owned());
    assert!(!is_changed_by_patterns(&after), "{text:?} became {after:?}");
    assert_eq!(changed(redactor, KeyClass::Plain, &after), None, "{text:?} twice");
    // A reader of many values sees the same.
    let len = u32::try_from(text.len()).expect("short");
    let whole = std::iter::once(0..len).collect::<Vec<_>>();
    let is_clean = redactor.is_clean(text.as_bytes(), &whole);
    assert!(!is_clean || after == text, "{text:?} would be passed");
}

const SAMPLES: &[&str] = &[
    "4fd2a0c1b9e8f7a6d5c4b3a2918070605f4e3d2c", // a commit
    "trace 4bf92f3577b34da6a3ce929d0e0e4736",
    "at 1761907200",
    "tel 2025551234, +1 (202) 555-1234 or 1-202-555-1234",
    "١٢٣٤٥٦٧٨٩٠",
    "Bearer 0123456789abcdef0123",
    "icon@2x.png and a@b.c.de",
    "550e8400-e29b-41d4-a716-446655440000",
    "202\u{a0}555\u{2003}1234",
    "123456789012345678901",
    "x@y",
    "(202)555-12345",
    "[2025551234, 7]",
    r#"{"at":-2025551234.5e3,"id":"0123456789abcdef0123"}"#,
];

#[test]
fn whatever_the_patterns_change_is_changed() {
    let mut redactor = compat();
    for text in SAMPLES {
        check(&mut redactor, text);
    }
    assert_eq!(
        changed(&mut redactor, KeyClass::Plain, SAMPLES[13]).as_deref(),
        Some(r#"{"at":"<phone>","id":"<token>"}"#)
    );
}

#[test]
fn other_presets_keep_digests_and_times() {
    let mut redactor = with(&RuleSet::default());
    for text in [SAMPLES[0], SAMPLES[1], SAMPLES[2], SAMPLES[7]] {
        assert_eq!(changed(&mut redactor, KeyClass::Plain, text), None, "{text}");
    }
}

#[test]
fn whatever_the_hints_cover_is_changed() {
    let mut redactor = compat();
    let keys = ["", "x", "my_", "Old", "host", "monkey"];
    for hint in HINTS {
        for (before, after) in keys.iter().flat_map(|a| keys.map(|b| (*a, b))) {
            let key = format!("{before}{hint}{after}");
            let class = redactor.rules().key(key.as_bytes(), None);
            for value in ["true", "none", "10.0.0.1", "/home/ann", "x", "Ann Lee", "17"] {
                assert!(changed(&mut redactor, class, value).is_some(), "{key}={value}");
            }
            let mut out = Vec::new();
            assert_eq!(redactor.number(class, b"7", &mut out), RedactOutcome::Replaced, "{key}");
        }
    }
    // The whitelist wins.
    for key in ["service_name", "username", "event_name"] {
        assert_eq!(redactor.rules().key(key.as_bytes(), None), KeyClass::Plain, "{key}");
    }
}

proptest! {
    #[test]
    fn patterns_and_preset_agree(text in "[0-9a-f٣ .()+@xBbearer\u{a0}\"{}\\[\\]:,-]{0,60}") {
        check(&mut compat(), &text);
    }
}

/// The keys that the source document of profile `ecs` lists, each by itself and inside a longer one.
#[test]
fn profile_ecs_covers_its_documents_keys() {
    let set = RuleSet { profile: Profile::Ecs, ..RuleSet::default() };
    let rules = with(&set).rules().clone();
    let class = |key: &str| rules.key(key.as_bytes(), None);
    let keys = [
        "customer_name",
        "payer_name",
        "billing_name",
        "shipping_name",
        "cardholder_name",
        "recipient_name",
        "beneficiary_name",
        "contact_name",
        "payer",
        "cardholder",
        "recipient",
        "beneficiary",
        "email",
        "customer_email",
        "phone",
        "billing_phone",
        "mobile",
        "tel",
        "contact_phone",
        "address",
        "shipping_address",
        "billing_address",
        "udf1",
        "udf5",
        "UDF_2",
    ];
    for key in keys {
        assert!(class(key) != KeyClass::Plain, "{key}");
    }
    for key in ["authorization", "api-key", "x-api-key", "X-Api-Key", "api_key", "apikey"] {
        assert_eq!(class(key), KeyClass::Auth, "{key}");
    }
    for key in ["gateway_name", "bank_name", "username", "customer_id", "id", "pk", "task_name"] {
        assert_eq!(class(key), KeyClass::Plain, "{key}");
    }
    assert_eq!(Rules::standard().key(b"udf1", None), KeyClass::Plain);
}

#[test]
fn api_keys_end_with_four_characters() {
    let mut redactor = with(&RuleSet { profile: Profile::Ecs, ..RuleSet::default() });
    let mut after = |json: &str| plain(&mut redactor, json);
    let long = "k7f3a9c2e5b8d1f4g6h9";
    assert_eq!(after(&format!(r#"{{"x-api-key":"{long}"}}"#)), r#"{"x-api-key":"****g6h9"}"#);
    assert_eq!(
        after(&format!(r#"{{"api_key":"Bearer {long}"}}"#)),
        r#"{"api_key":"Bearer ****g6h9"}"#
    );
    // Too short to show anything of it.
    let short = after(r#"{"x-api-key":"k7f3a9c2e5b8d1"}"#);
    assert!(!short.contains("b8d1"), "{short}");
    let text = after(&format!(r#"{{"note":"X-Api-Key: {long}"}}"#));
    assert!(!text.contains(&long[..12]), "{text}");
    assert_eq!(after(r#"{"x-api-key":"****g6h9"}"#), r#"{"x-api-key":"****g6h9"}"#);
}
