//! `ringseal token`: keyset files, and tokens from them.
//!
//! Values come from standard input, line by line, or from the arguments; memory stays flat. Keys are read
//! once, at the start, and overwritten at the end.
use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use ringseal::redact::token::{Access, KeysetKind};

use crate::console::{ExitStatus, Failure};

mod keysets;
mod typo_warnings;
mod values;

const EXAMPLES: &str = "\
Examples:
  ringseal token keygen token-keyset.json --kind token
  ringseal token keygen reveal-keyset.json --kind reveal
  ringseal token rotate reveal-keyset.json --add-only     all take it in …
  ringseal token rotate reveal-keyset.json --primary rk2  … then it writes
  ringseal token tokenize --keyset token-keyset.json --env prod --type email \\
      < addresses.txt
  ringseal token reveal --keyset token-keyset.json \\
      --reveal-keyset reveal-keyset.json --access full --env prod --type email \\
      < tokens.txt

Keysets and environment may also stand in the variables of the library: PII_PROVIDER=file, PII_ACCESS, \
PII_ENV, PII_TOKEN_KEYSET_PATH, PII_REVEAL_KEYSET_PATH, PII_KEYSET_GROUP_READABLE. Options win.

Exit codes: 0 all is well, 1 a value was refused (said on standard error; its line is empty), 2 wrong \
usage, or a keyset could not be read or written.";

/// Makes and changes keysets; makes tokens of values, encrypts and reveals them.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Writes a new keyset of one random key, readable for its owner alone; never over a file.
    Keygen(Keygen),
    /// Adds a random key to a keyset and lets it write; the old keys stay.
    Rotate(Rotate),
    /// Makes tokens: the same value gives the same token, `ptok:v1:…`.
    Tokenize(Values),
    /// Encrypts values so that they can be revealed, `penc:v1:…`. Needs access full.
    Protect(Values),
    /// Shows what was encrypted. Needs access full.
    Reveal(Reveal),
}

/// What the keys are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum KeysetType {
    /// Tokens (HMAC-SHA-256).
    Token,
    /// Encryption (AES-256-GCM).
    Reveal,
}

impl KeysetType {
    fn keyset(self) -> KeysetKind {
        match self {
            KeysetType::Token => KeysetKind::Token,
            KeysetType::Reveal => KeysetKind::Reveal,
        }
    }

    fn first_kid(self) -> &'static str {
        match self {
            KeysetType::Token => "tk1",
            KeysetType::Reveal => "rk1",
        }
    }
}

#[derive(Debug, clap::Args)]
struct Keygen {
    /// The file to write.
    #[arg(value_name = "FILE")]
    path: PathBuf,
    /// What the key is for.
    #[arg(long, value_enum)]
    kind: KeysetType,
    /// The key's id: 1 to 32 letters, digits, - or _. Encrypted values carry it. [default: tk1, rk1]
    #[arg(long, value_name = "ID")]
    kid: Option<String>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Tokens are made with the primary key alone: a new one gives every value another token, and lines \
from before and after can no longer be joined. Encrypted values can be revealed as long as their \
key stays in the keyset; a process that has not taken a new key in yet (they look every 10 s) \
cannot reveal what others have encrypted with it. So add first, and make primary later.")]
struct Rotate {
    /// The keyset file.
    #[arg(value_name = "FILE")]
    path: PathBuf,
    /// The new key's id. [default: the primary's, counted up]
    #[arg(long, value_name = "ID")]
    kid: Option<String>,
    /// Add the key, and let the one that writes now go on writing.
    #[arg(long)]
    add_only: bool,
    /// Add no key; let this one of the keyset write.
    #[arg(long, value_name = "ID", conflicts_with_all = ["kid", "add_only"])]
    primary: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Reveal {
    #[command(flatten)]
    values: Values,
    /// Write the bytes as they are. Otherwise a value with control characters (they could command the
    /// terminal) or without valid UTF-8 is written escaped.
    #[arg(long)]
    raw: bool,
}

#[derive(Debug, clap::Args)]
struct Values {
    /// The values. Others on this machine can read arguments (`ps`): for anything but a try use
    /// standard input, one value per line.
    #[arg(value_name = "VALUE")]
    values: Vec<String>,
    /// What the values are: email, phone, generic, or a type of your own. Tokens of one type are never
    /// those of another, and what was encrypted as one type is not revealed as another.
    #[arg(long = "type", value_name = "TYPE", default_value = "generic")]
    field: String,
    /// The environment, which keeps tokens apart. [default: PII_ENV, or unknown with a notice]
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
    /// The token keyset. [default: PII_TOKEN_KEYSET_PATH]
    #[arg(long, value_name = "FILE")]
    keyset: Option<PathBuf>,
    /// The reveal keyset, read with access full only. [default: PII_REVEAL_KEYSET_PATH]
    #[arg(long, value_name = "FILE")]
    reveal_keyset: Option<PathBuf>,
    /// tokenize or full. [default: PII_ACCESS or tokenize]
    #[arg(long, value_name = "MODE", value_parser = parse_access)]
    access: Option<Access>,
}

fn parse_access(name: &str) -> Result<Access, String> {
    Access::from_name(name).ok_or_else(|| "expected tokenize or full".to_owned())
}

/// Runs the command.
///
/// # Errors
/// When a keyset cannot be read or written, or the access does not allow what is asked for.
pub fn run(args: &Args) -> Result<ExitStatus, Failure> {
    match &args.command {
        Command::Keygen(args) => keysets::generate(args),
        Command::Rotate(args) => keysets::rotate(args),
        Command::Tokenize(args) => values::tokenize(args),
        Command::Protect(args) => values::protect(args),
        Command::Reveal(args) => values::reveal(args),
    }
}
