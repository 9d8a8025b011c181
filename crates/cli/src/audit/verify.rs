//! `ringseal audit verify`, and its text report, which the demo also prints.
use std::fmt;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ringseal_audit::entry::Scheme;
use ringseal_audit::keys::load_mac;
use ringseal_audit::note::NOTE_BYTES_MAX;
use ringseal_audit::read::first_start;
use ringseal_audit::system::OsStorage;
use ringseal_audit::verify::{
    self, Finding, FindingKind, KnownCheckpoint, PrunePolicy, VerifyOptions, VerifyReport,
};
use ringseal_base::digest::Hash;
use ringseal_base::digest::text::{Base64, base64, base64_array};

use super::{LogDir, public_key, read_small};
use crate::console::{ExitStatus, Failure};
use crate::progress::Progress;
use crate::size::{format_bytes, format_count};
use crate::time::{Moment, parse_duration};

/// Verifies a whole log: every entry, link, checkpoint, change of keys and tile.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without --mac, entries are checked against the checkpoints that seal them, not one by one. Without \
--known-checkpoint, a log that was cut back to an older state is not detected. docs/audit-tamper.md lists \
all cases.

A pause, a burst or a full disk can leave a gap between checkpoints: a warning, which --strict makes exit code 1. \
The host's keys can sign the removal of all past entries: --no-prune and --prune-policy say which removals \
are expected. A log that continues a damaged one, which its service set aside, is a finding until --accept-set-aside \
names that one's root.

Exit codes: 0 intact, 1 tampered (all bad records are named, the first one in detail), 2 could not check.")]
pub(super) struct Args {
    #[command(flatten)]
    log: LogDir,
    /// The log's public key, `audit.pub`, from a place where an intruder cannot change it. [default: audit.pub in the
    /// log's directory, or else in ./keys]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The chain's first key, `audit.mac`.
    #[arg(long, value_name = "FILE")]
    mac: Option<PathBuf>,
    /// A checkpoint that was kept elsewhere. Can be repeated.
    #[arg(long, value_name = "FILE")]
    known_checkpoint: Vec<PathBuf>,
    /// The longest time without a checkpoint. [default: twice what the log promises]
    #[arg(long, value_name = "SPAN", value_parser = parse_duration)]
    max_gap: Option<Duration>,
    /// The most entries between checkpoints. [default: twice what the log promises]
    #[arg(long, value_name = "COUNT")]
    max_gap_entries: Option<u64>,
    /// Treat warnings as findings.
    #[arg(long)]
    strict: bool,
    /// No entries may have been removed.
    #[arg(long, conflicts_with = "prune_policy")]
    no_prune: bool,
    /// Entries may only have been removed at this age or later, by their own times.
    #[arg(long, value_name = "AGE", value_parser = parse_duration)]
    prune_policy: Option<Duration>,
    /// The root of a log set aside that this one is known to continue, as `verify` shows it: a warning instead of a
    /// finding.
    #[arg(long, value_name = "ROOT", value_parser = parse_root)]
    accept_set_aside: Option<Hash>,
    /// The current time, for the age of the last checkpoint: RFC 3339, a date, or a duration ago. [default: now]
    #[arg(long, value_name = "MOMENT")]
    now: Option<Moment>,
    /// Threads that share the work, at most 64; the report is the same for any number. [default: as many as the
    /// processor runs at the same time]
    #[arg(long, value_name = "COUNT")]
    threads: Option<NonZeroUsize>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

impl Args {
    fn options(&self) -> Result<VerifyOptions, Failure> {
        let mut options = VerifyOptions::new(public_key(&self.key_path()?)?);
        let first_key = self.mac.as_ref().map(|path| load_mac(&OsStorage, path)).transpose();
        options.first_key = first_key.map_err(Failure::of)?;
        for path in &self.known_checkpoint {
            let name = path.display().to_string();
            let note = read_small(path, NOTE_BYTES_MAX)?;
            options.known_checkpoints.push(KnownCheckpoint { name, note });
        }
        let clock = unix_nanos_now();
        options.now_unix_nanos = Some(self.now.map_or(clock, |now| now.unix_nanos(clock)));
        options.gap_seconds_max = self.max_gap.map(|gap| gap.as_secs());
        options.gap_entries_max = self.max_gap_entries;
        options.prunes = match self.prune_policy {
            Some(age) => PrunePolicy::OlderThan(age.as_secs()),
            None if self.no_prune => PrunePolicy::Never,
            None => PrunePolicy::Any,
        };
        options.accepted_set_aside = self.accept_set_aside;
        options.threads = self.threads;
        Ok(options)
    }

    /// The file of the public key.
    fn key_path(&self) -> Result<PathBuf, Failure> {
        if let Some(path) = &self.key {
            return Ok(path.clone());
        }
        let dir = &self.log.dir;
        let candidates = [dir.join("audit.pub"), PathBuf::from("keys/audit.pub")];
        candidates.into_iter().find(|path| path.is_file()).ok_or_else(|| {
            Failure::Message(format!(
                "could not check {}: found no audit.pub in it or in ./keys; name the log's public key: --key FILE",
                dir.display()
            ))
        })
    }
}

/// A root hash in base64, as checkpoints and reports have it.
fn parse_root(text: &str) -> Result<Hash, String> {
    base64_array(Base64::Standard, text.as_bytes())
        .map_err(|_| "expected the base64 of 32 bytes, as `verify` shows a root".to_owned())
}

/// Nanoseconds since 1970.
pub(super) fn unix_nanos_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let dir = &args.log.dir;
    let verified = verify_with_progress(dir, &args.options()?);
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", verified.to_json())?;
    }
    match (&verified.report.outcome, &verified.report.problem) {
        (verify::VerifyOutcome::Unchecked, problem) => {
            let why = problem.as_deref().unwrap_or("unknown reason");
            Err(Failure::Message(format!("could not check {}: {why}", dir.display())))
        }
        (outcome, _) => {
            if !args.json {
                write!(out, "{verified}")?;
                if args.key_path().is_ok_and(|key| is_inside(&key, dir)) {
                    writeln!(out, "beware      {KEY_IN_LOG_WARNING}")?;
                }
            }
            let is_quiet = !args.strict || verified.report.warnings.is_empty();
            let is_intact = is_quiet && *outcome == verify::VerifyOutcome::Intact;
            Ok(if is_intact { ExitStatus::Success } else { ExitStatus::Findings })
        }
    }
}

const KEY_IN_LOG_WARNING: &str = "the key is in the log's own directory: an attacker who can rewrite the log can\n            \
                       rewrite the key. Compare it with a copy from elsewhere";

fn is_inside(key: &Path, dir: &Path) -> bool {
    match (key.canonicalize(), dir.canonicalize()) {
        (Ok(key), Ok(dir)) => key.starts_with(dir),
        _ => false,
    }
}

/// A report, and the scheme of the log.
#[derive(Debug)]
pub struct Verified {
    /// The verifier's report.
    pub report: VerifyReport,
    /// How the log's entries are chained, if that could be read.
    pub scheme: Option<Scheme>,
}

/// Verifies a log, with a progress bar on standard error if that is a terminal and verification takes long.
pub fn verify_with_progress(dir: &Path, options: &VerifyOptions) -> Verified {
    let mut bar: Option<(Progress, u64)> = None;
    let report = verify::verify(&OsStorage, dir, options, &mut |now| {
        let (bar, shown) =
            bar.get_or_insert_with(|| (Progress::without_output(now.bytes_total), 0));
        bar.add(usize::try_from(now.bytes_done.saturating_sub(*shown)).unwrap_or(usize::MAX));
        *shown = now.bytes_done;
    });
    let scheme = first_start(&OsStorage, dir).ok().map(|start| start.scheme);
    Verified { report, scheme }
}

impl Verified {
    /// The library's report with the additional member `keyless`.
    fn to_json(&self) -> String {
        let json = self.report.to_json();
        let keyless = match self.scheme {
            Some(Scheme::Hash) => "true",
            Some(Scheme::Mac) => "false",
            None => "null",
        };
        format!("{},\"keyless\":{keyless}}}", json.strip_suffix('}').unwrap_or(&json))
    }

    fn chain(&self) -> &'static str {
        match (self.scheme, self.report.chain_checked) {
            (Some(Scheme::Hash), _) => {
                "KEYLESS: it detects accidents only. Plain hashes, sealed by keys that the log made itself:\n            \
                 anyone with write access to the directory can make another log"
            }
            (_, true) if self.report.first_bad.is_some() => {
                "every entry's signature up to there was checked with audit.mac"
            }
            (_, true) => "every entry's signature was checked with audit.mac",
            (_, false) => {
                "single signatures were not checked (this needs --mac audit.mac); checkpoints, links\n            \
                 and hashes were"
            }
        }
    }
}

/// A count with its noun.
fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", format_count(count), if count == 1 { "" } else { "s" })
}

fn write_finding(f: &mut fmt::Formatter<'_>, finding: &Finding) -> fmt::Result {
    match finding.kind {
        FindingKind::WrongKey => {
            writeln!(f, "WRONG KEY   or the log was replaced: {}", finding.kind.as_str())?
        }
        kind => writeln!(f, "TAMPERED    the first bad record: {}", kind.as_str())?,
    }
    write!(f, "where       file {}", finding.place.file)?;
    let numbers =
        [("line", finding.place.line), ("seq", finding.place.seq), ("byte", finding.place.offset)];
    for (what, number) in numbers {
        if let Some(number) = number {
            write!(f, ", {what} {number}")?;
        }
    }
    writeln!(f, "\nwhat        {}", finding.detail)
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = &self.report;
        let noun = if report.entries == 1 { "entry" } else { "entries" };
        let (entries, bytes) = (format_count(report.entries), format_bytes(report.bytes));
        match &report.first_bad {
            Some(finding) => {
                write_finding(f, finding)?;
                if finding.kind == FindingKind::WrongKey {
                    // The counts are meaningless here.
                    return Ok(());
                }
                let segments = counted(report.segments, "whole segment");
                writeln!(f, "before it   {entries} {noun}, {bytes}; {segments}")?;
                for more in &report.more_bad {
                    writeln!(f, "also        {more}")?;
                }
                if report.more_bad_left_out > 0 {
                    writeln!(f, "also        {} more", format_count(report.more_bad_left_out))?;
                }
            }
            None => {
                let segments = counted(report.segments, "segment");
                writeln!(f, "intact      {entries} {noun}, {bytes} in {segments}")?;
            }
        }
        if let Some(pruned) = &report.pruned {
            let count = format_count(pruned.before_seq);
            let by = counted_entries(pruned.prune_entries);
            let root = base64(Base64::Standard, &pruned.root);
            writeln!(
                f,
                "pruned      {count} before them, by {by} that the log signed; their hashes are present, root {root}"
            )?;
        }
        writeln!(f, "log         {}", report.origin)?;
        writeln!(f, "chain       {}", self.chain())?;
        write_checkpoints(f, report)?;
        write_weaknesses(f, report)?;
        for warning in &report.warnings {
            writeln!(f, "warning     {warning}")?;
        }
        if report.warnings_left_out > 0 {
            writeln!(f, "warning     and {} more", format_count(report.warnings_left_out))?;
        }
        for note in &report.notes {
            writeln!(f, "note        {note}")?;
        }
        if report.notes_left_out > 0 {
            writeln!(f, "note        and {} more", format_count(report.notes_left_out))?;
        }
        Ok(())
    }
}

/// What the verdict does not prove.
fn write_weaknesses(f: &mut fmt::Formatter<'_>, report: &VerifyReport) -> fmt::Result {
    if report.entries_unproven > 0 {
        let count = counted_entries(report.entries_unproven);
        writeln!(
            f,
            "unproven    {count} after the last checkpoint: nothing proves their content without --mac audit.mac"
        )?;
    }
    if report.state_in_log {
        writeln!(
            f,
            "state       in the log's own directory: weaker against rollback of log and state together\n            \
             than a state kept elsewhere (`AuditConfig::state_dir`)"
        )?;
    }
    if report.format == 1 {
        writeln!(
            f,
            "format      1: a restart may have sealed what was changed while the service was down"
        )?;
    }
    Ok(())
}

fn counted_entries(count: u64) -> String {
    format!("{} {}", format_count(count), if count == 1 { "entry" } else { "entries" })
}

fn write_checkpoints(f: &mut fmt::Formatter<'_>, report: &VerifyReport) -> fmt::Result {
    let checkpoints = counted(report.checkpoints, "checkpoint");
    let epochs = counted(report.epochs.saturating_sub(1), "change");
    let rest = format_count(report.entries_unsealed);
    let of = match report.first_bad {
        Some(_) => "of these entries ",
        None => "entries ",
    };
    writeln!(f, "sealed      {checkpoints}, {epochs} of keys; {of}after the last one: {rest}")?;
    if report.known_checkpoints > 0 {
        let count = counted(report.known_checkpoints, "checkpoint");
        writeln!(f, "kept        {count} from elsewhere, found in its past")
    } else if report.first_bad.is_none() {
        writeln!(
            f,
            "kept        no checkpoint from elsewhere: a cut or an older copy may be undetected"
        )
    } else {
        Ok(())
    }
}
