//! `ringseal audit chain-key`: derives the key of the chain again after its file was lost.
use std::io::{self, Write};
use std::path::PathBuf;

use ringseal_audit::keys::{create_secret, load_mac};
use ringseal_audit::read::chain_key;
use ringseal_audit::system::OsStorage;
use ringseal_audit::verify::VerifyOutcome;

use super::verify::{unix_nanos_now, verify_with_progress};
use super::{LogDir, public_key};
use crate::console::{ExitStatus, Failure};

/// Derives the host's key of the chain again, after `keys/chain.key` was lost.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Run it where audit.mac is kept, on a copy of the log's directory, and take only the result to the host: it cannot sign \
entries before the last checkpoint, and audit.mac can. The log is verified first.

Exit codes: 0 written, 1 the log is not intact, nothing was written, 2 could not check or write.")]
pub(super) struct Args {
    #[command(flatten)]
    log: LogDir,
    /// The log's public key, `audit.pub`.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The chain's first key, `audit.mac`.
    #[arg(long, value_name = "FILE")]
    mac: PathBuf,
    /// The file to create, with mode 0600; never overwritten.
    #[arg(long, value_name = "FILE", default_value = "chain.key")]
    out: PathBuf,
}

pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let dir = &args.log.dir;
    let first_key = load_mac(&OsStorage, &args.mac).map_err(Failure::of)?;
    let mut options = ringseal_audit::verify::VerifyOptions::new(public_key(&args.key)?);
    options.first_key = Some(first_key.clone());
    options.now_unix_nanos = Some(unix_nanos_now());
    let verified = verify_with_progress(dir, &options);
    let mut out = io::stdout().lock();
    match (verified.report.outcome, &verified.report.problem) {
        (VerifyOutcome::Intact, _) => {}
        (VerifyOutcome::Tampered, _) => {
            write!(out, "{verified}")?;
            return Ok(ExitStatus::Findings);
        }
        (_, problem) => {
            let why = problem.as_deref().unwrap_or("unknown reason");
            let dir = dir.display();
            return Err(Failure::Message(format!("could not check {dir}: {why}")));
        }
    }
    // The protected state on the host is never older than the last checkpoint.
    let sealed = verified.report.tree_size - verified.report.entries_unsealed;
    let key = chain_key(&OsStorage, dir, &first_key, sealed).map_err(Failure::of)?;
    let key = key.ok_or_else(|| {
        let dir = dir.display();
        Failure::Message(format!("{dir}: expected a log that is chained with a key"))
    })?;
    create_secret(&OsStorage, &args.out, key.chain_text(sealed).as_bytes()).map_err(Failure::of)?;
    let path = args.out.display();
    writeln!(
        out,
        "created {path}: the key of entry {sealed}; copy it to keys/chain.key of the log"
    )?;
    writeln!(out, "on the host, with mode 0600, and remove it here")?;
    Ok(ExitStatus::Success)
}
