//! Further rows of the published table: restarts, removals, pauses, bursts, other files. The test of the tables in
//! `matrix` compares them with the page.
use std::path::Path;

use super::restart::{End, launder_all, log_of, put_files};
use super::support::{
    DIR, Fixture, LogFiles, append, kept_checkpoint, small_options, verify_files,
};
use crate::store::names::ACTIVE;
use crate::store::{LogOptions, OnDamage};
use crate::verify::{PrunePolicy, VerifyOptions};
use ringseal_base::clock::Clock;

/// A history, and the name of its row. Returns the log, and one from before with the checkpoint kept elsewhere.
type Row = (&'static str, fn() -> (Fixture, Option<Fixture>));

fn restarted(mut fixture: Fixture) -> (Fixture, Option<Fixture>) {
    let kept = Fixture::clone_with(&fixture, fixture.disk.after_kill());
    launder_all(&fixture);
    let log = fixture.open(small_options());
    log.close().unwrap();
    (fixture, Some(kept))
}

fn closed(
    mut fixture: Fixture,
    write: impl FnOnce(&mut Fixture, &mut crate::store::AuditLog),
) -> (Fixture, Option<Fixture>) {
    let mut log = fixture.open(LogOptions::default());
    write(&mut fixture, &mut log);
    log.close().unwrap();
    (fixture, None)
}

/// A log that was killed before its key on disk moved, and its files after each of the last commits.
fn killed_in_a_second() -> (Fixture, Vec<LogFiles>) {
    let mut fixture = Fixture::new();
    let mut log = fixture.open(small_options());
    fixture.append(&mut log, 9);
    let mut before = Vec::new();
    for _ in 0..2 {
        append(&mut log, fixture.clock.unix_nanos());
        log.commit().unwrap();
        before.push(fixture.files());
    }
    let frozen = fixture.disk.after_kill();
    drop(log);
    fixture.disk = frozen;
    (fixture, before)
}

fn cut_to(fixture: &Fixture, before: &LogFiles) {
    fixture.disk.put(&Path::new(DIR).join(ACTIVE), &before[ACTIVE]);
}

fn reopened(mut fixture: Fixture) -> (Fixture, Option<Fixture>) {
    let kept = Fixture::clone_with(&fixture, fixture.disk.after_kill());
    fixture.open(small_options()).close().unwrap();
    (fixture, Some(kept))
}

const ROWS: &[Row] = &[
    ("events changed after a kill, then a restart", || restarted(log_of(2, End::Killed))),
    ("events changed after an orderly end, then a restart", || restarted(log_of(2, End::Closed))),
    ("log and state set back together, then a restart", || {
        let mut fixture = Fixture::new();
        let mut log = fixture.open(small_options());
        fixture.append(&mut log, 9);
        let snapshot = fixture.disk.after_kill();
        fixture.append(&mut log, 30);
        log.close().unwrap();
        let late = Fixture::clone_with(&fixture, fixture.disk.after_kill());
        fixture.disk = snapshot;
        let log = fixture.open(small_options());
        log.close().unwrap();
        (fixture, Some(late))
    }),
    ("the state removed, then a restart", || {
        let mut fixture = log_of(2, End::Closed);
        let path = Path::new(DIR).join("keys/state");
        ringseal_base::storage::Storage::remove(&fixture.disk, &path).unwrap();
        let log = fixture.open(small_options());
        log.close().unwrap();
        (fixture, None)
    }),
    ("the last commit cut and the newest slot of the state destroyed, then a restart", || {
        let (fixture, before) = killed_in_a_second();
        cut_to(&fixture, &before[0]);
        let path = Path::new(DIR).join("keys/state");
        let mut state = fixture.files()["keys/state"].clone();
        state[..512].fill(b' ');
        fixture.disk.put(&path, &state);
        reopened(fixture)
    }),
    ("half of the last entry cut, then a restart", || {
        let (fixture, _) = killed_in_a_second();
        let bytes = fixture.files()[ACTIVE].clone();
        fixture.disk.put(&Path::new(DIR).join(ACTIVE), &bytes[..bytes.len() - 40]);
        reopened(fixture)
    }),
    (
        "the state alone set back by less than a second, and the log cut to it, then a restart",
        || {
            let (fixture, before) = killed_in_a_second();
            cut_to(&fixture, &before[0]);
            fixture.disk.put(&Path::new(DIR).join("keys/state"), &before[0]["keys/state"]);
            reopened(fixture)
        },
    ),
    ("a line destroyed, and the log set aside by the next start", || {
        let mut fixture = log_of(2, End::Closed);
        let kept = Fixture::clone_with(&fixture, fixture.disk.after_kill());
        let bytes = fixture.files()[ACTIVE].clone();
        let third = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(2).unwrap().0;
        let damaged = [&bytes[..third + 3], b"!", &bytes[third + 4..]].concat();
        fixture.disk.put(&Path::new(DIR).join(ACTIVE), &damaged);
        let log = fixture.open(LogOptions { on_damage: OnDamage::SetAside, ..small_options() });
        log.close().unwrap();
        (fixture, Some(kept))
    }),
    ("the past removed by a signed entry", || {
        let (fixture, before) = super::pruned_log();
        let kept = Fixture::clone_with(&fixture, super::support::disk_of(&before));
        (fixture, Some(kept))
    }),
    ("a pause of a day, or a clock set forward", || {
        closed(Fixture::new(), |fixture, log| {
            fixture.append(log, 3);
            fixture.clock.advance(86_400 * 1_000_000_000);
            fixture.append(log, 3);
        })
    }),
    ("a burst of 100,000 events", || {
        closed(Fixture::new(), |fixture, log| {
            for number in 0..100_000 {
                append(log, fixture.clock.unix_nanos());
                if number % 4_000 == 0 {
                    log.commit().unwrap();
                }
            }
        })
    }),
    ("a forged compressed file beside a plain segment", || {
        let fixture = super::live_log();
        let mut files = fixture.files();
        let name = files.keys().find(|name| name.starts_with("audit-0")).unwrap().clone();
        files.insert(format!("{name}.gz"), b"forged".to_vec());
        put_files(&fixture, &files);
        (fixture, None)
    }),
];

/// One row per history.
pub fn table() -> String {
    let mut text = String::from(
        "| | with `audit.mac` | without | without, known checkpoint | without, `--no-prune` |\n|---|---|---|---|---|\n",
    );
    for (name, make) in ROWS {
        let (fixture, kept) = make();
        let files = fixture.files();
        let mut options = fixture.options();
        options.now_unix_nanos = None;
        let mut row = vec![cell(&files, &options)];
        options.first_key = None;
        row.push(cell(&files, &options));
        let known = kept_checkpoint(
            &kept
                .unwrap_or_else(|| Fixture::clone_with(&fixture, fixture.disk.after_kill()))
                .files(),
        );
        let with_known = VerifyOptions { known_checkpoints: vec![known], ..options.clone() };
        row.push(cell(&files, &with_known));
        options.prunes = PrunePolicy::Never;
        row.push(cell(&files, &options));
        text.push_str(&format!("| {name} | {} |\n", row.join(" | ")));
    }
    text
}

fn cell(files: &super::support::LogFiles, options: &VerifyOptions) -> String {
    let report = verify_files(files, options);
    match (report.first_bad, report.warnings.first()) {
        (Some(finding), _) => finding.kind.as_str().to_owned(),
        (None, Some(warning)) => format!("intact, warning {}", warning.kind.as_str()),
        (None, None) => "**intact**".to_owned(),
    }
}
