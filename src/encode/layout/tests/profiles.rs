//! Lines of the profiles, compared byte by byte with those that the documents show, in the compact form of JSON.
use super::profile::Member;
use super::*;
use ringseal_base::value::ErrorValue;

fn layout(profile: &'static Profile) -> Layout {
    flat(JsonOptions { run_id: "41a6".into(), ..JsonOptions::of(profile) })
}

fn text_layout(style: ConsoleStyle) -> Layout {
    Layout::Console(Box::new(ConsoleLayout::new(ConsoleOptions::of(style))))
}

const PROFILES: [&Profile; 6] = [
    Profile::JSON,
    Profile::STRUCTLOG,
    Profile::STDLIB_JSON,
    Profile::DASHTAM_CI,
    Profile::DASHTAM_CLOUDWATCH,
    Profile::CLOUD_DOG_JSON,
];

/// 2025-11-13T19:00:00.123456789Z.
const AT: i64 = 1_763_060_400_123_456_789;

fn string(text: &str) -> Model {
    Model::Str(text.into())
}

fn fields(fields: &[(&str, Model)]) -> Vec<(String, Model)> {
    fields.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

fn event(level: Level, name: &str, of: &[(&str, Model)]) -> Described {
    let described = Described::site(fields(of));
    Described { unix_nanos: AT, level, target: "shop::db".into(), event: name.into(), ..described }
}

#[derive(Debug)]
struct OperationalError;

impl std::fmt::Display for OperationalError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connection refused")
    }
}

impl std::error::Error for OperationalError {}

/// An error with a cause.
#[derive(Debug)]
struct ScanError(OperationalError);

impl std::fmt::Display for ScanError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no answer\nof the node")
    }
}

impl std::error::Error for ScanError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// The line of an event whose fields that are called `error` are this error.
fn line_with_error(
    layout: &mut Layout,
    event: &Described,
    error: &dyn Value,
    bound: Option<&[u8]>,
) -> String {
    let payload = written(Limits::default(), |out| {
        for (key, value) in &event.fields {
            match (event.is_dynamic, key.as_str()) {
                (false, "error") => error.write(out),
                (false, _) => value.write(out),
                (true, "error") => out.entry(key, &Dyn(error)),
                (true, _) => out.entry(key, value),
            }
        }
    });
    let source = match event.is_dynamic {
        true => Source::Dynamic { target: event.target.as_bytes(), event: event.event.as_bytes() },
        false => Source::Site(callsite(event)),
    };
    line_of(layout, event, source, &payload, bound)
}

/// A value behind a reference.
struct Dyn<'a>(&'a dyn Value);

impl Value for Dyn<'_> {
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        self.0.size_bytes_max(limits)
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        self.0.write(out);
    }
}

/// The event of a torrent, as the document on structlog shows it.
#[test]
fn structlog_lines_look_as_documented() {
    let mut built = event(
        Level::Info,
        "event",
        &[
            ("event_type", string("TORRENT_BUILT_SUCCESS")),
            ("infohash", string("abcdef1234")),
            ("torrent_path", string("/data/book")),
        ],
    );
    built.ambient = Some(fields(&[("correlation_id", string("0f2b"))]));
    let expected = concat!(
        r#"{"event":"event","event_type":"TORRENT_BUILT_SUCCESS","infohash":"abcdef1234","torrent_path":"/data/book","#,
        r#""correlation_id":"0f2b","run_id":"41a6","schema_version":1,"timestamp":"2025-11-13T19:00:00.123Z","level":"info"}"#
    );
    assert_eq!(line(&mut layout(Profile::STRUCTLOG), &built), expected);

    let failed = event(
        Level::Error,
        "http.error",
        &[
            ("path", string("/größe")),
            ("error", Model::Null),
            ("duration_ms", Model::F64(1.5f64.to_bits())),
        ],
    );
    let kind = std::any::type_name::<ScanError>();
    let expected = [
        r#"{"event":"http.error","path":"/größe","duration_ms":1.5,"run_id":"41a6","schema_version":1,"#,
        r#""timestamp":"2025-11-13T19:00:00.123Z","level":"error","exception":""#,
        &format!(
            r#"{kind}: no answer\nof the node\ncaused by: OperationalError: Connection refused"}}"#
        ),
    ];
    let error = ScanError(OperationalError);
    let found =
        line_with_error(&mut layout(Profile::STRUCTLOG), &failed, &ErrorValue(&error), None);
    assert_eq!(found, expected.concat());
}

/// `timestamp level name message`, then the fields of the document's events.
#[test]
fn stdlib_lines_look_as_documented() {
    let completed = event(
        Level::Warn,
        "scan_completed",
        &[
            ("token_id", string("eth")),
            ("gem_score", Model::F64(87.5f64.to_bits())),
            ("flagged", Model::Bool(false)),
        ],
    );
    assert_eq!(
        line(&mut layout(Profile::STDLIB_JSON), &completed),
        concat!(
            r#"{"timestamp":"2025-11-13T19:00:00.123456Z","level":"warning","name":"shop::db","message":"scan_completed","#,
            r#""token_id":"eth","gem_score":87.5,"flagged":false}"#
        )
    );
    let failed =
        event(Level::Error, "scan_failed", &[("token_id", string("eth")), ("error", Model::Null)]);
    let kind = std::any::type_name::<OperationalError>();
    let found = line_with_error(
        &mut layout(Profile::STDLIB_JSON),
        &failed,
        &ErrorValue(&OperationalError),
        None,
    );
    let expected = concat!(
        r#"{"timestamp":"2025-11-13T19:00:00.123456Z","level":"error","name":"shop::db","message":"scan_failed","#,
        r#""token_id":"eth","error":"Connection refused","exception":"KIND: Connection refused"}"#
    );
    assert_eq!(found, expected.replace("KIND", kind));
}

/// The three events that the document shows in each form.
#[test]
fn dashtam_lines_look_as_documented() {
    let trace = ("trace_id", string("abc123"));
    let registered = event(
        Level::Info,
        "User registered",
        &[
            ("user_id", string("123e4567-e89b-12d3-a456-426614174000")),
            ("email", string("user@example.com")),
            trace.clone(),
        ],
    );
    let limited = event(
        Level::Warn,
        "Rate limit approaching",
        &[("current_rate", Model::U64(45)), ("limit", Model::U64(50)), trace.clone()],
    );
    let failed = event(
        Level::Error,
        "Database connection failed",
        &[("error", Model::Null), ("retry_count", Model::U64(3)), trace],
    );
    let error = ErrorValue(&OperationalError);
    let rows = [
        (
            &registered,
            concat!(
                r#"{"timestamp":"2025-11-13T19:00:00.123Z","level":"info","message":"User registered","#,
                r#""user_id":"123e4567-e89b-12d3-a456-426614174000","email":"user@example.com","trace_id":"abc123"}"#
            ),
            concat!(
                "2025-11-13T19:00:00.123Z [INFO    ] User registered ",
                "user_id=123e4567-e89b-12d3-a456-426614174000 email=user@example.com trace_id=abc123"
            ),
        ),
        (
            &limited,
            concat!(
                r#"{"timestamp":"2025-11-13T19:00:00.123Z","level":"warning","message":"Rate limit approaching","#,
                r#""current_rate":45,"limit":50,"trace_id":"abc123"}"#
            ),
            "2025-11-13T19:00:00.123Z [WARNING ] Rate limit approaching current_rate=45 limit=50 trace_id=abc123",
        ),
        (
            &failed,
            concat!(
                r#"{"timestamp":"2025-11-13T19:00:00.123Z","level":"error","message":"Database connection failed","#,
                r#""error_type":"OperationalError","error_message":"Connection refused","retry_count":3,"#,
                r#""trace_id":"abc123"}"#
            ),
            concat!(
                "2025-11-13T19:00:00.123Z [ERROR   ] Database connection failed ",
                "error_type=OperationalError error_message=\"Connection refused\" retry_count=3 trace_id=abc123"
            ),
        ),
    ];
    for (event, json, text) in rows {
        for is_dynamic in [false, true] {
            let event = &Described { is_dynamic, ..event.clone() };
            let ci = line_with_error(&mut layout(Profile::DASHTAM_CI), event, &error, None);
            assert_eq!(ci, json);
            let mut cloudwatch = layout(Profile::DASHTAM_CLOUDWATCH);
            let upper = |word: &str| format!("\"level\":\"{word}\"");
            let (lower, word) = match event.level {
                Level::Info => (upper("info"), upper("INFO")),
                Level::Warn => (upper("warning"), upper("WARNING")),
                _ => (upper("error"), upper("ERROR")),
            };
            let found = line_with_error(&mut cloudwatch, event, &error, None);
            assert_eq!(found, json.replace(&lower, &word));
            let mut dev = text_layout(ConsoleStyle::Dashtam);
            assert_eq!(line_with_error(&mut dev, event, &error, None), text);
        }
    }
}

#[test]
fn cloud_dog_lines_look_as_documented() {
    let mut processed = event(
        Level::Info,
        "Processing request",
        &[("user_id", Model::U64(7)), ("service", string("api"))],
    );
    let static_fields = entries(
        Limits::default(),
        &fields(&[
            ("service", string("shop")),
            ("service_instance", string("node-1")),
            ("environment", string("prod")),
            ("zone", string("b")),
        ]),
    );
    let mut json = layout(Profile::CLOUD_DOG_JSON);
    let mut text = text_layout(ConsoleStyle::CloudDog);
    json.set_static_fields(&static_fields).unwrap();
    text.set_static_fields(&static_fields).unwrap();
    processed.ambient =
        Some(fields(&[("correlation_id", string("6f1d2c3b4a5968778695a4b3c2d1e0ff"))]));
    assert_eq!(
        line(&mut json, &processed),
        concat!(
            r#"{"timestamp":"2025-11-13T19:00:00.123456Z","level":"INFO","logger":"shop::db","message":"Processing request","#,
            r#""correlation_id":"6f1d2c3b4a5968778695a4b3c2d1e0ff","service":"api","service_instance":"node-1","#,
            r#""environment":"prod","extra":{"zone":"b","user_id":7}}"#
        )
    );
    assert_eq!(
        line(&mut text, &processed),
        concat!(
            "[2025-11-13T19:00:00.123456Z] INFO     api 6f1d2c3b4a59 shop::db — Processing request ",
            "user_id=7 service_instance=node-1 environment=prod zone=b"
        )
    );

    let plain = event(Level::Warn, "slow", &[]);
    assert_eq!(
        line(&mut layout(Profile::CLOUD_DOG_JSON), &plain),
        concat!(
            r#"{"timestamp":"2025-11-13T19:00:00.123456Z","level":"WARNING","logger":"shop::db","message":"slow","#,
            r#""correlation_id":null,"service":"unknown","service_instance":"unknown","environment":"unknown"}"#
        )
    );
    assert_eq!(
        line(&mut text_layout(ConsoleStyle::CloudDog), &plain),
        "[2025-11-13T19:00:00.123456Z] WARNING  unknown — shop::db — slow"
    );
    let traced = Described { ids: Some(([0xAB; 16], [0; 16])), ..plain };
    assert_eq!(
        line(&mut text_layout(ConsoleStyle::CloudDog), &traced),
        format!(
            "[2025-11-13T19:00:00.123456Z] WARNING  unknown abababababab shop::db — slow trace_id={}",
            "ab".repeat(16)
        )
    );
    let json = read(&line(&mut layout(Profile::CLOUD_DOG_JSON), &traced));
    assert_eq!(json.text("correlation_id"), "ab".repeat(16));
    assert_eq!(json.get("extra").unwrap().text("trace_id"), "ab".repeat(16));
}

/// An exception is an object with the lines of the trace, and one text.
#[test]
fn cloud_dog_errors_are_objects_and_texts() {
    let failed =
        event(Level::Error, "failed", &[("error", Model::Null), ("user_id", Model::U64(7))]);
    let error = ScanError(OperationalError);
    let found =
        line_with_error(&mut layout(Profile::CLOUD_DOG_JSON), &failed, &ErrorValue(&error), None);
    let json = read(&found);
    let kind = std::any::type_name::<ScanError>();
    let first = format!("{kind}: no answer\nof the node");
    let second = "caused by: OperationalError: Connection refused".to_owned();
    assert_eq!(json.text("traceback"), format!("{first}\n{second}"));
    let exception = json.get("extra").and_then(|extra| extra.get("exception")).unwrap();
    assert_eq!(exception.text("type"), "ScanError");
    assert_eq!(exception.text("message"), "no answer\nof the node: Connection refused");
    assert_eq!(exception.text("stack_hash").len(), 16);
    let lines = Json::Array(vec![Json::Text(first), Json::Text(second)]);
    assert_eq!(exception.get("traceback"), Some(&lines));
    assert!(found.contains(r#"},"user_id":7},"traceback":"#), "{found}");
}

/// Whatever a user calls a field, no line has a key twice, and no value is lost.
#[test]
fn no_member_of_an_error_meets_a_field() {
    let keys = [
        "error_type",
        "error_message",
        "error_stack_trace",
        "exception",
        "traceback",
        "message",
        "name",
        "extra",
        "service",
        "field.error_type",
        "level",
    ];
    let mut of: Vec<(&str, Model)> = keys.iter().map(|key| (*key, string(key))).collect();
    let error = ErrorValue(&OperationalError);
    for error_at in [0, 4, of.len()] {
        of.insert(error_at, ("error", Model::Null));
        for profile in PROFILES {
            for (is_dynamic, is_bound, sort_keys) in [
                (false, false, false),
                (true, false, false),
                (false, true, false),
                (true, true, true),
            ] {
                let options = JsonOptions { sort_keys, ..JsonOptions::of(profile) };
                let own = if is_bound { &of[error_at..=error_at] } else { &of[..] };
                let event = Described { is_dynamic, ..event(Level::Info, "e", own) };
                let bound: Vec<_> = of.iter().filter(|(key, _)| *key != "error").cloned().collect();
                let bound = entries(Limits::default(), &fields(&bound));
                let bound = is_bound.then_some(&bound[..]);
                let found = line_with_error(&mut flat(options), &event, &error, bound);
                // Panics if a key is there twice.
                read(&found);
                assert!(found.contains("Connection refused"), "{found}");
                for key in keys {
                    assert!(
                        found.contains(&format!("\"{key}\"}}"))
                            || found.contains(&format!(":\"{key}\"")),
                        "{key}: {found}"
                    );
                }
            }
        }
        of.remove(error_at);
    }
}

/// An error under another key, and one that is bound, keep their content.
#[test]
fn other_errors_stay_whole() {
    let error = ErrorValue(&OperationalError);
    let bound = written(Limits::default(), |out| out.entry("error", &error));
    for profile in PROFILES {
        let event = event(Level::Info, "e", &[("a", Model::U64(1))]);
        let found = line_with_error(&mut layout(profile), &event, &Model::Null, Some(&bound));
        assert!(found.contains("Connection refused"), "{found}");
        let is_object = found.contains(r#""error":{"type""#);
        assert_eq!(is_object, profile.errors.is_empty(), "{found}");
        let cause = written(Limits::default(), |out| out.entry("cause", &error));
        let found = line_with_error(&mut layout(profile), &event, &Model::Null, Some(&cause));
        assert!(found.contains(r#""cause":{"type""#), "{found}");
    }
}

/// A text under the key of errors is not an error.
#[test]
fn a_text_as_error_stays_a_text() {
    for profile in PROFILES {
        let event = event(Level::Info, "e", &[("error", string("refused"))]);
        let found = line(&mut layout(profile), &event);
        assert!(found.contains(r#""error":"refused""#), "{found}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_profile_writes_the_fields_of_json(event in any_event(), of in any_fields(4), sort_keys: bool) {
        let of = entries(Limits::default(), &of);
        let leaves = |profile: &'static Profile| {
            let run_id_in = RunId::Off;
            let mut layout = flat(JsonOptions { sort_keys, run_id_in, ..JsonOptions::of(profile) });
            layout.set_static_fields(&of).unwrap();
            let json = read(&line(&mut layout, &event));
            prop_assert_eq!(json.is_sorted() || !sort_keys, true);
            let Json::Map(members) = json else { panic!("no object") };
            let keys = JsonOptions::of(profile).keys;
            let of_line = profile.members().filter_map(|member| match member {
                // A stack trace is a value of the event.
                Member::Key(LineKey::Stack) => None,
                Member::Key(key) => Some(keys.get(key).to_owned()),
                Member::Field(key, _) => Some(key.to_owned()),
            });
            let of_line: Vec<String> = of_line.collect();
            // Keys have other prefixes, and times other digits: the values count.
            let members = members.into_iter().filter(|(key, _)| !of_line.contains(key));
            let members = members.flat_map(|(key, value)| match value {
                Json::Map(inner) if profile.nested == Some(&key) => inner,
                value => vec![(key, value)],
            });
            let mut values: Vec<String> = members.map(|(_, value)| format!("{value:?}")).collect();
            values.sort();
            Ok(values)
        };
        let expected = leaves(Profile::JSON)?;
        for profile in PROFILES {
            prop_assert_eq!(&leaves(profile)?, &expected);
        }
    }
}
