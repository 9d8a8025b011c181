//! From a record to the site of its call: slog has a static per call site, but hands out only what is in it.
use std::sync::atomic::{AtomicU64, Ordering};

use ringseal::Level;
use ringseal::bridge::{Call, CallSite, CallSites, Site, SiteMeta};
use slog::{OwnedKVList, Record};

use super::drain::target_of;
use super::pairs::keys_of;

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
pub(super) fn site_of(
    record: &Record<'_>,
    level: Level,
    values: &OwnedKVList,
) -> Option<&'static Site> {
    let call = Call::new(level, target_of(record));
    let call = call.at(record.file(), record.line()).in_module(record.module());
    let sites = CALLS.get(&call, || new_site(record, level, values))?;
    Some(sites.site)
}

#[cold]
fn new_site(record: &Record<'_>, level: Level, values: &OwnedKVList) -> Option<CallSite> {
    let mut keys = keys_of(record, values);
    keys.insert(0, MESSAGE.to_owned());
    if keys.len() > KEYS_MAX {
        keys.clear();
    }
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let meta = SiteMeta::new(level, target_of(record), "slog").at(record.file(), record.line());
    let site = Site::intern(&meta.keys(&keys).message(MESSAGE))?;
    Some(CallSite { site, critical: None })
}
