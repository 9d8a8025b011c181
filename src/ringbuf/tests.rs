//! The ring compared with a `VecDeque`, and the ends of laps.
use std::collections::VecDeque;

use proptest::prelude::*;

use super::ring;
use super::ring::ALIGN;

pub(crate) mod cache_lines;
#[cfg(all(target_os = "linux", not(miri)))]
pub(crate) mod file;

fn put(producer: &mut super::Producer, bytes: &[u8]) -> bool {
    let Some(mut grant) = producer.grant(bytes.len()) else { return false };
    grant.bytes_mut()[..bytes.len()].copy_from_slice(bytes);
    grant.commit(bytes.len());
    true
}

fn take(consumer: &mut super::Consumer, len: usize) -> Vec<u8> {
    consumer.poll();
    let bytes = consumer.readable()[..len].to_vec();
    consumer.advance(len.next_multiple_of(ALIGN));
    consumer.release();
    bytes
}

#[test]
fn an_exactly_filled_lap_needs_no_watermark() {
    let (mut producer, mut consumer) = ring(64);
    for lap in 0..5u8 {
        assert!(put(&mut producer, &[lap; 32]));
        assert!(put(&mut producer, &[lap; 32]));
        assert!(!put(&mut producer, &[9; 8]), "full");
        assert_eq!(take(&mut consumer, 32), [lap; 32]);
        assert_eq!(take(&mut consumer, 32), [lap; 32]);
    }
}

#[test]
fn a_grant_that_does_not_fit_wraps() {
    let (mut producer, mut consumer) = ring(64);
    assert!(put(&mut producer, &[1; 40]));
    assert_eq!(take(&mut consumer, 40), [1; 40]);
    assert!(put(&mut producer, &[2; 32]), "24 are left in this lap, 40 in the next");
    assert_eq!(take(&mut consumer, 32), [2; 32]);
}

#[test]
fn a_full_ring_refuses_and_changes_nothing() {
    let (mut producer, mut consumer) = ring(64);
    assert!(put(&mut producer, &[1; 56]));
    assert!(producer.grant(16).is_none());
    assert!(producer.grant(65).is_none(), "longer than the ring");
    assert_eq!(take(&mut consumer, 56), [1; 56]);
    consumer.poll();
    assert!(consumer.readable().is_empty());
    assert!(put(&mut producer, &[2; 16]));
}

#[test]
fn a_dropped_grant_is_never_seen() {
    let (mut producer, mut consumer) = ring(64);
    assert!(put(&mut producer, &[1; 40]));
    assert_eq!(take(&mut consumer, 40), [1; 40]);
    drop(producer.grant(32).unwrap());
    producer.grant(32).unwrap().commit(0);
    consumer.poll();
    assert!(consumer.readable().is_empty());
    assert!(put(&mut producer, &[3; 8]));
    assert_eq!(take(&mut consumer, 8), [3; 8]);
}

#[test]
fn two_threads_pass_a_million_numbers_in_order() {
    let (mut producer, mut consumer) = ring(4096);
    let writer = std::thread::spawn(move || {
        for number in 0..1_000_000u64 {
            let len = 8 + (number % 5) as usize * 8;
            loop {
                if let Some(mut grant) = producer.grant(len) {
                    grant.bytes_mut()[..8]
                        .copy_from_slice(&(number << 8 | len as u64).to_le_bytes());
                    grant.commit(len);
                    break;
                }
                std::hint::spin_loop();
            }
        }
    });
    let mut expected = 0u64;
    while expected < 1_000_000 {
        consumer.poll();
        loop {
            let stretch = consumer.readable();
            let Some(head) = stretch.first_chunk::<8>() else { break };
            let word = u64::from_le_bytes(*head);
            assert_eq!(word >> 8, expected);
            expected += 1;
            consumer.advance((word & 0xFF) as usize);
        }
        consumer.release();
    }
    writer.join().unwrap();
}

/// Fills the ring once around, and reads everything.
fn go_around(producer: &mut super::Producer, consumer: &mut super::Consumer) {
    for _ in 0..producer.capacity_bytes() / 1024 {
        assert!(put(producer, &[1; 1024]));
        take(consumer, 1024);
    }
}

#[test]
fn untouched_pages_take_no_memory() {
    let (mut producer, mut consumer) = ring(1 << 20);
    assert_eq!(consumer.resident_bytes(), 0);
    assert!(put(&mut producer, &[1; 1024]));
    take(&mut consumer, 1024);
    assert!(consumer.has_fresh_pages());
    assert_eq!(consumer.resident_bytes(), 1024);
    consumer.populate(8192);
    assert_eq!(consumer.resident_bytes(), 1024 + 8192);
    consumer.populate(usize::MAX);
    assert_eq!(consumer.resident_bytes(), 1 << 20);
    assert!(!consumer.has_fresh_pages());
}

#[test]
fn a_trimmed_ring_keeps_its_unread_bytes() {
    let (mut producer, mut consumer) = ring(1 << 20);
    go_around(&mut producer, &mut consumer);
    assert_eq!(consumer.resident_bytes(), 1 << 20);
    for round in 0..100u8 {
        assert!(put(&mut producer, &[round; 1024]));
    }
    consumer.trim();
    assert!(consumer.resident_bytes() <= 100 * 1024 + consumer.window_bytes());
    for round in 0..100u8 {
        assert_eq!(take(&mut consumer, 1024), [round; 1024]);
        consumer.trim();
    }
    assert!(consumer.resident_bytes() <= consumer.window_bytes());
    go_around(&mut producer, &mut consumer);
    go_around(&mut producer, &mut consumer);
}

#[test]
fn a_small_ring_keeps_its_memory() {
    let (mut producer, mut consumer) = ring(4096);
    assert_eq!((consumer.resident_bytes(), consumer.has_fresh_pages()), (4096, false));
    go_around(&mut producer, &mut consumer);
    assert!(put(&mut producer, &[7; 2048]));
    consumer.trim();
    assert_eq!(take(&mut consumer, 2048), [7; 2048]);
}

#[test]
fn a_dropped_producer_abandons_the_ring() {
    let (mut producer, mut consumer) = ring(4096);
    assert!(put(&mut producer, &[7; 64]));
    assert!(!consumer.is_abandoned());
    drop(producer);
    assert!(consumer.is_abandoned());
    assert_eq!(take(&mut consumer, 64), [7; 64]);
    consumer.trim();
    assert!(consumer.is_abandoned());
}

#[test]
fn numbers_pass_while_the_ring_is_trimmed() {
    let (mut producer, mut consumer) = ring(1 << 18);
    let writer = std::thread::spawn(move || {
        for number in 0..400_000u64 {
            while !put(&mut producer, &[number.to_le_bytes(); 8].concat()) {
                std::hint::spin_loop();
            }
        }
    });
    let mut expected = 0u64;
    while expected < 400_000 {
        consumer.poll();
        while let Some(head) = consumer.readable().first_chunk::<8>() {
            assert_eq!(u64::from_le_bytes(*head), expected);
            expected += 1;
            consumer.advance(64);
        }
        consumer.release();
        consumer.trim();
        consumer.populate(8192);
    }
    writer.join().unwrap();
}

#[derive(Debug, Clone)]
enum Step {
    Trim,
    Put(usize),
    Drop(usize),
    Take(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1usize..200).prop_map(Step::Put),
        1 => (1usize..200).prop_map(Step::Drop),
        4 => (1usize..6).prop_map(Step::Take),
        1 => Just(Step::Trim),
    ];
    proptest::collection::vec(step, 0..300)
}

/// A ring in private memory or, where that is possible, in a file.
fn ring_of(capacity: usize, is_in_file: bool) -> (super::Producer, super::Consumer) {
    #[cfg(all(target_os = "linux", not(miri)))]
    if is_in_file {
        let (producer, consumer, _) = file::ring_in_file(capacity.next_power_of_two());
        return (producer, consumer);
    }
    let _ = is_in_file;
    ring(capacity)
}

proptest! {
    #[test]
    fn behaves_like_a_queue_of_messages(
        capacity in prop_oneof![64usize..1024, Just(64 << 10)],
        is_in_file in proptest::bool::weighted(0.3),
        steps in steps(),
    ) {
        let (mut producer, mut consumer) = ring_of(capacity, is_in_file);
        let mut oracle: VecDeque<Vec<u8>> = VecDeque::new();
        let mut number = 0u8;
        for step in steps {
            match step {
                Step::Put(len) => {
                    number = number.wrapping_add(1);
                    let mut message = vec![number; len.next_multiple_of(ALIGN) + 8];
                    let total = message.len() as u64;
                    message[..8].copy_from_slice(&total.to_le_bytes());
                    if put(&mut producer, &message) {
                        oracle.push_back(message);
                    } else {
                        let fits = total as usize <= producer.capacity_bytes() / 2;
                        prop_assert!(!(fits && oracle.is_empty()), "an empty ring refused");
                    }
                }
                Step::Drop(len) => drop(producer.grant(len)),
                Step::Trim => consumer.trim(),
                Step::Take(count) => {
                    consumer.poll();
                    for _ in 0..count {
                        let stretch = consumer.readable();
                        if stretch.is_empty() {
                            prop_assert!(oracle.is_empty());
                            break;
                        }
                        let total = u64::from_le_bytes(*stretch.first_chunk().unwrap()) as usize;
                        let expected = oracle.pop_front().expect("nothing was made up");
                        prop_assert_eq!(&stretch[..total], &expected[..]);
                        consumer.advance(total);
                    }
                    consumer.release();
                }
            }
        }
    }
}
