//! Any bytes as a proof.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ringseal_fuzz::audit::proof(bytes));
