//! Damaged homes of runs that were killed, recovered by a start and shown by the commands.
#![no_main]

libfuzzer_sys::fuzz_target!(|changes: ringseal_fuzz::homes::change::Changes| {
    ringseal_fuzz::homes::recover::check(&changes);
});
