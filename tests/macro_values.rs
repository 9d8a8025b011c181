//! Types that are values without `%` and `?`, and keys under which any value is accepted.
use std::sync::Arc;

use ringseal::system::{Clock, ManualClock};
use ringseal::testing::Capture;
use ringseal::value::Map;
use ringseal::{Config, Engine, Maybe, Start, fields, info, since};

/// The fields of the event that `log` leaves, as text, without those of every line. Nothing is redacted.
fn own(log: impl FnOnce(&Engine)) -> Vec<(String, String)> {
    let (engine, capture) = Capture::start_with(Config::new().no_redaction());
    log(&engine);
    let event = capture.event("seen");
    let engines = ["timestamp", "level", "target", "event", "run_id", "schema_version"];
    let keys = event.fields().iter().map(|(key, _)| key.as_str());
    let own = keys.filter(|key| !engines.contains(key));
    own.map(|key| (key.to_owned(), event.text(key).to_owned())).collect()
}

macro_rules! assert_fields {
    ($log:expr, [$(($key:expr, $value:expr)),* $(,)?]) => {
        assert_eq!(own($log), [$(($key.to_owned(), $value.to_owned())),*])
    };
}

#[test]
fn paths_and_texts_of_the_system_are_values() {
    use std::ffi::{CStr, CString, OsStr, OsString};
    use std::path::{Path, PathBuf};
    let (path, owned) = (Path::new("/etc/app.toml"), PathBuf::from("/tmp"));
    let (os, os_owned) = (OsStr::new("os"), OsString::from("os2"));
    let (c, c_owned): (&CStr, _) = (c"c", CString::from(c"c2"));
    assert_fields!(
        |log: &Engine| info!(
            log,
            "seen",
            path,
            owned,
            some = Some(path),
            list = [path],
            os,
            os_owned,
            c,
            c_owned,
            boxed = Box::<Path>::from(path)
        ),
        [
            ("path", "/etc/app.toml"),
            ("owned", "/tmp"),
            ("some", "/etc/app.toml"),
            ("list", "[\"/etc/app.toml\"]"),
            ("os", "os"),
            ("os_owned", "os2"),
            ("c", "c"),
            ("c_owned", "c2"),
            ("boxed", "/etc/app.toml"),
        ]
    );
    #[cfg(unix)]
    {
        let odd: &OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"a\xFFb");
        assert_fields!(|log| info!(log, "seen", odd = Path::new(odd)), [("odd", "a\u{FFFD}b")]);
    }
}

#[test]
fn collections_are_values() {
    use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, LinkedList, VecDeque};
    let by_text = HashMap::from([("k".to_owned(), 1)]);
    let by_number = BTreeMap::from([(-7, "a"), (8, "b")]);
    let nested = BTreeMap::from([('c', BTreeMap::from([(true, vec![1.5])]))]);
    let (queue, list) = (VecDeque::from([1, 2]), LinkedList::from(["x"]));
    let (set, hashed) = (BTreeSet::from([3, 4]), HashSet::from(["y"]));
    assert_fields!(
        |log: &Engine| info!(log, "seen", by_text, by_number, nested, queue, list, set, hashed),
        [
            ("by_text", "{\"k\":1}"),
            ("by_number", "{\"-7\":\"a\",\"8\":\"b\"}"),
            ("nested", "{\"c\":{\"true\":[1.5]}}"),
            ("queue", "[1,2]"),
            ("list", "[\"x\"]"),
            ("set", "[3,4]"),
            ("hashed", "[\"y\"]"),
        ]
    );
}

#[cfg(feature = "uuid")]
#[test]
fn a_uuid_is_a_value() {
    let id = uuid::Uuid::from_u128(0x67e5_5044_10b1_426f_9247_bb68_0e5f_e0c8);
    let text = "67e55044-10b1-426f-9247-bb680e5fe0c8";
    assert_fields!(
        |log: &Engine| info!(log, "seen", id, some = Some(id)),
        [("id", text), ("some", text)]
    );
}

#[cfg(feature = "http")]
#[test]
fn the_types_of_http_are_values() {
    use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, Version, header};
    let (method, status) = (Method::POST, StatusCode::NOT_FOUND);
    let uri: Uri = "https://shop.example/pay?id=7".parse().unwrap();
    let mut headers = HeaderMap::new();
    headers.append(header::ACCEPT, HeaderValue::from_static("text/html"));
    headers.append(header::ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(header::HOST, HeaderValue::from_static("shop.example"));
    let mut key = HeaderValue::from_static("not to be seen");
    key.set_sensitive(true);
    headers.insert("x-own", key);
    let odd = HeaderValue::from_bytes(b"a\xFFb").unwrap();
    assert_fields!(
        |log: &Engine| info!(
            log,
            "seen",
            method,
            status,
            version = Version::HTTP_2,
            uri,
            name = header::HOST,
            odd,
            headers
        ),
        [
            ("method", "POST"),
            ("status", "404"),
            ("version", "HTTP/2.0"),
            ("uri", "https://shop.example/pay?id=7"),
            ("name", "host"),
            ("odd", "a\u{FFFD}b"),
            (
                "headers",
                "{\"accept\":[\"text/html\",\"*/*\"],\"host\":\"shop.example\",\"x-own\":\"***REDACTED***\"}"
            ),
        ]
    );
}

#[cfg(not(ringseal_ecs))]
#[test]
fn flat_values_are_accepted_under_any_key() {
    let (user, url, err) = ("ada", "/pay", std::fmt::Error);
    assert_fields!(
        |log: &Engine| info!(log, "seen", user, url = %url, error = %err, ?err, host = "h1", service = 7),
        [
            ("user", "ada"),
            ("url", "/pay"),
            ("error", "an error occurred when formatting an argument"),
            ("err", "Error"),
            ("host", "h1"),
            ("service", "7"),
        ]
    );
    let bound = |log: &Engine| info!(log.logger().bind(fields! { http = 1, file = %url }), "seen");
    assert_fields!(bound, [("http", "1"), ("file", "/pay")]);
}

#[test]
fn an_absent_value_leaves_no_key() {
    let (some, none) = (Maybe(Some(7)), Maybe(None::<u64>));
    assert_fields!(|log: &Engine| info!(log, "seen", none), []);
    assert_fields!(
        |log: &Engine| info!(log, "seen", none, some, last = Maybe(Some("x"))),
        [("some", "7"), ("last", "x")]
    );
    assert_fields!(
        |log: &Engine| info!(log, "seen", a = Maybe(None::<&str>), b = 1, none),
        [("b", "1")]
    );
    assert_fields!(|log: &Engine| info!(log, "seen", all = [some, none]), [("all", "[7,null]")]);
    let map = Map(&[("none", &none), ("some", &some)]);
    assert_fields!(|log: &Engine| info!(log, "seen", map), [("map", "{\"some\":7}")]);
}

#[test]
fn an_absent_value_replaces_no_other_field() {
    let config = || Config::new().no_redaction().fields(fields! { user_id = "of all" });
    for (is_sorted, is_bound, expected) in [
        (false, false, "of all"),
        (false, true, "bound"),
        (true, false, "of all"),
        (true, true, "bound"),
    ] {
        let (engine, capture) = Capture::start_with(config().sort_keys(is_sorted));
        let log = engine.logger();
        let log = if is_bound { log.bind(fields! { user_id = "bound" }) } else { log };
        info!(log.bind(fields! { user_id = Maybe(None::<u64>) }), "bound_none");
        info!(log, "own_none", first = 1, user_id = Maybe(None::<u64>));
        info!(log, "own_some", user_id = Maybe(Some("own")));
        for (name, expected) in
            [("bound_none", expected), ("own_none", expected), ("own_some", "own")]
        {
            assert_eq!(capture.event(name).text("user_id"), expected, "{name} {is_sorted}");
        }
    }
}

#[test]
fn a_duration_ends_with_its_event() {
    let clock = Arc::new(ManualClock::at(1_795_360_160_000_000_000));
    let config = Config::new().clock_for_tests(Arc::clone(&clock) as Arc<dyn Clock>);
    let (engine, capture) = Capture::start_with(config);
    let start = Start::of(&*clock);
    clock.advance(1_234_567_890);
    info!(
        engine,
        "done",
        elapsed = since(start),
        duration_ms = since(start),
        t_us = [since(start)]
    );
    let event = capture.event("done");
    assert_eq!(
        ["elapsed", "duration_ms", "t_us"].map(|key| event.text(key)),
        ["1.23456789", "1234.56789", "[1234567.89]"]
    );
    let late = Start::of(&*clock);
    clock.step_to(1_795_360_160_000_000_000);
    info!(engine.logger().bind(fields! { bound = since(late) }), "clamped", x_ns = since(late));
    assert_eq!(capture.event("clamped").text("bound"), "null");

    // The clock of the machine.
    let (engine, capture) = Capture::start();
    let start = Start::now();
    std::hint::black_box((0..100_000u64).sum::<u64>());
    info!(engine, "timed", duration_ns = since(start));
    let nanos: f64 = capture.event("timed").text("duration_ns").parse().unwrap();
    assert!(nanos > 0.0 && nanos < 600e9, "{nanos}");
}
