//! The configuration: by builder, or from the environment (`env`).
//!
//! The library reads no environment variable and no file by itself: all settings are passed in here, and only
//! [`Config::from_env`] reads variables.
mod build;
mod error;
mod format;
mod hooks;
mod lines;
mod output;
#[cfg(feature = "signals")]
mod reactions;
mod sampling;
mod survival;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub(super) use self::build::Described;
pub use self::error::InitError;
pub use self::format::Format;
pub(crate) use self::format::ReadKeys;
pub use self::output::Output;
#[cfg(feature = "signals")]
pub(super) use self::reactions::Reactions;
pub(in crate::engine) use self::survival::Survivors;
pub use self::survival::on_storage::recover_on;
use super::redaction::Choice;
use crate::core::context::Context;
use crate::core::filter::{Filter, QuietTargets};
use crate::core::level::{Level, LevelFilter};
use crate::emit::SpanLines;
use crate::emit::overflow::Overflow;
use crate::encode::layout::{EcsOptions, JsonOptions};
use crate::writer::hooks::EventHook;
use crate::writer::observe::Observing;
use crate::writer::rotations::Rotations;
use crate::writer::run::{ThreadConfig, WaitStrategy};
use ringseal_base::clock::Clock;
use ringseal_base::limits::Limits;

/// When the format [`Format::Console`] is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Color {
    /// When the stream is a terminal. [`Config::from_env`] chooses [`Color::Never`] instead if `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The source of an event's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Timestamps {
    /// The processor's time-stamp counter at every event: exact, 5 to 15 ns.
    #[default]
    Exact,
    /// The time that the writer last published, at most 100 µs old: under 1 ns. Order within a thread stays exact.
    Coarse,
}

/// The settings of an engine. The defaults suit most programs.
///
/// ```
/// use ringseal::{Config, Format, Level, Output};
/// let config = Config::new()
///     .filter("info,hyper=warn".parse().unwrap())
///     .file("/var/log/shop/app.log")
///     .output(Output::stderr().format(Format::Console).level(Level::Error))
///     .ring_bytes(4 << 20);
/// ```
pub struct Config {
    /// The default is level info.
    pub(super) filter: Option<Filter>,
    /// The default is the list of common dependencies.
    pub(super) quiet_targets: Option<QuietTargets>,
    pub(super) format: Format,
    pub(super) color: Color,
    pub(super) include_stack: bool,
    span_lines: SpanLines,
    /// The default depends on the format.
    requires_trace: Option<bool>,
    pub(super) flat: JsonOptions,
    chosen: format::Chosen,
    pub(super) ecs: EcsOptions,
    outputs: Vec<Output>,
    /// Replaces `outputs`.
    only_output: Option<Output>,
    /// How many sealed segments files keep that have no such limit.
    pub(super) backups: Option<usize>,
    pub(super) run_id: Option<String>,
    static_fields: Option<Context>,
    hooks: Vec<EventHook>,
    observing: Observing,
    rotations: Rotations,
    timestamps: Timestamps,
    ring_bytes: usize,
    rings_max: usize,
    limits: Limits,
    overflow: [Overflow; Level::COUNT],
    thread: ThreadConfig,
    batch_bytes_max: usize,
    retry_buffer_bytes_max: usize,
    reorder_window: Duration,
    shutdown_timeout: Duration,
    flush_timeout: Duration,
    /// The default is to install it.
    panic_hook: Option<bool>,
    replace_panic_hook: bool,
    #[cfg(feature = "signals")]
    reactions: Reactions,
    injected: Option<Arc<dyn Clock>>,
    pub(super) redaction: Choice,
    pub(super) audit: Option<super::audit::AuditConfig>,
    sampling: sampling::Choice,
    survival: survival::Survival,
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("filter", &self.filter)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

macro_rules! setters {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty;)+) => {$(
        $(#[doc = $doc])+
        #[must_use]
        pub fn $name(mut self, $name: $type) -> Self {
            self.$name = $name;
            self
        }
    )+};
}

impl Config {
    /// The defaults: level info, JSON on stdout.
    pub fn new() -> Self {
        Self {
            filter: None,
            quiet_targets: None,
            format: Format::Json,
            color: Color::Auto,
            include_stack: false,
            span_lines: SpanLines::StartAndEnd,
            requires_trace: None,
            flat: JsonOptions::default(),
            chosen: format::Chosen::default(),
            ecs: EcsOptions::new(),
            outputs: Vec::new(),
            only_output: None,
            backups: None,
            run_id: None,
            static_fields: None,
            hooks: Vec::new(),
            observing: Observing::default(),
            rotations: Rotations::default(),
            timestamps: Timestamps::Exact,
            ring_bytes: 1 << 20,
            rings_max: 1024,
            limits: Limits::default(),
            overflow: Overflow::default_levels(),
            thread: ThreadConfig { name: "ringseal-writer".into(), ..ThreadConfig::default() },
            batch_bytes_max: 1 << 20,
            retry_buffer_bytes_max: 16 << 20,
            reorder_window: Duration::from_micros(20),
            shutdown_timeout: Duration::from_secs(10),
            flush_timeout: Duration::from_secs(10),
            panic_hook: None,
            replace_panic_hook: false,
            #[cfg(feature = "signals")]
            reactions: Reactions::None,
            injected: None,
            redaction: Choice::default(),
            audit: None,
            sampling: sampling::Choice::default(),
            survival: survival::Survival::default(),
        }
    }

    setters! {
        /// The format of outputs that have none. Default JSON.
        format: Format;
        /// When the format [`Format::Console`] is coloured. Default on a terminal.
        color: Color;
        /// Put a stack trace of the caller into every event, as `stack`. For debugging: slow, and it allocates.
        include_stack: bool;
        /// The source of an event's time.
        timestamps: Timestamps;
        /// Bytes of each thread's ring, rounded up to a power of two and limited to 4 KiB to 1 GiB. Default 1 MiB.
        /// `ringseal bench` finds a good size for a machine. On Linux a ring of 64 KiB or more takes only the memory
        /// that its thread has used lately.
        ring_bytes: usize;
        /// The most rings, at least one; further threads share one, with a lock. Default 1024.
        rings_max: usize;
        /// How much of a value and of an event is kept.
        limits: Limits;
        /// What happens when a ring is full, by level. Default: wait up to 100 ms, then lose and count.
        overflow: [Overflow; Level::COUNT];
        /// A batch is passed to the sinks when it holds this many bytes, and at the end of a turn. Limited to 4 KiB to
        /// 256 MiB. Default 1 MiB.
        batch_bytes_max: usize;
        /// Bytes of lines held for a failing sink before they are dropped and counted. Default 16 MiB.
        retry_buffer_bytes_max: usize;
        /// How long an event waits for an older one from another thread. Default 20 µs.
        reorder_window: Duration;
        /// How long dropping the engine may take. Default 10 s.
        shutdown_timeout: Duration;
        /// How long a flush may take. Default 10 s.
        flush_timeout: Duration;
        /// With [`Config::panic_hook`], take the place of the hook that was there: the message on standard error, and
        /// the stack trace with `RUST_BACKTRACE`, pass the redaction rules. Default false.
        replace_panic_hook: bool;
    }

    /// Which events are logged at all, by target and level. Default info.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = Some(filter);
        self
    }

    /// Targets that are less verbose than the default level unless a directive of the filter names them, in place of
    /// [`QuietTargets::dependencies`]: `hyper`, `h2`, `rustls` and other libraries, at warn. [`QuietTargets::none`] for
    /// no such list.
    #[must_use]
    pub fn quiet_targets(mut self, quiet_targets: QuietTargets) -> Self {
        self.quiet_targets = Some(quiet_targets);
        self
    }

    /// The filter of the engine.
    pub(super) fn whole_filter(&self) -> Filter {
        let quiet = self.quiet_targets.clone().unwrap_or_else(QuietTargets::dependencies);
        self.filter.clone().unwrap_or_default().with_quiet(Arc::new(quiet))
    }

    /// Log `ringseal.panicked` and flush when a thread panics. The hook that was there runs first: that of the standard
    /// library writes the panic's message to standard error, **unredacted**. Default true.
    #[must_use]
    pub fn panic_hook(mut self, panic_hook: bool) -> Self {
        self.panic_hook = Some(panic_hook);
        self
    }

    /// For tests, which run beside others: all levels of all targets, and no panics of other threads, unless they are
    /// set.
    pub(crate) fn with_defaults_for_tests(mut self) -> Self {
        // The test's output is added to the chosen ones.
        self.outputs = self.take_outputs();
        self.filter.get_or_insert(Filter::new(LevelFilter::AtLeast(Level::Trace)));
        self.quiet_targets.get_or_insert(QuietTargets::none());
        self.panic_hook.get_or_insert(false);
        self
    }

    /// For callers that prefer a lost line to a delay: a full ring drops events below error at once, and the
    /// writer polls often.
    #[must_use]
    pub fn low_latency(mut self) -> Self {
        self.overflow = Overflow::latency_levels();
        let (min, max) = (Duration::from_micros(20), Duration::from_micros(200));
        self.writer_wait(WaitStrategy::Sleep { min, max })
    }

    /// Logs events at `level` and above: a filter without directives.
    #[must_use]
    pub fn level(self, level: Level) -> Self {
        self.filter(Filter::new(LevelFilter::AtLeast(level)))
    }

    /// Adds an output. Without any, lines go to standard output.
    ///
    /// Two outputs of one file are refused when the engine starts.
    #[doc(alias = "sink")]
    #[doc(alias = "handler")]
    #[must_use]
    pub fn output(mut self, output: Output) -> Self {
        self.outputs.push(output);
        self
    }

    /// Uses this output in place of all others, also of those that are added later.
    pub(super) fn only_output(mut self, output: Output) -> Self {
        self.only_output = Some(output);
        self
    }

    /// Adds a rotating file: short for [`Output::file`].
    #[must_use]
    pub fn file(self, path: impl AsRef<Path>) -> Self {
        self.output(Output::file(path.as_ref()))
    }

    /// Adds standard output: short for [`Output::stdout`].
    #[must_use]
    pub fn stdout(self) -> Self {
        self.output(Output::stdout())
    }

    /// How the writer waits between turns.
    #[must_use]
    pub fn writer_wait(mut self, wait: WaitStrategy) -> Self {
        self.thread.wait = wait;
        self
    }

    /// The writer thread's name. Default `ringseal-writer`.
    #[must_use]
    pub fn thread_name(mut self, name: &str) -> Self {
        self.thread.name = name.into();
        self
    }

    /// The core that the writer runs on.
    #[cfg(feature = "affinity")]
    #[must_use]
    pub fn cpu(mut self, cpu: usize) -> Self {
        self.thread.cpu = Some(cpu);
        self
    }

    /// Drain on SIGTERM and SIGINT, and reopen on SIGHUP. The process then ends as without this setting: by the
    /// signal's default action, unless the host handles or ignores the signal.
    #[cfg(feature = "signals")]
    #[must_use]
    pub fn signals(mut self, signals: bool) -> Self {
        self.reactions = if signals { Reactions::All } else { Reactions::None };
        self
    }

    /// Reopen on SIGHUP, and leave all other signals alone.
    #[cfg(feature = "signals")]
    #[must_use]
    pub fn reopen_on_hangup(mut self) -> Self {
        self.reactions = Reactions::Hangup;
        self
    }

    /// Adds an audit log: see [`Engine::audit`](crate::Engine::audit).
    #[cfg(feature = "audit")]
    #[must_use]
    pub fn audit(mut self, audit: super::audit::AuditConfig) -> Self {
        self.audit = Some(audit);
        self
    }

    /// Another clock, for tests.
    #[must_use]
    pub fn clock_for_tests(mut self, clock: Arc<dyn Clock>) -> Self {
        self.injected = Some(clock);
        self
    }
}
