//! How errors are printed by `main` and `unwrap`, which use `Debug`.

/// Implements `Debug` for error types by their message.
#[doc(hidden)]
#[macro_export]
macro_rules! debug_by_message {
    ($error:ty) => {
        impl ::core::fmt::Debug for $error {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Display::fmt(self, f)
            }
        }
    };
}
