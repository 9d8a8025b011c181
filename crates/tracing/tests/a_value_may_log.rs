//! A value that logs while it is shown. The subscriber is that of the process: inside of one that is set for a
//! thread, `tracing` itself drops such events.
use std::fmt;

use ringseal::testing::Capture;

/// Logs while it is shown.
struct Logs;

impl fmt::Debug for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _inside = tracing::info_span!("formatting").entered();
        tracing::info!("inner");
        f.write_str("outer")
    }
}

#[test]
fn a_value_may_log_and_enter_spans() {
    let (engine, capture) = Capture::start();
    ringseal_tracing::init(engine.logger()).unwrap();
    {
        let _request = tracing::info_span!("request", id = 7).entered();
        tracing::info!(value = ?Logs, "has a value");
        tracing::info!("after");
    }
    assert_eq!(capture.event("has a value").text("value"), "outer");
    assert_eq!(
        (capture.event("inner")["id"].as_i64(), capture.event("after")["id"].as_i64()),
        (Some(7), Some(7))
    );
}
