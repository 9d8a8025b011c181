//! The Python verifiers, which share only the format page with this crate, agree on valid and on changed logs.
#![cfg(all(feature = "audit", unix))]

use std::path::Path;
use std::process::Command;

use ringseal::audit::entry::control::RotateReason;
use ringseal::audit::entry::{Body, Parser};
use ringseal::audit::store::{AuditLog, Host, LogOptions};

/// Whether Python is installed; prints that the test is skipped if not.
fn has_python() -> bool {
    let version = Command::new("python3").arg("--version").output();
    let is_installed = version.is_ok_and(|output| output.status.success());
    if !is_installed {
        eprintln!("skipped: python3 is not installed");
    }
    is_installed
}

/// Returns exit status and output.
fn python(dir: &Path, more: &[&Path]) -> (i32, String) {
    run(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/verify_audit.py"), dir, more)
}

fn run(program: &str, dir: &Path, more: &[&Path]) -> (i32, String) {
    let output = Command::new("python3").arg(program).arg(dir).args(more).output().expect("python");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().expect("a status"), String::from_utf8_lossy(&text).into_owned())
}

fn append(log: &mut AuditLog, number: u64) {
    let members = format!(
        "\"event_type\":\"user.login\",\"actor\":{{\"id\":\"é\\n{number}\"}},\"rate\":-1.50e3,\"ok\":true"
    );
    let body = Body::new(members.as_bytes(), &mut Parser::new()).expect("a body");
    log.append(body, 1_795_360_160_123_456_789).expect("disk space");
}

/// A log with several segments, three starts, more than one tile, and a pruned segment.
fn make_pruned_log(top: &Path) -> std::path::PathBuf {
    make_log(top, true)
}

fn make_log(top: &Path, is_pruned: bool) -> std::path::PathBuf {
    let dir = top.join("log");
    AuditLog::create(&mut Host::system(), &dir, top, "python.example/audit").expect("keys");
    for round in 0..3 {
        let mut log = AuditLog::open(Host::system(), &dir, LogOptions::default()).expect("a log");
        for number in 0..120 {
            append(&mut log, number);
        }
        log.rotate(RotateReason::Manual).expect("a rotation");
        for number in 0..10 {
            append(&mut log, number);
        }
        if round == 2 && is_pruned {
            assert_eq!(log.prune(200).expect("a removal"), 1);
        }
        log.close().expect("an end");
    }
    dir
}

#[test]
fn the_python_verifier_agrees() {
    if !has_python() {
        return;
    }
    let top = tempfile::tempdir().expect("a directory");
    let dir = make_pruned_log(top.path());
    let (public, mac) = (top.path().join("audit.pub"), top.path().join("audit.mac"));
    let with_key = [public.as_path(), Path::new("--mac"), &mac];
    for arguments in [&with_key[..1], &with_key] {
        let (status, output) = python(&dir, arguments);
        assert_eq!(status, 0, "{output}");
        assert!(output.starts_with("intact: "), "{output}");
    }
    let names = ["audit.log.jsonl", "checkpoints", "kept.jsonl", "tile/0/000"];
    for name in names {
        let path = dir.join(name);
        let whole = std::fs::read(&path).expect("a file");
        for place in 1..8 {
            let mut changed = whole.clone();
            changed[whole.len() * place / 8] ^= 1;
            std::fs::write(&path, &changed).expect("a change");
            let (status, output) = python(&dir, &with_key);
            assert_eq!(status, 1, "{name} at {}: {output}", whole.len() * place / 8);
            assert!(output.contains("TAMPERED: "), "{output}");
        }
        std::fs::write(&path, &whole).expect("a repair");
    }
    assert_eq!(python(&dir, &with_key).0, 0);
}

#[test]
fn the_short_python_verifier_agrees_on_its_checks() {
    let has_openssl = Command::new("openssl")
        .arg("version")
        .output()
        .is_ok_and(|output| output.status.success() && !output.stdout.starts_with(b"OpenSSL 1"));
    if !has_openssl {
        eprintln!("skipped: openssl 3 is not installed");
        return;
    }
    if !has_python() {
        return;
    }
    let top = tempfile::tempdir().expect("a directory");
    let dir = make_log(top.path(), false);
    let short = |key: &Path| {
        run(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/verify_audit_short.py"), &dir, &[key])
    };
    let public = top.path().join("audit.pub");
    let (status, output) = short(&public);
    assert!(status == 0 && output.starts_with("intact: "), "{output}");
    let names = std::fs::read_dir(&dir).expect("a log").map(|entry| entry.expect("a name").path());
    let is_read = |path: &std::path::PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name == "checkpoints" || name.starts_with("audit") && name.ends_with(".jsonl")
    };
    let files: Vec<_> = names.filter(is_read).collect();
    assert_eq!(files.len(), 5, "{files:?}");
    for path in &files {
        let whole = std::fs::read(path).expect("a file");
        let lines: Vec<_> = whole.split_inclusive(|byte| *byte == b'\n').collect();
        let swapped = [&lines[1..2], &lines[..1], &lines[2..]].concat().concat();
        let mut changes = vec![lines[1..].concat(), swapped];
        for place in [1, 4, 7] {
            let mut changed = whole.clone();
            changed[whole.len() * place / 8] ^= 1;
            changes.push(changed);
        }
        for (number, change) in changes.iter().enumerate() {
            std::fs::write(path, change).expect("a change");
            let (status, output) = short(&public);
            assert!(status == 1 && output.starts_with("TAMPERED: "), "{path:?} {number}: {output}");
        }
        std::fs::write(path, &whole).expect("a repair");
    }
    let other = top.path().join("other");
    AuditLog::create(&mut Host::system(), &other.join("log"), &other, "python.example/audit")
        .expect("keys");
    let (status, output) = short(&other.join("audit.pub"));
    assert!(status == 1 && output.contains("entry 0 names another key"), "{output}");
    let (status, output) = short(&top.path().join("none.pub"));
    assert!(status == 2 && output.starts_with("could not check: "), "{output}");
}

#[test]
fn the_python_verifier_distinguishes_wrong_key_from_tampering() {
    if !has_python() {
        return;
    }
    let top = tempfile::tempdir().expect("a directory");
    let (pruned, other) = (make_pruned_log(top.path()), top.path().join("other"));
    let plain = top.path().join("plain");
    AuditLog::create(&mut Host::system(), &other.join("log"), &other, "python.example/audit")
        .expect("keys");
    let keys = top.path().join("plain-keys");
    std::fs::create_dir(&keys).expect("a directory");
    AuditLog::create(&mut Host::system(), &plain, &keys, "python.example/audit").expect("keys");
    let mut log = AuditLog::open(Host::system(), &plain, LogOptions::default()).expect("a log");
    append(&mut log, 1);
    log.close().expect("an end");
    let (other_key, other_mac) = (other.join("audit.pub"), other.join("audit.mac"));
    for (dir, keys) in [(&plain, keys.as_path()), (&pruned, top.path())] {
        let (key, mac) = (keys.join("audit.pub"), keys.join("audit.mac"));
        let option = Path::new("--mac");
        let cases: [&[&Path]; 4] = [
            &[&other_key],
            &[&other_key, option, &other_mac],
            &[&other_key, option, &mac],
            &[&key, option, &other_mac],
        ];
        for arguments in cases {
            let (status, output) = python(dir, arguments);
            assert_eq!(status, 1, "{output}");
            assert!(output.starts_with("WRONG KEY: this log is not "), "{output}");
        }
    }
    // The log is then read twice, but an unfinished end is reported once.
    for (name, more) in [("checkpoints", "python.example"), ("audit.log.jsonl", "{\"seq\":")] {
        let path = plain.join(name);
        let whole = std::fs::read(&path).expect("a file");
        std::fs::write(&path, [&whole, more.as_bytes()].concat()).expect("a change");
        let (status, output) = python(&plain, &[&other_key]);
        assert_eq!((status, output.matches("note: ").count()), (1, 1), "{output}");
        assert!(output.contains("WRONG KEY: "), "{output}");
        std::fs::write(&path, whole).expect("a repair");
    }
    let path = plain.join("audit.log.jsonl");
    let text = std::fs::read_to_string(&path).expect("a log");
    std::fs::write(&path, text.replace("-1.50e3", "-1.50e4")).expect("a change");
    let (status, output) = python(&plain, &[&other_key]);
    assert!(
        status == 1 && output.starts_with("TAMPERED: audit.log.jsonl:1 (entry 0): "),
        "{output}"
    );
}

#[test]
fn unusable_input_is_one_line_and_status_two() {
    if !has_python() {
        return;
    }
    let top = tempfile::tempdir().expect("a directory");
    let dir = make_pruned_log(top.path());
    let (public, mac) = (top.path().join("audit.pub"), top.path().join("audit.mac"));
    let nowhere = top.path().join("nowhere");
    let option = Path::new("--mac");
    let key = |name: &str, text: &str| {
        let path = top.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path
    };
    // Truncated key files. A missing key must never disable the check.
    let (empty, no_key) = (key("empty.mac", ""), key("none.mac", "ringseal-mac-v1"));
    let (cut, short) =
        (key("cut.mac", "ringseal-mac-v1 "), key("short.mac", "ringseal-mac-v1 AAAA\n"));
    let cases: [(&[&Path], &str); 11] = [
        (&[], "usage: verify_audit.py DIR audit.pub [--mac audit.mac]"),
        (&[&public, option], "usage: "),
        (&[&public, Path::new("--key"), &mac], "usage: "),
        (&[&mac], "audit.mac: expected a public key"),
        (&[&public, option, &public], "audit.pub: expected the key of the chain"),
        (&[&nowhere], "nowhere: No such file or directory"),
        (&[&public, option, &nowhere], "nowhere: No such file or directory"),
        (&[&public, option, &empty], "empty.mac: expected the key of the chain"),
        (&[&public, option, &no_key], "none.mac: expected a key of 32 bytes, found 0"),
        (&[&public, option, &cut], "cut.mac: expected a key of 32 bytes, found 0"),
        (&[&public, option, &short], "short.mac: expected a key of 32 bytes, found 3"),
    ];
    for (arguments, expected) in cases {
        let (status, output) = python(&dir, arguments);
        assert_eq!(status, 2, "{output}");
        assert!(output.contains(expected) && output.lines().count() == 1, "{output}");
    }
    let (status, output) = python(&nowhere, &[&public]);
    assert!(status == 2 && output.lines().count() == 1, "{output}");
}

/// Both verifiers count a log's epochs in the same way.
#[test]
fn the_python_verifier_counts_epochs_as_we_do() {
    use ringseal::audit::keys::load_verifier;
    use ringseal::audit::verify;
    use ringseal::system::OsStorage;
    if !has_python() {
        return;
    }
    let top = tempfile::tempdir().expect("a directory");
    let dir = top.path().join("log");
    AuditLog::create(&mut Host::system(), &dir, top.path(), "python.example/audit").expect("keys");
    let public = top.path().join("audit.pub");
    for epochs in 1..4 {
        let mut log = AuditLog::open(Host::system(), &dir, LogOptions::default()).expect("a log");
        append(&mut log, epochs);
        log.close().expect("an end");
        let root = load_verifier(&OsStorage, &public).expect("a key");
        let options = verify::VerifyOptions::new(root);
        let report = verify::verify(&OsStorage, &dir, &options, &mut |_| ());
        let (_, output) = python(&dir, &[&public]);
        assert_eq!(report.epochs, epochs, "{report:?}");
        assert!(output.contains(&format!(", {epochs} epochs, ")), "{output}");
    }
}

#[cfg(feature = "compress")]
#[test]
fn the_python_verifier_reads_compressed_segments() {
    if !has_python() {
        return;
    }
    let top = tempfile::tempdir().expect("a directory");
    let dir = make_pruned_log(top.path());
    let storage: std::sync::Arc<dyn ringseal::system::Storage> =
        std::sync::Arc::new(ringseal::system::OsStorage);
    let done = ringseal::audit::store::compress_sealed(&storage, &dir).expect("a compression");
    assert_eq!(done, 2);
    let (status, output) = python(&dir, &[&top.path().join("audit.pub")]);
    assert_eq!(status, 0, "{output}");
}
