//! The audit log through an engine: on the operating system's files, and on fault-injecting storage.
mod clocks;
mod errors;
mod sinks;
mod stop;
mod waits;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::*;
use crate::engine::{Config, Engine, Output};
use crate::sink::memory::{MemoryLog, MemorySink};
use crate::writer::audit::HeldEntriesOverflow;
use ringseal_audit::entry::Parser;
use ringseal_audit::keys::{self, KeyPaths};
use ringseal_audit::verify::{self, VerifyOutcome as Verdict};
use ringseal_audit::{Actor, Catalogue, Change, EventOutcome, Target};
use ringseal_base::storage::faulty::{Faults, FaultyDisk};
use ringseal_base::storage::{OsStorage, Storage};
use ringseal_base::value::{Map, Pii, Secret, Value};

fn start(audit: AuditConfig) -> (Engine, AuditLogger, MemoryLog) {
    let sink = MemorySink::new();
    let log = sink.log();
    let config = Config::new().panic_hook(false).output(Output::custom(sink)).audit(audit);
    let engine = Engine::start(config).unwrap();
    let audit = engine.audit().unwrap();
    (engine, audit, log)
}

fn login(user: &str) -> AuditEvent<'_> {
    AuditEvent::login(Actor::user(user), EventOutcome::Success)
}

/// All lines of a log, in order.
fn lines(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("audit-0") || name == "audit.log.jsonl")
        .collect();
    // `-` sorts before `.`: sealed segments, then the active one.
    names.sort();
    let read = |name: &String| std::fs::read_to_string(dir.join(name)).unwrap();
    names.iter().map(read).collect::<String>().lines().map(str::to_owned).collect()
}

fn parsed(line: &str) -> serde_json::Value {
    Parser::new().entry(line.as_bytes()).unwrap_or_else(|error| panic!("{error}: {line}"));
    serde_json::from_str(line).unwrap()
}

/// The users' events, without the log's own entries.
fn events(dir: &Path) -> Vec<serde_json::Value> {
    let all = lines(dir).into_iter().map(|line| parsed(&line));
    let own =
        |entry: &serde_json::Value| entry["event_type"].as_str().unwrap().starts_with("ringseal.");
    all.filter(|entry| !own(entry)).collect()
}

fn verdict(dir: &Path, public: &Path) -> verify::VerifyReport {
    let root = keys::load_verifier(&OsStorage, public).unwrap();
    verify::verify(&OsStorage, dir, &verify::VerifyOptions::new(root), &mut |_| {})
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::yield_now();
    }
}

#[test]
fn a_receipt_gives_the_entry_position() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, audit, _) =
        start(AuditConfig::new(dir.path()).service("shop").environment("test"));
    let receipts: Vec<_> = (0..5)
        .map(|number| audit.emit(&login(&format!("u-{number}"))).unwrap().wait().unwrap())
        .collect();
    for (number, receipt) in receipts.iter().enumerate() {
        let line = &lines(dir.path())[receipt.seq as usize];
        let entry = parsed(line);
        assert_eq!(entry["seq"], receipt.seq);
        assert_eq!(entry["actor"]["id"], format!("u-{number}"));
        assert_eq!((&entry["service"], &entry["environment"]), (&"shop".into(), &"test".into()));
        assert_eq!(ringseal_audit::merkle::leaf_hash(line.as_bytes()), receipt.leaf);
    }
    assert!(receipts.windows(2).all(|pair| pair[0].seq < pair[1].seq));
    engine.stop().unwrap();
    let report = verdict(dir.path(), &dir.path().join("audit.pub"));
    assert_eq!(report.outcome, Verdict::Intact, "{report:?}");
}

#[test]
fn a_keyless_log_is_reported_once_per_start() {
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let (engine, audit, log) = start(AuditConfig::new(dir.path().join("log")));
        audit.emit(&login("u-1")).unwrap().wait().unwrap();
        assert!(audit.health().is_keyless);
        engine.stop().unwrap();
        let found: Vec<serde_json::Value> =
            log.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let found: Vec<_> = found.iter().filter(|line| line["event"] == "audit_keyless").collect();
        assert_eq!(found.len(), 1, "{:?}", log.lines());
        assert_eq!(found[0]["level"], "warn", "{found:?}");
        assert!(found[0].to_string().contains("ringseal audit keygen"), "{found:?}");
    }
    let keys_dir = dir.path().join("made");
    let paths = KeyPaths::in_dir(&keys_dir);
    keys::keygen(&OsStorage, &paths, "test/log", &mut keys::system_random).unwrap();
    let (engine, audit, log) = start(AuditConfig::new(dir.path().join("other")).keys(&keys_dir));
    audit.commit().unwrap();
    assert!(!audit.health().is_keyless);
    engine.stop().unwrap();
    assert!(!log.lines().join("\n").contains("audit_keyless"));
}

/// With an endless interval, the audit thread commits only for waiting callers.
#[test]
fn the_health_includes_committed_events() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, audit, _) =
        start(AuditConfig::new(dir.path()).commit_interval(Duration::from_secs(3600)));
    for number in 0..200 {
        let receipt = audit.emit(&login("u-1")).unwrap().wait().unwrap();
        let health = audit.health().log.unwrap();
        assert!(health.audit_event_count > receipt.seq, "{number}: {health:?}");
        assert_eq!(health.waiting_entries, 0);
    }
    let queued = || audit.emit(&login("u-2")).unwrap();
    queued();
    let before = audit.health().log.unwrap().audit_event_count;
    audit.commit().unwrap();
    assert!(audit.health().log.unwrap().audit_event_count > before);
    queued();
    audit.checkpoint().unwrap();
    let health = audit.health().log.unwrap();
    assert_eq!(health.checkpoint_entries, health.audit_event_count, "{health:?}");
    let rotations = health.rotations;
    audit.rotate().unwrap();
    assert_eq!(audit.health().log.unwrap().rotations, rotations + 1);
    engine.stop().unwrap();
}

#[test]
fn every_event_is_logged_once_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let keys_dir = tempfile::tempdir().unwrap();
    let paths = KeyPaths::in_dir(keys_dir.path());
    keys::keygen(&OsStorage, &paths, "test/log", &mut keys::system_random).unwrap();
    let config = AuditConfig::new(dir.path()).keys(keys_dir.path()).segment_bytes_max(200_000);
    let (engine, audit, log) = start(config);
    let (threads, each) = (6, 500);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let audit = &audit;
            scope.spawn(move || {
                for number in 0..each {
                    let id = format!("{thread}-{number}");
                    let event = login(&id).target(Target::new("session", "s"));
                    audit.emit(&event).unwrap();
                    if number % 100 == 99 {
                        audit.emit(&login("waiting")).unwrap().wait().unwrap();
                    }
                }
            });
        }
    });
    engine.stop().unwrap();
    let mut next = BTreeMap::new();
    for event in events(dir.path()) {
        let id = event["actor"]["id"].as_str().unwrap();
        let Some((thread, number)) = id.split_once('-') else { continue };
        let expected = next.entry(thread.to_owned()).or_insert(0);
        assert_eq!(number.parse::<i32>().unwrap(), *expected, "thread {thread}");
        *expected += 1;
    }
    assert_eq!(next.len(), threads);
    assert!(next.values().all(|count| *count == each), "{next:?}");
    let report = verdict(dir.path(), &paths.public);
    assert_eq!(report.outcome, Verdict::Intact, "{report:?}");
    assert!(!paths.epoch().exists() && !paths.chain().exists(), "the host's keys have moved");
    let found = log.lines().join("\n");
    for name in ["log_rotation", "audit_integrity_check", "audit_checkpoint"] {
        assert!(found.contains(name), "{name} in {found}");
    }
}

#[test]
fn a_log_pruned_by_retention_still_verifies() {
    let dir = tempfile::tempdir().unwrap();
    let retain = ringseal_audit::store::Retain { segments_max: Some(2), ..Default::default() };
    let (engine, audit, log) = start(AuditConfig::new(dir.path()).retain(retain));
    for _ in 0..6 {
        audit.emit(&login("u")).unwrap();
        audit.rotate().unwrap();
    }
    engine.stop().unwrap();
    let names = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let sealed = names.filter(|name| name.to_string_lossy().starts_with("audit-0")).count();
    assert_eq!(sealed, 2);
    assert!(log.lines().iter().any(|line| line.contains("audit_pruned")), "{:?}", log.lines());
    let report = verdict(dir.path(), &dir.path().join("audit.pub"));
    assert_eq!(report.outcome, Verdict::Intact, "{report:?}");
}

#[test]
fn entries_are_redacted_and_mark_cuts() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, audit, _) = start(AuditConfig::new(dir.path()));
    let deep = Map(&[("password", &"hunter2"), ("mail", &"ann@example.com")]);
    let (secret, who) = (Secret::new("x"), Pii::name("Ann Fisher"));
    let details: [(&str, &dyn Value); 6] = [
        ("nested", &deep),
        ("numbers", &[1.5, f64::NAN, 1e300]),
        ("odd", &"\u{1}\u{7f}\u{2028}\"\\/ \n"),
        ("secret", &secret),
        ("who", &who),
        ("seq", &1),
    ];
    let changes = [Change::new("db", &"token=abcdef0123456789", &"none")];
    let deployer = Actor::service("deployer");
    let event = AuditEvent::config_change(deployer, &changes, EventOutcome::Success);
    audit.emit(&event.details(&details)).unwrap().wait().unwrap();
    let long = "x\u{1}".repeat(8000);
    let details: [(&str, &dyn Value); 4] = [("a", &long), ("b", &long), ("c", &long), ("d", &long)];
    audit.emit(&login("u").details(&details)).unwrap().wait().unwrap();
    engine.stop().unwrap();
    let text = lines(dir.path()).join("\n");
    for hidden in ["hunter2", "ann@example.com", "abcdef0123456789", "Ann Fisher"] {
        assert!(!text.contains(hidden), "{hidden}");
    }
    let entry = &events(dir.path())[0];
    assert_eq!(entry["details"]["who"], "***REDACTED***");
    assert_eq!(entry["details"]["odd"], "\u{1}\u{7f}\u{2028}\"\\/ \n");
    let report = verdict(dir.path(), &dir.path().join("audit.pub"));
    assert_eq!(report.outcome, Verdict::Intact, "{report:?}");
}

#[test]
fn an_invalid_event_is_refused_and_not_queued() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = Catalogue::default().event_type("user.login", &["actor.ip"]).unwrap();
    let (engine, audit, _) = start(AuditConfig::new(dir.path()).catalogue(catalogue));
    let error = audit.emit(&login("")).unwrap_err().to_string();
    assert!(error.contains("actor.id"), "{error}");
    let error = audit.emit(&login("u")).unwrap_err().to_string();
    assert!(error.contains("actor.ip"), "{error}");
    let long = "x".repeat(16 << 10);
    let many: Vec<(&str, &dyn Value)> = ["a", "b", "c", "d", "e", "f", "g", "h", "i"]
        .into_iter()
        .map(|k| (k, &long as _))
        .collect();
    let actor = Actor::user("u").ip([192, 0, 2, 7].into());
    let event = AuditEvent::login(actor, EventOutcome::Success).details(&many);
    let error = audit.emit(&event).unwrap_err().to_string();
    assert!(error.contains("131072") || error.contains("bytes"), "{error}");
    engine.stop().unwrap();
    assert_eq!(events(dir.path()), [] as [serde_json::Value; 0]);
    let after = audit.emit(&AuditEvent::login(actor, EventOutcome::Success)).map(|_| ());
    assert_eq!(after, Err(AuditError::Log(AuditFault::Stopped)));
}

#[test]
fn bound_ids_are_in_audit_events() {
    use ringseal_base::value::Uuid;
    let dir = tempfile::tempdir().unwrap();
    let (engine, plain, _) = start(AuditConfig::new(dir.path()).service("shop"));
    let mail = Pii::email("ann@example.com");
    let odd = "not an id";
    let bound = engine.logger().bind(crate::fields! {
        trace_id = "4bf92f3577b34da6a3ce929d0e0e4736", span.id = Uuid([0xab; 16]), user.id = 42,
        session_id = mail, other = "x", correlation_id = odd
    });
    let audit = bound.audit().unwrap();
    let tool = AuditEvent::tool_event("read_file", "file_tools", 12, &[], EventOutcome::Success);
    audit.emit(&tool).unwrap();
    audit.emit(&login("u").correlation_id("own")).unwrap();
    let inner = bound.bind(crate::fields! { request_id = "r-1" }).audit().unwrap();
    inner.emit(&tool).unwrap();
    plain.emit(&tool).unwrap();
    engine.logger().audit().unwrap().emit(&tool).unwrap();
    engine.stop().unwrap();
    let found = events(dir.path());
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    assert_eq!(
        (&found[0]["trace_id"], &found[0]["correlation_id"]),
        (&trace.into(), &trace.into())
    );
    assert_eq!(found[0]["span_id"], "abababab-abab-abab-abab-abababababab");
    assert_eq!((&found[0]["user_id"], &found[0]["service"]), (&"42".into(), &"shop".into()));
    assert!(found[0].get("session_id").is_none() && found[0].get("other").is_none());
    assert_eq!(found[1]["correlation_id"], "own", "the event's own field wins");
    assert_eq!(found[1]["trace_id"], trace);
    assert_eq!(
        (&found[2]["request_id"], &found[2]["correlation_id"]),
        (&"r-1".into(), &"r-1".into())
    );
    for event in &found[3..] {
        assert!(["correlation_id", "trace_id"].iter().all(|key| event.get(key).is_none()));
    }
    let report = verdict(dir.path(), &dir.path().join("audit.pub"));
    assert_eq!(report.outcome, Verdict::Intact, "{report:?}");
}

const DIR: &str = "/audit";

/// A log on a disk that the test can fill.
fn faulty(configure: impl FnOnce(AuditConfig) -> AuditConfig) -> (FaultyDisk, AuditConfig) {
    let disk = FaultyDisk::new(Path::new("/"));
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let config = AuditConfig::new(DIR).storage_for_tests(storage);
    let config = config.commit_interval(Duration::from_millis(1)).wait_max(Duration::from_secs(30));
    (disk, configure(config))
}

fn fill_up(disk: &FaultyDisk) {
    let used: usize = disk.files().values().map(Vec::len).sum();
    disk.set_faults(Faults { capacity_bytes: used, ..Faults::default() });
}

fn on_disk(disk: &FaultyDisk) -> Vec<serde_json::Value> {
    let files = disk.files();
    let bytes = &files[&Path::new(DIR).join("audit.log.jsonl")];
    let text = String::from_utf8(bytes.clone()).unwrap();
    let whole = &text[..text.rfind('\n').map_or(0, |at| at + 1)];
    let entries = whole.lines().map(parsed);
    entries.filter(|entry| entry["event_type"] == "user.login").collect()
}

#[test]
fn a_full_disk_is_reported_and_loses_nothing() {
    let (disk, config) = faulty(|config| config);
    let (engine, audit, log) = start(config);
    audit.emit(&login("before")).unwrap().wait().unwrap();
    fill_up(&disk);
    for number in 0..100 {
        audit.emit(&login(&format!("u-{number}"))).unwrap();
    }
    wait_until("the failure is reported", || {
        let _ = engine.flush();
        log.lines().iter().any(|line| line.contains("audit_sink_failure"))
    });
    let health = audit.health().log.unwrap();
    assert!(!health.audit_sink_healthy, "{health:?}");
    assert!(matches!(audit.commit(), Err(AuditError::Log(AuditFault::Store(_)))));
    disk.set_faults(Faults::default());
    audit.emit(&login("after")).unwrap().wait().unwrap();
    wait_until("the recovery is reported", || {
        engine.flush().unwrap();
        log.lines().iter().any(|line| line.contains("audit_sink_recovered"))
    });
    let critical =
        log.lines().into_iter().find(|line| line.contains("audit_sink_failure")).unwrap();
    assert!(critical.contains("\"level\":\"critical\""), "{critical}");
    assert_eq!(on_disk(&disk).len(), 102);
    engine.stop().unwrap();
}

#[test]
fn callers_wait_while_too_much_is_held() {
    let (disk, config) = faulty(|config| config.held_bytes_max(4096));
    let (engine, audit, _) = start(config);
    fill_up(&disk);
    std::thread::scope(|scope| {
        let caller = scope.spawn(|| {
            for number in 0..100 {
                audit.emit(&login(&format!("u-{number}"))).unwrap();
            }
            audit.emit(&login("last")).unwrap().wait()
        });
        wait_until("the gate closes", || audit.health().is_blocked);
        assert!(!caller.is_finished());
        disk.set_faults(Faults::default());
        caller.join().unwrap().unwrap();
    });
    assert_eq!(on_disk(&disk).len(), 101);
    engine.stop().unwrap();
}

#[test]
fn entries_beyond_the_bound_are_spilled_and_replayed() {
    let (disk, config) = faulty(|config| {
        config.held_bytes_max(4096).held_overflow(HeldEntriesOverflow::Spill("/spill.jsonl".into()))
    });
    let spilled = |disk: &FaultyDisk| disk.files()[Path::new("/spill.jsonl")].len();
    let (engine, audit, _) = start(config);
    // The log's appends fail; those to the other file succeed.
    disk.set_faults(Faults { full_below: Some(DIR), ..Faults::default() });
    audit.emit(&login("u-0")).unwrap();
    // Entries from before the failure are staged in the log and stay there.
    wait_until("the failure is seen", || {
        audit.health().log.is_some_and(|log| !log.audit_sink_healthy)
    });
    for number in 1..100 {
        audit.emit(&login(&format!("u-{number}"))).unwrap();
    }
    wait_until("entries are spilled", || spilled(&disk) > 0);
    assert!(!audit.health().is_blocked);
    audit.emit(&login("last")).unwrap();
    disk.set_faults(Faults::default());
    audit.emit(&login("after")).unwrap().wait().unwrap();
    let ids: Vec<_> = on_disk(&disk)
        .iter()
        .map(|entry| entry["actor"]["id"].as_str().unwrap().to_owned())
        .collect();
    let expected: Vec<_> =
        (0..100).map(|n| format!("u-{n}")).chain(["last".into(), "after".into()]).collect();
    assert_eq!(ids, expected, "in their order, each once");
    assert_eq!(spilled(&disk), 0);
    engine.stop().unwrap();
}
