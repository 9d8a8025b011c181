//! What is read from sources is what the compiler makes of them: this file is both.
use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ringseal::events::Catalogue;
use ringseal::{Maybe, Pii, Secret, domain_events};

use super::catalogue::{Events, Mistake};
use super::{docs, schema};
use crate::rust_source;

const SCORE_MIN: f64 = -SCORE_MAX;
const SCORE_MAX: f64 = 1.5;
const RETRIES_MAX: u8 = 5;

fn is_even(value: &u64) -> bool {
    value.is_multiple_of(2)
}

fn is_country(text: &str) -> bool {
    text.len() == 2
}

domain_events! {
    verbs: ["SYNC"];

    /// All rules, on plain types.
    ///
    /// The second paragraph.
    pub event RulesApplied<'a> = "RULES_APPLIED", Info, version 3, target "tests" {
        /// A share | of something.
        share: f64 where range(0.0..=1.0);
        single: f32 where range(0.1..=0.3);
        score: Option<f64> where range(SCORE_MIN..=SCORE_MAX), non_null;
        temperature: i32 where range(-40..);
        retries: u8 where range(..=RETRIES_MAX);
        large: u128 where range(..=u128::MAX);
        port: u16 where range(1..=u16::MAX);
        count: u64 where custom(is_even);
        level: &'a str where one_of("LOW", "HIGH");
        flag: bool where one_of(true);
        digit: Option<i8> where one_of(-1, 0x10, 2);
        code: Maybe<&'a str> where pattern("^[A-Z]{2}$", is_country), len(2..=2);
        hash: String where hex, len(4..), not_blank;
        tags: Vec<&'a str> where items(1..=10);
        meta.reason: Option<&'a str>;
        r#type: &'a str;
        kind as "any key": u64;
        require any(score, reason);
        require any(reason, code);
    }

    event CarsSync<'a> = "CARS_SYNC", Critical, version 1 {
        text: Cow<'a, str>;
        shared: Arc<str>;
        boxed: Box<str>;
        letter: char;
        took: Duration;
        at: SystemTime;
        v4: Ipv4Addr;
        address: IpAddr;
        bytes: &'a [u8];
        numbers: [u16; 4];
        nested: Vec<Option<f64>>;
        absent: Maybe<Vec<Maybe<bool>>>;
        name: Pii<Option<&'a str>>;
        user: Pii<&'a str> where not_blank;
        password: Secret<&'a str>;
        other: std::num::NonZeroU8;
        others: Vec<std::num::NonZeroU8>;
        nothing: ();
    }
}

domain_events! {
    names: any;
    event Empty = "empty", Trace, version 1 {}
}

#[allow(dead_code, reason = "what the compiler makes of the declarations")]
static CATALOGUE: Catalogue = ringseal::catalogue![RulesApplied, CarsSync, Empty];

/// Reads one source.
fn read(source: &str) -> Result<Events, Mistake> {
    let (tokens, problem) = rust_source::parse(source);
    assert!(problem.is_none(), "{:?}", problem.map(|problem| problem.message));
    let mut events = Events::default();
    events.add_file(Path::new("tests.rs"), &tokens).map(|()| events)
}

#[test]
fn schema_is_that_of_the_compiler() {
    let events = read(include_str!("tests.rs")).unwrap();
    assert_eq!(schema(&events.declared).trim_end(), CATALOGUE.json_schema().trim_end());
}

#[test]
fn docs_have_fields_rules_and_texts() {
    let events = read(include_str!("tests.rs")).unwrap();
    let page = docs::page(&events.declared);
    for line in [
        "| [`RULES_APPLIED`](#rules_applied) | info | 3 | All rules, on plain types. |",
        "## `RULES_APPLIED`",
        "The second paragraph.",
        "Level info, version 3, target `tests`. Declared in `tests.rs`.",
        "| `share` | number | yes | 0.0 to 1.0 | A share \\| of something. |",
        "| `score` | number | yes | -1.5 to 1.5 |  |",
        "| `retries` | integer, not negative | yes | at most 5 |  |",
        "| `digit` | integer | no: `null` | one of `-1`, `16`, `2` |  |",
        "| `code` | text | no: left out | matches `^[A-Z]{2}$`; 2 characters |  |",
        "| `meta.reason` | text | no: `null` |  |  |",
        "| `any key` | integer, not negative | yes |  |  |",
        "| `count` | integer, not negative | yes | accepted by `is_even` |  |",
        "| `password` | secret: masked | yes |  |  |",
        "| `name` | personal data | no: `null` |  |  |",
        "One of `score`, `meta.reason` has a value.",
        "No fields.",
    ] {
        assert!(page.lines().any(|found| found == line), "expected {line}\nin\n{page}");
    }
}

#[test]
fn mistakes_have_their_places() {
    let event = |fields: &str| {
        format!("domain_events! {{\n event A = \"A_DONE\", Info, version 1 {{\n{fields}\n }}\n}}")
    };
    let table = [
        ("unknown constant", event("a: f64 where range(0.0..=MAX);"), 3, "expected a number"),
        ("half-open", event("a: u8 where range(0..5);"), 3, "expected `min..=max`"),
        ("no range", event("a: u8 where len(5);"), 3, "expected `min..=max`"),
        ("unknown rule", event("a: u8 where even;"), 3, "expected a rule"),
        ("text as a bound", event("a: u8 where range(\"a\"..);"), 3, "expected a number"),
        ("unknown field", event("a: u8;\nrequire any(a, b);"), 4, "found `b`"),
        ("no type", event("a;"), 3, "expected `:`"),
        ("no semicolon", event("a: u8"), 4, "expected `;`"),
        ("wrong level", event("").replace("Info", "Loud"), 2, "expected Trace"),
        ("no version", event("").replace("version 1", "edition 1"), 2, "expected `version`"),
        ("not an event", "domain_events! { struct A; }".into(), 1, "expected `event`"),
        (
            "circle",
            format!("const A: u8 = B;\nconst B: u8 = -A;\n{}", event("a: u8 where range(A..);")),
            1,
            "expected a number",
        ),
        (
            "two of one name",
            format!("{}\n{}", event("a: u8;"), event("b: u8;")),
            7,
            "it is also at tests.rs:2",
        ),
        (
            "two constants of one name",
            format!(
                "mod a {{ const A: u8 = 1; }}\nmod b {{ const A: u8 = 2; }}\n{}",
                event("a: u8 where range(A..);")
            ),
            5,
            "expected a number",
        ),
    ];
    for (name, source, line, message) in table {
        let Err(mistake) = read(&source) else { panic!("{name}: no mistake") };
        assert_eq!(mistake.place.line, line, "{name}: {}", mistake.message);
        assert!(mistake.message.contains(message), "{name}: {}", mistake.message);
    }
}

#[test]
fn tests_and_macros_declare_no_events() {
    let source = "
        #[cfg(test)] mod tests { domain_events! { event A = \"A_DONE\", Info, version 1 {} } }
        macro_rules! events { () => { domain_events! { event $name = $text } } }
        fn function() { ringseal::domain_events! { event B = \"B_DONE\", Info, version 1 {} } }";
    let events = read(source).unwrap();
    let names: Vec<_> = events.declared.iter().map(|event| event.descriptor.name()).collect();
    assert_eq!(names, ["B_DONE"]);
}
