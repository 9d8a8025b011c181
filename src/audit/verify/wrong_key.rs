//! Whether a log that the given keys do not fit is whole under keys of its own.
//!
//! Logs have the same name unless somebody chose one, so keys are easily mixed up; and somebody may have put a log of
//! his own where another one was. Nothing in the files tells one from the other: [`FindingKind::WrongKey`] says both.
//!
//! Promises: asked only when the first entry was refused; reads the log once more, and again for the chain's
//! signatures, in flat memory.
use std::path::Path;

use super::super::chain::Chain;
use super::super::entry::control::Start;
use super::super::entry::{Parser, Scheme};
use super::super::keys::ChainKey;
use super::super::note::Verifier;
use super::super::read::first_start;
use super::hashing::Checker;
use super::kept_entries::KeptEntries;
use super::report::{Finding, FindingKind, VerifyReport};
use super::source::{Source, segments};
use super::{Stop, VerifyOptions, VerifyProgress, walk};
use crate::storage::Storage;

/// The finding to tell instead of `finding`, if nothing is wrong but the key.
pub(super) fn diagnose(
    storage: &dyn Storage,
    dir: &Path,
    options: &VerifyOptions,
    finding: &Finding,
    progress: &mut dyn FnMut(VerifyProgress<'_>),
) -> Option<Finding> {
    let may_be = matches!(finding.kind, FindingKind::BadControl | FindingKind::Modified);
    if !may_be || finding.place.seq != Some(0) {
        return None;
    }
    let start = first_start(storage, dir).ok()?;
    let named = Verifier::parse(&start.public_key).ok()?;
    let mut is_whole = || is_whole_under(storage, dir, &named, progress);
    let detail = if named != options.root {
        is_whole().then(|| other_root(&named, &options.root))?
    } else {
        let key = options.first_key.as_ref().filter(|_| start.scheme == Scheme::Mac)?;
        is_whole().then(|| other_chain(storage, dir, key, &start))??
    };
    Some(Finding::new(FindingKind::WrongKey, finding.place.clone(), detail))
}

/// Whether everything fits together but the chain's signatures, which take a key that the log does not name. Its age is
/// not asked: a log that was left alone is no less another one.
fn is_whole_under(
    storage: &dyn Storage,
    dir: &Path,
    named: &Verifier,
    progress: &mut dyn FnMut(VerifyProgress<'_>),
) -> bool {
    let mut options = VerifyOptions::new(named.clone());
    (options.gap_seconds_max, options.gap_entries_max) = (Some(u64::MAX), Some(u64::MAX));
    walk::run(storage, dir, &options, &mut VerifyReport::new(named.name()), progress).is_ok()
}

fn other_root(named: &Verifier, given: &Verifier) -> String {
    format!(
        "this log is not signed by this key: the log names {named}, the file holds {given}; either it is another \
         log's key, or the log was replaced by another one"
    )
}

/// That none of the log's signatures holds. One that does is of this chain: then lines were changed.
fn other_chain(storage: &dyn Storage, dir: &Path, key: &ChainKey, start: &Start) -> Option<String> {
    let chain = Chain::with_key(key, 0, start.ratchet);
    let mut signatures = Signatures { checker: Checker { chain, seq: 0 }, count: 0 };
    let none_holds = signatures.none_holds(storage, dir).ok()?;
    none_holds.then(|| {
        format!(
            "this log is not chained by this audit.mac: of its {} signatures none holds with it, and everything \
             else is whole under {}; either it is another log's, or somebody without it wrote the log anew",
            signatures.count, start.public_key
        )
    })
}

/// A pass over the signatures of a log that is whole but for them: numbers grow, and not by leaps.
struct Signatures {
    checker: Checker,
    count: u64,
}

impl Signatures {
    /// Whether no signature holds; the first one that does ends the pass. Keys go only forward: lines that
    /// were kept come first, as far as their entries are gone.
    fn none_holds(&mut self, storage: &dyn Storage, dir: &Path) -> Result<bool, Stop> {
        let files = segments(storage, dir)?;
        let mut source = Source::new(storage, dir, &files);
        let mut next = source.next()?;
        let first_line = next.as_ref().map(|batch| batch.line(0)).unwrap_or_default();
        let first_seq = Parser::new().entry(first_line).map_or(0, |entry| entry.seq);
        let mut kept = KeptEntries::open(storage, dir)?;
        while let Some(seq) = kept.seq.filter(|seq| *seq < first_seq) {
            self.checker.seq = seq;
            if self.holds(&kept.line) {
                return Ok(false);
            }
            kept.advance()?;
        }
        self.checker.seq = first_seq;
        while let Some(batch) = next {
            if (0..batch.lines.len()).any(|at| self.holds(batch.line(at))) {
                return Ok(false);
            }
            source.recycle(batch);
            next = source.next()?;
        }
        Ok(true)
    }

    fn holds(&mut self, line: &[u8]) -> bool {
        self.count += 1;
        self.checker.is_right(line)
    }
}
