//! `ringseal status`, run as a process, beside a process that logs.
#![cfg(unix)]
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

fn ringseal() -> Command {
    Command::new(env!("CARGO_BIN_EXE_ringseal"))
}

/// The status of a directory, without homes of other tests.
fn status(dir: &Path, arguments: &[&str]) -> Output {
    let rings = dir.join("no-rings");
    fs::create_dir_all(&rings).expect("room");
    let mut command = ringseal();
    command.arg("status").arg(dir).arg("--rings").arg(rings).args(arguments);
    command.output().expect("the binary runs")
}

fn json(dir: &Path, arguments: &[&str]) -> Value {
    let output = status(dir, &[&["--json"], arguments].concat());
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A process that logs, until it is dropped.
struct Logger(Child);

impl Logger {
    /// Starts it, and waits until its first line is in the log.
    fn start(dir: &Path) -> Self {
        let mut child = ringseal()
            .args(["pipe", "--dir"])
            .arg(dir)
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary runs");
        let input = child.stdin.as_mut().expect("a pipe");
        writeln!(input, "{{\"level\":\"info\",\"event\":\"started\"}}").expect("it reads");
        let logger = Self(child);
        let deadline = Instant::now() + Duration::from_secs(60);
        while fs::read_to_string(log(dir)).map_or(true, |text| !text.contains("started")) {
            assert!(Instant::now() < deadline, "the line is written");
            std::thread::sleep(Duration::from_millis(5));
        }
        logger
    }
}

impl Drop for Logger {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn log(dir: &Path) -> PathBuf {
    dir.join("app.log")
}

/// A line of the engine.
fn line(event: &str) -> String {
    format!("{{\"timestamp\":\"2026-11-22T15:00:00Z\",\"level\":\"info\",\"event\":\"{event}\"}}\n")
}

#[test]
fn the_writer_is_seen_until_it_is_killed() {
    let dir = tempfile::tempdir().expect("a directory");
    let logger = Logger::start(dir.path());
    let live = json(dir.path(), &["--check", "--age-max", "1h"]);
    assert_eq!(live["logs"][0]["writer_pid"], logger.0.id(), "{live}");
    assert_eq!(live["findings"], serde_json::json!([]));
    assert_eq!(status(dir.path(), &["--check"]).status.code(), Some(0));
    drop(logger);
    let dead = json(dir.path(), &["--check"]);
    assert_eq!(dead["app_writer_alive"], false);
    let checked = status(dir.path(), &["--check"]);
    assert_eq!(checked.status.code(), Some(1));
    assert!(text(&checked).contains("no process writes it"), "{}", text(&checked));
    assert_eq!(status(dir.path(), &[]).status.code(), Some(0), "only --check judges");
}

#[test]
fn log_and_lock_stay_as_they_are() {
    let dir = tempfile::tempdir().expect("a directory");
    let logger = Logger::start(dir.path());
    let names = || {
        let entries = fs::read_dir(dir.path()).expect("readable");
        let mut names: Vec<_> = entries.map(|entry| entry.expect("readable").file_name()).collect();
        names.sort();
        names
    };
    status(dir.path(), &[]);
    let before = (names(), fs::read(log(dir.path())).expect("readable"));
    for _ in 0..5 {
        assert_eq!(json(dir.path(), &[])["logs"][0]["writer_pid"], logger.0.id());
    }
    assert_eq!((names(), fs::read(log(dir.path())).expect("readable")), before);
    let second = ringseal().args(["pipe", "--dir"]).arg(dir.path()).stdin(Stdio::null()).output();
    assert_eq!(second.expect("the binary runs").status.code(), Some(2), "the lock is still held");
}

#[test]
fn an_old_last_line_is_a_finding() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(log(dir.path()), line("old")).expect("room");
    let checked = status(dir.path(), &["--check", "--age-max", "5m"]);
    assert_eq!(checked.status.code(), Some(1));
    assert!(text(&checked).contains("s old, expected at most 300.0 s"), "{}", text(&checked));
    fs::write(log(dir.path()), "no time\n").expect("room");
    let unknown = status(dir.path(), &["--check", "--age-max", "5m"]);
    assert!(text(&unknown).contains("time of the last line is unknown"), "{}", text(&unknown));
}

#[test]
fn the_keys_are_those_of_the_documents() {
    let dir = tempfile::tempdir().expect("a directory");
    let demo = ringseal()
        .args(["demo", "--audit", "--seconds", "1", "--bytes-max", "4MiB", "--dir"])
        .arg(dir.path())
        .current_dir(dir.path())
        .output()
        .expect("the binary runs");
    assert_eq!(demo.status.code(), Some(0), "{}", text(&demo));
    let status = json(dir.path(), &[]);
    let audit = fs::read_to_string(dir.path().join("audit/audit.log.jsonl")).expect("readable");
    let entries: Vec<Value> =
        audit.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let last = entries
        .iter()
        .rev()
        .find(|entry| !entry["event_type"].as_str().unwrap_or_default().starts_with("ringseal."));
    let size = fs::metadata(dir.path().join("ringseal-demo.log")).expect("a log").len();
    assert_eq!(status["app_log_size_bytes"], size);
    assert_eq!(status["audit_log_size_bytes"], audit.len());
    assert!(status["app_log_rotated_files"].is_u64() && status["audit_log_rotated_files"] == 0);
    assert_eq!(status["audit_event_count"], entries.len());
    assert_eq!(status["last_audit_event_timestamp"], last.expect("an event")["timestamp"]);
    assert_eq!(status["audit_sink_healthy"], true);
}

#[test]
fn the_last_report_about_the_audit_log_counts() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::create_dir(dir.path().join("audit")).expect("room");
    let entry =
        "{\"seq\":4,\"timestamp\":\"2026-11-22T15:00:00Z\",\"event_type\":\"user.login\"}\n";
    fs::write(dir.path().join("audit/audit.log.jsonl"), entry).expect("room");
    let (failure, recovered, other) =
        (line("audit_sink_failure"), line("audit_sink_recovered"), line("order_filled"));
    for (text, expected) in [
        (other.clone(), true),
        (format!("{failure}{other}"), false),
        (format!("{failure}{recovered}{other}"), true),
        (format!("{recovered}{failure}{other}"), false),
    ] {
        fs::write(log(dir.path()), &text).expect("room");
        let status = json(dir.path(), &[]);
        assert_eq!(status["audit_sink_healthy"], expected, "{text}");
        assert_eq!(status["audit_event_count"], 5);
    }
    fs::write(dir.path().join("audit/audit.log.jsonl"), "garbage\n").expect("room");
    assert_eq!(json(dir.path(), &[])["audit_sink_healthy"], false);
}

#[test]
fn a_directory_without_a_log_is_an_error() {
    let dir = tempfile::tempdir().expect("a directory");
    let output = status(dir.path(), &["--check"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("no log in"), "{}", text(&output));
}
