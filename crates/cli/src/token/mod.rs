//! `ringseal token`: keyset files, and tokens from them.
//!
//! Values come from standard input, line by line, or from the arguments; memory is constant. Keys are read once, at the
//! start, and overwritten at the end.
use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use ringseal_redact::token::{Access, KeysetKind};

use crate::console::{ExitStatus, Failure};

mod keysets;
mod typo_warnings;
mod values;

const EXAMPLES: &str = "\
Examples:
  ringseal token keygen token-keyset.json --kind token
  ringseal token keygen reveal-keyset.json --kind reveal
  ringseal token rotate reveal-keyset.json --add-only     distribute it …
  ringseal token rotate reveal-keyset.json --primary rk2  … then make it primary
  ringseal token tokenize --keyset token-keyset.json --env prod --type email \\
      < addresses.txt
  ringseal token reveal --keyset token-keyset.json \\
      --reveal-keyset reveal-keyset.json --access full --env prod --type email \\
      < tokens.txt

Keysets and environment can also be set by the library's variables: PII_PROVIDER=file, PII_ACCESS, \
PII_ENV, PII_TOKEN_KEYSET_PATH, PII_REVEAL_KEYSET_PATH, PII_KEYSET_GROUP_READABLE. Options take \
precedence.

Exit codes: 0 success, 1 a value was refused (reported on standard error; its line is empty), 2 wrong \
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
    /// Writes a new keyset with one random key, readable only by its owner; never overwrites a file.
    Keygen(Keygen),
    /// Adds a random key to a keyset and makes it primary; the old keys stay.
    Rotate(Rotate),
    /// Makes tokens: the same value gives the same token, `ptok:v1:…`.
    Tokenize(Values),
    /// Encrypts values so that they can be revealed, `penc:v1:…`. Needs access full.
    Protect(Values),
    /// Decrypts values. Needs access full.
    Reveal(Reveal),
}

/// The purpose of the keys.
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
    /// The purpose of the key.
    #[arg(long, value_enum)]
    kind: KeysetType,
    /// The key's id: 1 to 32 letters, digits, - or _. Encrypted values carry it. [default: tk1, rk1]
    #[arg(long, value_name = "ID")]
    kid: Option<String>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Tokens are made only with the primary key. A new primary key gives every value another token, and lines \
from before and after the change can no longer be joined. Encrypted values can be revealed as long as their \
key stays in the keyset; a process that has not loaded a new key yet (they check every 10 s) \
cannot reveal what others have encrypted with it. Therefore, first add the key, and later make it primary.")]
struct Rotate {
    /// The keyset file.
    #[arg(value_name = "FILE")]
    path: PathBuf,
    /// The new key's id. [default: the primary's, incremented]
    #[arg(long, value_name = "ID")]
    kid: Option<String>,
    /// Add the key, and keep the current primary key.
    #[arg(long)]
    add_only: bool,
    /// Add no key; make this key of the keyset primary.
    #[arg(long, value_name = "ID", conflicts_with_all = ["kid", "add_only"])]
    primary: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Reveal {
    #[command(flatten)]
    values: Values,
    /// Write the bytes unchanged. Otherwise a value with control characters (which could control the
    /// terminal) or invalid UTF-8 is written escaped.
    #[arg(long)]
    raw: bool,
}

#[derive(Debug, clap::Args)]
struct Values {
    /// The values. Other users of this machine can read arguments (`ps`): except for tests, use
    /// standard input, one value per line.
    #[arg(value_name = "VALUE")]
    values: Vec<String>,
    /// The type of the values: email, phone, generic, or a new one. Tokens of different types never
    /// match, and a value encrypted as one type is not revealed as another.
    #[arg(long = "type", value_name = "TYPE", default_value = "generic")]
    field: String,
    /// The environment; tokens of different environments never match. [default: PII_ENV, or unknown
    /// with a warning]
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
/// If a keyset cannot be read or written, or the access does not allow the operation.
pub fn run(args: &Args) -> Result<ExitStatus, Failure> {
    match &args.command {
        Command::Keygen(args) => keysets::generate(args),
        Command::Rotate(args) => keysets::rotate(args),
        Command::Tokenize(args) => values::tokenize(args),
        Command::Protect(args) => values::protect(args),
        Command::Reveal(args) => values::reveal(args),
    }
}
