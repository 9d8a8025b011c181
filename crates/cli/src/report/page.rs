//! The page: one HTML file without anything from elsewhere.
//!
//! Promises: its policy forbids the browser every request and every script and style but those of this program, which
//! it names by their hashes. Every text of a log passes [`Html`]. Tables have their content without scripts; scripts
//! only filter. Its size is bounded by the number of rows.
use std::fmt::Write;

use ringseal_base::digest::Sha256;
use ringseal_base::digest::text::{Base64, base64};

use super::audit_state::AuditState;
use super::html::{Html, RowFilter};
use super::scan::Scanned;
use super::table::Scale;
use super::tables::{
    audit, errors_table, events, lines, losses, operations, own, problems, sites, slowest,
};
use super::tally::{Group, LEVELS, Tally};
use crate::rings::time;
use crate::size::{format_bytes, format_count};

const CSS: &str = include_str!("page.css");
const JS: &str = include_str!("page.js");

/// Names of levels, and of none.
pub const LEVEL_NAMES: [&str; LEVELS] =
    ["trace", "debug", "info", "warn", "error", "critical", "no level"];

/// What the page says about itself.
pub struct About<'a> {
    /// Its title.
    pub title: &'a str,
    /// The arguments that named the logs.
    pub sources: Vec<String>,
    /// When it was made.
    pub now: i64,
    /// Rows of each table.
    pub rows_max: usize,
}

fn hash(text: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(text.as_bytes());
    base64(Base64::Standard, &hash.finish())
}

/// Renders the page.
pub fn render(about: &About<'_>, scanned: Scanned, audits: &[AuditState]) -> String {
    let Scanned { tally, errors, bytes, files } = scanned;
    let chart = Chart::of(&tally.scale);
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'sha256-{}'; \
         style-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"referrer\" content=\"no-referrer\"><link rel=\"icon\" href=\"data:,\">\
         <title>{}</title><style>{CSS}</style></head><body>",
        hash(JS),
        hash(CSS),
        Html(about.title)
    );
    header(&mut out, about, &tally, bytes, files);
    cards(&mut out, &tally, audits);
    filters(&mut out, &tally);
    chart_section(&mut out, &tally, &chart);
    let rows = about.rows_max;
    let problems = problems(&tally.problems);
    let lines = lines(&tally, &errors);
    let losses = losses(&tally);
    let slowest = slowest(&tally);
    out.push_str(&errors_table(tally.errors, &chart, rows));
    out.push_str(&problems);
    events(&mut out, tally.events, &tally.others, &chart, rows);
    out.push_str(&sites(tally.sites, &chart, rows));
    let of = (&chart, rows);
    out.push_str(&operations(
        "requests",
        "Slowest requests",
        "method and path",
        tally.requests,
        of,
    ));
    out.push_str(&operations(
        "spans",
        "Slowest spans and operations",
        "span or event",
        tally.spans,
        of,
    ));
    out.push_str(&slowest);
    out.push_str(&losses);
    out.push_str(&own(tally.own, &chart, rows));
    out.push_str(&audit(audits));
    out.push_str(&lines);
    let _ = writeln!(
        out,
        "</main><footer>Made by ringseal {} at {}. All times are in UTC. The page needs no network and loads \
         nothing.</footer><script>{JS}</script></body></html>",
        env!("CARGO_PKG_VERSION"),
        time(about.now)
    );
    out
}

/// The steps of the chart.
pub struct Chart {
    scale: Scale,
    first: i64,
    steps: i64,
}

impl Chart {
    fn of(scale: &Scale) -> Self {
        let (first, last) = scale.range().unwrap_or((0, 0));
        let first_step = scale.step(first);
        Self { scale: *scale, first: first_step, steps: scale.step(last) - first_step + 1 }
    }

    /// What the filters compare a row with.
    pub fn filter<'a>(&self, row: &'a Group) -> RowFilter<'a> {
        RowFilter {
            level: row.level,
            event: &row.event,
            range: row.range,
            series: Some((row.series.steps(), self.first)),
        }
    }
}

fn header(out: &mut String, about: &About<'_>, tally: &Tally, bytes: u64, files: u64) {
    let range = match tally.scale.range() {
        Some((first, last)) => format!("{} to {}", time(first), time(last)),
        None => "no times".into(),
    };
    let _ = write!(
        out,
        "<header><h1>{}</h1><p class=\"facts\">{} · {range} · {} in {} {}</p><nav aria-label=\"Sections\">",
        Html(about.title),
        Html(&about.sources.join(", ")),
        format_bytes(bytes),
        format_count(files),
        if files == 1 { "file" } else { "files" }
    );
    for (id, name) in [
        ("errors", "Errors"),
        ("latest", "Latest"),
        ("events", "Events"),
        ("sites", "Call sites"),
        ("requests", "Requests"),
        ("spans", "Spans"),
        ("losses", "Losses"),
        ("audit", "Audit log"),
        ("lines", "Lines"),
    ] {
        let _ = write!(out, "<a href=\"#{id}\">{name}</a>");
    }
    out.push_str("</nav></header><main>");
}

fn cards(out: &mut String, tally: &Tally, audits: &[AuditState]) {
    let level = |level: usize| tally.levels[level].count;
    let audit = match audits {
        [] => "none found".into(),
        [one] => one.result.to_owned(),
        more => format!("{} logs", more.len()),
    };
    let bad_lines = tally.lines.broken + tally.lines.cut;
    out.push_str("<dl class=\"cards\">");
    for (name, value, is_bad) in [
        ("Events", format_count(tally.lines.events), false),
        ("Errors and critical", format_count(level(4) + level(5)), level(4) + level(5) > 0),
        ("Warnings", format_count(level(3)), false),
        ("Lost events, reported", format_count(tally.lost[6]), tally.lost[6] > 0),
        ("Malformed lines", format_count(bad_lines), bad_lines > 0),
        ("Audit log", audit, audits.iter().any(|audit| audit.result == "TAMPERED")),
    ] {
        let class = if is_bad { " class=\"bad\"" } else { "" };
        let _ = write!(out, "<div{class}><dt>{name}</dt><dd>{}</dd></div>", Html(&value));
    }
    out.push_str("</dl>");
}

fn filters(out: &mut String, tally: &Tally) {
    out.push_str(
        "<form id=\"filters\" hidden aria-label=\"Filters\"><label>Level<select name=\"level\">\
         <option value=\"-1\">all</option>",
    );
    for (level, name) in LEVEL_NAMES.iter().enumerate().take(LEVELS - 1) {
        let _ = write!(out, "<option value=\"{level}\">{name} and above</option>");
    }
    let bound =
        |nanos: i64| time(nanos).trim_end_matches('Z').get(..19).unwrap_or_default().to_owned();
    let bounds = tally.scale.range().map_or_else(String::new, |(first, last)| {
        let until = last.saturating_add(1_000_000_000);
        format!(" min=\"{}\" max=\"{}\"", bound(first), bound(until))
    });
    let _ = write!(
        out,
        "</select></label><label>Event contains<input name=\"event\" type=\"search\"></label>\
         <label>Text contains<input name=\"text\" type=\"search\"></label>\
         <label>From (UTC)<input name=\"from\" type=\"datetime-local\" step=\"1\"{bounds}></label>\
         <label>Until (UTC)<input name=\"until\" type=\"datetime-local\" step=\"1\"{bounds}></label>\
         <button type=\"reset\">Clear</button></form>"
    );
}

/// How wide a step is, in words.
fn width(scale: &Scale) -> String {
    let seconds = scale.width_nanos() as f64 / 1e9;
    match seconds {
        ..1.0 => format!("{:.0} ms", seconds * 1e3),
        ..60.0 => format!("{seconds:.0} s"),
        ..3600.0 => format!("{:.0} min", seconds / 60.0),
        ..86_400.0 => format!("{:.0} h", seconds / 3600.0),
        _ => format!("{:.0} d", seconds / 86_400.0),
    }
}

fn chart_section(out: &mut String, tally: &Tally, chart: &Chart) {
    let Chart { scale, first, steps } = chart;
    let step_ms = scale.width_nanos() as f64 / 1e6;
    let _ = write!(
        out,
        "<section id=\"chart\" data-first=\"{}\" data-width=\"{step_ms}\" data-steps=\"{steps}\">\
         <h2>Events by level over time</h2><p class=\"note\">Each bar is {}; the highest is \
         <span id=\"highest\"></span>. Shown: <span id=\"result\" role=\"status\">{} events</span>.</p>\
         <svg viewBox=\"0 0 1000 200\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-label=\"Events by level over time; the table below has the numbers\">",
        *first as f64 * step_ms,
        width(scale),
        format_count(tally.lines.events)
    );
    bars(out, tally, chart);
    out.push_str("</svg>");
    if let Some((from, to)) = scale.range() {
        let _ = write!(
            out,
            "<div class=\"axis\"><span>{}</span><span>{}</span></div>",
            time(from),
            time(to)
        );
    }
    out.push_str("<ul class=\"legend\">");
    for (level, group) in tally.levels.iter().enumerate().filter(|(_, group)| group.count > 0) {
        let count = format_count(group.count);
        let _ = write!(
            out,
            "<li><span class=\"l{level}\">■ {}</span> {count}</li>",
            LEVEL_NAMES[level]
        );
    }
    out.push_str("</ul>");
    chart_table(out, tally, chart);
    out.push_str("</section>");
}

/// The bars that are seen without scripts.
fn bars(out: &mut String, tally: &Tally, chart: &Chart) {
    let mut columns = vec![[0_u64; LEVELS]; usize::try_from(chart.steps).unwrap_or(0)];
    for (level, group) in tally.levels.iter().enumerate() {
        for (step, count) in group.series.steps() {
            let column =
                usize::try_from(step - chart.first).ok().and_then(|at| columns.get_mut(at));
            if let Some(column) = column {
                column[level] += count;
            }
        }
    }
    let max =
        columns.iter().map(|column| column.iter().sum::<u64>()).max().unwrap_or(0).max(1) as f64;
    let width = 1000.0 / columns.len() as f64;
    for (at, column) in columns.iter().enumerate() {
        let mut top = 200.0;
        for (level, count) in column.iter().enumerate().filter(|(_, count)| **count > 0) {
            let height = *count as f64 / max * 196.0;
            top -= height;
            let _ = write!(
                out,
                "<rect x=\"{:.2}\" y=\"{top:.2}\" width=\"{:.2}\" height=\"{height:.2}\" class=\"b{level}\"/>",
                at as f64 * width,
                width * 0.9
            );
        }
    }
}

fn chart_table(out: &mut String, tally: &Tally, chart: &Chart) {
    out.push_str(
        "<details><summary>The same as a table</summary><div class=\"scroll\" tabindex=\"0\" role=\"region\" \
         aria-label=\"Events by level over time, as a table\"><table><thead><tr><th scope=\"col\">From</th>",
    );
    let used: Vec<usize> = (0..LEVELS).filter(|level| tally.levels[*level].count > 0).collect();
    for level in &used {
        let _ = write!(out, "<th scope=\"col\" class=\"number\">{}</th>", LEVEL_NAMES[*level]);
    }
    out.push_str("</tr></thead><tbody>");
    for step in chart.first..chart.first + chart.steps {
        let counts: Vec<u64> = used
            .iter()
            .map(|level| {
                let steps = tally.levels[*level].series.steps();
                steps.binary_search_by_key(&step, |at| at.0).map_or(0, |at| steps[at].1)
            })
            .collect();
        if counts.iter().sum::<u64>() == 0 {
            continue;
        }
        let start = step.saturating_mul(chart.scale.width_nanos());
        let _ = write!(out, "<tr><th scope=\"row\">{}</th>", time(start));
        for count in counts {
            let _ = write!(out, "<td class=\"number\">{}</td>", format_count(count));
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div></details>");
}
