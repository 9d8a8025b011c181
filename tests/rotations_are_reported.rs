//! Rotations of log files are reported once each and passed to the program, and reports do not rotate files for ever.
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use ringseal::sink::file::{FileConfig, Rotation, RotationReason};
use ringseal::{Config, Engine, Output, info};

/// Long enough for a busy machine; a test that passes does not wait for it.
const PATIENCE: Duration = Duration::from_secs(60);

fn started(
    dir: &Path,
    bytes_max: u64,
    more: impl FnOnce(Config) -> Config,
) -> (Engine, Receiver<Rotation>) {
    let (sender, rotations) = channel();
    let file = FileConfig::new(dir.join("app.log")).rotate_bytes_max(bytes_max);
    let config = Config::new().output(Output::file(file)).report_rotations(true).on_rotation(
        move |rotation| {
            let _ = sender.send(rotation.clone());
        },
    );
    (Engine::start(more(config)).expect("an engine"), rotations)
}

/// The lines of all files in a directory.
fn lines(dir: &Path) -> Vec<serde_json::Value> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir).expect("the directory") {
        let text = std::fs::read_to_string(entry.expect("a file").path()).unwrap_or_default();
        let found = text.lines().filter(|line| line.starts_with('{'));
        all.extend(found.map(|line| serde_json::from_str(line).expect("JSON")));
    }
    all
}

fn reports(dir: &Path) -> Vec<serde_json::Value> {
    lines(dir)
        .into_iter()
        .filter(|line: &serde_json::Value| line["event"] == "log_rotation")
        .collect()
}

#[test]
fn each_rotation_is_reported_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let (engine, rotations) = started(dir.path(), 16 << 10, |config| config);
    let mut seen = Vec::new();
    while seen.len() < 3 {
        info!(engine, "order_filled", text = "x".repeat(500));
        engine.flush().expect("flushed");
        seen.extend(rotations.try_iter());
    }
    // The hook was called, so the next event is followed by the report.
    info!(engine, "order_filled", last = true);
    engine.flush().expect("flushed");
    info!(engine, "order_filled", last = true);
    engine.flush().expect("flushed");
    let found = reports(dir.path());
    let names: BTreeSet<&str> =
        found.iter().filter_map(|report| report["old_file"].as_str()).collect();
    assert_eq!(names.len(), found.len(), "a rotation is reported twice: {found:?}");
    for rotation in &seen {
        let sealed = rotation.sealed.display().to_string();
        let report = found.iter().find(|report| report["old_file"] == sealed.as_str());
        let report = report.unwrap_or_else(|| panic!("{sealed} is not in {found:?}"));
        assert_eq!(report["stream"], "app");
        assert_eq!(report["new_file"], rotation.active.display().to_string().as_str());
        assert_eq!(report["reason"], "size");
        assert_eq!(report["file_size_bytes"], rotation.len_bytes);
        assert_eq!(rotation.reason, RotationReason::Size);
    }
}

/// Each line fills a file, in two outputs: reports of one rotate the other.
#[test]
fn reports_rotate_nothing_for_ever() {
    let dir = tempfile::tempdir().expect("a directory");
    let other = tempfile::tempdir().expect("a directory");
    let second = FileConfig::new(other.path().join("app.log")).rotate_bytes_max(1);
    let (engine, rotations) = started(dir.path(), 1, |config| config.output(Output::file(second)));
    for number in 0..3 {
        info!(engine, "order_filled", number);
        engine.flush().expect("flushed");
    }
    rotations.recv_timeout(PATIENCE).expect("a rotation");
    let count = || (lines(dir.path()).len(), lines(other.path()).len());
    // Without events there are no reports, however often the writer takes a turn.
    engine.flush().expect("flushed");
    let before = count();
    for _ in 0..50 {
        engine.flush().expect("flushed");
    }
    assert_eq!(count(), before);
    assert!(!reports(dir.path()).is_empty());
}

#[test]
fn rotations_are_reported_on_request_only() {
    let dir = tempfile::tempdir().expect("a directory");
    let (engine, rotations) = started(dir.path(), 1, |config| config.report_rotations(false));
    for number in 0..5 {
        info!(engine, "order_filled", number);
        engine.flush().expect("flushed");
    }
    rotations.recv_timeout(PATIENCE).expect("the hook is called all the same");
    info!(engine, "order_filled", last = true);
    engine.stop().expect("stopped");
    assert_eq!(reports(dir.path()).len(), 0);
}
