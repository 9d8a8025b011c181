//! The command `ringseal`: parses arguments and calls the subcommand.
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use ringseal_cli::{
    audit, bench, cat, console, demo, doctor, events, explain, lint, manual, peek, pipe, recover,
    redact, report, rings, status, token, validate,
};

const EXAMPLES: &str = "\
Examples:
  ringseal cat /var/log/app              show the logs of a directory
  ringseal cat -f app.log -l warn        follow one log, warn and above
  my-service | ringseal pipe --dir logs  standard input into rotating files
  ringseal redact < app.log              mask secrets and personal data
  ringseal report DIR -o report.html     a page with charts and tables
  ringseal status /var/log/app           health of a live log
  ringseal rings                         what processes have in their rings
  ringseal recover DIR --into app.log    write what a log misses after a kill
  ringseal demo                          measure what logging costs here
  ringseal bench --quick                 find good ring and batch sizes
  ringseal token keygen keys.json --kind token
                                         create keys for tokens of personal data
  ringseal validate /var/log/app         check lines against the ECS
  ringseal audit verify /var/log/app/audit --key audit.pub
                                         check that the audit log is unchanged
  ringseal explain                       what each setting is, and why
  ringseal doctor                        what would go wrong with these settings
  ringseal lint src                      find mistakes of logging in sources
  ringseal events docs src               describe the typed events of sources
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
    Completions(manual::CompletionsArgs),
    Man(manual::ManArgs),
    Pipe(pipe::Args),
    Peek(peek::Args),
    Recover(recover::Args),
    Redact(redact::Args),
    Report(report::Args),
    Rings(rings::Args),
    Status(status::Args),
    Demo(demo::Args),
    Doctor(doctor::Args),
    Events(events::Args),
    Explain(explain::Args),
    Lint(lint::Args),
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
        Command::Completions(args) => manual::completions(args, Cli::command()),
        Command::Man(args) => manual::man(args, Cli::command()),
        Command::Demo(args) => demo::run(args),
        Command::Doctor(args) => doctor::run(args),
        Command::Events(args) => events::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Lint(args) => lint::run(args),
        Command::Pipe(args) => pipe::run_command(args),
        Command::Peek(args) => peek::run(args, cli.color),
        Command::Recover(args) => recover::run(args),
        Command::Redact(args) => redact::run(args),
        Command::Report(args) => report::run(args),
        Command::Rings(args) => rings::run(args),
        Command::Status(args) => status::run(args),
        Command::Token(args) => token::run(args),
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
