//! Encoding of values into lines.
