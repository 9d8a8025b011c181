//! Standard error, for what cannot be told in the stream.
//!
//! Promises: never panics. `eprintln!` does when the other end of the pipe is gone, and would take the writer with it.
use std::fmt;
use std::io::Write;

/// Writes one line in one call; a stderr that takes nothing is nobody's failure.
pub(crate) fn say(what: fmt::Arguments<'_>) {
    let line = format!("ringseal: {what}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
}
