//! Headers of a request, `traceparent` first, against oracles that follow the grammar.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    ringseal_fuzz::trace::check(bytes);
});
