//! Compares the filter with the redactor, and checks its promises about bytes, lines and JSON.
use std::sync::Arc;

use proptest::prelude::*;
use ringseal_redact::{KeyClass, RedactOutcome, Redactor, Rules};
use serde_json::Value;

use super::filter::{Changed, Filter};
use super::line_reader::LineReader;
use super::*;

fn filter() -> Filter {
    Filter::new(Arc::new(Rules::standard()))
}

fn filtered(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match filter().lines(text, &mut out, &mut |_, _| {}) {
        Changed::Yes => out,
        Changed::No => text.to_vec(),
    }
}

fn text_of(text: &str) -> String {
    String::from_utf8(filtered(text.as_bytes())).expect("UTF-8 stays UTF-8")
}

/// The slow reference: each line is redacted as a separate value.
fn one_by_one(text: &[u8]) -> Vec<u8> {
    let mut redactor = Redactor::new(Arc::new(Rules::standard()));
    let mut out = Vec::new();
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let end = line.strip_suffix(b"\n").unwrap_or(line);
        let end = end.strip_suffix(b"\r").unwrap_or(end);
        if redactor.value(KeyClass::Plain, end, false, &mut out) == RedactOutcome::Clean {
            out.extend_from_slice(end);
        }
        out.extend_from_slice(&line[end.len()..]);
    }
    out
}

const KEYS: &[&str] = &[
    "email",
    "name",
    "service",
    "token",
    "password",
    "max_tokens",
    "ssn",
    "msg",
    "pin",
    "customer_name",
    "items",
    "a",
    "p\\u0061ssword",
    "Authorization",
    "card_number",
    "phone",
    "",
    "x\\\"y",
];
const TEXTS: &[&str] = &[
    "ann@example.com",
    "to ann@example.com now",
    "hunter2",
    "",
    "x",
    "call (402) 555-1212",
    "4111 1111 1111 1111",
    "password=hunter2 ok",
    "a\\nb",
    "ann\\u0040example.com",
    "é\\ud83d\\ude00",
    "{\\\"email\\\":\\\"bob@example.com\\\"}",
    "Bearer abcdef0123456789wxyz",
    "<email>",
    "\\\\",
    "0123456789abcdef0123456789abcdef",
    "\\\"token\\\": \\\"abcdefgh12345678\\\"",
    "clean",
];
const BARES: &[&str] = &[
    "0",
    "-1.5e3",
    "4111111111111111",
    "123456789",
    "1234",
    "true",
    "false",
    "null",
    "17188578001234",
];

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        3 => proptest::sample::select(TEXTS).prop_map(|text| format!("\"{text}\"")),
        1 => proptest::sample::select(BARES).prop_map(str::to_owned),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let entry = (proptest::sample::select(KEYS), inner.clone());
        prop_oneof![
            2 => proptest::collection::vec(entry, 0..4).prop_map(|entries| {
                let entries: Vec<_> = entries.iter().map(|(k, v)| format!("\"{k}\" :{v}")).collect();
                format!("{{{}}}", entries.join(", "))
            }),
            1 => proptest::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(","))),
        ]
    })
}

fn container() -> impl Strategy<Value = String> {
    json().prop_map(|json| match json.starts_with(['{', '[']) {
        true => json,
        false => format!("{{\"msg\":{json}}}"),
    })
}

fn prose() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        4 => proptest::sample::select(TEXTS).prop_map(|text| text.as_bytes().to_vec()),
        2 => proptest::sample::select(KEYS).prop_map(|text| text.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..6),
        2 => proptest::sample::select(&[" ", "=", ": ", "{", "\"", "\0", "\r"][..])
            .prop_map(|text| text.as_bytes().to_vec()),
    ];
    proptest::collection::vec(part, 0..8).prop_map(|parts| {
        let mut line = parts.concat();
        line.retain(|byte| *byte != b'\n');
        // The filter treats a quoted line as JSON, the redactor as prose.
        let is_quoted = line.trim_ascii_start().starts_with(b"\"");
        if is_quoted { [b"-", &line[..]].concat() } else { line }
    })
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![container().prop_map(String::into_bytes), prose()];
    let ending = proptest::sample::select(&["\n", "\n", "\n", "\r\n"][..]);
    (proptest::collection::vec((line, ending), 0..6), any::<bool>()).prop_map(
        |(lines, is_whole)| {
            let mut text = Vec::new();
            for (line, ending) in lines {
                text.extend_from_slice(&line);
                text.extend_from_slice(ending.as_bytes());
            }
            if !is_whole {
                text.pop();
            }
            text
        },
    )
}

/// The shape of a value: its keys and kinds; strings and numbers are one kind.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), shape(value))).collect(),
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::String(_) | Value::Number(_) => "leaf".into(),
        other => other.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn lines_are_redacted_together_as_one_by_one(text in text()) {
        let (got, want) = (filtered(&text), one_by_one(&text));
        prop_assert_eq!(String::from_utf8_lossy(&got), String::from_utf8_lossy(&want));
        prop_assert_eq!(got, want);
    }

    #[test]
    fn json_keeps_its_keys_and_types(json in container()) {
        let before: Value = serde_json::from_str(&json).expect("JSON");
        let after = text_of(&json);
        let after: Value = serde_json::from_str(&after).expect("still JSON");
        prop_assert_eq!(shape(&after), shape(&before), "{}", json);
    }

    #[test]
    fn redacting_again_changes_nothing(text in text()) {
        let once = filtered(&text);
        let twice = filtered(&once);
        prop_assert_eq!(String::from_utf8_lossy(&twice), String::from_utf8_lossy(&once));
    }

    #[test]
    fn lines_are_kept_and_counted(text in text()) {
        let mut filter = filter();
        let mut out = Vec::new();
        let _ = filter.lines(&text, &mut out, &mut |_, _| {});
        let count = |text: &[u8]| text.iter().filter(|byte| **byte == b'\n').count();
        prop_assert_eq!(count(&filtered(&text)), count(&text));
        let lines = text.split_inclusive(|byte| *byte == b'\n').count() as u64;
        prop_assert_eq!(filter.lines, lines);
    }
}

#[test]
fn a_typical_json_line_is_redacted() {
    let line = r#"{"event":"x","email":"john@doe.com","note":"card 4111 1111 1111 1111, call (402) 555-1212","token":"ABCDEF1234567890ABCDEF"}"#;
    let want = r#"{"event":"x","email":"<email>","note":"card <card>, call <phone>","token":"***REDACTED***"}"#;
    assert_eq!(text_of(line), want);
}

#[test]
fn an_entry_without_leaves_keeps_its_class() {
    let line = r#"{"name":true,"service":"ann@example.com","ssn":"219-09-9999"}"#;
    let want = r#"{"name":true,"service":"<email>","ssn":"<ssn>"}"#;
    assert_eq!(text_of(line), want);
}

#[test]
fn a_key_with_an_address_is_masked() {
    let line = r#"{"ann@example.com":1,"a":{"b\u0040example.com":[2,"bob@example.com"]}}"#;
    let want = r#"{"<email>":1,"a":{"<email>":[2,"<email>"]}}"#;
    assert_eq!(text_of(line), want);
}

#[test]
fn clean_text_is_unchanged_byte_for_byte() {
    let texts: [&[u8]; 8] = [
        b"",
        b"\n\n",
        b"no newline at the end",
        b"\xff\xfe not UTF-8 \x00\x00\n",
        b"{\"a\":\"\xff\x00\x01\"}\r\n",
        b"{\"a\" : 1.0e+5 , \"b\":[ ] }  \n[{}]\n\"x\"\n12\n",
        b"{\"broken\": \n{\"a\":1} trailing\n{\"a\":01}\n",
        b"\r\n \r\n\t{\"k\":\"\\u00e9\\/\"}\n",
    ];
    for text in texts {
        assert_eq!(filtered(text), text, "{:?}", String::from_utf8_lossy(text));
    }
}

#[test]
fn secrets_after_invalid_utf8_are_found() {
    assert_eq!(filtered(b"\xff\x00 password=hunter2\r\n"), b"\xff\x00 password=***REDACTED***\r\n");
    assert_eq!(filtered(b"{\"password\":\"\xff\"}\n"), b"{\"password\":\"***REDACTED***\"}\n");
}

#[test]
fn too_deep_containers_become_strings() {
    let nested = |levels: usize, inside: &str| {
        format!("{}{inside}{}\n", "[".repeat(levels), "]".repeat(levels))
    };
    let secret = r#"{"password":"hunter2"}"#;
    for (levels, want) in [(127, r#"{"password":"***REDACTED***"}"#), (128, r#""***REDACTED***""#)]
    {
        assert_eq!(text_of(&nested(levels, secret)), nested(levels, want));
    }
    let deep = nested(100_000, r#"{"a":[1,{}],"b":"x"}"#);
    assert_eq!(text_of(&deep), nested(128, r#""***REDACTED***""#));
    // Deep, but not valid JSON.
    let broken = format!("{}{{\"a\" 1}}{}", "[".repeat(200), "]".repeat(200));
    assert!(!text_of(&broken).contains("\"a\" 1") || text_of(&broken) == broken);
}

#[test]
fn a_private_key_is_found_across_buffers() {
    let mut text = String::from("before\n-----BEGIN PRIVATE KEY-----\n");
    let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n";
    text.push_str(&line.repeat(28));
    text.push_str("-----END PRIVATE KEY-----\nafter\n");
    let mut filter = filter();
    let mut out = Vec::new();
    // Each line arrives separately, as from a slow pipe.
    for line in text.split_inclusive('\n') {
        if filter.lines(line.as_bytes(), &mut out, &mut |_, _| {}) == Changed::No {
            out.extend_from_slice(line.as_bytes());
        }
    }
    let out = String::from_utf8(out).expect("UTF-8");
    assert_eq!(out, text.replace(line, "<private_key>\n"));
    assert_eq!(out, text_of(&text), "at once");
    assert_eq!(text_of(&out), out, "again");
}

#[test]
fn hits_are_reported_with_their_lines() {
    let mut lines = Vec::new();
    let text = b"ok\n{\"email\":\"ann@example.com\",\"b\":\"bob@example.com\"}\n\npwd=hunter2";
    let mut filter = filter();
    for _ in 0..2 {
        let _ = filter.lines(text, &mut Vec::new(), &mut |line, _| lines.push(line));
    }
    assert_eq!(lines, [2, 2, 4, 6, 6, 8]);
    assert_eq!((filter.lines, filter.changed_lines), (8, 4));
}

#[test]
fn too_long_lines_are_masked_whole() {
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(3 << 20));
    let text = format!("a\n{long}\nb\n{long}");
    let (mut room, mut found) = (Vec::new(), Vec::new());
    {
        let feed = LineReader::new(text.as_bytes(), 1 << 20);
        let to = Output { to: &mut room, is_silent: false, encoding: None, encoded: Vec::new() };
        let (findings, progress) = (Findings::new(0), Progress::hidden());
        let mut run = Run {
            filter: filter(),
            to,
            findings,
            progress,
            changed: Vec::new(),
            bytes: 0,
            failed: false,
        };
        run.stream(feed, "text").expect("room");
        found.push((run.bytes, run.filter.lines, run.filter.long_lines));
    }
    assert_eq!(String::from_utf8_lossy(&room), "a\n\"***REDACTED***\"\nb\n\"***REDACTED***\"");
    assert_eq!(found, [(text.len() as u64, 4, 2)]);
}

#[test]
fn copies_in_a_json_line_are_masked() {
    let mask = "***REDACTED***";
    for line in [
        r#"{"msg":"login S failed","password":"S"}"#,
        r#"{"password":"S","a":{"b":["S","x S"]},"n":7}"#,
        "2024-01-01T00:00:00Z stdout F {\"m\":\"was \\\"S\\\"\",\"token\":\"S\"}\r",
        "\u{FEFF}{\"m\":\"S\",\"token\":\"S\"}",
        r#"  {"q":"?token=S&x=1","m":"S"}  "#,
    ] {
        let other = r#"{"m":"Hx92kd81LmN4"}"#;
        let text = format!("{other}\n{line}\n{other}\n{line}");
        let want = text.replace('S', mask);
        assert_eq!(text_of(&text.replace('S', "Hx92kd81LmN4")), want);
        assert_eq!(text_of(&want), want, "twice changes nothing");
    }
}

#[test]
fn values_over_several_lines_are_masked() {
    let (first, next) = (
        "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj",
        "q8ZkLmNpQrT5vY8x2KdW9sq8ZkLmNpQrT5vY8x2KdW9sq8ZkLmNpQrT5vY8x2Kd9",
    );
    let (mask, key) = ("***REDACTED***", "<private_key>");
    for (text, want) in [
        (
            "User {\n    token: Some(\n        \"k9Qz\",\n    ),\n    n: 3,\n}\n".to_owned(),
            format!("User {{\n    token: Some(\n        \"{mask}\",\n    ),\n    n: 3,\n}}\n"),
        ),
        (
            "{\n  \"api_keys\": [\n    \"k9Qz\"\n  ],\n  \"n\": 1\n}\n".to_owned(),
            format!("{{\n  \"api_keys\": [\n    \"{mask}\"\n  ],\n  \"n\": 1\n}}\n"),
        ),
        (
            format!("key:\n{first}\n{next}\nab==\ndone\n{next}\n"),
            format!("key:\n{key}\n{key}\n{key}\ndone\n{next}\n"),
        ),
        (
            format!("Private-Lines: 2\n{next}\nab==\nPrivate-MAC: 8c69\n{next}\n"),
            format!("Private-Lines: 2\n{key}\n{key}\nPrivate-MAC: 8c69\n{next}\n"),
        ),
    ] {
        assert_eq!(text_of(&text), want);
        assert_eq!(text_of(&want), want, "twice changes nothing");
    }
}
