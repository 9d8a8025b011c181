//! A raw cursor over a vector's spare capacity.
//!
//! Promises: safe to call with any argument. Only [`Cursor::ensure`] allocates, when the vector is full. The
//! appended bytes belong to the vector once the cursor is dropped; leaking a cursor loses only those bytes.
//!
//! Invariants that the SAFETY notes cite:
//! 1. **Position.** `at` points into the allocation of `vec` or one past it, except while [`Cursor::with_vec`] runs
//!    its closure; nothing uses it then. `vec` is borrowed exclusively for the cursor's life and touched only
//!    by `grow`, `with_vec` and `drop`, so the allocation cannot move without the cursor noticing.
//! 2. **Initialised.** Every byte from the allocation's start to `at` is initialised: `at` only advances over
//!    bytes that the same function has just written.
//! 3. **Room.** `limit` is [`SLACK`] bytes before the allocation's end, or 0. A write of up to `SLACK` bytes
//!    follows a check that `at ≤ limit`, a longer one of `n` bytes that `at + n ≤ limit`.
//! 4. **Source.** Loads stay within the slice or array that they come from.
//! 5. **Reserved room.** A [`Room`] of `CAP` bytes is made only after a check that they fit, and each write of
//!    `N` consumes it and returns one of `CAP - N` or less.
#![allow(unsafe_code)]
// One note covers one step, such as the loads of a copy's two ends.
#![allow(clippy::multiple_unsafe_ops_per_block)]
use std::ptr;

use super::Native;
use super::block::Block;
use super::byte_class::Class;
use super::copy::{copy_clean, copy_short};
use super::lanes::Lanes;

/// The longest write that a single comparison allows.
pub const SLACK: usize = 96;

/// Appends to a vector through a pointer and a limit that stay in registers.
///
/// No code takes the address of these two fields: out-of-line code gets the vector instead ([`Cursor::with_vec`]). If
/// the fields were in memory, each append would wait for the store of the previous one.
pub struct Cursor<'a> {
    vec: &'a mut Vec<u8>,
    at: *mut u8,
    limit: usize,
}

impl<'a> Cursor<'a> {
    /// A cursor at the vector's end.
    #[inline(always)]
    pub fn new(vec: &'a mut Vec<u8>) -> Self {
        let (at, limit) = spare(vec);
        Cursor { vec, at, limit }
    }

    /// Bytes of the vector up to the cursor.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.at.addr() - self.vec.as_ptr().addr()
    }

    /// Whether there are no bytes before the cursor.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes sure that `n` bytes fit.
    #[inline(always)]
    pub fn ensure(&mut self, n: usize) {
        let fits = if n <= SLACK { self.at.addr() <= self.limit } else { self.has_beyond(n) };
        if !fits {
            // By value, so that the pointers need no address.
            (self.at, self.limit) = grow(self.vec, self.at, n);
        }
    }

    /// [`Cursor::ensure`] for more than [`SLACK`] bytes in most calls.
    #[inline(always)]
    pub fn ensure_many(&mut self, n: usize) {
        if !self.has_beyond(n) {
            (self.at, self.limit) = grow(self.vec, self.at, n);
        }
    }

    /// Whether `n` bytes fit before the limit.
    #[inline(always)]
    fn has_beyond(&self, n: usize) -> bool {
        self.at.addr() <= self.limit && self.limit - self.at.addr() >= n
    }

    /// Runs `work` on the vector itself.
    #[inline(always)]
    pub fn with_vec<R>(&mut self, work: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        let len = self.len();
        // SAFETY: (1) at ≤ capacity; (2) initialised up to `at`.
        unsafe { self.vec.set_len(len) };
        let outdated = Outdated(self);
        work(outdated.0.vec)
    }

    /// Reserves `CAP` bytes with one check for everything that is put there.
    #[inline(always)]
    pub fn room<const CAP: usize>(&mut self) -> Room<'_, 'a, CAP> {
        const { assert!(CAP <= SLACK) };
        self.ensure(CAP);
        Room(self)
    }

    /// [`Cursor::room`] if the vector does not have to grow.
    #[inline(always)]
    pub fn try_room<const CAP: usize>(&mut self) -> Option<Room<'_, 'a, CAP>> {
        const { assert!(CAP <= SLACK) };
        if self.at.addr() <= self.limit { Some(Room(self)) } else { None }
    }

    /// Takes the last `len` bytes back (all if there are fewer).
    #[inline(always)]
    pub fn back(&mut self, len: usize) {
        let len = len.min(self.len());
        // SAFETY: (1, 2) there are at least len bytes before `at`, all initialised.
        self.at = unsafe { self.at.sub(len) };
    }

    /// Copies the whole block and keeps its first `len` bytes (all if `len` is larger).
    #[inline(always)]
    pub fn put<const N: usize>(&mut self, block: &[u8; N], len: usize) {
        self.room::<N>().put::<N, 0>(block, len);
    }

    /// Copies a head with `patch` at `OFFSET`, and whole blocks after it; keeps the first `len` bytes (all if `len` is
    /// larger), and makes sure that `extra` bytes fit after them.
    #[inline(always)]
    pub fn patched<const OFFSET: usize, const HEAD: usize, const P: usize, const N: usize>(
        &mut self,
        head: &[u8; HEAD],
        patch: &[u8; P],
        blocks: &[[u8; N]],
        len: usize,
        extra: usize,
    ) {
        const { assert!(OFFSET + P <= HEAD && HEAD.is_multiple_of(N)) };
        // The blocks are in memory, so their sum is far below the largest number.
        let all = HEAD + blocks.len() * N;
        self.ensure_many(all.saturating_add(extra));
        let len = if len > all { clamped(all) } else { len };
        // SAFETY: (3) all bytes have room; (4) the head has HEAD bytes, the patch P, each block N; no overlap, see
        // `put`. (2) len ≤ all bytes were just written.
        unsafe {
            // Block by block, because the compiler calls `memcpy` for many bytes.
            let mut done = 0;
            while done < HEAD {
                ptr::copy_nonoverlapping(head.as_ptr().add(done), self.at.add(done), N);
                done += N;
            }
            ptr::copy_nonoverlapping(patch.as_ptr(), self.at.add(OFFSET), P);
            let mut to = self.at.add(HEAD);
            for block in blocks {
                ptr::copy_nonoverlapping(block.as_ptr(), to, N);
                to = to.add(N);
            }
            self.at = self.at.add(len);
        }
    }

    /// Copies `bytes` between quotes if none is of class `C`; otherwise appends nothing and returns the cursor.
    #[inline(always)]
    pub fn quoted_clean<C: Class>(&mut self, bytes: &[u8]) -> Option<&mut Self> {
        let len = bytes.len();
        self.ensure(len.saturating_add(2));
        // SAFETY: (3) len + 2 bytes of room; (4) len bytes in the slice; no overlap, see `put`.
        // (2) if all bytes are clean, all were written.
        unsafe {
            if copy_clean::<C>(bytes.as_ptr(), self.at.add(1), len) < len {
                return Some(self);
            }
            *self.at = b'"';
            *self.at.add(len + 1) = b'"';
            self.at = self.at.add(len + 2);
            None
        }
    }

    /// Copies `bytes`.
    #[inline(always)]
    pub fn raw(&mut self, bytes: &[u8]) {
        let len = bytes.len();
        self.ensure(len);
        // SAFETY: (3) len bytes of room; (4) len bytes in the slice; no overlap, see `put`.
        // (2) len bytes were just written.
        unsafe {
            copy_short(bytes.as_ptr(), self.at, len);
            self.at = self.at.add(len);
        }
    }

    /// Copies `bytes` up to the first one of class `C` or less; returns how many were copied.
    ///
    /// Copies all of them if none is of the class. May stop early, at the start of a block, but never late.
    #[inline(always)]
    pub fn copy_clean<C: Class>(&mut self, bytes: &[u8]) -> usize {
        let len = bytes.len();
        self.ensure(len);
        // SAFETY: (3) len bytes of room; (4) len bytes in the slice; no overlap, see `put`.
        // (2) the function wrote `clean` ≤ len bytes.
        unsafe {
            let clean = copy_clean::<C>(bytes.as_ptr(), self.at, len);
            self.at = self.at.add(clean);
            clean
        }
    }
}

/// A cursor with `CAP` bytes of checked room after it, so that writes there need no check.
pub struct Room<'c, 'a, const CAP: usize>(&'c mut Cursor<'a>);

impl<'c, 'a, const CAP: usize> Room<'c, 'a, CAP> {
    /// Copies the whole block and keeps its first `len` bytes (all if `len` is larger). `LEFT` bytes of room
    /// remain.
    #[inline(always)]
    pub fn put<const N: usize, const LEFT: usize>(
        self,
        block: &[u8; N],
        len: usize,
    ) -> Room<'c, 'a, LEFT> {
        const { assert!(N + LEFT <= CAP) };
        let len = if len > N { clamped(N) } else { len };
        // SAFETY: (3, 5) N ≤ CAP bytes of room; (4) the block has N bytes; a vector under our
        // exclusive borrow cannot overlap it. (2) len ≤ N bytes were just written.
        unsafe {
            ptr::copy_nonoverlapping(block.as_ptr(), self.0.at, N);
            self.0.at = self.0.at.add(len);
        }
        Room(self.0)
    }

    /// Copies the first `len` ≤ 32 bytes between quotes if none is of class `C`; otherwise appends nothing and
    /// returns the cursor.
    #[inline(always)]
    pub fn quoted_clean<C: Class>(
        self,
        bytes: &[u8; 32],
        len: usize,
    ) -> Option<&'c mut Cursor<'a>> {
        const { assert!(CAP >= 34) };
        let (at, len) = (self.0.at, len.min(32));
        // SAFETY: (3, 5) 34 bytes of room; (4) 32 bytes; no overlap, see `put`.
        // (2) len + 2 ≤ 34 bytes were written.
        unsafe {
            let low = Native::load(bytes.as_ptr());
            let high = Native::load(bytes.as_ptr().add(16));
            low.store(at.add(1));
            high.store(at.add(17));
            let flagged = C::flags(low).mask() | C::flags(high).mask() << 16;
            if flagged & ((1 << len) - 1) != 0 {
                return Some(self.0);
            }
            *at = b'"';
            *at.add(len + 1) = b'"';
            self.0.at = at.add(len + 2);
            None
        }
    }

    /// Copies the first `len` ≤ 32 bytes of `from` between quotes if none is of class `C`; otherwise appends nothing
    /// and returns `false`, as for a longer text.
    #[inline(always)]
    pub fn quoted_short<C: Class>(self, from: &[u8], len: usize) -> bool {
        const { assert!(CAP >= 34) };
        if len > 32 || len > from.len() {
            return false;
        }
        let at = self.0.at;
        // SAFETY: (3, 5) 34 bytes of room; (4) at least len and, where one block is loaded, 16 bytes; no overlap, see
        // `put`. (2) if all bytes are clean, len + 2 ≤ 34 bytes were written.
        unsafe {
            let is_clean = if len < 16 && from.len() >= 16 {
                // The bytes after the text do not matter.
                let block = Native::load(from.as_ptr());
                block.store(at.add(1));
                C::flags(block).mask() & ((1 << len) - 1) == 0
            } else {
                copy_clean::<C>(from.as_ptr(), at.add(1), len) == len
            };
            if is_clean {
                *at = b'"';
                *at.add(len + 1) = b'"';
                self.0.at = at.add(len + 2);
            }
            is_clean
        }
    }

    /// The cursor, without the remaining room.
    #[inline(always)]
    pub fn cursor(self) -> &'c mut Cursor<'a> {
        self.0
    }
}

impl Drop for Cursor<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        let len = self.len();
        // SAFETY: (1) at ≤ capacity; (2) initialised up to `at`.
        unsafe { self.vec.set_len(len) };
    }
}

/// A cursor whose vector is changed. It continues at the vector's end when this is dropped, also by a panic.
struct Outdated<'c, 'a>(&'c mut Cursor<'a>);

impl Drop for Outdated<'_, '_> {
    #[inline(always)]
    fn drop(&mut self) {
        (self.0.at, self.0.limit) = spare(self.0.vec);
    }
}

/// The end of the vector's contents, and the limit.
#[inline(always)]
fn spare(vec: &mut Vec<u8>) -> (*mut u8, usize) {
    let spare = vec.spare_capacity_mut().as_mut_ptr_range();
    (spare.start.cast(), spare.end.addr().saturating_sub(SLACK))
}

/// Grows the vector by at least `n` bytes after `at`; returns the new position and limit.
#[cold]
#[inline(never)]
fn grow(vec: &mut Vec<u8>, at: *mut u8, n: usize) -> (*mut u8, usize) {
    let len = at.addr() - vec.as_ptr().addr();
    // SAFETY: (1, 2) `at` is within the allocation and everything before it is initialised.
    unsafe { vec.set_len(len) };
    vec.reserve(n.saturating_add(SLACK));
    spare(vec)
}

/// The length of a block that is shorter than asked for; out of line so that the check is a branch, not a select.
#[cold]
#[inline(never)]
fn clamped(len: usize) -> usize {
    len
}
