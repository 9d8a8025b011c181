//! Compares planned lines of the Elastic Common Schema with those of trees.
#![no_main]
libfuzzer_sys::fuzz_target!(|event: ringseal_fuzz::ecs::Event| {
    ringseal_fuzz::ecs::check(&event);
});
