//! Events with extreme or invalid contents, one case per test.
use std::error::Error;
use std::fmt;

use super::*;
use ringseal_base::value::{ErrorValue, tag};

#[derive(Debug)]
struct Timeout {
    after: u32,
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "timeout after {} ms", self.after)
    }
}

impl Error for Timeout {}

fn default() -> Layout {
    flat(JsonOptions::default())
}

fn sorted() -> Layout {
    flat(JsonOptions { sort_keys: true, ..JsonOptions::default() })
}

fn one(key: &str, value: Model) -> Described {
    Described::site(vec![(key.into(), value)])
}

/// A call site's event around a payload of any bytes.
fn raw(layout: &mut Layout, keys: &[&str], payload: &[u8], bound: Option<&[u8]>) -> Json {
    let fields = keys.iter().map(|key| ((*key).to_owned(), Model::Null)).collect();
    let described = Described::site(fields);
    let source = Source::Site(callsite(&described));
    read(&line_of(layout, &described, source, payload, bound))
}

#[test]
fn a_line_looks_as_documented() {
    let mut described = Described::site(vec![
        ("amount".into(), Model::I64(100)),
        ("currency".into(), Model::Str("KWD".into())),
        ("level".into(), Model::U64(3)),
    ]);
    described.bound = Some(vec![("trace_id".into(), Model::Str("4bf9".into()))]);
    let mut layout = flat(JsonOptions { run_id: "r1".into(), ..JsonOptions::default() });
    assert_eq!(
        line(&mut layout, &described),
        "{\"timestamp\":\"2025-11-13T19:00:00.123456Z\",\"level\":\"info\",\"target\":\"app\",\
         \"event\":\"seen\",\"run_id\":\"r1\",\"schema_version\":1,\"amount\":100,\"currency\":\"KWD\",\
         \"field.level\":3,\"trace_id\":\"4bf9\"}"
    );
}

#[test]
fn the_deepest_nesting_does_not_overflow_the_stack() {
    // Each level takes five bytes; the depth of a foreign record is bounded only by its size.
    for tag in [tag::ARRAY, tag::MAP] {
        let mut payload = Vec::new();
        for _ in 0..20_000 {
            let mut outer = vec![tag];
            let entry_bytes = if tag == tag::MAP { 3 } else { 0 };
            outer.extend_from_slice(&((payload.len() + entry_bytes) as u32).to_le_bytes());
            if tag == tag::MAP {
                outer.extend_from_slice(&[1, 0, b'k']);
            }
            if payload.is_empty() {
                outer[1..5].fill(0);
                outer.truncate(5);
            }
            outer.extend_from_slice(&payload);
            payload = outer;
            if payload.len() > 60_000 {
                break;
            }
        }
        for mut layout in [default(), sorted()] {
            let json = raw(&mut layout, &["deep"], &payload, None);
            assert!(format!("{json:?}").contains('…'));
        }
    }
}

#[test]
fn huge_values_and_many_fields_arrive_whole() {
    let text: String = "0123456789\n\"ä\u{2028}".chars().cycle().take(300_000).collect();
    let mut described = one("text", Model::Str(text.clone()));
    described.value_bytes_max = u32::MAX;
    for mut layout in [default(), sorted()] {
        assert_eq!(read(&line(&mut layout, &described)).text("text"), text);
    }
    let fields = (0..3000).map(|index| (format!("k{index:05}"), Model::U64(index))).collect();
    let described = Described { is_dynamic: true, ..Described::site(fields) };
    let shape = Shape::of(&JsonOptions::default(), Vec::new());
    assert_eq!(read(&line(&mut default(), &described)), expected(&described, &shape));
    assert_eq!(read(&line(&mut sorted(), &described)), expected(&described, &shape).sorted());
}

#[test]
fn foreign_bytes_never_break_a_line() {
    for (payload, text) in [
        (&[tag::NUMBER, 4, 0, 0, 0, b'1', b'}', b'\n', b'{'][..], "1}\n{"),
        (&[tag::NUMBER, 0, 0, 0, 0], ""),
        (&[tag::NUMBER, 1, 0, 0, 0, 0xFF], "\u{FFFD}"),
        (&[tag::CHAR, 0, 0xD8, 0, 0], "\u{FFFD}"),
        (&[tag::STR, 2, 0, 0, 0, 0xC3, b'"'], "\u{FFFD}\""),
        (&[tag::STR_CUT, 1, 0, 0, 0, 0, 0, 0, 0, 0xE2], "\u{FFFD}…[truncated, 1 bytes kept]"),
        (&[tag::DEEP], "…"),
    ] {
        for mut layout in [default(), sorted()] {
            assert_eq!(raw(&mut layout, &["v"], payload, None).text("v"), text);
        }
    }
    let map = [tag::MAP, 4, 0, 0, 0, 1, 0, 0xFF, tag::NULL];
    let json = raw(&mut default(), &["v"], &map, None);
    assert_eq!(json.get("v"), Some(&Json::Map(vec![("\u{FFFD}".into(), Json::Null)])));
}

#[test]
fn a_foreign_error_may_lack_its_parts() {
    for (payload, kind, message) in [
        (&[tag::ERROR, 0, 0, 0, 0][..], Json::Null, Json::Null),
        (&[tag::ERROR, 1, 0, 0, 0, tag::TRUE], Json::Bool(true), Json::Null),
        (&[tag::ERROR, 2, 0, 0, 0, tag::NULL, tag::FALSE], Json::Null, Json::Bool(false)),
    ] {
        let json = raw(&mut default(), &["v"], payload, None);
        let error = json.get("v").unwrap();
        assert_eq!((error.get("type"), error.get("message")), (Some(&kind), Some(&message)));
        assert_eq!(error.text("stack_hash").len(), 16);
    }
}

#[test]
fn a_payload_with_missing_values_is_an_error() {
    let described = Described::site(vec![("a".into(), Model::Null), ("b".into(), Model::Null)]);
    let event = Event {
        unix_nanos: 0,
        level: Level::Info,
        source: Source::Site(callsite(&described)),
        payload: &[tag::TRUE],
        scope: None,
        has_stack: false,
        sample_rate: None,
    };
    for mut layout in [
        default(),
        sorted(),
        Layout::Console(Box::new(ConsoleLayout::new(ConsoleOptions::default()))),
    ] {
        let result = layout.line(&event, &mut Vec::new());
        assert_eq!(result, Err(ReadError::Short { expected: 1, found: 0 }));
    }
}

#[test]
fn one_failure_has_one_hash_in_every_layout() {
    let payload = |after| {
        let error = Timeout { after };
        written(Limits::default(), |out| ErrorValue(&error).write(out))
    };
    let hash = |layout: &mut Layout, after| {
        let json = raw(layout, &["error"], &payload(after), None);
        json.get("error").unwrap().text("stack_hash").to_owned()
    };
    let first = hash(&mut default(), 300);
    assert_eq!(first, hash(&mut default(), 7), "numbers in the message do not count");
    assert_eq!(first, hash(&mut sorted(), 300));
    let described = one("error", Model::Null);
    let mut text = Layout::Console(Box::new(ConsoleLayout::new(ConsoleOptions::default())));
    let source = Source::Site(callsite(&described));
    let line = line_of(&mut text, &described, source, &payload(300), None);
    assert!(line.contains(&format!(" error.stack_hash={first} ")), "{line}");
}

#[test]
fn overridden_fields_do_not_change_an_errors_hash() {
    let bound = written(Limits::default(), |out| {
        out.entry("error", &ErrorValue(&Timeout { after: 1 }));
        out.entry("a", &1u64);
    });
    let hash = |layout: &mut Layout, key: &str| {
        let json = raw(layout, &[key], &[tag::TRUE], Some(&bound));
        json.get("error").unwrap().text("stack_hash").to_owned()
    };
    let first = hash(&mut default(), "b");
    assert_eq!(first, hash(&mut default(), "a"));
    assert_eq!(first, hash(&mut sorted(), "b"));
    assert_eq!(first, hash(&mut sorted(), "a"));
}

#[test]
fn different_user_keys_stay_different() {
    let keys = ["level", "field.level", "field.field.level", "stack", "field.x", "field."];
    let fields: Vec<_> = keys.iter().map(|key| ((*key).to_owned(), Model::Null)).collect();
    for is_dynamic in [false, true] {
        let described = Described { is_dynamic, ..Described::site(fields.clone()) };
        for mut layout in [default(), sorted()] {
            let json = read(&line(&mut layout, &described));
            for key in ["field.level", "field.field.level", "field.stack", "field.x", "field."] {
                assert_eq!(json.get(key), Some(&Json::Null), "{key}");
            }
            assert_eq!(json.text("level"), "info");
        }
    }
}

#[test]
fn a_users_stack_field_is_kept_separately() {
    let described =
        Described { stack: Some("at main".into()), ..one("stack", Model::Str("of books".into())) };
    for mut layout in [default(), sorted()] {
        let json = read(&line(&mut layout, &described));
        assert_eq!((json.text("stack"), json.text("field.stack")), ("at main", "of books"));
    }
}
