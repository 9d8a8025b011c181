//! A process that writes an audit log is killed (SIGKILL) at random moments. All entries reported as on disk must be
//! there, and the log must check clean with the verifier and with the page's Python program.
//!
//! 200 kills by default; `RINGSEAL_TEST_KILLS=2000` for the long form.
#![cfg(all(feature = "audit", unix))]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ringseal::audit::entry::{Body, Parser};
use ringseal::audit::keys::{load_mac, load_verifier};
use ringseal::audit::store::{AuditLog, Host, LogOptions, Repair, Retain, fsck};
use ringseal::audit::verify::{self, VerifyOptions};
use ringseal::internals::digest::Sha256;
use ringseal::internals::digest::text::hex;
use ringseal::system::OsStorage;

const DIR: &str = "RINGSEAL_TEST_AUDIT_KILL_DIR";
const LIFE: &str = "RINGSEAL_TEST_AUDIT_KILL_LIFE";
const NAME: &str = "a_killed_writer_loses_no_committed_entry";

/// Settings that differ from one life of the writer to the next.
fn options(life: u64) -> LogOptions {
    LogOptions {
        segment_bytes_max: 60_000,
        checkpoint_entries: [100, 1, 7, 65_536, u64::MAX][(life * 7 % 5) as usize],
        checkpoint_seconds: [300, 1, 1_000_000][(life * 11 % 3) as usize],
        chain_key_seconds: [0, 1, 60][(life * 5 % 3) as usize],
        integrity_bytes_max: 100_000,
        retain: Retain { segments_max: Some(20), ..Retain::default() },
        ..LogOptions::default()
    }
}

/// The child: writes until it is killed, and prints each entry once it is on disk.
fn write_until_killed(dir: &Path) -> ! {
    let life = std::env::var(LIFE).ok().and_then(|life| life.parse().ok()).unwrap_or(0);
    let mut log =
        AuditLog::open(Host::system(), dir, options(life)).expect("the log opens after a kill");
    let (mut parser, mut out) = (Parser::new(), std::io::stdout().lock());
    for number in 0u64.. {
        let mut receipts = Vec::new();
        for part in 0..1 + number % 5 {
            let members = format!("\"event_type\":\"tick\",\"number\":{number},\"part\":{part}");
            let body = Body::new(members.as_bytes(), &mut parser).expect("a body");
            receipts.push(log.append(body, 1_795_360_160_000_000_000).expect("room"));
        }
        log.commit().expect("a commit");
        for receipt in receipts {
            writeln!(out, "committed {} {}", receipt.seq, hex(&receipt.leaf)).expect("a reader");
        }
        out.flush().expect("a reader");
        log.maintain().expect("maintenance");
        // Some are killed while they remove segments.
        if number % 20 == 3 {
            log.retain().expect("retention");
        }
    }
    unreachable!("numbers do not end")
}

fn spawn(dir: &Path, life: u64) -> Child {
    Command::new(std::env::current_exe().expect("a test"))
        .args(["--exact", NAME, "--nocapture"])
        .env(DIR, dir)
        .env(LIFE, life.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a child")
}

/// Kills a writer `delay` after its first output; returns the entries it printed.
fn one_life(dir: &Path, life: u64, delay: Duration) -> BTreeMap<u64, String> {
    let mut child = spawn(dir, life);
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut committed = BTreeMap::new();
    let mut take = |line: &str| {
        let mut words = line.split(' ');
        if words.next() == Some("committed") {
            let seq = words.next().and_then(|seq| seq.parse().ok());
            // The last line of the output may be torn, too.
            if let (Some(seq), Some(leaf)) = (seq, words.next().filter(|leaf| leaf.len() == 64)) {
                committed.insert(seq, leaf.to_owned());
            }
        }
    };
    let mut first = None;
    for line in lines.by_ref().map_while(Result::ok) {
        take(&line);
        let since = *first.get_or_insert_with(Instant::now);
        if line.starts_with("committed") && since.elapsed() >= delay {
            break;
        }
    }
    child.kill().expect("a kill");
    lines.map_while(Result::ok).for_each(|line| take(&line));
    let mut errors = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        std::io::Read::read_to_string(&mut stderr, &mut errors).expect("a pipe");
    }
    child.wait().expect("a child");
    assert!(!errors.contains("panicked"), "{errors}");
    committed
}

/// Leaf hashes of all existing entries.
fn leaves(dir: &Path) -> BTreeMap<u64, String> {
    let names = std::fs::read_dir(dir).expect("the log").map(|entry| entry.expect("a name").path());
    let is_segment = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "jsonl");
    let mut found = BTreeMap::new();
    let mut parser = Parser::new();
    for path in names.filter(is_segment).filter(|path| !path.ends_with("kept.jsonl")) {
        let bytes = std::fs::read(&path).expect("a segment");
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let line = line.strip_suffix(b"\n").expect("a whole line");
            let entry = parser.entry(line).expect("an entry");
            found.insert(entry.seq, hex(&Sha256::of(&[b"\0", line].concat())));
        }
    }
    found
}

/// As the kill left it, and after the next end.
fn assert_not_tampered(top: &Path, dir: &Path) {
    let root = load_verifier(&OsStorage, &top.join("audit.pub")).expect("a key");
    let mut options = VerifyOptions::new(root);
    options.first_key = Some(load_mac(&OsStorage, &top.join("audit.mac")).expect("a key"));
    let report = verify::verify(&OsStorage, dir, &options, &mut |_| ());
    assert_eq!(report.first_bad, None, "{:?}", report.problem);
}

#[test]
fn a_killed_writer_loses_no_committed_entry() {
    if let Some(dir) = std::env::var_os(DIR) {
        write_until_killed(Path::new(&dir));
    }
    let kills = std::env::var("RINGSEAL_TEST_KILLS").ok().and_then(|kills| kills.parse().ok());
    let kills: u64 = kills.unwrap_or(200);
    let top = tempfile::tempdir().expect("a directory");
    let dir = top.path().join("log");
    AuditLog::create(&mut Host::system(), &dir, top.path(), "kill.example/audit").expect("keys");
    let mut committed = BTreeMap::new();
    for kill in 0..kills {
        // Spread over the time of opening and a few rotations.
        let delay = Duration::from_micros(kill * 7919 % 60_000);
        committed.append(&mut one_life(&dir, kill, delay));
        if kill % 20 == 19 || kill + 1 == kills {
            assert_not_tampered(top.path(), &dir);
            let log = AuditLog::open(Host::system(), &dir, options(kill)).expect("an opening");
            assert_eq!(log.health().state_mismatch, None, "after {kill} kills");
            log.close().expect("an end");
            assert_not_tampered(top.path(), &dir);
            let found = leaves(&dir);
            let first = *found.keys().next().expect("entries");
            for (seq, leaf) in committed.range(first..) {
                assert_eq!(found.get(seq), Some(leaf), "after {kill} kills: entry {seq}");
            }
            committed.retain(|seq, _| *seq >= first);
        }
    }
    let storage: Arc<dyn ringseal::system::Storage> = Arc::new(OsStorage);
    let report = fsck(&storage, &dir, Repair::No).expect("fsck");
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}
