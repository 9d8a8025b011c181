//! Queries of the operating system: cores, processor time, lengths of files.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::resource::{UsageWho, getrusage};
use nix::unistd::Pid;

/// The core of the producer.
pub const PRODUCER_CORE: usize = 0;
/// The core of everything else.
pub const OTHER_CORE: usize = 1;
/// The number of cores that a measurement uses.
pub const CORES_USED: f64 = 2.0;
/// A file whose length has not changed for this long is complete.
const UNCHANGED_FOR: Duration = Duration::from_millis(300);
/// The interval between checks of the lengths.
const LOOK_EVERY: Duration = Duration::from_micros(500);

/// Binds the calling thread, and threads that it starts later, to one core.
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
    usage(UsageWho::RUSAGE_SELF)
}

/// Processor time of the child processes that have ended.
pub fn children_cpu() -> Result<Cpu, String> {
    usage(UsageWho::RUSAGE_CHILDREN)
}

fn usage(who: UsageWho) -> Result<Cpu, String> {
    let usage = getrusage(who).map_err(|e| format!("getrusage: {e}"))?;
    let seconds = |time: nix::sys::time::TimeVal| {
        use nix::sys::time::TimeValLike;
        time.num_microseconds() as f64 / 1e6
    };
    Ok(Cpu { user_s: seconds(usage.user_time()), system_s: seconds(usage.system_time()) })
}

/// Processor time in nanoseconds of all live threads of this process, as the scheduler counts it: more precise than
/// `cpu`, which may count in clock ticks.
pub fn threads_cpu_ns() -> Result<u64, String> {
    let describe = |e: std::io::Error| format!("/proc/self/task: {e}");
    let mut sum = 0;
    for task in std::fs::read_dir("/proc/self/task").map_err(describe)? {
        sum += schedstat(&task.map_err(describe)?.path())?;
    }
    Ok(sum)
}

/// The same of the calling thread.
#[allow(dead_code, reason = "of the program `http`")]
pub fn thread_cpu_ns() -> Result<u64, String> {
    schedstat(Path::new("/proc/thread-self"))
}

fn schedstat(task: &Path) -> Result<u64, String> {
    let path = task.join("schedstat");
    let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let first = text.split_whitespace().next().and_then(|word| word.parse().ok());
    first.ok_or_else(|| format!("{}: expected numbers, found {text}", path.display()))
}

/// The moment at which the last byte arrived.
pub struct Completion {
    /// The moment.
    pub at: Instant,
    /// Processor time at that moment.
    pub cpu: Cpu,
    /// Sum of the lengths.
    pub bytes: u64,
}

/// Waits until the files' lengths no longer change. Call it when the logger reports that it is done: if the report was
/// correct, the result is the moment of the call.
pub fn wait_until_unchanged(files: &[PathBuf]) -> Result<Completion, String> {
    let mut completion = Completion { at: Instant::now(), cpu: cpu()?, bytes: total_length(files) };
    while completion.at.elapsed() < UNCHANGED_FOR {
        std::thread::sleep(LOOK_EVERY);
        let bytes = total_length(files);
        if bytes != completion.bytes {
            completion = Completion { at: Instant::now(), cpu: cpu()?, bytes };
        }
    }
    Ok(completion)
}

fn total_length(files: &[PathBuf]) -> u64 {
    files.iter().filter_map(|file| file.metadata().ok()).map(|data| data.len()).sum()
}

/// The work of the whole machine so far, in seconds of one core.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Machine {
    /// Work of all processes and of the kernel.
    pub busy_s: f64,
    /// Time taken by the host's other guests while this one was ready to run.
    pub stolen_s: f64,
}

/// Reads `Machine`; zeros if the kernel does not report it.
pub fn machine() -> Machine {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    parse_machine(stat.lines().next().unwrap_or_default())
}

/// The line is `cpu user nice system idle iowait irq softirq steal …`, in hundredths of a second.
fn parse_machine(line: &str) -> Machine {
    let ticks: Vec<f64> =
        line.split_whitespace().skip(1).filter_map(|word| word.parse().ok()).collect();
    let seconds = |at: usize| ticks.get(at).copied().unwrap_or(0.0) / 100.0;
    let busy_s = [0, 1, 2, 5, 6].into_iter().map(seconds).sum();
    Machine { busy_s, stolen_s: seconds(7) }
}

/// The processor's name, as the kernel reports it.
pub fn cpu_model() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = info.lines().find(|line| line.starts_with("model name"));
    line.and_then(|line| line.split_once(':'))
        .map_or_else(|| "unknown".to_owned(), |(_, name)| name.trim().to_owned())
}

/// The kernel's version, without the suffix of its builder.
pub fn kernel() -> String {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    release.trim().split('-').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_threads_time_is_counted() {
        for read in [threads_cpu_ns, thread_cpu_ns] {
            let before = read().expect("the kernel reports it");
            let begin = Instant::now();
            while begin.elapsed() < Duration::from_millis(20) {
                std::hint::spin_loop();
            }
            assert!(read().expect("the kernel reports it") > before);
        }
    }

    #[test]
    fn idle_and_waiting_are_not_work() {
        let machine = parse_machine("cpu  100 200 300 9000 9000 10 20 70 5 5");
        assert_eq!(machine, Machine { busy_s: 6.3, stolen_s: 0.7 });
    }
}
