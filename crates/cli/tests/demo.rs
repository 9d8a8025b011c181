//! `ringseal demo`, run as a process.
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn ringseal() -> Command {
    Command::new(env!("CARGO_BIN_EXE_ringseal"))
}

fn demo(dir: &Path, arguments: &[&str]) -> Output {
    ringseal().arg("demo").arg("--dir").arg(dir).args(arguments).output().expect("the binary runs")
}

/// Standard output of a run that must succeed.
fn fine(dir: &Path, arguments: &[&str]) -> String {
    let output = demo(dir, arguments);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &*errors), (Some(0), ""), "{arguments:?}\n{said}");
    said
}

/// The number before ` events,` in the report.
fn events_of(said: &str) -> usize {
    let line = said.lines().find(|line| line.starts_with("written")).expect("what was written");
    let number = line.split_whitespace().nth(1).expect("a number");
    number.replace(',', "").parse().expect("a number")
}

#[test]
fn every_mode_reports_and_checks_its_lines() {
    let guard = tempfile::tempdir().expect("a temporary directory");
    let dir = guard.path().join("logs");
    let modes: [&[&str]; 5] = [
        &["--seconds", "0.2"],
        &["--seconds", "0.2", "--threads", "5", "--coarse"],
        &["--seconds", "0.2", "--threads", "3", "--latency"],
        &["--seconds", "0.3", "--threads", "1", "--rate", "2000"],
        &["--seconds", "0.1", "--threads", "20", "--latency", "--coarse"],
    ];
    for mode in modes {
        let said = fine(&dir, mode);
        for part in
            ["throughput", "p99.9", "lost ", "waits", "cpu", "an event", "canaries", "checked"]
        {
            assert!(said.contains(part), "{part} in {said}");
        }
        // Each run removes the logs of the one before it.
        let lines = fs::read_to_string(dir.join("ringseal-demo.log")).expect("a log");
        let sealed = dir.join("ringseal-demo.log.000001").exists();
        let lines = lines.lines().filter(|line| !line.contains("ringseal_demo::canary"));
        assert!(sealed || lines.count() == events_of(&said), "{said}");
    }
}

#[test]
fn the_demo_logs_every_level_and_type() {
    let guard = tempfile::tempdir().expect("a temporary directory");
    fine(guard.path(), &["--seconds", "0.5", "--threads", "1"]);
    let text = fs::read_to_string(guard.path().join("ringseal-demo.log")).expect("a log");
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    for level in ["trace", "debug", "info", "warn", "error", "critical"] {
        assert!(lines.iter().any(|line| line["level"] == level), "{level}");
    }
    let failed = lines.iter().find(|line| line["event"] == "payment_failed").expect("a failure");
    let error = failed["error"].to_string();
    for part in ["payment of order", "the gateway did not answer", "timed out"] {
        assert!(error.contains(part), "{part} in {error}");
    }
    let has = |key: &str, fits: fn(&Value) -> bool| {
        assert!(lines.iter().any(|line| line.get(key).is_some_and(fits)), "{key}");
    };
    has("coupon", Value::is_null);
    has("coupon", Value::is_string);
    has("is_express", Value::is_boolean);
    has("items", Value::is_array);
    has("basket", Value::is_object);
    has("qty", Value::is_i64);
    has("price", Value::is_number);
    has("state", |state| state.as_str().is_some_and(|state| state.starts_with("Reserved {")));
    has("trace_id", |id| id.as_str().is_some_and(|id| id.len() == 36));
}

#[test]
fn the_demo_stops_early_at_its_size_limit() {
    let guard = tempfile::tempdir().expect("a temporary directory");
    let said = fine(guard.path(), &["--seconds", "60", "--bytes-max", "8MiB"]);
    assert!(said.contains("stopped early: the logs are close to 8.0 MiB"), "{said}");
}

#[test]
fn the_rate_limit_is_kept() {
    let guard = tempfile::tempdir().expect("a temporary directory");
    let said = fine(guard.path(), &["--seconds", "0.5", "--rate", "1000"]);
    // Measured by the run's own time, so that a busy machine does not matter.
    let run = said.lines().next().expect("a report");
    let seconds = run.split(", ").nth(1).and_then(|part| part.strip_suffix(" s")).expect("a time");
    let seconds: f64 = seconds.parse().expect("a number");
    // Each thread may be one request ahead; the time is rounded.
    assert!(events_of(&said) as f64 <= (seconds + 0.05) * 1000.0 + 2.0 * 10.0, "{said}");
}

#[test]
fn the_demo_keeps_a_foreign_file() {
    let guard = tempfile::tempdir().expect("a temporary directory");
    let path = guard.path().join("ringseal-demo.log");
    fs::write(&path, "my diary\n").expect("room");
    let output = demo(guard.path(), &["--seconds", "0.1"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(fs::read_to_string(&path).expect("still there"), "my diary\n");
}

/// Whether rings outlive a process here.
fn has_shared_memory() -> bool {
    cfg!(target_os = "linux") && Path::new("/dev/shm").is_dir()
}

#[test]
fn a_killed_demo_loses_nothing() {
    if !has_shared_memory() {
        return;
    }
    let guard = tempfile::tempdir().expect("a temporary directory");
    let dir = guard.path();
    let mut killed = ringseal()
        .args(["demo", "--survive-kill", "--seconds", "600", "--dir"])
        .arg(dir)
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("the binary runs");
    let log = dir.join("ringseal-demo.log");
    while fs::metadata(&log).map_or(0, |log| log.len()) < 1 << 20 {
        assert!(killed.try_wait().expect("its state").is_none(), "it ended");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    killed.kill().expect("a kill");
    killed.wait().expect("its end");
    let said = fine(dir, &["--survive-kill", "--seconds", "0.2"]);
    let recovered = said.lines().next().expect("a line");
    let lines = recovered.split_whitespace().nth(1).expect("a number").replace(',', "");
    assert!(lines.parse::<u64>().is_ok_and(|lines| lines > 0), "{said}");
    assert_eq!(said.matches("reported").count(), 2, "{said}");
    let said = fine(dir, &["--survive-kill", "--seconds", "0.1"]);
    assert!(said.starts_with("recovered   nothing") && said.contains("in order"), "{said}");
    // Another demo removes the log.
    fine(dir, &["--seconds", "0.1"]);
}
