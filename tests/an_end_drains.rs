//! However a process or an engine ends, events logged before are in the file. The processes are this test binary again,
//! in a role.
mod support;

use std::path::Path;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use ringseal::{Config, Engine, InitError, debug, info};
use support::{child, events_of, named, numbers, role};

const EVENTS: u64 = 3000;

fn start(path: &Path) -> Engine {
    ringseal::init(Config::new().file(path)).unwrap()
}

fn log_all() {
    for number in 0..EVENTS {
        info!("step", number);
    }
}

/// Runs `test` in `role` and returns its exit status and standard error.
fn run(test: &str, role: &str, path: &Path) -> (ExitStatus, String) {
    let mut command = child(test, role, path);
    let output = command.stderr(std::process::Stdio::piped()).output().unwrap();
    (output.status, String::from_utf8_lossy(&output.stderr).into_owned())
}

fn assert_all_there(path: &Path, role: &str) {
    let events = events_of(path);
    assert_eq!(
        numbers(&named(&events, "step"), "number"),
        (0..EVENTS).collect::<Vec<_>>(),
        "{role}"
    );
}

fn assert_panic_is_reported(path: &Path, panicked: bool, role: &str) {
    let events = events_of(path);
    let reported = named(&events, "ringseal.panicked");
    assert_eq!(reported.len(), usize::from(panicked), "{role}: {reported:?}");
    for event in reported {
        assert_eq!(event["level"], "error");
        assert_eq!(
            (&event["error"]["type"], &event["error"]["message"]),
            (&"panic".into(), &"the end".into())
        );
        assert!(event["location"].as_str().unwrap().contains("an_end_drains.rs:"), "{event}");
    }
}

/// What the child does in each role, and how it ends.
fn end(role: &str, path: &Path) {
    match role {
        "drop" => {
            let engine = start(path);
            log_all();
            drop(engine);
        }
        "exit after drop" => {
            let engine = start(path);
            log_all();
            drop(engine);
            std::process::exit(3);
        }
        "panic with the guard in scope" => {
            let _engine = start(path);
            log_all();
            panic!("the end");
        }
        "panic of a thread, then exit without a drop" => {
            std::mem::forget(start(path));
            std::thread::spawn(|| {
                log_all();
                panic!("the end");
            })
            .join()
            .unwrap_err();
            std::process::exit(3);
        }
        // The effect of `panic = "abort"`: nothing runs after the hook.
        "abort after the panic hook" => {
            std::mem::forget(start(path));
            let hook = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                hook(info);
                std::process::abort();
            }));
            log_all();
            panic!("the end");
        }
        "panic inside a value" => {
            struct Bad;
            impl std::fmt::Display for Bad {
                fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    panic!("the end")
                }
            }
            let _engine = start(path);
            log_all();
            info!("bad", value = %Bad);
        }
        other => panic!("no such role: {other}"),
    }
}

#[test]
fn every_orderly_end_drains() {
    if let Some((role, path)) = role() {
        return end(&role, &path);
    }
    let dir = tempfile::tempdir().unwrap();
    for (number, (role, code)) in [
        ("drop", Some(0)),
        ("exit after drop", Some(3)),
        ("panic with the guard in scope", Some(101)),
        ("panic of a thread, then exit without a drop", Some(3)),
        ("abort after the panic hook", None),
        ("panic inside a value", Some(101)),
    ]
    .into_iter()
    .enumerate()
    {
        let path = dir.path().join(format!("{number}.log"));
        let (status, stderr) = run("every_orderly_end_drains", role, &path);
        assert_eq!(status.code(), code, "{role}: {status} {stderr}");
        assert_all_there(&path, role);
        let panicked = role.contains("panic");
        assert_eq!(stderr.contains("the end"), panicked, "{role}: the panic's message stays");
        assert_panic_is_reported(&path, panicked, role);
    }
}

/// A process that was started in the background ignores SIGINT, and so do its children; the engine respects that.
#[cfg(feature = "signals")]
fn with_default_signals(command: std::process::Command) -> std::process::Command {
    let mut with = std::process::Command::new("env");
    with.arg("--default-signal=INT,TERM").arg(command.get_program()).args(command.get_args());
    with.envs(command.get_envs().filter_map(|(key, value)| Some((key, value?))));
    with.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped());
    with
}

#[cfg(feature = "signals")]
#[test]
fn a_signal_drains_and_ends_the_process() {
    use std::os::unix::process::ExitStatusExt;
    if let Some((_, path)) = role() {
        let config = Config::new().file(&path).signals(true);
        std::mem::forget(ringseal::init(config).unwrap());
        log_all();
        std::fs::write(path.with_extension("ready"), "").unwrap();
        std::thread::sleep(Duration::from_secs(60));
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for (name, number) in [("TERM", 15), ("INT", 2)] {
        let path = dir.path().join(format!("{name}.log"));
        let test = "a_signal_drains_and_ends_the_process";
        let mut process = with_default_signals(child(test, name, &path)).spawn().unwrap();
        let ready = path.with_extension("ready");
        support::wait_until("the child has logged", || ready.exists());
        send(name, process.id());
        let status = process.wait().unwrap();
        assert_eq!(status.signal(), Some(number), "{status}");
        assert_all_there(&path, name);
    }
}

#[cfg(feature = "signals")]
#[test]
fn a_hangup_reopens_the_file() {
    if let Some((_, path)) = role() {
        let config = Config::new().file(&path).signals(true);
        let engine = ringseal::init(config).unwrap();
        info!("before");
        engine.flush().unwrap();
        std::fs::rename(&path, path.with_extension("moved")).unwrap();
        std::fs::write(path.with_extension("ready"), "").unwrap();
        support::wait_until("the file is there again", || path.exists());
        info!("after");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    let mut process = child("a_hangup_reopens_the_file", "HUP", &path).spawn().unwrap();
    let ready = path.with_extension("ready");
    support::wait_until("the child has renamed its file", || ready.exists());
    send("HUP", process.id());
    assert!(process.wait().unwrap().success());
    assert_eq!(named(&events_of(&path.with_extension("moved")), "before").len(), 1);
    assert_eq!(named(&events_of(&path), "after").len(), 1);
}

#[cfg(feature = "signals")]
fn send(signal: &str, process: u32) {
    let mut kill = std::process::Command::new("kill");
    assert!(kill.args(["-s", signal, &process.to_string()]).status().unwrap().success());
}

/// One test for everything that needs the global engine of this process.
#[test]
fn the_global_engine_is_unique_and_replaceable() {
    let dir = tempfile::tempdir().unwrap();
    let path = |number: u32| dir.path().join(format!("{number}.log"));
    let first = start(&path(1));
    info!("step", number = 1);
    match ringseal::init(Config::new().file(path(1))) {
        Err(error @ InitError::AlreadyInitialised) => {
            assert!(error.to_string().contains("already"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    info!("step", number = 2);
    // A separate engine beside it, on the same threads.
    let beside = Engine::start(Config::new().file(path(2))).unwrap();
    info!(beside, "step", number = 3);
    info!("step", number = 4);
    first.flush().unwrap();
    beside.flush().unwrap();
    let of_first = events_of(&path(1));
    assert_eq!(named(&of_first, "logging.configured").len(), 1, "{of_first:?}");
    assert_eq!(numbers(&named(&of_first, "step"), "number"), [1, 2, 4]);
    assert_eq!(numbers(&named(&events_of(&path(2)), "step"), "number"), [3]);
    let logger_of_first = first.logger();
    drop(first);
    info!("step", number = 5);
    for round in 10..15 {
        let again = start(&path(round));
        info!("step", number = 6);
        // The logger of a dropped engine reaches no other engine.
        info!(logger_of_first, "step", number = 7);
        info!("step", number = 8);
        info!(beside, "step", number = 9);
        drop(again);
        assert_eq!(numbers(&named(&events_of(&path(round)), "step"), "number"), [6, 8]);
    }
    beside.stop().unwrap();
    assert_eq!(numbers(&named(&events_of(&path(2)), "step"), "number"), [3, 9, 9, 9, 9, 9]);
    assert_eq!(events_of(&path(1)).len(), of_first.len());
}

#[test]
fn any_number_of_engines_drains() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: usize| dir.path().join(format!("{name}.log"));
    let start = |name| Engine::start(Config::new().ring_bytes(4096).file(path(name))).unwrap();
    let engines: Vec<Engine> = (0..70).map(start).collect();
    for round in 0..3 {
        for (number, engine) in engines.iter().enumerate() {
            info!(engine, "step", number = number * 10 + round);
            debug!(engine, "below the level");
        }
    }
    drop(engines);
    for number in 0..70u64 {
        let events = events_of(&path(number as usize));
        let expected = [0, 1, 2].map(|round| number * 10 + round);
        assert_eq!(numbers(&named(&events, "step"), "number"), expected);
    }
}

#[test]
fn a_failed_start_leaves_nothing_running() {
    let dir = tempfile::tempdir().unwrap();
    // There is a directory in place of the file.
    let path = dir.path().join("app.log");
    std::fs::create_dir(&path).unwrap();
    for _ in 0..40 {
        let error = Engine::start(Config::new().file(&path)).unwrap_err();
        assert!(matches!(error, InitError::Sink(_)), "{error}");
        assert!(error.to_string().contains("app.log"), "{error}");
    }
}

#[test]
fn a_forked_child_neither_hangs_nor_writes() {
    forked::parent();
}

mod forked {
    #![allow(unsafe_code, reason = "fork is what is tested")]

    use super::*;

    /// The forked child's work; its result is its exit code.
    fn child(engine: Engine) -> i32 {
        let start = Instant::now();
        for number in 0..20_000 {
            info!(engine, "in_the_child", number);
        }
        let flushed = engine.flush();
        let synced = engine.sync();
        drop(engine);
        let is_quick = start.elapsed() < Duration::from_secs(3);
        let forked = Err(ringseal::FlushError::Forked);
        i32::from(!is_quick) * 2 + i32::from(flushed != forked || synced != forked) * 4
    }

    pub fn parent() {
        if let Some((_, path)) = role() {
            let config = Config::new().file(&path).ring_bytes(64 << 10);
            #[cfg(feature = "signals")]
            let config = config.signals(true);
            let engine = Engine::start(config).unwrap();
            info!(engine, "before");
            // SAFETY: the child only runs `child` and ends by `_exit`; this process runs one test, on this thread.
            let process = unsafe { libc::fork() };
            if process == 0 {
                let code = child(engine);
                // SAFETY: ends this process at once.
                unsafe { libc::_exit(code) };
            }
            let mut status = 0;
            // SAFETY: `status` is a valid place; `process` is our child.
            let waited = unsafe { libc::waitpid(process, &raw mut status, 0) };
            info!(engine, "after", is_ours = waited == process, status);
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("app.log");
        let (status, stderr) = run("a_forked_child_neither_hangs_nor_writes", "fork", &path);
        assert!(status.success(), "{status} {stderr}");
        let events = events_of(&path);
        assert_eq!(named(&events, "before").len(), 1);
        assert_eq!(named(&events, "in_the_child").len(), 0);
        let after = named(&events, "after");
        assert_eq!((&after[0]["is_ours"], &after[0]["status"]), (&true.into(), &0.into()));
    }
}
