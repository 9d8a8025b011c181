//! The event that every candidate logs: the same values in the same order in every run.
//!
//! `seq` counts up from 0; price, symbol and quantity come from a small table, so that making an event costs the timed
//! loops only a load (a division would cost as much as a log call). The table is 8 KiB and stays in the first-level
//! cache beside the measured code.

/// The static name of the event.
pub const NAME: &str = "order filled";
/// The target under which it is logged.
pub const TARGET: &str = "exchange::gateway";
/// Calls in one timed batch.
pub const BATCH: usize = 20;
/// Rows in the table; a power of two.
const ROWS: usize = 256;

/// The arguments of one log call.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// Counts up from 0, by one per call.
    pub seq: u64,
    /// Between 100.00 and 999.99, two decimals.
    pub price: f64,
    /// 16 bytes of ASCII, different in each call.
    pub sym: &'static str,
    /// Between -500 and 499, never 0.
    pub qty: i32,
}

/// The table of values that `seq` walks through.
pub struct Feed {
    rows: Vec<Event>,
    next: u64,
}

impl Feed {
    /// A feed that starts at `seq` 0.
    pub fn new() -> Self {
        Self { rows: (0..ROWS as u64).map(row).collect(), next: 0 }
    }

    /// The number of events returned so far; also the next `seq`.
    pub fn handed_out(&self) -> u64 {
        self.next
    }

    /// The next event.
    #[inline(always)]
    pub fn next(&mut self) -> Event {
        let mut event = self.rows[self.next as usize % ROWS];
        event.seq = self.next;
        self.next += 1;
        event
    }

    /// The next `BATCH` events, made before the clock starts.
    pub fn batch(&mut self) -> [Event; BATCH] {
        std::array::from_fn(|_| self.next())
    }

    /// The table, a line per event: the bits of the price, the quantity, the symbol; for programs in other languages.
    pub fn table(&self) -> String {
        let line = |row: &Event| format!("{}\t{}\t{}\n", row.price.to_bits(), row.qty, row.sym);
        self.rows.iter().map(line).collect()
    }

    /// The event with this `seq`: the oracle of the check.
    pub fn at(&self, seq: u64) -> Event {
        Event { seq, ..self.rows[seq as usize % ROWS] }
    }
}

fn row(index: u64) -> Event {
    let mixed = (index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let cents = 10_000 + (mixed >> 40) % 90_000;
    let qty = (mixed >> 20) as i32 % 500;
    // Starts with a letter: `0043-` and six digits would be a telephone number, which ringseal masks.
    let sym = format!("Q{:03}-{:06}.XKUW", index, (mixed >> 12) % 1_000_000);
    Event {
        seq: index,
        price: cents as f64 / 100.0,
        sym: Box::leak(sym.into_boxed_str()),
        qty: if qty == 0 { 1 } else { qty },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_symbol_has_16_bytes_and_differs() {
        let mut feed = Feed::new();
        let syms: HashSet<_> = (0..ROWS).map(|_| feed.next().sym).collect();
        assert_eq!(syms.len(), ROWS);
        assert!(syms.iter().all(|sym| sym.len() == 16));
    }

    #[test]
    fn the_oracle_agrees_with_the_feed() {
        let mut feed = Feed::new();
        for _ in 0..3 * ROWS {
            let event = feed.next();
            let again = feed.at(event.seq);
            assert_eq!(
                (event.seq, event.sym, event.qty, event.price.to_bits()),
                (again.seq, again.sym, again.qty, again.price.to_bits())
            );
            assert_eq!((event.price * 100.0).round() / 100.0, event.price);
        }
    }
}
