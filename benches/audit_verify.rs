//! Compares verifying an audit log with hashing its bytes once.
//!
//! `cargo bench --features audit --bench audit_verify [-- --quick]`. Each line is the fastest of several
//! rounds that alternate between hashing and verifying, so that a busy machine slows both.
//!
//! - `without the chain's key`: the checks that `audit.pub` allows: lines, links, leaf hashes, tree, checkpoints,
//!   segments.
//! - `with it`: also the MAC of every entry, each with its key.
//!
//! The baseline reads the same files through the same storage, a quarter of a mebibyte at a time, into one SHA-256. The
//! target is 1.5 times that.
#![allow(missing_docs)]

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use ringseal::audit::entry::{Body, Parser};
use ringseal::audit::keys;
use ringseal::audit::store::LogOptions;
use ringseal::audit::verify::{self, VerifyOutcome};
use ringseal::internals::digest::Sha256;
use ringseal::system::{OpenMode, OsStorage, Storage};

#[path = "support/audit.rs"]
mod audit;

const TARGET: f64 = 1.5;
const READ_BYTES: usize = 256 * 1024;

/// A closed log of `entries` entries in segments of the usual size.
fn log(dir: &Path, members: &str, entries: u64) {
    let mut log = audit::log_in(dir, audit::Syncs::none(), LogOptions::default());
    let mut parser = Parser::new();
    let body = Body::new(members.as_bytes(), &mut parser).expect("a body");
    for seq in 0..entries {
        log.append(body, 1_795_360_160_123_456_789 + seq as i64).expect("disk space");
        if seq % 512 == 511 {
            log.commit().expect("a commit");
            log.maintain().expect("maintenance");
        }
    }
    log.close().expect("an end");
}

/// Hashes each segment with SHA-256, in reads of the verifier's size; returns the number of bytes.
fn hash_once(dir: &Path) -> u64 {
    let mut buffer = vec![0; READ_BYTES];
    let mut bytes = 0;
    let names = OsStorage.list(dir).expect("a list");
    for name in names.iter().filter(|name| name.to_string_lossy().ends_with(".jsonl")) {
        let file = OsStorage.open(&dir.join(name), OpenMode::Read).expect("a segment");
        let (mut hash, mut offset) = (Sha256::new(), 0);
        loop {
            let read = file.read_at(&mut buffer, offset).expect("bytes");
            if read == 0 {
                break;
            }
            hash.update(&buffer[..read]);
            offset += read as u64;
        }
        black_box(hash.finish());
        bytes += offset;
    }
    bytes
}

/// Verifies the log; returns the time taken.
fn verify_once(dir: &Path, options: &verify::VerifyOptions) -> Duration {
    let start = Instant::now();
    let report = verify::verify(&OsStorage, dir, options, &mut |_| ());
    let taken = start.elapsed();
    assert_eq!(report.outcome, VerifyOutcome::Intact, "{report:?}");
    taken
}

fn main() {
    let (mib, turns) = if audit::is_quick() { (32, 5) } else { (128, 15) };
    for (name, members) in audit::bodies() {
        let dir = tempfile::tempdir().expect("a directory");
        let entries = (mib << 20) / (members.len() as u64 + 210);
        log(dir.path(), &members, entries);
        let (bytes, fastest) = measure(dir.path(), turns);
        let [hashed, public, keyed] = fastest.map(|taken| taken.as_secs_f64());
        let rate = |seconds: f64| bytes as f64 / seconds / f64::from(1 << 20);
        println!(
            "{name}: {entries} entries, {} MiB; hashing once {:.0} MiB/s, verifying {:.0}, with the MAC {:.0}",
            bytes >> 20,
            rate(hashed),
            rate(public),
            rate(keyed)
        );
        let what = format!("verify/{name}/without the chain's key");
        audit::verdict(&what, public / hashed, "x", TARGET);
        audit::verdict(&format!("verify/{name}/with it"), keyed / hashed, "x", TARGET);
    }
}

/// The number of bytes, and the fastest times of hashing, verifying without and with the chain's key.
fn measure(dir: &Path, turns: usize) -> (u64, [Duration; 3]) {
    let path = dir.join("log");
    let root = keys::load_verifier(&OsStorage, &dir.join("audit.pub")).expect("a key");
    let first_key = keys::load_mac(&OsStorage, &dir.join("audit.mac")).expect("a key");
    let public = verify::VerifyOptions::new(root);
    let keyed = verify::VerifyOptions { first_key: Some(first_key), ..public.clone() };
    let mut fastest = [Duration::MAX; 3];
    let mut bytes = 0;
    for _ in 0..turns {
        let start = Instant::now();
        bytes = hash_once(&path);
        let hashed = start.elapsed();
        let taken = [hashed, verify_once(&path, &public), verify_once(&path, &keyed)];
        for (least, taken) in fastest.iter_mut().zip(taken) {
            *least = taken.min(*least);
        }
    }
    (bytes, fastest)
}
