//! SQLite: insert-only, exactly once, read back byte by byte.
use std::path::Path;

use rusqlite::Connection;

use super::super::sqlite::SqliteSink;
use super::*;
use ringseal_base::storage::OsStorage;

fn stored(sink: &mut SqliteSink) -> Result<Vec<String>, AuditSinkError> {
    let lines = StoredLines::new(sink, 0);
    lines.map(|line| line.map(|(_, line)| String::from_utf8(line).unwrap())).collect()
}

fn raw(path: &Path, sql: &str) -> rusqlite::Result<()> {
    Connection::open(path)?.execute_batch(sql)
}

#[test]
fn lines_are_read_back_exactly() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.db");
    let mut lines = Lines::new(2500);
    lines.add("a.b", "\"text\":\"ü \\\" \\u0000\"");
    lines.add("a.b", "\"n\":2");
    let whole = sealed(&lines.lines);
    let (entries, beyond) = whole.split_at(2501);
    let mut sink = SqliteSink::open(&path).unwrap();
    assert_eq!(sink.next_seq().unwrap(), None);
    sink.append(&entries[..1000]).unwrap();
    drop(sink);
    let mut sink = SqliteSink::open(&path).unwrap();
    assert_eq!(sink.next_seq().unwrap(), Some(1000));
    sink.append(&entries[1000..]).unwrap();
    assert!(stored(&mut sink).unwrap() == lines.lines[..2501]);
    sink.close().unwrap();
    let mut reader = SqliteSink::open_read_only(&path).unwrap();
    let tail: Vec<_> = StoredLines::new(&mut reader, 2499).map(|line| line.unwrap().0).collect();
    assert_eq!(tail, [2499, 2500]);
    let error = reader.append(beyond).unwrap_err();
    assert!(matches!(error, AuditSinkError::Database { .. }), "{error}");
}

#[test]
fn existing_entries_are_compared_and_skipped() {
    let dir = tempfile::tempdir().unwrap();
    let mut sink = SqliteSink::open(&dir.path().join("audit.db")).unwrap();
    let lines = Lines::new(6).lines;
    let entries = sealed(&lines);
    sink.append(&entries[..4]).unwrap();
    // The answer was lost: the batch is offered again, with more entries.
    sink.append(&entries[..4]).unwrap();
    sink.append(&entries[2..]).unwrap();
    sink.append(&[]).unwrap();
    assert_eq!(stored(&mut sink).unwrap(), lines);
    let other = lines[3].replace("\"n\":1", "\"n\":2");
    let conflict = SealedEntry::new(3, Lines::unix_nanos(3), other.as_bytes());
    let error = sink.append(&[entries[2], conflict]).unwrap_err();
    assert!(matches!(error, AuditSinkError::Conflict { seq: 3, .. }), "{error}");
    assert_eq!(stored(&mut sink).unwrap(), lines);
}

#[test]
fn a_bad_batch_leaves_no_rows() {
    let dir = tempfile::tempdir().unwrap();
    let mut sink = SqliteSink::open(&dir.path().join("audit.db")).unwrap();
    let lines = Lines::new(6).lines;
    let entries = sealed(&lines);
    sink.append(&entries[..2]).unwrap();
    for (bad, want) in [
        (vec![entries[2], entries[4]], "expected entry 3 next, found 4"),
        (vec![entries[3]], "expected entry 2 next, found 3"),
        (vec![entries[2], SealedEntry { seq: 3, ..entries[4] }], "entry 3 to follow"),
        (vec![entries[2], SealedEntry { line: b"{}", ..entries[3] }], "entry 3 to end with"),
    ] {
        let error = sink.append(&bad).unwrap_err().to_string();
        assert!(error.contains(want), "{error}");
        assert_eq!(stored(&mut sink).unwrap(), lines[..2]);
    }
    sink.append(&entries).unwrap();
    assert_eq!(stored(&mut sink).unwrap(), lines);
}

#[test]
fn rows_are_insert_only() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.db");
    let mut sink = SqliteSink::open(&path).unwrap();
    let lines = Lines::new(5).lines;
    sink.append(&sealed(&lines)).unwrap();
    let copy = "SELECT seq + ?, unix_nanos, event_type, line, leaf_hash, prev_signature, signature \
                FROM ringseal_audit WHERE seq = 2";
    for (sql, want) in [
        ("UPDATE ringseal_audit SET line = x'00' WHERE seq = 1".to_owned(), "no UPDATE"),
        ("UPDATE ringseal_audit SET seq = 9 WHERE seq = 4".to_owned(), "no UPDATE"),
        ("DELETE FROM ringseal_audit WHERE seq = 4".to_owned(), "no DELETE"),
        ("DELETE FROM ringseal_audit".to_owned(), "no DELETE"),
        (format!("INSERT OR REPLACE INTO ringseal_audit {}", copy.replace('?', "0")), "no REPLACE"),
        (format!("INSERT OR IGNORE INTO ringseal_audit {}", copy.replace('?', "0")), "no REPLACE"),
        (format!("INSERT INTO ringseal_audit {}", copy.replace('?', "3")), "does not follow"),
        (format!("INSERT INTO ringseal_audit {}", copy.replace('?', "30")), "does not follow"),
    ] {
        let error = raw(&path, &sql).unwrap_err().to_string();
        assert!(error.contains(want), "{sql}: {error}");
    }
    assert_eq!(stored(&mut sink).unwrap(), lines);
}

#[test]
fn a_database_without_its_triggers_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for (sql, want) in [
        ("DROP TRIGGER ringseal_audit_no_delete", "found none of that name"),
        ("DROP TABLE ringseal_audit; CREATE TABLE ringseal_audit (seq)", "found CREATE TABLE"),
        (
            "DROP TRIGGER ringseal_audit_no_update; CREATE TRIGGER ringseal_audit_no_update \
             BEFORE UPDATE ON ringseal_audit BEGIN SELECT 1; END",
            "found CREATE TRIGGER",
        ),
    ] {
        let path = dir.path().join("audit.db");
        drop(SqliteSink::open(&path).unwrap());
        raw(&path, sql).unwrap();
        let error = SqliteSink::open(&path).unwrap_err();
        assert!(matches!(error, AuditSinkError::Schema { .. }), "{error}");
        assert!(error.to_string().contains(want), "{error}");
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn columns_that_differ_from_the_line_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.db");
    let lines = Lines::new(3).lines;
    let mut sink = SqliteSink::open(&path).unwrap();
    sink.append(&sealed(&lines)).unwrap();
    drop(sink);
    let clean = std::fs::read(&path).unwrap();
    for (set, want) in [
        ("seq = 7", "seq"),
        ("unix_nanos = unix_nanos + 1", "unix_nanos"),
        ("event_type = 'user.logout'", "event_type"),
        ("leaf_hash = zeroblob(32)", "leaf_hash"),
        ("prev_signature = signature", "prev_signature"),
        ("signature = prev_signature", "signature"),
        ("line = CAST(replace(CAST(line AS TEXT), '\"n\":1', '\"n\":2') AS BLOB)", "leaf_hash"),
    ] {
        std::fs::write(&path, &clean).unwrap();
        let sql = format!(
            "DROP TRIGGER ringseal_audit_no_update; UPDATE ringseal_audit SET {set} WHERE seq = 2"
        );
        raw(&path, &sql).unwrap();
        let mut reader = SqliteSink::open_read_only(&path).unwrap();
        let mut lines = StoredLines::new(&mut reader, 0);
        let before = lines.by_ref().take(2).map(|line| line.unwrap().0).collect::<Vec<_>>();
        assert_eq!(before, [0, 1], "good lines come first");
        let error = lines.next().unwrap().unwrap_err();
        match &error {
            AuditSinkError::Column { column, .. } => assert_eq!(*column, want, "{set}"),
            error => panic!("{set}: {error}"),
        }
        assert!(lines.next().is_none(), "nothing after an error");
    }
}

#[test]
fn a_new_database_catches_up_from_another() {
    let dir = tempfile::tempdir().unwrap();
    let mut from = SqliteSink::open(&dir.path().join("a.db")).unwrap();
    let mut to = SqliteSink::open(&dir.path().join("b.db")).unwrap();
    let lines = Lines::new(2100).lines;
    from.append(&sealed(&lines)).unwrap();
    to.append(&sealed(&lines)[..7]).unwrap();
    assert_eq!(catch_up(&mut from, &mut to).unwrap(), 2093);
    assert_eq!(catch_up(&mut from, &mut to).unwrap(), 0);
    assert!(stored(&mut to).unwrap() == lines);
}

#[cfg(unix)]
#[test]
fn the_database_is_private_and_not_a_link() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.db");
    let mut sink = SqliteSink::open(&path).unwrap();
    sink.append(&sealed(&Lines::new(1).lines)).unwrap();
    for file in std::fs::read_dir(dir.path()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", file.file_name());
    }
    let link = dir.path().join("link.db");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert!(SqliteSink::open(&link).is_err());
}

#[test]
fn a_database_exports_the_log_files() {
    let dir = tempfile::tempdir().unwrap();
    let mut sink = SqliteSink::open(&dir.path().join("audit.db")).unwrap();
    let mut lines = Lines::new(1500);
    lines.add("ringseal.segment", "\"number\":1");
    (0..10).for_each(|_| lines.add("user.login", "\"n\":1"));
    lines.add("ringseal.segment", "\"number\":2");
    sink.append(&sealed(&lines.lines)).unwrap();
    let out = dir.path().join("copy");
    let exported = export(&mut sink, &OsStorage, &out).unwrap();
    let whole = |part: &[String]| part.iter().map(|line| format!("{line}\n")).collect::<String>();
    for (name, part) in [
        ("audit-00000000000000000000.jsonl", &lines.lines[..1500]),
        ("audit-00000000000000001500.jsonl", &lines.lines[1500..1511]),
        ("audit.log.jsonl", &lines.lines[1511..]),
    ] {
        assert!(std::fs::read_to_string(out.join(name)).unwrap() == whole(part), "{name}");
    }
    let bytes = whole(&lines.lines).len() as u64;
    assert_eq!((exported.entries, exported.segments, exported.bytes), (1512, 3, bytes));
    let error = export(&mut sink, &OsStorage, &out).unwrap_err();
    assert!(matches!(error, AuditSinkError::Io { action: "export a log to", .. }), "{error}");
    let mut empty = SqliteSink::open(&dir.path().join("empty.db")).unwrap();
    let exported = export(&mut empty, &OsStorage, &dir.path().join("nothing")).unwrap();
    assert_eq!(exported, Exported::default());
}
