//! The SPSC byte ring between one producing thread and the writer. Independent of records.
//!
//! Promises:
//! - One producer, one consumer: both halves are unique, `Send`, and take `&mut self`; misuse does not compile.
//! - Every grant and every readable stretch is contiguous.
//! - Wait-free on both sides: a grant is a comparison, a commit is one release store, a poll one acquire load.
//! - Full: [`Producer::grant`] returns `None` at once and changes nothing. Whether to wait or to lose the
//!   event is decided by the caller.
//! - An empty ring always has room for half its capacity; longer grants may never fit, because none crosses the
//!   end of the memory.
//! - Memory is taken once, written once (so that no page fault occurs later) and freed when both halves are
//!   dropped.
//! - A crash loses what was not yet read.
//!
//! ```
//! let (mut producer, mut consumer) = ringseal::internals::ringbuf::ring(4096);
//! let mut grant = producer.grant(8).expect("an empty ring has room");
//! grant.bytes_mut().copy_from_slice(b"12345678");
//! grant.commit(8);
//! consumer.poll();
//! assert_eq!(consumer.readable(), b"12345678");
//! consumer.advance(8);
//! consumer.release();
//! ```
mod ring;

#[cfg(all(test, loom))]
mod loom_tests;
#[cfg(all(test, not(loom)))]
mod tests;

pub use ring::{Consumer, Producer, ring};
