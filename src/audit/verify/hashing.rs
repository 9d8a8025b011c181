//! The hashes of a batch, ahead of the pass over its lines.
//!
//! Two hashes run over every byte, of the leaf and of the segment. One thread reads and makes both,
//! side by side ([`crate::digest::pair`]), another one checks the chain's signatures, and the pass is
//! a third. Promises: a few batches for each thread are in memory; they come in their order.
use std::thread::Scope;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::super::chain::{Chain, digest_of};
use super::super::entry::{SIGNATURE_BYTES, SIGNATURE_KEY, SIGNED_FROM_END, Scheme, Signature};
use super::Stop;
use super::leaf_hashes::{Digest, hash_lines};
use super::source::{Batch, Source};
use crate::digest::Hash;
use crate::digest::pair::Stream;
use crate::digest::text::{Base64, base64_array};

/// Batches that wait between one thread and the next.
const BATCHES_IN_FLIGHT: usize = 2;

/// A batch with its hashes.
pub(super) struct Hashed {
    pub batch: Batch,
    /// The leaf hash of each line, and what is signed of it if that is checked.
    pub leaves: Vec<Hash>,
    digests: Vec<Digest>,
    /// The first line whose signature of the chain is wrong, if these are checked.
    pub bad_signature: Option<usize>,
    /// The SHA-256 of the segment, if it ends here.
    pub segment: Option<Hash>,
}

/// Hashes batches ahead of who asks for them.
pub(super) struct Hasher {
    answers: Receiver<Result<Hashed, Stop>>,
    empty: Sender<Batch>,
    is_end: bool,
}

impl Hasher {
    /// `chain` signs entry `first_seq` next; without it signatures are not checked.
    pub fn new<'s, 'a: 's>(
        scope: &'s Scope<'s, '_>,
        mut source: Source<'a>,
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
            let mut checker = Checker { chain, seq: first_seq };
            scope.spawn(move || {
                for mut answer in hashed {
                    if let Ok(hashed) = &mut answer {
                        hashed.bad_signature = checker.first_wrong(hashed);
                    }
                    if done.send(answer).is_err() {
                        return;
                    }
                }
            });
        }
        Hasher { answers, empty, is_end: false }
    }

    /// The next batch; `None` behind the last.
    pub fn next(&mut self) -> Result<Option<Hashed>, Stop> {
        if self.is_end {
            return Ok(None);
        }
        let answer = self.answers.recv();
        // A thread that panics is told of by the scope.
        self.is_end = !matches!(answer, Ok(Ok(_)));
        answer.map_or(Ok(None), |answer| answer.map(Some))
    }

    /// Gives a batch back.
    pub fn recycle(&mut self, batch: Batch) {
        // Nobody wants it any more when the last one has been read.
        let _ = self.empty.try_send(batch);
    }
}

fn hash(batch: Batch, whole: &mut Stream, is_signed: bool) -> Hashed {
    let (leaves, digests) = hash_lines(&batch, whole, is_signed);
    let segment = batch.ends_segment.then(|| std::mem::take(whole).finish());
    Hashed { batch, leaves, digests, bad_signature: None, segment }
}

/// Checks signatures of the chain where they stand in lines, unparsed: the last bytes of a line are
/// of fixed length, and a line that is no entry is refused by the parser.
pub(super) struct Checker {
    pub chain: Chain,
    /// The entry that comes next.
    pub seq: u64,
}

impl Checker {
    /// The first line whose signature is wrong.
    fn first_wrong(&mut self, hashed: &Hashed) -> Option<usize> {
        hashed.digests.iter().enumerate().position(|(at, digest)| {
            let line = hashed.batch.line(at);
            match (digest, signed_and_signature(line)) {
                (Some(digest), Some((_, found))) => !self.is_next(digest, &found),
                _ => !self.is_right(line),
            }
        })
    }

    /// Whether the line, which should be the next entry, is signed rightly.
    pub fn is_right(&mut self, line: &[u8]) -> bool {
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
fn signed_and_signature(line: &[u8]) -> Option<(&[u8], Signature)> {
    let (signed, tail) = line.split_at_checked(line.len().checked_sub(SIGNED_FROM_END)?)?;
    let text = tail.strip_prefix(SIGNATURE_KEY)?.get(..SIGNATURE_BYTES)?;
    let (prefix, digits) = text.split_at_checked(3)?;
    let scheme = if prefix == b"m1:" { Scheme::Mac } else { Scheme::Hash };
    let hash = base64_array(Base64::Url, digits).ok()?;
    Some((signed, Signature { scheme, hash }))
}
