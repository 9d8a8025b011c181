//! The scanner's filters against every detector at every place.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    ringseal_fuzz::redaction::versus_naive(bytes);
});
