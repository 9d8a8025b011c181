//! A process that logs is killed (SIGKILL) at random moments. Every event that a log call returned from must be in the
//! log, once, with its context, in the order of its thread; at most one more event of each thread may be there.
//!
//! 200 kills by default; `RINGSEAL_TEST_KILLS=2000` for the long form, that many in each test.
#![cfg(target_os = "linux")]

use std::collections::HashMap;
use std::path::Path;

use ringseal::sink::file::FileConfig;
use ringseal::{
    Config, Context, Engine, Format, Level, Output, Overflow, Recovery, Rings, fields, info, warn,
};

#[path = "support/kills.rs"]
mod kills;

use self::kills::{Noted, PATIENCE, ring_dir};

const THREADS: usize = 4;

/// The outputs of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outputs {
    /// One file, which the writer writes.
    One,
    /// Two files with different levels and formats, each written by a thread of its own.
    Two,
}

impl Outputs {
    /// The test that uses them, which is also the child's program.
    fn test(self) -> &'static str {
        match self {
            Outputs::One => "every_returned_call_is_in_the_log",
            Outputs::Two => "each_of_two_files_has_its_events",
        }
    }

    /// Whether an event is in the second file.
    fn is_warning(number: u64) -> bool {
        number.is_multiple_of(5)
    }
}

fn config(dir: &Path, life: u64, outputs: Outputs) -> Config {
    let file =
        FileConfig::new(dir.join("app.log")).rotate_bytes_max(100_000 + life * 7_919 % 400_000);
    let rings = Rings::dir(ring_dir(dir)).on_disk(true).require(true);
    let config = Config::new().output(Output::file(file.retain_segments_max(None)));
    let config = match outputs {
        Outputs::One => config,
        Outputs::Two => {
            let file = FileConfig::new(dir.join("warn.log")).rotate_bytes_max(50_000);
            let file = file.retain_segments_max(None);
            config.output(Output::file(file).level(Level::Warn).format(Format::Json))
        }
    };
    // Small rings and batches have more of the moments that matter.
    let config = config.ring_bytes(1 << (13 + life % 5)).batch_bytes_max(4096 << (life % 4));
    // A busy machine may keep the writer from its turn for long.
    let config = config.overflow([Overflow::Wait(PATIENCE); Level::COUNT]);
    // Some lives are killed while they recover; the others get further with it.
    let recovery = match life % 3 {
        0 => Recovery::Background,
        _ => Recovery::Wait(PATIENCE),
    };
    let config = config.recovery(recovery);
    config.survive_kill(rings).run_id_value(&format!("life-{life}"))
}

/// The child: logs until it is killed, and notes each number once its call has returned.
fn log_until_killed(dir: &Path, life: u64, outputs: Outputs) -> ! {
    let noted = Noted::create(dir, life);
    let engine = Engine::start(config(dir, life, outputs)).expect("the log opens after a kill");
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (engine, noted) = (&engine, &noted);
            scope.spawn(move || log_numbers(engine, noted, (life, thread)));
        }
    });
    unreachable!("the threads log until the process is killed")
}

fn log_numbers(engine: &Engine, noted: &Noted, (life, thread): (u64, usize)) {
    let bound = engine.logger().bind(fields! { lane = thread });
    for number in 0u64.. {
        let text = "x".repeat((number * 37 % 200) as usize);
        match number % 3 {
            _ if Outputs::is_warning(number) => warn!(engine, "tick", life, thread, number),
            0 => info!(bound, "tick", life, thread, number, text = text.as_str()),
            1 => info!(engine, "tick", life, thread, number, text = text.as_str()),
            _ => {
                let _scope = Context::new().with(fields! { request = number }).enter();
                info!(bound, "tick", life, thread, number, text = text.as_str());
            }
        }
        noted.note(thread, number + 1);
    }
}

/// All lines of the log, oldest first.
fn lines(dir: &Path, log: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(dir)
        .expect("the directory")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with(log))
        .collect();
    // The active file is the newest.
    names.sort_by_key(|name| (name == log, name.clone()));
    let text = |name: &String| std::fs::read_to_string(dir.join(name)).expect("whole UTF-8");
    let all: String = names.iter().map(text).collect();
    all.lines().map(str::to_owned).collect()
}

/// What is wrong with the log, given what each thread of each life has noted.
fn check(
    lines: &[String],
    noted: &[[u64; THREADS]],
    is_wanted: fn(u64) -> bool,
) -> Result<u64, String> {
    let mut seen: HashMap<(u64, usize), u64> = HashMap::new();
    let mut recovered = 0;
    for line in lines {
        let value: serde_json::Value =
            serde_json::from_str(line).map_err(|error| format!("{error}: {line}"))?;
        if value["event"] != "tick" {
            continue;
        }
        recovered += u64::from(value["recovered"] == true);
        let number_of = |key: &str| value[key].as_u64().ok_or(format!("no {key}: {line}"));
        let (life, thread, number) =
            (number_of("life")?, number_of("thread")? as usize, number_of("number")?);
        let next = seen.entry((life, thread)).or_insert(0);
        let expected = (*next..).find(|number| is_wanted(*number)).unwrap_or(0);
        if number != expected {
            return Err(format!("life {life}, thread {thread}: expected {expected}: {line}"));
        }
        *next = number + 1;
        let is_plain = Outputs::is_warning(number);
        let (has_lane, has_request) = (number % 3 != 1 && !is_plain, number % 3 == 2 && !is_plain);
        if value["lane"].as_u64() != has_lane.then_some(thread as u64)
            || value["request"].as_u64() != has_request.then_some(number)
            || value["run_id"] != format!("life-{life}")
        {
            return Err(format!("another context: {line}"));
        }
    }
    for (life, counts) in noted.iter().enumerate() {
        for (thread, count) in counts.iter().enumerate() {
            let found = seen.get(&(life as u64, thread)).copied().unwrap_or(0);
            // Numbers that are not wanted follow the last one that was found.
            let missing = (found..*count).find(|number| is_wanted(*number));
            if missing.is_some() || found > count + 1 {
                return Err(format!(
                    "life {life}, thread {thread}: {count} calls returned, {found} are in the log"
                ));
            }
        }
    }
    Ok(recovered)
}

/// Kills runs with these outputs, and checks their files in the end.
fn kill_and_check(outputs: Outputs, kills: u64) {
    if let Some((dir, life)) = kills::child() {
        log_until_killed(&dir, life, outputs);
    }
    let kills = kills::kills(kills);
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path();
    let die = |life| kills::live_and_die(outputs.test(), path, life, 15_000);
    let noted: Vec<[u64; THREADS]> = (0..kills).map(die).collect();
    let wait = Recovery::Wait(PATIENCE);
    let engine =
        Engine::start(config(path, kills, outputs).recovery(wait)).expect("the last start");
    let report = engine.recovered().expect("a report");
    assert!(report.left.is_empty(), "{report:?}");
    engine.stop().expect("the end");
    let mut found = check(&lines(path, "app.log"), &noted, |_| true);
    if outputs == Outputs::Two {
        let warnings = check(&lines(path, "warn.log"), &noted, Outputs::is_warning);
        found = found.and_then(|found| warnings.map(|warnings| found.min(warnings)));
    }
    assert!(kills::finish(dir, found) > 0, "nothing was recovered");
}

#[test]
fn every_returned_call_is_in_the_log() {
    kill_and_check(Outputs::One, 150);
}

#[test]
fn each_of_two_files_has_its_events() {
    kill_and_check(Outputs::Two, 50);
}
