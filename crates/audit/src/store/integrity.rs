//! Integrity checks: compares the files with the checksums of the written entries.
//!
//! A sealed segment is compared with the checksum in the entry that follows it. The lines of the active segment must
//! produce the root hash that was computed when they were written. An automatic check reads a bounded number of bytes
//! and continues where the previous one stopped.
use std::io::Read;

use sha2::Digest;

use super::disk::{Result, Tail, with_path};
use super::lines::{Lines, next_of};
use super::names::{ACTIVE, INTEGRITY_LOG};
use super::rotate::Sealed;
use super::{Active, AuditLog, Disk, MaintenanceReport};
use crate::entry::control::{
    Algorithm, CHECKED_SEGMENTS_MAX, CheckStatus, CheckedSegment, Checksum, Control, Integrity,
    Trigger,
};
use crate::entry::put_timestamp;
use crate::merkle::{Tree, leaf_hash};
use ringseal_base::digest::{Crc32, Hash, Sha256, Sha512};

/// The checksum that is computed in addition to SHA-256.
enum Extra {
    None,
    Sha512(Box<Sha512>),
    Crc32(Crc32),
}

/// Counts and checksums of a segment's plain content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ContentSummary {
    pub bytes: u64,
    pub lines: u64,
    pub sha256: Hash,
    pub extra: Option<Checksum>,
    pub algorithm: Algorithm,
}

impl ContentSummary {
    pub fn begin(algorithm: Algorithm) -> ContentHasher {
        let extra = match algorithm {
            Algorithm::Sha256 => Extra::None,
            Algorithm::Sha512 => Extra::Sha512(Box::default()),
            Algorithm::Crc32 => Extra::Crc32(Crc32::new()),
        };
        ContentHasher { bytes: 0, lines: 0, sha256: Sha256::new(), extra, algorithm }
    }

    /// The requested checksum.
    fn checksum(&self) -> Checksum {
        self.extra.unwrap_or(Checksum::Sha256(self.sha256))
    }

    /// The result for a segment whose checksum is not recorded yet.
    pub fn checked(&self, name: String, is_correct: bool) -> CheckedSegment {
        CheckedSegment {
            name,
            algorithm: self.algorithm,
            bytes: self.bytes,
            expected: None,
            found: (self.bytes > 0).then(|| self.checksum()),
            status: match (is_correct, self.bytes) {
                (true, _) => CheckStatus::Ok,
                (false, 0) => CheckStatus::Missing,
                (false, _) => CheckStatus::Mismatch,
            },
        }
    }
}

/// Computes a [`ContentSummary`].
pub(super) struct ContentHasher {
    bytes: u64,
    lines: u64,
    sha256: Sha256,
    extra: Extra,
    algorithm: Algorithm,
}

impl ContentHasher {
    fn update(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.sha256.update(bytes);
        match &mut self.extra {
            Extra::None => {}
            Extra::Sha512(hash) => hash.update(bytes),
            Extra::Crc32(crc) => crc.update(bytes),
        }
    }

    pub fn finish(self) -> ContentSummary {
        let extra = match self.extra {
            Extra::None => None,
            Extra::Sha512(hash) => Some(Checksum::Sha512(hash.finalize().into())),
            Extra::Crc32(crc) => Some(Checksum::Crc32(crc.finish())),
        };
        let (bytes, lines, algorithm) = (self.bytes, self.lines, self.algorithm);
        ContentSummary { bytes, lines, sha256: self.sha256.finish(), extra, algorithm }
    }
}

/// Reads all lines and pushes their leaves into the tree.
pub(super) fn summarize_lines(
    disk: &Disk,
    name: &str,
    lines: &mut Lines,
    algorithm: Algorithm,
    mut tree: Option<&mut Tree>,
) -> Result<ContentSummary> {
    let mut summary = ContentSummary::begin(algorithm);
    while let Some(line) = next_of(lines, disk, name)? {
        summary.update(line.bytes);
        if line.is_complete {
            summary.update(b"\n");
            summary.lines += 1;
        }
        if let Some(tree) = &mut tree {
            tree.push(leaf_hash(line.bytes));
        }
    }
    Ok(summary.finish())
}

impl AuditLog {
    /// Compares all segments with their recorded checksums. The results are appended and committed as entries, written
    /// to `audit-integrity.log`, and returned: one result per hundred segments.
    pub fn verify_now(&mut self) -> Result<Vec<Integrity>> {
        let result = self.verify_all();
        self.counts.record(&result);
        result
    }

    fn verify_all(&mut self) -> Result<Vec<Integrity>> {
        self.commit()?;
        let mut results = Vec::new();
        self.check_next = 0;
        loop {
            let (mut segments, _) = self.check_sealed(u64::MAX);
            let is_last = self.check_next == 0;
            let summary = if is_last { Some(self.check_active(&mut segments)?) } else { None };
            results.push(self.new_integrity(Trigger::Manual, segments.clone()));
            let summary =
                summary.unwrap_or_else(|| ContentSummary::begin(Algorithm::Sha256).finish());
            self.append_integrity(Trigger::Manual, segments, &summary)?;
            self.commit()?;
            if is_last {
                return Ok(results);
            }
        }
    }

    /// Checks within the byte budget. Entries must be committed; the result is appended, not committed.
    pub(super) fn check_integrity(&mut self, trigger: Trigger) -> Result<()> {
        self.commit()?;
        let (mut segments, _) = self.check_sealed(self.options.integrity_bytes_max);
        let summary = self.check_active(&mut segments)?;
        self.append_integrity(trigger, segments, &summary)
    }

    pub(super) fn shutdown_check(&mut self) -> Result<()> {
        self.check_integrity(Trigger::Shutdown)
    }

    fn check_active(&mut self, segments: &mut Vec<CheckedSegment>) -> Result<ContentSummary> {
        let (summary, is_correct) = self.summarize_active()?;
        segments.push(summary.checked(ACTIVE.to_owned(), is_correct));
        Ok(summary)
    }

    /// Checks sealed segments from where the last check stopped, up to a number of bytes but at least one segment.
    fn check_sealed(&mut self, bytes_max: u64) -> (Vec<CheckedSegment>, u64) {
        let (mut segments, mut bytes) = (Vec::new(), 0u64);
        while let Some(sealed) = self.sealed.get(self.check_next) {
            let would = bytes.saturating_add(sealed.info.bytes);
            let is_full = segments.len() + 1 >= CHECKED_SEGMENTS_MAX;
            if is_full || (would > bytes_max && !segments.is_empty()) {
                return (segments, bytes);
            }
            bytes = would;
            segments.push(check_segment(&self.disk, sealed, self.options.integrity_algorithm));
            self.check_next += 1;
        }
        self.check_next = 0;
        (segments, bytes)
    }

    fn new_integrity(&self, trigger: Trigger, segments: Vec<CheckedSegment>) -> Integrity {
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
        active: &ContentSummary,
    ) -> Result<()> {
        let integrity = self.new_integrity(trigger, segments);
        if integrity.status() != CheckStatus::Ok {
            self.counts.integrity_failures += 1;
        }
        self.append_control(&Control::Integrity(integrity.clone()))?;
        // A human-readable copy: failing to write it must not stop the log.
        if let Err(error) = self.log_integrity(&integrity, active) {
            self.counts.failures += 1;
            self.counts.last_copy_error = Some(error.to_string());
        }
        self.report(MaintenanceReport::Checked(integrity));
        Ok(())
    }

    /// Appends one line to `audit-integrity.log`.
    fn log_integrity(&self, integrity: &Integrity, active: &ContentSummary) -> Result<()> {
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

fn check_segment(disk: &Disk, sealed: &Sealed, algorithm: Algorithm) -> CheckedSegment {
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
    match summarize_sealed(disk, sealed.info.first_seq, expected.algorithm()) {
        Ok(None) => checked.status = CheckStatus::Missing,
        Ok(Some(summary)) => {
            let found = summary.checksum();
            let is_correct = found == expected && summary.bytes == sealed.info.bytes;
            checked.bytes = summary.bytes;
            checked.found = Some(found);
            checked.status = if is_correct { CheckStatus::Ok } else { CheckStatus::Mismatch };
        }
        Err(_) => {}
    }
    checked
}

/// Reads the plain content of a sealed segment.
fn summarize_sealed(
    disk: &Disk,
    first_seq: u64,
    algorithm: Algorithm,
) -> Result<Option<ContentSummary>> {
    let Some(mut content) = Lines::content_of_sealed(disk, first_seq)? else { return Ok(None) };
    let mut summary = ContentSummary::begin(algorithm);
    let mut buffer = vec![0; 128 * 1024];
    loop {
        let read = match content.read(&mut buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            read => with_path("reading", &disk.path(&super::names::sealed_name(first_seq)), read)?,
        };
        if read == 0 {
            return Ok(Some(summary.finish()));
        }
        summary.update(buffer.get(..read).unwrap_or_default());
    }
}
