//! Several outputs: everything as JSON in a file, warnings in the console format on standard output, and one module's
//! events in a file of its own.
use ringseal::{Color, Config, Format, Level, Output, info, warn};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::temp_dir().join(format!("ringseal-outputs-{}", std::process::id()));
    let config = Config::new()
        .color(Color::Never)
        .output(Output::file(dir.join("app.log")))
        .output(Output::stdout().format(Format::Console).level(Level::Warn))
        .output(Output::file(dir.join("payments.log")).filter("off,shop::payments=info".parse()?));
    let engine = ringseal::init(config)?;

    info!("service_started", port = 8080);
    info!(target: "shop::payments", "payment_processed", amount = 100, currency = "KWD");
    warn!(target: "shop::stock", "stock_low", item = "tea", left = 3);

    drop(engine); // drains and stops
    for name in ["app.log", "payments.log"] {
        println!("-- {name}\n{}", std::fs::read_to_string(dir.join(name))?);
    }
    std::fs::remove_dir_all(dir)?;
    Ok(())
}
