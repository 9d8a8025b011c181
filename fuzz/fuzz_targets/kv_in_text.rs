//! Keys and values as prose and as JSON.
#![no_main]
libfuzzer_sys::fuzz_target!(|pairs: ringseal_fuzz::redaction::Pairs| {
    ringseal_fuzz::redaction::pairs(&pairs);
});
