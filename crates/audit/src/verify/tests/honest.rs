//! Honest logs are never called tampered: bursts, pauses, clock steps, disks that fail, any promised intervals.
use std::io;
use std::path::Path;

use proptest::prelude::*;

use super::support::{DIR, Fixture, append};
use crate::entry::Scheme;
use crate::store::{AuditLog, LogOptions};
use crate::verify::{VerifyReport, WarningKind, verify};
use ringseal_base::clock::Clock;
use ringseal_base::storage::faulty::Faults;

fn reports(fixture: &Fixture) -> Vec<VerifyReport> {
    let mut options = fixture.options();
    let mut all = Vec::new();
    for key in [options.first_key.take(), None] {
        options.first_key = key;
        all.push(verify(&fixture.disk, Path::new(DIR), &options, &mut |_| ()));
    }
    all
}

#[track_caller]
fn assert_honest(fixture: &Fixture, what: &str) {
    for report in reports(fixture) {
        assert_eq!(report.first_bad, None, "{what}");
    }
}

/// The backlog of a burst is sealed while more entries wait.
#[test]
fn a_burst_is_sealed_within_its_backlog() {
    for (entries, promised) in [(20_000u64, 4_096), (600, 1), (600, 10), (3_000, 1_000)] {
        let mut fixture = Fixture::new();
        let options = LogOptions { checkpoint_entries: promised, ..LogOptions::default() };
        let mut log = fixture.open(options);
        // No maintenance between the commits, as while a thread works off its backlog.
        for number in 0..entries {
            append(&mut log, fixture.clock.unix_nanos());
            if number % 512 == 511 {
                log.commit().unwrap();
            }
        }
        log.close().unwrap();
        for report in reports(&fixture) {
            super::assert_intact(&report);
            // Only a promise that is smaller than one commit is broken.
            assert_eq!(report.warnings.is_empty(), promised > 512, "{promised}");
        }
    }
}

#[test]
fn pauses_and_clock_steps_are_warnings() {
    const MINUTE: u64 = 60_000_000_000;
    for minutes in [11, 60 * 24 * 400] {
        let mut fixture = Fixture::new();
        let mut log = fixture.open(LogOptions::default());
        fixture.append(&mut log, 3);
        // A suspended machine, SIGSTOP, a hung sync, or a clock set forward: nothing runs meanwhile.
        fixture.clock.advance(minutes * MINUTE);
        fixture.append(&mut log, 3);
        log.close().unwrap();
        for report in reports(&fixture) {
            super::assert_intact(&report);
            assert_eq!(report.warnings[0].kind, WarningKind::GapTime, "{:?}", report.warnings);
        }
    }
}

/// A clock beyond the last time of the format does not stop the log.
#[test]
fn a_clock_beyond_the_last_year_is_survived() {
    let mut fixture = Fixture::new();
    fixture.clock.advance(250 * 365 * 86_400 * 1_000_000_000);
    for _ in 0..2 {
        let mut log = fixture.open(LogOptions::default());
        append(&mut log, i64::MAX);
        log.commit().unwrap();
        log.maintain().unwrap();
        log.close().unwrap();
    }
    assert_honest(&fixture, "2262");
}

/// What a service does with its log, and what happens to it.
#[derive(Clone, Debug)]
enum Step {
    Append(u8),
    Maintain,
    Pause(u16),
    Checkpoint,
    Rotate,
    Retain,
    Reopen,
    Kill,
    /// The machine loses power; the number decides what the disk loses.
    PowerLoss(u64),
    /// One of the next calls fails: which one, and with a full disk or an error.
    Fail(u8, bool),
    /// From here on nothing can be written below this directory, or with `None` again.
    Full(Option<&'static str>),
    /// The clock is set: forward or back by this many seconds.
    SetClock(i32),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1u8..40).prop_map(Step::Append),
        4 => Just(Step::Maintain),
        2 => any::<u16>().prop_map(Step::Pause),
        1 => Just(Step::Checkpoint),
        1 => Just(Step::Rotate),
        1 => Just(Step::Retain),
        1 => Just(Step::Reopen),
        2 => Just(Step::Kill),
        2 => any::<u64>().prop_map(Step::PowerLoss),
        1 => prop_oneof![Just("/log/tile"), Just("/log/checkpoint"), Just("/log/keys"), Just("/log")]
            .prop_map(|dir| Step::Full(Some(dir))),
        2 => Just(Step::Full(None)),
        1 => any::<i32>().prop_map(Step::SetClock),
        2 => (0u8..60, any::<bool>()).prop_map(|(call, is_full)| Step::Fail(call, is_full)),
    ]
}

fn live(fixture: &mut Fixture, log: &mut Option<AuditLog>, options: &LogOptions, step: &Step) {
    let Some(open) = log.as_mut() else {
        *log = fixture.try_open(options.clone()).ok();
        return;
    };
    match step {
        Step::Append(count) => {
            (0..*count).for_each(|_| append(open, fixture.clock.unix_nanos()));
            let _ = open.commit();
        }
        Step::Maintain => drop(open.maintain()),
        Step::Pause(seconds) => fixture.clock.advance(u64::from(*seconds) * 1_000_000_000),
        Step::Checkpoint => drop(open.checkpoint()),
        Step::Rotate => drop(open.rotate(crate::entry::control::RotateReason::Manual)),
        Step::Retain => drop(open.retain()),
        Step::Reopen => drop(log.take().map(AuditLog::close)),
        Step::Kill => {
            let after = fixture.disk.after_kill();
            drop(log.take());
            fixture.disk = after;
        }
        Step::PowerLoss(seed) => {
            let after = fixture.disk.after_power_loss(*seed);
            drop(log.take());
            fixture.disk = after;
        }
        Step::Full(full_below) => {
            fixture.disk.set_faults(Faults { full_below: *full_below, ..Faults::default() });
        }
        Step::SetClock(seconds) => {
            let now = fixture.clock.unix_nanos();
            fixture.clock.step_to(now + i64::from(*seconds) * 1_000_000_000);
        }
        Step::Fail(call, is_full) => {
            let kind = if *is_full { io::ErrorKind::StorageFull } else { io::ErrorKind::Other };
            let call = fixture.disk.calls() + u64::from(*call);
            let faults = Faults { fail_call: Some((call, kind)), ..Faults::default() };
            fixture.disk.set_faults(faults);
        }
    }
}

/// 60 histories by default; `RINGSEAL_TEST_HISTORIES=20000` for the long form.
fn histories() -> ProptestConfig {
    let count = std::env::var("RINGSEAL_TEST_HISTORIES").ok().and_then(|text| text.parse().ok());
    ProptestConfig::with_cases(count.unwrap_or(60))
}

proptest! {
    #![proptest_config(histories())]

    /// No history of calls, faults and kills is called tampered, at any moment.
    #[test]
    fn no_honest_history_is_called_tampered(
        steps in prop::collection::vec(step(), 1..24),
        entries in prop_oneof![Just(1u64), Just(2), Just(10), Just(65_536), Just(u64::MAX)],
        seconds in prop_oneof![Just(1u64), Just(300), Just(100_000)],
        key_seconds in prop_oneof![Just(0u64), Just(1), Just(1000)],
        is_keyed in any::<bool>(),
    ) {
        let mut fixture = Fixture::new();
        let options = LogOptions {
            scheme: if is_keyed { Scheme::Mac } else { Scheme::Hash },
            checkpoint_entries: entries,
            checkpoint_seconds: seconds,
            chain_key_seconds: key_seconds,
            segment_bytes_max: 12_000,
            retain: crate::store::Retain { segments_max: Some(2), ..Default::default() },
            ..LogOptions::default()
        };
        let mut log = None;
        for step in &steps {
            live(&mut fixture, &mut log, &options, step);
            if let Some(log) = &log {
                prop_assert_eq!(log.health().state_mismatch, None);
            }
            let disk = &fixture.disk;
            for disk in [disk.after_kill(), disk.after_power_loss(disk.calls())] {
                let mut at_rest = Fixture::clone_with(&fixture, disk);
                for report in reports(&at_rest) {
                    prop_assert_eq!(report.first_bad, None);
                }
                let next = at_rest.try_open(options.clone()).map(|log| log.health().state_mismatch);
                prop_assert_eq!(next.map_err(|error| error.to_string()), Ok(None));
            }
        }
        fixture.disk.set_faults(Faults::default());
        drop(log.take());
        let log = fixture.open(options);
        prop_assert_eq!(log.health().state_mismatch, None);
        log.close().unwrap();
        assert_honest(&fixture, "at the end");
    }
}

/// A change of epochs stops because the disk is full, the next start finishes it, and then the power fails: the state
/// that was written before the stop is not durable, and the old key is gone.
#[test]
fn power_loss_after_a_resumed_epoch_is_honest() {
    let options = LogOptions {
        scheme: Scheme::Hash,
        checkpoint_entries: 1,
        checkpoint_seconds: 1,
        segment_bytes_max: 12_000,
        ..LogOptions::default()
    };
    let (mut fixture, mut log) = (Fixture::new(), None);
    let full = Step::Full(Some("/log/tile"));
    for step in [Step::Append(1), full, Step::Rotate, Step::Reopen, Step::Append(1)] {
        live(&mut fixture, &mut log, &options, &step);
    }
    let disk = fixture.disk.after_power_loss(fixture.disk.calls());
    let mut at_rest = Fixture::clone_with(&fixture, disk);
    assert_eq!(at_rest.open(options).health().state_mismatch, None);
}
