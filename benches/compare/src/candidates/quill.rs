//! quill (C++): `cpp/quill.cpp` measures it in a separate program, with the loops of `measure` in C++; this file starts
//! that program and reads what it wrote. The head of `cpp/quill.cpp` gives the configuration and its reasons.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::candidate::{Format, Output};
use crate::child::Mode;
use crate::event::Feed;
use crate::measure::{self, Amounts, Latency, Logged, Measured, Throughput};
use crate::{peer, sys};

/// One of quill's sinks.
pub trait Sink {
    /// The name on the command line and in the tables.
    const NAME: &'static str;
    /// The format of its output, and the driver's word for it.
    const FORMAT: Format;
}

/// `JsonFileSink`: each field is a member; it quotes numbers.
pub struct Json;

impl Sink for Json {
    const NAME: &'static str = "quill_json";
    const FORMAT: Format = Format::Json;
}

/// `FileSink` with its default pattern.
pub struct Text;

impl Sink for Text {
    const NAME: &'static str = "quill_text";
    const FORMAT: Format = Format::Text;
}

/// The caller's side, as `measure::latency`.
pub fn latency<S: Sink>(dir: &Path, amounts: Amounts, tsc_hz: f64) -> Measured<Latency> {
    let Amounts { batches, singles, colds, .. } = amounts;
    let settings = [
        format!("tsc_hz={tsc_hz}"),
        format!("batches={batches}"),
        format!("singles={singles}"),
        format!("colds={colds}"),
    ];
    let driven = Driven::<S>::run(dir, Mode::Latency, &settings)?;
    let times = Latency {
        batches: ticks(&dir.join("batches"))?,
        singles: ticks(&dir.join("singles"))?,
        colds: ticks(&dir.join("colds"))?,
    };
    Ok((times, driven.logged(dir)?))
}

/// End to end, as `measure::throughput`.
pub fn throughput<S: Sink>(dir: &Path, amounts: Amounts) -> Measured<Throughput> {
    measure::warm_page_cache(dir, amounts.events)?;
    let settings = [format!("events={}", amounts.events)];
    let driven = Driven::<S>::run(dir, Mode::Throughput, &settings)?;
    let seconds = |key| driven.number(key);
    let flow = Throughput {
        wall: Duration::from_secs_f64(seconds("wall_s")?),
        calls: Duration::from_secs_f64(seconds("calls_s")?),
        cpu: sys::Cpu { user_s: seconds("user_s")?, system_s: seconds("system_s")? },
    };
    Ok((flow, driven.logged(dir)?))
}

/// The numbers that the driver printed.
struct Driven<S> {
    numbers: BTreeMap<String, f64>,
    sink: PhantomData<S>,
}

impl<S: Sink> Driven<S> {
    fn run(dir: &Path, mode: Mode, settings: &[String]) -> Result<Self, String> {
        let table = dir.join("events.tsv");
        std::fs::write(&table, Feed::new().table())
            .map_err(|e| format!("{}: {e}", table.display()))?;
        let output = Command::new(peer::driver()?)
            .args([mode.word(), S::FORMAT.word()])
            .arg(dir)
            .args(settings)
            .stderr(Stdio::inherit())
            .output()
            .map_err(|e| {
                format!("the driver of quill cannot be started (run with --quill DIR): {e}")
            })?;
        if !output.status.success() {
            return Err(format!("the driver of quill ended with {}", output.status));
        }
        let numbers = numbers(&String::from_utf8_lossy(&output.stdout));
        Ok(Self { numbers, sink: PhantomData })
    }

    fn number(&self, key: &str) -> Result<f64, String> {
        let number = self.numbers.get(key).copied();
        number.ok_or_else(|| format!("the driver of quill printed no {key}=NUMBER"))
    }

    fn logged(&self, dir: &Path) -> Result<Logged, String> {
        let output = Output { files: vec![dir.join("quill.log")], format: S::FORMAT };
        let (events, bytes) = (self.number("logged")? as u64, self.number("bytes")? as u64);
        Ok(Logged { output, events, bytes })
    }
}

/// The lines `KEY=NUMBER` among what the driver printed.
fn numbers(text: &str) -> BTreeMap<String, f64> {
    let pair = |line: &str| {
        let (key, number) = line.split_once('=')?;
        Some((key.to_owned(), number.parse().ok()?))
    };
    text.lines().filter_map(pair).collect()
}

/// The 64-bit numbers of a file.
fn ticks(path: &Path) -> Result<Vec<u64>, String> {
    let bytes = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let (words, rest) = bytes.as_chunks::<8>();
    if !rest.is_empty() {
        return Err(format!(
            "{}: expected whole 64-bit numbers, found {} bytes",
            path.display(),
            bytes.len()
        ));
    }
    Ok(words.iter().map(|word| u64::from_le_bytes(*word)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_with_numbers_are_read() {
        let found = numbers("Quill INFO: started\nlogged=20000\nwall_s=0.25\nname=quill\n");
        let wanted = [("logged".to_owned(), 20_000.0), ("wall_s".to_owned(), 0.25)];
        assert_eq!(found, BTreeMap::from(wanted));
    }

    #[test]
    fn the_drivers_table_has_every_row() {
        let (feed, table) = (Feed::new(), Feed::new().table());
        for (seq, line) in table.lines().enumerate() {
            let row = feed.at(seq as u64);
            let expected = format!("{}\t{}\t{}", row.price.to_bits(), row.qty, row.sym);
            assert_eq!(line, expected);
        }
        assert!(table.lines().count().is_power_of_two());
    }
}
