//! Compares the scanner's filters with every detector at every position.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    ringseal_fuzz::redaction::versus_naive(bytes);
});
