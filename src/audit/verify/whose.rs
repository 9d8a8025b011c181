//! Whether a log that the given keys do not fit is whole under keys of its own.
//!
//! Logs have the same name unless somebody chose one, so keys are easily mixed up; and somebody may have put a log of
//! his own where another one was. Nothing in the files tells one from the other: [`Kind::WrongKey`] says both.
//!
//! Promises: asked only when the first entry was refused; reads the log once more, in flat memory.
use std::path::Path;

use super::super::chain::Chain;
use super::super::entry::control::Start;
use super::super::entry::{Parser, Scheme};
use super::super::keys::ChainKey;
use super::super::note::Verifier;
use super::super::read::first_start;
use super::hashing::Checker;
use super::kept::KEPT;
use super::report::{Finding, Kind, Report};
use super::source::{Source, read_lines, segments};
use super::{Options, Progress, walk};
use crate::storage::Storage;

/// The finding to tell instead of `finding`, if nothing is wrong but the key.
pub(super) fn look(
    storage: &dyn Storage,
    dir: &Path,
    options: &Options,
    finding: &Finding,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Option<Finding> {
    let may_be = matches!(finding.kind, Kind::BadControl | Kind::Modified);
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
    Some(Finding::new(Kind::WrongKey, finding.place.clone(), detail))
}

/// Whether everything fits together but the chain's signatures, which take a key that the log does not name. Its age is
/// not asked: a log that was left alone is no less another one.
fn is_whole_under(
    storage: &dyn Storage,
    dir: &Path,
    named: &Verifier,
    progress: &mut dyn FnMut(Progress<'_>),
) -> bool {
    let mut options = Options::new(named.clone());
    (options.gap_seconds_max, options.gap_entries_max) = (Some(u64::MAX), Some(u64::MAX));
    walk::run(storage, dir, &options, &mut Report::new(named.name()), progress).is_ok()
}

fn other_root(named: &Verifier, given: &Verifier) -> String {
    format!(
        "this log is not signed by this key: the log names {named}, the file holds {given}; either it is another \
         log's key, or the log was replaced by another one"
    )
}

/// That none of the first signatures holds. One that does is of this chain: then a line was changed.
fn other_chain(storage: &dyn Storage, dir: &Path, key: &ChainKey, start: &Start) -> Option<String> {
    let mut parser = Parser::new();
    let mut checker = Checker { chain: Chain::with_key(key, 0, start.ratchet), seq: 0 };
    // The log is whole: numbers grow, and not by leaps.
    let mut holds = |line: &[u8]| {
        parser.entry(line).is_ok_and(|entry| {
            checker.seq = entry.seq;
            checker.is_right(line)
        })
    };
    let kept = read_lines(storage, dir, KEPT).ok()?;
    let files = segments(storage, dir).ok()?;
    let batch = Source::new(storage, dir, &files).next().ok()??;
    let is_pruned = files.first().is_some_and(|file| file.first_seq.is_some_and(|seq| seq > 0));
    let (count, any_holds) = if is_pruned {
        (kept.len(), kept.iter().any(|line| holds(line)))
    } else {
        let count = batch.lines.len();
        (count, (0..count).any(|at| holds(batch.line(at))))
    };
    (!any_holds).then(|| {
        format!(
            "this log is not chained by this audit.mac: of the first {count} signatures none holds with it, and \
             everything else is whole under {}; either it is another log's, or somebody without it wrote the log anew",
            start.public_key
        )
    })
}
