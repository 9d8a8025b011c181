//! A log that the real writer wrote, as a map of files.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::entry::{Body, Parser};
use crate::keys::{ChainKey, load_chain, load_mac, load_signer};
use crate::note::{Signer, Verifier};
use crate::store::{AuditLog, Host, LogOptions, StoreError};
use crate::verify::source::BATCH_BYTES;
use crate::verify::{Division, KnownCheckpoint, VerifyOptions, VerifyReport, verify_divided};
use ringseal_base::clock::{Clock, ManualClock};
use ringseal_base::digest::Sha256;
use ringseal_base::storage::faulty::FaultyDisk;

pub const DIR: &str = "/log";
const AWAY: &str = "/away";
pub const ORIGIN: &str = "test.example/audit";
const START: i64 = 1_795_360_160_000_000_000;

/// The files of a log by name.
pub type LogFiles = BTreeMap<String, Vec<u8>>;

/// A log on a simulated disk, with its keys and clock.
pub struct Fixture {
    pub disk: FaultyDisk,
    pub clock: Arc<ManualClock>,
    pub root: Verifier,
    pub first_key: ChainKey,
    /// The key of each epoch so far.
    pub signers: Vec<Signer>,
    seed: u64,
}

impl Fixture {
    pub fn new() -> Fixture {
        Fixture::with_seed(1)
    }

    /// A fixture with other keys.
    pub fn with_seed(seed: u64) -> Fixture {
        let disk = FaultyDisk::new(Path::new(DIR));
        disk.put_dir(Path::new(AWAY));
        let clock = Arc::new(ManualClock::at(START));
        let mut host = host(&disk, &clock, seed);
        let root = AuditLog::create(&mut host, Path::new(DIR), Path::new(AWAY), ORIGIN).unwrap();
        let first_key = load_mac(&disk, &Path::new(AWAY).join("audit.mac")).unwrap();
        Fixture { disk, clock, root, first_key, signers: Vec::new(), seed: seed * 1000 }
    }

    pub fn open(&mut self, options: LogOptions) -> AuditLog {
        self.remember();
        let log = self.try_open(options).unwrap();
        self.remember();
        log
    }

    pub fn try_open(&mut self, options: LogOptions) -> Result<AuditLog, StoreError> {
        self.seed += 1000;
        let host = host(&self.disk, &self.clock, self.seed);
        AuditLog::open(host, Path::new(DIR), options)
    }

    /// The same log on another disk.
    pub fn clone_with(fixture: &Fixture, disk: FaultyDisk) -> Fixture {
        Fixture {
            disk,
            clock: fixture.clock.clone(),
            root: fixture.root.clone(),
            first_key: fixture.first_key.clone(),
            signers: Vec::new(),
            seed: fixture.seed,
        }
    }

    /// Keeps a copy of the epoch's key, for an attacker with all keys.
    pub fn remember(&mut self) {
        let signer = load_signer(&self.disk, &Path::new(DIR).join("keys/epoch.key")).unwrap();
        if self.signers.last().is_none_or(|last| last.verifier() != signer.verifier()) {
            self.signers.push(signer);
        }
    }

    /// The ratchet's key on the host.
    pub fn chain_key(&self) -> (u64, ChainKey) {
        load_chain(&self.disk, &Path::new(DIR).join("keys/chain.key")).unwrap()
    }

    pub fn files(&self) -> LogFiles {
        let below = |path: PathBuf| Some(path.strip_prefix(DIR).ok()?.to_str()?.to_owned());
        let files = self.disk.files().into_iter();
        files.filter_map(|(path, bytes)| Some((below(path)?, bytes))).collect()
    }

    /// Appends `count` entries, commits and runs maintenance.
    pub fn append(&mut self, log: &mut AuditLog, count: u64) {
        for _ in 0..count {
            self.clock.advance(1_000_000_000);
            append(log, self.clock.unix_nanos());
        }
        log.commit().unwrap();
        log.maintain().unwrap();
        self.remember();
    }

    pub fn options(&self) -> VerifyOptions {
        let mut options = VerifyOptions::new(self.root.clone());
        options.first_key = Some(self.first_key.clone());
        options.now_unix_nanos = Some(self.clock.unix_nanos());
        options
    }
}

pub fn append(log: &mut AuditLog, unix_nanos: i64) {
    let seq = log.next_seq();
    let members = format!(
        "\"event_type\":\"user.login\",\"actor\":{{\"id\":\"u{seq}\"}},\"outcome\":\"success\""
    );
    let body = Body::new(members.as_bytes(), &mut Parser::new()).unwrap();
    log.append(body, unix_nanos).unwrap();
}

/// Keys and nonces count up from `seed`.
pub fn host(disk: &FaultyDisk, clock: &Arc<ManualClock>, seed: u64) -> Host {
    let mut state = seed;
    Host {
        storage: Arc::new(disk.clone()),
        clock: clock.clone(),
        random: Box::new(move |buffer| {
            for chunk in buffer.chunks_mut(32) {
                state += 1;
                chunk.copy_from_slice(&Sha256::of(&state.to_be_bytes())[..chunk.len()]);
            }
            Ok(())
        }),
    }
}

pub fn small_options() -> LogOptions {
    LogOptions { checkpoint_entries: 8, ..LogOptions::default() }
}

/// A disk with these files.
pub fn disk_of(files: &LogFiles) -> FaultyDisk {
    let disk = FaultyDisk::new(Path::new(DIR));
    for (name, bytes) in files {
        disk.put(&Path::new(DIR).join(name), bytes);
    }
    disk
}

/// Verifies the files on one thread, and on several with small batches: both must report the same.
pub fn verify_files(files: &LogFiles, options: &VerifyOptions) -> VerifyReport {
    verify_disk(&disk_of(files), options)
}

/// The same for a disk that has no faults.
pub fn verify_disk(disk: &FaultyDisk, options: &VerifyOptions) -> VerifyReport {
    let verify = |threads, batch_bytes| {
        let division = Division { threads, batch_bytes };
        verify_divided(disk, Path::new(DIR), options, division, &mut |_| ())
    };
    let report = verify(1, BATCH_BYTES);
    for (threads, batch_bytes) in [(2, 900), (3, BATCH_BYTES)] {
        let divided = verify(threads, batch_bytes);
        assert_eq!(divided, report, "{threads} threads, batches of {batch_bytes} bytes");
    }
    report
}

/// The latest checkpoint as a known checkpoint.
pub fn kept_checkpoint(files: &LogFiles) -> KnownCheckpoint {
    KnownCheckpoint { name: "kept-elsewhere".into(), note: files["checkpoint"].clone() }
}
