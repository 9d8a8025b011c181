//! The lines that the writer touches when it polls rings, of the structures as they are.
//!
//! `cargo test -p ringseal --lib cache_lines -- --nocapture` prints the figures.
use std::mem::offset_of;

use crate::ringbuf::tests::cache_lines::{LINE_BYTES, SetCache};
use crate::writer::lane_reader::LaneReader;

/// Lines of one element of a slice that a poll touches: those of the consumer, which `drain` polls for each lane.
fn lines_of_poll(index: usize) -> std::ops::RangeInclusive<usize> {
    let start = index * size_of::<LaneReader>() + offset_of!(LaneReader, consumer);
    let end = start + size_of::<crate::ringbuf::Consumer>() - 1;
    start / LINE_BYTES..=end / LINE_BYTES
}

#[test]
fn an_idle_lane_costs_few_lines() {
    println!(
        "lines that the writer touches in a turn that finds nothing (a lane has {} bytes):",
        size_of::<LaneReader>()
    );
    println!(
        "lanes | lines of lanes | tails | per lane | lines that miss the second-level cache (1 MiB, 8 ways)"
    );
    for lanes in [1, 64, 1000] {
        let touched: std::collections::BTreeSet<usize> =
            (0..lanes).flat_map(lines_of_poll).collect();
        let per_lane = (touched.len() + lanes) as f64 / lanes as f64;
        let mut cache = SetCache::new(1 << 20, 8);
        for _ in 0..3 {
            cache.take_misses();
            for lane in 0..lanes {
                lines_of_poll(lane).for_each(|line| cache.touch(line * LINE_BYTES));
                // The tail is in a page elsewhere, at places that `private_words_at` spreads.
                cache.touch((1 << 40) + lane * (4096 + 128));
            }
        }
        let misses = cache.take_misses();
        println!("{lanes:5} | {:14} | {lanes:5} | {per_lane:8.2} | {misses}", touched.len());
        assert!(per_lane <= 4.0, "{per_lane} lines per idle lane");
        assert!(lanes > 64 || misses == 0, "{lanes} idle lanes stay in the second-level cache");
    }
}
