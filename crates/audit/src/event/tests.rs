//! Events: the written fields, their order, and refused events.
mod fast_path;

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::check::field_names;
use super::*;
use ringseal_base::value::model::{Model, model, tree};
use ringseal_base::value::{Entries, ValueRef};

/// The event as a tree, written into a buffer of exactly the promised length.
fn written(event: &AuditEvent<'_>) -> Vec<(String, Model)> {
    let limits = Limits::default();
    let mut bytes = vec![0xA5; event.size_bytes_max(&limits)];
    let mut out = ValueWriter::new(&mut bytes, limits);
    event.write(&mut out);
    assert!(!out.is_full() && !out.is_cut(), "the promised bound is too small");
    let len = out.len_bytes();
    let mut rest = &bytes[..len];
    let tree = model(ValueRef::read(&mut rest).unwrap()).unwrap();
    assert_eq!(rest, b"", "one map and nothing else");
    assert_same_entries(event, &bytes[5..len]);
    match tree {
        Model::Map(entries) => entries,
        other => panic!("a map expected, found {other:?}"),
    }
}

/// `write_entries` writes the map without its frame.
fn assert_same_entries(event: &AuditEvent<'_>, entries: &[u8]) {
    let limits = Limits::default();
    let mut bytes = vec![0; event.entries_bytes_max(&limits)];
    let mut out = ValueWriter::new(&mut bytes, limits);
    event.write_entries(&mut out);
    let len = out.len_bytes();
    assert_eq!(bytes[..len], *entries);
    fast_path::assert_same(&event.without_context(), &limits, entries);
    assert!(Entries(&bytes[..len]).all(|entry| entry.is_ok()));
}

fn keys(entries: &[(String, Model)]) -> Vec<&str> {
    entries.iter().map(|(key, _)| key.as_str()).collect()
}

fn text(text: &str) -> Model {
    Model::Str(text.to_owned())
}

fn map<const N: usize>(entries: [(&str, Model); N]) -> Model {
    Model::Map(entries.map(|(key, value)| (key.to_owned(), value)).into())
}

static IDS: std::sync::LazyLock<BoundIds> = std::sync::LazyLock::new(|| {
    let id = |text: &str| Some(text.to_owned());
    BoundIds {
        correlation_id: None,
        trace_id: id("t-1"),
        span_id: id("s-1"),
        request_id: id("r-1"),
        session_id: id("e-1"),
        user_id: id("42"),
    }
});

/// Every field of an event. (A real event has changes or one value, not both.)
fn full() -> AuditEvent<'static> {
    const ROLES: &[&str] = &["admin", "auditor"];
    let actor = Actor::user("u-17")
        .roles(ROLES)
        .ip([192, 0, 2, 7].into())
        .user_agent("curl/8")
        .account_id("acc-1")
        .process_id(42)
        .device_id("dev-9");
    let source = Source::default()
        .service("payments")
        .service_instance("payments-1")
        .environment("prod")
        .component("api")
        .host("host-1")
        .process("payd")
        .process_id(7)
        .application("Payments");
    AuditEvent::privileged(actor, "drop table t", EventOutcome::Partial)
        .target(Target::new("table", "t").name("T"))
        .profile("sql")
        .params(&7)
        .correlation_id("4bf9-00")
        .fill_ids(Some(&IDS))
        .source(source)
        .source_address("192.0.2.7:4711")
        .destination_address("192.0.2.9:5432")
        .diff_summary("gone")
        .prior_value(&"there")
        .new_value(&())
        .affected_files(&["t.dat", "t.idx"])
        .duration_ms(12)
        .details(&[("rows", &3), ("why", &"asked")])
}

#[test]
fn fields_are_in_the_documented_order() {
    let event = full();
    let entries = written(&event);
    assert_eq!(keys(&entries), field_names().collect::<Vec<_>>());
    // The table in the documentation of `AuditEvent`, taken from its source.
    let rows = include_str!("mod.rs").lines().filter_map(|line| line.strip_prefix("/// | `"));
    let documented: Vec<_> = rows
        .flat_map(|row| row.split(" | ").next().unwrap_or_default().split(", "))
        .map(|key| key.trim_matches(['`', ' ']))
        .collect();
    assert_eq!(keys(&entries), documented);
    let page = include_str!("../../../../docs/audit-events.md");
    for key in documented {
        assert!(page.contains(&format!("`{key}`")), "docs/audit-events.md lacks `{key}`");
    }
}

/// The pages show the compiled examples: without hidden lines, and without omitting an example.
#[test]
fn the_pages_show_whole_programs() {
    let pages = [
        include_str!("../../../../docs/audit-events.md"),
        include_str!("../../../../docs/audit-sinks.md"),
    ];
    for page in pages {
        let programs: Vec<_> = page.split("\n```rust").skip(1).collect();
        assert!(programs.len() >= 4);
        for program in programs {
            let (kind, text) = program.split_once('\n').unwrap();
            let text = text.split_once("\n```").unwrap().0;
            assert!(matches!(kind, "" | ",no_run"), "{kind}");
            let hidden = text.lines().find(|line| line.trim_start().starts_with("# "));
            assert_eq!(hidden, None, "{text}");
        }
    }
}

#[test]
fn every_field_is_written() {
    let want = [
        ("event_type", text("privileged.command")),
        ("action", text("execute")),
        ("outcome", text("partial")),
        ("severity", text("warning")),
        (
            "actor",
            map([
                ("type", text("user")),
                ("id", text("u-17")),
                ("roles", Model::Array(vec![text("admin"), text("auditor")])),
                ("ip", Model::Ipv4([192, 0, 2, 7])),
                ("user_agent", text("curl/8")),
                ("account_id", text("acc-1")),
                ("process_id", Model::U64(42)),
                ("device_id", text("dev-9")),
            ]),
        ),
        ("target", map([("type", text("table")), ("id", text("t")), ("name", text("T"))])),
        ("tool", map([("profile", text("sql")), ("params", Model::I64(7))])),
        ("correlation_id", text("4bf9-00")),
        ("trace_id", text("t-1")),
        ("span_id", text("s-1")),
        ("request_id", text("r-1")),
        ("session_id", text("e-1")),
        ("user_id", text("42")),
        ("service", text("payments")),
        ("service_instance", text("payments-1")),
        ("environment", text("prod")),
        ("component", text("api")),
        ("source_host", text("host-1")),
        ("source_process", text("payd")),
        ("process_id", Model::U64(7)),
        ("source_application", text("Payments")),
        ("source_address", text("192.0.2.7:4711")),
        ("destination_address", text("192.0.2.9:5432")),
        ("command_text", text("drop table t")),
        ("diff_summary", text("gone")),
        ("prior_value", text("there")),
        ("new_value", Model::Null),
        ("affected_files", Model::Array(vec![text("t.dat"), text("t.idx")])),
        ("duration_ms", Model::U64(12)),
        ("details", map([("rows", Model::I64(3)), ("why", text("asked"))])),
    ];
    assert_eq!(Model::Map(written(&full())), map(want));
}

#[test]
fn each_builder_names_its_kind() {
    let (actor, target) = (Actor::service("s"), Target::new("session", "s-1"));
    let changes = [Change::new("pool.size", &10, &20), Change::new("db.password", &(), &"x")];
    let tool = AuditEvent::tool_event("ls", "p", 3, &["a"], EventOutcome::Success);
    let rows = [
        (AuditEvent::login(actor, EventOutcome::Success), "user.login", "login", "info"),
        (AuditEvent::login(actor, EventOutcome::Denied), "user.login", "login", "warning"),
        (
            AuditEvent::crud(actor, Crud::Delete, target, EventOutcome::Error),
            "session.delete",
            "delete",
            "error",
        ),
        (
            AuditEvent::config_change(actor, &changes, EventOutcome::Success),
            "config.change",
            "update",
            "info",
        ),
        (
            AuditEvent::config_change(actor, &changes, EventOutcome::Success)
                .with_type("config.reload"),
            "config.reload",
            "update",
            "info",
        ),
        (AuditEvent::tool_call(actor, "ls", EventOutcome::Failure), "tool_call", "call", "warning"),
        (tool.fill(&Source::default().service("s")), "tool_call", "call", "info"),
        (
            AuditEvent::security(actor, "lockout", target, EventOutcome::Success),
            "security.lockout",
            "lockout",
            "warning",
        ),
        (
            AuditEvent::security(actor, "lockout", target, EventOutcome::Success)
                .severity(Severity::Critical),
            "security.lockout",
            "lockout",
            "critical",
        ),
        (
            AuditEvent::privileged(actor, "reboot", EventOutcome::Error),
            "privileged.command",
            "execute",
            "error",
        ),
    ];
    for (event, event_type, action, severity) in rows {
        event.validate().unwrap();
        let entries = written(&event);
        let values = [&entries[0].1, &entries[1].1, &entries[3].1];
        assert_eq!(values, [&text(event_type), &text(action), &text(severity)]);
        assert!(event.event_type() == *event_type, "{event_type}");
        assert_eq!(
            entries[4],
            ("actor".to_owned(), map([("type", text("service")), ("id", text("s"))]))
        );
    }
}

#[test]
fn changes_are_keyed_by_their_settings() {
    let changes = [Change::new("pool.size", &10, &20), Change::new("db.password", &(), &"x")];
    let event = AuditEvent::config_change(Actor::user("u"), &changes, EventOutcome::Success);
    let entries: BTreeMap<_, _> = written(&event).into_iter().collect();
    let prior = map([("pool.size", Model::I64(10)), ("db.password", Model::Null)]);
    let new = map([("pool.size", Model::I64(20)), ("db.password", text("x"))]);
    assert_eq!((&entries["prior_value"], &entries["new_value"]), (&prior, &new));
}

#[test]
fn the_events_own_fields_win() {
    let engine = Source::default().service("engine").host("h").environment("prod");
    let own = Source::default().service("own");
    let event =
        AuditEvent::login(Actor::user("u"), EventOutcome::Success).source(own).fill(&engine);
    let entries: BTreeMap<_, _> = written(&event).into_iter().collect();
    assert_eq!(entries["service"], text("own"));
    assert_eq!(entries["source_host"], text("h"));
    assert_eq!(entries["environment"], text("prod"));
    assert_eq!(entries["actor"], map([("type", text("user")), ("id", text("u"))]));
}

#[test]
fn an_invalid_event_is_refused_with_details() {
    let good = AuditEvent::login(Actor::user("u"), EventOutcome::Success);
    let typed =
        |event_type| AuditEvent::new(event_type, "do", Actor::user("u"), EventOutcome::Success);
    let crud =
        |target| AuditEvent::crud(Actor::user("u"), Crud::Read, target, EventOutcome::Success);
    let long = "x".repeat(1025);
    let change = [Change::new("a", &1, &2)];
    let rows: [(AuditEvent<'_>, &str); 24] = [
        (typed(""), "event_type: expected at most 128 letters"),
        (typed("user login"), "found \"user login\""),
        (typed("a..b"), "event_type: "),
        (typed(".a"), "event_type: "),
        (typed("a."), "event_type: "),
        (typed("a\"b"), "found \"a\\\"b\""),
        (typed(&long), "event_type: "),
        (typed("ringseal.epoch"), "expected a type that does not start with `ringseal.`"),
        (AuditEvent::new("a", " ", Actor::user("u"), EventOutcome::Success), "action: expected"),
        (AuditEvent::new("a", "b\nc", Actor::user("u"), EventOutcome::Success), "found \"b\\nc\""),
        (
            AuditEvent::login(Actor::user(""), EventOutcome::Success),
            "actor.id: expected a text that",
        ),
        (AuditEvent::login(Actor::user(" \t"), EventOutcome::Success), "actor.id: "),
        (AuditEvent::login(Actor::user(&long), EventOutcome::Success), "found 1025 bytes"),
        (
            AuditEvent::tool_event("t", "p", 1, &[], EventOutcome::Success),
            "actor: expected a value",
        ),
        (AuditEvent::tool_call(Actor::user("u"), "", EventOutcome::Success), "tool.name: "),
        (good.params(&1), "tool.name: expected a value, which every event has, found nothing"),
        (crud(Target::new("", "x")), "event_type: expected"),
        (crud(Target::new("ringseal", "x")), "reserved for the log"),
        (good.target(Target::new("", "x")), "target.type: "),
        (good.target(Target::new("session", "")), "target.id: "),
        (good.correlation_id("a b"), "correlation_id: expected 1 to 128 letters"),
        (good.changes(&change).new_value(&1), "prior_value: expected either"),
        (good.details(&[("a", &1), ("b", &2), ("a", &3)]), "details: expected each key once"),
        (good.details(&[("", &1)]), "details: expected keys that are not empty"),
    ];
    good.validate().unwrap();
    for (event, want) in rows {
        let error = event.validate().unwrap_err();
        let text = error.to_string();
        assert!(text.contains(want), "{want:?} not in {text:?}");
        assert!(text.starts_with(&format!("audit event `{}`: ", event.event_type())), "{text}");
    }
}

#[test]
fn an_event_that_would_lose_fields_is_refused() {
    let limits = Limits::default();
    let text = "x".repeat(16 * 1024);
    let fields: Vec<(String, &dyn Value)> = (0..20).map(|i| (i.to_string(), &text as _)).collect();
    let fields: Vec<(&str, &dyn Value)> = fields.iter().map(|(k, v)| (k.as_str(), *v)).collect();
    let event = AuditEvent::login(Actor::user("u"), EventOutcome::Success).details(&fields);
    event.validate().unwrap();
    let error = event.validate_within(&limits, 24).unwrap_err();
    assert_eq!(
        error,
        EventError::TooLong {
            event_type: "user.login".to_owned(),
            expected_bytes_max: 262_120,
            found_bytes: event.entries_bytes_max(&limits),
        }
    );
    let few = AuditEvent::login(Actor::user("u"), EventOutcome::Success).details(&fields[..15]);
    few.validate_within(&limits, 24).unwrap();
}

#[test]
fn fields_are_found_by_path() {
    let object = BTreeMap::from([("reason", "x".repeat(9000)), ("other", String::new())]);
    let event = full();
    let event = event.details_object(&object);
    for name in field_names() {
        assert!(event.has_field(name), "{name}");
    }
    for path in ["actor.ip", "target.name", "tool.params", "details.reason", "details.other"] {
        assert!(event.has_field(path), "{path}");
    }
    for path in ["actor.name", "tool.name", "details.", "details.x", "service.x", "", "x", "."] {
        assert!(!event.has_field(path), "{path}");
    }
    let bare = AuditEvent::login(Actor::user("u"), EventOutcome::Success);
    let set: Vec<_> = field_names().filter(|name| bare.has_field(name)).collect();
    assert_eq!(set, ["event_type", "action", "outcome", "severity", "actor"]);
    assert!(!bare.has_field("actor.roles") && !bare.has_field("details.reason"));
}

#[test]
fn au3_names_the_first_missing_part() {
    let bare = AuditEvent::tool_event("t", "p", 1, &[], EventOutcome::Success);
    assert_eq!(bare.lacks_au3(), Some(Au3::Identity));
    let who = bare.fill(&Source::default().service("s"));
    assert_eq!(who.lacks_au3(), Some(Au3::Where));
    assert_eq!(who.fill(&Source::default().host("h")).lacks_au3(), None);
    let login = AuditEvent::login(Actor::user("u"), EventOutcome::Success);
    let place = login.target(Target::new("session", "s"));
    assert_eq!(place.lacks_au3(), Some(Au3::Source));
    assert_eq!(place.source_address("192.0.2.1").lacks_au3(), None);
}

#[test]
fn debug_shows_no_values() {
    let event = full().details(&[("pin", &"4711")]).command_text("secret-command");
    let text = format!("{event:?} {:?}", Change::new("k", &"secret-a", &"secret-b"));
    assert!(text.contains("privileged.command"), "{text}");
    assert!(!text.contains("secret") && !text.contains("4711"), "{text}");
}

#[test]
fn words_can_be_parsed() {
    for &outcome in EventOutcome::ALL {
        assert_eq!(EventOutcome::from_word(outcome.as_str()), Some(outcome));
        assert_eq!(outcome.to_string(), outcome.as_str());
    }
    assert_eq!(EventOutcome::from_word("Success"), None);
    let words = |all: &[EventOutcome]| all.iter().map(|o| o.as_str()).collect::<Vec<_>>();
    assert_eq!(words(EventOutcome::ALL), ["success", "failure", "error", "denied", "partial"]);
}

proptest! {
    /// For any buffer length: no panic, only whole entries, and a marked cut.
    #[test]
    fn a_short_buffer_holds_whole_entries(room in 0usize..1200, value_bytes_max in 0u32..64) {
        let limits = Limits::default().with_value_bytes_max(value_bytes_max);
        let event = full();
        let mut bytes = vec![0; room];
        let mut out = ValueWriter::new(&mut bytes, limits);
        event.write_entries(&mut out);
        let (len, is_cut) = (out.len_bytes(), out.is_cut());
        let entries: Result<Vec<_>, _> = Entries(&bytes[..len]).collect();
        let count = entries.unwrap().len();
        prop_assert!(is_cut || count == field_names().count());
        if room >= event.entries_bytes_max(&limits) {
            prop_assert_eq!(count, field_names().count());
        }
    }

    /// Details of any shape fit into the bound and can be read back.
    #[test]
    fn details_fit_into_the_promised_length(value in tree(), prior in tree()) {
        let fields: [(&str, &dyn Value); 2] = [("value", &value), ("n", &1)];
        let event = AuditEvent::privileged(Actor::user("u"), "c", EventOutcome::Success)
            .prior_value(&prior)
            .details(&fields);
        event.validate().unwrap();
        let limits = Limits::default();
        let mut bytes = vec![0; event.entries_bytes_max(&limits)];
        let mut out = ValueWriter::new(&mut bytes, limits);
        event.write_entries(&mut out);
        prop_assert!(!out.is_full());
        let len = out.len_bytes();
        let last = Entries(&bytes[..len]).last().unwrap().unwrap();
        prop_assert_eq!(last.0, b"details");
        let Model::Map(details) = model(last.1).unwrap() else { panic!("a map") };
        prop_assert_eq!(details.len(), 1 + usize::from(value != Model::Absent));
        prop_assert_eq!(details.last(), Some(&("n".to_owned(), Model::I64(1))));
    }

    /// The path check agrees with the written fields.
    #[test]
    fn a_field_is_set_if_it_is_written(
        flags in proptest::collection::vec(any::<bool>(), 8),
    ) {
        let all = full();
        let change = [Change::new("a", &1, &2)];
        let mut event = AuditEvent::login(Actor::user("u"), EventOutcome::Success);
        if flags[0] { event.source = all.source; }
        if flags[1] { event = event.changes(&change); }
        if flags[2] { event.prior_value = all.prior_value; }
        if flags[3] { (event.tool, event.target) = (all.tool, all.target); }
        if flags[4] { event.affected_files = all.affected_files; }
        if flags[5] { event.details = all.details; }
        if flags[6] { event.actor = all.actor; }
        if flags[7] { event.source_address = all.source_address; }
        let mut written = Vec::new();
        event.each(&mut |key: &'static str, _: &dyn Value| written.push(key));
        written.dedup();
        let found: Vec<_> = field_names().filter(|name| event.has_field(name)).collect();
        prop_assert_eq!(found, {
            let mut names: Vec<_> = field_names().filter(|name| written.contains(name)).collect();
            names.dedup();
            names
        });
    }

    /// The checks in blocks of bytes agree with a byte-by-byte check.
    #[test]
    fn types_and_ids_match_the_documentation(text in "[a-cA-Z0-9_.:/+= \\-\t\u{e9}]{0,140}") {
        let is_word = |word: &str| {
            !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
        };
        let is_type = text.len() <= 128 && text.split('.').all(is_word);
        prop_assert_eq!(is_event_type(&EventType::whole(&text)), is_type);
        let is_sign = |c: char| c.is_ascii_alphanumeric() || "-_.:/+=".contains(c);
        let is_id = (1..=128).contains(&text.len()) && text.chars().all(is_sign);
        prop_assert_eq!(check::is_correlation(&text), is_id);
    }

    /// A type in two pieces equals its text.
    #[test]
    fn a_pair_is_its_text(head in "[a-z_.-]{0,70}", tail in "[a-z_.-]{0,70}") {
        let pair = EventType::pair(&head, &tail);
        let text = format!("{head}.{tail}");
        prop_assert_eq!(pair.to_string(), text.clone());
        prop_assert!(pair == *text.as_str());
        for (head, tail) in [(head.as_str(), tail.as_str()), ("ringseal", &tail)] {
            let pair = EventType::pair(head, tail);
            let is_reserved = pair.to_string().starts_with("ringseal.");
            prop_assert_eq!(pair.starts_with("ringseal."), is_reserved);
        }
        prop_assert_eq!(is_event_type(&pair), is_event_type(&EventType::whole(&text)));
    }
}
