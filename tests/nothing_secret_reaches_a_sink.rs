//! The promise of redaction, by default and through the public interface: whatever way a secret takes into an event,
//! no sink sees it.
use std::collections::BTreeMap;
use std::fmt;

use ringseal::redact::{HitKind, HmacTokenizer, KeyClass, KeyRule, LiteralRule, Profile, RuleSet};
use ringseal::sink::memory::MemorySink;
use ringseal::testing::Capture;
use ringseal::value::Map;
use ringseal::{
    Config, Context, Engine, Format, Level, LevelFilter, Limits, Output, Pii, Sanitized, Secret,
    Tokens, error, fields, info, span, warn,
};

const MAIL: &str = "ann.fisher@example.com";
const CARD: &str = "4111 1111 1111 1111";
const KEY: &str = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";
const PASSWORD: &str = "tr0ub4dor&3";

/// Everything that must not be seen.
const SECRETS: [&str; 6] =
    [MAIL, CARD, KEY, PASSWORD, "4111111111111111", "ann.fisher%40example.com"];

#[derive(Debug)]
struct Failure {
    text: String,
    source: Option<Box<Failure>>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// A way into an event: a name, and a call that takes it.
type Way = (&'static str, fn(&Engine));

const WAYS: &[Way] = &[
    ("a field", |engine| info!(engine, "x", note = MAIL)),
    ("a key that tells", |engine| info!(engine, "x", password = PASSWORD)),
    ("a number under such a key", |engine| info!(engine, "x", card_number = 4111111111111111u64)),
    ("a card as a wide number", |engine| info!(engine, "x", card_no = 4111111111111111i128)),
    ("bytes", |engine| info!(engine, "x", raw = KEY.as_bytes())),
    ("a formatted value", |engine| info!(engine, "x", state = ?Some((MAIL, KEY)))),
    ("an error and its causes", |engine| {
        let source = Failure { text: format!("auth with {KEY}"), source: None };
        let error = Failure { text: format!("to {MAIL}"), source: Some(Box::new(source)) };
        error!(engine, "x", error = &error);
    }),
    ("an array", |engine| info!(engine, "x", list = ["plain", MAIL, KEY])),
    ("an array under a key that tells", |engine| info!(engine, "x", tokens_secret = [PASSWORD])),
    ("a map", |engine| {
        info!(engine, "x", user = Map(&[("mail", &MAIL), ("password", &PASSWORD)]));
    }),
    ("a map in a map in an array", |engine| {
        let inner = Map(&[("password", &PASSWORD)]);
        let maps = [Map(&[("login", &inner)])];
        info!(engine, "x", deep = &maps[..]);
    }),
    ("a map whose key tells with the field's", |engine| {
        info!(engine, "x", api = Map(&[("key", &PASSWORD)]), user = Map(&[("name", &PASSWORD)]));
    }),
    ("the same in a list, beside a masked value", |engine| {
        info!(engine, "x", users = [Map(&[("name", &PASSWORD)])], email = MAIL);
    }),
    ("the same in a span", |engine| {
        drop(span!(engine, "x", private = Map(&[("key", &PASSWORD)]), note = MAIL));
    }),
    ("a map's key", |engine| info!(engine, "x", counts = BTreeMap::from([(MAIL, 1)]))),
    ("JSON in a string", |engine| {
        let body = format!(r#"{{"user":{{"password":"{PASSWORD}","to":["{MAIL}"]}}}}"#);
        info!(engine, "x", body);
    }),
    ("prose", |engine| info!(engine, "x", note = format!("password={PASSWORD} card {CARD}"))),
    ("a URL", |engine| {
        let url = format!("https://u:{PASSWORD}@host/?email=ann.fisher%40example.com&t={KEY}");
        info!(engine, "x", address_bar = url);
    }),
    ("a value that a limit cuts", |engine| {
        // The limit of 64 bytes falls into the card.
        info!(engine, "x", note = format!("{:42} card {CARD} and more", "a long story"));
    }),
    ("an event known only at run time", |engine| {
        engine.logger().dynamic(Level::Info, "t", "x", &|out| {
            out.entry("password", &PASSWORD);
            out.entry("note", &MAIL);
        });
    }),
    ("its name and its target", |engine| {
        engine.logger().dynamic(Level::Info, MAIL, KEY, &|_| {});
    }),
    ("bound fields", |engine| {
        let log = engine.logger().bind(fields! { session_token = KEY, mail = MAIL });
        info!(log, "x");
        info!(log, "x", mail = "overridden");
    }),
    ("a marked value", |engine| {
        info!(engine, "x", a = Pii::name(PASSWORD), b = Secret::new(KEY), c = %Secret::new(KEY));
    }),
    ("a stranger's text", |engine| info!(engine, "x", query = Sanitized(MAIL))),
    ("a panic's message", |engine| {
        let text = format!("no account for {MAIL}");
        warn!(engine, "x", panic = text);
    }),
];

fn config() -> Config {
    Config::new().level(Level::Trace).limits(Limits::default().with_value_bytes_max(64))
}

#[test]
fn no_event_path_leaks_a_secret() {
    for (way, log) in WAYS {
        let people = MemorySink::new();
        let (shown, all) = (people.log(), LevelFilter::AtLeast(Level::Trace));
        let config = config().output(Output::custom(people).format(Format::Console).level(all));
        let (engine, capture) = Capture::start_with(config);
        log(&engine);
        engine.flush().unwrap();
        let (json, text) = (capture.lines().join("\n"), shown.lines().join("\n"));
        assert!(!json.is_empty() && !text.is_empty(), "{way}");
        for secret in SECRETS {
            assert!(!json.contains(secret), "{way}: {secret} in {json}");
            assert!(!text.contains(secret), "{way}: {secret} in {text}");
        }
        for line in json.lines() {
            serde_json::from_str::<serde_json::Value>(line).expect(line);
        }
        let found: u64 = engine.metrics().redaction.hits.iter().map(|hits| hits.hits).sum();
        assert!(found > 0 || *way == "a marked value", "{way}: {:?}", engine.metrics().redaction);
    }
}

/// Else the test above would pass with an engine that writes nothing.
#[test]
fn contexts_of_many_requests_are_redacted() {
    let (engine, capture) = Capture::start();
    for index in 0..200 {
        let context = Context::new().with(fields! { request_id = index.to_string() });
        let context = match index % 4 {
            0 => context.with(fields! { password = PASSWORD }),
            1 => context.with(fields! { note = format!("mail to {MAIL}") }),
            2 => context.with(fields! { state = Map(&[("token", &KEY)]) }),
            _ => context,
        };
        context.run(|| info!(engine, "served", index));
    }
    let events = capture.events();
    assert_eq!(events.iter().filter(|event| event["event"] == "served").count(), 200);
    for event in events {
        let line = format!("{event:?}");
        assert!(!SECRETS.iter().any(|secret| line.contains(secret)), "{line}");
    }
}

#[test]
fn without_redaction_only_marked_values_are_masked() {
    for (way, log) in WAYS {
        let (engine, capture) = Capture::start_with(config().no_redaction());
        log(&engine);
        engine.flush().unwrap();
        let json = capture.lines().join("\n");
        let shows = SECRETS.iter().any(|secret| json.contains(secret));
        let is_cut = *way == "a value that a limit cuts";
        assert!(shows || is_cut && json.contains("card 4111"), "{way}: {json}");
        assert!(!engine.metrics().redaction.is_on);
    }
}

#[test]
fn clean_values_are_written_unchanged() {
    let (engine, capture) = Capture::start();
    info!(
        engine,
        "payment_processed",
        amount = 100,
        trace_id = "4bf92f3577b34da6a3ce929d0e0e4736",
        commit = "9fceb02d0ae598e95dc970b74767f19372d61af8",
        at_us = 1_700_000_000_000_000u64,
        author = "monkey",
        hostname = "db-01.internal",
        max_tokens = 4096,
        path = "/var/log/app.log",
        took = "1.5 ms for 1024 rows"
    );
    engine.flush().unwrap();
    let line = capture.lines().remove(0);
    for kept in ["\"amount\":100", "4bf92f3577b34da6a3ce929d0e0e4736", "\"at_us\":1700000000000000"]
    {
        assert!(line.contains(kept), "{line}");
    }
    for kept in ["9fceb02d0ae598e95dc970b74767f19372d61af8", "monkey", "db-01.internal", "4096"] {
        assert!(line.contains(kept), "{line}");
    }
    assert_eq!(engine.metrics().redaction.hits, []);
}

/// The keys of the first source, and what their test should have said: `<email>`, `<phone>`, `<token>`.
#[test]
fn a_key_hit_is_written_by_its_kind() {
    let mut rules = RuleSet::default();
    rules.profile = Profile::Structlog;
    let (engine, capture) = Capture::start_with(Config::new().redact(rules));
    info!(engine, "x", email = "a at b", phone = "555", token = "t", password = "p", ssn = ());
    engine.flush().unwrap();
    let event = &capture.events()[0];
    let shown = ["email", "phone", "token", "password", "ssn"].map(|key| event.text(key));
    assert_eq!(shown, ["<email>", "<phone>", "<token>", "<redacted>", "null"]);
}

#[test]
fn personal_data_becomes_joinable_tokens_with_keys() {
    let rules = || {
        let mut rules = RuleSet::default();
        rules.profile = Profile::Ecs;
        rules
    };
    let log = |engine: &Engine| {
        info!(engine, "test_pii", customer_name = "John Doe", email = MAIL, amount = 10.5);
        info!(engine, "again", note = format!("sent to {MAIL}."));
        engine.flush().unwrap();
    };
    let (engine, capture) = Capture::start_with(Config::new().redact(rules()));
    log(&engine);
    let event = &capture.events()[0];
    let shown = ["customer_name", "email", "amount"].map(|key| event.text(key));
    assert_eq!(shown, ["[PII_REDACTED]", "[PII_REDACTED]", "10.5"]);

    let tokenizer = std::sync::Arc::new(HmacTokenizer::new(&[7; 32], "prod"));
    let token = tokenizer.email(MAIL);
    let config = Config::new().redact(rules()).tokens(Tokens::custom(tokenizer));
    let (engine, capture) = Capture::start_with(config);
    log(&engine);
    let events = capture.events();
    assert!(events[0].text("customer_name").starts_with("ptok:v1:"));
    assert_eq!((events[0].text("email"), events[0].text("amount")), (&*token, "10.5"));
    assert_eq!(events[1].text("note"), format!("sent to {token}."));
}

#[test]
fn user_rules_apply_and_can_be_changed() {
    let mut rules = RuleSet::default();
    rules.keys.push(KeyRule { key: "shoe_size".into(), class: KeyClass::Custom });
    rules.keep.push(HitKind::Email);
    let literal = LiteralRule { name: "vault".into(), text: b"open sesame".to_vec() };
    rules.literals.push(literal);
    let (engine, capture) = Capture::start_with(Config::new().redact(rules));
    let log = engine.logger().bind(fields! { cave = "say open sesame", mail = MAIL });
    info!(log, "before", shoe_size = 44.5, other = 44);
    engine.set_redaction(Some(&RuleSet::default())).unwrap();
    info!(log, "after", shoe_size = 44.5, other = 44);
    engine.set_redaction(None).unwrap();
    info!(log, "off", mail = MAIL);
    engine.flush().unwrap();
    let events = capture.events();
    let named = |name: &str| events.iter().find(|event| event.text("event") == name).unwrap();
    let show =
        |name: &str| ["shoe_size", "other", "cave", "mail"].map(|key| named(name).get_text(key));
    assert_eq!(
        show("before"),
        [Some("***REDACTED***"), Some("44"), Some("say ***REDACTED***"), Some(MAIL)]
    );
    assert_eq!(
        show("after"),
        [Some("44.5"), Some("44"), Some("say open sesame"), Some("<email>")],
        "fields that were bound before obey the new rules"
    );
    assert_eq!(show("off")[3], Some(MAIL));
    let changes: Vec<_> =
        events.iter().filter(|event| event.text("event") == "ringseal.redaction_changed").collect();
    assert_eq!(changes.len(), 2);
    assert_eq!((changes[0].text("is_on"), changes[0].text("rules_hash").len()), ("true", 64));
    let hits = engine.metrics().redaction.hits;
    assert!(hits.iter().any(|hits| hits.rule == "literal:vault" && hits.hits == 1), "{hits:?}");
}

#[test]
fn unusable_rules_are_an_error_and_change_nothing() {
    let mut rules = RuleSet::default();
    rules.literals.push(LiteralRule { name: "short".into(), text: b"abc".to_vec() });
    let error = Engine::start(Config::new().redact(rules.clone())).unwrap_err().to_string();
    assert!(error.contains("literals.short") && error.contains("4 bytes"), "{error}");
    let (engine, capture) = Capture::start();
    let error = engine.set_redaction(Some(&rules)).unwrap_err().to_string();
    assert!(error.contains("literals.short"), "{error}");
    info!(engine, "x", note = MAIL);
    engine.flush().unwrap();
    assert_eq!(capture.events()[0].text("note"), "<email>");
}

#[test]
fn the_engines_own_events_are_redacted_too() {
    let (engine, capture) =
        Capture::start_with(Config::new().ring_bytes(4096).overflow([ringseal::Overflow::Lose; 6]));
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name(MAIL.into());
        let body = || {
            for _ in 0..2000 {
                info!(engine, "x", text = "y".repeat(200));
            }
        };
        thread.spawn_scoped(scope, body).unwrap();
    });
    engine.flush().unwrap();
    let lost: Vec<_> = capture
        .events()
        .into_iter()
        .filter(|event| event.text("event") == "ringseal.lost")
        .collect();
    assert!(
        !lost.is_empty() && lost.iter().all(|event| event.text("thread_name") != MAIL),
        "{lost:?}"
    );
}
