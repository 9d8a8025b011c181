//! The handle: tokens, encryption, two access modes, and keysets that are reloaded while it is in use.
//!
//! Making tokens reads the current keys through an atomic pointer: it never blocks, reads no file, and
//! allocates nothing beyond what the output needs (the first token of a thread registers the thread with
//! the pointer, once). [`TokenKeys::refresh`] checks the files and replaces the keys; it blocks on the disk
//! and belongs on the control plane. A keyset that can no longer be read is counted, and the last good one
//! stays in use. Replaced keys are overwritten when the last token that uses them has been made.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use super::cipher::{Ciphers, NONCE, Revealed};
use super::config::{TokenKeysConfig, check_env};
use super::error::{KeysetError, TokenKeysError};
use super::keyset::KeysetKind;
use super::random::{Randomness, SystemRandomness};
use super::source::{FileSource, KeySource};
use super::{FieldType, HmacTokenizer, is_token};
use crate::kind::HitKind;
use crate::redactor::Tokenize;
use ringseal_base::storage::{OsStorage, Storage};

/// The shortest time between two checks of the files by [`TokenKeys::refresh`].
pub const CHECK_EVERY: Duration = Duration::from_secs(10);

/// The operations that a handle allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Access {
    /// Tokens only; the reveal keyset is not even loaded.
    #[default]
    Tokenize,
    /// Also encrypting and revealing.
    Full,
}

impl Access {
    /// The mode with this name (`tokenize`, `full`), or `None`.
    pub fn from_name(name: &str) -> Option<Access> {
        [Access::Tokenize, Access::Full].into_iter().find(|access| access.name() == name)
    }

    /// The mode's name.
    pub const fn name(self) -> &'static str {
        match self {
            Access::Tokenize => "tokenize",
            Access::Full => "full",
        }
    }
}

/// The result of [`TokenKeys::refresh`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresh {
    /// Nothing was checked: it is too early, or another thread is refreshing.
    NotDue,
    /// The sources were checked and have not changed.
    Unchanged,
    /// At least one keyset was reloaded.
    Reloaded,
}

/// The state of a handle's keysets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenKeysStatus {
    /// The key that makes tokens.
    pub token_kid: String,
    /// The key that encrypts; `None` without full access.
    pub reveal_kid: Option<String>,
    /// Number of reloads since the handle was opened.
    pub reloads: u64,
    /// Number of failed reloads.
    pub failures: u64,
    /// Why the last check failed; `None` if it succeeded.
    pub last_error: Option<String>,
}

/// The keys of a token keyset, ready for use. Only the primary key makes tokens, so the other keys of the keyset are
/// not kept.
struct Tokens {
    kid: Box<str>,
    tokenizer: HmacTokenizer,
}

/// The current keys.
struct Keys {
    tokens: Arc<Tokens>,
    ciphers: Option<Arc<Ciphers>>,
}

struct Slot {
    source: Box<dyn KeySource>,
    /// When the source is loaded even if it looks unchanged.
    reread_at: Duration,
}

struct Control {
    tokens: Slot,
    reveal: Option<Slot>,
    check_at: Duration,
    reread_every: Duration,
    last_error: Option<String>,
}

/// Tokens and encryption with keys from keysets.
///
/// ```
/// use ringseal_redact::token::{FieldType, Keyset, KeysetKind, TokenKeys, TokenKeysConfig, SystemRandomness};
/// use ringseal_base::storage::OsStorage;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// let path = dir.path().join("token-keyset.json");
/// Keyset::generate(KeysetKind::Token, "tk1", "2026-01-31T00:00:00Z", &SystemRandomness)?
///     .create(&OsStorage, &path)?;
/// let pii = TokenKeys::open(&TokenKeysConfig::new(&path).env("prod"))?;
/// let token = pii.tokenize("ann@example.com", FieldType::Email);
/// assert_eq!(token, pii.tokenize(" Ann@Example.com ", FieldType::Email));
/// assert!(pii.protect(b"ann@example.com", FieldType::Email).is_err()); // access is tokenize
/// # Ok(())
/// # }
/// ```
pub struct TokenKeys {
    env: Box<str>,
    keys: ArcSwap<Keys>,
    random: Box<dyn Randomness>,
    control: Mutex<Control>,
    reloads: AtomicU64,
    failures: AtomicU64,
}

impl fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenKeys")
            .field("env", &self.env)
            .field("access", &self.access())
            .finish_non_exhaustive()
    }
}

impl TokenKeys {
    /// A handle with the keyset files of `config`. Reads them; a keyset that cannot be used is an error.
    pub fn open(config: &TokenKeysConfig) -> Result<TokenKeys, TokenKeysError> {
        TokenKeys::open_on(config, &(Arc::new(OsStorage) as _), Box::new(SystemRandomness))
    }

    /// Like [`TokenKeys::open`], with this file system and this source of nonces.
    pub fn open_on(
        config: &TokenKeysConfig,
        storage: &Arc<dyn Storage>,
        random: Box<dyn Randomness>,
    ) -> Result<TokenKeys, TokenKeysError> {
        config.check()?;
        let source = |path, kind| -> Box<dyn KeySource> {
            let source = FileSource::new(path, kind).storage(Arc::clone(storage));
            Box::new(source.group_readable(config.group_readable))
        };
        let tokens = source(&config.token_keyset, KeysetKind::Token);
        let reveal = config.reveal_keyset.as_ref().map(|path| source(path, KeysetKind::Reveal));
        TokenKeys::from_sources(&config.env, tokens, reveal, config.reread_every, random)
    }

    /// A handle with keysets from any sources. Access is full if there is a reveal keyset. Each source is
    /// loaded now, when it reports a change, and every `reread_every`.
    pub fn from_sources(
        env: &str,
        mut tokens: Box<dyn KeySource>,
        mut reveal: Option<Box<dyn KeySource>>,
        reread_every: Duration,
        random: Box<dyn Randomness>,
    ) -> Result<TokenKeys, TokenKeysError> {
        check_env(env)?;
        let keys = Keys {
            tokens: load_tokens(&mut *tokens, env)?,
            ciphers: reveal.as_mut().map(|source| load_ciphers(&mut **source)).transpose()?,
        };
        // The current time is unknown here; the first refresh sets the times of later ones.
        let slot = |source| Slot { source, reread_at: Duration::MAX };
        Ok(TokenKeys {
            env: env.into(),
            keys: ArcSwap::from_pointee(keys),
            random,
            control: Mutex::new(Control {
                tokens: slot(tokens),
                reveal: reveal.map(slot),
                check_at: Duration::ZERO,
                reread_every,
                last_error: None,
            }),
            reloads: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        })
    }

    /// The operations that this handle allows.
    pub fn access(&self) -> Access {
        if self.keys.load().ciphers.is_some() { Access::Full } else { Access::Tokenize }
    }

    /// The environment of its tokens.
    pub fn env(&self) -> &str {
        &self.env
    }

    /// The token of a value of this type. A value that already is a token is returned unchanged.
    pub fn tokenize(&self, value: &str, field: FieldType<'_>) -> String {
        self.keys.load().tokens.tokenizer.tokenize(value, field)
    }

    /// Encrypts a value under the primary key; the result differs each time. Text that already is a token
    /// is returned unchanged.
    ///
    /// # Errors
    /// [`TokenKeysError::AccessDenied`] without full access; [`TokenKeysError::Random`] if there is no nonce.
    pub fn protect(&self, value: &[u8], field: FieldType<'_>) -> Result<String, TokenKeysError> {
        let keys = self.keys.load();
        let ciphers = keys.ciphers.as_deref().ok_or(denied("protect"))?;
        if is_token(value) {
            // A token is ASCII.
            return Ok(String::from_utf8_lossy(value).into_owned());
        }
        let mut nonce = [0; NONCE];
        self.random.fill(&mut nonce).map_err(TokenKeysError::Random)?;
        ciphers.protect(value, nonce, &self.env, field)
    }

    /// Decrypts a value that any key of the keyset has encrypted.
    ///
    /// # Errors
    /// [`TokenKeysError::AccessDenied`] without full access; [`TokenKeysError::NoToken`],
    /// [`TokenKeysError::UnknownKey`] and [`TokenKeysError::NotAuthentic`] for a token that cannot be
    /// revealed.
    pub fn reveal(&self, token: &str, field: FieldType<'_>) -> Result<Revealed, TokenKeysError> {
        let keys = self.keys.load();
        let ciphers = keys.ciphers.as_deref().ok_or(denied("reveal"))?;
        ciphers.reveal(token, &self.env, field)
    }

    /// Reloads changed keysets. `now` is the time since any fixed moment; it must not run backwards.
    ///
    /// Checks the sources at most every [`CHECK_EVERY`], and costs next to nothing in between. Blocks on
    /// the disk when it checks. If two threads call at once, one of them gets [`Refresh::NotDue`].
    ///
    /// # Errors
    /// Why a keyset could not be reloaded; the failure is counted, and the last good keyset stays in use. The other
    /// keyset is reloaded in any case.
    pub fn refresh(&self, now: Duration) -> Result<Refresh, TokenKeysError> {
        let Some(mut control) = self.control.try_lock() else { return Ok(Refresh::NotDue) };
        if now < control.check_at {
            return Ok(Refresh::NotDue);
        }
        self.check(&mut control, now)
    }

    /// Like [`TokenKeys::refresh`], however recent the last check is; waits for a refresh in progress. For a source
    /// whose owner knows that it has changed.
    ///
    /// # Errors
    /// As [`TokenKeys::refresh`].
    pub fn refresh_now(&self, now: Duration) -> Result<Refresh, TokenKeysError> {
        self.check(&mut self.control.lock(), now)
    }

    fn check(&self, control: &mut Control, now: Duration) -> Result<Refresh, TokenKeysError> {
        control.check_at = now.saturating_add(CHECK_EVERY);
        let Control { tokens, reveal, reread_every, .. } = control;
        let reread_every = *reread_every;
        let new_tokens = tokens.renew(now, reread_every, |source| load_tokens(source, &self.env));
        let new_ciphers = match reveal {
            Some(slot) => slot.renew(now, reread_every, load_ciphers),
            None => Ok(None),
        };
        let (new_tokens, token_error) = split(new_tokens);
        let (new_ciphers, reveal_error) = split(new_ciphers);
        let is_new = new_tokens.is_some() || new_ciphers.is_some();
        if is_new {
            let old = self.keys.load();
            self.keys.store(Arc::new(Keys {
                tokens: new_tokens.unwrap_or_else(|| Arc::clone(&old.tokens)),
                ciphers: new_ciphers.or_else(|| old.ciphers.clone()),
            }));
            // ORDER: relaxed; a statistic, no other memory depends on it.
            self.reloads.fetch_add(1, Ordering::Relaxed);
        }
        let errors = u64::from(token_error.is_some()) + u64::from(reveal_error.is_some());
        // ORDER: relaxed; as above.
        self.failures.fetch_add(errors, Ordering::Relaxed);
        let error = token_error.or(reveal_error);
        control.last_error = error.as_ref().map(ToString::to_string);
        match error {
            Some(error) => Err(error.into()),
            None if is_new => Ok(Refresh::Reloaded),
            None => Ok(Refresh::Unchanged),
        }
    }

    /// The state of the keysets. Waits for a refresh in progress.
    pub fn status(&self) -> TokenKeysStatus {
        let last_error = self.control.lock().last_error.clone();
        let keys = self.keys.load();
        TokenKeysStatus {
            token_kid: keys.tokens.kid.to_string(),
            reveal_kid: keys.ciphers.as_ref().map(|ciphers| ciphers.primary_kid().to_owned()),
            // ORDER: relaxed; statistics, no other memory depends on them.
            reloads: self.reloads.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
            last_error,
        }
    }
}

impl Tokenize for TokenKeys {
    fn token(&self, kind: HitKind, value: &[u8], out: &mut Vec<u8>) -> bool {
        self.keys.load().tokens.tokenizer.token(kind, value, out)
    }
}

impl Slot {
    /// The source's keyset, if it may have changed.
    fn renew<T>(
        &mut self,
        now: Duration,
        reread_every: Duration,
        load: impl FnOnce(&mut dyn KeySource) -> Result<T, KeysetError>,
    ) -> Result<Option<T>, KeysetError> {
        let next = now.saturating_add(reread_every);
        if self.reread_at == Duration::MAX {
            self.reread_at = next;
        }
        if now < self.reread_at && !self.source.is_changed()? {
            return Ok(None);
        }
        // After a failure the next check loads again, even if the source reports no change.
        self.reread_at = Duration::ZERO;
        let new = load(&mut *self.source)?;
        self.reread_at = next;
        Ok(Some(new))
    }
}

fn split<T, E>(result: Result<Option<T>, E>) -> (Option<T>, Option<E>) {
    match result {
        Ok(new) => (new, None),
        Err(error) => (None, Some(error)),
    }
}

fn denied(operation: &'static str) -> TokenKeysError {
    TokenKeysError::AccessDenied { operation }
}

fn load_tokens(source: &mut dyn KeySource, env: &str) -> Result<Arc<Tokens>, KeysetError> {
    let keyset = source.load()?.expect(KeysetKind::Token, "of tokens")?;
    let secret = keyset.keys().get(keyset.primary()).map_or(&[][..], |key| &key.secret);
    let tokenizer = HmacTokenizer::new(secret, env);
    Ok(Arc::new(Tokens { kid: keyset.primary_kid().into(), tokenizer }))
}

fn load_ciphers(source: &mut dyn KeySource) -> Result<Arc<Ciphers>, KeysetError> {
    let keyset = source.load()?.expect(KeysetKind::Reveal, "of reveal keys")?;
    Ok(Arc::new(Ciphers::new(&keyset)))
}
