//! Keyed tokens (feature `tokens`): opens the keysets when the engine starts, and refreshes them while it runs.
//!
//! Promises: an unusable keyset is an error at start. The thread `ringseal-keys` checks for a new keyset about every
//! [`CHECK_EVERY`]; this thread blocks on the disk, so the writer never does. A failed check is reported once on
//! stderr, until a check succeeds, and the last valid keyset stays in use. The thread ends with the engine; if the disk
//! hangs, the engine waits for it at most [`END_MAX`]. The thread does not keep the keys alive.
use std::io;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::config::{Config, InitError};
use super::env::EnvError;
use super::redaction::{TokenSource, Tokens};
use crate::writer::stderr::Stderr;
use ringseal_base::clock::monotonic_nanos;
use ringseal_base::own_thread;
use ringseal_redact::token::{CHECK_EVERY, TokenKeys, TokenKeysConfig, TokenKeysError};

/// How long a stopping engine waits for a check that is in progress.
const END_MAX: Duration = Duration::from_secs(1);

impl Tokens {
    /// Tokens with keys from these keysets. The engine opens them when it starts, and checks them for changes about
    /// every 10 s.
    ///
    /// ```
    /// use ringseal::redact::token::{Keyset, KeysetKind, TokenKeysConfig, SystemRandomness};
    /// use ringseal::redact::{Profile, RuleSet};
    /// use ringseal::{Config, Tokens, info};
    /// use ringseal::system::OsStorage;
    /// use ringseal::testing::Capture;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("token-keyset.json");
    /// Keyset::generate(KeysetKind::Token, "tk1", "2026-01-31T00:00:00Z", &SystemRandomness)?
    ///     .create(&OsStorage, &path)?;
    /// let mut rules = RuleSet::default();
    /// rules.profile = Profile::Ecs;
    /// let config = Config::new().redact(rules).tokens(Tokens::keysets(TokenKeysConfig::new(&path).env("prod")));
    /// let (engine, capture) = Capture::start_with(config);
    /// info!(engine, "sent", email = "ann@example.com");
    /// engine.flush()?;
    /// assert!(capture.events()[0].text("email").starts_with("ptok:v1:"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn keysets(keysets: TokenKeysConfig) -> Self {
        Self(TokenSource::Keysets(keysets))
    }

    /// Tokens with keys that the application has opened and can also use itself. The engine checks them for changes.
    pub fn shared(keys: Arc<TokenKeys>) -> Self {
        Self(TokenSource::Shared(keys))
    }
}

impl Config {
    /// Opens the keys, sets them as the tokenizer and starts to refresh them.
    pub(super) fn open_keys(
        &mut self,
        stderr: &Arc<Stderr>,
    ) -> Result<Option<KeysetRefresher>, InitError> {
        let keys = match &self.redaction.tokens {
            None | Some(Tokens(TokenSource::Custom(_))) => return Ok(None),
            Some(Tokens(TokenSource::Keysets(config))) => {
                Arc::new(TokenKeys::open(config).map_err(InitError::Keys)?)
            }
            Some(Tokens(TokenSource::Shared(keys))) => Arc::clone(keys),
        };
        let refresher =
            KeysetRefresher::start(Arc::downgrade(&keys), CHECK_EVERY, Arc::clone(stderr));
        self.redaction.tokens = Some(Tokens(TokenSource::Custom(keys)));
        refresher.map(Some).map_err(|source| InitError::Thread { source })
    }
}

/// Reads the `PII_` variables.
pub(super) fn from_variables(
    config: &mut Config,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<(), EnvError> {
    let found = |name: &str| variable(name).unwrap_or_default();
    let keysets = TokenKeysConfig::from_variables(variable).map_err(|error| match error {
        TokenKeysError::Setting { variable, expected, .. } => {
            EnvError { variable: variable.into(), found: found(variable), expected }
        }
        other => EnvError {
            variable: "PII_PROVIDER".into(),
            found: found("PII_PROVIDER"),
            expected: format!("file ({other})"),
        },
    })?;
    config.redaction.tokens = keysets.map(Tokens::keysets);
    Ok(())
}

/// The thread that reloads changed keysets; ends when dropped.
#[derive(Debug)]
pub(super) struct KeysetRefresher {
    /// Nothing is sent; dropping the sender ends the thread.
    stop: Option<Sender<()>>,
    /// Disconnected when the thread has ended.
    ended: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl KeysetRefresher {
    fn start(
        keys: Weak<TokenKeys>,
        every: Duration,
        stderr: Arc<Stderr>,
    ) -> io::Result<KeysetRefresher> {
        let (stop, stopped) = bounded::<()>(0);
        let (ending, ended) = bounded::<()>(0);
        let thread = std::thread::Builder::new().name("ringseal-keys".into()).spawn(move || {
            own_thread::mark();
            let _ending = ending;
            let mut state = RefreshState::default();
            while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                let Some(keys) = keys.upgrade() else { return };
                if let Some(message) = state.refresh(&keys, Duration::from_nanos(monotonic_nanos()))
                {
                    stderr.write(format_args!("{message}"));
                }
            }
        })?;
        Ok(KeysetRefresher { stop: Some(stop), ended, thread: Some(thread) })
    }
}

impl Drop for KeysetRefresher {
    fn drop(&mut self) {
        drop(self.stop.take());
        let has_ended = self.ended.recv_timeout(END_MAX) == Err(RecvTimeoutError::Disconnected);
        if let Some(thread) = self.thread.take().filter(|_| has_ended) {
            // The panic hook has reported a panic of the thread.
            let _ = thread.join();
        }
    }
}

/// Remembers whether the last refresh failed.
#[derive(Debug, Default)]
struct RefreshState {
    is_failing: bool,
}

impl RefreshState {
    /// Refreshes the keys; returns a message if a failure begins or ends.
    fn refresh(&mut self, keys: &TokenKeys, now: Duration) -> Option<String> {
        use ringseal_redact::token::Refresh::NotDue;
        let was_failing = self.is_failing;
        match keys.refresh(now) {
            Ok(NotDue) => None,
            Ok(_) => {
                self.is_failing = false;
                was_failing.then(|| "token keys can be read again".to_owned())
            }
            Err(error) => {
                self.is_failing = true;
                (!was_failing)
                    .then(|| format!("token keys: {error}; the last valid ones stay in use"))
            }
        }
    }
}

#[cfg(test)]
mod tests;
