//! Mistakes in a macro call are compile errors in words. The words are goldens of the pinned toolchain; after a change
//! of either, look at the differences and renew them with `TRYBUILD=overwrite cargo test --test compile_fail`.

/// The messages list some of the types that would do; with the feature `audit` these are others.
#[test]
#[cfg_attr(feature = "audit", ignore = "the golden texts are those without `audit`")]
fn mistakes_are_told_in_words() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
