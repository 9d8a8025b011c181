//! The logger that `log` calls.
use std::fmt;
use std::sync::{Mutex, PoisonError};

use log::{LevelFilter, Log, Metadata, Record};
use ringseal::Logger;
use ringseal::bridge::SiteWriter;
use ringseal::value::DisplayValue;

use super::pairs::{Critical, write_pairs};
use super::sites;

/// Passes the records of `log` to a logger of an engine.
///
/// [`init`] installs one for the whole process. A `Bridge` itself is for programs that install another logger and call
/// this one from there, and for tests. The level of `log` is then set by the program, or by [`follow_filter`]:
///
/// ```
/// let (engine, capture) = ringseal::testing::Capture::start();
/// ringseal_log::follow_filter(engine.logger());
/// let bridge = ringseal_log::Bridge::new(engine.logger());
/// log::warn!(logger: bridge, "disk almost full");
/// assert_eq!(capture.event("disk almost full").text("level"), "warn");
/// ```
#[derive(Debug, Clone)]
pub struct Bridge {
    log: Logger,
}

/// Another logger has been installed before, by [`log::set_logger`] or an earlier call of [`init`].
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct InitError;

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "expected no logger of `log`, found one that was installed before; a process has one for its whole life: \
             call `ringseal_log::init` once, before libraries install theirs",
        )
    }
}

impl fmt::Debug for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InitError({self})")
    }
}

impl std::error::Error for InitError {}

/// Makes `log` the logger of the process. [`log::max_level`] follows the filter of its engine from here on, until the
/// engine stops; then it is off.
///
/// # Errors
/// If a logger is installed. Nothing has changed then.
pub fn init(log: Logger) -> Result<(), InitError> {
    log::set_boxed_logger(Box::new(Bridge::new(log.clone()))).map_err(|_| InitError)?;
    follow_filter(log);
    Ok(())
}

/// Sets [`log::max_level`] to the most verbose level that the filter of the logger's engine lets pass for some target,
/// now and after each change of the filter. [`init`] does this.
pub fn follow_filter(log: Logger) {
    let logger = log.clone();
    // Before the first reading, so that no change falls between.
    log.on_filter_change(move || read_filter(&logger));
    read_filter(&log);
}

fn read_filter(log: &Logger) {
    static CHANGING: Mutex<()> = Mutex::new(());
    // Of two changes at the same time, the later one to get here sees both.
    let _one_at_a_time = CHANGING.lock().unwrap_or_else(PoisonError::into_inner);
    log::set_max_level(max_level(log.most_verbose()));
}

/// The level of `log` that lets pass whatever the engine lets pass.
fn max_level(level: ringseal::LevelFilter) -> LevelFilter {
    match level {
        ringseal::LevelFilter::Off => LevelFilter::Off,
        ringseal::LevelFilter::AtLeast(level) => match level {
            ringseal::Level::Trace => LevelFilter::Trace,
            ringseal::Level::Debug => LevelFilter::Debug,
            ringseal::Level::Info => LevelFilter::Info,
            ringseal::Level::Warn => LevelFilter::Warn,
            // A record at error may turn out to be critical.
            ringseal::Level::Error | ringseal::Level::Critical => LevelFilter::Error,
        },
    }
}

/// The engine's level of a record, without its pairs.
fn level_of(level: log::Level, target: &str) -> ringseal::Level {
    match level {
        log::Level::Error if target.ends_with("::critical") => ringseal::Level::Critical,
        log::Level::Error => ringseal::Level::Error,
        log::Level::Warn => ringseal::Level::Warn,
        log::Level::Info => ringseal::Level::Info,
        log::Level::Debug => ringseal::Level::Debug,
        log::Level::Trace => ringseal::Level::Trace,
    }
}

impl Bridge {
    /// Passes records to this logger; they have its bound fields.
    pub fn new(log: Logger) -> Self {
        Self { log }
    }

    /// Logs an event for whose call site there is no room.
    #[cold]
    fn log_without_site(&self, level: ringseal::Level, record: &Record<'_>) {
        let level = if Critical::of(record).is_true { ringseal::Level::Critical } else { level };
        if !self.log.is_enabled(level, record.target()) {
            return;
        }
        sites::count_event_without_site();
        let name = record.args().to_string();
        self.log.dynamic(level, record.target(), &name, &|out| {
            write_pairs(record, &mut |key, value| out.entry(key, value));
        });
    }
}

impl Log for Bridge {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let (level, target) = (metadata.level(), metadata.target());
        self.log.is_enabled(level_of(level, target), target)
    }

    fn log(&self, record: &Record<'_>) {
        let level = level_of(record.level(), record.target());
        match sites::site_of(record, level) {
            Some(site) => site.emit(&self.log, &|out| write(record, out)),
            None => self.log_without_site(level, record),
        }
    }

    fn flush(&self) {
        // The engine reports failures of sinks in its own way; `log` has no place for them.
        let _ = self.log.flush();
    }
}

fn write(record: &Record<'_>, out: &mut SiteWriter<'_, '_>) {
    match record.args().as_str() {
        Some(text) => out.message(&text),
        None => out.message(&DisplayValue(record.args())),
    }
    write_pairs(record, &mut |key, value| out.field(key, value));
}
