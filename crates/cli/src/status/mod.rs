//! `ringseal status`: the health of a live log, without disturbing it.
//!
//! Promises: takes no lock and writes nothing; asks the system which process holds a lock. It reads the ends of files,
//! at most [`TAIL_BYTES_MAX`] of each, so that its cost does not depend on the length of the log.
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ringseal::sink::file::reader::logs_in;

use crate::cat::unix_nanos_now;
use crate::console::{ExitStatus, Failure, write_safe};
use crate::redact::escape::quoted;
use crate::rings::homes;
use crate::rings::time;
use crate::size::{format_bytes, format_count};
use crate::time::parse_duration;

pub(crate) mod app_log;
mod audit_log;
pub(crate) mod lock;
mod tail;

use app_log::AppLog;
use audit_log::AuditLog;
use homes::Status as HomeStatus;
pub use tail::TAIL_BYTES_MAX;

const EXAMPLES: &str = "\
Examples:
  ringseal status /var/log/app           for people
  ringseal status /var/log/app --json    for programs
  ringseal status /var/log/app --check --age-max 5m
                                         as a health check of a container

The log is read without its lock, so its service is not disturbed. The audit log is in DIR or DIR/audit, or \
where --audit says.

With --check, a finding is: no process writes a log; the last line is older than --age-max, or its time is \
unknown; the audit log cannot be written, or nothing writes it; a killed process left rings that no start has \
recovered yet.

Exit codes: 0 read, and with --check no finding; 1 with --check, a finding, each named on standard output; 2 \
wrong usage, or there is no log.";

/// Shows the health of a live log.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The directory of the logs (`*.log`).
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// The directory of the audit log. [default: DIR/audit or DIR, if one of them has one]
    #[arg(long, value_name = "DIR")]
    audit: Option<PathBuf>,
    /// The directory with the rings of processes. [default: /dev/shm/ringseal-UID]
    #[arg(long, value_name = "DIR")]
    rings: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Exit with code 1 if something is wrong.
    #[arg(long)]
    check: bool,
    /// With --check: the age of the last line from which on it is a finding.
    #[arg(long, value_name = "AGE", value_parser = parse_duration, requires = "check")]
    age_max: Option<Duration>,
}

/// Everything that was read.
struct Health {
    dir: PathBuf,
    logs: Vec<AppLog>,
    audit: Option<AuditLog>,
    homes: Vec<homes::Home>,
    now: i64,
}

/// Runs the command.
///
/// # Errors
/// If the directory cannot be read or has no log.
pub fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let health = Health::read(args)?;
    let findings = health.findings(args.age_max);
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", health.to_json(args.check.then_some(&findings)))?;
    } else {
        health.write(&mut out)?;
        for finding in findings.iter().filter(|_| args.check) {
            write_safe(&format!("finding     {finding}"), &mut out)?;
            out.write_all(b"\n")?;
        }
    }
    Ok(if args.check && !findings.is_empty() { ExitStatus::Findings } else { ExitStatus::Success })
}

impl Health {
    fn read(args: &Args) -> Result<Self, Failure> {
        let dir = &args.dir;
        let paths = logs_in(dir).map_err(Failure::of)?;
        let logs: Vec<AppLog> = paths.iter().map(|path| AppLog::read(path)).collect();
        let audit = match &args.audit {
            Some(named) => match AuditLog::read(named)? {
                Some(audit) => Some(audit),
                None => {
                    let named = named.display();
                    return Err(Failure::Message(format!(
                        "{named}: expected an audit log, found none"
                    )));
                }
            },
            None => match AuditLog::read(&dir.join("audit"))? {
                Some(audit) => Some(audit),
                None => AuditLog::read(dir)?,
            },
        };
        if logs.is_empty() && audit.is_none() {
            let dir = dir.display();
            return Err(Failure::Message(format!(
                "no log in {dir}: expected file names ending in .log"
            )));
        }
        let homes = homes_of(args.rings.as_deref())?;
        Ok(Self { dir: dir.clone(), logs, audit, homes, now: unix_nanos_now() })
    }

    fn last_time(&self) -> Option<i64> {
        self.logs.iter().filter_map(|log| log.last_time).max()
    }

    /// Whether the audit log takes events, by what the logs and the audit log show; `None` without an audit log.
    fn audit_sink_healthy(&self) -> Option<bool> {
        let audit = self.audit.as_ref()?;
        let verdict = self.logs.iter().filter_map(|log| log.audit_verdict).max_by_key(|at| at.time);
        Some(audit.problem.is_none() && verdict.is_none_or(|verdict| verdict.is_healthy))
    }

    fn findings(&self, age_max: Option<Duration>) -> Vec<String> {
        let mut findings: Vec<String> = Vec::new();
        for log in &self.logs {
            let name = log.path.display();
            findings.extend(log.problem.iter().map(|problem| format!("{name}: {problem}")));
            if log.writer.is_none() {
                findings.push(format!("{name}: no process writes it"));
            }
            if let Some(age_max) = age_max {
                findings.extend(self.age_finding(log, age_max));
            }
        }
        if let Some(audit) = &self.audit {
            let name = audit.dir.display();
            findings.extend(audit.problem.iter().map(|problem| format!("{name}: {problem}")));
            if audit.writer.is_none() {
                findings.push(format!("{name}: no process writes it"));
            }
            if self.audit_sink_healthy() == Some(false) && audit.problem.is_none() {
                findings.push(format!("{name}: the last report about it is audit_sink_failure"));
            }
        }
        for home in self.homes.iter().filter(|home| is_finding(&home.status)) {
            findings.push(format!("{}: {}", home.dir.display(), home.status.as_str()));
        }
        findings
    }

    fn age_finding(&self, log: &AppLog, age_max: Duration) -> Option<String> {
        let name = log.path.display();
        let Some(last) = log.last_time else {
            return Some(format!("{name}: the time of the last line is unknown"));
        };
        let age = Duration::from_nanos(u64::try_from(self.now.saturating_sub(last)).unwrap_or(0));
        (age > age_max).then(|| {
            let (age, max) = (age.as_secs_f64(), age_max.as_secs_f64());
            format!("{name}: the last line is {age:.1} s old, expected at most {max:.1} s")
        })
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut lines = Vec::new();
        for log in &self.logs {
            lines.push(format!("log         {}", log.path.display()));
            lines.push(format!("  writer    {}", writer_text(log.writer)));
            let rotated = format_count(log.rotated_files);
            lines.push(format!(
                "  size      {}, {rotated} rotated files",
                format_bytes(log.size_bytes)
            ));
            lines.push(format!("  last line {}", time_text(log.last_time)));
            lines.extend(log.problem.iter().map(|problem| format!("  problem   {problem}")));
        }
        if let Some(audit) = &self.audit {
            lines.push(format!("audit log   {}", audit.dir.display()));
            lines.push(format!("  writer    {}", writer_text(audit.writer)));
            let rotated = format_count(audit.rotated_files);
            lines.push(format!(
                "  size      {}, {rotated} rotated files",
                format_bytes(audit.size_bytes)
            ));
            lines.push(format!("  entries   {}", format_count(audit.entries)));
            let last = audit.last_time.as_deref().unwrap_or("none");
            lines.push(format!("  last      {last}"));
            let is_healthy = self.audit_sink_healthy() == Some(true);
            lines.push(format!("  sink      {}", if is_healthy { "healthy" } else { "FAILED" }));
            lines.extend(audit.problem.iter().map(|problem| format!("  problem   {problem}")));
        }
        for home in &self.homes {
            lines.push(format!("rings       {} {}", home.run_id(), home.status.as_str()));
        }
        for line in lines {
            write_safe(&line, out)?;
            out.write_all(b"\n")?;
        }
        Ok(())
    }

    fn to_json(&self, findings: Option<&Vec<String>>) -> String {
        let sum = |of: fn(&AppLog) -> u64| self.logs.iter().map(of).sum::<u64>();
        let audit = self.audit.as_ref();
        let bool_or_null =
            |value: Option<bool>| value.map_or("null".to_owned(), |is| is.to_string());
        let logs: Vec<String> = self.logs.iter().map(AppLog::to_json).collect();
        let homes: Vec<String> = self.homes.iter().map(home_to_json).collect();
        let mut members = vec![
            format!("\"dir\":{}", quoted(&self.dir.to_string_lossy())),
            format!("\"app_log_size_bytes\":{}", sum(|log| log.size_bytes)),
            format!("\"audit_log_size_bytes\":{}", audit.map_or(0, |audit| audit.size_bytes)),
            format!("\"app_log_rotated_files\":{}", sum(|log| log.rotated_files)),
            format!("\"audit_log_rotated_files\":{}", audit.map_or(0, |audit| audit.rotated_files)),
            format!("\"audit_event_count\":{}", audit.map_or(0, |audit| audit.entries)),
            format!(
                "\"last_audit_event_timestamp\":{}",
                or_null(audit.and_then(|audit| audit.last_time.clone()))
            ),
            format!("\"audit_sink_healthy\":{}", bool_or_null(self.audit_sink_healthy())),
            format!(
                "\"audit_writer_alive\":{}",
                bool_or_null(audit.map(|audit| audit.writer.is_some()))
            ),
            format!("\"app_writer_alive\":{}", self.logs.iter().any(|log| log.writer.is_some())),
            format!("\"last_app_event_timestamp\":{}", or_null(self.last_time().map(time))),
            format!("\"logs\":[{}]", logs.join(",")),
            format!("\"rings\":[{}]", homes.join(",")),
        ];
        if let Some(findings) = findings {
            let findings: Vec<String> = findings.iter().map(|finding| quoted(finding)).collect();
            members.push(format!("\"findings\":[{}]", findings.join(",")));
        }
        format!("{{{}}}", members.join(","))
    }
}

/// A JSON string, or null.
fn or_null(text: Option<String>) -> String {
    text.map_or("null".into(), |text| quoted(&text))
}

fn home_to_json(home: &homes::Home) -> String {
    let (dir, run) = (home.dir.to_string_lossy(), home.run_id());
    format!(
        "{{\"dir\":{},\"run_id\":{},\"status\":{}}}",
        quoted(&dir),
        quoted(&run),
        quoted(home.status.as_str())
    )
}

fn writer_text(writer: Option<lock::Holder>) -> String {
    match writer {
        Some(lock::Holder(Some(pid))) => format!("process {pid}"),
        Some(lock::Holder(None)) => "a process of another container or machine".into(),
        None => "none".into(),
    }
}

fn time_text(unix_nanos: Option<i64>) -> String {
    unix_nanos.map_or("no line with a time".into(), time)
}

/// Whether a home needs someone's attention.
fn is_finding(status: &HomeStatus) -> bool {
    matches!(
        status,
        HomeStatus::Dead | HomeStatus::OldBoot | HomeStatus::Aside | HomeStatus::Unreadable(_)
    )
}

/// The homes in the named directory, or in the default one if that exists.
fn homes_of(named: Option<&Path>) -> Result<Vec<homes::Home>, Failure> {
    if let Some(dir) = named {
        let failed = |error| Failure::Message(format!("{}: {error}", dir.display()));
        return homes::find(dir).map_err(failed);
    }
    // Most programs have none, and a health check runs as another user often.
    Ok(homes::default_dir().ok().and_then(|dir| homes::find(&dir).ok()).unwrap_or_default())
}
