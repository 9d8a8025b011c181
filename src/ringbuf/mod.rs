//! The SPSC byte ring between one producing thread and the writer. Independent of records.
//!
//! Promises:
//! - One producer, one consumer: both halves are unique, `Send`, and take `&mut self`; misuse does not compile.
//! - Every grant and every readable stretch is contiguous.
//! - Wait-free on both sides: a grant is a comparison, a commit is one release store, a poll one acquire load. A grant
//!   that needs further pages while the consumer trims the ring spins for some microseconds, with a bound.
//! - If the ring is full, [`Producer::grant`] returns `None` at once and changes nothing. The caller decides whether to
//!   wait or to lose the event.
//! - An empty ring always has space for half its capacity. Longer grants may never fit, because a grant does not cross
//!   the end of the memory.
//! - The memory is reserved once and freed when both halves are dropped. It becomes resident page by page: the consumer
//!   takes the page faults ahead of a busy producer ([`Consumer::populate`]) and gives the pages of an idle one back
//!   ([`Consumer::trim`]). A producer that is faster than that takes a fault per page in its first lap.
//! - The control words and the data are in one region of memory, at fixed places (`control.rs`). A crash loses unread
//!   bytes if the region is private memory. If it is part of a file, they are in the file whenever the process is
//!   killed: everything before the last commit, and nothing after it.
//!
//! ```
//! let (mut producer, mut consumer) = ringseal::internals::ringbuf::ring(4096);
//! let mut grant = producer.grant(8).expect("an empty ring has space");
//! grant.bytes_mut().copy_from_slice(b"12345678");
//! grant.commit(8);
//! consumer.poll();
//! assert_eq!(consumer.readable(), b"12345678");
//! consumer.advance(8);
//! consumer.release();
//! ```
mod control;
mod copy;
mod keyed_cell;
mod memory;
mod ring;

#[cfg(all(test, loom))]
mod loom_tests;
#[cfg(all(test, not(loom)))]
pub(crate) mod tests;

pub use control::{CLAIM_AT, HEAD_AT, SHARED_DATA_AT, TAIL_AT, WATERMARK_AT};
pub use copy::{RingWords, consumer_of};
pub use keyed_cell::{KeyedCell, Lent, borrow_local};
pub use ring::{Consumer, Producer, ring, ring_in, try_ring};
