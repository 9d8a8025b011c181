//! Drains at the normal end of the process, for engines that no one has dropped: in a `static`, leaked, or alive when
//! `exit` is called.
//!
//! Promises: each engine takes at most the time that dropping it may take. A forked child does nothing. Hooks of others
//! that run before may log; what those that run later log is lost and counted. The engines are stopped by a thread of
//! their own, because the thread that exits has lost its thread-locals, and it may be a writer, which cannot wait for
//! itself.
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::running::Running;
use crate::core::{UnheardCounts, registry};
use crate::writer::stderr::Stderr;
use ringseal_base::process::exit::at_exit;

/// The engines that run.
static RUNNING: Mutex<Vec<Weak<Running>>> = Mutex::new(Vec::new());

/// The process in which the hook was registered.
static PROCESS: AtomicU32 = AtomicU32::new(0);

/// How long the hook waits for a lock that another thread holds for moments.
const LOCK_MAX: Duration = Duration::from_secs(1);

/// Stops this engine at the end of the process.
pub(super) fn add(running: &Arc<Running>) {
    let mut list = RUNNING.lock();
    list.retain(|engine| engine.strong_count() > 0);
    list.push(Arc::downgrade(running));
    // ORDER: relaxed; read by the hook, which is registered afterwards or runs in the same process.
    PROCESS.store(std::process::id(), Ordering::Relaxed);
    at_exit(stop_all);
}

fn stop_all() {
    // ORDER: relaxed; see `add`.
    if std::process::id() != PROCESS.load(Ordering::Relaxed) {
        return;
    }
    let Some(list) = RUNNING.try_lock_for(LOCK_MAX).map(|list| list.clone()) else { return };
    let mut engines: Vec<_> = list.iter().filter_map(Weak::upgrade).collect();
    engines.retain(|engine| engine.is_running());
    let unheard = registry::take_unheard(None);
    if !engines.is_empty() || unheard.total() > 0 {
        let times = engines.iter().map(|engine| engine.shutdown_timeout());
        let wait_max = times.fold(LOCK_MAX, Duration::saturating_add);
        run_on_another_thread(wait_max, move || {
            // An error was reported on stderr.
            engines.iter().for_each(|engine| drop(engine.stop()));
            report_unheard(unheard);
        });
    }
}

fn run_on_another_thread(wait_max: Duration, action: impl FnOnce() + Send + 'static) {
    let done = Arc::new((Mutex::new(false), Condvar::new()));
    let signal = Arc::clone(&done);
    let run = move || {
        action();
        *signal.0.lock() = true;
        signal.1.notify_all();
    };
    if std::thread::Builder::new().name("ringseal-exit".into()).spawn(run).is_ok() {
        let mut is_done = done.0.lock();
        done.1.wait_while_for(&mut is_done, |is_done| !*is_done, wait_max);
    }
}

/// Reports on stderr how many events came after the global engine had stopped.
fn report_unheard(counts: UnheardCounts) {
    if counts.total() > 0 {
        let at_least = if counts.is_at_least { "at least " } else { "" };
        let total = counts.total();
        Stderr::default().write(format_args!(
            "events lost because they were logged after the engine had stopped: {at_least}{total}; keep the engine \
             until the end: `let _log = ringseal::init(…)?`, not `let _ = …`"
        ));
    }
}
