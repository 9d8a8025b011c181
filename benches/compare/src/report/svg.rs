//! The drawings, as SVG written by hand: the same results give the same bytes.
//!
//! They have a background, light or dark by the reader's setting, so that they are readable on any page.

use super::data::{self, Data, Order, Row};
use super::tables::short;
use crate::candidate::Kind;
use crate::candidates::ringseal::Tuning;
use crate::stats::Rounds;
use crate::sweep;

const WIDTH: f64 = 920.0;
const LEFT: f64 = 170.0;
const RIGHT: f64 = 110.0;
const TOP: f64 = 72.0;
const ROW: f64 = 24.0;
const BOTTOM: f64 = 46.0;

const STYLE: &str = "\
text{font:13px system-ui,-apple-system,'Segoe UI',sans-serif;fill:#1f2328}\
.title{font-size:16px;font-weight:600}.note,.tick{fill:#59636e;font-size:12px}\
.bg{fill:#fff}.grid{stroke:#d1d9e0;stroke-width:1}\
.floor{fill:#818b98;stroke:#818b98}.rival{fill:#0969da;stroke:#0969da}\
.own{fill:#bc4c00;stroke:#bc4c00}\
.loser{fill:#cf222e;stroke:#cf222e}\
@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.note,.tick{fill:#9198a1}.bg{fill:#0d1117}\
.grid{stroke:#3d444d}.floor{fill:#9198a1;stroke:#9198a1}.rival{fill:#4493f8;stroke:#4493f8}\
.own{fill:#f0883e;stroke:#f0883e}\
.loser{fill:#f85149;stroke:#f85149}}";

/// An axis from left to right.
struct Axis {
    low: f64,
    high: f64,
    scale: Scale,
    ticks: Vec<f64>,
}

#[derive(Clone, Copy, PartialEq)]
enum Scale {
    Linear,
    Logarithmic,
}

impl Axis {
    /// Logarithmic; both ends are of 1, 3, 10, 30 …, around the values.
    fn logarithmic(values: impl IntoIterator<Item = f64>) -> Self {
        let steps = || (-4..9).flat_map(|power| [1.0, 3.0].map(|step| step * 10f64.powi(power)));
        let values: Vec<f64> = values.into_iter().filter(|v| *v > 0.0 && v.is_finite()).collect();
        let least = values.iter().copied().reduce(f64::min).unwrap_or(1.0);
        let most = values.iter().copied().reduce(f64::max).unwrap_or(1.0);
        let low = steps().rfind(|step| *step <= least).unwrap_or(least);
        let high = steps().find(|step| *step >= most * 1.05).unwrap_or(most).max(low * 3.0);
        let ticks = steps().filter(|s| (low * 0.999..=high * 1.001).contains(s)).collect();
        Self { low, high, scale: Scale::Logarithmic, ticks }
    }

    /// Linear from zero, with at most eight steps of 1, 2 or 5 times a power of ten.
    fn linear(values: impl IntoIterator<Item = f64>) -> Self {
        let most = values.into_iter().filter(|v| v.is_finite()).fold(1e-3, f64::max);
        let steps = || (-4..9).flat_map(|power| [1.0, 2.0, 5.0].map(|s| s * 10f64.powi(power)));
        let step = steps().find(|step| most / step <= 8.0).unwrap_or(most);
        let count = (most / step).ceil() as u32;
        let ticks = (0..=count).map(|at| f64::from(at) * step).collect();
        Self { low: 0.0, high: f64::from(count) * step, scale: Scale::Linear, ticks }
    }

    fn x(&self, value: f64) -> f64 {
        let share = match self.scale {
            Scale::Linear => value / self.high,
            Scale::Logarithmic => (value / self.low).ln() / (self.high / self.low).ln(),
        };
        LEFT + share.clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }
}

/// A drawing under construction.
struct Svg {
    body: String,
    height: f64,
}

impl Svg {
    fn new(title: &str, note: &str, rows: usize) -> Self {
        let height = TOP + rows as f64 * ROW + BOTTOM;
        let body = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
             width=\"{WIDTH}\" height=\"{height}\" role=\"img\">\n<title>{t}</title>\n\
             <style>{STYLE}</style>\n<rect class=\"bg\" width=\"{WIDTH}\" height=\"{height}\" \
             rx=\"6\"/>\n<text class=\"title\" x=\"16\" y=\"28\">{t}</text>\n\
             <text class=\"note\" x=\"16\" y=\"48\">{n}</text>\n",
            t = escaped(title),
            n = escaped(note),
        );
        Self { body, height }
    }

    fn axis(&mut self, axis: &Axis, unit: &str) {
        let (top, bottom) = (TOP - 8.0, self.height - BOTTOM + 4.0);
        for &tick in &axis.ticks {
            let x = axis.x(tick);
            self.body.push_str(&format!(
                "<line class=\"grid\" x1=\"{x:.1}\" y1=\"{top}\" x2=\"{x:.1}\" y2=\"{bottom}\"/>\n"
            ));
            self.text("tick", x, bottom + 16.0, "middle", &tick_label(tick));
        }
        self.text("note", WIDTH - 16.0, bottom + 34.0, "end", unit);
    }

    fn text(&mut self, class: &str, x: f64, y: f64, anchor: &str, text: &str) {
        self.body.push_str(&format!(
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>\n",
            escaped(text)
        ));
    }

    fn bar(&mut self, class: &str, from: f64, to: f64, middle: f64, thick: f64, opacity: f64) {
        self.body.push_str(&format!(
            "<rect class=\"{class}\" stroke=\"none\" style=\"stroke:none\" x=\"{from:.1}\" \
             y=\"{:.1}\" width=\"{:.1}\" height=\"{thick}\" rx=\"2\" opacity=\"{opacity}\"/>\n",
            middle - thick / 2.0,
            (to - from).max(1.0),
        ));
    }

    fn mark(&mut self, class: &str, x: f64, middle: f64, half: f64) {
        self.body.push_str(&format!(
            "<line class=\"{class}\" stroke-width=\"2\" x1=\"{x:.1}\" y1=\"{:.1}\" x2=\"{x:.1}\" \
             y2=\"{:.1}\"/>\n",
            middle - half,
            middle + half,
        ));
    }

    fn dot(&mut self, class: &str, x: f64, middle: f64) {
        self.body.push_str(&format!(
            "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{middle:.1}\" r=\"4.5\"/>\n"
        ));
    }

    fn done(mut self) -> String {
        self.body.push_str("</svg>\n");
        self.body
    }
}

fn tick_label(value: f64) -> String {
    if value < 1.0 {
        format!("{}", (value * 1e4).round() / 1e4)
    } else {
        short(value).replace(".0", "")
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn class(row: &Row<'_>) -> &'static str {
    match row.kind {
        _ if row.problem.is_some() => "loser",
        Kind::Variant => Kind::Own.word(),
        kind => kind.word(),
    }
}

fn middle(at: usize) -> f64 {
    TOP + (at as f64 + 0.5) * ROW
}

/// A line of the latency drawing: p50, p90, p99 and p99.9.
struct Spread {
    name: String,
    class: &'static str,
    points: [f64; 4],
}

/// Producer latency: a dot at p50, a bar to p99.9, marks at p90 and p99.
pub fn latency(data: &Data) -> String {
    const KEYS: [&str; 4] = ["p50", "p90", "p99", "p999"];
    let spreads: Vec<Spread> = data
        .ranked("latency", &["batch", "p50"], Order::LowestFirst)
        .iter()
        .filter_map(|row| {
            let point = |key| data::rounds(row.series, &["batch", key]).map(|r| r.median);
            let [p50, p90, p99, p999] = KEYS.map(point);
            let points = [p50?, p90?, p99?, p999?];
            Some(Spread { name: row.name.to_owned(), class: class(row), points })
        })
        .collect();
    let title = "Producer latency per call, batches of 20";
    let note = "Dot p50, marks p90 and p99, bar to p99.9; medians over the rounds. Grey: floors. \
                Red: lost events.";
    let mut svg = Svg::new(title, note, spreads.len());
    let axis = Axis::logarithmic(spreads.iter().flat_map(|spread| spread.points));
    svg.axis(&axis, "nanoseconds, logarithmic");
    for (at, spread) in spreads.iter().enumerate() {
        let [p50, p90, p99, p999] = spread.points.map(|point| axis.x(point));
        let y = middle(at);
        svg.text("", LEFT - 12.0, y + 4.5, "end", &spread.name);
        svg.bar(spread.class, p50, p999, y, 6.0, 0.35);
        svg.mark(spread.class, p90, y, 5.0);
        svg.mark(spread.class, p99, y, 7.0);
        svg.dot(spread.class, p50, y);
        let [low, .., high] = spread.points;
        svg.text(
            "tick",
            p999 + 10.0,
            y + 4.0,
            "start",
            &format!("{} – {}", short(low), short(high)),
        );
    }
    svg.done()
}

/// A line of a drawing of events per second.
struct Bar {
    name: String,
    class: &'static str,
    millions: Rounds,
}

/// Events per second: a bar from the left, with a line over the range of the rounds at its end.
pub fn throughput(data: &Data) -> String {
    let rows = data.ranked("throughput", &["events_per_s"], Order::HighestFirst);
    let bars = rows.iter().filter_map(|row| {
        let format = row.series.values().find_map(|record| record["format"].as_str());
        Some(Bar {
            name: format!("{} ({})", row.name, format.unwrap_or("?")),
            class: class(row),
            millions: data::rounds(row.series, &["events_per_s"])?.times(1e-6),
        })
    });
    let note = "Bar: median; line: range over the rounds. Grey: floors. Red: lost events.";
    draw_bars("Throughput end to end, one producer", note, &bars.collect::<Vec<_>>())
}

/// Events per second by the capacity of the ring, then by the size of a batch.
pub fn capacity(data: &Data) -> String {
    let bar = |label: String, class: &'static str, name: &str| {
        let series = data.series(name, sweep::point::What::Throughput.word())?;
        let class = if data::problem(series).is_some() { "loser" } else { class };
        let millions = data::rounds(series, &["events_per_s"])?.times(1e-6);
        Some(Bar { name: label, class, millions })
    };
    let own = |label: &str, bytes: usize, tuning: Tuning| {
        bar(format!("{label} {}", sweep::bytes_word(bytes)), "own", &sweep::name(tuning, 1))
    };
    let mut bars = vec![bar(format!("floor {}", sweep::FLOOR), "floor", sweep::FLOOR)];
    for ring_bytes in sweep::RING_BYTES {
        bars.push(own("ring", ring_bytes, Tuning { ring_bytes, ..sweep::DEFAULT }));
    }
    for batch_bytes in sweep::BATCH_BYTES {
        bars.push(own("batch", batch_bytes, Tuning { batch_bytes, ..sweep::DEFAULT }));
    }
    let note = format!(
        "The other size stays at its default, {}. Bar: median; line: range over the rounds. Grey: \
         floor.",
        sweep::bytes_word(sweep::DEFAULT.ring_bytes)
    );
    let title = "Throughput against ring capacity and batch size, one producer";
    draw_bars(title, &note, &bars.into_iter().flatten().collect::<Vec<_>>())
}

fn draw_bars(title: &str, note: &str, bars: &[Bar]) -> String {
    let mut svg = Svg::new(title, note, bars.len());
    let axis = Axis::linear(bars.iter().flat_map(|bar| [bar.millions.low, bar.millions.high]));
    svg.axis(&axis, "million events a second");
    for (at, bar) in bars.iter().enumerate() {
        let (y, class) = (middle(at), bar.class);
        let Rounds { low, median, high } = bar.millions;
        let label = format!("{median:.2}");
        let [low, median, high] = [low, median, high].map(|millions| axis.x(millions));
        svg.text("", LEFT - 12.0, y + 4.5, "end", &bar.name);
        svg.bar(class, LEFT, median, y, 13.0, 0.75);
        svg.bar(class, low, high, y, 2.0, 1.0);
        svg.mark(class, low, y, 4.0);
        svg.mark(class, high, y, 4.0);
        svg.text("tick", high.max(median) + 10.0, y + 4.0, "start", &label);
    }
    svg.done()
}
