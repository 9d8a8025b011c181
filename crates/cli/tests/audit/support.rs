//! Runs the binary, and creates logs with the library.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use ringseal::audit::entry::control::RotateReason;
use ringseal::audit::entry::{Body, Parser};
use ringseal::audit::keys::{KeyPaths, create_secret, load_secret};
use ringseal::audit::store::{AuditLog, Host, LogOptions};
use ringseal::system::{OsStorage, Storage};
use serde_json::Value;
use tempfile::TempDir;

/// `ringseal ARGUMENTS…` in this directory.
pub fn ringseal(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringseal"));
    command.args(arguments).current_dir(dir).stdin(Stdio::null());
    command
}

/// Runs the command, which must exit with this code; returns standard output and standard error.
#[track_caller]
pub fn run(dir: &Path, arguments: &[&str], code: i32) -> (String, String) {
    expect_exit(&ringseal(dir, arguments).output().expect("the binary runs"), code)
}

#[track_caller]
pub fn expect_exit(output: &Output, code: i32) -> (String, String) {
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{out}\n{err}");
    (out, err)
}

/// A directory with `keys` from keygen and a `log` that the library writes with them.
pub struct Fixture {
    pub dir: TempDir,
    options: LogOptions,
}

impl Fixture {
    pub fn new() -> Fixture {
        let dir = tempfile::tempdir().expect("a temporary directory");
        run(dir.path(), &["audit", "keygen", "--dir", "keys", "--origin", "shop/audit"], 0);
        let (from, to) = (KeyPaths::in_dir(&dir.path().join("keys")), dir.path().join("log"));
        let to = KeyPaths::in_dir(&to);
        OsStorage.create_dir(&to.keys, 0o700).expect("a directory");
        for (from, to) in [(from.chain(), to.chain()), (from.epoch(), to.epoch())] {
            let secret = load_secret(&OsStorage, &from).expect("a key");
            create_secret(&OsStorage, &to, &secret).expect("disk space");
        }
        Fixture { dir, options: LogOptions::default() }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn log(&self) -> PathBuf {
        self.path().join("log")
    }

    /// Opens the log, calls `write` and closes it.
    pub fn write(&self, write: impl FnOnce(&mut AuditLog)) {
        let log = AuditLog::open(Host::system(), &self.log(), self.options.clone());
        let mut log = log.expect("a log that opens");
        write(&mut log);
        log.close().expect("a log that closes");
    }

    /// A closed log of three segments of about twenty entries, in three epochs.
    pub fn with_three_segments() -> Fixture {
        let fixture = Fixture::new();
        fixture.write(|log| {
            for _ in 0..2 {
                append(log, 20);
                log.rotate(RotateReason::Manual).expect("a new segment");
                log.maintain().expect("a seal");
            }
            append(log, 20);
        });
        fixture
    }

    /// `ringseal audit verify log --key keys/audit.pub ARGUMENTS…`
    pub fn verify(&self, arguments: &[&str], code: i32) -> (String, String) {
        let all = [&["audit", "verify", "log", "--key", "keys/audit.pub"], arguments].concat();
        run(self.path(), &all, code)
    }

    /// The same as JSON.
    pub fn verify_json(&self, arguments: &[&str], code: i32) -> Value {
        let (out, _) = self.verify(&[arguments, &["--json"]].concat(), code);
        serde_json::from_str(&out).expect("JSON")
    }

    /// The lines of a segment, with their newlines.
    pub fn lines(&self, file: &str) -> Vec<Vec<u8>> {
        lines_of(&fs::read(self.log().join(file)).expect("a segment"))
    }

    pub fn put_lines(&self, file: &str, lines: &[Vec<u8>]) {
        fs::write(self.log().join(file), lines.concat()).expect("disk space");
    }

    /// Copies the log's directory.
    pub fn copy_log(&self, name: &str) -> PathBuf {
        let to = self.path().join(name);
        copy(&self.log(), &to);
        to
    }
}

pub fn lines_of(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        match entry.file_type().expect("a type").is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), &to).expect("disk space")),
        }
    }
}

/// Appends `count` entries and commits them.
pub fn append(log: &mut AuditLog, count: u64) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    for _ in 0..count {
        let seq = log.next_seq();
        let kind = if seq.is_multiple_of(2) { "user.login" } else { "order.delete" };
        let members = format!(
            "\"event_type\":\"{kind}\",\"actor\":{{\"type\":\"user\",\"id\":\"u-{}\"}},\
             \"target\":{{\"type\":\"session\",\"id\":\"s-{seq}\"}},\"outcome\":\"success\"",
            seq % 5
        );
        let body = Body::new(members.as_bytes(), &mut Parser::new()).expect("members");
        log.append(body, now.as_nanos() as i64).expect("disk space");
    }
    log.commit().expect("a disk");
    log.maintain().expect("a disk");
}
