//! The table of ends: whatever a handler and its body do, a request has exactly one access event, with its outcome.
mod support;

use std::fmt;
use std::future::{pending, ready};
use std::pin::pin;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::Empty;
use ringseal::testing::Capture;
use ringseal_tower::{HttpBody, HttpLayer, Outcome, RequestBody};
use support::script::{Script, Step};
use support::{accesses, poll};
use tower::{Layer, Service, service_fn};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Handler {
    Responds,
    Fails,
    Panics,
    PanicsInCall,
    WaitsAndIsDropped,
}

/// What the server does with the body: all servers drop it when they have what they need.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Server {
    ReadsToTheEnd,
    /// HTTP/1 with a known length.
    StopsAtTheLength,
    /// Responses without a body, upgrades.
    ReadsNothing,
    LosesItsClientBefore,
    LosesItsClientMidway,
}

struct Row {
    name: &'static str,
    method: Method,
    status: u16,
    body: fn() -> Script,
    length: Option<&'static str>,
    server: Server,
    expected: (Outcome, u64),
}

fn row(name: &'static str, body: fn() -> Script, server: Server, expected: (Outcome, u64)) -> Row {
    Row { name, method: Method::GET, status: 200, body, length: None, server, expected }
}

fn rows() -> Vec<Row> {
    use Outcome::*;
    use Server::*;
    use Step::*;
    let full = || Script::sized(&[Data("0123456789")]);
    let streamed = || Script::of(&[Data("01234"), Pending, Data("56789"), Pending]);
    vec![
        row("empty", || Script::sized(&[]), ReadsNothing, (Completed, 0)),
        row("empty, unknown", || Script::of(&[]), ReadsToTheEnd, (Completed, 0)),
        row("full", full, ReadsToTheEnd, (Completed, 10)),
        row("full, length", full, StopsAtTheLength, (Completed, 10)),
        row("streamed", streamed, ReadsToTheEnd, (Completed, 10)),
        row("trailers", || Script::of(&[Data("0"), Trailers]), StopsAtTheLength, (Completed, 1)),
        row(
            "sized, trailers",
            || Script::sized(&[Data("0"), Trailers]),
            ReadsToTheEnd,
            (Completed, 1),
        ),
        row("error at once", || Script::of(&[Fail]), ReadsToTheEnd, (BodyError, 0)),
        row(
            "error midway",
            || Script::of(&[Data("0"), Pending, Fail]),
            ReadsToTheEnd,
            (BodyError, 1),
        ),
        row("panic midway", || Script::of(&[Data("0"), Panic]), ReadsToTheEnd, (Panicked, 1)),
        row("dropped before", streamed, LosesItsClientBefore, (ClientClosed, 0)),
        row("dropped midway", streamed, LosesItsClientMidway, (ClientClosed, 5)),
        row("full, dropped before", full, LosesItsClientBefore, (ClientClosed, 0)),
        Row {
            length: Some("10"),
            ..row("announced length", streamed, StopsAtTheLength, (Completed, 10))
        },
        Row { length: Some("10"), ..row("cut", streamed, LosesItsClientMidway, (ClientClosed, 5)) },
        Row { method: Method::HEAD, ..row("HEAD", full, ReadsNothing, (Completed, 0)) },
        Row {
            method: Method::HEAD,
            ..row("HEAD, streamed", streamed, ReadsNothing, (Completed, 0))
        },
        Row { status: 204, ..row("204", || Script::of(&[]), ReadsNothing, (Completed, 0)) },
        Row { status: 304, ..row("304", full, ReadsNothing, (Completed, 0)) },
        Row { status: 404, ..row("404", full, ReadsToTheEnd, (Completed, 10)) },
        Row { status: 101, ..row("upgrade", || Script::of(&[]), ReadsNothing, (Upgraded, 0)) },
        Row {
            method: Method::CONNECT,
            ..row("CONNECT", || Script::of(&[]), ReadsNothing, (Upgraded, 0))
        },
    ]
}

#[derive(Debug)]
struct Failed;

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the handler has failed")
    }
}

/// Reads a body as a server does, with a catch around each poll as a runtime has it.
fn serve(body: HttpBody<Script>, row: &Row) {
    if row.server == Server::LosesItsClientBefore || row.server == Server::ReadsNothing {
        return;
    }
    let mut body = Box::pin(body);
    let mut sent = 0;
    for _ in 0..100 {
        if row.server == Server::StopsAtTheLength && (sent == 10 || body.is_end_stream()) {
            return;
        }
        let context = &mut std::task::Context::from_waker(std::task::Waker::noop());
        let polled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            body.as_mut().poll_frame(context)
        }));
        match polled {
            Ok(std::task::Poll::Pending) => {}
            Ok(std::task::Poll::Ready(Some(Ok(frame)))) => {
                sent += frame.data_ref().map_or(0, Bytes::len);
                if row.server == Server::LosesItsClientMidway {
                    return;
                }
            }
            Ok(std::task::Poll::Ready(None | Some(Err(_)))) | Err(_) => return,
        }
    }
    panic!("the body has no end");
}

fn run(handler: Handler, row: &Row) -> Capture {
    let (engine, capture) = Capture::start();
    let respond = |_request: Request<RequestBody<Empty<Bytes>>>| {
        if handler == Handler::PanicsInCall {
            panic!("a scripted panic");
        }
        let mut response = Response::new((row.body)());
        *response.status_mut() = StatusCode::from_u16(row.status).unwrap();
        if let Some(length) = row.length {
            response.headers_mut().insert(CONTENT_LENGTH, length.parse().unwrap());
        }
        async move {
            match handler {
                Handler::Responds => ready(Ok(response)).await,
                Handler::Fails => ready(Err(Failed)).await,
                Handler::WaitsAndIsDropped => pending().await,
                Handler::Panics | Handler::PanicsInCall => panic!("a scripted panic"),
            }
        }
    };
    let mut service = HttpLayer::new(engine.logger()).layer(service_fn(respond));
    let request = Request::builder().method(&row.method).uri("/pay").body(Empty::new()).unwrap();
    {
        let mut future = pin!(service.call(request));
        if let std::task::Poll::Ready(Ok(response)) = poll(future.as_mut()) {
            serve(response.into_body(), row);
        }
    }
    capture
}

#[test]
fn each_end_has_one_event_and_outcome() {
    std::panic::set_hook(Box::new(|_| {}));
    for handler in [
        Handler::Responds,
        Handler::Fails,
        Handler::Panics,
        Handler::PanicsInCall,
        Handler::WaitsAndIsDropped,
    ] {
        for row in rows() {
            let capture = run(handler, &row);
            let events = accesses(&capture);
            let name = format!("{handler:?}, {}: {:?}", row.name, capture.lines());
            assert_eq!(events.len(), 1, "{name}");
            let event = &events[0];
            let (outcome, status) = match handler {
                Handler::Responds => (row.expected.0, Some(row.status.to_string())),
                Handler::Fails => (Outcome::HandlerError, None),
                Handler::Panics | Handler::PanicsInCall => (Outcome::Panicked, Some("500".into())),
                Handler::WaitsAndIsDropped => (Outcome::ClientClosed, Some("499".into())),
            };
            assert_eq!(event.text("outcome"), outcome.as_str(), "{name}");
            assert_eq!(event.get_text("status").map(str::to_owned), status, "{name}");
            if handler == Handler::Responds {
                assert_eq!(event.text("bytes_out"), row.expected.1.to_string(), "{name}");
            }
            let failures = ["http.handler_panicked", "http.handler_failed"]
                .map(|name| capture.events_named(name));
            let is_failure = !matches!(handler, Handler::Responds | Handler::WaitsAndIsDropped);
            assert_eq!(failures.concat().len(), usize::from(is_failure), "{name}");
            for failure in failures.concat() {
                for key in ["trace_id", "span_id", "request_id"] {
                    assert_eq!(failure.text(key), event.text(key), "{name}");
                }
            }
        }
    }
}

#[test]
fn futures_without_a_poll_are_logged() {
    let (engine, capture) = Capture::start();
    let never = service_fn(|_: Request<RequestBody<Empty<Bytes>>>| {
        pending::<Result<Response<Script>, Failed>>()
    });
    let mut service = HttpLayer::new(engine.logger()).layer(never);
    drop(service.call(support::get("/pay")));
    let events = accesses(&capture);
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].text("outcome"), events[0].text("status")), ("client_closed", "499"));
}
