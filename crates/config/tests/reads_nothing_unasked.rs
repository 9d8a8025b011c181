//! The engine reads no file and no variable by itself: a run with `Config::new()` under `strace` opens nothing but what
//! the system opens for every program. Skips with a reason where `strace` is not installed.
use std::process::Command;

const BEGIN: &str = "the-engine-begins";
const END: &str = "the-engine-ends";
const ROLE: &str = "RINGSEAL_TEST_READS_NOTHING";

/// The child: an engine of its own with the defaults, and one event.
fn log_once() {
    // What lies between these is what the engine does, and not the test.
    let _ = std::fs::metadata(BEGIN);
    let engine = ringseal::Engine::start(ringseal::Config::new()).unwrap();
    ringseal::info!(engine, "read_nothing");
    engine.stop().unwrap();
    let _ = std::fs::metadata(END);
}

#[test]
fn defaults_open_no_configuration() {
    if std::env::var_os(ROLE).is_some() {
        return log_once();
    }
    if Command::new("strace").arg("--version").output().is_err() {
        return println!("skipped: strace is not installed");
    }
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in [
        (".env", "LOG_LEVEL=off\n"),
        ("app.log", ""),
        ("observability.yaml", "log:\n  level: off\n"),
    ] {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    let trace = dir.path().join("trace.txt");
    let output = Command::new("strace")
        .args(["-f", "-e", "trace=open,openat,openat2,stat,newfstatat,statx,access,readlink", "-o"])
        .arg(&trace)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "defaults_open_no_configuration", "--nocapture"])
        .env(ROLE, "1")
        // What the engine would take from the environment if it looked.
        .env("LOG_LEVEL", "off")
        .env("LOG_FORMAT", "console")
        .env("LOG_SINK", format!("only:file:{}", dir.path().join("taken.log").display()))
        .current_dir(dir.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let trace = std::fs::read_to_string(&trace).unwrap_or_default();
    if trace.is_empty() {
        return println!(
            "skipped: strace cannot trace here: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let line = text.lines().find(|line| line.contains("\"read_nothing\"")).expect("the event");
    assert!(line.trim_start().starts_with('{'), "not JSON: {line}");
    assert!(!dir.path().join("taken.log").exists());
    for name in [".env", "observability", "app.log", "NO_COLOR"] {
        assert!(!trace.contains(name), "{name} was looked at:\n{trace}");
    }
    // The system itself: its processors, its clock, its memory.
    let allowed = ["/proc/", "/sys/"];
    let after = trace.split_once(BEGIN).expect("the begin").1;
    let lines = after.split_once(END).expect("the end").0.lines();
    for line in lines.filter(|line| line.contains("open")) {
        let Some(path) = line.split('"').nth(1) else { continue };
        let is_known = allowed.iter().any(|prefix| path.starts_with(prefix));
        assert!(is_known, "opened {path}:\n{line}");
    }
}
