//! New keysets while the handle is in use.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::*;
use crate::{HitKind, Tokenize};

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn value(pii: &TokenKeys) -> String {
    pii.tokenize("ann", FieldType::Generic)
}

/// Replaces the keys by others, in files changed at this time.
fn replace_keyset(disk: &FaultyDisk, unix_nanos: i64, path: &str, text: &str) {
    disk.set_time(unix_nanos);
    disk.put(Path::new(path), text.as_bytes());
}

#[test]
fn changed_files_are_loaded_at_the_next_check() {
    let disk = disk();
    let pii = open(&disk, &TokenKeysConfig::new(TOKENS)).expect("good");
    assert_eq!(pii.refresh(at(100)).expect("good"), Refresh::Unchanged);
    let old = value(&pii);
    replace_keyset(
        &disk,
        2_000,
        TOKENS,
        &keyset_text(KeysetKind::Token, &[("tk2", 50), ("tk1", 0)]),
    );
    let calls = disk.calls();
    assert_eq!(pii.refresh(at(109)).expect("too early"), Refresh::NotDue);
    assert_eq!(disk.calls(), calls, "the disk is not accessed");
    assert_eq!(value(&pii), old);
    assert_eq!(pii.refresh(at(110)).expect("good"), Refresh::Reloaded);
    assert_ne!(value(&pii), old);
    let status = pii.status();
    assert_eq!((&*status.token_kid, status.reloads, status.failures), ("tk2", 1, 0));
    assert_eq!(pii.refresh(at(120)).expect("good"), Refresh::Unchanged);
    assert_eq!(pii.refresh(at(50)).expect("time that runs backwards"), Refresh::NotDue);
}

#[test]
fn rereading_finds_changes_that_timestamps_hide() {
    let disk = disk();
    let config = TokenKeysConfig::new(TOKENS).reread_every(at(60));
    let source = |changed: &Arc<AtomicBool>| UnchangedSource {
        source: FileSource::new(TOKENS, KeysetKind::Token).storage(Arc::new(disk.clone())),
        failing: Arc::clone(changed),
    };
    let failing = Arc::new(AtomicBool::new(false));
    let pii = TokenKeys::from_sources(
        "unknown",
        Box::new(source(&failing)),
        None,
        config.reread_every,
        Box::new(SystemRandomness),
    )
    .expect("good");
    pii.refresh(at(0)).expect("good");
    let old = value(&pii);
    replace_keyset(&disk, 1_000, TOKENS, &keyset_text(KeysetKind::Token, &[("tk2", 50)]));
    assert_eq!(pii.refresh(at(50)).expect("good"), Refresh::Unchanged);
    // A due load that fails is tried again at the next check, although the source reports no change. ORDER: relaxed;
    // one thread.
    failing.store(true, Ordering::Relaxed);
    pii.refresh(at(60)).expect_err("it fails");
    failing.store(false, Ordering::Relaxed);
    assert_eq!(pii.refresh(at(70)).expect("good"), Refresh::Reloaded);
    assert_ne!(value(&pii), old);
    assert_eq!(pii.refresh(at(120)).expect("good"), Refresh::Unchanged);
}

/// A source that never reports a change.
struct UnchangedSource {
    source: FileSource,
    failing: Arc<AtomicBool>,
}

impl KeySource for UnchangedSource {
    fn is_changed(&mut self) -> Result<bool, KeysetError> {
        Ok(false)
    }

    fn load(&mut self) -> Result<Keyset, KeysetError> {
        // ORDER: relaxed; one thread.
        if self.failing.load(Ordering::Relaxed) {
            let source = io::ErrorKind::TimedOut.into();
            return Err(KeysetError::Io { file: "still".into(), action: "read", source });
        }
        self.source.load()
    }
}

#[test]
fn the_last_good_keyset_stays_in_use() {
    let disk = disk();
    let config = TokenKeysConfig::new(TOKENS).reveal_keyset(REVEAL);
    let pii = open(&disk, &config).expect("good");
    let old = value(&pii);
    replace_keyset(&disk, 2_000, TOKENS, "{\"schema_version\":1");
    replace_keyset(
        &disk,
        2_000,
        REVEAL,
        &keyset_text(KeysetKind::Reveal, &[("rk2", 90), ("rk1", 32)]),
    );
    let error = pii.refresh(at(10)).expect_err("half a file").to_string();
    assert!(error.contains(TOKENS) && error.contains("found the end"), "{error}");
    assert_eq!(value(&pii), old, "the last good one");
    let status = pii.status();
    assert_eq!(status.reveal_kid.as_deref(), Some("rk2"), "the good file is still loaded");
    assert_eq!((status.reloads, status.failures), (1, 1));
    assert_eq!(status.last_error.as_deref(), Some(&*error));
    // A file that is still bad is counted again. So is a removed file.
    pii.refresh(at(20)).expect_err("half a file");
    ringseal_base::storage::Storage::remove(&disk, Path::new(TOKENS)).expect("there");
    pii.refresh(at(30)).expect_err("no file");
    assert_eq!((pii.status().failures, value(&pii)), (3, old.clone()));
    replace_keyset(&disk, 3_000, TOKENS, &keyset_text(KeysetKind::Token, &[("tk3", 60)]));
    assert_eq!(pii.refresh(at(40)).expect("good again"), Refresh::Reloaded);
    assert_ne!(value(&pii), old);
    assert_eq!(pii.status().last_error, None);
}

#[test]
fn at_first_a_bad_keyset_is_an_error() {
    let disk = disk();
    replace_keyset(&disk, 1_000, REVEAL, "{}");
    let config = TokenKeysConfig::new(TOKENS).reveal_keyset(REVEAL);
    let error = open(&disk, &config).expect_err("no keys").to_string();
    assert!(error.contains("schema_version: expected 1, found no such field"), "{error}");
    let error =
        open(&disk, &TokenKeysConfig::new("/keys/nowhere.json")).expect_err("no file").to_string();
    assert!(error.contains("/keys/nowhere.json: cannot read"), "{error}");
}

#[test]
fn tokens_are_whole_while_keys_are_exchanged() {
    let disk = disk();
    let pii = Arc::new(open(&disk, &TokenKeysConfig::new(TOKENS)).expect("good"));
    let one = value(&pii);
    let two = keyset_text(KeysetKind::Token, &[("tk2", 50)]);
    let other = {
        let disk = self::disk();
        replace_keyset(&disk, 1, TOKENS, &two);
        value(&open(&disk, &TokenKeysConfig::new(TOKENS)).expect("good"))
    };
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut out = Vec::new();
            let mut made = 0u64;
            // ORDER: relaxed; no other memory depends on it.
            while !stop.load(Ordering::Relaxed) || made < 1000 {
                out.clear();
                assert!(pii.token(HitKind::Name, b"ann", &mut out));
                let token = std::str::from_utf8(&out).expect("ASCII");
                assert!(token == one || token == other, "{token}");
                made += 1;
            }
        });
        let one = keyset_text(KeysetKind::Token, &[("tk1", 0)]);
        for round in 1..=100u64 {
            let text = if round % 2 == 0 { &one } else { &two };
            replace_keyset(&disk, 1_000 + round as i64, TOKENS, text);
            assert_eq!(pii.refresh(at(10 * round)).expect("good"), Refresh::Reloaded);
        }
        stop.store(true, Ordering::Relaxed);
        writer.join().expect("no panic");
    });
    assert_eq!(pii.status().reloads, 100);
}
