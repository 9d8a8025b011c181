//! The files of a home are damaged, cut, swapped and removed: a start recovers what it can, writes no line twice and
//! none that was not logged, and does not panic.
use std::path::PathBuf;

use proptest::prelude::*;

use super::life::{End, Kill, LOGS, Program, RINGS, World};
use super::{lines, program};
use crate::recover::engine_file::crc_of;
use crate::recover::layout::engine as at;

/// One change of the files of a home. Files and places are taken modulo what there is.
#[derive(Debug, Clone)]
enum Damage {
    /// The words from a place on are these bytes.
    Write { file: usize, at: usize, bytes: Vec<u8> },
    /// The file ends there.
    Cut { file: usize, at: usize },
    /// Two files have each other's bytes.
    Swap { files: (usize, usize) },
}

fn damage() -> impl Strategy<Value = Damage> {
    let byte = prop_oneof![Just(0), Just(0xff), Just(1), any::<u8>()];
    let bytes = prop::collection::vec(byte, 1..9);
    // Most words that matter are at the start of a file, or in the first sink.
    let place = prop_oneof![0_usize..700, 4096_usize..4500, any::<u16>().prop_map(usize::from)];
    let place = place.boxed();
    prop_oneof![
        6 => (0_usize..20, place.clone(), bytes)
            .prop_map(|(file, at, bytes)| Damage::Write { file, at, bytes }),
        1 => (0_usize..20, place).prop_map(|(file, at)| Damage::Cut { file, at }),
        1 => (0_usize..20, 0_usize..20).prop_map(|files| Damage::Swap { files }),
    ]
}

impl Damage {
    /// Changes the files; returns whether the data of a ring or of a spool changed, which have no checksum.
    fn apply(&self, files: &mut [(PathBuf, Vec<u8>)]) -> bool {
        let count = files.len();
        let is_data = |(path, _): &(PathBuf, Vec<u8>)| {
            let name = path.file_name().unwrap().to_str().unwrap();
            ["ring-", "lane-", "sites-", "spool-"].iter().any(|start| name.starts_with(start))
        };
        match self {
            Damage::Write { file, at, bytes } => {
                let file = &mut files[file % count];
                let len = file.1.len().max(1);
                for (index, byte) in bytes.iter().enumerate() {
                    if let Some(old) = file.1.get_mut((at + index) % len) {
                        *old = *byte;
                    }
                }
                is_data(file)
            }
            Damage::Cut { file, at } => {
                let file = &mut files[file % count];
                file.1.truncate(at % (file.1.len() + 1));
                is_data(file)
            }
            Damage::Swap { files: (one, two) } => {
                let (one, two) = (one % count, two % count);
                let bytes = std::mem::take(&mut files[one].1);
                files[one].1 = std::mem::replace(&mut files[two].1, bytes);
                is_data(&files[one]) || is_data(&files[two])
            }
        }
    }
}

/// A run that was killed once lines were in the spool of the second log.
fn killed_run() -> (Program, World) {
    let program = Program { has_second_log: true, full_below: Some("/warn"), ..program() };
    let calls = program.run(&World::new(), None).0.disk.calls();
    let killed = |call| program.run(&World::new(), Some(Kill { call, bytes: 100 })).0;
    let has_spool = |world: &World| {
        world.disk.files().keys().any(|path| path.to_str().unwrap().contains("/spool-"))
    };
    let world = (0..calls).map(killed).find(has_spool).unwrap();
    (program, world)
}

fn damaged(world: &World, damages: &[Damage], is_corrected: bool) -> (World, bool) {
    let disk = world.disk.after_kill();
    let mut files: Vec<(PathBuf, Vec<u8>)> =
        disk.files().into_iter().filter(|(path, _)| path.starts_with(RINGS)).collect();
    files.retain(|(path, _)| path.file_name().is_some_and(|name| name != "lock"));
    let has_other_data =
        damages.iter().map(|damage| damage.apply(&mut files)).fold(false, |any, one| any | one);
    for (path, bytes) in &mut files {
        if path.ends_with("engine") && is_corrected && bytes.len() == at::BYTES {
            let crc = u64::from(crc_of(bytes));
            bytes[at::CRC_AT..at::CRC_AT + 8].copy_from_slice(&crc.to_le_bytes());
        }
        disk.put(path, bytes);
    }
    (World { disk, logged: world.logged.clone() }, has_other_data)
}

/// The lines of a log that are JSON: a ring and a spool have no checksums.
fn readable_lines(world: &World, log: &str) -> Vec<serde_json::Value> {
    let files = world.disk.files().into_iter().filter(|(path, _)| path.starts_with(log));
    let bytes: Vec<u8> = files.flat_map(|(_, bytes)| bytes).collect();
    bytes
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect()
}

fn check_damaged(
    (program, world): &(Program, World),
    damages: &[Damage],
    is_corrected: bool,
) -> Result<(), TestCaseError> {
    let (world, has_other_data) = damaged(world, damages, is_corrected);
    let (after, end) = program.run(&world, None);
    let End::InOrder(report) = end else { unreachable!("it is not killed") };
    for run in &report.runs {
        let error = run.error.as_deref().unwrap_or_default();
        prop_assert!(!error.contains("panicked"), "{}", error);
    }
    for log in LOGS {
        let lines = match has_other_data {
            true => readable_lines(&after, log),
            false => lines(&after, log),
        };
        let ticks = lines.into_iter().filter(|line| line["event"] == "tick");
        let own = ticks.filter(|line| line["life"] == 0 && line["run_id"] == "life-0");
        let mut count = 0;
        for line in own {
            count += 1;
            let (lane, number) = (line["lane"].as_u64(), line["number"].as_u64());
            let is_logged = matches!((lane, number), (Some(lane), Some(number))
                if world.logged[0].get(lane as usize).is_some_and(|logged| number < *logged));
            prop_assert!(is_logged || has_other_data, "{}", line);
        }
        // A log twice: what is in place, and everything again.
        let logged: u64 = world.logged[0].iter().sum();
        prop_assert!(has_other_data || count <= 2 * logged, "{} lines of {}", count, logged);
    }
    Ok(())
}

#[test]
fn damaged_homes_are_recovered_without_panic() {
    let cases =
        std::env::var("RINGSEAL_TEST_DAMAGED_HOMES").ok().and_then(|text| text.parse().ok());
    let cases = cases.unwrap_or(150);
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let killed = killed_run();
    let damages = prop::collection::vec(damage(), 1..4);
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let result = runner.run(&(damages, any::<bool>()), |(damages, is_corrected)| {
        check_damaged(&killed, &damages, is_corrected)
    });
    result.unwrap();
}
