//! Messages hashed two at a time: while the instructions for one wait for their results, those for
//! the other run.
//!
//! A [`Lane`] hands out one [`Message`] after the other; [`run_pair`] takes the blocks of two lanes
//! side by side. Promises: no allocation, no failure. The hashes are those of one after the other;
//! only the time differs, and that only where the processor has the instructions.
use super::Hash;
use super::sha256::{BLOCK, Block, START, State, bytes_of, compress, compress_pair};

/// How far a hash is: to go on with, or to finish in two ways.
#[derive(Clone, Copy)]
pub struct Midstate(State);

impl Midstate {
    /// Nothing has been taken yet.
    pub const START: Midstate = Midstate(START);

    /// The hash, when the last block has been taken.
    pub fn hash(&self) -> Hash {
        bytes_of(&self.0)
    }
}

/// Whole blocks: one that is copied together, those of a text as they stand there, and the end.
pub struct Message<'a> {
    head: Block,
    has_head: bool,
    mid: &'a [Block],
    tail: [Block; 2],
    /// Which of the blocks at the end are still to be taken.
    tail_from: usize,
    tail_to: usize,
}

impl<'a> Message<'a> {
    /// Nothing.
    fn empty() -> Message<'a> {
        let zero = [0; BLOCK];
        Message { head: zero, has_head: false, mid: &[], tail: [zero; 2], tail_from: 0, tail_to: 0 }
    }

    /// As many whole blocks of `prefix` ‖ `bytes` as there are, and how many of `bytes` are left.
    pub fn beginning(prefix: u8, bytes: &'a [u8]) -> (Message<'a>, &'a [u8]) {
        let mut message = Message::empty();
        let Some((first, rest)) = bytes.split_at_checked(BLOCK - 1) else {
            return (message, bytes);
        };
        message.head[0] = prefix;
        message.head[1..].copy_from_slice(first);
        message.has_head = true;
        let (mid, rest) = rest.as_chunks();
        message.mid = mid;
        (message, rest)
    }

    /// The whole of `prefix` ‖ `bytes`, with its padding.
    pub fn prefixed(prefix: u8, bytes: &'a [u8]) -> Message<'a> {
        let len = bytes.len() as u64 + 1;
        let (mut message, rest) = Message::beginning(prefix, bytes);
        if message.has_head {
            message.end(&[], rest, len);
        } else {
            message.end(&[prefix], rest, len);
        }
        message
    }

    /// The end of a message of `len` bytes, all but `bytes` of which have been taken.
    pub fn ending(bytes: &'a [u8], len: u64) -> Message<'a> {
        let mut message = Message::empty();
        let (mid, rest) = bytes.as_chunks();
        message.mid = mid;
        message.end(&[], rest, len);
        message
    }

    /// Puts the end of less than a block and the padding.
    fn end(&mut self, prefix: &[u8], rest: &[u8], len: u64) {
        let bytes = self.tail.as_flattened_mut();
        let filled = prefix.len() + rest.len();
        bytes[..prefix.len()].copy_from_slice(prefix);
        bytes[prefix.len()..filled].copy_from_slice(rest);
        bytes[filled] = 0x80;
        self.tail_to = if filled + 9 > BLOCK { 2 } else { 1 };
        let end = self.tail_to * BLOCK;
        bytes[end - 8..end].copy_from_slice(&(len * 8).to_be_bytes());
    }

    /// Blocks that stand together and come next; none at the end.
    #[inline]
    fn blocks(&self) -> &[Block] {
        if self.has_head {
            std::slice::from_ref(&self.head)
        } else if !self.mid.is_empty() {
            self.mid
        } else {
            self.tail.get(self.tail_from..self.tail_to).unwrap_or_default()
        }
    }

    #[inline]
    fn advance(&mut self, count: usize) {
        if self.has_head {
            self.has_head = count == 0;
        } else if !self.mid.is_empty() {
            self.mid = self.mid.get(count..).unwrap_or_default();
        } else {
            self.tail_from += count;
        }
    }
}

/// One message after the other.
pub trait Lane<'a> {
    /// The next one, and what it goes on from; `None` behind the last.
    fn next(&mut self) -> Option<(Midstate, Message<'a>)>;

    /// The last one has been taken.
    fn done(&mut self, state: Midstate);
}

/// Takes the messages of both lanes until one has no more; what the other has begun is finished.
pub fn run_pair<'a>(one: &mut impl Lane<'a>, two: &mut impl Lane<'a>) {
    let (mut first, mut second) = (one.next(), two.next());
    while let (Some((one_state, one_left)), Some((two_state, two_left))) = (&mut first, &mut second)
    {
        let (one_blocks, two_blocks) = (one_left.blocks(), two_left.blocks());
        let count = one_blocks.len().min(two_blocks.len());
        compress_pair([&mut one_state.0, &mut two_state.0], [one_blocks, two_blocks]);
        one_left.advance(count);
        two_left.advance(count);
        renew(one, &mut first);
        renew(two, &mut second);
    }
    finish(one, first);
    finish(two, second);
}

/// Takes the messages of one lane.
pub fn run<'a>(lane: &mut impl Lane<'a>) {
    while let Some(job) = lane.next() {
        finish(lane, Some(job));
    }
}

/// The next message in the place of one that has ended.
#[inline]
fn renew<'a>(lane: &mut impl Lane<'a>, job: &mut Option<(Midstate, Message<'a>)>) {
    while let Some((state, _)) = job.take_if(|(_, left)| left.blocks().is_empty()) {
        lane.done(state);
        *job = lane.next();
    }
}

fn finish<'a>(lane: &mut impl Lane<'a>, job: Option<(Midstate, Message<'a>)>) {
    let Some((mut state, mut left)) = job else { return };
    while !left.blocks().is_empty() {
        let count = left.blocks().len();
        compress(&mut state.0, left.blocks());
        left.advance(count);
    }
    lane.done(state);
}

/// One long message whose pieces come bit by bit, as a lane.
#[derive(Clone)]
pub struct Stream {
    state: Midstate,
    /// Bytes that fill no block yet.
    rest: Block,
    filled: usize,
    len: u64,
}

impl Stream {
    /// Nothing has been taken.
    pub fn new() -> Stream {
        Stream { state: Midstate::START, rest: [0; BLOCK], filled: 0, len: 0 }
    }

    /// A lane that takes `bytes`, once: what it does not come to is the caller's loss.
    pub fn take<'s, 'a>(&'s mut self, bytes: &'a [u8]) -> StreamLane<'s, 'a> {
        StreamLane { stream: self, bytes: Some(bytes) }
    }

    /// The hash of all that was taken.
    pub fn finish(self) -> Hash {
        let mut state = self.state;
        let rest = self.rest.get(..self.filled).unwrap_or_default();
        let message = Message::ending(rest, self.len);
        compress(&mut state.0, message.blocks());
        state.hash()
    }
}

impl Default for Stream {
    fn default() -> Self {
        Stream::new()
    }
}

/// See [`Stream::take`].
pub struct StreamLane<'s, 'a> {
    stream: &'s mut Stream,
    bytes: Option<&'a [u8]>,
}

impl<'a> Lane<'a> for StreamLane<'_, 'a> {
    fn next(&mut self) -> Option<(Midstate, Message<'a>)> {
        let mut bytes = self.bytes.take()?;
        let stream = &mut *self.stream;
        stream.len = stream.len.wrapping_add(bytes.len() as u64);
        let mut message = Message::empty();
        if stream.filled > 0 {
            let missing = (BLOCK - stream.filled).min(bytes.len());
            let (first, rest) = bytes.split_at(missing);
            stream.rest[stream.filled..stream.filled + missing].copy_from_slice(first);
            stream.filled += missing;
            if stream.filled == BLOCK {
                (message.head, message.has_head, stream.filled) = (stream.rest, true, 0);
            }
            bytes = rest;
        }
        let (mid, rest) = bytes.as_chunks();
        message.mid = mid;
        if !rest.is_empty() {
            stream.rest[..rest.len()].copy_from_slice(rest);
            stream.filled = rest.len();
        }
        Some((stream.state, message))
    }

    fn done(&mut self, state: Midstate) {
        self.stream.state = state;
    }
}

/// The hashes of 65 bytes each, as nodes of a tree have: a prefix and two hashes.
pub fn hash_65(inputs: [&[u8; 65]; 2]) -> [Hash; 2] {
    let (mut one, mut two) = (START, START);
    let ends = inputs.map(|input| {
        let mut end = [0; BLOCK];
        (end[0], end[1]) = (input[64], 0x80);
        end[BLOCK - 8..].copy_from_slice(&(65u64 * 8).to_be_bytes());
        end
    });
    let [one_input, two_input] = inputs;
    compress_pair([&mut one, &mut two], [one_input.as_chunks().0, two_input.as_chunks().0]);
    compress_pair([&mut one, &mut two], [&ends[..1], &ends[1..]]);
    [bytes_of(&one), bytes_of(&two)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::digest::Sha256;

    struct Whole<'a> {
        texts: &'a [Vec<u8>],
        hashes: Vec<Hash>,
    }

    impl<'a> Lane<'a> for Whole<'a> {
        fn next(&mut self) -> Option<(Midstate, Message<'a>)> {
            let text = self.texts.get(self.hashes.len())?;
            Some((Midstate::START, Message::prefixed(7, text)))
        }

        fn done(&mut self, state: Midstate) {
            self.hashes.push(state.hash());
        }
    }

    fn one_by_one(texts: &[Vec<u8>]) -> Vec<Hash> {
        let of = |text: &Vec<u8>| Sha256::of(&[&[7], text.as_slice()].concat());
        texts.iter().map(of).collect()
    }

    #[test]
    fn every_length_around_the_blocks_is_padded_rightly() {
        let texts: Vec<Vec<u8>> = (0..300).map(|len| vec![0xA5; len]).collect();
        let mut one = Whole { texts: &texts, hashes: vec![] };
        let mut two = Whole { texts: &texts[150..], hashes: vec![] };
        run_pair(&mut one, &mut two);
        run(&mut one);
        run(&mut two);
        assert_eq!(one.hashes, one_by_one(&texts));
        assert_eq!(two.hashes, one_by_one(&texts[150..]));
    }

    #[test]
    fn a_message_may_end_in_two_ways() {
        let text: Vec<u8> = (0..=255).cycle().take(700).collect();
        for cut in 1..600 {
            let (begun, rest) = Message::beginning(7, &text[..cut]);
            let taken = cut - rest.len();
            let mut lane = Once(Some((Midstate::START, begun)), None);
            run(&mut lane);
            let state = lane.1.unwrap();
            for end in [cut, cut + 1, 700] {
                if taken == 0 {
                    continue;
                }
                let message = Message::ending(&text[taken..end], end as u64 + 1);
                let mut lane = Once(Some((state, message)), None);
                run(&mut lane);
                let want = Sha256::of(&[&[7], &text[..end]].concat());
                assert_eq!(lane.1.unwrap().hash(), want, "{cut} then {end}");
            }
        }
    }

    struct Once<'a>(Option<(Midstate, Message<'a>)>, Option<Midstate>);

    impl<'a> Lane<'a> for Once<'a> {
        fn next(&mut self) -> Option<(Midstate, Message<'a>)> {
            self.0.take()
        }

        fn done(&mut self, state: Midstate) {
            self.1 = Some(state);
        }
    }

    #[test]
    fn nodes_of_a_tree_hash_as_65_bytes() {
        let inputs: [[u8; 65]; 2] = [std::array::from_fn(|at| at as u8), [9; 65]];
        assert_eq!(hash_65([&inputs[0], &inputs[1]]), inputs.map(|input| Sha256::of(&input)));
    }

    proptest! {
        #[test]
        fn a_stream_beside_texts_hashes_like_each_alone(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..10),
            texts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..20),
        ) {
            let mut stream = Stream::new();
            let mut lane = Whole { texts: &texts, hashes: vec![] };
            for piece in &pieces {
                run_pair(&mut stream.take(piece), &mut lane);
            }
            run(&mut lane);
            prop_assert_eq!(lane.hashes, one_by_one(&texts));
            prop_assert_eq!(stream.finish(), Sha256::of(&pieces.concat()));
        }
    }
}
