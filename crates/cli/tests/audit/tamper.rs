//! `verify` on changed logs, and on logs that it cannot check.
use std::fs;

use crate::support::{Fixture, append, copy, run};

const ACTIVE: &str = "audit.log.jsonl";

/// The name of the sealed segment with this index.
fn sealed(fixture: &Fixture, index: usize) -> String {
    let mut names: Vec<String> = fs::read_dir(fixture.log())
        .expect("a directory")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .filter(|name| name.starts_with("audit-0"))
        .collect();
    names.sort_unstable();
    names.swap_remove(index)
}

/// Verifies as text and as JSON, with and without the chain's key: tampered, at this place.
#[track_caller]
fn assert_found(fixture: &Fixture, kind: &str, file: &str, line: u64, seq: u64) {
    let found = fixture.verify_json(&["--mac", "keys/audit.mac"], 1);
    let first = &found["first_bad"];
    assert_eq!(
        (found["outcome"].as_str(), first["kind"].as_str(), first["file"].as_str()),
        (Some("tampered"), Some(kind), Some(file)),
        "{found}"
    );
    assert_eq!((first["line"].as_u64(), first["seq"].as_u64()), (Some(line), Some(seq)), "{found}");
    let (words, _) = fixture.verify(&["--mac", "keys/audit.mac"], 1);
    assert!(words.starts_with(&format!("TAMPERED    the first bad record: {kind}\n")), "{words}");
    let place = format!("where       file {file}, line {line}, seq {seq}");
    assert!(words.contains(&place), "{place} in {words}");
    // Checkpoints reveal it as well.
    assert_eq!(fixture.verify_json(&[], 1)["outcome"], "tampered");
}

#[test]
fn an_untouched_log_is_intact() {
    let fixture = Fixture::with_three_segments();
    let (words, errors) = fixture.verify(&["--mac", "keys/audit.mac"], 0);
    assert!(words.starts_with("intact "), "{words}");
    assert!(words.contains("every entry's signature was checked"), "{words}");
    assert_eq!(errors, "");
    let (words, _) = fixture.verify(&[], 0);
    assert!(words.contains("single signatures were not checked"), "{words}");
    let report = fixture.verify_json(&[], 0);
    assert_eq!((&report["outcome"], &report["keyless"]), (&"intact".into(), &false.into()));
    assert_eq!((&report["segments"], &report["epochs"]), (&3.into(), &3.into()));
}

#[test]
fn one_changed_byte_is_found_anywhere() {
    let cases = [
        (0, 3, "success", "modified"),
        (1, 7, "u-", "modified"),
        (2, 5, "_signature\":\"m1:", "modified"),
        (0, 9, "T", "malformed"),
        (1, 9, "actor", "modified"),
        (2, 7, "event_type", "malformed"),
    ];
    for (index, line, place, kind) in cases {
        let fixture = Fixture::with_three_segments();
        let file = if index < 2 { sealed(&fixture, index) } else { ACTIVE.to_owned() };
        let mut lines = fixture.lines(&file);
        let text = String::from_utf8(lines[line].clone()).expect("UTF-8");
        let number = text["{\"seq\":".len()..].split(',').next().and_then(|seq| seq.parse().ok());
        // The last letter or digit of the pattern.
        let at = text.find(place).expect("it is there") + place.len() - 1;
        let at = at + lines[line][at..].iter().position(u8::is_ascii_alphanumeric).expect("one");
        lines[line][at] = if lines[line][at] == b'a' { b'b' } else { b'a' };
        fixture.put_lines(&file, &lines);
        assert_found(&fixture, kind, &file, line as u64 + 1, number.expect("a number"));
    }
}

#[test]
fn two_swapped_lines_are_found() {
    let fixture = Fixture::with_three_segments();
    let mut lines = fixture.lines(&sealed(&fixture, 0));
    lines.swap(4, 5);
    fixture.put_lines(&sealed(&fixture, 0), &lines);
    assert_found(&fixture, "reordered", &sealed(&fixture, 0), 5, 4);
}

#[test]
fn deleted_and_duplicated_lines_are_found() {
    let fixture = Fixture::with_three_segments();
    let file = sealed(&fixture, 0);
    let whole = fixture.lines(&file);
    let mut lines = whole.clone();
    lines.remove(6);
    fixture.put_lines(&file, &lines);
    assert_found(&fixture, "deleted", &file, 7, 6);
    let mut lines = whole.clone();
    lines.insert(6, whole[5].clone());
    fixture.put_lines(&file, &lines);
    assert_found(&fixture, "duplicated", &file, 7, 6);
}

#[test]
fn a_cut_tail_is_found() {
    let fixture = Fixture::with_three_segments();
    let mut lines = fixture.lines(ACTIVE);
    lines.truncate(lines.len() - 3);
    fixture.put_lines(ACTIVE, &lines);
    let found = fixture.verify_json(&[], 1);
    assert_eq!(found["first_bad"]["kind"], "tail_truncated", "{found}");
    let (words, _) = fixture.verify(&[], 1);
    assert!(words.starts_with("TAMPERED"), "{words}");
}

#[test]
fn a_missing_segment_is_found() {
    let fixture = Fixture::with_three_segments();
    let file = sealed(&fixture, 1);
    fs::remove_file(fixture.log().join(&file)).expect("it was there");
    let found = fixture.verify_json(&[], 1);
    assert_eq!(found["first_bad"]["kind"], "segment_missing", "{found}");
}

#[test]
fn a_known_checkpoint_reveals_a_restored_snapshot() {
    let fixture = Fixture::with_three_segments();
    let snapshot = fixture.copy_log("snapshot");
    fixture.write(|log| append(log, 5));
    run(fixture.path(), &["audit", "checkpoint", "log", "--out", "kept"], 0);
    fixture.verify(&["--known-checkpoint", "kept"], 0);
    fs::remove_dir_all(fixture.log()).expect("a log");
    copy(&snapshot, &fixture.log());
    // It was closed orderly: the log itself is valid.
    fixture.verify(&[], 0);
    let found = fixture.verify_json(&["--known-checkpoint", "kept"], 1);
    assert_eq!(found["first_bad"]["kind"], "rolled_back", "{found}");
    let (words, _) = fixture.verify(&["--known-checkpoint", "kept"], 1);
    assert!(words.contains("rolled_back"), "{words}");
    // The kept checkpoint is not replaced by an older one.
    let kept = fs::read(fixture.path().join("kept")).expect("a checkpoint");
    let (_, errors) = run(fixture.path(), &["audit", "checkpoint", "log", "--out", "kept"], 1);
    assert!(errors.contains("ROLLED BACK"), "{errors}");
    assert_eq!(fs::read(fixture.path().join("kept")).expect("still there"), kept);
}

#[test]
fn too_long_without_checkpoints_is_a_warning() {
    let fixture = Fixture::new();
    fixture.write(|log| append(log, 5));
    // The log before its end.
    let mut lines = fixture.lines(ACTIVE);
    let is_end = |line: &Vec<u8>| String::from_utf8_lossy(line).contains("ringseal.stop");
    assert!(lines.pop().as_ref().is_some_and(is_end), "an orderly end");
    let checkpoints = fs::read_to_string(fixture.log().join("checkpoints")).expect("checkpoints");
    let first = checkpoints.split_inclusive("\n\n").take(2).collect::<String>();
    fs::write(fixture.log().join("checkpoints"), &first).expect("disk space");
    fs::write(fixture.log().join("checkpoint"), first.trim_end_matches('\n').to_owned() + "\n")
        .expect("disk space");
    fixture.put_lines(ACTIVE, &lines);
    let now = fixture.verify_json(&[], 0);
    assert!(now["entries_unsealed"].as_u64() > Some(0), "{now}");
    let later = fixture.verify_json(&["--now", "2200-01-01"], 0);
    assert_eq!(later["warnings"][0]["kind"], "stale", "{later}");
    let (words, _) = fixture.verify(&["--now", "2200-01-01", "--strict"], 1);
    assert!(words.starts_with("intact ") && words.contains("\nwarning     "), "{words}");
    let (words, _) = fixture.verify(&[], 0);
    assert!(words.contains("\nunproven    ") && words.contains("without --mac"), "{words}");
    let (words, _) = fixture.verify(&["--mac", "keys/audit.mac"], 0);
    assert!(!words.contains("\nunproven    "), "{words}");
    fixture.verify(&["--max-gap-entries", "1"], 0);
    fixture.verify(&["--max-gap-entries", "1", "--strict"], 1);
    fixture.verify(&["--max-gap", "10m", "--strict"], 0);
}

#[test]
fn an_unreadable_log_is_neither_intact_nor_tampered() {
    let fixture = Fixture::with_three_segments();
    let cases: [&[&str]; 6] = [
        &["audit", "verify", "nowhere", "--key", "keys/audit.pub"],
        &["audit", "verify", "nowhere", "--key", "keys/audit.pub", "--json"],
        &["audit", "verify", "log", "--key", "nowhere"],
        &["audit", "verify", "log", "--key", "keys/audit.mac"],
        &["audit", "verify", "log", "--key", "keys/audit.pub", "--mac", "keys/audit.pub"],
        &["audit", "verify", "log", "--key", "keys/audit.pub", "--known-checkpoint", "nowhere"],
    ];
    for arguments in cases {
        let (out, errors) = run(fixture.path(), arguments, 2);
        assert!(errors.starts_with("ringseal: "), "{errors}");
        match arguments.contains(&"--json") {
            true => {
                let report: serde_json::Value = serde_json::from_str(&out).expect("JSON");
                assert_eq!(report["outcome"], "unchecked");
            }
            false => assert_eq!(out, ""),
        }
    }
}

#[test]
fn another_logs_key_is_reported_by_every_command() {
    let fixture = Fixture::with_three_segments();
    run(fixture.path(), &["audit", "keygen", "--dir", "other", "--origin", "shop/audit"], 0);
    let key_of = |dir: &str| {
        let text = fs::read_to_string(fixture.path().join(dir).join("audit.pub")).expect("a key");
        text.trim_end().to_owned()
    };
    let (named, given) = (key_of("keys"), key_of("other"));
    let other = ["--key", "other/audit.pub"];
    let cases: [&[&str]; 6] = [
        &["audit", "verify", "log"],
        &["audit", "verify", "log", "--mac", "other/audit.mac"],
        &["audit", "verify", "log", "--json"],
        &["audit", "checkpoint", "log"],
        &["audit", "prove", "inclusion", "5", "log"],
        &["audit", "prove", "consistency", "1", "SIZE", "log"],
    ];
    let checkpoint = fs::read_to_string(fixture.log().join("checkpoint")).expect("a checkpoint");
    let size = checkpoint.lines().nth(1).expect("a size");
    for arguments in cases {
        let all: Vec<&str> = arguments.iter().chain(&other).copied().collect();
        let all: Vec<&str> =
            all.iter().map(|word| if *word == "SIZE" { size } else { word }).collect();
        let (out, errors) = run(fixture.path(), &all, 1);
        let output = out + &errors;
        let words = format!(
            "this log is not signed by this key: the log names {named}, the file holds {given}; \
             either it is another log's key, or the log was replaced by another one"
        );
        assert!(output.contains(&words), "{output}");
        assert!(!output.contains("contradicts itself") && !output.contains("TAMPERED"), "{output}");
    }
    let found = fixture.verify_json(&["--mac", "other/audit.mac"], 1);
    assert_eq!(
        (&found["outcome"], &found["first_bad"]["kind"]),
        (&"tampered".into(), &"wrong_key".into()),
        "{found}"
    );
    let (words, _) = fixture.verify(&["--mac", "other/audit.mac"], 1);
    assert!(words.starts_with("WRONG KEY "), "{words}");
    assert!(!words.contains("was checked") && !words.contains("before it"), "{words}");
    assert!(words.contains("not chained by this audit.mac"), "{words}");
}

#[test]
fn report_counts_agree_with_the_reported_place() {
    let fixture = Fixture::with_three_segments();
    let file = sealed(&fixture, 1);
    let mut lines = fixture.lines(&file);
    lines.remove(7);
    let before = fixture.lines(&sealed(&fixture, 0)).len() + 7;
    fixture.put_lines(&file, &lines);
    let found = fixture.verify_json(&[], 1);
    assert_eq!(found["first_bad"]["seq"].as_u64(), Some(before as u64), "{found}");
    assert_eq!(found["entries"].as_u64(), Some(before as u64), "{found}");
    let (words, _) = fixture.verify(&[], 1);
    assert!(words.contains(&format!("before it   {before} entries, ")), "{words}");
    assert!(words.contains("; 1 whole segment\n"), "{words}");
    let (out, _) = run(fixture.path(), &["audit", "fsck", "log"], 1);
    assert!(out.starts_with(&format!("read        {before} entries")), "{out}");
}
