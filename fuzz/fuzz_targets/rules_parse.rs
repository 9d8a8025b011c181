//! Any text as a rule file.
#![no_main]
libfuzzer_sys::fuzz_target!(|text: &str| {
    ringseal_fuzz::redaction::rules(text);
});
