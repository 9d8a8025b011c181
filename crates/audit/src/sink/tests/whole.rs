//! A log written by the store, copied to a database, exported again, and verified like any log.
use std::path::Path;
use std::sync::Arc;

use super::super::sqlite::SqliteSink;
use super::*;
use crate::entry::{Body, Parser};
use crate::keys::load_mac;
use crate::store::{AuditLog, Host, LogOptions};
use crate::verify::{VerifyOptions, VerifyOutcome, VerifyReport, verify};
use ringseal_base::clock::{Clock, ManualClock};
use ringseal_base::storage::OsStorage;

/// Every line of a log's directory, in order.
fn lines_of(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(dir).unwrap().map(|file| file.unwrap().path()).collect();
    names.retain(|path| path.extension().is_some_and(|end| end == "jsonl"));
    // `audit-…` sorts before `audit.log.jsonl`, which is the order of the entries.
    names.sort();
    let texts = names.iter().map(|path| std::fs::read_to_string(path).unwrap());
    texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// A log of a few segments, and the options that verify it.
fn log(dir: &Path, away: &Path) -> VerifyOptions {
    let clock = Arc::new(ManualClock::at(Lines::unix_nanos(0)));
    let host = || Host { clock: Arc::clone(&clock) as Arc<dyn Clock>, ..Host::system() };
    let root = AuditLog::create(&mut host(), dir, away, "test.example/audit").unwrap();
    let options = LogOptions { segment_bytes_max: 8_000, ..LogOptions::default() };
    let mut log = AuditLog::open(host(), dir, options).unwrap();
    let mut parser = Parser::new();
    for number in 0..200 {
        let members = format!("\"event_type\":\"user.login\",\"actor\":{{\"id\":\"u{number}\"}}");
        let body = Body::new(members.as_bytes(), &mut parser).unwrap();
        clock.advance(1_000_000_000);
        log.append(body, clock.unix_nanos()).unwrap();
        if number % 20 == 0 {
            log.commit().unwrap();
            log.maintain().unwrap();
        }
    }
    log.close().unwrap();
    let mut options = VerifyOptions::new(root);
    options.first_key = Some(load_mac(&OsStorage, &away.join("audit.mac")).unwrap());
    options
}

fn check(dir: &Path, options: &VerifyOptions) -> VerifyReport {
    verify(&OsStorage, dir, options, &mut |_| ())
}

/// Entries of real lines, with number and time from the parser.
fn parsed(lines: &[String]) -> Vec<SealedEntry<'_>> {
    let mut parser = Parser::new();
    let entry = |line: &'_ str| {
        let entry = parser.entry(line.as_bytes()).unwrap();
        (entry.seq, entry.unix_nanos)
    };
    let heads: Vec<_> = lines.iter().map(String::as_str).map(entry).collect();
    let entries = heads.iter().zip(lines);
    entries.map(|((seq, time), line)| SealedEntry::new(*seq, *time, line.as_bytes())).collect()
}

/// The log's copy from a database, with the checkpoints of the log.
fn copied(sink: &mut SqliteSink, dir: &Path, to: &Path) {
    let exported = export(sink, &OsStorage, to).unwrap();
    assert!(exported.segments > 2, "{exported:?}");
    for name in ["checkpoint", "checkpoints"] {
        std::fs::copy(dir.join(name), to.join(name)).unwrap();
    }
}

#[test]
fn a_database_copy_verifies_like_the_log() {
    let temporary = tempfile::tempdir().unwrap();
    let [dir, away, copy, bad] =
        ["log", "away", "copy", "bad"].map(|name| temporary.path().join(name));
    std::fs::create_dir(&away).unwrap();
    let options = log(&dir, &away);
    let lines = lines_of(&dir);
    let entries = parsed(&lines);
    let report = check(&dir, &options);
    assert_eq!(report.outcome, VerifyOutcome::Intact, "{report:?}");

    let database = temporary.path().join("audit.db");
    let sink = SqliteSink::open(&database).unwrap();
    let storage: Arc<dyn ringseal_base::storage::Storage> = Arc::new(OsStorage);
    let fan = FanOut::new(storage, |_| ()).with(Box::new(sink), SinkBounds::default()).unwrap();
    entries.chunks(7).for_each(|part| fan.offer(part).unwrap());
    fan.close().unwrap();
    let mut sink = SqliteSink::open_read_only(&database).unwrap();
    copied(&mut sink, &dir, &copy);
    assert_eq!(lines_of(&copy), lines);
    let report = check(&copy, &options);
    assert_eq!(report.outcome, VerifyOutcome::Intact, "{report:?}");

    // The owner of the database changes a row and all its columns.
    let line = lines[77].replacen("\"id\":\"u", "\"id\":\"x", 1);
    assert_ne!(line, lines[77]);
    let forged = SealedEntry { line: line.as_bytes(), ..SealedEntry::new(77, 0, line.as_bytes()) };
    let raw = rusqlite::Connection::open(&database).unwrap();
    raw.execute_batch("DROP TRIGGER ringseal_audit_no_update").unwrap();
    let sql = "UPDATE ringseal_audit SET line = ?1, leaf_hash = ?2 WHERE seq = 77";
    raw.execute(sql, rusqlite::params![forged.line, &forged.leaf[..]]).unwrap();
    copied(&mut sink, &dir, &bad);
    let report = check(&bad, &options);
    assert_eq!(report.outcome, VerifyOutcome::Tampered, "{report:?}");
    assert_eq!(report.first_bad.and_then(|finding| finding.place.seq), Some(77));
}
