//! Any bytes as the call sites of a process that was killed.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ringseal_fuzz::sites::check(bytes));
