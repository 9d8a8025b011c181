//! The tables of a page.
use std::fmt::Write;

use super::audit_state::AuditState;
use super::duration;
use super::html::{Html, RowFilter, TableText};
use super::page::{Chart, LEVEL_NAMES};
use super::table::{Ranked, Row, Table};
use super::tally::{Group, LEVELS, SEPARATOR, Shown, Tally};
use crate::rings::time;
use crate::size::format_count;

/// The first and last time of a row.
fn first_last(row: &Group) -> [String; 2] {
    match row.range {
        Some((first, last)) => [time(first), time(last)],
        None => ["no time".into(), "no time".into()],
    }
}

fn count_text(row: &Ranked<Group>) -> String {
    let count = format_count(row.row.count);
    match row.missed_max {
        0 => count,
        missed => format!("{count} to {}", format_count(row.row.count + missed)),
    }
}

fn bounded_note(dropped_rows: u64, note: &str) -> String {
    match dropped_rows {
        0 => note.to_owned(),
        dropped => format!(
            "{note} There were too many different ones to keep all: {} rows with the lowest counts were \
             dropped, and counts with a range are between its ends. The rarest may be missing.",
            format_count(dropped)
        ),
    }
}

/// Errors, by `stack_hash`.
pub fn errors_table(table: Table<Group>, chart: &Chart, rows_max: usize) -> String {
    let note = "Grouped by stack_hash; lines without one by target and event.";
    let note = bounded_note(table.dropped_rows(), note);
    let columns = ["Level", "Error", "#Count", "First", "Last", "stack_hash", "Example"];
    let mut text = TableText::new("errors", "Errors", &note, &columns);
    for ranked in table.into_ranked().iter().take(rows_max) {
        let mut parts = ranked.name.split(SEPARATOR);
        let (hash, kind) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let (message, line) = ranked.row.example.split_once(SEPARATOR).unwrap_or_default();
        let mut name = ranked.row.event.clone();
        for more in [kind, message].into_iter().filter(|more| !more.is_empty()) {
            name.push_str(" · ");
            name.push_str(more);
        }
        let [first, last] = first_last(&ranked.row);
        text.row(&chart.filter(&ranked.row)).level(ranked.row.level).name(&name);
        text.count(ranked.row.count, &count_text(ranked)).whole(&first).whole(&last);
        text.whole(if hash.is_empty() { "none" } else { hash }).details("line", line).end();
    }
    text.finish("No errors.")
}

/// The latest lines of warn and above.
pub fn problems(problems: &[Vec<Shown>; 3]) -> String {
    let note = "The latest lines of warn, error and critical: at most 60 of each.";
    let columns = ["Time", "Level", "Event", "Where", "Line"];
    let mut text = TableText::new("latest", "Latest warnings and errors", note, &columns);
    let mut all: Vec<&Shown> = problems.iter().flatten().collect();
    all.sort_by(|one, other| (other.time, &one.place).cmp(&(one.time, &other.place)));
    for shown in all {
        let range = shown.time.map(|time| (time, time));
        let filter = RowFilter { level: shown.level, event: &shown.event, range, series: None };
        text.row(&filter).whole(&shown.time.map_or("no time".into(), time)).level(shown.level);
        text.name(&shown.event).cell(&shown.place).details("line", &shown.text).end();
    }
    text.finish("No warnings and no errors.")
}

/// The most frequent events with the rows that were dropped, and the rarest.
pub fn events(
    out: &mut String,
    table: Table<Group>,
    others: &[Group; LEVELS],
    chart: &Chart,
    rows_max: usize,
) {
    let note = "Most frequent first. Estimated: with the events that sampling left out.";
    let note = bounded_note(table.dropped_rows(), note);
    let columns = ["Level", "Event", "#Count", "#Estimated", "First", "Last"];
    let mut top = TableText::new("events", "Events", &note, &columns);
    let is_exact = table.dropped_rows() == 0;
    let ranked = table.into_ranked();
    let (shown, hidden) = ranked.split_at(rows_max.min(ranked.len()));
    for row in shown {
        event_row(&mut top, row, chart, &row.row.event);
    }
    let mut rest = others.clone();
    for row in hidden {
        rest[row.row.level].absorb(row.row.clone());
    }
    for (level, mut row) in rest.into_iter().enumerate().filter(|(_, row)| row.count > 0) {
        row.level = level;
        row.event.clear();
        let row = Ranked { name: String::new(), row, missed_max: 0 };
        event_row(&mut top, &row, chart, "(all other events of this level)");
    }
    out.push_str(&top.finish("No events."));
    let note = if is_exact { "" } else { "Only among the events that were kept." };
    let mut rare = TableText::new("rarest", "Rarest events", note, &columns);
    for row in ranked.iter().rev().take(rows_max.min(30)) {
        event_row(&mut rare, row, chart, &row.row.event);
    }
    out.push_str(&rare.finish("No events."));
}

fn event_row(text: &mut TableText, row: &Ranked<Group>, chart: &Chart, name: &str) {
    let [first, last] = first_last(&row.row);
    text.row(&chart.filter(&row.row))
        .level(row.row.level)
        .name(name)
        .count(row.row.count, &count_text(row));
    text.number(&format_count(row.row.weight as u64)).whole(&first).whole(&last).end();
}

/// Events by target and place in the source.
pub fn sites(table: Table<Group>, chart: &Chart, rows_max: usize) -> String {
    let note = "An event of one target, and the place in the source if lines have it.";
    let note = bounded_note(table.dropped_rows(), note);
    let columns = ["Level", "Target", "Event", "Source", "#Count"];
    let mut text = TableText::new("sites", "Call sites", &note, &columns);
    for row in table.into_ranked().iter().take(rows_max) {
        let mut parts = row.name.split(SEPARATOR).skip(1);
        let mut part = || parts.next().unwrap_or_default();
        let (target, file, line) = (part(), part(), part());
        let source = if line.is_empty() { file.to_owned() } else { format!("{file}:{line}") };
        text.row(&chart.filter(&row.row)).level(row.row.level).cell(target).name(&row.row.event);
        text.cell(&source).count(row.row.count, &count_text(row)).end();
    }
    text.finish("No call sites.")
}

/// Requests or spans, the slowest first.
pub fn operations(
    id: &str,
    title: &str,
    what: &str,
    table: Table<Group>,
    (chart, rows_max): (&Chart, usize),
) -> String {
    let note = "Slowest first, by the 95th percentile. Percentiles are at most 13 % too high.";
    let note = bounded_note(table.dropped_rows(), note);
    let columns = [what, "#Count", "#p50", "#p95", "#p99", "#Longest", "#Mean"];
    let mut text = TableText::new(id, title, &note, &columns);
    let mut rows = table.into_ranked();
    rows.sort_by_key(|row| std::cmp::Reverse(row.row.durations.percentile_nanos(95)));
    for row in rows.iter().take(rows_max) {
        let durations = &row.row.durations;
        text.row(&chart.filter(&row.row)).name(&row.name).count(row.row.count, &count_text(row));
        for percent in [50, 95, 99] {
            text.number(&duration::shown(durations.percentile_nanos(percent)));
        }
        let mean = durations.sum_nanos / u128::from(row.row.count.max(1));
        text.number(&duration::shown(durations.max_nanos));
        text.number(&duration::shown(u64::try_from(mean).unwrap_or(u64::MAX))).end();
    }
    text.finish("No line has a duration of one.")
}

/// The slowest single requests and spans.
pub fn slowest(tally: &Tally) -> String {
    let columns = ["#Duration", "Name", "Event", "Outcome", "Time", "Trace", "Where"];
    let mut text = TableText::new("slowest", "Slowest single requests and spans", "", &columns);
    for slow in tally.slowest.all() {
        let range = slow.time.map(|time| (time, time));
        let filter = RowFilter { level: slow.level, event: &slow.event, range, series: None };
        text.row(&filter).number(&duration::shown(slow.nanos)).name(&slow.name).cell(&slow.event);
        text.cell(&slow.outcome).whole(&slow.time.map_or("no time".into(), time));
        text.cell(&slow.trace_id).cell(&slow.place).end();
    }
    text.finish("No line has a duration.")
}

/// A list of names and numbers.
fn list(id: &str, title: &str, rows: &[(&str, String)]) -> String {
    let mut out = format!(
        "<section id=\"{id}\"><h2>{title}</h2><div class=\"scroll\" tabindex=\"0\" role=\"region\" \
         aria-label=\"{title}\"><table><tbody>"
    );
    for (name, value) in rows {
        let _ = write!(
            out,
            "<tr><th scope=\"row\">{}</th><td class=\"number\">{}</td></tr>",
            Html(name),
            Html(value)
        );
    }
    out.push_str("</tbody></table></div></section>");
    out
}

/// What was lost, suppressed, sampled and masked.
pub fn losses(tally: &Tally) -> String {
    let count = format_count;
    let mut rows = vec![("Events lost to full rings (ringseal.lost)", count(tally.lost[6]))];
    for (level, lost) in tally.lost.iter().enumerate().take(6).filter(|(_, lost)| **lost > 0) {
        rows.push((LEVEL_NAMES[level], count(*lost)));
    }
    rows.extend([
        ("Events suppressed by limits (ringseal.suppressed)", count(tally.suppressed)),
        ("Events with a sampling rate below 1", count(tally.sampled)),
        ("Lines with a mask of the redactor (asterisks)", count(tally.masked)),
    ]);
    list("losses", "Losses, sampling and redaction", &rows)
}

/// The engine's own events.
pub fn own(table: Table<Group>, chart: &Chart, rows_max: usize) -> String {
    let note = bounded_note(table.dropped_rows(), "What the logging engine reports about itself.");
    let columns = ["Level", "Event", "Detail", "#Count", "First", "Last", "Example"];
    let mut text = TableText::new("own", "Events of the engine", &note, &columns);
    for row in table.into_ranked().iter().take(rows_max) {
        let detail = row.name.split(SEPARATOR).nth(1).unwrap_or_default();
        let [first, last] = first_last(&row.row);
        text.row(&chart.filter(&row.row)).level(row.row.level).name(&row.row.event).cell(detail);
        text.count(row.row.count, &count_text(row))
            .whole(&first)
            .whole(&last)
            .details("line", &row.row.example)
            .end();
    }
    text.finish("None.")
}

/// The audit logs.
pub fn audit(audits: &[AuditState]) -> String {
    let mut out = String::from("<section id=\"audit\"><h2>Audit log</h2>");
    if audits.is_empty() {
        out.push_str("<p>No audit log was found in or beside these logs.</p>");
    }
    for audit in audits {
        let class = match (audit.is_intact, audit.result) {
            (true, _) => "good",
            (false, "TAMPERED") => "wrong",
            _ => "note",
        };
        let dir = audit.dir.display().to_string();
        let _ = write!(
            out,
            "<p><span class=\"{class}\">{}</span> <bdi>{}</bdi>: {}</p>",
            audit.result,
            Html(&dir),
            Html(&audit.detail)
        );
    }
    out.push_str("</section>");
    out
}

/// Where each line went, and examples of malformed ones.
pub fn lines(tally: &Tally, errors: &[String]) -> String {
    let lines = &tally.lines;
    let count = format_count;
    let mut out = list(
        "lines",
        "Where all lines went",
        &[
            ("All lines", count(lines.total)),
            ("Events", count(lines.events)),
            ("Text without level and time, such as stack traces", count(lines.continued)),
            ("Malformed: not a whole JSON object", count(lines.broken)),
            ("Malformed: longer than --line-bytes-max", count(lines.cut)),
            ("Empty", count(lines.empty)),
            ("Outside of --since and --until", count(lines.outside)),
            (
                "Left out because of --since and --until, without a time",
                count(lines.untimed_left_out),
            ),
            (
                "Of the events: without a time, or before 2000 or after tomorrow (in no chart)",
                count(lines.untimed),
            ),
            (
                "Of the events: with a level that is not understood (counted as warn)",
                count(lines.odd_level),
            ),
            ("Of the events: with bytes that are not UTF-8", count(lines.not_utf8)),
            ("Problems with reading", count(errors.len() as u64)),
        ],
    );
    for error in errors.iter().take(50) {
        let _ = write!(out, "<p class=\"wrong\">{}</p>", Html(error));
    }
    let columns = ["Reason", "Where", "Line"];
    let mut text =
        TableText::new("malformed", "Malformed lines", "Examples, 20 at most.", &columns);
    for shown in &tally.malformed {
        let filter = RowFilter { level: shown.level, event: "", range: None, series: None };
        text.row(&filter).cell(&shown.event).cell(&shown.place).details("line", &shown.text).end();
    }
    out.push_str(&text.finish("None."));
    out
}
