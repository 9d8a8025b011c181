//! Any bytes as a note and a checkpoint.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ringseal_fuzz::audit::checkpoint(bytes));
