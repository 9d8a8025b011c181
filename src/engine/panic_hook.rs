//! Logs a panic of any thread, and flushes.
//!
//! The previous hook runs first and unchanged: that of the standard library writes the message to standard error as it
//! is. An engine can ask for its place ([`PanicOutput::Redacted`]): then the message passes the engine's rules instead,
//! and is replaced by a fixed text if they fail.
//! Then the panic is logged (`ringseal.panicked`, redacted like any event), and the writer flushes, for at most two
//! seconds: with `panic = "abort"`, or if the panic ends the process, there is no later chance. Nothing else about the
//! process changes.
use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{self, PanicHookInfo};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;

use super::control::ask;
use crate::emit::emitter::emit_own;
use crate::emit::shared::Shared;
use crate::writer::control::Control;
use crate::writer::report::PANICKED;
use crate::writer::stderr;
use ringseal_base::panic::panic_message;
use ringseal_base::value::{DisplayValue, Map, Value};

const FLUSH_MAX: Duration = Duration::from_secs(2);

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Sync + Send + 'static>;

/// What writes the message to standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PanicOutput {
    /// The hook that was there.
    EarlierHook,
    /// The engine, by its rules. The earlier hook is not called while such an engine runs.
    Redacted,
}

/// The engines to flush.
static ENGINES: Mutex<Vec<(Weak<Shared>, PanicOutput)>> = Mutex::new(Vec::new());
/// Whether the hook is set. It stays for the rest of the process, because later hooks wrap it.
static IS_HOOKED: Mutex<bool> = Mutex::new(false);

/// Removes the engine from the list when dropped.
#[derive(Debug)]
pub(super) struct Installed(Weak<Shared>);

impl Drop for Installed {
    fn drop(&mut self) {
        ENGINES.lock().retain(|(engine, _)| !engine.ptr_eq(&self.0));
    }
}

/// Flushes this engine whenever a thread panics.
pub(super) fn install(shared: &Arc<Shared>, output: PanicOutput) -> Installed {
    let engine = Arc::downgrade(shared);
    ENGINES.lock().push((Weak::clone(&engine), output));
    let mut is_hooked = IS_HOOKED.lock();
    if !std::mem::replace(&mut *is_hooked, true) {
        let before: Hook = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if stderr::is_redacting() {
                // Caught there. The text may quote what was to be redacted.
                return;
            }
            let engines = ENGINES.try_lock_for(FLUSH_MAX).map(|engines| engines.clone());
            let engines: Vec<_> = engines
                .iter()
                .flatten()
                .filter_map(|(engine, output)| Some((engine.upgrade()?, *output)))
                .collect();
            match engines.iter().find(|(_, output)| *output == PanicOutput::Redacted) {
                Some((engine, _)) => write_redacted(info, engine),
                None => before(info),
            }
            report_and_flush_all(info, &engines);
        }));
    }
    Installed(engine)
}

/// Writes what the standard library's hook writes, redacted.
fn write_redacted(info: &PanicHookInfo<'_>, shared: &Shared) {
    let thread = std::thread::current();
    let mut text = format!("thread '{}' panicked", thread.name().unwrap_or("<unnamed>"));
    if let Some(place) = info.location() {
        text.push_str(&format!(" at {place}"));
    }
    text.push_str(&format!(":\n{}", panic_message(info.payload()).unwrap_or("Box<dyn Any>")));
    let trace = Backtrace::capture();
    if trace.status() == BacktraceStatus::Captured {
        text.push_str(&format!("\nstack backtrace:\n{trace}"));
    }
    shared.link.stderr.write_text(&text);
}

fn report_and_flush_all(info: &PanicHookInfo<'_>, engines: &[(Arc<Shared>, PanicOutput)]) {
    // A panic in a sink's thread is an error of that sink; the writer must not wait for the panicking thread.
    if crate::sink::isolated::is_sink_thread() {
        return;
    }
    for (shared, _) in engines {
        // A panic inside the writer's thread cannot wait for that thread; it is caught there.
        if !shared.link.is_writer_thread() {
            report_and_flush(info, shared);
            super::audit::seal(shared, FLUSH_MAX);
        }
    }
}

/// Logs the panic and flushes. If the ring is full, flushes first, for half of the time.
fn report_and_flush(info: &PanicHookInfo<'_>, shared: &Arc<Shared>) {
    // The writer reports failures on stderr; a panic hook cannot return them.
    let flush = |time| drop(ask(&shared.link, Control::Flush, time));
    if !shared.enables(&PANICKED) || report(info, shared) {
        return flush(FLUSH_MAX);
    }
    flush(FLUSH_MAX / 2);
    if !report(info, shared) {
        shared.count_loss_without_lane(PANICKED.metadata().level);
    }
    flush(FLUSH_MAX / 2);
}

/// Logs the panic if there is space. A panic inside a value that is being logged uses another lane, because that of its
/// thread is in use.
fn report(info: &PanicHookInfo<'_>, shared: &Arc<Shared>) -> bool {
    let message = panic_message(info.payload());
    let entries: [(&str, &dyn Value); 2] = [("type", &"panic"), ("message", &message)];
    let location = info.location().map(|place| DisplayValue(*place));
    let thread = std::thread::current();
    let fields = (Map(&entries), (location, (thread.name(), ())));
    emit_own(shared, &PANICKED, &fields)
}
