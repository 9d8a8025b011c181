//! Where a macro may be used, what it evaluates and when, and which events pass.
use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};

use ringseal::testing::Capture;
use ringseal::{
    Config, Engine, Filter, Level, LevelFilter, debug, error, event, fields, info, trace, warn,
};

fn names(capture: &Capture) -> Vec<String> {
    let names = capture.events().into_iter().map(|event| event.text("event").to_owned());
    names.filter(|name| !name.starts_with("ringseal.")).collect()
}

fn start(filter: &str) -> (Engine, Capture) {
    Capture::start_with(Config::new().filter(filter.parse().unwrap()).panic_hook(false))
}

#[test]
fn a_disabled_call_evaluates_nothing_but_its_logger() {
    let (engine, capture) = start("warn");
    let counted = Cell::new(0);
    let count = || {
        counted.set(counted.get() + 1);
        counted.get()
    };
    info!(engine, "quiet", a = count(), b = %count(), c = ?count());
    event!(engine, Level::Debug, "quiet", a = count());
    assert_eq!(counted.get(), 0);
    warn!(engine, "loud", a = count(), b = %count(), c = ?count());
    assert_eq!(counted.get(), 3);
    engine.flush().unwrap();
    let event = capture.events().remove(0);
    assert_eq!(
        (event.text("a"), event.text("b"), event.text("c")),
        ("1", "2", "3"),
        "in their order"
    );
}

#[test]
fn levels_apply_per_target_and_change_live() {
    fn log_all(engine: &Engine) {
        debug!(target: "app", engine, "app_debug");
        info!(target: "app", engine, "app_info");
        trace!(target: "app::db::pool", engine, "pool_trace");
        error!(target: "noisy", engine, "noisy_error");
        warn!(target: "other", engine, "other_warn");
    }
    let (engine, capture) = start("warn,app=info,app::db=trace,noisy=off");
    log_all(&engine);
    engine.set_filter("error,noisy=trace".parse().unwrap());
    log_all(&engine);
    engine.set_filter(Filter::new(LevelFilter::Off));
    log_all(&engine);
    engine.set_filter(Filter::new(LevelFilter::AtLeast(Level::Trace)));
    log_all(&engine);
    engine.flush().unwrap();
    let first = ["app_info", "pool_trace", "other_warn"];
    let all = ["app_debug", "app_info", "pool_trace", "noisy_error", "other_warn"];
    let expected: Vec<&str> = first.into_iter().chain(["noisy_error"]).chain(all).collect();
    assert_eq!(names(&capture), expected);
}

#[test]
fn two_engines_filter_the_same_call_independently() {
    fn log(engine: &Engine, n: u32) {
        info!(engine, "shared", n);
    }
    let (quiet, quiet_capture) = start("error");
    let (loud, loud_capture) = start("trace");
    log(&quiet, 1);
    log(&loud, 2);
    quiet.set_filter("info".parse().unwrap());
    log(&quiet, 3);
    quiet.flush().unwrap();
    loud.flush().unwrap();
    let numbers = |capture: &Capture| -> Vec<String> {
        capture.events().iter().filter_map(|event| event.get_text("n").map(str::to_owned)).collect()
    };
    assert_eq!(
        (numbers(&quiet_capture), numbers(&loud_capture)),
        (vec!["3".into()], vec!["2".into()])
    );
}

#[test]
fn a_call_without_global_engine_evaluates_nothing() {
    fn not_here() -> u32 {
        panic!("must not be evaluated")
    }
    info!("nowhere", a = not_here());
}

#[test]
fn a_macro_is_an_expression_of_no_value() {
    let (engine, capture) = Capture::start();
    for n in 0..3 {
        match n {
            0 => info!(engine, "zero"),
            1 => info!(engine, "one", n),
            _ => warn!(target: "t", engine, "many", n,),
        }
    }
    let unit: () = info!(engine, "unit");
    let closure = |n: u32| info!(engine, "closure", n);
    closure(unit_len(unit));
    if true {
        info!(engine, "braces")
    } else {
        unreachable!()
    }
    let result: Result<(), &str> = "x".parse::<u8>().map(drop).map_err(|_| "x");
    result.unwrap_or_else(|reason| info!(engine, "or_else", reason));
    Some(1).into_iter().for_each(|n| info!(engine, "each", n));
    engine.flush().unwrap();
    let expected = ["zero", "one", "many", "unit", "closure", "braces", "or_else", "each"];
    assert_eq!(names(&capture), expected);
}

fn unit_len((): ()) -> u32 {
    0
}

#[test]
fn values_may_be_temporaries_and_leave_the_function() {
    fn length(engine: &Engine, text: &str) -> Result<usize, std::num::ParseIntError> {
        info!(engine, "parsed", n = text.parse::<usize>()?, upper = text.to_uppercase().as_str());
        Ok(text.len())
    }
    let (engine, capture) = Capture::start();
    assert_eq!(length(&engine, "123"), Ok(3));
    assert!(length(&engine, "x").is_err());
    let list = std::cell::RefCell::new(vec![1, 2, 3]);
    info!(
        engine,
        "temporaries",
        first = list.borrow().first().copied(),
        all = list.borrow().iter().map(|n| n.to_string()).collect::<Vec<_>>(),
        text = &format!("{}{}", 1, 2)[1..],
        block = {
            let n = 2;
            n * n
        },
        nested = {
            info!(engine, "inner");
            "outer"
        },
    );
    engine.flush().unwrap();
    assert_eq!(names(&capture), ["parsed", "inner", "temporaries"]);
    let event = &capture.events()[2];
    assert_eq!((event.text("first"), event.text("all")), ("1", "[\"1\",\"2\",\"3\"]"));
    assert_eq!(
        (event.text("text"), event.text("block"), event.text("nested")),
        ("2", "4", "outer")
    );
}

#[test]
fn user_names_do_not_clash_with_macro_names() {
    const CALLSITE: u32 = 1;
    const KEYS: u32 = 2;
    let (emitter, value, engine_) = (3, 4, 5);
    let (engine, capture) = Capture::start();
    let log = engine.logger().bind(fields! { k = KEYS });
    info!(log, "names", c = CALLSITE, emitter, value, engine_);
    engine.flush().unwrap();
    let event = capture.events().remove(0);
    let found = ["c", "emitter", "value", "engine_", "k"].map(|key| event.text(key));
    assert_eq!(found, ["1", "3", "4", "5", "2"]);
}

#[test]
fn a_generic_function_has_one_call_site() {
    fn generic<T: std::fmt::Display, const N: usize>(engine: &Engine, value: T) {
        info!(engine, "generic", value = %value, n = N, list = [N; 2]);
    }
    fn with_value<T: ringseal::value::Value + ?Sized>(engine: &Engine, value: &T) {
        info!(engine, "with_value", value);
    }
    let (engine, capture) = Capture::start();
    generic::<_, 3>(&engine, 1.5);
    generic::<_, 4>(&engine, "x");
    with_value(&engine, "str");
    with_value(&engine, &[1u32, 2]);
    engine.flush().unwrap();
    let values: Vec<String> =
        capture.events().iter().map(|event| event.text("value").to_owned()).collect();
    assert_eq!(values, ["1.5", "x", "str", "[1,2]"]);
    assert_eq!(capture.events()[1].text("list"), "[4,4]");
}

static LAZY: LazyLock<u32> = LazyLock::new(|| {
    info!("lazily_made", n = 7);
    7
});

const FROM_CONST: fn() = || info!("from_const", lazy = *LAZY);

#[test]
fn a_call_works_in_statics_and_constants() {
    FROM_CONST();
    assert_eq!(*LAZY, 7);
}

fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

/// Ready at the second poll, so that the caller is really suspended.
async fn later<T>(value: T) -> T {
    let mut is_first = true;
    std::future::poll_fn(move |_| {
        if std::mem::take(&mut is_first) { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    value
}

#[test]
fn a_future_that_logs_can_still_be_sent() {
    fn sendable<F: Future + Send>(future: F) -> F {
        future
    }
    let (engine, capture) = Capture::start();
    let log = engine.logger().bind(fields! { task = 1 });
    run(sendable(async {
        info!(log, "before");
        let n = later(3).await;
        info!(log, "awaiting", a = n, b = later("x").await, c = %later(4).await, d = ?n);
        info!("global", b = later("x").await);
    }));
    engine.flush().unwrap();
    let event = &capture.events()[1];
    assert_eq!(
        (event.text("a"), event.text("b"), event.text("c"), event.text("task")),
        ("3", "x", "4", "1")
    );
}

#[test]
fn an_event_inside_a_value_arrives() {
    struct Chatty<'a>(&'a Engine);
    impl std::fmt::Display for Chatty<'_> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            info!(self.0, "inner");
            f.write_str("outer")
        }
    }
    let (engine, capture) = Capture::start();
    info!(engine, "first");
    info!(engine, "chatty", value = %Chatty(&engine));
    engine.flush().unwrap();
    let mut names = names(&capture);
    names.sort();
    assert_eq!(names, ["chatty", "first", "inner"]);
}

#[test]
fn a_panicking_value_leaves_no_trace() {
    struct Panics;
    impl std::fmt::Display for Panics {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("half")?;
            panic!("a value's own")
        }
    }
    let (engine, capture) = Capture::start();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        info!(engine, "panics", a = 1, value = %Panics);
    }));
    assert!(panicked.is_err());
    info!(engine, "next");
    engine.flush().unwrap();
    assert_eq!(names(&capture), ["next"]);
}

#[test]
fn an_oversized_value_keeps_the_fields_after_it() {
    use ringseal::Limits;
    #[derive(Debug)]
    struct Link(u32);
    impl std::fmt::Display for Link {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "a message of some length, number {}", self.0)
        }
    }
    impl std::error::Error for Link {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            static DEEP: Link = Link(1);
            Some(&DEEP)
        }
    }
    let limits = Limits::default().with_value_bytes_max(40);
    let config = Config::new().level(Level::Trace).limits(limits).panic_hook(false);
    let (engine, capture) = Capture::start_with(config);
    let long = "x".repeat(100);
    info!(engine, "cut", text = long, shown = %long, bytes = long.as_bytes(), id = 7);
    error!(engine, "chain", error = Link(0), id = 8);
    engine.flush().unwrap();
    let events = capture.events();
    let kept = "x".repeat(40);
    assert_eq!(events[0]["text"], format!("{kept}…[truncated, 40 of 100 bytes]"));
    assert_eq!(events[0]["shown"], format!("{kept}…[truncated, 40 bytes kept]"));
    assert_eq!(events[0]["bytes"], format!("{kept}…[truncated, 40 of 100 bytes]"));
    assert_eq!((events[0].text("id"), events[1].text("id")), ("7", "8"));
    let metrics = engine.metrics();
    assert_eq!((metrics.truncated.of(Level::Info), metrics.truncated.of(Level::Error)), (1, 1));
    assert_eq!(metrics.record_errors, 0);
}

#[test]
fn run_time_changes_are_reported_at_every_level() {
    let (engine, capture) = start("info");
    engine.set_filter("error,noisy=trace".parse().unwrap());
    engine.set_sampling(ringseal::sample::Sampling::new().level(Level::Debug, 0.5).unwrap());
    engine.flush().unwrap();
    let told = capture.events();
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[0].text("event"), "ringseal.filter_changed");
    assert_eq!(told[0].text("filter"), "error,noisy=trace");
    assert_eq!(told[1].text("event"), "ringseal.sampling_changed");
    assert_eq!(told[1].text("sampling"), "level debug=0.5");
}
