//! The columns that a database keeps beside a line, and the rules between rows.
use super::{AuditSinkError, SealedEntry};
use crate::entry::parse_timestamp;

/// The columns that a database keeps beside a line.
pub(super) struct Columns<'a> {
    pub seq: u64,
    pub unix_nanos: i64,
    pub event_type: &'a str,
    pub leaf: &'a [u8],
    pub prev_signature: &'a str,
    pub signature: &'a str,
}

impl Columns<'_> {
    /// The entry of a row, if the columns agree with the line.
    pub(super) fn entry<'l>(
        &self,
        target: &str,
        line: &'l [u8],
    ) -> Result<SealedEntry<'l>, AuditSinkError> {
        let entry = SealedEntry::new(self.seq, self.unix_nanos, line);
        let (line_seq, line_time) = head(line).unzip();
        let column = if line_seq != Some(self.seq) {
            "seq"
        } else if line_time.flatten() != Some(self.unix_nanos) {
            "unix_nanos"
        } else if self.event_type != entry.event_type() {
            "event_type"
        } else if self.leaf != entry.leaf {
            "leaf_hash"
        } else if Some(self.prev_signature) != entry.prev_signature() {
            "prev_signature"
        } else if Some(self.signature) != entry.signature() {
            "signature"
        } else {
            return Ok(entry);
        };
        Err(AuditSinkError::Column { target: target.to_owned(), seq: self.seq, column })
    }
}

/// The number and the time in a line; `None` if the line does not begin like an entry.
fn head(line: &[u8]) -> Option<(u64, Option<i64>)> {
    let rest = line.strip_prefix(b"{\"seq\":")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (seq, rest) = rest.split_at_checked(digits)?;
    let seq = std::str::from_utf8(seq).ok()?.parse().ok()?;
    let time = rest.strip_prefix(b",\"timestamp\":\"").and_then(|rest| rest.get(..30));
    Some((seq, time.and_then(parse_timestamp)))
}

/// Checks that entries are consecutive: numbers without gaps, each with the signature of the preceding one. `before` is
/// the last entry that the sink has.
pub(super) fn check_run(
    target: &str,
    before: Option<(u64, &str)>,
    entries: &[SealedEntry<'_>],
) -> Result<(), AuditSinkError> {
    let target = || target.to_owned();
    let mut before = before;
    for entry in entries {
        let seq = entry.seq;
        let Some((previous, own)) = entry.signatures() else {
            return Err(AuditSinkError::Malformed { target: target(), seq });
        };
        if let Some((last_seq, signature)) = before {
            let expected_seq = last_seq.saturating_add(1);
            if seq != expected_seq {
                let found_seq = seq;
                return Err(AuditSinkError::Gap { target: target(), expected_seq, found_seq });
            }
            if previous != signature {
                return Err(AuditSinkError::Chain { target: target(), seq });
            }
        }
        before = Some((seq, own));
    }
    Ok(())
}
