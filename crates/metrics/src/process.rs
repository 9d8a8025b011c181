//! Metrics of the process, by the names that client libraries of Prometheus use. From `/proc`: other systems have none.
//!
//! Promises: a file that cannot be read leaves its metrics out.
use std::fs;

use crate::rule::Kind;
use crate::text::Exposition;

/// Fields of `/proc/self/stat` after the name of the program, from 0.
const UTIME: usize = 11;
const STIME: usize = 12;
const START_TIME: usize = 19;
const VIRTUAL_BYTES: usize = 20;
const RESIDENT_PAGES: usize = 21;

/// The metrics of this process.
pub(crate) fn write(out: &mut Exposition) {
    if let Ok(stat) = fs::read_to_string("/proc/self/stat") {
        times_and_memory(out, &stat);
    }
    if let Ok(files) = fs::read_dir("/proc/self/fd") {
        // One of them is the directory itself.
        let open = files.count().saturating_sub(1);
        out.single(
            "process_open_fds",
            "Number of open file descriptors.",
            Kind::Gauge,
            open as f64,
        );
    }
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    if let Some(Ok(limit)) = limit.and_then(|rest| rest.split_whitespace().next()).map(str::parse) {
        let help = "Maximum number of open file descriptors.";
        out.single("process_max_fds", help, Kind::Gauge, limit);
    }
}

#[cfg(target_os = "linux")]
fn units() -> (f64, f64) {
    (rustix::param::clock_ticks_per_second() as f64, rustix::param::page_size() as f64)
}

/// Nothing is read there.
#[cfg(not(target_os = "linux"))]
fn units() -> (f64, f64) {
    (100.0, 4096.0)
}

fn times_and_memory(out: &mut Exposition, stat: &str) {
    // The name of the program is in brackets and may hold anything.
    let Some((_, fields)) = stat.rsplit_once(')') else { return };
    let fields: Vec<f64> = fields.split_whitespace().map(|it| it.parse().unwrap_or(0.0)).collect();
    if fields.len() <= RESIDENT_PAGES {
        return;
    }
    let (ticks, page_bytes) = units();
    let cpu = (fields[UTIME] + fields[STIME]) / ticks;
    let help = "Total user and system CPU time spent in seconds.";
    out.single("process_cpu_seconds_total", help, Kind::Counter, cpu);
    let resident = fields[RESIDENT_PAGES] * page_bytes;
    let help = "Resident memory size in bytes.";
    out.single("process_resident_memory_bytes", help, Kind::Gauge, resident);
    let help = "Virtual memory size in bytes.";
    out.single("process_virtual_memory_bytes", help, Kind::Gauge, fields[VIRTUAL_BYTES]);
    let system = fs::read_to_string("/proc/stat").unwrap_or_default();
    let boot = system.lines().find_map(|line| line.strip_prefix("btime "));
    if let Some(Ok(boot)) = boot.map(|seconds| seconds.trim().parse::<f64>()) {
        let help = "Start time of the process since unix epoch in seconds.";
        let start = boot + fields[START_TIME] / ticks;
        out.single("process_start_time_seconds", help, Kind::Gauge, start);
    }
}
