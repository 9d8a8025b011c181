//! `cat --trace ID`: one trace across the logs of several services, as a tree of spans.
//!
//! The tree is made of span ids alone, so clocks that differ between machines change no place in it; where a span
//! begins before its parent, that is shown.
//!
//! Promises: lines of other traces are skipped by a search for the id, without parsing. At most [`LINES_MAX`] lines are
//! kept and [`LINE_BYTES_MAX`] bytes of each; more are counted. Spans that name each other as parents are shown once.
//! No recursion: the depth of a tree is not bounded.
use std::collections::HashMap;
use std::io::{self, Write};

use memchr::memmem::Finder;

use crate::console::write_safe;
use crate::line::LineParser;
use crate::redact::escape::quoted;
use crate::report::duration::shown as shown_duration;
use crate::report::fields::{Fields, Scratch};
use crate::report::words::event_name;
use crate::time::write_millis;

/// The most lines of a trace that are kept.
pub(super) const LINES_MAX: usize = 100_000;
/// The longest name that is kept.
const NAME_BYTES_MAX: usize = 256;
/// The longest line that `--json` prints.
const LINE_BYTES_MAX: usize = 64 << 10;
/// Deeper spans are not indented further.
const INDENT_MAX: usize = 30;

/// Parses the id of a trace.
pub(super) fn parse_id(text: &str) -> Result<String, String> {
    let id = text.to_ascii_lowercase();
    let is_id = !id.is_empty()
        && id.len() <= 128
        && id.bytes().all(|at| at.is_ascii_alphanumeric() || at == b'-');
    is_id
        .then_some(id)
        .ok_or_else(|| "expected the id of a trace: 32 hexadecimal digits, or a UUID".into())
}

/// A line of the trace.
#[derive(Debug)]
struct Event {
    time: Option<i64>,
    level: &'static str,
    name: String,
    service: String,
    /// The line, for `--json`.
    text: String,
    span: Option<usize>,
}

/// A span, as far as its lines are there.
#[derive(Debug, Default)]
struct Span {
    id: String,
    parent_id: String,
    name: String,
    service: String,
    outcome: String,
    start: Option<i64>,
    nanos: Option<u64>,
    events: Vec<usize>,
    children: Vec<usize>,
}

/// The lines of one trace.
pub(super) struct Trace {
    id: String,
    finder: Finder<'static>,
    /// The same id in the other spelling: with or without hyphens.
    other_finder: Option<Finder<'static>>,
    parser: LineParser,
    scratch: Scratch,
    events: Vec<Event>,
    spans: Vec<Span>,
    by_id: HashMap<String, usize>,
    /// Lines beyond the limit.
    pub(super) left_out: u64,
}

/// A span in the order of the tree.
struct Placed {
    span: usize,
    depth: usize,
    parent: Option<usize>,
}

fn without_hyphens(id: &str) -> String {
    id.chars().filter(|at| *at != '-').map(|at| at.to_ascii_lowercase()).collect()
}

fn cut(text: &str) -> String {
    crate::report::table::cut(text, NAME_BYTES_MAX).to_owned()
}

impl Trace {
    pub(super) fn new(id: &str, parser: LineParser) -> Self {
        let plain = without_hyphens(id);
        let uuid = (plain.len() == 32).then(|| {
            let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| &plain[part]);
            parts.join("-")
        });
        let finder = |text: &str| Finder::new(text.as_bytes()).into_owned();
        Self {
            finder: finder(&plain),
            other_finder: uuid.as_deref().or((plain != id).then_some(id)).map(finder),
            id: plain,
            parser,
            scratch: Scratch::default(),
            events: Vec::new(),
            spans: Vec::new(),
            by_id: HashMap::new(),
            left_out: 0,
        }
    }

    /// Adds a line, if it is one of the trace. `log` is the name of its log, for lines that do not name their service.
    pub(super) fn add(
        &mut self,
        line: &[u8],
        log: impl FnOnce() -> String,
        in_range: impl Fn(Option<i64>) -> bool,
    ) {
        let may_match = self.finder.find(line).is_some()
            || self.other_finder.as_ref().is_some_and(|finder| finder.find(line).is_some());
        if !may_match {
            return;
        }
        let parsed = self.parser.parse(line);
        let fields = Fields::of(parsed.entries, parsed.text, &mut self.scratch);
        let facts = parsed.facts();
        let time = facts.time.unix_nanos();
        if !parsed.is_json || without_hyphens(&fields.trace_id) != self.id || !in_range(time) {
            return;
        }
        if self.events.len() >= LINES_MAX {
            self.left_out += 1;
            return;
        }
        let name = event_name(&parsed, &facts);
        let service = if fields.service.is_empty() { log() } else { cut(&fields.service) };
        let mut event = Event {
            time,
            level: facts.level.or_assumed().as_str(),
            name: cut(&name),
            service: service.clone(),
            text: if parsed.text.len() > LINE_BYTES_MAX {
                String::new()
            } else {
                parsed.text.trim().to_owned()
            },
            span: None,
        };
        if !fields.span_id.is_empty() {
            let at = *self.by_id.entry(without_hyphens(&fields.span_id)).or_insert_with_key(|id| {
                self.spans.push(Span { id: cut(id), ..Span::default() });
                self.spans.len() - 1
            });
            event.span = Some(at);
            self.spans[at].note(&fields, &event);
            self.spans[at].events.push(self.events.len());
        }
        self.events.push(event);
    }

    /// How many lines there are.
    pub(super) fn lines(&self) -> usize {
        self.events.len()
    }

    /// The spans, parents before children, siblings by their start.
    fn tree(&mut self) -> Vec<Placed> {
        for span in &mut self.spans {
            let first = span.events.iter().filter_map(|at| self.events[*at].time).min();
            span.start = span.start.or(first);
            let events = &self.events;
            span.events.sort_by_key(|at| events[*at].time);
        }
        let mut roots = Vec::new();
        for at in 0..self.spans.len() {
            match self.by_id.get(&self.spans[at].parent_id) {
                Some(parent) if *parent != at => self.spans[*parent].children.push(at),
                _ => roots.push(at),
            }
        }
        let starts: Vec<Option<i64>> = self.spans.iter().map(|span| span.start).collect();
        let by_start = |at: &usize| (starts[*at].is_none(), starts[*at], *at);
        roots.sort_by_key(by_start);
        self.spans.iter_mut().for_each(|span| span.children.sort_by_key(by_start));
        // Spans in a circle have no root: each circle begins with its first span.
        roots.extend(0..self.spans.len());
        let mut placed = Vec::new();
        let mut is_placed = vec![false; self.spans.len()];
        for root in roots {
            let mut stack = vec![(root, 0, None)];
            while let Some((at, depth, parent)) = stack.pop() {
                if std::mem::replace(&mut is_placed[at], true) {
                    continue;
                }
                placed.push(Placed { span: at, depth, parent });
                let children = self.spans[at].children.iter().rev();
                stack.extend(children.map(|child| (*child, depth + 1, Some(at))));
            }
        }
        placed
    }

    /// The first moment of the trace.
    fn start(&self) -> Option<i64> {
        let starts = self.spans.iter().filter_map(|span| span.start);
        starts.chain(self.events.iter().filter_map(|event| event.time)).min()
    }

    fn is_orphan(&self, placed: &Placed) -> bool {
        placed.parent.is_none() && !self.spans[placed.span].parent_id.is_empty()
    }

    /// How much earlier than its parent a span begins, by the clocks of two services.
    fn skew_nanos(&self, placed: &Placed) -> Option<u64> {
        let (span, parent) = (&self.spans[placed.span], &self.spans[placed.parent?]);
        let early = parent.start?.saturating_sub(span.start?);
        u64::try_from(early).ok().filter(|early| *early > 0 && parent.service != span.service)
    }

    /// Writes the tree for people.
    pub(super) fn write(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let placed = self.tree();
        let start = self.start();
        let services = self.events.iter().map(|event| &event.service);
        let services = services.collect::<std::collections::BTreeSet<_>>().len();
        let plural = |count: usize, noun: &str| {
            format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
        };
        writeln!(
            out,
            "trace {}: {}, {}, {}{}",
            self.id,
            plural(self.spans.len(), "span"),
            plural(self.events.len(), "line"),
            plural(services, "service"),
            start.map(|start| format!(", from {}", moment(start))).unwrap_or_default()
        )?;
        for place in &placed {
            let span = &self.spans[place.span];
            let indent = place.depth.min(INDENT_MAX) * 2;
            let mut line =
                format!("{:indent$}{} {}", "", offset(start, span.start), span.shown_name());
            line += &format!(" [{}]", span.service);
            if let Some(nanos) = span.nanos {
                line += &format!(" {}", shown_duration(nanos));
            }
            if !span.outcome.is_empty() {
                line += &format!(" {}", span.outcome);
            }
            if self.is_orphan(place) {
                line += &format!(" (its parent {} is not in these logs)", span.parent_id);
            }
            if let Some(early) = self.skew_nanos(place) {
                line += &format!(" (clocks differ: {} before its parent)", shown_duration(early));
            }
            write_line(&line, out)?;
            for event in span.events.iter().map(|at| &self.events[*at]) {
                write_event(event, indent + 4, start, out)?;
            }
        }
        let outside: Vec<&Event> =
            self.events.iter().filter(|event| event.span.is_none()).collect();
        if !outside.is_empty() {
            writeln!(out, "without a span:")?;
        }
        outside.into_iter().try_for_each(|event| write_event(event, 4, start, out))
    }

    /// Writes one JSON object: spans in the order of the tree with their depth, and the lines that have no span.
    pub(super) fn write_json(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let placed = self.tree();
        write!(out, "{{\"trace_id\":{},\"spans\":[", quoted(&self.id))?;
        for (index, place) in placed.iter().enumerate() {
            let span = &self.spans[place.span];
            let duration =
                span.nanos.map_or("null".into(), |nanos| (nanos as f64 / 1e6).to_string());
            let skew = self.skew_nanos(place).unwrap_or(0) as f64 / 1e6;
            write!(
                out,
                "{}{{\"span_id\":{},\"parent_span_id\":{},\"depth\":{},\"name\":{},\"service\":{},\"start\":{},\
                 \"duration_ms\":{duration},\"outcome\":{},\"is_orphan\":{},\"before_parent_ms\":{skew},\"events\":[",
                if index > 0 { ",\n" } else { "" },
                quoted(&span.id),
                string_or_null(&span.parent_id),
                place.depth,
                quoted(&span.shown_name()),
                quoted(&span.service),
                span.start.map_or("null".into(), |start| quoted(&moment(start))),
                string_or_null(&span.outcome),
                self.is_orphan(place)
            )?;
            write_texts(span.events.iter().map(|at| &self.events[*at]), out)?;
            out.write_all(b"]}")?;
        }
        out.write_all(b"],\"events\":[")?;
        write_texts(self.events.iter().filter(|event| event.span.is_none()), out)?;
        writeln!(out, "],\"left_out\":{}}}", self.left_out)
    }
}

impl Span {
    /// Takes what a line says about its span.
    fn note(&mut self, fields: &Fields<'_>, event: &Event) {
        let fill = |place: &mut String, text: &str| {
            if place.is_empty() {
                *place = cut(text);
            }
        };
        fill(&mut self.parent_id, &without_hyphens(&fields.parent_span_id));
        fill(&mut self.service, &event.service);
        let route = if fields.route.is_empty() { &fields.path } else { &fields.route };
        let is_request = !fields.method.is_empty() && !route.is_empty();
        if is_request && event.name != "span.start" {
            fill(&mut self.name, &format!("{} {route}", fields.method));
        }
        fill(&mut self.name, &fields.span);
        let is_end = !fields.span.is_empty() || is_request;
        if let (true, Some(nanos)) = (is_end, fields.duration_nanos) {
            self.nanos = self.nanos.or(Some(nanos));
            let outcome = if fields.outcome.is_empty() { &fields.status } else { &fields.outcome };
            fill(&mut self.outcome, outcome);
            let start = event.time.map(|end| end.saturating_sub_unsigned(nanos));
            self.start = self.start.or(start);
        }
    }

    fn shown_name(&self) -> String {
        if self.name.is_empty() { format!("span {}", self.id) } else { self.name.clone() }
    }
}

fn moment(unix_nanos: i64) -> String {
    String::from_utf8_lossy(&write_millis(unix_nanos)).into_owned()
}

/// The time since the start of the trace.
fn offset(start: Option<i64>, time: Option<i64>) -> String {
    let since =
        start.zip(time).and_then(|(start, time)| u64::try_from(time.saturating_sub(start)).ok());
    since.map_or("?".into(), |since| format!("+{}", shown_duration(since)))
}

fn write_line(line: &str, out: &mut dyn Write) -> io::Result<()> {
    write_safe(line, out)?;
    out.write_all(b"\n")
}

fn write_event(
    event: &Event,
    indent: usize,
    start: Option<i64>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Event { level, name, service, .. } = event;
    write_line(
        &format!("{:indent$}{} {level} {name} [{service}]", "", offset(start, event.time)),
        out,
    )
}

fn string_or_null(text: &str) -> String {
    if text.is_empty() { "null".into() } else { quoted(text) }
}

/// The lines as they are; one that is too long is null.
fn write_texts<'a>(events: impl Iterator<Item = &'a Event>, out: &mut dyn Write) -> io::Result<()> {
    for (index, event) in events.enumerate() {
        let comma = if index > 0 { "," } else { "" };
        let text = if event.text.is_empty() { "null" } else { &event.text };
        write!(out, "{comma}{text}")?;
    }
    Ok(())
}
