//! Runs a function at the normal end of the process: `exit`, a return from `main`, or the unloading of the library that
//! contains this code (dlclose).
//!
//! Promises: the function runs once, on the thread that ends the process, after the destructors of that thread's locals
//! and together with the hooks of others, later ones first. A panic in it is caught. It does not run after `_exit`,
//! `abort` or a signal. A forked child inherits it: the function has to find out in which process it runs.
//!
//! Invariants:
//! 1. `run` takes no arguments, never unwinds, and is part of the same library as the call of `atexit`, which the
//!    system's library uses to run it before that library is unloaded.
#![allow(unsafe_code)]
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

static HOOK: OnceLock<fn()> = OnceLock::new();

/// Runs `hook` at the end of the process. Only the first hook is taken. Returns whether one is registered.
pub fn at_exit(hook: fn()) -> bool {
    let mut is_registered = true;
    HOOK.get_or_init(|| {
        // SAFETY: invariant 1.
        is_registered = unsafe { libc::atexit(run) } == 0;
        hook
    });
    is_registered
}

extern "C" fn run() {
    if let Some(hook) = HOOK.get() {
        // The panic's message is printed by the panic hook; there is no caller to tell.
        let _ = catch_unwind(AssertUnwindSafe(hook));
    }
}
