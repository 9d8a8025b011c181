//! A killed run had several outputs, or the next start has others: each sink gets what it lacks, by its level and in
//! its format. The processes are this test program again, in a role.
#![cfg(target_os = "linux")]
#[path = "support/disaster.rs"]
mod disaster;
#[path = "support/stuck_run.rs"]
mod stuck_run;
mod support;

use std::fs::File;
use std::path::Path;
use std::sync::mpsc;

use disaster::{Child, Noted, PATIENCE, Place, TestDir, log_numbers, wait};
use ringseal::sink::file::FileConfig;
use ringseal::{Config, Engine, Format, Level, Output, Recovery, info, warn};
use serde_json::Value;
use stuck_run::{ALL, THREADS, WRITTEN, leave_home};

fn file(place: &Place, name: &str) -> Output {
    Output::file(FileConfig::new(place.dir.join(name)).retain_segments_max(None))
}

/// The outputs of a role, by name: a file's name with its level, or a stream.
fn config(place: &Place, outputs: &str, life: u64) -> Config {
    let mut outputs = outputs.split(' ').map(|text| match text.split_once(':') {
        None if text == "stdout" => Output::stdout().format(Format::Json),
        None if text.ends_with(".txt") => file(place, text).format(Format::Console),
        Some((name, "warn")) => file(place, name).level(Level::Warn),
        _ => file(place, text),
    });
    let config = place.config_with(life, outputs.next().expect("an output"));
    outputs.fold(config, Config::output).shutdown_timeout(PATIENCE)
}

fn is_child() -> bool {
    let Some((role, dir)) = support::role() else { return false };
    let place = Place::at(&dir);
    if let Some(outputs) = role.strip_prefix("recover ") {
        let config = config(&place, outputs, 1).recovery(Recovery::Wait(PATIENCE));
        Engine::start(config).expect("a start").stop().expect("the end");
        return true;
    }
    if role == "full" {
        return leave_full_ring(&place, config(&place, "a.log", 0));
    }
    if role.starts_with("levels") {
        return log_levels(&place, config(&place, role.strip_prefix("levels ").unwrap(), 0));
    }
    stuck_run::log_until_killed(&place, config(&place, &role, 0));
}

/// Warnings and others, the second half with a stuck writer.
fn log_levels(place: &Place, config: Config) -> bool {
    let engine = Engine::start(config.event_hook(|event| {
        while event.name() == "stuck" {
            std::thread::park();
        }
    }));
    let engine = engine.expect("a start");
    for number in 0..ALL {
        if number == WRITTEN {
            engine.flush().expect("written");
            info!(engine, "stuck");
        }
        info!(engine, "tick", life = 0, thread = 0, number);
        warn!(engine, "tock", number);
    }
    std::fs::write(place.dir.join("ready"), "").expect("a file");
    loop {
        std::thread::park();
    }
}

/// A ring that is nearly full, of which nothing is written.
fn leave_full_ring(place: &Place, config: Config) -> bool {
    let noted = Noted::create(place, 0);
    let engine = Engine::start(config.event_hook(|event| {
        while event.name() == "stuck" {
            std::thread::park();
        }
    }));
    let engine = engine.expect("a start");
    info!(engine, "stuck");
    log_numbers(&engine, &noted, (0, 0), 0..1_500);
    std::fs::write(place.dir.join("ready"), "").expect("a file");
    loop {
        std::thread::park();
    }
}

fn recover(place: &Place, outputs: &str, life: u64) -> ringseal::RecoveryReport {
    let (engine, report) = place.recovering(config(place, outputs, life));
    engine.stop().expect("the end");
    report
}

fn events(place: &Place, name: &str) -> Vec<Value> {
    support::events_of_all_segments(&place.dir.join(name))
}

#[track_caller]
fn check(place: &Place, name: &str) {
    disaster::check(&events(place, name), &[place.life(0)])
        .unwrap_or_else(|it| panic!("{name}: {it}"));
}

#[test]
fn two_files_get_what_they_lack() {
    let test = "two_files_get_what_they_lack";
    if is_child() {
        return;
    }
    let dir = TestDir::new();
    leave_home(test, "a.log b.log", &dir);
    let report = recover(&dir, "a.log b.log", 1);
    assert!(report.left.is_empty() && dir.homes().is_empty(), "{report:?}");
    check(&dir, "a.log");
    check(&dir, "b.log");
}

#[test]
fn each_file_gets_its_level() {
    let test = "each_file_gets_its_level";
    if is_child() {
        return;
    }
    let dir = TestDir::new();
    leave_home(test, "levels a.log b.log:warn", &dir);
    // In another order.
    recover(&dir, "b.log:warn a.log", 1);
    for (name, ticks) in [("a.log", ALL), ("b.log", 0)] {
        let events = events(&dir, name);
        let numbers = |event| support::numbers(&support::named(&events, event), "number");
        assert_eq!(numbers("tick"), (0..ticks).collect::<Vec<_>>(), "{name}");
        assert_eq!(numbers("tock"), (0..ALL).collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn an_added_output_gets_nothing_old() {
    let test = "an_added_output_gets_nothing_old";
    if is_child() {
        return;
    }
    let dir = TestDir::new();
    leave_home(test, "a.log", &dir);
    let report = recover(&dir, "new.log a.log", 1);
    assert!(report.left.is_empty() && dir.homes().is_empty(), "{report:?}");
    check(&dir, "a.log");
    assert!(support::named(&events(&dir, "new.log"), "tick").is_empty());
}

/// The log of the removed output is left without them, as its configuration says.
#[test]
fn a_removed_output_does_no_harm() {
    let test = "a_removed_output_does_no_harm";
    if is_child() {
        return;
    }
    let dir = TestDir::new();
    leave_home(test, "a.log b.log", &dir);
    let report = recover(&dir, "a.log", 1);
    assert!(report.runs.iter().all(|run| run.error.is_none()), "{report:?}");
    check(&dir, "a.log");
    let numbers = support::numbers(&support::named(&events(&dir, "b.log"), "tick"), "number");
    assert_eq!(numbers.len() as u64, WRITTEN * THREADS as u64, "b.log is untouched");
}

/// A line of text says that it was recovered by its last word.
#[test]
fn text_and_json_get_the_same_lines() {
    let test = "text_and_json_get_the_same_lines";
    if is_child() {
        return;
    }
    let dir = TestDir::new();
    leave_home(test, "a.log b.txt", &dir);
    recover(&dir, "a.log b.txt", 1);
    check(&dir, "a.log");
    let text = std::fs::read_to_string(dir.dir.join("b.txt")).unwrap();
    let ticks: Vec<&str> = text.lines().filter(|line| line.contains("tick")).collect();
    let recovered =
        ticks.iter().filter(|line| line.trim_end().ends_with(" recovered")).count() as u64;
    assert_eq!((ticks.len() as u64, recovered), (ALL * 2, (ALL - WRITTEN) * 2));
}

/// A stream cannot be asked how far it is: no event is missing, and one that may be there twice says so.
#[test]
fn a_stream_gets_what_it_lacks() {
    let test = "a_stream_gets_what_it_lacks";
    if is_child() {
        return;
    }
    let dir = TestDir::new();
    let start = |role: &str, out: &Path| {
        let mut command = support::child(test, role, &dir.dir);
        command.stdout(File::create(out).unwrap());
        Child(command.spawn().unwrap())
    };
    let (before, after) = (dir.dir.join("before"), dir.dir.join("after"));
    let mut child = start("a.log stdout", &before);
    disaster::wait_until("it has logged", || dir.dir.join("ready").exists());
    disaster::kill(&mut child);
    assert!(wait(&mut start("recover a.log stdout", &after)).success());
    check(&dir, "a.log");
    let lines = |path: &Path| {
        let text = std::fs::read_to_string(path).unwrap();
        // The test harness begins the first line.
        let objects = text.lines().filter_map(|line| line.get(line.find('{')?..));
        let json = objects.filter_map(|object| serde_json::from_str::<Value>(object).ok());
        json.filter(|event| event["event"] == "tick").collect::<Vec<_>>()
    };
    let (written, recovered) = (lines(&before), lines(&after));
    let sure = recovered.iter().filter(|event| event["recovered"] == true).count();
    let unsure = recovered.iter().filter(|event| event["recovered"] == "maybe_repeated").count();
    assert_eq!(sure + unsure, recovered.len());
    let all = ALL as usize * THREADS;
    assert!(written.len() + sure <= all && written.len() + recovered.len() >= all);
    disaster::check(&[written, recovered].concat(), &[dir.life(0)]).unwrap();
    assert!(dir.homes().is_empty());
}

/// A hook that removes a field, as for privacy, removes it from recovered events, too.
#[test]
fn hooks_see_recovered_events() {
    let test = "hooks_see_recovered_events";
    if is_child() {
        return;
    }
    let dir = TestDir::new();
    leave_home(test, "a.log", &dir);
    let config = config(&dir, "a.log", 1).event_hook(|event| {
        event.remove("text");
    });
    let (engine, _) = dir.recovering(config);
    engine.stop().expect("the end");
    check(&dir, "a.log");
    let events = events(&dir, "a.log");
    let recovered = events.iter().filter(|event| event["recovered"] == true);
    assert!(recovered.clone().count() > 100);
    assert!(recovered.clone().all(|event| event.get("text").is_none()), "hooks were left out");
}

/// More is logged during the recovery than the ring takes, and an event for which there is no room is lost at once.
#[test]
fn recovery_gives_way_to_full_rings() {
    let test = "recovery_gives_way_to_full_rings";
    if is_child() {
        return;
    }
    let dir = TestDir::new();
    leave_home(test, "full", &dir);
    let (recovered, events_seen) = mpsc::channel();
    let (logged, answers) = mpsc::channel();
    let answers = std::sync::Mutex::new(answers);
    let config =
        config(&dir, "a.log", 1).low_latency().ring_bytes(1 << 20).event_hook(move |event| {
            // Each recovered event waits until one more is logged.
            if event.name() == "tick" && recovered.send(()).is_ok() {
                let _ = answers.lock().unwrap().recv();
            }
        });
    let engine = Engine::start(config.recovery(Recovery::Background)).expect("a start");
    let text = "x".repeat(900);
    let mut count = 0;
    while count < 1_500 && events_seen.recv_timeout(PATIENCE).is_ok() {
        info!(engine, "meanwhile", number = count, text = text.as_str());
        count += 1;
        logged.send(()).expect("the hook waits");
    }
    drop((events_seen, logged));
    engine.flush().expect("written");
    assert_eq!((count, engine.metrics().lost.total()), (1_500, 0));
    engine.stop().expect("the end");
    check(&dir, "a.log");
    let events = events(&dir, "a.log");
    let meanwhile = events.iter().filter(|event| event["event"] == "meanwhile");
    let numbers: Vec<u64> = meanwhile.filter_map(|event| event["number"].as_u64()).collect();
    assert_eq!(numbers, (0..1_500).collect::<Vec<_>>());
}
