//! The command `ringseal`: parses arguments and calls the subcommand.
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ringseal_cli::{audit, bench, cat, console, demo, pipe, redact, token, validate};

const EXAMPLES: &str = "\
Examples:
  ringseal cat /var/log/app              show the logs of a directory
  ringseal cat -f app.log -l warn        follow one log, warn and above
  my-service | ringseal pipe --dir logs  standard input into rotating files
  ringseal redact < app.log              mask secrets and personal data
  ringseal demo                          measure what logging costs here
  ringseal bench --quick                 find good ring and batch sizes
  ringseal token keygen keys.json --kind token
                                         create keys for tokens of personal data
  ringseal validate /var/log/app         check lines against the ECS
  ringseal audit verify /var/log/app/audit --key audit.pub
                                         check that the audit log is unchanged
  ringseal help cat                      help for one command

Exit codes: 0 success, 1 a finding or a failed check, 2 wrong usage or could not run.";

/// Writes logs and reads them back.
#[derive(Debug, Parser)]
#[command(name = "ringseal", version, propagate_version = true, after_help = EXAMPLES)]
struct Cli {
    /// When to use colours. `auto`: on terminals, unless NO_COLOR is set.
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
    Validate(validate::Args),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return print_parse_result(&error),
    };
    let result = match &cli.command {
        Command::Audit(args) => audit::run(args, cli.color),
        Command::Bench(args) => bench::run(args),
        Command::Cat(args) => cat::run(args, cli.color),
        Command::Demo(args) => demo::run(args),
        Command::Pipe(args) => pipe::run_command(args),
        Command::Token(args) => token::run(args),
        Command::Redact(args) => redact::run(args),
        Command::Validate(args) => validate::run(args),
    };
    console::exit_code(result)
}

/// Prints help or version to standard output, or a usage error to standard error.
fn print_parse_result(error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        error.exit();
    }
    let written = error.print().and_then(|()| io::stdout().flush());
    console::exit_code(
        written.map(|()| console::ExitStatus::Success).map_err(console::Failure::Output),
    )
}
