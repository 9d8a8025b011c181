//! Any event against what `serde_json` makes of it.
#![no_main]
libfuzzer_sys::fuzz_target!(|event: ringseal_fuzz::oracle::Event| {
    ringseal_fuzz::oracle::check(&event);
});
