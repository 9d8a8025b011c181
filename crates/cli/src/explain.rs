//! `ringseal explain`: what each setting is, where its value comes from, and what that value shadows.
use std::io::{self, Write};
use std::path::PathBuf;

use ringseal_config::{Composed, Composer, ConfigError, DEFAULT_FILE};

use crate::console::{ExitStatus, Failure, write_safe, write_stderr};

const EXAMPLES: &str = "\
Examples:
  ringseal explain                                  what the usual sources say
  ringseal explain --config configs/observability.yaml --changed
  ENVIRONMENT=production ringseal explain --json    for programs

Later sources win: defaults, the profile of ENVIRONMENT, files, .env, the environment, --set. Without --config, \
configs/observability.yaml is read if it exists; without --env-file, .env. Secrets are masked. docs/settings.md \
lists all settings.

Exit codes: 0 success, 1 something is wrong with the sources, each named on standard error with its place.";

/// Shows what each setting is, and why.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    sources: SourceArgs,
    /// Leave out settings that have their defaults.
    #[arg(long)]
    changed: bool,
    /// Print a JSON array with an object for each setting.
    #[arg(long)]
    json: bool,
}

/// Where settings come from.
#[derive(Debug, Clone, clap::Args)]
pub struct SourceArgs {
    /// Configuration files in YAML or TOML. May be given several times.
    #[arg(long = "config", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// `.env` files. May be given several times.
    #[arg(long = "env-file", value_name = "FILE")]
    dotenvs: Vec<PathBuf>,
    /// Do not read the environment of this process.
    #[arg(long)]
    no_environment: bool,
    /// A setting, as a service would make it in code. May be given several times.
    #[arg(long = "set", value_name = "SETTING=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (path, value) = text.split_once('=').ok_or("expected SETTING=VALUE")?;
    Ok((path.to_owned(), value.to_owned()))
}

impl SourceArgs {
    /// Reads the sources.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub fn compose(&self) -> Result<Composed, ConfigError> {
        let mut composer = Composer::new();
        if self.files.is_empty() {
            composer = composer.file_if_present(DEFAULT_FILE);
        }
        if self.dotenvs.is_empty() {
            composer = composer.dotenv_if_present(".env");
        }
        if !self.no_environment {
            composer = composer.environment();
        }
        composer = self.files.iter().fold(composer, Composer::file);
        composer = self.dotenvs.iter().fold(composer, Composer::dotenv);
        // The arguments are those of this command, and not those of a service.
        composer = composer.arguments([]);
        let set = |composer: Composer, (path, value): &(String, String)| composer.set(path, value);
        self.settings.iter().fold(composer, set).compose()
    }
}

/// Runs the command.
///
/// # Errors
/// If the output cannot be written.
pub fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let composed = match args.sources.compose() {
        Ok(composed) => composed,
        Err(error) => {
            for problem in error.problems() {
                write_stderr(problem);
            }
            return Ok(ExitStatus::Findings);
        }
    };
    for warning in composed.warnings() {
        write_stderr(format_args!("warning: {warning}"));
    }
    let explanation = composed.explain();
    let explanation = if args.changed { explanation.without_defaults() } else { explanation };
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", explanation.to_json())?;
    } else {
        for line in explanation.to_string().lines() {
            write_safe(line, &mut out)?;
            out.write_all(b"\n")?;
        }
    }
    Ok(ExitStatus::Success)
}
