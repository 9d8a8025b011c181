//! A sink implemented by the application: it counts lines and prints each to standard output.
use ringseal::sink::{Lines, Now, Sink, SinkError, WriteError};
use ringseal::{Config, Output, info, warn};

/// Prints numbered lines.
#[derive(Default)]
struct NumberedLines {
    printed: u64,
}

impl Sink for NumberedLines {
    fn name(&self) -> &str {
        "numbered"
    }

    fn write(&mut self, lines: Lines<'_>, _now: Now) -> Result<(), WriteError> {
        // Lines are whole and end in a newline. An error would report how many lines were written before it.
        for line in String::from_utf8_lossy(lines.bytes()).lines() {
            self.printed += 1;
            println!("{}: {line}", self.printed);
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = ringseal::init(Config::new().output(Output::custom(NumberedLines::default())))?;
    info!("order_placed", order = 17, amount = 99.5);
    warn!("stock_low", item = "tea", left = 3);
    engine.flush()?;
    Ok(())
}
