//! `ringseal audit fsck` on logs without keys: their chain is of plain hashes, which the check computes as the format
//! says, with a leading zero byte.
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ringseal::audit::entry::control::RotateReason;
use ringseal::audit::entry::{Parser, Scheme};
use ringseal::audit::store::{AuditLog, Host, LogOptions, compress_sealed};
use ringseal::system::{OsStorage, Storage};
use ringseal_base::digest::Sha256;
use ringseal_base::digest::text::{Base64, base64};

use crate::support::{append, copy, lines_of, run};

const FIRST: &str = "audit-00000000000000000000.jsonl";
const ACTIVE: &str = "audit.log.jsonl";

/// Three segments; returns the log, with its keys beside the entries, closed or as a killed process left it.
fn log(top: &Path, kind: &str) -> PathBuf {
    let dir = top.join(kind);
    AuditLog::create(&mut Host::system(), &dir, &dir, "shop/audit").expect("keys");
    let options = LogOptions { scheme: Scheme::Hash, ..LogOptions::default() };
    let mut log = AuditLog::open(Host::system(), &dir, options).expect("a log");
    for _ in 0..2 {
        append(&mut log, 20);
        log.rotate(RotateReason::Manual).expect("a new segment");
    }
    append(&mut log, 20);
    if kind == "killed" {
        let killed = top.join("as it was");
        copy(&dir, &killed);
        for dir in ["", "keys", "tile", "tile/0", "torn"] {
            fs::set_permissions(killed.join(dir), Permissions::from_mode(0o700)).expect("ours");
        }
        return killed;
    }
    log.close().expect("an end");
    if kind == "packed" {
        let storage: Arc<dyn Storage> = Arc::new(OsStorage);
        assert_eq!(compress_sealed(&storage, &dir).expect("a compression"), 2);
    }
    dir
}

fn fsck(dir: &Path, code: i32) -> String {
    run(Path::new("/"), &["audit", "fsck", dir.to_str().expect("UTF-8")], code).0
}

/// The last line that is an event, with this change.
fn change_event(path: &Path, change: impl Fn(&str) -> String) {
    let mut lines = lines_of(&fs::read(path).expect("a segment"));
    let is_event = |line: &Vec<u8>| String::from_utf8_lossy(line).contains("\"user.login\"");
    let at = lines.iter().rposition(is_event).expect("an event");
    let line = String::from_utf8(lines[at].clone()).expect("UTF-8");
    lines[at] = change(&line).into_bytes();
    fs::write(path, lines.concat()).expect("disk space");
}

/// The line, with its hash replaced by that of `prefix` and its signed text.
fn with_hash_of(line: &str, prefix: &[u8]) -> String {
    let entry_line = line.trim_end().to_owned();
    let mut parser = Parser::new();
    let signed = parser.entry(entry_line.as_bytes()).expect("an entry").signed;
    let hash = Sha256::of(&[prefix, signed].concat());
    let (before, _) = entry_line.rsplit_once("h1:").expect("a hash");
    format!("{before}h1:{}\"}}\n", base64(Base64::Url, &hash))
}

#[test]
fn honest_keyless_logs_are_not_damaged() {
    let top = tempfile::tempdir().expect("a directory");
    for kind in ["closed", "killed", "packed"] {
        let dir = log(top.path(), kind);
        let mode = fs::metadata(dir.join("audit.pub")).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o644, "everyone may read the public key");
        let said = fsck(&dir, 0);
        assert!(said.contains("no damage found"), "{kind}: {said}");
        if kind != "packed" {
            change_event(&dir.join(ACTIVE), |line| {
                assert_eq!(with_hash_of(line, &[0]), line, "the hash of the format");
                line.to_owned()
            });
        }
    }
}

type Change = fn(&str) -> String;

#[test]
fn a_change_of_a_keyless_log_is_found() {
    let changes: [(&str, Change); 3] = [
        ("text", |line| line.replace("success", "failure")),
        ("hash without the leading zero", |line| with_hash_of(line, &[])),
        ("text, and the hash of it", |line| {
            with_hash_of(&line.replace("success", "failure"), &[0])
        }),
    ];
    let top = tempfile::tempdir().expect("a directory");
    let whole = log(top.path(), "closed");
    for (what, change) in changes {
        for file in [FIRST, ACTIVE] {
            let dir = top.path().join("changed");
            copy(&whole, &dir);
            change_event(&dir.join(file), change);
            let said = fsck(&dir, 1);
            assert!(said.contains(&format!("damaged     {file}")), "{what}, {file}: {said}");
            fs::remove_dir_all(&dir).expect("ours");
        }
    }
}

#[test]
fn modes_wider_than_ours_are_found() {
    let top = tempfile::tempdir().expect("a directory");
    let dir = log(top.path(), "closed");
    for (name, mode) in [("audit.pub", 0o666), (ACTIVE, 0o640), ("keys/epoch.key", 0o644)] {
        let path = dir.join(name);
        let before = fs::metadata(&path).expect("it is there").permissions();
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("ours");
        let said = fsck(&dir, 1);
        assert!(said.contains(&format!("mode        {name}")), "{said}");
        fs::set_permissions(&path, before).expect("ours");
    }
    fsck(&dir, 0);
}
