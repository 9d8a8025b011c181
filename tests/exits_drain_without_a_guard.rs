//! A normal exit drains the engine even if no one drops it, and events that find no engine are counted. The processes
//! are this test binary again, in a role.
#![cfg(unix)]
#![allow(unsafe_code, reason = "exit hooks and forks are what is tested")]

mod support;

use std::cell::Cell;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use ringseal::sink::{Lines, Now, Sink, SinkError, WriteError};
use ringseal::{Config, Engine, Output, debug, info, warn};
use support::{child, events_of, named, numbers, role};

const EVENTS: u64 = 3000;

static KEPT: OnceLock<Engine> = OnceLock::new();

fn log_all() {
    for number in 0..EVENTS {
        info!("step", number);
    }
}

/// A sink that ends the process on the writer's thread.
struct Exits;

impl Sink for Exits {
    fn name(&self) -> &str {
        "exits"
    }

    fn write(&mut self, _lines: Lines<'_>, _now: Now) -> Result<(), WriteError> {
        std::process::exit(3);
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

extern "C" fn log_in_a_hook() {
    info!("in_a_hook");
}

fn fork_and_exit(engine: &Engine) {
    // SAFETY: this process runs one test, and no other thread holds a lock now that the engine is idle.
    let process = unsafe { libc::fork() };
    if process == 0 {
        info!(engine, "in_the_child");
        std::process::exit(0);
    }
    let mut status = 1;
    // SAFETY: `status` is a valid place; `process` is our child.
    unsafe { libc::waitpid(process, &raw mut status, 0) };
    info!(engine, "child_ended", status);
}

fn end(role: &str, path: &Path) {
    let start = || ringseal::init(Config::new().file(path)).unwrap();
    match role {
        "exit in main's scope" => {
            let _engine = start();
            log_all();
            std::process::exit(3);
        }
        "an engine in a static" => {
            KEPT.set(start()).unwrap();
            log_all();
        }
        "a leaked guard" => {
            std::mem::forget(start());
            log_all();
        }
        "a clone that is leaked" => {
            let engine = start();
            std::mem::forget(engine.clone());
            drop(engine);
            log_all();
        }
        "exit by another thread" => {
            let _engine = start();
            log_all();
            std::thread::spawn(|| std::process::exit(3));
            std::thread::sleep(Duration::from_secs(60));
        }
        "a later hook logs, too" => {
            std::mem::forget(start());
            log_all();
            // SAFETY: the hook neither unwinds nor is unloaded.
            unsafe { libc::atexit(log_in_a_hook) };
        }
        "a forked child exits" => {
            let engine = start();
            log_all();
            engine.flush().unwrap();
            fork_and_exit(&engine);
            std::mem::forget(engine);
        }
        other => panic!("no such role: {other}"),
    }
}

/// Runs this test in `role`; returns its exit code and its standard error.
fn run(test: &str, role: &str, path: &Path) -> (Option<i32>, String) {
    let mut command = child(test, role, path);
    let output = command.stderr(std::process::Stdio::piped()).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn an_exit_drains_every_engine() {
    if let Some((role, path)) = role() {
        return end(&role, &path);
    }
    let dir = tempfile::tempdir().unwrap();
    let cases = [
        ("exit in main's scope", 3),
        ("an engine in a static", 0),
        ("a leaked guard", 0),
        ("a clone that is leaked", 0),
        ("exit by another thread", 3),
        ("a later hook logs, too", 0),
        ("a forked child exits", 0),
    ];
    for (number, (role, code)) in cases.into_iter().enumerate() {
        let path = dir.path().join(format!("{number}.log"));
        let (found, stderr) = run("an_exit_drains_every_engine", role, &path);
        assert_eq!((found, stderr.as_str()), (Some(code), ""), "{role}");
        let events = events_of(&path);
        let steps = numbers(&named(&events, "step"), "number");
        assert_eq!(steps, (0..EVENTS).collect::<Vec<_>>(), "{role}");
        let hooks = named(&events, "in_a_hook").len();
        assert_eq!(hooks, usize::from(role == "a later hook logs, too"), "{role}");
        let ended = named(&events, "child_ended");
        assert_eq!(ended.len(), usize::from(role == "a forked child exits"), "{role}");
        assert!(ended.iter().all(|event| event["status"] == 0), "{ended:?}");
        assert_eq!(named(&events, "in_the_child").len(), 0);
    }
}

#[test]
fn an_exit_on_the_writer_ends() {
    let timeout = Duration::from_millis(200);
    if role().is_some() {
        let config = Config::new().output(Output::custom(Exits)).shutdown_timeout(timeout);
        std::mem::forget(ringseal::init(config).unwrap());
        log_all();
        return std::thread::sleep(Duration::from_secs(60));
    }
    let start = Instant::now();
    let (code, stderr) = run("an_exit_on_the_writer_ends", "writer", Path::new("/nowhere"));
    assert_eq!(code, Some(3), "{stderr}");
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[test]
fn events_before_init_are_counted() {
    if let Some((_, path)) = role() {
        let evaluated = Cell::new(0);
        let value = || evaluated.replace(evaluated.get() + 1);
        for _ in 0..5 {
            info!("early", value = value());
            debug!("early_detail", value = value());
        }
        warn!("early_warning", value = value());
        assert_eq!(evaluated.get(), 0, "arguments of calls without an engine are not evaluated");
        let engine = ringseal::init(Config::new().file(&path)).unwrap();
        info!("step", number = 0);
        drop(engine);
        info!("between");
        warn!("between");
        let _engine = ringseal::init(Config::new().file(&path)).unwrap();
        return info!("step", number = 1);
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    let (code, stderr) = run("events_before_init_are_counted", "early", &path);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let events = events_of(&path);
    let reports = named(&events, "ringseal.logged_without_engine");
    assert_eq!(numbers(&reports, "events"), [6, 2]);
    assert!(reports.iter().all(|event| event["is_at_least"] == false), "{reports:?}");
    assert_eq!(numbers(&named(&events, "step"), "number"), [0, 1]);
}

#[test]
fn a_discarded_guard_is_reported() {
    if let Some((role, path)) = role() {
        let _ = ringseal::init(Config::new().file(&path)).unwrap();
        (0..if role == "few" { 3 } else { EVENTS }).for_each(|number| info!("step", number));
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for (role, expected) in [("few", "stopped: 3;"), ("many", "stopped: at least 1000;")] {
        let path = dir.path().join(format!("{role}.log"));
        let (code, stderr) = run("a_discarded_guard_is_reported", role, &path);
        assert_eq!(code, Some(0), "{stderr}");
        assert!(stderr.starts_with("ringseal: ") && stderr.contains(expected), "{stderr}");
        assert_eq!(named(&events_of(&path), "step").len(), 0);
    }
}
