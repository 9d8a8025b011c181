//! The work on a batch that does not depend on the entries before it, and the two steps that do.
//!
//! Any thread can hash and parse any batch. Two steps need the batches in the order of the log: the hash of a segment,
//! and the chain's signatures, whose key moves with each entry. Every byte is hashed twice, for its leaf and for its
//! segment: side by side ([`ringseal_base::digest::pair`]), as far as both are left to do.
//!
//! Promises: the results equal those of hashing, parsing and checking each line alone; lists are reused.
use super::super::chain::{Chain, digest_of};
use super::super::entry::{
    Entry, Parser, SIGNATURE_BYTES, SIGNATURE_KEY, SIGNED_FROM_END, Scheme, Signature,
};
use super::leaf_hashes::{Digest, LineHashes};
use super::source::Batch;
use ringseal_base::digest::Hash;
use ringseal_base::digest::pair::Stream;
use ringseal_base::digest::text::{Base64, base64_array};

/// A batch with its hashes and parsed lines.
#[derive(Default)]
pub(super) struct HashedBatch {
    pub batch: Batch,
    pub hashes: LineHashes,
    /// What the pass needs of each event; `None` for control entries, and for lines that are not entries.
    pub events: Vec<Option<EventLine>>,
    /// The first line with a wrong signature, if signatures are checked.
    pub bad_signature: Option<usize>,
    /// The SHA-256 of the segment, if it ends here and another one follows.
    pub segment: Option<Hash>,
}

/// The parts of an event's line that are compared with other lines.
#[derive(Debug, Clone, Copy)]
pub(super) struct EventLine {
    pub seq: u64,
    pub unix_nanos: i64,
    pub previous: Signature,
    pub signature: Signature,
}

impl EventLine {
    /// These parts of any entry.
    pub fn of(entry: &Entry<'_>) -> EventLine {
        let Entry { seq, unix_nanos, previous, signature, .. } = *entry;
        EventLine { seq, unix_nanos, previous, signature }
    }
}

impl HashedBatch {
    /// Prepares the lists for the lines of the batch.
    pub fn begin(&mut self, is_signed: bool) {
        self.hashes.begin(self.batch.lines.len(), is_signed);
        self.events.clear();
        (self.bad_signature, self.segment) = (None, None);
    }

    /// Adds all bytes to the hash of their segment, and hashes lines beside it.
    pub fn hash_beside(&mut self, whole: &mut Stream) {
        self.hashes.hash_beside(&self.batch, whole);
        if self.batch.ends_segment {
            self.segment = Some(std::mem::take(whole).finish());
        }
    }

    /// Hashes the lines that are left.
    pub fn hash_rest(&mut self) {
        self.hashes.hash_rest(&self.batch);
    }

    /// Parses all lines, once.
    pub fn parse(&mut self, parser: &mut Parser) {
        if !self.events.is_empty() {
            return;
        }
        let event = |line: usize| {
            let entry = parser.entry(self.batch.line(line)).ok()?;
            (!entry.is_control()).then(|| EventLine::of(&entry))
        };
        self.events.extend((0..self.batch.lines.len()).map(event));
    }

    /// The parts of a line, if it is an event.
    pub fn event(&self, line: usize) -> Option<&EventLine> {
        self.events.get(line)?.as_ref()
    }

    /// The leaf hash of a line.
    pub fn leaf(&self, line: usize) -> Hash {
        self.hashes.leaves.get(line).copied().unwrap_or_default()
    }
}

/// Checks the chain's signatures. A line's suffix has a fixed length; one that is not an entry is rejected by the
/// parser.
pub(super) struct SignatureChecker {
    pub chain: Chain,
    /// The number of the next entry.
    pub seq: u64,
}

impl SignatureChecker {
    /// The first line whose signature is wrong.
    pub fn first_invalid(&mut self, hashed: &HashedBatch) -> Option<usize> {
        hashed.hashes.digests.iter().enumerate().position(|(line, digest)| {
            !self.is_next_line_valid(digest, hashed.event(line), hashed.batch.line(line))
        })
    }

    fn is_next_line_valid(
        &mut self,
        digest: &Digest,
        event: Option<&EventLine>,
        line: &[u8],
    ) -> bool {
        match (digest, event) {
            (Some(digest), Some(event)) => self.is_next(digest, &event.signature),
            (Some(digest), None) => match signed_and_signature(line) {
                Some((_, found)) => self.is_next(digest, &found),
                None => self.is_next_valid(line),
            },
            (None, _) => self.is_next_valid(line),
        }
    }

    /// Whether the signature of the line, as the next entry, is correct.
    pub fn is_next_valid(&mut self, line: &[u8]) -> bool {
        match signed_and_signature(line) {
            Some((signed, found)) => self.is_next(&digest_of(signed), &found),
            None => {
                self.seq += 1;
                false
            }
        }
    }

    fn is_next(&mut self, digest: &Hash, found: &Signature) -> bool {
        let seq = self.seq;
        self.seq += 1;
        self.chain.check_digest(seq, digest, found).unwrap_or(false)
    }
}

/// The part of a line that is signed, and the signature.
pub(super) fn signed_and_signature(line: &[u8]) -> Option<(&[u8], Signature)> {
    let (signed, tail) = line.split_at_checked(line.len().checked_sub(SIGNED_FROM_END)?)?;
    let text = tail.strip_prefix(SIGNATURE_KEY)?.get(..SIGNATURE_BYTES)?;
    let (prefix, digits) = text.split_at_checked(3)?;
    let scheme = if prefix == b"m1:" { Scheme::Mac } else { Scheme::Hash };
    let hash = base64_array(Base64::Url, digits).ok()?;
    Some((signed, Signature { scheme, hash }))
}
