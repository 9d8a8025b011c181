//! Further rows of the published table: restarts, removals, pauses, bursts, other files. The test of the tables in
//! `matrix` compares them with the page.
use std::path::Path;

use super::restart::{End, launder_all, log_of, put_files};
use super::support::{DIR, Fixture, append, kept_checkpoint, small_options, verify_files};
use crate::store::LogOptions;
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
