//! `ringseal audit prove` and `check-proof`: make and check proofs.
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Subcommand;
use ringseal_audit::checkpoint::Checkpoint;
use ringseal_audit::entry::LINE_BYTES_MAX;
use ringseal_audit::note::{NOTE_BYTES_MAX, Verifier};
use ringseal_audit::proof::{
    ConsistencyProof, InclusionProof, PROOF_BYTES_MAX, ProofFileError, ProveError,
    prove_consistency, prove_inclusion,
};
use ringseal_audit::read::claimed_root;
use ringseal_audit::store::names;
use ringseal_audit::system::OsStorage;
use ringseal_base::digest::text::{Base64, base64};

use super::{LogDir, public_key, read_small};
use crate::console::{ExitStatus, Failure, write_stderr};

/// Writes a proof to standard output, which `check-proof` checks with `audit.pub` alone.
#[derive(Debug, clap::Args)]
pub(super) struct ProveArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Prove that an entry is in the log, as sealed by the latest checkpoint.
    Inclusion {
        /// The entry's number.
        #[arg(value_name = "SEQ")]
        seq: u64,
        #[command(flatten)]
        log: LogDir,
        /// `audit.pub`; by default the key that the log names. The check of the proof decides.
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
    /// Prove that the log of OLD entries is the beginning of the log of NEW entries, which must have a checkpoint.
    Consistency {
        /// Number of entries in the older log.
        #[arg(value_name = "OLD")]
        old_size: u64,
        /// Number of entries in a later checkpoint.
        #[arg(value_name = "NEW")]
        size: u64,
        #[command(flatten)]
        log: LogDir,
        /// `audit.pub`; by default the key that the log names. The check of the proof decides.
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
}

fn root_key(key: Option<&PathBuf>, log: &LogDir) -> Result<Verifier, Failure> {
    match key {
        Some(path) => public_key(path),
        None => claimed_root(&OsStorage, &log.dir).map_err(Failure::of),
    }
}

pub(super) fn prove(args: &ProveArgs) -> Result<ExitStatus, Failure> {
    let (log, made) = match &args.what {
        What::Inclusion { seq, log, key } => {
            let root = root_key(key.as_ref(), log)?;
            let made = prove_inclusion(&OsStorage, &log.dir, &root, *seq);
            (log, made.map(|proof| proof.to_text()))
        }
        What::Consistency { old_size, size, log, key } => {
            let root = root_key(key.as_ref(), log)?;
            let made = prove_consistency(&OsStorage, &log.dir, &root, *old_size, *size);
            (log, made.map(|proof| proof.to_text()))
        }
    };
    match made {
        Ok(text) => {
            io::stdout().lock().write_all(text.as_bytes())?;
            Ok(ExitStatus::Success)
        }
        Err(error @ (ProveError::Inconsistent(_) | ProveError::WrongKey { .. })) => {
            write_stderr(error);
            Ok(ExitStatus::Findings)
        }
        Err(error @ ProveError::NoCheckpoint { .. }) => {
            let path = log.dir.join(names::CHECKPOINT);
            let latest = super::checkpoint::parse_note(&read_small(&path, NOTE_BYTES_MAX)?, &path)?;
            let size = latest.size;
            Err(Failure::Message(format!("{error}; the latest covers {size} entries")))
        }
        Err(error) => Err(Failure::of(error)),
    }
}

/// Checks a proof, without the log.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A proof is only as reliable as the checkpoint in it. To check that others have seen the same checkpoint, \
compare it with one that was kept elsewhere.

Exit codes: 0 valid: it proves the printed statement, 1 not valid, 2 could not be read, or is not a proof.")]
pub(super) struct CheckArgs {
    /// The proof, or `-` for standard input.
    #[arg(value_name = "FILE")]
    proof: PathBuf,
    /// The log's public key, `audit.pub`.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The entry's line, or `-` for standard input: if the proof has none (the entry had been pruned), or to
    /// check that the proof is about this entry.
    #[arg(long, value_name = "FILE")]
    entry: Option<PathBuf>,
}

pub(super) fn check(args: &CheckArgs) -> Result<ExitStatus, Failure> {
    let root = public_key(&args.key)?;
    if args.proof.as_os_str() == "-"
        && args.entry.as_ref().is_some_and(|entry| entry.as_os_str() == "-")
    {
        return Err(Failure::Message("only one of proof and entry can be standard input".into()));
    }
    let bytes = read_small(&args.proof, PROOF_BYTES_MAX)?;
    let entry = args.entry.as_ref().map(|path| read_small(path, LINE_BYTES_MAX)).transpose()?;
    let not_a_proof =
        |error: ProofFileError| Failure::Message(format!("{}: {error}", args.proof.display()));
    let is_consistency = bytes.starts_with(b"ringseal-consistency-proof");
    let mut out = io::stdout().lock();
    let checked = if is_consistency {
        if entry.is_some() {
            return Err(Failure::Message("--entry: not allowed for a consistency proof".into()));
        }
        let proof = ConsistencyProof::parse(&bytes).map_err(not_a_proof)?;
        proof.verify(&root).map(|checkpoint| write_consistency(&mut out, &proof, &checkpoint))
    } else {
        let proof = InclusionProof::parse(&bytes).map_err(not_a_proof)?;
        let line = entry.as_deref().map(|line| line.strip_suffix(b"\n").unwrap_or(line));
        proof
            .verify(&root, line)
            .map(|checkpoint| write_inclusion(&mut out, &proof, line, &checkpoint))
    };
    match checked {
        Ok(written) => written.map(|()| ExitStatus::Success).map_err(Failure::from),
        Err(ProofFileError::NoEntry) => Err(Failure::Message(format!(
            "{}: the proof is of a pruned entry; pass its line with --entry",
            args.proof.display()
        ))),
        Err(error) => {
            write_stderr(format_args!("{}: not a valid proof: {error}", args.proof.display()));
            Ok(ExitStatus::Findings)
        }
    }
}

fn write_inclusion(
    out: &mut dyn Write,
    proof: &InclusionProof,
    line: Option<&[u8]>,
    checkpoint: &Checkpoint,
) -> io::Result<()> {
    writeln!(out, "proven      entry {} is in the log {}", proof.index, checkpoint.origin)?;
    write_checkpoint(out, checkpoint, proof.epochs.len())?;
    out.write_all(line.unwrap_or(&proof.line))?;
    out.write_all(b"\n")
}

fn write_consistency(
    out: &mut dyn Write,
    proof: &ConsistencyProof,
    checkpoint: &Checkpoint,
) -> io::Result<()> {
    let (old, root) = (proof.old_size, base64(Base64::Standard, &proof.old_root));
    writeln!(out, "proven      the log {} has only grown", checkpoint.origin)?;
    writeln!(out, "from        {old} entries, root {root}")?;
    write_checkpoint(out, checkpoint, proof.epochs.len())
}

fn write_checkpoint(out: &mut dyn Write, checkpoint: &Checkpoint, keys: usize) -> io::Result<()> {
    let root = base64(Base64::Standard, &checkpoint.root);
    writeln!(out, "checkpoint  {} entries, root {root}", checkpoint.size)?;
    match keys {
        0 => writeln!(out, "signed      by the key of audit.pub"),
        1 => writeln!(out, "signed      by the key that the key of audit.pub signed"),
        count => writeln!(out, "signed      by a key {count} changes after that of audit.pub"),
    }
}
