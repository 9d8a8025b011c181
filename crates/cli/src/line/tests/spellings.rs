//! Lines whose fields have keys that are other spellings of the logger's own.
use super::*;

/// The members of a line whose level is info and whose event is `real`, before its fields.
const OWN: &str =
    r#""timestamp":"2026-01-31T10:00:00Z","level":"info","target":"t","event":"real""#;

/// 2026-01-31T10:00:00Z.
const TIME: i64 = 1_769_853_600_000_000_000;

/// The field of an event neither hides nor replaces what the logger wrote.
#[test]
fn a_field_with_another_spelling_changes_no_fact() {
    for (name, line) in [
        ("no field", format!("{{{OWN}}}")),
        ("a word as time", format!(r#"{{{OWN},"@timestamp":"error"}}"#)),
        ("a word as time, upper case", format!(r#"{{{OWN},"Timestamp":"error"}}"#)),
        ("another time", format!(r#"{{{OWN},"@timestamp":"2020-01-01T00:00:00Z"}}"#)),
        ("another time, escaped", format!(r#"{{{OWN},"\u0040timestamp":"2020-01-01T00:00:00Z"}}"#)),
        ("a number as time", format!(r#"{{{OWN},"time_stamp":7}}"#)),
        ("an object as time", format!(r#"{{{OWN},"@timestamp":{{"a":1}}}}"#)),
        ("another level", format!(r#"{{{OWN},"Level":"error"}}"#)),
        ("a word as level", format!(r#"{{{OWN},"@level":"soon"}}"#)),
        ("an object as level", format!(r#"{{{OWN},"LEVEL":{{"a":1}}}}"#)),
        ("another name", format!(r#"{{{OWN},"@event":"other"}}"#)),
        ("a number as name", format!(r#"{{{OWN},"Event":7}}"#)),
        ("a field before the time", format!(r#"{{"@timestamp":"error",{OWN}}}"#)),
        ("fields around the time", format!(r#"{{"Timestamp":"x",{OWN},"@timestamp":null}}"#)),
        ("fields before the level", format!(r#"{{"@level":"soon","LEVEL":null,{OWN}}}"#)),
        ("a field before the name", format!(r#"{{"@event":7,{OWN}}}"#)),
        ("all at once", format!(r#"{{{OWN},"@timestamp":"x","Level":"error","EVENT":"other"}}"#)),
    ] {
        let mut parser = LineParser::new(NOW);
        let parsed = parser.parse(line.as_bytes());
        let facts = parsed.facts();
        assert_eq!(facts.time.unix_nanos(), Some(TIME), "{name}: {line}");
        assert_eq!(facts.level, INFO, "{name}: {line}");
        let at = facts.places.name.expect(name);
        let entry = parsed.entries.get(at, parsed.text).expect(name);
        assert_eq!(entry.raw, r#""real""#, "{name}: {line}");
    }
}

/// JSON readers keep the last of two members with one key.
#[test]
fn the_last_of_two_equal_keys_counts() {
    let line = format!(r#"{{"timestamp":"2020-01-01T00:00:00Z","level":"error",{OWN}}}"#);
    let facts = LineParser::new(NOW).parse(line.as_bytes()).facts();
    assert_eq!((facts.time.unix_nanos(), facts.level), (Some(TIME), INFO));
}

#[test]
fn a_field_beside_serilogs_level_changes_no_level() {
    assert_levels(&[
        (r#"{"@t":"2026-01-31T10:00:00Z","@mt":"x","@l":"Error","l":"Debug"}"#, ERROR),
        (r#"{"@t":"2026-01-31T10:00:00Z","@mt":"x","l":"Debug","@l":"Error"}"#, ERROR),
    ]);
}

/// As many spellings as a line can hold cost no more than its length.
#[test]
fn hostile_spellings_cost_little() {
    let fields: String = (1..20_000)
        .map(|at| {
            format!(r#","time{}stamp":"x","lev{}el":"x""#, "_".repeat(at % 7), "-".repeat(at % 5))
        })
        .collect();
    let line = format!("{{{},{OWN}}}", &fields[1..]);
    let facts = LineParser::new(NOW).parse(line.as_bytes()).facts();
    assert_eq!((facts.time.unix_nanos(), facts.level), (Some(TIME), INFO));
}
