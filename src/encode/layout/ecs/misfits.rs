//! Fields that do not fit the schema: counted with every line, reported once for each event and field.
//!
//! Promises: a misfit changes no line and stops nothing. Counting allocates nothing; a report is made once for each
//! event and field, and for a limited number of them.
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use super::field_types::Problem;
use crate::encode::layout::OWN_TARGET;

/// Events and fields that are remembered, so that they are not reported again. No others are reported.
const REPORTED_MAX: usize = 1024;

/// Reports that wait for the writer. Others are only counted.
const PENDING_MAX: usize = 16;

/// A field that does not fit the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The key as it was logged.
    pub field: String,
    /// What the schema expects.
    pub expected: &'static str,
    /// What was found.
    pub found: String,
    /// The event's name.
    pub event: String,
    /// Its target.
    pub target: String,
}

/// The count and the reports of a layout.
#[derive(Debug, Default)]
pub(super) struct Misfits {
    pub(super) count: u64,
    reported: HashSet<u64>,
    hasher: RandomState,
    pub(super) pending: Vec<Misfit>,
}

impl Misfits {
    /// Counts a field, and reports it if it is new.
    pub(super) fn add(
        &mut self,
        (target, event): (&[u8], &[u8]),
        field: &[u8],
        problem: Problem,
        found: &str,
    ) {
        // The engine's own texts under `error` are meant to become its message.
        if target == OWN_TARGET.as_bytes() {
            return;
        }
        self.count += 1;
        let hash = self.hasher.hash_one((target, event, field, problem));
        if self.reported.len() >= REPORTED_MAX
            || self.pending.len() >= PENDING_MAX
            || !self.reported.insert(hash)
        {
            return;
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        self.pending.push(Misfit {
            field: text(field),
            expected: problem.expected(),
            found: found.into(),
            event: text(event),
            target: text(target),
        });
    }
}
