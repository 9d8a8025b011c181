//! JSON text: ringseal's pull reader, and the entries of one map.
mod entries;

pub use entries::{Entries, Entry, Kind};
pub use ringseal::internals::json::{JsonError, Text, Token, Tokens};
