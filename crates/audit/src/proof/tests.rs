//! Proofs from a log that the real writer wrote.
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::merkle::leaf_hash;
use crate::verify::tests::support::{DIR, Fixture, disk_of, small_options};
use crate::verify::tests::{live_log, pruned_log};

fn dir() -> &'static Path {
    Path::new(DIR)
}

/// Sizes that have a checkpoint.
fn sizes(fixture: &Fixture) -> Vec<u64> {
    let text = String::from_utf8(fixture.files()["checkpoints"].clone()).unwrap();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

#[test]
fn exactly_the_sealed_entries_can_be_proven() {
    let fixture = live_log();
    let size = *sizes(&fixture).last().unwrap();
    for seq in 0..size {
        let proof = prove_inclusion(&fixture.disk, dir(), &fixture.root, seq).unwrap();
        let text = proof.to_text();
        assert!(text.starts_with("c2sp.org/tlog-proof@v1\nextra "));
        let read = InclusionProof::parse(text.as_bytes()).unwrap();
        assert_eq!(read, proof);
        assert_eq!(read.verify(&fixture.root, None).unwrap().size, size);
        assert_eq!(proof.epochs.len(), 2, "three epochs");
    }
    let refused = prove_inclusion(&fixture.disk, dir(), &fixture.root, size).unwrap_err();
    assert!(matches!(refused, ProveError::NoCheckpoint { .. }), "{refused}");
}

#[test]
fn any_two_checkpoints_have_a_consistency_proof() {
    let fixture = live_log();
    let sizes = sizes(&fixture);
    for new in &sizes {
        for old in (0..=*new).filter(|old| old % 7 == 0 || sizes.contains(old)) {
            let proof = prove_consistency(&fixture.disk, dir(), &fixture.root, old, *new).unwrap();
            let read = ConsistencyProof::parse(proof.to_text().as_bytes()).unwrap();
            assert_eq!(read, proof);
            assert_eq!(read.verify(&fixture.root).unwrap().size, *new);
        }
    }
    let refused =
        prove_consistency(&fixture.disk, dir(), &fixture.root, 1, sizes[0] + 1).unwrap_err();
    assert!(matches!(refused, ProveError::NoCheckpoint { .. }), "{refused}");
    let refused = prove_consistency(&fixture.disk, dir(), &fixture.root, 9, 8).unwrap_err();
    assert!(matches!(refused, ProveError::Tile(_)), "{refused}");
}

#[test]
fn a_pruned_entry_is_proven_with_its_line() {
    let (fixture, before) = pruned_log();
    let first: Vec<u8> =
        before.iter().find(|(name, _)| name.starts_with("audit-0")).unwrap().1.clone();
    let lines: Vec<&[u8]> = first.split(|byte| *byte == b'\n').collect();
    let proof = prove_inclusion(&fixture.disk, dir(), &fixture.root, 5).unwrap();
    assert_eq!(proof.line, b"");
    let read = InclusionProof::parse(proof.to_text().as_bytes()).unwrap();
    assert_eq!(read, proof);
    assert_eq!(read.verify(&fixture.root, None), Err(ProofFileError::NoEntry));
    read.verify(&fixture.root, Some(lines[5])).unwrap();
    assert!(read.verify(&fixture.root, Some(lines[6])).is_err());
}

#[test]
fn a_proof_verifies_only_its_entry_and_key() {
    let fixture = live_log();
    let proof = prove_inclusion(&fixture.disk, dir(), &fixture.root, 30).unwrap();
    let stranger = crate::note::Signer::new(fixture.root.name(), &[7; 32]).unwrap();
    let refused = proof.verify(stranger.verifier(), None).unwrap_err();
    assert!(matches!(refused, ProofFileError::Epoch { number: 1, .. }), "{refused}");
    let mut other = proof.clone();
    other.index = 31;
    assert!(matches!(other.verify(&fixture.root, None), Err(ProofFileError::Entry { .. })));
    let mut other = proof.clone();
    other.epochs.pop();
    assert!(matches!(other.verify(&fixture.root, None), Err(ProofFileError::Checkpoint(_))));
    let mut other = proof.clone();
    other.path[0][0] ^= 1;
    assert_eq!(other.verify(&fixture.root, None), Err(ProofFileError::Proof(ProofError::Root)));
    let text = String::from_utf8(other.line.clone()).unwrap();
    other.line = text.replace("success", "failure").into_bytes();
    assert_ne!(leaf_hash(&other.line), leaf_hash(&proof.line));
    assert!(other.verify(&fixture.root, None).is_err());
    assert!(proof.verify(&fixture.root, Some(b"{}")).is_err());
}

#[test]
fn a_changed_log_yields_no_proof() {
    let fixture = live_log();
    let mut files = fixture.files();
    let name = files.keys().find(|name| name.starts_with("audit-0")).unwrap().clone();
    let text = String::from_utf8(files[&name].clone()).unwrap();
    files.insert(name, text.replace("success", "failure").into_bytes());
    let refused = prove_inclusion(&disk_of(&files), dir(), &fixture.root, 5).unwrap_err();
    assert!(matches!(refused, ProveError::Inconsistent(_)), "{refused}");
    assert!(Fixture::new().open(small_options()).origin() == fixture.root.name());
}

#[test]
fn malformed_proofs_are_rejected_with_their_line() {
    let note = "\n\u{2014} x AAAA\n";
    let line = |text: &str| match InclusionProof::parse(text.as_bytes()).unwrap_err() {
        ProofFileError::Line { number, .. } => number,
        other => panic!("{text:?}: {other}"),
    };
    assert_eq!(line(""), 1);
    assert_eq!(line("c2sp.org/tlog-proof@v2\n"), 1);
    assert_eq!(line("c2sp.org/tlog-proof@v1\n"), 2);
    assert_eq!(line("c2sp.org/tlog-proof@v1\nindex 01\n\nx"), 2);
    assert_eq!(line("c2sp.org/tlog-proof@v1\nextra AA\nindex 1\n\nx"), 2);
    assert_eq!(line("c2sp.org/tlog-proof@v1\nextra \nindex 1\n\nx"), 2);
    assert_eq!(line("c2sp.org/tlog-proof@v1\nindex 1\nAAAA\n\nx"), 3);
    assert_eq!(line("c2sp.org/tlog-proof@v1\nindex 1"), 2);
    let parsed =
        InclusionProof::parse(format!("c2sp.org/tlog-proof@v1\nindex 1\n\n{note}").as_bytes());
    assert_eq!(parsed.unwrap().checkpoint, note);
}

#[test]
fn a_proof_copied_with_crlf_is_recognised() {
    let fixture = live_log();
    let one = prove_inclusion(&fixture.disk, dir(), &fixture.root, 30).unwrap().to_text();
    let error = InclusionProof::parse(one.replace('\n', "\r\n").as_bytes()).unwrap_err();
    assert_eq!(error, ProofFileError::CarriageReturn { number: 1 });
    assert!(error.to_string().contains("carriage return"), "{error}");
    let error = InclusionProof::parse(one.replacen("index 30\n", "index 30\r\n", 1).as_bytes());
    assert_eq!(error, Err(ProofFileError::CarriageReturn { number: 3 }));
    let two =
        prove_consistency(&fixture.disk, dir(), &fixture.root, 9, sizes(&fixture)[3]).unwrap();
    let two = two.to_text().replace('\n', "\r\n");
    let error = ConsistencyProof::parse(two.as_bytes());
    assert_eq!(error, Err(ProofFileError::CarriageReturn { number: 1 }));
}

#[test]
fn a_missing_entry_error_names_the_available_range() {
    let fixture = live_log();
    let (size, sealed) = (live_size(&fixture), *sizes(&fixture).last().unwrap());
    assert!(size > sealed, "a tail that no checkpoint covers");
    let refused = |seq| prove_inclusion(&fixture.disk, dir(), &fixture.root, seq).unwrap_err();
    for seq in [size, size + 1, 99_999, u64::MAX] {
        let expected = format!(
            "no entry {seq}: the log has entries 0 to {}, sealed up to {}",
            size - 1,
            sealed - 1
        );
        assert_eq!(refused(seq).to_string(), expected);
    }
    for seq in sealed..size {
        assert!(matches!(refused(seq), ProveError::NoCheckpoint { .. }), "{seq}");
    }
    // The newest segment is still empty.
    let mut files = fixture.files();
    files.insert("audit.log.jsonl".into(), Vec::new());
    let refused = prove_inclusion(&disk_of(&files), dir(), &fixture.root, 99_999).unwrap_err();
    assert!(matches!(refused, ProveError::NoEntry { last_seq: Some(last), .. } if last < sealed));
}

/// The number of entries, by counting lines.
fn live_size(fixture: &Fixture) -> u64 {
    let segments = fixture
        .files()
        .into_iter()
        .filter(|(name, _)| name.starts_with("audit-0") || name == "audit.log.jsonl");
    segments.map(|(_, bytes)| bytes.iter().filter(|byte| **byte == b'\n').count() as u64).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// A flipped bit gives a malformed proof, a wrong proof, or a proof of the same claim. (The statement of a
    /// change of keys is signed; the chain's signatures at the end of its line are not checked.)
    #[test]
    fn no_bit_flip_in_a_proof_is_accepted(at in any::<prop::sample::Index>(), bit in 0u8..8) {
        thread_local! {
            static PROOF: (Fixture, Vec<u8>, Vec<u8>) = {
                let fixture = live_log();
                let one = prove_inclusion(&fixture.disk, dir(), &fixture.root, 30).unwrap();
                let two = prove_consistency(&fixture.disk, dir(), &fixture.root, 9, sizes(&fixture)[3]);
                let (one, two) = (one.to_text(), two.unwrap().to_text());
                (fixture, one.into_bytes(), two.into_bytes())
            };
        }
        PROOF.with(|(fixture, one, two)| {
            let mut bytes = one.clone();
            let place = at.index(bytes.len());
            bytes[place] ^= 1 << bit;
            if let Ok(proof) = InclusionProof::parse(&bytes)
                && proof.verify(&fixture.root, None).is_ok()
            {
                let whole = InclusionProof::parse(one).unwrap();
                let claim = |proof: InclusionProof| (proof.line, proof.index, proof.checkpoint);
                assert_eq!(claim(proof), claim(whole), "byte {place}");
            }
            let mut bytes = two.clone();
            let place = at.index(bytes.len());
            bytes[place] ^= 1 << bit;
            if let Ok(proof) = ConsistencyProof::parse(&bytes)
                && proof.verify(&fixture.root).is_ok()
            {
                let whole = ConsistencyProof::parse(two).unwrap();
                let claim = |p: ConsistencyProof| (p.old_size, p.old_root, p.checkpoint);
                assert_eq!(claim(proof), claim(whole), "byte {place}");
            }
        });
    }
}
