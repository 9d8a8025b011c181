//! A process is killed at its k-th system call, for many k: over a whole short life (start, events on two threads with
//! rotations, flush, stop), and while it recovers what another one has left. Each time the next start brings the log in
//! order: every event that a log call returned from, once.
//!
//! The default form takes a sample of the calls, `RINGSEAL_TEST_EACH_CALL=1` each of them. `strace` kills the process;
//! without it, the tests print that they are skipped.
#![cfg(target_os = "linux")]
#[path = "support/disaster.rs"]
mod disaster;
mod support;

use std::path::Path;
use std::process::{Command, ExitStatus};

use disaster::{Child, Noted, Place, TestDir, log_on_threads, number_from_env, spawn, wait};
use ringseal::sink::file::FileConfig;
use ringseal::{Config, Engine, Output, info};

const THREADS: usize = 2;
/// Events of each thread.
const COUNT: u64 = 25;
/// Calls of a sample.
const SAMPLES: u64 = 60;

fn config(place: &Place, life: u64) -> Config {
    let file = FileConfig::new(place.log()).retain_segments_max(None).rotate_bytes_max(4_000);
    place.config_with(life, Output::file(file)).shutdown_timeout(disaster::PATIENCE)
}

/// A short life: all calls of the engine.
fn live(place: &Place, life: u64) {
    let noted = Noted::create(place, life);
    let (engine, _) = place.recovering(config(place, life));
    log_on_threads(&engine, &noted, life, THREADS, COUNT);
    engine.flush().expect("written");
    engine.stop().expect("the end");
}

/// A life whose writer is stuck, so that all of its events have to be recovered.
fn live_stuck(place: &Place) {
    let noted = Noted::create(place, 0);
    let config = config(place, 0).event_hook(|event| {
        while event.name() == "stuck" {
            std::thread::park();
        }
    });
    let engine = Engine::start(config).expect("a start");
    log_on_threads(&engine, &noted, 0, THREADS, 4 * COUNT);
    engine.flush().expect("written");
    info!(engine, "stuck");
    log_on_threads(&engine, &noted, 0, THREADS, 0);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let numbers = 4 * COUNT..8 * COUNT;
            let (engine, noted) = (&engine, &noted);
            scope.spawn(move || disaster::log_numbers(engine, noted, (0, thread), numbers));
        }
    });
    std::process::abort();
}

/// Plays a role, in a child.
fn is_child() -> bool {
    let Some((role, dir)) = support::role() else { return false };
    let place = Place::at(&dir);
    match role.as_str() {
        "stuck" => live_stuck(&place),
        "life" => live(&place, 1),
        other => panic!("{other}"),
    }
    true
}

fn has_strace() -> bool {
    let output = Command::new("strace").args(["-o", "/dev/null", "true"]).output();
    let is_there = output.is_ok_and(|output| output.status.success());
    if !is_there {
        println!("skipped: strace is missing, or may not trace");
    }
    is_there
}

/// A life under `strace` with these arguments.
fn traced(test: &str, place: &Place, arguments: &[String]) -> ExitStatus {
    let child = support::child(test, "life", &place.dir);
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o"]).arg(place.dir.join("trace")).args(arguments);
    command.arg(child.get_program()).args(child.get_args());
    for (name, value) in child.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    wait(&mut Child(disaster::quiet(&mut command).spawn().unwrap()))
}

/// The calls that change what is on the disk or in memory shared with it, or that are near to those.
const CALLS: &[&str] = &[
    "openat",
    "write",
    "writev",
    "pwrite64",
    "pwritev",
    "mmap",
    "munmap",
    "madvise",
    "fallocate",
    "ftruncate",
    "linkat",
    "link",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
    "rmdir",
    "fcntl",
    "close",
    "fsync",
    "fdatasync",
    "statx",
    "getdents64",
    "read",
    "pread64",
    "clone3",
    "futex",
    "fchmod",
    "fstat",
    "newfstatat",
    "lseek",
];

/// How often each call is made in a life, by the trace of one.
fn calls_of(trace: &Path) -> Vec<(&'static str, u64)> {
    let text = std::fs::read_to_string(trace).expect("a trace");
    let count = |call: &&'static str| {
        let begins = |line: &&str| {
            let call_text = line.split_once(' ').map_or("", |(_, rest)| rest.trim_start());
            call_text.strip_prefix(call).is_some_and(|rest| rest.starts_with('('))
        };
        (*call, text.lines().filter(begins).count() as u64)
    };
    CALLS.iter().map(count).filter(|(_, count)| *count > 0).collect()
}

/// The calls at which to kill: all, or a sample that is spread over them.
fn kills(calls: &[(&'static str, u64)]) -> Vec<(&'static str, u64)> {
    let all: Vec<(&'static str, u64)> =
        calls.iter().flat_map(|(call, count)| (1..=*count).map(|when| (*call, when))).collect();
    if number_from_env("RINGSEAL_TEST_EACH_CALL", 0) > 0 {
        return all;
    }
    let step = (all.len() as u64 / SAMPLES).max(1);
    // Another sample at each run.
    let start = u64::from(std::process::id()) % step;
    all.into_iter().skip(start as usize).step_by(step as usize).collect()
}

/// Kills a life at each of its calls, in a place that `prepare` has made.
fn kill_at_calls(test: &str, prepare: fn(&str, &Place)) {
    if is_child() || !has_strace() {
        return;
    }
    let dir = TestDir::new();
    prepare(test, &dir);
    assert!(traced(test, &dir, &["-e".into(), "trace=all".into()]).success());
    let calls = calls_of(&dir.dir.join("trace"));
    let kills = kills(&calls);
    assert!(kills.len() > 30, "{calls:?}");
    let mut killed = 0;
    for (call, when) in &kills {
        let dir = TestDir::new();
        prepare(test, &dir);
        let inject = format!("inject={call}:signal=SIGKILL:when={when}");
        let arguments = ["-e".into(), format!("trace={call}"), "-e".into(), inject.clone()];
        killed += u64::from(!traced(test, &dir, &arguments).success());
        let lives = [dir.life(0), dir.life(1)];
        println!("{inject}: {lives:?}");
        dir.recover_all(&lives);
    }
    // Calls are counted for each thread, so the last ones of all may be no thread's.
    assert!(killed * 5 > kills.len() as u64, "{killed} of {} were killed", kills.len());
}

#[test]
fn a_life_may_end_at_each_call() {
    kill_at_calls("a_life_may_end_at_each_call", |_, _| ());
}

#[test]
fn a_recovery_may_end_at_each_call() {
    kill_at_calls("a_recovery_may_end_at_each_call", |test, place| {
        wait(&mut spawn(test, "stuck", place));
        assert_eq!(place.homes().len(), 1);
    });
}

/// Kills several recoveries after each other, at different calls.
#[test]
fn recoveries_may_end_again_and_again() {
    let test = "recoveries_may_end_again_and_again";
    if is_child() || !has_strace() {
        return;
    }
    let dir = TestDir::new();
    wait(&mut spawn(test, "stuck", &dir));
    let stuck = dir.life(0);
    let mut lives = vec![stuck];
    for when in (1..80).step_by(9) {
        let inject = format!("inject=pwrite64,write,writev:signal=SIGKILL:when={when}");
        traced(
            test,
            &dir,
            &["-e".into(), "trace=pwrite64,write,writev".into(), "-e".into(), inject],
        );
        // The next child is the same life again, in a page of its own.
        let noted = dir.life(1);
        if noted.1.iter().sum::<u64>() > 0 {
            lives.push(noted);
            break;
        }
        let _ = std::fs::remove_file(dir.dir.join("noted-1"));
    }
    dir.recover_all(&lives);
}
