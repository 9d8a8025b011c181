//! What the tests share: bodies that follow a script, services without a runtime, a counting of events.
#![allow(dead_code, unused_imports)]
pub mod script;

use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Empty, Full};
use ringseal::testing::{Capture, CapturedEvent};

/// Polls once.
pub fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls until it is ready; the futures of the tests never wait for others.
pub fn finish<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    for _ in 0..1000 {
        if let Poll::Ready(output) = poll(future.as_mut()) {
            return output;
        }
    }
    panic!("the future is not ready after 1,000 polls");
}

/// The bytes of a body.
pub fn read<B: Body>(body: B) -> Bytes
where
    B::Error: std::fmt::Debug,
{
    finish(body.collect()).expect("a whole body").to_bytes()
}

/// A request without a body.
pub fn get(uri: &str) -> Request<Empty<Bytes>> {
    Request::get(uri).body(Empty::new()).expect("a request")
}

/// A response of status 200.
pub fn ok(text: &'static str) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::from(text)))
}

/// The access events.
pub fn accesses(capture: &Capture) -> Vec<CapturedEvent> {
    capture.events_named("http.access")
}
