//! An audit log: its files, its writer and its last entries. Nothing is verified.
use std::path::{Path, PathBuf};

use ringseal::audit::store::names::{ACTIVE, LOCK, parse_sealed};

use super::lock::{self, Holder};
use super::tail::Tail;
use crate::cat::contains_audit_log;
use crate::console::Failure;
use crate::json::Entries;

/// An audit log.
pub(super) struct AuditLog {
    pub(super) dir: PathBuf,
    /// The length of the active segment.
    pub(super) size_bytes: u64,
    pub(super) rotated_files: u64,
    /// All entries ever written, those of the log itself included.
    pub(super) entries: u64,
    /// The time of the last event, as in the log.
    pub(super) last_time: Option<String>,
    pub(super) writer: Option<Holder>,
    pub(super) problem: Option<String>,
}

impl AuditLog {
    /// Reads the log in a directory; `None` if it has none.
    pub(super) fn read(dir: &Path) -> Result<Option<Self>, Failure> {
        if !contains_audit_log(dir) {
            return Ok(None);
        }
        let failed = |error| Failure::Message(format!("{}: {error}", dir.display()));
        let mut sealed: Vec<(u64, PathBuf)> = Vec::new();
        for entry in std::fs::read_dir(dir).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if let Some((first_seq, _)) = entry.file_name().to_str().and_then(parse_sealed) {
                sealed.push((first_seq, entry.path()));
            }
        }
        // A segment may be there twice, plain and compressed, while it is being compressed.
        sealed.sort();
        sealed.dedup_by_key(|(first_seq, _)| *first_seq);
        let active = dir.join(ACTIVE);
        let mut log = Self {
            dir: dir.to_owned(),
            size_bytes: active.metadata().map_or(0, |metadata| metadata.len()),
            rotated_files: sealed.len() as u64,
            entries: 0,
            last_time: None,
            writer: None,
            problem: None,
        };
        match lock::holder(&dir.join(LOCK)) {
            Ok(writer) => log.writer = writer,
            Err(error) => log.problem = Some(format!("its lock: {error}")),
        }
        let newest = sealed.pop().map(|(_, path)| path);
        for path in [Some(active), newest].into_iter().flatten() {
            if log.entries == 0 || log.last_time.is_none() {
                log.read_tail(&path);
            }
        }
        Ok(Some(log))
    }

    fn read_tail(&mut self, path: &Path) {
        let tail = match Tail::of(path) {
            Ok(tail) => tail,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            Err(error) => {
                self.problem = Some(format!("{}: {error}", path.display()));
                return;
            }
        };
        let mut entries = Entries::default();
        for (index, line) in tail.lines_backwards().enumerate() {
            let Some((seq, time, event_type)) = read_entry(line, &mut entries) else {
                if index == 0 {
                    self.problem =
                        Some(format!("{}: its last line is not an entry", path.display()));
                }
                continue;
            };
            if self.entries == 0 {
                self.entries = seq.saturating_add(1);
            }
            if !event_type.starts_with("ringseal.") {
                self.last_time = Some(time);
                return;
            }
        }
    }
}

/// Number, time and type of an entry.
fn read_entry(line: &[u8], entries: &mut Entries) -> Option<(u64, String, String)> {
    let text = str::from_utf8(line).ok()?;
    entries.find(text).ok()?;
    let find = |key: &str| entries.iter(text).find(|entry| entry.key.is(key));
    let seq = find("seq")?.raw.parse().ok()?;
    let time = find("timestamp")?.string()?.decode();
    Some((seq, time, find("event_type")?.string()?.decode()))
}
