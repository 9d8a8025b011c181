//! Spans of other logging interfaces.
use super::interner::Interner;
use super::site::SiteMeta;
use crate::emit::lane_settings::SpanLines;
use crate::emit::logger::{AsEmitter, BoundFields, Logger};
use crate::emit::span::{self, Span, SpanKind, SpanSite};

/// A call site of another logging interface that begins spans: its name, level, target and place.
#[derive(Debug)]
pub struct BridgedSpan(SpanSite);

static SITES: Interner<BridgedSpan> = Interner::new();

impl BridgedSpan {
    /// The site of this description, made if there is none. Its keys are not read: each span brings its keys. `None` if
    /// there are too many sites.
    pub fn intern(meta: &SiteMeta<'_>) -> Option<&'static BridgedSpan> {
        let make = |meta: SiteMeta<'static>| {
            let place = meta.place();
            BridgedSpan(SpanSite::foreign(
                meta.name,
                meta.level,
                SpanKind::Internal,
                meta.target,
                place,
            ))
        };
        SITES.get(&meta.keys(&[]), make)
    }

    /// Begins a span in the current context. `lines` replaces the setting of the engine
    /// ([`Config::span_lines`](crate::Config::span_lines)).
    ///
    /// ```
    /// use ringseal::bridge::{BridgedSpan, SiteMeta};
    /// use ringseal::{Level, SpanLines, fields, testing::Capture};
    /// let (engine, capture) = Capture::start();
    /// let site = BridgedSpan::intern(&SiteMeta::new(Level::Info, "shop::db", "query")).expect("few sites");
    /// drop(site.begin(&engine.logger(), Some(fields! { table = "orders" }), Some(SpanLines::End)));
    /// let end = capture.event("span.end");
    /// assert_eq!((end.text("span"), end.text("table"), end.text("target")), ("query", "orders", "shop::db"));
    /// ```
    pub fn begin(
        &'static self,
        log: &Logger,
        fields: Option<BoundFields>,
        lines: Option<SpanLines>,
    ) -> Span {
        span::begin_foreign(log.emitter(), &self.0, fields, lines)
    }
}
