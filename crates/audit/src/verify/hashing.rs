//! Hashes batches on other threads, ahead of the pass over their lines.
//!
//! Every byte is hashed twice, for its leaf and for its segment. One thread reads and computes both hashes
//! side by side ([`ringseal_base::digest::pair`]), a second checks the chain's signatures, and the pass runs on a
//! third. Promises: at most a few batches per thread are in memory; they arrive in order.
use std::thread::Scope;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::super::chain::{Chain, digest_of};
use super::super::entry::{SIGNATURE_BYTES, SIGNATURE_KEY, SIGNED_FROM_END, Scheme, Signature};
use super::Stop;
use super::leaf_hashes::{Digest, hash_lines};
use super::source::{Batch, BatchReader};
use ringseal_base::digest::Hash;
use ringseal_base::digest::pair::Stream;
use ringseal_base::digest::text::{Base64, base64_array};

/// Batches queued between one thread and the next.
const BATCHES_IN_FLIGHT: usize = 2;

/// A batch with its hashes.
pub(super) struct HashedBatch {
    pub batch: Batch,
    /// The leaf hash of each line; `digests` has the signed digests if signatures are checked.
    pub leaves: Vec<Hash>,
    digests: Vec<Digest>,
    /// The first line with a wrong signature, if signatures are checked.
    pub bad_signature: Option<usize>,
    /// The SHA-256 of the segment, if it ends here.
    pub segment: Option<Hash>,
}

/// Hashes batches ahead of the caller.
pub(super) struct Hasher {
    answers: Receiver<Result<HashedBatch, Stop>>,
    empty: Sender<Batch>,
    is_end: bool,
}

impl Hasher {
    /// `chain` signs entry `first_seq` next; without it signatures are not checked.
    pub fn new<'s, 'a: 's>(
        scope: &'s Scope<'s, '_>,
        mut source: BatchReader<'a>,
        chain: Option<Chain>,
        first_seq: u64,
    ) -> Hasher {
        let (empty, emptied) = bounded(BATCHES_IN_FLIGHT);
        let (done, mut answers) = bounded(BATCHES_IN_FLIGHT);
        let is_signed = chain.is_some();
        scope.spawn(move || {
            let mut whole = Stream::new();
            loop {
                emptied.try_iter().for_each(|batch| source.recycle(batch));
                let (answer, is_end) = match source.next() {
                    Ok(Some(batch)) => (Ok(hash(batch, &mut whole, is_signed)), false),
                    Ok(None) => return,
                    Err(stop) => (Err(stop), true),
                };
                if done.send(answer).is_err() || is_end {
                    return;
                }
            }
        });
        if let Some(chain) = chain {
            let (done, checked) = bounded(BATCHES_IN_FLIGHT);
            let hashed = std::mem::replace(&mut answers, checked);
            let mut checker = SignatureChecker { chain, seq: first_seq };
            scope.spawn(move || {
                for mut answer in hashed {
                    if let Ok(hashed) = &mut answer {
                        hashed.bad_signature = checker.first_invalid(hashed);
                    }
                    if done.send(answer).is_err() {
                        return;
                    }
                }
            });
        }
        Hasher { answers, empty, is_end: false }
    }

    /// The next batch; `None` after the last.
    pub fn next(&mut self) -> Result<Option<HashedBatch>, Stop> {
        if self.is_end {
            return Ok(None);
        }
        let answer = self.answers.recv();
        // The scope propagates the panic of a thread.
        self.is_end = !matches!(answer, Ok(Ok(_)));
        answer.map_or(Ok(None), |answer| answer.map(Some))
    }

    /// Returns a batch for reuse.
    pub fn recycle(&mut self, batch: Batch) {
        // The receiver is closed once the last batch has been read.
        let _ = self.empty.try_send(batch);
    }
}

fn hash(batch: Batch, whole: &mut Stream, is_signed: bool) -> HashedBatch {
    let (leaves, digests) = hash_lines(&batch, whole, is_signed);
    let segment = batch.ends_segment.then(|| std::mem::take(whole).finish());
    HashedBatch { batch, leaves, digests, bad_signature: None, segment }
}

/// Checks the chain's signatures in unparsed lines: a line's suffix has a fixed length, and the parser
/// rejects a line that is not an entry.
pub(super) struct SignatureChecker {
    pub chain: Chain,
    /// The number of the next entry.
    pub seq: u64,
}

impl SignatureChecker {
    /// The first line whose signature is wrong.
    fn first_invalid(&mut self, hashed: &HashedBatch) -> Option<usize> {
        hashed.digests.iter().enumerate().position(|(at, digest)| {
            let line = hashed.batch.line(at);
            match (digest, signed_and_signature(line)) {
                (Some(digest), Some((_, found))) => !self.is_next(digest, &found),
                _ => !self.is_next_valid(line),
            }
        })
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
