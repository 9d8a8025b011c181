//! What the engine writes to standard error passes the redaction rules and cannot be taken for other messages: panics,
//! errors of sinks, reports at the end.
mod support;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ringseal::redact::{LiteralRule, RuleSet};
use ringseal::sink::{Lines, Now, Sink, SinkError, WriteError};
use ringseal::{Config, Engine, Output, info};
use support::{Behaviour, TestSink, child, role};

const MAIL: &str = "ann@example.com";

fn rules() -> RuleSet {
    let mut rules = RuleSet::default();
    rules.literals.push(LiteralRule { name: "own".into(), text: b"swordfish".to_vec() });
    rules
}

/// A sink that fails until the end, with an error that quotes an address with a password.
struct Refusing;

impl Sink for Refusing {
    fn name(&self) -> &str {
        "refusing"
    }

    fn write(&mut self, _lines: Lines<'_>, _now: Now) -> Result<(), WriteError> {
        Err(WriteError { lines_written: 0, cause: self.flush().unwrap_err() })
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        let message = "postgres://app:swordfish@db/log\n\u{1b}[2Jringseal: all is well";
        let source = std::io::Error::other(message);
        Err(SinkError::Io { action: "reach", target: "the database".into(), source })
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        self.flush()
    }
}

fn end(role: &str) {
    match role {
        "a sink with its own thread fails until the end" => {
            let (working, _log) = TestSink::boxed("working", &Arc::new(Behaviour::default()));
            let config = Config::new().redact(rules()).output(Output::custom(Refusing));
            let engine = Engine::start(config.output(Output::custom(working))).unwrap();
            info!(engine, "step");
            assert!(engine.stop().is_err());
        }
        "a lone sink fails until the end" => {
            let engine =
                Engine::start(Config::new().redact(rules()).output(Output::custom(Refusing)));
            let engine = engine.unwrap();
            info!(engine, "step");
            assert!(engine.stop().is_err());
        }
        "a thread panics" | "a sink panics" => {
            let behaviour = Arc::new(Behaviour::default());
            let (sink, _log) = TestSink::boxed("panicking", &behaviour);
            let (other, _log) = TestSink::boxed("other", &Arc::new(Behaviour::default()));
            let config = Config::new().redact(rules()).replace_panic_hook(true);
            let config = config.output(Output::custom(sink)).output(Output::custom(other));
            let engine = Engine::start(config).unwrap();
            if role == "a sink panics" {
                behaviour.panics.store(true, Ordering::SeqCst);
                info!(engine, "step");
                assert!(engine.flush().is_err());
            } else {
                let panicking = std::thread::Builder::new().name(format!("of {MAIL}"));
                let thread = panicking.spawn(|| {
                    let (left, right) = (1, 2);
                    assert_eq!(
                        left, right,
                        "for {MAIL}\nringseal: all is well, swordfish \u{1b}[2J"
                    );
                });
                assert!(thread.unwrap().join().is_err());
            }
            behaviour.panics.store(false, Ordering::SeqCst);
            let _ = engine.stop();
            // The hook that was there returns with the engine's end.
            let _ = std::panic::catch_unwind(|| panic!("the last words"));
        }
        other => panic!("no role {other}"),
    }
}

const ROLES: [(&str, &[&str]); 4] = [
    (
        "a sink with its own thread fails until the end",
        &["failed until the end", "cannot reach the database: postgres://app:****@db/log\\n"],
    ),
    ("a lone sink fails until the end", &["refusing fails: cannot reach the database"]),
    (
        "a thread panics",
        &["thread 'of <email>' panicked at tests/", "left: 1\n", "for <email>\n", "the last words"],
    ),
    (
        "a sink panics",
        &["thread 'ringseal-sink' panicked at tests/", "this sink panics", "the last words"],
    ),
];

#[test]
fn no_message_shows_a_secret_or_forges_another() {
    if let Some((role, _)) = role() {
        return end(&role);
    }
    for (role, expected) in ROLES {
        let mut command = child("no_message_shows_a_secret_or_forges_another", role, Path::new(""));
        let output = command.stderr(std::process::Stdio::piped()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{role}: {said}");
        for text in expected {
            assert!(said.contains(text), "{role}: no {text:?} in {said}");
        }
        if role == ROLES[0].0 {
            // The event, and the report of the failure if it was passed to the sink's thread before the end.
            let missing =
                ["until the end; 1 line is missing", "until the end; 2 lines are missing"];
            assert!(missing.iter().any(|text| said.contains(text)), "{said}");
        }
        for secret in [MAIL, "swordfish", "\u{1b}"] {
            assert!(!said.contains(secret), "{role}: {secret:?} in {said}");
        }
        assert!(
            !said.lines().any(|line| line.starts_with("ringseal: all is well")),
            "{role}: {said}"
        );
    }
}
