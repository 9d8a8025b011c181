//! The settings of the audit log, and opening it.
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::RECORD_BYTES_MAX;
use super::error::AuditOpenError;
use crate::emit::audit::AuditShared;
use crate::recover::journal::AuditProgress;
use crate::writer::RedactionConfig;
use crate::writer::audit::{
    AuditLink, AuditThreadConfig, AuditThreadParts, Feed, FeedEnds, HeldEntriesOverflow,
};
use crate::writer::link::Link;
use ringseal_audit::Catalogue;
use ringseal_audit::entry::Scheme;
use ringseal_audit::entry::control::Algorithm;
use ringseal_audit::event::EngineSource;
use ringseal_audit::keys::{self, KeyError, KeyPaths};
use ringseal_audit::sink::{AuditSink, SinkBounds};
use ringseal_audit::store::names::{ACTIVE, parse_sealed};
use ringseal_audit::store::{AuditLog, Host, LogOptions, OnDamage, Retain};
use ringseal_base::clock::Clock;
use ringseal_base::limits::Limits;
use ringseal_base::storage::{FileKind, OsStorage, Storage};
use ringseal_redact::{Profile, RuleSet, Rules};

/// The settings of the audit log.
///
/// ```
/// use ringseal::{AuditConfig, Config};
/// let config = Config::new().file("/var/log/shop/app.log").audit(
///     AuditConfig::new("/var/log/shop/audit").keys("/etc/shop/audit-keys").service("shop"),
/// );
/// ```
pub struct AuditConfig {
    dir: PathBuf,
    keys: Option<PathBuf>,
    origin: String,
    options: LogOptions,
    catalogue: Catalogue,
    source: EngineSource,
    thread: AuditThreadConfig,
    wait_max: Duration,
    redaction: Option<RuleSet>,
    storage: Arc<dyn Storage>,
    sinks: Vec<(Box<dyn AuditSink>, SinkBounds)>,
}

impl fmt::Debug for AuditConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditConfig").field("dir", &self.dir).finish_non_exhaustive()
    }
}

macro_rules! texts {
    ($($(#[doc = $doc:literal])+ $name:ident;)+) => {$(
        $(#[doc = $doc])+
        #[must_use]
        pub fn $name(mut self, $name: &str) -> Self {
            self.source.$name = Some($name.to_owned());
            self
        }
    )+};
}

impl AuditConfig {
    /// The directory of the log, as homes of runs name it.
    pub(in crate::engine) fn home_name(&self) -> String {
        let absolute = std::path::absolute(&self.dir);
        absolute.as_deref().unwrap_or(&self.dir).display().to_string()
    }

    /// A log in this directory, with default settings.
    pub fn new(dir: impl AsRef<Path>) -> Self {
        Self {
            dir: dir.as_ref().to_owned(),
            keys: None,
            origin: "ringseal/audit".into(),
            options: LogOptions::default(),
            catalogue: Catalogue::default(),
            source: EngineSource::of_this_process(),
            thread: AuditThreadConfig {
                commit_interval: Duration::from_millis(100),
                held_bytes_max: 64 << 20,
                held_overflow: HeldEntriesOverflow::Block,
                #[cfg(feature = "compress")]
                compress_dir: None,
            },
            wait_max: Duration::from_secs(30),
            redaction: Some(Self::default_rules()),
            storage: Arc::new(OsStorage),
            sinks: Vec::new(),
        }
    }

    fn default_rules() -> RuleSet {
        let mut rules = RuleSet::default();
        rules.profile = Profile::Audit;
        rules
    }

    texts! {
        /// The service's name, for entries that do not set it.
        service;
        /// The instance of the service, for entries that do not set it.
        service_instance;
        /// `prod`, `staging`, `dev`, for entries that do not set it.
        environment;
        /// The part of the system, for entries that do not set it.
        component;
        /// The machine, for entries that do not set it.
        host;
        /// The program, for entries that do not set it.
        process;
    }

    /// The directory in which `ringseal audit keygen` created the keys. When the log is first opened, the keys that the
    /// host needs are moved from there into the log's directory: each log has its own keys.
    ///
    /// Without keys the log is a chain of plain hashes, sealed by keys that it makes itself, and every report states
    /// this.
    #[must_use]
    pub fn keys(mut self, dir: impl AsRef<Path>) -> Self {
        self.keys = Some(dir.as_ref().to_owned());
        self
    }

    /// The directory of the host's keys while the log is in use, and of the log's protected state. By default `keys` in
    /// the log's directory. A directory on another volume is not rolled back together with the log; `audit verify` says
    /// where the state is.
    ///
    /// ```
    /// use ringseal::AuditConfig;
    /// let config = AuditConfig::new("/var/log/shop/audit")
    ///     .keys("/run/secrets/audit") // may be mounted read-only
    ///     .state_dir("/var/lib/shop/audit-state");
    /// ```
    #[must_use]
    pub fn state_dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.options.state_dir = Some(dir.as_ref().to_owned());
        self
    }

    /// What the start does with a log that is damaged or was cut off. Default: it refuses, and nothing is changed.
    #[must_use]
    pub fn on_damage(mut self, on_damage: OnDamage) -> Self {
        self.options.on_damage = on_damage;
        self
    }

    /// The log's name, in checkpoints and keys. With keys, the name is the keys'. Default `ringseal/audit`.
    #[must_use]
    pub fn origin(mut self, origin: &str) -> Self {
        self.origin = origin.to_owned();
        self
    }

    /// The allowed events and their required fields. Default: all events.
    #[must_use]
    pub fn catalogue(mut self, catalogue: Catalogue) -> Self {
        self.catalogue = catalogue;
        self
    }

    /// A segment is closed at this size. Default 10,485,760 bytes.
    #[must_use]
    pub fn segment_bytes_max(mut self, bytes: u64) -> Self {
        self.options.segment_bytes_max = bytes;
        self
    }

    /// A segment is closed at this age. Default: never.
    #[must_use]
    pub fn segment_age_max(mut self, age: Duration) -> Self {
        self.options.segment_seconds_max = Some(age.as_secs());
        self
    }

    /// Adds a sink that gets every entry once it is on disk in the log: see `docs/audit-sinks.md`. May be called more
    /// than once. A sink delays neither the log nor another sink; entries that it lacks are read from the log's files.
    ///
    /// ```
    /// use ringseal::AuditConfig;
    /// use ringseal::audit::sink::{SinkBounds, StreamSink};
    /// let config = AuditConfig::new("/var/log/shop/audit")
    ///     .sink(Box::new(StreamSink::stdout()), SinkBounds::default());
    /// ```
    #[must_use]
    pub fn sink(mut self, sink: Box<dyn AuditSink>, bounds: SinkBounds) -> Self {
        self.sinks.push((sink, bounds));
        self
    }

    /// Which sealed segments are kept. Default: all.
    #[must_use]
    pub fn retain(mut self, retain: Retain) -> Self {
        self.options.retain = retain;
        self
    }

    /// Compress sealed segments on a separate thread, after each rotation. Default: no.
    #[cfg(feature = "compress")]
    #[must_use]
    pub fn compress(mut self, compress: bool) -> Self {
        self.thread.compress_dir = compress.then(|| self.dir.clone());
        self
    }

    /// Longest time between checkpoints, even when nothing is logged. Default 300 s.
    #[must_use]
    pub fn checkpoint_interval(mut self, interval: Duration) -> Self {
        self.options.checkpoint_seconds = interval.as_secs().max(1);
        self
    }

    /// A checkpoint is made after this many entries. Default 65,536.
    #[must_use]
    pub fn checkpoint_entries(mut self, entries: u64) -> Self {
        self.options.checkpoint_entries = entries;
        self
    }

    /// The checksum algorithm of integrity checks. Default SHA-256.
    #[must_use]
    pub fn integrity_algorithm(mut self, algorithm: Algorithm) -> Self {
        self.options.integrity_algorithm = algorithm;
        self
    }

    /// Longest time until entries are synced if no caller waits for them. Default 100 ms.
    #[must_use]
    pub fn commit_interval(mut self, interval: Duration) -> Self {
        self.thread.commit_interval = interval;
        self
    }

    /// Most bytes of entries held while the log cannot be written. Default 64 MiB.
    #[must_use]
    pub fn held_bytes_max(mut self, bytes: usize) -> Self {
        self.thread.held_bytes_max = bytes;
        self
    }

    /// What happens when held entries exceed [`AuditConfig::held_bytes_max`]. Default: callers of `emit` wait.
    #[must_use]
    pub fn held_overflow(mut self, held_overflow: HeldEntriesOverflow) -> Self {
        self.thread.held_overflow = held_overflow;
        self
    }

    /// Longest wait of [`Emitted::wait`](super::Emitted::wait) and of requests. Default 30 s.
    #[must_use]
    pub fn wait_max(mut self, wait_max: Duration) -> Self {
        self.wait_max = wait_max;
        self
    }

    /// Redacts entries by these rules. Default: the standard rules, in the profile `audit`.
    #[must_use]
    pub fn redact(mut self, rules: RuleSet) -> Self {
        self.redaction = Some(rules);
        self
    }

    /// Writes entries as they were logged, except values marked as [`Secret`](crate::Secret).
    #[must_use]
    pub fn no_redaction(mut self) -> Self {
        self.redaction = None;
        self
    }

    /// Another file system, for tests.
    #[must_use]
    pub fn storage_for_tests(mut self, storage: Arc<dyn Storage>) -> Self {
        self.storage = storage;
        self
    }

    /// Opens the log.
    pub(in crate::engine) fn open(
        mut self,
        clock: Arc<dyn Clock>,
        limits: Limits,
    ) -> Result<AuditParts, AuditOpenError> {
        let rules = self.redaction.as_ref().map(Rules::compile).transpose();
        let rules = rules.map_err(AuditOpenError::Redaction)?.map(Arc::new);
        let named = |name: &Option<String>| name.clone().unwrap_or_default();
        self.options.service = named(&self.source.service);
        self.options.service_instance = named(&self.source.service_instance);
        self.options.scheme = self.ensure_keys()?;
        let is_keyless = self.options.scheme == Scheme::Hash;
        let host = Host {
            storage: Arc::clone(&self.storage),
            clock,
            random: Box::new(keys::system_random),
        };
        let log = AuditLog::open(host, &self.dir, self.options).map_err(|error| {
            match error.is_damage() {
                true => AuditOpenError::Damaged { dir: self.dir.clone(), source: error },
                false => AuditOpenError::Store(error),
            }
        })?;
        let redaction = RedactionConfig { rules, tokenizer: None };
        let (feed, ends) = Feed::new(redaction.clone());
        let limits = limits.with_record_bytes_max(limits.record_bytes_max.min(RECORD_BYTES_MAX));
        self.source.encode(&limits);
        let shared = AuditShared {
            link: Arc::default(),
            catalogue: self.catalogue,
            source: self.source,
            wait_max: self.wait_max,
            limits,
            is_keyless,
        };
        let (config, storage, sinks) = (self.thread, self.storage, self.sinks);
        let (shared, progress, recovered) = (Arc::new(shared), None, Vec::new());
        let parts = AuditParts {
            shared,
            feed,
            log,
            ends,
            config,
            storage,
            sinks,
            redaction,
            progress,
            recovered,
        };
        Ok(parts)
    }

    /// Makes sure that the log has keys: existing ones, those of `keygen`, or new ones of the log itself.
    fn ensure_keys(&self) -> Result<Scheme, AuditOpenError> {
        let storage = &*self.storage;
        let mut own = KeyPaths::in_dir(&self.dir);
        if let Some(dir) = &self.options.state_dir {
            own.keys.clone_from(dir);
        }
        let lost = |path: PathBuf| AuditOpenError::KeyLost { dir: self.dir.clone(), path };
        if !exists(storage, &own.epoch())? {
            if self.has_entries()? {
                return Err(lost(own.epoch()));
            }
            // Checked before anything is created, so that a failure leaves nothing on disk.
            let found = self.keys.as_deref().map(|dir| find_keys(storage, dir)).transpose()?;
            for dir in [&self.dir, &own.keys] {
                let made = storage.create_dir(dir, 0o700);
                made.map_err(|source| AuditOpenError::Dir { path: dir.clone(), source })?;
            }
            match found {
                Some(found) => found.move_to(storage, &own)?,
                None => self.make_keys(&own)?,
            }
        }
        if exists(storage, &own.chain())? {
            return Ok(Scheme::Mac);
        }
        // Without entries the log would become one without keys.
        if self.keys.is_some() && !self.has_entries()? {
            Err(lost(own.chain()))
        } else {
            Ok(Scheme::Hash)
        }
    }

    /// Whether the directory has a log: new keys cannot continue it.
    fn has_entries(&self) -> Result<bool, AuditOpenError> {
        let is_segment = |name: &str| name == ACTIVE || parse_sealed(name).is_some();
        match self.storage.list(&self.dir) {
            Ok(names) => Ok(names.iter().filter_map(|name| name.to_str()).any(is_segment)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(AuditOpenError::Dir { path: self.dir.clone(), source }),
        }
    }

    fn make_keys(&self, own: &KeyPaths) -> Result<(), AuditOpenError> {
        let signer = keys::new_signer(&self.origin, &mut keys::system_random)?;
        let mut secret = signer.secret_text();
        secret.push('\n');
        keys::create_public(&*self.storage, &own.public, signer.verifier())?;
        Ok(keys::create_secret(&*self.storage, &own.epoch(), secret.as_bytes())?)
    }
}

/// Whether the file exists. A file that cannot be looked up, as in a directory that is not searchable or on a disk that
/// fails, is not a missing one.
fn exists(storage: &dyn Storage, path: &Path) -> Result<bool, KeyError> {
    match storage.stat(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(KeyError::Io { path: path.to_owned(), source }),
    }
}

/// Keys that `keygen` created.
struct FoundKeys {
    from: KeyPaths,
    chain: Zeroizing<Vec<u8>>,
    epoch: Zeroizing<Vec<u8>>,
}

/// Reads the keys that `ringseal audit keygen` wrote to `dir`.
fn find_keys(storage: &dyn Storage, dir: &Path) -> Result<FoundKeys, AuditOpenError> {
    let from = KeyPaths::in_dir(dir);
    let load = |path: PathBuf, missing: &'static str| {
        if !exists(storage, &path)? {
            let path = dir.to_owned();
            return Err(match exists(storage, &from.public)? {
                true => AuditOpenError::KeysMoved { path, missing },
                false => AuditOpenError::NoKeys { path, missing },
            });
        }
        // Secrets are mounted as links.
        let resolved = storage.resolve(&path);
        let path = resolved.map_err(|source| KeyError::Io { path, source })?;
        Ok(keys::load_secret(storage, &path)?)
    };
    let chain = load(from.chain(), "keys/chain.key")?;
    let epoch = load(from.epoch(), "keys/epoch.key")?;
    Ok(FoundKeys { from, chain, epoch })
}

impl FoundKeys {
    /// Moves the keys that the host needs. The epoch's key is moved last: a log that has it also has the other one.
    fn move_to(&self, storage: &dyn Storage, to: &KeyPaths) -> Result<(), KeyError> {
        for (secret, to) in [(&self.chain, to.chain()), (&self.epoch, to.epoch())] {
            if !exists(storage, &to)? {
                keys::create_secret(storage, &to, secret)?;
            }
        }
        wipe_if_writable(storage, &self.from.chain())?;
        wipe_if_writable(storage, &self.from.epoch())
    }
}

/// Wipes a key that was copied. One on a read-only mount stays.
fn wipe_if_writable(storage: &dyn Storage, path: &Path) -> Result<(), KeyError> {
    use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    match storage.stat(path) {
        // Mounted secrets are links.
        Ok(stat) if stat.kind == FileKind::Symlink => return Ok(()),
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            return Err(KeyError::Io { path: path.to_owned(), source });
        }
        _ => {}
    }
    match keys::wipe_secret(storage, path) {
        Err(KeyError::Io { source, .. })
            if [PermissionDenied, ReadOnlyFilesystem].contains(&source.kind()) =>
        {
            Ok(())
        }
        wiped => wiped,
    }
}

/// An opened audit log, to be split between the engine's threads.
pub(in crate::engine) struct AuditParts {
    pub(in crate::engine) shared: Arc<AuditShared>,
    pub(in crate::engine) feed: Feed,
    log: AuditLog,
    ends: FeedEnds,
    pub(super) config: AuditThreadConfig,
    storage: Arc<dyn Storage>,
    sinks: Vec<(Box<dyn AuditSink>, SinkBounds)>,
    pub(super) redaction: RedactionConfig,
    pub(super) progress: Option<AuditProgress>,
    pub(super) recovered: Vec<PathBuf>,
}

impl AuditParts {
    /// The parts of the audit thread, and the feed for the writer.
    pub(in crate::engine) fn split(self, writer: Arc<Link>) -> (Feed, AuditThreadParts) {
        let link: Arc<AuditLink> = Arc::clone(&self.shared.link);
        let AuditParts { feed, log, ends, config, storage, sinks, progress, recovered, .. } = self;
        let parts = AuditThreadParts {
            log,
            config,
            storage,
            link,
            writer,
            ends,
            sinks,
            progress,
            recovered,
        };
        (feed, parts)
    }
}
