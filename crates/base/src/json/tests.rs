//! Compares the reader with serde_json.
use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// Builds the value that the tokens describe.
fn build(tokens: &mut Tokens<'_>, first: Token<'_>) -> Result<Value, JsonError> {
    Ok(match first {
        Token::MapStart => {
            let mut map = serde_json::Map::new();
            while let Some(Token::Key(key)) = tokens.next_token()? {
                let mut name = String::new();
                key.decode_into(&mut name);
                assert_eq!(key.decode(), name);
                assert!(key.is(&name));
                let Some(value) = tokens.next_token()? else { panic!("a key without a value") };
                map.insert(name, build(tokens, value)?);
            }
            Value::Object(map)
        }
        Token::ListStart => {
            let mut list = Vec::new();
            while let Some(token) = tokens.next_token()? {
                if token == Token::ListEnd {
                    break;
                }
                list.push(build(tokens, token)?);
            }
            Value::Array(list)
        }
        Token::String(text) => {
            let mut string = String::new();
            text.decode_into(&mut string);
            Value::String(string)
        }
        Token::Number(number) => Value::Number(number.parse().expect("a number to serde_json too")),
        Token::Bool(value) => Value::Bool(value),
        Token::Null => Value::Null,
        Token::Key(_) | Token::MapEnd | Token::ListEnd => panic!("{first:?} is not a value"),
    })
}

fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    let mut tokens = Tokens::new(bytes)?;
    let Some(first) = tokens.next_token()? else { panic!("no token and no error") };
    let value = build(&mut tokens, first)?;
    assert_eq!(tokens.next_token()?, None);
    assert_eq!(tokens.next_token()?, None, "the end is returned again");
    Ok(value)
}

fn agrees_with_serde(bytes: &[u8]) {
    let ours = parse(bytes);
    let theirs = serde_json::from_slice::<Value>(bytes);
    match (&ours, &theirs) {
        (Ok(ours), Ok(theirs)) => assert_eq!(ours, theirs),
        (Err(_), Err(_)) => {}
        _ => panic!("{:?}: {ours:?} but {theirs:?}", String::from_utf8_lossy(bytes)),
    }
}

const CASES: &[&str] = &[
    "{}",
    "[]",
    "\"\"",
    "0",
    "-0",
    "-",
    "01",
    "1.",
    ".5",
    "1.5",
    "1e",
    "1e5",
    "1E+5",
    "1e-",
    "+1",
    "tru",
    "true",
    "false",
    "null",
    "nul",
    "nullx",
    "",
    " ",
    " 1 ",
    "1 2",
    "[1,]",
    "[,1]",
    "[1 2]",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{,}",
    "{\"a\":1 \"b\":2}",
    "{a:1}",
    "{\"a\":1}}",
    "[}",
    "{]",
    "[[[]]]",
    "{\"a\":{\"b\":[1,{\"c\":null}]}}",
    "\"a",
    "\"\\",
    "\"\\x\"",
    "\"\\u12\"",
    "\"\\u0041\\n\\t\\\"\\/\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ud83d\"",
    "\"\\ude00\"",
    "\"\\ud83dx\"",
    "\"\\ud83d\\u0041\"",
    "\"\u{1}\"",
    "\"\u{7f}\"",
    "\"tab\t\"",
    "\"é\u{1F600}\"",
    "1e400",
    "-1e999",
    "123456789012345678901234567890",
    "\u{feff}{}",
    "{\"a\":1,\"a\":2}",
    "[1,2",
    "{\"a\":1",
    "\"\\u00e9\"",
    "nan",
    "NaN",
    "Infinity",
    "'a'",
    "// x",
    "[1]//",
    "\r\n\t[ 1 , 2 ]\r\n",
    "\u{b}1",
    "{\"\":0}",
    "\"\\uD800\\uDC00\"",
    "\"\\uDBFF\\uDFFF\"",
    "\"\\u\"",
    "\"\\uzzzz\"",
    "0x10",
    "1_000",
    "--1",
    "0e0",
];

#[test]
fn the_cases_agree_with_serde_json() {
    for case in CASES {
        agrees_with_serde(case.as_bytes());
    }
}

#[test]
fn prefixes_and_changed_bytes_agree_with_serde_json() {
    let text =
        br#"{"t":"2026-11-22T15:09:20Z","n":[-1.5e3,true,null],"e\u00e9":{"k":"\ud83d\ude00\n"}}"#;
    for end in 0..text.len() {
        agrees_with_serde(&text[..end]);
    }
    for at in 0..text.len() {
        for byte in
            [0, b'"', b'\\', b'{', b'}', b'[', b']', b',', b':', b'0', b'-', b'u', 0x80, 0xff]
        {
            let mut changed = text.to_vec();
            changed[at] = byte;
            agrees_with_serde(&changed);
        }
    }
}

#[test]
fn the_depth_limit_agrees_with_serde_json() {
    for depth in [1, 100, 126, 127, 128, 129, 100_000] {
        let lists = [vec![b'['; depth], vec![b']'; depth]].concat();
        agrees_with_serde(&lists);
        let maps = [b"{\"a\":".repeat(depth), b"1".to_vec(), vec![b'}'; depth]].concat();
        agrees_with_serde(&maps);
    }
}

#[test]
fn an_error_has_position_and_expectation() {
    let error = parse(br#"{"a":1,}"#).expect_err("a trailing comma");
    assert_eq!(error.to_string(), "expected a key at byte 7, found '}'");
    let error = parse(b"[1").expect_err("an open list");
    assert_eq!(error.to_string(), "expected `,` or `]` at byte 2, found the end");
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::String),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn values_written_by_serde_json_are_read_back(value in any_value()) {
        let text = serde_json::to_string(&value).expect("a value can be written");
        prop_assert_eq!(parse(text.as_bytes()).expect("valid JSON"), value.clone());
        let pretty = serde_json::to_string_pretty(&value).expect("a value can be written");
        prop_assert_eq!(parse(pretty.as_bytes()).expect("valid JSON"), value);
    }

    #[test]
    fn json_like_bytes_agree_with_serde_json(
        bytes in prop::collection::vec(
            prop::sample::select(b"{}[]\",:\\u0012de+-.tfn \n\x01\x80\xc3\xa9a".to_vec()), 0..24
        )
    ) {
        agrees_with_serde(&bytes);
    }
}
