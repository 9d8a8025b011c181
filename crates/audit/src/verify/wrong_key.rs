//! Determines whether a log that the given keys do not match is valid under other keys.
//!
//! Logs have the same default name, so keys are easily mixed up; an attacker may also have replaced the log. The files
//! do not distinguish the two cases: [`FindingKind::WrongKey`] reports both.
//!
//! Promises: runs only if the first entry was rejected; reads the log once more, and again for the chain's
//! signatures, in constant memory.
use std::path::Path;

use super::super::entry::control::Start;
use super::super::entry::{Parser, Scheme};
use super::super::keys::ChainKey;
use super::super::note::Verifier;
use super::super::read::first_start;
use super::hashing::SignatureChecker;
use super::kept_entries::KeptEntries;
use super::report::{Finding, FindingKind, VerifyReport};
use super::source::{BatchReader, segments};
use super::{Division, Stop, VerifyOptions, VerifyProgress, continued, walk};
use ringseal_base::storage::Storage;

/// The finding to report instead of `finding`, if only the key is wrong.
pub(super) fn diagnose(
    storage: &dyn Storage,
    dir: &Path,
    options: &VerifyOptions,
    division: Division,
    finding: &Finding,
    progress: &mut dyn FnMut(VerifyProgress<'_>),
) -> Option<Finding> {
    let may_be = matches!(finding.kind, FindingKind::BadControl | FindingKind::Modified);
    if !may_be || finding.place.seq != Some(0) {
        return None;
    }
    let start = first_start(storage, dir).ok()?;
    let named = Verifier::parse(&start.public_key).ok()?;
    let mut is_whole = || is_whole_under(storage, dir, &named, &start, division, progress);
    let detail = if continued::root_of(storage, dir, &options.root, &start) != named {
        is_whole().then(|| other_root(&named, &options.root))?
    } else {
        let key = options.first_key.as_ref().filter(|_| start.scheme == Scheme::Mac)?;
        is_whole().then(|| other_chain(storage, dir, key, &start))??
    };
    Some(Finding::new(FindingKind::WrongKey, finding.place.clone(), detail))
}

/// Whether everything is valid apart from the chain's signatures, which need a key that the log does not name. The age
/// of the log is not checked: an idle log can still be a different log.
fn is_whole_under(
    storage: &dyn Storage,
    dir: &Path,
    named: &Verifier,
    start: &Start,
    division: Division,
    progress: &mut dyn FnMut(VerifyProgress<'_>),
) -> bool {
    let mut options = VerifyOptions::new(named.clone());
    (options.gap_seconds_max, options.gap_entries_max) = (Some(u64::MAX), Some(u64::MAX));
    options.accepted_set_aside = start.continued.as_ref().map(|continued| continued.tree_root);
    let mut report = VerifyReport::new(named.name());
    walk::run(storage, dir, &options, division, &mut report, progress).is_ok()
}

fn other_root(named: &Verifier, given: &Verifier) -> String {
    format!(
        "this log is not signed by this key: the log names {named}, the file holds {given}; either it is another \
         log's key, or the log was replaced by another one"
    )
}

/// The detail if no signature of the log verifies. If a signature verifies, the key is right and lines were changed.
fn other_chain(storage: &dyn Storage, dir: &Path, key: &ChainKey, start: &Start) -> Option<String> {
    let chain = continued::chain_of(start, Some(key))?;
    let mut signatures = Signatures { checker: SignatureChecker { chain, seq: 0 }, count: 0 };
    let none_verifies = signatures.none_verifies(storage, dir).ok()?;
    none_verifies.then(|| {
        format!(
            "this log is not chained by this audit.mac: none of its {} signatures verifies with it, and everything \
             else is valid under {}; either it is another log's, or the log was rewritten without it",
            signatures.count, start.public_key
        )
    })
}

/// A pass over the signatures of a log that is otherwise valid: its numbers are consecutive.
struct Signatures {
    checker: SignatureChecker,
    count: u64,
}

impl Signatures {
    /// Whether no signature verifies; the first signature that verifies ends the pass. The ratchet only advances, so
    /// kept lines of removed entries come first.
    fn none_verifies(&mut self, storage: &dyn Storage, dir: &Path) -> Result<bool, Stop> {
        let files = segments(storage, dir)?;
        let mut source = BatchReader::new(storage, dir, &files);
        let mut next = source.next()?;
        let first_line = next.as_ref().map(|batch| batch.line(0)).unwrap_or_default();
        let first_seq = Parser::new().entry(first_line).map_or(0, |entry| entry.seq);
        let mut kept = KeptEntries::open(storage, dir)?;
        while let Some(seq) = kept.seq.filter(|seq| *seq < first_seq) {
            self.checker.seq = seq;
            if self.verifies(&kept.line) {
                return Ok(false);
            }
            kept.advance()?;
        }
        self.checker.seq = first_seq;
        while let Some(batch) = next {
            if (0..batch.lines.len()).any(|at| self.verifies(batch.line(at))) {
                return Ok(false);
            }
            source.recycle(batch);
            next = source.next()?;
        }
        Ok(true)
    }

    fn verifies(&mut self, line: &[u8]) -> bool {
        self.count += 1;
        self.checker.is_next_valid(line)
    }
}
