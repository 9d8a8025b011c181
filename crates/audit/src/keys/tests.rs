//! Keys on fault-injecting storage, and on the real file system.
use std::io;

use super::*;
use ringseal_base::storage::faulty::{Faults, FaultyDisk};
use ringseal_base::storage::{OpenMode, OsStorage};

const ORIGIN: &str = "log.example/audit";

/// Bytes that count up, so that tests get the same keys each time.
fn counting() -> impl FnMut(&mut [u8]) -> Result<(), KeyError> {
    let mut next = 0u8;
    move |buffer| {
        for byte in buffer {
            *byte = next;
            next = next.wrapping_add(1);
        }
        Ok(())
    }
}

#[test]
fn created_keys_can_be_loaded() {
    let dir = tempfile::tempdir().unwrap();
    let paths = KeyPaths::in_dir(dir.path());
    let verifier = keygen(&OsStorage, &paths, ORIGIN, &mut system_random).unwrap();
    assert_eq!(load_verifier(&OsStorage, &paths.public).unwrap(), verifier);
    let signer = load_signer(&OsStorage, &paths.epoch()).unwrap();
    assert_eq!(*signer.verifier(), verifier);
    let start = load_mac(&OsStorage, &paths.mac).unwrap();
    let (seq, chain) = load_chain(&OsStorage, &paths.chain()).unwrap();
    assert_eq!((seq, chain.bytes()), (0, start.bytes()));
    assert_ne!(*start.bytes(), [0; 32]);
}

#[test]
fn keys_are_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let paths = KeyPaths::in_dir(dir.path());
    keygen(&OsStorage, &paths, ORIGIN, &mut counting()).unwrap();
    let files = [paths.public.clone(), paths.mac.clone(), paths.epoch(), paths.chain()];
    let before: Vec<_> = files.iter().map(|path| std::fs::read(path).unwrap()).collect();
    for left in &files {
        for path in files.iter().filter(|path| *path != left) {
            let _ = std::fs::remove_file(path);
        }
        match keygen(&OsStorage, &paths, ORIGIN, &mut system_random) {
            Err(KeyError::Exists { path }) => assert_eq!(path, *left),
            other => panic!("{}: {other:?}", left.display()),
        }
        for (path, bytes) in files.iter().zip(&before) {
            assert_eq!(path.exists(), path == left, "nothing else was made");
            std::fs::write(path, bytes).unwrap();
        }
    }
}

#[cfg(unix)]
#[test]
fn secrets_readable_by_others_are_refused() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let paths = KeyPaths::in_dir(dir.path());
    keygen(&OsStorage, &paths, ORIGIN, &mut counting()).unwrap();
    let chmod = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for secret in [paths.mac.clone(), paths.epoch(), paths.chain()] {
        for mode in [0o640, 0o604, 0o660, 0o601, 0o700, 0o644] {
            chmod(&secret, mode);
            match load_secret(&OsStorage, &secret) {
                Err(KeyError::Permissions { path, mode: found }) => {
                    assert_eq!((path, found), (secret.clone(), mode));
                }
                other => panic!("{mode:o}: {other:?}"),
            }
        }
        for mode in [0o600, 0o400] {
            chmod(&secret, mode);
            load_secret(&OsStorage, &secret).unwrap();
        }
    }
    // The public key may be readable by everyone.
    load_verifier(&OsStorage, &paths.public).unwrap();
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(paths.epoch(), &link).unwrap();
    let refused = load_secret(&OsStorage, &link);
    assert!(matches!(refused, Err(KeyError::Kind { found: "a symbolic link", .. })));
    let refused = load_secret(&OsStorage, dir.path());
    assert!(matches!(refused, Err(KeyError::Kind { found: "a directory", .. })));
}

#[test]
fn bad_key_files_are_reported_without_content() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("k");
    let contents: [&[u8]; 6] =
        [b"", b"\n", b"SECRET", b"ringseal-mac-v1 AAAA\n", &[0xFF; 30], &[b'a'; 5000]];
    for content in contents {
        let _ = std::fs::remove_file(&path);
        create_secret(&OsStorage, &path, content).unwrap();
        let errors = [
            load_signer(&OsStorage, &path).unwrap_err(),
            load_mac(&OsStorage, &path).unwrap_err(),
            load_chain(&OsStorage, &path).unwrap_err(),
            load_verifier(&OsStorage, &path).unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(error, KeyError::Content { .. }), "{error:?}");
            assert!(!error.to_string().contains("SECRET"), "{error}");
        }
    }
}

#[test]
fn key_texts_match_the_format_page() {
    let key = ChainKey::new([0xFF; 32]);
    let code = format!("{}8", "_".repeat(42));
    assert_eq!(*key.mac_text(), format!("ringseal-mac-v1 {code}\n"));
    assert_eq!(key.mac_text().len(), 60);
    assert_eq!(*key.chain_text(7), format!("ringseal-chain-v1 7 {code}\n"));
    assert!(ChainKey::parse_mac(&key.mac_text()).is_some());
    assert!(ChainKey::parse_chain(&format!("ringseal-chain-v1 07 {code}\n")).is_none());
    assert!(ChainKey::parse_mac(&format!("ringseal-mac-v1 {code}")).is_none());
    assert_eq!(format!("{key:?}"), "ChainKey");
}

#[test]
fn the_ratchet_matches_the_format_page() {
    let mut key = ChainKey::new([7; 32]);
    key.ratchet();
    let mut message = RATCHET_INFO.to_vec();
    message.push(1);
    assert_eq!(*key.bytes(), ringseal_base::digest::HmacSha256::new(&[7; 32]).of(&message));
}

#[test]
fn invalid_origins_are_refused() {
    let long = "a".repeat(201);
    for origin in ["", "a b", "a+b", "a\"b", "a\\b", "a\nb", "ä", long.as_str()] {
        let refused = new_signer(origin, &mut counting());
        assert!(matches!(refused, Err(KeyError::Origin { .. })), "{origin}");
    }
    assert!(new_signer(&long[..200], &mut counting()).is_ok());
}

#[test]
fn no_randomness_means_no_key() {
    let disk = FaultyDisk::new(Path::new("/log"));
    let mut none = |_: &mut [u8]| Err(KeyError::Random { reason: "none".into() });
    let refused = keygen(&disk, &KeyPaths::in_dir(Path::new("/log")), ORIGIN, &mut none);
    assert!(matches!(refused, Err(KeyError::Random { .. })));
    assert!(disk.files().is_empty());
}

#[test]
fn a_replaced_secrets_old_bytes_are_overwritten() {
    let disk = FaultyDisk::new(Path::new("/log"));
    let (path, second) = (Path::new("/log/k"), Path::new("/log/second"));
    create_secret(&disk, path, b"old secret").unwrap();
    // A second link keeps the old file readable.
    disk.put_link(path, second);
    replace_secret(&disk, path, b"new").unwrap();
    assert_eq!(*load_secret(&disk, path).unwrap(), b"new");
    assert_eq!(disk.files()[second], [0; 10]);
    wipe_secret(&disk, path).unwrap();
    assert!(matches!(load_secret(&disk, path), Err(KeyError::Io { .. })));
    wipe_secret(&disk, path).unwrap();
}

#[test]
fn a_crash_while_replacing_leaves_one_secret() {
    let path = Path::new("/log/k");
    let mut seen = [false; 2];
    for call in 0.. {
        let disk = FaultyDisk::new(Path::new("/log"));
        create_secret(&disk, path, b"old secret").unwrap();
        disk.sync_dir(Path::new("/log")).unwrap();
        let killed = disk.calls() + call;
        disk.set_faults(Faults { kill_call: Some((killed, 1)), ..Faults::default() });
        let result = replace_secret(&disk, path, b"new");
        let left = [disk.after_kill(), disk.after_power_loss(call), disk.after_power_loss(!call)];
        for disk in left {
            let found = load_secret(&disk, path).unwrap().to_vec();
            assert!(found == b"old secret" || found == b"new", "call {call}: {found:?}");
            seen[usize::from(found == b"new")] = true;
            // The next replacement works, whatever files the crash left.
            replace_secret(&disk, path, b"newer").unwrap();
            assert_eq!(*load_secret(&disk, path).unwrap(), b"newer");
            assert_eq!(disk.files().len(), 1);
        }
        if result.is_ok() {
            break;
        }
    }
    assert_eq!(seen, [true, true]);
}

#[test]
fn io_errors_name_the_file() {
    let disk = FaultyDisk::new(Path::new("/log"));
    let path = Path::new("/log/k");
    disk.set_faults(Faults { capacity_bytes: 3, ..Faults::default() });
    match create_secret(&disk, path, b"secret") {
        Err(KeyError::Io { path: found, source }) => {
            assert_eq!((found.as_path(), source.kind()), (path, io::ErrorKind::StorageFull));
        }
        other => panic!("{other:?}"),
    }
    let found = disk.open(path, OpenMode::Read).unwrap().stat().unwrap().mode;
    assert_eq!(found, Some(0o600));
}

#[test]
fn statements_are_bound_to_log_key_and_text() {
    let signer = new_signer(ORIGIN, &mut counting()).unwrap();
    let signature = sign_statement(&signer, b"{\"seq\":1");
    assert!(verify_statement(signer.verifier(), b"{\"seq\":1", &signature));
    assert!(!verify_statement(signer.verifier(), b"{\"seq\":2", &signature));
    let elsewhere = new_signer("log.example/other", &mut counting()).unwrap();
    assert!(!verify_statement(elsewhere.verifier(), b"{\"seq\":1", &signature));
    let other = Signer::new(ORIGIN, &[9; 32]).unwrap();
    assert!(!verify_statement(other.verifier(), b"{\"seq\":1", &signature));
}
