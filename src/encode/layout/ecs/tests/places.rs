//! The path of each field in a line.
use std::error::Error;
use std::fmt;
use std::time::Duration;

use super::*;
use ringseal_base::value::ErrorValue;

/// The members of a line whose call has these fields, and the fields that do not fit the schema.
fn placed(of: Fields) -> (String, Vec<String>) {
    let mut layout = layout(EcsOptions::new());
    let described = Described { fields: of, ..Described::default() };
    let line = line(&mut layout, &described);
    let misfits = layout.misfits.pending.iter().map(|misfit| misfit.field.clone()).collect();
    (members(&line).to_owned(), misfits)
}

#[test]
fn each_key_has_its_place() {
    let seconds = |seconds| Model::Duration(Duration::from_millis(seconds));
    for (name, key, value, expected, is_misfit) in [
        ("a field of the schema", "user.id", Model::U64(7), r#""user":{"id":7}"#, false),
        ("another key", "amount", Model::U64(7), r#""extra":{"amount":7}"#, false),
        (
            "another dotted key",
            "pay.amount",
            Model::U64(7),
            r#""extra":{"pay":{"amount":7}}"#,
            false,
        ),
        ("a root field", "session_id", text("s"), r#""session_id":"s""#, false),
        (
            "a root field's object",
            "view",
            map([("a", text("b"))]),
            r#""extra":{"view":{"a":"b"}}"#,
            false,
        ),
        ("a root object", "payment.orn", text("r"), r#""payment":{"orn":"r"}"#, false),
        (
            "a root object as a map",
            "payment",
            map([("orn", text("r"))]),
            r#""payment":{"orn":"r"}"#,
            false,
        ),
        ("a root object, flat", "payment", text("r"), r#""extra":{"payment":"r"}"#, true),
        ("a container", "headers", map([("a", text("b"))]), r#""headers":{"a":"b"}"#, false),
        ("tags", "tags", Model::Array(vec![text("a")]), r#""tags":["a"]"#, false),
        ("tags as a map", "tags", map([("a", text("b"))]), r#""extra":{"tags":{"a":"b"}}"#, true),
        ("below tags", "tags.a", text("b"), r#""extra":{"tags":{"a":"b"}}"#, false),
        (
            "a trace id as a map",
            "trace_id",
            map([("a", text("b"))]),
            r#""extra":{"trace_id":{"a":"b"}}"#,
            false,
        ),
        (
            "an object in a date",
            "event.start",
            map([("a", text("b"))]),
            r#""extra":{"event":{"start":{"a":"b"}}}"#,
            true,
        ),
        (
            "an object in a number",
            "event.duration",
            map([("a", text("b"))]),
            r#""extra":{"event":{"duration":{"a":"b"}}}"#,
            true,
        ),
        (
            "an object in a truth value",
            "tls.established",
            map([("a", text("b"))]),
            r#""extra":{"tls":{"established":{"a":"b"}}}"#,
            true,
        ),
        (
            "a message as a map",
            "message",
            map([("a", text("b"))]),
            r#""extra":{"message":{"a":"b"}}"#,
            false,
        ),
        (
            "a time as a map",
            "@timestamp",
            map([("a", text("b"))]),
            r#""extra":{"@timestamp":{"a":"b"}}"#,
            false,
        ),
        ("an error, flat", "error", text("x"), r#""error":{"message":"x"}"#, true),
        ("a user's number", "user", Model::U64(7), r#""user":{"id":7}"#, true),
        ("a user's name", "user", text("john"), r#""user":{"name":"john"}"#, true),
        ("a user as a map", "user", map([("name", text("j"))]), r#""user":{"name":"j"}"#, false),
        ("a host", "host", text("web-1"), r#""host":{"name":"web-1"}"#, true),
        ("a URL", "url", text("https://x/"), r#""url":{"full":"https://x/"}"#, true),
        ("a service", "service", text("pay"), r#""service":{"name":"pay"}"#, true),
        ("an event", "event", text("login"), r#""event":{"action":"login"}"#, true),
        (
            "an event, staged",
            "ecs_event.action",
            text("login"),
            r#""event":{"action":"login"}"#,
            false,
        ),
        (
            "an event, staged map",
            "ecs_event",
            map([("kind", text("event"))]),
            r#""event":{"kind":"event"}"#,
            false,
        ),
        ("a source's address", "source", text("10.0.0.1"), r#""source":{"ip":"10.0.0.1"}"#, true),
        (
            "a server's name",
            "server",
            text("api.example"),
            r#""server":{"address":"api.example"}"#,
            true,
        ),
        (
            "a client's address",
            "client",
            Model::Ipv4([10, 0, 0, 1]),
            r#""client":{"ip":"10.0.0.1"}"#,
            true,
        ),
        ("another object, flat", "http", text("x"), r#""extra":{"http":"x"}"#, true),
        (
            "an inner object, flat",
            "http.request",
            text("x"),
            r#""extra":{"http":{"request":"x"}}"#,
            true,
        ),
        (
            "an inner object, null",
            "http.request",
            Model::Null,
            r#""extra":{"http":{"request":null}}"#,
            false,
        ),
        ("below a field", "user.id.raw", text("x"), r#""extra":{"user":{"id":{"raw":"x"}}}"#, true),
        (
            "an object in a field",
            "user.id",
            map([("a", text("b"))]),
            r#""extra":{"user":{"id":{"a":"b"}}}"#,
            true,
        ),
        (
            "an object in an address",
            "client.ip",
            map([("a", text("b"))]),
            r#""extra":{"client":{"ip":{"a":"b"}}}"#,
            true,
        ),
        ("a package, flat", "package", text("x"), r#""extra":{"package":"x"}"#, true),
        ("a span's name", "span", text("http.request"), r#""span":{"name":"http.request"}"#, false),
        ("a trace id", "trace_id", text("ab"), r#""trace":{"id":"ab"}"#, false),
        ("a parent", "parent_span_id", text("ab"), r#""parent":{"id":"ab"}"#, false),
        ("a user's id in a call", "user_id", Model::U64(7), r#""extra":{"user_id":7}"#, false),
        ("a message", "message", text("x"), r#""extra":{"message":"x"}"#, false),
        ("a level's word", "level", text("warn"), "", false),
        ("a level's number", "level", Model::U64(3), r#""extra":{"level":3}"#, false),
        ("the line's level", "log.level", text("x"), r#""extra":{"log":{"level":"x"}}"#, false),
        (
            "the line's version",
            "ecs.version",
            text("9"),
            r#""extra":{"ecs":{"version":"9"}}"#,
            false,
        ),
        ("a label", "labels.a.b", text("x"), r#""labels":{"a_b":"x"}"#, false),
        (
            "a label's map",
            "labels.a",
            map([("b", Model::U64(1))]),
            r#""labels":{"a":"{\"b\":1}"}"#,
            false,
        ),
        (
            "labels as a map",
            "labels",
            map([("a", Model::Bool(true))]),
            r#""labels":{"a":true}"#,
            false,
        ),
        ("labels, flat", "labels", text("x"), r#""extra":{"labels":"x"}"#, true),
        ("extra as a map", "extra", map([("a.b", text("x"))]), r#""extra":{"a":{"b":"x"}}"#, false),
        (
            "an event's duration",
            "event.duration",
            seconds(1500),
            r#""event":{"duration":1500000000}"#,
            false,
        ),
        ("a duration", "duration_ms", seconds(1500), r#""event":{"duration":1500000000}"#, false),
        (
            "a duration's number",
            "duration_ms",
            Model::U64(9),
            r#""extra":{"duration_ms":9}"#,
            false,
        ),
        (
            "a timer",
            "duration",
            Model::SinceMicros(0),
            r#""event":{"duration":1736764200000000000}"#,
            false,
        ),
        (
            "a timer in ms",
            "duration_ms",
            Model::SinceMicros(0),
            r#""event":{"duration":1736764200000000000}"#,
            false,
        ),
        (
            "a timer of the schema",
            "event.duration",
            Model::SinceMicros(0),
            r#""event":{"duration":1736764200000000000}"#,
            false,
        ),
        (
            "a start",
            "duration",
            Model::Since(0),
            r#""event":{"duration":1736764200000000000}"#,
            false,
        ),
        ("an outcome of a call", "outcome", text("ok"), r#""extra":{"outcome":"ok"}"#, false),
        ("another duration", "elapsed_ms", seconds(1500), r#""extra":{"elapsed_ms":1500}"#, false),
        ("an empty part", "a..b", text("x"), r#""extra":{"a__b":"x"}"#, true),
        (
            "a map's dotted keys",
            "m",
            map([("a.b", text("x")), ("a.c", text("y"))]),
            r#""extra":{"m":{"a":{"b":"x","c":"y"}}}"#,
            false,
        ),
        (
            "a map's key twice",
            "m",
            map([("a", text("x")), ("a", text("y"))]),
            r#""extra":{"m":{"a":"y"}}"#,
            false,
        ),
        ("an empty map", "m", map([]), r#""extra":{"m":{}}"#, false),
        (
            "a status as a text",
            "http.response.status_code",
            text("200"),
            r#""http":{"response":{"status_code":"200"}}"#,
            true,
        ),
        ("a known category", "event.category", text("web"), r#""event":{"category":"web"}"#, false),
        (
            "an unknown category",
            "event.category",
            text("payments"),
            r#""event":{"category":"payments"}"#,
            true,
        ),
        (
            "a category among others",
            "event.category",
            Model::Array(vec![text("web"), text("x")]),
            r#""event":{"category":["web","x"]}"#,
            true,
        ),
        (
            "an address that is none",
            "client.ip",
            text("masked"),
            r#""client":{"ip":"masked"}"#,
            true,
        ),
        (
            "a day that is none",
            "event.start",
            text("2026-02-30"),
            r#""event":{"start":"2026-02-30"}"#,
            true,
        ),
        ("a date that is none", "event.start", text("soon"), r#""event":{"start":"soon"}"#, true),
        (
            "a date",
            "event.start",
            Model::Time(1, 0),
            r#""event":{"start":"1970-01-01T00:00:01.000000000Z"}"#,
            false,
        ),
    ] {
        let (found, misfits) = placed(fields([(key, value)]));
        assert_eq!(found, expected, "{name}");
        let reported: &[&str] = if is_misfit { &[key] } else { &[] };
        assert_eq!(misfits, reported, "{name}");
    }
}

#[test]
fn dotted_and_nested_spellings_are_one_member() {
    let of = fields([
        ("http.request.method", text("POST")),
        ("amount", Model::U64(1)),
        ("http", map([("request", map([("bytes", Model::U64(5))])), ("version", text("2"))])),
        ("http.request.id", text("a")),
    ]);
    assert_eq!(
        placed(of).0,
        r#""http":{"request":{"method":"POST","bytes":5,"id":"a"},"version":"2"},"extra":{"amount":1}"#
    );
}

#[test]
fn the_nearest_source_of_a_leaf_counts() {
    let of = |number| fields([("user.id", Model::U64(number)), ("a", Model::U64(number))]);
    let described = Described {
        fields: fields([("user", map([("id", Model::U64(1))]))]),
        bound: Some([of(2), fields([("b", Model::U64(2)), ("trace.id", text("bound"))])].concat()),
        ambient: Some([of(3), fields([("b", Model::U64(3)), ("c", Model::U64(3))])].concat()),
        ids: Some(([0xab; 16], [0; 16])),
        ..Described::default()
    };
    let mut layout = layout(EcsOptions::new().service("options", "9"));
    layout.set_static_fields(&entries(&fields([
        ("service.name", text("static")),
        ("c", Model::U64(4)),
    ])));
    assert_eq!(
        members(&line(&mut layout, &described)),
        concat!(
            r#""trace":{"id":"bound"},"user":{"id":1},"#,
            r#""service":{"name":"static","version":"9"},"extra":{"a":2,"b":2,"c":3}"#,
        )
    );
}

/// In a context, `extra` is only a wrapper, and some keys are short for others.
#[test]
fn keys_of_contexts_mean_fields_of_the_schema() {
    let described = Described {
        bound: Some(fields([
            ("user_id", Model::U64(42)),
            ("ip", text("192.168.1.1")),
            ("reference_number", text("r")),
            ("extra", map([("merchant_id", text("acme")), ("user", map([("name", text("j"))]))])),
            ("extra.view", text("v")),
        ])),
        ..Described::default()
    };
    assert_eq!(
        members(&line(&mut layout(EcsOptions::new()), &described)),
        concat!(
            r#""user":{"id":42,"name":"j"},"client":{"ip":"192.168.1.1"},"#,
            r#""payment":{"reference":"r"},"merchant_id":"acme","view":"v""#,
        )
    );
}

#[derive(Debug)]
struct Failure(&'static str, Option<Box<Failure>>);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.1.as_deref().map(|cause| cause as _)
    }
}

#[test]
fn an_error_object_takes_further_members() {
    let error = Failure("cannot pay", Some(Box::new(Failure("timed out", None))));
    let of = fields([("error", Model::Null), ("error.code", text("E1")), ("cause", Model::Null)]);
    let site = callsite("core.payment.views", "payment_processed", &of);
    let payload = written(|out| {
        ErrorValue(&error).write(out);
        out.str("E1");
        ErrorValue(&error).write(out);
    });
    let mut layout = layout(EcsOptions::new());
    let line = with_source(
        &mut layout,
        Source::Site(site),
        &payload,
        &Described::default(),
        |layout, event| {
            let (mut line, mut tree) = (Vec::new(), Vec::new());
            layout.line(event, &mut line).unwrap();
            layout.line_of_tree(event, &mut tree).unwrap();
            assert_eq!(line, tree);
            read(std::str::from_utf8(&line).unwrap())
        },
    );
    let of = |error: &Json| {
        (
            error.text("message").to_owned(),
            error.get("chain").cloned(),
            error.text("stack_hash").len(),
        )
    };
    let found = line.get("error").unwrap();
    assert_eq!(found.text("code"), "E1");
    assert_eq!(
        of(found),
        ("cannot pay".into(), Some(Json::Array(vec![Json::Text("timed out".into())])), 16)
    );
    assert_eq!(of(line.get("extra").unwrap().get("cause").unwrap()), of(found));
}

#[test]
fn a_stack_trace_is_that_of_the_error() {
    let of = fields([("amount", Model::U64(1))]);
    let site = callsite("core.payment.views", "payment_processed", &of);
    let payload = written(|out| {
        out.u64(1);
        out.str("at main");
    });
    let mut layout = layout(EcsOptions::new());
    let line = with_source(
        &mut layout,
        Source::Site(site),
        &payload,
        &Described::default(),
        |layout, event| {
            let mut line = Vec::new();
            layout.line(&Event { has_stack: true, ..*event }, &mut line).unwrap();
            String::from_utf8(line).unwrap()
        },
    );
    assert_eq!(
        members(line.trim_end()),
        r#""error":{"stack_trace":"at main"},"extra":{"amount":1}"#
    );
}

#[test]
fn an_event_with_a_rate_ends_with_it() {
    let mut layout = layout(EcsOptions::new());
    let described = Described {
        fields: fields([("sample_rate", text("mine"))]),
        sample_rate: Some(0.25),
        ..Described::default()
    };
    assert_eq!(
        members(&line(&mut layout, &described)),
        r#""extra":{"sample_rate":"mine"},"sample_rate":0.25"#
    );
}

#[test]
fn hostile_keys_cost_little_and_nest_little() {
    let deep = vec!["a"; 20_000].join(".");
    let mut nested = Model::U64(1);
    for _ in 0..40 {
        nested = map([("x", nested)]);
    }
    let mut wide: Fields = (0..8_000).map(|at| (format!("k{at}"), Model::U64(at))).collect();
    wide.push((deep, Model::U64(1)));
    wide.push(("x.x.x".into(), nested));
    let payload = entries(&wide);
    let source = Source::Dynamic { target: b"app", event: b"seen" };
    let mut layout = layout(EcsOptions::new());
    let line =
        with_source(&mut layout, source, &payload, &Described::default(), |layout, event| {
            let mut line = Vec::new();
            layout.line(event, &mut line).unwrap();
            String::from_utf8(line).unwrap()
        });
    check_line(&line);
}
