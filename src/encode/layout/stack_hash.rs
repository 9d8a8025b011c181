//! `stack_hash`: equal for errors that are the same failure, also in another build or process: line numbers, addresses,
//! stack traces and numbers in texts do not count.
//!
//! A stack trace does not count because its frames differ between builds: what is inlined depends on the profile and on
//! the compiler, and whether there is a trace depends on `RUST_BACKTRACE`. Target and event name are the place.
use sha2::{Digest, Sha256};

use ringseal_base::digest::text::hex_byte;
use ringseal_base::value::{ValueRef, Values};

/// The first 16 hexadecimal digits of the SHA-256 of the target, the event's name, and the error's type and texts, in
/// which numbers, hexadecimal words and UUIDs are replaced by `#`.
pub(super) fn stack_hash(target: &[u8], event: &[u8], parts: Values<'_>) -> [u8; 16] {
    let mut hasher = Sha256::new();
    for part in [target, event] {
        hasher.update(part);
        hasher.update([0]);
    }
    for part in parts.map_while(Result::ok) {
        // Of a cause, the message counts.
        let text = match part {
            ValueRef::Error(mut parts) => parts.nth(1).and_then(Result::ok),
            // The stack trace.
            ValueRef::Map(_) => continue,
            text => Some(text),
        };
        if let Some(ValueRef::Str(text) | ValueRef::StrCut(text, _)) = text {
            hash_normalised(text, &mut hasher);
        }
        hasher.update([0]);
    }
    let digest = hasher.finalize();
    let mut hex = [0; 16];
    for (digits, byte) in hex.as_chunks_mut().0.iter_mut().zip(digest) {
        *digits = hex_byte(byte);
    }
    hex
}

/// Hashes `text` with the parts that vary between two occurrences replaced by `#`.
fn hash_normalised(text: &[u8], hasher: &mut Sha256) {
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(after) = after_uuid(rest) {
            hasher.update(b"#");
            rest = after;
            continue;
        }
        let len = rest.iter().take_while(|byte| word(byte)).count();
        let (head, tail) = rest.split_at(len.max(1));
        rest = tail;
        let digits = head.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let hex = head.len() >= 8 && head.iter().all(u8::is_ascii_hexdigit);
        if head.iter().any(u8::is_ascii_digit) && (hex || head.starts_with(b"0x")) {
            hasher.update(b"#");
        } else if digits > 0 {
            // `300ms` and `2s` are numbers with units; `E0308` and `utf8` are names.
            hasher.update(b"#");
            hasher.update(&head[digits..]);
        } else {
            hasher.update(head);
        }
    }
}

/// What follows the UUID at the start.
fn after_uuid(text: &[u8]) -> Option<&[u8]> {
    const LEN: usize = 36;
    let (uuid, after) = text.split_at_checked(LEN)?;
    let is_uuid = uuid.iter().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    let is_end = !after.first().is_some_and(|byte| byte.is_ascii_alphanumeric());
    (is_uuid && is_end).then_some(after)
}

#[cfg(test)]
mod tests {
    use super::stack_hash;
    use ringseal_base::limits::Limits;
    use ringseal_base::value::{Value, ValueWriter, Values};

    fn hash(parts: &[&str]) -> [u8; 16] {
        hash_with_trace(parts, "")
    }

    fn hash_with_trace(parts: &[&str], trace: &str) -> [u8; 16] {
        let mut bytes = [0; 4096];
        let mut out = ValueWriter::new(&mut bytes, Limits::default());
        parts.iter().for_each(|part| out.str(part));
        if !trace.is_empty() {
            out.map(|out| {
                out.key("stack_trace");
                trace.write(out);
            });
        }
        let len = out.len_bytes();
        stack_hash(b"app", b"failed", Values(&bytes[..len]))
    }

    #[test]
    fn what_varies_does_not_change_the_hash() {
        for (name, one, other) in [
            (
                "numbers",
                "cannot open 17: timeout after 300 ms",
                "cannot open 4: timeout after 2 ms",
            ),
            ("addresses", "no page at 0x7f00aa", "no page at 0x12"),
            ("durations", "timed out after 1.5s", "timed out after 12.75s"),
            ("units", "took 300ms", "took 2ms"),
            ("long hexadecimal words", "no commit 6fae1eb0", "no commit 0cf3cfd2"),
            (
                "identifiers",
                "no user 550e8400-e29b-41d4-a716-446655440000",
                "no user 0f2bffff-aaaa-bbbb-cccc-dddddddddddd",
            ),
            ("places", "panicked at src/main.rs:12:5", "panicked at src/main.rs:120:17"),
        ] {
            assert_eq!(hash(&["IoError", one]), hash(&["IoError", other]), "{name}");
        }
        assert!(hash(&["IoError", "x"]).iter().all(u8::is_ascii_hexdigit));
    }

    #[test]
    fn another_failure_has_another_hash() {
        let one = hash(&["IoError", "timeout"]);
        for parts in [
            &["OsError", "timeout"][..],
            &["IoError", "refused"],
            &["IoError", "timeout", "x"],
            &["IoError", "timeout utf8"],
            &["IoError", "timeout of x86"],
        ] {
            assert_ne!(one, hash(parts), "{parts:?}");
        }
        assert_ne!(hash(&["Rustc", "error E0308"]), hash(&["Rustc", "error E0499"]));
    }

    const TRACE: &str = "   0: std::backtrace::Backtrace::create
             at /rustc/17067e9ac6d/library/std/src/backtrace.rs:331:13
   1: shop::db::connect::h0123456789abcdef
             at ./src/db.rs:12:5
   2: <shop::Pool as shop::Open>::open::{{closure}}
             at ./src/pool.rs:7:9
   3: main
   4: __libc_start_main";

    /// The same code after an edit above it, built elsewhere by another compiler, printed with addresses.
    const OTHER_BUILD: &str = "   0:     0x55d0c8e1a2b3 - std::backtrace_rs::backtrace::trace::hfedcba9876543210
                               at /home/ci/rust/library/std/src/../../backtrace/src/backtrace/mod.rs:66:14
   1:     0x55d0c8e1a2b3 - std::backtrace::Backtrace::capture
   2:     0x55d0c8e1a2b3 - shop::db::connect::hfedcba9876543210
                               at /build/shop/src/db.rs:19:5
   3:     0x55d0c8e1a2b3 - <shop::Pool as shop::Open>::open::{{closure}}
                               at /build/shop/src/pool.rs:7:9
   4:     0x7f2d40e2a1ca - core::ops::function::FnOnce::call_once
   5:     0x7f2d40e2a1ca - main
   6:     0x7f2d40e2a1ca - _start";

    #[test]
    fn one_failure_in_two_builds_has_one_hash() {
        let parts = ["db::Error", "no connection"];
        let first = hash_with_trace(&parts, TRACE);
        assert_eq!(first, hash_with_trace(&parts, OTHER_BUILD));
        assert_eq!(first, hash(&parts), "without RUST_BACKTRACE");
    }
}
