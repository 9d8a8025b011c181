//! The counted requests: a service that answers at once, with the HTTP layer around it and without. A request has no id
//! and no trace, so that the layer makes them; its events are discarded.
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{Empty, Full};
use ringseal::Engine;
use ringseal_tower::{HttpLayer, HttpService};
use tower_layer::Layer;
use tower_service::Service;

use crate::cases::{Case, Collect, config, finish, prepare};

/// The records of the longer run fit into the ring.
const REQUESTS: [u64; 2] = [500, 4_500];

/// The service without a layer; subtracted from the requests with one.
pub const BARE: Case = Case {
    name: "http_bare",
    title: "a request, no layer",
    events: REQUESTS,
    collect: Collect::Function("serve_without_layer"),
    log: |requests| serve_without_layer(&mut Orders, requests),
};

/// The rows of the table.
pub const CASES: &[Case] = &[
    Case {
        name: "http_layer",
        title: "what the HTTP layer adds to a request",
        events: REQUESTS,
        collect: Collect::Function("serve_with_layer"),
        log: serve,
    },
    Case {
        name: "writer_http",
        title: "the writer, its access event, redacted by default",
        events: REQUESTS,
        collect: Collect::Writer,
        log: serve,
    },
];

fn serve(requests: u64) -> Result<(), String> {
    let engine = Engine::start(config()).map_err(|error| error.to_string())?;
    prepare(&engine)?;
    let mut service = HttpLayer::new(engine.logger()).layer(Orders);
    serve_with_layer(&mut service, requests)?;
    finish(engine, requests)
}

/// Answers each request at once.
#[derive(Debug)]
struct Orders;

impl<B> Service<Request<B>> for Orders {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        ready(Ok(Response::new(Full::from(Bytes::from_static(b"done")))))
    }
}

#[inline(never)]
fn serve_without_layer(service: &mut Orders, requests: u64) -> Result<(), String> {
    exchange_all(service, requests)
}

#[inline(never)]
fn serve_with_layer(service: &mut HttpService<Orders>, requests: u64) -> Result<(), String> {
    exchange_all(service, requests)
}

/// Calls the service, and drains the bodies of its responses.
#[inline(always)]
fn exchange_all<S, B>(service: &mut S, requests: u64) -> Result<(), String>
where
    S: Service<Request<Empty<Bytes>>, Response = Response<B>, Error = Infallible>,
    B: Body,
{
    let waker = &mut Context::from_waker(Waker::noop());
    for _ in 0..requests {
        let request = Request::get("/orders/7?page=2").header("host", "shop.example");
        let request = request.header("user-agent", "curl/8.5.0").body(Empty::new());
        let request = request.map_err(|error| error.to_string())?;
        let Poll::Ready(Ok(response)) = pin!(service.call(black_box(request))).poll(waker) else {
            return Err("the service waits".to_owned());
        };
        let mut body = pin!(black_box(response).into_body());
        while let Poll::Ready(Some(Ok(frame))) = body.as_mut().poll_frame(waker) {
            black_box(frame.is_data());
        }
    }
    Ok(())
}
