//! The smallest program that logs. Its size minus the size of `nothing` is the size that ringseal adds to a binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    let Ok(_engine) = ringseal::init(ringseal::Config::new()) else {
        return ExitCode::FAILURE;
    };
    ringseal::info!("started", pid = std::process::id());
    ExitCode::SUCCESS
}
