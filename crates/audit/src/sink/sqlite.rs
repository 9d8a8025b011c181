//! Entries in an SQLite database (feature `audit-sqlite`).
//!
//! Promises: insert-only; triggers refuse to change, delete, replace or leave out rows, and opening refuses a database
//! without them. After `append` its entries survive power loss (`synchronous=FULL`). A batch is one transaction: all of
//! it or nothing. The exact line is stored, so that the database can be verified like the log. Anyone who can write the
//! file can still remove triggers and rows; verifying detects that. Calls block on the disk, and up to
//! [`BUSY_WAIT_MAX`] on a reader that locks the database.
use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};

use super::row::{Columns, check_run};
use super::{AuditRepository, AuditSink, AuditSinkError, EntryBatch, SealedEntry};
use ringseal_base::storage::{OpenMode, OsStorage, Storage};

/// How long a call waits while another connection locks the database.
pub const BUSY_WAIT_MAX: Duration = Duration::from_secs(5);

/// Names and SQL texts of the required tables and triggers, as in `sqlite_schema`.
const SCHEMA: &[(&str, &str)] = &[
    (
        "ringseal_audit",
        "CREATE TABLE ringseal_audit (
  seq INTEGER PRIMARY KEY CHECK (seq >= 0),
  unix_nanos INTEGER NOT NULL,
  event_type TEXT NOT NULL,
  line BLOB NOT NULL,
  leaf_hash BLOB NOT NULL CHECK (length(leaf_hash) = 32),
  prev_signature TEXT NOT NULL,
  signature TEXT NOT NULL
) STRICT",
    ),
    (
        "ringseal_audit_no_update",
        "CREATE TRIGGER ringseal_audit_no_update BEFORE UPDATE ON ringseal_audit
BEGIN SELECT RAISE(ABORT, 'ringseal_audit is insert-only: no UPDATE'); END",
    ),
    (
        "ringseal_audit_no_delete",
        "CREATE TRIGGER ringseal_audit_no_delete BEFORE DELETE ON ringseal_audit
BEGIN SELECT RAISE(ABORT, 'ringseal_audit is insert-only: no DELETE'); END",
    ),
    // INSERT OR REPLACE does not fire delete triggers for the row that it deletes.
    (
        "ringseal_audit_no_replace",
        "CREATE TRIGGER ringseal_audit_no_replace BEFORE INSERT ON ringseal_audit
WHEN EXISTS (SELECT 1 FROM ringseal_audit WHERE seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'ringseal_audit is insert-only: no REPLACE'); END",
    ),
    (
        "ringseal_audit_no_gap",
        "CREATE TRIGGER ringseal_audit_no_gap BEFORE INSERT ON ringseal_audit
WHEN NOT EXISTS (SELECT 1 FROM ringseal_audit
                 WHERE seq = NEW.seq - 1 AND signature = NEW.prev_signature)
  AND EXISTS (SELECT 1 FROM ringseal_audit)
BEGIN SELECT RAISE(ABORT, 'ringseal_audit is a chain: the row does not follow the last'); END",
    ),
    (
        "ringseal_audit_by_time",
        "CREATE INDEX ringseal_audit_by_time ON ringseal_audit (unix_nanos)",
    ),
    (
        "ringseal_audit_by_type",
        "CREATE INDEX ringseal_audit_by_type ON ringseal_audit (event_type, seq)",
    ),
];

const INSERT: &str = "INSERT INTO ringseal_audit \
     (seq, unix_nanos, event_type, line, leaf_hash, prev_signature, signature) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const PAGE: &str = "SELECT seq, unix_nanos, event_type, line, leaf_hash, prev_signature, signature \
     FROM ringseal_audit WHERE seq >= ?1 ORDER BY seq LIMIT ?2";
const LAST: &str = "SELECT seq, signature FROM ringseal_audit ORDER BY seq DESC LIMIT 1";
const LINE: &str = "SELECT line FROM ringseal_audit WHERE seq = ?1";

/// An SQLite database of entries.
///
/// ```
/// use ringseal_audit::sink::{AuditSink, SealedEntry, StoredLines, sqlite::SqliteSink};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("audit.db");
/// # let none = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// # let line = format!(
/// #     concat!(
/// #         r#"{{"seq":0,"timestamp":"2023-11-14T22:13:20.000000000Z","event_type":"a","#,
/// #         r#""_prev_signature":"{none}","_signature":"{none}"}}"#,
/// #     ),
/// #     none = none,
/// # );
/// # let line = line.as_bytes();
/// let mut sink = SqliteSink::open(&path)?;
/// sink.append(&[SealedEntry::new(0, 1_700_000_000_000_000_000, line)])?;
/// let (seq, stored) = StoredLines::new(&mut sink, 0).next().unwrap()?;
/// assert_eq!((seq, &stored[..]), (0, line));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SqliteSink {
    name: String,
    connection: Connection,
}

impl std::fmt::Debug for SqliteSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteSink").field("name", &self.name).finish_non_exhaustive()
    }
}

impl SqliteSink {
    /// Opens the database, or creates it with mode 0600 and its tables. Refuses a symbolic link as the last part of the
    /// path, and tables with another schema.
    pub fn open(path: &Path) -> Result<SqliteSink, AuditSinkError> {
        let name = format!("sqlite:{}", path.display());
        // SQLite would create it readable by everyone; its journals take the file's mode.
        match OsStorage.open(path, OpenMode::CreateNew { mode: 0o600 }) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(AuditSinkError::io("create", path.display().to_string(), error));
            }
            _ => {}
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NOFOLLOW
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags);
        let connection =
            connection.map_err(|error| AuditSinkError::database("open", &name, error))?;
        let mut sink = SqliteSink { name, connection };
        sink.set_up()?;
        Ok(sink)
    }

    /// Opens a database read-only: for verifying one that another process writes, or a copy.
    pub fn open_read_only(path: &Path) -> Result<SqliteSink, AuditSinkError> {
        let name = format!("sqlite:{}", path.display());
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags);
        let connection =
            connection.map_err(|error| AuditSinkError::database("open", &name, error))?;
        let sink = SqliteSink { name, connection };
        sink.map_error("set up", sink.connection.busy_timeout(BUSY_WAIT_MAX))?;
        Ok(sink)
    }

    fn map_error<T>(
        &self,
        action: &'static str,
        result: rusqlite::Result<T>,
    ) -> Result<T, AuditSinkError> {
        result.map_err(|error| AuditSinkError::database(action, &self.name, error))
    }

    fn set_up(&mut self) -> Result<(), AuditSinkError> {
        self.map_error("set up", self.connection.busy_timeout(BUSY_WAIT_MAX))?;
        let settings = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                        PRAGMA trusted_schema = OFF;";
        // `journal_mode` returns a row, which `execute_batch` ignores.
        self.map_error("set up", self.connection.execute_batch(settings))?;
        let begun = self.connection.execute_batch("BEGIN IMMEDIATE");
        self.map_error("begin a transaction", begun)?;
        let result = self.create_or_check_schema();
        self.finish_transaction(result)
    }

    fn create_or_check_schema(&self) -> Result<(), AuditSinkError> {
        if self.stored_sql("ringseal_audit")?.is_none() {
            for (_, text) in SCHEMA {
                self.map_error("make the tables", self.connection.execute_batch(text))?;
            }
        }
        self.check_schema()
    }

    /// Checks that the table and the triggers exist, letter by letter.
    pub fn check_schema(&self) -> Result<(), AuditSinkError> {
        for (name, text) in SCHEMA {
            let found = self.stored_sql(name)?;
            if found.as_deref() != Some(*text) {
                return Err(AuditSinkError::Schema {
                    target: self.name.clone(),
                    expected: format!("{name} as this sink creates it"),
                    found: found.unwrap_or_else(|| "none of that name".to_owned()),
                });
            }
        }
        Ok(())
    }

    fn stored_sql(&self, name: &str) -> Result<Option<String>, AuditSinkError> {
        let query = "SELECT sql FROM sqlite_schema WHERE name = ?1";
        let found = self.connection.query_row(query, [name], |row| row.get(0)).optional();
        self.map_error("read the schema", found)
    }

    /// Commits the transaction after `Ok`, rolls it back after an error.
    fn finish_transaction<T>(
        &self,
        result: Result<T, AuditSinkError>,
    ) -> Result<T, AuditSinkError> {
        let value = match result {
            Ok(value) => value,
            Err(error) => {
                // If the error ended the transaction, there is nothing to roll back.
                let _ = self.connection.execute_batch("ROLLBACK");
                return Err(error);
            }
        };
        let committed = self.connection.execute_batch("COMMIT");
        if committed.is_err() {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        self.map_error("commit", committed)?;
        Ok(value)
    }

    fn last_row(&self) -> Result<Option<(u64, String)>, AuditSinkError> {
        let last = self.connection.query_row(LAST, [], |row| Ok((row.get(0)?, row.get(1)?)));
        let last: Option<(i64, String)> = self.map_error("read the last row", last.optional())?;
        Ok(last.map(|(seq, signature)| (seq.unsigned_abs(), signature)))
    }

    fn append_in_transaction(&self, entries: &[SealedEntry<'_>]) -> Result<(), AuditSinkError> {
        let last = self.last_row()?;
        let existing = last
            .as_ref()
            .map_or(0, |(last_seq, _)| entries.partition_point(|entry| entry.seq <= *last_seq));
        let (existing, new) = entries.split_at(existing);
        for entry in existing {
            self.check_same(entry)?;
        }
        let before = last.as_ref().map(|(seq, signature)| (*seq, signature.as_str()));
        check_run(&self.name, before, new)?;
        let mut insert = self.map_error("prepare", self.connection.prepare(INSERT))?;
        for entry in new {
            let inserted = insert.execute(params![
                i64::try_from(entry.seq).unwrap_or(i64::MAX),
                entry.unix_nanos,
                entry.event_type(),
                entry.line,
                &entry.leaf[..],
                entry.prev_signature(),
                entry.signature(),
            ]);
            self.map_error("insert", inserted)?;
        }
        Ok(())
    }

    fn check_same(&self, entry: &SealedEntry<'_>) -> Result<(), AuditSinkError> {
        let seq = i64::try_from(entry.seq).unwrap_or(i64::MAX);
        let same = self.connection.query_row(LINE, [seq], |row| {
            Ok(row.get_ref(0)?.as_bytes().is_ok_and(|line| line == entry.line))
        });
        match self.map_error("compare", same.optional())? {
            Some(true) => Ok(()),
            // These rows are missing from a database that began in the middle, or from one that was changed.
            _ => Err(AuditSinkError::Conflict { target: self.name.clone(), seq: entry.seq }),
        }
    }

    fn read_row(
        &self,
        row: &Row<'_>,
        page: &mut EntryBatch,
    ) -> rusqlite::Result<Result<(), AuditSinkError>> {
        let text = |at| row.get_ref(at).and_then(|value| Ok(value.as_str()?));
        let columns = Columns {
            seq: row.get::<_, i64>(0)?.unsigned_abs(),
            unix_nanos: row.get(1)?,
            event_type: text(2)?,
            leaf: row.get_ref(4)?.as_blob()?,
            prev_signature: text(5)?,
            signature: text(6)?,
        };
        let entry = columns.entry(&self.name, row.get_ref(3)?.as_blob()?);
        Ok(entry.map(|entry| page.push(&entry)))
    }
}

impl AuditSink for SqliteSink {
    fn name(&self) -> &str {
        &self.name
    }

    fn next_seq(&mut self) -> Result<Option<u64>, AuditSinkError> {
        Ok(self.last_row()?.map(|(seq, _)| seq.saturating_add(1)))
    }

    fn append(&mut self, entries: &[SealedEntry<'_>]) -> Result<(), AuditSinkError> {
        let begun = self.connection.execute_batch("BEGIN IMMEDIATE");
        self.map_error("begin a transaction", begun)?;
        self.finish_transaction(self.append_in_transaction(entries))
    }

    /// Does nothing: each append is committed and synced.
    fn commit(&mut self) -> Result<(), AuditSinkError> {
        Ok(())
    }
}

impl AuditRepository for SqliteSink {
    fn page(
        &mut self,
        from_seq: u64,
        entries_max: usize,
        page: &mut EntryBatch,
    ) -> Result<(), AuditSinkError> {
        let Ok(from) = i64::try_from(from_seq) else { return Ok(()) };
        let max = i64::try_from(entries_max).unwrap_or(i64::MAX);
        let mut select = self.map_error("prepare", self.connection.prepare(PAGE))?;
        let mut rows = self.map_error("read", select.query(params![from, max]))?;
        while let Some(row) = self.map_error("read", rows.next())? {
            self.map_error("read", self.read_row(row, page))??;
        }
        Ok(())
    }
}
