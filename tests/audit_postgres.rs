//! Audit entries in PostgreSQL: insert-only, each once across lost connections and server crashes, read back byte by
//! byte. Starts its own server; where PostgreSQL is not installed, it says so and passes.
#![cfg(all(feature = "audit-postgres", unix))]

#[path = "../crates/audit/src/sink/tests/chain.rs"]
mod chain;
#[path = "support/postgres_server.rs"]
mod postgres_server;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chain::Lines;
use postgres_server::Server;
use ringseal::audit::sink::postgres::PostgresSink;
use ringseal::audit::sink::postgres::driver::{Client, NoTls};
use ringseal::audit::sink::{
    AuditRepository, AuditSink, AuditSinkError, FanOut, SealedEntry, SinkBounds, SinkQueueOverflow,
    StoredLines, catch_up,
};
use ringseal::system::OsStorage;

const LONG: Duration = Duration::from_secs(120);

fn sealed(lines: &[String]) -> Vec<SealedEntry<'_>> {
    let numbered = (0..).zip(lines);
    numbered
        .map(|(seq, line)| SealedEntry::new(seq, Lines::unix_nanos(seq), line.as_bytes()))
        .collect()
}

fn client(server: &Server, user: &str) -> Client {
    Client::connect(&server.settings(user), NoTls).expect("a connection")
}

fn sink(server: &Server, user: &str) -> PostgresSink {
    let settings = server.settings(user);
    PostgresSink::new("pg", Box::new(move || Client::connect(&settings, NoTls)))
}

fn stored(sink: &mut PostgresSink) -> Result<Vec<String>, AuditSinkError> {
    let lines = StoredLines::new(sink, 0);
    lines.map(|line| line.map(|(_, line)| String::from_utf8(line).expect("UTF-8"))).collect()
}

/// A new empty table for each part.
fn fresh(server: &Server) -> Client {
    let mut owner = client(server, "owner");
    let drop = "DROP TABLE IF EXISTS ringseal_audit CASCADE";
    owner.batch_execute(drop).expect("dropped");
    PostgresSink::install(&mut owner).expect("installed");
    owner.batch_execute("GRANT INSERT, SELECT ON ringseal_audit TO service").expect("granted");
    owner
}

/// All parts share one server, because starting one takes seconds.
#[test]
fn entries_in_postgresql() {
    let server = match Server::start() {
        Ok(server) => server,
        Err(why) => return println!("skipped, no PostgreSQL server: {why}"),
    };
    client(&server, "owner").batch_execute("CREATE ROLE service LOGIN").expect("a role");
    for (name, part) in [
        ("lines come back to the byte", lines_come_back_to_the_byte as fn(&Server)),
        ("what is there is compared", what_is_there_is_compared),
        ("a bad batch leaves nothing", a_bad_batch_leaves_nothing),
        ("rows cannot be changed", rows_cannot_be_changed),
        ("a database without its triggers is refused", no_triggers_is_refused),
        ("columns that lie are found", columns_that_lie_are_found),
        ("lost connections", each_once_across_lost_connections),
        ("crashes of the server", each_once_across_crashes),
        ("two writers", two_writers_do_not_interleave),
    ] {
        println!("{name}");
        part(&server);
    }
}

fn lines_come_back_to_the_byte(server: &Server) {
    let mut owner = fresh(server);
    PostgresSink::install(&mut owner).expect("may be run again");
    let mut lines = Lines::new(2500);
    lines.add("a.b", "\"text\":\"ü \\\" \\u0000\"");
    let entries = sealed(&lines.lines);
    let mut sink = sink(server, "service");
    assert_eq!(sink.next_seq().unwrap(), None);
    sink.append(&entries[..1000]).unwrap();
    sink.close().unwrap();
    assert_eq!(sink.next_seq().unwrap(), Some(1000), "it connects again");
    sink.append(&entries[1000..]).unwrap();
    assert!(stored(&mut sink).unwrap() == lines.lines);
    let tail: Vec<_> = StoredLines::new(&mut sink, 2499).map(|line| line.unwrap().0).collect();
    assert_eq!(tail, [2499, 2500]);
    let row = owner.query_one("SELECT entry ->> 'n' FROM ringseal_audit_json WHERE seq = 7", &[]);
    assert_eq!(row.unwrap().get::<_, &str>(0), "1");
    assert_eq!(sink.excess_privileges().unwrap(), [""; 0]);
    let mut as_owner = self::sink(server, "owner");
    let excess = as_owner.excess_privileges().unwrap();
    assert_eq!(excess, ["UPDATE", "DELETE", "TRUNCATE", "TRIGGER"]);
}

fn what_is_there_is_compared(server: &Server) {
    drop(fresh(server));
    let mut sink = sink(server, "service");
    let lines = Lines::new(6).lines;
    let entries = sealed(&lines);
    sink.append(&entries[..4]).unwrap();
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

fn a_bad_batch_leaves_nothing(server: &Server) {
    drop(fresh(server));
    let mut sink = sink(server, "service");
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

fn rows_cannot_be_changed(server: &Server) {
    let mut owner = fresh(server);
    let mut sink = sink(server, "service");
    let lines = Lines::new(5).lines;
    sink.append(&sealed(&lines)).unwrap();
    let upsert = "INSERT INTO ringseal_audit SELECT * FROM ringseal_audit WHERE seq = 2 \
                  ON CONFLICT (seq) DO UPDATE SET line = ''";
    let replica = "SET session_replication_role = replica; DELETE FROM ringseal_audit";
    for (sql, want) in [
        ("UPDATE ringseal_audit SET line = '' WHERE seq = 1", "insert-only: no UPDATE"),
        ("DELETE FROM ringseal_audit WHERE seq = 4", "insert-only: no DELETE"),
        ("TRUNCATE ringseal_audit", "insert-only: no TRUNCATE"),
        (upsert, "insert-only: no UPDATE"),
        (replica, "insert-only: no DELETE"),
    ] {
        // The owner is also a superuser here: triggers apply all the same.
        let text = format!("{:?}", owner.batch_execute(sql).unwrap_err());
        assert!(text.contains(want), "{sql}: {text}");
        let text = format!("{:?}", client(server, "service").batch_execute(sql).unwrap_err());
        assert!(text.contains("permission denied"), "{sql}: {text}");
    }
    assert_eq!(stored(&mut sink).unwrap(), lines);
}

fn no_triggers_is_refused(server: &Server) {
    for (sql, want) in [
        ("DROP TRIGGER ringseal_audit_no_change ON ringseal_audit", "found 1 of them"),
        ("ALTER TABLE ringseal_audit DISABLE TRIGGER ALL", "found 0 of them"),
        ("ALTER TABLE ringseal_audit ENABLE TRIGGER ringseal_audit_no_truncate", "found 1 of them"),
        ("DROP TABLE ringseal_audit CASCADE", "found none of that name"),
    ] {
        fresh(server).batch_execute(sql).unwrap();
        let settings = server.settings("service");
        let connect = Box::new(move || Client::connect(&settings, NoTls));
        let error = PostgresSink::open("pg", connect).unwrap_err();
        assert!(matches!(error, AuditSinkError::Schema { .. }), "{error}");
        assert!(error.to_string().contains(want), "{error}");
    }
}

fn columns_that_lie_are_found(server: &Server) {
    let lines = Lines::new(3).lines;
    for (set, want) in [
        ("seq = 7", "seq"),
        ("unix_nanos = unix_nanos + 1", "unix_nanos"),
        ("event_type = 'user.logout'", "event_type"),
        ("leaf_hash = sha256('')", "leaf_hash"),
        ("prev_signature = signature", "prev_signature"),
        ("signature = prev_signature", "signature"),
        ("line = overlay(line placing '2' from 5)", "seq"),
    ] {
        let mut owner = fresh(server);
        sink(server, "service").append(&sealed(&lines)).unwrap();
        let sql = format!(
            "ALTER TABLE ringseal_audit DISABLE TRIGGER ALL; \
             UPDATE ringseal_audit SET {set} WHERE seq = 2; \
             ALTER TABLE ringseal_audit ENABLE ALWAYS TRIGGER ringseal_audit_no_change; \
             ALTER TABLE ringseal_audit ENABLE ALWAYS TRIGGER ringseal_audit_no_truncate"
        );
        owner.batch_execute(&sql).unwrap();
        match stored(&mut sink(server, "service")) {
            Err(AuditSinkError::Column { column, .. }) => assert_eq!(column, want, "{set}"),
            other => panic!("{set}: {other:?}"),
        }
    }
}

/// Forwards to a database, but every third answer is lost.
struct Forgetful {
    inner: PostgresSink,
    calls: Arc<AtomicUsize>,
}

impl AuditSink for Forgetful {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn next_seq(&mut self) -> Result<Option<u64>, AuditSinkError> {
        self.inner.next_seq()
    }

    fn append(&mut self, entries: &[SealedEntry<'_>]) -> Result<(), AuditSinkError> {
        self.inner.append(entries)?;
        if self.calls.fetch_add(1, Ordering::SeqCst) % 3 == 1 {
            self.inner.close()?;
            let (target, missing_seq) = ("pg".to_owned(), entries[0].seq);
            return Err(AuditSinkError::Timeout { target, missing_seq });
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), AuditSinkError> {
        self.inner.commit()
    }
}

fn bounds(overflow: SinkQueueOverflow) -> SinkBounds {
    let mut bounds = SinkBounds::default();
    bounds.overflow = overflow;
    bounds.batch_entries_max = 50;
    bounds.retry_pause_min = Duration::from_millis(2);
    bounds.retry_pause_max = Duration::from_millis(20);
    bounds.stop_wait_max = LONG;
    bounds
}

fn each_once_across_lost_connections(server: &Server) {
    let mut owner = fresh(server);
    let calls = Arc::new(AtomicUsize::new(0));
    let forgetful = Forgetful { inner: sink(server, "service"), calls: Arc::clone(&calls) };
    let fan = FanOut::new(Arc::new(OsStorage), |_| ())
        .with(Box::new(forgetful), bounds(SinkQueueOverflow::Block { wait_max: LONG }))
        .unwrap();
    let lines = Lines::new(3000).lines;
    for part in sealed(&lines).chunks(30) {
        fan.offer(part).unwrap();
        // The server closes all connections.
        let kill =
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'service'";
        owner.execute(kill, &[]).unwrap();
    }
    fan.commit(LONG).unwrap();
    assert!(fan.health()[0].errors > 0, "no connection was lost, so nothing was tested");
    fan.close().unwrap();
    assert!(stored(&mut sink(server, "service")).unwrap() == lines);
}

fn each_once_across_crashes(server: &Server) {
    drop(fresh(server));
    let dir = tempfile::tempdir().unwrap();
    let mut spilling = bounds(SinkQueueOverflow::Spill { path: dir.path().join("spill") });
    spilling.held_bytes_max = 20_000;
    let fan = FanOut::new(Arc::new(OsStorage), |_| ())
        .with(Box::new(sink(server, "service")), spilling)
        .unwrap();
    let lines = Lines::new(2000).lines;
    let entries = sealed(&lines);
    fan.offer(&entries[..500]).unwrap();
    server.control("stop").unwrap();
    fan.offer(&entries[500..1500]).unwrap();
    let health = &fan.health()[0];
    assert!(health.spilled_bytes > 0 && health.held_bytes <= 20_000, "{health:?}");
    server.control("start").unwrap();
    fan.offer(&entries[1500..]).unwrap();
    server.control("restart").unwrap();
    fan.commit(LONG).unwrap();
    fan.close().unwrap();
    let mut sink = sink(server, "service");
    assert!(stored(&mut sink).unwrap() == lines);
    assert_eq!(std::fs::metadata(dir.path().join("spill")).unwrap().len(), 0);
}

fn two_writers_do_not_interleave(server: &Server) {
    drop(fresh(server));
    let lines = Lines::new(600).lines;
    let entries = sealed(&lines);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut sink = sink(server, "service");
                entries.chunks(20).for_each(|part| sink.append(part).unwrap());
            });
        }
    });
    let mut first = sink(server, "service");
    assert!(stored(&mut first).unwrap() == lines, "the same log twice is the log once");
    let mut other = Lines::new(0);
    (0..700).for_each(|_| other.add("user.logout", "\"n\":1"));
    let error = first.append(&sealed(&other.lines)[590..]).unwrap_err();
    assert!(matches!(error, AuditSinkError::Conflict { seq: 590, .. }), "{error}");
    let error = first.append(&sealed(&other.lines)[600..]).unwrap_err();
    assert!(matches!(error, AuditSinkError::Chain { seq: 600, .. }), "{error}");
    // A repository can also be copied to another sink.
    let mut page = ringseal::audit::sink::EntryBatch::default();
    first.page(598, 10, &mut page).unwrap();
    assert_eq!(page.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [598, 599]);
    let mut second = sink(server, "service");
    assert_eq!(catch_up(&mut first, &mut second).unwrap(), 0);
}
