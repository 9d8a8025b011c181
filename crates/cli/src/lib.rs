//! The command `ringseal`, as a library, so that its parts can be tested and documented.
//!
//! Exit codes of every subcommand: 0 success, 1 a finding or a failed check, 2 wrong usage or the command could not
//! run, 128 plus the signal's number if a signal ended the command and nothing is missing. It is not an error if the
//! reader of standard output closes it early (`ringseal cat … | head`).
pub mod audit;
pub mod bench;
pub mod cat;
pub mod console;
pub mod demo;
pub mod doctor;
pub mod events;
pub mod explain;
pub mod histogram;
pub mod input;
pub mod json;
pub mod line;
pub mod lint;
pub mod log_file_options;
pub mod manual;
pub mod peek;
pub mod pipe;
pub mod progress;
pub mod recover;
pub mod redact;
pub mod report;
pub mod rings;
pub mod rust_source;
pub mod size;
pub mod status;
pub mod stopwatch;
pub mod time;
pub mod token;
pub mod validate;
