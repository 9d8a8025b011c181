//! A process that emits audit events is killed (SIGKILL) at random moments. Every event that `emit` returned from must
//! be in the audit log, once, in the order of its thread, and the log must check clean.
//!
//! 15 kills by default; `RINGSEAL_TEST_KILLS=2000` for the long form.
#![cfg(all(feature = "audit", target_os = "linux"))]

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use ringseal::audit::event::{Actor, AuditEvent, EventOutcome};
use ringseal::audit::keys::load_verifier;
use ringseal::audit::read::{LineContent, read_entries};
use ringseal::audit::verify::{self, VerifyOptions};
use ringseal::system::OsStorage;
use ringseal::{AuditConfig, Config, Engine, Recovery, Rings, info};

#[path = "support/kills.rs"]
mod kills;

use self::kills::{Noted, PATIENCE, ring_dir};

const NAME: &str = "an_emitted_event_is_sealed_once";
const THREADS: usize = 2;

fn config(dir: &Path) -> Config {
    let rings = Rings::dir(ring_dir(dir)).on_disk(true).require(true);
    let config = Config::new().file(dir.join("app.log")).ring_bytes(1 << 15);
    config.audit(AuditConfig::new(dir.join("audit"))).survive_kill(rings)
}

/// The child: emits until it is killed, and notes each number once its call has returned.
fn emit_until_killed(dir: &Path, life: u64) -> ! {
    let noted = Noted::create(dir, life);
    let engine = Engine::start(config(dir)).expect("the logs open after a kill");
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (engine, noted) = (&engine, &noted);
            scope.spawn(move || {
                let audit = engine.audit().expect("an audit log");
                for number in 0u64.. {
                    let user = format!("{life}-{thread}-{number}");
                    let event = AuditEvent::login(Actor::user(&user), EventOutcome::Success);
                    let _ = audit.emit(&event).expect("an event");
                    noted.note(thread, number + 1);
                    if number.is_multiple_of(64) {
                        info!(engine, "tick", thread, number);
                        // A small log is checked sooner.
                        std::thread::sleep(Duration::from_millis(2));
                    }
                }
            });
        }
    });
    unreachable!("the threads emit until the process is killed")
}

/// The events in the log, oldest first: the users' names have life, thread and number.
fn sealed(dir: &Path) -> Vec<(u64, usize, u64)> {
    let mut found = Vec::new();
    let read = read_entries(&OsStorage, &dir.join("audit"), 0, &mut |line| {
        if let LineContent::Entry(entry) = line.content
            && let Some(start) = entry.body.find("\"user\",\"id\":\"")
        {
            let text = &entry.body[start + 13..];
            let parts: Vec<&str> = text.split('"').next().unwrap_or("").split('-').collect();
            if let [life, thread, number] = parts[..] {
                let number_of = |text: &str| text.parse().expect("a number");
                found.push((number_of(life), number_of(thread) as usize, number_of(number)));
            }
        }
        std::ops::ControlFlow::Continue(())
    });
    read.expect("a readable log");
    found
}

fn check(sealed: &[(u64, usize, u64)], noted: &[[u64; THREADS]]) -> Result<(), String> {
    let mut seen: HashMap<(u64, usize), u64> = HashMap::new();
    for &(life, thread, number) in sealed {
        let expected = seen.entry((life, thread)).or_insert(0);
        if number != *expected {
            return Err(format!(
                "life {life}, thread {thread}: expected {expected}, found {number}"
            ));
        }
        *expected += 1;
    }
    for (life, counts) in noted.iter().enumerate() {
        for (thread, count) in counts.iter().enumerate() {
            let found = seen.get(&(life as u64, thread)).copied().unwrap_or(0);
            if found != *count && found != count + 1 {
                return Err(format!(
                    "life {life}, thread {thread}: {count} returned, {found} sealed"
                ));
            }
        }
    }
    Ok(())
}

#[test]
fn an_emitted_event_is_sealed_once() {
    if let Some((dir, life)) = kills::child() {
        emit_until_killed(&dir, life);
    }
    let dir = tempfile::tempdir().expect("a directory");
    // Some live longer than the interval between two commits.
    let die = |life| kills::live_and_die(NAME, dir.path(), life, 250_000);
    let noted: Vec<_> = (0..kills::kills(15)).map(die).collect();
    let wait = Recovery::Wait(PATIENCE);
    let engine = Engine::start(config(dir.path()).recovery(wait)).expect("the last start");
    let report = engine.recovered().expect("a report");
    assert!(
        report.left.is_empty() && report.runs.iter().all(|run| run.error.is_none()),
        "{report:?}"
    );
    engine.stop().expect("the end");
    let found = check(&sealed(dir.path()), &noted);
    let root = load_verifier(&OsStorage, &dir.path().join("audit/audit.pub")).expect("a key");
    let options = VerifyOptions::new(root);
    let verified = verify::verify(&OsStorage, &dir.path().join("audit"), &options, &mut |_| ());
    assert_eq!(verified.first_bad, None, "{:?}", verified.problem);
    kills::finish(dir, found);
}
