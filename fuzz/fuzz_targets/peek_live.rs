//! A home that changes while it is read.
#![no_main]

libfuzzer_sys::fuzz_target!(|course: ringseal_fuzz::homes::peek::Course| {
    ringseal_fuzz::homes::peek::check(&course);
});
