//! A valid audit event allocates nothing when it is built, filled, checked against a catalogue and written.
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use ringseal::Limits;
use ringseal::audit::event::Crud;
use ringseal::audit::{Actor, AuditEvent, Catalogue, Change, EventOutcome, Source, Target};
use ringseal::value::{Value, ValueWriter};

use super::{AUDITOR, WHO, Who};

fn counted(action: impl FnOnce()) -> u64 {
    let before = AUDITOR.load(Ordering::SeqCst);
    WHO.set(Who::Auditor);
    action();
    WHO.set(Who::Nobody);
    AUDITOR.load(Ordering::SeqCst) - before
}

/// Everything that the engine does with an event on the caller's thread.
fn emit(event: &AuditEvent<'_>, source: &Source<'_>, catalogue: &Catalogue, bytes: &mut [u8]) {
    let limits = Limits::default();
    let event = event.fill(source);
    assert!(event.validate_within(&limits, 64).is_ok());
    assert!(catalogue.check(&event).is_ok());
    let mut out = ValueWriter::new(bytes, limits);
    event.write_entries(&mut out);
    assert!(!out.is_cut() && out.len_bytes() > 100);
}

#[test]
fn a_valid_event_allocates_nothing() {
    let catalogue = Catalogue::default()
        .event_type("user.login", &["actor.ip", "details.method"])
        .and_then(|catalogue| catalogue.event_type("session.delete", &["target.id"]))
        .and_then(|catalogue| catalogue.event_type("config.change", &["prior_value", "details.a"]))
        .and_then(|catalogue| catalogue.event_type("tool_call", &["tool.name", "affected_files"]))
        .expect("a good catalogue")
        .with_au3(true);
    let source = Source::default().service("payments").host("host-1").environment("prod");
    let object = BTreeMap::from([("a", 1), ("b", 2)]);
    let mut bytes = vec![0; 4096];
    let count = counted(|| {
        for attempt in 0..100 {
            let actor = Actor::user("u-17").roles(&["admin"]).ip([192, 0, 2, 7].into());
            let fields: [(&str, &dyn Value); 2] = [("method", &"password"), ("attempt", &attempt)];
            let login = AuditEvent::login(actor, EventOutcome::Denied).details(&fields);
            emit(&login, &source, &catalogue, &mut bytes);
            let target = Target::new("session", "s-4");
            let gone = AuditEvent::crud(actor, Crud::Delete, target, EventOutcome::Success);
            emit(&gone, &source, &catalogue, &mut bytes);
            let changes = [Change::new("pool.size", &attempt, &20)];
            let change = AuditEvent::config_change(actor, &changes, EventOutcome::Success);
            emit(&change.details_object(&object), &source, &catalogue, &mut bytes);
            let tool = AuditEvent::tool_event("ls", "files", 3, &["a", "b"], EventOutcome::Success);
            emit(&tool, &source, &catalogue, &mut bytes);
        }
    });
    assert_eq!(count, 0, "allocations on the way of good events");
    let refused = counted(|| {
        let nobody = AuditEvent::login(Actor::user(""), EventOutcome::Success);
        assert!(nobody.validate().is_err());
    });
    assert!(refused > 0, "the counter counts");
}
