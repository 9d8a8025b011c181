//! Drains on SIGTERM and SIGINT, and reopens on SIGHUP. Only if configured (feature `signals`).
//!
//! A thread waits for the signals. On SIGTERM or SIGINT it flushes the engine, for at most five seconds. Then, if the
//! process has no other handler for the signal, it runs the signal's default action, which ends the process with the
//! right status. A host that handles the signal itself, before or after the engine starts, shuts down in its own time;
//! events that it logs meanwhile are drained when it drops the engine or exits. Whether there is such a handler is
//! looked up when the signal comes.
//!
//! If this library is in the process more than once (two versions, a plugin with its own copy), each copy drains its
//! own engines. The copy that was there first ends the process, at the earliest five seconds after the signal, so that
//! the others can drain; should it have no engine any more, another one does after ten.
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::config::Reactions;
use super::control::ask;
use crate::emit::shared::Shared;
use crate::writer::control::Control;
use ringseal_base::process::signal::{
    Ending, SIGHUP, SIGINT, SIGTERM, Watch, end_by_default, ending,
};

const FLUSH_MAX: Duration = Duration::from_secs(5);

/// The thread that waits for signals; ends when dropped.
#[derive(Debug)]
pub(super) struct Signals {
    watch: Arc<Watch>,
    thread: Option<JoinHandle<()>>,
}

impl Signals {
    /// Starts the thread, unless nothing is to be done.
    pub(super) fn start(shared: &Arc<Shared>, reactions: Reactions) -> io::Result<Option<Signals>> {
        let signals: &[_] = match reactions {
            Reactions::None => return Ok(None),
            Reactions::Hangup => &[SIGHUP],
            Reactions::All => &[SIGHUP, SIGINT, SIGTERM],
        };
        let watch = Arc::new(Watch::start(signals)?);
        let (shared, watched) = (Arc::downgrade(shared), Arc::clone(&watch));
        let thread =
            std::thread::Builder::new().name("ringseal-signals".into()).spawn(move || {
                while let Some(signal) = watched.wait() {
                    let Some(shared) = shared.upgrade() else { break };
                    match signal {
                        SIGHUP => reopen(&shared),
                        signal => drain(&shared, signal),
                    }
                }
            })?;
        Ok(Some(Signals { watch, thread: Some(thread) }))
    }
}

fn reopen(shared: &Shared) {
    if let Err(error) = ask(&shared.link, Control::Reopen, FLUSH_MAX) {
        shared.link.stderr.write(format_args!("reopening on SIGHUP: {error}"));
    }
}

fn drain(shared: &Arc<Shared>, signal: i32) {
    let start = Instant::now();
    if let Err(error) = ask(&shared.link, Control::Sync, FLUSH_MAX) {
        shared.link.stderr.write(format_args!("draining on signal {signal}: {error}"));
    }
    let wait = match ending(signal) {
        // The host goes on logging, also to its audit log.
        Ending::Host => return super::audit::seal(shared, FLUSH_MAX),
        Ending::Here => Duration::ZERO,
        Ending::HereAfterOthers => FLUSH_MAX,
        Ending::OtherCopy => 2 * FLUSH_MAX,
    };
    super::audit::stop(shared, FLUSH_MAX);
    std::thread::sleep(wait.saturating_sub(start.elapsed()));
    end_by_default(signal);
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.watch.wake();
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported by the hook.
            let _ = thread.join();
        }
    }
}
