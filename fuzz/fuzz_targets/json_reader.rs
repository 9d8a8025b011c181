//! Any bytes, read as JSON, against `serde_json`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    ringseal_fuzz::json::check(bytes);
});
