//! Compares the chain with its definition.
use super::*;
use ringseal_base::digest::{Sha256, hkdf, text::hex};

fn sign(chain: &mut Chain, seq: u64, text: &[u8]) -> Option<Signature> {
    chain.sign(seq, &digest_of(text))
}

fn first(byte: u8, entries_per_key: u64) -> Chain {
    Chain::with_key(&ChainKey::new([byte; 32]), 0, entries_per_key)
}

/// The definition: expands from the first key every time.
fn reference(first: &Hash, seq: u64, entries_per_key: u64, text: &[u8]) -> Hash {
    let mut key = *first;
    for _ in 0..seq / entries_per_key {
        key = hkdf::expand(&key, b"ringseal audit ratchet v1");
    }
    HmacSha256::new(&key).of(&Sha256::of(&[b"\0", text].concat()))
}

#[test]
fn each_entry_is_signed_with_its_ratcheted_key() {
    for entries_per_key in [1, 2, 7, 64] {
        let mut chain = first(7, entries_per_key);
        for seq in 0..200 {
            let text = format!("{{entry {seq}");
            let signature = sign(&mut chain, seq, text.as_bytes()).unwrap();
            let want = reference(&[7; 32], seq, entries_per_key, text.as_bytes());
            assert_eq!(hex(&signature.hash), hex(&want), "entry {seq}, {entries_per_key} a key");
        }
    }
}

#[test]
fn past_keys_are_erased() {
    let mut chain = first(7, 1);
    assert!(sign(&mut chain, 5, b"{").is_some());
    assert_eq!(sign(&mut chain, 5, b"{"), None, "its key was erased after the signature");
    assert_eq!(sign(&mut chain, 4, b"{"), None);
    assert!(chain.key(5).is_none());
    assert!(chain.key(6).is_some());
}

#[test]
fn a_chain_resumes_from_a_stored_key() {
    for entries_per_key in [1, 3] {
        let mut whole = first(7, entries_per_key);
        let mut half = first(7, entries_per_key);
        for seq in 0..10 {
            assert_eq!(sign(&mut whole, seq, b"{x"), sign(&mut half, seq, b"{x"));
        }
        let kept = half.key(10).unwrap();
        let mut second = Chain::with_key(&kept, 10, entries_per_key);
        for seq in 10..20 {
            assert_eq!(sign(&mut whole, seq, b"{x"), sign(&mut second, seq, b"{x"), "entry {seq}");
        }
    }
}

#[test]
fn altered_text_or_scheme_fails_the_check() {
    for mut chain in [first(1, 8), Chain::Hash] {
        let signature = sign(&mut chain, 0, b"{text").unwrap();
        assert_eq!(chain.check(0, b"{text", &signature), Some(true));
        assert_eq!(chain.check(0, b"{test", &signature), Some(false));
        let scheme = if signature.scheme == Scheme::Mac { Scheme::Hash } else { Scheme::Mac };
        let other = Signature { scheme, ..signature };
        assert_eq!(chain.check(0, b"{text", &other), Some(false));
    }
}
