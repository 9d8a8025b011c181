//! The rules between rows, and between a row and its line.
use super::super::row::{Columns, check_run};
use super::*;

#[test]
fn nonconsecutive_entries_are_refused() {
    let mut lines = Lines::new(4);
    lines.lines.push("{}".to_owned());
    let entries = sealed(&lines.lines);
    let message = |before, entries: &[SealedEntry<'_>]| {
        check_run("t", before, entries).map_err(|error| error.to_string())
    };
    assert_eq!(message(None, &entries[..4]), Ok(()));
    assert_eq!(message(None, &entries[2..4]), Ok(()), "a sink may begin in the middle");
    let first = entries[0].signature().unwrap();
    assert_eq!(message(Some((0, first)), &entries[1..4]), Ok(()));
    for (before, part, want) in [
        (Some((0, first)), vec![entries[2]], "t: expected entry 1 next, found 2"),
        (Some((0, "other")), vec![entries[1]], "t: expected entry 1 to follow the signature"),
        (None, vec![entries[0], entries[2]], "t: expected entry 1 next, found 2"),
        (None, vec![entries[1], entries[0]], "t: expected entry 2 next, found 0"),
        (None, vec![entries[1], SealedEntry { seq: 2, ..entries[3] }], "t: expected entry 2 to"),
        (None, vec![entries[4]], "t: expected entry 4 to end with its two signatures"),
    ] {
        let error = message(before, &part).unwrap_err();
        assert!(error.starts_with(want), "{want}: {error}");
    }
}

#[test]
fn a_row_agrees_with_its_line() {
    let mut lines = Lines::new(1);
    lines.add("a.b", "\"n\":2");
    let entry = sealed(&lines.lines)[1];
    let good = || Columns {
        seq: 1,
        unix_nanos: entry.unix_nanos,
        event_type: "a.b",
        leaf: &entry.leaf,
        prev_signature: entry.prev_signature().unwrap(),
        signature: entry.signature().unwrap(),
    };
    assert_eq!(good().entry("t", entry.line).unwrap(), entry);
    let other = [0; 32];
    for (row, want) in [
        (Columns { seq: 2, ..good() }, "seq"),
        (Columns { unix_nanos: 0, ..good() }, "unix_nanos"),
        (Columns { event_type: "a", ..good() }, "event_type"),
        (Columns { leaf: &other, ..good() }, "leaf_hash"),
        (Columns { leaf: &entry.leaf[..31], ..good() }, "leaf_hash"),
        (Columns { prev_signature: "", ..good() }, "prev_signature"),
        (Columns { signature: good().prev_signature, ..good() }, "signature"),
    ] {
        match row.entry("t", entry.line) {
            Err(AuditSinkError::Column { column, .. }) => assert_eq!(column, want),
            other => panic!("{want}: {other:?}"),
        }
    }
    let line = String::from_utf8_lossy(entry.line).into_owned();
    for (from, to) in [("2026-", "2O26-"), ("T15", " 15"), ("Z\",", "+\","), ("2026-11", "2026-12")]
    {
        let line = line.replacen(from, to, 1);
        let error = good().entry("t", line.as_bytes()).unwrap_err();
        assert!(matches!(error, AuditSinkError::Column { column: "unix_nanos", .. }), "{line}");
    }
    for line in ["", "{\"seq\":", "{\"seq\":x", "{\"seq\":99999999999999999999,"] {
        assert!(good().entry("t", line.as_bytes()).is_err(), "{line}");
    }
}
