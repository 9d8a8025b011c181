//! Drains on SIGTERM and SIGINT, and reopens on SIGHUP. Only if configured (feature `signals`).
//!
//! A thread waits for the signals. On SIGTERM or SIGINT it flushes the engine, for at most five seconds. Then, if the
//! process has no other handler for the signal, it runs the signal's default action, which ends the process with the
//! right status. A host that handles the signal itself, before or after the engine starts, shuts down in its own time;
//! events that it logs meanwhile are drained when it drops the engine or exits. Whether there is such a handler is
//! looked up when the signal comes.
//!
//! The process ends when all engines with signals are drained: each flushes for at most five seconds, and stopping an
//! audit log may take five more. If this library is in the process more than once (two versions, a plugin with its own
//! copy), each copy drains its own engines. The copy that was loaded last finishes first and passes the signal on to
//! the one before it, and the first one ends the process. Should that not happen, another copy does after ten seconds.
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::config::Reactions;
use super::control::ask;
use crate::emit::shared::Shared;
use crate::writer::control::Control;
use ringseal_base::process::signal::{
    Ending, SIGHUP, SIGINT, SIGTERM, Watch, count_of, end_by_default, ending, is_turn, pass_on,
};

const FLUSH_MAX: Duration = Duration::from_secs(5);
/// How often a drained engine asks whether the others are.
const TURN_PAUSE: Duration = Duration::from_millis(2);

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
                        signal => drain(&shared, &watched, signal),
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

fn drain(shared: &Arc<Shared>, watch: &Watch, signal: i32) {
    let (start, count) = (Instant::now(), count_of(signal));
    if let Err(error) = ask(&shared.link, Control::Sync, FLUSH_MAX) {
        shared.link.stderr.write(format_args!("draining on signal {signal}: {error}"));
    }
    if ending(signal) == Ending::Host {
        // The host goes on logging, also to its audit log.
        super::audit::seal(shared, FLUSH_MAX);
        return watch.set_done(signal, count);
    }
    super::audit::stop(shared, FLUSH_MAX);
    watch.set_done(signal, count);
    while !is_turn(signal, count) && start.elapsed() < FLUSH_MAX {
        std::thread::sleep(TURN_PAUSE);
    }
    match ending(signal) {
        // It has registered a handler in the meantime.
        Ending::Host => return,
        Ending::Here => {}
        Ending::OtherCopy => {
            pass_on(signal);
            std::thread::sleep((2 * FLUSH_MAX).saturating_sub(start.elapsed()));
        }
    }
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
