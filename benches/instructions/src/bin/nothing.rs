//! A program that does nothing, as the baseline for `minimal`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::SUCCESS
}
