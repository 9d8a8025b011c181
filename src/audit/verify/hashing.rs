//! The hashes of a batch, each kind on a thread of its own.
//!
//! Three hashes run over every byte: of the leaf, of the chain and of the segment. None needs the
//! others, so three threads make them while a fourth parses. Promises: at most
//! [`BATCHES_IN_FLIGHT`] batches are in memory; answers come in the order of the batches.
use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::Scope;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::super::chain::Chain;
use super::super::entry::{SIGNATURE_BYTES, SIGNATURE_KEY, Scheme, Signature};
use super::super::merkle::leaf_hash;
use super::Stop;
use super::source::{Batch, Source};
use crate::digest::text::{Base64, base64_array};
use crate::digest::{Hash, Sha256};

const BATCHES_IN_FLIGHT: usize = 4;

/// A batch with its hashes.
pub(super) struct Hashed {
    pub batch: Batch,
    /// The leaf hash of each line.
    pub leaves: Vec<Hash>,
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
    in_flight: VecDeque<Arc<Batch>>,
    leaves: Lane<Vec<Hash>>,
    chain: Lane<Option<usize>>,
    segment: Lane<Option<Hash>>,
}

struct Lane<T> {
    jobs: Sender<Arc<Batch>>,
    answers: Receiver<T>,
}

impl<T: Send + 'static> Lane<T> {
    fn spawn<'s>(
        scope: &'s Scope<'s, '_>,
        mut answer: impl FnMut(&Batch) -> T + Send + 's,
    ) -> Lane<T> {
        let (jobs, taken) = bounded::<Arc<Batch>>(BATCHES_IN_FLIGHT);
        let (done, answers) = bounded(BATCHES_IN_FLIGHT);
        scope.spawn(move || {
            for batch in taken {
                let answer = answer(&batch);
                drop(batch);
                if done.send(answer).is_err() {
                    return;
                }
            }
        });
        Lane { jobs, answers }
    }
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
        let mut whole = Sha256::new();
        let segment = Lane::spawn(scope, move |batch| {
            whole.update(batch.whole());
            batch.ends_segment.then(|| std::mem::take(&mut whole).finish())
        });
        let mut checker = chain.map(|chain| Checker { chain, seq: first_seq });
        let chain = Lane::spawn(scope, move |batch| {
            checker.as_mut().and_then(|checker| checker.first_wrong(batch))
        });
        let leaves = Lane::spawn(scope, |batch| {
            (0..batch.lines.len()).map(|at| leaf_hash(batch.line(at))).collect()
        });
        let in_flight = VecDeque::with_capacity(BATCHES_IN_FLIGHT);
        Hasher { source, is_end: false, failed: None, in_flight, leaves, chain, segment }
    }

    /// The next batch; `None` behind the last.
    pub fn next(&mut self) -> Result<Option<Hashed>, Stop> {
        while !self.is_end && self.in_flight.len() < BATCHES_IN_FLIGHT {
            match self.source.next() {
                Ok(Some(batch)) => self.hand_out(Arc::new(batch))?,
                Ok(None) => self.is_end = true,
                Err(stop) => (self.is_end, self.failed) = (true, Some(stop)),
            }
        }
        self.take()
    }

    /// Gives a batch back.
    pub fn recycle(&mut self, batch: Batch) {
        self.source.recycle(batch);
    }

    fn hand_out(&mut self, batch: Arc<Batch>) -> Result<(), Stop> {
        let sent = [
            self.leaves.jobs.send(Arc::clone(&batch)),
            self.chain.jobs.send(Arc::clone(&batch)),
            self.segment.jobs.send(Arc::clone(&batch)),
        ];
        self.in_flight.push_back(batch);
        if sent.iter().any(Result::is_err) { Err(gone()) } else { Ok(()) }
    }

    fn take(&mut self) -> Result<Option<Hashed>, Stop> {
        let Some(batch) = self.in_flight.pop_front() else {
            return self.failed.take().map_or(Ok(None), Err);
        };
        let leaves = self.leaves.answers.recv().map_err(|_| gone())?;
        let bad_signature = self.chain.answers.recv().map_err(|_| gone())?;
        let segment = self.segment.answers.recv().map_err(|_| gone())?;
        // The threads have let go of it before they answered.
        let batch = Arc::try_unwrap(batch).map_err(|_| gone())?;
        Ok(Some(Hashed { batch, leaves, bad_signature, segment }))
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
    fn first_wrong(&mut self, batch: &Batch) -> Option<usize> {
        (0..batch.lines.len()).find(|at| !self.is_right(batch.line(*at)))
    }

    /// Whether the line, which should be the next entry, is signed rightly.
    pub fn is_right(&mut self, line: &[u8]) -> bool {
        let seq = self.seq;
        self.seq += 1;
        signed_and_signature(line)
            .and_then(|(signed, found)| self.chain.check(seq, signed, &found))
            .unwrap_or(false)
    }
}

/// The part of a line that is signed, and the signature.
fn signed_and_signature(line: &[u8]) -> Option<(&[u8], Signature)> {
    let (signed, tail) =
        line.split_at_checked(line.len().checked_sub(SIGNATURE_KEY.len() + SIGNATURE_BYTES + 2)?)?;
    let text = tail.strip_prefix(SIGNATURE_KEY)?.get(..SIGNATURE_BYTES)?;
    let (prefix, digits) = text.split_at_checked(3)?;
    let scheme = if prefix == b"m1:" { Scheme::Mac } else { Scheme::Hash };
    let hash = base64_array(Base64::Url, digits).ok()?;
    Some((signed, Signature { scheme, hash }))
}
