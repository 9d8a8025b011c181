//! Calls to other services: one span an attempt, the headers of its trace, nothing secret of the URL.
mod support;

use std::convert::Infallible;
use std::error::Error;
use std::future::{pending, ready};
use std::io;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use ringseal::testing::Capture;
use ringseal::trace_context::TraceParent;
use ringseal::{Context, Level, WithContext, fields};
use ringseal_tower::{ClientLayer, HttpLayer};
use support::{finish, poll, read};
use tower::{Layer, Service, service_fn};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// A client that answers with the headers that it was sent.
fn mirror<B>(request: Request<B>) -> impl Future<Output = Result<Response<HeaderMap>, Infallible>> {
    ready(Ok(Response::new(request.headers().clone())))
}

fn call(uri: &str) -> Request<()> {
    Request::get(uri).body(()).unwrap()
}

#[test]
fn calls_carry_the_trace_of_their_request() {
    let (engine, capture) = Capture::start();
    let client = ClientLayer::new(engine.logger()).layer(service_fn(mirror));
    let handler = move |_request| {
        let mut client = client.clone();
        async move {
            let sent = client.call(call("http://user:word@stock/items?key=secret")).await.unwrap();
            let sent = sent.into_body();
            assert_eq!(sent["tracestate"], "a=1");
            assert_eq!(sent["x-request-id"], "r-17");
            let parent = TraceParent::parse(&sent["traceparent"]).unwrap();
            Ok::<_, Infallible>(Response::new(http_body_util::Full::<Bytes>::from(
                sent["traceparent"].to_str().unwrap().to_owned() + &parent.is_sampled().to_string(),
            )))
        }
    };
    let request = Request::get("/pay").header("traceparent", PARENT).header("tracestate", "a=1");
    let request =
        request.header("x-request-id", "r-17").body(http_body_util::Empty::<Bytes>::new());
    let mut service = HttpLayer::new(engine.logger()).layer(service_fn(handler));
    let sent = read(finish(service.call(request.unwrap())).unwrap().into_body());
    let (start, end, access) =
        (capture.event("span.start"), capture.event("span.end"), capture.event("http.access"));
    let expected = format!("00-{}-{}-", access.text("trace_id"), end.text("span_id"));
    assert!(sent.starts_with(expected.as_bytes()), "{sent:?}");
    assert_eq!(end.text("parent_span_id"), access.text("span_id"));
    assert_eq!((start.text("span"), start.text("method")), ("httpx.request", "GET"));
    assert_eq!(start.text("url"), "http://stock/items?key=***");
    assert_eq!(
        (end.text("kind"), end.text("outcome"), end.text("status")),
        ("client", "ok", "200")
    );
    assert_eq!(end.text("request_id"), "r-17");
    assert!(
        !capture.lines().concat().contains("secret") && !capture.lines().concat().contains("word")
    );
}

#[test]
fn headers_of_callers_stay() {
    let (engine, _capture) = Capture::start();
    let mut client = ClientLayer::new(engine.logger()).layer(service_fn(mirror));
    let mut request = call("http://stock/");
    request.headers_mut().insert("traceparent", PARENT.parse().unwrap());
    request.headers_mut().insert("x-request-id", "own".parse().unwrap());
    let context = Context::new().with(fields! { request_id = "r-17" });
    let sent = context.run(|| finish(client.call(request))).unwrap().into_body();
    assert_eq!(
        (&sent["traceparent"], &sent["x-request-id"]),
        (&PARENT.parse().unwrap(), &"own".parse().unwrap())
    );
    assert_eq!((sent.get("tracestate"), sent.len()), (None, 2));
}

#[test]
fn calls_outside_of_requests_begin_a_trace() {
    let (engine, capture) = Capture::start();
    let client =
        ClientLayer::new(engine.logger()).request_id_headers(["X-Correlation-Id"]).unwrap();
    let mut client = client.layer(service_fn(mirror));
    let sent = finish(client.call(call("http://stock/"))).unwrap().into_body();
    let parent = TraceParent::parse(&sent["traceparent"]).unwrap();
    let hex: String = parent.trace_id().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(capture.event("span.end").text("trace_id"), hex);
    assert!(sent.get("x-correlation-id").is_none());
    let context = Context::new().with(fields! { correlation_id = "c-1" });
    let sent = finish(client.call(call("http://stock/")).in_context(context.clone())).unwrap();
    assert!(sent.body().get("x-correlation-id").is_none(), "the headers are those of the call");
    let sent = context.run(|| finish(client.call(call("http://stock/")))).unwrap();
    assert_eq!(sent.body()["x-correlation-id"], "c-1");
}

#[test]
fn each_attempt_is_a_span() {
    let (engine, capture) = Capture::start();
    let mut attempts = 0;
    let flaky = service_fn(move |_request: Request<()>| {
        attempts += 1;
        ready(match attempts {
            1 => Err(io::Error::new(io::ErrorKind::ConnectionRefused, "no one listens")),
            2 => {
                let mut response = Response::new(());
                *response.status_mut() = http::StatusCode::FOUND;
                Ok(response)
            }
            _ => Ok(Response::new(())),
        })
    });
    let mut client = ClientLayer::new(engine.logger()).layer(flaky);
    let context = Context::new().child();
    let results: Vec<_> =
        context.run(|| (0..3).map(|_| finish(client.call(call("http://stock/")))).collect());
    assert_eq!(results[0].as_ref().unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    let ends = capture.events_named("span.end");
    let outcomes: Vec<_> =
        ends.iter().map(|end| (end.text("outcome"), end.get_text("status"))).collect();
    assert_eq!(outcomes, [("error", None), ("ok", Some("302")), ("ok", Some("200"))]);
    let spans: std::collections::BTreeSet<_> = ends.iter().map(|end| end.text("span_id")).collect();
    let traces: std::collections::BTreeSet<_> =
        ends.iter().map(|end| end.text("trace_id")).collect();
    assert_eq!((spans.len(), traces.len()), (3, 1));
    let error = capture.event("span.error");
    assert_eq!(error.text("error.type"), "std::io::Error(ConnectionRefused)");
    assert_eq!(error.level(), Some(Level::Error));
}

#[test]
fn boxed_errors_keep_their_chain() {
    let (engine, capture) = Capture::start();
    let failing = service_fn(|_request: Request<()>| {
        let error: Box<dyn Error + Send + Sync> = "x".parse::<u8>().unwrap_err().into();
        ready(Err::<Response<()>, _>(error))
    });
    let error =
        finish(ClientLayer::new(engine.logger()).layer(failing).call(call("http://stock/")));
    assert!(error.unwrap_err().is::<std::num::ParseIntError>());
    assert_eq!(capture.event("span.error").text("error.message"), "invalid digit found in string");
}

#[test]
fn abandoned_calls_are_cancelled() {
    let (engine, capture) = Capture::start();
    let silent = service_fn(|_request: Request<()>| pending::<Result<Response<()>, Infallible>>());
    let mut client = ClientLayer::new(engine.logger()).layer(silent);
    {
        let mut future = std::pin::pin!(client.call(call("http://stock/")));
        assert!(poll(future.as_mut()).is_pending());
    }
    assert_eq!(capture.event("span.end").text("outcome"), "cancelled");
}

#[test]
fn urls_fit_the_schema() {
    let config = ringseal::Config::new().ecs(ringseal::EcsOptions::new());
    let (engine, capture) = Capture::start_with(config);
    finish(
        ClientLayer::new(engine.logger()).layer(service_fn(mirror)).call(call("http://stock/a")),
    )
    .unwrap();
    let line = capture.lines().into_iter().find(|line| line.contains("span.end")).unwrap();
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (&line["url"]["full"], &line["span"]["name"]),
        (&"http://stock/a".into(), &"httpx.request".into())
    );
}
