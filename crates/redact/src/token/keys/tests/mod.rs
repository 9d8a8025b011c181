//! The promises of tokens, ciphertexts, keysets and the handle.

mod handle;
mod keyset;
mod reload;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use ringseal_base::storage::Storage;
use ringseal_base::storage::faulty::FaultyDisk;

/// A counter: nonces never repeat, and every run is the same.
#[derive(Default)]
struct Counting(AtomicU64);

impl Randomness for Counting {
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        for byte in bytes {
            // ORDER: relaxed; a test's own count.
            *byte = (self.0.fetch_add(1, Ordering::Relaxed) % 251) as u8;
        }
        Ok(())
    }
}

/// A keyset file: key ids with the first byte of their counted-up keys; the first key is primary.
pub(super) fn keyset_text(kind: KeysetKind, keys: &[(&str, u8)]) -> String {
    let entries: Vec<String> = keys
        .iter()
        .map(|(kid, first)| {
            let mut text = Vec::new();
            base64url::encode(&(*first..first + 32).collect::<Vec<u8>>(), &mut text);
            let text = String::from_utf8(text).expect("ASCII");
            let alg = kind.alg();
            format!(r#""{kid}":{{"alg":"{alg}","created_at":"2026-01-31","key_b64":"{text}"}}"#)
        })
        .collect();
    let primary = keys[0].0;
    let keys = entries.join(",");
    format!(r#"{{"schema_version":1,"primary_kid":"{primary}","keys":{{{keys}}}}}"#)
}

pub(super) const TOKENS: &str = "/keys/token-keyset.json";
const REVEAL: &str = "/keys/reveal-keyset.json";

/// A disk with the keysets of the vectors: token key 0..31 as tk1, reveal key 32..63 as rk1.
pub(super) fn disk() -> FaultyDisk {
    let disk = FaultyDisk::new(Path::new("/keys"));
    disk.set_time(1_000);
    disk.put(Path::new(TOKENS), keyset_text(KeysetKind::Token, &[("tk1", 0)]).as_bytes());
    disk.put(Path::new(REVEAL), keyset_text(KeysetKind::Reveal, &[("rk1", 32)]).as_bytes());
    disk
}

pub(super) fn open(
    disk: &FaultyDisk,
    config: &TokenKeysConfig,
) -> Result<TokenKeys, TokenKeysError> {
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    TokenKeys::open_on(config, &storage, Box::new(Counting::default()))
}

/// Full access in this environment.
fn full(env: &str) -> TokenKeys {
    open(&disk(), &TokenKeysConfig::new(TOKENS).env(env).reveal_keyset(REVEAL))
        .expect("good keysets")
}
