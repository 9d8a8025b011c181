//! A program whose runs are killed: two lanes, one or two logs on a disk in memory, and a real home, whose files are
//! put on that disk as they are at the moment of the kill.
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::bounded;
use parking_lot::Mutex;

use super::lanes::{LANES, Lanes};
use crate::Level;
use crate::core::Lines;
use crate::core::filter::Filter;
use crate::core::level::LevelFilter;
use crate::core::registry;
use crate::emit::Logger;
use crate::emit::lane_settings::{LaneClock, LaneSettings, SpanLines};
use crate::emit::overflow::Overflow;
use crate::emit::shared::Shared;
use crate::engine::config::output::Destination;
use crate::engine::config::survival::{Look, facts_of};
use crate::engine::config::{Config, Format, Output};
use crate::engine::recovery;
use crate::recover::boot::boot_id;
use crate::recover::engine_file::RunFacts;
use crate::recover::home::{Home, WriterHome};
use crate::sample::sampler::Sampler;
use crate::sink::commit::Commit;
use crate::sink::file::{FileConfig, FileSink, RotateEvery};
use crate::sink::{Sink, SinkError, WriteError};
use crate::writer::control::Control;
use crate::writer::link::{Inbox, Link};
use crate::writer::recovery::{Recovering, RecoveryReport, RecoveryState};
use crate::writer::{OutputConfig, RedactionConfig, Writer, WriterConfig, tables_of};
use ringseal_base::clock::{Clock, ManualClock, Now};
use ringseal_base::limits::Limits;
use ringseal_base::storage::Storage;
use ringseal_base::storage::faulty::{Faults, FaultyDisk};

pub(super) const RINGS: &str = "/rings";
pub(super) const LOGS: [&str; 2] = ["/app/app.log", "/warn/warn.log"];
const PROGRAM: &str = "model";
const START: i64 = 1_700_000_000_000_000_000;
const MINUTE: i64 = 60_000_000_000;

/// What the runs do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Program {
    pub(super) rotate_bytes_max: u64,
    /// Whether warnings go to a second log, too.
    pub(super) has_second_log: bool,
    /// How many events each lane logs before recovery, and then before each turn.
    pub(super) events: &'static [u64],
    pub(super) batch_bytes_max: usize,
    /// A directory whose files take no bytes in the first run.
    pub(super) full_below: Option<&'static str>,
    /// Whether each lane logs, and a turn is taken, after each slice of a recovery.
    pub(super) is_interrupted: bool,
}

/// Some lines.
const SLICE_BYTES: usize = 500;

/// A run is killed at this call on the disk, counted from its start; a write still takes this many bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kill {
    pub(super) call: u64,
    pub(super) bytes: usize,
}

/// The disk, and how many events each lane of each run has logged.
#[derive(Clone)]
pub(super) struct World {
    pub(super) disk: FaultyDisk,
    pub(super) logged: Vec<[u64; LANES]>,
}

/// How a run has ended.
pub(super) enum End {
    Killed,
    InOrder(RecoveryReport),
}

type Files = Vec<(PathBuf, Vec<u8>)>;

impl World {
    pub(super) fn new() -> World {
        let disk = FaultyDisk::new(Path::new("/"));
        ["/app", "/warn", RINGS].iter().for_each(|dir| disk.put_dir(Path::new(dir)));
        World { disk, logged: Vec::new() }
    }

    /// The bytes of all files that ever were.
    pub(super) fn bytes(&self) -> usize {
        self.disk.all_bytes().iter().map(Vec::len).sum()
    }
}

/// The files of the homes in a directory, as they are.
fn files_of(rings: &Path) -> Files {
    let entries = |dir: &Path| {
        let entries = std::fs::read_dir(dir).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect::<Vec<_>>()
    };
    let files = entries(rings).into_iter().flat_map(|home| entries(&home));
    files
        .map(|path| {
            let mut bytes = std::fs::read(&path).unwrap();
            let name = path.file_name().unwrap().to_str().unwrap();
            if name.starts_with("sites-") || name.starts_with("lines-") {
                // Missing words are zero.
                let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
                bytes.truncate(used.next_multiple_of(64));
            }
            (Path::new(RINGS).join(path.strip_prefix(rings).unwrap()), bytes)
        })
        .collect()
}

impl World {
    /// Puts the files of homes, which are named after their runs, onto the disk.
    fn put_homes(&mut self, files: Files) {
        for (path, bytes) in files {
            self.disk.put_dir(path.parent().unwrap());
            self.disk.put(&path, &bytes);
        }
    }
}

impl Program {
    /// Runs the program on a copy of a disk.
    pub(super) fn run(&self, before: &World, kill: Option<Kill>) -> (World, End) {
        let disk = before.disk.after_kill();
        let rings = match Path::new("/dev/shm").is_dir() {
            true => tempfile::tempdir_in("/dev/shm").unwrap(),
            false => tempfile::tempdir().unwrap(),
        };
        let logged: Arc<[AtomicU64; LANES]> = Arc::default();
        let left = Arc::new(Mutex::new(None));
        let (dir, counts, place) =
            (rings.path().to_owned(), Arc::clone(&logged), Arc::clone(&left));
        disk.on_kill(move || *place.lock() = Some((files_of(&dir), load(&counts))));
        let first = disk.calls();
        let kill_call = kill.map(|kill| (first + kill.call, kill.bytes));
        let full_below = self.full_below.filter(|_| before.logged.is_empty());
        disk.set_faults(Faults { kill_call, full_below, ..Faults::default() });
        let report = self.live(&disk, before.logged.len(), rings.path(), &logged);
        let mut world = World { disk: disk.after_kill(), logged: before.logged.clone() };
        if let Some((files, counts)) = left.lock().take() {
            world.logged.push(counts);
            world.put_homes(files);
            return (world, End::Killed);
        }
        world.logged.push(load(&logged));
        let files = files_of(rings.path());
        // Only a run whose log's disk was full to its end leaves something.
        assert!(
            files.is_empty() || full_below.is_some(),
            "{} files of homes are left",
            files.len()
        );
        world.put_homes(files);
        (world, End::InOrder(report.expect("a start that is not killed succeeds")))
    }

    /// The run, until it ends or is killed.
    fn live(
        &self,
        disk: &FaultyDisk,
        life: usize,
        rings: &Path,
        logged: &Arc<[AtomicU64; LANES]>,
    ) -> Result<RecoveryReport, SinkError> {
        let clock = Arc::new(ManualClock::at(START + life as i64 * 60 * MINUTE));
        disk.set_time(clock.unix_nanos());
        let state = Arc::<RecoveryState>::default();
        let (config, mut recovering, home) = self.start(disk, life, rings, (&clock, &state))?;
        let (link, inbox) = Link::new();
        link.stderr.is_silent.store(true, Ordering::Relaxed);
        let shared = shared(&link, &clock, &home);
        let lanes = Lanes::start(&Logger::new(Arc::clone(&shared)), (life, &clock), logged);
        let lanes = Arc::new(lanes);
        if self.is_interrupted {
            let lanes = Arc::clone(&lanes);
            recovering.interrupt(SLICE_BYTES, move || lanes.log(1));
        }
        let writer = writer((config, &link, inbox), &clock, home, recovering);
        self.turn(writer, disk, (&link, &lanes), &clock);
        drop(lanes);
        shared.disable();
        Ok(state.report().unwrap_or_default())
    }

    /// Claims the homes, opens the logs and makes the run's own home, as an engine does.
    fn start(
        &self,
        disk: &FaultyDisk,
        life: usize,
        rings: &Path,
        (clock, state): (&Arc<ManualClock>, &Arc<RecoveryState>),
    ) -> Result<(WriterConfig, Recovering, WriterHome), SinkError> {
        let storage: Arc<dyn Storage> = Arc::new(disk.clone());
        let now = clock.now();
        let mut outputs = self.outputs();
        let expected = recovery::expected(&*storage, &outputs);
        let dir = Path::new(RINGS);
        let claimed =
            recovery::claim(&storage, dir, PROGRAM, &expected, (&**state, now.unix_nanos));
        outputs.iter_mut().for_each(|output| output.discard_torn(!claimed.is_empty()));
        let mut config = Config::new();
        config.flat.run_id = format!("life-{life}");
        let (looks, outputs) = open(&config, outputs, &storage, now)?;
        let writer = WriterConfig {
            outputs,
            batch_bytes_max: self.batch_bytes_max,
            held_bytes_max: 1 << 20,
            reorder_window_nanos: 0,
            publishes_time: false,
            redaction: RedactionConfig::default(),
            static_fields: Vec::new(),
            hooks: Vec::new(),
            observing: Default::default(),
        };
        let facts = facts_of(&writer.outputs);
        let adopt = |one| config.adoption(one, &facts, &looks, &writer.outputs);
        let adoptions = claimed.into_iter().map(adopt).collect();
        let clock = Arc::clone(clock) as _;
        let mut recovering = Recovering::new(RedactionConfig::default(), Vec::new(), clock);
        (recovering.adoptions, recovering.state) = (adoptions, Arc::clone(state));
        let run = RunFacts {
            run_id: format!("life-{life}"),
            program: PROGRAM.to_owned(),
            audit: String::new(),
            pid: 1,
            boot: boot_id(),
            started_unix_nanos: now.unix_nanos,
        };
        let home = Home::create(rings, &format!("life-{life}"), &run, (&facts, tables_of(&writer)))
            .unwrap();
        Ok((writer, recovering, home))
    }

    fn outputs(&self) -> Vec<Output> {
        let file = |path| {
            let file = FileConfig::new(path).rotate_every(RotateEvery::Never);
            let file = file.rotate_bytes_max(self.rotate_bytes_max).compress(false);
            Output::file(file.retain_bytes_max(None).retain_segments_max(None))
        };
        let second = self.has_second_log.then(|| file(LOGS[1]).level(Level::Warn));
        [file(LOGS[0])].into_iter().chain(second).collect()
    }

    /// Recovers what earlier runs have left, then logs and takes turns, then stops.
    fn turn(
        &self,
        mut writer: Writer,
        disk: &FaultyDisk,
        (link, lanes): (&Arc<Link>, &Lanes),
        clock: &ManualClock,
    ) {
        let (before, turns) = self.events.split_first().unwrap();
        lanes.log(*before);
        writer.recover();
        for events in turns {
            if disk.is_killed() {
                return;
            }
            lanes.log(*events);
            clock.advance(1_000_000);
            writer.step(clock.ticks());
        }
        if !disk.is_killed() {
            let (reply, _answer) = bounded(1);
            link.call(Control::Stop(reply)).unwrap();
            writer.step(clock.ticks());
        }
    }
}

fn load(counts: &[AtomicU64; LANES]) -> [u64; LANES] {
    std::array::from_fn(|lane| counts[lane].load(Ordering::SeqCst))
}

fn open(
    config: &Config,
    outputs: Vec<Output>,
    storage: &Arc<dyn Storage>,
    now: Now,
) -> Result<(Vec<Look>, Vec<OutputConfig>), SinkError> {
    let mut opened = Vec::new();
    for Output { destination, level, filter, .. } in outputs {
        let Destination::File(file) = destination else { unreachable!() };
        let sink = Idle(FileSink::open_on(Arc::clone(storage), file, now)?);
        sink.0.wait_idle();
        let layout = config.layout(Format::Json, false);
        let sinks: Vec<Box<dyn Sink>> = vec![Box::new(sink)];
        opened.push(((Format::Json, false), OutputConfig { layout, level, filter, sinks }));
    }
    Ok(opened.into_iter().unzip())
}

fn writer(
    (config, link, inbox): (WriterConfig, &Arc<Link>, Inbox),
    clock: &Arc<ManualClock>,
    home: WriterHome,
    recovering: Recovering,
) -> Writer {
    let writer = Writer::new(config, Arc::clone(link), inbox, Arc::clone(clock) as _);
    writer.with_home(Some(home)).with_recovery(Some(recovering))
}

fn shared(link: &Arc<Link>, clock: &Arc<ManualClock>, home: &WriterHome) -> Arc<Shared> {
    let filter = Arc::new(Filter::new(LevelFilter::AtLeast(Level::Trace)));
    let place = registry::take_place(false, Arc::clone(&filter)).unwrap();
    let settings = LaneSettings {
        ring_bytes: 4096,
        lanes_max: 8,
        limits: Limits::default(),
        clock: LaneClock::Injected,
        injected: Some(Arc::clone(clock) as _),
        include_stack: false,
        span_lines: SpanLines::default(),
        requires_trace: false,
    };
    let timeout = Duration::from_secs(10);
    let home = Some(Arc::clone(&home.home));
    let lanes = (settings, timeout);
    let overflow = Overflow::default_levels();
    Shared::new(place, Arc::clone(link), overflow, lanes, filter, (Sampler::new(1), home))
}

/// A file whose helper thread has done its jobs after each call, so that runs are alike.
struct Idle(FileSink);

impl Idle {
    fn then_wait<T>(&mut self, call: impl FnOnce(&mut FileSink) -> T) -> T {
        let result = call(&mut self.0);
        self.0.wait_idle();
        result
    }
}

impl Sink for Idle {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn write(&mut self, lines: Lines<'_>, now: Now) -> Result<(), WriteError> {
        self.then_wait(|sink| sink.write(lines, now))
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.then_wait(Sink::flush)
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        self.then_wait(Sink::sync)
    }

    fn turn(&mut self, now: Now) -> Result<(), SinkError> {
        self.then_wait(|sink| sink.turn(now))
    }

    fn counters(&self) -> crate::sink::SinkCounters {
        self.0.counters()
    }

    fn attach(&mut self, commit: Box<dyn Commit>) {
        self.0.attach(commit);
    }

    fn log_id(&self) -> Option<[u8; 16]> {
        self.0.log_id()
    }
}
