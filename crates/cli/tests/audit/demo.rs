//! `ringseal demo --audit`: the commands of the README.
use std::fs;

use crate::support::{lines_of, run};

const DEMO: [&str; 7] = ["demo", "--audit", "--threads", "1", "--rate", "1000", "--seconds"];

#[test]
fn the_readmes_audit_demo_works_and_repeats() {
    let guard = tempfile::tempdir().expect("a temporary directory");
    let dir = guard.path();
    run(dir, &["audit", "keygen", "--dir", "./keys"], 0);
    let verify = ["audit", "verify", "./ringseal-demo/audit", "--key", "./keys/audit.pub"];
    // The keys are copied, not moved.
    run(dir, &[&DEMO[..], &["0.1"]].concat(), 0);
    run(dir, &verify, 0);
    let (out, _) = run(dir, &[&DEMO[..], &["1.5"]].concat(), 0);
    for part in ["verified: intact", "with the keys of keys", "were waited for", "checkpoints"] {
        assert!(out.contains(part), "{part} in {out}");
    }
    let (words, _) = run(dir, &[&verify[..], &["--mac", "./keys/audit.mac"]].concat(), 0);
    assert!(words.starts_with("intact "), "{words}");
    let (proof, _) = run(dir, &["audit", "prove", "inclusion", "1234", "./ringseal-demo/audit"], 0);
    fs::write(dir.join("entry-1234.proof"), proof).expect("disk space");
    run(dir, &["audit", "check-proof", "entry-1234.proof", "--key", "./keys/audit.pub"], 0);
    for kind in
        ["user.login", "order.*", "config.change", "tool_call", "security.*", "privileged.*"]
    {
        let shown = run(dir, &["audit", "show", "ringseal-demo/audit", "--type", kind], 0).0;
        assert!(!shown.is_empty(), "{kind}");
    }
    // One changed byte is detected.
    let log = dir.join("ringseal-demo/audit/audit.log.jsonl");
    let mut lines = lines_of(&fs::read(&log).expect("a log"));
    let line = lines.iter_mut().find(|line| line.windows(6).any(|word| word == b"denied"));
    let line = line.expect("a denied event");
    let at = line.windows(6).position(|word| word == b"denied").expect("found above");
    line[at] = b'D';
    fs::write(&log, lines.concat()).expect("disk space");
    let (words, _) = run(dir, &verify, 1);
    assert!(words.starts_with("TAMPERED"), "{words}");
}

#[test]
fn the_demo_without_keys_reports_keyless() {
    let guard = tempfile::tempdir().expect("a temporary directory");
    let dir = guard.path();
    let (out, _) = run(dir, &[&DEMO[..], &["0.1"]].concat(), 0);
    assert!(out.contains("KEYLESS") && out.contains("verified: intact"), "{out}");
    let key = "ringseal-demo/audit/audit.pub";
    let (words, _) = run(dir, &["audit", "verify", "ringseal-demo/audit", "--key", key], 0);
    assert!(words.contains("KEYLESS") && words.contains("beware "), "{words}");
    run(dir, &[&DEMO[..], &["0.1", "--keys", "nowhere"]].concat(), 2);
}

#[test]
fn the_demo_does_not_touch_a_foreign_directory() {
    let guard = tempfile::tempdir().expect("a temporary directory");
    let audit = guard.path().join("ringseal-demo/audit");
    fs::create_dir_all(&audit).expect("disk space");
    fs::write(audit.join("audit.log.jsonl"), "evidence\n").expect("disk space");
    let (_, errors) = run(guard.path(), &[&DEMO[..], &["0.1"]].concat(), 2);
    assert!(errors.contains("was not written by a demo"), "{errors}");
    assert_eq!(fs::read_to_string(audit.join("audit.log.jsonl")).expect("there"), "evidence\n");
}
