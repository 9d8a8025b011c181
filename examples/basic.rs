//! The shortest whole program: events to a rotating file and, for people, to stderr.
use ringseal::{Color, Config, Format, Level, Output, error, fields, info, warn};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::temp_dir().join("ringseal-example");
    let config = Config::from_env()?.color(Color::Auto).file(dir.join("app.log"));
    let engine =
        ringseal::init(config.output(Output::stderr().format(Format::Console).level(Level::Info)))?;

    info!("payment_processed", amount = 100, currency = "KWD", user.id = 42);
    let (peer, state) = (std::net::Ipv4Addr::LOCALHOST, Some(3));
    warn!("rate_limit_near", current = 45, limit = 50, peer = %peer, state = ?state);
    if let Err(err) = "x".parse::<u16>() {
        error!("upload_failed", error = &err, retry = 3);
    }
    let log = engine.logger().bind(fields! { trace_id = "4bf92f", http.request.method = "POST" });
    info!(log, "request_started");

    engine.sync()?;
    println!("written to {}", dir.join("app.log").display());
    Ok(())
}
