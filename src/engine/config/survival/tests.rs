//! Runs are killed at each call on the disk, and the starts that recover them are killed, too: at each call, after
//! several numbers of bytes of each write. A last start that is not killed must leave a log in which each event is
//! once, in the order of its lane and with its context, and no home.
//!
//! A sample by default; `RINGSEAL_TEST_RECOVERY_KILLS=all` for all calls of the recovering starts.
use std::collections::BTreeMap;
use std::path::Path;

use self::lanes::{LANES, has_contexts, is_warning};
use self::life::{End, Kill, LOGS, Program, RINGS, World};
use ringseal_base::storage::Storage;

mod damaged;
mod lanes;
mod life;

fn program() -> Program {
    Program {
        rotate_bytes_max: 1 << 20,
        has_second_log: false,
        events: &[3, 2, 4, 2],
        batch_bytes_max: 4096,
        full_below: None,
        is_interrupted: false,
    }
}

/// All lines of a log, the active file last; each whole.
fn lines(world: &World, log: &str) -> Vec<serde_json::Value> {
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for (path, bytes) in world.disk.files() {
        let path = path.to_str().unwrap();
        let key = if path == log { format!("{log}.~") } else { path.to_owned() };
        if path.starts_with(log) {
            files.insert(key, bytes);
        }
    }
    let bytes: Vec<u8> = files.into_values().flatten().collect();
    assert!(bytes.is_empty() || bytes.ends_with(b"\n"), "a torn line");
    let text = std::str::from_utf8(&bytes).unwrap();
    text.lines()
        .map(|line| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?} in {text}"))
        })
        .collect()
}

/// What is wrong with a log that must have these events.
fn check(
    world: &World,
    log: &str,
    is_wanted: fn(u64) -> bool,
    is_in_order: bool,
) -> Result<(), String> {
    let mut next = vec![[0; LANES]; world.logged.len()];
    let mut last_life = 0;
    for line in lines(world, log).iter().filter(|line| line["event"] == "tick") {
        let number = |key: &str| line[key].as_u64().ok_or(format!("no {key}: {line}"));
        let (life, lane) = (number("life")? as usize, number("lane")? as usize);
        let number = number("number")?;
        let expected = (next[life][lane]..).find(|number| is_wanted(*number)).unwrap_or(0);
        if number != expected {
            return Err(format!("expected number {expected}: {line}"));
        }
        if is_in_order && life < last_life {
            return Err(format!("after a line of life {last_life}: {line}"));
        }
        (last_life, next[life][lane]) = (life, number + 1);
        if !has_contexts(line, lane, number) || line["run_id"] != format!("life-{life}") {
            return Err(format!("another context: {line}"));
        }
    }
    for (life, (logged, next)) in world.logged.iter().zip(next).enumerate() {
        for lane in 0..LANES {
            let is_missing = (next[lane]..logged[lane]).any(is_wanted);
            if is_missing || next[lane] > logged[lane] {
                return Err(format!("life {life}, lane {lane}: {} of {logged:?}", next[lane]));
            }
        }
    }
    Ok(())
}

/// The distance between two kills that are tried, in calls on the disk.
#[derive(Debug, Clone, Copy)]
struct Strides {
    /// Of the first run.
    run: u64,
    /// Of the start that recovers it.
    first: u64,
    /// Of the start after that.
    second: u64,
}

/// The kills of a program's runs.
struct Kills {
    program: Program,
    strides: Strides,
    checked: u64,
    /// For choices that differ from kill to kill.
    random: u64,
}

impl Kills {
    fn new(program: Program, strides: Strides) -> Kills {
        Kills { program, strides, checked: 0, random: 1 }
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.random >> 33) % bound
    }

    /// Starts once more without a kill, and checks what is there then.
    fn finish(&mut self, world: &World, what: &dyn Fn() -> String) {
        self.checked += 1;
        let (world, end) = self.program.run(world, None);
        let End::InOrder(report) = end else { unreachable!("it is not killed") };
        assert!(report.left.is_empty(), "{report:?}, {}", what());
        let failed = report.runs.iter().find(|run| run.error.is_some());
        assert!(failed.is_none(), "{failed:?}, {}", what());
        let is_in_order = !self.program.is_interrupted;
        let found = check(&world, LOGS[0], |_| true, is_in_order);
        assert_eq!(found, Ok(()), "{} {}", LOGS[0], what());
        if self.program.has_second_log {
            let found = check(&world, LOGS[1], is_warning, is_in_order);
            assert_eq!(found, Ok(()), "{} {}", LOGS[1], what());
        }
        let left = world.disk.list(Path::new(RINGS)).unwrap();
        assert!(left.is_empty(), "{left:?} {}", what());
    }

    /// The runs that are killed at one call, after several numbers of bytes; none if there is no such call.
    fn killed_at(&mut self, before: &World, call: u64) -> Vec<(Kill, World)> {
        let mut killed = Vec::new();
        let kill = |bytes| {
            let kill = Kill { call, bytes };
            let (world, end) = self.program.run(before, Some(kill));
            matches!(end, End::Killed).then_some((kill, world))
        };
        let Some(none) = kill(0) else { return killed };
        let Some(all) = kill(usize::MAX) else { return vec![none] };
        let len = all.1.bytes().saturating_sub(none.1.bytes());
        let mut parts = vec![1, len / 3, len / 2, len.saturating_sub(1)];
        parts.retain(|part| (1..len).contains(part));
        parts.dedup();
        killed.extend(parts.into_iter().filter_map(kill));
        killed.push(none);
        killed.extend(Some(all).filter(|_| len > 0));
        killed
    }

    /// Kills the recovery of a world, and the recovery after that.
    fn kill_recoveries(&mut self, world: &World, what: &str) {
        self.finish(world, &|| what.to_owned());
        let mut call = self.below(self.strides.first);
        loop {
            let killed = self.killed_at(world, call);
            if killed.is_empty() {
                return;
            }
            for (first, world) in killed {
                self.finish(&world, &|| format!("{what}, then {first:?}"));
                self.kill_second(&world, &format!("{what}, then {first:?}"));
            }
            call += 1 + self.below(2 * self.strides.first - 1);
        }
    }

    fn kill_second(&mut self, world: &World, what: &str) {
        let mut call = self.below(self.strides.second);
        loop {
            let kill = Kill { call, bytes: [0, usize::MAX, 100][self.below(3) as usize] };
            let (killed, end) = self.program.run(world, Some(kill));
            if matches!(end, End::InOrder(_)) {
                return;
            }
            self.finish(&killed, &|| format!("{what}, then {kill:?}"));
            call += 1 + self.below(2 * self.strides.second - 1);
        }
    }

    /// Kills the first run, and the starts that recover it. Returns how many kills were checked.
    fn kill_all(mut self) -> u64 {
        let world = World::new();
        let mut call = self.below(self.strides.run);
        loop {
            let killed = self.killed_at(&world, call);
            if killed.is_empty() {
                return self.checked;
            }
            for (kill, world) in killed {
                self.kill_recoveries(&world, &format!("first {kill:?}"));
            }
            call += 1 + self.below(2 * self.strides.run - 1);
        }
    }
}

/// Kills the runs of a program. The default takes some seconds.
fn kill_everywhere(program: Program) {
    let is_long = std::env::var("RINGSEAL_TEST_RECOVERY_KILLS").is_ok_and(|text| text == "all");
    let world = World::new();
    let calls = program.run(&world, None).0.disk.calls();
    let strides = match is_long {
        true => Strides { run: calls.div_ceil(15), first: 1, second: calls },
        false => Strides { run: calls.div_ceil(5), first: calls.div_ceil(3), second: calls },
    };
    let checked = Kills::new(program, strides).kill_all();
    println!("{checked} kills of {program:?}");
    assert!(checked > 20, "{checked} kills");
}

#[test]
fn recovery_of_one_log_is_killed() {
    kill_everywhere(program());
}

#[test]
fn recovery_around_rotations_is_killed() {
    kill_everywhere(Program { rotate_bytes_max: 1000, ..program() });
}

#[test]
fn recovery_of_two_logs_is_killed() {
    kill_everywhere(Program { has_second_log: true, rotate_bytes_max: 2000, ..program() });
}

/// The run that recovers logs meanwhile, and writes its lines in between.
#[test]
fn recovery_with_turns_in_between_is_killed() {
    let events = &[3, 4, 2];
    let program = Program { events, rotate_bytes_max: 2000, is_interrupted: true, ..program() };
    kill_everywhere(Program { has_second_log: true, ..program });
}

/// The lines of the second log are in its spool.
#[test]
fn recovery_of_a_spool_is_killed() {
    let full_below = Some("/warn");
    kill_everywhere(Program { has_second_log: true, full_below, ..program() });
}

/// Rings and tables go round several times, and a turn's lines are several batches.
#[test]
fn recovery_of_many_events_is_killed() {
    kill_everywhere(Program { events: &[2, 9, 9, 9, 9, 7], rotate_bytes_max: 3000, ..program() });
}
