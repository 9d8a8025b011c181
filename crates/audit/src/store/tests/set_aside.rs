//! A damaged log is set aside, and the new one continues its keys; on the real file system, which renames directories.
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::support::{ORIGIN, append};
use crate::entry::Scheme;
use crate::keys::{load_mac, load_verifier};
use crate::read::first_start;
use crate::store::names::ACTIVE;
use crate::store::{AuditLog, Host, LogOptions, OnDamage, StoreError};
use crate::verify::{FindingKind, PrunePolicy, VerifyOptions, VerifyReport, WarningKind, verify};
use ringseal_base::storage::{FileLock, FileStat, OpenMode, OsStorage, Storage, StorageFile};

/// The system's storage, until a number of calls were made.
struct Dying {
    left: AtomicU64,
}

impl Dying {
    fn call(&self) -> io::Result<()> {
        let left = self.left.load(Ordering::Relaxed);
        if left == 0 {
            return Err(io::Error::other("the process is dead"));
        }
        self.left.store(left - 1, Ordering::Relaxed);
        Ok(())
    }
}

impl Storage for Dying {
    fn lock(&self, path: &Path, mode: u32) -> io::Result<FileLock> {
        self.call().and_then(|()| OsStorage.lock(path, mode))
    }

    fn open(&self, path: &Path, how: OpenMode) -> io::Result<Box<dyn StorageFile>> {
        self.call().and_then(|()| OsStorage.open(path, how))
    }

    fn stat(&self, path: &Path) -> io::Result<FileStat> {
        self.call().and_then(|()| OsStorage.stat(path))
    }

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        OsStorage.resolve(path)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call().and_then(|()| OsStorage.link(from, to))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call().and_then(|()| OsStorage.rename(from, to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.call().and_then(|()| OsStorage.remove(path))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        self.call().and_then(|()| OsStorage.list(dir))
    }

    fn create_dir(&self, dir: &Path, mode: u32) -> io::Result<()> {
        self.call().and_then(|()| OsStorage.create_dir(dir, mode))
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.call().and_then(|()| OsStorage.sync_dir(dir))
    }
}

/// A log of a few epochs and segments whose third line is garbage.
struct Damaged {
    top: tempfile::TempDir,
    options: LogOptions,
}

impl Damaged {
    fn new(scheme: Scheme) -> Damaged {
        let top = tempfile::tempdir().unwrap();
        AuditLog::create(&mut Host::system(), &top.path().join("log"), top.path(), ORIGIN).unwrap();
        let options = LogOptions { scheme, on_damage: OnDamage::SetAside, ..LogOptions::default() };
        let damaged = Damaged { top, options };
        for _ in 0..2 {
            damaged.write(&mut damaged.open().unwrap());
        }
        damaged.damage();
        damaged
    }

    fn dir(&self) -> PathBuf {
        self.top.path().join("log")
    }

    fn open(&self) -> Result<AuditLog, StoreError> {
        AuditLog::open(Host::system(), &self.dir(), self.options.clone())
    }

    fn write(&self, log: &mut AuditLog) {
        for number in 0..9 {
            append(log, number);
        }
        log.commit().unwrap();
        log.rotate(crate::entry::control::RotateReason::Manual).unwrap();
        for number in 0..9 {
            append(log, number);
        }
        log.commit().unwrap();
        log.maintain().unwrap();
    }

    fn damage(&self) {
        let path = self.dir().join(ACTIVE);
        let mut bytes = std::fs::read(&path).unwrap();
        let third = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(2).unwrap().0;
        bytes[third + 3] = b'!';
        std::fs::write(&path, bytes).unwrap();
    }

    /// `accepted`: the root of the log set aside is known to the verifier.
    fn reports(&self, prunes: PrunePolicy, accepted: bool) -> Vec<VerifyReport> {
        let root = load_verifier(&OsStorage, &self.top.path().join("audit.pub")).unwrap();
        let mut options = VerifyOptions::new(root);
        options.prunes = prunes;
        let start = first_start(&OsStorage, &self.dir()).unwrap();
        let root = start.continued.map(|continued| continued.tree_root);
        options.accepted_set_aside = if accepted { root } else { Some([7; 32]) };
        options.first_key = Some(load_mac(&OsStorage, &self.top.path().join("audit.mac")).unwrap());
        let mut reports = Vec::new();
        for key in [options.first_key.take(), None] {
            options.first_key = key;
            reports.push(verify(&OsStorage, &self.dir(), &options, &mut |_| ()));
        }
        reports
    }

    fn assert_continued(&self, what: &str) {
        for report in self.reports(PrunePolicy::Any, true) {
            assert_eq!(report.first_bad, None, "{what} {:?}", report.problem);
            let kinds: Vec<_> = report.warnings.iter().map(|warning| warning.kind).collect();
            assert_eq!(kinds, [WarningKind::SetAside], "{what}");
        }
        for report in self.reports(PrunePolicy::Any, false) {
            assert_eq!(report.first_bad.unwrap().kind, FindingKind::SetAside, "{what}");
        }
        for report in self.reports(PrunePolicy::Never, true) {
            assert!(report.first_bad.is_some(), "{what}");
        }
    }
}

#[test]
fn a_damaged_log_is_refused_or_set_aside() {
    for scheme in [Scheme::Mac, Scheme::Hash] {
        let mut damaged = Damaged::new(scheme);
        let names = || {
            let mut names = OsStorage.list(&damaged.dir()).unwrap();
            names.sort_unstable();
            names
        };
        let before = names();
        damaged.options.on_damage = OnDamage::Refuse;
        let error = damaged.open().unwrap_err();
        assert!(error.is_damage(), "{error}");
        damaged.options.on_damage = OnDamage::SetAside;
        let mut log = damaged.open().unwrap();
        assert_eq!(log.health().set_aside.as_deref(), Some("aside-1"));
        assert!(!log.health().audit_sink_healthy);
        damaged.write(&mut log);
        log.close().unwrap();
        damaged.assert_continued("once");
        let aside = OsStorage.list(&damaged.dir().join("aside-1")).unwrap();
        assert!(aside.len() + 3 >= before.len(), "{aside:?} of {before:?}");
        // Once more, and the keys are still followed from the first log.
        let log = damaged.open().unwrap();
        assert_eq!(log.health().set_aside, None);
        log.close().unwrap();
        damaged.damage();
        let mut log = damaged.open().unwrap();
        assert_eq!(log.health().set_aside.as_deref(), Some("aside-2"));
        damaged.write(&mut log);
        log.close().unwrap();
        damaged.assert_continued("twice");
    }
}

#[test]
fn setting_aside_survives_a_crash_at_each_call() {
    for calls in (0..).step_by(3) {
        let damaged = Damaged::new(Scheme::Mac);
        let storage = Arc::new(Dying { left: AtomicU64::new(calls) });
        let host = Host { storage, ..Host::system() };
        let is_open = AuditLog::open(host, &damaged.dir(), damaged.options.clone()).map(|log| {
            // The process ends here.
            log.close().is_ok()
        });
        let mut log = damaged.open().unwrap_or_else(|error| panic!("{calls} calls: {error}"));
        damaged.write(&mut log);
        log.close().unwrap();
        damaged.assert_continued(&format!("{calls} calls"));
        if is_open.is_ok_and(|is_closed| is_closed) {
            return;
        }
    }
}
