//! The floors without a reader: the cost of the clock and of the encoding alone.

use std::hint::black_box;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::candidate::{Candidate, Format, Kind, Output};
use crate::ring::{Private, Record};
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

/// The counter and 56 encoded bytes into a warm ring without a reader.
pub struct Enc {
    ring: Private,
}

impl Candidate for Enc {
    const NAME: &'static str = "enc";
    const KIND: Kind = Kind::Floor;
    const FORMAT: Format = Format::Nothing;
    const CRATE: &'static str = "";

    fn start(_dir: &Path) -> Result<Self, String> {
        Ok(Self { ring: Private::new() })
    }

    #[inline(always)]
    fn log(&mut self, seq: u64, price: f64, sym: &str, qty: i32) {
        self.ring.push(Record::new(tsc::now(), seq, price, sym, qty));
    }

    fn finish(self) -> Result<Output, String> {
        black_box(self.ring.head());
        Ok(NOTHING)
    }
}

/// The time in a separate cache line, as a writer thread would publish it. No thread stores to it here: the floor is
/// the load alone.
#[repr(align(128))]
struct SharedTime(AtomicU64);

static SHARED_TIME: SharedTime = SharedTime(AtomicU64::new(1));

/// `Enc` without the counter: the time is a relaxed load of a warm line.
pub struct EncCoarse {
    ring: Private,
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
        self.ring.push(Record::new(time, seq, price, sym, qty));
    }

    fn finish(self) -> Result<Output, String> {
        black_box(self.ring.head());
        Ok(NOTHING)
    }
}
