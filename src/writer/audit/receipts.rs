//! The receipts of the latest events, by ticket.
//!
//! A table of fixed size: a ticket's slot is its remainder, and a later ticket replaces an earlier one.
use ringseal_audit::store::Receipt;

/// Slots; a power of two.
pub(super) const RECEIPTS_KEPT: u64 = 1 << 15;

/// The table.
#[derive(Debug)]
pub(super) struct Receipts(Vec<Option<(u64, Receipt)>>);

/// The result of a lookup.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lookup {
    /// The position of its entry.
    Found(Receipt),
    /// A later ticket has replaced it.
    Replaced,
    /// The ticket has not arrived yet.
    Pending,
}

impl Receipts {
    pub(super) fn new() -> Self {
        Self(vec![None; RECEIPTS_KEPT as usize])
    }

    /// A ticket that arrives late does not replace a later one.
    pub(super) fn put(&mut self, ticket: u64, receipt: Receipt) {
        let slot = &mut self.0[(ticket % RECEIPTS_KEPT) as usize];
        if slot.is_none_or(|(found, _)| found <= ticket) {
            *slot = Some((ticket, receipt));
        }
    }

    pub(super) fn get(&self, ticket: u64) -> Lookup {
        match self.0[(ticket % RECEIPTS_KEPT) as usize] {
            Some((found, receipt)) if found == ticket => Lookup::Found(receipt),
            Some((found, _)) if found > ticket => Lookup::Replaced,
            _ => Lookup::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_is_kept_until_replaced() {
        let mut receipts = Receipts::new();
        let receipt = |seq| Receipt { seq, leaf: [seq as u8; 32] };
        assert_eq!(receipts.get(3), Lookup::Pending);
        receipts.put(3, receipt(7));
        assert_eq!(receipts.get(3), Lookup::Found(receipt(7)));
        assert_eq!(receipts.get(3 + RECEIPTS_KEPT), Lookup::Pending);
        receipts.put(3 + RECEIPTS_KEPT, receipt(8));
        assert_eq!(receipts.get(3), Lookup::Replaced);
        receipts.put(3, receipt(9));
        assert_eq!(
            receipts.get(3 + RECEIPTS_KEPT),
            Lookup::Found(receipt(8)),
            "a late ticket replaces nothing"
        );
        assert_eq!(receipts.get(3), Lookup::Replaced);
    }
}
