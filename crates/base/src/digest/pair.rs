//! Hashes two messages at a time: while instructions for one message wait for results, instructions for the other
//! execute.
//!
//! A [`MessageSource`] supplies one [`Message`] after the other; [`run_pair`] processes the blocks of two sources side
//! by side. Promises: no allocation, no failure. The hashes are the same as in sequence; only the time differs, and
//! only if the processor has the instructions.
use super::Hash;
use super::sha256::{BLOCK, Block, START, State, bytes_of, compress, compress_pair};

/// The state of a hash, from which it can be continued or finished.
#[derive(Clone, Copy)]
pub struct Midstate(State);

impl Midstate {
    /// The state before the first block.
    pub const START: Midstate = Midstate(START);

    /// The hash, after the last block has been processed.
    pub fn hash(&self) -> Hash {
        bytes_of(&self.0)
    }
}

/// A message as whole blocks: a copied first block, the blocks of a text in place, and the padded end.
pub struct Message<'a> {
    head: Block,
    has_head: bool,
    mid: &'a [Block],
    tail: [Block; 2],
    /// The blocks at the end that have not been processed yet.
    tail_from: usize,
    tail_to: usize,
}

impl<'a> Message<'a> {
    /// An empty message.
    fn new() -> Message<'a> {
        let (head, tail) = ([0; BLOCK], [[0; BLOCK]; 2]);
        Message { head, has_head: false, mid: &[], tail, tail_from: 0, tail_to: 0 }
    }

    fn clear(&mut self) {
        (self.has_head, self.mid) = (false, &[]);
        (self.tail_from, self.tail_to) = (0, 0);
    }

    /// Sets as many whole blocks of `prefix` ‖ `bytes` as there are; returns the rest of `bytes`.
    pub fn begin(&mut self, prefix: u8, bytes: &'a [u8]) -> &'a [u8] {
        self.clear();
        let Some((first, rest)) = bytes.split_first_chunk::<{ BLOCK - 1 }>() else { return bytes };
        self.head[0] = prefix;
        self.head[1..].copy_from_slice(first);
        self.has_head = true;
        let (mid, rest) = rest.as_chunks();
        self.mid = mid;
        rest
    }

    /// Sets the whole of `prefix` ‖ `bytes`, with its padding.
    pub fn whole(&mut self, prefix: u8, bytes: &'a [u8]) {
        let rest = self.begin(prefix, bytes);
        let prefix = if self.has_head { &[][..] } else { &[prefix] };
        self.pad(prefix, rest, bytes.len() as u64 + 1);
    }

    /// Sets the end of a message of `len` bytes, all but `bytes` of which have been processed.
    pub fn end(&mut self, bytes: &'a [u8], len: u64) {
        self.clear();
        let (mid, rest) = bytes.as_chunks();
        self.mid = mid;
        self.pad(&[], rest, len);
    }

    /// Sets the last partial block and the padding.
    fn pad(&mut self, prefix: &[u8], rest: &[u8], len: u64) {
        let filled = prefix.len() + rest.len();
        self.tail_to = if filled + 9 > BLOCK { 2 } else { 1 };
        let bytes = &mut self.tail.as_flattened_mut()[..self.tail_to * BLOCK];
        bytes[..prefix.len()].copy_from_slice(prefix);
        bytes[prefix.len()..filled].copy_from_slice(rest);
        bytes[filled] = 0x80;
        let (zeros, end) = bytes[filled + 1..].split_at_mut(self.tail_to * BLOCK - filled - 9);
        zeros.fill(0);
        end.copy_from_slice(&(len * 8).to_be_bytes());
    }

    /// The next contiguous blocks; empty at the end.
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

/// A sequence of messages.
pub trait MessageSource<'a> {
    /// Sets the next message and returns the state that it continues from; `None` after the last.
    fn next(&mut self, message: &mut Message<'a>) -> Option<Midstate>;

    /// Receives the state after the last block of a message.
    fn done(&mut self, state: Midstate);
}

/// Processes the messages of both sources until one has no more; a message that the other has started is finished.
pub fn run_pair<'a>(one: &mut impl MessageSource<'a>, two: &mut impl MessageSource<'a>) {
    let (mut first, mut second) = (Slot::of(one), Slot::of(two));
    while let (Some(one_state), Some(two_state)) = (&mut first.state, &mut second.state) {
        let (one_blocks, two_blocks) = (first.message.blocks(), second.message.blocks());
        let count = one_blocks.len().min(two_blocks.len());
        compress_pair([&mut one_state.0, &mut two_state.0], [one_blocks, two_blocks]);
        first.message.advance(count);
        second.message.advance(count);
        first.load_next(one);
        second.load_next(two);
    }
    first.finish(one);
    second.finish(two);
}

/// Processes the messages of one source.
pub fn run<'a>(source: &mut impl MessageSource<'a>) {
    let mut slot = Slot::of(source);
    while slot.state.is_some() {
        slot.finish(source);
        slot.state = source.next(&mut slot.message);
    }
}

/// A message that is being processed.
struct Slot<'a> {
    /// `None` after the last message.
    state: Option<Midstate>,
    message: Message<'a>,
}

impl<'a> Slot<'a> {
    fn of(source: &mut impl MessageSource<'a>) -> Slot<'a> {
        let mut message = Message::new();
        Slot { state: source.next(&mut message), message }
    }

    /// Loads the next message when one has ended.
    #[inline]
    fn load_next(&mut self, source: &mut impl MessageSource<'a>) {
        while let Some(state) = self.state.take_if(|_| self.message.blocks().is_empty()) {
            source.done(state);
            self.state = source.next(&mut self.message);
        }
    }

    fn finish(&mut self, source: &mut impl MessageSource<'a>) {
        let Some(mut state) = self.state.take() else { return };
        while !self.message.blocks().is_empty() {
            let count = self.message.blocks().len();
            compress(&mut state.0, self.message.blocks());
            self.message.advance(count);
        }
        source.done(state);
    }
}

/// One long message that arrives in pieces, as a source.
#[derive(Clone)]
pub struct Stream {
    state: Midstate,
    /// Bytes that do not fill a block yet.
    rest: Block,
    filled: usize,
    len: u64,
}

impl Stream {
    /// An empty stream.
    pub fn new() -> Stream {
        Stream { state: Midstate::START, rest: [0; BLOCK], filled: 0, len: 0 }
    }

    /// A source that processes `bytes` once; the caller must run it to its end, or the rest is lost.
    pub fn take<'s, 'a>(&'s mut self, bytes: &'a [u8]) -> StreamSource<'s, 'a> {
        StreamSource { stream: self, bytes: Some(bytes) }
    }

    /// The hash of all processed bytes.
    pub fn finish(self) -> Hash {
        let mut state = self.state;
        let rest = self.rest.get(..self.filled).unwrap_or_default();
        let mut message = Message::new();
        message.end(rest, self.len);
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
pub struct StreamSource<'s, 'a> {
    stream: &'s mut Stream,
    bytes: Option<&'a [u8]>,
}

impl<'a> MessageSource<'a> for StreamSource<'_, 'a> {
    fn next(&mut self, message: &mut Message<'a>) -> Option<Midstate> {
        let mut bytes = self.bytes.take()?;
        message.clear();
        let stream = &mut *self.stream;
        stream.len = stream.len.wrapping_add(bytes.len() as u64);
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
        Some(stream.state)
    }

    fn done(&mut self, state: Midstate) {
        self.stream.state = state;
    }
}

/// The hashes of two inputs of 65 bytes, as nodes of a Merkle tree have: a prefix and two hashes.
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

    impl<'a> MessageSource<'a> for Whole<'a> {
        fn next(&mut self, message: &mut Message<'a>) -> Option<Midstate> {
            message.whole(7, self.texts.get(self.hashes.len())?);
            Some(Midstate::START)
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
    fn every_length_around_the_blocks_is_padded() {
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
    fn one_state_can_finish_several_messages() {
        let text: Vec<u8> = (0..=255).cycle().take(700).collect();
        for cut in 63..600 {
            let mut begun = Message::new();
            let taken = cut - begun.begin(7, &text[..cut]).len();
            let state = taken_by(Midstate::START, begun);
            for end in [cut, cut + 1, 700] {
                let mut ending = Message::new();
                ending.end(&text[taken..end], end as u64 + 1);
                let want = Sha256::of(&[&[7], &text[..end]].concat());
                assert_eq!(taken_by(state, ending).hash(), want, "{cut} then {end}");
            }
        }
    }

    fn taken_by(state: Midstate, message: Message<'_>) -> Midstate {
        struct Last(Option<Midstate>);
        impl<'a> MessageSource<'a> for Last {
            fn next(&mut self, _: &mut Message<'a>) -> Option<Midstate> {
                None
            }

            fn done(&mut self, state: Midstate) {
                self.0 = Some(state);
            }
        }
        let mut last = Last(None);
        Slot { state: Some(state), message }.finish(&mut last);
        last.0.unwrap()
    }

    #[test]
    fn tree_nodes_hash_as_65_bytes() {
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
            let mut source = Whole { texts: &texts, hashes: vec![] };
            for piece in &pieces {
                run_pair(&mut stream.take(piece), &mut source);
            }
            run(&mut source);
            prop_assert_eq!(source.hashes, one_by_one(&texts));
            prop_assert_eq!(stream.finish(), Sha256::of(&pieces.concat()));
        }
    }
}
