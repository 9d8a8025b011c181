//! Compares the parser with the reference parser, and checks that malformed lines are rejected.
use proptest::prelude::*;

use super::*;

fn line(seq: u64, members: &str) -> String {
    let mut out = Vec::new();
    let first = Signature::first(Scheme::Mac);
    begin(&mut out, seq, 1_795_360_160_123_456_789, Body::trusted(members.as_bytes()), &first);
    finish(&mut out, &Signature { scheme: Scheme::Mac, hash: [0xA5; 32] });
    assert_eq!(out.pop(), Some(b'\n'));
    String::from_utf8(out).unwrap()
}

const LOGIN: &str = r#""event_type":"user.login","actor":{"id":"ann"},"outcome":"success""#;

#[test]
fn an_entry_matches_the_documented_format() {
    let want = concat!(
        r#"{"seq":42,"timestamp":"2026-11-22T15:09:20.123456789Z","event_type":"user.login","#,
        r#""actor":{"id":"ann"},"outcome":"success","#,
        r#""_prev_signature":"m1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","#,
        r#""_signature":"m1:paWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaU"}"#
    );
    let line = line(42, LOGIN);
    assert_eq!(line, want);
    let entry = Parser::new().entry(line.as_bytes()).unwrap();
    assert_eq!((entry.seq, entry.unix_nanos), (42, 1_795_360_160_123_456_789));
    assert_eq!((entry.event_type, entry.body), ("user.login", LOGIN));
    assert_eq!(entry.previous, Signature::first(Scheme::Mac));
    assert_eq!(entry.signature.hash, [0xA5; 32]);
    let signed = &want[..want.find(r#","_signature""#).unwrap()];
    assert_eq!(entry.signed, signed.as_bytes());
    assert!(!entry.is_control());
}

#[test]
fn every_frame_fits_its_reserved_bytes() {
    let members = r#""event_type":"x""#;
    let mut out = Vec::new();
    let first = Signature::first(Scheme::Hash);
    begin(&mut out, u64::MAX, i64::MAX, Body::trusted(members.as_bytes()), &first);
    finish(&mut out, &first);
    assert!(out.len() - members.len() <= FRAME_BYTES_MAX, "{}", out.len() - members.len());
}

/// Malformed members of an event, with the error and its offset.
fn bad_members() -> Vec<(String, ParseErrorKind, usize)> {
    use ParseErrorKind::*;
    let head = r#""event_type":"x""#;
    let at = head.len();
    let with = |tail: &str| format!("{head}{tail}");
    let deep = |levels: usize| format!("{head},\"a\":{}{}", "[".repeat(levels), "]".repeat(levels));
    vec![
        (String::new(), Expected("\"event_type\":\""), 0),
        (r#""action":"x""#.into(), Expected("\"event_type\":\""), 0),
        (r#""event_type":"""#.into(), EventType, 14),
        (r#""event_type":"a b""#.into(), EventType, 15),
        (format!(r#""event_type":"{}""#, "x".repeat(129)), EventType, 14),
        (r#""event_type":"é""#.into(), EventType, 14),
        (with(" "), Expected("a comma"), at),
        (with(","), Expected("a key in quotes"), at + 1),
        (with(r#","a""#), Expected("a colon"), at + 4),
        (with(r#","a":"#), Expected("a value"), at + 5),
        (with(r#","a": 1"#), Expected("a value"), at + 5),
        (with(r#", "a":1"#), Expected("a key in quotes"), at + 1),
        (with(r#","a":01"#), Expected("a comma"), at + 6),
        (with(r#","a":+1"#), Expected("a value"), at + 5),
        (with(r#","a":-"#), Number, at + 6),
        (with(r#","a":1."#), Number, at + 7),
        (with(r#","a":1e"#), Number, at + 7),
        (with(r#","a":.5"#), Expected("a value"), at + 5),
        (with(r#","a":NaN"#), Expected("a value"), at + 5),
        (with(r#","a":tru"#), Expected("a value"), at + 5),
        (with(r#","a":"\/""#), Escape, at + 6),
        (with(r#","a":"\u0041""#), Escape, at + 6),
        (with(r#","a":"\u000A""#), Escape, at + 6),
        (with(r#","a":"\u000a""#), Escape, at + 6),
        (with(r#","a":"\u001F""#), Escape, at + 6),
        (with(r#","a":"\u2028""#), Escape, at + 6),
        (with(r#","a":"\ud800""#), Escape, at + 6),
        (with(r#","a":"x"#), Expected("the end of a string"), at + 7),
        (with(",\"a\":\"\u{1}\""), ControlByte(1), at + 6),
        (with(",\"a\":1\n"), ControlByte(b'\n'), at + 6),
        (with(r#","a":1,"a":2"#), DuplicateKey, at + 8),
        (with(r#","a":{"b":1,"c":2,"b":3}"#), DuplicateKey, at + 19),
        (with(r#","a":[1,]"#), Expected("a value"), at + 8),
        (with(r#","a":[1"#), Expected("a comma or the end"), at + 7),
        (with(r#","a":{"b":1]"#), Expected("a comma or the end"), at + 11),
        (with(r#","a":[1}"#), Expected("a comma or the end"), at + 7),
        (with(r#","a":{,}"#), Expected("a key in quotes"), at + 6),
        (with(r#","seq":1"#), ReservedKey, at + 1),
        (with(r#","timestamp":1"#), ReservedKey, at + 1),
        (with(r#","event_type":"y""#), ReservedKey, at + 1),
        (with(r#","_prev_signature":"y""#), ReservedKey, at + 1),
        (with(r#","_signature":"y""#), ReservedKey, at + 1),
        (with(r#","a":1}"#), Expected("a comma"), at + 6),
        (deep(DEPTH_MAX), Depth, at + 5 + DEPTH_MAX - 1),
        (r#""event_type":"ringseal.start""#.into(), EventType, 14),
        (r#""event_type":"ringseal.whatever""#.into(), EventType, 14),
    ]
}

#[test]
fn malformed_bodies_are_rejected_with_their_position() {
    let mut parser = Parser::new();
    for (members, kind, at) in bad_members() {
        let found = Body::new(members.as_bytes(), &mut parser).map(|_| ());
        assert_eq!(found, Err(ParseError { at, kind }), "{members}");
    }
    let split = b"\"event_type\":\"x\",\"a\":\"\xC3\"";
    let found = Body::new(split, &mut parser).unwrap_err();
    assert_eq!(found, ParseError { at: 22, kind: ParseErrorKind::Utf8 });
}

#[test]
fn malformed_bodies_are_rejected_in_entries_too() {
    let mut parser = Parser::new();
    for (members, kind, _) in bad_members() {
        let line = line(1, &members);
        if members.contains("\"ringseal.") {
            continue;
        }
        assert!(parser.entry(line.as_bytes()).is_err(), "{kind:?}: {line}");
        assert_eq!(oracle::entry(line.as_bytes()), None, "{line}");
    }
}

#[test]
fn bodies_with_every_value_kind_are_accepted() {
    let deepest = DEPTH_MAX - 1;
    let deep = format!("{}{}", "[".repeat(deepest), "]".repeat(deepest));
    let many: Vec<String> = (0..100).map(|n| format!("\"k{n}\":{n}")).collect();
    let values = [
        "0",
        "-0",
        "1",
        "-1",
        "1.5",
        "1e9",
        "1E+9",
        "0.0e-7",
        "170141183460469231731687303715884105727",
        "true",
        "false",
        "null",
        "\"\"",
        "[]",
        "{}",
        "[[],{}]",
        "{\"a\":{\"a\":{\"a\":[]}}}",
        "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u001f\\u000b\"",
        "\"é \u{2028} 😀 \u{7f} /\"",
        &deep,
        &format!("{{{}}}", many.join(",")),
    ];
    let mut parser = Parser::new();
    for value in values {
        let members = format!("\"event_type\":\"x\",\"a\":{value},\"b\":{value}");
        let body = Body::new(members.as_bytes(), &mut parser)
            .unwrap_or_else(|error| panic!("{value}: {error}"));
        assert_eq!(body.as_bytes(), members.as_bytes());
        let line = line(7, &members);
        assert_eq!(parser.entry(line.as_bytes()).unwrap().body, members);
        assert_eq!(oracle::entry(line.as_bytes()), Some((7, "x".into())), "{value}");
    }
}

#[test]
fn a_duplicate_among_many_keys_is_located() {
    let mut members: Vec<String> = (0..1000).map(|n| format!("\"k{n:04}\":0")).collect();
    members.push("\"k0500\":0".into());
    let text = format!("\"event_type\":\"x\",\"o\":{{{}}}", members.join(","));
    let error = Body::new(text.as_bytes(), &mut Parser::new()).unwrap_err();
    assert_eq!(error.kind, ParseErrorKind::DuplicateKey);
    assert_eq!(error.at, text.rfind("k0500").unwrap());
}

/// Superlinear parsing would allow a single line to keep the parser busy.
#[test]
fn a_line_of_keys_parses_in_linear_time() {
    let members: Vec<String> = (0..150_000).map(|n| format!("\"{n:x}\":0")).collect();
    let text = format!("\"event_type\":\"x\",\"o\":{{{}}}", members.join(","));
    let mut parser = Parser::new();
    let error = Body::new(text.as_bytes(), &mut parser).map(|_| ());
    assert_eq!(error.map_err(|error| error.kind), Err(ParseErrorKind::TooLong));
    let half = format!("\"event_type\":\"x\",\"o\":{{{}}}", members[..80_000].join(","));
    assert!(Body::new(half.as_bytes(), &mut parser).is_ok());
}

#[test]
fn lines_over_the_length_limit_are_rejected() {
    let mut parser = Parser::new();
    let frame = line(0, r#""event_type":"x","a":"""#).len();
    let longest = LINE_BYTES_MAX - 1 - frame;
    let text = |len: usize| line(0, &format!(r#""event_type":"x","a":"{}""#, "x".repeat(len)));
    assert!(parser.entry(text(longest).as_bytes()).is_ok());
    let kind = parser.entry(text(longest + 1).as_bytes()).unwrap_err().kind;
    assert_eq!(kind, ParseErrorKind::TooLong);
}

#[test]
fn every_byte_change_alters_or_invalidates_the_entry() {
    let good = line(42, LOGIN).into_bytes();
    let mut parser = Parser::new();
    let whole = parser.entry(&good).unwrap();
    for at in 0..good.len() {
        for byte in 0..=255u8 {
            if byte == good[at] {
                continue;
            }
            let mut bad = good.clone();
            bad[at] = byte;
            let parsed = parser.entry(&bad);
            assert_eq!(parsed.is_ok(), oracle::entry(&bad).is_some(), "byte {at} to {byte:#x}");
            if let Ok(entry) = parsed {
                assert_ne!(entry, whole, "byte {at} to {byte:#x} is not detected");
            }
        }
    }
}

#[test]
fn truncated_or_extended_lines_are_rejected() {
    let good = line(42, LOGIN).into_bytes();
    let mut parser = Parser::new();
    for len in 0..good.len() {
        assert!(parser.entry(&good[..len]).is_err(), "{len} bytes");
    }
    for more in [&b" "[..], b"\n", b"}", b"{", b"\0", b"x"] {
        let line = [&good[..], more].concat();
        assert!(parser.entry(&line).is_err(), "with {more:?}");
        let line = [more, &good[..]].concat();
        assert!(parser.entry(&line).is_err(), "after {more:?}");
    }
}

/// A parser caches the last minute and signature; the cache must not change any result.
#[test]
fn the_parsers_cache_does_not_affect_results() {
    let good = line(42, LOGIN).into_bytes();
    let mut warm = Parser::new();
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut changed = good.clone();
            changed[at] ^= 1 << bit;
            assert_eq!(warm.entry(&changed), Parser::new().entry(&changed), "bit {bit} of {at}");
        }
        assert_eq!(warm.entry(&good), Parser::new().entry(&good));
    }
}

#[test]
fn duplicate_keys_of_any_length_are_found() {
    let mut parser = Parser::new();
    for len in 1..40 {
        // Keys that differ in one byte, in the middle of long ones.
        let keys: Vec<String> = (0..14)
            .map(|other| {
                let mut key = "k".repeat(len);
                key.replace_range(len / 2..len / 2 + 1, &char::from(b'a' + other).to_string());
                key
            })
            .collect();
        let members = |keys: &[String]| {
            let members: String = keys.iter().map(|key| format!(",\"{key}\":1")).collect();
            format!("\"event_type\":\"x\"{members}")
        };
        Body::new(members(&keys).as_bytes(), &mut parser).unwrap();
        for twice in 0..keys.len() {
            let more = [&keys[..], &keys[twice..=twice]].concat();
            let error = Body::new(members(&more).as_bytes(), &mut parser).unwrap_err();
            assert_eq!(error.kind, ParseErrorKind::DuplicateKey, "{}", keys[twice]);
        }
    }
}

#[test]
fn sequence_numbers_have_one_canonical_form() {
    let good = line(42, LOGIN);
    let mut parser = Parser::new();
    for seq in ["042", "-1", "+1", "4.2", "42e0", "", "9223372036854775808", "99999999999999999999"]
    {
        let bad = good.replacen("\"seq\":42", &format!("\"seq\":{seq}"), 1);
        let error = parser.entry(bad.as_bytes()).unwrap_err();
        assert!(error.at <= 26, "{seq}: {error}");
    }
    let most = good.replacen("\"seq\":42", "\"seq\":9223372036854775807", 1);
    assert_eq!(parser.entry(most.as_bytes()).unwrap().seq, i64::MAX as u64);
}

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f32>().prop_filter("finite", |f| f.is_finite()).prop_map(|f| f.to_string()),
        "[a-z\"\\\\é\n\u{1}]{0,12}".prop_map(|text| serde_json::to_string(&text).unwrap()),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6)
                .prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec(("[a-c]{0,2}", inner), 0..6).prop_map(|members| {
                let members: Vec<_> = members.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn the_parser_agrees_with_the_reference_parser(
        value in json(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
    ) {
        let mut bytes = line(3, &format!("\"event_type\":\"x\",\"a\":{value}")).into_bytes();
        for (index, byte) in changes {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        let parsed = Parser::new().entry(&bytes).map(|e| (e.seq, e.event_type.to_owned()));
        prop_assert_eq!(parsed.ok(), oracle::entry(&bytes), "{}", String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Parser::new().entry(&bytes);
        let _ = Body::new(&bytes, &mut Parser::new());
    }
}

proptest! {
    #[test]
    fn signature_text_matches_the_shared_base64_encoder(hash in any::<[u8; 32]>()) {
        let mut out = Vec::new();
        finish(&mut out, &Signature { scheme: Scheme::Hash, hash });
        let digits = ringseal_base::digest::text::base64(ringseal_base::digest::text::Base64::Url, &hash);
        prop_assert_eq!(String::from_utf8(out).unwrap(), format!(",\"_signature\":\"h1:{digits}\"}}\n"));
    }
}
