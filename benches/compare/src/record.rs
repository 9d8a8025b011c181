//! The records of the floors: the event in a constant number of bytes.

/// A record of the event, in the bytes of `Self`.
pub trait Record: Copy + Send + 'static {
    /// A record of the event. Panics unless the symbol has 16 bytes: the floors are for one event, and a copy of fixed
    /// length is the cheapest.
    fn new(ticks: u64, seq: u64, price: f64, sym: &str, qty: i32) -> Self;
    /// Time stamp counter at the call.
    fn ticks(&self) -> u64;
    /// The event's fields.
    fn seq(&self) -> u64;
    /// See `seq`.
    fn price(&self) -> f64;
    /// See `seq`.
    fn sym(&self) -> [u8; 16];
    /// See `seq`.
    fn qty(&self) -> i32;
}

const CALLSITE: u32 = 7;

#[inline(always)]
fn symbol(sym: &str) -> [u8; 16] {
    sym.as_bytes().try_into().expect("the symbol has 16 bytes")
}

/// The least that holds the event: 56 bytes, aligned.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Plain {
    /// Length of the record in bytes and the id of its call site.
    head: [u32; 2],
    ticks: u64,
    seq: u64,
    price: f64,
    /// Length of the symbol in bytes; always 16 here.
    sym_len: u32,
    qty: i32,
    sym: [u8; 16],
}

const _: () = assert!(size_of::<Plain>() == 56);

impl Record for Plain {
    #[inline(always)]
    fn new(ticks: u64, seq: u64, price: f64, sym: &str, qty: i32) -> Self {
        let head = [size_of::<Self>() as u32, CALLSITE];
        Self { head, ticks, seq, price, sym_len: 16, qty, sym: symbol(sym) }
    }

    #[inline(always)]
    fn ticks(&self) -> u64 {
        self.ticks
    }

    #[inline(always)]
    fn seq(&self) -> u64 {
        self.seq
    }

    #[inline(always)]
    fn price(&self) -> f64 {
        self.price
    }

    #[inline(always)]
    fn sym(&self) -> [u8; 16] {
        self.sym
    }

    #[inline(always)]
    fn qty(&self) -> i32 {
        self.qty
    }
}

/// The layout of ringseal's record of the event: the same bytes in the same stores. A header of 24 bytes, then each
/// value with a tag before it, unaligned; 72 bytes.
#[derive(Clone, Copy, Debug)]
#[repr(C, packed)]
pub struct Packed {
    len: u32,
    kind: u8,
    level: u8,
    flags: u16,
    callsite: u32,
    context: u32,
    ticks: u64,
    seq_tag: u8,
    seq: u64,
    price_tag: u8,
    price: f64,
    sym_tag: u8,
    sym_len: u32,
    sym: [u8; 16],
    qty_tag: u8,
    qty: i64,
}

impl Record for Packed {
    #[inline(always)]
    fn new(ticks: u64, seq: u64, price: f64, sym: &str, qty: i32) -> Self {
        Self {
            len: size_of::<Self>() as u32,
            kind: 1,
            level: 2,
            flags: 0,
            callsite: CALLSITE,
            context: 0,
            ticks,
            seq_tag: 3,
            seq,
            price_tag: 4,
            price,
            sym_tag: 5,
            sym_len: 16,
            sym: symbol(sym),
            qty_tag: 6,
            qty: i64::from(qty),
        }
    }

    #[inline(always)]
    fn ticks(&self) -> u64 {
        self.ticks
    }

    #[inline(always)]
    fn seq(&self) -> u64 {
        self.seq
    }

    #[inline(always)]
    fn price(&self) -> f64 {
        self.price
    }

    #[inline(always)]
    fn sym(&self) -> [u8; 16] {
        self.sym
    }

    #[inline(always)]
    fn qty(&self) -> i32 {
        self.qty as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringseal::internals::core::record::HEADER_BYTES;

    #[test]
    fn the_packed_record_has_ringseals_size() {
        let (number, text) = (1 + 8, 1 + 4 + 16);
        let bytes = HEADER_BYTES + 3 * number + text;
        assert_eq!(size_of::<Packed>(), bytes.next_multiple_of(8), "ringseal's record has changed");
    }
}
