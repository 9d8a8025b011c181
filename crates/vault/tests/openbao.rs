//! The provider against a real OpenBao, which each test starts in memory on a free port. Found as `bao` on `PATH` or by
//! the variable `RINGSEAL_BAO`; without it each test prints that it was skipped.
#[path = "openbao/server.rs"]
mod server;

use std::error::Error;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ringseal_http::{ErrorKind, Phase};
use ringseal_redact::token::{FieldType, KeysetKind, TokenKeys, TokenKeysConfig};
use ringseal_vault::{VaultConfig, VaultError, VaultKeys};

use server::{Bao, SECRETS, keyset, no_secret};

const USER: &str = "user@example.com";

fn token(keys: &TokenKeys) -> String {
    keys.tokenize(USER, FieldType::Email)
}

/// The token of the same keyset in a file.
fn token_of_file(bao: &Bao, text: &str) -> String {
    let file = bao.write("token-keyset.json", text);
    token(&TokenKeys::open(&TokenKeysConfig::new(file).env("prod")).expect("a keyset file"))
}

/// Tokens and revealed values are those of the file provider, with and without `/data/` in the paths.
#[test]
fn tokens_equal_those_of_the_file() {
    let Some(bao) = Bao::start("tokens_equal_those_of_the_file") else { return };
    let text = keyset(KeysetKind::Token, "tk1", SECRETS.token_key);
    let expected = token_of_file(&bao, &text);
    assert_eq!(expected, "ptok:v1:PzPQvZpJgsOFSU0Lstv4fx40dX7bFHfmYdh-fMNsTSY");
    for (tokens, reveal) in [
        ("secret/data/pii/tokens", "secret/data/pii/reveal"),
        ("secret/pii/tokens", "secret/pii/reveal"),
    ] {
        let vault = VaultKeys::open(&bao.config(tokens).reveal_keyset(reveal)).expect("a provider");
        assert_eq!(token(&vault.keys()), expected);
        let sealed = "penc:v1:rk1:i5N75JqS-jwKDi8K4QpW5W08KCpJd57p_fpS_V9Y71L1ZFWwM3M10j6z4PY";
        let value = vault.keys().reveal(sealed, FieldType::Email).expect("the vector");
        assert_eq!(&*value, USER.as_bytes());
        let status = vault.status();
        assert_eq!((status.logins, status.failures, status.refreshes), (1, 0, 1));
        no_secret(&format!("{vault:?} {status:?} {:?}", vault.keys().status()));
    }
    let bare = VaultKeys::open(&bao.config("secret/pii/tokens")).expect("a provider");
    assert!(bare.keys().protect(b"ann", FieldType::Generic).is_err(), "access is tokenize");
}

/// The thread picks up a rotation while other threads make tokens; each token is of the old or the new key.
#[test]
fn a_rotation_is_picked_up_in_use() {
    let Some(bao) = Bao::start("a_rotation_is_picked_up_in_use") else { return };
    let config = bao.config("secret/pii/tokens").refresh_every(Duration::from_millis(50));
    let vault = VaultKeys::open(&config).expect("a provider");
    let rotated = keyset(KeysetKind::Token, "tk2", SECRETS.next_key);
    let (old, new) = (token(&vault.keys()), token_of_file(&bao, &rotated));
    let (is_ended, made) = (AtomicBool::new(false), AtomicU64::new(0));
    let keys = vault.keys();
    std::thread::scope(|scope| {
        let maker = || {
            let mut seen_new = false;
            while !is_ended.load(Ordering::SeqCst) {
                let token = token(&keys);
                assert!(token == new || (token == old && !seen_new), "a token of neither keyset");
                seen_new |= token == new;
                made.fetch_add(1, Ordering::SeqCst);
            }
        };
        let makers = [scope.spawn(maker), scope.spawn(maker)];
        bao.put_keyset("tokens", &rotated);
        let limit = Instant::now() + Duration::from_secs(60);
        while token(&keys) != new && Instant::now() < limit {
            std::thread::yield_now();
        }
        let count = made.load(Ordering::SeqCst);
        while made.load(Ordering::SeqCst) < count + 100
            && !makers.iter().all(|each| each.is_finished())
        {
            std::thread::yield_now();
        }
        is_ended.store(true, Ordering::SeqCst);
    });
    assert_eq!(token(&vault.keys()), new);
    assert_eq!(vault.keys().status().reloads, 1, "an unchanged keyset is not loaded again");
}

#[test]
fn a_revoked_token_leads_to_a_login() {
    let Some(bao) = Bao::start("a_revoked_token_leads_to_a_login") else { return };
    let vault = VaultKeys::open(&bao.config("secret/pii/tokens")).expect("a provider");
    bao.post("/v1/sys/leases/revoke-prefix/auth/approle", "{}");
    vault.refresh().expect("a new login");
    let status = vault.status();
    assert_eq!((status.logins, status.failures), (2, 0));
    // A secret id that was replaced in its file is used by the next login; the old one is destroyed.
    bao.replace_secret_id();
    bao.post("/v1/sys/leases/revoke-prefix/auth/approle", "{}");
    vault.refresh().expect("a login with the new secret id");
    assert_eq!(vault.status().logins, 3);
    // A wrong one is refused, and the keys stay.
    bao.write("secret-id", SECRETS.wrong_secret_id);
    bao.post("/v1/sys/leases/revoke-prefix/auth/approle", "{}");
    let error = vault.refresh().expect_err("a wrong secret id");
    assert!(matches!(*error, VaultError::LoginRefused { .. }), "{error}");
    let status = vault.status();
    assert_eq!((status.failures, status.refusals), (1, 1));
    no_secret(&format!("{error} {error:?} {status:?} {:?}", vault.keys().status()));
    assert!(token(&vault.keys()).starts_with("ptok:v1:"));
}

#[test]
fn each_refusal_at_the_start_is_typed() {
    let Some(bao) = Bao::start("each_refusal_at_the_start_is_typed") else { return };
    let text = keyset(KeysetKind::Token, "tk1", SECRETS.token_key)
        .replace("HMAC-SHA-256", SECRETS.token_key);
    bao.put_keyset("leaky", &text);
    bao.put_keyset("text", SECRETS.next_key);
    bao.post("/v1/secret/data/pii/other", r#"{"data":{"another":"field"}}"#);
    for (path, expected) in [
        ("secret/other/tokens", "policy does not allow to read secret/data/other/tokens"),
        ("secret/pii/none", "expected a secret of KV version 2 at secret/data/pii/none"),
        ("secret/pii/other", "data.data.keyset"),
        (
            "secret/pii/leaky",
            "keys.tk1.alg: expected HMAC-SHA-256 or AES-256-GCM, found a text of 43",
        ),
        ("secret/pii/text", "keyset secret/pii/text, line 1: expected an object"),
    ] {
        let error = VaultKeys::open(&bao.config(path)).expect_err(path);
        let shown = format!("{error} {error:?} {:?}", error.source().map(ToString::to_string));
        assert!(shown.contains(expected), "{path}: {shown}");
        no_secret(&shown);
    }
    for (file, expected) in [("role-id", "login is refused"), ("secret-id", "login is refused")] {
        let kept = bao.write(file, SECRETS.wrong_secret_id);
        let error = VaultKeys::open(&bao.config("secret/pii/tokens")).expect_err(file);
        assert!(error.to_string().contains(expected), "{error}");
        no_secret(&format!("{error} {error:?}"));
        std::fs::remove_file(kept).expect("the file");
        let error = VaultKeys::open(&bao.config("secret/pii/tokens")).expect_err(file);
        assert!(matches!(error, VaultError::Credential { .. }), "{error}");
        bao.write_credentials();
    }
    VaultKeys::open(&bao.config("secret/pii/tokens")).expect("all is well again");
    let namespace = bao.config("secret/pii/tokens").namespace("no-such-team");
    let error = VaultKeys::open(&namespace).expect_err("no such namespace");
    no_secret(&format!("{error} {error:?}"));
}

#[test]
fn sealed_and_ended_servers_change_nothing() {
    let Some(mut bao) = Bao::start("sealed_and_ended_servers_change_nothing") else { return };
    let config = bao.config("secret/pii/tokens");
    let vault = VaultKeys::open(&config).expect("a provider");
    let first = token(&vault.keys());
    bao.post("/v1/sys/seal", "{}");
    let error = vault.refresh().expect_err("sealed");
    assert!(matches!(*error, VaultError::Unavailable { status: 503, .. }), "{error}");
    assert!(error.to_string().contains("sealed"), "{error}");
    let started = VaultKeys::open(&config).expect_err("sealed at the start");
    assert!(matches!(started, VaultError::Unavailable { status: 503, .. }), "{started}");
    bao.end();
    let error = vault.refresh().expect_err("no server");
    assert!(matches!(*error, VaultError::Http { .. }), "{error}");
    let started = VaultKeys::open(&config).expect_err("no server at the start");
    let VaultError::Http { source, .. } = &started else { panic!("{started}") };
    assert!(matches!(source.kind(), ErrorKind::Connect(_)), "{started}");
    let status = vault.status();
    assert_eq!((status.failures, status.refusals, status.refreshes), (2, 0, 1));
    assert_eq!(token(&vault.keys()), first);
    no_secret(&format!("{error:?} {started:?} {status:?} {:?}", vault.keys().status()));
}

/// A listener that never answers; no server is needed.
#[test]
fn a_slow_server_ends_with_the_timeout() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let dir = tempfile::tempdir().expect("a directory");
    let (role, secret) = (dir.path().join("role-id"), dir.path().join("secret-id"));
    for file in [&role, &secret] {
        std::fs::write(file, SECRETS.wrong_secret_id).expect("a file");
    }
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let config = VaultConfig::new(&address, "secret/tk").app_role(role, secret);
    let error = VaultKeys::open(&config.timeout(Duration::from_millis(200))).expect_err("slow");
    let VaultError::Http { source, .. } = &error else { panic!("{error}") };
    assert!(source.is_timeout() && source.phase() == Phase::Head, "{error}");
    no_secret(&format!("{error} {error:?}"));
}

#[test]
fn certificates_of_the_server_are_checked() {
    let Some(bao) = Bao::start_tls("certificates_of_the_server_are_checked") else { return };
    let good = bao.config("secret/pii/tokens");
    let vault = VaultKeys::open(&good).expect("a provider over TLS");
    assert_eq!(vault.status().refreshes, 1);
    let other = bao.write("other.pem", &bao.other_authority());
    let error = VaultKeys::open(&good.clone().ca_file(other)).expect_err("a wrong authority");
    let VaultError::Http { source, .. } = &error else { panic!("{error}") };
    assert!(matches!(source.kind(), ErrorKind::Certificate(_)), "{error}");
    assert!(error.to_string().contains("no trusted authority has signed it"), "{error}");
    no_secret(&format!("{error} {error:?}"));
}

/// The thread ends with the handle and does not keep the keys.
#[test]
fn a_drop_ends_the_thread() {
    let Some(bao) = Bao::start("a_drop_ends_the_thread") else { return };
    let vault = VaultKeys::open(&bao.config("secret/pii/tokens")).expect("a provider");
    let keys = vault.keys();
    let weak = std::sync::Arc::downgrade(&keys);
    drop(vault);
    assert!(token(&keys).starts_with("ptok:v1:"), "the keys outlive the provider");
    drop(keys);
    assert!(weak.upgrade().is_none(), "no thread keeps the keys");
}
