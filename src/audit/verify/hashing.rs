//! The hashes of a batch, ahead of the pass over its lines.
//!
//! Two hashes run over every byte, of the leaf and of the segment. One thread makes both, side by
//! side ([`crate::digest::pair`]), another one checks the chain's signatures, and the pass is a third.
//! Promises: at most [`BATCHES_IN_FLIGHT`] batches are in memory; they come in their order.
use std::thread::Scope;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::super::chain::{Chain, digest_of};
use super::super::entry::{SIGNATURE_BYTES, SIGNATURE_KEY, SIGNED_FROM_END, Scheme, Signature};
use super::Stop;
use super::leaves::{Digest, hash_lines};
use super::source::{Batch, Source};
use crate::digest::Hash;
use crate::digest::pair::Stream;
use crate::digest::text::{Base64, base64_array};

const BATCHES_IN_FLIGHT: usize = 4;

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
pub(super) struct Hasher<'a> {
    source: Source<'a>,
    is_end: bool,
    /// Why reading ended early; told when what was read before has been handed over.
    failed: Option<Stop>,
    in_flight: usize,
    jobs: Sender<Batch>,
    answers: Receiver<Hashed>,
}

/// A thread that takes one after the other, does something with it and hands it on.
fn stage<'s, A: Send + 's, B: Send + 's>(
    scope: &'s Scope<'s, '_>,
    taken: Receiver<A>,
    mut work: impl FnMut(A) -> B + Send + 's,
) -> Receiver<B> {
    let (done, answers) = bounded(BATCHES_IN_FLIGHT);
    scope.spawn(move || {
        for job in taken {
            if done.send(work(job)).is_err() {
                return;
            }
        }
    });
    answers
}

/// A thread of ours is gone: it panicked.
fn gone() -> Stop {
    Stop::Unchecked { reason: "a hashing thread died".into() }
}

impl<'a> Hasher<'a> {
    /// `chain` signs entry `first_seq` next; without it signatures are not checked.
    pub fn new<'s>(
        scope: &'s Scope<'s, '_>,
        source: Source<'a>,
        chain: Option<Chain>,
        first_seq: u64,
    ) -> Hasher<'a> {
        let (jobs, taken) = bounded(BATCHES_IN_FLIGHT);
        let (mut whole, is_signed) = (Stream::new(), chain.is_some());
        let mut answers = stage(scope, taken, move |batch: Batch| {
            let (leaves, digests) = hash_lines(&batch, &mut whole, is_signed);
            let segment = batch.ends_segment.then(|| std::mem::take(&mut whole).finish());
            Hashed { batch, leaves, digests, bad_signature: None, segment }
        });
        if let Some(chain) = chain {
            let mut checker = Checker { chain, seq: first_seq };
            answers = stage(scope, answers, move |mut hashed| {
                hashed.bad_signature = checker.first_wrong(&hashed);
                hashed
            });
        }
        Hasher { source, is_end: false, failed: None, in_flight: 0, jobs, answers }
    }

    /// The next batch; `None` behind the last.
    pub fn next(&mut self) -> Result<Option<Hashed>, Stop> {
        while !self.is_end && self.in_flight < BATCHES_IN_FLIGHT {
            match self.source.next() {
                Ok(Some(batch)) => {
                    self.jobs.send(batch).map_err(|_| gone())?;
                    self.in_flight += 1;
                }
                Ok(None) => self.is_end = true,
                Err(stop) => (self.is_end, self.failed) = (true, Some(stop)),
            }
        }
        if self.in_flight == 0 {
            return self.failed.take().map_or(Ok(None), Err);
        }
        self.in_flight -= 1;
        self.answers.recv().map(Some).map_err(|_| gone())
    }

    /// Gives a batch back.
    pub fn recycle(&mut self, batch: Batch) {
        self.source.recycle(batch);
    }
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
