//! The events of the shop that others read: their fields, and the rules that these follow.
use ringseal::events::Catalogue;
use ringseal::{Pii, catalogue, domain_events};

domain_events! {
    /// An order was accepted, and its audit entry is on disk.
    pub event OrderPlaced<'a> = "ORDER_PLACED_SUCCESS", Info, version 1 {
        order_id: u64;
        product_id: u64 where range(1..=1_000_000);
        quantity: u32 where range(1..=100);
        customer: Pii<&'a str>;
        audit_number: u64;
    }

    /// An order was refused.
    pub event OrderRefused<'a> = "ORDER_REFUSED", Warn, version 1 {
        product_id: u64;
        reason: &'a str where one_of("out of stock", "unknown product", "malformed");
    }
}

/// All events; a change of their fields changes the schema that is made of it.
pub static CATALOGUE: Catalogue = catalogue![OrderPlaced, OrderRefused];
