//! With `signals`, the engine drains; whether a signal ends the process is the host's decision. The processes are this
//! test binary again, in a role.
#![cfg(all(unix, feature = "signals"))]
#![allow(unsafe_code, reason = "a host's signal handlers are what is tested")]

mod support;

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicU32, Ordering};

use ringseal::sink::{Lines, Now, Sink, SinkError, WriteError};
use ringseal::{Config, Engine, Output, info};
use support::{child, events_of, named, numbers, role};

static CALLS: AtomicU32 = AtomicU32::new(0);

extern "C" fn count(_signal: i32) {
    CALLS.fetch_add(1, Ordering::SeqCst);
}

fn set(signal: i32, disposition: libc::sighandler_t) {
    // SAFETY: the handler only adds to an atomic; no other thread changes dispositions now.
    unsafe { libc::signal(signal, disposition) };
}

/// The child: registers what `role` says, logs, and waits for the signal. Ends with 0 if the signal does not end it.
fn host(role: &str, path: &Path) {
    let handler = count as *const () as libc::sighandler_t;
    match role {
        "handler before the engine" => set(libc::SIGTERM, handler),
        "ignored before the engine" => set(libc::SIGTERM, libc::SIG_IGN),
        _ => {}
    }
    let config = Config::new().file(path);
    let mut engine = match role {
        "hangup only" => Engine::start(config.reopen_on_hangup()).unwrap(),
        "no signals" => Engine::start(config).unwrap(),
        _ => Engine::start(config.signals(true)).unwrap(),
    };
    match role {
        "handler after the engine" => set(libc::SIGTERM, handler),
        "handler of another signal" => set(libc::SIGHUP, handler),
        "restarted" => {
            engine.stop().unwrap();
            engine = Engine::start(Config::new().file(path).signals(true)).unwrap();
        }
        "stopped" => {
            info!(engine, "step", number = 0);
            engine.stop().unwrap();
            std::fs::write(path.with_extension("ready"), "").unwrap();
            return std::thread::sleep(std::time::Duration::from_secs(60));
        }
        _ => {}
    }
    info!(engine, "step", number = 0);
    std::fs::write(path.with_extension("ready"), "").unwrap();
    let is_called = || role.starts_with("ignored") || CALLS.load(Ordering::SeqCst) > 0;
    support::wait_until("the signal was handled", is_called);
    if role != "handler before the engine" {
        let is_drained = || named(&events_of(path), "step").len() == 1;
        support::wait_until("the event is drained", is_drained);
    }
    info!(engine, "step", number = 1);
}

/// Runs a child in `role`, sends it SIGTERM when it has logged, and returns its end and the numbers that it logged.
fn terminate(dir: &Path, number: usize, role: &str) -> (ExitStatus, Vec<u64>) {
    let path = dir.join(format!("{number}.log"));
    let mut process = child("a_signal_ends_only_unhandled_processes", role, &path).spawn().unwrap();
    let ready = path.with_extension("ready");
    support::wait_until("the child has logged", || ready.exists());
    let id = process.id().to_string();
    assert!(Command::new("kill").args(["-s", "TERM", &id]).status().unwrap().success());
    let status = process.wait().unwrap();
    let events = events_of(&path);
    (status, numbers(&named(&events, "step"), "number"))
}

#[test]
fn a_signal_ends_only_unhandled_processes() {
    if let Some((role, path)) = role() {
        return host(&role, &path);
    }
    let dir = tempfile::tempdir().unwrap();
    let cases = [
        // Handled by the host: it goes on, and nothing is lost.
        ("handler before the engine", true, true),
        ("handler after the engine", true, true),
        ("ignored before the engine", true, true),
        // Not handled: the engine drains, and the process ends by the signal.
        ("plain", false, true),
        ("handler of another signal", false, true),
        ("restarted", false, true),
        ("stopped", false, true),
        // Not the engine's business.
        ("hangup only", false, false),
        ("no signals", false, false),
    ];
    for (number, (role, goes_on, is_drained)) in cases.into_iter().enumerate() {
        let (status, numbers) = terminate(dir.path(), number, role);
        assert_eq!(status.success(), goes_on, "{role}: {status}");
        assert_eq!(status.signal(), (!goes_on).then_some(libc::SIGTERM), "{role}: {status}");
        let expected: &[u64] = if goes_on { &[0, 1] } else { &[0] };
        if is_drained {
            assert_eq!(numbers, expected, "{role}");
        }
    }
}

/// Takes its time for each line.
struct Slow(std::fs::File);

impl Sink for Slow {
    fn name(&self) -> &str {
        "slow"
    }

    fn write(&mut self, lines: Lines<'_>, _now: Now) -> Result<(), WriteError> {
        for line in lines.bytes().split_inclusive(|byte| *byte == b'\n') {
            std::thread::sleep(std::time::Duration::from_millis(50));
            self.0.write_all(line).unwrap();
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

/// The engine that is drained first must not end the process before the other one is.
#[test]
fn all_engines_drain_before_the_end() {
    if let Some((_, path)) = role() {
        let file = std::fs::File::create(&path).unwrap();
        let slow = Config::new().output(Output::custom(Slow(file))).signals(true);
        let slow_engine = Engine::start(slow).unwrap();
        let fast = path.with_extension("fast");
        let fast_engine = Engine::start(Config::new().file(&fast).signals(true)).unwrap();
        (0..20).for_each(|number| info!(slow_engine, "step", number));
        info!(fast_engine, "step", number = 0);
        let id = std::process::id().to_string();
        assert!(Command::new("kill").args(["-s", "TERM", &id]).status().unwrap().success());
        return std::thread::sleep(std::time::Duration::from_secs(60));
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("slow.log");
    let output = child("all_engines_drain_before_the_end", "end", &path).output().unwrap();
    assert_eq!(output.status.signal(), Some(libc::SIGTERM));
    let written = numbers(&named(&events_of(&path), "step"), "number");
    assert_eq!(written, (0..20).collect::<Vec<_>>());
}
