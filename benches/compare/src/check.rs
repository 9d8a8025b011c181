//! Reads a candidate's output and checks that every event occurs once, with its values.
//!
//! Every line is checked: it must parse as JSON if that is the declared format, have a `seq` that was logged and not
//! seen before, and the symbol of that event. All fields of the first and the last event are compared. Other lines
//! (banners, notices) are allowed and counted.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use memchr::memmem::Finder;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::candidate::Format;
use crate::event::Feed;
use crate::measure::Logged;

/// The result of the check.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// Different events found.
    pub arrived: u64,
    /// Events logged and not found.
    pub lost: u64,
    /// Lines whose event was already found.
    pub twice: u64,
    /// Lines that should be JSON and are not, or whose symbol differs from the logged one.
    pub wrong: u64,
    /// Lines without a `seq`.
    pub other: u64,
    /// The first problem, as text; empty if there are none.
    pub complaint: String,
}

impl Verdict {
    /// Whether the measurement is valid.
    pub fn is_good(&self) -> bool {
        self.lost == 0 && self.twice == 0 && self.wrong == 0 && self.complaint.is_empty()
    }

    fn complain(&mut self, text: impl FnOnce() -> String) {
        if self.complaint.is_empty() {
            self.complaint = text();
        }
    }
}

/// Checks the whole output.
pub fn check(logged: &Logged) -> Result<Verdict, String> {
    if logged.output.format == Format::Nothing {
        return Ok(Verdict { arrived: logged.events, ..Verdict::default() });
    }
    let mut reader = Checker::new(logged.events, logged.output.format);
    for file in &logged.output.files {
        reader.file(file)?;
    }
    Ok(reader.verdict())
}

struct Checker {
    format: Format,
    feed: Feed,
    seen: Vec<bool>,
    ends: BTreeMap<u64, Vec<u8>>,
    key: Finder<'static>,
    verdict: Verdict,
}

impl Checker {
    fn new(events: u64, format: Format) -> Self {
        let key: &[u8] = if format == Format::Json { b"\"seq\":" } else { b"seq=" };
        Self {
            format,
            feed: Feed::new(),
            seen: vec![false; events as usize],
            ends: BTreeMap::new(),
            key: Finder::new(key),
            verdict: Verdict::default(),
        }
    }

    fn file(&mut self, path: &Path) -> Result<(), String> {
        let describe = |e: std::io::Error| format!("{}: {e}", path.display());
        let mut reader = BufReader::with_capacity(1 << 20, File::open(path).map_err(describe)?);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).map_err(describe)? > 0 {
            match line.strip_suffix(b"\n") {
                Some(whole) => self.line(whole),
                None => self.verdict.complain(|| "the last line has no end".to_owned()),
            }
            line.clear();
        }
        Ok(())
    }

    fn line(&mut self, line: &[u8]) {
        if self.format == Format::Json && serde_json::from_slice::<IgnoredAny>(line).is_err() {
            self.wrong(line, "not JSON");
            return;
        }
        let Some(seq) = self.seq(line) else {
            self.verdict.other += 1;
            return;
        };
        let last = self.seen.len() as u64 - 1;
        match self.seen.get_mut(seq as usize) {
            None => return self.wrong(line, "a seq that was never logged"),
            Some(seen) if *seen => return self.verdict.twice += 1,
            Some(seen) => *seen = true,
        }
        if memchr::memmem::find(line, self.feed.at(seq).sym.as_bytes()).is_none() {
            self.wrong(line, "another symbol than was logged");
        }
        self.verdict.arrived += 1;
        if seq == 0 || seq == last {
            self.ends.insert(seq, line.to_vec());
        }
    }

    fn seq(&self, line: &[u8]) -> Option<u64> {
        let after = self.key.find(line)? + self.key.needle().len();
        let digits = line[after..].iter().skip_while(|b| matches!(b, b' ' | b'"'));
        let digits: Vec<u8> = digits.take_while(|b| b.is_ascii_digit()).copied().collect();
        std::str::from_utf8(&digits).ok()?.parse().ok()
    }

    fn wrong(&mut self, line: &[u8], why: &str) {
        self.verdict.wrong += 1;
        self.verdict.complain(|| format!("{why}: {}", String::from_utf8_lossy(line)));
    }

    fn verdict(mut self) -> Verdict {
        self.verdict.lost = self.seen.iter().filter(|seen| !**seen).count() as u64;
        for (seq, line) in std::mem::take(&mut self.ends) {
            if let Some(missing) = self.missing_field(seq, &line) {
                let line = String::from_utf8_lossy(&line).into_owned();
                self.verdict.complain(|| format!("{missing} is not in: {line}"));
            }
        }
        self.verdict
    }

    /// The first field of the event that is missing from `line` or has another value.
    fn missing_field(&self, seq: u64, line: &[u8]) -> Option<String> {
        let event = self.feed.at(seq);
        let wanted = [
            ("seq", event.seq.to_string()),
            ("price", event.price.to_string()),
            ("sym", event.sym.to_owned()),
            ("qty", event.qty.to_string()),
        ];
        let text = String::from_utf8_lossy(line).into_owned();
        let has = |key: &str, value: &str| match self.format {
            Format::Json => serde_json::from_slice::<Value>(line)
                .ok()
                .and_then(|value| member(&value, key))
                .is_some_and(|found| found == value),
            _ => text.contains(&format!("{key}={value}")),
        };
        wanted.into_iter().find(|(key, value)| !has(key, value)).map(|(k, v)| format!("{k}={v}"))
    }
}

/// The member `key` at any depth, as text.
fn member(value: &Value, key: &str) -> Option<String> {
    let object = value.as_object()?;
    match object.get(key) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) if number.is_f64() => number.as_f64().map(|n| n.to_string()),
        Some(other) => Some(other.to_string()),
        None => object.values().find_map(|inner| member(inner, key)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(lines: &[String], events: u64) -> Verdict {
        let mut checker = Checker::new(events, Format::Json);
        lines.iter().for_each(|line| checker.line(line.as_bytes()));
        checker.verdict()
    }

    fn line(seq: u64) -> String {
        let event = Feed::new().at(seq);
        serde_json::json!({"fields": {
            "seq": seq, "price": event.price, "sym": event.sym, "qty": event.qty,
        }})
        .to_string()
    }

    #[test]
    fn a_whole_output_is_good() {
        let lines: Vec<_> = (0..300).map(line).chain(["{\"banner\":1}".to_owned()]).collect();
        let verdict = verdict(&lines, 300);
        assert!(verdict.is_good(), "{verdict:?}");
        assert_eq!((verdict.arrived, verdict.other), (300, 1));
    }

    #[test]
    fn losses_repeats_and_garbage_are_counted() {
        let lines = [line(0), line(2), line(2), "garbage".to_owned(), line(99)];
        let verdict = verdict(&lines, 4);
        let counts = (verdict.arrived, verdict.lost, verdict.twice, verdict.wrong);
        assert_eq!(counts, (2, 2, 1, 2));
        assert!(verdict.complaint.contains("garbage"));
    }

    #[test]
    fn a_changed_value_is_detected() {
        let swapped = line(1).replace("\"seq\":1", "\"seq\":0");
        assert_eq!(verdict(&[swapped], 1).wrong, 1);
        let event = Feed::new().at(0);
        let cheaper = line(0).replace(&event.price.to_string(), "1.5");
        assert!(verdict(&[cheaper], 1).complaint.starts_with("price="));
    }
}
