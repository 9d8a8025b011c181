//! Keys whose places depend on the event or on its contexts.
use std::time::Duration;

use super::*;

/// The value of the call is at the place of the context's, and that of the context is in no other one.
#[test]
fn short_keys_of_calls_replace_those_of_contexts() {
    let key = |key: &str, value| Some(fields([(key, value)]));
    let (one, none) = (Model::U64(1), Described::default());
    let replaced = r#""user":{"id":2}"#;
    for (name, contexts, expected) in [
        ("no context", none.clone(), r#""extra":{"user_id":2}"#),
        ("bound", Described { bound: key("user_id", one.clone()), ..none.clone() }, replaced),
        ("ambient", Described { ambient: key("user_id", one.clone()), ..none.clone() }, replaced),
        ("null", Described { ambient: key("user_id", Model::Null), ..none.clone() }, replaced),
        (
            "wrapped",
            Described { bound: key("extra.user_id", one.clone()), ..none.clone() },
            replaced,
        ),
        (
            "a wrapping map",
            Described {
                bound: key("extra", map([("extra", map([("user_id", one.clone())]))])),
                ..none.clone()
            },
            replaced,
        ),
        (
            "both contexts",
            Described {
                bound: key("user_id", one.clone()),
                ambient: key("user_id", text("x")),
                ..none.clone()
            },
            replaced,
        ),
        (
            "another key",
            Described { bound: key("orn", one.clone()), ..none.clone() },
            r#""payment":{"orn":1},"extra":{"user_id":2}"#,
        ),
        (
            "an object",
            Described { bound: key("user_id", map([("a", one)])), ..none },
            r#""extra":{"user_id":{"value":2,"a":1}}"#,
        ),
    ] {
        let described = Described { fields: fields([("user_id", Model::U64(2))]), ..contexts };
        let found = line(&mut layout(EcsOptions::new()), &described);
        assert_eq!(members(&found), expected, "{name}");
    }
    let mut layout = layout(EcsOptions::new());
    layout.set_static_fields(&entries(&fields([("user_id", Model::U64(1))])));
    let described =
        Described { fields: fields([("user_id", Model::U64(2))]), ..Described::default() };
    assert_eq!(members(&line(&mut layout, &described)), replaced, "a field of every line");
}

#[test]
fn span_ends_have_outcomes_of_the_schema() {
    for (target, event, outcome, expected) in [
        ("span", "span.end", text("ok"), r#""event":{"duration":1500000,"outcome":"success"}"#),
        ("span", "span.end", text("error"), r#""event":{"duration":1500000,"outcome":"failure"}"#),
        (
            "span",
            "span.end",
            text("panicked"),
            r#""event":{"duration":1500000,"outcome":"failure"}"#,
        ),
        (
            "span",
            "span.end",
            text("cancelled"),
            r#""event":{"duration":1500000,"outcome":"unknown"}"#,
        ),
        ("span", "seen", text("ok"), r#""event":{"duration":1500000}"#),
        ("app", "span.end", text("ok"), r#""event":{"duration":1500000}"#),
    ] {
        let is_end = (target, event) == ("span", "span.end");
        let kind = r#""kind":"internal","sampled":true"#;
        let extra = match is_end {
            true => format!("{{{kind}}}"),
            false => format!(r#"{{"outcome":"ok",{kind}}}"#),
        };
        let of = fields([
            ("span", text("db.query")),
            ("duration_ms", Model::Duration(Duration::from_micros(1500))),
            ("outcome", outcome),
            ("kind", text("internal")),
            ("sampled", Model::Bool(true)),
            ("parent_span_id", text("ab")),
        ]);
        let site = callsite(target, event, &of);
        let mut layout = layout(EcsOptions::new());
        let line = line_of(&mut layout, site, &Described { fields: of, ..Described::default() });
        let (_, found) = line.split_once(&format!(r#""log.logger":"{target}","#)).unwrap();
        let expected = format!(
            r#""span":{{"name":"db.query"}},"parent":{{"id":"ab"}},{expected},"extra":{extra}}}"#
        );
        let by_member = |line: &str| read(&format!("{{{line}"));
        assert_eq!(by_member(found), by_member(&expected), "{target} {event}: {line}");
        assert_eq!(layout.misfits.count, 0, "{line}");
    }
}
