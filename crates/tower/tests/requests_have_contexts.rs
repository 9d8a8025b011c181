//! Every event of a handler, of its body and of their destructors has the ids of its request, and of no other one.
mod support;

use std::convert::Infallible;
use std::pin::Pin;
use std::task::Poll;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Empty, Full};
use ringseal::testing::Capture;
use ringseal::trace_context::{Propagation, Trust};
use ringseal::{Context, Engine, fields, info};
use ringseal_tower::{
    ClientAddress, HttpLayer, IdKey, PeerAddress, Query, RequestIdHeaders, note, set_route,
    set_user,
};
use support::script::{Script, Step};
use support::{accesses, finish, get, ok, poll, read};
use tower::{Layer, Service, service_fn};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Calls a service that logs `handled`, and reads the response.
fn exchange<B: Body>(layer: HttpLayer, engine: &Engine, request: Request<B>) -> Response<Bytes> {
    let log = engine.logger();
    let handler = move |_request| {
        info!(log, "handled");
        async { ok("done") }
    };
    let response = finish(layer.layer(service_fn(handler)).call(request)).unwrap();
    let (head, body) = response.into_parts();
    Response::from_parts(head, read(body))
}

#[test]
fn handlers_log_with_the_ids_received() {
    let (engine, capture) = Capture::start();
    let request =
        Request::post("/pay").header("X-Request-ID", "r-17").header("traceparent", PARENT);
    let request = request.body(Empty::<Bytes>::new()).unwrap();
    let response = exchange(HttpLayer::new(engine.logger()), &engine, request);
    assert_eq!(response.headers()["x-request-id"], "r-17");
    let (handled, access) = (capture.event("handled"), capture.event("http.access"));
    assert_eq!(handled.text("request_id"), "r-17");
    assert_eq!(handled.text("trace_id"), "0af7651916cd43dd8448eb211c80319c");
    for key in ["request_id", "trace_id", "span_id"] {
        assert_eq!(handled.text(key), access.text(key));
    }
    assert_eq!(access.text("parent_span_id"), "b7ad6b7169203331");
    assert_eq!((access.text("method"), access.text("path")), ("POST", "/pay"));
    assert_eq!((access.text("status"), access.target()), ("200", "http"));
    assert!(access.text("duration_ms").parse::<f64>().unwrap() >= 0.0);
    assert!(access.get("ttfb_ms").is_some() && access.get("streamed").is_none());
}

#[test]
fn requests_without_ids_get_new_ones() {
    let (engine, capture) = Capture::start();
    let response = exchange(HttpLayer::new(engine.logger()), &engine, get("/"));
    let id = response.headers()["x-request-id"].to_str().unwrap();
    let handled = capture.event("handled");
    assert_eq!((handled.text("request_id"), id.len()), (id, 36));
    assert_eq!(handled.text("trace_id").len(), 32);
    assert!(capture.event("http.access").get("parent_span_id").is_none());
}

#[test]
fn hostile_ids_are_replaced_and_counted() {
    let (engine, capture) = Capture::start();
    let layer = HttpLayer::new(engine.logger());
    let long = "a".repeat(64 << 10);
    for id in [&b"\xff\xfe"[..], b"a b", b"x\"y", long.as_bytes()] {
        let value = http::HeaderValue::from_bytes(id).unwrap();
        let request = Request::get("/").header("x-request-id", value.clone());
        let request = request.header("x-request-id", value).header("user-agent", &b"\xff"[..]);
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        let response = exchange(layer.clone(), &engine, request);
        assert_eq!(response.headers()["x-request-id"].len(), 36);
        assert_eq!(response.headers().get_all("x-request-id").iter().count(), 1);
    }
    assert_eq!(layer.counts().ids_replaced, 4);
    assert_eq!(accesses(&capture).len(), 4);
}

#[test]
fn ids_have_the_configured_key_and_header() {
    let (engine, capture) = Capture::start();
    let ids = RequestIdHeaders::of(["X-TRACE-ID"]).unwrap().key(IdKey::TraceId);
    let layer = HttpLayer::new(engine.logger()).request_ids(ids);
    let request = Request::get("/").header("x-trace-id", "abc-123");
    let response = exchange(layer, &engine, request.body(Empty::<Bytes>::new()).unwrap());
    assert_eq!(response.headers()["x-trace-id"], "abc-123");
    let handled = capture.event("handled");
    assert_eq!((handled.text("trace_id"), handled.get("request_id")), ("abc-123", None));
}

#[test]
fn clients_are_known_through_trusted_proxies() {
    let (engine, capture) = Capture::start();
    let proxies = Trust::from_networks(["10.0.0.0/8"]).unwrap();
    let layer = HttpLayer::new(engine.logger())
        .client_address(ClientAddress::x_forwarded_for(proxies))
        .client_in_scope(true);
    let mut request = get("/");
    request.headers_mut().insert("x-forwarded-for", "1.1.1.1, 203.0.113.9".parse().unwrap());
    request.extensions_mut().insert(PeerAddress("10.0.0.1:80".parse().unwrap()));
    exchange(layer.clone(), &engine, request);
    assert_eq!(capture.event("handled").text("client.ip"), "203.0.113.9");
    let layer = layer.peer(|_| panic!("a scripted panic"));
    exchange(layer.clone(), &engine, get("/"));
    assert_eq!(layer.counts().callbacks_panicked, 1);
}

#[test]
fn the_flag_of_strangers_is_not_believed() {
    for (trust, expected) in [(Trust::Never, "00"), (Trust::Always, "01")] {
        let (engine, _capture) = Capture::start();
        let layer = HttpLayer::new(engine.logger()).propagation(Propagation::new().trust(trust));
        let handler = |_request| async {
            let outgoing = Context::current().outgoing().unwrap();
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(
                outgoing.traceparent().to_owned(),
            )))
        };
        let request = Request::get("/").header("traceparent", PARENT).body(Empty::<Bytes>::new());
        let service = &mut layer.layer(service_fn(handler));
        let body = read(finish(service.call(request.unwrap())).unwrap().into_body());
        assert_eq!(&body[3..35], &PARENT.as_bytes()[3..35]);
        assert_eq!(&body[53..], expected.as_bytes());
    }
}

#[test]
fn what_handlers_report_is_on_the_line() {
    let (engine, capture) = Capture::start();
    let log = engine.logger();
    let handler = move |_request| {
        let log = log.clone();
        async move {
            assert!(note(fields! { cart.items = 2, cart.currency = "KWD" }));
            assert!(note(fields! { cart.items = 3 }));
            assert!(set_route("/carts/{id}") && set_user("u-17"));
            info!(log, "seen");
            ok("done")
        }
    };
    let mut service = HttpLayer::new(engine.logger()).layer(service_fn(handler));
    read(finish(service.call(get("/carts/4"))).unwrap().into_body());
    let (seen, access) = (capture.event("seen"), capture.event("http.access"));
    assert_eq!((seen.text("user_id"), seen.get("cart.items")), ("u-17", None));
    assert_eq!((access.text("user_id"), access.text("cart.items")), ("u-17", "3"));
    assert_eq!((access.text("cart.currency"), access.text("route")), ("KWD", "/carts/{id}"));
    assert!(!note(fields! { late = true }) && !set_route("/") && !set_user("u-18"));
}

#[test]
fn notes_are_bounded_and_counted() {
    let (engine, capture) = Capture::start();
    let layer = HttpLayer::new(engine.logger());
    let handler = |_request| async {
        for number in 0..40 {
            note(fields! { number = number });
        }
        set_user(&"é".repeat(1000));
        ok("done")
    };
    read(finish(layer.layer(service_fn(handler)).call(get("/"))).unwrap().into_body());
    let access = capture.event("http.access");
    assert_eq!((access.text("number"), layer.counts().notes_refused), ("31", 8));
    assert_eq!(access.text("user_id").len(), 256);
}

#[test]
fn bodies_and_destructors_log_in_the_context() {
    thread_local! {
        static ENGINE: std::cell::RefCell<Option<Engine>> = const { std::cell::RefCell::new(None) };
    }
    fn log_drop() {
        ENGINE.with_borrow(|engine| info!(engine.as_ref().unwrap(), "dropped"));
    }
    struct OnDrop;
    impl Drop for OnDrop {
        fn drop(&mut self) {
            log_drop();
        }
    }
    let (engine, capture) = Capture::start();
    let mut service =
        HttpLayer::new(engine.logger()).layer(service_fn(|request: Request<_>| async move {
            let _on_drop = OnDrop;
            if request.uri() == "/pending" {
                std::future::pending::<()>().await;
            }
            let mut body = Script::of(&[Step::Data("0"), Step::Pending]);
            body.on_drop = Some(log_drop);
            Ok::<_, Infallible>(Response::new(body))
        }));
    ENGINE.set(Some(engine));
    {
        let mut future = std::pin::pin!(service.call(get("/pending")));
        assert!(poll(future.as_mut()).is_pending());
    }
    drop(finish(service.call(get("/body"))).unwrap());
    // Also of a body whose end has been logged before.
    read(finish(service.call(get("/whole"))).unwrap().into_body());
    let ids: Vec<_> =
        accesses(&capture).iter().map(|it| it.text("request_id").to_owned()).collect();
    let dropped = capture.events_named("dropped");
    let found: Vec<_> = dropped.iter().map(|event| event.text("request_id")).collect();
    assert_eq!(found, [&ids[0], &ids[1], &ids[1], &ids[2], &ids[2]]);
    ENGINE.take();
}

#[test]
fn forgotten_scopes_reach_no_access_event() {
    let (engine, capture) = Capture::start();
    let handler = |_request| async {
        std::mem::forget(Context::new().with(fields! { leaked = true }).enter());
        ok("done")
    };
    let mut service = HttpLayer::new(engine.logger()).layer(service_fn(handler));
    read(finish(service.call(get("/"))).unwrap().into_body());
    let access = capture.event("http.access");
    assert!(access.get("leaked").is_none() && access.get("request_id").is_some());
    info!(engine, "after");
    assert!(capture.event("after").get("request_id").is_none());
}

#[test]
fn queries_are_not_logged_by_value() {
    let (engine, capture) = Capture::start();
    for query in [Query::Names, Query::Omit, Query::Whole] {
        exchange(HttpLayer::new(engine.logger()).query(query), &engine, get("/a?page=7&x"));
    }
    let paths: Vec<_> = accesses(&capture).iter().map(|it| it.text("path").to_owned()).collect();
    assert_eq!(paths, ["/a?page=***&***", "/a", "/a?page=7&x"]);
}

#[test]
fn thousands_of_interleaved_requests_keep_their_ids() {
    const REQUESTS: usize = 1000;
    let (engine, capture) = Capture::start();
    let log = engine.logger();
    let handler = move |request: Request<_>| {
        let log = log.clone();
        let number: usize = request.uri().path()[1..].parse().unwrap();
        async move {
            let mut polls = 0;
            std::future::poll_fn(|_| {
                info!(log, "polled", number);
                polls += 1;
                if polls > number % 5 { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            note(fields! { number = number });
            ok("done")
        }
    };
    let mut service = HttpLayer::new(engine.logger()).layer(service_fn(handler));
    let call = |number: usize| {
        let request =
            Request::get(format!("/{number}")).header("x-request-id", format!("r-{number}"));
        Box::pin(service.call(request.body(Empty::<Bytes>::new()).unwrap()))
    };
    let mut open: Vec<_> = (0..REQUESTS).map(call).collect();
    let mut bodies = Vec::new();
    // A fixed order that visits the requests in a different one in each round.
    for round in 0.. {
        let mut still = Vec::new();
        let order = (0..open.len()).map(|index| (index * 7919 + round) % open.len().max(1));
        let order: Vec<_> = order.collect();
        let mut slots: Vec<_> = open.into_iter().map(Some).collect();
        for index in order {
            let Some(mut future) = slots[index].take() else { continue };
            match poll(future.as_mut()) {
                Poll::Ready(response) => bodies.push(response.unwrap().into_body()),
                Poll::Pending => still.push(future),
            }
        }
        open = slots.into_iter().flatten().chain(still).collect();
        if open.is_empty() {
            break;
        }
    }
    bodies.reverse();
    bodies.into_iter().for_each(|body| drop(read(body)));
    let events = capture.events();
    let mut accesses = 0;
    for event in events.iter().filter(|event| event.name() != "polled") {
        accesses += 1;
        assert_eq!(event.text("path")[1..], *event.text("number"));
    }
    for event in &events {
        assert_eq!(event.text("request_id"), format!("r-{}", event.text("number")));
    }
    assert_eq!(accesses, REQUESTS);
    assert_eq!(events.len(), REQUESTS + (0..REQUESTS).map(|number| number % 5 + 1).sum::<usize>());
}

#[test]
fn services_are_ready_when_the_inner_one_is() {
    #[derive(Default)]
    struct Strict {
        polls: u32,
        is_ready: bool,
    }
    impl Clone for Strict {
        /// A clone is not ready, whatever the original is.
        fn clone(&self) -> Strict {
            Strict::default()
        }
    }
    impl<B> Service<Request<B>> for Strict {
        type Response = Response<Full<Bytes>>;
        type Error = Infallible;
        type Future = std::future::Ready<Result<Response<Full<Bytes>>, Infallible>>;

        fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> Poll<Result<(), Infallible>> {
            self.polls += 1;
            self.is_ready = self.polls >= 3;
            if self.is_ready { Poll::Ready(Ok(())) } else { Poll::Pending }
        }

        fn call(&mut self, _request: Request<B>) -> Self::Future {
            assert!(std::mem::take(&mut self.is_ready), "called without being ready");
            std::future::ready(ok("done"))
        }
    }
    let (engine, capture) = Capture::start();
    let original = HttpLayer::new(engine.logger()).layer(Strict::default());
    for mut service in [original.clone(), original] {
        for expected in [false, false, true] {
            let ready = std::future::poll_fn(|waker| {
                Poll::Ready(
                    Service::<Request<Empty<Bytes>>>::poll_ready(&mut service, waker).is_ready(),
                )
            });
            assert_eq!(finish(ready), expected);
        }
        read(finish(service.call(get("/"))).unwrap().into_body());
    }
    assert_eq!(accesses(&capture).len(), 2);
    assert!(accesses(&capture).iter().all(|event| event.text("outcome") == "completed"));
}

#[test]
fn bytes_of_requests_are_counted_as_read() {
    let (engine, capture) = Capture::start();
    let handler = |request: Request<ringseal_tower::RequestBody<Script>>| async move {
        let mut body = Pin::from(Box::new(request.into_body()));
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(first, "0123");
        ok("done")
    };
    let body = Script::of(&[Step::Data("0123"), Step::Data("4567")]);
    let request = Request::post("/").body(body).unwrap();
    let mut service = HttpLayer::new(engine.logger()).layer(service_fn(handler));
    read(finish(service.call(request)).unwrap().into_body());
    assert_eq!(capture.event("http.access").text("bytes_in"), "4");
}

#[test]
fn streams_are_timed_to_their_end() {
    let (engine, capture) = Capture::start();
    let body = || Script::of(&[Step::Data("0"), Step::Pending, Step::Data("1")]);
    let handler = move |_request| async move { Ok::<_, Infallible>(Response::new(body())) };
    let mut service = HttpLayer::new(engine.logger()).layer(service_fn(handler));
    let response = finish(service.call(get("/"))).unwrap();
    assert!(accesses(&capture).is_empty());
    read(response.into_body());
    let access = capture.event("http.access");
    assert_eq!(access.text("streamed"), "true");
    let number = |key: &str| access.text(key).parse::<f64>().unwrap();
    assert!(number("ttfb_ms") <= number("duration_ms") + 0.001, "{access:?}");
}
