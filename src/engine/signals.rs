//! Drains on SIGTERM and SIGINT, and reopens on SIGHUP. Only if configured (`Config::signals`, feature `signals`).
//!
//! A thread waits for the signals. On SIGTERM or SIGINT it flushes the engine, for at most five seconds, and then runs
//! the signal's default action, which ends the process with the right status. A host with a graceful shutdown handles
//! signals itself and drops the engine.
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals as Iterator};

use super::engine::ask;
use crate::emit::shared::Shared;
use crate::writer::control::Control;

const FLUSH_MAX: Duration = Duration::from_secs(5);

/// The thread that waits for signals; ends when dropped.
#[derive(Debug)]
pub(super) struct Signals {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl Signals {
    /// Starts the thread.
    pub(super) fn start(shared: &Arc<Shared>) -> io::Result<Signals> {
        let mut signals = Iterator::new([SIGTERM, SIGINT, SIGHUP])?;
        let handle = signals.handle();
        let shared = Arc::downgrade(shared);
        let thread =
            std::thread::Builder::new().name("ringseal-signals".into()).spawn(move || {
                for signal in signals.forever() {
                    let Some(shared) = shared.upgrade() else { break };
                    if signal == SIGHUP {
                        if let Err(error) = ask(&shared.link, Control::Reopen, FLUSH_MAX) {
                            shared.link.stderr.write(format_args!("reopening on SIGHUP: {error}"));
                        }
                        continue;
                    }
                    if let Err(error) = ask(&shared.link, Control::Sync, FLUSH_MAX) {
                        shared
                            .link
                            .stderr
                            .write(format_args!("draining on signal {signal}: {error}"));
                    }
                    super::audit::stop(&shared, FLUSH_MAX);
                    // Ends the process as the signal does by default.
                    if signal_hook::low_level::emulate_default_handler(signal).is_err() {
                        std::process::exit(128 + signal);
                    }
                }
            })?;
        Ok(Signals { handle, thread: Some(thread) })
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported by the hook.
            let _ = thread.join();
        }
    }
}
