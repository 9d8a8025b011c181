//! The disk of the log is full while a killed run is recovered: the events stay in the home until a start has room for
//! them, and are in the log once. The disk is a limit of the size of files, set by `prlimit`; without it, the tests
//! print that they are skipped. The processes are this test program again, in a role.
#![cfg(target_os = "linux")]
#[path = "support/disaster.rs"]
mod disaster;
#[path = "support/stuck_run.rs"]
mod stuck_run;
mod support;

use std::process::Command;
use std::time::Duration;

use disaster::{Child, PATIENCE, Place, TestDir, wait};
use ringseal::{Engine, Recovery, info};
use stuck_run::leave_home;

/// Rings and call sites fit into files of this size.
const LOG_BYTES: usize = 1 << 20;

fn is_child() -> bool {
    let Some((role, dir)) = support::role() else { return false };
    let place = Place::at(&dir);
    let config = place.config(0);
    if role == "stuck" {
        // The limit is on the length of a file, so the log begins with lines of others.
        let line =
            format!("{{\"event\":\"of another program\",\"text\":\"{}\"}}\n", "x".repeat(900));
        std::fs::write(place.log(), line.repeat(LOG_BYTES / line.len() + 1)).expect("a log");
        stuck_run::log_until_killed(&place, config);
    }
    let config = place.config(1).shutdown_timeout(Duration::from_secs(2));
    let engine = Engine::start(config.recovery(Recovery::Wait(PATIENCE))).expect("a start");
    if role == "room again" {
        let pid = format!("--pid={}", std::process::id());
        let lifted = Command::new("prlimit").args([&pid, "--fsize=unlimited"]).status();
        assert!(lifted.expect("a program").success());
    }
    // Lines of many lengths, which must not be taken for those that are to be recovered.
    for number in 0..300_usize {
        info!(engine, "mine", number, text = "x".repeat(number % 150).as_str());
    }
    let _ = engine.flush();
    let _ = engine.stop();
    true
}

/// A start whose log may become this much longer.
fn start_with_room(test: &str, role: &str, place: &Place, bytes: u64) {
    let child = support::child(test, role, &place.dir);
    let limit = std::fs::metadata(place.log()).unwrap().len() + bytes;
    let mut command = Command::new("prlimit");
    command.arg(format!("--fsize={limit}:unlimited")).arg(child.get_program());
    command.args(child.get_args());
    for (name, value) in child.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let status = wait(&mut Child(disaster::quiet(&mut command).spawn().unwrap()));
    assert!(status.success(), "{status}");
}

fn has_prlimit() -> bool {
    let output = Command::new("prlimit").args(["--fsize=1000000", "true"]).output();
    let is_there = output.is_ok_and(|output| output.status.success());
    if !is_there {
        println!("skipped: prlimit is missing");
    }
    is_there
}

fn check(place: &Place) {
    let events = support::events_of_all_segments(&place.log());
    let ticks: Vec<_> = events.into_iter().filter(|event| event["event"] == "tick").collect();
    disaster::check(&ticks, &[place.life(0)]).unwrap();
}

#[test]
fn a_full_disk_delays_recovery() {
    let test = "a_full_disk_delays_recovery";
    if is_child() || !has_prlimit() {
        return;
    }
    for room in [0, 1_000, 10_000, 30_000] {
        let dir = TestDir::new();
        leave_home(test, "stuck", &dir);
        start_with_room(test, "start", &dir, room);
        let report = dir.recover(2);
        assert!(report.left.is_empty(), "{room}: {report:?}");
        check(&dir);
        // The start stopped while its own lines had no room either.
        let events = support::events_of_all_segments(&dir.log());
        let mine = support::numbers(&support::named(&events, "mine"), "number");
        assert!(mine.into_iter().eq(0..300), "{room}");
        assert!(dir.homes().is_empty(), "{room}");
    }
}

/// The run whose recovery has failed goes on, and writes lines as long as those that are missing.
#[test]
fn later_lines_are_not_the_missing_ones() {
    let test = "later_lines_are_not_the_missing_ones";
    if is_child() || !has_prlimit() {
        return;
    }
    for room in [0, 900, 10_000] {
        let dir = TestDir::new();
        leave_home(test, "stuck", &dir);
        start_with_room(test, "room again", &dir, room);
        let events = support::events_of_all_segments(&dir.log());
        assert_eq!(support::named(&events, "mine").len(), 300, "{room}");
        let report = dir.recover(2);
        assert!(report.left.is_empty(), "{room}: {report:?}");
        check(&dir);
        assert!(dir.homes().is_empty(), "{room}");
    }
}

/// A disk that stays full does not use up the attempts of a home.
#[test]
fn a_full_disk_does_not_give_up() {
    let test = "a_full_disk_does_not_give_up";
    if is_child() || !has_prlimit() {
        return;
    }
    let dir = TestDir::new();
    leave_home(test, "stuck", &dir);
    for _ in 0..5 {
        start_with_room(test, "start", &dir, 500);
    }
    let report = dir.recover(2);
    assert!(report.left.is_empty(), "{report:?}");
    check(&dir);
    assert!(dir.homes().is_empty());
}
