//! Compares the events of lines with tables and with a simple oracle.
use std::io::{self, Read};

use proptest::prelude::*;
use ringseal::Level;
use serde_json::{Value as Json, json};

use super::*;

/// Level, name, fields.
type Recorded = (Level, String, Vec<(String, Json)>);

/// Records the events it receives.
#[derive(Debug, Default)]
struct Recorder {
    events: Vec<Recorded>,
}

impl EventSink for Recorder {
    fn event(&mut self, event: &Event<'_>) {
        let fields = event.fields.iter().map(|field| (field.key.to_owned(), json_of(field.value)));
        self.events.push((event.level, event.name.to_owned(), fields.collect()));
    }
}

fn json_of(value: Value<'_>) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Number(raw) => serde_json::from_str(raw).expect("a number"),
        Value::Count(value) => json!(value),
        Value::Str(value) => json!(value),
        Value::Map(nested) | Value::List(nested) => {
            let mut tokens = nested.tokens();
            while tokens.next_token().expect("nested values are valid").is_some() {}
            serde_json::from_str(nested.raw()).expect("valid JSON")
        }
    }
}

fn input(format: Format, line_bytes_max: u32) -> Input {
    Input { format, line_bytes_max, event_name: "line".into(), keys: KeyOptions::default() }
}

/// Returns its bytes in pieces of the given sizes, cyclically.
struct Pieces<'a> {
    rest: &'a [u8],
    sizes: &'a [usize],
    turn: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let size = self.sizes[self.turn % self.sizes.len()];
        self.turn += 1;
        let len = size.min(room.len()).min(self.rest.len());
        room[..len].copy_from_slice(&self.rest[..len]);
        self.rest = &self.rest[len..];
        Ok(len)
    }
}

fn record(text: &[u8], input: &Input, sizes: &[usize]) -> (Recorder, Counts) {
    let mut recorder = Recorder::default();
    let mut counts = Counts::default();
    let mut pieces = Pieces { rest: text, sizes, turn: 0 };
    run(&mut pieces, input, Reading::default(), &mut recorder, &mut counts).expect("no read fails");
    (recorder, counts)
}

/// The event of one line.
fn one(text: &str, format: Format) -> (Level, String, Json) {
    let (recorder, _) = record(text.as_bytes(), &input(format, 1 << 20), &[1 << 20]);
    let [(level, name, fields)] = &recorder.events[..] else { panic!("{recorder:?}") };
    (*level, name.clone(), Json::Object(fields.iter().cloned().collect()))
}

#[test]
fn json_lines_become_level_name_and_fields() {
    let cases = [
        (
            r#"{"level":"warn","event":"order filled","n":1,"s":"a\nb","x":null,"t":true}"#,
            (Level::Warn, "order filled", json!({"n": 1, "s": "a\nb", "x": null, "t": true})),
        ),
        (
            r#"{"@timestamp":"2026-11-22T15:09:20Z","log.level":"ERROR","message":"m\u00e9"}"#,
            (Level::Error, "mé", json!({"original_timestamp": "2026-11-22T15:09:20Z"})),
        ),
        (
            r#"{"time":1795360160,"level":30,"msg":"pino","pid":7}"#,
            (Level::Info, "pino", json!({"original_timestamp": 1_795_360_160, "pid": 7})),
        ),
        (
            r#"{"severity":"CRITICAL","event":{"action":"x"},"msg":"m"}"#,
            (Level::Critical, "m", json!({"original_event": {"action": "x"}})),
        ),
        (
            r#"{"log":{"level":"debug","logger":"a"},"event":"e","message":"m"}"#,
            (Level::Debug, "e", json!({"log": {"level": "debug", "logger": "a"}, "message": "m"})),
        ),
        (
            r#"{"level":"strange","lvl":"err","timestamp":"a","ts":"b","seq":9,"k\u0065y":[1,{"a":2}]}"#,
            (
                Level::Error,
                "line",
                json!({"original_level": "strange", "original_timestamp": "a", "ts": "b",
                       "original_seq": 9, "key": [1, {"a": 2}]}),
            ),
        ),
        (r"  {}  ", (Level::Info, "line", json!({}))),
    ];
    for (text, (level, name, fields)) in cases {
        assert_eq!(one(text, Format::Auto), (level, name.to_owned(), fields), "{text}");
        assert_eq!(one(text, Format::Json), one(text, Format::Auto), "{text}");
    }
}

#[test]
fn other_lines_are_kept_as_text() {
    for text in ["plain", "{not json", "[1,2]", "42", "", "  spaced  ", "{\"a\":1}}", "\"a\""] {
        let expected = (Level::Info, "line".to_owned(), json!({"message": text}));
        assert_eq!(one(&format!("{text}\n"), Format::Auto), expected, "{text}");
        assert_eq!(one(&format!("{text}\r\n"), Format::Auto), expected, "{text}");
    }
    let (level, _, fields) = one(r#"{"level":"error"}"#, Format::Text);
    assert_eq!((level, fields), (Level::Info, json!({"message": r#"{"level":"error"}"#})));
}

#[test]
fn malformed_json_keeps_the_parse_error() {
    let (_, _, fields) = one("{\"a\":1 2}", Format::Json);
    let why = "expected `,` or `}` at byte 7, found '2'";
    assert_eq!(fields, json!({"message": "{\"a\":1 2}", "parse_error": why}));
}

#[test]
fn numbers_stay_as_written() {
    /// Collects the numbers of all events.
    struct Numbers(Vec<String>);

    impl EventSink for Numbers {
        fn event(&mut self, event: &Event<'_>) {
            self.0.extend(event.fields.iter().filter_map(|field| match field.value {
                Value::Number(raw) => Some(raw.to_owned()),
                _ => None,
            }));
        }
    }

    let spelt = [
        "0",
        "-0",
        "9223372036854775808",
        "-170141183460469231731687303715884105728",
        "1.50",
        "1e3",
        "1E+999",
        "999999999999999999999999999999999999999999",
    ];
    let text = spelt.map(|number| format!("{{\"n\":{number}}}\n")).concat();
    let mut numbers = Numbers(Vec::new());
    let input = input(Format::Auto, 1000);
    run(&mut text.as_bytes(), &input, Reading::default(), &mut numbers, &mut Counts::default())
        .expect("no read fails");
    assert_eq!(numbers.0, spelt);
}

#[test]
fn invalid_utf8_bytes_are_replaced_and_counted() {
    let (recorder, counts) =
        record(b"a\xffb\n{\"a\":\"\xff\"}\nfine\n", &input(Format::Auto, 100), &[64]);
    assert_eq!(recorder.events[0].2[0].1, json!("a\u{fffd}b"));
    assert_eq!(recorder.events[1].2[0], ("a".to_owned(), json!("\u{fffd}")));
    assert_eq!((counts.not_utf8, counts.json, counts.text, counts.events), (2, 1, 2, 3));
}

#[test]
fn a_long_line_is_cut_at_a_character() {
    for (limit, kept) in
        [(1, "a"), (2, "a"), (3, "aé"), (4, "aéb"), (5, "aéb"), (6, "aéb"), (7, "aéb€")]
    {
        let (recorder, counts) =
            record("aéb€xyz\nnext".as_bytes(), &input(Format::Auto, limit), &[3]);
        let expected = vec![
            ("message".to_owned(), json!(kept)),
            ("original_line_bytes".to_owned(), json!(10)),
        ];
        assert_eq!(recorder.events[0].2, expected, "{limit}");
        assert_eq!(recorder.events.len(), 2);
        assert_eq!(counts.truncated, if limit < 4 { 2 } else { 1 });
    }
}

#[test]
fn a_last_line_without_newline_counts() {
    let cases: [(&str, u64); 6] =
        [("", 0), ("\n", 1), ("a", 1), ("a\n", 1), ("a\nb", 2), ("\n\n\r\n", 3)];
    for (text, lines) in cases {
        let (recorder, counts) = record(text.as_bytes(), &input(Format::Auto, 100), &[1]);
        assert_eq!(
            (counts.lines, counts.events, recorder.events.len() as u64),
            (lines, lines, lines)
        );
        assert_eq!(counts.bytes, text.len() as u64);
    }
}

#[test]
fn counts_are_displayed_as_text() {
    let (_, counts) = record(b"{}\na\n\xff\nlong line\n", &input(Format::Auto, 5), &[100]);
    assert_eq!(
        counts.to_string(),
        "4 lines in, 4 events out (1 JSON, 3 text; 1 cut at the limit; 1 with bytes that are not UTF-8)"
    );
}

/// Bytes that form lines of many kinds.
fn any_input() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"\r".to_vec()),
        Just("é€".as_bytes().to_vec()),
        Just(b"{\"a\":1}".to_vec()),
        Just(b"\xff".to_vec()),
        prop::collection::vec(prop::sample::select(b"abc xyz".to_vec()), 0..20),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// The oracle: splits the whole text at once.
fn lines_of(text: &[u8]) -> Vec<&[u8]> {
    let mut lines: Vec<&[u8]> = text
        .split_inclusive(|&byte| byte == b'\n')
        .map(|line| match line {
            [line @ .., b'\r', b'\n'] | [line @ .., b'\n'] | line => line,
        })
        .collect();
    if text.is_empty() {
        lines.clear();
    }
    lines
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_line_is_one_event_for_any_reads(
        text in any_input(),
        sizes in prop::collection::vec(1..30_usize, 1..5),
        line_bytes_max in 1..60_u32,
    ) {
        let (recorder, counts) = record(&text, &input(Format::Text, line_bytes_max), &sizes);
        let lines = lines_of(&text);
        prop_assert_eq!(counts.lines, lines.len() as u64);
        prop_assert_eq!(counts.events, counts.lines);
        prop_assert_eq!(counts.bytes, text.len() as u64);
        for (line, (_, _, fields)) in lines.iter().zip(&recorder.events) {
            let cut = line.len() > line_bytes_max as usize;
            prop_assert_eq!(fields.len(), if cut { 2 } else { 1 });
            let message = fields[0].1.as_str().expect("a string");
            let whole = String::from_utf8_lossy(line);
            if cut {
                prop_assert_eq!(&fields[1].1, &json!(line.len()));
                prop_assert!(whole.starts_with(message) || message.contains(char::REPLACEMENT_CHARACTER));
            } else {
                prop_assert_eq!(message, whole);
            }
        }
    }
}
