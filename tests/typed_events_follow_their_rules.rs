//! Typed events: what `domain_events!` accepts, what its rules refuse, and what happens to an event that violates them.
use ringseal::events::{
    Allowed, Catalogue, FieldDescriptor, FieldValue, Num, Policy, Rule, VIOLATIONS_MAX, Violations,
};
use ringseal::testing::{Capture, CapturedEvent};
use ringseal::value::Value;
use ringseal::{Config, Level, Maybe, Pii, Secret, catalogue, domain_events};

fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn is_even(number: &i64) -> bool {
    number % 2 == 0
}

domain_events! {
    /// The torrent file exists and was checked.
    #[derive(Debug, Clone, Copy, PartialEq)]
    pub event TorrentBuilt<'a> = "TORRENT_BUILT_SUCCESS", Info, version 1 {
        infohash: &'a str where hex, len(40..=40);
        torrent_path: &'a str where not_blank;
        score: f64 where range(0.0..=100.0);
        asin: Option<&'a str>;
        title: Option<&'a str>;
        author: Pii<&'a str>;
        require any(asin, title);
    }

    /// Without lifetimes, fields or rules.
    pub event CacheCleared = "CACHE_CLEARED", Debug, version 3, target "cache" {}

    #[derive(Clone)]
    event EverythingMeasured<'a, T: Value + Clone> = "EVERYTHING_MEASURED_OK", Info, version 2 {
        /// Nested below `meta`.
        meta.reason: Option<&'a str> where non_null, one_of("new", "rebuilt");
        kind as "type": &'a str where one_of("book", "film",);
        r#match: bool where one_of(true);
        country: String where pattern("^[A-Z]{2}$", is_country);
        even: Option<i64> where custom(is_even), range(-10..=10);
        port: u16 where range(1024..);
        load: Option<f32> where range(..=1.5),;
        retries: Maybe<u32> where range(..=3);
        themes: &'a [&'a str] where items(1..=3);
        password: Secret<&'a str> where len(8..);
        born: Option<Pii<u32>> where range(1900..=2020);
        generic: T;
    }
}

mod sentences {
    ringseal::domain_events! {
        names: snake_case;
        pub event FeaturesWritten<'a> = "features_written", Info, version 1 {
            token_id: &'a str;
            feature_count: usize;
        }
    }
    ringseal::domain_events! {
        verbs: ["SYNC"];
        results: ["STALE"];
        pub(crate) event CacheSynced = "CACHE_SYNC_STALE", Info, version 1 {}
    }
    ringseal::domain_events! {
        names: dotted;
        pub(super) event RequestCompleted = "request.completed", Critical, version 1 { status: u16; }
    }
}

const INFOHASH: &str = "da39a3ee5e6b4b0d3255bfef95601890afd80709";

fn built() -> TorrentBuilt<'static> {
    TorrentBuilt {
        infohash: INFOHASH,
        torrent_path: "/data/book",
        score: 97.5,
        asin: None,
        title: Some("Emma"),
        author: Pii::name("Jane Austen"),
    }
}

fn everything() -> EverythingMeasured<'static, u8> {
    EverythingMeasured {
        reason: Some("new"),
        kind: "book",
        r#match: true,
        country: "KW".to_owned(),
        even: Some(4),
        port: 8080,
        load: None,
        retries: Maybe(None),
        themes: &["growth"],
        password: Secret::new("correct horse"),
        born: Some(Pii::date_of_birth(1999)),
        generic: 7,
    }
}

fn plain() -> Config {
    Config::new().level(Level::Trace).panic_hook(false)
}

fn own(event: &CapturedEvent) -> Vec<(&str, &str)> {
    let engines = ["timestamp", "level", "target", "event", "run_id", "schema_version"];
    let fields = event.fields().iter().map(|(key, _)| (key.as_str(), event.text(key)));
    fields.filter(|(key, _)| !engines.contains(key)).collect()
}

fn messages(result: Result<(), Violations>) -> Vec<String> {
    result.err().map(|found| found.iter().map(ToString::to_string).collect()).unwrap_or_default()
}

#[test]
fn a_valid_event_has_its_fields() {
    let (engine, capture) = Capture::start_with(plain());
    built().emit(&engine).unwrap();
    let event = capture.event("TORRENT_BUILT_SUCCESS");
    let expected = [
        ("infohash", INFOHASH),
        ("torrent_path", "/data/book"),
        ("score", "97.5"),
        ("asin", "null"),
        ("title", "Emma"),
        ("author", "<name>"),
    ];
    assert_eq!(own(&event), expected);
    assert_eq!((event.level(), event.target()), (Some(Level::Info), module_path!()));
}

#[test]
fn all_forms_of_declarations_are_logged() {
    let (engine, capture) = Capture::start_with(plain());
    CacheCleared {}.emit(&engine).unwrap();
    let event = capture.event("CACHE_CLEARED");
    assert_eq!(
        (event.level(), event.target(), own(&event).len()),
        (Some(Level::Debug), "cache", 0)
    );

    everything().emit(&engine).unwrap();
    let expected = [
        ("meta.reason", "new"),
        ("type", "book"),
        ("match", "true"),
        ("country", "KW"),
        ("even", "4"),
        ("port", "8080"),
        ("load", "null"),
        ("themes", "[\"growth\"]"),
        ("password", "***REDACTED***"),
        ("born", "<dob>"),
        ("generic", "7"),
    ];
    assert_eq!(own(&capture.event("EVERYTHING_MEASURED_OK")), expected);

    sentences::FeaturesWritten { token_id: "t-1", feature_count: 5 }.emit(&engine).unwrap();
    sentences::CacheSynced {}.emit(&engine).unwrap();
    sentences::RequestCompleted { status: 500 }.emit(&engine.logger()).unwrap();
    assert_eq!(capture.event("features_written")["feature_count"], 5);
    assert_eq!(capture.event("request.completed").level(), Some(Level::Critical));
}

/// A change of an event, and the message of the rule that it violates.
type Row = (fn(&mut EverythingMeasured<'static, u8>), &'static str);

const ROWS: &[Row] = &[
    (|e| e.reason = None, "meta.reason is required but got None"),
    (|e| e.reason = Some("old"), "meta.reason=old not in ['new', 'rebuilt']"),
    (|e| e.kind = "Book", "type=Book not in ['book', 'film']"),
    (|e| e.r#match = false, "match=False not in [True]"),
    (|e| e.country = "kw".to_owned(), "country=kw does not match ^[A-Z]{2}$"),
    (|e| e.even = Some(3), "even=3 is refused by is_even"),
    (|e| e.even = Some(-12), "even=-12 below min -10"),
    (|e| e.even = Some(12), "even=12 above max 10"),
    (|e| e.port = 80, "port=80 below min 1024"),
    (|e| e.load = Some(1.6), "load=1.6 above max 1.5"),
    (|e| e.load = Some(f32::NAN), "load=nan above max 1.5"),
    (|e| e.retries = Maybe(Some(4)), "retries=4 above max 3"),
    (|e| e.themes = &[], "themes has 0 items, expected 1..=3"),
    (|e| e.themes = &["a"; 4], "themes has 4 items, expected 1..=3"),
    (|e| e.password = Secret::new("short"), "password=***REDACTED*** does not have 8.. characters"),
    (
        |e| e.born = Some(Pii::date_of_birth(2500)),
        "born=***REDACTED*** is not a number in 1900..=2020",
    ),
];

#[test]
fn each_rule_has_its_message() {
    assert_eq!(messages(everything().validate()), [""; 0]);
    for (change, message) in ROWS {
        let mut event = everything();
        change(&mut event);
        assert_eq!(messages(event.validate()), [*message]);
    }
    let rows: [(TorrentBuilt<'_>, &str); 10] = [
        (TorrentBuilt { score: 150.0, ..built() }, "score=150.0 above max 100.0"),
        (TorrentBuilt { score: -0.5, ..built() }, "score=-0.5 below min 0.0"),
        (TorrentBuilt { score: f64::NAN, ..built() }, "score=nan below min 0.0"),
        (TorrentBuilt { score: f64::INFINITY, ..built() }, "score=inf above max 100.0"),
        (
            TorrentBuilt { torrent_path: " \t\u{2003}", ..built() },
            "torrent_path= \t\u{2003} is blank",
        ),
        (TorrentBuilt { torrent_path: "", ..built() }, "torrent_path= is blank"),
        (
            TorrentBuilt { infohash: &INFOHASH[1..], ..built() },
            &format!("infohash={} does not have 40 characters", &INFOHASH[1..]),
        ),
        (
            TorrentBuilt { infohash: &INFOHASH.replace('d', "g"), ..built() },
            &format!("infohash={} is not hexadecimal", INFOHASH.replace('d', "g")),
        ),
        (TorrentBuilt { title: None, ..built() }, "Required feature asin|title missing"),
        (TorrentBuilt { title: None, asin: Some(""), ..built() }, ""),
    ];
    for (event, message) in rows {
        let expected = if message.is_empty() { vec![] } else { vec![message.to_owned()] };
        assert_eq!(messages(event.validate()), expected);
    }
}

#[test]
fn lengths_count_characters_not_bytes() {
    domain_events! {
        event NameChosen<'a> = "NAME_CHOSEN", Info, version 1 { name: &'a str where len(1..=4); }
    }
    for (name, is_valid) in
        [("", false), ("äöü€", true), ("🦀🦀🦀🦀", true), ("🦀🦀🦀🦀🦀", false), ("e\u{301}", true)]
    {
        assert_eq!(NameChosen { name }.validate().is_ok(), is_valid, "{name}");
    }
}

#[test]
fn long_texts_are_shown_shortened() {
    let long = "ä".repeat(30);
    let result = TorrentBuilt { infohash: &long, ..built() }.validate();
    let shown = "ä".repeat(23);
    assert_eq!(messages(result)[0], format!("infohash={shown}… is not hexadecimal"));
}

#[test]
fn violations_beyond_the_bound_are_counted() {
    domain_events! {
        event ManyFailed = "MANY_FAILED", Error, version 1 {
            a: u8 where range(1..), custom(never), one_of(9), custom(never);
            b: u8 where range(1..), custom(never), one_of(9), custom(never);
            c: u8 where range(1..), custom(never), one_of(9), custom(never);
            d: u8 where range(1..), custom(never), one_of(9), custom(never);
            e: u8 where range(1..), custom(never);
        }
    }
    fn never(_: &u8) -> bool {
        false
    }
    let found = ManyFailed { a: 0, b: 0, c: 0, d: 0, e: 0 }.validate().unwrap_err();
    assert_eq!((found.count(), found.iter().count()), (18, VIOLATIONS_MAX));
    assert!(found.to_string().ends_with("d=0 is refused by never; and 2 more"), "{found}");
}

#[test]
fn a_degraded_event_is_kept_with_its_violations() {
    let (engine, capture) = Capture::start_with(plain().level(Level::Info));
    domain_events! {
        event UploadSubmitted<'a> = "UPLOAD_SUBMITTED", Info, version 1 {
            tracker: &'a str where not_blank;
            infohash: &'a str where hex;
        }
        event UploadFailed<'a> = "UPLOAD_FAILED", Error, version 1 { meta.reason: &'a str where not_blank; }
        event DiskChecked = "DISK_CHECKED", Debug, version 1 { free: u64 where range(1..); }
    }
    static CATALOGUE: Catalogue = catalogue![UploadSubmitted, UploadFailed, DiskChecked];
    UploadSubmitted { tracker: "", infohash: "xyz" }.emit(&engine).unwrap();
    UploadFailed { reason: " " }.emit(&engine).unwrap();
    // Disabled: its rules are not applied.
    DiskChecked { free: 0 }.emit(&engine).unwrap();
    let event = capture.event("UPLOAD_SUBMITTED");
    assert_eq!(event.level(), Some(Level::Warn));
    assert_eq!(event["infohash"], "xyz");
    assert_eq!(event["validation_errors"][0], "tracker= is blank");
    assert_eq!(event["validation_errors"][1], "infohash=xyz is not hexadecimal");
    let event = capture.event("UPLOAD_FAILED");
    assert_eq!((event.level(), event.text("meta.reason")), (Some(Level::Error), " "));
    assert_eq!(capture.events_named("DISK_CHECKED").len(), 0);
    let failures: Vec<_> =
        CATALOGUE.failures().map(|f| (f.event, f.keys, f.kind, f.count)).collect();
    let expected: [(&str, &[&str], &str, u64); 4] = [
        ("UPLOAD_SUBMITTED", &["tracker"], "not_blank", 1),
        ("UPLOAD_SUBMITTED", &["infohash"], "hex", 1),
        ("UPLOAD_FAILED", &["meta.reason"], "not_blank", 1),
        ("DISK_CHECKED", &["free"], "range", 0),
    ];
    assert_eq!(failures, expected);
}

#[test]
fn each_policy_treats_invalid_events_its_way() {
    domain_events! {
        event FileRead = "FILE_READ_OK", Info, version 1 {
            a: Option<u8>;
            b: Option<u8>;
            require any(a, b);
        }
    }
    static CATALOGUE: Catalogue = catalogue![FileRead];
    let (engine, capture) = Capture::start_with(plain());
    let count = || CATALOGUE.failures().map(|failures| failures.count).collect::<Vec<_>>();
    let emit = || FileRead { a: None, b: None }.emit(&engine).map_err(Box::new);

    CATALOGUE.set_policy(Policy::Reject);
    assert_eq!(messages(emit().map_err(|found| *found)), ["Required feature a|b missing"]);
    assert_eq!((capture.events_named("FILE_READ_OK").len(), count()), (0, vec![1]));
    FileRead { a: Some(1), b: None }.emit(&engine).unwrap();
    assert_eq!(capture.events_named("FILE_READ_OK").len(), 1);

    CATALOGUE.set_policy(Policy::Off);
    emit().unwrap();
    let events = capture.events_named("FILE_READ_OK");
    assert_eq!(
        (events.len(), own(&events[1]), count()),
        (2, vec![("a", "null"), ("b", "null")], vec![1])
    );
    assert_eq!(events[1].level(), Some(Level::Info));

    CATALOGUE.set_policy(Policy::Degrade);
    emit().unwrap();
    let events = capture.events_named("FILE_READ_OK");
    assert_eq!(events[2]["validation_errors"][0], "Required feature a|b missing");
    assert_eq!((events[2].level(), count()), (Some(Level::Warn), vec![2]));
}

#[test]
fn no_message_shows_a_sensitive_value() {
    let canary = "hunter2-canary";
    domain_events! {
        event UserCreated<'a> = "USER_CREATED", Info, version 1 {
            mail: Pii<&'a str> where len(..=3), hex, not_blank, one_of("x");
            phrase: Secret<&'a str> where len(..=3), pattern("^x$", |text| text == "x");
            nested: Option<Pii<&'a str>> where custom(|_: &str| false);
            // A telling key: what the message repeats is masked by the redaction of the line.
            password: &'a str where len(..=3);
        }
    }
    let event = UserCreated {
        mail: Pii::email(canary),
        phrase: Secret::new(canary),
        nested: Some(Pii::name(canary)),
        password: canary,
    };
    let found = event.validate().unwrap_err();
    assert_eq!(found.count(), 7);
    let others = found.iter().filter(|violation| violation.field() != "password");
    for violation in others {
        assert!(!format!("{violation} {violation:?}").contains(canary), "{violation}");
    }
    let (engine, capture) = Capture::start_with(plain());
    event.emit(&engine).unwrap();
    let lines = capture.lines().concat();
    assert!(lines.contains("validation_errors") && !lines.contains(canary), "{lines}");
}

#[test]
fn an_event_may_have_forty_fields() {
    macro_rules! wide {
        ($($field:ident)*) => {
            domain_events! {
                event WideMeasured = "WIDE_MEASURED", Info, version 1 {
                    $($field: Option<u32> where non_null, range(1..=100), custom(is_small);)*
                }
            }
            fn wide() -> WideMeasured {
                WideMeasured { $($field: Some(1)),* }
            }
        };
    }
    fn is_small(number: &u32) -> bool {
        *number < 200
    }
    wide!(a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 b0 b1 b2 b3 b4 b5 b6 b7 b8 b9
          c0 c1 c2 c3 c4 c5 c6 c7 c8 c9 d0 d1 d2 d3 d4 d5 d6 d7 d8 d9);
    let (engine, capture) = Capture::start_with(plain());
    wide().emit(&engine).unwrap();
    assert_eq!(own(&capture.event("WIDE_MEASURED")).len(), 40);
    assert_eq!(WideMeasured::DESCRIPTOR.failures().count(), 120);
    let wrong = WideMeasured { d9: Some(0), ..wide() };
    assert_eq!(messages(wrong.validate()), ["d9=0 below min 1"]);
    wrong.emit(&engine).unwrap();
    let counts: Vec<u64> =
        WideMeasured::DESCRIPTOR.failures().map(|failures| failures.count).collect();
    assert_eq!((counts[118], counts.iter().sum::<u64>()), (1, 1));
}

/// The messages and types of a table whose keys are known only at run time; a truth value is not a number.
#[test]
fn tables_of_fields_check_values_of_any_type() {
    static RULES: [FieldDescriptor; 4] = [
        FieldDescriptor::new("gem_score", &[Rule::NonNull, range(0.0, 100.0)]),
        FieldDescriptor::new("sentiment_score", &[range(-1.0, 1.0)]),
        FieldDescriptor::new(
            "flagged",
            &[Rule::OneOf(&[Allowed::Bool(true), Allowed::Bool(false)])],
        ),
        FieldDescriptor::new(
            "level",
            &[Rule::OneOf(&[Allowed::Num(Num::Int(1)), Allowed::Num(Num::Int(2))])],
        ),
    ];
    const fn range(min: f64, max: f64) -> Rule {
        Rule::Range(ringseal::events::Bounds {
            min: Some(Num::Float(min)),
            max: Some(Num::Float(max)),
        })
    }
    let rows: [(usize, FieldValue<'_>, &str); 15] = [
        (0, FieldValue::Null, "gem_score is required but got None"),
        (0, (-5).into(), "gem_score=-5 below min 0.0"),
        (0, 150.0.into(), "gem_score=150.0 above max 100.0"),
        (0, f64::NAN.into(), "gem_score=nan below min 0.0"),
        (0, true.into(), "gem_score=True is not a number in 0.0..=100.0"),
        (0, "50".into(), "gem_score=50 is not a number in 0.0..=100.0"),
        (0, 100.into(), ""),
        (1, FieldValue::Null, ""),
        (1, None::<f64>.into(), ""),
        (2, 1.into(), "flagged=1 not in [True, False]"),
        (2, "True".into(), "flagged=True not in [True, False]"),
        (2, false.into(), ""),
        (3, true.into(), "level=True not in [1, 2]"),
        (3, 2.0.into(), ""),
        (3, u64::MAX.into(), "level=18446744073709551615 not in [1, 2]"),
    ];
    for (field, value, message) in rows {
        let mut found = Violations::new();
        found.check(&RULES[field], value);
        assert_eq!(found.to_string(), message);
    }
    let mut found = Violations::new();
    found.require(&["gem_score"]);
    assert_eq!(found.to_string(), "Required feature gem_score missing");
}
