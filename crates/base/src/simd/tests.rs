//! Classes of bytes, block by block, compared with a test of each byte.
use super::block::Block;
use super::byte_class::{Class, JsonExact, JsonOrWide, TextOrWide};
use super::copy::copy_pairs;
use super::portable::Words;
use super::*;

type IsOf = fn(u8) -> bool;

/// The classes, byte by byte.
const JSON_OR_WIDE: IsOf = |byte| !(0x20..0x80).contains(&byte) || b"\"\\".contains(&byte);
const JSON_EXACT: IsOf = |byte| byte < 0x20 || b"\"\\\xE2".contains(&byte);
const TEXT_OR_WIDE: IsOf = |byte| !(0x20..0x7F).contains(&byte);

/// Tries every byte at every position of a block, among bytes of other kinds.
fn check_block<B: Block, C: Class>(block_of: fn(u64, u64) -> B, is_of: IsOf) {
    for around in [b'a', b'"', 0x00, 0x1F, 0x21, 0x7F, 0xE2, 0xE3, 0xFF] {
        for (place, byte) in (0..16).flat_map(|place| (0..=255).map(move |byte| (place, byte))) {
            let mut bytes = [around; 16];
            bytes[place] = byte;
            let word = u128::from_le_bytes(bytes);
            let flags = C::flags(block_of(word as u64, (word >> 64) as u64));
            let truth = (0..16).fold(0, |mask, i| mask | u64::from(is_of(bytes[i])) << i);
            assert_eq!(flags.any(), truth != 0);
            // All true flags are set, and a false one only beside a true one.
            assert_eq!(flags.mask() & truth, truth, "{byte:x} at {place} among {around:x}");
            assert_eq!(flags.mask() != 0, truth != 0, "{byte:x} at {place} among {around:x}");
        }
    }
}

#[test]
fn every_block_type_flags_every_class() {
    check_block::<_, JsonOrWide>(Words::from_words, JSON_OR_WIDE);
    check_block::<_, JsonExact>(Words::from_words, JSON_EXACT);
    check_block::<_, TextOrWide>(Words::from_words, TEXT_OR_WIDE);
    check_block::<_, JsonOrWide>(Native::from_words, JSON_OR_WIDE);
    check_block::<_, JsonExact>(Native::from_words, JSON_EXACT);
    check_block::<_, TextOrWide>(Native::from_words, TEXT_OR_WIDE);
}

#[test]
fn copies_stop_before_a_byte_of_the_class() {
    for len in 0..if cfg!(miri) { 70 } else { 200 } {
        for place in 0..=len {
            let mut bytes = vec![b'x'; len];
            if let Some(byte) = bytes.get_mut(place) {
                *byte = b'"';
            }
            check_copy(&bytes, place, |from, to| {
                let mut line = Vec::new();
                let copied = Cursor::new(&mut line).copy_clean::<JsonOrWide>(from);
                to[..copied].copy_from_slice(&line);
                copied
            });
            if len >= 32 {
                check_copy(&bytes, place, copy_pairs::<JsonOrWide, Words>);
                check_copy(&bytes, place, copy_pairs::<JsonOrWide, Native>);
            }
        }
    }
}

fn check_copy(bytes: &[u8], stop: usize, copy: impl Fn(&[u8], &mut [u8]) -> usize) {
    let mut to = vec![b'#'; bytes.len()];
    let copied = copy(bytes, &mut to);
    assert!(copied == bytes.len() || copied <= stop);
    assert_eq!(copied == bytes.len(), stop == bytes.len());
    assert_eq!(to[..copied], bytes[..copied]);
}

#[test]
fn a_panic_in_with_vec_keeps_the_vector() {
    let mut line = b"before".to_vec();
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut cursor = Cursor::new(&mut line);
        cursor.put(b",", 1);
        cursor.with_vec(|line| {
            line.extend_from_slice(&[b'x'; 1000]);
            panic!("on purpose");
        });
    }));
    assert!(result.is_err());
    assert_eq!(line.len(), 1007);
    assert_eq!(&line[..8], b"before,x");
}

#[test]
fn a_length_beyond_its_block_is_cut() {
    let mut line = Vec::new();
    Cursor::new(&mut line).put(b"abc", 7);
    assert_eq!(line, b"abc");
}

#[test]
fn a_panic_leaves_a_usable_cursor() {
    let mut line = b"abc".to_vec();
    let mut cursor = Cursor::new(&mut line);
    let work = std::panic::AssertUnwindSafe(|| {
        cursor.with_vec(|line| {
            line.push(b'd');
            panic!("expected by this test");
        })
    });
    assert!(std::panic::catch_unwind(work).is_err());
    cursor.put(b"efgh", 4);
    drop(cursor);
    assert_eq!(line, b"abcdefgh");
}
