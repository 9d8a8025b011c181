//! Any bytes as part of a ring.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ringseal_fuzz::foreign::ring_stretch(bytes));
