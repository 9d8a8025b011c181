//! `ringseal rings`, `peek` and `recover` on the homes of a process that logs and is killed.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use ringseal::internals::digest::Crc32;
use ringseal::{Config, Engine, Filter, Level, LevelFilter, Rings, info, warn};
use serde_json::Value;

const DIR: &str = "RINGSEAL_TEST_RINGS_DIR";
const CHILD: &str = "a_live_process_is_not_disturbed";
/// Events that the child has flushed, and as many that wait in its rings.
const FLUSHED: u64 = 50;

/// The child: logs, flushes, logs again and waits for its end. The second half stays in the rings, because an event
/// waits for older ones of other threads.
fn log_and_wait(dir: &Path) -> ! {
    let config = Config::new()
        .file(dir.join("app.log"))
        .filter(Filter::new(LevelFilter::AtLeast(Level::Trace)))
        .reorder_window(Duration::from_secs(3600))
        .run_id_value("run-of-the-child")
        .survive_kill(Rings::dir(dir.join("rings")).on_disk(true).require(true));
    let engine = Engine::start(config).expect("the log opens");
    // With one ring, no event would wait for others.
    let logger = engine.logger();
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        info!(logger, "another thread");
        sender.send(()).expect("the first thread waits");
        std::thread::park();
    });
    receiver.recv().expect("the thread logs");
    for number in 0..2 * FLUSHED {
        if number == FLUSHED {
            engine.flush().expect("a flush");
        }
        if number % 10 == 0 {
            warn!(engine, "tick", number, user.email = "someone@example.com");
        } else {
            info!(engine, "tick", number);
        }
    }
    println!("ready");
    loop {
        std::thread::sleep(Duration::from_secs(60));
    }
}

/// A child that is killed at the end, if not before.
struct Logging {
    child: Child,
    dir: tempfile::TempDir,
}

impl Drop for Logging {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Logging {
    fn start() -> Logging {
        let dir = tempfile::tempdir().expect("a directory");
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args([CHILD, "--exact", "--nocapture"])
            .env(DIR, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a child");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let is_ready = lines.map_while(Result::ok).any(|line| line.ends_with("ready"));
        assert!(is_ready, "the child ended");
        Logging { child, dir }
    }

    fn killed() -> Logging {
        let mut logging = Self::start();
        logging.kill();
        logging
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn rings(&self) -> PathBuf {
        self.dir.path().join("rings")
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("app.log")
    }

    fn homes(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.rings()).expect("readable");
        entries.map(|entry| entry.expect("an entry").path()).collect()
    }

    fn home(&self) -> PathBuf {
        self.homes().pop().expect("a home")
    }

    /// All files below the directory.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut dirs = vec![self.dir.path().to_owned()];
        while let Some(dir) = dirs.pop() {
            for entry in std::fs::read_dir(dir).expect("readable") {
                let path = entry.expect("an entry").path();
                match path.is_dir() {
                    true => dirs.push(path),
                    false => drop(files.insert(path.clone(), std::fs::read(path).expect("bytes"))),
                }
            }
        }
        files
    }
}

fn ringseal(command: &str, path: &Path, arguments: &[&str]) -> Output {
    let mut ringseal = Command::new(env!("CARGO_BIN_EXE_ringseal"));
    ringseal.arg(command).arg(path).args(arguments).output().expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Standard output of a call that must end with this code.
fn output_of(command: &str, path: &Path, arguments: &[&str], code: i32) -> String {
    let output = ringseal(command, path, arguments);
    let (said, errors) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{command} {arguments:?}: {said}{errors}");
    said
}

/// The numbers in the lines of the child.
fn numbers(lines: &str) -> Vec<u64> {
    let values = lines.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    values.filter_map(|value: Value| value["number"].as_u64()).collect()
}

fn range(numbers: std::ops::Range<u64>) -> Vec<u64> {
    numbers.collect()
}

fn homes_in(rings: &Path) -> Vec<Value> {
    let said = output_of("rings", rings, &["--json"], 0);
    serde_json::from_str::<Vec<Value>>(&said).expect("a JSON array")
}

#[test]
fn a_live_process_is_not_disturbed() {
    if let Some(dir) = std::env::var_os(DIR) {
        log_and_wait(Path::new(&dir));
    }
    let mut logging = Logging::start();
    let [home] = &homes_in(&logging.rings())[..] else { panic!("one home") };
    assert_eq!((&home["status"], &home["run_id"]), (&"alive".into(), &"run-of-the-child".into()));
    assert!(home["waiting_bytes"].as_u64() > Some(50 * 32) && home["lanes"] == 2, "{home}");
    assert_eq!(home["pid"].as_u64(), Some(logging.child.id().into()));
    for path in [logging.home(), logging.rings()] {
        let said = output_of("peek", &path, &["--json"], 0);
        assert_eq!(numbers(&said), range(FLUSHED..2 * FLUSHED));
    }
    let history = output_of("peek", &logging.home(), &["--json", "--history"], 0);
    assert_eq!(numbers(&history), range(0..2 * FLUSHED));
    let errors = text(&ringseal("recover", &logging.home(), &["--dry-run"]).stderr);
    assert!(errors.contains("its process is alive"), "{errors}");
    logging.kill();
    assert_eq!(homes_in(&logging.rings())[0]["status"], "dead");
    let history = output_of("peek", &logging.home(), &["--json", "--history"], 0);
    assert_eq!(numbers(&history), range(0..2 * FLUSHED));
}

#[test]
fn peek_redacts_and_filters() {
    let logging = Logging::killed();
    let peek = |arguments: &[&str]| output_of("peek", &logging.home(), arguments, 0);
    let shown = peek(&["-l", "warn"]);
    assert!(shown.contains("[WARN    ] tick target=rings number=50 user.email=<email>"), "{shown}");
    assert_eq!(shown.lines().count(), 5, "{shown}");
    // Call sites get other ids in each process that reads the home.
    for _ in 0..20 {
        let shown = peek(&["--history", "--json"]);
        assert_eq!((shown.matches("<email>").count(), shown.matches("someone@").count()), (10, 0));
    }
    assert!(peek(&["-l", "warn", "--unredacted"]).contains("someone@example.com"));
    assert_eq!(numbers(&peek(&["--json", "--thread", CHILD])).len(), 50);
    assert_eq!(peek(&["--json", "--thread", "nobody"]), "");
}

#[test]
fn a_dry_run_changes_nothing() {
    let logging = Logging::killed();
    let before = logging.files();
    let said = output_of("recover", &logging.rings(), &["--dry-run"], 1);
    assert!(said.contains(" 50 missing\n") && said.contains("app.log"), "{said}");
    output_of("rings", &logging.rings(), &[], 0);
    output_of("peek", &logging.rings(), &["--history"], 0);
    assert!(logging.files() == before, "a file has changed");
}

#[test]
fn missing_lines_go_into_their_log_once() {
    let logging = Logging::killed();
    let into = logging.log().to_string_lossy().into_owned();
    for _ in 0..2 {
        output_of("recover", &logging.rings(), &["--into", &into], 0);
        let log = std::fs::read_to_string(logging.log()).expect("the log");
        assert_eq!(numbers(&log), range(0..2 * FLUSHED));
        assert_eq!(log.matches("\"recovered\":true").count(), 50, "{log}");
        assert_eq!(logging.homes(), [""; 0].map(PathBuf::from));
    }
}

#[test]
fn missing_lines_go_to_standard_output() {
    let logging = Logging::killed();
    let kept = output_of("recover", &logging.rings(), &["--stdout", "--keep"], 1);
    assert_eq!(numbers(&kept), range(FLUSHED..2 * FLUSHED));
    assert_eq!(kept.matches("\"recovered\":true").count(), 50, "{kept}");
    assert_eq!(output_of("recover", &logging.home(), &["--stdout"], 0), kept);
    assert!(logging.homes().is_empty());
    assert_eq!(output_of("recover", &logging.rings(), &["--stdout"], 0), "");
}

#[test]
fn another_log_takes_lines_only_by_force() {
    let logging = Logging::killed();
    let other = logging.dir.path().join("other.log");
    let into = ["--into", other.to_str().expect("UTF-8"), "--force-log"];
    output_of("recover", &logging.rings(), &into[..2], 2);
    std::fs::write(&other, "").expect("room");
    // The log exists, and the home is of another one.
    output_of("recover", &logging.rings(), &into[..2], 1);
    assert_eq!(logging.homes().len(), 1);
    output_of("recover", &logging.rings(), &into, 2);
    std::fs::remove_file(&other).expect("removed");
    output_of("recover", &logging.rings(), &into, 0);
    let lines = std::fs::read_to_string(&other).expect("a file");
    assert_eq!((numbers(&lines), logging.homes().len()), (range(FLUSHED..2 * FLUSHED), 0));
}

#[test]
fn watch_waits_for_the_end() {
    let mut logging = Logging::start();
    let rings = logging.rings();
    let command = std::thread::spawn(move || ringseal("recover", &rings, &["--watch", "--stdout"]));
    std::thread::sleep(Duration::from_millis(300));
    assert!(!command.is_finished());
    logging.kill();
    let output = command.join().expect("an end");
    assert_eq!(numbers(&text(&output.stdout)), range(FLUSHED..2 * FLUSHED));
    assert_eq!((output.status.code(), logging.homes().len()), (Some(0), 0));
}

/// Makes a home one of another boot of the machine.
fn change_boot(home: &Path) {
    let path = home.join("engine");
    let mut bytes = std::fs::read(&path).expect("a description");
    bytes[64] ^= 1;
    let mut crc = Crc32::new();
    crc.update(&bytes[..32]);
    crc.update(&bytes[48..104]);
    (0..48).for_each(|sink| crc.update(&bytes[4096 + sink * 512..][..256]));
    crc.update(&bytes[32_768..]);
    bytes[104..112].copy_from_slice(&u64::from(crc.finish()).to_le_bytes());
    std::fs::write(path, bytes).expect("room");
}

#[test]
fn lines_of_another_boot_are_unsure() {
    let logging = Logging::killed();
    change_boot(&logging.home());
    assert_eq!(homes_in(&logging.rings())[0]["status"], "dead before boot");
    assert_eq!(output_of("recover", &logging.rings(), &["--stdout"], 1), "");
    let unsure = output_of("recover", &logging.rings(), &["--stdout", "--after-power-loss"], 1);
    assert_eq!(numbers(&unsure), range(FLUSHED..2 * FLUSHED));
    assert_eq!(unsure.matches("\"recovered\":\"unsure\"").count(), 50, "{unsure}");
    assert_eq!(homes_in(&logging.rings())[0]["status"], "set aside");
    assert!(logging.home().to_string_lossy().ends_with(".aside"));
}

#[test]
fn damaged_rings_are_set_aside() {
    let logging = Logging::killed();
    for ring in ["ring-0", "ring-1"].map(|ring| logging.home().join(ring)) {
        let mut bytes = std::fs::read(&ring).expect("a ring");
        // No record has such a kind.
        bytes[65_536..].fill(0xFF);
        std::fs::write(&ring, bytes).expect("room");
    }
    output_of("peek", &logging.home(), &[], 1);
    output_of("recover", &logging.rings(), &["--stdout"], 1);
    assert!(logging.home().to_string_lossy().ends_with(".aside"));
}

#[test]
fn garbage_is_left_and_reported() {
    let dir = tempfile::tempdir().expect("a directory");
    assert_eq!(output_of("rings", dir.path(), &["--json"], 0), "[]\n");
    assert_eq!(output_of("recover", dir.path(), &["--stdout"], 0), "");
    std::fs::create_dir(dir.path().join("home")).expect("room");
    std::fs::write(dir.path().join("home/engine"), "garbage").expect("room");
    assert_eq!(homes_in(dir.path())[0]["status"], "unreadable");
    assert!(output_of("rings", dir.path(), &[], 0).contains("expected the home of a run"));
    output_of("peek", dir.path(), &[], 2);
    for mode in [&["--stdout"][..], &["--dry-run"], &["--stdout", "--after-power-loss"]] {
        output_of("recover", dir.path(), mode, 1);
    }
    assert_eq!(std::fs::read(dir.path().join("home/engine")).expect("still there"), b"garbage");
}

#[test]
fn wrong_usage_has_exit_code_two() {
    let missing = Path::new("/no/such/directory");
    output_of("rings", missing, &[], 2);
    output_of("peek", missing, &[], 2);
    output_of("recover", missing, &["--stdout"], 2);
    let dir = tempfile::tempdir().expect("a directory");
    for wrong in [&[][..], &["--stdout", "--dry-run"], &["--dry-run", "--keep"], &["--force-log"]] {
        output_of("recover", dir.path(), wrong, 2);
    }
}
