//! The engine's keys: tokens in a line, new keys while the engine runs, and the end of the thread.
use std::path::PathBuf;

use crossbeam_channel::TryRecvError;

use super::*;
use crate::core::level::Level;
use crate::engine::Engine;
use crate::testing::Capture;
use ringseal_base::storage::OsStorage;
use ringseal_redact::token::{
    FieldType, FileSource, KeySource, Keyset, KeysetError, KeysetKind, SystemRandomness,
};
use ringseal_redact::{HmacTokenizer, Profile, RuleSet};

const MAIL: &str = "ann@example.com";
const CREATED: &str = "2026-01-31T00:00:00Z";

fn keyset() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("token-keyset.json");
    let keyset = Keyset::generate(KeysetKind::Token, "tk1", CREATED, &SystemRandomness);
    keyset.and_then(|keyset| keyset.create(&OsStorage, &path)).expect("the call succeeds");
    (dir, path)
}

fn rotate(path: &std::path::Path) {
    let change = |keyset: &mut Keyset| {
        keyset.add("tk2", CREATED, &SystemRandomness)?;
        keyset.make_primary("tk2")
    };
    Keyset::change(&OsStorage, path, change).expect("the call succeeds");
}

fn ecs() -> Config {
    let rules = {
        let mut set = RuleSet::default();
        set.profile = Profile::Ecs;
        set
    };
    Config::new().redact(rules).panic_hook(false)
}

/// Logs an address under its key and in a text. (Macros of this crate have no path in it.)
fn send(engine: &Engine) {
    engine.logger().dynamic(Level::Info, "test", "sent", &|out| {
        out.key("email");
        out.str(MAIL);
        out.key("note");
        out.str("to ann@example.com now");
    });
}

/// A time later than any that the engine's thread uses within a test.
fn later(hours: u64) -> Duration {
    Duration::from_secs(hours * 3600) + Duration::from_nanos(monotonic_nanos())
}

#[test]
fn the_engine_opens_keysets_and_writes_tokens() {
    let (_dir, path) = keyset();
    let config = TokenKeysConfig::new(&path).env("prod");
    let token = TokenKeys::open(&config).expect("keys").tokenize(MAIL, FieldType::Email);
    let (engine, capture) = Capture::start_with(ecs().tokens(Tokens::keysets(config)));
    send(&engine);
    engine.flush().expect("the call succeeds");
    let event = &capture.events()[0];
    assert!(token.starts_with("ptok:v1:"));
    assert_eq!((event.text("email"), event.text("note")), (&*token, &*format!("to {token} now")));
}

#[test]
fn a_rotated_key_is_used_for_new_tokens() {
    let (_dir, path) = keyset();
    let keys = Arc::new(TokenKeys::open(&TokenKeysConfig::new(&path)).expect("keys"));
    let (engine, capture) = Capture::start_with(ecs().tokens(Tokens::shared(Arc::clone(&keys))));
    let mut state = RefreshState::default();
    send(&engine);
    engine.flush().expect("the call succeeds");
    rotate(&path);
    assert_eq!(state.refresh(&keys, later(1)), None);
    assert_eq!(keys.status().token_kid, "tk2");
    send(&engine);
    engine.flush().expect("the call succeeds");
    let events = capture.events();
    assert_ne!(events[0]["email"], events[1]["email"]);
    assert_eq!(events[1].text("email"), keys.tokenize(MAIL, FieldType::Email));
    let weak = Arc::downgrade(&keys);
    drop((keys, engine));
    assert!(weak.upgrade().is_none(), "the keys go with the engine");
}

#[test]
fn refresh_failure_and_recovery_are_reported_once() {
    let (_dir, path) = keyset();
    let keys = TokenKeys::open(&TokenKeysConfig::new(&path)).expect("keys");
    let mut state = RefreshState::default();
    let moved = path.with_extension("moved");
    std::fs::rename(&path, &moved).expect("the call succeeds");
    let message = state.refresh(&keys, later(1)).expect("a failure");
    assert!(message.contains("token-keyset.json") && message.contains("last valid"), "{message}");
    assert_eq!(state.refresh(&keys, later(2)), None);
    std::fs::rename(&moved, &path).expect("the call succeeds");
    assert_eq!(state.refresh(&keys, later(2)), None, "not due: no message");
    assert_eq!(state.refresh(&keys, later(3)).as_deref(), Some("token keys can be read again"));
    assert_eq!(state.refresh(&keys, later(4)), None);
}

/// A source that reports each check, with the name of the thread.
struct ReportingSource(FileSource, Sender<Option<String>>);

impl KeySource for ReportingSource {
    fn is_changed(&mut self) -> Result<bool, KeysetError> {
        let name = std::thread::current().name().map(str::to_owned);
        let _ = self.1.send(name);
        Ok(false)
    }

    fn load(&mut self) -> Result<Keyset, KeysetError> {
        self.0.load()
    }
}

#[test]
fn the_refresher_thread_refreshes_and_ends_when_dropped() {
    let (_dir, path) = keyset();
    let (sender, checks) = crossbeam_channel::unbounded();
    let source = Box::new(ReportingSource(FileSource::new(&path, KeysetKind::Token), sender));
    let random = Box::new(SystemRandomness);
    let keys = TokenKeys::from_sources("test", source, None, CHECK_EVERY, random).expect("keys");
    let keys = Arc::new(keys);
    let refresher =
        KeysetRefresher::start(Arc::downgrade(&keys), Duration::from_millis(1), Arc::default())
            .expect("a thread");
    let name = checks.recv_timeout(Duration::from_secs(60)).expect("a check");
    assert_eq!(name.as_deref(), Some("ringseal-keys"));
    drop(refresher);
    let idle =
        KeysetRefresher::start(Arc::downgrade(&keys), Duration::from_secs(3600), Arc::default())
            .expect("a thread");
    let ended = idle.ended.clone();
    assert_eq!(ended.try_recv(), Err(TryRecvError::Empty));
    drop(idle);
    assert_eq!(ended.try_recv(), Err(TryRecvError::Disconnected));
}

#[test]
fn the_refresher_thread_ends_with_its_keys() {
    let (_dir, path) = keyset();
    let keys = Arc::new(TokenKeys::open(&TokenKeysConfig::new(&path)).expect("keys"));
    let refresher =
        KeysetRefresher::start(Arc::downgrade(&keys), Duration::from_millis(1), Arc::default())
            .expect("a thread");
    drop(keys);
    let ended = refresher.ended.recv_timeout(Duration::from_secs(60));
    assert_eq!(ended, Err(RecvTimeoutError::Disconnected));
}

#[test]
fn unusable_keysets_are_an_error_at_start() {
    let config = ecs().tokens(Tokens::keysets(TokenKeysConfig::new("/no/such/keyset.json")));
    let error = Engine::start(config).expect_err("no keys");
    assert!(matches!(error, InitError::Keys(_)), "{error}");
    assert!(error.to_string().contains("keyset.json"), "{error}");
}

#[test]
fn the_last_token_setting_is_used() {
    let (_dir, path) = keyset();
    let own = Arc::new(HmacTokenizer::new(&[7; 32], "prod"));
    let keysets = || TokenKeysConfig::new(&path);
    let by_keyset = TokenKeys::open(&keysets()).expect("keys").tokenize(MAIL, FieldType::Email);
    for (config, token) in [
        (
            ecs().tokens(Tokens::keysets(keysets())).tokens(Tokens::custom(own.clone())),
            own.email(MAIL),
        ),
        (ecs().tokens(Tokens::custom(own.clone())).tokens(Tokens::keysets(keysets())), by_keyset),
    ] {
        let (engine, capture) = Capture::start_with(config);
        send(&engine);
        engine.flush().expect("the call succeeds");
        assert_eq!(capture.events()[0].text("email"), token);
    }
}

#[test]
fn keyset_variables_are_read_and_bad_ones_named() {
    let from = |pairs: &[(&str, &str)]| {
        let find = |name: &str| pairs.iter().find(|(key, _)| *key == name);
        Config::from_variables(|name| find(name).map(|(_, value)| (*value).to_owned()))
    };
    assert!(from(&[]).expect("defaults").redaction.tokens.is_none());
    let path = ("PII_TOKEN_KEYSET_PATH", "/run/pii/token-keyset.json");
    let file = ("PII_PROVIDER", "file");
    let config = from(&[file, path, ("PII_ENV", "prod")]).expect("good");
    let expected = TokenKeysConfig::new(path.1).env("prod");
    let Some(Tokens(TokenSource::Keysets(found))) = config.redaction.tokens else {
        panic!("no keysets");
    };
    assert_eq!(found, expected);
    for (pairs, said) in [
        (&[("PII_PROVIDER", "vault")][..], r#"PII_PROVIDER="vault": expected file"#),
        (&[("PII_PROVIDER", "x"), path], r#"PII_PROVIDER="x": expected file"#),
        (&[file], r#"PII_TOKEN_KEYSET_PATH="": expected a file"#),
        (&[file, path, ("PII_ACCESS", "all")], r#"PII_ACCESS="all": expected tokenize or full"#),
    ] {
        let error = from(pairs).expect_err("bad").to_string();
        assert!(error.starts_with(said), "{error}");
    }
}
