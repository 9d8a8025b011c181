//! Events have the context of the scope that their thread is in, and never another one's.
use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::prelude::*;
use ringseal::testing::{Capture, CapturedEvent};
use ringseal::{
    Config, Context, ContextScope, Correlation, Engine, Format, Level, Sampling, fields, info,
};

const TRACE: [u8; 16] = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128.to_be_bytes();
const TRACE_TEXT: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: [u8; 16] = 0x00f0_67aa_0ba9_02b7_0000_0000_0000_0000_u128.to_be_bytes();
const SPAN_TEXT: &str = "00f067aa0ba902b7";
const IDS: Correlation = Correlation::new(TRACE, SPAN);

fn numbered(number: u64) -> Context {
    Context::new().with(fields! { number })
}

/// The number of the context that an event logged now has.
fn current(engine: &Engine, capture: &Capture) -> Option<u64> {
    info!(engine, "probe");
    number_of(&capture.events().pop().unwrap())
}

fn number_of(event: &CapturedEvent) -> Option<u64> {
    event.get("number").map(|_| event.text("number").parse().unwrap())
}

#[test]
fn ids_are_shown_as_hexadecimal() {
    let whole = [0xAB; 16];
    let mut last_bit = SPAN;
    last_bit[15] = 1;
    for is_sorted in [false, true] {
        let (engine, capture) = Capture::start_with(Config::new().sort_keys(is_sorted));
        for (trace, span, expected) in [
            (TRACE, SPAN, (Some(TRACE_TEXT), Some(SPAN_TEXT))),
            (TRACE, whole, (Some(TRACE_TEXT), Some("abababababababababababababababab"))),
            (TRACE, last_bit, (Some(TRACE_TEXT), Some("00f067aa0ba902b70000000000000001"))),
            (TRACE, [0; 16], (Some(TRACE_TEXT), None)),
            ([0; 16], SPAN, (None, Some(SPAN_TEXT))),
            ([0; 16], [0; 16], (None, None)),
        ] {
            Correlation::new(trace, span).run(|| info!(engine, "seen", first = 1));
            let event = capture.events().pop().unwrap();
            let shown = |key| event.get(key).map(|_| event.text(key));
            assert_eq!((shown("trace_id"), shown("span_id")), expected, "sorted: {is_sorted}");
        }
    }
}

/// Precedence: the call, the logger, the ambient context, the ids, the fields of every line.
#[test]
fn the_nearest_field_wins_and_keys_are_unique() {
    for (is_sorted, with_bound, with_ambient, with_own) in
        (0..16).map(|bits| (bits & 1 != 0, bits & 2 != 0, bits & 4 != 0, bits & 8 != 0))
    {
        let config = Config::new().no_redaction().sort_keys(is_sorted);
        let every = fields! { trace_id = "every", span_id = "every", a = "every", b = "every", c = "every" };
        let (engine, capture) = Capture::start_with(config.fields(every));
        let bound = fields! { trace_id = "bound", a = "bound", b = "bound" };
        let log = engine.logger();
        let log = if with_bound { log.bind(bound) } else { log };
        let ambient = fields! { trace_id = "ambient", a = "ambient", b = "ambient", c = "ambient", d = "ambient" };
        let context = Context::new().with_correlation(IDS);
        let context = if with_ambient { context.with(ambient) } else { context };
        context.run(|| match with_own {
            true => info!(log, "seen", trace_id = "own", a = "own"),
            false => info!(log, "seen", x = 1),
        });
        let event = capture.event("seen");
        let nearest = |own: bool, bound: bool, id: &'static str| match () {
            () if own && with_own => "own",
            () if bound && with_bound => "bound",
            () if with_ambient => "ambient",
            () => id,
        };
        for (key, expected) in [
            ("trace_id", nearest(true, true, TRACE_TEXT)),
            ("span_id", SPAN_TEXT),
            ("a", nearest(true, true, "every")),
            ("b", nearest(false, true, "every")),
            ("c", nearest(false, false, "every")),
        ] {
            let case = format!("{key} {is_sorted} {with_bound} {with_ambient} {with_own}");
            assert_eq!(event.text(key), expected, "{case}");
            let count = event.fields().iter().filter(|(other, _)| other == key).count();
            assert_eq!(count, 1, "{case}");
        }
        assert_eq!(event.get("d").is_some(), with_ambient);
    }
}

#[test]
fn the_console_shows_a_scope() {
    let sink = ringseal::sink::memory::MemorySink::new();
    let log = sink.log();
    let output = ringseal::Output::custom(sink).format(Format::Console);
    let engine = Engine::start(Config::new().output(output)).unwrap();
    let context = Context::new().with(fields! { a = 1, b = 2 }).with_correlation(IDS);
    context.run(|| info!(engine.logger().bind(fields! { b = 3 }), "seen", span_id = "own"));
    engine.flush().unwrap();
    let lines = log.lines();
    let line = lines.iter().find(|line| line.contains("seen")).unwrap();
    assert!(
        line.contains(&format!("seen span_id=own b=3 a=1 trace_id={TRACE_TEXT} target=")),
        "{line}"
    );
}

/// Two tables: contexts whose numbers are equal do not evict each other, and none is shown for another.
#[test]
fn bound_and_ambient_contexts_ride_together() {
    let (engine, capture) = Capture::start();
    let log = engine.logger();
    let loggers: Vec<_> = (0..50u64).map(|bound| log.bind(fields! { bound })).collect();
    let contexts: Vec<_> = (0..1100u64).map(numbered).collect();
    let mut expected = Vec::new();
    for (step, context) in contexts.iter().cycle().take(2500).enumerate() {
        let bound = step * 7 % loggers.len();
        context.run(|| info!(loggers[bound], "both", step));
        expected.push((step as u64, bound as u64, (step % contexts.len()) as u64));
    }
    let found: Vec<_> = capture
        .events()
        .iter()
        .filter(|event| event.text("event") == "both")
        .map(|event| {
            let number = |key: &str| event.text(key).parse::<u64>().unwrap();
            (number("step"), number("bound"), number("number"))
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn a_scope_ends_those_inside_it() {
    let (engine, capture) = Capture::start();
    let now = || current(&engine, &capture);
    let outer = numbered(1).enter();
    let first = numbered(2).enter();
    let second = numbered(3).enter();
    drop(first);
    assert_eq!(now(), Some(1));
    let third = numbered(4).enter();
    let fourth = numbered(5).enter();
    drop(second);
    assert_eq!(now(), Some(5), "the second scope had ended before");
    drop(third);
    assert_eq!(now(), Some(1));
    drop((fourth, outer));
    assert_eq!(now(), None);
}

#[test]
fn a_panic_ends_its_scopes() {
    let (engine, capture) = Capture::start();
    let outer = numbered(1).enter();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        numbered(2).run(|| {
            let _inner = numbered(3).enter();
            panic!("inside two scopes");
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(current(&engine, &capture), Some(1));
    drop(outer);
    assert_eq!(current(&engine, &capture), None);
}

#[test]
fn a_forgotten_scope_ends_with_the_outer_one() {
    let (engine, capture) = Capture::start();
    numbered(1).run(|| {
        mem::forget(numbered(2).enter());
        assert_eq!(current(&engine, &capture), Some(2));
    });
    assert_eq!(current(&engine, &capture), None);
}

#[test]
fn a_thread_begins_without_a_scope() {
    let (engine, capture) = Capture::start();
    let context = numbered(1).with_correlation(IDS);
    context.run(|| {
        // Each thread takes the ring that the one before it has left in a scope.
        for round in 0..5u64 {
            std::thread::scope(|scope| {
                let thread = scope.spawn(|| {
                    info!(engine, "fresh", round);
                    mem::forget(numbered(2).enter());
                    info!(engine, "entered", round);
                });
                thread.join().unwrap();
            });
        }
        let inherited = Context::current();
        std::thread::scope(|scope| {
            scope.spawn(|| inherited.run(|| info!(engine, "inherited")));
        });
    });
    for event in capture.events() {
        let expected = match event.text("event") {
            "fresh" => (None, false),
            "entered" => (Some(2), false),
            "inherited" => (Some(1), true),
            _ => continue,
        };
        assert_eq!((number_of(&event), event.get("trace_id").is_some()), expected);
    }
}

/// Enters a scope while it is formatted, and may leave it to the caller.
struct Entering {
    is_kept: bool,
}

impl fmt::Display for Entering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scope = numbered(9).enter();
        if self.is_kept {
            mem::forget(scope);
        }
        f.write_str("entered")
    }
}

#[test]
fn a_value_may_enter_a_scope() {
    let (engine, capture) = Capture::start();
    info!(engine, "first", value = %Entering { is_kept: false });
    assert_eq!(number_of(&capture.event("first")), None);
    assert_eq!(current(&engine, &capture), None);
    numbered(1).run(|| {
        info!(engine, "second", value = %Entering { is_kept: true });
        assert_eq!(number_of(&capture.event("second")), Some(1), "the scope when the call began");
        assert_eq!(current(&engine, &capture), Some(9));
    });
    assert_eq!(current(&engine, &capture), None);
    info!(engine, "third", value = %Entering { is_kept: true });
    assert_eq!(current(&engine, &capture), Some(9));
}

#[test]
fn all_engines_of_a_thread_see_its_scope() {
    let engines: Vec<_> = (0..3).map(|_| Capture::start()).collect();
    for (engine, capture) in &engines {
        assert_eq!(current(engine, capture), None);
    }
    numbered(1).run(|| {
        let late = Capture::start();
        for (engine, capture) in engines.iter().chain([&late]) {
            assert_eq!(current(engine, capture), Some(1));
            assert_eq!(current(engine, capture), Some(1));
        }
    });
    for (engine, capture) in &engines {
        assert_eq!(current(engine, capture), None);
    }
}

/// Formatted, nested, oversized, sampled and run-time events take other paths than plain ones.
#[test]
fn every_kind_of_event_has_its_scope() {
    let half = Sampling::new().targets_from("scope=info,whole=0.999999999").unwrap();
    let config = Config::new().sampling(half).ring_bytes(64 << 10);
    let (engine, capture) = Capture::start_with(config);
    let long = "long ".repeat(5000);
    let log = engine.logger().bind(fields! { bound = "yes" });
    numbered(1).with_correlation(IDS).run(|| {
        info!(engine, "plain", a = 1, b = "text");
        info!(engine, "formatted", list = ?[1, 2]);
        info!(engine, "nested", list = [1, 2]);
        info!(engine, "long", long);
        info!(engine, "longest", one = long, two = %long, three = long, four = %long, five = long);
        info!(target: "whole", engine, "sampled", x = 1);
        info!(target: "whole", engine, "own_trace", trace_id = TRACE_TEXT);
        info!(log, "bound", x = 1);
        engine.logger().dynamic(Level::Info, "foreign", "dynamic", &|out| out.entry("x", &1));
    });
    for name in [
        "plain",
        "formatted",
        "nested",
        "long",
        "longest",
        "sampled",
        "own_trace",
        "bound",
        "dynamic",
    ] {
        let event = capture.event(name);
        assert_eq!(number_of(&event), Some(1), "{name}");
        assert_eq!(
            (event.text("trace_id"), event.text("span_id")),
            (TRACE_TEXT, SPAN_TEXT),
            "{name}"
        );
        assert_eq!(event.get("bound").is_some(), name == "bound");
    }
}

#[test]
fn a_trace_is_sampled_as_a_whole() {
    let half = Sampling::new().targets_from("scope=info,half=0.5").unwrap();
    let (engine, capture) = Capture::start_with(Config::new().sampling(half));
    let mut kept = TRACE;
    kept[9..].fill(0xFF);
    let mut dropped = TRACE;
    dropped[9..].fill(0);
    for (name, trace, expected) in [("kept", kept, 40), ("dropped", dropped, 0)] {
        Correlation::new(trace, SPAN).run(|| {
            for index in 0..20 {
                info!(target: "half", engine, "one", name, index);
                info!(target: "half", engine, "two", name, index, text = ?index);
            }
        });
        let events = capture.events();
        let count = events
            .iter()
            .filter(|event| event.get("name").is_some_and(|_| event.text("name") == name));
        assert_eq!(count.count(), expected, "{name}");
    }
}

#[test]
fn ambient_fields_are_redacted() {
    let (engine, capture) = Capture::start();
    let context = Context::new().with(fields! { password = "hunter2", mail = "ann@example.com" });
    context.run(|| info!(engine, "seen"));
    let event = capture.event("seen");
    assert!(!event.text("password").contains("hunter2") && !event.text("mail").contains("ann@"));
}

#[test]
fn the_own_events_have_no_scope() {
    let (engine, capture) = Capture::start();
    numbered(1).with_correlation(IDS).run(|| engine.set_filter("debug".parse().unwrap()));
    let event = capture.event("ringseal.filter_changed");
    assert!(event.get("number").is_none() && event.get("trace_id").is_none());
}

#[test]
fn an_ending_thread_may_log() {
    struct LogsWhenDropped(Engine, Option<ContextScope>);
    impl Drop for LogsWhenDropped {
        fn drop(&mut self) {
            let late = numbered(3).enter();
            info!(self.0, "ending");
            drop((late, self.1.take()));
            info!(self.0, "ended");
        }
    }
    thread_local! {
        static LAST: std::cell::RefCell<Option<LogsWhenDropped>> = const { std::cell::RefCell::new(None) };
    }
    let (engine, capture) = Capture::start();
    std::thread::spawn(move || {
        LAST.with(|last| *last.borrow_mut() = Some(LogsWhenDropped(engine, None)));
        LAST.with(|last| last.borrow_mut().as_mut().unwrap().1 = Some(numbered(2).enter()));
    })
    .join()
    .unwrap();
    assert!(capture.events().iter().any(|event| event.text("event") == "ended"));
}

#[derive(Debug, Clone)]
enum Step {
    Enter(u64),
    /// Ends one of the scopes.
    Leave(prop::sample::Index),
    Forget(prop::sample::Index),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..100u64).prop_map(Step::Enter),
        3 => any::<prop::sample::Index>().prop_map(Step::Leave),
        1 => any::<prop::sample::Index>().prop_map(Step::Forget),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The model is a stack of numbers.
    #[test]
    fn scopes_end_as_in_the_model(steps in prop::collection::vec(any_step(), 1..40)) {
        let (engine, capture) = Capture::start();
        let mut model: Vec<(usize, u64)> = Vec::new();
        let mut held: Vec<(usize, ContextScope)> = Vec::new();
        // Forgotten scopes end with this one.
        Context::new().run(|| {
            for (id, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Enter(number) => {
                        held.push((id, numbered(number).enter()));
                        model.push((id, number));
                    }
                    Step::Leave(which) if !held.is_empty() => {
                        let (id, scope) = held.remove(which.index(held.len()));
                        drop(scope);
                        if let Some(index) = model.iter().position(|(other, _)| *other == id) {
                            model.truncate(index);
                        }
                    }
                    Step::Forget(which) if !held.is_empty() => {
                        mem::forget(held.remove(which.index(held.len())).1);
                    }
                    _ => {}
                }
                let expected = model.last().map(|(_, number)| *number);
                prop_assert_eq!(current(&engine, &capture), expected);
            }
            Ok(())
        })?;
        prop_assert_eq!(current(&engine, &capture), None);
    }
}
