//! Several processes with one directory of rings: each has its own home; a home goes to one start; the log of a running
//! process is left alone. The processes are this test program again, in a role.
#![cfg(target_os = "linux")]
#[path = "support/disaster.rs"]
mod disaster;
mod support;

use std::time::Duration;

use disaster::{
    Noted, PATIENCE, Place, TestDir, kill, log_numbers, number_from_env, spawn, wait, wait_until,
};
use ringseal::sink::SinkError;
use ringseal::sink::file::FileConfig;
use ringseal::{Config, Engine, InitError, Output, Recovery, RecoveryReport, info};

/// A configuration with the log of this name.
fn config(place: &Place, log: &str, life: u64) -> Config {
    let file = FileConfig::new(place.dir.join(log)).retain_segments_max(None);
    place.config_with(life, Output::file(file)).shutdown_timeout(PATIENCE)
}

/// Roles: `LOG LIFE` logs until it is killed, with all events in the rings; `recover LIFE` starts, logs and stops.
fn play(role: &str, place: &Place) {
    let (what, life) = role.split_once(' ').expect("a role");
    let life: u64 = life.parse().expect("a number");
    if what == "recover" {
        let noted = Noted::create(place, life);
        let starting =
            || Engine::start(config(place, "app.log", life).recovery(Recovery::Wait(PATIENCE)));
        let Ok(engine) = starting() else { return };
        log_numbers(&engine, &noted, (life, 0), 0..50);
        return engine.stop().expect("the end");
    }
    let config = config(place, what, life).event_hook(|event| {
        while event.name() == "stuck" {
            std::thread::park();
        }
    });
    let noted = Noted::create(place, life);
    let engine = Engine::start(config).expect("a start");
    log_numbers(&engine, &noted, (life, 0), 0..200);
    engine.flush().expect("written");
    info!(engine, "stuck");
    log_numbers(&engine, &noted, (life, 0), 200..400);
    std::fs::write(place.dir.join(format!("ready-{life}")), "").expect("a file");
    loop {
        std::thread::park();
    }
}

fn is_child() -> bool {
    let Some((role, dir)) = support::role() else { return false };
    play(&role, &Place::at(&dir));
    true
}

/// A process that logs, and is killed with events in its rings.
fn leave_home(test: &str, place: &Place, log: &str, life: u64) {
    let mut child = spawn(test, &format!("{log} {life}"), place);
    wait_until("it has logged", || place.dir.join(format!("ready-{life}")).exists());
    kill(&mut child);
}

/// What a start with this log recovers.
fn recover(place: &Place, log: &str, life: u64) -> RecoveryReport {
    let (engine, report) = place.recovering(config(place, log, life));
    engine.stop().expect("the end");
    report
}

fn events(place: &Place, log: &str) -> Vec<serde_json::Value> {
    support::events_of_all_segments(&place.dir.join(log))
}

#[track_caller]
fn check(place: &Place, log: &str, lives: &[u64]) {
    let lives: Vec<_> = lives.iter().map(|life| place.life(*life)).collect();
    disaster::check(&events(place, log), &lives).unwrap();
}

#[test]
fn a_second_start_with_the_log_fails() {
    let test = "a_second_start_with_the_log_fails";
    if is_child() {
        return;
    }
    let dir = TestDir::new();
    let mut first = spawn(test, "app.log 0", &dir);
    wait_until("it has logged", || dir.dir.join("ready-0").exists());
    let home = dir.home();
    for _ in 0..3 {
        let error = Engine::start(config(&dir, "app.log", 1)).unwrap_err();
        assert!(matches!(error, InitError::Sink(SinkError::InUse { .. })), "{error}");
        assert_eq!(dir.home(), home, "nothing was made or removed");
    }
    let events_before = events(&dir, "app.log").len();
    // Another log's start leaves it alone, too.
    let report = recover(&dir, "other.log", 2);
    assert_eq!((report.runs.len(), report.left.len()), (0, 0), "{report:?}");
    assert_eq!((events(&dir, "app.log").len(), dir.home()), (events_before, home));
    kill(&mut first);
    let report = recover(&dir, "app.log", 3);
    assert_eq!(report.runs.len(), 1, "{report:?}");
    check(&dir, "app.log", &[0]);
}

/// A start that fails may have claimed homes; they are left to the next one.
#[test]
fn a_failed_start_leaves_homes_to_others() {
    let test = "a_failed_start_leaves_homes_to_others";
    if is_child() {
        return;
    }
    let dir = TestDir::new();
    leave_home(test, &dir, "app.log", 0);
    // Logs beside it, without recovering it.
    let off = config(&dir, "app.log", 1).recovery(Recovery::Off);
    let noted = Noted::create(&dir, 1);
    let running = Engine::start(off).unwrap();
    log_numbers(&running, &noted, (1, 0), 0..100);
    running.flush().unwrap();
    for life in 2..5 {
        let error = Engine::start(config(&dir, "app.log", life)).unwrap_err();
        assert!(matches!(error, InitError::Sink(SinkError::InUse { .. })), "{error}");
    }
    log_numbers(&running, &noted, (1, 0), 100..300);
    running.stop().unwrap();
    let report = recover(&dir, "app.log", 6);
    assert_eq!(report.runs.len(), 1, "{report:?}");
    check(&dir, "app.log", &[0, 1]);
    assert!(dir.homes().is_empty());
}

#[test]
fn logs_are_recovered_in_either_order() {
    let test = "logs_are_recovered_in_either_order";
    if is_child() {
        return;
    }
    for order in [["a.log", "b.log"], ["b.log", "a.log"]] {
        let dir = TestDir::new();
        leave_home(test, &dir, "a.log", 0);
        leave_home(test, &dir, "b.log", 1);
        assert_eq!(dir.homes().len(), 2);
        let first = recover(&dir, order[0], 2);
        assert_eq!((first.runs.len(), first.left.len()), (1, 1), "{first:?}");
        assert!(first.left[0].1.contains("another"), "{first:?}");
        let second = recover(&dir, order[1], 3);
        assert_eq!((second.runs.len(), second.left.len()), (1, 0), "{second:?}");
        check(&dir, "a.log", &[0]);
        check(&dir, "b.log", &[1]);
        assert!(dir.homes().is_empty());
    }
}

/// Starts race for a home and for the log. Those that lose fail, and the log is right.
#[test]
fn racing_starts_recover_a_home_once() {
    let test = "racing_starts_recover_a_home_once";
    if is_child() {
        return;
    }
    for _ in 0..8 {
        let dir = TestDir::new();
        leave_home(test, &dir, "app.log", 0);
        let mut starts: Vec<_> =
            (1..5).map(|life| spawn(test, &format!("recover {life}"), &dir)).collect();
        for start in &mut starts {
            assert!(wait(start).success());
        }
        // It may be that the one that got the home did not get the log.
        dir.recover(9);
        check(&dir, "app.log", &[0, 1, 2, 3, 4]);
        assert!(dir.homes().is_empty());
    }
}

/// A start is killed at any moment of its recovery, and the next one, and so on.
#[test]
fn killed_recoveries_are_recovered() {
    let test = "killed_recoveries_are_recovered";
    if is_child() {
        return;
    }
    let rounds = number_from_env("RINGSEAL_TEST_ROUNDS", 4);
    for round in 0..rounds {
        let dir = TestDir::new();
        leave_home(test, &dir, "app.log", 0);
        let mut lives = vec![0];
        for life in 1..8 {
            let mut child = spawn(test, &format!("recover {life}"), &dir);
            let pause = 3_000 + (round * 8 + life) * 2_654_435_761 % 40_000;
            std::thread::sleep(Duration::from_micros(pause));
            kill(&mut child);
            lives.push(life);
        }
        dir.recover(9);
        check(&dir, "app.log", &lives);
        assert!(dir.homes().is_empty());
    }
}
