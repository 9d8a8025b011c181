//! An engine for calls without a logger, for one thread.
use crate::emit::thread_default::ThreadDefault;
use crate::engine::Engine;
use crate::testing::Capture;

/// The thread's default engine until it is dropped; made by [`set_default`].
#[must_use = "dropping the guard ends the default at once: bind it, as in `let _default = …`"]
#[derive(Debug)]
pub struct DefaultGuard {
    _default: ThreadDefault,
}

/// Calls without a logger on this thread reach `engine` instead of the global one, until the guard is dropped. The last
/// of several guards counts.
///
/// For tests of code that uses the global engine: each test has its own, and they run beside each other. Other threads
/// are not affected, also those that the test starts. An asynchronous test keeps it across `.await` if all its tasks
/// run on the test's thread, as on tokio's current-thread runtime, the default of `#[tokio::test]`.
///
/// ```
/// use ringseal::{info, testing::{self, Capture}};
/// let (engine, capture) = Capture::start();
/// let _default = testing::set_default(&engine);
/// info!("payment_processed", amount = 100);
/// assert_eq!(capture.event("payment_processed")["amount"], 100);
/// ```
///
/// While a guard exists anywhere in the process, each call without a logger, enabled or not, and each enabled call with
/// one cost some more, on every thread.
pub fn set_default(engine: &Engine) -> DefaultGuard {
    DefaultGuard { _default: ThreadDefault::set(&engine.logger().shared) }
}

/// Runs `action` and captures what it logs on this thread without a logger, at every level. Returns its result and the
/// events: short for [`Capture::start`] and [`set_default`].
///
/// ```
/// use ringseal::{testing, warn};
/// let (sum, capture) = testing::with_default(|| {
///     warn!("limit_near", current = 45);
///     45 + 5
/// });
/// assert_eq!(sum, 50);
/// assert_eq!(capture.event("limit_near")["current"], 45);
/// ```
///
/// # Panics
/// If `action` panics, or no engine can be started.
pub fn with_default<T>(action: impl FnOnce() -> T) -> (T, Capture) {
    let (engine, capture) = Capture::start();
    let default = set_default(&engine);
    let result = action();
    drop(default);
    (result, capture)
}
