//! The promises of the source documents, each as one input line and one output line.

use std::sync::Arc;

use super::*;

fn line(set: &RuleSet, json: &str) -> String {
    plain(&mut with(set), json)
}

fn profile(profile: Profile) -> RuleSet {
    RuleSet { profile, ..RuleSet::default() }
}

fn presets(presets: &[Preset]) -> RuleSet {
    RuleSet { presets: presets.to_vec(), ..RuleSet::default() }
}

/// The mask of a key hit names its kind: e-mail, telephone, token; else `<redacted>`.
#[test]
fn email_phone_and_token_keys_have_specific_masks() {
    let json = r#"{"email":"a@b.co","phone":"5551212","token":"ABCDEF","password":"x","author":"Ann","service_name":"api"}"#;
    let want = r#"{"email":"<email>","phone":"<phone>","token":"<token>","password":"<redacted>","author":"Ann","service_name":"api"}"#;
    assert_eq!(line(&profile(Profile::Structlog), json), want);
}

#[test]
fn personal_data_becomes_tokens_only_with_a_key() {
    let json = r#"{"event":"test_pii","customer_name":"John Doe","email":"user@example.com","amount":100}"#;
    let want = r#"{"event":"test_pii","customer_name":"[PII_REDACTED]","email":"[PII_REDACTED]","amount":100}"#;
    assert_eq!(line(&profile(Profile::Ecs), json), want);
    let key: Vec<u8> = (0..32).collect();
    let rules = Arc::new(Rules::compile(&profile(Profile::Ecs)).unwrap());
    let tokenizer = Arc::new(HmacTokenizer::new(&key, "prod"));
    let mut redactor = Redactor::new(rules).with_tokenizer(tokenizer);
    let want = r#"{"event":"test_pii","customer_name":"ptok:v1:BGV24rJRL0fhbAIg6PY5loOej0L4ifYZDA2TzVO9kDI","email":"ptok:v1:PzPQvZpJgsOFSU0Lstv4fx40dX7bFHfmYdh-fMNsTSY","amount":100}"#;
    let once = plain(&mut redactor, json);
    assert_eq!(once, want);
    assert_eq!(plain(&mut redactor, &once), want, "a token is unchanged");
}

/// Keys are compared by words, or by substrings on request, as in older loggers.
#[test]
fn secret_words_match_substrings_only_on_request() {
    let json = r#"{"secret":"a1","db_password":"b2","api_key":"c3","token":"d4","credential":"e5","monkey":"f6","author":"g7","deep":[{"note":"password=h8 x"}]}"#;
    let want = r#"{"secret":"***REDACTED***","db_password":"***REDACTED***","api_key":"***REDACTED***","token":"***REDACTED***","credential":"***REDACTED***","monkey":"f6","author":"g7","deep":[{"note":"password=***REDACTED*** x"}]}"#;
    assert_eq!(line(&profile(Profile::Audit), json), want);
    let set = RuleSet { key_match: KeyMatch::Substring, ..profile(Profile::Audit) };
    assert!(line(&set, json).contains(r#""monkey":"***REDACTED***""#));
    // The whitelist wins in both modes.
    let safe = r#"{"gateway_name":"stripe","username":"ann","id":"7","pk":"8","customer_id":"9"}"#;
    assert_eq!(line(&set, safe), safe);
}

#[test]
fn presets_add_up_and_unknown_names_fail() {
    let json = r#"{"token":"a1","authorization":"Bearer abcdef0123456789wxyz","mail":"to ann@example.com","udf1":"x"}"#;
    let tools = r#"{"token":"***REDACTED***","authorization":"Bearer ****wxyz","mail":"to ann@example.com","udf1":"x"}"#;
    let both = r#"{"token":"***REDACTED***","authorization":"Bearer ****wxyz","mail":"to <email>","udf1":"[PII_REDACTED]"}"#;
    assert_eq!(line(&presets(&[Preset::FileTools]), json), tools);
    assert_eq!(line(&presets(&[Preset::FileTools, Preset::Payments]), json), both);
    assert_eq!(Preset::from_name("file-tools"), None);
    #[cfg(feature = "rules-toml")]
    assert!(RuleSet::from_toml("presets = [\"file-tools\"]").is_err());
}

/// User ids, paths, codes and figures are safe; a policy decides about e-mail addresses.
#[test]
fn kept_addresses_are_not_masked_but_secrets_are() {
    let set = RuleSet { keep: vec![HitKind::Email], ..RuleSet::default() };
    let json = r#"{"user_id":42,"email":"ann@example.com","path":"/var/log/app","code":"E1001","duration_ms":12.5,"resource_id":"r-7","csrf_token":"a1","card":"4111 1111 1111 1111"}"#;
    let want = r#"{"user_id":42,"email":"ann@example.com","path":"/var/log/app","code":"E1001","duration_ms":12.5,"resource_id":"r-7","csrf_token":"***REDACTED***","card":"<card>"}"#;
    assert_eq!(line(&set, json), want);
    assert!(line(&RuleSet::default(), json).contains(r#""email":"<email>""#));
}
