//! The events of `Profile::Api`: `INBOUND POST /path` and `OUTBOUND POST /path (201)`.
//!
//! Promises: an event is written once for each direction. That of a request is written when its body has been read, or
//! at once if it has none that is captured; nothing waits for it.
use std::fmt::Display;
use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderMap, Method, Uri};
use ringseal::value::{DisplayValue, SpanId, Value, ValueWriter};
use ringseal::{Level, Maybe};

use super::bodies::Text;
use super::exchange::Exchange;
use super::options::Options;
use super::outcome::Ended;
use super::profile::TARGET;
use crate::url::{PATH_BYTES_MAX, ShownQuery, cut_text};

/// What the event of a request says.
#[derive(Debug)]
pub(crate) struct Inbound {
    pub(crate) options: Arc<Options>,
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) client: Option<IpAddr>,
}

impl Inbound {
    /// Writes the event, with the body.
    pub(crate) fn write(&self, body: Option<Text>) {
        let log = &self.options.logger;
        if !log.is_enabled(Level::Info, TARGET) {
            return;
        }
        let path = cut_text(self.uri.path(), PATH_BYTES_MAX);
        let name = format!("INBOUND {} {path}", self.method);
        let query = ShownQuery::of(&self.uri, self.options.query);
        log.dynamic(Level::Info, TARGET, &name, &|out| {
            write_line(out, &self.method, path, &Maybe(query.map(DisplayValue)));
            out.entry("client.ip", &Maybe(self.client));
            out.entry("headers", &self.headers);
            write_body(out, ["http.request.body.content", "http.request.body.truncated"], &body);
        });
    }
}

fn write_line(out: &mut ValueWriter<'_>, method: &Method, path: &str, query: &dyn Value) {
    out.entry("http.request.method", method);
    out.entry("url.path", &path);
    out.entry("url.query", query);
}

/// Writes a body under the first of the keys, and under the other one whether there was more.
fn write_body(out: &mut ValueWriter<'_>, keys: [&str; 2], body: &Option<Text>) {
    if let Some(text) = body {
        out.entry(keys[0], &text.content);
        out.entry(keys[1], &Maybe(text.is_cut.then_some(true)));
    }
}

/// Writes the event of a response.
pub(crate) fn write_outbound(
    x: &Exchange,
    ended: &Ended<'_>,
    level: Level,
    error: Option<&dyn Display>,
) {
    let log = &x.options.logger;
    if !log.is_enabled(level, TARGET) {
        return;
    }
    let status = ended.status.map_or("error".to_owned(), |status| status.as_u16().to_string());
    let name = format!("OUTBOUND {} {} ({status})", ended.method, x.texts.path());
    let status = ended.status.map(|status| status.as_u16());
    let body = x.response_text();
    log.dynamic(level, TARGET, &name, &|out| {
        write_line(out, ended.method, x.texts.path(), &Maybe(x.texts.query()));
        let fields: [(&str, &dyn Value); 10] = [
            ("http.response.status_code", &Maybe(status)),
            ("outcome", &ended.outcome.as_str()),
            ("duration_ms", &x.timer),
            ("route", &Maybe(ended.route)),
            ("bytes_in", &ended.bytes_in),
            ("bytes_out", &ended.bytes_out),
            ("client.ip", &Maybe(ended.client)),
            ("parent_span_id", &Maybe(x.parent_span.map(SpanId))),
            ("error.message", &Maybe(error.map(DisplayValue))),
            ("headers", &Maybe(x.response_headers.as_ref())),
        ];
        for (key, value) in fields {
            out.entry(key, value);
        }
        write_body(out, ["http.response.body.content", "http.response.body.truncated"], &body);
    });
}
