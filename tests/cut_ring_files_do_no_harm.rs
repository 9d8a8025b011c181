//! Another process cuts off files of a running engine's home, or there is no room for them: the process lives on, the
//! log goes on, and an event says that events may not survive a kill.
#![cfg(target_os = "linux")]
#[path = "support/disaster.rs"]
mod disaster;
mod support;

use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use disaster::{
    Child, Noted, Place, THREADS_MAX, TestDir, kill, log_numbers, spawn, wait, wait_until,
};
use ringseal::Engine;

const THREADS: usize = 4;

/// A process that logs until there is a file `stop`, and then stops in order.
fn log_until_stopped(place: &Place, threads: usize, burst: u64) {
    let noted = Noted::create(place, 0);
    let config = place.config(0).shutdown_timeout(disaster::PATIENCE);
    // Long bursts are to wait in the rings all at once.
    let mut pause = Duration::from_secs(if burst > 1_000 { 2 } else { 0 });
    let config = config.event_hook(move |_| std::thread::sleep(std::mem::take(&mut pause)));
    let engine = Engine::start(config.ring_bytes(1 << 20)).expect("a start");
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (engine, noted) = (&engine, &noted);
            scope.spawn(move || {
                let mut number = 0;
                // In bursts that a ring holds, so that none is lost to a full ring.
                while number < 3 * burst || !place.dir.join("stop").exists() {
                    log_numbers(engine, noted, (0, thread), number..number + burst);
                    number += burst;
                    engine.flush().expect("written");
                    std::thread::sleep(Duration::from_millis(2));
                }
            });
        }
    });
    // The writer looks once a second.
    let end = Instant::now() + Duration::from_secs(3);
    while engine.metrics().lanes_unbacked == 0 && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(10));
    }
    let unbacked = engine.metrics().lanes_unbacked;
    std::fs::write(place.dir.join("unbacked"), unbacked.to_string()).expect("a file");
    engine.stop().expect("the end");
}

fn stop(place: &Place, child: &mut Child) -> u64 {
    std::fs::write(place.dir.join("stop"), "").unwrap();
    let status = wait(child);
    assert!(status.success(), "{status}");
    let unbacked = std::fs::read_to_string(place.dir.join("unbacked")).unwrap();
    unbacked.parse().unwrap()
}

fn is_told(place: &Place) -> bool {
    let log = std::fs::read_to_string(place.log()).unwrap_or_default();
    log.contains("\"ringseal.ring_unbacked\"")
}

/// Files of the home whose names begin with this.
fn files(home: &Path, prefix: &str) -> Vec<PathBuf> {
    let names = std::fs::read_dir(home).unwrap().map(|entry| entry.unwrap().path());
    let has_prefix =
        |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with(prefix);
    let files: Vec<PathBuf> = names.filter(has_prefix).collect();
    assert!(!files.is_empty(), "no {prefix} in {}", home.display());
    files
}

fn cut(path: &Path, len: u64) {
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(len).unwrap();
}

/// Starts a process, cuts files off once it logs, and lets it log on.
fn cut_under_load(test: &str, prefix: &str, len: u64) -> Option<(TestDir, Child)> {
    changed_under_load(test, prefix, true, |path| cut(path, len))
}

/// The same with any change to the files.
fn changed_under_load(
    test: &str,
    prefix: &str,
    is_noticed: bool,
    change: impl Fn(&Path),
) -> Option<(TestDir, Child)> {
    if let Some((_, dir)) = support::role() {
        log_until_stopped(&Place::at(&dir), THREADS, 100);
        return None;
    }
    let dir = TestDir::new();
    let mut child = spawn(test, "load", &dir);
    let goes_on = |child: &mut Child| {
        let target = dir.noted_sum(0) + 2_000;
        wait_until("log calls return", || {
            assert_eq!(child.try_wait().unwrap(), None, "it lives");
            dir.noted_sum(0) >= target
        });
    };
    goes_on(&mut child);
    files(&dir.home(), prefix).iter().for_each(|path| change(path));
    goes_on(&mut child);
    wait_until("the log says it", || {
        assert_eq!(child.try_wait().unwrap(), None, "it lives");
        !is_noticed || is_told(&dir)
    });
    goes_on(&mut child);
    Some((dir, child))
}

/// What the rings have is intact, so the log has everything.
fn loses_nothing(test: &str, prefix: &str, len: u64) {
    let Some((dir, mut child)) = cut_under_load(test, prefix, len) else { return };
    assert!(stop(&dir, &mut child) > 0);
    dir.check(&[dir.life(0)]);
    assert!(dir.homes().is_empty());
}

#[test]
fn a_cut_engine_file_loses_nothing() {
    loses_nothing("a_cut_engine_file_loses_nothing", "engine", 0);
}

#[test]
fn cut_call_sites_lose_nothing() {
    loses_nothing("cut_call_sites_lose_nothing", "sites-", 0);
}

#[test]
fn a_cut_lane_file_loses_nothing() {
    loses_nothing("a_cut_lane_file_loses_nothing", "lane-", 0);
}

#[test]
fn a_cut_line_table_loses_nothing() {
    loses_nothing("a_cut_line_table_loses_nothing", "lines-", 0);
}

/// The events that were in a ring when it was cut off are gone. Each later one is in the log once.
#[test]
fn cut_rings_lose_what_they_had() {
    let test = "cut_rings_lose_what_they_had";
    for len in [0, 4096, 70_000] {
        if !loses_what_rings_had(test, true, |path| cut(path, len)) {
            return;
        }
    }
}

/// Zeros in place of some pages, or of the control words alone.
#[test]
fn overwritten_rings_lose_what_they_had() {
    let test = "overwritten_rings_lose_what_they_had";
    for (start, len) in [(0, 4096), (65_536, 1 << 20), (128, 8), (256, 8), (384, 8)] {
        let overwrite = |path: &Path| {
            let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
            file.write_all_at(&vec![0; len], start).unwrap();
        };
        if !loses_what_rings_had(test, false, overwrite) {
            return;
        }
    }
}

/// Returns false in the child.
fn loses_what_rings_had(test: &str, is_noticed: bool, change: impl Fn(&Path)) -> bool {
    let Some((dir, mut child)) = changed_under_load(test, "ring-", is_noticed, change) else {
        return false;
    };
    assert_eq!(stop(&dir, &mut child) > 0, is_noticed);
    let events = support::events_of_all_segments(&dir.log());
    let ticks = support::named(&events, "tick");
    for (thread, noted) in dir.noted(0).into_iter().enumerate().take(THREADS) {
        let own: Vec<_> = ticks.iter().filter(|tick| tick["thread"] == thread).copied().collect();
        let numbers = support::numbers(&own, "number");
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "twice, or in disorder");
        assert_eq!(numbers.last(), Some(&(noted - 1)), "thread {thread} is lost");
        let gaps = numbers.windows(2).filter(|pair| pair[0] + 1 != pair[1]).count();
        assert!(gaps <= 1, "{gaps} gaps");
    }
    assert!(dir.homes().is_empty());
    true
}

/// Files are cut off, and then the process is killed: the next start goes on.
#[test]
fn kills_after_cuts_are_survived() {
    let test = "kills_after_cuts_are_survived";
    for prefix in ["ring-", "engine", "sites-", "lane-", "lines-", ""] {
        let Some((dir, mut child)) = cut_under_load(test, prefix, 0) else { return };
        kill(&mut child);
        let report = dir.recover(1);
        assert!(report.runs.iter().all(|run| run.error.is_none()), "{prefix}: {report:?}");
        let events = support::events_of_all_segments(&dir.log());
        let ticks = support::named(&events, "tick");
        assert!(ticks.len() as u64 >= 4_000, "{prefix}: {}", ticks.len());
        // A description that is gone is left to people.
        let is_left = prefix == "engine" || prefix.is_empty();
        assert_eq!(report.left.len(), usize::from(is_left), "{prefix}: {report:?}");
    }
}

/// A file system in memory that has hardly any room.
#[test]
fn logging_goes_on_without_room() {
    let test = "logging_goes_on_without_room";
    if let Some((_, dir)) = support::role() {
        return log_until_stopped(&Place::at(&dir), THREADS_MAX, 2_500);
    }
    let dir = TestDir::new();
    std::fs::create_dir(&dir.rings).unwrap();
    let mut inner = support::child(test, "no room", &dir.dir);
    disaster::quiet(&mut inner);
    let script = "mount -t tmpfs -o size=2m,mode=700 tmpfs \"$RINGS\" && exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", script, "sh"]).arg(inner.get_program());
    command.args(inner.get_args()).env("RINGS", &dir.rings);
    for (name, value) in inner.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let can_mount = Command::new("unshare")
        .args(["-rm", "sh", "-c", "mount -t tmpfs tmpfs \"$RINGS\""])
        .env("RINGS", &dir.rings)
        .output();
    if !can_mount.is_ok_and(|output| output.status.success()) {
        println!("skipped: no file system can be mounted here");
        return;
    }
    let mut child = Child(disaster::quiet(&mut command).spawn().unwrap());
    let unbacked = stop(&dir, &mut child);
    assert!((1..=THREADS_MAX as u64 + 1).contains(&unbacked), "{unbacked}");
    dir.check(&[dir.life(0)]);
    let events = support::events_of_all_segments(&dir.log());
    assert!(support::named(&events, "ringseal.lost").is_empty());
    assert!(!support::named(&events, "ringseal.ring_unbacked").is_empty());
}
