//! Mistakes in a macro call are compile errors that say what to write instead. The golden texts belong to the pinned
//! toolchain; after a change of either, review the differences and rewrite them with
//! `TRYBUILD=overwrite cargo test --test compile_fail`.

/// The messages list some types that implement the trait; the feature `audit` changes that list.
#[test]
#[cfg_attr(feature = "audit", ignore = "the golden texts are those without `audit`")]
fn mistakes_are_compile_errors_that_explain() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
