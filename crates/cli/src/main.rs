//! The command `ringseal`: parses arguments and calls the subcommand.
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ringseal_cli::{audit, bench, cat, console, demo, pipe, redact, token};

const EXAMPLES: &str = "\
Examples:
  ringseal cat /var/log/app              show the logs of a directory
  ringseal cat -f app.log -l warn        follow one log, warnings and graver
  my-service | ringseal pipe --dir logs  standard input into rotating files
  ringseal redact < app.log              mask secrets and personal data
  ringseal demo                          what logging costs on this machine
  ringseal bench --quick                 which ring and batch suit this machine
  ringseal token keygen keys.json --kind token
                                         keys for tokens of personal data
  ringseal audit verify /var/log/app/audit --key audit.pub
                                         is the audit log as it was written
  ringseal help cat                      more about one command

Exit codes: 0 all is well, 1 something was found or a check failed, 2 wrong usage or could not run.";

/// Writes logs and reads them back.
#[derive(Debug, Parser)]
#[command(name = "ringseal", version, propagate_version = true, after_help = EXAMPLES)]
struct Cli {
    /// Colours: auto is for terminals only and heeds NO_COLOR.
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t)]
    color: console::Color,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Audit(audit::Args),
    Cat(cat::Args),
    Pipe(pipe::Args),
    Redact(redact::Args),
    Demo(demo::Args),
    Bench(bench::Args),
    Token(token::Args),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return told(&error),
    };
    let result = match &cli.command {
        Command::Audit(args) => audit::run(args, cli.color),
        Command::Bench(args) => bench::run(args),
        Command::Cat(args) => cat::run(args, cli.color),
        Command::Demo(args) => demo::run(args),
        Command::Pipe(args) => pipe::run_command(args),
        Command::Token(args) => token::run(args),
        Command::Redact(args) => redact::run(args),
    };
    console::exit_code(result)
}

/// Help and version, on standard output, or what is wrong with the arguments.
fn told(error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        error.exit();
    }
    let written = error.print().and_then(|()| io::stdout().flush());
    console::exit_code(
        written.map(|()| console::ExitStatus::Success).map_err(console::Failure::Output),
    )
}
