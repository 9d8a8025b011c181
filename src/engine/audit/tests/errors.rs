//! Error texts of the audit log: the chain repeats no text, and each text states what to do.
use std::error::Error;
use std::path::PathBuf;

use super::*;
use crate::engine::InitError;
use crate::sample::SampleError;
use ringseal_audit::checkpoint::CheckpointError;
use ringseal_audit::keys::KeyError;
use ringseal_audit::merkle::ProofError;
use ringseal_audit::note::NoteError;
use ringseal_audit::proof::ProveError;
use ringseal_audit::store::{OnDamage, StoreError};
use ringseal_audit::tiles::TileError;

/// The texts of an error and its sources.
fn chain(error: &dyn Error) -> Vec<String> {
    let (mut text, mut next) = (Vec::new(), Some(error));
    while let Some(error) = next {
        text.push(error.to_string());
        next = error.source();
    }
    text
}

#[test]
fn no_error_repeats_itself_in_its_chain() {
    let io = || std::io::Error::other("the disk is on fire");
    let key = || KeyError::Io { path: "keys/epoch.key".into(), source: io() };
    let tile = || TileError::Proof(ProofError::Root);
    let open = || AuditOpenError::Keys(KeyError::Origin { reason: "empty".into() });
    let event = AuditEvent::new("x y", "z", Actor::user("u"), EventOutcome::Success);
    let event = event.validate().unwrap_err();
    let level = "noisy".parse::<crate::Level>().unwrap_err();
    let errors: Vec<Box<dyn Error>> = vec![
        Box::new(AuditError::Event(event)),
        Box::new(AuditError::Log(AuditFault::Timeout)),
        Box::new(AuditError::Log(AuditFault::Store("full".into()))),
        Box::new(open()),
        Box::new(AuditOpenError::Keys(key())),
        Box::new(AuditOpenError::Store(StoreError::Key(key()))),
        Box::new(InitError::Audit(open())),
        Box::new(InitError::Audit(AuditOpenError::Store(StoreError::Tiles(tile())))),
        Box::new(StoreError::Key(KeyError::Origin { reason: "empty".into() })),
        Box::new(StoreError::Tiles(tile())),
        Box::new(ProveError::Tile(tile())),
        Box::new(tile()),
        Box::new(CheckpointError::Note(NoteError::Shape)),
        Box::new(SampleError::Level(level)),
    ];
    for error in errors {
        let text = chain(&*error);
        for pair in text.windows(2) {
            assert_ne!(pair[0], pair[1], "{text:?}");
        }
        // The only source is the system's error.
        assert!(text.len() == 1 || text[1..] == ["the disk is on fire"], "{text:?}");
    }
}

#[test]
fn keys_taken_by_another_log_are_refused() {
    let top = tempfile::tempdir().unwrap();
    let keys_dir = top.path().join("made");
    let paths = KeyPaths::in_dir(&keys_dir);
    let open = |name: &str| {
        let audit = AuditConfig::new(top.path().join(name)).keys(&keys_dir);
        let sink = MemorySink::new();
        Engine::start(Config::new().panic_hook(false).output(Output::custom(sink)).audit(audit))
    };
    let refused = |name: &str| {
        let error = open(name).expect_err("keys are missing");
        assert!(!top.path().join(name).exists(), "{error}");
        (error.to_string(), error)
    };
    let (text, error) = refused("log");
    assert!(matches!(error, InitError::Audit(AuditOpenError::NoKeys { .. })), "{text}");
    assert!(text.contains("create them: ringseal audit keygen --dir "), "{text}");
    keys::keygen(&OsStorage, &paths, "test/log", &mut keys::system_random).unwrap();
    open("log").unwrap().stop().unwrap();
    open("log").unwrap().stop().unwrap();
    let (text, error) = refused("other");
    assert!(matches!(error, InitError::Audit(AuditOpenError::KeysMoved { .. })), "{text}");
    for words in ["moved into the log", "separate keys", "ringseal audit keygen --dir"] {
        assert!(text.contains(words), "{text}");
    }
}

/// Starts an engine with this audit log and stops it.
fn run(audit: AuditConfig) -> Result<(), InitError> {
    let config = Config::new().panic_hook(false).output(Output::custom(MemorySink::new()));
    let engine = Engine::start(config.audit(audit))?;
    engine.audit().unwrap().emit(&login("u-1")).unwrap().wait().unwrap();
    engine.stop().unwrap();
    Ok(())
}

#[test]
fn a_damaged_log_is_refused_in_words() {
    let top = tempfile::tempdir().unwrap();
    let dir = top.path().join("log");
    run(AuditConfig::new(&dir)).unwrap();
    let path = dir.join("audit.log.jsonl");
    let mut bytes = std::fs::read(&path).unwrap();
    let second = bytes.iter().position(|byte| *byte == b'\n').unwrap();
    bytes[second + 5] = b'!';
    std::fs::write(&path, &bytes).unwrap();
    let error = run(AuditConfig::new(&dir)).expect_err("it is damaged");
    assert!(matches!(error, InitError::Audit(AuditOpenError::Damaged { .. })), "{error}");
    let text = error.to_string();
    for words in ["found a log that cannot be continued", "audit verify", "audit fsck", "SetAside"]
    {
        assert!(text.contains(words), "{text}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), bytes, "nothing was changed");
    run(AuditConfig::new(&dir).on_damage(OnDamage::SetAside)).unwrap();
    assert_eq!(std::fs::read(dir.join("aside-1/audit.log.jsonl")).unwrap(), bytes);
    let report = verdict(&dir, &dir.join("audit.pub"));
    // Someone damaged entries that had been acknowledged: a finding, unless the verifier knows of it.
    assert_eq!(report.first_bad.unwrap().kind, verify::FindingKind::SetAside);
}

/// New keys cannot continue a log, and a log that was given keys must not become one without them.
#[test]
fn a_lost_key_is_refused_in_words() {
    let cases: [(&str, bool, &str); 3] = [
        ("epoch.key", true, "a new log with new keys"),
        ("chain.key", true, "ringseal audit chain-key"),
        ("chain.key", false, "a new log with new keys"),
    ];
    for (name, has_entries, words) in cases {
        let top = tempfile::tempdir().unwrap();
        let (made, mount, dir) =
            (top.path().join("made"), top.path().join("mount"), top.path().join("log"));
        keys::keygen(&OsStorage, &KeyPaths::in_dir(&made), "test/log", &mut keys::system_random)
            .unwrap();
        let copy = |from: &Path, to: &Path| {
            std::fs::create_dir_all(to.join("keys")).unwrap();
            for name in ["keys/chain.key", "keys/epoch.key"] {
                std::fs::copy(from.join(name), to.join(name)).unwrap();
            }
        };
        // The mount has the keys at every start.
        copy(&made, &mount);
        copy(&made, &dir);
        let audit = || AuditConfig::new(&dir).keys(&mount);
        if has_entries {
            run(audit()).unwrap();
            copy(&made, &mount);
        }
        std::fs::remove_file(dir.join("keys").join(name)).unwrap();
        let error = run(audit()).expect_err(name);
        assert!(error.to_string().contains(words), "{name}, {has_entries}: {error}");
        assert!(!dir.join("keys").join(name).exists(), "nothing was created");
    }
}

/// A key that cannot be looked up for a moment is not lost: no advice to abandon the log, and no new keys.
#[test]
fn an_unreadable_key_is_not_called_lost() {
    use std::io::ErrorKind::{Other, PermissionDenied, StaleNetworkFileHandle};
    let of_keygen = |disk: &FaultyDisk| {
        disk.put_dir(Path::new("/made"));
        let paths = KeyPaths::in_dir(Path::new("/made"));
        keys::keygen(disk, &paths, "test/log", &mut keys::system_random).unwrap();
    };
    let cases = [
        ("a new log", false, false),
        ("a log with its own keys", false, true),
        ("a new log with keys of keygen", true, false),
        ("a log with keys of keygen", true, true),
    ];
    let is_secret = |path: &Path| path.extension().is_some_and(|it| it == "key" || it == "pub");
    let secrets = |disk: &FaultyDisk| -> Vec<PathBuf> {
        disk.files().into_keys().filter(|path| is_secret(path)).collect()
    };
    for (name, with_keys, has_log) in cases {
        let disk = FaultyDisk::new(Path::new("/"));
        if with_keys {
            of_keygen(&disk);
        }
        let open = |disk: &FaultyDisk| {
            let audit = AuditConfig::new("/audit").storage_for_tests(Arc::new(disk.clone()));
            run(if with_keys { audit.keys("/made") } else { audit })
        };
        if has_log {
            open(&disk).unwrap();
        }
        let public = |disk: &FaultyDisk| disk.files().remove(Path::new("/audit/audit.pub"));
        for call in 0..8 {
            for kind in [PermissionDenied, StaleNetworkFileHandle, Other] {
                let disk = disk.after_kill();
                let (before, public_before) = (secrets(&disk), public(&disk));
                let fail_call = Some((disk.calls() + call, kind));
                disk.set_faults(Faults { fail_call, ..Faults::default() });
                let context = format!("{name}, call {call}: {kind:?}");
                if let Err(error) = open(&disk) {
                    use AuditOpenError::{KeyLost, KeysMoved, NoKeys};
                    let is_lost = matches!(
                        &error,
                        InitError::Audit(KeyLost { .. } | KeysMoved { .. } | NoKeys { .. })
                    );
                    assert!(!is_lost, "{context}: {error}");
                    let text = error.to_string();
                    assert!(text.contains("/audit") || text.contains("/made"), "{context}: {text}");
                }
                if has_log {
                    assert_eq!(secrets(&disk), before, "{context}");
                    assert_eq!(public(&disk), public_before, "{context}");
                }
                disk.set_faults(Faults::default());
                let again = open(&disk);
                assert!(!has_log || again.is_ok(), "{context}: {again:?}");
            }
        }
    }
}

/// Keys on a read-only mount, which are links, are copied; the moving state is where the configuration says.
#[cfg(unix)]
#[test]
fn mounted_keys_are_read_in_place() {
    let top = tempfile::tempdir().unwrap();
    let (made, mount) = (top.path().join("made"), top.path().join("mount"));
    keys::keygen(&OsStorage, &KeyPaths::in_dir(&made), "test/log", &mut keys::system_random)
        .unwrap();
    std::fs::create_dir_all(mount.join("keys")).unwrap();
    for name in ["audit.pub", "keys/chain.key", "keys/epoch.key"] {
        std::os::unix::fs::symlink(made.join(name), mount.join(name)).unwrap();
    }
    let (dir, state) = (top.path().join("log"), top.path().join("state"));
    let audit = || AuditConfig::new(&dir).keys(&mount).state_dir(&state);
    for _ in 0..2 {
        run(audit()).unwrap();
    }
    assert!(made.join("keys/epoch.key").exists() && !dir.join("keys").exists());
    assert!(state.join("state").exists() && state.join("chain.key").exists());
    let report = verdict(&dir, &made.join("audit.pub"));
    assert_eq!((report.first_bad, report.state_in_log), (None, false), "{:?}", report.problem);
    // By default the state is in the log's directory, which every verdict says.
    let other = top.path().join("other");
    run(AuditConfig::new(&other)).unwrap();
    assert!(verdict(&other, &other.join("audit.pub")).state_in_log);
}
