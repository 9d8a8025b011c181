//! A model of cache lines: which lines of a ring move between the cores of its producer and the writer, and which
//! lines the writer touches when it polls idle rings.
//!
//! The model replays the accesses of `ring.rs` to the places that `control.rs` fixes, by the rules of MESI: a store
//! needs the line alone, a load needs a copy; what a core does not have in that state is a transfer. Prefetching, the
//! order of stores and time are not modelled, so the figures are the same on every machine.
//!
//! `cargo test -p ringseal --lib cache_lines -- --nocapture` prints the figures.
use std::collections::HashMap;

use crate::ringbuf::control::{
    BLOCK_BYTES, CLAIM_AT, CONTROL_BYTES, HEAD_AT, SHARED_DATA_AT, TAIL_AT, WATERMARK_AT,
    private_words_at,
};

/// Bytes of a cache line.
pub(crate) const LINE_BYTES: usize = 64;

/// The cores of the model: a producer and the writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Core {
    Producer,
    Writer,
}

/// Which cores have a copy of a line.
#[derive(Debug, Clone, Copy, Default)]
struct Copies {
    producer: bool,
    writer: bool,
}

/// Caches that never evict, and the lines that moved between them.
#[derive(Debug, Default)]
struct Caches {
    lines: HashMap<usize, Copies>,
    /// Transfers to the producer and to the writer.
    transfers: [u64; 2],
}

impl Caches {
    fn access(&mut self, core: Core, at: usize, len: usize, is_store: bool) {
        for line in at / LINE_BYTES..(at + len).div_ceil(LINE_BYTES) {
            let copies = self.lines.entry(line).or_default();
            let (own, other) = match core {
                Core::Producer => (&mut copies.producer, &mut copies.writer),
                Core::Writer => (&mut copies.writer, &mut copies.producer),
            };
            // The first touch comes from memory; it happens once.
            let is_new = !*own && !*other;
            let moves = !*own || (is_store && *other);
            *own = true;
            if is_store {
                *other = false;
            }
            if moves && !is_new {
                self.transfers[core as usize] += 1;
            }
        }
    }
}

/// Where the words are.
#[derive(Debug, Clone, Copy)]
struct Places {
    tail: usize,
    watermark: usize,
    head: usize,
    claim: usize,
    data: usize,
}

/// As `control.rs` fixes them.
const PRESENT: Places = Places {
    tail: TAIL_AT,
    watermark: WATERMARK_AT,
    head: HEAD_AT,
    claim: CLAIM_AT,
    data: SHARED_DATA_AT,
};

/// The same words in one line, for comparison.
const IN_ONE_LINE: Places = Places { tail: 0, watermark: 8, head: 16, claim: 24, ..PRESENT };

const CAPACITY: usize = 1 << 20;
/// As `ring.rs` chooses it for a capacity of 1 MiB.
const WINDOW: usize = 32 << 10;

/// Both sides of a ring, as far as they access shared memory.
struct Model {
    places: Places,
    caches: Caches,
    tail: usize,
    limit: usize,
    /// The writer's positions: released, and read.
    head: usize,
    at: usize,
}

impl Model {
    fn new(places: Places) -> Model {
        Model { places, caches: Caches::default(), tail: 0, limit: 0, head: 0, at: 0 }
    }

    /// `Producer::grant` and `Grant::commit`, if there is space; records end with the lap.
    fn log(&mut self, len: usize) {
        let Places { tail, watermark, head, claim, data } = self.places;
        let mut touch = |at, len, is_store| self.caches.access(Core::Producer, at, len, is_store);
        if self.tail + len > self.limit {
            touch(head, 8, false);
            assert!(self.tail + len <= self.head + CAPACITY, "the model's ring is never full");
            touch(claim, 8, true);
            if self.tail.is_multiple_of(CAPACITY) {
                touch(watermark, 8, true);
            }
            self.limit = (self.tail + len + WINDOW) & !(WINDOW - 1);
        }
        touch(data + self.tail % CAPACITY, len, true);
        self.tail += len;
        touch(tail, 8, true);
    }

    /// `Consumer::poll`, the reads of `take_run`, and `Consumer::release` of everything read.
    fn turn(&mut self) {
        let Places { tail, watermark, head, data, .. } = self.places;
        let mut touch = |at, len, is_store| self.caches.access(Core::Writer, at, len, is_store);
        touch(tail, 8, false);
        while self.at < self.tail {
            let lap_end = (self.at | (CAPACITY - 1)) + 1;
            if self.tail > lap_end {
                touch(watermark, 8, false);
            }
            let end = self.tail.min(lap_end);
            touch(data + self.at % CAPACITY, end - self.at, false);
            self.at = end;
        }
        if self.head != self.at {
            self.head = self.at;
            touch(head, 8, true);
        }
    }
}

/// Transfers per event to the producer and to the writer, if a turn takes this number of events.
fn per_event(places: Places, event_bytes: usize, events_a_turn: usize) -> [f64; 2] {
    let mut model = Model::new(places);
    let laps = |model: &Model| model.tail / CAPACITY;
    let run = |model: &mut Model| {
        (0..events_a_turn).for_each(|_| model.log(event_bytes));
        model.turn();
    };
    // In the first lap all lines are new.
    while laps(&model) < 1 {
        run(&mut model);
    }
    model.caches.transfers = [0; 2];
    let start = model.tail;
    while laps(&model) < 5 {
        run(&mut model);
    }
    let events = ((model.tail - start) / event_bytes) as f64;
    model.caches.transfers.map(|count| count as f64 / events)
}

/// The block of 128 bytes that a place is in.
fn block(at: usize) -> usize {
    at / BLOCK_BYTES
}

#[test]
fn words_of_two_sides_share_no_block() {
    // Who stores: the producer, the producer, the writer, both.
    let words = [TAIL_AT, WATERMARK_AT, HEAD_AT, CLAIM_AT];
    let blocks: std::collections::BTreeSet<usize> = words.into_iter().map(block).collect();
    assert_eq!(blocks.len(), words.len(), "a word is alone in its block");
    for data_at in [SHARED_DATA_AT, 4096] {
        assert!(words.iter().all(|&word| block(word) < block(data_at)));
        assert!(data_at >= CONTROL_BYTES && data_at.is_multiple_of(BLOCK_BYTES));
        let starts: std::collections::BTreeSet<usize> =
            (0..25).map(|number| private_words_at(number, data_at)).collect();
        assert_eq!(starts.len(), 25);
        let last = *starts.last().unwrap();
        assert!(last + CONTROL_BYTES <= data_at && last.is_multiple_of(BLOCK_BYTES));
    }
}

#[test]
fn an_event_moves_its_own_lines() {
    println!("lines that move between the cores, per event of the standard 56 bytes:");
    println!("events a turn | to the producer | to the writer | if the words were in one line");
    for events_a_turn in [1, 8, 64, 1024] {
        let [to_producer, to_writer] = per_event(PRESENT, 56, events_a_turn);
        let [also_producer, also_writer] = per_event(IN_ONE_LINE, 56, events_a_turn);
        println!(
            "{events_a_turn:13} | {to_producer:15.3} | {to_writer:13.3} | {also_producer:.3} + {also_writer:.3}"
        );
        // The event's own bytes, in each direction: the producer takes a line back that the writer has read a lap ago.
        let own = 56.0 / LINE_BYTES as f64;
        // A line that a turn ends in moves once more, and the tail once in each direction.
        let per_turn = 2.0 / events_a_turn as f64;
        // Every claim reads the head and, after the writer's first, nothing else of the writer.
        let per_claim = 2.0 * 56.0 / WINDOW as f64;
        for count in [to_producer, to_writer] {
            assert!(
                (own..own + per_turn + per_claim).contains(&count),
                "{count} of {events_a_turn}"
            );
        }
    }
    // A writer that takes each event at once needs the line of the tail again for the head.
    let separate: f64 = per_event(PRESENT, 56, 1).iter().sum();
    let together: f64 = per_event(IN_ONE_LINE, 56, 1).iter().sum();
    assert!(together > separate + 0.9, "{together} and {separate}");
}

/// A cache with the least recently used line of a set evicted first.
pub(crate) struct SetCache {
    sets: Vec<Vec<usize>>,
    ways: usize,
    misses: u64,
}

impl SetCache {
    pub(crate) fn new(bytes: usize, ways: usize) -> SetCache {
        SetCache { sets: vec![Vec::new(); bytes / LINE_BYTES / ways], ways, misses: 0 }
    }

    /// Touches the line of an address.
    pub(crate) fn touch(&mut self, address: usize) {
        let line = address / LINE_BYTES;
        let index = line % self.sets.len();
        let set = &mut self.sets[index];
        match set.iter().position(|known| *known == line) {
            Some(at) => drop(set.remove(at)),
            None => {
                self.misses += 1;
                if set.len() == self.ways {
                    set.remove(0);
                }
            }
        }
        set.push(line);
    }

    /// Misses since the last call.
    pub(crate) fn take_misses(&mut self) -> u64 {
        std::mem::take(&mut self.misses)
    }
}

/// Misses per turn of polling the words at these addresses, once the cache is warm.
fn misses_a_turn(addresses: &[usize], mut cache: SetCache) -> u64 {
    for _ in 0..3 {
        cache.take_misses();
        addresses.iter().for_each(|&address| cache.touch(address));
    }
    cache.take_misses()
}

/// The physical page of a page, as a system without free choice deals them out.
fn physical(address: usize) -> usize {
    let page = (address / 4096) as u64;
    let mixed = page.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    mixed as usize * 4096 + address % 4096
}

#[test]
fn polled_words_are_spread_over_the_cache() {
    println!(
        "lines that miss in a turn of polling idle rings, in the first-level cache (32 KiB, 8 ways)"
    );
    println!("and in the second-level cache (1 MiB, 8 ways, indexed by physical address):");
    println!(
        "rings | words on the heap | at the same place of each page | as in `private_words_at`"
    );
    for rings in [8, 64, 1000] {
        let distance = CAPACITY + 4096;
        let layouts: [&dyn Fn(usize) -> usize; 3] =
            [&|ring| ring * 640, &|ring| ring * distance + TAIL_AT, &|ring| {
                ring * distance + private_words_at(ring, 4096) + TAIL_AT
            }];
        let row = layouts.map(|place| {
            let addresses: Vec<usize> = (0..rings).map(place).collect();
            let first = misses_a_turn(&addresses, SetCache::new(32 << 10, 8));
            let places: Vec<usize> = addresses.iter().map(|&address| physical(address)).collect();
            (first, misses_a_turn(&places, SetCache::new(1 << 20, 8)))
        });
        println!("{rings:5} | {:?} | {:?} | {:?}", row[0], row[1], row[2]);
        let [heap, same, spread] = row;
        assert!(spread.0 <= same.0 && spread.1 <= same.1, "{rings} rings");
        match rings {
            8 => assert_eq!((heap, same, spread), ((0, 0), (0, 0), (0, 0))),
            64 => assert_eq!((same.0, spread), (64, (0, 0)), "all in one set, or in many"),
            _ => assert_eq!(spread.1, 0, "{rings} rings fit into the second level"),
        }
    }
}
