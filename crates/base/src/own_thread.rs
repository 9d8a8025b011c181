//! Which threads belong to the engine.
//!
//! Promises: a thread is marked once, when it starts. Asking reads one thread-local; neither allocates.
use std::cell::Cell;

thread_local! {
    static IS_MARKED: Cell<bool> = const { Cell::new(false) };
}

/// Marks the calling thread as one of the engine's: what libraries log there through other interfaces is about the log
/// itself, and must not come back into it.
///
/// ```
/// use ringseal_base::own_thread;
/// assert!(!own_thread::is_marked());
/// std::thread::spawn(|| {
///     own_thread::mark();
///     assert!(own_thread::is_marked());
/// })
/// .join()
/// .unwrap();
/// assert!(!own_thread::is_marked());
/// ```
pub fn mark() {
    IS_MARKED.set(true);
}

/// Whether the calling thread is one of the engine's.
#[inline]
pub fn is_marked() -> bool {
    IS_MARKED.get()
}
