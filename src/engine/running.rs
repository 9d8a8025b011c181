//! What runs of an engine, and how it stops. All clones of an [`Engine`](super::Engine) share it.
//!
//! Promises: stopping takes at most the configured time and happens once. In a forked child nothing is stopped, because
//! the threads are in the parent.
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::audit;
use super::config::Described;
use super::control::ask;
use super::levels;
use crate::emit::shared::Shared;
use crate::emit::{AsEmitter, Logger, global, sampling};
use crate::writer::control::{Control, FlushError};
use crate::writer::recovery::RecoveryState;
use crate::writer::run::WriterThread;

/// The threads of an engine, and what ends with them.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) shared: Arc<Shared>,
    pub(super) thread: Mutex<Option<WriterThread>>,
    pub(super) run_id: Arc<str>,
    /// What was recovered of runs that were killed.
    pub(super) recovery: Arc<RecoveryState>,
    pub(super) shutdown_timeout: Duration,
    pub(super) described: Described,
    #[cfg(feature = "signals")]
    pub(super) signals: Mutex<Option<super::signals::Signals>>,
    #[cfg(feature = "tokens")]
    pub(super) keys: Mutex<Option<super::tokens::KeysetRefresher>>,
    pub(super) panic_hook: Mutex<Option<super::panic_hook::Installed>>,
}

impl Running {
    pub(super) fn shutdown_timeout(&self) -> Duration {
        self.shutdown_timeout
    }

    /// Whether it has not been stopped.
    pub(super) fn is_running(&self) -> bool {
        !self.shared.link.is_forked() && self.thread.lock().is_some()
    }

    /// Drains and stops. Only the first call does something.
    pub(super) fn stop(&self) -> Result<(), FlushError> {
        if self.shared.link.is_forked() {
            // In this process the writer's thread does not exist, nor does a thread that held a lock at the fork.
            return Err(FlushError::Forked);
        }
        let Some(thread) = self.thread.lock().take() else { return Err(FlushError::Stopped) };
        levels::stop(&self.shared);
        // From here on all call sites are disabled, and the rings are drained.
        let suppressed = self.shared.disable();
        global::clear(&self.shared);
        self.shared.end_level_changes();
        let logger = Logger::new(Arc::clone(&self.shared));
        sampling::report_all(logger.emitter(), &self.shared, suppressed);
        let start = Instant::now();
        audit::stop(&self.shared, self.shutdown_timeout);
        let result = ask(&self.shared.link, Control::Stop, self.shutdown_timeout);
        match &result {
            Err(error @ (FlushError::Timeout | FlushError::FromWriter)) => {
                let waited = start.elapsed().as_secs_f64();
                self.shared.link.stderr.write(format_args!(
                    "stopped after {waited:.1} s without the writer's answer: {error}"
                ));
            }
            _ => {
                // The writer has answered; it only has to close its sinks.
                if !thread.join(self.shutdown_timeout.saturating_sub(start.elapsed())) {
                    let waited = start.elapsed().as_secs_f64();
                    let stderr = &self.shared.link.stderr;
                    stderr.write(format_args!(
                        "stopped after {waited:.1} s; a sink is still closing"
                    ));
                }
            }
        }
        result
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.shared.link.is_forked() {
            // The threads to join, and perhaps the holders of locks, are in the parent.
            #[cfg(feature = "signals")]
            std::mem::forget(self.signals.get_mut().take());
            #[cfg(feature = "tokens")]
            std::mem::forget(self.keys.get_mut().take());
            std::mem::forget(self.panic_hook.get_mut().take());
            std::mem::forget(self.thread.get_mut().take());
            return;
        }
        #[cfg(feature = "signals")]
        drop(self.signals.get_mut().take());
        drop(self.panic_hook.get_mut().take());
        // Callers that need the result call `Engine::stop`; losses were reported on stderr.
        let _ = self.stop();
    }
}
