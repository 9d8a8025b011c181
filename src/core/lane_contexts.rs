//! The contexts that the writer has of a lane: a table of bound ones, and a table of ambient ones.
//!
//! Promises: only the first definition in a lane allocates. A lane begins with [`FEW`] contexts; if more take turns on
//! its thread, it gets room for one of each number from its engine's [`ContextBudget`], so that the writer's memory is
//! bounded however many threads see many contexts. Without room, the definition that is oldest gives way to a new one.
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use super::context::{Context, NUMBERS};

/// Contexts of a lane whose thread uses few at a time.
const FEW: usize = 16;
/// A lane gets room for many once this many contexts have returned after they had given way. Those of a thread that
/// ends one request after the other do not return.
const RETURNS_MAX: u32 = 64;
/// In the place of a context that has given way, with its id.
const GONE: u64 = 1 << 63;
/// Bytes of the entries of a lane's many contexts, with [`ENTRY_BYTES`] for each; beyond them all give way.
const BYTES_MAX: usize = 256 << 10;
/// What a context takes besides its entries.
const ENTRY_BYTES: usize = 64;
/// In place of a number: all contexts give way.
pub const ALL: u32 = u32::MAX;

/// How many lanes of an engine may have many contexts: one of each number.
#[derive(Debug)]
pub struct ContextBudget {
    lanes_left: AtomicUsize,
}

impl ContextBudget {
    /// For an engine: 32 lanes. The writer keeps the entries of a context as they were logged, redacted, and rendered
    /// for each output, so with one output the contexts of all these lanes take at most about 32 MiB.
    pub const fn new() -> Self {
        Self { lanes_left: AtomicUsize::new(32) }
    }

    fn take(&self) -> bool {
        // ORDER: relaxed; no other memory depends on the number.
        self.lanes_left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
            .is_ok()
    }

    fn put_back(&self) {
        // ORDER: relaxed; see `take`.
        self.lanes_left.fetch_add(1, Ordering::Relaxed);
    }
}

/// The table of a lane without definitions.
static NO_IDS: LazyLock<Arc<[u64; NUMBERS]>> = LazyLock::new(|| Arc::new([0; NUMBERS]));

/// A lane's contexts by number.
#[derive(Debug)]
pub struct LaneContexts {
    /// The ids by number; 0, or with [`GONE`], if the writer has none. The first is that of no context.
    ///
    /// All lanes share one table until their first definition, so that a thread without contexts takes no memory for
    /// it.
    ids: Arc<[u64; NUMBERS]>,
    /// Whether a definition was written since the last [`LaneContexts::clear`].
    is_used: bool,
    /// The numbers of the first [`FEW`] that are defined, as long as there is no room for more.
    few: [u16; FEW],
    defined: usize,
    oldest: usize,
    returns: u32,
    has_many: bool,
    /// What the contexts take, with many of them.
    bytes: usize,
}

/// What has to change for a definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    number: u16,
    id: u64,
    bytes: usize,
    /// Whether the context has been here before, and has given way.
    is_return: bool,
    /// The number whose definition gives way; 0 if none does, [`ALL`] if all do.
    pub evicted: u32,
}

impl LaneContexts {
    pub fn new() -> Self {
        Self {
            ids: Arc::clone(&NO_IDS),
            is_used: false,
            few: [0; FEW],
            defined: 0,
            oldest: 0,
            returns: 0,
            has_many: false,
            bytes: 0,
        }
    }

    /// Whether the writer has the context under its number.
    #[inline(always)]
    pub fn has(&self, context: &Context) -> bool {
        self.ids[context.as_bound().index() % NUMBERS] == context.id()
    }

    /// Whether the writer has the context of this id under this number.
    #[inline(always)]
    pub fn has_id(&self, number: u16, id: u64) -> bool {
        self.ids[usize::from(number) % NUMBERS] == id
    }

    /// Finds a place for a context that the writer does not have.
    pub fn place_for(&mut self, context: &Context, budget: &ContextBudget) -> Place {
        let (number, id) = (context.number(), context.id());
        let known = self.ids[usize::from(number) % NUMBERS];
        let bytes = ENTRY_BYTES + context.entries_bytes();
        let mut place = Place { number, id, bytes, is_return: known == id | GONE, evicted: 0 };
        if self.returns > RETURNS_MAX && !self.has_many {
            self.has_many = budget.take();
            self.returns = 0;
        }
        let is_replaced = known != 0 && known & GONE == 0;
        if self.has_many {
            if self.bytes + bytes > BYTES_MAX {
                place.evicted = ALL;
            }
        } else if !is_replaced && self.defined >= FEW {
            place.evicted = u32::from(self.few[self.oldest]);
        }
        place
    }

    /// Notes that the definition has been written.
    pub fn fill(&mut self, place: Place) {
        let Place { number, id, bytes, is_return, evicted } = place;
        self.is_used = true;
        if evicted == ALL {
            Arc::make_mut(&mut self.ids).fill(0);
            self.bytes = 0;
        }
        self.bytes += if self.has_many { bytes } else { 0 };
        self.returns += u32::from(is_return && !self.has_many);
        let ids = Arc::make_mut(&mut self.ids);
        let known = &mut ids[usize::from(number) % NUMBERS];
        let is_new = *known == 0 || *known & GONE != 0;
        *known = id;
        if !is_new || self.has_many {
            return;
        }
        if evicted == 0 {
            self.few[self.defined % FEW] = number;
            self.defined += 1;
        } else {
            ids[evicted as usize % NUMBERS] |= GONE;
            self.few[self.oldest] = number;
            self.oldest = (self.oldest + 1) % FEW;
        }
    }

    /// Forgets all: another thread takes the lane, and the writer forgets them too.
    pub fn clear(&mut self, budget: &ContextBudget) {
        if self.has_many {
            budget.put_back();
        }
        if self.is_used {
            Arc::make_mut(&mut self.ids).fill(0);
        }
        (self.is_used, self.has_many) = (false, false);
        (self.defined, self.oldest, self.returns, self.bytes) = (0, 0, 0, 0);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, VecDeque};

    use proptest::prelude::*;

    use super::*;

    /// A context for each number.
    const MANY: usize = NUMBERS - 1;

    /// The writer's side: what it has by number, as definitions arrive.
    #[derive(Default)]
    struct Reader(HashMap<u16, u64>);

    fn use_context(
        lane: &mut LaneContexts,
        reader: &mut Reader,
        context: &Context,
        budget: &ContextBudget,
    ) -> bool {
        let is_defined = !lane.has(context);
        if is_defined {
            let place = lane.place_for(context, budget);
            if place.evicted == ALL {
                reader.0.clear();
            }
            reader.0.remove(&(place.evicted as u16));
            reader.0.insert(place.number, place.id);
            lane.fill(place);
        }
        assert_eq!(reader.0.get(&context.number()), Some(&context.id()));
        is_defined
    }

    fn contexts(count: usize) -> Vec<Context> {
        // In sequence, as no other test takes ids in between.
        (1..=count as u64).map(|id| Context::with_id(id, Box::default(), None)).collect()
    }

    /// Definitions in the last of `rounds` rounds over `count` contexts in turn.
    fn definitions(count: usize, rounds: usize, budget: &ContextBudget) -> (usize, usize) {
        let (mut lane, mut reader) = (LaneContexts::new(), Reader::default());
        let contexts = contexts(count);
        let mut last = 0;
        for _ in 0..rounds {
            let defined = contexts
                .iter()
                .filter(|context| use_context(&mut lane, &mut reader, context, budget));
            last = defined.count();
        }
        (last, reader.0.len())
    }

    #[test]
    fn contexts_that_take_turns_are_defined_once() {
        let budget = ContextBudget::new();
        for count in [1, FEW, FEW + 1, 64, 256, MANY] {
            assert_eq!(definitions(count, 80, &budget), (0, count), "{count}");
        }
        let (defined, known) = definitions(MANY + 1, 80, &budget);
        assert_eq!((defined, known), (2, MANY), "two share a number");
    }

    #[test]
    fn without_a_budget_the_writer_has_few() {
        let budget = ContextBudget { lanes_left: AtomicUsize::new(0) };
        assert_eq!(definitions(FEW, 10, &budget), (0, FEW));
        assert_eq!(definitions(256, 10, &budget), (256, FEW));
    }

    /// A thread that serves one request after the other.
    #[test]
    fn contexts_in_sequence_are_defined_once_each() {
        let (mut lane, mut reader) = (LaneContexts::new(), Reader::default());
        let budget = ContextBudget::new();
        for context in contexts(20_000) {
            assert!(use_context(&mut lane, &mut reader, &context, &budget));
            assert!(!use_context(&mut lane, &mut reader, &context, &budget));
        }
        assert_eq!((reader.0.len(), lane.has_many), (FEW, false));
    }

    /// The memory of the writer is bounded, whatever the contexts hold.
    #[test]
    fn many_large_contexts_give_way() {
        let budget = ContextBudget::new();
        let (mut lane, mut reader) = (LaneContexts::new(), Reader::default());
        let large = |id| Context::with_id(id, vec![0; 4000].into(), None);
        let contexts: Vec<Context> = (1..=200).map(large).collect();
        for context in [&contexts; 20].into_iter().flatten() {
            use_context(&mut lane, &mut reader, context, &budget);
            assert!(lane.bytes <= BYTES_MAX && reader.0.len() <= BYTES_MAX / 4000 + FEW);
        }
        assert!(lane.has_many);
    }

    /// A full ring repeats the attempt.
    #[test]
    fn attempts_without_space_are_no_returns() {
        let budget = ContextBudget::new();
        let (mut lane, mut reader) = (LaneContexts::new(), Reader::default());
        let contexts = contexts(FEW + 1);
        for context in [&contexts; 2].into_iter().flatten() {
            use_context(&mut lane, &mut reader, context, &budget);
        }
        (0..1000).for_each(|_| {
            lane.place_for(&contexts[1], &budget);
        });
        assert!(!lane.has_many);
    }

    #[test]
    fn a_budget_returns_with_its_lane() {
        let budget = ContextBudget { lanes_left: AtomicUsize::new(1) };
        let (mut lane, mut reader) = (LaneContexts::new(), Reader::default());
        let contexts = contexts(50);
        for context in [&contexts; 10].into_iter().flatten() {
            use_context(&mut lane, &mut reader, context, &budget);
        }
        assert!(lane.has_many && !budget.take());
        lane.clear(&budget);
        assert!(!lane.has_many && budget.take());
    }

    proptest! {
        /// The writer never has another context under a number than the lane believes.
        #[test]
        fn the_writer_has_what_the_lane_believes(
            uses in prop::collection::vec(0usize..40, 1..400),
            lanes_left in 0usize..2,
            clear_at in 0usize..400,
        ) {
            let budget = ContextBudget { lanes_left: AtomicUsize::new(lanes_left) };
            let (mut lane, mut reader) = (LaneContexts::new(), Reader::default());
            let contexts = contexts(40);
            let mut recent = VecDeque::new();
            for (step, index) in uses.into_iter().enumerate() {
                if step == clear_at {
                    lane.clear(&budget);
                    reader.0.clear();
                    recent.clear();
                }
                use_context(&mut lane, &mut reader, &contexts[index], &budget);
                prop_assert!(lane.has_many || reader.0.len() <= FEW);
                // The last few different ones are still there.
                recent.retain(|known| *known != index);
                recent.push_back(index);
                prop_assert!(lane.has(&contexts[index]));
            }
        }
    }
}
