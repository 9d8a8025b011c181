//! The whole grammar of the macros, checked by the lines that arrive.
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ringseal::testing::{Capture, CapturedEvent};
use ringseal::{
    Config, Engine, Level, Logger, critical, debug, error, event, fields, info, trace, warn,
};

/// Without redaction, which is not tested here.
fn plain() -> Config {
    Config::new().level(Level::Trace).panic_hook(false).no_redaction()
}

/// The event that `log` leaves, without the fields of every line.
fn logged(log: impl FnOnce(&Engine)) -> CapturedEvent {
    let mut events = all_logged(log);
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

fn all_logged(log: impl FnOnce(&Engine)) -> Vec<CapturedEvent> {
    let (engine, capture) = Capture::start_with(plain());
    log(&engine);
    engine.flush().unwrap();
    capture.events()
}

/// The user's keys and values.
fn own(event: &CapturedEvent) -> Vec<(&str, &str)> {
    let engines = ["timestamp", "level", "target", "event", "run_id", "schema_version"];
    let fields = event.fields().iter().map(|(key, _)| (key.as_str(), event.text(key)));
    fields.filter(|(key, _)| !engines.contains(key)).collect()
}

macro_rules! assert_fields {
    ($log:expr, [$(($key:expr, $value:expr)),* $(,)?]) => {
        assert_eq!(own(&logged($log)), [$(($key, $value)),*] as [(&str, &str); _])
    };
}

struct Shown;

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("shown")
    }
}

#[derive(Debug)]
struct Debugged;

struct User {
    id: u64,
    name: String,
    r#type: &'static str,
    shown: Shown,
    debugged: Debugged,
}

fn user() -> User {
    User { id: 9, name: "ada".into(), r#type: "admin", shown: Shown, debugged: Debugged }
}

#[test]
fn a_name_alone_is_an_event() {
    let event = logged(|log| info!(log, "started"));
    assert_eq!(event.text("event"), "started");
    assert_eq!(event.text("level"), "info");
    assert_eq!(event.text("target"), "macro_grammar");
    assert_fields!(|log| info!(log, "started",), []);
}

#[test]
fn keys_are_dotted_quoted_raw_and_keywords() {
    assert_fields!(
        |log| info!(
            log,
            "keys",
            plain = 1,
            user.id = 2,
            http.request.method = 3,
            "any text, \"quoted\"" = 4,
            "ключ" = 5,
            r#type = 6,
            error.type = 7,
            user.r#type = 8,
            match = 9,
            self.fn.async = 10,
        ),
        [
            ("plain", "1"),
            ("user.id", "2"),
            ("http.request.method", "3"),
            ("any text, \"quoted\"", "4"),
            ("ключ", "5"),
            ("type", "6"),
            ("error.type", "7"),
            ("user.type", "8"),
            ("match", "9"),
            ("self.fn.async", "10"),
        ]
    );
}

#[test]
fn values_are_plain_displayed_and_debugged() {
    let (shown, debugged) = (Shown, Debugged);
    assert_fields!(
        |log| info!(
            log,
            "values",
            a = %shown,
            b = ?debugged,
            "c" = %Shown,
            "d" = ?Some(Debugged),
            e.f = %1 + 1,
            e.g = ?"x",
            h = 3 * (2 + 1),
            i = if true { "yes" } else { "no" },
            j = -1,
            k = !0u8,
            l = &&"borrowed"
        ),
        [
            ("a", "shown"),
            ("b", "Debugged"),
            ("c", "shown"),
            ("d", "Some(Debugged)"),
            ("e.f", "2"),
            ("e.g", "\"x\""),
            ("h", "9"),
            ("i", "yes"),
            ("j", "-1"),
            ("k", "255"),
            ("l", "borrowed"),
        ]
    );
}

#[test]
fn in_shorthand_the_key_is_the_expression() {
    let (id, name, shown, debugged) = (7, "x", Shown, Debugged);
    let user = user();
    assert_fields!(
        |log| info!(
            log,
            "shorthand",
            id,
            name,
            %shown,
            ?debugged,
            user.id,
            user.name,
            user.r#type,
            %user.shown,
            ?user.debugged,
        ),
        [
            ("id", "7"),
            ("name", "x"),
            ("shown", "shown"),
            ("debugged", "Debugged"),
            ("user.id", "9"),
            ("user.name", "ada"),
            ("user.type", "admin"),
            ("user.shown", "shown"),
            ("user.debugged", "Debugged"),
        ]
    );
    let r#type = "raw";
    assert_fields!(|log| info!(log, "raw", r#type), [("type", "raw")]);
    assert_fields!(|log| info!(log, "first", %shown), [("shown", "shown")]);
    assert_fields!(
        |log| info!(log, "first", ?debugged, id),
        [("debugged", "Debugged"), ("id", "7")]
    );
}

#[test]
fn self_is_an_ordinary_expression() {
    struct Service {
        port: u16,
    }
    impl Service {
        fn start(&self, log: &Engine) {
            info!(log, "started", self.port);
        }
    }
    assert_fields!(|log| Service { port: 80 }.start(log), [("self.port", "80")]);
}

#[test]
fn a_call_may_name_target_and_logger() {
    const TARGET: &str = "exchange::gateway";
    let events = all_logged(|log| {
        info!(target: "a::b", log, "one", id = 1);
        info!(target: TARGET, log, "two");
        info!(target: concat!("x", "::y"), log, "three",);
        event!(target: "c", log, Level::Warn, "four", id = 4);
    });
    let targets: Vec<&str> = events.iter().map(|event| event.text("target")).collect();
    assert_eq!(targets, ["a::b", "exchange::gateway", "x::y", "c"]);
}

#[test]
fn every_level_has_its_macro() {
    let events = all_logged(|log| {
        trace!(log, "e");
        debug!(log, "e");
        info!(log, "e");
        warn!(log, "e");
        error!(log, "e");
        critical!(log, "e");
        event!(log, Level::Trace, "e");
        event!(log, Level::Critical, "e", a = 1);
        const LEVEL: Level = Level::Warn;
        event!(log, LEVEL, "e",);
    });
    let levels: Vec<&str> = events.iter().map(|event| event.text("level")).collect();
    let expected =
        ["trace", "debug", "info", "warn", "error", "critical", "trace", "critical", "warn"];
    assert_eq!(levels, expected);
}

#[test]
fn everything_that_references_an_engine_is_a_logger() {
    struct State {
        log: Arc<Logger>,
    }
    let (engine, capture) = Capture::start_with(plain());
    let logger = engine.logger();
    let state = State { log: Arc::new(engine.logger().bind(fields! { n = 9 })) };
    let boxed = Box::new(engine.logger());
    info!(engine, "by_engine");
    info!(&engine, "by_reference");
    info!(logger, "by_logger");
    info!(&&logger, "by_references");
    info!(state.log, "by_arc", a = 1);
    info!(&state.log, "by_arc_reference");
    info!(engine.logger(), "by_temporary");
    info!(engine.logger().bind(fields! { b = 2 }), "by_temporary_with_fields");
    info!(*boxed, "by_box");
    let shared = Arc::new(engine);
    info!(shared, "by_shared_engine");
    shared.flush().unwrap();
    let events = capture.events();
    assert_eq!(events.len(), 10);
    assert_eq!(own(&events[4]), [("a", "1"), ("n", "9")]);
    assert_eq!(own(&events[7]), [("b", "2")]);
}

#[test]
fn numbers_texts_and_times_of_every_kind() {
    let id = uuid();
    let text = String::from("owned");
    let time = UNIX_EPOCH + Duration::from_millis(1_763_060_400_123);
    let peer: IpAddr = Ipv4Addr::LOCALHOST.into();
    assert_fields!(
        |log| info!(
            log,
            "kinds",
            a = 100,
            b = -5i8,
            c = u128::MAX,
            d = i128::MIN,
            e = 1.5,
            f = 0.1f32,
            g = f64::NAN,
            h = true,
            i = 'ß',
            j = "text",
            k = text,
            l = &text,
            m = b"bytes",
            n = time,
            o = peer,
            p = id,
            q = (),
            r = usize::MAX,
            s = 1e300,
            t = format_args!("{}-{}", 1, 2),
            u = "line\nbreak",
        ),
        [
            ("a", "100"),
            ("b", "-5"),
            ("c", "340282366920938463463374607431768211455"),
            ("d", "-170141183460469231731687303715884105728"),
            ("e", "1.5"),
            ("f", "0.1"),
            ("g", "NaN"),
            ("h", "true"),
            ("i", "ß"),
            ("j", "text"),
            ("k", "owned"),
            ("l", "owned"),
            ("m", "bytes"),
            ("n", "2025-11-13T19:00:00.123000000Z"),
            ("o", "127.0.0.1"),
            ("p", "00010203-0405-0607-0809-0a0b0c0d0e0f"),
            ("q", "null"),
            ("r", "18446744073709551615"),
            ("s", "1e+300"),
            ("t", "1-2"),
            ("u", "line\nbreak"),
        ]
    );
    assert_eq!(text, "owned", "a value is borrowed, never moved");
}

fn uuid() -> ringseal::value::Uuid {
    ringseal::value::Uuid(std::array::from_fn(|index| index as u8))
}

#[test]
fn a_durations_unit_follows_its_key() {
    let took = Duration::from_nanos(1_500_250);
    assert_fields!(
        |log| info!(log, "took", took, took_ms = took, took_us = took, took_ns = took, t.ms = took),
        [
            ("took", "0.00150025"),
            ("took_ms", "1.50025"),
            ("took_us", "1500.25"),
            ("took_ns", "1500250"),
            ("t.ms", "1.50025"),
        ]
    );
}

#[test]
fn options_arrays_and_maps() {
    use ringseal::value::Map;
    use std::collections::BTreeMap;
    let some = Some(SystemTime::UNIX_EPOCH);
    let none: Option<&str> = None;
    let prices = vec![1.5, 2.0];
    let tree = BTreeMap::from([("a", vec![1, 2]), ("b", vec![])]);
    assert_fields!(
        |log| info!(
            log,
            "containers",
            none,
            some,
            a = Some("x"),
            b = [1, 2, 3],
            c = ["x", "y"],
            prices,
            d = &prices[..1],
            e = [[1u16, 2], [3, 4]],
            tree,
            user = Map(&[("id", &42), ("tags", &["a", "b"])]),
        ),
        [
            ("none", "null"),
            ("some", "1970-01-01T00:00:00.000000000Z"),
            ("a", "x"),
            ("b", "[1,2,3]"),
            ("c", "[\"x\",\"y\"]"),
            ("prices", "[1.5,2.0]"),
            ("d", "[1.5]"),
            ("e", "[[1,2],[3,4]]"),
            ("tree", "{\"a\":[1,2],\"b\":[]}"),
            ("user", "{\"id\":42,\"tags\":[\"a\",\"b\"]}"),
        ]
    );
}

#[test]
fn forty_fields_in_one_event() {
    let event = logged(|log| {
        info!(
            log, "many", a0 = 0, a1 = 1, a2 = 2, a3 = 3, a4 = 4, a5 = 5, a6 = 6, a7 = 7, a8 = 8,
            a9 = 9, b0 = 10, b1 = 11, b2 = 12, b3 = 13, b4 = 14, b5 = 15, b6 = 16, b7 = 17,
            b8 = 18, b9 = 19, c0 = 20, c1 = 21, c2 = 22, c3 = 23, c4 = 24, c5 = 25, c6 = 26,
            c7 = 27, c8 = 28, c9 = 29, d0 = 30, d1 = 31, d2 = 32, d3 = 33, d4 = 34, d5 = 35,
            d6 = 36, d7 = %37, d8 = ?38, d9.x = 39
        );
    });
    let values: Vec<usize> = own(&event).iter().map(|(_, value)| value.parse().unwrap()).collect();
    assert_eq!(values, (0..40).collect::<Vec<_>>());
}

#[test]
fn event_fields_override_bound_fields() {
    let (id, shown) = (7, Shown);
    let (engine, capture) = Capture::start_with(plain());
    let log =
        engine.logger().bind(fields! { id, %shown, http.request.method = "POST", "k v" = ?1, });
    let inner = log.bind(fields! { id = 8, error.type = "x" });
    let empty = inner.bind(fields! {});
    info!(log, "outer");
    info!(inner, "inner");
    info!(empty, "empty", shown = "mine", a = 1);
    engine.flush().unwrap();
    let events = capture.events();
    let outer = [("id", "7"), ("shown", "shown"), ("http.request.method", "POST"), ("k v", "1")];
    assert_eq!(own(&events[0]), outer);
    let inner = [outer[1], outer[2], outer[3], ("id", "8"), ("error.type", "x")];
    assert_eq!(own(&events[1]), inner);
    let empty =
        [("shown", "mine"), ("a", "1"), outer[2], outer[3], ("id", "8"), ("error.type", "x")];
    assert_eq!(own(&events[2]), empty);
}
