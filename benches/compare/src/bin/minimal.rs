//! The least program that logs: its size, less that of `nothing`, is what ringseal adds to a binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    let Ok(_engine) = ringseal::init(ringseal::Config::new()) else {
        return ExitCode::FAILURE;
    };
    ringseal::info!("started", pid = std::process::id());
    ExitCode::SUCCESS
}
