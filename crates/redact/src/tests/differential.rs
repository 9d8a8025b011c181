//! The prefilter finds every position: the fast scan and the slow reference agree on every input.

use std::sync::Arc;

use proptest::prelude::*;

use super::super::hits::{Finder, Hit, merge};
use super::super::key_memo::Memos;
use super::super::{oracle, scan_value};
use super::*;

mod keywords;
mod numbers;
mod offsets;
mod pairs;

/// Parts that detectors match, and parts that look similar.
const PARTS: &[&str] = &[
    "ann@example.com",
    "a.b+c@mail.example.co.uk",
    "x%40example.org",
    "icon@2x.png",
    "@",
    "%40",
    "git@github.com:",
    "+1 402-555-1212",
    "(402) 555-1212",
    "402.555.1212 x12",
    "+965 1234-5678",
    "0412 345 678",
    "tel ",
    "phone: ",
    "call me at ",
    "sms sent to ",
    "4111 1111 1111 1111",
    "4111111111111111",
    "378282246310005",
    "5555-5555-5555-4444",
    "card ",
    "123-45-6789",
    "123456789",
    "ssn ",
    "social security ",
    "GB29 NWBK 6016 1331 9268 19",
    "DE89370400440532013000",
    "GB29",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxIn0.c2ln",
    "eyJ",
    "Bearer ",
    "basic ",
    "token ",
    "abcdef0123456789abcdef",
    "dXNlcjpwYXNz",
    "https://user:pa55w0rd@host/x",
    "postgres://u:",
    "://",
    "@host",
    "password=",
    "password: ",
    "\"password\": \"",
    "api_key=",
    "db_password",
    "passWord ",
    "setPassword(\"",
    "(\"password\", \"",
    "('x-api-key', '",
    "\", \"",
    "', '",
    "<password>",
    "</password>",
    "<apiKey x='1'>",
    "<add key=\"Password\" value=\"",
    "<![CDATA[",
    "&lt;token&gt;",
    "&quot;",
    "IDENTIFIED BY '",
    "PASSWORD '",
    "(id, password) VALUES (1, '",
    "), (2, '",
    "--password ",
    " -p",
    "\"-p\"",
    "mysql -u root -p",
    "curl --user bob:",
    "redis-cli -a ",
    "sqlplus scott/",
    "net user bob hunter2x /add",
    "\u{1b}[32m",
    "\u{1b}[0m",
    "\\u001b[0m",
    "\u{200b}",
    "\u{a0}",
    "%3D",
    "%26",
    "%22",
    "\\n",
    "\\u0022",
    "＝",
    "->",
    " is: ",
    "| ",
    "password: |\n  ",
    "correct horse battery",
    "utPkkFxYBPVq",
    "k9QzL2mXq8Zr4TwY12",
    "db:5432:a:b:",
    "identified by ",
    "[FILTERED]",
    "customer_name=",
    "customer",
    "card",
    "._",
    "__",
    "name: ",
    "number=",
    "no=",
    "address: ",
    "name=",
    "first name: ",
    "token=",
    "secret:",
    "authorization: ",
    "cookie: a=b; sid=",
    "key=",
    "'",
    "\"",
    "\\\"",
    "=>",
    ":=",
    "::",
    "==",
    "hunter2",
    "s3cr3t!",
    "Some(\"",
    "Secret { value: \"",
    "SecretBox<str>([REDACTED])",
    "Cow::Borrowed(",
    "b\"",
    "b'",
    "r#\"",
    "\")",
    "\\\")",
    "\\\\",
    "[\"",
    "\"]",
    "[1, 2, 3, 4]",
    "None",
    "$VAR",
    "${x}",
    "<token>",
    "***REDACTED***",
    "****abcd",
    "****",
    "ptok:v1:PzPQvZpJgsOFSU0Lstv4fx40dX7bFHfmYdh-fMNsTSY",
    "AKIAABCDEFGHIJKLMNOP",
    "ghp_0123456789abcdefghijABCDEFGHIJ012345",
    "ghp_",
    "sk_live_",
    "xoxb-",
    "AC",
    "SK",
    "SG.",
    "0123456789abcdef0123456789abcdef",
    "-us12",
    ".atlasv1.",
    "abcdefghijklmn.atlasv1.",
    "8Q~",
    "abc8Q~",
    "123456789:A",
    "AccountKey=",
    "&sig=",
    "-----BEGIN RSA PRIVATE KEY-----",
    "-----END RSA PRIVATE KEY-----",
    "-----BEGIN ",
    "$2b$12$",
    "$6$salt$",
    "$argon2id$v=19$",
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01",
    "access_token$production$",
    "0123456789abcdef$0123456789abcdef0123456789abcdef",
    " ",
    "  ",
    "\n",
    ", ",
    ";",
    "&",
    "?",
    "/",
    ".",
    "-",
    "_",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "0",
    "1",
    "7",
    "12",
    "2024-07-12",
    "1984-03-12",
    "3/12/1984",
    "10.0.0.1",
    "x",
    "a1",
    "Z",
    "é",
    "密码",
    "\u{0}",
    " is ",
    " was ",
    "number ",
    "discord.com/api/webhooks/",
    "acme_key=",
    "key: '",
    "token - '",
    "SECRET KEY ",
    "secret in use: ",
    "28ksnqsrn7q12wp11onrmr4bh1dvi7ut",
    "H8VuKAcg3pmwH3NbhOSDJSbVqCxslaOQ7lVq",
    "?code=",
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n",
    "q83bXy0Tn5vR2kLw8sPjZ1mQe6hGfD4aUoCiVxN7tYbKlMpOzRgSdWqEjHuFnIcA\n",
    "-----END PRIVATE KEY-----",
    "eyJ1c2VyIjoiam9lIiwicGFzc3dvcmQiOiJodW50ZXIyeCJ9",
    "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQpN",
    "L4rK1yDtCWekvXuE6oXD9jCYfFNV2cWRpVuPLBcCU2z8TrisoyY1",
    "@tcp(db:1)",
    "https://app:",
    "joe@example.com:hunter2x9",
    "00D5g000004Xy1Z!",
    "AQcAQH0dMHEXbVmpkb58urFRkgeBGsxL_QJWwYMfAbUeeG7c1E0SMO2DUkWe6H34r1",
    "pbkdf2_sha256$",
    "Digest response=\"",
    "sdk-",
    "550e8400-e29b-41d4-a716-446655440000",
    "123456789012345678/",
    "hooks.slack.com/services/",
    "JQQJ99",
    "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.",
];

fn part() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        12 => proptest::sample::select(PARTS).prop_map(|s| s.as_bytes().to_vec()),
        2 => "[0-9 .()+-]{1,24}".prop_map(String::into_bytes),
        2 => "[A-Za-z0-9_.+/=-]{1,70}".prop_map(String::into_bytes),
        1 => "[a-f0-9]{1,70}".prop_map(String::into_bytes),
        1 => "[a-z ]{1,20}|[A-Za-z+/.]{20,70}".prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 1..20),
    ]
}

/// Texts of up to a dozen parts, after a filler that moves them across block borders.
fn text() -> impl Strategy<Value = Vec<u8>> {
    (0usize..140, 0usize..4, proptest::collection::vec(part(), 0..12)).prop_map(|(n, f, parts)| {
        let filler = [b' ', b'x', b'.', b'7'][f];
        let mut v = vec![filler; n];
        parts.iter().for_each(|p| v.extend_from_slice(p));
        v
    })
}

fn fast(rules: &Rules, input: &[u8], cut: bool) -> Vec<Hit> {
    with_memory(rules, input, cut, &mut Memos::new())
}

/// The same with what is remembered of earlier texts.
fn with_memory(rules: &Rules, input: &[u8], cut: bool, memos: &mut Memos) -> Vec<Hit> {
    let mut hits = Vec::new();
    let mut finder = Finder::new(rules, input, cut, &mut hits).with_keys(memos.keys.lend());
    scan_value::scan_value(&mut finder, &mut memos.signs);
    rules.find_user_literals(&mut finder);
    merge(&mut hits);
    hits
}

fn user_rules() -> RuleSet {
    RuleSet {
        presets: vec![Preset::Strict, Preset::Payments],
        literals: vec![
            LiteralRule { name: "db".into(), text: b"hunter2".to_vec() },
            LiteralRule { name: "longer".into(), text: b"xhunter2x".to_vec() },
        ],
        ..RuleSet::default()
    }
}

/// Keys and kinds of values; strings and numbers are one kind.
fn shape(value: &serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), shape(value))).collect(),
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::String(_) | Value::Number(_) => "leaf".into(),
        other => other.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_scan_finds_what_the_oracle_finds(v in text(), cut: bool) {
        let rules = Rules::standard();
        let want = oracle::hits(&oracle::open(Rules::standard()), &v, cut);
        prop_assert_eq!(Some(fast(&rules, &v, cut)), want);
    }

    #[test]
    fn remembered_keys_change_nothing(texts in proptest::collection::vec(text(), 1..8), cut: bool) {
        let (rules, mut memos) = (Rules::standard(), Memos::new());
        for text in &texts {
            prop_assert_eq!(with_memory(&rules, text, cut, &mut memos), fast(&rules, text, cut));
        }
    }

    #[test]
    fn strict_rules_and_user_literals_agree_too(v in text(), cut: bool) {
        let rules = Rules::compile(&user_rules()).unwrap();
        let want = oracle::hits(&rules, &v, cut);
        prop_assert_eq!(Some(fast(&rules, &v, cut)), want);
    }

    #[test]
    fn the_redactor_writes_what_the_oracle_writes(v in text(), cut: bool) {
        let rules = Arc::new(Rules::standard());
        let container = v.trim_ascii_start().first().is_some_and(|b| matches!(b, b'{' | b'['));
        prop_assume!(!container && v.len() >= 4 && !is_mask(&v));
        let mut out = Vec::new();
        let outcome = Redactor::new(Arc::clone(&rules)).value(KeyClass::Plain, &v, cut, &mut out);
        let mut want = oracle::redacted(&rules, &v, cut).unwrap();
        while !super::super::scan_batch::is_container(&want) {
            let next = oracle::redacted(&rules, &want, false).unwrap();
            if next == want {
                break;
            }
            want = next;
        }
        let found = if outcome == RedactOutcome::Clean { &v } else { &out };
        prop_assert_eq!(found, &want);
    }

    #[test]
    fn redacting_twice_changes_nothing(v in text(), cut: bool, profile in 0usize..4) {
        let profiles = [Profile::Default, Profile::Structlog, Profile::Ecs, Profile::Audit];
        let set = RuleSet { profile: profiles[profile], ..RuleSet::default() };
        let mut redactor = with(&set);
        let mut once = Vec::new();
        if redactor.value(KeyClass::Plain, &v, cut, &mut once) == RedactOutcome::Replaced {
            let mut twice = Vec::new();
            let again = redactor.value(KeyClass::Plain, &once, false, &mut twice);
            prop_assert_eq!(
                again, RedactOutcome::Clean,
                "{:?} became {:?}", String::from_utf8_lossy(&once), String::from_utf8_lossy(&twice)
            );
        }
    }

    #[test]
    fn valid_utf8_stays_valid(
        v in proptest::collection::vec(prop_oneof![part(), Just("é密🦀\u{FFFD}".into())], 0..12),
        cut: bool,
    ) {
        let v = String::from_utf8_lossy(&v.concat()).into_owned();
        for set in [RuleSet::default(), user_rules()] {
            let mut out = Vec::new();
            if with(&set).value(KeyClass::Plain, v.as_bytes(), cut, &mut out) == RedactOutcome::Replaced {
                prop_assert!(str::from_utf8(&out).is_ok(), "{v:?} became {out:?}");
            }
        }
    }

    #[test]
    fn the_bulk_search_marks_every_value_that_changes(
        values in proptest::collection::vec(text(), 0..6),
        gaps in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..20), 7),
    ) {
        let mut stretch = gaps[6].clone();
        let mut ranges = Vec::new();
        for (value, gap) in values.iter().zip(&gaps) {
            let start = stretch.len() as u32;
            stretch.extend_from_slice(value);
            ranges.push(start..stretch.len() as u32);
            stretch.extend_from_slice(gap);
        }
        let mut redactor = standard();
        let mut dirty = Vec::new();
        redactor.mark_dirty(&stretch, &ranges, &mut dirty);
        prop_assert_eq!(redactor.is_clean(&stretch, &ranges), !dirty.contains(&true));
        for (value, dirty) in values.iter().zip(dirty) {
            let mut out = Vec::new();
            let outcome = redactor.value(KeyClass::Plain, value, false, &mut out);
            prop_assert!(dirty || outcome == RedactOutcome::Clean, "{:?}", String::from_utf8_lossy(value));
        }
    }

    #[test]
    fn json_keeps_its_keys_at_any_depth(
        texts in proptest::collection::vec((text(), 0usize..6, 0usize..4), 1..5),
    ) {
        let keys = ["msg", "password", "email", "customer_name", "count", "tokens"];
        let mut json = serde_json::json!({});
        for (text, key, wrap) in &texts {
            let text = String::from_utf8_lossy(text).into_owned();
            json[keys[*key]] = match wrap {
                0 => text.into(),
                1 => serde_json::json!([text, 7, null]),
                2 => serde_json::json!({ "name": text, "deep": { "token": [true, text] } }),
                _ => serde_json::json!({ "body": serde_json::json!({ "pin": 1234, "x": text }).to_string() }),
            };
        }
        let before = json.to_string();
        let after = plain(&mut standard(), &before);
        let parsed: serde_json::Value = serde_json::from_str(&after).expect("still JSON");
        prop_assert_eq!(shape(&parsed), shape(&json), "{}", before);
        prop_assert_eq!(plain(&mut standard(), &after), after);
    }

    #[test]
    fn json_leaves_are_redacted_like_single_values(
        texts in proptest::collection::vec((text(), 0usize..3), 0..6),
    ) {
        let mut redactor = standard();
        let mut json = serde_json::Map::new();
        for (i, (text, class)) in texts.iter().enumerate() {
            let key = format!("{}{i}", ["k", "name", "password"][*class]);
            json.insert(key, String::from_utf8_lossy(text).into());
        }
        let mut want = json.clone();
        redactor.start_event();
        // A value can be a copy of a later one.
        while {
            let before = want.clone();
            for (key, value) in &mut want {
                let class = redactor.rules().key(key.as_bytes(), None);
                *value = shown(&mut redactor, class, value.as_str().unwrap()).into();
            }
            want != before
        } {}
        redactor.end_event();
        let before = serde_json::Value::from(json).to_string();
        let after: serde_json::Value = serde_json::from_str(&plain(&mut redactor, &before)).unwrap();
        prop_assert_eq!(after, serde_json::Value::from(want));
    }

    #[test]
    fn a_value_grows_by_one_mask_per_hit(v in text(), cut: bool) {
        let mut out = Vec::new();
        let hits = fast(&Rules::standard(), &v, cut).len();
        if standard().value(KeyClass::Plain, &v, cut, &mut out) == RedactOutcome::Replaced {
            prop_assert!(out.len() <= v.len() + hits.max(v.len() / 2 + 1) * MASK_BYTES_MAX);
        }
    }
}

/// Texts that must be found at every offset, one for each kind of candidate.
const FOUND: &[&str] = &[
    "ann@example.com",
    "password=hunter2",
    "\"password\": \"hunter2\"",
    "123-45-6789",
    "402-555-1212",
    "(402) 555-1212",
    "1 402-555-1212",
    "+965 1234-5678",
    "call me at 5551234567",
    "4111 1111 1111 1111",
    "378282246310005",
    "GB29NWBK60161331926819",
    "AKIAABCDEFGHIJKLMNOP",
    "ghp_0123456789abcdefghijABCDEFGHIJ012345",
    "token 0123456789abcdef0123456789abcdef",
    "Bearer abcdef0123456789abcdef",
    "abc8Q~0123456789abcdefghijABCDEFGHIJ0123",
];
