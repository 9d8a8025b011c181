//! From a record to the site of its call.
use std::sync::atomic::{AtomicU64, Ordering};

use log::Record;
use log::kv::{Key, VisitSource};
use ringseal::Level;
use ringseal::bridge::{Call, CallSite, CallSites, Site, SiteMeta};

use super::pairs::Critical;

/// Stands for the message among the keys of a call site. No program uses a key with the character NUL.
const MESSAGE: &str = "\0message";

/// The most keys of a site; events with more have their keys with them.
const KEYS_MAX: usize = 32;

static CALLS: CallSites = CallSites::new();

static WITHOUT_SITE: AtomicU64 = AtomicU64::new(0);

/// How many events were logged without a site of their call in this process, because there are too many sites.
pub fn events_without_site() -> u64 {
    // ORDER: relaxed; a count.
    WITHOUT_SITE.load(Ordering::Relaxed)
}

pub(super) fn count_event_without_site() {
    // ORDER: relaxed; a count.
    WITHOUT_SITE.fetch_add(1, Ordering::Relaxed);
}

/// The site of the call that made the record; `None` if there are too many sites.
#[inline]
pub(super) fn site_of(record: &Record<'_>, level: Level) -> Option<&'static Site> {
    let mut call = Call::new(level, record.target());
    // Texts of run time, as other bridges have them, do not identify a call.
    if let Some(file) = record.file_static() {
        call = call.at(file, record.line().unwrap_or_default());
    }
    if let Some(module) = record.module_path_static() {
        call = call.in_module(module);
    }
    let sites = CALLS.get(&call, || new_sites(record, level))?;
    match sites.critical {
        Some(critical) if Critical::of(record).is_true => Some(critical),
        _ => Some(sites.site),
    }
}

#[cold]
fn new_sites(record: &Record<'_>, level: Level) -> Option<CallSite> {
    let keys = keys_of(record);
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    // The keys of a call of the macros are constant; those of a record that is built at run time may change.
    let may_be_critical = record.file_static().is_none() || Critical::of(record).is_named;
    let intern = |level| {
        let mut meta = SiteMeta::new(level, record.target(), "log").keys(&keys).message(MESSAGE);
        if let Some(file) = record.file_static() {
            meta = meta.at(file, record.line().unwrap_or_default());
        }
        Site::intern(&meta)
    };
    let critical = match may_be_critical && level != Level::Critical {
        true => Some(intern(Level::Critical)?),
        false => None,
    };
    Some(CallSite { site: intern(level)?, critical })
}

/// The keys of the site: that of the message and those of the record's pairs. None if there are too many; the events
/// then have their keys with them.
fn keys_of(record: &Record<'_>) -> Vec<String> {
    struct Keys(Vec<String>);
    impl<'kvs> VisitSource<'kvs> for Keys {
        fn visit_pair(
            &mut self,
            key: Key<'kvs>,
            _: log::kv::Value<'kvs>,
        ) -> Result<(), log::kv::Error> {
            self.0.push(key.as_str().to_owned());
            Ok(())
        }
    }
    let mut keys = Keys(vec![MESSAGE.to_owned()]);
    // The visitor returns no error. One of the source ends the visit, at an event as well.
    let _ = record.key_values().visit(&mut keys);
    if keys.0.len() > KEYS_MAX { Vec::new() } else { keys.0 }
}
