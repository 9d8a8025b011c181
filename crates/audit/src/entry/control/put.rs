//! Writes control entries.
use super::{
    CheckedSegment, Checksum, Continued, Control, Epoch, Integrity, Prune, PruneTerms, Recovery,
    SealedSegment, SegmentStart, Start, StateMismatch, TornPiece,
};
use crate::entry::encode::put_decimal;
use crate::entry::put_timestamp;
use ringseal_base::digest::text::{Base64, put_base64, put_hex};

impl Control {
    /// Appends its members, from `"event_type"` on, without the signature of a statement.
    ///
    /// Texts must conform to the format: no quotes, backslashes or control bytes.
    pub fn put(&self, out: &mut Vec<u8>) {
        match self {
            Control::Start(start) => put_start(out, start),
            Control::Segment(segment) => put_segment_start(out, segment),
            Control::Epoch(epoch) => put_epoch(out, epoch),
            Control::Recovery(recovery) => put_recovery(out, recovery),
            Control::Prune(prune) => put_prune(out, prune),
            Control::Integrity(integrity) => put_integrity(out, integrity),
            Control::Stop(reason) => {
                out.extend_from_slice(b"\"event_type\":\"ringseal.stop\"");
                text(out, "reason", reason.as_str());
            }
        }
    }
}

/// Appends a statement's signature as its last member.
pub(crate) fn put_statement_signature(out: &mut Vec<u8>, signature: &[u8; 64]) {
    out.extend_from_slice(b",\"signature\":\"");
    put_base64(Base64::Url, signature, out);
    out.push(b'"');
}

fn key(out: &mut Vec<u8>, key: &str) {
    if !matches!(out.last(), Some(b'{')) {
        out.push(b',');
    }
    out.push(b'"');
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\":");
}

fn text(out: &mut Vec<u8>, name: &str, value: &str) {
    key(out, name);
    out.push(b'"');
    out.extend_from_slice(value.as_bytes());
    out.push(b'"');
}

fn number(out: &mut Vec<u8>, name: &str, value: u64) {
    key(out, name);
    put_decimal(out, value);
}

fn hex(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    key(out, name);
    out.push(b'"');
    put_hex(value, out);
    out.push(b'"');
}

fn list<T>(out: &mut Vec<u8>, name: &str, items: &[T], put: impl Fn(&mut Vec<u8>, &T)) {
    key(out, name);
    out.push(b'[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        put(out, item);
    }
    out.push(b']');
}

fn put_start(out: &mut Vec<u8>, start: &Start) {
    out.extend_from_slice(b"\"event_type\":\"ringseal.start\"");
    number(out, "format", start.format);
    text(out, "origin", &start.origin);
    text(out, "algorithm", start.scheme.as_str());
    number(out, "ratchet", start.ratchet);
    number(out, "checkpoint_seconds", start.checkpoint_seconds);
    number(out, "checkpoint_entries", start.checkpoint_entries);
    text(out, "public_key", &start.public_key);
    text(out, "writer", &start.writer);
    if start.format > 1 {
        text(out, "state", start.state.as_str());
        if let Some(continued) = &start.continued {
            put_continued(out, continued);
        }
    }
}

fn put_continued(out: &mut Vec<u8>, continued: &Continued) {
    key(out, "continued");
    out.push(b'{');
    text(out, "dir", &continued.dir);
    number(out, "entries", continued.entries);
    hex(out, "tree_root", &continued.tree_root);
    number(out, "epoch", continued.epoch);
    list(out, "chain_keys", &continued.chain_keys, |out, count| put_decimal(out, *count));
    text(out, "damage", &continued.damage);
    out.push(b'}');
}

fn put_sealed(out: &mut Vec<u8>, sealed: &SealedSegment) {
    out.push(b'{');
    text(out, "name", &sealed.name);
    number(out, "bytes", sealed.bytes);
    hex(out, "sha256", &sealed.sha256);
    number(out, "first_seq", sealed.first_seq);
    number(out, "last_seq", sealed.last_seq);
}

fn put_segment_start(out: &mut Vec<u8>, segment: &SegmentStart) {
    out.extend_from_slice(b"\"event_type\":\"ringseal.segment\"");
    number(out, "number", segment.number);
    text(out, "reason", segment.reason.as_str());
    key(out, "previous");
    put_sealed(out, &segment.previous);
    if let Some(extra @ (Checksum::Sha512(_) | Checksum::Crc32(_))) = &segment.extra {
        text(out, extra.algorithm().as_str(), &extra.hex());
    }
    out.push(b'}');
}

fn put_epoch(out: &mut Vec<u8>, epoch: &Epoch) {
    out.extend_from_slice(b"\"event_type\":\"ringseal.epoch\"");
    number(out, "number", epoch.number);
    text(out, "old_key", &epoch.old_key);
    text(out, "new_key", &epoch.new_key);
}

fn put_torn(out: &mut Vec<u8>, piece: &TornPiece) {
    out.push(b'{');
    text(out, "kept", &piece.kept);
    text(out, "from", piece.from.as_str());
    number(out, "offset", piece.offset);
    number(out, "bytes", piece.bytes);
    hex(out, "sha256", &piece.sha256);
    out.push(b'}');
}

fn put_recovery(out: &mut Vec<u8>, recovery: &Recovery) {
    out.extend_from_slice(b"\"event_type\":\"ringseal.recovery\"");
    list(out, "torn", &recovery.torn, put_torn);
    list(out, "rebuilt", &recovery.rebuilt, |out, what| {
        out.push(b'"');
        out.extend_from_slice(what.as_str().as_bytes());
        out.push(b'"');
    });
    key(out, "mismatch");
    match &recovery.mismatch {
        Some(mismatch) => put_mismatch(out, mismatch),
        None => out.extend_from_slice(b"null"),
    }
}

fn put_mismatch(out: &mut Vec<u8>, mismatch: &StateMismatch) {
    out.push(b'{');
    text(out, "kind", mismatch.kind.as_str());
    number(out, "expected_entries", mismatch.expected_entries);
    hex(out, "expected_root", &mismatch.expected_root);
    number(out, "found_entries", mismatch.found_entries);
    hex(out, "found_root", &mismatch.found_root);
    out.push(b'}');
}

fn put_prune(out: &mut Vec<u8>, prune: &Prune) {
    out.extend_from_slice(b"\"event_type\":\"ringseal.prune\"");
    number(out, "before_seq", prune.before_seq);
    text(out, "reason", prune.reason.as_str());
    list(out, "segments", &prune.segments, |out, sealed| {
        put_sealed(out, sealed);
        out.push(b'}');
    });
    if let Some(terms) = &prune.terms {
        put_terms(out, terms);
    }
}

fn put_terms(out: &mut Vec<u8>, terms: &PruneTerms) {
    key(out, "policy");
    out.push(b'{');
    let limits = [
        ("segments_max", terms.segments_max),
        ("seconds_max", terms.seconds_max),
        ("bytes_max", terms.bytes_max),
    ];
    for (name, limit) in limits {
        match limit {
            Some(limit) => number(out, name, limit),
            None => {
                key(out, name);
                out.extend_from_slice(b"null");
            }
        }
    }
    out.push(b'}');
    hex(out, "tree_root", &terms.tree_root);
}

fn put_checked(out: &mut Vec<u8>, checked: &CheckedSegment) {
    out.push(b'{');
    text(out, "name", &checked.name);
    text(out, "algorithm", checked.algorithm.as_str());
    number(out, "bytes", checked.bytes);
    for (name, value) in [("expected", &checked.expected), ("found", &checked.found)] {
        match value {
            Some(checksum) => text(out, name, &checksum.hex()),
            None => {
                key(out, name);
                out.extend_from_slice(b"null");
            }
        }
    }
    text(out, "status", checked.status.as_str());
    out.push(b'}');
}

fn put_integrity(out: &mut Vec<u8>, integrity: &Integrity) {
    out.extend_from_slice(b"\"event_type\":\"ringseal.integrity\"");
    text(out, "trigger", integrity.trigger.as_str());
    text(out, "algorithm", integrity.algorithm.as_str());
    text(out, "status", integrity.status().as_str());
    number(out, "log_bytes", integrity.log_bytes);
    number(out, "log_entries", integrity.log_entries);
    list(out, "segments", &integrity.segments, put_checked);
}

/// The signed text of a statement without the prefix and the origin, for members that have no signature
/// yet.
pub(crate) fn statement_line(seq: u64, unix_nanos: i64, members: &[u8]) -> Vec<u8> {
    let mut line = Vec::with_capacity(members.len() + 80);
    line.extend_from_slice(b"{\"seq\":");
    put_decimal(&mut line, seq);
    line.extend_from_slice(b",\"timestamp\":\"");
    put_timestamp(unix_nanos, &mut line);
    line.extend_from_slice(b"\",");
    line.extend_from_slice(members);
    line
}
