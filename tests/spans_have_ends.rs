//! Each span has one beginning and one end in the log, with its ids, its duration and its outcome.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context as Task, Poll, Waker};
use std::time::Duration;

use ringseal::system::ManualClock;
use ringseal::testing::{Capture, CapturedEvent, with_default};
use ringseal::{
    Config, Context, Correlation, Level, Maybe, Sampling, Span, SpanLines, Timer, Timestamps,
    WithContext, WithSpan, error, fields, info, log_span, span,
};

const TRACE: [u8; 16] = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128.to_be_bytes();
const SPAN: [u8; 16] = 0x00f0_67aa_0ba9_02b7_0000_0000_0000_0000_u128.to_be_bytes();

fn names(capture: &Capture) -> Vec<String> {
    let name = |event: &CapturedEvent| match event.get_text("span") {
        Some(span) => format!("{} {span}", event.name()),
        None => event.name().to_owned(),
    };
    capture.events().iter().map(name).collect()
}

fn ids(event: &CapturedEvent) -> (String, String) {
    (event.text("trace_id").to_owned(), event.text("span_id").to_owned())
}

fn span_event(capture: &Capture, event: &str, span: &str) -> CapturedEvent {
    let mut found = capture.events_named(event);
    found.retain(|event| event.text("span") == span);
    assert_eq!(found.len(), 1, "{event} of {span}");
    found.remove(0)
}

#[test]
fn a_span_has_a_start_and_an_end() {
    let (engine, capture) = Capture::start();
    span!(engine, "db.query", table = "orders", id = 7).run(|| info!(engine, "inside", rows = 3));
    assert_eq!(names(&capture), ["span.start db.query", "inside", "span.end db.query"]);
    let events = capture.events();
    let keys = |event: &CapturedEvent| {
        let keys = event.fields().iter().map(|(key, _)| key.clone());
        keys.filter(|key| !["timestamp", "run_id", "schema_version"].contains(&&**key))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        keys(&events[0]),
        ["level", "target", "event", "span", "table", "id", "trace_id", "span_id"]
    );
    let end = [
        "level",
        "target",
        "event",
        "span",
        "duration_ms",
        "outcome",
        "kind",
        "sampled",
        "table",
        "id",
        "trace_id",
        "span_id",
    ];
    assert_eq!(keys(&events[2]), end, "the first span of a trace has no parent");
    assert!(events.iter().all(|event| ids(event) == ids(&events[0])));
    assert_eq!((ids(&events[0]).0.len(), ids(&events[0]).1.len()), (32, 16));
    let last = &events[2];
    assert_eq!(
        (last.target(), last.level(), last.text("outcome")),
        ("span", Some(Level::Info), "ok")
    );
    assert_eq!((last.text("kind"), last["sampled"].as_bool()), ("internal", Some(true)));
}

#[test]
fn nested_spans_keep_their_parents() {
    let (engine, capture) = Capture::start_with(Config::new().level(Level::Info));
    let ids_of_request = Correlation::new(TRACE, SPAN);
    Context::new().with_correlation(ids_of_request).run(|| {
        let outer = span!(kind: Server, engine, "outer");
        outer.run(|| {
            let inner = span!(level: Debug, kind: Client, engine, "inner");
            assert_eq!(inner.correlation().trace_id(), TRACE);
            span!(level: Warn, engine, "innermost").run(|| info!(engine, "inside"));
        });
    });
    let end = |name| span_event(&capture, "span.end", name);
    let (outer, innermost) = (end("outer"), end("innermost"));
    assert_eq!(outer.text("parent_span_id"), "00f067aa0ba902b7");
    assert_eq!(
        innermost.text("parent_span_id"),
        outer.text("span_id"),
        "a debug span is not logged here"
    );
    assert_eq!(innermost.level(), Some(Level::Warn));
    assert_eq!(outer.text("kind"), "server");
    assert!(
        capture
            .events()
            .iter()
            .all(|event| event.text("trace_id") == "4bf92f3577b34da6a3ce929d0e0e4736")
    );
    assert!(!names(&capture).iter().any(|name| name.ends_with("inner")));
}

#[test]
fn ids_do_not_depend_on_levels() {
    let (engine, capture) =
        Capture::start_with(Config::new().filter("info,span=off".parse().unwrap()));
    span!(engine, "hidden").run(|| {
        info!(engine, "first");
        span!(engine, "hidden.too").run(|| info!(engine, "second"));
    });
    let (first, second) = (capture.event("first"), capture.event("second"));
    assert_eq!(first.text("trace_id"), second.text("trace_id"));
    assert!(
        first.get("span_id").is_none() && second.get("span_id").is_none(),
        "no span is in the log"
    );
    assert_eq!(names(&capture), ["first", "second"]);
}

#[test]
fn durations_have_three_decimals() {
    for (nanos, expected) in [
        (0, "0"),
        (499, "0"),
        (500, "0.001"),
        (1_000, "0.001"),
        (12_345_678, "12.346"),
        (999_999_500, "1000"),
        (1_500_000_000, "1500"),
        (90_061_001_000_000, "90061001"),
    ] {
        for lines in [SpanLines::StartAndEnd, SpanLines::End] {
            let clock = Arc::new(ManualClock::at(1_700_000_000_000_000_000));
            let config = Config::new().clock_for_tests(Arc::clone(&clock) as _).span_lines(lines);
            let (engine, capture) = Capture::start_with(config);
            let span = span!(engine, "timed");
            clock.advance(nanos);
            drop(span);
            let end = capture.event("span.end");
            assert_eq!(end.text("duration_ms"), expected, "{nanos} ns, {lines:?}");
        }
    }
}

#[test]
fn a_timer_is_a_duration_in_microseconds() {
    let (engine, capture) = Capture::start();
    let timer = Timer::start();
    std::thread::yield_now();
    info!(engine, "done", duration_ms = timer, elapsed_us = timer);
    let event = capture.event("done");
    let decimals =
        event.text("duration_ms").split_once('.').map_or(0, |(_, decimals)| decimals.len());
    assert!(decimals <= 3 && !event.text("elapsed_us").contains('.'));
}

#[test]
fn a_coarse_clock_does_not_time_spans() {
    let config = Config::new().timestamps(Timestamps::Coarse);
    let (engine, capture) = Capture::start_with(config);
    let span = span!(engine, "timed");
    let begin = std::time::Instant::now();
    while begin.elapsed() < Duration::from_micros(20) {}
    drop(span);
    let at_most = begin.elapsed().as_secs_f64() * 1e3 + 1.0;
    let end = capture.event("span.end");
    let duration = end["duration_ms"].as_f64().unwrap();
    assert!((0.02..at_most).contains(&duration), "{duration} ms");
}

#[test]
fn an_error_is_logged_and_returned() {
    let (engine, capture) = Capture::start();
    let span = span!(engine, "parse", text = "x");
    let result = span.try_run(|| "x".parse::<u16>());
    assert!(result.is_err());
    drop(span);
    assert_eq!(names(&capture), ["span.start parse", "span.error parse", "span.end parse"]);
    let failed = capture.event("span.error");
    assert_eq!((failed.level(), failed.text("text")), (Some(Level::Error), "x"));
    assert_eq!(failed["error"]["message"], "invalid digit found in string");
    assert!(failed.get("duration_ms").is_some());
    let end = capture.event("span.end");
    assert_eq!((end.text("outcome"), ids(&end)), ("error", ids(&failed)));
    assert!(end.get("error").is_none());
}

#[test]
fn a_panic_is_an_outcome_and_goes_on() {
    let (engine, capture) = Capture::start();
    let caught = catch_unwind(AssertUnwindSafe(|| {
        span!(engine, "outer").run(|| {
            let _inner = span!(engine, "inner");
            panic!("on purpose");
        })
    }));
    assert!(caught.is_err());
    let end = |name| span_event(&capture, "span.end", name).text("outcome").to_owned();
    assert_eq!((end("inner"), end("outer")), ("panicked".into(), "panicked".into()));
    assert_eq!(capture.events_named("span.error").len(), 2);
}

/// Begins and ends a span while the thread unwinds.
struct CleansUp<'a>(&'a ringseal::Engine);

impl Drop for CleansUp<'_> {
    fn drop(&mut self) {
        span!(self.0, "cleanup").run(|| ());
    }
}

#[test]
fn a_span_within_unwinding_has_not_panicked() {
    let (engine, capture) = Capture::start();
    let caught = catch_unwind(AssertUnwindSafe(|| {
        let _cleanup = CleansUp(&engine);
        panic!("on purpose");
    }));
    assert!(caught.is_err());
    assert_eq!(capture.event("span.end").text("outcome"), "ok");
}

fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Task::from_waker(Waker::noop()))
}

#[test]
fn a_dropped_future_is_cancelled() {
    let (engine, capture) = Capture::start();
    let pending = || std::future::pending::<()>();
    let mut owning = Box::pin(pending().in_span(span!(engine, "owning")));
    assert!(poll(owning.as_mut()).is_pending());
    drop(owning);
    let borrowed = span!(engine, "borrowed");
    {
        let mut borrowing = pin!(pending().in_span(&borrowed));
        assert!(poll(borrowing.as_mut()).is_pending());
    }
    drop(borrowed);
    drop(pending().in_span(span!(engine, "never.polled")));
    for name in ["owning", "borrowed", "never.polled"] {
        assert_eq!(span_event(&capture, "span.end", name).text("outcome"), "cancelled", "{name}");
    }
}

#[test]
fn a_span_ends_with_its_future() {
    let (engine, capture) = Capture::start();
    let work = async { info!(engine, "inside") };
    let mut work = Box::pin(work.in_span(span!(engine, "work")));
    assert!(poll(work.as_mut()).is_ready());
    assert_eq!(names(&capture), ["span.start work", "inside", "span.end work"]);
    drop(work);
    let end = capture.event("span.end");
    assert_eq!((end.text("outcome"), ids(&end)), ("ok", ids(&capture.event("inside"))));
    let failed = span!(engine, "failed");
    let work = async { failed.fail(&std::fmt::Error) }.in_span(&failed);
    drop(work);
    drop(failed);
    let end = span_event(&capture, "span.end", "failed");
    assert_eq!(end.text("outcome"), "cancelled", "dropped before it has failed");
}

#[test]
fn recorded_fields_are_at_the_end() {
    let (engine, capture) = Capture::start();
    let log = engine.logger().bind(fields! { tenant = "acme", rows = 0 });
    let span = span!(log, "query", table = "orders", rows = Maybe(None::<u64>), page = 1);
    span.record(fields! { rows = 3 });
    span.record(fields! { page = 2, note = "late" });
    drop(span);
    let (start, end) = (capture.event("span.start"), capture.event("span.end"));
    assert_eq!((start.text("rows"), start.text("page"), start.text("tenant")), ("0", "1", "acme"));
    let seen = ["table", "rows", "page", "note", "tenant"].map(|key| end.text(key));
    assert_eq!(seen, ["orders", "3", "2", "late", "acme"]);
}

#[test]
fn a_span_keeps_the_context_of_its_beginning() {
    let (engine, capture) = Capture::start();
    let own = Context::new()
        .with(fields! { request = 1 })
        .with_correlation(Correlation::new(TRACE, SPAN));
    let span = own.run(|| span!(engine, "work"));
    Context::new().with(fields! { request = 2 }).run(|| {
        std::thread::spawn(move || drop(span)).join().unwrap();
    });
    let end = capture.event("span.end");
    assert_eq!(
        (end.text("request"), end.text("trace_id")),
        ("1", "4bf92f3577b34da6a3ce929d0e0e4736")
    );
    let elsewhere = own.run(|| span!(engine, "elsewhere"));
    Context::new().with(fields! { request = 2 }).run(|| drop(elsewhere));
    assert_eq!(span_event(&capture, "span.end", "elsewhere").text("request"), "1");
}

#[test]
fn sampling_keeps_start_and_end_together() {
    let half = Sampling::new().targets_from("scope=info,span=0.5").unwrap();
    let (engine, capture) = Capture::start_with(Config::new().sampling(half));
    for index in 0..400 {
        span!(engine, "root", index).run(|| span!(engine, "child", index).run(|| ()));
    }
    let events = capture.events();
    let count = |event: &str, name: &str| {
        events.iter().filter(|found| found.name() == event && found.text("span") == name).count()
    };
    let kept = count("span.start", "root");
    assert!((100..300).contains(&kept), "{kept}");
    for (event, name) in [("span.end", "root"), ("span.start", "child"), ("span.end", "child")] {
        assert_eq!(count(event, name), kept, "{event} {name}");
    }
    assert!(events.iter().all(|event| event.get("sample_rate").is_some()));
}

#[test]
fn a_limit_keeps_start_and_end_together() {
    let limited = Sampling::new().limit(3, Duration::from_secs(86_400)).unwrap();
    let (engine, capture) = Capture::start_with(Config::new().sampling(limited));
    for _ in 0..10 {
        span!(engine, "work").run(|| ());
    }
    let starts = capture.events_named("span.start").len();
    assert_eq!((starts, capture.events_named("span.end").len()), (3, 3));
}

#[test]
fn a_changed_filter_leaves_no_half_span() {
    let (engine, capture) = Capture::start();
    let logged = span!(engine, "logged");
    engine.set_filter("info,span=off".parse().unwrap());
    let hidden = span!(engine, "hidden");
    drop(logged);
    engine.set_filter("info".parse().unwrap());
    drop(hidden);
    let mut names = names(&capture);
    names.retain(|name| name.starts_with("span"));
    assert_eq!(names, ["span.start logged", "span.end logged"]);
}

#[test]
fn one_line_if_so_configured() {
    let (engine, capture) = Capture::start_with(Config::new().span_lines(SpanLines::End));
    span!(engine, "work").run(|| info!(engine, "inside"));
    span!(engine, "work").run(|| info!(engine, "inside"));
    assert_eq!(names(&capture), ["inside", "span.end work", "inside", "span.end work"]);
}

#[test]
fn a_suppressed_span_logs_nothing() {
    let (engine, capture) = Capture::start();
    Context::new().suppressed().run(|| {
        let span = span!(engine, "work");
        span.fail(&std::fmt::Error);
        span.run(|| error!(engine, "inside"));
    });
    assert_eq!(names(&capture), [""; 0]);
}

#[test]
fn spans_nest_ten_thousand_deep() {
    let (engine, capture) = Capture::start_with(Config::new().ring_bytes(16 << 20));
    let mut spans: Vec<(Span, _)> = Vec::new();
    for depth in 0..10_000 {
        let span = span!(engine, "deep", depth);
        let scope = span.enter();
        spans.push((span, scope));
    }
    while let Some((span, scope)) = spans.pop() {
        drop(scope);
        drop(span);
    }
    let ends = capture.events_named("span.end");
    assert_eq!((capture.events_named("span.start").len(), ends.len()), (10_000, 10_000));
    for pair in ends.windows(2) {
        assert_eq!(pair[0].text("parent_span_id"), pair[1].text("span_id"));
    }
}

#[test]
fn a_span_of_run_time_fields_is_logged() {
    let (engine, capture) = Capture::start();
    let span = engine.logger().log_span("http.request", fields! { path = "/pay", method = "POST" });
    assert!(span.try_run(|| "x".parse::<u16>()).is_err());
    drop(span);
    for event in ["span.start", "span.error", "span.end"] {
        let event = span_event(&capture, event, "http.request");
        assert_eq!((event.text("path"), event.text("method")), ("/pay", "POST"));
    }
    let ((), capture) = with_default(|| drop(log_span("global", fields! { a = 1 })));
    assert_eq!(names(&capture), ["span.start global", "span.end global"]);
}

#[test]
fn long_fields_are_kept_to_the_end() {
    let (engine, capture) = Capture::start_with(Config::new().no_redaction());
    let text = "x".repeat(500);
    let longer = "y".repeat(100_000);
    span!(engine, "long", text).run(|| ());
    span!(engine, "longer", longer, other = %longer, last = 1).run(|| ());
    for event in ["span.start", "span.end"] {
        assert_eq!(span_event(&capture, event, "long").text("text"), text);
        let longer = span_event(&capture, event, "longer");
        assert!(longer.text("longer").starts_with("yyyy") && longer.text("longer").len() < 5000);
        assert_eq!(longer.text("last"), "1");
    }
}

#[test]
fn a_span_needs_no_logger() {
    let ((), capture) = with_default(|| {
        let span = span!("global", a = 1);
        let work = async { info!("inside") };
        let mut work = Box::pin(work.in_span(&span).in_context(Context::current()));
        assert!(poll(work.as_mut()).is_ready());
    });
    assert_eq!(names(&capture), ["span.start global", "inside", "span.end global"]);
}

#[test]
fn a_span_may_outlive_its_engine() {
    let (engine, capture) = Capture::start();
    let span = span!(engine, "work");
    drop(engine);
    span.fail(&std::fmt::Error);
    drop(span);
    assert_eq!(names(&capture), ["span.start work"]);
}

/// More engines than a thread has places for.
#[test]
fn spans_of_many_engines_end_in_their_own() {
    let engines: Vec<_> = (0..40).map(|_| Capture::start()).collect();
    let spans: Vec<_> = engines.iter().map(|(engine, _)| span!(engine, "work")).collect();
    for span in spans.into_iter().rev() {
        drop(span);
    }
    for (_, capture) in &engines {
        assert_eq!(names(capture), ["span.start work", "span.end work"]);
    }
}

#[test]
fn a_caught_panic_is_an_outcome() {
    let (engine, capture) = Capture::start();
    let sync = span!(engine, "sync");
    assert!(catch_unwind(AssertUnwindSafe(|| sync.run(|| panic!("on purpose")))).is_err());
    drop(sync);
    let work = async { panic!("on purpose") }.in_span(span!(engine, "async"));
    let mut work: Pin<Box<dyn Future<Output = ()>>> = Box::pin(work);
    assert!(catch_unwind(AssertUnwindSafe(|| poll(work.as_mut()))).is_err());
    drop(work);
    for name in ["sync", "async"] {
        assert_eq!(span_event(&capture, "span.end", name).text("outcome"), "panicked");
        span_event(&capture, "span.error", name);
    }
}

#[test]
fn a_future_may_return_an_error() {
    let (engine, capture) = Capture::start();
    let work = async { "x".parse::<u16>() }.try_in_span(span!(engine, "parse"));
    let mut work = Box::pin(work);
    let Poll::Ready(result) = poll(work.as_mut()) else { panic!("not ready") };
    assert!(result.is_err());
    assert_eq!(names(&capture), ["span.start parse", "span.error parse", "span.end parse"]);
    assert_eq!(capture.event("span.end").text("outcome"), "error");
}

/// A span that is not logged has no start to measure from; its trace still goes on.
#[test]
fn a_hidden_span_passes_its_trace_on() {
    let (engine, capture) = Capture::start_with(Config::new().level(Level::Info));
    let hidden = span!(level: Debug, engine, "hidden");
    hidden.fail(&std::fmt::Error);
    assert!(capture.event("span.error").get("duration_ms").is_none());
    hidden.run(|| {
        info!(engine, "inside");
        let context = Context::current();
        let trace = capture.event("inside").text("trace_id").to_owned();
        assert!(context.outgoing().unwrap().traceparent().starts_with(&format!("00-{trace}-")));
        let job = Context::restore(&context.snapshot()).unwrap();
        job.run(|| info!(engine, "job"));
        assert_eq!(capture.event("job").text("trace_id"), trace);
    });
}
