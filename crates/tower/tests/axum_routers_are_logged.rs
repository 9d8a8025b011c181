//! The layer in axum's routers: templates of routes, extractors, bodies, over a socket too.
#![cfg(feature = "axum")]
mod support;

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Path};
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use ringseal::testing::Capture;
use ringseal::{Engine, fields, info};
use ringseal_tower::axum::{Log, ReportRoute};
use ringseal_tower::{HttpLayer, Problem, note};
use support::accesses;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer, ServiceExt};

async fn order(Log(log): Log, Path(id): Path<u32>) -> Result<String, Problem> {
    info!(log, "order_read", id);
    note(fields! { order.id = id });
    match id {
        7 => Ok("order 7".into()),
        8 => Err(Problem::new(StatusCode::NOT_FOUND)),
        _ => Err("x".parse::<u8>().unwrap_err().into()),
    }
}

fn router() -> Router {
    let orders = Router::new().route("/{id}", get(order)).fallback(|| async { StatusCode::GONE });
    Router::new()
        .nest("/orders", orders)
        .route("/echo", post(|body: String| async move { body }))
        .route("/any", any(|| async {}))
        .fallback(|| async { (StatusCode::NOT_FOUND, "no such page") })
}

async fn send(app: Router, uri: &str) -> (Response, String) {
    let request = Request::get(uri).body(Body::empty()).unwrap();
    let (head, body) = app.oneshot(request).await.unwrap().into_parts();
    let text = body.collect().await.unwrap().to_bytes();
    (Response::from_parts(head, Body::empty()), String::from_utf8(text.to_vec()).unwrap())
}

#[tokio::test]
async fn routes_are_templates_also_when_nested() {
    for is_outside in [false, true] {
        for (uri, route, status) in [
            ("/orders/7", Some("/orders/{id}"), 200),
            ("/orders/8", Some("/orders/{id}"), 404),
            ("/orders/9", Some("/orders/{id}"), 500),
            ("/orders/7/x", None, 410),
            ("/nowhere", None, 404),
            ("/any", Some("/any"), 200),
        ] {
            let (engine, capture) = Capture::start();
            let layer = HttpLayer::new(engine.logger());
            let response = match is_outside {
                false => send(router().layer(layer), uri).await.0,
                true => {
                    // Outside of the router, where no route is known yet.
                    let service = layer.layer(router().route_layer(ReportRoute));
                    let request = Request::get(uri).body(Body::empty()).unwrap();
                    let response = service.oneshot(request).await.unwrap();
                    response.map(Body::new)
                }
            };
            drop(response.into_body().collect().await);
            let access = capture.event("http.access");
            let name = format!("{is_outside} {uri} {access:?}");
            let found = access.get_text("route").filter(|route| !route.contains("/{*"));
            assert_eq!(found, route, "{name}");
            assert_eq!(access.text("status"), status.to_string(), "{name}");
        }
    }
}

#[tokio::test]
async fn handlers_get_the_logger_of_the_layer() {
    let (engine, capture) = Capture::start();
    let (response, text) = send(router().layer(HttpLayer::new(engine.logger())), "/orders/7").await;
    assert_eq!(text, "order 7");
    let (read, access) = (capture.event("order_read"), capture.event("http.access"));
    assert_eq!(response.headers()["x-request-id"], read.text("request_id"));
    assert_eq!((access.text("order.id"), access.text("bytes_out")), ("7", "7"));

    let (_, text) = send(router().layer(HttpLayer::new(engine.logger())), "/orders/9").await;
    assert_eq!(capture.event("http.problem").text("error.type"), "core::num::error::ParseIntError");
    assert!(
        text.contains(r#""title":"Internal Server Error","status":500,"trace_id":""#),
        "{text}"
    );
    // Without a layer.
    let (response, _) = send(router(), "/orders/7").await;
    assert_eq!(response.status(), 500);
}

#[tokio::test]
async fn panics_reach_no_other_layer() {
    let (engine, capture) = Capture::start();
    let app = Router::new().route("/", get(async || -> Response { panic!("a scripted panic") }));
    let (response, text) = send(app.layer(HttpLayer::new(engine.logger())), "/").await;
    assert_eq!((response.status().as_u16(), text.contains("scripted")), (500, false));
    assert_eq!(capture.event("http.access").text("outcome"), "panicked");
    let problem = Problem::internal().into_response();
    assert_eq!(problem.status(), 500);
}

/// Serves on a socket of the loopback interface.
async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let service = app.into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(listener, service).await.unwrap();
    });
    address
}

fn layer(engine: &Engine) -> HttpLayer {
    HttpLayer::new(engine.logger())
        .peer(|extensions| extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip()))
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
async fn sockets_end_exchanges_as_the_table_says() {
    let (engine, capture) = Capture::start();
    let endless = || async {
        let frames = std::iter::repeat_n(bytes::Bytes::from_static(&[b'x'; 1 << 16]), 10_000);
        Body::new(Frames(frames))
    };
    let app = router().route("/endless", get(endless)).layer(layer(&engine));
    let address = serve(app).await;

    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    for (method, uri, text) in
        [("GET", "/orders/7", "order 7"), ("HEAD", "/orders/7", ""), ("GET", "/any", "")]
    {
        let request = Request::builder().method(method).uri(uri).header("host", "localhost");
        let request = request.body(Empty::<bytes::Bytes>::new()).unwrap();
        sender.ready().await.unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), text);
    }
    drop(sender);
    connection.await.unwrap().unwrap();
    wait_for(&capture, 3).await;
    for access in accesses(&capture) {
        assert_eq!((access.text("outcome"), access.text("client.ip")), ("completed", "127.0.0.1"));
    }

    // A client that leaves while the body is sent.
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /endless HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    stream.read_exact(&mut [0; 1000]).await.unwrap();
    drop(stream);
    wait_for(&capture, 4).await;
    let access = &accesses(&capture)[3];
    assert_eq!((access.text("outcome"), access.text("status")), ("client_closed", "200"));

    // Bytes of the request.
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = "POST /echo HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("hello"));
    wait_for(&capture, 5).await;
    let access = &accesses(&capture)[4];
    assert_eq!((access.text("bytes_in"), access.text("bytes_out")), ("5", "5"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn upgrades_are_logged_when_they_happen() {
    let (engine, capture) = Capture::start();
    let upgrade = |request: Request<Body>| async {
        tokio::spawn(async {
            let io = hyper::upgrade::on(request).await.unwrap();
            let mut io = TokioIo::new(io);
            let mut byte = [0];
            while io.read_exact(&mut byte).await.is_ok() {
                io.write_all(&[byte[0] + 1]).await.unwrap();
            }
        });
        let headers = [("connection", "upgrade"), ("upgrade", "plus-one")];
        (StatusCode::SWITCHING_PROTOCOLS, headers)
    };
    let address = serve(Router::new().route("/up", get(upgrade)).layer(layer(&engine))).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head =
        "GET /up HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: plus-one\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await.unwrap());
    }
    wait_for(&capture, 1).await;
    let access = &accesses(&capture)[0];
    assert_eq!((access.text("outcome"), access.text("status")), ("upgraded", "101"));
    // The connection is still open.
    stream.write_all(b"a").await.unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), b'b');
    drop(stream);
    assert_eq!(accesses(&capture).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_on_threads_keep_their_ids() {
    const REQUESTS: usize = 1000;
    let (engine, capture) = Capture::start();
    let handler = |Log(log): Log, Path(number): Path<usize>| async move {
        for _ in 0..=number % 4 {
            info!(log, "polled", number);
            tokio::task::yield_now().await;
        }
        note(fields! { number = number });
        let spawned = ringseal::WithContext::in_current_context(async move {
            info!(log, "spawned", number);
        });
        tokio::spawn(spawned).await.unwrap();
        "done"
    };
    let app = Router::new().route("/{number}", get(handler));
    let app = app.layer(HttpLayer::new(engine.logger()));
    let call = |number: usize| {
        let request =
            Request::get(format!("/{number}")).header("x-request-id", format!("r-{number}"));
        let call = app.clone().oneshot(request.body(Body::empty()).unwrap());
        tokio::spawn(async { call.await.unwrap().into_body().collect().await.unwrap() })
    };
    let calls: Vec<_> = (0..REQUESTS).map(call).collect();
    for call in calls {
        call.await.unwrap();
    }
    let events = capture.events();
    for event in &events {
        assert_eq!(event.text("request_id"), format!("r-{}", event.text("number")));
    }
    let polls: usize = (0..REQUESTS).map(|number| number % 4 + 1).sum();
    assert_eq!((accesses(&capture).len(), events.len()), (REQUESTS, 2 * REQUESTS + polls));
}

/// A body of unknown length.
struct Frames<I>(I);

impl<I: Iterator<Item = bytes::Bytes> + Unpin> http_body::Body for Frames<I> {
    type Data = bytes::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, Self::Error>>> {
        std::task::Poll::Ready(self.0.next().map(|chunk| Ok(http_body::Frame::data(chunk))))
    }
}
