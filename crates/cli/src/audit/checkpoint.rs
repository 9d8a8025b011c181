//! `ringseal audit checkpoint`: shows the latest checkpoint, or keeps it as an anchor.
//!
//! An existing anchor is replaced only by a checkpoint that is consistent with it: rolling a log back must
//! not roll back the anchor.
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use ringseal_audit::checkpoint::Checkpoint;
use ringseal_audit::note::{NOTE_BYTES_MAX, Note, Verifier};
use ringseal_audit::proof::{ProveError, prove_consistency, prove_inclusion};
use ringseal_audit::read::{LineContent, claimed_root, read_entries};
use ringseal_audit::system::OsStorage;
use ringseal_base::digest::text::{Base64, base64};
use tempfile::NamedTempFile;

use super::verify::unix_nanos_now;
use super::{LogDir, public_key, read_small};
use crate::console::{ExitStatus, Failure, write_stderr};
use crate::size::format_count;
use crate::time::write_millis;

/// Writes the latest checkpoint to standard output, and its size and age to standard error.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A checkpoint kept out of an intruder's reach shows later whether anything before it was changed or cut \
off (`verify --known-checkpoint FILE`). An older checkpoint in FILE is replaced only if the log is consistent \
with it; otherwise FILE is left unchanged, and the exit code is 1.

Exit codes: 0 success, 1 the log contradicts FILE or the key, 2 there is no checkpoint or it cannot \
be read or written.")]
pub(super) struct Args {
    #[command(flatten)]
    log: LogDir,
    /// Write the checkpoint to this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Check its signature against the log's public key, `audit.pub`.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let dir = &args.log.dir;
    let path = dir.join("checkpoint");
    if let Some(found) = super::wrong_kind(&path) {
        write_stderr(format_args!("{}: expected a regular file, found {found}", path.display()));
        return Ok(ExitStatus::Findings);
    }
    let note = read_small(&path, NOTE_BYTES_MAX)?;
    let checkpoint = parse_note(&note, &path)?;
    let key = args.key.as_deref().map(public_key).transpose()?;
    if let Some(key) = &key
        && let Err(error) = prove_inclusion(&OsStorage, dir, key, checkpoint.size.saturating_sub(1))
    {
        return report_inconsistency(&error);
    }
    report_checkpoint(dir, &checkpoint, key.is_some())?;
    let Some(out) = &args.out else {
        io::stdout().lock().write_all(&note)?;
        return Ok(ExitStatus::Success);
    };
    if let Some(older) = read_older(out)?
        && let Some(finding) = find_contradiction(dir, key, &older, &checkpoint)?
    {
        write_stderr(format_args!("{}: {finding}; the file was left unchanged", out.display()));
        return Ok(ExitStatus::Findings);
    }
    write_anchor(out, &note)?;
    Ok(ExitStatus::Success)
}

pub(super) fn parse_note(note: &[u8], path: &Path) -> Result<Checkpoint, Failure> {
    let wrong = |error: String| Failure::Message(format!("{}: {error}", path.display()));
    let note = Note::parse(note).map_err(|error| wrong(error.to_string()))?;
    Checkpoint::parse_text(note.text).map_err(|error| wrong(error.to_string()))
}

/// Reports an inconsistency as a finding, any other error as a failure.
fn report_inconsistency(error: &ProveError) -> Result<ExitStatus, Failure> {
    match error {
        ProveError::Inconsistent(_) | ProveError::WrongKey { .. } => {
            write_stderr(error);
            Ok(ExitStatus::Findings)
        }
        error => Err(Failure::of(error)),
    }
}

/// Reads the checkpoint that was kept before.
fn read_older(path: &Path) -> Result<Option<Checkpoint>, Failure> {
    match path.try_exists() {
        Ok(false) => Ok(None),
        Ok(true) => parse_note(&read_small(path, NOTE_BYTES_MAX)?, path).map(Some),
        Err(error) => Err(Failure::Message(format!("{}: {error}", path.display()))),
    }
}

/// The reason why the log is not consistent with `old`; `None` if it is.
pub(super) fn find_contradiction(
    dir: &Path,
    key: Option<Verifier>,
    old: &Checkpoint,
    new: &Checkpoint,
) -> Result<Option<String>, Failure> {
    if old.origin != new.origin {
        let (found, expected) = (&old.origin, &new.origin);
        let message = format!("a checkpoint of {found}, expected one of {expected}");
        return Err(Failure::Message(message));
    }
    if new.size < old.size {
        let (old, new) = (format_count(old.size), format_count(new.size));
        return Ok(Some(format!("ROLLED BACK: the log had {old} entries, its checkpoint {new}")));
    }
    let key = match key {
        Some(key) => key,
        None => claimed_root(&OsStorage, dir).map_err(Failure::of)?,
    };
    let rewritten = format!("REWRITTEN: the first {} entries differ", format_count(old.size));
    match prove_consistency(&OsStorage, dir, &key, old.size, new.size) {
        Ok(proof) if proof.old_root == old.root => Ok(None),
        Ok(_) => Ok(Some(rewritten)),
        Err(error @ (ProveError::Inconsistent(_) | ProveError::WrongKey { .. })) => {
            Ok(Some(error.to_string()))
        }
        Err(error) => Err(Failure::of(error)),
    }
}

fn write_anchor(path: &Path, note: &[u8]) -> Result<(), Failure> {
    let written = written_beside(path, note).and_then(|file| Ok(file.persist(path)?));
    written.map(drop).map_err(|error| Failure::Message(format!("{}: {error}", path.display())))
}

/// Writes and syncs a temporary file beside `path`, to be renamed to it.
pub(super) fn written_beside(path: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(dir)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// Describes the checkpoint on standard error.
fn report_checkpoint(dir: &Path, checkpoint: &Checkpoint, is_checked: bool) -> Result<(), Failure> {
    let (sealed_at, entries_after) = seal_time_and_tail(dir, checkpoint)?;
    let time = sealed_at.map_or("unknown: its last entry was pruned".to_owned(), |at| {
        let time = String::from_utf8_lossy(&write_millis(at)).into_owned();
        format!("{time}, {} ago", format_duration(unix_nanos_now().saturating_sub(at)))
    });
    let signature = if is_checked { "good" } else { "not checked, needs --key audit.pub" };
    let mut err = io::stderr().lock();
    // Errors on standard error are ignored: the note is the result.
    let _ = writeln!(
        err,
        "log         {}\nsize        {} entries, and {} after it\nroot        {}\ntime        {time}\n\
         signature   {signature}",
        checkpoint.origin,
        format_count(checkpoint.size),
        format_count(entries_after),
        base64(Base64::Standard, &checkpoint.root),
    );
    Ok(())
}

/// The time of the last entry that the checkpoint covers, and the number of entries after it.
fn seal_time_and_tail(dir: &Path, checkpoint: &Checkpoint) -> Result<(Option<i64>, u64), Failure> {
    let last = checkpoint.size.saturating_sub(1);
    let (mut sealed_at, mut entries_after) = (None, 0);
    let read = read_entries(&OsStorage, dir, last, &mut |line| {
        match line.content {
            LineContent::Entry(entry) if entry.seq == last => sealed_at = Some(entry.unix_nanos),
            LineContent::Entry(_) => entries_after += 1,
            _ => {}
        }
        ControlFlow::Continue(())
    });
    read.map_err(Failure::of)?;
    Ok((sealed_at, entries_after))
}

/// Formats a duration in its two largest units.
fn format_duration(nanos: i64) -> String {
    let seconds = nanos.max(0) / 1_000_000_000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::format_duration;

    #[test]
    fn durations_show_two_units() {
        let cases = [
            (-5, "0 s"),
            (59, "59 s"),
            (61, "1 min 1 s"),
            (7260, "2 h 1 min"),
            (90_000, "1 d 1 h"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(format_duration(seconds * 1_000_000_000), expected);
        }
    }
}
