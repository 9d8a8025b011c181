//! The counted call of the audit log: a login with a correlation id, by an engine that fills in its service.
use std::hint::black_box;

use ringseal::audit::{Actor, AuditEvent, EventOutcome};
use ringseal::{AuditConfig, AuditLogger, Engine};

use crate::cases::{Case, Collect, STEADY, config, finish, prepare};

/// The rows of the table.
pub const CASES: &[Case] = &[Case {
    name: "audit_emit",
    title: "an audit event, checked and emitted",
    events: STEADY,
    collect: Collect::Function("emit_logins"),
    log: |events| {
        let dir = std::env::temp_dir().join(format!("instructions-audit-{}", std::process::id()));
        let result = emit_into(&dir, events);
        // A directory that cannot be removed is harmless.
        let _ = std::fs::remove_dir_all(&dir);
        result
    },
}];

fn emit_into(dir: &std::path::Path, events: u64) -> Result<(), String> {
    let audit = AuditConfig::new(dir).service("payments");
    let engine = Engine::start(config().audit(audit)).map_err(|error| error.to_string())?;
    prepare(&engine)?;
    let log = engine.audit().ok_or("the engine has no audit log")?;
    emit_logins(&log, events)?;
    log.commit().map_err(|error| error.to_string())?;
    let entries = log.health().log.map_or(0, |log| log.audit_event_count);
    if entries < events {
        return Err(format!("expected {events} entries, found {entries}"));
    }
    finish(engine, 0)
}

const USERS: [&str; 4] = ["u-184467", "u-184468", "u-184469", "u-184470"];
const CORRELATION: &str = "9f86d081884c7d659a2feaa0c55ad015";

#[inline(never)]
fn emit_logins(log: &AuditLogger, events: u64) -> Result<(), String> {
    for seq in 0..events {
        let actor = Actor::user(black_box(&USERS)[seq as usize % 4]);
        let event = AuditEvent::login(actor, EventOutcome::Success);
        let event = event.correlation_id(black_box(CORRELATION));
        if let Err(error) = log.emit(black_box(&event)) {
            return Err(error.to_string());
        }
    }
    Ok(())
}
