//! `ringseal audit catalogue check`: whether files are catalogues of audit events.
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Subcommand;
use ringseal::audit::Catalogue;

use super::read_small;
use crate::console::{ExitStatus, Failure, write_safe};
use crate::redact::escape::quoted;
use crate::size::format_count;

/// The longest catalogue.
const CATALOGUE_BYTES_MAX: usize = 16 << 20;

/// Checks catalogues of audit events.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(CheckArgs),
}

/// Checks that files are catalogues, and names the line of the first mistake.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The end of a name chooses the format: .json, .md or .toml. A catalogue lists the types of events that the audit log \
accepts, and the fields that each requires: docs/audit-events.md.

Exit codes: 0 all are catalogues, 1 one is not, 2 one cannot be read.")]
struct CheckArgs {
    /// Catalogues.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print a JSON array with an object for each file.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let Command::Check(args) = &args.command;
    let mut out = io::stdout().lock();
    let mut objects = Vec::new();
    let mut is_good = true;
    for path in &args.files {
        let name = path.display().to_string();
        let bytes = read_small(path, CATALOGUE_BYTES_MAX)?;
        let (types, error) = match check(&name, &bytes) {
            Ok(types) => (types, None),
            Err(error) => (0, Some(error)),
        };
        is_good &= error.is_none();
        if args.json {
            let error = error.map_or("null".into(), |error| quoted(&error));
            objects.push(format!(
                "{{\"file\":{},\"event_types\":{types},\"error\":{error}}}",
                quoted(&name)
            ));
            continue;
        }
        let found = match (error, types) {
            (Some(error), _) => error,
            (None, 0) => "no event types: every type is accepted".into(),
            (None, types) => format!("{} event types", format_count(types as u64)),
        };
        write_safe(&format!("{name}: {found}"), &mut out)?;
        out.write_all(b"\n")?;
    }
    if args.json {
        writeln!(out, "[{}]", objects.join(",\n"))?;
    }
    Ok(if is_good { ExitStatus::Success } else { ExitStatus::Findings })
}

/// The number of types of a catalogue, or its mistake.
fn check(name: &str, bytes: &[u8]) -> Result<usize, String> {
    let text = str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("line {line}: expected UTF-8, found another byte")
    })?;
    Catalogue::from_named(name, text)
        .map(|catalogue| catalogue.len())
        .map_err(|error| error.to_string())
}
