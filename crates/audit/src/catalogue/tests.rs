//! Catalogues: valid and invalid texts, the lines of errors, and required fields.
use proptest::prelude::*;

use super::*;
use crate::event::{Actor, EventOutcome, Source, Target};

fn rows(catalogue: &Catalogue) -> Vec<String> {
    let row = |rule: &EventShape| {
        let required: Vec<_> = rule.required().iter().map(Requirement::as_str).collect();
        format!("{}: {}", rule.name(), required.join(" ")).trim_end().to_owned()
    };
    catalogue.shapes.types().iter().map(row).collect()
}

/// The same catalogue in each format: `b.c` requires two fields.
const EXPECTED: [&str; 2] = ["a:", "b.c: actor.ip details.reason"];

#[test]
fn all_formats_give_the_same_catalogue() {
    let from_code = Catalogue::default()
        .event_type("b.c", &["actor.ip", "details.reason"])
        .unwrap()
        .event_type("a", &[])
        .unwrap();
    assert_eq!(rows(&from_code), EXPECTED);
    let fields = r#"["actor.ip", "details.reason"]"#;
    let json = [
        format!(r#"["a", {{"event_type": "b.c", "required": {fields}}}]"#),
        format!(
            r#"[{{"name": "a", "description": "x"}}, {{"required": {fields}, "name": "b.c"}}]"#
        ),
        format!(
            r#"{{"event_types": ["a", {{"event_type": "b.c", "required_fields": {fields}}}]}}"#
        ),
        format!(r#"{{"version": 3, "event_types": {{"a": [], "b.c": {fields}}}}}"#),
        format!(r#"{{"event_types": {{"a": {{}}, "b.c": {{"required": {fields}}}}}}}"#),
        format!(" [\n\"\\u0061\"\t,{{\"event_type\":\"b.\\u0063\",\"required\":{fields}}}]\r\n"),
    ];
    for text in &json {
        assert_eq!(Catalogue::from_json(text).as_ref(), Ok(&from_code), "{text}");
        assert_eq!(Catalogue::from_named("x.JSON", text).as_ref(), Ok(&from_code));
    }
    let markdown = [
        "| event_type | required |\n|---|---|\n| a | |\n| `b.c` | `actor.ip`, `details.reason` |",
        "text\n\n|Why|Event type|Required fields|\n|:-|:-:|-:|\n|x\\|y|**a**|-|\n|z|b.c|actor.ip details.reason|\n",
        "- `a`\n- b.c: (requires actor.ip and details.reason)",
        "* **`a`** — of all\n+ `b.c` - why. Required: `actor.ip`, `details.reason`.\n",
        "|Other|\n|--|\n|not.this|\n\n- Prose: of people.\n- see `x`\n```\n- `not.this`\n```\n- `a`\n- b.c (required: actor.ip, details.reason; and so on)",
    ];
    for text in markdown {
        assert_eq!(Catalogue::from_markdown(text).as_ref(), Ok(&from_code), "{text}");
        assert_eq!(Catalogue::from_named("catalogue.md", text).as_ref(), Ok(&from_code));
    }
}

#[cfg(feature = "toml")]
#[test]
fn toml_errors_name_the_line() {
    let fields = r#"["actor.ip", "details.reason"]"#;
    for text in [
        format!("[event_types]\na = []\n\"b.c\" = {fields}"),
        format!("event_types = [\"a\", {{ event_type = \"b.c\", required = {fields} }}]"),
        format!(
            "[[event_types]]\nname = \"a\"\n[[event_types]]\nname = \"b.c\"\nrequired = {fields}"
        ),
    ] {
        assert_eq!(rows(&Catalogue::from_toml(&text).unwrap()), EXPECTED, "{text}");
        assert_eq!(rows(&Catalogue::from_named("c.toml", &text).unwrap()), EXPECTED);
    }
    assert!(Catalogue::from_toml("").unwrap().is_empty());
    for (text, want) in [
        ("\n\nunknown = \"maybe\"", "line 3: expected unknown: \"refuse\" or \"allow\""),
        ("a = 1", "line 1: expected event_types, required,"),
        ("[event_types]\na = 1.5", "line 2: expected a: a list of fields, or a map, found a float"),
        ("[event_types]\n\"a b\" = []", "line 2: expected an event type"),
        ("[event_types]\na = [\"actor.iq\"]", "line 2: a: expected the path of a field"),
        ("x =", "line 1: expected TOML, found ("),
    ] {
        let error = Catalogue::from_toml(text).unwrap_err().to_string();
        assert!(error.starts_with(want), "{text:?}: {error}");
    }
}

#[test]
fn an_empty_catalogue_allows_all() {
    let event = AuditEvent::login(Actor::user("u"), EventOutcome::Success);
    let texts = ["", " \n", "[]", "{}", r#"{"event_types": []}"#, r#"{"event_types": {}}"#];
    for text in texts {
        let catalogue = Catalogue::from_json(text).unwrap();
        assert!(catalogue.is_empty(), "{text}");
        catalogue.check(&event).unwrap();
    }
    assert_eq!(Catalogue::from_markdown(" \n\n"), Ok(Catalogue::default()));
    // The fields required of all events are still checked.
    let strict = Catalogue::default().required(&["service"]).unwrap();
    let error = strict.check(&event).unwrap_err().to_string();
    assert!(
        error.contains("user.login`: service: expected a value, which the catalogue"),
        "{error}"
    );
}

#[test]
fn bad_json_is_refused_with_its_line() {
    let deep = "[".repeat(40);
    for (text, want) in [
        ("{", "line 1: expected a key in double quotes, found the end"),
        ("[\n\"a\"\n\"b\"]", "line 3: expected `,` or `]`, found '\"'"),
        ("[\"a\",\n]", "line 2: expected a value, found ']'"),
        ("[\"a\"] x", "line 1: expected the end, found 'x'"),
        ("{\"a\" 1}", "line 1: expected `:`, found '1'"),
        ("{\"au3\":true \"a\":1}", "line 1: expected `,` or `}`, found '\"'"),
        ("{\"au3\":tru}", "line 1: expected `true`, found '}'"),
        ("{\"au3\":\n\"yes\"}", "line 2: expected au3: true or false, found \"yes\""),
        ("{\"au3\":true,\n\"au3\":true}", "line 2: expected each key once, found \"au3\" again"),
        ("{\"event_typs\":[]}", "line 1: expected event_types, required, unknown, au3,"),
        ("{\"version\":01}", "line 1: expected a number in JSON's spelling, found \"01\""),
        (
            "3",
            "line 1: expected a list of event types, or a map with `event_types`, found a number",
        ),
        ("[null]", "line 1: expected an event type, or a map with `event_type`, found null"),
        ("[{}]", "line 1: expected a map with `event_type`, found a map"),
        ("[{\"name\":\"a\",\"event_type\":\"b\"}]", "line 1: expected one of `event_type`"),
        ("[{\"name\":1}]", "line 1: expected an event type, found a number"),
        ("[{\"name\":\"a\",\"requred\":[]}]", "line 1: expected a: event_type, required or"),
        (
            "[{\"name\":\"a\",\"required\":\"x\"}]",
            "line 1: expected a: a list of fields, found \"x\"",
        ),
        ("[\n{\"name\":\"a\",\n\"required\":[\"ip\"]}]", "line 3: a: expected the path of a field"),
        ("[\"a\",\n\"a\"]", "line 2: expected each event type once, found a again"),
        ("[\"a b\"]", "line 1: expected an event type such as `user.login`"),
        ("[\"\\x\"]", "line 1: expected one of `\"\\/bfnrtu` after `\\`, found 'x'"),
        ("[\"\\ud800\"]", "line 1: expected the second half of a surrogate pair"),
        ("[\"\\ud800\\u0041\"]", "line 1: expected a character's number"),
        ("[\"\\udc00\"]", "line 1: expected a character's number"),
        ("[\"\\u00g0\"]", "line 1: expected four hexadecimal digits, found 'g'"),
        ("[\"a\nb\"]", "line 1: expected a character of a text, or `\"`, found '\\n'"),
        (deep.as_str(), "line 1: expected at most 16 levels"),
    ] {
        let error = Catalogue::from_json(text).unwrap_err().to_string();
        assert!(error.starts_with(want), "{text:?}: {error}");
    }
}

#[test]
fn a_bad_page_is_refused_with_its_line() {
    for (text, want) in [
        ("# Title\n\nNothing here.", "expected a table with a column `event_type`, or a list"),
        ("|event_type|\n|-|\n|a b|", "line 3: expected an event type"),
        ("|event_type|\n|-|\n||", "line 3: expected an event type"),
        ("|event_type|required|\n|-|-|\n|a|\n|b|ip|", "line 4: b: expected the path of a field"),
        ("- `a`\n- `a`", "line 2: expected each event type once, found a again"),
        ("- `a` requires everything", "line 1: a: expected the path of a field"),
    ] {
        let error = Catalogue::from_markdown(text).unwrap_err().to_string();
        assert!(error.starts_with(want), "{text:?}: {error}");
    }
    let error = Catalogue::from_named("catalogue.yaml", "").unwrap_err().to_string();
    assert!(error.starts_with("expected a name that ends in .json, .md"), "{error}");
}

#[test]
fn unknown_types_follow_the_policy() {
    let catalogue =
        Catalogue::from_json(r#"{"event_types": {"user.login": ["actor.ip"]}}"#).unwrap();
    let login = AuditEvent::login(Actor::user("u"), EventOutcome::Success);
    assert_eq!(
        catalogue.check(&login).unwrap_err().to_string(),
        "audit event `user.login`: actor.ip: expected a value, which the catalogue requires of it, \
         found nothing"
    );
    let actor = Actor::user("u").ip([192, 0, 2, 1].into());
    catalogue.check(&AuditEvent::login(actor, EventOutcome::Success)).unwrap();
    let target = Target::new("user", "login");
    let other = AuditEvent::security(actor, "lockout", target, EventOutcome::Success);
    assert_eq!(
        catalogue.check(&other).unwrap_err().to_string(),
        "audit event `security.lockout`: expected one of the 1 types of the catalogue"
    );
    let open = catalogue.clone().with_unknown_types(UnknownTypes::Allow);
    open.check(&other).unwrap();
    assert!(open.check(&login).is_err(), "listed types are still checked");
    let au3 = Catalogue::default().with_au3(true);
    let error = au3.check(&login).unwrap_err().to_string();
    assert!(
        error.contains("`user.login`: where: expected one of source_host, component"),
        "{error}"
    );
    au3.check(&login.fill(&Source::default().service("s").host("h"))).unwrap();
}

#[test]
fn one_of_several_fields_may_be_required() {
    let text = r#"{"user.login": ["actor.ip|source_host", "details.method"]}"#;
    let json = Catalogue::from_json(&format!(r#"{{"event_types": {text}}}"#)).unwrap();
    let page = "|event_type|required|\n|-|-|\n|user.login|`actor.ip\\|source_host` details.method|";
    assert_eq!(Catalogue::from_markdown(page).as_ref(), Ok(&json));
    let list = "- user.login: requires `actor.ip` or `source_host`, and details.method";
    assert_eq!(Catalogue::from_markdown(list).as_ref(), Ok(&json));
    let details: &[(&str, &dyn ringseal_base::value::Value)] = &[("method", &"password")];
    let login = |actor| AuditEvent::login(actor, EventOutcome::Success).details(details);
    let error = json.check(&login(Actor::user("u"))).unwrap_err().to_string();
    assert!(error.contains("`user.login`: actor.ip|source_host: expected a value"), "{error}");
    json.check(&login(Actor::user("u").ip([192, 0, 2, 1].into()))).unwrap();
    json.check(&login(Actor::user("u")).fill(&Source::default().host("h"))).unwrap();
    let bad = Catalogue::default().event_type("a", &["actor.ip|"]).unwrap_err().to_string();
    assert!(bad.starts_with("a: expected the path of a field"), "{bad}");
}

#[test]
fn two_piece_types_are_found() {
    let names = ["a", "a.b", "a.b.c", "a-b", "session.delete", "session_delete", "z"];
    let mut catalogue = Catalogue::default();
    for name in names {
        catalogue = catalogue.event_type(name, &[]).unwrap();
    }
    for name in names {
        assert!(catalogue.find(&EventType::whole(name)).is_some(), "{name}");
    }
    assert!(catalogue.find(&EventType::pair("session", "delete")).is_some());
    assert!(catalogue.find(&EventType::pair("a", "b.c")).is_some());
    assert!(catalogue.find(&EventType::pair("a", "c")).is_none());
    assert_eq!(catalogue.len(), names.len());
}

proptest! {
    #[test]
    fn any_text_gives_a_catalogue_or_an_error(
        text in "(\\PC|[\\[\\]{}\"|`:,\\\\\n*-]|\"event_types\"|\"required\"|true|`a.b`|actor.ip){0,60}",
    ) {
        let _ = Catalogue::from_json(&text);
        let _ = Catalogue::from_markdown(&text);
        #[cfg(feature = "toml")]
        let _ = Catalogue::from_toml(&text);
    }

    /// A catalogue with any names, written as JSON by another writer, is read back.
    #[test]
    fn json_of_another_writer_is_read(
        names in proptest::collection::btree_set("[a-z]{1,8}(\\.[a-z_]{1,8})?", 0..20),
    ) {
        let text = serde_json::json!({ "event_types": names, "au3": true }).to_string();
        let catalogue = Catalogue::from_json(&text).unwrap();
        prop_assert!(catalogue.event_types().eq(names.iter()));
    }

    /// Everything that this reader accepts, another reader accepts too.
    #[test]
    fn only_json_is_read(text in "[\\[\\]{}\",:a-c01\\-\\\\un \n]{0,24}") {
        if Catalogue::from_json(&text).is_ok() && !text.trim().is_empty() {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{}", text);
        }
    }
}
