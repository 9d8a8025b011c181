//! The drain that slog's loggers write to.
use ringseal::bridge::SiteWriter;
use ringseal::value::DisplayValue;
use ringseal::{Level, LevelFilter, Logger};
use slog::{OwnedKVList, Record};

use super::pairs::{Pair, write_pairs};
use super::sites;

/// Passes records to a logger of an engine; they have its bound fields.
///
/// The pairs of a record come before those of its logger, and these before those of the loggers above it. Of equal keys
/// the first in this order is logged.
#[derive(Debug, Clone)]
pub struct Drain {
    log: Logger,
}

impl Drain {
    /// Passes records to this logger.
    pub fn new(log: Logger) -> Self {
        Self { log }
    }

    /// Logs an event for whose call site there is no room.
    #[cold]
    fn log_without_site(&self, level: Level, record: &Record<'_>, values: &OwnedKVList) {
        let target = target_of(record);
        if !self.log.is_enabled(level, target) {
            return;
        }
        sites::count_event_without_site();
        let name = record.msg().to_string();
        self.log.dynamic(level, target, &name, &|out| {
            write_pairs(record, values, &mut |key, pair| pair.entry(key, out));
        });
    }
}

impl slog::Drain for Drain {
    type Ok = ();
    type Err = slog::Never;

    fn log(&self, record: &Record<'_>, values: &OwnedKVList) -> Result<(), slog::Never> {
        let level = level_of(record.level());
        match sites::site_of(record, level, values) {
            Some(site) => site.emit(&self.log, &|out| write(record, values, out)),
            None => self.log_without_site(level, record, values),
        }
        Ok(())
    }

    fn is_enabled(&self, level: slog::Level) -> bool {
        match self.log.most_verbose() {
            LevelFilter::Off => false,
            most => most.passes(level_of(level)),
        }
    }

    fn flush(&self) -> Result<(), slog::FlushError> {
        self.log.flush().map_err(|error| slog::FlushError::Custom(Box::new(error)))
    }
}

/// The tag of the record if it has one, as for slog's own loggers of `log`; otherwise the path of its module.
pub(super) fn target_of<'r>(record: &'r Record<'_>) -> &'r str {
    match record.tag() {
        "" => record.module(),
        tag => tag,
    }
}

fn level_of(level: slog::Level) -> Level {
    match level {
        slog::Level::Critical => Level::Critical,
        slog::Level::Error => Level::Error,
        slog::Level::Warning => Level::Warn,
        slog::Level::Info => Level::Info,
        slog::Level::Debug => Level::Debug,
        slog::Level::Trace => Level::Trace,
    }
}

fn write(record: &Record<'_>, values: &OwnedKVList, out: &mut SiteWriter<'_, '_>) {
    match record.msg().as_str() {
        Some(text) => out.message(&text),
        None => out.message(&DisplayValue(record.msg())),
    }
    write_pairs(record, values, &mut |key, pair: &dyn Pair| pair.field(key, out));
}
