//! The command `ringseal`: parses arguments and calls the subcommand.
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ringseal_cli::{cat, out};

const EXAMPLES: &str = "\
Examples:
  ringseal cat /var/log/app           show the logs of a directory
  ringseal cat -f app.log -l warn     follow one log, warnings and graver lines
  ringseal help cat                   more about one command

Exit codes: 0 all is well, 1 something was found or a check failed, 2 wrong usage or could not run.";

/// Reads what ringseal writes.
#[derive(Debug, Parser)]
#[command(name = "ringseal", version, propagate_version = true, after_help = EXAMPLES)]
struct Cli {
    /// Colours: auto is for terminals only and heeds NO_COLOR.
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t)]
    color: out::Color,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Cat(cat::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match &cli.command {
        Command::Cat(args) => cat::run(args, cli.color),
    };
    out::exit_code(result)
}
