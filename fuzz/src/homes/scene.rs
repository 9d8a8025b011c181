//! Makes the files.
use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use ringseal::internals::digest::Crc32;
use ringseal::sink::file::FileConfig;
use ringseal::{Config, Context, Engine, Output, Recovery, Rings, fields, info, warn};

use super::Files;

/// The directory of the homes.
pub const RINGS: &str = "/rings";
/// The log.
pub const LOG: &str = "/app/app.log";
/// The identity of the log.
pub const LOG_ID: &str = "/app/.app.log.id";
/// The home of the run of this program.
pub const LIVE: &str = "/rings/2-live";

/// An event of the scene.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    /// The run that logged it.
    pub run: String,
    /// Its name.
    pub event: String,
    /// The thread, in the run of this program.
    pub lane: u64,
    /// Its number among those with this name.
    pub number: u64,
}

/// The files, and what was logged.
#[derive(Debug, Clone)]
pub struct Scene {
    /// The homes and the log, as a start finds them.
    pub files: Files,
    /// The home of the live run at several moments, the files of which a live reader sees.
    pub moments: Vec<Files>,
    /// All events of both runs.
    pub logged: BTreeSet<Identity>,
}

/// The scene, made once.
///
/// # Panics
/// If the golden home is not in the repository, or the run cannot be made.
pub fn scene() -> &'static Scene {
    static SCENE: OnceLock<Scene> = OnceLock::new();
    SCENE.get_or_init(|| make().expect("a scene"))
}

fn make() -> io::Result<Scene> {
    let mut files = golden()?;
    let (moments, live_log) = live(&files[Path::new(LOG_ID)])?;
    let mut home = moments.last().cloned().unwrap_or_default();
    let golden_log = files[Path::new(LOG)].clone();
    let (kept, spool) = split_log(&live_log);
    let engine = home.get_mut(&Path::new(LIVE).join("engine")).expect("an engine file");
    let lines = kept.split(|byte| *byte == b'\n').count() as u64 - 1;
    set_commit(engine, lines, (golden_log.len() + kept.len()) as u64);
    home.insert(Path::new(LIVE).join("spool-0-0"), spool);
    files.extend(home);
    files.insert(LOG.into(), [golden_log, kept].concat());
    Ok(Scene { files, moments, logged: logged() })
}

/// The last lines were given to the sink, which did not take them.
fn split_log(log: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let ends: Vec<usize> = (0..log.len()).filter(|at| log[*at] == b'\n').map(|at| at + 1).collect();
    let (kept, spool) = log.split_at(ends[ends.len() - 1 - SPOOLED]);
    (kept.to_vec(), spool.to_vec())
}

/// Lines in the spool.
const SPOOLED: usize = 5;
/// Events of each lane of the live run before each moment.
const EVENTS: [u64; 6] = [30, 14, 25, 12, 40, 13];
/// Lanes of the live run.
const LANES: u64 = 2;

fn logged() -> BTreeSet<Identity> {
    let identity = |run: &str, event: &str, lane, number| Identity {
        run: run.to_owned(),
        event: event.to_owned(),
        lane,
        number,
    };
    let mut logged = BTreeSet::new();
    for number in 0..10 {
        logged.insert(identity("golden-run", "order_filled", 0, number));
        logged.insert(identity("golden-run", "slow", 0, number));
    }
    logged.insert(identity("golden-run", "from_a_thread", 0, 1));
    logged.insert(identity("golden-run", "stuck", 0, 0));
    let ticks = (0..LANES).flat_map(|lane| (0..EVENTS.iter().sum()).map(move |each| (lane, each)));
    logged.extend(ticks.map(|(lane, number)| identity("live-run", "tick", lane, number)));
    for number in 0..3 {
        logged.insert(identity("live-run", "stuck", 0, number));
    }
    logged
}

fn golden() -> io::Result<Files> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/home-v1");
    let mut files = Files::new();
    let home = Path::new(RINGS).join("1-golden");
    for entry in fs::read_dir(dir.join("home"))? {
        let entry = entry?;
        let mut bytes = load(&fs::read_to_string(entry.path())?);
        if entry.file_name() == "engine" {
            bytes[64..80].copy_from_slice(&boot_id()?);
            correct_checksum(&mut bytes);
        }
        files.insert(home.join(entry.file_name()), shortened(&entry.file_name(), bytes));
    }
    files.insert(LOG_ID.into(), load(&fs::read_to_string(dir.join("log-id"))?));
    files.insert(LOG.into(), fs::read(dir.join("app.log"))?);
    Ok(files)
}

/// The bytes of a dump: a length, then rows with their places.
fn load(text: &str) -> Vec<u8> {
    let (length, rows) = text.split_once('\n').expect("a length");
    let length = length.trim_start_matches("length ").parse().expect("a number");
    let mut bytes = vec![0; length];
    for (place, hex) in rows.lines().filter_map(|row| row.split_once(' ')) {
        let place = usize::from_str_radix(place, 16).expect("a place");
        for (index, digits) in hex.as_bytes().chunks(2).enumerate() {
            let digits = std::str::from_utf8(digits).expect("digits");
            bytes[place + index] = u8::from_str_radix(digits, 16).expect("digits");
        }
    }
    bytes
}

/// Without the zeros at its end, which these files need not have.
fn shortened(name: &std::ffi::OsStr, mut bytes: Vec<u8>) -> Vec<u8> {
    let name = name.to_string_lossy();
    if ["sites-", "lines-", "lane-"].iter().any(|start| name.starts_with(start)) {
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
        bytes.truncate(used.next_multiple_of(64));
    }
    bytes
}

fn boot_id() -> io::Result<[u8; 16]> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let digits: Vec<u8> =
        text.chars().filter_map(|each| each.to_digit(16)).map(|digit| digit as u8).collect();
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    bytes.try_into().map_err(|_| io::ErrorKind::InvalidData.into())
}

/// Corrects the checksum of a file `engine` of version 1.
pub fn correct_checksum(engine: &mut [u8]) {
    if engine.len() < 65_536 {
        return;
    }
    let mut crc = Crc32::new();
    crc.update(&engine[..32]);
    crc.update(&engine[48..104]);
    for sink in 0..48 {
        crc.update(&engine[4096 + sink * 512..4096 + sink * 512 + 256]);
    }
    crc.update(&engine[32_768..65_536]);
    let sum = u64::from(crc.finish());
    engine[104..112].copy_from_slice(&sum.to_le_bytes());
}

/// The lines and the length in both commit records of the first sink, and the number of the first line in its spool.
/// Which file they are of is set when the files are put on a disk.
fn set_commit(engine: &mut [u8], lines: u64, len_bytes: u64) {
    for slot in [4096 + 264, 4096 + 296] {
        engine[slot..slot + 8].copy_from_slice(&lines.to_le_bytes());
        engine[slot + 24..slot + 32].copy_from_slice(&len_bytes.to_le_bytes());
    }
    engine[4096 + 360..4096 + 368].copy_from_slice(&lines.to_le_bytes());
}

/// The file in both commit records of the first sink.
pub fn set_commit_file(engine: &mut [u8], device: u64, inode: u64) {
    for slot in [4096 + 264, 4096 + 296] {
        if let Some(words) = engine.get_mut(slot + 8..slot + 24) {
            words[..8].copy_from_slice(&device.to_le_bytes());
            words[8..].copy_from_slice(&inode.to_le_bytes());
        }
    }
}

/// The moments of a run, and its log at the last one.
fn live(log_id: &[u8]) -> io::Result<(Vec<Files>, Vec<u8>)> {
    let dir = std::env::temp_dir().join(format!("ringseal-fuzz-home-{}", std::process::id()));
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(dir.join("rings"))?;
    fs::set_permissions(dir.join("rings"), Permissions::from_mode(0o700))?;
    fs::write(dir.join(".app.log.id"), log_id)?;
    let is_held = Arc::new(AtomicBool::new(false));
    let goes_on = Arc::new(AtomicBool::new(false));
    let engine = Engine::start(config(&dir, (&is_held, &goes_on))).map_err(io::Error::other)?;
    let mut moments = Vec::new();
    let lanes: Vec<_> = (0..LANES).map(|lane| lane_of(&engine, lane)).collect();
    for (index, count) in EVENTS.into_iter().enumerate() {
        let holds = index % 2 == 1;
        if holds {
            goes_on.store(false, Ordering::SeqCst);
            info!(engine, "stuck", number = index / 2);
            wait_for(&is_held)?;
        }
        lanes.iter().for_each(|lane| lane.log(count));
        if !holds {
            engine.flush().map_err(io::Error::other)?;
        }
        moments.push(collect(&dir.join("rings"))?);
        if holds && index + 1 < EVENTS.len() {
            is_held.store(false, Ordering::SeqCst);
            goes_on.store(true, Ordering::SeqCst);
            engine.flush().map_err(io::Error::other)?;
        }
    }
    let log = fs::read(dir.join("app.log"))?;
    goes_on.store(true, Ordering::SeqCst);
    drop(lanes);
    engine.stop().map_err(io::Error::other)?;
    fs::remove_dir_all(&dir)?;
    Ok((moments, log))
}

fn config(dir: &Path, (is_held, goes_on): (&Arc<AtomicBool>, &Arc<AtomicBool>)) -> Config {
    let (is_held, goes_on) = (Arc::clone(is_held), Arc::clone(goes_on));
    let rings = Rings::dir(dir.join("rings")).on_disk(true).require(true).name("golden");
    Config::new()
        .output(Output::file(FileConfig::new(dir.join("app.log"))))
        .survive_kill(rings)
        .recovery(Recovery::Off)
        .ring_bytes(4096)
        .run_id_value("live-run")
        .event_hook(move |event| {
            if event.name() == "stuck" {
                is_held.store(true, Ordering::SeqCst);
                while !goes_on.load(Ordering::SeqCst) {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        })
}

fn wait_for(flag: &AtomicBool) -> io::Result<()> {
    let end = Instant::now() + Duration::from_secs(60);
    while !flag.load(Ordering::SeqCst) {
        if Instant::now() > end {
            return Err(io::ErrorKind::TimedOut.into());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// A thread that logs on demand.
struct Lane {
    count: Option<std::sync::mpsc::SyncSender<u64>>,
    done: std::sync::mpsc::Receiver<()>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Lane {
    fn log(&self, count: u64) {
        self.count.as_ref().expect("until it is dropped").send(count).expect("it waits");
        self.done.recv().expect("it answers");
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.count = None;
        self.thread.take().map(std::thread::JoinHandle::join);
    }
}

fn lane_of(engine: &Engine, lane: u64) -> Lane {
    let (count, requests) = sync_channel::<u64>(1);
    let (answers, done) = sync_channel(1);
    let logger = engine.logger().clone();
    let thread = std::thread::spawn(move || {
        let bound = logger.bind(fields! { bound = lane });
        let mut number = 0;
        for count in requests {
            for _ in 0..count {
                match number % 3 {
                    0 => info!(bound, "tick", lane, number, text = "ünï\"code\n"),
                    1 => warn!(logger, "tick", lane, number),
                    _ => {
                        let _scope = Context::new().with(fields! { request = number }).enter();
                        info!(bound, "tick", lane, number);
                    }
                }
                number += 1;
            }
            if answers.send(()).is_err() {
                return;
            }
        }
    });
    Lane { count: Some(count), done, thread: Some(thread) }
}

/// The files of the only home in a directory.
fn collect(rings: &Path) -> io::Result<Files> {
    let mut files = Files::new();
    for home in fs::read_dir(rings)? {
        for entry in fs::read_dir(home?.path())? {
            let entry = entry?;
            // Opening the lock would end it.
            let is_lock = entry.file_name() == "lock";
            let bytes = if is_lock { Vec::new() } else { fs::read(entry.path())? };
            let path: PathBuf = Path::new(LIVE).join(entry.file_name());
            files.insert(path, shortened(&entry.file_name(), bytes));
        }
    }
    Ok(files)
}
