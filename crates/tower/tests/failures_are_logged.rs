//! Failures reach the client as documents without inner text, and the log with everything; nothing hides them.
mod support;

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use ringseal::testing::Capture;
use ringseal_tower::{HttpLayer, OnPanic, Problem};
use support::{accesses, finish, get, ok, read};
use tower::{Layer, Service, service_fn};

#[test]
fn panics_are_answered_without_their_text() {
    let (engine, capture) = Capture::start();
    let layer = HttpLayer::new(engine.logger());
    let handler = |request: Request<_>| async move {
        if request.method() != "NONE" {
            panic!("the inner text");
        }
        ok("")
    };
    let response = finish(layer.layer(service_fn(handler)).call(get("/pay"))).unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(response.headers()["x-request-id"].len(), 36);
    let document: serde_json::Value = serde_json::from_slice(&read(response.into_body())).unwrap();
    let (failure, access) = (capture.event("http.handler_panicked"), capture.event("http.access"));
    let expected = serde_json::json!({
        "type": "about:blank", "title": "Internal Server Error", "status": 500,
        "trace_id": access.text("trace_id"),
    });
    assert_eq!(document, expected);
    assert_eq!(failure.text("error.message"), "the inner text");
    assert_eq!(access.text("error.message"), "the inner text");
    assert_eq!(failure.level(), Some(ringseal::Level::Error));
    assert_eq!(access.level(), Some(ringseal::Level::Error));

    let layer = layer.on_panic(OnPanic::Resume);
    let call = || finish(layer.layer(service_fn(handler)).call(get("/pay")));
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).is_err());
    assert_eq!(accesses(&capture).len(), 2);
}

#[test]
fn errors_become_problems_only_if_asked() {
    let rows: [(u16, &str, &'static str, bool); 6] = [
        (404, "", "", true),
        (400, "text/plain; charset=utf-8", "inner text", true),
        (500, "TEXT/PLAIN", "inner text", true),
        (400, "application/json", "{}", false),
        (400, "application/problem+json", "{}", false),
        (200, "text/plain", "fine", false),
    ];
    for is_on in [true, false] {
        for (status, media_type, text, is_mapped) in rows {
            let (engine, _capture) = Capture::start();
            let handler = |_request| async move {
                let mut response = ok(text).unwrap();
                *response.status_mut() = StatusCode::from_u16(status).unwrap();
                let headers = response.headers_mut();
                headers.insert("content-type", media_type.parse().unwrap());
                headers.insert("content-length", text.len().into());
                headers.insert("retry-after", 7.into());
                Ok::<_, Infallible>(response)
            };
            let layer = HttpLayer::new(engine.logger()).problem_json(is_on);
            let response = finish(layer.layer(service_fn(handler)).call(get("/"))).unwrap();
            let name = format!("{is_on} {status} {media_type}");
            assert_eq!(
                (response.status().as_u16(), &response.headers()["retry-after"]),
                (status, &7.into())
            );
            let length = response.headers().get("content-length").cloned();
            let media = response.headers()["content-type"].clone();
            let body = read(response.into_body());
            if is_on && is_mapped {
                let document: serde_json::Value = serde_json::from_slice(&body).unwrap();
                assert_eq!((&document["status"], length), (&status.into(), None), "{name}");
                assert_eq!(media, "application/problem+json", "{name}");
                assert!(!document.to_string().contains("inner"), "{name}");
            } else {
                assert_eq!(
                    (body, media),
                    (Bytes::from(text), media_type.parse().unwrap()),
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn problems_log_what_they_do_not_say() {
    let (engine, capture) = Capture::start();
    let handler = |_request| async {
        let error = "x".parse::<u16>().unwrap_err();
        Ok::<_, Infallible>(Problem::from(error).response::<Full<Bytes>>())
    };
    let mut service = HttpLayer::new(engine.logger()).layer(service_fn(handler));
    let body = read(finish(service.call(get("/"))).unwrap().into_body());
    let event = capture.event("http.problem");
    assert_eq!(event.text("error.type"), "core::num::error::ParseIntError");
    assert!(event.get("error.stack_hash").is_some(), "{:?}", event);
    assert!(!String::from_utf8_lossy(&body).contains("digit"));
    assert_eq!(event.text("request_id"), capture.event("http.access").text("request_id"));
}

#[test]
fn skipped_paths_hide_no_error() {
    let (engine, capture) = Capture::start();
    let ends = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = std::sync::Arc::clone(&ends);
    let layer = HttpLayer::new(engine.logger()).skip(["/healthz"]).on_end(move |ended| {
        assert_eq!((ended.path, ended.method.as_str()), ("/healthz", "GET"));
        // ORDER: relaxed; one thread.
        counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    });
    for (status, expected) in [(200, 0), (302, 0), (404, 1), (503, 2)] {
        let handler = |_request| async move {
            let mut response = ok("").unwrap();
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            Ok::<_, Infallible>(response)
        };
        read(finish(layer.layer(service_fn(handler)).call(get("/healthz"))).unwrap().into_body());
        assert_eq!(accesses(&capture).len(), expected, "{status}");
    }
    let pending =
        service_fn(|_| std::future::pending::<Result<Response<Full<Bytes>>, Infallible>>());
    drop(layer.layer(pending).call(get("/healthz")));
    assert_eq!(accesses(&capture).len(), 3);
    // ORDER: relaxed; one thread.
    assert_eq!(ends.load(std::sync::atomic::Ordering::Relaxed), 5);
}

#[test]
fn callbacks_may_panic_anywhere() {
    let (engine, capture) = Capture::start();
    let layer = HttpLayer::new(engine.logger())
        .level(|_| panic!("a scripted panic"))
        .on_end(|_| panic!("a scripted panic"));
    let handler = |request: Request<_>| async move {
        if request.uri() == "/" {
            panic!("a scripted panic");
        }
        ok("done")
    };
    let resumed = layer.clone().on_panic(OnPanic::Resume);
    let mut service = resumed.layer(service_fn(handler));
    let call = || finish(service.call(get("/")));
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(call));
    assert!(caught.is_err());
    assert_eq!((accesses(&capture).len(), layer.counts().callbacks_panicked), (1, 2));
}

#[test]
fn destructors_that_panic_hide_no_event() {
    struct PanicsOnDrop;
    impl Drop for PanicsOnDrop {
        fn drop(&mut self) {
            if !std::thread::panicking() {
                panic!("a scripted panic");
            }
        }
    }
    let (engine, capture) = Capture::start();
    let handler = |request: Request<_>| async move {
        let _guard = PanicsOnDrop;
        if request.uri() == "/wait" {
            std::future::pending::<()>().await;
        }
        ok("done")
    };
    let mut service = HttpLayer::new(engine.logger()).layer(service_fn(handler));
    // A future that was abandoned: the panic reaches what has dropped it.
    let abandoned = std::panic::AssertUnwindSafe(|| {
        let mut future = Box::pin(service.call(get("/wait")));
        assert!(support::poll(future.as_mut()).is_pending());
    });
    assert!(std::panic::catch_unwind(abandoned).is_err());
    // One that has returned its response.
    let response = finish(service.call(get("/"))).unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    read(response.into_body());
    let outcomes: Vec<_> =
        accesses(&capture).iter().map(|event| event.text("outcome").to_owned()).collect();
    assert_eq!(outcomes, ["client_closed", "panicked"]);
}

#[test]
fn starts_and_ends_are_called_in_pairs() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
    let (engine, _capture) = Capture::start();
    let (open, calls) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicU64::new(0)));
    let (opened, closed, counted) = (Arc::clone(&open), Arc::clone(&open), Arc::clone(&calls));
    let layer = HttpLayer::new(engine.logger())
        .skip(["/"])
        .on_start(|_, _| panic!("a scripted panic"))
        .on_start(move |_, _| {
            // ORDER: relaxed; one thread.
            opened.fetch_add(1, Ordering::Relaxed);
        })
        .on_end(move |ended| {
            // ORDER: relaxed; one thread.
            closed.fetch_sub(1, Ordering::Relaxed);
            counted.fetch_add(u64::from(ended.method == "GET"), Ordering::Relaxed);
        });
    let handler = |request: Request<_>| async move {
        match request.uri().path() {
            "/panic" => panic!("a scripted panic"),
            "/wait" => std::future::pending().await,
            _ => ok("done"),
        }
    };
    let mut service = layer.layer(service_fn(handler));
    for uri in ["/", "/panic", "/wait", "/dropped"] {
        let mut future = Box::pin(service.call(get(uri)));
        if let std::task::Poll::Ready(response) = support::poll(future.as_mut())
            && uri != "/dropped"
        {
            read(response.unwrap().into_body());
        }
    }
    // ORDER: relaxed; one thread.
    assert_eq!((open.load(Ordering::Relaxed), calls.load(Ordering::Relaxed)), (0, 4));
    assert_eq!(layer.counts().callbacks_panicked, 4);
}
