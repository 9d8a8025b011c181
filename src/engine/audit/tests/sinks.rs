//! Sinks besides the log, fed by an engine.
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::*;
use ringseal_audit::sink::{SinkBounds, SinkQueueOverflow, StreamSink};

/// A stream that a test can read, and break.
#[derive(Clone, Default)]
struct Pipe {
    bytes: Arc<Mutex<Vec<u8>>>,
    is_broken: Arc<AtomicBool>,
}

impl Pipe {
    fn break_it(&self, is_broken: bool) {
        self.is_broken.store(is_broken, Ordering::SeqCst);
    }

    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.bytes.lock().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_broken.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        // Takes a part of it, as pipes do.
        let count = bytes.len().min(1000);
        self.bytes.lock().extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn quick() -> SinkBounds {
    let mut bounds = SinkBounds::default();
    bounds.retry_pause_min = Duration::from_millis(1);
    bounds.retry_pause_max = Duration::from_millis(2);
    bounds.stop_wait_max = Duration::from_secs(30);
    bounds
}

fn stream(name: &str, pipe: &Pipe) -> Box<StreamSink> {
    Box::new(StreamSink::new(name, Box::new(pipe.clone())))
}

#[test]
fn a_stream_gets_every_entry_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = Pipe::default();
    let config = AuditConfig::new(dir.path()).sink(stream("copy", &pipe), quick());
    let (engine, audit, _) = start(config);
    for number in 0..200 {
        audit.emit(&login(&format!("u-{number}"))).unwrap();
        if number % 50 == 0 {
            audit.rotate().unwrap();
        }
    }
    audit.commit_sinks().unwrap();
    assert_eq!(pipe.lines(), lines(dir.path()));
    assert!(audit.health().is_healthy());
    assert_eq!(audit.health().sinks[0].missing_entries, 0);
    engine.stop().unwrap();
    let found = pipe.lines();
    assert_eq!(found, lines(dir.path()), "the end of the log as well");
    for own in ["start", "segment", "epoch", "integrity", "stop"] {
        assert!(found.iter().any(|line| line.contains(&format!("\"ringseal.{own}\""))), "{own}");
    }
    // A second process: a stream does not remember the first, and starts with new entries.
    let config = AuditConfig::new(dir.path()).sink(stream("copy", &pipe), quick());
    let (engine, audit, _) = start(config);
    audit.emit(&login("again")).unwrap();
    engine.stop().unwrap();
    assert_eq!(pipe.lines(), lines(dir.path()));
}

#[test]
fn a_failing_sink_is_reported_and_catches_up() {
    let dir = tempfile::tempdir().unwrap();
    let [good, bad] = [(); 2].map(|()| Pipe::default());
    bad.break_it(true);
    let small = {
        let mut bounds = quick();
        bounds.held_bytes_max = 5000;
        bounds
    };
    let config = AuditConfig::new(dir.path())
        .sink(stream("bad", &bad), small)
        .sink(stream("good", &good), quick());
    let (engine, audit, log) = start(config);
    for number in 0..300 {
        audit.emit(&login(&format!("u-{number}"))).unwrap();
    }
    audit.emit(&login("last")).unwrap().wait().unwrap();
    let all = lines(dir.path());
    wait_until("the good one has all", || good.lines() == all);
    wait_until("the failure is reported", || {
        let _ = engine.flush();
        log.lines().iter().any(|line| line.contains("audit_sink_failure"))
    });
    let found = log.lines().into_iter().find(|line| line.contains("audit_sink_failure")).unwrap();
    assert!(found.contains("\"level\":\"critical\"") && found.contains("bad"), "{found}");
    let health = audit.health();
    assert!(!health.is_healthy() && !health.sinks[0].is_healthy && health.sinks[1].is_healthy);
    assert!(health.log.as_ref().is_none_or(|log| log.audit_sink_healthy), "the log itself is");
    assert!(health.sinks[0].missing_entries >= 300, "{health:?}");
    assert!(health.sinks[0].held_bytes <= 5000, "{health:?}");
    assert_eq!(bad.lines(), [] as [&str; 0]);
    bad.break_it(false);
    audit.commit_sinks().unwrap();
    assert_eq!(bad.lines(), all);
    wait_until("the recovery is reported", || {
        let _ = engine.flush();
        log.lines().iter().any(|line| line.contains("audit_sink_recovered"))
    });
    assert!(audit.health().is_healthy());
    engine.stop().unwrap();
    assert_eq!(bad.lines(), lines(dir.path()));
}

#[test]
fn missing_entries_are_reported_at_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let bad = Pipe::default();
    bad.break_it(true);
    let bounds = {
        let mut bounds = quick();
        bounds.stop_wait_max = Duration::from_millis(5);
        bounds
    };
    let (engine, audit, log) =
        start(AuditConfig::new(dir.path()).sink(stream("bad", &bad), bounds));
    audit.emit(&login("u")).unwrap().wait().unwrap();
    engine.stop().unwrap();
    let found = log.lines().join("\n");
    assert!(
        found.contains("undelivered entries at the stop: ") && found.contains("the log has them"),
        "{found}"
    );
    let report = verdict(dir.path(), &dir.path().join("audit.pub"));
    assert_eq!(report.outcome, Verdict::Intact, "{report:?}");
}

/// A sink must not have an entry that the log lacks.
#[test]
fn a_sink_receives_only_entries_on_disk() {
    let (disk, config) = faulty(|config| config);
    let pipe = Pipe::default();
    let (engine, audit, log) = start(config.sink(stream("copy", &pipe), quick()));
    audit.emit(&login("before")).unwrap().wait().unwrap();
    audit.commit_sinks().unwrap();
    let count = pipe.lines().len();
    fill_up(&disk);
    audit.emit(&login("held")).unwrap();
    wait_until("the failure is reported", || {
        let _ = engine.flush();
        log.lines().iter().any(|line| line.contains("audit_sink_failure"))
    });
    assert_eq!(pipe.lines().len(), count);
    disk.set_faults(Faults::default());
    audit.emit(&login("after")).unwrap().wait().unwrap();
    audit.commit_sinks().unwrap();
    let held = pipe.lines().iter().filter(|line| line.contains("\"held\"")).count();
    assert_eq!(held, 1);
    engine.stop().unwrap();
}

#[test]
fn a_failing_disk_loses_no_spilled_entry() {
    let (disk, config) = faulty(|config| config);
    let pipe = Pipe::default();
    let overflow = SinkQueueOverflow::Spill { path: "/copy.spill".into() };
    let bounds = {
        let mut bounds = quick();
        bounds.held_bytes_max = 2000;
        bounds.overflow = overflow;
        bounds
    };
    let (engine, audit, _) = start(config.sink(stream("copy", &pipe), bounds));
    let spilled = |disk: &FaultyDisk| disk.files()[Path::new("/copy.spill")].len();
    audit.commit_sinks().unwrap();
    pipe.break_it(true);
    for number in 0..50 {
        audit.emit(&login(&format!("u-{number}"))).unwrap().wait().unwrap();
    }
    assert!(spilled(&disk) > 10_000);
    // The file takes no more, but the log does: the rest is read from there.
    disk.set_faults(Faults { full_below: Some("/copy.spill"), ..Faults::default() });
    for number in 50..100 {
        audit.emit(&login(&format!("u-{number}"))).unwrap().wait().unwrap();
    }
    pipe.break_it(false);
    audit.commit_sinks().unwrap();
    engine.stop().unwrap();
    let files = disk.files();
    let log = String::from_utf8(files[&Path::new(DIR).join("audit.log.jsonl")].clone()).unwrap();
    assert_eq!(pipe.lines(), log.lines().collect::<Vec<_>>());
    assert_eq!(spilled(&disk), 0);
}

#[cfg(feature = "audit-sqlite")]
mod sqlite {
    use super::*;
    use ringseal_audit::sink::export;
    use ringseal_audit::sink::sqlite::SqliteSink;

    fn start_with(dir: &Path, database: &Path) -> (Engine, AuditLogger) {
        let sink = Box::new(SqliteSink::open(database).unwrap());
        let config = AuditConfig::new(dir).segment_bytes_max(20_000).sink(sink, quick());
        let (engine, audit, _) = start(config);
        (engine, audit)
    }

    /// The content of the database as the files of a log, with the log's checkpoints.
    fn exported(dir: &Path, database: &Path, to: &Path) {
        let mut sink = SqliteSink::open_read_only(database).unwrap();
        export(&mut sink, &OsStorage, to).unwrap();
        for name in ["checkpoint", "checkpoints"] {
            std::fs::copy(dir.join(name), to.join(name)).unwrap();
        }
    }

    #[test]
    fn a_database_that_was_down_catches_up() {
        let temporary = tempfile::tempdir().unwrap();
        let [dir, database, copy] =
            ["log", "audit.db", "copy"].map(|name| temporary.path().join(name));
        let (engine, audit) = start_with(&dir, &database);
        for number in 0..100 {
            audit.emit(&login(&format!("u-{number}"))).unwrap();
        }
        audit.commit_sinks().unwrap();
        engine.stop().unwrap();
        // A process without the database, as one that died before the database got anything.
        let (engine, audit, _) = start(AuditConfig::new(&dir).segment_bytes_max(20_000));
        for number in 100..200 {
            audit.emit(&login(&format!("u-{number}"))).unwrap();
        }
        engine.stop().unwrap();
        let (engine, audit) = start_with(&dir, &database);
        audit.emit(&login("last")).unwrap();
        audit.commit_sinks().unwrap();
        engine.stop().unwrap();
        exported(&dir, &database, &copy);
        assert_eq!(lines(&copy), lines(&dir));
        assert_eq!(events(&copy).len(), 201);
        let report = verdict(&copy, &dir.join("audit.pub"));
        assert_eq!(report.outcome, Verdict::Intact, "{report:?}");
    }

    #[test]
    fn a_database_detects_a_rolled_back_log() {
        let temporary = tempfile::tempdir().unwrap();
        let [dir, old, database] =
            ["log", "old", "audit.db"].map(|name| temporary.path().join(name));
        let (engine, audit) = start_with(&dir, &database);
        audit.emit(&login("u")).unwrap();
        engine.stop().unwrap();
        copy_dir(&dir, &old);
        let (engine, audit) = start_with(&dir, &database);
        for number in 0..50 {
            audit.emit(&login(&format!("u-{number}"))).unwrap();
        }
        engine.stop().unwrap();
        // Replaces the log by an old copy.
        let (engine, audit) = start_with(&old, &database);
        wait_until("the sink refuses", || !audit.health().is_healthy());
        let found = audit.health().sinks[0].last_error.clone().unwrap();
        assert!(found.contains("rolled back"), "{found}");
        drop(engine);
    }

    fn copy_dir(from: &Path, to: &Path) {
        std::fs::create_dir(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let to = to.join(entry.file_name());
            match entry.file_type().unwrap().is_dir() {
                true => copy_dir(&entry.path(), &to),
                false => drop(std::fs::copy(entry.path(), to).unwrap()),
            }
        }
    }
}
