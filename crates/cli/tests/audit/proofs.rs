//! Proofs and checkpoints away from the log's host.
use std::fs;
use std::io::Write;
use std::process::Stdio;

use ringseal::system::{OsStorage, Storage};
use serde_json::Value;
use std::sync::Arc;

use crate::support::{Fixture, append, expect_exit, ringseal, run};

fn size(fixture: &Fixture) -> u64 {
    let note = fs::read_to_string(fixture.log().join("checkpoint")).expect("a checkpoint");
    note.lines().nth(1).and_then(|size| size.parse().ok()).expect("a size")
}

#[test]
fn the_public_key_alone_proves_an_entry() {
    let fixture = Fixture::with_three_segments();
    for seq in [0, 7, 30, size(&fixture) - 1] {
        let (proof, errors) =
            run(fixture.path(), &["audit", "prove", "inclusion", &seq.to_string(), "log"], 0);
        assert_eq!(errors, "");
        let away = tempfile::tempdir().expect("a temporary directory");
        fs::write(away.path().join("p"), &proof).expect("disk space");
        let key = fixture.path().join("keys/audit.pub");
        fs::copy(key, away.path().join("audit.pub")).expect("disk space");
        let check = ["audit", "check-proof", "p", "--key", "audit.pub"];
        let (out, _) = run(away.path(), &check, 0);
        assert!(out.starts_with(&format!("proven      entry {seq} is in the log")), "{out}");
        assert!(out.contains("a key 2 changes after that of audit.pub"), "{out}");
        let entry: Value =
            serde_json::from_str(out.lines().last().expect("an entry")).expect("JSON");
        assert_eq!(entry["seq"], seq);
        // A line other than the proven one.
        let line = out.lines().last().expect("an entry").replace("success", "failure");
        fs::write(away.path().join("line"), line + "\n").expect("disk space");
        if entry["outcome"] == "success" {
            run(away.path(), &[&check[..], &["--entry", "line"]].concat(), 1);
        }
        // A changed proof.
        let at = proof.find("index ").expect("a number") + 6;
        let other = format!("{}{}{}", &proof[..at], seq + 1, &proof[at + seq.to_string().len()..]);
        fs::write(away.path().join("p"), other).expect("disk space");
        let (out, errors) = run(away.path(), &check, 1);
        assert_eq!(out, "");
        assert!(errors.contains("not a valid proof"), "{errors}");
    }
}

#[test]
fn wrong_keys_and_malformed_proofs_are_rejected() {
    let fixture = Fixture::with_three_segments();
    run(fixture.path(), &["audit", "keygen", "--dir", "other", "--origin", "shop/audit"], 0);
    let (proof, _) = run(fixture.path(), &["audit", "prove", "inclusion", "7", "log"], 0);
    fs::write(fixture.path().join("p"), &proof).expect("disk space");
    run(fixture.path(), &["audit", "check-proof", "p", "--key", "other/audit.pub"], 1);
    for garbage in ["", "hello\n", &proof[..proof.len() / 2], &proof[1..]] {
        fs::write(fixture.path().join("p"), garbage).expect("disk space");
        run(fixture.path(), &["audit", "check-proof", "p", "--key", "keys/audit.pub"], 2);
    }
    run(fixture.path(), &["audit", "check-proof", "nowhere", "--key", "keys/audit.pub"], 2);
    let beyond = (size(&fixture) + 1).to_string();
    let (_, errors) = run(fixture.path(), &["audit", "prove", "inclusion", &beyond, "log"], 2);
    let last = size(&fixture) - 1;
    let expected =
        format!("no entry {beyond}: the log has entries 0 to {last}, sealed up to {last}");
    assert!(errors.contains(&expected), "{errors}");
    fs::write(fixture.path().join("p"), proof.replace('\n', "\r\n")).expect("disk space");
    let (_, errors) =
        run(fixture.path(), &["audit", "check-proof", "p", "--key", "keys/audit.pub"], 2);
    assert!(errors.contains("line 1 of the proof ends with a carriage return"), "{errors}");
}

#[test]
fn a_proof_is_read_from_standard_input() {
    let fixture = Fixture::with_three_segments();
    let (proof, _) = run(fixture.path(), &["audit", "prove", "inclusion", "7", "log"], 0);
    let mut check =
        ringseal(fixture.path(), &["audit", "check-proof", "-", "--key", "keys/audit.pub"]);
    check.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut check = check.spawn().expect("the binary runs");
    check.stdin.take().expect("a pipe").write_all(proof.as_bytes()).expect("a reader");
    let (out, _) = expect_exit(&check.wait_with_output().expect("it ends"), 0);
    assert!(out.starts_with("proven"), "{out}");
}

#[test]
fn a_pruned_entry_is_proven_with_its_line() {
    let fixture = Fixture::with_three_segments();
    let (line, _) =
        run(fixture.path(), &["audit", "show", "log", "--from", "7", "--to", "7", "--json"], 0);
    fixture.write(|log| assert!(log.prune(25).expect("a disk") > 0));
    let (proof, _) = run(fixture.path(), &["audit", "prove", "inclusion", "7", "log"], 0);
    fs::write(fixture.path().join("p"), proof).expect("disk space");
    fs::write(fixture.path().join("line"), &line).expect("disk space");
    let check = ["audit", "check-proof", "p", "--key", "keys/audit.pub"];
    let (_, errors) = run(fixture.path(), &check, 2);
    assert!(errors.contains("--entry"), "{errors}");
    let (out, _) = run(fixture.path(), &[&check[..], &["--entry", "line"]].concat(), 0);
    assert!(out.ends_with(&line), "{out}");
    fs::write(fixture.path().join("line"), line.replace("u-", "v-")).expect("disk space");
    run(fixture.path(), &[&check[..], &["--entry", "line"]].concat(), 1);
}

#[test]
fn an_append_only_log_has_a_consistency_proof() {
    let fixture = Fixture::with_three_segments();
    let old = size(&fixture).to_string();
    fixture.write(|log| append(log, 9));
    let new = size(&fixture).to_string();
    let (proof, _) = run(fixture.path(), &["audit", "prove", "consistency", &old, &new, "log"], 0);
    fs::write(fixture.path().join("p"), &proof).expect("disk space");
    let check = ["audit", "check-proof", "p", "--key", "keys/audit.pub"];
    let (out, _) = run(fixture.path(), &check, 0);
    assert!(
        out.contains("has only grown") && out.contains(&format!("from        {old} ")),
        "{out}"
    );
    run(fixture.path(), &[&check[..], &["--entry", "p"]].concat(), 2);
    let other = proof.replacen(&format!("old {old}"), "old 7", 1);
    fs::write(fixture.path().join("p"), other).expect("disk space");
    run(fixture.path(), &check, 1);
}

#[test]
fn only_its_own_log_replaces_an_anchor() {
    let fixture = Fixture::with_three_segments();
    let keep = ["audit", "checkpoint", "log", "--key", "keys/audit.pub", "--out", "kept"];
    let (out, errors) = run(fixture.path(), &keep, 0);
    assert_eq!(out, "");
    assert!(errors.contains("signature   good"), "{errors}");
    fixture.verify(&["--known-checkpoint", "kept"], 0);
    let first = fs::read(fixture.path().join("kept")).expect("kept");
    fixture.write(|log| append(log, 9));
    let (note, errors) = run(fixture.path(), &["audit", "checkpoint", "log"], 0);
    let shown_size = format!("size        {} entries, and 0 after it", size(&fixture));
    assert!(errors.contains(&shown_size), "{errors}");
    run(fixture.path(), &keep, 0);
    assert_eq!(fs::read_to_string(fixture.path().join("kept")).expect("kept"), note);
    assert_ne!(first, note.as_bytes());
    // Another log of the same name.
    let other = Fixture::with_three_segments();
    other.write(|log| append(log, 20));
    let kept = fixture.path().join("kept");
    let out = kept.to_str().expect("UTF-8");
    let (_, errors) = run(other.path(), &["audit", "checkpoint", "log", "--out", out], 1);
    assert!(errors.contains("REWRITTEN"), "{errors}");
    let other_key = ["audit", "checkpoint", "log", "--key"];
    let key = fixture.path().join("keys/audit.pub");
    let key = key.to_str().expect("UTF-8");
    run(other.path(), &[&other_key[..], &[key]].concat(), 1);
    assert_eq!(fs::read_to_string(&kept).expect("kept"), note);
}

#[test]
fn keygen_never_overwrites() {
    let fixture = Fixture::new();
    let before = fs::read(fixture.path().join("keys/audit.pub")).expect("a key");
    let (_, errors) = run(fixture.path(), &["audit", "keygen", "--dir", "keys"], 2);
    assert!(errors.contains("audit.pub"), "{errors}");
    // Also if only one of the files is missing.
    for missing in ["keys/audit.pub", "keys/audit.mac", "keys/keys/chain.key"] {
        fs::rename(fixture.path().join(missing), fixture.path().join("aside"))
            .expect("it was there");
        run(fixture.path(), &["audit", "keygen", "--dir", "keys"], 2);
        fs::rename(fixture.path().join("aside"), fixture.path().join(missing)).expect("disk space");
    }
    assert_eq!(fs::read(fixture.path().join("keys/audit.pub")).expect("a key"), before);
    run(fixture.path(), &["audit", "keygen", "--dir", "new", "--origin", "with space"], 2);
    assert!(!fixture.path().join("new").exists());
    let (out, _) = run(fixture.path(), &["audit", "keygen", "--dir", "new"], 0);
    assert!(out.contains("TAKE IT OFF THIS HOST"), "{out}");
    for secret in ["new/audit.mac", "new/keys/epoch.key", "new/keys/chain.key"] {
        let stat = OsStorage.stat(&fixture.path().join(secret)).expect("a file");
        assert!(stat.mode.is_none_or(|mode| mode == 0o600), "{secret}: {stat:?}");
    }
}

#[test]
fn fsck_reports_damage_and_rebuilds_derived_files() {
    let fixture = Fixture::with_three_segments();
    let fsck = |arguments: &[&str], code| {
        run(fixture.path(), &[&["audit", "fsck", "log"], arguments].concat(), code)
    };
    assert!(fsck(&[], 0).0.ends_with("no damage found\n"));
    let tiles = fixture.log().join("tile");
    let removed = tiles.join("0/000.p");
    fs::remove_dir_all(&removed).expect("a tile");
    fs::write(fixture.log().join("checkpoint"), "an old one\n").expect("disk space");
    let (words, _) = fsck(&[], 1);
    assert!(words.contains("missing") && words.contains("--repair rebuilds 2 of these"), "{words}");
    let found: Value = serde_json::from_str(&fsck(&["--json"], 1).0).expect("JSON");
    let kinds: Vec<_> = found["findings"].as_array().expect("a list").iter().collect();
    assert_eq!(kinds.iter().filter(|finding| finding["kind"] == "tile").count(), 1, "{found}");
    assert!(!removed.exists(), "nothing is rebuilt without --repair");
    let (words, _) = fsck(&["--repair"], 0);
    assert!(words.contains("(repaired)"), "{words}");
    fsck(&[], 0);
    fixture.verify(&["--mac", "keys/audit.mac"], 0);
    // Entries are never changed.
    let mut lines = fixture.lines("audit.log.jsonl");
    lines.swap(3, 4);
    fixture.put_lines("audit.log.jsonl", &lines);
    let found: Value = serde_json::from_str(&fsck(&["--repair", "--json"], 1).0).expect("JSON");
    let damaged = |finding: &&Value| finding["kind"] == "damaged" && finding["repaired"] == false;
    assert!(found["findings"].as_array().expect("a list").iter().any(|f| damaged(&f)), "{found}");
    assert_eq!(fixture.lines("audit.log.jsonl"), lines);
}

#[test]
fn fsck_refuses_logs_in_use_and_empty_directories() {
    let fixture = Fixture::with_three_segments();
    let storage: Arc<dyn Storage> = Arc::new(OsStorage);
    let lock = storage.lock(&fixture.log().join("audit.lock"), 0o600).expect("a free lock");
    let (_, errors) = run(fixture.path(), &["audit", "fsck", "log"], 2);
    assert!(errors.contains("another process"), "{errors}");
    drop(lock);
    fs::create_dir(fixture.path().join("empty")).expect("disk space");
    run(fixture.path(), &["audit", "fsck", "empty"], 2);
    assert_eq!(fs::read_dir(fixture.path().join("empty")).expect("a directory").count(), 0);
}
