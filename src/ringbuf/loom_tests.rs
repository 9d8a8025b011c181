//! Every interleaving of a producer and a consumer over a tiny ring, with loom watching each granule.
//!
//! `RUSTFLAGS="--cfg loom" cargo test --release --lib ringbuf`
use super::ring;

fn put(producer: &mut super::Producer, number: u64, len: usize) -> bool {
    let Some(mut grant) = producer.grant(len) else { return false };
    grant.bytes_mut()[..8].copy_from_slice(&number.to_le_bytes());
    grant.commit(len);
    true
}

fn drain(consumer: &mut super::Consumer, lens: &[usize], next: &mut usize) {
    consumer.poll();
    while *next < lens.len() {
        let Some(head) = consumer.readable().first_chunk::<8>() else { break };
        assert_eq!(u64::from_le_bytes(*head), *next as u64);
        consumer.advance(lens[*next]);
        *next += 1;
    }
    consumer.release();
}

fn passes_in_order(lens: &'static [usize]) {
    loom::model(move || {
        let (mut producer, mut consumer) = ring(64);
        let thread = loom::thread::spawn(move || {
            let mut sent = 0;
            for (number, &len) in lens.iter().enumerate() {
                if !put(&mut producer, number as u64, len) {
                    break;
                }
                sent += 1;
            }
            sent
        });
        let mut seen = 0;
        drain(&mut consumer, lens, &mut seen);
        drain(&mut consumer, lens, &mut seen);
        let sent = thread.join().unwrap();
        while seen < sent {
            drain(&mut consumer, lens, &mut seen);
        }
        consumer.poll();
        assert!(consumer.readable().is_empty());
    });
}

#[test]
fn order_holds_over_an_exactly_filled_lap() {
    passes_in_order(&[32, 32, 16, 16]);
}

#[test]
fn order_holds_over_a_wrap_with_a_gap() {
    passes_in_order(&[40, 16, 24, 8]);
}

#[test]
fn order_holds_over_two_laps() {
    passes_in_order(&[48, 40, 40]);
}

#[test]
fn a_trim_never_takes_claimed_bytes() {
    loom::model(|| {
        let (mut producer, mut consumer) = ring(64);
        let thread = loom::thread::spawn(move || {
            let mut sent = 0;
            // A claim has 16 bytes, so each record needs a separate claim.
            while sent < 3 && put(&mut producer, sent as u64, 24) {
                sent += 1;
            }
            (producer, sent)
        });
        let mut seen = 0;
        consumer.trim();
        drain(&mut consumer, &[24, 24, 24], &mut seen);
        consumer.trim();
        let (producer, sent) = thread.join().unwrap();
        drop(producer);
        assert!(consumer.is_abandoned());
        while seen < sent {
            drain(&mut consumer, &[24, 24, 24], &mut seen);
        }
        consumer.poll();
        assert!(consumer.readable().is_empty());
    });
}
