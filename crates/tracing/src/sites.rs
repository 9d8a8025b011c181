//! From a call site of `tracing` to the engine's sites.
//!
//! Promises: one lookup in a table of the thread, once the thread knows the call site; no allocation and no lock then.
use std::cell::Cell;
use std::collections::HashMap;
use std::ptr;
use std::sync::{Mutex, PoisonError};

use ringseal::bridge::{BridgedSpan, Site, SiteMeta};
use ringseal::{Level, Logger};
use tracing_core::Metadata;

/// The field that holds an event's message.
pub(crate) const MESSAGE: &str = "message";
/// The field that makes an error a critical one.
pub(crate) const CRITICAL: &str = "critical";
/// The end of the targets of critical errors.
const CRITICAL_TARGET: &str = "::critical";

/// What the engine knows of a call site. Without a site, the process has too many of them.
#[derive(Debug)]
pub(crate) struct Sites {
    pub(crate) site: Option<&'static Site>,
    /// That of events with `critical = true`, if the call site has the field.
    pub(crate) critical: Option<&'static Site>,
    /// If the call site begins spans.
    pub(crate) span: Option<&'static BridgedSpan>,
    /// Whether its events are records of `log`.
    pub(crate) is_of_log: bool,
}

impl Sites {
    fn new(metadata: &'static Metadata<'static>) -> Sites {
        let keys: Vec<&'static str> = metadata.fields().iter().map(|field| field.name()).collect();
        let keys: &'static [&'static str] = Box::leak(keys.into());
        let level = level_of(metadata);
        let meta = |level| {
            SiteMeta::new(level, metadata.target(), metadata.name())
                .at(metadata.file().unwrap_or_default(), metadata.line().unwrap_or_default())
        };
        let with_keys = |level| Site::intern_static(&meta(level).keys(keys).message(MESSAGE));
        Sites {
            site: with_keys(level),
            critical: if may_be_critical(metadata) { with_keys(Level::Critical) } else { None },
            span: if metadata.is_span() { BridgedSpan::intern(&meta(level)) } else { None },
            is_of_log: crate::log_records::is_record(metadata),
        }
    }

    /// Whether the engine's filter lets its events pass.
    pub(crate) fn is_enabled(&self, log: &Logger, metadata: &Metadata<'_>) -> bool {
        match self.site {
            Some(site) if !self.is_of_log => {
                site.is_enabled(log) || self.critical.is_some_and(|site| site.is_enabled(log))
            }
            // A record of `log` has its own target, which is known with the record.
            _ if self.is_of_log => true,
            _ => log.is_enabled(level_of(metadata), metadata.target()),
        }
    }
}

/// Whether an event of the call site may be critical, whatever its level.
pub(crate) fn may_be_critical(metadata: &Metadata<'_>) -> bool {
    metadata.is_event() && metadata.fields().field(CRITICAL).is_some()
}

/// The engine's level of a call site.
pub(crate) fn level_of(metadata: &Metadata<'_>) -> Level {
    match *metadata.level() {
        tracing_core::Level::TRACE => Level::Trace,
        tracing_core::Level::DEBUG => Level::Debug,
        tracing_core::Level::INFO => Level::Info,
        tracing_core::Level::WARN => Level::Warn,
        _ if metadata.target().ends_with(CRITICAL_TARGET) => Level::Critical,
        _ => Level::Error,
    }
}

/// Call sites in a thread's table: a power of two.
const TABLE: usize = 256;

/// A place of a thread's table.
type Place = Cell<Option<(*const Metadata<'static>, &'static Sites)>>;

thread_local! {
    static NEAR: [Place; TABLE] = const { [const { Cell::new(None) }; TABLE] };
}

/// By the address of the metadata, which are never freed.
static ALL: Mutex<Option<HashMap<usize, &'static Sites>>> = Mutex::new(None);

/// The sites of a call site.
#[inline]
pub(crate) fn sites(metadata: &'static Metadata<'static>) -> &'static Sites {
    let address = ptr::from_ref(metadata);
    // Metadata are aligned and often lie one after the other.
    let index = (address as usize >> 4) % TABLE;
    NEAR.with(|near| match near[index].get() {
        Some((known, sites)) if known == address => sites,
        _ => {
            let sites = find(metadata);
            near[index].set(Some((address, sites)));
            sites
        }
    })
}

#[cold]
fn find(metadata: &'static Metadata<'static>) -> &'static Sites {
    let address = ptr::from_ref(metadata) as usize;
    let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
    let all = all.get_or_insert_default();
    all.entry(address).or_insert_with(|| Box::leak(Box::new(Sites::new(metadata))))
}
