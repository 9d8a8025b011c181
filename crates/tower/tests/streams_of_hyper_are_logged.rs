//! The layer around a service of hyper, with HTTP/2: concurrent streams on one connection, trailers, resets.
mod support;

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use ringseal::info;
use ringseal::testing::Capture;
use ringseal_tower::{HttpLayer, RequestBody};
use support::accesses;
use support::script::{Script, Step};
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer, service_fn};

const STREAMS: usize = 100;
/// Several of them fill the window of a stream.
const CHUNK: &str = include_str!("streams_of_hyper_are_logged.rs");

/// Serves one connection; the path says what a response is.
async fn serve(log: ringseal::Logger) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let layer = HttpLayer::new(log.clone());
    let handler = move |request: Request<RequestBody<Incoming>>| {
        let log = log.clone();
        async move {
            let path = request.uri().path().to_owned();
            info!(log, "handled", path = path.as_str());
            let steps = match path.as_str() {
                "/trailers" => vec![Step::Data("done"), Step::Trailers],
                "/endless" => vec![Step::Data(CHUNK); 10_000],
                "/fails" => vec![Step::Data("x"), Step::Fail],
                "/silent" => std::future::pending().await,
                _ => vec![Step::Pending, Step::Data("done")],
            };
            Ok::<_, Infallible>(Response::new(Script::of(&steps)))
        }
    };
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let service = TowerToHyperService::new(layer.layer(service_fn(handler)));
        let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        let _ = server.serve_connection(TokioIo::new(stream), service).await;
    });
    address
}

async fn connect(address: SocketAddr) -> SendRequest<Empty<Bytes>> {
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    sender
}

fn get(path: &str) -> Request<Empty<Bytes>> {
    let request =
        Request::get(format!("http://localhost{path}")).header("x-request-id", &path[1..]);
    request.body(Empty::new()).unwrap()
}

/// Waits until there are this many access events.
async fn wait_for(capture: &Capture, count: usize) {
    let start = std::time::Instant::now();
    while accesses(capture).len() < count {
        assert!(
            start.elapsed().as_secs() < 60,
            "expected {count} access events: {:?}",
            capture.lines()
        );
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_end_with_their_outcome() {
    let (engine, capture) = Capture::start();
    let mut sender = connect(serve(engine.logger()).await).await;
    let collected =
        sender.send_request(get("/trailers")).await.unwrap().into_body().collect().await;
    assert!(collected.unwrap().trailers().is_some());
    // The reset may come before the head of the response was read.
    if let Ok(response) = sender.send_request(get("/fails")).await {
        assert!(response.into_body().collect().await.is_err());
    }
    wait_for(&capture, 2).await;
    // Resets: of a stream whose body is sent, and of one that has no response yet.
    let mut body = Box::pin(sender.send_request(get("/endless")).await.unwrap().into_body());
    assert!(body.frame().await.unwrap().is_ok());
    drop(body);
    wait_for(&capture, 3).await;
    let silent = sender.send_request(get("/silent"));
    let silent = tokio::spawn(silent);
    while !capture.events_named("handled").iter().any(|event| event.text("path") == "/silent") {
        tokio::task::yield_now().await;
    }
    silent.abort();
    wait_for(&capture, 4).await;
    let events = accesses(&capture);
    let ends: Vec<_> = events
        .iter()
        .map(|event| (event.text("request_id"), event.text("outcome"), event.text("status")))
        .collect();
    let expected = [
        ("trailers", "completed", "200"),
        ("fails", "body_error", "200"),
        ("endless", "client_closed", "200"),
        ("silent", "client_closed", "499"),
    ];
    assert_eq!(ends, expected);
    assert_eq!(events[1].text("error.message"), "the disk is on fire");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_of_a_connection_keep_their_ids() {
    let (engine, capture) = Capture::start();
    let sender = connect(serve(engine.logger()).await).await;
    let call = |number: usize| {
        let mut sender = sender.clone();
        tokio::spawn(async move {
            let response = sender.send_request(get(&format!("/{number}"))).await.unwrap();
            assert_eq!(response.headers()["x-request-id"], number.to_string());
            response.into_body().collect().await.unwrap()
        })
    };
    for call in (0..STREAMS).map(call).collect::<Vec<_>>() {
        call.await.unwrap();
    }
    wait_for(&capture, STREAMS).await;
    let events = capture.events();
    assert_eq!(events.len(), 2 * STREAMS);
    for event in events {
        assert_eq!(event.text("path")[1..], *event.text("request_id"));
    }
}

/// A body of this layer can be that of any server.
#[test]
fn bodies_are_bodies_of_bytes() {
    fn is_body<B: Body<Data = Bytes> + Send + Sync>() {}
    is_body::<ringseal_tower::HttpBody<http_body_util::Full<Bytes>>>();
}
