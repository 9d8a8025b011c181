//! Checks of integrity: what is on disk against what was written.
//!
//! A sealed segment is compared with the checksum in the entry that follows it; the active one with
//! the tree: its lines must give the root hash that was computed when they were written. A check on
//! its own account reads a bounded number of bytes and goes on where the last one stopped.
use std::io::Read;

use sha2::Digest;

use super::disk::{Result, Tail, at};
use super::lines::{Lines, next_of};
use super::names::{ACTIVE, INTEGRITY_LOG};
use super::rotate::Sealed;
use super::{Active, AuditLog, Disk, Report};
use crate::audit::entry::control::{
    Algorithm, CHECKED_SEGMENTS_MAX, CheckStatus, CheckedSegment, Checksum, Control, Integrity,
    Trigger,
};
use crate::audit::entry::put_timestamp;
use crate::audit::merkle::{Tree, leaf_hash};
use crate::digest::{Crc32, Hash, Sha256, Sha512};

/// The checksum that is computed beside SHA-256.
enum Extra {
    None,
    Sha512(Box<Sha512>),
    Crc32(Crc32),
}

/// Counts and checksums of a segment's plain content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tally {
    pub bytes: u64,
    pub lines: u64,
    pub sha256: Hash,
    pub extra: Option<Checksum>,
    pub algorithm: Algorithm,
}

impl Tally {
    pub fn begin(algorithm: Algorithm) -> Tallying {
        let extra = match algorithm {
            Algorithm::Sha256 => Extra::None,
            Algorithm::Sha512 => Extra::Sha512(Box::default()),
            Algorithm::Crc32 => Extra::Crc32(Crc32::new()),
        };
        Tallying { bytes: 0, lines: 0, sha256: Sha256::new(), extra, algorithm }
    }

    /// The checksum that was asked for.
    fn found(&self) -> Checksum {
        self.extra.unwrap_or(Checksum::Sha256(self.sha256))
    }

    /// The verdict on a segment of which no checksum is known beforehand.
    pub fn checked(&self, name: String, is_right: bool) -> CheckedSegment {
        CheckedSegment {
            name,
            algorithm: self.algorithm,
            bytes: self.bytes,
            expected: None,
            found: (self.bytes > 0).then(|| self.found()),
            status: match (is_right, self.bytes) {
                (true, _) => CheckStatus::Ok,
                (false, 0) => CheckStatus::Missing,
                (false, _) => CheckStatus::Mismatch,
            },
        }
    }
}

/// A tally under way.
pub(super) struct Tallying {
    bytes: u64,
    lines: u64,
    sha256: Sha256,
    extra: Extra,
    algorithm: Algorithm,
}

impl Tallying {
    fn take(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.sha256.update(bytes);
        match &mut self.extra {
            Extra::None => {}
            Extra::Sha512(hash) => hash.update(bytes),
            Extra::Crc32(crc) => crc.update(bytes),
        }
    }

    pub fn finish(self) -> Tally {
        let extra = match self.extra {
            Extra::None => None,
            Extra::Sha512(hash) => Some(Checksum::Sha512(hash.finalize().into())),
            Extra::Crc32(crc) => Some(Checksum::Crc32(crc.finish())),
        };
        let (bytes, lines, algorithm) = (self.bytes, self.lines, self.algorithm);
        Tally { bytes, lines, sha256: self.sha256.finish(), extra, algorithm }
    }
}

/// Reads all lines, and puts their leaves into a tree.
pub(super) fn tally_lines(
    disk: &Disk,
    name: &str,
    lines: &mut Lines,
    algorithm: Algorithm,
    mut tree: Option<&mut Tree>,
) -> Result<Tally> {
    let mut tally = Tally::begin(algorithm);
    while let Some(line) = next_of(lines, disk, name)? {
        tally.take(line.bytes);
        if line.is_complete {
            tally.take(b"\n");
            tally.lines += 1;
        }
        if let Some(tree) = &mut tree {
            tree.push(leaf_hash(line.bytes));
        }
    }
    Ok(tally.finish())
}

impl AuditLog {
    /// Reads all segments and compares them with what is expected of them. What it finds is
    /// appended (and committed) as entries, written to `audit-integrity.log`, and returned: one
    /// result per hundred segments.
    pub fn verify_now(&mut self) -> Result<Vec<Integrity>> {
        let result = self.verify_all();
        self.counts.note(&result);
        result
    }

    fn verify_all(&mut self) -> Result<Vec<Integrity>> {
        self.commit()?;
        let mut results = Vec::new();
        self.check_next = 0;
        loop {
            let (mut segments, _) = self.check_sealed(u64::MAX);
            let is_last = self.check_next == 0;
            let tally = if is_last { Some(self.check_active(&mut segments)?) } else { None };
            results.push(self.integrity_of(Trigger::Manual, segments.clone()));
            let tally = tally.unwrap_or_else(|| Tally::begin(Algorithm::Sha256).finish());
            self.append_integrity(Trigger::Manual, segments, &tally)?;
            self.commit()?;
            if is_last {
                return Ok(results);
            }
        }
    }

    /// A check within the budget. Entries must be committed; the result is appended only.
    pub(super) fn check_integrity(&mut self, trigger: Trigger) -> Result<()> {
        self.commit()?;
        let (mut segments, _) = self.check_sealed(self.options.integrity_bytes_max);
        let tally = self.check_active(&mut segments)?;
        self.append_integrity(trigger, segments, &tally)
    }

    pub(super) fn shutdown_check(&mut self) -> Result<()> {
        self.check_integrity(Trigger::Shutdown)
    }

    fn check_active(&mut self, segments: &mut Vec<CheckedSegment>) -> Result<Tally> {
        let (tally, is_right) = self.tally_active()?;
        segments.push(tally.checked(ACTIVE.to_owned(), is_right));
        Ok(tally)
    }

    /// Sealed segments from where the last check stopped, up to a number of bytes (one at least).
    fn check_sealed(&mut self, bytes_max: u64) -> (Vec<CheckedSegment>, u64) {
        let (mut segments, mut bytes) = (Vec::new(), 0u64);
        while let Some(sealed) = self.sealed.get(self.check_next) {
            let would = bytes.saturating_add(sealed.info.bytes);
            let is_full = segments.len() + 1 >= CHECKED_SEGMENTS_MAX;
            if is_full || (would > bytes_max && !segments.is_empty()) {
                return (segments, bytes);
            }
            bytes = would;
            segments.push(check_one(&self.disk, sealed, self.options.integrity_algorithm));
            self.check_next += 1;
        }
        self.check_next = 0;
        (segments, bytes)
    }

    fn integrity_of(&self, trigger: Trigger, segments: Vec<CheckedSegment>) -> Integrity {
        let active = match &self.active {
            Active::Open(tail) => tail.durable_len,
            Active::Next { .. } => 0,
        };
        let sealed: u64 = self.sealed.iter().map(|sealed| sealed.info.bytes).sum();
        let first = self.sealed.first().map_or(self.segment_first, |first| first.info.first_seq);
        Integrity {
            trigger,
            algorithm: self.options.integrity_algorithm,
            log_bytes: sealed + active,
            log_entries: self.committed - first,
            segments,
        }
    }

    pub(super) fn append_integrity(
        &mut self,
        trigger: Trigger,
        segments: Vec<CheckedSegment>,
        active: &Tally,
    ) -> Result<()> {
        let integrity = self.integrity_of(trigger, segments);
        if integrity.status() != CheckStatus::Ok {
            self.counts.integrity_failures += 1;
        }
        self.append_control(&Control::Integrity(integrity.clone()))?;
        // A copy for people; that it cannot be written must not stop the log.
        if let Err(error) = self.log_integrity(&integrity, active) {
            self.counts.failures += 1;
            self.counts.last_copy_error = Some(error.to_string());
        }
        self.report(Report::Checked(integrity));
        Ok(())
    }

    /// One line into `audit-integrity.log`.
    fn log_integrity(&self, integrity: &Integrity, active: &Tally) -> Result<()> {
        let last = integrity.segments.last();
        let path = self.disk.path(last.map_or(ACTIVE, |segment| segment.name.as_str()));
        let mut line = b"{\"timestamp\":\"".to_vec();
        put_timestamp(self.clock.unix_nanos(), &mut line);
        let mut last_event = Vec::new();
        put_timestamp(self.counts.last_unix_nanos, &mut last_event);
        line.extend_from_slice(b"\",\"record_type\":\"audit_integrity_check\"");
        let hash = last.and_then(|segment| segment.found.as_ref()).map(Checksum::hex);
        let algorithm = last.map_or(integrity.algorithm, |segment| segment.algorithm);
        let texts: [(&str, &str); 5] = [
            ("service", &self.options.service),
            ("service_instance", &self.options.service_instance),
            ("audit_log_path", &path.to_string_lossy()),
            ("hash_algorithm", algorithm.as_str()),
            ("hash_value", hash.as_deref().unwrap_or_default()),
        ];
        texts.iter().for_each(|(key, value)| put_text(&mut line, key, value));
        for (key, value) in [("file_size_bytes", active.bytes), ("line_count", active.lines)] {
            line.extend_from_slice(format!(",\"{key}\":{value}").as_bytes());
        }
        put_text(&mut line, "last_event_timestamp", &String::from_utf8_lossy(&last_event));
        put_text(&mut line, "verification_status", integrity.status().as_str());
        put_text(&mut line, "trigger", integrity.trigger.as_str());
        line.extend_from_slice(b"}\n");
        Tail::open(&self.disk, INTEGRITY_LOG)?.append(&line)
    }
}

/// `,"key":"value"`, escaped.
fn put_text(line: &mut Vec<u8>, key: &str, value: &str) {
    line.extend_from_slice(format!(",\"{key}\":\"").as_bytes());
    for c in value.chars() {
        match c {
            '"' | '\\' => line.extend_from_slice(&[b'\\', c as u8]),
            c if c < ' ' => line.extend_from_slice(format!("\\u{:04x}", c as u32).as_bytes()),
            c => line.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    line.push(b'"');
}

fn check_one(disk: &Disk, sealed: &Sealed, algorithm: Algorithm) -> CheckedSegment {
    let extra = sealed.extra.filter(|extra| extra.algorithm() == algorithm);
    let expected = extra.unwrap_or(Checksum::Sha256(sealed.info.sha256));
    let mut checked = CheckedSegment {
        name: sealed.info.name.clone(),
        algorithm: expected.algorithm(),
        bytes: 0,
        expected: Some(expected),
        found: None,
        status: CheckStatus::Unreadable,
    };
    match tally_content(disk, sealed.info.first_seq, expected.algorithm()) {
        Ok(None) => checked.status = CheckStatus::Missing,
        Ok(Some(tally)) => {
            let found = tally.found();
            let is_right = found == expected && tally.bytes == sealed.info.bytes;
            checked.bytes = tally.bytes;
            checked.found = Some(found);
            checked.status = if is_right { CheckStatus::Ok } else { CheckStatus::Mismatch };
        }
        Err(_) => {}
    }
    checked
}

/// Reads the plain content of a sealed segment.
fn tally_content(disk: &Disk, first_seq: u64, algorithm: Algorithm) -> Result<Option<Tally>> {
    let Some(mut content) = Lines::content_of_sealed(disk, first_seq)? else { return Ok(None) };
    let mut tally = Tally::begin(algorithm);
    let mut buffer = vec![0; 128 * 1024];
    loop {
        let read = match content.read(&mut buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            read => at("reading", &disk.path(&super::names::sealed_name(first_seq)), read)?,
        };
        if read == 0 {
            return Ok(Some(tally.finish()));
        }
        tally.take(buffer.get(..read).unwrap_or_default());
    }
}
