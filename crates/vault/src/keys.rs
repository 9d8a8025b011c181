//! The handle with keysets from a server, and the thread that refreshes them.
//!
//! Promises: an error at the start, the last valid keysets afterwards. The thread `ringseal-vault` ends at once when
//! the handle is dropped, except during a request: the drop waits for at most [`END_MAX`], and the thread then ends
//! with its request. It does not keep the keys alive. Making tokens never waits for it.
use std::fmt;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use ringseal_base::backoff::Backoff;
use ringseal_base::clock::monotonic_nanos;
use ringseal_base::own_thread;
use ringseal_redact::token::{KeySource, Randomness, SystemRandomness, TokenKeys};

use crate::config::VaultConfig;
use crate::error::{Operation, VaultError};
use crate::server::HttpServer;
use crate::session::{Server, Session};
use crate::source::VaultSource;

/// How long a drop waits for a request in progress.
const END_MAX: Duration = Duration::from_secs(1);
/// The first pause after a failed refresh; the next ones are longer, up to the time between refreshes.
const RETRY_MIN: Duration = Duration::from_secs(10);

/// Counters and state of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VaultStatus {
    /// The time since all keysets were last read from the server and loaded.
    pub keyset_age: Duration,
    /// Refreshes that read and loaded all keysets, with the one at the start.
    pub refreshes: u64,
    /// Refreshes that failed, for any reason.
    pub failures: u64,
    /// Of these, failures that need a change of configuration: a refused login, a denied path, no secret at the path.
    pub refusals: u64,
    /// Successful logins.
    pub logins: u64,
    /// Why the last refresh failed; `None` if it succeeded.
    pub last_error: Option<String>,
}

/// The state of refreshes; one thread at a time uses it.
struct Refresher<S> {
    session: Session<S>,
    tokens: VaultSource,
    reveal: Option<VaultSource>,
}

impl<S: Server> Refresher<S> {
    /// Reads all keysets into their sources. Each one is read, also after the failure of another one.
    fn read(&mut self, now: Duration) -> Result<(), Arc<VaultError>> {
        let tokens = self.session.read(Operation::ReadTokenKeyset, now).map_err(Arc::new);
        let mut result = tokens.as_ref().map(drop).map_err(Arc::clone);
        self.tokens.put(tokens);
        if let Some(source) = &self.reveal {
            let reveal = self.session.read(Operation::ReadRevealKeyset, now).map_err(Arc::new);
            result = result.and(reveal.as_ref().map(drop).map_err(Arc::clone));
            source.put(reveal);
        }
        result
    }
}

/// What the thread and the handle share.
struct Shared<S> {
    refresher: Mutex<Refresher<S>>,
    /// Also the time of the last success.
    status: Mutex<(VaultStatus, Duration)>,
}

impl<S: Server> Shared<S> {
    /// Reads the keysets and lets the handle load them.
    fn refresh(&self, keys: &TokenKeys, now: Duration) -> Result<(), Arc<VaultError>> {
        let mut refresher = self.refresher.lock();
        let read = refresher.read(now);
        let loaded = keys.refresh_now(now).map_err(|error| Arc::new(VaultError::Keys(error)));
        // The error of the read is the more exact one; the handle repeats it.
        let result = read.and(loaded.map(drop));
        let mut status = self.status.lock();
        let (status, ok_at) = &mut *status;
        status.logins = refresher.session.logins;
        match &result {
            Ok(()) => {
                status.refreshes += 1;
                status.last_error = None;
                *ok_at = now;
            }
            Err(error) => {
                status.failures += 1;
                status.refusals += u64::from(error.is_refusal());
                status.last_error = Some(error.to_string());
            }
        }
        result
    }
}

/// Keys from a server of Vault or OpenBao, refreshed by a thread until this is dropped.
pub struct VaultKeys {
    keys: Arc<TokenKeys>,
    shared: Arc<Shared<HttpServer>>,
    /// Nothing is sent; dropping the sender ends the thread.
    stop: Option<Sender<()>>,
    /// Disconnected when the thread has ended.
    ended: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for VaultKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VaultKeys").field("keys", &self.keys).finish_non_exhaustive()
    }
}

impl VaultKeys {
    /// Logs in, reads the keysets and starts the thread. Blocks for a few timeouts at most.
    ///
    /// # Errors
    /// Why there is no usable keyset.
    pub fn open(config: &VaultConfig) -> Result<VaultKeys, VaultError> {
        let session = Session::new(HttpServer::new(config)?);
        let (keys, shared) = open_with(config, session, now(), Box::new(SystemRandomness))?;
        let (stop, stopped) = channel();
        let (ending, ended) = sync_channel(0);
        let thread = {
            let (keys, shared) = (Arc::downgrade(&keys), Arc::clone(&shared));
            let every = config.refresh_every;
            let run = move || run(&keys, &shared, every, &stopped, &ending);
            let builder = std::thread::Builder::new().name("ringseal-vault".into());
            builder.spawn(run).map_err(VaultError::Thread)?
        };
        Ok(VaultKeys { keys, shared, stop: Some(stop), ended, thread: Some(thread) })
    }

    /// The handle that makes tokens. It outlives this value, but is then not refreshed.
    pub fn keys(&self) -> Arc<TokenKeys> {
        Arc::clone(&self.keys)
    }

    /// Refreshes the keysets on the calling thread, as after a rotation. Waits for a refresh in progress.
    ///
    /// # Errors
    /// Why the refresh failed. It is counted, and the last valid keysets stay in use.
    pub fn refresh(&self) -> Result<(), Arc<VaultError>> {
        self.shared.refresh(&self.keys, now())
    }

    /// Counters and state. Does not wait for the network.
    pub fn status(&self) -> VaultStatus {
        let status = self.shared.status.lock();
        let (status, ok_at) = &*status;
        VaultStatus { keyset_age: now().saturating_sub(*ok_at), ..status.clone() }
    }
}

impl Drop for VaultKeys {
    fn drop(&mut self) {
        drop(self.stop.take());
        let has_ended = self.ended.recv_timeout(END_MAX) == Err(RecvTimeoutError::Disconnected);
        if let Some(thread) = self.thread.take().filter(|_| has_ended) {
            // The panic hook has reported a panic of the thread.
            let _ = thread.join();
        }
    }
}

fn now() -> Duration {
    Duration::from_nanos(monotonic_nanos())
}

type Opened<S> = (Arc<TokenKeys>, Arc<Shared<S>>);

fn open_with<S: Server>(
    config: &VaultConfig,
    session: Session<S>,
    now: Duration,
    random: Box<dyn Randomness>,
) -> Result<Opened<S>, VaultError> {
    let tokens = VaultSource::new(&config.token_keyset);
    let reveal = config.reveal_keyset.as_deref().map(VaultSource::new);
    let mut refresher = Refresher { session, tokens, reveal };
    refresher.read(now).map_err(|error| {
        // The sources hold the other references.
        refresher.tokens = VaultSource::new("");
        refresher.reveal = None;
        Arc::into_inner(error).unwrap_or(VaultError::NoKeyset)
    })?;
    let boxed = |source: &VaultSource| -> Box<dyn KeySource> { Box::new(source.clone()) };
    let (tokens, reveal) = (boxed(&refresher.tokens), refresher.reveal.as_ref().map(boxed));
    // The sources report their changes themselves.
    let keys = TokenKeys::from_sources(&config.env, tokens, reveal, Duration::MAX, random);
    let keys = keys.map_err(VaultError::Keys)?;
    let status = VaultStatus {
        keyset_age: Duration::ZERO,
        refreshes: 1,
        failures: 0,
        refusals: 0,
        logins: refresher.session.logins,
        last_error: None,
    };
    let shared = Shared { refresher: Mutex::new(refresher), status: Mutex::new((status, now)) };
    Ok((Arc::new(keys), Arc::new(shared)))
}

/// The thread. `_ending` is dropped when it ends.
fn run<S: Server>(
    keys: &Weak<TokenKeys>,
    shared: &Shared<S>,
    every: Duration,
    stopped: &Receiver<()>,
    _ending: &SyncSender<()>,
) {
    own_thread::mark();
    let mut backoff = Backoff::new(RETRY_MIN.min(every), every);
    let mut pause = every;
    while stopped.recv_timeout(jittered(pause, random_word())) == Err(RecvTimeoutError::Timeout) {
        let Some(keys) = keys.upgrade() else { return };
        pause = match shared.refresh(&keys, now()) {
            Ok(()) => {
                backoff.reset();
                every
            }
            // The failure is counted.
            Err(_) => backoff.next_pause(),
        };
    }
}

/// A random word; 10 % less if the system has no randomness, which only spreads the load of many processes.
fn random_word() -> u32 {
    let mut bytes = [0; 4];
    SystemRandomness.fill(&mut bytes).map_or(0, |()| u32::from_le_bytes(bytes))
}

/// A pause from 90 % to 110 % of `pause`.
fn jittered(pause: Duration, word: u32) -> Duration {
    pause.mul_f64(0.9 + 0.2 * f64::from(word) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests;
