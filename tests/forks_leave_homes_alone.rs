//! A process with a running engine forks. The child logs with the parent's engine, ends or goes on, or is replaced by
//! another program: the parent's log has all of the parent's events and none of the child's, and a killed parent is
//! recovered while its child still lives. The processes are this test program again, in a role.
#![cfg(target_os = "linux")]
#![allow(unsafe_code, reason = "fork is what is tested")]
#[path = "support/disaster.rs"]
mod disaster;
mod support;

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use disaster::{Child, Noted, Place, TestDir, kill, log_numbers, log_on_threads, spawn, wait};
use ringseal::{Engine, info};

const COUNT: u64 = 300;
const CHILD_COUNT: u64 = 20_000;

fn fork() -> i32 {
    // SAFETY: the child logs, makes system calls and ends by `_exit` or a signal.
    let process = unsafe { libc::fork() };
    assert!(process >= 0, "{}", std::io::Error::last_os_error());
    process
}

fn exit_at_once(code: i32) -> ! {
    // SAFETY: ends this process at once.
    unsafe { libc::_exit(code) }
}

/// The status of a forked child after its end.
fn wait_for(process: i32) -> i32 {
    let mut status = 0;
    // SAFETY: `status` is a valid place; `process` is our child.
    let waited = unsafe { libc::waitpid(process, &raw mut status, 0) };
    assert_eq!(waited, process);
    status
}

fn log_in_child(engine: &Engine) {
    for number in 0..CHILD_COUNT {
        info!(engine, "in_the_child", number);
    }
}

/// The parent's part of a test, up to its end.
fn as_parent(work: fn(&Engine, &Noted)) -> bool {
    let Some((role, dir)) = support::role() else { return false };
    let place = Place::at(&dir);
    let noted = Noted::create(&place, 0);
    let engine = Engine::start(place.config(0)).expect("a start");
    work(&engine, &noted);
    if role == "killed" {
        // SAFETY: takes no memory.
        unsafe { libc::raise(libc::SIGKILL) };
    }
    engine.stop().expect("the end");
    true
}

/// Parents that end in order leave no home; those that are killed leave one that is recovered.
fn has_only_the_parents_events(test: &str) {
    for role in ["stopped", "killed"] {
        let dir = TestDir::new();
        let status = wait(&mut spawn(test, role, &dir));
        assert_eq!(status.success(), role == "stopped", "{role}: {status}");
        assert_eq!(dir.homes().len(), usize::from(role == "killed"), "{role}");
        let life = dir.life(0);
        assert!(life.1.iter().sum::<u64>() >= COUNT, "{life:?}");
        dir.recover_all(&[life]);
        let events = support::events_of_all_segments(&dir.log());
        assert!(support::named(&events, "in_the_child").is_empty(), "{role}");
    }
}

#[test]
fn a_childs_events_are_not_its_parents() {
    let is_parent = as_parent(|engine, noted| {
        log_numbers(engine, noted, (0, 0), 0..COUNT);
        let process = fork();
        if process == 0 {
            log_in_child(engine);
            exit_at_once(0);
        }
        // At the same time.
        log_numbers(engine, noted, (0, 0), COUNT..4 * COUNT);
        assert_eq!(wait_for(process), 0);
        log_numbers(engine, noted, (0, 0), 4 * COUNT..5 * COUNT);
    });
    if !is_parent {
        has_only_the_parents_events("a_childs_events_are_not_its_parents");
    }
}

/// Also its new threads, and what it drops.
#[test]
fn a_child_with_threads_leaves_homes_alone() {
    let is_parent = as_parent(|engine, noted| {
        log_on_threads(engine, noted, 0, 2, COUNT);
        let process = fork();
        if process == 0 {
            std::thread::scope(|scope| {
                (0..3).for_each(|_| drop(scope.spawn(|| log_in_child(engine))));
            });
            drop(engine.logger());
            exit_at_once(0);
        }
        assert_eq!(wait_for(process), 0);
        log_numbers(engine, noted, (0, 2), 0..COUNT);
    });
    if !is_parent {
        has_only_the_parents_events("a_child_with_threads_leaves_homes_alone");
    }
}

/// Forks while an event is being written to the ring.
struct Forks;

impl std::fmt::Display for Forks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("half of the value, ")?;
        let process = fork();
        if process != 0 {
            assert_eq!(wait_for(process), 0);
        }
        write!(f, "of {}", if process == 0 { "the child" } else { "the parent" })
    }
}

#[test]
fn a_fork_inside_a_value_is_survived() {
    let is_parent = as_parent(|engine, noted| {
        let parent = std::process::id();
        log_numbers(engine, noted, (0, 0), 0..COUNT);
        info!(engine, "forked", value = %Forks);
        if std::process::id() != parent {
            log_in_child(engine);
            exit_at_once(0);
        }
        log_numbers(engine, noted, (0, 0), COUNT..2 * COUNT);
        info!(engine, "forked", value = "afterwards");
    });
    if is_parent {
        return;
    }
    let test = "a_fork_inside_a_value_is_survived";
    has_only_the_parents_events(test);
    let dir = TestDir::new();
    wait(&mut spawn(test, "killed", &dir));
    dir.recover_all(&[dir.life(0)]);
    let events = support::events_of_all_segments(&dir.log());
    let forked = support::named(&events, "forked");
    let values: Vec<_> = forked.iter().map(|event| event["value"].as_str().unwrap()).collect();
    assert_eq!(values, ["half of the value, of the parent", "afterwards"]);
}

/// A process made by the bare system call does not run the handlers of forks; it may end, and must change nothing.
#[test]
fn a_bare_clone_changes_nothing() {
    let is_parent = as_parent(|engine, noted| {
        log_numbers(engine, noted, (0, 0), 0..COUNT);
        // SAFETY: without flags, the call is a fork; the child logs and ends by `_exit` or a signal.
        let process = unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) };
        if process == 0 {
            log_in_child(engine);
            exit_at_once(0);
        }
        wait_for(i32::try_from(process).unwrap());
        log_numbers(engine, noted, (0, 0), COUNT..2 * COUNT);
    });
    if !is_parent {
        has_only_the_parents_events("a_bare_clone_changes_nothing");
    }
}

/// Sends each line back, until there is no writer.
fn echo_lines() {
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { return };
        let _ = writeln!(std::io::stderr(), "{line}");
    }
}

#[test]
fn an_orphan_does_not_keep_the_home() {
    if let Some((_, dir)) = support::role() {
        let place = Place::at(&dir);
        let noted = Noted::create(&place, 0);
        let engine = Engine::start(place.config(0)).expect("a start");
        log_numbers(&engine, &noted, (0, 0), 0..COUNT);
        if fork() == 0 {
            log_in_child(&engine);
            echo_lines();
            exit_at_once(0);
        }
        log_numbers(&engine, &noted, (0, 0), COUNT..u64::MAX);
        return;
    }
    let dir = TestDir::new();
    let mut command = support::child("an_orphan_does_not_keep_the_home", "parent", &dir.dir);
    let command = disaster::quiet(&mut command).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut parent = Child(command.spawn().unwrap());
    let mut to_orphan = parent.stdin.take().unwrap();
    let mut answers = BufReader::new(parent.stderr.take().unwrap());
    let mut assert_orphan_lives = || {
        writeln!(to_orphan, "are you there?").unwrap();
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        assert_eq!(line, "are you there?\n");
    };
    assert_orphan_lives();
    kill(&mut parent);
    assert_orphan_lives();
    dir.recover_all(&[dir.life(0)]);
    assert_orphan_lives();
    let events = support::events_of_all_segments(&dir.log());
    assert!(support::named(&events, "in_the_child").is_empty());
}

/// Another program in the same process: its locks are gone, and the next start recovers.
#[test]
fn a_process_that_becomes_another_is_recovered() {
    let test = "a_process_that_becomes_another_is_recovered";
    if let Some((_, dir)) = support::role() {
        let place = Place::at(&dir);
        let config = place.config(0).event_hook(|event| {
            while event.name() == "stuck" {
                std::thread::park();
            }
        });
        let noted = Noted::create(&place, 0);
        let engine = Engine::start(config).expect("a start");
        info!(engine, "stuck");
        log_on_threads(&engine, &noted, 0, 2, COUNT);
        panic!("{}", Command::new("cat").exec());
    }
    let dir = TestDir::new();
    let mut child = support::child(test, "becomes another", &dir.dir);
    let child = child.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = Child(child.spawn().unwrap());
    let mut to_cat = child.stdin.take().unwrap();
    writeln!(to_cat, "it is cat").unwrap();
    let mut from_cat = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(from_cat.any(|line| line.unwrap().ends_with("it is cat")));
    assert!(Path::new("/proc").join(child.id().to_string()).exists());
    let report = dir.recover_all(&[dir.life(0)]);
    assert!(report.lines() >= 2 * COUNT, "{report:?}");
    drop(to_cat);
    assert!(wait(&mut child).success());
}
