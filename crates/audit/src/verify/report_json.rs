//! The report of a verification as JSON.
use std::fmt::Write;

use super::report::{Finding, Place, PrunedRange, VerifyReport, Warning};
use ringseal_base::digest::text::{Base64, base64};

impl VerifyReport {
    /// The report as one JSON object, without a newline.
    pub fn to_json(&self) -> String {
        let mut json = Json::begin();
        json.text("outcome", self.outcome.as_str());
        json.text("origin", &self.origin);
        match &self.first_bad {
            Some(finding) => json.raw("first_bad", &finding_json(finding)),
            None => json.raw("first_bad", "null"),
        }
        json.list("more_bad", self.more_bad.iter().map(finding_json));
        json.number("more_bad_left_out", self.more_bad_left_out);
        json.maybe_text("problem", self.problem.as_deref());
        json.list("warnings", self.warnings.iter().map(warning_json));
        json.number("warnings_left_out", self.warnings_left_out);
        json.number("entries", self.entries);
        json.number("entries_pruned", self.entries_pruned);
        json.number("entries_unsealed", self.entries_unsealed);
        json.number("entries_unproven", self.entries_unproven);
        match &self.pruned {
            Some(pruned) => json.raw("pruned", &pruned_json(pruned)),
            None => json.raw("pruned", "null"),
        }
        json.number("format", self.format);
        json.raw("state_in_log", if self.state_in_log { "true" } else { "false" });
        json.number("bytes", self.bytes);
        json.number("segments", self.segments);
        json.number("checkpoints", self.checkpoints);
        json.number("known_checkpoints", self.known_checkpoints);
        json.number("epochs", self.epochs);
        json.raw("chain_checked", if self.chain_checked { "true" } else { "false" });
        json.number("tree_size", self.tree_size);
        json.text("tree_root", &base64(Base64::Standard, &self.tree_root));
        json.list(
            "notes",
            self.notes.iter().map(|note| {
                let mut text = String::new();
                put_string(&mut text, note);
                text
            }),
        );
        json.number("notes_left_out", self.notes_left_out);
        json.end()
    }
}

fn finding_json(finding: &Finding) -> String {
    record_json(finding.kind.as_str(), &finding.place, &finding.detail)
}

fn warning_json(warning: &Warning) -> String {
    record_json(warning.kind.as_str(), &warning.place, &warning.detail)
}

fn record_json(kind: &str, place: &Place, detail: &str) -> String {
    let mut json = Json::begin();
    json.text("kind", kind);
    json.text("file", &place.file);
    json.maybe_number("line", place.line);
    json.maybe_number("offset", place.offset);
    json.maybe_number("seq", place.seq);
    json.text("detail", detail);
    json.end()
}

fn pruned_json(pruned: &PrunedRange) -> String {
    let mut json = Json::begin();
    json.number("before_seq", pruned.before_seq);
    json.text("root", &base64(Base64::Standard, &pruned.root));
    json.number("prune_entries", pruned.prune_entries);
    json.end()
}

/// Writes one JSON object.
struct Json {
    out: String,
}

impl Json {
    fn begin() -> Json {
        Json { out: "{".into() }
    }

    fn raw(&mut self, key: &str, value: &str) {
        if self.out.len() > 1 {
            self.out.push(',');
        }
        put_string(&mut self.out, key);
        self.out.push(':');
        self.out.push_str(value);
    }

    fn text(&mut self, key: &str, value: &str) {
        let mut text = String::new();
        put_string(&mut text, value);
        self.raw(key, &text);
    }

    /// A list of values that are JSON already.
    fn list(&mut self, key: &str, values: impl Iterator<Item = String>) {
        let values: Vec<String> = values.collect();
        self.raw(key, &format!("[{}]", values.join(",")));
    }

    fn maybe_text(&mut self, key: &str, value: Option<&str>) {
        match value {
            Some(value) => self.text(key, value),
            None => self.raw(key, "null"),
        }
    }

    fn number(&mut self, key: &str, value: u64) {
        self.raw(key, itoa::Buffer::new().format(value));
    }

    fn maybe_number(&mut self, key: &str, value: Option<u64>) {
        match value {
            Some(value) => self.number(key, value),
            None => self.raw(key, "null"),
        }
    }

    fn end(mut self) -> String {
        self.out.push('}');
        self.out
    }
}

fn put_string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c < ' ' || c == '\u{7f}' => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
