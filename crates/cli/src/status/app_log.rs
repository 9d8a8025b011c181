//! A log of events: its files, its writer, and what its last lines say.
use std::path::{Path, PathBuf};

use ringseal::sink::file::reader::segments_of;

use super::lock::{self, Holder};
use super::tail::Tail;
use super::{or_null, time};
use crate::cat::unix_nanos_now;
use crate::line::LineParser;
use crate::redact::escape::quoted;

/// What the last report about the audit log says.
#[derive(Debug, Clone, Copy)]
pub(super) struct AuditVerdict {
    pub(super) time: Option<i64>,
    pub(super) is_healthy: bool,
}

/// A log.
pub(super) struct AppLog {
    pub(super) path: PathBuf,
    /// The length of the active file.
    pub(super) size_bytes: u64,
    pub(super) rotated_files: u64,
    pub(super) writer: Option<Holder>,
    pub(super) last_time: Option<i64>,
    pub(super) audit_verdict: Option<AuditVerdict>,
    /// What could not be read.
    pub(super) problem: Option<String>,
}

impl AppLog {
    pub(super) fn read(path: &Path) -> Self {
        let mut log = Self {
            path: path.to_owned(),
            size_bytes: 0,
            rotated_files: 0,
            writer: None,
            last_time: None,
            audit_verdict: None,
            problem: None,
        };
        match lock::holder(&lock_path(path)) {
            Ok(writer) => log.writer = writer,
            Err(error) => log.problem = Some(format!("its lock: {error}")),
        }
        match segments_of(path) {
            Ok(segments) => {
                let rotated = segments.iter().filter(|segment| segment.number.is_some());
                log.rotated_files = rotated.count() as u64;
                let active = segments.iter().find(|segment| segment.number.is_none());
                log.size_bytes = active.map_or(0, |segment| segment.len_bytes);
                // A log that has just been rotated has its last line in a sealed segment.
                for segment in segments.iter().rev().take(2) {
                    if log.last_time.is_none() {
                        log.read_tail(&segment.path);
                    }
                }
            }
            Err(error) => log.problem = Some(error.to_string()),
        }
        log
    }

    fn read_tail(&mut self, path: &Path) {
        let tail = match Tail::of(path) {
            Ok(tail) => tail,
            Err(error) => {
                self.problem = Some(format!("{}: {error}", path.display()));
                return;
            }
        };
        let mut parser = LineParser::new(unix_nanos_now());
        for line in tail.lines_backwards() {
            let may_tell = memchr::memmem::find(line, b"audit_sink_").is_some();
            if self.last_time.is_some() && (!may_tell || self.audit_verdict.is_some()) {
                continue;
            }
            let parsed = parser.parse(line);
            let facts = parsed.facts();
            let time = facts.time.unix_nanos();
            self.last_time = self.last_time.or(time);
            let name = facts.places.name.and_then(|at| parsed.entries.get(at, parsed.text));
            let is_named = |event: &str| {
                name.and_then(|entry| entry.string()).is_some_and(|text| text.is(event))
            };
            let is_healthy = match () {
                () if self.audit_verdict.is_some() => continue,
                () if is_named("audit_sink_failure") => false,
                () if is_named("audit_sink_recovered") => true,
                () => continue,
            };
            self.audit_verdict = Some(AuditVerdict { time, is_healthy });
        }
    }

    pub(super) fn to_json(&self) -> String {
        let pid = self.writer.and_then(|Holder(pid)| pid);
        format!(
            "{{\"path\":{},\"size_bytes\":{},\"rotated_files\":{},\"writer_alive\":{},\"writer_pid\":{},\
             \"last_event_timestamp\":{},\"problem\":{}}}",
            quoted(&self.path.to_string_lossy()),
            self.size_bytes,
            self.rotated_files,
            self.writer.is_some(),
            pid.map_or("null".into(), |pid| pid.to_string()),
            or_null(self.last_time.map(time)),
            or_null(self.problem.clone())
        )
    }
}

/// The lock file of a log: `.app.log.lock` beside `app.log`.
pub(crate) fn lock_path(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".lock");
    path.with_file_name(name)
}
