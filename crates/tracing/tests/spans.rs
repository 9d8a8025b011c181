//! Spans of `tracing`: their fields on events, their ids, their lines.
use std::future::Future;
use std::pin::Pin;
use std::sync::Barrier;
use std::task::{Context as Task, Poll, Waker};

use ringseal::testing::{Capture, CapturedEvent};
use ringseal::{Context, Level, WithContext, fields};
use ringseal_tracing::{Options, SpanEvents, subscriber};
use tracing::field::Empty;
use tracing::{Instrument, Span, info, info_span};

fn captured(action: impl FnOnce()) -> Capture {
    let (engine, capture) = Capture::start();
    tracing::subscriber::with_default(subscriber(engine.logger()), action);
    capture
}

#[test]
fn fields_of_all_spans_are_flat() {
    let capture = captured(|| {
        let _a = info_span!("a", one = 1, shared = "a").entered();
        let _b = info_span!("b", two = 2, shared = "b").entered();
        let _c = info_span!("c", three = 3).entered();
        info!(four = 4, "inside");
        info!(shared = "own", "own field");
    });
    let event = capture.event("inside");
    let numbers = ["one", "two", "three", "four"].map(|key| event[key].as_i64().unwrap());
    assert_eq!((numbers, event.text("shared")), ([1, 2, 3, 4], "b"));
    assert_eq!(capture.event("own field").text("shared"), "own");
}

#[test]
fn a_span_keeps_its_ids() {
    let capture = captured(|| {
        let outer = info_span!("outer");
        outer.in_scope(|| {
            info!("first");
            info_span!("inner").in_scope(|| info!("second"));
        });
        outer.in_scope(|| info!("third"));
    });
    let ids = |event: &CapturedEvent| {
        (event.text("trace_id").to_owned(), event.text("span_id").to_owned())
    };
    let [first, second, third] = ["first", "second", "third"].map(|name| ids(&capture.event(name)));
    assert_eq!(first, third);
    assert_eq!(first.0, second.0);
    assert_ne!(first.1, second.1);
    let ends = capture.events_named("span.end");
    let end = |name: &str| ends.iter().find(|end| end.text("span") == name).unwrap();
    assert_eq!((ids(end("outer")), ids(end("inner"))), (first.clone(), second));
    assert_eq!(end("inner").text("parent_span_id"), first.1);
    assert_eq!(end("inner").text("outcome"), "ok");
    assert!(
        end("outer")["duration_ms"].as_f64().unwrap()
            >= end("inner")["duration_ms"].as_f64().unwrap()
    );
}

#[test]
fn options_choose_the_lines() {
    for (events, starts, ends) in
        [(SpanEvents::Off, 0, 0), (SpanEvents::End, 0, 1), (SpanEvents::StartAndEnd, 1, 1)]
    {
        let (engine, capture) = Capture::start();
        let subscriber =
            subscriber(engine.logger()).with_options(Options::new().span_lines(events));
        tracing::subscriber::with_default(subscriber, || {
            info_span!("query", table = "orders").in_scope(|| info!("inside"));
        });
        let count = |name: &str| capture.events_named(name).len();
        assert_eq!((count("span.start"), count("span.end")), (starts, ends), "{events:?}");
        let inside = capture.event("inside");
        assert_eq!(
            (inside.text("table"), inside.text("span_id").len()),
            ("orders", 16),
            "{events:?}"
        );
    }
}

#[test]
fn late_fields_are_on_all_later_events() {
    let capture = captured(|| {
        let outer = info_span!("outer", user = Empty);
        let _outer = outer.enter();
        let inner = info_span!("inner", own = Empty);
        let _inner = inner.enter();
        info!("before");
        outer.record("user", 42);
        info!("after the outer");
        Span::current().record("own", "late");
        info!("after the inner");
        outer.record("user", 43);
        info!("after both");
        info_span!("new").in_scope(|| info!("in a new one"));
    });
    let values = |name: &str| {
        let event = capture.event(name);
        (event.get("user").and_then(|user| user.as_i64()), event.get_text("own").map(str::to_owned))
    };
    assert_eq!(values("before"), (None, None));
    assert_eq!(values("after the outer"), (Some(42), None));
    assert_eq!(values("after the inner"), (Some(42), Some("late".into())));
    assert_eq!(values("after both"), (Some(43), Some("late".into())));
    assert_eq!(values("in a new one"), (Some(43), Some("late".into())));
    let ends = capture.events_named("span.end");
    let outer = ends.iter().find(|end| end.text("span") == "outer").unwrap();
    assert_eq!(outer["user"], 43);
}

#[test]
fn late_fields_reach_other_threads() {
    let (engine, capture) = Capture::start();
    let dispatch = tracing::Dispatch::new(subscriber(engine.logger()));
    let barrier = Barrier::new(2);
    tracing::dispatcher::with_default(&dispatch, || {
        let outer = info_span!("outer", user = Empty);
        let inner = info_span!(parent: &outer, "inner");
        std::thread::scope(|scope| {
            scope.spawn(|| {
                tracing::dispatcher::with_default(&dispatch, || {
                    let _inner = inner.enter();
                    barrier.wait();
                    barrier.wait();
                    info!("on another thread");
                });
            });
            barrier.wait();
            outer.record("user", 42);
            barrier.wait();
        });
    });
    assert_eq!(capture.event("on another thread")["user"], 42);
}

#[test]
fn spans_may_be_left_in_any_order() {
    let capture = captured(|| {
        let (a, b) = (info_span!("a", a = 1), info_span!("b", b = 2));
        let in_a = a.enter();
        let in_b = b.enter();
        drop(in_a);
        info!("in b");
        drop(in_b);
        info!("outside");
        a.in_scope(|| info!("in a again"));
    });
    assert_eq!(capture.event("in b")["b"], 2);
    let outside = capture.event("outside");
    assert!(
        outside.get("a").is_none()
            && outside.get("b").is_none()
            && outside.get("trace_id").is_none()
    );
    let again = capture.event("in a again");
    assert!(again.get("b").is_none() && again["a"] == 1);
}

#[test]
fn the_last_handle_ends_a_span() {
    let (engine, capture) = Capture::start();
    let dispatch = tracing::Dispatch::new(subscriber(engine.logger()));
    tracing::dispatcher::with_default(&dispatch, || {
        let span = info_span!("travels", id = 7);
        let other = span.clone();
        std::thread::spawn(move || drop(span)).join().unwrap();
        assert!(capture.events_named("span.end").is_empty());
        std::thread::spawn(move || drop(other)).join().unwrap();
    });
    assert_eq!(capture.event("span.end")["id"], 7);
}

#[test]
fn a_parent_stays_open_for_its_children() {
    let capture = captured(|| {
        let outer = info_span!("outer");
        let inner = info_span!(parent: &outer, "inner");
        drop(outer);
        inner.in_scope(|| info!("inside"));
    });
    let ends: Vec<String> =
        capture.events_named("span.end").iter().map(|end| end.text("span").to_owned()).collect();
    assert_eq!(ends, ["inner", "outer"]);
}

#[test]
fn a_panic_inside_ends_the_span_as_panicked() {
    let capture = captured(|| {
        let result = std::panic::catch_unwind(|| {
            let _span = info_span!("fails").entered();
            panic!("on purpose");
        });
        assert!(result.is_err());
        info!("after");
    });
    assert_eq!(capture.event("span.end").text("outcome"), "panicked");
    assert!(capture.event("after").get("span_id").is_none());
}

#[test]
fn two_subscribers_do_not_share_spans() {
    let ((one, one_log), (other, other_log)) = (Capture::start(), Capture::start());
    let (one, other) = (one.logger(), other.logger());
    let [one, other] = [one, other].map(|log| tracing::Dispatch::new(subscriber(log)));
    tracing::dispatcher::with_default(&one, || {
        let outer = info_span!("outer", outer = 1);
        let _outer = outer.enter();
        tracing::dispatcher::with_default(&other, || {
            let inner = info_span!("inner", inner = 2);
            let _inner = inner.enter();
            info!("of the other");
        });
        info!("of the one");
    });
    assert_eq!(other_log.event("of the other")["inner"], 2);
    let event = one_log.event("of the one");
    assert!(event["outer"] == 1 && event.get("inner").is_none());
    assert_eq!(one_log.event("span.end").text("span"), "outer");
    assert_eq!(other_log.event("span.end").text("span"), "inner");
}

#[tracing::instrument(level = "info", skip(secret), fields(answer = Empty), err)]
async fn instrumented(id: u64, secret: &str) -> Result<u64, std::num::ParseIntError> {
    info!("began");
    YieldOnce(false).await;
    Span::current().record("answer", id * 2);
    info!("went on");
    secret.parse()
}

/// Pending once.
struct YieldOnce(bool);

impl Future for YieldOnce {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Task<'_>) -> Poll<()> {
        match std::mem::replace(&mut self.0, true) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

#[test]
fn instrumented_functions_have_their_arguments() {
    let capture = captured(|| {
        let mut future = Box::pin(instrumented(21, "not a number"));
        let mut task = Task::from_waker(Waker::noop());
        assert!(future.as_mut().poll(&mut task).is_pending());
        info!("between");
        assert!(future.as_mut().poll(&mut task).is_ready());
    });
    assert_eq!(capture.event("began")["id"], 21);
    assert_eq!(capture.event("went on")["answer"], 42);
    assert!(capture.event("between").get("id").is_none());
    let failed =
        capture.events().into_iter().find(|event| event.level() == Some(Level::Error)).unwrap();
    assert_eq!(failed["id"], 21);
    let end = capture.event("span.end");
    assert_eq!((end.text("span"), end["answer"].as_i64()), ("instrumented", Some(42)));
}

#[test]
fn a_thousand_interleaved_tasks_keep_their_fields() {
    let capture = captured(|| {
        let mut tasks: Vec<Pin<Box<dyn Future<Output = ()>>>> = (0..1000)
            .map(|id: u64| {
                let task = async move {
                    for step in 0..3 {
                        info!(id_inside = id, step, "stepped");
                        YieldOnce(false).await;
                    }
                };
                let task: Pin<Box<dyn Future<Output = ()>>> =
                    Box::pin(task.instrument(info_span!("task", id)));
                task
            })
            .collect();
        let mut context = Task::from_waker(Waker::noop());
        while !tasks.is_empty() {
            tasks.retain_mut(|task| task.as_mut().poll(&mut context).is_pending());
        }
    });
    let events = capture.events_named("stepped");
    assert_eq!(events.len(), 3000);
    assert!(events.iter().all(|event| event["id"].as_i64() == event["id_inside"].as_i64()));
    assert_eq!(capture.events_named("span.end").len(), 1000);
}

/// Logs when it is dropped.
struct LogsLast;

impl Drop for LogsLast {
    fn drop(&mut self) {
        info!("dropped");
    }
}

#[test]
fn a_destructor_logs_inside_its_span() {
    let capture = captured(|| {
        let task = async {
            let _last = LogsLast;
            YieldOnce(false).await;
        };
        let mut task = Box::pin(task.instrument(info_span!("task", id = 7)));
        assert!(task.as_mut().poll(&mut Task::from_waker(Waker::noop())).is_pending());
    });
    assert_eq!(capture.event("dropped")["id"], 7);
}

#[test]
fn late_fields_outlive_contexts_inside_of_their_span() {
    let capture = captured(|| {
        let span = info_span!("outer", late = Empty);
        let _outer = span.enter();
        Context::new().run(|| {
            span.record("late", 1);
            info!("in another context");
        });
        info!("after");
    });
    assert!(capture.event("in another context").get("late").is_none());
    assert_eq!(capture.event("after")["late"], 1);
}

#[test]
fn late_fields_stay_out_of_other_contexts() {
    let capture = captured(|| {
        let span = info_span!("outer", late = Empty);
        let context = Context::new().with(fields! { job = 7 });
        let job = async {
            Span::current().record("late", 1);
            info!("in the job");
            YieldOnce(false).await;
            info!("in the job again");
        };
        let task = async {
            job.in_context(context).await;
            info!("after the job");
        };
        let mut task = Box::pin(task.instrument(span));
        let mut waker = Task::from_waker(Waker::noop());
        assert!(task.as_mut().poll(&mut waker).is_pending());
        info!("between");
        assert!(task.as_mut().poll(&mut waker).is_ready());
    });
    for name in ["in the job", "in the job again"] {
        let event = capture.event(name);
        assert_eq!(
            (event.get("late").is_some(), event["job"].as_i64()),
            (false, Some(7)),
            "{name}"
        );
    }
    assert_eq!(capture.event("after the job")["late"], 1);
    assert!(capture.event("between").get("late").is_none());
}

#[test]
fn a_span_of_another_subscriber_is_unknown() {
    let ((one, _log), (other, other_log)) = (Capture::start(), Capture::start());
    let (one, other) = (one.logger(), other.logger());
    let [one, other] = [one, other].map(|log| tracing::Dispatch::new(subscriber(log)));
    let of_one = tracing::dispatcher::with_default(&one, || info_span!("of one", a = 1));
    tracing::dispatcher::with_default(&other, || {
        let _of_other = info_span!("of other", b = 2);
        info!(parent: &of_one, "inside of none");
    });
    let event = other_log.event("inside of none");
    assert!(event.get("a").is_none() && event.get("b").is_none(), "{event:?}");
}

#[test]
fn a_long_chain_of_parents_ends() {
    let (engine, _capture) = Capture::start();
    let options = Options::new().span_lines(SpanEvents::Off);
    let dispatch = tracing::Dispatch::new(subscriber(engine.logger()).with_options(options));
    let thread = std::thread::Builder::new().stack_size(256 << 10);
    let chain = move || {
        tracing::dispatcher::with_default(&dispatch, || {
            let mut span = info_span!("first");
            for _ in 0..20_000 {
                span = info_span!(parent: &span, "next");
            }
        });
    };
    thread.spawn(chain).unwrap().join().unwrap();
}

#[test]
fn a_span_with_repeated_fields_shows_the_last() {
    let capture = captured(|| {
        info_span!("repeated", a = 1, a = 2).in_scope(|| info!("inside"));
    });
    assert_eq!(capture.event("inside")["a"], 2);
}
