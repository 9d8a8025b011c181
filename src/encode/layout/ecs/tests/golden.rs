//! Golden lines: the examples of the package ecsctx, and the specification of ECS loggers.
use super::*;

/// The specification of ECS loggers, from elastic/ecs-logging (Apache License, Version 2.0).
const SPECIFICATION: &str = include_str!("ecs_logging_spec.json");

fn ecsctx() -> EcsOptions {
    EcsOptions::new().order(EcsOrder::Ecsctx)
}

#[test]
fn the_health_check_equals_that_of_ecsctx() {
    let mut layout = layout(ecsctx().service("app", "1.0.0").project("my-project"));
    let described = Described {
        bound: Some(fields([
            ("trace_id", text("abcdef1234567890abcdef1234567890")),
            ("span_id", text("some-uuid-here")),
        ])),
        ..Described::default()
    };
    let site = callsite("core.views", "health_check", &described.fields);
    assert_eq!(
        line_of(&mut layout, site, &described),
        concat!(
            r#"{"@timestamp":"2025-01-13T10:30:00.000Z","ecs.version":"1.12.0","#,
            r#""message":"health_check","log.level":"info","log.logger":"core.views","#,
            r#""trace":{"id":"abcdef1234567890abcdef1234567890"},"span":{"id":"some-uuid-here"},"#,
            r#""service":{"name":"app","version":"1.0.0"},"project":{"name":"my-project"}}"#,
        )
    );
}

/// The ids come from the correlation, everything else from a context, except the two fields of the call.
#[test]
fn the_payment_equals_that_of_ecsctx() {
    let mut layout = layout(ecsctx().service("app", "1.2.3").project("keyloop"));
    let keyloop = map([("enterprise_id", text("ent-789")), ("store_id", text("store-001"))]);
    let described = Described {
        fields: fields([("amount", Model::U64(100)), ("currency", text("KWD"))]),
        ambient: Some(fields([
            ("user_id", Model::U64(42)),
            ("ip", text("192.168.1.1")),
            ("session_id", text("sess-456")),
            ("orn", text("ref-123")),
            ("pg_code", text("knet")),
            ("extra", map([("merchant_id", text("acme-corp")), ("keyloop", keyloop)])),
            ("labels", map([("env", text("production")), ("region", text("us-east-1"))])),
        ])),
        ids: Some((
            *b"\x0a\xf7\x65\x19\x16\xcd\x43\xdd\x84\x48\xeb\x21\x1c\x80\x31\x9c",
            *b"\xa1\xb2\xc3\xd4\xe5\xf6\x78\x90\xab\xcd\xef\x12\x34\x56\x78\x90",
        )),
        ..Described::default()
    };
    let line = line(&mut layout, &described);
    assert_eq!(
        line,
        concat!(
            r#"{"@timestamp":"2025-01-13T10:30:00.000Z","ecs.version":"1.12.0","#,
            r#""message":"payment_processed","log.level":"info","log.logger":"core.payment.views","#,
            r#""trace":{"id":"0af7651916cd43dd8448eb211c80319c"},"#,
            r#""span":{"id":"a1b2c3d4-e5f6-7890-abcd-ef1234567890"},"user":{"id":42},"#,
            r#""client":{"ip":"192.168.1.1"},"service":{"name":"app","version":"1.2.3"},"#,
            r#""project":{"name":"keyloop"},"payment":{"orn":"ref-123","pg_code":"knet"},"#,
            r#""session_id":"#,
            r#""sess-456","merchant_id":"acme-corp","labels":{"env":"production","#,
            r#""region":"us-east-1"},"extra":{"amount":100,"currency":"KWD","#,
            r#""keyloop":{"enterprise_id":"ent-789","store_id":"store-001"}}}"#,
        )
    );
    assert_eq!(layout.misfits.count, 0);
}

#[test]
fn the_default_order_is_that_of_the_specification() {
    let described = Described {
        fields: fields([("http.request.method", text("POST")), ("amount", Model::U64(7))]),
        ids: Some(([0x4b; 16], *b"\xb7\xad\x6b\x71\x69\x20\x33\x31\0\0\0\0\0\0\0\0")),
        ..Described::default()
    };
    let options = EcsOptions::new().service("pay", "1.4.2").environment("prod").dataset("pay");
    assert_eq!(
        line(&mut layout(options), &described),
        concat!(
            r#"{"@timestamp":"2025-01-13T10:30:00.000Z","log.level":"info","#,
            r#""message":"payment_processed","ecs.version":"1.12.0","log.logger":"core.payment.views","#,
            r#""trace":{"id":"4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b"},"span":{"id":"b7ad6b7169203331"},"#,
            r#""http":{"request":{"method":"POST"}},"event":{"dataset":"pay"},"service":{"name":"pay","#,
            r#""version":"1.4.2","environment":"prod"},"extra":{"amount":7}}"#,
        )
    );
}

/// The value at a dotted path: a member of the root with that name, or one of the objects inside each other.
fn at<'j>(line: &'j Json, path: &str) -> Option<&'j Json> {
    let nested = || path.split('.').try_fold(line, |json, part| json.get(part));
    line.get(path).or_else(nested)
}

#[test]
fn lines_obey_the_specification_of_loggers() {
    let Json::Map(rules) = read(SPECIFICATION).get("fields").unwrap().clone() else { panic!() };
    let mut layout = layout(EcsOptions::new().service("pay", "1").environment("p").call_site(true));
    let described = Described {
        fields: fields([
            ("error", text("refused")),
            ("labels.a.b*c\\d", text("x")),
            ("transaction_id", text("00f067aa0ba902b7")),
            ("process.thread.name", text("worker-1")),
        ]),
        ids: Some(([1; 16], [2; 16])),
        ..Described::default()
    };
    let line = read(&line(&mut layout, &described));
    let Json::Map(members) = &line else { panic!() };
    for (path, rule) in &rules {
        let found = at(&line, path);
        if rule.get("required") == Some(&Json::Bool(true)) {
            assert!(found.is_some(), "{path} is required");
        }
        if rule.get("top_level_field") == Some(&Json::Bool(true)) {
            assert!(line.get(path).is_some(), "{path} is a member of the root");
        }
        if let Some(Json::Number(index)) = rule.get("index") {
            assert_eq!(members[index.parse::<usize>().unwrap()].0, *path);
        }
        let fits = matches!(
            (rule.text("type"), found),
            (_, None)
                | ("datetime" | "string", Some(Json::Text(_)))
                | ("integer", Some(Json::Number(_)))
                | ("object", Some(Json::Map(_)))
        );
        assert!(fits, "{path}: {found:?}");
    }
    let expected =
        ["trace.id", "transaction.id", "service.name", "log.origin.file.line", "error.message"];
    assert!(expected.iter().all(|path| at(&line, path).is_some()), "{line:?}");
    assert!(at(&line, "labels").unwrap().get("a_b_c_d").is_some());
}
