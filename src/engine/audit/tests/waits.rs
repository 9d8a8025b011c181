//! Emitting and waiting without blocking the thread.
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::pin;
use std::task::{Context, Poll, Wake, Waker};

use super::*;

struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future on this thread, which parks while it waits.
fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

#[test]
fn an_awaited_receipt_means_on_disk() {
    fn check<T: UnwindSafe + RefUnwindSafe + Send + Sync>(_: &T) {}
    let dir = tempfile::tempdir().unwrap();
    let (engine, audit, _) = start(AuditConfig::new(dir.path()));
    check(&audit);
    let waits: Vec<_> = (0..500)
        .map(|number| audit.try_emit(&login(&format!("u-{number}"))).unwrap().wait_async())
        .collect();
    let receipts: Vec<_> = waits.into_iter().map(|wait| block_on(wait).unwrap()).collect();
    assert!(receipts.windows(2).all(|pair| pair[0].seq < pair[1].seq));
    assert_eq!(events(dir.path()).len(), 500);
    audit.emit(&login("last")).unwrap();
    block_on(engine.logger().flush_async()).unwrap();
    assert_eq!(events(dir.path()).len(), 501);
    let late = audit.emit(&login("later")).unwrap();
    engine.stop().unwrap();
    assert_eq!(block_on(late.wait_async()), Err(AuditError::Log(AuditFault::Stopped)));
    let refused = audit.try_emit(&login("too late")).unwrap_err();
    assert_eq!(refused, AuditError::Log(AuditFault::Stopped));
}

#[test]
fn try_emit_refuses_instead_of_waiting() {
    let (disk, config) = faulty(|config| config.held_bytes_max(2048));
    let (engine, audit, _) = start(config);
    audit.emit(&login("first")).unwrap().wait().unwrap();
    fill_up(&disk);
    let mut queued = 1;
    let refused = loop {
        match audit.try_emit(&login("someone")) {
            Ok(_) => queued += 1,
            Err(error) => break error,
        }
        std::thread::yield_now();
    };
    assert_eq!(refused, AuditError::Log(AuditFault::WouldWait));
    assert!(refused.to_string().contains("not queued"), "{refused}");
    disk.set_faults(Faults::default());
    wait_until("the log takes entries again", || audit.try_emit(&login("last")).is_ok());
    engine.stop().unwrap();
    let logged = on_disk(&disk);
    assert_eq!(logged.len(), queued + 1);
}
