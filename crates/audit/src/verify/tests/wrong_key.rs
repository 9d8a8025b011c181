//! A key of another log: distinguished from a changed line, and still reported as tampered.
use super::forger::{Keys, entries_of, forge};
use super::support::{Fixture, LogFiles, small_options, verify_files};
use super::{live_log, pruned_log};
use crate::entry::Parser;
use crate::keys::ChainKey;
use crate::note::Verifier;
use crate::proof::{ProveError, prove_consistency, prove_inclusion};
use crate::store::names::{ACTIVE, parse_sealed};
use crate::verify::{Finding, FindingKind, VerifyOutcome};

fn found(
    fixture: &Fixture,
    files: &LogFiles,
    root: &Verifier,
    first_key: Option<&ChainKey>,
) -> Finding {
    let mut options = fixture.options();
    (options.root, options.first_key) = (root.clone(), first_key.cloned());
    let report = verify_files(files, &options);
    assert_eq!(report.outcome, VerifyOutcome::Tampered, "{report:?}");
    report.first_bad.unwrap()
}

#[test]
fn another_logs_key_is_reported_as_wrong_key() {
    let other = Fixture::with_seed(77);
    for (fixture, file) in
        [(live_log(), "audit-00000000000000000000.jsonl"), (pruned_log().0, "kept.jsonl")]
    {
        let given = [
            (&other.root, None, other.root.to_string()),
            (&other.root, Some(&other.first_key), other.root.to_string()),
            (&other.root, Some(&fixture.first_key), other.root.to_string()),
            (&fixture.root, Some(&other.first_key), "not chained by this audit.mac".to_owned()),
        ];
        for (root, first_key, word) in given {
            let finding = found(&fixture, &fixture.files(), root, first_key);
            assert_eq!(finding.kind, FindingKind::WrongKey, "{finding}");
            assert_eq!((finding.place.file.as_str(), finding.place.line), (file, Some(1)));
            assert!(finding.detail.contains(&fixture.root.to_string()), "{finding}");
            assert!(finding.detail.contains(&word), "{finding}");
        }
    }
}

#[test]
fn another_logs_key_does_not_hide_tampering() {
    let (fixture, other) = (live_log(), Fixture::with_seed(77));
    let mut files = fixture.files();
    let name = "audit-00000000000000000000.jsonl";
    let text = String::from_utf8(files[name].clone()).unwrap();
    files.insert(name.into(), text.replacen("success", "failure", 1).into_bytes());
    for (root, first_key) in [(&other.root, None), (&fixture.root, Some(&other.first_key))] {
        assert_ne!(found(&fixture, &files, root, first_key).kind, FindingKind::WrongKey);
    }
}

/// A log of one epoch, forged with its key and the given key of the chain.
fn one_epoch(chain: Option<&ChainKey>, change: impl Fn(&mut String)) -> (Fixture, LogFiles) {
    let mut fixture = Fixture::new();
    let mut log = fixture.open(small_options());
    fixture.append(&mut log, 20);
    log.close().unwrap();
    let files = fixture.files();
    let mut items = entries_of(&files);
    change(&mut items[0].body);
    let signers = fixture.signers.iter().map(Some).collect();
    let keys = Keys { chain: chain.map(|key| (0, key.clone())), signers };
    let forged = forge(&files, &items, &keys);
    (fixture, forged)
}

#[test]
fn a_changed_first_line_is_modified() {
    let (fixture, forged) = one_epoch(None, |body| {
        *body = body.replace("\"checkpoint_entries\":8", "\"checkpoint_entries\":9");
    });
    let finding = found(&fixture, &forged, &fixture.root, Some(&fixture.first_key));
    assert_eq!((finding.kind, finding.place.line), (FindingKind::Modified, Some(1)), "{finding}");
}

#[test]
fn rechaining_with_another_key_is_wrong_key() {
    let other = Fixture::with_seed(77);
    let (fixture, forged) = one_epoch(Some(&other.first_key), |_| ());
    let finding = found(&fixture, &forged, &fixture.root, Some(&fixture.first_key));
    assert_eq!(finding.kind, FindingKind::WrongKey, "{finding}");
    assert!(finding.detail.contains("the log was rewritten without it"), "{finding}");
}

/// An attacker with the checkpoint keys but without the chain's key cannot turn the finding into `wrong_key`.
#[test]
fn a_rewritten_beginning_of_any_length_is_modified() {
    for (count, rewritten) in [(3000, 1500), (3000, 2999), (20, 10)] {
        let mut fixture = Fixture::new();
        let mut log = fixture.open(small_options());
        fixture.append(&mut log, count);
        log.close().unwrap();
        let files = fixture.files();
        let mut items = entries_of(&files);
        // Every line, control entries as well.
        items[..rewritten].iter_mut().for_each(|item| item.unix_nanos += 1);
        let signers = fixture.signers.iter().map(Some).collect();
        let forged = forge(&files, &items, &Keys { chain: None, signers });
        let lines = |files: &LogFiles| -> Vec<Vec<u8>> {
            let lines = files[ACTIVE].split_inclusive(|byte| *byte == b'\n');
            lines.map(<[u8]>::to_vec).collect()
        };
        // The following lines are unchanged, with valid signatures.
        let (before, after) = (lines(&files), lines(&forged));
        assert!((0..rewritten).all(|at| before[at] != after[at]));
        assert_eq!(before[rewritten..], after[rewritten..]);
        let finding = found(&fixture, &forged, &fixture.root, Some(&fixture.first_key));
        assert_eq!(
            (finding.kind, finding.place.line),
            (FindingKind::Modified, Some(1)),
            "{finding}"
        );
        // With another key than the chain's, no signature verifies, and all were checked.
        let other = Fixture::with_seed(77);
        let finding = found(&fixture, &forged, &fixture.root, Some(&other.first_key));
        assert_eq!(finding.kind, FindingKind::WrongKey, "{finding}");
        assert!(finding.detail.contains(&format!("none of its {} signatures", before.len())));
    }
}

/// Kept lines are checked first, then present entries.
#[test]
fn all_signatures_of_a_pruned_log_are_checked() {
    let (fixture, _) = pruned_log();
    let other = Fixture::with_seed(77);
    let finding = found(&fixture, &fixture.files(), &fixture.root, Some(&other.first_key));
    let files = fixture.files();
    let is_entry = |name: &&String| name.ends_with(".jsonl") && *name != "kept.jsonl";
    let newlines = |bytes: &Vec<u8>| bytes.iter().filter(|byte| **byte == b'\n').count();
    let present: usize = files.keys().filter(is_entry).map(|name| newlines(&files[name])).sum();
    let first = files.keys().filter(is_entry).find_map(|name| parse_sealed(name)).unwrap().0;
    let kept = files["kept.jsonl"].split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let kept = kept.filter(|line| Parser::new().entry(line).unwrap().seq < first).count();
    assert!(kept > 0 && first > 0);
    let count = format!("none of its {} signatures", present + kept);
    assert!(finding.detail.contains(&count), "{finding}, expected {count}");
}

#[test]
fn a_proof_under_another_key_is_wrong_key() {
    use std::path::Path;
    let (other, dir) = (Fixture::with_seed(77), Path::new(super::support::DIR));
    for fixture in [live_log(), pruned_log().0, one_epoch(None, |_| ()).0] {
        let size = verify_files(&fixture.files(), &fixture.options()).tree_size;
        let sealed = (1..=size).rev();
        let sealed = sealed
            .filter(|size| prove_consistency(&fixture.disk, dir, &fixture.root, 1, *size).is_ok());
        let sealed = sealed.max().unwrap();
        let refused = [
            prove_inclusion(&fixture.disk, dir, &other.root, 5).unwrap_err(),
            prove_consistency(&fixture.disk, dir, &other.root, 1, sealed).unwrap_err(),
        ];
        for error in refused {
            let ProveError::WrongKey { named, given } = &error else { panic!("{error}") };
            assert_eq!((&**named, &**given), (&fixture.root, &other.root));
            assert!(error.to_string().contains("not signed by this key"), "{error}");
        }
    }
}
