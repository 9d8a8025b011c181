//! Histories of rings that a small model of the producer has written.
use super::*;
use crate::core::level::Level;
use crate::core::record::{HEADER_BYTES, Header};

const CAPACITY: usize = 4096;

/// Records with payloads of these lengths, one after the other, as the producer places them. The ticks of each are its
/// index. Returns the snapshot, with everything given back before `head`, and the positions of all records.
fn written(payloads: &[usize], head: impl Fn(&[usize]) -> usize) -> (LaneSnapshot, Vec<usize>) {
    let mut data = vec![0xEE; CAPACITY];
    let (mut tail, mut watermark, mut starts) = (0, 0, Vec::new());
    for (ticks, payload) in payloads.iter().enumerate() {
        let len = (HEADER_BYTES + payload).next_multiple_of(8);
        let lap_end = (tail | (CAPACITY - 1)) + 1;
        let is_wrap = len > lap_end - tail;
        if is_wrap || tail % CAPACITY == 0 {
            watermark = tail;
        }
        if is_wrap {
            tail = lap_end;
        }
        let mut header = Header::new(Kind::Event, Level::Info);
        (header.callsite, header.ticks) = (7, ticks as u64);
        let place = tail % CAPACITY;
        header.write(&mut data[place..], *payload);
        starts.push(tail);
        tail += len;
    }
    let words = RingWords { capacity_bytes: CAPACITY, head: head(&starts), tail, watermark };
    let (counts, log) = (LaneImage::default(), LaneImage::default());
    let oldest = tail.saturating_sub(CAPACITY);
    (LaneSnapshot { words, data, counts, log, oldest }, starts)
}

fn known(is_site: &dyn Fn(u32) -> bool) -> KnownRecords<'_> {
    KnownRecords { is_site, slack_ticks: 0 }
}

/// The ticks of all records that a consumer from `start` on sees.
fn ticks(snapshot: &LaneSnapshot, start: usize) -> Vec<u64> {
    let mut consumer = snapshot.consumer(start).unwrap();
    let mut ticks = Vec::new();
    consumer.poll();
    loop {
        let stretch = consumer.readable();
        let Ok(record) = Record::read(stretch) else { return ticks };
        ticks.push(record.header.ticks);
        let len = record.len_bytes;
        consumer.advance(len);
    }
}

#[test]
fn the_history_has_every_whole_record() {
    for count in [0, 1, 5, 40, 100, 333] {
        let payloads: Vec<usize> = (0..count).map(|index| index * 37 % 200).collect();
        for waiting in [0, 1, 7] {
            let head = |starts: &[usize]| starts[count - waiting.min(count)..].first().copied();
            let tail = written(&payloads, |_| 0).0.words.tail;
            let head = |starts: &[usize]| head(starts).unwrap_or(tail);
            let (snapshot, starts) = written(&payloads, head);
            let expected = starts.iter().find(|start| **start >= snapshot.oldest);
            let start = snapshot.history_start(&known(&|id| id == 7));
            // The first record may begin within one that was cut by chance; here payloads are no records.
            assert_eq!(start, expected.copied().unwrap_or(tail), "{count} {waiting}");
            let first = (count - ticks(&snapshot, start).len()) as u64;
            assert_eq!(ticks(&snapshot, start), (first..count as u64).collect::<Vec<_>>());
        }
    }
}

#[test]
fn unknown_sites_end_the_history() {
    let (snapshot, starts) = written(&[10; 300], |starts| starts[290]);
    assert_eq!(snapshot.history_start(&known(&|_| false)), starts[290]);
    assert!(snapshot.history_start(&known(&|_| true)) < starts[290]);
}

#[test]
fn pages_given_back_end_the_history() {
    let (mut snapshot, starts) = written(&[10; 50], |starts| starts[49]);
    let end = starts[20];
    snapshot.data[..end + 8].fill(0);
    assert_eq!(snapshot.history_start(&known(&|_| true)), starts[21]);
}

#[test]
fn a_full_ring_has_no_history() {
    let (snapshot, starts) = written(&[8; 128], |starts| starts[0]);
    assert_eq!(snapshot.words.tail - starts[0], CAPACITY);
    assert_eq!(snapshot.history_start(&known(&|_| true)), starts[0]);
}

#[test]
fn what_was_overwritten_does_not_count() {
    let (mut snapshot, starts) = written(&[8; 300], |starts| starts[299]);
    snapshot.oldest = snapshot.words.tail - CAPACITY / 4 * 3;
    let start = snapshot.history_start(&known(&|_| true));
    assert_eq!(Some(&start), starts.iter().find(|start| **start >= snapshot.oldest));
}
