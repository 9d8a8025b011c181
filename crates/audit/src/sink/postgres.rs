//! Entries in a PostgreSQL database (feature `audit-postgres`).
//!
//! Promises: insert-only; triggers refuse to change, delete or truncate rows, and opening refuses a database where they
//! are missing or disabled. After `append` its entries survive the server's power loss (`synchronous_commit`). A batch
//! is one transaction and two round trips. If the answer to a commit is lost, the batch is offered again over a new
//! connection. Existing rows are compared byte by byte, so each entry is stored once. Calls block on the network;
//! [`FanOut`](super::FanOut) gives the sink its own thread.
//!
//! Roles that prevent the logging service from changing or removing its entries:
//!
//! ```sql
//! -- the owner runs `PostgresSink::install` once; then:
//! GRANT INSERT, SELECT ON ringseal_audit TO service;   -- the sink compares: it needs SELECT
//! GRANT SELECT ON ringseal_audit, ringseal_audit_json TO auditor;
//! ```
//!
//! The owner and superusers can still remove triggers and rows. Verifying the lines against a checkpoint kept elsewhere
//! detects that.
use postgres::{Client, Error, GenericClient, Transaction};

use super::row::{Columns, check_run};
use super::{AuditRepository, AuditSink, AuditSinkError, EntryBatch, SealedEntry};

/// Creates the table, triggers and view. May be run again.
pub const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS ringseal_audit (
  seq bigint PRIMARY KEY CHECK (seq >= 0),
  unix_nanos bigint NOT NULL,
  event_type text NOT NULL,
  line bytea NOT NULL,
  leaf_hash bytea NOT NULL CHECK (octet_length(leaf_hash) = 32),
  prev_signature text NOT NULL,
  signature text NOT NULL
);
CREATE INDEX IF NOT EXISTS ringseal_audit_by_time ON ringseal_audit (unix_nanos);
CREATE INDEX IF NOT EXISTS ringseal_audit_by_type ON ringseal_audit (event_type, seq);
CREATE OR REPLACE FUNCTION ringseal_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'ringseal_audit is insert-only: no %', TG_OP; END $$;
CREATE OR REPLACE TRIGGER ringseal_audit_no_change BEFORE UPDATE OR DELETE ON ringseal_audit
  FOR EACH ROW EXECUTE FUNCTION ringseal_audit_refuse();
CREATE OR REPLACE TRIGGER ringseal_audit_no_truncate BEFORE TRUNCATE ON ringseal_audit
  FOR EACH STATEMENT EXECUTE FUNCTION ringseal_audit_refuse();
ALTER TABLE ringseal_audit ENABLE ALWAYS TRIGGER ringseal_audit_no_change;
ALTER TABLE ringseal_audit ENABLE ALWAYS TRIGGER ringseal_audit_no_truncate;
CREATE OR REPLACE VIEW ringseal_audit_json AS
  SELECT seq, to_timestamp(unix_nanos / 1000000000.0) AS time, event_type,
         convert_from(line, 'UTF8')::json AS entry
  FROM ringseal_audit;
REVOKE ALL ON ringseal_audit, ringseal_audit_json FROM PUBLIC;
";

/// Serializes writers: two services that both write this log must not interleave. (The number is arbitrary.)
const LOCK: &str = "SELECT pg_advisory_xact_lock(7312847201993)";
const LAST: &str = "SELECT seq, signature FROM ringseal_audit ORDER BY seq DESC LIMIT 1";
const INSERT: &str = "INSERT INTO ringseal_audit \
     (seq, unix_nanos, event_type, line, leaf_hash, prev_signature, signature) \
     SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bytea[], $5::bytea[], \
     $6::text[], $7::text[]) ON CONFLICT (seq) DO NOTHING";
const COMPARE: &str = "SELECT min(given.seq) FROM unnest($1::bigint[], $2::bytea[]) \
     AS given (seq, line) LEFT JOIN ringseal_audit AS kept ON kept.seq = given.seq \
     WHERE kept.line IS DISTINCT FROM given.line";
const PAGE: &str = "SELECT seq, unix_nanos, event_type, line, leaf_hash, prev_signature, signature \
     FROM ringseal_audit WHERE seq >= $1 ORDER BY seq LIMIT $2";
/// Our triggers that fire with any settings of the session.
const TRIGGERS: &str = "SELECT count(*) FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid \
     WHERE t.tgrelid = 'ringseal_audit'::regclass AND t.tgenabled = 'A' \
     AND p.proname = 'ringseal_audit_refuse' \
     AND t.tgname IN ('ringseal_audit_no_change', 'ringseal_audit_no_truncate')";
const EXCESS: &str = "SELECT privilege FROM unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) \
     AS privilege WHERE has_table_privilege('ringseal_audit', privilege)";

/// The client library of [`Connect`], in the version that this crate uses.
pub use ::postgres as driver;

/// Connects to the server: without TLS, or with any TLS implementation.
pub type Connect = Box<dyn FnMut() -> Result<Client, Error> + Send>;

/// A PostgreSQL database of entries.
///
/// ```no_run
/// use ringseal_audit::sink::postgres::PostgresSink;
/// let settings = "host=/run/postgresql dbname=audit user=service connect_timeout=5";
/// let mut sink = PostgresSink::open("postgres:audit", Box::new(|| {
///     postgres::Client::connect(settings, postgres::NoTls)
/// }))?;
/// assert_eq!(sink.excess_privileges()?, [""; 0], "the service may change what it logged");
/// # Ok::<(), ringseal_audit::sink::AuditSinkError>(())
/// ```
pub struct PostgresSink {
    name: String,
    connect: Connect,
    /// `None` before the first call and after an error.
    client: Option<Client>,
}

impl std::fmt::Debug for PostgresSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresSink").field("name", &self.name).finish_non_exhaustive()
    }
}

impl PostgresSink {
    /// A sink that connects on first use and again after errors. `name` appears in reports; do not put a password in
    /// it.
    pub fn new(name: impl Into<String>, connect: Connect) -> PostgresSink {
        PostgresSink { name: name.into(), connect, client: None }
    }

    /// Connects now, and checks that the table and the triggers exist.
    pub fn open(name: impl Into<String>, connect: Connect) -> Result<PostgresSink, AuditSinkError> {
        let mut sink = Self::new(name, connect);
        sink.with_client(|_, _| Ok(()))?;
        Ok(sink)
    }

    /// Creates the table, triggers and view ([`SCHEMA`]); run it as their owner.
    pub fn install(client: &mut Client) -> Result<(), AuditSinkError> {
        let made = client.batch_execute(SCHEMA);
        made.map_err(|error| AuditSinkError::database("make the tables", "postgres", error))
    }

    /// The unwanted privileges that the connection's user has on the table: `UPDATE`, `DELETE`, `TRUNCATE`, `TRIGGER`.
    /// Owners and superusers have all of them.
    pub fn excess_privileges(&mut self) -> Result<Vec<String>, AuditSinkError> {
        self.with_client(|name, client| {
            let rows = client.query(EXCESS, &[]);
            let rows = rows.map_err(|error| failed("read the privileges", name, error))?;
            Ok(rows.iter().filter_map(|row| row.try_get(0).ok()).collect())
        })
    }

    /// Calls with a connection. Drops the connection after any database error; the next call makes a new one.
    fn with_client<T>(
        &mut self,
        call: impl FnOnce(&str, &mut Client) -> Result<T, AuditSinkError>,
    ) -> Result<T, AuditSinkError> {
        let mut client = match self.client.take() {
            Some(client) => client,
            None => self.connected()?,
        };
        let result = call(&self.name, &mut client);
        if !matches!(result, Err(AuditSinkError::Database { .. })) {
            self.client = Some(client);
        }
        result
    }

    fn connected(&mut self) -> Result<Client, AuditSinkError> {
        let mut client = (self.connect)().map_err(|error| failed("connect", &self.name, error))?;
        // Overrides the server's and the user's defaults.
        let set = client
            .batch_execute("SET synchronous_commit = on; SET standard_conforming_strings = on");
        set.map_err(|error| failed("set up", &self.name, error))?;
        let triggers = client.query_one(TRIGGERS, &[]).and_then(|row| row.try_get::<_, i64>(0));
        match triggers {
            Ok(2) => Ok(client),
            Ok(count) => Err(AuditSinkError::Schema {
                target: self.name.clone(),
                expected: "the two triggers of ringseal_audit, enabled always".to_owned(),
                found: format!("{count} of them"),
            }),
            Err(error) if error.code() == Some(&postgres::error::SqlState::UNDEFINED_TABLE) => {
                Err(AuditSinkError::Schema {
                    target: self.name.clone(),
                    expected: "the table ringseal_audit, as PostgresSink::install creates it"
                        .to_owned(),
                    found: "none of that name".to_owned(),
                })
            }
            Err(error) => Err(failed("read the schema", &self.name, error)),
        }
    }
}

/// Whether the other side has ended the connection.
fn is_lost(error: &Error) -> bool {
    use std::io::ErrorKind;
    let cause =
        std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<std::io::Error>());
    let lost = |cause: &std::io::Error| {
        matches!(
            cause.kind(),
            ErrorKind::BrokenPipe
                | ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::NotConnected
                | ErrorKind::UnexpectedEof
        )
    };
    error.is_closed() || cause.is_some_and(lost)
}

fn failed(action: &'static str, name: &str, error: Error) -> AuditSinkError {
    AuditSinkError::database(action, name, error)
}

fn last_row(
    name: &str,
    client: &mut impl GenericClient,
) -> Result<Option<(u64, String)>, AuditSinkError> {
    let row =
        client.query_opt(LAST, &[]).map_err(|error| failed("read the last row", name, error))?;
    let Some(row) = row else { return Ok(None) };
    let read = || Ok((row.try_get::<_, i64>(0)?.unsigned_abs(), row.try_get(1)?));
    read().map(Some).map_err(|error| failed("read the last row", name, error))
}

fn append_in(
    name: &str,
    transaction: &mut Transaction<'_>,
    entries: &[SealedEntry<'_>],
) -> Result<(), AuditSinkError> {
    let locked = transaction.batch_execute(LOCK);
    locked.map_err(|error| failed("take the lock", name, error))?;
    let last = last_row(name, transaction)?;
    let existing = last
        .as_ref()
        .map_or(0, |(last_seq, _)| entries.partition_point(|entry| entry.seq <= *last_seq));
    let (existing, new) = entries.split_at(existing);
    compare(name, transaction, existing)?;
    let before = last.as_ref().map(|(seq, signature)| (*seq, signature.as_str()));
    check_run(name, before, new)?;
    if new.is_empty() {
        return Ok(());
    }
    let inserted = insert(transaction, new).map_err(|error| failed("insert", name, error))?;
    // A writer without our lock inserted the row first.
    if inserted < new.len() as u64 { compare(name, transaction, new) } else { Ok(()) }
}

fn seqs(entries: &[SealedEntry<'_>]) -> Vec<i64> {
    entries.iter().map(|entry| i64::try_from(entry.seq).unwrap_or(i64::MAX)).collect()
}

fn lines<'a>(entries: &[SealedEntry<'a>]) -> Vec<&'a [u8]> {
    entries.iter().map(|entry| entry.line).collect()
}

fn insert(transaction: &mut Transaction<'_>, new: &[SealedEntry<'_>]) -> Result<u64, Error> {
    let times: Vec<_> = new.iter().map(|entry| entry.unix_nanos).collect();
    let types: Vec<_> = new.iter().map(SealedEntry::event_type).collect();
    let leaves: Vec<_> = new.iter().map(|entry| &entry.leaf[..]).collect();
    let previous: Vec<_> = new.iter().map(SealedEntry::prev_signature).collect();
    let signatures: Vec<_> = new.iter().map(SealedEntry::signature).collect();
    transaction.execute(
        INSERT,
        &[&seqs(new), &times, &types, &lines(new), &leaves, &previous, &signatures],
    )
}

/// Checks that the rows with these numbers have these lines.
fn compare(
    name: &str,
    transaction: &mut Transaction<'_>,
    entries: &[SealedEntry<'_>],
) -> Result<(), AuditSinkError> {
    if entries.is_empty() {
        return Ok(());
    }
    let compared = transaction.query_one(COMPARE, &[&seqs(entries), &lines(entries)]);
    let differs = compared.and_then(|row| row.try_get::<_, Option<i64>>(0));
    match differs.map_err(|error| failed("compare", name, error))? {
        None => Ok(()),
        Some(seq) => {
            Err(AuditSinkError::Conflict { target: name.to_owned(), seq: seq.unsigned_abs() })
        }
    }
}

impl AuditSink for PostgresSink {
    fn name(&self) -> &str {
        &self.name
    }

    fn next_seq(&mut self) -> Result<Option<u64>, AuditSinkError> {
        let last = self.with_client(last_row)?;
        Ok(last.map(|(seq, _)| seq.saturating_add(1)))
    }

    fn append(&mut self, entries: &[SealedEntry<'_>]) -> Result<(), AuditSinkError> {
        self.with_client(|name, client| {
            let begun = client.transaction();
            let mut transaction =
                begun.map_err(|error| failed("begin a transaction", name, error))?;
            // Dropped on an error, which rolls it back.
            append_in(name, &mut transaction, entries)?;
            transaction.commit().map_err(|error| failed("commit", name, error))
        })
    }

    /// Does nothing: each append is committed.
    fn commit(&mut self) -> Result<(), AuditSinkError> {
        Ok(())
    }

    /// A connection that the server has closed already is no error: every append was committed.
    fn close(&mut self) -> Result<(), AuditSinkError> {
        let Some(client) = self.client.take().filter(|client| !client.is_closed()) else {
            return Ok(());
        };
        match client.close() {
            Err(error) if !is_lost(&error) => Err(failed("close", &self.name, error)),
            _ => Ok(()),
        }
    }
}

impl AuditRepository for PostgresSink {
    fn page(
        &mut self,
        from_seq: u64,
        entries_max: usize,
        page: &mut EntryBatch,
    ) -> Result<(), AuditSinkError> {
        let Ok(from) = i64::try_from(from_seq) else { return Ok(()) };
        let max = i64::try_from(entries_max).unwrap_or(i64::MAX);
        self.with_client(|name, client| {
            let rows = client.query(PAGE, &[&from, &max]);
            for row in rows.map_err(|error| failed("read", name, error))? {
                let read = || {
                    let columns = Columns {
                        seq: row.try_get::<_, i64>(0)?.unsigned_abs(),
                        unix_nanos: row.try_get(1)?,
                        event_type: row.try_get(2)?,
                        leaf: row.try_get(4)?,
                        prev_signature: row.try_get(5)?,
                        signature: row.try_get(6)?,
                    };
                    Ok((columns, row.try_get::<_, &[u8]>(3)?))
                };
                let (columns, line) = read().map_err(|error| failed("read", name, error))?;
                page.push(&columns.entry(name, line)?);
            }
            Ok(())
        })
    }
}
