//! What is kept for the life of the process: one value per foreign call site.
//!
//! Promises: bounded; equal descriptions get the same value. Locks and allocates; called once per call site.
use std::collections::HashMap;

use parking_lot::Mutex;

use super::site::SiteMeta;

/// The most sites of each kind that are kept.
pub const SITES_MAX: usize = 1 << 14;

/// Values by the descriptions that they were made of.
pub(super) struct Interner<T: 'static>(Mutex<Option<Known<T>>>);

type Known<T> = HashMap<SiteMeta<'static>, &'static T>;

impl<T> Interner<T> {
    pub(super) const fn new() -> Self {
        Interner(Mutex::new(None))
    }

    /// The value of this description, made if there is none; `None` if there are too many.
    pub(super) fn get(
        &self,
        meta: &SiteMeta<'_>,
        make: impl FnOnce(SiteMeta<'static>) -> T,
    ) -> Option<&'static T> {
        let mut known = self.0.lock();
        let known = known.get_or_insert_default();
        match find(known, meta) {
            Some(found) => Some(found),
            None => add(known, || meta.leak(), make),
        }
    }

    /// The same, without a copy of the texts.
    pub(super) fn get_static(
        &self,
        meta: &SiteMeta<'static>,
        make: impl FnOnce(SiteMeta<'static>) -> T,
    ) -> Option<&'static T> {
        let mut known = self.0.lock();
        let known = known.get_or_insert_default();
        match find(known, meta) {
            Some(found) => Some(found),
            None => add(known, || *meta, make),
        }
    }
}

/// Makes a value, unless there are too many.
fn add<T>(
    known: &mut Known<T>,
    meta: impl FnOnce() -> SiteMeta<'static>,
    make: impl FnOnce(SiteMeta<'static>) -> T,
) -> Option<&'static T> {
    if known.len() >= SITES_MAX {
        return None;
    }
    let meta = meta();
    let made: &'static T = Box::leak(Box::new(make(meta)));
    known.insert(meta, made);
    Some(made)
}

/// Looks up a description that lives shorter than those in the map.
fn find<'m, T>(
    known: &HashMap<SiteMeta<'m>, &'static T>,
    meta: &SiteMeta<'m>,
) -> Option<&'static T> {
    known.get(meta).copied()
}
