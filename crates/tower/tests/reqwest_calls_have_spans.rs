//! reqwest's clients over a socket: headers, spans, errors.
#![cfg(feature = "reqwest")]
use std::net::SocketAddr;

use axum::Router;
use axum::http::HeaderMap;
use axum::response::Redirect;
use axum::routing::get;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use ringseal::testing::Capture;
use ringseal::{Context, Engine, WithContext, fields};
use ringseal_tower::ReqwestMiddleware;
use tokio::net::TcpListener;

async fn serve() -> SocketAddr {
    let text = |headers: HeaderMap| async move {
        let value =
            |name: &str| headers.get(name).map_or("-", |it| it.to_str().unwrap()).to_owned();
        format!("{} {}", value("traceparent"), value("x-request-id"))
    };
    let app = Router::new()
        .route("/headers", get(text))
        .route("/redirect", get(|| async { Redirect::temporary("/headers") }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

fn client(engine: &Engine) -> ClientWithMiddleware {
    // No proxy of the machine's environment.
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    ClientBuilder::new(client).with(ReqwestMiddleware::new(engine.logger())).build()
}

#[tokio::test]
async fn calls_have_headers_and_a_span() {
    let (engine, capture) = Capture::start();
    let address = serve().await;
    let context = Context::new().child().with(fields! { request_id = "r-17" });
    for path in ["headers?key=secret", "redirect"] {
        let call = client(&engine).get(format!("http://{address}/{path}")).send();
        let response = call.in_context(context.clone()).await.unwrap();
        let text = response.text().await.unwrap();
        let end = capture.events_named("span.end").pop().unwrap();
        let expected = format!("00-{}-{}-", end.text("trace_id"), end.text("span_id"));
        assert!(text.starts_with(&expected) && text.ends_with(" r-17"), "{text}");
        assert_eq!((end.text("span"), end.text("status")), ("httpx.request", "200"));
    }
    assert!(!capture.lines().concat().contains("secret"));
    assert_eq!(capture.events_named("span.start").len(), 2);
}

#[tokio::test]
async fn errors_are_logged_without_their_url() {
    let (engine, capture) = Capture::start();
    // A port that was free a moment ago, and on which the system's loopback refuses connections.
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let url = format!("http://user:word@{address}/?key=secret");
    let error = client(&engine).get(url).send().await.unwrap_err();
    assert!(error.is_connect());
    let event = capture.event("span.error");
    assert_eq!(event.text("error.message"), "error sending request");
    assert!(event.get("error.chain").is_some(), "{event:?}");
    assert_eq!(capture.event("span.end").text("outcome"), "error");
    let lines = capture.lines().concat();
    assert!(!lines.contains("secret") && !lines.contains("word"), "{lines}");
}
