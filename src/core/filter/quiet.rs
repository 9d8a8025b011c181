//! Noisy targets: libraries whose events below a level are left out unless a directive asks for them.
//!
//! Promises: a call site of another library costs one binary search when it is registered or evaluated again, and
//! nothing per event.
use std::fmt;

use super::parse::check_target;
use super::{Directive, longest};
use crate::core::level::{Level, LevelFilter};

/// HTTP, TLS, DNS, RPC and SDK libraries and runtimes that report each connection, frame or poll.
///
/// `tower_http`, `sqlx` and other libraries whose events a program asks for by adding a layer are not in the list.
const DEPENDENCIES: &[&str] = &[
    "async_io",
    "aws_config",
    "aws_credential_types",
    "aws_runtime",
    "aws_sigv4",
    "aws_smithy_http",
    "aws_smithy_http_client",
    "aws_smithy_runtime",
    "aws_smithy_runtime_api",
    "h2",
    "h3",
    "hickory_proto",
    "hickory_resolver",
    "hyper",
    "hyper_rustls",
    "hyper_util",
    "isahc",
    "mio",
    "opentelemetry",
    "opentelemetry-http",
    "opentelemetry-otlp",
    "opentelemetry_http",
    "opentelemetry_otlp",
    "opentelemetry_sdk",
    "polling",
    "quinn",
    "quinn_proto",
    "quinn_udp",
    "reqwest",
    "rustls",
    "rustls_platform_verifier",
    "tokio",
    "tokio_tungstenite",
    "tokio_util",
    "tonic",
    "tower",
    "trust_dns_proto",
    "trust_dns_resolver",
    "tungstenite",
    "ureq",
    "ureq_proto",
    "want",
];

/// Libraries of job queues that report each poll of the queue and each job.
const JOB_QUEUES: &[&str] = &[
    "apalis",
    "apalis_core",
    "apalis_cron",
    "apalis_redis",
    "apalis_sql",
    "background_jobs",
    "celery",
    "faktory",
    "fang",
    "graphile_worker",
    "lapin",
    "sidekiq",
    "sqlxmq",
    "underway",
];

/// Noisy targets, each with the least severe level that passes unless a directive names it.
///
/// An entry lowers the volume and never raises it: with `LOG_LEVEL=error`, `hyper` is at error, too. A directive for
/// the target or for one below it replaces the entry, wherever the directive comes from: `LOG_LEVEL=info,hyper=debug`.
///
/// ```
/// use ringseal::levels::QuietTargets;
/// use ringseal::{Config, Level};
/// let quiet = QuietTargets::dependencies().and(QuietTargets::job_queues()).with("shop::poller", Level::Error);
/// let config = Config::new().quiet_targets(quiet);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct QuietTargets {
    /// Longest target first.
    directives: Vec<Directive>,
    /// The first segments of the targets, sorted.
    crates: Vec<String>,
    /// Hashes of their first two bytes, so that most other targets are compared with none of them.
    prefixes: [u64; 4],
}

impl fmt::Debug for QuietTargets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.directives.iter().map(|(target, level)| format!("{target}={level}")))
            .finish()
    }
}

/// No targets.
impl Default for QuietTargets {
    fn default() -> Self {
        Self::none()
    }
}

impl QuietTargets {
    /// No targets: all are at the default level.
    pub const fn none() -> Self {
        Self { directives: Vec::new(), crates: Vec::new(), prefixes: [0; 4] }
    }

    /// Common HTTP, TLS, DNS, RPC and SDK libraries and runtimes, at warn: `hyper`, `h2`, `rustls`, `tonic`, `reqwest`,
    /// `tower`, `mio` and so on. The list of an engine that is given no other.
    pub fn dependencies() -> Self {
        Self::of(DEPENDENCIES, Level::Warn)
    }

    /// Libraries of job queues, at warn: `apalis`, `faktory`, `celery`, `fang` and so on.
    #[doc(alias = "RQ_LOGGERS")]
    #[doc(alias = "CELERY_LOGGERS")]
    pub fn job_queues() -> Self {
        Self::of(JOB_QUEUES, Level::Warn)
    }

    /// The same libraries at info, for development.
    #[doc(alias = "RQ_LOGGERS_DEBUG")]
    #[doc(alias = "CELERY_LOGGERS_DEBUG")]
    pub fn job_queues_debug() -> Self {
        Self::of(JOB_QUEUES, Level::Info)
    }

    fn of(targets: &[&str], level: Level) -> Self {
        targets.iter().fold(Self::none(), |quiet, target| quiet.with(target, level))
    }

    /// With this target and those below it at `level`, in place of an entry for the same target.
    #[must_use]
    pub fn with(mut self, target: &str, level: impl Into<LevelFilter>) -> Self {
        self.directives.retain(|(known, _)| known != target);
        let at = self.directives.partition_point(|(known, _)| known.len() >= target.len());
        self.directives.insert(at, (target.to_owned(), level.into()));
        let name = first_segment(target);
        if let Err(at) = self.find_crate(name) {
            self.crates.insert(at, name.to_owned());
            match name.len() {
                // Its prefix does not tell which targets it covers.
                0 | 1 => self.prefixes = [u64::MAX; 4],
                _ => {
                    let (word, bit) = prefix_bit(name);
                    self.prefixes[word] |= bit;
                }
            }
        }
        self
    }

    /// With the entries of `other`, which replace those for the same targets.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        other.directives.iter().fold(self, |quiet, (target, level)| quiet.with(target, *level))
    }

    /// Without the entry of this target.
    #[must_use]
    pub fn without(self, target: &str) -> Self {
        let kept = self.directives.iter().filter(|(known, _)| known != target);
        kept.fold(Self::none(), |quiet, (target, level)| quiet.with(target, *level))
    }

    /// Each target and its level.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, LevelFilter)> {
        self.directives.iter().map(|(target, level)| (target.as_str(), *level))
    }

    pub(crate) fn directives(&self) -> impl Iterator<Item = &Directive> {
        self.directives.iter()
    }

    /// The entry with the longest target that is `target` or above it.
    pub(super) fn longest(&self, target: &str) -> Option<&Directive> {
        if !self.may_cover(target) || self.find_crate(first_segment(target)).is_err() {
            return None;
        }
        longest(&self.directives, target)
    }

    /// Whether some entry may be `target` or above it, by its first bytes.
    #[inline(always)]
    pub(super) fn may_cover(&self, target: &str) -> bool {
        let (word, bit) = prefix_bit(target);
        self.prefixes[word] & bit != 0
    }

    fn find_crate(&self, name: &str) -> Result<usize, usize> {
        self.crates.binary_search_by(|known| known.as_str().cmp(name))
    }
}

/// The word and the bit of a target's first two bytes; for all shorter targets the same.
#[inline(always)]
fn prefix_bit(target: &str) -> (usize, u64) {
    let hash = match *target.as_bytes() {
        [first, second, ..] => first.wrapping_mul(31) ^ second,
        _ => 0,
    };
    (usize::from(hash / 64), 1 << (hash % 64))
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b':' | b'.')
}

/// The target up to its first `::` or `.`: two targets of which one is above the other have the same.
fn first_segment(target: &str) -> &str {
    let end = target.bytes().position(is_separator);
    &target[..end.unwrap_or(target.len())]
}

/// A text that is not a list of noisy targets.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParseQuietError {
    /// The word.
    pub found: String,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for ParseQuietError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?}: {}; expected `none`, `dependencies`, `job_queues`, `job_queues_debug` or `target=level`, separated \
             by commas",
            self.found, self.reason
        )
    }
}

ringseal_base::debug_by_message!(ParseQuietError);

impl std::error::Error for ParseQuietError {}

/// Names of lists and single targets, the later ones first in effect: `dependencies,job_queues,shop::poller=error`.
impl std::str::FromStr for QuietTargets {
    type Err = ParseQuietError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut quiet = Self::none();
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            let refuse = |reason: String| ParseQuietError { found: word.into(), reason };
            quiet = match (word, word.split_once('=')) {
                ("none", _) => Self::none(),
                ("dependencies", _) => quiet.and(Self::dependencies()),
                ("job_queues", _) => quiet.and(Self::job_queues()),
                ("job_queues_debug", _) => quiet.and(Self::job_queues_debug()),
                (_, Some((target, level))) => {
                    let (target, level) = (target.trim(), level.parse::<LevelFilter>());
                    check_target(target).map_err(refuse)?;
                    quiet.with(target, level.map_err(|error| refuse(error.to_string()))?)
                }
                _ => return Err(refuse("this is not the name of a list".into())),
            };
        }
        Ok(quiet)
    }
}
