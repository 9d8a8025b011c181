//! Shared by the tests of disasters: a log whose rings outlive its process, children that log numbers and note each
//! one once its call has returned, and the check that the log has each of them once.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{self, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use ringseal::sink::file::FileConfig;
use ringseal::{Config, Engine, Output, Recovery, RecoveryReport, Rings, info};
use ringseal_base::storage::shared_file::SharedFile;
use serde_json::Value;

use super::support;

/// How long something may take that ends by itself, on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Threads that log, at most.
pub const THREADS_MAX: usize = 8;

/// A directory with a log, and the directory of its rings.
#[derive(Debug, Clone)]
pub struct Place {
    pub dir: PathBuf,
    pub rings: PathBuf,
}

impl Place {
    /// In a directory that the test has made.
    pub fn at(dir: &Path) -> Place {
        let name = dir.file_name().expect("a name").to_string_lossy().into_owned();
        let shm = Path::new("/dev/shm");
        let in_shm = || shm.join(format!("ringseal-test-{}", name.trim_start_matches('.')));
        let rings = if shm.is_dir() { in_shm() } else { dir.join("rings") };
        Place { dir: dir.to_owned(), rings }
    }

    pub fn log(&self) -> PathBuf {
        self.dir.join("app.log")
    }

    /// Small rings in files, and everything kept.
    pub fn config(&self, life: u64) -> Config {
        let file = FileConfig::new(self.log()).retain_segments_max(None);
        self.config_with(life, Output::file(file))
    }

    pub fn config_with(&self, life: u64, output: Output) -> Config {
        let rings = Rings::dir(&self.rings).on_disk(true).require(true);
        let config = Config::new().output(output).survive_kill(rings).ring_bytes(256 << 10);
        let config = config.shutdown_timeout(Duration::from_millis(300));
        config.run_id_value(&format!("life-{life}")).panic_hook(true)
    }

    /// The homes, oldest first. An empty directory is not one: a process leaves it that is killed while it makes a
    /// home, and it is removed later.
    pub fn homes(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.rings).into_iter().flatten();
        let dirs = entries.map(|entry| entry.expect("an entry").path());
        let has_files =
            |dir: &PathBuf| std::fs::read_dir(dir).is_ok_and(|mut files| files.next().is_some());
        let mut homes: Vec<PathBuf> = dirs.filter(has_files).collect();
        homes.sort();
        homes
    }

    /// The only home.
    #[track_caller]
    pub fn home(&self) -> PathBuf {
        let homes = self.homes();
        assert_eq!(homes.len(), 1, "{homes:?}");
        homes[0].clone()
    }

    /// Starts an engine that recovers what is left, and waits for that.
    #[track_caller]
    pub fn recovering(&self, config: Config) -> (Engine, RecoveryReport) {
        let engine = Engine::start(config.recovery(Recovery::Wait(PATIENCE))).expect("a start");
        let report = engine.recovered().expect("a report");
        (engine, report)
    }

    /// Recovers what is left, and stops.
    #[track_caller]
    pub fn recover(&self, life: u64) -> RecoveryReport {
        let config = self.config(life).shutdown_timeout(PATIENCE);
        let (engine, report) = self.recovering(config);
        engine.stop().expect("the end");
        report
    }

    /// Recovers what is left, and checks that nothing remains and the log has each event once.
    #[track_caller]
    pub fn recover_all(&self, lives: &[(u64, Vec<u64>)]) -> RecoveryReport {
        let report = self.recover(1000);
        assert!(report.left.is_empty(), "{report:?}");
        assert!(report.runs.iter().all(|run| run.error.is_none()), "{report:?}");
        assert!(self.homes().is_empty(), "homes are left: {:?}", self.homes());
        self.check(lives);
        report
    }

    /// Whether the log has what each life has noted, once.
    #[track_caller]
    pub fn check(&self, lives: &[(u64, Vec<u64>)]) {
        let events = support::events_of_all_segments(&self.log());
        if let Err(fault) = check(&events, lives) {
            panic!(
                "{fault}; {events:#?}",
                events = events.iter().rev().take(3).collect::<Vec<_>>()
            );
        }
    }

    /// The numbers that each thread of a life has noted.
    pub fn noted(&self, life: u64) -> Vec<u64> {
        let bytes = std::fs::read(self.dir.join(format!("noted-{life}"))).unwrap_or_default();
        let words = (0..THREADS_MAX).map_while(|thread| bytes.get(thread * 128..)?.first_chunk());
        words.map(|word| u64::from_le_bytes(*word)).collect()
    }

    pub fn noted_sum(&self, life: u64) -> u64 {
        self.noted(life).iter().sum()
    }

    /// What a life has noted, for [`Place::check`].
    pub fn life(&self, life: u64) -> (u64, Vec<u64>) {
        (life, self.noted(life))
    }
}

/// A directory of a test, which goes with its rings.
pub struct TestDir {
    pub place: Place,
    _dir: tempfile::TempDir,
}

impl TestDir {
    pub fn new() -> TestDir {
        let dir = tempfile::tempdir().expect("a directory");
        TestDir { place: Place::at(dir.path()), _dir: dir }
    }
}

impl std::ops::Deref for TestDir {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.place
    }
}

impl Drop for TestDir {
    fn drop(&mut self) {
        if std::thread::panicking() && std::env::var_os("RINGSEAL_TEST_KEEP").is_some() {
            let kept = self.place.dir.with_extension("kept");
            let _ = std::fs::rename(&self.place.dir, &kept);
            eprintln!("kept: {} {}", kept.display(), self.place.rings.display());
            return;
        }
        let _ = std::fs::remove_dir_all(&self.place.rings);
    }
}

/// Where threads note the numbers whose calls have returned.
pub struct Noted(SharedFile);

impl Noted {
    pub fn create(place: &Place, life: u64) -> Noted {
        let path = place.dir.join(format!("noted-{life}"));
        Noted(SharedFile::create(&path, 4096).expect("a page"))
    }

    pub fn note(&self, thread: usize, count: u64) {
        self.0.publish(thread * 128, count);
    }
}

/// Logs the numbers of a range, and notes each one.
pub fn log_numbers(
    engine: &Engine,
    noted: &Noted,
    (life, thread): (u64, usize),
    numbers: std::ops::Range<u64>,
) {
    for number in numbers {
        let text = "x".repeat((number * 37 % 100) as usize);
        info!(engine, "tick", life, thread, number, text = text.as_str());
        noted.note(thread, number + 1);
    }
}

/// The same on this many threads.
pub fn log_on_threads(engine: &Engine, noted: &Noted, life: u64, threads: usize, count: u64) {
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || log_numbers(engine, noted, (life, thread), 0..count));
        }
    });
}

/// What is wrong with these events, given what each thread of each life has noted.
pub fn check(events: &[Value], lives: &[(u64, Vec<u64>)]) -> Result<(), String> {
    let mut seen: BTreeMap<(u64, usize), u64> = BTreeMap::new();
    for event in events.iter().filter(|event| event["event"] == "tick") {
        let number_of = |key: &str| event[key].as_u64().ok_or(format!("no {key}: {event}"));
        let (life, thread) = (number_of("life")?, number_of("thread")? as usize);
        let expected = seen.entry((life, thread)).or_insert(0);
        if number_of("number")? != *expected {
            return Err(format!("life {life}, thread {thread}: expected {expected}: {event}"));
        }
        if event["run_id"] != format!("life-{life}") {
            return Err(format!("another run: {event}"));
        }
        *expected += 1;
    }
    for (life, counts) in lives {
        for (thread, count) in counts.iter().enumerate() {
            let found = seen.remove(&(*life, thread)).unwrap_or(0);
            // A thread may have been killed between the call and the note.
            if found != *count && found != count + 1 {
                return Err(format!(
                    "life {life}, thread {thread}: {count} calls returned, {found} are in the log"
                ));
            }
        }
    }
    if seen.is_empty() { Ok(()) } else { Err(format!("of no life: {seen:?}")) }
}

/// How many of these events are marked as recovered.
pub fn recovered_count(events: &[Value]) -> usize {
    events.iter().filter(|event| event["recovered"] == true).count()
}

/// A child that does not outlive the test.
pub struct Child(pub process::Child);

impl std::ops::Deref for Child {
    type Target = process::Child;

    fn deref(&self) -> &process::Child {
        &self.0
    }
}

impl std::ops::DerefMut for Child {
    fn deref_mut(&mut self) -> &mut process::Child {
        &mut self.0
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A child of this test program in a role. Its standard output is not read.
pub fn spawn(test: &str, role: &str, place: &Place) -> Child {
    Child(quiet(&mut support::child(test, role, &place.dir)).spawn().expect("a child"))
}

/// Without standard output, which nobody reads.
pub fn quiet(command: &mut Command) -> &mut Command {
    command.stdout(Stdio::null())
}

/// Waits for the end of a child; one that does not end is killed, and the test fails.
#[track_caller]
pub fn wait(child: &mut Child) -> ExitStatus {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().expect("its state") {
            return status;
        }
        if Instant::now() > end {
            let _ = child.kill();
            let _ = child.wait();
            panic!("a child does not end");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Kills a child and waits for its end.
pub fn kill(child: &mut Child) {
    child.kill().expect("a kill");
    child.wait().expect("its end");
}

/// Waits, with a long deadline, for what another process or thread brings about.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "{what}: did not happen");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A number from the environment.
pub fn number_from_env(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
