//! The vector instructions of all rooms, and a raw cursor over a vector's spare room.
//!
//! Encoding tells bytes while it copies them; redaction brings work of its own ([`run()`]).
//!
//! Promises: every function here is safe to call with any argument. Memory is taken only by
//! [`Cursor::ensure`], when the vector is full. Nothing blocks. What was appended belongs to the
//! vector once the cursor is dropped; a leaked cursor only forgets what it appended.
//!
//! Why not safe code: an event of six fragments and five values takes 25 ns this way, 41 ns through
//! `Vec::extend_from_slice` or an index into zeroed room (`benches/encode.rs`, group `event`).
//!
//! Invariants that the SAFETY notes cite:
//! 1. **Place.** `at` points into, or one past, the allocation of `vec`, or is null while [`apart`]
//!    works on `vec`. `vec` is borrowed exclusively for the cursor's life and touched only by `grow`,
//!    `apart` and `drop`, so the allocation cannot move behind our back.
//! 2. **Initialised.** Every byte from the allocation's start to `at` is initialised: `at` only ever
//!    advances over bytes that the same function has just written.
//! 3. **Room.** `limit` is [`SLACK`] bytes before the allocation's end, or 0. A write of up to
//!    `SLACK` bytes follows a check that `at ≤ limit`, a longer one of `n` that `at + n ≤ limit`.
//! 4. **Source.** Loads stay within the slice or array that they come from.
//! 5. **Instructions.** SSE2 and NEON are part of the targets they are compiled for; code for AVX2
//!    or AVX-512 is entered only after each of its features was detected at run time.
//! 6. **Rooms.** A [`Room`] of `CAP` bytes is made only after a check that they fit, and each write
//!    of `N` takes it and gives back one of `CAP - N` or less.
//! 7. **Bits.** Every [`Block`] is plain bits: any bytes are a valid value.
//!
//! [`apart`]: Cursor::apart
#![allow(unsafe_code)]
// One note covers one step, such as the loads of a copy's two ends.
#![allow(clippy::multiple_unsafe_ops_per_block)]
use std::ptr;

#[cfg(target_arch = "x86_64")]
mod best;
pub(crate) mod class;
#[cfg(target_arch = "x86_64")]
mod hex;
mod lanes;
mod run;
mod sha256;

use lanes::Pair;
use lanes::Words;
pub(crate) use lanes::{ByteSets, Class, Exact, Lanes, Load64, Lookup};
#[cfg(test)]
pub(crate) use run::run_baseline;
pub(crate) use run::{Kernel, mask64, run};
pub(crate) use sha256::pair as compress_sha256_pair;

/// The longest write that a single comparison allows.
pub(crate) const SLACK: usize = 96;

/// Appends to a vector through a pointer and a limit that stay in registers.
///
/// Nothing takes the address of these two: what works out of line gets the vector instead
/// ([`Cursor::apart`]). In memory, each append would wait for the one before it to be stored.
pub(crate) struct Cursor<'a> {
    vec: &'a mut Vec<u8>,
    at: *mut u8,
    limit: usize,
}

impl<'a> Cursor<'a> {
    /// Starts at the vector's end.
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

    /// Makes sure that `n` bytes fit.
    #[inline(always)]
    pub fn ensure(&mut self, n: usize) {
        let fits = if n <= SLACK {
            self.at.addr() <= self.limit
        } else {
            self.limit.saturating_sub(self.at.addr()) >= n
        };
        if !fits {
            // By value, so that the pointers need no address.
            (self.at, self.limit) = grow(self.vec, self.at, n);
        }
    }

    /// Lets `work` append to the vector itself.
    #[inline(always)]
    pub fn apart(&mut self, work: impl FnOnce(&mut Vec<u8>)) {
        let len = self.len();
        // SAFETY: (1) at ≤ capacity; (2) initialised up to `at`.
        unsafe { self.vec.set_len(len) };
        // Should `work` panic, `drop` leaves the vector as `work` left it.
        self.at = ptr::null_mut();
        work(self.vec);
        (self.at, self.limit) = spare(self.vec);
    }

    /// `CAP` bytes of room, checked once for all that is put there.
    #[inline(always)]
    pub fn room<const CAP: usize>(&mut self) -> Room<'_, 'a, CAP> {
        const { assert!(CAP <= SLACK) };
        self.ensure(CAP);
        Room(self)
    }

    /// Copies the whole block and keeps its first `len` bytes (all, if `len` is larger).
    #[inline(always)]
    pub fn put<const N: usize>(&mut self, block: &[u8; N], len: usize) {
        self.room::<N>().put::<N, 0>(block, len);
    }

    /// Copies `bytes` between quotes if none is of class `C`; otherwise writes nothing and gives the
    /// cursor back.
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

    /// Copies `bytes` up to somewhere before the first one of class `C`; returns how many.
    ///
    /// All of them if none is of the class. May stop early, at a block's start, never late.
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

/// A cursor with `CAP` bytes of room behind it, so that putting something there needs no check.
pub(crate) struct Room<'c, 'a, const CAP: usize>(&'c mut Cursor<'a>);

impl<'c, 'a, const CAP: usize> Room<'c, 'a, CAP> {
    /// Copies the whole block and keeps its first `len` bytes (all, if `len` is larger); `LEFT` bytes
    /// of room are left behind it.
    #[inline(always)]
    pub fn put<const N: usize, const LEFT: usize>(
        self,
        block: &[u8; N],
        len: usize,
    ) -> Room<'c, 'a, LEFT> {
        const { assert!(N + LEFT <= CAP) };
        let len = if len > N { clamped(N) } else { len };
        // SAFETY: (3, 6) N ≤ CAP bytes of room; (4) the block has N bytes; a vector under our
        // exclusive borrow cannot overlap it. (2) len ≤ N bytes were just written.
        unsafe {
            ptr::copy_nonoverlapping(block.as_ptr(), self.0.at, N);
            self.0.at = self.0.at.add(len);
        }
        Room(self.0)
    }

    /// Copies the first `len` ≤ 32 bytes between quotes if none is of class `C`; otherwise writes
    /// nothing and gives the cursor back.
    #[inline(always)]
    pub fn quoted_clean<C: Class>(
        self,
        bytes: &[u8; 32],
        len: usize,
    ) -> Option<&'c mut Cursor<'a>> {
        const { assert!(CAP >= 34) };
        let (at, len) = (self.0.at, len.min(32));
        // SAFETY: (3, 6) 34 bytes of room; (4) 32 bytes; no overlap, see `put`.
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

    /// The cursor, without the promise.
    #[inline(always)]
    pub fn cursor(self) -> &'c mut Cursor<'a> {
        self.0
    }
}

impl Drop for Cursor<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if !self.at.is_null() {
            let len = self.len();
            // SAFETY: (1) at ≤ capacity; (2) initialised up to `at`.
            unsafe { self.vec.set_len(len) };
        }
    }
}

/// The end of what the vector holds, and the limit.
#[inline(always)]
fn spare(vec: &mut Vec<u8>) -> (*mut u8, usize) {
    let spare = vec.spare_capacity_mut().as_mut_ptr_range();
    (spare.start.cast(), spare.end.addr().saturating_sub(SLACK))
}

/// Gives the vector room for `n` more bytes after `at`, and some more; the new pointers.
#[cold]
#[inline(never)]
fn grow(vec: &mut Vec<u8>, at: *mut u8, n: usize) -> (*mut u8, usize) {
    let len = at.addr() - vec.as_ptr().addr();
    // SAFETY: (1, 2) `at` is within the allocation and everything before it is initialised.
    unsafe { vec.set_len(len) };
    vec.reserve(n.saturating_add(SLACK));
    spare(vec)
}

/// A length beyond its block; kept out of line so that the check is a branch, not a select.
#[cold]
#[inline(never)]
fn clamped(len: usize) -> usize {
    len
}

/// Copies `len` bytes with overlapping fixed-size moves; only long ones call `memcpy`.
///
/// # Safety
/// `from` is readable and `to` writable for `len` bytes, without overlap.
#[inline(always)]
unsafe fn copy_short(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: (3, 4) by the contract; each arm's size is at most `len`.
    unsafe {
        if len > 32 {
            ptr::copy_nonoverlapping(from, to, len);
        } else if len >= 16 {
            copy_ends::<[u8; 16]>(from, to, len);
        } else if len >= 8 {
            copy_ends::<[u8; 8]>(from, to, len);
        } else if len >= 4 {
            copy_ends::<[u8; 4]>(from, to, len);
        } else if len > 0 {
            copy_few(from, to, len);
        }
    }
}

/// Copies the first and the last `T` of `len` bytes, and returns them.
///
/// # Safety
/// As [`copy_short`], with `size_of::<T>()` ≤ `len` ≤ twice that; any bytes are a valid `T`.
#[inline(always)]
unsafe fn copy_ends<T: Copy>(from: *const u8, to: *mut u8, len: usize) -> (T, T) {
    let last = len - size_of::<T>();
    // SAFETY: (3, 4) both ends are within len bytes.
    unsafe {
        let head = from.cast::<T>().read_unaligned();
        let tail = from.add(last).cast::<T>().read_unaligned();
        to.cast::<T>().write_unaligned(head);
        to.add(last).cast::<T>().write_unaligned(tail);
        (head, tail)
    }
}

/// Copies one to three bytes, and returns the first, the middle and the last.
///
/// # Safety
/// As [`copy_short`], with 1 ≤ `len` ≤ 3.
#[inline(always)]
unsafe fn copy_few(from: *const u8, to: *mut u8, len: usize) -> [u8; 3] {
    // SAFETY: (3, 4) 0, len / 2 and len - 1 are below len.
    unsafe {
        let bytes = [*from, *from.add(len / 2), *from.add(len - 1)];
        *to = bytes[0];
        *to.add(len / 2) = bytes[1];
        *to.add(len - 1) = bytes[2];
        bytes
    }
}

/// Lanes that memory can be read into and written from.
///
/// # Safety
/// The type is plain bits: any bytes are a valid value.
pub(crate) unsafe trait Block: Lanes {
    /// Bytes in a block.
    const LEN: usize = size_of::<Self>();
    /// # Safety
    /// `from` is readable for `LEN` bytes.
    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: (4) by the contract; every pattern of bits is a block, see [`Block`].
        unsafe { from.cast::<Self>().read_unaligned() }
    }
    /// # Safety
    /// `to` is writable for `LEN` bytes.
    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: (3) by the contract.
        unsafe { to.cast::<Self>().write_unaligned(self) };
    }
}

/// See [`Cursor::copy_clean`].
///
/// # Safety
/// `from` is readable and `to` writable for `len` bytes, without overlap.
#[inline(always)]
unsafe fn copy_clean<C: Class>(from: *const u8, to: *mut u8, len: usize) -> usize {
    // SAFETY: (3, 4) by the contract; each arm's size is at most `len`.
    let (low, high) = unsafe {
        if len >= 16 {
            if len > 32 {
                return copy_clean_long::<C>(from, to, len);
            }
            let (head, tail) = copy_ends::<Native>(from, to, len);
            return if C::flags(head).or(C::flags(tail)).any() { 0 } else { len };
        } else if len >= 8 {
            copy_ends::<u64>(from, to, len)
        } else if len >= 4 {
            let (head, tail) = copy_ends::<u32>(from, to, len);
            (SPACES, u64::from(head) | u64::from(tail) << 32)
        } else if len > 0 {
            let [a, b, c] = copy_few(from, to, len);
            (SPACES, SPACES << 24 | u64::from(u32::from_le_bytes([a, b, c, 0])))
        } else {
            return 0;
        }
    };
    if C::flags(Native::from_words(low, high)).any() { 0 } else { len }
}

/// Eight bytes that are of no class.
const SPACES: u64 = 0x2020_2020_2020_2020;

/// [`copy_clean`] of more than 32 bytes.
///
/// # Safety
/// As [`copy_clean`].
#[inline(never)]
unsafe fn copy_clean_long<C: Class>(from: *const u8, to: *mut u8, len: usize) -> usize {
    #[cfg(target_arch = "x86_64")]
    if len >= x86::AVX2_LEN_MIN && std::is_x86_feature_detected!("avx2") {
        // SAFETY: (5) AVX2 was just detected; the rest by this function's own contract.
        return unsafe { x86::copy_avx2::<C>(from, to, len) };
    }
    // SAFETY: by this function's own contract; len > 32 ≥ 2·LEN.
    unsafe { copy_clean_pairs::<C, Native>(from, to, len) }
}

/// Two blocks at a time, the last two overlapping what was done.
///
/// # Safety
/// As [`copy_clean`], with len ≥ 2·`B::LEN`.
#[inline(always)]
unsafe fn copy_clean_pairs<C: Class, B: Block>(from: *const u8, to: *mut u8, len: usize) -> usize {
    let last = len - 2 * B::LEN;
    let mut done = 0;
    loop {
        // SAFETY: (3, 4) done ≤ last, so 2·LEN bytes from `done` on are within len.
        let (head, tail) = unsafe { copy_ends::<B>(from.add(done), to.add(done), 2 * B::LEN) };
        if C::flags(head).or(C::flags(tail)).any() {
            return done;
        }
        if done == last {
            return len;
        }
        done = (done + 2 * B::LEN).min(last);
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
use Words as Native;
#[cfg(target_arch = "aarch64")]
use neon::Neon as Native;
#[cfg(target_arch = "x86_64")]
use x86::Sse2 as Native;
#[cfg(target_arch = "x86_64")]
pub(crate) use x86::hex16;

// SAFETY: (7) two integers.
unsafe impl Block for Words {}

// SAFETY: (7) two blocks, without any padding between them.
unsafe impl<B: Block> Block for Pair<B> {}

impl<B: Block> Load64 for Pair<B> {
    #[inline(always)]
    fn load(bytes: &[u8; 64]) -> Self {
        const { assert!(size_of::<Pair<B>>() == 64) };
        // SAFETY: (4) the pair has 64 bytes.
        unsafe { <Pair<B> as Block>::load(bytes.as_ptr()) }
    }
}

/// Methods that are instructions on registers and nothing else, and give a vector or bits.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! each_of {
    ($out:ty, $of:path: $(fn $method:ident($self:ident $(, $arg:ident: $type:ty)*) $work:expr;)*) => {
        $(
            #[inline(always)]
            fn $method($self $(, $arg: $type)*) -> $out {
                // SAFETY: (5) no instruction touches memory.
                $of(unsafe { $work })
            }
        )*
    };
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::best::{Best, best};
    use super::lanes::Shuffle;
    use super::{Block, ByteSets, Class, Exact, Kernel, Lanes, Load64, Lookup, Pair};
    use std::arch::x86_64::*;

    /// Shorter strings are done before a call through the detection pays.
    pub(super) const AVX2_LEN_MIN: usize = 64;

    /// 16 bytes.
    #[derive(Clone, Copy)]
    pub(crate) struct Sse2(__m128i);

    /// 32 bytes. Made and used only inside `copy_avx2` and `run_avx2`, into which all of this
    /// is inlined.
    #[derive(Clone, Copy)]
    struct Avx2(__m256i);

    impl Sse2 {
        #[inline(always)]
        pub(super) fn from_words(low: u64, high: u64) -> Self {
            // SAFETY: (5) SSE2 is part of x86-64.
            Sse2(unsafe { _mm_set_epi64x(high as i64, low as i64) })
        }
    }

    /// See [`super::hex::hex16`].
    #[inline(always)]
    pub(crate) fn hex16(bytes: &[u8; 16]) -> [[u8; 16]; 2] {
        // SAFETY: (5) SSE2 is part of x86-64.
        unsafe { super::hex::hex16(bytes) }
    }

    /// See [`super::sha256::pair`].
    pub(super) fn compress_pair(states: [&mut [u32; 8]; 2], blocks: [&[[u8; 64]]; 2]) -> bool {
        let has = super::sha256::has_instructions();
        if has {
            // SAFETY: (5) each was asked for.
            unsafe { super::sha256::compress_pair(states, blocks) };
        }
        has
    }

    /// The comparisons of one width, by the names of its instructions. Bytes are compared as bits: the
    /// casts to i8 change none.
    macro_rules! compares {
        ($name:ident, $all:ident, $equal:ident, $above:ident, $least:ident, $or:ident, $and:ident,
         $minus:ident, $bits:ident) => {
            // SAFETY: (7) one vector register.
            unsafe impl Block for $name {}
            impl Lanes for $name {
                each_of!(Self, $name:
                    fn equal(self, byte: u8) $equal(self.0, $all(byte as i8));
                    // `min(x, 0x1F) == x` is the unsigned `x ≤ 0x1F`.
                    fn control(self) $equal($least(self.0, $all(0x1F)), self.0);
                    fn control_or_wide(self) $above($all(0x20), self.0);
                    fn or(self, other: Self) $or(self.0, other.0);
                );
                each_of!(u64, u64::from: fn mask(self) $bits(self.0) as u32;);
            }
            impl Exact for $name {
                each_of!(Self, $name:
                    fn and(self, other: Self) $and(self.0, other.0);
                    fn with_bits(self, byte: u8) $or(self.0, $all(byte as i8));
                    fn within(self, first: u8, last: u8) {
                        let moved = $minus(self.0, $all(first as i8));
                        $equal($least(moved, $all((last - first) as i8)), moved)
                    };
                    fn ascii_above(self, byte: u8) $above(self.0, $all(byte as i8));
                );
            }
        };
    }

    #[rustfmt::skip]
    compares!(
        Sse2, _mm_set1_epi8, _mm_cmpeq_epi8, _mm_cmpgt_epi8, _mm_min_epu8, _mm_or_si128,
        _mm_and_si128, _mm_sub_epi8, _mm_movemask_epi8
    );
    #[rustfmt::skip]
    compares!(
        Avx2, _mm256_set1_epi8, _mm256_cmpeq_epi8, _mm256_cmpgt_epi8, _mm256_min_epu8,
        _mm256_or_si256, _mm256_and_si256, _mm256_sub_epi8, _mm256_movemask_epi8
    );

    impl Shuffle for Avx2 {
        type Table = [__m256i; 2];

        #[inline(always)]
        fn load_table(sets: &ByteSets) -> Self::Table {
            // SAFETY: (4) 16 bytes each; (5).
            unsafe {
                let low = _mm_loadu_si128(sets.low.as_ptr().cast());
                let high = _mm_loadu_si128(sets.high.as_ptr().cast());
                [_mm256_broadcastsi128_si256(low), _mm256_broadcastsi128_si256(high)]
            }
        }

        each_of!(Self, Avx2:
            fn shuffled(self, table: [__m256i; 2]) {
                // The shift moves bits between bytes; the mask takes them away.
                let high = _mm256_and_si256(_mm256_srli_epi16::<4>(self.0), _mm256_set1_epi8(0x0F));
                let low = _mm256_shuffle_epi8(table[0], self.0);
                _mm256_and_si256(low, _mm256_shuffle_epi8(table[1], high))
            };
            fn masked(self, byte: u8) _mm256_and_si256(self.0, _mm256_set1_epi8(byte as i8));
            fn plus(self, byte: u8) _mm256_adds_epu8(self.0, _mm256_set1_epi8(byte as i8));
        );
    }

    /// 64 bytes. Made and used only inside `run_avx512`.
    #[derive(Clone, Copy)]
    struct Avx512(__m512i);

    impl Load64 for Avx512 {
        #[inline(always)]
        fn load(bytes: &[u8; 64]) -> Self {
            // SAFETY: (4) 64 bytes; (5).
            Avx512(unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) })
        }
    }

    impl Lookup for Avx512 {
        type Table = [__m512i; 2];

        #[inline(always)]
        fn table(sets: &ByteSets) -> Self::Table {
            [Avx512::load(&sets.ascii[0]).0, Avx512::load(&sets.ascii[1]).0]
        }

        each_of!(Self, Avx512:
            fn look(self, table: [__m512i; 2]) {
                let ascii = !_mm512_movepi8_mask(self.0);
                _mm512_maskz_permutex2var_epi8(ascii, table[0], self.0, table[1])
            };
            fn with(self, bits: u8) _mm512_or_si512(self.0, _mm512_set1_epi8(bits as i8));
        );

        each_of!(u64, u64::from:
            fn any_of(self, bits: u8) _mm512_test_epi8_mask(self.0, _mm512_set1_epi8(bits as i8));
            fn any_of_or_meet(self, bits: u8, one: Self, other: Self) {
                let bits = _mm512_and_si512(self.0, _mm512_set1_epi8(bits as i8));
                let all = _mm512_or_si512(bits, _mm512_and_si512(one.0, other.0));
                _mm512_test_epi8_mask(all, all)
            };
            fn above(self, byte: u8) _mm512_cmpgt_epi8_mask(self.0, _mm512_set1_epi8(byte as i8));
        );
    }

    /// # Safety
    /// [`best`] said so.
    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    unsafe fn run_avx2<K: Kernel>(kernel: K) -> K::Out {
        kernel.with_lookup::<Pair<Avx2>>()
    }

    /// # Safety
    /// [`best`] said so.
    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt,avx512f,avx512bw,avx512vbmi")]
    unsafe fn run_avx512<K: Kernel>(kernel: K) -> K::Out {
        kernel.with_lookup::<Avx512>()
    }

    /// See [`super::run()`].
    #[inline(always)]
    pub(super) fn run<K: Kernel>(kernel: K) -> K::Out {
        match best() {
            // SAFETY: (5) `best` asked for each feature.
            Best::Avx512 => unsafe { run_avx512(kernel) },
            // SAFETY: (5) as above.
            Best::Avx2 => unsafe { run_avx2(kernel) },
            Best::Sse2 => super::run::run_baseline(kernel),
        }
    }

    /// See [`super::copy_clean_pairs`].
    ///
    /// # Safety
    /// As there, with len ≥ 64, on a machine with AVX2.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn copy_avx2<C: Class>(from: *const u8, to: *mut u8, len: usize) -> usize {
        // SAFETY: (5) this function is entered with AVX2 only; the rest by its contract.
        unsafe { super::copy_clean_pairs::<C, Avx2>(from, to, len) }
    }
}

#[cfg(target_arch = "aarch64")]
mod neon {
    use super::{Block, Exact, Lanes};
    use std::arch::aarch64::*;

    /// 16 bytes.
    #[derive(Clone, Copy)]
    pub(crate) struct Neon(uint8x16_t);

    impl Neon {
        #[inline(always)]
        pub(super) fn from_words(low: u64, high: u64) -> Self {
            // SAFETY: (5) NEON is part of the target.
            Neon(unsafe { vreinterpretq_u8_u64(vcombine_u64(vcreate_u64(low), vcreate_u64(high))) })
        }
    }

    // SAFETY: (7) one vector register.
    unsafe impl Block for Neon {}

    impl Lanes for Neon {
        each_of!(Self, Neon:
            fn equal(self, byte: u8) vceqq_u8(self.0, vdupq_n_u8(byte));
            fn control(self) vcltq_u8(self.0, vdupq_n_u8(0x20));
            fn control_or_wide(self) vcltq_s8(vreinterpretq_s8_u8(self.0), vdupq_n_s8(0x20));
            fn or(self, other: Self) vorrq_u8(self.0, other.0);
        );

        #[inline(always)]
        fn mask(self) -> u64 {
            const BITS: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128];
            // SAFETY: (4) 16 bytes; (5).
            let bits = unsafe { vandq_u8(self.0, vld1q_u8(BITS.as_ptr())) };
            // SAFETY: (5)
            let halves = unsafe { [vaddv_u8(vget_low_u8(bits)), vaddv_u8(vget_high_u8(bits))] };
            u64::from(u16::from_le_bytes(halves))
        }

        #[inline(always)]
        fn any(self) -> bool {
            // SAFETY: (5)
            unsafe { vmaxvq_u8(self.0) != 0 }
        }
    }

    impl Exact for Neon {
        each_of!(Self, Neon:
            fn and(self, other: Self) vandq_u8(self.0, other.0);
            fn with_bits(self, byte: u8) vorrq_u8(self.0, vdupq_n_u8(byte));
            fn within(self, first: u8, last: u8)
                vcleq_u8(vsubq_u8(self.0, vdupq_n_u8(first)), vdupq_n_u8(last - first));
            // The cast keeps the bits of an ASCII byte.
            fn ascii_above(self, byte: u8)
                vcgtq_s8(vreinterpretq_s8_u8(self.0), vdupq_n_s8(byte as i8));
        );
    }
}

/// [`copy_clean_pairs`] between two slices, for the tests.
#[cfg(test)]
fn copy_pairs<C: Class, B: Block>(from: &[u8], to: &mut [u8]) -> usize {
    assert!(from.len() == to.len() && from.len() >= 2 * B::LEN);
    // SAFETY: (3, 4) as asserted; a shared and an exclusive slice cannot overlap.
    unsafe { copy_clean_pairs::<C, B>(from.as_ptr(), to.as_mut_ptr(), from.len()) }
}

#[cfg(test)]
mod tests;
