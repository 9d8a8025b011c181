//! Refreshes over a scripted server.
use ringseal_redact::token::{FieldType, KeysetKind};
use zeroize::Zeroizing;

use super::*;
use crate::session::Login;

/// The texts of the keysets, or the status of reading them.
#[derive(Clone)]
struct Scripted(Arc<Mutex<[Result<String, u16>; 2]>>);

impl Server for Scripted {
    fn login(&mut self) -> Result<Login, VaultError> {
        Ok(Login { token: "hvs.s3cret".to_owned().into(), lease: None })
    }

    fn read(&mut self, operation: Operation, _: &str) -> Result<Zeroizing<String>, VaultError> {
        let index = usize::from(operation == Operation::ReadRevealKeyset);
        match &self.0.lock()[index] {
            Ok(text) => Ok(text.clone().into()),
            Err(403) => Err(VaultError::Denied { operation, path: "p".to_owned() }),
            Err(status) => Err(VaultError::Unavailable { operation, status: *status }),
        }
    }
}

const TOKENS: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const OTHERS: &str = "MjM0NTY3ODk6Ozw9Pj9AQUJDREVGR0hJSktMTU5PUFE";
const REVEAL: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8";

fn keyset(kind: KeysetKind, kid: &str, key: &str) -> String {
    let alg = kind.alg();
    format!(
        r#"{{"schema_version":1,"primary_kid":"{kid}","keys":{{"{kid}":{{"alg":"{alg}","key_b64":"{key}"}}}}}}"#
    )
}

fn opened(server: &Scripted, is_full: bool) -> Result<Opened<Scripted>, VaultError> {
    let config = VaultConfig::new("http://v", "secret/tk").env("prod");
    let config = if is_full { config.reveal_keyset("secret/rk") } else { config };
    open_with(&config, Session::new(server.clone()), at(0), Box::new(SystemRandomness))
}

fn server() -> Scripted {
    let tokens = keyset(KeysetKind::Token, "tk1", TOKENS);
    let reveal = keyset(KeysetKind::Reveal, "rk1", REVEAL);
    Scripted(Arc::new(Mutex::new([Ok(tokens), Ok(reveal)])))
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn token(keys: &TokenKeys) -> String {
    keys.tokenize("user@example.com", FieldType::Email)
}

#[test]
fn a_rotation_is_loaded_by_a_refresh() {
    let server = server();
    let (keys, shared) = opened(&server, false).expect("valid keysets");
    let first = token(&keys);
    assert_eq!(first, "ptok:v1:PzPQvZpJgsOFSU0Lstv4fx40dX7bFHfmYdh-fMNsTSY");
    shared.refresh(&keys, at(300)).expect("unchanged");
    assert_eq!((keys.status().reloads, token(&keys)), (0, first.clone()));
    server.0.lock()[0] = Ok(keyset(KeysetKind::Token, "tk2", OTHERS));
    shared.refresh(&keys, at(301)).expect("another keyset");
    assert_ne!(token(&keys), first);
    assert_eq!((keys.status().reloads, keys.status().token_kid), (1, "tk2".to_owned()));
}

#[test]
fn the_last_keyset_outlives_each_failure() {
    let bad = keyset(KeysetKind::Token, OTHERS, OTHERS);
    let wrong_kind = keyset(KeysetKind::Reveal, "rk1", REVEAL);
    for (name, answer, refusals) in [
        ("unavailable", Err(503), 0),
        ("denied", Err(403), 1),
        ("a bad keyset", Ok(bad), 0),
        ("another kind", Ok(wrong_kind), 0),
        ("no keyset", Ok("s3cret".to_owned()), 0),
    ] {
        let server = server();
        let (keys, shared) = opened(&server, false).expect("valid keysets");
        let first = token(&keys);
        server.0.lock()[0] = answer;
        for count in 1..=2 {
            let error = shared.refresh(&keys, at(300 * count)).expect_err(name);
            let shown = format!("{error} {error:?} {:?}", keys.status());
            assert!(!shown.contains("s3cret") && !shown.contains("MjM0"), "{name}: {shown}");
            let status = shared.status.lock().0.clone();
            assert_eq!((status.failures, status.refusals), (count, refusals * count), "{name}");
            assert!(status.last_error.is_some() && keys.status().last_error.is_some(), "{name}");
        }
        assert_eq!(token(&keys), first, "{name}");
        server.0.lock()[0] = Ok(keyset(KeysetKind::Token, "tk3", OTHERS));
        shared.refresh(&keys, at(900)).expect("a good keyset again");
        assert_eq!(keys.status().token_kid, "tk3", "{name}");
        let (status, ok_at) = shared.status.lock().clone();
        assert_eq!((status.last_error, status.refreshes, ok_at), (None, 2, at(900)), "{name}");
    }
}

#[test]
fn a_failure_of_one_keyset_spares_the_other() {
    let server = server();
    let (keys, shared) = opened(&server, true).expect("valid keysets");
    let sealed = keys.protect(b"ann", FieldType::Generic).expect("full access");
    *server.0.lock() = [Ok(keyset(KeysetKind::Token, "tk2", OTHERS)), Err(403)];
    shared.refresh(&keys, at(300)).expect_err("the reveal keyset is denied");
    assert_eq!(keys.status().token_kid, "tk2");
    assert_eq!(&*keys.reveal(&sealed, FieldType::Generic).expect("the last key"), b"ann");
}

#[test]
fn a_start_without_keyset_is_a_typed_error() {
    for (answers, is_full, expected) in [
        ([Err(503), Ok(String::new())], false, "sealed"),
        ([Err(403), Ok(String::new())], false, "policy"),
        ([Ok("{}".to_owned()), Ok(String::new())], false, "schema_version"),
        (
            [Ok(keyset(KeysetKind::Token, "tk1", TOKENS)), Err(503)],
            true,
            "reading the reveal keyset",
        ),
    ] {
        let server = Scripted(Arc::new(Mutex::new(answers)));
        let error = opened(&server, is_full).err().expect(expected).to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn the_reveal_keyset_needs_full_access() {
    let server = server();
    server.0.lock()[1] = Err(403);
    let (keys, _) = opened(&server, false).expect("it is not read");
    assert!(keys.protect(b"ann", FieldType::Generic).is_err());
}

#[test]
fn pauses_differ_by_ten_percent() {
    let every = Duration::from_secs(300);
    for (word, seconds) in [(0, 270.0), (u32::MAX / 2, 300.0), (u32::MAX, 330.0)] {
        let pause = jittered(every, word).as_secs_f64();
        assert!((pause - seconds).abs() < 0.001, "{pause}");
    }
}
