//! Redacts labelled examples, so that they can be scored: JSON lines with `id` and `text` in, JSON lines
//! with `id` and `redacted` out.
//!
//! `cargo run --release --example redact_dev -- LABELS.jsonl PREDICTIONS.jsonl [PRESET]`
//! With `--lines FILE`, reads plain lines instead and prints those that change.

use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::sync::Arc;

use ringseal::redact::{KeyClass, Preset, RedactOutcome, Redactor, RuleSet, Rules};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--lines", file] => plain(file),
        [labels, predictions] => labelled(labels, predictions, "default"),
        [labels, predictions, preset] => labelled(labels, predictions, preset),
        _ => Err("expected LABELS PREDICTIONS [PRESET], or --lines FILE".into()),
    }
}

fn redactor(preset: &str) -> Result<Redactor, Box<dyn Error>> {
    let preset = Preset::from_name(preset).ok_or("no such preset")?;
    let mut set = RuleSet::default();
    set.presets.push(preset);
    Ok(Redactor::new(Arc::new(Rules::compile(&set)?)))
}

fn labelled(labels: &str, predictions: &str, preset: &str) -> Result<(), Box<dyn Error>> {
    let mut redactor = redactor(preset)?;
    let mut to = BufWriter::new(File::create(predictions)?);
    for line in BufReader::new(File::open(labels)?).lines() {
        let record: serde_json::Value = serde_json::from_str(&line?)?;
        let text = record["text"].as_str().ok_or("expected a record with `text`")?;
        let mut out = Vec::new();
        if redactor.value(KeyClass::Plain, text.as_bytes(), false, &mut out) == RedactOutcome::Clean
        {
            out.extend_from_slice(text.as_bytes());
        }
        let redacted = String::from_utf8(out)?;
        writeln!(to, "{}", serde_json::json!({ "id": record["id"], "redacted": redacted }))?;
    }
    let mut counts: Vec<_> =
        redactor.counts().iter().enumerate().filter(|(_, n)| **n > 0).collect();
    counts.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
    for (rule, n) in counts.iter().take(30) {
        println!("{n:7} {}", redactor.rules().rule_name(*rule).unwrap_or("?"));
    }
    Ok(())
}

fn plain(file: &str) -> Result<(), Box<dyn Error>> {
    let mut redactor = redactor("default")?;
    let (mut lines, mut changed) = (0u64, 0u64);
    for line in BufReader::new(File::open(file)?).split(b'\n') {
        let line = line?;
        let mut out = Vec::new();
        lines += 1;
        if redactor.value(KeyClass::Plain, &line, false, &mut out) == RedactOutcome::Replaced {
            changed += 1;
            println!("- {}\n+ {}", String::from_utf8_lossy(&line), String::from_utf8_lossy(&out));
        }
    }
    eprintln!("{changed} of {lines} lines changed");
    Ok(())
}
