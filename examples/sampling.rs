//! Sampling: keep a share of frequent events, and limit how often one call site logs.
use std::time::Duration;

use ringseal::{Config, Sampling, error, info};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // At most two events of one call site in ten seconds. Warn and above are never sampled.
    let sampling = Sampling::new().limit(2, Duration::from_secs(10))?;
    let engine = ringseal::init(Config::new().stdout().sampling(sampling))?;
    for attempt in 0..1000 {
        info!("request_served", attempt);
    }
    error!("request_failed", status = 500);
    // When the engine stops, it reports the events that the limit suppressed.
    drop(engine);
    Ok(())
}
