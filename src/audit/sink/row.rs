//! What a database keeps beside a line, and what has to hold between rows.
use super::{AuditSinkError, SealedEntry};

/// What a database keeps beside a line.
pub(super) struct Columns<'a> {
    pub seq: u64,
    pub unix_nanos: i64,
    pub event_type: &'a str,
    pub leaf: &'a [u8],
    pub prev_signature: &'a str,
    pub signature: &'a str,
}

impl Columns<'_> {
    /// The entry of a row, if the columns say what its line says.
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

/// The number and the time that stand in its line; `None` where the line begins otherwise.
fn head(line: &[u8]) -> Option<(u64, Option<i64>)> {
    let rest = line.strip_prefix(b"{\"seq\":")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (seq, rest) = rest.split_at_checked(digits)?;
    let seq = std::str::from_utf8(seq).ok()?.parse().ok()?;
    let time = rest.strip_prefix(b",\"timestamp\":\"").and_then(|rest| rest.get(..30));
    Some((seq, time.and_then(unix_nanos_of)))
}

/// Nanoseconds since 1970 of `2026-11-22T15:09:20.000000000Z`.
fn unix_nanos_of(text: &[u8]) -> Option<i64> {
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = text.get(from..to).filter(|part| part.iter().all(u8::is_ascii_digit))?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'.'), (29, b'Z')];
    if !marks.iter().all(|&(at, mark)| text.get(at) == Some(&mark)) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    // Days since 1970 of a year that begins in March (Hinnant, "chrono-Compatible Low-Level Date
    // Algorithms").
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let days = 365 * year + year / 4 - year / 100 + year / 400 + day_of_year - 719_468;
    let seconds = days * 86_400 + number(11, 13)? * 3600 + number(14, 16)? * 60 + number(17, 19)?;
    seconds.checked_mul(1_000_000_000)?.checked_add(number(20, 29)?)
}

/// Looks whether entries follow one another: numbers without gaps, each with the signature of the
/// one before. `before` is what the sink has already, if anything.
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
