//! tracing's call sites, with a subscriber that takes everything.
use std::hint::black_box;

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Bytes of machine code of a further call site.
pub fn site_bytes() -> Result<u64, String> {
    // Without a subscriber the compiler could remove the calls.
    tracing::subscriber::set_global_default(Discard).map_err(|error| error.to_string())?;
    black_box((one_site as fn(u64, f64, &str, i32), two_sites as fn(u64, f64, &str, i32)));
    let symbols = super::symbols(&super::own_program()?)?;
    super::further_site(&symbols, "7tracing8one_site", "7tracing9two_sites")
}

#[inline(never)]
fn one_site(seq: u64, price: f64, sym: &str, qty: i32) {
    tracing::info!(target: "exchange::gateway", seq, price, sym, qty, "order filled");
}

#[inline(never)]
fn two_sites(seq: u64, price: f64, sym: &str, qty: i32) {
    tracing::info!(target: "exchange::gateway", seq, price, sym, qty, "order filled");
    tracing::info!(target: "exchange::gateway", seq, price, sym, qty, "order refused");
}

/// Takes every event and discards it.
struct Discard;

impl Subscriber for Discard {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        black_box(metadata);
        true
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        black_box(event);
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}
