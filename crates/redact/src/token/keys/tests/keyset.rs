//! Keysets: valid and invalid texts, and writing and changing files.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use ringseal_base::storage::OsStorage;
use ringseal_base::storage::faulty::Faults;

fn error(text: &str) -> String {
    Keyset::parse(text.as_bytes(), "f.json").expect_err(text).to_string()
}

#[test]
fn each_mistake_is_reported_with_its_field() {
    let good = keyset_text(KeysetKind::Token, &[("tk1", 0)]);
    let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    assert!(good.contains(key));
    for (from, to, want) in [
        ("\"schema_version\":1,", "", "schema_version: expected 1, found no such field"),
        ("version\":1", "version\":2", "schema_version: expected 1, found another number"),
        ("version\":1", "version\":1.0", "schema_version: expected 1, found a number"),
        ("version\":1", "version\":\"1\"", "schema_version: expected 1, found a text"),
        (
            "_kid\":\"tk1\"",
            "_kid\":\"tk2\"",
            "primary_kid: expected one of tk1, found a text of 3 bytes",
        ),
        ("_kid\":\"tk1\"", "_kid\":null", "primary_kid: expected a text, found null"),
        ("\"primary_kid\":\"tk1\",", "", "primary_kid: expected a key id, found no such field"),
        ("HMAC-SHA-256", "HS256", "keys.tk1.alg: expected HMAC-SHA-256 or AES-256-GCM, found a te"),
        ("\"alg\":\"HMAC-SHA-256\",", "", "keys.tk1.alg: expected HMAC-SHA-256 or AES-256-GCM, fo"),
        (
            "\"created_at\":\"2026-01-31\"",
            "\"created_at\":3",
            "keys.tk1.created_at: expected a text",
        ),
        (
            key,
            "AAEC",
            "keys.tk1.key_b64: expected 32 to 64 random bytes in base64url, found 3 bytes",
        ),
        (
            key,
            "AA+C",
            "key_b64: expected 32 to 64 random bytes in base64url, found something else at",
        ),
        (key, &"A".repeat(43), "found one byte over and over"),
        (key, &"AQID".repeat(30), "found 90 bytes"),
        ("\"tk1\":{", "\"t k\":{", "keys: expected a key id of 1 to 32 letters, digits, - or _"),
        ("\"tk1\":{", "\"tk1\":7,\"tk2\":{", "keys.tk1: expected an object, found a number"),
        ("{\"tk1\"", "[\"tk1\"", "keys: expected an object of keys, found an array"),
        ("}}}", "}}", "line 1: expected `,` or `}`, found the end"),
        ("}}}", "}}} x", "line 1: expected the end, found another character"),
        ("{\"schema", "\n\n{schema", "line 3: expected a name in quotes, found another character"),
        ("tk1\",", "tk\\u0031\",", "line 1: expected a text without escapes, found a `\\`"),
    ] {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good, "{from}");
        let error = error(&text);
        assert!(error.starts_with("keyset f.json"), "{error}");
        assert!(error.contains(want), "{error}\ninstead of {want}");
        assert!(!error.contains("AAEC"), "a key in an error: {error}");
    }
    let twice = good.replacen("\"keys\"", "\"primary_kid\":\"tk1\",\"keys\"", 1);
    assert!(error(&twice).contains("primary_kid: expected one such field, found two"));
    let mixed = good.replacen(
        "{\"tk1\"",
        "{\"rk1\":{\"alg\":\"AES-256-GCM\",\"key_b64\":\"KEY\"},\"tk1\"",
        1,
    );
    let mixed = mixed.replace("KEY", key);
    assert!(error(&mixed).contains("keys.tk1.alg: expected AES-256-GCM as in the other keys"));
    let same = keyset_text(KeysetKind::Token, &[("tk1", 0), ("tk1", 9)]);
    assert!(error(&same).contains("keys.tk1: expected one key of this id, found two"));
    assert!(Keyset::parse(b"\xFF", "f").expect_err("no text").to_string().contains("UTF-8"));
}

/// A key pasted into any other place of the file is not repeated by the error, not even a part of it.
#[test]
fn no_error_repeats_a_misplaced_key() {
    let good = keyset_text(KeysetKind::Token, &[("tk1", 0)]);
    let base64 = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA";
    let hex = "abcdef1234567890abcdef1234567890";
    let places = [
        ("schema_version", "\"schema_version\":1", "\"schema_version\":\"KEY\""),
        ("primary_kid", "_kid\":\"tk1\"", "_kid\":\"KEY\""),
        ("key id", "\"tk1\":{", "\"KEY\":{"),
        ("key id and no object", "\"tk1\":{", "\"KEY\":7,\"tk1\":{"),
        ("key id twice", "{\"tk1\":{", "{\"KEY\":{\"alg\":\"KEY\"},\"tk1\":{"),
        ("alg", "HMAC-SHA-256", "KEY"),
        ("key_b64", "AAECAwQF", "KEYKEY"),
        ("key_b64, other alphabet", "AAECAwQF", "+KEY"),
        ("field of a key", "\"alg\":\"HMAC-SHA-256\"", "\"KEY\":\"HMAC-SHA-256\""),
        ("field", "\"schema_version\":1", "\"KEY\":1"),
        ("before the text", "{\"schema", "KEY{\"schema"),
        ("after the text", "}}}", "}}}KEY"),
        ("value without quotes", "\"tk1\",", "KEY,"),
        ("escapes", "tk1\",", "\\u0031KEY\","),
    ];
    for (place, from, to) in places {
        for key in [base64, hex] {
            let text = good.replacen(from, &to.replace("KEY", key), 1);
            assert_ne!(text, good, "{place}");
            let Err(error) = Keyset::parse(text.as_bytes(), "f.json") else {
                panic!("{place}: accepted");
            };
            let shown = format!("{error} {error:?}");
            let repeats = key
                .as_bytes()
                .windows(8)
                .any(|part| shown.contains(std::str::from_utf8(part).expect("ASCII")));
            assert!(!repeats, "{place}: {shown}");
        }
    }
    let unknown = good.replacen("\"keys\"", &format!("\"{base64}\":1,\"keys\""), 1);
    let keyset = Keyset::parse(unknown.as_bytes(), "f.json").expect("unknown fields are ignored");
    assert_eq!(keyset.unknown_field(), Some("(a name of 43 bytes)"));
    let wrong_kind = good.replace("tk1", hex);
    let keyset = Keyset::parse(wrong_kind.as_bytes(), "f.json").expect("a valid key id");
    let error = keyset.expect(KeysetKind::Reveal, "f.json").expect_err("tokens").to_string();
    assert!(error.contains("keys.(a name of 32 bytes).alg"), "{error}");
}

#[test]
fn padding_unknown_fields_and_missing_dates_are_read() {
    let text = keyset_text(KeysetKind::Token, &[("tk1", 0)])
        .replace("\"created_at\":\"2026-01-31\",", "\"note\":[{\"\\u0061\":1e3}],")
        .replace("HR4f\"", "HR4f=\"");
    let keyset = Keyset::parse(text.as_bytes(), "f").expect("good");
    assert_eq!(keyset.unknown_field(), Some("keys.tk1.note"));
    assert_eq!((keyset.kind(), keyset.primary_kid()), (KeysetKind::Token, "tk1"));
}

#[test]
fn a_keyset_of_the_wrong_kind_is_refused() {
    let error =
        open(&disk(), &TokenKeysConfig::new(REVEAL)).expect_err("reveal keys as token keys");
    let want =
        "keyset /keys/reveal-keyset.json: keys.rk1.alg: expected HMAC-SHA-256, found AES-256-GCM";
    assert_eq!(error.to_string(), want);
    let config = TokenKeysConfig::new(TOKENS).reveal_keyset(TOKENS);
    assert!(open(&disk(), &config).is_err());
}

#[test]
fn written_keysets_are_read_back() {
    let disk = FaultyDisk::new(Path::new("/keys"));
    let path = Path::new("/keys/k.json");
    let random = Counting::default();
    let mut keyset =
        Keyset::generate(KeysetKind::Reveal, "rk1", "2026-01-31T00:00:00Z", &random).expect("good");
    assert_eq!(keyset.next_kid(), "rk2");
    keyset.add("rk2", "2026-02-01T00:00:00Z", &random).expect("good");
    keyset.make_primary("rk2").expect("there");
    keyset.create(&disk, path).expect("a new file");
    assert_eq!(disk.files().into_keys().collect::<Vec<_>>(), [path], "nothing else is left");
    let read = Keyset::open(&disk, path).expect("good");
    assert_eq!((read.kind(), read.primary_kid()), (KeysetKind::Reveal, "rk2"));
    assert_eq!(read.kids().collect::<Vec<_>>(), ["rk1", "rk2"]);
    for (one, two) in read.keys().iter().zip(keyset.keys()) {
        assert_eq!(*one.secret, *two.secret);
    }
    let written = disk.files();
    let json: serde_json::Value = serde_json::from_slice(&written[path]).expect("JSON");
    assert_eq!(json["keys"]["rk1"]["created_at"], "2026-01-31T00:00:00Z");
    let error = keyset.create(&disk, path).expect_err("never over another");
    assert!(matches!(error, KeysetError::Exists { .. }), "{error}");
    assert_eq!(disk.files(), written);
}

#[test]
fn unwritable_names_and_dates_are_refused() {
    let random = Counting::default();
    let mut keyset = Keyset::generate(KeysetKind::Token, "tk1", "", &random).expect("good");
    for (kid, date) in
        [("tk1", ""), ("", ""), ("a\"b", ""), ("a:b", ""), ("tk2", "\"}"), ("tk2", "\n")]
    {
        assert!(keyset.add(kid, date, &random).is_err(), "{kid:?} {date:?}");
    }
    assert!(keyset.make_primary("tk2").is_err());
    assert_eq!(keyset.kids().collect::<Vec<_>>(), ["tk1"]);
}

#[test]
fn the_next_id_counts_up_and_is_free() {
    let next = |primary: &str, more: &[&str]| {
        let random = Counting::default();
        let mut keyset = Keyset::generate(KeysetKind::Token, primary, "", &random).expect("good");
        more.iter().for_each(|kid| keyset.add(kid, "", &random).expect("good"));
        keyset.next_kid()
    };
    assert_eq!(next("tk9", &[]), "tk10");
    assert_eq!(next("tk1", &["tk2", "tk4"]), "tk3");
    assert_eq!(next("main", &[]), "main2");
    let long = "k".repeat(32);
    assert_eq!(next(&long, &[]), format!("{}2", "k".repeat(12)));
    assert_eq!(next("tk18446744073709551615", &[]), "");
}

#[test]
fn rotation_keeps_old_keys() {
    let disk = disk();
    let config = TokenKeysConfig::new(TOKENS).env("prod").reveal_keyset(REVEAL);
    let before = open(&disk, &config).expect("good");
    let old = before.protect(b"ann", FieldType::Generic).expect("full access");
    let changed = Keyset::change(&disk, Path::new(REVEAL), |keyset| {
        let kid = keyset.next_kid();
        keyset.add(&kid, "2026-02-01T00:00:00Z", &SystemRandomness)?;
        keyset.make_primary(&kid)
    });
    assert_eq!(changed.expect("rotated").primary_kid(), "rk2");
    let after = open(&disk, &config).expect("good");
    let new = after.protect(b"ann", FieldType::Generic).expect("full access");
    assert!(old.starts_with("penc:v1:rk1:") && new.starts_with("penc:v1:rk2:"));
    assert_eq!(&*after.reveal(&old, FieldType::Generic).expect("an old key reveals"), b"ann");
    assert_eq!(&*after.reveal(&new, FieldType::Generic).expect("the new one too"), b"ann");
    let unknown = before.reveal(&new, FieldType::Generic).expect_err("a key from later");
    assert!(matches!(unknown, TokenKeysError::UnknownKey { .. }), "{unknown}");
}

#[test]
fn a_file_with_unknown_fields_is_not_rewritten() {
    let disk = FaultyDisk::new(Path::new("/keys"));
    let path = Path::new("/keys/k.json");
    let text = keyset_text(KeysetKind::Token, &[("tk1", 0)]).replacen('{', "{\"owner\":\"x\",", 1);
    disk.put(path, text.as_bytes());
    let error = Keyset::change(&disk, path, |_| Ok(())).expect_err("the owner would be lost");
    assert!(error.to_string().contains("owner: expected no field that rewriting"), "{error}");
    assert_eq!(disk.files()[path], text.as_bytes());
}

/// Each call on the disk fails once, or is the last one before a crash.
#[test]
fn an_interrupted_change_leaves_one_whole_keyset() {
    let path = Path::new(REVEAL);
    let rotate = |disk: &FaultyDisk| {
        Keyset::change(disk, path, |keyset| {
            keyset.add("rk2", "", &Counting::default())?;
            keyset.make_primary("rk2")
        })
    };
    let primary = |files: &BTreeMap<std::path::PathBuf, Vec<u8>>| {
        let keyset = Keyset::parse(&files[path], "after").expect("a whole keyset");
        assert!(keyset.kids().any(|kid| kid == "rk1"), "old keys stay");
        keyset.primary_kid().to_owned()
    };
    let calls = {
        let disk = disk();
        let start = disk.calls();
        rotate(&disk).expect("nothing fails");
        start..disk.calls()
    };
    let (mut old, mut new) = (0, 0);
    for call in calls {
        for power in [false, true] {
            let disk = disk();
            let kill_call = Some((call, 7));
            disk.set_faults(Faults { kill_call, ..Faults::default() });
            let result = rotate(&disk);
            let after = if power { disk.after_power_loss(call) } else { disk.after_kill() };
            match &*primary(&after.files()) {
                "rk1" => old += 1,
                "rk2" => new += 1,
                other => panic!("{other}"),
            }
            if result.is_ok() {
                assert_eq!(primary(&after.files()), "rk2", "call {call}: what was said is kept");
            }
            rotate(&after).map(drop).unwrap_or_else(|error| {
                assert!(error.to_string().contains("not in the keyset"), "call {call}: {error}");
            });
        }
        let disk = disk();
        let fail_call = Some((call, io::ErrorKind::PermissionDenied));
        disk.set_faults(Faults { fail_call, ..Faults::default() });
        if rotate(&disk).is_ok() {
            assert_eq!(primary(&disk.files()), "rk2", "call {call}");
        }
        primary(&disk.files());
    }
    assert!(old > 0 && new > 0, "{old} {new}");
}

#[test]
fn an_interrupted_create_leaves_nothing_partial() {
    let path = Path::new("/keys/new.json");
    let keyset = Keyset::generate(KeysetKind::Token, "tk1", "", &Counting::default());
    let keyset = keyset.expect("good");
    let calls = {
        let disk = disk();
        let start = disk.calls();
        keyset.create(&disk, path).expect("nothing fails");
        start..disk.calls()
    };
    for call in calls {
        for power in [false, true] {
            let disk = disk();
            disk.set_faults(Faults { kill_call: Some((call, 7)), ..Faults::default() });
            let result = keyset.create(&disk, path);
            let after = if power { disk.after_power_loss(call) } else { disk.after_kill() };
            match after.files().get(path) {
                Some(text) => drop(Keyset::parse(text, "after").expect("a whole keyset")),
                None => assert!(result.is_err(), "call {call}: what was said is kept"),
            }
        }
    }
}

#[cfg(unix)]
mod on_unix {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("a file").permissions().mode() & 0o7777
    }

    #[test]
    fn files_accessible_to_others_are_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("k.json");
        fs::write(&path, keyset_text(KeysetKind::Token, &[("tk1", 0)])).expect("a file");
        let open =
            |group| TokenKeys::open(&TokenKeysConfig::new(&path).group_readable(group)).map(drop);
        for (mode, alone, group) in [
            (0o600, true, true),
            (0o400, true, true),
            (0o440, false, true),
            (0o640, false, true),
            (0o660, false, false),
            (0o644, false, false),
            (0o604, false, false),
            (0o601, false, false),
        ] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).expect("our file");
            assert_eq!(open(false).is_ok(), alone, "{mode:o}");
            assert_eq!(open(true).is_ok(), group, "{mode:o} for a group");
        }
        fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("our file");
        let error = open(false).expect_err("others can read").to_string();
        let want = "expected a file without permissions 0o077, found mode 0o644: others can access \
                    the keys (chmod 600)";
        assert!(error.contains(want) && error.contains("k.json"), "{error}");
    }

    #[test]
    fn files_are_private_and_keep_their_permissions() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("k.json");
        let keyset = Keyset::generate(KeysetKind::Token, "tk1", "", &SystemRandomness);
        keyset.and_then(|keyset| keyset.create(&OsStorage, &path)).expect("a new file");
        assert_eq!(mode(&path), KEYSET_MODE);
        for want in [0o400, 0o640] {
            fs::set_permissions(&path, Permissions::from_mode(want)).expect("our file");
            Keyset::change(&OsStorage, &path, |keyset| {
                keyset.add(&keyset.next_kid(), "", &SystemRandomness)
            })
            .expect("a change");
            assert_eq!(mode(&path), want);
        }
        assert!(
            Keyset::change(&OsStorage, &path, |_| Err(KeysetError::Exists { file: "".into() }))
                .is_err()
        );
        let names: Vec<_> = fs::read_dir(dir.path()).expect("a directory").flatten().collect();
        assert_eq!(names.len(), 2, "the keyset and its lock: {names:?}");
    }

    #[test]
    fn a_concurrent_change_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("k.json");
        let keyset = Keyset::generate(KeysetKind::Token, "tk1", "", &SystemRandomness);
        keyset.and_then(|keyset| keyset.create(&OsStorage, &path)).expect("a new file");
        let changed = Keyset::change(&OsStorage, &path, |keyset| {
            let second = Keyset::change(&OsStorage, &path, |_| Ok(()));
            let error = second.expect_err("the first is under way").to_string();
            assert!(error.contains("cannot lock"), "{error}");
            keyset.add("tk2", "", &SystemRandomness)
        });
        assert_eq!(changed.expect("the first").kids().count(), 2);
    }

    #[test]
    fn mounted_secrets_are_links_and_are_followed() {
        let dir = tempfile::tempdir().expect("a directory");
        let (real, path) = (dir.path().join("..data-1"), dir.path().join("k.json"));
        fs::write(&real, keyset_text(KeysetKind::Token, &[("tk1", 0)])).expect("a file");
        fs::set_permissions(&real, Permissions::from_mode(0o400)).expect("our file");
        symlink(&real, &path).expect("a link");
        assert_eq!(Keyset::open(&OsStorage, &path).expect("good").primary_kid(), "tk1");
        Keyset::change(&OsStorage, &path, |keyset| keyset.add("tk2", "", &SystemRandomness))
            .expect("a change");
        assert!(fs::symlink_metadata(&path).expect("a link").is_symlink(), "the link stays");
        assert_eq!(Keyset::open(&OsStorage, &path).expect("good").kids().count(), 2);
    }

    #[test]
    fn non_keyset_files_are_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        fs::set_permissions(dir.path(), Permissions::from_mode(0o700)).expect("our directory");
        let error = Keyset::open(&OsStorage, dir.path()).expect_err("a directory").to_string();
        assert!(error.contains("expected a regular file, found a directory"), "{error}");
        let missing = Keyset::open(&OsStorage, &dir.path().join("x")).expect_err("nothing there");
        assert!(missing.to_string().contains("cannot read: No such file"), "{missing}");
        let long = dir.path().join("long");
        let file = fs::File::create(&long).expect("a file");
        file.set_len(KEYSET_BYTES_MAX + 1).expect("sparse");
        fs::set_permissions(&long, Permissions::from_mode(0o600)).expect("our file");
        let error = Keyset::open(&OsStorage, &long).expect_err("too long").to_string();
        assert!(error.contains("expected 1048576 bytes at most, found 1048577 bytes"), "{error}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Keyset::parse(&bytes, "any");
    }

    /// A valid file with bytes removed or inserted.
    #[test]
    fn damaged_keysets_are_read_or_refused(
        at in 0usize..400,
        cut in 0usize..8,
        put in "[{}\\[\\]:,\"0a\\\\]{0,3}",
    ) {
        let mut text = keyset_text(KeysetKind::Token, &[("tk1", 0), ("tk2", 40)]).into_bytes();
        let from = at.min(text.len());
        let to = (from + cut).min(text.len());
        text.splice(from..to, put.bytes());
        if let Ok(keyset) = Keyset::parse(&text, "any") {
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&text).is_ok());
            prop_assert!(keyset.kids().any(|kid| kid == keyset.primary_kid()));
        }
    }
}
