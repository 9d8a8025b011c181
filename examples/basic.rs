//! The shortest complete program: JSON lines on standard output, or another format set by variables such as
//! `LOG_FORMAT=console`.
use ringseal::{Config, error, fields, info, warn};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The engine is also the guard: dropping it writes the remaining events and stops.
    let engine = ringseal::init(Config::from_env()?)?;

    info!("payment_processed", amount = 100, currency = "KWD", user.id = 42);
    let (peer, state) = (std::net::Ipv4Addr::LOCALHOST, Some(3));
    warn!("rate_limit_near", current = 45, limit = 50, peer = %peer, state = ?state);
    if let Err(err) = "x".parse::<u16>() {
        error!("upload_failed", error = &err, retry = 3);
    }
    // Bound fields are in each event of the logger.
    let log = engine.logger().bind(fields! { trace_id = "4bf92f", http.request.method = "POST" });
    info!(log, "request_started");
    Ok(())
}
