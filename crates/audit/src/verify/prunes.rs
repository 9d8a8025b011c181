//! Checks removals of entries: each is recorded by a signed entry, and keeps to the policy in it and to the verifier's.
//!
//! Promises: a few bytes per segment in memory.
use std::collections::BTreeMap;

use super::PrunePolicy;
use super::control_state::Violation;
use super::report::FindingKind;
use crate::entry::Entry;
use crate::entry::control::{Prune, PruneReason};
use ringseal_base::digest::Hash;

/// A prune entry may be this far ahead of the verifier's clock.
const CLOCK_NANOS_MAX: i64 = 600 * 1_000_000_000;

/// The removals recorded so far.
pub(super) struct Prunes {
    policy: PrunePolicy,
    now_unix_nanos: Option<i64>,
    /// Entries before this one may be missing.
    pub before_seq: u64,
    /// Prune entries so far.
    pub entries: u64,
    /// First entries of segments, and when they were begun.
    begun: BTreeMap<u64, i64>,
    /// Root hash of the tree before the first present entry, and how many entries that are.
    pub pruned_root: Option<(u64, Hash)>,
}

impl Prunes {
    pub fn new(policy: PrunePolicy, now_unix_nanos: Option<i64>) -> Prunes {
        let (begun, pruned_root) = (BTreeMap::new(), None);
        Prunes { policy, now_unix_nanos, before_seq: 0, entries: 0, begun, pruned_root }
    }

    /// Remembers when a segment was begun, and thus when the one before it was closed.
    pub fn add_segment(&mut self, first_seq: u64, unix_nanos: i64) {
        self.begun.insert(first_seq, unix_nanos);
    }

    /// A log that was set aside is a past that may be missing.
    pub fn check_continued(&self) -> Result<(), Violation> {
        match self.policy {
            PrunePolicy::Any => Ok(()),
            _ => {
                let detail = "the log continues one that was set aside".to_owned();
                Err((FindingKind::Pruned, detail))
            }
        }
    }

    /// Applies a prune entry.
    pub fn apply(&mut self, prune: &Prune, entry: &Entry<'_>) -> Result<(), Violation> {
        let first = prune.segments.first().map_or(0, |segment| segment.first_seq);
        if first != self.before_seq || prune.before_seq > entry.seq {
            let detail = format!(
                "removes entries {first} to {}, expected a beginning at {}",
                prune.before_seq, self.before_seq
            );
            return Err((FindingKind::BadControl, detail));
        }
        self.before_seq = prune.before_seq;
        self.entries += 1;
        let closed_at = self.begun.get(&prune.before_seq);
        let age = closed_at.map(|closed_at| entry.unix_nanos.saturating_sub(*closed_at));
        self.check_own_policy(prune, age)?;
        self.check_policy(prune, entry.unix_nanos, age)
    }

    /// The entry keeps to what it says about itself.
    fn check_own_policy(&self, prune: &Prune, age: Option<i64>) -> Result<(), Violation> {
        let Some(terms) = &prune.terms else { return Ok(()) };
        if let Some((before_seq, root)) = self.pruned_root
            && before_seq == prune.before_seq
            && root != terms.tree_root
        {
            let detail = "tree_root is not the root hash of the removed entries".to_owned();
            return Err((FindingKind::BadControl, detail));
        }
        let (PruneReason::Age, Some(age)) = (prune.reason, age) else { return Ok(()) };
        if terms.seconds_max.is_some_and(|max| age >= nanos(max)) {
            return Ok(());
        }
        let detail = format!(
            "removes entries by age when the last of them were in a segment closed {} s before, and its policy is {:?} s",
            age / 1_000_000_000,
            terms.seconds_max
        );
        Err((FindingKind::BadControl, detail))
    }

    /// The entry keeps to what the verifier allows.
    fn check_policy(
        &self,
        prune: &Prune,
        unix_nanos: i64,
        age: Option<i64>,
    ) -> Result<(), Violation> {
        let before = prune.before_seq;
        let wrong = |detail| Err((FindingKind::Pruned, detail));
        let min = match self.policy {
            PrunePolicy::Any => return Ok(()),
            PrunePolicy::Never => {
                return wrong(format!("removes entries before {before}, expected no removal"));
            }
            PrunePolicy::OlderThan(min) => min,
        };
        let is_ahead = |now: &i64| unix_nanos.saturating_sub(*now) > CLOCK_NANOS_MAX;
        if self.now_unix_nanos.as_ref().is_some_and(is_ahead) {
            return wrong(format!("removes entries before {before} at a time in the future"));
        }
        match age {
            Some(age) if age >= nanos(min) => Ok(()),
            Some(age) => wrong(format!(
                "removes entries before {before}, whose segment was closed {} s before, expected at least {min} s",
                age / 1_000_000_000
            )),
            None => wrong(format!("removes entries before {before}, whose age is unknown")),
        }
    }
}

fn nanos(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000_000)
}
