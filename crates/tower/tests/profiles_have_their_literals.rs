//! The events of each profile, by name and field, as the documents that they come from write them.
mod support;

use std::fmt;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{Empty, Full};
use ringseal::testing::Capture;
use ringseal::{Config, EcsOptions, Engine, Level, info};
use ringseal_tower::{HttpLayer, IdKey, Profile, RequestBody, RequestIdHeaders};
use support::{finish, read};
use tower::{Layer, Service, service_fn};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[derive(Debug)]
struct Failed;

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the handler has failed")
    }
}

/// Answers as the path says: with a status, an error or a panic.
fn exchange(set: impl FnOnce(HttpLayer) -> HttpLayer, uri: &str) -> (Capture, String) {
    let (engine, capture) = Capture::start();
    let id = exchange_with(&engine, set, uri);
    (capture, id)
}

fn exchange_with(engine: &Engine, set: impl FnOnce(HttpLayer) -> HttpLayer, uri: &str) -> String {
    let log = engine.logger();
    let layer = set(HttpLayer::new(engine.logger()));
    let handler = move |request: Request<RequestBody<Empty<Bytes>>>| {
        let log = log.clone();
        async move {
            info!(log, "handled");
            let mut response = Response::new(Full::<Bytes>::from("done"));
            match &request.uri().path()[1..] {
                "fail" => return Err(Failed),
                "panic" => panic!("a scripted panic"),
                "wait" => std::future::pending().await,
                status => {
                    *response.status_mut() =
                        StatusCode::from_bytes(status.as_bytes()).unwrap_or(StatusCode::OK);
                }
            }
            Ok(response)
        }
    };
    let mut service = layer.layer(service_fn(handler));
    let request = Request::post(uri).header("traceparent", PARENT).header("x-trace-id", "abc-123");
    let request = request.header("user-agent", "curl/8").body(Empty::new()).unwrap();
    let mut future = Box::pin(service.call(request));
    if uri == "/wait" {
        assert!(support::poll(future.as_mut()).is_pending());
        return String::new();
    }
    let Ok(response) = finish(future) else { return String::new() };
    let id = response.headers().values().next().map(|id| id.to_str().unwrap().to_owned());
    read(response.into_body());
    id.unwrap_or_default()
}

fn names(capture: &Capture) -> Vec<String> {
    capture.events().iter().map(|event| event.name().to_owned()).collect()
}

#[test]
fn spans_begin_and_end_with_the_request() {
    let span = |layer: HttpLayer| {
        let ids = RequestIdHeaders::new().key(IdKey::CorrelationId);
        layer.profile(Profile::Span).request_ids(ids)
    };
    let (capture, id) = exchange(span, "/201?a=b");
    assert_eq!(names(&capture), ["span.start", "handled", "http.ok", "span.end"]);
    let events = capture.events();
    let (start, ok, end) = (&events[0], &events[2], &events[3]);
    assert_eq!((start.text("span"), start.text("path")), ("http.request", "/201"));
    assert_eq!(start.text("method"), "POST");
    assert_eq!((ok.text("path"), ok.text("span")), ("/201?a=***", "http.request"));
    let millis = ok.text("duration_ms");
    assert!(
        millis.parse::<f64>().is_ok() && millis.split('.').nth(1).is_none_or(|it| it.len() <= 3)
    );
    assert_eq!((end.text("outcome"), end.text("kind")), ("ok", "server"));
    assert_eq!(end.text("parent_span_id"), "b7ad6b7169203331");
    for event in &events {
        assert_eq!(event.text("trace_id"), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(event.text("span_id"), start.text("span_id"));
        assert_eq!(event.text("correlation_id"), "abc-123");
    }
    assert_eq!(id, "abc-123");
}

#[test]
fn spans_of_failures_have_their_outcome() {
    let span = |layer: HttpLayer| layer.profile(Profile::Span);
    let rows = [
        ("/fail", "http.error", "error", Level::Error),
        ("/panic", "http.error", "error", Level::Error),
        ("/503", "http.error", "ok", Level::Error),
        ("/404", "http.ok", "ok", Level::Warn),
        ("/wait", "http.ok", "cancelled", Level::Warn),
    ];
    for (uri, name, outcome, level) in rows {
        let (capture, _) = exchange(span, uri);
        let event = capture.event(name);
        assert_eq!(event.level(), Some(level), "{uri}");
        assert_eq!(capture.event("span.end").text("outcome"), outcome, "{uri}");
        let exception = match uri {
            "/fail" => Some("the handler has failed"),
            "/panic" => Some("a scripted panic"),
            _ => None,
        };
        assert_eq!(event.get_text("exception"), exception);
        let is_failure = ["/fail", "/panic"].contains(&uri);
        let expected = if is_failure { 5 } else { 4 };
        assert_eq!(capture.events().len(), expected, "{uri}: {:?}", names(&capture));
        assert_eq!(capture.events_named("span.error").len(), usize::from(is_failure), "{uri}");
    }
}

#[test]
fn messages_are_those_of_the_document() {
    let message = |layer: HttpLayer| {
        let ids = RequestIdHeaders::of(["X-Trace-Id"]).unwrap().key(IdKey::TraceId);
        layer.profile(Profile::Message).request_ids(ids)
    };
    let (capture, id) = exchange(message, "/201");
    assert_eq!(names(&capture), ["Request received", "handled", "Request completed"]);
    let (received, completed) =
        (capture.event("Request received"), capture.event("Request completed"));
    for event in [&received, &completed] {
        assert_eq!((event.text("http_method"), event.text("request_path")), ("POST", "/201"));
        assert_eq!((event.text("trace_id"), id.as_str()), ("abc-123", "abc-123"));
    }
    assert_eq!(completed.text("status_code"), "201");
    assert!(completed.text("duration_ms").parse::<u64>().is_ok());

    for uri in ["/fail", "/panic"] {
        let (capture, _) = exchange(message, uri);
        let event = capture.event("Unhandled exception");
        assert_eq!((event.text("http_method"), event.text("request_path")), ("POST", uri));
        assert_eq!(event.text("trace_id"), "abc-123");
        assert!(event.get("error.message").is_some());
        assert_eq!(capture.events_named("Request completed").len(), 1);
    }
}

#[test]
fn skipped_paths_have_no_first_event() {
    let (capture, _) = exchange(|layer| layer.profile(Profile::Message).skip(["/200"]), "/200");
    assert_eq!(names(&capture), ["handled"]);
    let (capture, _) = exchange(|layer| layer.profile(Profile::Span).skip(["/200"]), "/200");
    assert_eq!(names(&capture), ["handled"]);
    let (capture, _) = exchange(|layer| layer.profile(Profile::Span).skip(["/503"]), "/503");
    assert_eq!(names(&capture), ["handled", "http.error"]);
}

#[test]
fn fields_are_those_of_the_schema() {
    let config = Config::new().ecs(EcsOptions::new());
    let (engine, capture) = Capture::start_with(config);
    exchange_with(&engine, |layer| layer.profile(Profile::Ecs), "/404?a=b");
    let line = capture.lines().into_iter().find(|line| line.contains("http.access")).unwrap();
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["http"]["request"]["method"], "POST");
    assert_eq!(line["http"]["response"]["status_code"], 404);
    assert_eq!(line["http"]["response"]["body"]["bytes"], 4);
    assert_eq!((&line["url"]["path"], &line["url"]["query"]), (&"/404".into(), &"a=***".into()));
    assert_eq!(line["event"]["outcome"], "failure");
    assert!(line["event"]["duration"].as_u64().unwrap() > 1000, "{line}");
    assert_eq!(line["user_agent"]["original"], "curl/8");
    assert_eq!(line["trace"]["id"], "0af7651916cd43dd8448eb211c80319c");
}
