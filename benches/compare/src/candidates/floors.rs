//! The floors without a reader: the cost of the clock and of the encoding alone.

use std::hint::black_box;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::candidate::{Candidate, Format, Kind, Output};
use crate::family::Group;
use crate::record::{Packed, Plain, Record};
use crate::ring::Private;
use crate::tsc;

const NOTHING: Output = Output { files: Vec::new(), format: Format::Nothing };

/// No work: the cost of the timing per call. A disabled log call is compared with it, because that call costs less than
/// the fenced counter's share.
pub struct Empty;

impl Candidate for Empty {
    const NAME: &'static str = "empty";
    const KIND: Kind = Kind::Floor;
    const FORMAT: Format = Format::Nothing;
    const CRATE: &'static str = "";

    fn start(_dir: &Path) -> Result<Self, String> {
        Ok(Self)
    }

    #[inline(always)]
    fn log(&mut self, _seq: u64, _price: f64, _sym: &str, _qty: i32) {}

    fn finish(self) -> Result<Output, String> {
        Ok(NOTHING)
    }
}

/// Reading the counter and doing nothing with it.
pub struct Rdtsc;

impl Candidate for Rdtsc {
    const NAME: &'static str = "rdtsc";
    const KIND: Kind = Kind::Floor;
    const FORMAT: Format = Format::Nothing;
    const CRATE: &'static str = "";

    fn start(_dir: &Path) -> Result<Self, String> {
        Ok(Self)
    }

    #[inline(always)]
    fn log(&mut self, _seq: u64, _price: f64, _sym: &str, _qty: i32) {
        black_box(tsc::now());
    }

    fn finish(self) -> Result<Output, String> {
        Ok(NOTHING)
    }
}

/// The counter and an encoded record into a warm ring without a reader: 56 bytes for `enc`, ringseal's for `enc_same`.
pub struct Enc<const SAME: bool, R> {
    ring: Private<R>,
}

/// The floor of a call.
pub type EncPlain = Enc<false, Plain>;
/// The same with the bytes and stores of ringseal's record.
pub type EncSame = Enc<true, Packed>;

impl<const SAME: bool, R: Record> Candidate for Enc<SAME, R> {
    const NAME: &'static str = if SAME { "enc_same" } else { "enc" };
    const KIND: Kind = Kind::Floor;
    const GROUP: Group = if SAME { Group::Bounds } else { Group::Floors };
    const FORMAT: Format = Format::Nothing;
    const CRATE: &'static str = "";

    fn start(_dir: &Path) -> Result<Self, String> {
        Ok(Self { ring: Private::new() })
    }

    #[inline(always)]
    fn log(&mut self, seq: u64, price: f64, sym: &str, qty: i32) {
        self.ring.push(R::new(tsc::now(), seq, price, sym, qty));
    }

    fn finish(self) -> Result<Output, String> {
        black_box(self.ring.head());
        Ok(NOTHING)
    }
}

/// The time in a separate cache line, as a writer thread would publish it. With `enc_coarse` no thread stores to it:
/// that floor is the load alone. With `ring_coarse` the reader does.
#[repr(align(128))]
pub struct SharedTime(pub AtomicU64);

/// Of the coarse floors.
pub static SHARED_TIME: SharedTime = SharedTime(AtomicU64::new(1));

/// `enc` without the counter: the time is a relaxed load of a warm line.
pub struct EncCoarse {
    ring: Private<Plain>,
}

impl Candidate for EncCoarse {
    const NAME: &'static str = "enc_coarse";
    const KIND: Kind = Kind::Floor;
    const FORMAT: Format = Format::Nothing;
    const CRATE: &'static str = "";

    fn start(_dir: &Path) -> Result<Self, String> {
        SHARED_TIME.0.store(tsc::now(), Ordering::Relaxed);
        Ok(Self { ring: Private::new() })
    }

    #[inline(always)]
    fn log(&mut self, seq: u64, price: f64, sym: &str, qty: i32) {
        // ORDER: Relaxed; a single value, no other memory depends on it.
        let time = SHARED_TIME.0.load(Ordering::Relaxed);
        self.ring.push(Plain::new(time, seq, price, sym, qty));
    }

    fn finish(self) -> Result<Output, String> {
        black_box(self.ring.head());
        Ok(NOTHING)
    }
}
