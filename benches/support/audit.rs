//! Shared by the benches of the audit log: a storage that counts syncs, two entries, a log of them, and printing of
//! results.
#![allow(dead_code)] // each bench uses a part of it

use std::ffi::OsString;
use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ringseal::audit::store::{AuditLog, Host, LogOptions};
use ringseal::system::{FileLock, FileStat, OpenMode, OsStorage, Storage, StorageFile};

/// Prints a measured value, its target, and whether it is met.
pub fn verdict(what: &str, measured: f64, unit: &str, at_most: f64) {
    let result = if measured <= at_most { "met" } else { "MISSED" };
    println!("{what}: {measured:.2}{unit}, target at most {at_most:.2}{unit}: {result}");
}

/// Prints the same for values where more is better.
pub fn verdict_at_least(what: &str, measured: f64, unit: &str, at_least: f64) {
    let result = if measured >= at_least { "met" } else { "MISSED" };
    println!("{what}: {measured:.1}{unit}, target at least {at_least:.1}{unit}: {result}");
}

/// Whether to measure only briefly, to check that the bench works.
pub fn is_quick() -> bool {
    std::env::args().any(|argument| argument == "--quick")
}

/// A new log in `dir/log`, with its public files in `dir`.
pub fn log_in(dir: &Path, storage: Arc<dyn Storage>, options: LogOptions) -> AuditLog {
    let mut host = Host { storage, ..Host::system() };
    let path = dir.join("log");
    AuditLog::create(&mut host, &path, dir, "bench.example/audit").expect("keys");
    AuditLog::open(host, &path, options).expect("a log")
}

/// The system's storage, with its file syncs counted. Syncs may do nothing; synced data is then lost with the power.
pub struct Syncs {
    is_real: bool,
    count: Arc<AtomicU64>,
}

impl Syncs {
    pub fn none() -> Arc<Syncs> {
        Arc::new(Syncs { is_real: false, count: Arc::default() })
    }

    pub fn real() -> Arc<Syncs> {
        Arc::new(Syncs { is_real: true, count: Arc::default() })
    }

    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}

struct SyncsFile {
    file: Box<dyn StorageFile>,
    is_real: bool,
    count: Arc<AtomicU64>,
}

impl Storage for Syncs {
    fn lock(&self, path: &Path, mode: u32) -> io::Result<FileLock> {
        OsStorage.lock(path, mode)
    }

    fn open(&self, path: &Path, how: OpenMode) -> io::Result<Box<dyn StorageFile>> {
        let (is_real, count) = (self.is_real, Arc::clone(&self.count));
        let file = OsStorage.open(path, how)?;
        Ok(Box::new(SyncsFile { file, is_real, count }))
    }

    fn stat(&self, path: &Path) -> io::Result<FileStat> {
        OsStorage.stat(path)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        OsStorage.link(from, to)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        OsStorage.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        OsStorage.remove(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        OsStorage.list(dir)
    }

    fn create_dir(&self, dir: &Path, mode: u32) -> io::Result<()> {
        OsStorage.create_dir(dir, mode)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        if self.is_real { OsStorage.sync_dir(dir) } else { Ok(()) }
    }
}

impl StorageFile for SyncsFile {
    fn append(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.file.append(slices)
    }

    fn position(&self) -> io::Result<u64> {
        self.file.position()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.file.write_at(bytes, offset)
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn stat(&self) -> io::Result<FileStat> {
        self.file.stat()
    }

    fn sync(&self) -> io::Result<()> {
        self.count.fetch_add(1, Ordering::Relaxed);
        if self.is_real { self.file.sync() } else { Ok(()) }
    }
}

/// Events of two sizes: a login, and an event with everything that NIST SP 800-53 AU-3 requires.
pub fn bodies() -> [(&'static str, String); 2] {
    let short = concat!(
        r#""event_type":"user.login","actor":{"type":"user","id":"u-184467"},"action":"login","#,
        r#""outcome":"success","correlation_id":"9f86d081884c7d659a2feaa0c55ad015","service":"payments""#
    );
    let long = concat!(
        r#""event_type":"config.reload","actor":{"type":"user","id":"u-184467","roles":["admin","ops"],"#,
        r#""ip":"192.0.2.44","user_agent":"Mozilla/5.0 (X11; Linux x86_64)"},"action":"update","#,
        r#""outcome":"success","target":{"type":"config","id":"limits.toml","name":"limits"},"#,
        r#""correlation_id":"9f86d081884c7d659a2feaa0c55ad015","service":"payments","#,
        r#""source_host":"app-17.example","source_process":"payments","process_id":4711,"#,
        r#""component":"reload","severity":"info","environment":"production","#,
        r#""details":{"changed":["rate","burst"],"rate":"100","burst":"20"},"duration_ms":12.5"#
    );
    [("login", short.to_owned()), ("AU-3", long.to_owned())]
}
