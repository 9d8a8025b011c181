//! Typed events of every outcome, for tests that count allocations.
use ringseal::events::Policy;
use ringseal::{Engine, Pii, catalogue, domain_events, info};

domain_events! {
    #[derive(Clone, Copy)]
    event OrderFilled<'a> = "ORDER_FILLED", Info, version 1 {
        price: f64 where range(0.0..=1000.0);
        symbol: &'a str where not_blank, len(1..=16), one_of("XKUW", "XNYS");
        seq: u64;
        trader: Pii<&'a str> where len(..=64);
        desk: Option<&'a str>;
        floor: Option<u8>;
        require any(desk, floor);
    }
    #[derive(Clone, Copy)]
    event OrderRefused<'a> = "ORDER_REFUSED", Info, version 1 { reason: &'a str where hex; }
}

/// Logs four events: valid, degraded, and two of a type in a field; and rejects one.
#[allow(dead_code, reason = "only one of the tests that share this module logs them")]
pub fn log(engine: &Engine, seq: u64) {
    const { catalogue![OrderRefused] }.set_policy(Policy::Reject);
    let trader = Pii::name("Ann");
    let filled = OrderFilled {
        price: 1.5,
        symbol: "XKUW",
        seq,
        trader,
        desk: Some("equities"),
        floor: None,
    };
    assert!(filled.emit(engine).is_ok());
    let degraded =
        OrderFilled { price: f64::NAN, symbol: "a longer symbol than allowed", ..filled };
    assert!(OrderFilled { desk: None, ..degraded }.emit(engine).is_ok());
    assert!(OrderRefused { reason: "none" }.emit(engine).is_err_and(|found| found.count() == 1));
    info!(engine, "order", event_type = "ORDER_FILLED_OK", seq);
    info!(engine, "order", event_type = %"ORDER_REFUSED", seq);
}
