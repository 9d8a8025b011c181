//! A log that the input tampers with.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ringseal_fuzz::audit::log(bytes));
