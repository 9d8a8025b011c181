//! Runs that are killed with events in their rings: some events are in the log, the others only in the home.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::path::Path;

use ringseal::{Config, Engine, info};
use ringseal_base::digest::Crc32;

use super::disaster::{Noted, Place, kill, log_numbers, spawn, wait_until};

/// Events of each thread that are in the log.
pub const WRITTEN: u64 = 100;
/// Events of each thread.
pub const ALL: u64 = 200;
pub const THREADS: usize = 2;

/// Logs until it is killed; the writer is stuck from the middle on.
pub fn log_until_killed(place: &Place, config: Config) -> ! {
    let config = config.event_hook(|event| {
        while event.name() == "stuck" {
            std::thread::park();
        }
    });
    let noted = Noted::create(place, 0);
    let engine = Engine::start(config).expect("a start");
    let (engine, noted) = (&engine, &noted);
    let stages = std::sync::Barrier::new(THREADS + 1);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let stages = &stages;
            scope.spawn(move || {
                log_numbers(engine, noted, (0, thread), 0..WRITTEN);
                stages.wait();
                stages.wait();
                log_numbers(engine, noted, (0, thread), WRITTEN..ALL);
                stages.wait();
                std::thread::park();
            });
        }
        stages.wait();
        engine.flush().expect("written");
        info!(engine, "stuck");
        stages.wait();
        stages.wait();
        std::fs::write(place.dir.join("ready"), "").expect("a file");
    });
    unreachable!("the threads park until the process is killed")
}

/// Starts such a run as a child, and kills it.
pub fn leave_home(test: &str, role: &str, place: &Place) {
    let mut child = spawn(test, role, place);
    wait_until("it has logged", || place.dir.join("ready").exists());
    kill(&mut child);
}

/// Changes a file.
pub fn patch(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).expect("a file");
    change(&mut bytes);
    std::fs::write(path, bytes).expect("written");
}

/// Places in the file `engine` of version 1.
pub mod at {
    pub const VERSION: usize = 16;
    pub const STATE: usize = 32;
    pub const FAILURES: usize = 656;
    pub const BOOT: usize = 64;
    pub const CRC: usize = 104;
}

/// Corrects the checksum of a file `engine` of version 1.
pub fn correct_checksum(engine: &mut [u8]) {
    let mut crc = Crc32::new();
    let mut constant = [&engine[..32], &engine[48..104]].concat();
    for sink in 0..48 {
        let start = 4096 + sink * 512;
        constant.extend_from_slice(&engine[start..start + 256]);
    }
    constant.extend_from_slice(&engine[32_768..65_536]);
    crc.update(&constant);
    let sum = u64::from(crc.finish());
    engine[at::CRC..at::CRC + 8].copy_from_slice(&sum.to_le_bytes());
}

/// The bytes of this machine's boot id.
pub fn boot_id() -> Vec<u8> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("a boot id");
    let digits: Vec<u32> = text.chars().filter_map(|each| each.to_digit(16)).collect();
    digits.chunks_exact(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
}
