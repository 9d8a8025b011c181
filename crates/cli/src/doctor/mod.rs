//! `ringseal doctor`: a dry run against a configuration, or against a running service.
//!
//! Promises: the check of a configuration needs no network, opens no log and leaves no file. The check of a
//! service sends one request. What cannot be checked is reported as such, and never as good.
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use crate::console::{ExitStatus, Failure, write_safe};
use crate::explain::SourceArgs;
use crate::redact::escape::quoted;
use crate::time::parse_duration;

mod configuration;
mod lines;
mod places;
mod request;
mod service;

const EXAMPLES: &str = "\
Examples:
  ringseal doctor --config configs/observability.yaml
      settings, paths, keys, redaction, a sample line
  ringseal doctor --url http://127.0.0.1:8080/orders --log /var/log/shop
      whether a request arrives in the log as it should

The check of a configuration looks at it as its service would start with it, and writes only to a temporary file. \
The check of a service sends one request with a trace, a made-up email address and a made-up token, and reads what \
the log says about it: JSON, ids, propagation, and that nothing of it is in clear.

Exit codes: 0 nothing failed, 1 a check failed, 2 wrong usage.";

/// Finds out what would go wrong: with a configuration, or with a running service.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    sources: SourceArgs,
    /// A running service, in place of a configuration: http://HOST:PORT/PATH.
    #[arg(long, value_name = "URL", requires = "log", conflicts_with_all = ["files", "dotenvs"])]
    url: Option<String>,
    /// The log of the service: a file, or a directory with logs.
    #[arg(long, value_name = "FILE|DIR", requires = "url")]
    log: Option<PathBuf>,
    /// How long the service and its log may take.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = parse_duration)]
    timeout: Duration,
    /// Print a JSON array with an object for each check.
    #[arg(long)]
    json: bool,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Good,
    /// Works, but probably not as intended.
    Warning,
    Failed,
    /// What it needs is not there.
    Unchecked,
}

impl Outcome {
    const fn as_str(self) -> &'static str {
        match self {
            Outcome::Good => "ok",
            Outcome::Warning => "warning",
            Outcome::Failed => "failed",
            Outcome::Unchecked => "not checked",
        }
    }
}

/// The result of one check.
#[derive(Debug)]
struct Check {
    name: &'static str,
    outcome: Outcome,
    /// What was found, and what to do.
    text: String,
}

impl Check {
    fn good(name: &'static str, text: impl Into<String>) -> Self {
        Self { name, outcome: Outcome::Good, text: text.into() }
    }

    fn warning(name: &'static str, text: impl Into<String>) -> Self {
        Self { name, outcome: Outcome::Warning, text: text.into() }
    }

    fn failed(name: &'static str, text: impl Into<String>) -> Self {
        Self { name, outcome: Outcome::Failed, text: text.into() }
    }

    fn unchecked(name: &'static str, text: impl Into<String>) -> Self {
        Self { name, outcome: Outcome::Unchecked, text: text.into() }
    }
}

/// Runs the command.
///
/// # Errors
/// If the URL is none, or the output cannot be written.
pub fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let checks = match (&args.url, &args.log) {
        (Some(url), Some(log)) => service::check(url, log, args.timeout)?,
        _ => configuration::check(&args.sources),
    };
    let mut out = io::stdout().lock();
    if args.json {
        let objects: Vec<String> = checks
            .iter()
            .map(|Check { name, outcome, text }| {
                let outcome = outcome.as_str();
                format!(
                    "{{\"check\":{},\"outcome\":\"{outcome}\",\"text\":{}}}",
                    quoted(name),
                    quoted(text)
                )
            })
            .collect();
        writeln!(out, "[{}]", objects.join(",\n"))?;
    } else {
        let width = checks.iter().map(|check| check.name.len()).max().unwrap_or_default();
        for Check { name, outcome, text } in &checks {
            for (index, line) in text.lines().enumerate() {
                let head = match index {
                    0 => format!("{:11}  {name:width$}  ", outcome.as_str()),
                    _ => " ".repeat(11 + width + 4),
                };
                write_safe(&format!("{head}{line}"), &mut out)?;
                out.write_all(b"\n")?;
            }
        }
    }
    let has_failed = checks.iter().any(|check| check.outcome == Outcome::Failed);
    Ok(if has_failed { ExitStatus::Findings } else { ExitStatus::Success })
}
