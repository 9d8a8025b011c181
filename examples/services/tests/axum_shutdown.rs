//! SIGTERM ends the server gracefully; the engine drains and leaves the end of the process to the host.
#![cfg(unix)]
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

#[test]
fn the_last_event_follows_the_graceful_shutdown() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("shutdown.log");
    let mut command = Command::new(env!("CARGO_BIN_EXE_axum_shutdown"));
    let mut child = command.arg(&path).stdout(Stdio::piped()).spawn().expect("the service starts");
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let line = stdout.next().expect("a line").expect("text");
    assert!(line.starts_with("listening on "), "{line}");
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill runs").success());
    let status = child.wait().expect("the service ends");
    let text = std::fs::read_to_string(&path).expect("a log");
    assert!(status.success(), "{status}: {text}");
    let events: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .map(|line| line["event"].as_str().expect("a name").to_owned())
        .collect();
    let expected = ["logging.configured", "service_started", "shutdown_requested", "clean_exit"];
    assert_eq!(events, expected, "{text}");
}
