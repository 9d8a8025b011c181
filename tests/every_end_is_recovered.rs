//! A process that logs ends in each of the ways in which a process can end. Every event that a log call returned from
//! is in the log, once, after the next start. The processes are this test program again, in a role: the name of an end.
//!
//! Each end happens twice: while the writer writes, and while it is stuck, so that all events are still in the rings.
#![cfg(target_os = "linux")]
#![allow(unsafe_code, reason = "signals and faults are what is tested")]
#[path = "support/disaster.rs"]
mod disaster;
mod support;

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use disaster::{Noted, Place, TestDir, log_numbers, log_on_threads, spawn, wait};
use ringseal::{Engine, info};

const THREADS: usize = 2;
const COUNT: u64 = 400;

/// What a child does when it has logged.
type End = fn(Engine, Noted);

/// A child starts, logs and ends; the test recovers what it has left.
fn survives(test: &str, end: End, is_expected: fn(ExitStatus) -> bool) {
    if let Some((role, dir)) = support::role() {
        live(&Place::at(&dir), role == "stuck", end);
        return;
    }
    for role in ["stuck", "writing"] {
        let dir = TestDir::new();
        let status = wait(&mut spawn(test, role, &dir));
        assert!(is_expected(status), "{role}: {status}");
        let life = dir.life(0);
        assert!(life.1.iter().sum::<u64>() >= COUNT * THREADS as u64, "{role}: {life:?}");
        let report = dir.recover_all(&[life]);
        if role == "stuck" {
            assert!(report.lines() >= COUNT * THREADS as u64, "{report:?}");
            let run = &report.runs[0];
            assert_eq!((run.lines_maybe_repeated, run.lost), (0, 0), "{report:?}");
            let is_in_order = run.from_unix_nanos > 0 && run.from_unix_nanos <= run.to_unix_nanos;
            assert!(is_in_order, "{report:?}");
        }
    }
}

fn live(place: &Place, is_stuck: bool, end: End) {
    without_core_files();
    let mut config = place.config(0);
    if is_stuck {
        config = config.event_hook(|event| {
            while event.name() == "stuck" {
                std::thread::park();
            }
        });
    }
    let noted = Noted::create(place, 0);
    let engine = Engine::start(config).expect("a start");
    info!(engine, "stuck");
    log_on_threads(&engine, &noted, 0, THREADS, COUNT);
    end(engine, noted);
}

fn without_core_files() {
    let limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is that of a value of the right type.
    unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const limit) };
}

/// Sends a signal to this process.
fn raise(signal: i32) {
    // SAFETY: takes no memory.
    unsafe { libc::raise(signal) };
}

fn by_signal<const SIGNAL: i32>(status: ExitStatus) -> bool {
    status.signal() == Some(SIGNAL)
}

#[test]
fn a_segmentation_fault_is_recovered() {
    let end: End = |_engine, _| {
        let nowhere = std::hint::black_box(8_usize) as *const u8;
        // SAFETY: there is none: the fault is what is tested.
        unsafe { nowhere.read_volatile() };
    };
    survives("a_segmentation_fault_is_recovered", end, by_signal::<{ libc::SIGSEGV }>);
}

#[test]
fn an_abort_is_recovered() {
    survives("an_abort_is_recovered", |_, _| std::process::abort(), by_signal::<{ libc::SIGABRT }>);
}

/// As with `panic = "abort"`: the hooks run, and nothing is unwound.
#[test]
fn a_panic_that_aborts_is_recovered() {
    let end: End = |_engine, _| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            before(info);
            std::process::abort();
        }));
        panic!("this panic ends the process");
    };
    survives("a_panic_that_aborts_is_recovered", end, by_signal::<{ libc::SIGABRT }>);
}

#[test]
fn a_stack_overflow_is_recovered() {
    fn sink_deeper(depth: u64) -> u64 {
        let space = std::hint::black_box([depth; 256]);
        if depth == u64::MAX { 0 } else { sink_deeper(depth + 1) + space[1] }
    }
    let end: End = |engine, noted| {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                log_numbers(&engine, &noted, (0, THREADS), 0..COUNT);
                sink_deeper(0)
            });
        });
    };
    survives("a_stack_overflow_is_recovered", end, by_signal::<{ libc::SIGABRT }>);
}

#[test]
fn an_exit_with_full_rings_is_recovered() {
    let test = "an_exit_with_full_rings_is_recovered";
    survives(test, |_engine, _| std::process::exit(7), |status| status.code() == Some(7));
}

#[test]
fn an_exit_without_handlers_is_recovered() {
    let test = "an_exit_without_handlers_is_recovered";
    // SAFETY: ends this process at once.
    survives(test, |_engine, _| unsafe { libc::_exit(7) }, |status| status.code() == Some(7));
}

#[test]
fn a_termination_signal_is_recovered() {
    let test = "a_termination_signal_is_recovered";
    survives(test, |_engine, _| raise(libc::SIGTERM), by_signal::<{ libc::SIGTERM }>);
}

#[test]
fn a_kill_is_recovered() {
    survives("a_kill_is_recovered", |_, _| raise(libc::SIGKILL), by_signal::<{ libc::SIGKILL }>);
}

#[test]
fn a_leaked_engine_is_recovered() {
    let test = "a_leaked_engine_is_recovered";
    survives(test, |engine, _| std::mem::forget(engine), |status| status.success());
}

/// A drop waits for the writer at most as long as is configured.
#[test]
fn a_drop_that_times_out_is_recovered() {
    let test = "a_drop_that_times_out_is_recovered";
    survives(test, |engine, _| drop(engine), |status| status.success());
}

/// The thread that logs is killed together with the others while it is in the middle of an event.
#[test]
fn an_end_inside_a_value_is_recovered() {
    struct Ends;
    impl std::fmt::Display for Ends {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("half of the value")?;
            raise(libc::SIGKILL);
            Ok(())
        }
    }
    let end: End = |engine, _| info!(engine, "half", value = %Ends);
    survives("an_end_inside_a_value_is_recovered", end, by_signal::<{ libc::SIGKILL }>);
}
