//! Several sinks, some of which fail, hang, panic, or lose their answers.
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use proptest::prelude::*;

use super::scripted::{Control, Step};
use super::*;
use ringseal_base::storage::Storage;
use ringseal_base::storage::faulty::{Faults, FaultyDisk};

/// Longer than any test takes; reaching it is a failure.
const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(1);

fn bounds(overflow: SinkQueueOverflow) -> SinkBounds {
    SinkBounds {
        held_bytes_max: 2000,
        overflow,
        retry_pause_min: SHORT,
        retry_pause_max: SHORT,
        stop_wait_max: LONG,
        ..SinkBounds::default()
    }
}

fn blocking(wait_max: Duration) -> SinkBounds {
    bounds(SinkQueueOverflow::Block { wait_max })
}

fn disk() -> (FaultyDisk, PathBuf) {
    let dir = Path::new("/audit");
    (FaultyDisk::new(dir), dir.join("spill"))
}

fn fan(disk: &FaultyDisk) -> FanOut {
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    FanOut::new(storage, |_| ())
}

fn seqs(control: &Control) -> Vec<u64> {
    control.taken().iter().map(|(seq, _)| *seq).collect()
}

/// Each line once, in order.
#[track_caller]
fn assert_has(control: &Control, lines: &[String]) {
    let want: Vec<_> = (0..).zip(lines.iter().map(|line| line.clone().into_bytes())).collect();
    assert_eq!(control.taken(), want);
}

#[test]
fn a_hanging_sink_delays_no_other() {
    let (disk, _) = disk();
    let [good, hanging, failing] = [(); 3].map(|()| Control::default());
    hanging.hang(true);
    failing.fail(true);
    let fan = fan(&disk)
        .with(hanging.sink("hanging"), SinkBounds { held_bytes_max: 1 << 20, ..blocking(LONG) })
        .and_then(|fan| {
            let bounds = SinkBounds { held_bytes_max: 1 << 20, ..blocking(LONG) };
            fan.with(failing.sink("failing"), bounds)
        })
        .and_then(|fan| fan.with(good.sink("good"), blocking(LONG)))
        .unwrap();
    let lines = Lines::new(100).lines;
    for entry in sealed(&lines) {
        fan.offer(&[entry]).unwrap();
    }
    let error = fan.commit(SHORT).unwrap_err();
    assert!(matches!(error, AuditSinkError::Timeout { missing_seq: 0, .. }), "{error}");
    while fan.health()[2].committed_next != Some(100) {
        let _ = fan.commit(SHORT);
    }
    assert_has(&good, &lines);
    let health = fan.health();
    assert!(health[0].held_bytes > 10_000 && health[0].committed_next.is_none());
    hanging.hang(false);
    failing.fail(false);
    fan.commit(LONG).unwrap();
    assert_has(&hanging, &lines);
    assert_has(&failing, &lines);
    assert!(fan.health().iter().all(|sink| sink.is_healthy && sink.held_bytes == 0));
    fan.close().unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn each_entry_arrives_once(
        steps in proptest::collection::vec(0usize..8, 0..40),
        sizes in proptest::collection::vec(1usize..8, 1..20),
        batch_entries_max in 1usize..6,
        spills: bool,
    ) {
        let (disk, path) = disk();
        let control = Control::default();
        let known = [Step::Fail, Step::FailAfterOne, Step::LoseAnswer];
        control.steps(steps.iter().filter_map(|&step| known.get(step % 8).copied()));
        let overflow = match spills {
            true => SinkQueueOverflow::Spill { path },
            false => SinkQueueOverflow::Block { wait_max: LONG },
        };
        let bounds = SinkBounds { batch_entries_max, ..bounds(overflow) };
        let fan = fan(&disk).with(control.sink("scripted"), bounds).unwrap();
        let lines = Lines::new(sizes.iter().sum()).lines;
        let entries = sealed(&lines);
        let mut rest = &entries[..];
        for size in sizes {
            let (batch, behind) = rest.split_at(size);
            rest = behind;
            fan.offer(batch).unwrap();
            // Offered again, as after an error of another sink.
            fan.offer(batch).unwrap();
        }
        fan.commit(LONG).unwrap();
        assert_has(&control, &lines);
        prop_assert_eq!(fan.health()[0].committed_next, Some(lines.len() as u64));
        fan.close().unwrap();
    }
}

#[test]
fn a_full_queue_blocks_then_fails() {
    let (disk, _) = disk();
    let (control, other) = (Control::default(), Control::default());
    control.hang(true);
    let fan = fan(&disk)
        .with(control.sink("slow"), blocking(SHORT))
        .and_then(|fan| fan.with(other.sink("other"), blocking(LONG)))
        .unwrap();
    let lines = Lines::new(20).lines;
    let entries = sealed(&lines);
    let error = fan.offer(&entries).unwrap_err();
    match error {
        AuditSinkError::Full { target, held_bytes, held_bytes_max } => {
            assert_eq!((target.as_str(), held_bytes_max), ("slow", 2000));
            assert!(held_bytes <= 2000 && held_bytes > 1000, "{held_bytes}");
        }
        error => panic!("{error}"),
    }
    control.hang(false);
    while fan.offer(&entries).is_err() {}
    fan.commit(LONG).unwrap();
    assert_has(&control, &lines);
    assert_has(&other, &lines);
}

#[test]
fn a_full_queue_spills_in_order() {
    let (disk, path) = disk();
    let control = Control::default();
    control.hang(true);
    let spilling = bounds(SinkQueueOverflow::Spill { path: path.clone() });
    let fan = fan(&disk).with(control.sink("slow"), spilling).unwrap();
    let lines = Lines::new(50).lines;
    fan.offer(&sealed(&lines)[..40]).unwrap();
    let health = &fan.health()[0];
    assert!(health.held_bytes <= 2000 && health.spilled_bytes > 8000, "{health:?}");
    assert_eq!(disk.files()[&path].len() as u64, health.spilled_bytes);
    control.hang(false);
    // Some entries arrive while the file is being emptied.
    fan.offer(&sealed(&lines)).unwrap();
    fan.commit(LONG).unwrap();
    assert_has(&control, &lines);
    assert_eq!(disk.files()[&path].len(), 0);
    fan.close().unwrap();
}

#[test]
fn the_next_process_delivers_spilled_entries() {
    let (disk, path) = disk();
    let spilling = || bounds(SinkQueueOverflow::Spill { path: path.clone() });
    let control = Control::default();
    control.hang(true);
    let first = fan(&disk).with(control.sink("db"), spilling()).unwrap();
    let lines = Lines::new(30).lines;
    let entries = sealed(&lines);
    first.offer(&entries).unwrap();
    // The process is killed here: entries in memory are lost.
    let disk = disk.after_kill();
    let next = Control::default();
    next.put(&entries[0]);
    let second = fan(&disk).with(next.sink("db"), spilling()).unwrap();
    let error = second.commit(Duration::from_millis(50)).unwrap_err();
    assert!(matches!(error, AuditSinkError::Timeout { .. }), "{error}");
    let health = &second.health()[0];
    let message = health.last_error.as_deref().unwrap_or_default();
    assert!(
        !health.is_healthy && message.starts_with("db: expected entry 1 next, found "),
        "{message}"
    );
    // The log has them: see `catch_up`.
    let held = message.rsplit(' ').next().unwrap().parse().unwrap();
    entries[1..held].iter().for_each(|entry| next.put(entry));
    second.commit(LONG).unwrap();
    assert_has(&next, &lines);
    // Offering continues after the entries in the file, even if the caller starts too early.
    second.offer(&entries[20..]).unwrap();
    second.close().unwrap();
    assert_has(&next, &lines);
    control.hang(false);
    drop(first);
}

#[test]
fn a_dead_sinks_entries_stay_in_its_file() {
    let (disk, path) = disk();
    let control = Control::default();
    control.fail(true);
    let lines = Lines::new(40).lines;
    for end in [3, 25] {
        // A few entries are held in memory, or more than that.
        let dying = SinkBounds {
            stop_wait_max: SHORT,
            ..bounds(SinkQueueOverflow::Spill { path: path.clone() })
        };
        let fan = fan(&disk).with(control.sink("dead"), dying).unwrap();
        fan.offer(&sealed(&lines)[..end]).unwrap();
        let errors = fan.close().unwrap_err();
        assert!(matches!(errors[..], [AuditSinkError::Io { .. }]), "{errors:?}");
    }
    control.fail(false);
    let fan = fan(&disk)
        .with(control.sink("well"), bounds(SinkQueueOverflow::Spill { path: path.clone() }))
        .unwrap();
    fan.offer(&sealed(&lines)).unwrap();
    fan.close().unwrap();
    assert_has(&control, &lines);
    assert_eq!(disk.files()[&path].len(), 0);
}

#[test]
fn a_failing_spill_file_fails_the_offer() {
    let (disk, path) = disk();
    let control = Control::default();
    control.hang(true);
    let fan = fan(&disk)
        .with(control.sink("slow"), bounds(SinkQueueOverflow::Spill { path: path.clone() }))
        .unwrap();
    let lines = Lines::new(30).lines;
    disk.set_faults(Faults { capacity_bytes: 1000, ..Faults::default() });
    let error = fan.offer(&sealed(&lines)).unwrap_err();
    assert!(matches!(error, AuditSinkError::Io { action: "append to", .. }), "{error}");
    disk.set_faults(Faults::default());
    fan.offer(&sealed(&lines)).unwrap();
    control.hang(false);
    fan.close().unwrap();
    assert_has(&control, &lines);
}

#[test]
fn a_sink_hanging_at_the_end_is_named() {
    let (disk, _) = disk();
    let control = Control::default();
    control.hang(true);
    let bounds = SinkBounds { stop_wait_max: SHORT, ..blocking(LONG) };
    let fan = fan(&disk).with(control.sink("stuck"), bounds).unwrap();
    fan.offer(&sealed(&Lines::new(2).lines)).unwrap();
    control.wait_for_calls(1);
    let errors = fan.close().unwrap_err();
    assert_eq!(errors[0].to_string(), "stuck does not have entry 0 in time");
    control.hang(false);
}

#[test]
fn failures_and_recoveries_are_reported_once() {
    let (disk, _) = disk();
    let found = Arc::new(Mutex::new(Vec::new()));
    let notices = Arc::clone(&found);
    let control = Control::default();
    control.steps([Step::Fail, Step::Panic, Step::LoseAnswer]);
    let storage: Arc<dyn Storage> = Arc::new(disk);
    let fan = FanOut::new(storage, move |notice| {
        notices.lock().push(match notice {
            SinkEvent::Failing { sink, error } => format!("{sink} fails: {error}"),
            SinkEvent::Recovered { sink, errors } => format!("{sink} is back after {errors}"),
        });
        panic!("a listener that panics ends nothing");
    });
    let fan = fan.with(control.sink("db"), blocking(LONG)).unwrap();
    let lines = Lines::new(3).lines;
    fan.offer(&sealed(&lines)).unwrap();
    fan.commit(LONG).unwrap();
    assert_has(&control, &lines);
    let health = &fan.health()[0];
    assert_eq!((health.errors, health.is_healthy), (3, true));
    let message = health.last_error.clone().unwrap_or_default();
    assert!(message.starts_with("cannot write to db: "), "{message}");
    fan.close().unwrap();
    assert_eq!(*found.lock(), ["db fails: cannot write to db: broken pipe", "db is back after 3"]);
}

#[test]
fn entries_are_gathered_until_a_caller_waits() {
    let (disk, _) = disk();
    let control = Control::default();
    let bounds = SinkBounds { gather_entries: 3, gather_max: Duration::MAX, ..blocking(LONG) };
    let fan = fan(&disk).with(control.sink("db"), bounds).unwrap();
    let lines = Lines::new(8).lines;
    let entries = sealed(&lines);
    fan.offer(&entries[..2]).unwrap();
    fan.offer(&entries[2..3]).unwrap();
    control.wait_for_calls(1);
    fan.commit(LONG).unwrap();
    assert_eq!((control.calls(), seqs(&control)), (1, vec![0, 1, 2]), "one call for three");
    fan.offer(&entries[3..4]).unwrap();
    fan.commit(LONG).unwrap();
    assert_eq!((control.calls(), seqs(&control).len()), (2, 4), "a caller waits");
    fan.offer(&entries[4..6]).unwrap();
    fan.close().unwrap();
    assert_has(&control, &lines[..6]);
}

#[test]
fn a_gap_in_offered_entries_is_refused() {
    let (disk, _) = disk();
    let control = Control::default();
    let fan = fan(&disk).with(control.sink("db"), blocking(LONG)).unwrap();
    let lines = Lines::new(5).lines;
    let entries = sealed(&lines);
    fan.offer(&entries[..2]).unwrap();
    let error = fan.offer(&entries[3..]).unwrap_err().to_string();
    assert_eq!(error, "db: expected entry 2 next, found 3");
    fan.offer(&entries).unwrap();
    fan.close().unwrap();
    assert_has(&control, &lines);
}
