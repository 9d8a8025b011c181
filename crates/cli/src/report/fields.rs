//! The fields of a line that the page shows, in whatever layout the line has.
//!
//! Promises: one pass over the members of a line; maps are entered only where layouts have such fields, or anywhere if
//! the line has a `stack_hash`. Of a field that is there twice, the first counts. Memory is reused between lines.
use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::json::{Entries, Entry, Kind};

/// How deep maps are entered.
const DEPTH_MAX: usize = 4;

/// Maps that hold fields of the page: the objects of the Elastic Common Schema, and `extra`.
const PARENTS: [&str; 16] = [
    "error",
    "event",
    "exception",
    "extra",
    "http",
    "http.request",
    "http.response",
    "log",
    "log.origin",
    "log.origin.file",
    "parent",
    "service",
    "span",
    "trace",
    "transaction",
    "url",
];

/// The fields of one line; empty if it has none.
#[derive(Debug, Default)]
pub struct Fields<'a> {
    /// The logger or module.
    pub target: Cow<'a, str>,
    /// The file of the call site.
    pub file: Cow<'a, str>,
    /// The line of the call site.
    pub line: Cow<'a, str>,
    /// The hash of an error, and the path of the map that has it.
    pub stack_hash: Cow<'a, str>,
    hash_parent: String,
    /// The type of the error with that hash.
    pub error_type: Cow<'a, str>,
    /// Its message.
    pub error_message: Cow<'a, str>,
    /// The duration of what the line reports, in nanoseconds.
    pub duration_nanos: Option<u64>,
    /// The name of the span that the line is about.
    pub span: Cow<'a, str>,
    /// The method of a request.
    pub method: Cow<'a, str>,
    /// Its route.
    pub route: Cow<'a, str>,
    /// Its path.
    pub path: Cow<'a, str>,
    /// The status of its response.
    pub status: Cow<'a, str>,
    /// The outcome of a span or a request.
    pub outcome: Cow<'a, str>,
    /// The trace.
    pub trace_id: Cow<'a, str>,
    /// The span.
    pub span_id: Cow<'a, str>,
    /// The span around it.
    pub parent_span_id: Cow<'a, str>,
    /// The service.
    pub service: Cow<'a, str>,
    /// The share of such events that was kept.
    pub sample_rate: Option<f64>,
}

/// Memory for the maps inside a line.
#[derive(Debug, Default)]
pub struct Scratch {
    inner: [Entries; DEPTH_MAX],
    path: String,
}

/// A value as text: a string decoded, others as written.
pub fn text_of<'a>(entry: &Entry<'a>) -> Cow<'a, str> {
    match entry.string() {
        Some(text) => text.plain().map_or_else(|| Cow::Owned(text.decode()), Cow::Borrowed),
        None if entry.kind == Kind::Null => Cow::Borrowed(""),
        None => Cow::Borrowed(entry.raw),
    }
}

/// Calls `see` with the path and entry of each member, and of those inside of maps where `enter` says so.
pub fn walk<'a>(
    entries: &Entries,
    text: &'a str,
    scratch: &mut Scratch,
    enter: &dyn Fn(&str) -> bool,
    see: &mut dyn FnMut(&str, &Entry<'a>),
) {
    scratch.path.clear();
    walk_map(entries, text, &mut scratch.inner, &mut scratch.path, enter, see);
}

fn walk_map<'a>(
    entries: &Entries,
    text: &'a str,
    inner: &mut [Entries],
    path: &mut String,
    enter: &dyn Fn(&str) -> bool,
    see: &mut dyn FnMut(&str, &Entry<'a>),
) {
    for index in 0..entries.len() {
        let Some(entry) = entries.get(index, text) else { continue };
        // A member of the top level without escapes is most of all members.
        if let (true, Some(key)) = (path.is_empty() && entry.kind != Kind::Map, entry.key.plain()) {
            see(key, &entry);
            continue;
        }
        let before = path.len();
        if before > 0 {
            path.push('.');
        }
        push_key(&entry, path);
        see(path, &entry);
        if entry.kind == Kind::Map
            && enter(path)
            && let Some((own, rest)) = inner.split_first_mut()
            && own.find(entry.raw).is_ok()
        {
            walk_map(own, entry.raw, rest, path, enter, see);
        }
        path.truncate(before);
    }
}

fn push_key(entry: &Entry<'_>, path: &mut String) {
    match entry.key.plain() {
        Some(key) => path.push_str(key),
        None => path.push_str(&entry.key.decode()),
    }
}

static STACK_HASH: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("stack_hash\""));

impl<'a> Fields<'a> {
    /// The fields of a line with these entries.
    pub fn of(entries: &Entries, text: &'a str, scratch: &mut Scratch) -> Self {
        let mut fields = Fields::default();
        let has_hash = STACK_HASH.find(text.as_bytes()).is_some();
        let enter = |path: &str| has_hash || PARENTS.binary_search(&path).is_ok();
        walk(entries, text, scratch, &enter, &mut |path, entry| fields.note(path, entry));
        if has_hash {
            fields.find_error(entries, text, scratch);
        }
        if fields.target.is_empty() {
            fields.find_name(entries, text);
        }
        fields
    }

    fn note(&mut self, path: &str, entry: &Entry<'a>) {
        let path = path.strip_prefix("extra.").unwrap_or(path);
        let place = match path {
            "target" | "logger" | "log.logger" => &mut self.target,
            "log.origin.file.name" | "filename" | "code.filepath" => &mut self.file,
            "log.origin.file.line" | "line_number" | "code.lineno" => &mut self.line,
            "span" | "span.name" => &mut self.span,
            "method" | "http.request.method" | "http_method" => &mut self.method,
            "route" | "http.route" => &mut self.route,
            "path" | "url.path" | "request_path" => &mut self.path,
            "status" | "http.response.status_code" | "status_code" => &mut self.status,
            "outcome" | "event.outcome" => &mut self.outcome,
            "trace_id" | "trace.id" => &mut self.trace_id,
            "span_id" | "span.id" => &mut self.span_id,
            "parent_span_id" | "parent.id" => &mut self.parent_span_id,
            "service" | "service.name" => &mut self.service,
            "duration_ms" | "elapsed_ms" | "latency_ms" => return self.duration(entry, 1e6),
            "duration_us" => return self.duration(entry, 1e3),
            "duration_ns" | "event.duration" => return self.duration(entry, 1.0),
            "sample_rate" => {
                let rate = text_of(entry).parse().ok().filter(|rate| *rate > 0.0 && *rate <= 1.0);
                self.sample_rate = self.sample_rate.or(rate);
                return;
            }
            _ => match path.strip_suffix("stack_hash") {
                Some(parent) if parent.is_empty() || parent.ends_with('.') => {
                    if self.stack_hash.is_empty() {
                        parent.trim_end_matches('.').clone_into(&mut self.hash_parent);
                    }
                    &mut self.stack_hash
                }
                _ => return,
            },
        };
        if place.is_empty() && !matches!(entry.kind, Kind::Map | Kind::List) {
            *place = text_of(entry);
        }
    }

    fn duration(&mut self, entry: &Entry<'_>, nanos: f64) {
        let duration = text_of(entry).parse::<f64>().ok().filter(|value| *value >= 0.0);
        // The conversion saturates.
        let found = duration.map(|value| (value * nanos) as u64);
        self.duration_nanos = self.duration_nanos.or(found);
    }

    /// The type and message beside the hash.
    fn find_error(&mut self, entries: &Entries, text: &'a str, scratch: &mut Scratch) {
        let parent = std::mem::take(&mut self.hash_parent);
        walk(entries, text, scratch, &|_| true, &mut |path, entry| {
            let path = path.strip_prefix("extra.").unwrap_or(path);
            let Some(rest) = path.strip_prefix(parent.as_str()) else { return };
            let place = match rest.trim_start_matches('.') {
                "type" | "error_type" => &mut self.error_type,
                "message" | "error_message" => &mut self.error_message,
                _ => return,
            };
            if place.is_empty() && entry.string().is_some() {
                *place = text_of(entry);
            }
        });
    }

    /// The layout `stdlib-json` has the target as the third member `name`.
    fn find_name(&mut self, entries: &Entries, text: &'a str) {
        if let Some(entry) = entries.get(2, text).filter(|entry| entry.key.is("name")) {
            self.target = text_of(&entry);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<R>(line: &str, check: impl FnOnce(&Fields<'_>) -> R) -> R {
        let mut entries = Entries::default();
        entries.find(line).expect("a map");
        check(&Fields::of(&entries, line, &mut Scratch::default()))
    }

    #[test]
    fn parents_are_sorted() {
        assert!(PARENTS.is_sorted());
    }

    #[test]
    fn layouts_have_the_same_fields() {
        for line in [
            r#"{"timestamp":"t","target":"shop","event":"span.end","span":"db","duration_ms":1.5,"trace_id":"ab","sample_rate":0.5}"#,
            r#"{"@timestamp":"t","log.logger":"shop","span":{"name":"db"},"event":{"duration":1500000},"trace":{"id":"ab"},"sample_rate":0.5}"#,
            r#"{"timestamp":"t","logger":"shop","extra":{"span":"db","duration_ms":1.5,"trace_id":"ab","sample_rate":0.5}}"#,
            r#"{"timestamp":"t","level":"info","name":"shop","message":"m","span":"db","duration_ms":1.5,"trace_id":"ab","sample_rate":0.5}"#,
        ] {
            with(line, |fields| {
                assert_eq!((&*fields.target, &*fields.span), ("shop", "db"), "{line}");
                assert_eq!(fields.duration_nanos, Some(1_500_000), "{line}");
                assert_eq!((&*fields.trace_id, fields.sample_rate), ("ab", Some(0.5)), "{line}");
            });
        }
    }

    #[test]
    fn an_error_is_found_under_any_key() {
        for line in [
            r#"{"error":{"type":"Io","message":"gone","stack_hash":"a1"},"message":"other"}"#,
            r#"{"extra":{"cause":{"message":"gone","type":"Io","stack_hash":"a1"}}}"#,
            r#"{"error_type":"Io","error_message":"gone","stack_hash":"a1"}"#,
        ] {
            with(line, |fields| {
                let found = (&*fields.stack_hash, &*fields.error_type, &*fields.error_message);
                assert_eq!(found, ("a1", "Io", "gone"), "{line}");
            });
        }
    }

    #[test]
    fn numbers_that_are_none_are_left_out() {
        with(r#"{"duration_ms":"fast","sample_rate":7,"status":{"a":1}}"#, |fields| {
            assert_eq!((fields.duration_nanos, fields.sample_rate), (None, None));
            assert_eq!(fields.status, "");
        });
        with(r#"{"duration_ms":1e300}"#, |fields| {
            assert_eq!(fields.duration_nanos, Some(u64::MAX))
        });
    }
}
