//! The standard event as a typed one.
use ringseal::{domain_events, info};

use crate::cases::order;

domain_events! {
    names: any;
    event OrderFilled<'a> = "order filled", Info, version 1, target "exchange::gateway" {
        seq: u64;
        price: f64;
        sym: &'a str;
        qty: i32;
    }
    event OrderChecked<'a> = "order filled", Info, version 1, target "exchange::gateway" {
        seq: u64 where range(..=1_000_000);
        price: f64 where range(0.0..=1000.0);
        sym: &'a str where len(1..=32);
        qty: i32 where range(1..=4);
    }
}

// Each call is in a function: in a loop, the registers of the loop's own values differ by more than the calls do.

#[inline(never)]
pub fn log_plain(events: u64) {
    for seq in 0..events {
        let (price, sym, qty) = order(seq);
        plain(seq, price, sym, qty);
    }
}

#[inline(never)]
fn plain(seq: u64, price: f64, sym: &str, qty: i32) {
    info!(target: "exchange::gateway", "order filled", seq, price, sym, qty);
}

#[inline(never)]
pub fn log_typed(events: u64) {
    for seq in 0..events {
        let (price, sym, qty) = order(seq);
        typed(seq, price, sym, qty);
    }
}

#[inline(never)]
fn typed(seq: u64, price: f64, sym: &str, qty: i32) {
    let _ = OrderFilled { seq, price, sym, qty }.emit_globally();
}

#[inline(never)]
pub fn log_typed_with_rules(events: u64) {
    for seq in 0..events {
        let (price, sym, qty) = order(seq);
        typed_with_rules(seq, price, sym, qty);
    }
}

#[inline(never)]
fn typed_with_rules(seq: u64, price: f64, sym: &str, qty: i32) {
    let _ = OrderChecked { seq, price, sym, qty }.emit_globally();
}
