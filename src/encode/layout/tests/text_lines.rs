//! Lines of the console layout, compared byte by byte.
use super::*;

fn text(color: bool) -> Layout {
    let options = ConsoleOptions { color, ..ConsoleOptions::default() };
    Layout::Console(Box::new(ConsoleLayout::new(options)))
}

fn described(event: &str, fields: &[(&str, Model)]) -> Described {
    let fields = fields.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    Described { event: event.into(), ..Described::site(fields) }
}

fn string(text: &str) -> Model {
    Model::Str(text.into())
}

#[test]
fn lines_look_as_documented() {
    let cases = [
        (
            described(
                "User registered",
                &[("user_id", string("u-7")), ("trace_id", string("abc123"))],
            ),
            "User registered user_id=u-7 trace_id=abc123",
        ),
        (described("seen", &[]), "seen"),
        (
            described(
                "request",
                &[
                    ("method", string("POST /pay")),
                    ("empty", string("")),
                    ("pair", string("a=b")),
                    ("utf8", string("Größe")),
                    ("status", Model::U64(201)),
                    ("took_ms", Model::Duration(std::time::Duration::from_micros(1500))),
                    ("peer", Model::SocketV4([127, 0, 0, 1], 80)),
                    ("at", Model::Time(0, 5)),
                    ("note", Model::Null),
                    ("list", Model::Array(vec![Model::I64(1), string("x")])),
                    ("map", Model::Map(vec![("k".into(), Model::Bool(true))])),
                ],
            ),
            "request method=\"POST /pay\" empty=\"\" pair=\"a=b\" utf8=Größe status=201 took_ms=1.5 \
             peer=127.0.0.1:80 at=1970-01-01T00:00:00.000000005Z note=null list=[1,\"x\"] map={\"k\":true}",
        ),
    ];
    for (event, expected) in cases {
        let expected = format!("2025-11-13T19:00:00.123Z [INFO    ] {expected}");
        assert_eq!(line(&mut text(false), &event), expected);
        let dynamic = Described { is_dynamic: true, ..event };
        assert_eq!(line(&mut text(false), &dynamic), expected);
    }
}

#[test]
fn levels_are_padded_and_coloured_if_enabled() {
    for (level, plain, colored) in [
        (Level::Trace, "[TRACE   ]", "[\x1b[35mTRACE   \x1b[0m]"),
        (Level::Debug, "[DEBUG   ]", "[\x1b[36mDEBUG   \x1b[0m]"),
        (Level::Info, "[INFO    ]", "[\x1b[32mINFO    \x1b[0m]"),
        (Level::Warn, "[WARN    ]", "[\x1b[33mWARN    \x1b[0m]"),
        (Level::Error, "[ERROR   ]", "[\x1b[31mERROR   \x1b[0m]"),
        (Level::Critical, "[CRITICAL]", "[\x1b[41mCRITICAL\x1b[0m]"),
    ] {
        let event = Described { level, ..described("e", &[("k", Model::U64(1))]) };
        let line = line(&mut text(false), &event);
        assert_eq!(line, format!("2025-11-13T19:00:00.123Z {plain} e k=1"));
        let line = line_of_text(&mut text(true), &event);
        assert_eq!(line, format!("2025-11-13T19:00:00.123Z {colored} e \x1b[2mk=\x1b[0m1"));
    }
}

#[test]
fn an_overridden_bound_field_is_not_shown() {
    let mut event = described("e", &[("a", Model::U64(1))]);
    event.bound = Some(vec![("a".into(), Model::U64(2)), ("b".into(), Model::U64(3))]);
    for is_dynamic in [false, true] {
        let event = Described { is_dynamic, ..event.clone() };
        assert_eq!(line(&mut text(false), &event), "2025-11-13T19:00:00.123Z [INFO    ] e a=1 b=3");
    }
}

#[test]
fn a_value_cannot_control_terminals_or_forge_fields() {
    for (value, shown) in [
        ("a\x1b[31mred", "\"a\\u001b[31mred\""),
        ("a\x1b]0;title\x07", "\"a\\u001b]0;title\\u0007\""),
        ("a\u{9b}31m", "a\\u009b31m"),
        ("a\r\nb", "\"a\\r\\nb\""),
        ("x admin=true", "\"x admin=true\""),
        ("a\"b", "\"a\\\"b\""),
        ("\u{202e}evil", "\\u202eevil"),
        ("a\u{2028}b", "\"a\\u2028b\""),
        ("a\x7fb", "\"a\\u007fb\""),
        ("a\u{200b}b\u{feff}", "a\\u200bb\\ufeff"),
        ("a\u{e0041}", "a\\udb40\\udc41"),
        ("a\u{a0}admin", "\"a\u{a0}admin\""),
        ("a\u{2003}admin", "\"a\u{2003}admin\""),
    ] {
        let event = described("e", &[("v", string(value))]);
        let line = line(&mut text(false), &event);
        assert_eq!(line, format!("2025-11-13T19:00:00.123Z [INFO    ] e v={shown}"));
    }
    for (name, shown) in [
        ("User registered", "User registered"),
        ("e user=root", "\"e user=root\""),
        ("[ERROR   ] e", "\"[ERROR   ] e\""),
        ("say \"hi\"", "\"say \\\"hi\\\"\""),
    ] {
        let event = Described { is_dynamic: true, ..described(name, &[]) };
        let line = line(&mut text(false), &event);
        assert_eq!(line, format!("2025-11-13T19:00:00.123Z [INFO    ] {shown}"));
    }
    let event = Described {
        is_dynamic: true,
        ..described("e\x1b[2J\nf", &[("a=1 b", Model::U64(2)), ("c\nd", Model::U64(3))])
    };
    assert_eq!(
        line(&mut text(false), &event),
        "2025-11-13T19:00:00.123Z [INFO    ] e\\u001b[2J\\nf \"a=1 b\"=2 \"c\\nd\"=3"
    );
}
