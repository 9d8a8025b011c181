//! Sinks fed by a log: each gets every committed entry once, in order, whatever the sink does. It never gets an entry
//! that is not on disk.
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::super::spill::Spill;
use super::scripted::{Control, Step};
use super::*;
use crate::entry::{Body, Parser};
use crate::store::{AuditLog, Host, LogOptions};
use ringseal_base::clock::ManualClock;
use ringseal_base::digest::Sha256;
use ringseal_base::storage::faulty::{Faults, FaultyDisk};

const DIR: &str = "/log";
const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(1);

struct Fixture {
    disk: FaultyDisk,
    clock: Arc<ManualClock>,
    opened: u64,
}

impl Fixture {
    fn new() -> Fixture {
        let disk = FaultyDisk::new(Path::new(DIR));
        disk.put_dir(Path::new("/away"));
        let mut fixture =
            Fixture { disk, clock: Arc::new(ManualClock::at(Lines::unix_nanos(0))), opened: 0 };
        let mut host = fixture.host();
        AuditLog::create(&mut host, Path::new(DIR), Path::new("/away"), "test/audit").unwrap();
        fixture
    }

    fn host(&mut self) -> Host {
        self.opened += 1;
        let mut state = 1000 * self.opened;
        Host {
            storage: Arc::new(self.disk.clone()),
            clock: self.clock.clone(),
            random: Box::new(move |buffer| {
                for chunk in buffer.chunks_mut(32) {
                    state += 1;
                    chunk.copy_from_slice(&Sha256::of(&state.to_be_bytes())[..chunk.len()]);
                }
                Ok(())
            }),
        }
    }

    fn open(&mut self) -> AuditLog {
        let options = LogOptions { segment_bytes_max: 5000, ..LogOptions::default() };
        AuditLog::open(self.host(), Path::new(DIR), options).unwrap()
    }

    /// The lines on disk, with their numbers.
    fn lines(&self) -> Vec<(u64, Vec<u8>)> {
        let files = self.disk.files();
        let segments = files.iter().filter(|(path, _)| {
            path.starts_with(DIR) && path.extension().is_some_and(|end| end == "jsonl")
        });
        // `audit-…` sorts before `audit.log.jsonl`, which is the order of the entries.
        let lines = segments.flat_map(|(_, bytes)| bytes.split_inclusive(|byte| *byte == b'\n'));
        (0..).zip(lines.map(|line| line[..line.len() - 1].to_vec())).collect()
    }
}

fn append(log: &mut AuditLog, count: usize) {
    for number in 0..count {
        let members = format!("\"event_type\":\"user.login\",\"actor\":{{\"id\":\"u{number}\"}}");
        let body = Body::new(members.as_bytes(), &mut Parser::new()).unwrap();
        log.append(body, Lines::unix_nanos(number as u64)).unwrap();
    }
}

fn bounds() -> SinkBounds {
    SinkBounds {
        held_bytes_max: 2000,
        retry_pause_min: SHORT,
        retry_pause_max: SHORT,
        stop_wait_max: LONG,
        ..SinkBounds::default()
    }
}

fn feed_sink(log: &mut AuditLog, control: &Control, bounds: SinkBounds) -> Arc<FanOut> {
    FanOut::of_log(log, vec![(control.sink("scripted"), bounds)], |_| ()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Several processes, each ending in order or by a crash, with a sink that fails from time to time.
    #[test]
    fn each_committed_entry_arrives_once(
        lives in proptest::collection::vec(
            (proptest::collection::vec(1usize..20, 0..8), any::<bool>(), any::<bool>()), 1..4),
        steps in proptest::collection::vec(0usize..8, 0..30),
        batch_entries_max in 1usize..6,
        spills: bool,
    ) {
        let mut fixture = Fixture::new();
        let control = Control::default();
        let known = [Step::Fail, Step::FailAfterOne, Step::LoseAnswer];
        control.steps(steps.iter().filter_map(|&step| known.get(step).copied()));
        for (commits, is_away, crashes) in lives {
            let mut log = fixture.open();
            let overflow = match spills {
                true => SinkQueueOverflow::Spill { path: Path::new(DIR).join("copy.spill") },
                false => SinkQueueOverflow::Block { wait_max: SHORT },
            };
            let stop_wait_max = if is_away || crashes { SHORT } else { LONG };
            let bounds = SinkBounds { batch_entries_max, overflow, stop_wait_max, ..bounds() };
            control.fail(is_away);
            let fan = feed_sink(&mut log, &control, bounds);
            for count in commits {
                append(&mut log, count);
                log.commit().unwrap();
                log.maintain().unwrap();
            }
            if crashes {
                // After this line, the sink's thread does only work that it could have done before the crash.
                fixture.disk.set_faults(Faults { kill_call: Some((0, 0)), ..Faults::default() });
                drop(log);
                fixture.disk = fixture.disk.after_kill();
            } else {
                log.close().unwrap();
            }
            let _ = fan.close();
        }
        control.fail(false);
        let mut log = fixture.open();
        let fan = feed_sink(&mut log, &control, bounds());
        fan.commit(LONG).unwrap();
        log.close().unwrap();
        fan.close().unwrap();
        assert_eq!(control.taken(), fixture.lines());
    }
}

#[test]
fn sinks_get_only_entries_on_disk() {
    let mut fixture = Fixture::new();
    let control = Control::default();
    let mut log = fixture.open();
    let fan = feed_sink(&mut log, &control, bounds());
    append(&mut log, 5);
    fan.commit(LONG).unwrap();
    assert_eq!(control.taken(), fixture.lines());
    let used: usize = fixture.disk.files().values().map(Vec::len).sum();
    fixture.disk.set_faults(Faults { capacity_bytes: used + 100, ..Faults::default() });
    log.commit().unwrap_err();
    fan.commit(LONG).unwrap();
    assert!(control.taken().iter().all(|(_, line)| !line.windows(4).any(|at| at == b"\"u0\"")));
    fixture.disk.set_faults(Faults::default());
    log.commit().unwrap();
    fan.commit(LONG).unwrap();
    assert_eq!(control.taken(), fixture.lines());
    log.close().unwrap();
    fan.close().unwrap();
    assert_eq!(control.taken(), fixture.lines());
}

#[test]
fn a_hanging_sink_delays_neither_log_nor_end() {
    let mut fixture = Fixture::new();
    let [hanging, good] = [(); 2].map(|()| Control::default());
    hanging.hang(true);
    let mut log = fixture.open();
    let short = SinkBounds { stop_wait_max: SHORT, ..bounds() };
    let sinks = vec![(hanging.sink("hanging"), short), (good.sink("good"), bounds())];
    let fan = FanOut::of_log(&mut log, sinks, |_| ()).unwrap();
    for _ in 0..20 {
        append(&mut log, 20);
        log.commit().unwrap();
    }
    log.close().unwrap();
    let errors = fan.close().unwrap_err();
    assert!(matches!(errors[..], [AuditSinkError::Timeout { .. }]), "{errors:?}");
    assert_eq!(good.taken(), fixture.lines());
    let health = fan.health();
    assert!(health[0].held_bytes <= 2000 && health[0].missing_entries > 400, "{health:?}");
    hanging.hang(false);
}

#[test]
fn another_logs_sink_takes_nothing() {
    let control = Control::default();
    for is_own in [true, false] {
        let mut fixture = Fixture::new();
        fixture.opened = if is_own { 0 } else { 7 };
        let mut log = fixture.open();
        append(&mut log, if is_own { 3 } else { 9 });
        // The sink of this log has ample time; the sink of another log would retry all that time without success.
        let stop_wait_max = if is_own { LONG } else { SHORT };
        let fan = feed_sink(&mut log, &control, SinkBounds { stop_wait_max, ..bounds() });
        log.commit().unwrap();
        log.close().unwrap();
        let count = control.taken().len();
        let result = fan.close();
        match is_own {
            true => result.unwrap(),
            false => {
                let errors = result.unwrap_err();
                assert!(matches!(errors[..], [AuditSinkError::Conflict { .. }]), "{errors:?}");
                assert_eq!(control.taken().len(), count);
            }
        }
    }
}

#[test]
fn a_sink_ahead_of_the_log_is_refused() {
    let control = Control::default();
    let lines = Lines::new(100).lines;
    sealed(&lines).iter().for_each(|entry| control.put(entry));
    let mut fixture = Fixture::new();
    let mut log = fixture.open();
    let fan = feed_sink(&mut log, &control, SinkBounds { stop_wait_max: SHORT, ..bounds() });
    log.close().unwrap();
    let errors = fan.close().unwrap_err();
    assert!(matches!(errors[..], [AuditSinkError::Ahead { sink_next_seq: 100, .. }]), "{errors:?}");
}

#[test]
fn a_sink_that_lost_entries_gets_them_again() {
    let mut fixture = Fixture::new();
    let control = Control::default();
    let mut log = fixture.open();
    let fan = feed_sink(&mut log, &control, bounds());
    for _ in 0..3 {
        append(&mut log, 30);
        log.commit().unwrap();
        log.maintain().unwrap();
    }
    fan.commit(LONG).unwrap();
    // An old backup, restored while the service runs.
    control.forget_from(20);
    append(&mut log, 30);
    log.commit().unwrap();
    fan.commit(LONG).unwrap();
    assert_eq!(control.taken(), fixture.lines());
    log.close().unwrap();
    fan.close().unwrap();
}

#[test]
fn gaps_in_a_spill_file_are_filled() {
    let mut fixture = Fixture::new();
    let control = Control::default();
    let mut log = fixture.open();
    append(&mut log, 40);
    log.close().unwrap();
    // As after moving a batch from the log to the front of older spilled entries.
    let path = Path::new(DIR).join("copy.spill");
    let mut spill = Spill::open(Arc::new(fixture.disk.clone()), &path).unwrap();
    for (seq, line) in fixture.lines() {
        let entry = SealedEntry::new(seq, Lines::unix_nanos(0), &line);
        match seq {
            0..3 => control.put(&entry),
            3..8 | 20..30 => spill.append(&entry).unwrap(),
            _ => {}
        }
    }
    drop(spill);
    let mut log = fixture.open();
    let spilling = SinkBounds { overflow: SinkQueueOverflow::Spill { path }, ..bounds() };
    let fan = feed_sink(&mut log, &control, spilling);
    fan.commit(LONG).unwrap();
    log.close().unwrap();
    fan.close().unwrap();
    assert_eq!(control.taken(), fixture.lines());
}
