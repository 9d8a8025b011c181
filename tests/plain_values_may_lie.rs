//! Values of a caller's own types on the path that writes events without measuring twice: they may log, panic, or be
//! wrong about their size. No event is damaged or lost by it.
use std::panic::{AssertUnwindSafe, catch_unwind};

use ringseal::testing::Capture;
use ringseal::value::{Value, ValueWriter};
use ringseal::{Engine, Limits, fields, info};

/// A value that is written as the text `long way` unless the plain path takes it.
struct Plain<'a> {
    sizes: [usize; 2],
    size: &'a dyn Fn(),
    put: &'a dyn for<'b> Fn(&'b mut [u8]) -> &'b mut [u8],
}

impl Value for Plain<'_> {
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        "long way".size_bytes_max(limits)
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        "long way".write(out);
    }

    fn plain_bytes(&self) -> usize {
        (self.size)();
        self.sizes[0]
    }

    fn text_bytes(&self) -> usize {
        (self.size)();
        self.sizes[1]
    }

    fn put<'b>(&self, out: &'b mut [u8]) -> &'b mut [u8] {
        (self.put)(out)
    }
}

/// Writes the number 7, as its sizes promise.
fn put_seven(out: &mut [u8]) -> &mut [u8] {
    7u64.put(out)
}

const SEVEN: Plain<'static> = Plain { sizes: [9, 0], size: &|| {}, put: &put_seven };

/// Logs an event without and with bound fields, so that the paths with a known context are taken too.
fn log(engine: &Engine, value: &Plain<'_>) {
    let log = engine.logger().bind(fields! { bound = 1 });
    info!(log, "first");
    info!(log, "event", before = 1, value = value, after = "text");
    info!(engine, "event", before = 1, value = value, after = "text");
    info!(engine, "next");
}

/// The events `event`, which must be two with correct neighbours of the value.
fn values(capture: &Capture) -> Vec<String> {
    let events: Vec<_> =
        capture.events().into_iter().filter(|event| event.name() == "event").collect();
    assert_eq!(events.len(), 2);
    for event in &events {
        assert!(event["before"] == 1 && event["after"] == "text", "{event:?}");
    }
    assert_eq!(capture.events().iter().filter(|event| event.name() == "next").count(), 1);
    events.iter().map(|event| event.text("value").to_owned()).collect()
}

#[test]
fn an_honest_value_takes_the_plain_path() {
    let (engine, capture) = Capture::start();
    log(&engine, &SEVEN);
    assert_eq!(values(&capture), ["7", "7"]);
}

#[test]
fn a_value_may_write_less_than_promised() {
    for sizes in [[10, 0], [9, 1], [1000, 0], [9, 1000]] {
        let (engine, capture) = Capture::start();
        log(&engine, &Plain { sizes, ..SEVEN });
        assert_eq!(values(&capture), ["long way", "long way"], "{sizes:?}");
    }
}

/// What is not written would be old bytes of the ring: parts of other events.
#[test]
fn a_value_may_write_more_than_promised() {
    for sizes in [[8, 0], [0, 0], [0, 8], [1, 0]] {
        let (engine, capture) = Capture::start();
        log(&engine, &Plain { sizes, ..SEVEN });
        assert_eq!(values(&capture), ["long way", "long way"], "{sizes:?}");
        assert_eq!(engine.metrics().record_errors, 0);
        info!(engine, "last", value = &Plain { sizes, ..SEVEN });
        info!(engine, "text", value = &Plain { sizes, ..SEVEN }, text = "x");
        assert_eq!(capture.event("last").text("value"), "long way");
        assert_eq!(capture.event("text").text("text"), "x");
    }
}

#[test]
fn absurd_sizes_go_the_long_way() {
    let max = usize::MAX;
    for sizes in [[max, 0], [0, max], [max, max], [max - 8, 9], [1025, 0], [9, 1 << 40]] {
        let (engine, capture) = Capture::start();
        log(&engine, &Plain { sizes, ..SEVEN });
        assert_eq!(values(&capture), ["long way", "long way"], "{sizes:?}");
    }
}

#[test]
fn a_value_may_log_while_it_is_measured() {
    let (engine, capture) = Capture::start();
    let inner = || info!(engine, "inner", text = "of the value");
    let noisy_size = Plain { size: &inner, ..SEVEN };
    log(&engine, &noisy_size);
    assert_eq!(values(&capture), ["7", "7"]);
}

#[test]
fn a_value_may_log_while_it_is_written() {
    // A closure that returns its argument's borrow needs a signature.
    fn signed<F: for<'b> Fn(&'b mut [u8]) -> &'b mut [u8]>(put: F) -> F {
        put
    }
    let (engine, capture) = Capture::start();
    let put = signed(|out| {
        info!(engine, "inner", text = "of the value");
        put_seven(out)
    });
    log(&engine, &Plain { put: &put, ..SEVEN });
    assert_eq!(values(&capture), ["7", "7"]);
    let inner: Vec<_> =
        capture.events().into_iter().filter(|event| event.name() == "inner").collect();
    assert_eq!(inner.len(), 2);
    assert!(inner.iter().all(|event| event["text"] == "of the value"));
}

#[test]
fn a_value_that_panics_leaves_nothing() {
    let (engine, capture) = Capture::start();
    info!(engine, "first");
    let value = Plain { put: &|_| panic!("a value's own"), ..SEVEN };
    let panicked = catch_unwind(AssertUnwindSafe(|| info!(engine, "event", value = &value)));
    assert!(panicked.is_err());
    info!(engine, "next", text = "after it");
    let names: Vec<_> = capture.events().iter().map(|event| event.name().to_owned()).collect();
    assert_eq!(names, ["first", "next"]);
}

#[test]
fn texts_over_a_limit_together_are_whole() {
    let (engine, capture) = Capture::start();
    let text = "x".repeat(16_000);
    info!(engine, "first");
    info!(engine, "event", one = &text, other = &text, none = "");
    let event = capture.event("event");
    assert!(event["one"] == *text && event["other"] == *text && event["none"] == "");
}
