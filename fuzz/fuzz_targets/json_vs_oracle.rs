//! Compares the line of any event with the output of `serde_json`.
#![no_main]
libfuzzer_sys::fuzz_target!(|event: ringseal_fuzz::oracle::Event| {
    ringseal_fuzz::oracle::check(&event);
});
