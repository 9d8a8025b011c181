//! The two text formats: Prometheus 0.0.4 and OpenMetrics 1.0.
//!
//! Promises: label values and help texts are escaped; a family's lines are together; numbers are written so that both
//! formats can read them. Allocates the text alone.
use std::fmt::Write as _;

use crate::family::{Exemplar, Family, Series};
use crate::rule::Kind;

/// A format of an exposition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TextFormat {
    /// Prometheus's text format, version 0.0.4.
    Prometheus,
    /// OpenMetrics 1.0, with exemplars.
    OpenMetrics,
}

impl TextFormat {
    /// The value of `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            TextFormat::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            TextFormat::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// The format that a header `Accept` prefers. OpenMetrics has to be named; everything else gets the older format.
    pub fn accepted(accept: &str) -> TextFormat {
        let (mut open, mut plain) = (0.0_f64, 0.0_f64);
        let (mut any_text, mut any) = (0.0_f64, 0.0_f64);
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default().to_ascii_lowercase();
            let (mut quality, mut is_known_version) = (1.0_f64, true);
            for part in parts {
                match part.split_once('=').map(|(key, value)| (key.trim(), value.trim())) {
                    Some(("q" | "Q", value)) => {
                        quality =
                            value.parse().ok().filter(|q| (0.0..=1.0).contains(q)).unwrap_or(0.0);
                    }
                    Some(("version", value)) => {
                        is_known_version = matches!(value.trim_matches('"'), "1.0.0" | "0.0.1");
                    }
                    _ => {}
                }
            }
            match &*media {
                "application/openmetrics-text" if is_known_version => open = open.max(quality),
                "text/plain" => plain = plain.max(quality),
                "text/*" => any_text = any_text.max(quality),
                "*/*" => any = any.max(quality),
                _ => {}
            }
        }
        let plain =
            [plain, any_text, any].into_iter().find(|quality| *quality > 0.0).unwrap_or(0.0);
        if open > 0.0 && open >= plain { TextFormat::OpenMetrics } else { TextFormat::Prometheus }
    }
}

/// Escapes a label value.
pub(crate) fn escape_label(value: &str, out: &mut String) {
    for char in value.chars() {
        match char {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            other => out.push(other),
        }
    }
}

/// An exposition that is being written.
#[derive(Debug)]
pub(crate) struct Exposition {
    pub(crate) out: String,
    pub(crate) format: TextFormat,
}

impl Exposition {
    pub(crate) fn new(format: TextFormat) -> Exposition {
        Exposition { out: String::with_capacity(16 * 1024), format }
    }

    /// The whole text.
    pub(crate) fn finish(mut self) -> String {
        if self.format == TextFormat::OpenMetrics {
            self.out.push_str("# EOF\n");
        }
        self.out
    }

    /// The head of a family. Counters have names that end in `_total`.
    pub(crate) fn head(&mut self, name: &str, help: &str, kind: Kind) {
        let name = match (self.format, kind) {
            (TextFormat::OpenMetrics, Kind::Counter) => name.strip_suffix("_total").unwrap_or(name),
            _ => name,
        };
        let mut escaped = String::with_capacity(help.len());
        for char in help.chars() {
            match char {
                '\\' => escaped.push_str("\\\\"),
                '\n' => escaped.push_str("\\n"),
                '"' if self.format == TextFormat::OpenMetrics => escaped.push_str("\\\""),
                other => escaped.push(other),
            }
        }
        let _ = writeln!(self.out, "# HELP {name} {escaped}");
        let _ = writeln!(self.out, "# TYPE {name} {}", kind.name());
    }

    /// A line with labels that are escaped already.
    pub(crate) fn sample(&mut self, (name, suffix): (&str, &str), labels: &str, value: f64) {
        self.start_sample(name, suffix, labels, None);
        self.number(value);
        self.out.push('\n');
    }

    /// A line with label values as they are. Those that are empty are left out.
    pub(crate) fn labelled(&mut self, name: &str, pairs: &[(&str, &str)], value: f64) {
        let mut labels = String::new();
        for (key, text) in pairs.iter().filter(|(_, text)| !text.is_empty()) {
            let comma = if labels.is_empty() { "" } else { "," };
            let _ = write!(labels, "{comma}{key}=\"");
            escape_label(text, &mut labels);
            labels.push('"');
        }
        self.sample((name, ""), &labels, value);
    }

    /// A family of one line without labels.
    pub(crate) fn single(&mut self, name: &str, help: &str, kind: Kind, value: f64) {
        self.head(name, help, kind);
        self.sample((name, ""), "", value);
    }

    fn start_sample(&mut self, name: &str, suffix: &str, labels: &str, bound: Option<f64>) {
        self.out.push_str(name);
        self.out.push_str(suffix);
        if !labels.is_empty() || bound.is_some() {
            self.out.push('{');
            self.out.push_str(labels);
            if let Some(bound) = bound {
                self.out.push_str(if labels.is_empty() { "le=\"" } else { ",le=\"" });
                self.bound(bound);
                self.out.push('"');
            }
            self.out.push('}');
        }
        self.out.push(' ');
    }

    /// A bound of a bucket, as OpenMetrics has them: with a point.
    fn bound(&mut self, bound: f64) {
        match bound.is_finite() {
            true => {
                let _ = write!(self.out, "{bound:?}");
            }
            false => self.number(bound),
        }
    }

    fn number(&mut self, value: f64) {
        const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
        if value.fract() == 0.0 && value.abs() < EXACT_MAX {
            self.out.push_str(itoa::Buffer::new().format(value as i64));
        } else if value.is_finite() {
            let _ = write!(self.out, "{value:?}");
        } else {
            self.out.push_str(match value {
                f64::INFINITY => "+Inf",
                f64::NEG_INFINITY => "-Inf",
                _ => "NaN",
            });
        }
    }

    /// A family of rules with all of its series.
    pub(crate) fn family(&mut self, family: &Family) {
        let mut series = family.series().peekable();
        if series.peek().is_none() {
            return;
        }
        self.head(&family.name, &family.help, family.kind);
        for one in series {
            match family.kind {
                Kind::Counter => self.counter(&family.name, one),
                Kind::Gauge => {
                    self.sample((&family.name, ""), &one.labels, one.values[0].get());
                }
                Kind::Histogram => self.histogram(family, one),
                Kind::Summary => self.summary(&family.name, &one.labels, one),
            }
        }
    }

    /// The lines of a summary without quantiles.
    pub(crate) fn summary(&mut self, name: &str, labels: &str, series: &Series) {
        self.sample((name, "_sum"), labels, series.values[1].get());
        self.sample((name, "_count"), labels, series.values[0].get());
    }

    fn counter(&mut self, name: &str, series: &Series) {
        self.start_sample(name, "", &series.labels, None);
        self.number(series.values[0].get());
        self.exemplar(series.exemplar());
        self.out.push('\n');
    }

    fn histogram(&mut self, family: &Family, series: &Series) {
        let bounds = family.buckets.iter().copied().chain([f64::INFINITY]);
        let exemplar = series.exemplar();
        let (mut sum, mut last) = (0.0, f64::NEG_INFINITY);
        for (bound, count) in bounds.zip(series.values.iter()) {
            sum += count.get();
            self.start_sample(&family.name, "_bucket", &series.labels, Some(bound));
            self.number(sum);
            self.exemplar(exemplar.filter(|it| it.value > last && it.value <= bound));
            self.out.push('\n');
            last = bound;
        }
        let total = series.values[family.buckets.len() + 1].get();
        self.sample((&family.name, "_sum"), &series.labels, total);
        self.sample((&family.name, "_count"), &series.labels, sum);
    }

    /// Only OpenMetrics has exemplars: in the older format they are a syntax error.
    fn exemplar(&mut self, exemplar: Option<Exemplar>) {
        let Some(exemplar) = exemplar.filter(|_| self.format == TextFormat::OpenMetrics) else {
            return;
        };
        self.out.push_str(" # {trace_id=\"");
        for byte in exemplar.trace_id {
            let _ = write!(self.out, "{byte:02x}");
        }
        self.out.push_str("\"} ");
        self.number(exemplar.value);
        let seconds = exemplar.unix_nanos as f64 / 1e9;
        let _ = write!(self.out, " {seconds:.3}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accepted_format_is_negotiated() {
        use TextFormat::{OpenMetrics, Prometheus};
        let prometheus = "application/openmetrics-text;version=1.0.0,\
                          application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        for (accept, format) in [
            ("", Prometheus),
            ("*/*", Prometheus),
            (prometheus, OpenMetrics),
            ("application/openmetrics-text", OpenMetrics),
            ("Application/OpenMetrics-Text; Q=0.4", OpenMetrics),
            ("application/openmetrics-text;q=0.5, text/plain", Prometheus),
            ("application/openmetrics-text;q=0.5, text/plain;q=0.5", OpenMetrics),
            ("application/openmetrics-text;q=0", Prometheus),
            ("application/openmetrics-text;q=2", Prometheus),
            ("application/openmetrics-text; version=2.0.0", Prometheus),
            ("application/openmetrics-text;q=0.2, text/*;q=0.3", Prometheus),
            ("application/json", Prometheus),
        ] {
            assert_eq!(TextFormat::accepted(accept), format, "{accept}");
        }
    }

    #[test]
    fn numbers_can_be_read() {
        for (number, text) in [
            (0.0, "0"),
            (-3.0, "-3"),
            (0.25, "0.25"),
            (1e300, "1e300"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ] {
            let mut text_of = Exposition::new(TextFormat::Prometheus);
            text_of.number(number);
            assert_eq!(text_of.out, text);
        }
    }
}
