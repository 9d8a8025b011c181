//! Lines of the console layout, compared byte by byte.
use super::*;
use ringseal_base::value::ErrorValue;

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
        let expected = format!("2025-11-13T19:00:00.123Z [INFO    ] {expected} target=app");
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
        assert_eq!(line, format!("2025-11-13T19:00:00.123Z {plain} e k=1 target=app"));
        let line = line_of_text(&mut text(true), &event);
        assert_eq!(
            line,
            format!(
                "2025-11-13T19:00:00.123Z {colored} e \x1b[2mk=\x1b[0m1 \x1b[2mtarget=\x1b[0mapp"
            )
        );
    }
}

#[test]
fn an_overridden_bound_field_is_not_shown() {
    let mut event = described("e", &[("a", Model::U64(1))]);
    event.bound = Some(vec![("a".into(), Model::U64(2)), ("b".into(), Model::U64(3))]);
    for is_dynamic in [false, true] {
        let event = Described { is_dynamic, ..event.clone() };
        assert_eq!(
            line(&mut text(false), &event),
            "2025-11-13T19:00:00.123Z [INFO    ] e a=1 b=3 target=app"
        );
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
        assert_eq!(line, format!("2025-11-13T19:00:00.123Z [INFO    ] e v={shown} target=app"));
    }
    for (name, shown) in [
        ("User registered", "User registered"),
        ("e user=root", "\"e user=root\""),
        ("[ERROR   ] e", "\"[ERROR   ] e\""),
        ("say \"hi\"", "\"say \\\"hi\\\"\""),
    ] {
        let event = Described { is_dynamic: true, ..described(name, &[]) };
        let line = line(&mut text(false), &event);
        assert_eq!(line, format!("2025-11-13T19:00:00.123Z [INFO    ] {shown} target=app"));
    }
    let event = Described {
        is_dynamic: true,
        ..described("e\x1b[2J\nf", &[("a=1 b", Model::U64(2)), ("c\nd", Model::U64(3))])
    };
    assert_eq!(
        line(&mut text(false), &event),
        "2025-11-13T19:00:00.123Z [INFO    ] e\\u001b[2J\\nf \"a=1 b\"=2 \"c\\nd\"=3 target=app"
    );
}

/// A message and the messages of its causes.
#[derive(Debug)]
struct Failure(&'static [&'static str], Option<Box<Failure>>);

impl Failure {
    fn new(messages: &'static [&'static str]) -> Failure {
        let cause = (messages.len() > 1).then(|| Box::new(Failure::new(&messages[1..])));
        Failure(messages, cause)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0[0])
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.1.as_deref().map(|cause| cause as _)
    }
}

/// The message with its causes is one text.
#[test]
fn errors_are_read_as_one_text() {
    let rows: [(&[&str], &str); 4] = [
        (&["failed"], "failed"),
        (&["cannot pay", "no answer", "timed out"], "\"cannot pay: no answer: timed out\""),
        (&["a\" x=1", "\u{1b}[2J\n"], "\"a\\\" x=1: \\u001b[2J\\n\""),
        (&[""], "\"\""),
    ];
    let kind = std::any::type_name::<Failure>();
    for (messages, shown) in rows {
        let error = Failure::new(messages);
        let payload = written(Limits::default(), |out| ErrorValue(&error).write(out));
        let event = described("e", &[("error", Model::Null)]);
        let source = Source::Site(callsite(&event));
        let line = line_of(&mut text(false), &event, source, &payload, None);
        let expected = format!("[INFO    ] e error={shown} error.type={kind} error.stack_hash=");
        assert!(line.contains(&expected), "{line}\n{expected}");
        assert!(line.ends_with(" target=app"), "{line}");
    }
}

/// Two fields of one name would leave open which of them is the engine's.
#[test]
fn no_field_passes_for_a_member() {
    let fields = ["target", "stack", "sample_rate", "field.target", "level"];
    let fields = fields.map(|key| (key, Model::U64(1)));
    let event = Described { target: "a b".into(), ..described("e", &fields) };
    for is_dynamic in [false, true] {
        let stack = (!is_dynamic).then(|| "frames".to_owned());
        let shown = if is_dynamic { "" } else { " stack=frames" };
        let event = Described { is_dynamic, stack, ..event.clone() };
        assert_eq!(
            line(&mut text(false), &event),
            format!(
                "2025-11-13T19:00:00.123Z [INFO    ] e field.target=1 field.stack=1 field.sample_rate=1 \
                 field.field.target=1 level=1{shown} target=\"a b\""
            )
        );
    }
}
