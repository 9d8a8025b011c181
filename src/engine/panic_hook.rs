//! Telling of a thread that panics, and draining.
//!
//! The hook that was there before runs first and unchanged. Then the panic is logged (`ringseal.panicked`, which is
//! redacted like any event), and the writer is asked to flush, for at most two seconds: with `panic = "abort"`, or when
//! the panic ends the process, this is the last moment. Nothing else of the host's behaviour changes.
use std::panic::{self, PanicHookInfo};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;

use super::engine::ask;
use crate::core::value::{DisplayValue, Map, Value};
use crate::emit::emitter::Emitter;
use crate::emit::shared::Shared;
use crate::writer::control::Control;
use crate::writer::report::PANICKED;

const FLUSH_MAX: Duration = Duration::from_secs(2);

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Sync + Send + 'static>;

/// The engines that want to be flushed.
static ENGINES: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());
/// Whether our hook is in place; it stays for the rest of the process, because hooks set later wrap it.
static IS_HOOKED: Mutex<bool> = Mutex::new(false);

/// Takes the engine off the list when dropped.
#[derive(Debug)]
pub(super) struct Installed(Weak<Shared>);

impl Drop for Installed {
    fn drop(&mut self) {
        ENGINES.lock().retain(|engine| !engine.ptr_eq(&self.0));
    }
}

/// Flushes this engine whenever a thread panics.
pub(super) fn install(shared: &Arc<Shared>) -> Installed {
    let engine = Arc::downgrade(shared);
    ENGINES.lock().push(Weak::clone(&engine));
    let mut is_hooked = IS_HOOKED.lock();
    if !std::mem::replace(&mut *is_hooked, true) {
        let before: Hook = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            before(info);
            tell_and_flush_all(info);
        }));
    }
    Installed(engine)
}

fn tell_and_flush_all(info: &PanicHookInfo<'_>) {
    // A panic in a sink's own thread is an error of that sink; the writer must not wait for the thread that panics.
    if crate::sink::isolated::is_sink_thread() {
        return;
    }
    // A panic inside the writer's thread cannot wait for that thread; it is caught there.
    let Some(engines) = ENGINES.try_lock_for(FLUSH_MAX).map(|engines| engines.clone()) else {
        return;
    };
    for shared in engines.iter().filter_map(Weak::upgrade) {
        if !shared.link.is_writer_thread() {
            tell_and_flush(info, &shared);
            super::audit::seal(&shared, FLUSH_MAX);
        }
    }
}

/// Logs the panic and flushes. Where the ring has no room for it, the first half of the time makes some.
fn tell_and_flush(info: &PanicHookInfo<'_>, shared: &Arc<Shared>) {
    // The writer says on stderr what it could not do; a panic hook has nobody to tell.
    let flush = |time| drop(ask(&shared.link, Control::Flush, time));
    if !PANICKED.enabled(shared.slot) || tell(info, shared) {
        return flush(FLUSH_MAX);
    }
    flush(FLUSH_MAX / 2);
    if !tell(info, shared) {
        shared.lose_unplaced(PANICKED.metadata().level);
    }
    flush(FLUSH_MAX / 2);
}

/// Logs the panic if there is room. A panic inside a value that is being logged finds its thread's lane busy and takes
/// another one, if any is left.
fn tell(info: &PanicHookInfo<'_>, shared: &Arc<Shared>) -> bool {
    let to = Emitter { slot: shared.slot, engine: shared.id, shared: Some(shared), context: None };
    let payload = info.payload();
    let said = payload.downcast_ref::<&str>().copied();
    let said = said.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let entries: [(&str, &dyn Value); 2] = [("type", &"panic"), ("message", &said)];
    let location = info.location().map(|place| DisplayValue(*place));
    let thread = std::thread::current();
    let fields = (Map(&entries), (location, (thread.name(), ())));
    super::config_events::tell(to, shared, &PANICKED, &fields)
}
