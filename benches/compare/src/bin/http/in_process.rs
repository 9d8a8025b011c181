//! Requests without a network: `oneshot` of a service, and its body drained. Requests are made before the clock starts,
//! and have no id, so that each layer makes one.

use std::convert::Infallible;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{Empty, Full};
use serde_json::json;
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::stack::{Stack, Started, opentelemetry_layer, ringseal_layer, tower_http_layers};
use crate::stats::Summary;
use crate::{BATCH, Measured, counting, sys, tsc};

/// What the service answers with.
const BODY: &[u8] = b"done";

/// Requests after which the thread pauses, so that none waits for a full ring or queue.
const PAUSE_AFTER: usize = 4_000;

type Call = Request<Empty<Bytes>>;

async fn handle<B>(_: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::from(Bytes::from_static(BODY))))
}

/// Measures a candidate.
pub fn measure(stack: Stack, started: &Started, batches: usize) -> Result<Measured, String> {
    match (stack, started) {
        (Stack::Bare, _) => run(stack, service_fn(handle), batches),
        (Stack::Ringseal, Started::Ringseal(engine)) => {
            run(stack, ringseal_layer(engine).layer(service_fn(handle)), batches)
        }
        (Stack::TowerHttp, _) => run(stack, tower_http_layers().layer(service_fn(handle)), batches),
        (Stack::OpenTelemetry, _) => {
            run(stack, opentelemetry_layer().layer(service_fn(handle)), batches)
        }
        (Stack::Ringseal, _) => Err("ringseal was not started".to_owned()),
    }
}

fn run<S, B>(stack: Stack, service: S, batches: usize) -> Result<Measured, String>
where
    S: Service<Call, Response = Response<B>, Error = Infallible> + Clone,
    B: Body,
{
    let tsc_hz = tsc::calibrate(Duration::from_millis(100));
    sys::pin(sys::PRODUCER_CORE)?;
    check_one(stack, &service)?;
    let warm = batches / 10 + 1;
    time(&service, warm)?;
    let before = sys::threads_cpu_ns()?;
    let Timed { ticks, allocations } = time(&service, batches)?;
    // The writer finishes its work.
    std::thread::sleep(Duration::from_millis(50));
    let cpu_ns = sys::threads_cpu_ns()? - before;
    let requests = (batches * BATCH) as f64;
    Ok(Measured {
        requests: (1 + (warm + batches) * BATCH) as u64,
        record: json!({
            "call": Summary::of(ticks, 1e9 / tsc_hz / BATCH as f64),
            "call_allocations": allocations as f64 / requests,
            "cpu_ns_per_event": cpu_ns as f64 / requests,
        }),
    })
}

struct Timed {
    /// Of each batch.
    ticks: Vec<u64>,
    /// Of all requests, by the thread that makes them.
    allocations: u64,
}

fn time<S, B>(service: &S, batches: usize) -> Result<Timed, String>
where
    S: Service<Call, Response = Response<B>, Error = Infallible> + Clone,
    B: Body,
{
    let mut timed = Timed { ticks: vec![0; batches], allocations: 0 };
    let mut requests = Vec::with_capacity(BATCH);
    for batch in 0..batches {
        requests.extend((0..BATCH).map(|index| request(batch * BATCH + index)));
        let mut answers = Ok(());
        let allocations = counting::count();
        let begin = tsc::start();
        for request in requests.drain(..) {
            answers = answers.and(exchange(service, black_box(request)));
        }
        timed.ticks[batch] = tsc::stop() - begin;
        timed.allocations += counting::count() - allocations;
        answers?;
        if ((batch + 1) * BATCH).is_multiple_of(PAUSE_AFTER) {
            std::thread::sleep(Duration::from_millis(4));
        }
    }
    Ok(timed)
}

/// A request with one of 256 paths.
fn request(index: usize) -> Call {
    let request = Request::get(format!("/orders/{}?page=2", index % 256));
    let request = request.header("host", "shop.example").header("user-agent", "curl/8.5.0");
    request.body(Empty::new()).unwrap_or_default()
}

/// One request, and its response with the body.
fn exchange<S, B>(service: &S, request: Call) -> Result<(), &'static str>
where
    S: Service<Call, Response = Response<B>, Error = Infallible> + Clone,
    B: Body,
{
    let (status, bytes) = finish(respond(service, request)?)?;
    match (status, bytes) {
        (StatusCode::OK, bytes) if bytes == BODY.len() => Ok(()),
        _ => Err("a response has another status or length than it should"),
    }
}

fn respond<S, B>(service: &S, request: Call) -> Result<Response<B>, &'static str>
where
    S: Service<Call, Response = Response<B>, Error = Infallible> + Clone,
{
    let waker = &mut Context::from_waker(Waker::noop());
    match pin!(service.clone().oneshot(request)).poll(waker) {
        Poll::Ready(Ok(response)) => Ok(response),
        Poll::Ready(Err(never)) => match never {},
        Poll::Pending => Err("the service waits"),
    }
}

/// The status, and the bytes of the drained body.
fn finish<B: Body>(response: Response<B>) -> Result<(StatusCode, usize), &'static str> {
    let waker = &mut Context::from_waker(Waker::noop());
    let (status, mut bytes) = (response.status(), 0);
    let mut body = pin!(response.into_body());
    loop {
        match body.as_mut().poll_frame(waker) {
            Poll::Ready(Some(Ok(frame))) => {
                bytes += frame.data_ref().map_or(0, |data| data.remaining());
            }
            Poll::Ready(None) => return Ok((status, bytes)),
            Poll::Ready(Some(Err(_))) => return Err("a body has an error"),
            Poll::Pending => return Err("a body waits"),
        }
    }
}

/// The first request; checks that its response has an id if it should.
fn check_one<S, B>(stack: Stack, service: &S) -> Result<(), String>
where
    S: Service<Call, Response = Response<B>, Error = Infallible> + Clone,
    B: Body,
{
    let response = respond(service, request(0))?;
    let has_id = response.headers().contains_key("x-request-id");
    finish(response)?;
    match has_id == stack.has_ids() {
        true => Ok(()),
        false => Err(format!("a response of {} with an id: {has_id}", stack.name())),
    }
}
