//! Compares ringseal with other loggers and with floors: the minimum cost of the same work.
//!
//! The event and the method are those of the project's PERFORMANCE.md. The README.md of this package explains how to
//! run the program and how to read its results.

mod candidate;
mod candidates;
mod check;
mod child;
mod drive;
mod event;
mod family;
mod json_floor;
mod measure;
mod options;
mod peer;
mod programs;
mod record;
mod report;
mod ring;
mod stats;
mod sweep;
mod sys;
mod tsc;

use std::process::ExitCode;

use options::Command;

fn main() -> ExitCode {
    let words = std::env::args().skip(1).collect();
    let done = options::parse(words)
        .map_err(|error| format!("{error}\n\n{}", options::USAGE))
        .and_then(run_command);
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run_command(command: Command) -> Result<(), String> {
    match command {
        Command::Run(options) => {
            let records = drive::run(&options)?;
            println!("{}", report::page(&records, &options.selection));
            eprintln!("results: {}", options.results.display());
        }
        Command::Point { plan, dir, tsc_hz, amounts, idle } => {
            println!("{}", sweep::point::run(plan, &dir, tsc_hz, amounts, idle)?);
        }
        Command::Report(options) => report::run(&options)?,
        Command::ListFamilies => print!("{}", family::list()),
        Command::List => {
            for entry in candidates::ALL {
                let version = entry.version().unwrap_or("-");
                println!(
                    "{:<18} {:<7} {:<5} {version}",
                    entry.name,
                    entry.kind.word(),
                    entry.format.word()
                );
            }
        }
        Command::Child { name, mode, dir, tsc_hz, amounts } => {
            println!("{}", child::run(&name, mode, &dir, amounts, tsc_hz)?);
        }
    }
    Ok(())
}
