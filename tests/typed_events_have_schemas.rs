//! The schemas of typed events: what is logged matches them, what violates rules does not, and a change of an event's
//! fields requires another version.
use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, SystemTime};

use ringseal::events::{Catalogue, Policy, SnapshotError};
use ringseal::testing::Capture;
use ringseal::value::{Map, Uuid};
use ringseal::{
    Config, Level, Maybe, Pii, Secret, assert_schema_snapshot, catalogue, domain_events,
};
use serde_json::Value;

#[path = "support/json_schema.rs"]
mod json_schema;

use json_schema::problems;

fn is_upper(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_uppercase())
}

domain_events! {
    #[derive(Clone)]
    event TypesListed<'a> = "TYPES_LISTED", Info, version 1 {
        unit: ();
        flag: bool;
        small: i8;
        large: u64;
        huge: i128;
        float: f64;
        single: Option<f32>;
        text: &'a str;
        owned: Cow<'a, str>;
        character: char;
        bytes: &'a [u8];
        list: Vec<Option<u8>>;
        nested: [[f64; 2]; 2];
        map: Map<'a>;
        duration: Duration;
        time: SystemTime;
        ipv4: Ipv4Addr;
        ipv6: Ipv6Addr;
        address: Option<IpAddr>;
        id: Uuid;
        optional: Option<&'a str>;
        absent: Maybe<i32>;
        person: Pii<&'a str>;
        numbered: Option<Pii<u32>>;
        secret: Secret<u32>;
        hidden: Option<Secret<&'a str>>;
    }

    #[derive(Clone)]
    event RulesApplied<'a> = "RULES_APPLIED", Info, version 2 {
        required: Option<u8> where non_null;
        present: Maybe<u8> where non_null, range(1..);
        float: f64 where range(-1.0..=1e16);
        open: Option<f64> where range(..=f64::INFINITY);
        word: Option<&'a str> where one_of("LOW", "HIGH");
        code: u16 where one_of(200, 404);
        flag: bool where one_of(true);
        name: &'a str where not_blank, len(2..=4), pattern("^[A-Z]+$", is_upper);
        hash: Cow<'a, str> where hex;
        list: &'a [&'a str] where items(1..=2);
        even: i64 where custom(|number: &i64| number % 2 == 0);
        person: Pii<&'a str> where len(3..);
        asin: Option<&'a str>;
        meta.title: Maybe<&'a str>;
        require any(asin, title);
    }
}

static CATALOGUE: Catalogue = catalogue![TypesListed, RulesApplied];

fn types() -> TypesListed<'static> {
    TypesListed {
        unit: (),
        flag: true,
        small: -3,
        large: u64::MAX,
        huge: i128::MIN,
        float: f64::NAN,
        single: None,
        text: "",
        owned: "x".into(),
        character: 'ä',
        bytes: b"\xff\0",
        list: vec![Some(1), None],
        nested: [[1.0, f64::INFINITY], [-0.0, f64::NEG_INFINITY]],
        map: Map(&[("a", &1)]),
        duration: Duration::from_micros(1500),
        time: SystemTime::UNIX_EPOCH,
        ipv4: Ipv4Addr::LOCALHOST,
        ipv6: Ipv6Addr::LOCALHOST,
        address: Some(Ipv4Addr::LOCALHOST.into()),
        id: Uuid([7; 16]),
        optional: Some("x"),
        absent: Maybe(None),
        person: Pii::name("Ann"),
        numbered: Some(Pii::ssn(219_099_999)),
        secret: Secret::new(7),
        hidden: None,
    }
}

fn rules() -> RulesApplied<'static> {
    RulesApplied {
        required: Some(1),
        present: Maybe(Some(1)),
        float: -1.0,
        open: Some(1.0),
        word: Some("LOW"),
        code: 404,
        flag: true,
        name: "ABCD",
        hash: "0aF".into(),
        list: &["a", "b"],
        even: 2,
        person: Pii::name("Ann"),
        asin: Some("B0"),
        title: Maybe(None),
    }
}

fn schema() -> Value {
    serde_json::from_str(&CATALOGUE.json_schema()).unwrap()
}

fn captured() -> (ringseal::Engine, Capture) {
    Capture::start_with(Config::new().level(Level::Trace).panic_hook(false))
}

fn parsed(capture: &Capture) -> Vec<Value> {
    let lines = capture.lines();
    let ours = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    ours.filter(|line| line["event"] != "logging.configured").collect()
}

#[test]
fn each_valid_line_matches_the_schema() {
    let (engine, capture) = captured();
    types().emit(&engine).unwrap();
    let rows = [
        TypesListed { single: Some(0.1), absent: Maybe(Some(3)), optional: None, ..types() },
        TypesListed { float: 1.5, address: None, hidden: Some(Secret::new("x")), ..types() },
        TypesListed { numbered: None, list: Vec::new(), character: '"', ..types() },
    ];
    rows.into_iter().for_each(|event| event.emit(&engine).unwrap());
    let rows = [
        rules(),
        RulesApplied { word: None, open: None, float: 1e16, name: "AB", ..rules() },
        RulesApplied { asin: None, title: Maybe(Some("Emma")), list: &["a"], ..rules() },
        RulesApplied { present: Maybe(Some(255)), even: -4, code: 200, ..rules() },
    ];
    rows.into_iter().for_each(|event| event.emit(&engine).unwrap());
    let (schema, lines) = (schema(), parsed(&capture));
    assert_eq!(lines.len(), 8);
    for line in lines {
        assert!(line.get("validation_errors").is_none(), "{line}");
        let definition = &schema["$defs"][line["event"].as_str().unwrap()];
        assert_eq!(problems(&schema, definition, &line, ""), [""; 0], "{line}");
        assert_eq!(problems(&schema, &schema, &line, ""), [""; 0]);
    }
}

/// Where rules can be stated in a schema, the line of a degraded event does not match at the same field.
#[test]
fn each_violation_is_one_of_the_schema() {
    let rows: [(RulesApplied<'_>, &str); 15] = [
        (RulesApplied { required: None, ..rules() }, "/required: type"),
        (RulesApplied { present: Maybe(None), ..rules() }, ": required"),
        (RulesApplied { present: Maybe(Some(0)), ..rules() }, "/present: minimum"),
        (RulesApplied { float: -1.5, ..rules() }, "/float: minimum"),
        (RulesApplied { float: 1.1e16, ..rules() }, "/float: maximum"),
        (RulesApplied { float: f64::NAN, ..rules() }, "/float: type"),
        (RulesApplied { word: Some("low"), ..rules() }, "/word: enum"),
        (RulesApplied { code: 500, ..rules() }, "/code: enum"),
        (RulesApplied { flag: false, ..rules() }, "/flag: enum"),
        (RulesApplied { name: "ABCDE", ..rules() }, "/name: maxLength"),
        (RulesApplied { name: "abc", ..rules() }, "/name: pattern"),
        (RulesApplied { hash: "xyz".into(), ..rules() }, "/hash: pattern"),
        (RulesApplied { list: &[], ..rules() }, "/list: minItems"),
        (RulesApplied { list: &["a"; 3], ..rules() }, "/list: maxItems"),
        (RulesApplied { asin: None, ..rules() }, ": anyOf"),
    ];
    for (event, expected) in rows {
        let (engine, capture) = captured();
        event.emit(&engine).unwrap();
        let (schema, line) = (schema(), parsed(&capture).remove(0));
        assert_eq!(line["validation_errors"].as_array().map(Vec::len), Some(1), "{line}");
        let found = problems(&schema, &schema["$defs"]["RULES_APPLIED"], &line, "");
        assert!(found.len() == 1 && found[0].starts_with(expected), "{expected}: {found:?}");
    }
}

#[test]
fn the_schema_is_the_snapshot() {
    CATALOGUE.set_policy(Policy::Degrade);
    assert_schema_snapshot!(CATALOGUE, "tests/schemas/typed_events.json");
}

#[test]
fn a_change_of_fields_requires_another_version() {
    let before = catalogue![TypesListed, RulesApplied].json_schema();
    let changed = |from: &str, to: &str| {
        assert!(before.contains(from), "{from}");
        let snapshot = before.replacen(from, to, 1);
        CATALOGUE.check_snapshot(&snapshot).unwrap_err()
    };
    let refused = [
        (
            "\"maximum\": 1e+16",
            "\"maximum\": 5",
            "than 2, because its fields have changed (float changed)",
        ),
        (
            "\"unit\": {",
            "\"other\": {",
            "TYPES_LISTED: expected another version than 1, because its fields",
        ),
        ("\"unit\": {", "\"other\": {", "(unit added, other removed); raise the version"),
        (
            "\"x-ringseal-level\": \"info\"",
            "\"x-ringseal-level\": \"debug\"",
            "(`x-ringseal-level` changed)",
        ),
        (
            "\"x-ringseal-version\": 2",
            "\"x-ringseal-version\": 3",
            "expected version 3 or higher, found 2",
        ),
        ("{", "", "the snapshot is not JSON: "),
    ];
    for (from, to, message) in refused {
        let found = changed(from, to);
        assert!(found.to_string().contains(message), "{found}");
        assert!(!matches!(found, SnapshotError::Outdated { .. }), "{found}");
    }
    let raised = changed("\"x-ringseal-version\": 2", "\"x-ringseal-version\": 1");
    assert_eq!(raised, SnapshotError::Outdated { events: vec!["RULES_APPLIED".to_owned()] });
    let new = catalogue![TypesListed].check_snapshot(&before).unwrap_err();
    assert_eq!(new, SnapshotError::Outdated { events: vec!["RULES_APPLIED".to_owned()] });
    let old = catalogue![TypesListed].json_schema();
    assert_eq!(CATALOGUE.check_snapshot(&old).unwrap_err(), new);
    // White space does not count.
    assert_eq!(CATALOGUE.check_snapshot(&before.replace("\n", "\n\t ")), Ok(()));
}
