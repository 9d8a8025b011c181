//! `ringseal audit fsck`: checks a log's files after an accident and rebuilds derived ones.
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use ringseal_audit::store::names::{ACTIVE, parse_sealed};
use ringseal_audit::store::{FsckFinding, FsckReport, Repair, fsck};
use ringseal_audit::system::{OsStorage, Storage};

use super::LogDir;
use crate::console::{ExitStatus, Failure};
use crate::redact::escape::quoted;
use crate::size::format_count;

/// Checks a log's files after an accident; rebuilds derived files on request.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
For damage by crashes, full disks and administrators: it needs no key and does not detect tampering; `verify` does. \
Entries are never changed. --repair rebuilds hash tiles and the file `checkpoint`; the service cuts, keeps \
and reports torn ends when it next opens the log. The service must not be running.

Exit codes: 0 no damage, or everything found was repaired, 1 damage that was not repaired, 2 could not check.")]
pub(super) struct Args {
    #[command(flatten)]
    log: LogDir,
    /// Rebuild hash tiles and `checkpoint` where they are missing or wrong.
    #[arg(long)]
    repair: bool,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let dir = &args.log.dir;
    check_log_exists(dir)?;
    let storage: Arc<dyn Storage> = Arc::new(OsStorage);
    let repair = if args.repair { Repair::Yes } else { Repair::No };
    let report = fsck(&storage, dir, repair).map_err(Failure::of)?;
    let found: Vec<FindingText> =
        report.findings.iter().map(|finding| describe(finding, &report)).collect();
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", to_json(&report, &found))?;
    } else {
        write_words(&mut out, &report, &found, args.repair)?;
    }
    let is_fine = found.iter().all(|text| text.is_repaired);
    Ok(if is_fine { ExitStatus::Success } else { ExitStatus::Findings })
}

/// Checks that there is a log before its lock file is created.
fn check_log_exists(dir: &Path) -> Result<(), Failure> {
    let failed = |error| Failure::Message(format!("{}: {error}", dir.display()));
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let is_segment = |name: &str| name == ACTIVE || parse_sealed(name).is_some();
        if name.to_str().is_some_and(is_segment) {
            return Ok(());
        }
    }
    Err(Failure::Message(format!("{}: no audit log in this directory", dir.display())))
}

/// A finding as text.
struct FindingText {
    kind: &'static str,
    file: String,
    offset: Option<u64>,
    seq: Option<u64>,
    what: String,
    is_repaired: bool,
}

fn describe(finding: &FsckFinding, report: &FsckReport) -> FindingText {
    let is_repaired = |name: &str| report.repaired.iter().any(|repaired| repaired == name);
    let of = |kind, file: &str, what: &str| FindingText {
        kind,
        file: file.to_owned(),
        offset: None,
        seq: None,
        what: what.to_owned(),
        is_repaired: is_repaired(file),
    };
    match finding {
        FsckFinding::Damaged { file, offset, seq, what } => FindingText {
            offset: Some(*offset),
            seq: Some(*seq),
            ..of("damaged", file, &format!("{what}; nothing after it was checked"))
        },
        FsckFinding::Torn { file, offset } => FindingText {
            offset: Some(*offset),
            ..of("torn", file, "ends with an incomplete record; opening the log cuts and keeps it")
        },
        FsckFinding::Tile { name, is_there: true } => of("tile", name, "wrong hashes"),
        FsckFinding::Tile { name, .. } => of("tile", name, "missing"),
        FsckFinding::Checkpoint => {
            of("checkpoint", "checkpoint", "not the last one of `checkpoints`")
        }
        FsckFinding::Root { size } => of(
            "root",
            "checkpoint",
            &format!("its root does not match the first {size} entries: run verify"),
        ),
        FsckFinding::Unfinished { name } => {
            of("unfinished", name, "unfinished work; opening the log removes it")
        }
        FsckFinding::PlainAndCompressed { name } => {
            of("twice", name, "exists both plain and compressed")
        }
        FsckFinding::Verified(finding) => FindingText {
            offset: finding.place.offset,
            seq: finding.place.seq,
            ..of(
                "verify",
                &finding.place.file,
                &format!("{}: {}", finding.kind.as_str(), finding.detail),
            )
        },
        FsckFinding::Mode { name, mode } => {
            let name = if name.is_empty() { "." } else { name };
            of("mode", name, &format!("accessible to others: mode {mode:o}"))
        }
        other => of("other", "", &format!("{other:?}")),
    }
}

fn write_words(
    out: &mut dyn Write,
    report: &FsckReport,
    found: &[FindingText],
    repair: bool,
) -> io::Result<()> {
    let (entries, segments) = (format_count(report.entries), format_count(report.segments));
    let noun = if report.segments == 1 { "segment" } else { "segments" };
    writeln!(out, "read        {entries} entries in {segments} {noun}")?;
    for text in found {
        write!(out, "{:<11} {}", text.kind, text.file)?;
        if let Some(offset) = text.offset {
            write!(out, ", byte {offset}")?;
        }
        if let Some(seq) = text.seq {
            write!(out, ", seq {seq}")?;
        }
        let repaired = if text.is_repaired { " (repaired)" } else { "" };
        writeln!(out, ": {}{repaired}", text.what)?;
    }
    let can_repair =
        |text: &&FindingText| matches!(text.kind, "tile" | "checkpoint") && !text.is_repaired;
    match found.iter().filter(can_repair).count() {
        _ if found.is_empty() => writeln!(out, "no damage found"),
        0 => Ok(()),
        _ if repair => Ok(()),
        count => writeln!(out, "            --repair rebuilds {count} of these"),
    }
}

fn to_json(report: &FsckReport, found: &[FindingText]) -> String {
    let findings: Vec<String> = found
        .iter()
        .map(|text| {
            let number = |number: Option<u64>| number.map_or("null".into(), |n| n.to_string());
            format!(
                "{{\"kind\":{},\"file\":{},\"offset\":{},\"seq\":{},\"what\":{},\"repaired\":{}}}",
                quoted(text.kind),
                quoted(&text.file),
                number(text.offset),
                number(text.seq),
                quoted(&text.what),
                text.is_repaired
            )
        })
        .collect();
    let repaired: Vec<String> = report.repaired.iter().map(|name| quoted(name)).collect();
    format!(
        "{{\"entries\":{},\"segments\":{},\"findings\":[{}],\"repaired\":[{}]}}",
        report.entries,
        report.segments,
        findings.join(","),
        repaired.join(",")
    )
}
