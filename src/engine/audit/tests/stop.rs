//! Events that race with the end of their engine.
use std::sync::mpsc;

use parking_lot::Mutex;

use super::*;
use ringseal_base::limits::Limits;
use ringseal_base::value::ValueWriter;

/// A value that waits in the middle of being written.
struct Slow {
    began: mpsc::SyncSender<()>,
    go_on: Mutex<mpsc::Receiver<()>>,
}

impl Value for Slow {
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        "done".size_bytes_max(limits)
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        // The second attempt, after the first was too long for the ring: the test does not wait any more.
        let _ = self.began.try_send(());
        let _ = self.go_on.lock().recv();
        "done".write(out);
    }
}

/// An event that is half-way into its ring while the engine stops and waits for it up to `shutdown_timeout`.
fn race(shutdown_timeout: Duration, continues_after_stop: bool) -> (Result<(), AuditError>, usize) {
    let dir = tempfile::tempdir().unwrap();
    let config = Config::new().panic_hook(false).output(Output::custom(MemorySink::new()));
    let config = config.shutdown_timeout(shutdown_timeout).audit(AuditConfig::new(dir.path()));
    let engine = Engine::start(config).unwrap();
    let audit = engine.audit().unwrap();
    audit.emit(&login("first")).unwrap();
    let (began, has_begun) = mpsc::sync_channel(1);
    let (go, go_on) = mpsc::channel();
    let slow = Slow { began, go_on: Mutex::new(go_on) };
    let result = std::thread::scope(|scope| {
        let emitter = scope.spawn(|| {
            let details: [(&str, &dyn Value); 1] = [("slow", &slow)];
            audit.emit(&login("late").details(&details)).map(|_| ())
        });
        has_begun.recv().unwrap();
        let stopper = scope.spawn(move || engine.stop());
        wait_until("the door is shut", || audit.audit.link.is_closed());
        if continues_after_stop {
            let _ = stopper.join().unwrap();
            drop(go);
        } else {
            drop(go);
            let _ = stopper.join().unwrap();
        }
        emitter.join().unwrap()
    });
    let late = events(dir.path()).iter().filter(|event| event["actor"]["id"] == "late").count();
    (result, late)
}

#[test]
fn an_admitted_event_is_in_the_log() {
    assert_eq!(race(Duration::from_secs(30), false), (Ok(()), 1));
}

#[test]
fn a_late_event_is_an_error() {
    let (result, late) = race(Duration::from_millis(100), true);
    assert_eq!((result, late), (Err(AuditError::Log(AuditFault::Stopped)), 0));
}

#[test]
fn every_acknowledged_event_is_in_the_log() {
    for _ in 0..5 {
        let dir = tempfile::tempdir().unwrap();
        let (engine, audit, _) = start(AuditConfig::new(dir.path()));
        let found: usize = std::thread::scope(|scope| {
            let emitters: Vec<_> = (0..4)
                .map(|_| {
                    let audit = &audit;
                    scope.spawn(move || {
                        (0..).take_while(|_| audit.emit(&login("u")).is_ok()).count()
                    })
                })
                .collect();
            audit.emit(&login("u")).unwrap().wait().unwrap();
            engine.stop().unwrap();
            emitters.into_iter().map(|emitter| emitter.join().unwrap()).sum()
        });
        assert_eq!(events(dir.path()).len(), found + 1);
    }
}
