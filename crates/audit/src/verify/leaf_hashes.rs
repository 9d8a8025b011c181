//! Computes the hashes of lines and of their file together, two at a time.
//!
//! Promises: allocates only the two lists, which are reused. The results equal those of hashing each line alone.
use super::super::entry::SIGNED_FROM_END;
use super::source::Batch;
use ringseal_base::digest::Hash;
use ringseal_base::digest::pair::{Message, MessageSource, Midstate, Stream, run, run_pair};

/// SHA-256(0x00 ‖ signed text of a line), the chain's digest; `None` if the line is too short for its
/// leaf hash to pass through this state.
pub(super) type Digest = Option<Hash>;

/// The leaf hashes of the lines of a batch; `digests` are empty unless signatures are checked.
#[derive(Default)]
pub(super) struct LineHashes {
    pub leaves: Vec<Hash>,
    pub digests: Vec<Digest>,
    /// The first line that is not hashed yet.
    next: usize,
}

impl LineHashes {
    /// Prepares for `count` lines.
    pub fn begin(&mut self, count: usize, is_signed: bool) {
        self.leaves.resize(count, [0; 32]);
        self.digests.clear();
        self.digests.resize(if is_signed { count } else { 0 }, None);
        self.next = 0;
    }

    /// Adds all bytes to `whole`, and hashes lines beside it.
    pub fn hash_beside(&mut self, batch: &Batch, whole: &mut Stream) {
        let next = self.next;
        let leaves = self.leaves.get_mut(next..).unwrap_or_default();
        let digests = self.digests.get_mut(next..).unwrap_or_default();
        let mut lines = Lines::new(batch, next, leaves, digests);
        run_pair(&mut whole.take(batch.whole()), &mut lines);
        self.next = lines.at;
    }

    /// Hashes the lines that are left, in pairs.
    pub fn hash_rest(&mut self, batch: &Batch) {
        let next = self.next;
        let leaves = self.leaves.get_mut(next..).unwrap_or_default();
        let digests = self.digests.get_mut(next..).unwrap_or_default();
        let half = leaves.len() / 2;
        let (leaves_one, leaves_two) = leaves.split_at_mut(half);
        let (digests_one, digests_two) = digests.split_at_mut_checked(half).unwrap_or_default();
        let mut one = Lines::new(batch, next, leaves_one, digests_one);
        let mut two = Lines::new(batch, next + half, leaves_two, digests_two);
        run_pair(&mut one, &mut two);
        run(&mut one);
        run(&mut two);
        self.next = batch.lines.len();
    }
}

/// Consecutive lines of a batch.
struct Lines<'b, 'o> {
    batch: &'b Batch,
    first: usize,
    /// The current or next line.
    at: usize,
    /// The part being hashed, or the last one.
    part: Part,
    /// The state after the whole blocks of the signed text, and how many bytes of the
    /// line these are.
    cut: Midstate,
    taken: usize,
    leaves: &'o mut [Hash],
    digests: &'o mut [Digest],
}

#[derive(Clone, Copy)]
enum Part {
    /// The whole blocks of the signed text.
    Begin,
    /// The end of the signed text, for the digest.
    Digest,
    /// The rest of the line.
    Leaf,
}

impl<'b, 'o> Lines<'b, 'o> {
    fn new(
        batch: &'b Batch,
        first: usize,
        leaves: &'o mut [Hash],
        digests: &'o mut [Digest],
    ) -> Lines<'b, 'o> {
        let (part, cut) = (Part::Leaf, Midstate::START);
        Lines { batch, first, at: first, part, cut, taken: 0, leaves, digests }
    }

    fn begin(&mut self, line: &'b [u8], message: &mut Message<'b>) {
        let signed = line.get(..line.len().saturating_sub(SIGNED_FROM_END)).unwrap_or_default();
        if !self.digests.is_empty() {
            self.taken = signed.len() - message.begin(0, signed).len();
            if self.taken > 0 {
                self.part = Part::Begin;
                return;
            }
        }
        message.whole(0, line);
    }
}

impl<'b> MessageSource<'b> for Lines<'b, '_> {
    fn next(&mut self, message: &mut Message<'b>) -> Option<Midstate> {
        if self.at - self.first >= self.leaves.len() {
            return None;
        }
        let line = self.batch.line(self.at);
        let (end, next) = match self.part {
            Part::Leaf => {
                self.begin(line, message);
                return Some(Midstate::START);
            }
            Part::Begin => (line.len() - SIGNED_FROM_END, Part::Digest),
            Part::Digest => (line.len(), Part::Leaf),
        };
        self.part = next;
        message.end(line.get(self.taken..end).unwrap_or_default(), end as u64 + 1);
        Some(self.cut)
    }

    fn done(&mut self, state: Midstate) {
        let place = self.at - self.first;
        match self.part {
            Part::Begin => self.cut = state,
            Part::Digest => {
                if let Some(digest) = self.digests.get_mut(place) {
                    *digest = Some(state.hash());
                }
            }
            Part::Leaf => {
                if let Some(leaf) = self.leaves.get_mut(place) {
                    *leaf = state.hash();
                }
                self.at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::merkle::leaf_hash;
    use super::*;
    use ringseal_base::digest::Sha256;

    #[test]
    fn paired_hashing_matches_hashing_each_line_alone() {
        // Long and short lines alternate, so that either side of a pair ends first.
        let lens: Vec<usize> = (0..400).flat_map(|len| [len, 1000 - len, 0]).collect();
        for (is_signed, has_file) in [(false, false), (false, true), (true, false), (true, true)] {
            for count in [0, 1, 2, 3, lens.len()] {
                let mut whole = Stream::new();
                let lines: Vec<Vec<u8>> =
                    lens[..count].iter().map(|len| vec![*len as u8 | 1; *len]).collect();
                let batch = Batch::of(&lines);
                let mut hashes = LineHashes::default();
                // The lists of the batch before.
                hashes.begin(7, true);
                hashes.hash_rest(&Batch::default());
                hashes.begin(count, is_signed);
                if has_file {
                    hashes.hash_beside(&batch, &mut whole);
                }
                hashes.hash_rest(&batch);
                let LineHashes { leaves, digests, .. } = hashes;
                assert_eq!(leaves, lines.iter().map(|l| leaf_hash(l)).collect::<Vec<_>>());
                let file = if has_file { batch.whole() } else { b"" };
                assert_eq!(whole.finish(), Sha256::of(file));
                assert_eq!(digests.len(), if is_signed { count } else { 0 });
                for (line, digest) in lines.iter().zip(digests) {
                    let signed = line.len().saturating_sub(SIGNED_FROM_END);
                    let want = (signed >= 63).then(|| leaf_hash(&line[..signed]));
                    assert_eq!(digest, want, "{} bytes", line.len());
                }
            }
        }
    }
}
