//! What is asked of the operating system: cores, processor time, files at rest.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::resource::{UsageWho, getrusage};
use nix::unistd::Pid;

/// The core of the producer.
pub const PRODUCER_CORE: usize = 0;
/// The core of everything else.
pub const OTHER_CORE: usize = 1;
/// A file whose length has not changed for this long is complete.
const AT_REST: Duration = Duration::from_millis(300);
/// How often lengths are looked at.
const LOOK_EVERY: Duration = Duration::from_micros(500);

/// Binds the calling thread, and threads that it starts from now on, to one core.
pub fn pin(core: usize) -> Result<(), String> {
    let mut set = CpuSet::new();
    set.set(core).map_err(|e| format!("core {core}: {e}"))?;
    sched_setaffinity(Pid::from_raw(0), &set)
        .map_err(|e| format!("pinning to core {core} (two cores are needed): {e}"))
}

/// Processor time of the whole process so far.
#[derive(Clone, Copy, Debug)]
pub struct Cpu {
    /// Seconds in user mode.
    pub user_s: f64,
    /// Seconds in the kernel.
    pub system_s: f64,
}

/// Reads `Cpu`.
pub fn cpu() -> Result<Cpu, String> {
    let usage = getrusage(UsageWho::RUSAGE_SELF).map_err(|e| format!("getrusage: {e}"))?;
    let seconds = |time: nix::sys::time::TimeVal| {
        use nix::sys::time::TimeValLike;
        time.num_microseconds() as f64 / 1e6
    };
    Ok(Cpu { user_s: seconds(usage.user_time()), system_s: seconds(usage.system_time()) })
}

/// The moment at which the last byte arrived.
pub struct Rest {
    /// When.
    pub at: Instant,
    /// Processor time at that moment.
    pub cpu: Cpu,
    /// Sum of the lengths.
    pub bytes: u64,
}

/// Waits until the files' lengths stay put. Call it when the logger says that it is done: if that
/// was true, the answer is the moment of the call.
pub fn wait_for_rest(files: &[PathBuf]) -> Result<Rest, String> {
    let mut rest = Rest { at: Instant::now(), cpu: cpu()?, bytes: total_length(files) };
    while rest.at.elapsed() < AT_REST {
        std::thread::sleep(LOOK_EVERY);
        let bytes = total_length(files);
        if bytes != rest.bytes {
            rest = Rest { at: Instant::now(), cpu: cpu()?, bytes };
        }
    }
    Ok(rest)
}

fn total_length(files: &[PathBuf]) -> u64 {
    files.iter().filter_map(|file| file.metadata().ok()).map(|data| data.len()).sum()
}

/// The processor's name, as the kernel tells it.
pub fn cpu_model() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = info.lines().find(|line| line.starts_with("model name"));
    line.and_then(|line| line.split_once(':'))
        .map_or_else(|| "unknown".to_owned(), |(_, name)| name.trim().to_owned())
}

/// The kernel's version, without what its builder added.
pub fn kernel() -> String {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    release.trim().split('-').next().unwrap_or_default().to_owned()
}
