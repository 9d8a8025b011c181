//! A program that does nothing, to compare `minimal` with.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::SUCCESS
}
