//! `ringseal audit`: creates keys; verifies, proves and shows audit logs.
//!
//! The commands read a log's directory and write nothing into it, except `fsck --repair`, which rebuilds derived files.
//! They do not need the service that wrote the log.
use std::path::{Path, PathBuf};

use clap::Subcommand;
use ringseal_audit::keys::load_verifier;
use ringseal_audit::note::Verifier;
use ringseal_audit::system::{FileKind, OsStorage, Storage};

use crate::console::{Color, ExitStatus, Failure};

mod catalogue;
mod chain_key;
mod checkpoint;
mod fsck;
mod keygen;
mod proof;
mod show;
mod timestamp;
pub mod verify;

const EXAMPLES: &str = "\
Examples:
  ringseal audit keygen --dir ./keys          once, before the service starts
  ringseal audit verify /var/log/shop/audit --key audit.pub \\
      --mac audit.mac --known-checkpoint kept
  ringseal audit checkpoint /var/log/shop/audit --out kept
                                              to keep out of an intruder's reach
  ringseal audit prove inclusion 1234 /var/log/shop/audit > proof
  ringseal audit check-proof proof --key audit.pub
                                              anywhere, without the log
  ringseal audit timestamp request /var/log/shop/audit
                                              for an authority to stamp
  ringseal audit show /var/log/shop/audit --type 'user.*' --actor u-17

Detected and undetected changes: docs/audit-tamper.md. The format: docs/audit-format.md.

Exit codes: 0 intact, 1 tampered, or a proof that is not valid, 2 could not check, or wrong usage.";

/// Creates keys for audit logs, verifies logs, proves single entries, shows entries.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Catalogue(catalogue::Args),
    Keygen(keygen::Args),
    ChainKey(chain_key::Args),
    Verify(verify::Args),
    Prove(proof::ProveArgs),
    CheckProof(proof::CheckArgs),
    Checkpoint(checkpoint::Args),
    Fsck(fsck::Args),
    Show(show::Args),
    Timestamp(timestamp::Args),
}

/// Runs the command.
///
/// # Errors
/// If something could not be read or written, or nothing could be checked.
pub fn run(args: &Args, color: Color) -> Result<ExitStatus, Failure> {
    match &args.command {
        Command::Catalogue(args) => catalogue::run(args),
        Command::Keygen(args) => keygen::run(args),
        Command::ChainKey(args) => chain_key::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Prove(args) => proof::prove(args),
        Command::CheckProof(args) => proof::check(args),
        Command::Checkpoint(args) => checkpoint::run(args),
        Command::Fsck(args) => fsck::run(args),
        Command::Show(args) => show::run(args, color),
        Command::Timestamp(args) => timestamp::run(args),
    }
}

/// Reads `audit.pub`.
fn public_key(path: &Path) -> Result<Verifier, Failure> {
    load_verifier(&OsStorage, path).map_err(Failure::of)
}

/// The kind of what is in the place of a regular file; `None` if it is one, or is missing. Reading a pipe could wait
/// without end.
fn wrong_kind(path: &Path) -> Option<&'static str> {
    let kind = OsStorage.stat(path).ok()?.kind;
    (kind != FileKind::Regular).then_some(kind.as_str())
}

/// Reads a file of at most `bytes_max` bytes, or standard input for `-`.
fn read_small(path: &Path, bytes_max: usize) -> Result<Vec<u8>, Failure> {
    use std::io::Read;
    let failed = |error| Failure::Message(format!("{}: {error}", path.display()));
    let mut bytes = Vec::new();
    let mut input: Box<dyn Read> = match path.as_os_str() == "-" {
        true => Box::new(std::io::stdin().lock()),
        false => Box::new(std::fs::File::open(path).map_err(failed)?),
    };
    input.by_ref().take(bytes_max as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > bytes_max {
        let path = path.display();
        return Err(Failure::Message(format!("{path}: expected at most {bytes_max} bytes")));
    }
    Ok(bytes)
}

/// The directory of a log, as an argument.
#[derive(Debug, clap::Args)]
struct LogDir {
    /// The log's directory.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}
