//! Shared by the tests that kill runs at random moments: children that are this test program, which note each number
//! once its call has returned.
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ringseal_base::storage::shared_file::SharedFile;

const DIR: &str = "RINGSEAL_TEST_KILL_DIR";
const LIFE: &str = "RINGSEAL_TEST_KILL_LIFE";
/// How many kills there are; each test has its default.
const KILLS: &str = "RINGSEAL_TEST_KILLS";

/// How long something may take that ends by itself, on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The directory and the number of the life, if this process is a child.
pub fn child() -> Option<(PathBuf, u64)> {
    let dir = std::env::var_os(DIR)?.into();
    Some((dir, std::env::var(LIFE).ok()?.parse().ok()?))
}

/// The number of kills.
pub fn kills(default: u64) -> u64 {
    std::env::var(KILLS).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The directory of rings of the test in `dir`.
pub fn ring_dir(dir: &Path) -> PathBuf {
    let name = dir.file_name().expect("a name").to_string_lossy().into_owned();
    let shm = Path::new("/dev/shm");
    if shm.is_dir() { shm.join(format!("ringseal-test-{name}")) } else { dir.join("rings") }
}

/// The numbers that a life notes, by thread.
pub struct Noted(SharedFile);

impl Noted {
    /// In the child.
    pub fn create(dir: &Path, life: u64) -> Noted {
        Noted(SharedFile::create(&dir.join(format!("noted-{life}")), 4096).expect("a page"))
    }

    /// Notes that the calls of a thread with the numbers below `count` have returned.
    pub fn note(&self, thread: usize, count: u64) {
        self.0.publish(thread * 128, count);
    }
}

/// What each thread of a life has noted.
pub fn noted<const THREADS: usize>(dir: &Path, life: u64) -> [u64; THREADS] {
    let bytes = std::fs::read(dir.join(format!("noted-{life}"))).unwrap_or_default();
    std::array::from_fn(|thread| {
        let word = bytes.get(thread * 128..).and_then(|rest| rest.first_chunk::<8>());
        word.map_or(0, |word| u64::from_le_bytes(*word))
    })
}

/// Starts `test` of this program as a child, and kills it at most `pause_micros` after its first note, at a moment that
/// differs from life to life. Returns what its threads have noted.
pub fn live_and_die<const THREADS: usize>(
    test: &str,
    dir: &Path,
    life: u64,
    pause_micros: u64,
) -> [u64; THREADS] {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args([test, "--exact", "--nocapture"]).env(DIR, dir).env(LIFE, life.to_string());
    let mut child = command.stdout(Stdio::null()).spawn().expect("a child");
    let end = Instant::now() + PATIENCE;
    while noted::<THREADS>(dir, life).iter().all(|count| *count == 0) {
        assert!(child.try_wait().expect("its state").is_none(), "life {life} ended by itself");
        assert!(Instant::now() < end, "life {life} notes nothing");
        std::thread::sleep(Duration::from_micros(100));
    }
    std::thread::sleep(Duration::from_micros(life * 2_654_435_761 % pause_micros));
    child.kill().expect("a kill");
    child.wait().expect("its end");
    noted(dir, life)
}

/// At the end: keeps the directory of a test that failed, and requires that no home is left otherwise.
pub fn finish<T>(dir: tempfile::TempDir, found: Result<T, String>) -> T {
    let rings = ring_dir(dir.path());
    let left = std::fs::read_dir(&rings).map_or(0, Iterator::count);
    match found {
        Ok(value) => {
            assert_eq!(left, 0, "homes are left in {}", rings.display());
            let _ = std::fs::remove_dir(&rings);
            value
        }
        Err(error) => panic!("{error}; the log is in {}", dir.keep().display()),
    }
}
