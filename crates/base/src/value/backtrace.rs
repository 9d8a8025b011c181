//! The backtrace that a report has captured: `anyhow` and `eyre` only show it at the end of their `Debug`.
use std::fmt::{self, Write};

/// The lines of a report's `Debug` after its heading `Stack backtrace:`; nothing if there is none.
pub(super) struct Trace<'a, R: ?Sized>(pub(super) &'a R);

impl<R: fmt::Debug + ?Sized> fmt::Display for Trace<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut after = AfterHeading { out: f, matched: 0 };
        write!(after, "{:?}", self.0)
    }
}

/// Without its first letter, which is a capital in some versions.
const HEADING: &[u8] = b"tack backtrace:\n";

/// Passes what is written after the heading.
struct AfterHeading<'a, 'b> {
    out: &'a mut fmt::Formatter<'b>,
    /// How much of the heading was just written.
    matched: usize,
}

impl Write for AfterHeading<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for (index, byte) in text.bytes().enumerate() {
            if self.matched == HEADING.len() {
                return self.out.write_str(text.get(index..).unwrap_or_default());
            }
            self.matched = match byte {
                _ if byte == HEADING[self.matched] => self.matched + 1,
                // The heading begins with its only `t` before another `t`.
                _ => usize::from(byte == HEADING[0]),
            };
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Prints these parts as its `Debug`.
    struct Parts(&'static [&'static str]);

    impl fmt::Debug for Parts {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.iter().try_for_each(|part| f.write_str(part))
        }
    }

    #[test]
    fn the_trace_is_what_follows_the_heading() {
        for (parts, trace) in [
            (
                &["failed\n\nStack backtrace:\n   0: main\n   1: start"][..],
                "   0: main\n   1: start",
            ),
            (&["failed\n\n", "stack backtrace:\n", "   0: main"], "   0: main"),
            (&["fasttack back", "trace:", "\n", "0", ": ", "é"], "0: é"),
            (&["failed\n\nCaused by:\n    stack backtrace is off"], ""),
            (&[], ""),
        ] {
            assert_eq!(Trace(&Parts(parts)).to_string(), trace);
        }
    }
}
